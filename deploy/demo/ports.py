# SPDX-License-Identifier: Apache-2.0
"""Ports that no other run on this machine uses.

Ports are claimed in blocks outside the kernel's ephemeral range (32768 to 60999).  Who holds a
block's name in the abstract unix socket namespace owns the block: runs side by side never share
ports, and the kernel frees those of a killed run.
"""
import collections
import random
import socket

BLOCK = 100
MANY = 4000      # ports
# The last ones are media ports of nodes with default settings: only when the others are taken.
PREFERRED, OTHERS = ((10100, 12000), (61000, 65500)), ((12000, 32700),)


class PortsError(Exception):
    """No block of ports is free."""


def is_free(address, port):
    """True if both UDP and TCP can be bound now. A connection that is over a minute ago at most is in nobody's way: servers bind so."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as sock:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError:
                return False
    return True


class Ports:
    """A contiguous range of claimed ports; take() hands them out, give() takes back, close() ends the claim."""

    def __init__(self, count=BLOCK):
        self._claims, self._given = [], collections.deque()
        size = -(-count // BLOCK) * BLOCK
        for ranges in (PREFERRED, OTHERS):
            starts = [start for first, end in ranges
                      for start in range(first, end - size + 1, BLOCK)]
            if ranges is PREFERRED:
                random.shuffle(starts)
            elif size < MANY:
                starts.reverse()        # what wants many in a row finds them at the beginning
            for start in starts:
                if self._claim(range(start, start + size)):
                    self.next, self.end = start, start + size
                    return
        raise PortsError(f"no {count} free ports in a row")

    def _claim(self, ports):
        for block in ports[::BLOCK]:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._claims.append(claim)
            try:
                claim.bind(f"\0tandem-ports-{block}")
            except OSError:
                self.close()
                return False
        # Free on every address: baresip binds RTP to the wildcard, which all of them are in the way of.
        if all(is_free("0.0.0.0", port) for port in ports):
            return True
        self.close()
        return False

    def take(self, count=1):
        """The first of `count` ports in a row; even if count is even (RTP beside RTCP).

        Ports that were given back come last, the oldest first: late packets may be on their way there."""
        if count % 2 == 0:
            self.next += self.next % 2
        first = self.next
        if first + count > self.end:
            again = next((given for given in self._given if given[1] == count), None)
            if not again:
                raise PortsError("the claimed ports are used up")
            self._given.remove(again)
            return again[0]
        self.next += count
        return first

    def give(self, first, count=1):
        """Those of take(count) are free again."""
        self._given.append((first, count))

    def take_range(self, count):
        """`count` ports as "first-last"."""
        first = self.take(count)
        return f"{first}-{first + count - 1}"

    def close(self):
        while self._claims:
            self._claims.pop().close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
