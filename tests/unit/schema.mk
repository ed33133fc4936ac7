# SPDX-License-Identifier: MIT
if HAVE_CHECK
SCHEMA_PARTS_CHECKS = tests/unit/check_compare tests/unit/check_format tests/unit/check_number tests/unit/check_pattern
check_PROGRAMS += $(SCHEMA_PARTS_CHECKS)
TESTS += $(SCHEMA_PARTS_CHECKS)
tests_unit_check_compare_SOURCES = tests/unit/check_compare.c tests/unit/suite.h
tests_unit_check_compare_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_compare_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_compare_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_format_SOURCES = tests/unit/check_format.c tests/unit/suite.h
tests_unit_check_format_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_format_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_format_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_number_SOURCES = tests/unit/check_number.c tests/unit/suite.h
tests_unit_check_number_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_number_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_pattern_SOURCES = tests/unit/check_pattern.c tests/unit/suite.h
tests_unit_check_pattern_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_pattern_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
endif
