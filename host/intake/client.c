/* SPDX-License-Identifier: MIT
 * client: which address the request came from. What the web server says (REMOTE_ADDR) counts, unless that is a proxy that
 * the configuration trusts: then X-Forwarded-For, as far as trusted proxies have written it.
 */
#include "intake/steps.h"

/* The values of the field, in the order in which they came. NULL: the arena is full. */
static struct span *forwarded(struct request *q, size_t *n)
{
    struct span *values = arena_alloc(&q->arena, (q->n_headers + 1) * sizeof *values);
    *n = 0;
    for (size_t i = 0; values && i < q->n_headers; i++)
        if (span_eq_str(q->headers[i].name, "x-forwarded-for"))
            values[(*n)++] = q->headers[i].value;
    return values;
}

/* nginx (before 1.23) hands fields over as they came, and none whose name only looks like this one. Of the others lighttpd makes
 * X_Forwarded_For and X.Forwarded.For the same variable, behind the real one: a client's word would count as a proxy's. They
 * join what came several times. */
static bool hands_over_each(const struct request *q)
{
    return span_starts(q->server_software, SPAN_LIT("nginx/"));
}

enum err step_client(struct request *q)
{
    const struct cidr_list *proxies = &q->house->proxies;
    struct address peer = {{0}};
    char text[ADDRESS_TEXT_BYTES];
    size_t n;

    (void)address_parse(q->remote.p ? q->remote : SPAN_LIT(""), &peer);
    q->client = peer;
    if (!cidr_list_has(proxies, &peer))
        return ERR_OK;
    const struct span *values = forwarded(q, &n);
    if (!values)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    if (n > 1 && !hands_over_each(q))
        return refuse(q, ERR_MALFORMED_REQUEST, "x-forwarded-for came twice, and the web server (SERVER_SOFTWARE) is not nginx, "
                      "of which it is known that both are what they are called");
    q->client = cidr_client(proxies, peer, values, n);
    q->remote = arena_copy(&q->arena, span_of(text, address_format(&q->client, text)));
    return ERR_OK;
}
