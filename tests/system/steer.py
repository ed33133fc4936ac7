# SPDX-License-Identifier: MIT
"""creel against a running host: filters, replay and its refusals, JSON wherever it is promised, exit codes, output that nobody takes."""
import json
import os
import shutil
import subprocess

import creel
from creel import Host, check

REJECT = '#include <creel.h>\nstatic int f(struct creel_invocation *in){return creel_reject(in, "no \\"order\\"\\n id");}\nCREEL_FUNCTION(f,.types="order.bad");'
LATER = '#include <creel.h>\nstatic int f(struct creel_invocation *in){return creel_retry_after(in, 3600, "away");}\nCREEL_FUNCTION(f,.types="order.later");'
UNKNOWN = "0" * 26


class Ran:
    """One event in each state that lasts: done (two sources), dead, waiting, ignored; and a refused request."""

    def __init__(self, h):
        self.h = h
        h.settings["sources"]["two"] = h.source("two")
        h.write_config()
        h.function("good", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
        h.function("rej", REJECT)
        h.function("later", LATER)
        h.start()
        self.done, self.dead, self.waiting = h.accept("order.created"), h.accept("order.bad"), h.accept("order.later")
        self.ignored, self.two = h.accept("nobody.wants"), h.accept("order.created", path="/hooks/two")
        for event, state in ((self.done, "done"), (self.dead, "dead"), (self.waiting, "waiting"), (self.ignored, "ignored"), (self.two, "done")):
            h.wait_state(event, state)
        check(h.send(secret=b"another secret that is not ours.").status == 401, "a wrong signature")
        h.allow("run ended, dead")


def test_list():
    with Host() as h:
        r = Ran(h)
        every = [r.done, r.dead, r.waiting, r.ignored, r.two]
        check([e["id"] for e in h.list()] == every, "not all, or not the oldest first")
        for words, events in ((["--state", "dead"], [r.dead]), (["--state", "ignored"], [r.ignored]), (["--source", "two"], [r.two]),
                              (["--source", "none"], []), (["--type", "order.*"], [r.done, r.dead, r.waiting, r.two]),
                              (["--function", "later"], [r.waiting]), (["--function", "later", "--state", "done"], []),
                              (["--since", "1h"], every), (["--since", "2020-01-01T00:00:00Z"], every), (["--since", "0s"], [])):
            check([e["id"] for e in h.list(*words)] == events, f"list {words}: {h.list(*words)}")
        for e in h.list():
            check(list(e) == ["id", "event_id", "source", "type", "version", "received", "state", "functions"], f"members: {list(e)}")
            check(all(list(f) == ["name", "state", "attempts", "due", "why"] for f in e["functions"]), f"functions: {e}")
        waiting = h.list("--state", "waiting")[0]["functions"][0]
        check(waiting["due"].endswith("Z") and len(waiting["due"]) == 24 and waiting["why"] == "away", f"waiting: {waiting}")
        refused = h.list("--rejected")
        check(len(refused) == 1 and refused[0]["code"] == "signature-invalid" and refused[0]["status"] == 401, f"rejected: {refused}")
        check(h.list("--rejected", "--source", "two") == [], "rejected by another source")
        text = h.creel("verify", "--rejected", refused[0]["request"]).stdout
        check("signature-invalid" in text and "not kept" in text and "--source " + refused[0]["source"] in text, text)
        for words in (["--state", "lost"], ["--since", "1y"], ["--since", "-1d"], ["--rejected", "--state", "dead"], ["--rejected", "--follow"],
                      ["--rejected", "--function", "f"], ["more"], ["--nope"]):
            h.creel("list", *words, status=100)
        h.finish()


def test_show():
    with Host() as h:
        r = Ran(h)
        e = h.show(r.dead)
        check(e["state"] == "dead" and e["functions"][0]["why"] == 'no "order"\n id' and json.loads(e["body"])["type"] == "order.bad"
              and e["headers"]["webhook-id"] == e["event_id"] and [a["kind"] for a in e["attempts"]] == ["attempt", "outcome"], f"{e}")
        check(h.creel("show", r.dead, "--body").stdout == e["body"], "--body")
        h.creel("show", r.dead, "--body", "--json", status=100)
        check("26 characters" in h.creel("show", r.dead[:10], status=1).stderr, "a prefix")
        check("retired" in h.creel("show", UNKNOWN, status=1).stderr, "an unknown id")
        wild = h.accept("order.created", note="\x1b[31m\x9b31m\x07")
        plain = b'{"type":"x.y","n":"\xc2\x9b31m"}\n\tend'
        odd = h.post(plain, dict(creel.sign(plain), **{"content-type": "text/plain"}), "/hooks/shop").json()
        check(odd["code"] == "malformed-body", f"text behind JSON: {odd}")
        raw = b'{"type":"x.y",\n\t"n":"\xc2\x9b31m"}'
        shown = h.creel("show", h.post(raw, creel.sign(raw)).json()["id"]).stdout
        check("\x9b" not in shown and '\n\t"n"' in shown, f"control characters for a terminal: {shown!r}")
        check("\x1b" not in h.creel("show", wild).stdout, "an escape for a terminal")
        h.creel("drop", r.waiting)
        h.wait_state(r.waiting, "dead")
        shown = h.creel("show", r.waiting).stdout
        check("drop later" in shown and " by uid:" in shown, f"the action is not shown: {shown}")
        with open(h.path("event.json"), "w") as f:
            f.write(h.creel("show", r.done, "--json").stdout)
        done = h.creel("test", os.path.join(h.settings["functions"], "rej.so"), h.path("event.json"), "--json", status=1)
        check(json.loads(done.stdout)["outcome"] == "REJECT", "what show prints is no event for test")
        h.finish()


def test_replay_drop_hold():
    with Host() as h:
        r = Ran(h)
        for event, status, said in ((r.done, 0, "1 of 1"), (r.dead, 0, "1 of 1"), (r.waiting, 0, "1 of 1"), (r.ignored, 1, "no function wants it"),
                                    (UNKNOWN, 1, "may have been retired"), ("short", 1, "26 characters")):
            done = h.creel("replay", event, status=status)
            check(said in done.stdout + done.stderr, f"replay {event}: {done.stdout}{done.stderr}")
        h.wait_all([r.done], "done")
        h.wait_all([r.dead], "dead")
        h.wait_all([r.waiting], "waiting")
        check("1 of 1 replayed" in h.creel("replay", r.done, UNKNOWN, status=1).stdout, "one known, one unknown")
        h.wait_all([r.done], "done")
        h.creel("replay", r.done, "--function", "rej", status=1)
        h.creel("hold", "good")
        held = h.accept("order.created")
        h.wait_state(held, "held")
        check("not ended" in h.creel("replay", held, status=1).stderr, "replay of what is held")
        h.creel("drop", held)
        h.wait_state(held, "dead")
        h.creel("drop", held, status=1)
        check("no unfinished event has this id" in h.creel("drop", UNKNOWN, status=1).stderr, "drop of what nobody knows")
        check(json.loads(h.creel("hold", "good", "--json").stdout)["ok"], "hold twice")
        check(json.loads(h.creel("resume", "good", "--json").stdout)["ok"], "resume")
        h.creel("replay", r.done, "--spool", h.spool())
        h.wait_all([r.done], "done")
        shutil.copytree(h.spool(), h.path("other"))
        check("not the spool of" in h.creel("replay", r.done, "--spool", h.path("other"), status=100).stderr, "replay of another spool's event")
        check(json.loads(h.creel("status", "--json", "--spool", h.path("other")).stdout)["running"] is False, "status of another spool")
        for verb in ("hold", "resume", "forget"):
            check("'of-that-name-is-none'" in h.creel(verb, "of-that-name-is-none", status=1).stderr, f"{verb} does not name what it did not find")
        check("good.so is still in" in h.creel("forget", "good", status=1).stderr, "forget with the file there")
        h.finish()


def test_plans():
    with Host() as h:
        r = Ran(h)
        alone = h.creel("replay", "--dead", status=1).stdout
        plan = [json.loads(line) for line in h.creel("replay", "--dead", "--plan", "--json").stdout.splitlines()]
        check(plan[-1]["events"] == 1 and plan[0]["id"] == r.dead and plan[-1]["plan"] in alone, f"{plan} {alone}")
        check(h.list("--state", "dead")[0]["functions"][0]["attempts"] == 1, "a plan ran something")
        h.creel("replay", "--dead", "--apply", "0" * 16, status=1)
        h.creel("replay", "--dead", "--apply", plan[-1]["plan"])
        creel.poll(lambda: h.list("--state", "dead") and h.list("--state", "dead")[0]["functions"][0]["attempts"] == 2, "the second attempt")
        check("the plan is not what it was" in h.creel("replay", "--dead", "--apply", plan[-1]["plan"], status=1).stderr, "an old plan")
        for words in (["--dead", r.dead], ["--source", "two"], ["--function", "rej"], ["--dead", "--plan", "--apply", "x"], [r.dead, "--plan"], []):
            check("usage: creel replay" in h.creel("replay", *words, status=100).stderr, f"replay {words}")
        check("--dead or --since" in h.creel("replay", "--function", "rej", status=100).stderr, "what a function alone lacks")
        h.finish()


def test_output_that_nobody_takes():
    with Host() as h:
        Ran(h)
        for verb in ("list", "list --json", "status", "fsck", "--help", "--version", "list --help"):
            for to in (">/dev/full", ">&-"):
                done = subprocess.run(f"{creel.CREEL} -c {h.config} {verb} {to}", shell=True, capture_output=True, text=True, check=False)
                check(done.returncode == 111 and "standard output" in done.stderr, f"{verb} {to}: {done}")
        for option in ("--help", "--version", "-T"):
            done = subprocess.run(f"{creel.CREELD} -c {h.config} {option} >/dev/full", shell=True, capture_output=True, check=False)
            check(done.returncode == 111, f"creeld {option}: {done}")
        done = subprocess.run(["bash", "-c", f"{creel.CREEL} -c {h.config} list | true; exit ${{PIPESTATUS[0]}}"], capture_output=True, check=False)
        check(done.returncode in (0, 141), f"a closed pipe: {done}")
        h.finish()


def test_without_the_daemon():
    with Host() as h:
        r = Ran(h)
        running = json.loads(h.creel("status", "--json").stdout)
        check(running["running"] and {f["name"]: f["state"] for f in running["functions"]} == {n: "live" for n in ("good", "rej", "later")},
              f"status: {running}")
        h.stop()
        stopped = json.loads(h.creel("status", "--json").stdout)
        check(not stopped["running"] and stopped["events"] == dict(pending=0, running=0, waiting=1, held=0, done=2, dead=1, ignored=1), f"{stopped}")
        check(h.states()[r.dead] == "dead" and h.show(r.done)["state"] == "done", "the spool alone")
        h.creel("fsck")
        for words in (["replay", r.dead], ["drop", r.waiting], ["hold", "good"], ["resume", "good"]):
            check("is it running?" in h.creel(*words, status=111).stderr, f"{words} without creeld")


if __name__ == "__main__":
    creel.main(globals())
