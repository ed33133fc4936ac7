# SPDX-License-Identifier: MIT
if HAVE_CHECK
DISPATCH_CHECKS = tests/unit/check_schedule tests/unit/check_settings tests/unit/check_registry tests/unit/check_dispatch \
	tests/unit/check_begun tests/unit/check_clock_set tests/unit/check_dispatch_damage tests/unit/check_dispatch_load \
	tests/unit/check_fetched tests/unit/check_verbs tests/unit/check_records
check_PROGRAMS += $(DISPATCH_CHECKS)
TESTS += $(DISPATCH_CHECKS)
RIG = tests/unit/rig.c tests/unit/rig.h tests/unit/suite.h
tests_unit_check_schedule_SOURCES = tests/unit/check_schedule.c tests/unit/suite.h
tests_unit_check_schedule_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_schedule_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_settings_SOURCES = tests/unit/check_settings.c tests/unit/suite.h
tests_unit_check_settings_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_settings_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_registry_SOURCES = tests/unit/check_registry.c $(RIG)
tests_unit_check_registry_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_registry_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_dispatch_SOURCES = tests/unit/check_dispatch.c $(RIG)
tests_unit_check_dispatch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_dispatch_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_begun_SOURCES = tests/unit/check_begun.c $(RIG)
tests_unit_check_begun_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_begun_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_dispatch_damage_SOURCES = tests/unit/check_dispatch_damage.c tests/unit/disk.c tests/unit/disk.h tests/unit/disk_wrap.h $(RIG)
tests_unit_check_dispatch_damage_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_dispatch_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_dispatch_damage_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_clock_set_SOURCES = tests/unit/check_clock_set.c $(RIG)
tests_unit_check_clock_set_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_clock_set_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_wall_ms
tests_unit_check_clock_set_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_dispatch_load_SOURCES = tests/unit/check_dispatch_load.c $(RIG)
tests_unit_check_dispatch_load_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_dispatch_load_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_fetched_SOURCES = tests/unit/check_fetched.c $(RIG)
tests_unit_check_fetched_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_fetched_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
tests_unit_check_records_SOURCES = tests/unit/check_records.c tests/unit/suite.h
tests_unit_check_records_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_records_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
# Runs ./creel, which every build makes first.
tests_unit_check_verbs_SOURCES = tests/unit/check_verbs.c $(RIG)
tests_unit_check_verbs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_verbs_LDADD = $(LIB_DISPATCH) $(CHECK_LIBS)
endif
