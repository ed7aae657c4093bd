# SPDX-License-Identifier: Apache-2.0
"""A HEP3 collector that takes every chunk apart, and keeps what came."""
import dataclasses
import socket
import struct
import threading
import time

from . import place
from patience import PATIENCE_S

NUMBERS = {1: "!B", 2: "!B", 7: "!H", 8: "!H", 9: "!I", 10: "!I", 11: "!B", 12: "!I"}
SIP, RTCP = 1, 5


@dataclasses.dataclass
class Copy:
    chunks: dict
    source: tuple               # of the datagram itself

    @property
    def kind(self):
        return self.chunks[11]

    @property
    def call(self):
        return self.chunks.get(17, b"").decode()

    @property
    def payload(self):
        return self.chunks[15]

    @property
    def text(self):
        return self.payload.decode("utf-8", "replace")

    @property
    def way(self):
        """((address, port), (address, port)): from, to."""
        family, at = {2: (socket.AF_INET, 3), 10: (socket.AF_INET6, 5)}[self.chunks[1]]
        return tuple((socket.inet_ntop(family, self.chunks[at + i]), self.chunks[7 + i]) for i in (0, 1))


def taken_apart(data):
    """The chunks of a datagram; anything odd is an error."""
    magic, length = struct.unpack("!4sH", data[:6])
    assert magic == b"HEP3" and length == len(data), data[:6]
    chunks, at = {}, 6
    while at < length:
        vendor, kind, size = struct.unpack("!HHH", data[at:at + 6])
        assert vendor == 0 and size >= 6 and at + size <= length and kind not in chunks, data[at:at + 6]
        value = data[at + 6:at + size]
        chunks[kind] = struct.unpack(NUMBERS[kind], value)[0] if kind in NUMBERS else value
        at += size
    assert {1, 2, 7, 8, 9, 10, 11, 12, 15} <= set(chunks), chunks.keys()
    return chunks


class Collector:
    """Where the parties are."""

    def __init__(self):
        place.command()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((place.PARTY, 0))
        self.address = "{}:{}".format(*self.socket.getsockname())
        self.copies, self.broken = [], []
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)      # or the reader sleeps on, and the port lives on
        except OSError:
            pass
        self.socket.close()

    def _read(self):
        while True:
            try:
                data, source = self.socket.recvfrom(65536)
            except OSError:
                return
            if not data:
                return
            try:
                self.copies.append(Copy(taken_apart(data), source))
            except (AssertionError, struct.error) as error:
                self.broken.append(error)

    def wait(self, wanted, seconds=PATIENCE_S):
        """The first copy for which wanted(copy) holds."""
        end = time.monotonic() + seconds
        while True:
            for copy in list(self.copies):
                if wanted(copy):
                    return copy
            if time.monotonic() > end:
                heads = [(copy.call, copy.text.partition("\r")[0]) for copy in self.copies if copy.kind == SIP]
                raise AssertionError(f"none of {len(self.copies)} copies is the one wanted: {heads}, {self.broken}")
            time.sleep(0.02)
