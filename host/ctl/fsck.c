/* SPDX-License-Identifier: MIT
 * fsck: creel fsck: is the spool whole.
 */
#include "spool/fsck.h"

#include <stdio.h>
#include <unistd.h>

#include "ctl/past.h"

struct report {
    struct ctl *c;
};

static void on_report(void *arg, bool finding, const char *text)
{
    const struct report *r = arg;
    struct buf b;
    if (!r->c->json) {
        printf("%s", finding ? "" : "note: ");
        past_print_text(stdout, span_str(text), SIZE_MAX);
        putchar('\n');
        return;
    }
    buf_init(&b, 1 << 16);
    buf_put_json_text(&b, span_str(text));
    printf("{\"finding\":%s,\"text\":%.*s}\n", finding ? "true" : "false", (int)b.n, b.p);
    buf_fini(&b);
}

static void print_summary(const struct ctl *c, const struct fsck_summary *s)
{
    unsigned long long facts[] = {s->segments, s->lines, s->events, s->unfinished, s->letters, s->unreadable_bytes,
                                  s->quarantined_bytes, s->repeated, s->findings};
    static const char *const names[] = {"segments", "lines", "events", "unfinished", "dead_letters", "unreadable_bytes",
                                        "quarantined_bytes", "repeated_records", "findings"};
    if (c->json)
        printf("{\"summary\":true,\"live\":%s", s->live ? "true" : "false");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        printf(c->json ? "%s\"%s\":%llu" : "%s%s %llu", c->json || i ? (c->json ? "," : ", ") : "", names[i], facts[i]);
    printf(c->json ? "}\n" : "\n");
}

int verb_fsck(struct ctl *c, int argc, char **argv)
{
    struct fsck_summary sum = {0};
    struct why w;
    struct report r = {c};
    ctl_words(argc, argv, 0, 0);
    int fd = ctl_spool_fd(c);
    enum err e = fsck_run(fd, on_report, &r, &sum, &w);
    close(fd);
    if (e != ERR_OK)
        return ctl_fail(e == ERR_NOT_FOUND ? EXIT_REFUSED : EXIT_SYSTEM, "%s: %s", ctl_spool(c), w.text);
    print_summary(c, &sum);
    return sum.findings ? EXIT_REFUSED : 0;
}
