# SPDX-License-Identifier: MIT
"""What the door refused: kept by cause without secrets, listed, explained, and run through the door again."""
import glob
import json
import os
import signal
import time

import creel
from creel import Host, check

OTHER = b"another secret that is not ours."
TOKEN = "tokentokentokentoken"


def kept(h, code="*"):
    lines = []
    for name in sorted(glob.glob(h.spool("rejected", f"{code}.*.jsonl"))):
        with open(name, "rb") as f:
            lines += f.read().splitlines(True)
    return lines


def rerun(h, *requests, status=None):
    done = h.creel("replay", "--rejected", *requests, "--json", status=status)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask_again(h, value):
    """What CREEL_RERUN with this value is answered."""
    with creel.fcgi_connect(h.fastcgi, 5) as s:
        s.sendall(creel.fcgi_request([("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/"), ("CREEL_RERUN", value)]))
        return creel.fcgi_answer(s).body.decode()


def stranger_asks(h, value):
    """The same by another user, who cannot read this folder."""
    request = creel.fcgi_request([("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/"), ("CREEL_RERUN", value)])
    script = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.sendall(bytes.fromhex(sys.argv[2]))\n"
              "while True:\n    data = s.recv(65536)\n    sys.stdout.write(data.decode('latin-1'))\n    if not data: break\n")
    return creel.run([*creel.as_ordinary_user(), "/usr/bin/python3", "-c", script, h.fastcgi, request.hex()])


def reload(h, before):
    h.write_config()
    h.process.send_signal(signal.SIGHUP)
    creel.poll(lambda: h.log_text().count("configuration switched") > before, "the new configuration\n" + h.log_tail())


def switches(h):
    return h.log_text().count("configuration switched")


def start(**more):
    h = Host()
    h.settings["sources"]["shop"] = h.source("shop", rejected={"body": True}, types=["order.*"], **more)
    h.settings["sources"]["plain"] = h.source("plain")
    h.settings["sources"]["token"] = h.source("token", recipe="gitlab", secret=TOKEN, type="const:push", rejected={"body": True})
    h.settings["sources"]["open"] = h.source("open", recipe="none", rejected={"body": True})
    h.write_config()
    return h


def test_kept_and_explained():
    """By cause, with headers and, where the source says so, the body; no secret; creel verify explains with what is kept."""
    with start() as h:
        h.start()
        body = json.dumps({"type": "order.created", "n": 1}).encode()
        headers = dict(creel.sign(body, secret=OTHER), authorization="Bearer " + TOKEN, cookie="c=" + TOKEN, referer="https://h/?k=" + TOKEN)
        headers.update({name: TOKEN for name in ("x-gitlab-token", "x-auth-token", "x-hook-secret", "api-key", "x-access-token", "x-original-url", "x-ssl-client-cert")})
        refused = {name: h.post(body, headers, path).headers["creel-request-id"] for name, path in
                   (("shop", "/hooks/shop?key=" + TOKEN), ("plain", "/hooks/plain?" + TOKEN), ("nowhere", "/nowhere/" + TOKEN))}
        check(h.post(body, {"x-gitlab-token": TOKEN + "x"}, "/hooks/token").status == 401, "a wrong token")
        lines = {e["request"]: e for e in h.list("--rejected")}
        shop, plain, nowhere = (lines[refused[k]] for k in ("shop", "plain", "nowhere"))
        check(shop["code"] == "signature-invalid" and shop["body"] == body.decode() and shop["url"] == "/hooks/shop?key=…"
              and shop["headers"]["webhook-id"] == headers["webhook-id"] and shop["headers"]["authorization"] == "…" and shop["altered"],
              f"{shop}")
        check("body" not in plain and plain["headers"]["cookie"] == "…" and plain["url"] == "/hooks/plain?…", f"{plain}")
        check("url" not in nowhere and "headers" not in nowhere and "body" not in nowhere, f"{nowhere}")
        text = b"".join(kept(h)).decode()
        check(TOKEN not in text and OTHER.decode() not in text, "a secret is in rejected/")
        check(set(os.listdir(h.spool("rejected"))) == {"signature-invalid.000000000001.jsonl", "no-such-source.000000000001.jsonl"},
              f"{os.listdir(h.spool('rejected'))}")
        done = h.creel("verify", "--rejected", refused["shop"], status=1)
        check("signature-invalid" in done.stdout and "clock of its arrival" in done.stdout, done.stdout)
        done = h.creel("verify", "--rejected", refused["plain"])
        check("not kept" in done.stdout and "--source plain" in done.stdout, done.stdout)
        for request, why in ((refused["plain"], "query was not kept"), (refused["nowhere"], "headers were not kept")):
            [a] = rerun(h, request, status=1)
            check(a["status"] == 400 and why in a["answer"]["detail"], f"{a}")
        token = next(e for e in lines.values() if e["source"] == "token")
        [a] = rerun(h, token["request"], status=1)
        check(a["status"] == 401 and "credentials were not kept" in a["answer"]["detail"], f"{a}")
        check(h.list() == [], "an event came of it")
        h.allow("refused")
        h.finish()


def test_after_the_correction():
    """A key, then a list of types is corrected: what was refused gives one event each, however often and by however many it is asked
    for, also after a restart; what is still bad stays refused; the clock is that of its arrival."""
    with start(tolerance="2s") as h:
        h.start()
        sent = [json.dumps({"type": kind, "n": i}).encode() for i, kind in enumerate(["order.created", "invoice.paid", "order.bad"])]
        ids = [h.post(b, creel.sign(b, f"msg_{i}", secret=OTHER if i < 2 else b"x" * 32)).headers["creel-request-id"]
               for i, b in enumerate(sent)]
        bare = b'{"type":"order.created"}x'  # no id of the sender's
        bare_id = h.post(bare, {"content-type": "application/json"}, "/hooks/open").headers["creel-request-id"]
        arrived = {e["request"]: e["at"] for e in h.list("--rejected")}
        answers = rerun(h, *ids, status=1)
        check([a["status"] for a in answers] == [401, 401, 401] and h.list() == [], f"before the correction: {answers}")
        passed = time.time() + 2.1  # the tolerance: from then on only the clock of their arrival lets them in
        creel.poll(lambda: time.time() > passed, "the tolerance to pass")
        before = switches(h)
        h.key_file("key-shop", creel.whsec(OTHER))
        h.settings["sources"]["open"]["type"] = "const:order.created"
        h.settings["sources"]["open"]["content_types"] = ["application/json", "text/plain"]
        reload(h, before)
        answers = rerun(h, *ids, status=1)
        check([a["status"] for a in answers] == [202, 403, 401], f"after the key: {answers}")
        [event] = h.list()
        check(event["event_id"] == "msg_0" and event["id"] == answers[0]["answer"]["id"] and event["received"] == arrived[ids[0]], f"{event}")
        shown = h.show(event["id"])
        check(shown["request_id"] == ids[0] and shown["body"] == sent[0].decode() and shown["remote"] == "127.0.0.1", f"{shown}")
        before = switches(h)
        h.settings["sources"]["shop"]["types"] = ["order.*", "invoice.*"]
        reload(h, before)
        together = creel.together(6, lambda i: rerun(h, ids[1])[0])
        check(sorted(a["status"] for a in together) == [200] * 5 + [202], f"at once: {together}")
        check(len({a["answer"]["id"] for a in together}) == 1 and len(h.list()) == 2, "more than one event")
        check([a["status"] for a in rerun(h, bare_id, status=1)] == [400], "the body of the other is no JSON")
        check(len(kept(h)) == 4, "what was run again and refused is kept again")
        h.restart()
        answers = rerun(h, *ids, status=1)
        check([a["status"] for a in answers] == [200, 200, 401] and len(h.list()) == 2, f"after a restart: {answers}")
        h.allow("refused", "event type")
        h.finish()


def test_without_an_id():
    """Without an id of the sender's, whether duplicates are looked for or not, one refused request is one event, also later."""
    with Host() as h:
        names = {"any": {"dedupe": False}, "body": {}}
        h.settings["sources"] = {n: h.source(n, recipe="none", rejected={"body": True}, types=["a"], **more) for n, more in names.items()}
        h.write_config()
        h.start()
        ids = [h.post(b'{"type":"b"}', {}, "/hooks/" + n).headers["creel-request-id"] for n in names for _ in range(2)]
        before = switches(h)
        for n in names:
            h.settings["sources"][n]["types"] = ["a", "b"]
        reload(h, before)
        began = time.time()
        check([a["status"] for a in rerun(h, *ids, *ids, status=0)] == [202] * 4 + [200] * 4, "four requests, four events")
        h.restart()
        creel.poll(lambda: time.time() > began + 1.5, "a second to pass")
        check([a["status"] for a in rerun(h, *ids, status=0)] == [200] * 4 and len(h.list()) == 4, "again")
        h.allow("refused", "anybody may")
        h.finish()


def test_a_batch():
    """A refused batch of CloudEvents is run again whole: each of its events is one event, however often, with ids of their own or without."""
    batch = json.dumps([{"specversion": "1.0", "id": str(n), "source": "/s", "type": t, "data": {"n": n}} for n, t in enumerate("aba")]).encode()
    with Host() as h:
        names = {"cloud": {}, "any": {"dedupe": False}}
        h.settings["sources"] = {n: h.source(n, recipe="none", envelope="cloudevents", rejected={"body": True}, types=["a"],
                                             type="header:ce-type", **more) for n, more in names.items()}
        h.write_config()
        h.start()

        def post(name):
            return h.post(batch, {"content-type": "application/cloudevents-batch+json"}, "/hooks/" + name)
        refused = [post(n) for n in names]
        check(all(a.status == 403 and "event 2: " in a.json()["detail"] for a in refused), f"{refused}")
        ids = [a.headers["creel-request-id"] for a in refused]
        check([a["status"] for a in rerun(h, *ids, status=1)] == [403, 403] and h.list() == [], "before the correction")
        before = switches(h)
        for n in names:
            h.settings["sources"][n]["types"] = ["a", "b"]
        reload(h, before)
        first = rerun(h, *ids, status=0)
        check([[e["status"] for e in a["answer"]["events"]] for a in first] == [["accepted"] * 3] * 2, f"{first}")
        check(post("cloud").status == 200 and post("any").status == 202, "the sender's own second try")
        h.restart()
        again = rerun(h, *ids, status=0)
        check([a["status"] for a in again] == [200, 200], f"{again}")
        check([[e["id"] for e in a["answer"]["events"]] for a in again] == [[e["id"] for e in a["answer"]["events"]] for a in first], f"{again}")
        check(len(h.list()) == 9, f"{h.list()}")
        [shown] = [h.show(first[0]["answer"]["events"][1]["id"])]
        check(shown["type"] == "b" and json.loads(shown["body"])["id"] == "1" and shown["request_id"] == ids[0], f"{shown}")
        said = h.creel("replay", "--rejected", ids[0], status=0).stdout
        check("there already" in said, said)
        h.allow("refused", "anybody may")
        h.finish()


def test_after_a_schema():
    """What a schema refused is kept with its errors; when the schema is corrected it becomes one event, the rest stays refused."""
    schema = {"type": "object", "properties": {"n": {"type": "string"}, "at": {"type": "string"}}}
    with start() as h:
        os.makedirs(h.path("schemas"), exist_ok=True)
        h.settings.update(schemas=h.path("schemas"), failed_limit={"rate": 1, "per": "1h", "burst": 3})
        h.write_config()
        with open(h.path("schemas", "order.created.json"), "w") as f:
            json.dump(schema, f)
        h.start()
        ids = [h.send(n=1).headers["creel-request-id"], h.send(at=7).headers["creel-request-id"]]
        kept_errors = {e["request"]: e["errors"] for e in h.list("--rejected")}
        check([[(e["pointer"], e["keyword"]) for e in kept_errors[i]] for i in ids] == [[("/n", "type")], [("/at", "type")]], f"{kept_errors}")
        check("/n" in h.creel("verify", "--rejected", ids[0]).stdout, "its proof was good")
        again = h.creel("replay", "--rejected", ids[0], status=1).stdout
        check("refused again: schema-violation" in again and "/n" in again, again)
        before = len(h.log_text())
        schema["properties"]["n"] = {"type": "integer"}
        with open(h.path("schemas", "new"), "w") as f:
            json.dump(schema, f)
        os.rename(h.path("schemas", "new"), h.path("schemas", "order.created.json"))
        creel.poll(lambda: "configuration reloaded" in h.log_text()[before:], "the schema to be taken\n" + h.log_tail())
        said = h.creel("replay", "--rejected", *ids, *ids, status=1).stdout.splitlines()
        check("accepted, it is event" in said[0] and "there already" in said[3] and "/at" in "".join(said), "\n".join(said))
        [event] = h.list()
        check(event["id"] in said[0] and event["id"] in " ".join(said[1:]), f"{event} {said}")
        # what an operator asks for is no guess of the sender's: its budget for those is not touched
        bad = h.send(secret=OTHER).headers["creel-request-id"]
        for _ in range(5):
            [a] = rerun(h, bad, status=1)
            check(a["status"] == 401, f"{a}")
        h.accept(n=3)
        h.allow("refused", "schema", "contract")
        h.finish()


def test_hostile_headers():
    """Whatever bytes and however many headers: each refusal is a line that can be read, and the text that came is in none of the others."""
    with start() as h:
        h.start()
        body = b'{"type":"order.created"}'
        signed = [("HTTP_" + k.upper().replace("-", "_"), v) for k, v in creel.sign(body, secret=OTHER).items() if k != "content-type"]
        hostile = [[("HTTP_X_%d" % i, "v") for i in range(400)],
                   [("HTTP_X_%d" % i, b"\xff" * 300) for i in range(100)],
                   [("HTTP_X_LONG", "l" * 60000)],
                   [('HTTP_X"\n\\}', '"}\n{"at":"2026-11-21T10:00:00.000Z","request":"INJECTED","code":"x"}'), ("HTTP_X_C", b"\x1b[2J\x7f\xc2\x85\r\n")],
                   [("HTTP_", "empty"), ("HTTP_X_\xe2\x80\xa6", "dots"), ("HTTP___PROTO__", "{}")],
                   [("HTTP_AUTHORIZATION", TOKEN), ("HTTP_PROXY_AUTHORIZATION", TOKEN), ("HTTP_X_API_KEY", TOKEN)]]
        ids = []
        for more in hostile:
            params = creel.fcgi_params("POST", "/hooks/shop", {"content-type": "application/json"}, body) + signed + more
            with creel.fcgi_connect(h.fastcgi) as s:
                s.sendall(creel.fcgi_request(params, body))
                ids.append(creel.fcgi_answer(s).headers["creel-request-id"])
        lines = {e["request"]: e for e in h.list("--rejected")}
        check(set(lines) == set(ids) and all(lines[i]["code"] == "signature-invalid" for i in ids), f"{set(lines)} {ids}")
        check([("headers" in lines[i]) for i in ids] == [False, True, False, True, True, True], f"{[list(lines[i]) for i in ids]}")
        check(lines[ids[1]]["altered"] and "altered" not in lines[ids[3]] and len(lines[ids[3]]["headers"]) == 5, f"{lines[ids[3]]['headers']}")
        check(TOKEN.encode() not in b"".join(kept(h)), "a credential was kept")
        for i, status in zip(ids, (400, 401, 400, 401, 401, 401)):
            [a] = rerun(h, i, status=1)
            check(a["status"] == status, f"{a}")
        shown = h.creel("list", "--rejected").stdout + h.creel("verify", "--rejected", ids[3], status=1).stdout
        check("\x1b" not in shown, "a terminal is told what to do")
        h.accept()
        h.allow("refused")
        h.finish()


def test_strangers():
    """A re-run is for root and the server's own user; others, and crafted names, get nothing, and no file but rejected/'s is read."""
    with start() as h:
        h.settings["listen_mode"] = "0666"
        h.settings["peer_users"] = [creel.pwd.getpwuid(os.getuid()).pw_name, "nobody"]
        h.write_config()
        h.start()
        body = b'{"type":"order.created"}'
        request = h.post(body, creel.sign(body, secret=OTHER)).headers["creel-request-id"]
        place = request + " signature-invalid.000000000001.jsonl:0"
        check("signature-invalid" in ask_again(h, place), "asked by its own user")
        if os.getuid() == 0:
            said = stranger_asks(h, place)
            check("address-not-allowed" in said, f"asked by a stranger: {said}")
        outside = h.path("outside.jsonl")
        with open(outside, "wb") as f:
            f.write(kept(h)[0])
        os.symlink(outside, h.spool("rejected", "rate-limited.000000000007.jsonl"))
        for value in (request, request + " ", "x" * 26 + " signature-invalid.000000000001.jsonl:0", request + " signature-invalid.000000000001.jsonl:1",
                      request + " signature-invalid.000000000001.jsonl:999999999999999", request + " signature-invalid.000000000002.jsonl:0",
                      request + " ../rejected/signature-invalid.000000000001.jsonl:0", request + " ../outside.jsonl:0",
                      request + " rate-limited.000000000007.jsonl:0", request + " /etc/passwd:0", request + " signature-invalid.000000000001.jsonl:-1",
                      "0" * 26 + " signature-invalid.000000000001.jsonl:0", "A" * 100, ""):
            said = ask_again(h, value)
            check('"malformed-request"' in said, f"{value!r}: {said}")
        with creel.fcgi_connect(h.fastcgi) as s:  # a body of its own
            s.sendall(creel.fcgi_request([("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/"), ("CREEL_RERUN", place)], b"other"))
            check(creel.fcgi_answer(s).status == 400, "a re-run with a body")
        via = creel.nginx(h)  # what a client can send is no parameter of ours
        check(via.request("POST", "/hooks/shop", {"CREEL_RERUN": place, "Creel-Rerun": place}, b"{}").status == 401, "through the web server")
        check(h.list() == [] and len(h.list("--rejected")) >= 2, "an event came of it")
        h.allow("refused", "address")
        os.unlink(h.spool("rejected", "rate-limited.000000000007.jsonl"))
        h.finish()


def test_not_in_peer_users():
    """Who may run refused requests again may not thereby send ordinary ones."""
    with start() as h:
        h.settings["peer_users"] = ["nobody" if os.getuid() == 0 else "root"]
        h.write_config()
        h.start()
        check("malformed-request" in ask_again(h, "x"), "a re-run by the own user")
        try:
            a = h.send()
            raise creel.Failed(f"an ordinary request was answered: {a}")
        except ConnectionError:
            pass
        h.allow("not in peer_users", "refused", "connection")
        h.finish()


def test_noise():
    """One noisy cause pushes out no other; files stay within their limits; a kill in between costs half a line at most."""
    with start() as h:
        h.settings.update(rejected_bytes="64KiB", rejected_count=80, rejected_rate=5)
        h.write_config()
        h.start()
        body = b'{"type":"order.created"}'
        first = h.post(body, creel.sign(body, secret=OTHER)).headers["creel-request-id"]
        for _ in range(200):
            h.post(b"", {}, "/nowhere")
        check(50 <= len(kept(h, "no-such-source")) <= 65, f"{len(kept(h, 'no-such-source'))} kept of the noise")
        names = [("x-%d" % i, "v" * 5000) for i in range(10)]
        for _ in range(30):
            h.post(body, dict(names, **creel.sign(body, secret=OTHER)), "/hooks/plain")
        size = sum(os.path.getsize(n) for n in glob.glob(h.spool("rejected", "signature-invalid.*")))
        check(size <= 65536, f"{size} bytes of one cause")
        check(first in {e["request"] for e in h.list("--rejected")}, "the first was pushed out")
        h.process.kill()
        h.process.wait()
        newest = sorted(glob.glob(h.spool("rejected", "no-such-source.*")))[-1]
        with open(newest, "ab") as f:
            f.write(b'{"at":"2026-')
        h.start()
        request = h.post(b"", {}, "/nowhere").headers["creel-request-id"]
        check(request in {e["request"] for e in h.list("--rejected")}, "a line behind half a line")
        h.allow("refused", ".*")
        h.finish()


def test_a_link():
    """rejected/ made a link: nothing is written through it, and the door refuses and accepts as ever."""
    with start() as h:
        os.makedirs(h.spool())
        os.mkdir(h.path("elsewhere"))
        os.symlink(h.path("elsewhere"), h.spool("rejected"))
        h.start()
        check(h.send(secret=OTHER).status == 401 and os.listdir(h.path("elsewhere")) == [], "written through a link")
        h.accept()
        os.unlink(h.spool("rejected"))
        h.allow("refused requests are not kept", "refused")
        h.finish()


creel.main(globals())
