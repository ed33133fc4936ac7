# SPDX-License-Identifier: MIT
# The stock functions, made as a user makes them: a plain compiler call, nothing to link. They are installed beside the folder
# of live functions, not in it: a symlink or a copy makes one live.
STOCK = log exec fetch
STOCK_CC = $(CC) -std=gnu11 $(CFLAGS) $(WARN_CFLAGS) -fvisibility=hidden -shared -fPIC -I$(top_srcdir)/sdk

functions/log/log.so: $(top_srcdir)/functions/log/log.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) functions/log && $(STOCK_CC) -o $@ $(top_srcdir)/functions/log/log.c
functions/exec/exec.so: $(top_srcdir)/functions/exec/exec.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) functions/exec && $(STOCK_CC) -o $@ $(top_srcdir)/functions/exec/exec.c

# The host's own, under the name of the type that it serves.
functions/fetch/creel.fetch.so: $(top_srcdir)/functions/fetch/fetch.c $(top_srcdir)/sdk/creel.h
	$(AM_V_CC)$(MKDIR_P) functions/fetch && $(STOCK_CC) $(CURL_CFLAGS) -o $@ $(top_srcdir)/functions/fetch/fetch.c $(CURL_LIBS)

stockdir = $(pkglibdir)/stock
stock_DATA = functions/log/log.so functions/exec/exec.so functions/fetch/creel.fetch.so
CLEANFILES += $(stock_DATA)
EXTRA_DIST += $(STOCK:%=functions/%/README.md) $(STOCK:%=functions/%/cases.json) \
	functions/log/log.c functions/log/log.json functions/exec/exec.c functions/exec/exec.json functions/fetch/fetch.c

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(pkglibdir)/functions
