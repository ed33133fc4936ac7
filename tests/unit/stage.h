/* SPDX-License-Identifier: MIT
 * stage: an intake of its own for a test: a folder with a spool, keys and a configuration, the role in a child process
 * with its descriptors in place, and a small FastCGI client that can also say things no web server says. One thread
 * (the child has its own).
 */
#ifndef CREEL_TESTS_STAGE_H
#define CREEL_TESTS_STAGE_H

#include "suite.h"

#include <sys/types.h>

#include "base/buf.h"
#include "base/channel.h"
#include "base/stats.h"

#define STAGE_SECRET "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct stage {
    char dir[64];
    pid_t pid;                                        /* 0: not running */
    int supervisor_fd, peer_fd;                       /* our ends */
    int peer_role_fd, shared_fd, listen_fd, admin_fd; /* the role's, kept for a restart */
    struct shared *shared;
};

/* Folder and sockets; sources: the members of "sources", settings: further settings with a comma behind each;
 * without "recipes" among them the recipes are those of this tree. */
void stage_init(struct stage *s, const char *settings, const char *sources);
/* Rewrite the configuration file. */
void stage_configure(struct stage *s, const char *settings, const char *sources);
void stage_start(struct stage *s); /* until it is READY */
/* Load the file again and let the role prepare it; its answer. */
enum channel_type stage_prepare(struct stage *s, struct buf *reason);
void stage_tell(struct stage *s, enum channel_type type);
void stage_stop(struct stage *s);      /* STOP twice, exit 0 within the time */
int stage_await_exit(struct stage *s); /* it ends by itself: its exit code, -1 for a signal */
void stage_kill(struct stage *s);
void stage_fini(struct stage *s);

/* --- client --- */
int stage_connect(const struct stage *s);
int stage_connect_admin(const struct stage *s);
void put_record(struct buf *b, int type, int id, struct span content, size_t padding);
void put_begin(struct buf *b, int id, bool keep);
void put_pair(struct buf *b, const char *name, const char *value);
/* A whole request: pairs are NAME, value, …, NULL. body NULL: none. */
struct call {
    const char *method, *uri, *content_type, *length; /* length NULL: the body's; "" and others as they are */
    const char *remote;                               /* REMOTE_ADDR; NULL: 192.0.2.7 */
    struct span body;
    const char *const *headers; /* NAME, value, …, NULL; may be NULL */
    bool keep;
};
void put_call(struct buf *b, const struct call *c);
void send_all(int fd, struct span s);
struct answer {
    struct buf text; /* CGI header and body */
    int status;
    bool ended; /* END_REQUEST came */
};
/* Read up to END_REQUEST or the connection's end. */
void read_answer(int fd, struct answer *a);
void answer_fini(struct answer *a);
/* The value of an answer's header field, empty when absent. */
struct span answer_header(const struct answer *a, const char *name);
struct span answer_body(const struct answer *a);
/* The span holds this text. */
#define assert_has(span_, text_)                                                                                       \
    ck_assert_msg(memmem((span_).p, (span_).n, (text_), strlen(text_)) != NULL, "no '%s' in: %.*s", (text_),           \
                  (int)(span_).n, (span_).p)

/* One request on a connection of its own. */
void stage_call(const struct stage *s, const struct call *c, struct answer *a);
/* Standard Webhooks headers for this id, time and body, as NAME, value, …, NULL; static storage. */
const char *const *signed_headers(const char *id, int64_t at_s, struct span body);
/* Poll until the counter is at least n; fails the test after ten seconds. */
void await_stat(const struct stage *s, enum stat_id id, int64_t n);
/* Lines in the journal, or in the .jsonl files of another folder of the spool, that contain this text. */
int journal_lines(const struct stage *s, const char *text);
int spool_lines(const struct stage *s, const char *folder, const char *text);

#endif
