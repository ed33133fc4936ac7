/* SPDX-License-Identifier: MIT
 * settings: one table of members for sidecars and one for manifests; both fill the same struct.
 */
#include "dispatch/settings.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/units.h"

enum { HOUR_MS = 3600 * 1000, NUMBER_BYTES = 64 };

void settings_init(struct settings *s)
{
    *s = (struct settings){
        .timeout_ms = 30 * 1000,
        .idle_ms = 60 * 1000,
        .memory_bytes = 512LL << 20,
        .concurrency = 4,
        .files = 256,
        .processes = 64,
        .retry = retry_default,
    };
}

static void words_fini(struct word_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->words[i]);
    free(l->words);
    *l = (struct word_list){0};
}

void settings_fini(struct settings *s)
{
    words_fini(&s->types);
    words_fini(&s->sources);
    words_fini(&s->secrets);
    free(s->config);
    *s = (struct settings){0};
}

static enum err words_add(struct word_list *l, struct span text, struct why *w)
{
    if (l->n >= SETTINGS_LIST_MAX)
        return why_set(w, ERR_INVALID, "more than %d entries", SETTINGS_LIST_MAX);
    char **words = reallocarray(l->words, l->n + 1, sizeof *words);
    if (!words)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    l->words = words;
    if (!(words[l->n] = strndup(text.p, text.n)))
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    l->n++;
    return ERR_OK;
}

/* What a member's value is written into. */
struct place {
    struct settings *s;
    void *to;
    int64_t min, max;
};

static enum err unescaped(struct span value, struct buf *b, struct why *w)
{
    if (json_type_of(value) != JSON_STRING || json_unescape(value, b) != ERR_OK)
        return why_set(w, ERR_INVALID, "a string is needed here");
    return ERR_OK;
}

static enum err in_range(const struct place *p, int64_t v, const char *unit, struct why *w)
{
    if (v < p->min || v > p->max)
        return why_set(w, ERR_INVALID, "must be from %lld to %lld%s", (long long)p->min, (long long)p->max, unit);
    *(int64_t *)p->to = v;
    return ERR_OK;
}

static enum err take_int(const struct place *p, struct span value, struct why *w)
{
    int64_t v;
    if (json_int(value, &v) != ERR_OK)
        return why_set(w, ERR_INVALID, "a whole number is needed here");
    return in_range(p, v, "", w);
}

/* The two units take a text; plain 0 is the same in every unit. */
static enum err take_unit(const struct place *p, struct span value, enum err (*parse)(struct span, int64_t *), const char *form,
                          const char *unit, struct why *w)
{
    struct buf b;
    buf_init(&b, NUMBER_BYTES);
    int64_t v = 0;
    enum err e = json_int(value, &v) == ERR_OK && v == 0 ? ERR_OK : ERR_INVALID;
    if (e != ERR_OK && json_type_of(value) == JSON_STRING && json_unescape(value, &b) == ERR_OK)
        e = parse(buf_span(&b), &v);
    buf_fini(&b);
    return e == ERR_OK ? in_range(p, v, unit, w) : why_set(w, ERR_INVALID, "%s", form);
}

static enum err take_time(const struct place *p, struct span value, struct why *w)
{
    return take_unit(p, value, duration_parse, "a duration is needed here, like \"250ms\" or \"5m\"", " milliseconds", w);
}

static enum err take_size(const struct place *p, struct span value, struct why *w)
{
    return take_unit(p, value, size_parse, "a size is needed here, like \"64MiB\"", " bytes", w);
}

static bool pattern_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._:/-*", c));
}

static enum err check_pattern(struct span s, struct why *w)
{
    bool good = s.n >= 1 && s.n <= TYPE_BYTES;
    for (size_t i = 0; good && i < s.n; i++)
        good = pattern_byte(s.p[i]);
    return good ? ERR_OK : why_set(w, ERR_INVALID, "\"%.*s\" is no event type or pattern: 1 to 128 of [A-Za-z0-9._:/-] and *", (int)s.n, s.p);
}

static enum err check_any(struct span s, struct why *w)
{
    return s.n ? ERR_OK : why_set(w, ERR_INVALID, "an empty name");
}

/* Words separated by blanks. */
static enum err add_split(struct word_list *l, struct span s, enum err (*check)(struct span, struct why *), struct why *w)
{
    enum err e = ERR_OK;
    for (size_t i = 0, from = 0; i <= s.n && e == ERR_OK; i++) {
        if (i < s.n && s.p[i] != ' ')
            continue;
        struct span word = span_of(s.p + from, i - from);
        from = i + 1;
        if (word.n && (e = check(word, w)) == ERR_OK)
            e = words_add(l, word, w);
    }
    return e;
}

/* A list of strings, or one string of words. */
static enum err take_words(const struct place *p, struct span value, enum err (*check)(struct span, struct why *), struct why *w)
{
    struct word_list *l = p->to;
    struct buf b;
    enum err e = ERR_OK;
    words_fini(l);
    buf_init(&b, SETTINGS_TEXT_BYTES);
    if (json_type_of(value) == JSON_ARRAY) {
        struct json_iter it = json_iter(value);
        for (struct span element; e == ERR_OK && json_next_element(&it, &element); buf_clear(&b))
            if ((e = unescaped(element, &b, w)) == ERR_OK && (e = check(buf_span(&b), w)) == ERR_OK)
                e = words_add(l, buf_span(&b), w);
    } else if ((e = unescaped(value, &b, w)) == ERR_OK) {
        e = add_split(l, buf_span(&b), check, w);
    }
    buf_fini(&b);
    return e;
}

static enum err take_types(const struct place *p, struct span value, struct why *w)
{
    return take_words(p, value, check_pattern, w);
}

static enum err take_sources(const struct place *p, struct span value, struct why *w)
{
    return take_words(p, value, check_any, w);
}

static enum err take_mode(const struct place *p, struct span value, struct why *w)
{
    struct span text = json_plain_string(value);
    if (!span_eq_str(text, "pool") && !span_eq_str(text, "fork"))
        return why_set(w, ERR_INVALID, "must be \"pool\" or \"fork\"");
    p->s->fork = span_eq_str(text, "fork");
    p->s->max_uses = p->s->fork ? 1 : 0;
    p->s->max_uses_said = true;
    return ERR_OK;
}

static enum err take_max_uses(const struct place *p, struct span value, struct why *w)
{
    enum err e = take_int(p, value, w);
    if (e == ERR_OK)
        p->s->max_uses_said = true;
    return e;
}

static enum err take_config(const struct place *p, struct span value, struct why *w)
{
    free(p->s->config);
    p->s->config = strndup(value.p, value.n);
    return p->s->config ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory");
}

static enum err take_secrets(const struct place *p, struct span value, struct why *w)
{
    if (json_type_of(value) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "an object is needed here: the secret's name and the file it is in");
    struct json_iter it = json_iter(value);
    struct span name, file;
    struct buf b;
    enum err e = ERR_OK;
    words_fini(p->to);
    buf_init(&b, SETTINGS_TEXT_BYTES);
    while (e == ERR_OK && json_next_member(&it, &name, &file)) {
        buf_clear(&b);
        if ((e = unescaped(file, &b, w)) != ERR_OK)
            break;
        if (b.n == 0 || b.p[0] != '/')
            e = why_set(w, ERR_INVALID, "\"%.*s\": the absolute path of a file is needed here", (int)name.n, name.p);
        if (e == ERR_OK && memchr(name.p, '\\', name.n))
            e = why_set(w, ERR_INVALID, "a secret's name has no escapes");
        if (e == ERR_OK && (e = words_add(p->to, name, w)) == ERR_OK)
            e = words_add(p->to, buf_span(&b), w);
    }
    buf_fini(&b);
    return e;
}

struct member {
    const char *name;
    enum err (*take)(const struct place *, struct span, struct why *);
    size_t offset;
    int64_t min, max;
};

#define AT(member_) offsetof(struct settings, member_)
/* One line of the manual for each is in creel-function(7). */
#define SHARED_MEMBERS                                                                                                 \
    {"types", take_types, AT(types), 0, 0}, {"sources", take_sources, AT(sources), 0, 0}, {"mode", take_mode, 0, 0, 0}, \
        {"max_uses", take_max_uses, AT(max_uses), 0, INT32_MAX}, {"concurrency", take_int, AT(concurrency), 1, 1024}

static enum err take_retry(const struct place *p, struct span value, struct why *w);

static const struct member sidecar_members[] = {
    SHARED_MEMBERS,
    {"timeout", take_time, AT(timeout_ms), 1, 24 * HOUR_MS},
    {"idle", take_time, AT(idle_ms), 0, 24 * HOUR_MS},
    {"memory", take_size, AT(memory_bytes), 0, INT64_MAX},
    {"files", take_int, AT(files), 16, 1 << 20},
    {"processes", take_int, AT(processes), 0, 1 << 20},
    {"retry", take_retry, AT(retry), 0, 0},
    {"config", take_config, 0, 0, 0},
    {"secrets", take_secrets, AT(secrets), 0, 0},
};

/* What a manifest says beyond these is for the worker or for later versions. */
static const struct member manifest_members[] = {
    SHARED_MEMBERS,
    {"timeout_ms", take_int, AT(timeout_ms), 1, 24 * HOUR_MS},
};

#define RULE(member_) offsetof(struct retry_rule, member_)
static enum err take_factor(const struct place *p, struct span value, struct why *w)
{
    struct buf b;
    char *end = NULL;
    buf_init(&b, NUMBER_BYTES);
    double v = 0;
    bool good = json_type_of(value) == JSON_NUMBER && json_scalar_text(value, &b) == ERR_OK;
    buf_putc(&b, '\0');
    if (good && !b.failed)
        v = strtod(b.p, &end);
    buf_fini(&b);
    if (!good || v < 1 || v > 100)
        return why_set(w, ERR_INVALID, "must be a number from 1 to 100");
    *(double *)p->to = v;
    return ERR_OK;
}

static enum err take_count(const struct place *p, struct span value, struct why *w)
{
    int64_t v = 0;
    struct place wide = {p->s, &v, p->min, p->max};
    enum err e = take_int(&wide, value, w);
    if (e == ERR_OK)
        *(uint32_t *)p->to = (uint32_t)v;
    return e;
}

static const struct member rule_members[] = {
    {"attempts", take_count, RULE(attempts), 1, 1000},
    {"base", take_time, RULE(base_ms), 0, 24 * HOUR_MS},
    {"cap", take_time, RULE(cap_ms), 0, 30LL * 24 * HOUR_MS},
    {"factor", take_factor, RULE(factor), 0, 0},
};

static const struct {
    const char *name;
    enum retry_class class;
} rule_names[] = {{"asked", RETRY_ASKED}, {"crash", RETRY_CRASH}, {"timeout", RETRY_TIMEOUT}};

enum { RULES = sizeof rule_names / sizeof rule_names[0], WORDS_MAX = 32 };

static const struct member *find(const struct member *members, size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_str(name, members[i].name))
            return &members[i];
    return NULL;
}

static enum err unknown(const struct member *members, size_t n, struct span name, struct why *w)
{
    const char *words[WORDS_MAX];
    for (size_t i = 0; i < n; i++)
        words[i] = members[i].name;
    const char *near = nearest_word(name, words, n);
    return why_set(w, ERR_INVALID, "/%.*s: unknown member%s%s%s", (int)name.n, name.p, near ? ", did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
}

/* One member into its place, the reason with the member's name before it. */
static enum err take_member(const struct member *m, struct settings *s, void *base, struct span value, struct why *w)
{
    struct why inner = {0};
    struct place p = {s, (char *)base + m->offset, m->min, m->max};
    enum err e = m->take(&p, value, &inner);
    return e == ERR_OK ? ERR_OK : why_set(w, e, "/%s%s%s", m->name, inner.text[0] == '/' ? "" : ": ", inner.text);
}

/* A manifest has null and 0 where it says nothing. */
static bool says_something(struct span value)
{
    int64_t v;
    return json_type_of(value) != JSON_NULL && (json_int(value, &v) != ERR_OK || v != 0);
}

static enum err take_object(const struct member *members, size_t n, struct settings *s, void *base, struct span object,
                            bool strict, struct why *w)
{
    struct json_iter it = json_iter(object);
    struct span name, value;
    enum err e = ERR_OK;
    while (e == ERR_OK && json_next_member(&it, &name, &value)) {
        const struct member *m = find(members, n, name);
        if (m && (strict || says_something(value)))
            e = take_member(m, s, base, value, w);
        else if (strict)
            e = unknown(members, n, name, w);
    }
    return e;
}

enum { RULE_MEMBERS = sizeof rule_members / sizeof rule_members[0] };

static enum err take_rule(struct settings *s, struct retry_rule *r, struct span object, struct why *w)
{
    if (json_type_of(object) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "an object is needed here");
    return take_object(rule_members, RULE_MEMBERS, s, r, object, true, w);
}

/* {"attempts","base","cap","factor"} for every class, "crash", "timeout" and "asked" for one, "interruptions". */
static enum err take_retry(const struct place *p, struct span value, struct why *w)
{
    struct retry_policy *r = p->to;
    struct json_iter it = json_iter(value);
    struct span name, v;
    enum err e = ERR_OK;
    if (json_type_of(value) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "an object is needed here");
    static const struct member own = {"interruptions", take_count, offsetof(struct retry_policy, interruptions), 0, 255};
    while (e == ERR_OK && json_next_member(&it, &name, &v)) {
        const struct member *m = find(rule_members, RULE_MEMBERS, name);
        for (size_t i = 0; m && e == ERR_OK && i < RETRY_CLASSES; i++)
            e = take_member(m, p->s, &r->rule[i], v, w);
        if (!m && span_eq_str(name, own.name))
            e = take_member(&own, p->s, r, v, w);
    }
    it = json_iter(value);
    while (e == ERR_OK && json_next_member(&it, &name, &v)) {
        size_t i = 0;
        while (i < RULES && !span_eq_str(name, rule_names[i].name))
            i++;
        if (i < RULES)
            e = take_rule(p->s, &r->rule[rule_names[i].class], v, w);
        else if (!find(rule_members, RULE_MEMBERS, name) && !span_eq_str(name, own.name))
            e = unknown(rule_members, RULE_MEMBERS, name, w);
    }
    return e;
}

static enum err check_object(struct span text, struct why *w)
{
    struct json_error why;
    if (json_check(text, JSON_LIMITS_DEFAULT, &why) != ERR_OK)
        return why_set(w, ERR_INVALID, "byte %zu: %s", why.offset, why.what);
    if (json_type_of(json_pointer(text, SPAN_LIT(""))) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "an object is needed here");
    return ERR_OK;
}

enum err settings_sidecar(struct settings *s, struct span text, struct why *w)
{
    enum err e = check_object(text, w);
    return e == ERR_OK ? take_object(sidecar_members, sizeof sidecar_members / sizeof sidecar_members[0], s, s, text, true, w) : e;
}

enum err settings_manifest(struct settings *s, struct span text, struct why *w)
{
    enum err e = check_object(text, w);
    if (e == ERR_OK)
        e = take_object(manifest_members, sizeof manifest_members / sizeof manifest_members[0], s, s, text, false, w);
    return e;
}

/* A secret that others may read is no secret: 0640 or tighter, like the keys of the door. */
static enum err put_secret(struct buf *b, const char *name, const char *file, struct why *w)
{
    struct buf content;
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return why_errno(w, "secret \"%s\": cannot read %s", name, file);
    buf_init(&content, SETTINGS_SECRET_BYTES);
    enum err e = ERR_OK;
    if (fstat(fd, &st) != 0)
        e = why_errno(w, "secret \"%s\": %s", name, file);
    else if (st.st_mode & 037)
        e = why_set(w, ERR_INVALID, "secret \"%s\": others can read %s; chmod 640 or tighter", name, file);
    else
        e = fs_read_fd(fd, &content, w);
    if (e == ERR_OK) {
        while (content.n && (content.p[content.n - 1] == '\n' || content.p[content.n - 1] == '\r'))
            content.n--;
        buf_put_json_string(b, span_str(name));
        buf_putc(b, ':');
        buf_put_json_text(b, buf_span(&content));
    }
    if (content.p)
        explicit_bzero(content.p, content.cap);
    buf_fini(&content);
    close(fd);
    return e;
}

enum err settings_start_json(const struct settings *s, const char *name, struct span more, struct buf *b, struct why *w)
{
    enum err e = ERR_OK;
    buf_puts(b, "{\"name\":");
    buf_put_json_string(b, span_str(name));
    buf_puts(b, ",\"config\":");
    buf_puts(b, s->config ? s->config : "{}");
    buf_puts(b, ",\"secrets\":{");
    for (size_t i = 0; i + 1 < s->secrets.n && e == ERR_OK; i += 2) {
        if (i)
            buf_putc(b, ',');
        e = put_secret(b, s->secrets.words[i], s->secrets.words[i + 1], w);
    }
    buf_putc(b, '}');
    if (s->max_uses_said)
        buf_printf(b, ",\"max_uses\":%lld", (long long)s->max_uses);
    buf_printf(b, ",\"memory\":%lld,\"files\":%lld,\"processes\":%lld", (long long)s->memory_bytes, (long long)s->files,
               (long long)s->processes);
    buf_put_span(b, more);
    buf_putc(b, '}');
    return e != ERR_OK ? e : b->failed ? why_set(w, ERR_NO_ROOM, "configuration and secrets are too large") : ERR_OK;
}

bool settings_name_valid(struct span name)
{
    if (name.n == 0 || name.n > FUNCTION_NAME_BYTES || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !(c && strchr("._:%@+-", c)))
            return false;
    }
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_name(const char *name, struct buf *b)
{
    for (const char *p = name; *p; p++) {
        if (*p != '%') {
            buf_putc(b, *p);
            continue;
        }
        int high = hex_value(p[1]), low = high < 0 ? -1 : hex_value(p[2]);
        if (low < 0)
            return false;
        buf_putc(b, (char)(high << 4 | low));
        p += 2;
    }
    return !b->failed && b->n;
}

enum err settings_types_by_name(struct settings *s, const char *name, struct why *w)
{
    struct buf b;
    if (s->types.n)
        return ERR_OK;
    buf_init(&b, FUNCTION_NAME_BYTES);
    enum err e = ERR_OK;
    if (!decode_name(name, &b) || memchr(b.p, '*', b.n) || check_pattern(buf_span(&b), NULL) != ERR_OK)
        e = why_set(w, ERR_INVALID, "it wants no event: its name is no event type and neither manifest nor sidecar lists \"types\"");
    else
        e = words_add(&s->types, buf_span(&b), w);
    buf_fini(&b);
    return e;
}

bool settings_wants(const struct settings *s, struct span type, struct span source, bool unsigned_source)
{
    bool named = false;
    for (size_t i = 0; i < s->sources.n && !named; i++)
        named = span_eq_str(source, s->sources.words[i]);
    if (!named && (unsigned_source || s->sources.n))
        return false;
    for (size_t i = 0; i < s->types.n; i++)
        if (config_pattern_match(s->types.words[i], type))
            return true;
    return false;
}
