/* SPDX-License-Identifier: MIT
 * recipe: what others ask about a compiled recipe. Any thread.
 */
#include "recipe/compiled.h"

const char *recipe_name(const struct recipe *r)
{
    return r->name;
}

bool recipe_is_none(const struct recipe *r)
{
    return r->none;
}

bool recipe_takes_public_keys(const struct recipe *r)
{
    return !r->none && r->algorithm->family == FAMILY_ED25519;
}

const char *recipe_key_encoding(const struct recipe *r)
{
    return r->key_encoding;
}

int64_t recipe_tolerance_ms(const struct recipe *r)
{
    return r->has_timestamp ? r->timestamp.past_ms : -1;
}

const char *const *recipe_default(const struct recipe *r, const char *what, size_t *n)
{
    static const char *const names[DEFAULTS] = {
        [DEFAULT_TYPE] = "type",
        [DEFAULT_EVENT_ID] = "event_id",
        [DEFAULT_ORDER_KEY] = "order_key",
        [DEFAULT_VERSION] = "version",
    };
    for (size_t i = 0; i < DEFAULTS; i++) {
        if (strcmp(what, names[i]) == 0) {
            *n = r->defaults[i].n;
            return r->defaults[i].text;
        }
    }
    *n = 0;
    return NULL;
}

static bool listed(const struct span *names, size_t n, struct span header)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(names[i], header))
            return true;
    return false;
}

bool recipe_is_credential(const struct recipe *r, struct span header)
{
    static const struct span always[] = {SPAN_LIT("Authorization"), SPAN_LIT("Proxy-Authorization"),
                                         SPAN_LIT("Cookie")};
    return listed(always, sizeof always / sizeof *always, header) || listed(r->credentials, r->n_credentials, header);
}

bool recipe_may_repeat(const struct recipe *r, struct span header)
{
    return listed(r->repeatable, r->n_repeatable, header);
}
