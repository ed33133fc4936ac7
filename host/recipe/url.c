/* SPDX-License-Identifier: MIT
 * url: strict where the host is (two readers that see different hosts in one URL are how allow-lists are passed), lenient
 * behind it.
 */
#include "recipe/url.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool all_of(struct span s, const char *extra, bool letters)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) && !(letters && is_alpha(s.p[i])) && (s.p[i] == 0 || !strchr(extra, s.p[i])))
            return false;
    return true;
}

/* Bytes of s before the first of the ends. */
static size_t before(struct span s, const char *ends)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == 0 || !strchr(ends, s.p[n])))
        n++;
    return n;
}

/* [userinfo "@"] host [":" port], all of it. */
static bool split_authority(struct span s, struct url *out)
{
    const char *at = s.n ? memrchr(s.p, '@', s.n) : NULL;
    if (at) {
        out->userinfo = span_of(s.p, (size_t)(at - s.p));
        s = span_skip(s, out->userinfo.n + 1);
    }
    bool bracketed = s.n > 0 && s.p[0] == '[';
    size_t n = before(s, bracketed ? "]" : ":");
    n += bracketed && n < s.n;
    out->host = span_of(s.p, n);
    bool good = bracketed ? n > 2 && s.p[n - 1] == ']' && all_of(span_of(s.p + 1, n - 2), ":.", true)
                          : n > 0 && all_of(out->host, ".-_", true);
    if (!good || n == s.n)
        return good;
    out->port = span_skip(s, n + 1);
    return s.p[n] == ':' && out->port.n <= 5 && all_of(out->port, "", false);
}

bool url_split(struct span text, struct url *out)
{
    struct url u = {0};
    size_t n = before(text, ":/?#");
    u.scheme = span_of(text.p, n);
    struct span rest = span_skip(text, n);
    if (n == 0 || !is_alpha(text.p[0]) || !all_of(u.scheme, "+-.", true) || !span_starts(rest, SPAN_LIT("://")))
        return false;
    rest = span_skip(rest, 3);
    n = before(rest, "/?#");
    if (!split_authority(span_of(rest.p, n), &u))
        return false;
    rest = span_skip(rest, n);
    n = before(rest, "?#");
    u.path = span_of(rest.p, n);
    rest = span_skip(rest, n);
    if (rest.n > 0 && rest.p[0] == '?') {
        n = before(rest, "#");
        u.query = span_of(rest.p + 1, n - 1);
        rest = span_skip(rest, n);
    }
    if (rest.n > 0)
        u.fragment = span_skip(rest, 1);
    *out = u;
    return true;
}

static struct span first_label(struct span s)
{
    return span_of(s.p, before(s, "."));
}

/* A label against one of a pattern: a '*' stands for any bytes of it, also for none beside others. */
static bool label_fits(struct span label, struct span pattern)
{
    const char *star = memchr(pattern.p, '*', pattern.n);
    if (!star)
        return span_eq_nocase(label, pattern);
    size_t before_star = (size_t)(star - pattern.p), behind = pattern.n - before_star - 1;
    return label.n >= before_star + behind &&
           span_eq_nocase(span_of(label.p, before_star), span_of(pattern.p, before_star)) &&
           span_eq_nocase(span_skip(label, label.n - behind), span_skip(pattern, before_star + 1));
}

static bool matches(struct span host, struct span pattern)
{
    for (;;) {
        struct span h = first_label(host), p = first_label(pattern);
        if (h.n == 0 || !label_fits(h, p))
            return false;
        if (h.n == host.n || p.n == pattern.n)
            return h.n == host.n && p.n == pattern.n;
        host = span_skip(host, h.n + 1);
        pattern = span_skip(pattern, p.n + 1);
    }
}

/* "HOST" or "HOST:PORT" as the two. */
static struct span pattern_host(const char *pattern, struct span *port)
{
    struct span s = span_str(pattern);
    size_t n = before(s, ":");
    *port = n < s.n ? span_skip(s, n + 1) : SPAN_LIT("443");
    return span_of(s.p, n);
}

bool url_host_listed(struct span host, const char *const *patterns, size_t n)
{
    struct span ignored;
    for (size_t i = 0; i < n; i++)
        if (matches(host, pattern_host(patterns[i], &ignored)))
            return true;
    return false;
}

static bool port_listed(const struct url *u, const char *const *patterns, size_t n)
{
    struct span port, asked = u->port.p ? u->port : SPAN_LIT("443");
    for (size_t i = 0; i < n; i++)
        if (matches(u->host, pattern_host(patterns[i], &port)) && span_eq(asked, port))
            return true;
    return false;
}

static bool printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '\\')
            return false;
    return true;
}

bool url_fetchable(struct span text, const char *const *hosts, size_t n, const char **problem)
{
    struct url u;
    *problem = NULL;
    if (text.n > URL_FETCHABLE_BYTES)
        *problem = "it is too long";
    else if (!printable(text) || !url_split(text, &u))
        *problem = "it is not a URL";
    else if (!span_eq_nocase(u.scheme, SPAN_LIT("https")))
        *problem = "it is not https";
    else if (u.userinfo.p)
        *problem = "it names a user";
    else if (u.fragment.p)
        *problem = "it has a fragment";
    else if (!url_host_listed(u.host, hosts, n))
        *problem = "its host is not on the list";
    else if (!port_listed(&u, hosts, n))
        *problem = "its port is not the one that is listed, or else 443";
    return *problem == NULL;
}
