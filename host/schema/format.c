/* SPDX-License-Identifier: MIT
 * format: the table, and the formats that take a few lines.
 */
#include "schema/format.h"

#include "base/json.h"
#include "schema/format_parts.h"
#include "schema/pattern.h"

struct format {
    const char *name, *words;
    bool (*holds)(struct span text);
};

static const struct format formats[] = {
#define X(name, function, words) {name, words, format_is_##function},
#include "schema/format.tbl"
#undef X
};

const struct format *format_find(struct span name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (span_eq_str(name, formats[i].name))
            return &formats[i];
    return NULL;
}

const char *format_name(const struct format *f)
{
    return f->name;
}

const char *format_words(const struct format *f)
{
    return f->words;
}

bool format_holds(const struct format *f, struct span text)
{
    return f->holds(text);
}

bool format_is_json_pointer(struct span text)
{
    return json_pointer_valid(text);
}

/* draft-bhutton-relative-json-pointer-00 section 3, without the index manipulation, which JSON Schema's tests do not have. */
bool format_is_relative_json_pointer(struct span text)
{
    size_t digits = count_digits(text);
    if (digits == 0 || (digits > 1 && text.p[0] == '0'))
        return false;
    text = span_skip(text, digits);
    return span_eq_str(text, "#") || json_pointer_valid(text);
}

bool format_is_regex(struct span text)
{
    return text.n <= PATTERN_BYTES_MAX && pattern_check(text, NULL) == ERR_OK;
}

bool format_is_uuid(struct span text)
{
    static const char shape[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    if (text.n != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (shape[i] == '-' ? text.p[i] != '-' : !is_hex(text.p[i]))
            return false;
    return true;
}
