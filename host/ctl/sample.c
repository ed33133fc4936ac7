/* SPDX-License-Identifier: MIT
 * sample: reads references backwards: what has to be in a request for them to say this type and this id.
 */
#include "ctl/sample.h"

#include "base/json_edit.h"
#include "base/units.h"
#include "recipe/form.h"

enum { BODY_MAX = 1 << 16 };
static const char any_type[] = "test.event", any_part[] = "test";

static struct span cut(struct span s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return span_of(s.p, at ? (size_t)(at - s.p) : s.n);
}

static bool add(struct sample *s, int kind, struct span where, struct span value)
{
    if (s->n == SAMPLE_PLACES_MAX)
        return false;
    struct sample_place *p = &s->places[s->n++];
    *p = (struct sample_place){.where = where, .value = value};
    p->kind = kind;
    return true;
}

/* One reference that should say value. False: it cannot, here. */
static bool place(struct sample *s, struct span ref, struct span value)
{
    static const struct span header = SPAN_LIT("header:"), json = SPAN_LIT("json:"), form = SPAN_LIT("form:"),
                             member = SPAN_LIT("key:"), fixed = SPAN_LIT("const:"), segment = SPAN_LIT("path:");
    if (span_starts(ref, fixed))
        return value.p && (span_eq(span_skip(ref, fixed.n), value) || span_eq_str(value, any_type));
    ref = cut(ref, '|');
    if (span_starts(ref, header))
        return add(s, SAMPLE_HEADER, span_skip(ref, header.n), value);
    if (span_starts(ref, json) && !s->form)
        return add(s, SAMPLE_JSON, span_skip(ref, json.n), value);
    if (span_starts(ref, form) && s->form)
        return add(s, SAMPLE_FORM, span_skip(ref, form.n), value);
    if (span_starts(ref, member) && !s->form && value.p)
        return add(s, SAMPLE_MEMBER, cut(span_skip(ref, member.n), '!'), value);
    return span_starts(ref, segment); /* that is the URL's business */
}

/* The text up to where the literal behind a reference begins; all of it before the end. */
static bool take_part(struct span *value, struct span literal, struct span *part)
{
    const char *at = literal.n ? memmem(value->p, value->n, literal.p, literal.n) : value->p + value->n;
    if (!at || at == value->p)
        return false;
    *part = span_of(value->p, (size_t)(at - value->p));
    *value = span_skip(*value, part->n + literal.n);
    return true;
}

/* Text with {references}: the value is taken apart at the literals between them. exact false: any parts will do. */
static bool place_join(struct sample *s, struct span text, struct span value, bool exact)
{
    struct span literal = cut(text, '{');
    if (memmem(text.p, text.n, "[[", 2) || memmem(text.p, text.n, "{{", 2))
        return false;
    if (value.p && exact && !span_starts(value, literal))
        return false;
    struct span rest = value.p && exact ? span_skip(value, literal.n) : value;
    for (text = span_skip(text, literal.n); text.n > 0;) {
        struct span ref = cut(span_skip(text, 1), '}'), part = value.p ? span_str(any_part) : SPAN_NONE;
        text = span_skip(text, ref.n + 2);
        literal = cut(text, '{');
        text = span_skip(text, literal.n);
        if (value.p && exact && !take_part(&rest, literal, &part))
            return false;
        if (!place(s, ref, part))
            return false;
    }
    return !value.p || !exact || rest.n == 0;
}

static bool place_fact(struct sample *s, struct span ref, struct span value, bool exact)
{
    static const struct span join = SPAN_LIT("join:");
    size_t before = s->n;
    bool ok = span_starts(ref, join) ? place_join(s, span_skip(ref, join.n), value, exact) : place(s, ref, value);
    if (!ok)
        s->n = before;
    return ok;
}

struct fact_list {
    const char *const *refs;
    size_t n;
};

static struct fact_list facts_of(const char *const *own, size_t n_own, const struct recipe *r, const char *what)
{
    struct fact_list f = {own, n_own};
    if (n_own == 0)
        f.refs = recipe_default(r, what, &f.n);
    return f;
}

static bool place_first(struct sample *s, const struct fact_list *f, struct span value, bool exact)
{
    for (size_t i = 0; i < f->n; i++)
        if (place_fact(s, span_str(f->refs[i]), value, exact))
            return true;
    return false;
}

/* Of no use to the host where it looks elsewhere, but to people. */
static void place_for_people(struct sample *s, struct span type)
{
    bool said = s->own_body || s->form;
    for (size_t i = 0; i < s->n; i++)
        said = said || s->places[i].kind == SAMPLE_MEMBER || (s->places[i].kind == SAMPLE_JSON && s->places[i].value.p) ||
               span_starts(s->places[i].where, SPAN_LIT("/0"));
    if (!said)
        add(s, SAMPLE_JSON, SPAN_LIT("/type"), type);
}

/* A type that the recipe's own rules allow. */
static struct span likely_type(const struct recipe *r, const struct fact_list *f)
{
    static const struct span json = SPAN_LIT("json:");
    struct span wanted = SPAN_NONE;
    if (f->n > 0 && span_starts(span_str(f->refs[0]), json))
        wanted = recipe_demands(r, span_skip(span_str(f->refs[0]), json.n));
    return wanted.p ? wanted : span_str(any_type);
}

static enum err place_type(struct sample *s, const struct recipe *r, const struct fact_list *f, const char *type,
                           struct why *w)
{
    struct span value = type ? span_str(type) : likely_type(r, f);
    bool placed = f->n == 0 || place_first(s, f, value, true) || (!type && place_first(s, f, value, false));
    place_for_people(s, value);
    if (placed || s->own_body || !type)
        return ERR_OK;
    return why_set(w, ERR_INVALID, "'%s' is no type that %s can say: give a body by --body FILE", type, f->refs[0]);
}

enum err sample_init(struct sample *s, const struct recipe *r, const struct config_source *source, const char *type,
                     bool own_body, struct why *w)
{
    struct fact_list types = facts_of(source ? source->type : NULL, source ? source->n_type : 0, r, "type");
    struct fact_list ids = facts_of(source ? source->event_id : NULL, source ? source->n_event_id : 0, r, "event_id");
    *s = (struct sample){.form = recipe_signs_form(r), .own_body = own_body};
    place_first(s, &ids, SPAN_NONE, true);
    return place_type(s, r, &types, type, w);
}

struct span sample_value(const struct sample_place *p, const char *id)
{
    return p->value.p ? p->value : span_str(id);
}

/* ---- bodies ---- */

/* A buffer that is written anew from itself. */
struct draft {
    struct buf now, next;
};

static void turn(struct draft *d)
{
    struct buf written = d->next;
    d->next = d->now;
    d->now = written;
    buf_clear(&d->next);
}

static enum err set_raw(struct draft *d, struct span pointer, struct span json)
{
    enum err e = json_set(buf_span(&d->now), pointer, json, &d->next);
    if (e == ERR_OK)
        turn(d);
    return e;
}

static enum err set_text(struct draft *d, struct span pointer, struct span text)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    buf_put_json_text(&b, text);
    enum err e = b.failed ? ERR_NO_ROOM : set_raw(d, pointer, buf_span(&b));
    buf_fini(&b);
    return e;
}

/* "/POINTER" or "/" for the whole, and a member of this name in it. */
static enum err set_member(struct draft *d, struct span pointer, struct span name)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    if (pointer.n > 1)
        buf_put_span(&b, pointer);
    buf_putc(&b, '/');
    for (size_t i = 0; i < name.n; i++) {
        bool special = name.p[i] == '~' || name.p[i] == '/';
        if (special)
            buf_putc(&b, '~');
        buf_putc(&b, !special ? name.p[i] : name.p[i] == '~' ? '0' : '1');
    }
    enum err e = b.failed ? ERR_NO_ROOM : set_raw(d, buf_span(&b), SPAN_LIT("{}"));
    buf_fini(&b);
    return e;
}

static bool first_token_is(struct span pointer, struct span token)
{
    return span_starts(pointer, token) && (pointer.n == token.n || pointer.p[token.n] == '/');
}

static bool uses(const struct sample *s, struct span token)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->places[i].kind == SAMPLE_JSON && first_token_is(s->places[i].where, token))
            return true;
    return false;
}

static enum err put_data(const struct sample *s, struct draft *d, bool list, uint64_t number, int64_t now_ms)
{
    struct buf data;
    buf_init(&data, BODY_MAX);
    buf_puts(&data, "{\"number\":");
    buf_put_u64(&data, number);
    buf_puts(&data, ",\"sent\":");
    buf_put_time(&data, now_ms);
    buf_putc(&data, '}');
    struct span pointer = list                           ? SPAN_LIT("/0/sample")
                          : uses(s, SPAN_LIT("/data")) ? SPAN_LIT("/sample")
                                                         : SPAN_LIT("/data");
    enum err e = data.failed ? ERR_NO_ROOM : set_raw(d, pointer, buf_span(&data));
    buf_fini(&data);
    return e;
}

static enum err json_body(const struct sample *s, struct draft *d, const char *id, uint64_t number, int64_t now_ms)
{
    bool list = uses(s, SPAN_LIT("/0"));
    enum err e = ERR_OK;
    buf_puts(&d->now, list ? "[]" : "{}");
    for (size_t i = 0; e == ERR_OK && i < s->n; i++) {
        const struct sample_place *p = &s->places[i];
        if (p->kind == SAMPLE_JSON)
            e = set_text(d, p->where, sample_value(p, id));
        else if (p->kind == SAMPLE_MEMBER)
            e = set_member(d, p->where, sample_value(p, id));
    }
    return e == ERR_OK ? put_data(s, d, list, number, now_ms) : e;
}

static void set_pair(struct draft *d, struct span name, struct span value)
{
    form_set(buf_span(&d->now), name, value, &d->next);
    turn(d);
}

static enum err form_body(const struct sample *s, struct draft *d, const char *id, uint64_t number, int64_t now_ms)
{
    char time[RFC3339_BYTES];
    rfc3339_format(now_ms, time);
    for (size_t i = 0; i < s->n; i++)
        if (s->places[i].kind == SAMPLE_FORM)
            set_pair(d, s->places[i].where, sample_value(&s->places[i], id));
    struct buf text;
    buf_init(&text, BODY_MAX);
    buf_put_u64(&text, number);
    set_pair(d, SPAN_LIT("number"), buf_span(&text));
    buf_fini(&text);
    set_pair(d, SPAN_LIT("sent"), span_of(time, sizeof time));
    return d->now.failed || d->next.failed ? ERR_NO_ROOM : ERR_OK;
}

enum err sample_body(const struct sample *s, const char *id, uint64_t number, int64_t now_ms, struct buf *b,
                     struct why *w)
{
    struct draft d;
    buf_init(&d.now, BODY_MAX);
    buf_init(&d.next, BODY_MAX);
    enum err e = (s->form ? form_body : json_body)(s, &d, id, number, now_ms);
    if (e == ERR_OK)
        buf_put_span(b, buf_span(&d.now));
    buf_fini(&d.now);
    buf_fini(&d.next);
    if (e == ERR_INVALID)
        return why_set(w, ERR_UNSUPPORTED, "no body can be made up for these references: give one by --body FILE");
    return e == ERR_OK ? e : why_set(w, e, "no room for the body");
}
