# SPDX-License-Identifier: MIT
"""What a source holds its sender to: versions of event types, and what becomes of events that do not keep to it."""
import json
import os
import signal

import creel
from creel import Host, check


def test_dead_on_arrival():
    """A sender that goes away when it is refused is told 202; its event is dead with the reason, and a replay runs it."""
    with Host() as h:
        source = h.settings["sources"]["shop"]
        source.update(version="json:/v", versions={"1": {}}, on_violation="dead")
        h.write_config()
        h.function("order.created", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
        h.function("second", creel.code("record"), OUT=h.path("out/second"), TYPES="order.*")
        h.start()
        good, bad = h.accept(v="1"), h.accept(v="2", event_id="once")
        check(h.send(v="2", event_id="once").json() == {"id": bad, "status": "duplicate"}, "a copy of it")
        h.wait_state(good, "done")
        h.wait_state(bad, "dead")
        why = "unknown-version: version 2 is not known here; known: 1"
        shown = h.show(bad)
        check(shown["violation"] == why and [(f["name"], f["state"], f["why"]) for f in shown["functions"]] ==
              [("order.created", "dead", why), ("second", "dead", why)], f"show: {shown}")
        check(h.show(good)["violation"] is None, "the violation of one that kept to it")
        text = h.creel("show", bad).stdout
        check(text.count(why) == 3 and "REJECT, dead" in text, f"show for people: {text}")
        letters = [os.path.join(at, f) for at, _, files in os.walk(h.spool("dead")) for f in files]
        check(len(letters) == 2 and all(why in open(f).read() for f in letters), f"dead letters: {letters}")
        check(len(h.outputs()) == len(h.outputs("second")) == 1, "a function ran on it")
        check(h.send("nobody.wants", v="2").status == 202, "one that nobody wants")
        counters = json.loads(h.creel("status", "--json").stdout)["counters"]
        check(counters["violations_total"] == counters["unknown_versions_total"] == 3, f"counters: {counters}")
        os.kill(h.role("dispatch"), signal.SIGKILL)
        h.restart()
        check(h.states()[bad] == "dead", "after a kill")
        h.creel("replay", bad)
        h.wait_state(bad, "done")
        check(len(h.outputs()) == len(h.outputs("second")) == 2, "the replay")
        h.allow("does not meet its contract", "run ended, dead", "role ended")
        h.finish()


creel.main(globals())
