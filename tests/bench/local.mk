# SPDX-License-Identifier: MIT
# make bench: everything that is measured, tests/bench/bench says what and how.
BENCH_C = tests/bench/park tests/bench/alone tests/bench/fill tests/bench/journal tests/bench/run tests/bench/schema tests/bench/verify
BENCH_PY = bench.py door.py backlog.py rig.py
PAIRS = tests/bench/pairs.c tests/bench/pairs.h
check_PROGRAMS += $(BENCH_C)
tests_bench_park_SOURCES = tests/bench/park.c
tests_bench_park_LDADD = $(FCGI_LIBS)
tests_bench_alone_SOURCES = tests/bench/alone.c
tests_bench_alone_LDADD = $(LIB_INTAKE)
tests_bench_fill_SOURCES = tests/bench/fill.c
tests_bench_fill_LDADD = $(LIB_SPOOL)
tests_bench_journal_SOURCES = tests/bench/journal.c $(PAIRS)
tests_bench_journal_LDADD = $(LIB_SPOOL)
tests_bench_run_SOURCES = tests/bench/run.c $(PAIRS)
tests_bench_run_LDADD = $(LIB_WORKER)
tests_bench_verify_SOURCES = tests/bench/verify.c tests/fuzz/installed.h $(PAIRS)
tests_bench_verify_CPPFLAGS = $(AM_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_bench_verify_LDADD = $(LIB_RECIPE)
tests_bench_schema_SOURCES = tests/bench/schema.c $(PAIRS)
tests_bench_schema_LDADD = $(LIB_SCHEMA)
EXTRA_DIST += $(BENCH_PY:%=tests/bench/%) tests/bench/door.lua

.PHONY: bench
bench: $(BENCH_C:%=%$(EXEEXT)) creeld$(EXEEXT) creel-worker$(EXEEXT) tests/functions/nothing.so tests/functions/barefork.so
	python3 -B $(srcdir)/tests/bench/bench.py --build $(builddir)
CLEANFILES += bench.json
