/* SPDX-License-Identifier: MIT
 * ask: requests to the control socket; and the verbs that are nothing else: drop, hold, resume, forget.
 */
#include "ctl/ask.h"

#include <stdio.h>

#include "base/json.h"
#include "ctl/past.h"

enum { ANSWER_BYTES = 8 << 20, REQUEST_BYTES = 1 << 20, IDS_MAX = 5000 };

static void print_refused(struct span refused)
{
    struct json_iter it = json_iter(refused);
    for (struct span one; json_next_element(&it, &one);) {
        struct span id = json_plain_string(json_member(one, "id")), why = json_plain_string(json_member(one, "why"));
        ctl_fail(EXIT_REFUSED, "%.*s: %.*s", (int)id.n, id.p ? id.p : "", (int)why.n, why.p ? why.p : "");
    }
}

static int judge(struct ctl *c, struct span answer, size_t *done)
{
    struct json_error bad;
    int64_t n = 0;
    if (json_check(answer, (struct json_limits){JSON_DEPTH_DEFAULT, 1 << 22}, &bad) != ERR_OK)
        return ctl_fail(EXIT_SYSTEM, "creeld's answer is not JSON: %s", bad.what);
    if (c->json)
        printf("%.*s\n", (int)answer.n, answer.p);
    if (json_type_of(json_member(answer, "ok")) != JSON_TRUE) {
        struct span detail = json_plain_string(json_member(answer, "detail"));
        return ctl_fail(EXIT_REFUSED, "%.*s", (int)detail.n, detail.p ? detail.p : "");
    }
    struct span refused = json_member(answer, "refused"), first;
    struct json_iter it = json_iter(refused.p ? refused : SPAN_LIT("[]"));
    if (done && json_int(json_member(answer, "done"), &n) == ERR_OK)
        *done += (size_t)n;
    if (!json_next_element(&it, &first))
        return 0;
    print_refused(refused);
    return EXIT_REFUSED;
}

int ask(struct ctl *c, const struct buf *request, size_t *done)
{
    struct buf answer;
    struct why w;
    if (request->failed)
        return ctl_fail(EXIT_USAGE, "too much for one request");
    buf_init(&answer, ANSWER_BYTES);
    enum err e = ctl_control(c, buf_span(request), &answer, &w);
    int status = e == ERR_OK ? judge(c, buf_span(&answer), done)
                             : ctl_fail(e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM, "%s", w.text);
    buf_fini(&answer);
    return status;
}

int verb_drop(struct ctl *c, int argc, char **argv)
{
    struct buf b;
    const char *function = NULL;
    size_t done = 0;
    (void)ctl_option(&argc, argv, "--function", &function);
    ctl_words(argc, argv, 1, IDS_MAX);
    buf_init(&b, REQUEST_BYTES);
    buf_puts(&b, "{\"op\":\"drop\",\"ids\":[");
    for (int i = 1; i < argc; i++) {
        (void)past_id(argv[i]);
        buf_printf(&b, "%s\"%s\"", i > 1 ? "," : "", argv[i]);
    }
    buf_putc(&b, ']');
    if (function) {
        buf_puts(&b, ",\"function\":");
        buf_put_json_text(&b, span_str(function));
    }
    buf_putc(&b, '}');
    int status = ask(c, &b, &done);
    buf_fini(&b);
    if (!c->json && done)
        printf("%zu dropped: dead now, creel replay brings them back\n", done);
    return status;
}

static int about_function(struct ctl *c, const char *op, int argc, char **argv)
{
    struct buf b;
    ctl_words(argc, argv, 1, 1);
    buf_init(&b, REQUEST_BYTES);
    buf_printf(&b, "{\"op\":\"%s\",\"function\":", op);
    buf_put_json_text(&b, span_str(argv[1]));
    buf_putc(&b, '}');
    int status = ask(c, &b, NULL);
    buf_fini(&b);
    return status;
}

int verb_hold(struct ctl *c, int argc, char **argv)
{
    int status = about_function(c, "hold", argc, argv);
    if (status == 0 && !c->json)
        printf("%s is held: its events wait until creel resume %s\n", argv[1], argv[1]);
    return status;
}

int verb_resume(struct ctl *c, int argc, char **argv)
{
    int status = about_function(c, "resume", argc, argv);
    if (status == 0 && !c->json)
        printf("%s is resumed\n", argv[1]);
    return status;
}

int verb_forget(struct ctl *c, int argc, char **argv)
{
    int status = about_function(c, "forget", argc, argv);
    if (status == 0 && !c->json)
        printf("%s claims no events any more; those it holds can be dropped\n", argv[1]);
    return status;
}
