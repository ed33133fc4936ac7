/* SPDX-License-Identifier: MIT
 * slow: a test function that sleeps for the milliseconds in its configuration's /ms (an hour) and is done.
 */
#define _POSIX_C_SOURCE 200809L
#include <creel.h>
#include <stdlib.h>
#include <time.h>

static int slow(struct creel_invocation *in)
{
    const char *text = creel_config_text(in, "/ms");
    long ms = text ? atol(text) : 3600000;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
    return CREEL_DONE;
}

CREEL_FUNCTION(slow);
