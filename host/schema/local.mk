# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/schema/libschema.a
host_schema_libschema_a_SOURCES = \
	host/schema/compile.c host/schema/compiler.h host/schema/compile_loops.c host/schema/compile_members.c \
	host/schema/compile_ops.c host/schema/compile_scalars.c \
	host/schema/document.c \
	host/schema/folder.c host/schema/folder.h \
	host/schema/keyword.c host/schema/keyword.h host/schema/keywords.tbl \
	host/schema/meta.c \
	host/schema/program.c host/schema/program.h \
	host/schema/schema.h \
	host/schema/tape.c host/schema/tape.h \
	host/schema/uri.c host/schema/uri.h \
	host/schema/validate.c host/schema/validator.h host/schema/validate_arrays.c host/schema/validate_logic.c \
	host/schema/validate_objects.c host/schema/validate_scalars.c \
	host/schema/value.c host/schema/value.h \
	host/schema/violation.c \
	host/schema/compare.c host/schema/compare.h host/schema/compare_parts.h \
	host/schema/compare_items.c host/schema/compare_logic.c host/schema/compare_members.c host/schema/compare_values.c \
	host/schema/format.c host/schema/format.h host/schema/format.tbl host/schema/format_parts.h \
	host/schema/format_net.c host/schema/format_time.c host/schema/format_uri.c \
	host/schema/number.c host/schema/number.h \
	host/schema/pattern.c host/schema/pattern.h \
	host/schema/pattern_captures.c host/schema/pattern_captures.h \
	host/schema/pattern_class.c host/schema/pattern_properties.tbl \
	host/schema/pattern_syntax.c host/schema/pattern_syntax.h
