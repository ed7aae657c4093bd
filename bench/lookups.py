#!/usr/bin/env python3
"""Calls that wait for a name do not hold up others: the set-up delay of plain calls, with and without 1,000 calls that wait.

Each waiting call is to an extension at a name of its own, so each asks questions of its own. The name server is slow, silent, lying,
refusing or flapping, in a process of its own. A plain call is timed from its INVITE to the ACK that reaches the callee, one after the other.
Both kinds of turn alternate. The figure is how much later plain calls are, median and p99, of the turn with waiting calls beside the one
before it."""
import multiprocessing
import re
import select
import socket
import struct
import sys
import time

import lib
from registrations import FIRST, PASSWORD, provision

MODES = ("slow", "silent", "lying", "refusing", "flapping")
GOAL_MS, SLOW_S = 1.0, 0.9
REFUSED, NXDOMAIN = 5, 3


def answer_of(message, code, lies=False):
    """No record, with that code. A lie has another id, as somebody has who only guesses."""
    number, = struct.unpack_from("!H", message)
    at = message.index(b"\0", 12) + 5
    return struct.pack("!HHHHHH", (number + 1) & 0xffff if lies else number, 0x8180 | code, 1, 0, 0, 0) + message[12:at]


def serve_names(sock, mode):
    """Until it is ended."""
    late, asked = [], 0
    while True:
        ready = select.select([sock], [], [], 0.01)[0]
        while late and late[0][0] <= time.monotonic():
            sock.sendto(*late.pop(0)[1:])
        if not ready:
            continue
        message, client = sock.recvfrom(4096)
        asked += 1
        what = mode.value.decode()
        if what == "slow":
            late.append((time.monotonic() + SLOW_S, answer_of(message, NXDOMAIN), client))
        elif what == "refusing" or (what == "flapping" and asked % 2):
            sock.sendto(answer_of(message, REFUSED if what == "refusing" else NXDOMAIN), client)
        elif what == "lying":
            sock.sendto(answer_of(message, NXDOMAIN, lies=True), client)


class Waiting:
    """Extensions at names, and those who call them, on one socket."""

    def __init__(self, node, count):
        self.node, self.numbers, self.turn = node, range(FIRST, FIRST + count), 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((lib.ADDRESS, 0))
        self.port = self.sock.getsockname()[1]

    def register(self):
        """At names that nobody has asked for yet, and no more at those before: calls would wait for them as well."""
        self.turn += 1
        for number in self.numbers:
            lib.register(self.node.sip_port, str(number), PASSWORD, self.port, self.sock, contact=self.contact(number, self.turn),
                         gone=self.contact(number, self.turn - 1) if self.turn > 1 else None)

    @staticmethod
    def contact(number, turn):
        return f"sip:{number}@t{turn}-{number}.example.test"

    def call(self):
        """All within a second."""
        sdp = lib.Media().sdp(lib.ADDRESS, 6000, None)
        for number in self.numbers:
            uri, name = f"sip:{number}@{lib.ADDRESS}:{self.node.sip_port}", f"w{self.turn}-{number}"
            self.send(f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{self.port};rport;branch=z9hG4bK{name}\r\n"
                      f"From: <sip:waits@{lib.ADDRESS}>;tag={name}\r\nTo: <{uri}>\r\nCall-ID: {name}\r\nCSeq: 1 INVITE\r\n"
                      f"Contact: <sip:waits@{lib.ADDRESS}:{self.port}>\r\nMax-Forwards: 70\r\n"
                      f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}")
            time.sleep(0.0007)

    def send(self, text):
        self.sock.sendto(text.encode(), (lib.ADDRESS, self.node.sip_port))

    def settle(self, seconds=60):
        """Whoever is rung at last is busy, and all calls end."""
        end = time.time() + seconds
        while time.time() < end:
            if not select.select([self.sock], [], [], 0.3)[0]:
                if not self.node.ctl("node.status")["calls"] and not self.node.metrics()["tandem_lookups_waiting"]:
                    return
                continue
            message = self.sock.recv(65536).decode()
            if message.startswith("INVITE "):
                self.send(self.copied(message, "SIP/2.0 486 Busy Here", ";tag=busy"))
            elif re.match(r"SIP/2.0 [3-6]", message) and " INVITE" in (lib.header(message, "CSeq") or ""):
                uri = re.search(r"<([^>]*)>", lib.header(message, "To"))[1]
                self.send(self.copied(message, f"ACK {uri} SIP/2.0", "", "CSeq: 1 ACK\r\nMax-Forwards: 70\r\n"))
        raise SystemExit("calls that waited have not ended")

    @staticmethod
    def copied(message, first, tag, rest=None):
        names = "via|from|call-id" + ("" if rest else "|cseq")
        lines = "".join(f"{line}\r\n" for line in message.split("\r\n") if re.match(rf"({names})\s*:", line, re.I))
        return f"{first}\r\n{lines}To: {lib.header(message, 'To')}{tag}\r\n{rest or ''}Content-Length: 0\r\n\r\n"


def timed(calls, seconds):
    """Milliseconds of each plain call of that time."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        calls.place(6002, 6004)
        took.append(1000 * (time.monotonic() - began))
        calls.hang_up()
        time.sleep(0.005)
    return sorted(took)


def share(took, part):
    return took[min(len(took) - 1, int(part * len(took)))]


def turn(node, calls, waiting, mode, name, seconds):
    """Plain calls alone, then beside those that wait: how much later they are, and how many waited at the least."""
    waiting.register()
    mode.value = name.encode()
    alone = timed(calls, seconds)
    waiting.call()
    least = node.metrics()["tandem_lookups_waiting"]
    beside = timed(calls, seconds)
    least = min(least, node.metrics()["tandem_lookups_waiting"])
    mode.value = b"refusing"        # what is under way comes to its end at once
    waiting.settle()
    return {"p50": share(beside, 0.5) - share(alone, 0.5), "p99": share(beside, 0.99) - share(alone, 0.99),
            "alone_p50": share(alone, 0.5), "calls": len(alone) + len(beside), "waiting": least}


def measure(node, mode, count, turns, seconds):
    calls = lib.Calls(node.sip_port)
    node.extension("2000", PASSWORD)
    lib.register(node.sip_port, "2000", PASSWORD, calls.callee_port, calls.b)
    waiting, figures = Waiting(node, count), {}
    for name in MODES:
        all_ = [turn(node, calls, waiting, mode, name, seconds) for _ in range(turns)]
        for key in ("p50", "p99"):
            figures[f"later_{key}_ms_{name}"] = round(lib.median([t[key] for t in all_]), 3)
        figures[f"waiting_{name}"] = int(min(t["waiting"] for t in all_))
        lib.say(f"{name:9} {sum(t['calls'] for t in all_)} plain calls, later by {figures[f'later_p50_ms_{name}']} ms, "
                f"p99 {figures[f'later_p99_ms_{name}']} ms, of {lib.median([t['alone_p50'] for t in all_]):.2f} ms; "
                f"{figures[f'waiting_{name}']} calls waited")
    return figures


def is_met(figures):
    """Where the server refuses nobody waits: those calls ring, which is another load."""
    return all(figures[f"later_{key}_ms_{name}"] <= GOAL_MS for key in ("p50", "p99") for name in MODES if figures[f"waiting_{name}"])


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    count, turns, seconds = (200, 1, 1) if options.quick else (1000, 5, 2)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((lib.ADDRESS, 0))
    mode = multiprocessing.Array("c", 16)
    server = multiprocessing.Process(target=serve_names, args=(sock, mode), daemon=True)
    server.start()
    node = lib.Node(calls=4000, sections={"dns": (f'servers: ["{lib.ADDRESS}:{sock.getsockname()[1]}"]',)})
    try:
        node.redis_apart()
        provision(node, count)
        figures = {"waiting": count, "turns": turns} | measure(node, mode, count, turns, seconds)
    finally:
        node.stop()
        server.terminate()
    lib.finish(options, "lookups", figures, {"redis": lib.package_version("redis-server")})
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
