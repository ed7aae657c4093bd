#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tree in figures: how large it is, what of it a call runs through, and what calls and packets cost in instructions and bytes.

Sources are counted by scripts/sources.py. Instructions are those that callgrind counts: of a call what many calls have more than few in
bench/sigcall, of a packet the same of rounds in `bench/relay --sim --calls 50`. They hardly depend on the machine. The files of an
INVITE are those of the debug build with a line that runs from the INVITE to its answer, in the signalling core. Time of a packet on the
ring and bytes are those of bench/ring and bench/memory.py, on a quiet machine."""
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

import lib

sys.path.insert(0, str(lib.ROOT / "scripts"))
import sources

PROGRAMS = ("app/tandemd", "app/tandemctl", "bench/sigcall", "bench/relay", "bench/ring", "engine/port_dpdk.so")
CALLS, ROUNDS, RELAYED = (500, 1500), (100, 300), 100        # RELAYED: packets a round
TURNS, TURN_CALLS = 15, 20000
FILE = re.compile(r"^(c?)f[lie]=\((\d+)\)(?: (.*))?$")       # c: of what is called, whose name may be said there alone


def build(variant, programs):
    done = subprocess.run([str(lib.ROOT / "tandem"), "build", variant, *programs], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(done.stdout.split()[-1])


def counted(command, *options):
    """What callgrind writes of it."""
    with tempfile.NamedTemporaryFile(prefix="tandem-tree-") as out:
        subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out.name}", *options, *map(str, command)],
                       check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(out.name).read_text(encoding="utf-8", errors="replace")


def instructions(command):
    return int(re.search(r"^(?:totals|summary): (\d+)", counted(command), re.M)[1])


def more(command, few, many):
    """Instructions that each of those has that many have more."""
    return (instructions([*command, many]) - instructions([*command, few])) / (many - few)


def product_file(path):
    """Its name in the tree; None: it is no C file of the product, or was generated.  What ccache had was built in another checkout."""
    name = (path or "").rpartition("/../../")[2]
    return name if "/../../" in (path or "") and name.endswith(".c") and name.split("/")[0] in sources.PRODUCT else None


def files_of_invite(debug):
    """The C files of the product with a line that ran."""
    names, found, at = {}, set(), None
    for line in counted([debug / "bench" / "sigcall", 1], "--collect-atstart=no", "--toggle-collect=ring_and_answer").splitlines():
        if match := FILE.match(line):
            names.setdefault(match[2], product_file(match[3]))
            at = at if match[1] else names[match[2]]
        elif at and line[:1] in "0123456789+-*":
            found.add(at)
    return sorted(found)


def ring_ns(release):
    """None where DPDK is not built, or this is not root."""
    done = subprocess.run([release / "bench" / "ring", "--flows", "100", "--seconds", "2"], stdout=subprocess.PIPE, text=True)
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]).get("ns_per_packet") if done.returncode == 0 and lines else None


def memory(release):
    done = subprocess.run([sys.executable, lib.ROOT / "bench" / "memory.py"], stdout=subprocess.PIPE, text=True, check=True,
                          env={**os.environ, "TANDEM_BUILD": str(release)})
    found = json.loads(done.stdout.splitlines()[-1])["figures"]
    return {name: found[name] for name in ("bytes_per_call", "bytes_per_registration")}


def us_per_call(release):
    done = subprocess.run(lib.pinned(lib.SERVER_CORE, [release / "bench" / "sigcall", TURN_CALLS]), stdout=subprocess.PIPE, text=True, check=True)
    return float(re.search(r"([0-9.]+) us a call", done.stdout)[1])


def by_turns(release, before):
    """Time of a call beside that of another build; the interval that has the median of 95 % of random choices among the turns."""
    ratios = []
    for turn in range(TURNS):
        pair = {at: us_per_call(at) for at in ((before, release) if turn % 2 else (release, before))}
        ratios.append(pair[release] / pair[before])
    medians = sorted(statistics.median(random.choices(ratios, k=TURNS)) for _ in range(2000))
    return {"ratio_cpu_per_call": round(statistics.median(ratios), 3), "ratio_cpu_per_call_interval": [round(medians[at], 3) for at in (50, -50)]}


def measured(options):
    files = files_of_invite(build("debug", ["bench/sigcall"]))
    lib.say("\n".join(["from an INVITE to its answer:", *(f"    {name}" for name in files)]))
    release = build("release", PROGRAMS)
    figures = {"invite_files": len(files), "instructions_per_call": round(more([release / "bench" / "sigcall"], *CALLS)),
               "instructions_per_packet": round(more([release / "bench" / "relay", "--sim", "--calls", "50", "--rounds"], *ROUNDS) / RELAYED, 1)}
    if options.before:
        figures |= by_turns(release, pathlib.Path(options.before).resolve())
    return figures if options.quick else {**figures, "ring_ns_per_packet": ring_ns(release), **memory(release)}


def main():
    parser = lib.argument_parser(__doc__.splitlines()[0])
    parser.add_argument("--sources", action="store_true", help="only what scripts/sources.py counts: nothing is built")
    parser.add_argument("--before", metavar="FOLDER", help="a release build of another commit: the time of a call by turns with it")
    options = parser.parse_args()
    os.chdir(lib.ROOT)
    figures = sources.figures(sources.read())
    if not options.sources:
        figures |= measured(options)
    lib.finish(options, "tree", figures, {})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
