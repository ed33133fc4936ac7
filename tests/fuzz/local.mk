# SPDX-License-Identifier: MIT
# A target is NAME.c. mutate_NAME is made of it and the driver, and make check runs it; NAME is the same with libFuzzer, which needs
# clang: make fuzz (tests/fuzz/run) builds them in a folder of its own and runs each for FUZZ_SECONDS.
MUTATORS = tests/fuzz/mutate_json tests/fuzz/mutate_config tests/fuzz/mutate_line tests/fuzz/mutate_recipe tests/fuzz/mutate_refusal \
	tests/fuzz/mutate_timestamp tests/fuzz/mutate_verify tests/fuzz/mutate_filter tests/fuzz/mutate_form tests/fuzz/mutate_url \
	tests/fuzz/mutate_key tests/fuzz/mutate_jwt tests/fuzz/mutate_value tests/fuzz/mutate_cidr tests/fuzz/mutate_connection \
	tests/fuzz/mutate_compare tests/fuzz/mutate_format tests/fuzz/mutate_instance tests/fuzz/mutate_number tests/fuzz/mutate_pattern \
	tests/fuzz/mutate_schema
MUTATORS += tests/fuzz/mutate_auth tests/fuzz/mutate_cloudevent tests/fuzz/mutate_pointer
FUZZ = $(MUTATORS:tests/fuzz/mutate_%=%)
FUZZERS = $(FUZZ:%=tests/fuzz/%)
check_PROGRAMS += $(MUTATORS)
TESTS += $(MUTATORS)
EXTRA_DIST += tests/fuzz/run tests/fuzz/corpus
CLEANFILES += $(FUZZERS) *.finding

check_LIBRARIES = tests/fuzz/libdrive.a
tests_fuzz_libdrive_a_SOURCES = tests/fuzz/drive.c tests/fuzz/fuzz.h tests/fuzz/mutate.c tests/fuzz/mutate.h
tests_fuzz_libdrive_a_CPPFLAGS = $(FUZZ_CPPFLAGS)
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
LIB_DRIVE = tests/fuzz/libdrive.a

tests_fuzz_mutate_auth_SOURCES = tests/fuzz/auth.c
tests_fuzz_mutate_auth_LDADD = $(LIB_DRIVE) $(LIB_AUTH)
tests_fuzz_mutate_json_SOURCES = tests/fuzz/json.c tests/fuzz/json_grammar.c tests/fuzz/json_grammar.h
tests_fuzz_mutate_json_LDADD = $(LIB_DRIVE) $(LIB_BASE) $(CJSON_LIBS)
tests_fuzz_mutate_cidr_SOURCES = tests/fuzz/cidr.c
tests_fuzz_mutate_cidr_LDADD = $(LIB_DRIVE) $(LIB_BASE)
tests_fuzz_mutate_connection_SOURCES = tests/fuzz/connection.c
tests_fuzz_mutate_connection_LDADD = $(LIB_DRIVE) $(LIB_INTAKE)
tests_fuzz_mutate_config_SOURCES = tests/fuzz/config.c
tests_fuzz_mutate_config_LDADD = $(LIB_DRIVE) $(LIB_BASE)
tests_fuzz_mutate_line_SOURCES = tests/fuzz/line.c
tests_fuzz_mutate_line_LDADD = $(LIB_DRIVE) $(LIB_SPOOL)
tests_fuzz_mutate_refusal_SOURCES = tests/fuzz/refusal.c
tests_fuzz_mutate_refusal_LDADD = $(LIB_DRIVE) $(LIB_SPOOL)
tests_fuzz_mutate_recipe_SOURCES = tests/fuzz/recipe.c tests/fuzz/installed.h
tests_fuzz_mutate_recipe_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_mutate_recipe_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_timestamp_SOURCES = tests/fuzz/timestamp.c
tests_fuzz_mutate_timestamp_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_verify_SOURCES = tests/fuzz/verify.c tests/fuzz/installed.h tests/fuzz/request.h tests/fuzz/unknown_keys.h
tests_fuzz_mutate_verify_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_mutate_verify_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_filter_SOURCES = tests/fuzz/filter.c
tests_fuzz_mutate_filter_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_form_SOURCES = tests/fuzz/form.c
tests_fuzz_mutate_form_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_url_SOURCES = tests/fuzz/url.c
tests_fuzz_mutate_url_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_key_SOURCES = tests/fuzz/key.c
tests_fuzz_mutate_key_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_jwt_SOURCES = tests/fuzz/jwt.c tests/fuzz/unknown_keys.h
tests_fuzz_mutate_jwt_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_cloudevent_SOURCES = tests/fuzz/cloudevent.c
tests_fuzz_mutate_cloudevent_LDADD = $(LIB_DRIVE) $(LIB_INTAKE)
tests_fuzz_mutate_pointer_SOURCES = tests/fuzz/pointer.c
tests_fuzz_mutate_pointer_LDADD = $(LIB_DRIVE) $(LIB_BASE)
tests_fuzz_mutate_value_SOURCES = tests/fuzz/value.c tests/fuzz/request.h
tests_fuzz_mutate_value_LDADD = $(LIB_DRIVE) $(LIB_RECIPE)
tests_fuzz_mutate_format_SOURCES = tests/fuzz/format.c
tests_fuzz_mutate_format_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)
tests_fuzz_mutate_number_SOURCES = tests/fuzz/number.c
tests_fuzz_mutate_number_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)
tests_fuzz_mutate_pattern_SOURCES = tests/fuzz/pattern.c
tests_fuzz_mutate_pattern_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)
tests_fuzz_mutate_instance_SOURCES = tests/fuzz/instance.c
tests_fuzz_mutate_instance_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)
tests_fuzz_mutate_schema_SOURCES = tests/fuzz/schema.c
tests_fuzz_mutate_schema_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)
tests_fuzz_mutate_compare_SOURCES = tests/fuzz/compare.c
tests_fuzz_mutate_compare_LDADD = $(LIB_DRIVE) $(LIB_SCHEMA)

$(FUZZERS): tests/fuzz/%: tests/fuzz/mutate_%
	$(AM_V_CCLD)$(LINK) -fsanitize=fuzzer $(tests_fuzz_mutate_$*_OBJECTS) $(filter-out $(LIB_DRIVE),$(tests_fuzz_mutate_$*_LDADD)) $(LIBS)

.PHONY: fuzz fuzz-programs fuzz-names
fuzz-names:
	@echo $(FUZZ)
fuzz-programs: $(FUZZERS) $(MUTATORS)
fuzz:
	$(srcdir)/tests/fuzz/run
