# SPDX-License-Identifier: Apache-2.0
"""WebSockets (RFC 6455) of our own, down to the octets of a frame, and a scripted SIP user agent on one (RFC 7118)."""
import base64
import hashlib
import secrets
import select
import socket
import ssl
import threading
import time

from .message import Message
from .sip import UserAgent
from patience import PATIENCE_S

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEEPALIVE = b"\r\n"                             # what a CRLF CRLF is answered with (RFC 5626 3.5.1)


class Refused(ConnectionError):
    """The handshake's answer was not 101; .status: what it was, None: none at all."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def frame(kind, payload, final=True, masked=True, length=None, reserved=0):
    """One frame as octets; length: what it says, if not the truth."""
    n = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    size = bytes([bit | n]) if n < 126 else bytes([bit | 126]) + n.to_bytes(2, "big") if n < 65536 else \
        bytes([bit | 127]) + n.to_bytes(8, "big")
    head = bytes([(0x80 if final else 0) | reserved << 4 | kind]) + size
    if not masked:
        return head + payload
    key = secrets.token_bytes(4)
    stream = (key * (len(payload) // 4 + 1))[:len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return head + key + mixed.to_bytes(len(payload), "big")


class WebSocket:
    """One connection after its handshake.  Reads block up to `seconds`."""

    def __init__(self, server, authority=None, path="/ws", protocol="sip", origin=None, host=None, seconds=PATIENCE_S,
                 source="127.0.0.1", port=0):
        self.sock = socket.create_connection(server, timeout=seconds, source_address=(source, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = self.sock.getsockname()[:2]
        self._data = b""
        try:
            if authority:
                context = ssl.create_default_context(cafile=authority)
                self.sock = context.wrap_socket(self.sock, server_hostname=server[0])
            self._handshake(host or "%s:%d" % server, path, protocol, origin)
        except BaseException:
            self.sock.close()
            raise

    def _handshake(self, host, path, protocol, origin):
        key = base64.b64encode(secrets.token_bytes(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key.decode()}", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []
        lines += [f"Origin: {origin}"] if origin else []
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._data:
            try:
                data = self.sock.recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                break
            self._data += data
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        if len(words) < 2 or words[1] != b"101":
            raise Refused(int(words[1]) if len(words) > 1 else None, (head + self._data).decode(errors="replace"))
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        if b"Sec-WebSocket-Accept: " + accept not in head.replace(b"sec-websocket-accept", b"Sec-WebSocket-Accept"):
            raise Refused(101, "the key was not answered")
        self.protocol = next((line.split(b":")[1].strip().decode() for line in head.split(b"\r\n")
                              if line.lower().startswith(b"sec-websocket-protocol:")), None)

    def send(self, payload, kind=TEXT):
        self.sock.sendall(frame(kind, payload))

    def cut(self):
        """(kind, payload) of a whole frame that has come, None: there is none."""
        data = self._data
        if len(data) < 2:
            return None
        n, at = data[1] & 0x7f, 2
        if n >= 126:
            at = 4 if n == 126 else 10
            n = int.from_bytes(data[2:at], "big")
        if len(data) < at + n:
            return None
        self._data = data[at + n:]
        return data[0] & 0x0f, data[at:at + n]

    def feed(self):
        """Reads once; False: the other side has closed."""
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        self._data += data
        return bool(data)

    def receive(self):
        """(kind, payload) of the next frame; None: closed."""
        while True:
            found = self.cut()
            if found:
                return found
            if not self.feed():
                return None

    def closed(self, seconds=PATIENCE_S):
        """Waits for the end; the status of its close frame, 0: it had none."""
        self.sock.settimeout(seconds)
        while True:
            found = self.receive()
            if found is None:
                return 0
            if found[0] == CLOSE:
                return int.from_bytes(found[1][:2], "big")

    def parts(self, seconds, what=b""):
        """Says that until so long after the other side's Close, and then Close (RFC 6455 7.1.1): the status of its Close, and how the connection ended."""
        status = self.closed()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.sock.sendall(what)
                time.sleep(0.01)
            self.sock.sendall(frame(CLOSE, (status or 1000).to_bytes(2, "big")))
            self.sock.settimeout(3)
            while self.sock.recv(4096):
                pass
            return status, "closed"
        except OSError as error:
            return status, type(error).__name__

    def close(self):
        self.sock.close()


class WebSocketAgent(UserAgent):
    """As a browser's: it has no address that anybody could reach (RFC 7118 A), and is known again by its instance."""
    reliable = True

    def __init__(self, server, number="", password="", authority=None, source="127.0.0.1"):
        self.transport = "WSS" if authority else "WS"
        self._authority, self._source = authority, source
        self.host = secrets.token_hex(6) + ".invalid"
        self.instance = f"urn:uuid:{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}"
        self.pings, self.pongs, self.lost, self.kind = 0, 0, False, TEXT
        self._lock = threading.Lock()           # OpenSSL has no thread of its own
        super().__init__(server, number, password)

    @property
    def host_port(self):
        return self.host

    @property
    def contact(self):
        return (f'<sip:{self.number}@{self.host};transport=ws>;reg-id=1;+sip.instance="<{self.instance}>"')

    def register(self, *args, headers=(), **options):
        return super().register(*args, headers=[("Supported", "path, outbound, gruu"), *headers], **options)

    def _open(self, _address, _port):
        self.web = WebSocket(self.server, self._authority, source=self._source)
        self.socket = self.web.sock
        self.address, self.port = self.web.address

    def reconnect(self, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        self.socket.close()
        while True:
            try:
                self._open(None, 0)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self.lost = False

    def send(self, message, to=None):
        self.send_octets(frame(self.kind, message.bytes() if isinstance(message, Message) else message))

    def send_octets(self, octets):
        with self._lock:
            self.socket.sendall(octets)

    def _read(self):
        while not self._closed:
            if self.lost:
                time.sleep(0.01)
                continue
            web, sock = self.web, self.socket
            try:
                if not (self._authority and sock.pending()) and not select.select([sock], [], [], 0.05)[0]:
                    continue
                with self._lock:
                    fine = web.feed()
            except (OSError, ValueError):
                fine = False
            while (found := web.cut()):
                self._one(*found)
            if web is self.web:                 # reconnect() may have come between
                self.lost = not fine

    def _one(self, kind, payload):
        if kind == PING:
            self.pings += 1
            self.send_octets(frame(PONG, payload))
        elif payload == KEEPALIVE:
            self.pongs += 1
        elif kind in (TEXT, BINARY):
            self._keep(payload, self.server)
