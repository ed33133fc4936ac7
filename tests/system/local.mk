# SPDX-License-Identifier: MIT
EXTRA_DIST += tests/run tests/system/run tests/system/creel.py .ci/run
