# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/bench/run
tests_bench_run_SOURCES = tests/bench/run.c
tests_bench_run_LDADD = $(LIB_WORKER)

bench-run: tests/bench/run$(EXEEXT) creel-worker$(EXEEXT) tests/functions/nothing.so tests/functions/barefork.so
	tests/bench/run
.PHONY: bench-run
