# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/bench/verify
tests_bench_verify_SOURCES = tests/bench/verify.c
tests_bench_verify_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_bench_verify_LDADD = $(LIB_RECIPE)

bench-verify: tests/bench/verify$(EXEEXT)
	tests/bench/verify
.PHONY: bench-verify
BENCHES += tests/bench/verify
