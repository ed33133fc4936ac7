# SPDX-License-Identifier: MIT
EXTRA_DIST += tests/vectors/key_ids.json tests/vectors/providers.txt tests/vectors/signatures.json \
	tests/vectors/handshakes.py tests/vectors/keypairs.py tests/vectors/make_cases.py tests/vectors/mutate.py tests/vectors/plain.py \
	tests/vectors/scheme.py tests/vectors/special.py tests/vectors/tokens.py
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_explain tests/unit/check_public tests/unit/check_jwt tests/unit/check_recipe tests/unit/check_verify
TESTS += tests/unit/check_explain tests/unit/check_public tests/unit/check_jwt tests/unit/check_recipe tests/unit/check_verify
tests_unit_check_recipe_SOURCES = tests/unit/check_recipe.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_recipe_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_recipe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_recipe_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_verify_SOURCES = tests/unit/check_verify.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_verify_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_verify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_verify_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_recipes
TESTS += tests/unit/check_recipes
tests_unit_check_recipes_SOURCES = tests/unit/check_recipes.c tests/unit/installed_kit.h tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_recipes_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"' -DTESTS_BUILDDIR='"$(abs_top_builddir)"'
if HAVE_PYTHON3
tests_unit_check_recipes_CPPFLAGS += -DPYTHON3='"$(PYTHON3)"'
endif
tests_unit_check_recipes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_recipes_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_key
TESTS += tests/unit/check_key
tests_unit_check_key_SOURCES = tests/unit/check_key.c tests/unit/key_kit.h tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_key_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_key_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_key_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_key_text
TESTS += tests/unit/check_key_text
tests_unit_check_key_text_SOURCES = tests/unit/check_key_text.c tests/unit/key_kit.h tests/unit/suite.h
tests_unit_check_key_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_key_text_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_key_public
TESTS += tests/unit/check_key_public
tests_unit_check_key_public_SOURCES = tests/unit/check_key_public.c tests/unit/key_kit.h tests/unit/suite.h
tests_unit_check_key_public_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_key_public_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_key_jwk
TESTS += tests/unit/check_key_jwk
tests_unit_check_key_jwk_SOURCES = tests/unit/check_key_jwk.c tests/unit/key_kit.h tests/unit/suite.h
tests_unit_check_key_jwk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_key_jwk_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
RECIPE_PARTS_CHECKS = tests/unit/check_filter tests/unit/check_form tests/unit/check_timestamp tests/unit/check_url
check_PROGRAMS += $(RECIPE_PARTS_CHECKS)
TESTS += $(RECIPE_PARTS_CHECKS)
tests_unit_check_filter_SOURCES = tests/unit/check_filter.c tests/unit/suite.h
tests_unit_check_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_filter_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_form_SOURCES = tests/unit/check_form.c tests/unit/suite.h
tests_unit_check_form_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_form_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_timestamp_SOURCES = tests/unit/check_timestamp.c tests/unit/suite.h
tests_unit_check_timestamp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_timestamp_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_url_SOURCES = tests/unit/check_url.c tests/unit/suite.h
tests_unit_check_url_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_url_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_jwt_SOURCES = tests/unit/check_jwt.c tests/unit/token_examples.h tests/unit/token_kit.h tests/unit/suite.h
tests_unit_check_jwt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_jwt_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_public_SOURCES = tests/unit/check_public.c tests/unit/token_kit.h tests/unit/suite.h
tests_unit_check_public_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_public_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
tests_unit_check_explain_SOURCES = tests/unit/check_explain.c tests/unit/recipe_kit.h tests/unit/suite.h
tests_unit_check_explain_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_explain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_explain_LDADD = $(LIB_RECIPE) $(CHECK_LIBS)
endif
