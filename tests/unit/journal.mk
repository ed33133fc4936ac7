# SPDX-License-Identifier: MIT
if HAVE_CHECK
JOURNAL_CHECKS = tests/unit/check_journal tests/unit/check_journal_damage tests/unit/check_journal_faults \
	tests/unit/check_journal_index tests/unit/check_journal_stock
check_PROGRAMS += $(JOURNAL_CHECKS)
TESTS += $(JOURNAL_CHECKS)
JOURNAL_PEN = tests/unit/disk.c tests/unit/disk.h tests/unit/disk_wrap.h tests/unit/pen.c tests/unit/pen.h tests/unit/suite.h
JOURNAL_WRAP = -Wl,--wrap=pread,--wrap=pwrite,--wrap=ftruncate,--wrap=fdatasync,--wrap=fsync,--wrap=renameat,--wrap=unlinkat \
	-Wl,--wrap=openat,--wrap=mkdirat,--wrap=fstatvfs
tests_unit_check_journal_SOURCES = tests/unit/check_journal.c tests/unit/journal_kit.h $(JOURNAL_PEN)
tests_unit_check_journal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_journal_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_journal_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_journal_index_SOURCES = tests/unit/check_journal_index.c tests/unit/journal_kit.h $(JOURNAL_PEN)
tests_unit_check_journal_index_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_journal_index_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_journal_index_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_journal_stock_SOURCES = tests/unit/check_journal_stock.c tests/unit/journal_kit.h $(JOURNAL_PEN)
tests_unit_check_journal_stock_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_journal_stock_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_journal_stock_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_journal_damage_SOURCES = tests/unit/check_journal_damage.c $(JOURNAL_PEN)
tests_unit_check_journal_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_journal_damage_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_journal_damage_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
tests_unit_check_journal_faults_SOURCES = tests/unit/check_journal_faults.c tests/unit/story.c tests/unit/story.h $(JOURNAL_PEN)
tests_unit_check_journal_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_journal_faults_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_journal_faults_LDADD = $(LIB_SPOOL) $(CHECK_LIBS)
endif
