# SPDX-License-Identifier: MIT
EXTRA_PROGRAMS += tests/fuzz/line
fuzz_targets += tests/fuzz/line
tests_fuzz_line_SOURCES = tests/fuzz/line.c
tests_fuzz_line_LDADD = $(LIB_SPOOL)
tests_fuzz_line_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
