# SPDX-License-Identifier: MIT
"""The libraries of real senders sign: the door accepts, and refuses as soon as any byte is changed. What creel send signs, the
same libraries accept."""
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading

import creel
from creel import Host, check

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES = ["standardwebhooks@1.0.0", "svix@1.84.1", "@octokit/webhooks-methods@5.1.0", "stripe@17.7.0", "twilio@5.10.3",
            "@slack/bolt@4.4.0", "discord-interactions@4.1.1", "cloudevents@10.0.0"]
SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # and its public key: RFC 8032, section 7.1, TEST 1
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
PUBLIC_URL = "https://hooks.example.test/hooks/twilio"  # and what a request has behind it
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

# What a sender of each recipe has, sends, and which of its headers no byte may be changed in.
SENDERS = {
    "standard-webhooks": {"secret": creel.whsec(), "body": {"type": "order.created", "text": "grüß dich ☂", "n": 9007199254740993},
                          "protected": ["webhook-id", "webhook-timestamp", "webhook-signature"]},
    "svix": {"secret": creel.whsec(b"another secret of the same kind."), "body": {"type": "order.created", "text": "grüß dich ☂"},
             "protected": ["svix-id", "svix-timestamp", "svix-signature"]},
    "github": {"secret": "It's a secret", "body": {"ref": "refs/heads/main", "text": "grüß dich ☂"}, "protected": ["x-hub-signature-256"]},
    "stripe": {"secret": "whsec_used_as_text", "body": {"id": "evt_1", "object": "event", "type": "invoice.paid", "text": "grüß dich ☂"},
               "protected": ["stripe-signature"]},
    "twilio": {"secret": "0123456789abcdef", "body": "Body=gr%C3%BC%C3%9F+dich&From=%2B15005550006&Body=again&MessageSid=SM1",
               "type": FORM, "source": {"public_url": PUBLIC_URL, "type": "const:message"}, "protected": ["x-twilio-signature"]},
    "slack": {"secret": "8f742231b10e8888abcd99yyyzzz85a5", "protected": ["x-slack-request-timestamp", "x-slack-signature"],
              "body": {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "grüß dich ☂"}}},
    "discord": {"secret": SEED, "public": PUBLIC, "body": {"type": 2, "id": "1", "data": {"name": "grüß dich ☂"}},
                "source": {"type": "const:interaction"}, "protected": ["x-signature-timestamp", "x-signature-ed25519"]},
}


class Libraries:
    """The packages, installed in a folder of their own, and the script that asks them."""

    def __init__(self):
        creel.need("npm")
        self.node = creel.need("node")
        self.dir = tempfile.mkdtemp(prefix="creel-npm-")
        # node brings certificates of its own; what this machine trusts is the distribution's bundle.
        env = dict(os.environ)
        if os.path.exists(CERTIFICATES):
            env.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=2",
                               "--prefix", self.dir, *PACKAGES],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=480, env=env, check=False)
        check(done.returncode == 0, f"npm install: {done.stdout}{done.stderr}")
        for script in "npm_signers.mjs", "npm_cloudevents.mjs":
            shutil.copy(os.path.join(creel.HERE, script), self.dir)

    def ask(self, jobs, script="npm_signers.mjs"):
        done = subprocess.run([self.node, os.path.join(self.dir, script)], input=json.dumps(jobs).encode(),
                              capture_output=True, timeout=120, check=False)
        check(done.returncode == 0, f"node: {done.stderr.decode()}")
        return json.loads(done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)


def job(name, do, body, url=PUBLIC_URL + "?a=b", headers=None):
    return {"do": do, "recipe": name, "secret": SENDERS[name]["secret"], "url": url, "body": body.decode(), "headers": headers or {}}


def body_of(name):
    body = SENDERS[name]["body"]
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()


def another(byte):
    """A byte that looks alike and means something else: not the same letter in the other case."""
    for kind in b"0123456789", b"abcdef", b"ABCDEF", b"ghijklmnopqrstuvwxyz", b"GHIJKLMNOPQRSTUVWXYZ":
        if byte in kind:
            return kind[(kind.index(byte) + 1) % len(kind)]
    return ord("x")


def each_byte_changed(data):
    for i, byte in enumerate(data):
        yield data[:i] + bytes([another(byte)]) + data[i + 1:]


def changed_requests(name, headers, body):
    for changed in each_byte_changed(body):
        yield headers, changed
    for protected in SENDERS[name]["protected"]:
        yield {k: v for k, v in headers.items() if k != protected}, body
        for changed in each_byte_changed(headers[protected].encode()):
            yield dict(headers, **{protected: changed.decode()}), body


def source(h, name):
    sender = SENDERS[name]
    out = h.source(name, name, sender["secret"], **sender.get("source", {}))
    if "type" not in sender.get("source", {}):
        del out["type"]  # the recipe's own default
    if "public" in sender:
        out["keys"] = [{"id": "k", "public_key_file": h.key_file("public-" + name, sender["public"])}]
    return out


def test_signers(libraries):
    with Host() as h:
        h.settings["sources"] = {name: source(h, name) for name in SENDERS}
        h.settings["failed_limit"] = False  # each byte is changed in turn, and each of these requests is refused
        h.write_config()
        h.start()
        via = creel.nginx(h)
        signed = libraries.ask([job(name, "sign", body_of(name)) for name in SENDERS])
        for name, made in zip(SENDERS, signed):
            body, refused = body_of(name), 0
            headers = dict(made, **{"content-type": SENDERS[name].get("type", JSON)})
            path = "/hooks/" + name + "?a=b"
            for other, changed in changed_requests(name, headers, body):
                a = h.post(changed, other, path, via=via)
                check(a.status == 401, lambda: f"{name}, a changed byte: {a}\n{other}\n{changed}")
                refused += 1
            if "public_url" in SENDERS[name].get("source", {}):
                a = h.post(body, headers, path.replace("a=b", "a=c"), via=via)
                check(a.status == 401, f"{name}, another URL: {a}")
            first = h.post(body, headers, path, via=via)
            check(first.status // 100 == 2 and first.headers.get("creel-event-id"), f"{name}: {first}")
            check(h.show(first.headers["creel-event-id"])["body"].encode() == body, f"{name}: another body is stored")
            again = h.post(body, headers, path, via=via)
            check(again.status // 100 == 2 and again.headers.get("creel-event-id") == first.headers["creel-event-id"],
                  f"{name}, the same again: {again}")
            check(len(events := [e for e in h.list() if e["source"] == name]) == 1, f"{name}: {len(events)} events")
            print(f"    {name}: accepted, {refused} changed requests refused")
        h.allow("refused")
        h.finish()


class Receiver(http.server.ThreadingHTTPServer):
    """Takes what is posted and keeps the last."""

    def __init__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.headers = {k.lower(): v for k, v in self.headers.items()}
                receiver.body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        self.headers, self.body = {}, b""
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


def test_verifiers(libraries):
    jobs, names = [], []
    with Host() as h, Receiver() as receiver:
        for name, sender in SENDERS.items():
            body, url = body_of(name), receiver.url("/hooks/" + name + "?a=b")
            at = h.path("etc/body-" + name)
            with open(at, "wb") as f:
                f.write(body)
            creel.run([creel.CREEL, "send", url, "--recipe", name, "--secret-file", h.key_file("secret-" + name, sender["secret"]),
                       "--body", at, "--content-type", sender.get("type", JSON)])
            check(receiver.body == body, f"{name}: another body was sent: {receiver.body}")
            jobs += [job(name, "verify", body, url, receiver.headers), job(name, "verify", body.replace(b"gr", b"Gr"), url, receiver.headers)]
            names.append(name)
    answers = libraries.ask(jobs)
    for name, good, bad in zip(names, answers[0::2], answers[1::2]):
        check(good is True, f"the library refuses what creel send --recipe {name} signed: {good}")
        check(bad is not True, f"the library of {name} accepts a changed byte")
    print(f"    {', '.join(names)} accept what creel send signs")


def test_cloudevents(libraries):
    """What the CloudEvents SDK sends is taken in all modes as the same events, and what is kept of them it reads again."""
    events = [{"specversion": "1.0", "id": f"{n}", "source": "/shop?a=b#c", "type": "order.paid", "subject": f"{n}: 50% off",
               "time": "2026-11-22T10:11:12.131Z", "partitionkey": "k", "data": {"text": "grüß dich ☂", "n": n}} for n in range(3)]
    made = libraries.ask({"make": events}, "npm_cloudevents.mjs")
    names = ("binary", "structured", "batch", "detected")
    with Host() as h:
        h.settings["sources"] = {name: h.source(name, recipe="none", envelope="detect" if name == "detected" else "cloudevents") for name in names}
        for settings in h.settings["sources"].values():
            del settings["type"]  # the attribute
        h.write_config()
        h.start()
        via = creel.nginx(h)

        def post(name, message, status=202):
            a = h.post(message["body"].encode(), message["headers"], "/hooks/" + name, via=via)
            check(a.status == status, f"{name}: {a}")
            return a.json()
        ids = [post(name, message)["id"] for name in ("binary", "structured") for message in made[name]]
        ids += [e["id"] for e in post("batch", made["batch"])["events"]]
        ids += [post("detected", message)["id"] for message in (made["binary"][0], made["structured"][1], made["binary"][2])]
        check(post("binary", made["structured"][0], 200)["id"] == ids[0], "the same event in another mode is not known again")
        kept = [h.show(i) for i in ids]
        read = libraries.ask({"read": [{"headers": dict(k["headers"]), "body": k["body"]} for k in kept]}, "npm_cloudevents.mjs")
        for n, (shown, back) in enumerate(zip(kept, read)):
            want = events[n % 3]
            check((shown["type"], shown["order_key"], shown["event_id"]) == ("order.paid", "k", f"/shop?a=b#c#{n % 3}"), f"{shown}")
            check({k: back.get(k) for k in want} == want, f"{want} is read again as {back}")
        h.finish()
    print("    cloudevents: binary, structured and batched are taken, and read again")


def test_packages():
    with Libraries() as libraries:
        test_signers(libraries)
        test_cloudevents(libraries)
        test_verifiers(libraries)


creel.main({"test_packages": test_packages})
