/* SPDX-License-Identifier: MIT
 * check_limit: rates, bursts and waits with a clock of the test's own; a table that is too small never allows more than
 * one that is large enough; a million addresses; threads.
 */
#include "suite.h"

#include <pthread.h>

#include "base/stats.h"
#include "intake/limit.h"

#define SECOND INT64_C(1000000000)
#define NOW (1000 * SECOND)

static struct limit *limit_of(int64_t rate, int64_t per_ms, int64_t burst, int64_t places)
{
    struct limit *l = NULL;
    ck_assert_int_eq(limit_new(&(struct limit_rule){rate, per_ms, burst, places}, &l), ERR_OK);
    return l;
}

static bool take(struct limit *l, const char *key, int64_t now_ns)
{
    struct limit_state s;
    return limit_take(l, limit_name(l, span_str(key)), 1, now_ns, &s);
}

START_TEST(a_burst_and_then_the_rate)
{
    struct limit *l = limit_of(10, 1000, 3, 8);
    struct limit_state s;
    for (int i = 3; i-- > 0;) {
        ck_assert(limit_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s));
        ck_assert_int_eq(s.left, i);
        ck_assert_int_eq(s.wait_ns, i ? 0 : SECOND / 10);
        ck_assert_int_eq(s.more_ns, SECOND / 10);
    }
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s));
    ck_assert(s.left == 0 && s.wait_ns == SECOND / 10 && s.more_ns == SECOND / 10);
    ck_assert(take(l, "b", NOW)); /* another key */
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW + SECOND / 10 - 1, &s));
    ck_assert_int_eq(s.wait_ns, 1);
    ck_assert(take(l, "a", NOW + SECOND / 10));
    ck_assert(!take(l, "a", NOW + SECOND / 10));
    for (int i = 0; i < 3; i++) /* after a long time the burst is there again, and no more */
        ck_assert(take(l, "a", NOW + 100 * SECOND));
    ck_assert(!take(l, "a", NOW + 100 * SECOND));
    limit_release(l);
}
END_TEST

/* However it is asked, in no span of time are there more than the burst and what the rate allows in it; and whoever waits
 * as told gets in. */
START_TEST(no_span_holds_more)
{
    enum { RATE = 7, BURST = 5, TAKEN_MAX = 5000 };
    static int64_t at[TAKEN_MAX];
    struct limit *l = limit_of(RATE, 1000, BURST, 8);
    unsigned seed = 11;
    int64_t now = NOW;
    int n = 0;
    while (n < TAKEN_MAX) {
        struct limit_state s;
        if (limit_take(l, limit_name(l, SPAN_LIT("a")), 1, now, &s)) {
            at[n++] = now;
        } else if (seed % 3 == 0) {
            now += s.wait_ns;
            ck_assert(take(l, "a", now));
            if (n < TAKEN_MAX)
                at[n++] = now;
        }
        seed = seed * 1103515245 + 12345;
        now += (int64_t)(seed >> 8) % (SECOND / 8);
    }
    for (int i = 0; i < n; i++)
        for (int k = i + BURST; k < n && k < i + 200; k++)
            ck_assert_msg((k - i + 1 - BURST) * SECOND <= (at[k] - at[i]) * RATE + RATE, "%d..%d", i, k);
    limit_release(l);
}
END_TEST

START_TEST(what_was_given_back_can_be_taken_again)
{
    struct limit *l = limit_of(1, 60000, 2, 8);
    ck_assert(take(l, "a", NOW) && take(l, "a", NOW) && !take(l, "a", NOW));
    limit_give_back(l, limit_name(l, SPAN_LIT("a")), 1, NOW, NOW);
    ck_assert(take(l, "a", NOW) && !take(l, "a", NOW));
    limit_give_back(l, limit_name(l, SPAN_LIT("nobody")), 1, NOW, NOW);
    ck_assert(!take(l, "a", NOW));
    limit_release(l);
}
END_TEST

/* What time has given back is not given a second time: else whoever takes and gives back would make room for others. */
START_TEST(what_is_over_is_not_given_back)
{
    struct limit *l = limit_of(1, 1000, 2, 8);
    uint64_t a = limit_name(l, SPAN_LIT("a"));
    ck_assert(take(l, "a", NOW) && take(l, "a", NOW + 2 * SECOND) && take(l, "a", NOW + 2 * SECOND));
    limit_give_back(l, a, 1, NOW, NOW + 2 * SECOND);
    ck_assert(!take(l, "a", NOW + 2 * SECOND));
    limit_give_back(l, a, 1, NOW + 2 * SECOND, NOW + 2 * SECOND + SECOND / 4); /* three quarters, and one has passed */
    ck_assert(take(l, "a", NOW + 2 * SECOND + SECOND / 4) && !take(l, "a", NOW + 2 * SECOND + SECOND / 4));
    limit_release(l);
}
END_TEST

START_TEST(several_are_taken_together_or_not_at_all)
{
    struct limit *l = limit_of(1, 1000, 5, 8);
    struct limit_state s;
    ck_assert(limit_take(l, limit_name(l, SPAN_LIT("a")), 3, NOW, &s));
    ck_assert(s.left == 2 && s.wait_ns == 0 && s.more_ns == SECOND);
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("a")), 4, NOW, &s));
    ck_assert(s.left == 2 && s.wait_ns == 2 * SECOND);
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("a")), 4, NOW + 2 * SECOND - 1, &s));
    ck_assert(limit_take(l, limit_name(l, SPAN_LIT("a")), 4, NOW + 2 * SECOND, &s));
    ck_assert(s.left == 0 && s.wait_ns == SECOND);
    limit_give_back(l, limit_name(l, SPAN_LIT("a")), 4, NOW + 2 * SECOND, NOW + 2 * SECOND);
    ck_assert(limit_take(l, limit_name(l, SPAN_LIT("a")), 4, NOW + 2 * SECOND, &s));
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("b")), 6, NOW, &s)); /* more than ever */
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("b")), INT64_MAX, NOW, &s));
    ck_assert(s.left == 5 && s.wait_ns > 0);
    ck_assert(limit_take(l, limit_name(l, SPAN_LIT("b")), 5, NOW, &s) && s.left == 0);
    limit_release(l);
}
END_TEST

START_TEST(charges_count_and_looks_do_not)
{
    struct limit *l = limit_of(1, 1000, 3, 8);
    struct limit_state s;
    for (int i = 0; i < 10; i++)
        ck_assert(limit_would_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s) && s.left == 3);
    for (int i = 0; i < 3; i++)
        limit_charge(l, limit_name(l, SPAN_LIT("a")), NOW);
    ck_assert(!limit_would_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s));
    ck_assert_int_eq(s.wait_ns, SECOND);
    for (int i = 0; i < 1000; i++) /* beyond a burst nothing is owed */
        limit_charge(l, limit_name(l, SPAN_LIT("a")), NOW);
    ck_assert(!limit_would_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW + SECOND - 1, &s));
    ck_assert(limit_would_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW + SECOND, &s));
    ck_assert(limit_would_take(l, limit_name(l, SPAN_LIT("b")), 1, NOW, &s));
    limit_release(l);
}
END_TEST

START_TEST(marks_end)
{
    struct limit *l = limit_of(1, 1000, 1, 1000);
    ck_assert_int_eq(limit_marked(l, limit_name(l, SPAN_LIT("a")), NOW), 0);
    limit_mark(l, limit_name(l, SPAN_LIT("a")), NOW, NOW + 10);
    ck_assert_int_eq(limit_marked(l, limit_name(l, SPAN_LIT("a")), NOW + 9), NOW + 10);
    ck_assert_int_eq(limit_marked(l, limit_name(l, SPAN_LIT("a")), NOW + 10), 0);
    limit_mark(l, limit_name(l, SPAN_LIT("a")), NOW, NOW + 20);
    ck_assert_int_eq(limit_marked(l, limit_name(l, SPAN_LIT("a")), NOW + 10), NOW + 20);
    ck_assert_int_eq(limit_marked(l, limit_name(l, SPAN_LIT("b")), NOW), 0);
    limit_release(l);
}
END_TEST

START_TEST(extremes_fit)
{
    struct limit_state s;
    struct limit *l = limit_of(1000000, 1, 1000000000, 8);
    ck_assert(limit_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s) && s.left == 999999999);
    limit_release(l);
    l = limit_of(1, INT64_C(31536000000), 10, 8);
    for (int i = 0; i < 10; i++)
        ck_assert(take(l, "a", NOW));
    ck_assert(!limit_take(l, limit_name(l, SPAN_LIT("a")), 1, NOW, &s));
    ck_assert_int_eq(s.wait_ns, INT64_C(31536000000) * 1000000);
    ck_assert(limit_take(limit_hold(l), limit_name(l, SPAN_NONE), 1, NOW, &s)); /* an empty key is one too */
    limit_release(l);
    limit_release(l);
}
END_TEST

static struct span number(uint32_t *n)
{
    return span_of((const char *)n, sizeof *n);
}

/* Exact debts of each key, out of what was allowed: a full table must not allow what they forbid. */
START_TEST(a_full_table_allows_no_more)
{
    enum { KEYS = 400, STEP = 100000000, BURST = 4 };
    static int64_t until[KEYS];
    struct limit *l = limit_of(10, 1000, BURST, 64);
    unsigned seed = 5, allowed = 0, refused = 0, for_others = 0;
    int64_t now = NOW, evicted = stat_get(STAT_limit_evicted_total);
    memset(until, 0, sizeof until);
    for (int i = 0; i < suite_rounds(300000); i++) {
        struct limit_state s;
        seed = seed * 1103515245 + 12345;
        uint32_t n = (seed >> 8) % 3 ? (seed >> 10) % 20 : (seed >> 10) % KEYS;
        now += (seed >> 12) % 300000;
        int64_t debt = until[n] > now ? until[n] : now;
        bool fine = debt + STEP - now <= BURST * STEP;
        if (limit_take(l, limit_name(l, number(&n)), 1, now, &s)) {
            ck_assert_msg(fine, "key %u was allowed too much", n);
            until[n] = debt + STEP;
            allowed++;
        } else {
            refused++;
            for_others += fine;
        }
    }
    ck_assert_int_gt(stat_get(STAT_limit_evicted_total), evicted);
    ck_assert(allowed > 1000 && refused > 1000 && for_others > 0);
    limit_release(l);
}
END_TEST

/* Who is at his limit stays there, however many others he makes come. */
START_TEST(a_million_addresses_reset_nobody)
{
    enum { ADDRESSES = 1000000, PLACES = 65536 };
    struct limit *l = limit_of(100, 900000, 100, PLACES); /* 100 in 15 minutes */
    int64_t evicted = stat_get(STAT_limit_evicted_total), now = NOW;
    size_t bytes = limit_bytes(l);
    ck_assert_uint_le(bytes, 17 * PLACES + 8192);
    for (int i = 0; i < 100; i++)
        ck_assert(take(l, "the attacker", now));
    ck_assert(!take(l, "the attacker", now));
    uint32_t in = 0;
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        struct limit_state s;
        now += 1000; /* a million in a second */
        in += limit_take(l, limit_name(l, number(&i)), 1, now, &s);
        if (i % 50000 == 0)
            ck_assert(!take(l, "the attacker", now));
    }
    ck_assert(!take(l, "the attacker", now));
    ck_assert_uint_eq(limit_bytes(l), bytes);
    ck_assert_int_gt(stat_get(STAT_limit_evicted_total) - evicted, ADDRESSES / 2);
    ck_assert_uint_eq(in, ADDRESSES); /* nobody else was kept out: each place has a burst for those who share it */
    limit_release(l);
}
END_TEST

/* --- threads --- */

enum { THREADS = 4, TRIES = 40000, COMMON_BURST = 50000 };
static struct limit *shared;

static void *taker(void *arg)
{
    uint32_t own = *(const uint32_t *)arg;
    uintptr_t taken = 0;
    for (uint32_t i = 0; i < TRIES; i++) {
        struct limit_state s;
        uint32_t key = own * TRIES + i;
        taken += limit_take(shared, limit_name(shared, SPAN_LIT("common")), 1, NOW, &s);
        (void)limit_take(shared, limit_name(shared, number(&key)), 1, NOW, &s);
        if (i % 16 == 0)
            limit_charge(shared, limit_name(shared, number(&key)), NOW);
        if (i % 16 == 1 && limit_would_take(shared, limit_name(shared, number(&own)), 1, NOW, &s))
            limit_mark(shared, limit_name(shared, number(&own)), NOW, NOW + 1);
    }
    limit_release(shared);
    return (void *)taken;
}

START_TEST(threads_take_as_one)
{
    pthread_t threads[THREADS];
    uint32_t names[THREADS];
    uintptr_t sum = 0;
    shared = limit_of(1, 1000, COMMON_BURST, 1024);
    for (uint32_t i = 0; i < THREADS; i++) {
        names[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, taker, (limit_hold(shared), &names[i])), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        void *taken;
        pthread_join(threads[i], &taken);
        sum += (uintptr_t)taken;
    }
    ck_assert_uint_eq(sum, COMMON_BURST);
    limit_release(shared);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limit");
    TCase *t = tcase_create("limit");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_burst_and_then_the_rate);
    tcase_add_test(t, no_span_holds_more);
    tcase_add_test(t, what_was_given_back_can_be_taken_again);
    tcase_add_test(t, what_is_over_is_not_given_back);
    tcase_add_test(t, several_are_taken_together_or_not_at_all);
    tcase_add_test(t, charges_count_and_looks_do_not);
    tcase_add_test(t, marks_end);
    tcase_add_test(t, extremes_fit);
    tcase_add_test(t, a_full_table_allows_no_more);
    tcase_add_test(t, a_million_addresses_reset_nobody);
    tcase_add_test(t, threads_take_as_one);
    suite_add_tcase(s, t);
    return suite_run(s);
}
