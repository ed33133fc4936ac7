/* SPDX-License-Identifier: MIT
 * check_line: what is written is read back exactly.
 */
#include "line_kit.h"

START_TEST(an_event_line_reads_as_documented)
{
    struct buf b = a_buf();
    struct line_event e = an_event();
    line_put_event(&b, &e);
    struct span text = sealed(&b, &(struct pos){12, 345});
    static const char expected[] =
        "{\"creel\":\"event\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"received\":\"2025-11-25T12:00:00.123Z\","
        "\"source\":\"shop\","
        "\"type\":\"order.created\",\"unsigned\":false,\"dedupe\":\"010203ff000000000000000000000000\","
        "\"dedupe_until\":\"2025-11-26T12:00:00.123Z\",\"version\":null,\"event_id\":\"evt_1\",\"order_key\":null,"
        "\"durability\":\"synced\",\"key_id\":\"2026-11\",\"request_id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAW\",\"remote\":"
        "\"192.0.2.1\","
        "\"method\":\"POST\",\"path\":\"/hooks/shop?a=1\",\"content_type\":\"application/json\","
        "\"headers\":[[\"content-type\",\"application/json\"],[\"authorization\",\"…\"]],\"body\":\"{\\\"id\\\":7}\","
        "\"safe\":\"12.345\",\"crc\":\"";
    ck_assert_msg(span_starts(text, span_str(expected)), "%.*s", (int)text.n, text.p);
    struct line l = parsed(text);
    ck_assert(l.kind == KIND_EVENT && l.has_id && l.has_safe && l.has_dedupe && !l.unsigned_source);
    ck_assert(l.safe.segment == 12 && l.safe.offset == 345);
    ck_assert(l.at_ms == e.received_ms && l.received_ms == e.received_ms && l.dedupe_until_ms == e.dedupe_until_ms);
    ck_assert(memcmp(l.dedupe, e.dedupe, 16) == 0 && id_cmp(&l.id, &e.id) == 0);
    ck_assert_span_eq(l.source, "shop");
    ck_assert_span_eq(l.type, "order.created");
    ck_assert(span_eq(l.event, text));
    ck_assert(l.unsealed.n == sizeof expected - 1 - strlen(",\"safe\":\"12.345\",\"crc\":\""));
    buf_fini(&b);
}
END_TEST

/* Every byte value, and lengths around the encoder's piece. */
static void body_round_trips(struct span body)
{
    struct buf b = a_buf(), c = a_buf(), room = a_buf();
    struct line_event e = an_event(), back;
    e.body = body;
    line_put_event(&b, &e);
    struct line l = parsed(sealed(&b, NULL));
    ck_assert_int_eq(line_event_decode(l.event, &room, &back), ERR_OK);
    ck_assert(back.body.p && span_eq(back.body, body));
    line_put_carry(&c, 1, l.text, NULL, 0, false);
    l = parsed(sealed(&c, NULL));
    ck_assert_int_eq(line_event_decode(l.event, &room, &back), ERR_OK);
    ck_assert(span_eq(back.body, body));
    buf_fini(&b);
    buf_fini(&c);
    buf_fini(&room);
}

START_TEST(bodies_come_back_exactly)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "\"",
                                        "\\",
                                        "\\u0000",
                                        "\x01\x1f\x7f\r\n\t",
                                        "gr\xc3\xbc\xc3\x9f",
                                        "\xf0\x9f\xa6\x86",
                                        "\xff",
                                        "\xc3",
                                        "\xed\xa0\x80",
                                        "\xc0\x80",
                                        "\xef\xbb\xbf{}",
                                        "\xe2\x80\xa8"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        body_round_trips(span_str(texts[i]));
    body_round_trips(SPAN_LIT("a\0b"));
    char all[256], *big = malloc(20000);
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
        body_round_trips(span_of(all + i, 1));
    }
    body_round_trips(span_of(all, 256));
    body_round_trips(span_of(all + 1, 127));
    for (size_t at = 4088; at < 4100; at++) {
        memset(big, 'x', 20000);
        memcpy(big + at, "\xf0\x9f\xa6\x86", 4);
        body_round_trips(span_of(big, at + 4));
        body_round_trips(span_of(big, 20000));
        big[at] = '\n';
        body_round_trips(span_of(big, at + 1));
    }
    free(big);
}
END_TEST

START_TEST(only_text_is_written_as_text)
{
    static const struct {
        struct span body;
        bool text;
    } cases[] = {{SPAN_LIT("a"), true},
                 {SPAN_LIT(""), true},
                 {SPAN_LIT("\x01\x7f"), true},
                 {SPAN_LIT("a\0"), false},
                 {SPAN_LIT("\xc3("), false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = a_buf();
        struct line_event e = an_event();
        e.body = cases[i].body;
        line_put_event(&b, &e);
        struct span text = sealed(&b, NULL);
        ck_assert((memmem(text.p, text.n, ",\"body\":\"", 9) != NULL) == cases[i].text);
        ck_assert((memmem(text.p, text.n, ",\"body_base64\":\"", 16) != NULL) != cases[i].text);
        buf_fini(&b);
    }
}
END_TEST

START_TEST(an_event_decodes_to_what_was_written)
{
    struct buf b = a_buf(), room = a_buf();
    struct line_event e = an_event(), back;
    e.version = SPAN_LIT("2");
    e.event_id = SPAN_LIT("a \"quoted\" id\n");
    e.path = SPAN_LIT("/x\\y");
    e.unsigned_source = true;
    e.synced = false;
    line_put_event(&b, &e);
    ck_assert_int_eq(line_event_decode(sealed(&b, NULL), &room, &back), ERR_OK);
    ck_assert(id_cmp(&back.id, &e.id) == 0 && back.received_ms == e.received_ms && back.unsigned_source &&
              !back.synced);
    ck_assert(back.has_dedupe && memcmp(back.dedupe, e.dedupe, 16) == 0 && back.dedupe_until_ms == e.dedupe_until_ms);
    ck_assert(span_eq(back.version, e.version) && span_eq(back.event_id, e.event_id) && span_eq(back.path, e.path));
    ck_assert(span_eq(back.source, e.source) && span_eq(back.type, e.type) && !back.order_key.p);
    ck_assert(span_eq(back.request_id, e.request_id) && span_eq(back.remote, e.remote) &&
              span_eq(back.key_id, e.key_id));
    ck_assert(span_eq(back.method, e.method) && span_eq(back.content_type, e.content_type));
    ck_assert(span_eq(back.headers, e.headers) && span_eq(back.body, e.body));
    struct buf small;
    buf_init(&small, 4);
    ck_assert_int_eq(line_event_decode(span_of(b.p, b.n - 1), &small, &back), ERR_NO_ROOM);
    ck_assert_int_eq(line_event_decode(SPAN_LIT("{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}"), &room, &back), ERR_CORRUPT);
    ck_assert_int_eq(line_event_decode(SPAN_LIT("[]"), &room, &back), ERR_CORRUPT);
    buf_fini(&b);
    buf_fini(&room);
    buf_fini(&small);
}
END_TEST

START_TEST(a_violation_stays_with_its_event)
{
    struct buf b = a_buf(), c = a_buf(), room = a_buf();
    struct line_event e = an_event(), back;
    e.violation = SPAN_LIT("schema-violation: /\"a\"");
    line_put_event(&b, &e);
    struct span text = sealed(&b, NULL);
    ck_assert_span_eq(parsed(text).violation, "schema-violation: /\\\"a\\\"");
    line_put_carry(&c, 1, text, NULL, 0, false);
    struct line carry = parsed(sealed(&c, NULL));
    ck_assert_span_eq(carry.violation, "schema-violation: /\\\"a\\\"");
    ck_assert_int_eq(line_event_decode(carry.event, &room, &back), ERR_OK);
    ck_assert(span_eq(back.violation, e.violation) && span_eq(back.body, e.body));
    buf_fini(&b);
    buf_fini(&c);
    buf_fini(&room);
}
END_TEST

START_TEST(unsealed_part_can_be_sealed_anew)
{
    struct buf b = a_buf(), c = a_buf();
    struct line_event e = an_event();
    line_put_event(&b, &e);
    struct line l = parsed(sealed(&b, &(struct pos){1, 2}));
    buf_put_span(&c, l.unsealed);
    struct line again = parsed(sealed(&c, NULL));
    ck_assert(!again.has_safe && id_cmp(&again.id, &l.id) == 0 && span_eq(again.unsealed, l.unsealed));
    buf_fini(&b);
    buf_fini(&c);
}
END_TEST

START_TEST(every_kind_round_trips)
{
    struct buf b = a_buf();
    struct id id = an_id();
    const uint8_t salt[16] = {9, 8, 7};
    line_put_segment(&b, 7, 1764072000000, salt);
    struct line l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_SEGMENT && l.segment == 7 && l.format == LINE_FORMAT && l.at_ms == 1764072000000);
    ck_assert(memcmp(l.salt, salt, 16) == 0 && !l.has_id);

    buf_clear(&b);
    const struct span names[] = {SPAN_LIT("a"), SPAN_LIT("log")};
    line_put_routed(&b, &id, 5000, names, 2);
    l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_ROUTED && l.at_ms == 5000 && id_cmp(&l.id, &id) == 0);
    ck_assert_span_eq(l.functions, "[\"a\",\"log\"]");

    buf_clear(&b);
    line_put_routed(&b, &id, 5000, NULL, 0);
    l = parsed(sealed(&b, NULL));
    ck_assert_span_eq(l.functions, "[]");

    buf_clear(&b);
    line_put_attempt(&b, &id, names[1], 3, 6000, SPAN_LIT("g1"));
    l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_ATTEMPT && l.attempt == 3 && l.at_ms == 6000);
    ck_assert_span_eq(l.function, "log");

    buf_clear(&b);
    line_put_void(&b, 41, 4294967295u, 7000, "a sync failed");
    l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_VOID && l.segment == 41 && l.from.segment == 41 && l.from.offset == 4294967295u);

    buf_clear(&b);
    line_put_tombstone(&b, 3, 7000, "retired");
    l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_TOMBSTONE && l.segment == 3);

    buf_clear(&b);
    line_put_checkpoint(&b, (struct pos){5, 99}, 7000, 77);
    l = parsed(sealed(&b, &(struct pos){5, 1234}));
    ck_assert(l.kind == KIND_CHECKPOINT && l.from.segment == 5 && l.from.offset == 99 && l.safe.offset == 1234 && l.quarantine == 77);

    buf_clear(&b);
    line_put_action(&b, "replay", &id, names[0], 8000, "uid:0", 3);
    l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_ACTION && l.has_id && l.has_attempts && l.attempt == 3);
    ck_assert_span_eq(l.action, "replay");
    ck_assert_span_eq(l.function, "a");

    buf_clear(&b);
    line_put_action(&b, "hold", NULL, names[0], 8000, "uid:0", -1);
    l = parsed(sealed(&b, NULL));
    ck_assert(!l.has_id && !l.has_attempts);
    buf_fini(&b);
}
END_TEST

START_TEST(an_outcome_line_round_trips)
{
    struct buf b = a_buf();
    struct line_outcome o = {.id = an_id(),
                             .function = SPAN_LIT("log"),
                             .attempt = 2,
                             .at_ms = 1764072000000,
                             .due_ms = 1764072001000,
                             .run_ms = 12,
                             .outcome = OUTCOME_RETRY,
                             .state = STATE_WAITING,
                             .why = SPAN_LIT("database is away"),
                             .output = SPAN_LIT("line\n\xff")};
    line_put_outcome(&b, &o);
    struct line l = parsed(sealed(&b, NULL));
    ck_assert(l.kind == KIND_OUTCOME && l.attempt == 2 && l.outcome == OUTCOME_RETRY && l.state == STATE_WAITING);
    ck_assert(l.due_ms == o.due_ms && l.at_ms == o.at_ms);
    ck_assert_ptr_nonnull(memmem(l.text.p, l.text.n, "\"output_base64\":\"", 17));
    struct buf room = a_buf();
    struct line_outcome back;
    ck_assert_int_eq(line_outcome_decode(l.text, &room, &back), ERR_OK);
    ck_assert(span_eq(back.output, o.output) && span_eq(back.why, o.why) && back.run_ms == 12 &&
              back.due_ms == o.due_ms);
    ck_assert(back.outcome == o.outcome && back.state == o.state && back.attempt == 2 &&
              span_eq(back.function, o.function));
    buf_fini(&room);
    buf_clear(&b);
    o.due_ms = 0;
    o.output = o.why = SPAN_NONE;
    line_put_outcome(&b, &o);
    l = parsed(sealed(&b, NULL));
    ck_assert(l.due_ms == 0);
    ck_assert_ptr_nonnull(memmem(l.text.p, l.text.n, "\"why\":null,\"output\":null", 24));
    buf_fini(&b);
}
END_TEST

/* Text stays text where that is no longer than base64, so that a reply of the greatest size has a greatest line. */
START_TEST(a_reply_is_kept_with_the_outcome)
{
    enum { REPLY_BYTES = 64 * 1024 };
    static char bytes[REPLY_BYTES];
    const struct {
        char byte;
        const char *member;
    } cases[] = {{'a', "\"reply\":\""}, {'\n', "\"reply_base64\":\""}, {'\xff', "\"reply_base64\":\""}};
    struct line_outcome o = {.id = an_id(), .function = SPAN_LIT("log"), .attempt = 1, .outcome = OUTCOME_DONE, .state = STATE_DONE};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        for (size_t n = 0; n <= REPLY_BYTES; n += REPLY_BYTES) {
            struct buf b = a_buf(), room = a_buf();
            struct line_outcome back;
            memset(bytes, cases[k].byte, sizeof bytes);
            o.reply = span_of(bytes, n);
            line_put_outcome(&b, &o);
            struct line l = parsed(sealed(&b, NULL));
            const char *member = n ? cases[k].member : "\"reply\":\"\"";
            ck_assert(memmem(l.text.p, l.text.n, member, strlen(member)) && l.text.n < REPLY_BYTES * 4 / 3 + 400);
            ck_assert(line_outcome_decode(l.text, &room, &back) == ERR_OK && back.reply.p && span_eq(back.reply, o.reply));
            buf_fini(&b);
            buf_fini(&room);
        }
    }
}
END_TEST

START_TEST(a_carry_line_holds_the_event_and_can_be_carried_again)
{
    struct buf b = a_buf(), c = a_buf(), d = a_buf();
    struct line_event e = an_event();
    line_put_event(&b, &e);
    struct span event = sealed(&b, &(struct pos){1, 1});
    const struct line_function f[] = {
        {.name = SPAN_LIT("log"), .state = STATE_WAITING, .attempts = 2, .due_ms = 1764072000000},
        {.name = SPAN_LIT("b"), .state = STATE_DEAD, .attempts = 5, .base = 3, .why = SPAN_LIT("no \"luck\"")}};
    line_put_carry(&c, 9000, event, f, 2, true);
    struct line l = parsed(sealed(&c, NULL));
    ck_assert(l.kind == KIND_CARRY && l.routed && l.at_ms == 9000 && l.received_ms == e.received_ms && l.has_dedupe);
    ck_assert_span_eq(l.source, "shop");
    ck_assert_span_eq(l.type, "order.created");
    ck_assert_span_eq(
        l.functions,
        "[{\"name\":\"log\",\"state\":\"waiting\",\"attempts\":2,\"interrupted\":0,\"base\":0,\"due\":\"2025-11-25T12:"
        "00:00.000Z\","
        "\"why\":null},{\"name\":\"b\",\"state\":\"dead\",\"attempts\":5,\"interrupted\":0,\"base\":3,\"due\":null,"
        "\"why\":\"no \\\"luck\\\"\"}]");
    struct buf room = a_buf();
    struct line_function g;
    struct span object;
    struct json_iter it = json_iter(l.functions);
    ck_assert(json_next_element(&it, &object) && line_function_decode(object, &room, &g) == ERR_OK);
    ck_assert(span_eq(g.name, f[0].name) && g.state == STATE_WAITING && g.attempts == 2 && g.due_ms == f[0].due_ms &&
              !g.why.p);
    ck_assert(json_next_element(&it, &object) && line_function_decode(object, &room, &g) == ERR_OK);
    ck_assert(g.state == STATE_DEAD && g.base == 3 && g.due_ms == 0 && span_eq(g.why, f[1].why));
    ck_assert(!json_next_element(&it, &object));
    buf_fini(&room);
    ck_assert(span_starts(l.event, SPAN_LIT("{\"id\":\"01ARZ3")) && l.event.p[l.event.n - 1] == '}');
    ck_assert_ptr_null(memmem(l.event.p, l.event.n, "\"safe\"", 6));
    line_put_carry(&d, 9001, l.text, NULL, 0, false);
    struct line again = parsed(sealed(&d, NULL));
    ck_assert(!again.routed && span_eq(again.event, l.event));
    buf_fini(&b);
    buf_fini(&c);
    buf_fini(&d);
}
END_TEST

START_TEST(what_cannot_be_carried_fails_the_buffer)
{
    struct buf b = a_buf();
    line_put_carry(&b, 1, SPAN_LIT("{\"creel\":\"event\"}"), NULL, 0, false);
    ck_assert(b.failed);
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("line");
    TCase *t = tcase_create("line");
    tcase_add_test(t, an_event_line_reads_as_documented);
    tcase_add_test(t, bodies_come_back_exactly);
    tcase_add_test(t, only_text_is_written_as_text);
    tcase_add_test(t, an_event_decodes_to_what_was_written);
    tcase_add_test(t, a_violation_stays_with_its_event);
    tcase_add_test(t, unsealed_part_can_be_sealed_anew);
    tcase_add_test(t, every_kind_round_trips);
    tcase_add_test(t, an_outcome_line_round_trips);
    tcase_add_test(t, a_reply_is_kept_with_the_outcome);
    tcase_add_test(t, a_carry_line_holds_the_event_and_can_be_carried_again);
    tcase_add_test(t, what_cannot_be_carried_fails_the_buffer);
    suite_add_tcase(s, t);
    return suite_run(s);
}
