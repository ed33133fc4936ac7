/* SPDX-License-Identifier: MIT
 * mac: prepared HMAC contexts, one per thread and key. Beginning a MAC from a keyed context costs a third of keying
 * one.
 */
#ifndef CREEL_RECIPE_MAC_H
#define CREEL_RECIPE_MAC_H

#include "recipe/compiled.h"
#include "recipe/key.h"

/* The MAC of the content under k: the algorithm's signature_bytes into out. Every value must be present. ERR_INTERNAL
 * when OpenSSL refuses (out of memory). */
enum err mac_content(struct recipe_context *c, const struct recipe *r, const struct key *k,
                     const struct recipe_request *q, const struct values *v, unsigned char out[RECIPE_SIGNATURE_BYTES]);

#endif
