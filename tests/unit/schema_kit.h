/* SPDX-License-Identifier: MIT
 * schema_kit: compile a schema, try a value against it, walk the cases of the official test suite. For check_schema*.
 */
#ifndef CREEL_TESTS_SCHEMA_KIT_H
#define CREEL_TESTS_SCHEMA_KIT_H

#include "suite.h"

#include <stdio.h>

#include "base/json.h"
#include "schema/schema.h"

enum { KIT_ARENA_BYTES = 1 << 20 };

/* A text file, which must be there. */
static inline struct buf read_text_file(const char *path)
{
    struct buf b;
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    buf_init(&b, 64 << 20);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_put(&b, block, n);
    fclose(f);
    return b;
}

static inline struct schema *compiled(const char *text, enum schema_draft draft)
{
    const struct schema_options o = {.draft = draft, .formats = true};
    struct schema *s;
    struct why w;
    ck_assert_msg(schema_compile(span_str(text), &o, &s, &w) == ERR_OK, "%s: %s", text, w.text);
    return s;
}

/* Why a schema is refused: "" when it is not. The text lives until the next call. */
static inline const char *refused(const char *text, enum schema_draft draft)
{
    static struct why w;
    const struct schema_options o = {.draft = draft, .formats = true};
    struct schema *s = NULL;
    w.text[0] = 0;
    enum err e = schema_compile(span_str(text), &o, &s, &w);
    ck_assert_msg((e == ERR_OK) == (s != NULL), "%s", text);
    ck_assert_msg(e == ERR_OK || (e == ERR_INVALID && w.text[0]), "%s: %s", text, err_code(e));
    schema_free(s);
    return w.text;
}

#endif
