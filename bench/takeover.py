#!/usr/bin/env python3
"""Nodes of a cluster under live calls: killed, cut off, restarted, drained, stopped for a while. How long the phones hear nothing.

The place is that of `./tandem cluster`: three nodes, Redis with a replica and Sentinels, Kamailio, each in a network namespace. A gap is
the longest time between two packets of a stream at the phone's end, of the calls whose node it befell; of several rounds the worst
counts. What cannot be measured yet is null, and `reasons` says why."""
import json
import os
import subprocess
import sys

import durability
import lib
from children import spawn

PLACE = ("calm", "kill", "host", "restart", "drain", "pause", "host-primary", "reinvite", "calm-fast", "host-fast")
ROWS = (*PLACE, "durability")


def measured(options):
    """The figures of tests/cluster, and what it says on its way."""
    words = ["--quick"] if options.quick else []
    words += ["--minutes", str(options.minutes)] + (["--rounds", str(options.rounds)] if options.rounds else [])
    words += ["--plain"] if options.plain else []
    for row in set(options.row or ()) & set(PLACE):
        words += ["--row", row]
    child = spawn([sys.executable, "-m", "cluster.measure", *words], stdout=subprocess.PIPE, text=True,
                  env={**os.environ, "PYTHONPATH": str(lib.ROOT / "tests"), "TANDEM_BUILD": str(lib.BUILD)})
    last = ""
    for line in child.stdout:
        last = line.rstrip()
        if not last.startswith("{"):
            lib.say(last)       # at once: what takes long is seen, and where it ends
    if child.wait():
        raise SystemExit(f"it ended with {child.returncode}: {last}")
    return json.loads(last)


def reasons(figures):
    """Why a figure is null."""
    other = {"takeover_calls_per_s": "no shard with enough calls was claimed"}
    return {name: other.get(name, "its row was not run") for name, value in figures.items() if value is None}


def is_met(figures):
    """Nothing was lost, and nobody spoke who must not. How long a gap may be is for the reader: the machine is small."""
    return not any(figures.get(name) for name in ("calls_lost", "cdr_missing", "cdr_duplicate", "fenced_leaks", "false_takeovers",
                                                       "calls_lost_host_primary_acked"))


def arguments():
    parser = lib.argument_parser(__doc__.splitlines()[0], rows=ROWS)
    parser.add_argument("--rounds", type=int, metavar="N", help="so many of each row, where something befalls a node")
    parser.add_argument("--minutes", type=float, default=30, metavar="M", help="of each row in which nothing befalls anybody (30)")
    parser.add_argument("--plain", action="store_true", help="no calls in other states beside the 1,000, and none that begin meanwhile")
    return parser.parse_args()


def main():
    options = arguments()
    rows = options.row or ROWS
    figures = measured(options) if set(rows) & set(PLACE) else {}
    found = durability.saves_figures(options.quick) if "durability" in rows else {}
    figures["ratio_durability_cpu"] = found.get("ratio_durability_cpu")
    figures["reasons"] = reasons(figures)
    lib.finish(options, "takeover", figures, {"redis": lib.package_version("redis-server"), "kamailio": lib.package_version("kamailio")})
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
