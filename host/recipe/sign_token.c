/* SPDX-License-Identifier: MIT
 * sign_token: the parts of a token that no reference names: its header, its times, and how it is put together.
 */
#include <stdio.h>

#include "recipe/jwt.h"
#include "recipe/signing.h"

enum { TOKEN_LIVES_S = 60 };

static enum err keep(struct signing *s, struct buf *b, struct span *to)
{
    struct span kept = b->failed ? SPAN_NONE : arena_copy(s->a, buf_span(b));
    buf_fini(b);
    if (!kept.p)
        return why_set(s->w, ERR_NO_ROOM, "no room for the token");
    *to = kept;
    return ERR_OK;
}

static enum err write_header(struct signing *s, unsigned algorithm)
{
    struct buf b;
    buf_init(&b, JWT_HEADER_MAX);
    buf_printf(&b, "{\"alg\":\"%s\"", jwt_algorithm_name(algorithm));
    if (s->r->signature.n_contents == 0)
        buf_puts(&b, ",\"typ\":\"JWT\"");
    if (s->key->kid) {
        buf_puts(&b, ",\"kid\":");
        buf_put_json_string(&b, span_str(s->key->kid));
    }
    buf_putc(&b, '}');
    return keep(s, &b, &s->view.jose);
}

/* The times that the recipe requires; what else it refers to is placed like any other value. */
static enum err write_times(struct signing *s)
{
    static const struct {
        unsigned bit;
        const char *name;
        int64_t later_s;
    } rows[] = {{JWT_IAT, "iat", 0}, {JWT_NBF, "nbf", 0}, {JWT_EXP, "exp", TOKEN_LIVES_S}};
    const char *between = "";
    struct buf b;
    buf_init(&b, JWT_HEADER_MAX);
    buf_putc(&b, '{');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!(s->r->signature.jwt.require & rows[i].bit))
            continue;
        buf_printf(&b, "%s\"%s\":", between, rows[i].name);
        buf_put_i64(&b, s->q.now_ms / 1000 + rows[i].later_s);
        between = ",";
    }
    buf_putc(&b, '}');
    return keep(s, &b, &s->view.claims);
}

enum err signing_begin_token(struct signing *s)
{
    unsigned algorithm = jwt_algorithm_for(s->key, s->r->signature.jwt.algorithms);
    if (!algorithm)
        return why_set(s->w, ERR_UNSUPPORTED, "key %s goes with no algorithm that recipe %s allows", s->key->id,
                       s->r->name);
    enum err e = write_header(s, algorithm);
    return e == ERR_OK ? write_times(s) : e;
}

enum err signing_make_token(struct signing *s, struct span *token)
{
    const struct signature *sig = &s->r->signature;
    const struct ref *missing = NULL;
    unsigned algorithm = jwt_algorithm_for(s->key, sig->jwt.algorithms);
    struct span payload = s->view.claims;
    enum err e = sig->n_contents ? value_join(&s->view, &sig->contents[0], &payload, &missing) : ERR_OK;
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
    e = jwt_sign(s->c, s->key, algorithm, s->view.jose, payload, sig->n_contents > 0, s->a, token);
    if (e == ERR_UNSUPPORTED)
        return why_set(s->w, e, "key %s only verifies: its private half signs", s->key->id);
    return e == ERR_OK ? e : why_set(s->w, e, "recipe %s: %s", s->r->name, err_title(e));
}
