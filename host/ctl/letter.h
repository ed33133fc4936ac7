/* SPDX-License-Identifier: MIT
 * letter: what creel send --request posts: body, type and headers of a request object, to be signed anew. One thread.
 */
#ifndef CREEL_CTL_LETTER_H
#define CREEL_CTL_LETTER_H

#include "base/arena.h"
#include "ctl/occasion.h"
#include "recipe/recipe.h"

enum { LETTER_HEADERS_MAX = 64 };

struct letter {
    struct occasion occasion; /* type, content type and body; owned */
    struct recipe_header headers[LETTER_HEADERS_MAX];
    size_t n;
    struct arena arena; /* of the headers; owned */
};

/* Read the file ("-": standard input). Left out of headers: Content-Type, which occasion has, what belongs to one connection or one
 * message (Host, Content-Length …), what the recipe makes when it signs, and values that the spool keeps as "…".
 * ERR_INVALID naming the file and the place in it; ERR_NOT_FOUND. Whatever it returns, letter_fini frees it. */
enum err letter_read(struct letter *l, const char *file, const struct recipe *r, struct why *w);
void letter_fini(struct letter *l);

#endif
