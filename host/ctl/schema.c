/* SPDX-License-Identifier: MIT
 * schema: creel schema: what a JSON Schema says of a text, and what another one would newly refuse, without a daemon. Reads the files
 * it is given, fetches nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "ctl/past.h"
#include "schema/compare.h"

enum { SCHEMA_BYTES = 16 << 20, INSTANCE_BYTES = 1 << 28 };

static enum schema_draft draft_of(const char *text)
{
    if (!text || strcmp(text, "2020-12") == 0)
        return SCHEMA_2020_12;
    if (strcmp(text, "7") == 0)
        return SCHEMA_DRAFT_07;
    exit(ctl_usage("--draft is 7 or 2020-12"));
}

static void read_text(const char *path, struct buf *b)
{
    struct why w;
    buf_init(b, SCHEMA_BYTES);
    enum err e = ctl_read_commented_json(path, b, &w);
    if (e != ERR_OK)
        exit(ctl_fail(e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM, "%s", w.text));
}

/* ---- check ---- */

/* Compiled, and its text in b; else exit 100, or 111 when the file cannot be read. */
static struct schema *load_schema(const char *path, const struct schema_options *options, struct buf *b)
{
    struct schema *s;
    struct why w;
    read_text(path, b);
    enum err e = schema_compile(buf_span(b), options, &s, &w);
    if (e != ERR_OK)
        exit(ctl_fail(e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM, "%s: %s", path, w.text));
    return s;
}

static void print_text(const char *path, const struct schema_errors *errors)
{
    if (errors->n == 0)
        printf("%s: valid\n", path);
    for (size_t i = 0; i < errors->n; i++) {
        const struct schema_error *e = &errors->list[i];
        printf("%s: ", path);
        past_print_text(stdout, e->pointer, SIZE_MAX);
        printf("%s%s%s", e->pointer.n ? ": " : "", e->keyword, *e->keyword ? ": " : "");
        past_print_text(stdout, e->message, SIZE_MAX);
        putchar('\n');
    }
    if (errors->more)
        printf("%s: and more\n", path);
}

static void print_json(const char *path, const struct schema_errors *errors)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "{\"instance\":");
    buf_put_json_text(&b, span_str(path));
    buf_puts(&b, errors->n ? ",\"valid\":false" : ",\"valid\":true");
    buf_puts(&b, ",\"errors\":[");
    for (size_t i = 0; i < errors->n; i++) {
        buf_puts(&b, i ? ",{\"pointer\":" : "{\"pointer\":");
        buf_put_json_text(&b, errors->list[i].pointer);
        buf_puts(&b, ",\"keyword\":");
        buf_put_json_text(&b, span_str(errors->list[i].keyword));
        buf_puts(&b, ",\"message\":");
        buf_put_json_text(&b, errors->list[i].message);
        buf_putc(&b, '}');
    }
    buf_puts(&b, errors->more ? "],\"more\":true}" : "]}");
    printf("%.*s\n", (int)b.n, b.p);
    buf_fini(&b);
}

/* What is no JSON is no valid instance either. The reason comes with the file's name, which stands before it in any case. */
static void not_json(const char *path, const struct why *w, struct schema_errors *errors)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    size_t n = strlen(name);
    bool named = strncmp(w->text, name, n) == 0 && strncmp(w->text + n, ": ", 2) == 0;
    errors->list[0] = (struct schema_error){span_str(""), "", span_str(named ? w->text + n + 2 : w->text)};
    errors->n = 1;
}

static bool check_one(struct ctl *c, const struct schema *s, struct schema_context *context, const char *path)
{
    struct schema_errors errors = {.n = 0};
    struct arena memory = {NULL, 0, 0};
    struct buf b;
    struct why w;
    buf_init(&b, INSTANCE_BYTES);
    enum err e = ctl_read_json(path, &b, &w);
    if (e != ERR_OK && e != ERR_INVALID)
        exit(ctl_fail(EXIT_SYSTEM, "%s", w.text));
    if (e != ERR_OK)
        not_json(path, &w, &errors);
    else if (!arena_init(&memory, schema_scratch_bytes(s, buf_span(&b))))
        exit(ctl_fail(EXIT_SYSTEM, "%s: out of memory", path));
    else
        (void)schema_validate(s, context, buf_span(&b), &memory, &errors);
    (c->json ? print_json : print_text)(path, &errors);
    buf_fini(&b);
    arena_fini(&memory);
    return errors.n == 0;
}

static int check(struct ctl *c, int argc, char **argv)
{
    struct schema_options options = {.draft = SCHEMA_2020_12};
    struct schema_context *context;
    struct buf text;
    const char *draft = NULL;
    int good = 0;
    options.formats = ctl_option(&argc, argv, "--formats", NULL);
    ctl_option(&argc, argv, "--draft", &draft);
    options.draft = draft_of(draft);
    ctl_words(argc, argv, 2, argc);
    struct schema *s = load_schema(argv[1], &options, &text);
    if (schema_context_new(&context) != ERR_OK)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    for (int i = 2; i < argc; i++)
        good += check_one(c, s, context, argv[i]);
    schema_context_free(context);
    schema_free(s);
    buf_fini(&text);
    return good == argc - 2 ? 0 : EXIT_REFUSED;
}

/* ---- diff ---- */

static void print_change(const struct schema_change *e)
{
    printf("%s ", e->undecided ? "undecided" : "refused  ");
    if (e->where.n == 0)
        fputs("(the whole)", stdout);
    past_print_text(stdout, e->where, SIZE_MAX);
    fputs(": ", stdout);
    past_print_text(stdout, e->message, SIZE_MAX);
    fputs("  [", stdout);
    past_print_text(stdout, e->pointer, SIZE_MAX);
    printf("%s%s]\n", *e->keyword ? " " : "", e->keyword);
}

static void put_member(struct buf *b, const char *name, struct span text)
{
    buf_printf(b, "\"%s\":", name);
    buf_put_json_text(b, text);
    buf_putc(b, ',');
}

static void print_change_json(const struct schema_change *e)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_putc(&b, '{');
    put_member(&b, "where", e->where);
    put_member(&b, "pointer", e->pointer);
    put_member(&b, "keyword", span_str(e->keyword));
    put_member(&b, "message", e->message);
    buf_printf(&b, "\"undecided\":%s}", e->undecided ? "true" : "false");
    printf("%.*s\n", (int)b.n, b.p);
    buf_fini(&b);
}

static int print_changes(struct ctl *c, const struct schema_changes *changes)
{
    size_t undecided = 0;
    for (size_t i = 0; i < changes->n; i++) {
        undecided += changes->list[i].undecided;
        (c->json ? print_change_json : print_change)(&changes->list[i]);
    }
    if (!c->json && changes->n == 0)
        puts("What the old schema takes, the new one takes.");
    if (!c->json && changes->n > 0)
        printf("%zu newly refused, %zu undecided%s\n", changes->n - undecided, undecided,
               changes->more ? ", and more" : "");
    return changes->n > 0 || changes->more ? EXIT_REFUSED : 0;
}

/* Only its text: what is no schema is named by its file, as when it is checked. */
static void load_text(const char *path, enum schema_draft draft, struct buf *b)
{
    const struct schema_options options = {.draft = draft};
    schema_free(load_schema(path, &options, b));
}

static int diff(struct ctl *c, int argc, char **argv)
{
    struct schema_changes changes;
    struct buf old, new;
    struct why w;
    const char *draft = NULL;
    ctl_option(&argc, argv, "--draft", &draft);
    enum schema_draft written = draft_of(draft);
    ctl_words(argc, argv, 2, 2);
    load_text(argv[1], written, &old);
    load_text(argv[2], written, &new);
    enum err e = schema_compare(buf_span(&old), buf_span(&new), written, &changes, &w);
    int status = e == ERR_OK ? print_changes(c, &changes)
                             : ctl_fail(e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM, "%s", w.text);
    if (e == ERR_OK)
        schema_changes_fini(&changes);
    buf_fini(&old);
    buf_fini(&new);
    return status;
}

int verb_schema(struct ctl *c, int argc, char **argv)
{
    if (argc < 2)
        return ctl_usage("say which: check or diff");
    if (strcmp(argv[1], "check") == 0)
        return check(c, argc - 1, argv + 1);
    if (strcmp(argv[1], "diff") == 0)
        return diff(c, argc - 1, argv + 1);
    return ctl_usage("there is no '%s'", argv[1]);
}
