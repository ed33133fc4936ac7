#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench: everything Creel is measured by, each beside its baseline in the same run, in interleaved pairs. Prints tables with the
medians, spreads and goals, and writes every row to bench.json. Nothing passes or fails.

  ROUNDS=9            pairs of each measurement
  BENCH_PARTS=…       some of: memory door journal run schema verify backlog (all)
  BENCH_BACKLOG=…     unfinished events to measure at (1000 100000; 1000000 takes some minutes more)
  BENCH_DIR=…         where spools and files go, a real disk (/var/tmp; the journal alone: the build folder)
  BENCH_JSON=…        the file (bench.json)

A virtual machine pays for disk requests with processor time its guest never sees; `steal` says how much of it each part was denied.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import backlog
import door
import rig

RATIO, VALUE = "baseline", "value"  # the members by which rows with a goal are told


def note(text):
    print("  " + text, flush=True)


def program(name):
    def run(build, _):
        done = subprocess.run([os.path.join(build, "tests/bench", name)], stdout=subprocess.PIPE, cwd=build, text=True, check=True)
        yield from (json.loads(line) for line in done.stdout.splitlines())
    return run


PARTS = {"memory": backlog.memory, "door": door.run, "journal": program("journal"), "run": program("run"), "schema": program("schema"), "verify": program("verify"),
         "backlog": backlog.run}


def text(value):
    if isinstance(value, float):
        digits = 0 if abs(value) >= 1000 else 2 if abs(value) >= 0.5 else 3 if abs(value) >= 0.1 else 4
        return f"{value:,.{digits}f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def table(rows):
    """Rows of the same members, in order."""
    cells = [[k for k in rows[0] if k != "part"]] + [[text(v) for k, v in row.items() if k != "part"] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    print(flush=True)


def tables(rows):
    kinds = {}
    for row in rows:
        kinds.setdefault(tuple(row), []).append(row)
    for some in kinds.values():
        table(some)


def measure(name, build):
    """The rows of one part; a part that cannot be measured is one row that says why."""
    print(f"== {name}", flush=True)
    machine, rows = rig.Machine(), []
    try:
        rows.extend(PARTS[name](build, note))
    except rig.Skip as why:
        rows.append({"part": name, "skipped": str(why)})
    except (rig.Wrong, OSError, subprocess.SubprocessError) as why:
        rows.append({"part": name, "failed": str(why)})
    tables(rows)
    spent = machine.since()
    note(f"{spent['seconds']} s; steal {spent['steal']} s of processor time ({spent['steal_part']:.1%})\n")
    return rows + [{"part": name, "machine": spent}]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=".", help="the build folder")
    build = os.path.abspath(p.parse_args().build)
    names = (os.environ.get("BENCH_PARTS") or " ".join(PARTS)).split()
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        sys.exit(f"bench: no part {' '.join(unknown)}; there are {' '.join(PARTS)}")
    file = os.environ.get("BENCH_JSON") or "bench.json"
    began, rows = time.monotonic(), []
    print(f"{rig.rounds()} pairs of each, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    for name in names:
        rows += measure(name, build)
        with open(file, "w", encoding="utf-8") as f:
            json.dump({"rounds": rig.rounds(), "processors": os.cpu_count(), "rows": rows}, f, indent=1)
    print("== all with a goal")
    tables([row for row in rows if row.get("goal")])
    bad = sorted({row["part"] for row in rows if "failed" in row})
    print(f"bench: {(time.monotonic() - began) / 60:.1f} minutes, rows in {file}" + (f"; failed: {' '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
