# SPDX-License-Identifier: MIT
"""The four web servers with the configurations below deploy/, in front of a real creeld: the same cases for each, and what becomes of
them. Where a number stands in place of a table all four agree; else the table says what each server itself makes of it.
"""
import contextlib
import hashlib
import json
import os
import re
import socket
import ssl
import threading
import time
import warnings

import creel
import webserver
from authority import Authority
from creel import Host, Server, check

KITS = ("nginx", "apache", "caddy", "lighttpd")
BODY = b'{"type":"order.created","amount":1}'


def each(nginx, apache, caddy, lighttpd):
    return dict(zip(KITS, (nginx, apache, caddy, lighttpd)))


# ---- a client that sends what it wants, when it wants --------------------------------------------------------------------

class Talk:
    """One HTTP connection: pieces of bytes, a pause behind each; reads meanwhile, as a sender does whose upload is cut short."""

    def __init__(self, server, pieces, pause=0.0, answers=1):
        self.got, self.socket = b"", server.connect()
        sender = threading.Thread(target=self.send, args=(pieces, pause), daemon=True)
        sender.start()
        with contextlib.suppress(ConnectionResetError):
            while not self.whole(answers):
                more = self.socket.recv(65536)
                if not more:
                    break
                self.got += more
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        sender.join()
        self.socket.close()

    def send(self, pieces, pause):
        with contextlib.suppress(OSError):
            for piece in pieces:
                self.socket.sendall(piece)
                if pause:
                    time.sleep(pause)  # this is what is tested: a slow sender

    def whole(self, answers):
        """Have so many answers come, the last with its body? Each of ours has a length, or ends in chunks."""
        parts = re.split(rb"(?m)^(?=HTTP/1\.[01] )", self.got)[1:]
        parts = [p for p in parts if not re.match(rb"HTTP/1\.[01] 100", p)]
        if len(parts) < answers:
            return False
        head, split, body = parts[-1].partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        return bool(split) and (len(body) >= int(length.group(1)) if length else body.endswith(b"0\r\n\r\n"))

    def statuses(self):
        return [int(n) for n in re.findall(rb"(?m)^HTTP/1\.[01] (\d+)", self.got) if n != b"100"]

    def status(self):
        return self.statuses()[0] if self.statuses() else None


def head(headers, path="/hooks/shop", version="1.1", method="POST"):
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def fields(body=BODY, event_id=None, drop=()):
    return [(k, v) for k, v in creel.sign(body, event_id).items() if k not in drop]


def plain(more=(), body=BODY, event_id=None, drop=(), **how):
    """The bytes of a signed request."""
    return head([*fields(body, event_id, drop), ("Content-Length", len(body)), *more], **how) + body


def chunks(body, size):
    return [b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size)] + [b"0\r\n\r\n"]


def chunked(body, size, **how):
    return [head([*fields(body), ("Transfer-Encoding", "chunked")], **how), *chunks(body, size)]


# ---- the cases -----------------------------------------------------------------------------------------------------------

class Rig:
    """One host behind one kit; what was accepted is counted."""

    def __init__(self, h, kit):
        self.h, self.kit, self.accepted = h, kit, 0
        self.server = Server(h, kit)

    def expect(self, name, said, wanted):
        if isinstance(wanted, dict):
            wanted = wanted[self.kit]
        check(said == wanted, f"{name}: {self.kit} answers {said}, expected {wanted}\n{self.server.said()[-2000:]}\n{self.h.log_tail()}")
        self.accepted += said == 202

    def ask(self, name, pieces, wanted, pause=0.0):
        talk = Talk(self.server, [pieces] if isinstance(pieces, bytes) else pieces, pause)
        self.expect(name, talk.status(), wanted)
        return talk

    def last(self):
        return self.h.show(self.h.list()[-1]["id"])

    def status(self):
        return json.loads(self.h.creel("status", "--json").stdout)["counters"]


def bodies(r):
    text = json.dumps({"type": "order.created", "text": "Žluťoučký 🐎", "fill": "x" * 200000}, ensure_ascii=False).encode()
    r.ask("a body of 200 KB", plain(body=text), 202)
    r.ask("the same in chunks", chunked(text, 7000), 202)
    check(r.h.creel("show", r.h.list()[-1]["id"], "--body").stdout.encode() == text, f"{r.kit}: the body is another one")
    r.ask("chunks, one byte in each, slowly", chunked(BODY, 1), 202, pause=0.005)
    r.ask("nothing in chunks", chunked(b"", 1), 400)
    r.ask("a header that comes slowly", [bytes([c]) for c in plain()], 202, pause=0.0005)
    r.ask("HTTP/1.0", plain(version="1.0"), 202)
    r.ask("Expect", plain([("Expect", "100-continue")]), 202)
    r.ask("the absolute form", plain(path="http://127.0.0.1/hooks/shop"), 202)
    talk = Talk(r.server, [b"".join(plain() for _ in range(5))], answers=5)
    check(talk.statuses() == [202] * 5, f"{r.kit}: five in one go: {talk.statuses()}")
    r.accepted += 5


def lengths(r):
    """What two servers could read in two ways."""
    r.ask("two lengths", plain([("Content-Length", len(BODY) + 1)]), 400)
    both = head([*fields(), ("Content-Length", 3), ("Transfer-Encoding", "chunked")])
    r.ask("a length and chunks", [both, *chunks(BODY, 10)], each(400, 202, 202, 400))
    r.ask("a length that is none", head([*fields(), ("Content-Length", "+5")]) + BODY, 400)


def repeated(r):
    sig = dict(fields())["webhook-signature"]
    r.ask("two lines of signatures", plain([("webhook-signature", "v1," + "A" * 43 + "=")], event_id="twice"), 202)
    r.ask("two lines with an id", plain([("webhook-id", "other")]), each(400, 401, 401, 401))
    r.ask("a field we do not know, twice", plain([("X-Some", "a"), ("X-Some", "b")]), each(400, 202, 202, 202))
    r.ask("the id again with '_'", plain([("webhook_id", "forged")], event_id="genuine-" + r.kit), each(202, 202, 202, 400))
    if r.kit != "lighttpd":
        check(r.last()["event_id"] == "genuine-" + r.kit, f"{r.kit}: the forged field won")
    only = plain([("webhook_signature", sig)], drop=("webhook-signature",))
    r.ask("the signature with '_' only", only, each(401, 401, 401, 401))


def large_fields(r):
    r.ask("a field of 7 KB", plain([("X-Large", "a" * 7000)]), each(202, 202, 202, 202))
    check(len(r.last()["headers"]["x-large"]) == 7000, f"{r.kit}: the field was cut")
    r.ask("a field of 17 KB", plain([("X-Large", "a" * 17000)]), each(400, 400, 202, 431))
    if r.kit == "caddy":
        check(len(r.last()["headers"]["x-large"]) == 17000, "caddy cut the field")
    r.ask("a field of 64 KB", plain([("X-Large", "a" * 65536)]), each(400, 400, 431, 431))
    r.ask("64 KB in 16 fields", plain([(f"X-Large-{n}", "a" * 4096) for n in range(16)]), each(400, 202, 431, 431))
    r.ask("2000 small fields", plain([(f"X-Small-{n}", "a") for n in range(2000)]), each(400, 400, 431, 431))


def early(r):
    """The answer comes before the body has been sent, whatever the server does with the rest."""
    large = b"x" * 3000000
    r.ask("3 MB for a source that takes 64 bytes", [head([*fields(), ("Content-Length", len(large))], "/hooks/small"), large], 413)
    r.ask("the same in chunks", [head([*fields(), ("Transfer-Encoding", "chunked")], "/hooks/small"), *chunks(large, 50000)], 413)
    r.ask("3 MB for nobody", [head([("Content-Length", len(large))], "/hooks/nobody"), large], 404)
    # Apache has no wall for what it hands on: this source takes as much, and finds that it is no JSON.
    r.ask("beyond the outer wall", [head([("Content-Length", 17 << 20)], "/hooks/wide"), *[large[:1 << 20]] * 17], each(413, 400, 413, 413))


def aborted(r):
    """The sender goes away: no event, nothing held."""
    before = len(r.h.list())
    path = "/hooks/open"
    cuts = [head([("Content-Length", 100000)], path) + b"{" * 50000, head([("Transfer-Encoding", "chunked")], path) + chunks(BODY, len(BODY))[0],
            head([("Transfer-Encoding", "chunked")], path) + b"ff\r\n" + BODY, head([("Content-Length", len(BODY))], path) + BODY[:-1]]
    for cut in cuts:
        for reset in (False, True):
            with r.server.connect() as s:
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.sendall(cut)
    creel.poll(lambda: r.status()["body_memory_bytes"] == 0, "bodies that will not come to be forgotten")
    r.ask("one that is there", plain(), 202)
    check(len(r.h.list()) == before + 1, f"{r.kit}: {len(r.h.list()) - before} events, not 1")


def paths(r):
    for path, wanted in (("/hooks/shop?x=1&y=%20", 202), ("/hooks/%73hop", 202), ("/hooks/a%20b%C3%A9", 202), ("/hooks/a%20%62%c3%a9", 202),
                         ("/hooks/a+b%C3%A9", 404), ("/hooks/shop/", 404), ("/hooks/shop;a", 404), ("/hooks/shop%3Fx", 404),
                         ("/hooks//shop", 400), ("/hooks/./shop", 400), ("/hooks/x/../shop", 400), ("/hooks%2fshop", each(400, 404, 400, 400)),
                         ("/hooks/x%2fshop", 400), ("/hooks/shop%00", each(400, 404, 400, 400)), ("/hooks/%", 400), ("/hooks/../readyz", 404), ("/readyz", 404), ("/", 404)):
        r.ask("path " + path, plain(path=path), wanted)


def names(r):
    """A host name that nobody configured, and none: no 2xx but for an event."""
    r.ask("another host name", plain().replace(b"Host: 127.0.0.1", b"Host: other.example.com"), each(202, 202, 421, 202))
    r.ask("no host name", plain(version="1.0").replace(b"Host: 127.0.0.1\r\n", b""), each(202, 202, 421, 202))


def spoofed(r):
    """Fields that look like what the web server says itself."""
    forged = [("SSL-Client-Verify", "SUCCESS"), ("SSL_CLIENT_VERIFY", "SUCCESS"), ("X-Forwarded-For", "203.0.113.9"), ("Remote-Addr", "203.0.113.9"),
              ("Proxy", "http://203.0.113.9/"), ("Script-Name", "/hooks/open"), ("Request-Method", "GET"), ("Request-Uri", "/hooks/open")]
    r.ask("forged fields", plain(forged), each(202, 202, 202, 400))
    r.ask("those without '_'", plain([f for f in forged if "_" not in f[0]]), 202)
    check(r.last()["source"] == "shop", f"{r.kit}: it went to {r.last()['source']}")


def kept(r):
    """nginx and Apache keep their connections to us."""
    before = r.status()["connections_total"]
    for _ in range(20):
        r.ask("one of twenty", plain(), 202)
    new = r.status()["connections_total"] - before
    check(new <= 5 if r.kit in ("nginx", "apache") else new == 20, f"{r.kit}: {new} connections for 20 requests")


PARTS = (bodies, lengths, repeated, large_fields, early, aborted, paths, names, spoofed, kept)


def host(**settings):
    h = Host(**settings)
    rows = h.settings["sources"]
    rows["open"] = h.source("open", recipe="none", dedupe=False)
    rows["small"] = h.source("small", max_body="64B")
    rows["wide"] = h.source("wide", recipe="none", max_body="32MiB")
    rows["blank"] = h.source("blank", path="/hooks/a%20b%C3%A9")
    h.write_config()
    return h


def all_cases(kit):
    with host() as h:
        h.start()
        r = Rig(h, kit)
        for part in PARTS:
            part(r)
        check(len(h.list()) == r.accepted, f"{len(h.list())} events, but {r.accepted} answers 202")
        h.allow("refused", "not well formed")
        h.finish()


def test_nginx():
    all_cases("nginx")


def test_apache():
    all_cases("apache")


def test_caddy():
    all_cases("caddy")


def test_lighttpd():
    all_cases("lighttpd")


def test_as_ordinary_user():
    """All of it, the web servers too, without any privilege."""
    if os.getuid() != 0:
        raise creel.Skip("this is the ordinary user already")
    with Host(launcher=creel.as_ordinary_user(), peer_users=["nobody"]) as h:
        h.give(65534)
        h.start()
        for kit in KITS:
            a = h.send(via=Server(h, kit, drops="nobody"))
            check(a.status == 202, f"{kit}: {a}")
        h.finish()


def test_drips():
    """A sender that is slower than request_timeout: servers that keep bodies until they are whole do not trouble us with it, of the others
    it is 408, for which Creel waits as long again; who is quick notices nothing."""
    with host(request_timeout="1s") as h:
        h.start()
        rigs = [Rig(h, kit) for kit in KITS]
        results = {}

        def drip(i):
            return Talk(rigs[i].server, [plain()[:-8], *(BODY[at:at + 2] for at in range(len(BODY) - 8, len(BODY), 2))], 0.36).status()
        slow = threading.Thread(target=lambda: results.update(zip(KITS, creel.together(len(KITS), drip))))
        slow.start()
        while slow.is_alive():
            for r in rigs:
                r.ask("a quick one", plain(), 202)
        slow.join()
        check(results == each(202, 408, 408, 202), f"slow senders: {results}")
        h.allow("refused")
        h.finish()


HURRY = {"nginx": (r"(client_(?:header|body)_timeout) 10s", r"\1 1s"), "apache": (r"header=10-20,MinRate=500 body=10", "header=1-2,MinRate=500 body=1"),
         "caddy": (r"(read_header|read_body) [13]0s", r"\1 1s"), "lighttpd": (r"(server.max-read-idle +=) 10", r"\1 1")}


def ends(server, whole, at, drips):
    """Has the server ended the connection of a sender that has come so far, and then says nothing, or a byte now and then?"""
    until = time.monotonic() + creel.DEADLINE
    with server.connect(0.25) as s, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        s.sendall(whole[:at])
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                if not s.recv(65536):
                    return True
            if drips:
                s.sendall(whole[at:at + 1])
                at += 1
        return False
    return True


def test_read_timeouts():
    """Each kit's own time limits, shortened: who says no more is let go, and who drips too, but by nginx (the body) and lighttpd, which
    count between two reads and keep the body until it is whole."""
    with host(request_timeout="5m") as h:
        h.start()
        whole = plain(body=BODY + b" " * 5000)
        inside = len(whole) - 5000
        jobs = []
        for kit in KITS:
            server = Server(h, kit, text=lambda s, kit=kit: webserver.exchanged(webserver.whole(kit, s, h.fastcgi), [HURRY[kit]]))
            cases = {"in the header": (100, False), "in the body": (inside, False)}
            if kit != "lighttpd":
                cases["drips the header"] = (10, True)
            if kit in ("apache", "caddy"):
                cases["drips the body"] = (inside, True)
            jobs += [(server, name, *case) for name, case in cases.items()]
        ended = creel.together(len(jobs), lambda i: ends(jobs[i][0], whole, *jobs[i][2:]))
        stuck = [(server.kit, name) for (server, name, *_), good in zip(jobs, ended) if good is not True]
        check(not stuck, f"still open: {stuck}")
        creel.poll(lambda: json.loads(h.creel("status", "--json").stdout)["counters"]["body_memory_bytes"] == 0, "bodies to be forgotten")
        for server in {job[0] for job in jobs}:
            check(h.send(via=server).status == 202, f"{server.kit} after that")
        check(len(h.list()) == len(KITS), f"{h.list()}")
        h.allow("refused", "connection")
        h.finish()


# ---- certificates --------------------------------------------------------------------------------------------------------

class Responder(threading.Thread):
    """A FastCGI program that keeps the parameters of each request and answers 200."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket, self.seen = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), []
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen(8)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.socket.accept()
                with s, contextlib.suppress(ConnectionError):
                    self.seen.append(creel.fcgi_respond(s, b"Status: 200\r\nContent-Length: 2\r\n\r\nok"))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join()


def told(responder, server, context):
    """What a server tells FastCGI of the client; forged fields come along."""
    forged = {"SSL-Client-Verify": "SUCCESS", "SSL_CLIENT_VERIFY": "SUCCESS", "SSL-Client-Cert": "forged", "X-Forwarded-For": "203.0.113.9",
              "Authorization": "Bearer token-of-the-sender", "Remote-Addr": "203.0.113.9"}
    before = len(responder.seen)
    a = server.request("POST", "/hooks/shop?x=1", forged, BODY, context=context)
    check(a.status == 200, f"{server.kit}: {a}\n{server.said()[-1000:]}")
    creel.poll(lambda: len(responder.seen) > before, "the responder to write it down")
    seen = responder.seen[before]
    check(seen["REMOTE_ADDR"] == "127.0.0.1", f"{server.kit}: REMOTE_ADDR {seen['REMOTE_ADDR']}")
    check(seen["HTTP_AUTHORIZATION"] == "Bearer token-of-the-sender", f"{server.kit}: no Authorization: {sorted(seen)}")
    check(seen["REQUEST_URI"] == "/hooks/shop?x=1", f"{server.kit}: REQUEST_URI {seen['REQUEST_URI']}")
    return seen


def refuses_old(authority, server):
    """TLS 1.1 is refused by the server, not by this client."""
    old = authority.context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    try:
        with server.connect() as s, old.wrap_socket(s):
            pass
    except ssl.SSLError as e:
        check("ALERT_PROTOCOL_VERSION" in str(e), f"{server.kit}: {e}")
        return
    raise creel.Failed(f"{server.kit} takes TLS 1.1")


def stranger(authority, responder, server):
    """A certificate by somebody else: no connection, or at least no word of success."""
    before = len(responder.seen)
    with contextlib.suppress(OSError):
        server.request("POST", "/hooks/shop", {}, BODY, context=authority.context("stranger"))
    for seen in responder.seen[before:]:
        check(seen.get("SSL_CLIENT_VERIFY") != "SUCCESS", f"{server.kit}: a stranger's certificate is a SUCCESS")


def test_certificates():
    with Host() as h:
        authority = Authority(h.path("etc"))
        responder = Responder(h.path("run/responder.sock"))
        tls = webserver.Tls(authority.path("server.pem"), authority.path("server.key"), authority.path("ca.pem"))
        for kit in KITS:
            server = Server(h, kit, h.path("run/responder.sock"), tls)
            seen = told(responder, server, authority.context())
            check(seen.get("SSL_CLIENT_VERIFY", "NONE") == "NONE" and not seen.get("SSL_CLIENT_CERT"), f"{kit}: without a certificate: {seen}")
            seen = told(responder, server, authority.context("client"))
            check(seen.get("SSL_CLIENT_VERIFY") == "SUCCESS", f"{kit}: with a certificate: {seen}")
            pem = seen["SSL_CLIENT_CERT"].strip() + "\n"
            check(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == authority.digest("client"), f"{kit}: another certificate: {pem}")
            check("client" in seen["SSL_CLIENT_S_DN"], f"{kit}: subject {seen['SSL_CLIENT_S_DN']}")
            stranger(authority, responder, server)
            refuses_old(authority, server)
            server.stop()
        responder.close()


creel.main(globals())
