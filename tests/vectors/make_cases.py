# SPDX-License-Identifier: MIT
"""make_cases.py [PROVIDER…]: writes requests for `creel verify --vectors` to standard output, each with the verdict that the sender's
documentation asks for: for every provider a good one, then that one broken in every way that comes to mind. Standard library only."""
import json
import sys

import mutate
import special
from plain import SCHEMES


def all_cases():
    for scheme in SCHEMES + special.SCHEMES:
        for name, expect, request, keys in mutate.everything(scheme):
            yield scheme.case(name, expect, request, keys)
    yield from special.cases()


def main():
    wanted = set(sys.argv[1:])
    cases = [c for c in all_cases() if not wanted or c["provider"] in wanted]
    json.dump(cases, sys.stdout, indent=0)


if __name__ == "__main__":
    main()
