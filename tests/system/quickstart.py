# SPDX-License-Identifier: MIT
"""deploy/quickstart --once, from a copy of the tree, as a newcomer runs it."""
import os
import shutil
import subprocess
import tempfile

import creel
from creel import check

TOP = os.path.dirname(os.path.dirname(creel.HERE))


def test_once():
    folder = tempfile.mkdtemp(prefix="creel-qs-")
    try:
        done = subprocess.run([os.path.join(TOP, "deploy", "quickstart"), "--once", "--port", str(creel.free_port()), "--dir", folder],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        check(done.returncode == 0, f"status {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        for said in ("202", "done", "spool/journal/", "creel show"):
            check(said in done.stdout, f"'{said}' is not in its output:\n{done.stdout}")
        creel.reap()
        check(not creel.children(os.getpid()), f"left running: {[creel.command_line(p) for p in creel.children(os.getpid())]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_usage():
    for arguments, status in ((["--help"], 0), (["--nonsense"], 100), (["--port", "x"], 100)):
        done = subprocess.run([os.path.join(TOP, "deploy", "quickstart"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)
        check(done.returncode == status, f"quickstart {arguments}: {done}")


creel.main(globals())
