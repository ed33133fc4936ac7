/* SPDX-License-Identifier: MIT
 * orphans: finds direct children in /proc. A child's number cannot be taken by another process before the supervisor has waited
 * for it, so what is killed is what was found.
 */
#include "supervisor/orphans.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The parent of a process that still runs: "pid (name) S ppid …"; the name may hold anything, so the last parenthesis counts. A
 * process whose first thread has ended shows as a zombie (Z) while others go on. */
static bool living_parent(const char *pid, pid_t *parent)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *end = strrchr(text, ')');
    int ppid, threads;
    char state;
    if (!end || sscanf(end + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d", &state, &ppid,
                       &threads) != 3)
        return false;
    *parent = ppid;
    return state != 'Z' || threads > 1;
}

static bool listed(pid_t pid, const pid_t *keep, size_t n_keep)
{
    for (size_t i = 0; i < n_keep; i++)
        if (keep[i] == pid)
            return true;
    return false;
}

size_t orphans_kill(const pid_t *keep, size_t n_keep)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    size_t found = 0;
    pid_t self = getpid(), parent;
    for (struct dirent *d; (d = readdir(proc));) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9')
            continue;
        pid_t pid = (pid_t)atol(d->d_name);
        if (!living_parent(d->d_name, &parent) || parent != self || listed(pid, keep, n_keep))
            continue;
        found++;
        kill(pid, SIGKILL);
    }
    closedir(proc);
    return found;
}
