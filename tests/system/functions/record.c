/* SPDX-License-Identifier: MIT
 * record: takes DELAY_MS if that is defined, then appends "ID ATTEMPT TYPE" to the file OUT, in one write, so that a test sees
 * every run that happened.
 */
#include <creel.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#ifndef DELAY_MS
#define DELAY_MS 0
#endif

static int record(struct creel_invocation *in)
{
    char line[256];
    nanosleep(&(struct timespec){DELAY_MS / 1000, DELAY_MS % 1000 * 1000000}, NULL);
    int n = snprintf(line, sizeof line, "%s %u %s\n", creel_event_id(in), creel_attempt(in), creel_type(in));
    int fd = open(OUT, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        return creel_retry_after(in, 1, "cannot write %s", OUT);
    close(fd);
    return CREEL_DONE;
}
CREEL_FUNCTION(record, .types = TYPES);
