/* SPDX-License-Identifier: MIT
 * media: names compared without regard to case.
 */
#include "base/media.h"

struct span media_type(struct span content_type)
{
    if (!content_type.p)
        return SPAN_LIT("");
    const char *end = content_type.n ? memchr(content_type.p, ';', content_type.n) : NULL;
    return span_trim(end ? span_of(content_type.p, (size_t)(end - content_type.p)) : content_type);
}

static bool ends_with(struct span s, struct span end)
{
    return s.n >= end.n && span_eq_nocase(span_skip(s, s.n - end.n), end);
}

bool media_is_json(struct span content_type)
{
    struct span type = media_type(content_type);
    return ends_with(type, SPAN_LIT("/json")) || (memchr(type.p, '/', type.n) && ends_with(type, SPAN_LIT("+json")));
}

bool media_is_form(struct span content_type)
{
    return span_eq_nocase(media_type(content_type), SPAN_LIT("application/x-www-form-urlencoded"));
}
