/* SPDX-License-Identifier: MIT
 * recipe: what others ask about a compiled recipe. Any thread.
 */
#include "recipe/compiled.h"

const char *recipe_name(const struct recipe *r)
{
    return r->name;
}

bool recipe_is_none(const struct recipe *r)
{
    return r->none;
}

bool recipe_takes_public_keys(const struct recipe *r)
{
    static const char *const secrets[] = {"utf8", "utf8-sha1", "utf8-nfkd", "hex", "base64", "whsec_base64"};
    if (r->none || r->algorithm->family & (FAMILY_HMAC | FAMILY_DIGEST | FAMILY_TOKEN))
        return false;
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strcmp(r->key_encoding, secrets[i]) == 0)
            return false;
    return true;
}

const char *recipe_key_encoding(const struct recipe *r)
{
    return r->key_encoding;
}

int64_t recipe_tolerance_ms(const struct recipe *r)
{
    return r->has_timestamp ? r->timestamp.past_ms : -1;
}

const char *const *recipe_default(const struct recipe *r, const char *what, size_t *n)
{
    static const char *const names[DEFAULTS] = {
        [DEFAULT_TYPE] = "type",           [DEFAULT_EVENT_ID] = "event_id", [DEFAULT_ORDER_KEY] = "order_key",
        [DEFAULT_VERSION] = "version",     [DEFAULT_TIME] = "time",
    };
    for (size_t i = 0; i < DEFAULTS; i++) {
        if (strcmp(what, names[i]) == 0) {
            *n = r->defaults[i].n;
            return r->defaults[i].text;
        }
    }
    *n = 0;
    return NULL;
}

static bool listed(const char *const *names, size_t n, struct span header)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(span_str(names[i]), header))
            return true;
    return false;
}

bool recipe_signs_query(const struct recipe *r, const char *public_url)
{
    bool own = strchr(public_url, '?') != NULL; /* then the request's is not added */
    for (size_t i = 0; i < r->signature.n_contents; i++)
        for (size_t k = 0; k < r->signature.contents[i].n; k++) {
            enum ref_kind kind = r->signature.contents[i].pieces[k].kind;
            if (kind == REF_QUERY || (kind == REF_URL && !own))
                return true;
        }
    return false;
}

/* A signature that anybody who saw it can send again, with another body, is a password. */
static bool is_bearer(const struct recipe *r, struct span header)
{
    for (size_t i = 0; !r->none && r->algorithm->family & (FAMILY_TOKEN | FAMILY_JWT) && i < r->n_headers; i++)
        if (r->headers[i].signature && span_eq_nocase(r->headers[i].name, header))
            return recipe_gaps(r).body;
    return false;
}

bool recipe_is_credential(const struct recipe *r, struct span header)
{
    static const char *const always[] = {"Authorization", "Proxy-Authorization", "Cookie", "X-API-Key"};
    return listed(always, sizeof always / sizeof *always, header) ||
           listed(r->credentials.list, r->credentials.n, header) || is_bearer(r, header);
}

bool recipe_reads_header(const struct recipe *r, struct span header)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct header_slot *h = &r->headers[i];
        struct span begin = h->family && header.n > h->name.n ? span_of(header.p, h->name.n) : header;
        if (span_eq_nocase(h->name, begin))
            return true;
    }
    return false;
}

bool recipe_may_repeat(const struct recipe *r, struct span header)
{
    return listed(r->repeatable.list, r->repeatable.n, header);
}

const struct config_answer *recipe_answer(const struct recipe *r, enum config_answer_kind kind)
{
    return &r->answers[kind];
}

bool recipe_shakes(const struct recipe *r, struct span method)
{
    for (size_t i = 0; i < r->n_handshakes; i++)
        if (span_eq_str(method, r->handshakes[i].method))
            return true;
    return false;
}

const char *recipe_handshake_method(const struct recipe *r, size_t i)
{
    return i < r->n_handshakes ? r->handshakes[i].method : NULL;
}

bool recipe_stores_secret(const struct recipe *r)
{
    for (size_t i = 0; i < r->n_handshakes; i++)
        if (r->handshakes[i].store.n > 0)
            return true;
    return false;
}

const char *const *recipe_keys_hosts(const struct recipe *r, size_t *n)
{
    *n = r->signature.keys_url.hosts.n;
    return r->signature.keys_url.hosts.list;
}

bool recipe_fetches_keys(const struct recipe *r)
{
    return r->signature.keys_url.format != NULL;
}

const char *const *recipe_params(const struct recipe *r, size_t *n)
{
    *n = r->params.n;
    return r->params.list;
}

bool recipe_needs_url(const struct recipe *r)
{
    return r->needs_url;
}

const char *recipe_title(const struct recipe *r)
{
    return r->title;
}

const char *recipe_documentation(const struct recipe *r)
{
    return r->documentation;
}

const char *recipe_algorithm(const struct recipe *r)
{
    return r->none ? NULL : r->algorithm->name;
}

const char *const *recipe_notes(const struct recipe *r, size_t *n)
{
    *n = r->notes.n;
    return r->notes.list;
}
