/* SPDX-License-Identifier: MIT
 * sign: the other direction: what a sender adds to a request so that verify takes it. For creel send and the tests; the
 * door never signs. Any thread with its own struct recipe_context.
 */
#include <sodium.h>

#include "recipe/mac.h"
#include "recipe/proof.h"
#include "recipe/timestamp.h"

struct signing {
    const struct recipe *r;
    const struct recipe_request *q;
    struct arena *scratch;
    struct view view;
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

static bool is_time(const struct recipe *r, enum ref_kind kind, int slot)
{
    return r->has_timestamp && r->timestamp.from.kind == kind && r->timestamp.from.slot == slot;
}

static bool is_first(const struct recipe *r, int slot)
{
    return !r->none && r->signature.from[0].kind == REF_HEADER && r->signature.from[0].slot == slot;
}

bool recipe_makes_header(const struct recipe *r, struct span name)
{
    if (span_eq_nocase(id_header(r), name))
        return true;
    for (int i = 0; i < (int)r->n_headers; i++)
        if (span_eq_nocase(r->headers[i].name, name) && (is_first(r, i) || is_time(r, REF_HEADER, i)))
            return true;
    return false;
}

/* A header that is signed: already there, or the time, or the id (set before). */
static enum err fill_header(struct signing *s, int slot, struct span time)
{
    struct span name = s->r->headers[slot].name, *value = &s->view.header[slot];
    if (value->p)
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
            s->view.header[i] = s->out[s->n - 1].value;
    return e;
}

/* The scheme says which key it is. */
static enum err fill_key_id(struct signing *s, const struct key *k)
{
    const struct signature *sig = &s->r->signature;
    struct span value;
    if (!sig->has_key_id || sig->key_id.kind != REF_HEADER || given(s->q, s->r->headers[sig->key_id.slot].name, &value))
        return ERR_OK;
    return add(s, s->r->headers[sig->key_id.slot].name, span_str(k->id));
}

static enum err fill_ref(struct signing *s, const struct ref *ref, struct span time)
{
    if (ref->kind == REF_HEADER)
        return fill_header(s, ref->slot, time);
    if (ref->kind == REF_FIELD && !s->view.field[ref->slot].p) {
        if (!is_time(s->r, REF_FIELD, ref->slot))
            return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs an element that only its sender knows", s->r->name);
        s->view.field[ref->slot] = time;
    }
    if (ref->kind == REF_URL && s->q->url.n == 0)
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs the public URL, which has to be given", s->r->name);
    return ERR_OK;
}

/* Headers that must say one thing and no other. */
static enum err fill_constants(struct signing *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < s->r->asserts.n; i++) {
        const struct rule *a = &s->r->asserts.list[i];
        if (a->of.kind != REF_HEADER || a->optional || a->equals.n != 1 || a->equals.pieces[0].kind != REF_LITERAL)
            continue;
        struct span name = s->r->headers[a->of.slot].name, *value = &s->view.header[a->of.slot];
        if (value->p)
            continue;
        *value = a->equals.pieces[0].what;
        e = add(s, name, *value);
    }
    return e;
}

/* A time that is neither in a header nor in an element is the body's, which is signed as it is. */
static enum err time_is_there(struct signing *s)
{
    const struct ref *from = &s->r->timestamp.from;
    struct span value = SPAN_NONE;
    char name[80];
    if (!s->r->has_timestamp || from->kind == REF_HEADER || from->kind == REF_FIELD)
        return ERR_OK;
    enum err e = value_get(&s->view, from, &value);
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
    return value.p ? ERR_OK
                   : why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs %s, which has to be given", s->r->name,
                             value_name(&s->view, from, name));
}

/* What verify would refuse is not sent out. */
static enum err fits_asserts(struct signing *s)
{
    const struct rule *broken;
    const char *why;
    char name[80];
    enum err e = rules_hold(&s->view, &s->r->asserts, &broken, &why);
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
    if (!broken)
        return ERR_OK;
    return why_set(s->w, ERR_INVALID, "recipe %s does not allow this value: %s %s", s->r->name,
                   value_name(&s->view, &broken->of, name), why);
}

static enum err fill(struct signing *s, const char *id)
{
    char text[TIMESTAMP_TEXT_BYTES];
    const struct text *content = &s->r->signature.contents[0];
    size_t n = s->r->has_timestamp ? timestamp_write(s->r->timestamp.format, s->q->now_ms, text) : 0;
    struct span time = arena_copy(s->scratch, span_of(text, n));
    if (!time.p)
        return why_set(s->w, ERR_NO_ROOM, "no room for the time");
    enum err e = fill_id(s, id);
    if (e == ERR_OK)
        e = fill_constants(s);
    if (e == ERR_OK && s->r->timestamp.listed)
        e = fill_header(s, s->r->timestamp.from.slot, time);
    for (size_t i = 0; e == ERR_OK && s->r->signature.n_contents > 0 && i < content->n; i++)
        e = fill_ref(s, &content->pieces[i], time);
    if (e == ERR_OK)
        e = time_is_there(s);
    return e == ERR_OK ? fits_asserts(s) : e;
}

/* The header of the signature; of many it is the first. */
static enum err add_signature(struct signing *s, struct span value)
{
    const struct header_slot *slot = &s->r->headers[s->r->signature.from[0].slot];
    const struct parts name = {{slot->name, slot->family ? SPAN_LIT("1") : SPAN_LIT("")}, 2};
    return add(s, value_join_parts(s->scratch, &name), value);
}

static const struct key *signing_key(const struct keyring *k, int64_t now_ms)
{
    for (size_t i = 0; i < k->n; i++)
        if (key_live(&k->keys[i], now_ms) && k->keys[i].secret)
            return &k->keys[i];
    return NULL;
}

static enum err make_signature(struct signing *s, const struct key *k, struct recipe_context *c, unsigned char *out,
                               size_t *n)
{
    struct parts parts;
    const struct ref *missing = NULL;
    const struct algorithm *a = s->r->algorithm;
    char name[80];
    s->view.key = k;
    enum err e = value_parts(&s->view, &s->r->signature.contents[0], &parts, &missing);
    if (e == ERR_NOT_FOUND)
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs %s, which has to be given", s->r->name,
                       value_name(&s->view, missing, name));
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
    if (a->family == FAMILY_HMAC)
        return mac_parts(c, a->digest, k, &parts, out, n);
    if (a->family == FAMILY_DIGEST)
        return mac_digest(c, a->digest, &parts, out, n);
    struct span content = parts.n == 1 ? parts.part[0] : value_join_parts(s->scratch, &parts);
    if (!content.p)
        return why_set(s->w, ERR_NO_ROOM, "no room to put together what is signed");
    crypto_sign_detached(out, NULL, (const unsigned char *)content.p, content.n, k->secret);
    *n = crypto_sign_BYTES;
    return ERR_OK;
}

static enum err can_sign(const struct recipe *r, const struct key *k, struct why *w)
{
    if (!k)
        return why_set(w, ERR_UNSUPPORTED, "there is no key that can sign now (public keys only verify)");
    if (!(r->algorithm->family & (FAMILY_HMAC | FAMILY_DIGEST | FAMILY_ED25519)))
        return why_set(w, ERR_UNSUPPORTED, "recipe %s: only its sender can sign with %s", r->name, r->algorithm->name);
    if (r->signature.from[0].kind != REF_HEADER)
        return why_set(w, ERR_UNSUPPORTED, "recipe %s has its signature in the body", r->name);
    return ERR_OK;
}

enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, const char *id, struct arena *scratch, struct recipe_header *out,
                     size_t cap, size_t *n, struct why *w)
{
    struct signing s = {.r = r, .q = q, .scratch = scratch, .out = out, .cap = cap, .w = w};
    unsigned char signature[RECIPE_SIGNATURE_BYTES];
    size_t n_signature;
    s.view = (struct view){.r = r, .q = q, .a = scratch};
    for (size_t i = 0; i < r->n_headers; i++)
        given(q, r->headers[i].name, &s.view.header[i]);
    if (r->none) {
        enum err e = fill_id(&s, id);
        if (e == ERR_OK)
            *n = s.n;
        return e;
    }
    const struct key *key = signing_key(k, q->now_ms);
    enum err e = can_sign(r, key, w);
    if (e == ERR_OK)
        e = fill_key_id(&s, key);
    if (e == ERR_OK)
        e = fill(&s, id);
    if (e == ERR_OK)
        e = make_signature(&s, key, c, signature, &n_signature);
    struct span name = SPAN_NONE;
    const struct ref *missing = NULL;
    if (e == ERR_OK && r->signature.pair)
        e = value_join(&s.view, &r->signature.key, &name, &missing);
    if (e != ERR_OK)
        return e;
    struct buf text;
    buf_init(&text, 4096);
    e = grammar_write(r, &s.view, name, span_of((const char *)signature, n_signature), &text);
    if (e == ERR_OK)
        e = add_signature(&s, buf_span(&text));
    buf_fini(&text);
    if (e == ERR_OK)
        *n = s.n;
    return e;
}
