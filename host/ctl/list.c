/* SPDX-License-Identifier: MIT
 * list: creel list: every event, oldest first, as a table or as one JSON object a line.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "ctl/past.h"
#include "ctl/rejected.h"

enum { FOLLOW_MS = 200, OBJECT_BYTES = 64 << 20, COLUMN_BYTES = 24 };

struct list {
    struct ctl *c;
    struct past past;
    struct choice choice;
    struct buf object;
};

static const char *color_of(enum state s)
{
    static const char *const colors[] = {
        [STATE_PENDING] = "36", [STATE_RUNNING] = "34", [STATE_WAITING] = "33", [STATE_HELD] = "35",
        [STATE_DONE] = "32",    [STATE_DEAD] = "31",    [STATE_IGNORED] = "2",
    };
    return colors[s];
}

static void print_state(const struct list *l, enum state s)
{
    if (l->c->color)
        printf("\033[%sm%-8s\033[0m", color_of(s), state_name(s));
    else
        printf("%-8s", state_name(s));
}

static void print_padded(struct span s, size_t width)
{
    past_print_text(stdout, s, s.n);
    printf("%*s  ", (int)(s.n < width ? width - s.n : 0), "");
}

static void print_row(struct list *l, const struct entry *e)
{
    char id[ID_TEXT_BYTES], time[RFC3339_BYTES];
    id_format(&e->id, id);
    rfc3339_format(e->received_ms, time);
    printf("%.*s  %.*s  ", ID_TEXT_BYTES, id, RFC3339_BYTES, time);
    print_state(l, past_event_state(&l->past, e));
    printf("  ");
    print_padded(ledger_name(l->past.ledger, e->source), 12);
    print_padded(ledger_name(l->past.ledger, e->type), COLUMN_BYTES);
    for (uint16_t i = 0; i < e->n; i++) {
        const struct invocation *inv = &e->inv[i];
        printf("%s", i ? ", " : "");
        past_print_text(stdout, ledger_name(l->past.ledger, inv->function), FUNCTION_NAME_BYTES);
        if (e->n > 1)
            printf(" %s", state_name(past_state(&l->past, inv)));
        if (inv->attempts > 1)
            printf(" (%u attempts)", inv->attempts);
    }
    putchar('\n');
}

static void print_one(struct list *l, const struct entry *e)
{
    if (!choice_has(&l->past, &l->choice, e))
        return;
    if (!l->c->json) {
        print_row(l, e);
        return;
    }
    buf_clear(&l->object);
    past_put(&l->past, e, &l->object);
    buf_puts(&l->object, "}\n");
    if (l->object.failed)
        exit(ctl_fail(EXIT_SYSTEM, "out of memory"));
    fwrite(l->object.p, 1, l->object.n, stdout);
}

/* An event is shown again when its state has changed: entry->user remembers what was shown. */
static void on_change(void *arg, struct entry *e, const struct line *line)
{
    struct list *l = arg;
    uint32_t now = (uint32_t)past_event_state(&l->past, e) + 1;
    (void)line;
    if (e->user == now)
        return;
    e->user = now;
    print_one(l, e);
}

static void follow(struct list *l)
{
    for (;;) {
        if (fflush(stdout) != 0)
            return; /* nobody reads any more */
        (void)poll(NULL, 0, FOLLOW_MS);
        past_read(&l->past, on_change, l);
    }
}

static void print_all(struct list *l)
{
    size_t n;
    struct entry **events = past_events(&l->past, &n);
    if (!l->c->json && isatty(STDOUT_FILENO))
        printf("%-26s  %-24s  %-8s  %-12s  %-*s  %s\n", "ID", "RECEIVED", "STATE", "SOURCE", COLUMN_BYTES, "TYPE",
               "FUNCTIONS");
    for (size_t i = 0; i < n; i++) {
        events[i]->user = (uint32_t)past_event_state(&l->past, events[i]) + 1;
        print_one(l, events[i]);
    }
    free(events);
}

int verb_list(struct ctl *c, int argc, char **argv)
{
    struct list l = {.c = c};
    choice_take(&l.choice, &argc, argv, true);
    bool go_on = ctl_option(&argc, argv, "--follow", NULL);
    bool rejected = ctl_option(&argc, argv, "--rejected", NULL);
    ctl_words(argc, argv, 0, 0);
    if (rejected && (go_on || l.choice.function || l.choice.state >= 0))
        return ctl_usage("--rejected goes with --source, --type and --since only");
    if (rejected)
        return rejected_list(c, &l.choice);
    buf_init(&l.object, OBJECT_BYTES);
    past_open(c, &l.past);
    past_read(&l.past, NULL, NULL);
    print_all(&l);
    if (go_on)
        follow(&l);
    buf_fini(&l.object);
    past_close(&l.past);
    return 0;
}
