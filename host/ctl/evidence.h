/* SPDX-License-Identifier: MIT
 * evidence: what there is to explain a request with: the keys that were given or configured, the keys of other sources,
 * all recipes. Secrets lie in locked memory and are wiped. One thread.
 */
#ifndef CREEL_CTL_EVIDENCE_H
#define CREEL_CTL_EVIDENCE_H

#include "ctl/ctl.h"
#include "recipe/explain.h"

enum { EVIDENCE_RECIPES = 2048, EVIDENCE_KEYS = 512, EVIDENCE_FILES = 16 };

struct evidence {
    struct keyring_key keys[EXPLAIN_KEYS_MAX]; /* to verify with */
    size_t n_keys;
    struct explain_key others[EVIDENCE_KEYS];
    size_t n_others;
    struct explain_recipe recipes[EVIDENCE_RECIPES]; /* names and recipes owned */
    size_t n_recipes;
    void *secrets[EXPLAIN_KEYS_MAX + EVIDENCE_KEYS]; /* owned */
    size_t n_secrets;
};

/* A key from a file, for the recipe. is_public: the recipe takes public keys only. */
enum err evidence_file(struct evidence *e, const char *path, const char *encoding, bool is_public, struct why *w);
/* Those of a source. One that cannot be read is an error. */
enum err evidence_source(struct evidence *e, const struct config *c, const struct config_source *s, struct why *w);
/* Those of all the others, as far as they can be read. */
void evidence_others(struct evidence *e, const struct config *c, const struct config_source *except);
/* Every recipe with each of its variants, as far as they compile. */
void evidence_recipes(struct evidence *e, struct ctl *c);
/* Wipes all of it; e is empty again. */
void evidence_fini(struct evidence *e);

#endif
