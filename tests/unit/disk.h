/* SPDX-License-Identifier: MIT
 * disk: a layer between the code under test and libc (linked with -Wl,--wrap) that counts what changes files, makes the n-th
 * such call fail, stop halfway or end the process, or records all of them so that a power cut can be made up afterwards. Any
 * thread: every call goes through one lock.
 */
#ifndef CREEL_TESTS_DISK_H
#define CREEL_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk_plan {
    int fail_at, fail_times; /* calls fail_at … fail_at + fail_times - 1 (from 1) fail with `error`; 0: none */
    int error;
    bool halfway;            /* a write that fails has written half */
    bool short_writes;       /* every write of more than 16 bytes writes only half, successfully */
    int kill_at;             /* the process ends at this call; 0: never */
    bool full;               /* files cannot grow: ENOSPC */
    uint64_t bad_inode;      /* this file cannot be read: EIO; 0: none */
    uint32_t bad_from, bad_bytes; /* only there; bad_bytes 0: nowhere in it */
    double free_part;        /* what fstatvfs says is free, of 1 */
};
#define DISK_HEALTHY ((struct disk_plan){.free_part = 1})

/* From now on it goes by this plan. */
void disk_obey(struct disk_plan plan);
/* Forget everything: nothing fails, nothing is recorded, counted from 0. */
void disk_reset(void);
int disk_calls(void);

/* Record from now on what happens below root, which is taken as it is now. */
void disk_record(const char *root);
/* How much was recorded: a moment. */
size_t disk_moment(void);
/* What a power cut at that moment may leave, into the new folder `to`: all that was synced, and of the rest a part chosen by seed, in
 * sectors of 512 bytes. */
void disk_cut(size_t moment, unsigned seed, const char *to);

/* The layer's own use of files is not counted: between these. */
void disk_pause(void);
void disk_go_on(void);

#endif
