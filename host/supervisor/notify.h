/* SPDX-License-Identifier: MIT
 * notify: telling the service manager how creeld is doing, by the protocol of sd_notify(3), without its library.
 * Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_NOTIFY_H
#define CREEL_SUPERVISOR_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_bytes;
};

/* Take NOTIFY_SOCKET (a path, or '@' and an abstract name) out of the environment. Without it, or when it is unusable, all
 * later calls do nothing. */
void notify_init(struct notify *n);
void notify_fini(struct notify *n);
/* Send "READY=1", "STOPPING=1", "STATUS=…" (several joined by line feeds). Lost messages are not missed. */
void notify_send(const struct notify *n, const char *text);
/* "RELOADING=1" with the time that Type=notify-reload asks for. */
void notify_reloading(const struct notify *n);

#endif
