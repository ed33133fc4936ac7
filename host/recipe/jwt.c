/* SPDX-License-Identifier: MIT
 * jwt: takes tokens apart and judges their times. Keeps nothing; the signature itself is jwt_verify.c's.
 */
#include "recipe/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"

/* As many values as the scanner takes without a table on the heap. */
#define JWT_JSON_LIMITS ((struct json_limits){.max_depth = 32, .max_nodes = 1024})
#define SECONDS_END 1e12 /* past the year 30000 */
enum { NUMBER_BYTES = 64, MS_IN_S = 1000 };

static const char *const names[] = {
#define X(name, family, digest, half) #name,
#include "recipe/jwt_algorithms.tbl"
#undef X
};

unsigned jwt_algorithm(struct span name)
{
    for (unsigned i = 0; i < JWT_ROWS; i++)
        if (span_eq_str(name, names[i]))
            return 1u << i;
    return 0;
}

const char *jwt_algorithm_name(unsigned bit)
{
    for (unsigned i = 0; i < JWT_ROWS; i++)
        if (bit == 1u << i)
            return names[i];
    return "none";
}

const char *const *jwt_algorithm_names(size_t *n)
{
    *n = JWT_ROWS;
    return names;
}

static enum err invalid(const char **problem, const char *what)
{
    *problem = what;
    return ERR_INVALID;
}

/* Three parts, no more, no fewer. */
static bool split(struct span token, struct span part[3])
{
    for (size_t i = 0; i < 3; i++) {
        const char *dot = memchr(token.p, '.', token.n);
        if (!dot != (i == 2))
            return false;
        part[i] = span_of(token.p, dot ? (size_t)(dot - token.p) : token.n);
        token = span_skip(token, part[i].n + 1);
    }
    return true;
}

/* A part that is a JSON object, decoded into the arena. */
static enum err decode_object(struct span part, struct arena *a, struct span *out, const char *not_coded,
                              const char *no_object, const char **problem)
{
    struct json_error fault;
    size_t n;
    char *room = arena_alloc(a, part.n);
    if (!room)
        return ERR_NO_ROOM;
    if (base64url_decode(part, room, part.n, &n) != ERR_OK)
        return invalid(problem, not_coded);
    struct span text = span_of(room, n);
    enum err e = json_check(text, JWT_JSON_LIMITS, &fault);
    if (e == ERR_INTERNAL)
        return e;
    if (e != ERR_OK || json_type_of(text) != JSON_OBJECT)
        return invalid(problem, no_object);
    *out = text;
    return ERR_OK;
}

static enum err read_header(struct span part, struct arena *a, struct jwt *t, const char **problem)
{
    if (part.n > JWT_HEADER_MAX)
        return invalid(problem, "has a header that is too long");
    enum err e = decode_object(part, a, &t->jose, "has a header that is not base64url without padding",
                               "has a header that is no JSON object", problem);
    if (e != ERR_OK)
        return e;
    if (json_member(t->jose, "crit").p)
        return invalid(problem, "has critical extensions (crit), which are not known here");
    if (json_member(t->jose, "b64").p)
        return invalid(problem, "has a header \"b64\", which is not taken here");
    struct span alg = json_member(t->jose, "alg");
    if (!alg.p || json_type_of(alg) != JSON_STRING)
        return invalid(problem, "names no algorithm (alg)");
    t->algorithm = jwt_algorithm(json_plain_string(alg));
    return t->algorithm ? ERR_OK : invalid(problem, "names an algorithm (alg) that is not taken here");
}

/* header "." base64url(detached), as if the token had held it. */
static enum err join_detached(struct span header, struct span detached, struct arena *a, struct span *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = (const unsigned char *)detached.p;
    if (detached.n > SIZE_MAX / 4)
        return ERR_NO_ROOM;
    char *room = arena_alloc(a, header.n + 1 + detached.n / 3 * 4 + 4);
    if (!room)
        return ERR_NO_ROOM;
    memcpy(room, header.p, header.n);
    room[header.n] = '.';
    char *to = room + header.n + 1;
    for (size_t i = 0; i < detached.n; i += 3) {
        size_t left = detached.n - i < 3 ? detached.n - i : 3;
        unsigned bits = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        for (size_t k = 0; k <= left; k++)
            *to++ = digits[bits >> (18 - 6 * k) & 63];
    }
    *out = span_of(room, (size_t)(to - room));
    return ERR_OK;
}

static enum err read_claims(struct span token, const struct span part[3], struct span detached, struct arena *a,
                            struct jwt *t, const char **problem)
{
    if (detached.p) {
        if (part[1].n > 0)
            return invalid(problem, "holds what it should leave out: its middle part is not empty");
        return join_detached(part[0], detached, a, &t->signed_part);
    }
    t->signed_part = span_of(token.p, part[0].n + 1 + part[1].n);
    return decode_object(part[1], a, &t->claims, "has claims that are not base64url without padding",
                         "has claims that are no JSON object", problem);
}

enum err jwt_open(struct span token, struct span detached, struct arena *a, struct jwt *out, const char **problem)
{
    struct span part[3];
    struct jwt t = {.claims = SPAN_NONE};
    if (token.n > JWT_TOKEN_MAX)
        return invalid(problem, "is too long");
    if (!token.p || !split(token, part))
        return invalid(problem, "has not three parts with a dot between them");
    enum err e = read_header(part[0], a, &t, problem);
    if (e == ERR_OK)
        e = read_claims(token, part, detached, a, &t, problem);
    if (e != ERR_OK)
        return e;
    if (part[2].n == 0)
        return invalid(problem, "has no signature");
    if (base64url_decode(part[2], t.signature, sizeof t.signature, &t.n_signature) != ERR_OK)
        return invalid(problem, "has a signature that is too long or not base64url without padding");
    *out = t;
    return ERR_OK;
}

/* ---- times ---- */

/* A NumericDate (RFC 7519 section 2), any JSON number from 0 to the year 30000, in milliseconds; what is behind them is cut. */
static bool numeric_date(struct span number, int64_t *ms)
{
    char text[NUMBER_BYTES];
    if (number.n >= sizeof text)
        return false;
    memcpy(text, number.p, number.n);
    text[number.n] = '\0';
    double seconds = strtod(text, NULL);
    if (!(seconds >= 0 && seconds < SECONDS_END))
        return false;
    *ms = (int64_t)(seconds * MS_IN_S);
    return true;
}

static bool expired(int64_t at_ms, int64_t leeway_ms, int64_t now_ms)
{
    return now_ms >= at_ms + leeway_ms;
}

static bool ahead(int64_t at_ms, int64_t leeway_ms, int64_t now_ms)
{
    return now_ms < at_ms - leeway_ms;
}

static const struct {
    const char *name;
    unsigned bit;
    bool (*wrong)(int64_t at_ms, int64_t leeway_ms, int64_t now_ms);
    const char *is_wrong, *absent, *unreadable;
} times[] = {
    {"exp", JWT_EXP, expired, "has expired (exp)", "does not say when it expires (exp)",
     "has a time (exp) that is not a number of seconds"},
    {"nbf", JWT_NBF, ahead, "is not valid yet (nbf)", "does not say from when it is valid (nbf)",
     "has a time (nbf) that is not a number of seconds"},
    {"iat", JWT_IAT, ahead, "was issued after now (iat)", "does not say when it was issued (iat)",
     "has a time (iat) that is not a number of seconds"},
};
enum { N_TIMES = sizeof times / sizeof *times };

unsigned jwt_time(struct span name)
{
    for (size_t i = 0; i < N_TIMES; i++)
        if (span_eq_str(name, times[i].name))
            return times[i].bit;
    return 0;
}

enum err jwt_times(const struct jwt *t, unsigned require, int64_t leeway_ms, int64_t now_ms, const char **problem)
{
    for (size_t i = 0; i < N_TIMES; i++) {
        struct span value = t->claims.p ? json_member(t->claims, times[i].name) : SPAN_NONE;
        int64_t at_ms;
        if (!value.p && require & times[i].bit)
            return invalid(problem, times[i].absent);
        if (!value.p)
            continue;
        if (json_type_of(value) != JSON_NUMBER || !numeric_date(value, &at_ms))
            return invalid(problem, times[i].unreadable);
        if (times[i].wrong(at_ms, leeway_ms, now_ms)) {
            *problem = times[i].is_wrong;
            return ERR_TIMESTAMP_OUT_OF_TOLERANCE;
        }
    }
    return ERR_OK;
}
