/* SPDX-License-Identifier: MIT
 * sync_kit: fdatasync that a test holds up or lets fail, in the role's process too (linked with --wrap=fdatasync). For inclusion by one
 * suite each.
 */
#ifndef CREEL_TESTS_SYNC_KIT_H
#define CREEL_TESTS_SYNC_KIT_H

#include "suite.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>

struct disk {
    _Atomic int fail, held, waiting; /* waiting: calls that were held up so far */
};
static struct disk *disk; /* shared with the role; NULL: every call goes through */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    if (disk && atomic_load(&disk->held)) {
        atomic_fetch_add(&disk->waiting, 1);
        while (atomic_load(&disk->held))
            poll(NULL, 0, 1);
    }
    if (disk && atomic_load(&disk->fail)) {
        errno = EIO;
        return -1;
    }
    return __real_fdatasync(fd);
}

/* Before the role starts. */
static void sync_kit_init(void)
{
    disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(disk != MAP_FAILED);
}

static void sync_kit_fini(void)
{
    munmap(disk, sizeof *disk);
    disk = NULL;
}

#endif
