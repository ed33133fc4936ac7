# SPDX-License-Identifier: MIT
"""creel send against creeld: for every installed recipe and variant an event is made up, signed and accepted behind a real web
server, with the type and the id that were sent; what another key signed is refused."""
import json
import os

import creel
from creel import Host, check

SECRETS = {"utf8": "user:a secret", "utf8-sha1": "a private key", "utf8-nfkd": "a s\u00e9cret", "hex": "00112233445566778899aabbccddeeff",
           "base64": "MDEyMzQ1Njc4OWFiY2RlZg==", "whsec_base64": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="}
KINDS = {"ed25519": ["-algorithm", "ed25519"], "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "ec521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
         "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
BY_ALGORITHM = {"ed25519": "ed25519", "rsa-sha256": "rsa", "rsa-sha1": "rsa", "ecdsa-sha256": "ec"}
NO_EVENTS = ("aws-sns-sns-v2-subscribe",)  # takes nothing but a handshake
BY_TOKEN = {"plaid": "ec", "truelayer": "ec521", "jwt-bearer": "ed25519"}


def recipes():
    """What creel recipe says of each, with each of its variants."""
    for row in creel.run([creel.CREEL, "recipe", "--json"]).splitlines():
        name = json.loads(row)["recipe"]
        whole = json.loads(creel.run([creel.CREEL, "recipe", name, "--json"]))
        for variant in [None, *whole["variants"]]:
            words = ["--variant", variant] if variant else []
            yield variant, json.loads(creel.run([creel.CREEL, "recipe", name, "--json", *words])) if variant else whole


def key_pair(h, kind):
    private, public = h.path("etc", kind + ".pem"), h.path("etc", kind + ".pub")
    if not os.path.exists(private):
        creel.run(["openssl", "genpkey", *KINDS[kind], "-out", private])
        creel.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public])
        os.chmod(private, 0o600)
    return private, public


def key_of(h, name, recipe):
    """The configuration's key and the file that signs."""
    kind = BY_TOKEN.get(recipe["recipe"]) or BY_ALGORITHM.get(recipe["algorithm"])
    if not kind:
        at = h.key_file("key-" + name, SECRETS[recipe["key_encoding"]])
        return {"id": "key", "secret_file": at}, at
    private, public = key_pair(h, kind)
    return {"id": "key", "public_key_file": public, "key_encoding": "spki-pem"}, private


class Sender:
    def __init__(self, h, variant, recipe):
        self.name = recipe["recipe"] + ("-" + variant if variant else "")
        self.recipe = recipe
        self.params = {p: "made-up" for p in recipe["params"]}
        if variant:
            self.params["variant"] = variant
        self.public_url = "https://hooks.example.test/hooks/" + self.name
        self.source = {"path": "/hooks/" + self.name, "recipe": recipe["recipe"], "params": self.params, "public_url": self.public_url}
        self.secret = None
        if recipe["algorithm"]:
            key, self.secret = key_of(h, self.name, recipe)
            self.source["keys"] = [key]
        else:
            self.source["allow_unsigned"] = True

    def send(self, h, via, *more, status=0, secret=None):
        words = [f"--param={k}={v}" for k, v in self.params.items()]
        words += ["--secret-file", secret or self.secret] if self.secret else []
        words += ["--header", "X-Pusher-Key: key"] if self.name == "pusher" else []  # the key's id in the configuration
        done = h.creel("send", f"http://127.0.0.1:{via.port}/hooks/{self.name}", "--recipe", self.recipe["recipe"], "--public-url",
                       self.public_url, *words, *more, status=None)
        check(done.returncode == status, f"{self.name} {' '.join(more)}: {done.stdout}{done.stderr}")
        return done


def senders(h):
    found = [Sender(h, variant, recipe) for variant, recipe in recipes()]
    h.settings["sources"] = {s.name: s.source for s in found}
    h.write_config()
    h.start()
    return found


def test_every_recipe_sends_what_it_takes():
    with Host() as h:
        every = [s for s in senders(h) if s.name not in NO_EVENTS]
        via = creel.nginx(h)
        check(len(every) > 140, f"{len(every)} recipes and variants")
        for s in every:
            s.send(h, via)
        listed = {e["source"]: e for e in h.list()}
        check(len(listed) == len(every), f"no event: {sorted({s.name for s in every} - set(listed))}")
        for name, kind in (("stripe", "test.event"), ("github", "test.event"), ("huggingface", "test.event"), ("replicate", "prediction.test"),
                           ("telegram", "test.event"), ("braintree", "braintree"), ("twilio", "test.event"), ("sendgrid", "test.event")):
            check(listed[name]["type"] == kind, f"{name}: {listed[name]}")
        h.finish()


def test_a_given_type_and_body():
    with Host() as h:
        by_name = {s.name: s for s in senders(h)}
        via = creel.caddy(h)
        sent = [("stripe", "order.paid"), ("huggingface", "repo.update"), ("replicate", "prediction.failed"), ("telegram", "message"),
                ("adyen", "AUTHORISATION"), ("discord", "interaction.2"), ("gitlab", "push"), ("plaid", "ITEM.ERROR")]
        for name, kind in sent:
            by_name[name].send(h, via, "--type", kind)
        listed = {e["source"]: e["type"] for e in h.list()}
        for name, kind in sent:
            check(listed[name] == kind, f"{name}: {listed[name]}")
        said = by_name["replicate"].send(h, via, "--type", "order.paid", status=100).stderr
        check("order.paid" in said and "--body" in said, said)
        body = h.path("etc", "body")
        with open(body, "w", encoding="utf-8") as f:
            f.write('{ "event-data":{"event":"opened","id":"1.0e1"} }\n')
        check("changed for it" in by_name["mailgun"].send(h, via, "--body", body).stderr, "a changed body is not said")
        check("changed" not in by_name["stripe"].send(h, via, "--body", body, status=1).stderr, "an event without type")
        kept = [h.show(e["id"]) for e in h.list("--source", "mailgun")]
        check(kept[0]["body"].startswith('{ "event-data":{"event":"opened","id":"1.0e1"} ,"signature":{'), str(kept))
        h.allow("refused")
        h.finish()


def test_what_another_key_signed_is_refused():
    with Host() as h:
        by_name = {s.name: s for s in senders(h)}
        via = creel.nginx(h)
        other = h.key_file("other", "another secret")
        for name in ("stripe", "mailgun", "braintree", "livekit", "gitlab", "chargebee", "hubspot-v1", "msgraph", "twilio-body"):
            by_name[name].send(h, via, secret=other, status=1)
        for kind, names in (("ed25519", ("discord", "jwt-bearer")), ("rsa", ("wise", "aws-sns")), ("ec", ("sendgrid", "plaid"))):
            another = h.path("etc", "other-" + kind)
            creel.run(["openssl", "genpkey", *KINDS[kind], "-out", another])
            os.chmod(another, 0o600)
            for name in names:
                by_name[name].send(h, via, secret=another, status=1)
        said = by_name["discord"].send(h, via, secret=h.path("etc", "ed25519.pub"), status=100).stderr
        check("key" in said, said)
        check(not h.list(), "an event that another key signed")
        h.allow("refused")
        h.finish()


if __name__ == "__main__":
    creel.main(globals())
