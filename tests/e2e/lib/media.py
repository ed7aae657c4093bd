# SPDX-License-Identifier: Apache-2.0
"""An RTP end: two sockets, a sender that keeps time, and a record of everything received."""
import contextlib
import dataclasses
import math
import os
import re
import secrets
import select
import socket
import struct
import threading
import time

import numpy

import tone

from .codec import FRAMES, PCMU
from .place import PARTY
from .srtp import Key
from patience import PATIENCE_S, until

RATE, FRAME = 8000, 160         # the clock of G.711 and of events; 20 ms of it
ROOM = 4 << 20                  # octets: what a node sends at once that had no processor for seconds, before a reader has one
DIGITS = "0123456789*#ABCD"     # RFC 4733 3.2: the event number is the index


@dataclasses.dataclass
class Packet:
    """A received RTP packet; `at` is time.monotonic()."""
    at: float
    source: tuple
    pt: int
    marker: bool
    seq: int
    ts: int
    ssrc: int
    payload: bytes
    tos: int                    # of the IP header: DSCP << 2 | ECN


class Clock(threading.Thread):
    """Knows when this process stood still, perhaps with all of the machine: who has not listened cannot say that nothing came."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stills = []                        # (from, to)

    def run(self):
        last = time.monotonic()
        while True:
            time.sleep(0.05)
            now = time.monotonic()
            if now - last > 0.5:
                self.stills.append((last, now))
            last = now

    def ran(self, since, until):
        """Of these seconds."""
        return until - since - sum(max(0.0, min(until, to) - max(since, at)) for at, to in self.stills)


CLOCK, STARTS = Clock(), threading.Lock()       # two phones of one test may come at once


def tos_of(ancillary):
    """The IP header's TOS byte, or IPv6's traffic class, that came with a datagram."""
    return next((data[0] for level, kind, data in ancillary
                 if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS),
                                      (socket.IPPROTO_IPV6, socket.IPV6_TCLASS))), 0)


def udp_socket(address, port=0):
    """A UDP socket of the address's family that tells the TOS of what it receives."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in address:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    forced = getattr(socket, "SO_RCVBUFFORCE", 33)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF if os.geteuid() else forced, ROOM)
    sock.bind((address, port))
    return sock


def sdp_address(address):
    """As c= and o= write it (RFC 8866 5.7)."""
    return f"IN IP{6 if ':' in address else 4} {address}"


ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = {key: (row, column) for row, line in zip(ROWS, ("123A", "456B", "789C", "*0#D")) for column, key in zip(COLUMNS, line)}


class Hertz(int):
    """A tone that was heard; a failure says what was lost of it, too: a wrong tone is a fault of the node, a hole in it perhaps of the machine."""
    said = ""

    def __repr__(self):
        return f"{int(self)} Hz ({self.said})"


def stretches(packets):
    """[packets of which each follows the one before]: behind a loss, or another source's first one, the next stretch begins."""
    first, found = {}, []
    for packet in packets:
        first.setdefault(packet.ssrc, packet.seq)
    order = sorted(packets, key=lambda one: (list(first).index(one.ssrc), (one.seq - first[one.ssrc] + 0x8000) % 0x10000))
    for packet in order:
        last = found[-1][-1] if found else None
        if last and (packet.ssrc, packet.seq) == (last.ssrc, (last.seq + 1) % 0x10000):
            found[-1].append(packet)
        elif not last or (packet.ssrc, packet.seq) != (last.ssrc, last.seq):
            found.append([packet])
    return found


def holes(packets):
    """What lacks between packets, as a failure says it."""
    parts = stretches(packets)
    lost = sum((behind[0].seq - before[-1].seq - 1) % 0x10000 for before, behind in zip(parts, parts[1:]) if behind[0].ssrc == before[-1].ssrc)
    late = max((CLOCK.ran(a.at, b.at) for a, b in zip(packets, packets[1:])), default=0.0)
    return f"{len(packets)} packets, {lost} lost, none for {late:.2f} s once"


class Media:
    """One audio end on an even RTP port and the RTCP port above it."""

    def __init__(self, ports, address=PARTY, ssrc=None, opened=udp_socket):
        self.address, self.port, self._ports = address, ports.take(2), ports
        self.rtp, self.rtcp = (opened(address, self.port + i) for i in (0, 1))
        self.remote = None                      # set by use(sdp) or by hand
        self.codec, self.pt = PCMU, 0           # of the tone it sends, and of what it hears
        self.key_out = self.key_in = None       # SRTP: set the first before sdp(); use() sets the other
        self.highest, self.forged = None, 0
        self.ssrc = secrets.randbits(32) if ssrc is None else ssrc
        self.seq, self.ts = secrets.randbits(16), secrets.randbits(32)
        self.packets, self.rtcp_packets, self.strange = [], [], []
        self.sent, self.told = 0, 0             # told: audio packets that wait_tone() has looked at
        self._sending = None
        self._closed = False
        with STARTS:
            if not CLOCK.is_alive():
                CLOCK.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self):
        """Afterwards the reader has let go of the sockets: their numbers may be other files' at once, such as a pipe's."""
        self.stop()
        if self._closed:
            return
        self._closed = True
        for sock in (self.rtp, self.rtcp):
            with contextlib.suppress(OSError):  # not connected; it wakes the reader all the same
                sock.shutdown(socket.SHUT_RD)
        self._reader.join()
        self.rtp.close()
        self.rtcp.close()
        self._ports.give(self.port, 2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- SDP -----------------------------------------------------------------------------------
    def sdp(self, codecs=("0 PCMU/8000", "101 telephone-event/8000"), direction="sendrecv",
            extra="", version=1):
        """An offer or answer with one audio line."""
        types = " ".join(codec.split()[0] for codec in codecs)
        maps = "".join(f"a=rtpmap:{codec}\r\n" for codec in codecs)
        events = "".join(f"a=fmtp:{codec.split()[0]} 0-15\r\n" for codec in codecs
                         if "telephone-event" in codec)
        return (f"v=0\r\no=- {self.ssrc} {version} {sdp_address(self.address)}\r\ns=-\r\n"
                f"c={sdp_address(self.address)}\r\nt=0 0\r\n"
                f"m=audio {self.port} RTP/{'SAVP' if self.key_out else 'AVP'} {types}\r\n"
                f"{maps}{events}a=ptime:20\r\n{self.key_out.line() if self.key_out else ''}"
                f"a={direction}\r\n{extra}")

    def use(self, sdp):
        """Sends to the first audio line of this SDP from now on."""
        text = sdp if isinstance(sdp, str) else sdp.text
        host = re.search(r"^c=IN IP[46] (\S+)", text, re.M)[1]
        port = int(re.search(r"^m=audio (\d+)", text, re.M)[1])
        self.remote, self.key_in = (host, port), Key.of_sdp(text)
        return self

    # -- sending -------------------------------------------------------------------------------
    def send(self, payload, pt=None, marker=False, seq=None, ts=None, ssrc=None, to=None):
        """One RTP packet, with whatever fields the test wants to be wrong."""
        header = struct.pack("!BBHII", 0x80, (self.pt if pt is None else pt) | marker << 7,
                             (self.seq if seq is None else seq) & 0xffff,
                             (self.ts if ts is None else ts) & 0xffffffff,
                             self.ssrc if ssrc is None else ssrc)
        packet = header + payload
        if self.key_out:
            packet = self.key_out.protect(packet, self.seq if seq is None else seq)
        self.rtp.sendto(packet, to or self.remote)
        self.sent += 1
        if seq is None:
            self.seq += 1

    def start(self, hertz=440, frames=None):
        """Sends a tone, or these payloads again and again, every 20 ms until stop()."""
        stop = threading.Event()
        thread = threading.Thread(target=self._tone, args=(frames or self.codec.frames(hertz), stop), daemon=True)
        self._sending = (stop, thread)
        thread.start()
        return self

    def stop(self):
        if self._sending:
            self._sending[0].set()
            self._sending[1].join()
            self._sending = None

    def _tone(self, frames, stop):
        due, n = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            try:
                self.send(frames[n % len(frames)], marker=n == 0)
            except ConnectionError:             # ICMP: nobody listens, for now
                pass
            self.ts += self.codec.clock // FRAMES
            due, n = due + 1 / FRAMES, n + 1

    def digit(self, digit, pt=101, milliseconds=120, ends=3):
        """One RFC 4733 event: growing duration every 20 ms, the end thrice.  Stop the tone before."""
        event, start = DIGITS.index(digit), self.ts
        steps = milliseconds // 20
        for step in range(1, steps + 1):
            for _ in range(ends if step == steps else 1):
                end = 0x80 if step == steps else 0
                self.send(struct.pack("!BBH", event, end | 10, step * FRAME), pt, marker=step == 1,
                          ts=start)
            time.sleep(0.02)
        self.ts = start + steps * FRAME

    def press(self, keys, milliseconds=120):
        """Keys as tones in the sound, with as much silence behind each (ITU-T Q.23). Stop the tone before."""
        part = lambda hertz, n: math.sin(2 * math.pi * hertz * n / self.codec.rate)
        size = self.codec.rate * milliseconds // 1000
        pcm = [0] * size
        for key in keys:
            row, column = KEYS[key]
            pcm += [round(5000 * (part(row, n) + part(column, n))) for n in range(size)] + [0] * size
        stop, frames = threading.Event(), self.codec.coded(pcm)
        due = time.monotonic()
        for frame in frames:
            stop.wait(max(0.0, due - time.monotonic()))
            self.send(frame)
            self.ts += self.codec.clock // FRAMES
            due += 1 / FRAMES

    # -- receiving -----------------------------------------------------------------------------
    def _read(self):
        while not self._closed:
            try:
                ready, _, _ = select.select([self.rtp, self.rtcp], [], [])
                for sock in ready if not self._closed else ():
                    data, ancillary, _, source = sock.recvmsg(65536, 64)
                    self._keep(sock, data, source, tos_of(ancillary))
            except ConnectionError:
                continue
            except (OSError, ValueError):       # closed
                return

    def _keep(self, sock, data, source, tos):
        now = time.monotonic()
        if sock is self.rtcp or (len(data) > 1 and 192 <= data[1] <= 223):      # RFC 5761 4
            self.rtcp_packets.append((now, source, data))
        elif len(data) < 12 or data[0] >> 6 != 2:
            self.strange.append((now, source, data))
        elif self.key_in and not (data := self._opened(data)):
            self.forged += 1
        else:
            _, second, seq, ts, ssrc = struct.unpack("!BBHII", data[:12])
            start = 12 + 4 * (data[0] & 15)
            if data[0] & 0x10:                  # header extension
                start += 4 + 4 * struct.unpack("!H", data[start + 2:start + 4])[0]
            self.packets.append(Packet(now, source, second & 0x7f, bool(second & 0x80), seq, ts,
                                       ssrc, data[start:], tos))

    def _opened(self, data):
        packet, index = self.key_in.unprotect(data, self.highest) or (None, None)
        if packet:
            self.highest = index if self.highest is None else max(index, self.highest)
        return packet

    def audio(self, since=0.0):
        """Received packets that are no RFC 4733 event."""
        return [packet for packet in list(self.packets)
                if (packet.pt < 96 or packet.pt == self.pt) and packet.at >= since]

    def wait_packets(self, count, seconds=PATIENCE_S, since=None):
        """Waits for that many more audio packets."""
        since, end = since or time.monotonic(), time.monotonic() + seconds
        while len(self.audio(since)) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.audio(since))} of {count} packets in {seconds} s")
            time.sleep(0.01)

    def wait_tone(self, hertz, packets=20, anew=False):
        """Waits until so many audio packets in a row were this tone: behind those of the call before, or anew from now on.

        What counts is the order in which the tones came, and not when somebody looked.
        """
        if anew:
            self.told = len(self.audio())
        since = self.told
        until(lambda: self._finds(hertz, packets), lambda: f"{packets} packets of {hertz} Hz were waited for, and {self._in_a_row(hertz, since)} came "
              f"in a row, of {holes(self.audio()[since:])}; {self.heard()} at last")

    def _in_a_row(self, hertz, since):
        """The most of them that were this tone, each by itself."""
        most = now = 0
        for packet in self.audio()[since:]:
            now = now + 1 if self.share([packet], hertz) > 0.8 else 0
            most = max(most, now)
        return most

    def _finds(self, hertz, packets):
        audio = self.audio()
        while self.told + packets <= len(audio):
            if self.share(audio[self.told:self.told + packets], hertz) > 0.9:
                self.told += packets
                return True
            self.told += 1
        return False

    def share(self, packets, hertz):
        """That a tone within 3 Hz has of all power in them. What was lost between two is nothing of it: it is measured in each stretch."""
        of_it = total = count = 0.0
        for part in stretches(packets):
            samples = numpy.array(self.codec.samples([packet.payload for packet in part]), dtype=float)
            power = float(samples @ samples)
            turns = numpy.arange(len(samples)) * (2j * math.pi / self.codec.rate)
            of_it += max(2 * abs(samples @ numpy.exp(-turns * (hertz + off))) ** 2 / len(samples) for off in (-3, 0, 3)) if power else 0
            total, count = total + power, count + len(samples)
        return min(1.0, of_it / total) if total >= max(1, count) else 0.0      # silence

    def lost(self):
        """Gaps in the sequence of the last SSRC's packets."""
        if not self.packets:
            return 0
        ssrc = self.packets[-1].ssrc
        numbers, last = [], None
        for packet in [p for p in list(self.packets) if p.ssrc == ssrc]:
            last = packet.seq if last is None else last + ((packet.seq - last + 0x8000) % 0x10000
                                                           - 0x8000)
            numbers.append(last)
        return max(numbers) - min(numbers) + 1 - len(set(numbers))

    def gap(self, since=0.0):
        """The longest time between two audio packets, in seconds in which this process ran."""
        times = [packet.at for packet in self.audio(since)]
        return max((CLOCK.ran(a, b) for a, b in zip(times, times[1:])), default=0.0)

    def digits(self, pt=101):
        """Keys received as RFC 4733 events, one for each event timestamp."""
        seen, text = set(), ""
        for packet in list(self.packets):
            if packet.pt == pt and (packet.ssrc, packet.ts) not in seen:
                seen.add((packet.ssrc, packet.ts))
                text += DIGITS[packet.payload[0]]
        return text

    def wait_digits(self, wanted, pt=101):
        """Waits until as many keys are there, and a moment for those that come twice; all of them."""
        end = time.monotonic() + PATIENCE_S
        while len(self.digits(pt)) < len(wanted) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.2)
        return self.digits(pt)

    def tones(self, since=0.0):
        """Keys received as tones: 20 ms of the two of a key and of little else are a part of it."""
        audio = self.audio(since)
        pcm, text, before = self.codec.samples([packet.payload for packet in audio if packet.pt == self.pt]), "", None
        size = self.codec.rate // FRAMES
        for at in range(0, len(pcm) - size + 1, size):
            part = pcm[at:at + size]
            share = {hertz: tone.share(part, self.codec.rate, hertz) for hertz in ROWS + COLUMNS}
            row, column = max(ROWS, key=share.get), max(COLUMNS, key=share.get)
            now = (row, column) if min(share[row], share[column]) > 0.2 and share[row] + share[column] > 0.8 else None
            if now and now != before:
                text += next(key for key, both in KEYS.items() if both == now)
            before = now
        return text

    def is_tone(self, hertz, packets=15):
        """The last 0.3 s are this tone, and little else."""
        found = [packet for packet in self.audio()[-packets:] if packet.pt == self.pt]
        return bool(found) and self.share(found, hertz) > 0.8

    def heard(self, seconds=0.5):
        """(Hertz, share) of the strongest tone in the last half second: in its longest stretch without a loss."""
        found = [packet for packet in self.audio()[-int(seconds * FRAMES):] if packet.pt == self.pt]
        if not found:
            return Hertz(0), 0.0
        stretch = max(stretches(found), key=len)
        hertz, share = tone.loudest(self.codec.samples([packet.payload for packet in stretch]), self.codec.rate)
        hertz = Hertz(hertz)
        hertz.said = holes(found)
        return hertz, share
