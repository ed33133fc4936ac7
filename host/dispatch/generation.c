/* SPDX-License-Identifier: MIT
 * generation: making, promoting and retiring versions of a function.
 */
#include "dispatch/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "dispatch/builtin.h"
#include "dispatch/claims.h"
#include "dispatch/worker.h"

enum {
    SO_BYTES = 256 << 20,
    START_BYTES = 160 * 1024,
    AGAIN_FIRST_MS = 5000, /* a worker that did not become ready may do so later: what init needs was away, the machine was busy */
    AGAIN_DOUBLINGS = 6
};

/* A file that was there is not found: ERR_AGAIN when it has just been taken away. */
static enum err not_found(int folder_fd, const char *file, struct why *w)
{
    struct stat st;
    if (fstatat(folder_fd, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ERR_AGAIN;
    return why_set(w, ERR_INVALID, "%s is a link that leads nowhere", file);
}

/* The content of the file that was judged, sealed. */
static enum err copy_sealed(const struct function *f, int folder_fd, int *out, struct why *w)
{
    char file[FUNCTION_NAME_BYTES + 8];
    struct buf content;
    struct stat st;
    snprintf(file, sizeof file, "%s.so", f->name);
    int fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? not_found(folder_fd, file, w) : why_errno(w, "cannot open %s", file);
    buf_init(&content, SO_BYTES);
    enum err e = ERR_OK;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        e = why_set(w, ERR_INVALID, "%s: not a regular file", file);
    if (e == ERR_OK)
        e = fs_read_fd(fd, &content, w);
    if (e == ERR_OK && fstat(fd, &st) != 0)
        e = why_errno(w, "cannot look at %s", file);
    const struct identity *j = &f->judged_so;
    if (e == ERR_OK && (st.st_ino != j->ino || st.st_dev != j->dev || st.st_size != j->size ||
                        (size_t)st.st_size != content.n || st.st_mtim.tv_nsec != j->mtime.tv_nsec))
        e = ERR_AGAIN;
    if (e == ERR_OK && content.n == 0)
        e = why_set(w, ERR_INVALID, "%s is empty", file);
    if (e == ERR_OK)
        e = fs_sealed(f->name, buf_span(&content), out, w);
    buf_fini(&content);
    close(fd);
    return e;
}

static enum err read_sidecar(const struct dispatch *d, struct generation *g, int folder_fd, struct why *w)
{
    char file[FUNCTION_NAME_BYTES + 8];
    struct why inner;
    snprintf(file, sizeof file, "%s.json", g->function->name);
    enum err e = ERR_OK;
    if (g->function->builtin)
        builtin_put_sidecar(d->config, &g->sidecar);
    else if ((e = fs_read(folder_fd, file, &g->sidecar, w)) == ERR_NOT_FOUND)
        return g->function->judged_sidecar.there ? not_found(folder_fd, file, w) : ERR_OK;
    if (e == ERR_OK && (e = settings_sidecar(&g->settings, buf_span(&g->sidecar), &inner)) != ERR_OK)
        why_set(w, e, "%s: %s", file, inner.text);
    return e;
}

static void generation_free(struct generation *g)
{
    struct generation **link = &g->function->generations;
    while (*link != g)
        link = &(*link)->next;
    *link = g->next;
    settings_fini(&g->settings);
    buf_fini(&g->sidecar);
    if (g->start.p)
        explicit_bzero(g->start.p, g->start.cap);
    buf_fini(&g->start);
    if (g->so_fd >= 0)
        close(g->so_fd);
    free(g);
}

/* The function stays as it was; a reason is said once. */
static void broken(struct dispatch *d, struct function *f, const struct settings *sidecar, const char *why)
{
    bool said = f->broken && strcmp(f->why.text, why) == 0;
    f->broken = true;
    claims_fall_back(f, sidecar);
    function_refresh(d, f);
    if (said)
        return;
    why_set(&f->why, ERR_INVALID, "%s", why);
    log_line(LOG_ERROR, f->live ? "function file refused: the one before stays" : "function file refused: its events are held",
             LOG_T("function", f->name), LOG_T("why", why));
    claims_changed(d);
}

static enum err prepare(struct dispatch *d, struct generation *g, int folder_fd, struct why *w)
{
    enum err e = read_sidecar(d, g, folder_fd, w);
    if (e == ERR_OK)
        e = copy_sealed(g->function, folder_fd, &g->so_fd, w);
    if (e == ERR_OK)
        e = settings_start_json(&g->settings, g->function->name, buf_span(&d->start_more), &g->start, w);
    if (e == ERR_OK)
        e = worker_new(d, g, w);
    return e;
}

enum err generation_new(struct dispatch *d, struct function *f, int folder_fd)
{
    struct why w = {0};
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NO_MEMORY;
    *g = (struct generation){.function = f, .next = f->generations, .number = f->made + 1, .so_fd = -1};
    f->generations = g;
    settings_init(&g->settings);
    buf_init(&g->sidecar, SETTINGS_TEXT_BYTES);
    buf_init(&g->start, START_BYTES);
    enum err e = prepare(d, g, folder_fd, &w);
    if (e == ERR_OK) {
        f->made++;
        f->candidate = g;
        return ERR_OK;
    }
    if (e != ERR_AGAIN)
        broken(d, f, &g->settings, w.text);
    generation_free(g);
    return e;
}

/* Settings anew: what the manifest says counts less than what the sidecar says. */
enum err generation_described(struct generation *g, struct span manifest, struct why *w)
{
    struct why inner;
    struct settings s;
    settings_init(&s);
    enum err e = settings_manifest(&s, manifest, &inner);
    if (e != ERR_OK)
        why_set(w, e, "its manifest: %s", inner.text);
    if (e == ERR_OK && g->sidecar.n)
        e = settings_sidecar(&s, buf_span(&g->sidecar), w);
    if (e == ERR_OK)
        e = settings_types_by_name(&s, g->function->name, w);
    if (e == ERR_OK) {
        settings_fini(&g->settings);
        g->settings = s;
        g->described = true;
    } else {
        settings_fini(&s);
    }
    return e;
}

void generation_live(struct dispatch *d, struct generation *g)
{
    struct function *f = g->function;
    bug_if(f->candidate != g || !g->described);
    f->candidate = NULL;
    struct generation *before = f->live;
    f->live = g;
    f->lived = true;
    f->broken = false;
    f->failures = f->tries = 0;
    f->again_ms = 0;
    f->throttled_ms = 0;
    f->why.text[0] = '\0';
    claims_take(f, &g->settings);
    if (before)
        generation_retire(d, before);
    log_line(LOG_INFO, before ? "function replaced" : "function live", LOG_T("function", f->name), LOG_N("generation", g->number));
    function_refresh(d, f);
    claims_changed(d);
}

void generation_failed(struct dispatch *d, struct generation *g, const char *why)
{
    struct function *f = g->function;
    bug_if(f->candidate != g);
    f->candidate = NULL;
    g->retired = true;
    f->again_ms = d->now_ms + ((int64_t)AGAIN_FIRST_MS << (f->tries < AGAIN_DOUBLINGS ? f->tries : AGAIN_DOUBLINGS));
    f->tries++;
    broken(d, f, &g->settings, why);
    generation_retire(d, g);
}

void generation_retire(struct dispatch *d, struct generation *g)
{
    struct function *f = g->function;
    if (f->live == g)
        f->live = NULL;
    if (f->candidate == g)
        f->candidate = NULL;
    g->retired = true;
    workers_retire(d, g);
    generation_settle(d, g);
}

void generation_settle(struct dispatch *d, struct generation *g)
{
    (void)d;
    if (g->retired && g->n_workers == 0)
        generation_free(g);
}
