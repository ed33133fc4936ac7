/* SPDX-License-Identifier: MIT
 * fuzz: what every target defines. A target is built twice: with drive.c it runs its inputs and a fixed series of
 * mutations of them (mutate_NAME, in make check); with libFuzzer, which writes its own main, it is fuzzed (NAME, by
 * make fuzz). It holds what the target promises with bug_if. One thread.
 */
#ifndef CREEL_TESTS_FUZZ_H
#define CREEL_TESTS_FUZZ_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n); /* the name libFuzzer calls; returns 0 */

/* Where inputs to begin with come from: paths below the top of the source tree. */
struct fuzz_source {
    const char *path; /* a folder, whose files are taken; or a file */
    /* NULL: a file is one input, but of *.lines every line is one. Else a file is a JSON array, and this writes the
     * input made of one of its elements; nothing: none. */
    void (*convert)(struct span element, struct buf *out);
};
extern const struct fuzz_source fuzz_sources[]; /* ends with path NULL */
extern const char fuzz_name[];

/* For convert: an element that is an array of strings, each a line; the last as it is. */
static inline void fuzz_lines(struct span element, struct buf *out)
{
    struct json_iter it = json_iter(element);
    struct span line;
    for (bool first = true; json_next_element(&it, &line); first = false) {
        if (!first)
            buf_putc(out, '\n');
        bug_if(json_unescape(line, out) != ERR_OK);
    }
}

#endif
