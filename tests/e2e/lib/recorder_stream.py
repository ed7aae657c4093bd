# SPDX-License-Identifier: Apache-2.0
"""The same recorder over TCP and TLS: it listens, and takes one connection after the other."""
import select
import socket
import ssl

from .recorder import Recorder
from .sip import bracketed
from .stream import StreamAgent


class StreamRecorder(Recorder):
    transport, reliable = "TCP", True

    def __init__(self, node):
        self.connections = 0
        super().__init__(node)

    @property
    def contact(self):
        return f"<sip:{self.number}@{bracketed(self.address)}:{self.port};transport={self.transport.lower()}>"

    def _open(self, address, port):
        self.listener = socket.create_server((address, port))
        self.address, self.port = self.listener.getsockname()[:2]
        self.socket, self._data = self.listener, b""

    def send(self, message, to=None):
        self.socket.sendall(message.bytes())

    def _wrap(self, sock):
        return sock

    def _waits(self):
        return False

    def _accept(self):
        self.socket, self._data = self._wrap(self.listener.accept()[0]), b""
        self.connections += 1

    def _read(self):
        while not self._closed:
            connected = self.socket is not self.listener
            if not (connected and self._waits()):
                ready, _, _ = select.select([self.listener] + [self.socket] * connected, [], [], 0.05)
                if self.listener in ready:
                    self._accept()
                if not connected or self.socket not in ready:
                    continue
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.socket.close()
                self.socket = self.listener
                continue
            self._data += data
            while StreamAgent._cut(self, self.socket):
                pass

    def breaks(self):
        """The connection is gone, as where a firewall forgets it: RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.shutdown(socket.SHUT_RDWR)

    def close(self):
        super().close()
        self.listener.close()


class SecureRecorder(StreamRecorder):
    transport = "TLS"

    def __init__(self, node, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        super().__init__(node)

    def _wrap(self, sock):
        return self._context.wrap_socket(sock, server_side=True)

    def _waits(self):
        return self.socket.pending()
