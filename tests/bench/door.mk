# SPDX-License-Identifier: MIT
# The door: accepted, verified, synced events a second behind nginx, against what a constant answer reaches there.
check_PROGRAMS += tests/bench/park tests/bench/alone
tests_bench_park_SOURCES = tests/bench/park.c
tests_bench_park_LDADD = $(FCGI_LIBS)
tests_bench_alone_SOURCES = tests/bench/alone.c
tests_bench_alone_LDADD = $(LIB_INTAKE)

EXTRA_DIST += tests/bench/door tests/bench/door.lua

bench-door: tests/bench/park$(EXEEXT) tests/bench/alone$(EXEEXT) $(sbin_PROGRAMS)
	$(srcdir)/tests/bench/door --build $(builddir)
.PHONY: bench-door
