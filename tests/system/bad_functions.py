# SPDX-License-Identifier: MIT
"""A function that crashes, hangs, leaks, forks or runs away hurts only itself: others' events go on, memory stays flat, nothing is left.
Nor can it change functions, configuration or spool.

Each as root without users, as root with users of its own, and as an ordinary user, where this machine allows it.
"""
import os
import signal

import creel
from creel import Good, Host, check

BAD = ["crash", "hang", "leak", "bomb", "runaway"]
EXPECTED = {"crash": "crash", "hang": "timeout", "runaway": "timeout"}
GROWTH_KIB = 16 * 1024


def host(launcher=(), owner=None, **settings):
    h = Host(launcher=launcher, **settings)
    h.function("good", creel.code("record"), OUT=h.path("out/good"), TYPES="good")
    h.function("plant", creel.code("plant"), DIR=h.dir, TYPES="plant")
    for name in BAD:
        h.sidecar(name, {"retry": {"attempts": 2, "base": "20ms"}, "timeout": "500ms", "concurrency": 1, "memory": "512MiB"})
        h.function(name, creel.code("bad"), MODE=name, OUT=h.path("out/" + name), TYPES=name)
    if owner is not None:
        h.give(owner)
    return h


def size(h, name):
    try:
        return os.path.getsize(h.path("out", name))
    except FileNotFoundError:
        return 0


def stands_still(h, name):
    """Has the file stopped growing? Looks at it for as long as 20 of the runaway's lines take."""
    last, same = size(h, name), 0
    while same < 20:
        creel.time.sleep(0.02)
        now = size(h, name)
        if now != last:
            return False
        same += 1
    return True


def kinds(h, names, killed):
    """Two events of each bad kind at once; with `killed`, dispatch is killed while they run. They end dead, with the right cause."""
    of = {name: [h.accept(name), h.accept(name)] for name in names}
    if killed:
        creel.poll(lambda: all({"running", "dead"} & {h.states()[i] for i in ids} for ids in of.values()), f"{names} to run")
        old = h.role("dispatch")
        os.kill(old, signal.SIGKILL)
        creel.poll(lambda: h.role("dispatch") not in (None, old), "dispatch to be back")
    h.wait_all([i for ids in of.values() for i in ids], "dead", seconds=60)
    for name, i in ((name, i) for name, ids in of.items() for i in ids):
        story = str(h.show(i)).lower()
        check(EXPECTED.get(name, "") in story, f"{name}: the cause '{EXPECTED.get(name)}' is not in {story}")
        check(h.show(i)["functions"][0]["attempts"] >= 2, f"{name}: not tried twice")


def scenario(h, may_fork=True):
    with h:
        h.start()
        good = Good(h)
        good.start()
        creel.poll(lambda: len(good.ids) > 20, "good events to begin")
        planter = h.accept("plant")
        h.wait_state(planter, "done", "dead")
        check(h.states()[planter] == "done", lambda: f"a function can reach what it must not: {h.show(planter)}")
        before = {r: creel.rss_kib(h.role(r)) for r in ("intake", "dispatch")}
        kinds(h, BAD, False)
        after = {r: creel.rss_kib(h.role(r)) for r in ("intake", "dispatch")}
        if not creel.REPORTS:  # sanitizers keep what was freed
            check(all(after[r] - before[r] < GROWTH_KIB for r in after), f"memory grew: {before} -> {after} KiB")
        for name in BAD:
            kinds(h, [name], True)
        check((size(h, "runaway") > 0) == may_fork, "functions could " + ("not " if may_fork else "") + "create processes")
        creel.poll(lambda: stands_still(h, "runaway"), "the run-away child to be gone")
        good.finish()
        print(f"    {len(good.ids)} good events meanwhile; memory {before} -> {after} KiB")
        h.allow(".*")
        h.finish()


def test_as_invoking_user():
    scenario(host())


def test_as_ordinary_user():
    if os.getuid() != 0:
        raise creel.Skip("this is the ordinary user already")
    scenario(host(launcher=creel.as_ordinary_user(), owner=65534, peer_users=["root", "nobody"]))


def test_as_root_with_users():
    if os.getuid() != 0:
        raise creel.Skip("changing users needs root")
    scenario(host(user="nobody", worker_user="games", peer_users=["root"]))


def test_where_namespaces_are_forbidden():
    """Then no function may create a process at all, or it could outlive its run."""
    scenario(host(launcher=creel.without_namespaces(), owner=65534, peer_users=["root", "nobody"]), may_fork=False)


creel.main(globals())
