# SPDX-License-Identifier: MIT
"""Senders whose signature is an HMAC over the body, or over a time and the body, in one header."""
import base64
import unicodedata

from scheme import Request, Scheme, Time, http_date, iso_without_zone, milliseconds, rfc3339, seconds

ANY = -1


def body_only():
    hub, hub256 = "X-Hub-Signature", "X-Hub-Signature-256"
    rows = [
        # provider, header, form, hash, encoding
        ("github", hub256, "sha256={s}", "sha256", "hex"),
        ("github-sha1", hub, "sha1={s}", "sha1", "hex"),
        ("bitbucket", hub, "sha256={s}", "sha256", "hex"),
        ("jira", hub, "sha256={s}", "sha256", "hex"),
        ("meta", hub256, "sha256={s}", "sha256", "hex"),
        ("intercom", hub, "sha1={s}", "sha1", "hex"),
        ("notion", "X-Notion-Signature", "sha256={s}", "sha256", "hex"),
        ("typeform", "Typeform-Signature", "sha256={s}", "sha256", "b64"),
        ("x", "x-twitter-webhooks-signature", "sha256={s}", "sha256", "b64"),
        ("dropbox", "X-Dropbox-Signature", "{s}", "sha256", "hex"),
        ("asana", "X-Hook-Signature", "{s}", "sha256", "hex"),
        ("sentry", "Sentry-Hook-Signature", "{s}", "sha256", "hex"),
        ("alchemy", "X-Alchemy-Signature", "{s}", "sha256", "hex"),
        ("coinbase-commerce", "X-CC-Webhook-Signature", "{s}", "sha256", "hex"),
        ("razorpay", "X-Razorpay-Signature", "{s}", "sha256", "hex"),
        ("gocardless", "Webhook-Signature", "{s}", "sha256", "hex"),
        ("modern-treasury", "X-Signature", "{s}", "sha256", "hex"),
        ("onfido", "X-SHA2-Signature", "{s}", "sha256", "hex"),
        ("nylas", "x-nylas-signature", "{s}", "sha256", "hex"),
        ("vercel", "x-vercel-signature", "{s}", "sha1", "hex"),
        ("paystack", "x-paystack-signature", "{s}", "sha512", "hex"),
        ("terraform-cloud", "X-TFE-Notification-Signature", "{s}", "sha512", "hex"),
        ("shopify", "X-Shopify-Hmac-Sha256", "{s}", "sha256", "b64"),
        ("woocommerce", "X-WC-Webhook-Signature", "{s}", "sha256", "b64"),
        ("line", "x-line-signature", "{s}", "sha256", "b64"),
        ("xero", "x-xero-signature", "{s}", "sha256", "b64"),
    ]
    for row in rows:
        yield Scheme(*row)
    yield Scheme("mollie", "X-Mollie-Signature", "sha256={s}", repeatable=True)
    yield Scheme("circleci", "circleci-signature", "v1={s}", listed=",")
    yield Scheme("pagerduty", "X-PagerDuty-Signature", "v1={s}", listed=",")
    yield Scheme(
        "easypost",
        "X-Hmac-Signature",
        "hmac-sha256-hex={s}",
        good="s\u00e9cret \ufb01sh",
        key_bytes=lambda s: unicodedata.normalize("NFKD", s).encode(),
        key_encoding="utf8-nfkd",
    )
    in_base64 = {"good": b"\x00\x01good key of a bot \xff", "other": b"other key", "key_bytes": bytes, "key_text": lambda k: base64.b64encode(k).decode()}
    yield Scheme("msteams", "Authorization", "HMAC {s}", encoding="b64", key_encoding="base64", **in_base64)
    in_hex = {"good": bytes(range(32)), "other": bytes(32), "key_bytes": bytes, "key_text": bytes.hex, "key_encoding": "hex"}
    yield Scheme("adyen-header", "HmacSignature", encoding="b64", request=Request(headers={"Protocol": "HmacSHA256"}), **in_hex)
    yield Scheme("pusher", "X-Pusher-Signature", request=Request(headers={"X-Pusher-Key": "app-1", "Content-Type": "application/json"}), fixed_config={"key_id": "app-1"})
    for name, digest, encoding in (("sha256-hex", "sha256", "hex"), ("sha256-base64", "sha256", "b64"), ("sha512-hex", "sha512", "hex"), ("sha512-base64", "sha512", "b64")):
        yield Scheme("convoy", "X-Convoy-Signature", "{s}", digest, encoding, variant="convoy-" + name)
        yield Scheme(
            "convoy", "X-Convoy-Signature", "t={t},v1={s}", digest, encoding, "{t},{body}", Time(seconds), variant="convoy-adv-" + name, listed=","
        )


def in_elements():
    rows = [
        # provider, header, form, content, time
        ("stripe", "Stripe-Signature", "t={t},v1={s}", "{t}.{body}", Time(seconds, 300, ANY), "hex"),
        ("mux", "Mux-Signature", "t={t},v1={s}", "{t}.{body}", Time(seconds, 300, ANY), "hex"),
        ("calendly", "Calendly-Webhook-Signature", "t={t},v1={s}", "{t}.{body}", Time(seconds), "hex"),
        ("workos", "WorkOS-Signature", "t={t}, v1={s}", "{t}.{body}", Time(milliseconds, 180, ANY), "hex"),
        ("elevenlabs", "ElevenLabs-Signature", "t={t},v0={s}", "{t}.{body}", Time(seconds, 1800, ANY), "hex"),
        ("coinbase-cdp", "X-Hook0-Signature", "t={t},v0={s}", "{t}.{body}", Time(seconds), "hex"),
        ("sanity", "sanity-webhook-signature", "t={t},v1={s}", "{t}.{body}", Time(milliseconds), "b64u"),
        ("buildkite", "X-Buildkite-Signature", "timestamp={t},signature={s}", "{t}.{body}", Time(seconds), "hex"),
        ("cloudflare-stream", "Webhook-Signature", "time={t},sig1={s}", "{t}.{body}", Time(seconds), "hex"),
        ("paddle", "Paddle-Signature", "ts={t};h1={s}", "{t}:{body}", Time(seconds, 5, ANY), "hex"),
    ]
    for provider, header, wrap, content, time, encoding in rows:
        listed = ";" if provider == "paddle" else ","
        yield Scheme(provider, header, wrap, "sha256", encoding, content, time, listed=listed)


def in_headers():
    def row(provider, header, wrap, content, write, time_header, encoding="hex", past=300, future=None, **more):
        return Scheme(provider, header, wrap, "sha256", encoding, content, Time(write, past, future, time_header), **more)

    yield row("slack", "X-Slack-Signature", "v0={s}", "v0:{t}:{body}", seconds, "X-Slack-Request-Timestamp", future=300)
    yield row("zoom", "x-zm-signature", "v0={s}", "v0:{t}:{body}", seconds, "x-zm-request-timestamp")
    yield row("orb", "X-Orb-Signature", "v1={s}", "v1:{t}:{body}", iso_without_zone, "X-Orb-Timestamp", future=300, listed=" ")
    yield row("zendesk", "X-Zendesk-Webhook-Signature", "{s}", "{t}{body}", rfc3339, "X-Zendesk-Webhook-Signature-Timestamp", "b64")
    yield row("webflow", "x-webflow-signature", "{s}", "{t}:{body}", milliseconds, "x-webflow-timestamp")
    yield row("appwrite", "X-Appwrite-Webhook-Signature", "sha256={s}", "{t}.{body}", seconds, "X-Appwrite-Webhook-Timestamp")
    version = Request(headers={"BOX-SIGNATURE-VERSION": "1", "BOX-SIGNATURE-ALGORITHM": "HmacSHA256"})
    for header in ("BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"):
        yield row("box", header, "{s}", "{body}{t}", rfc3339, "BOX-DELIVERY-TIMESTAMP", "b64", 600, 0, request=version)
    yield row("klaviyo", "Klaviyo-Signature", "{s}", "{body}{t}", http_date, "Klaviyo-Timestamp")
    message = Request(headers={"Twitch-Eventsub-Message-Id": "e76c6bd4-55c9", "Twitch-Eventsub-Message-Type": "notification"})
    yield row(
        "twitch",
        "Twitch-Eventsub-Message-Signature",
        "sha256={s}",
        "{h:Twitch-Eventsub-Message-Id}{t}{body}",
        rfc3339,
        "Twitch-Eventsub-Message-Timestamp",
        past=600,
        request=message,
    )
    yield row(
        "hubspot-v3",
        "X-HubSpot-Signature-v3",
        "{s}",
        "{method}{url}{body}{t}",
        milliseconds,
        "X-HubSpot-Request-Timestamp",
        "b64",
    )


def whsec(key):
    return "whsec_" + base64.b64encode(key).decode()


def standard():
    keys = {"good": bytes(range(7, 39)), "other": bytes(range(40, 72)), "key_bytes": bytes, "key_text": whsec, "key_encoding": "whsec_base64"}
    for provider in ("standard-webhooks", "svix", "openai", "replicate", "gitlab-signing", "clerk", "resend"):
        brand = "svix" if provider in ("svix", "clerk", "resend") else "webhook"
        yield Scheme(
            provider,
            brand + "-signature",
            "v1,{s}",
            "sha256",
            "b64",
            "{h:" + brand + "-id}.{t}.{body}",
            Time(seconds, 300, 300, brand + "-timestamp"),
            request=Request(headers={brand + "-id": "msg_1"}),
            listed=" ",
            repeatable=True,
            **keys,
        )


SCHEMES = [*body_only(), *in_elements(), *in_headers(), *standard()]
