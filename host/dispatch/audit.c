/* SPDX-License-Identifier: MIT
 * audit: appending chained lines.
 */
#include "dispatch/audit.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/units.h"

enum { LINE_BYTES = 1 << 20, HEX_BYTES = 2 * crypto_hash_sha256_BYTES };

/* The last whole line of the file, into b. What lies behind its line feed was torn by a crash; *end is where it begins. */
static enum err last_line(int fd, struct buf *b, off_t *end, struct why *w)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return why_errno(w, "cannot look at %s", AUDIT_FILE);
    off_t from = st.st_size > LINE_BYTES ? st.st_size - LINE_BYTES : 0;
    size_t n = (size_t)(st.st_size - from);
    *end = 0;
    if (n == 0)
        return ERR_OK;
    if (!buf_reserve(b, n))
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    ssize_t got = pread(fd, b->p, n, from);
    if (got != (ssize_t)n)
        return why_errno(w, "cannot read %s", AUDIT_FILE);
    while (n && b->p[n - 1] != '\n')
        n--;
    *end = from + (off_t)n;
    if (n)
        n--;
    size_t start = n;
    while (start && b->p[start - 1] != '\n')
        start--;
    b->n = n;
    buf_consume(b, start);
    return ERR_OK;
}

static void put_line(struct buf *b, const struct dispatch *d, const char *action, const char *who, struct span what,
                     struct span before)
{
    unsigned char hash[crypto_hash_sha256_BYTES] = {0};
    char hex[HEX_BYTES + 1];
    if (before.n)
        crypto_hash_sha256(hash, (const unsigned char *)before.p, before.n);
    hex_encode(hash, sizeof hash, hex);
    buf_puts(b, "{\"at\":");
    buf_put_time(b, d->wall_ms);
    buf_puts(b, ",\"action\":");
    buf_put_json_text(b, span_str(action));
    buf_puts(b, ",\"who\":");
    buf_put_json_text(b, span_str(who));
    buf_putc(b, ',');
    buf_put_span(b, what);
    buf_printf(b, ",\"before\":\"%s\"}\n", hex);
}

enum err audit_put(struct dispatch *d, const char *action, const char *who, struct span what, struct why *w)
{
    struct buf before, line;
    off_t end = 0;
    int fd = openat(d->spool_fd, AUDIT_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return why_errno(w, "cannot open %s", AUDIT_FILE);
    buf_init(&before, LINE_BYTES);
    buf_init(&line, LINE_BYTES);
    enum err e = last_line(fd, &before, &end, w);
    if (e == ERR_OK) {
        put_line(&line, d, action, who, what, buf_span(&before));
        if (line.failed)
            e = why_set(w, ERR_NO_ROOM, "too much for one audit line");
        else if (fs_pwrite_all(fd, buf_span(&line), end) != ERR_OK || fdatasync(fd) != 0)
            e = why_errno(w, "cannot write %s", AUDIT_FILE);
    }
    buf_fini(&before);
    buf_fini(&line);
    close(fd);
    return e;
}
