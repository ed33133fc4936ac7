# SPDX-License-Identifier: MIT
"""Handshakes: what senders ask before they send events, answered by the door behind real web servers, as the recipes say."""
import base64
import hashlib
import hmac
import json
import os
import pwd
import stat
import time
from urllib.parse import urlsplit

import creel
from creel import Host, check

PATH = "/hooks/"


def cases():
    """The handshakes among the vectors, each with a source of its own."""
    with open(os.path.join(creel.HERE, "..", "vectors", "signatures.json"), encoding="utf-8") as f:
        return [c for c in json.load(f) if c.get("kind") == "handshake"]


def name_of(case):
    return f"{case['provider']}-{case['case']}"


# ---- signing with today's clock and keys made here ------------------------------------------------------------------

def mac(case, text):
    return hmac.new(case["secret_or_public_key"].encode(), text.encode(), hashlib.sha256).hexdigest()


def openssl(h, *args, data=None):
    """Run openssl on a file with this content; what it writes."""
    at = h.path("etc", "to-sign")
    with open(at, "wb") as f:
        f.write(data or b"")
    out = h.path("etc", "made")
    creel.run(["openssl", *[a.replace("IN", at).replace("OUT", out) for a in args]])
    with open(out, "rb") as f:
        return f.read()


def renew_slack(case, _h, prefix="X-Slack-"):
    at = str(int(time.time()))
    if case["headers"].get(prefix + "Signature"):
        case["headers"][prefix + "Signature"] = "v0=" + mac(case, f"v0:{at}:{case['body']}")
    case["headers"][prefix + "Request-Timestamp"] = at


def renew_zoom(case, _h):
    at = str(int(time.time()))
    if "x-zm-signature" in case["headers"]:
        case["headers"]["x-zm-signature"] = "v0=" + mac(case, f"v0:{at}:{case['body']}")
    case["headers"]["x-zm-request-timestamp"] = at


def renew_twitch(case, _h):
    headers, name = case["headers"], "Twitch-Eventsub-Message-"
    headers[name + "Timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime())
    if not headers[name + "Signature"].endswith("0" * 64):
        headers[name + "Signature"] = "sha256=" + mac(case, headers[name + "Id"] + headers[name + "Timestamp"] + case["body"])


def renew_discord(case, h):
    key = h.path("etc", "discord.pem")
    if not os.path.exists(key):
        creel.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    case["secret_or_public_key"] = openssl(h, "pkey", "-in", key, "-pubout", "-outform", "DER", "-out", "OUT")[-32:].hex()
    at = str(int(time.time()))
    case["headers"]["X-Signature-Timestamp"] = at
    if not case["headers"]["X-Signature-Ed25519"].endswith("0" * 64):
        made = openssl(h, "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", "IN", "-out", "OUT", data=(at + case["body"]).encode())
        case["headers"]["X-Signature-Ed25519"] = made.hex()


def renew_sns(case, h):
    key, crt = h.path("etc", "sns.pem"), h.path("etc", "sns.crt")
    creel.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sns.example.test", "-keyout", key, "-out", crt])
    with open(crt, encoding="ascii") as f:
        case["secret_or_public_key"] = f.read()
    body = json.loads(case["body"])
    body["Timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    text = "".join(f"{k}\n{body[k]}\n" for k in ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"))
    made = openssl(h, "dgst", "-sha256", "-sign", key, "-out", "OUT", "IN", data=text.encode())
    case["body"] = json.dumps(dict(body, Signature=base64.b64encode(made).decode()))


RENEW = {"slack": renew_slack, "zoom": renew_zoom, "twitch": renew_twitch, "discord": renew_discord, "aws-sns": renew_sns}


# ---- sources ---------------------------------------------------------------------------------------------------------

def folder(h, name):
    """An empty folder for the keys of one source."""
    os.makedirs(h.path("keys", name), 0o700)
    return h.path("keys", name)


def source_of(h, case):
    """The source that an operator would write for this case."""
    name = name_of(case)
    out = {"path": PATH + name, "recipe": case["provider"], "type": "const:event", "params": dict(case.get("config", {})),
           "public_url": "https://hooks.example.test" + PATH + name}
    if case.get("scheme") == "sns":
        out["params"]["variant"] = "sns"
    public = case["key_encoding"] in ("ed25519-hex", "x509-pem")
    if "store" in case.get("expect_response", {}):
        return dict(out, keys_folder=folder(h, name))
    if not case["secret_or_public_key"]:
        return dict(out, allow_unsigned=True)
    at = h.key_file("key-" + name, case["secret_or_public_key"].rstrip("\n"))
    out["keys"] = [{"id": name, "public_key_file" if public else "secret_file": at, "key_encoding": case["key_encoding"]}]
    return out


def settings(h, all_cases):
    for case in all_cases:
        if case["provider"] in RENEW:
            RENEW[case["provider"]](case, h)
    h.settings["sources"] = {name_of(c): source_of(h, c) for c in all_cases}
    h.settings["fetch_connect_to"] = f"sns.us-west-2.amazonaws.com:443:127.0.0.1:{creel.free_port()}"  # nobody is there
    h.write_config()


def ask(h, case, via, **change):
    query = urlsplit(case["url"]).query
    path = PATH + name_of(case) + ("?" + query if query else "")
    return h.post(case["body"].encode(), dict(case["headers"], **change), path, case["method"], via)


def counters(h):
    status = json.loads(h.creel("status", "--json").stdout)
    return status.get("counters", status)


# ---- every handshake of the vectors ----------------------------------------------------------------------------------

def answered(case, a):
    want = case["expect_response"]
    name = name_of(case)
    check(a.status == want.get("status", 200), f"{name}: {a}")
    check(a.body.decode() == want.get("body", a.body.decode()), f"{name}: {a}")
    kind = a.headers.get("content-type", "")
    check(kind.split(";")[0] == want.get("content_type", kind.split(";")[0]), f"{name}: content type {kind}")
    for header, value in want.get("headers", {}).items():
        check(a.headers.get(header.lower()) == value, f"{name}: {header}: {a.headers}")
    check(a.headers.get("x-content-type-options") == "nosniff", f"{name}: may be sniffed: {a.headers}")
    check(len(a.headers.get("creel-request-id", "")) == 26 and "creel-event-id" not in a.headers, f"{name}: {a.headers}")


def all_of_them(server):
    with Host() as h:
        every = cases()
        settings(h, every)
        h.start()
        via = server(h) if server else None
        good = events = 0
        for case in every:
            a = ask(h, case, via)
            if case["expect"] == "accept":
                answered(case, a)
                good += 1
            elif "creel-event-id" in a.headers:  # no handshake, and where nothing is signed an event
                check(not case["secret_or_public_key"], f"{name_of(case)}: {a}")
                events += 1
            else:
                check(400 <= a.status < 500, f"{name_of(case)}: {a}")
        check(good > 10, f"only {good} handshakes")
        check(counters(h)["handshakes_total"] == good, f"{good} handshakes: {counters(h)}")
        listed = [e for e in h.list() if not e["type"].startswith("creel.")]  # what confirms a subscription is the host's own
        check(len(listed) == events == 2, f"a handshake became an event: {listed}")
        said = [l for l in h.log_lines() if l["msg"] == "handshake answered"]
        check(len(said) == good and all(l["source"] and l["request"] and l["handshake"] for l in said), f"{good} handshakes: {said}")
        for case in every:  # nothing of a request goes into the log
            for value in (case.get("expect_response", {}).get("body", ""), case["secret_or_public_key"]):
                check(len(value) < 12 or value not in h.log_text(), f"{name_of(case)}: {value} is in the log")
        methods(h, via)
        h.allow("refused", "does not match", "not well formed", "secret of a source stored", "no key yet", "creel.fetch")
        h.finish()


def methods(h, via):
    """What a method is refused with names the ones that are taken: those of events and those of handshakes."""
    for name, allow in (("meta-verify", "POST, GET"), ("cloudevents-options", "POST, OPTIONS"), ("slack-url-verification", "POST")):
        a = h.post(b"", {}, PATH + name, "DELETE", via)
        check(a.status == 405 and a.headers["allow"] == allow, f"{name}: {a} {a.headers}")


def test_raw_fastcgi():
    all_of_them(None)


def test_nginx():
    all_of_them(creel.nginx)


def test_caddy():
    all_of_them(creel.caddy)


def test_head_without_a_body():
    """Trello looks with HEAD before it believes in a URL."""
    with Host() as h:
        h.settings["sources"] = {"board": h.source("board", recipe="trello", secret="trello secret", public_url="https://hooks.example.test/hooks/board")}
        h.write_config()
        h.start()
        raw = h.post(b"", {}, "/hooks/board", "HEAD")
        check(raw.status == 200 and raw.body == b"" and raw.headers["creel-request-id"], f"{raw} {raw.headers}")
        check(creel.nginx(h).request("HEAD", "/hooks/board", {}, b"").status == 200, "HEAD through nginx")
        check(h.post(b"", {}, "/hooks/board", "PUT").headers["allow"] == "POST, HEAD", "Allow of two")
        h.allow("refused", "not allowed")
        h.finish()


# ---- secrets that a handshake brings ---------------------------------------------------------------------------------

def asana(secret, body):
    return {"X-Hook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "Content-Type": "application/json"}


def notion(secret, body):
    return {"X-Notion-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "Content-Type": "application/json"}


def keyless(h, provider):
    return {"path": "/hooks/s", "recipe": provider, "type": "const:event", "dedupe": False, "keys_folder": folder(h, "s")}


def stored_key(h, secret):
    """The one file below keys_folder that holds the secret."""
    found = [os.path.join(d, n) for d, _, names in os.walk(h.path("keys")) for n in names]
    holding = [n for n in found if secret in open(n, encoding="utf-8").read()]
    check(len(holding) == 1 and len(found) == 1, f"key files: {found}")
    check(stat.S_IMODE(os.stat(holding[0]).st_mode) & 0o027 == 0, f"{holding[0]}: {oct(os.stat(holding[0]).st_mode)}")
    return holding[0]


def stores(provider, shake, sign, launcher=(), **more):
    """A source without a key takes the first handshake's secret, and no other after it, over restarts and reloads."""
    first, second = provider + "-first-0123456789abcdef", provider + "-second-0123456789abcdef"
    body = json.dumps({"id": "1", "type": "page.created", "events": [{"action": "added"}]}).encode()
    with Host(launcher=launcher, **more) as h:
        h.settings["sources"] = {"s": keyless(h, provider)}
        h.write_config()
        if launcher:
            h.give(65534)
        if "user" in more:  # who stores it has to own the folder
            os.chown(h.settings["sources"]["s"]["keys_folder"], pwd.getpwnam(more["user"]).pw_uid, -1)
        h.start()

        def event(secret):
            a = h.post(body, sign(secret, body), "/hooks/s")
            return 202 if a.headers.get("creel-event-id") else a.status  # some senders want 200
        check(event(first) == 401, "an event before the handshake")
        a = shake(h, first)
        check(a.status in (200, 204), f"the handshake: {a}")
        at = stored_key(h, first)
        check(event(first) == 202, "an event right after the handshake")
        check(event(second) == 401, "an event with a secret that nobody stored")
        a = shake(h, second)
        check(400 <= a.status < 500, f"a second handshake: {a}")
        check("x-hook-secret" not in a.headers, f"a refused handshake is echoed: {a.headers}")
        check(event(first) == 202 and event(second) == 401, "after the second handshake")
        h.restart()
        check(event(first) == 202 and event(second) == 401, "after a restart")
        check(400 <= shake(h, second).status < 500, "a second handshake after a restart")
        check(first in open(at, encoding="utf-8").read(), "the key file was replaced")
        for text in (first, second):
            check(text not in h.log_text(), f"{text} is in the log")
        h.process.send_signal(creel.signal.SIGHUP)
        creel.poll(lambda: "configuration reloaded" in h.log_text(), "the reload")
        check(event(first) == 202 and event(second) == 401, "after a reload")
        h.allow("refused", "does not match", "is missing", "stored", "no key yet")
        h.finish()


def test_asana_stores_its_secret():
    stores("asana", lambda h, secret: h.post(b"", {"X-Hook-Secret": secret}, "/hooks/s"), asana)


def test_notion_stores_its_secret():
    stores("notion", lambda h, secret: h.post(json.dumps({"verification_token": secret}).encode(), {}, "/hooks/s"), notion)


def test_stores_as_an_ordinary_user():
    launcher = creel.as_ordinary_user()
    if not launcher:
        raise creel.Skip("not root")
    stores("asana", lambda h, secret: h.post(b"", {"X-Hook-Secret": secret}, "/hooks/s"), asana, launcher)


def test_stores_as_a_user_that_root_chose():
    if os.getuid() != 0:
        raise creel.Skip("not root")
    stores("asana", lambda h, secret: h.post(b"", {"X-Hook-Secret": secret}, "/hooks/s"), asana,
           user="nobody", worker_user="games", peer_users=["root"])


def test_many_first_handshakes_at_once():
    """One of them wins, whole, and only it is told so."""
    with Host() as h:
        h.settings["sources"] = {"s": keyless(h, "asana")}
        h.settings["threads"] = 4
        h.write_config()
        h.start()
        secrets = [f"secret-number-{i}-0123456789" for i in range(16)]
        answers = creel.together(16, lambda i: h.post(b"", {"X-Hook-Secret": secrets[i]}, "/hooks/s"))
        won = [s for s, a in zip(secrets, answers) if a.status in (200, 204)]
        check(len(won) == 1, f"{len(won)} won: {answers}")
        stored_key(h, won[0])
        body = b'{"events":[{"action":"added"}]}'
        check([h.post(body, asana(s, body), "/hooks/s").status for s in secrets] == [200 if s == won[0] else 401 for s in secrets], "who may send")
        h.allow("refused", "does not match", "stored", "no key yet")
        h.finish()


if __name__ == "__main__":
    creel.main(globals())
