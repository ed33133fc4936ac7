/* SPDX-License-Identifier: MIT
 * config_load: a configuration from its file and what that includes, or from a snapshot. Owns the loader and its
 * documents while it runs. creeld and creel load, the roles read snapshots; one thread.
 */
#include "base/config_parts.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/units.h"

enum { FILE_BYTES_MAX = 16 << 20, SNAPSHOT_BYTES_MAX = 256 << 20, NODES_MAX = 4000000 };
static const struct json_limits limits = {JSON_DEPTH_DEFAULT, NODES_MAX};

/* ---- documents ---- */

bool config_blank_comments(char *p, size_t n, size_t *at)
{
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (p[i] == '\\')
                i++;
            else
                in_string = p[i] != '"';
        } else if (p[i] == '"') {
            in_string = true;
        } else if (p[i] == '/' && i + 1 < n && p[i + 1] == '/') {
            while (i < n && p[i] != '\n')
                p[i++] = ' ';
        } else if (p[i] == '/' && i + 1 < n && p[i + 1] == '*') {
            const char *end = memmem(p + i + 2, n - i - 2, "*/", 2);
            *at = i;
            if (!end)
                return false;
            for (; p + i < end + 2; i++)
                p[i] = p[i] == '\n' ? '\n' : ' ';
            i--;
        }
    }
    return true;
}

/* The absolute folder a file is in, in c's memory. */
static const char *folder_of(struct loader *l, const char *file)
{
    const char *slash = strrchr(file, '/');
    struct span dir = slash ? span_of(file, (size_t)(slash - file)) : SPAN_LIT("");
    if (file[0] == '/')
        return config_copy(l, dir);
    char *cwd = getcwd(NULL, 0);
    struct buf b;
    buf_init(&b, 65536);
    if (cwd && strcmp(cwd, "/") != 0)
        buf_puts(&b, cwd);
    if (dir.n) {
        buf_putc(&b, '/');
        buf_put_span(&b, dir);
    }
    const char *made = config_copy(l, buf_span(&b));
    free(cwd);
    buf_fini(&b);
    return made;
}

static struct document *add_document(struct loader *l, const char *file, struct buf *text)
{
    struct document *d = config_alloc(l->c, sizeof *d);
    if (!d) {
        l->out_of_memory = true;
        return NULL;
    }
    *d = (struct document){.file = config_copy(l, span_str(file)),
                           .dir = folder_of(l, file),
                           .text = text->p ? text->p : calloc(1, 1),
                           .n = text->n,
                           .next = l->docs};
    *text = (struct buf){.max_bytes = text->max_bytes}; /* the document has the bytes now */
    l->docs = d;
    l->doc = d;
    return d;
}

/* Blank the comments and check that it is JSON; the whole document as a place. */
static bool check_document(struct loader *l, struct document *d, struct place *root)
{
    struct json_error e;
    size_t at;
    struct span text = span_of(d->text, d->n);
    *root = (struct place){.value = text};
    if (!config_blank_comments(d->text, d->n, &at)) {
        root->value = span_skip(text, at);
        config_fault(l, root, "this comment is not closed");
        return false;
    }
    if (json_check(text, limits, &e) != ERR_OK) {
        root->value = span_skip(text, e.offset < d->n ? e.offset : d->n - (d->n > 0));
        config_fault(l, root, "not valid JSON: %s", e.what);
        return false;
    }
    while (*root->value.p == ' ' || *root->value.p == '\n' || *root->value.p == '\r' || *root->value.p == '\t')
        root->value = span_skip(root->value, 1);
    return true;
}

bool config_document(struct loader *l, const char *file, struct place *root)
{
    struct buf b;
    struct why w;
    buf_init(&b, FILE_BYTES_MAX);
    enum err e = fs_read(AT_FDCWD, file, &b, &w);
    struct document *d = add_document(l, file, &b);
    buf_fini(&b);
    if (!d)
        return false;
    *root = (struct place){0};
    if (e) {
        size_t n = strlen(file); /* the place names it already */
        config_fault(l, root, "%s", strncmp(w.text, file, n) == 0 && w.text[n] == ':' ? w.text + n + 2 : w.text);
        return false;
    }
    return check_document(l, d, root);
}

/* ---- the top of the file ---- */

static void skip_member(struct loader *l, const struct place *at, void *base)
{
    (void)l;
    (void)at;
    (void)base;
}

static void set_peer_users(struct loader *l, const struct place *at, void *base)
{
    struct config *c = base;
    config_strings(l, at, config_peer_named, &c->peer_users, &c->n_peer_users);
}

static bool known_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n <= 64 && name[n] == 0 && name[0] != '.';
}

static bool add_source(struct loader *l, const struct place *at)
{
    if (l->n_sources == l->cap_sources) {
        size_t cap = l->cap_sources ? l->cap_sources * 2 : 16;
        struct config_source *s = reallocarray(l->sources, cap, sizeof *s);
        if (s)
            l->sources = s;
        struct origin *o = reallocarray(l->origins, cap, sizeof *o);
        if (o)
            l->origins = o;
        if (!s || !o) {
            l->out_of_memory = true;
            return false;
        }
        l->cap_sources = cap;
    }
    l->sources[l->n_sources] = (struct config_source){0};
    l->origins[l->n_sources++] = (struct origin){l->doc, at->name, at->value};
    return true;
}

static void set_sources(struct loader *l, const struct place *at, void *base)
{
    struct span name, value;
    (void)base;
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be an object with a member for each source");
        return;
    }
    struct json_iter it = json_iter(at->value);
    while (json_next_member(&it, &name, &value)) {
        struct place source = place_member(at, name, value);
        const char *text = config_copy(l, name);
        if (!known_name(text)) {
            config_fault(l, &source, "a source's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
            continue;
        }
        if (!add_source(l, &source))
            return;
        l->sources[l->n_sources - 1].name = text;
        config_source(l, &source, &l->sources[l->n_sources - 1]);
    }
}

static const struct special top_specials[] = {
    {"include", skip_member}, {"sources", set_sources}, {"peer_users", set_peer_users}, {"$schema", skip_member},
    {"trusted_proxies", config_trusted_proxies},
    {"failed_limit", config_failed_limit}};
static const struct shape top_shape = {
    config_top_rows, CONFIG_TOP_ROWS, top_specials, sizeof top_specials / sizeof top_specials[0], NULL, 0, NULL};
static const struct special included_specials[] = {{"sources", set_sources}, {"$schema", skip_member}};
static const struct shape included_shape = {NULL,
                                            0,
                                            included_specials,
                                            sizeof included_specials / sizeof included_specials[0],
                                            NULL,
                                            0,
                                            "an included file holds \"sources\" only"};

/* ---- includes ---- */

static void include(struct loader *l, const struct place *at, const char *pattern)
{
    struct buf b;
    buf_init(&b, 65536);
    if (*pattern != '/') {
        buf_puts(&b, l->doc->dir);
        buf_putc(&b, '/');
    }
    buf_puts(&b, pattern);
    buf_putc(&b, 0);
    glob_t found = {0};
    int e = b.failed ? GLOB_NOSPACE : glob(b.p, 0, NULL, &found);
    if (e == GLOB_NOMATCH && !strpbrk(pattern, "*?["))
        config_fault(l, at, "%s is not there", pattern);
    else if (e && e != GLOB_NOMATCH)
        config_fault(l, at, "%s: cannot be searched", pattern);
    const struct document *outer = l->doc;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct place root;
        if (config_document(l, found.gl_pathv[i], &root))
            (void)config_object(l, &root, &included_shape, l->c);
        l->doc = outer;
    }
    globfree(&found);
    buf_fini(&b);
}

static void include_all(struct loader *l, const struct place *root)
{
    struct span value = json_member(root->value, "include");
    const char **patterns = NULL;
    size_t n = 0;
    if (!value.p)
        return;
    struct place at = place_member(root, SPAN_LIT("include"), value);
    config_strings(l, &at, config_not_empty, &patterns, &n);
    for (size_t i = 0; i < n; i++)
        include(l, &at, patterns[i]);
}

/* ---- what holds between settings ---- */

static void check_address(struct loader *l, const struct place *root, const char *name, const char *text)
{
    struct config_address a;
    struct why w;
    if (config_address(text, &a, &w) != ERR_OK)
        config_fault_member(l, root, name, "%s", w.text);
}

/* The path of a unix socket's address, or the text itself. */
static const char *socket_path(const char *text)
{
    return strncmp(text, "unix:", 5) == 0 ? text + 5 : text;
}

static void check_sockets(struct loader *l, const struct place *root)
{
    const struct config *c = l->c;
    check_address(l, root, "listen", c->listen);
    if (*c->admin_listen)
        check_address(l, root, "admin_listen", c->admin_listen);
    size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
    if (!*c->control)
        config_fault_member(l, root, "control", "must not be empty");
    else if (strlen(c->control) >= room)
        config_fault_member(l, root, "control", "the socket's path is longer than the %zu bytes the system allows",
                            room - 1);
    if (strcmp(socket_path(c->listen), socket_path(c->admin_listen)) == 0)
        config_fault_member(l, root, "admin_listen", "must not be the same as listen");
    if (*c->control &&
        (strcmp(socket_path(c->listen), c->control) == 0 || strcmp(socket_path(c->admin_listen), c->control) == 0))
        config_fault_member(l, root, "control", "must not be the same as listen or admin_listen");
}

/* "5%" with up to two decimals, or a size. */
static void check_min_free(struct loader *l, const struct place *root)
{
    struct config *c = l->c;
    char *end;
    size_t n = strspn(c->min_free, "0123456789.");
    if (n > 0 && strcmp(c->min_free + n, "%") == 0) {
        double percent = strtod(c->min_free, &end);
        if (*end == '%' && percent <= 99) {
            c->min_free_percent = percent;
            return;
        }
    } else if (size_parse(span_str(c->min_free), &c->min_free_bytes) == ERR_OK) {
        return;
    }
    config_fault_member(l, root, "min_free", "must be a percentage up to \"99%%\" or a size such as \"1GiB\"");
}

static void check_top(struct loader *l, const struct place *root)
{
    struct config *c = l->c;
    if (!*c->functions)
        c->functions = CREEL_LIBDIR "/functions";
    if (!*c->worker)
        c->worker = CREEL_LIBEXECDIR "/creel-worker";
    if (!*c->stock)
        c->stock = CREEL_LIBDIR "/stock";
    if (!*c->spool)
        config_fault_member(l, root, "spool", "must not be empty");
    check_sockets(l, root);
    check_min_free(l, root);
    if (*c->user && strcmp(c->user, c->worker_user) == 0)
        config_fault_member(l, root, "worker_user",
                            "must differ from user: functions would run as the one who holds the keys");
    if (l->look != LOOK_SNAPSHOT)
        config_named(l, root);
}

/* ---- putting it together ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct config_source *)a)->name, ((const struct config_source *)b)->name);
}

static int by_route(const void *a, const void *b)
{
    return strcmp((*(const struct config_source *const *)a)->route, (*(const struct config_source *const *)b)->route);
}

/* Move the sources into the configuration's memory, sorted. */
static void settle_sources(struct loader *l)
{
    struct config *c = l->c;
    size_t n = l->n_sources;
    c->sources = config_alloc(c, (n + !n) * sizeof *c->sources);
    c->by_route = config_alloc(c, (n + !n) * sizeof(struct config_source *));
    if (!c->sources || !c->by_route) {
        l->out_of_memory = true;
        return;
    }
    if (n)
        memcpy(c->sources, l->sources, n * sizeof *c->sources);
    c->n_sources = n;
    qsort(c->sources, n, sizeof *c->sources, by_name);
    for (size_t i = 0; i < n; i++)
        c->by_route[i] = &c->sources[i];
    qsort((void *)c->by_route, n, sizeof(struct config_source *), by_route);
}

/* False when there is no object to read. */
static bool read_top(struct loader *l, const struct place *root)
{
    config_defaults(l, &top_shape, l->c);
    config_failed_limit_default(l, l->c);
    if (l->look == LOOK_EVERYWHERE)
        config_owner_find(l, json_plain_string(json_member(root->value, "user")));
    if (!config_object(l, root, &top_shape, l->c))
        return false;
    check_top(l, root);
    if (l->look != LOOK_SNAPSHOT)
        include_all(l, root);
    config_sources_check(l);
    if (l->look != LOOK_SNAPSHOT)
        config_recipes_load(l);
    if (l->look == LOOK_EVERYWHERE)
        config_schemas_load(l, root);
    settle_sources(l);
    return true;
}

static bool loader_init(struct loader *l, enum config_look look, config_report report, void *arg)
{
    *l = (struct loader){.look = look, .report = report, .arg = arg, .owner = (uid_t)-1, .c = calloc(1, sizeof *l->c)};
    return l->c != NULL;
}

/* Hands the configuration over, or frees it and says why. */
static enum err loader_fini(struct loader *l, enum err e, struct config **out)
{
    for (struct document *d = l->docs; d; d = d->next)
        free(d->text);
    free(l->sources);
    free(l->origins);
    if (e)
        config_free(l->c);
    else
        *out = l->c;
    return e;
}

/* faults NULL: any is ERR_INVALID. */
static enum err load(const char *file, enum config_look look, config_report report, void *arg, struct config **out,
                     unsigned *faults)
{
    struct loader l;
    struct place root;
    if (!loader_init(&l, look, report, arg))
        return ERR_NO_MEMORY;
    l.c->file = config_copy(&l, span_str(file));
    bool whole = config_document(&l, file, &root) && read_top(&l, &root);
    if (l.out_of_memory)
        report(arg, "out of memory while reading the configuration");
    unsigned n = l.faults;
    bool good = n == 0 || (faults && whole);
    enum err e = loader_fini(&l, l.out_of_memory ? ERR_NO_MEMORY : good ? ERR_OK : ERR_INVALID, out);
    if (!e && faults)
        *faults = n;
    return e;
}

enum err config_load(const char *file, config_report report, void *arg, struct config **out)
{
    return load(file, LOOK_EVERYWHERE, report, arg, out, NULL);
}

enum err config_look(const char *file, config_report report, void *arg, struct config **out, unsigned *faults)
{
    return load(file, LOOK_EVERYWHERE, report, arg, out, faults);
}

enum err config_read(const char *file, config_report report, void *arg, struct config **out)
{
    return load(file, LOOK_SETTINGS, report, arg, out, NULL);
}

/* ---- snapshots ---- */

static void to_why(void *arg, const char *text)
{
    struct why *w = arg;
    if (w && !w->text[0])
        why_set(w, ERR_INVALID, "%s", text);
}

/* "recipes", "schemas": [{"name", "file", "text"}] */
static void read_texts(struct loader *l, const struct place *root, const char *what, struct config_text **out, size_t *n_out)
{
    struct span list = json_member(root->value, what), value;
    size_t n = 0;
    for (struct json_iter it = json_iter(list); json_next_element(&it, &value);)
        n++;
    *out = config_alloc(l->c, (n + !n) * sizeof **out);
    if (!*out) {
        l->out_of_memory = true;
        return;
    }
    for (struct json_iter it = json_iter(list); json_next_element(&it, &value);) {
        struct place at[3];
        static const char *const members[3] = {"name", "file", "text"};
        const char *texts[3];
        for (size_t i = 0; i < 3; i++) {
            at[i] = place_member(root, span_str(members[i]), json_member(value, members[i]));
            texts[i] = config_string(l, &at[i]);
        }
        (*out)[(*n_out)++] = (struct config_text){texts[0], texts[1], texts[2]};
    }
}

enum err config_from_snapshot(int fd, struct config **out, struct why *w)
{
    struct loader l;
    struct place root;
    struct buf b;
    if (w)
        w->text[0] = 0;
    if (!loader_init(&l, LOOK_SNAPSHOT, to_why, w))
        return why_set(w, ERR_NO_MEMORY, "out of memory while reading the configuration");
    buf_init(&b, SNAPSHOT_BYTES_MAX);
    enum err e = fs_read_fd(fd, &b, w);
    struct document *d = e ? NULL : add_document(&l, "snapshot", &b);
    buf_fini(&b);
    if (d && check_document(&l, d, &root)) {
        struct place config = place_member(&root, SPAN_LIT("config"), json_member(root.value, "config"));
        struct place file = place_member(&root, SPAN_LIT("file"), json_member(root.value, "file"));
        l.c->file = config_string(&l, &file);
        read_texts(&l, &root, "recipes", &l.c->recipes_loaded, &l.c->n_recipes_loaded);
        read_texts(&l, &root, "schemas", &l.c->schemas_loaded, &l.c->n_schemas_loaded);
        (void)read_top(&l, &config);
    }
    if (!e && l.out_of_memory)
        e = why_set(w, ERR_NO_MEMORY, "out of memory while reading the configuration");
    return loader_fini(&l, e ? e : l.faults ? ERR_INVALID : ERR_OK, out);
}
