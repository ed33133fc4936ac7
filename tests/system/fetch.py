# SPDX-License-Identifier: MIT
"""Certificates, key sets and confirmations: asked of a real HTTPS server on loopback, which stands for everybody's."""
import base64
import hashlib
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time

import creel
from creel import Host, check, poll

SNS, PAYPAL, TRUELAYER = "sns.us-west-2.amazonaws.com", "api.paypal.com", "webhooks.truelayer.com"
GRID = "rp-eastus2.eventgrid.azure.net:553"
NAMES = [SNS, PAYPAL, TRUELAYER, "rp-eastus2.eventgrid.azure.net"]
TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
PENDING, RETRY_AFTER = "keys-pending", "5"


def openssl(h, *args, data=None, out="made"):
    """Run openssl, on a file with this content where IN stands; what it writes where OUT stands."""
    source, made = h.path("etc", "to-do"), h.path("etc", out)
    with open(source, "wb") as f:
        f.write(data or b"")
    creel.run(["openssl", *[{"IN": source, "OUT": made}.get(a, a) for a in args]])
    if not os.path.exists(made):
        return b""
    with open(made, "rb") as f:
        return f.read()


# ---- the server ----------------------------------------------------------------------------------------------------

class Everybody:
    """One HTTPS server for all NAMES. `pages` maps a path to (status, headers, body) or to a function that returns such."""

    def __init__(self, h):
        self.pages, self.asked, self.host = {}, [], h
        everybody = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                everybody.asked.append((self.headers["Host"], self.path))
                page = everybody.pages.get(self.path, (404, {}, b"nothing"))
                status, headers, body = page() if callable(page) else page
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass

        self.make_authority()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(h.path("etc/server.crt"), h.path("etc/server.key"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def make_authority(self):
        h = self.host
        def at(name):
            return h.path("etc", name)
        openssl(h, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test Authority", "-keyout", at("ca.key"),
                "-out", at("ca.crt"))
        openssl(h, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=everybody", "-keyout", at("server.key"), "-out", at("server.csr"))
        names = "subjectAltName=" + ",".join("DNS:" + n for n in NAMES)
        openssl(h, "x509", "-req", "-in", at("server.csr"), "-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2",
                "-extfile", "IN", "-out", at("server.crt"), data=names.encode())

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def times(self, path):
        return sum(p == path for _, p in self.asked)


# ---- the senders ---------------------------------------------------------------------------------------------------

class Sns:
    def __init__(self, h):
        self.h, self.key = h, h.path("etc", "sns.key")
        self.certificate = openssl(h, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sns", "-keyout",
                                   self.key, "-out", "OUT", out="sns.crt")

    def sign(self, text):
        return base64.b64encode(openssl(self.h, "dgst", "-sha256", "-sign", self.key, "-out", "OUT", "IN", data=text.encode())).decode()

    def message(self, kind="Notification", cert=f"https://{SNS}/cert.pem", **more):
        m = {"Type": kind, "MessageId": os.urandom(8).hex(), "TopicArn": TOPIC, "Message": "hello",
             "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), "SignatureVersion": "2", "SigningCertURL": cert, **more}
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        m["Signature"] = self.sign("".join(f"{n}\n{m[n]}\n" for n in names if n in m))
        return json.dumps(m).encode()

    def subscription(self, url, **more):
        return self.message("SubscriptionConfirmation", SubscribeURL=url, Token="2336412f37", **more)


def post(h, body, source="sns", **headers):
    return h.post(body, {"content-type": "text/plain" if source == "sns" else "application/json", **headers}, "/hooks/" + source)


def fetches(h):
    return [e for e in h.list() if e["type"] == "creel.fetch"]


def fetched(h, source, url):
    return h.spool("fetched", source, hashlib.sha256(url.encode()).hexdigest())


def with_everybody(sources, private=True, trusted=True, **more):
    h = Host(functions="", **more)
    server = Everybody(h)
    h.settings["sources"] = sources
    h.settings["fetch_connect_to"] = " ".join(f"{n}:{p}:127.0.0.1:{server.port}" for n in NAMES for p in (443, 553))
    h.settings["fetch_private"] = private
    if trusted:
        h.settings["fetch_ca_file"] = h.path("etc/ca.crt")
    h.write_config()
    return h, server


def sns_source(**more):
    return {"sns": {"path": "/hooks/sns", "recipe": "aws-sns", "params": {"topic_arn": TOPIC}, **more}}


def refused(answer, status, code):
    check(answer.status == status and answer.json()["code"] == code, f"expected {status} {code}, got {answer}")


def pending(answer):
    refused(answer, 503, PENDING)
    check(answer.headers.get("retry-after") == RETRY_AFTER, f"headers {answer.headers}")


def accepted_soon(h, make, source="sns", **headers):
    """What a sender does: try again until it is taken."""
    def once():
        answer = post(h, make(), source, **headers)
        check(answer.status in (202, 503), f"expected 202 or 503, got {answer}")
        return answer if answer.status == 202 else None
    return poll(once, lambda: "the event to be taken\n" + h.log_tail())


def dead_because(h, url, why):
    """The fetch of this address becomes a dead letter that says so."""
    def found():
        for e in fetches(h):
            if e["state"] == "dead" and json.loads(h.show(e["id"])["body"])["url"] == url:
                return e
        return None
    e = poll(found, lambda: f"a dead letter for {url}: {fetches(h)}\n{h.log_tail()}")
    check(why in e["functions"][0]["why"], f"dead because {e['functions'][0]['why']}, not {why}")
    letter = h.spool("dead", e["source"], e["type"], e["id"] + ".creel.fetch.json")
    poll(lambda: os.path.exists(letter), letter + " to be written")
    return e


# ---- the tests -----------------------------------------------------------------------------------------------------

def test_configuration():
    """Who fetches keys needs none; who verifies nothing says so."""
    with Host() as h:
        for recipe, more, wrong in (("aws-sns", {}, ""), ("github", {}, "/sources/s: needs a key"),
                                    ("github", {"allow_unsigned": True}, "/sources/s: needs a key"),
                                    ("eventgrid", {}, "/sources/s: this recipe lets anybody"),
                                    ("eventgrid", {"allow_unsigned": True}, "")):
            h.settings["sources"] = {"s": {"path": "/s", "recipe": recipe, "type": "const:t", **more}}
            h.write_config()
            done = subprocess.run([creel.CREELD, "-t", "-c", h.config], capture_output=True, text=True, check=False)
            check(done.returncode == (100 if wrong else 0) and wrong in done.stderr, f"{recipe} {more}: {done.stderr}")
            check(wrong or not done.stderr, f"{recipe} {more}: {done.stderr}")


def test_sns():
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        server.pages["/cert.pem"] = (200, {}, sns.certificate)
        subscribe = f"/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
        server.pages[subscribe] = (200, {}, b"<ok/>")
        h.function("Notification", creel.code("record"), OUT=h.path("out/out"), TYPES="Notification")
        h.start()
        flood = [sns.message() for _ in range(20)]
        for answer in creel.together(20, lambda i: post(h, flood[i])):
            check(not isinstance(answer, Exception), str(answer))
            pending(answer)
        first = accepted_soon(h, lambda: flood[0]).json()["id"]
        h.wait_state(first, "done")
        for body in flood[1:]:
            check(post(h, body).status == 202, "the same events, tried again, are taken")
        check(server.times("/cert.pem") == 1, f"one fetch for all of them: {server.asked}")
        check(os.stat(fetched(h, "sns", f"https://{SNS}/cert.pem")).st_size == len(sns.certificate), "the certificate is in the spool")
        refused(post(h, flood[0].replace(b"hello", b"hallo")), 401, "signature-invalid")
        # the subscription, twice at once and once again
        body = sns.subscription(f"https://{SNS}{subscribe}")
        answers = creel.together(2, lambda _: post(h, body)) + [post(h, body)]
        check(all(a.status == 200 and a.body == b"" for a in answers), f"answers {answers}")
        h.wait_all([e["id"] for e in fetches(h)], "done")
        check(len(fetches(h)) == 2 and server.times(subscribe) == 1, f"confirmed once: {server.asked}")
        check({a for a, _ in server.asked} == {SNS}, f"asked of {server.asked}")
        confirmed = [h.show(e["id"]) for e in fetches(h)][1]
        check(json.loads(confirmed["body"])["purpose"] == "confirm" and not os.path.exists(
            fetched(h, "sns", f"https://{SNS}{subscribe}")), "a confirmation is not kept")
        h.restart()
        check(post(h, sns.message()).status == 202, "after a restart the certificate is still there")
        check(server.times("/cert.pem") == 1, f"asked {server.asked}")
        h.allow("keys that prove this request", "The signature does not match")
        h.finish()
        server.stop()


def test_addresses_that_nobody_listed():
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        server.pages["/cert.pem"] = (200, {}, sns.certificate)
        h.start()
        for url in ("https://evil.example/cert.pem", f"http://{SNS}/cert.pem", f"https://{SNS}.evil.example/cert.pem",
                    f"https://{SNS}:8443/cert.pem", f"https://me@{SNS}/cert.pem", f"https://{SNS}/cert", f"https://{SNS}/cert?x.pem",
                    f"https://evil.example/#{SNS}/cert.pem", "https://sns.a.b.amazonaws.com/cert.pem"):
            refused(post(h, sns.message(cert=url)), 401, "signature-invalid")
        check(not h.list(), "nothing is asked for")
        pending(post(h, sns.message()))
        accepted_soon(h, sns.message)
        for url in ("https://evil.example/?confirm", f"http://{SNS}/?confirm", f"https://{SNS}:444/?confirm"):
            answer = post(h, sns.subscription(url))
            check(answer.status == 403, f"{url}: {answer}")
        unsigned = sns.subscription(f"https://{SNS}/?confirm").replace(b"2336412f37", b"2336412f38")
        refused(post(h, unsigned), 401, "signature-invalid")
        check(len(fetches(h)) == 1 and server.asked == [(SNS, "/cert.pem")], f"asked {server.asked}")
        h.allow("keys that prove this request", "The signature does not match", "handshake")
        h.finish()
        server.stop()


def test_answers_that_are_refused():
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        server.pages.update({
            "/moved.pem": (302, {"Location": f"https://{SNS}/elsewhere.pem"}, b""),
            "/elsewhere.pem": (200, {}, sns.certificate),
            "/huge.pem": (200, {}, sns.certificate + b"\n" * 65536),
            "/page.pem": (200, {}, b"<html>hello</html>"),
            "/gone.pem": (410, {}, b""),
        })
        h.start()
        for path, why in (("/moved.pem", "redirects are not followed"), ("/huge.pem", "larger than 65536 bytes"),
                          ("/page.pem", "is no x509-pem"), ("/gone.pem", "answered 410")):
            pending(post(h, sns.message(cert=f"https://{SNS}{path}")))
            dead_because(h, f"https://{SNS}{path}", why)
            pending(post(h, sns.message(cert=f"https://{SNS}{path}")))
            check(server.times(path) == 1 and not os.path.exists(fetched(h, "sns", f"https://{SNS}{path}")), f"{path}: {server.asked}")
        check(server.times("/elsewhere.pem") == 0, f"asked {server.asked}")
        check(len(fetches(h)) == 4, "what was in vain is not asked for again at once")
        h.allow("keys that prove this request", "run ended, dead")
        h.finish()
        server.stop()


def test_private_addresses_and_strangers_certificates():
    for private, trusted, why in ((False, True, "private address"), (True, False, "certificate")):
        h, server = with_everybody(sns_source(), private, trusted)
        with h:
            sns = Sns(h)
            server.pages["/cert.pem"] = (200, {}, sns.certificate)
            h.start()
            pending(post(h, sns.message()))
            dead_because(h, f"https://{SNS}/cert.pem", why)
            check(not server.asked, f"asked {server.asked}")
            h.allow("keys that prove this request", "run ended, dead")
            h.finish()
            server.stop()


def test_server_that_is_away():
    """Keys are given up after a few attempts and asked for again when they are needed again; a person may replay."""
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        server.pages["/cert.pem"] = (503, {}, b"")
        h.start()
        pending(post(h, sns.message()))
        e = dead_because(h, f"https://{SNS}/cert.pem", "given up after 4 attempts")
        check(e["functions"][0]["attempts"] == 4 and server.times("/cert.pem") == 4, f"{e}, asked {server.asked}")
        server.pages["/cert.pem"] = (200, {}, sns.certificate)
        h.creel("replay", e["id"])
        h.wait_state(e["id"], "done")
        accepted_soon(h, sns.message)
        # a confirmation that is refused at first
        answers = [(500, {}, b""), (429, {}, b""), (200, {}, b"")]
        server.pages["/?confirm"] = lambda: answers.pop(0)
        check(post(h, sns.subscription(f"https://{SNS}/?confirm")).status == 200, "the handshake is answered at once")
        h.wait_all([e["id"] for e in fetches(h)], "done")
        check(server.times("/?confirm") == 3, f"asked {server.asked}")
        h.allow("keys that prove this request", "run ended, dead")
        h.finish()
        server.stop()


def test_killed_in_between():
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        gate = threading.Event()

        def slow():
            gate.wait(20)
            return 200, {}, sns.certificate
        server.pages["/cert.pem"] = slow
        h.start()
        pending(post(h, sns.message()))
        poll(lambda: server.asked, lambda: "the server to be asked\n" + h.log_tail())
        os.kill(h.role("dispatch"), signal.SIGKILL)
        gate.set()
        h.wait_all([e["id"] for e in fetches(h)], "done")
        check(server.times("/cert.pem") == 2, f"the run that was cut off is run again: {server.asked}")
        accepted_soon(h, sns.message)
        os.kill(h.role("intake"), signal.SIGKILL)
        h.wait_ready()
        check(post(h, sns.message()).status == 202, "what was fetched outlives the door")
        h.allow("keys that prove this request", "ended|killed|restart|role|dispatch|intake")
        h.finish()
        server.stop()


def test_nobody_else_sees_it():
    h, server = with_everybody(sns_source())
    with h:
        sns = Sns(h)
        server.pages["/cert.pem"] = (200, {}, sns.certificate)
        for name in ("creel.fetch", "all"):
            h.function(name, creel.code("record"), OUT=h.path("out", name), TYPES="* creel.* creel.fetch")
        h.start()
        pending(post(h, sns.message()))
        done = accepted_soon(h, sns.message).json()["id"]
        h.wait_state(done, "done")
        check(h.outputs("all") == [f"{done} 1 Notification"] and not h.outputs("creel.fetch"), f"{h.outputs('all')}")
        check([f["name"] for e in fetches(h) for f in e["functions"]] == ["creel.fetch"], f"{fetches(h)}")
        h.allow("keys that prove this request", "names that begin with creel")
        h.finish()
        server.stop()


def round_trip(launcher=(), owner=None, **more):
    """A certificate and a confirmation, as somebody else."""
    h, server = with_everybody(sns_source(), launcher=launcher, **more)
    with h:
        sns = Sns(h)
        server.pages.update({"/cert.pem": (200, {}, sns.certificate), "/?confirm": (200, {}, b"")})
        if owner:
            h.give(owner)
        h.start()
        pending(post(h, sns.message()))
        accepted_soon(h, sns.message)
        check(post(h, sns.subscription(f"https://{SNS}/?confirm")).status == 200, "the handshake is answered")
        h.wait_all([e["id"] for e in fetches(h)], "done")
        check(server.asked == [(SNS, "/cert.pem"), (SNS, "/?confirm")], f"asked {server.asked}")
        h.allow("keys that prove this request", "cannot be isolated|namespace|landlock|isolation|memory|open files")
        h.finish()
        server.stop()


def test_as_an_ordinary_user():
    if os.getuid() != 0:
        raise creel.Skip("not root")
    round_trip(creel.as_ordinary_user(), 65534, peer_users=["root", "nobody"])


def test_without_namespaces():
    round_trip(creel.without_namespaces(), 65534, peer_users=["root", "nobody"])


def test_as_users_that_root_chose():
    if os.getuid() != 0:
        raise creel.Skip("not root")
    round_trip(user="nobody", worker_user="games", peer_users=["root"])


def test_paypal():
    url, webhook_id = f"https://{PAYPAL}/v1/notifications/certs/CERT-1", "1JE4291016473214C"
    h, server = with_everybody({"paypal": {"path": "/hooks/paypal", "recipe": "paypal", "params": {"webhook_id": webhook_id}}})
    with h:
        sender = Sns(h)
        server.pages["/v1/notifications/certs/CERT-1"] = (200, {}, sender.certificate)
        h.start()
        body = b'{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}'
        at, crc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), __import__("zlib").crc32(body)
        headers = {"paypal-transmission-id": "t-1", "paypal-transmission-time": at, "paypal-auth-algo": "SHA256withRSA",
                   "paypal-cert-url": url, "paypal-transmission-sig": sender.sign(f"t-1|{at}|{webhook_id}|{crc}")}
        pending(post(h, body, "paypal", **headers))
        accepted_soon(h, lambda: body, "paypal", **headers)
        refused(post(h, body + b" ", "paypal", **headers), 401, "signature-invalid")
        refused(post(h, body, "paypal", **dict(headers, **{"paypal-cert-url": "https://api.paypal.com.evil.example/c"})), 401, "signature-invalid")
        check(server.asked == [(PAYPAL, "/v1/notifications/certs/CERT-1")], f"asked {server.asked}")
        h.allow("keys that prove this request", "The signature does not match")
        h.finish()
        server.stop()


def test_event_grid():
    """Both of its ways to have a subscription confirmed from outside; anybody may send these, so that there are not too many."""
    sources = {s: {"path": "/hooks/" + s, "recipe": s, "allow_unsigned": True, "params": {"variant": "confirm", **more}}
               for s, more in (("eventgrid", {}), ("cloudevents", {"allowed_origin": "eventgrid.azure.net"}))}
    h, server = with_everybody(sources)
    with h:
        server.pages.update({"/validate?id=1": (200, {}, b"ok"), "/validate?id=2": (200, {}, b"ok")})
        h.start()

        def validation(url):
            event = {"id": "1", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c", "validationUrl": url}}
            return post(h, json.dumps([event]).encode(), "eventgrid", **{"aeg-event-type": "SubscriptionValidation"})

        def permission(url, origin="eventgrid.azure.net"):
            return h.post(b"", {"webhook-request-origin": origin, "webhook-request-callback": url}, "/hooks/cloudevents", "OPTIONS")
        check(validation(f"https://{GRID}/validate?id=1").status == 200, "the validation is answered")
        answer = permission(f"https://{GRID}/validate?id=2")
        check(answer.status == 200 and "webhook-allowed-origin" not in answer.headers and answer.headers["allow"] == "POST, OPTIONS", f"{answer.headers}")
        h.wait_all([e["id"] for e in fetches(h)], "done")
        check([p for _, p in server.asked] == ["/validate?id=1", "/validate?id=2"], f"asked {server.asked}")
        check({a for a, _ in server.asked} == {GRID}, f"asked {server.asked}")
        for answer in (validation("https://evil.example/?id=1"), permission("https://evil.example/?id=2"),
                       permission(f"https://{GRID}/validate?id=3", "evil.example")):
            check(answer.status == 403, f"{answer}")
        server.pages.update({f"/validate?n={i}": (200, {}, b"ok") for i in range(20)})
        answers = [validation(f"https://{GRID}/validate?n={i}").status for i in range(20)]
        check(answers.count(200) < 20 and answers[-1] == 429, f"too many of them: {answers}")
        h.wait_all([e["id"] for e in fetches(h)], "done")
        h.allow("handshake", "Too many requests", "no key|anybody")
        h.finish()
        server.stop()


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw_signature(der, n):
    """r||s out of SEQUENCE { INTEGER r, INTEGER s }, each below 128 bytes."""
    at = 3 if der[1] == 0x81 else 2
    out = b""
    for _ in range(2):
        size = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(n, "big")
        at += 2 + size
    return out


class TrueLayer:
    URL = f"https://{TRUELAYER}/.well-known/jwks"

    def __init__(self, h, kid):
        self.h, self.kid, self.key = h, kid, h.path("etc", kid + ".pem")
        openssl(h, "ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", self.key)
        point = openssl(h, "pkey", "-in", self.key, "-pubout", "-outform", "DER", "-out", "OUT")[-132:]
        self.jwk = {"kty": "EC", "crv": "P-521", "kid": kid, "alg": "ES512", "x": b64url(point[:66]), "y": b64url(point[66:])}

    def headers(self, body):
        head = b64url(json.dumps({"alg": "ES512", "kid": self.kid, "tl_version": "2", "tl_headers": "", "jku": self.URL}).encode())
        text = f"{head}.{b64url(b'POST /hooks/tl' + bytes([10]) + body)}"
        der = openssl(self.h, "dgst", "-sha512", "-sign", self.key, "-out", "OUT", "IN", data=text.encode())
        return {"tl-signature": f"{head}..{b64url(raw_signature(der, 66))}"}


def test_truelayer_and_a_new_key():
    """A key set; later the sender signs with a key that came after it was fetched."""
    h, server = with_everybody({"tl": {"path": "/hooks/tl", "recipe": "truelayer", "public_url": "https://hooks.example.com/hooks/tl"}})
    with h:
        old, new = TrueLayer(h, "old"), TrueLayer(h, "new")
        server.pages["/.well-known/jwks"] = (200, {}, json.dumps({"keys": [old.jwk]}).encode())
        h.start()
        def event(n):
            return json.dumps({"event_type": "payment_executed", "event_id": n}).encode()
        pending(post(h, event("1"), "tl", **old.headers(event("1"))))
        accepted_soon(h, lambda: event("1"), "tl", **old.headers(event("1")))
        refused(post(h, event("2"), "tl", **old.headers(event("1"))), 401, "signature-invalid")
        server.pages["/.well-known/jwks"] = (200, {}, json.dumps({"keys": [old.jwk, new.jwk]}).encode())
        refused(post(h, event("3"), "tl", **new.headers(event("3"))), 401, "signature-invalid")
        check(server.times("/.well-known/jwks") == 1, f"not more than once a minute: {server.asked}")
        h.allow("keys that prove this request", "The signature does not match")
        h.finish()
        server.stop()


creel.main(globals())
