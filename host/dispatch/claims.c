/* SPDX-License-Identifier: MIT
 * claims: what is routed where, and its file.
 */
#include "dispatch/claims.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "dispatch/registry.h"

enum { FILE_BYTES = 64 << 20, WRITE_AGAIN_MS = 5000 };

static enum err copy_words(struct word_list *to, const struct word_list *from)
{
    struct word_list l = {calloc(from->n ? from->n : 1, sizeof *l.words), 0};
    bool good = l.words != NULL;
    while (good && l.n < from->n)
        if ((good = (l.words[l.n] = strdup(from->words[l.n])) != NULL))
            l.n++;
    struct word_list *away = good ? to : &l;
    for (size_t i = 0; i < away->n; i++)
        free(away->words[i]);
    free(away->words);
    if (good)
        *to = l;
    return good ? ERR_OK : ERR_NO_MEMORY;
}

void claims_take(struct function *f, const struct settings *s)
{
    if (copy_words(&f->claims.types, &s->types) != ERR_OK || copy_words(&f->claims.sources, &s->sources) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory for the functions' event types");
}

void claims_fall_back(struct function *f, const struct settings *sidecar)
{
    if (f->live)
        return;
    if (sidecar && sidecar->types.n)
        claims_take(f, sidecar);
    else if (!f->claims.types.n)
        (void)settings_types_by_name(&f->claims, f->name, NULL);
}

void claims_forget(struct function *f)
{
    settings_fini(&f->claims);
}

const char *function_state(const struct dispatch *d, const struct function *f)
{
    if (f->held)
        return "held";
    if (f->live)
        return f->throttled_ms > d->now_ms ? "throttled" : "live";
    if (!f->present)
        return f->claims.types.n ? "missing" : "gone";
    return f->broken ? "broken" : "describing";
}

/* ---- the file ---- */

static void recall_one(struct dispatch *d, struct span object)
{
    struct span name = json_plain_string(json_member(object, "name"));
    if (!name.p || !settings_name_valid(name))
        return;
    struct function *f = function_get(d, name);
    if (!f)
        return;
    if (settings_manifest(&f->claims, object, NULL) != ERR_OK)
        settings_fini(&f->claims);
    f->held = json_type_of(json_member(object, "held")) == JSON_TRUE;
    f->lived = json_type_of(json_member(object, "lived")) != JSON_FALSE;
}

void claims_recall(struct dispatch *d)
{
    struct buf b;
    struct why w = {0};
    struct json_error bad = {0};
    buf_init(&b, FILE_BYTES);
    enum err e = fs_read(d->spool_fd, CLAIMS_FILE, &b, &w);
    if (e == ERR_OK && (e = json_check(buf_span(&b), (struct json_limits){JSON_DEPTH_DEFAULT, 1 << 24}, &bad)) != ERR_OK)
        why_set(&w, e, "byte %zu: %s", bad.offset, bad.what);
    if (e == ERR_OK) {
        struct json_iter it = json_iter(json_member(buf_span(&b), "functions"));
        for (struct span object; json_next_element(&it, &object);)
            recall_one(d, object);
    } else if (e != ERR_NOT_FOUND) {
        log_line(LOG_WARN, "what functions claimed before cannot be read: functions that are missing now are not known",
                 LOG_T("file", CLAIMS_FILE), LOG_T("why", w.text));
    }
    buf_fini(&b);
}

static void put_words(struct buf *b, const char *name, const struct word_list *l)
{
    buf_printf(b, ",\"%s\":[", name);
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_putc(b, ',');
        buf_put_json_text(b, span_str(l->words[i]));
    }
    buf_putc(b, ']');
}

static void put_function(struct buf *b, const struct dispatch *d, const struct function *f)
{
    buf_puts(b, "{\"name\":");
    buf_put_json_text(b, span_str(f->name));
    buf_printf(b, ",\"state\":\"%s\",\"held\":%s,\"lived\":%s", function_state(d, f), f->held ? "true" : "false",
               f->lived ? "true" : "false");
    put_words(b, "types", &f->claims.types);
    put_words(b, "sources", &f->claims.sources);
    buf_puts(b, ",\"why\":");
    buf_put_json_text_or_null(b, f->why.text[0] ? span_str(f->why.text) : SPAN_NONE);
    buf_putc(b, '}');
}

enum err claims_write(struct dispatch *d, struct why *w)
{
    struct buf b;
    buf_init(&b, FILE_BYTES);
    buf_puts(&b, "{\"functions\":[");
    bool first = true;
    for (size_t i = 0; i < d->n_functions; i++) {
        const struct function *f = d->functions[i];
        if (!f->claims.types.n && !f->present && !f->held)
            continue;
        buf_puts(&b, first ? "\n" : ",\n");
        put_function(&b, d, f);
        first = false;
    }
    buf_puts(&b, "\n]}\n");
    enum err e = b.failed ? why_set(w, ERR_NO_ROOM, "too large") : fs_replace(d->spool_fd, CLAIMS_FILE, buf_span(&b), 0640, w);
    buf_fini(&b);
    d->claims_write_ms = e == ERR_OK ? 0 : d->now_ms + WRITE_AGAIN_MS;
    return e;
}

void claims_changed(struct dispatch *d)
{
    d->claims_moved = true;
    if (!d->claims_write_ms)
        d->claims_write_ms = d->now_ms;
}

void claims_turn(struct dispatch *d)
{
    struct why w;
    if (!d->claims_write_ms || d->now_ms < d->claims_write_ms || !registry_settled(d))
        return;
    if (claims_write(d, &w) != ERR_OK)
        log_line(LOG_ERROR, "what functions claim cannot be written down", LOG_T("file", CLAIMS_FILE), LOG_T("why", w.text));
}
