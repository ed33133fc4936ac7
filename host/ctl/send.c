/* SPDX-License-Identifier: MIT
 * send: creel send: signs events as their sender would and posts them, one to look at or many to measure with. Holds
 * the secret it was given for as long as it runs; prints no byte of it. One thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/units.h"
#include "ctl/ctl.h"
#include "ctl/letter.h"
#include "ctl/sample.h"
#include "ctl/shoot.h"
#include "recipe/recipe.h"

enum {
    SECRET_MAX = 65536,
    BODY_MAX = 1 << 30,
    LINES_MAX = 20,
    GIVEN_MAX = 16,
    MILLION = 1000000
}; /* LINES_MAX: answers printed */

struct sender {
    struct ctl *ctl;
    const struct config_source *source; /* --source, or NULL */
    const char *url, *recipe_name, *secret_file, *key_encoding, *type, *body_file, *request_file, *content_type;
    struct recipe_header given[GIVEN_MAX]; /* --header */
    size_t n_given;
    struct recipe *recipe;
    struct keyring *ring;
    struct recipe_context *context;
    struct arena scratch;
    struct sample sample;
    struct letter letter;  /* --request */
    struct buf body;       /* --body */
    struct span own_body;  /* of one of these; SPAN_NONE: made up */
    uint64_t count, bad;
};

/* ---- what to send ---- */

/* libcurl sends no header for "Name:", and an empty one for "Name;". */
static enum err add_line(struct shot *shot, const char *line, struct why *w)
{
    struct curl_slist *longer = curl_slist_append(shot->headers, line);
    if (!longer)
        return why_set(w, ERR_NO_MEMORY, "out of memory for headers");
    shot->headers = longer;
    return ERR_OK;
}

static enum err add_header(struct shot *shot, struct span name, struct span value, struct why *w)
{
    struct buf line;
    buf_init(&line, SECRET_MAX);
    buf_put_span(&line, name);
    buf_puts(&line, value.n ? ": " : ";");
    buf_put_span(&line, value);
    buf_putc(&line, 0);
    enum err e = line.failed ? why_set(w, ERR_NO_MEMORY, "out of memory for headers") : add_line(shot, line.p, w);
    buf_fini(&line);
    return e;
}

static bool has_header(const struct recipe_request *q, struct span name)
{
    for (size_t i = 0; i < q->n_headers; i++)
        if (span_eq_nocase(q->headers[i].name, name))
            return true;
    return false;
}

/* The headers of --request, but for those that --header gives. */
static void add_letter(const struct sender *s, struct recipe_request *q, struct recipe_header *headers)
{
    struct recipe_request by_hand = {.headers = headers, .n_headers = q->n_headers};
    for (size_t i = 0; i < s->letter.n; i++)
        if (!has_header(&by_hand, s->letter.headers[i].name))
            headers[q->n_headers++] = s->letter.headers[i];
}

static enum err make(void *arg, struct shot *shot, struct why *w)
{
    struct sender *s = arg;
    struct recipe_header headers[SHOOT_HEADERS_MAX];
    const char *public_url = s->source && s->source->public_url[0] ? s->source->public_url : s->url;
    struct recipe_request q = {
        .method = SPAN_LIT("POST"), .url = span_str(public_url), .headers = headers, .now_ms = clock_wall_ms()};
    struct id id = id_new(q.now_ms);
    id_format(&id, shot->id);
    shot->id[ID_TEXT_BYTES] = 0;
    if (s->own_body.p)
        buf_put_span(&shot->body, s->own_body);
    else
        sample_body(&s->sample, s->type, shot->id, shot->number, q.now_ms, &shot->body);
    q.body = buf_span(&shot->body);
    for (; q.n_headers < s->n_given; q.n_headers++)
        headers[q.n_headers] = s->given[q.n_headers];
    add_letter(s, &q, headers);
    if (s->sample.type_header && !has_header(&q, span_str(s->sample.type_header)))
        headers[q.n_headers++] = (struct recipe_header){span_str(s->sample.type_header), span_str(s->type)};
    if (s->sample.id_header && !has_header(&q, span_str(s->sample.id_header)))
        headers[q.n_headers++] = (struct recipe_header){span_str(s->sample.id_header), span_str(shot->id)};
    if (!has_header(&q, SPAN_LIT("Content-Type")))
        headers[q.n_headers++] = (struct recipe_header){SPAN_LIT("Content-Type"), span_str(s->content_type)};
    arena_reset(&s->scratch);
    size_t n;
    enum err e = recipe_sign(s->recipe, s->ring, s->context, &q, shot->id, &s->scratch, headers + q.n_headers,
                             SHOOT_HEADERS_MAX - q.n_headers, &n, w);
    for (size_t i = 0; e == ERR_OK && i < q.n_headers + n; i++)
        e = add_header(shot, headers[i].name, headers[i].value, w);
    return e == ERR_OK ? add_line(shot, "Expect:", w) : e;
}

/* ---- what came of it ---- */

static void answer_json(const struct shot *shot)
{
    struct buf b;
    buf_init(&b, 8 * SHOOT_ANSWER_BYTES);
    buf_printf(&b, "{\"n\":%llu,\"event_id\":\"%s\",\"status\":%d,\"ms\":%.3f,\"answer\":",
               (unsigned long long)shot->number, shot->id, shot->status, (double)shot->micros / 1000);
    buf_put_json_text(&b, shot->status ? span_of(shot->answer, shot->n_answer) : span_str(shot->error));
    puts(b.failed ? "{}" : (buf_putc(&b, '}'), buf_putc(&b, 0), b.p));
    buf_fini(&b);
}

static void answer_text(const struct shot *shot)
{
    struct span text = shot->status ? span_of(shot->answer, shot->n_answer) : span_str(shot->error);
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    printf("%3d  %8.2f ms  ", shot->status, (double)shot->micros / 1000);
    for (size_t i = 0; i < text.n; i++) /* what others say must not steer the terminal */
        putchar((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? ' ' : text.p[i]);
    putchar('\n');
}

static void answered(void *arg, const struct shot *shot)
{
    struct sender *s = arg;
    bool bad = shot->status < 200 || shot->status > 299;
    if (s->count > LINES_MAX && (!bad || ++s->bad > LINES_MAX))
        return;
    if (s->ctl->json)
        answer_json(shot);
    else
        answer_text(shot);
}

static void print_statuses(const struct shoot_result *r, bool json)
{
    bool first = true;
    for (int i = 0; i < SHOOT_STATUSES; i++) {
        unsigned long long n = r->by_status[i];
        if (n == 0)
            continue;
        fputs(first ? "" : json ? "," : ", ", stdout);
        printf(json ? "\"%d\":%llu" : "%d × %llu", i, n);
        first = false;
    }
}

static void print_summary(const struct sender *s, const struct shoot_result *r)
{
    double rate = r->seconds > 0 ? (double)r->sent / r->seconds : 0;
    double p50 = shoot_percentile(r, 0.5), p90 = shoot_percentile(r, 0.9), p99 = shoot_percentile(r, 0.99),
           max = shoot_percentile(r, 1);
    if (s->ctl->json) {
        printf("{\"sent\":%llu,\"accepted\":%llu,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,"
               "\"p99_ms\":%.3f,"
               "\"max_ms\":%.3f,\"statuses\":{",
               (unsigned long long)r->sent, (unsigned long long)r->accepted, r->seconds, rate, p50, p90, p99, max);
        print_statuses(r, true);
        puts("}}");
        return;
    }
    printf("%llu sent in %.2f s, %.1f a second; %llu accepted; status: ", (unsigned long long)r->sent, r->seconds, rate,
           (unsigned long long)r->accepted);
    print_statuses(r, false);
    printf("\nlatency: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms\n", p50, p90, p99, max);
}

/* ---- who signs ---- */

static enum err read_file(const char *path, size_t max, struct buf *out, struct why *w)
{
    buf_init(out, max);
    return fs_read(AT_FDCWD, path, out, w);
}

static struct span without_newline(struct span s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

static enum err ring_from(struct sender *s, struct span text, struct why *w)
{
    const struct keyring_key key = {
        .id = "send", .encoding = s->key_encoding, .raw = without_newline(text), .not_after_ms = INT64_MAX};
    return keyring_new(s->recipe, &key, 1, &s->ring, w);
}

static enum err ring_from_file(struct sender *s, const char *path, struct why *w)
{
    struct buf text;
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 07))
        fprintf(stderr, "creel send: warning: other users can read %s (chmod 0640)\n", path);
    enum err e = read_file(path, SECRET_MAX, &text, w);
    if (e == ERR_OK)
        e = ring_from(s, buf_span(&text), w);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_fini(&text);
    return e;
}

/* The source's key that is valid now and has a secret. */
static enum err ring_from_source(struct sender *s, struct why *w)
{
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < s->source->n_keys; i++) {
        const struct config_key *k = &s->source->keys[i];
        if (now < k->not_before_ms || now > k->not_after_ms || k->public_key_file)
            continue;
        if (!s->key_encoding)
            s->key_encoding = k->encoding;
        if (k->secret_file)
            return ring_from_file(s, k->secret_file, w);
        const char *value = getenv(k->secret_env);
        return value ? ring_from(s, span_str(value), w)
                     : why_set(w, ERR_NOT_FOUND, "key %s is in the variable %s, which is not set here", k->id,
                               k->secret_env);
    }
    return why_set(w, ERR_NOT_FOUND, "source %s has no secret that is valid now: give what signs by --secret-file",
                   s->source->name);
}

static enum err load_ring(struct sender *s, struct why *w)
{
    if (recipe_is_none(s->recipe))
        return keyring_new(s->recipe, NULL, 0, &s->ring, w);
    if (s->secret_file)
        return ring_from_file(s, s->secret_file, w);
    if (s->source)
        return ring_from_source(s, w);
    return why_set(w, ERR_INVALID, "recipe %s signs: --secret-file F is missing", recipe_name(s->recipe));
}

static enum err load_letter(struct sender *s, struct why *w)
{
    enum err e = letter_read(&s->letter, s->request_file, s->recipe, w);
    if (e != ERR_OK)
        return e;
    const struct line_event *event = &s->letter.occasion.event;
    s->own_body = span_of(event->body.p ? event->body.p : "", event->body.n);
    if (!s->type)
        s->type = arena_copy(&s->letter.arena, event->type).p;
    if (!s->content_type && event->content_type.p)
        s->content_type = arena_copy(&s->letter.arena, event->content_type).p;
    return ERR_OK;
}

static enum err load_body(struct sender *s, struct why *w)
{
    enum err e = ERR_OK;
    if (s->request_file)
        e = load_letter(s, w);
    else if (s->body_file && (e = read_file(s->body_file, BODY_MAX, &s->body, w)) == ERR_OK)
        s->own_body = buf_span(&s->body);
    if (!s->type)
        s->type = "creel.test";
    if (!s->content_type)
        s->content_type = "application/json";
    return e;
}

static enum err load(struct sender *s, struct why *w)
{
    const char *variant = NULL;
    for (size_t i = 0; s->source && i < s->source->n_params; i++)
        if (strcmp(s->source->params[i].name, "variant") == 0)
            variant = s->source->params[i].value;
    enum err e = ctl_recipe(s->ctl, s->recipe_name, variant, &s->recipe, w);
    if (e == ERR_OK)
        e = load_ring(s, w);
    if (e == ERR_OK)
        e = load_body(s, w);
    if (e == ERR_OK)
        e = sample_init(&s->sample, s->recipe, s->source, s->own_body.p != NULL, w);
    if (e == ERR_OK && !arena_init(&s->scratch, 2 * s->own_body.n + (1 << 20)))
        e = why_set(w, ERR_NO_MEMORY, "out of memory");
    return e == ERR_OK ? recipe_context_new(&s->context) : e;
}

static void unload(struct sender *s)
{
    recipe_context_free(s->context);
    keyring_free(s->ring);
    recipe_free(s->recipe);
    arena_fini(&s->scratch);
    letter_fini(&s->letter);
    buf_fini(&s->body);
}

/* ---- the command line ---- */

static void take_header(struct sender *s, const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || s->n_given == GIVEN_MAX)
        exit(ctl_usage("--header must be 'Name: value', %d times at most", GIVEN_MAX));
    struct span value = span_str(colon + 1);
    while (value.n > 0 && value.p[0] == ' ')
        value = span_skip(value, 1);
    s->given[s->n_given++] = (struct recipe_header){span_of(text, (size_t)(colon - text)), value};
}

static void take_source(struct sender *s, const char *name)
{
    s->source = config_source_by_name(ctl_config(s->ctl), span_str(name));
    if (!s->source)
        exit(ctl_fail(EXIT_REFUSED, "%s has no source '%s'", s->ctl->config_file, name));
    if (!s->recipe_name)
        s->recipe_name = s->source->recipe;
    if (!s->url && s->source->public_url[0])
        s->url = s->source->public_url;
    if (!s->url)
        exit(ctl_usage("source %s has no public_url: give the URL", name));
}

static void take_options(struct sender *s, struct shoot *shoot, int *argc, char **argv)
{
    const char *value, *source = NULL;
    static const struct {
        const char *name;
        size_t at;
    } texts[] = {
        {"--recipe", offsetof(struct sender, recipe_name)},
        {"--secret-file", offsetof(struct sender, secret_file)},
        {"--type", offsetof(struct sender, type)},
        {"--body", offsetof(struct sender, body_file)},
        {"--request", offsetof(struct sender, request_file)},
        {"--key-encoding", offsetof(struct sender, key_encoding)},
        {"--content-type", offsetof(struct sender, content_type)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ctl_option(argc, argv, texts[i].name, (const char **)((char *)s + texts[i].at));
    while (ctl_option(argc, argv, "--header", &value))
        take_header(s, value);
    if (ctl_option(argc, argv, "--count", &value))
        s->count = (uint64_t)ctl_number("--count", value, 1, 100 * MILLION);
    if (ctl_option(argc, argv, "--rate", &value))
        shoot->rate = ctl_number("--rate", value, 1, MILLION);
    shoot->concurrency = s->count > 1 ? 8 : 1;
    if (ctl_option(argc, argv, "--concurrency", &value))
        shoot->concurrency = ctl_number("--concurrency", value, 1, 4096);
    ctl_option(argc, argv, "--source", &source);
    ctl_words(*argc, argv, source ? 0 : 1, 1);
    s->url = *argc > 1 ? argv[1] : NULL;
    if (source)
        take_source(s, source);
    if (s->body_file && s->request_file)
        exit(ctl_usage("--body and --request: give one of them"));
    if (!s->recipe_name)
        exit(ctl_usage("--recipe R or --source NAME is missing"));
    if (strncasecmp(s->url, "http://", 7) != 0 && strncasecmp(s->url, "https://", 8) != 0)
        exit(ctl_usage("'%s' is no URL: it begins with http:// or https://", s->url));
}

int verb_send(struct ctl *c, int argc, char **argv)
{
    struct sender s = {.ctl = c, .count = 1};
    struct shoot shoot = {.arg = &s, .make = make, .answered = answered};
    struct shoot_result result = {0};
    struct why w;
    int status;
    take_options(&s, &shoot, &argc, argv);
    shoot.url = s.url;
    shoot.count = s.count;
    shoot.progress = s.count > LINES_MAX && !c->json && isatty(STDERR_FILENO);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum err e = load(&s, &w);
    if (e != ERR_OK) {
        status = ctl_fail(e == ERR_SYSTEM || e == ERR_NO_MEMORY ? EXIT_SYSTEM : EXIT_USAGE, "%s", w.text);
        goto out;
    }
    e = shoot_all(&shoot, &result, &w);
    if (e != ERR_OK) {
        status = ctl_fail(e == ERR_SYSTEM || e == ERR_NO_MEMORY ? EXIT_SYSTEM : EXIT_REFUSED, "%s", w.text);
        goto out;
    }
    if (s.count > 1)
        print_summary(&s, &result);
    status = result.accepted == result.sent ? 0 : result.unanswered ? EXIT_SYSTEM : EXIT_REFUSED;
out:
    free(result.micros);
    unload(&s);
    curl_global_cleanup();
    return status;
}
