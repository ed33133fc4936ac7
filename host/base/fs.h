/* SPDX-License-Identifier: MIT
 * fs: the few file habits everybody must have alike: whole reads with a limit, whole writes, atomic replacement, names
 * made of bytes from outside. Any thread.
 */
#ifndef CREEL_BASE_FS_H
#define CREEL_BASE_FS_H

#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

/* Read the whole regular file (relative to dirfd, or AT_FDCWD) behind b's content; ERR_NO_ROOM past b's limit,
 * ERR_NOT_FOUND, ERR_INVALID when it is no regular file, ERR_SYSTEM. */
enum err fs_read(int dirfd, const char *path, struct buf *b, struct why *w);
/* The same from a descriptor's beginning (pread; the offset stays). */
enum err fs_read_fd(int fd, struct buf *b, struct why *w);
/* What is still to come from a descriptor of any kind, such as a pipe, behind b's content: waits until it ends. */
enum err fs_read_stream(int fd, struct buf *b, struct why *w);
/* Write all of s at offset with pwrite, going on after short writes and EINTR. ERR_SYSTEM with errno kept. */
enum err fs_pwrite_all(int fd, struct span s, off_t offset);
enum { FS_PROGRAM_BYTES = 4096 };
/* Where the program of this name is: beside the running one (a build tree), else in the folder where it is installed. */
void fs_program(const char *name, const char *folder, char path[FS_PROGRAM_BYTES]);
/* Standard descriptors that the caller closed become /dev/null, from which nothing is read and to which nothing can be
 * written, so that no file gets their numbers. First thing in main. */
void fs_keep_standard(void);
/* Make the name of a file or folder durable: sync the folder it is in. */
enum err fs_sync_parent(int dirfd, const char *path, struct why *w);
/* Replace path: temporary name beside it, write, fsync, rename, fsync of the directory. */
enum err fs_replace(int dirfd, const char *path, struct span content, mode_t mode, struct why *w);
/* mkdir -p below dirfd; existing folders are fine. */
enum err fs_mkdirs(int dirfd, const char *path, mode_t mode, struct why *w);

enum { FS_NAME_BYTES = 200 };
/* A file name for bytes from outside (interface: event types, sources): every byte outside [A-Za-z0-9._:-] and a leading
 * dot become %XX. Appends to b. The same rule everywhere: dead/, schemas/, functions/. What would be longer than
 * FS_NAME_BYTES is cut to that length and ends in '~' and a hash of s, so that every name fits into a folder. */
void fs_put_name(struct buf *b, struct span s);

/* A sealed memfd with this content, named for /proc. Close-on-exec; nobody can change it any more. */
enum err fs_sealed(const char *name, struct span content, int *fd, struct why *w);
/* The same with a content of two parts. */
enum err fs_sealed_two(const char *name, struct span first, struct span rest, int *fd, struct why *w);

#endif
