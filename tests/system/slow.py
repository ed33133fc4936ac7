# SPDX-License-Identifier: MIT
"""Slow clients, one byte a second each, through nginx and straight on the FastCGI socket: who behaves is answered as before. ROUNDS is
the number of slow clients; p99 with and without them are measured in turn and printed, and with the soak's thousand their ratio is held
to two.
"""
import contextlib
import multiprocessing
import resource
import statistics
import time

import creel
from creel import Host, check

CLIENTS = creel.rounds(100)
FULL = CLIENTS >= 1000
PAIRS = 5 if FULL else 1
REQUESTS = 1000 if FULL else 100  # of those that behave, in each measurement
NOISE_S = 0.002  # p99s below this are the machine's, not ours
BODY = b'{"type":"order.created"}'


def http():
    headers = creel.sign(BODY)
    lines = ["POST /hooks/shop HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(BODY)}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + BODY


def fastcgi():
    return creel.fcgi_request(creel.fcgi_params("POST", "/hooks/shop", creel.sign(BODY), BODY), BODY)


class Drip:
    """So many connections, in a process of their own; each second one byte more on each. A third have said nothing when it begins, a
    third half of their request, a third all but a few bytes."""

    def __init__(self, connect, request):
        self.sent, self.ended, self.clients = multiprocessing.Value("L", 0), multiprocessing.Event(), []
        for i in range(CLIENTS):
            text, s = request(), connect()
            at = (0, len(text) // 2, len(text) - 40)[i % 3]
            s.sendall(text[:at])
            self.clients.append((s, text[at:]))
        self.process = multiprocessing.Process(target=self.run, daemon=True)
        self.process.start()

    def run(self):
        """Evenly over each second, not all at once."""
        few = max(1, CLIENTS // 100)
        for second in range(30):
            for i, (s, rest) in enumerate(self.clients):
                with contextlib.suppress(OSError):
                    self.sent.value += s.send(rest[second:second + 1])
                if i % few == 0 and self.ended.wait(few / CLIENTS):
                    return

    def stop(self):
        self.ended.set()
        self.process.join()
        for s, _ in self.clients:
            s.close()


def p99(h, via):
    """Of requests one after the other, each of which has to be accepted."""
    took = []
    for _ in range(REQUESTS):
        began = time.monotonic()
        h.accept(via=via)
        took.append(time.monotonic() - began)
    return statistics.quantiles(took, n=100)[98]


def compare(h, name, via, connect, request):
    p99(h, via)
    ratios, pairs = [], []
    for _ in range(PAIRS):
        alone = p99(h, via)
        drip = Drip(connect, request)
        crowded = p99(h, via)
        drip.stop()
        check(drip.sent.value > 0, f"{name}: the slow clients were not there: {drip.sent.value} bytes")
        ratios.append(max(crowded, NOISE_S) / max(alone, NOISE_S))
        pairs.append(f"{alone * 1000:.1f}/{crowded * 1000:.1f}")
    ratio = statistics.median(ratios)
    print(f"    {name}: {CLIENTS} slow clients, p99 without/with in ms: {', '.join(pairs)}; {ratio:.2f} times")
    check(not FULL or ratio <= 2, f"{name}: p99 is {ratio:.2f} times what it is without slow clients")


def raise_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 2 * CLIENTS + 200:
        raise creel.Skip(f"only {hard} descriptors may be open")


def test_slow_clients():
    raise_limit()
    with Host() as h:
        h.start()
        server = creel.nginx(h)
        compare(h, "through nginx", server, server.connect, http)
        compare(h, "on the socket", None, lambda: creel.fcgi_connect(h.fastcgi), fastcgi)
        h.allow("refused", "connection")
        h.finish()


creel.main(globals())
