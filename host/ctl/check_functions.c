/* SPDX-License-Identifier: MIT
 * check_functions: NAME.so and NAME.json, one function after the other. Keeps nothing.
 */
#include "ctl/check_functions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/subject.h"
#include "ctl/trial.h"
#include "dispatch/hide.h"
#include "spool/fetched.h"
#include "worker/wire.h"

enum { PLACE_BYTES = 4096, TEXT_BYTES = 1024, GROUPS = 256 };

/* Who reads the files and who the functions are: as dispatch, where creeld is started as root; else nobody else. */
struct check {
    const struct config *config;
    check_told told;
    void *arg;
    bool change;
    uid_t uid, worker_uid;
    gid_t gid, worker_gid, groups[GROUPS], own_groups[GROUPS];
    int n_groups, n_own_groups;
    struct buf more; /* hide_put */
};

/* ---- rights ---- */

static void find_users(struct check *k)
{
    const struct config *c = k->config;
    k->worker_uid = (uid_t)-1;
    k->worker_gid = (gid_t)-1;
    if (geteuid() != 0)
        return;
    const struct passwd *p = *c->worker_user ? getpwnam(c->worker_user) : NULL;
    if (p) {
        k->worker_uid = p->pw_uid;
        k->worker_gid = p->pw_gid;
    }
    p = *c->user ? getpwnam(c->user) : NULL;
    k->n_groups = GROUPS;
    k->n_own_groups = getgroups(GROUPS, k->own_groups);
    if (!p || k->n_own_groups < 0 || getgrouplist(c->user, p->pw_gid, k->groups, &k->n_groups) < 0)
        return;
    k->change = true;
    k->uid = p->pw_uid;
    k->gid = p->pw_gid;
}

/* What follows is read with the rights that dispatch has. */
static void become_user(const struct check *k)
{
    if (k->change && (setgroups((size_t)k->n_groups, k->groups) != 0 || setegid(k->gid) != 0 || seteuid(k->uid) != 0))
        die(EXIT_SYSTEM, "creel check: cannot become user %s: %s", k->config->user, strerror(errno));
}

static void become_root(const struct check *k)
{
    if (k->change && (seteuid(0) != 0 || setegid(getgid()) != 0 || setgroups((size_t)k->n_own_groups, k->own_groups) != 0))
        die(EXIT_SYSTEM, "creel check: cannot become root again: %s", strerror(errno));
}

/* ---- one function ---- */

static bool known_source(const struct config *c, const char *name)
{
    return config_source_by_name(c, span_str(name)) != NULL;
}

static void put_words(struct buf *b, const struct word_list *list, const char *none)
{
    for (size_t i = 0; i < list->n; i++)
        buf_printf(b, "%s%s", i ? " " : "", list->words[i]);
    if (!list->n)
        buf_puts(b, none);
}

static void describe(const struct check *k, const struct settings *s, const char *name, const char *place)
{
    struct buf b;
    char text[TEXT_BYTES];
    buf_init(&b, TEXT_BYTES - 1);
    buf_puts(&b, "takes ");
    put_words(&b, &s->types, "nothing");
    buf_puts(&b, " from ");
    put_words(&b, &s->sources, "every source whose senders prove themselves");
    snprintf(text, sizeof text, "%.*s%s", (int)b.n, b.n ? b.p : "", b.failed ? " …" : "");
    buf_fini(&b);
    k->told(k->arg, FINDING_OK, "function", name, place, text);
    for (size_t i = 0; i < s->sources.n; i++) {
        snprintf(text, sizeof text, "there is no source \"%.64s\", which it names: configure it, or take it out of its sidecar or manifest",
                 s->sources.words[i]);
        if (!known_source(k->config, s->sources.words[i]))
            k->told(k->arg, FINDING_WARNING, "function", name, place, text);
    }
}

static void no_line(void *arg, int level, struct span text)
{
    (void)arg;
    (void)level;
    (void)text;
}

/* Its sidecar, its secrets, then the function itself. */
static enum err load(const struct check *k, const char *place, struct settings *s, struct why *w)
{
    struct subject subject;
    struct buf start;
    buf_init(&start, WIRE_FRAME_BYTES);
    become_user(k);
    enum err e = subject_open(&subject, place, w);
    struct trial t = {.name = subject.name,
                      .so_fd = subject.so_fd,
                      .sidecar = subject.sidecar,
                      .uid = k->worker_uid,
                      .gid = k->worker_gid,
                      .line = no_line};
    if (!e)
        e = trial_start(&t, buf_span(&k->more), &start, w);
    become_root(k);
    if (!e)
        e = trial_describe(&t, buf_span(&start), s, w);
    if (!e)
        e = settings_types_by_name(s, subject.name, w);
    if (start.p)
        explicit_bzero(start.p, start.cap);
    buf_fini(&start);
    subject_close(&subject);
    return e;
}

static const char *wrong_name(struct span name)
{
    return own_name(name) ? "names that begin with " OWN_PREFIX " are the host's own: rename it"
           : settings_name_valid(name) ? NULL : "is no function's name (1 to 128 of A-Z a-z 0-9 . _ : % @ + -): rename it";
}

/* Who may write there decides what runs. */
static void doubt_mode(const struct check *k, const char *what, const char *name, const char *place)
{
    struct stat st;
    if (stat(place, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
        k->told(k->arg, FINDING_WARNING, what, name, place, "everybody on this machine may write it, and so decide what runs: chmod o-w");
}

static void check_so(const struct check *k, const char *name, const char *place)
{
    const char *wrong = wrong_name(span_str(name));
    struct settings s;
    struct why w = {{0}};
    if (wrong) {
        k->told(k->arg, FINDING_WARNING, "function", name, place, wrong);
        return;
    }
    settings_init(&s);
    if (load(k, place, &s, &w) == ERR_OK)
        describe(k, &s, name, place);
    else
        k->told(k->arg, FINDING_FAULT, "function", name, place, w.text);
    settings_fini(&s);
    doubt_mode(k, "function", name, place);
}

static void check_sidecar(const struct check *k, const char *name, const char *place)
{
    char so[PLACE_BYTES];
    int n = snprintf(so, sizeof so, "%.*s.so", (int)strlen(place) - 5, place);
    if (n > 0 && (size_t)n < sizeof so && access(so, F_OK) != 0 && errno == ENOENT)
        k->told(k->arg, FINDING_WARNING, "function", name, place, "a sidecar without a function: there is no .so of this name beside it");
    else
        doubt_mode(k, "function", name, place);
}

/* ---- the folder ---- */

static bool ends(const char *file, const char *suffix)
{
    size_t n = strlen(file), m = strlen(suffix);
    return n > m && file[0] != '.' && strcmp(file + n - m, suffix) == 0;
}

static void check_file(const struct check *k, const char *file)
{
    char place[PLACE_BYTES], name[256];
    int n = snprintf(place, sizeof place, "%s/%s", k->config->functions, file);
    bool so = ends(file, ".so");
    if (n < 0 || (size_t)n >= sizeof place || (!so && !ends(file, ".json")))
        return;
    snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - (so ? 3 : 5)), file);
    (so ? check_so : check_sidecar)(k, name, place);
}

void check_functions(const struct config *c, check_told told, void *arg)
{
    struct check k = {.config = c, .told = told, .arg = arg};
    struct dirent **names = NULL;
    buf_init(&k.more, WIRE_FRAME_BYTES);
    hide_put(&k.more, c);
    find_users(&k);
    become_user(&k);
    int n = scandir(c->functions, &names, NULL, alphasort), why = errno;
    become_root(&k);
    if (n < 0 && why != ENOENT) { /* whether it has to be there creeld says */
        char text[TEXT_BYTES];
        snprintf(text, sizeof text, "user %.64s, who looks for functions there, may not read it: %s", k.change ? c->user : "who runs this",
                 strerror(why));
        told(arg, FINDING_FAULT, "folder", "functions", c->functions, text);
    }
    for (int i = 0; i < n; i++) {
        check_file(&k, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    buf_fini(&k.more);
}
