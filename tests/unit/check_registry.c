/* SPDX-License-Identifier: MIT
 * check_registry: the functions folder as people treat it: links, slow copies, bad files, sidecars, in a real dispatch.
 */
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

static struct rig r;

static void set_up(void)
{
    rig_init(&r, "");
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

static const char *in_folder(const char *file)
{
    static char path[2 * RIG_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", r.functions, file);
    return path;
}

static bool status_has(const char *text)
{
    return strstr(rig_ask(&r, "{\"op\":\"status\"}"), text) != NULL;
}

START_TEST(a_link_is_a_second_instance)
{
    rig_drop(&r, "behave", "first", "{\"types\":\"one.*\"}");
    rig_sidecar(&r, "second", "{\"types\":\"two.*\",\"config\":{\"x\":1}}");
    ck_assert_int_eq(symlink("first.so", in_folder("second.so")), 0);
    struct id one = rig_event(&r, "one.a", "ok", "{}"), two = rig_event(&r, "two.a", "ok", "{}");
    rig_until(&r, rig_state(&r, &one) == STATE_DONE && rig_state(&r, &two) == STATE_DONE);
    const struct invocation *i = rig_invocation(&r, &two);
    ck_assert_span_eq(ledger_name(r.ledger, i->function), "second");
}
END_TEST

START_TEST(a_slow_copy_is_judged_when_it_is_whole)
{
    struct buf b;
    struct why w;
    buf_init(&b, 64 << 20);
    ck_assert_int_eq(fs_read(AT_FDCWD, "tests/functions/behave.so", &b, &w), ERR_OK);
    int fd = open(in_folder("behave.so"), O_WRONLY | O_CREAT, 0755);
    ck_assert_int_eq(write(fd, b.p, b.n / 2), (ssize_t)(b.n / 2));
    int64_t until = clock_mono_ms() + 400; /* longer than a file must be quiet */
    while (clock_mono_ms() < until)
        rig_pump(&r);
    ck_assert(!rig_logged(&r, "refused"));
    ck_assert_int_eq(write(fd, b.p + b.n / 2, b.n - b.n / 2), (ssize_t)(b.n - b.n / 2));
    close(fd);
    buf_fini(&b);
    rig_until(&r, rig_logged(&r, "function live"));
    ck_assert(!rig_logged(&r, "refused"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(a_bad_sidecar_is_named_once_and_mended)
{
    rig_drop(&r, "behave", "behave", "{\"timout\":\"5s\"}");
    rig_until(&r, rig_logged(&r, "behave.json: /timout: unknown member, did you mean \\\"timeout\\\"?"));
    ck_assert(status_has("\"state\":\"broken\""));
    ck_assert(status_has("did you mean"));
    /* it claims its name while it is broken */
    rig_drop(&r, "behave", "order.late", "{\"types\":7}");
    struct id id = rig_event(&r, "order.late", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    rig_sidecar(&r, "order.late", "{\"timeout\":\"5s\"}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_refused)
{
    static const char *const bad[] = {"foreign-OTHER_ABI", "foreign-NEWER", "foreign-SMALL", "foreign-NONE", "constructor-CRASH"};
    char name[32], state[128];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(name, sizeof name, "bad%zu", i);
        rig_drop(&r, bad[i], name, NULL);
    }
    int fd = open(in_folder("empty.so"), O_WRONLY | O_CREAT, 0755);
    close(fd);
    ck_assert_int_eq(mkdir(in_folder("folder.so"), 0755), 0);
    ck_assert_int_eq(mkfifo(in_folder("fifo.so"), 0644), 0);
    ck_assert_int_eq(symlink("/nowhere", in_folder("dangling.so")), 0);
    rig_drop(&r, "behave", "good", "{\"types\":\"order.*\"}");
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(state, sizeof state, "{\"name\":\"bad%zu\",\"state\":\"broken\"", i);
        rig_until(&r, status_has(state));
    }
    rig_until(&r, status_has("{\"name\":\"empty\",\"state\":\"broken\""));
    rig_until(&r, status_has("{\"name\":\"folder\",\"state\":\"broken\""));
    rig_until(&r, status_has("{\"name\":\"fifo\",\"state\":\"broken\""));
    rig_until(&r, status_has("{\"name\":\"dangling\",\"state\":\"broken\""));
    ck_assert(status_has("fifo.so: not a regular file"));
    ck_assert(status_has("dangling.so is a link that leads nowhere"));
    id = rig_event(&r, "dangling", "ok", "{}");
    rig_until(&r, rig_invocation(&r, &id)); /* it waits for the function, it is not ignored */
    ck_assert_int_eq(rmdir(in_folder("folder.so")), 0);
}
END_TEST

/* Without it the function would run with settings that nobody wanted. */
START_TEST(a_sidecar_that_leads_nowhere_is_not_passed_over)
{
    ck_assert_int_eq(symlink("later", in_folder("behave.json")), 0);
    rig_drop(&r, "behave", "behave", NULL);
    rig_until(&r, status_has("behave.json is a link that leads nowhere"));
    rig_sidecar(&r, "elsewhere", "{\"types\":\"order.*\"}");
    char from[2 * RIG_PATH_BYTES];
    snprintf(from, sizeof from, "%s", in_folder("elsewhere.json"));
    ck_assert_int_eq(rename(from, in_folder("later")), 0);
    rig_until(&r, status_has("{\"name\":\"behave\",\"state\":\"live\""));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(an_init_that_fails_is_the_functions_fault)
{
    rig_drop(&r, "behave", "behave", "{\"config\":{\"init\":\"fail\"}}");
    rig_until(&r, status_has("\"state\":\"broken\""));
    ck_assert(status_has("the database is away"));
    rig_sidecar(&r, "behave", "{\"types\":\"order.*\"}");
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 1);
}
END_TEST

START_TEST(a_folder_may_be_replaced)
{
    char kept[2 * RIG_PATH_BYTES];
    rig_drop(&r, "behave", "behave", NULL);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    snprintf(kept, sizeof kept, "%s.kept", r.functions);
    ck_assert_int_eq(rename(r.functions, kept), 0);
    id = rig_event(&r, "order.paid", "ok", "{}"); /* nobody has removed a function */
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_int_eq(mkdir(r.functions, 0755), 0);
    rig_drop(&r, "behave", "other", "{\"types\":\"other.*\"}");
    id = rig_event(&r, "other.one", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE || rig_state(&r, &id) == STATE_IGNORED);
    rig_until(&r, rig_logged(&r, "function removed")); /* behave is not in the new one */
    id = rig_event(&r, "other.two", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(a_hanging_constructor_hurts_nobody_else)
{
    rig_drop(&r, "constructor-HANG", "hang", NULL);
    rig_drop(&r, "behave", "behave", NULL);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(status_has("{\"name\":\"hang\",\"state\":\"describing\""));
    ck_assert_int_eq(unlink(in_folder("hang.so")), 0);
    rig_until(&r, !status_has("\"hang\"") || status_has("{\"name\":\"hang\",\"state\":\"gone\""));
}
END_TEST

START_TEST(a_live_file_may_be_overwritten_in_place)
{
    rig_drop(&r, "slow", "work", "{\"types\":\"order.*\",\"config\":{\"ms\":300}}");
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_RUNNING);
    int fd = open(in_folder("work.so"), O_WRONLY);
    ck_assert_int_eq(ftruncate(fd, 100), 0); /* what maps the file itself would crash now */
    close(fd);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 1);
    rig_until(&r, rig_logged(&r, "the one before stays"));
    id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(what_a_manifest_claimed_is_remembered_when_the_file_breaks)
{
    rig_drop(&r, "behave", "behave", NULL); /* order.* by its manifest */
    struct id first = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &first) == STATE_DONE);
    rig_kill(&r);
    rig_drop(&r, "foreign-NONE", "behave", NULL);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    rig_drop(&r, "behave", "behave", NULL);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(what_never_worked_vanishes_with_its_file)
{
    rig_drop(&r, "foreign-NONE", "never", NULL);
    rig_drop(&r, "foreign-NONE", "asked", NULL);
    rig_drop(&r, "behave", "once", NULL);
    rig_until(&r, status_has("{\"name\":\"never\",\"state\":\"broken\"") && rig_logged(&r, "function live"));
    (void)rig_event(&r, "asked", "ok", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    ck_assert_int_eq(unlink(in_folder("never.so")) | unlink(in_folder("asked.so")) | unlink(in_folder("once.so")), 0);
    rig_until(&r, status_has("{\"name\":\"never\",\"state\":\"missing\"")); /* it may just be being replaced */
    rig_until(&r, !status_has("\"never\""));
    ck_assert(status_has("{\"name\":\"asked\",\"state\":\"missing\"")); /* an event waits for it */
    ck_assert(status_has("{\"name\":\"once\",\"state\":\"missing\""));
    struct id id = rig_event(&r, "never", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_IGNORED);
}
END_TEST

START_TEST(what_never_worked_is_known_after_a_restart)
{
    rig_drop(&r, "foreign-NONE", "never", NULL);
    rig_drop(&r, "behave", "once", NULL);
    rig_until(&r, status_has("{\"name\":\"never\",\"state\":\"broken\"") && rig_logged(&r, "function live"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    rig_kill(&r);
    ck_assert_int_eq(unlink(in_folder("never.so")) | unlink(in_folder("once.so")), 0);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
    rig_until(&r, !status_has("\"never\""));
    ck_assert(status_has("{\"name\":\"once\",\"state\":\"missing\""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("registry");
    TCase *t = tcase_create("registry");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_link_is_a_second_instance);
    tcase_add_test(t, a_slow_copy_is_judged_when_it_is_whole);
    tcase_add_test(t, a_bad_sidecar_is_named_once_and_mended);
    tcase_add_test(t, what_cannot_be_loaded_is_refused);
    tcase_add_test(t, a_sidecar_that_leads_nowhere_is_not_passed_over);
    tcase_add_test(t, an_init_that_fails_is_the_functions_fault);
    tcase_add_test(t, a_folder_may_be_replaced);
    tcase_add_test(t, a_hanging_constructor_hurts_nobody_else);
    tcase_add_test(t, a_live_file_may_be_overwritten_in_place);
    tcase_add_test(t, what_a_manifest_claimed_is_remembered_when_the_file_breaks);
    tcase_add_test(t, what_never_worked_vanishes_with_its_file);
    tcase_add_test(t, what_never_worked_is_known_after_a_restart);
    suite_add_tcase(s, t);
    return suite_run(s);
}
