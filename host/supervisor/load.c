/* SPDX-License-Identifier: MIT
 * load: from a file's name to sealed memory files. Keeps nothing.
 */
#include "supervisor/load.h"

#include <stdio.h>
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

static enum err gather(const char *file, int previous, config_report report, struct loaded *out)
{
    struct loaded s = {NULL, -1, -1};
    struct why w = {{0}};
    enum err e = config_load(file, report, NULL, &s.config);
    if (e)
        return e;
    e = secrets_gather(s.config, previous, &s.secrets, &w);
    if (!e)
        e = config_snapshot(s.config, &s.snapshot, &w);
    if (e) {
        report(NULL, w.text);
        loaded_free(&s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

enum err load_settings(void *file, const struct loaded *now, struct loaded *out)
{
    return gather(file, now->secrets, report_to_log, out);
}

int load_check(const char *file)
{
    struct loaded s;
    if (gather(file, -1, report_to_stderr, &s) != ERR_OK)
        return EXIT_USAGE;
    loaded_free(&s);
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
