/* SPDX-License-Identifier: MIT
 * nothing: a test function that is done at once.
 */
#include <creel.h>

static int nothing(struct creel_invocation *in)
{
    (void)in;
    return CREEL_DONE;
}

CREEL_FUNCTION(nothing);
