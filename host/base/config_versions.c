/* SPDX-License-Identifier: MIT
 * config_versions: a source's "versions": which versions of its event types are known, and until when. Runs where a
 * configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <stddef.h>

enum { VERSION_BYTES_MAX = 128, LINK_BYTES_MAX = 1024 };

static const struct setting version_rows[] = {
    {SETTING_DATE, "deprecated", "", offsetof(struct config_version, deprecated_ms), 0, 0, true, ""},
    {SETTING_DATE, "sunset", "", offsetof(struct config_version, sunset_ms), 0, 0, true, ""},
    {SETTING_TEXT, "schema", NULL, offsetof(struct config_version, schema), 0, 0, true, ""},
    {SETTING_TEXT, "link", NULL, offsetof(struct config_version, link), 0, 0, true, ""},
};
static const struct shape version_shape = {.rows = version_rows, .n_rows = sizeof version_rows / sizeof version_rows[0]};

bool config_schema_version(struct span s)
{
    if (s.n < 2 || s.p[0] != 'v' || s.p[1] < '0' || s.p[1] > '9')
        return false;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i];
        bool digit = c >= '0' && c <= '9', letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool dot = c == '.' && i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9';
        if (!digit && !letter && !dot && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* A link goes into a header field, between < and > (RFC 8288, section 3). */
static bool good_link(const char *text)
{
    if (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0)
        return false;
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("<>\"\\", *p))
            return false;
    return strlen(text) <= LINK_BYTES_MAX;
}

static void check_version(struct loader *l, const struct place *at, const struct config_version *v)
{
    if (v->schema && *v->schema && !config_schema_version(span_str(v->schema)))
        config_fault(l, at, "a schema's version begins with v and a digit, as in \"v2\" of TYPE.v2.json; or is empty, for TYPE.json");
    if (v->sunset_ms && v->sunset_ms < v->deprecated_ms)
        config_fault_member(l, at, "sunset", "is before deprecated");
    if (v->link && !v->deprecated_ms && !v->sunset_ms)
        config_fault_member(l, at, "link", "tells of an end: say deprecated or sunset as well");
    if (v->link && !good_link(v->link))
        config_fault_member(l, at, "link", "must be a URL of at most %d bytes that begins with https:// or http://",
                            LINK_BYTES_MAX);
}

/* Its name as written: the sender's word, which is compared byte by byte. */
static bool good_name(struct loader *l, const struct place *at)
{
    bool plain = at->name.n <= VERSION_BYTES_MAX && (!at->name.n || !memchr(at->name.p, '\\', at->name.n));
    if (!plain)
        config_fault(l, at, "a version is at most %d bytes, written without \\", VERSION_BYTES_MAX);
    return plain;
}

void config_versions(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    struct span name, value;
    size_t n = 0;
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be an object with a member for each version, such as { \"1\": { \"deprecated\": \"…\" }, \"2\": {} }");
        return;
    }
    for (struct json_iter it = json_iter(at->value); json_next_member(&it, &name, &value);)
        n++;
    if (n == 0)
        config_fault(l, at, "names no version: nothing could come in; leave it out where versions do not matter");
    src->versions = config_alloc(l->c, (n + !n) * sizeof *src->versions);
    if (!src->versions) {
        l->out_of_memory = true;
        return;
    }
    for (struct json_iter it = json_iter(at->value); json_next_member(&it, &name, &value);) {
        struct place version = place_member(at, name, value);
        struct config_version *v = &src->versions[src->n_versions];
        *v = (struct config_version){.name = config_copy(l, name)};
        bool in_short = json_type_of(value) == JSON_STRING; /* of its schema */
        if (!good_name(l, &version) || (!in_short && !config_object(l, &version, &version_shape, v)))
            continue;
        if (in_short)
            v->schema = config_string(l, &version);
        check_version(l, &version, v);
        src->n_versions++;
    }
}
