/* SPDX-License-Identifier: MIT
 * forkbomb: a test function whose every process forks for as long as it lives.
 */
#define _DEFAULT_SOURCE
#include <creel.h>
#include <unistd.h>

static int bomb(struct creel_invocation *in)
{
    while (fork() >= 0 || usleep(1000) <= 0)
        ;
    return creel_reject(in, "stopped");
}

CREEL_FUNCTION(bomb);
