# SPDX-License-Identifier: Apache-2.0
"""A name server over UDP (RFC 1035) with a few records, which can fall silent."""
import select
import socket
import struct
import threading
import time

from patience import PATIENCE_S

A, SRV = 1, 33
NAMES = {A: "A", 28: "AAAA", SRV: "SRV", 35: "NAPTR"}
NXDOMAIN = 3


def octets(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def address(text):
    return A, socket.inet_aton(text)


def service(priority, port, host):
    return SRV, struct.pack("!HHH", priority, 1, port) + octets(host)


class NameServer:
    """zone: name -> what address() and service() make.  `asked`: (name, type) of all questions, copies too."""

    def __init__(self, zone, host="127.0.0.1"):
        self.zone, self.silent, self.asked, self._closed = zone, False, [], False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.name = f"{host}:{self.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._closed = True
        self._thread.join()
        self.socket.close()

    def _serve(self):
        while not self._closed:
            if not select.select([self.socket], [], [], 0.05)[0]:
                continue
            message, client = self.socket.recvfrom(4096)
            answer = self._answer(message)
            if answer and not self.silent:
                self.socket.sendto(answer, client)

    def _answer(self, message):
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        kind, = struct.unpack_from("!H", message, at + 1)
        question, name = message[12:at + 5], ".".join(labels).lower()
        self.asked.append((name, NAMES.get(kind, kind)))
        found = [data for type_, data in self.zone.get(name, []) if type_ == kind]
        flags = 0x8180 | (0 if name in self.zone else NXDOMAIN)
        rows = b"".join(struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data)) + data for data in found)
        return message[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + rows

    def wait_asked(self, name, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not any(name == asked for asked, _ in self.asked):
            if time.monotonic() > end:
                raise AssertionError(f"{name} was not asked for in {seconds} s, but {self.asked}")
            time.sleep(0.01)
