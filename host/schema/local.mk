# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/schema/libschema.a
host_schema_libschema_a_SOURCES = \
	host/schema/format.c host/schema/format.h host/schema/format.tbl host/schema/format_parts.h \
	host/schema/format_net.c host/schema/format_time.c host/schema/format_uri.c \
	host/schema/number.c host/schema/number.h \
	host/schema/pattern.c host/schema/pattern.h \
	host/schema/pattern_class.c host/schema/pattern_properties.tbl \
	host/schema/pattern_syntax.c host/schema/pattern_syntax.h
