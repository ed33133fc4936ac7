/* SPDX-License-Identifier: MIT
 * load: from a file's name to sealed memory files. Keeps nothing.
 */
#include "supervisor/load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secrets.h"

static void report_to_log(void *arg, const char *text)
{
    (void)arg;
    log_line(LOG_ERROR, "fault in the configuration", LOG_T("why", text));
}

static void report_to_stderr(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

/* Does a reason begin with these words, and not with longer ones? What follows, or NULL. */
static const char *behind(const char *text, const char *words)
{
    size_t n = strlen(words);
    return strncmp(text, words, n) == 0 && (text[n] == ':' || text[n] == ',' || text[n] == ' ') ? text + n : NULL;
}

/* Report a reason that speaks of a source, or of its key, as a fault at its place: secrets and recipes are looked at
 * after the file was read, and know names only. */
static void report_at_place(const struct load *l, const struct config *c, const char *reason, config_report report)
{
    char words[256], text[sizeof((struct why *)0)->text + 5120];
    const char *where = NULL, *rest = reason;
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *s = &c->sources[i];
        snprintf(words, sizeof words, "source %s", s->name);
        const char *said = behind(reason, words);
        if (!said)
            continue;
        where = s->where;
        rest = said + 1 + strspn(said + 1, " ");
        for (size_t k = 0; k < s->n_keys; k++) {
            snprintf(words, sizeof words, "key %s", s->keys[k].id);
            if (behind(rest, words))
                where = s->keys[k].where;
        }
    }
    if (where)
        snprintf(text, sizeof text, "%s: %s", where, rest);
    else
        snprintf(text, sizeof text, "%.200s:1: /: %s", l->file, reason);
    report(NULL, text);
}

static enum err gather(const struct load *l, int previous, config_report report, struct loaded *out)
{
    struct loaded made = {NULL, -1, -1};
    struct why w = {{0}};
    enum err e = config_load(l->file, report, NULL, &made.config);
    if (e)
        return e;
    e = config_snapshot(made.config, &made.snapshot, &w);
    if (!e)
        e = secrets_gather(made.config, previous, &made.secrets, &w);
    if (!e)
        e = l->verify(made.snapshot, made.secrets, &w);
    if (e) {
        report_at_place(l, made.config, w.text, report);
        loaded_free(&made);
        return e;
    }
    *out = made;
    return ERR_OK;
}

enum err load_settings(void *load, const struct loaded *now, struct loaded *out)
{
    return gather(load, now->secrets, report_to_log, out);
}

int load_check(const struct load *l)
{
    struct loaded made;
    if (gather(l, -1, report_to_stderr, &made) != ERR_OK)
        return EXIT_USAGE;
    loaded_free(&made);
    return 0;
}

int load_print(const char *file)
{
    struct config *c;
    struct buf b;
    if (config_read(file, report_to_stderr, NULL, &c) != ERR_OK)
        return EXIT_USAGE;
    buf_init(&b, SIZE_MAX / 2);
    config_print(c, &b);
    bool written = !b.failed && fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
    buf_fini(&b);
    config_free(c);
    if (!written)
        fprintf(stderr, "creeld: cannot write the configuration\n");
    return written ? 0 : EXIT_SYSTEM;
}
