/* SPDX-License-Identifier: MIT
 * notify: datagrams to NOTIFY_SOCKET. Owns the sending socket.
 */
#include "supervisor/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void notify_init(struct notify *n)
{
    *n = (struct notify){.fd = -1, .to = {.sun_family = AF_UNIX}};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name ? strlen(name) : 0;
    if (len > 1 && len < sizeof n->to.sun_path && (name[0] == '/' || name[0] == '@')) {
        memcpy(n->to.sun_path, name, len);
        if (name[0] == '@')
            n->to.sun_path[0] = 0;
        n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    unsetenv("NOTIFY_SOCKET");
}

void notify_fini(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *text)
{
    if (n->fd >= 0)
        (void)sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_bytes);
}

void notify_reloading(const struct notify *n)
{
    char text[96];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / 1000));
    notify_send(n, text);
}
