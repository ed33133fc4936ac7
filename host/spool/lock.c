/* SPDX-License-Identifier: MIT
 * lock: an open file description lock (fcntl(2), F_OFD_SETLK): unlike flock it works over NFS, unlike F_SETLK it belongs to
 * the descriptor and not to whatever else the process opens and closes. Any thread.
 */
#include "spool/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { ASK_AGAIN_NS = 10 * 1000 * 1000, LOCK_MODE = 0640 };

enum err lock_take(int spool_fd, const char *name, int64_t wait_ms, int *fd, struct why *w)
{
    int lock = openat(spool_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (lock < 0)
        return why_errno(w, "%s: cannot open the lock file", name);
    int64_t until = clock_mono_ms() + wait_ms;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(lock, F_OFD_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
            why_errno(w, "%s: cannot lock", name);
            close(lock);
            return ERR_SYSTEM;
        }
        if (clock_mono_ms() >= until) {
            close(lock);
            return why_set(w, ERR_DENIED, "%s: another process is using this spool; stop it first", name);
        }
        nanosleep(&(struct timespec){.tv_nsec = ASK_AGAIN_NS}, NULL);
    }
    *fd = lock;
    return ERR_OK;
}
