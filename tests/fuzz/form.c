/* SPDX-License-Identifier: MIT
 * fuzz form: any bytes as a form. Pairs are parts of it, in order; decoding never grows; what is sorted are the same
 * pairs; what is found is the first of its name.
 */
#include "fuzz.h"
#include "recipe/form.h"

const char fuzz_name[] = "form";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/form", NULL},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 20 };

static int order(struct span a, struct span b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static void hold_order(const struct form_pair *pairs, size_t n, size_t seen)
{
    bug_if(n != seen);
    for (size_t i = 0; i < n; i++)
        bug_if(!pairs[i].name.p || !pairs[i].value.p);
    for (size_t i = 1; i < n; i++) {
        int c = order(pairs[i - 1].name, pairs[i].name);
        bug_if(c > 0 || (c == 0 && order(pairs[i - 1].value, pairs[i].value) > 0));
    }
}

static void decode(struct span encoded, struct arena *a, struct span *out)
{
    struct span again;
    bug_if(form_decode(encoded, a, out) != ERR_OK || out->n > encoded.n);
    bug_if(!memchr(encoded.p, '%', encoded.n) && !memchr(encoded.p, '+', encoded.n) && !span_eq(*out, encoded));
    bug_if(form_decode(encoded, a, &again) != ERR_OK || !span_eq(*out, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct arena a;
    struct span text = span_of((const char *)p, n), name, value, plain, first, found;
    const struct form_pair *pairs;
    size_t seen = 0, sorted;
    const char *from = text.p;
    bug_if(!a.p && !arena_init(&a, ROOM_BYTES));
    arena_reset(&a);
    for (struct form_iter it = form_iter(text); form_next(&it, &name, &value); seen++) {
        bug_if(name.p < from || value.p < name.p + name.n || value.p + value.n > text.p + n);
        from = value.p + value.n;
        if (seen >= 64) /* of more pairs the room would be full */
            continue;
        decode(name, &a, &plain);
        decode(value, &a, &first);
        bug_if(form_find(text, plain, &a, &found) != ERR_OK || !found.p);
        if (seen == 0)
            bug_if(!span_eq(found, first));
    }
    arena_reset(&a);
    if (form_sorted(text, &a, &pairs, &sorted) == ERR_OK)
        hold_order(pairs, sorted, seen);
    return 0;
}
