# SPDX-License-Identifier: MIT
"""A full disk gives 503 and Retry-After, loses nothing, and recovers by itself. Needs root for a small tmpfs of its own."""
import os

import creel
from creel import Host, check


class Disk:
    """A tmpfs of 16 MiB, mounted for this test alone, with a file that takes what is left."""

    def __init__(self, host):
        self.at = host.path("disk")
        os.mkdir(self.at)
        creel.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0755", "creel-test", self.at])

    def fill(self, leave=0):
        s = os.statvfs(self.at)
        left = s.f_bavail * s.f_frsize - leave
        with open(os.path.join(self.at, "ballast"), "ab", buffering=0) as f:
            try:
                while left > 0:
                    left -= f.write(b"x" * min(left, 1 << 16))
            except OSError:
                pass

    def empty(self):
        os.unlink(os.path.join(self.at, "ballast"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        creel.run(["umount", "-l", self.at])


def until_refused(h, accepted):
    """Send until the door says that it is full."""
    for _ in range(20000):
        a = h.send(fill="x" * 3000)
        if a.status == 202:
            accepted.append(a.json()["id"])
            continue
        check(a.status == 503 and a.json()["code"] in ("spool-full", "not-durable"), f"expected 503, got {a}")
        check(int(a.headers.get("retry-after", "0")) > 0, f"no Retry-After: {a.headers}")
        return
    raise creel.Failed("a full disk never refused anything")


def nothing_lost(h, accepted):
    known = h.states()
    lost = [i for i in accepted if i not in known]
    check(not lost, f"{len(lost)} of {len(accepted)} answered 202 and are nowhere: {lost[:3]}")


def recovered(h, accepted):
    """Room again: the door opens by itself."""
    def sent():
        a = h.send()
        if a.status == 202:
            accepted.append(a.json()["id"])
        return a.status == 202
    creel.poll(sent, lambda: "the door to open again\n" + h.log_tail())
    h.wait_all(accepted, "done")


def begin(h, disk):
    """A spool on that disk; the ids of the first events."""
    h.settings.update(spool=os.path.join(disk.at, "spool"), min_free="1MiB", segment_size="256KiB")
    h.write_config()
    h.function("record", creel.code("record"), OUT=h.path("out/out"), TYPES="order.created")
    h.start()
    return [h.accept() for _ in range(20)]


def full_disk(fill_first):
    if os.getuid() != 0:
        raise creel.Skip("mounting a small tmpfs needs root")
    with Host() as h, Disk(h) as disk:
        accepted = begin(h, disk)
        for _ in range(2):
            if fill_first:
                disk.fill()
            else:
                disk.fill(leave=3 << 20)
            until_refused(h, accepted)
            check(h.process.poll() is None and h.role("intake") and h.role("dispatch"), "a process ended on the full disk")
            nothing_lost(h, accepted)
            disk.empty()
            recovered(h, accepted)
        h.restart()
        nothing_lost(h, accepted)
        check(len({l.split()[0] for l in h.outputs()}) == len(accepted), "not every event ran")
        h.allow("full", "room", "No space", "space", "spool-full", "not-durable", "refused", "segment")
        h.finish()


def test_suddenly_full():
    full_disk(True)


def test_slowly_full():
    full_disk(False)


def test_full_at_kill():
    """kill -9 on a full disk; what was answered is still there when there is room."""
    if os.getuid() != 0:
        raise creel.Skip("mounting a small tmpfs needs root")
    with Host() as h, Disk(h) as disk:
        accepted = begin(h, disk)
        disk.fill()
        until_refused(h, accepted)
        h.process.kill()
        h.process.wait()
        disk.empty()
        h.start()
        recovered(h, accepted)
        h.allow(".*")
        h.finish()


creel.main(globals())
