/* SPDX-License-Identifier: MIT
 * evidence: gathers keys and recipes. Prints nothing.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secrets.h"
#include "ctl/evidence.h"
#include "ctl/recipe_names.h"
#include "ctl/recipe_words.h"

/* A copy in locked memory; SPAN_NONE: no memory, or too many. */
static struct span keep(struct evidence *e, struct span secret)
{
    if (e->n_secrets == sizeof e->secrets / sizeof *e->secrets || sodium_init() < 0)
        return SPAN_NONE;
    char *p = sodium_malloc(secret.n + 1);
    if (!p)
        return SPAN_NONE;
    memcpy(p, secret.p, secret.n);
    e->secrets[e->n_secrets++] = p;
    return span_of(p, secret.n);
}

static enum err read_key(struct evidence *e, const struct config_key *k, uid_t owner, struct keyring_key *out,
                         struct why *w)
{
    struct secret value = {NULL, 0};
    struct why inner;
    char *room = sodium_init() < 0 ? NULL : sodium_malloc(SECRET_BYTES_MAX + 1);
    if (!room)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    enum err err = secrets_one(k, owner, NULL, room, &value, &inner);
    if (err != ERR_OK)
        why_set(w, err, "key %s: %.400s", k->id, inner.text);
    struct span kept = err == ERR_OK ? keep(e, secret_expose(value)) : SPAN_NONE;
    sodium_free(room);
    if (err == ERR_OK && !kept.p)
        err = why_set(w, ERR_NO_MEMORY, "too many keys");
    if (err == ERR_OK)
        *out = keyring_key_of(k, kept);
    return err;
}

enum err evidence_file(struct evidence *e, const char *path, const char *encoding, bool is_public, struct why *w)
{
    struct config_key k = {.id = path, .encoding = encoding, .not_after_ms = INT64_MAX};
    *(is_public ? &k.public_key_file : &k.secret_file) = path;
    if (e->n_keys == EXPLAIN_KEYS_MAX)
        return why_set(w, ERR_NO_ROOM, "at most %d keys can be tried", EXPLAIN_KEYS_MAX);
    enum err err = read_key(e, &k, geteuid(), &e->keys[e->n_keys], w);
    e->n_keys += err == ERR_OK;
    return err;
}

enum err evidence_source(struct evidence *e, const struct config *c, const struct config_source *s, struct why *w)
{
    for (size_t i = 0; i < s->n_keys && e->n_keys < EXPLAIN_KEYS_MAX; i++) {
        enum err err = read_key(e, &s->keys[i], secrets_owner(c->user), &e->keys[e->n_keys], w);
        if (err != ERR_OK)
            return err;
        e->n_keys++;
    }
    return ERR_OK;
}

void evidence_others(struct evidence *e, const struct config *c, const struct config_source *except)
{
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *s = &c->sources[i];
        for (size_t k = 0; s != except && k < s->n_keys && e->n_others < EVIDENCE_KEYS; k++) {
            struct explain_key *to = &e->others[e->n_others];
            if (read_key(e, &s->keys[k], secrets_owner(c->user), &to->key, NULL) != ERR_OK)
                continue;
            to->source = s->name;
            e->n_others++;
        }
    }
}

static void add_recipe(struct evidence *e, struct ctl *c, const char *name, const char *variant)
{
    struct recipe *r;
    char *called = NULL;
    if (e->n_recipes == EVIDENCE_RECIPES || ctl_recipe(c, name, variant, &r, NULL) != ERR_OK)
        return;
    if (asprintf(&called, "%s%s%s", name, variant ? ", variant " : "", variant ? variant : "") < 0)
        recipe_free(r);
    else
        e->recipes[e->n_recipes++] = (struct explain_recipe){called, r};
}

void evidence_recipes(struct evidence *e, struct ctl *c)
{
    struct recipe_names *names = calloc(1, sizeof *names);
    if (!names)
        return;
    recipe_names_find(c, names);
    for (size_t i = 0; i < names->n; i++) {
        struct recipe_text text;
        const char *variants[RECIPE_VARIANTS];
        if (recipe_text_read(&text, c, names->list[i], NULL, NULL) != ERR_OK)
            continue;
        size_t n = recipe_text_variants(&text, variants);
        add_recipe(e, c, names->list[i], NULL);
        for (size_t v = 0; v < n; v++)
            add_recipe(e, c, names->list[i], variants[v]);
        recipe_text_free_words(variants, n);
        recipe_text_fini(&text);
    }
    recipe_names_free(names);
    free(names);
}

void evidence_fini(struct evidence *e)
{
    for (size_t i = 0; i < e->n_recipes; i++) {
        recipe_free((struct recipe *)(uintptr_t)e->recipes[i].recipe);
        free((char *)(uintptr_t)e->recipes[i].name);
    }
    for (size_t i = 0; i < e->n_secrets; i++)
        sodium_free(e->secrets[i]);
    e->n_keys = e->n_others = e->n_recipes = e->n_secrets = 0;
}
