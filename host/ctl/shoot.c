/* SPDX-License-Identifier: MIT
 * shoot: a libcurl multi loop. Owns its handles; each handle carries one shot at a time and is used again.
 */
#include "config.h"

#include "ctl/shoot.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { REQUEST_TIMEOUT_S = 120, BODY_BYTES_MAX = 1 << 30, PROGRESS_MS = 500, POLL_MS = 500 };

struct lane {
    CURL *easy;
    bool busy;
    struct shot shot;
};

struct loop {
    const struct shoot *s;
    struct shoot_result *result;
    CURLM *multi;
    struct lane *lanes;
    size_t n_lanes;
    uint64_t started;
    int64_t begin_ns, progress_ms;
};

static size_t keep_answer(char *p, size_t size, size_t n, void *arg)
{
    struct shot *shot = arg;
    size_t room = sizeof shot->answer - shot->n_answer, take = size * n < room ? size * n : room;
    memcpy(shot->answer + shot->n_answer, p, take);
    shot->n_answer += take;
    return size * n;
}

static bool set_up(struct lane *lane)
{
    CURL *h = lane->easy = curl_easy_init();
    buf_init(&lane->shot.body, BODY_BYTES_MAX);
    buf_init(&lane->shot.url, BODY_BYTES_MAX);
    return h && curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)REQUEST_TIMEOUT_S) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "creel/" PACKAGE_VERSION) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, keep_answer) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, &lane->shot) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_ERRORBUFFER, lane->shot.error) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_POST, 1L) == CURLE_OK && curl_easy_setopt(h, CURLOPT_PRIVATE, lane) == CURLE_OK;
}

static enum err start_one(struct loop *l, struct lane *lane, struct why *w)
{
    struct shot *shot = &lane->shot;
    buf_clear(&shot->body);
    buf_clear(&shot->url);
    curl_slist_free_all(shot->headers);
    shot->headers = NULL;
    shot->number = ++l->started;
    shot->n_answer = 0;
    shot->error[0] = 0;
    enum err e = l->s->make(l->s->arg, shot, w);
    if (e != ERR_OK)
        return e;
    if (shot->body.failed || shot->url.failed)
        return why_set(w, ERR_NO_MEMORY, "out of memory for the body");
    CURL *h = lane->easy;
    if (curl_easy_setopt(h, CURLOPT_URL, shot->url.n ? shot->url.p : l->s->url) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)shot->body.n) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, shot->body.p ? shot->body.p : "") != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_HTTPHEADER, shot->headers) != CURLE_OK ||
        curl_multi_add_handle(l->multi, h) != CURLM_OK)
        return why_set(w, ERR_SYSTEM, "libcurl takes no further request");
    lane->busy = true;
    return ERR_OK;
}

/* Nanoseconds until the next request is due, 0 for now. */
static int64_t until_due(const struct loop *l)
{
    if (l->s->rate == 0)
        return 0;
    int64_t due = l->begin_ns + (int64_t)(l->started * (1e9 / (double)l->s->rate)), left = due - clock_mono_ns();
    return left > 0 ? left : 0;
}

static enum err start_due(struct loop *l, struct why *w)
{
    for (size_t i = 0; i < l->n_lanes && l->started < l->s->count && until_due(l) == 0; i++) {
        if (l->lanes[i].busy)
            continue;
        enum err e = start_one(l, &l->lanes[i], w);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static void finish(struct loop *l, struct lane *lane, CURLcode code)
{
    struct shot *shot = &lane->shot;
    struct shoot_result *r = l->result;
    long status = 0;
    curl_off_t micros = 0;
    if (code == CURLE_OK)
        curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
    else if (!shot->error[0])
        snprintf(shot->error, sizeof shot->error, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(lane->easy, CURLINFO_TOTAL_TIME_T, &micros);
    curl_multi_remove_handle(l->multi, lane->easy);
    lane->busy = false;
    shot->status = status > 0 && status < SHOOT_STATUSES ? (int)status : 0;
    shot->micros = micros;
    r->micros[r->sent++] = micros < UINT32_MAX ? (uint32_t)micros : UINT32_MAX;
    r->by_status[shot->status]++;
    r->accepted += shot->status >= 200 && shot->status < 300;
    r->unanswered += shot->status == 0;
    l->s->answered(l->s->arg, shot);
}

static bool finish_all(struct loop *l)
{
    bool any = false;
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
        void *lane = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &lane);
        finish(l, lane, code);
        any = true;
    }
    return any;
}

static void show_progress(struct loop *l, bool last)
{
    int64_t now = clock_mono_ms();
    if (!l->s->progress || (!last && now - l->progress_ms < PROGRESS_MS))
        return;
    l->progress_ms = now;
    if (last)
        fputs("\r\033[K", stderr);
    else
        fprintf(stderr, "\r%llu of %llu answered", (unsigned long long)l->result->sent,
                (unsigned long long)l->s->count);
}

static enum err run(struct loop *l, struct why *w)
{
    while (l->result->sent < l->s->count) {
        int running;
        enum err e = start_due(l, w);
        if (e != ERR_OK)
            return e;
        if (curl_multi_perform(l->multi, &running) != CURLM_OK)
            return why_set(w, ERR_SYSTEM, "libcurl cannot go on");
        show_progress(l, false);
        if (finish_all(l) || l->result->sent == l->s->count)
            continue;
        int64_t due_ms = l->started < l->s->count && l->s->rate ? until_due(l) / 1000000 + 1 : POLL_MS;
        curl_multi_poll(l->multi, NULL, 0, due_ms < POLL_MS ? (int)due_ms : POLL_MS, NULL);
    }
    return ERR_OK;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void tear_down(struct loop *l)
{
    for (size_t i = 0; l->lanes && i < l->n_lanes; i++) {
        struct lane *lane = &l->lanes[i];
        if (lane->busy)
            curl_multi_remove_handle(l->multi, lane->easy);
        curl_easy_cleanup(lane->easy);
        curl_slist_free_all(lane->shot.headers);
        buf_fini(&lane->shot.body);
        buf_fini(&lane->shot.url);
    }
    curl_multi_cleanup(l->multi);
    free(l->lanes);
}

enum err shoot_all(const struct shoot *s, struct shoot_result *result, struct why *w)
{
    struct loop l = {.s = s,
                     .result = result,
                     .n_lanes = (uint64_t)s->concurrency < s->count ? (size_t)s->concurrency : (size_t)s->count};
    enum err e = ERR_OK;
    *result = (struct shoot_result){.micros = calloc(s->count + 1, sizeof *result->micros)};
    l.multi = curl_multi_init();
    l.lanes = calloc(l.n_lanes + 1, sizeof *l.lanes);
    bool ok = result->micros && l.multi && l.lanes &&
              curl_multi_setopt(l.multi, CURLMOPT_MAXCONNECTS, s->concurrency) == CURLM_OK;
    for (size_t i = 0; ok && i < l.n_lanes; i++)
        ok = set_up(&l.lanes[i]);
    if (!ok)
        e = why_set(w, ERR_NO_MEMORY, "libcurl cannot start with %s", s->url);
    l.begin_ns = clock_mono_ns();
    if (e == ERR_OK)
        e = run(&l, w);
    result->seconds = (double)(clock_mono_ns() - l.begin_ns) / 1e9;
    show_progress(&l, true);
    if (result->micros)
        qsort(result->micros, result->sent, sizeof *result->micros, by_size);
    tear_down(&l);
    return e;
}

double shoot_percentile(const struct shoot_result *r, double part)
{
    if (r->sent == 0)
        return 0;
    uint64_t at = (uint64_t)(part * (double)(r->sent - 1) + 0.5);
    return r->micros[at] / 1000.0;
}
