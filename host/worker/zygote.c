/* SPDX-License-Identifier: MIT
 * zygote: forks runners one after the other and says how they ended when that was not in order. After the function is loaded
 * this process runs none of its code; it stays small because a fork copies what its parent has touched.
 */
#include "worker/worker.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/wire.h"

/* Orphans of the runner come to us and are reaped on the way. */
static int wait_for(pid_t runner)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid == runner)
            return status;
        if (pid < 0 && errno != EINTR)
            _exit(EXIT_SYSTEM);
    }
}

/* Fork a runner and wait for its end. `known`: its owner expects it already. True when the owner expects the next one. */
static bool one_runner(struct worker *w, uint32_t runner, bool known, pid_t self)
{
    w->turn->waiting = known;
    w->turn->ended = ENDED_UNKNOWN;
    pid_t pid = fork();
    if (pid < 0)
        worker_broken(w, "%s: cannot fork: %s", w->name, strerror(errno));
    if (pid == 0)
        run_main(w, runner, known, self);
    int status = wait_for(pid);
    bool left = worker_children_left();
    if (!w->turn->waiting) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_TOLD)
            _exit(WORKER_EXIT_TOLD);
        char how[96];
        worker_status_text(status, how, sizeof how);
        worker_broken(w, "%s: its process ended with %s before its first run; look at its constructors and its init hook",
                      w->name, how);
    }
    enum ended how = (enum ended)w->turn->ended;
    if (how == ENDED_CLOSED && status == 0)
        _exit(0);
    if (how == ENDED_NEXT && status == 0 && !left)
        return run_at_once(w);
    left |= how == ENDED_NEXT && run_at_once(w); /* a run for the next one may be on its way */
    struct wire_died died = {status, left, runner};
    if (wire_send(w->sock, WIRE_DIED, &died, sizeof died, SPAN_NONE, -1) != ERR_OK || left)
        _exit(0);
    return false;
}

void zygote_main(struct worker *w)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t self = getpid();
    bool known = false;
    for (uint32_t runner = 1;; runner++)
        known = one_runner(w, runner, known, self);
}
