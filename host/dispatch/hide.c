/* SPDX-License-Identifier: MIT
 * hide: the list of hidden paths.
 */
#include "dispatch/hide.h"

#include <stdlib.h>
#include <sys/stat.h>

static void put_path(struct buf *b, const char *path)
{
    char *whole = path && path[0] ? realpath(path, NULL) : NULL;
    if (!whole)
        return;
    if (b->p[b->n - 1] != '[')
        buf_putc(b, ',');
    buf_put_json_text(b, span_str(whole));
    free(whole);
}

static void put_socket(struct buf *b, const char *address)
{
    struct span s = span_str(address);
    if (span_starts(s, SPAN_LIT("unix:")))
        put_path(b, address + 5);
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
        for (size_t k = 0; k < c->sources[i].n_keys; k++)
            put_path(b, c->sources[i].keys[k].secret_file);
    buf_putc(b, ']');
}

void hide_put_identities(struct buf *b, const struct config *c)
{
    struct stat st;
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t k = 0; k < c->sources[i].n_keys; k++)
            if (c->sources[i].keys[k].secret_file && stat(c->sources[i].keys[k].secret_file, &st) == 0)
                buf_printf(b, "%llu:%llu ", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}
