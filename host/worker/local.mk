# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/worker/libworker.a
host_worker_libworker_a_SOURCES = \
	host/worker/lines.c host/worker/lines.h \
	host/worker/slot.c host/worker/slot.h \
	host/worker/spawn.c host/worker/spawn.h \
	host/worker/wire.c host/worker/wire.h

pkglibexec_PROGRAMS += creel-worker
creel_worker_SOURCES = \
	host/worker/api.c host/worker/api.h \
	host/worker/filter.c \
	host/worker/landlock.c \
	host/worker/load.c \
	host/worker/mounts.c \
	host/worker/places.c host/worker/places.h \
	host/worker/run.c \
	host/worker/sandbox.c host/worker/sandbox.h \
	host/worker/worker.h \
	host/worker/worker_main.c \
	host/worker/zygote.c
# Small on purpose: what it maps is what every fork copies.
creel_worker_LDADD = host/worker/libworker.a host/base/libbase.a -ldl

dist_man_MANS += man/creel-worker.8
