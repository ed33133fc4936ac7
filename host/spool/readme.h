/* SPDX-License-Identifier: MIT
 * readme: the page that explains a spool to whoever looks into it: README.spool, put there as README. Any thread; only
 * one process may write a spool.
 */
#ifndef CREEL_SPOOL_README_H
#define CREEL_SPOOL_README_H

#include "base/err.h"

extern const char readme_text[];
/* Write README into the spool unless it is there as it should be. */
enum err readme_write(int spool_fd, struct why *w);

#endif
