# SPDX-License-Identifier: Apache-2.0
"""SRTP with the AES-CM suites (RFC 3711) for a scripted end, and the SDES line that names its key (RFC 4568).

Written from the RFC alone, so that it is a second opinion on the node's.  AES is OpenSSL's.
"""
import base64
import ctypes
import hashlib
import hmac
import re
import secrets
import struct

SUITES = {"AES_CM_128_HMAC_SHA1_80": 10, "AES_CM_128_HMAC_SHA1_32": 4}     # length of the tag
_crypto = ctypes.CDLL("libcrypto.so.3")
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_ctr"):
    getattr(_crypto, _name).restype = ctypes.c_void_p


def aes_ctr(key, counter, data):
    """AES-128 in counter mode: `data` with the keystream from that 16-octet counter."""
    context = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
    _crypto.EVP_EncryptInit_ex(context, ctypes.c_void_p(_crypto.EVP_aes_128_ctr()), None, key, counter)
    out, size = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int()
    _crypto.EVP_EncryptUpdate(context, out, ctypes.byref(size), data, len(data))
    _crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[:size.value]


def derive(master, salt, label, size):
    """RFC 3711 4.3, key derivation rate 0."""
    start = int.from_bytes(salt, "big") ^ label << 48
    return aes_ctr(master, (start << 16).to_bytes(16, "big"), bytes(size))


class Key:
    """One direction's master key and salt, and what follows from them."""

    def __init__(self, octets=None, suite="AES_CM_128_HMAC_SHA1_80"):
        self.octets, self.suite = octets or secrets.token_bytes(30), suite
        master, salt = self.octets[:16], self.octets[16:]
        self.cipher, self.auth, self.salt = (derive(master, salt, label, size)
                                             for label, size in ((0, 16), (1, 20), (2, 14)))
        self.tag = SUITES[suite]
        self.rtcp_cipher, self.rtcp_auth, self.rtcp_salt = (derive(master, salt, label, size)
                                                            for label, size in ((3, 16), (4, 20), (5, 14)))

    @classmethod
    def of_sdp(cls, text):
        """The key of the first a=crypto line; None without one."""
        found = re.search(r"^a=crypto:\d+ (\S+) inline:([A-Za-z0-9+/=]+)", text, re.M)
        return cls(base64.b64decode(found[2]), found[1]) if found else None

    def line(self, tag=1):
        return f"a=crypto:{tag} {self.suite} inline:{base64.b64encode(self.octets).decode()}\r\n"

    def _stream(self, ssrc, index, data, cipher=None, salt=None):
        start = int.from_bytes(salt or self.salt, "big") ^ ssrc << 48 ^ index       # RFC 3711 4.1.1
        return aes_ctr(cipher or self.cipher, (start << 16).to_bytes(16, "big"), data)

    def _tag(self, packet, index):
        return hmac.new(self.auth, packet + struct.pack("!I", index >> 16), hashlib.sha1).digest()[:self.tag]

    def protect(self, packet, index):
        """RTP without CSRCs and extension, index ROC << 16 | SEQ."""
        ssrc = int.from_bytes(packet[8:12], "big")
        packet = packet[:12] + self._stream(ssrc, index, packet[12:])
        return packet + self._tag(packet, index)

    def unprotect(self, packet, highest=None):
        """(RTP, index), or None if it is not authentic.  `highest`: the greatest index so far."""
        packet, tag = packet[:-self.tag], packet[-self.tag:]
        seq, ssrc = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")
        roc = 0 if highest is None else highest >> 16
        for guess in (roc, roc + 1, max(0, roc - 1)):
            index = guess << 16 | seq
            if hmac.compare_digest(self._tag(packet, index), tag):
                return packet[:12] + self._stream(ssrc, index, packet[12:]), index
        return None

    def protect_rtcp(self, packet, index):
        """SRTCP of an RTCP packet, encrypted."""
        ssrc = int.from_bytes(packet[4:8], "big")
        packet = packet[:8] + self._stream(ssrc, index, packet[8:], self.rtcp_cipher, self.rtcp_salt)
        packet += struct.pack("!I", 1 << 31 | index)
        return packet + hmac.new(self.rtcp_auth, packet, hashlib.sha1).digest()[:10]

    def unprotect_rtcp(self, packet):
        """RTCP of an SRTCP packet (RFC 3711 3.4); None if it is not authentic."""
        packet, tag = packet[:-10], packet[-10:]        # of 80 bits whatever the suite (RFC 4568 6.2)
        if not hmac.compare_digest(hmac.new(self.rtcp_auth, packet, hashlib.sha1).digest()[:10], tag):
            return None
        ssrc, index = int.from_bytes(packet[4:8], "big"), int.from_bytes(packet[-4:], "big") & 0x7fffffff
        return packet[:8] + self._stream(ssrc, index, packet[8:-4], self.rtcp_cipher, self.rtcp_salt)
