/* SPDX-License-Identifier: MIT
 * verify: creel verify --vectors: runs written-down requests through the door's own verification, each with its own clock.
 * Needs neither the daemon nor the spool nor a configuration. One thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/rejected.h"
#include "recipe/case.h"

enum { FILE_BYTES_MAX = 256 << 20, FILE_NODES_MAX = 16 << 20, RECIPES_KEPT = 256, ROOM_FOR_ONE = 1 << 20 };

struct kept {
    char *name, *scheme;
    struct recipe *recipe; /* NULL: cannot be had, for the reason in why */
    struct why why;
};

struct run {
    struct ctl *ctl;
    struct recipe_context *context;
    struct arena arena;
    struct kept kept[RECIPES_KEPT];
    size_t n_kept;
    unsigned passed, failed, number;
};

/* The recipe of a case, compiled once; when the table is full the oldest makes room. */
static const struct kept *recipe_of(struct run *run, const struct recipe_case *t)
{
    const char *scheme = t->scheme.p ? t->scheme.p : "";
    for (size_t i = 0; i < run->n_kept; i++)
        if (strcmp(run->kept[i].name, t->provider.p) == 0 && strcmp(run->kept[i].scheme, scheme) == 0)
            return &run->kept[i];
    if (run->n_kept == RECIPES_KEPT) {
        recipe_free(run->kept[0].recipe);
        free(run->kept[0].name);
        free(run->kept[0].scheme);
        memmove(&run->kept[0], &run->kept[1], (RECIPES_KEPT - 1) * sizeof run->kept[0]);
        run->n_kept--;
    }
    struct kept *k = &run->kept[run->n_kept++];
    *k = (struct kept){.name = strdup(t->provider.p), .scheme = strdup(scheme)};
    if (!k->name || !k->scheme)
        die(EXIT_SYSTEM, "creel verify: out of memory");
    ctl_recipe_scheme(run->ctl, k->name, scheme[0] ? scheme : NULL, &k->recipe, &k->why);
    return k;
}

static void disagree(struct run *run, const struct recipe_case *t, const char *verdict, const char *detail)
{
    const char *provider = t->provider.p ? t->provider.p : "?", *name = t->name.p ? t->name.p : "?";
    run->failed++;
    if (!run->ctl->json) {
        printf("%s/%s (case %u): must be %s, is %s: %s\n", provider, name, run->number,
               t->expect.p ? t->expect.p : "accept or reject", verdict, detail);
        return;
    }
    struct buf b;
    buf_init(&b, ROOM_FOR_ONE);
    const char *const members[][2] = {{"provider", provider},
                                      {"case", name},
                                      {"expect", t->expect.p ? t->expect.p : ""},
                                      {"verdict", verdict},
                                      {"detail", detail}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        buf_puts(&b, i ? "," : "{");
        buf_put_json_string(&b, span_str(members[i][0]));
        buf_putc(&b, ':');
        buf_put_json_text(&b, span_str(members[i][1]));
    }
    printf("%.*s}\n", (int)b.n, b.p ? b.p : "");
    buf_fini(&b);
}

static void judge(struct run *run, const struct recipe_case *t)
{
    struct recipe_verdict verdict;
    bool accept = span_eq_str(t->expect, "accept");
    if (!t->provider.p || (!accept && !span_eq_str(t->expect, "reject"))) {
        disagree(run, t, "unreadable", "a case needs 'provider' and 'expect', one of accept and reject");
        return;
    }
    const struct kept *k = recipe_of(run, t);
    if (!k->recipe) {
        disagree(run, t, "not run", k->why.text);
        return;
    }
    struct recipe_reply reply;
    struct why why;
    enum err e = case_judge(k->recipe, run->context, t, &run->arena, &verdict, &reply);
    bool handshake = span_eq_str(t->kind, "handshake");
    bool taken = handshake ? e == ERR_ANSWERED : e == ERR_OK || e == ERR_ANSWERED;
    if (accept && e == ERR_ANSWERED && !case_answered(t, &reply, &run->arena, &why))
        disagree(run, t, "answered otherwise", why.text);
    else if (taken == accept)
        run->passed++;
    else if (e == ERR_OK)
        disagree(run, t, handshake ? "an event" : "accept", handshake ? "no handshake of the recipe is like this" : "the proof is good");
    else
        disagree(run, t, e == ERR_ANSWERED ? "answered" : err_code(e), e == ERR_ANSWERED ? reply.name : verdict.detail);
}

static void each_case(struct run *run, struct span object)
{
    struct recipe_case t;
    struct why w;
    run->number++;
    arena_reset(&run->arena);
    enum err e = case_parse(object, clock_wall_ms(), &run->arena, &t, &w);
    if (e == ERR_OK)
        judge(run, &t);
    else
        disagree(run, &t, "unreadable", w.text);
}

static int run_text(struct run *run, const char *file, struct span text)
{
    struct json_error bad;
    struct span object;
    /* A file may hold many requests; each body has the door's own limits when it is looked into. */
    if (json_check(text, (struct json_limits){JSON_DEPTH_DEFAULT, FILE_NODES_MAX}, &bad) != ERR_OK)
        return ctl_fail(EXIT_USAGE, "%s: byte %zu: %s", file, bad.offset, bad.what);
    if (json_type_of(text) != JSON_ARRAY)
        return ctl_fail(EXIT_USAGE, "%s is not an array of requests", file);
    /* A body is unescaped, may be decoded, and for public keys is put together: three times the text is always enough.
     */
    if (recipe_context_new(&run->context) != ERR_OK || !arena_init(&run->arena, text.n * 3 + ROOM_FOR_ONE))
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    for (struct json_iter it = json_iter(text); json_next_element(&it, &object);)
        each_case(run, object);
    if (run->ctl->json)
        printf("{\"passed\":%u,\"failed\":%u}\n", run->passed, run->failed);
    else
        printf("%u passed, %u failed\n", run->passed, run->failed);
    return run->failed ? EXIT_REFUSED : 0;
}

static int run_file(struct ctl *c, const char *file)
{
    struct run *run = calloc(1, sizeof *run);
    struct buf text;
    struct why w;
    if (!run)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    run->ctl = c;
    buf_init(&text, FILE_BYTES_MAX);
    enum err e = ctl_read(file, &text, &w);
    int status = e == ERR_OK ? run_text(run, file, buf_span(&text))
                             : ctl_fail(e == ERR_NOT_FOUND ? EXIT_USAGE : EXIT_SYSTEM, "%s", w.text);
    for (size_t i = 0; i < run->n_kept; i++) {
        recipe_free(run->kept[i].recipe);
        free(run->kept[i].name);
        free(run->kept[i].scheme);
    }
    recipe_context_free(run->context);
    arena_fini(&run->arena);
    buf_fini(&text);
    free(run);
    return status;
}

int verb_verify(struct ctl *c, int argc, char **argv)
{
    const char *file = NULL, *rejected = NULL;
    if (ctl_option(&argc, argv, "--rejected", &rejected)) {
        ctl_words(argc, argv, 0, 0);
        return rejected_explain(c, rejected);
    }
    if (!ctl_option(&argc, argv, "--vectors", &file))
        return explain_requests(c, argc, argv);
    ctl_words(argc, argv, 0, 0);
    return run_file(c, file);
}
