/* SPDX-License-Identifier: MIT
 * check_lifecycle: every pair of states, the words, and what state an event is in.
 */
#include "suite.h"

#include "spool/lifecycle.h"

/* Written out by hand, not made from lifecycle.tbl: a slip in the table must show. */
static bool allowed(enum state from, enum state to)
{
    switch (from) {
    case STATE_PENDING:
        return to == STATE_RUNNING || to == STATE_HELD || to == STATE_DEAD;
    case STATE_RUNNING:
        return to == STATE_DONE || to == STATE_WAITING || to == STATE_PENDING || to == STATE_DEAD;
    case STATE_WAITING:
        return to == STATE_PENDING || to == STATE_HELD || to == STATE_DEAD;
    case STATE_HELD:
        return to == STATE_PENDING || to == STATE_DEAD;
    default:
        return to == STATE_PENDING;
    }
}

START_TEST(every_pair_is_as_drawn)
{
    for (int from = 0; from < STATE_COUNT; from++)
        for (int to = 0; to < STATE_COUNT; to++)
            ck_assert_msg(state_may_follow((enum state)from, (enum state)to) ==
                              allowed((enum state)from, (enum state)to),
                          "%s to %s", state_name((enum state)from), state_name((enum state)to));
    ck_assert(!state_may_follow(STATE_IGNORED, STATE_PENDING) && !state_may_follow(STATE_PENDING, STATE_IGNORED));
    ck_assert(!state_may_follow((enum state)77, STATE_PENDING));
}
END_TEST

START_TEST(words_round_trip)
{
    for (int i = 0; i <= STATE_IGNORED; i++) {
        enum state s = STATE_COUNT;
        ck_assert_int_eq(state_parse(span_str(state_name((enum state)i)), &s), ERR_OK);
        ck_assert_int_eq(s, i);
    }
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome o = OUTCOME_COUNT;
        ck_assert_int_eq(outcome_parse(span_str(outcome_name((enum outcome)i)), &o), ERR_OK);
        ck_assert_int_eq(o, i);
    }
    enum state s = STATE_HELD;
    enum outcome o = OUTCOME_LOST;
    ck_assert_int_eq(state_parse(SPAN_LIT("Pending"), &s), ERR_INVALID);
    ck_assert_int_eq(state_parse(SPAN_LIT(""), &s), ERR_INVALID);
    ck_assert_int_eq(outcome_parse(SPAN_LIT("done"), &o), ERR_INVALID);
    ck_assert(s == STATE_HELD && o == OUTCOME_LOST);
    ck_assert_str_eq(state_name((enum state)77), "unknown");
    ck_assert_str_eq(outcome_name((enum outcome)77), "UNKNOWN");
}
END_TEST

START_TEST(an_event_is_in_the_first_state_that_counts)
{
    static const enum state order[] = {STATE_RUNNING, STATE_PENDING, STATE_WAITING, STATE_HELD, STATE_DEAD, STATE_DONE};
    unsigned counts[STATE_COUNT] = {0};
    ck_assert_int_eq(state_of_event(counts, true), STATE_IGNORED);
    ck_assert_int_eq(state_of_event(counts, false), STATE_PENDING);
    for (int i = STATE_COUNT - 1; i >= 0; i--) {
        counts[order[i]] = 2;
        ck_assert_int_eq(state_of_event(counts, true), order[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lifecycle");
    TCase *t = tcase_create("lifecycle");
    tcase_add_test(t, every_pair_is_as_drawn);
    tcase_add_test(t, words_round_trip);
    tcase_add_test(t, an_event_is_in_the_first_state_that_counts);
    suite_add_tcase(s, t);
    return suite_run(s);
}
