/* SPDX-License-Identifier: MIT
 * json: walking, looking up and unescaping in a text that json_check has passed. Owns nothing, allocates nothing; stays
 * inside the bytes it was given whatever they are. Any thread.
 */
#include "base/json.h"

#include "base/json_escape.h"
#include "base/run.h"

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static inline const char *end_of(struct span s)
{
    return s.n ? s.p + s.n : s.p; /* s.p may be NULL */
}

static struct span trim(struct span s)
{
    const char *end = end_of(s);
    const char *p = skip_space(s.p, end);
    while (end > p && is_space(end[-1]))
        end--;
    return span_of(p, (size_t)(end - p));
}

/* From an opening quote to behind the closing one, or the end. A quote is a closing one if an even number of
 * backslashes stands before it. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++;;) {
        p += run_in_string(p, (size_t)(end - p));
        if (p >= end)
            return end;
        if (*p == '"')
            return p + 1;
        p += end - p > 1 ? 2 : 1;
    }
}

/* A byte that numbers and literals are made of. */
static inline bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

/* From the first byte of a value to behind its last. Always goes on by at least one byte when there is one. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        switch (*p) {
        case '"':
            p = skip_string(p, end);
            break;
        case '{':
        case '[':
            depth++;
            p++;
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            p++;
            break;
        default:
            do
                p++;
            while (p < end && is_scalar(*p));
        }
        if (depth == 0)
            return p;
        p = skip_space(p, end);
    }
    return end;
}

enum json_type json_type_of(struct span value)
{
    const char *end = end_of(value);
    const char *p = skip_space(value.p, end);
    if (p == end)
        return JSON_NONE;
    switch (*p) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return *p == '-' || (*p >= '0' && *p <= '9') ? JSON_NUMBER : JSON_NONE;
    }
}

struct json_iter json_iter(struct span container)
{
    const char *end = end_of(container);
    const char *p = skip_space(container.p, end);
    if (p == end || (*p != '{' && *p != '['))
        return (struct json_iter){end, end};
    return (struct json_iter){p + 1, end};
}

/* Step over the comma; false when the container ends here. */
static bool next_item(struct json_iter *it)
{
    it->p = skip_space(it->p, it->end);
    if (it->p < it->end && *it->p == ',')
        it->p = skip_space(it->p + 1, it->end);
    return it->p < it->end && *it->p != ']' && *it->p != '}';
}

bool json_next_element(struct json_iter *it, struct span *value)
{
    if (!next_item(it))
        return false;
    const char *from = it->p;
    it->p = skip_value(from, it->end);
    *value = span_of(from, (size_t)(it->p - from));
    return true;
}

bool json_next_member(struct json_iter *it, struct span *name, struct span *value)
{
    if (!next_item(it) || *it->p != '"')
        return false;
    const char *from = it->p + 1;
    const char *behind = skip_string(it->p, it->end);
    const char *p = skip_space(behind, it->end);
    if (p == it->end || *p != ':' || behind <= from)
        return false;
    p = skip_space(p + 1, it->end);
    if (p == it->end)
        return false;
    *name = span_of(from, (size_t)(behind - 1 - from));
    it->p = skip_value(p, it->end);
    *value = span_of(p, (size_t)(it->p - p));
    return true;
}

static bool has_escape(struct span inside)
{
    return inside.n && memchr(inside.p, '\\', inside.n);
}

/* Does the escaped name mean exactly these bytes? */
static bool name_is(struct span name, struct span plain)
{
    if (!has_escape(name))
        return span_eq(name, plain);
    struct json_reader r = json_reader(name);
    for (size_t i = 0; i < plain.n; i++)
        if (json_reader_next(&r) != (unsigned char)plain.p[i])
            return false;
    return json_reader_next(&r) < 0;
}

struct span json_member(struct span object, const char *name)
{
    struct span wanted = span_str(name), found, value;
    if (json_type_of(object) != JSON_OBJECT)
        return SPAN_NONE;
    struct json_iter it = json_iter(object);
    while (json_next_member(&it, &found, &value))
        if (name_is(found, wanted))
            return value;
    return SPAN_NONE;
}

/* ---- RFC 6901 ---- */

bool json_pointer_valid(struct span pointer)
{
    if (pointer.n && pointer.p[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.n; i++)
        if (pointer.p[i] == '~' && (i + 1 == pointer.n || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1')))
            return false;
    return true;
}

bool json_name_is_token(struct span name, struct span token)
{
    if (!memchr(token.p, '~', token.n))
        return name_is(name, token);
    struct json_reader r = json_reader(name);
    for (size_t i = 0; i < token.n; i++) {
        int c = (unsigned char)token.p[i];
        if (c == '~')
            c = token.p[++i] == '0' ? '~' : '/';
        if (json_reader_next(&r) != c)
            return false;
    }
    return json_reader_next(&r) < 0;
}

static struct span member_by_token(struct span object, struct span token)
{
    struct span name, value;
    struct json_iter it = json_iter(object);
    while (json_next_member(&it, &name, &value))
        if (json_name_is_token(name, token))
            return value;
    return SPAN_NONE;
}

struct span json_element_by_token(struct span array, struct span token)
{
    if (token.n == 0 || token.n > 9 || (token.n > 1 && token.p[0] == '0'))
        return SPAN_NONE;
    unsigned index = 0;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9')
            return SPAN_NONE;
        index = index * 10 + (unsigned)(token.p[i] - '0');
    }
    struct span value;
    struct json_iter it = json_iter(array);
    while (json_next_element(&it, &value))
        if (index-- == 0)
            return value;
    return SPAN_NONE;
}

struct span json_pointer(struct span text, struct span pointer)
{
    if (!text.p || !json_pointer_valid(pointer))
        return SPAN_NONE;
    struct span at = trim(text);
    while (pointer.n && at.p) {
        pointer = span_skip(pointer, 1);
        const char *slash = pointer.n ? memchr(pointer.p, '/', pointer.n) : NULL;
        struct span token = span_of(pointer.p, slash ? (size_t)(slash - pointer.p) : pointer.n);
        pointer = span_skip(pointer, token.n);
        switch (json_type_of(at)) {
        case JSON_OBJECT:
            at = member_by_token(at, token);
            break;
        case JSON_ARRAY:
            at = json_element_by_token(at, token);
            break;
        default:
            return SPAN_NONE;
        }
    }
    return at;
}

/* ---- strings and scalars ---- */

int json_hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static unsigned put_utf8(uint32_t c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    unsigned n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)(lead[n] | c);
    return n;
}

/* The code point of the \u escape at r->p, taken off; U+FFFD for what is none. */
static uint32_t take_unicode(struct json_reader *r)
{
    int unit = json_hex4(r->p + 2, r->end);
    if (unit < 0) {
        r->p += 2;
        return 0xfffd;
    }
    r->p += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return (uint32_t)unit;
    int low =
        unit < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' ? json_hex4(r->p + 2, r->end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    r->p += 6;
    return 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

void json_reader_escape(struct json_reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t c = 0xfffd;
    if (r->end - r->p < 2) {
        r->p = r->end;
    } else if (r->p[1] == 'u') {
        c = take_unicode(r);
    } else {
        const char *known = r->p[1] ? strchr(from, r->p[1]) : NULL;
        if (known)
            c = (unsigned char)to[known - from];
        r->p += 2;
    }
    r->at = 0;
    r->n = put_utf8(c, r->out);
}

/* The text between the quotes of a string value; SPAN_NONE if it is none. */
static struct span inside_of(struct span string)
{
    struct span s = string.p ? trim(string) : string;
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return SPAN_NONE;
    return span_of(s.p + 1, s.n - 2);
}

/* The same as below where there is room for whatever comes (an escape that is none takes 3 bytes for 2). Returns how many bytes. */
static size_t unescape_to(char *out, struct span s)
{
    static const char meant[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    char *from = out;
    struct json_reader r = json_reader(s);
    for (;;) {
        size_t n = run_unescaped(out, r.p, (size_t)(r.end - r.p));
        out += n;
        r.p += n;
        if (r.p == r.end)
            return (size_t)(out - from);
        char c = r.end - r.p > 1 ? meant[r.p[1] & 127] : 0;
        if (c && !(r.p[1] & 0x80)) {
            *out++ = c;
            r.p += 2;
            continue;
        }
        json_reader_escape(&r);
        memcpy(out, r.out, r.n);
        out += r.n;
    }
}

enum err json_unescape(struct span string, struct buf *b)
{
    struct span s = inside_of(string);
    if (!s.p)
        return ERR_INVALID;
    if (buf_room(b, s.n + s.n / 2 + 4 + RUN_SLACK)) {
        b->n += unescape_to(b->p + b->n, s);
        return ERR_OK;
    }
    struct json_reader r = json_reader(s);
    while (r.p < r.end) {
        const char *backslash = memchr(r.p, '\\', (size_t)(r.end - r.p));
        const char *stop = backslash ? backslash : r.end;
        buf_put(b, r.p, (size_t)(stop - r.p));
        r.p = stop;
        if (backslash) {
            json_reader_escape(&r);
            buf_put(b, r.out, r.n);
        }
    }
    return b->failed ? ERR_NO_ROOM : ERR_OK;
}

struct span json_plain_string(struct span string)
{
    struct span s = inside_of(string);
    return s.p && !has_escape(s) ? s : SPAN_NONE;
}

enum err json_scalar_text(struct span value, struct buf *b)
{
    switch (json_type_of(value)) {
    case JSON_STRING:
        return json_unescape(value, b);
    case JSON_NUMBER:
    case JSON_NULL:
    case JSON_TRUE:
    case JSON_FALSE:
        buf_put_span(b, trim(value));
        return b->failed ? ERR_NO_ROOM : ERR_OK;
    default:
        return ERR_INVALID;
    }
}

enum err json_int(struct span value, int64_t *out)
{
    struct span s = value.p ? trim(value) : value;
    bool negative = s.n && s.p[0] == '-';
    int64_t v = 0;
    if (negative)
        s = span_skip(s, 1);
    if (s.n == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return ERR_INVALID;
        int digit = s.p[i] - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v))
            return ERR_INVALID;
    }
    if (!negative && __builtin_sub_overflow(0, v, &v))
        return ERR_INVALID;
    *out = v;
    return ERR_OK;
}
