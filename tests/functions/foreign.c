/* SPDX-License-Identifier: MIT
 * foreign: shared objects that are no function of this host. Built several times: OTHER_ABI, NEWER, SMALL, none.
 */
#if defined(SMALL)
extern __attribute__((visibility("default"))) const int creel_manifest;
const int creel_manifest = 1;
#elif defined(OTHER_ABI) || defined(NEWER)
#include <creel.h>

static int unused(struct creel_invocation *in)
{
    (void)in;
    return CREEL_DONE;
}
#ifdef OTHER_ABI
const struct creel_manifest creel_manifest = {.abi = 99, .size = sizeof(struct creel_manifest), .run = unused};
#else
const struct creel_manifest creel_manifest = {.abi = CREEL_ABI,
                                              .size = sizeof(struct creel_manifest),
                                              .api_size = sizeof(struct creel_api) + 8,
                                              .run = unused};
#endif
#else
int something_else(void);
int something_else(void)
{
    return 0;
}
#endif
