# SPDX-License-Identifier: MIT
SYSTEM_TESTS = first_event refusals door steer duplicates kill bad_functions full_disk reload life deploy faults npm_signers quickstart
EXTRA_DIST += .ci/run tests/run tests/lint tests/system/run tests/system/creel.py $(SYSTEM_TESTS:%=tests/system/%.py) \
	tests/system/functions/record.c tests/system/functions/bad.c tests/system/functions/plant.c tests/system/without_namespaces

.PHONY: lint soak

# What compilers do not say.
lint:
	$(srcdir)/tests/lint .

# The random tests with their full counts, against the installed tree (make install first).
soak: check
	ROUNDS=$${ROUNDS:-200} $(MAKE) check
	ROUNDS=$${ROUNDS:-200} CREEL_TEST_TIMEOUT=7200 CREEL_PREFIX=$(prefix) $(srcdir)/tests/system/run kill duplicates bad_functions
