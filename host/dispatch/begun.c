/* SPDX-License-Identifier: MIT
 * begun: the file of notes. Owns it; nobody else writes it.
 */
#include "dispatch/begun.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"

#define BEGUN_NAME ".dispatch.begun"

static uint32_t checksum(const struct begun_note *n)
{
    return crc32c(0, (const char *)n + sizeof n->crc, sizeof *n - sizeof n->crc);
}

/* All places exist from now on, so that a full disk does not get in the way of a note. */
static bool read_or_fill(int fd, struct begun_note *notes, size_t bytes)
{
    ssize_t n = pread(fd, notes, bytes, 0);
    if (n < 0)
        return false;
    if ((size_t)n == bytes)
        return true;
    memset((char *)notes + n, 0, bytes - (size_t)n);
    return pwrite(fd, (char *)notes + n, bytes - (size_t)n, n) == (ssize_t)bytes - n;
}

static void take_found(struct begun *b)
{
    for (size_t i = 0; i < BEGUN_MAX; i++) {
        if (b->found[i].attempt == 0 || b->found[i].crc != checksum(&b->found[i]))
            continue;
        b->marks[i] = UINT64_MAX;
        b->found[b->n++] = b->found[i];
    }
}

void begun_open(struct begun *b, int spool_fd, struct shared *shared)
{
    size_t bytes = BEGUN_MAX * sizeof *b->found;
    *b = (struct begun){.fd = -1, .shared = shared, .found = malloc(bytes)};
    int fd = openat(spool_fd, BEGUN_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    struct why w;
    if (b->found && fd >= 0 && read_or_fill(fd, b->found, bytes)) {
        b->fd = fd;
        take_found(b);
        return;
    }
    why_errno(&w, "%s", BEGUN_NAME);
    log_line(LOG_WARN, "beginnings of runs cannot be noted: each run waits for a sync", LOG_T("why", w.text));
    if (fd >= 0)
        close(fd);
}

void begun_close(struct begun *b)
{
    if (b->fd >= 0)
        close(b->fd);
    free(b->found);
    b->fd = -1;
    b->found = NULL;
    b->n = 0;
}

bool begun_note(struct begun *b, const struct id *id, const char *function, uint32_t attempt, uint32_t generation, uint64_t mark)
{
    uint64_t recorded = atomic_load_explicit(&b->shared->recorded, memory_order_acquire);
    if (recorded >= mark)
        return true;
    if (b->fd < 0 || b->marks[b->next] > recorded)
        return false;
    struct begun_note n = {.attempt = attempt, .generation = generation, .id = *id};
    size_t length = strlen(function);
    memcpy(n.function, function, length < sizeof n.function ? length : sizeof n.function);
    n.crc = checksum(&n);
    if (pwrite(b->fd, &n, sizeof n, (off_t)(b->next * sizeof n)) != (ssize_t)sizeof n)
        return false;
    b->marks[b->next] = mark;
    b->next = (b->next + 1) % BEGUN_MAX;
    return true;
}

void begun_settle(struct begun *b, uint64_t mark)
{
    for (size_t i = 0; i < BEGUN_MAX; i++)
        if (b->marks[i] == UINT64_MAX)
            b->marks[i] = mark;
    free(b->found);
    b->found = NULL;
    b->n = 0;
}
