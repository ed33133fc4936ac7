/* SPDX-License-Identifier: MIT
 * config_read: from JSON members to settings: places and faults, plain values by their rows, objects by their shapes.
 * Knows no single setting by name. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/units.h"

enum { NAME_BYTES = 128, FAULT_BYTES = 2048, DEPTH_MAX = 16, SHOWN_BYTES = 60 };

/* ---- faults ---- */

static unsigned line_of(const struct document *doc, const char *p)
{
    unsigned line = 1;
    for (const char *q = doc->text; q < p; q++)
        line += *q == '\n';
    return line;
}

/* One reference token (RFC 6901 section 3); control characters are shown as '?', so that a report stays one line. */
static void put_token(struct buf *b, struct span name)
{
    struct buf plain;
    buf_init(&plain, FAULT_BYTES);
    buf_putc(&plain, '"');
    buf_put_span(&plain, name);
    buf_putc(&plain, '"');
    struct buf text;
    buf_init(&text, FAULT_BYTES);
    (void)json_unescape(buf_span(&plain), &text);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '~')
            buf_puts(b, "~0");
        else if (text.p[i] == '/')
            buf_puts(b, "~1");
        else
            buf_putc(b, (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? '?' : text.p[i]);
    }
    buf_fini(&text);
    buf_fini(&plain);
}

static void put_pointer(struct buf *b, const struct place *at)
{
    const struct place *chain[DEPTH_MAX];
    size_t n = 0;
    for (; at && at->up; at = at->up) {
        bug_if(n == DEPTH_MAX);
        chain[n++] = at;
    }
    if (n == 0)
        buf_putc(b, '/');
    while (n-- > 0) {
        buf_putc(b, '/');
        if (chain[n]->name.p)
            put_token(b, chain[n]->name);
        else
            buf_put_u64(b, chain[n]->index);
    }
}

static void put_where(struct loader *l, struct buf *b, const struct place *at)
{
    buf_printf(b, "%s:%u: ", l->doc->file, at && at->value.p ? line_of(l->doc, at->value.p) : 1);
    put_pointer(b, at);
}

const char *config_where(struct loader *l, const struct place *at)
{
    struct buf b;
    buf_init(&b, FAULT_BYTES + 4096);
    put_where(l, &b, at);
    const char *text = b.failed ? NULL : config_copy(l, buf_span(&b));
    buf_fini(&b);
    return text;
}

__attribute__((format(printf, 3, 0))) static void fault(struct loader *l, const struct place *at, const char *fmt,
                                                        va_list ap)
{
    struct buf b;
    char reason[FAULT_BYTES];
    l->faults++;
    buf_init(&b, 2 * FAULT_BYTES + 4096);
    put_where(l, &b, at);
    vsnprintf(reason, sizeof reason, fmt, ap);
    buf_printf(&b, ": %s", reason);
    buf_putc(&b, 0);
    l->report(l->arg, b.failed ? reason : b.p);
    buf_fini(&b);
}

void config_fault(struct loader *l, const struct place *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault(l, at, fmt, ap);
    va_end(ap);
}

void config_fault_member(struct loader *l, const struct place *object, const char *name, const char *fmt, ...)
{
    struct span value = json_member(object->value, name);
    struct place at = place_member(object, span_str(name), value.p ? value : object->value);
    va_list ap;
    va_start(ap, fmt);
    fault(l, &at, fmt, ap);
    va_end(ap);
}

void config_warn(struct loader *l, const struct place *at, const char *reason)
{
    const char *where = config_where(l, at);
    if (where)
        config_doubt(l->c, where, reason);
}

/* ---- texts ---- */

const char *config_copy(struct loader *l, struct span s)
{
    char *p = config_alloc(l->c, s.n + 1);
    if (!p) {
        l->out_of_memory = true;
        return "";
    }
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

const char *config_string(struct loader *l, const struct place *at)
{
    struct buf b;
    const char *text = NULL;
    buf_init(&b, at->value.n + 1);
    if (json_type_of(at->value) != JSON_STRING)
        config_fault(l, at, "must be a text in quotes");
    else if (json_unescape(at->value, &b) != ERR_OK)
        l->out_of_memory = true;
    else
        text = config_copy(l, buf_span(&b));
    buf_fini(&b);
    return text;
}

void config_strings(struct loader *l, const struct place *at, config_good good, const char ***list, size_t *n)
{
    struct span value;
    size_t count = 0;
    bool many = json_type_of(at->value) == JSON_ARRAY;
    for (struct json_iter it = json_iter(at->value); many && json_next_element(&it, &value);)
        count++;
    const char **made = config_alloc(l->c, (many ? count : 1) * sizeof *made);
    if (!made) {
        l->out_of_memory = true;
        return;
    }
    struct json_iter it = json_iter(at->value);
    size_t kept = 0;
    for (size_t i = 0; many ? json_next_element(&it, &value) : i == 0; i++) {
        struct place element = many ? place_element(at, i, value) : *at;
        const char *text = config_string(l, &element);
        if (text && good(l, &element, text))
            made[kept++] = text;
    }
    *list = made;
    *n = kept;
}

bool config_not_empty(struct loader *l, const struct place *at, const char *text)
{
    if (!*text)
        config_fault(l, at, "must not be empty");
    return *text != 0;
}

/* ---- plain settings ---- */

/* As much of a value as a report should repeat. */
#define SHOWN(v) (int)((v).n < SHOWN_BYTES ? (v).n : SHOWN_BYTES), (v).p

static void range_fault(struct loader *l, const struct place *at, const struct setting *s)
{
    struct buf b;
    buf_init(&b, 128);
    void (*put)(struct buf *, int64_t) = s->type == SETTING_SIZE   ? buf_put_size
                                         : s->type == SETTING_TIME ? buf_put_duration
                                                                   : buf_put_i64;
    if (s->type == SETTING_MODE) {
        buf_printf(&b, "%04llo to %04llo", (unsigned long long)s->min, (unsigned long long)s->max);
    } else {
        put(&b, s->min);
        buf_puts(&b, " to ");
        put(&b, s->max);
    }
    config_fault(l, at, "must be %.*s", (int)b.n, b.p ? b.p : "");
    buf_fini(&b);
}

/* "0660": octal digits in a text. */
static enum err mode_parse(struct span s, int64_t *mode)
{
    int64_t v = 0;
    if (s.n == 0 || s.n > 5)
        return ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            return ERR_INVALID;
        v = v * 8 + (s.p[i] - '0');
    }
    *mode = v;
    return ERR_OK;
}

static const struct {
    enum err (*parse)(struct span, int64_t *);
    const char *usage;
} numbers[] = {
    [SETTING_SIZE] = {size_parse, "a size in quotes, such as \"64KiB\" (B, KiB, MiB, GiB, TiB)"},
    [SETTING_TIME] = {duration_parse, "a duration in quotes, such as \"250ms\", \"5m\" or \"7d\" (ms, s, m, h, d)"},
    [SETTING_INT] = {json_int, "a whole number without quotes"},
    [SETTING_MODE] = {mode_parse, "a file mode in quotes, such as \"0660\""},
    [SETTING_DATE] = {rfc3339_parse, "a time in quotes, such as \"2026-11-21T12:00:00Z\" (RFC 3339)"},
};

static void set_number(struct loader *l, const struct place *at, const struct setting *s, void *base)
{
    struct span text = s->type == SETTING_INT ? at->value : json_plain_string(at->value);
    int64_t v;
    if (!text.p || numbers[s->type].parse(text, &v) != ERR_OK)
        config_fault(l, at, "%.*s is not %s", SHOWN(at->value), numbers[s->type].usage);
    else if (s->max && (v < s->min || v > s->max))
        range_fault(l, at, s);
    else
        *(int64_t *)((char *)base + s->offset) = v;
}

/* Is text one of the words, which are separated by single spaces? */
static bool is_word_of(const char *words, const char *text)
{
    size_t n = strlen(text);
    for (const char *w = words; n && !strchr(text, ' ') && w; w = strchr(w, ' ')) {
        w += *w == ' ';
        if (strncmp(w, text, n) == 0 && (w[n] == ' ' || w[n] == 0))
            return true;
    }
    return false;
}

static const char *absolute(struct loader *l, const char *path)
{
    if (!*path || *path == '/' || l->look == LOOK_SNAPSHOT)
        return path;
    size_t dir = strlen(l->doc->dir), n = strlen(path);
    char *p = config_alloc(l->c, dir + n + 2);
    if (!p) {
        l->out_of_memory = true;
        return path;
    }
    memcpy(p, l->doc->dir, dir);
    p[dir] = '/';
    memcpy(p + dir + 1, path, n);
    return p;
}

const char *config_path(struct loader *l, const struct place *at)
{
    const char *text = config_string(l, at);
    return text && config_not_empty(l, at, text) ? absolute(l, text) : NULL;
}

static void set_text(struct loader *l, const struct place *at, const struct setting *s, void *base)
{
    const char *text = config_string(l, at);
    if (!text)
        return;
    if (s->type == SETTING_ONE && !is_word_of(s->def, text)) {
        config_fault(l, at, strchr(s->def, ' ') ? "must be one of: %s" : "only \"%s\" is available in this version",
                     s->def);
        return;
    }
    if (s->type != SETTING_ONE && s->min && !*text) {
        config_fault(l, at, "must not be empty");
        return;
    }
    *(const char **)((char *)base + s->offset) = s->type == SETTING_PATH ? absolute(l, text) : text;
}

static void set_plain(struct loader *l, const struct place *at, const struct setting *s, void *base)
{
    enum json_type type = json_type_of(at->value);
    switch (s->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_ONE:
        set_text(l, at, s, base);
        return;
    case SETTING_BOOL:
        if (type == JSON_TRUE || type == JSON_FALSE)
            *((bool *)base + s->offset) = type == JSON_TRUE;
        else
            config_fault(l, at, "must be true or false");
        return;
    default:
        set_number(l, at, s, base);
    }
}

void config_defaults(struct loader *l, const struct shape *shape, void *base)
{
    for (size_t i = 0; i < shape->n_rows; i++) {
        const struct setting *s = &shape->rows[i];
        struct span def = span_str(s->def);
        char *member = (char *)base + s->offset;
        if (s->type == SETTING_ONE)
            *(const char **)member = config_copy(l, span_of(def.p, strcspn(def.p, " ")));
        else if (s->type == SETTING_TEXT || s->type == SETTING_PATH)
            *(const char **)member = s->def;
        else if (s->type == SETTING_BOOL)
            *(bool *)member = *s->def == 't';
        else if (def.n)
            bug_if(numbers[s->type].parse(def, (int64_t *)member) != ERR_OK);
    }
}

/* ---- objects ---- */

static void unknown_member(struct loader *l, const struct place *at, const struct shape *shape, struct span name)
{
    const char *known[64];
    size_t n = 0;
    bug_if(shape->n_rows + shape->n_specials > sizeof known / sizeof known[0]);
    for (size_t i = 0; i < shape->n_rows; i++)
        known[n++] = shape->rows[i].name;
    for (size_t i = 0; i < shape->n_specials; i++)
        known[n++] = shape->specials[i].name;
    const char *nearest = nearest_word(name, known, n);
    if (nearest)
        config_fault(l, at, "unknown setting; did you mean \"%s\"?", nearest);
    else
        config_fault(l, at, "unknown setting%s%s", shape->hint ? "; " : "", shape->hint ? shape->hint : "");
}

static void read_member(struct loader *l, const struct place *at, const struct shape *shape, struct span name,
                        void *base)
{
    for (size_t i = 0; i < shape->n_rows; i++)
        if (span_eq_str(name, shape->rows[i].name)) {
            set_plain(l, at, &shape->rows[i], base);
            return;
        }
    for (size_t i = 0; i < shape->n_specials; i++)
        if (span_eq_str(name, shape->specials[i].name)) {
            shape->specials[i].set(l, at, base);
            return;
        }
    for (size_t i = 0; i < shape->n_later; i++)
        if (span_eq_str(name, shape->later[i])) {
            config_fault(l, at, "not available in this version; leave it out");
            return;
        }
    struct place on_name = place_member(at->up, at->name, at->name);
    unknown_member(l, &on_name, shape, name);
}

static void require(struct loader *l, const struct place *at, const struct shape *shape)
{
    for (size_t i = 0; i < shape->n_rows; i++) {
        const struct setting *s = &shape->rows[i];
        if ((s->type == SETTING_TEXT || s->type == SETTING_PATH) && s->min && !json_member(at->value, s->name).p)
            config_fault_member(l, at, s->name, "is missing: %s", s->help);
    }
}

bool config_object(struct loader *l, const struct place *at, const struct shape *shape, void *base)
{
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be an object in braces");
        return false;
    }
    struct span name, value;
    struct json_iter it = json_iter(at->value);
    while (json_next_member(&it, &name, &value)) {
        struct place member = place_member(at, name, value);
        read_member(l, &member, shape, name, base);
    }
    require(l, at, shape);
    return true;
}
