/* SPDX-License-Identifier: MIT
 * authenticate: who calls, as far as headers and URL say it, before a byte of the body is kept. Handshakes are asked as well.
 * IO threads.
 */
#include "intake/steps.h"

#include "intake/transport.h"

enum err step_authenticate(struct request *q)
{
    const struct house_source *s = q->source;
    struct auth_verdict v;
    if (!s->auth)
        return ERR_OK;
    const struct auth_request r = {
        .query = q->query,
        .path_rest = q->path_rest,
        .headers = q->headers,
        .n_headers = q->n_headers,
        .client_verify = q->client_verify,
        .client_cert = q->client_cert,
        .client_fingerprint = q->client_fingerprint,
        .from_web_server = s->config->auth[AUTH_CLIENT_CERT].used && transport_by_unix_socket(q),
        .now_ms = q->received_ms,
    };
    enum err e = auth_judge(s->auth, q->recipe_context, &r, &q->arena, &v);
    q->caller = v.key_id;
    q->challenge = v.challenge;
    return e == ERR_OK ? e : refuse(q, err_status(e) ? e : ERR_INTERNAL, "%s", v.detail[0] ? v.detail : err_title(e));
}
