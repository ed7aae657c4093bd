#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large the tree is, and how much of it is only there to reach the rest.  Run from the root; prints one line of JSON.

sources.py                what `./tandem bench tree` prints of the sources
sources.py --list NAME    the things that the figure counts, one a line
"""
import argparse
import collections
import json
import pathlib
import re
import sys

PRODUCT = ("app", "base", "client", "cluster", "dsp", "engine", "media", "sig")
TESTS = ("bench", "tests")
COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
RETURNED = r"^(?!static\b|typedef\b|return\b|else\b|#)(?:[A-Za-z_]\w*[ *]+)+\**"
DEFINED = re.compile(RETURNED + r"(\w+)\([^;{}]*\)\s*\{", re.M)
DECLARED = re.compile(RETURNED + r"(\w+)\([^;{}]*\)[^;{}]*;", re.M)
WORD = re.compile(r"[A-Za-z_]\w*")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


class Source:
    """A file of C: its text, what it includes, and how often each name is in its code."""
    def __init__(self, path):
        self.path, self.folder = path, path.split("/")[0]
        text = pathlib.Path(path).read_text(encoding="utf-8")
        self.lines = text.count("\n")
        self.includes = set(INCLUDE.findall(text))
        self.code = re.sub(r"^#include.*$", "", COMMENT_OR_TEXT.sub(lambda m: "\n" * m[0].count("\n"), text), flags=re.M)
        self.names = collections.Counter(WORD.findall(self.code))
        self.is_product, self.is_header = self.folder in PRODUCT, path.endswith(".h")


def read():
    paths = sorted(path.as_posix() for folder in PRODUCT + TESTS for path in pathlib.Path(folder).rglob("*.[ch]"))
    return {path: Source(path) for path in paths}


def product(files):
    return [file for file in files.values() if file.is_product]


def with_one_caller(files):
    """Functions of a header whose name is used once beside where they are declared and defined.  Tests and benches are no callers."""
    declared = {name for file in files.values() if file.is_header for name in DECLARED.findall(file.code)}
    home = {name: file for file in product(files) if not file.is_header for name in DEFINED.findall(file.code)}
    uses = collections.Counter()
    for file in product(files):
        uses.update({name: count for name, count in file.names.items() if name in home and name in declared})
        uses.subtract(name for name in DECLARED.findall(file.code) if name in home)
    return sorted(f"{home[name].path}: {name}" for name in declared & home.keys() if uses[name] - 1 == 1)


def with_one_includer(files):
    """Headers of the product that one file of it includes, or none, beside the file of the same name.  Tests and benches apart."""
    includers = collections.defaultdict(set)
    for file in product(files):
        for name in file.includes:
            includers[name].add(file.path)
    return sorted(file.path for file in product(files) if file.is_header and len(includers[file.path] - {file.path[:-1] + "c"}) <= 1)


def folder_of(path):
    return path.rpartition("/")[0]


def cycles(files):
    """Folders that can be reached from one another by what they include: each such set is one."""
    reach = {folder_of(file.path): set() for file in product(files)}
    for file in product(files):
        reach[folder_of(file.path)] |= {folder_of(name) for name in file.includes if name in files and files[name].is_product}
    for through in reach:
        for ends in reach.values():
            if through in ends:
                ends |= reach[through]
    sets = {frozenset(end for end in ends if start in reach[end]) for start, ends in reach.items()}
    return sorted(" ".join(sorted(found)) for found in sets if len(found) > 1)


LISTS = {
    "c_files": lambda files: [file.path for file in product(files) if not file.is_header],
    "headers": lambda files: [file.path for file in product(files) if file.is_header],
    "exported_with_one_caller": with_one_caller,
    "headers_with_one_includer": with_one_includer,
    "include_cycles": cycles,
}


def figures(files):
    own = product(files)
    return {"lines": sum(file.lines for file in own),
            "test_lines": sum(file.lines for file in files.values() if file.folder == "tests"),
            **{name: len(listed(files)) for name, listed in LISTS.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", choices=LISTS, metavar="NAME", help=", ".join(LISTS))
    options = parser.parse_args()
    files = read()
    print("\n".join(LISTS[options.list](files)) if options.list else json.dumps(figures(files)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
