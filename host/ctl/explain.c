/* SPDX-License-Identifier: MIT
 * explain: reads request objects, finds recipe and keys, and prints what recipe/explain.c finds. Prints no secret and no
 * whole signature.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "ctl/evidence.h"
#include "ctl/explain.h"
#include "recipe/case.h"

enum { FILE_BYTES_MAX = 256 << 20, ROOM_FOR_ONE = 1 << 20, OUTPUT_MAX = 1 << 20 };

struct explain_run {
    struct ctl *ctl;
    const char *file, *recipe_name, *variant, *encoding, *source_name;
    const char *secret_files[EVIDENCE_FILES];
    size_t n_secret_files;
    const struct config_source *source; /* NULL: none was named */
    struct recipe_context *context;
    struct arena arena;
    struct recipe_case request;
    struct evidence evidence;
    struct evidence found; /* recipes and other sources' keys, once they were needed */
    bool looked;
    unsigned refused, number;
};

static const char *param(const struct config_source *s, const char *name)
{
    for (size_t i = 0; s && i < s->n_params; i++)
        if (strcmp(s->params[i].name, name) == 0)
            return s->params[i].value;
    return NULL;
}

static enum err find_recipe(struct explain_run *run, struct recipe **out, struct why *w)
{
    const struct recipe_case *t = &run->request;
    if (run->recipe_name)
        return ctl_recipe(run->ctl, run->recipe_name, run->variant, out, w);
    if (run->source)
        return ctl_recipe(run->ctl, run->source->recipe, param(run->source, "variant"), out, w);
    if (!t->provider.p)
        return why_set(w, ERR_INVALID,
                       "the request does not say its \"provider\": give the recipe by --recipe R or --source NAME");
    return ctl_recipe_scheme(run->ctl, t->provider.p, t->scheme.p, out, w);
}

/* A handshake that brings the secret comes to a receiver that has none. */
static bool brings_secret(const struct recipe_case *t)
{
    return t->answer.p && json_type_of(t->answer) == JSON_OBJECT && json_member(t->answer, "store").p;
}

/* The first that there are: files, the source's, those written into the request. */
static enum err find_keys(struct explain_run *run, const struct recipe *r, struct why *w)
{
    static const char *const names[] = {"1", "2",  "3",  "4",  "5",  "6",  "7",  "8",
                                        "9", "10", "11", "12", "13", "14", "15", "16"};
    const struct recipe_case *t = &run->request;
    struct evidence *e = &run->evidence;
    bool is_public = recipe_takes_public_keys(r);
    _Static_assert(sizeof names / sizeof *names == CASE_KEYS_MAX, "a name for each");
    for (size_t i = 0; i < run->n_secret_files; i++) {
        enum err err = evidence_file(e, run->secret_files[i], run->encoding, is_public, w);
        if (err != ERR_OK)
            return err;
    }
    if (run->n_secret_files == 0 && run->source)
        return evidence_source(e, run->ctl->config, run->source, w);
    for (size_t i = 0; run->n_secret_files == 0 && !brings_secret(t) && i < t->n_keys; i++)
        e->keys[e->n_keys++] = (struct keyring_key){.id = names[i],
                                                    .encoding = run->encoding ? run->encoding : t->key_encoding,
                                                    .is_public = is_public,
                                                    .raw = t->keys[i],
                                                    .not_after_ms = INT64_MAX};
    return ERR_OK;
}

/* What the request does not say the source does. */
static void fill_request(const struct explain_run *run, struct recipe_request *q)
{
    const struct config_source *s = run->source;
    if (!s)
        return;
    if (s->public_url && *s->public_url)
        q->url = span_str(s->public_url);
    if (q->n_params == 0) {
        q->params = s->params;
        q->n_params = s->n_params;
    }
    if (q->tolerance_ms == 0)
        q->tolerance_ms = s->tolerance;
}

static void print(const struct explain_run *run, const struct explanation *x)
{
    struct buf b;
    buf_init(&b, OUTPUT_MAX);
    if (run->ctl->json) {
        explain_json(x, &b);
        buf_putc(&b, '\n');
    } else {
        if (run->number > 1)
            buf_putc(&b, '\n');
        if (run->request.name.p)
            buf_printf(&b, "case: %s\n", run->request.name.p);
        explain_print(x, &b);
    }
    fwrite(buf_span(&b).p, 1, b.n, stdout);
    buf_fini(&b);
}

static enum err explain(struct explain_run *run, const struct recipe *r, struct explanation **x, struct why *w)
{
    struct recipe_request q = run->request.request;
    fill_request(run, &q);
    struct explain_input in = {.recipe = r, .keys = run->evidence.keys, .n_keys = run->evidence.n_keys, .request = &q};
    enum err e = explain_new(&in, run->context, x);
    if (e != ERR_OK || (*x)->e == ERR_OK || (*x)->e == ERR_ANSWERED || (*x)->n_findings > 0)
        return e == ERR_OK ? e : why_set(w, e, "out of memory");
    if (!run->looked) {
        run->looked = true;
        evidence_recipes(&run->found, run->ctl);
        if (run->source)
            evidence_others(&run->found, run->ctl->config, run->source);
    }
    in.recipes = run->found.recipes;
    in.n_recipes = run->found.n_recipes;
    in.others = run->found.others;
    in.n_others = run->found.n_others;
    explain_free(*x);
    e = explain_new(&in, run->context, x);
    return e == ERR_OK ? e : why_set(w, e, "out of memory");
}

static int explain_object(struct explain_run *run, struct span object)
{
    struct explanation *x;
    struct recipe *r = NULL;
    struct why w;
    run->number++;
    arena_reset(&run->arena);
    evidence_fini(&run->evidence);
    enum err e = case_parse(object, clock_wall_ms(), &run->arena, &run->request, &w);
    if (e == ERR_OK)
        e = find_recipe(run, &r, &w);
    if (e == ERR_OK)
        e = find_keys(run, r, &w);
    if (e == ERR_OK)
        e = explain(run, r, &x, &w);
    if (e == ERR_OK) {
        run->refused += x->e != ERR_OK && x->e != ERR_ANSWERED;
        print(run, x);
        explain_free(x);
    }
    recipe_free(r);
    return e == ERR_OK ? 0 : ctl_fail(e == ERR_NO_MEMORY ? EXIT_SYSTEM : EXIT_USAGE, "%s: %s", run->file, w.text);
}

static int explain_text(struct explain_run *run, struct span text)
{
    struct span object;
    if (recipe_context_new(&run->context) != ERR_OK || !arena_init(&run->arena, text.n * 3 + ROOM_FOR_ONE))
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    if (json_type_of(text) != JSON_ARRAY) {
        int status = explain_object(run, text);
        return status ? status : run->refused ? EXIT_REFUSED : 0;
    }
    for (struct json_iter it = json_iter(text); json_next_element(&it, &object);) {
        int status = explain_object(run, object);
        if (status)
            return status;
    }
    return run->refused ? EXIT_REFUSED : 0;
}

static void take_options(struct explain_run *run, int *argc, char **argv)
{
    ctl_option(argc, argv, "--recipe", &run->recipe_name);
    ctl_option(argc, argv, "--variant", &run->variant);
    ctl_option(argc, argv, "--key-encoding", &run->encoding);
    ctl_option(argc, argv, "--source", &run->source_name);
    while (run->n_secret_files < EVIDENCE_FILES &&
           ctl_option(argc, argv, "--secret-file", &run->secret_files[run->n_secret_files]))
        run->n_secret_files++;
}

static int find_source(struct explain_run *run)
{
    if (!run->source_name)
        return 0;
    run->source = config_source_by_name(ctl_config(run->ctl), span_str(run->source_name));
    return run->source ? 0 : ctl_fail(EXIT_REFUSED, "there is no source %s", run->source_name);
}

static void run_free(struct explain_run *run)
{
    evidence_fini(&run->evidence);
    evidence_fini(&run->found);
    recipe_context_free(run->context);
    arena_fini(&run->arena);
    free(run);
}

int explain_requests(struct ctl *c, int argc, char **argv)
{
    struct explain_run *run = calloc(1, sizeof *run);
    struct buf text;
    struct why w;
    if (!run)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    run->ctl = c;
    take_options(run, &argc, argv);
    ctl_words(argc, argv, 0, 1);
    run->file = argc > 1 ? argv[1] : NULL;
    int status = run->file ? find_source(run) : ctl_usage("REQUEST.json, --rejected ID or --vectors FILE is missing");
    buf_init(&text, FILE_BYTES_MAX);
    if (status == 0 && ctl_read_json(run->file, &text, &w) != ERR_OK)
        status = ctl_fail(EXIT_USAGE, "%s", w.text);
    if (status == 0)
        status = explain_text(run, buf_span(&text));
    buf_fini(&text);
    run_free(run);
    return status;
}

int explain_kept(struct ctl *c, struct span object, const char *source)
{
    struct explain_run *run = calloc(1, sizeof *run);
    if (!run)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    run->ctl = c;
    run->file = "rejected/";
    run->source_name = source;
    int status = find_source(run);
    if (status == 0)
        status = explain_text(run, object);
    run_free(run);
    return status;
}
