/* SPDX-License-Identifier: MIT
 * fuzz format: any text in every format. What is narrower holds only where the wider one does.
 */
#include "schema/format.h"

#include "fuzz.h"

const char fuzz_name[] = "format";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/format", NULL},
    {NULL, NULL},
};

static bool holds(const char *name, struct span text)
{
    const struct format *f = format_find(span_str(name));
    bug_if(!f);
    return format_holds(f, text);
}

/* What is a format behind these characters. */
static bool holds_behind(const char *front, const char *name, struct span text)
{
    struct buf b;
    buf_init(&b, text.n + 64);
    buf_puts(&b, front);
    buf_put_span(&b, text);
    bool is = holds(name, buf_span(&b));
    buf_fini(&b);
    return is;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const names[] = {
#define X(name, function, words) name,
#include "schema/format.tbl"
#undef X
    };
    static const struct {
        const char *narrow, *wide;
    } pairs[] = {{"uri", "uri-reference"},
                 {"uri", "iri"},
                 {"uri-reference", "iri-reference"},
                 {"iri", "iri-reference"},
                 {"email", "idn-email"}};
    struct span text = span_of((const char *)p, n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)holds(names[i], text);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        bug_if(holds(pairs[i].narrow, text) && !holds(pairs[i].wide, text));
    bug_if(holds("time", text) != holds_behind("2024-02-29T", "date-time", text));
    bug_if(holds("json-pointer", text) && !holds_behind("1", "relative-json-pointer", text));
    bug_if(n < 200 && holds("hostname", text) && !holds_behind("a@", "email", text));
    bug_if(holds("hostname", text) && !holds_behind("http://", "uri", text));
    bug_if(holds("uri-reference", text) && !holds("uri-template", text) && !memchr(p, '[', n) && !memchr(p, ']', n));
    return 0;
}
