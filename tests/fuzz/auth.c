/* SPDX-License-Identifier: MIT
 * fuzz auth: four lines and more: the value of a header with a credential, a query, the path behind a source's own, and what
 * a web server says of a certificate. Whoever does not have the secret is refused, with a reason and a challenge that hold
 * nothing of what came; and where the secret is put into the path it does not come out of what is written down.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <unistd.h>

#include "auth/auth.h"

const char fuzz_name[] = "auth";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/auth", NULL},
    {NULL, NULL},
};

#define SECRET "4bf92f3577b34da6a3ce929d0e0e4736"
enum { ROOM_BYTES = 1 << 20, SHOWN_BYTES = 16 };

static struct recipe_context *context;
static struct arena arena;
static struct auth *methods[AUTH_KINDS], *by_path;

/* A source that asks for this alone. */
static struct auth *one_method(enum config_auth_kind kind, const char *from)
{
    static struct config_source kept[AUTH_KINDS + 1]; /* for good */
    static size_t n;
    static const char *pins[] = {"CN=nobody that could be found"};
    struct config_key key = {.id = "k", .record = "k", .secret_env = "FUZZ_AUTH_SECRET", .not_after_ms = INT64_MAX};
    struct config_source *s = &kept[n++];
    struct config c = {.sources = s, .n_sources = 1, .user = ""};
    struct secrets *secrets;
    struct auth *a;
    struct why w = {""};
    int fd;
    *s = (struct config_source){.name = "s"};
    s->auth[kind] = (struct config_auth){.kind = kind, .used = true, .from = from, .require_exp = true};
    if (kind != AUTH_URL_TOKEN && kind != AUTH_CLIENT_CERT)
        s->auth[kind].header = "Authorization";
    if (kind == AUTH_CLIENT_CERT) {
        s->auth[kind].subject = pins;
        s->auth[kind].n_subject = 1;
    } else {
        s->auth[kind].keys = &key;
        s->auth[kind].n_keys = 1;
    }
    bug_if(setenv("FUZZ_AUTH_SECRET", kind == AUTH_BASIC ? "u:" SECRET : SECRET, 1) != 0);
    bug_if(secrets_gather(&c, -1, &fd, &w) != ERR_OK || secrets_read(fd, &secrets, &w) != ERR_OK);
    bug_if(auth_new(s, secrets, &a, &w) != ERR_OK);
    secrets_free(secrets);
    close(fd);
    s->auth[kind].keys = NULL; /* the key was a local */
    return a;
}

static void begin(void)
{
    bug_if(recipe_context_new(&context) != ERR_OK || !arena_init(&arena, ROOM_BYTES));
    for (enum config_auth_kind i = 0; i < AUTH_KINDS; i++)
        methods[i] = one_method(i, i == AUTH_URL_TOKEN ? "query:token" : NULL);
    by_path = one_method(AUTH_URL_TOKEN, "path:2");
}

static bool holds(struct span text, struct span part)
{
    return part.n > 0 && memmem(text.p, text.n, part.p, part.n) != NULL;
}

/* A long stretch of what came in has no place in a reason. */
static void refuse(const struct auth *a, const struct auth_request *q, struct span credential)
{
    struct auth_verdict v;
    arena_reset(&arena);
    bug_if(auth_judge(a, context, q, &arena, &v) != ERR_UNAUTHENTICATED || v.key_id);
    bug_if(!v.challenge || !v.detail[0] || !memchr(v.detail, 0, sizeof v.detail));
    bug_if(credential.n >= SHOWN_BYTES && holds(span_str(v.detail), credential));
}

/* The path "/a/x/SECRET/…". */
static void hide_path(struct span rest)
{
    struct buf b;
    struct auth_verdict v;
    struct auth_request q = {0};
    buf_init(&b, 1 << 20);
    buf_puts(&b, "/a/x/" SECRET "/");
    buf_put_span(&b, rest);
    struct span path = buf_span(&b);
    q.path_rest = span_skip(path, 3);
    arena_reset(&arena);
    bug_if(auth_judge(by_path, context, &q, &arena, &v) != ERR_OK || !v.key_id);
    struct span hidden = auth_hide_path(by_path, path, q.path_rest, &arena);
    bug_if(!span_eq_str(hidden, "/a/\xe2\x80\xa6"));
    buf_fini(&b);
}

static struct span cut_line(struct span *rest)
{
    const char *at = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct span first = span_of(rest->p ? rest->p : "", at ? (size_t)(at - rest->p) : rest->n);
    *rest = span_skip(*rest, first.n + (at != NULL));
    return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span rest = span_of((const char *)p, n);
    if (!context)
        begin();
    struct span value = cut_line(&rest), query = cut_line(&rest), path = cut_line(&rest);
    const struct recipe_header header = {SPAN_LIT("authorization"), value};
    const struct auth_request q = {.query = query,
                                   .path_rest = path,
                                   .headers = &header,
                                   .n_headers = 1,
                                   .client_verify = SPAN_LIT("SUCCESS"),
                                   .client_cert = rest,
                                   .client_fingerprint = value,
                                   .from_web_server = true,
                                   .now_ms = INT64_C(1700000000000)};
    if (holds(value, SPAN_LIT(SECRET)) || holds(query, SPAN_LIT(SECRET)) || holds(path, SPAN_LIT(SECRET)))
        return 0;
    for (size_t i = 0; i < AUTH_KINDS; i++)
        refuse(methods[i], &q, i == AUTH_URL_TOKEN ? query : value);
    refuse(by_path, &q, path);
    hide_path(path);
    return 0;
}
