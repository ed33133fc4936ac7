# SPDX-License-Identifier: MIT
"""Senders whose proof is a JSON web token, made here byte by byte."""
import base64
import hashlib
import hmac
import json

from keypairs import b64, b64u, key
from mutate import ACCEPT, REJECT
from scheme import BODY, NOW, URL, Request, Scheme, sha256_hex

compact = lambda value: json.dumps(value, separators=(",", ":")).encode()


def hs(secret, digest="sha256"):
    return lambda text: hmac.new(secret, text, digest).digest()


def token(header, claims, sign, alter=None):
    text = b64u(compact(header)) + "." + b64u(claims if isinstance(claims, bytes) else compact(claims))
    signature = b64u(sign(text.encode()))
    return text + "." + (alter(signature) if alter else signature)


def forms(s, make, header, claims, sign, request):
    """What no receiver of tokens may take. make: a request that carries this token."""
    ok = lambda **more: make(token({**header, **more}, claims, sign))
    good = token(header, claims, sign)
    parts = good.split(".")
    yield s.case("valid", ACCEPT, make(good))
    yield s.case("body-changed", REJECT, make(good).but(body=request.body + b" "))
    yield s.case("body-empty", REJECT, make(good).but(body=b""))
    yield s.case("signature-changed", REJECT, make(token(header, claims, sign, lambda t: ("b" if t[0] == "a" else "a") + t[1:])))
    yield s.case("signature-cut", REJECT, make(good[:-4]))
    yield s.case("signature-empty", REJECT, make(".".join(parts[:2]) + "."))
    yield s.case("signature-padded", REJECT, make(good + "=" * (-len(parts[2]) % 4 or 1)))
    yield s.case("two-parts", REJECT, make(".".join(parts[:2])))
    yield s.case("four-parts", REJECT, make(good + "."))
    yield s.case("five-parts", REJECT, make("." .join(parts + parts[:2])))
    yield s.case("empty", REJECT, make(""))
    yield s.case("dots", REJECT, make(".."))
    yield s.case("blank-inside", REJECT, make(parts[0] + ". " + parts[1] + "." + parts[2]))
    yield s.case("claims-changed", REJECT, make(".".join([parts[0], b64u(compact({**claims, "x": 1})), parts[2]])))
    for alg in ("none", "None", "NONE", "nOnE", "", "HS", header["alg"].lower(), "RS256" if header["alg"] != "RS256" else "HS256"):
        yield s.case(f"alg-{alg}-unsigned", REJECT, make(token({**header, "alg": alg}, claims, lambda text: b"")))
        yield s.case(f"alg-{alg}", REJECT, make(token({**header, "alg": alg}, claims, sign)))
    yield s.case("alg-missing", REJECT, make(token({k: v for k, v in header.items() if k != "alg"}, claims, sign)))
    yield s.case("alg-list", REJECT, make(token({**header, "alg": [header["alg"]]}, claims, sign)))
    yield s.case("critical-extension", REJECT, ok(crit=["exp"]))
    yield s.case("unencoded-payload", REJECT, ok(b64=False, crit=["b64"]))
    yield s.case("header-no-json", REJECT, make(b64u(b"x") + good[len(parts[0]) :]))
    yield s.case("claims-no-object", REJECT, make(token(header, b"[]", sign)))
    yield s.case("claims-no-json", REJECT, make(token(header, b"{", sign)))
    yield s.case("claims-twice", REJECT, make(token(header, compact(claims)[:-1] + b',"' + next(iter(claims)).encode() + b'":1}', sign)))


def times(s, make, header, claims, sign, required, leeway=0):
    at = lambda name, value: make(token(header, {**claims, name: value}, sign))
    for name in required:
        yield s.case(f"{name}-missing", REJECT, make(token(header, {k: v for k, v in claims.items() if k != name}, sign)))
    for name in {"exp", "nbf"} & {"exp", *required}:
        for value in ("soon", None, [], True, -1 if name == "exp" else 10**18):
            if not (value is None and name not in required):
                yield s.case(f"{name}-{value}", REJECT, at(name, value))
    if "exp" in required:
        yield s.case("exp-just-inside", ACCEPT, at("exp", NOW + 1))
        yield s.case("exp-just-outside", REJECT, at("exp", NOW - leeway))
        yield s.case("exp-fraction", ACCEPT, at("exp", NOW + 1.5))
    if "nbf" in required:
        yield s.case("nbf-now", ACCEPT, at("nbf", NOW))
        yield s.case("nbf-ahead", REJECT, at("nbf", NOW + leeway + 2))


def in_header(name, write=str, **more):
    base = Request(**more)
    return (lambda t: base.with_header(name, write(t))), base


def hash_claim(s, make, header, claims, sign, name, request):
    without = {k: v for k, v in claims.items() if k != name}
    yield s.case("hash-missing", REJECT, make(token(header, without, sign)))
    for value in ("", None, 1, [], claims[name] + " ", claims[name][:-1], claims[name].swapcase() if not claims[name].islower() else "0" * len(claims[name])):
        yield s.case(f"hash-{value}"[:40], REJECT, make(token(header, {**without, name: value}, sign)))


def plaid():
    good, other = key("P-256", "good"), key("P-256", "other")
    kid = "bfbd5111"
    s = Scheme("plaid", "", good=good, other=other, key_text=lambda k: json.dumps(k.jwk(kid=kid, alg="ES256", use="sig")), key_encoding="jwk")
    make, request = in_header("Plaid-Verification")
    header, claims = {"alg": "ES256", "kid": kid, "typ": "JWT"}, {"iat": NOW, "request_body_sha256": sha256_hex(BODY)}
    sign = good.sign_jose
    yield from forms(s, make, header, claims, sign, request)
    yield from hash_claim(s, make, header, claims, sign, "request_body_sha256", request)
    yield s.case("iat-missing", REJECT, make(token(header, {"request_body_sha256": sha256_hex(BODY)}, sign)))
    for age, verdict in ((300, ACCEPT), (301, REJECT), (0, ACCEPT), (86400, REJECT)):
        yield s.case(f"{age}-seconds-old", verdict, make(token(header, {**claims, "iat": NOW - age}, sign)))
    yield s.case("hour-ahead", REJECT, make(token(header, {**claims, "iat": NOW + 3600}, sign)))
    yield s.case("other-key", REJECT, make(token(header, claims, other.sign_jose)))
    yield s.case("second-key", ACCEPT, make(token(header, claims, sign)), [other, good])
    yield s.case("other-kid", REJECT, make(token({**header, "kid": "x"}, claims, sign)))
    yield s.case("der", REJECT, make(token(header, claims, good.sign_der)))
    jwk = s.key_text(good).encode()
    for secret in (jwk, good.spki(), b"".join(good.point())):
        yield s.case(f"hs256-with-public-key-{len(secret)}", REJECT, make(token({**header, "alg": "HS256"}, claims, hs(secret))))
    yield s.case("zero-signature", REJECT, make(token(header, claims, lambda t: bytes(64))))
    yield s.case("one-signature", REJECT, make(token(header, claims, lambda t: (bytes(31) + b"\1") * 2)))
    yield s.case("order-signature", REJECT, make(token(header, claims, lambda t: good.order.to_bytes(32, "big") * 2)))
    yield s.case("key-in-token", REJECT, make(token({**header, "jwk": other.jwk()}, claims, other.sign_jose)))


def shared():
    body_hex, body_64 = sha256_hex(BODY), b64(hashlib.sha256(BODY).digest())
    rows = (
        # provider, header, how the token is written, claims, the hash's claim, required times, leeway
        ("messagebird", "MessageBird-Signature-JWT", str, {"iss": "MessageBird", "nbf": NOW - 1, "exp": NOW + 60, "url_hash": sha256_hex(URL.encode()), "payload_hash": body_hex}, "payload_hash", ("nbf", "exp"), 1),
        ("livekit", "Authorization", str, {"iss": "key", "nbf": NOW - 1, "exp": NOW + 60, "sha256": body_64}, "sha256", ("nbf", "exp"), 0),
        ("fusionauth", "X-FusionAuth-Signature-JWT", str, {"request_body_sha256": body_64}, "request_body_sha256", (), 0),
        ("vonage", "Authorization", "Bearer {}".format, {"iat": NOW, "payload_hash": body_hex}, None, (), 0),
    )
    for provider, name, write, claims, hashed, required, leeway in rows:
        s = Scheme(provider, name)
        make, request = in_header(name, write)
        header, sign = {"alg": "HS256", "typ": "JWT"}, hs(s.good.encode())
        yield from forms(s, make, header, claims, sign, request)
        yield from times(s, make, header, claims, sign, required, leeway)
        if hashed:
            yield from hash_claim(s, make, header, claims, sign, hashed, request)
        yield s.case("other-key", REJECT, make(token(header, claims, hs(s.other.encode()))))
        yield s.case("empty-key", REJECT, make(token(header, claims, hs(b""))))
        yield s.case("second-key", ACCEPT, make(token(header, claims, sign)), [s.other, s.good])
        yield s.case("missing", REJECT, request)
        yield s.case("header-twice", REJECT, request.with_header(name, [make(token(header, claims, sign)).headers[name], "x"]))
        verdict = ACCEPT if provider in ("messagebird", "fusionauth") else REJECT
        yield s.case("hs512", verdict, make(token({**header, "alg": "HS512"}, claims, hs(s.good.encode(), "sha512"))))
        yield s.case("hs256-called-hs512", REJECT, make(token({**header, "alg": "HS512"}, claims, sign)))


def one_by_one():
    s = Scheme("messagebird", "")
    make, _ = in_header("MessageBird-Signature-JWT")
    header, sign = {"alg": "HS256"}, hs(s.good.encode())
    claims = {"iss": "MessageBird", "nbf": NOW - 1, "exp": NOW + 60, "url_hash": sha256_hex(URL.encode())}
    hashed = {**claims, "payload_hash": sha256_hex(BODY)}
    of_nothing = {**claims, "payload_hash": sha256_hex(b"")}
    yield s.case("no-body-no-hash", ACCEPT, make(token(header, claims, sign)).but(body=b"", method="GET"))
    yield s.case("body-no-hash", REJECT, make(token(header, claims, sign)))
    yield s.case("hash-no-body", REJECT, make(token(header, of_nothing, sign)).but(body=b""))
    yield s.case("issuer-other", REJECT, make(token(header, {**hashed, "iss": "messagebird"}, sign)))
    yield s.case("issuer-missing", REJECT, make(token(header, {k: v for k, v in hashed.items() if k != "iss"}, sign)))
    yield s.case("url-changed", REJECT, make(token(header, hashed, sign)).but(url=URL + "?x"))
    yield s.case("url-hash-missing", REJECT, make(token(header, {k: v for k, v in hashed.items() if k != "url_hash"}, sign)))
    s = Scheme("vonage", "")
    make, _ = in_header("Authorization", "Bearer {}".format)
    sign = hs(s.good.encode())
    yield s.case("no-hash", ACCEPT, make(token(header, {"iat": NOW}, sign)))
    yield s.case("hash-of-other", REJECT, make(token(header, {"iat": NOW, "payload_hash": sha256_hex(b"x")}, sign)))
    yield s.case("expired", REJECT, make(token(header, {"iat": NOW, "exp": NOW - 1}, sign)))
    yield s.case("old", REJECT, make(token(header, {"iat": NOW - 3600}, sign)))
    yield s.case("no-iat", REJECT, make(token(header, {}, sign)))
    yield s.case("bare", REJECT, Request(headers={"Authorization": token(header, {"iat": NOW}, sign)}))
    yield from fusionauth()


def fusionauth():
    header, claims = "X-FusionAuth-Signature-JWT", {"request_body_sha256": b64(hashlib.sha256(BODY).digest())}
    make, _ = in_header(header)
    rsa, ec, ed = key("rsa", "good"), key("P-256", "good"), key("ed25519", "good")
    from keypairs import pem

    public = pem("PUBLIC KEY", rsa.spki())
    s = Scheme("fusionauth", "", good=rsa, key_text=lambda k: pem("PUBLIC KEY", k.spki()), key_encoding="spki-pem")
    yield s.case("rs256", ACCEPT, make(token({"alg": "RS256"}, claims, rsa.sign)))
    for secret in (public.encode(), public.strip().encode(), rsa.spki()):
        yield s.case(f"hs256-with-public-key-{len(secret)}", REJECT, make(token({"alg": "HS256"}, claims, hs(secret))))
    yield s.case("es256", ACCEPT, make(token({"alg": "ES256"}, claims, ec.sign_jose)), [ec])
    yield s.case("es256-with-rsa-key", REJECT, make(token({"alg": "ES256"}, claims, ec.sign_jose)))
    jwk = Scheme("fusionauth", "", good=ed, key_text=lambda k: json.dumps({"kty": "OKP", "crv": "Ed25519", "x": b64u(k.public)}), key_encoding="jwk")
    yield jwk.case("eddsa", ACCEPT, make(token({"alg": "EdDSA"}, claims, ed.sign)))
    yield jwk.case("eddsa-zero", REJECT, make(token({"alg": "EdDSA"}, claims, lambda t: bytes(64))))


def truelayer():
    good, other = key("P-521", "good"), key("P-521", "other")
    kid = "45fc75cf"
    s = Scheme("truelayer", "", good=good, other=other, key_text=lambda k: json.dumps({"keys": [k.jwk(kid=kid, alg="ES512", use="sig")]}), key_encoding="jwks")
    jku = "https://webhooks.truelayer.com/.well-known/jwks"
    values = {"X-Tl-Webhook-Timestamp": "2023-11-14T22:13:20Z", "X-Tl-Signature-Id": "1"}

    def request(header=None, listed=tuple(values), sign=None, body=BODY, method="POST", path="/in", drop=None):
        jose = {"alg": "ES512", "kid": kid, "tl_version": "2", "tl_headers": ",".join(listed), "jku": jku, **(header or {})}
        jose = {k: v for k, v in jose.items() if v is not None and k != drop}
        text = f"{method} {path}\n".encode() + "".join(f"{n}: {values[n]}\n" for n in listed).encode() + body
        first = b64u(compact(jose))
        signature = (sign or (lambda t: good.sign_jose(t, "sha512")))((first + "." + b64u(text)).encode())
        return Request(body=body, method=method, url="https://hooks.example.test" + path, headers={**values, "Tl-Signature": first + ".." + b64u(signature)})

    r = request()
    yield s.case("valid", ACCEPT, r)
    yield s.case("with-query", ACCEPT, request(path="/in?a=1"))
    yield s.case("header-names-lower-case", ACCEPT, r.but(headers={k.lower(): v for k, v in r.headers.items()}))
    yield s.case("body-changed", REJECT, r.but(body=BODY + b" "))
    yield s.case("path-changed", REJECT, r.but(url=URL + "2"))
    yield s.case("method-changed", REJECT, r.but(method="PUT"))
    for name in values:
        yield s.case(name + "-changed", REJECT, r.with_header(name, "x"))
        yield s.case(name + "-removed", REJECT, r.with_header(name, None))
        yield s.case(name + "-twice", REJECT, r.with_header(name, [values[name], "x"]))
    moved = r.with_header("X-Tl-Signature-Id", None)
    yield s.case("header-moved-into-body", REJECT, moved.but(body=b"X-Tl-Signature-Id: 1\n" + BODY))
    yield s.case("other-key", REJECT, request(sign=lambda t: other.sign_jose(t, "sha512")))
    yield s.case("other-kid", REJECT, request({"kid": "x"}))
    yield s.case("der", REJECT, request(sign=lambda t: good.sign_der(t, "sha512")))
    yield s.case("sha256", REJECT, request(sign=lambda t: good.sign_jose(t, "sha256")))
    yield s.case("alg-es256", REJECT, request({"alg": "ES256"}))
    yield s.case("alg-none", REJECT, request({"alg": "none"}))
    yield s.case("version-1", REJECT, request({"tl_version": "1"}))
    yield s.case("version-missing", REJECT, request(drop="tl_version"))
    parts = r.headers["Tl-Signature"].split(".")
    text = b64u(b"POST /in\n" + "".join(f"{n}: {v}\n" for n, v in values.items()).encode() + BODY)
    yield s.case("not-detached", REJECT, r.with_header("Tl-Signature", ".".join([parts[0], text, parts[2]])))
    for url in ("https://evil.test/.well-known/jwks", "http://webhooks.truelayer.com/.well-known/jwks", "https://webhooks.truelayer.com.evil.test/.well-known/jwks", "https://webhooks.truelayer.com/other", None):
        yield s.case(f"jku-{url}", REJECT, request({"jku": url}, drop="jku" if url is None else None))


def cases():
    for part in (plaid, shared, one_by_one, truelayer):
        yield from part()
