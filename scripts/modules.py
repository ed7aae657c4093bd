#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a feature touches outside of its folders: three product files at most, over all commits.  Run from the root; exits 1 on any finding.

A feature's folder is sig/pbx/NAME/ (or the files sig/pbx/NAME.c and .h), NAME/ in the folder `feature` of any layer, or engine/job/NAME/;
ELSEWHERE has more.  A commit says whose it is by a trailer `Feature: NAME`, once for each feature.

- Of all commits since FIRST that carry a feature's trailer, at most MOST product files outside of the folders of what they name gain code.
- A commit that changes code in a feature's folder carries its trailer.  One that changes code in the folders of MECHANISM features changes
  what they stand on, and needs the trailers of those alone whose first files it adds.
- The core names no feature: it reaches them by their hooks.
- docs/features.md lists them. --write writes it; lines of code may be those of another day.

Only code counts: no comment, no blank line, no way to break lines.  A file that moves counts where its code changed, one that only loses code
counts not outside, and an #include counts by the name of its header without the folder.  LISTS count nowhere, nor do merges."""
import collections
import os
import pathlib
import re
import subprocess
import sys

FIRST = "5945920de"             # the guard came behind it
MOST, MECHANISM = 3, 3
LISTS = ("app/feature/features.c", "sig/pbx/modules.c", "sig/feature/features.c")  # of features: the former until it moved
PRODUCT = re.compile(r"^(?:app|base|client|cluster|dsp|engine|media|sig)/.*\.(?:c|h|def|proto|lua)$")
HOME = re.compile(r"^(?:sig/pbx/(\w+)(?:/|\.[ch]$)|(?:\w+/feature|engine/job)/(\w+)/)")
ELSEWHERE = {"sig/flow/": "flow", "app/archive/contact/": "contact", "app/archive/": "archive"}     # the first one counts
PAGE = pathlib.Path("docs/features.md")
HEAD = """# Features

Each feature has folders of its own, and a commit that changes it ends with `Feature: NAME`. All of
its commits since %s may add code to three product files outside of its folders: the last
column has them ([the rule](../CONTRIBUTING.md#commits)). `scripts/modules.py --write` writes this
page; lines of code are those of the day when it did so.

| Feature | Lines | Folders and files | Touched outside |
|---|---|---|---|
"""
CORE = ("step", "call", "model", "leg")
INCLUDE = re.compile(r'^#include "(sig/pbx/[^"]+)"', re.M)
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
LUA = re.compile(r'--\[\[.*?\]\]|--[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)

Change = collections.namedtuple("Change", "added before path old new")      # old, new: names of blobs
Commit = collections.namedtuple("Commit", "name features changes")


def feature_of(path):
    """Whose folder that is in, or None."""
    if path in LISTS:
        return None
    found = HOME.match(path)
    return found[1] or found[2] if found else next((name for folder, name in ELSEWHERE.items() if path.startswith(folder)), None)


def place_of(path, names):
    """(feature, its folder or the file itself) of the product, and of pages and folders elsewhere that have its name; or (None, path)"""
    words = path.removesuffix(".md").replace("-", "_").split("/")
    name = feature_of(path) if PRODUCT.match(path) else next((word for word in words[1:] if word in names), None)
    return name, "/".join(path.split("/")[:words.index(name) + 1]) + "/" if name in words[:-1] else path


def page(paths, outside):
    """What docs/features.md says."""
    own = [(feature_of(path), path) for path in sorted(paths) if PRODUCT.match(path) and feature_of(path) and pathlib.Path(path).exists()]
    places, lines = {name: set() for name, _ in own}, collections.Counter()
    for name, place in (place_of(path, places) for path in paths):
        if name:
            places[name].add(place)
    for name, path in own:
        lines[name] += pathlib.Path(path).read_text(encoding="utf-8").count("\n")
    listed = {name: [", ".join(f"`{file}`" for file in sorted(files)) for files in (places[name], outside.get(name, ()))] for name in places}
    cells = [(name, f"{lines[name]:,}", listed[name][0], listed[name][1] or "–") for name in sorted(listed)]
    return HEAD % FIRST + "".join(f"| {' | '.join(row)} |\n" for row in cells)


def is_same(one, other):
    """But for lines of code."""
    return len({re.sub(r"\| [\d,]+ \|", "| |", text) for text in (one, other)}) == 1


def pieces(path, text):
    """The code of a file in parts that are the same however lines are broken."""
    comments = LUA if path.endswith(".lua") else COMMENT_OR_TEXT
    code = comments.sub(lambda m: m[0] if m[0][0] in "\"'" else " ", text)
    code = DIRECTIVE.sub(lambda m: ";" + re.sub(r'"(?:[^"]*/)?([^"/]+)"', r'"\1"', m[0]) + ";", code)
    return [part for piece in re.split(r"[;{},]", code) if (part := "".join(piece.split()))]


class Blobs:
    """Texts of a repository by their names."""
    def __init__(self):
        self.git = subprocess.Popen(["git", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.git.stdin.close()
        self.git.stdout.close()
        self.git.wait()

    def pieces(self, path, name):
        if not name.strip("0"):
            return []
        self.git.stdin.write(f"{name}\n".encode())
        self.git.stdin.flush()
        size = int(self.git.stdout.readline().split()[2])
        return pieces(path, self.git.stdout.read(size + 1).decode(errors="replace"))

    def changed(self, change):
        return change.old != change.new and self.pieces(change.before, change.old) != self.pieces(change.path, change.new)

    def gained(self, change):
        had, has = (collections.Counter(self.pieces(*blob)) for blob in ((change.before, change.old), (change.path, change.new)))
        return bool(has - had)


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def commits():
    """Those since FIRST, the last one first."""
    log = git("log", "--no-merges", "-M", "--raw", "--no-abbrev", "--format=%x01%H%x02%(trailers:key=Feature,valueonly,separator=%x2C)", f"{FIRST}..HEAD")
    for block in log.split("\x01")[1:]:
        head, *lines = block.strip("\n").split("\n")
        name, _, features = head.partition("\x02")
        changes = []
        for line in filter(None, lines):
            fields, before, *path = line.split("\t")
            _, _, old, new, status = fields.split()
            changes.append(Change(status == "A", before, path[0] if path else before, old, new))
        yield Commit(name[:9], {feature.strip() for feature in features.split(",")} - {""}, changes)


def touched(commit, blobs):
    """Features in whose folders it changes code, but for those that a change of a mechanism need not name."""
    found = {name for change in commit.changes if PRODUCT.match(change.path) for name in map(feature_of, (change.before, change.path))
             if name and blobs.changed(change)}
    if len(found) < MECHANISM:
        return found
    return found - {feature_of(path) for path in git("ls-tree", "-r", "--name-only", f"{commit.name}^").split("\n")}


def judge(history, paths, blobs):
    """(findings, {feature: product files outside of its folders}); history: the last commit first, paths: what is there behind it"""
    findings, outside, now = [], collections.defaultdict(set), {}
    known = {feature_of(path) for path in paths.union(path for commit in history for change in commit.changes for path in (change.before, change.path))}
    for commit in history:
        if missing := touched(commit, blobs) - commit.features:
            findings.append(f"{commit.name}: it changes what is of {', '.join(sorted(missing))}: git commit --amend --no-edit" +
                            "".join(f" --trailer 'Feature: {name}'" for name in sorted(missing)))
        findings += [f"{commit.name}: no feature has the name {name}" for name in sorted(commit.features - known)]
        if commit.features:
            beside = {now.get(change.path, change.path) for change in commit.changes if PRODUCT.match(change.path) and change.path not in LISTS
                      and feature_of(change.path) not in commit.features and blobs.gained(change)}
            for name in commit.features:
                outside[name] |= {path for path in beside & paths if feature_of(path) != name}
        now.update({change.before: now.get(change.path, change.path) for change in commit.changes if change.before != change.path})
    findings += [f"{name}: its commits touch {len(files)} files outside of its folders: {' '.join(sorted(files))}"
                 for name, files in sorted(outside.items()) if len(files) > MOST]
    return findings, outside


def named(files):
    """Findings about {path: text} of the core."""
    return [f"{path}: the core includes {name}" for path, text in sorted(files.items()) for name in INCLUDE.findall(text)]


def core():
    return {str(path): path.read_text() for folder in CORE for path in pathlib.Path("sig", folder).glob("*.[ch]")}


def without_history():
    """Why commits cannot be judged, or None."""
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        return "this clone is shallow: git fetch --unshallow"
    if subprocess.run(["git", "merge-base", "--is-ancestor", FIRST, "HEAD"], capture_output=True).returncode:
        return f"this clone has no commit {FIRST} behind its head: git fetch --unshallow, or rebase on the main branch"
    return None


def main():
    findings = named(core())
    if not pathlib.Path(".git").exists():
        print("\n".join([*findings, "modules: there is no .git: nothing says what commits touch"]))
        return 1 if findings or "CI" in os.environ else 77
    if why := without_history():
        print("\n".join([*findings, f"modules: {why}"]))
        return 1
    blobs, paths = Blobs(), set(git("ls-files").split("\n")) - {""}
    found, outside = judge(list(commits()), paths, blobs)
    blobs.close()
    findings, wanted = findings + found, page(paths, outside)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif not is_same(wanted, PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""):
        findings.append(f"{PAGE} is of another day: python3 scripts/modules.py --write")
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
