/* SPDX-License-Identifier: MIT
 * check_line: what is written is read back exactly; nothing inside a line looks like the beginning of one; what was
 * damaged is refused.
 */
#include "suite.h"

#include <stdio.h>

#include "base/json.h"
#include "spool/line.h"

static const char id_text[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

static struct id an_id(void)
{
    struct id id;
    ck_assert_int_eq(id_parse(span_str(id_text), &id), ERR_OK);
    return id;
}

static struct line_event an_event(void)
{
    return (struct line_event){
        .id = an_id(),
        .received_ms = 1764072000123,
        .source = SPAN_LIT("shop"),
        .type = SPAN_LIT("order.created"),
        .event_id = SPAN_LIT("evt_1"),
        .request_id = SPAN_LIT("01ARZ3NDEKTSV4RRFFQ69G5FAW"),
        .method = SPAN_LIT("POST"),
        .path = SPAN_LIT("/hooks/shop?a=1"),
        .remote = SPAN_LIT("192.0.2.1"),
        .content_type = SPAN_LIT("application/json"),
        .key_id = SPAN_LIT("2026-11"),
        .synced = true,
        .dedupe = {1, 2, 3, 255},
        .has_dedupe = true,
        .dedupe_until_ms = 1764158400123,
        .headers = SPAN_LIT("[[\"content-type\",\"application/json\"],[\"authorization\",\"…\"]]"),
        .body = SPAN_LIT("{\"id\":7}"),
    };
}

/* Seal, and hand out the line without its LF. */
static struct span sealed(struct buf *b, const struct pos *safe)
{
    line_seal(b, 0, safe);
    ck_assert(!b->failed && b->n > 0 && b->p[b->n - 1] == '\n');
    ck_assert_ptr_null(memchr(b->p, '\n', b->n - 1));
    return span_of(b->p, b->n - 1);
}

static struct line parsed(struct span text)
{
    struct line l;
    ck_assert_msg(line_parse(text, &l) == ERR_OK, "%.*s", (int)text.n, text.p);
    ck_assert(line_intact(text));
    return l;
}

static struct buf a_buf(void)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    return b;
}

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
    tcase_add_test(t, no_member_can_forge_a_line);
    tcase_add_test(t, every_single_bit_flip_is_seen);
    tcase_add_test(t, a_carry_line_is_about_the_event_in_it);
    tcase_add_test(t, unknown_kinds_and_formats_are_told_apart_from_damage);
    tcase_add_test(t, mutated_lines_never_hurt);
    suite_add_tcase(s, t);
    return suite_run(s);
}
