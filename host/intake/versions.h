/* SPDX-License-Identifier: MIT
 * versions: what one source knows of the versions of its event types, made ready for the door. Immutable: any thread.
 */
#ifndef CREEL_INTAKE_VERSIONS_H
#define CREEL_INTAKE_VERSIONS_H

#include "base/config.h"
#include "base/err.h"
#include "base/span.h"

struct version {
    const struct config_version *config;
    /* What its senders are told of its end, as header fields with CR LF behind each: Deprecation (RFC 9745), Sunset (RFC 8594), Link.
     * Empty when nothing is known of one. */
    struct span warning;
    char *text; /* owned: what warning lies in, or NULL */
};
struct versions;

/* config must outlive it. ERR_NO_MEMORY. */
enum err versions_new(const struct config_source *config, struct versions **out);
void versions_free(struct versions *v); /* NULL is fine */
/* The version a sender wrote (SPAN_NONE: it wrote none) of those that the source names; NULL: it is none of them. */
const struct version *versions_find(const struct versions *v, struct span name);
/* The names of them as a list for people, cut where it gets long, behind b. */
void versions_put_names(const struct versions *v, struct buf *b);

#endif
