# SPDX-License-Identifier: MIT
# Fuzz targets are built only when asked for, with a compiler that has libFuzzer:
#   configure CC=clang --enable-sanitizers=fuzzer-no-link,address,undefined && make fuzz && tests/fuzz/json -max_total_time=60
EXTRA_PROGRAMS += tests/fuzz/json tests/fuzz/config
fuzz_targets = tests/fuzz/json tests/fuzz/config

tests_fuzz_json_SOURCES = tests/fuzz/json.c
tests_fuzz_json_LDADD = $(LIB_BASE)
tests_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_config_SOURCES = tests/fuzz/config.c
tests_fuzz_config_LDADD = $(LIB_BASE)
tests_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

CLEANFILES += $(fuzz_targets)
.PHONY: fuzz
fuzz: $(fuzz_targets)
