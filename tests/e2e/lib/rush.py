# SPDX-License-Identifier: Apache-2.0
"""RTP, far more than a node passes, from a process of its own: python3 rush.py, and for each stream FD ADDRESS PORT SSRC.

Each is in order and from the socket that it was given. It goes on until it is ended. All that it sends in a millisecond has room in the
kernel's backlog of a processor (net.core.netdev_max_backlog), or TCP beside it would lose its segments.
"""
import os
import socket
import struct
import sys
import time

BURST = 16              # packets of a stream a millisecond: 16 times as much as a node passes of one


def streams(words):
    for fd, address, port, ssrc in zip(*[iter(words)] * 4):
        yield socket.socket(fileno=int(fd)), (address, int(port)), int(ssrc)


def main():
    every, number, payload = list(streams(sys.argv[1:])), 0, os.urandom(160)
    while True:
        for sock, to, ssrc in every:
            for i in range(number, number + BURST):
                head = struct.pack("!BBHII", 0x80, 0, i & 0xffff, i * 160 & 0xffffffff, ssrc)
                try:
                    sock.sendto(head + payload, to)
                except OSError:         # ICMP: nobody is there
                    pass
        number += BURST
        time.sleep(0.001)


if __name__ == "__main__":
    main()
