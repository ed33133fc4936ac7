/* SPDX-License-Identifier: MIT
 * pattern: PCRE2 with what pattern_syntax.c writes, and three bounds. Its own match limit counts anew at every place where a
 * search begins, so work is counted by the callouts that the text for PCRE2 holds: each is a step, and so is each character
 * between two of them. Places to go back to (PCRE2's frames) come from the context's own memory, never from malloc.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/pattern.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/codec.h"
#include "schema/pattern_syntax.h"

enum {
    TRANSLATED_MAX = 4 << 20,
    STEPS = 500000,
    STEPS_A_BYTE = 8,
    MATCH_LIMIT = 100000000, /* PCRE2's own count, which is never the first to end */
    FRAMES_KIB = 4096,
    HALF_BYTES =
        8 << 20, /* PCRE2 doubles its frames: the old ones lie in one half while the new ones are filled in the other */
    KEEP_BYTES = 64 << 10,
};

struct pattern {
    pcre2_code *code; /* owned */
    struct pattern_facts facts;
};

struct pattern_context {
    char *half[2]; /* mapped, owned */
    size_t used[2];
    bool ready; /* from now on nothing is asked of malloc */
    pcre2_general_context *memory;
    pcre2_match_context *limits;
    pcre2_match_data *data;     /* its frames lie in the halves */
    size_t at, step_cost, left; /* of the match that is running */
    size_t taken;               /* steps, by the last one */
};

enum err pattern_check(struct span ecma, struct why *w)
{
    struct pattern_facts facts;
    return pattern_translate(ecma, NULL, &facts, w);
}

static enum err compile_translated(struct span text, pcre2_code **code, struct why *w)
{
    int error;
    PCRE2_SIZE offset;
    PCRE2_UCHAR8 words[160];
    *code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
                          PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
                              PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP,
                          &error, &offset, NULL);
    if (*code)
        return ERR_OK;
    if (error == PCRE2_ERROR_HEAP_FAILED)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    if (pcre2_get_error_message(error, words, sizeof words) < 0)
        words[0] = 0;
    return why_set(w, ERR_INVALID, "not supported here: %s", (const char *)words);
}

enum err pattern_compile(struct span ecma, struct pattern **out, struct why *w)
{
    struct pattern_facts facts;
    struct buf text;
    pcre2_code *code = NULL;
    if (ecma.n > PATTERN_BYTES_MAX)
        return why_set(w, ERR_INVALID, "longer than %d bytes", PATTERN_BYTES_MAX);
    buf_init(&text, TRANSLATED_MAX);
    enum err e = pattern_translate(ecma, &text, &facts, w);
    if (e == ERR_OK)
        e = text.failed ? why_set(w, ERR_INVALID, "too large") : compile_translated(buf_span(&text), &code, w);
    buf_fini(&text);
    if (e != ERR_OK)
        return e;
    struct pattern *p = malloc(sizeof *p);
    if (!p) {
        pcre2_code_free(code);
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    }
    *p = (struct pattern){code, facts};
    *out = p;
    return ERR_OK;
}

void pattern_free(struct pattern *p)
{
    if (p)
        pcre2_code_free(p->code);
    free(p);
}

/* What PCRE2 asks for while it matches are frames, each time twice as many, giving the old ones back behind the copy. */
static void *take(size_t n, void *context)
{
    struct pattern_context *c = context;
    if (!c->ready)
        return malloc(n);
    int half = c->used[0] != 0;
    if (n > HALF_BYTES || c->used[half] != 0)
        return NULL;
    c->used[half] = n;
    return c->half[half];
}

static void rest_is_free(struct pattern_context *c, int half)
{
    if (c->used[half] > KEEP_BYTES)
        (void)madvise(c->half[half] + KEEP_BYTES, c->used[half] - KEEP_BYTES, MADV_DONTNEED);
}

static void give(void *p, void *context)
{
    struct pattern_context *c = context;
    int half = p == c->half[1];
    if (p != c->half[half]) {
        free(p);
        return;
    }
    rest_is_free(c, half);
    c->used[half] = 0;
}

/* A step at each callout, and one for each character that was passed since the last. */
static int count_steps(pcre2_callout_block *block, void *context)
{
    struct pattern_context *c = context;
    size_t to = block->current_position, passed = to > c->at ? to - c->at : c->at - to;
    size_t cost = passed + c->step_cost;
    c->at = to;
    if (cost > c->left)
        return PCRE2_ERROR_CALLOUT;
    c->left -= cost;
    return 0;
}

static bool make_parts(struct pattern_context *c)
{
    c->memory = pcre2_general_context_create(take, give, c);
    c->limits = c->memory ? pcre2_match_context_create(c->memory) : NULL;
    c->data = c->limits ? pcre2_match_data_create(1, c->memory) : NULL;
    if (!c->data)
        return false;
    pcre2_set_match_limit(c->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(c->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(c->limits, FRAMES_KIB);
    pcre2_set_callout(c->limits, count_steps, c);
    c->ready = true;
    return true;
}

enum err pattern_context_new(struct pattern_context **out)
{
    struct pattern_context *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    char *map =
        mmap(NULL, 2 * (size_t)HALF_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map != MAP_FAILED) {
        c->half[0] = map;
        c->half[1] = map + HALF_BYTES;
    }
    if (map == MAP_FAILED || !make_parts(c)) {
        pattern_context_free(c);
        return ERR_NO_MEMORY;
    }
    *out = c;
    return ERR_OK;
}

void pattern_context_free(struct pattern_context *c)
{
    if (!c)
        return;
    pcre2_match_data_free(c->data);
    pcre2_match_context_free(c->limits);
    pcre2_general_context_free(c->memory);
    if (c->half[0])
        (void)munmap(c->half[0], 2 * (size_t)HALF_BYTES);
    free(c);
}

static enum err judge(int result)
{
    if (result >= 0)
        return ERR_OK;
    return result == PCRE2_ERROR_NOMATCH ? ERR_NOT_FOUND : ERR_NO_ROOM;
}

enum err pattern_match(const struct pattern *p, struct pattern_context *c, struct span text)
{
    enum { MANY_STEPS = 256 };
    c->taken = 0;
    if (!utf8_valid(text))
        return ERR_NOT_FOUND;
    size_t budget = STEPS + STEPS_A_BYTE * text.n;
    c->at = 0;
    c->left = budget;
    c->step_cost = 1 + p->facts.longest_repeat / 16 + (p->facts.back_references ? text.n / 16 : 0);
    int result = pcre2_match(p->code, (PCRE2_SPTR)text.p, text.n, 0, PCRE2_NO_UTF_CHECK, c->data, c->limits);
    c->taken = budget - c->left;
    if (c->taken > MANY_STEPS)
        for (int half = 0; half < 2; half++)
            rest_is_free(c, half);
    return judge(result);
}

size_t pattern_steps(const struct pattern_context *c)
{
    return c->taken;
}
