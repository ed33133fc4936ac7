# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/intake/libintake.a
host_intake_libintake_a_SOURCES = \
	host/intake/admin.c \
	host/intake/admit.c \
	host/intake/answer.c \
	host/intake/authenticate.c \
	host/intake/batch.c host/intake/batch.h \
	host/intake/claim.c \
	host/intake/client.c \
	host/intake/cloudevent.c host/intake/cloudevent.h \
	host/intake/commit.c host/intake/commit.h \
	host/intake/conn.c host/intake/conn.h \
	host/intake/dedupe.c host/intake/dedupe.h \
	host/intake/dedupe_by.c host/intake/dedupe_by.h \
	host/intake/envelope.c \
	host/intake/fcgi.c host/intake/fcgi.h \
	host/intake/fetch.c host/intake/fetch.h \
	host/intake/house.c host/intake/house.h \
	host/intake/identify.c \
	host/intake/inbox.c host/intake/inbox.h \
	host/intake/intake.c host/intake/intake.h \
	host/intake/keycache.c host/intake/keycache.h \
	host/intake/limit.c host/intake/limit.h host/intake/limits.c host/intake/limits.h host/intake/throttle.c \
	host/intake/parse.c \
	host/intake/permit.c \
	host/intake/read.c \
	host/intake/refused.c host/intake/refused.h \
	host/intake/rejected.c host/intake/rejected.h \
	host/intake/request.c host/intake/request.h \
	host/intake/rerun.c host/intake/rerun.h \
	host/intake/route.c \
	host/intake/screen.c host/intake/screen.h \
	host/intake/seen.c host/intake/seen.h \
	host/intake/steps.c host/intake/steps.h \
	host/intake/store.c \
	host/intake/stored.c host/intake/stored.h \
	host/intake/transport.c host/intake/transport.h \
	host/intake/verify.c \
	host/intake/version.c \
	host/intake/validate.c \
	host/intake/contracts.c host/intake/contracts.h \
	host/intake/versions.c host/intake/versions.h
