# SPDX-License-Identifier: MIT
EXTRA_DIST += tests/unit/recipes/keep.json tests/unit/recipes/shake.json
if HAVE_CHECK
INTAKE_CHECKS = tests/unit/check_batch tests/unit/check_client tests/unit/check_commit tests/unit/check_contract tests/unit/check_dedupe tests/unit/check_duplicates \
	tests/unit/check_limit tests/unit/check_throttle \
	tests/unit/check_cloudevent tests/unit/check_envelope tests/unit/check_handshake_door tests/unit/check_intake tests/unit/check_intake_bytes \
	tests/unit/check_intake_requests tests/unit/check_keycache tests/unit/check_rejected tests/unit/check_screen
check_PROGRAMS += $(INTAKE_CHECKS)
TESTS += $(INTAKE_CHECKS)
INTAKE_STAGE = tests/unit/stage.c tests/unit/stage.h tests/unit/suite.h
INTAKE_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_RECIPES='"$(abs_top_srcdir)/host/recipe/recipes"'
tests_unit_check_client_SOURCES = tests/unit/check_client.c $(INTAKE_STAGE)
tests_unit_check_client_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_client_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_commit_SOURCES = tests/unit/check_commit.c $(JOURNAL_PEN)
tests_unit_check_commit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_commit_LDFLAGS = $(AM_LDFLAGS) $(JOURNAL_WRAP)
tests_unit_check_commit_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_limit_SOURCES = tests/unit/check_limit.c tests/unit/suite.h
tests_unit_check_limit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_limit_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_throttle_SOURCES = tests/unit/check_throttle.c $(INTAKE_STAGE)
tests_unit_check_throttle_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_throttle_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_throttle_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_cloudevent_SOURCES = tests/unit/check_cloudevent.c tests/unit/suite.h
tests_unit_check_cloudevent_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_cloudevent_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_batch_SOURCES = tests/unit/check_batch.c tests/unit/sync_kit.h $(INTAKE_STAGE)
tests_unit_check_batch_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_batch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_batch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdatasync
tests_unit_check_batch_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_envelope_SOURCES = tests/unit/check_envelope.c $(INTAKE_STAGE)
tests_unit_check_envelope_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_envelope_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_envelope_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_dedupe_SOURCES = tests/unit/check_dedupe.c tests/unit/suite.h
tests_unit_check_dedupe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_dedupe_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_rejected_SOURCES = tests/unit/check_rejected.c tests/unit/suite.h tests/unit/spool_dir.h
tests_unit_check_rejected_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_rejected_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_contract_SOURCES = tests/unit/check_contract.c $(INTAKE_STAGE)
tests_unit_check_contract_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_contract_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_contract_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_duplicates_SOURCES = tests/unit/check_duplicates.c $(INTAKE_STAGE)
tests_unit_check_duplicates_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_duplicates_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_duplicates_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_keycache_SOURCES = tests/unit/check_keycache.c tests/unit/suite.h
tests_unit_check_keycache_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_keycache_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_handshake_door_SOURCES = tests/unit/check_handshake_door.c $(INTAKE_STAGE)
tests_unit_check_handshake_door_CPPFLAGS = $(INTAKE_CPPFLAGS) -DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_check_handshake_door_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_handshake_door_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_screen_SOURCES = tests/unit/check_screen.c $(INTAKE_STAGE)
tests_unit_check_screen_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_screen_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_screen_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)

tests_unit_check_intake_bytes_SOURCES = tests/unit/check_intake_bytes.c tests/unit/door.h $(INTAKE_STAGE)
tests_unit_check_intake_bytes_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_intake_bytes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_intake_bytes_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
tests_unit_check_intake_requests_SOURCES = tests/unit/check_intake_requests.c tests/unit/door.h $(INTAKE_STAGE)
tests_unit_check_intake_requests_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_intake_requests_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_intake_requests_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
# fdatasync goes through the test, so that it can hold it up or let it fail.
tests_unit_check_intake_SOURCES = tests/unit/check_intake.c tests/unit/sync_kit.h $(INTAKE_STAGE)
tests_unit_check_intake_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_intake_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_intake_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdatasync
tests_unit_check_intake_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
endif
