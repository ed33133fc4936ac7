# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/supervisor/libsupervisor.a
host_supervisor_libsupervisor_a_SOURCES = \
	host/supervisor/identity.c host/supervisor/identity.h \
	host/supervisor/launch.c host/supervisor/launch.h \
	host/supervisor/load.c host/supervisor/load.h \
	host/supervisor/load_schemas.c host/supervisor/load_schemas.h \
	host/supervisor/listen.c host/supervisor/listen.h \
	host/supervisor/notify.c host/supervisor/notify.h \
	host/supervisor/orphans.c host/supervisor/orphans.h \
	host/supervisor/reload.c \
	host/supervisor/role.c host/supervisor/role.h host/supervisor/role.tbl \
	host/supervisor/setup.c \
	host/supervisor/spool_lock.c host/supervisor/spool_lock.h \
	host/supervisor/state.h \
	host/supervisor/stop.c \
	host/supervisor/supervisor.c host/supervisor/supervisor.h \
	host/supervisor/watch.c host/supervisor/watch.h
dist_man_MANS += man/creeld.8
