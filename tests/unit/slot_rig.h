/* SPDX-License-Identifier: MIT
 * slot_rig: one slot with a real creel-worker, for Check suites: in each way a slot can be isolated here: as root, as root with
 * the function under another user, all as an ordinary user, and both again without namespaces. Afterwards nothing is left
 * running, and end_leaves_nothing checks it. The state is the test's own process.
 */
#ifndef CREEL_TESTS_SLOT_RIG_H
#define CREEL_TESTS_SLOT_RIG_H

#include "suite.h"

#include <sys/types.h>

#include "base/buf.h"
#include "worker/slot.h"
#include "worker/wire.h"

enum { NOBODY = 65534, PATIENCE_MS = 20000, PROCESSES = 24, MEMORY_MIB = 64 };
enum way { AS_IS, OTHER_USER, ORDINARY, BARE, BARE_ORDINARY, WAYS };
extern const char *const way_names[WAYS];

extern enum way way;
extern char dir[64], worker[128], secret[128], mark[16]; /* folder, creel-worker in it, a hidden file, what processes are named */
extern struct slot *slot;
extern struct buf said; /* what was relayed of the run: "text\n", log lines as "LEVEL text\n" */
extern char reason[WIRE_TEXT_BYTES + 1]; /* the text of the last event */
extern const char *config_json;          /* for the next start */
extern int max_uses;
extern uint64_t next_token; /* of the next run */

void set_up(void);
void tear_down(void);
bool bare(void); /* without namespaces */

void put_file(const char *path, struct span content, mode_t mode);
/* In dir, of any mode: a folder for everybody, a file with a script that exits with 5. Of these names START says: "hidden" and
 * "key" are hidden, "keys/one", "keys/three" and "mixed/two" are keys, "conf" is fixed, "conf/functions" read-only. */
void put_folder(const char *name);
void put_text(const char *name, mode_t mode);
/* Become what this way wants; which isolation to ask for. */
enum isolation go_way(int i);
void start(int i, const char *function);
void start_ready(int i, const char *function); /* and past READY and WAITING */

/* The next event that is not output; output goes to said. */
struct slot_event next(void);
void expect(enum slot_event_kind kind);
/* Give a run whose header Do is act; run and run_body also wait for the next event. run's body names the mark. */
void give(const char *act, struct span body);
struct slot_event run_body(const char *act, struct span body);
struct slot_event run(const char *act);
void expect_outcome(const char *act, enum outcome outcome, const char *text);
const char *said_text(void);

/* How many living processes bear the mark; wait until it is in a range. */
int marked(void);
void wait_marked(int least, int most);
/* slot_free, and nothing is left. */
void end_leaves_nothing(void);

/* Add tests, each in every way there is. */
void add_tests(TCase *t, const TTest *const *tests, size_t n);

#endif
