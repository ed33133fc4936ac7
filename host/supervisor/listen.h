/* SPDX-License-Identifier: MIT
 * listen: opening the sockets that creeld hands to its roles: "unix:PATH" (or a bare path), "ADDRESS:PORT", "[v6]:PORT", and
 * "fd:N" for one that the service manager opened. Never accepts a connection. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_LISTEN_H
#define CREEL_SUPERVISOR_LISTEN_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include "base/err.h"

struct listen_rights {
    mode_t mode;
    uid_t uid; /* (uid_t)-1: as created */
    gid_t gid; /* (gid_t)-1: as created */
};

struct listener {
    int fd; /* close-on-exec, non-blocking; -1: none */
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* a unix socket of our own making; else empty */
    dev_t dev; /* of the file at path, so that only our own is removed */
    ino_t ino;
};

/* Open it. A unix socket is bound to a temporary name, given its mode and owner, and only then renamed over PATH: nobody can
 * connect before the rights are set, and a predecessor's socket is replaced without a gap. Something at PATH that is no socket is
 * left alone and refused. The folder of PATH is made when its own parent exists. */
enum err listen_open(const char *text, const struct listen_rights *rights, struct listener *out, struct why *w);
/* Close, and remove the socket file if it is still the one that was made. */
void listen_close(struct listener *l);

#endif
