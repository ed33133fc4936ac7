/* SPDX-License-Identifier: MIT
 * sign: the other direction: what a sender adds to a request so that verify takes it. For creel send and the tests; the
 * door never signs. Any thread with its own struct recipe_context.
 */
#include <sodium.h>

#include "recipe/compiled.h"
#include "recipe/grammar.h"
#include "recipe/key.h"
#include "recipe/mac.h"
#include "recipe/template.h"
#include "recipe/timestamp.h"

struct signing {
    const struct recipe *r;
    const struct recipe_request *q;
    struct arena *scratch;
    struct values values;
    struct recipe_header *out;
    size_t cap, n;
    struct why *w;
};

static enum err add(struct signing *s, struct span name, struct span value)
{
    struct recipe_header h = {arena_copy(s->scratch, name), arena_copy(s->scratch, value)};
    if (s->n == s->cap || !h.name.p || !h.value.p)
        return why_set(s->w, ERR_NO_ROOM, "no room for header %.*s", (int)name.n, name.p);
    s->out[s->n++] = h;
    return ERR_OK;
}

static bool given(const struct recipe_request *q, struct span name, struct span *value)
{
    for (size_t i = 0; i < q->n_headers; i++) {
        if (span_eq_nocase(q->headers[i].name, name)) {
            *value = q->headers[i].value;
            return true;
        }
    }
    return false;
}

/* The header that carries the message id, by the recipe's default for event_id; SPAN_NONE: it is in the body, or
 * nowhere. */
static struct span id_header(const struct recipe *r)
{
    const struct span header = SPAN_LIT("header:");
    const struct refs *refs = &r->defaults[DEFAULT_EVENT_ID];
    for (size_t i = 0; i < refs->n; i++)
        if (span_starts(span_str(refs->text[i]), header))
            return span_str(refs->text[i] + header.n);
    return SPAN_NONE;
}

static bool is_time(const struct recipe *r, enum ref_kind kind, unsigned slot)
{
    return r->has_timestamp && r->timestamp.from.kind == kind && r->timestamp.from.slot == slot;
}

bool recipe_makes_header(const struct recipe *r, struct span name)
{
    if (span_eq_nocase(id_header(r), name))
        return true;
    for (unsigned i = 0; i < r->n_headers; i++)
        if (span_eq_nocase(r->headers[i].name, name) && (i == r->signature.from[0] || is_time(r, REF_HEADER, i)))
            return !r->none;
    return false;
}

/* A header that is signed: already there, or the time, or the id (set before). */
static enum err fill_header(struct signing *s, unsigned slot, struct span time)
{
    struct span name = s->r->headers[slot].name, *value = &s->values.header[slot];
    if (value->p || given(s->q, name, value))
        return ERR_OK;
    if (!is_time(s->r, REF_HEADER, slot))
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs header %.*s, which has to be given", s->r->name,
                       (int)name.n, name.p);
    *value = time;
    return add(s, name, time);
}

static enum err fill_id(struct signing *s, const char *id)
{
    struct span name = id_header(s->r), value;
    if (!name.p || !id || given(s->q, name, &value))
        return ERR_OK;
    enum err e = add(s, name, span_str(id));
    for (size_t i = 0; e == ERR_OK && i < s->r->n_headers; i++)
        if (span_eq_nocase(s->r->headers[i].name, name))
            s->values.header[i] = s->out[s->n - 1].value;
    return e;
}

static enum err fill_ref(struct signing *s, const struct ref *ref, struct span time)
{
    if (ref->kind == REF_HEADER)
        return fill_header(s, ref->slot, time);
    if (ref->kind == REF_FIELD && !s->values.field[ref->slot].p) {
        if (!is_time(s->r, REF_FIELD, ref->slot))
            return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs an element that only its sender knows", s->r->name);
        s->values.field[ref->slot] = time;
    }
    if (ref->kind == REF_URL && s->q->url.n == 0)
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs the public URL, which has to be given", s->r->name);
    return ERR_OK;
}

/* What verify would refuse is not sent out. */
static enum err fits_asserts(struct signing *s)
{
    for (size_t i = 0; i < s->r->n_asserts; i++) {
        const struct assertion *a = &s->r->asserts[i];
        struct span value = template_value(&a->of, s->q, &s->values), name = template_name(s->r, &a->of);
        if (!value.p || !template_allows(a, value))
            return why_set(s->w, ERR_INVALID, "recipe %s does not allow this value of %.*s", s->r->name, (int)name.n,
                           name.p);
    }
    return ERR_OK;
}

static enum err fill(struct signing *s, const char *id)
{
    char text[TIMESTAMP_TEXT_BYTES];
    size_t n = s->r->has_timestamp ? timestamp_write(s->r->timestamp.format, s->q->now_ms, text) : 0;
    struct span time = arena_copy(s->scratch, span_of(text, n));
    if (!time.p)
        return why_set(s->w, ERR_NO_ROOM, "no room for the time");
    enum err e = fill_id(s, id);
    for (size_t i = 0; e == ERR_OK && i < s->r->n_content; i++)
        e = fill_ref(s, &s->r->content[i], time);
    return e == ERR_OK ? fits_asserts(s) : e;
}

static const struct key *signing_key(const struct keyring *k, int64_t now_ms)
{
    for (size_t i = 0; i < k->n; i++)
        if (key_live(&k->keys[i], now_ms) && k->keys[i].secret)
            return &k->keys[i];
    return NULL;
}

static enum err make_signature(struct signing *s, const struct key *k, struct recipe_context *c, unsigned char *out)
{
    if (s->r->algorithm->family == FAMILY_HMAC)
        return mac_content(c, s->r, k, s->q, &s->values, out);
    struct span content = template_join(s->r, s->q, &s->values, s->scratch);
    if (!content.p)
        return why_set(s->w, ERR_NO_ROOM, "no room to put together what is signed");
    crypto_sign_detached(out, NULL, (const unsigned char *)content.p, content.n, k->secret);
    return ERR_OK;
}

enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, const char *id, struct arena *scratch, struct recipe_header *out,
                     size_t cap, size_t *n, struct why *w)
{
    struct signing s = {.r = r, .q = q, .scratch = scratch, .out = out, .cap = cap, .w = w};
    unsigned char signature[RECIPE_SIGNATURE_BYTES];
    if (r->none) {
        enum err e = fill_id(&s, id);
        if (e == ERR_OK)
            *n = s.n;
        return e;
    }
    const struct key *key = signing_key(k, q->now_ms);
    if (!key)
        return why_set(w, ERR_UNSUPPORTED, "there is no key that can sign now (public keys only verify)");
    enum err e = fill(&s, id);
    if (e == ERR_OK)
        e = make_signature(&s, key, c, signature);
    if (e != ERR_OK)
        return e;
    struct buf text;
    buf_init(&text, 4096);
    e = grammar_write(r, &s.values, signature, &text);
    if (e == ERR_OK)
        e = add(&s, r->headers[r->signature.from[0]].name, buf_span(&text));
    buf_fini(&text);
    if (e == ERR_OK)
        *n = s.n;
    return e;
}
