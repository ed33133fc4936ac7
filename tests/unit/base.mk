# SPDX-License-Identifier: MIT
TESTS += tests/missing.sh
EXTRA_DIST += tests/missing.sh
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_base
TESTS += tests/unit/check_base
tests_unit_check_base_SOURCES = tests/unit/check_base.c tests/unit/suite.h
tests_unit_check_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_base_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_cidr
TESTS += tests/unit/check_cidr
tests_unit_check_cidr_SOURCES = tests/unit/check_cidr.c tests/unit/suite.h
tests_unit_check_cidr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_cidr_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_json_find
TESTS += tests/unit/check_json_find
tests_unit_check_json_find_SOURCES = tests/unit/check_json_find.c tests/unit/suite.h
tests_unit_check_json_find_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_json_find_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_json
TESTS += tests/unit/check_json
tests_unit_check_json_SOURCES = tests/unit/check_json.c tests/unit/suite.h
tests_unit_check_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_json_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_json_corpus
TESTS += tests/unit/check_json_corpus
EXTRA_DIST += tests/vectors/json
tests_unit_check_json_corpus_SOURCES = tests/unit/check_json_corpus.c tests/fuzz/json_grammar.c tests/fuzz/json_grammar.h tests/unit/suite.h
tests_unit_check_json_corpus_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_json_corpus_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_json_corpus_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_config tests/unit/check_config_folder tests/unit/check_config_ships
TESTS += tests/unit/check_config tests/unit/check_config_folder tests/unit/check_config_ships
tests_unit_check_config_SOURCES = tests/unit/check_config.c tests/unit/config_kit.h tests/unit/config_faults.tbl tests/unit/suite.h
tests_unit_check_config_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_LDADD = $(LIB_BASE) $(CHECK_LIBS)
tests_unit_check_config_ships_SOURCES = tests/unit/check_config_ships.c tests/unit/config_kit.h tests/unit/suite.h
tests_unit_check_config_ships_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_config_ships_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_ships_LDADD = $(LIB_BASE) $(CHECK_LIBS)
tests_unit_check_config_folder_SOURCES = tests/unit/check_config_folder.c tests/unit/config_kit.h tests/unit/suite.h
tests_unit_check_config_folder_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_config_folder_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_folder_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_keyfile
TESTS += tests/unit/check_keyfile
tests_unit_check_keyfile_SOURCES = tests/unit/check_keyfile.c tests/unit/suite.h
tests_unit_check_keyfile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_keyfile_LDADD = $(LIB_BASE) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_secrets
TESTS += tests/unit/check_secrets
tests_unit_check_secrets_SOURCES = tests/unit/check_secrets.c tests/unit/suite.h
tests_unit_check_secrets_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_secrets_LDADD = $(LIB_BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_log
TESTS += tests/unit/check_log
tests_unit_check_log_SOURCES = tests/unit/check_log.c tests/unit/suite.h
tests_unit_check_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_log_LDADD = $(LIB_BASE) $(CHECK_LIBS)
endif
