#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each seed of the simulator that failed once names its unit test.  Run from the root; exits 1 on any finding."""
import pathlib
import re
import sys

from rows import functions

LIST = pathlib.Path("tests/sim/seeds.txt")
CLUSTER, SIG = pathlib.Path("tests/unit/cluster"), pathlib.Path("tests/unit/sig")
SEED = re.compile(r"^((?:\d+x\d+[flrc]?:|leases\d*:)?\d+) [^#]+ # ([\w/]+_test\.c): (\w+)$")


def check(text):
    """Every finding as a line of text."""
    findings, seen = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        match, at = SEED.match(line), f"{LIST}:{number}"
        if not match:
            findings.append(f"{at} is not: [NODESxSHARDS[f|l|r|c]:|leases[NODES]:]SEED what it showed # FILE_test.c: test")
            continue
        seed, name, test = match.groups()
        if seed in seen:
            findings.append(f"{at}: {seed} is listed twice")
        seen.add(seed)
        of_leases = seed.startswith("leases") or (re.search("[flrc]:", seed) and (CLUSTER / name).is_file())
        path = (CLUSTER if of_leases else SIG) / name
        if not path.is_file():
            findings.append(f"{at} names {path}, which does not exist")
        elif test not in functions(path):
            findings.append(f"{at} names {test}, which {path} does not have")
    if not seen:
        findings.append(f"{LIST}: no seeds")
    return findings


def main():
    findings = check(LIST.read_text(encoding="utf-8"))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
