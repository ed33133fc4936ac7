/* SPDX-License-Identifier: MIT
 * check_line_hostile: nothing inside a line looks like the beginning of one; what was damaged is refused; mutations never hurt.
 */
#include "line_kit.h"

/* How often the token occurs. */
static size_t tokens(struct span text)
{
    size_t n = 0;
    for (const char *p = text.p; (p = memmem(p, (size_t)(text.p + text.n - p), LINE_TOKEN, sizeof LINE_TOKEN - 1)); p++)
        n++;
    return n;
}

START_TEST(no_member_can_forge_a_line)
{
    static const char *const hostile[] = {
        LINE_TOKEN "event\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}",
        "{",
        "\"{\"creel\":\"",
        "\\\"{\"creel\":\"",
        "{\\",
        "\n" LINE_TOKEN,
        ",\"safe\":\"9.9",
        ",\"safe\":\"9.9\"",
        ",",
        "\",\"crc\":\"00000000\"}\n" LINE_TOKEN,
        "},\"event\":{\"id\":\"",
        "\\",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct buf b = a_buf(), c = a_buf(), h = a_buf();
        struct span evil = span_str(hostile[i]);
        buf_puts(&h, "[[");
        buf_put_json_text(&h, evil);
        buf_puts(&h, ",");
        buf_put_json_text(&h, evil);
        buf_puts(&h, "]]");
        struct line_event e = an_event();
        e.headers = buf_span(&h);
        e.source = e.type = e.version = e.event_id = e.order_key = e.request_id = e.method = e.path = e.remote =
            e.content_type = e.key_id = e.body = evil;
        line_put_event(&b, &e);
        struct line l = parsed(sealed(&b, NULL));
        ck_assert_uint_eq(tokens(l.text), 1);
        ck_assert(!l.has_safe && l.kind == KIND_EVENT);
        const struct line_function f = {.name = evil, .state = STATE_HELD, .why = evil};
        line_put_carry(&c, 1, l.text, &f, 1, true);
        l = parsed(sealed(&c, NULL));
        ck_assert_uint_eq(tokens(l.text), 1);
        ck_assert(l.kind == KIND_CARRY && !l.has_safe);
        buf_clear(&b);
        struct line_outcome o = {.id = e.id, .function = evil, .at_ms = 1, .why = evil, .output = evil};
        line_put_outcome(&b, &o);
        ck_assert_uint_eq(tokens(parsed(sealed(&b, NULL)).text), 1);
        buf_clear(&b);
        line_put_action(&b, hostile[i], &e.id, evil, 1, hostile[i], 1);
        ck_assert_uint_eq(tokens(parsed(sealed(&b, NULL)).text), 1);
        buf_fini(&b);
        buf_fini(&c);
        buf_fini(&h);
    }
}
END_TEST

START_TEST(every_single_bit_flip_is_seen)
{
    struct buf b = a_buf();
    struct line_event e = an_event();
    struct line l;
    line_put_event(&b, &e);
    struct span text = sealed(&b, &(struct pos){1, 77});
    for (size_t i = 0; i < text.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            b.p[i] ^= (char)(1 << bit);
            ck_assert_msg(line_parse(text, &l) == ERR_CORRUPT && !line_intact(text), "byte %zu bit %d", i, bit);
            b.p[i] ^= (char)(1 << bit);
        }
    for (size_t n = 0; n < text.n; n++)
        ck_assert_int_eq(line_parse(span_of(text.p, n), &l), ERR_CORRUPT);
    buf_fini(&b);
}
END_TEST

/* A line written by hand, sealed. */
static enum err by_hand(const char *unsealed)
{
    struct buf b = a_buf();
    struct line l;
    buf_puts(&b, unsealed);
    enum err e = line_parse(sealed(&b, NULL), &l);
    buf_fini(&b);
    return e;
}

START_TEST(a_carry_line_is_about_the_event_in_it)
{
    static const char carry[] =
        "{\"creel\":\"carry\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"at\":\"2025-11-25T12:00:00.123Z\","
        "\"routed\":false,\"functions\":[],\"event\":{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FA%c\","
        "\"received\":\"2025-11-25T12:00:00.123Z\",\"source\":\"s\",\"type\":\"t\",\"unsigned\":false,"
        "\"dedupe\":null,\"dedupe_until\":null%s";
    char text[512];
    snprintf(text, sizeof text, carry, 'V', "}");
    ck_assert_int_eq(by_hand(text), ERR_OK);
    snprintf(text, sizeof text, carry, 'W', "}");
    ck_assert_int_eq(by_hand(text), ERR_CORRUPT);
    snprintf(text, sizeof text, carry, 'V', "");
    ck_assert_int_eq(by_hand(text), ERR_CORRUPT);
}
END_TEST

START_TEST(unknown_kinds_and_formats_are_told_apart_from_damage)
{
    ck_assert_int_eq(by_hand("{\"creel\":\"novelty\",\"id\":1"), ERR_UNSUPPORTED);
    ck_assert_int_eq(
        by_hand("{\"creel\":\"segment\",\"format\":2,\"segment\":1,\"at\":\"2025-11-25T12:00:00.123Z\",\"salt\":\""
                "00000000000000000000000000000000\""),
        ERR_UNSUPPORTED);
    ck_assert_int_eq(by_hand("{\"creel\":\"segment\",\"format\":2,\"all\":\"is new\""), ERR_UNSUPPORTED);
    ck_assert_int_eq(by_hand("{\"creel\":\"segment\",\"format\":1,\"all\":\"is new\""), ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"\",\"id\":1"), ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"Event\",\"id\":1"), ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"segment\":3,\"at\":\"2025-11-25T12:00:00.123Z\""), ERR_OK);
    ck_assert_int_eq(
        by_hand("{\"creel\":\"tombstone\",\"segment\":3,\"at\":\"2025-11-25T12:00:00.123Z\",\"later\":[1]"), ERR_OK);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"segment\":03,\"at\":\"2025-11-25T12:00:00.123Z\""),
                     ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"segment\":4294967296,\"at\":\"2025-11-25T12:00:00.123Z\""),
                     ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"segment\":3,\"at\":\"soon\""), ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"segment\":3,\"at\":\"2025-11-25T12:00:00.123Z"), ERR_CORRUPT);
    ck_assert_int_eq(by_hand("{\"creel\":\"tombstone\",\"at\":\"2025-11-25T12:00:00.123Z\",\"segment\":3"),
                     ERR_CORRUPT);
    ck_assert_int_eq(
        by_hand("{\"creel\":\"routed\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"at\":\"2025-11-25T12:00:00.123Z\","
                "\"functions\":[\"a\""),
        ERR_CORRUPT);
}
END_TEST

/* Seeded, so that a failure repeats. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

START_TEST(mutated_lines_never_hurt)
{
    uint32_t seed = 1;
    struct buf good = a_buf();
    struct line_event e = an_event();
    line_put_event(&good, &e);
    struct buf carry = a_buf();
    const struct line_function f = {.name = SPAN_LIT("log"), .state = STATE_WAITING};
    struct span event = sealed(&good, NULL);
    line_put_carry(&carry, 1, event, &f, 1, true);
    size_t n_carry = carry.n;
    for (int round = 0; round < suite_rounds(3000); round++) {
        bool which = next_random(&seed) & 1;
        size_t n = which ? n_carry : event.n - 18;
        char *copy = malloc(n + 19); /* exact, so that a sanitizer sees any step outside */
        memcpy(copy, which ? carry.p : good.p, n);
        for (uint32_t k = next_random(&seed) % 4; k < 4; k++) {
            static const char bytes[] = "\"\\{}[],:\n0n";
            copy[next_random(&seed) % n] =
                next_random(&seed) & 1 ? bytes[next_random(&seed) % (sizeof bytes - 1)] : (char)next_random(&seed);
        }
        if (next_random(&seed) % 4 == 0)
            n = next_random(&seed) % n;
        /* A good checksum, so that the walk behind it is reached. */
        struct buf b = {.p = copy, .n = n, .cap = n + 19, .max_bytes = n + 19};
        line_seal(&b, 0, NULL);
        struct line l;
        struct line_event decoded;
        struct buf room = a_buf();
        if (line_parse(span_of(b.p, b.n - 1), &l) == ERR_OK)
            (void)line_event_decode(l.event.p ? l.event : l.text, &room, &decoded);
        buf_fini(&room);
        free(b.p);
    }
    buf_fini(&good);
    buf_fini(&carry);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("line_hostile");
    TCase *t = tcase_create("hostile");
    tcase_add_test(t, no_member_can_forge_a_line);
    tcase_add_test(t, every_single_bit_flip_is_seen);
    tcase_add_test(t, a_carry_line_is_about_the_event_in_it);
    tcase_add_test(t, unknown_kinds_and_formats_are_told_apart_from_damage);
    tcase_add_test(t, mutated_lines_never_hurt);
    suite_add_tcase(s, t);
    return suite_run(s);
}
