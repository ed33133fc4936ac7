/* SPDX-License-Identifier: MIT
 * registry: watching the folder, deciding when a file is worth a look, and the succession of generations. Making one is in
 * generation.c, what they claim in claims.c.
 */
#include "dispatch/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "dispatch/builtin.h"
#include "dispatch/claims.h"
#include "dispatch/feed.h"
#include "dispatch/generation.h"
#include "spool/fetched.h"

enum {
    LOOK_MS = 5000,        /* without any hint: links that lead elsewhere, folders that inotify cannot watch */
    STABLE_MS = 100,       /* untouched for so long: worth judging */
    WRITING_MS = 3000,     /* … when somebody opened it for writing and has not closed it */
    FIRST_SETTLE_MS = 15000, /* the first look is over after this, whatever is still unclear */
    UNCLEAR_MS = 12000,    /* after a change, events nobody else wants wait so long for it to become clear */
    DESCRIBING_MAX = 8,    /* at once: they use the processor that runs need */
    FUNCTIONS_MAX = 4096,
    AWAY_MS = 4000,        /* a file that is away for so long is not just being replaced */
    HINT_BYTES = 64 * 1024
};

struct registry {
    struct watch hints;
    int folder_fd; /* -1: none */
    bool away;     /* said that it cannot be opened */
    bool fresh;    /* names in it have changed since the last look */
    struct timespec mtime;
    int64_t look_ms, settle_by_ms;
    bool looked, settled, said_full;
};

static const struct identity nothing_there = {0};

static bool same(const struct identity *a, const struct identity *b)
{
    return a->there == b->there && a->link == b->link && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
           a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* A link that leads nowhere is there: it cannot be used, and that is said. */
static struct identity look_at(int folder_fd, const char *file)
{
    struct stat st, link;
    if (fstatat(folder_fd, file, &link, AT_SYMLINK_NOFOLLOW) != 0)
        return nothing_there;
    if (fstatat(folder_fd, file, &st, 0) != 0)
        st = link;
    return (struct identity){true, S_ISLNK(link.st_mode), st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

/* The function that a file name of the folder is about; NULL for files that are none of ours. */
static struct function *named(struct dispatch *d, const char *file, const char *suffix, bool make)
{
    size_t n = strlen(file), m = strlen(suffix);
    if (n <= m || strcmp(file + n - m, suffix) != 0 || file[0] == '.')
        return NULL;
    struct span name = span_of(file, n - m);
    const char *wrong = own_name(name) ? "names that begin with " OWN_PREFIX " are the host's own"
                        : settings_name_valid(name) ? NULL : "1 to 128 of [A-Za-z0-9._:%@+-]";
    if (wrong) {
        if (make && d->registry->fresh)
            log_line(LOG_WARN, "a file in the functions folder has a name that is no function's", LOG_T("file", file), LOG_T("why", wrong));
        return NULL;
    }
    struct function *f = function_find(d, name);
    if (f || !make)
        return f;
    if (d->n_functions < FUNCTIONS_MAX)
        return function_get(d, name);
    if (!d->registry->said_full)
        log_line(LOG_ERROR, "too many functions: the rest of the folder is not looked at", LOG_N("most", FUNCTIONS_MAX));
    d->registry->said_full = true;
    return NULL;
}

/* ---- one file ---- */

static void removed(struct dispatch *d, struct function *f)
{
    log_line(LOG_WARN, "function removed: its events are held", LOG_T("function", f->name));
    f->present = f->broken = false;
    f->seen_ms = d->now_ms;
    if (f->candidate)
        generation_retire(d, f->candidate);
    if (f->live)
        generation_retire(d, f->live);
    function_refresh(d, f);
    claims_changed(d);
}

/* What never worked, and no event waits for, claims nothing once it has been taken away again. */
static void vanish(struct dispatch *d, struct function *f)
{
    if (f->lived || f->held || !f->claims.types.n || f->queue.n || !feed_is_live(d) || d->now_ms - f->seen_ms < AWAY_MS)
        return;
    log_line(LOG_INFO, "a function that never ran is gone", LOG_T("function", f->name));
    claims_forget(f);
    claims_changed(d);
}

static void judge(struct dispatch *d, struct function *f, int folder_fd)
{
    f->judged_so = f->seen_so;
    f->judged_sidecar = f->seen_sidecar;
    f->again_ms = 0;
    if (f->candidate)
        generation_retire(d, f->candidate);
    if (generation_new(d, f, folder_fd) == ERR_AGAIN) {
        f->judged_so = nothing_there;
        f->seen_ms = d->now_ms;
    }
}

static unsigned describing(const struct dispatch *d)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->n_functions; i++)
        n += d->functions[i]->candidate != NULL;
    return n;
}

/* Look at one function's two files; true when it has to be looked at again soon. */
static bool look(struct dispatch *d, struct function *f, int folder_fd)
{
    char so[FUNCTION_NAME_BYTES + 8], sidecar[FUNCTION_NAME_BYTES + 8];
    snprintf(so, sizeof so, "%s.so", f->name);
    snprintf(sidecar, sizeof sidecar, "%s.json", f->name);
    struct identity now_so = look_at(folder_fd, so);
    struct identity now_sidecar = f->builtin ? nothing_there : look_at(folder_fd, sidecar);
    if (!now_so.there) {
        f->seen_so = f->judged_so = f->seen_sidecar = f->judged_sidecar = nothing_there;
        if (f->present)
            removed(d, f);
        else
            vanish(d, f);
        return false;
    }
    f->present = true;
    if (!same(&now_so, &f->seen_so) || !same(&now_sidecar, &f->seen_sidecar)) {
        f->seen_so = now_so;
        f->seen_sidecar = now_sidecar;
        f->seen_ms = d->now_ms;
        f->tries = 0;
    }
    bool again = f->again_ms && d->now_ms >= f->again_ms;
    if (same(&now_so, &f->judged_so) && same(&now_sidecar, &f->judged_sidecar) && !again)
        return false;
    int64_t quiet_ms = d->now_ms - f->seen_ms;
    if (quiet_ms < STABLE_MS || (f->writing && quiet_ms < WRITING_MS) || describing(d) >= DESCRIBING_MAX)
        return true;
    judge(d, f, folder_fd);
    return false;
}

static bool look_builtin(struct dispatch *d, struct function *f)
{
    int fd = builtin_folder(d);
    bool soon = look(d, f, fd);
    if (fd >= 0)
        close(fd);
    return soon;
}

/* ---- the folder ---- */

static void watch_folder(struct dispatch *d);

/* The folder that has the name now: people replace folders, and links to them. While there is none, nothing has been removed. */
static bool reopen(struct dispatch *d)
{
    struct registry *r = d->registry;
    struct stat now, before;
    int fd = open(d->config->functions, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &now) != 0) {
        if (!r->away)
            log_line(LOG_ERROR, "the functions folder cannot be opened: functions stay as they are", LOG_T("why", strerror(errno)));
        r->away = true;
        if (fd >= 0)
            close(fd);
        return false;
    }
    r->away = false;
    r->fresh = now.st_mtim.tv_sec != r->mtime.tv_sec || now.st_mtim.tv_nsec != r->mtime.tv_nsec;
    r->mtime = now.st_mtim;
    if (fstat(r->folder_fd, &before) == 0 && before.st_dev == now.st_dev && before.st_ino == now.st_ino) {
        close(fd);
        return true;
    }
    close(r->folder_fd);
    r->folder_fd = fd;
    int hints = r->hints.fd;
    watch_remove(d, &r->hints);
    if (hints >= 0)
        close(hints);
    watch_folder(d);
    return true;
}

/* Names that are new get a function; every function is looked at. */
static void look_around(struct dispatch *d)
{
    struct registry *r = d->registry;
    r->look_ms = d->now_ms + LOOK_MS;
    if (!reopen(d))
        return;
    int fd = openat(r->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        log_line(LOG_ERROR, "cannot read the functions folder", LOG_T("why", strerror(errno)));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        (void)named(d, entry->d_name, ".so", true);
    closedir(dir);
    bool soon = false;
    for (size_t i = 0; i < d->n_functions; i++)
        soon |= d->functions[i]->builtin ? look_builtin(d, d->functions[i]) : look(d, d->functions[i], r->folder_fd);
    if (soon)
        r->look_ms = d->now_ms + STABLE_MS / 2;
}

static void take_hint(struct dispatch *d, const struct inotify_event *e)
{
    if (!e->len)
        return;
    struct function *f = named(d, e->name, ".so", e->mask & IN_MODIFY);
    if (!f)
        f = named(d, e->name, ".json", false);
    if (!f)
        return;
    if (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE))
        f->writing = false;
    else if (e->mask & IN_MODIFY)
        f->writing = true;
}

/* Hints only say that it is time to look; what is true is what the look finds. */
static void on_hints(struct dispatch *d, struct watch *w, uint32_t events)
{
    (void)events;
    static _Alignas(struct inotify_event) char bytes[HINT_BYTES];
    ssize_t n = read(w->fd, bytes, sizeof bytes);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
        struct inotify_event e;
        memcpy(&e, bytes + at, sizeof e);
        take_hint(d, (const struct inotify_event *)(const void *)(bytes + at));
        at += (ssize_t)(sizeof e + e.len);
    }
    if (n > 0)
        d->registry->look_ms = d->now_ms;
}

static void watch_folder(struct dispatch *d)
{
    struct registry *r = d->registry;
    struct why w;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MODIFY | IN_ATTRIB |
                    IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR;
    if (fd >= 0 && inotify_add_watch(fd, d->config->functions, mask) >= 0 &&
        watch_add(d, &r->hints, fd, EPOLLIN, &w) == ERR_OK)
        return;
    log_line(LOG_WARN, "the functions folder cannot be watched: it is looked at every few seconds", LOG_T("why", strerror(errno)));
    if (fd >= 0)
        close(fd);
    r->hints.fd = -1;
}

enum err registry_open(struct dispatch *d, struct why *w)
{
    struct registry *r = calloc(1, sizeof *r);
    if (!r)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    r->hints = (struct watch){.fd = -1, .ready = on_hints};
    r->folder_fd = -1;
    d->registry = r;
    claims_recall(d);
    if (!d->config->functions[0]) {
        log_msg(LOG_WARN, "no functions folder is configured: events no function claims are ignored");
        r->settled = true;
        return ERR_OK;
    }
    r->folder_fd = open(d->config->functions, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->folder_fd < 0)
        return why_errno(w, "cannot open the functions folder %s", d->config->functions);
    watch_folder(d);
    r->look_ms = d->now_ms;
    r->settle_by_ms = d->now_ms + FIRST_SETTLE_MS;
    return ERR_OK;
}

void registry_close(struct dispatch *d)
{
    struct registry *r = d->registry;
    if (!r)
        return;
    int fd = r->hints.fd;
    watch_remove(d, &r->hints);
    if (fd >= 0)
        close(fd);
    if (r->folder_fd >= 0)
        close(r->folder_fd);
    free(r);
    d->registry = NULL;
}

/* Still unclear: a file was found that has neither gone live nor failed. */
static bool unclear(const struct function *f)
{
    return f->present && (f->candidate || !same(&f->seen_so, &f->judged_so) || !same(&f->seen_sidecar, &f->judged_sidecar));
}

void registry_look(struct dispatch *d)
{
    struct registry *r = d->registry;
    if (r->hints.fd >= 0)
        on_hints(d, &r->hints, EPOLLIN);
    if (r->folder_fd >= 0 && d->now_ms >= r->look_ms)
        look_around(d);
}

bool registry_unclear(const struct dispatch *d)
{
    for (size_t i = 0; i < d->n_functions; i++)
        if (unclear(d->functions[i]) && d->now_ms - d->functions[i]->seen_ms < UNCLEAR_MS)
            return true;
    return false;
}

static void settle(struct dispatch *d)
{
    struct registry *r = d->registry;
    bool clear = true;
    for (size_t i = 0; clear && i < d->n_functions; i++)
        clear = !unclear(d->functions[i]);
    if (!clear && d->now_ms < r->settle_by_ms)
        return;
    if (!clear)
        log_msg(LOG_WARN, "some functions are not ready yet: routing begins without them, what they claim is held");
    for (size_t i = 0; i < d->n_functions; i++) {
        struct function *f = d->functions[i];
        if (unclear(f))
            claims_fall_back(f, f->candidate ? &f->candidate->settings : NULL);
    }
    r->settled = true;
    claims_changed(d);
}

void registry_turn(struct dispatch *d)
{
    struct registry *r = d->registry;
    if (r->folder_fd >= 0 && d->now_ms >= r->look_ms) {
        look_around(d);
        r->looked = true;
    }
    if (r->looked && !r->settled)
        settle(d);
    claims_turn(d);
}

int64_t registry_next_ms(const struct dispatch *d)
{
    const struct registry *r = d->registry;
    int64_t next = r->folder_fd >= 0 ? r->look_ms : INT64_MAX;
    if (!r->settled && r->settle_by_ms < next)
        next = r->settle_by_ms;
    return r->settled && d->claims_write_ms && d->claims_write_ms < next ? d->claims_write_ms : next;
}

bool registry_settled(const struct dispatch *d)
{
    return d->registry->settled;
}

void registry_hint(struct dispatch *d)
{
    d->registry->look_ms = d->now_ms;
}

void registry_renew(struct dispatch *d)
{
    for (size_t i = 0; i < d->n_functions; i++)
        d->functions[i]->judged_so = nothing_there;
    d->registry->look_ms = d->now_ms;
}

enum err registry_forget(struct dispatch *d, struct function *f, struct why *w)
{
    if (f->present)
        return why_set(w, ERR_INVALID, "%s.so is still in the functions folder: remove it first", f->name);
    claims_forget(f);
    f->held = false;
    return claims_write(d, w);
}
