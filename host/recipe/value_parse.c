/* SPDX-License-Identifier: MIT
 * value_parse: the text of references and texts into struct ref. Runs when a recipe or a configuration is loaded; never
 * on a request.
 */
#include <ctype.h>

#include "base/json.h"
#include "base/nearest.h"
#include "recipe/value.h"

enum follows { NOTHING, HEADER, FIELD, POINTER, NAME, NUMBER };
enum used { ANYWHERE, PROOF, FACTS };
static const struct word {
    const char *text;
    enum ref_kind kind;
    enum follows follows;
    enum used used;
} words[] = {
#define X(kind, word, follows, called, used) {word, REF_##kind, follows, used},
#include "recipe/references.tbl"
#undef X
};
static const char *const word_names[] = {
#define X(kind, word, follows, called, used) word,
#include "recipe/references.tbl"
#undef X
};
enum { N_WORDS = sizeof words / sizeof *words };

bool value_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!(c < 0x80 && isalnum(c)) && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

enum err value_header_slot(struct recipe *r, struct span name, int *slot, struct why *w)
{
    bool family = name.n > 1 && name.p[name.n - 1] == '*';
    if (!value_token(name))
        return why_set(w, ERR_INVALID, "'%.*s' is not a header name", (int)name.n, name.p);
    if (family)
        name.n--;
    for (size_t i = 0; i < r->n_headers; i++) {
        if (span_eq_nocase(r->headers[i].name, name) && r->headers[i].family == family) {
            *slot = (int)i;
            return ERR_OK;
        }
    }
    if (r->n_headers == RECIPE_HEADERS_MAX)
        return why_set(w, ERR_INVALID, "more than %d headers", RECIPE_HEADERS_MAX);
    r->headers[r->n_headers] = (struct header_slot){.name = name, .family = family};
    *slot = (int)r->n_headers++;
    return ERR_OK;
}

static enum err field_slot(struct recipe *r, struct span name, int *slot, struct why *w)
{
    if (!value_token(name))
        return why_set(w, ERR_INVALID, "'%.*s' is not an element's name", (int)name.n, name.p);
    for (size_t i = 0; i < r->n_fields; i++) {
        if (span_eq(r->fields[i], name)) {
            *slot = (int)i;
            return ERR_OK;
        }
    }
    if (r->n_fields == RECIPE_FIELDS_MAX)
        return why_set(w, ERR_INVALID, "more than %d elements", RECIPE_FIELDS_MAX);
    r->fields[r->n_fields] = name;
    *slot = (int)r->n_fields++;
    return ERR_OK;
}

/* A number from 1 to 99, or 0. */
static unsigned char number(struct span s)
{
    unsigned n = 0;
    if (s.n == 0 || s.n > 2)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        n = n * 10 + (unsigned)(s.p[i] - '0');
    }
    return (unsigned char)n;
}

static enum err set_header(const struct value_scope *s, struct ref *out, struct why *w)
{
    if (s->r && !s->defaults)
        return value_header_slot(s->r, out->what, &out->slot, w);
    out->slot = SLOT_BY_NAME;
    return value_token(out->what)
               ? ERR_OK
               : why_set(w, ERR_INVALID, "'%.*s' is not a header name", (int)out->what.n, out->what.p);
}

/* Pointers that find no slot are looked up one by one. */
static enum err set_pointer(const struct value_scope *s, struct ref *out, struct why *w)
{
    out->slot = SLOT_BY_NAME;
    if (!json_pointer_valid(out->what))
        return why_set(w, ERR_INVALID, "'%.*s' is not a JSON pointer like /data/id", (int)out->what.n, out->what.p);
    if (s->r && !s->defaults && out->kind == REF_JSON)
        json_find_add(&s->r->in_body, out->what, &out->slot);
    if (s->r && !s->defaults && out->kind == REF_ITEM)
        json_find_add(&s->r->in_item, out->what, &out->slot);
    return ERR_OK;
}

static bool known_param(const struct recipe *r, struct span name)
{
    for (size_t i = 0; i < r->params.n; i++)
        if (span_eq_str(name, r->params.list[i]))
            return true;
    return false;
}

static enum err note_param(const struct value_scope *s, struct span name, struct why *w)
{
    struct recipe *r = s->r;
    if (!r || known_param(r, name))
        return ERR_OK;
    if (!r->params.list)
        r->params.list = arena_alloc(s->memory, RECIPE_WORDS_MAX * sizeof *r->params.list);
    if (!r->params.list || r->params.n == RECIPE_WORDS_MAX)
        return why_set(w, ERR_INVALID, "more than %d parameters", RECIPE_WORDS_MAX);
    r->params.list[r->params.n++] = name.p;
    return ERR_OK;
}

/* What stands behind the word, and what the recipe has to know about it. */
static enum err take_what(const struct value_scope *s, const struct word *word, struct ref *out, struct why *w)
{
    struct span what = out->what;
    switch (word->follows) {
    case NOTHING:
        break;
    case HEADER:
        return set_header(s, out, w);
    case FIELD:
        return s->r ? field_slot(s->r, what, &out->slot, w)
                    : why_set(w, ERR_INVALID, "field: has a meaning in recipes only");
    case POINTER:
        return set_pointer(s, out, w);
    case NAME:
        if (what.n == 0)
            return why_set(w, ERR_INVALID, "something must stand behind '%s'", word->text);
        break;
    case NUMBER:
        out->number = number(what);
        if (out->number == 0)
            return why_set(w, ERR_INVALID, "a path segment is a number from 1 to 99");
        break;
    }
    if (s->r && (word->kind == REF_URL || word->kind == REF_PATH))
        s->r->needs_url = s->r->needs_url || !s->defaults;
    return word->kind == REF_PARAM ? note_param(s, what, w) : ERR_OK;
}

/* Longest words first: "path:2" is no "path". */
static const struct word *find_word(struct span text)
{
    const struct word *found = NULL;
    for (size_t i = 0; i < N_WORDS; i++) {
        bool fits = words[i].follows == NOTHING ? span_eq_str(text, words[i].text)
                                                : span_starts(text, span_str(words[i].text));
        if (fits && (!found || strlen(words[i].text) > strlen(found->text)))
            found = &words[i];
    }
    return found;
}

static enum err unknown(const struct value_scope *s, struct span text, struct why *w)
{
    const char *colon = memchr(text.p, ':', text.n);
    struct span word = colon ? span_of(text.p, (size_t)(colon - text.p) + 1) : text;
    const char *near = nearest_word(word, word_names, N_WORDS);
    return why_set(w, ERR_INVALID, "'%.*s' refers to nothing known%s%s (%s)", (int)text.n, text.p,
                   near ? ", did you mean " : "", near ? near : "",
                   s->defaults ? "json:/POINTER, header:NAME, path:N, const:TEXT, form:NAME, query:NAME, …"
                               : "body, method, url, header:NAME, field:NAME, json:/POINTER, form:NAME, …");
}

static enum err take_filters(struct span rest, struct ref *out, struct why *w)
{
    while (rest.n > 0) {
        rest = span_skip(rest, 1); /* the bar */
        const char *bar = memchr(rest.p, '|', rest.n);
        size_t n = bar ? (size_t)(bar - rest.p) : rest.n;
        if (out->n_filters == REF_FILTERS_MAX)
            return why_set(w, ERR_INVALID, "more than %d filters", REF_FILTERS_MAX);
        enum err e = filter_parse(span_of(rest.p, n), &out->filters[out->n_filters], w);
        if (e != ERR_OK)
            return e;
        out->n_filters++;
        rest = span_skip(rest, n);
    }
    return ERR_OK;
}

enum err value_ref(const struct value_scope *s, struct span text, struct ref *out, struct why *w)
{
    struct span kept = arena_copy(s->memory, text);
    if (!kept.p)
        return why_set(w, ERR_NO_ROOM, "no room for '%.*s'", (int)text.n, text.p);
    /* Constants may hold bars, header names too; a filter's name follows the bar. */
    const struct word *word = find_word(kept);
    bool constant = word && word->kind == REF_TEXT;
    const char *bar = constant ? NULL : memchr(kept.p, '|', kept.n);
    struct span head = bar ? span_of(kept.p, (size_t)(bar - kept.p)) : kept;
    if (!word)
        word = find_word(head);
    if (!word || (word->used == PROOF && s->defaults) || (word->used == FACTS && !s->defaults))
        return unknown(s, text, w);
    struct ref ref = {.kind = word->kind, .what = span_skip(head, strlen(word->text))};
    if (bar && ref.what.n > 0) { /* names are used as terminated texts */
        ref.what = arena_copy(s->memory, ref.what);
        if (!ref.what.p)
            return why_set(w, ERR_NO_ROOM, "no room for '%.*s'", (int)text.n, text.p);
    }
    enum err e = take_what(s, word, &ref, w);
    if (e == ERR_OK && bar)
        e = take_filters(span_skip(kept, head.n), &ref, w);
    if (e == ERR_OK)
        *out = ref;
    return e;
}

struct parser {
    const struct value_scope *scope;
    struct span rest;
    struct ref pieces[RECIPE_PIECES_MAX];
    size_t n;
    unsigned char groups, group; /* so many segments began; the running one */
    struct why *w;
};

static enum err add(struct parser *p, struct ref ref)
{
    if (p->n == RECIPE_PIECES_MAX)
        return why_set(p->w, ERR_INVALID, "more than %d pieces", RECIPE_PIECES_MAX);
    ref.group = p->group;
    p->pieces[p->n++] = ref;
    return ERR_OK;
}

static bool at(const struct parser *p, const char *mark)
{
    return span_starts(p->rest, span_str(mark));
}

static enum err add_literal(struct parser *p)
{
    size_t n = 0;
    while (n < p->rest.n) {
        struct span here = span_skip(p->rest, n);
        if (here.p[0] == '{' || span_starts(here, SPAN_LIT("[[")) || (p->group && span_starts(here, SPAN_LIT("]]"))))
            break;
        n++;
    }
    struct span text = arena_copy(p->scope->memory, span_of(p->rest.p, n));
    p->rest = span_skip(p->rest, n);
    return text.p ? add(p, (struct ref){.kind = REF_LITERAL, .what = text})
                  : why_set(p->w, ERR_NO_ROOM, "no room for this text");
}

static enum err add_reference(struct parser *p)
{
    struct ref ref;
    const char *close = memchr(p->rest.p, '}', p->rest.n);
    if (!close)
        return why_set(p->w, ERR_INVALID, "'{' without '}' (a brace itself is written '{{')");
    size_t n = (size_t)(close - p->rest.p);
    enum err e = value_ref(p->scope, span_of(p->rest.p + 1, n - 1), &ref, p->w);
    p->rest = span_skip(p->rest, n + 1);
    return e == ERR_OK ? add(p, ref) : e;
}

static enum err next_piece(struct parser *p)
{
    if (at(p, "[[")) {
        if (p->group || p->groups == UINT8_MAX)
            return why_set(p->w, ERR_INVALID, "'[[' inside of '[['");
        p->group = ++p->groups;
        p->rest = span_skip(p->rest, 2);
        return ERR_OK;
    }
    if (p->group && at(p, "]]")) {
        p->group = 0;
        p->rest = span_skip(p->rest, 2);
        return ERR_OK;
    }
    if (at(p, "{{")) {
        p->rest = span_skip(p->rest, 2);
        return add(p, (struct ref){.kind = REF_LITERAL, .what = SPAN_LIT("{")});
    }
    return p->rest.p[0] == '{' ? add_reference(p) : add_literal(p);
}

enum err value_text(const struct value_scope *s, struct span text, struct text *out, struct why *w)
{
    struct parser p = {.scope = s, .rest = text, .w = w};
    while (p.rest.n > 0) {
        enum err e = next_piece(&p);
        if (e != ERR_OK)
            return e;
    }
    if (p.group)
        return why_set(w, ERR_INVALID, "'[[' without ']]'");
    if (p.n == 0)
        p.pieces[p.n++] = (struct ref){.kind = REF_LITERAL, .what = SPAN_LIT("")};
    struct ref *pieces = arena_alloc(s->memory, p.n * sizeof *pieces);
    if (!pieces)
        return why_set(w, ERR_NO_ROOM, "no room for this text");
    memcpy(pieces, p.pieces, p.n * sizeof *pieces);
    *out = (struct text){pieces, p.n};
    return ERR_OK;
}

enum err value_fact(const struct value_scope *s, struct span text, struct text *out, struct why *w)
{
    static const struct span join = SPAN_LIT("join:");
    if (span_starts(text, join))
        return value_text(s, span_skip(text, join.n), out, w);
    struct ref *one = arena_alloc(s->memory, sizeof *one);
    if (!one)
        return why_set(w, ERR_NO_ROOM, "no room for '%.*s'", (int)text.n, text.p);
    enum err e = value_ref(s, text, one, w);
    if (e == ERR_OK)
        *out = (struct text){one, 1};
    return e;
}
