/* SPDX-License-Identifier: MIT
 * trial: a function in a real slot, without dispatch: loaded and described, or also given one run. One thread; blocks until
 * that has ended or is killed.
 */
#ifndef CREEL_CTL_TRIAL_H
#define CREEL_CTL_TRIAL_H

#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "ctl/occasion.h"
#include "dispatch/settings.h"

enum { TRIAL_REASON_BYTES = 4097, TRIAL_START_MS = 10000 };

struct trial {
    const char *name;    /* the function's */
    int so_fd;           /* sealed copy */
    struct span sidecar; /* its text, or SPAN_NONE */
    struct span config;  /* instead of the sidecar's; or SPAN_NONE */
    int64_t timeout_ms;  /* instead of the sidecar's and the manifest's; or 0 */
    uid_t uid;           /* what it is there; (uid_t)-1: unchanged */
    gid_t gid;
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

/* What a slot of it is started with (settings_start_json), behind b's content. ERR_INVALID: the sidecar is wrong, or a secret cannot
 * be read. */
enum err trial_start(const struct trial *t, struct span more, struct buf *b, struct why *w);
/* Load it, with what trial_start gave, until it could take a run: s (settings_init) is then what manifest and sidecar say. ERR_INVALID:
 * it is broken, with the reason; else no slot could be had. */
enum err trial_describe(const struct trial *t, struct span start, struct settings *s, struct why *w);
/* ERR_OK with *out filled, however the run ended; ERR_INVALID: the sidecar is wrong; else no slot could be had. */
enum err trial_run(const struct trial *t, const struct occasion *o, struct trial_result *out, struct why *w);

#endif
