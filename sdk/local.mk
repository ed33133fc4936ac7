# SPDX-License-Identifier: MIT
include_HEADERS = sdk/creel.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = sdk/creel.pc
