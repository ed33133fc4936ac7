/* SPDX-License-Identifier: MIT
 * test: creel test: one event, or a file of cases, through a function in a real slot. Needs no daemon and touches no spool.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "ctl/ctl.h"
#include "ctl/subject.h"
#include "ctl/trial.h"
#include "creel.h"

enum { FILE_BYTES = 384 << 20, OUTPUT_BYTES = 4 << 20 };

static const char *const levels[LOG_LEVELS] = {"DEBUG", "INFO", "WARN", "ERROR"};

/* ---- one event ---- */

static void show_line(void *arg, int level, struct span text)
{
    (void)arg;
    if (level >= 0)
        printf("%s ", levels[level]);
    fwrite(text.p, 1, text.n, stdout);
    putchar('\n');
}

/* The same lines, kept as JSON strings: "a","b". */
static void keep_line(void *arg, int level, struct span text)
{
    struct buf *b = arg, line;
    buf_init(&line, text.n + 16);
    if (level >= 0)
        buf_printf(&line, "%s ", levels[level]);
    buf_put_span(&line, text);
    if (b->n)
        buf_putc(b, ',');
    buf_put_json_text(b, buf_span(&line));
    buf_fini(&line);
}

static void show_result(const struct trial_result *r, struct span reply)
{
    printf("%s in %lld ms", r->outcome, (long long)r->ms);
    if (r->retry_after_ms >= 0)
        printf(", again after %lld s", (long long)r->retry_after_ms / 1000);
    printf("%s%s\n", *r->reason ? ": " : "", r->reason);
    if (r->left)
        puts("It left processes behind; they were ended with the run.");
    if (!r->replied)
        return;
    printf("reply, %zu bytes\n", reply.n);
    fwrite(reply.p, 1, reply.n, stdout);
    if (reply.n && reply.p[reply.n - 1] != '\n')
        putchar('\n');
}

static void print_result(const struct trial_result *r, struct span output, struct span reply)
{
    struct buf b;
    buf_init(&b, OUTPUT_BYTES * 2);
    buf_printf(&b, "{\"outcome\":\"%s\",\"reason\":", r->outcome);
    buf_put_json_text_or_null(&b, *r->reason ? span_str(r->reason) : SPAN_NONE);
    buf_puts(&b, ",\"retry_after_ms\":");
    if (r->retry_after_ms >= 0)
        buf_put_i64(&b, r->retry_after_ms);
    else
        buf_puts(&b, "null");
    buf_printf(&b, ",\"ms\":%lld,\"left\":%s,\"output\":[", (long long)r->ms, r->left ? "true" : "false");
    buf_put_span(&b, output);
    buf_puts(&b, "],\"reply\":");
    buf_put_json_text_or_null(&b, r->replied ? reply : SPAN_NONE);
    buf_puts(&b, "}\n");
    fwrite(b.p, 1, b.n, stdout);
    buf_fini(&b);
}

static int test_event(const struct ctl *c, const struct trial *t, const char *file)
{
    struct buf text, output, reply;
    struct why w = {{0}};
    struct occasion o = {.attempt = 0};
    struct trial_result r;
    buf_init(&text, FILE_BYTES);
    buf_init(&output, OUTPUT_BYTES);
    buf_init(&reply, CREEL_REPLY_BYTES);
    struct trial run = *t;
    run.line = c->json ? keep_line : show_line;
    run.arg = &output;
    run.reply = &reply;
    enum err e = ctl_read_json(file, &text, &w);
    if (!e && (e = occasion_read(&o, buf_span(&text), t->name, clock_wall_ms(), &w)) != ERR_OK)
        ctl_fail(EXIT_USAGE, "%s: %s", file, w.text);
    else if (e)
        ctl_fail(EXIT_USAGE, "%s", w.text);
    int status = EXIT_USAGE;
    if (!e && (e = trial_run(&run, &o, &r, &w)) != ERR_OK)
        status = ctl_fail(e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM, "%s: %s", t->name, w.text);
    if (!e) {
        if (c->json)
            print_result(&r, buf_span(&output), buf_span(&reply));
        else
            show_result(&r, buf_span(&reply));
        status = strcmp(r.outcome, "DONE") == 0 ? 0 : EXIT_REFUSED;
    }
    occasion_fini(&o);
    buf_fini(&text);
    buf_fini(&output);
    buf_fini(&reply);
    return status;
}

/* ---- a file of cases ---- */

/* What the case expects of one member, as text; SPAN_NONE: nothing. */
static struct span expected(struct span test, const char *pointer)
{
    return json_pointer(test, span_str(pointer));
}

/* Is it? Says what is otherwise in `otherwise`. */
static bool as_expected(struct span want, struct span got, const char *what, struct buf *otherwise)
{
    struct buf text;
    buf_init(&text, FILE_BYTES);
    bool good = !want.p || (json_scalar_text(want, &text) == ERR_OK && span_eq(buf_span(&text), got));
    if (!good)
        buf_printf(otherwise, "%s is \"%.*s\", not %.*s", what, (int)got.n, got.n ? got.p : "", (int)want.n, want.p);
    buf_fini(&text);
    return good;
}

/* The list of lines, element by element, because the file may write them with white space and other escapes. */
static bool output_as_expected(struct span want, struct span got_elements, struct buf *otherwise)
{
    if (!want.p)
        return true;
    struct buf list, a, b;
    buf_init(&list, OUTPUT_BYTES + 2);
    buf_init(&a, OUTPUT_BYTES);
    buf_init(&b, OUTPUT_BYTES);
    buf_printf(&list, "[%.*s]", (int)got_elements.n, got_elements.p);
    struct json_iter wants = json_iter(want), gots = json_iter(buf_span(&list));
    struct span want_line, got_line;
    bool good = true, more_want, more_got;
    while ((more_want = json_next_element(&wants, &want_line), more_got = json_next_element(&gots, &got_line),
            good && more_want && more_got)) {
        buf_clear(&a);
        buf_clear(&b);
        good = json_scalar_text(want_line, &a) == ERR_OK && json_scalar_text(got_line, &b) == ERR_OK &&
               span_eq(buf_span(&a), buf_span(&b));
    }
    good = good && more_want == more_got;
    if (!good)
        buf_printf(otherwise, "its output is %.*s", (int)list.n, list.p);
    buf_fini(&list);
    buf_fini(&a);
    buf_fini(&b);
    return good;
}

static void print_case(const struct ctl *c, struct span name, const struct trial_result *r, const struct buf *otherwise)
{
    struct buf b;
    if (!c->json && !otherwise->n)
        printf("ok %.*s (%s)\n", (int)name.n, name.p, r->outcome);
    else if (!c->json)
        printf("FAILED %.*s: %.*s\n", (int)name.n, name.p, (int)otherwise->n, otherwise->p);
    if (!c->json)
        return;
    buf_init(&b, OUTPUT_BYTES * 4);
    buf_puts(&b, "{\"case\":");
    buf_put_json_text(&b, name);
    buf_printf(&b, ",\"passed\":%s,\"outcome\":\"%s\",\"why\":", otherwise->n ? "false" : "true", r->outcome);
    buf_put_json_text_or_null(&b, otherwise->n ? buf_span(otherwise) : SPAN_NONE);
    buf_puts(&b, "}\n");
    fwrite(b.p, 1, b.n, stdout);
    buf_fini(&b);
}

/* 1 passed, 0 failed, -1 the case cannot be run (said). */
static int test_case(const struct ctl *c, const struct trial *base, struct span test, size_t number)
{
    char name[256];
    struct buf text, output, reply, otherwise;
    struct why w = {{0}};
    struct occasion o = {.attempt = 0};
    struct trial t = *base;
    struct trial_result r;
    buf_init(&text, sizeof name);
    buf_init(&output, OUTPUT_BYTES);
    buf_init(&reply, CREEL_REPLY_BYTES + 1);
    buf_init(&otherwise, 2 * OUTPUT_BYTES);
    t.line = keep_line;
    t.arg = &output;
    t.reply = &reply;
    struct span config = json_member(test, "config"), timeout = json_member(test, "timeout"), event = json_member(test, "event");
    if (config.p)
        t.config = config;
    (void)json_unescape(json_member(test, "case"), &text);
    snprintf(name, sizeof name, "%.*s", (int)text.n, text.n ? text.p : "case");
    enum err e = ERR_OK;
    if (json_type_of(json_member(test, "expect")) != JSON_OBJECT)
        e = why_set(&w, ERR_INVALID, "/expect: an object with outcome, reason, output or reply is needed, or the case could not fail");
    else if (timeout.p && duration_parse(json_plain_string(timeout), &t.timeout_ms) != ERR_OK)
        e = why_set(&w, ERR_INVALID, "/timeout: must be a duration like \"5s\"");
    if (!e)
        e = occasion_read(&o, event.p ? event : SPAN_LIT("{}"), t.name, clock_wall_ms(), &w);
    if (!e)
        e = trial_run(&t, &o, &r, &w);
    int result = -1;
    if (e) {
        ctl_fail(EXIT_USAGE, "case %zu (%s): %s", number, name, w.text);
    } else {
        result = as_expected(expected(test, "/expect/outcome"), span_str(r.outcome), "the outcome", &otherwise) &&
                 as_expected(expected(test, "/expect/reason"), span_str(r.reason), "the reason", &otherwise) &&
                 as_expected(expected(test, "/expect/reply"), buf_span(&reply), "the reply", &otherwise) &&
                 output_as_expected(expected(test, "/expect/output"), buf_span(&output), &otherwise);
        print_case(c, span_str(name), &r, &otherwise);
    }
    occasion_fini(&o);
    buf_fini(&text);
    buf_fini(&output);
    buf_fini(&reply);
    buf_fini(&otherwise);
    return result;
}

static int test_cases(const struct ctl *c, const struct trial *t, const char *file)
{
    struct buf text;
    struct why w = {{0}};
    buf_init(&text, FILE_BYTES);
    if (ctl_read_json(file, &text, &w) != ERR_OK || json_type_of(buf_span(&text)) != JSON_ARRAY) {
        buf_fini(&text);
        return ctl_fail(EXIT_USAGE, "%s", *w.text ? w.text : "a file of cases holds a list of objects");
    }
    struct json_iter it = json_iter(buf_span(&text));
    struct span test;
    size_t passed = 0, failed = 0;
    int result = 0;
    while (result >= 0 && json_next_element(&it, &test)) {
        result = test_case(c, t, test, passed + failed + 1);
        passed += result > 0;
        failed += result == 0;
    }
    buf_fini(&text);
    printf(c->json ? "{\"passed\":%zu,\"failed\":%zu}\n" : "%zu passed, %zu failed\n", passed, failed);
    return result < 0 ? EXIT_USAGE : failed ? EXIT_REFUSED : 0;
}

int verb_test(struct ctl *c, int argc, char **argv)
{
    const char *config = NULL, *timeout = NULL, *cases = NULL;
    struct json_error error;
    struct why w = {{0}};
    struct subject s;
    struct trial t = {.name = s.name, .uid = (uid_t)-1, .gid = (gid_t)-1};
    (void)ctl_option(&argc, argv, "--config", &config);
    (void)ctl_option(&argc, argv, "--timeout", &timeout);
    bool many = ctl_option(&argc, argv, "--cases", &cases);
    ctl_words(argc, argv, many ? 1 : 2, many ? 1 : 2);
    if (timeout && (duration_parse(span_str(timeout), &t.timeout_ms) != ERR_OK || t.timeout_ms == 0))
        return ctl_usage("--timeout must be a duration like 5s or 250ms");
    if (config && json_check(span_str(config), JSON_LIMITS_DEFAULT, &error) != ERR_OK)
        return ctl_usage("--config is not JSON: %s at byte %zu", error.what, error.offset);
    t.config = config ? span_str(config) : SPAN_NONE;
    int status;
    if (subject_open(&s, argv[1], &w) != ERR_OK) {
        status = ctl_fail(EXIT_USAGE, "%s", w.text);
    } else {
        t.so_fd = s.so_fd;
        t.sidecar = s.sidecar;
        status = many ? test_cases(c, &t, cases) : test_event(c, &t, argv[2]);
    }
    subject_close(&s);
    return status;
}
