# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/bench/journal
tests_bench_journal_SOURCES = tests/bench/journal.c
tests_bench_journal_LDADD = $(LIB_SPOOL)

bench-journal: tests/bench/journal$(EXEEXT)
	tests/bench/journal
.PHONY: bench-journal
