# SPDX-License-Identifier: MIT
EXTRA_DIST += tests/vectors/json-schema
if HAVE_CHECK
VALIDATOR_CHECKS = tests/unit/check_schema tests/unit/check_schema_allocations tests/unit/check_schema_ships \
	tests/unit/check_schema_suite
check_PROGRAMS += $(VALIDATOR_CHECKS)
TESTS += $(VALIDATOR_CHECKS)
tests_unit_check_schema_SOURCES = tests/unit/check_schema.c tests/unit/schema_kit.h tests/unit/suite.h
tests_unit_check_schema_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schema_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_schema_allocations_SOURCES = tests/unit/check_schema_allocations.c tests/unit/schema_kit.h tests/unit/suite.h
tests_unit_check_schema_allocations_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schema_allocations_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_schema_ships_SOURCES = tests/unit/check_schema_ships.c tests/unit/schema_kit.h tests/unit/suite.h
tests_unit_check_schema_ships_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_schema_ships_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schema_ships_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
tests_unit_check_schema_suite_SOURCES = tests/unit/check_schema_suite.c tests/unit/schema_kit.h tests/unit/suite.h
tests_unit_check_schema_suite_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_schema_suite_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schema_suite_LDADD = $(LIB_SCHEMA) $(CHECK_LIBS)
endif
