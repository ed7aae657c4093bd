#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A commit that adds a module to sig/pbx touches at most three hand-written product files outside of it, or its text names an ADR that
says why.  sig/pbx/modules.c is no such file: it lists all modules.  And the core names no module: it reaches them by their hooks.  Run from
the root; exits 1 on any finding."""
import pathlib
import re
import subprocess
import sys

FIRST = "d2dbad53"              # the commits before it moved what was there already
AGAIN = ("86802c30",            # does e71d4cce once more, whose text names ADR 76
         "35f0e6b2")            # what calls ask for, before the module of ADR 91
MOST = 3
PRODUCT = re.compile(r"^(app|base|client|cluster|dsp|engine|media|sig)/.*\.[ch]$")
MODULE = re.compile(r"^sig/pbx/([a-z_]+)(?:\.c|/[^/]+\.c)$")
LIST = "sig/pbx/modules.c"
CORE = ("step", "call", "model", "leg")
INCLUDE = re.compile(r'^#include "(sig/pbx/[^"]+)"', re.M)


def modules(paths):
    return {found[1] for path in paths if (found := MODULE.match(path))}


def finding(text, changes, before=()):
    """Of a commit with that text and these (status, path), or None. before: paths below sig/pbx that were there."""
    added = modules(path for status, path in changes if status == "A") - modules(before)
    own = re.compile(rf"^sig/pbx/(?:{'|'.join(added)})(?:\.[ch]|/.*)$")
    outside = sorted(path for _, path in changes if PRODUCT.match(path) and path != LIST and not (added and own.match(path)))
    if not added or len(outside) <= MOST or re.search(r"\bADR \d+", text):
        return None
    return f"it adds {', '.join(sorted(added))} and touches {len(outside)} files beside: {' '.join(outside)}"


def named(files):
    """Findings about {path: text} of the core."""
    return [f"{path}: the core includes {name}" for path, text in sorted(files.items()) for name in INCLUDE.findall(text)]


def core():
    return {str(path): path.read_text() for folder in CORE for path in pathlib.Path("sig", folder).glob("*.[ch]")}


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def main():
    breaches = named(core())
    for breach in breaches:
        print(breach)
    if breaches:
        return 1
    if not pathlib.Path(".git").exists() or subprocess.run(["git", "cat-file", "-e", FIRST], capture_output=True).returncode:
        print("modules: this copy has no history since", FIRST)
        return 77
    findings = 0
    for commit in git("rev-list", "--no-merges", f"{FIRST}..HEAD").split():
        if commit.startswith(AGAIN):
            continue
        changes = [line.split("\t") for line in git("diff-tree", "-r", "-M", "--no-commit-id", "--name-status", commit).splitlines()]
        before = git("ls-tree", "-r", "--name-only", f"{commit}^", "sig/pbx/").split() if any(c[0] == "A" for c in changes) else ()
        found = finding(git("log", "-1", "--format=%B", commit), [(c[0][0], c[-1]) for c in changes], before)
        if found:
            print(f"{commit[:8]}: {found}")
            findings += 1
    return findings != 0


if __name__ == "__main__":
    sys.exit(main())
