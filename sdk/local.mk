# SPDX-License-Identifier: MIT
include_HEADERS = sdk/creel.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = sdk/creel.pc
dist_man_MANS += man/creel.h.3 man/creel-function.7
