/* SPDX-License-Identifier: MIT
 * check_dedupe: remembered keys (seen) and claims (dedupe), with a clock of the test's own.
 */
#include "suite.h"

#include <stdio.h>

#include "base/stats.h"
#include "intake/dedupe.h"
#include "intake/dedupe_by.h"
#include "intake/seen.h"

enum { NOW = 1000000, HOUR = 3600000 };
static const uint8_t salt[16] = "0123456789abcdef";

static struct id id_of(uint32_t n)
{
    struct id id = {{0}};
    memcpy(id.b, &n, sizeof n);
    return id;
}

static void key_of(uint32_t n, uint8_t key[16])
{
    dedupe_key(salt, "s", DEDUPE_BY_ID, span_of((const char *)&n, sizeof n), key);
}

static void put(struct seen *s, uint32_t n, int64_t until_ms, int64_t now_ms, uint64_t *early)
{
    uint8_t key[16];
    struct id id = id_of(n);
    key_of(n, key);
    ck_assert_int_eq(seen_put(s, key, &id, until_ms, now_ms, early), ERR_OK);
}

static bool has(const struct seen *s, uint32_t n, int64_t now_ms)
{
    uint8_t key[16];
    struct id id, want = id_of(n);
    key_of(n, key);
    bool found = seen_find(s, key, now_ms, &id);
    ck_assert(!found || id_cmp(&id, &want) == 0);
    return found;
}

START_TEST(remembers_until)
{
    struct seen *s = seen_new(100);
    uint64_t early = 0;
    put(s, 1, NOW + HOUR, NOW, &early);
    ck_assert(has(s, 1, NOW));
    ck_assert(has(s, 1, NOW + HOUR - 1));
    ck_assert(!has(s, 1, NOW + HOUR));
    ck_assert(!has(s, 2, NOW));
    put(s, 1, NOW + 3 * HOUR, NOW + HOUR, &early); /* again, after its time */
    ck_assert(has(s, 1, NOW + 2 * HOUR));
    ck_assert_uint_eq(seen_count(s), 1);
    ck_assert_uint_eq(early, 0);
    seen_free(s);
}
END_TEST

START_TEST(forgets_the_oldest_early)
{
    struct seen *s = seen_new(1000);
    uint64_t early = 0;
    for (uint32_t i = 0; i < 2500; i++)
        put(s, i, NOW + HOUR, NOW, &early);
    ck_assert_uint_eq(seen_count(s), 1000);
    ck_assert_uint_eq(early, 1500);
    for (uint32_t i = 0; i < 2500; i++)
        ck_assert_int_eq(has(s, i, NOW), i >= 1500);
    seen_set_max(s, 10);
    put(s, 5000, NOW + HOUR, NOW, &early);
    ck_assert_uint_eq(seen_count(s), 10);
    seen_free(s);
}
END_TEST

START_TEST(forgets_what_is_over)
{
    struct seen *s = seen_new(1 << 20);
    uint64_t early = 0;
    for (uint32_t i = 0; i < 50000; i++)
        put(s, i, NOW + 1000 + i, NOW + i, &early);
    /* Times are kept in whole seconds, rounded up. */
    ck_assert_uint_le(seen_count(s), 2001);
    ck_assert_uint_eq(early, 0);
    put(s, 99999, NOW + HOUR, NOW + 2 * 60000, &early);
    ck_assert_uint_eq(seen_count(s), 1);
    ck_assert_uint_lt(seen_bytes(s), 1 << 20);
    seen_free(s);
}
END_TEST

START_TEST(small_enough)
{
    enum { MANY = 1000000 };
    struct seen *s = seen_new(1 << 20);
    uint64_t early = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        put(s, i, NOW + HOUR, NOW, &early);
        if (i > 20000 && i % 997 == 0)
            ck_assert_msg(seen_bytes(s) <= 48 * seen_count(s), "%zu bytes for %zu", seen_bytes(s), seen_count(s));
    }
    ck_assert_uint_eq(seen_count(s), MANY);
    for (uint32_t i = 0; i < MANY; i += 7)
        ck_assert(has(s, i, NOW));
    seen_free(s);
}
END_TEST

/* Against a model: the same answers for a long random life. */
START_TEST(agrees_with_a_model)
{
    enum { KEYS = 600, MAX = 200 };
    static struct {
        int64_t until, order;
    } model[KEYS];
    struct seen *s = seen_new(MAX);
    unsigned seed = 7;
    uint64_t early = 0;
    int64_t now = NOW;
    memset(model, 0, sizeof model);
    for (int step = 0; step < suite_rounds(60000); step++) {
        seed = seed * 1103515245 + 12345;
        uint32_t n = (seed >> 8) % KEYS;
        now += 1000 * ((seed >> 24) % 3);
        bool known = model[n].until > now;
        ck_assert_int_eq(has(s, n, now), known);
        if (known)
            continue;
        /* what put does: forget from the front while over or too many, then add at the end */
        for (;;) {
            uint32_t oldest = KEYS, live = 0;
            for (uint32_t i = 0; i < KEYS; i++) {
                if (!model[i].order)
                    continue;
                live++;
                if (oldest == KEYS || model[i].order < model[oldest].order)
                    oldest = i;
            }
            if (live == 0 || (model[oldest].until > now && live < MAX))
                break;
            model[oldest].order = model[oldest].until = 0;
        }
        put(s, n, now + 1000 * (1 + n % 300), now, &early);
        model[n].until = now + 1000 * (1 + n % 300);
        model[n].order = step + 1;
    }
    seen_free(s);
}
END_TEST

/* --- claims --- */

static struct dedupe *d;
static struct dedupe_source *shop;

static void setup(void)
{
    stats_use(NULL);
    d = dedupe_new(1000);
    shop = dedupe_source(d, "shop", 1000);
    ck_assert(shop && dedupe_source(d, "shop", 500) == shop);
}

static void teardown(void)
{
    dedupe_free(d);
}

static struct dedupe_claim claim(const char *id, uint32_t n)
{
    struct dedupe_claim c = {.id = id_of(n), .until_ms = NOW + HOUR, .source = shop};
    dedupe_key(salt, "shop", DEDUPE_BY_ID, span_str(id), c.key);
    return c;
}

START_TEST(keys_are_scoped)
{
    uint8_t a[16], b[16], c[16], e[16];
    dedupe_key(salt, "shop", DEDUPE_BY_ID, SPAN_LIT("x"), a);
    dedupe_key(salt, "shoq", DEDUPE_BY_ID, SPAN_LIT("x"), b);
    dedupe_key(salt, "shop", DEDUPE_BY_BODY, SPAN_LIT("x"), c);
    dedupe_key((const uint8_t *)"another-salt-16b", "shop", DEDUPE_BY_ID, SPAN_LIT("x"), e);
    ck_assert(memcmp(a, b, 16) != 0 && memcmp(a, c, 16) != 0 && memcmp(a, e, 16) != 0);
    dedupe_key(salt, "shop", DEDUPE_BY_ID, SPAN_LIT("x"), e);
    ck_assert_int_eq(memcmp(a, e, 16), 0);
}
END_TEST

/* --- what is hashed where that is not the id alone --- */

static enum err digest_of(const char *const *texts, size_t n, const struct recipe_header *headers, size_t n_headers,
                          uint8_t out[DEDUPE_DIGEST_BYTES], const char **missing)
{
    struct dedupe_by *by;
    struct arena a;
    struct why w;
    const struct recipe_request q = {.headers = headers, .n_headers = n_headers, .body = SPAN_LIT("{\"n\":1}")};
    ck_assert(arena_init(&a, 65536));
    ck_assert_int_eq(dedupe_by_new(texts, n, &by, &w), ERR_OK);
    const struct dedupe_event event = {.request = &q, .is_json = true, .sender_id = SPAN_LIT("evt"), .body = q.body};
    enum err e = dedupe_by_digest(by, &event, &a, out, missing);
    dedupe_by_free(by);
    arena_fini(&a);
    return e;
}

START_TEST(joined_values_stay_apart)
{
    static const char *const two[] = {"header:a", "header:b"}, *const turned[] = {"header:b", "header:a"},
                             *const all[] = {"event_id", "json:/n", "body", "header:a"};
    const struct recipe_header ab_c[] = {{SPAN_LIT("a"), SPAN_LIT("ab")}, {SPAN_LIT("b"), SPAN_LIT("c")}},
                               a_bc[] = {{SPAN_LIT("a"), SPAN_LIT("a")}, {SPAN_LIT("b"), SPAN_LIT("bc")}},
                               swapped[] = {{SPAN_LIT("a"), SPAN_LIT("c")}, {SPAN_LIT("b"), SPAN_LIT("ab")}};
    uint8_t digest[5][DEDUPE_DIGEST_BYTES];
    const char *missing = NULL;
    ck_assert_int_eq(digest_of(two, 2, ab_c, 2, digest[0], &missing), ERR_OK);
    ck_assert_int_eq(digest_of(two, 2, a_bc, 2, digest[1], &missing), ERR_OK);
    ck_assert_int_eq(digest_of(turned, 2, swapped, 2, digest[2], &missing), ERR_OK); /* the same values, named otherwise */
    ck_assert_int_eq(digest_of(two, 1, ab_c, 2, digest[3], &missing), ERR_OK);
    ck_assert_int_eq(digest_of(all, 4, ab_c, 2, digest[4], &missing), ERR_OK);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            ck_assert_msg(memcmp(digest[i], digest[k], sizeof digest[i]) != 0, "%d and %d", k, i);
    ck_assert_int_eq(digest_of(two, 2, ab_c, 2, digest[1], &missing), ERR_OK);
    ck_assert_int_eq(memcmp(digest[0], digest[1], sizeof digest[0]), 0);
    ck_assert_ptr_null(missing);
}
END_TEST

START_TEST(a_part_that_is_not_there)
{
    static const char *const two[] = {"header:a", "header:b"}, *const bad[] = {"header:a", "nothing:x"};
    const struct recipe_header one[] = {{SPAN_LIT("a"), SPAN_LIT("1")}, {SPAN_LIT("b"), SPAN_LIT("")}};
    uint8_t digest[DEDUPE_DIGEST_BYTES];
    const char *missing = NULL;
    struct dedupe_by *by = NULL;
    struct why w = {""};
    ck_assert_int_eq(digest_of(two, 2, one, 2, digest, &missing), ERR_NOT_FOUND);
    ck_assert_str_eq(missing, "header:b");
    ck_assert_int_eq(dedupe_by_new(bad, 2, &by, &w), ERR_INVALID);
    ck_assert_ptr_null(by);
    ck_assert(strstr(w.text, "nothing:x") != NULL);
}
END_TEST

START_TEST(new_pending_seen)
{
    struct dedupe_claim a = claim("x", 1), b = claim("x", 2), c = claim("x", 3), other = claim("y", 4),
                        late = claim("x", 5);
    struct id first = {{0}};
    ck_assert_int_eq(dedupe_ask(d, &a, NOW, &first), DEDUPE_NEW);
    ck_assert_int_eq(dedupe_ask(d, &b, NOW, &first), DEDUPE_PENDING);
    ck_assert_int_eq(dedupe_ask(d, &other, NOW, &first), DEDUPE_NEW);
    ck_assert_int_eq(dedupe_ask(d, &c, NOW, &first), DEDUPE_PENDING);
    struct dedupe_claim *waited = dedupe_settle(d, &a, true, NOW);
    ck_assert_ptr_eq(waited, &b); /* in the order they came */
    ck_assert_ptr_eq(waited->next, &c);
    ck_assert_ptr_null(waited->next->next);
    ck_assert_int_eq(dedupe_ask(d, &late, NOW, &first), DEDUPE_SEEN);
    ck_assert_int_eq(id_cmp(&first, &a.id), 0);
    ck_assert_ptr_null(dedupe_settle(d, &other, true, NOW));
    ck_assert_int_eq(dedupe_ask(d, &late, NOW + HOUR, &first), DEDUPE_NEW);
    ck_assert_ptr_null(dedupe_settle(d, &late, true, NOW));
}
END_TEST

START_TEST(what_failed_is_new_again)
{
    struct dedupe_claim a = claim("x", 1), b = claim("x", 2), c = claim("x", 3);
    struct id first;
    ck_assert_int_eq(dedupe_ask(d, &a, NOW, &first), DEDUPE_NEW);
    ck_assert_int_eq(dedupe_ask(d, &b, NOW, &first), DEDUPE_PENDING);
    ck_assert_ptr_eq(dedupe_settle(d, &a, false, NOW), &b);
    ck_assert_int_eq(dedupe_ask(d, &c, NOW, &first), DEDUPE_NEW);
    ck_assert_ptr_null(dedupe_settle(d, &c, true, NOW));
}
END_TEST

START_TEST(former_runs_count)
{
    struct dedupe_claim a = claim("x", 1), again = claim("x", 2);
    struct id first;
    dedupe_recall(d, a.key, &a.id, NOW + HOUR, NOW);
    ck_assert_int_eq(dedupe_ask(d, &again, NOW, &first), DEDUPE_SEEN);
    ck_assert_int_eq(id_cmp(&first, &a.id), 0);
    ck_assert_int_eq(dedupe_ask(d, &again, NOW + HOUR, &first), DEDUPE_NEW);
    (void)dedupe_settle(d, &again, true, NOW + HOUR);
}
END_TEST

START_TEST(counts)
{
    int64_t entries = stat_get(STAT_dedupe_entries), early = stat_get(STAT_dedupe_forgotten_early_total);
    for (uint32_t i = 0; i < 600; i++) {
        char text[16];
        struct id first;
        snprintf(text, sizeof text, "%u", i);
        struct dedupe_claim c = claim(text, i);
        ck_assert_int_eq(dedupe_ask(d, &c, NOW, &first), DEDUPE_NEW);
        (void)dedupe_settle(d, &c, true, NOW);
    }
    ck_assert_int_eq(stat_get(STAT_dedupe_entries) - entries, 500); /* the later call's max */
    ck_assert_int_eq(stat_get(STAT_dedupe_forgotten_early_total) - early, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dedupe");
    TCase *t = tcase_create("seen");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, remembers_until);
    tcase_add_test(t, forgets_the_oldest_early);
    tcase_add_test(t, forgets_what_is_over);
    tcase_add_test(t, small_enough);
    tcase_add_test(t, agrees_with_a_model);
    suite_add_tcase(s, t);
    t = tcase_create("claims");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keys_are_scoped);
    tcase_add_test(t, joined_values_stay_apart);
    tcase_add_test(t, a_part_that_is_not_there);
    tcase_add_test(t, new_pending_seen);
    tcase_add_test(t, what_failed_is_new_again);
    tcase_add_test(t, former_runs_count);
    tcase_add_test(t, counts);
    suite_add_tcase(s, t);
    return suite_run(s);
}
