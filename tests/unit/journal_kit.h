/* SPDX-License-Identifier: MIT
 * journal_kit: what the suites of the journal's ordinary life share: one pen on a healthy disk, made anew for each test. For inclusion
 * by one suite each.
 */
#ifndef CREEL_TESTS_JOURNAL_KIT_H
#define CREEL_TESTS_JOURNAL_KIT_H

#include "disk.h"
#include "pen.h"

static struct pen pen; /* of the running test */

static void setup(void)
{
    disk_reset();
    pen_init(&pen);
}

static void teardown(void)
{
    disk_reset();
    pen_fini(&pen);
}

#endif
