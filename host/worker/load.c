/* SPDX-License-Identifier: MIT
 * load: dlopen of the sealed copy, the checks of its manifest, READY. Runs confined: the function's constructors run here, and
 * a manifest that points anywhere costs this process, not its owner.
 */
#include "worker/worker.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include "spool/line.h"
#include "worker/wire.h"

enum { WORDS_MAX = LINE_FUNCTIONS_MAX, TEXT_MAX = 128 };

/* dlerror without the path of the copy, which says nothing to anybody. */
static const char *loader_text(void)
{
    const char *text = dlerror();
    if (!text)
        return "unknown reason";
    if (strncmp(text, "/proc/self/fd/", 14) == 0) {
        const char *rest = strstr(text, ": ");
        return rest ? rest + 2 : text;
    }
    return text;
}

static const struct creel_manifest *find_manifest(struct worker *w)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", w->so_fd);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    fflush(NULL); /* what a constructor has printed would be printed again by every fork */
    if (!so)
        worker_broken(w, "%s.so cannot be loaded: %s", w->name, loader_text());
    const struct creel_manifest *m = dlsym(so, "creel_manifest");
    if (!m)
        worker_broken(w, "%s.so is not a function: it exports no creel_manifest (CREEL_FUNCTION of creel.h makes it)", w->name);
    Dl_info info;
    void *entry = NULL;
    if (dladdr1(m, &info, &entry, RTLD_DL_SYMENT) == 0 || !entry)
        worker_broken(w, "%s.so is not a function: its creel_manifest cannot be measured", w->name);
    const ElfW(Sym) *symbol = entry;
    if (symbol->st_size < offsetof(struct creel_manifest, name) || m->size > symbol->st_size)
        worker_broken(w, "%s.so is not a function: its creel_manifest has %lu bytes", w->name,
                      (unsigned long)symbol->st_size);
    return m;
}

/* Copies the manifest, so that what an older creel.h did not know reads as 0. */
static void check_manifest(struct worker *w, const struct creel_manifest *m)
{
    if (m->abi != CREEL_ABI)
        worker_broken(w, "%s.so was built for ABI %u of creel.h, this host has %d: build it again with this host's creel.h",
                      w->name, m->abi, CREEL_ABI);
    if (m->size > sizeof *m || m->api_size > sizeof(struct creel_api))
        worker_broken(w, "%s.so was built with a newer creel.h than this host has: build it again with this host's creel.h",
                      w->name);
    if (m->size < offsetof(struct creel_manifest, name) || !m->run)
        worker_broken(w, "%s.so names no function to run in its manifest", w->name);
    memset(&w->manifest, 0, sizeof w->manifest);
    memcpy(&w->manifest, m, m->size);
    if (w->manifest.mode > CREEL_FORK)
        worker_broken(w, "%s.so: its manifest's mode %d is unknown", w->name, (int)w->manifest.mode);
    if (w->max_uses < 0)
        w->max_uses = w->manifest.max_uses ? w->manifest.max_uses : w->manifest.mode == CREEL_FORK;
}

static void put_text(struct worker *w, struct buf *b, const char *member, const char *text)
{
    buf_printf(b, ",\"%s\":", member);
    if (text && strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
        worker_broken(w, "%s.so: its manifest's %s is longer than %d bytes", w->name, member, TEXT_MAX);
    buf_put_json_text_or_null(b, span_str(text));
}

static bool word_ok(struct span word, bool pattern)
{
    if (word.n > TYPE_BYTES)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && !strchr("._:/-", c) && !(pattern && c == '*'))
            return false;
    }
    return true;
}

/* "a b c" as ["a","b","c"]. */
static void put_words(struct worker *w, struct buf *b, const char *member, const char *text, bool pattern)
{
    buf_printf(b, ",\"%s\":[", member);
    size_t n = 0;
    for (const char *p = text ? text : ""; *(p += strspn(p, " ")); p += strcspn(p, " ")) {
        struct span word = span_of(p, strcspn(p, " "));
        if (n == WORDS_MAX || !word_ok(word, pattern))
            worker_broken(w, "%s.so: its manifest's %s are wrong at \"%.40s\": up to %d, separated by spaces, each of %d bytes "
                             "[A-Za-z0-9._:/-] at most", w->name, member, p, WORDS_MAX, TYPE_BYTES);
        if (n++)
            buf_putc(b, ',');
        buf_put_json_string(b, word);
    }
    buf_putc(b, ']');
}

void load_function(struct worker *w)
{
    check_manifest(w, find_manifest(w));
    static const char *const modes[] = {"null", "\"pool\"", "\"fork\""};
    const struct creel_manifest *m = &w->manifest;
    struct buf b;
    buf_init(&b, WIRE_BACK_BYTES - sizeof(struct wire_head));
    buf_printf(&b, "{\"abi\":%u", m->abi);
    put_text(w, &b, "name", m->name);
    put_text(w, &b, "version", m->version);
    put_words(w, &b, "types", m->types, true);
    put_words(w, &b, "sources", m->sources, false);
    buf_printf(&b, ",\"mode\":%s,\"timeout_ms\":%u,\"max_uses\":%u,\"concurrency\":%u}", modes[m->mode], m->timeout_ms,
               m->max_uses, m->concurrency);
    if (b.failed)
        worker_broken(w, "%s.so: its manifest is larger than %d bytes", w->name, WIRE_BACK_BYTES);
    if (!w->turn->ready && wire_send(w->sock, WIRE_READY, NULL, 0, buf_span(&b), -1) != ERR_OK)
        _exit(EXIT_SYSTEM);
    w->turn->ready = 1;
    buf_fini(&b);
    close(w->so_fd);
}
