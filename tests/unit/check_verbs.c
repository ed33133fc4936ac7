/* SPDX-License-Identifier: MIT
 * check_verbs: creel's verbs that look at events and change what becomes of them, as programs, against a real dispatch.
 */
#include "rig.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"

static struct rig r;
static int status;

static void set_up(void)
{
    rig_init(&r, "");
    rig_drop(&r, "behave", "behave", NULL);
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

static const char *text_of(const struct id *id)
{
    static char texts[4][ID_TEXT_BYTES + 1];
    static int next;
    char *text = texts[next++ % 4];
    id_format(id, text);
    return text;
}

__attribute__((format(printf, 1, 2))) static const char *creel(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    return rig_creel(&r, line, &status);
}

/* Each line of an answer is one JSON object; how many, and the n-th (from 0). */
static size_t objects(const char *out, size_t n, struct span *object)
{
    size_t count = 0;
    for (const char *end; (end = strchr(out, '\n')); out = end + 1) {
        struct json_error bad;
        struct span line = span_of(out, (size_t)(end - out));
        ck_assert_msg(json_check(line, JSON_LIMITS_DEFAULT, &bad) == ERR_OK, "%s: %.*s", bad.what, (int)line.n, line.p);
        if (count++ == n)
            *object = line;
    }
    return count;
}

static struct span member(struct span object, const char *pointer)
{
    struct span value = json_pointer(object, span_str(pointer));
    struct span text = json_plain_string(value);
    return text.p ? text : value;
}

START_TEST(list_is_complete_and_in_order)
{
    struct id done = rig_event(&r, "order.paid", "ok", "{}");
    struct id dead = rig_event(&r, "order.paid", "reject", "{}");
    struct id waiting = rig_event(&r, "order.settled", "retry", "{}");
    struct id ignored = rig_event(&r, "nobody", "ok", "{}");
    struct span o = SPAN_NONE;
    const char *out = creel("list --json");
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(objects(out, 0, &o), 4);
    ck_assert_span_eq(member(o, "/state"), "pending"); /* nothing runs yet */
    ck_assert_span_eq(member(o, "/id"), text_of(&done));
    rig_start(&r);
    rig_until(&r, rig_state(&r, &done) == STATE_DONE && rig_state(&r, &dead) == STATE_DEAD && rig_state(&r, &waiting) == STATE_WAITING &&
                      rig_state(&r, &ignored) == STATE_IGNORED);
    const struct {
        const struct id *id;
        const char *state, *why;
    } expect[] = {{&done, "done", "null"}, {&dead, "dead", "because 7"}, {&waiting, "waiting", "later"}, {&ignored, "ignored", NULL}};
    for (size_t i = 0; i < 4; i++) {
        out = creel("list --json");
        ck_assert_uint_eq(objects(out, i, &o), 4);
        ck_assert_span_eq(member(o, "/id"), text_of(expect[i].id));
        ck_assert_span_eq(member(o, "/state"), expect[i].state);
        ck_assert_span_eq(member(o, "/event_id"), "null");
        ck_assert_uint_eq(member(o, "/received").n, 24);
        if (!expect[i].why)
            continue;
        ck_assert_span_eq(member(o, "/functions/0/name"), "behave");
        ck_assert_span_eq(member(o, "/functions/0/state"), expect[i].state);
        ck_assert_span_eq(member(o, "/functions/0/attempts"), "1");
        ck_assert_span_eq(member(o, "/functions/0/why"), expect[i].why);
        ck_assert_int_eq(member(o, "/functions/0/due").n == 24, i == 2);
    }
    ck_assert_uint_eq(objects(creel("list --json --state %s", "dead"), 0, &o), 1);
    ck_assert_span_eq(member(o, "/id"), text_of(&dead));
    ck_assert_uint_eq(objects(creel("list --json --type '%s'", "order.*"), 0, &o), 3);
    ck_assert_uint_eq(objects(creel("list --json --function %s", "behave"), 0, &o), 3);
    ck_assert_uint_eq(objects(creel("list --json --source %s", "nowhere"), 0, &o), 0);
    ck_assert_uint_eq(objects(creel("list --json --since %s", "1h"), 0, &o), 4);
    ck_assert_uint_eq(objects(creel("list --json --since %s", "2099-01-01T00:00:00Z"), 0, &o), 0);
    (void)creel("list --state %s", "asleep");
    ck_assert_int_eq(status, EXIT_USAGE);
    (void)creel("list --rejected");
    ck_assert_int_eq(status, 0); /* nothing was */
    out = creel("list");
    ck_assert(status == 0 && strstr(out, text_of(&waiting)) && strstr(out, "waiting"));
}
END_TEST

START_TEST(list_of_what_was_refused)
{
    static const char lines[] =
        "{\"at\":\"2026-11-21T10:00:00.000Z\",\"request\":\"01A\",\"source\":null,\"type\":null,\"code\":\"no-such-source\",\"status\":404,"
        "\"detail\":\"no source has this path\"}\n"
        "half a line\n"
        "{\"at\":\"2026-11-21T11:00:00.000Z\",\"request\":\"01B\",\"source\":\"shop\",\"type\":\"order.paid\",\"code\":\"rate-limited\","
        "\"status\":429,\"detail\":\"slowly\"}\n";
    struct span o = SPAN_NONE;
    struct why w = {""};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/rejected", r.spool);
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, path, 0700, &w), ERR_OK);
    snprintf(path, sizeof path, "%s/rejected/rate-limited.000000000001.jsonl", r.spool);
    ck_assert_msg(fs_replace(AT_FDCWD, path, span_str(lines), 0600, &w) == ERR_OK, "%s", w.text);
    ck_assert_uint_eq(objects(creel("list --rejected --json"), 1, &o), 2);
    ck_assert_span_eq(member(o, "/request"), "01B");
    ck_assert_uint_eq(objects(creel("list --rejected --json --source %s", "shop"), 0, &o), 1);
    ck_assert_uint_eq(objects(creel("list --rejected --json --type '%s'", "order.*"), 0, &o), 1);
    ck_assert_uint_eq(objects(creel("list --rejected --json --since %s", "2026-11-21T10:30:00Z"), 0, &o), 1);
    const char *out = creel("list --rejected");
    ck_assert(status == 0 && strstr(out, "no-such-source") && strstr(out, "slowly"));
    (void)unlink(path);
}
END_TEST

START_TEST(held_is_seen_without_the_daemon)
{
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "function live"));
    rig_remove(&r, "behave");
    rig_until(&r, rig_logged(&r, "function removed"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1 && r.lines[KIND_ROUTED] == 1);
    ck_assert_int_eq(rig_stop(&r), 0);
    struct span o = SPAN_NONE;
    ck_assert_uint_eq(objects(creel("list --json"), 0, &o), 1);
    ck_assert_span_eq(member(o, "/state"), "held");
    ck_assert_span_eq(member(o, "/functions/0/why"), "its function is missing");
    const char *out = creel("status --json --spool %s", r.spool);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(objects(out, 0, &o), 1);
    ck_assert_span_eq(member(o, "/running"), "false");
    ck_assert_span_eq(member(o, "/events/held"), "1");
    (void)id;
}
END_TEST

START_TEST(show_gives_all_of_it)
{
    static const char body[] = "{\"text\":\"tab\\t and \xc3\xa9\"}\n";
    struct id id = rig_event(&r, "order.paid", "reject", body);
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    ck_assert_str_eq(creel("show %s --body", text_of(&id)), body);
    struct span o = SPAN_NONE;
    ck_assert_uint_eq(objects(creel("show --json %s", text_of(&id)), 0, &o), 1);
    ck_assert_span_eq(member(o, "/headers/Do"), "reject");
    ck_assert_span_eq(member(o, "/attempts/0/kind"), "attempt");
    ck_assert_span_eq(member(o, "/attempts/1/outcome"), "REJECT");
    ck_assert_span_eq(member(o, "/attempts/1/why"), "because 7");
    ck_assert(json_type_of(json_member(o, "body")) == JSON_STRING);
    const char *out = creel("show %s", text_of(&id));
    ck_assert(status == 0 && strstr(out, "because 7") && strstr(out, "order.paid"));
    id = rig_event(&r, "order.paid", "partial", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_ptr_nonnull(strstr(creel("show %s", text_of(&id)), "\n      | whole\n      | "));
    (void)creel("show %s", "00000000000000000000000000");
    ck_assert_int_eq(status, EXIT_REFUSED);
    (void)creel("show %s", "nonsense");
    ck_assert_int_eq(status, EXIT_REFUSED);
}
END_TEST

START_TEST(status_by_the_daemon)
{
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "dispatching"));
    struct span o = SPAN_NONE;
    ck_assert_uint_eq(objects(creel("status --json"), 0, &o), 1);
    ck_assert_span_eq(member(o, "/running"), "true");
    ck_assert_span_eq(member(o, "/dispatching"), "true");
    ck_assert_span_eq(member(o, "/functions/0/name"), "behave");
    ck_assert_span_eq(member(o, "/functions/0/state"), "live");
    const char *out = creel("status");
    ck_assert(status == 0 && strstr(out, "behave: live"));
}
END_TEST

START_TEST(replay_by_id_and_by_plan)
{
    struct id one = rig_event(&r, "order.paid", "reject", "{}"), two = rig_event(&r, "order.paid", "reject", "{}"),
              fine = rig_event(&r, "order.paid", "ok", "{}");
    rig_start(&r);
    rig_until(&r, rig_state(&r, &one) == STATE_DEAD && rig_state(&r, &two) == STATE_DEAD && rig_state(&r, &fine) == STATE_DONE);
    (void)creel("replay %s", text_of(&one));
    ck_assert_int_eq(status, 0);
    rig_until(&r, rig_invocation(&r, &one)->attempts == 2 && rig_state(&r, &one) == STATE_DEAD);
    (void)creel("replay %s", text_of(&fine));
    ck_assert_int_eq(status, 0);
    rig_until(&r, rig_invocation(&r, &fine)->attempts == 2 && rig_state(&r, &fine) == STATE_DONE);
    /* a filter alone changes nothing */
    const char *out = creel("replay --dead");
    ck_assert_int_eq(status, EXIT_REFUSED);
    ck_assert(strstr(out, text_of(&one)) && strstr(out, text_of(&two)) && !strstr(out, text_of(&fine)));
    const char *hash = strstr(out, "--apply ");
    ck_assert_ptr_nonnull(hash);
    char apply[64];
    snprintf(apply, sizeof apply, "replay --dead --apply %.16s", hash + 8);
    ck_assert_uint_eq(rig_invocation(&r, &two)->attempts, 1);
    (void)creel("replay --dead --apply %s", "0000000000000000");
    ck_assert_int_eq(status, EXIT_REFUSED);
    (void)creel("%s", apply);
    ck_assert_int_eq(status, 0);
    rig_until(&r, rig_invocation(&r, &one)->attempts == 3 && rig_invocation(&r, &two)->attempts == 2);
    rig_until(&r, rig_state(&r, &one) == STATE_DEAD && rig_state(&r, &two) == STATE_DEAD);
    (void)creel("%s", apply); /* that plan is over */
    ck_assert_int_eq(status, EXIT_REFUSED);
    (void)creel("replay");
    ck_assert_int_eq(status, EXIT_USAGE);
}
END_TEST

START_TEST(drop_hold_resume_forget)
{
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "function live") && rig_logged(&r, "dispatching"));
    (void)creel("hold %s", "behave");
    ck_assert_int_eq(status, 0);
    struct id one = rig_event(&r, "order.paid", "ok", "{}"), two = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 2 && r.lines[KIND_ROUTED] == 2);
    struct span o = SPAN_NONE;
    ck_assert_uint_eq(objects(creel("list --json --state %s", "held"), 0, &o), 2);
    (void)creel("drop %s", text_of(&one));
    ck_assert_int_eq(status, 0);
    rig_until(&r, rig_state(&r, &one) == STATE_DEAD);
    ck_assert_uint_eq(objects(creel("list --json --state %s", "dead"), 0, &o), 1);
    ck_assert_span_eq(member(o, "/functions/0/why"), "dropped");
    (void)creel("drop %s", text_of(&one));
    ck_assert_int_eq(status, EXIT_REFUSED);
    (void)creel("forget %s", "behave");
    ck_assert_int_eq(status, EXIT_REFUSED);
    (void)creel("resume %s", "behave");
    ck_assert_int_eq(status, 0);
    rig_until(&r, rig_state(&r, &two) == STATE_DONE);
    rig_remove(&r, "behave");
    rig_until(&r, rig_logged(&r, "function removed"));
    (void)creel("forget %s", "behave");
    ck_assert_int_eq(status, 0);
    struct id three = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &three) == STATE_IGNORED);
}
END_TEST

START_TEST(fsck_says_what_it_read)
{
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    const char *out = creel("fsck --spool %s", r.spool);
    ck_assert_msg(status == 0 && strstr(out, "events 1"), "%s", out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("verbs");
    TCase *t = tcase_create("verbs");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, list_is_complete_and_in_order);
    tcase_add_test(t, list_of_what_was_refused);
    tcase_add_test(t, held_is_seen_without_the_daemon);
    tcase_add_test(t, show_gives_all_of_it);
    tcase_add_test(t, status_by_the_daemon);
    tcase_add_test(t, replay_by_id_and_by_plan);
    tcase_add_test(t, drop_hold_resume_forget);
    tcase_add_test(t, fsck_says_what_it_read);
    suite_add_tcase(s, t);
    return suite_run(s);
}
