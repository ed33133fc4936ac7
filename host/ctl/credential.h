/* SPDX-License-Identifier: MIT
 * credential: what a source asks of its callers besides a signature ("auth"), as far as its keys are in the configuration.
 * For creel send. Prints no byte of it. One thread.
 */
#ifndef CREEL_CTL_CREDENTIAL_H
#define CREEL_CTL_CREDENTIAL_H

#include "auth/auth.h"

/* The methods of a source with their keys; NULL, after a warning with the reason, where they cannot be read. */
struct auth *credential_load(const struct config *c, const struct config_source *source);
/* The base of a URL and its query with the token that the source looks for in them, into b; as they are where there is one already.
 * False: base does not lead to where the token stands. */
bool credential_url(const struct auth_offer *o, const struct config_source *source, struct span base, struct span query,
                    struct buf *b);
/* Say of each method that the request will not hold why not, but of those in the headers given by hand. */
void credential_warn(const struct auth_offer *o, const struct config_source *source, const struct recipe_header *given,
                     size_t n_given);

#endif
