/* SPDX-License-Identifier: MIT
 * admit: the cheap refusals, before a byte of the body is kept: address, method, repeated header fields, declared size,
 * content type, room in the spool, limits by address.
 */
#include "intake/steps.h"

#include "intake/transport.h"

#include "base/media.h"

static enum err check_address(struct request *q)
{
    char text[ADDRESS_TEXT_BYTES];
    if (q->source->allow.n == 0)
        return ERR_OK;
    if (!transport_by_unix_socket(q)) /* a descriptor that was passed; of others the configuration knows it */
        return refuse(q, ERR_ADDRESS_NOT_ALLOWED, "no address is believed that does not come by a unix socket");
    if (cidr_list_has(&q->source->allow, &q->client))
        return ERR_OK;
    address_format(&q->client, text);
    return refuse(q, ERR_ADDRESS_NOT_ALLOWED, "this source may not be called from the address %s", text);
}

/* Each proxy on the way may add one of these; recipes see the first. */
static bool from_proxies(const struct request *q, struct span name)
{
    return q->house->proxies.n > 0 && span_eq_str(name, "x-forwarded-for");
}

/* A field that comes twice could be read one way here and another way by whoever signed it. */
static enum err check_repeats(struct request *q)
{
    size_t places = 64; /* a power of two, several times the number of fields */
    while (places < 4 * q->n_headers)
        places *= 2;
    uint16_t *table = arena_alloc(&q->arena, places * sizeof *table);
    if (!table)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    memset(table, 0, places * sizeof *table);
    for (size_t i = 0; i < q->n_headers; i++) {
        struct span name = q->headers[i].name;
        uint32_t h = 2166136261u;
        for (size_t k = 0; k < name.n; k++)
            h = (h ^ (unsigned char)name.p[k]) * 16777619u;
        size_t at = h & (places - 1);
        while (table[at] && !span_eq(q->headers[table[at] - 1].name, name))
            at = (at + 1) & (places - 1);
        if (table[at] && !recipe_may_repeat(q->source->recipe, name) && !from_proxies(q, name))
            return refuse(q, ERR_MALFORMED_REQUEST, "the header field %.*s came twice",
                          (int)(name.n < 60 ? name.n : 60), name.p);
        table[at] = (uint16_t)(i + 1);
    }
    return ERR_OK;
}

/* All digits: the length. Empty, absent or "-1" (what web servers pass for chunked requests): unknown, read to the end. Anything else is
 * a length that could be read in two ways, and would not show whether the body is whole. */
static enum err read_length(struct request *q)
{
    struct span s = q->length_text;
    int64_t n = 0;
    q->content_length = -1;
    if (s.n == 0 || span_eq_str(s, "-1"))
        return ERR_OK;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return refuse(q, ERR_MALFORMED_REQUEST, "the Content-Length is no number");
        if (n > q->source->config->max_body)
            continue; /* too large already; more digits must not overflow */
        n = n * 10 + (s.p[i] - '0');
    }
    if (n > q->source->config->max_body)
        return refuse(q, ERR_BODY_TOO_LARGE, "this source takes at most %lld bytes",
                      (long long)q->source->config->max_body);
    q->content_length = n;
    return ERR_OK;
}

enum err admit_content_type(struct request *q)
{
    const struct config_source *c = q->source->config;
    char lower[128];
    if (c->n_content_types == 0)
        return ERR_OK;
    struct span type = media_type(q->content_type);
    size_t n = type.n < sizeof lower ? type.n : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = type.p[i] >= 'A' && type.p[i] <= 'Z' ? (char)(type.p[i] - 'A' + 'a') : type.p[i];
    for (size_t i = 0; i < c->n_content_types; i++)
        if (config_pattern_match(c->content_types[i], span_of(lower, n)))
            return ERR_OK;
    return refuse(q, ERR_UNSUPPORTED_MEDIA_TYPE, "the content type is not among those this source takes");
}

enum err step_admit(struct request *q)
{
    enum err e = check_address(q);
    if (e != ERR_OK)
        return e;
    bool shakes = recipe_shakes(q->source->recipe, q->method) || permit_asked(q);
    if (!shakes && !house_takes_method(q->source, q->method))
        return refuse(q, ERR_METHOD_NOT_ALLOWED, "this source takes %s", q->source->methods);
    e = check_repeats(q);
    if (e == ERR_OK)
        e = read_length(q);
    if (e == ERR_OK && !shakes)
        e = admit_content_type(q);
    if (e != ERR_OK)
        return e;
    if (atomic_load_explicit(&q->intake->stopping, memory_order_relaxed))
        return refuse(q, ERR_SHUTTING_DOWN, "try again in a few seconds");
    if (!journal_accepts(q->intake->journal))
        return refuse(q, ERR_SPOOL_FULL, "the spool takes no events at the moment");
    return limits_admit(q);
}
