/* SPDX-License-Identifier: MIT
 * check_dispatch: the whole role, from the journal to the journal, with real workers.
 */
#include "config.h"
#include "rig.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"

static struct rig r;

static void set_up(void)
{
    rig_init(&r, "");
}

static bool spoilt; /* by the test itself */

static void tear_down(void)
{
    if (!spoilt)
        rig_check_spool(&r);
    rig_fini(&r);
}

static uint32_t attempts(const struct id *id)
{
    const struct invocation *i = rig_invocation(&r, id);
    return i ? i->attempts : 0;
}

static bool story_has(const char *text)
{
    return r.story.n && memmem(r.story.p, r.story.n, text, strlen(text)) != NULL;
}

static void letter_path(char *out, size_t n, const struct id *id, const char *type, const char *function)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    snprintf(out, n, "dead/shop/%s/%.*s.%s.json", type, ID_TEXT_BYTES, text, function);
}

static void ask_about(char *out, size_t n, const char *op, const struct id *id)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    snprintf(out, n, "{\"op\":\"%s\",\"ids\":[\"%.*s\"]}", op, ID_TEXT_BYTES, text);
}

/* ---- outcomes ---- */

START_TEST(test_done)
{
    rig_drop(&r, "behave", "order.paid", NULL);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_watch(&r, &id);
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 1);
    ck_assert_uint_eq(r.lines[KIND_ROUTED], 1);
    ck_assert(story_has("\"functions\":[\"order.paid\"]"));
    /* while it runs, a new one */
    id = rig_event(&r, "order.settled", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    rig_until(&r, stat_get(STAT_done_total) == 0 && r.shared->stats[STAT_done_total] == 2);
    rig_until(&r, r.shared->stats[STAT_unfinished] == 0); /* a gauge: set when the turn ends */
    ck_assert_int_eq(rig_stop(&r), 0);
    ck_assert_uint_ge(r.lines[KIND_CHECKPOINT], 2);
}
END_TEST

START_TEST(test_ignored)
{
    rig_drop(&r, "behave", "behave", NULL);
    struct id nobody = rig_event(&r, "nobody.wants", "ok", "{}");
    struct id unsigned_one = rig_put(&r, "public", "order.paid", "ok", "{}", true);
    struct id other_source = rig_put(&r, "other", "order.paid", "ok", "{}", false);
    struct id named = rig_put(&r, "shop", "order.paid", "ok", "{}", true);
    rig_commit(&r);
    rig_start(&r);
    rig_until(&r, rig_state(&r, &nobody) == STATE_IGNORED);
    rig_until(&r, rig_state(&r, &unsigned_one) == STATE_IGNORED);
    rig_until(&r, rig_state(&r, &other_source) == STATE_IGNORED);
    rig_until(&r, rig_state(&r, &named) == STATE_DONE); /* unsigned, but the manifest names the source */
}
END_TEST

START_TEST(test_reject_leaves_a_dead_letter)
{
    char path[256];
    struct buf b;
    struct why w;
    struct json_error bad;
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "reject", "{\"n\":1}");
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    letter_path(path, sizeof path, &id, "order.paid", "behave");
    rig_until(&r, rig_has(&r, path));
    buf_init(&b, 1 << 20);
    ck_assert_msg(fs_read(r.spool_fd, path, &b, &w) == ERR_OK, "%s", w.text);
    ck_assert_int_eq(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
    ck_assert(memmem(b.p, b.n, "because 7", 9));
    ck_assert(memmem(b.p, b.n, "REJECT", 6));
    ck_assert(memmem(b.p, b.n, "attempt", 7));
    buf_fini(&b);
    /* replayed: the letter goes, and comes again */
    char ask[128];
    ask_about(ask, sizeof ask, "replay", &id);
    ck_assert(strstr(rig_ask(&r, ask), "\"refused\":[{")); /* it has left dispatch's mind; see test_replay */
}
END_TEST

START_TEST(test_lost_letters_are_written_again)
{
    char path[256], command[RIG_PATH_BYTES + 32];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "reject", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    letter_path(path, sizeof path, &id, "order.paid", "behave");
    rig_until(&r, rig_has(&r, path));
    ck_assert_int_eq(rig_stop(&r), 0); /* with a checkpoint behind all of it */
    snprintf(command, sizeof command, "rm -r '%s/dead'", r.spool);
    ck_assert_int_eq(system(command), 0);
    rig_start(&r);
    rig_until(&r, rig_has(&r, path));
    ck_assert_uint_eq(attempts(&id), 1);
}
END_TEST

START_TEST(test_retry_until_no_attempt_is_left)
{
    char path[256];
    rig_drop(&r, "behave", "behave", "{\"retry\":{\"base\":\"1ms\",\"attempts\":3}}");
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "unknown", "{}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    ck_assert_uint_eq(attempts(&id), 3);
    ck_assert(story_has("\"state\":\"waiting\""));
    ck_assert(story_has("no attempt is left"));
    letter_path(path, sizeof path, &id, "order.paid", "behave");
    rig_until(&r, rig_has(&r, path));
    struct buf b;
    struct why w;
    buf_init(&b, 1 << 20);
    ck_assert_int_eq(fs_read(r.spool_fd, path, &b, &w), ERR_OK);
    for (int i = 1; i <= 3; i++) { /* the whole story */
        char attempt[32];
        snprintf(attempt, sizeof attempt, "\"attempt\": %d", i);
        ck_assert_msg(memmem(b.p, b.n, attempt, strlen(attempt)), "%s is not in the letter", attempt);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(test_retry_after)
{
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "retry", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING);
    int64_t left = rig_invocation(&r, &id)->due_ms - clock_wall_ms();
    ck_assert(left > 20000 && left <= 30000);
    /* a restart keeps it waiting; a replay ends the waiting */
    ck_assert_int_eq(rig_stop(&r), 0);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
    char ask[128];
    ask_about(ask, sizeof ask, "replay", &id);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":1"));
    rig_until(&r, attempts(&id) == 2);
}
END_TEST

START_TEST(test_crash_and_timeout)
{
    rig_drop(&r, "behave", "behave", "{\"timeout\":\"150ms\",\"retry\":{\"attempts\":1}}");
    rig_start(&r);
    struct id crash = rig_event(&r, "order.paid", "segv", "{}");
    struct id hang = rig_event(&r, "order.paid", "hang", "{\"mark\":\"rig\"}");
    struct id fine = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &crash) == STATE_DEAD && rig_state(&r, &hang) == STATE_DEAD && rig_state(&r, &fine) == STATE_DONE);
    rig_until(&r, r.shared->stats[STAT_outcome_crash_total] == 1 && r.shared->stats[STAT_outcome_timeout_total] == 1);
}
END_TEST

START_TEST(test_output_is_relayed_and_kept)
{
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "partial", "{}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(story_has("without newline"));
    char text[ID_TEXT_BYTES + 1] = {0}, line[256];
    id_format(&id, text);
    snprintf(line, sizeof line, "event=%s function=behave attempt=1 text=whole", text);
    ck_assert_msg(rig_logged(&r, line), "%s", line);
}
END_TEST

/* ---- interruptions ---- */

START_TEST(test_killed_in_a_run)
{
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "hang", "{\"mark\":\"rig\"}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_RUNNING);
    rig_kill(&r);
    rig_drop(&r, "slow", "behave", "{\"types\":\"order.*\",\"config\":{\"ms\":0}}");
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 2);
    ck_assert(story_has("\"outcome\":\"LOST\""));
}
END_TEST

START_TEST(test_stop_cuts_off_and_says_so)
{
    rig_fini(&r);
    rig_init(&r, "");
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "hang", "{\"mark\":\"rig\"}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_RUNNING);
    ck_assert_int_eq(rig_stop(&r), 0);
    ck_assert(rig_state(&r, &id) == STATE_PENDING || rig_state(&r, &id) == STATE_HELD);
    ck_assert(story_has("the host stopped"));
}
END_TEST

START_TEST(test_stop_leaves_no_letter_unwritten)
{
    struct id id[20];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    for (int i = 0; i < 20; i++)
        id[i] = rig_put(&r, "shop", "order.paid", "reject", "{}", false);
    rig_commit(&r);
    rig_until(&r, rig_state(&r, &id[0]) == STATE_DEAD);
    rig_check_spool(&r);
    for (int i = 0; i < 20; i++) {
        char path[256];
        letter_path(path, sizeof path, &id[i], "order.paid", "behave");
        if (rig_has(&r, path) != (rig_state(&r, &id[i]) == STATE_DEAD))
            rig_fail(&r, path);
    }
}
END_TEST

START_TEST(test_unknown_safe_and_late_pen)
{
    uint64_t safe = r.shared->safe;
    rig_drop(&r, "behave", "behave", NULL);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    uint64_t later = r.shared->safe;
    r.shared->safe = 0;
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "function live"));
    ck_assert_uint_eq(r.lines[KIND_ATTEMPT], 0);
    (void)safe;
    r.shared->safe = later;
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

/* ---- functions that change ---- */

START_TEST(test_removed_is_held_and_comes_back)
{
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id first = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &first) == STATE_DONE);
    rig_remove(&r, "behave");
    rig_until(&r, rig_logged(&r, "function removed"));
    struct id second = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.lines[KIND_ROUTED] == 2);
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    /* also after a restart: what it claimed is remembered */
    rig_kill(&r);
    rig_start(&r);
    rig_until(&r, r.shared->stats[STAT_held] == 1 && r.shared->dispatching);
    struct id third = rig_event(&r, "order.settled", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 2);
    rig_drop(&r, "behave", "behave", NULL);
    rig_until(&r, rig_state(&r, &second) == STATE_DONE && rig_state(&r, &third) == STATE_DONE);
}
END_TEST

START_TEST(test_event_right_after_its_function)
{
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
    rig_drop(&r, "behave", "behave", NULL);
    struct id id = rig_event(&r, "order.paid", "ok", "{}"), other = rig_event(&r, "nobody.wants", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    rig_until(&r, rig_state(&r, &other) == STATE_IGNORED);
}
END_TEST

START_TEST(test_broken_file_changes_nothing)
{
    char path[2 * RIG_PATH_BYTES];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "function live"));
    snprintf(path, sizeof path, "%s/behave.so", r.functions);
    int fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, "not an object", 13), 13);
    close(fd);
    rig_until(&r, rig_logged(&r, "the one before stays"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"status\"}"), "\"state\":\"live\""));
}
END_TEST

START_TEST(test_broken_from_the_start_is_held)
{
    rig_drop(&r, "foreign-NONE", "order.paid", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    rig_drop(&r, "behave", "order.paid", NULL);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(test_replaced_while_running)
{
    rig_drop(&r, "slow", "work", "{\"types\":\"order.*\",\"config\":{\"ms\":300}}");
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_RUNNING);
    rig_drop(&r, "behave", "work", "{\"types\":\"order.*\"}");
    rig_until(&r, rig_logged(&r, "function replaced"));
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 1);
    id = rig_event(&r, "order.paid", "count", "{}"); /* only the new one knows that */
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
}
END_TEST

/* ---- people ---- */

/* Each line carries the hash of the one before. */
static size_t audit_lines(void)
{
    struct buf b;
    struct why w;
    size_t n = 0;
    char before[2 * crypto_hash_sha256_BYTES + 1];
    memset(before, '0', sizeof before - 1);
    before[sizeof before - 1] = 0;
    buf_init(&b, 1 << 20);
    ck_assert_int_eq(fs_read(r.spool_fd, "audit.jsonl", &b, &w), ERR_OK);
    for (struct span rest = buf_span(&b); rest.n;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        unsigned char hash[crypto_hash_sha256_BYTES];
        struct span line = span_of(rest.p, (size_t)(end - rest.p));
        ck_assert_span_eq(json_plain_string(json_member(line, "before")), before);
        crypto_hash_sha256(hash, (const unsigned char *)line.p, line.n);
        hex_encode(hash, sizeof hash, before);
        rest = span_skip(rest, line.n + 1);
        n++;
    }
    buf_fini(&b);
    return n;
}

START_TEST(test_hold_and_resume)
{
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && rig_logged(&r, "function live"));
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"hold\",\"function\":\"behave\"}"), "\"ok\":true"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    /* held across a crash */
    rig_kill(&r);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && r.shared->stats[STAT_held] == 1);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"resume\",\"function\":\"behave\"}"), "\"ok\":true"));
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(audit_lines(), 2);
    int fd = openat(r.spool_fd, "audit.jsonl", O_WRONLY | O_APPEND); /* torn by a crash */
    ck_assert_int_eq(write(fd, "{\"at\":", 6), 6);
    close(fd);
    (void)rig_ask(&r, "{\"op\":\"resume\",\"function\":\"behave\"}");
    ck_assert_uint_eq(audit_lines(), 3);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"hold\",\"function\":\"nobody\"}"), "not-found"));
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"dance\"}"), "unsupported"));
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "dance"), "malformed-request"));
}
END_TEST

START_TEST(test_drop)
{
    char ask[128], path[256];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "retry", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING && r.shared->stats[STAT_waiting] == 1);
    ask_about(ask, sizeof ask, "drop", &id);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":1"));
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    letter_path(path, sizeof path, &id, "order.paid", "behave");
    rig_until(&r, rig_has(&r, path));
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":0"));
    /* the trail tells the one from the other, and stays a chain */
    struct buf b;
    struct why w;
    buf_init(&b, 1 << 20);
    ck_assert_int_eq(fs_read(r.spool_fd, "audit.jsonl", &b, &w), ERR_OK);
    ck_assert(memmem(b.p, b.n, "\"action\":\"drop-refused\"", 23) && memmem(b.p, b.n, "\"why\":\"no unfinished event has this id\"", 39));
    buf_fini(&b);
    ck_assert_uint_eq(audit_lines(), 3);
}
END_TEST

/* What creel says of an event that has left dispatch's mind. */
static void replay(const struct id *id, char *ask, size_t n)
{
    char text[ID_TEXT_BYTES];
    const struct entry *e = ledger_find(r.ledger, id);
    id_format(id, text);
    int at = snprintf(ask, n, "{\"op\":\"replay\",\"events\":[{\"id\":\"%.*s\",\"at\":\"%u.%u\",\"functions\":[", ID_TEXT_BYTES, text,
                      e->at.segment, e->at.offset);
    for (uint16_t i = 0; i < e->n; i++) {
        struct span name = ledger_name(r.ledger, e->inv[i].function);
        at += snprintf(ask + at, n - (size_t)at, "%s{\"name\":\"%.*s\",\"state\":\"%s\",\"attempts\":%u}", i ? "," : "",
                       (int)name.n, name.p, state_name((enum state)e->inv[i].state), e->inv[i].attempts);
    }
    snprintf(ask + at, n - (size_t)at, "]}]}");
}

START_TEST(test_replay)
{
    char ask[512], path[256];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "reject", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    letter_path(path, sizeof path, &id, "order.paid", "behave");
    rig_until(&r, rig_has(&r, path));
    rig_drop(&r, "slow", "behave", "{\"types\":\"order.*\",\"config\":{\"ms\":0}}");
    rig_until(&r, rig_logged(&r, "function replaced"));
    replay(&id, ask, sizeof ask);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":1"));
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 2);
    rig_until(&r, !rig_has(&r, path));
    /* done, and again; killed before it can run: the replay is not lost */
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"hold\",\"function\":\"behave\"}"), "\"ok\":true"));
    replay(&id, ask, sizeof ask);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":1"));
    rig_until(&r, rig_state(&r, &id) == STATE_PENDING);
    rig_kill(&r);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && r.shared->stats[STAT_held] == 1);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, "{\"op\":\"resume\",\"function\":\"behave\"}"), "\"ok\":true"));
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 3);
}
END_TEST

START_TEST(test_replay_of_an_ignored_event)
{
    char ask[512];
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_IGNORED);
    rig_drop(&r, "behave", "behave", NULL);
    rig_until(&r, rig_logged(&r, "function live"));
    replay(&id, ask, sizeof ask);
    ck_assert_ptr_nonnull(strstr(rig_ask(&r, ask), "\"done\":1"));
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(test_event_that_cannot_be_read_any_more)
{
    char path[2 * RIG_PATH_BYTES];
    rig_drop(&r, "behave", "behave", NULL);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && rig_logged(&r, "function live"));
    (void)rig_ask(&r, "{\"op\":\"hold\",\"function\":\"behave\"}");
    struct id id = rig_event(&r, "order.paid", "ok", "{\"spoil\":\"this\"}");
    rig_watch(&r, &id);
    rig_until(&r, r.shared->stats[STAT_held] == 1 && ledger_find(r.ledger, &id));
    snprintf(path, sizeof path, "%s/journal/000000000001.jsonl", r.spool);
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "#", 1, ledger_find(r.ledger, &id)->at.offset + 100), 1);
    close(fd);
    (void)rig_ask(&r, "{\"op\":\"resume\",\"function\":\"behave\"}");
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    ck_assert(story_has("cannot be read from the journal"));
    spoilt = true;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dispatch");
    TCase *t = tcase_create("dispatch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_done);
    tcase_add_test(t, test_ignored);
    tcase_add_test(t, test_reject_leaves_a_dead_letter);
    tcase_add_test(t, test_lost_letters_are_written_again);
    tcase_add_test(t, test_retry_until_no_attempt_is_left);
    tcase_add_test(t, test_retry_after);
    tcase_add_test(t, test_crash_and_timeout);
    tcase_add_test(t, test_output_is_relayed_and_kept);
    tcase_add_test(t, test_killed_in_a_run);
    tcase_add_test(t, test_stop_cuts_off_and_says_so);
    tcase_add_test(t, test_stop_leaves_no_letter_unwritten);
    tcase_add_test(t, test_unknown_safe_and_late_pen);
    tcase_add_test(t, test_removed_is_held_and_comes_back);
    tcase_add_test(t, test_event_right_after_its_function);
    tcase_add_test(t, test_broken_file_changes_nothing);
    tcase_add_test(t, test_broken_from_the_start_is_held);
    tcase_add_test(t, test_replaced_while_running);
    tcase_add_test(t, test_hold_and_resume);
    tcase_add_test(t, test_drop);
    tcase_add_test(t, test_replay);
    tcase_add_test(t, test_replay_of_an_ignored_event);
    tcase_add_test(t, test_event_that_cannot_be_read_any_more);
    suite_add_tcase(s, t);
    return suite_run(s);
}
