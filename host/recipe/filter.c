/* SPDX-License-Identifier: MIT
 * filter: the table, and what is alike for all of its rows. Owns nothing.
 */
#include "recipe/filter_parts.h"

#include "base/nearest.h"
#include "recipe/form.h"

enum takes { NONE, ESCAPES, OPTIONAL };

struct filter {
    const char *name;
    enum err (*work)(const struct filter_call *c, struct span *out);
    enum takes takes;
    bool keyed;
};

static const struct filter filters[] = {
#define X(name, work, takes, keyed) {name, work, takes, keyed},
#include "recipe/filters.tbl"
#undef X
};
static const char *const names[] = {
#define X(name, work, takes, keyed) name,
#include "recipe/filters.tbl"
#undef X
};

enum { FILTERS = sizeof filters / sizeof *filters };

static const struct filter *find(struct span name)
{
    for (size_t i = 0; i < FILTERS; i++)
        if (span_eq_str(name, filters[i].name))
            return &filters[i];
    return NULL;
}

/* "3A" or "3A,2F". */
static bool are_escapes(struct span s)
{
    for (; s.n >= 2; s = span_skip(s, 3)) {
        const char text[] = {'%', s.p[0], s.p[1]};
        if (form_escape(span_of(text, sizeof text), 0) < 0 || (s.n > 2 && (s.p[2] != ',' || s.n == 3)))
            return false;
        if (s.n == 2)
            return true;
    }
    return false;
}

enum err filter_parse(struct span text, struct filter_use *out, struct why *w)
{
    const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
    struct span name = span_of(text.p, colon ? (size_t)(colon - text.p) : text.n);
    struct span argument = colon ? span_skip(text, name.n + 1) : SPAN_NONE;
    const struct filter *f = find(name);
    if (!f) {
        const char *near = nearest_word(name, names, FILTERS);
        return why_set(w, ERR_INVALID, "'%.*s' is not a filter%s%s", (int)name.n, name.p, near ? ", did you mean " : "",
                       near ? near : "");
    }
    if (argument.p && f->takes == NONE)
        return why_set(w, ERR_INVALID, "the filter %s takes no argument", f->name);
    if (argument.p && f->takes == ESCAPES && !are_escapes(argument))
        return why_set(w, ERR_INVALID, "the argument of %s must be bytes in hexadecimal, such as 3A,2F", f->name);
    *out = (struct filter_use){f, argument};
    return ERR_OK;
}

bool filter_binds(const struct filter_use *f)
{
    static const char *const losing[] = {"crc32",   "lower",      "trim",         "percent-decode",
                                         "as-type", "basic-user", "without-query"};
    for (size_t i = 0; i < sizeof losing / sizeof *losing; i++)
        if (strcmp(f->filter->name, losing[i]) == 0)
            return false;
    return true;
}

bool filter_takes_form(const struct filter_use *f)
{
    return f->filter->work == filter_form_sorted || f->filter->work == filter_plivo_v3_form;
}

bool filter_needs_key(const struct filter_use *f)
{
    return f->filter->keyed;
}

enum err filter_done(const struct filter_call *c, const struct buf *b, struct span *out)
{
    struct span text = arena_close(c->a, b);
    if (!text.p)
        return ERR_NO_ROOM;
    *out = text;
    return ERR_OK;
}

enum err filter_apply(const struct filter_use *f, const struct filter_key *key, struct span in, struct arena *a,
                      struct span *out)
{
    if (f->filter->keyed && !key)
        return ERR_INVALID;
    const struct filter_call call = {in, f->argument, key, a};
    return f->filter->work(&call, out);
}
