/* SPDX-License-Identifier: MIT
 * refused: what is kept of one refused request (rejected.h): of those for a source the URL and the headers, secrets as "…"; the
 * body when the source asks for it and it had arrived; of others, who may be anybody, nothing but the cause. Nothing of a request
 * that was told to try again later, and nothing again of one that was run again. The thread that owns the request.
 */
#ifndef CREEL_INTAKE_REFUSED_H
#define CREEL_INTAKE_REFUSED_H

#include "intake/request.h"

/* q is decided. told: the row its sender is told; status: of the answer. */
void refused_keep(const struct request *q, enum err told, int status);

#endif
