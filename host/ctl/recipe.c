/* SPDX-License-Identifier: MIT
 * recipe: creel recipe: which senders are known, and what one of them asks of who sets it up. Needs neither the daemon nor
 * the spool. One thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/recipe_names.h"
#include "ctl/recipe_words.h"

enum { RECIPE_BYTES = 1 << 20 };

/* ---- all ---- */

static void put_member(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json_text_or_null(b, span_str(value));
}

static void put_words(struct buf *b, const char *name, const char *const *words, size_t n)
{
    buf_printf(b, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(b, ',');
        buf_put_json_text(b, span_str(words[i]));
    }
    buf_putc(b, ']');
}

/* What the list says of one; the object stays open. */
static void put_line(struct buf *b, const struct recipe *r)
{
    const char *gaps[RECIPE_GAPS];
    buf_puts(b, "{\"recipe\":");
    buf_put_json_text(b, span_str(recipe_name(r)));
    put_member(b, "title", recipe_title(r));
    put_member(b, "algorithm", recipe_algorithm(r));
    put_words(b, "not_protected", gaps, recipe_gap_words(r, gaps));
    put_member(b, "documentation", recipe_documentation(r));
}

static void list_one(struct ctl *c, const char *name, unsigned *faults)
{
    struct recipe *r;
    struct why w;
    struct buf b;
    const char *gaps[RECIPE_GAPS];
    if (ctl_recipe(c, name, NULL, &r, &w) != ERR_OK) {
        ctl_fail(EXIT_USAGE, "%s", w.text);
        ++*faults;
        return;
    }
    buf_init(&b, RECIPE_BYTES);
    if (c->json) {
        put_line(&b, r);
        buf_puts(&b, "}");
    } else {
        size_t n = recipe_gap_words(r, gaps);
        buf_printf(&b, "%-25s %-13s %-14s %s", name, recipe_algorithm(r) ? recipe_algorithm(r) : "none",
                   n == 0   ? "-"
                   : n == 1 ? gaps[0]
                            : "body, replay",
                   recipe_title(r) ? recipe_title(r) : "");
    }
    printf("%.*s\n", (int)b.n, b.p ? b.p : "");
    buf_fini(&b);
    recipe_free(r);
}

static int list_all(struct ctl *c)
{
    struct recipe_names *names = calloc(1, sizeof *names);
    unsigned faults = 0;
    if (!names)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    recipe_names_find(c, names);
    if (!c->json)
        printf("%-25s %-13s %-14s %s\n", "NAME", "ALGORITHM", "NOT PROTECTED", "SENDER");
    for (size_t i = 0; i < names->n; i++) {
        list_one(c, names->list[i], &faults);
    }
    bool none = names->n == 0;
    recipe_names_free(names);
    free(names);
    if (none)
        return ctl_fail(EXIT_REFUSED, "there are no recipes in %s", c->recipes ? c->recipes : CREEL_DATADIR "/recipes");
    return faults ? EXIT_USAGE : 0;
}

/* ---- one ---- */

static void put_whole(struct buf *b, const struct recipe *r, const struct recipe_text *text)
{
    size_t n;
    const char *methods[RECIPE_HANDSHAKES], *variants[RECIPE_VARIANTS];
    put_line(b, r);
    put_member(b, "key_encoding", recipe_is_none(r) ? NULL : recipe_key_encoding(r));
    if (recipe_tolerance_ms(r) >= 0)
        buf_printf(b, ",\"tolerance_ms\":%lld", (long long)recipe_tolerance_ms(r));
    else
        buf_puts(b, ",\"tolerance_ms\":null");
    const char *const *words = recipe_params(r, &n);
    put_words(b, "params", words, n);
    buf_printf(b, ",\"public_url\":%s", recipe_needs_url(r) ? "true" : "false");
    for (n = 0; n < RECIPE_HANDSHAKES && recipe_handshake_method(r, n); n++)
        methods[n] = recipe_handshake_method(r, n);
    put_words(b, "handshakes", methods, n);
    n = recipe_text_variants(text, variants);
    put_words(b, "variants", variants, n);
    recipe_text_free_words(variants, n);
    words = recipe_notes(r, &n);
    put_words(b, "notes", words, n);
    buf_puts(b, "}\n");
}

/* A fault in a variant shows only where the variant is chosen. */
static enum err check_variants(struct ctl *c, const char *name, const struct recipe_text *text, struct why *w)
{
    const char *variants[RECIPE_VARIANTS];
    size_t n = recipe_text_variants(text, variants);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        struct recipe *r;
        e = ctl_recipe(c, name, variants[i], &r, w);
        if (e == ERR_OK)
            recipe_free(r);
    }
    recipe_text_free_words(variants, n);
    return e;
}

static int show_one(struct ctl *c, const char *name, const char *variant)
{
    struct recipe_text text;
    struct recipe *r;
    struct why w;
    struct buf b;
    enum err e = ctl_recipe(c, name, variant, &r, &w);
    if (e == ERR_OK && (e = recipe_text_read(&text, c, name, variant, &w)) != ERR_OK)
        recipe_free(r);
    if (e == ERR_OK && (e = check_variants(c, name, &text, &w)) != ERR_OK) {
        recipe_text_fini(&text);
        recipe_free(r);
    }
    if (e != ERR_OK)
        return ctl_fail(e == ERR_NOT_FOUND ? EXIT_REFUSED : EXIT_USAGE, "%s", w.text);
    buf_init(&b, RECIPE_BYTES);
    if (c->json)
        put_whole(&b, r, &text);
    else
        recipe_say(&b, r, &text);
    fwrite(b.p, 1, b.n, stdout);
    buf_fini(&b);
    recipe_text_fini(&text);
    recipe_free(r);
    return 0;
}

int verb_recipe(struct ctl *c, int argc, char **argv)
{
    const char *variant = NULL;
    ctl_option(&argc, argv, "--variant", &variant);
    ctl_words(argc, argv, 0, 1);
    if (argc == 1 && variant)
        return ctl_usage("--variant needs the name of a recipe");
    return argc == 1 ? list_all(c) : show_one(c, argv[1], variant);
}
