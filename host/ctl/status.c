/* SPDX-License-Identifier: MIT
 * status: creel status: what runs, by the daemon's own word; without a daemon, what the spool says.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "ctl/past.h"

enum { ANSWER_BYTES = 8 << 20 };

static int64_t number(struct span object, const char *name)
{
    int64_t v = 0;
    (void)json_int(json_member(object, name), &v);
    return v;
}

static void print_text(struct span value)
{
    struct buf b;
    buf_init(&b, value.n + 1);
    if (json_type_of(value) == JSON_STRING && json_unescape(value, &b) == ERR_OK)
        past_print_text(stdout, buf_span(&b), b.n);
    buf_fini(&b);
}

static void print_functions(struct span functions, bool live)
{
    struct json_iter it = json_iter(functions);
    struct span f;
    size_t n = 0;
    while (json_next_element(&it, &f)) {
        if (!n++)
            printf("functions\n");
        printf("  ");
        print_text(json_member(f, "name"));
        printf(": ");
        print_text(json_member(f, "state"));
        if (live)
            printf(", %lld workers, %lld running, %lld queued", (long long)number(f, "workers"), (long long)number(f, "running"),
                   (long long)number(f, "queued"));
        if (json_type_of(json_member(f, "why")) == JSON_STRING) {
            printf(" (");
            print_text(json_member(f, "why"));
            putchar(')');
        }
        putchar('\n');
    }
    if (!n)
        printf("no functions\n");
}

static int print_running(struct ctl *c, struct span answer)
{
    if (json_type_of(json_member(answer, "ok")) != JSON_TRUE) {
        struct span detail = json_plain_string(json_member(answer, "detail"));
        return ctl_fail(EXIT_REFUSED, "creeld refused: %.*s", (int)detail.n, detail.p ? detail.p : "");
    }
    if (c->json) {
        printf("{\"running\":true,%.*s\n", (int)(answer.n - 1), answer.p + 1);
        return 0;
    }
    struct span counters = json_member(answer, "counters"), inv = json_member(answer, "invocations");
    printf("creeld runs, dispatch is process %lld\n", (long long)number(answer, "pid"));
    if (json_type_of(json_member(answer, "accepting")) != JSON_TRUE)
        printf("events are NOT accepted at the moment\n");
    if (json_type_of(json_member(answer, "dispatching")) != JSON_TRUE)
        printf("dispatch is still starting\n");
    if (json_type_of(json_member(answer, "unread")) == JSON_STRING) {
        printf("the disk refuses to read the journal at ");
        print_text(json_member(answer, "unread"));
        printf(" (%lld bytes): the events there wait; see creeld(8)\n", (long long)number(counters, "unread_bytes"));
    }
    printf("accepted %lld, duplicates %lld, refused %lld, handshakes %lld\n",
           (long long)number(counters, "accepted_total"), (long long)number(counters, "duplicates_total"),
           (long long)number(counters, "refused_total"), (long long)number(counters, "handshakes_total"));
    printf("done %lld, dead %lld, ignored %lld since the start\n", (long long)number(counters, "done_total"),
           (long long)number(counters, "dead_total"), (long long)number(counters, "ignored_total"));
    printf("unfinished events %lld; invocations: pending %lld, running %lld, waiting %lld, held %lld\n",
           (long long)number(answer, "unfinished"), (long long)number(inv, "pending"), (long long)number(inv, "running"),
           (long long)number(inv, "waiting"), (long long)number(inv, "held"));
    print_functions(json_member(answer, "functions"), true);
    return 0;
}

static int print_spool(struct ctl *c, const char *why)
{
    struct past p;
    size_t n, counts[STATE_COUNT + 1] = {0};
    past_open(c, &p);
    past_read(&p, NULL, NULL);
    struct entry **events = past_events(&p, &n);
    for (size_t i = 0; i < n; i++)
        counts[past_event_state(&p, events[i])]++;
    struct span functions = p.functions.n ? json_member(buf_span(&p.functions), "functions") : SPAN_LIT("[]");
    printf(c->json ? "{\"running\":false,\"events\":{" : "%s\nthe spool holds %zu events:", why, n);
    for (int s = 0; s <= STATE_COUNT; s++)
        printf(c->json ? "%s\"%s\":%zu" : "%s %s %zu", s ? "," : "", state_name((enum state)s), counts[s]);
    if (c->json) {
        printf("},\"functions\":");
        for (size_t i = 0; i < functions.n; i++)
            if (functions.p[i] != '\n')
                putchar(functions.p[i]);
        printf("}\n");
    } else {
        putchar('\n');
        print_functions(functions, false);
    }
    free(events);
    past_close(&p);
    return 0;
}

int verb_status(struct ctl *c, int argc, char **argv)
{
    struct buf answer;
    struct why w;
    struct json_error bad;
    ctl_words(argc, argv, 0, 0);
    buf_init(&answer, ANSWER_BYTES);
    enum err e = c->spool ? why_set(&w, ERR_CLOSED, "--spool was given, so creeld was not asked")
                          : ctl_control(c, SPAN_LIT("{\"op\":\"status\"}"), &answer, &w);
    int status;
    if (e != ERR_OK)
        status = print_spool(c, w.text);
    else if (json_check(buf_span(&answer), JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        status = ctl_fail(EXIT_SYSTEM, "creeld's answer is not JSON: %s", bad.what);
    else
        status = print_running(c, buf_span(&answer));
    buf_fini(&answer);
    return status;
}
