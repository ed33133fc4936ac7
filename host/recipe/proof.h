/* SPDX-License-Identifier: MIT
 * proof: the parts that verifying and answering handshakes are made of. Any thread with its own struct recipe_context.
 */
#ifndef CREEL_RECIPE_PROOF_H
#define CREEL_RECIPE_PROOF_H

#include "recipe/grammar.h"
#include "recipe/key.h"
#include "recipe/value.h"

/* One request being judged. */
struct proof {
    const struct recipe *r;
    const struct keyring *ring;
    struct recipe_context *c;
    const struct recipe_request *q;
    struct recipe_verdict *verdict;
    struct view view;
    struct signatures signatures;
    const struct key *matched;
    /* For explaining: told of each key that was tried, and of the text; NULL at the door. */
    void (*tried)(void *arg, const struct key *k, const struct parts *text);
    void *tried_arg;
};

/* Take what the recipe reads of the headers. ERR_MALFORMED_REQUEST when one came twice with different values. */
enum err proof_begin(struct proof *p, const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict);
/* Is this the header of the slot, or one of the slot's family? */
bool proof_is_named(const struct header_slot *h, struct span name);
/* Fill the verdict's detail; returns e. */
enum err proof_refuse(struct proof *p, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The view's last failure as a refusal. */
enum err proof_problem(struct proof *p, enum err e);

/* Does this rule hold? ERR_OK with *holds; *why says what is wrong in words for the sender. */
enum err rule_holds(struct view *v, const struct rule *rule, bool *holds, const char **why);
/* Do all? *failed: the first that does not, NULL: they do. */
enum err rules_hold(struct view *v, const struct rules *rules, const struct rule **failed, const char **why);

/* Does a live key of the ring make one of these signatures over this text? p->matched. ERR_OK also when none does. */
enum err proof_try_keys(struct proof *p, const struct text *content, const struct ref **missing);
/* Take the header of the first token into the view, which proves nothing yet: it says where the key is. */
enum err proof_peek(struct proof *p);
/* The same for tokens (RFC 7519): p->view's jose and claims are those of the token that is good. */
enum err proof_try_tokens(struct proof *p, const struct ref **missing);

/* The whole proof: keys, signatures, what must hold, time. */
enum err proof_verify(struct proof *p);
/* Words for a failure of value_join and the like: *missing is what ERR_NOT_FOUND is about. */
enum err proof_failed(struct proof *p, enum err e, const struct ref *missing);

#endif
