/* SPDX-License-Identifier: MIT
 * units: how sizes, durations and times are written: "64KiB", "250ms", "5m", "7d", RFC 3339 in UTC. Any thread.
 */
#ifndef CREEL_BASE_UNITS_H
#define CREEL_BASE_UNITS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* "0" or digits followed by B, KiB, MiB, GiB or TiB. ERR_INVALID otherwise or past INT64_MAX. */
enum err size_parse(struct span s, int64_t *bytes);
/* "0" or digits followed by ms, s, m, h or d. ERR_INVALID otherwise or past INT64_MAX milliseconds. */
enum err duration_parse(struct span s, int64_t *ms);
/* RFC 3339 section 5.6 date-time; any offset, up to 9 fraction digits (cut to milliseconds); leap second 60 is taken
 * as 59. *ms since the epoch, years 1970 to 9999. ERR_INVALID otherwise. */
enum err rfc3339_parse(struct span s, int64_t *ms);

enum { RFC3339_BYTES = 24 }; /* 2026-11-21T12:00:00.000Z */
/* Writes RFC3339_BYTES characters, no terminator. ms is clamped to years 1970 to 9999. */
void rfc3339_format(int64_t ms, char out[RFC3339_BYTES]);
void buf_put_time(struct buf *b, int64_t ms);     /* with JSON quotes around it */
void buf_put_http_date(struct buf *b, int64_t ms); /* RFC 9110 section 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT */
void buf_put_duration(struct buf *b, int64_t ms); /* shortest exact form: 90s, 5m, 7d */
void buf_put_size(struct buf *b, int64_t bytes);  /* shortest exact form: 64KiB */

#endif
