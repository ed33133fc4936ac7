# SPDX-License-Identifier: MIT
"""Senders who sign with a public key, sign the URL, put the signature elsewhere, or send no more than a secret."""
import base64
import hashlib
import hmac
import json
import urllib.parse
import zlib

import handshakes
import tokens
from keypairs import b64, key, pem
from mutate import ACCEPT, REJECT
from scheme import BODY, NOW, URL, Request, Scheme, Time, flip, milliseconds, plain_hmac, rfc3339, seconds, sha256_hex


def with_pair(kind, sign, text, encoding):
    return {"good": key(kind, "good"), "other": key(kind, "other"), "key_bytes": lambda k: k, "key_text": text, "key_encoding": encoding, "mac": sign}


ED25519 = lambda text, encoding: with_pair("ed25519", lambda k, content: k.sign(content), text, encoding)


def transmission(request, t):
    h = request.headers
    return "|".join([h["PAYPAL-TRANSMISSION-ID"], t, "WH-1", str(zlib.crc32(request.body))]).encode()


def public_keys():
    for provider in ("discord", "discord-events"):
        yield Scheme(
            provider, "X-Signature-Ed25519", content="{t}{body}", time=Time(seconds, header="X-Signature-Timestamp"),
            **ED25519(lambda k: k.public.hex(), "ed25519-hex"),
        )
    yield Scheme(
        "telnyx", "Telnyx-Signature-Ed25519", "{s}", encoding="b64", content="{t}|{body}", time=Time(seconds, 300, 300, "Telnyx-Timestamp"),
        **ED25519(lambda k: b64(k.public), "ed25519-base64"),
    )
    yield Scheme(
        "standard-webhooks-v1a", "webhook-signature", "v1a,{s}", encoding="b64", content="{h:webhook-id}.{t}.{body}",
        time=Time(seconds, 300, 300, "webhook-timestamp"), request=Request(headers={"webhook-id": "msg_1"}), listed=" ", repeatable=True,
        **ED25519(lambda k: "whpk_" + b64(k.public), "whpk_base64"),
    )
    yield Scheme(
        "sendgrid", "X-Twilio-Email-Event-Webhook-Signature", encoding="b64", content="{t}{body}",
        time=Time(seconds, header="X-Twilio-Email-Event-Webhook-Timestamp"),
        **with_pair("P-256", lambda k, content: k.sign_der(content), lambda k: b64(k.spki()), "spki-base64"),
    )
    rsa = lambda text, encoding: with_pair("rsa", lambda k, content: k.sign(content), text, encoding)
    yield Scheme("wise", "X-Signature-SHA256", encoding="b64", **rsa(lambda k: pem("PUBLIC KEY", k.spki()), "spki-pem"))
    yield Scheme(
        "paypal", "PAYPAL-TRANSMISSION-SIG", encoding="b64", content=transmission, time=Time(rfc3339, header="PAYPAL-TRANSMISSION-TIME"),
        request=Request(headers={
            "PAYPAL-TRANSMISSION-ID": "69cd13f0-d67a-11e5-baa3-778b53f4ae55", "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        }),
        fixed_config={"webhook_id": "WH-1"}, **rsa(lambda k: k.certificate(), "x509-pem"),
    )


def sorted_pairs(request, t):
    pairs = sorted(set(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True)))
    return (request.url + "".join(name + value for name, value in pairs)).encode()


FORM = b"CallSid=CA1&Caller=%2B14158675309&Digits=1234&From=%2B1&To=%2B2&Body=a+b"


def signed_urls():
    b64sha1 = {"digest": "sha1", "encoding": "b64"}
    yield Scheme("square", "x-square-hmacsha256-signature", encoding="b64", content="{url}{body}")
    yield Scheme("trello", "X-Trello-Webhook", content="{body}{url}", **b64sha1)
    yield Scheme("twilio", "X-Twilio-Signature", content=sorted_pairs, request=Request(body=FORM), any_body=False, **b64sha1)
    yield Scheme("mandrill", "X-Mandrill-Signature", content=sorted_pairs, request=Request(body=b"mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D"), any_body=False, **b64sha1)
    yield Scheme(
        "plivo-v2", "X-Plivo-Signature-V2", encoding="b64", content=lambda r, t: (r.url.split("?")[0] + r.headers["X-Plivo-Signature-V2-Nonce"]).encode(),
        request=Request(headers={"X-Plivo-Signature-V2-Nonce": "12345"}, url=URL + "?a=1"), body_is_signed=False,
    )
    for provider, content in (("hubspot-v1", "{body}"), ("hubspot-v2", "{method}{url}{body}")):
        yield Scheme(
            provider, "X-HubSpot-Signature", content=content, request=Request(headers={"X-HubSpot-Signature-Version": provider[-2:]}),
            mac=lambda secret, content: hashlib.sha256(secret + content).digest(), any_body=False,
        )


class InBody(Scheme):
    """The signature is put into the body by what is given as place_in."""

    place_in = None

    def place(self, request, value):
        request.body = self.place_in(request.body, value)
        return request


SCHEMES = [*public_keys(), *signed_urls()]
BY_NAME = {s.provider: s for s in SCHEMES}


# ---- what only one sender does ----


def square():
    s = BY_NAME["square"]
    for url in (URL + "?a=1&b=%20", URL + "/", "https://hooks.example.test", "https://hooks.example.test:8443/in"):
        yield s.case("url " + url, ACCEPT, s.sign(s.request.but(url=url)))
        yield s.case("other url than " + url, REJECT, s.sign(s.request.but(url=url)).but(url=url + "x"))


def twilio():
    s = BY_NAME["twilio"]
    good = s.sign()
    yield s.case("pairs-in-other-order", ACCEPT, good.but(body=b"&".join(reversed(FORM.split(b"&")))))
    yield s.case("pair-added", REJECT, good.but(body=FORM + b"&Zz=1"))
    yield s.case("pair-removed", REJECT, good.but(body=FORM.replace(b"&Digits=1234", b"")))
    yield s.case("value-changed", REJECT, good.but(body=FORM.replace(b"1234", b"1235")))
    yield s.case("name-twice-other-value", REJECT, good.but(body=FORM + b"&Digits=9"))
    yield s.case("plus-written-as-escape", ACCEPT, good.but(body=FORM.replace(b"a+b", b"a%20b")))
    yield s.case("plus-not-decoded", REJECT, good.but(body=FORM.replace(b"a+b", b"a%2Bb")))
    yield s.case("empty-value", ACCEPT, s.sign(s.request.but(body=b"A=&B=&C=1")))
    yield s.case("utf8-value", ACCEPT, s.sign(s.request.but(body=b"Body=%C3%A9%E2%82%AC")))
    yield s.case("with-query", ACCEPT, s.sign(s.request.but(url=URL + "?foo=1&bar=%20x")))
    yield s.case("query-changed", REJECT, s.sign(s.request.but(url=URL + "?foo=1")).but(url=URL + "?foo=2"))
    yield s.case("query-added", REJECT, good.but(url=URL + "?foo=2"))
    yield s.case("http-instead-of-https", REJECT, good.but(url=URL.replace("https", "http")))
    s = Scheme("twilio-body", "X-Twilio-Signature", digest="sha1", encoding="b64", content="{url}")
    good = s.sign(s.request.but(url=f"{URL}?bodySHA256={sha256_hex(BODY)}"))
    yield s.case("valid", ACCEPT, good)
    yield s.case("with-other-parameters", ACCEPT, s.sign(s.request.but(url=f"{URL}?a=1&bodySHA256={sha256_hex(BODY)}&z=2")))
    yield s.case("body-changed", REJECT, good.but(body=BODY + b" "))
    yield s.case("body-and-hash-changed", REJECT, good.but(body=b"{}", url=f"{URL}?bodySHA256={sha256_hex(b'{}')}"))
    yield s.case("no-hash", REJECT, s.sign())
    yield s.case("empty-hash", REJECT, s.sign(s.request.but(url=URL + "?bodySHA256=")))
    yield s.case("hash-in-body-only", REJECT, s.sign(s.request.but(body=b"bodySHA256=" + sha256_hex(BODY).encode())))
    two = f"{URL}?bodySHA256={sha256_hex(BODY)}&bodySHA256={sha256_hex(b'{}')}"
    yield s.case("two-different-hashes", REJECT, s.sign(s.request.but(url=two)))
    yield s.case("two-different-hashes-other-body", REJECT, s.sign(s.request.but(url=two, body=b"{}")))


def plivo():
    s = BY_NAME["plivo-v2"]
    good = s.sign()
    yield s.case("nonce-changed", REJECT, good.with_header("X-Plivo-Signature-V2-Nonce", "12346"))
    yield s.case("no-nonce", REJECT, good.with_header("X-Plivo-Signature-V2-Nonce", None))
    yield s.case("nonce-twice", REJECT, good.with_header("X-Plivo-Signature-V2-Nonce", ["12345", "12346"]))
    yield s.case("query-is-not-signed", ACCEPT, good.but(url=URL + "?a=2"))
    yield s.case("other-path", REJECT, good.but(url=URL + "2"))
    nonce = "X-Plivo-Signature-V3-Nonce"
    base = Request(headers={nonce: "12345"}, method="GET", body=b"")
    s = Scheme("plivo-v3", "X-Plivo-Signature-V3", encoding="b64", content=lambda r, t: r.content + b"." + r.headers[nonce].encode(), listed=",")
    get = base.but(url=URL + "?b=2&a=1")
    get.content = (URL + "?a=1&b=2").encode()
    good = s.sign(get)
    yield s.case("get", ACCEPT, good)
    yield s.case("get-value-changed", REJECT, good.but(url=URL + "?b=2&a=3"))
    yield s.case("get-nonce-changed", REJECT, good.with_header(nonce, "12346"))
    yield s.case("get-no-nonce", REJECT, good.with_header(nonce, None))
    yield s.case("get-several-signatures", ACCEPT, good.with_header(s.header, "AAAA," + good.headers[s.header] + ",BBBB"))
    yield s.case("get-several-with-blanks", ACCEPT, good.with_header(s.header, "AAAA, " + good.headers[s.header]))
    yield s.case("get-wrong-signature", REJECT, good.with_header(s.header, flip(good.headers[s.header])))
    yield s.case("get-other-key", REJECT, s.sign(get, secret=s.other))
    post = base.but(method="POST", body=b"To=2&From=1&Body=x", url=URL + "?b=2&a=1")
    post.content = (URL + "?a=1&b=2.Body" + "xFrom1To2").encode()
    good = s.sign(post)
    yield s.case("post-with-query", ACCEPT, good)
    yield s.case("post-value-changed", REJECT, good.but(body=b"To=2&From=1&Body=y"))
    yield s.case("post-pair-added", REJECT, good.but(body=b"To=2&From=1&Body=x&Z=1"))
    yield s.case("post-pairs-in-other-order", ACCEPT, good.but(body=b"Body=x&To=2&From=1"))


def hubspot():
    for name in ("hubspot-v1", "hubspot-v2"):
        s = BY_NAME[name]
        good = s.sign()
        yield s.case("an-hmac-instead", REJECT, s.sign(digest="sha256"))
        yield s.case("other-version", REJECT, good.with_header("X-HubSpot-Signature-Version", "v3"))
        yield s.case("method-changed", REJECT if name[-1] == "2" else ACCEPT, good.but(method="PUT") if name[-1] == "2" else good)
        if name[-1] == "2":
            yield s.case("url-changed", REJECT, good.but(url=URL + "?x"))
        yield extended(s, good)
    v3 = Scheme("hubspot-v3", "X-HubSpot-Signature-v3", encoding="b64", content="{method}{h:decoded}{body}{t}", time=Time(milliseconds, header="X-HubSpot-Request-Timestamp"))

    def signed_as(url, decoded):
        r = v3.sign(Request(url=url, headers={"decoded": decoded}))
        return r.with_header("decoded", None)

    escaped, plain = URL + "?u=https%3A%2F%2Fa.b%3Fc%40d%24%2C%3B", URL + "?u=https://a.b?c@d$,;"
    yield v3.case("escapes-decoded", ACCEPT, signed_as(escaped, plain))
    yield v3.case("blank-kept", ACCEPT, signed_as(URL + "?u=%20%C3%A9", URL + "?u=%20%C3%A9"))
    yield v3.case("everything-decoded", REJECT, signed_as(URL + "?u=%20%C3%A9", URL + "?u= \u00e9"))


def sha256_continued(digest, length, data):
    """SHA-256 of what is behind a text of which only digest and length are known: pure Python, FIPS 180-4."""
    primes = [p for p in range(2, 312) if all(p % q for q in range(2, p))][:64]

    def fraction(n, power):
        low, high = 0, n << 40
        while low < high:  # the integer part of n^(1/power) * 2^32
            mid = (low + high + 1) // 2
            low, high = (mid, high) if mid**power <= n << 32 * power else (low, mid - 1)
        return low & 0xFFFFFFFF

    k = [fraction(p, 3) for p in primes]
    right = lambda x, n: (x >> n | x << 32 - n) & 0xFFFFFFFF
    h = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)]
    total = length + len(data)
    data += b"\x80" + b"\0" * ((55 - total) % 64) + (8 * total).to_bytes(8, "big")
    for at in range(0, len(data), 64):
        w = [int.from_bytes(data[at + i : at + i + 4], "big") for i in range(0, 64, 4)]
        for i in range(16, 64):
            s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3
            s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append((w[i - 16] + s0 + w[i - 7] + s1) & 0xFFFFFFFF)
        a, b, c, d, e, f, g, z = h
        for i in range(64):
            t1 = z + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + (e & f ^ ~e & g) + k[i] + w[i]
            t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, z = (t1 + t2) & 0xFFFFFFFF, a, b, c, (d + t1) & 0xFFFFFFFF, e, f, g
        h = [(x + y) & 0xFFFFFFFF for x, y in zip(h, (a, b, c, d, e, f, g, z))]
    return b"".join(x.to_bytes(4, "big") for x in h)


def extended(s, good):
    """A digest whose secret stands in front can be continued by anybody who has seen one (length extension)."""
    known = len(s.good) + len(good.body) + (len(good.method + good.url) if s.provider == "hubspot-v2" else 0)
    padding = b"\x80" + b"\0" * ((55 - known) % 64) + (8 * known).to_bytes(8, "big")
    more = b',{"eventId":2}'
    forged = sha256_continued(bytes.fromhex(good.headers[s.header]), known + len(padding), more)
    assert forged == hashlib.sha256(s.good.encode() + (good.method.encode() + good.url.encode() if s.provider == "hubspot-v2" else b"") + good.body + padding + more).digest()
    return s.case("length-extension", REJECT, good.but(body=good.body + padding + more).with_header(s.header, forged.hex()))


def contentful():
    def request(listed, values, body=BODY, t=NOW * 1000, method="POST", path="/in?x=1"):
        headers = {**values, "x-contentful-signed-headers": ",".join(listed), "x-contentful-timestamp": str(t)}
        lines = ";".join(f"{n.lower()}:{headers[n]}" for n in listed)
        text = f"{method}\n{path}\n{lines}\n".encode() + body
        headers["x-contentful-signature"] = hmac.new(s.good.encode(), text, "sha256").hexdigest()
        return Request(body=body, method=method, url="https://hooks.example.test" + path, headers=headers)

    s = Scheme("contentful", "x-contentful-signature")
    both = ["x-contentful-signed-headers", "x-contentful-timestamp"]
    good = request(both + ["x-topic"], {"x-topic": "a"})
    yield s.case("valid", ACCEPT, good)
    yield s.case("list-in-other-case", ACCEPT, good.but(headers={k.upper(): v for k, v in good.headers.items()}))
    yield s.case("body-changed", REJECT, good.but(body=BODY + b" "))
    yield s.case("method-changed", REJECT, good.but(method="PUT"))
    yield s.case("path-changed", REJECT, good.but(url="https://hooks.example.test/in?x=2"))
    yield s.case("signed-header-changed", REJECT, good.with_header("x-topic", "b"))
    yield s.case("signed-header-removed", REJECT, good.with_header("x-topic", None))
    yield s.case("signed-header-twice", REJECT, good.with_header("x-topic", ["a", "b"]))
    yield s.case("list-shortened", REJECT, good.with_header("x-contentful-signed-headers", ",".join(both)))
    yield s.case("unsigned-header-added", ACCEPT, good.with_header("x-more", "1"))
    for name in list(good.headers):
        yield s.case("no-" + name, REJECT, good.with_header(name, None))
        yield s.case("empty-" + name, REJECT, good.with_header(name, ""))
    for age, verdict in ((30, ACCEPT), (31, REJECT), (0, ACCEPT), (3600, REJECT)):
        yield s.case(f"{age}-seconds-old", verdict, request(both, {}, t=(NOW - age) * 1000))
    yield s.case("time-not-listed", REJECT, request(both[:1] + ["x-topic"], {"x-topic": "a"}))
    yield s.case("list-not-listed", REJECT, request(both[1:] + ["x-topic"], {"x-topic": "a"}))
    moved = request(["x-contentful-timestamp", "a", "b"], {"a": "1", "b": "2"}).with_header("x-contentful-signed-headers", "x-contentful-timestamp,a")
    yield s.case("list-not-listed-border-moved", REJECT, moved.with_header("a", "1;b:2").with_header("b", None))
    for t in ("+%d", "%d.0", "%de0"):
        yield s.case("time-" + t, REJECT, request(both, {}, t=t % (NOW * 1000)))


def coinbase():
    s = Scheme("coinbase-cdp", "X-Hook0-Signature", variant="v1")
    headers = {"content-type": "application/json", "x-event-id": "e1"}
    listed = "content-type x-event-id"
    text = f"{NOW}.{listed}.application/json.e1.".encode() + BODY
    wrap = f"t={NOW},v0={'0' * 64},h={listed},v1={hmac.new(s.good.encode(), text, 'sha256').hexdigest()}"
    good = Request(headers={**headers, s.header: wrap})
    yield s.case("valid", ACCEPT, good)
    yield s.case("body-changed", REJECT, good.but(body=BODY + b" "))
    yield s.case("header-changed", REJECT, good.with_header("x-event-id", "e2"))
    yield s.case("header-removed", REJECT, good.with_header("x-event-id", None))
    yield s.case("header-twice", REJECT, good.with_header("x-event-id", ["e1", "e2"]))
    yield s.case("list-changed", REJECT, good.with_header(s.header, wrap.replace(listed, "content-type")))
    yield s.case("list-missing", REJECT, good.with_header(s.header, wrap.replace(f"h={listed},", "")))
    yield s.case("old", REJECT, good.but(now=NOW + 301))


def mailgun():
    s = Scheme("mailgun", "")
    token = "0123456789abcdef" * 3 + "01"

    def request(secret=s.good, t=str(NOW), token=token, alter=str, event=None, sent=None):
        signature = alter(plain_hmac("sha256")(secret.encode(), (t + token).encode()).hex())
        t, token = sent or (t, token)
        body = {"signature": {"timestamp": t, "token": token, "signature": signature}, "event-data": {"event": event or "delivered", "id": "1"}}
        return Request(body=json.dumps(body).encode())

    yield s.case("valid", ACCEPT, request())
    yield s.case("signature-upper-case", ACCEPT, request(alter=str.upper))
    yield s.case("event-is-not-signed", ACCEPT, request(event="opened"))
    yield s.case("other-key", REJECT, request(secret=s.other))
    yield s.case("second-key", ACCEPT, request(), [s.other, s.good])
    yield s.case("signature-changed", REJECT, request(alter=flip))
    yield s.case("signature-cut", REJECT, request(alter=lambda t: t[:-2]))
    yield s.case("signature-empty", REJECT, request(alter=lambda t: ""))
    yield s.case("just-inside", ACCEPT, request(t=str(NOW - 300)))
    yield s.case("just-outside", REJECT, request(t=str(NOW - 301)))
    yield s.case("border-moved-back", REJECT, request(sent=(str(NOW)[:-1], str(NOW)[-1] + token)))
    for name, body in (
        ("no-json", b"signature=x"), ("empty", b""), ("empty-object", b"{}"), ("signature-is-text", b'{"signature":"x"}'), ("null", b'{"signature":null}'),
        ("name-twice", request().body.replace(b'"signature": {', b'"signature": {"token":"x",', 1)), ("not-utf8", request().body[:-1] + b',"\xff":1}'),
    ):
        yield s.case("body-" + name, REJECT, Request(body=body))


def adyen():
    s = Scheme("adyen", "", good=bytes(range(32)), other=bytes(32), key_bytes=bytes, key_text=bytes.hex, key_encoding="hex")
    item = {
        "pspReference": "7914073381342284", "originalReference": "", "merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1407325143704",
        "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION", "success": "true", "eventDate": "2019-05-06T17:15:34+02:00",
    }

    def signed(alter=str, secret=s.good, **changes):
        one = {**item, **changes}
        amount = one.get("amount") or {}
        values = [one.get("pspReference"), one.get("originalReference"), one.get("merchantAccountCode"), one.get("merchantReference"), amount.get("value"), amount.get("currency"), one.get("eventCode"), one.get("success")]
        text = ":".join("" if v is None else str(v) for v in values)
        one["additionalData"] = {"hmacSignature": alter(b64(hmac.new(secret, text.encode(), "sha256").digest()))}
        return {"NotificationRequestItem": {k: v for k, v in one.items() if v is not None}}

    def request(*items):
        return Request(body=json.dumps({"live": "false", "notificationItems": list(items)}).encode())

    yield s.case("valid", ACCEPT, request(signed()))
    yield s.case("two-items", ACCEPT, request(signed(), signed(pspReference="2")))
    yield s.case("original-reference-absent", ACCEPT, request(signed(originalReference=None)))
    yield s.case("success-false", ACCEPT, request(signed(success="false")))
    yield s.case("second-key", ACCEPT, request(signed()), [s.other, s.good])
    yield s.case("other-key", REJECT, request(signed(secret=s.other)))
    yield s.case("signature-changed", REJECT, request(signed(alter=flip)))
    yield s.case("signature-empty", REJECT, request(signed(alter=lambda t: "")))
    yield s.case("unpadded", REJECT, request(signed(alter=lambda t: t.rstrip("="))))
    yield s.case("second-item-unsigned", REJECT, request(signed(), {"NotificationRequestItem": item}))
    yield s.case("first-item-unsigned", REJECT, request({"NotificationRequestItem": item}, signed()))
    yield s.case("second-item-other-key", REJECT, request(signed(), signed(secret=s.other)))
    for name, other in (("no-items", []), ("item-null", [None]), ("item-text", ["x"]), ("item-list", [[signed()]]), ("item-empty", [{}]), ("good-and-null", [signed(), None]), ("good-and-empty", [signed(), {}])):
        yield s.case(name, REJECT, request(*other))
    for name in item:
        if name not in ("eventDate", "amount"):
            changed = signed()
            changed["NotificationRequestItem"][name] = "x"
            yield s.case(name + "-changed", REJECT, request(changed))
    changed = signed()
    changed["NotificationRequestItem"]["amount"] = {"value": 1, "currency": "EUR"}
    yield s.case("amount-changed", REJECT, request(changed))
    moved = signed(originalReference="A:B")
    moved["NotificationRequestItem"].update(pspReference=item["pspReference"] + ":A", originalReference="B")
    yield s.case("border-moved", REJECT, request(moved))
    for name, body in (("no-json", b"x"), ("empty", b""), ("array", b"[]"), ("items-object", b'{"notificationItems":{}}'), ("items-null", b'{"notificationItems":null}')):
        yield s.case("body-" + name, REJECT, Request(body=body))


def braintree():
    s = Scheme("braintree", "", good="integration_private_key", key_bytes=lambda k: hashlib.sha1(k.encode()).digest(), key_encoding="utf8-sha1", fixed_config={"public_key": "pub"})
    payload = base64.encodebytes(b"<notification><kind>check</kind></notification>").decode()

    def request(pairs="pub|{s}", payload=payload, secret=s.good, alter=str, more=(), sent=None):
        signature = alter(hmac.new(s.key_bytes(secret), payload.encode(), "sha1").hexdigest())
        form = [("bt_signature", pairs.replace("{s}", signature)), ("bt_payload", sent or payload), *more]
        return Request(body=urllib.parse.urlencode(form).encode())

    yield s.case("valid", ACCEPT, request())
    yield s.case("of-several", ACCEPT, request("other|" + "0" * 40 + "&pub|{s}"))
    yield s.case("newline-lost", ACCEPT, request(sent=payload.rstrip("\n")))
    yield s.case("other-key", REJECT, request(secret=s.other))
    yield s.case("second-key", ACCEPT, request(), [s.other, s.good])
    yield s.case("other-public-key", REJECT, request("pubx|{s}"))
    yield s.case("no-public-key", REJECT, request("{s}"))
    yield s.case("signature-changed", REJECT, request(alter=flip))
    yield s.case("signature-empty", REJECT, request(alter=lambda t: ""))
    yield s.case("payload-changed", REJECT, request(sent="A" + payload[1:]))
    yield s.case("payload-empty", REJECT, Request(body=request().body.split(b"&")[0]))
    other = "PGE+PC9hPg==\n"
    yield s.case("payload-twice-other-last", REJECT, request(more=[("bt_payload", other)]))
    twice = request(more=[("bt_payload", other)])
    parts = twice.body.split(b"&")
    yield s.case("payload-twice-other-first", REJECT, twice.but(body=b"&".join([parts[0], parts[2], parts[1]])))
    yield s.case("payload-twice-name-escaped", REJECT, twice.but(body=twice.body + b"&bt%5Fpayload=x"))
    yield s.case("form-empty", REJECT, Request(body=b""))


def sns():
    good, other = key("rsa", "good"), key("rsa", "other")
    cert = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem"
    notification = {"Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": "Hello\nthere \u00e9", "Timestamp": rfc3339(NOW)[:-1] + ".000Z"}
    subscription = {**notification, "Type": "SubscriptionConfirmation", "Token": "tok", "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"}
    first, second = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"], ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    s = Scheme("aws-sns", "", good=good, other=other, key_text=lambda k: k.certificate(), key_encoding="x509-pem")

    def request(message, names=first, k=good, version="2", sent=None, **more):
        text = "".join(f"{n}\n{message[n]}\n" for n in names if n in message).encode()
        signature = b64(k.sign(text, "sha1" if version == "1" else "sha256"))
        return Request(body=json.dumps({**(sent or message), "SignatureVersion": version, "Signature": signature, "SigningCertURL": cert, **more}).encode())

    yield s.case("notification", ACCEPT, request(notification))
    yield s.case("subject", ACCEPT, request({**notification, "Subject": "S"}))
    yield s.case("unsubscribe", ACCEPT, request({**subscription, "Type": "UnsubscribeConfirmation"}, second))
    yield s.case("other-key", REJECT, request(notification, k=other))
    yield s.case("version-1", REJECT, request(notification, version="1"))
    yield s.case("sha1-called-version-2", REJECT, request(notification, version="1", SignatureVersion="2"))
    yield s.case("version-missing", REJECT, request(notification, SignatureVersion=None))
    for name in first:
        if name in notification:
            yield s.case(name + "-changed", REJECT, request(notification, sent={**notification, name: notification[name] + "x"}))
            yield s.case(name + "-removed", REJECT, request(notification, sent={k: v for k, v in notification.items() if k != name}))
    yield s.case("subject-added", REJECT, request(notification, sent={**notification, "Subject": "x"}))
    yield s.case("subject-removed", REJECT, request({**notification, "Subject": "x"}, sent=notification))
    yield s.case("unsigned-member-added", ACCEPT, request(notification, Extra="x"))
    yield s.case("old", REJECT, request({**notification, "Timestamp": rfc3339(NOW - 7200)}))
    yield s.case("signature-empty", REJECT, request(notification, Signature=""))
    yield s.case("signature-null", REJECT, request(notification, Signature=None))
    yield s.case("signature-number", REJECT, request(notification, Signature=1))
    # A publisher chooses the message; the text it is signed in must not be read as another one.
    inner = {**notification, "Message": f"a\nMessageId\nforged\nSubscribeURL\nu\nTimestamp\n{rfc3339(NOW)}\nToken\nt"}
    forged = {**notification, "Message": "a", "MessageId": "forged", "SubscribeURL": "u", "Timestamp": rfc3339(NOW), "Token": f"t\nMessageId\nm-1\nTimestamp\n{inner['Timestamp']}"}
    yield s.case("border-moved-into-token", REJECT, request(inner, sent=forged))
    inner = {**notification, "Message": "a\nMessageId\nforged"}
    yield s.case("border-moved-into-id", REJECT, request(inner, sent={**notification, "Message": "a", "MessageId": "forged\nMessageId\nm-1"}))
    inner = {**notification, "Message": "a\nMessageId\nforged\nSubject\nb"}
    yield s.case("border-moved-into-subject", REJECT, request(inner, sent={**notification, "Message": "a", "MessageId": "forged", "Subject": "b\nMessageId\nm-1"}))
    for url in (
        "http://sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com@evil.test/x.pem", "https://evil.test/x.pem", "https://sns.us-east-1.amazonaws.com.evil.test/x.pem",
        "https://evil.test/sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com:8443/x.pem", "https://sns.us-east-1.amazonaws.com./x.pem", "https://xsns.us-east-1.amazonaws.com/x.pem",
        "https://sns.a.b.amazonaws.com/x.pem", "https://sns..amazonaws.com/x.pem", "https://sns.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com\\@evil.test/x.pem", "https://sns.us-east-1.amazonaws.com/x.txt",
        "https://sns.us-east-1.amazonaws.com/x.txt?y.pem", "https://sns.us-east-1.amazonaws.com/x#.pem", "https://sns.us-east-1.amazonaws.com%2eevil.test/x.pem", "//sns.us-east-1.amazonaws.com/x.pem", "",
        "https://sns.s3.amazonaws.com/x.pem", "https://sns.s3-us-west-2.amazonaws.com/x.pem", "https://sns.\u0455.amazonaws.com/x.pem", " https://sns.us-east-1.amazonaws.com/x.pem",
        "file:///sns.us-east-1.amazonaws.com/x.pem", "https://user@sns.us-east-1.amazonaws.com/x.pem", "https:/sns.us-east-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com\t/x.pem",
    ):
        yield s.case("certificate-at " + url, REJECT, request(notification, SigningCertURL=url))
    for url in ("https://SNS.us-east-1.AMAZONAWS.com/x.pem", "https://sns.us-gov-west-1.amazonaws.com/x.pem", "https://sns.cn-north-1.amazonaws.com.cn/x.pem", "https://sns.ap-southeast-2.amazonaws.com:443/x.pem"):
        yield s.case("certificate-at " + url, ACCEPT, request(notification, SigningCertURL=url))
    handshake = {"kind": "handshake"}
    yield s.case("subscription", ACCEPT, request(subscription, second), **handshake, expect_response={"status": 200, "outbound_get": subscription["SubscribeURL"]})
    yield s.case("subscription-other-key", REJECT, request(subscription, second, k=other), **handshake)
    yield s.case("subscription-url-not-signed", REJECT, request(subscription, first), **handshake)
    for url in ("https://evil.test/", "http://sns.us-east-1.amazonaws.com/", "https://sns.us-east-1.amazonaws.com@evil.test/"):
        yield s.case("subscribe-at " + url, REJECT, request({**subscription, "SubscribeURL": url}, second), **handshake)
    one = Scheme("aws-sns", "", variant="sns-v1", good=good, other=other, key_text=s.key_text, key_encoding="x509-pem")
    yield one.case("version-1", ACCEPT, request(notification, version="1"))
    yield one.case("version-2", REJECT, request(notification, version="2"))


def paypal():
    s = BY_NAME["paypal"]
    good = s.sign()
    yield s.case("second-separator-in-id", REJECT, s.sign(s.request.with_header("PAYPAL-TRANSMISSION-ID", "a|b")))
    yield s.case("other-webhook", REJECT, good.but(config={"webhook_id": "WH-2"}))
    yield s.case("other-algorithm-named", REJECT, good.with_header("PAYPAL-AUTH-ALGO", "SHA1withRSA"))
    yield s.case("id-changed", REJECT, good.with_header("PAYPAL-TRANSMISSION-ID", "x"))
    for url in ("https://api.paypal.com.evil.test/c", "https://evil.paypal.com/c", "https://api.paypal.com@evil.test/c", "http://api.paypal.com/c", "https://api.paypal.com:444/c", ""):
        yield s.case("certificate-at " + url, REJECT, good.with_header("PAYPAL-CERT-URL", url))
    yield s.case("certificate-nowhere", REJECT, good.with_header("PAYPAL-CERT-URL", None))


def tokens_in_headers():
    basic = lambda text: "Basic " + base64.b64encode(text.encode()).decode()
    for provider, header, write in (
        ("gitlab", "X-Gitlab-Token", str), ("telegram", "X-Telegram-Bot-Api-Secret-Token", str), ("okta", "Authorization", str),
        ("auth0", "Authorization", lambda k: "Bearer " + k), ("buildkite-token", "X-Buildkite-Token", str), ("postmark", "Authorization", basic),
    ):
        good, other = ("us\u00e9r:pa:ss w\u00f6rd", "us\u00e9r:other") if write is basic else ("a-token-of-some-length", "a-token-of-some-lengtH")
        s = Scheme(provider, header, good=good, other=other)
        request = lambda text: Request(headers={header: write(text)})
        yield s.case("valid", ACCEPT, request(good))
        yield s.case("second-key", ACCEPT, request(good), [other, good])
        yield s.case("other", REJECT, request(other))
        yield s.case("longer", REJECT, request(good + "x"))
        yield s.case("shorter", REJECT, request(good[:-1]))
        yield s.case("upper-case", REJECT, request(good.upper()))
        yield s.case("empty", REJECT, request(""))
        yield s.case("header-empty", REJECT, Request(headers={header: ""}))
        yield s.case("missing", REJECT, Request())
        yield s.case("twice", REJECT, Request(headers={header: [write(other), write(good)]}))
        yield s.case("twice-good-first", REJECT, Request(headers={header: [write(good), write(other)]}))
        yield s.case("listed", REJECT, Request(headers={header: write(other) + ", " + write(good)}))
        yield s.case("in-the-query", REJECT, Request(url=URL + "?token=" + good))
        if write is not str:
            yield s.case("bare", REJECT, Request(headers={header: good}))
            yield s.case("other-scheme", REJECT, Request(headers={header: "Digest " + write(good).split(" ")[1]}))


def msgraph():
    s = Scheme("msgraph", "", good="client-state", other="other-state")
    for name, values, verdict in (
        ("one", [{"clientState": s.good}], ACCEPT), ("two", [{"clientState": s.good}] * 2, ACCEPT), ("second-wrong", [{"clientState": s.good}, {"clientState": s.other}], REJECT),
        ("first-wrong", [{"clientState": s.other}, {"clientState": s.good}], REJECT), ("one-absent", [{"clientState": s.good}, {}], REJECT), ("null", [{"clientState": None}], REJECT),
        ("empty", [{"clientState": ""}], REJECT), ("none", [], REJECT), ("list", [{"clientState": [s.good]}], REJECT), ("object", [{"clientState": {"a": s.good}}], REJECT), ("element-text", [s.good], REJECT),
        ("element-null", [{"clientState": s.good}, None], REJECT), ("nested", [[{"clientState": s.good}]], REJECT), ("many", [{"clientState": s.good, "id": str(i)} for i in range(1000)], ACCEPT),
        ("last-of-many-wrong", [{"clientState": s.good}] * 999 + [{"clientState": "x"}], REJECT), ("longer", [{"clientState": s.good + "x"}], REJECT),
    ):
        yield s.case(name, verdict, Request(body=json.dumps({"value": values}).encode()))
    yield s.case("escaped", ACCEPT, Request(body=b'{"value":[{"clientState":"\\u0063lient-state"}]}'))
    for body in (b"", b"{}", b"[]", b'{"value":{}}', b'{"value":"client-state"}', b'{"value":[{"clientState":"client-state"}],"value":[]}', b'{"clientState":"client-state"}', b'{"value":[{"clientState":"client-state"}]'):
        yield s.case("body " + body.decode(), REJECT, Request(body=body))


def docusign():
    s = Scheme("docusign", "X-DocuSign-Signature-1", encoding="b64")
    value, bad = s.sign().headers[s.header], s.sign(secret=s.other).headers[s.header]
    named = lambda values: Request(headers={f"X-DocuSign-Signature-{n}": v for n, v in values.items()})
    yield s.case("first", ACCEPT, named({1: value}))
    yield s.case("second", ACCEPT, named({1: bad, 2: value}))
    yield s.case("last-of-100", ACCEPT, named({**{n: bad for n in range(1, 100)}, 100: value}))
    yield s.case("none-of-100", REJECT, named({n: bad for n in range(1, 101)}))
    yield s.case("lower-case", ACCEPT, Request(headers={"x-docusign-signature-7": value}))
    yield s.case("no-number", REJECT, Request(headers={"X-DocuSign-Signature-": value}))
    yield s.case("other-header", REJECT, Request(headers={"X-DocuSign-Signature": value}))
    yield s.case("body-changed", REJECT, named({1: value}).but(body=BODY + b"\n"))
    yield s.case("lf-for-crlf", REJECT, s.sign(Request(body=b'{"a":1}\r\n')).but(body=b'{"a":1}\n'))
    yield s.case("empty", REJECT, named({1: ""}))
    yield s.case("second-key", ACCEPT, named({1: value}), [s.other, s.good])


def linear():
    s = Scheme("linear", "Linear-Signature")
    body = lambda t: f'{{"type":"Issue","webhookTimestamp":{t}}}'.encode()
    yield s.case("valid", ACCEPT, s.sign(Request(body=body(NOW * 1000))))
    yield s.case("upper-case", ACCEPT, s.sign(Request(body=body(NOW * 1000)), alter=str.upper))
    yield s.case("other-key", REJECT, s.sign(Request(body=body(NOW * 1000)), secret=s.other))
    for offset, verdict in ((-60, ACCEPT), (-61, REJECT), (60, ACCEPT), (61, REJECT)):
        yield s.case(f"time-{offset}", verdict, s.sign(Request(body=body((NOW + offset) * 1000))))
    for t in (f'"{NOW}x"', "null", f"{NOW}.0e3", f"-{NOW * 1000}", "[]", "true", str(NOW), "1" + "0" * 30):
        yield s.case("time " + t, REJECT, s.sign(Request(body=body(t))))
    yield s.case("unsigned-time-instead", REJECT, s.sign(Request(body=body((NOW - 3600) * 1000), headers={"linear-timestamp": str(NOW * 1000)})))
    yield s.case("time-twice", REJECT, s.sign(Request(body=body(f"1,\"webhookTimestamp\":{NOW * 1000}"))))


def retell():
    s = Scheme("retell", "X-Retell-Signature", "v={t},d={s}", content="{body}{t}", time=Time(milliseconds), listed=",")
    good = s.sign(Request(body=b"10"))
    yield s.case("valid", ACCEPT, good)
    yield s.case("border-moved", REJECT, good.but(body=b"1").with_header(s.header, good.headers[s.header].replace("v=", "v=0")))
    yield s.case("body-changed", REJECT, good.but(body=b"11"))


def pusher():
    s = Scheme("pusher", "X-Pusher-Signature", fixed_config={"key_id": "app-1"})
    good = s.sign(Request(headers={"X-Pusher-Key": "app-1", "Content-Type": "application/json"}))
    yield s.case("other-key-named", REJECT, good.with_header("X-Pusher-Key", "app-2"))
    yield s.case("no-key-named", REJECT, good.with_header("X-Pusher-Key", None))
    yield s.case("empty-key-named", REJECT, good.with_header("X-Pusher-Key", ""))
    yield s.case("key-named-twice", REJECT, good.with_header("X-Pusher-Key", ["app-1", "app-2"]))
    yield s.case("no-json", REJECT, good.with_header("Content-Type", "text/plain"))
    yield s.case("json-with-charset", ACCEPT, good.with_header("Content-Type", "application/json; charset=utf-8"))


def standard():
    keys = {"good": bytes(range(7, 39)), "key_bytes": bytes, "key_text": lambda k: "whsec_" + b64(k), "key_encoding": "whsec_base64"}
    for provider, brand in (("standard-webhooks", "webhook"), ("svix", "svix"), ("clerk", "svix"), ("openai", "webhook")):
        s = Scheme(provider, brand + "-signature", "v1,{s}", "sha256", "b64", "{h:" + brand + "-id}.{t}.{body}", Time(seconds, header=brand + "-timestamp"), **keys)
        name = brand + "-id"
        good = s.sign(Request(headers={name: "msg_1"}))
        yield s.case("no-id", REJECT, good.with_header(name, None))
        yield s.case("id-twice", REJECT, good.with_header(name, ["msg_1", "msg_2"]))
        yield s.case("id-changed", REJECT, good.with_header(name, "msg_2"))
        yield s.case("id-with-dot", REJECT, s.sign(Request(headers={name: "msg.1"})))
        yield s.case("joined-lines", ACCEPT, good.with_header(s.header, "v1,AAAA, " + good.headers[s.header]))
        yield s.case("many-signatures", ACCEPT, good.with_header(s.header, " ".join(["v1," + b64(bytes([i] * 32)) for i in range(20)] + [good.headers[s.header]])))
        yield s.case("other-public-name", REJECT, good.with_header(s.header, None).with_header("x-" + s.header, good.headers[s.header]))


def box():
    for first, second, verdict in (("good", "bad", ACCEPT), ("bad", "good", ACCEPT), ("bad", "bad", REJECT), (None, "good", ACCEPT), ("good", None, ACCEPT)):
        request = Request(headers={"BOX-SIGNATURE-VERSION": "1", "BOX-SIGNATURE-ALGORITHM": "HmacSHA256"})
        for name, which in (("BOX-SIGNATURE-PRIMARY", first), ("BOX-SIGNATURE-SECONDARY", second)):
            s = Scheme("box", name, encoding="b64", content="{body}{t}", time=Time(rfc3339, header="BOX-DELIVERY-TIMESTAMP"))
            if which:
                request = s.sign(request, secret=s.good if which == "good" else s.other)
        yield s.case(f"{first}-{second}", verdict, request)
        if verdict == ACCEPT:
            for header, value in (("BOX-SIGNATURE-VERSION", "2"), ("BOX-SIGNATURE-VERSION", None), ("BOX-SIGNATURE-ALGORITHM", "HmacSHA1"), ("BOX-SIGNATURE-ALGORITHM", None)):
                yield s.case(f"{first}-{second}-{header}-{value}", REJECT, request.with_header(header, value))


def cases():
    parts = (square, twilio, plivo, hubspot, contentful, coinbase, mailgun, adyen, braintree, sns, paypal, tokens_in_headers, msgraph, docusign, linear, retell, pusher, standard, box)
    for part in parts + (handshakes.cases, tokens.cases):
        yield from part()
