/* SPDX-License-Identifier: MIT
 * config_rejected: "rejected" of a source: what is kept of its refused requests. Runs where a configuration is loaded, one
 * thread.
 */
#include <stddef.h>

#include "base/config_parts.h"

static const struct setting rows[] = {
    {SETTING_BOOL, "body", "false", offsetof(struct config_source, rejected_body), 0, 0, true, ""}};
static const struct shape rejected_shape = {.rows = rows, .n_rows = sizeof rows / sizeof rows[0]};

void config_rejected(struct loader *l, const struct place *at, void *source)
{
    (void)config_object(l, at, &rejected_shape, source);
}
