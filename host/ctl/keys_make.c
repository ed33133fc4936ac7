/* SPDX-License-Identifier: MIT
 * keys_make: creel keys generate: a random key in the recipe's encoding, into a file of its own, and what to write into
 * the configuration. Replaces no file.
 */
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/keyfile.h"
#include "base/units.h"
#include "ctl/keys.h"
#include "recipe/key_make.h"

struct making {
    struct ctl *c;
    const char *recipe, *variant, *encoding, *out, *public_out;
    struct key_made *made;
};

/* As the configuration wants it. */
static void put_path(struct buf *b, const char *path)
{
    char whole[PATH_MAX];
    buf_put_json_text(b, span_str(realpath(path, whole) ? whole : path));
}

static void put_entry(const struct making *m, const char *member, const char *path, struct buf *b)
{
    char today[RFC3339_BYTES];
    rfc3339_format(clock_wall_ms(), today);
    buf_printf(b, "{ \"id\": \"%.10s\", \"%s\": ", today, member);
    put_path(b, path);
    if (m->encoding) {
        buf_puts(b, ", \"key_encoding\": ");
        buf_put_json_text(b, span_str(m->encoding));
    }
    buf_puts(b, " }");
}

static void say_where(const struct making *m)
{
    struct buf b;
    bool pair = m->made->public_text[0] != 0;
    const char *file = pair ? m->public_out : m->out;
    buf_init(&b, 65536);
    if (file)
        put_entry(m, pair ? "public_key_file" : "secret_file", file, &b);
    buf_putc(&b, 0);
    if (m->c->json) {
        printf("{\"key\":%s}\n", file && !b.failed ? b.p : "null");
    } else if (file && !b.failed) {
        printf("Among the \"keys\" of the source: %s\n", b.p);
        printf(pair ? "The private key is the sender's: it signs with it, and so does creel send --secret-file.\n"
                    : "The sender gets the same secret; give it to nobody else.\n");
    }
    buf_fini(&b);
}

static enum err store(const struct making *m, struct why *w)
{
    enum err e = ERR_OK;
    if (m->public_out)
        e = keyfile_create(m->public_out, span_str(m->made->public_text), 0644, w);
    if (e == ERR_OK && m->out) {
        e = keyfile_create(m->out, span_str(m->made->secret), 0600, w);
        if (e != ERR_OK && m->public_out)
            unlink(m->public_out); /* of this call; without its other half it is of no use */
    }
    return e;
}

static int generate(const struct making *m)
{
    struct why w;
    struct recipe *r;
    enum err e = ctl_recipe(m->c, m->recipe, m->variant, &r, &w);
    if (e != ERR_OK)
        return ctl_fail(EXIT_REFUSED, "%s", w.text);
    e = key_make(r, m->encoding, m->made, &w);
    recipe_free(r);
    if (e != ERR_OK)
        return ctl_fail(EXIT_REFUSED, "%s", w.text);
    if (m->public_out && !m->made->public_text[0])
        return ctl_usage("--public-out: recipe %s has shared secrets, which have no public half", m->recipe);
    e = store(m, &w);
    if (e != ERR_OK)
        return ctl_fail(e == ERR_EXISTS ? EXIT_REFUSED : EXIT_SYSTEM, "%s", w.text);
    if (!m->out)
        fputs(m->made->secret, stdout);
    if (!m->public_out)
        fputs(m->made->public_text, stdout);
    if (m->out)
        say_where(m);
    return 0;
}

int keys_generate(struct ctl *c, int argc, char **argv)
{
    struct making m = {.c = c};
    ctl_option(&argc, argv, "--recipe", &m.recipe);
    ctl_option(&argc, argv, "--variant", &m.variant);
    ctl_option(&argc, argv, "--key-encoding", &m.encoding);
    ctl_option(&argc, argv, "--out", &m.out);
    ctl_option(&argc, argv, "--public-out", &m.public_out);
    ctl_words(argc, argv, 0, 0);
    if (!m.recipe)
        return ctl_usage("--recipe R is missing");
    if (c->json && !m.out)
        return ctl_usage("--json goes with --out: a key is printed bare");
    m.made = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *m.made);
    if (!m.made)
        return ctl_fail(EXIT_SYSTEM, "out of memory for keys");
    int status = generate(&m);
    sodium_free(m.made); /* wipes */
    return status;
}
