#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles an XDP program and makes a C source of it.  usage: embed.py HEADER CPU OUT.c PROGRAM.bpf.c ROOT [CLANG STRIP]
Without a compiler the source has an empty one.
HEADER: what declares NAME_object(), without .h: engine/port/NAME"""
import pathlib
import subprocess
import sys
import sysconfig


def compiled(source, root, clang, strip, out, cpu):
    # The kernel's headers want asm/types.h, which lies in the folder of the machine that builds.
    headers = "/usr/include/" + (sysconfig.get_config_var("MULTIARCH") or "")
    # -g: libbpf reads the maps from the types (BTF); the debug information itself is left out
    subprocess.run([clang, "-target", "bpf", f"-mcpu={cpu}", "-O2", "-g", "-Wall", "-Werror", "-idirafter", headers, "-I", root,
                    f"-ffile-prefix-map={root}=.", "-MD", "-MF", f"{out}.d", "-MT", pathlib.Path(out).name,
                    "-c", str(pathlib.Path(source).resolve()), "-o", f"{out}.o"], check=True)
    subprocess.run([strip, "--strip-debug", f"{out}.o"], check=True)
    return pathlib.Path(f"{out}.o").read_bytes()


def main(header, cpu, out, source, root, *tools):
    name = pathlib.Path(header).name
    octets = compiled(source, root, *tools, out, cpu) if tools else b""
    array = name.upper()
    rows = [", ".join(map(str, octets[i:i + 24])) for i in range(0, len(octets), 24)] or ["0"]
    pathlib.Path(out).write_text(
        f'#include "{header}.h"\n\n'
        f"static const uint8_t {array}_OBJECT[] __attribute__((aligned(8))) = {{\n\t" + ",\n\t".join(rows) + ",\n};\n\n"
        f"struct bytes {name}_object(void)\n{{\n\treturn (struct bytes){{ {array}_OBJECT, {len(octets)} }};\n}}\n")


main(*sys.argv[1:])
