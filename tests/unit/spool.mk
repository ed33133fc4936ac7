# SPDX-License-Identifier: MIT
if HAVE_CHECK
SPOOL_CHECKS = tests/unit/check_lifecycle tests/unit/check_line tests/unit/check_line_hostile tests/unit/check_reader tests/unit/check_reader_garbage \
	tests/unit/check_ledger tests/unit/check_dead tests/unit/check_fsck
check_PROGRAMS += $(SPOOL_CHECKS)
TESTS += $(SPOOL_CHECKS)
tests_unit_check_lifecycle_SOURCES = tests/unit/check_lifecycle.c tests/unit/suite.h
tests_unit_check_lifecycle_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_lifecycle_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_line_SOURCES = tests/unit/check_line.c tests/unit/line_kit.h tests/unit/suite.h
tests_unit_check_line_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_line_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_line_hostile_SOURCES = tests/unit/check_line_hostile.c tests/unit/line_kit.h tests/unit/suite.h
tests_unit_check_line_hostile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_line_hostile_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
READING = tests/unit/reading.h tests/unit/suite.h tests/unit/spool_dir.h
tests_unit_check_reader_SOURCES = tests/unit/check_reader.c $(READING)
tests_unit_check_reader_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_reader_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_reader_garbage_SOURCES = tests/unit/check_reader_garbage.c $(READING)
tests_unit_check_reader_garbage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_reader_garbage_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_ledger_SOURCES = tests/unit/check_ledger.c tests/unit/suite.h tests/unit/spool_dir.h
tests_unit_check_ledger_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_ledger_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_dead_SOURCES = tests/unit/check_dead.c tests/unit/suite.h tests/unit/spool_dir.h
tests_unit_check_dead_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_dead_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_fsck_SOURCES = tests/unit/check_fsck.c tests/unit/suite.h tests/unit/spool_dir.h
tests_unit_check_fsck_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_fsck_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
endif
