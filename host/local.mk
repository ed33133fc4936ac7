# SPDX-License-Identifier: MIT
include host/base/local.mk
include host/spool/local.mk
include host/recipe/local.mk
include host/auth/local.mk
include host/schema/local.mk
include host/worker/local.mk
include host/intake/local.mk
include host/dispatch/local.mk
include host/ctl/local.mk
include host/supervisor/local.mk

# What each room may link against; the order is the direction of the arrows.
LIB_BASE = host/base/libbase.a $(CJSON_LIBS) $(SODIUM_LIBS) -lm
LIB_SPOOL = host/spool/libspool.a $(LIB_BASE)
LIB_RECIPE = host/recipe/librecipe.a $(LIB_BASE) $(CRYPTO_LIBS) $(UNISTRING_LIBS)
LIB_AUTH = host/auth/libauth.a $(LIB_RECIPE)
LIB_SCHEMA = host/schema/libschema.a $(LIB_BASE) $(PCRE2_LIBS)
LIB_INTAKE = host/intake/libintake.a $(LIB_SPOOL) $(LIB_AUTH) $(LIB_SCHEMA) $(FCGI_LIBS)
LIB_WORKER = host/worker/libworker.a $(LIB_BASE)
LIB_SUPERVISOR = host/supervisor/libsupervisor.a $(LIB_AUTH)
LIB_DISPATCH = host/dispatch/libdispatch.a host/worker/libworker.a $(LIB_SPOOL)

sbin_PROGRAMS += creeld
creeld_SOURCES = host/main.c
creeld_LDADD = host/supervisor/libsupervisor.a $(LIB_DISPATCH) $(LIB_INTAKE)
