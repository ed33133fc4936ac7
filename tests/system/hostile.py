# SPDX-License-Identifier: MIT
"""A function that works against the host (forged packets, floods, daemons, signals, ptrace, limits) hurts only itself.

Its events end, done or dead; good events go on; neither role ends or grows; what it started is gone. As root and as an ordinary
user, with and without namespaces.
"""
import os
import re

import creel
from creel import Good, Host, check

SOURCE = creel.code("hostile")
ACTS = re.findall(r'\{"(\w+)", \w+\}', SOURCE)
GROWTH_KIB = 16 * 1024


def host(launcher=(), owner=None, **settings):
    h = Host(launcher=launcher, **settings)
    h.function("good", creel.code("record"), OUT=h.path("out/good"), TYPES="good")
    h.sidecar("hostile", {"retry": {"attempts": 2, "base": "20ms"}, "timeout": "400ms", "concurrency": 1})
    h.function("hostile", SOURCE, OUT=h.path("out/alive"), TYPES=" ".join(ACTS))
    if owner is not None:
        h.give(owner)
    return h


def alive(h):
    try:
        return os.path.getsize(h.path("out/alive"))
    except FileNotFoundError:
        return 0


def stands_still(h):
    before = alive(h)
    creel.time.sleep(0.3)  # fifteen lines of a child that lives on
    return alive(h) == before


def scenario(h):
    check(len(ACTS) == 10, f"acts not found in the source: {ACTS}")
    with h:
        h.start()
        good = Good(h)
        good.start()
        creel.poll(lambda: len(good.ids) > 10, "good events to begin")
        roles = {r: h.role(r) for r in ("intake", "dispatch")}
        before = {r: creel.rss_kib(p) for r, p in roles.items()}
        ends = {}
        for act in ACTS:
            seen = len(good.ids)
            event = h.accept(act)
            h.wait_state(event, "done", "dead")
            ends[act] = h.states()[event]
            creel.poll(lambda: len(good.ids) > seen, f"good events to go on after {act}")
        check({r: h.role(r) for r in roles} == roles, "a role has ended meanwhile\n" + h.log_tail())
        after = {r: creel.rss_kib(p) for r, p in roles.items()}
        check(all(after[r] - before[r] < GROWTH_KIB for r in after), f"memory grew: {before} -> {after} KiB")
        good.finish()
        creel.poll(lambda: stands_still(h), "what it started to be gone")
        print(f"    {len(good.ids)} good events meanwhile; {ends}; memory {before} -> {after} KiB")
        h.allow(".*")
        h.finish()


def test_as_invoking_user():
    scenario(host())


def test_as_ordinary_user():
    if os.getuid() != 0:
        raise creel.Skip("this is the ordinary user already")
    scenario(host(launcher=creel.as_ordinary_user(), owner=65534, peer_users=["root", "nobody"]))


def test_where_namespaces_are_forbidden():
    scenario(host(launcher=creel.without_namespaces(), owner=65534, peer_users=["root", "nobody"]))


creel.main(globals())
