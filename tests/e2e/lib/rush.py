# SPDX-License-Identifier: Apache-2.0
"""RTP as fast as it can be sent, from a process of its own: python3 rush.py, and for each stream FD ADDRESS PORT SSRC.

Each is in order and from the socket that it was given. It goes on until it is ended.
"""
import os
import socket
import struct
import sys

BURST = 32              # packets of a stream before it is the next one's turn


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


if __name__ == "__main__":
    main()
