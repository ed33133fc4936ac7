/* SPDX-License-Identifier: MIT
 * plant: tries to change what the host lives by, in the folder DIR of one host, and to read its key: done if it cannot.
 */
#include <creel.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int may_open(const char *path, int flags)
{
    int fd = open(path, flags, 0666);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int plant(struct creel_invocation *in)
{
    static const char *const never_written[] = {DIR "/functions/planted.so", DIR "/functions/good.so", DIR "/etc/creel.json",
                                                DIR "/etc/planted", DIR "/etc/key-shop", DIR "/spool/planted"};
    static const char *const never_moved[] = {DIR "/functions/good.so", DIR "/functions", DIR "/etc/creel.json", DIR "/etc",
                                              DIR "/spool", DIR};
    for (size_t i = 0; i < sizeof never_written / sizeof never_written[0]; i++)
        if (may_open(never_written[i], O_WRONLY | O_CREAT))
            return creel_reject(in, "%s can be written", never_written[i]);
    for (size_t i = 0; i < sizeof never_moved / sizeof never_moved[0]; i++)
        if (rename(never_moved[i], i + 1 < sizeof never_moved / sizeof never_moved[0] ? DIR "/out/moved" : DIR "-moved") == 0)
            return creel_reject(in, "%s can be moved", never_moved[i]);
    if (mkdir(DIR "/functions/planted", 0777) == 0 || symlink(DIR "/out/good.so", DIR "/functions/planted.so") == 0)
        return creel_reject(in, "the functions folder can be written to");
    if (may_open(DIR "/etc/key-shop", O_RDONLY))
        return creel_reject(in, "the key can be read");
    return may_open(DIR "/out/plant", O_WRONLY | O_CREAT) ? CREEL_DONE : creel_reject(in, "it cannot write where it may");
}
CREEL_FUNCTION(plant, .types = TYPES);
