#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes one program of files that each have a main(), or are a fuzz target: each is compiled by itself, with that function's name replaced.

usage: parts.py main|LLVMFuzzerTestOneInput FOLDER TABLE FILE...: writes TABLE.c, and for a file a/b_test.c or a/b_fuzz.c TABLE_b.c,
to FOLDER.  What is there already stays as old as it is.  FILE: as the compiler finds it.  See parts.h.

parts.py --check FOLDER: a file may define nothing for others: its neighbours would not notice that they test that.
"""
import pathlib
import re
import subprocess
import sys

KINDS = {"main": ("part_fn", "run", "int %s(void);\n"), "LLVMFuzzerTestOneInput": ("input_fn", "input", "")}    # a target declares its own


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def replaced_in(folder):
    """"file: symbol" of all that the files of programs define for others; names with __ are the sanitizers'."""
    files = sorted(pathlib.Path(folder).glob("*_tests.p/meson-generated_*.o"))
    shown = subprocess.run(["nm", "-A", "-g", "--defined-only", *files], check=True, capture_output=True, text=True).stdout
    return [f"{file}: {symbol}" for file, symbol in re.findall(r"^(\S+?):[0-9a-f]* \w (\S+)$", shown, re.M)
            if not re.match("part_|PARTS$|__", symbol)]


def check(folder):
    found = replaced_in(folder)
    print("\n".join([*found, "such a file is to be 'alone' in tests/meson.build"] if found else ()))
    return 1 if found else 0


def main():
    if sys.argv[1] == "--check":
        return check(sys.argv[2])
    replaced, folder, table, *files = sys.argv[1:]
    kind, member, itself = KINDS[replaced]
    declared, listed = [], []
    for file in files:
        name = re.sub(r"_(test|fuzz)$", "", pathlib.Path(file).stem)
        symbol = f"part_{name}"
        declared.append(f"extern {kind} {symbol};\n")
        listed.append(f'\t{{ .name = "{name}", .{member} = {symbol} }},\n')
        write(pathlib.Path(folder, f"{table}_{name}.c"),
              f'#define {replaced} {symbol}\n{itself.replace("%s", symbol)}#include "{file}"\n')
    write(pathlib.Path(folder, f"{table}.c"),
          f'#include "tests/parts.h"\n{"".join(declared)}const struct part PARTS[] = {{\n{"".join(listed)}\t{{ 0 }},\n}};\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
