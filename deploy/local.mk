# SPDX-License-Identifier: MIT
EXTRA_DIST += deploy/quickstart deploy/build.sh deploy/caddy/Caddyfile deploy/nginx/creel.conf \
	deploy/systemd/creeld.service deploy/runbooks/rotate-keys.md
