/* SPDX-License-Identifier: MIT
 * units: parsing and printing of sizes, durations and times. Owns nothing; any thread.
 */
#include "base/units.h"

static const int64_t latest_ms = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {{"B", 1},
                                    {"KiB", INT64_C(1) << 10},
                                    {"MiB", INT64_C(1) << 20},
                                    {"GiB", INT64_C(1) << 30},
                                    {"TiB", INT64_C(1) << 40},
                                    {NULL, 0}};
static const struct unit durations[] = {{"ms", 1},       {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

static enum err parse_with(struct span s, const struct unit *units, int64_t *out)
{
    int64_t v = 0;
    size_t i = 0;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[i] - '0', &v))
            return ERR_INVALID;
        i++;
    }
    if (i == 0)
        return ERR_INVALID;
    if (i == s.n) {
        if (v != 0)
            return ERR_INVALID;
        *out = 0;
        return ERR_OK;
    }
    for (; units->name; units++)
        if (span_eq_str(span_skip(s, i), units->name)) {
            if (__builtin_mul_overflow(v, units->factor, &v))
                return ERR_INVALID;
            *out = v;
            return ERR_OK;
        }
    return ERR_INVALID;
}

enum err size_parse(struct span s, int64_t *bytes)
{
    return parse_with(s, sizes, bytes);
}

enum err duration_parse(struct span s, int64_t *ms)
{
    return parse_with(s, durations, ms);
}

static void put_with(struct buf *b, int64_t v, const struct unit *units)
{
    const struct unit *best = units;
    for (const struct unit *u = units; u->name; u++)
        if (v && v % u->factor == 0)
            best = u;
    buf_put_i64(b, v / best->factor);
    if (v)
        buf_puts(b, best->name);
}

void buf_put_duration(struct buf *b, int64_t ms)
{
    put_with(b, ms, durations);
}

void buf_put_size(struct buf *b, int64_t bytes)
{
    put_with(b, bytes, sizes);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back, by counting eras of 400 years from 0000-03-01. */
static int64_t days_from_date(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = y / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_from_days(int64_t days, int *y, int *m, int *d)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

/* `count` digits at s->p, taken off s; -1 when they are not there. */
static int take_digits(struct span *s, size_t count)
{
    int v = 0;
    if (s->n < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return -1;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = span_skip(*s, count);
    return v;
}

static bool take_char(struct span *s, const char *any)
{
    if (s->n == 0 || s->p[0] == 0 || !strchr(any, s->p[0]))
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static bool take_fraction_ms(struct span *s, int *ms)
{
    size_t digits = 0;
    *ms = 0;
    if (!take_char(s, "."))
        return true;
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; digits++) {
        if (digits < 3)
            *ms = *ms * 10 + (s->p[0] - '0');
        *s = span_skip(*s, 1);
    }
    for (size_t i = digits; i < 3; i++)
        *ms *= 10;
    return digits >= 1 && digits <= 9;
}

static bool take_offset_min(struct span *s, int *min)
{
    *min = 0;
    if (take_char(s, "Zz"))
        return true;
    if (s->n == 0 || (s->p[0] != '+' && s->p[0] != '-'))
        return false;
    int sign = s->p[0] == '-' ? -1 : 1;
    *s = span_skip(*s, 1);
    int h = take_digits(s, 2);
    if (h < 0 || h > 23 || !take_char(s, ":"))
        return false;
    int m = take_digits(s, 2);
    if (m < 0 || m > 59)
        return false;
    *min = sign * (h * 60 + m);
    return true;
}

enum err rfc3339_parse(struct span s, int64_t *ms)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y = take_digits(&s, 4);
    if (y < 1970 || !take_char(&s, "-"))
        return ERR_INVALID;
    int mon = take_digits(&s, 2);
    if (mon < 1 || mon > 12 || !take_char(&s, "-"))
        return ERR_INVALID;
    int day = take_digits(&s, 2);
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (day < 1 || day > month_days[mon - 1] + (mon == 2 && leap) || !take_char(&s, "Tt "))
        return ERR_INVALID;
    int h = take_digits(&s, 2);
    if (h < 0 || h > 23 || !take_char(&s, ":"))
        return ERR_INVALID;
    int min = take_digits(&s, 2);
    if (min < 0 || min > 59 || !take_char(&s, ":"))
        return ERR_INVALID;
    int sec = take_digits(&s, 2);
    int frac, offset;
    if (sec < 0 || sec > 60 || !take_fraction_ms(&s, &frac) || !take_offset_min(&s, &offset) || s.n != 0)
        return ERR_INVALID;
    if (sec == 60)
        sec = 59;
    int64_t t = ((days_from_date(y, mon, day) * 24 + h) * 60 + min - offset) * 60 + sec;
    if (t < 0 || t > latest_ms / 1000) /* the offset led out of the years that there are */
        return ERR_INVALID;
    *ms = t * 1000 + frac;
    return ERR_OK;
}

static void put_digits(char *p, int v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
}

void rfc3339_format(int64_t ms, char out[RFC3339_BYTES])
{
    int y, m, d;
    ms = ms < 0 ? 0 : ms > latest_ms ? latest_ms : ms;
    int64_t in_day = ms % 86400000;
    date_from_days(ms / 86400000, &y, &m, &d);
    memcpy(out, "0000-00-00T00:00:00.000Z", RFC3339_BYTES);
    put_digits(out, y, 4);
    put_digits(out + 5, m, 2);
    put_digits(out + 8, d, 2);
    put_digits(out + 11, (int)(in_day / 3600000), 2);
    put_digits(out + 14, (int)(in_day / 60000 % 60), 2);
    put_digits(out + 17, (int)(in_day / 1000 % 60), 2);
    put_digits(out + 20, (int)(in_day % 1000), 3);
}

void buf_put_time(struct buf *b, int64_t ms)
{
    char text[RFC3339_BYTES + 2];
    text[0] = text[RFC3339_BYTES + 1] = '"';
    rfc3339_format(ms, text + 1);
    buf_put(b, text, sizeof text);
}

void buf_put_http_date(struct buf *b, int64_t ms)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* 1970-01-01 was a Thursday */
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int y, m, d;
    ms = ms < 0 ? 0 : ms > latest_ms ? latest_ms : ms;
    int64_t day = ms / 86400000, in_day = ms % 86400000;
    date_from_days(day, &y, &m, &d);
    buf_printf(b, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[day % 7], d, months[m - 1], y, (int)(in_day / 3600000),
               (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60));
}
