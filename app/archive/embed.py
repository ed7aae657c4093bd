#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes archive_schema.c of archive_schema.sql.  usage: embed.py OUT FILE.sql

Lines of comment are left out, but for those that begin a migration.
"""
import pathlib
import sys

out, source = map(pathlib.Path, sys.argv[1:])
lines = [line for line in source.read_text().splitlines() if line and (not line.startswith("--") or line.startswith("-- migration "))]
text = ['#include "app/archive/archive_sql.h"', "const char sql_schema[] ="]
text += ['\t"' + line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", " ") + '\\n"' for line in lines]
out.write_text("\n".join(text) + ";\n")
