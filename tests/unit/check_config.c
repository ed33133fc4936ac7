/* SPDX-License-Identifier: MIT
 * check_config: every fault has its line, place and reason; what loads comes back the same through a snapshot and through
 * its own printing; nothing is accepted that does nothing.
 */
#include "config_kit.h"

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
    "\"trusted_proxies\":[\"10.0.0.0/8\",\"::1\"],\n"
    "\"failed_limit\":{\"rate\":5,\"per\":\"2m\",\"ipv6_prefix\":56},\n"
    "\"admin_listen\":\"unix:/run/x/admin.sock\", \"control\":\"run/control.sock\", \"spool\":\"spool\", \"segment_size\":\"1MiB\",\n"
    "\"min_free\":\"2.5%\", \"retention\":\"36h\", \"log_format\":\"json\", \"threads\":3, \"include\":\"sources.d/*.json\",\n"
    "\"sources\": { \"shop\": { \"path\":\"/hooks/shop\", \"recipe\":\"signed\", \"params\":{\"verify_token\":\"s3cret\",\"webhook_id\":\"W1\"},\n"
    "  \"keys\":[{\"id\":\"2026-11\",\"secret_file\":\"key\",\"key_encoding\":\"hex\",\"not_before\":\"2026-11-01T00:00:00Z\"},\n"
    "            {\"id\":\"env\",\"secret_env\":\"SHOP_KEY\",\"not_after\":\"2027-01-01T00:00:00.250Z\"}],\n"
    "  \"type\":[\"header:X-Type\",\"json:/type\"], \"types\":[\"order.*\"], \"event_id\":\"json:/a~1b\", \"order_key\":\"path:2\",\n"
    "  \"version\":\"const:1\", \"methods\":[\"POST\",\"PUT\"], \"content_types\":[\"application/*\"], \"tolerance\":\"5m\",\n"
    "  \"dedupe\":{\"by\":[\"event_id\",\"header:X-Tenant\"],\"missing\":\"refuse\",\"window\":\"12h\",\"max\":500}, \"max_body\":\"2MiB\", \"durability\":\"written\", \"ack\":\"accepted\",\n"
    "  \"public_url\":\"https://x.example/hooks/shop\", \"tenant\":\"const:acme\",\n"
    "  \"limit\":[{\"rate\":100,\"burst\":200,\"key\":\"ip\"},{\"rate\":1,\"per\":\"1d\",\"key\":\"tenant\"},{\"rate\":2,\"key\":\"json:/a\",\"max\":9}],\n"
    "  \"answers\":{\"accepted\":{\"status\":200,\"content_type\":\"text/plain\",\"body\":\"\"},\"refused\":{\"status\":400}},\n"
    "  \"versions\":{\"1\":{\"deprecated\":\"2026-11-01T00:00:00Z\",\"sunset\":\"2027-01-01T00:00:00.250Z\",\"link\":\"https://x.example/v1\"},\n"
    "  \"\":{}}, \"unknown_version\":\"pass\" } } }";

static void check_full(const struct config *c)
{
    struct config_address a;
    struct why w;
    ck_assert_str_eq(c->listen, "[::1]:9000");
    ck_assert_int_eq(config_address(c->listen, &a, &w), ERR_OK);
    ck_assert(a.fd == -1 && a.addr.ss_family == AF_INET6);
    ck_assert_int_eq(c->listen_mode, 0600);
    ck_assert(c->n_peer_users == 1 && strcmp(c->peer_users[0], "root") == 0);
    ck_assert(c->n_trusted_proxies == 2 && strcmp(c->trusted_proxies[1], "::1") == 0);
    ck_assert(c->failed_limit.rate == 5 && c->failed_limit.burst == 5 && c->failed_limit.per_ms == 120000);
    ck_assert(c->failed_limit.by == LIMIT_BY_IP && c->failed_limit.ipv6_prefix == 56 && c->failed_limit.max == 65536);
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
    ck_assert(s->n_limits == 3 && s->n_tenant == 1 && s->limits[0].by == LIMIT_BY_IP && s->limits[1].by == LIMIT_BY_TENANT);
    ck_assert(s->limits[0].rate == 100 && s->limits[0].per_ms == 1000 && s->limits[0].burst == 200 && s->limits[0].ipv6_prefix == 64);
    ck_assert(s->limits[1].per_ms == 86400000 && s->limits[1].burst == 1 && s->limits[1].max == 65536);
    ck_assert(s->limits[2].by == LIMIT_BY_VALUE && strcmp(s->limits[2].key, "json:/a") == 0 && s->limits[2].max == 9);
    ck_assert(s->dedupe && s->n_dedupe_by == 2 && strcmp(s->dedupe_by[1], "header:X-Tenant") == 0);
    ck_assert_str_eq(s->dedupe_missing, "refuse");
    ck_assert(!config_dedupes_by_body(s) && s->dedupe_window_ms == 12 * 3600000 && s->dedupe_max == 500);
    ck_assert(s->tolerance == 300000 && s->max_body == 2 << 20 && strcmp(s->durability, "written") == 0);
    ck_assert_int_eq(s->answers[ANSWER_ACCEPTED].status, 200);
    ck_assert_str_eq(s->answers[ANSWER_ACCEPTED].body, "");
    ck_assert(s->answers[ANSWER_REFUSED].status == 400 && !s->answers[ANSWER_REFUSED].body && !s->answers[ANSWER_DUPLICATE].status);
    ck_assert(s->n_versions == 2 && strcmp(s->versions[0].name, "1") == 0 && strcmp(s->versions[1].name, "") == 0);
    ck_assert(s->versions[0].deprecated_ms == INT64_C(1793491200000) && s->versions[0].sunset_ms == INT64_C(1798761600250));
    ck_assert(strcmp(s->versions[0].link, "https://x.example/v1") == 0 && !s->versions[1].link && !s->versions[1].sunset_ms);
    ck_assert_str_eq(s->unknown_version, "pass");
    s = config_source_by_name(c, SPAN_LIT("extra"));
    ck_assert(s && s->n_versions == 0 && strcmp(s->unknown_version, "refuse") == 0);
    ck_assert(s && s->allow_unsigned && config_dedupes_by_body(s) && s->dedupe_window_ms == 300000 && s->n_keys == 0);
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

START_TEST(an_allow_list_survives_a_snapshot)
{
    struct config *c = load_good(IN_SOURCE(OPEN ",\"allow\":[\"192.0.2.0/24\",\"::1\"]")), *back = NULL;
    struct why w;
    int fd;
    ck_assert_int_eq(config_snapshot(c, &fd, &w), ERR_OK);
    ck_assert_msg(config_from_snapshot(fd, &back, &w) == ERR_OK, "%s", w.text);
    close(fd);
    ck_assert_uint_eq(back->sources[0].n_allow, 2);
    ck_assert_str_eq(back->sources[0].allow[0], "192.0.2.0/24");
    ck_assert_str_eq(back->sources[0].allow[1], "::1");
    config_free(back);
    config_free(c);
}
END_TEST

START_TEST(schemas_come_along)
{
    struct why w;
    struct heard h;
    struct config *c, *back = NULL;
    int fd;
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, in_dir("schemas"), 0755, &w), ERR_OK);
    write_file("schemas/b.v2.json", "// two\n{\"type\": \"object\"}", 0644);
    write_file("schemas/a.json", "true", 0644);
    write_file("schemas/.a.json", "{", 0644);
    write_file("schemas/README", "{", 0644);
    c = load_good("{\"recipes\":\"recipes\",\"schemas\":\"schemas\",\"schema_draft\":\"draft-07\",\"schema_formats\":true}");
    ck_assert_int_eq(config_snapshot(c, &fd, &w), ERR_OK);
    ck_assert_msg(config_from_snapshot(fd, &back, &w) == ERR_OK, "%s", w.text);
    close(fd);
    for (int i = 0; i < 2; i++) {
        const struct config *of = i ? back : c;
        ck_assert_uint_eq(of->n_schemas_loaded, 2);
        ck_assert_str_eq(of->schemas_loaded[0].name, "a");
        ck_assert_str_eq(of->schemas_loaded[0].text, "true");
        ck_assert_str_eq(of->schemas_loaded[1].name, "b.v2");
        ck_assert_str_eq(of->schemas_loaded[1].file, in_dir("schemas/b.v2.json"));
        ck_assert_str_eq(of->schemas_loaded[1].text, "      \n{\"type\": \"object\"}"); /* lines stay what they were */
        ck_assert(of->schema_formats && strcmp(of->schema_draft, "draft-07") == 0);
    }
    config_free(back);
    config_free(c);
    write_file("schemas/a.json", "{\n\"type\": }", 0644);
    ck_assert_int_eq(load_file("creel.json", &h, &c), ERR_INVALID);
    buf_putc(&h.text, 0);
    ck_assert(h.n == 1 && strstr(h.text.p, "/schemas/a.json:2: /: not valid JSON") != NULL);
    buf_fini(&h.text);
    ck_assert(config_schema_version(SPAN_LIT("v2")) && config_schema_version(SPAN_LIT("v2024-10-01_b")) &&
              config_schema_version(SPAN_LIT("v1.0.12")));
    ck_assert(!config_schema_version(SPAN_LIT("v")) && !config_schema_version(SPAN_LIT("vx")) && !config_schema_version(SPAN_LIT("2")) &&
              !config_schema_version(SPAN_LIT("v1.")) && !config_schema_version(SPAN_LIT("v1.b")) && !config_schema_version(SPAN_LIT("v1/2")) &&
              !config_schema_version(SPAN_LIT("")));
    static const char *const names[] = {"b.v2.json", "a.json", ".a.json", "README", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "schemas/%s", names[i]);
        ck_assert_int_eq(remove(in_dir(path)), 0);
    }
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
    ck_assert(s->dedupe && s->n_dedupe_by == 0 && strcmp(s->dedupe_missing, "body") == 0 && s->dedupe_window_ms == 86400000 && s->dedupe_max == 1000000);
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
    tcase_add_test(t, an_allow_list_survives_a_snapshot);
    tcase_add_test(t, schemas_come_along);
    tcase_add_test(t, includes_tell_their_own_file_and_line);
    tcase_add_test(t, read_does_not_look_at_keys);
    tcase_add_test(t, fixed_settings_are_named);
    tcase_add_test(t, defaults_are_the_interface);
    tcase_add_test(t, sources_are_found_by_path_and_name);
    tcase_add_test(t, addresses);
    tcase_add_test(t, patterns);
    tcase_add_test(t, mutations_are_loaded_or_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
