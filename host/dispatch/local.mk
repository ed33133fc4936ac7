# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/dispatch/libdispatch.a
host_dispatch_libdispatch_a_SOURCES = \
	host/dispatch/schedule.c host/dispatch/schedule.h \
	host/dispatch/settings.c host/dispatch/settings.h
