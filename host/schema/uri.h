/* SPDX-License-Identifier: MIT
 * uri: resolving a reference against a base (RFC 3986, section 5.2). Owns nothing, fetches nothing; any thread.
 */
#ifndef CREEL_SCHEMA_URI_H
#define CREEL_SCHEMA_URI_H

#include "base/buf.h"

/* What reference means where base is in force, behind out, fragment included. Both may be relative; base may be empty. */
void uri_resolve(struct span base, struct span reference, struct buf *out);
/* Cut a URI at its '#'; the fragment is SPAN_NONE without one. */
struct span uri_without_fragment(struct span uri, struct span *fragment);
/* Percent-decoded behind out (RFC 3986, section 2.1); what is no escape stays. */
void uri_decode(struct span text, struct buf *out);

#endif
