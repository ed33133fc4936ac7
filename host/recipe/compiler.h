/* SPDX-License-Identifier: MIT
 * compiler: walks a recipe's JSON by tables of members and says every fault with its JSON pointer. Knows no member by
 * name. Used while compiling only, never on a request.
 */
#ifndef CREEL_RECIPE_COMPILER_H
#define CREEL_RECIPE_COMPILER_H

#include "recipe/value.h"

enum { COMPILER_POINTER_MAX = 200, COMPILER_MEMBERS_MAX = 32 };

struct compiler {
    struct recipe *r;
    struct rule *rule;           /* being filled */
    struct handshake *handshake;
    struct config_answer *answer;
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
/* Hand each member of an object to its row; one that has no row is a fault. */
enum err compiler_each(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n);
/* The same, and the required ones must be there. */
enum err compiler_object(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n);
#define COMPILER_OBJECT(c, value, rows) compiler_object(c, value, rows, sizeof rows / sizeof *rows)
/* Is every member one of these? */
enum err compiler_known(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n);
/* A string, kept in the recipe's memory, terminated; nonempty: with at least one byte. */
enum err compiler_text(struct compiler *c, struct span value, struct span *out);
enum err compiler_nonempty(struct compiler *c, struct span value, struct span *out);
/* A string or an array of at least one, none of them empty: each in turn. */
enum err compiler_texts(struct compiler *c, struct span value,
                        enum err (*each)(struct compiler *c, struct span text, void *arg), void *arg);
/* A string that is one printable ASCII character. */
enum err compiler_character(struct compiler *c, struct span value, char *out);

enum err compiler_bool(struct compiler *c, struct span value, bool *out);
enum err compiler_number(struct compiler *c, struct span value, int64_t min, int64_t max, int64_t *out);
/* One of these words: its place in the list. */
enum err compiler_choice(struct compiler *c, struct span value, const char *const *known, size_t n, size_t *out);
/* A duration like "5m", or 0. */
enum err compiler_duration(struct compiler *c, struct span value, int64_t *ms);
/* A string or a list of them, behind those that are there already. */
enum err compiler_words(struct compiler *c, struct span value, struct words *out);
/* A reference; a text that holds references (value.h). */
enum err compiler_ref(struct compiler *c, struct span text, struct ref *out);
enum err compiler_template(struct compiler *c, struct span value, struct text *out);
/* n objects in the recipe's memory, cleared. */
enum err compiler_room(struct compiler *c, size_t n, size_t bytes, void *out);

/* The setters of members with a meaning of their own. */
enum err compile_signature(struct compiler *c, struct span value);
enum err compile_timestamp(struct compiler *c, struct span value);
enum err compile_assert(struct compiler *c, struct span value);
/* An object by reference: what must hold. */
enum err compile_rules(struct compiler *c, struct span value, struct rules *out);
enum err compile_handshakes(struct compiler *c, struct span value);
enum err compile_answers(struct compiler *c, struct span value);
/* What must hold between members, and what follows from them, when all are there. */
enum err compile_whole(struct compiler *c);

#endif
