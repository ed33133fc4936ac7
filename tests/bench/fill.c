/* SPDX-License-Identifier: MIT
 * fill: makes a backlog: appends accepted events to the journal of a spool that nobody has open, as intake would have.
 *     fill SPOOL N TYPE BODY_BYTES
 * Each has a sender's id and a duplicate key of its own. One thread.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "spool/journal.h"

enum { BATCH = 1000, BODY_MOST_BYTES = 65536, DAY_MS = 86400000, ARGUMENTS = 5 };

static void put_event(struct buf *line, long i, struct span type, struct span body)
{
    char event_id[32];
    int n = snprintf(event_id, sizeof event_id, "backlog_%ld", i);
    struct line_event e = {
        .id = id_new(clock_wall_ms()), .received_ms = clock_wall_ms(), .source = SPAN_LIT("shop"), .type = type,
        .event_id = span_of(event_id, (size_t)n), .method = SPAN_LIT("POST"), .path = SPAN_LIT("/hooks/shop"),
        .content_type = SPAN_LIT("application/json"), .synced = true, .has_dedupe = true,
        .dedupe_until_ms = clock_wall_ms() + DAY_MS, .headers = SPAN_LIT("[]"), .body = body,
    };
    randombytes_buf(e.dedupe, sizeof e.dedupe);
    buf_clear(line);
    line_put_event(line, &e);
}

static void append(struct journal *j, struct span line)
{
    struct why w;
    enum err e;
    while ((e = journal_append(j, line, NULL, false)) == ERR_NO_ROOM && journal_pending(j))
        if (journal_commit(j, true, &w) != ERR_OK)
            die(EXIT_SYSTEM, "fill: %s", w.text);
    if (e != ERR_OK)
        die(EXIT_SYSTEM, "fill: the journal takes no event: %s", err_title(e));
}

int main(int argc, char **argv)
{
    static char body[BODY_MOST_BYTES];
    _Atomic uint64_t safe = 0;
    struct journal *j;
    struct why w = {{0}};
    struct buf line;
    if (argc != ARGUMENTS)
        die(EXIT_USAGE, "usage: fill SPOOL N TYPE BODY_BYTES");
    long n = atol(argv[2]), bytes = atol(argv[4]);
    if (n < 0 || bytes < 0 || bytes > BODY_MOST_BYTES || sodium_init() < 0)
        die(EXIT_USAGE, "fill: N and BODY_BYTES are counts, of bytes at most %d", BODY_MOST_BYTES);
    memset(body, 'x', sizeof body);
    log_init("fill", LOG_TEXT, LOG_WARN);
    struct journal_options o = {.spool_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), .segment_bytes = 64 << 20,
                                .safe = &safe, .wall_ms = clock_wall_ms};
    if (o.spool_fd < 0 || journal_open(&o, 0, NULL, NULL, &j, NULL, &w) != ERR_OK)
        die(EXIT_SYSTEM, "fill: %s: %s", argv[1], w.text);
    buf_init(&line, LINE_MAX_BYTES);
    for (long i = 0; i < n; i++) {
        put_event(&line, i, span_str(argv[3]), span_of(body, (size_t)bytes));
        append(j, buf_span(&line));
        if (i % BATCH == BATCH - 1) {
            if (journal_commit(j, i % (BATCH * 16) == BATCH - 1, &w) != ERR_OK)
                die(EXIT_SYSTEM, "fill: %s", w.text);
            journal_tick(j);
        }
    }
    journal_close(j);
    buf_fini(&line);
    close(o.spool_fd);
    return 0;
}
