# SPDX-License-Identifier: Apache-2.0
"""Servers that say one thing to whoever asks, and environments that would send a program to them."""
import contextlib
import os
import socket
import threading


class Answers:
    """A server that answers each request with the same octets."""

    def __init__(self, answer):
        self.answer, self.came = answer, b""
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = peer.recv(4096)
                    if not piece:
                        break
                    data += piece
                self.came += data
                peer.sendall(self.answer)

    def close(self):
        self.sock.close()


@contextlib.contextmanager
def proxies(port):
    """Programs that are started meanwhile have it as a proxy in their environment."""
    names = [name for word in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy") for name in (word, word.upper())]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: f"http://127.0.0.1:{port}" for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
