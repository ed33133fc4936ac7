# SPDX-License-Identifier: MIT
bin_PROGRAMS += creel
creel_SOURCES = \
	host/ctl/ask.c host/ctl/ask.h \
	host/ctl/check.c \
	host/ctl/check_functions.c host/ctl/check_functions.h \
	host/ctl/ctl.c host/ctl/ctl.h \
	host/ctl/credential.c host/ctl/credential.h \
	host/ctl/evidence.c host/ctl/evidence.h \
	host/ctl/explain.c host/ctl/explain.h \
	host/ctl/fsck.c \
	host/ctl/list.c \
	host/ctl/past.c host/ctl/past.h \
	host/ctl/recipe.c \
	host/ctl/recipe_names.c host/ctl/recipe_names.h \
	host/ctl/recipe_words.c host/ctl/recipe_words.h \
	host/ctl/rejected.c host/ctl/rejected.h \
	host/ctl/replay.c \
	host/ctl/rerun.c host/ctl/rerun.h \
	host/ctl/schema.c \
	host/ctl/show.c \
	host/ctl/status.c \
	host/ctl/frame.h \
	host/ctl/keys.c host/ctl/keys.h \
	host/ctl/keys_change.c \
	host/ctl/keys_make.c \
	host/ctl/letter.c host/ctl/letter.h \
	host/ctl/main.c \
	host/ctl/new.c \
	host/ctl/occasion.c host/ctl/occasion.h \
	host/ctl/sample.c host/ctl/sample.h \
	host/ctl/signing_key.c host/ctl/signing_key.h \
	host/ctl/send.c \
	host/ctl/shoot.c host/ctl/shoot.h \
	host/ctl/subject.c host/ctl/subject.h \
	host/ctl/test.c \
	host/ctl/trial.c host/ctl/trial.h \
	host/ctl/verbs.tbl \
	host/ctl/verify.c
creel_LDADD = host/dispatch/libdispatch.a $(LIB_WORKER) $(LIB_SPOOL) $(LIB_AUTH) $(LIB_SCHEMA) $(CURL_LIBS)

# What creel new copies.
templatedir = $(pkgdatadir)/template
dist_template_DATA = \
	sdk/template/Makefile \
	sdk/template/NAME.c \
	sdk/template/NAME.json \
	sdk/template/event.json

dist_man_MANS += man/creel.1
