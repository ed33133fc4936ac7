# SPDX-License-Identifier: MIT
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_supervisor tests/unit/fake_role
TESTS += tests/unit/check_supervisor
tests_unit_fake_role_SOURCES = tests/unit/fake_role.c
tests_unit_fake_role_LDADD = $(LIB_BASE)
tests_unit_check_supervisor_SOURCES = tests/unit/check_supervisor.c tests/unit/suite.h
tests_unit_check_supervisor_CPPFLAGS = $(AM_CPPFLAGS) -DFAKE_ROLE='"$(abs_builddir)/tests/unit/fake_role"'
tests_unit_check_supervisor_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_supervisor_LDADD = $(LIB_SUPERVISOR) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_watch
TESTS += tests/unit/check_watch
tests_unit_check_watch_SOURCES = tests/unit/check_watch.c tests/unit/suite.h
tests_unit_check_watch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_watch_LDADD = $(LIB_SUPERVISOR) $(CHECK_LIBS)
endif
