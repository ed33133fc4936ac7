/* SPDX-License-Identifier: MIT
 * spawn: clone with CLONE_VM and CLONE_VFORK (as posix_spawn does), so that starting a worker costs the same however much
 * memory the owner holds. The child shares the owner's memory until it execs: it calls only plain system calls, writes only
 * its struct child, and starts with every signal blocked.
 */
#include "config.h"
#include "worker/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC)
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

enum { STACK_BYTES = 128 * 1024, CHILD_FDS = WORKER_FD_SOCKET + 1, FD_ABOVE = 16 };

struct child {
    const char *program; /* NULL: probe whether mounts can be covered, then exit */
    char *const *argv, *const *envp;
    int fds[CHILD_FDS]; /* what becomes descriptor 0, 1, … */
    int error; /* written by the child: errno, and the words for it */
    const char *failed;
};

/* An exec of somebody who is not root drops capabilities unless they are ambient; the worker needs them to cover mounts and
 * drops them itself. */
static bool keep_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &head, data) != 0)
        return false;
    for (unsigned long c = 0; c < 64; c++)
        if (data[c / 32].permitted & (1U << (c % 32)))
            (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
    return true;
}

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int child_fail(struct child *c, const char *what)
{
    c->error = errno;
    c->failed = what;
    return 127;
}

__attribute__((no_sanitize("address", "thread", "undefined"))) static int child_main(void *arg)
{
    struct child *c = arg;
    reset_signals();
    if (!c->program) {
        if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("tmpfs", "/", "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=4k") != 0)
            return child_fail(c, "cannot mount in a mount namespace");
        return 0;
    }
    if (geteuid() != 0 && !keep_capabilities())
        return child_fail(c, "cannot keep its capabilities");
    (void)setsid();
    for (int i = 0; i < CHILD_FDS; i++)
        if (dup2(c->fds[i], i) < 0)
            return child_fail(c, "cannot place its descriptors");
    if (syscall(SYS_close_range, CHILD_FDS, ~0U, 0) != 0)
        return child_fail(c, "cannot close other descriptors");
    execve(c->program, c->argv, c->envp);
    return child_fail(c, "cannot be executed");
}

static bool may_make_namespaces(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & (1U << CAP_SYS_ADMIN));
}

/* ERR_OK: the child has exec'd, or as a probe ended with 0; out is to be reaped. Otherwise it is reaped already and errno is
 * the child's. */
static enum err clone_child(struct child *c, int flags, struct spawned *out)
{
    char *stack = malloc(STACK_BYTES);
    if (!stack)
        return ERR_NO_MEMORY;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    c->error = 0;
    c->failed = "cannot be started";
    int pidfd = -1;
    pid_t pid = clone(child_main, stack + STACK_BYTES, flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, c, &pidfd);
    int error = pid < 0 ? errno : c->error;
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(stack);
    if (pid > 0 && error) {
        waitpid(pid, NULL, 0);
        close(pidfd);
    }
    errno = error;
    if (pid < 0 || error)
        return ERR_SYSTEM;
    *out = (struct spawned){pid, pidfd, flags & CLONE_NEWUSER};
    return ERR_OK;
}

/* Namespaces without a user namespace where that is allowed, else with one, in which the worker maps its user itself: here
 * /proc/self may be closed to a child that shares the memory of an owner that is not dumpable. */
static enum err clone_isolated(struct child *c, struct spawned *out)
{
    if (may_make_namespaces() && clone_child(c, NAMESPACES, out) == ERR_OK)
        return ERR_OK;
    return clone_child(c, NAMESPACES | CLONE_NEWUSER, out);
}

/* In the form that the worker uses; see landlock.c. */
static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 2;
}

enum isolation slot_probe(struct why *w)
{
    struct child c = {0};
    struct spawned child;
    if (clone_isolated(&c, &child) != ERR_OK) {
        why_errno(w,
                  "functions run without namespaces of their own and can create no processes%s: a worker %s (user namespaces "
                  "may be forbidden here)",
                  has_landlock() ? "" : ", and without landlock only file modes keep them from the spool", c.failed);
        return ISOLATION_NONE;
    }
    waitpid(child.pid, NULL, 0);
    close(child.pidfd);
    why_set(w, ERR_OK, "functions run in process and mount namespaces of their own%s",
            child.user_namespace ? ", made by user namespaces" : "");
    return ISOLATION_NAMESPACES;
}

/* The whole environment of a function; of the owner's only what is named here. */
enum { ENV_MAX = 8, ENV_BYTES = 1024 };
struct environment {
    char text[ENV_BYTES];
    char *list[ENV_MAX + 1];
};

static void environment_fill(struct environment *e)
{
    static const char *const fixed[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                                        "HOME=/"};
    static const char *const passed[] = {
        "TZ",
#ifdef CREEL_SANITIZED
        "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
#endif
    };
    size_t n = 0, used = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        e->list[n++] = e->text + used;
        used += (size_t)snprintf(e->text + used, sizeof e->text - used, "%s", fixed[i]) + 1;
    }
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const char *value = getenv(passed[i]);
        if (!value || strlen(passed[i]) + strlen(value) + 2 > sizeof e->text - used)
            continue;
        e->list[n++] = e->text + used;
        used += (size_t)snprintf(e->text + used, sizeof e->text - used, "%s=%s", passed[i], value) + 1;
    }
    e->list[n] = NULL;
}

/* Copies above the numbers they are moved to, so that no dup2 in the child overwrites one that is still to be moved. */
static bool lift_fds(struct child *c, int null, int output_end, int worker_end)
{
    const int from[CHILD_FDS] = {null, output_end, output_end, worker_end};
    for (int i = 0; i < CHILD_FDS; i++)
        c->fds[i] = -1;
    for (int i = 0; i < CHILD_FDS; i++)
        if ((c->fds[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_ABOVE)) < 0)
            return false;
    return true;
}

static void close_fds(struct child *c)
{
    for (int i = 0; i < CHILD_FDS; i++)
        if (c->fds[i] >= 0)
            close(c->fds[i]);
}

enum err spawn_worker(const struct slot_options *o, int worker_end, int output_end, struct spawned *out, struct why *w)
{
    struct environment environment;
    environment_fill(&environment);
    char name[FUNCTION_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%s", o->name);
    char program[] = "creel-worker";
    char *argv[] = {program, name, NULL};
    struct child c = {.program = o->worker_program, .argv = argv, .envp = environment.list};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return why_errno(w, "/dev/null: cannot open");
    enum err e;
    if (!lift_fds(&c, null, output_end, worker_end))
        e = why_errno(w, "cannot start a worker for %s: no descriptors", o->name);
    else if ((e = o->isolation == ISOLATION_NAMESPACES ? clone_isolated(&c, out) : clone_child(&c, 0, out)) != ERR_OK)
        why_errno(w, "cannot start a worker for %s: %s %s", o->name, o->worker_program, c.failed);
    close_fds(&c);
    close(null);
    return e;
}
