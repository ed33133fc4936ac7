/* SPDX-License-Identifier: MIT
 * format_time: date, time, date-time (RFC 3339 section 5.6), duration (appendix A).
 */
#include "schema/format_parts.h"

/* Exactly n digits from the front; -1: there are none, or more. */
static int take_number(struct span *s, size_t n)
{
    int v = 0;
    if (s->n < n || count_digits(span_of(s->p, n)) != n)
        return -1;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (s->p[i] - '0');
    *s = span_skip(*s, n);
    return v;
}

static bool take_date(struct span *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take_number(s, 4);
    if (year < 0 || !take_char(s, '-'))
        return false;
    int month = take_number(s, 2);
    if (month < 1 || month > 12 || !take_char(s, '-'))
        return false;
    int day = take_number(s, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* "Z" or ±hh:mm; *minutes before UTC. */
static bool take_offset(struct span *s, int *minutes)
{
    *minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool minus = take_char(s, '-');
    if (!minus && !take_char(s, '+'))
        return false;
    int hour = take_number(s, 2);
    if (hour < 0 || hour > 23 || !take_char(s, ':'))
        return false;
    int minute = take_number(s, 2);
    *minutes = (minus ? -1 : 1) * (hour * 60 + minute);
    return minute >= 0 && minute <= 59;
}

static bool take_fraction(struct span *s)
{
    if (!take_char(s, '.'))
        return true;
    size_t n = count_digits(*s);
    *s = span_skip(*s, n);
    return n > 0;
}

/* A leap second is the last of a day of UTC. */
static bool take_time(struct span *s)
{
    enum { DAY = 24 * 60 };
    int offset, hour = take_number(s, 2);
    if (hour < 0 || hour > 23 || !take_char(s, ':'))
        return false;
    int minute = take_number(s, 2);
    if (minute < 0 || minute > 59 || !take_char(s, ':'))
        return false;
    int second = take_number(s, 2);
    if (second < 0 || second > 60 || !take_fraction(s) || !take_offset(s, &offset))
        return false;
    return second < 60 || (hour * 60 + minute - offset + DAY) % DAY == DAY - 1;
}

bool format_is_date(struct span text)
{
    return take_date(&text) && text.n == 0;
}

bool format_is_time(struct span text)
{
    return take_time(&text) && text.n == 0;
}

bool format_is_date_time(struct span text)
{
    return take_date(&text) && (take_char(&text, 'T') || take_char(&text, 't')) && take_time(&text) && text.n == 0;
}

/* Numbers with these units, none left out between the first and the last; at least one. */
static bool take_units(struct span *s, const char *units)
{
    const char *next = NULL;
    for (size_t n; (n = count_digits(*s)) > 0; *s = span_skip(*s, n + 1)) {
        const char *unit = n < s->n ? strchr(units, s->p[n]) : NULL;
        if (!unit || !*unit || (next && unit != next))
            return false;
        next = unit + 1;
    }
    return next != NULL;
}

bool format_is_duration(struct span text)
{
    if (!take_char(&text, 'P'))
        return false;
    bool date = text.n > 0 && *text.p != 'T';
    size_t n = count_digits(text);
    if (n > 0 && n + 1 == text.n && text.p[n] == 'W')
        return true;
    if (date && !take_units(&text, "YMD"))
        return false;
    if (date && text.n == 0)
        return true;
    return take_char(&text, 'T') && take_units(&text, "HMS") && text.n == 0;
}
