/* SPDX-License-Identifier: MIT
 * media: what a content type says about the bytes (RFC 9110 section 8.3). Pure; any thread.
 */
#ifndef CREEL_BASE_MEDIA_H
#define CREEL_BASE_MEDIA_H

#include "base/span.h"

/* The part before the parameters, without white space around it; empty when the type is absent. */
struct span media_type(struct span content_type);
/* Is this JSON: a type whose subtype is json or ends with +json (RFC 6839 section 3.1)? */
bool media_is_json(struct span content_type);
/* Is this application/x-www-form-urlencoded? */
bool media_is_form(struct span content_type);

#endif
