/* SPDX-License-Identifier: MIT
 * subject: opens FILE.so and FILE.json. Loads nothing.
 */
#include "ctl/subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "dispatch/settings.h"

enum { SO_BYTES = 256 << 20, PATH_BYTES = 4096 };

static enum err read_so(struct subject *s, const char *file, struct why *w)
{
    struct buf so;
    buf_init(&so, SO_BYTES);
    enum err e = fs_read(AT_FDCWD, file, &so, w);
    if (!e && so.n == 0)
        e = why_set(w, ERR_INVALID, "%s is empty", file);
    if (!e)
        e = fs_sealed(s->name, buf_span(&so), &s->so_fd, w);
    buf_fini(&so);
    return e;
}

enum err subject_open(struct subject *s, const char *file, struct why *w)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    char sidecar[PATH_BYTES];
    size_t n = strlen(base);
    *s = (struct subject){.so_fd = -1};
    buf_init(&s->text, SETTINGS_TEXT_BYTES);
    if (n < 4 || strcmp(base + n - 3, ".so") != 0 || n - 3 > FUNCTION_NAME_BYTES)
        return why_set(w, ERR_INVALID, "%s: a function's file is named NAME.so", file);
    snprintf(s->name, sizeof s->name, "%.*s", (int)(n - 3), base);
    int path_bytes = snprintf(sidecar, sizeof sidecar, "%.*s.json", (int)strlen(file) - 3, file);
    if (path_bytes < 0 || (size_t)path_bytes >= sizeof sidecar)
        return why_set(w, ERR_INVALID, "%s: the name is too long", file);
    enum err e = read_so(s, file, w);
    if (e)
        return e;
    e = fs_read(AT_FDCWD, sidecar, &s->text, w);
    if (!e)
        s->sidecar = s->text.n ? buf_span(&s->text) : SPAN_LIT("");
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void subject_close(struct subject *s)
{
    buf_fini(&s->text);
    if (s->so_fd >= 0)
        close(s->so_fd);
}
