/* SPDX-License-Identifier: MIT
 * explain: judges a request as the door does, then follows the proof once more with nothing in its way, noting what it
 * looks at. Secrets stay in keyrings; what is noted is checked against them.
 */
#include "recipe/explain_parts.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "recipe/case.h"
#include "recipe/timestamp.h"

/* Bytes of bodies that are looked at in all; more would be a matter of minutes. */
static const uint64_t SPENT_MAX = UINT64_C(4) << 30;

enum {
    SECRET_BYTES_MIN = 8, /* shorter ones are found everywhere */
    SIGNATURE_SHOWN = 4,
    VALUE_SHOWN = 60,
    TEXTS_BYTES = 64 * 1024,
    SCRATCH_MORE = 64 * 1024,
    LEEWAY_ANY = 1 << 30
};

/* ---- tools ---- */

struct recipe *explain_lenient(const struct recipe *r)
{
    struct recipe *copy = malloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *r;
    copy->has_timestamp = false;
    copy->asserts.n = 0;
    copy->signature.jwt.require = 0;
    copy->signature.jwt.leeway_ms = INT64_C(1000) * LEEWAY_ANY;
    return copy;
}

struct keyring *explain_ring(const struct recipe *r, const struct keyring_key *keys, size_t n, const char *encoding)
{
    struct keyring_key open[EXPLAIN_KEYS_MAX];
    struct keyring *ring = NULL;
    n = n < EXPLAIN_KEYS_MAX ? n : EXPLAIN_KEYS_MAX;
    if (recipe_is_none(r))
        n = 0;
    for (size_t i = 0; i < n; i++) {
        open[i] = keys[i];
        open[i].not_before_ms = 0;
        open[i].not_after_ms = INT64_MAX;
        if (encoding)
            open[i].encoding = encoding;
    }
    return keyring_new(r, open, n, &ring, NULL) == ERR_OK ? ring : NULL;
}

static bool make_room(struct explaining *g, const struct recipe *r, const struct recipe_request *q)
{
    size_t bytes = recipe_scratch_bytes(r, q) + SCRATCH_MORE;
    arena_reset(&g->scratch);
    if (bytes <= g->scratch.cap)
        return true;
    arena_fini(&g->scratch);
    return arena_init(&g->scratch, bytes);
}

bool explain_good(struct explaining *g, const struct recipe *r, const struct keyring *k, const struct recipe_request *q)
{
    struct recipe_verdict verdict;
    if (!k || g->spent > SPENT_MAX || !make_room(g, r, q))
        return false;
    g->spent += q->body.n;
    g->x->tries++;
    if (recipe_verify(r, k, g->c, q, &g->scratch, &verdict) != ERR_OK)
        return false;
    snprintf(g->matched, sizeof g->matched, "%s", verdict.key_id ? verdict.key_id : "");
    return true;
}

void explain_found(struct explaining *g, const char *code, const char *fmt, ...)
{
    struct explanation *x = g->x;
    va_list ap;
    if (x->n_findings == EXPLAIN_FINDINGS_MAX)
        return;
    struct explain_finding *f = &x->findings[x->n_findings++];
    f->code = code;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
}

static bool holds(struct span text, const void *p, size_t n)
{
    return n >= SECRET_BYTES_MIN && text.n >= n && memmem(text.p, text.n, p, n);
}

static bool holds_any(struct span text, const struct keyring *k)
{
    for (size_t i = 0; k && i < k->n; i++)
        if (k->keys[i].secret && holds(text, k->keys[i].secret, k->keys[i].n_secret))
            return true;
    return false;
}

bool explain_holds_secret(const struct explaining *g, struct span text)
{
    const struct explain_input *in = g->in;
    for (size_t i = 0; i < in->n_keys; i++)
        if (holds(text, in->keys[i].raw.p, in->keys[i].raw.n))
            return true;
    for (size_t i = 0; i < in->n_others; i++)
        if (holds(text, in->others[i].key.raw.p, in->others[i].key.raw.n))
            return true;
    return holds_any(text, g->open);
}

/* ---- places ---- */

static bool noted(const struct explanation *x, const char *name)
{
    for (size_t i = 0; i < x->n_places; i++)
        if (strcmp(x->places[i].name, name) == 0)
            return true;
    return x->n_places == EXPLAIN_PLACES_MAX;
}

static void note_place(struct explaining *g, const char *name, struct span value, bool is_signature, bool hidden)
{
    struct explanation *x = g->x;
    if (noted(x, name))
        return;
    struct explain_place *p = &x->places[x->n_places++];
    snprintf(p->name, sizeof p->name, "%s", name);
    p->there = value.p != NULL;
    p->bytes = value.n;
    p->is_signature = is_signature;
    p->hidden = hidden || (!is_signature && value.p && explain_holds_secret(g, value));
    size_t most = is_signature ? SIGNATURE_SHOWN : VALUE_SHOWN;
    if (p->there && !p->hidden)
        p->begins = arena_copy(&x->texts, span_of(value.p, value.n < most ? value.n : most));
    if (p->there && !p->begins.p)
        p->hidden = true;
}

/* What stands behind it may be a password. */
static struct span without_query(struct span url)
{
    const char *mark = url.n > 0 ? memchr(url.p, '?', url.n) : NULL;
    return mark ? span_of(url.p, (size_t)(mark - url.p)) : url;
}

/* What a reference stands for, without its filters. What is signed already is seen as a whole. */
static void note_ref(struct explaining *g, struct proof *p, const struct ref *ref, bool is_signature, bool hidden)
{
    struct ref plain = *ref;
    struct span value = SPAN_NONE;
    char name[80];
    plain.n_filters = 0;
    if (ref->kind == REF_LITERAL || ref->kind == REF_BODY || ref->kind == REF_SECRET || ref->kind == REF_NOW)
        return;
    if (value_get(&p->view, &plain, &value) != ERR_OK)
        value = SPAN_NONE;
    if (ref->kind == REF_URL || ref->kind == REF_PATH)
        value = without_query(value);
    bool credential = ref->kind == REF_PARAM || ref->kind == REF_QUERY ||
                      (ref->kind == REF_HEADER && ref->slot >= 0 && !is_signature &&
                       recipe_is_credential(g->in->recipe, g->in->recipe->headers[ref->slot].name));
    value_name(&p->view, ref, name);
    note_place(g, name, value, is_signature, hidden || credential);
}

static void note_text(struct explaining *g, struct proof *p, const struct text *t)
{
    for (size_t i = 0; i < t->n; i++)
        note_ref(g, p, &t->pieces[i], false, false);
}

/* A value that must equal what the operator typed in is as good as a password. */
static bool equals_param(const struct rule *rule)
{
    for (size_t i = 0; i < rule->equals.n; i++)
        if (rule->equals.pieces[i].kind == REF_PARAM)
            return true;
    return false;
}

/* What tokens say of themselves; their claims are there once their signature is good. */
static void note_token(struct explaining *g, struct proof *p)
{
    static const struct ref refs[] = {
        {.kind = REF_JOSE, .what = SPAN_LIT("/alg")},  {.kind = REF_JOSE, .what = SPAN_LIT("/kid")},
        {.kind = REF_CLAIM, .what = SPAN_LIT("/exp")}, {.kind = REF_CLAIM, .what = SPAN_LIT("/nbf")},
        {.kind = REF_CLAIM, .what = SPAN_LIT("/iat")},
    };
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++)
        if (refs[i].kind == REF_JOSE ? p->view.jose.p != NULL : p->view.claims.p != NULL)
            note_ref(g, p, &refs[i], false, false);
}

static void note_places(struct explaining *g, struct proof *p)
{
    const struct recipe *r = g->in->recipe;
    const struct signature *s = &r->signature;
    for (size_t i = 0; i < s->n_from; i++)
        note_ref(g, p, &s->from[i], true, r->algorithm->family == FAMILY_TOKEN);
    if (r->algorithm->family == FAMILY_JWT)
        note_token(g, p);
    if (s->has_key_id)
        note_ref(g, p, &s->key_id, false, false);
    if (s->keys_url.format)
        note_ref(g, p, &s->keys_url.from, false, false);
    if (s->has_signed_headers)
        note_ref(g, p, &s->signed_headers.names, false, false);
    if (r->has_timestamp)
        note_ref(g, p, &r->timestamp.from, false, false);
    for (size_t i = 0; i < s->n_contents; i++)
        note_text(g, p, &s->contents[i]);
    for (size_t i = 0; i < r->asserts.n; i++)
        note_ref(g, p, &r->asserts.list[i].of, false, equals_param(&r->asserts.list[i]));
}

static void note_time(struct explaining *g, struct proof *p)
{
    const struct recipe *r = g->in->recipe;
    struct explanation *x = g->x;
    struct span text = SPAN_NONE;
    x->has_time = r->has_timestamp;
    if (!r->has_timestamp || value_get(&p->view, &r->timestamp.from, &text) != ERR_OK || !text.p)
        return;
    g->time_text = arena_copy(&x->texts, text);
    x->time_read = timestamp_read(r->timestamp.format, text, &x->signed_at_ms) == ERR_OK;
    x->tolerance_ms = g->in->request->tolerance_ms ? g->in->request->tolerance_ms : r->timestamp.past_ms;
}

/* ---- what was signed, and by which keys it was tried ---- */

/* Bytes [from, from + n) of all parts, as if they were one. */
static void copy_part(const struct parts *t, size_t from, size_t n, char *out)
{
    for (size_t i = 0; i < t->n && n > 0; i++) {
        struct span part = t->part[i];
        if (from >= part.n) {
            from -= part.n;
            continue;
        }
        size_t take = part.n - from < n ? part.n - from : n;
        memcpy(out, part.p + from, take);
        out += take;
        n -= take;
        from = 0;
    }
}

static bool hides(const struct explaining *g, const struct key *k, const struct parts *t)
{
    if (g->in->recipe->algorithm->family == FAMILY_DIGEST)
        return true;
    for (size_t i = 0; i < t->n; i++)
        if (t->part[i].p && (t->part[i].p == (const char *)k->secret || explain_holds_secret(g, t->part[i])))
            return true;
    return false;
}

static void measure(const struct parts *t, struct explain_content *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < t->n; i++) {
        out->bytes += t->part[i].n;
        if (t->part[i].n > 0)
            crypto_hash_sha256_update(&state, (const unsigned char *)t->part[i].p, t->part[i].n);
    }
    crypto_hash_sha256_final(&state, digest);
    hex_encode(digest, sizeof digest, out->sha256);
    out->n_first = out->bytes < EXPLAIN_EDGE_BYTES ? out->bytes : EXPLAIN_EDGE_BYTES;
    size_t left = out->bytes - out->n_first;
    out->n_last = left < EXPLAIN_EDGE_BYTES ? left : EXPLAIN_EDGE_BYTES;
    copy_part(t, 0, out->n_first, out->first);
    copy_part(t, out->bytes - out->n_last, out->n_last, out->last);
}

static void note_content(struct explaining *g, const struct key *k, const struct parts *t)
{
    struct explanation *x = g->x;
    struct explain_content made = {.hidden = hides(g, k, t)};
    if (t->n == 0 || x->n_contents == EXPLAIN_CONTENTS_MAX)
        return;
    if (!made.hidden)
        measure(t, &made);
    for (size_t i = 0; i < x->n_contents; i++)
        if (x->contents[i].hidden == made.hidden && strcmp(x->contents[i].sha256, made.sha256) == 0)
            return;
    x->contents[x->n_contents++] = made;
}

static void note_tried(void *arg, const struct key *k, const struct parts *t)
{
    struct explaining *g = arg;
    size_t at = (size_t)(k - g->open->keys);
    if (at < g->x->n_keys)
        g->x->keys[at].asked = true;
    note_content(g, k, t);
}

/* The windows are those of the input; a set of keys shares its one. */
static void note_keys(struct explaining *g)
{
    struct explanation *x = g->x;
    for (size_t i = 0; g->open && i < g->open->n && i < EXPLAIN_KEYS_MAX; i++) {
        struct explain_tried *t = &x->keys[x->n_keys++];
        t->id = arena_copy(&x->texts, span_str(g->open->keys[i].id)).p;
        for (size_t k = 0; k < g->in->n_keys; k++) {
            const struct keyring_key *in = &g->in->keys[k];
            if (strcmp(in->id, g->open->keys[i].id) != 0)
                continue;
            t->not_before_ms = in->not_before_ms;
            t->not_after_ms = in->not_after_ms;
        }
        t->live = x->now_ms >= t->not_before_ms && x->now_ms <= t->not_after_ms;
    }
}

static void follow(struct explaining *g)
{
    static const struct keyring no_keys;
    struct recipe_verdict verdict;
    struct proof p;
    if (g->in->recipe->none || !make_room(g, g->lenient, g->in->request))
        return;
    enum err e = proof_begin(&p, g->lenient, g->open ? g->open : &no_keys, g->c, g->in->request, &g->scratch, &verdict);
    p.tried = note_tried;
    p.tried_arg = g;
    if (e == ERR_OK)
        (void)proof_verify(&p);
    p.view.problem[0] = 0;
    note_places(g, &p);
    note_time(g, &p);
    struct span id = SPAN_NONE;
    if (g->in->recipe->signature.has_key_id && value_get(&p.view, &g->in->recipe->signature.key_id, &id) == ERR_OK &&
        id.p)
        g->wanted_id = arena_copy(&g->x->texts, id);
}

/* ---- the verdict ---- */

static void judge(struct explaining *g)
{
    const struct explain_input *in = g->in;
    struct explanation *x = g->x;
    struct keyring *ring = NULL;
    struct recipe_reply reply = {0};
    struct why w = {""};
    bool needs_none = recipe_is_none(in->recipe);
    x->e = keyring_new(in->recipe, in->keys, needs_none ? 0 : in->n_keys, &ring, &w);
    if (x->e != ERR_OK) {
        snprintf(x->verdict.detail, sizeof x->verdict.detail, "%.*s", (int)sizeof x->verdict.detail - 1, w.text);
        return;
    }
    if (!make_room(g, in->recipe, in->request)) {
        x->e = ERR_NO_MEMORY;
        keyring_free(ring);
        return;
    }
    x->e = case_no_repeats(in->recipe, in->request, &x->verdict);
    if (x->e == ERR_OK)
        x->e = recipe_judge(in->recipe, ring, g->c, in->request, true, &g->scratch, &x->verdict, &reply);
    if (x->verdict.key_id)
        x->verdict.key_id = arena_copy(&x->texts, span_str(x->verdict.key_id)).p;
    if (x->verdict.keys_url.p)
        x->verdict.keys_url = arena_copy(&x->texts, x->verdict.keys_url);
    x->handshake = reply.name;
    keyring_free(ring);
}

static bool is_final(enum err e)
{
    return e == ERR_OK || e == ERR_ANSWERED || e == ERR_HANDSHAKE_REFUSED || e == ERR_METHOD_NOT_ALLOWED ||
           e == ERR_KEYS_PENDING || e == ERR_NO_MEMORY;
}

static enum err run(struct explaining *g)
{
    const struct recipe *r = g->in->recipe;
    struct explanation *x = g->x;
    x->now_ms = g->in->request->now_ms;
    x->recipe = r->name;
    x->algorithm = r->none ? NULL : r->algorithm->name;
    x->encoding = r->none || !r->signature.encoding ? NULL : r->signature.encoding->name;
    g->lenient = explain_lenient(r);
    if (!g->lenient)
        return ERR_NO_MEMORY;
    g->open = explain_ring(r, g->in->keys, g->in->n_keys, NULL);
    judge(g);
    note_keys(g);
    follow(g);
    if (!r->none && !is_final(x->e))
        explain_try(g);
    return ERR_OK;
}

enum err explain_new(const struct explain_input *in, struct recipe_context *c, struct explanation **out)
{
    struct explaining g = {.in = in, .c = c, .x = calloc(1, sizeof *g.x)};
    enum err e =
        g.x && arena_init(&g.x->texts, TEXTS_BYTES) && arena_init(&g.scratch, SCRATCH_MORE) ? run(&g) : ERR_NO_MEMORY;
    arena_fini(&g.scratch);
    keyring_free(g.open);
    free(g.lenient);
    if (e != ERR_OK) {
        explain_free(g.x);
        return e;
    }
    *out = g.x;
    return ERR_OK;
}

void explain_free(struct explanation *x)
{
    if (!x)
        return;
    arena_fini(&x->texts);
    free(x);
}
