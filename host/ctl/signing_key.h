/* SPDX-License-Identifier: MIT
 * signing_key: the key that creel send signs with. Prints no byte of it. One thread.
 */
#ifndef CREEL_CTL_SIGNING_KEY_H
#define CREEL_CTL_SIGNING_KEY_H

#include "base/config.h"
#include "recipe/recipe.h"

/* From file, or where that is NULL the source's key that is valid now and has a secret. encoding NULL: the source's, else
 * the recipe's; a PEM private key is taken for one whatever the recipe says. ERR_INVALID, ERR_NOT_FOUND. */
enum err signing_key_load(const struct recipe *r, const char *file, const char *encoding,
                          const struct config_source *source, struct keyring **out, struct why *w);

#endif
