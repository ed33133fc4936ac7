# SPDX-License-Identifier: MIT
"""creel by itself: verify, send and new, their answers and exit codes. The receiver here checks signatures in Python."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import creel
from creel import check

VECTORS = os.path.join(creel.HERE, "..", "vectors", "signatures.json")


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="creel-ctl.")
    try:
        yield path
    finally:
        shutil.rmtree(path)


def run(*words, expect=0, piped="", **more):
    """piped: what comes through a pipe to its standard input."""
    done = subprocess.run([creel.CREEL, *words], input=piped, capture_output=True, text=True, timeout=120, check=False, **more)
    check(done.returncode == expect, f"creel {' '.join(words)}: exit {done.returncode}, not {expect}: {done.stdout}{done.stderr}")
    return done.stdout if expect == 0 else done.stdout + done.stderr


def write(path, text, mode=0o600):
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    return path


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent and answers each path with its number: /202, /500."""

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(({k.lower(): ", ".join(self.headers.get_all(k)) for k in self.headers}, body))
        answer = b'{"id":"X"}'
        self.wfile.write(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (int(self.path[1:]), len(answer), answer))

    def log_message(self, *_):
        pass


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256)


def signed_by_standard_webhooks(key, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    expected = base64.b64encode(mac(base64.b64decode(key), signed, body).digest()).decode()
    return headers["webhook-signature"] == "v1," + expected and abs(time.time() - int(headers["webhook-timestamp"])) < 60


def signed_by_github(key, headers, body):
    return headers["x-hub-signature-256"] == "sha256=" + mac(key.encode(), body).hexdigest()


def signed_by_stripe(key, headers, body):
    t, v1 = headers["stripe-signature"].split(",")
    return v1 == "v1=" + mac(key.encode(), t[2:].encode(), b".", body).hexdigest() and abs(time.time() - int(t[2:])) < 60


SIGNED_BY = {"standard-webhooks": signed_by_standard_webhooks, "github": signed_by_github, "stripe": signed_by_stripe}
KEY = base64.b64encode(b"k" * 32).decode()


def test_usage_is_100():
    check("did you mean 'verify'" in run("verfy", expect=100), "no suggestion")
    check("--nope" in run("verify", "--nope", expect=100), "the option is not named")
    check("no option '--nope'" in run("--nope", "verify", expect=100), "an option in a verb's place is called a verb")
    for twice in (("list", "--state", "dead", "--state=done"), ("list", "--json", "--json"), ("-c", "a", "-c", "b", "list")):
        check("more often than" in run(*twice, expect=100), f"{twice}: an option that comes twice is said not to exist")
    check("creel list: /usr: " in run("list", "--spool", "/usr", expect=111), "the folder that is no spool is not named")
    check("creel fsck: /usr: " in run("fsck", "--spool", "/usr", expect=1), "the folder that is no spool is not named")
    check("verify --vectors FILE" in run("--help"), "help lists no verify")
    check(run("--version").startswith("creel "), "no version")
    check("usage: creel new" in run("new", "--help"), "help of one verb")
    run(expect=100)
    run("verify", "--vectors", expect=100)
    run("verify", "--vectors", "/nonexistent", expect=100)


def test_vectors_agree():
    with open(VECTORS) as f:
        n = len(json.load(f))
    check(run("verify", "--vectors", VECTORS) == f"{n} passed, 0 failed\n", "vectors disagree")


def test_vectors_that_disagree_are_named():
    with open(VECTORS) as f, folder() as d:
        cases = json.load(f)[:4]
        cases[1]["expect"] = "accept"
        cases[2]["provider"] = "githup"
        path = write(os.path.join(d, "v.json"), json.dumps(cases))
        text = run("verify", "--vectors", path, expect=1)
        check(text.endswith("2 passed, 2 failed\n"), text)
        check("github/tampered-body" in text and "signature-invalid" in text, text)
        check("no recipe 'githup'" in text and "did you mean github" in text, text)
        lines = [json.loads(line) for line in run("verify", "--json", "--vectors", path, expect=1).splitlines()]
        check(lines[-1] == {"passed": 2, "failed": 2} and lines[0]["case"] == "tampered-body", str(lines))
        run("verify", "--vectors", write(path, "[{]"), expect=100)


def test_requests_are_explained():
    """Each line is there for people, each member for programs; no secret and no good signature, whatever is asked."""
    with folder() as d:
        config = {"spool": d, "functions": d, "sources": {
            name: {"path": "/" + name, "recipe": "github",
                   "keys": [{"id": name + "-1", "secret_file": write(os.path.join(d, name), f"the secret of {name}")}]}
            for name in ("shop", "forum")}}
        path = write(os.path.join(d, "creel.json"), json.dumps(config))
        body = '{"a":1}'

        def told(good, came, words, expect=1, provider="github", header="X-Hub-Signature-256", prefix="sha256="):
            signature = hmac.new(b"the secret of shop", good.encode(), hashlib.sha256).hexdigest()
            request = {"provider": provider, "method": "POST", "url": "https://example.com/", "headers": {header: prefix + signature}, "body": came}
            file = write(os.path.join(d, "request.json"), json.dumps(request))
            outputs = [run("verify", file, *words, *more, expect=expect) for more in ([], ["--json"])]
            for text in outputs:
                check(signature not in text and signature[8:] not in text and "the secret of" not in text, text)
            return outputs[0], json.loads(outputs[1])

        def by(*more):
            return ["-c", path, *more]

        text, found = told(body, body, by("--source", "shop"), expect=0)
        check("accepted: key shop-1" in text and 'begins "sha2" (signature)' in text and hashlib.sha256(body.encode()).hexdigest() in text, text)
        check(found["verdict"] == "accepted" and found["key"] == "shop-1" and found["signed"][0]["bytes"] == 7 and found["findings"] == [], str(found))
        text, found = told(body + "\n", body, by("--source", "shop"))
        check("with a line feed at its end" in text and found["findings"][0]["code"] == "body-newline", text)
        text, found = told(body, body, by("--source", "forum"))
        check("Key shop-1 of source shop" in text and found["findings"][0]["code"] == "key-of-another-source", text)
        text, found = told(body, body, by("--source", "forum", "--secret-file", d + "/shop"), expect=0)
        text, found = told(body, body, ["--recipe", "github", "--secret-file", d + "/forum", "--secret-file", d + "/shop"], expect=0)
        check(len(found["keys"]) == 2, str(found))
        text, found = told(body, body, ["--secret-file", d + "/shop"], provider="intercom")
        check("good by recipe github" in text and found["code"] == "signature-missing", text)
        text, found = told(body, body, ["--recipe", "github", "--secret-file", d + "/shop", "--key-encoding", "base64"])
        check(found["findings"][0]["code"] == "key-encoding", text)
        file = os.path.join(d, "request.json")
        check("--recipe" in run("verify", write(file, "{}"), expect=100), "the way out")
        check("no source nope" in run("verify", file, *by("--source", "nope"), expect=1), "the source is not named")
        check("no recipe 'githup'" in run("verify", file, "--recipe", "githup", expect=100), "the recipe is not named")
        check("is missing" in run("verify", expect=100), "the words")
        check("byte 1" in run("verify", write(file, "{]"), expect=100), "no JSON")
        check("no refused request" in run("verify", *by("--rejected", "01JDS3Z8V7W3N5C1Q2R4T6Y8A9"), expect=1), "rejected")


def test_schemas_are_asked():
    with folder() as d:
        schema = write(f"{d}/order.json", json.dumps({"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string", "minLength": 3}, "at": {"format": "date"}}}))
        good, bad = write(f"{d}/good", '{"id": "abc", "at": "soon"}'), write(f"{d}/bad", '{"id": "\x7fa", "at": 1}')
        check(run("schema", "check", schema, good) == f"{good}: valid\n", "good is not valid")
        text = run("schema", "check", schema, good, bad, expect=1)
        check(text.startswith(f"{good}: valid\n{bad}: /id: minLength: ") and "\x7f" not in text, text)
        check("/at: format: " in run("schema", "check", "--formats", schema, good, expect=1), "formats are not checked")
        found = json.loads(run("schema", "check", schema, bad, "--json", expect=1))
        check(found["valid"] is False and [(e["pointer"], e["keyword"]) for e in found["errors"]] == [("/id", "minLength")], str(found))
        check("nowhere" in run("schema", "check", schema, f"{d}/nowhere", expect=111), "a file that is not there")
        check(run("schema", "check", schema, "-", piped='{"id": "abc"}') == "-: valid\n", "standard input is a pipe")
        check(run("schema", "check", "-", good, piped="true") == f"{good}: valid\n", "a schema from a pipe")
        for text, says in (('{"type": "strin"}', "/type: "), ('{"pattern": "("}', "/pattern: "), ('{"$ref": "http://a/b"}', "/$ref: "), ("{", "byte 1")):
            check(says in run("schema", "check", write(f"{d}/broken.json", text), good, expect=100), says)
        old = write(f"{d}/old.json", '{"items": [{"type": "string"}]}')
        pair = write(f"{d}/pair", '["a", 1]')
        run("schema", "check", old, pair, "--draft", "7")
        check("/items" in run("schema", "check", old, pair, expect=100), "a list of items in 2020-12")
        piped = subprocess.run([creel.CREEL, "schema", "check", schema, "-"], input='{"id": "a"}', capture_output=True, text=True, timeout=60, check=False)
        check(piped.returncode == 1 and piped.stdout.startswith("-: /id: minLength: "), f"a pipe: {piped.stdout}{piped.stderr}")
        none = write(f"{d}/none", "{")
        check(run("schema", "check", schema, none, expect=1) == f"{none}: not JSON: unexpected end at byte 1\n", "the file is named once")
        said = write(f"{d}/said.json", '/* as in the folder */ {"type": "object", // so\n "required": ["id"]}')
        check(run("schema", "check", said, good) == f"{good}: valid\n" and "newly" not in run("schema", "diff", said, said), "comments in a schema")
        check("at byte 2 is not closed" in run("schema", "check", write(f"{d}/open.json", "{}/* so"), good, expect=100), "an open comment")
        for words in (("--draft", "8"), ("--nope",), ()):
            run("schema", "check", *words, schema, *(() if not words else (good,)), expect=100)
        check("check" in run("schema", expect=100) and "chekc" in run("schema", "chekc", expect=100), "usage")


def test_schemas_are_compared():
    with folder() as d:
        old = write(f"{d}/old.json", json.dumps({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "n": {"minimum": 1}}}))
        wide = write(f"{d}/wide.json", json.dumps({"type": "object", "properties": {"id": {"type": ["string", "null"]}, "n": {"minimum": 0}}}))
        check(run("schema", "diff", old, wide) == "What the old schema takes, the new one takes.\n", "nothing is refused")
        check(run("schema", "diff", old, wide, "--json") == "", "nothing is refused")
        text = run("schema", "diff", wide, old, expect=1)
        check("refused   /n: numbers below 1  [/properties/n minimum]\n" in text and text.endswith("3 newly refused, 0 undecided\n"), text)
        found = [json.loads(line) for line in run("schema", "diff", wide, old, "--json", expect=1).splitlines()]
        check({"where": "", "pointer": "", "keyword": "required", "message": 'objects without "id"', "undecided": False} in found, str(found))
        odd = write(f"{d}/odd.json", '{"not": {"required": ["x"]}}')
        check("undecided (the whole): " in run("schema", "diff", old, odd, expect=1), "not")
        check("/broken.json: /type: " in run("schema", "diff", old, write(f"{d}/broken.json", '{"type": 1}'), expect=100), "no schema")
        check("/broken.json: /type: " in run("schema", "diff", f"{d}/broken.json", old, expect=100), "no old schema")
        run("schema", "diff", old, f"{d}/nowhere", expect=111)
        run("schema", "diff", old, expect=100)


def test_recipes_are_explained():
    lines = run("recipe").splitlines()
    check(lines[0].split() == ["NAME", "ALGORITHM", "NOT", "PROTECTED", "SENDER"], lines[0])
    check(len(lines) > 100 and any(line.split()[:3] == ["gitlab", "token", "everything"] for line in lines), "the list")
    rows = [json.loads(line) for line in run("recipe", "--json").splitlines()]
    check([r["recipe"] for r in rows] == sorted(r["recipe"] for r in rows) and len(rows) == len(lines) - 1, "the list as JSON")
    by_name = {r["recipe"]: r for r in rows}
    check(by_name["stripe"]["not_protected"] == [] and by_name["github"]["not_protected"] == ["replay"], "not_protected")
    check(by_name["paypal"]["not_protected"] == ["body"] and by_name["none"]["algorithm"] is None, "not_protected")
    text = run("recipe", "paypal")
    for what in ("rsa-sha256", "CRC-32", '"webhook_id": "…"', "api.paypal.com", "x509-pem"):
        check(what in text, f"recipe paypal does not say {what}:\n{text}")
    check('"public_url"' in run("recipe", "square") and '"keys_folder"' in run("recipe", "asana"), "a source to begin with")
    check('"v1a"' not in run("recipe", "openai") and "webhook-signature" in run("recipe", "openai"), "a recipe that is like another")
    whole = json.loads(run("recipe", "convoy", "--json", "--variant", "convoy-adv-sha512-base64"))
    check(whole["algorithm"] == "hmac-sha512" and whole["tolerance_ms"] == 300000 and whole["not_protected"] == [], str(whole))
    check(len(whole["variants"]) == 8 and whole["notes"], str(whole))
    run("recipe", "githup", expect=1)
    run("recipe", "convoy", "--variant", "v3", expect=100)
    run("recipe", "--variant", "v3", expect=100)
    with folder() as d:
        run("--recipes", d, "recipe", expect=1)
        write(os.path.join(d, "mine.json"), json.dumps({"recipe": "mine", "signature": {"algorithm": "hmac-md5"}}))
        run("--recipes", d, "recipe", expect=100)
        write(os.path.join(d, "mine.json"), json.dumps({"recipe": "mine", "title": "Mine", "signature": "none"}))
        check("Mine" in run("--recipes", d, "recipe"), "one of the user's own")


def test_send_signs():
    with folder() as d, Receiver() as receiver:
        secret = write(os.path.join(d, "secret"), KEY + "\n")
        for recipe, signed in SIGNED_BY.items():
            run("send", receiver.url + "/202", "--recipe", recipe, "--secret-file", secret, "--type", "order.paid")
            headers, body = receiver.seen.pop()
            check(signed(KEY, headers, body), f"{recipe}: {headers} {body}")
            check(json.loads(body)["type"] == "order.paid", body)
        run("send", receiver.url + "/202", "--recipe", "github", "--secret-file", secret, "--type", "push", "--body", VECTORS)
        headers, body = receiver.seen.pop()
        with open(VECTORS, "rb") as f:
            check(body == f.read() and headers["x-github-event"] == "push" and headers["x-github-delivery"], str(headers))


def test_send_takes_a_request_object():
    with folder() as path, Receiver() as receiver:
        secret = write(path + "/secret", "It is a secret")
        send = ["send", receiver.url + "/202", "--recipe", "github", "--secret-file", secret, "--request"]
        body = '{"zen":"\u00fc \\u0000"}\n'
        event = {"method": "POST", "url": "https://example.com/hooks", "type": "push", "body": body,
                 "headers": {"Content-Type": "application/vnd.x+json", "X-GitHub-Delivery": "old", "X-Hub-Signature-256": "sha256=00",
                             "X-Note": ["one", "two"], "Cookie": "\u2026", "Host": "example.com", "Content-Length": "3"}}
        file = write(path + "/event.json", json.dumps(event))
        run(*send, file)
        run(*send, file, "--type", "ping", "--header", "X-Note: three", "--content-type", "application/json")
        first, second = receiver.seen[-2:]
        for headers, got in (first, second):
            check(got == body.encode(), "the body was changed")
            good = hmac.new(b"It is a secret", got, hashlib.sha256).hexdigest()
            check(headers["x-hub-signature-256"] == "sha256=" + good, "it is not signed anew")
            check(headers["x-github-delivery"] != "old" and "cookie" not in headers, "what is not its own was sent")
            check(headers["host"] != "example.com" and headers["content-length"] == str(len(got)), "another connection's header was sent")
        check(first[0]["x-note"] == "one, two" and second[0]["x-note"] == "three", "a header is missing")
        check(first[0]["x-github-event"] == "push" and second[0]["x-github-event"] == "ping", "the type")
        check(first[0]["content-type"] == "application/vnd.x+json" and second[0]["content-type"] == "application/json", "Content-Type")
        check("/headers" in run(*send, write(path + "/bad", '{"headers":{"a":"b\\nc"}}'), expect=100), "a header of two lines")
        check("byte 1" in run(*send, write(path + "/bad", "{]"), expect=100), "no JSON")
        check("one of them" in run(*send, file, "--body", file, expect=100), "two bodies")


def test_send_counts():
    with folder() as d, Receiver() as receiver:
        secret = write(os.path.join(d, "secret"), KEY)
        send = ["send", "--json", "--recipe", "standard-webhooks", "--secret-file", secret]
        lines = run(*send, receiver.url + "/202", "--count", "100", "--rate", "1000", "--concurrency", "4").splitlines()
        summary = json.loads(lines[-1])
        check(len(lines) == 1 and summary["sent"] == 100 and summary["statuses"] == {"202": 100}, str(lines))
        check(summary["seconds"] > 0.09 and summary["p50_ms"] <= summary["p99_ms"] <= summary["max_ms"], str(summary))
        check(len({headers["webhook-id"] for headers, _ in receiver.seen}) == 100, "ids repeat")
        line = json.loads(run(*send, receiver.url + "/500", expect=1))
        check(line["status"] == 500 and line["answer"] == '{"id":"X"}', str(line))
        check(line["event_id"] == receiver.seen[-1][0]["webhook-id"], str(line))


def test_send_by_the_configuration():
    with folder() as d, Receiver() as receiver:
        write(os.path.join(d, "secret"), KEY)
        config = {"spool": d, "functions": d, "sources": {"shop": {
            "path": "/x", "recipe": "stripe", "public_url": receiver.url + "/202", "type": "json:/kind", "event_id": "header:X-Id",
            "keys": [{"id": "k", "secret_file": os.path.join(d, "secret")}]}}}
        path = write(os.path.join(d, "creel.json"), json.dumps(config))
        run("-c", path, "send", "--source", "shop", "--type", "a.b")
        headers, body = receiver.seen.pop()
        check(signed_by_stripe(KEY, headers, body) and json.loads(body)["kind"] == "a.b" and headers["x-id"], f"{headers} {body}")
        run("-c", path, "send", "--source", "shop", receiver.url + "/404", expect=1)
        check("no source 'shup'" in run("-c", path, "send", "--source", "shup", expect=1), "the source is not named")


def test_send_says_what_is_wrong():
    with folder() as d:
        secret = write(os.path.join(d, "secret"), "!!")
        url = "http://127.0.0.1:9/"
        check("argument is missing" in run("send", expect=100), "URL")
        run("send", url, expect=100)
        check("--secret-file" in run("send", url, "--recipe", "github", expect=100), "secret")
        check("http://" in run("send", "ftp" + url[4:], "--recipe", "github", "--secret-file", secret, expect=100), "an URL of another kind")
        text = run("send", url, "--recipe", "standard-webhooks", "--secret-file", secret, expect=100)
        check("whsec_base64" in text and "!!" not in text, text)
        run("send", url, "--recipe", "github", "--secret-file", secret, "--count", "0", expect=100)
        for header in ("A", ": b", "a b: c", "A: b\nC: d", "A: b\rC: d"):
            check("Name: value" in run("send", url, "--recipe", "github", "--secret-file", secret, "--header", header, expect=100), header)
        check("onnect" in run("send", url, "--recipe", "github", "--secret-file", secret, expect=111), "no reason")


def test_new_makes_what_compiles():
    with folder() as d:
        check("order.paid/ is ready" in run("new", "order.paid", cwd=d), "no word")
        check("is there already" in run("new", "order.paid", expect=1, cwd=d), "what is in the way")
        run("new", "../x", expect=100, cwd=d)
        made = os.path.join(d, "order.paid")
        check(sorted(os.listdir(made)) == ["Makefile", "event.json", "order.paid.c", "order.paid.json"], str(os.listdir(made)))
        for name in os.listdir(made):
            with open(os.path.join(made, name)) as f:
                check("@NAME@" not in f.read(), name)
        with open(os.path.join(made, "event.json")) as f:
            check(json.loads(json.load(f)["body"])["type"] == "order.paid", "the event")
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(creel.PREFIX, "lib", "pkgconfig"),
                   PATH=os.path.dirname(creel.CREEL) + ":" + os.environ["PATH"], CFLAGS="-Wall -Wextra -Werror")
        out = os.path.join(d, "functions")
        os.mkdir(out)
        done = subprocess.run(["make", "-C", made, "order.paid.so", "install", "FUNCTIONS=" + out], env=env, capture_output=True, text=True,
                              timeout=120, check=False)
        check(done.returncode == 0, done.stdout + done.stderr)
        check(sorted(os.listdir(out)) == ["order.paid.json", "order.paid.so"], str(os.listdir(out)))


def test_cases_of_a_function():
    """Every case is told, as text or as JSON; one that cannot fail is none."""
    with folder() as d:
        cases = [{"case": "says it", "config": {"argv": ["echo", "a"]}, "event": {"body": "x"}, "expect": {"outcome": "DONE", "output": ["a"]}},
                 {"case": "not so", "config": {"argv": ["false"]}, "event": {"body": "x"}, "expect": {"outcome": "DONE"}}]
        path = write(os.path.join(d, "cases.json"), json.dumps(cases))
        command = ["test", os.path.join(creel.STOCK, "exec.so"), "--cases", path]
        text = run(*command, expect=1)
        check("ok says it (DONE)" in text and 'FAILED not so: the outcome is "RETRY", not "DONE"' in text and "1 passed, 1 failed" in text, text)
        lines = [json.loads(line) for line in run(*command, "--json", expect=1).splitlines()]
        check(lines == [{"case": "says it", "passed": True, "outcome": "DONE", "why": None},
                        {"case": "not so", "passed": False, "outcome": "RETRY", "why": 'the outcome is "RETRY", not "DONE"'},
                        {"passed": 1, "failed": 1}], str(lines))
        del cases[1]["expect"]
        write(path, json.dumps(cases))
        check("could not fail" in run(*command, expect=100), "a case that expects nothing")


if __name__ == "__main__":
    creel.main(globals())
