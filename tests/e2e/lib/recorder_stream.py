# SPDX-License-Identifier: Apache-2.0
"""The same recorder over TLS: it listens, and takes one connection after the other."""
import select
import socket
import ssl

from .recorder import Recorder
from .sip import bracketed
from .stream import StreamAgent


class SecureRecorder(Recorder):
    transport, reliable = "TLS", True

    def __init__(self, node, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        super().__init__(node)

    @property
    def contact(self):
        return f"<sip:{self.number}@{bracketed(self.address)}:{self.port};transport=tls>"

    def _open(self, address, port):
        self.listener = socket.create_server((address, port))
        self.address, self.port = self.listener.getsockname()[:2]
        self.socket, self._data = self.listener, b""

    def send(self, message, to=None):
        self.socket.sendall(message.bytes())

    def _accept(self):
        self.socket, self._data = self._context.wrap_socket(self.listener.accept()[0], server_side=True), b""

    def _read(self):
        while not self._closed:
            connected = self.socket is not self.listener
            if not (connected and self.socket.pending()):
                ready, _, _ = select.select([self.listener] + [self.socket] * connected, [], [], 0.05)
                if self.listener in ready:
                    self._accept()
                if not connected or self.socket not in ready:
                    continue
            data = self.socket.recv(65536)
            if not data:
                self.socket.close()
                self.socket = self.listener
                continue
            self._data += data
            while StreamAgent._cut(self, self.socket):
                pass

    def close(self):
        super().close()
        self.listener.close()
