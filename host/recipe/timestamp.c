/* SPDX-License-Identifier: MIT
 * timestamp: strict parsing, comparison without overflow: all times lie between 1970 and 9999.
 */
#include "recipe/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"

static const int64_t latest_ms = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */

static enum err digits(struct span text, int64_t max, int64_t *out)
{
    int64_t v = 0;
    if (text.n == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c < '0' || c > '9')
            return ERR_INVALID;
        v = v * 10 + (c - '0'); /* v <= max <= 2^48 before, so this cannot overflow */
        if (v > max)
            return ERR_INVALID;
    }
    *out = v;
    return ERR_OK;
}

enum err timestamp_read(enum time_format format, struct span text, int64_t *ms)
{
    int64_t v;
    if (format == TIME_RFC3339)
        return rfc3339_parse(text, ms);
    bool seconds = format == TIME_SECONDS;
    enum err e = digits(text, seconds ? latest_ms / 1000 : latest_ms, &v);
    if (e == ERR_OK)
        *ms = seconds ? v * 1000 : v;
    return e;
}

bool timestamp_near(const struct timestamp *t, int64_t signed_ms, int64_t now_ms, int64_t tolerance_ms)
{
    if (t->format == TIME_SECONDS)
        now_ms -= now_ms % 1000;
    int64_t past = tolerance_ms > 0 ? tolerance_ms : t->past_ms;
    if (now_ms - signed_ms > past)
        return false;
    if (t->future_ms == FUTURE_ANY)
        return true;
    return signed_ms - now_ms <= (t->future_ms == FUTURE_SAME ? past : t->future_ms);
}

size_t timestamp_write(enum time_format format, int64_t ms, char out[TIMESTAMP_TEXT_BYTES])
{
    if (format == TIME_RFC3339) {
        rfc3339_format(ms, out);
        out[RFC3339_BYTES] = 0;
        return RFC3339_BYTES;
    }
    return (size_t)snprintf(out, TIMESTAMP_TEXT_BYTES, "%" PRId64, format == TIME_SECONDS ? ms / 1000 : ms);
}

const char *timestamp_words(enum time_format format)
{
    static const char *const words[] = {
        [TIME_SECONDS] = "decimal seconds",
        [TIME_MILLISECONDS] = "decimal milliseconds",
        [TIME_RFC3339] = "an RFC 3339 time",
    };
    return words[format];
}
