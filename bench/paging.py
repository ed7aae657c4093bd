#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A page to many phones: how soon the last of them is rung, and hears it, what it costs while it sounds, and whether others still call.

Groups of 250 members, as many as a group may have, are paged at the same moment, and all phones answer at once; they hear, and send nothing. Times are those at which
the kernel had the packet, from when the callers' INVITEs left. While it sounds, others call each other. The node has one core. Load and Redis have the other."""
import contextlib
import os
import pathlib
import re
import resource
import select
import socket
import struct
import sys
import time

import lib
from queue_phones import Phones, fields

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "client"))
from tandem_client import Client    # noqa: E402

PASSWORD = "bench-secret"
MEMBERS, FIRST = 250, 10000
WANTED = {"page_last_invite_ms": 500, "page_first_packet_ms": 1000, "page_core_percent": 25}
SOUNDS_S, OTHERS = 5, 40        # calls of others meanwhile
PACKET_S = 0.02
TIMESTAMPS = 35     # SO_TIMESTAMPNS
PATIENCE_S = 60


def stamped(sock):
    """Octets, and when the kernel had them."""
    octets, more, _, _ = sock.recvmsg(65536, 64, socket.MSG_DONTWAIT)
    seconds, nanoseconds = struct.unpack("qq", more[0][2])
    return octets, seconds + nanoseconds / 1e9


class Floor(Phones):
    """Members, of whom each has a socket for what he hears; callers of groups, who speak; and others."""

    def __init__(self, node_port, pages):
        super().__init__(node_port, rung=self.rings, answered=self.is_up, refused=self.is_refused)
        self.poll, self.ears, self.voices = select.epoll(), {}, {}
        self.rung_s, self.heard_s, self.up, self.failed, self.said, self.next_s = {}, {}, set(), 0, 0, 0.0
        self.sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.poll.register(self.sock, select.EPOLLIN)
        self.mouths = [self.port_of(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(pages)]

    @staticmethod
    def port_of(sock):
        sock.bind((lib.ADDRESS, 0))
        return sock, sock.getsockname()[1]

    def rings(self, dialog):
        """A member is rung, or another one is called."""
        ear, port = self.port_of(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        if dialog.user not in self.rung_s:
            self.rung_s[dialog.user] = self.now
            ear.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)      # nobody reads what comes behind the first packet
            self.ears[ear.fileno()] = ear, dialog.user
            self.poll.register(ear, select.EPOLLIN)
        dialog.sdp = lib.Media().sdp(lib.ADDRESS, port) + "a=recvonly\r\n"
        return True

    def is_up(self, dialog):
        self.up.add(dialog.call_id)
        if dialog.call_id in self.voices:
            self.voices[dialog.call_id][1] = lib.Media().address(self.message)

    def is_refused(self, dialog, status):
        self.failed += 1
        lib.say(f"# {dialog.user}: {status}")

    def page(self, user, number, mouth):
        dialog = self.call(user, number, silent=False, port=mouth[1])
        self.voices[dialog.call_id] = [mouth[0], None]

    def sdp(self, silent, port=9):
        return lib.Media().sdp(lib.ADDRESS, port)

    def speak(self):
        if time.monotonic() < self.next_s:
            return
        self.next_s = max(self.next_s + PACKET_S, time.monotonic() - PACKET_S)
        self.said += 1
        for mouth, to in self.voices.values():
            if to:
                mouth.sendto(struct.pack("!BBHII", 0x80, 0, self.said & 0xffff, 160 * self.said, 7) + os.urandom(160), to)

    def turn(self, seconds):
        end = time.monotonic() + seconds
        while True:
            self.speak()
            for fd, _ in self.poll.poll(max(0, min(end - time.monotonic(), PACKET_S / 4))):
                if fd == self.sock.fileno():
                    self.hear_signals()
                else:
                    ear, user = self.ears[fd]
                    self.heard_s[user] = stamped(ear)[1]
                    self.poll.unregister(fd)
            self.again()
            if time.monotonic() >= end:
                return

    def hear_signals(self):
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                octets, self.now = stamped(self.sock)
                self.message = octets.decode()
                line, found = fields(self.message)
                (self.on_response if line.startswith("SIP/2.0") else self.on_request)(line, found)


def measure(pages):
    node = lib.Node(media_ports="10000-59999")
    try:
        node.redis_apart()
        client = Client(str(next(node.dir.rglob("redis.sock"))), "_operator")
        floor = Floor(node.sip_port, pages)
        members = [str(FIRST + n) for n in range(pages * MEMBERS)]
        others = [str(FIRST - 1 - n) for n in range(2 * OTHERS)]
        callers = [str(2000 + n) for n in range(pages)]
        for number in members + others + callers:
            client.ask("extension.put", wait=30.0, number=number, password=PASSWORD)
            floor.register(number, PASSWORD)
        for n in range(pages):
            client.ask("page.put", wait=30.0, name=f"g{n}", members=",".join(members[n * MEMBERS:(n + 1) * MEMBERS]))
            client.ask("number.put", wait=30.0, number=str(3000 + n), to=f"page:g{n}")
        began = time.time()
        for n, caller in enumerate(callers):
            floor.page(caller, str(3000 + n), floor.mouths[n])
        if not floor.until(lambda: len(floor.heard_s) == len(members), PATIENCE_S):
            raise SystemExit(f"{len(floor.rung_s)} of {len(members)} were rung, {len(floor.heard_s)} hear it")
        invites, packets = (max(times.values()) - began for times in (floor.rung_s, floor.heard_s))
        floor.turn(1)
        cpu, at = lib.cpu_seconds(node.pid), time.monotonic()
        floor.turn(SOUNDS_S)
        core = (lib.cpu_seconds(node.pid) - cpu) / (time.monotonic() - at)
        placed = [floor.call(others[2 * n], others[2 * n + 1]).call_id for n in range(OTHERS)]
        floor.until(lambda: len(floor.up.intersection(placed)) + floor.failed == OTHERS, PATIENCE_S)
        refused = OTHERS - len(floor.up.intersection(placed))
    finally:
        node.stop()
    return {"page_last_invite_ms": round(invites * 1000, 1), "page_first_packet_ms": round(packets * 1000, 1), "page_core_percent": round(core * 100, 1),
            "page_others_refused": refused, "page_phones": len(members)}


def main():
    options = lib.arguments(__doc__)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    runs = [measure(1 if options.quick else 4) for _ in range(1 if options.quick else 5)]
    figures = {name: lib.median([run[name] for run in runs]) for name in WANTED}
    figures |= {"page_others_refused": sum(run["page_others_refused"] for run in runs), "page_phones": runs[0]["page_phones"]}
    for name, wanted in WANTED.items():
        lib.say(f"{name}: {figures[name]} (wanted: {wanted}; {min(run[name] for run in runs)} to {max(run[name] for run in runs)})")
    lib.finish(options, "paging", figures, {})


if __name__ == "__main__":
    main()
