# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/spool/libspool.a
host_spool_libspool_a_SOURCES = \
	host/spool/dead.c host/spool/dead.h \
	host/spool/fetched.c host/spool/fetched.h \
	host/spool/fsck.c host/spool/fsck.h \
	host/spool/fsck_core.h host/spool/fsck_dead.c host/spool/fsck_fetched.c host/spool/fsck_journal.c \
	host/spool/fsck_line.c host/spool/fsck_rejected.c \
	host/spool/kinds.tbl host/spool/members.tbl \
	host/spool/ledger.c host/spool/ledger.h \
	host/spool/ledger_apply.c host/spool/ledger_core.h \
	host/spool/lifecycle.c host/spool/lifecycle.h host/spool/lifecycle.tbl \
	host/spool/line.c host/spool/line_decode.c host/spool/line_parse.c host/spool/line.h \
	host/spool/names.c host/spool/names.h \
	host/spool/pos.h \
	host/spool/readme.c host/spool/readme.h \
	host/spool/reader.c host/spool/reader.h \
	host/spool/refusal.c host/spool/refusal.h \
	host/spool/segments.c host/spool/segments.h

# The spool's README as a C string, one literal for each line.
EXTRA_DIST += host/spool/README.spool
CLEANFILES += host/spool/readme_text.h
host/spool/readme_text.h: $(top_srcdir)/host/spool/README.spool
	$(AM_V_GEN)$(MKDIR_P) host/spool && \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $(top_srcdir)/host/spool/README.spool > $@.tmp && mv $@.tmp $@
host/spool/readme.$(OBJEXT): host/spool/readme_text.h

# Writing the journal: intake's side of it.
host_spool_libspool_a_SOURCES += \
	host/spool/fresh.c \
	host/spool/helper.c host/spool/helper.h \
	host/spool/index.c host/spool/index.h \
	host/spool/journal.c host/spool/journal.h host/spool/journal_in.h \
	host/spool/lock.c host/spool/lock.h \
	host/spool/quarantine.c host/spool/quarantine.h \
	host/spool/recover.c \
	host/spool/scan.c host/spool/scan.h \
	host/spool/segment.c host/spool/segment.h \
	host/spool/survey.c host/spool/survey.h

dist_man_MANS += man/creel-journal.5
