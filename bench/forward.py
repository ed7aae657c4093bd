#!/usr/bin/env python3
"""Forwarding over loopback through the node and through rtpengine in user space: G.711, video, and G.711 as SRTP.

Both serve the same calls at the same time of the run, one after the other in turns, each pinned to one core with the load on the
other. The figure is RTP packets forwarded per CPU second of the server process (its share of the kernel's work included, as
the kernel counts it). A turn with a lost packet is not a rate: it is reported and the bench fails."""
import json
import subprocess
import sys
import time

import lib
import rtpengine

WARM_UP_S = 6     # sources are learned, and the node has seen that they are stable
EDGE_S = 0.2      # the last packets are not in the window
PARTY_PORTS = 26000
FAULTS = ("lost", "duplicated", "corrupted", "misrouted", "srtp_refused", "silent_streams")


class Row:
    def __init__(self, name, figure, calls, video=False, secure=False):
        self.name, self.figure, self.calls = name, figure, calls
        self.media = lib.Media(video, secure)


ROWS = [
    Row("plain", "", 500),                          # 50,000 packets/s of 172 octets
    Row("video", "_video", 200, video=True),        # 42,800 packets/s of 1,200 octets, in bursts
    Row("sdes", "_srtp", 500, secure=True),         # 50,000 packets/s; keys on both legs, another on each
]


def load(row, calls, seconds, pid):
    """Runs the generator over all calls, WARM_UP_S longer than asked for; returns its report, with the server's CPU and packets of
    the `seconds` after the warm-up. Packets come evenly, so their share of the run is that of the time."""
    whole = WARM_UP_S + seconds
    run = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", whole, "--warm-up", WARM_UP_S]
                                      + (["--video"] if row.media.kind == "video" else [])),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdin.write("".join(call.line() for call in calls))
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


def place_all(server, row, base):
    """All calls of one server; the parties' ports start at base, four apart."""
    return [server.place(base + 4 * i, base + 4 * i + 2) for i in range(row.calls)]


def turn(row, name, pid, calls, seconds):
    report = load(row, calls, seconds, pid)
    us = 1e6 * report["cpu"] / max(report["counted"], 1)
    lib.say(f"{row.name:6} {name:10} {report['received']:8} packets, {report['lost']} lost, {us:6.2f} us/packet over {seconds} s, "
            f"latency p50 {report['latency_us']['p50']:.0f} us p99 {report['latency_us']['p99']:.0f} us")
    return {"us": us, **report}


def callers(node, row):
    """Phones of a row: their keys go over UDP here, which extensions must allow."""
    caller, callee = ("1001", "2001") if row.media.secure else ("1000", "2000")
    calls = lib.Calls(node.sip_port, row.media, caller, "bench-secret", callee)
    for number in (caller, callee):
        node.extension(number, "bench-secret", **({"sdes_insecure": "true"} if row.media.secure else {}))
    lib.register(node.sip_port, callee, "bench-secret", calls.callee_port, calls.b)
    return calls


def measure(row, node, peer, turns, seconds):
    """The turns of one row, as {server: [report]}."""
    calls = callers(node, row)
    peer.media = row.media
    ours = place_all(calls, row, PARTY_PORTS)
    theirs = place_all(peer, row, PARTY_PORTS + 4 * row.calls)
    results = {"tandem": [], "rtpengine": []}
    for _ in range(turns):
        results["tandem"].append(turn(row, "tandem", node.pid, ours, seconds))
        results["rtpengine"].append(turn(row, "rtpengine", peer.pid, theirs, seconds))
    calls.hang_up()
    peer.hang_up()
    return results


def figures_of(row, results):
    middle = {name: lib.median([t["us"] for t in list_]) for name, list_ in results.items()}
    lossy = any(t[fault] for list_ in results.values() for t in list_ for fault in FAULTS)
    ratio = round(middle["rtpengine"] / middle["tandem"], 2)
    figures = {} if lossy else {f"ratio_forward{row.figure}": ratio, f"ratio_vs_rtpengine{row.figure}": ratio}
    for name, list_ in results.items():
        who = f"{name}_" if name != "tandem" else ""
        figures[f"{who}cpu_us_per_packet{row.figure}"] = round(middle[name], 2)
        figures[f"{who}packets{row.figure}"] = sum(t["received"] for t in list_)
        for fault in FAULTS:
            figures[f"{who}{fault}{row.figure}"] = sum(t[fault] for t in list_)
        for share in ("p50", "p99"):
            figures[f"{who}latency_{share}_us{row.figure}"] = lib.median([t["latency_us"][share] for t in list_])
    return figures


def rows_run(rows, figures, turns, seconds):
    node = lib.Node(media_ports="12000-19999", calls=2000, trusting=False)
    peer = None
    try:
        peer = rtpengine.Rtpengine(20000, 25999)
        for row in rows:
            figures |= {f"calls{row.figure}": row.calls, **figures_of(row, measure(row, node, peer, turns, seconds))}
    finally:
        node.stop()
        if peer:
            peer.stop()


def main():
    global WARM_UP_S
    options = lib.arguments(__doc__.splitlines()[0], rows=[row.name for row in ROWS])
    turns, seconds = (1, 2) if options.quick else (5, 10)
    WARM_UP_S = 3 if options.quick else WARM_UP_S
    rows = [row for row in ROWS if row.name in (options.row or [row.name])]
    figures = {"turns": turns, "seconds_counted_per_turn": seconds, "warm_up_s": WARM_UP_S}
    try:
        rows_run(rows, figures, turns, seconds)
    except (SystemExit, OSError) as why:        # the last line is the JSON all the same
        lib.say(f"# failed: {why}")
        figures["failed"] = str(why)[-500:]
    lossy = [row.name for row in rows if f"ratio_forward{row.figure}" not in figures]
    if lossy:
        lib.say(f"# no rate, because packets were lost or the row failed: {', '.join(lossy)}")
    lib.finish(options, "forward", figures, rtpengine.peers())
    return 1 if lossy else 0


if __name__ == "__main__":
    sys.exit(main())
