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
    /* A zero in front could be the end of a body that is signed with the time behind it. */
    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
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

/* RFC 3339, or the same without an offset. */
static enum err read_iso8601(struct span text, int64_t *ms)
{
    char with_zone[48];
    if (rfc3339_parse(text, ms) == ERR_OK)
        return ERR_OK;
    if (text.n >= sizeof with_zone || text.n == 0)
        return ERR_INVALID;
    memcpy(with_zone, text.p, text.n);
    with_zone[text.n] = 'Z';
    return rfc3339_parse(span_of(with_zone, text.n + 1), ms);
}

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* "Sun, 06 Nov 1994 08:49:37 GMT" is 1994-11-06T08:49:37Z on a Sunday. */
static enum err read_http_date(struct span text, int64_t *ms)
{
    enum { DAY_NAME = 0, DAY = 5, MONTH = 8, YEAR = 12, CLOCK = 17, BYTES = 29 };
    char iso[RFC3339_BYTES];
    int64_t v;
    if (text.n != BYTES || memcmp(text.p + 3, ", ", 2) != 0 || text.p[7] != ' ' || text.p[11] != ' ' ||
        text.p[16] != ' ' || memcmp(text.p + 25, " GMT", 4) != 0)
        return ERR_INVALID;
    int month = 0;
    while (month < 12 && memcmp(text.p + MONTH, month_names + 3 * month, 3) != 0)
        month++;
    snprintf(iso, sizeof iso, "%.4s-%02d-%.2sT%.8sZ", text.p + YEAR, month + 1, text.p + DAY, text.p + CLOCK);
    if (month == 12 || rfc3339_parse(span_str(iso), &v) != ERR_OK)
        return ERR_INVALID;
    if (memcmp(text.p + DAY_NAME, day_names + 3 * ((v / 86400000 + 4) % 7), 3) != 0)
        return ERR_INVALID;
    *ms = v;
    return ERR_OK;
}

enum err timestamp_read(enum time_format format, struct span text, int64_t *ms)
{
    int64_t v;
    switch (format) {
    case TIME_RFC3339:
        return rfc3339_parse(text, ms);
    case TIME_ISO8601_UTC:
        return read_iso8601(text, ms);
    case TIME_HTTP_DATE:
        return read_http_date(text, ms);
    case TIME_SECONDS:
    case TIME_MILLISECONDS:
    case TIME_FORMATS:
        break;
    }
    bool seconds = format == TIME_SECONDS;
    enum err e = digits(text, seconds ? latest_ms / 1000 : latest_ms, &v);
    if (e == ERR_OK)
        *ms = seconds ? v * 1000 : v;
    return e;
}

int64_t timestamp_age(const struct timestamp *t, int64_t signed_ms, int64_t now_ms)
{
    if (t->format == TIME_SECONDS || t->format == TIME_HTTP_DATE)
        now_ms -= now_ms % 1000;
    return now_ms - signed_ms;
}

bool timestamp_near(const struct timestamp *t, int64_t signed_ms, int64_t now_ms, int64_t tolerance_ms)
{
    int64_t past = tolerance_ms > 0 ? tolerance_ms : t->past_ms, age = timestamp_age(t, signed_ms, now_ms);
    if (age > past)
        return false;
    if (t->future_ms == FUTURE_ANY)
        return true;
    return -age <= (t->future_ms == FUTURE_SAME ? past : t->future_ms);
}

static size_t write_http_date(int64_t ms, char out[TIMESTAMP_TEXT_BYTES])
{
    char iso[RFC3339_BYTES];
    rfc3339_format(ms, iso);
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    return (size_t)snprintf(out, TIMESTAMP_TEXT_BYTES, "%.3s, %.2s %.3s %.4s %.8s GMT",
                            day_names + 3 * ((ms / 86400000 + 4) % 7), iso + 8, month_names + 3 * (month - 1), iso,
                            iso + 11);
}

size_t timestamp_write(enum time_format format, int64_t ms, char out[TIMESTAMP_TEXT_BYTES])
{
    ms = ms < 0 ? 0 : ms > latest_ms ? latest_ms : ms;
    if (format == TIME_HTTP_DATE)
        return write_http_date(ms, out);
    if (format == TIME_RFC3339 || format == TIME_ISO8601_UTC) {
        size_t n = RFC3339_BYTES - (format == TIME_ISO8601_UTC);
        char iso[RFC3339_BYTES];
        rfc3339_format(ms, iso);
        memcpy(out, iso, n);
        out[n] = 0;
        return n;
    }
    return (size_t)snprintf(out, TIMESTAMP_TEXT_BYTES, "%" PRId64, format == TIME_SECONDS ? ms / 1000 : ms);
}

const char *timestamp_words(enum time_format format)
{
    static const char *const words[] = {
        [TIME_SECONDS] = "decimal seconds",  [TIME_MILLISECONDS] = "decimal milliseconds",
        [TIME_RFC3339] = "an RFC 3339 time", [TIME_ISO8601_UTC] = "an ISO 8601 time",
        [TIME_HTTP_DATE] = "an HTTP date",
    };
    return words[format];
}
