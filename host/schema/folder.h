/* SPDX-License-Identifier: MIT
 * folder: the schemas that a configuration brings along, compiled as it says. Each may refer to the others: by the name of its file
 * ("common.json#/definitions/address"), or by the $id written in it.
 */
#ifndef CREEL_SCHEMA_FOLDER_H
#define CREEL_SCHEMA_FOLDER_H

#include "base/config.h"
#include "schema/schema.h"

/* Compile number i of c->schemas_loaded. As schema_compile; w begins with another file's name and '#' where the fault is in that. */
enum err folder_compile(const struct config *c, size_t i, struct schema **out, struct why *w);

#endif
