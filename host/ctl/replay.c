/* SPDX-License-Identifier: MIT
 * replay: creel replay: which events, from the journal; then the daemon is told, with what the journal says of each, so that it
 * need not read the journal through. A filter alone only shows its plan; --apply with the plan's hash does it.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "ctl/ask.h"
#include "ctl/past.h"
#include "ctl/rerun.h"

enum { BATCH = 200, REQUEST_BYTES = 1 << 20, PLAN_HASH_BYTES = 8, IDS_MAX = 5000 };

struct replay {
    struct ctl *c;
    struct past past;
    const char *function;
    struct entry **chosen;
    size_t n;
};

static bool ended(const struct invocation *inv)
{
    return inv->state == STATE_DONE || inv->state == STATE_DEAD;
}

static void put_event(struct replay *r, const struct entry *e, struct buf *b)
{
    char id[ID_TEXT_BYTES];
    id_format(&e->id, id);
    buf_printf(b, "{\"id\":\"%.*s\",\"at\":\"%u.%u\",\"functions\":[", ID_TEXT_BYTES, id, e->at.segment, e->at.offset);
    bool all_ended = true, first = true;
    for (uint16_t i = 0; i < e->n; i++)
        all_ended &= ended(&e->inv[i]);
    for (uint16_t i = 0; all_ended && i < e->n; i++) {
        buf_puts(b, first ? "{\"name\":" : ",{\"name\":");
        buf_put_json_text(b, ledger_name(r->past.ledger, e->inv[i].function));
        buf_printf(b, ",\"state\":\"%s\",\"attempts\":%u}", state_name((enum state)e->inv[i].state),
                   e->inv[i].attempts);
        first = false;
    }
    buf_puts(b, "]}");
}

/* In requests of a bounded size. */
static int send_all(struct replay *r)
{
    int status = 0;
    size_t done = 0;
    for (size_t i = 0; i < r->n;) {
        struct buf b;
        buf_init(&b, REQUEST_BYTES);
        buf_puts(&b, "{\"op\":\"replay\",\"function\":");
        buf_put_json_text_or_null(&b, span_str(r->function));
        buf_puts(&b, ",\"events\":[");
        for (size_t k = 0; k < BATCH && i < r->n && b.n < REQUEST_BYTES / 2; k++, i++) {
            if (k)
                buf_putc(&b, ',');
            put_event(r, r->chosen[i], &b);
        }
        buf_puts(&b, "]}");
        int one = ask(r->c, &b, &done);
        buf_fini(&b);
        if (one == EXIT_SYSTEM || one == EXIT_USAGE)
            return one;
        status = one ? one : status;
    }
    if (!r->c->json)
        printf("%zu of %zu replayed\n", done, r->n);
    return status;
}

/* ---- by id ---- */

static int by_ids(struct replay *r, int argc, char **argv)
{
    int missing = 0;
    r->chosen = malloc((size_t)argc * sizeof(struct entry *));
    if (!r->chosen)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    for (int i = 1; i < argc; i++)
        (void)past_id(argv[i]);
    past_read(&r->past, NULL, NULL);
    for (int i = 1; i < argc; i++) {
        struct id id = past_id(argv[i]);
        struct entry *e = ledger_find(r->past.ledger, &id);
        if (e)
            r->chosen[r->n++] = e;
        else
            missing = ctl_fail(EXIT_REFUSED, "there is no event %s in the journal (it may have been retired)", argv[i]);
    }
    int status = r->n ? send_all(r) : 0;
    return status ? status : missing;
}

/* ---- by filter ---- */

static bool is_meant(struct replay *r, const struct entry *e, bool dead)
{
    bool any = !dead && e->routed && e->n == 0;
    for (uint16_t i = 0; i < e->n; i++)
        if (!r->function || span_eq_str(ledger_name(r->past.ledger, e->inv[i].function), r->function))
            any |= dead ? e->inv[i].state == STATE_DEAD : ended(&e->inv[i]);
    return any;
}

static void choose(struct replay *r, const struct choice *choice, bool dead)
{
    size_t n;
    past_read(&r->past, NULL, NULL);
    r->chosen = past_events(&r->past, &n);
    for (size_t i = 0; i < n; i++)
        if (choice_has(&r->past, choice, r->chosen[i]) && is_meant(r, r->chosen[i], dead))
            r->chosen[r->n++] = r->chosen[i];
}

/* Stands for exactly these events in exactly these states. */
static void plan_hash(struct replay *r, char hex[2 * PLAN_HASH_BYTES + 1])
{
    crypto_generichash_state h;
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash_init(&h, NULL, 0, sizeof hash);
    for (size_t i = 0; i < r->n; i++) {
        const struct entry *e = r->chosen[i];
        crypto_generichash_update(&h, e->id.b, sizeof e->id.b);
        for (uint16_t k = 0; k < e->n; k++) {
            const unsigned char facts[] = {(unsigned char)k, e->inv[k].state, (unsigned char)(e->inv[k].attempts >> 8),
                                           (unsigned char)e->inv[k].attempts};
            crypto_generichash_update(&h, facts, sizeof facts);
        }
    }
    crypto_generichash_final(&h, hash, sizeof hash);
    hex_encode(hash, PLAN_HASH_BYTES, hex);
}

static void print_plan(struct replay *r, const char *hash)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct entry *e = r->chosen[i];
        char id[ID_TEXT_BYTES];
        id_format(&e->id, id);
        if (r->c->json) {
            struct buf b;
            buf_init(&b, LINE_MAX_BYTES);
            past_put(&r->past, e, &b);
            printf("%.*s}\n", (int)b.n, b.p);
            buf_fini(&b);
            continue;
        }
        printf("%.*s  %-8s  ", ID_TEXT_BYTES, id, state_name(past_event_state(&r->past, e)));
        past_print_text(stdout, ledger_name(r->past.ledger, e->type), SIZE_MAX);
        for (uint16_t k = 0; k < e->n; k++) {
            printf("%s", k ? ", " : "  ");
            past_print_text(stdout, ledger_name(r->past.ledger, e->inv[k].function), SIZE_MAX);
        }
        putchar('\n');
    }
    if (r->c->json)
        printf("{\"plan\":\"%s\",\"events\":%zu}\n", hash, r->n);
    else
        printf("%zu events would be replayed. To do exactly this: the same command with --apply %s\n", r->n, hash);
}

static int by_filter(struct replay *r, const struct choice *choice, bool dead, bool plan, const char *apply)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    choose(r, choice, dead);
    plan_hash(r, hash);
    if (!apply) {
        print_plan(r, hash);
        return plan ? 0 : EXIT_REFUSED; /* without --plan something was meant to run */
    }
    if (strcmp(apply, hash) != 0)
        return ctl_fail(EXIT_REFUSED, "the plan is not what it was: its hash is %s now, not %s; look at it again", hash,
                        apply);
    return send_all(r);
}

int verb_replay(struct ctl *c, int argc, char **argv)
{
    struct choice choice;
    struct replay r = {.c = c};
    const char *apply = NULL;
    choice_take(&choice, &argc, argv, false);
    bool dead = ctl_option(&argc, argv, "--dead", NULL);
    bool rejected = ctl_option(&argc, argv, "--rejected", NULL);
    bool plan = ctl_option(&argc, argv, "--plan", NULL);
    (void)ctl_option(&argc, argv, "--apply", &apply);
    r.function = choice.function;
    if (rejected && (dead || plan || apply || choice.since_ms || choice.source || choice.type || choice.function))
        return ctl_usage("--rejected goes with request ids only (creel list --rejected has them)");
    if (rejected) {
        ctl_words(argc, argv, 1, IDS_MAX);
        return rerun_ids(c, argv + 1, (size_t)argc - 1);
    }
    bool filter = dead || choice.since_ms || choice.source || choice.type || (choice.function && argc == 1);
    if (filter && argc > 1)
        return ctl_usage("either event ids or a filter, not both");
    if (filter && !dead && !choice.since_ms)
        return ctl_usage("--source, --type and --function choose among --dead or --since");
    if (plan && apply)
        return ctl_usage("either --plan or --apply");
    if (!filter && (plan || apply))
        return ctl_usage("--plan and --apply are for --dead and --since");
    ctl_words(argc, argv, filter ? 0 : 1, filter ? 0 : IDS_MAX);
    past_open(c, &r.past);
    int status = filter ? by_filter(&r, &choice, dead, plan, apply) : by_ids(&r, argc, argv);
    free(r.chosen);
    past_close(&r.past);
    return status;
}
