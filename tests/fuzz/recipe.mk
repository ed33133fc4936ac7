# SPDX-License-Identifier: MIT
EXTRA_PROGRAMS += tests/fuzz/recipe
fuzz_targets += tests/fuzz/recipe
tests_fuzz_recipe_SOURCES = tests/fuzz/recipe.c
tests_fuzz_recipe_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_fuzz_recipe_LDADD = $(LIB_RECIPE)
tests_fuzz_recipe_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
