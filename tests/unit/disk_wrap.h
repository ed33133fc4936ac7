/* SPDX-License-Identifier: MIT
 * disk_wrap: the calls that -Wl,--wrap leads to disk.c, and those of libc behind them.
 */
#ifndef CREEL_TESTS_DISK_WRAP_H
#define CREEL_TESTS_DISK_WRAP_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_ftruncate(int fd, off_t n);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int dir_fd, const char *name, int flags);
int __real_openat(int dir_fd, const char *name, int flags, ...);
int __real_fstatvfs(int fd, struct statvfs *f);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);
int __real_mkdirat(int dir_fd, const char *name, mode_t mode);
int __wrap_mkdirat(int dir_fd, const char *name, mode_t mode);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_fstatvfs(int fd, struct statvfs *f);

#endif
