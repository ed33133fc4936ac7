# SPDX-License-Identifier: MIT
"""Requests that are no events: who asks what, and what must be answered."""
import hashlib
import hmac
import json
import urllib.parse

from keypairs import b64, key
from mutate import ACCEPT, REJECT
from scheme import NOW, URL, Request, Scheme, rfc3339


def handshakes():
    def shake(provider, name, expect, request, response=None, good="a secret", **more):
        s = Scheme(provider, "", good=good, **more)
        answer = {"expect_response": response} if response else {}
        return s.case(name, expect, request, kind="handshake", **answer)

    get = lambda query, **headers: Request(method="GET", body=b"", url=URL + query, headers=headers)
    text = lambda body: {"status": 200, "content_type": "text/plain", "body": body}
    verify = {"fixed_config": {"verify_token": "tok\u00e9n"}}
    token = urllib.parse.quote("tok\u00e9n")
    meta = lambda name, expect, query, answer=None: shake("meta", name, expect, get(query), answer, **verify)
    yield meta("verify", ACCEPT, f"?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=115", text("115"))
    yield meta("verify-other-order", ACCEPT, f"?hub.challenge=%3Ca%3E&hub.verify_token={token}&hub.mode=subscribe", text("<a>"))
    yield meta("verify-no-challenge", REJECT, f"?hub.mode=subscribe&hub.verify_token={token}")
    yield meta("verify-empty-token", REJECT, "?hub.mode=subscribe&hub.verify_token=&hub.challenge=1")
    yield meta("verify-upper-case", REJECT, f"?hub.mode=subscribe&hub.verify_token={token.upper()}x&hub.challenge=1")
    yield meta("verify-token-twice", REJECT, f"?hub.mode=subscribe&hub.verify_token={token}&hub.verify_token=x&hub.challenge=1")
    yield shake("meta", "verify-not-configured", REJECT, get("?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"))
    yield shake("meta", "verify-by-post", REJECT, get(f"?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1").but(method="POST"), **verify)
    for provider in ("dropbox", "nylas"):
        yield shake(provider, "challenge", ACCEPT, get("?challenge=a%20b%2Bc+d"), text("a b+c d"))
        yield shake(provider, "challenge-by-post", REJECT, get("?challenge=a").but(method="POST"))
        yield shake(provider, "challenge-empty", REJECT, get("?challenge="))
    digest = lambda t: b64(hmac.new(b"a secret", t.encode(), "sha256").digest())
    crc = "OTcwNGI0NzQtYmE1ZC00ZTAyLWExYmMtZjVhYmM0MjQ4ZDQ2"
    yield shake("x", "crc", ACCEPT, get("?crc_token=" + crc + "&nonce=x"), {"status": 200, "content_type": "application/json", "body": json.dumps({"response_token": "sha256=" + digest(crc)}, separators=(",", ":"))})
    for body in ('{"for_user_id":"1","tweet_create_events":[]}', '{"a":1}', "[1]", '"x"'):
        yield shake("x", "crc-asks-for-the-signature-of " + body, REJECT, get("?crc_token=" + urllib.parse.quote(body)))
    yield shake("braintree", "challenge", ACCEPT, get("?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53"), text("pub|" + hmac.new(hashlib.sha1(b"a secret").digest(), b"20f9f8ed05f77439fe955c977e4c8a53", "sha1").hexdigest()), key_encoding="utf8-sha1", fixed_config={"public_key": "pub"})
    for challenge in ("20f9f8ed05f77439fe95" * 2, "20f9f8ed05f77439fe9", "20f9f8ed05f77439fe9z", "PGE%2BPC9hPg==aaaaaaaaaa", ""):
        yield shake("braintree", "challenge " + challenge, REJECT, get("?bt_challenge=" + challenge), key_encoding="utf8-sha1", fixed_config={"public_key": "pub"})
    yield shake("okta", "verification", ACCEPT, get("", **{"X-Okta-Verification-Challenge": 'a"b\\'}), {"status": 200, "content_type": "application/json", "body": '{"verification":"a\\"b\\\\"}'})
    store = lambda value, **more: {"status": 200, "store": value, **more}
    yield shake("asana", "secret", ACCEPT, Request(body=b"", headers={"X-Hook-Secret": "abc"}), store("abc", headers={"X-Hook-Secret": "abc"}))
    yield shake("asana", "secret-but-there-is-one", REJECT, Request(body=b"", headers={"X-Hook-Secret": "abc"}))
    for value in ("", " ", "a b", "a\tb"):
        stored = {"expect_response": {"store": value}}  # the source has no key yet
        yield {**shake("asana", "secret " + repr(value), REJECT, Request(body=b"", headers={"X-Hook-Secret": value})), **stored}
        body = json.dumps({"verification_token": value}).encode()
        yield {**shake("notion", "token " + repr(value), REJECT, Request(body=body)), **stored}
    yield shake("asana", "secret-twice", REJECT, Request(body=b"", headers={"X-Hook-Secret": ["abc", "abd"]}))
    yield shake("notion", "token", ACCEPT, Request(body=b'{"verification_token":"secret_x"}'), store("secret_x"))
    yield shake("notion", "token-but-there-is-one", REJECT, Request(body=b'{"verification_token":"secret_x"}'))
    yield shake("msgraph", "validation", ACCEPT, get("?validationToken=Validation%3A+a%26b").but(method="POST"), text("Validation: a&b"))
    origin = {"WebHook-Request-Origin": "eventemitter.example.com"}
    options = lambda headers: Request(method="OPTIONS", body=b"", headers=headers)
    allowed = {"fixed_config": {"allowed_origin": "eventemitter.example.com", "allowed_rate": "120"}}
    yield shake("cloudevents", "options", ACCEPT, options(origin), {"status": 200, "headers": {"WebHook-Allowed-Origin": "eventemitter.example.com"}}, **allowed)
    yield shake("cloudevents", "options-rate", ACCEPT, options({**origin, "WebHook-Request-Rate": "120"}), {"status": 200, "headers": {"WebHook-Allowed-Rate": "120"}}, **allowed)
    yield shake("cloudevents", "options-other-origin", REJECT, options({"WebHook-Request-Origin": "evil.test"}), **allowed)
    validation = b'[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d38b6-\\"x"}}]'
    yield shake("eventgrid", "validation", ACCEPT, Request(body=validation, headers={"aeg-event-type": "SubscriptionValidation"}), {"status": 200, "content_type": "application/json", "body": '{"validationResponse":"512d38b6-\\"x"}'})
    yield shake("eventgrid", "validation-without-header", REJECT, Request(body=validation))
    for provider in ("trello", "intercom", "mandrill"):
        yield shake(provider, "head", ACCEPT, Request(method="HEAD", body=b""), {"status": 200})
    yield shake("woocommerce", "ping", ACCEPT, Request(body=b"webhook_id=12"), {"status": 200})
    for body in (b"webhook_id=12&x=1", b"webhook_id=", b"webhook_id=1a", b"x=1&webhook_id=12", b"webhook_id=12 "):
        yield shake("woocommerce", "ping " + body.decode(), REJECT, Request(body=body))
    yield from signed_handshakes(shake)


def signed_handshakes(shake):
    secret = b"a secret"
    t = str(NOW)
    mac = lambda content: hmac.new(secret, content, "sha256")
    slack = b'{"type":"url_verification","challenge":"3eZb\\u00e9<"}'
    sign = lambda body, prefix="v0": {"X-Slack-Request-Timestamp": t, "X-Slack-Signature": f"{prefix}=" + mac(f"v0:{t}:".encode() + body).hexdigest()}
    yield shake("slack", "challenge", ACCEPT, Request(body=slack, headers=sign(slack)), {"status": 200, "content_type": "text/plain", "body": "3eZb\u00e9<"})
    yield shake("slack", "challenge-unsigned", REJECT, Request(body=slack))
    yield shake("slack", "challenge-wrong-version", REJECT, Request(body=slack, headers=sign(slack, "v1")))
    zoom = b'{"event":"endpoint.url_validation","payload":{"plainToken":"q\\"g"}}'
    headers = {"x-zm-request-timestamp": t, "x-zm-signature": "v0=" + mac(f"v0:{t}:".encode() + zoom).hexdigest()}
    answer = '{"plainToken":"q\\"g","encryptedToken":"' + mac(b'q"g').hexdigest() + '"}'
    yield shake("zoom", "validation", ACCEPT, Request(body=zoom, headers=headers), {"status": 200, "content_type": "application/json", "body": answer})
    yield shake("zoom", "validation-unsigned", REJECT, Request(body=zoom))
    yield shake("zoom", "validation-other-body", REJECT, Request(body=zoom.replace(b"q", b"r"), headers=headers))
    xero = lambda body: Request(body=body, headers={"x-xero-signature": b64(mac(body).digest())})
    yield shake("xero", "intent", ACCEPT, xero(b'{"events":[],"firstEventSequence":0,"entropy":"S"}'), {"status": 200, "body": ""})
    yield shake("xero", "intent-wrong", REJECT, xero(b'{"events":[]}').but(body=b'{"events": []}'))
    pair = key("ed25519", "good")
    for provider, kind, response in (("discord", 1, {"status": 200, "content_type": "application/json", "body": '{"type":1}'}), ("discord-events", 0, {"status": 204})):
        body = b'{"type":%d}' % kind
        headers = {"X-Signature-Timestamp": t, "X-Signature-Ed25519": pair.sign(t.encode() + body).hex()}
        more = {"good": pair, "key_text": lambda k: k.public.hex(), "key_encoding": "ed25519-hex"}
        yield shake(provider, "ping", ACCEPT, Request(body=body, headers=headers), response, **more)
        yield shake(provider, "ping-unsigned", REJECT, Request(body=body), **more)
        yield shake(provider, "ping-changed", REJECT, Request(body=body + b" ", headers=headers), **more)
    twitch = b'{"challenge":"pogchamp-kappa-360noscope"}'
    headers = {"Twitch-Eventsub-Message-Id": "m", "Twitch-Eventsub-Message-Timestamp": rfc3339(NOW), "Twitch-Eventsub-Message-Type": "webhook_callback_verification"}
    headers["Twitch-Eventsub-Message-Signature"] = "sha256=" + mac(b"m" + rfc3339(NOW).encode() + twitch).hexdigest()
    yield shake("twitch", "challenge", ACCEPT, Request(body=twitch, headers=headers), {"status": 200, "content_type": "text/plain", "body": "pogchamp-kappa-360noscope"})
    yield shake("twitch", "challenge-changed", REJECT, Request(body=twitch.replace(b"p", b"q"), headers=headers))


def cases():
    yield from handshakes()
