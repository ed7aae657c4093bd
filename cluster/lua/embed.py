#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes script_text.c of Lua files.  usage: embed.py OUT FILE.lua...

A line "-- include NAME" stands for NAME.lua of the same folder; other lines of comment only are left out.  The order of the
files is that of enum script_id; the generated file checks it.
"""
import pathlib
import sys


def lines_of(path):
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:2] == ["--", "include"]:
            yield from lines_of(path.with_name(words[2] + ".lua"))
        elif words and words[0] != "--":
            yield line


def literal(line):
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main(out, *names):
    paths = [pathlib.Path(name) for name in names]
    text = ['#include <assert.h>', '#include "cluster/redis/script.h"', '']
    for path in paths:
        text += [f"static const char {path.stem.upper()}_LUA[] ="]
        text += ["\t" + literal(line) for line in lines_of(path)]
        text[-1] += ";"
    text += ["static const char *const g_script_texts[SCRIPT_COUNT] = {"]
    text += [f"\t[SCRIPT_{path.stem.upper()}] = {path.stem.upper()}_LUA," for path in paths]
    text += ["};", f'static_assert(SCRIPT_COUNT == {len(paths)}, "a file for each script");']
    text += ["const char *script_text(enum script_id id)", "{", "\tassert(id < SCRIPT_COUNT);",
             "\treturn g_script_texts[id];", "}"]
    pathlib.Path(out).write_text("\n".join(text) + "\n")


main(*sys.argv[1:])
