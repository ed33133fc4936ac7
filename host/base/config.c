/* SPDX-License-Identifier: MIT
 * config: the settings as rows, the memory of a configuration, and the questions asked of a loaded one. Reading is in
 * config_load.c, sources in config_source.c, writing in config_print.c. A loaded struct config never changes.
 */
#include "base/config_parts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

const struct setting config_top_rows[CONFIG_TOP_ROWS] = {
#define TOP(type, member, json, def, min, max, reloadable, help)                                                       \
    {SETTING_##type, json, def, offsetof(struct config, member), min, max, reloadable, help},
#define SRC(type, member, json, def, min, max, reloadable, help)
#include "base/config.tbl"
#undef TOP
#undef SRC
};

const struct setting config_src_rows[CONFIG_SRC_ROWS] = {
#define TOP(type, member, json, def, min, max, reloadable, help)
#define SRC(type, member, json, def, min, max, reloadable, help)                                                       \
    {SETTING_##type, json, def, offsetof(struct config_source, member), min, max, reloadable, help},
#include "base/config.tbl"
#undef TOP
#undef SRC
};

/* ---- memory: blocks in a list, given back together ---- */

struct block {
    struct block *next;
    size_t n, cap;
    _Alignas(max_align_t) char bytes[];
};
enum { BLOCK_BYTES = 65536 - sizeof(struct block) };

void *config_alloc(struct config *c, size_t n)
{
    struct block *b = c->memory;
    n = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (!b || n > b->cap - b->n) {
        size_t cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        struct block *fresh = calloc(1, sizeof *fresh + cap);
        if (!fresh)
            return NULL;
        *fresh = (struct block){.next = b, .cap = cap};
        c->memory = b = fresh;
    }
    void *p = b->bytes + b->n;
    b->n += n;
    return p;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    struct block *b = c->memory;
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(c);
}

void config_doubt(struct config *c, const char *where, const char *reason)
{
    static const char between[] = ": warning: ";
    size_t n = strlen(where) + sizeof between + strlen(reason);
    struct config_warning *w = config_alloc(c, sizeof *w), **last = &c->warnings;
    char *text = w ? config_alloc(c, n) : NULL;
    if (!text) /* short of memory: what follows will say so */
        return;
    snprintf(text, n, "%s%s%s", where, between, reason);
    *w = (struct config_warning){text, NULL};
    while (*last)
        last = &(*last)->next;
    *last = w;
}

/* ---- questions ---- */

const struct config_source *config_source_by_path(const struct config *c, struct span path)
{
    size_t from = 0, to = c->n_sources;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        struct span at = span_str(c->by_route[middle]->route);
        int order = memcmp(path.p, at.p, path.n < at.n ? path.n : at.n);
        if (order == 0 && path.n == at.n)
            return c->by_route[middle];
        if (order < 0 || (order == 0 && path.n < at.n))
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const struct config_source *config_source_by_name(const struct config *c, struct span name)
{
    for (size_t i = 0; i < c->n_sources; i++)
        if (span_eq_str(name, c->sources[i].name))
            return &c->sources[i];
    return NULL;
}

bool config_key_in_folder(const struct config_source *s, const struct config_key *k)
{
    const char *file = k->secret_file ? k->secret_file : k->public_key_file;
    size_t n = strlen(s->keys_folder);
    return n > 0 && file && strncmp(file, s->keys_folder, n) == 0 && file[n] == '/' && !strchr(file + n + 1, '/');
}

const char *config_recipe_text(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_recipes_loaded; i++)
        if (strcmp(c->recipes_loaded[i].name, name) == 0)
            return c->recipes_loaded[i].text;
    return NULL;
}

bool config_pattern_match(const char *pattern, struct span text)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return span_eq_str(text, pattern);
    struct span part = span_of(pattern, (size_t)(star - pattern));
    if (!span_starts(text, part))
        return false;
    text = span_skip(text, part.n);
    /* Each part between two stars goes where it first fits; the last one must be at the end. */
    while ((star = strchr(pattern = star + 1, '*')) != NULL) {
        part = span_of(pattern, (size_t)(star - pattern));
        const char *at = memmem(text.p, text.n, part.p, part.n);
        if (!at)
            return false;
        text = span_skip(text, (size_t)(at - text.p) + part.n);
    }
    part = span_str(pattern);
    return text.n >= part.n && span_eq(span_skip(text, text.n - part.n), part);
}

const char *config_fixed_changed(const struct config *old, const struct config *now)
{
    for (size_t i = 0; i < CONFIG_TOP_ROWS; i++) {
        const struct setting *s = &config_top_rows[i];
        bool same;
        if (s->reloadable)
            continue;
        if (s->type == SETTING_TEXT || s->type == SETTING_PATH || s->type == SETTING_ONE)
            same = strcmp(setting_text(s, old), setting_text(s, now)) == 0;
        else if (s->type == SETTING_BOOL)
            same = setting_bool(s, old) == setting_bool(s, now);
        else
            same = setting_number(s, old) == setting_number(s, now);
        if (!same)
            return s->name;
    }
    return NULL;
}

/* ---- addresses ---- */

static enum err unix_address(const char *path, struct config_address *out, struct why *w)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n == 0 || path[0] != '/')
        return why_set(w, ERR_INVALID, "a socket needs an absolute path behind unix:");
    if (n >= sizeof un.sun_path)
        return why_set(w, ERR_INVALID, "the socket's path has %zu bytes; the system allows %zu", n,
                       sizeof un.sun_path - 1);
    memcpy(un.sun_path, path, n + 1);
    struct config_address a = {.fd = -1, .addr_bytes = sizeof un};
    memcpy(&a.addr, &un, sizeof un);
    *out = a;
    return ERR_OK;
}

/* Digits only, at most max; -1 otherwise. */
static int small_number(const char *text, int max)
{
    int v = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        v = v * 10 + (*text - '0');
        if (v > max)
            return -1;
    }
    return v;
}

static enum err tcp_address(const char *text, struct config_address *out, struct why *w)
{
    static const char usage[] = "write unix:PATH, ADDRESS:PORT (127.0.0.1:9000, [::1]:9000) or fd:N";
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2];
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (n == 0 || n >= sizeof host)
        return why_set(w, ERR_INVALID, "no address; %s", usage);
    int port = small_number(colon + 1, 65535);
    if (port < 1)
        return why_set(w, ERR_INVALID, "the port must be 1 to 65535; %s", usage);
    memcpy(host, text, n);
    host[n] = 0;
    struct config_address a = {.fd = -1};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        if (inet_pton(AF_INET6, host + 1, &in6.sin6_addr) != 1)
            return why_set(w, ERR_INVALID, "not an IPv6 address; %s", usage);
        memcpy(&a.addr, &in6, a.addr_bytes = sizeof in6);
    } else {
        if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
            return why_set(w, ERR_INVALID, "not an IPv4 address; %s", usage);
        memcpy(&a.addr, &in, a.addr_bytes = sizeof in);
    }
    *out = a;
    return ERR_OK;
}

enum err config_address(const char *text, struct config_address *out, struct why *w)
{
    struct span s = span_str(text);
    if (span_starts(s, SPAN_LIT("unix:")))
        return unix_address(text + 5, out, w);
    if (span_starts(s, SPAN_LIT("fd:"))) {
        int fd = small_number(text + 3, 1 << 20);
        if (fd < 0)
            return why_set(w, ERR_INVALID, "a descriptor's number belongs behind fd:");
        *out = (struct config_address){.fd = fd};
        return ERR_OK;
    }
    return tcp_address(text, out, w);
}
