/* SPDX-License-Identifier: MIT
 * creel-worker: one slot of one function. Started by its owner with the socket at descriptor 3; reads START, covers what a
 * function must not see, forks the zygote, and as init of the namespace waits for its end. Never reads the spool.
 */
#include "config.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "worker/sandbox.h"
#include "worker/spawn.h"
#include "worker/wire.h"

enum { START_DEPTH = JSON_DEPTH_MAX };

void worker_broken(struct worker *w, const char *fmt, ...)
{
    char text[WIRE_TEXT_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t bytes = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    (void)wire_send(w->sock, WIRE_BROKEN, NULL, 0, span_of(text, bytes), -1);
    _exit(WORKER_EXIT_TOLD);
}

void worker_status_text(int status, char *out, size_t cap)
{
    if (WIFSIGNALED(status))
        snprintf(out, cap, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, cap, "exit status %d", WEXITSTATUS(status));
}

bool worker_owner_gone(const struct worker *w)
{
    struct pollfd p = {.fd = w->sock};
    return poll(&p, 1, 0) > 0;
}

bool worker_children_left(void)
{
    pid_t pid;
    do
        pid = waitpid(-1, NULL, WNOHANG); /* never waits, so nothing interrupts it */
    while (pid > 0);
    return pid == 0;
}

static int64_t number_or(struct span json, const char *name, int64_t otherwise)
{
    struct span v = json_member(json, name);
    int64_t n;
    return v.p && json_int(v, &n) == ERR_OK && n >= 0 ? n : otherwise;
}

static const char *text_of(struct span value)
{
    struct buf b;
    buf_init(&b, WIRE_TEXT_BYTES);
    if (!value.p || json_unescape(value, &b) != ERR_OK)
        return NULL;
    buf_putc(&b, 0);
    return b.failed ? NULL : b.p; /* kept for the life of the process */
}

static void take_start(struct worker *w, struct wire_frame *f)
{
    struct wire_start start;
    if (f->type != WIRE_START || f->fd < 0 || !wire_take(&f->data, &start, sizeof start))
        worker_broken(w, "creel-worker was started by something that is not its owner");
    w->so_fd = f->fd;
    w->namespaces = start.namespaces;
    w->user_namespace = start.user_namespace;
    w->owner_uid = start.owner_uid;
    w->owner_gid = start.owner_gid;
    w->uid = start.uid;
    w->gid = start.gid;
    w->text = malloc(f->data.n + 1);
    if (!w->text)
        worker_broken(w, "out of memory");
    memcpy(w->text, f->data.p, f->data.n);
    struct span json = span_of(w->text, f->data.n);
    struct json_error error = {0};
    struct json_limits limits = {START_DEPTH, JSON_NODES_DEFAULT};
    if (json_check(json, limits, &error) != ERR_OK || !(w->name = text_of(json_member(json, "name"))))
        worker_broken(w, "START is not what it must be: %s", error.what ? error.what : "no name");
    w->config = json_member(json, "config");
    w->secrets = json_member(json, "secrets");
    w->hide = json_member(json, "hide");
    w->keys = json_member(json, "keys");
    w->read_only = json_member(json, "read_only");
    w->fixed = json_member(json, "fixed");
    w->max_uses = number_or(json, "max_uses", -1);
    w->memory_bytes = number_or(json, "memory", SANDBOX_MEMORY_BYTES);
    w->file_size_bytes = number_or(json, "file_size", SANDBOX_FILE_SIZE_BYTES);
    w->files = number_or(json, "files", SANDBOX_FILES);
    w->processes = number_or(json, "processes", SANDBOX_PROCESSES);
}

static void receive_start(struct worker *w)
{
    char *frame = malloc(WIRE_FRAME_BYTES);
    struct wire_frame f;
    if (!frame || wire_recv(w->sock, frame, WIRE_FRAME_BYTES, true, &f) != ERR_OK)
        _exit(EXIT_SYSTEM); /* the owner is gone: nobody to tell */
    take_start(w, &f);
    free(frame);
}

/* Everything that lives in this namespace ends when this returns. */
static int init_wait(struct worker *w, pid_t zygote)
{
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, 0);
        if (pid == zygote)
            break;
        if (pid < 0 && errno != EINTR)
            return EXIT_SYSTEM;
    }
    if (WIFEXITED(status) && (WEXITSTATUS(status) == WORKER_EXIT_TOLD || WEXITSTATUS(status) == 0))
        return WEXITSTATUS(status);
    if (!w->turn->ready) {
        char how[96];
        worker_status_text(status, how, sizeof how);
        worker_broken(w, "%s.so: loading it ended with %s; look at its constructors", w->name, how);
    }
    struct wire_died died = {status, 1, 0};
    (void)wire_send(w->sock, WIRE_DIED, &died, sizeof died, SPAN_NONE, -1);
    return EXIT_SYSTEM;
}

static void init_main(struct worker *w) __attribute__((noreturn));
static void init_main(struct worker *w)
{
    struct why why;
    if (sandbox_mounts(w, &why) != ERR_OK)
        worker_broken(w, "%s", why.text);
    pid_t zygote = fork();
    if (zygote < 0)
        worker_broken(w, "cannot fork: %s", strerror(errno));
    if (zygote == 0) {
        if (sandbox_confine(w, &why) != ERR_OK)
            worker_broken(w, "%s", why.text);
        load_function(w);
        zygote_main(w);
    }
    close(w->so_fd);
    sandbox_drop();
    _exit(init_wait(w, zygote)); /* like every process of a slot: its owner's kill cuts nothing short */
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("creel-worker %s\n", PACKAGE_VERSION) < 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("creel-worker is started by creeld and by creel test; see creel-worker(8).") < 0;
    struct worker w = {.sock = WORKER_FD_SOCKET, .so_fd = -1};
    int type;
    socklen_t type_bytes = sizeof type;
    if (getsockopt(w.sock, SOL_SOCKET, SO_TYPE, &type, &type_bytes) != 0 || type != SOCK_SEQPACKET) {
        fprintf(stderr, "creel-worker is started by creeld and by creel test, not by hand; see creel-worker(8).\n");
        return EXIT_USAGE;
    }
    (void)fcntl(w.sock, F_SETFD, FD_CLOEXEC); /* not for programs that a function runs */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* a crash then loses no whole line */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (worker_owner_gone(&w) || chdir("/") != 0)
        return EXIT_SYSTEM;
    receive_start(&w);
    w.turn = mmap(NULL, sizeof *w.turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w.turn == MAP_FAILED)
        worker_broken(&w, "out of memory");
    if (w.namespaces)
        init_main(&w);
    struct why why;
    if (sandbox_confine(&w, &why) != ERR_OK)
        worker_broken(&w, "%s", why.text);
    zygote_main(&w);
}
