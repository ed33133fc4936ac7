/* SPDX-License-Identifier: MIT
 * check_ledger: what lines add up to; twice the same line, missing lines, carried and replayed events; counts that
 * agree with a count by hand.
 */
#include "suite.h"

#include "spool/ledger.h"
#include "spool/names.h"
#include "spool_dir.h"

static struct ledger *l;
static struct pos place; /* of the last line told */

static void begin(bool keep_ended)
{
    l = ledger_new(keep_ended);
    ck_assert_ptr_nonnull(l);
    place = (struct pos){1, 0};
}

/* Seal what is in b, parse it, apply it as the next line of the journal. */
static enum err tell(struct buf *b)
{
    struct line line;
    line_seal(b, 0, NULL);
    ck_assert(!b->failed);
    ck_assert_int_eq(line_parse(span_of(b->p, b->n - 1), &line), ERR_OK);
    place.offset += 100;
    enum err e = ledger_apply(l, &line, place, NULL);
    buf_fini(b);
    return e;
}

static struct buf a_buf(void)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    return b;
}

static enum err tell_event(uint32_t n)
{
    struct buf b = a_buf();
    struct line_event e = {.id = small_id(n),
                           .received_ms = 1000 + n,
                           .source = SPAN_LIT("sh\"op"),
                           .type = SPAN_LIT("order.paid"),
                           .unsigned_source = n % 2,
                           .body = SPAN_LIT("x")};
    line_put_event(&b, &e);
    return tell(&b);
}

static enum err tell_routed(uint32_t n, const char *first, const char *second)
{
    struct buf b = a_buf();
    const struct span names[] = {span_str(first), span_str(second)};
    struct id id = small_id(n);
    line_put_routed(&b, &id, 5000, names, (size_t)(first != NULL) + (second != NULL));
    return tell(&b);
}

static enum err tell_attempt(uint32_t n, const char *function, uint32_t attempt)
{
    struct buf b = a_buf();
    struct id id = small_id(n);
    line_put_attempt(&b, &id, span_str(function), attempt, 6000, SPAN_NONE);
    return tell(&b);
}

static enum err tell_outcome(uint32_t n, const char *function, uint32_t attempt, enum outcome outcome, enum state state)
{
    struct buf b = a_buf();
    struct line_outcome o = {.id = small_id(n),
                             .function = span_str(function),
                             .attempt = attempt,
                             .at_ms = 7000,
                             .outcome = outcome,
                             .state = state,
                             .due_ms = state == STATE_WAITING ? 8000 : 0};
    line_put_outcome(&b, &o);
    return tell(&b);
}

static enum err tell_counted(const char *action, uint32_t n, const char *function, int32_t attempts)
{
    struct buf b = a_buf();
    struct id id = small_id(n);
    line_put_action(&b, action, n ? &id : NULL, span_str(function), 9000, "uid:0", attempts);
    return tell(&b);
}

static enum err tell_action(const char *action, uint32_t n, const char *function)
{
    return tell_counted(action, n, function, -1);
}

static enum err tell_carry(uint32_t n, const struct line_function *f, size_t count, bool routed)
{
    struct buf b = a_buf(), event = a_buf();
    put_event_line(&event, n, SPAN_LIT("x"));
    line_put_carry(&b, 9500, span_of(event.p, event.n - 1), f, count, routed);
    buf_fini(&event);
    return tell(&b);
}

static struct entry *entry(uint32_t n)
{
    struct id id = small_id(n);
    return ledger_find(l, &id);
}

static struct invocation *inv(uint32_t n, const char *function)
{
    struct entry *e = entry(n);
    ck_assert_ptr_nonnull(e);
    return ledger_invocation(l, e, span_str(function));
}

#define ok(call) ck_assert_int_eq((call), ERR_OK)

START_TEST(an_event_lives_as_told)
{
    begin(true);
    ok(tell_event(1));
    struct entry *e = entry(1);
    ck_assert(e && !e->routed && e->unsigned_source && e->received_ms == 1001 && e->at.offset == 100);
    ck_assert_span_eq(ledger_name(l, e->source), "sh\"op");
    ck_assert_span_eq(ledger_name(l, e->type), "order.paid");
    ck_assert_int_eq(ledger_state(e), STATE_PENDING);
    ok(tell_routed(1, "a", "b"));
    ck_assert(e->routed && e->n == 2 && ledger_counts(l)[STATE_PENDING] == 2);
    ok(tell_attempt(1, "a", 1));
    ck_assert_int_eq(ledger_state(e), STATE_RUNNING);
    ck_assert(inv(1, "a")->attempts == 1 && inv(1, "a")->last.offset == 300 && inv(1, "b")->attempts == 0);
    ok(tell_outcome(1, "a", 1, OUTCOME_RETRY, STATE_WAITING));
    ck_assert(inv(1, "a")->state == STATE_WAITING && inv(1, "a")->due_ms == 8000 && inv(1, "a")->last.offset == 400);
    ok(tell_attempt(1, "a", 2));
    ck_assert(inv(1, "a")->due_ms == 0 && inv(1, "a")->state == STATE_RUNNING);
    ok(tell_outcome(1, "a", 2, OUTCOME_DONE, STATE_DONE));
    ck_assert(!ledger_ended(e) && ledger_state(e) == STATE_PENDING && ledger_in_segment(l, 1) == 1);
    ok(tell_attempt(1, "b", 1));
    ok(tell_outcome(1, "b", 1, OUTCOME_LOST, STATE_PENDING));
    ck_assert(inv(1, "b")->interrupted == 1 && inv(1, "b")->state == STATE_PENDING);
    ok(tell_attempt(1, "b", 2));
    ok(tell_outcome(1, "b", 2, OUTCOME_REJECT, STATE_DEAD));
    ck_assert(ledger_ended(e) && ledger_state(e) == STATE_DEAD && ledger_in_segment(l, 1) == 0 && ledger_count(l) == 1);
    ck_assert(ledger_counts(l)[STATE_DONE] == 1 && ledger_counts(l)[STATE_DEAD] == 1 &&
              ledger_counts(l)[STATE_PENDING] == 0);
    ledger_free(l);
}
END_TEST

START_TEST(ended_events_go_unless_kept)
{
    begin(false);
    ok(tell_event(1));
    ok(tell_event(2));
    ok(tell_routed(1, NULL, NULL));
    ck_assert(!entry(1) && entry(2) && ledger_count(l) == 1 && ledger_oldest(l) == entry(2));
    ok(tell_routed(2, "a", NULL));
    ok(tell_attempt(2, "a", 1));
    ok(tell_outcome(2, "a", 1, OUTCOME_DONE, STATE_DONE));
    ck_assert(!entry(2) && ledger_count(l) == 0 && !ledger_oldest(l) && ledger_counts(l)[STATE_DONE] == 0);
    ok(tell_outcome(2, "a", 1, OUTCOME_DONE, STATE_DONE));
    ck_assert_uint_eq(ledger_count(l), 0);
    ledger_free(l);
    begin(true);
    ok(tell_event(1));
    ok(tell_routed(1, NULL, NULL));
    ck_assert_int_eq(ledger_state(entry(1)), STATE_IGNORED);
    ledger_free(l);
}
END_TEST

START_TEST(what_is_no_news_changes_nothing)
{
    begin(true);
    for (int twice = 0; twice < 2; twice++)
        ok(tell_event(1));
    ck_assert_uint_eq(entry(1)->at.offset, 100);
    for (int twice = 0; twice < 2; twice++)
        ok(tell_routed(1, twice ? "other" : "a", NULL));
    ck_assert(inv(1, "a") && !inv(1, "other"));
    for (int twice = 0; twice < 2; twice++)
        ok(tell_attempt(1, "a", 1));
    for (int twice = 0; twice < 2; twice++)
        ok(tell_outcome(1, "a", 1, OUTCOME_LOST, STATE_PENDING));
    ck_assert(inv(1, "a")->interrupted == 1 && inv(1, "a")->state == STATE_PENDING);
    ok(tell_attempt(1, "a", 1));
    ck_assert_int_eq(inv(1, "a")->state, STATE_PENDING);
    ok(tell_attempt(1, "a", 2));
    ok(tell_outcome(1, "a", 1, OUTCOME_RETRY, STATE_WAITING)); /* of a run before */
    ck_assert(inv(1, "a")->state == STATE_RUNNING && inv(1, "a")->attempts == 2);
    ledger_free(l);
}
END_TEST

START_TEST(lines_may_be_missing)
{
    begin(true);
    ok(tell_event(1));
    ok(tell_routed(1, "a", "b"));
    ok(tell_outcome(1, "a", 3, OUTCOME_RETRY, STATE_WAITING)); /* no attempt line */
    ck_assert(inv(1, "a")->state == STATE_WAITING && inv(1, "a")->attempts == 3);
    ok(tell_attempt(1, "a", 4));
    ok(tell_attempt(1, "a", 5)); /* no outcome line of the fourth */
    ck_assert(inv(1, "a")->state == STATE_RUNNING && inv(1, "a")->attempts == 5);
    ok(ledger_set(l, entry(1), inv(1, "b"), STATE_HELD));
    ok(tell_attempt(1, "b", 1));
    ck_assert_int_eq(inv(1, "b")->state, STATE_RUNNING);
    ck_assert_int_eq(tell_attempt(1, "never", 1), ERR_INVALID);
    ok(tell_attempt(7, "a", 1)); /* of no event */
    ok(tell_outcome(1, "a", 5, OUTCOME_DONE, STATE_DONE));
    ck_assert_int_eq(tell_attempt(1, "a", 6), ERR_INVALID);
    ck_assert_int_eq(tell_outcome(1, "a", 6, OUTCOME_DONE, STATE_DONE), ERR_INVALID);
    ck_assert_int_eq(inv(1, "a")->state, STATE_DONE);
    ck_assert_int_eq(tell_outcome(1, "b", 2, OUTCOME_RETRY, STATE_HELD), ERR_INVALID);
    ck_assert_int_eq(tell_attempt(1, "b", 70000), ERR_INVALID);
    ck_assert(inv(1, "b")->state == STATE_RUNNING && inv(1, "b")->attempts == 1);
    ledger_free(l);
}
END_TEST

START_TEST(every_state_takes_attempt_and_outcome_or_refuses)
{
    static const struct {
        enum state from;
        bool runs;
    } cases[] = {{STATE_PENDING, true}, {STATE_RUNNING, true}, {STATE_WAITING, true},
                 {STATE_HELD, true},    {STATE_DONE, false},   {STATE_DEAD, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int outcome = 0; outcome < 2; outcome++) {
            begin(true);
            const struct line_function f = {.name = SPAN_LIT("a"), .state = cases[i].from, .attempts = 3};
            ok(tell_carry(1, &f, 1, true));
            enum err e = outcome ? tell_outcome(1, "a", 4, OUTCOME_CRASH, STATE_DEAD) : tell_attempt(1, "a", 4);
            ck_assert_int_eq(e, cases[i].runs ? ERR_OK : ERR_INVALID);
            ck_assert_int_eq(inv(1, "a")->state,
                             cases[i].runs ? (outcome ? STATE_DEAD : STATE_RUNNING) : cases[i].from);
            ck_assert_int_eq(inv(1, "a")->attempts, cases[i].runs ? 4 : 3);
            ledger_free(l);
        }
    }
}
END_TEST

START_TEST(a_carried_event_goes_on_where_it_was)
{
    begin(false);
    ok(tell_event(1));
    ok(tell_event(2));
    ok(tell_routed(1, "a", "b"));
    ck_assert(ledger_low(l, (struct pos){9, 9}).offset == 100 && ledger_in_segment(l, 1) == 2);
    inv(1, "a")->user = 77;
    const struct line_function f[] = {
        {.name = SPAN_LIT("b"), .state = STATE_DEAD, .attempts = 5},
        {.name = SPAN_LIT("a"), .state = STATE_WAITING, .attempts = 7, .interrupted = 2, .base = 5, .due_ms = 4321}};
    place = (struct pos){2, 0};
    for (int twice = 0; twice < 2; twice++)
        ok(tell_carry(1, f, 2, true));
    struct entry *e = entry(1);
    ck_assert(e->at.segment == 2 && e->n == 2 && ledger_in_segment(l, 1) == 1 && ledger_in_segment(l, 2) == 1);
    ck_assert(ledger_oldest(l) == entry(2) && ledger_low(l, (struct pos){9, 9}).offset == 200);
    ck_assert(inv(1, "a")->user == 77 && inv(1, "a")->attempts == 7 && inv(1, "a")->base == 5 &&
              inv(1, "a")->interrupted == 2);
    ck_assert(inv(1, "a")->due_ms == 4321 && inv(1, "a")->last.segment == 0 && inv(1, "b")->state == STATE_DEAD);
    ok(tell_carry(3, NULL, 0, false)); /* unknown so far */
    ck_assert(entry(3) && !entry(3)->routed);
    ok(tell_routed(3, "a", NULL));
    ck_assert_int_eq(ledger_state(entry(3)), STATE_PENDING);
    ck_assert_int_eq(tell_carry(4, f, 2, false), ERR_CORRUPT);
    ck_assert_ptr_null(entry(4));
    ledger_move(l, entry(2), (struct pos){5, 5});
    ck_assert(entry(2)->at.segment == 5 && ledger_in_segment(l, 1) == 0 && ledger_in_segment(l, 5) == 1 &&
              ledger_oldest(l) == entry(1));
    ledger_free(l);
}
END_TEST

START_TEST(an_ended_event_is_replayed_by_carry_and_action)
{
    begin(false);
    const struct line_function f = {.name = SPAN_LIT("a"), .state = STATE_PENDING, .attempts = 5, .base = 5};
    ok(tell_carry(1, &f, 1, true));
    ok(tell_action("replay", 1, "a"));
    ck_assert(inv(1, "a")->state == STATE_PENDING && inv(1, "a")->base == 5 && inv(1, "a")->attempts == 5);
    ok(tell_attempt(1, "a", 6));
    ok(tell_outcome(1, "a", 6, OUTCOME_DONE, STATE_DONE));
    ck_assert_ptr_null(entry(1));
    const struct line_function ended = {.name = SPAN_LIT("a"), .state = STATE_DEAD, .attempts = 5};
    ok(tell_carry(2, &ended, 1, true));
    ck_assert_ptr_null(entry(2));
    ledger_free(l);
}
END_TEST

/* What was read off the channel shortly before a kill is written again, in the same order, with a whole run in it. */
START_TEST(a_replay_written_twice_is_one)
{
    begin(true);
    ok(tell_event(1));
    ok(tell_routed(1, "a", "b"));
    ok(tell_attempt(1, "a", 1));
    ok(tell_outcome(1, "a", 1, OUTCOME_REJECT, STATE_DEAD));
    for (int twice = 0; twice < 2; twice++) {
        ok(tell_counted("replay", 1, "a", 1));
        ok(tell_attempt(1, "a", 2));
        ok(tell_outcome(1, "a", 2, OUTCOME_RETRY, STATE_WAITING));
        ok(tell_counted("drop", 1, "a", 2));
        ok(tell_counted("replay", 1, "a", 2));
        ok(tell_attempt(1, "a", 3));
        ok(tell_outcome(1, "a", 3, OUTCOME_DONE, STATE_DONE));
    }
    ck_assert(inv(1, "a")->state == STATE_DONE && inv(1, "a")->attempts == 3);
    ok(tell_counted("replay", 1, "a", 3));
    ck_assert_int_eq(inv(1, "a")->state, STATE_PENDING);
    ledger_free(l);
}
END_TEST

START_TEST(what_has_ended_comes_back_by_carry_alone)
{
    for (int keep = 0; keep < 2; keep++) {
        begin(keep);
        ok(tell_event(1));
        ok(tell_routed(1, "a", NULL));
        ok(tell_outcome(1, "a", 1, OUTCOME_REJECT, STATE_DEAD));
        ok(tell_action("replay", 1, "a")); /* its carry line is damaged */
        ck_assert(keep ? ledger_ended(entry(1)) : !entry(1));
        ledger_free(l);
    }
}
END_TEST

START_TEST(a_missing_routed_line_is_guessed)
{
    begin(false);
    ok(tell_event(1));
    ok(tell_attempt(1, "a", 1));
    ok(tell_outcome(1, "b", 1, OUTCOME_DONE, STATE_DONE));
    ck_assert(!entry(1)->routed && entry(1)->n == 2 && inv(1, "a")->state == STATE_RUNNING && inv(1, "b")->state == STATE_DONE);
    ok(tell_outcome(1, "a", 1, OUTCOME_DONE, STATE_DONE));
    ck_assert_ptr_nonnull(entry(1)); /* there may be others */
    const struct span names[] = {SPAN_LIT("c"), SPAN_LIT("b")};
    ok(ledger_route(l, entry(1), names, 2));
    ck_assert(entry(1)->n == 3 && inv(1, "c")->state == STATE_PENDING && inv(1, "b")->state == STATE_DONE);
    ok(tell_outcome(1, "c", 1, OUTCOME_DONE, STATE_DONE));
    ck_assert_ptr_null(entry(1));
    ck_assert(ledger_counts(l)[STATE_PENDING] == 0 && ledger_counts(l)[STATE_DONE] == 0);
    ledger_free(l);
}
END_TEST

START_TEST(people_replay_drop_and_hold)
{
    begin(true);
    ok(tell_event(1));
    ok(tell_routed(1, "a", "b"));
    ok(tell_outcome(1, "a", 2, OUTCOME_DONE, STATE_DONE));
    ok(tell_outcome(1, "b", 3, OUTCOME_RETRY, STATE_WAITING));
    ok(tell_action("replay", 1, NULL));
    ck_assert(inv(1, "a")->state == STATE_PENDING && inv(1, "a")->base == 2 && inv(1, "b")->state == STATE_PENDING &&
              inv(1, "b")->base == 3);
    ck_assert_uint_eq(ledger_in_segment(l, 1), 1);
    ok(tell_attempt(1, "a", 3));
    ok(tell_action("replay", 1, "a")); /* it runs already */
    ck_assert_int_eq(inv(1, "a")->state, STATE_RUNNING);
    ok(tell_action("drop", 1, NULL));
    ck_assert(ledger_ended(entry(1)) && inv(1, "a")->state == STATE_DEAD && inv(1, "b")->state == STATE_DEAD);
    ok(tell_action("drop", 1, "a"));
    ck_assert_int_eq(tell_action("drop", 1, "never"), ERR_INVALID);
    ck_assert_int_eq(tell_action("frobnicate", 1, "a"), ERR_INVALID);
    ck_assert_int_eq(tell_action("replay", 0, "a"), ERR_INVALID);
    ok(tell_action("hold", 0, "a"));
    ok(tell_action("resume", 0, "a"));
    ck_assert_int_eq(tell_action("hold", 0, NULL), ERR_INVALID);
    ledger_free(l);
}
END_TEST

START_TEST(the_setter_keeps_to_the_table)
{
    begin(true);
    for (int from = 0; from < STATE_COUNT; from++)
        for (int to = 0; to < STATE_COUNT; to++) {
            const struct line_function f = {
                .name = SPAN_LIT("a"), .state = (enum state)from, .due_ms = from == STATE_WAITING ? 5 : 0};
            ok(tell_carry(1, &f, 1, true));
            bool may = state_may_follow((enum state)from, (enum state)to);
            ck_assert_int_eq(ledger_set(l, entry(1), inv(1, "a"), (enum state)to), may ? ERR_OK : ERR_INVALID);
            int is = may ? to : from;
            ck_assert(inv(1, "a")->state == is && ledger_counts(l)[is] == 1);
            ck_assert_uint_eq(ledger_in_segment(l, 1), is != STATE_DONE && is != STATE_DEAD);
        }
    ledger_free(l);
}
END_TEST

START_TEST(routing_has_limits)
{
    begin(true);
    ok(tell_event(1));
    struct span names[LINE_FUNCTIONS_MAX + 1];
    for (int i = 0; i <= LINE_FUNCTIONS_MAX; i++)
        names[i] = SPAN_LIT("same");
    ck_assert_int_eq(ledger_route(l, entry(1), names, LINE_FUNCTIONS_MAX + 1), ERR_INVALID);
    ok(ledger_route(l, entry(1), names, LINE_FUNCTIONS_MAX));
    ck_assert_int_eq(entry(1)->n, 1);
    ck_assert_int_eq(ledger_route(l, entry(1), names, 1), ERR_INVALID);
    ledger_free(l);
}
END_TEST

/* ---- against a count by hand ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void tell_something(uint32_t *seed)
{
    static const char *const functions[] = {"a", "b", "c\"c"};
    uint32_t n = 1 + next_random(seed) % 40, attempt = 1 + next_random(seed) % 4;
    const char *f = functions[next_random(seed) % 3];
    switch (next_random(seed) % 12) {
    case 0:
    case 1:
        (void)tell_event(n);
        return;
    case 2:
    case 3:
        (void)tell_routed(n, f, attempt == 1 ? functions[next_random(seed) % 3] : NULL);
        return;
    case 4:
    case 5:
    case 6:
        (void)tell_attempt(n, f, attempt);
        return;
    case 7:
    case 8:
    case 9:
        (void)tell_outcome(n, f, attempt, (enum outcome)(next_random(seed) % OUTCOME_COUNT),
                           (enum state)(next_random(seed) % STATE_COUNT));
        return;
    case 10:
        (void)tell_action(attempt == 1 ? "replay" : "drop", n, next_random(seed) % 2 ? f : NULL);
        return;
    default: {
        const struct line_function g = {
            .name = span_str(f), .state = (enum state)(next_random(seed) % STATE_COUNT), .attempts = attempt};
        (void)tell_carry(n, &g, next_random(seed) % 2, true);
    }
    }
}

static void count_by_hand(void)
{
    int64_t counts[STATE_COUNT] = {0};
    uint32_t unfinished[64] = {0};
    size_t n = 0;
    struct pos before = {0, 0}, low = {99, 0};
    for (struct entry *e = ledger_oldest(l); e; e = e->newer, n++) {
        ck_assert(ledger_find(l, &e->id) == e && pos_cmp(before, e->at) < 0);
        ck_assert(e->newer ? e->newer->older == e : true);
        before = e->at;
        for (uint16_t i = 0; i < e->n; i++)
            counts[e->inv[i].state]++;
        unfinished[e->at.segment] += !ledger_ended(e);
        if (!ledger_ended(e) && low.segment == 99)
            low = e->at;
    }
    ck_assert_uint_eq(n, ledger_count(l));
    ck_assert(memcmp(counts, ledger_counts(l), sizeof counts) == 0);
    for (uint32_t s = 0; s < 64; s++)
        ck_assert_uint_eq(unfinished[s], ledger_in_segment(l, s));
    ck_assert_int_eq(pos_cmp(low, ledger_low(l, (struct pos){99, 0})), 0);
}

START_TEST(any_lines_keep_the_counts_right)
{
    for (int keep = 0; keep < 2; keep++)
        for (uint32_t seed = 1; seed <= (uint32_t)suite_rounds(10); seed++) {
            uint32_t state = seed;
            begin(keep);
            for (int i = 0; i < 1500; i++) {
                if (next_random(&state) % 50 == 0 && place.segment < 63)
                    place = (struct pos){place.segment + 1, 0};
                tell_something(&state);
                if (i % 16 == 0)
                    count_by_hand();
            }
            count_by_hand();
            ledger_free(l);
        }
}
END_TEST

/* Scattered, so that many share a slot. */
static uint32_t scattered(uint32_t n)
{
    uint32_t h = n * 2654435761u;
    return h ^ h >> 15 ^ h << 7;
}

START_TEST(many_entries_come_and_go)
{
    begin(false);
    for (uint32_t n = 1; n <= 3000; n++)
        ok(tell_event(scattered(n)));
    for (uint32_t n = 1; n <= 3000; n++) {
        if (n % 3)
            ok(tell_routed(scattered(n), NULL, NULL));
        if (n % 100 == 0)
            for (uint32_t k = 1; k <= 3000; k++)
                ck_assert((entry(scattered(k)) != NULL) == (k > n || k % 3 == 0));
    }
    ck_assert_uint_eq(ledger_count(l), 1000);
    ledger_free(l);
}
END_TEST

START_TEST(names_of_senders_are_forgotten_in_time)
{
    struct names *n = names_new();
    char text[32];
    uint32_t kept = names_take(n, SPAN_LIT("kept")), first = NAMES_NONE;
    for (uint32_t i = 0; i < NAMES_UNUSED_KEPT + 10; i++) {
        snprintf(text, sizeof text, "type.%u", i);
        uint32_t number = names_take(n, span_str(text));
        if (i == 0)
            first = number;
        names_release(n, number);
        if (i == NAMES_UNUSED_KEPT - 1)
            ck_assert_span_eq(names_text(n, first), "type.0");
    }
    ck_assert(!span_eq_str(names_text(n, first), "type.0")); /* its number went to another */
    ck_assert_span_eq(names_text(n, kept), "kept");
    uint32_t again = names_take(n, SPAN_LIT("type.65544")); /* among the unused, taken up again */
    ck_assert_span_eq(names_text(n, again), "type.65544");
    ck_assert_uint_eq(names_take(n, SPAN_LIT("type.65544")), again);
    for (uint32_t i = 0; i < NAMES_FUNCTIONS; i++) {
        snprintf(text, sizeof text, "f%u", i);
        ck_assert_uint_eq(names_function(n, span_str(text)), i);
    }
    ck_assert_uint_eq(names_function(n, SPAN_LIT("one more")), NAMES_NONE);
    ck_assert_uint_eq(names_function(n, SPAN_LIT("f65535")), 65535);
    ck_assert_ptr_null(names_text(n, NAMES_NONE).p);
    names_free(n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ledger");
    TCase *t = tcase_create("ledger");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_event_lives_as_told);
    tcase_add_test(t, ended_events_go_unless_kept);
    tcase_add_test(t, what_is_no_news_changes_nothing);
    tcase_add_test(t, lines_may_be_missing);
    tcase_add_test(t, every_state_takes_attempt_and_outcome_or_refuses);
    tcase_add_test(t, a_carried_event_goes_on_where_it_was);
    tcase_add_test(t, an_ended_event_is_replayed_by_carry_and_action);
    tcase_add_test(t, a_replay_written_twice_is_one);
    tcase_add_test(t, what_has_ended_comes_back_by_carry_alone);
    tcase_add_test(t, a_missing_routed_line_is_guessed);
    tcase_add_test(t, people_replay_drop_and_hold);
    tcase_add_test(t, the_setter_keeps_to_the_table);
    tcase_add_test(t, routing_has_limits);
    tcase_add_test(t, any_lines_keep_the_counts_right);
    tcase_add_test(t, many_entries_come_and_go);
    tcase_add_test(t, names_of_senders_are_forgotten_in_time);
    suite_add_tcase(s, t);
    return suite_run(s);
}
