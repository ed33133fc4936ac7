/* SPDX-License-Identifier: MIT
 * check_schedule: the heap keeps its order under any mixture of changes; the retry policy spends what it should.
 */
#include "suite.h"

#include "dispatch/schedule.h"

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    return *x ^= *x << 17;
}

static void check_order(const struct heap *h)
{
    for (size_t i = 0; i < h->n; i++) {
        ck_assert_uint_eq(h->items[i].inv->user, i + 1);
        if (i > 0)
            ck_assert_int_le(h->items[(i - 1) / 2].key, h->items[i].key);
    }
}

START_TEST(test_heap_sorts)
{
    enum { N = 500 };
    static struct invocation inv[N];
    struct entry e = {0};
    struct heap h = {0};
    uint64_t x = 42;
    for (size_t i = 0; i < N; i++)
        ck_assert_int_eq(heap_push(&h, (int64_t)(next_random(&x) % 100), &e, &inv[i]), ERR_OK);
    int64_t last = -1;
    for (size_t i = 0; i < N; i++) {
        struct due d = *heap_top(&h);
        ck_assert_int_ge(d.key, last);
        last = d.key;
        heap_remove(&h, d.inv);
        ck_assert(!heap_holds(d.inv));
        check_order(&h);
    }
    ck_assert_ptr_null(heap_top(&h));
    heap_fini(&h);
}
END_TEST

START_TEST(test_heap_any_mixture)
{
    enum { N = 64, STEPS = 4000 };
    static struct invocation inv[N];
    struct entry e = {0};
    struct heap h = {0};
    uint64_t x = 7;
    size_t in = 0;
    for (int i = 0; i < STEPS; i++) {
        struct invocation *one = &inv[next_random(&x) % N];
        if (heap_holds(one)) {
            heap_remove(&h, one);
            in--;
        } else {
            ck_assert_int_eq(heap_push(&h, (int64_t)(next_random(&x) % 10), &e, one), ERR_OK);
            in++;
        }
        ck_assert_uint_eq(h.n, in);
        check_order(&h);
    }
    heap_fini(&h);
}
END_TEST

START_TEST(test_delays_grow_to_the_cap)
{
    const struct retry_rule r = {.base_ms = 1000, .cap_ms = 10000, .factor = 2, .attempts = 9};
    const int64_t expect[] = {1000, 2000, 4000, 8000, 10000, 10000};
    for (uint32_t i = 0; i < sizeof expect / sizeof expect[0]; i++)
        ck_assert_int_eq(retry_delay_max(&r, i + 1), expect[i]);
    ck_assert_int_eq(retry_delay_max(&r, UINT32_MAX), 10000);
}
END_TEST

START_TEST(test_jitter_is_full)
{
    uint64_t x = 3;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 2000; i++) {
        struct verdict v = retry_decide(&retry_default, OUTCOME_RETRY, 3, 0, -1, next_random(&x));
        ck_assert_int_eq(v.state, STATE_WAITING);
        ck_assert(v.delay_ms >= 0 && v.delay_ms <= 4000);
        least = v.delay_ms < least ? v.delay_ms : least;
        most = v.delay_ms > most ? v.delay_ms : most;
    }
    ck_assert_int_lt(least, 400);
    ck_assert_int_gt(most, 3600);
}
END_TEST

START_TEST(test_attempts_run_out)
{
    static const enum outcome failures[] = {OUTCOME_RETRY, OUTCOME_CRASH, OUTCOME_TIMEOUT};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(retry_decide(&retry_default, failures[i], 4, 0, -1, 0).state, STATE_WAITING);
        struct verdict v = retry_decide(&retry_default, failures[i], 5, 0, -1, 0);
        ck_assert_int_eq(v.state, STATE_DEAD);
        ck_assert_ptr_nonnull(v.why);
        /* what the host interrupted is not spent */
        ck_assert_int_eq(retry_decide(&retry_default, failures[i], 5, 1, -1, 0).state, STATE_WAITING);
        ck_assert_int_eq(retry_decide(&retry_default, failures[i], 6, 1, -1, 0).state, STATE_DEAD);
    }
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_DONE, 99, 0, -1, 0).state, STATE_DONE);
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_REJECT, 1, 0, -1, 0).state, STATE_DEAD);
}
END_TEST

START_TEST(test_interruptions_have_their_own_budget)
{
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_LOST, 10, 10, -1, 0).state, STATE_PENDING);
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_LOST, 11, 11, -1, 0).state, STATE_DEAD);
}
END_TEST

START_TEST(test_function_may_name_the_delay)
{
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_RETRY, 1, 0, 30000, 12345).delay_ms, 30000);
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_RETRY, 1, 0, 0, 12345).delay_ms, 0);
    ck_assert_int_eq(retry_decide(&retry_default, OUTCOME_RETRY, 1, 0, INT64_MAX, 1).delay_ms, RETRY_AFTER_MAX_MS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schedule");
    TCase *t = tcase_create("schedule");
    tcase_add_test(t, test_heap_sorts);
    tcase_add_test(t, test_heap_any_mixture);
    tcase_add_test(t, test_delays_grow_to_the_cap);
    tcase_add_test(t, test_jitter_is_full);
    tcase_add_test(t, test_attempts_run_out);
    tcase_add_test(t, test_interruptions_have_their_own_budget);
    tcase_add_test(t, test_function_may_name_the_delay);
    suite_add_tcase(s, t);
    return suite_run(s);
}
