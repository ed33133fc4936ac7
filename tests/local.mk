# SPDX-License-Identifier: MIT
include tests/unit/base.mk
include tests/unit/spool.mk
include tests/unit/journal.mk
include tests/unit/recipe.mk
include tests/unit/proof.mk
include tests/unit/schema.mk
include tests/unit/validator.mk
include tests/unit/intake.mk
include tests/unit/auth.mk
include tests/unit/worker.mk
include tests/unit/dispatch.mk
include tests/unit/ctl.mk
include tests/unit/supervisor.mk
include tests/bench/local.mk
include tests/fuzz/local.mk
include tests/system/local.mk

# The parallel harness keeps Check's closing lines in log files: add them up, print one, and fail when nothing ran.
check-local: check-TESTS
	@cat $(TEST_LOGS) /dev/null | awk '/^[0-9]+%: Checks: / { gsub(",", ""); n += $$3; f += $$5; e += $$7 } \
	  END { if (n == 0) { print "no check ran"; exit 1 } \
	        printf "%d%%: Checks: %d, Failures: %d, Errors: %d\n", (n - f - e) * 100 / n, n, f, e; exit f + e > 0 }'

# Only the unit tests that make threads: what the thread sanitizer is for.
.PHONY: check-threads
check-threads: $(check_PROGRAMS)
	@$(MAKE) check TESTS="$$(for t in $(TESTS); do nm -u $$t 2>/dev/null | grep -q ' pthread_create' && echo $$t; done | tr '\n' ' ')"

# Check's own limit of 4 s is for idle machines.
AM_TESTS_ENVIRONMENT = CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-60}; export CK_DEFAULT_TIMEOUT;
