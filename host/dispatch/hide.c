/* SPDX-License-Identifier: MIT
 * hide: the lists of paths.
 */
#include "dispatch/hide.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *resolved(const char *path)
{
    return path && path[0] ? realpath(path, NULL) : NULL;
}

static void put_whole(struct buf *b, const char *whole)
{
    if (b->p[b->n - 1] != '[')
        buf_putc(b, ',');
    buf_put_json_text(b, span_str(whole));
}

static void put_path(struct buf *b, const char *path)
{
    char *whole = resolved(path);
    if (whole)
        put_whole(b, whole);
    free(whole);
}

static void put_socket(struct buf *b, const char *address)
{
    struct span s = span_str(address);
    if (span_starts(s, SPAN_LIT("unix:")))
        put_path(b, address + 5);
}

static void put_keys(struct buf *b, const struct config *c)
{
    buf_puts(b, ",\"keys\":[");
    const struct config_key *key;
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t k = 0; (key = config_source_key(&c->sources[i], k)); k++)
            if (!config_key_in_folder(&c->sources[i], key))
                put_path(b, key->secret_file);
    buf_putc(b, ']');
}

static bool is_below(const char *folder, const char *path)
{
    char *whole = resolved(path);
    size_t n = strlen(folder);
    bool below = whole && strncmp(whole, folder, n) == 0 && (whole[n] == '/' || !whole[n]);
    free(whole);
    return below;
}

/* The configuration's own folder. With functions or spool in it, it is where everything lies, and functions may write there. A
 * folder in which everybody may write is nobody's own. */
static void put_own_folder(struct buf *b, const struct config *c, bool shared)
{
    char *folder = resolved(c->file);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    struct stat st;
    if (slash && slash != folder) {
        *slash = 0;
        if (stat(folder, &st) == 0 && !(st.st_mode & S_IWOTH) &&
            (is_below(folder, c->functions) || is_below(folder, c->spool)) == shared)
            put_whole(b, folder);
    }
    free(folder);
}

static void put_read_only(struct buf *b, const struct config *c)
{
    buf_puts(b, ",\"fixed\":[");
    put_own_folder(b, c, true);
    buf_puts(b, "],\"read_only\":[");
    put_own_folder(b, c, false);
    put_path(b, c->functions);
    put_path(b, c->stock);
    put_path(b, c->fetch_ca_file);
    put_path(b, c->recipes);
    put_path(b, c->schemas);
    const struct config_key *key;
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t k = 0; (key = config_source_key(&c->sources[i], k)); k++)
            if (!config_key_in_folder(&c->sources[i], key))
                put_path(b, key->public_key_file);
    buf_putc(b, ']');
}

void hide_put(struct buf *b, const struct config *c)
{
    buf_puts(b, ",\"hide\":[");
    put_path(b, c->spool);
    put_path(b, c->file);
    put_path(b, c->control);
    put_socket(b, c->listen);
    put_socket(b, c->admin_listen);
    for (size_t i = 0; i < c->n_sources; i++)
        put_path(b, c->sources[i].keys_folder);
    buf_putc(b, ']');
    put_keys(b, c);
    put_read_only(b, c);
}

static void put_identity(struct buf *b, const char *path)
{
    struct stat st;
    if (path && path[0] && stat(path, &st) == 0)
        buf_printf(b, "%llu:%llu ", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

void hide_put_identities(struct buf *b, const struct config *c)
{
    const struct config_key *key;
    put_identity(b, c->file);
    put_identity(b, c->functions);
    put_identity(b, c->stock);
    put_identity(b, c->fetch_ca_file);
    put_identity(b, c->recipes);
    put_identity(b, c->schemas);
    /* A folder of keys is hidden as a whole: a key that comes or goes in it changes nothing for a worker. */
    for (size_t i = 0; i < c->n_sources; i++) {
        put_identity(b, c->sources[i].keys_folder);
        for (size_t k = 0; (key = config_source_key(&c->sources[i], k)); k++) {
            if (config_key_in_folder(&c->sources[i], key))
                continue;
            put_identity(b, key->secret_file);
            put_identity(b, key->public_key_file);
        }
    }
}
