"""Calls between PCMU and another codec through the node and through rtpengine in user space, both with what they do by themselves.

Each server has one core, and the load the other. Parties say a made voice at the rate of time, and count what they hear: a turn in which
a party missed more than the beginning is no rate. The figure is calls that a CPU second of the server carries, its sockets included."""
import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time

import lib
import rtpengine

CALLS, WARM_UP_S, PERIOD_S = 40, 5, 0.02
A_PORTS, B_PORTS = 26000, 28000
B_ADDRESS = "127.63.0.2"        # a range of its own, which has a profile
TYPES = {"PCMU": 0, "G722": 9, "opus": 96}
MAPS = {"PCMU": "PCMU/8000", "G722": "G722/8000", "opus": "opus/48000/2"}
MISSED = 0.02                   # of what was sent


class Sides(lib.Media):
    """A offers PCMU, B answers the other codec: each asks for its text in turn."""

    def __init__(self, codec):
        super().__init__()
        self.codec, self.turn = codec, 0

    def sdp(self, ip, port, key=None):
        codec = ("PCMU", self.codec)[self.turn % 2]
        self.turn += 1
        ip = B_ADDRESS if codec != "PCMU" else ip
        return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {TYPES[codec]}\r\n"
                f"a=rtpmap:{TYPES[codec]} {MAPS[codec]}\r\na=ptime:20\r\n")

    def ng(self, command):
        more = {"codec": {"mask": ["PCMU"], "transcode": [self.codec]}} if command == "offer" else {}
        return {**super().ng(command), **more}


# ---- the load, a process of its own ----

class Party:
    def __init__(self, at, to, frames, kind, clock):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(tuple(at))
        self.sock.connect(tuple(to))
        self.sock.setblocking(False)
        self.frames, self.kind, self.step, self.n, self.heard = frames, kind, clock // 50, 0, 0

    def say(self):
        head = bytes([0x80, self.kind]) + (self.n & 0xffff).to_bytes(2, "big") + \
            (self.n * self.step & 0xffffffff).to_bytes(4, "big") + id(self).to_bytes(8, "big")[-4:]
        with contextlib.suppress(OSError):      # of the one before: counted as not heard
            self.sock.send(head + self.frames[self.n % len(self.frames)])
        self.n += 1

    def hear(self):
        with contextlib.suppress(OSError):
            while True:
                self.heard += len(self.sock.recv(2048)) > 12


def load():
    order = json.load(sys.stdin)
    frames = {codec: [bytes.fromhex(f) for f in list_] for codec, list_ in order["frames"].items()}
    parties = [Party(p["at"], p["to"], frames[p["codec"]], TYPES[p["codec"]], 48000 if p["codec"] == "opus" else 8000)
               for p in order["parties"]]
    poll = selectors.EpollSelector()
    for party in parties:
        poll.register(party.sock, selectors.EVENT_READ, party)
    start, sent, end, warm = time.monotonic(), 0, int(order["seconds"] / PERIOD_S) * len(parties), None
    while sent < end:
        now = time.monotonic()
        if not warm and now - start >= WARM_UP_S:
            warm = [(p.n, p.heard) for p in parties]
        while sent < end and start + sent * PERIOD_S / len(parties) <= now:
            parties[sent % len(parties)].say()
            sent += 1
        for key, _ in poll.select(0.001):
            key.data.hear()
    time.sleep(0.2)
    for party in parties:
        party.hear()
    print(json.dumps({"sent": [party.n - was[0] for party, was in zip(parties, warm)],
                      "heard": [party.heard - was[1] for party, was in zip(parties, warm)]}))


# ---- turns ----

def frames_of(codec):
    out = subprocess.run([lib.BUILD / "bench" / "transcode", "--codec", codec, "--payloads"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def turn(name, codec, pid, placed, seconds, frames):
    parties = []
    for call in placed:
        for side, (port, to) in zip(("PCMU", codec), call.ends):
            parties.append({"at": (B_ADDRESS if side != "PCMU" else lib.ADDRESS, port), "to": to, "codec": side})
    order = {"seconds": WARM_UP_S + seconds, "frames": frames, "parties": parties}
    run = lib.spawn(lib.pinned(lib.LOAD_CORE, [sys.executable, __file__, "--load"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    run.stdin.write(json.dumps(order))
    run.stdin.close()
    time.sleep(WARM_UP_S)
    cpu, began = lib.cpu_seconds(pid), time.monotonic()
    time.sleep(seconds - 0.2)
    cpu, window = lib.cpu_seconds(pid) - cpu, time.monotonic() - began
    report = json.loads(run.stdout.read())
    if run.wait() != 0:
        raise SystemExit("transcode: the load failed")
    least = min(h / s for h, s in zip(report["heard"], report["sent"]))
    us = 1e6 * cpu / window / len(placed) * PERIOD_S
    lib.say(f"PCMU and {codec:5} {name:10} {us:7.1f} us a call and 20 ms, {len(placed) * window / cpu:7.0f} calls a CPU second, "
            f"least heard {100 * least:.1f} %")
    return {"us": us, "calls_per_cpu_s": len(placed) * window / cpu, "missed": least < 1 - MISSED}


def of_codec(codec, node, options):
    frames, seconds = frames_of(codec), 4 if options.quick else 10
    calls = lib.Calls(node.sip_port, Sides(codec), "1000", callee_address=B_ADDRESS)
    lib.register(node.sip_port, "2000", "bench-secret", calls.callee_port, calls.b, own_address=B_ADDRESS)
    peer = rtpengine.Rtpengine(40000, 49999, Sides(codec))
    turns = {"tandem": [], "rtpengine": []}
    try:
        ours = [calls.place(A_PORTS + 4 * i, B_PORTS + 4 * i) for i in range(CALLS)]
        theirs = [peer.place(A_PORTS + 4 * i + 2, B_PORTS + 4 * i + 2) for i in range(CALLS)]
        for _ in range(1 if options.quick else 3):
            turns["tandem"].append(turn("tandem", codec, node.pid, ours, seconds, frames))
            turns["rtpengine"].append(turn("rtpengine", codec, peer.pid, theirs, seconds, frames))
        calls.hang_up()
        peer.hang_up()
    finally:
        peer.stop()
    figures = {f"{name}_calls_per_cpu_s": lib.median([t["calls_per_cpu_s"] for t in list_]) for name, list_ in turns.items()}
    figures["missed"] = sum(t["missed"] for list_ in turns.values() for t in list_)
    figures["ratio_vs_rtpengine"] = figures["tandem_calls_per_cpu_s"] / figures["rtpengine_calls_per_cpu_s"]
    lib.say(f"PCMU and {codec}: {figures['ratio_vs_rtpengine']:.2f} times the calls of rtpengine")
    return figures


def peers(codecs, options):
    node = lib.Node(media=("transcode: true",))
    try:
        node.extension("1000", "bench-secret")
        node.extension("2000", "bench-secret")
        node.ctl("profile.put", name="other", codecs="G722,PCMA")
        node.ctl("profile.range.put", **{"from": B_ADDRESS, "to": B_ADDRESS, "profile": "other"})
        found = {}
        for codec in codecs:
            node.ctl("profile.put", name="other", codecs=f"{codec},PCMA")       # one of which a profile must have
            found[codec] = of_codec(codec, node, options)
        return found
    finally:
        node.stop()


if __name__ == "__main__" and "--load" in sys.argv:
    load()
