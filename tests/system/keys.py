# SPDX-License-Identifier: MIT
"""Keys that come and go: creel keys, keys_folder, and the runbook of a rotation, drilled under load."""
import base64
import json
import os
import re
import signal
import stat
import subprocess

import creel
from creel import Host, check

RUNBOOK = os.path.join(creel.HERE, "..", "..", "deploy", "runbooks", "rotate-keys.md")
OLD = b"the old key: 32 bytes or so long"


def hup(h):
    before = len(h.log_text())
    h.process.send_signal(signal.SIGHUP)
    creel.poll(lambda: "configuration reloaded" in h.log_text()[before:], lambda: "a reload\n" + h.log_tail())


def folder_host(**more):
    """A host whose source shop has a keys_folder with one key, 2026-11."""
    h = Host()
    folder = h.path("etc", "shop.d")
    os.mkdir(folder, 0o700)
    source = h.settings["sources"]["shop"]
    del source["keys"]
    source.update(keys_folder=folder, **more)
    with open(os.open(os.path.join(folder, "2026-11"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(creel.whsec(OLD) + "\n")
    h.write_config()
    return h, folder


def creeld(h, *args):
    return subprocess.run([creel.CREELD, "-c", h.config, *args], capture_output=True, text=True, timeout=30, check=False)


def keys(h, *args):
    return [json.loads(line) for line in h.creel("keys", "list", "--json", *args).stdout.splitlines()]


def whsec_of(path):
    with open(path) as f:
        return base64.b64decode(f.read().strip().removeprefix("whsec_"))


def runbook_commands():
    """The commands of each step, as they stand there."""
    steps, step = {}, ""
    with open(RUNBOOK) as f:
        for line in f:
            if line.startswith("## "):
                step = line[3:].strip()
            elif line.startswith("    "):
                steps.setdefault(step[:1], []).append(line.strip())
    return steps


def follow(h, commands, folder):
    for line in commands:
        line = line.replace("/root/", h.path("out") + "/").replace("/etc/creel/keys/shop.d", folder)
        words = line.split()
        before = h.log_text().count("configuration reloaded")
        if line == "creeld -t":
            done = creeld(h, "-t")
            check(done.returncode == 0, f"creeld -t: {done}")
        elif words[0] == "creel":
            h.creel(*words[1:])
        else:
            check(words[0] == "rm", f"the runbook has a command that this test does not know: {line}")
            for path in words[1:]:
                os.unlink(path)
        if words[0] == "rm" or words[:3] in (["creel", "keys", "add"], ["creel", "keys", "retire"]):
            creel.poll(lambda: h.log_text().count("configuration reloaded") > before, lambda: "a reload\n" + h.log_tail())


def test_the_runbook_under_load():
    steps = runbook_commands()
    h, folder = folder_host()
    with h:
        h.function("order.created", '#include <creel.h>\nstatic int ok(struct creel_invocation *in) { (void)in; return CREEL_DONE; }\n'
                                    'CREEL_FUNCTION(ok, .timeout_ms = 5000);')
        h.start()
        h.wait_state(h.accept(secret=OLD), "done")
        workers = h.workers()
        check(workers, "no worker runs")
        load = [creel.Load(h, OLD) for _ in range(4)]
        for one in load:
            one.start()
        load[0].more(20)
        follow(h, steps["1"], folder)
        states = {k["id"]: k["state"] for k in keys(h)}
        check(states == {"2026-11": "live", "2026-12": "live"}, f"after step 1: {states}")
        new = whsec_of(h.path("out", "shop-2026-12"))
        for one in load[:2]:
            one.secret = new
        for one in load:
            one.more(20)
        for one in load:
            one.secret = new
        for one in load:
            one.more(20)
        check(h.send(secret=OLD).status == 202, "the old key in the overlap")
        follow(h, steps["3"], folder)
        states = {k["id"]: k["state"] for k in keys(h)}
        check(states == {"2026-11": "ended", "2026-12": "live"}, f"after step 3: {states}")
        refused = h.send(secret=OLD)
        check(refused.status == 401 and refused.json()["code"] == "signature-invalid", f"the old key after its end: {refused}")
        for one in load:
            one.more(20)
        follow(h, steps["4"], folder)
        check([k["id"] for k in keys(h)] == ["2026-12"], "after step 4")
        for one in load:
            one.more(20)
        check(set(workers) <= set(h.workers()), lambda: f"a rotation in a folder restarted workers: {workers}, {h.workers()}")
        answers = [i for one in load for i in one.stop()]
        known = h.states()
        lost = [i for i in answers if i not in known]
        check(not lost, f"{len(lost)} of {len(answers)} accepted events are not in the journal")
        used = {}
        journal = h.spool("journal")
        for name in sorted(os.listdir(journal)):
            with open(os.path.join(journal, name), "rb") as f:
                for line in f:
                    m = re.search(rb'"key_id":"([^"]*)"', line)
                    if m:
                        used[m[1].decode()] = used.get(m[1].decode(), 0) + 1
        check(set(used) == {"2026-11", "2026-12"} and sum(used.values()) == len(answers) + 2, f"the keys of the journal: {used}")
        h.allow("refused")
        h.finish()


def test_windows_open_and_close_by_themselves():
    """not_before and not_after need no reload at their time; without a valid key there is a warning."""
    with Host() as h:
        h.allow("doubt about the configuration")
        key = h.settings["sources"]["shop"]["keys"][0]
        key["not_before"] = "2999-01-01T00:00:00Z"
        h.write_config()
        said = creeld(h, "-t")
        check(said.returncode == 0 and "no key of this source is valid now" in said.stderr
              and said.stderr.startswith(h.config + ":"), f"-t: {said}")
        check(keys(h)[0]["state"] == "not yet", "the state of a key to come")
        del key["not_before"]
        key["not_after"] = "2001-01-01T00:00:00Z"
        h.write_config()
        check(keys(h)[0]["state"] == "ended", "the state of a key that has ended")
        h.start()
        refused = h.send()
        check(refused.status == 401 and "valid now" in refused.json()["detail"], f"no key is valid: {refused}")
        now = subprocess.run(["date", "-u", "-d", "+2 seconds", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True)
        key["not_after"] = now.stdout.strip()
        h.write_config()
        said = creeld(h, "-t")
        check("no key of this source is valid: add the next one" in said.stderr, f"-t of a key that ends soon: {said}")
        hup(h)
        creel.poll(lambda: h.send().status == 401, "the key to end")
        h.allow("refused")
        h.finish()


def test_a_source_without_keys_is_a_fault():
    with Host() as h:
        del h.settings["sources"]["shop"]["keys"]
        h.write_config()
        said = creeld(h, "-t")
        check(said.returncode == 100 and "/sources/shop: needs a key at least, in keys or keys_folder" in said.stderr, f"{said}")


def test_add_and_retire():
    h, folder = folder_host()
    with h:
        mine = h.key_file("mine", creel.whsec(b"x" * 32))

        def refused(*args, says, status=1):
            done = h.creel("keys", *args, status=status)
            check(says in done.stderr, f"{args}: '{done.stderr}' does not say '{says}'")
            for secret in (creel.whsec(b"x" * 32), creel.whsec(OLD)):
                check(secret not in done.stdout + done.stderr, "a secret was printed")
        refused("add", "shop", "--id", "2026-11", "--secret-file", mine, says="has a key 2026-11 already")
        refused("add", "shop", "--id", "a.b", "--secret-file", mine, says="--id is", status=100)
        refused("add", "shop", "--id", "n", says="is needed", status=100)
        refused("add", "nowhere", "--id", "n", "--secret-file", mine, says="no source 'nowhere'")
        refused("add", "shop", "--id", "n", "--secret-file", mine + "x", says="No such file", status=1)
        os.chmod(mine, 0o644)
        refused("add", "shop", "--id", "n", "--secret-file", mine, says="chmod 0640")
        os.chmod(mine, 0o600)
        refused("add", "shop", "--id", "n", "--secret-file", h.key_file("bad", "whsec_!!!!"), says="its text is not whsec_base64")
        refused("add", "shop", "--id", "n", "--secret-file", mine, "--key-encoding", "utf9", says="did you mean utf8")
        refused("add", "shop", "--id", "n", "--secret-file", mine, "--not-after", "later", says="--not-after must be a time", status=100)
        check(sorted(os.listdir(folder)) == ["2026-11"], f"what was refused left something: {os.listdir(folder)}")
        done = h.creel("keys", "add", "shop", "--id", "n", "--secret-file", mine, "--not-before", "2026-01-01T00:00:00Z", "--not-after", "30d")
        check("within seconds" in done.stdout, f"add: {done}")
        check(stat.S_IMODE(os.stat(os.path.join(folder, "n")).st_mode) == 0o600, "the mode of a stored key")
        row = next(k for k in keys(h, "--source", "shop") if k["id"] == "n")
        check(row["state"] == "live" and row["not_before"] == "2026-01-01T00:00:00.000Z" and row["mode"] == "0600", f"{row}")
        refused("retire", "shop", "nobody", says="has no key nobody")
        refused("retire", "shop", "n", "--at", "90d", says="ends earlier already")
        h.creel("keys", "retire", "shop", "n", "--at", "1h")
        done = h.creel("keys", "retire", "shop", "n")
        check("is retired" in done.stdout and "warning" not in done.stderr, f"retire: {done}")
        done = h.creel("keys", "retire", "shop", "2026-11")
        check("has no valid key" in done.stderr, f"the last key: {done}")
        with open(os.path.join(folder, "n.json"), "w") as f:
            f.write('{ // mine\n"not_after": "2999-01-01T00:00:00Z" }')
        refused("retire", "shop", "n", says="comments, which are yours")
        check(creeld(h, "-t").returncode == 0, "-t with a comment in ID.json")
        with open(os.path.join(folder, "n.bak"), "w") as f:
            f.write("old")
        said = creeld(h, "-t")
        check(said.returncode == 0 and "n.bak is left out" in said.stderr, f"-t with a backup: {said}")
        os.chmod(folder, 0o770)
        said = creeld(h, "-t")
        check(said.returncode == 100 and "others could add keys" in said.stderr, f"-t of an open folder: {said}")
        refused("add", "shop", "--id", "m", "--secret-file", mine, says="others could add keys")


def test_listed_keys_are_left_to_people():
    with Host() as h:
        mine = h.key_file("mine", creel.whsec(b"x" * 32))
        before = open(h.config).read()
        done = h.creel("keys", "add", "shop", "--id", "n", "--secret-file", mine, status=1)
        check("has no keys_folder" in done.stderr, f"add: {done}")
        done = h.creel("keys", "retire", "shop", "shop-1", status=1)
        check(h.config + ":" in done.stderr and '"not_after": "' in done.stderr, f"retire: {done}")
        check(open(h.config).read() == before, "the configuration was written")


def test_generate():
    """What is generated works: listed, signed with and accepted; no file is replaced."""
    with Host() as h:
        for name, recipe, member in (("a", "standard-webhooks", "secret_file"), ("b", "github", "secret_file"),
                                     ("c", "standard-webhooks-v1a", "public_key_file")):
            out, open_out = h.path("etc", name), h.path("etc", name + ".public")
            pair = ("--public-out", open_out) if member == "public_key_file" else ()
            done = h.creel("keys", "generate", "--recipe", recipe, "--out", out, *pair)
            check(stat.S_IMODE(os.stat(out).st_mode) == 0o600, f"the mode of {out}")
            secret = open(out).read()
            check(secret.strip() not in done.stdout + done.stderr, "the secret was printed")
            entry = json.loads(done.stdout.partition(": ")[2].splitlines()[0])
            check(entry[member] == (open_out if pair else out), f"the entry: {entry}")
            again = h.creel("keys", "generate", "--recipe", recipe, "--out", out, *pair, status=1)
            check("is there already" in again.stderr and open(out).read() == secret, f"again: {again}")
            h.settings["sources"][name] = h.source(name, recipe=recipe, keys=[entry])
            if recipe == "github":
                h.settings["sources"][name]["type"] = "const:push"
        h.write_config()
        h.start()
        web = h.path("etc")
        rows = {k["source"]: k for k in keys(h)}
        check(rows["c"]["kind"] == "ed25519" and rows["c"]["fingerprint"].startswith("SHA256:"), f"{rows['c']}")
        check(rows["a"]["kind"] == "secret" and rows["a"]["fingerprint"] is None, f"{rows['a']}")
        text = h.creel("keys", "list").stdout + h.creel("keys", "list", "--json").stdout
        for name in "abc":
            check(open(os.path.join(web, name)).read().strip() not in text, "a list shows a secret")
        body = b'{"type":"a.b"}'
        check(h.post(body, creel.sign(body, secret=whsec_of(h.path("etc", "a"))), "/hooks/a").status == 202, "a generated secret")
        printed = h.creel("keys", "generate", "--recipe", "standard-webhooks").stdout
        check(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", printed), f"printed: {printed}")
        check(h.creel("keys", "generate", "--recipe", "none", status=1).stderr.count("takes no keys") == 1, "a key for none")
        h.finish()


def openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, check=False)
    check(done.returncode == 0, f"openssl {args}: {done.stderr}")
    return done.stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def written(h, name, text, mode=0o644):
    path = h.path("etc", name)
    with open(path, "wb") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def public_forms(h, kind, private):
    """The public half of a PEM in every form there is: encoding and file."""
    der = openssl("pkey", "-in", private, "-pubout", "-outform", "DER")
    if kind == "rsa":
        modulus = bytes.fromhex(openssl("rsa", "-in", private, "-noout", "-modulus").decode().strip().partition("=")[2])
        jwk = {"kty": "RSA", "n": base64url(modulus), "e": "AQAB", "alg": "RS256"}
    else:
        jwk = {"kty": "EC", "crv": "P-256", "x": base64url(der[-64:-32]), "y": base64url(der[-32:]), "use": "sig"}
    unknown = {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}
    return {"spki-pem": openssl("pkey", "-in", private, "-pubout"),
            "spki-base64": base64.b64encode(der),
            "x509-pem": openssl("req", "-x509", "-new", "-key", private, "-subj", "/CN=sender", "-days", "30"),
            "jwk": json.dumps(jwk).encode(),
            "jwks": json.dumps({"keys": [unknown, jwk | {"kid": "k"}]}).encode()}


def test_public_keys_in_every_form():
    """One signature, proved by each form of its public key, from a file and from the environment."""
    with Host() as h:
        os.mkdir(h.path("etc", "recipes"))
        h.settings.update(recipes=h.path("etc", "recipes"), sources={})
        body, signatures, variables = b'{"type":"a.b"}', {}, {}
        for kind, algorithm in (("rsa", "rsa-sha256"), ("ec", "ecdsa-sha256")):
            with open(h.path("etc", "recipes", kind + ".json"), "w") as f:
                json.dump({"recipe": kind, "key_encoding": "spki-pem", "signature": {
                    "algorithm": algorithm, "from": "header:X-Signature", "encoding": "base64", "content": "{body}"}}, f)
            private = h.path("etc", kind + ".pem")
            more = ["-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else ["-pkeyopt", "ec_paramgen_curve:P-256"]
            openssl("genpkey", "-algorithm", kind.upper(), *more, "-out", private)
            signatures[kind] = base64.b64encode(openssl("dgst", "-sha256", "-sign", private, written(h, "body", body))).decode()
            for form, text in public_forms(h, kind, private).items():
                name = f"{kind}-{form}"
                variable = "KEY_" + name.upper().replace("-", "_")
                os.environ[variable] = variables[variable] = text.decode().strip()
                for way, key in (("file", {"public_key_file": written(h, name, text)}), ("env", {"secret_env": variable})):
                    h.settings["sources"][f"{name}-{way}"] = {
                        "path": f"/hooks/{name}-{way}", "recipe": kind, "type": "json:/type",
                        "keys": [{"id": "k", "key_encoding": form, **key}]}
        h.write_config()
        try:
            h.start()
            rows = [k for k in keys(h) if k["state"] == "live"]
        finally:
            for variable in variables:
                del os.environ[variable]
        check(len(rows) == 20, f"{len(rows)} of 20 keys are live")
        for kind in signatures:
            prints = {k["fingerprint"] for k in rows if k["source"].startswith(kind)}
            check(len(prints) == 1 and prints.pop().startswith("SHA256:"), f"the fingerprints of {kind}: {prints}")
        for name, source in h.settings["sources"].items():
            headers = {"x-signature": signatures[source["recipe"]], "content-type": "application/json"}
            a = h.post(body, headers, source["path"])
            check(a.status == 202, f"{name}: {a}")
            a = h.post(body + b" ", headers, source["path"])
            check(a.status == 401, f"{name}, another body: {a}")
        h.allow("refused")
        h.finish()


def test_functions_do_not_see_the_folder():
    h, folder = folder_host()
    with h:
        h.function("look", r'''
#include <creel.h>
#include <stdio.h>
#include <dirent.h>
static int look(struct creel_invocation *in)
{
    FILE *f = fopen("%s/2026-11", "r"), *out = fopen("%s/look", "w");
    DIR *d = opendir("%s");
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    fprintf(out, "%%s %%d\n", f ? "open" : "closed", n);
    return fclose(out) ? CREEL_RETRY : CREEL_DONE;
}
CREEL_FUNCTION(look, .types = "order.created", .timeout_ms = 5000);
''' % (folder, h.path("out"), folder))
        h.start()
        h.wait_state(h.accept(secret=OLD), "done")
        check(h.outputs("look") == ["closed 0"], f"a function saw: {h.outputs('look')}")
        h.finish()


creel.main(globals())
