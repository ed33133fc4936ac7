/* SPDX-License-Identifier: MIT
 * auth_kit: one source with "auth" as it is written in a configuration, and requests that it judges.
 */
#ifndef CREEL_TESTS_AUTH_KIT_H
#define CREEL_TESTS_AUTH_KIT_H

#include "config_kit.h"

#include "auth/auth.h"
#include "base/secrets.h"

enum { KIT_HEADERS = 8 };

/* What is being tried. */
static struct {
    struct config *config;
    struct auth *auth;
    struct recipe_context *context;
    struct arena scratch;
    struct recipe_header headers[KIT_HEADERS];
    struct auth_request q;
    struct auth_verdict v;
} kit;

static inline void auth_end(void)
{
    auth_free(kit.auth);
    config_free(kit.config);
    recipe_context_free(kit.context);
    arena_fini(&kit.scratch);
    memset(&kit, 0, sizeof kit);
}

/* "auth" of a source without a signature; ERR_OK, or why not. */
static inline enum err auth_begin(const char *members, struct why *w)
{
    char text[8192];
    int fd;
    struct secrets *secrets;
    auth_end();
    snprintf(text, sizeof text, IN_SOURCE("\"path\":\"/a\",\"recipe\":\"none\",\"auth\":{%s}"), members);
    kit.config = load_good(text);
    ck_assert_msg(secrets_gather(kit.config, -1, &fd, w) == ERR_OK, "%s", w->text);
    ck_assert_int_eq(secrets_read(fd, &secrets, w), ERR_OK);
    enum err e = auth_new(&kit.config->sources[0], secrets, &kit.auth, w);
    secrets_free(secrets);
    close(fd);
    ck_assert_int_eq(recipe_context_new(&kit.context), ERR_OK);
    ck_assert(arena_init(&kit.scratch, 262144));
    kit.q = (struct auth_request){.headers = kit.headers, .query = SPAN_LIT(""), .now_ms = INT64_C(1700000000000)};
    return e;
}

static inline void auth_good(const char *members)
{
    struct why w;
    enum err e = auth_begin(members, &w);
    ck_assert_msg(e == ERR_OK, "%s", w.text);
}

/* One more header of the next request. */
static inline void with(const char *name, const char *value)
{
    ck_assert_uint_lt(kit.q.n_headers, KIT_HEADERS);
    kit.headers[kit.q.n_headers++] = (struct recipe_header){span_str(name), span_str(value)};
}

static inline enum err judged(void)
{
    arena_reset(&kit.scratch);
    enum err e = auth_judge(kit.auth, kit.context, &kit.q, &kit.scratch, &kit.v);
    ck_assert((e == ERR_OK) == (kit.v.key_id != NULL));
    ck_assert((e == ERR_OK) == (kit.v.challenge == NULL));
    kit.q.n_headers = 0;
    return e;
}

/* A request with this one header. */
static inline enum err judge(const char *name, const char *value)
{
    with(name, value);
    return judged();
}

#define refused_with(e_, words_)                                                                                       \
    do {                                                                                                               \
        ck_assert_str_eq(err_code(e_), "unauthenticated");                                                             \
        ck_assert_msg(strstr(kit.v.detail, (words_)) != NULL, "no '%s' in '%s'", (words_), kit.v.detail);              \
    } while (0)

#endif
