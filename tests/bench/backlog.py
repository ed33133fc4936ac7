# SPDX-License-Identifier: MIT
"""Memory, cold and with a backlog, and whether the cost of one event grows with it.

A backlog is so many events in the journal for a function that is held. What is measured at each size, in turn: how long a start takes
from exec until all are in mind (the first one also writes down where they go, `restart` does not); what dispatch and intake hold; what
an event costs from accept to done while the backlog lies there; and, once it is released, how fast it goes and what that costs.
"""
import os
import statistics
import subprocess
import time

import rig

SIZES = "1000 100000"
LONG = 500000          # a size that is measured once
ROUNDS_MOST = 3
BODY_BYTES = "200"
LOAD_S = 2
GROWTH_GOAL = 1.10     # of the cost at a larger backlog, beside the smallest one


def memory(build, _):
    with rig.Rig(build) as r:
        r.clean()
        r.function("nothing", types=["order.*"])
        pid = r.start_creeld()
        r.wait_until("dispatch", lambda s: s["dispatching"] and s["functions"] == 1)
        time.sleep(1)  # what a start needed for a moment is given back
        for role in ("intake", "dispatch"):
            yield row(role, rig.named(pid, role))
        yield row("supervisor", pid)
        for p in rig.tree(rig.named(pid, "dispatch"))[1:]:
            yield row("of the one slot", p)


def row(what, pid):
    resident, anonymous = rig.memory(pid)
    return {"part": "memory", "cold": what, "resident_KiB": resident, "anonymous_KiB": anonymous}


def prepare(r, n):
    """A spool in which n events wait for a function that is held; the KiB of both roles before there are any."""
    r.clean()
    r.function("later", types=["later"])
    r.function("nothing", types=["order.*"])
    pid = r.start_creeld()
    r.wait_until("dispatch", lambda s: s["dispatching"] and s["functions"] == 2)
    if not r.ask(op="hold", function="later")["ok"]:
        raise rig.Wrong("the function cannot be held")
    time.sleep(1)
    cold = [rig.memory(rig.named(pid, role))[0] for role in ("intake", "dispatch")]
    r.stop()
    subprocess.run([r.program("tests/bench/fill"), r.spool, str(n), "later", BODY_BYTES], check=True)
    return cold


def started(r, n):
    """Seconds from exec until all are in mind and what there was to write about them is written; CPU seconds; the pid."""
    begun = time.monotonic()
    pid = r.start_creeld()
    r.wait_until("the backlog to be in mind",
                 lambda s: s["dispatching"] and s["held"] == n and s["queue_bytes"] == 0, pause=0.01)
    return time.monotonic() - begun, rig.cpu_seconds(pid), pid


def cost(r, pid, events, condition):
    """Seconds and CPU seconds, both for 1,000 events, until so many events more are done."""
    begun, cpu, done = time.monotonic(), rig.cpu_seconds(pid), r.status()["done_total"]
    events(r)
    end = r.wait_until("the events to be done", condition, pause=0.01)
    n = end["done_total"] - done
    return n, 1000 * (time.monotonic() - begun) / n, 1000 * (rig.cpu_seconds(pid) - cpu) / n


def one(r, n):
    cold = prepare(r, n)
    first, _, _ = started(r, n)
    r.stop()
    again, again_cpu, pid = started(r, n)
    warm = [rig.memory(rig.named(pid, role))[0] for role in ("intake", "dispatch")]
    r.start_web()
    r.make_requests(LOAD_S)
    _, _, live = cost(r, pid, lambda r: r.wrk(LOAD_S), lambda s: s["held"] == n == s["unfinished"] and s["queue_bytes"] == 0)
    r.stop_web()
    released, wall, cpu = cost(r, pid, lambda r: r.ask(op="resume", function="later"),
                               lambda s: s["unfinished"] == 0 and s["queue_bytes"] == 0)
    r.stop()
    outcomes, events = r.lines("outcome"), r.lines("event")
    if released != n or outcomes != events:
        raise rig.Wrong(f"{n} in the backlog, {released} released, {events} events, {outcomes} outcomes in the journal")
    return {"start_s": first, "restart_s": again, "restart_cpu_s": again_cpu, "dispatch_MiB": warm[1] / 1024, "bytes_an_event": 1024 * (warm[1] - cold[1]) / n,
            "intake_MiB": warm[0] / 1024, "intake_bytes_an_event": 1024 * (warm[0] - cold[0]) / n,
            "live_cpu_s_per_1000": live, "drain_s_per_1000": wall, "drain_cpu_s_per_1000": cpu}


def figures(n, runs):
    return {"part": "backlog", "backlog": n, **{k: statistics.median(run[k] for run in runs) for k in runs[0]}}


def growth(what, member, few, many, results):
    ratios = [b[member] / a[member] for a, b in zip(results[few], results[many])]
    return {"part": "backlog", "case": f"{what}, {many:,} / {few:,} waiting", "unit": "CPU s/1000",
            "ours": statistics.median(run[member] for run in results[many]),
            "baseline": statistics.median(run[member] for run in results[few]),
            "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "goal": f"<= {GROWTH_GOAL:.2f}", "pairs": len(ratios)}


def run(build, note):
    rig.need("nginx", "wrk")
    sizes = sorted(int(n) for n in (os.environ.get("BENCH_BACKLOG") or SIZES).split())
    results = {n: [] for n in sizes}
    with rig.Rig(build) as r:
        for number in range(min(rig.rounds(), ROUNDS_MOST)):
            for n in sizes:
                if n >= LONG and number:
                    continue
                note(f"round {number + 1}, {n:,} events wait")
                results[n].append(one(r, n))
    yield from (figures(n, results[n]) for n in sizes)
    for many in sizes[1:]:
        yield growth("an event from accept to done", "live_cpu_s_per_1000", sizes[0], many, results)
        if sizes[0] >= 10000 or many > sizes[1]:
            yield growth("a released event", "drain_cpu_s_per_1000", sizes[0 if sizes[0] >= 10000 else 1], many, results)
