/* SPDX-License-Identifier: MIT
 * handshake: requests that are no events: a rule of the recipe says which, whether the signature comes first, and what is
 * answered. Any thread with its own struct recipe_context.
 */
#include "recipe/proof.h"
#include "recipe/url.h"

/* Is this request the one that this rule is for? A body that is no JSON is none. */
static bool meets(struct proof *p, const struct handshake *h)
{
    const struct rule *failed_rule;
    const char *why;
    return span_eq_str(p->q->method, h->method) && rules_hold(&p->view, &h->when, &failed_rule, &why) == ERR_OK &&
           !failed_rule;
}

/* A secret is brought to a source that has none, and never takes the place of one. */
static bool applies(struct proof *p, const struct handshake *h)
{
    return (h->store.n == 0 || p->ring->n == 0) && meets(p, h);
}

static void first_live_key(struct proof *p)
{
    p->view.key = p->matched;
    for (size_t i = 0; p->ring && !p->view.key && i < p->ring->n; i++)
        if (key_live(&p->ring->keys[i], p->q->now_ms))
            p->view.key = &p->ring->keys[i];
}

static enum err fill_reply(struct proof *p, const struct handshake *h, struct recipe_reply *reply)
{
    const struct ref *missing = NULL;
    *reply = (struct recipe_reply){.name = h->name,
                                   .status = h->status,
                                   .content_type = h->content_type,
                                   .hosts = h->hosts.list,
                                   .n_hosts = h->hosts.n};
    reply->body = SPAN_LIT("");
    enum err e = h->body.n ? value_join(&p->view, &h->body, &reply->body, &missing) : ERR_OK;
    if (e == ERR_OK && h->store.n)
        e = value_join(&p->view, &h->store, &reply->store, &missing);
    if (e == ERR_OK && h->fetch.n)
        e = value_join(&p->view, &h->fetch, &reply->fetch, &missing);
    for (size_t i = 0; e == ERR_OK && i < h->n_headers; i++) {
        struct span value = SPAN_NONE;
        e = value_join(&p->view, &h->headers[i].value, &value, &missing);
        if (e == ERR_OK)
            reply->headers[reply->n_headers++] = (struct recipe_header){h->headers[i].name, value};
        else if (e == ERR_NOT_FOUND)
            e = ERR_OK; /* that header is left out */
    }
    return e == ERR_OK ? e : proof_failed(p, e, missing);
}

static bool plain_header(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum err check_reply(struct proof *p, const struct handshake *h, struct recipe_reply *reply)
{
    const char *problem = NULL;
    for (size_t i = 0; i < reply->n_headers; i++)
        if (!plain_header(reply->headers[i].value))
            return proof_refuse(p, ERR_HANDSHAKE_REFUSED, "the value to be sent back holds a control character");
    if (reply->fetch.p && !url_fetchable(reply->fetch, h->hosts.list, h->hosts.n, &problem))
        return proof_refuse(p, ERR_HANDSHAKE_REFUSED, "the address to be confirmed: %s", problem);
    return ERR_ANSWERED;
}

static enum err answer(struct proof *p, const struct handshake *h, struct recipe_reply *reply)
{
    const struct rule *broken;
    const char *why;
    char name[80];
    first_live_key(p);
    enum err e = rules_hold(&p->view, &h->asserts, &broken, &why);
    if (e != ERR_OK)
        return proof_problem(p, e);
    if (broken) {
        *reply = (struct recipe_reply){.name = h->name, .refused_status = h->refused_status};
        return proof_refuse(p, ERR_HANDSHAKE_REFUSED, "%s %s", value_name(&p->view, &broken->of, name), why);
    }
    e = fill_reply(p, h, reply);
    return e == ERR_OK ? check_reply(p, h, reply) : e;
}

static const struct handshake *find_handshake(struct proof *p, bool is_signed)
{
    for (size_t i = 0; i < p->r->n_handshakes; i++)
        if (p->r->handshakes[i].is_signed == is_signed && applies(p, &p->r->handshakes[i]))
            return &p->r->handshakes[i];
    return NULL;
}

/* Would it have brought the secret, had the source none? */
static bool too_late(struct proof *p)
{
    for (size_t i = 0; i < p->r->n_handshakes; i++)
        if (p->r->handshakes[i].store.n > 0 && p->ring->n > 0 && meets(p, &p->r->handshakes[i]))
            return true;
    return false;
}

static bool signed_method(const struct recipe *r, struct span method)
{
    for (size_t i = 0; i < r->n_handshakes; i++)
        if (r->handshakes[i].is_signed && span_eq_str(method, r->handshakes[i].method))
            return true;
    return false;
}

enum err recipe_judge(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                      const struct recipe_request *q, bool is_event_method, struct arena *scratch,
                      struct recipe_verdict *verdict, struct recipe_reply *reply)
{
    struct proof p;
    enum err e = proof_begin(&p, r, k, c, q, scratch, verdict);
    *reply = (struct recipe_reply){0};
    if (e != ERR_OK)
        return e;
    const struct handshake *h = r->n_handshakes ? find_handshake(&p, false) : NULL;
    if (h)
        return answer(&p, h, reply);
    if (!is_event_method && !signed_method(r, q->method))
        return proof_refuse(&p, ERR_METHOD_NOT_ALLOWED, "no event comes with this method");
    p.view.problem[0] = 0;
    e = proof_verify(&p);
    if (e == ERR_SIGNATURE_MISSING && too_late(&p))
        return proof_refuse(&p, ERR_HANDSHAKE_REFUSED,
                            "this source has its secret already; for another one take its key away first");
    if (e != ERR_OK)
        return e;
    h = r->n_handshakes ? find_handshake(&p, true) : NULL;
    if (h)
        return answer(&p, h, reply);
    return is_event_method ? ERR_OK : proof_refuse(&p, ERR_METHOD_NOT_ALLOWED, "no event comes with this method");
}
