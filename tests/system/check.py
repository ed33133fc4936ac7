# SPDX-License-Identifier: MIT
"""creel check: a line for each thing, the way out in each that is wrong, the exit status; nothing is changed and nothing has to run."""
import json
import os
import subprocess

import creel
from creel import Host, check

TAKES = """#include <creel.h>
static int take(struct creel_invocation *in) { (void)in; return CREEL_DONE; }
CREEL_FUNCTION(take, .types = "order.paid", .sources = "shop");
"""


def looked(h, status):
    done = h.creel("check", "--json", status=status)
    return [json.loads(line) for line in done.stdout.splitlines()]


def found(lines, verdict, name, text):
    check(any(e["verdict"] == verdict and (name in (e["name"] or "") or name in e["place"]) and text in e["text"] for e in lines),
          f"no {verdict} of {name} with '{text}' in {lines}")


def creeld_says(h):
    done = subprocess.run([creel.CREELD, "-t", "-c", h.config], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    check(done.returncode == 100, f"creeld -t exits {done.returncode}: {done.stderr}")
    return done.stderr


def write(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def test_all_is_well():
    """As creeld would have it; a table for people, an object a line for scripts; with the host down and up."""
    with Host() as h:
        h.function("order.paid", TAKES)
        write(h.path("schemas/order.paid.json"), '{"type":"object"}')
        before = sorted(os.listdir(h.dir))
        lines = looked(h, 0)
        check([(e["verdict"], e["what"], e["name"]) for e in lines] ==
              [("ok", "configuration", None), ("ok", "source", "shop"), ("ok", "schema", "order.paid"), ("ok", "function", "order.paid")], f"{lines}")
        check("takes order.paid from shop" in lines[-1]["text"], f"{lines}")
        check(sorted(os.listdir(h.dir)) == before and not os.path.exists(h.spool()), "it has made something")
        h.start()
        text = h.creel("check").stdout
        check(text.count("ok ") == 4 and len(text.splitlines()) == 4, text)
        h.accept()
        h.finish()


def test_functions():
    """What is wrong with a function is 1; what is only doubtful is 0."""
    with Host() as h:
        folder = h.settings["functions"]
        h.function("good", TAKES)
        h.sidecar("good", {"types": ["order.*"], "sources": ["shopp"]})
        h.sidecar("alone", {})
        os.chmod(folder, 0o757)
        lines = looked(h, 0)
        found(lines, "ok", "good", "takes order.* from shopp")
        found(lines, "warning", "good", 'no source "shopp"')
        found(lines, "warning", "alone", "without a function")
        found(lines, "warning", "creel.json", "everybody on this machine may write there")
        for name in ("typo", "secret", "text"):
            h.drop(name, os.path.join(folder, "good.so"))
        h.sidecar("typo", {"tiemout": "5s"})
        h.sidecar("secret", {"secrets": {"key": h.path("nowhere")}})
        write(os.path.join(folder, "text.so"), "text")
        write(os.path.join(folder, "empty.so"), "")
        write(os.path.join(folder, "a b.so"), "")
        lines = looked(h, 1)
        found(lines, "fault", "typo", 'did you mean "timeout"')
        found(lines, "fault", "secret", h.path("nowhere"))
        found(lines, "fault", "text", "cannot be loaded")
        found(lines, "fault", "empty", "is empty")
        found(lines, "warning", "a b", "rename it")
        found(lines, "ok", "shop", "standard-webhooks")
        check("typo" in h.creel("check", status=1).stdout, "a table")


def test_configuration():
    """What creeld would not start with is 100, said as creeld -t says it; the functions are looked at all the same."""
    with Host() as h:
        h.function("good", TAKES)
        for name, text in (("good", '{"type":"object"}'), ("bad", '{"type":"objekt"}')):
            write(h.path(f"schemas/{name}.json"), text)
        key = h.settings["sources"]["shop"]["keys"][0]["secret_file"]
        os.chmod(key, 0o644)
        h.settings["sources"]["other"] = h.source("other")
        h.write_config()
        lines = looked(h, 100)
        found(lines, "fault", "/sources/shop/keys/0/secret_file", "chmod 0640")
        found(lines, "fault", "bad.json", "must be")
        found(lines, "ok", "good.json", "")
        found(lines, "ok", "good", "takes order.paid")
        check([e["name"] for e in lines if e["what"] == "source"] == ["other"], f"{lines}")
        said = creeld_says(h)
        check(all(e["place"] in said and e["text"] in said for e in lines if e["verdict"] == "fault"), f"{lines}\n{said}")
        os.chmod(key, 0o600)
        os.unlink(h.path("schemas/bad.json"))
        write(h.config, "{")
        lines = looked(h, 100)
        found(lines, "fault", "creel.json", "not valid JSON")
        found(lines, "warning", "creel.json", "not looked at")
        h.creel("check", "what", status=100)


def test_as_root():
    """Started as root, files are read as `user` reads them, and functions are tried as `worker_user`; the spool has to be the user's."""
    if os.getuid() != 0:
        raise creel.Skip("needs root")
    with Host(user="nobody", worker_user="games") as h:
        folder = h.settings["functions"]
        h.function("good", TAKES)
        found(looked(h, 0), "ok", "good", "takes order.paid")
        os.chmod(os.path.join(folder, "good.so"), 0o600)
        found(looked(h, 1), "fault", "good", "Permission denied")
        os.chmod(folder, 0o700)
        found(looked(h, 1), "fault", "functions", "user nobody")
        os.chmod(folder, 0o755)
        os.makedirs(h.spool("journal"))
        lines = looked(h, 100)
        found(lines, "fault", "/spool", "chown -R")
        check("chown -R" in creeld_says(h), "creeld -t")


creel.main(globals())
