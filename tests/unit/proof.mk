# SPDX-License-Identifier: MIT
# What holds for all recipes alike.
if HAVE_CHECK
PROOF_CHECKS = tests/unit/check_allocations tests/unit/check_bearer tests/unit/check_constant_time tests/unit/check_hash \
	tests/unit/check_large tests/unit/check_sign tests/unit/check_roundtrip
check_PROGRAMS += $(PROOF_CHECKS)
TESTS += $(PROOF_CHECKS)
tests_unit_check_constant_time_SOURCES = tests/unit/check_constant_time.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_constant_time_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_constant_time_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_constant_time_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_roundtrip_SOURCES = tests/unit/check_roundtrip.c tests/unit/installed_kit.h tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_roundtrip_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_roundtrip_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_roundtrip_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_large_SOURCES = tests/unit/check_large.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_large_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_large_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_large_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_bearer_SOURCES = tests/unit/check_bearer.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_bearer_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_bearer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_bearer_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_allocations_SOURCES = tests/unit/check_allocations.c tests/unit/installed_kit.h tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_allocations_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_allocations_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_allocations_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=strdup,--wrap=sodium_malloc
tests_unit_check_allocations_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_hash_SOURCES = tests/unit/check_hash.c tests/unit/suite.h
tests_unit_check_hash_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_hash_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_sign_SOURCES = tests/unit/check_sign.c tests/unit/installed_kit.h tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_sign_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_sign_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_sign_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
endif
