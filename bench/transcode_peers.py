"""Calls between PCMU and another codec through the node and through rtpengine in user space: both with what they do by themselves, and
Opus with equal settings as well.

Each server has one core, and the load the other. Parties say a made voice at the rate of time, and count what they hear: a turn in which
a party missed more than the beginning is no rate. The figure is calls that a CPU second of the server carries, its sockets included.

Equal is what rtpengine 10.5.3 cannot do otherwise: it gives Opus PCM of 48 kHz, and knows no option for its complexity, which is 10, that
of libavcodec. Its channels and bit rate can be told. So the node is told the same of all four. What both send says whether it is so: the
first octet of each packet has the coding mode and the channels (RFC 6716 3.1), and the octets are counted."""
import collections
import contextlib
import dataclasses
import json
import re
import selectors
import socket
import subprocess
import sys
import time
import urllib.request

import lib
import rtpengine

WARM_UP_S, PERIOD_S = 5, 0.02
A_PORTS, B_PORTS = 26000, 28000
B_ADDRESS = "127.63.0.2"        # a range of its own, which has a profile
TYPES = {"PCMU": 0, "G722": 9, "opus": 96}
MAPS = {"PCMU": "PCMU/8000", "G722": "G722/8000", "opus": "opus/48000/2"}
MISSED = 0.02                   # of what was sent
UNLIKE = 0.05                   # of bit rates that are equal
BIT_RATE, COMPLEXITY = 24000, 10


@dataclasses.dataclass(frozen=True)
class Way:
    """How both are told to code."""
    name: str
    calls: int
    media: tuple            # settings of the node
    transcode: dict         # what rtpengine is told, by codec
    answer: dict            # what B answers it, by codec
    said: tuple             # by B: options of bench/transcode


OWN = Way("own", 40, ("transcode: true",), {}, {}, ())
EQUAL = Way("equal", 25, ("transcode: true", "transcode_opus_rate: 48000", f"transcode_complexity: {COMPLEXITY}", "transcode_busy: 100"),
            {"opus": f"opus/48000/1/{BIT_RATE}"}, {"opus": "opus/48000"}, ("--peer", "full"))
WAYS = {"opus": (OWN, EQUAL)}   # of others: OWN


class Sides(lib.Media):
    """A offers PCMU, B answers the other codec: each asks for its text in turn."""

    def __init__(self, codec, way=OWN):
        super().__init__()
        self.codec, self.way, self.turn = codec, way, 0
        self.maps = MAPS

    def sdp(self, ip, port, key=None):
        codec = ("PCMU", self.codec)[self.turn % 2]
        self.turn += 1
        ip = B_ADDRESS if codec != "PCMU" else ip
        return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {TYPES[codec]}\r\n"
                f"a=rtpmap:{TYPES[codec]} {self.maps[codec]}\r\na=ptime:20\r\n")

    def ng(self, command):
        told = self.way.transcode.get(self.codec, self.codec)
        more = {"codec": {"mask": ["PCMU"], "transcode": [told]}} if command == "offer" else {}
        return {**super().ng(command), **more}


class RtpengineSides(Sides):
    """It offers B one channel without naming it ("opus/48000"), and takes two from the answer that RFC 7587 has."""

    def __init__(self, codec, way):
        super().__init__(codec, way)
        self.maps = {**MAPS, **way.answer}


# ---- the load, a process of its own ----

class Party:
    def __init__(self, at, to, frames, kind, clock):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(tuple(at))
        self.sock.connect(tuple(to))
        self.sock.setblocking(False)
        self.frames, self.kind, self.step, self.n, self.heard = frames, kind, clock // 50, 0, 0
        self.octets, self.firsts = 0, collections.Counter()     # of payloads

    def say(self):
        head = bytes([0x80, self.kind]) + (self.n & 0xffff).to_bytes(2, "big") + \
            (self.n * self.step & 0xffffffff).to_bytes(4, "big") + id(self).to_bytes(8, "big")[-4:]
        with contextlib.suppress(OSError):      # of the one before: counted as not heard
            self.sock.send(head + self.frames[self.n % len(self.frames)])
        self.n += 1

    def hear(self):
        with contextlib.suppress(OSError):
            while True:
                packet = self.sock.recv(2048)
                if len(packet) > 12:
                    self.heard += 1
                    self.octets += len(packet) - 12
                    self.firsts[packet[12]] += 1


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
            warm = [(p.n, p.heard, p.octets) for p in parties]
            for party in parties:
                party.firsts.clear()
        while sent < end and start + sent * PERIOD_S / len(parties) <= now:
            parties[sent % len(parties)].say()
            sent += 1
        for key, _ in poll.select(0.001):
            key.data.hear()
    time.sleep(0.2)
    for party in parties:
        party.hear()
    opus = [(p, was) for p, was in zip(parties, warm) if p.kind == TYPES["opus"]]
    print(json.dumps({"sent": [party.n - was[0] for party, was in zip(parties, warm)],
                      "heard": [party.heard - was[1] for party, was in zip(parties, warm)],
                      "opus": {"packets": sum(p.heard - was[1] for p, was in opus), "octets": sum(p.octets - was[2] for p, was in opus),
                               "firsts": sum((p.firsts for p, _ in opus), collections.Counter())}}))


# ---- turns ----

def frames_of(codec, way):
    command = [lib.BUILD / "bench" / "transcode", "--codec", codec, *way.said, "--payloads"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def opus_of(heard):
    """What Opus says of itself (RFC 6716 3.1): coding modes by share, packets of two channels, and the bit rate."""
    packets, modes = heard["packets"], collections.Counter()
    for first, n in heard["firsts"].items():
        modes[int(first) >> 3] += n
    return {"kbit_s": round(heard["octets"] * 8 / packets / PERIOD_S / 1000, 2),
            "stereo": sum(n for first, n in heard["firsts"].items() if int(first) & 4),
            "configurations": {str(mode): round(n / packets, 3) for mode, n in sorted(modes.items())}}


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
    missed = sum(max(0, s - h) for h, s in zip(report["heard"], report["sent"]))
    us = 1e6 * cpu / window / len(placed) * PERIOD_S
    lib.say(f"PCMU and {codec:5} {name:16} {us:7.1f} us a call and 20 ms, {len(placed) * window / cpu:7.0f} calls a CPU second, "
            f"{missed} of {sum(report['sent'])} packets not heard, least heard {100 * least:.1f} %")
    found = {"us": us, "calls_per_cpu_s": len(placed) * window / cpu, "missed": least < 1 - MISSED, "missed_packets": missed}
    return found | ({"opus": opus_of(report["opus"])} if codec == "opus" else {})


def complexity_of(node):
    with urllib.request.urlopen(f"http://{node.address}:{node.http_port}/metrics", timeout=5) as page:
        return max(map(int, re.findall(r"^tandem_media_coder_complexity\S* (\d+)", page.read().decode(), re.M)))


def unequal(turns, node):
    """What is not as it was told, else it is no comparison. The modes are the encoders' own choice: they are printed, and need not be alike."""
    found = [f"{name}: {t['opus']['stereo']} packets of two channels" for name, list_ in turns.items() for t in list_ if t["opus"]["stereo"]]
    ours, theirs = (lib.median([t["opus"]["kbit_s"] for t in turns[name]]) for name in ("tandem", "rtpengine"))
    if abs(ours / theirs - 1) > UNLIKE:
        found.append(f"{ours:.1f} and {theirs:.1f} kbit/s")
    if complexity_of(node) != COMPLEXITY:
        found.append(f"the node's complexity is {complexity_of(node)}")
    return found


def say_opus(turns):
    for name, list_ in turns.items():
        opus = list_[-1]["opus"]
        lib.say(f"Opus of {name}: {opus['kbit_s']:.1f} kbit/s, {opus['stereo']} packets of two channels, "
                f"configurations {opus['configurations']}")


def ways_figures(turns):
    figures = {f"{name}_calls_per_cpu_s": lib.median([t["calls_per_cpu_s"] for t in list_]) for name, list_ in turns.items()}
    figures |= {f"{name}_us": [round(t["us"], 1) for t in list_] for name, list_ in turns.items()}
    figures |= {f"{name}_opus": list_[-1]["opus"] for name, list_ in turns.items() if "opus" in list_[-1]}
    return figures | {"missed": sum(t["missed"] for list_ in turns.values() for t in list_),
                      "missed_packets": {name: sum(t["missed_packets"] for t in list_) for name, list_ in turns.items()},
                      "ratio_vs_rtpengine": figures["tandem_calls_per_cpu_s"] / figures["rtpengine_calls_per_cpu_s"]}


def turns_of(codec, way, node, options):
    """In turns, and each is the first of a pair as often as the other: what else runs on the machine befalls both alike."""
    frames, seconds = frames_of(codec, way), 4 if options.quick else 10
    calls = lib.Calls(node.sip_port, Sides(codec, way), "1000", callee_address=B_ADDRESS)
    lib.register(node.sip_port, "2000", "bench-secret", calls.callee_port, calls.b, own_address=B_ADDRESS)
    peer = rtpengine.Rtpengine(40000, 49999, RtpengineSides(codec, way))
    turns = {"tandem": [], "rtpengine": []}
    try:
        placed = {"tandem": [calls.place(A_PORTS + 4 * i, B_PORTS + 4 * i) for i in range(way.calls)],
                  "rtpengine": [peer.place(A_PORTS + 4 * i + 2, B_PORTS + 4 * i + 2) for i in range(way.calls)]}
        pids = {"tandem": node.pid, "rtpengine": peer.pid}
        for n in range(1 if options.quick else 5):
            for name in sorted(turns, reverse=n % 2 == 0):
                turns[name].append(turn(f"{name} {way.name}", codec, pids[name], placed[name], seconds, frames))
        differs = unequal(turns, node) if way == EQUAL else []
        calls.hang_up()
        peer.hang_up()
    finally:
        peer.stop()
    return turns, differs


def of_codec(codec, way, options):
    node = lib.Node(media_ports="12000-25999", media=way.media)     # below those of the parties
    try:
        node.extension("1000", "bench-secret")
        node.extension("2000", "bench-secret")
        node.ctl("profile.put", name="other", codecs=f"{codec},PCMA")       # one of which a profile must have
        node.ctl("profile.range.put", **{"from": B_ADDRESS, "to": B_ADDRESS, "profile": "other"})
        lib.say(f"{way.name}: the node has {', '.join(way.media)}; rtpengine transcodes to {way.transcode.get(codec, codec)}")
        turns, differs = turns_of(codec, way, node, options)
    finally:
        node.stop()
    if codec == "opus":
        say_opus(turns)
    for what in differs:
        lib.say(f"not equal: {what}")
    return ways_figures(turns) | ({"unequal": differs} if way == EQUAL else {})


def peers(codecs, options):
    found = {}
    for codec in codecs:
        own, *equal = (of_codec(codec, way, options) for way in WAYS.get(codec, (OWN,)))
        found[codec] = own
        for figures in equal:
            own["ratio_vs_rtpengine_equal"], own["equal"] = figures["ratio_vs_rtpengine"], figures
            own["missed"] += figures["missed"] + len(figures["unequal"])
    return found


if __name__ == "__main__" and "--load" in sys.argv:
    load()
