# SPDX-License-Identifier: MIT
if HAVE_CHECK
AUTH_CHECKS = tests/unit/check_auth tests/unit/check_auth_door tests/unit/check_auth_jwt
check_PROGRAMS += $(AUTH_CHECKS)
TESTS += $(AUTH_CHECKS)
tests_unit_check_auth_SOURCES = tests/unit/check_auth.c tests/unit/auth_kit.h tests/unit/config_kit.h tests/unit/suite.h
tests_unit_check_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_auth_LDADD = $(LIB_AUTH) $(CHECK_LIBS)
tests_unit_check_auth_jwt_SOURCES = tests/unit/check_auth_jwt.c tests/unit/auth_kit.h tests/unit/config_kit.h \
	tests/unit/token_kit.h tests/unit/suite.h
tests_unit_check_auth_jwt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_auth_jwt_LDADD = $(LIB_AUTH) $(CHECK_LIBS)
tests_unit_check_auth_door_SOURCES = tests/unit/check_auth_door.c tests/unit/token_kit.h $(INTAKE_STAGE)
tests_unit_check_auth_door_CPPFLAGS = $(INTAKE_CPPFLAGS)
tests_unit_check_auth_door_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_auth_door_LDADD = $(LIB_INTAKE) $(CHECK_LIBS)
endif
