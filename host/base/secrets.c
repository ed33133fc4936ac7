/* SPDX-License-Identifier: MIT
 * secrets: from key files and environment variables into a sealed memfd, and from there into locked memory. Every byte
 * of a secret that passes through here is in sodium_malloc memory or wiped. creeld gathers, intake reads.
 */
#include "base/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static const char magic[8] = "creelk1";

/* What the memfd begins with. */
struct preamble {
    char magic[sizeof magic];
    uint64_t bytes; /* of all of it, so that a part is never taken for the whole */
};
/* One record of it: this head, then source, key id, variable's name and value behind one another. */
struct head {
    uint32_t source_bytes, id_bytes, env_bytes, value_bytes;
};
enum { BLOB_BYTES_MAX = 256 << 20 };

struct entry {
    struct span source, id, env;
    struct secret value;
};
struct secrets {
    char *blob; /* sodium_malloc, read-only; everything points into it */
    struct entry *entries;
    size_t n;
};

/* A user as people know it: "name (uid)". */
static const char *user_text(uid_t uid, char *text, size_t n)
{
    const struct passwd *p = getpwuid(uid);
    snprintf(text, n, p ? "%.64s (%u)" : "%.0s%u", p ? p->pw_name : "", (unsigned)uid);
    return text;
}

static enum err cannot_open(const char *path, struct why *w)
{
    char me[96];
    if (errno == ELOOP)
        return why_set(w, ERR_DENIED, "%s is a symbolic link; name the file itself", path);
    if (errno == EACCES)
        return why_set(w, ERR_DENIED,
                       "%s: user %s may not open it: start creeld as root or as its owner, or chown it to that user",
                       path, user_text(geteuid(), me, sizeof me));
    enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    why_errno(w, "%s: cannot open", path);
    return e;
}

/* Whoever owns a key file can read and replace the key, whatever its mode is. */
static enum err check_owner(const char *path, uid_t uid, uid_t owner, struct why *w)
{
    char its[96], me[96];
    if (uid == 0 || uid == geteuid() || (owner != (uid_t)-1 && uid == owner))
        return ERR_OK;
    user_text(uid, its, sizeof its);
    user_text(geteuid(), me, sizeof me);
    if (geteuid() == 0)
        return why_set(w, ERR_DENIED,
                       "%s belongs to user %s, who could change it: chown root it, or start creeld as that user", path,
                       its);
    return why_set(w, ERR_DENIED,
                   "%s belongs to user %s, who could change it: chown it to root or to %s, who starts creeld", path,
                   its, me);
}

enum err secrets_open(const char *path, bool is_public, uid_t owner, int *fd, struct why *w)
{
    struct stat st;
    int made = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (made < 0)
        return cannot_open(path, w);
    enum err e = ERR_OK;
    if (fstat(made, &st) != 0)
        e = why_errno(w, "%s", path);
    else if (!S_ISREG(st.st_mode))
        e = why_set(w, ERR_INVALID, "%s is not a regular file", path);
    else if (check_owner(path, st.st_uid, owner, w) != ERR_OK)
        e = ERR_DENIED;
    else if (!is_public && (st.st_mode & 0137) != 0)
        e = why_set(w, ERR_DENIED, "%s has mode %04o, too open for a secret: chmod 0640 or tighter", path,
                    st.st_mode & 07777);
    else if (is_public && (st.st_mode & 022) != 0)
        e = why_set(w, ERR_DENIED, "%s has mode %04o, others could replace the key: chmod go-w", path,
                    st.st_mode & 07777);
    else if (st.st_size == 0)
        e = why_set(w, ERR_INVALID, "%s is empty", path);
    else if (st.st_size > SECRET_BYTES_MAX)
        e = why_set(w, ERR_INVALID, "%s has more than %d bytes; that is no key", path, SECRET_BYTES_MAX);
    if (e)
        close(made);
    else
        *fd = made;
    return e;
}

/* ---- gathering ---- */

struct blob {
    char *p; /* sodium_malloc */
    size_t n, cap;
};

static bool blob_put(struct blob *b, const void *p, size_t n)
{
    if (n > b->cap - b->n) {
        size_t cap = b->cap ? b->cap : 16384;
        while (cap < b->n + n)
            cap *= 2;
        char *bigger = cap <= BLOB_BYTES_MAX ? sodium_malloc(cap) : NULL;
        if (!bigger)
            return false;
        if (b->n)
            memcpy(bigger, b->p, b->n);
        sodium_free(b->p); /* wipes */
        b->p = bigger;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

static bool put_record(struct blob *b, struct span source, struct span id, struct span env, struct secret value)
{
    struct head h = {(uint32_t)source.n, (uint32_t)id.n, (uint32_t)env.n, (uint32_t)value.n_secret};
    return blob_put(b, &h, sizeof h) && blob_put(b, source.p, source.n) && blob_put(b, id.p, id.n) &&
           blob_put(b, env.p, env.n) && blob_put(b, value.secret, value.n_secret);
}

/* One final newline is the editor's, not the key's. */
static size_t without_newline(const char *p, size_t n)
{
    if (n && p[n - 1] == '\n')
        n -= n > 1 && p[n - 2] == '\r' ? 2 : 1;
    return n;
}

/* The file into room (SECRET_BYTES_MAX + 1 bytes). */
static enum err read_file(const char *path, bool is_public, uid_t owner, char *room, struct secret *out, struct why *w)
{
    int fd;
    enum err e = secrets_open(path, is_public, owner, &fd, w);
    if (e)
        return e;
    size_t n = 0;
    ssize_t got;
    do {
        got = pread(fd, room + n, SECRET_BYTES_MAX + 1 - n, (off_t)n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n <= SECRET_BYTES_MAX) || (got < 0 && errno == EINTR));
    if (got < 0)
        e = why_errno(w, "%s: cannot read", path);
    close(fd);
    if (e)
        return e;
    if (n > SECRET_BYTES_MAX)
        return why_set(w, ERR_INVALID, "%s has more than %d bytes; that is no key", path, SECRET_BYTES_MAX);
    n = without_newline(room, n);
    if (n == 0)
        return why_set(w, ERR_INVALID, "%s is empty", path);
    *out = (struct secret){room, n};
    return ERR_OK;
}

static struct secret find_env(const struct secrets *s, const char *env);

static enum err read_env(const char *name, const struct secrets *earlier, struct secret *out, struct why *w)
{
    const char *value = getenv(name);
    struct secret s = value ? (struct secret){value, strlen(value)} : find_env(earlier, name);
    if (!s.secret)
        return why_set(w, ERR_NOT_FOUND, "the environment variable %s is not set", name);
    if (s.n_secret == 0 || s.n_secret > SECRET_BYTES_MAX)
        return why_set(w, ERR_INVALID, "the environment variable %s is empty or has more than %d bytes", name,
                       SECRET_BYTES_MAX);
    *out = s;
    return ERR_OK;
}

uid_t secrets_owner(const char *user)
{
    const struct passwd *p = geteuid() == 0 && user && *user ? getpwnam(user) : NULL;
    return p ? p->pw_uid : (uid_t)-1;
}

enum err secrets_one(const struct config_key *k, uid_t owner, const struct secrets *earlier, char *room,
                     struct secret *out, struct why *w)
{
    bool is_public = k->public_key_file != NULL;
    return k->secret_env ? read_env(k->secret_env, earlier, out, w)
                         : read_file(is_public ? k->public_key_file : k->secret_file, is_public, owner, room, out, w);
}

static enum err gather_key(struct blob *b, const char *source, const struct config_key *k, uid_t owner,
                           const struct secrets *earlier, char *room, struct why *w)
{
    struct secret value = {NULL, 0};
    struct why inner = {{0}};
    enum err e = secrets_one(k, owner, earlier, room, &value, &inner);
    if (e)
        return why_set(w, e, "source %s, key %s: %.400s", source, k->record, inner.text);
    if (!put_record(b, span_str(source), span_str(k->record), span_str(k->secret_env), value))
        return why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    return ERR_OK;
}

static bool names_variable(const struct config *c, struct span env)
{
    const struct config_key *k;
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t j = 0; (k = config_source_key(&c->sources[i], j)); j++)
            if (k->secret_env && span_eq_str(env, k->secret_env))
                return true;
    return false;
}

/* Variables that c does not name but that were taken out of the environment before: a later configuration may name them
 * again. They belong to no source and no key. */
static bool keep_variables(struct blob *b, const struct config *c, const struct secrets *earlier)
{
    for (size_t i = 0; earlier && i < earlier->n; i++) {
        const struct entry *e = &earlier->entries[i];
        if (e->env.n && !names_variable(c, e->env) && !put_record(b, SPAN_LIT(""), SPAN_LIT(""), e->env, e->value))
            return false;
    }
    return true;
}

/* Take the variables out of the environment, and their values out of the memory that /proc/PID/environ shows. */
static void forget_variables(const struct config *c)
{
    const struct config_key *k;
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t j = 0; (k = config_source_key(&c->sources[i], j)); j++) {
            const char *name = k->secret_env;
            char *value = name ? getenv(name) : NULL;
            if (!value)
                continue;
            sodium_memzero(value, strlen(value));
            unsetenv(name);
        }
}

enum err secrets_gather(const struct config *c, int previous, int *fd, struct why *w)
{
    struct secrets *earlier = NULL;
    struct blob b = {0};
    enum err e = ERR_OK;
    if (sodium_init() < 0)
        return why_set(w, ERR_SYSTEM, "libsodium cannot be initialised");
    char *room = sodium_malloc(SECRET_BYTES_MAX + 1);
    const uid_t owner = secrets_owner(c->user);
    struct preamble start = {{0}, 0};
    memcpy(start.magic, magic, sizeof magic);
    if (!room || !blob_put(&b, &start, sizeof start))
        e = why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    if (!e && previous >= 0)
        e = secrets_read(previous, &earlier, w);
    const struct config_key *k;
    for (size_t i = 0; !e && i < c->n_sources; i++)
        for (size_t j = 0; !e && (k = config_source_key(&c->sources[i], j)); j++)
            e = gather_key(&b, c->sources[i].name, k, owner, earlier, room, w);
    if (!e && !keep_variables(&b, c, earlier))
        e = why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    start.bytes = b.n;
    if (!e)
        memcpy(b.p, &start, sizeof start);
    if (!e)
        e = fs_sealed("creel-secrets", span_of(b.p, b.n), fd, w);
    if (!e)
        forget_variables(c);
    secrets_free(earlier);
    sodium_free(b.p);
    sodium_free(room);
    return e;
}

/* ---- reading ---- */

void secrets_free(struct secrets *s)
{
    if (!s)
        return;
    sodium_free(s->blob);
    free(s->entries);
    free(s);
}

static bool take(struct span *rest, size_t n, struct span *out)
{
    if (n > rest->n)
        return false;
    *out = span_of(rest->p, n);
    *rest = span_skip(*rest, n);
    return true;
}

static bool take_entry(struct span *rest, struct entry *e)
{
    struct head h;
    struct span head, value;
    if (!take(rest, sizeof h, &head))
        return false;
    memcpy(&h, head.p, sizeof h);
    if (!take(rest, h.source_bytes, &e->source) || !take(rest, h.id_bytes, &e->id) ||
        !take(rest, h.env_bytes, &e->env) || !take(rest, h.value_bytes, &value))
        return false;
    e->value = (struct secret){value.p, value.n};
    return true;
}

static bool index_blob(struct secrets *s, size_t blob_bytes)
{
    struct span rest = span_of(s->blob, blob_bytes), head;
    size_t cap = 0;
    struct preamble start;
    if (!take(&rest, sizeof start, &head))
        return false;
    memcpy(&start, head.p, sizeof start);
    if (memcmp(start.magic, magic, sizeof magic) != 0 || start.bytes != blob_bytes)
        return false;
    while (rest.n) {
        if (s->n == cap) {
            cap = cap ? cap * 2 : 16;
            struct entry *bigger = reallocarray(s->entries, cap, sizeof *bigger);
            if (!bigger)
                return false;
            s->entries = bigger;
        }
        if (!take_entry(&rest, &s->entries[s->n++]))
            return false;
    }
    return true;
}

static bool read_blob(int fd, char *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = pread(fd, p + at, n - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

enum err secrets_read(int fd, struct secrets **out, struct why *w)
{
    struct stat st;
    if (sodium_init() < 0)
        return why_set(w, ERR_SYSTEM, "libsodium cannot be initialised");
    if (fstat(fd, &st) != 0)
        return why_errno(w, "cannot read the keys");
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct preamble) || st.st_size > BLOB_BYTES_MAX)
        return why_set(w, ERR_CORRUPT, "the descriptor for the keys holds none");
    size_t n = (size_t)st.st_size;
    struct secrets *s = calloc(1, sizeof *s);
    if (!s || !(s->blob = sodium_malloc(n))) {
        free(s);
        return why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    }
    if (!read_blob(fd, s->blob, n) || !index_blob(s, n)) {
        secrets_free(s);
        return why_set(w, ERR_CORRUPT, "the keys cannot be read");
    }
    (void)sodium_mprotect_readonly(s->blob);
    *out = s;
    return ERR_OK;
}

static struct secret find_env(const struct secrets *s, const char *env)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (s->entries[i].env.n && span_eq_str(s->entries[i].env, env))
            return s->entries[i].value;
    return (struct secret){NULL, 0};
}

struct secret secrets_find(const struct secrets *s, const char *source, const char *record)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (span_eq_str(s->entries[i].source, source) && span_eq_str(s->entries[i].id, record))
            return s->entries[i].value;
    return (struct secret){NULL, 0};
}
