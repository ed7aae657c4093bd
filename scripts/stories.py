#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each story that docs/guides/takeover.md names is one of the simulator.  Run from the root; exits 1 on any finding."""
import pathlib
import re
import sys

PAGE = pathlib.Path("docs/guides/takeover.md")
STORY = re.compile(r'^\t\{ "([\w-]+)"', re.MULTILINE)


def check(page, known):
    """Every finding as a line of text."""
    findings, rows = [], 0
    for number, line in enumerate(page.splitlines(), 1):
        cells = line.split("|")
        if len(cells) != 5 or cells[1].strip() in ("State", "---"):
            continue
        rows += 1
        names = re.findall(r"`([^`]+)`", cells[2])
        if not names:
            findings.append(f"{PAGE}:{number}: no story")
        findings += [f"{PAGE}:{number}: there is no story {name}" for name in names if name not in known]
    if not rows:
        findings.append(f"{PAGE}: no table")
    return findings


def main():
    known = {name for path in sorted(pathlib.Path("tests/sim").glob("story_*.c"))
             for name in STORY.findall(path.read_text(encoding="utf-8"))}
    findings = check(PAGE.read_text(encoding="utf-8"), known)
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
