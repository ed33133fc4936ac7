/* SPDX-License-Identifier: MIT
 * check_fetched: events of our own: who runs them, what is kept of what they bring, and for how long. The function is one of the
 * tests', in the place of the installed one; the real one asks a real server in tests/system/fetch.py.
 */
#include "config.h"
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "spool/fetched.h"

#define URL "https://sns.us-west-2.amazonaws.com/a.pem"
#define KEYS "{\"url\":\"" URL "\",\"purpose\":\"keys\",\"format\":\"x509-pem\",\"hosts\":[],\"n\":40}"
#define CONFIRM "{\"url\":\"" URL "\",\"purpose\":\"confirm\",\"format\":null,\"hosts\":[],\"n\":40}"

static struct rig r;

static void set_up(void)
{
    rig_init(&r, "");
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

static void install(void)
{
    rig_drop(&r, "behave", "../stock/creel.fetch", NULL);
}

static bool story_has(const char *text)
{
    return r.story.n && memmem(r.story.p, r.story.n, text, strlen(text)) != NULL;
}

static void path_of(const char *url, char *out, size_t n)
{
    struct buf b;
    buf_init(&b, n);
    fetched_path(&b, SPAN_LIT("shop"), span_str(url));
    ck_assert(!b.failed && b.p[b.n - 1] == 0);
    snprintf(out, n, "%s", b.p);
    buf_fini(&b);
}

static bool kept(void)
{
    char path[256];
    path_of(URL, path, sizeof path);
    return rig_has(&r, path);
}

/* ---- the texts ---- */

START_TEST(what_is_put_is_got)
{
    const char *const hosts[] = {"sns.*.amazonaws.com", "a\"b"};
    for (int p = 0; p < FETCH_PURPOSES; p++) {
        struct fetch f = {SPAN_LIT("https://h/\"\\\xc3\xa4"), (enum fetch_purpose)p, p ? "jwks" : NULL, hosts, 2};
        struct buf text, room;
        struct span url;
        enum fetch_purpose purpose;
        buf_init(&text, 4096);
        buf_init(&room, 4096);
        fetch_put(&text, &f);
        ck_assert(!text.failed && fetch_get(buf_span(&text), &room, &url, &purpose) == ERR_OK);
        ck_assert(span_eq(url, f.url) && purpose == f.purpose);
        ck_assert_span_eq(json_pointer(buf_span(&text), SPAN_LIT("/hosts/0")), "\"sns.*.amazonaws.com\"");
        buf_fini(&text);
        buf_fini(&room);
    }
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
    const char *const texts[] = {"", "[]", "{}", "{\"url\":\"x\"}", "{\"purpose\":\"keys\"}", "{\"url\":\"\",\"purpose\":\"keys\"}",
                                 "{\"url\":1,\"purpose\":\"keys\"}", "{\"url\":\"x\",\"purpose\":\"other\"}", "{\"url\":\"x\",\"purpose\":\"keys\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf room;
        struct span url;
        enum fetch_purpose purpose;
        buf_init(&room, 4096);
        ck_assert_msg(fetch_get(span_str(texts[i]), &room, &url, &purpose) == ERR_INVALID, "%s", texts[i]);
        buf_fini(&room);
    }
}
END_TEST

START_TEST(the_oldest_files_go)
{
    struct why w;
    char path[256], url[64], first[256];
    for (int i = 0; i < FETCHED_FILES + 3; i++) {
        snprintf(url, sizeof url, "https://h/%d", i);
        ck_assert_msg(fetched_write(r.spool_fd, SPAN_LIT("shop"), span_str(url), SPAN_LIT("x"), &w) == ERR_OK, "%s", w.text);
        path_of(url, path, sizeof path);
        const struct timespec times[2] = {{0, UTIME_OMIT}, {1000000 + i, 0}};
        ck_assert_int_eq(utimensat(r.spool_fd, path, times, 0), 0);
        snprintf(first, sizeof first, "%.*s/.left.tmp", (int)(strrchr(path, '/') - path), path);
        close(openat(r.spool_fd, first, O_CREAT | O_WRONLY, 0600));
    }
    /* The last one had the time of now when the others were counted, so each round took the oldest of those before. */
    for (int i = 0; i < FETCHED_FILES + 3; i++) {
        snprintf(url, sizeof url, "https://h/%d", i);
        path_of(url, path, sizeof path);
        ck_assert_msg(rig_has(&r, path) == (i >= 3), "%d", i);
    }
    ck_assert(fetched_write(r.spool_fd, SPAN_LIT("shop"), SPAN_LIT("https://h/2"), SPAN_LIT("x"), &w) == ERR_OK);
    snprintf(path, sizeof path, "%.*s", (int)(strrchr(first, '/') - first), first);
    ck_assert(!rig_has(&r, first) && rig_has(&r, path));
    rig_check_spool(&r);
}
END_TEST

/* What nobody of ours has put there is said. */
START_TEST(fsck_knows_its_files)
{
    struct why w;
    int status;
    const char *strangers[] = {FETCHED_FOLDER "/shop/a.pem", FETCHED_FOLDER "/stranger"};
    ck_assert(fetched_write(r.spool_fd, SPAN_LIT("shop"), SPAN_LIT(URL), SPAN_LIT("x"), &w) == ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        close(openat(r.spool_fd, strangers[i], O_CREAT | O_WRONLY, 0600));
        const char *said = rig_creel(&r, "fsck", &status);
        ck_assert(status == 1 && strstr(said, strangers[i]));
        unlinkat(r.spool_fd, strangers[i], 0);
    }
}
END_TEST

/* ---- who runs it ---- */

START_TEST(keys_are_kept_and_confirmations_are_not)
{
    char path[256];
    struct buf b;
    install();
    rig_start(&r);
    struct id id = rig_event(&r, FETCH_TYPE, "reply", CONFIRM);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(!kept());
    id = rig_event(&r, FETCH_TYPE, "reply", KEYS);
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(kept() && story_has("\"functions\":[\"creel.fetch\"]") && story_has("\"reply"));
    buf_init(&b, 4096);
    path_of(URL, path, sizeof path);
    ck_assert(fs_read(r.spool_fd, path, &b, NULL) == ERR_OK);
    ck_assert_uint_eq(b.n, 40);
    for (size_t i = 0; i < b.n; i++)
        ck_assert_int_eq((unsigned char)b.p[i], (unsigned char)(i * 7 + 40));
    buf_fini(&b);
}
END_TEST

/* Neither by its name nor by a pattern does a function of the folder get one; nor does creel.fetch get others, whatever its
 * manifest says. */
START_TEST(nobody_else_sees_them)
{
    install();
    rig_drop(&r, "crash", FETCH_TYPE, NULL);
    rig_drop(&r, "crash", "all", "{\"types\":[\"*\",\"creel.*\",\"creel.fetch\"],\"sources\":[\"shop\"]}");
    rig_drop(&r, "behave", "good", "{\"types\":[\"*\"],\"sources\":[\"shop\"]}");
    rig_start(&r);
    struct id fetch = rig_event(&r, FETCH_TYPE, "reply", KEYS), other = rig_event(&r, "creel.other", "ok", "{}");
    rig_until(&r, rig_state(&r, &fetch) == STATE_DONE);
    rig_until(&r, rig_state(&r, &other) == STATE_IGNORED);
    ck_assert(rig_logged(&r, "names that begin with creel. are the host's own"));
    struct id usual = rig_event(&r, "order.paid", "ok", "{}");
    rig_watch(&r, &usual);
    rig_until(&r, story_has("\"routed\""));
    ck_assert(story_has("\"functions\":[\"all\",\"good\"]") || story_has("\"functions\":[\"good\",\"all\"]"));
}
END_TEST

/* An unsigned source, too: a handshake may be all that it ever sends. */
START_TEST(of_any_source)
{
    install();
    rig_start(&r);
    struct id id = rig_put(&r, "public", FETCH_TYPE, "reply", CONFIRM, true);
    rig_commit(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(held_while_it_is_not_installed)
{
    rig_start(&r);
    struct id id = rig_event(&r, FETCH_TYPE, "reply", KEYS);
    rig_until(&r, r.shared->stats[STAT_held] == 1);
    ck_assert(rig_logged(&r, "the installed function creel.fetch is not there"));
    install();
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(kept());
}
END_TEST

/* ---- nothing is lost ---- */

START_TEST(killed_at_any_time)
{
    install();
    for (int round = 0; round < suite_rounds(12); round++) {
        char path[256];
        path_of(URL, path, sizeof path);
        (void)unlinkat(r.spool_fd, path, 0);
        struct id id = rig_event(&r, FETCH_TYPE, "reply", KEYS);
        rig_start(&r);
        int64_t until = clock_mono_ms() + round * 37;
        while (clock_mono_ms() < until)
            rig_pump(&r);
        rig_kill(&r);
        rig_start(&r);
        rig_until(&r, rig_state(&r, &id) == STATE_DONE);
        ck_assert_msg(kept(), "round %d", round);
        ck_assert_int_eq(rig_stop(&r), 0);
    }
}
END_TEST

/* What cannot be written is tried again, and is not called done before. */
START_TEST(no_room_for_it)
{
    install();
    int fd = openat(r.spool_fd, FETCHED_FOLDER, O_CREAT | O_WRONLY, 0600);
    close(fd);
    rig_start(&r);
    struct id id = rig_event(&r, FETCH_TYPE, "reply", KEYS);
    rig_watch(&r, &id);
    rig_until(&r, story_has("\"outcome\":\"RETRY\""));
    ck_assert(!story_has("\"reply_base64\":") && story_has("cannot create the folder"));
    ck_assert_int_eq(unlinkat(r.spool_fd, FETCHED_FOLDER, 0), 0);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert(kept());
}
END_TEST

START_TEST(nothing_brought)
{
    install();
    rig_start(&r);
    struct id id = rig_event(&r, FETCH_TYPE, "ok", KEYS);
    rig_watch(&r, &id);
    rig_until(&r, story_has("\"outcome\":\"RETRY\""));
    ck_assert(story_has("the function brought nothing"));
    id = rig_event(&r, FETCH_TYPE, "reply", "{\"n\":1}");
    rig_watch(&r, &id);
    rig_until(&r, story_has("the event does not say what to fetch"));
    ck_assert(!kept());
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fetched");
    TCase *t = tcase_create("fetched");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    const TTest *const tests[] = {what_is_put_is_got, what_is_no_request_is_refused, the_oldest_files_go, fsck_knows_its_files,
                                  keys_are_kept_and_confirmations_are_not, nobody_else_sees_them, of_any_source,
                                  held_while_it_is_not_installed, killed_at_any_time, no_room_for_it, nothing_brought};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
