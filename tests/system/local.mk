# SPDX-License-Identifier: MIT
SYSTEM_TESTS = ctl check first_event refusals rejected records slow contracts limits auth door envelopes handshakes steer duplicates kill bad_functions hostile full_disk reload keys life kits http2 faults senders published npm_signers fetch recipe_schema quickstart
EXTRA_DIST += .ci/run tests/run tests/soak tests/lint tests/system/run tests/system/creel.py tests/system/webserver.py tests/system/authority.py tests/system/npm_signers.mjs tests/system/npm_cloudevents.mjs $(SYSTEM_TESTS:%=tests/system/%.py) \
	tests/system/functions/record.c tests/system/functions/bad.c tests/system/functions/hostile.c tests/system/functions/plant.c tests/system/without_namespaces

.PHONY: lint soak

# What compilers do not say.
lint:
	$(srcdir)/tests/lint .

# The random tests with their full counts: a build of its own, about half an hour.
soak:
	$(srcdir)/tests/soak

# What make check runs, without running it.
checked-programs: $(check_PROGRAMS) $(check_DATA)
.PHONY: checked-programs
