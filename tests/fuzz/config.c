/* SPDX-License-Identifier: MIT
 * fuzz config: any bytes as a configuration file and as a snapshot. What loads must come back through a snapshot.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/config.h"
#include "base/fs.h"
#include "fuzz.h"

const char fuzz_name[] = "config";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/config", NULL},
    {"deploy/creel.json.example", NULL},
    {NULL, NULL},
};

static void ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct config *c = NULL, *back = NULL;
    struct why w;
    char path[64];
    int fd, snapshot;
    if (fs_sealed("fuzz", span_of((const char *)p, n), &fd, &w) != ERR_OK)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (config_read(path, ignore, NULL, &c) == ERR_OK) {
        bug_if(config_snapshot(c, &snapshot, &w) != ERR_OK || config_from_snapshot(snapshot, &back, &w) != ERR_OK);
        close(snapshot);
    } else {
        (void)config_from_snapshot(fd, &back, &w);
    }
    config_free(c);
    config_free(back);
    close(fd);
    return 0;
}
