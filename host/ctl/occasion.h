/* SPDX-License-Identifier: MIT
 * occasion: an event read from a file, as creel test takes it: one request object (method, url, headers, body or body_base64, and
 * optionally source, type, version, id, event_id, order_key, received, attempt), or what creel show --json printed. Pure but
 * for ids and times it makes up; one thread.
 */
#ifndef CREEL_CTL_OCCASION_H
#define CREEL_CTL_OCCASION_H

#include "base/buf.h"
#include "base/err.h"
#include "spool/line.h"

struct occasion {
    struct line_event event; /* spans into text, headers, body */
    uint32_t attempt;
    struct buf text, headers, body; /* owned */
};

enum { OCCASION_BODY_BYTES = 256 << 20 };

/* json: a value that json_check passed. Where type is missing: default_type. ERR_INVALID with "/pointer: reason". Whatever it
 * returns, occasion_fini frees it. */
enum err occasion_read(struct occasion *o, struct span json, const char *default_type, int64_t now_ms, struct why *w);
void occasion_fini(struct occasion *o);

#endif
