/* SPDX-License-Identifier: MIT
 * err: what can go wrong, once, in errors.tbl, and the three words for it: die, bug, return.
 * Any process, any thread.
 */
#ifndef CREEL_BASE_ERR_H
#define CREEL_BASE_ERR_H

enum err {
    ERR_OK = 0,
#define X(name, code, status, retry_s, title) ERR_##name,
#include "base/errors.tbl"
#undef X
    ERR_COUNT
};

/* The stable code ("signature-invalid"); "ok" for ERR_OK. Static storage. */
const char *err_code(enum err e);
/* The human title of the row. Static storage. */
const char *err_title(enum err e);
/* HTTP status of the row, 0 for those a sender is never told. */
int err_status(enum err e);
/* Seconds for Retry-After, 0 for none. */
int err_retry_after_s(enum err e);

/* Why something failed, in words for a person: the thing, the place, the way out. Filled next to a returned enum err. */
struct why {
    char text[512];
};
/* Format into w (w may be NULL), always terminated, cut when too long. Returns e, so that one can `return why_set(w, e, …)`. */
enum err why_set(struct why *w, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with ": strerror(errno)" behind it; errno is kept. Returns ERR_SYSTEM. */
enum err why_errno(struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What errno says of a socket on which nothing could be sent or received: ERR_AGAIN, ERR_CLOSED or ERR_SYSTEM. */
enum err err_of_socket(void);

/* Exit codes of every program (interface.md): 0 done, 1 refused or not found, 100 usage or configuration, 111 system. */
enum { EXIT_REFUSED = 1, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

/* Bad configuration at start: say it and exit with status. Never for bytes from outside. */
void die(int status, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* A broken invariant of our own: say where and abort. Always compiled in. Never for bytes from outside. */
void bug_at(const char *file, int line, const char *what) __attribute__((noreturn));
#define bug(what) bug_at(__FILE__, __LINE__, what)
#define bug_if(cond)                                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(!!(cond), 0))                                                                             \
            bug_at(__FILE__, __LINE__, #cond);                                                                         \
    } while (0)

#endif
