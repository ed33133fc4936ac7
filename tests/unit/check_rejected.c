/* SPDX-License-Identifier: MIT
 * check_rejected: what is kept of refused requests: lines come back as they were, files stay within their limits, noise pushes out
 * nothing but its own kind, a full disk costs lines and nothing else, and no name from outside opens another file.
 */
#include "intake/rejected.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "spool_dir.h"

static const int64_t noon = INT64_C(1795262400000);
static struct spool_dir dir;
static struct rejected *store;
static struct rejected_limits limits;

static void reopen(void)
{
    struct why w = {""};
    rejected_close(store);
    ck_assert_int_eq(rejected_open(dir.fd, &limits, &store, &w), ERR_OK);
}

static void set_up(void)
{
    dir = spool_dir_make();
    limits = (struct rejected_limits){.bytes = 65536, .count = 80, .age_ms = 8000000, .rate = 2};
    reopen();
}

static void tear_down(void)
{
    rejected_close(store);
    store = NULL;
    spool_dir_remove(&dir);
}

static struct refusal some(const char *request, int64_t at_ms)
{
    return (struct refusal){.at_ms = at_ms,
                            .request = span_str(request),
                            .source = SPAN_LIT("shop"),
                            .code = SPAN_LIT("signature-invalid"),
                            .status = 401,
                            .detail = SPAN_LIT("no")};
}

static void put(enum err cause, const char *request, int64_t at_ms)
{
    struct refusal r = some(request, at_ms);
    rejected_put(store, cause, "shop", true, &r);
}

/* What is kept of one cause. */
struct kept {
    int files, lines, bad;
    int64_t bytes;
    uint64_t left_out;
    char first[32], last[32]; /* request ids */
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void count_file(const char *name, struct kept *k)
{
    struct buf file, room;
    struct refusal r;
    int fd = openat(rejected_folder(store), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    buf_init(&file, 1 << 24);
    buf_init(&room, 1 << 24);
    ck_assert_int_eq(fs_read_fd(fd, &file, NULL), ERR_OK);
    k->files++;
    k->bytes += (int64_t)file.n;
    for (struct span rest = buf_span(&file); rest.n;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        buf_clear(&room);
        if (!end || refusal_parse(span_of(rest.p, n), &room, &r) != ERR_OK) {
            k->bad++;
        } else {
            snprintf(k->lines ? k->last : k->first, sizeof k->last, "%.*s", (int)r.request.n, r.request.p);
            k->lines++;
            k->left_out += r.left_out;
        }
        rest = span_skip(rest, end ? n + 1 : n);
    }
    close(fd);
    buf_fini(&file);
    buf_fini(&room);
}

static struct kept look(enum err cause)
{
    struct kept k = {0};
    struct dirent **names;
    char path[128];
    snprintf(path, sizeof path, "%s/rejected", dir.path);
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        enum err of;
        uint64_t number;
        struct stat st;
        if (refusal_name_parse(span_str(names[i]->d_name), &of, &number) && of == cause &&
            fstatat(rejected_folder(store), names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            count_file(names[i]->d_name, &k);
        free(names[i]);
    }
    free(names);
    return k;
}

/* ---- lines and names ---- */

START_TEST(a_line_comes_back)
{
    static const char bytes[] = "\0\"\\\n\xff\x7f\xc2\x80 end";
    struct buf b, room;
    struct refusal r = some("01JD", noon), back;
    struct json_error bad;
    r.type = SPAN_LIT("order\"\n\xff");
    r.errors = SPAN_LIT("[{\"pointer\":\"/a\"}]");
    r.url = SPAN_LIT("/hooks/shop?a=\"\\\x01\xe2\x80\xa6");
    r.headers = SPAN_LIT("{\"x\":[\"1\",\"2\"]}");
    r.altered = true;
    r.left_out = 7;
    const struct span bodies[] = {SPAN_LIT(""), span_of(bytes, sizeof bytes - 1), SPAN_LIT("{\"a\":\"\xc2\x80\\u0000\"}"), SPAN_NONE};
    for (size_t i = 0; i < 4; i++) {
        buf_init(&b, 1 << 20);
        buf_init(&room, 1 << 20);
        r.body = bodies[i];
        refusal_put(&b, &r);
        ck_assert(!b.failed && b.p[b.n - 1] == '\n' && !memchr(b.p, '\n', b.n - 1));
        ck_assert_int_eq(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
        ck_assert_int_eq(refusal_parse(span_of(b.p, b.n - 1), &room, &back), ERR_OK);
        ck_assert(span_eq(back.body, r.body) && !back.body.p == !r.body.p);
        ck_assert(span_eq(back.url, r.url) && span_eq(back.headers, r.headers) && span_eq(back.errors, r.errors));
        ck_assert_span_eq(back.type, "order\"\n\xef\xbf\xbd");
        ck_assert(back.altered && back.left_out == 7 && back.at_ms == noon && back.status == 401 && !back.method.p);
        buf_fini(&b);
        buf_fini(&room);
    }
}
END_TEST

START_TEST(only_our_names_are_names)
{
    static const char *const wrong[] = {"", ".", "..", "../x", "signature-invalid", "signature-invalid.000000000001.json",
                                        "signature-invalid.00000000001.jsonl", "signature-invalid.000000000000.jsonl",
                                        "signature-invalid.00000000000a.jsonl", "signature-invalid.0000000000001.jsonl",
                                        "/signature-invalid.000000000001.jsonl", "x/signature-invalid.000000000001.jsonl",
                                        "signature-invalid.000000000001.jsonl/", "system.000000000001.jsonl", "ok.000000000001.jsonl",
                                        "Signature-invalid.000000000001.jsonl", ".000000000001.jsonl", "signature-invalid.+00000000001.jsonl"};
    char name[REFUSAL_NAME_BYTES], place[REFUSAL_PLACE_BYTES];
    enum err cause;
    uint64_t number;
    struct refusal_place p = {.cause = ERR_SIGNATURE_INVALID, .number = 7, .offset = 123}, q;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!refusal_name_parse(span_str(wrong[i]), &cause, &number), "%s", wrong[i]);
        snprintf(place, sizeof place, "%s:0", wrong[i]);
        ck_assert(!refusal_place_parse(span_str(place), &q));
    }
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++) {
        refusal_name(name, e, 999999999999);
        ck_assert_int_eq(refusal_name_parse(span_str(name), &cause, &number), err_status(e) != 0);
    }
    refusal_place_put(place, &p);
    ck_assert(refusal_place_parse(span_str(place), &q) && q.cause == p.cause && q.number == 7 && q.offset == 123);
    ck_assert(!refusal_place_parse(SPAN_LIT("signature-invalid.000000000001.jsonl:"), &q));
    ck_assert(!refusal_place_parse(SPAN_LIT("signature-invalid.000000000001.jsonl:-1"), &q));
    ck_assert(!refusal_place_parse(SPAN_LIT("signature-invalid.000000000001.jsonl:1 "), &q));
    ck_assert(!refusal_place_parse(SPAN_LIT("signature-invalid.000000000001.jsonl:9999999999999999"), &q));
}
END_TEST

START_TEST(a_place_gives_its_line)
{
    struct buf b;
    struct refusal_place p = {.cause = ERR_SIGNATURE_INVALID, .number = 1};
    buf_init(&b, 1 << 20);
    put(ERR_SIGNATURE_INVALID, "A", noon);
    ck_assert_int_eq(refusal_read(rejected_folder(store), &p, &b, NULL), ERR_OK);
    ck_assert(memmem(b.p, b.n, "\"request\":\"A\"", 13) && b.p[b.n - 1] == '}');
    p.offset = (int64_t)b.n + 1;
    buf_clear(&b);
    ck_assert_int_eq(refusal_read(rejected_folder(store), &p, &b, NULL), ERR_NOT_FOUND);
    p.number = 2;
    ck_assert_int_eq(symlinkat("/etc/passwd", rejected_folder(store), "signature-invalid.000000000002.jsonl"), 0);
    p.offset = 0;
    ck_assert_int_eq(refusal_read(rejected_folder(store), &p, &b, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(refusal_read(-1, &p, &b, NULL), ERR_NOT_FOUND);
    buf_fini(&b);
}
END_TEST

/* ---- limits ---- */

START_TEST(noise_pushes_out_its_own_kind_only)
{
    char request[32];
    put(ERR_SCHEMA_VIOLATION, "quiet", noon);
    for (int i = 0; i < 1000; i++) {
        snprintf(request, sizeof request, "R%d", i);
        put(ERR_SIGNATURE_INVALID, request, noon);
        struct kept k = look(ERR_SIGNATURE_INVALID);
        ck_assert(k.bytes <= limits.bytes && k.lines <= limits.count && k.files <= REJECTED_PARTS && k.bad == 0);
    }
    struct kept noise = look(ERR_SIGNATURE_INVALID);
    ck_assert(noise.lines >= limits.count - limits.count / REJECTED_PARTS - 1);
    ck_assert_str_eq(noise.last, "R999");
    ck_assert_str_eq(look(ERR_SCHEMA_VIOLATION).first, "quiet");
    limits.count = 16;
    rejected_limit(store, &limits);
    ck_assert_int_le(look(ERR_SIGNATURE_INVALID).lines, 16);
    put(ERR_SIGNATURE_INVALID, "after", noon);
    ck_assert_str_eq(look(ERR_SIGNATURE_INVALID).last, "after");
}
END_TEST

START_TEST(long_lines_lose_the_body_first)
{
    static char large[20000];
    struct refusal r = some("L", noon);
    memset(large, 'x', sizeof large);
    r.headers = SPAN_LIT("{\"x\":\"y\"}");
    r.body = span_of(large, sizeof large);
    rejected_put(store, ERR_MALFORMED_BODY, "shop", true, &r);
    ck_assert_int_eq(look(ERR_MALFORMED_BODY).lines, 1);
    ck_assert(!r.body.p && r.headers.p);
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_putc(&b, '{');
    buf_puts(&b, "\"x\":\"");
    buf_put(&b, large, sizeof large);
    buf_puts(&b, "\"}");
    r.headers = buf_span(&b);
    rejected_put(store, ERR_MALFORMED_BODY, "shop", true, &r);
    ck_assert_int_eq(look(ERR_MALFORMED_BODY).lines, 2);
    ck_assert(!r.headers.p);
    buf_fini(&b);
}
END_TEST

START_TEST(so_many_a_second_of_one_source)
{
    int64_t now = 1000000;
    int n = 0;
    while (rejected_wants(store, ERR_SIGNATURE_INVALID, "shop", false, now))
        n++;
    ck_assert_int_eq(n, 2 * REJECTED_BURST_S);
    ck_assert(rejected_wants(store, ERR_SIGNATURE_INVALID, "other", false, now));
    ck_assert(rejected_wants(store, ERR_SIGNATURE_MISSING, "shop", false, now));
    ck_assert(rejected_wants(store, ERR_SIGNATURE_INVALID, "shop", true, now));
    n = 0;
    for (int s = 1; s <= 10; s++)
        for (int i = 0; i < 10; i++) /* threads ask out of order */
            n += rejected_wants(store, ERR_SIGNATURE_INVALID, "shop", false, now + s * 1000 - i % 2 * 500);
    ck_assert_int_eq(n, 20);
    now += 10000;
    put(ERR_SIGNATURE_INVALID, "A", noon);
    ck_assert_uint_ge(look(ERR_SIGNATURE_INVALID).left_out, 81);
    now += 3600000;
    for (n = 0; rejected_wants(store, ERR_SIGNATURE_INVALID, "shop", true, now); n++)
        continue;
    ck_assert_int_eq(n, 2 * REJECTED_BURST_S * REJECTED_TRUST);
}
END_TEST

START_TEST(long_lines_count_as_several)
{
    static char text[7000];
    struct refusal r = some("L", noon);
    memset(text, 'x', sizeof text);
    r.body = span_of(text, sizeof text);
    ck_assert(rejected_wants(store, ERR_MALFORMED_BODY, "shop", false, 0));
    for (int i = 0; i < 30; i++)
        rejected_put(store, ERR_MALFORMED_BODY, "shop", false, &r);
    ck_assert(!rejected_wants(store, ERR_MALFORMED_BODY, "shop", false, 0));
    ck_assert(!rejected_wants(store, ERR_MALFORMED_BODY, "shop", false, 5000));
    ck_assert(rejected_wants(store, ERR_MALFORMED_BODY, "shop", false, 7000));
}
END_TEST

START_TEST(what_is_too_old_goes)
{
    put(ERR_SIGNATURE_INVALID, "A", noon);
    put(ERR_SIGNATURE_INVALID, "B", noon + 500000);
    put(ERR_SIGNATURE_INVALID, "C", noon + 1000000); /* an eighth of the age later: a file of its own */
    rejected_expire(store, noon + 7999999);
    ck_assert_int_eq(look(ERR_SIGNATURE_INVALID).lines, 3);
    rejected_expire(store, noon + 8000000);
    ck_assert_str_eq(look(ERR_SIGNATURE_INVALID).first, "C");
    reopen();
    rejected_expire(store, noon + 8999999);
    ck_assert_int_eq(look(ERR_SIGNATURE_INVALID).lines, 1);
    rejected_expire(store, noon + 9000000);
    ck_assert_int_eq(look(ERR_SIGNATURE_INVALID).files, 0);
    put(ERR_SIGNATURE_INVALID, "D", noon + 9000001);
    ck_assert_str_eq(look(ERR_SIGNATURE_INVALID).first, "D");
}
END_TEST

/* ---- what may happen to it ---- */

START_TEST(goes_on_after_a_restart)
{
    put(ERR_SIGNATURE_INVALID, "A", noon);
    for (int i = 0; i < 20; i++) {
        reopen();
        put(ERR_SIGNATURE_INVALID, "B", noon);
    }
    struct kept k = look(ERR_SIGNATURE_INVALID);
    ck_assert(k.lines == 21 && k.files == 3); /* ten in each */
    ck_assert_str_eq(k.first, "A");
    int fd = openat(rejected_folder(store), "signature-invalid.000000000003.jsonl", O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "{\"at\":\"20", 9), 9); /* killed in the middle */
    close(fd);
    reopen();
    put(ERR_SIGNATURE_INVALID, "C", noon);
    k = look(ERR_SIGNATURE_INVALID);
    ck_assert(k.lines == 22 && k.bad == 1 && k.files == 4);
    ck_assert_str_eq(k.last, "C");
}
END_TEST

START_TEST(what_is_not_ours_stays)
{
    struct stat st;
    put(ERR_SIGNATURE_INVALID, "A", noon);
    int folder = rejected_folder(store);
    ck_assert_int_eq(symlinkat("/etc/passwd", folder, "signature-invalid.000000000002.jsonl"), 0);
    ck_assert_int_eq(mkdirat(folder, "signature-invalid.000000000003.jsonl", 0700), 0);
    ck_assert_int_eq(mkfifoat(folder, "rate-limited.000000000001.jsonl", 0600), 0);
    close(openat(folder, "notes.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    reopen();
    for (int i = 0; i < 300; i++)
        put(ERR_SIGNATURE_INVALID, "B", noon);
    put(ERR_RATE_LIMITED, "C", noon);
    ck_assert_str_eq(look(ERR_SIGNATURE_INVALID).last, "B");
    ck_assert_str_eq(look(ERR_RATE_LIMITED).first, "C");
    rejected_expire(store, noon + 9000000);
    folder = rejected_folder(store);
    ck_assert_int_eq(fstatat(folder, "signature-invalid.000000000002.jsonl", &st, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_int_eq(fstatat(folder, "signature-invalid.000000000003.jsonl", &st, 0), 0);
    ck_assert_int_eq(fstatat(folder, "notes.txt", &st, 0), 0);
}
END_TEST

static void clear_folder(void)
{
    struct dirent **names;
    char path[128];
    snprintf(path, sizeof path, "%s/rejected", dir.path);
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        (void)unlinkat(rejected_folder(store), names[i]->d_name, 0);
        free(names[i]);
    }
    free(names);
}

/* An operator clears the folder, then removes it. */
START_TEST(what_was_removed_is_made_anew)
{
    struct kept k;
    for (int i = 0; i < 30; i++)
        put(ERR_SIGNATURE_INVALID, "A", noon);
    clear_folder();
    put(ERR_SIGNATURE_INVALID, "B", noon);
    k = look(ERR_SIGNATURE_INVALID);
    ck_assert_int_eq(k.files, 1);
    ck_assert_int_eq(k.lines, 1);
    ck_assert_str_eq(k.first, "B");
    clear_folder();
    ck_assert_int_eq(unlinkat(dir.fd, REFUSAL_FOLDER, AT_REMOVEDIR), 0);
    put(ERR_SIGNATURE_INVALID, "C", noon);
    put(ERR_NO_SUCH_SOURCE, "D", noon);
    ck_assert_int_eq(look(ERR_SIGNATURE_INVALID).lines, 1);
    ck_assert_int_eq(look(ERR_NO_SUCH_SOURCE).lines, 1);
    clear_folder();
    ck_assert_int_eq(unlinkat(dir.fd, REFUSAL_FOLDER, AT_REMOVEDIR), 0);
    put(ERR_RATE_LIMITED, "E", noon);
    ck_assert_int_eq(look(ERR_RATE_LIMITED).lines, 1);
    reopen();
    ck_assert_int_eq(look(ERR_RATE_LIMITED).lines, 1);
}
END_TEST

START_TEST(no_link_is_followed)
{
    char other[128];
    struct refusal r = some("A", noon);
    rejected_close(store);
    store = NULL;
    snprintf(other, sizeof other, "%s/other", dir.path);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    ck_assert_int_eq(unlinkat(dir.fd, "rejected", AT_REMOVEDIR), 0);
    ck_assert_int_eq(symlinkat("other", dir.fd, "rejected"), 0);
    reopen();
    ck_assert_int_eq(rejected_folder(store), -1);
    ck_assert(!rejected_wants(store, ERR_SIGNATURE_INVALID, "shop", true, 0));
    rejected_put(store, ERR_SIGNATURE_INVALID, "shop", true, &r); /* asked or not */
    rejected_expire(store, noon);
    ck_assert_int_eq(rmdir(other), 0); /* empty */
}
END_TEST

/* RLIMIT_FSIZE is a disk that takes no more: it cuts a write short, and refuses the next one. */
START_TEST(a_full_disk_costs_lines_only)
{
    const struct rlimit full = {1000, RLIM_INFINITY}, room = {RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    limits.count = 8000; /* a file holds more than the disk */
    rejected_limit(store, &limits);
    put(ERR_SCHEMA_VIOLATION, "quiet", noon);
    put(ERR_SIGNATURE_INVALID, "A", noon);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 100; i++)
        put(ERR_SIGNATURE_INVALID, "B", noon);
    struct kept k = look(ERR_SIGNATURE_INVALID);
    ck_assert(k.bad == 0 && k.lines > 1 && k.lines < 20 && k.files == 1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &room), 0);
    put(ERR_SIGNATURE_INVALID, "C", noon);
    struct kept after = look(ERR_SIGNATURE_INVALID);
    ck_assert(after.bad == 0 && after.lines == k.lines + 1 && after.left_out == (uint64_t)(101 - k.lines));
    ck_assert_str_eq(after.first, "A");
    ck_assert_str_eq(after.last, "C");
    ck_assert_str_eq(look(ERR_SCHEMA_VIOLATION).first, "quiet");
}
END_TEST

START_TEST(without_new_files_the_old_ones_stay)
{
    for (int i = 0; i < 80; i++)
        put(ERR_SIGNATURE_INVALID, "A", noon);
    struct kept before = look(ERR_SIGNATURE_INVALID);
    struct rlimit files, none;
    getrlimit(RLIMIT_NOFILE, &files);
    none = files;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 200; i++)
        put(ERR_SIGNATURE_INVALID, "B", noon);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    struct kept after = look(ERR_SIGNATURE_INVALID);
    ck_assert_int_ge(after.lines, before.lines - limits.count / REJECTED_PARTS - 1);
    ck_assert_str_eq(after.first, "A");
}
END_TEST

/* ---- threads ---- */

static void *writer(void *arg)
{
    for (int i = 0; i < 2000; i++)
        if (rejected_wants(store, i % 2 ? ERR_SIGNATURE_INVALID : ERR_RATE_LIMITED, arg, true, i))
            put(i % 2 ? ERR_SIGNATURE_INVALID : ERR_RATE_LIMITED, arg, noon + i);
    return NULL;
}

START_TEST(many_threads)
{
    pthread_t threads[4];
    static char names[4][8] = {"t0", "t1", "t2", "t3"};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, writer, names[i]), 0);
    for (int i = 0; i < 50; i++) {
        rejected_expire(store, noon);
        rejected_limit(store, &limits);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const enum err causes[] = {ERR_SIGNATURE_INVALID, ERR_RATE_LIMITED};
    for (int i = 0; i < 2; i++) {
        struct kept k = look(causes[i]);
        ck_assert(k.bad == 0 && k.lines > 0 && k.lines <= limits.count && k.bytes <= limits.bytes);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rejected");
    TCase *t = tcase_create("rejected");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    const TTest *const tests[] = {a_line_comes_back, only_our_names_are_names, a_place_gives_its_line, noise_pushes_out_its_own_kind_only,
                                  long_lines_lose_the_body_first, so_many_a_second_of_one_source, long_lines_count_as_several,
                                  what_is_too_old_goes, goes_on_after_a_restart, what_is_not_ours_stays, what_was_removed_is_made_anew, no_link_is_followed,
                                  a_full_disk_costs_lines_only, without_new_files_the_old_ones_stay, many_threads};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
