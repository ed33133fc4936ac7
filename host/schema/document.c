/* SPDX-License-Identifier: MIT
 * document: the texts that a schema is made of, and what in them a URI leads to. Walks keywords of known meaning only, so that an $id
 * within an enum is none.
 */
#include "schema/compiler.h"

#include <stdlib.h>

#include "schema/uri.h"

/* A copy that lives as long as the compiler. */
static struct span keep(struct compiler *c, struct span text)
{
    char **slot = program_grow(&c->texts, &c->n_texts, 1, sizeof *slot);
    char *p = slot ? malloc(text.n + 1) : NULL;
    if (!p)
        return SPAN_NONE;
    if (text.n)
        memcpy(p, text.p, text.n);
    p[text.n] = 0;
    *slot = p;
    return span_of(p, text.n);
}

static struct span resolve(struct compiler *c, struct span base, struct span reference)
{
    struct buf b;
    buf_init(&b, base.n + reference.n + 16);
    uri_resolve(base, reference, &b);
    struct span kept = b.failed ? SPAN_NONE : keep(c, buf_span(&b));
    buf_fini(&b);
    return kept;
}

static uint32_t place_hash(struct span uri, struct span anchor)
{
    return (uint32_t)(tape_hash(uri, 1) ^ tape_hash(anchor, 2) ^ (anchor.p != NULL));
}

static const struct place *place_find(const struct compiler *c, struct span uri, struct span anchor)
{
    uint32_t hash = place_hash(uri, anchor);
    for (uint32_t i = 0; i < c->n_places; i++) {
        const struct place *p = &c->places[i];
        if (p->hash == hash && span_eq(p->uri, uri) && !p->anchor.p == !anchor.p && span_eq(p->anchor, anchor))
            return p;
    }
    return NULL;
}

/* Of two documents that claim a URI the first one has it; one document must not claim it twice. */
static enum err place_add(struct compiler *c, struct span uri, struct span anchor, uint32_t doc, uint32_t node)
{
    const struct place *there = place_find(c, uri, anchor);
    if (there && there->doc == doc && there->node != node)
        return compile_fault(c, doc, node, "'%.*s%s%.*s' is declared twice", (int)uri.n, uri.p, anchor.p ? "#" : "",
                             (int)anchor.n, anchor.p ? anchor.p : "");
    if (there)
        return ERR_OK;
    if (c->n_places == COMPILE_PLACES_MAX)
        return compile_fault(c, doc, node, "more than %d identifiers", COMPILE_PLACES_MAX);
    struct place *p = program_grow(&c->places, &c->n_places, 1, sizeof *p);
    if (!p)
        return compile_no_memory(c);
    *p = (struct place){uri, anchor, place_hash(uri, anchor), doc, node};
    return ERR_OK;
}

static enum err base_add(struct compiler *c, struct base base, uint32_t *out)
{
    struct base *p = base.uri.p ? program_grow(&c->bases, &c->n_bases, 1, sizeof *p) : NULL;
    if (!p)
        return compile_no_memory(c);
    *p = base;
    *out = c->n_bases - 1;
    return ERR_OK;
}

/* ---- walking ---- */

static uint32_t member(struct compiler *c, uint32_t doc, uint32_t node, enum keyword k)
{
    struct span name = span_str(keyword_text(k));
    return tape_member(compile_tape(c, doc), node, name, hash_name(name, c->s->seed));
}

static bool is_string(const struct tape *t, uint32_t node)
{
    return t->nodes[node].type == JSON_STRING;
}

static enum err read_draft(struct compiler *c, uint32_t doc, uint32_t node, enum schema_draft *draft)
{
    static const char *const known[] = {[SCHEMA_DRAFT_07] = "://json-schema.org/draft-07/schema",
                                        [SCHEMA_2020_12] = "://json-schema.org/draft/2020-12/schema"};
    const struct tape *t = compile_tape(c, doc);
    uint32_t at = member(c, doc, node, KEYWORD_SCHEMA);
    if (!at)
        return ERR_OK;
    if (!is_string(t, at))
        return compile_fault(c, doc, at, "must be a URI");
    struct span fragment, uri = uri_without_fragment(tape_text(t, at), &fragment);
    struct span rest = span_skip(uri, span_starts(uri, SPAN_LIT("https")) ? 5 : 4);
    for (unsigned i = 0; span_starts(uri, SPAN_LIT("http")) && fragment.n == 0 && i < 2; i++) {
        if (span_eq_str(rest, known[i])) {
            *draft = (enum schema_draft)i;
            return ERR_OK;
        }
    }
    return compile_fault(c, doc, at,
                         "'%.*s' is not supported; http://json-schema.org/draft-07/schema# and "
                         "https://json-schema.org/draft/2020-12/schema are",
                         (int)uri.n, uri.p);
}

/* $id: from here on another base. In draft-07 "#name" is an anchor. */
static enum err read_id(struct compiler *c, uint32_t doc, uint32_t node, uint32_t *base)
{
    const struct tape *t = compile_tape(c, doc);
    struct base now = c->bases[*base];
    uint32_t at = member(c, doc, node, KEYWORD_ID);
    if (!at || (now.draft == SCHEMA_DRAFT_07 && member(c, doc, node, KEYWORD_REF)))
        return ERR_OK;
    if (!is_string(t, at))
        return compile_fault(c, doc, at, "must be a URI reference");
    struct span full = resolve(c, now.uri, tape_text(t, at)), anchor;
    if (!full.p)
        return compile_no_memory(c);
    struct span uri = uri_without_fragment(full, &anchor);
    if (anchor.n && now.draft != SCHEMA_DRAFT_07)
        return compile_fault(c, doc, at, "must have no fragment; use $anchor");
    if (anchor.n) {
        enum err e = place_add(c, uri, anchor, doc, node);
        if (e != ERR_OK || span_eq(uri, now.uri))
            return e;
    }
    enum err e = read_draft(c, doc, node, &now.draft);
    if (e == ERR_OK)
        e = base_add(c, (struct base){uri, now.draft}, base);
    return e == ERR_OK ? place_add(c, uri, SPAN_NONE, doc, node) : e;
}

static enum err read_anchor(struct compiler *c, uint32_t doc, uint32_t at, uint32_t node, struct span base)
{
    const struct tape *t = compile_tape(c, doc);
    if (!is_string(t, at) || t->nodes[at].n == 0)
        return compile_fault(c, doc, at, "must be a name");
    return place_add(c, base, tape_text(t, at), doc, node);
}

static enum err walk(struct compiler *c, uint32_t doc, uint32_t node, uint32_t base);

static enum err walk_children(struct compiler *c, uint32_t doc, uint32_t node, uint32_t base)
{
    const struct tape_node *nodes = compile_tape(c, doc)->nodes;
    enum err e = ERR_OK;
    for (uint32_t i = node + 1; e == ERR_OK && i < nodes[node].next; i = nodes[i].next)
        e = walk(c, doc, i, base);
    return e;
}

static enum err walk_keyword(struct compiler *c, uint32_t doc, uint32_t schema, uint32_t value, uint32_t base)
{
    const struct tape *t = compile_tape(c, doc);
    enum keyword k = keyword_find(tape_name(t, value), c->bases[base].draft);
    enum json_type type = t->nodes[value].type;
    if (k == KEYWORD_COUNT)
        return ERR_OK;
    if (k == KEYWORD_ANCHOR || k == KEYWORD_DYNAMIC_ANCHOR)
        return read_anchor(c, doc, value, schema, c->bases[base].uri);
    switch (keyword_holds(k)) {
    case HOLDS_REFUSED:
        return compile_fault(c, doc, value, "%s is not supported%s", keyword_text(k),
                             k == KEYWORD_DYNAMIC_REF ? "; use $ref" : "");
    case HOLDS_SCHEMA:
        return walk(c, doc, value, base);
    case HOLDS_LIST:
        return type == JSON_ARRAY ? walk_children(c, doc, value, base) : ERR_OK;
    case HOLDS_NAMED:
    case HOLDS_MIXED:
        return type == JSON_OBJECT ? walk_children(c, doc, value, base) : ERR_OK;
    case HOLDS_EITHER:
        return type == JSON_ARRAY ? walk_children(c, doc, value, base) : walk(c, doc, value, base);
    default:
        return ERR_OK;
    }
}

/* Note of each schema from node on which base it has, and where $id and anchors are. No deeper than a text may be. All schemas of
 * the document itself get rules, used or not, so that a fault in one is found. */
static enum err walk(struct compiler *c, uint32_t doc, uint32_t node, uint32_t base)
{
    const struct tape_node *nodes = compile_tape(c, doc)->nodes;
    enum json_type type = nodes[node].type;
    uint32_t rule;
    if (c->docs[doc].base_of[node] || (type != JSON_OBJECT && type != JSON_TRUE && type != JSON_FALSE))
        return ERR_OK;
    enum err e = type == JSON_OBJECT ? read_id(c, doc, node, &base) : ERR_OK;
    if (e != ERR_OK)
        return e;
    c->docs[doc].base_of[node] = base + 1;
    for (uint32_t i = node + 1; e == ERR_OK && i < nodes[node].next; i = nodes[i].next)
        e = walk_keyword(c, doc, node, i, base);
    return e == ERR_OK && doc == 0 ? compile_rule(c, doc, node, &rule) : e;
}

/* ---- loading ---- */

/* A schema may hold \u0000, although no value that comes in can: it is checked as if another character stood there. */
static enum err check_text(struct span text, struct json_error *bad)
{
    static const struct json_limits limits = {JSON_DEPTH_MAX, COMPILE_NODES_MAX};
    enum err e = json_check(text, limits, bad);
    char *copy = e == ERR_MALFORMED_BODY && memmem(text.p, text.n, "\\u0000", 6) ? malloc(text.n) : NULL;
    if (!copy)
        return e;
    memcpy(copy, text.p, text.n);
    for (char *p = copy; (p = memmem(p, text.n - (size_t)(p - copy), "\\u0000", 6)); p += 6)
        p[2] = 'e';
    e = json_check(span_of(copy, text.n), limits, bad);
    free(copy);
    return e;
}

static enum err read_text(struct compiler *c, struct span uri, struct span text, struct source *d)
{
    struct json_error bad;
    const char *where = uri.n ? uri.p : "/";
    if (text.n > COMPILE_TEXT_MAX)
        return why_set(c->w, ERR_INVALID, "%s: more than %d bytes", where, COMPILE_TEXT_MAX);
    enum err e = check_text(text, &bad);
    if (e != ERR_OK)
        return e == ERR_INTERNAL
                   ? compile_no_memory(c)
                   : why_set(c->w, ERR_INVALID, "%s: no JSON: %s at byte %zu", where, bad.what, bad.offset);
    d->text = malloc(text.n);
    if (!d->text || !arena_init(&d->memory, tape_bytes(text)))
        return compile_no_memory(c);
    memcpy(d->text, text.p, text.n);
    e = tape_build(span_of(d->text, text.n), c->s->seed, &d->memory, &d->tape);
    return e == ERR_OK ? ERR_OK : why_set(c->w, ERR_INVALID, "%s: %s", where, err_title(e));
}

static enum err add_source(struct compiler *c, struct span uri, struct span text, struct source **out)
{
    struct source **slot = program_grow(&c->s->sources, &c->s->n_sources, 1, sizeof *slot);
    struct source *d = slot ? calloc(1, sizeof *d) : NULL;
    if (!d) {
        c->s->n_sources -= slot != NULL;
        return compile_no_memory(c);
    }
    *slot = d;
    *out = d;
    return read_text(c, uri, text, d);
}

enum err document_load(struct compiler *c, struct span uri, struct span text, uint32_t *doc)
{
    struct source *source = NULL;
    uint32_t base = 0;
    struct base first = {keep(c, uri), c->draft};
    enum err e = first.uri.p ? add_source(c, first.uri, text, &source) : compile_no_memory(c);
    if (e != ERR_OK)
        return e;
    struct document *d = program_grow(&c->docs, &c->n_docs, 1, sizeof *d);
    if (!d)
        return compile_no_memory(c);
    *d = (struct document){source, first.uri, calloc(source->tape.n, sizeof *d->rule_of),
                           calloc(source->tape.n, sizeof *d->base_of)};
    if (!d->rule_of || !d->base_of)
        return compile_no_memory(c);
    *doc = c->n_docs - 1;
    e = read_draft(c, *doc, 0, &first.draft);
    if (e == ERR_OK && *doc == 0)
        c->draft = first.draft;
    if (e == ERR_OK)
        e = base_add(c, first, &base);
    if (e == ERR_OK)
        e = place_add(c, first.uri, SPAN_NONE, *doc, 0);
    return e == ERR_OK ? walk(c, *doc, 0, base) : e;
}

/* Does this document call itself so? */
static bool is_called(const struct schema_document *d, struct span uri)
{
    struct json_error bad;
    struct buf id, full;
    if (json_check(d->text, (struct json_limits){JSON_DEPTH_MAX, COMPILE_NODES_MAX}, &bad) != ERR_OK)
        return false;
    buf_init(&id, uri.n + d->uri.n + 1024);
    buf_init(&full, uri.n + d->uri.n + 2048);
    struct span fragment, value = json_member(d->text, "$id");
    bool same = value.p && json_unescape(value, &id) == ERR_OK;
    if (same) {
        uri_resolve(d->uri, buf_span(&id), &full);
        same = span_eq(uri_without_fragment(buf_span(&full), &fragment), uri);
    }
    buf_fini(&id);
    buf_fini(&full);
    return same;
}

/* Load the document that has this URI, if one has. */
static enum err load_called(struct compiler *c, struct span uri)
{
    uint32_t doc;
    for (int by_id = 0; by_id < 2; by_id++) {
        for (size_t i = 0; i < c->options->n_documents; i++) {
            const struct schema_document *d = &c->options->documents[i];
            if (c->loaded[i] || !(by_id ? is_called(d, uri) : span_eq(d->uri, uri)))
                continue;
            c->loaded[i] = 1;
            return document_load(c, d->uri, d->text, &doc);
        }
    }
    struct span text = meta_text(uri);
    return text.p ? document_load(c, uri, text, &doc) : ERR_OK;
}

/* ---- references ---- */

static enum err nowhere(struct compiler *c, uint32_t doc, uint32_t node, const char *why)
{
    struct span text = tape_text(compile_tape(c, doc), node);
    return compile_fault(c, doc, node, "'%.*s' leads nowhere: %s", (int)text.n, text.p, why);
}

/* Along a JSON pointer, percent-decoded already. */
static enum err follow_pointer(struct compiler *c, struct span pointer, struct spot *at)
{
    const struct tape *t = compile_tape(c, at->doc);
    uint32_t base = c->docs[at->doc].base_of[at->node];
    while (pointer.n) {
        pointer = span_skip(pointer, 1);
        const char *slash = pointer.n ? memchr(pointer.p, '/', pointer.n) : NULL;
        struct span token = span_of(pointer.p, slash ? (size_t)(slash - pointer.p) : pointer.n);
        pointer = span_skip(pointer, token.n);
        at->node = tape_step(t, at->node, token);
        if (!at->node)
            return ERR_NOT_FOUND;
        if (c->docs[at->doc].base_of[at->node])
            base = c->docs[at->doc].base_of[at->node];
    }
    return base ? walk(c, at->doc, at->node, base - 1) : ERR_NOT_FOUND;
}

static enum err follow_fragment(struct compiler *c, struct span uri, struct span fragment, struct spot *at)
{
    struct buf b;
    enum err e = ERR_OK;
    buf_init(&b, fragment.n + 1);
    uri_decode(fragment, &b);
    struct span text = buf_span(&b);
    if (text.n && text.p[0] == '/') {
        e = follow_pointer(c, text, at);
    } else if (text.n) {
        const struct place *p = place_find(c, uri, text);
        if (p)
            *at = (struct spot){p->doc, p->node};
        e = p ? ERR_OK : ERR_NOT_FOUND;
    }
    buf_fini(&b);
    return e;
}

enum err document_follow(struct compiler *c, uint32_t doc, uint32_t at, uint32_t node, struct spot *out)
{
    const struct tape *t = compile_tape(c, doc);
    if (!is_string(t, node))
        return compile_fault(c, doc, node, "must be a URI reference");
    struct span full = resolve(c, c->bases[c->docs[doc].base_of[at] - 1].uri, tape_text(t, node));
    if (!full.p)
        return compile_no_memory(c);
    struct span fragment, uri = uri_without_fragment(full, &fragment);
    const struct place *p = place_find(c, uri, SPAN_NONE);
    enum err e = p ? ERR_OK : load_called(c, uri);
    if (e != ERR_OK)
        return e;
    p = p ? p : place_find(c, uri, SPAN_NONE);
    if (!p)
        return nowhere(c, doc, node, "no such document was given, and nothing is fetched");
    struct spot found = {p->doc, p->node};
    e = follow_fragment(c, uri, fragment, &found);
    if (e == ERR_NOT_FOUND)
        return nowhere(c, doc, node, "there is no such place in that document");
    if (e == ERR_OK)
        *out = found;
    return e;
}

enum schema_draft document_draft(const struct compiler *c, uint32_t doc, uint32_t node)
{
    return c->bases[c->docs[doc].base_of[node] - 1].draft;
}

void document_fini(struct compiler *c)
{
    for (uint32_t i = 0; i < c->n_docs; i++) {
        free(c->docs[i].rule_of);
        free(c->docs[i].base_of);
    }
    for (uint32_t i = 0; i < c->n_texts; i++)
        free(c->texts[i]);
    free(c->docs);
    free(c->bases);
    free(c->places);
    free(c->texts);
}
