# SPDX-License-Identifier: MIT
"""FastCGI records that no web server sends, and peers that go away or never end, against a running intake: what crashes, fills or holds a
libfcgi that reads sockets itself costs its own connection only. Each many times: the role lives, has no more threads, memory or
connections than before, and takes the next event.
"""
import contextlib
import json
import os
import socket
import struct

import creel
from creel import Host, check

BODY = b'{"type":"order.created"}'
GROWTH_KIB = 12 * 1024 * (1 if not creel.REPORTS else 16)  # of a sanitizer's own


def record(kind, data=b"", padding=0, number=1, version=1):
    return struct.pack("!BBHHBB", version, kind, number, len(data), padding, 0) + data + b"\0" * padding


def begin(number=1, role=1, keep=1):
    return record(1, struct.pack("!HB5x", role, keep), number=number)


def pairs(*names):
    return b"".join(creel._pair(n, v) for n, v in names)


def params(more=()):
    headers = creel.sign(BODY)
    return pairs(*creel.fcgi_params("POST", "/hooks/shop", headers, BODY), *more)


def whole():
    return begin() + record(4, params()) + record(4) + record(5, BODY) + record(5)


def many(data, n):
    """n times the same, in pieces of a size worth sending."""
    for _ in range(0, n, 1000):
        yield data * 1000


GET_VALUES = ("FCGI_MPXS_CONNS", "")
HUGE = b"\xff\xff\xff\xfe"
# Closed: the answer is the end of the connection. Each is bytes or a function that makes pieces of them.
CLOSED = {
    "another version": record(1, b"\0\1\0\0\0\0\0\0", version=2),
    "version 0": b"\0" * 64,
    "a short BEGIN_REQUEST": record(1, b"\0\1\0\0"),
    "request id 0": begin(number=0),
    "an unknown role": begin(role=9),
    "an authorizer": begin(role=2),
    "lengths whose sum overflows": begin() + record(4, HUGE + HUGE + b"AAAA"),
    "the lengths of CVE-2025-23016": begin() + record(4, b"\xff" * 8 + b"AAAA"),
    "a name of 1 GiB": begin() + record(4, b"\xc0\0\0\0\1A"),
    "GET_VALUES, one name four times": record(9, pairs(*[GET_VALUES] * 4), number=0),
    "GET_VALUES, one name forty times": record(9, pairs(*[GET_VALUES] * 40), number=0),
    "GET_VALUES inside a request": begin() + record(9, pairs(GET_VALUES), number=0),
    "100,000 unknown management records": lambda: many(record(200, number=0), 100000),
    "64 MB of parameters": lambda: [begin(), *many(record(4, pairs(("A", "x" * 60000))), 1000)],
    "a million empty parameters": lambda: [begin(), *many(record(4, b"\1\0A" * 1000), 1000)],
    "a million parameters without a name": lambda: [begin(), *many(record(4, b"\0\0" * 1000), 1000)],
    "padding only": lambda: [begin(), *many(record(4, b"\1\0A", 255), 10000)],
    "a body where parameters should be": begin() + record(5, BODY),
    "parameters behind the body": begin() + record(4, params()) + record(4) + record(5, BODY[:5]) + record(4, b"\1\1AB"),
    "a second request inside the first": begin() + begin(number=2) + whole(),
    "the same request again": begin() + begin(),
    "parameters that end inside a pair": begin() + record(4, b"\5\5AB") + record(4),
    "HTTP": b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\3\1\2\0\1\0\1\xfc\3\3" + b"\7" * 500,
}
# Gone: the peer says no more. What it has said is no event.
GONE = {
    "nothing": b"",
    "one byte": b"\1",
    "half a header": begin()[:5],
    "in the middle of the parameters": (begin() + record(4, params()))[:-40],
    "before the end of the parameters": begin() + record(4, params()),
    "before the body": begin() + record(4, params()) + record(4),
    "in the middle of the body": whole()[:-20],
    "before the end of the body": whole()[:-8],
    "in the middle of the last record": whole()[:-3],
    "an abort in the middle of the parameters": begin() + record(4, params()) + record(2),
    "an abort in the middle of the body": whole()[:-8] + record(2),
}


def send(s, what):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for piece in [what] if isinstance(what, bytes) else what():
            s.sendall(piece)


def ends(s):
    """Whatever comes until the connection ends; it has to, long before its deadline."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            more = s.recv(65536)
            if not more:
                return got
            got += more
    return got


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def counters(h):
    return json.loads(h.creel("status", "--json").stdout)["counters"]


class Intake:
    """The role as it was, to compare."""

    def __init__(self, h):
        self.h, self.pid = h, h.role("intake")
        self.threads, self.rss = threads(self.pid), creel.rss_kib(self.pid)

    def lives(self, what):
        self.h.accept()
        check(self.h.role("intake") == self.pid, f"intake did not survive {what}\n{self.h.log_tail()}")

    def is_as_before(self, events):
        creel.poll(lambda: counters(self.h)["connections"] <= 1, "connections to be closed")  # the one of creel status is another socket
        creel.poll(lambda: counters(self.h)["body_memory_bytes"] == 0, "bodies to be forgotten")
        check(threads(self.pid) == self.threads, f"{threads(self.pid)} threads, {self.threads} before")
        grown = creel.rss_kib(self.pid) - self.rss
        check(grown < GROWTH_KIB, f"intake has grown by {grown} KiB")
        check(len(self.h.list()) == events, f"{len(self.h.list())} events, {events} were accepted")
        print(f"    intake has grown by {grown} KiB")


def started(**settings):
    h = Host(**settings)
    h.allow("a connection was closed", "refused", "level\":\"warn\".*connection")
    h.start()
    return h


def test_closed():
    with started() as h:
        intake, times = Intake(h), creel.rounds(10)
        for name, what in CLOSED.items():
            for _ in range(1 if callable(what) else times):
                with creel.fcgi_connect(h.fastcgi) as s:
                    send(s, what)
                    check(ends(s) == b"", f"{name}: there is an answer")
            intake.lives(name)
        check(counters(h)["hostile_connections_total"] == sum(1 if callable(w) else times for w in CLOSED.values()), "not all were called hostile")
        intake.is_as_before(len(CLOSED))
        h.finish()


def test_gone():
    with started() as h:
        intake, times = Intake(h), creel.rounds(20)
        for name, what in GONE.items():
            for _ in range(times):
                with creel.fcgi_connect(h.fastcgi) as s:
                    send(s, what)
            intake.lives(name)
        check(counters(h)["hostile_connections_total"] == 0, "a peer that goes away is not hostile")
        intake.is_as_before(len(GONE))
        h.finish()


def test_never_ends():
    """Each as far as it goes, then silence: the connection is closed at the request's deadline, and nobody waits for it meanwhile."""
    with started(request_timeout="500ms") as h:
        intake = Intake(h)
        silent = [creel.fcgi_connect(h.fastcgi) for what in GONE.values() for _ in range(3)]
        for s, what in zip(silent, [w for w in GONE.values() for _ in range(3)]):
            send(s, what)
        intake.lives("silent peers")
        for s, name in zip(silent, [n for n in GONE for _ in range(3)]):
            if name == "nothing":
                s.shutdown(socket.SHUT_WR)  # idle connections stay: web servers keep them
            ends(s)
            s.close()
        intake.is_as_before(1)
        h.finish()


def test_kept_connection():
    """What was refused before its body came leaves a connection that is good for the next request, whether the body then comes or not."""
    with started() as h:
        refused = begin() + record(4, pairs(("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/nobody"), ("CONTENT_LENGTH", "500000"))) + record(4)
        body = record(5, b"x" * 50000)
        for rest in (body * 10 + record(5), body * 10, body, b"", record(5)):
            with creel.fcgi_connect(h.fastcgi) as s:
                s.sendall(refused)
                check(creel.fcgi_answer(s).status == 404, "not refused")
                for _ in range(3):
                    s.sendall(rest + whole())
                    a = creel.fcgi_answer(s)
                    check(a.status == 202, f"after {len(rest)} bytes of the body: {a}")
                    rest = b""
        h.finish()


def test_after_the_answer():
    """What goes on sending for ever behind an early answer, quickly or a byte now and then, and who never reads what it is answered, is
    let go at the request's deadline; nothing of it is kept."""
    with started(request_timeout="500ms") as h:
        intake = Intake(h)
        refused = begin() + record(4, pairs(("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/nobody"), ("CONTENT_LENGTH", "5000000000"))) + record(4)

        def goes_on(piece, pause, reads):
            until = creel.time.monotonic() + creel.DEADLINE
            with creel.fcgi_connect(h.fastcgi) as s, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                s.sendall(refused)
                if reads:
                    check(creel.fcgi_answer(s).status == 404, "not refused")
                while creel.time.monotonic() < until:
                    s.sendall(piece)
                    creel.time.sleep(pause)  # this is what is tested: a slow peer
                return False
            return True
        how = [(record(5, b"x" * 60000), 0, True), (record(5, b"x"), 0.1, True), (record(5, b"x", 255) * 100, 0, True), (refused, 0, False)]
        ended = creel.together(len(how), lambda i: goes_on(*how[i]))
        check(ended == [True] * len(how), f"let go: {ended}")
        intake.lives("peers that go on")
        intake.is_as_before(1)
        h.finish()


def test_descriptors():
    """Descriptors that come along with the bytes are not kept."""
    with started() as h:
        kept, given = os.pipe()
        with creel.fcgi_connect(h.fastcgi) as s, open(kept, "rb") as end:
            for _ in range(50):
                socket.send_fds(s, [whole()], [given] * 10)
                check(creel.fcgi_answer(s).status == 202, "not accepted")
            os.close(given)
            os.set_blocking(kept, False)
            check(end.read() == b"", "somebody has the other end of the pipe")
        h.finish()


def test_two_headers_of_one_name():
    with started() as h:
        with creel.fcgi_connect(h.fastcgi) as s:
            s.sendall(begin() + record(4, params([("HTTP_WEBHOOK_ID", "other")])) + record(4) + record(5, BODY) + record(5))
            a = creel.fcgi_answer(s)
        check(a.status == 400 and a.json()["code"] == "malformed-request", f"expected 400, got {a}")
        check(h.list() == [], "it is in the journal")
        h.finish()


creel.main(globals())
