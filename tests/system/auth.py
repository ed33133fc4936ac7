# SPDX-License-Identifier: MIT
"""Who calls, besides signatures: credentials, tokens and client certificates through real web servers, and what is forged of them."""
import base64
import json
import os
import ssl
import subprocess
import time

import creel
import webserver
from authority import Authority
from creel import Host, Server, check

TOKEN, OTHER = "tok-4bf92f3577b34da6a3ce929d0e0e4736", "tok-00f067aa0ba902b700f067aa0ba902b7"
USER = "shop:pass:word of some length"
BODY, JSON = b'{"type":"order.created"}', {"content-type": "application/json"}
ISSUER, AUDIENCE = "https://login.example.com/", "https://hooks.example.com"


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An RSA key of an authorization server."""

    def __init__(self, h, kid):
        self.kid, self.file, self.public = kid, h.path("etc", kid + ".key"), h.path("etc", kid + ".pub")
        creel.run(["openssl", "genrsa", "-out", self.file, "2048"])
        creel.run(["openssl", "rsa", "-in", self.file, "-pubout", "-out", self.public])

    def jwk(self):
        modulus = creel.run(["openssl", "rsa", "-in", self.file, "-noout", "-modulus"]).strip().split("=")[1]
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": unpadded(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, text, digest=("-sign",), key=None):
        return subprocess.run(["openssl", "dgst", "-sha256", *digest, key or self.file], input=text.encode(), capture_output=True, check=True).stdout

    def token(self, header=None, hmac_key=None, **claims):
        """A token; hmac_key: signed with this text as a shared secret instead."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "scope": "events:write other", **claims}
        text = unpadded(json.dumps({"alg": "RS256", "kid": self.kid, **(header or {})}).encode()) + "." + unpadded(json.dumps(claims).encode())
        made = self.sign(text, ("-mac", "HMAC", "-macopt", "hexkey:" + hmac_key.hex(), "-binary"), "/dev/stdin") if hmac_key else self.sign(text)
        return text + "." + unpadded(made)


def keys(h, name, **texts):
    return [{"id": i, "secret_file": h.key_file(f"{name}-{i}", text)} for i, text in texts.items()]


def put_jwks(h, *issuers):
    at = h.path("etc/issuer.jwks")
    with open(at + ".new", "w", encoding="ascii") as f:
        json.dump({"keys": [i.jwk() for i in issuers]}, f)
    os.chmod(at + ".new", 0o644)
    os.rename(at + ".new", at)
    return at


def sources(h, issuer):
    key = h.key_file("token", TOKEN)
    auth = {
        "bearer": {"bearer": {"keys": keys(h, "bearer", old=TOKEN, new=OTHER)}},
        "basic": {"basic_file": h.key_file("user", USER)},
        "key": {"api_key": {"header": "X-Shop-Key", "keys": keys(h, "key", k=TOKEN)}},
        "query": {"url_token_file": key},
        "path": {"url_token": {"from": "path:1", "keys": keys(h, "path", k=TOKEN)}},
        "two": {"api_key_file": key, "basic_file": h.path("etc/user")},
        "hs": {"jwt": {"keys": keys(h, "hs", k="0123456789abcdef" * 3), "issuer": ISSUER, "audience": [AUDIENCE], "scopes": ["a", "b"]}},
        "jwt": {"jwt": {"jwks_file": put_jwks(h, issuer), "issuer": ISSUER, "audience": AUDIENCE, "scopes": ["events:write"]}},
    }
    out = {name: h.source(name, recipe="none", dedupe=False, auth=a) for name, a in auth.items()}
    for s in out.values():
        del s["allow_unsigned"]
    out["signed"] = h.source("signed", auth={"api_key_file": key})
    return out


def ask(h, via, name, status, headers=None, path="", body=BODY):
    a = h.post(body, {**JSON, **(headers or {})}, f"/hooks/{name}{path}", via=via)
    check(a.status == status, f"{name}{path} {sorted(headers or {})}: expected {status}, got {a}")
    check(status != 401 or a.headers.get("www-authenticate"), f"{name}: 401 without a challenge: {a}")
    check(status != 401 or a.json()["code"] in ("unauthenticated", "signature-missing"), f"{name}: {a}")
    return a


def credentials(h, via):
    basic = lambda text: {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
    for token, status in ((TOKEN, 202), (OTHER, 202), (TOKEN + "x", 401), (TOKEN[:-1], 401), ("", 401)):
        ask(h, via, "bearer", status, {"Authorization": "Bearer " + token})
    check(ask(h, via, "bearer", 401).headers["www-authenticate"] == 'Bearer realm="bearer"', "another challenge")
    ask(h, via, "bearer", 401, path="?access_token=" + TOKEN)
    for text, status in ((USER, 202), (USER + "x", 401), ("shop:", 401), (":", 401), (USER + "\0", 401)):
        ask(h, via, "basic", status, basic(text))
    for headers, status in (({"X-Shop-Key": TOKEN}, 202), ({"x-shop-key": " " + TOKEN + " "}, 202), ({"X-Shop-Key": OTHER}, 401),
                            ({"X-API-Key": TOKEN}, 401), ({"X-Shop-Key": "a" * 7000}, 401)):
        ask(h, via, "key", status, headers)
    for path, status in (("?token=" + TOKEN, 202), ("?a=b&token=" + TOKEN, 202), ("?token=x", 401), ("", 401),
                         (f"?token={TOKEN}&token={TOKEN}", 401), (f"?token={TOKEN}%00", 401)):
        ask(h, via, "query", status, path=path)
    for path, status in (("/" + TOKEN, 202), ("/" + OTHER, 401), ("/", 401), ("", 401), (f"/x/{TOKEN}", 401)):
        ask(h, via, "path", status, path=path)
    ask(h, via, "two", 202, {"X-API-Key": TOKEN, **basic(USER)})
    ask(h, via, "two", 401, {"X-API-Key": TOKEN})
    ask(h, via, "two", 401, basic(USER))
    ask(h, via, "signed", 202, {"X-API-Key": TOKEN, **creel.sign(BODY)})
    ask(h, via, "signed", 401, {"X-API-Key": TOKEN})
    ask(h, via, "signed", 401, creel.sign(BODY))


def bad_tokens(issuer, forger):
    """By what is wrong with them."""
    with open(issuer.public, "rb") as f:
        public = f.read()
    head, claims, signature = issuer.token().split(".")
    return {
        "no algorithm": unpadded(b'{"alg":"none"}') + "." + claims + ".",
        "its algorithm with a signature": unpadded(b'{"alg":"none"}') + "." + claims + "." + signature,
        "the public key as a secret": issuer.token({"alg": "HS256"}, hmac_key=public),
        "the public key without its end": issuer.token({"alg": "HS256"}, hmac_key=public.strip()),
        "another's key by this one's name": forger.token({"kid": issuer.kid}),
        "another's key by its own name": forger.token(),
        "a key of its own": forger.token({"kid": "x", "jwk": forger.jwk()}),
        "a name that is a path": forger.token({"kid": "../../" + forger.file}),
        "an end": issuer.token(exp=int(time.time()) - 60),
        "no end": issuer.token(exp=None),
        "a beginning": issuer.token(nbf=int(time.time()) + 3600),
        "another issuer": issuer.token(iss=ISSUER + "x"),
        "another audience": issuer.token(aud="x"),
        "no signature": head + "." + claims,
        "a changed claim": head + "." + claims[:-2] + "AA." + signature}


def tokens(h, via, good, bad, narrow):
    bearer = lambda token: {"Authorization": "Bearer " + token, **JSON}
    ask(h, via, "jwt", 202, bearer(good))
    for name, token in bad.items():
        a = h.post(BODY, bearer(token), "/hooks/jwt", via=via)
        check(a.status == 401 and 'error="invalid_token"' in a.headers["www-authenticate"], f"{name}: {a}")
    a = ask(h, via, "jwt", 403, bearer(narrow))
    check(a.json()["code"] == "insufficient-scope" and 'scope="events:write"' in a.headers["www-authenticate"], f"{a}")


def sent_by_creel(h, server, token):
    """creel send shows what the configuration holds, and says what it does not."""
    def send(name, *more, path="", status=0):
        return h.creel("send", "--source", name, server.url(f"/hooks/{name}{path}"), *more, status=status).stderr
    for name in ("bearer", "basic", "key", "query", "path", "two", "hs", "signed"):
        check(send(name) == "", f"{name}: a warning")
    send("query", path="?a=b&token=x", status=1)  # one given by hand stays
    send("path", path="/x", status=1)
    send("path", path="/", status=0)
    send("key", "--header", "x-shop-key: x", status=1)
    said = send("jwt", status=1)
    check("without the jwt that source jwt asks for: no key that is valid now can sign" in said, f"jwt: {said}")
    check(send("jwt", "--header", "Authorization: Bearer " + token) == "", "a token by hand: a warning")
    said = h.creel("send", "--source", "path", server.url("/other"), status=1).stderr
    check("without the url_token that source path asks for: the path of the URL" in said, f"path: {said}")


def listed(h):
    """creel keys list has the keys of auth, and nothing of what they are."""
    text = h.creel("keys", "list", "--json").stdout
    rows = {(r["source"], r["method"], r["id"]): r for r in map(json.loads, text.splitlines())}
    for at, encoding, kind in ((("bearer", "bearer", "old"), "utf8", "secret"), (("bearer", "bearer", "new"), "utf8", "secret"),
                               (("two", "api_key", "api_key"), "utf8", "secret"), (("two", "basic", "basic"), "utf8", "secret"),
                               (("jwt", "jwt", "jwks"), "jwks", "rsa"), (("signed", None, "signed-1"), "whsec_base64", "secret")):
        r = rows.get(at)
        check(r and (r["key_encoding"], r["kind"], r["state"], r["why"]) == (encoding, kind, "live", None), f"{at}: {r}, of {sorted(map(str, rows))}")
    check(rows["jwt", "jwt", "jwks"]["kid"] == "first" and rows["jwt", "jwt", "jwks"]["fingerprint"], "no kid")
    people = h.creel("keys", "list").stdout
    check("  url_token/url_token  " in people and "  jwt/jwks  " in people, f"{people}")
    check(not any(t in people + text for t in (TOKEN, OTHER, USER)), "a secret is listed")


def no_trace(h):
    """No credential anywhere it could stay."""
    secrets = [TOKEN, OTHER, base64.b64encode(USER.encode()).decode(), USER]
    written = [os.path.join(folder, name) for folder, _, names in os.walk(h.spool()) for name in names] + [h.path("log")]
    paths = False
    for at in written:
        with open(at, "rb") as f:
            content = f.read()
        for s in secrets:
            check(s.encode() not in content, f"{s} is in {at}")
        paths = paths or '"path":"/hooks/path/…"'.encode() in content
    check(paths, "no path without its token")


def test_credentials_and_tokens():
    with Host() as h:
        issuer, forger = Issuer(h, "first"), Issuer(h, "forger")
        h.settings["sources"] = sources(h, issuer)
        h.allow("a url_token alone")
        h.write_config()
        h.start()
        made = issuer.token(aud=["x", AUDIENCE]), bad_tokens(issuer, forger), issuer.token(scope="events:writer")
        server = creel.nginx(h)
        for via in (None, server, creel.caddy(h)):
            credentials(h, via)
            tokens(h, via, *made)
        sent_by_creel(h, server, made[0])
        listed(h)
        a = h.post(BODY, {"Authorization": "Bearer " + issuer.token(pad="x" * 14000), **JSON}, "/hooks/jwt")
        check(a.status == 401 and "too long" in a.json()["detail"], f"{a}")
        second = Issuer(h, "second")
        put_jwks(h, second)
        taken = lambda i: h.post(BODY, {"Authorization": "Bearer " + i.token(), **JSON}, "/hooks/jwt").status
        creel.poll(lambda: taken(second) == 202, "the new key to be taken")
        check(taken(issuer) == 401, "the old key is still taken")
        no_trace(h)
        h.finish()


def test_certificates():
    with Host() as h:
        authority = Authority(h.path("etc"))
        for name, auth in (("digest", {"sha256": ["00" * 32, authority.digest("client")]}), ("other", {"sha256": ["00" * 32]}),
                           ("subject", {"subject": "CN=client,O=Acme\\, Inc."}), ("name", {"subject": "CN=client"})):
            h.settings["sources"][name] = h.source(name, recipe="none", dedupe=False, auth={"client_cert": auth})
        h.write_config()
        h.start()
        tls = webserver.Tls(authority.path("server.pem"), authority.path("server.key"), authority.path("ca.pem"))
        with open(authority.path("client.pem"), encoding="ascii") as f:
            pem = f.read()
        forged = {"SSL-Client-Verify": "SUCCESS", "SSL-Client-Cert": "".join(pem.split("\n")), "SSL-Client-Fingerprint": authority.digest("client"),
                  "X-SSL-Client-Verify": "SUCCESS", **JSON}
        for kit in ("nginx", "apache", "caddy", "lighttpd"):
            server = Server(h, kit, tls=tls)
            for client, name, status in (("client", "digest", 202), ("client", "subject", 202), ("client", "other", 401), ("client", "name", 401),
                                         (None, "digest", 401), (None, "subject", 401)):
                for headers in (JSON, forged):
                    a = server.request("POST", "/hooks/" + name, headers, BODY, context=authority.context(client))
                    check(a.status == status, f"{kit}, {client}, {name}: expected {status}, got {a}")
            try:
                a = server.request("POST", "/hooks/digest", forged, BODY, context=authority.context("stranger"))
                check(a.status in (400, 401), f"{kit}: a stranger's certificate: {a}")
            except (OSError, ssl.SSLError):
                pass  # the server ended it
            server.stop()
            plain = Server(h, kit)  # one that knows nothing of certificates
            a = plain.request("POST", "/hooks/digest", forged, BODY)
            check(a.status == 401, f"{kit} without TLS: {a}")
            plain.stop()
        h.finish()


def test_weak_settings_are_named():
    with Host() as h:
        rows = h.settings["sources"]
        add = lambda name, auth, **more: rows.update({name: h.source(name, recipe="none", auth=auth, **more)})
        add("short", {"bearer_file": h.key_file("short", "password")}, public_url="http://hooks.example.com/hooks/short")
        add("url", {"url_token_file": h.key_file("url", TOKEN)})
        add("jwt", {"jwt": {"jwks_file": put_jwks(h, Issuer(h, "one")), "require_exp": False}})
        add("cert", {"client_cert": {"subject": "CN=a"}})
        add("gone", {"api_key": {"keys": [{"id": "k", "secret_file": h.path("etc/url"), "not_after": "2020-01-01T00:00:00Z"}]}})
        h.settings["listen_mode"] = "0666"
        h.settings["trusted_proxies"] = ["10.0.0.0/8", "0.0.0.0/0"]
        del h.settings["peer_users"]
        h.write_config()
        said = lambda: subprocess.run([creel.CREELD, "-t", "-c", h.config], capture_output=True, text=True, check=False)
        done = said()
        check(done.returncode == 0, f"-t: {done.stderr}")
        for words in ("/sources/short/auth/bearer_file: warning: key bearer: it is shorter than 16 bytes", "public_url is not https",
                      "a url_token alone", "no issuer and no audience", "never expire", "every user of this machine",
                      "/trusted_proxies/1: warning: trusts every address",
                      "/sources/gone/auth/api_key: warning: no key of this method is valid now"):
            check(words in done.stderr, f"-t does not say '{words}':\n{done.stderr}")
        h.settings["listen"] = f"127.0.0.1:{creel.free_port()}"
        h.write_config()
        done = said()
        check(done.returncode == 100 and "/sources/cert/auth: client_cert needs listen to be a unix socket" in done.stderr, f"-t: {done.stderr}")


creel.main(globals())
