# SPDX-License-Identifier: Apache-2.0
"""Many RTP ends in one process: what 100 calls need, where Media is for one."""
import re
import select
import socket
import struct
import threading
import time

from .place import PARTY
from .srtp import Key


def sdp(audio, video=None, direction="sendrecv", version=1):
    """An offer or answer of these ends; SRTP where the end has a key."""
    text = (f"v=0\r\no=- {audio.ssrc} {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {audio.port} RTP/{'SAVP' if audio.key_out else 'AVP'} 0\r\na=rtpmap:0 PCMU/8000\r\n"
            f"{audio.key_out.line() if audio.key_out else ''}a={direction}\r\n")
    if video:
        text += f"m=video {video.port} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f\r\n"
    return text


def use(message, *ends):
    """The ends send where the other side's SDP says, with what it says."""
    address = re.search(r"^c=IN IP4 (\S+)", message.text, re.M).group(1)
    for end, port in zip(ends, re.findall(r"^m=\w+ (\d+)", message.text, re.M)):
        end.remote = (address, int(port))
    ends[0].key_in = Key.of_sdp(message.text)


class Stream:
    """One end: a socket, what it sends, and per packet what it received.  With keys it is SRTP."""

    def __init__(self, port, number):
        self.port, self.remote, self.ssrc = port, None, 0x10000 + number
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((PARTY, port))
        self.socket.setblocking(False)
        self.seq, self.pt = 1000 + number, 0
        self.received = []              # (time, ssrc, seq, sender's ssrc as it put it into the payload)
        self.key_out = self.key_in = None
        self.indexes = {}               # SRTP: (ssrc, index) -> the packet as it was on the wire
        self.highest, self.reused, self.forged = None, 0, 0
        self.tone, self.heard = None, []    # frames to send instead of the mark; payloads received

    def send(self, due):
        payload = self.tone[self.seq % len(self.tone)] if self.tone else self.ssrc.to_bytes(4, "big") + b"\xff" * 156
        packet = struct.pack("!BBHII", 0x80, self.pt, self.seq & 0xffff, self.seq * 160 & 0xffffffff,
                             self.ssrc) + payload
        if self.key_out:
            packet = self.key_out.protect(packet, self.seq)
        try:
            self.socket.sendto(packet, self.remote)
        except OSError:                 # the node is down for a moment
            pass
        self.seq += 1

    def read(self):
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            except OSError:             # ICMP
                continue
            now = time.monotonic()
            if len(data) < 16 or data[1] & 0x7f != self.pt:
                continue
            if self.key_in:
                data = self._opened(data)
            if data:
                seq, _, ssrc = struct.unpack("!HII", data[2:12])
                if self.tone:
                    self.heard.append(data[12:])
                self.received.append((now, ssrc, seq, int.from_bytes(data[12:16], "big")))

    def _opened(self, wire):
        """The RTP packet of an SRTP one; an index that came before with other content is remembered."""
        opened = self.key_in.unprotect(wire, self.highest)
        if not opened:
            self.forged += 1
            return None
        packet, index = opened
        if self.indexes.setdefault((wire[8:12], index), wire) != wire:
            self.reused += 1
        self.highest = index if self.highest is None else max(index, self.highest)
        return packet


class Streams:
    """`count` ends on even ports from `first`; run() sends 20 ms frames on all of them until stop()."""

    def __init__(self, first, count):
        self.ends = [Stream(first + 2 * i, i) for i in range(count)]
        self._stop = threading.Event()
        self._threads = []

    def at(self, port):
        return next(end for end in self.ends if end.port == port)

    def start(self):
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._send, self._read)]
        for thread in self._threads:
            thread.start()

    def _send(self):
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            for end in self.ends:
                if end.remote:
                    end.send(due)
            due += 0.02

    def _read(self):
        poll, by_fd = select.epoll(), {}
        for end in self.ends:
            poll.register(end.socket, select.EPOLLIN)
            by_fd[end.socket.fileno()] = end
        while not self._stop.is_set():
            for fd, _ in poll.poll(0.1):
                by_fd[fd].read()
        poll.close()

    def close(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for end in self.ends:
            end.socket.close()
