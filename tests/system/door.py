# SPDX-License-Identifier: MIT
"""Odd but legal requests, and the edges of what is legal, straight and through the web servers: each has its one answer."""
import base64
import hashlib
import hmac
import os
import resource
import signal
import socket
import time
import uuid

import creel
from creel import Host, check

BODY = b'{"type":"order.created"}'
HALF = "v1," + base64.b64encode(b"x" * 32).decode()


def sources(h):
    rows = h.settings["sources"]
    rows["github"] = h.source("github", recipe="github", secret="github's secret")
    rows["stripe"] = h.source("stripe", recipe="stripe", secret="stripe's secret")
    for name in ("github", "stripe"):
        del rows[name]["type"]
    rows["open"] = h.source("open", recipe="none", dedupe=False)
    rows["small"] = h.source("small", max_body="64B", content_types=["Application/JSON"])
    rows["put"] = h.source("put", methods=["PUT", "POST"])
    rows["many"] = h.source("many", methods=["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "SUBSCRIBE", "UNSUBSCRIBE"])
    rows["blank"] = h.source("blank", path="/hooks/a%20b%C3%A9")
    rows["second"] = h.source("second")
    rows["short"] = h.source("short", dedupe={"by": "event_id", "window": "2s", "max": 1000})
    rows["typed"] = h.source("typed", types=["order.*"])
    rows["listed"] = h.source("listed", type=["header:X-Type", "json:/type", "const:fall.back"])
    rows["below"] = h.source("below", type="path:1")
    rows["answers"] = h.source("answers", answers={"accepted": {"status": 200, "content_type": "text/plain", "body": "fine"},
                                                   "duplicate": {"status": 204}, "refused": {"status": 400, "body": "no"}})
    for status in (401, 405, 429, 503):
        rows[f"no{status}"] = h.source(f"no{status}", answers={"refused": {"status": status}})


def signature(recipe, body, at=None):
    """Headers as GitHub or Stripe make them."""
    if recipe == "github":
        return {"X-Hub-Signature-256": "sha256=" + hmac.new(b"github's secret", body, hashlib.sha256).hexdigest(),
                "X-GitHub-Event": "push", "X-GitHub-Delivery": uuid.uuid4().hex, "Content-Type": "application/json"}
    at = int(time.time() if at is None else at)
    mac = hmac.new(b"stripe's secret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={mac}", "Content-Type": "application/json"}


class Door:
    """Requests to one host by one way in."""

    def __init__(self, h, via):
        self.h, self.via = h, via

    def ask(self, name, status, code=None, body=BODY, headers=None, path="/hooks/shop", method="POST", change=None):
        headers = dict(creel.sign(body) if headers is None else headers)
        headers.update(change or {})
        a = self.h.post(body, headers, path, method, self.via)
        check(a.status == status, f"{name}: expected {status}, got {a}")
        if code and method != "HEAD":
            check(a.json()["code"] == code, f"{name}: expected {code}, got {a}")
        return a


def signatures(d):
    good = lambda: creel.sign(BODY)
    sig = lambda change: (lambda hd: dict(hd, **{"webhook-signature": change(hd["webhook-signature"])}))(good())
    d.ask("names in capitals", 202, headers={k.upper(): v for k, v in good().items()})
    d.ask("several signatures, several versions", 202, headers=sig(lambda s: f"v1,AAAA v2,foo {HALF} {s} v1a,xx"))
    d.ask("the hundredth is good", 202, headers=sig(lambda s: " ".join([HALF] * 99 + [s])))
    d.ask("one more", 401, "signature-invalid", headers=sig(lambda s: " ".join([HALF] * 100 + [s])))
    d.ask("spaces around", 202, headers=sig(lambda s: f"  {s}  "))
    d.ask("another version only", 401, "signature-invalid", headers=sig(lambda s: "v1a," + s[3:]))
    d.ask("no padding", 401, "signature-invalid", headers=sig(lambda s: s.rstrip("=")))
    d.ask("an empty one", 401, "signature-missing", headers=sig(lambda s: ""))
    for name in ("webhook-id", "webhook-timestamp"):
        d.ask("no " + name, 401, "signature-missing", headers={k: v for k, v in good().items() if k != name})
    d.ask("a timestamp that is none", 401, "signature-invalid", change={"webhook-timestamp": "1e9"})
    d.ask("a dot in the id", 401, "signature-invalid", headers=creel.sign(BODY, "a.b"))
    d.ask("an id of 256 bytes", 202, headers=creel.sign(BODY, uuid.uuid4().hex * 8))
    d.ask("an id of 257 bytes", 401, "signature-invalid", headers=creel.sign(BODY, uuid.uuid4().hex * 8 + "x"))
    for name, change, status in (("as it is", str, 202), ("digits in capitals", lambda s: s[:7] + s[7:].upper(), 202),
                                 ("prefix in capitals", str.upper, 401)):
        headers = signature("github", BODY)
        headers["X-Hub-Signature-256"] = change(headers["X-Hub-Signature-256"])
        d.ask("github " + name, status, headers=headers, path="/hooks/github")
    form = b"payload=%7B%22a%22%3A1%7D"
    d.ask("github's forms", 202, body=form, headers=dict(signature("github", form), **{"Content-Type": "application/x-www-form-urlencoded"}),
          path="/hooks/github")
    stripe(d)


def stripe(d):
    def ask(name, status, header):
        body = b'{"id":"evt_%s","type":"charge.x"}' % uuid.uuid4().hex.encode()
        headers = signature("stripe", body)
        headers["Stripe-Signature"] = header(*headers["Stripe-Signature"].split(","))
        d.ask("stripe " + name, status, body=body, headers=headers, path="/hooks/stripe")
    ask("order and spaces", 202, lambda t, v: f"{v} , v0=abc, {t}")
    ask("the time twice, the same", 202, lambda t, v: f"{t},{t},{v}")
    ask("the time twice, different", 401, lambda t, v: f"{t},t=1,{v}")
    ask("digits in capitals", 202, lambda t, v: f"{t},v1={v[3:].upper()}")
    ask("another signature beside", 202, lambda t, v: f"{t},v1={'0' * 64},{v}")


def clocks(d):
    """Exactly at the tolerance is good, a second beyond is not; Stripe's clock may be ahead."""
    for recipe, skew, good in (("sw", -300, True), ("sw", -302, False), ("sw", 300, True), ("sw", 302, False),
                               ("stripe", -300, True), ("stripe", -302, False), ("stripe", 3600, True)):
        creel.poll(lambda: time.time() % 1 < 0.5, "the first half of a second")
        at, body = int(time.time()) + skew, b'{"id":"%s","type":"a"}' % uuid.uuid4().hex.encode()
        headers = creel.sign(body, at=at) if recipe == "sw" else signature("stripe", body, at)
        d.ask(f"{recipe} {skew} s", 202 if good else 401, None if good else "timestamp-out-of-tolerance", body, headers,
              "/hooks/shop" if recipe == "sw" else "/hooks/stripe")


def bodies(d):
    d.ask("empty JSON", 400, "malformed-body", body=b"")
    for size in (63, 64, 65):
        body = b'{"type":"a.b"' + b" " * (size - 14) + b"}"
        d.ask(f"{size} of 64 bytes", 202 if size <= 64 else 413, None if size <= 64 else "body-too-large", body, path="/hooks/small")
        if d.via:
            a = d.via.request("POST", "/hooks/small", creel.sign(body), body, chunked=True)
            check(a.status == (202 if size <= 64 else 413), f"{size} of 64 bytes in chunks: {a}")
    if d.via:
        check(d.via.request("POST", "/hooks/shop", creel.sign(b""), b"", chunked=True).status == 400, "nothing in chunks")
    for kind, status in (("application/json; charset=utf-8", 202), ("Application/JSON", 202), ("application/json ; charset=utf-8", 202), ('application/json;charset="utf-8"', 202),
                         ("text/json", 415), ("application/jsonx", 415)):
        body = b'{"type":"a.b"}'
        d.ask("content type " + kind, status, body=body, path="/hooks/small", change={"content-type": kind})
    unicode = '{"type":"order.created","name":"Žluťoučký 🐎","é":1}'.encode()
    a = d.ask("unicode", 202, body=unicode)
    check(d.h.creel("show", a.json()["id"], "--body").stdout.encode() == unicode, "unicode does not come back as it was")
    for body, status, code in ((b'{"type":"order.x","x":"\xff"}', 400, "malformed-body"), (b"\xef\xbb\xbf" + BODY, 400, "malformed-body"),
                               (BODY + b"\n", 202, None), (b"[]", 400, "event-type-missing"), (b'{"type":""}', 400, "event-type-missing"),
                               (b'{"type":"a b"}', 400, "event-type-missing"), (b'{"type":null}', 400, "event-type-missing"),
                               (b'{"type":"%s"}' % (b"a" * 128), 202, None), (b'{"type":"%s"}' % (b"a" * 129), 400, "event-type-missing"),
                               (b'{"type":"\\u006frder.x"}', 202, None), (b"[" * 2000, 400, "malformed-body"),
                               (b'{"type":"order.x","a":1e999,"b":-0,"c":123456789012345678901234567890}', 202, None)):
        d.ask(f"body {body[:60]}", status, code, body)


def paths(d):
    for path, status in (("/hooks/shop?x=1", 202), ("/hooks/shop?", 202), ("/hooks/%73hop", 202), ("/hooks/a%20b%c3%a9", 202),
                         ("/hooks/a%20%62%C3%A9", 202), ("/hooks/a+b%C3%A9", 404), ("/hooks/shop/", 404), ("/Hooks/shop", 404),
                         ("/hooks/shop;a", 404), ("/", 404), ("/hooks/" + "x" * 3000, 404), ("/hooks//shop", 400), ("//hooks/shop", 400),
                         ("/hooks/./shop", 400), ("/hooks/x/../shop", 400), ("/hooks%2fshop", 400), ("/hooks/shop%00", 400),
                         ("/hooks/below/a.b", 202), ("/hooks/below/a.b/c", 202), ("/hooks/below/%6frder", 202), ("/hooks/below", 400),
                         ("/hooks/below/", 400), ("/hooks/below/a%20b", 400)):
        d.ask("path " + path[:40], status, path=path)


def methods(d):
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "FOO"):
        body = b"" if method in ("GET", "HEAD") else BODY
        a = d.ask(method, 405, "method-not-allowed", body, method=method)
        check(a.headers["allow"] == "POST", f"{method}: Allow: {a.headers}")
    check(d.ask("PUT where it is taken", 202, path="/hooks/put", method="PUT"), "PUT")
    check(d.ask("GET where PUT is", 405, path="/hooks/put", method="GET", body=b"").headers["allow"] == "PUT, POST", "Allow of two")
    allow = d.ask("a method that is not among many", 405, path="/hooks/many", method="FOO").headers["allow"]
    check(allow == "GET, PUT, POST, PATCH, DELETE, OPTIONS, PROPFIND, SUBSCRIBE, UNSUBSCRIBE", f"Allow of many: {allow}")


def answers(d):
    headers = creel.sign(BODY)
    a = d.ask("accepted", 200, headers=headers, path="/hooks/answers")
    check(a.body == b"fine" and a.headers["content-type"] == "text/plain" and a.headers["creel-event-id"], f"{a} {a.headers}")
    b = d.ask("duplicate", 204, headers=headers, path="/hooks/answers")
    check(b.body == b"" and "content-type" not in b.headers and b.headers["creel-event-id"] == a.headers["creel-event-id"], f"{b} {b.headers}")
    c = d.ask("refused", 400, headers={}, path="/hooks/answers")
    check(c.body == b"no" and c.headers["creel-request-id"], f"{c} {c.headers}")
    for status, field in ((401, "www-authenticate"), (405, "allow"), (429, "retry-after"), (503, "retry-after")):
        c = d.ask(f"refused with {status}", status, "malformed-body", b"{", path=f"/hooks/no{status}")
        check(c.headers.get(field), f"{status} comes without {field}: {c.headers}")
    d.ask("not its type", 403, "event-type-not-allowed", b'{"type":"x.y"}', path="/hooks/typed")
    for change, body, kind in (({"X-Type": "from.header"}, BODY, "from.header"), ({}, BODY, "order.created"), ({}, b"{}", "fall.back")):
        a = d.ask("first present", 202, body=body, path="/hooks/listed", change=change)
        check(d.h.show(a.json()["id"])["type"] == kind, f"the type is not {kind}")


def duplicates(d):
    name = uuid.uuid4().hex
    first = d.ask("first", 202, headers=creel.sign(BODY, name)).json()["id"]
    other = b'{"type":"order.created","other":1}'
    check(d.ask("another body", 200, body=other, headers=creel.sign(other, name)).json()["id"] == first, "another id")
    d.ask("the other source", 202, headers=creel.sign(BODY, name), path="/hooks/second")
    check(d.ask("inside the window", 202, headers=creel.sign(BODY, name), path="/hooks/short"), "first of the short window")
    d.ask("again", 200, headers=creel.sign(BODY, name), path="/hooks/short")
    end = time.monotonic() + 3.1  # windows are kept in whole seconds
    creel.poll(lambda: time.monotonic() > end, "the window's end")
    d.ask("after the window", 202, headers=creel.sign(BODY, name), path="/hooks/short")


def all_of_it(server):
    with Host() as h:
        sources(h)
        h.write_config()
        h.start()
        d = Door(h, server(h) if server else None)
        for part in (signatures, clocks, bodies, paths, methods, answers, duplicates):
            if server and part is paths:
                continue  # web servers answer some of these themselves
            part(d)
        h.restart()
        name = uuid.uuid4().hex
        first = d.ask("before a restart", 202, headers=creel.sign(BODY, name)).json()["id"]
        h.restart()
        check(d.ask("after it", 200, headers=creel.sign(BODY, name)).json()["id"] == first, "another id after the restart")
        h.allow("refused", "not well formed")
        h.finish()


def test_raw_fastcgi():
    all_of_it(None)


def test_nginx():
    all_of_it(creel.nginx)


def test_caddy():
    all_of_it(creel.caddy)


def test_send_by_every_recipe():
    """creel send signs what the door takes, through both web servers."""
    keys = {"standard-webhooks": creel.whsec(), "github": "g", "stripe": "s",
            "standard-webhooks-v1a": "whsk_" + base64.b64encode(bytes(range(32))).decode()}
    with Host() as h:
        rows = h.settings["sources"]
        rows.clear()
        for name, key in keys.items():
            rows[name] = h.source(name, recipe=name, secret=key)
            if name == "github":
                del rows[name]["type"]
        rows["none"] = h.source("none", recipe="none")
        h.write_config()
        h.start()
        for server in (creel.nginx(h), creel.apache(h)):
            for name, row in rows.items():
                key = ["--secret-file", row["keys"][0]["secret_file"]] if "keys" in row else []
                h.creel("send", server.url(row["path"]), "--recipe", name, *key, "--type", "order.paid")
                h.creel("send", server.url(row["path"]), "--source", name, "--type", "order.paid", "--count", "30", "--concurrency", "4")
        seen = [(e["source"], e["type"]) for e in h.list()]
        check(set(seen) == {(name, "order.paid") for name in rows} and len(seen) == 2 * 31 * len(rows), f"{len(seen)} events: {set(seen)}")
        h.finish()


def crowd(h, n):
    """n connections on which nothing is said. A web server does not wait either until one is taken."""
    out = []
    for i in range(n):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        out.append(s)
        check(s.connect_ex(h.fastcgi) == 0, f"connection {i} of {n} is refused at once")
        s.settimeout(creel.DEADLINE)
    return out


def test_connections_while_intake_is_busy():
    """2000 that come in one moment wait for it, and are kept."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with open("/proc/sys/net/core/somaxconn") as f:
        if int(f.read()) < 2048 or 0 <= hard < 2200:
            raise creel.Skip("so many connections may not wait, or not be open")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2200), hard))
    with Host() as h:
        h.start()
        intake = h.role("intake")
        os.kill(intake, signal.SIGSTOP)
        try:
            waiting = crowd(h, 2000)
        finally:
            os.kill(intake, signal.SIGCONT)
        for s in waiting[::500]:
            s.sendall(creel.fcgi_request(creel.fcgi_params("POST", "/hooks/shop", creel.sign(BODY), BODY), BODY))
            a = creel.fcgi_answer(s)
            check(a.status == 202, f"on a connection that waited: {a}")
        h.accept()
        for s in waiting:
            s.close()
        h.finish()


def test_few_descriptors():
    """The limit of open files is below max_connections: a crowd takes the door's descriptors, and none that the rest needs."""
    with Host(launcher=[creel.need("prlimit"), "--nofile=128:128", *creel.as_ordinary_user()], log_level="info") as h:
        if os.getuid() == 0:
            h.give(65534)
            h.settings["peer_users"] = ["root"]
            h.write_config()
        h.allow("max_connections", "do not run as")
        h.start()
        waiting = crowd(h, 120)
        creel.poll(lambda: "max_connections are open" in h.log_text(), "the crowd to be too large")
        for path in ("/healthz", "/readyz"):
            check(creel.fcgi(h.admin, "GET", path).status == 200, path + " is not answered in a crowd")
        h.settings["sources"]["late"] = h.source("late", recipe="none")
        h.write_config()
        h.process.send_signal(signal.SIGHUP)
        creel.poll(lambda: "configuration reloaded" in h.log_text(), lambda: "a reload in a crowd\n" + h.log_tail())
        for s in waiting:
            s.close()
        creel.poll(lambda: h.post(BODY, {}, "/hooks/late").status == 202, "an event after the crowd")
        h.finish()


def test_closed_descriptors():
    """creeld without standard streams: none of its files gets their numbers."""
    with Host(launcher=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]) as h:
        h.start()
        h.accept()
        for pid in (h.process.pid, h.role("intake"), h.role("dispatch")) if os.getuid() == 0 else ():  # others may not look
            at = [os.readlink(f"/proc/{pid}/fd/{n}") for n in (0, 1, 2)]
            check(at == ["/dev/null"] * 3, f"descriptors 0 to 2 of {creel.command_line(pid)}: {at}")
        h.finish()


if __name__ == "__main__":
    creel.main(globals())
