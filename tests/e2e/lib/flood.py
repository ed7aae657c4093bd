# SPDX-License-Identifier: Apache-2.0
"""Foreign packets, many and fast, from a process of their own: python3 flood.py with a plan (JSON) on stdin.

The plan: {"from": [[address, port 0 for any]...], "to": [[address, port]...], "kinds": [...], "count": n,
"rate": a second, "ssrc": of the stream to be pushed into, "packets": [hexadecimal, to be sent as they are], "hold":
seconds that it goes on to hold its ports}.  Answers {"sent": n, "answers": what came back}.
"""
import json
import random
import select
import socket
import struct
import sys
import time

MARK = b"\xf0\x0dFOREIGN\xf0\x0d"


def rtp(source, ssrc, size=160):
    return struct.pack("!BBHII", 0x80, 0, source.randrange(65536), source.randrange(1 << 32), ssrc) + (
        MARK * size)[:size]


def rtcp(source, ssrc):
    """A sender report and a BYE in the name of the stream."""
    return (struct.pack("!BBHI", 0x80, 200, 6, ssrc) + (MARK * 2)[:20]
            + struct.pack("!BBHI", 0x81, 203, 1, ssrc))


def malformed(source, ssrc):
    """RTP that promises more than it holds: CSRCs, an extension, padding."""
    head = bytearray(rtp(source, ssrc, 4))
    head[0] = source.choice((0x8f, 0x90, 0xa0))
    head[-1] = 200
    if head[0] == 0x90:
        head[14:16] = b"\xff\xff"
    return bytes(head)


def short(source, ssrc):
    return rtp(source, ssrc)[:source.randrange(1, 12)]


def huge(source, ssrc):
    return rtp(source, ssrc, source.choice((1501, 4000, 9000, 60000)))


def other(source, ssrc):
    """STUN, DTLS, TURN channels, and whatever else does not begin as RTP (RFC 7983)."""
    return bytes([source.choice((0, 1, 2, 3, 20, 22, 63, 64, 79, 192, 255))]) + source.randbytes(60) + MARK


KINDS = {"rtp": lambda s, ssrc: rtp(s, s.randrange(1 << 32)), "guessed": rtp, "rtcp": rtcp, "malformed": malformed,
         "short": short, "huge": huge, "other": other}


def opened(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sock.bind((address, port))
    return sock


def main():
    plan, source = json.load(sys.stdin), random.Random(1)
    sockets = [opened(*place) for place in plan["from"]]
    packets = [KINDS[kind](source, plan["ssrc"]) for kind in plan["kinds"] for _ in range(64)]
    packets += [bytes.fromhex(packet) for packet in plan.get("packets", ())]
    source.shuffle(packets)
    targets, sent, began = [tuple(place) for place in plan["to"]], 0, time.monotonic()
    burst = max(1, int(plan["rate"] / 1000))
    while sent < plan["count"]:
        for _ in range(min(burst, plan["count"] - sent)):
            number = sent * 7919            # a prime: all combinations come up
            sockets[number % len(sockets)].sendto(packets[number % len(packets)],
                                                  targets[sent // len(packets) % len(targets)])
            sent += 1
        time.sleep(max(0.0, began + sent / plan["rate"] - time.monotonic()))
    time.sleep(0.2)
    answers = 0
    while ready := select.select(sockets, [], [], 0)[0]:
        for sock in ready:
            sock.recv(65536)
            answers += 1
    print(json.dumps({"sent": sent, "answers": answers, "seconds": time.monotonic() - began}), flush=True)
    time.sleep(plan.get("hold", 0))


if __name__ == "__main__":
    main()
