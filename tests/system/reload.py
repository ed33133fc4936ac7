# SPDX-License-Identifier: MIT
"""SIGHUP, and files that change: a good configuration takes effect everywhere, a bad one changes nothing and says why."""
import json
import os
import signal
import subprocess

import creel
from creel import Host, check


def hup(h, says):
    """SIGHUP, then wait for the line of the log that tells the end of it."""
    before = len(h.log_text())
    h.process.send_signal(signal.SIGHUP)
    creel.poll(lambda: says in h.log_text()[before:], lambda: f"the log to say '{says}'\n{h.log_tail()}")
    return h.log_text()[before:]


def test_good():
    with Host() as h:
        h.start()
        pids = h.role("intake"), h.role("dispatch")
        check(h.post(b"{}", creel.sign(b"{}"), "/hooks/second").status == 404, "the second source before the reload")
        other = b"another secret, of the second one"
        h.settings["sources"]["second"] = h.source("second", secret=creel.whsec(other))
        h.write_config()
        hup(h, "configuration reloaded")
        h.accept(path="/hooks/second", secret=other)
        h.accept()
        del h.settings["sources"]["shop"]
        h.write_config()
        hup(h, "configuration reloaded")
        check(h.send().status == 404, "the removed source")
        check(pids == (h.role("intake"), h.role("dispatch")), "a reload restarted a role")
        h.allow("refused")
        h.finish()


def test_key_rotation():
    """Under load: both keys count while both are listed, then only the new one, and no request is lost."""
    new = b"the new key: 32 bytes or so long"
    with Host() as h:
        h.start()
        load = [creel.Load(h) for _ in range(4)]
        for one in load:
            one.start()
        keys = h.settings["sources"]["shop"]["keys"]
        keys.append({"id": "shop-2", "secret_file": h.key_file("key-shop-2", creel.whsec(new))})
        h.write_config()
        hup(h, "configuration reloaded")
        for one in load[2:]:
            one.secret = new
        for one in load:
            one.more(20)
        for one in load[:2]:
            one.secret = new
            one.more(2)  # what is on its way may still have the old one
        del keys[0]
        h.write_config()
        hup(h, "configuration reloaded")
        check(h.send().status == 401, "the old key after its end")
        for one in load:
            one.more(20)
        accepted = [i for one in load for i in one.stop()]
        known = h.states()
        check(all(i in known for i in accepted), "an accepted event is not in the journal")
        h.allow("refused")
        h.finish()


def test_bad():
    with Host() as h:
        h.start()
        good = open(h.config).read()
        for text, reason in ((good[:-3], "creel.json"), (good.replace('"spool"', '"spooll"'), "spool"),
                             (good.replace('"standard-webhooks"', '"standard-webhoks"'), "standard-webhoks"),
                             (good.replace("key-shop", "key-nowhere"), "key-nowhere")):
            with open(h.config, "w") as f:
                f.write(text)
            said = hup(h, "not reloaded")
            check(reason in said, f"the reason '{reason}' is not in the log:\n{said}")
            h.accept()
        with open(h.config, "w") as f:
            f.write(good)
        hup(h, "configuration reloaded")
        h.accept()
        h.allow("fault in the configuration", "not reloaded")
        h.finish()


def test_fixed_setting():
    with Host() as h:
        h.start()
        h.settings["spool"] = h.path("elsewhere")
        h.write_config()
        said = hup(h, "not reloaded")
        check("spool" in said and "restart" in said, said)
        h.settings["spool"] = h.path("spool")
        h.write_config()
        h.accept()
        h.allow("not reloaded")
        h.finish()


def test_files_that_change():
    """What the configuration names comes in by itself when it is replaced; with a fault the old one stays."""
    def replaced(path, content, says):
        before = len(h.log_text())
        with open(path + ".new", "w") as f:
            f.write(content)
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)
        creel.poll(lambda: says in h.log_text()[before:], lambda: f"the log to say '{says}'\n{h.log_tail()}")
        return h.log_text()[before:]

    other = b"another secret, of the second one"
    with Host() as h:
        recipes = h.path("etc", "recipes")
        os.mkdir(recipes)
        h.settings["recipes"] = recipes
        h.write_config()
        h.start()
        pids = h.role("intake"), h.role("dispatch")
        key = h.path("etc", "key-shop")
        check(h.send(secret=other).status == 401, "before")
        said = replaced(key, creel.whsec(other) + "\n", "configuration reloaded")
        check(json.dumps(key) in said, f"the log does not name the file: {said}")
        h.accept(secret=other)
        check(h.send().status == 401, "the old key")
        said = replaced(key, "whsec_!!!!", "not reloaded")
        check("key shop-1" in said, f"the reason is not in the log: {said}")
        h.accept(secret=other)
        replaced(os.path.join(recipes, "standard-webhooks.json"), "{", "not reloaded")
        h.accept(secret=other)
        os.unlink(os.path.join(recipes, "standard-webhooks.json"))
        replaced(key, creel.whsec() + "\n", "configuration reloaded")
        h.accept()
        check(pids == (h.role("intake"), h.role("dispatch")), "a change restarted a role")
        h.allow("refused", "fault in the configuration", "not reloaded")
        h.finish()


def test_check_and_print():
    """creeld -t and -T."""
    with Host() as h:
        def creeld(*args):
            return subprocess.run([creel.CREELD, "-c", h.config, *args], capture_output=True, text=True, timeout=30, check=False)
        good = creeld("-t")
        check(good.returncode == 0, f"-t of a good configuration: {good}")
        printed = creeld("-T")
        check(printed.returncode == 0 and '"shop"' in printed.stdout and creel.whsec() not in printed.stdout, f"-T: {printed}")
        key = h.settings["sources"]["shop"]["keys"][0]
        encoding = key.get("key_encoding")
        key["key_encoding"] = "rot13"
        h.write_config()
        unread = creeld("-t")
        check(unread.returncode == 100 and unread.stderr.startswith(h.config + ":")
              and ": /sources/shop/keys/0: " in unread.stderr, f"-t of a key that cannot be decoded: {unread}")
        del key["key_encoding"]
        if encoding:
            key["key_encoding"] = encoding
        for refs, reason in (("join:{json:/a}.{jsn:/b}", "jsn:/b"), (["json:/id", "form:id|lowr"], "lower")):
            h.settings["sources"]["shop"]["event_id"] = refs
            h.write_config()
            unread = creeld("-t")
            check(unread.returncode == 100 and unread.stderr.startswith(h.config + ":")
                  and ": /sources/shop/event_id: " in unread.stderr and reason in unread.stderr, f"-t of {refs}: {unread}")
        h.settings["sources"]["shop"]["event_id"] = ["join:{json:/a}.{query:b|lower}", "key:/data!id", "body|sha256"]
        h.write_config()
        good = creeld("-t")
        check(good.returncode == 0, f"-t of references of all kinds: {good}")
        del h.settings["sources"]["shop"]["event_id"]
        h.settings["sources"]["shop"]["versions"] = {"1": {}}
        h.write_config()
        nowhere = creeld("-t")
        check(nowhere.returncode == 100 and ": /sources/shop/versions: " in nowhere.stderr, f"-t of versions from nowhere: {nowhere}")
        h.settings["sources"]["shop"]["version"] = "json:/version"
        h.write_config()
        good = creeld("-t")
        check(good.returncode == 0, f"-t of versions: {good}")
        del h.settings["sources"]["shop"]["versions"]
        functions = h.settings["functions"]
        h.settings["functions"] = functions + ".not-there"
        h.write_config()
        missing = creeld("-t")
        check(missing.returncode == 100 and ": /functions: " in missing.stderr, f"-t of a missing functions folder: {missing}")
        h.settings["functions"] = functions
        h.settings["retentoin"] = "7d"
        h.write_config()
        bad = creeld("-t")
        check(bad.returncode == 100, f"-t of a bad configuration: {bad}")
        line = next(l for l in bad.stderr.splitlines() if "retentoin" in l)
        check(line.startswith(h.config + ":") and "/retentoin: " in line and "retention" in line, f"-t says: {line}")
        check(creeld().returncode == 100, "creeld starts with a bad configuration")


creel.main(globals())
