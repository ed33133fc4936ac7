# SPDX-License-Identifier: MIT
"""The libraries that real senders use sign; the door accepts, and refuses when a byte is changed."""
import json
import os
import shutil
import subprocess
import tempfile

import creel
from creel import Host, check

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES = ["standardwebhooks@1.0.0", "@octokit/webhooks-methods@5.1.0", "stripe@17.7.0"]
TEXT = "a secret for the other two"

SIGNERS = {
    "standard-webhooks": """
        import { Webhook } from 'standardwebhooks';
        const at = new Date(), id = 'msg_' + process.pid;
        out({ 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)),
              'webhook-signature': new Webhook(secret).sign(id, at, body) });""",
    "github": """
        import { sign } from '@octokit/webhooks-methods';
        out({ 'x-hub-signature-256': await sign(secret, body), 'x-github-event': 'push', 'x-github-delivery': 'd-' + process.pid });""",
    "stripe": """
        import Stripe from 'stripe';
        out({ 'stripe-signature': new Stripe('sk_test_x').webhooks.generateTestHeaderString({ payload: body, secret }) });""",
}
BODIES = {
    "standard-webhooks": {"type": "order.created", "text": "grüß dich ☂", "n": 9007199254740993},
    "github": {"ref": "refs/heads/main", "text": "grüß dich ☂"},
    "stripe": {"id": "evt_1", "object": "event", "type": "invoice.paid", "text": "grüß dich ☂"},
}


def install(folder):
    creel.need("npm")
    # node brings certificates of its own; what this machine trusts is the distribution's bundle.
    env = dict(os.environ)
    if os.path.exists(CERTIFICATES):
        env.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=2",
                           "--prefix", folder, *PACKAGES],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, env=env, check=False)
    check(done.returncode == 0, f"npm install: {done.stdout}{done.stderr}")


def signed_by(folder, recipe, secret, body):
    script = os.path.join(folder, recipe + ".mjs")
    with open(script, "w") as f:
        f.write("import { readFileSync } from 'fs';\nconst body = readFileSync(0, 'utf8'), secret = process.argv[2];\n"
                "const out = (headers) => console.log(JSON.stringify(headers));\n" + SIGNERS[recipe])
    done = subprocess.run([creel.need("node"), script, secret], input=body, capture_output=True, timeout=60, check=False)
    check(done.returncode == 0, f"{recipe}: {done.stderr.decode()}")
    return dict(json.loads(done.stdout), **{"content-type": "application/json"})


def test_signers():
    folder = tempfile.mkdtemp(prefix="creel-npm-")
    try:
        install(folder)
        with Host() as h:
            secrets = {"standard-webhooks": creel.whsec(), "github": TEXT, "stripe": "whsec_" + TEXT.replace(" ", "")}
            h.settings["sources"] = {r: h.source(r, r, secrets[r]) for r in SIGNERS}
            for r in SIGNERS:
                del h.settings["sources"][r]["type"]  # the recipe's own default
            h.write_config()
            h.start()
            via = creel.nginx(h)
            for recipe, secret in secrets.items():
                body = json.dumps(BODIES[recipe], ensure_ascii=False).encode()
                headers = signed_by(folder, recipe, secret, body)
                changed = body.replace(b"gr", b"Gr")
                a = h.post(changed, headers, "/hooks/" + recipe, via=via)
                check(a.status == 401 and a.json()["code"] == "signature-invalid", f"{recipe}, a changed byte: {a}")
                a = h.post(body, headers, "/hooks/" + recipe, via=via)
                check(a.status == 202, f"{recipe}: {a}")
                check(h.show(a.json()["id"])["body"].encode() == body, f"{recipe}: another body is stored")
                a = h.post(body, headers, "/hooks/" + recipe, via=via)
                check(a.status == 200, f"{recipe}, the same again: {a}")
            h.allow("refused")
            h.finish()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


creel.main(globals())
