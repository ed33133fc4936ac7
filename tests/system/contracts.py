# SPDX-License-Identifier: MIT
"""What a source holds its sender to: versions of event types, and what becomes of events that do not keep to it."""
import json
import os
import signal
import subprocess

import creel
from creel import Host, check


ORDER = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["order_id"],
         "properties": {"order_id": {"$ref": "common.json#/definitions/id"}, "at": {"format": "date-time"}}}
COMMON = {"definitions": {"id": {"type": "string", "pattern": "^o-[0-9]+$"}}}


class Folder:
    """The schemas folder of a host: each change waits for what the log says of it."""

    def __init__(self, h):
        self.h = h

    def put(self, name, schema, says=""):
        path, before = self.h.path("schemas", name), len(self.h.log_text())
        with open(path + ".new", "w") as f:
            f.write(schema if isinstance(schema, str) else json.dumps(schema, indent=1))
        os.rename(path + ".new", path)
        return self.said(says, before)

    def drop(self, name, says):
        before = len(self.h.log_text())
        os.unlink(self.h.path("schemas", name))
        return self.said(says, before)

    def said(self, says, before):
        if says:
            creel.poll(lambda: says in self.h.log_text()[before:], lambda: f"the log to say '{says}'\n{self.h.log_tail()}")
        return self.h.log_text()[before:]


def test_schemas_come_and_go():
    """Dropped in, corrected, broken, replaced by one of another version, removed: all without a signal."""
    with Host() as h:
        schemas = Folder(h)
        h.start()
        h.accept(order_id=7)
        schemas.put("common.json", COMMON)
        schemas.put("order.created.json", ORDER, "configuration reloaded")
        wrong = h.send(order_id=7)
        check(wrong.status == 422 and wrong.json()["code"] == "schema-violation", f"{wrong}")
        check([(e["pointer"], e["keyword"]) for e in wrong.json()["errors"]] == [("/order_id", "type")], f"{wrong}")
        check(wrong.json()["errors"][0]["message"] in wrong.json()["detail"], f"{wrong}")
        check([e["keyword"] for e in h.send().json()["errors"]] == ["required"], "without an id")
        check([e["keyword"] for e in h.send(order_id="x").json()["errors"]] == ["pattern"], "another pattern")
        good = h.accept(order_id="o-1", at="never")
        refused = h.list("--rejected")
        check([r["code"] for r in refused] == ["schema-violation"] * 3 and "/order_id: type: " in refused[0]["detail"], f"{refused}")
        # a fault: the one before it stays
        said = schemas.put("order.created.json", ORDER | {"required": "order_id"}, "not reloaded")
        check("order.created.json:4: /required: " in said, f"the log does not say where: {said}")
        check(h.send(order_id=7).status == 422, "the old schema is gone")
        said = schemas.put("common.json", COMMON | {"definitions": {"id": {"type": "sting"}}}, "not reloaded")
        check("common.json:4: /definitions/id/type: " in said, f"the log does not say where: {said}")
        tested = subprocess.run([creel.CREELD, "-c", h.config, "-t"], capture_output=True, text=True, check=False)
        check(tested.returncode == 100 and h.path("schemas", "order.created.json") + ":4: /required: " in tested.stderr
              and h.path("schemas", "common.json") + ":4: /definitions/id/type: " in tested.stderr, f"-t: {tested}")
        # corrected
        schemas.put("common.json", {"definitions": {"id": {"type": "integer"}}})
        schemas.put("order.created.json", ORDER, "configuration reloaded")
        h.accept(order_id=7)
        check(h.send(order_id="o-1").status == 422, "the corrected schema")
        # a version
        h.settings["sources"]["shop"].update(version="json:/v", versions={"1": "", "2": {"schema": "v2", "deprecated": "2020-01-01T00:00:00Z"}})
        h.settings["schema_formats"] = True
        h.write_config()
        schemas.put("order.created.v2.json", {"required": ["number"]}, "configuration reloaded")
        check(h.send(order_id=7, v="1", at="never").status == 422, "formats are checked")
        h.accept(order_id=7, v="1", at="2026-11-22T10:00:00Z")
        second = h.send(number=1, v="2")
        check(second.status == 202 and second.headers["deprecation"] == "@1577836800", f"{second} {second.headers}")
        check(h.send(order_id=7, v="2").headers["deprecation"] == "@1577836800", "a refusal is warned as well")
        check(h.send(order_id=7, v="3").json()["code"] == "unknown-version", "another version")
        for name in ("order.created.v2.json", "order.created.json"):
            said = schemas.drop(name, "configuration reloaded")
        check("no file in" in said, f"a version whose schema is gone is no warning: {said}")
        h.accept(v="2")
        counters = json.loads(h.creel("status", "--json").stdout)["counters"]
        check(counters["violations_total"] == 8 and counters["deprecated_total"] == 3 and counters["unknown_versions_total"] == 1, f"{counters}")
        check(h.states()[good] == "ignored", "what was taken stays")
        h.allow("refused", "fault in the configuration", "not reloaded", "doubt about the configuration")
        h.finish()


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
