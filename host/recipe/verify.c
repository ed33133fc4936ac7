/* SPDX-License-Identifier: MIT
 * verify: does this request prove what its recipe asks for? Cheap questions first: presence, form, time, and only then
 * cryptography. Allocates nothing but from the given arena. Any thread with its own struct recipe_context.
 */
#include <stdlib.h>

#include "base/json.h"
#include "recipe/form.h"
#include "recipe/proof.h"
#include "recipe/timestamp.h"
#include "recipe/url.h"

/* What is decoded and put together at the same time is at most: of a header a token's copy, its header and its claims; of
 * a body or URL one rule's value or one alternative of the content, where a byte becomes "\\u007f", and the pairs of a
 * form, which take two bytes of it at least. */
enum { SCRATCH_BYTES = 16 * 1024, HEADER_TIMES = 4, TEXT_TIMES = 8, PAIR_TIMES = sizeof(struct form_pair) / 2 };

static size_t of_text(size_t n)
{
    size_t pairs = n * PAIR_TIMES, most = FORM_PAIRS_MAX * sizeof(struct form_pair);
    return n * TEXT_TIMES + (pairs < most ? pairs : most);
}

size_t recipe_scratch_bytes(const struct recipe *r, const struct recipe_request *q)
{
    size_t headers = 0;
    for (size_t i = 0; i < q->n_headers; i++)
        headers += q->headers[i].value.n;
    return SCRATCH_BYTES + HEADER_TIMES * headers + of_text(q->url.n + q->query.n) + (r->gathers ? of_text(q->body.n) : 0);
}

static enum err missing_value(struct proof *p, const struct ref *ref)
{
    char name[80];
    value_name(&p->view, ref, name);
    if (ref->kind == REF_FIELD)
        return proof_refuse(p, ERR_SIGNATURE_INVALID, "the signature has no %s", name);
    if (ref->kind == REF_URL || ref->kind == REF_PATH || ref->kind == REF_PARAM)
        return proof_refuse(p, ERR_INTERNAL, "%s is signed, and is not configured here", name);
    return proof_refuse(p, ERR_SIGNATURE_MISSING, "%s is missing, %s", name,
                        ref == &p->r->signature.key_id ? "which says which key it is" : "and it is signed");
}

enum err proof_failed(struct proof *p, enum err e, const struct ref *missing)
{
    if (e == ERR_NOT_FOUND)
        return missing_value(p, missing);
    return p->verdict->detail[0] ? e : proof_problem(p, e);
}

/* ---- the signatures ---- */

static enum err split(struct proof *p, struct span value, struct span key)
{
    enum err e = value.n > 0 ? grammar_split(p->r, value, key, &p->view, &p->signatures) : ERR_OK;
    return e == ERR_OK ? e : proof_problem(p, e);
}

/* Every line of a header, every header of a family; the same line twice counts once. */
static enum err split_headers(struct proof *p, int slot, struct span key, bool *any)
{
    const struct header_slot *h = &p->r->headers[slot];
    struct span last = SPAN_NONE;
    for (size_t i = 0; i < p->q->n_headers; i++) {
        const struct recipe_header *line = &p->q->headers[i];
        if (!proof_is_named(h, line->name) || (last.p && span_eq(last, line->value)))
            continue;
        last = line->value;
        *any = *any || line->value.n > 0;
        enum err e = split(p, line->value, key);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err take_signatures(struct proof *p)
{
    const struct signature *s = &p->r->signature;
    const struct ref *missing = NULL;
    struct span key = SPAN_NONE;
    char name[80];
    bool any = false;
    enum err e = s->pair ? value_join(&p->view, &s->key, &key, &missing) : ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < s->n_from; i++) {
        struct span value = SPAN_NONE;
        if (s->from[i].kind == REF_HEADER && s->from[i].n_filters == 0) {
            e = split_headers(p, s->from[i].slot, key, &any);
            continue;
        }
        e = value_get(&p->view, &s->from[i], &value);
        any = any || value.n > 0;
        if (e == ERR_OK)
            e = split(p, value, key);
    }
    if (e != ERR_OK)
        return proof_failed(p, e, missing);
    if (p->signatures.n > 0)
        return ERR_OK;
    value_name(&p->view, &s->from[0], name);
    return any ? proof_refuse(p, ERR_SIGNATURE_INVALID, "%s has no usable signature: wrong form, version or length", name)
               : proof_refuse(p, ERR_SIGNATURE_MISSING, "%s is missing or empty", name);
}

/* ---- what must hold ---- */

static enum err hold_asserts(struct proof *p)
{
    const struct rule *broken;
    const char *why;
    char name[80];
    enum err e = rules_hold(&p->view, &p->r->asserts, &broken, &why);
    if (e != ERR_OK)
        return proof_problem(p, e);
    if (!broken)
        return ERR_OK;
    bool missing = broken->of.kind == REF_HEADER && !p->view.header[broken->of.slot].p;
    return proof_refuse(p, missing ? ERR_SIGNATURE_MISSING : ERR_SIGNATURE_INVALID, "%s %s",
                        value_name(&p->view, &broken->of, name), why);
}

static enum err hold_time(struct proof *p)
{
    const struct timestamp *t = &p->r->timestamp;
    struct span text = SPAN_NONE;
    int64_t signed_ms, now_ms = p->q->now_ms;
    char name[80];
    if (!p->r->has_timestamp)
        return ERR_OK;
    enum err e = value_get(&p->view, &t->from, &text);
    if (e != ERR_OK)
        return proof_problem(p, e);
    if (!text.p)
        return missing_value(p, &t->from);
    if (t->listed && !value_lists_header(&p->view, p->r->headers[t->from.slot].name))
        return proof_refuse(p, ERR_SIGNATURE_INVALID, "%s is not among the headers that are signed",
                            value_name(&p->view, &t->from, name));
    if (timestamp_read(t->format, text, &signed_ms) != ERR_OK)
        return proof_refuse(p, ERR_SIGNATURE_INVALID, "%s is not %s", value_name(&p->view, &t->from, name),
                            timestamp_words(t->format));
    p->verdict->signed_at_ms = signed_ms;
    if (timestamp_near(t, signed_ms, now_ms, p->q->tolerance_ms))
        return ERR_OK;
    int64_t age_ms = timestamp_age(t, signed_ms, now_ms);
    return proof_refuse(p, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "signed %lld seconds %s this receiver's clock",
                        (long long)llabs(age_ms / 1000), age_ms > 0 ? "before" : "after");
}

/* ---- keys from elsewhere ---- */

static enum err find_keys(struct proof *p)
{
    const struct keys_url *u = &p->r->signature.keys_url;
    const char *problem = NULL;
    struct span url = SPAN_NONE;
    char name[80];
    enum err e = u->from.kind == REF_JOSE ? proof_peek(p) : ERR_OK;
    if (e == ERR_OK)
        e = value_get(&p->view, &u->from, &url);
    if (e != ERR_OK)
        return proof_problem(p, e);
    value_name(&p->view, &u->from, name); /* this way costs a thousand times as much */
    if (!url.p)
        return proof_refuse(p, ERR_SIGNATURE_MISSING, "%s is missing, which says where the key is", name);
    if (!url_fetchable(url, u->hosts.list, u->hosts.n, &problem))
        return proof_refuse(p, ERR_SIGNATURE_INVALID, "%s: %s", name, problem);
    size_t query = 0; /* the suffix is the path's, not that of a query behind it */
    while (query < url.n && url.p[query] != '?')
        query++;
    if (u->suffix.n > query || memcmp(url.p + query - u->suffix.n, u->suffix.p ? u->suffix.p : "", u->suffix.n) != 0)
        return proof_refuse(p, ERR_SIGNATURE_INVALID, "%s does not end in %.*s", name, (int)u->suffix.n, u->suffix.p);
    if (p->ring->n > 0)
        return ERR_OK;
    p->verdict->keys_url = url;
    p->verdict->keys_format = u->format;
    p->ring = p->q->keys_at ? p->q->keys_at(p->q->keys_arg, url) : NULL;
    return p->ring ? ERR_OK : proof_refuse(p, ERR_KEYS_PENDING, "the key of this signature has to be fetched first");
}

/* ---- one piece: the request, or an element of it ---- */

static bool any_live(const struct proof *p)
{
    for (size_t i = 0; i < p->ring->n; i++)
        if (key_live(&p->ring->keys[i], p->q->now_ms))
            return true;
    return false;
}

static enum err try_contents(struct proof *p)
{
    const struct signature *s = &p->r->signature;
    const struct ref *missing = NULL;
    enum err e;
    if (p->r->algorithm->family == FAMILY_JWT) {
        e = proof_try_tokens(p, &missing);
    } else if (s->n_contents == 0) {
        e = proof_try_keys(p, NULL, &missing);
    } else {
        bool whole = false; /* is there an alternative of which nothing is missing? */
        e = ERR_OK;
        const struct view_mark mark = view_mark(&p->view);
        for (size_t i = 0; (e == ERR_OK || e == ERR_NOT_FOUND) && i < s->n_contents && !p->matched; i++) {
            view_release(&p->view, mark); /* an alternative that failed is of no use to the next */
            e = proof_try_keys(p, &s->contents[i], &missing);
            whole = whole || e == ERR_OK;
        }
        e = e == ERR_NOT_FOUND && whole ? ERR_OK : e;
    }
    if (e != ERR_OK)
        return proof_failed(p, e, missing);
    if (p->matched)
        return ERR_OK;
    if (p->view.problem[0])
        return proof_problem(p, ERR_SIGNATURE_INVALID);
    return proof_refuse(p, ERR_SIGNATURE_INVALID, "%s",
                        any_live(p) ? "no key of this source made this signature" : "no key of this source is valid now");
}

/* What is signed has to be there before it is asked when it was signed. */
static enum err need_content(struct proof *p)
{
    const struct text *t = &p->r->signature.contents[0];
    for (size_t i = 0; p->r->signature.n_contents == 1 && i < t->n; i++) {
        const struct ref *ref = &t->pieces[i];
        bool there = ref->kind == REF_HEADER && ref->slot >= 0 ? p->view.header[ref->slot].p != NULL
                     : ref->kind == REF_FIELD                  ? p->view.field[ref->slot].p != NULL
                                                               : true;
        if (!there && !ref->group)
            return missing_value(p, ref);
    }
    return ERR_OK;
}

/* A list that nobody signed may leave a header out whose text another one then ends in. */
static enum err hold_list(struct proof *p)
{
    const struct signed_headers *h = &p->r->signature.signed_headers;
    char name[80];
    if (!h->itself || value_lists_header(&p->view, p->r->headers[h->names.slot].name))
        return ERR_OK;
    return proof_refuse(p, p->view.header[h->names.slot].p ? ERR_SIGNATURE_INVALID : ERR_SIGNATURE_MISSING,
                        "%s does not list itself among the headers that are signed",
                        value_name(&p->view, &h->names, name));
}

/* Nothing is fetched for a request that is refused whatever its keys are. */
static enum err prove(struct proof *p)
{
    enum err e = p->r->signature.keys_url.format ? find_keys(p) : ERR_OK;
    return e == ERR_OK ? try_contents(p) : e;
}

static enum err verify_piece(struct proof *p)
{
    bool token = p->r->algorithm->family == FAMILY_JWT; /* its claims are what is asked about, so it is first */
    p->matched = NULL;
    p->signatures.n = 0;
    memset(p->view.field, 0, p->r->n_fields * sizeof *p->view.field);
    enum err e = take_signatures(p);
    if (e == ERR_OK && token)
        e = prove(p);
    if (e == ERR_OK && !token)
        e = need_content(p);
    if (e == ERR_OK)
        e = hold_list(p);
    if (e == ERR_OK)
        e = hold_asserts(p);
    if (e == ERR_OK)
        e = hold_time(p);
    if (e == ERR_OK && !token)
        e = prove(p);
    if (e == ERR_OK)
        p->verdict->key_id = p->matched->id;
    return e;
}

/* Every element of a list carries its own signature; all must be good. */
static enum err verify_each(struct proof *p)
{
    const struct span pointer = p->r->signature.each;
    struct span element;
    if (value_json(&p->view) != ERR_OK)
        return proof_problem(p, ERR_MALFORMED_BODY);
    struct span list = json_pointer(p->q->body, pointer);
    if (!list.p || json_type_of(list) != JSON_ARRAY)
        return proof_refuse(p, ERR_SIGNATURE_MISSING, "%.*s is no list of signed elements", (int)pointer.n, pointer.p);
    const struct view_mark mark = view_mark(&p->view);
    size_t n = 0;
    for (struct json_iter it = json_iter(list); json_next_element(&it, &element); n++) {
        view_release(&p->view, mark); /* what one element took is of no use to the next */
        view_item(&p->view, element);
        enum err e = verify_piece(p);
        if (e != ERR_OK)
            return e;
    }
    return n > 0 ? ERR_OK : proof_refuse(p, ERR_SIGNATURE_MISSING, "%.*s is empty", (int)pointer.n, pointer.p);
}

enum err proof_verify(struct proof *p)
{
    enum err e = p->r->none ? ERR_OK : p->r->signature.each.p ? verify_each(p) : verify_piece(p);
    p->verdict->body_is_json = p->view.body_json == JSON_GOOD;
    return e;
}

enum err recipe_verify(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                       const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict)
{
    struct proof p;
    enum err e = proof_begin(&p, r, k, c, q, scratch, verdict);
    return e == ERR_OK ? proof_verify(&p) : e;
}
