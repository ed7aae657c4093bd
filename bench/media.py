#!/usr/bin/env python3
"""What the media path costs where no wire and no kernel is in the way.

ring    all stages on DPDK's net_ring, whose frames come back, against dpdk-testpmd swapping MAC addresses on the same device: packets per
        second of one core. testpmd looks at 12 octets of a frame; we check and write IP, UDP and RTP, with both checksums.
flows   the stages alone on port_sim: cost of a packet with 100,000 flows against 100, all of them in turn
srtp    AES_CM_128_HMAC_SHA1_80 in batches of 64, against libsrtp2 and against the transforms alone, with 1 and 8,192 streams

Runs in turns, medians. A row that lost packets is no rate: it is reported and the bench fails."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import lib

ROWS = ("ring", "flows", "srtp")
FRAMES = 1024
STREAMS = (1, 8192)


def run(*command):
    done = subprocess.run(lib.pinned(lib.SERVER_CORE, [lib.BUILD / "bench" / command[0], *command[1:]]),
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def testpmd(seconds):
    """Packets per second of one core, and how many, from testpmd's closing figures."""
    command = ["dpdk-testpmd", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "128",
               "--lcores", f"0@{lib.LOAD_CORE},1@{lib.SERVER_CORE}" if lib.cores() > 1 else "0@0,1@0", "--vdev=net_ring0", "--", "--forward-mode=macswap",
               "--total-num-mbufs=8192", "--tx-first", "--burst=64", f"--txd={FRAMES}", f"--rxd={FRAMES}", "--nb-cores=1",
               "--no-lsc-interrupt", "--stats-period=1"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "LC_ALL": "C"})
    time.sleep(seconds + 2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    rates = [int(rate) for rate in re.findall(r"Rx-pps:\s+(\d+)", out) if int(rate) > 0]
    total = re.search(r"RX-packets: (\d+)\s+RX-dropped: (\d+)", out)
    if not rates or not total:
        raise SystemExit(f"dpdk-testpmd: {out[-2000:]}")
    return {"packets_per_s": lib.median(rates), "packets": int(total[1]), "lost": int(total[2])}


def ring_row(turns, seconds):
    ours, theirs = [], []
    for _ in range(turns):
        ours.append(run("ring", "--flows", "100", "--seconds", str(seconds)))
        theirs.append(testpmd(seconds))
        lib.say(f"ring   tandem {ours[-1]['packets_per_s'] / 1e6:.2f} M packets/s, {ours[-1]['lost']} lost; "
                f"testpmd {theirs[-1]['packets_per_s'] / 1e6:.2f} M packets/s, {theirs[-1]['lost']} lost")
    middle = lib.median([t["packets_per_s"] for t in ours]), lib.median([t["packets_per_s"] for t in theirs])
    return {
        "ratio_ring_vs_testpmd": round(middle[0] / middle[1], 3),
        "ring_packets_per_s": round(middle[0]),
        "ring_ns_per_packet": lib.median([t["ns_per_packet"] for t in ours]),
        "ring_packets": sum(t["packets"] for t in ours),
        "ring_lost": sum(t["lost"] for t in ours),
        "testpmd_packets_per_s": round(middle[1]),
        "testpmd_packets": sum(t["packets"] for t in theirs),
        "testpmd_lost": sum(t["lost"] for t in theirs),
    }


def flows_row(turns, seconds):
    few, many = [], []
    for _ in range(turns):
        few.append(run("relay", "--sim", "--calls", "50", "--rounds", str(10000 * seconds)))
        many.append(run("relay", "--sim", "--calls", "50000", "--rounds", str(10 * seconds)))
        lib.say(f"flows  100: {few[-1]['ns_per_packet']} ns/packet over {few[-1]['packets']} packets, {few[-1]['lost']} lost; "
                f"100,000: {many[-1]['ns_per_packet']} ns/packet over {many[-1]['packets']}, {many[-1]['lost']} lost")
    middle = lib.median([t["ns_per_packet"] for t in few]), lib.median([t["ns_per_packet"] for t in many])
    return {
        "ratio_100k_flows_vs_100": round(middle[1] / middle[0], 2),
        "flows_100_ns_per_packet": middle[0],
        "flows_100k_ns_per_packet": middle[1],
        "flows_packets": sum(t["packets"] for t in few + many),
        "flows_lost": sum(t["lost"] for t in few + many),
    }


def srtp_row(turns, seconds):
    figures = {}
    for streams in STREAMS:
        r = run("srtp", "--streams", str(streams), "--turns", str(3 * turns), "--ms", str(10 * seconds))
        cost = {who: r[f"{who}protect_ns"] + r[f"{who}unprotect_ns"]
                for who in ("", "portable_", "libsrtp2_", "ipsec_mb_") if f"{who}protect_ns" in r}
        lib.say(f"srtp   {streams} streams, ns to protect and unprotect a packet: "
                + ", ".join(f"{who.rstrip('_') or 'tandem'} {ns:.0f}" for who, ns in cost.items())
                + f"; {r['packets']} packets, {r['lost']} lost")
        end = f"_{streams}"
        figures[f"ratio_srtp_vs_libsrtp2{end}"] = round(cost["libsrtp2_"] / cost[""], 1)
        if "ipsec_mb_" in cost:
            figures[f"ratio_srtp_vs_ipsec_mb{end}"] = round(cost[""] / cost["ipsec_mb_"], 2)
        figures |= {f"srtp_{key}{end}": value for key, value in r.items() if key not in ("streams", "turns")}
    return figures


def main():
    options = lib.arguments(__doc__.splitlines()[0], rows=list(ROWS))
    turns, seconds = (1, 1) if options.quick else (5, 4)
    figures = {"turns": turns}
    if "ring" in (options.row or ROWS):
        figures |= ring_row(turns, seconds)
    if "flows" in (options.row or ROWS):
        figures |= flows_row(turns, seconds)
    if "srtp" in (options.row or ROWS):
        figures |= srtp_row(turns, seconds)
    lib.finish(options, "media", figures, {"dpdk": lib.package_version("dpdk-dev"), "libsrtp2": lib.package_version("libsrtp2-1"),
                                           "ipsec-mb": lib.package_version("libipsec-mb1")})
    return 1 if any(value for key, value in figures.items() if "lost" in key) else 0


if __name__ == "__main__":
    sys.exit(main())
