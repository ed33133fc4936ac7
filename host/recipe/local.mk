# SPDX-License-Identifier: MIT
noinst_LIBRARIES += host/recipe/librecipe.a
host_recipe_librecipe_a_SOURCES = \
	host/recipe/algorithms.tbl host/recipe/filters.tbl host/recipe/keys.tbl host/recipe/references.tbl \
	host/recipe/case.c host/recipe/case.h \
	host/recipe/compile.c host/recipe/compiled.h \
	host/recipe/compile_handshake.c host/recipe/compile_parts.c \
	host/recipe/compile_signature.c host/recipe/compile_whole.c \
	host/recipe/compiler.c host/recipe/compiler.h \
	host/recipe/explain.c host/recipe/explain.h host/recipe/explain_parts.h \
	host/recipe/explain_body.c host/recipe/explain_try.c host/recipe/explain_url.c host/recipe/explain_write.c \
	host/recipe/facts.c host/recipe/facts.h \
	host/recipe/filter.c host/recipe/filter.h host/recipe/filter_parts.h \
	host/recipe/filter_digest.c host/recipe/filter_text.c host/recipe/filter_url.c \
	host/recipe/form.c host/recipe/form.h \
	host/recipe/grammar.c host/recipe/grammar.h \
	host/recipe/handshake.c \
	host/recipe/jwt.c host/recipe/jwt.h host/recipe/jwt_parts.h \
	host/recipe/jwt_sign.c host/recipe/jwt_verify.c host/recipe/jwt_algorithms.tbl \
	host/recipe/key.c host/recipe/key.h host/recipe/key_parts.h \
	host/recipe/key_facts.c host/recipe/key_facts.h \
	host/recipe/key_jwk.c \
	host/recipe/key_make.c host/recipe/key_make.h \
	host/recipe/key_public.c \
	host/recipe/key_text.c \
	host/recipe/hash.c host/recipe/hash.h \
	host/recipe/mac.c host/recipe/mac.h \
	host/recipe/needs.c \
	host/recipe/proof.c host/recipe/proof.h \
	host/recipe/public.c host/recipe/public.h \
	host/recipe/recipe.c host/recipe/recipe.h \
	host/recipe/rule.c \
	host/recipe/rewrite.c host/recipe/rewrite.h \
	host/recipe/sign.c host/recipe/signing.h \
	host/recipe/sign_fill.c host/recipe/sign_place.c host/recipe/sign_token.c \
	host/recipe/timestamp.c host/recipe/timestamp.h \
	host/recipe/value.c host/recipe/value.h host/recipe/value_json.c host/recipe/value_look.h host/recipe/value_parse.c \
	host/recipe/url.c host/recipe/url.h \
	host/recipe/verify.c

recipesdir = $(pkgdatadir)/recipes
dist_recipes_DATA = \
	host/recipe/recipes/adyen-header.json \
	host/recipe/recipes/adyen.json \
	host/recipe/recipes/alchemy.json \
	host/recipe/recipes/appwrite.json \
	host/recipe/recipes/asana.json \
	host/recipe/recipes/attio.json \
	host/recipe/recipes/auth0.json \
	host/recipe/recipes/aws-sns.json \
	host/recipe/recipes/bitbucket-server.json \
	host/recipe/recipes/bitbucket.json \
	host/recipe/recipes/box.json \
	host/recipe/recipes/braintree.json \
	host/recipe/recipes/buildkite-token.json \
	host/recipe/recipes/buildkite.json \
	host/recipe/recipes/cal-com.json \
	host/recipe/recipes/calendly.json \
	host/recipe/recipes/chargebee.json \
	host/recipe/recipes/circleci.json \
	host/recipe/recipes/clerk.json \
	host/recipe/recipes/close.json \
	host/recipe/recipes/cloudevents.json \
	host/recipe/recipes/cloudflare-notifications.json \
	host/recipe/recipes/cloudflare-stream.json \
	host/recipe/recipes/coinbase-cdp.json \
	host/recipe/recipes/coinbase-commerce.json \
	host/recipe/recipes/commerce-layer.json \
	host/recipe/recipes/contentful.json \
	host/recipe/recipes/convoy.json \
	host/recipe/recipes/customer-io.json \
	host/recipe/recipes/deepgram.json \
	host/recipe/recipes/discord-events.json \
	host/recipe/recipes/discord.json \
	host/recipe/recipes/docusign.json \
	host/recipe/recipes/dropbox.json \
	host/recipe/recipes/dwolla.json \
	host/recipe/recipes/easypost.json \
	host/recipe/recipes/elevenlabs.json \
	host/recipe/recipes/eventgrid.json \
	host/recipe/recipes/expo.json \
	host/recipe/recipes/fastspring.json \
	host/recipe/recipes/forgejo.json \
	host/recipe/recipes/front.json \
	host/recipe/recipes/fusionauth.json \
	host/recipe/recipes/gitea.json \
	host/recipe/recipes/github-sha1.json \
	host/recipe/recipes/github.json \
	host/recipe/recipes/gitlab-signing.json \
	host/recipe/recipes/gitlab.json \
	host/recipe/recipes/gocardless.json \
	host/recipe/recipes/google-push.json \
	host/recipe/recipes/help-scout.json \
	host/recipe/recipes/hubspot-v1.json \
	host/recipe/recipes/hubspot-v2.json \
	host/recipe/recipes/hubspot-v3.json \
	host/recipe/recipes/huggingface.json \
	host/recipe/recipes/intercom.json \
	host/recipe/recipes/jira.json \
	host/recipe/recipes/jwt-bearer.json \
	host/recipe/recipes/klaviyo.json \
	host/recipe/recipes/launchdarkly.json \
	host/recipe/recipes/lemon-squeezy.json \
	host/recipe/recipes/line.json \
	host/recipe/recipes/linear.json \
	host/recipe/recipes/livekit.json \
	host/recipe/recipes/loops.json \
	host/recipe/recipes/mailgun.json \
	host/recipe/recipes/mandrill.json \
	host/recipe/recipes/messagebird.json \
	host/recipe/recipes/meta.json \
	host/recipe/recipes/modern-treasury.json \
	host/recipe/recipes/mollie.json \
	host/recipe/recipes/msgraph.json \
	host/recipe/recipes/msteams.json \
	host/recipe/recipes/mux.json \
	host/recipe/recipes/netlify.json \
	host/recipe/recipes/none.json \
	host/recipe/recipes/notion.json \
	host/recipe/recipes/nylas.json \
	host/recipe/recipes/okta.json \
	host/recipe/recipes/onfido.json \
	host/recipe/recipes/openai.json \
	host/recipe/recipes/orb.json \
	host/recipe/recipes/paddle.json \
	host/recipe/recipes/pagerduty.json \
	host/recipe/recipes/paypal.json \
	host/recipe/recipes/paystack.json \
	host/recipe/recipes/pipedrive.json \
	host/recipe/recipes/plaid.json \
	host/recipe/recipes/plivo-v2.json \
	host/recipe/recipes/plivo-v3.json \
	host/recipe/recipes/postmark.json \
	host/recipe/recipes/pusher.json \
	host/recipe/recipes/razorpay.json \
	host/recipe/recipes/recall.json \
	host/recipe/recipes/render.json \
	host/recipe/recipes/replicate.json \
	host/recipe/recipes/resend.json \
	host/recipe/recipes/retell.json \
	host/recipe/recipes/sanity.json \
	host/recipe/recipes/segment.json \
	host/recipe/recipes/sendgrid.json \
	host/recipe/recipes/sentry.json \
	host/recipe/recipes/shopify.json \
	host/recipe/recipes/slack.json \
	host/recipe/recipes/snyk.json \
	host/recipe/recipes/square.json \
	host/recipe/recipes/standard-webhooks-v1a.json \
	host/recipe/recipes/standard-webhooks.json \
	host/recipe/recipes/stripe.json \
	host/recipe/recipes/svix.json \
	host/recipe/recipes/tally.json \
	host/recipe/recipes/telegram.json \
	host/recipe/recipes/telnyx.json \
	host/recipe/recipes/terraform-cloud.json \
	host/recipe/recipes/trello.json \
	host/recipe/recipes/truelayer.json \
	host/recipe/recipes/twilio-body.json \
	host/recipe/recipes/twilio.json \
	host/recipe/recipes/twitch.json \
	host/recipe/recipes/typeform.json \
	host/recipe/recipes/vercel.json \
	host/recipe/recipes/vonage.json \
	host/recipe/recipes/webex.json \
	host/recipe/recipes/webflow.json \
	host/recipe/recipes/wise.json \
	host/recipe/recipes/woocommerce.json \
	host/recipe/recipes/workos.json \
	host/recipe/recipes/x.json \
	host/recipe/recipes/xero.json \
	host/recipe/recipes/zendesk.json \
	host/recipe/recipes/zoom.json

dist_pkgdata_DATA += host/recipe/recipe.schema.json
dist_man_MANS += man/creel-recipe.5
