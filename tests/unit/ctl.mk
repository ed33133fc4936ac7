# SPDX-License-Identifier: MIT
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_ctl
TESTS += tests/unit/check_ctl
tests_unit_check_ctl_SOURCES = tests/unit/check_ctl.c tests/unit/installed_kit.h tests/unit/recipe_kit.h tests/unit/suite.h host/ctl/sample.c host/ctl/sample.h
tests_unit_check_ctl_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_ctl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_ctl_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
endif
