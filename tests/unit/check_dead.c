/* SPDX-License-Identifier: MIT
 * check_dead: what a dead letter says, where it lies, and that it goes.
 */
#include "suite.h"

#include <dirent.h>

#include "base/json.h"
#include "spool/dead.h"
#include "spool_dir.h"

static struct spool_dir d;
static struct buf b; /* the journal's only segment */
static struct pos event_at;

static void seal_from(size_t from)
{
    line_seal(&b, from, NULL);
    ck_assert(!b.failed);
}

static void put_attempt(uint32_t n, uint32_t attempt)
{
    size_t from = b.n;
    struct id id = small_id(n);
    line_put_attempt(&b, &id, SPAN_LIT("pay\"er"), attempt, 1764072001000, SPAN_NONE);
    seal_from(from);
}

static void put_outcome(uint32_t n, uint32_t attempt, enum outcome outcome, struct span why, struct span output)
{
    size_t from = b.n;
    struct line_outcome o = {.id = small_id(n),
                             .function = SPAN_LIT("pay\"er"),
                             .attempt = attempt,
                             .at_ms = 1764072002000,
                             .run_ms = 7,
                             .outcome = outcome,
                             .state = outcome == OUTCOME_RETRY ? STATE_WAITING : STATE_DEAD,
                             .why = why,
                             .output = output};
    line_put_outcome(&b, &o);
    seal_from(from);
}

static void begin(struct span type, struct span body)
{
    d = spool_dir_make();
    buf_init(&b, 1 << 20);
    put_segment_line(&b, 1);
    event_at = (struct pos){1, (uint32_t)b.n};
    size_t from = b.n;
    struct line_event e = {.id = small_id(1),
                           .received_ms = 1764072000000,
                           .source = SPAN_LIT("shop"),
                           .type = type,
                           .event_id = SPAN_LIT("evt"),
                           .has_dedupe = true,
                           .dedupe_until_ms = 5,
                           .headers = SPAN_LIT("[[\"a\",\"b\"]]"),
                           .body = body};
    line_put_event(&b, &e);
    seal_from(from);
}

static struct buf letter; /* as read back */

static struct span get(const char *pointer)
{
    return json_pointer(buf_span(&letter), span_str(pointer));
}

static struct span path_of(struct buf *path, struct span type, struct span function)
{
    struct id id = small_id(1);
    buf_init(path, 8192);
    dead_path(path, SPAN_LIT("shop"), type, &id, function);
    ck_assert(!path->failed && strlen(path->p) == path->n);
    return buf_span(path);
}

/* Write it and read it back. */
static void write_letter(struct span type, const struct span *lines, size_t n)
{
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r;
    struct why w = {{0}};
    struct json_error at;
    struct buf path;
    const struct entry e = {.id = small_id(1), .at = event_at};
    ck_assert_int_eq(reader_open(d.fd, (struct pos){0, 0}, NULL, NULL, &r, &w), ERR_OK);
    ck_assert_msg(dead_write(d.fd, r, &e, SPAN_LIT("pay\"er"), lines, n, &w) == ERR_OK, "%s", w.text);
    reader_free(r);
    (void)path_of(&path, type, SPAN_LIT("pay\"er"));
    buf_init(&letter, 1 << 20);
    ck_assert_msg(fs_read(d.fd, path.p, &letter, &w) == ERR_OK, "%s", w.text);
    ck_assert_int_eq(json_check(buf_span(&letter), JSON_LIMITS_DEFAULT, &at), ERR_OK);
    buf_fini(&path);
}

static void end(void)
{
    buf_fini(&letter);
    buf_fini(&b);
    spool_dir_remove(&d);
}

START_TEST(a_letter_tells_the_whole_story)
{
    begin(SPAN_LIT("order/paid"), SPAN_LIT("{\"a\": \"\\u0041\"}"));
    put_attempt(2, 1); /* of another event */
    put_attempt(1, 1);
    put_attempt(1, 1);
    put_outcome(1, 1, OUTCOME_RETRY, SPAN_LIT("database \"away\""), SPAN_LIT("\xff\n"));
    put_attempt(1, 2);
    put_attempt(1, 3);
    put_outcome(1, 3, OUTCOME_REJECT, SPAN_LIT("no such order"), SPAN_LIT("text\n"));
    put_outcome(1, 3, OUTCOME_REJECT, SPAN_LIT("no such order"), SPAN_LIT("text\n"));
    write_letter(SPAN_LIT("order/paid"), NULL, 0);
    ck_assert_span_eq(get("/event_id"), "\"evt\"");
    ck_assert_span_eq(get("/source"), "\"shop\"");
    ck_assert_span_eq(get("/type"), "\"order/paid\"");
    ck_assert_span_eq(get("/version"), "null");
    ck_assert_span_eq(get("/received"), "\"2025-11-25T12:00:00.000Z\"");
    ck_assert_span_eq(get("/function"), "\"pay\\\"er\"");
    ck_assert_span_eq(get("/state"), "\"dead\"");
    ck_assert_span_eq(get("/why"), "\"no such order\"");
    ck_assert_span_eq(get("/attempts/0/attempt"), "1");
    ck_assert_span_eq(get("/attempts/0/started"), "\"2025-11-25T12:00:01.000Z\"");
    ck_assert_span_eq(get("/attempts/0/ended"), "\"2025-11-25T12:00:02.000Z\"");
    ck_assert_span_eq(get("/attempts/0/outcome"), "\"RETRY\"");
    ck_assert_span_eq(get("/attempts/0/why"), "\"database \\\"away\\\"\"");
    ck_assert_span_eq(get("/attempts/0/output_base64"), "\"/wo=\"");
    ck_assert_span_eq(get("/attempts/0/ms"), "7");
    ck_assert_span_eq(get("/attempts/1/outcome"), "null");
    ck_assert_span_eq(get("/attempts/2/attempt"), "3");
    ck_assert_span_eq(get("/attempts/2/output"), "\"text\\n\"");
    ck_assert_ptr_null(get("/attempts/3").p);
    ck_assert_span_eq(get("/headers/0/1"), "\"b\"");
    ck_assert_span_eq(get("/body"), "\"{\\\"a\\\": \\\"\\\\u0041\\\"}\"");
    ck_assert_ptr_null(get("/dedupe").p);
    ck_assert_ptr_null(get("/crc").p);
    ck_assert_ptr_null(memmem(letter.p, letter.n, LINE_TOKEN, sizeof LINE_TOKEN - 1));
    end();
}
END_TEST

START_TEST(lines_that_are_given_are_used)
{
    begin(SPAN_LIT("t"), SPAN_LIT("\xff"));
    put_attempt(1, 1);
    size_t from = b.n;
    put_outcome(1, 2, OUTCOME_CRASH, SPAN_LIT("signal 11"), SPAN_NONE);
    struct span line = span_of(strndup(b.p + from, b.n - from - 1), b.n - from - 1);
    write_letter(SPAN_LIT("t"), &line, 1);
    ck_assert_span_eq(get("/attempts/0/attempt"), "2");
    ck_assert_span_eq(get("/attempts/0/started"), "null");
    ck_assert_ptr_null(get("/attempts/1").p);
    ck_assert_span_eq(get("/body_base64"), "\"/w==\"");
    buf_fini(&letter);
    write_letter(SPAN_LIT("t"), &line, 0);
    ck_assert_span_eq(get("/attempts"), "[]");
    ck_assert_span_eq(get("/why"), "null");
    free((void *)(uintptr_t)line.p);
    end();
}
END_TEST

START_TEST(a_dropped_and_carried_event_says_so)
{
    begin(SPAN_LIT("t"), SPAN_LIT("x"));
    const struct line_function f = {
        .name = SPAN_LIT("pay\"er"), .state = STATE_DEAD, .attempts = 4, .why = SPAN_LIT("long ago")};
    struct span event = span_of(b.p + event_at.offset, b.n - event_at.offset - 1);
    struct buf carry;
    buf_init(&carry, 1 << 16);
    line_put_carry(&carry, 1, event, &f, 1, true);
    event_at.offset = (uint32_t)b.n;
    buf_put_span(&b, buf_span(&carry));
    seal_from(event_at.offset);
    write_letter(SPAN_LIT("t"), NULL, 0);
    ck_assert_span_eq(get("/why"), "\"long ago\"");
    ck_assert_span_eq(get("/body"), "\"x\"");
    buf_fini(&letter);
    size_t from = b.n;
    struct id id = small_id(1);
    line_put_action(&b, "drop", &id, SPAN_NONE, 1, "uid:7", -1);
    seal_from(from);
    write_letter(SPAN_LIT("t"), NULL, 0);
    ck_assert_span_eq(get("/why"), "\"dropped\"");
    ck_assert_span_eq(get("/dropped_by"), "\"uid:7\"");
    buf_fini(&carry);
    end();
}
END_TEST

START_TEST(names_stay_within_what_a_file_system_takes)
{
    struct buf path, other;
    char type[TYPE_BYTES], function[FUNCTION_NAME_BYTES];
    memset(type, '/', sizeof type);
    memset(function, '/', sizeof function);
    struct span p = path_of(&path, span_of(type, sizeof type), span_of(function, sizeof function));
    size_t component = 0;
    for (size_t i = 0; i <= p.n; i++) {
        component = i == p.n || p.p[i] == '/' ? 0 : component + 1;
        ck_assert_uint_le(component, 240);
    }
    ck_assert(span_starts(p, SPAN_LIT("dead/shop/%2F%2F")));
    ck_assert_ptr_nonnull(strchr(path.p, '~'));
    function[100] = 'x';
    (void)path_of(&other, span_of(type, sizeof type), span_of(function, sizeof function));
    ck_assert_str_ne(path.p, other.p);
    buf_fini(&path);
    buf_fini(&other);
    struct span dots = path_of(&path, SPAN_LIT(".."), SPAN_LIT("../../x"));
    ck_assert_span_eq(dots, "dead/shop/%2E./01JC0000000000000000000001.%2E.%2F..%2Fx.json");
    buf_fini(&path);
    ck_assert_ptr_null(strstr(path_of(&path, SPAN_LIT(""), SPAN_LIT("f")).p, "//"));
    buf_fini(&path);
}
END_TEST

START_TEST(a_long_name_can_be_written_and_goes)
{
    char type[TYPE_BYTES];
    struct why w = {{0}};
    struct id id = small_id(1);
    memset(type, '/', sizeof type);
    begin(span_of(type, sizeof type), SPAN_LIT("x"));
    write_letter(span_of(type, sizeof type), NULL, 0);
    for (int twice = 0; twice < 2; twice++)
        ck_assert_int_eq(dead_remove(d.fd, SPAN_LIT("shop"), span_of(type, sizeof type), &id, SPAN_LIT("pay\"er"), &w),
                         ERR_OK);
    ck_assert_int_ne(faccessat(d.fd, "dead/shop", F_OK, 0), 0);
    ck_assert_int_eq(faccessat(d.fd, "dead", F_OK, 0), 0);
    end();
}
END_TEST

START_TEST(an_event_that_cannot_be_read_gives_no_letter)
{
    begin(SPAN_LIT("t"), SPAN_LIT("x"));
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r;
    struct why w = {{0}};
    struct entry e = {.id = small_id(2), .at = event_at};
    ck_assert_int_eq(reader_open(d.fd, (struct pos){0, 0}, NULL, NULL, &r, &w), ERR_OK);
    ck_assert_int_eq(dead_write(d.fd, r, &e, SPAN_LIT("f"), NULL, 0, &w), ERR_CORRUPT);
    e.at = (struct pos){1, 3};
    ck_assert_int_eq(dead_write(d.fd, r, &e, SPAN_LIT("f"), NULL, 0, &w), ERR_CORRUPT);
    e.at = (struct pos){9, 3};
    ck_assert_int_eq(dead_write(d.fd, r, &e, SPAN_LIT("f"), NULL, 0, &w), ERR_NOT_FOUND);
    ck_assert_int_ne(faccessat(d.fd, "dead/shop", F_OK, 0), 0);
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dead");
    TCase *t = tcase_create("dead");
    tcase_add_test(t, a_letter_tells_the_whole_story);
    tcase_add_test(t, lines_that_are_given_are_used);
    tcase_add_test(t, a_dropped_and_carried_event_says_so);
    tcase_add_test(t, names_stay_within_what_a_file_system_takes);
    tcase_add_test(t, a_long_name_can_be_written_and_goes);
    tcase_add_test(t, an_event_that_cannot_be_read_gives_no_letter);
    suite_add_tcase(s, t);
    return suite_run(s);
}
