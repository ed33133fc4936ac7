# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/recipe/librecipe.a
host_recipe_librecipe_a_SOURCES = \
	host/recipe/algorithms.tbl host/recipe/filters.tbl host/recipe/keys.tbl host/recipe/references.tbl \
	host/recipe/case.c host/recipe/case.h \
	host/recipe/compile.c host/recipe/compiled.h \
	host/recipe/compile_handshake.c host/recipe/compile_parts.c \
	host/recipe/compile_signature.c host/recipe/compile_whole.c \
	host/recipe/compiler.c host/recipe/compiler.h \
	host/recipe/filter.c host/recipe/filter.h host/recipe/filter_parts.h \
	host/recipe/filter_digest.c host/recipe/filter_text.c host/recipe/filter_url.c \
	host/recipe/form.c host/recipe/form.h \
	host/recipe/grammar.c host/recipe/grammar.h \
	host/recipe/handshake.c \
	host/recipe/jwt.c host/recipe/jwt.h host/recipe/jwt_verify.c host/recipe/jwt_algorithms.tbl \
	host/recipe/key.c host/recipe/key.h host/recipe/key_parts.h \
	host/recipe/key_facts.c host/recipe/key_facts.h \
	host/recipe/key_jwk.c \
	host/recipe/key_make.c host/recipe/key_make.h \
	host/recipe/key_public.c \
	host/recipe/key_text.c \
	host/recipe/mac.c host/recipe/mac.h \
	host/recipe/proof.c host/recipe/proof.h \
	host/recipe/public.c host/recipe/public.h \
	host/recipe/recipe.c host/recipe/recipe.h \
	host/recipe/rule.c \
	host/recipe/sign.c \
	host/recipe/timestamp.c host/recipe/timestamp.h \
	host/recipe/value.c host/recipe/value.h host/recipe/value_parse.c \
	host/recipe/url.c host/recipe/url.h \
	host/recipe/verify.c

recipesdir = $(pkgdatadir)/recipes
dist_recipes_DATA = \
	host/recipe/recipes/github.json \
	host/recipe/recipes/none.json \
	host/recipe/recipes/standard-webhooks.json \
	host/recipe/recipes/standard-webhooks-v1a.json \
	host/recipe/recipes/stripe.json

dist_pkgdata_DATA += host/recipe/recipe.schema.json
dist_man_MANS += man/creel-recipe.5
