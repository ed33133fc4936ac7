/* SPDX-License-Identifier: MIT
 * compiler: walks a recipe's JSON by tables of members and says every fault with its JSON pointer. Knows no member by
 * name. Used while compiling only, never on a request.
 */
#ifndef CREEL_RECIPE_COMPILER_H
#define CREEL_RECIPE_COMPILER_H

#include "recipe/compiled.h"

enum { COMPILER_POINTER_MAX = 200, COMPILER_MEMBERS_MAX = 32 };

struct compiler {
    struct recipe *r;
    struct span whole, variant;         /* the recipe's object and the chosen variant's, or SPAN_NONE */
    char pointer[COMPILER_POINTER_MAX]; /* where we are */
    struct why *w;
};

struct compiler_member {
    const char *name;
    enum err (*set)(struct compiler *c, struct span value);
    bool required;
};

/* All of these return ERR_INVALID with the pointer and the reason in c->w when something is wrong; then c->pointer
 * stays. */
enum err compiler_fault(struct compiler *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "there is no WHAT 'NAME'", with the nearest of the known ones. */
enum err compiler_unknown(struct compiler *c, const char *what, struct span name, const char *const *known, size_t n);
/* Go down to a member, element or "a/b"; leave with what enter returned. */
size_t compiler_enter(struct compiler *c, struct span name);
void compiler_leave(struct compiler *c, size_t at);
/* Hand each member of an object to its row. skip: an object whose members take the place of ours, or SPAN_NONE. */
enum err compiler_each(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n,
                       struct span skip);
/* The same, and the required ones must be there. */
enum err compiler_object(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n);
#define COMPILER_OBJECT(c, value, rows) compiler_object(c, value, rows, sizeof rows / sizeof *rows)
/* A string, kept in the recipe's memory, terminated; nonempty: with at least one byte. */
enum err compiler_text(struct compiler *c, struct span value, struct span *out);
enum err compiler_nonempty(struct compiler *c, struct span value, struct span *out);
/* A string or an array of at least one, none of them empty: each in turn. */
enum err compiler_texts(struct compiler *c, struct span value,
                        enum err (*each)(struct compiler *c, struct span text, void *arg), void *arg);
/* A string that is one printable ASCII character. */
enum err compiler_character(struct compiler *c, struct span value, char *out);

/* The setters of compile_parts.c. */
enum err compile_signature(struct compiler *c, struct span value);
enum err compile_timestamp(struct compiler *c, struct span value);
enum err compile_assert(struct compiler *c, struct span value);

#endif
