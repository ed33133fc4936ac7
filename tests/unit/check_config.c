/* SPDX-License-Identifier: MIT
 * check_config: every fault has its line, place and reason; what loads comes back the same through a snapshot and through
 * its own printing; nothing is accepted that does nothing.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config_parts.h"
#include "base/fs.h"

/* ---- a folder with a configuration in it ---- */

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    unlink(in_dir(name));
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_pwrite_all(fd, span_str(text), 0), ERR_OK);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void setup(void)
{
    struct why w;
    snprintf(dir, sizeof dir, "/tmp/check_config.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, in_dir("recipes"), 0755, &w), ERR_OK);
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, in_dir("sources.d"), 0755, &w), ERR_OK);
    write_file("recipes/signed.json", "{\"recipe\":\"signed\"}", 0644);
    write_file("recipes/none.json", "{\"recipe\":\"none\"}", 0644);
    write_file("recipes/broken.json", "{\"recipe\":}", 0644);
    write_file("key", "a secret\n", 0640);
}

static void teardown(void)
{
    static const char *const names[] = {"keys.d/a", "keys.d/a.pub", "keys.d/a.json", "keys.d/b.pub", "keys.d/b.json", "keys.d/c.bak",
                                        "keys.d/.c.1234", "keys.d/d.json", "keys.d", "recipes/signed.json", "recipes/none.json", "recipes/broken.json", "recipes", "key",
                                        "creel.json", "sources.d/a.json", "sources.d/b.json", "sources.d", "open", "link",
                                        "empty", "printed.json", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(in_dir(names[i]));
}

/* ---- loading ---- */

struct heard {
    struct buf text; /* one fault a line */
    unsigned n;
};

static void hear(void *arg, const char *text)
{
    struct heard *h = arg;
    h->n++;
    buf_printf(&h->text, "%s\n", text);
}

static enum err load_file(const char *name, struct heard *h, struct config **c)
{
    buf_init(&h->text, 65536);
    h->n = 0;
    return config_load(in_dir(name), hear, h, c);
}

static struct config *load_good(const char *text)
{
    struct heard h;
    struct config *c = NULL;
    write_file("creel.json", text, 0644);
    enum err e = load_file("creel.json", &h, &c);
    ck_assert_msg(e == ERR_OK && h.n == 0, "%.*s", (int)h.text.n, h.text.p ? h.text.p : "");
    buf_fini(&h.text);
    return c;
}

#define SIGNED "\"path\":\"/a\",\"recipe\":\"signed\",\"keys\":[{\"id\":\"k\",\"secret_file\":\"key\"}]"
#define OPEN "\"path\":\"/a\",\"recipe\":\"none\",\"allow_unsigned\":true"
#define IN_SOURCE(members) "{\"recipes\":\"recipes\",\n\"sources\":{\n\"s\":{\n" members "}}}"
#define IN_TOP(members) "{\"recipes\":\"recipes\",\n" members "}"
#define WITH_KEY(members) IN_SOURCE("\"path\":\"/a\",\"recipe\":\"signed\",\"keys\":[\n{" members "}]")

/* One fault each: its line, its pointer, and words of its reason. */
static const struct {
    const char *text;
    unsigned line;
    const char *pointer, *reason;
} faults[] = {
#include "config_faults.tbl"
};

START_TEST(every_fault_has_its_line)
{
    write_file("open", "secret", 0644);
    write_file("empty", "", 0600);
    ck_assert_int_eq(symlink("key", in_dir("link")), 0);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct heard h;
        struct config *c = NULL;
        char wanted[512];
        write_file("creel.json", faults[i].text, 0644);
        enum err e = load_file("creel.json", &h, &c);
        buf_putc(&h.text, 0);
        snprintf(wanted, sizeof wanted, "%s:%u: %s: ", in_dir("creel.json"), faults[i].line, faults[i].pointer);
        ck_assert_msg(e == ERR_INVALID && !c && h.n == 1 && strncmp(h.text.p, wanted, strlen(wanted)) == 0 &&
                          strstr(h.text.p, faults[i].reason),
                      "%zu: wanted \"%s…%s\", heard %u: %s", i, wanted, faults[i].reason, h.n, h.text.p);
        buf_fini(&h.text);
    }
}
END_TEST

START_TEST(what_is_sound_can_be_looked_at_beside_faults)
{
    struct heard h = {.n = 0};
    struct config *c = NULL;
    unsigned n = 0;
    write_file("creel.json", WITH_KEY("\"id\":\"k\",\"secret_file\":\"missing\"},{\"id\":\"l\",\"secret_file\":\"key\""), 0644);
    buf_init(&h.text, 65536);
    ck_assert_int_eq(config_look(in_dir("creel.json"), hear, &h, &c, &n), ERR_OK);
    ck_assert(n == 1 && h.n == 1 && c->sources[0].keys[0].faulty && !c->sources[0].keys[1].faulty);
    config_free(c);
    write_file("creel.json", "{", 0644);
    ck_assert_int_eq(config_look(in_dir("creel.json"), hear, &h, &c, &n), ERR_INVALID);
    buf_fini(&h.text);
}
END_TEST

START_TEST(an_unknown_peer_is_a_warning)
{
    struct config *c = load_good("{\"recipes\":\"recipes\",\"peer_users\":[\"root\",\n\"nobody-of-that-name\"]}");
    ck_assert_ptr_nonnull(c->warnings);
    ck_assert_ptr_nonnull(strstr(c->warnings->text, "creel.json:2: /peer_users/1: warning: there is no user \"nobody-of-that-name\""));
    ck_assert(!c->warnings->next && c->n_peer_users == 2);
    config_free(c);
}
END_TEST

START_TEST(a_path_is_found_decoded)
{
    struct config *c = load_good(IN_SOURCE("\"path\":\"/a%20b%C3%A9\",\"recipe\":\"none\",\"allow_unsigned\":true"));
    ck_assert_ptr_nonnull(config_source_by_path(c, SPAN_LIT("/a b\xc3\xa9")));
    ck_assert_ptr_null(config_source_by_path(c, SPAN_LIT("/a%20b%C3%A9")));
    config_free(c);
}
END_TEST

START_TEST(all_faults_are_reported)
{
    struct heard h;
    struct config *c = NULL;
    write_file("creel.json", "{\"recipes\":\"recipes\",\"threads\":0,\"nope\":1,\"sources\":{\"a\":{\"path\":\"x\"},\"b\":[]}}", 0644);
    ck_assert_int_eq(load_file("creel.json", &h, &c), ERR_INVALID);
    ck_assert_msg(h.n == 5, "%.*s", (int)h.text.n, h.text.p);
    buf_fini(&h.text);
    ck_assert_int_eq(load_file("nowhere.json", &h, &c), ERR_INVALID);
    ck_assert_uint_eq(h.n, 1);
    buf_fini(&h.text);
}
END_TEST

/* ---- what loads ---- */

static const char full[] =
    "{ // all of it\n"
    "\"$schema\":\"x\", \"recipes\":\"recipes\", \"listen\":\"[::1]:9000\", \"listen_mode\":\"0600\", \"peer_users\":[\"root\"],\n"
    "\"admin_listen\":\"unix:/run/x/admin.sock\", \"control\":\"run/control.sock\", \"spool\":\"spool\", \"segment_size\":\"1MiB\",\n"
    "\"min_free\":\"2.5%\", \"retention\":\"36h\", \"log_format\":\"json\", \"threads\":3, \"include\":\"sources.d/*.json\",\n"
    "\"sources\": { \"shop\": { \"path\":\"/hooks/shop\", \"recipe\":\"signed\", \"params\":{\"verify_token\":\"s3cret\",\"webhook_id\":\"W1\"},\n"
    "  \"keys\":[{\"id\":\"2026-11\",\"secret_file\":\"key\",\"key_encoding\":\"hex\",\"not_before\":\"2026-11-01T00:00:00Z\"},\n"
    "            {\"id\":\"env\",\"secret_env\":\"SHOP_KEY\",\"not_after\":\"2027-01-01T00:00:00.250Z\"}],\n"
    "  \"type\":[\"header:X-Type\",\"json:/type\"], \"types\":[\"order.*\"], \"event_id\":\"json:/a~1b\", \"order_key\":\"path:2\",\n"
    "  \"version\":\"const:1\", \"methods\":[\"POST\",\"PUT\"], \"content_types\":[\"application/*\"], \"tolerance\":\"5m\",\n"
    "  \"dedupe\":{\"window\":\"12h\",\"max\":500}, \"max_body\":\"2MiB\", \"durability\":\"written\", \"ack\":\"accepted\",\n"
    "  \"public_url\":\"https://x.example/hooks/shop\",\n"
    "  \"answers\":{\"accepted\":{\"status\":200,\"content_type\":\"text/plain\",\"body\":\"\"},\"refused\":{\"status\":400}} } } }";

static void check_full(const struct config *c)
{
    struct config_address a;
    struct why w;
    ck_assert_str_eq(c->listen, "[::1]:9000");
    ck_assert_int_eq(config_address(c->listen, &a, &w), ERR_OK);
    ck_assert(a.fd == -1 && a.addr.ss_family == AF_INET6);
    ck_assert_int_eq(c->listen_mode, 0600);
    ck_assert(c->n_peer_users == 1 && strcmp(c->peer_users[0], "root") == 0);
    ck_assert_str_eq(c->spool, in_dir("spool"));
    ck_assert_str_eq(c->control, in_dir("run/control.sock"));
    ck_assert_int_eq(c->segment_size, 1 << 20);
    ck_assert(c->min_free_percent > 2.49 && c->min_free_percent < 2.51 && c->min_free_bytes == 0);
    ck_assert_int_eq(c->retention, 36 * 3600000);
    ck_assert_str_eq(c->log_format, "json");
    ck_assert_str_eq(c->log_level, "info");
    ck_assert_int_eq(c->threads, 3);
    ck_assert_int_eq(c->max_workers, 32);
    ck_assert_str_eq(c->functions, CREEL_LIBDIR "/functions");
    ck_assert_str_eq(c->worker, CREEL_LIBEXECDIR "/creel-worker");
    ck_assert_uint_eq(c->n_sources, 2);
    ck_assert_str_eq(c->sources[0].name, "extra");
    const struct config_source *s = config_source_by_path(c, SPAN_LIT("/hooks/shop"));
    ck_assert_ptr_eq(s, config_source_by_name(c, SPAN_LIT("shop")));
    ck_assert_ptr_nonnull(s);
    ck_assert(s->n_params == 2 && strcmp(s->params[0].name, "verify_token") == 0 && strcmp(s->params[0].value, "s3cret") == 0);
    ck_assert_uint_eq(s->n_keys, 2);
    ck_assert_str_eq(s->keys[0].secret_file, in_dir("key"));
    ck_assert_str_eq(s->keys[0].encoding, "hex");
    ck_assert(s->keys[0].not_before_ms == INT64_C(1793491200000) && s->keys[0].not_after_ms == INT64_MAX);
    ck_assert(!s->keys[1].secret_file && !s->keys[1].encoding && strcmp(s->keys[1].secret_env, "SHOP_KEY") == 0);
    ck_assert(s->keys[1].not_before_ms == 0 && s->keys[1].not_after_ms == INT64_C(1798761600250));
    ck_assert(s->n_type == 2 && strcmp(s->type[1], "json:/type") == 0);
    ck_assert(s->n_types == 1 && s->n_event_id == 1 && s->n_order_key == 1 && s->n_version == 1 && s->n_methods == 2);
    ck_assert(s->dedupe && !s->dedupe_by_body && s->dedupe_window_ms == 12 * 3600000 && s->dedupe_max == 500);
    ck_assert(s->tolerance == 300000 && s->max_body == 2 << 20 && strcmp(s->durability, "written") == 0);
    ck_assert_int_eq(s->answers[ANSWER_ACCEPTED].status, 200);
    ck_assert_str_eq(s->answers[ANSWER_ACCEPTED].body, "");
    ck_assert(s->answers[ANSWER_REFUSED].status == 400 && !s->answers[ANSWER_REFUSED].body && !s->answers[ANSWER_DUPLICATE].status);
    s = config_source_by_name(c, SPAN_LIT("extra"));
    ck_assert(s && s->allow_unsigned && s->dedupe_by_body && s->dedupe_window_ms == 300000 && s->n_keys == 0);
    ck_assert_ptr_null(config_source_by_path(c, SPAN_LIT("/hooks/sho")));
    ck_assert_ptr_null(config_source_by_path(c, SPAN_LIT("/hooks/shop/")));
    ck_assert_str_eq(config_recipe_text(c, "signed"), "{\"recipe\":\"signed\"}");
    ck_assert_ptr_null(config_recipe_text(c, "broken"));
}

START_TEST(all_settings_arrive_and_survive_a_snapshot)
{
    struct why w;
    struct config *back = NULL;
    int fd;
    write_file("sources.d/a.json", "// more\n{\"sources\":{\"extra\":{\"path\":\"/x\",\"recipe\":\"none\",\"allow_unsigned\":true,"
                                   "\"dedupe\":{\"by\":\"body\"}}}}", 0644);
    struct config *c = load_good(full);
    check_full(c);
    ck_assert_str_eq(c->file, in_dir("creel.json"));
    ck_assert_int_eq(config_snapshot(c, &fd, &w), ERR_OK);
    ck_assert_int_eq(write(fd, "x", 1), -1);
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(config_from_snapshot(fd, &back, &w) == ERR_OK, "%s", w.text);
        check_full(back);
        ck_assert_str_eq(back->file, c->file);
        ck_assert_ptr_null(config_fixed_changed(c, back));
        if (i == 0)
            config_free(back);
    }
    close(fd);
    struct buf one, two;
    buf_init(&one, 65536);
    buf_init(&two, 65536);
    config_print(c, &one);
    config_print(back, &two);
    ck_assert(span_eq(buf_span(&one), buf_span(&two)) && !one.failed);
    config_free(back);
    config_free(c);
    struct json_error e;
    ck_assert_int_eq(json_check(buf_span(&one), JSON_LIMITS_DEFAULT, &e), ERR_OK);
    buf_putc(&one, 0);
    ck_assert_ptr_null(strstr(one.p, "s3cret"));
    ck_assert_ptr_nonnull(strstr(one.p, "\"verify_token\": \"…\""));
    ck_assert_ptr_nonnull(strstr(one.p, "\"webhook_id\": \"W1\""));
    /* What is printed loads again. */
    write_file("printed.json", one.p, 0644);
    struct heard h;
    ck_assert_int_eq(load_file("printed.json", &h, &c), ERR_OK);
    buf_fini(&h.text);
    config_free(c);
    buf_fini(&one);
    buf_fini(&two);
}
END_TEST

START_TEST(includes_tell_their_own_file_and_line)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {{"{\"sources\":{\n\"extra\":{\"path\":1,\"recipe\":\"none\",\"allow_unsigned\":true}}}", "b.json:2: /sources/extra/path: must be a text"},
                 {"{\n\"spool\":\"/x\"}", "b.json:2: /spool: unknown setting; an included file holds \"sources\" only"},
                 {"{\"sources\":{\"a\":{\"path\":\"/b\",\"recipe\":\"none\",\"allow_unsigned\":true}}}", "b.json:1: /sources/a: "},
                 {"{\"sources\":{\"b\":{" OPEN "}}}", "b.json:1: /sources/b/path: source \"a\" in "},
                 {"{", "b.json:1: /: not valid JSON: unexpected end"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct heard h;
        struct config *c = NULL;
        write_file("sources.d/b.json", cases[i].text, 0644);
        write_file("creel.json", IN_TOP("\"include\":\"sources.d/*.json\",\"sources\":{\"a\":{" OPEN "}}"), 0644);
        ck_assert_int_eq(load_file("creel.json", &h, &c), ERR_INVALID);
        buf_putc(&h.text, 0);
        ck_assert_msg(h.n == 1 && strstr(h.text.p, cases[i].wanted), "%zu: %s", i, h.text.p);
        buf_fini(&h.text);
    }
}
END_TEST

/* The command line of somebody who may not read the keys. */
START_TEST(read_does_not_look_at_keys)
{
    struct heard h = {.n = 0};
    struct config *c = NULL;
    buf_init(&h.text, 65536);
    write_file("creel.json", "{\"user\":\"nobody-of-that-name\",\"sources\":{\"s\":{\"path\":\"/a\",\"recipe\":\"zzz\","
                             "\"keys\":[{\"id\":\"k\",\"secret_file\":\"/nowhere/key\"}]}}}", 0644);
    ck_assert_int_eq(config_read(in_dir("creel.json"), hear, &h, &c), ERR_OK);
    ck_assert_uint_eq(h.n, 0);
    ck_assert_uint_eq(c->n_sources, 1);
    config_free(c);
    write_file("creel.json", "{\"nope\":1}", 0644);
    ck_assert_int_eq(config_read(in_dir("creel.json"), hear, &h, &c), ERR_INVALID);
    buf_fini(&h.text);
}
END_TEST

/* ---- keys_folder ---- */

#define FOLDER "\"path\":\"/a\",\"recipe\":\"signed\",\n\"keys_folder\":\"keys.d\""

static void make_folder_of_keys(void)
{
    ck_assert_int_eq(mkdir(in_dir("keys.d"), 0700), 0);
    write_file("keys.d/b.pub", "public\n", 0644);
    write_file("keys.d/b.json", "{ // a comment\n\"key_encoding\":\"hex\",\"not_after\":\"2027-01-01T00:00:00Z\"}", 0644);
    write_file("keys.d/a", "secret\n", 0600);
    write_file("keys.d/.c.1234", "half", 0600);
}

static void check_folder(const struct config *c)
{
    const struct config_source *s = config_source_by_name(c, SPAN_LIT("s"));
    ck_assert_uint_eq(s->n_keys, 2);
    ck_assert_str_eq(s->keys_folder, in_dir("keys.d"));
    ck_assert_str_eq(s->keys[0].id, "a");
    ck_assert_str_eq(s->keys[0].secret_file, in_dir("keys.d/a"));
    ck_assert(!s->keys[0].public_key_file && !s->keys[0].encoding && s->keys[0].not_after_ms == INT64_MAX);
    ck_assert_str_eq(s->keys[1].id, "b");
    ck_assert_str_eq(s->keys[1].public_key_file, in_dir("keys.d/b.pub"));
    ck_assert_str_eq(s->keys[1].encoding, "hex");
    ck_assert(!s->keys[1].secret_file && s->keys[1].not_after_ms == INT64_C(1798761600000));
    ck_assert(config_key_in_folder(s, &s->keys[0]) && config_key_in_folder(s, &s->keys[1]));
}

START_TEST(a_folder_brings_its_keys)
{
    struct why w;
    struct config *back = NULL;
    struct buf b;
    int fd;
    make_folder_of_keys();
    struct config *c = load_good(IN_SOURCE(FOLDER));
    check_folder(c);
    ck_assert_ptr_null(c->warnings);
    ck_assert_int_eq(config_snapshot(c, &fd, &w), ERR_OK);
    unlink(in_dir("keys.d/a")); /* a snapshot is what was */
    ck_assert_msg(config_from_snapshot(fd, &back, &w) == ERR_OK, "%s", w.text);
    close(fd);
    check_folder(back);
    buf_init(&b, 65536);
    config_print(c, &b);
    buf_putc(&b, 0);
    ck_assert(strstr(b.p, "\"keys_folder\": \"") && !strstr(b.p, "b.pub"));
    buf_fini(&b);
    config_free(back);
    config_free(c);
}
END_TEST

static void folder_fault(const char *text, const char *reason)
{
    struct heard h;
    struct config *c = NULL;
    write_file("creel.json", text, 0644);
    ck_assert_int_eq(load_file("creel.json", &h, &c), ERR_INVALID);
    buf_putc(&h.text, 0);
    ck_assert_msg(h.n == 1 && strstr(h.text.p, reason), "'%s' does not say '%s'", h.text.p, reason);
    buf_fini(&h.text);
}

START_TEST(faults_of_a_folder_are_named)
{
    make_folder_of_keys();
    folder_fault(IN_SOURCE("\"path\":\"/a\",\"recipe\":\"signed\",\n\"keys_folder\":\"nowhere\""),
                 "creel.json:5: /sources/s/keys_folder: there is no folder ");
    folder_fault(IN_SOURCE(OPEN ",\n\"keys_folder\":\"keys.d\""), "/sources/s/keys_folder: recipe \"none\" uses no keys");
    folder_fault(IN_SOURCE(FOLDER ",\"keys\":[{\"id\":\"a\",\"secret_file\":\"key\"}]"), "a key listed in keys has the same id");
    folder_fault(IN_SOURCE(FOLDER ",\"keys\":[{\"id\":\"x\",\"secret_file\":\"keys.d/a\"}]"), "which brings it already");
    write_file("keys.d/b.json", "{\"not_after\":\n\"soon\"}", 0644);
    folder_fault(IN_SOURCE(FOLDER), "keys.d/b.json:2: /not_after: ");
    write_file("keys.d/b.json", "{\"id\":\"c\"}", 0644);
    folder_fault(IN_SOURCE(FOLDER), "keys.d/b.json:1: /id: unknown setting");
    write_file("keys.d/b.json", "{}", 0666);
    folder_fault(IN_SOURCE(FOLDER), "b.json has mode 0666");
    unlink(in_dir("keys.d/b.json"));
    write_file("keys.d/a.pub", "public", 0644);
    folder_fault(IN_SOURCE(FOLDER), "a key is secret or public");
    unlink(in_dir("keys.d/a.pub"));
    write_file("keys.d/a", "secret", 0644);
    folder_fault(IN_SOURCE(FOLDER), "/sources/s/keys_folder: ");
    chmod(in_dir("keys.d/a"), 0600);
    chmod(in_dir("keys.d"), 0770);
    folder_fault(IN_SOURCE(FOLDER), "others could add keys: chmod go-w");
}
END_TEST

START_TEST(what_is_no_key_in_a_folder_is_a_warning)
{
    make_folder_of_keys();
    write_file("keys.d/c.bak", "an old secret", 0600);
    write_file("keys.d/d.json", "{}", 0644);
    struct config *c = load_good(IN_SOURCE(FOLDER));
    check_folder(c);
    ck_assert(c->warnings && c->warnings->next && !c->warnings->next->next);
    const char *one = c->warnings->text, *two = c->warnings->next->text;
    ck_assert_msg(strstr(one, "keys.d/c.bak is left out") || strstr(two, "keys.d/c.bak is left out"), "%s", one);
    ck_assert_msg(strstr(one, "keys.d/d has an ID.json") || strstr(two, "keys.d/d has an ID.json"), "%s", two);
    ck_assert(!strstr(one, "old secret") && !strstr(two, "old secret"));
    config_free(c);
}
END_TEST

START_TEST(an_empty_folder_will_do)
{
    ck_assert_int_eq(mkdir(in_dir("keys.d"), 0700), 0);
    struct config *c = load_good(IN_SOURCE(FOLDER));
    ck_assert_uint_eq(c->sources[0].n_keys, 0);
    config_free(c);
}
END_TEST

START_TEST(fixed_settings_are_named)
{
    struct config *a = load_good("{\"spool\":\"/a\",\"retention\":\"1d\"}");
    struct config *b = load_good("{\"spool\":\"/a\",\"retention\":\"2d\",\"log_level\":\"debug\"}");
    struct config *c = load_good("{\"spool\":\"/c\"}");
    struct config *d = load_good("{\"spool\":\"/a\",\"threads\":4}");
    ck_assert_ptr_null(config_fixed_changed(a, b));
    ck_assert_str_eq(config_fixed_changed(a, c), "spool");
    ck_assert_str_eq(config_fixed_changed(a, d), "threads");
    config_free(a);
    config_free(b);
    config_free(c);
    config_free(d);
}
END_TEST

START_TEST(defaults_are_the_interface)
{
    struct config *c = load_good("{\"recipes\":\"recipes\",\"sources\":{\"s\":{" SIGNED "}}}");
    const struct config_source *s = &c->sources[0];
    ck_assert_str_eq(c->listen, "unix:/run/creel/fastcgi.sock");
    ck_assert_int_eq(c->segment_size, 64 << 20);
    ck_assert(c->min_free_percent > 4.9 && c->retention == 7 * INT64_C(86400000) && !*c->admin_listen);
    ck_assert(s->dedupe && !s->dedupe_by_body && s->dedupe_window_ms == 86400000 && s->dedupe_max == 1000000);
    ck_assert(s->max_body == 1 << 20 && strcmp(s->durability, "synced") == 0 && strcmp(s->ack, "accepted") == 0);
    ck_assert(s->n_type == 0 && s->n_methods == 0 && s->tolerance == 0 && s->n_types == 0);
    config_free(c);
}
END_TEST

START_TEST(sources_are_found_by_path_and_name)
{
    struct config *c = load_good("{\"recipes\":\"recipes\",\"sources\":{"
                                 "\"a\":{\"path\":\"/z\",\"recipe\":\"none\",\"allow_unsigned\":true},"
                                 "\"b\":{\"path\":\"/\",\"recipe\":\"none\",\"allow_unsigned\":true},"
                                 "\"d\":{\"path\":\"/zz\",\"recipe\":\"none\",\"allow_unsigned\":true},"
                                 "\"c\":{\"path\":\"/m/n\",\"recipe\":\"none\",\"allow_unsigned\":true}}}");
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *s = &c->sources[i];
        ck_assert_ptr_eq(config_source_by_path(c, span_str(s->path)), s);
        ck_assert_ptr_eq(config_source_by_name(c, span_str(s->name)), s);
    }
    static const char *const nowhere[] = {"", "/z/", "/zzz", "/m", "/m/n/", "z"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        ck_assert_ptr_null(config_source_by_path(c, span_str(nowhere[i])));
    config_free(c);
}
END_TEST

START_TEST(addresses)
{
    struct config_address a;
    struct why w;
    ck_assert_int_eq(config_address("fd:3", &a, &w), ERR_OK);
    ck_assert(a.fd == 3 && a.addr_bytes == 0);
    ck_assert_int_eq(config_address("127.0.0.1:9000", &a, &w), ERR_OK);
    ck_assert(a.fd == -1 && a.addr.ss_family == AF_INET && a.addr_bytes > 0);
    ck_assert_int_eq(config_address("unix:/a", &a, &w), ERR_OK);
    ck_assert_int_eq(a.addr.ss_family, AF_UNIX);
    char text[200] = "unix:/";
    memset(text + 6, 'a', sizeof((struct sockaddr_un *)NULL)->sun_path - 2);
    ck_assert_int_eq(config_address(text, &a, &w), ERR_OK);
    text[strlen(text)] = 'a';
    ck_assert_int_eq(config_address(text, &a, &w), ERR_INVALID);
}
END_TEST

START_TEST(patterns)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {{"order.created", "order.created", true}, {"order.created", "order.create", false}, {"order.*", "order.", true},
                 {"order.*", "order.a.b", true}, {"order.*", "orders.a", false}, {"*", "", true}, {"*", "x", true},
                 {"*.done", "a.done", true}, {"*.done", "a.done.x", false}, {"a*b*c", "abc", true}, {"a*b*c", "axxbyyc", true},
                 {"a*b*c", "axxcyyb", false}, {"a*a", "a", false}, {"**", "x", true}, {"a**b", "ab", true}, {"", "", true},
                 {"", "x", false}, {"a*bc*bc", "abcbc", true}, {"a*bc*bc", "abc", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(config_pattern_match(cases[i].pattern, span_str(cases[i].text)) == cases[i].match, "%s %s",
                      cases[i].pattern, cases[i].text);
}
END_TEST

/* ---- mutation ---- */

static uint64_t random_state = 7;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % n);
}

static void count_only(void *arg, const char *text)
{
    ++*(unsigned *)arg;
    ck_assert_ptr_null(strchr(text, '\n'));
}

/* Whatever a file holds, it loads or is refused with a line for each fault; a snapshot of what loads always reads. */
START_TEST(mutations_are_loaded_or_refused)
{
    static const char bytes[] = "{}[]\",:/* \n0aZ9-.\\u\xff\x01";
    int rounds = suite_rounds(3000);
    unsigned loaded = 0;
    for (int i = 0; i < rounds; i++) {
        char text[sizeof full], path[64];
        size_t n = sizeof full - 1;
        memcpy(text, full, sizeof full);
        for (uint32_t k = random_below(5); k-- > 0;)
            text[random_below((uint32_t)n)] = bytes[random_below(sizeof bytes - 1)];
        if (random_below(8) == 0)
            n = random_below((uint32_t)n);
        struct config *c = NULL, *back = NULL;
        struct why w;
        unsigned heard = 0;
        int fd, snapshot;
        ck_assert_int_eq(fs_sealed("mutated", span_of(text, n), &fd, &w), ERR_OK);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        enum err e = config_read(path, count_only, &heard, &c);
        ck_assert_msg(e == ERR_OK ? heard == 0 : e == ERR_INVALID && heard > 0 && !c, "%d: %u faults", e, heard);
        if (c) {
            loaded++;
            ck_assert_int_eq(config_snapshot(c, &snapshot, &w), ERR_OK);
            ck_assert_msg(config_from_snapshot(snapshot, &back, &w) == ERR_OK, "%s\n%.*s", w.text, (int)n, text);
            close(snapshot);
        } else {
            (void)config_from_snapshot(fd, &back, &w); /* not a snapshot, but no reason to fall over */
        }
        config_free(c);
        config_free(back);
        close(fd);
    }
    ck_assert_uint_gt(loaded, 0);
}
END_TEST

/* ---- what ships ---- */

static void read_shipped(const char *path, struct buf *b)
{
    struct why w;
    buf_init(b, 1 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, path, b, &w) == ERR_OK, "%s", w.text);
}

START_TEST(the_example_loads)
{
    struct heard h = {.n = 0};
    struct config *c = NULL;
    buf_init(&h.text, 65536);
    enum err e = config_read(TOP_SRCDIR "/deploy/creel.json.example", hear, &h, &c);
    ck_assert_msg(e == ERR_OK, "%.*s", (int)h.text.n, h.text.p ? h.text.p : "");
    ck_assert_uint_eq(c->n_sources, 7);
    config_free(c);
    buf_fini(&h.text);
}
END_TEST

/* A default in the schema is the value as it stands in a configuration. */
static bool same_default(const struct setting *s, struct span value)
{
    struct span plain = json_plain_string(value);
    struct span def = span_of(s->def, s->type == SETTING_ONE ? strcspn(s->def, " ") : strlen(s->def));
    return span_eq(plain.p ? plain : value, def);
}

static void schema_describes(struct span properties, const struct setting *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct span p = json_member(properties, rows[i].name);
        ck_assert_msg(p.p != NULL, "the schema lacks %s", rows[i].name);
        struct span help = json_plain_string(json_member(p, "description")), def = json_member(p, "default");
        ck_assert_msg(span_eq_str(help, rows[i].help), "%s: %.*s", rows[i].name, (int)help.n, help.p ? help.p : "");
        bool required = rows[i].min && !rows[i].def[0];
        ck_assert_msg(required ? !def.p : def.p && same_default(&rows[i], def), "default of %s", rows[i].name);
        if (rows[i].type == SETTING_INT) {
            int64_t min, max;
            ck_assert_int_eq(json_int(json_member(p, "minimum"), &min), ERR_OK);
            ck_assert_int_eq(json_int(json_member(p, "maximum"), &max), ERR_OK);
            ck_assert(min == rows[i].min && max == rows[i].max);
        }
    }
}

static size_t count_members(struct span object)
{
    struct span name, value;
    size_t n = 0;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);)
        n++;
    return n;
}

START_TEST(the_schema_describes_every_setting)
{
    struct buf b;
    struct json_error e;
    read_shipped(TOP_SRCDIR "/deploy/creel.schema.json", &b);
    struct span schema = buf_span(&b);
    ck_assert_int_eq(json_check(schema, JSON_LIMITS_DEFAULT, &e), ERR_OK);
    struct span top = json_pointer(schema, SPAN_LIT("/properties"));
    struct span source = json_pointer(schema, SPAN_LIT("/definitions/source/properties"));
    schema_describes(top, config_top_rows, CONFIG_TOP_ROWS);
    schema_describes(source, config_src_rows, CONFIG_SRC_ROWS);
    enum { TOP_SHAPED = 4 /* $schema include peer_users sources */, SOURCE_SHAPED = 12 };
    ck_assert_uint_eq(count_members(top), CONFIG_TOP_ROWS + TOP_SHAPED);
    ck_assert_uint_eq(count_members(source), CONFIG_SRC_ROWS + SOURCE_SHAPED);
    buf_fini(&b);
}
END_TEST

static void manual_tells(const char *manual, const struct setting *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char entry[512];
        snprintf(entry, sizeof entry, ".It Sy %s\n%s.\n", rows[i].name, rows[i].help);
        ck_assert_msg(strstr(manual, entry) != NULL, "the manual lacks: %s", entry);
    }
}

START_TEST(the_manual_tells_every_setting)
{
    struct buf b;
    read_shipped(TOP_SRCDIR "/man/creel.json.5", &b);
    buf_putc(&b, 0);
    manual_tells(b.p, config_top_rows, CONFIG_TOP_ROWS);
    manual_tells(b.p, config_src_rows, CONFIG_SRC_ROWS);
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_fault_has_its_line);
    tcase_add_test(t, all_faults_are_reported);
    tcase_add_test(t, what_is_sound_can_be_looked_at_beside_faults);
    tcase_add_test(t, an_unknown_peer_is_a_warning);
    tcase_add_test(t, a_path_is_found_decoded);
    tcase_add_test(t, all_settings_arrive_and_survive_a_snapshot);
    tcase_add_test(t, includes_tell_their_own_file_and_line);
    tcase_add_test(t, read_does_not_look_at_keys);
    tcase_add_test(t, a_folder_brings_its_keys);
    tcase_add_test(t, faults_of_a_folder_are_named);
    tcase_add_test(t, what_is_no_key_in_a_folder_is_a_warning);
    tcase_add_test(t, an_empty_folder_will_do);
    tcase_add_test(t, fixed_settings_are_named);
    tcase_add_test(t, defaults_are_the_interface);
    tcase_add_test(t, sources_are_found_by_path_and_name);
    tcase_add_test(t, addresses);
    tcase_add_test(t, patterns);
    tcase_add_test(t, mutations_are_loaded_or_refused);
    tcase_add_test(t, the_example_loads);
    tcase_add_test(t, the_schema_describes_every_setting);
    tcase_add_test(t, the_manual_tells_every_setting);
    suite_add_tcase(s, t);
    return suite_run(s);
}
