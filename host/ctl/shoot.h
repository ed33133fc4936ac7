/* SPDX-License-Identifier: MIT
 * shoot: many HTTP requests over few connections, at a rate, with what came of them. Knows nothing of recipes. One
 * thread.
 */
#ifndef CREEL_CTL_SHOOT_H
#define CREEL_CTL_SHOOT_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

enum { SHOOT_ANSWER_BYTES = 16384, SHOOT_HEADERS_MAX = 128, SHOOT_STATUSES = 600 };

/* One request and its answer. */
struct shot {
    uint64_t number;            /* from 1 */
    char id[ID_TEXT_BYTES + 1]; /* the sender's id of the event, by whoever makes it */
    struct buf body;
    struct buf url; /* where this one goes, terminated; empty: to shoot's url */
    struct curl_slist *headers; /* owned */
    int status;                 /* 0: no answer, for the reason in error */
    int64_t micros;
    char answer[SHOOT_ANSWER_BYTES]; /* the beginning of it */
    size_t n_answer;
    char error[CURL_ERROR_SIZE];
};

struct shoot {
    const char *url;
    uint64_t count;
    long rate;        /* per second; 0: as fast as answers come */
    long concurrency; /* connections at most */
    bool progress;    /* a line on stderr while it lasts */
    void *arg;
    /* Fill body, headers, id and url of shot->number; all are empty before. */
    enum err (*make)(void *arg, struct shot *shot, struct why *w);
    void (*answered)(void *arg, const struct shot *shot);
};

struct shoot_result {
    uint64_t sent, accepted, unanswered; /* accepted: 2xx */
    uint64_t by_status[SHOOT_STATUSES];
    double seconds;
    uint32_t *micros; /* sorted, `sent` of them; free() it */
};

/* All of them, or the reason why make or libcurl could not go on. */
enum err shoot_all(const struct shoot *s, struct shoot_result *result, struct why *w);
/* The latency below which `part` (0 to 1) of the answers came, in milliseconds. */
double shoot_percentile(const struct shoot_result *r, double part);

#endif
