# SPDX-License-Identifier: MIT
"""creeld -t: everything that is wrong, at once, each with its place and a way out; what is only doubtful does not keep it from starting."""
import base64
import json
import os
import pwd
import subprocess

import creel
from creel import Host, check

NOBODY = pwd.getpwnam("nobody")


def creeld(h, *args, env=None, launcher=()):
    return subprocess.run([*launcher, creel.CREELD, "-c", h.config, *args], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, **(env or {})))


def tested(h, status, *said, without=(), **more):
    """creeld -t ends so, and says these words, each in a line of its own."""
    h.write_config()
    done = creeld(h, "-t", **more)
    lines = done.stderr.splitlines()
    check(done.returncode == status and not done.stdout, f"-t exits {done.returncode}, not {status}: {done.stderr}{done.stdout}")
    for line in lines:
        check(line.startswith(h.config + ":") and ": /" in line, f"not FILE:LINE: /pointer: reason: {line}")
    for words in said:
        check(sum(all(w in line for w in words) for line in lines) == 1, f"not said once: {words}\n{done.stderr}")
    for word in without:
        check(word not in done.stderr, f"'{word}' is said:\n{done.stderr}")
    return lines


def public_key():
    """A public Ed25519 key, from RFC 8032 section 7.1, and the seed it belongs to."""
    return (bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))


def test_all_faults_at_once():
    with Host() as h:
        sources = h.settings["sources"]
        shop, second = h.source("shop"), h.source("second", recipe="github", secret="x")
        shop["keys"] = [{"id": "bad", "secret_file": h.key_file("bad", "whsec_!!")}, {"id": "gone", "secret_file": h.path("etc/gone")},
                        {"id": "open", "secret_file": h.key_file("open", creel.whsec())}, {"id": "unset", "secret_env": "CREEL_NOT_SET"},
                        {"id": "good", "secret_file": h.key_file("good", creel.whsec())}]
        os.chmod(shop["keys"][2]["secret_file"], 0o644)
        second["keys"] = [{"id": "coded", "secret_file": h.key_file("coded", "x"), "key_encoding": "rot13"}]
        sources.update(shop=shop, second=second, third=dict(h.source("third"), params={"variant": "none"}))
        h.settings.update(threads=99, retentoin="7d", user="nobody-of-that-name")
        lines = tested(h, 100, ("/threads: ",), ("/retentoin: ", '"retention"'), ("/user: ", "create it or name another"),
                     ("/sources/shop/keys/0: ", "bad", "whsec_base64"), ("/sources/shop/keys/1/secret_file: ", "No such file"),
                     ("/sources/shop/keys/2/secret_file: ", "chmod 0640"), ("/sources/shop/keys/3: ", "CREEL_NOT_SET"),
                     ("/sources/second/keys/0: ", "rot13"), ("/sources/third: ", "variant"), without=("good", "whsec_!!"))
        check(len(lines) == 9, f"{len(lines)} faults, 9 were made:\n" + "\n".join(lines))
        h.settings.update(sources={}, threads=2, user="")
        del h.settings["retentoin"]
        tested(h, 0)


def test_what_recipes_need():
    """What only the operator can know is asked for by name; what may be left out is not; what nobody asks for is doubted."""
    with Host() as h:
        def source(name, recipe, **more):
            h.settings["sources"][name] = dict(h.source(name, recipe=recipe, secret="x"), **more)
        h.settings["sources"] = {}
        source("meta", "meta", params={"verify_tokn": "t"})
        source("square", "square")
        source("braintree", "braintree", params={"public_key": "k"})
        source("livekit", "livekit")
        tested(h, 100, ("/sources/meta: ", "recipe meta needs params.verify_token"), ("/sources/square: ", "needs public_url"),
               without=("braintree needs", "api_key"))
        source("meta", "meta", params={"verify_token": "t", "variant_": "x"})
        source("square", "square", public_url="https://hooks.example.com/hooks/square")
        lines = tested(h, 0, ("/sources/meta: ", "warning", "params.variant_"))
        check(len(lines) == 1, "\n".join(lines))


def test_what_would_refuse_everything():
    """Where nobody says where the id is that dedupe asks for, that is doubted; a refusal that is a redirect is a fault."""
    with Host() as h:
        plain = {"recipe": "none", "allow_unsigned": True}
        h.settings["sources"] = {"idless": {"path": "/b", **plain, "type": "const:a", "dedupe": {"missing": "refuse"}},
                                 "good": {"path": "/c", **plain, "type": "const:a", "dedupe": {"by": "body", "missing": "refuse"}},
                                 "wrapped": {"path": "/d", **plain, "envelope": "cloudevents", "dedupe": {"missing": "refuse"}}}
        lines = tested(h, 0, ("/sources/idless: warning: ", '"event_id"'))
        check(len(lines) == 1, "\n".join(lines))
        h.settings["sources"]["good"]["answers"] = {"refused": {"status": 302}}
        tested(h, 100, ("/sources/good/answers/refused/status: ", "must be 200 to 299 or 400 to 599"))


def test_what_cannot_be_read():
    with Host() as h:
        h.write_config()
        for path, reason in ((h.path("nowhere.json"), "No such file"), (h.dir, "not a regular file")):
            h.config = path
            done = creeld(h, "-t")
            check(done.returncode == 100 and done.stderr.startswith(f"{path}:1: /: ") and reason in done.stderr and
                  done.stderr.count(path) == 1, f"-t of {path}: {done.stderr}")
            check(creeld(h).returncode == 100 and creeld(h, "-T").returncode == 100, f"{path} is taken")


def test_owners_of_key_files():
    """Root's, and those of whoever starts creeld or of `user`; another's are refused with what to do."""
    if os.getuid() != 0:
        raise creel.Skip("only root gives files away")
    with Host(listen_group="") as h:
        key = h.settings["sources"]["shop"]["keys"][0]["secret_file"]
        tested(h, 0)
        os.chown(key, NOBODY.pw_uid, NOBODY.pw_gid)
        tested(h, 100, ("/sources/shop/keys/0/secret_file: ", "nobody", "chown root"))
        h.settings.update(user="nobody", worker_user="daemon")
        tested(h, 0)
        h.settings.update(user="", worker_user="")
        for folder in ("", "run"):
            os.chown(h.path(folder), NOBODY.pw_uid, NOBODY.pw_gid)
        tested(h, 0, launcher=creel.as_ordinary_user())
        os.chown(key, 0, 0)
        tested(h, 100, ("/sources/shop/keys/0/secret_file: ", "nobody", "may not open it"), launcher=creel.as_ordinary_user())
        daemon = pwd.getpwnam("daemon")
        os.chown(key, daemon.pw_uid, NOBODY.pw_gid)
        os.chmod(key, 0o640)
        tested(h, 100, ("/sources/shop/keys/0/secret_file: ", "daemon", "chown it to root or to nobody"),
             launcher=creel.as_ordinary_user())


def in_the_way(h):
    with open(h.path("run/c.sock"), "w") as f:
        f.write("no socket")


def test_rights():
    """What who starts creeld may not do is told before it is tried."""
    launcher = creel.as_ordinary_user()
    if not launcher:
        raise creel.Skip("only root can make what others may not touch")
    for change, pointer, words in ((lambda h: os.chown(h.dir, 0, 0), "/spool: ", ("nobody", "may not write")),
                                   (lambda h: os.mkdir(h.path("spool")), "/spool: ", ("nobody", "may not write")),
                                   (lambda h: os.chown(h.path("run"), 0, 0), "/control: ", ("nobody", "may not write")),
                                   (in_the_way, "/control: ", ("not a socket", "move it away")),
                                   (lambda h: os.chmod(h.path("functions"), 0o300), "/functions: ", ("nobody", "may not read")),
                                   (lambda h: h.settings.update(listen_group="root"), "/listen_group: ", ("not in group",))):
        with Host(peer_users=["nobody"], listen_group="") as h:
            h.give(NOBODY.pw_uid)
            os.chown(h.path("functions"), NOBODY.pw_uid, NOBODY.pw_gid)
            tested(h, 0, launcher=launcher)
            change(h)
            tested(h, 100, (pointer, *words), launcher=launcher)
            check(creeld(h, launcher=launcher).returncode == 100, f"{pointer}: creeld starts")


def test_public_key_given_as_secret():
    with Host() as h:
        public, seed = public_key()
        bare = lambda data: base64.b64encode(data).decode()
        source = h.source("v1a", recipe="standard-webhooks-v1a", secret=bare(public))
        h.settings["sources"]["v1a"] = source
        tested(h, 100, ("/sources/v1a/keys/0: ", "public_key_file", "whsk_"), without=(bare(public),))
        for text in ("whpk_" + bare(public), "whsk_" + bare(seed), "whsk_" + bare(seed + public)):
            h.key_file("key-v1a", text)
            tested(h, 0)
        source["keys"] = [{"id": "p", "public_key_file": h.key_file("key-v1a", bare(public))}]
        tested(h, 0)
        h.key_file("key-v1a", "whsk_" + bare(seed))
        tested(h, 100, ("/sources/v1a/keys/0: ", "private"))


def test_peer_users():
    """A name that is no user's is a warning and lets nobody in; none that is one's is a fault."""
    me = pwd.getpwuid(os.getuid()).pw_name
    with Host(peer_users=[me, "nobody-of-that-name"]) as h:
        tested(h, 0, ("/peer_users/1: warning: ", "nobody-of-that-name"))
        h.allow("nobody-of-that-name")
        h.start()
        check("nobody-of-that-name" in h.log_text(), "no word of it in the log")
        h.accept()
        other = "nobody" if me != "nobody" else "daemon"
        h.settings["peer_users"] = [other, "nobody-of-that-name"]
        h.write_config()
        h.process.send_signal(1)
        creel.poll(lambda: "configuration reloaded" in h.log_text(), "the reload")
        try:
            check(not h.send(), "who is not in peer_users is let in")
        except OSError:
            pass
        h.settings["peer_users"] = ["nobody-of-that-name", "nor-of-this"]
        tested(h, 100, ("/peer_users: ", "none of these users"))
        h.settings["peer_users"] = []
        tested(h, 100, ("/peer_users: ", "none of these users"))
        h.settings["peer_users"] = [me]
        h.write_config()
        h.process.send_signal(1)
        creel.poll(lambda: h.log_text().count("configuration reloaded") == 2, "the second reload")
        h.allow("not in peer_users")
        h.accept()
        h.finish()


def test_the_configuration_in_the_manual_and_the_example():
    """What we ship loads, but for the folders, users and keys that are of the place where it runs."""
    with Host() as h:
        with open(os.path.join(creel.PREFIX, "share", "creel", "creel.json.example")) as f:
            text = f.read()
        h.config = h.path("etc/example.json")
        with open(h.config, "w") as f:
            f.write(text)
        lines = creeld(h, "-t").stderr.splitlines()
        local = ("there is no user", "there is no group", "there is no folder", "No such file", "none of these users", "not set", "warning",
                 "may not", "not in group")
        check(all(any(w in line for w in local) for line in lines), "the example has faults:\n" + "\n".join(lines))
        check(json.loads(creeld(h, "-T").stdout)["sources"], "-T of the example")


def test_the_sources_to_copy():
    folder = os.path.join(creel.HERE, "..", "..", "deploy", "sources.d")
    names = sorted(os.listdir(folder))
    check(len(names) >= 5, f"{names}")
    with Host() as h:
        h.settings["sources"] = {}
        h.settings["include"] = os.path.join(os.path.abspath(folder), "*.json")
        h.write_config()
        done = creeld(h, "-t")
        lines = [line for line in done.stderr.splitlines() if "No such file" not in line]
        check(not lines, "the sources have faults:\n" + "\n".join(lines))
        check(sum("/keys/0" in line for line in done.stderr.splitlines()) == len(names) - 1, f"one needs no key: {done.stderr}")


if __name__ == "__main__":
    creel.main(globals())
