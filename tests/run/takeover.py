# SPDX-License-Identifier: Apache-2.0
"""./tandem takeover: an earlier version is killed under calls in many states, and this one goes on with each of them.

Builds that commit and the working tree, starts the older node with its own Redis in a network of its own, brings the calls up, kills the
node with -9 and starts the newer one on the same folder. Prints a table, and last a line of JSON: calls, taken_over, lost, cdrs.
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "deploy" / "demo")]
from lib import takeover, wire
from lib.takeover_kinds import KINDS
from server import ServerError

PROGRAMS = ("app/tandemd", "app/tandemctl")
BEFORE = "4d7774555669"                # the last one before how calls are saved has changed


def build(tree, programs=PROGRAMS, variant="release"):
    """The folder of that build of that tree."""
    done = subprocess.run([str(tree / "tandem"), "build", variant, *programs], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()[-1]


@contextlib.contextmanager
def tree_of(commit):
    """A work tree of that commit, for as long as it is built and run."""
    with tempfile.TemporaryDirectory(prefix="tandem-takeover-") as folder:
        tree = pathlib.Path(folder, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def left_in_redis(node, ids):
    """(keys that were set aside, keys that still name an ended call); that it ended is remembered for a while."""
    with node.redis() as redis:
        keys = redis("KEYS", "*")
        aside = [key for key in keys if key.startswith("td:broken:")]
        stale = [key for key in keys if any(name in key for name in ids)]
        members = {"set": "SMEMBERS", "hash": "HKEYS"}
        for key in keys:
            command = members.get(redis("TYPE", key))
            if command and set(redis(command, key)) & ids:
                stale.append(key)
    return aside, stale


def table(calls, phones):
    print(f"{'call':12} {'before the kill':52} afterwards")
    for call in calls:
        print(f"{call.kind:12} {KINDS[call.kind]:52} {call.fault or 'goes on'}")
    print(f"{'phones':12} {'registered':52} {phones or 'call each other'}")


def result(node, calls, rows, words):
    """The last line's values."""
    own = {call.a.call_id for call in calls}
    aside, stale = left_in_redis(node, {row["id"] for row in rows})
    lost = sum(bool(call.fault) for call in calls)
    return {**words, "calls": len(calls), "taken_over": len(calls) - lost, "lost": lost,
            "cdrs": sum(row["sip_call_id"] in own for row in rows), "set_aside": aside, "stale_keys": stale}


def run(old, new, words):
    wire.alone()
    os.environ["TANDEM_BUILD"] = old
    with contextlib.ExitStack() as stack, takeover.plain_node() as node:
        state, streams = takeover.bring_up(node, stack)
        node.programs = os.path.join(new, "app")
        calls, phones, rows, ready_s = takeover.take_over(node, state, streams)
        table(calls, phones)
        return result(node, calls, rows, {**words, "ready_s": round(ready_s, 2), "phones": phones or "registered"})


def keep(build_folder, folder):
    """What this version leaves after kill -9 of node and Redis, for versions to come."""
    wire.alone()
    os.environ["TANDEM_BUILD"] = build_folder
    with contextlib.ExitStack() as stack, takeover.plain_node() as node:
        state, _ = takeover.bring_up(node, stack, compact=True)
        takeover.keep(node, state, folder)
    print(f"kept in {folder}: {sum(path.stat().st_size for path in pathlib.Path(folder).rglob('*') if path.is_file())} bytes")


def main():
    parser = argparse.ArgumentParser(prog="tandem takeover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="commit", default=BEFORE, help=f"the version before ({BEFORE})")
    parser.add_argument("--keep", metavar="FOLDER", help="no take-over: keep what this version leaves, as tests/data/redis has it")
    parser.add_argument("--debug", action="store_true", help="debug builds of both: minutes less, and with assertions")
    arguments = parser.parse_args()
    variant = "debug" if arguments.debug else "release"
    try:
        if arguments.keep:
            keep(build(ROOT, variant=variant), arguments.keep)
            return 0
        with tree_of(arguments.commit) as tree:
            began = time.monotonic()
            folders = build(tree, variant=variant), build(ROOT, variant=variant)
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
            found = run(*folders, {"from": arguments.commit})
    except subprocess.CalledProcessError as error:
        sys.exit(f"tandem takeover: {' '.join(map(str, error.cmd))} ended with {error.returncode}")
    except (unittest.SkipTest, ServerError, AssertionError) as error:
        sys.exit(f"tandem takeover: {error}")
    print(json.dumps(found))
    return 1 if found["phones"] != "registered" or found["lost"] or found["cdrs"] != found["calls"] or found["set_aside"] or found["stale_keys"] else 0


if __name__ == "__main__":
    sys.exit(main())
