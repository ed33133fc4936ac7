/* SPDX-License-Identifier: MIT
 * line_decode: the whole of an event, a carried function or an outcome, strings unescaped and bytes as they were. One
 * table of members for each. Owns nothing; any thread.
 */
#include "spool/line.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/units.h"

enum { MEMBERS_MAX = 32, KEY_BYTES = 16 };

/* Decoding one object. Spans into b are kept as offsets until b has stopped growing. */
struct decoder {
    struct buf *b;
    struct late {
        struct span *s;
        size_t at, n;
    } late[MEMBERS_MAX];
    size_t n_late;
};

struct member {
    const char *name;
    size_t offset; /* in the struct that is filled */
    enum err (*take)(struct decoder *d, struct span value, void *to);
    bool optional;
};

static bool is_null(struct span value)
{
    return json_type_of(value) == JSON_NULL;
}

static enum err take_text(struct decoder *d, struct span value, void *to)
{
    struct span *s = to;
    *s = json_plain_string(value);
    if (s->p)
        return ERR_OK;
    size_t at = d->b->n;
    enum err e = json_unescape(value, d->b);
    d->late[d->n_late++] = (struct late){s, at, d->b->n - at};
    return e == ERR_NO_ROOM ? e : e ? ERR_CORRUPT : ERR_OK;
}

static enum err take_text_or_null(struct decoder *d, struct span value, void *to)
{
    return is_null(value) ? ERR_OK : take_text(d, value, to);
}

static enum err take_base64(struct decoder *d, struct span value, void *to)
{
    struct span text = json_plain_string(value);
    size_t room = text.n / 4 * 3, n;
    if (!text.p)
        return ERR_CORRUPT;
    if (!buf_reserve(d->b, room + 1))
        return ERR_NO_ROOM;
    if (base64_decode_public(text, d->b->p + d->b->n, room, &n) != ERR_OK)
        return ERR_CORRUPT;
    d->late[d->n_late++] = (struct late){to, d->b->n, n};
    d->b->n += n;
    return ERR_OK;
}

static enum err take_array(struct decoder *d, struct span value, void *to)
{
    (void)d;
    *(struct span *)to = value;
    return json_type_of(value) == JSON_ARRAY ? ERR_OK : ERR_CORRUPT;
}

static enum err take_id(struct decoder *d, struct span value, void *to)
{
    (void)d;
    struct span s = json_plain_string(value);
    return s.p && id_parse(s, to) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum err take_time(struct decoder *d, struct span value, void *to)
{
    (void)d;
    struct span s = json_plain_string(value);
    return s.p && rfc3339_parse(s, to) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum err take_due(struct decoder *d, struct span value, void *to)
{
    return is_null(value) ? ERR_OK : take_time(d, value, to);
}

static enum err take_bool(struct decoder *d, struct span value, void *to)
{
    (void)d;
    enum json_type t = json_type_of(value);
    *(bool *)to = t == JSON_TRUE;
    return t == JSON_TRUE || t == JSON_FALSE ? ERR_OK : ERR_CORRUPT;
}

static enum err take_ms(struct decoder *d, struct span value, void *to)
{
    (void)d;
    return json_int(value, to) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum err take_count(struct decoder *d, struct span value, void *to)
{
    int64_t v;
    (void)d;
    if (json_int(value, &v) != ERR_OK || v < 0 || v > UINT32_MAX)
        return ERR_CORRUPT;
    *(uint32_t *)to = (uint32_t)v;
    return ERR_OK;
}

static enum err take_synced(struct decoder *d, struct span value, void *to)
{
    (void)d;
    *(bool *)to = span_eq_str(json_plain_string(value), "synced");
    return ERR_OK;
}

static enum err take_key(struct decoder *d, struct span value, void *to)
{
    (void)d;
    struct line_event *e = to;
    struct span s = json_plain_string(value);
    size_t n;
    if (is_null(value))
        return ERR_OK;
    if (s.n != 2 * KEY_BYTES || hex_decode(s, e->dedupe, KEY_BYTES, &n) != ERR_OK)
        return ERR_CORRUPT;
    e->has_dedupe = true;
    return ERR_OK;
}

static enum err take_state(struct decoder *d, struct span value, void *to)
{
    (void)d;
    enum state s;
    if (state_parse(json_plain_string(value), &s) != ERR_OK || s >= STATE_COUNT)
        return ERR_CORRUPT;
    *(enum state *)to = s;
    return ERR_OK;
}

static enum err take_outcome(struct decoder *d, struct span value, void *to)
{
    (void)d;
    return outcome_parse(json_plain_string(value), to) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* Every member once, the ones that are not optional at least once; those not in the table are passed over. */
static enum err decode(struct span object, struct buf *b, const struct member *rows, size_t n, void *to)
{
    struct decoder d = {.b = b};
    struct span name, value;
    uint64_t seen = 0, wanted = 0;
    for (size_t i = 0; i < n; i++)
        wanted |= (uint64_t)!rows[i].optional << i;
    if (json_type_of(object) != JSON_OBJECT)
        return ERR_CORRUPT;
    struct json_iter it = json_iter(object);
    for (size_t next = 0; json_next_member(&it, &name, &value);) {
        size_t i = next, looked = 0; /* they come in the table's order */
        while (looked < n && !span_eq_str(name, rows[i].name)) {
            i = i + 1 < n ? i + 1 : 0;
            looked++;
        }
        if (looked == n)
            continue;
        next = i + 1 < n ? i + 1 : 0;
        if (seen & (uint64_t)1 << i)
            return ERR_CORRUPT;
        seen |= (uint64_t)1 << i;
        enum err e = rows[i].take(&d, value, (char *)to + rows[i].offset);
        if (e)
            return e;
    }
    for (size_t i = 0; i < d.n_late; i++)
        *d.late[i].s = span_of(b->p ? b->p + d.late[i].at : "", d.late[i].n);
    return (seen & wanted) == wanted ? ERR_OK : ERR_CORRUPT;
}

#define ROW(type, member, take)                                                                                        \
    {                                                                                                                  \
#member, offsetof(type, member), take, false                                                                   \
    }
#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

enum err line_event_decode(struct span event, struct buf *b, struct line_event *e)
{
    static const struct member rows[] = {
        ROW(struct line_event, id, take_id),
        {"received", offsetof(struct line_event, received_ms), take_time, false},
        ROW(struct line_event, source, take_text),
        ROW(struct line_event, type, take_text),
        {"unsigned", offsetof(struct line_event, unsigned_source), take_bool, false},
        {"dedupe", 0, take_key, false},
        {"dedupe_until", offsetof(struct line_event, dedupe_until_ms), take_due, false},
        ROW(struct line_event, version, take_text_or_null),
        {"violation", offsetof(struct line_event, violation), take_text, true},
        ROW(struct line_event, event_id, take_text_or_null),
        ROW(struct line_event, order_key, take_text_or_null),
        {"time", offsetof(struct line_event, time), take_text_or_null, true},
        {"durability", offsetof(struct line_event, synced), take_synced, false},
        ROW(struct line_event, key_id, take_text_or_null),
        ROW(struct line_event, request_id, take_text_or_null),
        ROW(struct line_event, remote, take_text_or_null),
        ROW(struct line_event, method, take_text_or_null),
        ROW(struct line_event, path, take_text_or_null),
        ROW(struct line_event, content_type, take_text_or_null),
        ROW(struct line_event, headers, take_array),
        {"body", offsetof(struct line_event, body), take_text, true},
        {"body_base64", offsetof(struct line_event, body), take_base64, true},
    };
    struct line_event found = {0};
    enum err err = decode(event, b, ROWS(rows), &found);
    if (err || !found.body.p)
        return err ? err : ERR_CORRUPT;
    *e = found;
    return ERR_OK;
}

enum err line_function_decode(struct span object, struct buf *b, struct line_function *f)
{
    static const struct member rows[] = {
        ROW(struct line_function, name, take_text),
        ROW(struct line_function, state, take_state),
        ROW(struct line_function, attempts, take_count),
        ROW(struct line_function, interrupted, take_count),
        ROW(struct line_function, base, take_count),
        {"due", offsetof(struct line_function, due_ms), take_due, false},
        ROW(struct line_function, why, take_text_or_null),
    };
    struct line_function found = {0};
    enum err err = decode(object, b, ROWS(rows), &found);
    if (!err)
        *f = found;
    return err;
}

enum err line_outcome_decode(struct span text, struct buf *b, struct line_outcome *o)
{
    static const struct member rows[] = {
        ROW(struct line_outcome, id, take_id),
        ROW(struct line_outcome, function, take_text),
        ROW(struct line_outcome, attempt, take_count),
        {"at", offsetof(struct line_outcome, at_ms), take_time, false},
        ROW(struct line_outcome, outcome, take_outcome),
        ROW(struct line_outcome, state, take_state),
        {"due", offsetof(struct line_outcome, due_ms), take_due, false},
        {"ms", offsetof(struct line_outcome, run_ms), take_ms, false},
        ROW(struct line_outcome, why, take_text_or_null),
        {"output", offsetof(struct line_outcome, output), take_text_or_null, true},
        {"output_base64", offsetof(struct line_outcome, output), take_base64, true},
        {"reply", offsetof(struct line_outcome, reply), take_text, true},
        {"reply_base64", offsetof(struct line_outcome, reply), take_base64, true},
    };
    struct line_outcome found = {0};
    enum err err = decode(text, b, ROWS(rows), &found);
    if (!err)
        *o = found;
    return err;
}
