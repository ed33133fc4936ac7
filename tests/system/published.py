# SPDX-License-Identifier: MIT
"""The published request of every sender at the door: it is let in by the recipe's own defaults, gets a type, and the answer that
the sender insists on; a changed byte keeps it out."""
import json
import os
import urllib.parse

import creel
from creel import Host, check

VECTORS = os.path.join(creel.HERE, "..", "vectors", "signatures.json")
PUBLIC = ("whpk_base64", "ed25519-hex", "ed25519-base64", "spki-pem", "spki-base64", "x509-pem", "jwk")
ENDED = ("messagebird", "livekit")  # tokens that say themselves when they end
BODY_OPEN = {"mailgun", "plivo-v2", "vonage"}  # what is signed says nothing about the body
# Published requests that are signed, but are no events: there is no type in them, or they are not JSON.
UNTYPED = {"github", "github-sha1", "bitbucket", "stripe", "standard-webhooks", "standard-webhooks-v1a", "replicate", "paddle", "notion"}
NO_JSON = {"circleci", "line", "modern-treasury", "hubspot-v2"}
TOKENS = {"gitlab", "telegram", "okta", "msgraph"}
TYPES = {"gitlab": "push", "gitlab-signing": "push", "slack": "command./webhook-collect", "shopify": "products/create", "clerk": "user.created",
         "discord": "interaction.2", "twilio": "twilio", "sendgrid": "dropped", "mailgun": "delivered", "linear": "Comment.create",
         "hubspot-v3": "contact.creation", "asana": "task.changed", "dropbox": "dropbox.notification",
         "meta": "whatsapp_business_account.messages", "twitch": "notification.channel.follow", "x": "tweet_create_events",
         "msgraph": "created", "aws-sns": "Notification", "adyen": "AUTHORISATION", "okta": "user.lifecycle.deactivate",
         "sanity": "sanity.document", "gocardless": "subscriptions.created", "onfido": "check.completed", "plaid": "DEFAULT_UPDATE",
         "contentful": "ContentManagement.Entry.publish", "sentry": "issue.created", "telegram": "message", "wise": "transfers-state-change"}
ANSWERS = {"slack": (200, b""), "adyen": (200, b"[accepted]"), "twilio": (200, b"<Response/>"), "discord": (200, b'{"type":5}')}


def cases():
    """One accepted event for each sender and scheme, by name."""
    with open(VECTORS) as f:
        found = {}
        for c in json.load(f):
            name = c["provider"] + ("" if c["scheme"] in ("", c["provider"]) else "." + c["scheme"])
            confirms = "SubscribeURL" in c.get("body", "")  # an address that would be fetched
            if c["expect"] == "accept" and "kind" not in c and c["provider"] not in ENDED and not confirms:
                found.setdefault(name, c)
    return found


def timeless(h):
    """The installed recipes, but that a signed time may be as old as the published requests are."""
    def stretch(members):
        if "timestamp" in members:
            members["timestamp"]["tolerance"] = "20000d"
    installed, folder = os.path.join(creel.PREFIX, "share", "creel", "recipes"), h.path("recipes")
    os.mkdir(folder, 0o755)
    for name in os.listdir(installed):
        with open(os.path.join(installed, name)) as f:
            recipe = json.load(f)
        stretch(recipe)
        for variant in recipe.get("variants", {}).values():
            stretch(variant)
        with open(os.path.join(folder, name), "w") as f:
            json.dump(recipe, f)
    return folder


def source(h, name, case):
    secrets = case["secret_or_public_key"]
    query = case["provider"] == "twilio-body"  # a parameter of each request, not of the registered URL
    out = {"path": "/hooks/" + name, "recipe": case["provider"], "methods": [case["method"]],
           "public_url": case["url"].partition("?")[0] if query else case["url"], "params": dict(case.get("config", {})), "keys": []}
    with open(os.path.join(creel.PREFIX, "share", "creel", "recipes", case["provider"] + ".json")) as f:
        if case["scheme"] in json.load(f).get("variants", {}):
            out["params"]["variant"] = case["scheme"]
    for i, secret in enumerate([secrets] if isinstance(secrets, str) else secrets):
        kind = "public_key_file" if case["key_encoding"] in PUBLIC else "secret_file"
        out["keys"].append({"id": f"k{i}", kind: h.key_file(f"{name}-{i}", secret), "key_encoding": case["key_encoding"]})
    return out


def post(h, name, case, body):
    path = "/hooks/" + name
    if case["provider"] == "twilio-body":
        path += "?" + urllib.parse.urlsplit(case["url"]).query
    return h.post(body, case["headers"], path, method=case["method"])


def test_published_requests():
    found = cases()
    check(len(found) >= 75, f"only {len(found)} senders")
    with Host() as h:
        h.settings["recipes"] = timeless(h)
        h.settings["sources"] = {name: source(h, name, c) for name, c in found.items()}
        h.write_config()
        h.allow("refused")
        h.start()
        for name, case in found.items():
            provider, body = case["provider"], case["body"].encode()
            if provider not in TOKENS | BODY_OPEN:
                a = post(h, name, case, body[:-2] + b"~" + body[-2:])
                check(a.status in (400, 401), f"{name}, a changed byte: {a}")
            a = post(h, name, case, body)
            if provider in UNTYPED | NO_JSON:
                code = "event-type-missing" if provider in UNTYPED else "malformed-body"
                check(a.status == 400 and a.json()["code"] == code, f"{name}: {a}")
            else:
                check(200 <= a.status < 300, f"{name}: {a}")
            if provider in ANSWERS:
                check((a.status, a.body) == ANSWERS[provider], f"{name}: {a}")
        types = {e["source"]: e["type"] for e in h.list()}
        for name, case in found.items():
            provider = case["provider"]
            check((name in types) == (provider not in UNTYPED | NO_JSON), f"{name}: {types.get(name)}")
            check(types.get(name) == TYPES.get(provider, types.get(name)), f"{name}: {types.get(name)}")
        h.finish()


creel.main(globals())
