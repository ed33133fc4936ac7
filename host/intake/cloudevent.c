/* SPDX-License-Identifier: MIT
 * cloudevent: collecting attributes from headers or JSON members, then one check for both.
 */
#include "intake/cloudevent.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/media.h"
#include "base/units.h"
#include "recipe/form.h"
#include "schema/format.h"

static const char *const required[] = {"ce-specversion", "ce-id", "ce-source", "ce-type"};
enum { N_REQUIRED = sizeof required / sizeof required[0], PREFIX_BYTES = 3, SHOWN = 40 };

enum cloudevent_mode cloudevent_mode(struct span content_type)
{
    static const struct span family = SPAN_LIT("application/cloudevents");
    struct span type = media_type(content_type);
    if (type.n < family.n || !span_eq_nocase(span_of(type.p, family.n), family))
        return CLOUDEVENT_BINARY;
    struct span rest = span_skip(type, family.n);
    return span_eq_nocase(rest, SPAN_LIT("+json"))         ? CLOUDEVENT_STRUCTURED
           : span_eq_nocase(rest, SPAN_LIT("-batch+json")) ? CLOUDEVENT_BATCHED
                                                           : CLOUDEVENT_UNKNOWN;
}

bool cloudevent_marked(const struct recipe_header *headers, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < N_REQUIRED; k++)
            found += span_eq_str(headers[i].name, required[k]);
    return found >= N_REQUIRED;
}

struct span cloudevent_attribute(const struct cloudevent *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (span_eq_str(e->attributes[i].name, name))
            return e->attributes[i].value;
    return SPAN_NONE;
}

/* source and dataschema are URIs (RFC 3986); senders write "#" for the second as well, so a reference will do. As it came is as good
 * as decoded: many senders do not encode the % of a URI in a header once more. */
static enum err check_reference(struct span name, struct span came, struct span value, struct why *w)
{
    const struct format *reference = format_find(SPAN_LIT("uri-reference"));
    if (!span_eq_str(name, "ce-source") && !span_eq_str(name, "ce-dataschema"))
        return ERR_OK;
    if (value.n > 0 && (format_holds(reference, value) || format_holds(reference, came)))
        return ERR_OK;
    return why_set(w, ERR_INVALID, "%.*s is %s", (int)(name.n - PREFIX_BYTES), name.p + PREFIX_BYTES, value.n ? "no URI-reference (RFC 3986)" : "empty");
}

static enum err no_room(struct why *w)
{
    return why_set(w, ERR_NO_ROOM, "its attributes are more than this server takes");
}

static enum err add(struct cloudevent *e, struct span name, struct span value, struct why *w)
{
    if (e->n == CLOUDEVENT_ATTRIBUTES_MAX)
        return no_room(w);
    e->attributes[e->n++] = (struct recipe_header){name, value};
    return ERR_OK;
}

/* ---- the check ---- */

/* Letters a to z and digits behind the prefix, and not "data" (CloudEvents, naming conventions). */
static bool good_name(struct span name)
{
    if (span_eq_str(name, "ce-data"))
        return false;
    for (size_t i = PREFIX_BYTES; i < name.n; i++)
        if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && !(name.p[i] >= '0' && name.p[i] <= '9'))
            return false;
    return name.n > PREFIX_BYTES;
}

/* Is this sequence of n bytes U+0000 to U+001F, U+007F to U+009F, or one of those that Unicode says are no characters: U+FDD0 to
 * U+FDEF and the last two of each plane? */
static bool is_forbidden(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (n == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    bool last = p[n - 2] == 0xbf && p[n - 1] >= 0xbe && (p[n - 3] & 0xf) == 0xf;
    return last || (n == 3 && p[0] == 0xef && p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf);
}

/* A String of the type system. */
static bool good_value(struct span s)
{
    while (s.n > 0) {
        size_t n = utf8_sequence(s);
        if (n == 0 || is_forbidden((const unsigned char *)s.p, n))
            return false;
        s = span_skip(s, n);
    }
    return true;
}

/* RFC 2046: a type and a subtype, both tokens; parameters are not looked at. */
static bool good_media(struct span s)
{
    size_t slashes = 0;
    s = media_type(s);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"[]?=", s.p[i]))
            return false;
        slashes += s.p[i] == '/';
    }
    return slashes == 1 && s.p[0] != '/' && s.p[s.n - 1] != '/';
}

static bool not_empty(struct span s)
{
    return s.n > 0;
}

/* RFC 3339; years that rfc3339_parse does not reckon with are times as well. */
static bool good_time(struct span s)
{
    char text[64];
    int64_t ms;
    if (s.n < 4 || s.n > sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    for (size_t i = 0; i < 4; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    memcpy(text, memcmp(text, "1971", 4) < 0 || memcmp(text, "9998", 4) > 0 ? "2000" : text, 4);
    return rfc3339_parse(span_of(text, s.n), &ms) == ERR_OK;
}

/* What attributes of this specification have to look like, where they are there (section "context attributes"). */
static const struct {
    const char *name;
    bool (*holds)(struct span value);
    const char *words;
} shapes[] = {
    {"ce-subject", not_empty, "is empty, and may only be left out"},
    {"ce-time", good_time, "is not written as in RFC 3339"},
    {"ce-datacontenttype", good_media, "is no media type (RFC 2046)"},
};

static int shown(struct span s)
{
    return (int)(s.n < SHOWN ? s.n : SHOWN);
}

static enum err check(const struct cloudevent *e, struct why *w)
{
    for (size_t i = 0; i < e->n; i++) {
        struct span name = e->attributes[i].name;
        if (!good_name(name))
            return why_set(w, ERR_INVALID, "%.*s is no attribute's name: a to z and 0 to 9, and not data", shown(name), name.p);
        if (!good_value(e->attributes[i].value))
            return why_set(w, ERR_INVALID, "%.*s is not UTF-8 without control characters and what Unicode keeps from use", shown(name), name.p);
    }
    for (size_t i = 0; i < N_REQUIRED; i++)
        if (cloudevent_attribute(e, required[i]).n == 0)
            return why_set(w, ERR_INVALID, "%s is missing", required[i] + PREFIX_BYTES);
    struct span version = cloudevent_attribute(e, "ce-specversion");
    if (!span_eq_str(version, "1.0"))
        return why_set(w, ERR_INVALID, "specversion is %.*s, not 1.0", shown(version), version.p);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct span value = cloudevent_attribute(e, shapes[i].name);
        if (value.p && !shapes[i].holds(value))
            return why_set(w, ERR_INVALID, "%s %s", shapes[i].name + PREFIX_BYTES, shapes[i].words);
    }
    return ERR_OK;
}

/* ---- binary ---- */

/* A quoted string's content (RFC 9110 section 5.6.4), else the text; then one round of %XX, where a '%' before anything
 * else stays as it is. */
static enum err decode_header(struct span s, struct arena *a, struct span *out)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    if (!quoted && !memchr(s.p, '%', s.n)) {
        *out = s;
        return ERR_OK;
    }
    char *plain = arena_alloc(a, s.n);
    struct buf b = {.p = plain, .cap = s.n, .max_bytes = s.n};
    if (!plain)
        return ERR_NO_ROOM;
    for (size_t i = quoted; i < s.n - quoted; i++) {
        if (quoted && s.p[i] == '\\' && i + 1 < s.n - 1)
            i++;
        buf_putc(&b, s.p[i]);
    }
    size_t n = 0;
    for (size_t i = 0; i < b.n; n++) {
        int byte = form_escape(buf_span(&b), i);
        plain[n] = byte < 0 ? plain[i] : (char)byte;
        i += byte < 0 ? 1 : 3;
    }
    *out = span_of(plain, n);
    return ERR_OK;
}

enum err cloudevent_binary(const struct recipe_header *headers, size_t n, struct span content_type, struct arena *a,
                           struct cloudevent *out, struct why *w)
{
    out->n = 0;
    out->data = out->data_base64 = SPAN_NONE;
    out->data_is_json = media_is_json(content_type);
    for (size_t i = 0; i < n; i++) {
        struct span value;
        if (!span_starts(headers[i].name, SPAN_LIT("ce-")))
            continue;
        if (span_eq_str(headers[i].name, "ce-datacontenttype"))
            return why_set(w, ERR_INVALID, "ce-datacontenttype is there, which the content type is for");
        if (decode_header(span_trim(headers[i].value), a, &value) != ERR_OK)
            return no_room(w);
        enum err e = check_reference(headers[i].name, span_trim(headers[i].value), value, w);
        if (e == ERR_OK)
            e = add(out, headers[i].name, value, w);
        if (e != ERR_OK)
            return e;
    }
    enum err e = content_type.n ? add(out, SPAN_LIT("ce-datacontenttype"), content_type, w) : ERR_OK;
    return e == ERR_OK ? check(out, w) : e;
}

/* ---- structured ---- */

static bool is_text_attribute(struct span name)
{
    static const char *const texts[] = {"id", "source", "type", "specversion", "datacontenttype", "dataschema", "subject", "time"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (span_eq_str(name, texts[i]))
            return true;
    return false;
}

/* The type system's JSON mapping: strings, booleans, integers of 32 bits. */
static enum err attribute_value(struct span name, struct span value, struct arena *a, struct span *out, struct why *w)
{
    enum json_type type = json_type_of(value);
    int64_t number;
    if (type == JSON_STRING) {
        *out = json_plain_string(value);
        if (out->p)
            return ERR_OK;
        struct buf b = arena_open(a);
        enum err e = json_unescape(value, &b);
        *out = e == ERR_OK ? arena_close(a, &b) : SPAN_NONE;
        return out->p ? ERR_OK : no_room(w);
    }
    bool good = !is_text_attribute(name) && (type == JSON_TRUE || type == JSON_FALSE || type == JSON_NUMBER);
    if (good && type == JSON_NUMBER)
        good = json_int(value, &number) == ERR_OK && number >= INT32_MIN && number <= INT32_MAX;
    *out = value;
    return good ? ERR_OK
                : why_set(w, ERR_INVALID,
                          is_text_attribute(name) ? "%.*s is not a text"
                                                  : "%.*s is neither a text, an integer of 32 bits, true nor false",
                          shown(name), name.p);
}

/* "ce-" and the name, unescaped, in the arena. */
static struct span attribute_name(struct span escaped, struct arena *a)
{
    struct buf b = arena_open(a);
    buf_puts(&b, "ce-");
    if (!memchr(escaped.p, '\\', escaped.n))
        buf_put_span(&b, escaped);
    else if (json_unescape(span_of(escaped.p - 1, escaped.n + 2), &b) != ERR_OK) /* with its quotes */
        return SPAN_NONE;
    return arena_close(a, &b);
}

static enum err take_member(struct span member, struct span value, struct arena *a, struct cloudevent *e, struct why *w)
{
    struct span name = attribute_name(member, a), plain;
    if (!name.p)
        return no_room(w);
    struct span bare = span_skip(name, PREFIX_BYTES);
    if (span_eq_str(bare, "data")) {
        e->data = value; /* null is a value here (section 3.1.1) */
        return ERR_OK;
    }
    if (json_type_of(value) == JSON_NULL)
        return ERR_OK;
    if (span_eq_str(bare, "data_base64")) {
        e->data_base64 = value;
        return json_type_of(value) == JSON_STRING ? ERR_OK : why_set(w, ERR_INVALID, "data_base64 is not a text");
    }
    enum err err = attribute_value(bare, value, a, &plain, w);
    if (err == ERR_OK)
        err = check_reference(name, plain, plain, w);
    return err == ERR_OK ? add(e, name, plain, w) : err;
}

enum err cloudevent_structured(struct span value, struct arena *a, struct cloudevent *out, struct why *w)
{
    struct span name, member;
    if (json_type_of(value) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "it is not a JSON object");
    out->n = 0;
    out->data = out->data_base64 = SPAN_NONE;
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &member);) {
        enum err e = take_member(name, member, a, out, w);
        if (e != ERR_OK)
            return e;
    }
    if (out->data.p && out->data_base64.p)
        return why_set(w, ERR_INVALID, "it has both data and data_base64");
    struct span type = cloudevent_attribute(out, "ce-datacontenttype");
    out->data_is_json = type.p ? media_is_json(type) : out->data.p != NULL;
    return check(out, w);
}
