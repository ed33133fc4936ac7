/* SPDX-License-Identifier: MIT
 * crash: a test function that ends by the signal in its configuration's /signal (11), or by exit with /status.
 */
#include <creel.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int crash(struct creel_invocation *in)
{
    const char *number = creel_config_text(in, "/signal"), *status = creel_config_text(in, "/status");
    if (status)
        _exit(atoi(status));
    signal(number ? atoi(number) : SIGSEGV, SIG_DFL);
    raise(number ? atoi(number) : SIGSEGV);
    return creel_reject(in, "still alive");
}

CREEL_FUNCTION(crash);
