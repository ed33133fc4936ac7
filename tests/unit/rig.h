/* SPDX-License-Identifier: MIT
 * rig: a dispatch in a process of its own, with a real journal, real workers and a real functions folder; the test is the pen and
 * the supervisor. The test sees what an outsider sees: the journal, the files, the control socket. One thread.
 */
#ifndef CREEL_TESTS_RIG_H
#define CREEL_TESTS_RIG_H

#include "suite.h"

#include <sys/types.h>
#include "base/clock.h"
#include "base/config.h"
#include "base/stats.h"
#include "spool/journal.h"
#include "spool/ledger.h"
#include "spool/reader.h"

enum { RIG_PATIENCE_MS = 20000, RIG_PATH_BYTES = 192 };

struct rig {
    char dir[64], spool[RIG_PATH_BYTES], functions[RIG_PATH_BYTES], log[RIG_PATH_BYTES];
    const char *more; /* further members of the configuration, each with a comma before it; set before rig_start */
    int spool_fd, snapshot_fd, shared_fd, control_fd;
    int supervisor[2], peer[2]; /* [0] is ours, [1] dispatch's */
    struct shared *shared;
    struct journal *j;
    pid_t pid; /* of dispatch; 0: none */
    struct ledger *ledger; /* everything, ended events too */
    struct reader *reader;
    uint64_t lines[KIND_COUNT]; /* read so far */
    struct buf story; /* the lines about rig_watch's event */
    struct id watched;
    bool watching;
    bool damaged; /* by the test: lines may speak of what is not there */
    char *message;
    uint64_t mark; /* of dispatch's last records */
    int64_t tick_ms;
};

/* A folder with an empty spool and empty folders functions/ and stock/; the configuration with r->more in it. */
void rig_init(struct rig *r, const char *more);
void rig_fini(struct rig *r); /* ends dispatch if it runs, removes everything */
/* Close the journal and open it again: what a new intake does. */
void rig_new_pen(struct rig *r);
/* The same after every machine in the house was down and bytes of the journal changed: what is safe is read from the journal, and
 * all that the rig knows of it is read anew. */
void rig_new_house(struct rig *r);

void rig_start(struct rig *r); /* fork; returns at once */
void rig_kill(struct rig *r);  /* kill -9 */
int rig_stop(struct rig *r);   /* STOP; the exit status */

/* tests/functions/SO.so as NAME.so, by rename; a sidecar (NULL: none) before it. */
void rig_drop(struct rig *r, const char *so, const char *name, const char *sidecar);
void rig_sidecar(struct rig *r, const char *name, const char *text);
void rig_remove(struct rig *r, const char *name);

/* An event that is synced. `act` becomes the header Do. */
struct id rig_event(struct rig *r, const char *type, const char *act, const char *body);
/* The same without a commit of its own. */
struct id rig_put(struct rig *r, const char *source, const char *type, const char *act, const char *body, bool unsigned_source);
void rig_commit(struct rig *r);

/* Take what dispatch sends, write it, read it back; wait a moment when there was nothing. */
void rig_pump(struct rig *r);
/* Pump until cond, or fail with dispatch's log after RIG_PATIENCE_MS. */
#define rig_until(r, cond)                                                                                             \
    do {                                                                                                               \
        int64_t until_ = clock_mono_ms() + RIG_PATIENCE_MS;                                                            \
        while (!(cond) && clock_mono_ms() < until_)                                                                    \
            rig_pump(r);                                                                                               \
        if (!(cond))                                                                                                   \
            rig_fail((r), #cond);                                                                                      \
    } while (0)
void rig_fail(struct rig *r, const char *what) __attribute__((noreturn));
/* Keep the lines about this event in r->story. */
void rig_watch(struct rig *r, const struct id *id);

/* The state of an event as the journal tells it; STATE_PENDING too while it is unknown. */
enum state rig_state(struct rig *r, const struct id *id);
/* Its only invocation; NULL while there is none. */
const struct invocation *rig_invocation(struct rig *r, const struct id *id);
/* Does dispatch's log hold this text? */
bool rig_logged(struct rig *r, const char *text);
/* One request to the control socket; the answer lives until the next. */
const char *rig_ask(struct rig *r, const char *request);
/* Run the built creel with these arguments and the rig's configuration; what it printed lives until the next. *status: exit. */
const char *rig_creel(struct rig *r, const char *arguments, int *status);
/* Stop dispatch if it runs and have fsck look at the spool: nothing may be wrong with it. */
void rig_check_spool(struct rig *r);
/* Does this path below the spool exist? */
bool rig_has(struct rig *r, const char *path);

#endif
