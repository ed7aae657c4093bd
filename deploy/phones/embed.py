#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes phone_templates.c of templates (app/feature/provision/phone_files.h).  usage: embed.py OUT FAMILY/FILE..."""
import json
import pathlib
import sys


def main(out, *names):
    text = ['#include "app/feature/provision/phone_files.h"', "", "const struct phone_template g_phone_templates[] = {"]
    for path in map(pathlib.Path, names):
        lines = path.read_text(encoding="ascii").splitlines(keepends=True)
        text += [f'\t{{ "{path.parent.name}/{path.name}",', *("\t  " + json.dumps(line) for line in lines), "\t},"]
    pathlib.Path(out).write_text("\n".join(text + ["\t{ 0 },", "};", ""]))


main(*sys.argv[1:])
