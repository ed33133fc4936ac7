/* SPDX-License-Identifier: MIT
 * config_watched: the files besides the configuration that a loaded one was made of. Changes nothing; any thread.
 */
#include "base/config.h"

static void each_key(const struct config_source *s, config_watched_each each, void *arg)
{
    const struct config_key *k;
    for (size_t i = 0; (k = config_source_key(s, i)) != NULL; i++) {
        const char *file = k->secret_file ? k->secret_file : k->public_key_file;
        if (file && !config_key_in_folder(s, k))
            each(arg, file, NULL);
    }
}

void config_watched(const struct config *c, config_watched_each each, void *arg)
{
    if (*c->schemas)
        each(arg, c->schemas, ".json");
    if (*c->recipes)
        each(arg, c->recipes, ".json");
    for (size_t i = 0; i < c->n_sources; i++) {
        if (*c->sources[i].keys_folder)
            each(arg, c->sources[i].keys_folder, "");
        each_key(&c->sources[i], each, arg);
    }
}
