/* SPDX-License-Identifier: MIT
 * keys: what the parts of creel keys share. One thread; secrets stay in locked memory and are never printed (but a new
 * one, to whom asks for it).
 */
#ifndef CREEL_CTL_KEYS_H
#define CREEL_CTL_KEYS_H

#include "ctl/ctl.h"
#include "recipe/key_facts.h"

/* The source of this name, or exit 1. */
const struct config_source *keys_source(struct ctl *c, const char *name);
/* Its recipe, compiled. */
enum err keys_recipe(struct ctl *c, const struct config_source *s, struct recipe **out, struct why *w);
/* Read and decode one key. room: SECRET_BYTES_MAX + 1 bytes of locked memory. */
enum err keys_try(struct ctl *c, const struct recipe *r, const struct config_key *k, char *room, struct keyring **out,
                  struct why *w);
/* Locked memory for one key's text, or exit 111. sodium_free it. */
char *keys_room(void);
/* A time, RFC 3339 or a duration from now on, or exit 100 naming the option. */
int64_t keys_time(const char *option, const char *text);
/* How what was changed comes into effect. */
void keys_say_reload(void);

int keys_list(struct ctl *c, int argc, char **argv);
int keys_generate(struct ctl *c, int argc, char **argv);
int keys_add(struct ctl *c, int argc, char **argv);
int keys_retire(struct ctl *c, int argc, char **argv);

#endif
