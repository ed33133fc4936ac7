/* SPDX-License-Identifier: MIT
 * launch: what happens between fork and exec of a role. The child runs only code of this file and identity.c.
 */
#include "supervisor/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Names, or beginnings of names where they end in '_' or '='. LD_* and the sanitizers' are the operator's own wish. */
static const char *const whitelist[] = {"PATH=", "HOME=", "LANG=", "LC_", "TZ=", "TMPDIR=", "LD_", "ASAN_", "UBSAN_",
                                        "LSAN_", "TSAN_", "CREEL_"};

static bool allowed(const char *entry)
{
    for (size_t i = 0; i < sizeof whitelist / sizeof whitelist[0]; i++)
        if (strncmp(entry, whitelist[i], strlen(whitelist[i])) == 0)
            return true;
    return false;
}

char **launch_clean_environment(char **env)
{
    size_t n = 0, kept = 0;
    while (env[n])
        n++;
    char **clean = calloc(n + 1, sizeof *clean);
    for (size_t i = 0; clean && i < n; i++)
        if (allowed(env[i]))
            clean[kept++] = env[i];
    return clean;
}

enum err launch_reserve(struct why *w)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < ROLE_FD_FIRST_FREE);
    if (fd < 0)
        return why_errno(w, "/dev/null: cannot open");
    close(fd);
    return ERR_OK;
}

static void raise_files(int64_t files)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || (int64_t)r.rlim_cur >= files)
        return;
    r.rlim_cur = (rlim_t)files;
    if (r.rlim_max < r.rlim_cur) {
        if (geteuid() == 0)
            r.rlim_max = r.rlim_cur;
        else
            r.rlim_cur = r.rlim_max;
    }
    (void)setrlimit(RLIMIT_NOFILE, &r); /* a smaller limit costs connections, not correctness */
}

/* Signals as a fresh program expects them; a session of its own, so that Ctrl-C reaches creeld alone. */
static void reset_signals(void)
{
    sigset_t none;
    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
}

static enum err place_fds(const int *fds, struct why *w)
{
    for (int to = ROLE_FD_SUPERVISOR; to < ROLE_FD_FIRST_FREE; to++)
        if (dup2(fds[to], to) < 0)
            return why_errno(w, "cannot place descriptor %d", to);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return why_errno(w, "cannot set the standard descriptors");
    if (close_range(ROLE_FD_FIRST_FREE, ~0U, 0) != 0)
        return why_errno(w, "cannot close other descriptors");
    return ERR_OK;
}

static void become(const struct launch *l) __attribute__((noreturn));
static void become(const struct launch *l)
{
    struct why w = {{0}};
    char *argv[] = {(char[]){"creeld"}, strdup(l->role), NULL};
    char **env = l->clean_environment ? launch_clean_environment(environ) : environ;
    reset_signals();
    raise_files(l->files);
    if (!argv[1] || !env)
        why_set(&w, ERR_NO_MEMORY, "out of memory");
    else if (place_fds(l->fds, &w) == ERR_OK && identity_take(l->identity, l->keep_slot_rights, &w) == ERR_OK) {
        execve(l->program, argv, env);
        why_errno(&w, "%s: cannot run", l->program);
    }
    log_line(LOG_ERROR, "cannot start a role", LOG_T("role", l->role), LOG_T("why", w.text));
    _exit(EXIT_SYSTEM);
}

enum err launch_role(const struct launch *l, pid_t *pid, struct why *w)
{
    for (int i = ROLE_FD_SUPERVISOR; i < ROLE_FD_FIRST_FREE; i++)
        bug_if(l->fds[i] < ROLE_FD_FIRST_FREE);
    pid_t child = fork();
    if (child < 0)
        return why_errno(w, "cannot fork for %s", l->role);
    if (child == 0)
        become(l);
    *pid = child;
    return ERR_OK;
}
