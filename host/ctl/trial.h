/* SPDX-License-Identifier: MIT
 * trial: one run of a function in a real slot, without dispatch. One thread; blocks until the run has ended or is killed.
 */
#ifndef CREEL_CTL_TRIAL_H
#define CREEL_CTL_TRIAL_H

#include "base/buf.h"
#include "base/err.h"
#include "ctl/occasion.h"

enum { TRIAL_REASON_BYTES = 4097, TRIAL_START_MS = 10000 };

struct trial {
    const char *name;    /* the function's */
    int so_fd;           /* sealed copy */
    struct span sidecar; /* its text, or SPAN_NONE */
    struct span config;  /* instead of the sidecar's; or SPAN_NONE */
    int64_t timeout_ms;  /* instead of the sidecar's and the manifest's; or 0 */
    /* Each line the function prints or logs (level LOG_…, or -1 for printed ones), as it comes. */
    void (*line)(void *arg, int level, struct span text);
    void *arg;
    struct buf *reply; /* gets the run's reply, if there is one (replied) */
};

struct trial_result {
    const char *outcome; /* "DONE", …, or "BROKEN" */
    char reason[TRIAL_REASON_BYTES];
    int64_t ms, retry_after_ms; /* -1: none */
    bool replied;
    bool left; /* it left processes behind */
};

/* ERR_OK with *out filled, however the run ended; ERR_INVALID: the sidecar is wrong; else no slot could be had. */
enum err trial_run(const struct trial *t, const struct occasion *o, struct trial_result *out, struct why *w);

#endif
