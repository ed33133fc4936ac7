/* SPDX-License-Identifier: MIT
 * needs: which of the parameters that a recipe refers to it cannot do without. Any thread; for checks of a configuration.
 */
#include "recipe/compiled.h"

static bool is_param(const struct ref *ref, struct span name)
{
    return ref->kind == REF_PARAM && span_eq(ref->what, name);
}

/* Is the text absent without it? What is between [[ and ]] is not. */
static bool text_needs(const struct text *t, struct span name)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->pieces[i].group == 0 && is_param(&t->pieces[i], name))
            return true;
    return false;
}

static bool rules_need(const struct rules *rules, struct span name)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->list[i];
        if (rule->has_when && is_param(&rule->when, name))
            continue;
        if (text_needs(&rule->equals, name) || text_needs(&rule->includes, name) ||
            (is_param(&rule->of, name) && !rule->optional && !rule->absent))
            return true;
    }
    return false;
}

/* Headers of an answer are left out where their value is absent. */
static bool handshake_needs(const struct handshake *h, struct span name)
{
    return rules_need(&h->when, name) || rules_need(&h->asserts, name) || text_needs(&h->body, name) ||
           text_needs(&h->store, name) || text_needs(&h->fetch, name);
}

bool recipe_needs_param(const struct recipe *r, const char *param)
{
    const struct span name = span_str(param);
    bool needed = rules_need(&r->asserts, name) || text_needs(&r->signature.key, name) ||
                  (r->signature.has_key_id && is_param(&r->signature.key_id, name));
    for (size_t i = 0; i < r->signature.n_contents; i++)
        needed = needed || text_needs(&r->signature.contents[i], name);
    for (size_t i = 0; i < r->n_handshakes; i++)
        needed = needed || handshake_needs(&r->handshakes[i], name);
    return needed;
}
