#!/usr/bin/env python3
"""Forwarding: 500 calls of 20 ms G.711 over loopback through the node and through rtpengine in user space.

Both serve the same calls at the same time of the run, one after the other in turns, each pinned to one core with the load on the
other. The figure is RTP packets forwarded per CPU second of the server process (its share of the kernel's work included, as
the kernel counts it). A turn with a lost packet is not a rate: it is reported and the bench fails."""
import json
import subprocess
import sys
import time

import lib
import rtpengine

CALLS = 500
WARM_UP_S = 6     # sources are learned, and the node has seen that they are stable
EDGE_S = 0.2      # the last packets are not in the window


def load(pairs, seconds, pid=None):
    """Runs the generator over all calls, WARM_UP_S longer than asked for; returns its report, with the server's CPU and packets of
    the `seconds` after the warm-up. Packets come evenly, so their share of the run is that of the time."""
    lines = "".join(f"{lib.ADDRESS}:{a} {ta[0]}:{ta[1]} {lib.ADDRESS}:{b} {tb[0]}:{tb[1]}\n" for a, ta, b, tb in pairs)
    whole = WARM_UP_S + seconds
    run = subprocess.Popen(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", whole]),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdin.write(lines)
    run.stdin.close()
    time.sleep(WARM_UP_S)
    cpu, began = lib.cpu_seconds(pid), time.monotonic()
    time.sleep(seconds - EDGE_S)
    cpu, window = lib.cpu_seconds(pid) - cpu, time.monotonic() - began
    out, errors = run.stdout.read(), run.stderr.read()
    if run.wait() != 0:
        raise SystemExit(f"rtpload: {errors}{out}")
    report = json.loads(out.strip().splitlines()[-1])
    return {**report, "cpu": cpu, "counted": report["received"] * window / whole}


def place_all(server, base):
    """All calls of one server; the parties' ports start at base, four apart."""
    pairs = []
    for i in range(CALLS):
        a, b = base + 4 * i, base + 4 * i + 2
        to_a, to_b = server.place(a, b)
        pairs.append((a, to_a, b, to_b))
    return pairs


def turn(name, pid, pairs, seconds):
    report = load(pairs, seconds, pid)
    us = 1e6 * report["cpu"] / report["counted"]
    lib.say(f"{name:10} {report['received']:8} packets, {report['lost']} lost, {us:6.2f} us/packet over {seconds} s, "
            f"latency p50 {report['latency_us']['p50']:.0f} us p99 {report['latency_us']['p99']:.0f} us")
    return {"us": us, **report}


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    turns, seconds = (2, 2) if options.quick else (5, 10)
    node = lib.Node(media_ports="12000-19999", calls=2000)
    peer = None
    try:
        peer = rtpengine.Rtpengine(20000, 25999)
        calls = lib.Calls(node.sip_port, "2000")
        node.extension("2000", "bench-secret")
        lib.register(node.sip_port, "2000", "bench-secret", calls.callee_port, calls.b)
        ours, theirs = place_all(calls, 26000), place_all(peer, 26000 + 4 * CALLS)
        results = {"tandem": [], "rtpengine": []}
        for _ in range(turns):
            results["tandem"].append(turn("tandem", node.pid, ours, seconds))
            results["rtpengine"].append(turn("rtpengine", peer.pid, theirs, seconds))
        calls.hang_up()
    finally:
        node.stop()
        if peer:
            peer.stop()
    middle = {name: lib.median([t["us"] for t in list_]) for name, list_ in results.items()}
    total = lambda name, key: sum(t[key] for t in results[name])
    figures = {
        "ratio_vs_rtpengine": round(middle["rtpengine"] / middle["tandem"], 2),
        "packets": total("tandem", "received"), "lost": total("tandem", "lost"),
        "cpu_us_per_packet": round(middle["tandem"], 2),
        "rtpengine_cpu_us_per_packet": round(middle["rtpengine"], 2),
        "rtpengine_packets": total("rtpengine", "received"), "rtpengine_lost": total("rtpengine", "lost"),
        "corrupted": total("tandem", "corrupted"), "duplicated": total("tandem", "duplicated"),
        "latency_p50_us": lib.median([t["latency_us"]["p50"] for t in results["tandem"]]),
        "latency_p99_us": lib.median([t["latency_us"]["p99"] for t in results["tandem"]]),
        "rtpengine_latency_p50_us": lib.median([t["latency_us"]["p50"] for t in results["rtpengine"]]),
        "rtpengine_latency_p99_us": lib.median([t["latency_us"]["p99"] for t in results["rtpengine"]]),
        "calls": CALLS, "turns": turns, "seconds_counted_per_turn": seconds, "warm_up_s": WARM_UP_S,
    }
    lib.finish(options, "forward", figures, {"rtpengine": rtpengine.version()})
    return 1 if figures["lost"] or figures["corrupted"] else 0


if __name__ == "__main__":
    sys.exit(main())
