# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/base/libbase.a
host_base_libbase_a_SOURCES = \
	host/base/arena.c host/base/arena.h \
	host/base/buf.c host/base/buf.h \
	host/base/channel.c host/base/channel.h \
	host/base/cidr.c host/base/cidr.h \
	host/base/clock.c host/base/clock.h \
	host/base/codec.c host/base/codec.h \
	host/base/config.c host/base/config.h host/base/config.tbl host/base/config_parts.h \
	host/base/config_allow.c host/base/config_auth.c host/base/config_dedupe.c host/base/config_limit.c host/base/config_versions.c \
	host/base/config_keys.c host/base/config_load.c host/base/config_named.c host/base/config_print.c \
	host/base/config_read.c host/base/config_rejected.c host/base/config_schemas.c host/base/config_source.c host/base/config_watched.c \
	host/base/err.c host/base/err.h host/base/errors.tbl \
	host/base/fs.c host/base/fs.h \
	host/base/id.c host/base/id.h \
	host/base/json.c host/base/json.h host/base/json_check.c host/base/json_edit.c host/base/json_edit.h \
	host/base/json_escape.h host/base/json_find.c host/base/json_find.h \
	host/base/keyfile.c host/base/keyfile.h \
	host/base/log.c host/base/log.h \
	host/base/media.c host/base/media.h \
	host/base/nearest.c host/base/nearest.h \
	host/base/run.h \
	host/base/secrets.c host/base/secrets.h \
	host/base/span.h \
	host/base/stats.c host/base/stats.h host/base/stats.tbl \
	host/base/units.c host/base/units.h \
	host/base/utf8.c

dist_man_MANS += man/creel.json.5
dist_pkgdata_DATA = deploy/creel.schema.json deploy/creel.json.example
