# SPDX-License-Identifier: MIT
"""deploy/quickstart --once, from a copy of the tree, as a newcomer runs it."""
import os
import shutil
import signal
import subprocess
import tempfile

import creel
from creel import check

TOP = os.path.dirname(os.path.dirname(creel.HERE))


def quickstart(folder, *more):
    return [os.path.join(TOP, "deploy", "quickstart"), "--port", str(creel.free_port()), "--dir", folder, *more]


def nothing_left():
    creel.reap()
    left = [creel.command_line(p) for p in creel.children(os.getpid())]
    check(not left, f"left running: {left}")


def test_once_then_until_ctrl_c():
    folder = tempfile.mkdtemp(prefix="creel-qs-")
    try:
        done = subprocess.run(quickstart(folder, "--once"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)
        check(done.returncode == 0, f"status {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        for said in ("202", "State: done", "spool/journal/", "creel show"):
            check(said in done.stdout, f"'{said}' is not in its output:\n{done.stdout}")
        nothing_left()
        with open(os.path.join(folder, "said"), "wb") as said:
            again = creel.started(subprocess.Popen(quickstart(folder), stdin=subprocess.DEVNULL, stdout=said, stderr=said))

        def text():
            with open(os.path.join(folder, "said"), encoding="utf-8") as f:
                return f.read()
        try:
            creel.poll(lambda: "until Ctrl-C" in text() or again.poll() is not None, text, 300)
            check(again.poll() is None, "it did not stay up:\n" + text())
            again.send_signal(signal.SIGINT)
            check(again.wait(60) == 0, "status after Ctrl-C:\n" + text())
        finally:
            if again.poll() is None:
                again.terminate()
                again.wait(60)
        nothing_left()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_usage():
    for arguments, status in ((["--help"], 0), (["--nonsense"], 100), (["--port", "x"], 100)):
        done = subprocess.run([os.path.join(TOP, "deploy", "quickstart"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        check(done.returncode == status, f"quickstart {arguments}: {done}")


creel.main(globals())
