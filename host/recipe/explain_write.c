/* SPDX-License-Identifier: MIT
 * explain_write: an explanation in plain words, or as JSON. Says what it was given and looks for nothing more; bytes from
 * outside come out escaped.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/units.h"
#include "recipe/explain.h"

/* Quoted, so that a terminal acts on nothing. */
static void put_escaped(struct buf *b, struct span s)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_printf(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < 0x20 || c > 0x7e)
            buf_printf(b, "\\x%02x", c);
        else
            buf_putc(b, (char)c);
    }
    buf_putc(b, '"');
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static const char *verdict_words(const struct explanation *x)
{
    return x->e == ERR_OK ? "accepted" : x->e == ERR_ANSWERED ? "answered" : "refused";
}

static void print_verdict(const struct explanation *x, struct buf *b)
{
    buf_printf(b, "%s", verdict_words(x));
    if (x->e == ERR_ANSWERED)
        buf_printf(b, ": it is the handshake %s, and no event", x->handshake ? x->handshake : "of this recipe");
    else if (x->e != ERR_OK)
        buf_printf(b, ": %s", err_code(x->e));
    else if (x->verdict.key_id)
        buf_printf(b, ": key %s made the signature", x->verdict.key_id);
    if (x->verdict.detail[0]) {
        buf_puts(b, ": ");
        buf_puts(b, x->verdict.detail);
    }
    buf_printf(b, "\nrecipe: %s", x->recipe);
    if (x->algorithm)
        buf_printf(b, " (%s%s%s)", x->algorithm, x->encoding ? ", " : "", x->encoding ? x->encoding : "");
    buf_putc(b, '\n');
    if (x->verdict.keys_url.p) {
        buf_puts(b, "the key has to be fetched from: ");
        put_escaped(b, x->verdict.keys_url);
        buf_putc(b, '\n');
    }
}

static void print_places(const struct explanation *x, struct buf *b)
{
    if (x->n_places > 0)
        buf_puts(b, "looked at:\n");
    for (size_t i = 0; i < x->n_places; i++) {
        const struct explain_place *p = &x->places[i];
        buf_printf(b, "  %s: ", p->name);
        if (!p->there) {
            buf_puts(b, "not there");
        } else {
            buf_printf(b, "%zu byte%s", p->bytes, plural(p->bytes));
            if (p->hidden)
                buf_puts(b, ", not shown");
            else if (p->bytes > 0) {
                buf_puts(b, p->begins.n < p->bytes ? ", begins " : ": ");
                put_escaped(b, p->begins);
            }
        }
        buf_puts(b, p->is_signature ? " (signature)\n" : "\n");
    }
}

static void print_contents(const struct explanation *x, struct buf *b)
{
    for (size_t i = 0; i < x->n_contents; i++) {
        const struct explain_content *c = &x->contents[i];
        if (c->hidden) {
            buf_puts(b, "signed text: it holds the secret, so nothing of it is shown\n");
            continue;
        }
        buf_printf(b, "signed text: %zu byte%s, SHA-256 %s\n  ", c->bytes, plural(c->bytes), c->sha256);
        put_escaped(b, span_of(c->first, c->n_first));
        if (c->n_first + c->n_last < c->bytes)
            buf_puts(b, " ...");
        if (c->n_last > 0) {
            buf_putc(b, ' ');
            put_escaped(b, span_of(c->last, c->n_last));
        }
        buf_putc(b, '\n');
    }
}

static void print_keys(const struct explanation *x, struct buf *b)
{
    for (size_t i = 0; i < x->n_keys; i++) {
        const struct explain_tried *k = &x->keys[i];
        const char *why = x->now_ms < k->not_before_ms ? "not valid yet" : "not valid any more";
        buf_printf(b, "key %s: %s\n", k->id ? k->id : "?",
                   !k->live            ? why
                   : k->asked          ? "valid, tried"
                   : x->n_contents > 0 ? "valid, not tried: the request names another one"
                                       : "valid");
    }
    if (x->algorithm && x->n_keys == 0)
        buf_puts(b, "keys: none that can be used\n");
}

static void print_time(const struct explanation *x, struct buf *b)
{
    char at[RFC3339_BYTES + 1] = {0}, now[RFC3339_BYTES + 1] = {0};
    if (!x->has_time) {
        if (x->algorithm)
            buf_puts(b, "time: this recipe signs none\n");
        return;
    }
    if (!x->time_read) {
        buf_puts(b, "time: none that can be read\n");
        return;
    }
    int64_t off = x->now_ms - x->signed_at_ms;
    rfc3339_format(x->signed_at_ms, at);
    rfc3339_format(x->now_ms, now);
    buf_printf(b, "time: signed %s, %" PRId64 ".%03d seconds %s this clock (%s); tolerance %" PRId64 " seconds\n", at,
               (int64_t)llabs(off) / 1000, (int)(llabs(off) % 1000), off < 0 ? "after" : "before", now,
               x->tolerance_ms / 1000);
}

static void print_nothing_found(const struct explanation *x, struct buf *b)
{
    if (x->e == ERR_SIGNATURE_MISSING)
        buf_puts(b, "=> The signature is not where this recipe looks: the sender signs nothing, signs in another way, "
                    "or something "
                    "on the way takes it off.\n");
    else
        buf_printf(
            b,
            "=> None of the usual mistakes (%u tries) is it: the secret is another one, or the body was changed in "
            "another way.\n",
            x->tries);
}

void explain_print(const struct explanation *x, struct buf *b)
{
    print_verdict(x, b);
    print_places(x, b);
    print_contents(x, b);
    print_keys(x, b);
    print_time(x, b);
    for (size_t i = 0; i < x->n_findings; i++)
        buf_printf(b, "=> %s\n", x->findings[i].text);
    if (x->tries > 0 && x->n_findings == 0)
        print_nothing_found(x, b);
}

/* ---- JSON ---- */

static void put_text(struct buf *b, const char *name, const char *text)
{
    buf_printf(b, "\"%s\":", name);
    buf_put_json_text_or_null(b, span_str(text));
}

/* Bytes as put_escaped writes them, as a JSON string. */
static void put_bytes(struct buf *b, const char *name, struct span s)
{
    struct buf text;
    buf_init(&text, s.n * 4 + 3);
    put_escaped(&text, s);
    buf_printf(b, "\"%s\":", name);
    if (s.p && text.n >= 2)
        buf_put_json_string(b, span_of(text.p + 1, text.n - 2));
    else
        buf_puts(b, "null");
    buf_fini(&text);
}

static void put_places(const struct explanation *x, struct buf *b)
{
    buf_puts(b, ",\"looked_at\":[");
    for (size_t i = 0; i < x->n_places; i++) {
        const struct explain_place *p = &x->places[i];
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "name", p->name);
        buf_printf(b, ",\"there\":%s,\"signature\":%s,\"bytes\":%zu,", p->there ? "true" : "false",
                   p->is_signature ? "true" : "false", p->bytes);
        put_bytes(b, "begins", p->there && !p->hidden ? p->begins : SPAN_NONE);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_contents(const struct explanation *x, struct buf *b)
{
    buf_puts(b, ",\"signed\":[");
    for (size_t i = 0; i < x->n_contents; i++) {
        const struct explain_content *c = &x->contents[i];
        buf_puts(b, i ? ",{" : "{");
        if (c->hidden) {
            buf_puts(b, "\"holds_secret\":true}");
            continue;
        }
        buf_printf(b, "\"bytes\":%zu,\"sha256\":\"%s\",", c->bytes, c->sha256);
        put_bytes(b, "first", span_of(c->first, c->n_first));
        buf_putc(b, ',');
        put_bytes(b, "last", c->n_last ? span_of(c->last, c->n_last) : SPAN_NONE);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_keys(const struct explanation *x, struct buf *b)
{
    buf_puts(b, ",\"keys\":[");
    for (size_t i = 0; i < x->n_keys; i++) {
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "id", x->keys[i].id);
        buf_printf(b, ",\"valid_now\":%s,\"tried\":%s}", x->keys[i].live ? "true" : "false",
                   x->keys[i].live && x->keys[i].asked ? "true" : "false");
    }
    buf_putc(b, ']');
}

static void put_time(const struct explanation *x, struct buf *b)
{
    buf_puts(b, ",\"signed_at\":");
    if (x->has_time && x->time_read)
        buf_put_time(b, x->signed_at_ms);
    else
        buf_puts(b, "null");
    buf_puts(b, ",\"now\":");
    buf_put_time(b, x->now_ms);
    if (x->has_time && x->time_read)
        buf_printf(b, ",\"behind_ms\":%" PRId64 ",\"tolerance_ms\":%" PRId64, x->now_ms - x->signed_at_ms,
                   x->tolerance_ms);
}

void explain_json(const struct explanation *x, struct buf *b)
{
    buf_putc(b, '{');
    put_text(b, "verdict", verdict_words(x));
    buf_putc(b, ',');
    put_text(b, "code", x->e == ERR_OK || x->e == ERR_ANSWERED ? NULL : err_code(x->e));
    buf_putc(b, ',');
    put_text(b, "detail", x->verdict.detail[0] ? x->verdict.detail : NULL);
    buf_putc(b, ',');
    put_text(b, "recipe", x->recipe);
    buf_putc(b, ',');
    put_text(b, "algorithm", x->algorithm);
    buf_putc(b, ',');
    put_text(b, "handshake", x->handshake);
    buf_putc(b, ',');
    put_text(b, "key", x->verdict.key_id);
    put_places(x, b);
    put_contents(x, b);
    put_keys(x, b);
    put_time(x, b);
    buf_puts(b, ",\"findings\":[");
    for (size_t i = 0; i < x->n_findings; i++) {
        buf_puts(b, i ? ",{" : "{");
        put_text(b, "code", x->findings[i].code);
        buf_putc(b, ',');
        put_text(b, "text", x->findings[i].text);
        buf_putc(b, '}');
    }
    buf_printf(b, "],\"tries\":%u}", x->tries);
}
