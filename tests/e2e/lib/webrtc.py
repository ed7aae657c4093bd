# SPDX-License-Identifier: Apache-2.0
"""A scripted WebRTC end: ICE checks (RFC 8445), DTLS-SRTP, rtcp-mux on one port.  Audio as lib/media.py's."""
import hashlib
import hmac
import re
import secrets
import struct
import threading
import time
import zlib

from .dtls import Dtls, changes_cipher, fingerprint_of, is_dtls
from .media import Media, sdp_address
from patience import PATIENCE_S

COOKIE = 0x2112a442
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
USERNAME, INTEGRITY, PRIORITY, NOMINATE, FINGERPRINT, CONTROLLING = 0x06, 0x08, 0x24, 0x25, 0x8028, 0x802a
CHECK_S, CONSENT_S = 0.05, 2.0


def attribute(kind, value, length=None):
    return struct.pack("!HH", kind, len(value) if length is None else length) + value + bytes(-len(value) % 4)


def check(username, password, nominate=True, fingerprint=True, extra=b"", integrity=None):
    """A binding request; extra: attributes before the integrity, integrity: in place of the right one."""
    body = attribute(USERNAME, username.encode()) + attribute(PRIORITY, struct.pack("!I", 0x6e7f1eff))
    body += attribute(CONTROLLING, secrets.token_bytes(8)) + (attribute(NOMINATE, b"") if nominate else b"") + extra
    transaction = secrets.token_bytes(12)

    def head(more):
        return struct.pack("!HHI", REQUEST, len(body) + more, COOKIE) + transaction
    if integrity is None:
        integrity = hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest()
    body += attribute(INTEGRITY, integrity)
    if fingerprint:
        body += attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(head(8) + body) ^ 0x5354554e))
    return head(0) + body


class WebRtc(Media):
    """ice: without it, it is a phone that has DTLS-SRTP alone.  hold: nothing of a handshake before go().
    deaf: what would let the handshake end is lost, as long as that is set; missed: so many datagrams."""

    def __init__(self, ports, certificate, ice=True, hold=False, **options):
        self.certificate, self.ice, self.held = certificate, ice, hold
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.theirs, self.active, self.peer, self.dtls = None, None, None, None
        self.checked, self.dtls_heard = 0, []   # success responses; (when, source) of datagrams of handshakes
        self.dtls_sent, self.missed, self.deaf = 0, 0, False
        self._next_check = 0.0
        self._lock, self._closed = threading.RLock(), False
        super().__init__(ports, **options)
        self.seq = secrets.randbits(14)         # RFC 3711: the index of the first packet is known
        threading.Thread(target=self._tick, daemon=True).start()

    def close(self):
        self._closed = True
        super().close()

    # -- SDP -----------------------------------------------------------------------------------
    def sdp(self, setup="actpass", fingerprint=None, version=1, **_):
        self.active = setup == "active"
        ice = f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.password}\r\na=candidate:1 1 UDP 2130706431 " \
              f"{self.address} {self.port} typ host\r\n" if self.ice else ""
        return (f"v=0\r\no=- {self.ssrc} {version} {sdp_address(self.address)}\r\ns=-\r\n"
                f"c={sdp_address(self.address)}\r\nt=0 0\r\nm=audio {self.port} UDP/TLS/RTP/SAVP{'F' if self.ice else ''} 0\r\n"
                f"a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=mid:0\r\na=rtcp-mux\r\n{ice}a=setup:{setup}\r\n"
                f"a=fingerprint:sha-256 {fingerprint or self.certificate.fingerprint}\r\na=sendrecv\r\n")

    def use(self, sdp):
        text = sdp if isinstance(sdp, str) else sdp.text
        host = re.search(r"^c=IN IP[46] (\S+)", text, re.M)[1]
        setup = re.search(r"^a=setup:(\S+)", text, re.M)[1]
        with self._lock:
            self.remote = (host, int(re.search(r"^m=audio (\d+)", text, re.M)[1]))
            if self.ice:
                self.theirs = [re.search(rf"^a=ice-{name}:(\S+)", text, re.M)[1] for name in ("ufrag", "pwd")]
            self.active = self.active or setup == "passive"
            self.peer = fingerprint_of(text)
            self._next_check = 0.0
        return self

    def go(self):
        self.held = False
        return self

    def again(self):
        """A handshake from the beginning."""
        with self._lock:
            self.dtls = self.key_out = self.key_in = self.highest = None
        return self

    def wait_keys(self, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not self.key_out:
            if time.monotonic() > end or (self.dtls and self.dtls.failed):
                raise AssertionError(f"no keys: {self.checked} checks answered, "
                                     f"{len(self.dtls_heard)} datagrams of a handshake heard")
            time.sleep(0.01)
        time.sleep(0.1)                         # the other end has them, too
        return self

    # -- wire ----------------------------------------------------------------------------------
    def send(self, payload, *args, **options):
        if not self.key_out:
            raise AssertionError("no keys yet: it would be sent in clear")
        super().send(payload, *args, **options)

    def protected(self):
        """The packet that would be sent next: for whoever wants to send it in another's place."""
        head = struct.pack("!BBHII", 0x80, 0, self.seq & 0xffff, self.ts & 0xffffffff, self.ssrc)
        return self.key_out.protect(head + bytes(160), self.seq)

    def _tick(self):
        while not self._closed:
            time.sleep(0.02)
            with self._lock:
                now = time.monotonic()
                if self.theirs and now >= self._next_check:
                    self._next_check = now + (CONSENT_S if self.checked else CHECK_S)
                    self._out(check(f"{self.theirs[0]}:{self.ufrag}", self.theirs[1]))
                if self.remote and not self.dtls and self._may_begin():
                    self.dtls = Dtls(self.certificate, True, self.peer)
                elif self.dtls:
                    self.dtls.tick()
                self._flush()

    def _may_begin(self):
        return self.active and not self.held and (self.checked or not self.ice)

    def _flush(self):
        for datagram in self.dtls.take() if self.dtls else ():
            self._out(datagram)
            self.dtls_sent += 1
        if self.dtls and self.dtls.keys and not self.key_out:
            self.key_in, self.key_out = self.dtls.keys[1], self.dtls.keys[0]

    def _out(self, datagram):
        try:
            self.rtp.sendto(datagram, self.remote)
        except OSError:                         # closed, or ICMP
            pass

    def _keep(self, sock, data, source, tos):
        if sock is self.rtp and data and data[0] < 4:
            kind = int.from_bytes(data[:2], "big")
            self.checked += kind == SUCCESS
            if kind not in (SUCCESS, ERROR):
                self.strange.append((time.monotonic(), source, data))
            return
        if is_dtls(data):
            if self.deaf and changes_cipher(data):
                self.missed += 1
                return
            with self._lock:
                self.dtls_heard.append((time.monotonic(), source))
                if not self.dtls and not self.active and not self.held:
                    self.dtls = Dtls(self.certificate, False, self.peer)
                if self.dtls and source == self.remote:
                    self.dtls.receive(data)
                    self._flush()
            return
        super()._keep(sock, data, source, tos)

