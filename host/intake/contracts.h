/* SPDX-License-Identifier: MIT
 * contracts: the compiled schemas of one configuration, by the names of their files: TYPE.json and TYPE.v2.json, the type written as
 * fs_put_name does. Immutable: any thread.
 */
#ifndef CREEL_INTAKE_CONTRACTS_H
#define CREEL_INTAKE_CONTRACTS_H

#include "base/config.h"
#include "base/err.h"
#include "schema/schema.h"

struct contracts;

/* c must outlive it. ERR_INVALID with "FILE: /pointer: reason"; ERR_NO_MEMORY. */
enum err contracts_new(const struct config *c, struct contracts **out, struct why *w);
void contracts_free(struct contracts *s); /* NULL is fine */

bool contracts_any(const struct contracts *s); /* is there one at all? */

/* The file name of an event type, without what follows it, in memory. SPAN_NONE: it is full. */
struct span contracts_stem(struct span type, struct arena *memory);
/* What the version of an event is called in a file's name: v2 is "v2", 2 is "v2" too; no version is empty. False: no file can be
 * called so. The text lies in memory. */
bool contracts_version(struct span version, struct arena *memory, struct span *out);

enum contract {
    CONTRACT_NONE,    /* there is no schema of this type, or none that this event has to meet */
    CONTRACT_SCHEMA,  /* *schema is its */
    CONTRACT_UNKNOWN, /* the type has schemas of versions, and none of this one */
};
/* The schema of a type (its stem) in a version (its name in a file; p NULL: it cannot be in one). TYPE.json holds for events without
 * a version, and for all while the type has no file of a version. */
enum contract contracts_find(const struct contracts *s, struct span stem, struct span version, const struct schema **schema);
/* The versions of this stem that there are, as a list for people, cut where it gets long, behind b. */
void contracts_put_versions(const struct contracts *s, struct span stem, struct buf *b);

#endif
