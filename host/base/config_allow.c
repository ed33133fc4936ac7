/* SPDX-License-Identifier: MIT
 * config_allow: blocks of addresses in a configuration: who may call a source, and which proxies are believed. Runs where
 * a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include "base/cidr.h"

static bool good_block(struct loader *l, const struct place *at, const char *text)
{
    struct cidr c;
    struct why w;
    if (cidr_parse(span_str(text), &c, &w) == ERR_OK)
        return true;
    config_fault(l, at, "%s", w.text);
    return false;
}

static bool good_proxy(struct loader *l, const struct place *at, const char *text)
{
    const char *slash = strchr(text, '/');
    bool good = good_block(l, at, text);
    if (good && l->look == LOOK_EVERYWHERE && slash && strcmp(slash, "/0") == 0)
        config_warn(l, at, "trusts every address: whoever connects can claim the address it likes, also one that allow names");
    return good;
}

/* An empty list would let in nobody, or everybody, depending on who reads it. */
static void set_blocks(struct loader *l, const struct place *at, config_good good, const char ***list, size_t *n)
{
    struct span first;
    struct json_iter it = json_iter(at->value);
    if (json_type_of(at->value) == JSON_ARRAY && !json_next_element(&it, &first))
        config_fault(l, at, "must name one address at least; leave it out if any will do");
    else
        config_strings(l, at, good, list, n);
}

void config_allow(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    set_blocks(l, at, good_block, &src->allow, &src->n_allow);
}

void config_trusted_proxies(struct loader *l, const struct place *at, void *base)
{
    struct config *c = base;
    set_blocks(l, at, good_proxy, &c->trusted_proxies, &c->n_trusted_proxies);
}

void config_allow_check(struct loader *l, const struct place *at, const struct config_source *src)
{
    struct config_address a;
    if (src->n_allow && config_address(l->c->listen, &a, NULL) == ERR_OK && a.fd < 0 && a.addr.ss_family != AF_UNIX)
        config_fault_member(l, at, "allow", "means nothing while listen is %s: whoever can connect there says what address it likes; "
                            "listen on a unix socket", l->c->listen);
}
