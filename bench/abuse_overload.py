#!/usr/bin/env python3
"""Overload by honest callers, and parties that take what others need: rows of `./tandem bench abuse`, or alone.

goodput_2x and goodput_10x: calls that came through when two and ten times as many are asked for as the node can do, as a share of what
it can do. Each round measures all three after another, so that a busy machine is as busy for all of them; the median of the rounds counts.
Callers and the phone they call are bench/overload.c. The node is pinned to one core; they and Redis have the other."""
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

import lib

NUMBER = "2000"
WINDOW = 48              # calls under way at once where the node's capacity is measured: it is never behind
GOALS = {"goodput_2x": 0.95, "goodput_10x": 0.7}


def reload(node):
    os.kill(node.pid, signal.SIGHUP)
    time.sleep(0.3)


# ---- honest callers ----

def calls(node, phone, seconds, *how):
    """One run of the sender; what it says, with the processor time of the node."""
    cpu, dropped = lib.cpu_seconds(node.pid), kernel_drops(node)
    done = subprocess.run(lib.pinned(lib.LOAD_CORE, [str(lib.BUILD / "bench" / "overload"), "--to",
                                                     f"{lib.ADDRESS}:{node.sip_port}", "--phone", str(phone), "--number",
                                                     NUMBER, "--seconds", str(seconds), *map(str, how)]),
                          capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    result["cpu"] = (lib.cpu_seconds(node.pid) - cpu) / seconds
    result["dropped"] = kernel_drops(node) - dropped
    result["left"] = settle(node)
    return result


def kernel_drops(node):
    return node.metrics().get('tandem_sip_udp_drops_total{reason="receive_buffer_full"}', 0)


def settle(node):
    """Calls that are still there 15 s after the last word was said. They are ended, so that they cost the next run nothing."""
    end = time.monotonic() + 15
    while time.monotonic() < end and node.ctl("node.status")["calls"]:
        time.sleep(0.5)
    left = node.ctl("node.status")["calls"]
    if left:
        os.kill(node.pid, signal.SIGTERM)
        node.process.wait()
        node.start()
    return left


def one_round(node, phone, seconds):
    capacity = calls(node, phone, seconds, "--window", WINDOW)["good_per_s"]
    out = {"capacity": capacity}
    for times in (2, 10):
        got = calls(node, phone, seconds, "--rate", capacity * times)
        out[f"goodput_{times}x"] = got["good_per_s"] / capacity if capacity else 0
        out[f"setup_ms_{times}x"] = got["setup_ms"]
        lib.say(f"{times:2} x {capacity:.0f} calls/s: {got['good']} good, {got['late']} late, {got['refused']} refused, "
                f"{got['failed']} failed, {got['unfinished']} unfinished, {got['left']} left in the node, {got['repeated']} INVITEs repeated, {got['calls'] / seconds:.0f} asked for a second, {got['cpu']:.2f} cores, {got['dropped']:.0f} dropped, "
                f"set up in {got['setup_ms']:.0f} ms, goodput {out[f'goodput_{times}x']:.2f}")
    return out


def goodput(quick=False, delay="20ms"):
    """{"capacity", "goodput_2x", "goodput_10x", "setup_ms_2x", "setup_ms_10x"}: medians over the rounds."""
    rounds, seconds = (1, 5) if quick else (5, 10)
    node = lib.Node(media_ports="10000-59999", calls=12000)
    try:
        text = lib.section(node.config.read_text(), "sip", f"overload_delay: {delay}")
        text = lib.section(text, "limits", "sip_known_per_second: 0")    # one address stands for all callers
        node.config.write_text(text)
        reload(node)
        node.extension(NUMBER, "bench-secret")
        phone = lib.free_port()
        lib.register(node.sip_port, NUMBER, "bench-secret", phone)
        results = [one_round(node, phone, seconds) for _ in range(rounds)]
    finally:
        node.stop()
    return {key: round(statistics.median(r[key] for r in results), 3) for key in results[0]}


# ---- parties that take what others need ----

def invite(number, source, port, i, lines=1):
    media = "".join(f"m=audio {4000 + 2 * n} RTP/AVP 8\r\n" for n in range(lines))
    sdp = f"v=0\r\no=- 1 1 IN IP4 {source}\r\ns=-\r\nc=IN IP4 {source}\r\nt=0 0\r\n{media}"
    return (f"INVITE sip:{number}@{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};branch=z9hG4bKq{i};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:m@{source}>;tag=m{i}\r\nTo: <sip:{number}@{lib.ADDRESS}>\r\n"
            f"Call-ID: quota{i}@{source}\r\nCSeq: 1 INVITE\r\nContact: <sip:m@{source}:{port}>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}").encode()


def honest(node, phone, tries=10):
    """A phone's refreshes meanwhile: the longest answer time, and how many had none."""
    worst, failed = 0.0, 0
    for _ in range(tries):
        began = time.monotonic()
        try:
            lib.register(node.sip_port, "1001", "bench-secret", phone)
        except (OSError, AssertionError, SystemExit):
            failed += 1
        worst = max(worst, time.monotonic() - began)
    return worst * 1000, failed


def peer_fills_the_node(quick=False):
    """50 INVITEs of a trusted address whose answers nobody reads, at a node for 50 calls and 500 port pairs."""
    node = lib.Node(media_ports="10000-10999", calls=50)
    sock, silent = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    try:
        text = re.sub(r"^ +share: .*\n", "", node.config.read_text(), flags=re.M)
        node.config.write_text(text)
        reload(node)
        for number in ("1001", NUMBER):
            node.extension(number, "bench-secret")
        sock.bind((lib.ADDRESS, 0))
        silent.bind((lib.ADDRESS, lib.free_port()))
        lib.register(node.sip_port, NUMBER, "bench-secret", silent.getsockname()[1], sock=silent)
        port = sock.getsockname()[1]
        for i in range(50):
            sock.sendto(invite(NUMBER, lib.ADDRESS, port, i, lines=4), (lib.ADDRESS, node.sip_port))
        time.sleep(1)
        taken = node.ctl("node.status")["calls"]
        worst, failed = honest(node, lib.free_port())
    finally:
        sock.close()
        silent.close()
        node.stop()
    return {"attack": "50 INVITEs of a trusted peer, never read", "amount": 50, "calls_taken": taken, "of": 50,
            "register_ms_max": round(worst, 1), "honest_requests": 10, "honest_failed": failed,
            "harms": taken >= 50 or failed > 0}


def rows(quick=False):
    """For bench/abuse.py: the attacks on what others need; overload is goodput()."""
    return [peer_fills_the_node(quick)]


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    figures = goodput(options.quick)
    for row in rows(options.quick):
        lib.say(f"{row['attack']}: {row['calls_taken']} of {row['of']} calls taken, a phone's refresh took "
                f"{row['register_ms_max']} ms at most, {row['honest_failed']} failed")
        figures["attacks_that_harm"] = figures.get("attacks_that_harm", 0) + row["harms"]
    lib.finish(options, "abuse_overload", figures, {})
    return 0 if all(figures[key] >= goal for key, goal in GOALS.items()) and not figures["attacks_that_harm"] else 1


if __name__ == "__main__":
    sys.exit(main())
