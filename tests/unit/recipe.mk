# SPDX-License-Identifier: MIT
EXTRA_DIST += tests/vectors/signatures.json
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_recipe tests/unit/check_verify tests/unit/check_constant_time
TESTS += tests/unit/check_recipe tests/unit/check_verify tests/unit/check_constant_time
tests_unit_check_recipe_SOURCES = tests/unit/check_recipe.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_recipe_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_recipe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_recipe_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_verify_SOURCES = tests/unit/check_verify.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_verify_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_verify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_verify_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_constant_time_SOURCES = tests/unit/check_constant_time.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_constant_time_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_constant_time_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_constant_time_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
endif
