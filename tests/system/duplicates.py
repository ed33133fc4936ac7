# SPDX-License-Identifier: MIT
"""The same request many times is one event: at once, after a restart, after kill -9."""
import os
import signal

import creel
from creel import Host, check


def same(h, n, event_id="msg_same"):
    """n equal requests at once; the id they all name."""
    body = b'{"type":"order.created"}'
    answers = creel.together(n, lambda i: h.post(body, creel.sign(body, event_id)))
    bad = [a for a in answers if not isinstance(a, creel.Answer) or a.status not in (200, 202)]
    check(not bad, f"unexpected answers: {bad[:3]}")
    ids = {a.json()["id"] for a in answers}
    check(len(ids) == 1, f"several ids: {ids}")
    for a in answers:
        check(a.json()["status"] == ("accepted" if a.status == 202 else "duplicate"), f"answer {a}")
    return ids.pop(), sum(a.status == 202 for a in answers)


def with_function():
    h = Host()
    h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
    return h.start()


def test_64_at_once():
    with with_function() as h:
        event, accepted = same(h, 64)
        check(accepted == 1, f"{accepted} were answered 202")
        h.wait_state(event, "done")
        check(len(h.list()) == 1 and len(h.outputs()) == 1, f"list {h.list()}, runs {h.outputs()}")
        h.finish()


def test_after_restart():
    with with_function() as h:
        event, _ = same(h, 4)
        h.wait_state(event, "done")
        h.restart()
        check(same(h, 4) == (event, 0), "the restart forgot the id")
        check(len(h.list()) == 1 and len(h.outputs()) == 1, f"list {h.list()}, runs {h.outputs()}")
        h.finish()


def test_after_its_segment_is_gone():
    """The window for duplicates goes on when retention is over."""
    with Host(segment_size="64KiB", retention="1ms") as h:
        h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
        h.start()
        event, _ = same(h, 4)
        h.wait_state(event, "done")
        first = h.spool("journal/000000000001.jsonl")

        def gone():
            h.accept("order.paid", note="x" * 20000)
            return not os.path.exists(first)
        creel.poll(gone, "the segment to be retired")
        check(same(h, 1) == (event, 0), "the end of its segment made it forget the id")
        for _ in range(2):
            h.restart()
            check(same(h, 4) == (event, 0), "the restart forgot the id")
        check(len(h.outputs()) == 1, f"runs {h.outputs()}")
        h.creel("fsck")
        h.finish()


def test_after_kill_of_everything():
    with with_function() as h:
        event, _ = same(h, 4)
        h.wait_state(event, "done")
        h.allow(".*")
        for role in ("intake", "dispatch"):
            old = h.role(role)
            os.kill(old, signal.SIGKILL)
            creel.poll(lambda r=role, o=old: h.role(r) not in (None, o) and h.ready(), f"{role} to be back")
            check(same(h, 4) == (event, 0), f"kill -9 of {role} made it forget the id")
        h.process.kill()
        h.process.wait()
        h.start()
        check(same(h, 4) == (event, 0), "kill -9 of the supervisor made it forget the id")
        check(len(h.list()) == 1 and len(h.outputs()) == 1, f"list {h.list()}, runs {h.outputs()}")
        h.finish()


def test_many_ids_at_once():
    """Different ids do not disturb one another."""
    with with_function() as h:
        answers = creel.together(32, lambda i: h.send(event_id=f"msg_{i % 16}"))
        by_status = {}
        for a in answers:
            by_status.setdefault(a.status, []).append(a.json()["id"])
        check(len(by_status.get(202, [])) == 16 and len(by_status.get(200, [])) == 16, f"answers: {by_status}")
        check(set(by_status[202]) == set(by_status[200]), "duplicates name other ids than their firsts")
        h.wait_all(by_status[202], "done")
        h.finish()


creel.main(globals())
