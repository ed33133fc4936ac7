/* SPDX-License-Identifier: MIT
 * version: does the source know this version of the event type? One that it does not name, or that has ended, is refused or
 * taken all the same, as the source says; never by accident. A source that names no versions asks nothing here.
 */
#include "intake/steps.h"

#include <stdio.h>

#include "base/units.h"
#include "intake/versions.h"

enum { SHOWN_BYTES = 40 };

static enum err unknown(struct request *q, const char *detail)
{
    stat_add(STAT_unknown_versions_total, 1);
    if (strcmp(q->source->config->unknown_version, "pass") == 0)
        return ERR_OK;
    return refuse_or_bury(q, refuse(q, ERR_UNKNOWN_VERSION, "%s", detail), SPAN_NONE);
}

static enum err not_named(struct request *q)
{
    char detail[REQUEST_DETAIL_BYTES];
    struct buf names;
    int shown = q->version.n < SHOWN_BYTES ? (int)q->version.n : SHOWN_BYTES;
    buf_init(&names, sizeof detail);
    versions_put_names(q->source->versions, &names);
    buf_putc(&names, 0);
    const char *list = names.failed ? "others" : names.p;
    if (q->version.p)
        snprintf(detail, sizeof detail, "version %.*s is not known here; known: %s", shown, q->version.p, list);
    else
        snprintf(detail, sizeof detail, "the event carries no version; known: %s", list);
    buf_fini(&names);
    return unknown(q, detail);
}

static enum err has_ended(struct request *q, int64_t sunset_ms)
{
    char detail[REQUEST_DETAIL_BYTES], day[RFC3339_BYTES];
    rfc3339_format(sunset_ms, day);
    if (q->version.p)
        snprintf(detail, sizeof detail, "version %.*s has ended on %.10s", q->version.n < SHOWN_BYTES ? (int)q->version.n : SHOWN_BYTES,
                 q->version.p, day);
    else
        snprintf(detail, sizeof detail, "events without a version have ended on %.10s", day);
    return unknown(q, detail);
}

enum err step_version(struct request *q)
{
    const struct house_source *s = q->source;
    if (!s->config->n_versions)
        return ERR_OK;
    const struct version *v = versions_find(s->versions, q->version);
    if (!v)
        return not_named(q);
    const struct config_version *c = v->config;
    q->warning = v->warning;
    if (c->deprecated_ms && q->received_ms >= c->deprecated_ms)
        stat_add(STAT_deprecated_total, 1);
    return c->sunset_ms && q->received_ms >= c->sunset_ms ? has_ended(q, c->sunset_ms) : ERR_OK;
}
