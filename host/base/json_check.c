/* SPDX-License-Identifier: MIT
 * json_check: the strict scanner: one pass, no recursion, each refusal by name. Owns one small table of member names
 * per thread; a text with more names than fit gets a larger table for the time of the check. Any thread.
 */
#include "base/json.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/json_escape.h"
#include "base/run.h"

enum { SMALL_SLOTS = 1024, TEXT_BYTES_MAX = 1 << 30 };

/* A member name that was seen. Objects are numbered for the life of the thread, so that a slot left over from an
 * earlier check is known by its number and the table need not be cleared. */
struct slot {
    uint64_t hash;
    uint32_t object; /* 0, or less than the check's first: free */
    uint32_t offset; /* of the name in the text, behind its quote */
};

static _Thread_local struct {
    struct slot small[SMALL_SLOTS];
    uint32_t last_object;
    uint64_t seed[2]; /* secret, so that nobody can prepare names that collide; [1] is odd once set */
} own;

struct scan {
    const char *base, *p, *end;
    struct json_limits limits;
    const char *what;
    bool out_of_memory;
    unsigned nodes, depth;
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* bit set: the container at this depth is an object */
    uint32_t object[JSON_DEPTH_MAX];       /* its number */
    uint32_t first_object;
    struct slot *slots; /* own.small, or `large` */
    struct slot *large; /* owned */
    size_t n_slots, n_names;
};

static bool refuse(struct scan *s, const char *what)
{
    s->what = what;
    return false;
}

static bool refuse_at(struct scan *s, const char *p, const char *what)
{
    s->p = p;
    return refuse(s, what);
}

static inline void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* What to say where something else was expected. */
static bool unexpected(struct scan *s, const char *expected)
{
    if (s->p >= s->end)
        return refuse(s, "unexpected end");
    return refuse(s, *s->p == 0 ? "NUL byte" : expected);
}

static bool count_node(struct scan *s)
{
    return ++s->nodes <= s->limits.max_nodes || refuse(s, "too many values");
}

/* ---- strings ---- */

static bool scan_unicode_escape(struct scan *s)
{
    const char *from = s->p;
    int unit = json_hex4(s->p + 2, s->end);
    if (unit < 0)
        return refuse(s, "bad escape");
    if (unit == 0)
        return refuse(s, "NUL in string");
    s->p += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit > 0xdbff || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
        return refuse_at(s, from, "lone surrogate");
    int low = json_hex4(s->p + 2, s->end);
    if (low < 0)
        return refuse(s, "bad escape");
    if (low < 0xdc00 || low > 0xdfff)
        return refuse_at(s, from, "lone surrogate");
    s->p += 6;
    return true;
}

static bool scan_escape(struct scan *s)
{
    if (s->end - s->p < 2)
        return refuse_at(s, s->end, "unexpected end");
    switch (s->p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->p += 2;
        return true;
    case 'u':
        return scan_unicode_escape(s);
    default:
        return refuse(s, "bad escape");
    }
}

/* From the opening quote past the closing one. */
static bool scan_string(struct scan *s, struct span *inside, bool *escaped)
{
    const char *from = ++s->p;
    *escaped = false;
    for (;;) {
        s->p += run_ascii(s->p, (size_t)(s->end - s->p));
        if (s->p >= s->end)
            return refuse(s, "unexpected end");
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            *inside = span_of(from, (size_t)(s->p - from));
            s->p++;
            return true;
        }
        if (c == '\\') {
            *escaped = true;
            if (!scan_escape(s))
                return false;
        } else if (c < 0x20) {
            return refuse(s, c == 0 ? "NUL in string" : "control character in string");
        } else {
            size_t n = utf8_sequence(span_of(s->p, (size_t)(s->end - s->p)));
            if (n == 0)
                return refuse(s, "invalid UTF-8");
            s->p += n;
        }
    }
}

/* ---- member names ---- */

static inline uint64_t mix(uint64_t h, uint64_t word)
{
    unsigned __int128 m = (unsigned __int128)(h ^ word) * own.seed[1];
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Hash of the unescaped bytes, eight at a time; escaped and plain spellings of a name get the same. */
static uint64_t hash_name(struct span name, bool escaped, uint32_t object)
{
    uint64_t h = mix(own.seed[0], object), word;
    unsigned char part[sizeof word] = {0};
    size_t n = 0;
    if (escaped) {
        struct json_reader r = json_reader(name);
        for (int c; (c = json_reader_next(&r)) >= 0; n++) {
            if (n && n % sizeof word == 0) {
                memcpy(&word, part, sizeof word);
                h = mix(h, word);
                memset(part, 0, sizeof part);
            }
            part[n % sizeof word] = (unsigned char)c;
        }
    } else {
        for (; name.n - n > sizeof word; n += sizeof word) {
            memcpy(&word, name.p + n, sizeof word);
            h = mix(h, word);
        }
        memcpy(part, name.p + n, name.n - n);
        n = name.n;
    }
    memcpy(&word, part, sizeof word);
    return mix(mix(h, word), n);
}

/* The name at `offset` and `name` mean the same. Both were scanned, so a closing quote ends each. */
static bool same_name(const struct scan *s, uint32_t offset, struct span name)
{
    struct json_reader a = {.p = s->base + offset, .end = s->end}, b = json_reader(name);
    for (;;) {
        bool a_ends = a.at == a.n && *a.p == '"';
        int cb = json_reader_next(&b);
        if (a_ends || cb < 0)
            return a_ends && cb < 0;
        if (json_reader_next(&a) != cb)
            return false;
    }
}

static struct slot *free_slot(struct slot *slots, size_t n_slots, uint64_t hash, uint32_t first_object)
{
    size_t i = hash & (n_slots - 1);
    while (slots[i].object >= first_object)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

/* Go over to a table that holds every name the rest of the text can have within the limits. */
static bool grow(struct scan *s)
{
    size_t names = (size_t)(s->end - s->base) / 4; /* the shortest member, "":0 */
    if (names > s->limits.max_nodes / 2)
        names = s->limits.max_nodes / 2 + 1; /* each has a value before the next */
    size_t n = SMALL_SLOTS;
    while (n < names * 2)
        n *= 2;
    s->large = calloc(n, sizeof *s->large);
    if (!s->large) {
        s->out_of_memory = true;
        return refuse(s, "out of memory");
    }
    for (size_t i = 0; i < SMALL_SLOTS; i++)
        if (own.small[i].object >= s->first_object)
            *free_slot(s->large, n, own.small[i].hash, s->first_object) = own.small[i];
    s->slots = s->large;
    s->n_slots = n;
    return true;
}

static bool remember_name(struct scan *s, struct span name, bool escaped)
{
    uint32_t object = s->object[s->depth - 1];
    uint64_t hash = hash_name(name, escaped, object);
    if (s->n_names >= s->n_slots / 2 && !s->large && !grow(s))
        return false;
    bug_if(s->n_names >= s->n_slots);
    size_t i = hash & (s->n_slots - 1);
    for (; s->slots[i].object >= s->first_object; i = (i + 1) & (s->n_slots - 1))
        if (s->slots[i].hash == hash && s->slots[i].object == object && same_name(s, s->slots[i].offset, name))
            return refuse_at(s, name.p - 1, "duplicate name");
    s->slots[i] = (struct slot){hash, object, (uint32_t)(name.p - s->base)};
    s->n_names++;
    return true;
}

/* "name" and its colon. */
static bool scan_name(struct scan *s)
{
    struct span name;
    bool escaped;
    skip_space(s);
    if (s->p >= s->end || *s->p != '"')
        return unexpected(s, "member name expected");
    if (!count_node(s) || !scan_string(s, &name, &escaped) || !remember_name(s, name, escaped))
        return false;
    skip_space(s);
    if (s->p >= s->end || *s->p != ':')
        return unexpected(s, "colon expected");
    s->p++;
    return true;
}

/* ---- values ---- */

static inline bool digit_at(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool scan_digits(struct scan *s)
{
    if (!digit_at(s))
        return refuse(s, s->p < s->end ? "bad number" : "unexpected end");
    while (digit_at(s))
        s->p++;
    return true;
}

static bool scan_number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    const char *whole = s->p;
    if (!scan_digits(s))
        return false;
    if (*whole == '0' && s->p - whole > 1)
        return refuse_at(s, whole, "leading zero");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_literal(struct scan *s, struct span word)
{
    if (!span_starts(span_of(s->p, (size_t)(s->end - s->p)), word))
        return refuse(s, "bad literal");
    s->p += word.n;
    return true;
}

static bool push(struct scan *s, bool object)
{
    if (s->depth >= s->limits.max_depth)
        return refuse(s, "too deep");
    uint64_t bit = UINT64_C(1) << (s->depth % 64);
    uint64_t *word = &s->objects[s->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    if (object)
        s->object[s->depth] = ++own.last_object;
    s->depth++;
    s->p++;
    return true;
}

static inline bool in_object(const struct scan *s)
{
    return s->objects[(s->depth - 1) / 64] >> ((s->depth - 1) % 64) & 1;
}

/* Begin a value: a scalar whole, of a container the bracket (*opened). */
static bool scan_value(struct scan *s, bool *opened)
{
    struct span inside;
    bool escaped;
    skip_space(s);
    if (s->p >= s->end)
        return refuse(s, "unexpected end");
    if (!count_node(s))
        return false;
    *opened = *s->p == '{' || *s->p == '[';
    switch (*s->p) {
    case '{':
    case '[':
        return push(s, *s->p == '{');
    case '"':
        return scan_string(s, &inside, &escaped);
    case 't':
        return scan_literal(s, SPAN_LIT("true"));
    case 'f':
        return scan_literal(s, SPAN_LIT("false"));
    case 'n':
        return scan_literal(s, SPAN_LIT("null"));
    default:
        return *s->p == '-' || digit_at(s) ? scan_number(s) : unexpected(s, "value expected");
    }
}

/* Take a closing bracket of the innermost container if it is there. */
static inline bool closed(struct scan *s)
{
    skip_space(s);
    if (s->p >= s->end || *s->p != (in_object(s) ? '}' : ']'))
        return false;
    s->p++;
    s->depth--;
    return true;
}

/* Behind a value: close what closes, up to the comma that announces the next value. *more is false at the end of all.
 */
static bool scan_after_value(struct scan *s, bool *more)
{
    while (s->depth && closed(s))
        ;
    *more = s->depth > 0;
    if (s->depth == 0) {
        skip_space(s);
        return s->p == s->end || refuse(s, *s->p == 0 ? "NUL byte" : "trailing bytes");
    }
    if (s->p >= s->end || *s->p != ',')
        return unexpected(s, in_object(s) ? "comma or } expected" : "comma or ] expected");
    s->p++;
    return in_object(s) ? scan_name(s) : true;
}

static bool scan_text(struct scan *s)
{
    if (span_starts(span_of(s->p, (size_t)(s->end - s->p)), SPAN_LIT("\xef\xbb\xbf")))
        return refuse(s, "byte order mark");
    skip_space(s);
    if (s->p == s->end)
        return refuse(s, "empty text");
    bool opened, more = true;
    while (more) {
        if (!scan_value(s, &opened))
            return false;
        if (opened && !closed(s)) {
            if (in_object(s) && !scan_name(s))
                return false;
            continue;
        }
        if (!scan_after_value(s, &more))
            return false;
    }
    return true;
}

static void prepare_thread(size_t text_bytes)
{
    if (!own.seed[1]) {
        if (getentropy(own.seed, sizeof own.seed) != 0)
            bug("this system has no random bytes");
        own.seed[1] |= 1;
    }
    if (own.last_object > UINT32_MAX - text_bytes - 1) {
        memset(own.small, 0, sizeof own.small);
        own.last_object = 0;
    }
}

enum err json_check(struct span text, struct json_limits limits, struct json_error *error)
{
    if (text.n > TEXT_BYTES_MAX) {
        *error = (struct json_error){"too large", TEXT_BYTES_MAX};
        return ERR_MALFORMED_BODY;
    }
    if (!text.p)
        text.p = "";
    if (limits.max_depth > JSON_DEPTH_MAX)
        limits.max_depth = JSON_DEPTH_MAX;
    prepare_thread(text.n);
    struct scan s = {.base = text.p,
                     .p = text.p,
                     .end = text.p + text.n,
                     .limits = limits,
                     .first_object = own.last_object + 1,
                     .slots = own.small,
                     .n_slots = SMALL_SLOTS};
    bool good = scan_text(&s);
    free(s.large);
    if (good)
        return ERR_OK;
    *error = (struct json_error){s.what, (size_t)(s.p - s.base)};
    return s.out_of_memory ? ERR_INTERNAL : ERR_MALFORMED_BODY;
}
