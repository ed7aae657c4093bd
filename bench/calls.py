#!/usr/bin/env python3
"""Call set-up: SIPp places calls through the node, each saved in Redis before its 200 leaves.

One call is INVITE 100 180 200 ACK BYE 200 on both legs with a media path reserved. Row `rate`: the rate is raised in steps; the figure is
the highest one at which every call ended well on both sides and no save was late. The node is pinned to one core; SIPp and Redis have the
other. Row `trunk`: the same calls to a phone and over a trunk, through one shard and four (calls_trunk.py)."""
import sys

import calls_trunk
import lib
from calls_step import step

STEPS = (500, 1000, 1500, 2000, 2500, 3000, 3500)


def best(results):
    """The highest rate up to which nothing was left unfinished and every save was acknowledged before its answer left."""
    good = None
    for result in results:
        if result["unfinished"] or result["saves_late"] or result["took"] > result["calls"] / result["rate"] + 3:
            break
        good = result
    return good


def rate_figures(quick):
    """The row `rate`, and whether its goal is met."""
    steps, seconds = ((500, 1500), 5) if quick else (STEPS, 10)
    node = lib.Node(media_ports="10000-59999", calls=4900)
    try:
        node.redis_apart()
        node.extension("2000", "bench-secret")
        port = lib.free_port()
        lib.register(node.sip_port, "2000", "bench-secret", port)
        results = [step(node, port, rate, seconds) for rate in steps]
    finally:
        node.stop()
    good = best(results) or results[0]
    figures = {
        "calls_per_second": good["rate"] if not good["unfinished"] and not good["saves_late"] else 0,
        "calls": good["calls"], "unfinished": good["unfinished"], "saves_late": good["saves_late"],
        "node_us_per_call": round(good["cpu_us"], 1), "redis_us_per_call": round(good["redis_us"], 1),
        "saves_per_call": round(good["saves"], 2), "rounds_per_call": round(good["rounds"], 2), "late_saves": good["saves_late"],
        "save_p50_ms": round(good["p50_ms"], 3), "save_p99_ms": round(good["p99_ms"], 3),
        "sipp_cpu_seconds": round(good["sipp_s"], 2), "retransmissions": good["retransmissions"],
        "calls_all_steps": sum(r["calls"] for r in results),
        "unfinished_all_steps": sum(r["unfinished"] for r in results),
        "highest_rate_tried": steps[-1],
    }
    return figures, figures["calls_per_second"] >= 1500


def main():
    options = lib.arguments(__doc__.splitlines()[0], rows=("rate", "trunk"))
    figures, met = {}, True
    for row, run in (("rate", rate_figures), ("trunk", calls_trunk.figures)):
        if row in (options.row or (row,)):
            found, good = run(options.quick)
            figures, met = figures | found, met and good
    lib.finish(options, "calls", figures, {"sipp": lib.package_version("sip-tester"),
                                           "redis": lib.package_version("redis-server")})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
