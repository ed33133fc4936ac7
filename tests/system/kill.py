# SPDX-License-Identifier: MIT
"""kill -9 of intake, dispatch, a worker, the supervisor, both roles together, and everything at once, at random moments under load.

Each id that got a 2xx has afterwards ended or is visible unfinished, and ends done; no invocation runs twice without a recorded
further attempt; the journal reads cleanly. ROUNDS rounds (20), CREEL_SEED (1): what is killed and when is fixed by the seed.
"""
import collections
import contextlib
import os
import random
import signal
import threading
import time

import creel
from creel import Host, check

CLIENTS = 6


class Load(threading.Thread):
    """One sender: signed events with ids of its own, each repeated until it got an answer, as senders do."""

    def __init__(self, host, number):
        super().__init__(daemon=True)
        self.host, self.number = host, number
        self.accepted, self.statuses = {}, collections.Counter()
        self.end = threading.Event()
        self.wrong = []

    def run(self):
        n = 0
        while not self.end.is_set():
            n += 1
            self.one(f"msg_{self.number}_{n}")

    def one(self, event_id):
        while not self.end.is_set():
            try:
                a = self.host.send(event_id=event_id)
            except (OSError, ConnectionError, ValueError):
                self.statuses["broken"] += 1
                time.sleep(0.01)  # paces the sender; nothing is waited for
                continue
            self.statuses[a.status] += 1
            if a.status in (200, 202):
                event = a.json()["id"]
                if self.accepted.setdefault(event_id, event) != event:
                    self.wrong.append((event_id, self.accepted[event_id], event))
                return
            if a.status != 503:
                self.wrong.append((event_id, a.status, a.body))
                return


ROUNDS_A_SPOOL = 20
KINDS = ["intake", "dispatch", "worker", "supervisor", "both roles", "everything"]


def kinds(random_, n):
    """n kinds of victims, each as often as the others, in random order."""
    while n > 0:
        some = random_.sample(KINDS, min(n, len(KINDS)))
        n -= len(some)
        yield from some


def role(h, name):
    """It may be on its way back from the kill before."""
    return creel.poll(lambda: h.role(name), f"{name} to be there")


def victims(h, random_, kind):
    if kind == "supervisor":
        return [h.process.pid]
    if kind == "both roles":
        return [role(h, "intake"), role(h, "dispatch")]
    if kind == "worker":
        return [random_.choice(creel.poll(h.workers, "a worker to be there"))]
    if kind == "everything":
        return stopped(h)
    return [role(h, kind)]


def stopped(h):
    """All processes of the host, stopped first, so that none sees another's end: as when the machine goes down."""
    seen = []
    while True:
        now = [h.process.pid, *creel.descendants(h.process.pid)]
        if set(now) <= set(seen):
            return now
        for pid in set(now) - set(seen):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        seen = now


def one_round(h, random_, kind, ids):
    time.sleep(random_.uniform(0.05, 0.5))  # the random moment
    for pid in victims(h, random_, kind):
        with contextlib.suppress(ProcessLookupError):  # a worker may have ended by itself
            os.kill(pid, signal.SIGKILL)
    if kind in ("supervisor", "everything"):
        h.process.wait()
        h.start(wait=False)
    h.wait_ready()
    answered = ids()  # before the look at the journal: more come in meanwhile
    known = h.states()
    lost = [i for i in answered if i not in known]
    check(not lost, lambda: f"answered 2xx and then nowhere: {lost[:5]}\n{h.log_tail()}")


def check_runs(h):
    """Every line a function wrote is one attempt of its own, and no attempt number is beyond what the journal has."""
    runs = collections.Counter()
    highest = collections.Counter()
    for line in h.outputs():
        event, attempt, _ = line.split()
        runs[(event, attempt)] += 1
        highest[event] = max(highest[event], int(attempt))
    twice = [k for k, n in runs.items() if n > 1]
    check(not twice, f"run twice as the same attempt: {twice[:5]}")
    listed = {e["id"]: e for e in h.list()}
    for event, attempts in highest.items():
        check(event in listed, f"{event} ran and is not in the journal")
        recorded = sum(f["attempts"] for f in listed[event]["functions"])
        check(attempts <= recorded, f"{event}: attempt {attempts} ran, {recorded} recorded")
    return listed, highest


def some_kills(random_, rounds):
    with Host() as h:
        h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
        h.start()
        load = [Load(h, i) for i in range(CLIENTS)]
        for t in load:
            t.start()

        def ids():
            return [i for t in load for i in list(t.accepted.values())]
        killed = collections.Counter()
        for kind in kinds(random_, rounds):
            one_round(h, random_, kind, ids)
            killed[kind] += 1
        for t in load:
            t.end.set()
        for t in load:
            t.join()
        wrong = [w for t in load for w in t.wrong]
        check(not wrong, f"answers that must not be: {wrong[:5]}")
        accepted = ids()
        check(len(accepted) > 20, f"only {len(accepted)} events got through: {[t.statuses for t in load]}")
        h.wait_all(accepted, "done", seconds=120)
        h.restart()
        h.wait_all(accepted, "done")
        _, ran = check_runs(h)
        missing = [i for i in accepted if i not in ran]
        check(not missing, f"done without a run: {missing[:5]}")
        statuses = sum((t.statuses for t in load), collections.Counter())
        print(f"    {len(accepted)} events, killed: {dict(killed)}, answers: {dict(statuses)}")
        h.allow(".*")
        h.finish()


def test_random_kills():
    """A new spool now and then: each round reads the whole journal, and that of an hour under load would take longer than the rounds."""
    random_ = random.Random(int(os.environ.get("CREEL_SEED", "1")))
    left = creel.rounds(20)
    while left > 0:
        some_kills(random_, min(left, ROUNDS_A_SPOOL))
        left -= ROUNDS_A_SPOOL


creel.main(globals())
