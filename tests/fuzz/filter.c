/* SPDX-License-Identifier: MIT
 * fuzz filter: a line with filters ("form-sorted|sha256"), and below it what they are applied to. What a filter gives is
 * the same every time, also when the arena ends before it is done, and is what the filter's name says.
 */
#include "base/codec.h"
#include "base/json.h"
#include "fuzz.h"
#include "recipe/filter.h"
#include "recipe/form.h"

const char fuzz_name[] = "filter";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/filter/filters.json", fuzz_lines},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 20, FILTERS_MAX = 8 };

static const struct filter_key key = {(const unsigned char *)"a key", 5};

static bool only(struct span s, const char *of)
{
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(of, s.p[i]))
            return false;
    return true;
}

static bool named(struct span filter, const char *name)
{
    struct span s = span_str(name);
    return span_starts(filter, s) && (filter.n == s.n || filter.p[s.n] == ':');
}

/* A JSON string, and if that can be, one that stands for the very bytes that it was made of. */
static void means(struct span string, struct span in)
{
    struct json_error bad;
    struct buf b;
    if (memchr(in.p, 0, in.n))
        return;
    bug_if(json_check(string, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || json_type_of(string) != JSON_STRING);
    buf_init(&b, 4 * in.n + 1);
    bug_if(json_unescape(string, &b) != ERR_OK || (utf8_valid(in) && !span_eq(buf_span(&b), in)));
    buf_fini(&b);
}

static void means_inside(struct span text, struct span in)
{
    struct buf b;
    buf_init(&b, text.n + 2);
    buf_putc(&b, '"');
    buf_put_span(&b, text);
    buf_putc(&b, '"');
    means(buf_span(&b), in);
    buf_fini(&b);
}

static void hold(struct span filter, struct span in, struct span out)
{
    static const char hex[] = "0123456789abcdef",
                      base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    if (named(filter, "sha256") || named(filter, "hmac-sha256-hex"))
        bug_if(out.n != 64 || !only(out, hex));
    else if (named(filter, "sha1") || named(filter, "hmac-sha1-hex"))
        bug_if(out.n != 40 || !only(out, hex));
    else if (named(filter, "sha512"))
        bug_if(out.n != 128 || !only(out, hex));
    else if (named(filter, "sha256-base64") || named(filter, "hmac-sha256-base64"))
        bug_if(out.n != 44 || !only(out, base64));
    else if (named(filter, "crc32"))
        bug_if(out.n == 0 || out.n > 10 || !only(out, "0123456789"));
    else if (named(filter, "lower"))
        bug_if(!span_eq_nocase(in, out));
    else if (named(filter, "json"))
        means(out, in);
    else if (named(filter, "json-text"))
        means_inside(out, in);
    else if (named(filter, "trim") || named(filter, "percent-decode") || named(filter, "without-query") ||
             named(filter, "without-port") || named(filter, "basic-user") || named(filter, "form-sorted"))
        bug_if(out.n > in.n);
}

/* What was done already changes nothing when it is done again. */
static void hold_again(const struct filter_use *f, struct span filter, struct span out, struct arena *a)
{
    static const char *const idempotent[] = {"lower", "trim", "without-query", "without-port", "with-port"};
    struct span again;
    for (size_t i = 0; i < sizeof idempotent / sizeof *idempotent; i++)
        if (named(filter, idempotent[i]))
            bug_if(filter_apply(f, &key, out, a, &again) != ERR_OK || !span_eq(out, again));
}

/* Every filter that has no room, or no key, says so and does nothing else. */
static void starve(const struct filter_use *f, struct span in, struct span out)
{
    struct arena small;
    struct span scarce;
    size_t room = in.n ? (unsigned char)in.p[in.n - 1] : 0;
    bug_if(!arena_init(&small, 16 * room + 16));
    enum err e = filter_apply(f, &key, in, &small, &scarce);
    bug_if(e != ERR_OK && e != ERR_NO_ROOM);
    bug_if(e == ERR_OK && !span_eq(scarce, out));
    arena_reset(&small);
    bug_if(filter_needs_key(f) && filter_apply(f, NULL, in, &small, &scarce) != ERR_INVALID);
    arena_fini(&small);
}

static bool apply(struct span filter, struct span in, struct arena *a, struct span *out)
{
    struct filter_use f;
    struct span again;
    struct why w = {""};
    if (filter_parse(filter, &f, &w) != ERR_OK) {
        bug_if(w.text[0] == 0);
        return false;
    }
    enum err e = filter_apply(&f, &key, in, a, out);
    bug_if(e != ERR_OK && e != ERR_INVALID && e != ERR_NO_ROOM);
    if (e != ERR_OK)
        return false;
    bug_if(!out->p || filter_apply(&f, &key, in, a, &again) == ERR_INVALID);
    hold(filter, in, *out);
    hold_again(&f, filter, *out, a);
    starve(&f, in, *out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct arena a;
    struct span text = span_of((const char *)p, n);
    const char *end = n ? memchr(text.p, '\n', n) : NULL;
    bug_if(!a.p && !arena_init(&a, ROOM_BYTES));
    if (!end)
        return 0;
    struct span filters = span_of(text.p, (size_t)(end - text.p)), at = span_skip(text, filters.n + 1);
    arena_reset(&a);
    for (int i = 0; i < FILTERS_MAX && filters.n > 0; i++) {
        const char *bar = memchr(filters.p, '|', filters.n);
        struct span one = span_of(filters.p, bar ? (size_t)(bar - filters.p) : filters.n);
        filters = span_skip(filters, one.n + 1);
        if (!apply(one, at, &a, &at))
            break;
    }
    return 0;
}
