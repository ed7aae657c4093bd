#!/usr/bin/env python3
"""Calls under attack, through the node and through rtpengine in user space.

1,000 calls each: plain RTP, SDES, and DTLS-SRTP with ICE and without against plain RTP. Both carry a stamped load, while an attacker
turns from the one to the other, row by row. The node keeps its process and its calls over all rows; rtpengine is started anew for
each, with new calls whose media begins at once, so that what a row did to it is not the next one's doing. A stranger has a host of its own and, worse, shares that of the parties. Figures: what
the attacker got of the media (leaked), what of its packets a party took for the other's (injected), calls in which a stream was silent for
2 s when a row ended or that never got keys (calls_lost), packets of the load that were lost, and CPU. The bench fails when the node
leaked, let in, or lost anything of a call.

calm       no attack: a tenth as many calls, hung up again, so that what follows is the attack's doing
race       ClientHellos at the ports of DTLS legs from the moment on when the parties begin their handshakes, and from the other host RTP
           at all others
rtp        RTP of random sources at all ports
guessed    RTP of the very SSRC that a party sends with, near its sequence numbers
rtcp       sender reports and BYE in the name of the parties
hello      ClientHellos at all ports of calls under way
srtp       noise that looks like SRTP of the party's SSRC, and of others
stun       binding requests that nominate, with wrong passwords
oversized  fragments of ClientHellos that lie about their lengths, and datagrams of up to 8,500 octets"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import lib
import rtpengine

ROWS = ("calm", "race", "rtp", "guessed", "rtcp", "hello", "srtp", "stun", "oversized")
INTERVAL_MS = 500       # of a stream: so many calls, and a machine of two cores
PARTY_PORTS = 3000
STRANGER = "127.200.0.66"       # another host than the parties'
SETTLE_S = 8            # handshakes are done when the next row begins, and the 3 s are well over in which rtpengine learns endpoints
KEYS = ("plain", "sdes", "dtls")
AFTER_S = 3             # who is silent now stays so
FOREIGN = ("corrupted", "misrouted", "srtp_refused", "rtcp_foreign")     # how rtpload sees what no party sent
WEBRTC_SHARE = 3        # every third call; of these every second has no ICE


class WebRtc(lib.Media):
    """A, a plain phone, calls B, which has DTLS-SRTP, with ICE or alone."""
    identity = None         # (PEM file, fingerprint) of all parties

    def __init__(self, ice):
        super().__init__()
        self.ice = ice

    def keys(self):
        return Handshake(self)

    def ng(self, command):
        if command == "offer":
            return {"ICE": "force", "replace": ["origin"], "transport-protocol": "UDP/TLS/RTP/SAVPF", "rtcp-mux": ["offer"]}
        return {"ICE": "remove", "replace": ["origin"], "transport-protocol": "RTP/AVP", "rtcp-mux": ["demux"]}

    def sdp(self, ip, port, key=None):
        if not key:
            return super().sdp(ip, port)
        ice = f"a=ice-ufrag:{key.ufrag}\r\na=ice-pwd:{key.password}\r\n" \
              f"a=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\n" if self.ice else ""
        mid = f"a=mid:{key.mid}\r\n" if key.mid else ""
        return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} {key.profile} 0\r\n"
                f"a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n{mid}a=rtcp-mux\r\n{ice}a=setup:active\r\n"
                f"a=fingerprint:sha-256 {self.identity[1]}\r\na=sendrecv\r\n")


class Handshake:
    """In place of lib.Keys: what B was offered, and what the load must know to be B."""
    a_sends = None

    def __init__(self, media):
        self.media = media
        self.ufrag, self.password = os.urandom(4).hex(), os.urandom(12).hex()

    def offered(self, offer):
        def of(name):
            found = re.search(rf"^a={name}:\s*(\S.*?)\r?$", offer, re.M)
            return found[1] if found else None
        self.profile = re.search(r"^m=audio \d+ (\S+)", offer, re.M)[1]
        self.mid = of("mid")
        print_ = re.search(r"^a=fingerprint:sha-256 ([0-9A-Fa-f:]+)", offer, re.M | re.I)
        if not print_:
            raise SystemExit(f"no SHA-256 fingerprint in:\n{offer}")
        self.fingerprint = print_[1].replace(":", "").lower()
        lite = "lite" if re.search(r"^a=ice-lite", offer, re.M) else "full"
        self.theirs = f"{lite},{self.ufrag},{self.password},{of('ice-ufrag')},{of('ice-pwd')}" if self.media.ice else "-"
        return self

    def answered(self, answer):
        pass

    def text(self):
        return f" - - {self.theirs} client,{self.fingerprint}"


def identity(folder):
    """A certificate that all parties share, and its fingerprint as SDP writes it."""
    path = os.path.join(folder, "party.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path,
                    "-out", path + ".crt", "-days", "730", "-subj", "/CN=party"], check=True, capture_output=True)
    os.chmod(path, 0o600)
    with open(path, "a") as file, open(path + ".crt") as made:
        file.write(made.read())
    out = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], check=True,
                         capture_output=True, text=True).stdout
    return path, out.strip().rpartition("=")[2]


def medias(count):
    """The kind of each call."""
    kinds = lib.Media(), lib.Media(secure=True), WebRtc(True), WebRtc(False)
    for i in range(count):
        yield kinds[(0, 1, 2)[i % WEBRTC_SHARE] if i % (2 * WEBRTC_SHARE) < WEBRTC_SHARE else (0, 1, 3)[i % WEBRTC_SHARE]]


class Load:
    """rtpload over all calls of a server, and what it tells every half second."""

    def __init__(self, calls, ssrc):
        self.calls, self.ssrc, self.last, self.began = calls, ssrc, None, time.monotonic()
        self.process = lib.spawn(lib.pinned(lib.LOAD_CORE, [
            lib.BUILD / "bench" / "rtpload", "--seconds", 3600, "--interval-ms", INTERVAL_MS, "--tell-ms", 500, "--ssrc", ssrc,
            "--identity", WebRtc.identity[0], "--tick-us", 1000]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("".join(call.line() for call in calls))
        self.process.stdin.close()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        for line in self.process.stdout:
            self.last = json.loads(line)

    def now(self):
        """The newest report that was made after this was asked."""
        before = self.last
        lib.wait_for("a report of the load", 20, lambda: self.last is not before)
        return self.last

    def end(self):
        """The last one, with nothing on its way."""
        lib.end(self.process)
        self.listener.join()
        if self.process.returncode:
            raise SystemExit("rtpload failed")
        return self.last


class Server:
    """One of both, with its calls and their load."""

    def __init__(self, name, process, ssrc):
        self.name, self.process, self.pid, self.ssrc = name, process, process.pid, ssrc
        self.calls, self.kinds, self.load, self.rows, self.ended = [], [], None, {}, []

    def targets(self, which, elapsed):
        """Lines for flood: where, in whose name, and where its numbers are by now. which: of DTLS legs (True), others (False), all (None)."""
        for i, (call, media) in enumerate(zip(self.calls, self.kinds)):
            for side, (_, to) in enumerate(call.ends):
                index = 2 * i + side
                if which not in (None, side == 1 and isinstance(media, WebRtc)):
                    continue
                sequence = 1 + index * 7919 % 32767 + int(1000 * elapsed / INTERVAL_MS)
                yield f"{to[0]}:{to[1]} {self.ssrc + index} {sequence % 65536}\n"


def place_all(place, server, count, base):
    """place(media): who places calls of that kind."""
    for i, media in enumerate(medias(count)):
        server.calls.append(place(media)(base + 4 * i, base + 4 * i + 2))
        server.kinds.append(media)


def callers(node):
    """(place of a kind, hang_up); a pair of phones for each kind."""
    made = {}

    def place(media):
        kind = "webrtc" if isinstance(media, WebRtc) else "sdes" if media.secure else "plain"
        if kind not in made:
            caller, callee = {"plain": ("1000", "2000"), "sdes": ("1001", "2001"), "webrtc": ("1002", "2002")}[kind]
            calls = made[kind] = lib.Calls(node.sip_port, media, caller, "bench-secret", callee)
            flags = {"sdes_insecure": "true"} if kind == "sdes" else {}
            node.extension(caller, "bench-secret", **flags)
            node.extension(callee, "bench-secret", **({"webrtc": "always"} if kind == "webrtc" else flags))
            lib.register(node.sip_port, callee, "bench-secret", calls.callee_port, calls.b)
        made[kind].media = media
        return made[kind].place
    return place, lambda: [calls.hang_up() for calls in made.values()]


def by_peer(peer):
    """The same of rtpengine."""
    def place(media):
        peer.media = media
        return peer.place
    return place, peer.hang_up


class Flood:
    """One kind of packets at one server."""

    def __init__(self, server, kind, rate, seconds, which=None, sources=(STRANGER, lib.ADDRESS)):
        elapsed = time.monotonic() - server.load.began if server.load else 0
        command = [lib.BUILD / "bench" / "flood", "--kind", kind, "--rate", rate, "--seconds", seconds]
        command += [word for source in sources for word in ("--from", source)]
        self.child = lib.spawn(lib.pinned(lib.LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.child.stdin.write("".join(server.targets(which, elapsed)))
        self.child.stdin.close()

    def end(self):
        out = self.child.stdout.read()
        if self.child.wait() != 0:
            raise SystemExit("flood failed")
        return json.loads(out)


def floods(server, row, rate, seconds):
    if row != "race":
        return [Flood(server, row, rate, seconds)]
    return [Flood(server, "hello", rate // 2, seconds, True), Flood(server, "rtp", rate // 2, seconds, False, (STRANGER,))]


def attack(server, row, options, seconds):
    """One row against one server; its figures."""
    before = server.load.now() if server.load else None
    cpu, began = lib.cpu_seconds(server.pid), time.monotonic()
    running = floods(server, row, options.rate, seconds)
    if not server.load:         # the parties come when the flood does
        server.load = Load(server.calls, server.ssrc)
    done = [each.end() for each in running]
    out = {key: sum(each[key] for each in done) for key in done[0]}
    cpu, took = lib.cpu_seconds(server.pid) - cpu, time.monotonic() - began
    if not before:
        time.sleep(SETTLE_S)
    after = server.load.now()
    since = {key: after[key] - (before or {}).get(key, 0) for key in
             ("lost", "received", "sent", *FOREIGN)}
    foreign = sum(since[key] for key in FOREIGN)
    result = {"attack_packets": out["sent"], "leaked": out["leaked"], "answers": out["answers"], "injected": foreign,
              "silent_calls": after["silent_calls"], "silent_by_keys": {key: after["silent_" + key] for key in KEYS},
              "unkeyed": after["unkeyed"], "lost": max(0, since["lost"]), "sent": since["sent"], "cpu_share": round(cpu / took, 3)}
    result["alive"] = server.process.poll() is None
    server.rows[row] = result
    lib.say(f"{row:9} {server.name:10} {out['sent']:8} attack packets, {out['leaked']} leaked, {foreign} injected, "
            f"{after['silent_calls']} calls silent ({', '.join(f'{count} {key}' for key, count in result['silent_by_keys'].items())}), "
            f"{after['unkeyed']} without keys, {result['lost']} of {since['sent']} packets lost, "
            f"{100 * result['cpu_share']:.0f} % CPU, {out['answers']} answers" + ("" if result["alive"] else "; its process has ended"))
    return result


def calm(server, place, hang_up, count):
    """Without an attack; what is not well here is no attack's doing."""
    place_all(place, server, count, PARTY_PORTS)
    server.load = Load(server.calls, server.ssrc)
    time.sleep(SETTLE_S)
    report = server.load.end()
    hang_up()
    server.calls, server.kinds, server.load = [], [], None
    server.rows["calm"] = {"attack_packets": 0, "leaked": 0, "answers": 0, "silent_calls": report["silent_calls"], "lost": report["lost"],
                           "unkeyed": report["unkeyed"], "sent": report["sent"],
                           "injected": sum(report[key] for key in FOREIGN)}
    lib.say(f"calm      {server.name:10} {count} calls: {report['silent_calls']} calls silent, {report['unkeyed']} without keys, "
            f"{report['lost']} of {report['sent']} packets lost")


def begin_anew(server, start, place, count, base):
    """rtpengine is started anew for each row, with new calls: what an attack did to it is not the next one's doing."""
    if server.load:
        server.ended.append(server.load.end())
    peer = start()
    server.process, server.pid = peer.process, peer.pid
    server.calls, server.kinds, server.load = [], [], None
    server.ssrc += 1 << 16
    place_all(place(peer), server, count, base)
    return peer


def figures_of(server):
    """The names as every bench has them: the node's own without a prefix."""
    ends = [*server.ended, server.load.end()]
    final = {key: (max if key == "silent_calls" else sum)(end[key] for end in ends) for key in ("silent_calls", "sent", "lost")}
    prefix = "" if server.name == "tandem" else server.name + "_"
    total = {key: sum(row[key] for row in server.rows.values()) for key in ("attack_packets", "leaked", "injected", "answers")}
    figures = {prefix + key: value for key, value in total.items()}
    figures[prefix + "calls_lost"] = max(final["silent_calls"], *(row["silent_calls"] for row in server.rows.values()))
    figures[prefix + "packets_sent"], figures[prefix + "packets_lost"] = final["sent"], final["lost"]
    figures[prefix + "alive"] = server.process.poll() is None
    figures[prefix + "rows"] = server.rows
    return figures


def options_of():
    parser = lib.argument_parser(__doc__.splitlines()[0], rows=ROWS)
    parser.add_argument("--calls", type=int, default=1000, help="for each server (1000)")
    parser.add_argument("--rate", type=int, default=50000, help="attack packets a second (50000)")
    parser.add_argument("--strict", action="store_true", help="rtpengine with its flag strict-source, which is off by default")
    return parser.parse_args()


def run(options, rows, seconds):
    """Both servers, row by row; the figures."""
    folder, node, peer = tempfile.mkdtemp(prefix="tandem-attack-"), None, None

    def start():
        nonlocal peer
        if peer:
            peer.stop()
        peer = rtpengine.Rtpengine(20000, 31999, flags=["strict source"] if options.strict else [])
        return peer
    try:
        WebRtc.identity = identity(folder)
        node = lib.Node(media_ports="12000-19999", calls=2 * options.calls, trusting=False)
        place, hang_up = callers(node)
        ours, theirs = servers = Server("tandem", node.process, 1 << 20), Server("rtpengine", start().process, 1 << 24)
        calm(ours, place, hang_up, max(12, options.calls // 10))
        calm(theirs, *by_peer(peer), max(12, options.calls // 10))
        place_all(place, ours, options.calls, PARTY_PORTS)
        lib.say(f"# {options.calls} calls each")
        for row in rows:
            attack(ours, row, options, seconds)
            begin_anew(theirs, start, lambda made: by_peer(made)[0], options.calls, PARTY_PORTS + 4 * options.calls)
            if row != "race":
                theirs.load = Load(theirs.calls, theirs.ssrc)       # at once after the last answer
                time.sleep(SETTLE_S)
            attack(theirs, row, options, seconds)
        time.sleep(AFTER_S)
        return {key: value for server in servers for key, value in figures_of(server).items()}
    finally:
        for thing in (node, peer):
            if thing:
                thing.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    global SETTLE_S
    options = options_of()
    SETTLE_S = 5 if options.quick else SETTLE_S
    seconds = 1 if options.quick else 8
    rows = [row for row in ROWS[1:] if row == "race" or row in (options.row or ROWS)]       # race is how the load begins
    if options.quick:
        options.calls, rows = min(options.calls, 100), rows if options.row else ["race", "guessed"]
    figures = {"calls": options.calls, "seconds_per_row": seconds, "rtpengine_strict_source": options.strict, **run(options, rows, seconds)}
    lib.finish(options, "attack", figures, rtpengine.peers())
    return 1 if figures["leaked"] + figures["injected"] + figures["calls_lost"] or not figures["alive"] else 0


if __name__ == "__main__":
    sys.exit(main())
