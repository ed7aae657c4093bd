# SPDX-License-Identifier: Apache-2.0
"""A scripted SIP user agent over TCP or TLS: one connection to the node, on which everything goes and comes."""
import re
import select
import socket
import ssl
import threading
import time

from .message import Message
from .sip import UserAgent, bracketed
from patience import PATIENCE_S

KEEPALIVE, PONG = b"\r\n\r\n", b"\r\n"      # RFC 5626 3.5.1


class StreamAgent(UserAgent):
    """As UserAgent, but requests are never sent again.  reconnect() after the connection was lost."""
    reliable = True

    def __init__(self, server, number="", password="", address="127.0.0.1", authority=None):
        """authority: the file of the CA to believe makes it TLS."""
        self.transport = "TLS" if authority else "TCP"
        self._context = ssl.create_default_context(cafile=authority) if authority else None
        self._data, self.lost, self.listening = b"", False, 0
        self.inner = None                       # behind a NAT: where it believes to be
        self._lock = threading.Lock()           # OpenSSL has no thread of its own
        super().__init__(server, number, password, address)

    @property
    def contact(self):
        """The port where a phone would listen stays what it is, whatever its connections come from."""
        host = bracketed(self.inner or self.address)
        return f"<sip:{self.number}@{host}:{self.listening};transport={self.transport.lower()}>"

    def _connect(self, address, port):
        return socket.create_connection(self.server, timeout=PATIENCE_S, source_address=(address, port))

    def _open(self, address, port):
        sock = self._connect(address, port)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address, self.port = sock.getsockname()[:2]
        self.listening = self.listening or self.port
        self.socket = self._context.wrap_socket(sock, server_hostname=self.server[0]) if self._context else sock

    def reconnect(self, seconds=PATIENCE_S):
        """A new connection from another port, as soon as the node takes it."""
        end = time.monotonic() + seconds
        while True:
            try:
                self._open(self.address, 0)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self._data, self.lost = b"", False

    def send(self, message, to=None):
        with self._lock:
            self.socket.sendall(message.bytes() if isinstance(message, Message) else message)

    def _read(self):
        while not self._closed:
            if self.lost:
                time.sleep(0.01)
                continue
            sock = self.socket
            try:
                if not (self._context and sock.pending()) and not select.select([sock], [], [], 0.05)[0]:
                    continue
                with self._lock:
                    data = sock.recv(65536)
            except (OSError, ValueError):
                data = b""
            if sock is not self.socket:         # reconnect() came between
                continue
            self.lost = not data
            self._data += data
            while self._cut(sock):
                pass

    def _cut(self, sock):
        """Takes one message off the stream (RFC 3261 18.3); False: there is none that is whole."""
        self._data = self._data.lstrip(PONG)    # as many as came, and other empty lines (RFC 3261 7.5)
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return False
        size = re.search(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head, re.M | re.I)
        size = int(size[1]) if size else 0
        if len(rest) < size:
            return False
        self._data = rest[size:]
        self._keep(head + end + rest[:size], sock.getpeername()[:2])
        return True
