/* SPDX-License-Identifier: MIT
 * recipe_words: a recipe in words, for creel recipe. What a recipe means is asked of its compiled form, how it is written
 * of its text. One thread.
 */
#ifndef CREEL_CTL_RECIPE_WORDS_H
#define CREEL_CTL_RECIPE_WORDS_H

#include "ctl/ctl.h"
#include "recipe/recipe.h"

enum { RECIPE_GAPS = 2, RECIPE_HANDSHAKES = 8, RECIPE_VARIANTS = 64 };

/* A recipe's text with that of the recipe it is like; both passed json_check. Owned: recipe_text_fini. */
struct recipe_text {
    struct buf own, like;
    struct span variant; /* the chosen one's object, in own */
};
enum err recipe_text_read(struct recipe_text *t, struct ctl *c, const char *name, const char *variant, struct why *w);
void recipe_text_fini(struct recipe_text *t);
/* The names of its variants: at most RECIPE_VARIANTS, each allocated; recipe_text_free_words frees them. */
size_t recipe_text_variants(const struct recipe_text *t, const char *names[RECIPE_VARIANTS]);
void recipe_text_free_words(const char **words, size_t n);

/* What a good proof does not protect: "everything", or "body", "replay". */
size_t recipe_gap_words(const struct recipe *r, const char *words[RECIPE_GAPS]);

/* All of it: what is looked at, what is signed, what must hold, what is answered, what the operator has to give, and a
 * source to begin with. */
void recipe_say(struct buf *b, const struct recipe *r, const struct recipe_text *t);

#endif
