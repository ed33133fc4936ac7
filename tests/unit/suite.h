/* SPDX-License-Identifier: MIT
 * suite: what every Check program does alike: run one suite, print Check's closing line, exit by its verdict.
 */
#ifndef CREEL_TESTS_SUITE_H
#define CREEL_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "base/span.h"

static inline int suite_run(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* How often to repeat: ROUNDS from the environment, or `few`. */
static inline int suite_rounds(int few)
{
    const char *text = getenv("ROUNDS");
    int n = text ? atoi(text) : 0;
    return n > 0 ? n : few;
}

#define ck_assert_span_eq(span_, text_) ck_assert_msg(span_eq_str((span_), (text_)), "'%.*s' is not '%s'", (int)(span_).n, (span_).p ? (span_).p : "(none)", (text_))

#endif
