/* SPDX-License-Identifier: MIT
 * explain_body: bodies as they may have been before somebody on the way changed them.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/json.h"
#include "recipe/explain_parts.h"
#include "recipe/rewrite.h"

enum { BODY_BYTES_MAX = 1 << 20 }; /* larger ones are not written again, hundreds of times */

static bool good_with(struct explaining *g, const struct buf *body)
{
    struct recipe_request q = *g->in->request;
    if (body->failed || span_eq(buf_span(body), q.body))
        return false;
    q.body = buf_span(body);
    return explain_good(g, g->lenient, g->open, &q);
}

static bool found_if_good(struct explaining *g, const struct buf *body, const char *code, const char *words)
{
    if (!good_with(g, body))
        return false;
    explain_found(g, code, "The body was changed on its way: the signature is good for the same body %s (key %s).",
                  words, g->matched);
    return true;
}

/* ---- ends, line ends, marks ---- */

static void add_lf(struct span in, struct buf *out)
{
    buf_put_span(out, in);
    buf_putc(out, '\n');
}

static void add_crlf(struct span in, struct buf *out)
{
    buf_put_span(out, in);
    buf_puts(out, "\r\n");
}

static void cut_end(struct span in, struct buf *out)
{
    if (in.n > 0 && in.p[in.n - 1] == '\n')
        in.n--;
    if (in.n > 0 && in.p[in.n - 1] == '\r')
        in.n--;
    buf_put_span(out, in);
}

static void trim(struct span in, struct buf *out)
{
    while (in.n > 0 && strchr(" \t\r\n", in.p[0]))
        in = span_skip(in, 1);
    while (in.n > 0 && strchr(" \t\r\n", in.p[in.n - 1]))
        in.n--;
    buf_put_span(out, in);
}

static void to_lf(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] != '\r' || i + 1 == in.n || in.p[i + 1] != '\n')
            buf_putc(out, in.p[i]);
}

static void to_crlf(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
            buf_putc(out, '\r');
        buf_putc(out, in.p[i]);
    }
}

static void add_bom(struct span in, struct buf *out)
{
    buf_puts(out, "\xef\xbb\xbf");
    buf_put_span(out, in);
}

static void cut_bom(struct span in, struct buf *out)
{
    buf_put_span(out, span_starts(in, SPAN_LIT("\xef\xbb\xbf")) ? span_skip(in, 3) : in);
}

/* ISO 8859-1 to UTF-8: right for a body that lost it, and done twice by who takes UTF-8 for ISO 8859-1. */
static void latin_to_utf8(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        if (c >= 0x80)
            buf_putc(out, (char)(0xc0 | c >> 6));
        buf_putc(out, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
    }
}

static void utf8_to_latin(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        bool two = (c == 0xc2 || c == 0xc3) && i + 1 < in.n;
        out->failed |= c >= 0x80 && !two;
        buf_putc(out, two ? (char)(c << 6 | (in.p[++i] & 0x3f)) : (char)c);
    }
}

static void nothing(struct span in, struct buf *out)
{
    (void)in;
    buf_puts(out, "");
}

static const struct {
    void (*change)(struct span in, struct buf *out);
    const char *code, *words;
} changes[] = {
    {add_lf, "body-newline", "with a line feed at its end, which was cut off"},
    {cut_end, "body-newline", "without the line end that was added"},
    {add_crlf, "body-newline", "with CR LF at its end, which was cut off"},
    {trim, "body-space", "without the space around it"},
    {to_lf, "body-line-ends", "with LF instead of CR LF"},
    {to_crlf, "body-line-ends", "with CR LF instead of LF"},
    {add_bom, "body-mark", "with a byte order mark, which was cut off"},
    {cut_bom, "body-mark", "without the byte order mark that was added"},
    {latin_to_utf8, "body-charset", "as UTF-8, where it came as ISO 8859-1"},
    {utf8_to_latin, "body-charset", "before it was taken for ISO 8859-1 and written as UTF-8 once more"},
    {nothing, "body-empty", "empty: the sender signed no body"},
};

static bool try_changes(struct explaining *g, struct buf *b)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        buf_clear(b);
        changes[i].change(g->in->request->body, b);
        if (found_if_good(g, b, changes[i].code, changes[i].words))
            return true;
    }
    return false;
}

/* ---- JSON that was read and written again ---- */

/* And as programs end files: with or without a line feed. */
static bool try_json(struct explaining *g, enum rewrite_layout layout, enum rewrite_escapes escapes, bool sorted,
                     struct buf *b)
{
    char words[200];
    const char *how = rewrite_escapes_words(escapes);
    snprintf(words, sizeof words, "%s%s%s%s", rewrite_layout_words(layout), *how ? ", " : "", how,
             sorted ? ", its members sorted by name" : "");
    buf_clear(b);
    if (rewrite_json(g->in->request->body, layout, escapes, sorted, b) != ERR_OK)
        return false;
    if (found_if_good(g, b, "body-rewritten", words))
        return true;
    buf_putc(b, '\n');
    return found_if_good(g, b, "body-rewritten", words);
}

static bool try_rewritten(struct explaining *g, struct buf *b)
{
    struct json_error bad;
    if (json_check(g->in->request->body, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return false;
    for (int sorted = 0; sorted < 2; sorted++)
        for (int escapes = 0; escapes < ESCAPES; escapes++)
            for (int layout = 0; layout < LAYOUTS; layout++)
                if (try_json(g, (enum rewrite_layout)layout, (enum rewrite_escapes)escapes, sorted, b))
                    return true;
    return false;
}

/* Escapes only, everything else as it came: what is between strings is not touched. */
static bool try_escapes(struct explaining *g, struct buf *b)
{
    struct span in = g->in->request->body;
    for (int add = 0; add < 2; add++) {
        buf_clear(b);
        for (size_t i = 0; i < in.n; i++) {
            bool slash = i + 1 < in.n && in.p[i] == '\\' && in.p[i + 1] == '/';
            if (add && in.p[i] == '/' && (i == 0 || in.p[i - 1] != '\\'))
                buf_putc(b, '\\');
            if (add || !slash)
                buf_putc(b, in.p[i]);
        }
        if (found_if_good(g, b, "body-rewritten", add ? "with / written as \\/" : "with \\/ written as /"))
            return true;
    }
    return false;
}

void explain_try_body(struct explaining *g)
{
    enum family family = g->in->recipe->algorithm->family;
    struct buf b;
    if (!g->open || family == FAMILY_TOKEN || g->in->request->body.n > BODY_BYTES_MAX)
        return;
    buf_init(&b, g->in->request->body.n * 8 + 1024);
    if (!try_changes(g, &b) && !try_escapes(g, &b))
        (void)try_rewritten(g, &b);
    buf_fini(&b);
}
