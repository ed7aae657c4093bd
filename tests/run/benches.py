#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ./tandem bench NAME --quick of each bench, or of those that are named, and looks whether it closes with its line of JSON.

What its figures are is not judged: a machine may be small.  A bench that begins and finds no module, program or file of a package ends
without that line.  ./tandem prove --benches runs this in a bare Debian.  The last line is JSON: {"ran": N, "failed": [NAME...]}.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import bench_needs_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 900               # with the build of the first one's, more
BUILD_S = 7200
MAKES_A_CHROOT = {"first"}  # of its own: it is what proves it, and there is none within one
PARTS = {"api_webhooks", "transcode_peers", "wire_ends"}     # programs of other benches


def closes(name, limit):
    """(whether the bench closes as it should, its output)"""
    with tempfile.TemporaryDirectory(prefix="tandem-benches-") as folder:
        line = pathlib.Path(folder, "json")
        try:
            done = subprocess.run([ROOT / "tandem", "bench", name, "--quick", "--json", line], cwd=ROOT, stdin=subprocess.DEVNULL, text=True, errors="replace",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit, check=False)
        except subprocess.TimeoutExpired as error:
            return False, f"{(error.stdout or b'').decode(errors='replace')}\nstill running after {limit} s"
        try:
            return json.loads(line.read_text(encoding="utf-8"))["bench"] == name, done.stdout
        except (OSError, ValueError, KeyError):
            return False, done.stdout


def main(names):
    known = [name for name in bench_needs_test.benches() if name not in MAKES_A_CHROOT | PARTS]
    if unknown := set(names) - set(known):
        sys.exit(f"benches: no such bench: {' '.join(sorted(unknown))}; there are {' '.join(known)}")
    failed = []
    for number, name in enumerate(names or known):
        began = time.monotonic()
        right, output = closes(name, LIMIT_S if number else BUILD_S)
        print(f"{name}: {'closes' if right else 'FAILED'} after {time.monotonic() - began:.0f} s", flush=True)
        if not right:
            failed.append(name)
            print("\n".join(output.splitlines()[-40:]), flush=True)
    print(json.dumps({"ran": len(names or known), "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
