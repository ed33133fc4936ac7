# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/spool/libspool.a
host_spool_libspool_a_SOURCES = \
	host/spool/kinds.tbl host/spool/members.tbl \
	host/spool/ledger.c host/spool/ledger.h \
	host/spool/ledger_apply.c host/spool/ledger_core.h \
	host/spool/lifecycle.c host/spool/lifecycle.h host/spool/lifecycle.tbl \
	host/spool/line.c host/spool/line_decode.c host/spool/line_parse.c host/spool/line.h \
	host/spool/names.c host/spool/names.h \
	host/spool/pos.h \
	host/spool/reader.c host/spool/reader.h \
	host/spool/segments.c host/spool/segments.h
