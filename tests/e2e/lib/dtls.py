# SPDX-License-Identifier: Apache-2.0
"""One end of a DTLS-SRTP handshake (RFC 5764) over datagrams that its owner carries; DTLS 1.2 is libssl's.

With what a hostile end needs as well: a ClientHello alone, fragments that lie about themselves, messages that are too long.
"""
import ctypes
import hashlib
import os
import re
import secrets
import struct
import subprocess

from .srtp import Key

PROFILE = b"SRTP_AES128_CM_SHA1_80"             # the only one that lib/srtp.py speaks
MTU = 1200
CHANGE_CIPHER, HANDSHAKE, CLIENT_HELLO = 20, 22, 1
VERSION = 0xfefd
CTRL_SET_MTU, CTRL_MIN, CTRL_MAX, CTRL_TIMEOUT = 17, 123, 124, 74
NO_QUERY_MTU = 1 << 12
_ssl = ctypes.CDLL("libssl.so.3")
_crypto = ctypes.CDLL("libcrypto.so.3")
for _library, _names in ((_ssl, ("DTLS_method", "SSL_CTX_new", "SSL_new", "SSL_get1_peer_certificate",
                                 "SSL_get_selected_srtp_profile")),
                         (_crypto, ("BIO_new", "BIO_s_mem", "EVP_sha256"))):
    for _name in _names:
        getattr(_library, _name).restype = ctypes.c_void_p
for _name in ("SSL_CTX_ctrl", "SSL_ctrl"):
    getattr(_ssl, _name).restype = ctypes.c_long
    getattr(_ssl, _name).argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
_ssl.SSL_CTX_set_options.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
_ssl.SSL_set_bio.argtypes = [ctypes.c_void_p] * 3
_VERIFY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_take_any = _VERIFY(lambda _fine, _store: 1)      # judged by its fingerprint, later


def _pointer(value):
    return ctypes.c_void_p(value)


class Certificate:
    """A self-signed one with its key, in one file."""

    def __init__(self, folder, name="party", extra=()):
        self.path = os.path.join(folder, name + ".pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.path, "-out", self.path + ".crt", "-days", "2", "-subj", "/CN=" + name, *extra],
                       check=True, capture_output=True)
        with open(self.path, "a", encoding="ascii") as file, open(self.path + ".crt", encoding="ascii") as made:
            file.write(made.read())
        der = subprocess.run(["openssl", "x509", "-in", self.path, "-outform", "der"], check=True,
                             capture_output=True).stdout
        self.fingerprint = fingerprint_text(hashlib.sha256(der).digest())
        self.context = _context(self.path)


def fingerprint_text(digest):
    return ":".join(f"{octet:02X}" for octet in digest)


def _context(path):
    context = _pointer(_ssl.SSL_CTX_new(_pointer(_ssl.DTLS_method())))
    _ssl.SSL_CTX_set_options(context, NO_QUERY_MTU)
    for which in (CTRL_MIN, CTRL_MAX):
        _ssl.SSL_CTX_ctrl(context, which, VERSION, None)
    _ssl.SSL_CTX_set_verify(context, 3, _take_any)
    if (_ssl.SSL_CTX_use_certificate_file(context, path.encode(), 1) != 1
            or _ssl.SSL_CTX_use_PrivateKey_file(context, path.encode(), 1) != 1
            or _ssl.SSL_CTX_set_tlsext_use_srtp(context, PROFILE) != 0):
        raise OSError("libssl does not take " + path)
    return context


class Dtls:
    """receive() what came, send what take() returns, call tick() now and then; `keys` (out, in) when it is done."""

    def __init__(self, certificate, client, peer=None):
        self.client, self.peer, self.keys, self.failed = client, peer, None, False
        self.ssl = _pointer(_ssl.SSL_new(certificate.context))
        self._in, self._out = (_pointer(_crypto.BIO_new(_pointer(_crypto.BIO_s_mem()))) for _ in range(2))
        _ssl.SSL_set_bio(self.ssl, self._in, self._out)
        _ssl.SSL_ctrl(self.ssl, CTRL_SET_MTU, MTU, None)
        (_ssl.SSL_set_connect_state if client else _ssl.SSL_set_accept_state)(self.ssl)
        if client:
            self._step()

    def close(self):
        if self.ssl:
            _ssl.SSL_free(self.ssl)
        self.ssl = None

    def receive(self, datagram):
        _crypto.BIO_write(self._in, datagram, len(datagram))
        self._step()

    def tick(self):
        if not self.keys and not self.failed:
            _ssl.SSL_ctrl(self.ssl, CTRL_TIMEOUT, 0, None)

    def take(self):
        """Datagrams to send: whole records, up to the MTU."""
        memory, out = ctypes.create_string_buffer(65536), []
        n = _crypto.BIO_read(self._out, memory, len(memory))
        octets = memory.raw[:max(n, 0)]
        while octets:
            size = 13 + int.from_bytes(octets[11:13], "big")
            if out and len(out[-1]) + size <= MTU:
                out[-1] += octets[:size]
            else:
                out.append(octets[:size])
            octets = octets[size:]
        return out

    def _step(self):
        if self.keys:                           # our last flight again, if it is asked for
            _ssl.SSL_read(self.ssl, ctypes.create_string_buffer(1500), 1500)
            return
        done = _ssl.SSL_do_handshake(self.ssl)
        if done == 1:
            self._finish()
        else:
            self.failed = _ssl.SSL_get_error(self.ssl, done) == 1
        _crypto.ERR_clear_error()

    def _finish(self):
        theirs = _pointer(_ssl.SSL_get1_peer_certificate(self.ssl))
        digest, n = ctypes.create_string_buffer(64), ctypes.c_uint()
        _crypto.X509_digest(theirs, _pointer(_crypto.EVP_sha256()), digest, ctypes.byref(n))
        _crypto.X509_free(theirs)
        octets = ctypes.create_string_buffer(60)
        label = b"EXTRACTOR-dtls_srtp"
        if ((self.peer and fingerprint_text(digest.raw[:n.value]) != self.peer)
                or not _ssl.SSL_get_selected_srtp_profile(self.ssl)
                or _ssl.SSL_export_keying_material(self.ssl, octets, ctypes.c_size_t(60), label,
                                                   ctypes.c_size_t(len(label)), None, ctypes.c_size_t(0), 0) != 1):
            self.failed = True
            return
        client, server = (Key(octets.raw[at:at + 16] + octets.raw[32 + at * 14 // 16:][:14]) for at in (0, 16))
        self.keys = (client, server) if self.client else (server, client)


# -- hostile ---------------------------------------------------------------------------------------

def hello(certificate):
    """A ClientHello as any client sends it."""
    end = Dtls(certificate, client=True)
    datagram = end.take()[0]
    end.close()
    return datagram


def hopeless_hello():
    """A ClientHello with TLS_NULL_WITH_NULL_NULL alone, which ends the handshake that takes it."""
    body = struct.pack("!H", VERSION) + secrets.token_bytes(32) + b"\0\0" + b"\0\2\0\0" + b"\1\0"
    return fragment(body, len(body), 0, len(body))


def record(body, kind=HANDSHAKE, epoch=0, number=0, length=None):
    return (struct.pack("!BHHHIH", kind, VERSION, epoch, 0, number, len(body) if length is None else length) + body)


def fragment(body, length, offset, size, kind=CLIENT_HELLO, message=0):
    """A handshake fragment that says of itself what it is told to say (RFC 6347 4.2.2)."""
    def three(n):
        return n.to_bytes(3, "big")
    return record(bytes([kind]) + three(length) + struct.pack("!H", message) + three(offset) + three(size) + body)


def lies(source):
    """Handshakes that are too long, in too many pieces, or of which nothing is true."""
    body = source.randbytes(200)
    yield fragment(body, 0xffffff, 0, 200)
    yield fragment(body, 0xffffff, 0xffff00, 200)
    yield fragment(body, 100, 0, 200)
    yield fragment(body, 200, 150, 200)
    yield fragment(body, 400, 0, 0xffffff)
    yield fragment(body, 9000, 0, 200)
    yield fragment(b"", 0, 0, 0)
    yield fragment(b"", 60000, 30000, 0)
    yield fragment(body, 300, 100, 200, message=0xffff)
    yield fragment(body, 200, 0, 200, kind=source.choice((0, 2, 11, 14, 16, 20, 255)))
    yield record(body, length=0xffff)
    yield record(body, length=0)
    yield record(b"")
    yield record(body, epoch=1)
    yield record(body, kind=source.choice((20, 21, 23, 24, 63)), epoch=source.choice((0, 1, 0xffff)))
    yield record(b"\x02\x28", kind=21)          # a fatal alert
    yield b"".join(fragment(body[:20], 5000, 20 * i, 20) for i in range(30))


def is_dtls(datagram):
    return len(datagram) > 0 and 20 <= datagram[0] <= 63


def changes_cipher(datagram):
    """Is a ChangeCipherSpec in it, behind which there are keys?"""
    while len(datagram) > 13:
        if datagram[0] == CHANGE_CIPHER:
            return True
        datagram = datagram[13 + int.from_bytes(datagram[11:13], "big"):]
    return False


def fingerprint_of(sdp):
    found = re.search(r"^a=fingerprint:sha-256 ([0-9A-Fa-f:]+)", sdp, re.M)
    return found[1].upper() if found else None


def wrong_fingerprint():
    return fingerprint_text(secrets.token_bytes(32))
