#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes flow_shipped.c of flows: every tenant has them without putting them (app/schema/flow_shipped.h).  usage: embed.py OUT FILE.json..."""
import json
import pathlib
import sys


def literals(text):
    """Of at most 4,000 octets each, as compilers take them."""
    return "\n".join("\t  " + json.dumps(line, ensure_ascii=True) for line in text.splitlines())


def main(out, *names):
    text = ['#include "app/schema/flow_shipped.h"', "", "const struct flow_shipped g_flows_shipped[] = {"]
    for path in map(pathlib.Path, names):
        program = json.loads(path.read_text(encoding="utf-8"))
        lines = json.dumps(program, separators=(",", ":"), indent=0)
        text += [f'\t{{ "{path.stem}",', literals(lines) + " },"]
    pathlib.Path(out).write_text("\n".join(text + ["\t{ 0 },", "};", ""]))


main(*sys.argv[1:])
