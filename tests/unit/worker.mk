# SPDX-License-Identifier: MIT
# Test functions: shared objects made as a user makes them, by a plain compiler call with nothing to link.
TEST_FUNCTIONS = behave crash slow leak forkbomb nothing barefork
TEST_CONSTRUCTORS = PRINT CRASH HANG DAEMON
TEST_FOREIGN = OTHER_ABI NEWER SMALL NONE
FUNCTION_CC = $(CC) -std=c11 -O1 -Wall -Wextra -fvisibility=hidden -shared -fPIC -I$(top_srcdir)/sdk
test_function_files = $(TEST_FUNCTIONS:%=tests/functions/%.so) $(TEST_CONSTRUCTORS:%=tests/functions/constructor-%.so) \
	$(TEST_FOREIGN:%=tests/functions/foreign-%.so)

tests/functions/constructor-%.so: $(top_srcdir)/tests/functions/constructor.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) tests/functions && $(FUNCTION_CC) -D$* -o $@ $<
tests/functions/foreign-%.so: $(top_srcdir)/tests/functions/foreign.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) tests/functions && $(FUNCTION_CC) -D$* -o $@ $<
tests/functions/%.so: $(top_srcdir)/tests/functions/%.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) tests/functions && $(FUNCTION_CC) -o $@ $<

check_DATA = $(test_function_files)
CLEANFILES += $(test_function_files)
EXTRA_DIST += $(TEST_FUNCTIONS:%=tests/functions/%.c) tests/functions/constructor.c tests/functions/foreign.c

TESTS += tests/functions/stock.sh
EXTRA_DIST += tests/functions/stock.sh

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_wire tests/unit/check_slot tests/unit/check_sandbox
TESTS += tests/unit/check_wire tests/unit/check_slot tests/unit/check_sandbox
tests_unit_check_wire_SOURCES = tests/unit/check_wire.c tests/unit/suite.h
tests_unit_check_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_wire_LDADD = $(LIB_WORKER) $(CHECK_LIBS)
tests_unit_check_slot_SOURCES = tests/unit/check_slot.c tests/unit/slot_rig.c tests/unit/slot_rig.h tests/unit/suite.h
tests_unit_check_slot_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_slot_LDADD = $(LIB_WORKER) $(CHECK_LIBS)
tests_unit_check_sandbox_SOURCES = tests/unit/check_sandbox.c tests/unit/slot_rig.c tests/unit/slot_rig.h tests/unit/suite.h
tests_unit_check_sandbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_sandbox_LDADD = $(LIB_WORKER) $(CHECK_LIBS)
endif
