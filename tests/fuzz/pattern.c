/* SPDX-License-Identifier: MIT
 * fuzz pattern: "expression TAB text". What is refused by the check is refused by the compiler, in the same words; what
 * compiles answers the same twice, within its bounds.
 */
#include "schema/pattern.h"

#include "base/codec.h"
#include "fuzz.h"

const char fuzz_name[] = "pattern";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/pattern", NULL},
    {NULL, NULL},
};

static struct pattern_context *the_context(void)
{
    static struct pattern_context *context; /* as long as the process */
    bug_if(!context && pattern_context_new(&context) != ERR_OK);
    return context;
}

static void match(const struct pattern *p, struct span text)
{
    enum err e = pattern_match(p, the_context(), text);
    bug_if(e != ERR_OK && e != ERR_NOT_FOUND && e != ERR_NO_ROOM);
    bug_if(e == ERR_NO_ROOM && text.n == 0);
    bug_if(pattern_match(p, the_context(), text) != e);
    bug_if(!utf8_valid(text) && e != ERR_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span input = span_of((const char *)p, n);
    const char *tab = n ? memchr(p, '\t', n) : NULL;
    struct span ecma = span_of(input.p, tab ? (size_t)(tab - input.p) : n), text = span_skip(input, ecma.n + 1);
    struct pattern *pattern = NULL;
    struct why checked = {""}, compiled = {""};
    if (!utf8_valid(ecma))
        return 0;
    enum err good = pattern_check(ecma, &checked), e = pattern_compile(ecma, &pattern, &compiled);
    bug_if(good != ERR_OK && good != ERR_INVALID);
    bug_if(good != ERR_OK && (e != good || (ecma.n <= PATTERN_BYTES_MAX && strcmp(checked.text, compiled.text) != 0)));
    bug_if((e != ERR_OK) != (compiled.text[0] != 0));
    if (e == ERR_OK)
        match(pattern, text);
    pattern_free(pattern);
    return 0;
}
