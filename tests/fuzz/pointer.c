/* SPDX-License-Identifier: MIT
 * fuzz pointer: a JSON pointer, a line feed, and a text it is asked of (RFC 6901). What it finds lies in the text and is
 * a value; a pointer that is not well formed finds nothing.
 */
#include "fuzz.h"

const char fuzz_name[] = "pointer";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/pointer", NULL},
    {NULL, NULL},
};

/* Each step of the pointer alone leads to where the whole leads. */
static struct span by_steps(struct span text, struct span pointer)
{
    while (pointer.n > 0 && text.p) {
        size_t n = 1;
        while (n < pointer.n && pointer.p[n] != '/')
            n++;
        text = json_pointer(text, span_of(pointer.p, n));
        pointer = span_skip(pointer, n);
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct json_error e;
    struct span all = span_of((const char *)p, n);
    const char *end = n ? memchr(p, '\n', n) : NULL;
    if (!end)
        return 0;
    struct span pointer = span_of(all.p, (size_t)(end - all.p)), text = span_skip(all, pointer.n + 1);
    bool good = json_pointer_valid(pointer);
    if (json_check(text, JSON_LIMITS_DEFAULT, &e) != ERR_OK)
        return 0;
    struct span found = json_pointer(text, pointer);
    bug_if(found.p && !good);
    if (!found.p)
        return 0;
    bug_if(found.p < text.p || found.p + found.n > text.p + text.n);
    bug_if(json_check(found, JSON_LIMITS_DEFAULT, &e) != ERR_OK);
    struct span again = by_steps(text, pointer);
    bug_if(pointer.n > 0 && (again.p != found.p || again.n != found.n));
    return 0;
}
