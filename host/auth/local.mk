# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/auth/libauth.a
host_auth_libauth_a_SOURCES = \
	host/auth/auth.c host/auth/auth.h host/auth/auth_parts.h \
	host/auth/certificate.c \
	host/auth/jwt.c \
	host/auth/offer.c \
	host/auth/token.c \
	host/auth/url.c
