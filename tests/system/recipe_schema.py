# SPDX-License-Identifier: MIT
"""The JSON Schema of recipes says what creel takes: an independent validator and creel agree on every recipe that is
installed, and on broken ones."""
import atexit
import copy
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile

import creel
from creel import check

SHARE = os.path.join(creel.PREFIX, "share", "creel")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
VALIDATOR = """
import { readFileSync } from 'fs';
import Ajv from 'ajv/dist/2020.js';
const valid = new Ajv({ strict: true, strictTypes: false, strictRequired: false })
    .compile(JSON.parse(readFileSync(process.argv[2])));
console.log(JSON.stringify(JSON.parse(readFileSync(0)).map((r) => valid(r) ? '' : JSON.stringify(valid.errors))));
"""

WHOLE = {
    "recipe": "broken",
    "signature": {"algorithm": "hmac-sha256", "from": "header:X-S", "encoding": "hex", "content": "{body}"},
    "key_encoding": "utf8",
    "timestamp": {"from": "header:X-T", "format": "s", "tolerance": "5m", "signed": False},
    "assert": {"header:X-A": {"equals": "a"}},
    "handshakes": [{"name": "h", "when": {"query:c": {"min_bytes": 1}}, "signed": False, "answer": {"body": "{query:c}"}}],
    "defaults": {"type": "json:/type"},
}
# Where, and what stands there instead; None: nothing.
BROKEN = [
    (["signature"], None),
    (["signatures"], {}),
    (["signature", "algorithm"], "hmac-md5"),
    (["signature", "algorithm"], "none"),
    (["signature", "from"], None),
    (["signature", "from"], "body"),
    (["signature", "encoding"], None),
    (["signature", "content"], None),
    (["signature", "list"], ", "),
    (["signature", "pair"], "="),
    (["signature", "jwt"], {"algorithms": ["HS256"]}),
    (["key_encoding"], None),
    (["key_encoding"], "utf-8"),
    (["timestamp", "format"], "us"),
    (["timestamp", "tolerance"], "5 minutes"),
    (["assert", "header:X-A"], {"equal": "a"}),
    (["assert", "hedder:X-A"], {"equals": "a"}),
    (["assert", "header:X-A|md5"], {"equals": "a"}),
    (["handshakes", 0, "method"], "PATCH"),
    (["handshakes", 0, "name"], None),
    (["handshakes", 0, "fetch"], "{json:/u}"),
    (["handshakes", 0, "answer", "status"], 99),
    (["defaults", "types"], "json:/type"),
    (["defaults", "type"], "jsno:/type"),
    (["variants"], {"v": {"variants": {}}}),
]


def judge(folder, recipes):
    """What the validator finds wrong with each; "" where it is nothing."""
    script = os.path.join(folder, "judge.mjs")
    with open(script, "w") as f:
        f.write(VALIDATOR)
    done = subprocess.run([creel.need("node"), script, os.path.join(SHARE, "recipe.schema.json")],
                          input=json.dumps(recipes), capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, f"the validator: {done.stderr}")
    return json.loads(done.stdout)


def taken(folder, recipe):
    """Does creel take it?"""
    with open(os.path.join(folder, recipe["recipe"] + ".json"), "w") as f:
        json.dump(recipe, f)
    done = subprocess.run([creel.CREEL, "--recipes", folder, "recipe", recipe["recipe"]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20, check=False)
    check(done.returncode in (0, 100), f"creel recipe exits {done.returncode}: {done.stderr}")
    return done.returncode == 0


def broken():
    for where, what in BROKEN:
        recipe = copy.deepcopy(WHOLE)
        inner = recipe
        for step in where[:-1]:
            inner = inner[step]
        if what is None:
            del inner[where[-1]]
        else:
            inner[where[-1]] = what
        yield where, recipe


def examples():
    """The recipes that manual and README show whole."""
    with open(os.path.join(creel.HERE, "..", "..", "README.md")) as f:
        for block in re.findall(r'^    (\{ "recipe".*?)\n\n', f.read(), re.S | re.M):
            yield json.loads(block)
    with open(os.path.join(creel.PREFIX, "share", "man", "man5", "creel-recipe.5")) as f:
        text = f.read().replace("\\(dq", '"').replace("\\e", "\\")
    for block in re.findall(r"^\.Bd .*?\n(.*?)^\.Ed", text, re.S | re.M):
        if block.startswith("{"):
            yield json.loads(block)


@functools.cache
def room():
    """A folder with the validator in it, for all tests."""
    folder = tempfile.mkdtemp(prefix="creel-schema-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    env = dict(os.environ)
    if os.path.exists(CERTIFICATES):
        env.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)
    done = subprocess.run([creel.need("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=2",
                           "--prefix", folder, "ajv@8.17.1"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, env=env, check=False)
    check(done.returncode == 0, f"npm install: {done.stdout}{done.stderr}")
    return folder


def test_installed_recipes():
    names = sorted(os.listdir(os.path.join(SHARE, "recipes")))
    recipes = []
    for name in names:
        with open(os.path.join(SHARE, "recipes", name)) as f:
            recipes.append(json.load(f))
    check(len(recipes) >= 100, f"only {len(recipes)} recipes are installed")
    for name, fault in zip(names, judge(room(), recipes)):
        check(fault == "", f"{name}: {fault}")


def test_broken_recipes():
    check(judge(room(), [WHOLE]) == [""] and taken(room(), WHOLE), "the whole recipe is refused")
    cases, wrong = list(broken()), []
    for (where, recipe), fault in zip(cases, judge(room(), [r for _, r in cases])):
        wrong += [f"{where}: the schema takes it"] * (fault == "") + [f"{where}: creel takes it"] * taken(room(), recipe)
    check(not wrong, "\n".join(wrong))


def test_examples_of_manual_and_readme():
    recipes = list(examples())
    check(len(recipes) >= 6, f"only {len(recipes)} examples")
    for recipe, fault in zip(recipes, judge(room(), recipes)):
        check(fault == "" and taken(room(), recipe), f"{recipe['recipe']}: {fault}")


creel.main(globals())
