/* SPDX-License-Identifier: MIT
 * compare: sets of old schemas, the walk over the new one's keywords, and the findings.
 */
#include "schema/compare_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/uri.h"

enum { MEMORY_BYTES = 256 << 10, WHERE_BYTES = 1 << 16, COVER_COST = 16 };

/* ---- sides ---- */

bool is_boolean(const struct tape *t, uint32_t node, bool which)
{
    return t->nodes[node].type == (which ? JSON_TRUE : JSON_FALSE);
}

uint32_t side_keyword(const struct side *s, uint32_t schema, enum keyword k)
{
    struct span name = span_str(keyword_text(k));
    if (s->tape.nodes[schema].type != JSON_OBJECT || keyword_find(name, s->draft) != k)
        return 0;
    bool alone = s->draft == SCHEMA_DRAFT_07 && k != KEYWORD_REF && k != KEYWORD_DEFINITIONS;
    if (alone && tape_member(&s->tape, schema, SPAN_LIT("$ref"), hash_name(SPAN_LIT("$ref"), 0)))
        return 0; /* draft-07: beside $ref nothing counts */
    return tape_member(&s->tape, schema, name, hash_name(name, 0));
}

static uint32_t root_member(const struct side *s, const char *name)
{
    struct span n = span_str(name);
    return s->tape.nodes[0].type == JSON_OBJECT ? tape_member(&s->tape, 0, n, hash_name(n, 0)) : 0;
}

static uint32_t follow(const struct tape *t, struct span pointer)
{
    struct buf token;
    uint32_t node = 0;
    bool there = true;
    buf_init(&token, 4096);
    while (pointer.n > 0 && there) {
        pointer = span_skip(pointer, 1);
        buf_clear(&token);
        for (; pointer.n > 0 && *pointer.p != '/'; pointer = span_skip(pointer, 1)) {
            bool escape = *pointer.p == '~' && pointer.n > 1;
            buf_putc(&token, !escape ? *pointer.p : pointer.p[1] == '1' ? '/' : '~');
            pointer = span_skip(pointer, escape);
        }
        node = tape_step(t, node, buf_span(&token));
        there = node != 0 && !token.failed;
    }
    buf_fini(&token);
    return there ? node : 0;
}

bool side_resolve(const struct side *s, uint32_t schema, uint32_t *target)
{
    uint32_t ref = side_keyword(s, schema, KEYWORD_REF);
    struct buf b;
    if (!ref || s->tape.nodes[ref].type != JSON_STRING)
        return false;
    struct span text = tape_text(&s->tape, ref);
    *target = 0;
    if (span_eq_str(text, "#"))
        return true;
    if (!span_starts(text, SPAN_LIT("#/")))
        return false;
    buf_init(&b, WHERE_BYTES);
    uri_decode(span_skip(text, 1), &b);
    *target = follow(&s->tape, buf_span(&b));
    buf_fini(&b);
    return *target != 0;
}

static bool is_plain(const struct side *s)
{
    uint32_t id = root_member(s, "$id"), draft = root_member(s, "$schema");
    for (uint32_t i = 1; i < s->tape.n; i++)
        if ((i != id && span_eq_str(tape_name(&s->tape, i), "$id")) ||
            (i != draft && span_eq_str(tape_name(&s->tape, i), "$schema")))
            return false;
    return true;
}

static enum err side_read(struct side *s, struct span text, enum schema_draft draft, struct arena *memory)
{
    enum err e = tape_build(text, 0, memory, &s->tape);
    if (e != ERR_OK)
        return e;
    s->text = text;
    s->draft = draft;
    s->plain = is_plain(s);
    uint32_t says = root_member(s, "$schema");
    if (says)
        s->draft =
            memmem(s->tape.nodes[says].text, s->tape.nodes[says].n, "draft-07", 8) ? SCHEMA_DRAFT_07 : SCHEMA_2020_12;
    return ERR_OK;
}

/* ---- the same ---- */

/* A $ref means the same in both texts where all definitions are the same and it leads to one. */
static bool refers_alike(const struct comparison *c, uint32_t new)
{
    const struct tape *t = &c->new.tape;
    for (uint32_t i = new; i < t->nodes[new].next; i++)
        if (span_eq_str(tape_name(t, i), "$ref") && (!c->same_definitions || !c->old.plain || !c->new.plain ||
                                                     (!span_starts(tape_text(t, i), SPAN_LIT("#/$defs/")) &&
                                                      !span_starts(tape_text(t, i), SPAN_LIT("#/definitions/")))))
            return false;
    return true;
}

bool compare_same(struct comparison *c, uint32_t old, uint32_t new)
{
    return c->old.draft == c->new.draft && c->work > 0 && value_equal(&c->old.tape, old, &c->new.tape, new, &c->work) &&
           refers_alike(c, new);
}

/* All definitions of both texts, which refer to nothing but definitions. */
static void find_same_definitions(struct comparison *c)
{
    static const char *const names[] = {"$defs", "definitions"};
    bool same = true;
    for (size_t i = 0; i < 2; i++) {
        uint32_t old = root_member(&c->old, names[i]), new = root_member(&c->new, names[i]);
        same &= !old == !new && (!old || value_equal(&c->old.tape, old, &c->new.tape, new, &c->work));
    }
    c->same_definitions = same;
    for (size_t i = 0; i < 2; i++) {
        uint32_t new = root_member(&c->new, names[i]);
        c->same_definitions &= !new || refers_alike(c, new);
    }
}

/* ---- sets ---- */

static bool set_has(const struct set *s, uint32_t node)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->node[i] == node)
            return true;
    return false;
}

static void set_put(const struct comparison *c, struct set *s, uint32_t node)
{
    if (is_boolean(&c->old.tape, node, false))
        s->never = true;
    if (c->old.tape.nodes[node].type != JSON_OBJECT || s->n == SET_MAX || set_has(s, node))
        return;
    s->node[s->n++] = node;
    s->types &= side_types(&c->old, node, 0);
}

void set_add(const struct comparison *c, struct set *s, uint32_t node)
{
    const struct tape *t = &c->old.tape;
    unsigned from = s->n;
    set_put(c, s, node);
    for (; from < s->n; from++) {
        uint32_t target, all = side_keyword(&c->old, s->node[from], KEYWORD_ALL_OF);
        if (side_resolve(&c->old, s->node[from], &target))
            set_put(c, s, target);
        for (uint32_t i = all + 1; all && i < t->nodes[all].next; i = t->nodes[i].next)
            set_put(c, s, i);
    }
    s->never |= s->types == 0;
}

static bool set_eq(const struct set *a, const struct set *b)
{
    return a->n == b->n && a->n_splits == b->n_splits && a->types == b->types &&
           memcmp(a->node, b->node, a->n * sizeof *a->node) == 0;
}

/* ---- findings ---- */

static bool is_told(const struct schema_changes *out, const struct schema_change *one)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct schema_change *e = &out->list[i];
        if (span_eq(e->where, one->where) && span_eq(e->pointer, one->pointer) && e->keyword == one->keyword &&
            span_eq(e->message, one->message))
            return true;
    }
    return false;
}

static bool tell(struct comparison *c, uint32_t at, const char *keyword, bool undecided, const char *message)
{
    struct schema_changes *out = c->out;
    if (c->quiet)
        return false;
    struct buf b = arena_open(&out->memory);
    tape_pointer(&c->new.tape, at, &b);
    struct schema_change one = {.undecided = undecided, .keyword = keyword, .pointer = arena_close(&out->memory, &b)};
    one.where = arena_copy(&out->memory, buf_span(&c->where));
    one.message = arena_copy(&out->memory, span_str(message));
    if (one.pointer.p && one.where.p && one.message.p && is_told(out, &one))
        return false;
    out->more |= out->n == SCHEMA_CHANGES_MAX || !one.pointer.p || !one.where.p || !one.message.p;
    if (!out->more)
        out->list[out->n++] = one;
    return false;
}

static bool __attribute__((format(printf, 5, 0)))
tell_of(struct comparison *c, uint32_t at, enum keyword k, bool undecided, const char *fmt, va_list ap)
{
    char message[256];
    vsnprintf(message, sizeof message, fmt, ap);
    return tell(c, at, keyword_text(k), undecided, message);
}

bool compare_refused(struct comparison *c, uint32_t at, enum keyword k, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool told = tell_of(c, at, k, false, fmt, ap);
    va_end(ap);
    return told;
}

bool compare_undecided(struct comparison *c, uint32_t at, enum keyword k, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool told = tell_of(c, at, k, true, fmt, ap);
    va_end(ap);
    return told;
}

/* ---- the walk ---- */

static const struct {
    compare_fn *run;
    unsigned types; /* a set that allows none of them need not be asked */
} parts[KEYWORD_COUNT] = {
    [KEYWORD_REF] = {compare_ref, T_ALL},
    [KEYWORD_TYPE] = {compare_type, T_ALL},
    [KEYWORD_CONST] = {compare_enum, T_ALL},
    [KEYWORD_ENUM] = {compare_enum, T_ALL},
    [KEYWORD_MULTIPLE_OF] = {compare_multiple, T_NUMBER},
    [KEYWORD_MAXIMUM] = {compare_bound, T_NUMBER},
    [KEYWORD_EXCLUSIVE_MAXIMUM] = {compare_bound, T_NUMBER},
    [KEYWORD_MINIMUM] = {compare_bound, T_NUMBER},
    [KEYWORD_EXCLUSIVE_MINIMUM] = {compare_bound, T_NUMBER},
    [KEYWORD_MAX_LENGTH] = {compare_size, T_STRING},
    [KEYWORD_MIN_LENGTH] = {compare_size, T_STRING},
    [KEYWORD_PATTERN] = {compare_pattern, T_STRING},
    [KEYWORD_FORMAT] = {compare_format, T_STRING},
    [KEYWORD_MAX_ITEMS] = {compare_size, T_ARRAY},
    [KEYWORD_MIN_ITEMS] = {compare_size, T_ARRAY},
    [KEYWORD_PREFIX_ITEMS] = {compare_items, T_ARRAY},
    [KEYWORD_ITEMS] = {compare_items, T_ARRAY},
    [KEYWORD_ADDITIONAL_ITEMS] = {compare_items, T_ARRAY},
    [KEYWORD_CONTAINS] = {compare_contains, T_ARRAY},
    [KEYWORD_UNIQUE_ITEMS] = {compare_unique, T_ARRAY},
    [KEYWORD_MAX_PROPERTIES] = {compare_size, T_OBJECT},
    [KEYWORD_MIN_PROPERTIES] = {compare_size, T_OBJECT},
    [KEYWORD_REQUIRED] = {compare_required, T_OBJECT},
    [KEYWORD_PROPERTIES] = {compare_properties, T_OBJECT},
    [KEYWORD_PATTERN_PROPERTIES] = {compare_pattern_properties, T_OBJECT},
    [KEYWORD_ADDITIONAL_PROPERTIES] = {compare_additional, T_OBJECT},
    [KEYWORD_PROPERTY_NAMES] = {compare_names, T_OBJECT},
    [KEYWORD_DEPENDENCIES] = {compare_dependencies, T_OBJECT},
    [KEYWORD_DEPENDENT_REQUIRED] = {compare_dependencies, T_OBJECT},
    [KEYWORD_DEPENDENT_SCHEMAS] = {compare_dependencies, T_OBJECT},
    [KEYWORD_ALL_OF] = {compare_all_of, T_ALL},
    [KEYWORD_ANY_OF] = {compare_any_of, T_ALL},
    [KEYWORD_ONE_OF] = {compare_one_of, T_ALL},
    [KEYWORD_NOT] = {compare_not, T_ALL},
    [KEYWORD_IF] = {compare_if, T_ALL},
    [KEYWORD_UNEVALUATED_ITEMS] = {compare_unevaluated_items, T_ARRAY},
    [KEYWORD_UNEVALUATED_PROPERTIES] = {compare_unevaluated_properties, T_OBJECT},
};

static bool covers_keywords(struct comparison *c, const struct set *old, uint32_t new)
{
    const struct tape *t = &c->new.tape;
    unsigned types = old->types & side_types(&c->new, new, 0);
    bool all = true;
    for (uint32_t i = new + 1; i < t->nodes[new].next && (all || !c->quiet); i = t->nodes[i].next) {
        enum keyword k = keyword_find(tape_name(t, i), c->new.draft);
        if (k == KEYWORD_COUNT || !parts[k].run)
            continue;
        unsigned asked =
            parts[k].types == T_ALL ? old->types : types; /* those tell of the types that this schema loses */
        if ((asked & parts[k].types) && side_keyword(&c->new, new, k) == i)
            all &= parts[k].run(c, old, new, k, i);
    }
    return all;
}

/* Every branch of an anyOf or oneOf of the set by itself. */
static bool covers_branches(struct comparison *c, const struct set *old, uint32_t branches, uint32_t new)
{
    const struct tape *t = &c->old.tape;
    bool all = true;
    for (uint32_t i = branches + 1; i < t->nodes[branches].next && (all || !c->quiet); i = t->nodes[i].next) {
        struct set one = *old;
        one.split[one.n_splits++] = branches;
        set_add(c, &one, i);
        all &= compare_covers(c, &one, new);
    }
    return all;
}

static bool is_split(const struct set *s, uint32_t branches)
{
    for (unsigned i = 0; i < s->n_splits; i++)
        if (s->split[i] == branches)
            return true;
    return s->n_splits == SPLITS_MAX;
}

static uint32_t find_branches(const struct comparison *c, const struct set *old)
{
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t any = side_keyword(&c->old, old->node[i], KEYWORD_ANY_OF),
                 one = side_keyword(&c->old, old->node[i], KEYWORD_ONE_OF);
        if (any && !is_split(old, any))
            return any;
        if (one && !is_split(old, one))
            return one;
    }
    return 0;
}

static bool covers_object(struct comparison *c, const struct set *old, uint32_t new)
{
    bool quiet = c->quiet;
    c->quiet = true;
    bool all = covers_keywords(c, old, new);
    c->quiet = quiet;
    uint32_t branches = all ? 0 : find_branches(c, old);
    if (branches)
        return covers_branches(c, old, branches, new);
    return all || (!quiet && covers_keywords(c, old, new));
}

static bool is_assumed(const struct comparison *c, const struct set *old, uint32_t new)
{
    for (unsigned i = 0; i < c->depth; i++)
        if (c->stack[i].new == new &&set_eq(&c->stack[i].old, old))
            return true;
    return false;
}

static bool is_same_as_one(struct comparison *c, const struct set *old, uint32_t new)
{
    for (unsigned i = 0; i < old->n; i++)
        if (compare_same(c, old->node[i], new))
            return true;
    return false;
}

bool compare_covers(struct comparison *c, const struct set *old, uint32_t new)
{
    const struct tape *t = &c->new.tape;
    if (old->never || is_boolean(t, new, true) || is_assumed(c, old, new))
        return true;
    if (is_boolean(t, new, false))
        return tell(c, new, c->keyword, false, "any value here");
    if ((c->work -= COVER_COST) <= 0 || c->depth == COMPARE_DEPTH)
        return tell(c, new, c->keyword, true, "the schemas are too large or too deep to be compared from here on");
    if (is_same_as_one(c, old, new))
        return true;
    c->stack[c->depth].old = *old;
    c->stack[c->depth++].new = new;
    bool covered = covers_object(c, old, new);
    c->depth--;
    return covered;
}

bool compare_covers_quietly(struct comparison *c, const struct set *old, uint32_t new)
{
    bool quiet = c->quiet;
    c->quiet = true;
    bool covered = compare_covers(c, old, new);
    c->quiet = quiet;
    return covered;
}

bool compare_below(struct comparison *c, const struct set *old, uint32_t new, const char *keyword,
                   const struct span *token)
{
    size_t n = c->where.n;
    const char *outer = c->keyword;
    c->keyword = keyword;
    buf_putc(&c->where, '/');
    if (!token)
        buf_putc(&c->where, '*');
    for (size_t i = 0; token && i < token->n; i++)
        if (token->p[i] == '~' || token->p[i] == '/')
            buf_puts(&c->where, token->p[i] == '~' ? "~0" : "~1");
        else
            buf_putc(&c->where, token->p[i]);
    bool covered = compare_covers(c, old, new);
    c->where.n = n;
    c->keyword = outer;
    return covered;
}

static enum err compile(struct span text, enum schema_draft draft, const char *which, struct why *w)
{
    struct schema_options options = {.draft = draft};
    struct schema *s;
    struct why inner;
    enum err e = schema_compile(text, &options, &s, &inner);
    if (e != ERR_OK)
        return why_set(w, e, "%s: %s", which, inner.text);
    schema_free(s);
    return ERR_OK;
}

static void compare_whole(struct comparison *c)
{
    struct set whole = {.types = T_ALL};
    if (!c->old.plain || !c->new.plain) {
        (void)compare_undecided(c, 0, KEYWORD_ID, "texts with a further $id or $schema within them are not compared");
        return;
    }
    set_add(c, &whole, 0);
    (void)compare_covers(c, &whole, 0);
}

static enum err compare_sides(struct comparison *c, struct schema_changes *out)
{
    out->list = malloc(SCHEMA_CHANGES_MAX * sizeof *out->list);
    if (!out->list || !arena_init(&out->memory, MEMORY_BYTES))
        return ERR_NO_MEMORY;
    c->out = out;
    c->work = COMPARE_WORK;
    c->keyword = "";
    buf_init(&c->where, WHERE_BYTES);
    find_same_definitions(c);
    if (c->old.draft != c->new.draft || !value_equal(&c->old.tape, 0, &c->new.tape, 0, &c->work))
        compare_whole(c);
    buf_fini(&c->where);
    return ERR_OK;
}

enum err schema_compare(struct span old, struct span new, enum schema_draft draft, struct schema_changes *out,
                        struct why *w)
{
    enum err e = compile(old, draft, "old", w);
    if (e == ERR_OK)
        e = compile(new, draft, "new", w);
    if (e != ERR_OK)
        return e;
    struct comparison *c = calloc(1, sizeof *c);
    struct arena memory = {NULL, 0, 0};
    struct schema_changes changes = {.n = 0};
    e = c && arena_init(&memory, tape_bytes(old) + tape_bytes(new) + 64) ? ERR_OK : ERR_NO_MEMORY;
    if (e == ERR_OK && (e = side_read(&c->old, old, draft, &memory)) == ERR_OK &&
        (e = side_read(&c->new, new, draft, &memory)) == ERR_OK)
        e = compare_sides(c, &changes);
    arena_fini(&memory);
    free(c);
    if (e == ERR_OK)
        *out = changes;
    else
        schema_changes_fini(&changes);
    return e == ERR_OK ? e : why_set(w, ERR_NO_MEMORY, "out of memory");
}

void schema_changes_fini(struct schema_changes *changes)
{
    free(changes->list);
    arena_fini(&changes->memory);
    *changes = (struct schema_changes){.n = 0};
}
