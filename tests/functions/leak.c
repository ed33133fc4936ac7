/* SPDX-License-Identifier: MIT
 * leak: a test function that takes all the memory it gets and gives none back.
 */
#include <creel.h>
#include <stdlib.h>
#include <string.h>

static int leak(struct creel_invocation *in)
{
    size_t mib = 0;
    for (char *p; mib < 16384 && (p = malloc(1 << 20)); mib++)
        memset(p, 1, 1 << 20);
    return creel_retry(in, "no memory after %zu MiB", mib);
}

CREEL_FUNCTION(leak);
