/* SPDX-License-Identifier: MIT
 * facts: a list of parsed texts in a block of its own.
 */
#include "recipe/facts.h"

#include <stdlib.h>

#include "recipe/value.h"

enum { MEMORY_BYTES = 16 * 1024 };

struct facts {
    struct arena memory;
    size_t n;
    struct text list[];
};

enum err facts_new(const char *const *texts, size_t n, struct facts **out, struct why *w)
{
    struct facts *f = calloc(1, sizeof *f + n * sizeof f->list[0]);
    if (!f || !arena_init(&f->memory, MEMORY_BYTES)) {
        free(f);
        return why_set(w, ERR_NO_MEMORY, "out of memory for references");
    }
    const struct value_scope scope = {.memory = &f->memory, .defaults = true};
    for (; f->n < n; f->n++) {
        enum err e = value_fact(&scope, span_str(texts[f->n]), &f->list[f->n], w);
        if (e != ERR_OK) {
            facts_free(f);
            return e;
        }
    }
    *out = f;
    return ERR_OK;
}

void facts_free(struct facts *f)
{
    if (f)
        arena_fini(&f->memory);
    free(f);
}

static bool ask(const struct facts *f, enum ref_kind one, enum ref_kind other)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < f->list[i].n; k++)
            if (f->list[i].pieces[k].kind == one || f->list[i].pieces[k].kind == other)
                return true;
    return false;
}

bool facts_ask_json(const struct facts *f)
{
    return ask(f, REF_JSON, REF_MEMBER_NAME);
}

bool facts_ask_path(const struct facts *f)
{
    return ask(f, REF_SEGMENT, REF_SEGMENT);
}

enum err facts_find(const struct facts *f, const struct recipe_request *q, bool is_json, struct arena *a,
                    struct span *out)
{
    struct view v;
    view_init(&v, NULL, q, a);
    v.body_json = is_json ? JSON_GOOD : JSON_BAD;
    for (size_t i = 0; i < f->n; i++) {
        const struct ref *missing;
        struct span value = SPAN_NONE;
        enum err e = value_join(&v, &f->list[i], &value, &missing);
        if (e == ERR_NO_ROOM || value.n > FACT_BYTES)
            return ERR_NO_ROOM;
        if (e == ERR_MALFORMED_REQUEST)
            return e;
        if (e == ERR_OK && value.n > 0) {
            *out = value;
            return ERR_OK;
        }
    }
    *out = SPAN_NONE;
    return ERR_OK;
}
