#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rows.md says which test shows which promise, docs/clients.md with which phones.  Run from the root; exits 1 on any finding."""
import ast
import pathlib
import re
import sys

TABLE = pathlib.Path("docs/rows.md")
CLIENTS = pathlib.Path("docs/clients.md")
ROW = re.compile(r"^\|\s*([A-Z0-9]+-\d+[a-z]?)\s*\|([^|]*)\|(.*)\|\s*$")
TEST = re.compile(r"`([\w/.-]+)::([\w.]+)`")


def methods(name, classes):
    """The tests of a class, and those it has of others in its file."""
    item = classes.get(name)
    if not item:
        return set()
    own = {node.name for node in item.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")}
    return own.union(*(methods(base.id, classes) for base in item.bases if isinstance(base, ast.Name)))


def functions(path):
    """Names of the tests in a file: C functions, or Class.method of Python."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"\b(?:cmocka_unit_test\w*|[A-Z_]*TEST)\(\s*(\w+)", text))
    classes = {item.name: item for item in ast.parse(text).body if isinstance(item, ast.ClassDef)}
    return {f"{name}.{method}" for name in classes for method in methods(name, classes)}


def check(text):
    """Every finding as a line of text."""
    findings, seen = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        match = ROW.match(line)
        if not match:
            continue
        row, rule, cell = match[1], match[2].strip(), match[3]
        at = f"{TABLE}:{number}: {row}"
        if row in seen:
            findings.append(f"{at} is listed twice")
        seen.add(row)
        if not rule:
            findings.append(f"{at} says nothing")
        tests = TEST.findall(cell)
        if not tests:
            findings.append(f"{at} names no test")
        findings += check_tests(at, tests)
    if not seen:
        findings.append(f"{TABLE}: no rows")
    return findings


def check_tests(at, tests):
    """Those that are not there."""
    for name, test in tests:
        path = pathlib.Path(name)
        if not path.is_file():
            yield f"{at} names {name}, which does not exist"
        elif test not in functions(path):
            yield f"{at} names {test}, which {name} does not have"


def check_clients(text):
    """Each number of the first table has a test in the second one."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    tests = {row[0]: TEST.findall(row[-1]) for row in rows if row[0].isdigit()}
    for number, named in tests.items():
        yield from check_tests(f"{CLIENTS}: {number}", named)
    shown = {cell for row in rows if not row[0].isdigit() for cell in row[1:] if cell.isdigit()}
    for number in shown ^ {number for number, named in tests.items() if len(named) == 1}:
        yield f"{CLIENTS}: {number} stands in one of the two tables alone, or has no one test"


def main():
    findings = check(TABLE.read_text(encoding="utf-8"))
    findings += check_clients(CLIENTS.read_text(encoding="utf-8"))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
