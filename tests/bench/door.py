# SPDX-License-Identifier: MIT
"""The door and the whole stack, behind one nginx, in turn: a constant answer by a libfcgi program in park mode, the same program with
group commit, intake alone, creeld with no function, creeld with a do-nothing function in the pool until every event is done.

CPU seconds are those of nginx and the server, all their processes, those that ended included; wrk's are not. Of creeld they are taken
when the last event has ended, and there must be as many `done` in the journal as events. `machine` is the same seen from outside:
everything the machine did meanwhile but wrk, kernel threads and other people's work included.
"""
import statistics
import sys

import rig

SECONDS = 3
KINDS = {"constant": "constant answer", "synced": "the same, with group commit", "intake": "intake alone",
         "creeld": "creeld, no function", "contract": "the same, with a schema and a limit", "stack": "creeld, pool function, until done"}
UNCHECKED = ("constant", "synced")  # these look at nothing, and may get what another one got before
DOOR_GOAL, STACK_GOAL, CONTRACT_GOAL = 0.60, 0.12, 1.10


def start(r, kind):
    r.clean()
    if kind == "constant":
        return r.start("tests/bench/park", r.sock)
    if kind == "synced":
        return r.start("tests/bench/park", r.sock, r.path("synced.data"))
    if kind == "intake":
        return r.start("tests/bench/alone", r.config(), r.sock)
    if kind == "stack":
        r.function("nothing", types=["order.*"])
    pid = r.start_creeld(contract=kind == "contract")
    r.wait_until("dispatch", lambda s: s["dispatching"] and s["functions"] == (kind == "stack"))
    return pid


def all_ended(s):
    return s["unfinished"] == 0 and s["queue_bytes"] == 0 and s["accepted_total"] == s["done_total"] + s["ignored_total"]


def one(r, kind):
    server = start(r, kind)
    web = r.start_web()
    try:
        if kind not in UNCHECKED or not r.serial:
            r.make_requests(SECONDS)
        machine, before = rig.Machine(), [rig.cpu_seconds(server), rig.cpu_seconds(web)]
        out = r.wrk(SECONDS)
        if kind in ("creeld", "contract", "stack"):
            r.wait_until("every accepted event to end", all_ended)
        after, outside = [rig.cpu_seconds(server), rig.cpu_seconds(web)], machine.since()
    finally:
        r.stop_web()
        r.stop()
    events = count(r, kind, out)
    out["server_cpu"], out["web_cpu"] = (1000 * (a - b) / events for a, b in zip(after, before))
    out["machine_cpu"] = 1000 * (outside["busy"] - out["cpu"]) / events
    out["drain_s"] = outside["seconds"] - out["seconds"]
    return out


def count(r, kind, out):
    """How many events this was, by the journal where there is one; it must have what the servers said."""
    if out["refused"] or out["failed"]:
        print(f"  {kind}: {out['refused']} refused, {out['failed']} failed", file=sys.stderr)
    if kind in UNCHECKED:
        return out["requests"]
    events = r.lines("event")
    if events < out["requests"] - out["refused"]:
        raise rig.Wrong(f"{kind}: {out['requests']} answered, {events} in the journal")
    ended = r.lines("outcome") if kind == "stack" else events
    if ended != events:
        raise rig.Wrong(f"{kind}: {events} events and {ended} outcomes in the journal")
    return events


def median(runs, name):
    return statistics.median(run[name] for run in runs)


def figures(kind, runs):
    cpu = [run["server_cpu"] + run["web_cpu"] for run in runs]
    return {"part": "door", "server": KINDS[kind], "events_per_s": median(runs, "rate"), "least": min(run["rate"] for run in runs),
            "most": max(run["rate"] for run in runs), "p50_ms": median(runs, "p50_ms"), "p99_ms": median(runs, "p99_ms"),
            "cpu_s_per_1000": statistics.median(cpu), "of_it_server": median(runs, "server_cpu"), "machine": median(runs, "machine_cpu")}


def ratio(what, kind, base, results):
    ratios = [a["rate"] / b["rate"] for a, b in zip(results[kind], results[base])]
    return {"part": "door", "case": what, "unit": "events/s", "ours": median(results[kind], "rate"), "baseline": median(results[base], "rate"),
            "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios),
            "goal": f">= {DOOR_GOAL:.2f}" if base == "constant" and kind in ("intake", "creeld") else None, "pairs": len(ratios)}


def contract(results):
    """Processor time with a schema and a limit beside that without, of runs next to each other."""
    cpu = {kind: [run["server_cpu"] + run["web_cpu"] for run in results[kind]] for kind in ("contract", "creeld")}
    ratios = [a / b for a, b in zip(cpu["contract"], cpu["creeld"])]
    return {"part": "door", "case": "a schema and a limit / neither", "unit": "CPU s/1000", "ours": statistics.median(cpu["contract"]),
            "baseline": statistics.median(cpu["creeld"]), "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios),
            "goal": f"<= {CONTRACT_GOAL:.2f}", "pairs": len(ratios)}


def stack(runs):
    cpu = [run["server_cpu"] + run["web_cpu"] for run in runs]
    return {"part": "stack", "case": "accept to done, nginx and pool included", "unit": "CPU s/1000", "value": statistics.median(cpu),
            "least": min(cpu), "most": max(cpu), "goal": f"<= {STACK_GOAL:.2f}", "runs": len(cpu)}


def run(build, note):
    rig.need("nginx", "wrk")
    kinds, results = list(KINDS), {k: [] for k in KINDS}
    note(f"behind nginx with {rig.NGINX_WORKERS} workers: {rig.CONNECTIONS} connections, {rig.BODY_BYTES} bytes, unique ids, "
         f"{SECONDS} s each, {rig.rounds()} rounds of {len(kinds)} servers in turn")
    with rig.Rig(build) as r:
        for number in range(rig.rounds()):
            for kind in kinds if number % 2 == 0 else reversed(kinds):
                results[kind].append(one(r, kind))
    yield from (figures(kind, results[kind]) for kind in kinds)
    yield ratio("intake alone / constant answer", "intake", "constant", results)
    yield contract(results)
    yield ratio("creeld, no function / constant answer", "creeld", "constant", results)
    yield ratio("creeld, pool function / constant answer", "stack", "constant", results)
    yield ratio("intake alone / the same with group commit", "intake", "synced", results)
    yield ratio("creeld, no function / the same with group commit", "creeld", "synced", results)
    yield stack(results["stack"])
