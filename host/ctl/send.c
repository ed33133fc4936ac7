/* SPDX-License-Identifier: MIT
 * send: creel send: signs events as their sender would and posts them, one to look at or many to measure with. Holds
 * the secret it was given for as long as it runs; prints no byte of it. One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/credential.h"
#include "ctl/ctl.h"
#include "ctl/letter.h"
#include "ctl/sample.h"
#include "ctl/shoot.h"
#include "ctl/signing_key.h"
#include "recipe/recipe.h"

enum {
    HEADER_LINE_MAX = 2 << 20, /* a token may be long */
    BODY_MAX = 1 << 30,
    LINES_MAX = 20,
    GIVEN_MAX = 16,
    PARAMS_MAX = 16,
    MILLION = 1000000
}; /* LINES_MAX: answers printed */

struct sender {
    struct ctl *ctl;
    const struct config_source *source; /* --source, or NULL */
    const char *url, *public_url, *recipe_name, *secret_file, *key_encoding, *type, *body_file, *request_file,
        *content_type;
    struct span base, query; /* of the URL: what is before the '?', and behind it */
    struct config_param params[PARAMS_MAX]; /* --param, then the source's */
    size_t n_params;
    struct recipe_header given[GIVEN_MAX]; /* --header */
    size_t n_given;
    struct recipe *recipe;
    struct keyring *ring;
    struct auth *auth; /* what the source asks for besides, or NULL */
    struct buf full_url; /* with a token that belongs there */
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
    buf_init(&line, HEADER_LINE_MAX);
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

static void add_given(struct recipe_request *q, struct recipe_header *headers, struct span name, struct span value)
{
    if (!has_header(q, name))
        headers[q->n_headers++] = (struct recipe_header){name, value};
}

/* By hand first, then credentials, then those of the letter, then what the sample puts there. */
static void gather_headers(const struct sender *s, const struct shot *shot, const struct auth_offer *offer,
                           struct recipe_request *q, struct recipe_header *headers)
{
    for (; q->n_headers < s->n_given; q->n_headers++)
        headers[q->n_headers] = s->given[q->n_headers];
    for (size_t i = 0; i < offer->n_headers; i++)
        add_given(q, headers, offer->headers[i].name, offer->headers[i].value);
    add_letter(s, q, headers);
    for (size_t i = 0; i < s->sample.n; i++)
        if (s->sample.places[i].kind == SAMPLE_HEADER)
            add_given(q, headers, s->sample.places[i].where, sample_value(&s->sample.places[i], shot->id));
    add_given(q, headers, SPAN_LIT("Content-Type"), span_str(s->content_type));
}

static enum err put_body(const struct sender *s, struct shot *shot, int64_t now_ms, struct why *w)
{
    if (!s->own_body.p)
        return sample_body(&s->sample, shot->id, shot->number, now_ms, &shot->body, w);
    buf_put_span(&shot->body, s->own_body);
    return ERR_OK;
}

/* What signing made of the request beside its headers. */
static void take_changes(struct sender *s, struct shot *shot, const struct recipe_signed *made, struct span query)
{
    if (made->body_changed) {
        buf_clear(&shot->body);
        buf_put_span(&shot->body, made->body);
        if (s->own_body.p && shot->number == 1)
            fprintf(stderr, "creel send: recipe %s has a part of its proof in the body, which was changed for it\n",
                    recipe_name(s->recipe));
    }
    if (made->query.p == query.p)
        return;
    buf_put_span(&shot->url, s->base);
    buf_putc(&shot->url, '?');
    buf_put_span(&shot->url, made->query);
    buf_putc(&shot->url, 0);
}

static struct span public_url(const struct sender *s)
{
    if (s->public_url)
        return span_str(s->public_url);
    return s->source && s->source->public_url[0] ? span_str(s->source->public_url) : s->base;
}

static enum err make(void *arg, struct shot *shot, struct why *w)
{
    struct sender *s = arg;
    struct recipe_header headers[SHOOT_HEADERS_MAX];
    struct recipe_signed made = {.n_headers = 0};
    struct auth_offer offer;
    struct recipe_request q = {.method = SPAN_LIT("POST"),
                               .url = public_url(s),
                               .query = s->query,
                               .headers = headers,
                               .params = s->params,
                               .n_params = s->n_params,
                               .now_ms = clock_wall_ms()};
    struct id id = id_new(q.now_ms);
    id_format(&id, shot->id);
    shot->id[ID_TEXT_BYTES] = 0;
    enum err e = put_body(s, shot, q.now_ms, w);
    if (e != ERR_OK)
        return e;
    q.body = buf_span(&shot->body);
    arena_reset(&s->scratch);
    e = auth_offer(s->auth, s->context, q.now_ms, &s->scratch, &offer);
    if (e != ERR_OK)
        return why_set(w, e, "no room for the credentials of source %s", s->source->name);
    gather_headers(s, shot, &offer, &q, headers);
    e = recipe_sign(s->recipe, s->ring, s->context, &q, shot->id, &s->scratch, &made, w);
    for (size_t i = 0; e == ERR_OK && i < q.n_headers; i++)
        e = add_header(shot, headers[i].name, headers[i].value, w);
    for (size_t i = 0; e == ERR_OK && i < made.n_headers; i++)
        e = add_header(shot, made.headers[i].name, made.headers[i].value, w);
    if (e == ERR_OK)
        take_changes(s, shot, &made, q.query);
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

/* ---- what it is made of ---- */

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

static enum err read_body(struct sender *s, struct why *w)
{
    buf_init(&s->body, BODY_MAX);
    return ctl_read(s->body_file, &s->body, w);
}

static enum err load_body(struct sender *s, struct why *w)
{
    enum err e = ERR_OK;
    if (s->request_file)
        e = load_letter(s, w);
    else if (s->body_file && (e = read_body(s, w)) == ERR_OK)
        s->own_body = buf_span(&s->body);
    if (!s->content_type)
        s->content_type = recipe_signs_form(s->recipe) ? "application/x-www-form-urlencoded" : "application/json";
    return e;
}

static const char *param(const struct sender *s, const char *name)
{
    for (size_t i = 0; i < s->n_params; i++)
        if (strcmp(s->params[i].name, name) == 0)
            return s->params[i].value;
    return NULL;
}

/* Those of --param win. */
static enum err add_params(struct sender *s, struct why *w)
{
    for (size_t i = 0; s->source && i < s->source->n_params; i++) {
        if (s->n_params == PARAMS_MAX)
            return why_set(w, ERR_INVALID, "more than %d parameters", PARAMS_MAX);
        if (!param(s, s->source->params[i].name))
            s->params[s->n_params++] = s->source->params[i];
    }
    return ERR_OK;
}

/* RFC 3986: the query ends where a fragment begins, which is never sent. */
static void take_url(struct sender *s)
{
    size_t base = strcspn(s->url, "?#");
    s->base = span_of(s->url, base);
    if (s->url[base] == '?')
        s->query = span_of(s->url + base + 1, strcspn(s->url + base + 1, "#"));
}

/* What the source asks of its callers: the URL with its token, and what cannot be had is said once. */
static enum err load_auth(struct sender *s, struct why *w)
{
    struct auth_offer offer;
    s->auth = s->source ? credential_load(ctl_config(s->ctl), s->source) : NULL;
    enum err e = auth_offer(s->auth, s->context, clock_wall_ms(), &s->scratch, &offer);
    if (e != ERR_OK)
        return why_set(w, e, "no room for credentials");
    if (offer.url_token.p && !credential_url(&offer, s->source, s->base, s->query, &s->full_url))
        offer.lacks[AUTH_URL_TOKEN] = "the path of the URL is not the source's with all segments that stand before it";
    buf_putc(&s->full_url, 0);
    if (s->full_url.failed)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    if (offer.url_token.p) {
        s->url = s->full_url.p;
        take_url(s);
    }
    if (s->auth)
        credential_warn(&offer, s->source, s->given, s->n_given);
    return ERR_OK;
}

static enum err load(struct sender *s, struct why *w)
{
    enum err e = add_params(s, w);
    if (e == ERR_OK)
        e = ctl_recipe(s->ctl, s->recipe_name, param(s, "variant"), &s->recipe, w);
    if (e == ERR_OK)
        e = signing_key_load(s->recipe, s->secret_file, s->key_encoding, s->source, &s->ring, w);
    if (e == ERR_OK)
        e = load_body(s, w);
    if (e == ERR_OK)
        e = sample_init(&s->sample, s->recipe, s->source, s->type, s->own_body.p != NULL, w);
    if (e == ERR_OK && !arena_init(&s->scratch, 8 * s->own_body.n + (4 << 20)))
        e = why_set(w, ERR_NO_MEMORY, "out of memory");
    if (e == ERR_OK)
        e = recipe_context_new(&s->context);
    return e == ERR_OK ? load_auth(s, w) : e;
}

static void unload(struct sender *s)
{
    recipe_context_free(s->context);
    keyring_free(s->ring);
    recipe_free(s->recipe);
    arena_fini(&s->scratch);
    auth_free(s->auth);
    letter_fini(&s->letter);
    buf_fini(&s->body);
    buf_fini(&s->full_url);
}

/* ---- the command line ---- */

static void take_header(struct sender *s, const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; /* RFC 9110 5.6.2 */
    const char *colon = text + strspn(text, token);
    if (*colon != ':' || colon == text || colon[strcspn(colon, "\r\n")] || s->n_given == GIVEN_MAX)
        exit(ctl_usage("--header must be 'Name: value' on one line, %d times at most", GIVEN_MAX));
    struct span value = span_str(colon + 1);
    while (value.n > 0 && value.p[0] == ' ')
        value = span_skip(value, 1);
    s->given[s->n_given++] = (struct recipe_header){span_of(text, (size_t)(colon - text)), value};
}

static void take_param(struct sender *s, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || s->n_params == PARAMS_MAX)
        exit(ctl_usage("--param must be name=value, %d times at most", PARAMS_MAX));
    *equals = 0;
    s->params[s->n_params++] = (struct config_param){text, equals + 1};
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
        {"--public-url", offsetof(struct sender, public_url)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ctl_option(argc, argv, texts[i].name, (const char **)((char *)s + texts[i].at));
    while (ctl_option(argc, argv, "--header", &value))
        take_header(s, value);
    while (ctl_option(argc, argv, "--param", &value))
        take_param(s, (char *)(uintptr_t)value);
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
    take_url(s);
}

int verb_send(struct ctl *c, int argc, char **argv)
{
    struct sender s = {.ctl = c, .count = 1};
    struct shoot shoot = {.arg = &s, .make = make, .answered = answered};
    struct shoot_result result = {0};
    struct why w;
    int status;
    buf_init(&s.full_url, HEADER_LINE_MAX);
    take_options(&s, &shoot, &argc, argv);
    shoot.count = s.count;
    shoot.progress = s.count > LINES_MAX && !c->json && isatty(STDERR_FILENO);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum err e = load(&s, &w);
    if (e != ERR_OK) {
        status = ctl_fail(e == ERR_SYSTEM || e == ERR_NO_MEMORY ? EXIT_SYSTEM : EXIT_USAGE, "%s", w.text);
        goto out;
    }
    shoot.url = s.url;
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
