# SPDX-License-Identifier: MIT
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_schedule
TESTS += tests/unit/check_schedule
tests_unit_check_schedule_SOURCES = tests/unit/check_schedule.c tests/unit/suite.h
tests_unit_check_schedule_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schedule_LDADD = host/dispatch/libdispatch.a $(LIB_BASE) $(CHECK_LIBS)
endif
