# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/dispatch/libdispatch.a
host_dispatch_libdispatch_a_SOURCES = \
	host/dispatch/audit.c host/dispatch/audit.h \
	host/dispatch/builtin.c host/dispatch/builtin.h \
	host/dispatch/claims.c host/dispatch/claims.h \
	host/dispatch/control.c host/dispatch/control.h host/dispatch/operate.c \
	host/dispatch/core.h host/dispatch/function.c \
	host/dispatch/dispatch.c host/dispatch/dispatch.h \
	host/dispatch/feed.c host/dispatch/feed.h \
	host/dispatch/gap.c host/dispatch/gap.h host/dispatch/generation.c host/dispatch/generation.h \
	host/dispatch/hide.c host/dispatch/hide.h \
	host/dispatch/records.c host/dispatch/records.h host/dispatch/begun.c host/dispatch/begun.h \
	host/dispatch/registry.c host/dispatch/registry.h \
	host/dispatch/replay.c host/dispatch/replay.h \
	host/dispatch/retire.c host/dispatch/retire.h \
	host/dispatch/route.c host/dispatch/route.h \
	host/dispatch/runs.c host/dispatch/runs.h \
	host/dispatch/schedule.c host/dispatch/schedule.h \
	host/dispatch/settings.c host/dispatch/settings.h \
	host/dispatch/view.c host/dispatch/view.h \
	host/dispatch/worker.c host/dispatch/worker.h
dist_man_MANS += man/creel-control.7
