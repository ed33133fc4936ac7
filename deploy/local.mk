# SPDX-License-Identifier: MIT
EXTRA_DIST += deploy/quickstart deploy/build.sh deploy/apache/creel.conf deploy/caddy/Caddyfile deploy/lighttpd/creel.conf deploy/nginx/creel.conf \
	deploy/systemd/creeld.service deploy/runbooks/rotate-keys.md \
	deploy/sources.d/aws-sns.json deploy/sources.d/github.json deploy/sources.d/slack.json deploy/sources.d/square.json \
	deploy/sources.d/stripe.json
