# SPDX-License-Identifier: MIT
"""HTTP/2 through the web servers whose kits speak it: what ends early, or says two things about its length, is never an event."""
import contextlib
import socket
import struct

import creel
import webserver
from authority import Authority
from creel import Host, Server, check

BODY = b'{"type":"order.created","amount":1}'
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9  # RFC 9113, section 6
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATIC = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}  # RFC 7541, appendix A
RESET = "reset"
KITS, OTHERS = ("nginx", "caddy"), ("apache", "lighttpd")


def frame(kind, flags=0, stream=0, data=b""):
    return struct.pack("!I", len(data))[1:] + struct.pack("!BBI", kind, flags, stream) + data


def integer(n, bits, first=0):
    """RFC 7541, section 5.1."""
    most = (1 << bits) - 1
    if n < most:
        return bytes([first | n])
    out, n = [first | most], n - most
    while n >= 128:
        out.append(n % 128 | 128)
        n //= 128
    return bytes([*out, n])


def text(s):
    s = s if isinstance(s, bytes) else s.encode("latin-1")
    return integer(len(s), 7) + s


def fields(pairs):
    """Literals without indexing, section 6.2.2."""
    return b"".join(b"\0" + text(str(k)) + text(str(v)) for k, v in pairs)


def digits(coded):
    """Three digits of the Huffman code, appendix B: 0 to 2 have five bits, the others six."""
    bits, out = "".join(f"{b:08b}" for b in coded), ""
    while len(out) < 3:
        n = 5 if bits[:5] in ("00000", "00001", "00010") else 6
        out += str(int(bits[:n], 2) - (0 if n == 5 else 0b011001 - 3))
        bits = bits[n:]
    return int(out)


def status_of(block):
    """:status, which comes first but for changes of the table's size."""
    while block[0] & 0xe0 == 0x20:
        block = block[1:]
    if block[0] & 0x80:
        return STATIC[block[0] & 0x7f]
    check(block[0] & 0x0f == 8 or block[0] & 0x3f in STATIC, f"no :status in {block!r}")
    return digits(block[2:]) if block[1] & 0x80 else int(block[2:5])


class Talk:
    """One connection, one request on stream 1."""

    def __init__(self, server, context):
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = context.wrap_socket(server.connect(), server_hostname="localhost")
        check(self.socket.selected_alpn_protocol() == "h2", f"{server.kit} does not speak HTTP/2")
        self.port = server.port
        self.send(PREFACE, frame(SETTINGS))

    def send(self, *frames):
        with contextlib.suppress(OSError):
            self.socket.sendall(b"".join(frames))

    def head(self, more, flags=0, path="/hooks/shop"):
        pairs = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", f"localhost:{self.port}"), *more]
        block, kind, out = fields(pairs), HEADERS, []
        while kind == HEADERS or block:
            piece, block = block[:16384], block[16384:]
            out.append(frame(kind, (flags if kind == HEADERS else 0) | (0 if block else END_HEADERS), 1, piece))
            kind = CONTINUATION
        self.send(*out)

    def read(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            if not more:
                raise ConnectionError("closed")
            got += more
        return got

    def frames(self):
        """Those that come, to the end of the connection."""
        with contextlib.suppress(ConnectionError, OSError):
            while True:
                h = self.read(9)
                kind, flags, stream = struct.unpack("!BBI", h[3:])
                data = self.read(int.from_bytes(h[:3], "big"))
                if kind == SETTINGS and not flags & ACK:
                    self.send(frame(SETTINGS, ACK))
                yield kind, stream, data

    def status(self):
        """What it is answered: a status, or RESET."""
        for kind, stream, data in self.frames():
            if kind == HEADERS and stream == 1:
                return status_of(data)
            if kind in (GOAWAY, RST_STREAM):
                break
        return RESET

    def settle(self):
        """What was sent has been read when this is answered."""
        self.send(frame(PING, 0, 0, b"12345678"))
        next((f for f in self.frames() if f[0] == PING), None)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Rig:
    def __init__(self, h, kit, tls, authority):
        self.h, self.kit, self.accepted, self.authority = h, kit, 0, authority
        self.server = Server(h, kit, tls=tls)

    def ask(self, name, head, frames, wanted, **how):
        t = Talk(self.server, self.authority.context())
        t.head(head, **how)
        t.send(*frames)
        said = t.status()
        t.close()
        check(said in (wanted if isinstance(wanted, tuple) else (wanted,)), f"{name}: {self.kit} answers {said}\n{self.server.said()[-1500:]}\n{self.h.log_tail()}")
        self.accepted += said == 202

    def gone(self, head, *frames):
        """Says so much and goes, or takes the stream back."""
        for last in ((), (frame(RST_STREAM, 0, 1, struct.pack("!I", 8)),)):
            t = Talk(self.server, self.authority.context())
            t.head(head)
            t.send(*frames, *last)
            if last:
                t.settle()
            t.close()


def data(body, size=16384, end=True):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return [frame(DATA, END_STREAM if end and i == len(pieces) - 1 else 0, 1, p) for i, p in enumerate(pieces)]


def signed(body=BODY, **more):
    return [*creel.sign(body, **more).items()]


def length(n):
    return [("content-length", n)]


def cases(r):
    large = b'{"type":"order.created","fill":"' + b"x" * 60000 + b'"}'
    refused = (400, 431, 502, RESET)
    r.ask("with its length", signed() + length(len(BODY)), data(BODY), 202)
    r.ask("without", signed(), data(BODY), 202)
    r.ask("a byte a frame", signed(), data(BODY, 1), 202)
    r.ask("60 KB", signed(large), data(large), 202)
    r.ask("encoded path", signed(), data(BODY), 202, path="/hooks/%73hop?x=%20")
    r.ask("nothing", signed(b""), [], 400, flags=END_STREAM)
    r.ask("less than its length", signed() + length(len(BODY) + 1), data(BODY), refused)
    r.ask("more than its length", signed() + length(len(BODY) - 1), data(BODY), refused)
    r.ask("two lengths", signed() + length(len(BODY)) + length(len(BODY) - 1), data(BODY), (202, *refused))
    r.ask("chunks that are none", signed() + [("transfer-encoding", "chunked")], data(BODY), (202, *refused))
    r.ask("two ids", signed() + [("webhook-id", "other")], data(BODY), (400, 401, RESET))
    r.ask("64 KB in a field", signed() + [("x-large", "a" * 65536)], data(BODY), refused)
    r.ask("forged fields", signed() + [(n, "203.0.113.9") for n in ("x-forwarded-for", "ssl-client-verify", "remote-addr", "request-uri")], data(BODY), 202)
    r.ask("too large", signed(b"x" * 60000), data(b"x" * 60000), 413, path="/hooks/small")
    before = len(r.h.list())
    for head in (signed(), signed() + length(len(BODY))):
        r.gone(head)
        r.gone(head, *data(BODY[:10], end=False))
    r.gone(signed(), *data(BODY, end=False))
    r.ask("one that is there", signed(), data(BODY), 202)
    creel.poll(lambda: creel.json.loads(r.h.creel("status", "--json").stdout)["counters"]["body_memory_bytes"] == 0, "bodies to be forgotten")
    check(len(r.h.list()) == before + 1, f"{r.kit}: {len(r.h.list()) - before} events, not 1")


def without(h, kit, tls, authority):
    """The kit leaves HTTP/2 out: a sender that streams goes on with HTTP/1.1, which has chunks for that."""
    server, context = Server(h, kit, tls=tls), authority.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(server.connect(), server_hostname="localhost") as s:
        check(s.selected_alpn_protocol() == "http/1.1", f"{kit} speaks {s.selected_alpn_protocol()}")
    a = server.request("POST", "/hooks/shop", creel.sign(BODY), BODY, chunked=True, context=authority.context())
    check(a.status == 202, f"{kit}: {a}")


def test_http2():
    with Host() as h:
        h.settings["sources"]["small"] = h.source("small", max_body="64B")
        h.write_config()
        h.start()
        authority, accepted = Authority(h.path("etc")), 0
        tls = webserver.Tls(authority.path("server.pem"), authority.path("server.key"))
        for kit in KITS:
            r = Rig(h, kit, tls, authority)
            cases(r)
            r.server.stop()
            accepted += r.accepted
        for kit in OTHERS:
            without(h, kit, tls, authority)
            accepted += 1
        check(len(h.list()) == accepted, f"{len(h.list())} events, but {accepted} answers 202")
        h.allow("refused", "not well formed")
        h.finish()


creel.main(globals())
