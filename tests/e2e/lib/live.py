# SPDX-License-Identifier: Apache-2.0
"""An application of live sound: a WebSocket server that the node connects to (docs/guides/live-audio.md)."""
import base64
import hashlib
import json
import socket
import ssl
import threading
import time

from .websocket import BINARY, CLOSE, MAGIC, PING, PONG, TEXT, WebSocket, frame
from patience import until


class Stream(WebSocket):
    """One connection of the node; what came is in events and frames, with their times."""

    def __init__(self, sock):
        self.sock, self._data = sock, b""
        self.events, self.frames, self.reads = [], [], threading.Event()
        self.reads.set()
        self.open, self._lock = True, threading.Lock()
        self.lingers, self.close_code, self.end = 0, None, None    # for so long it speaks on behind the node's Close; then how it ended
        self.headers = self._admit()

    def _admit(self):
        while b"\r\n\r\n" not in self._data:
            if not self.feed():
                raise ConnectionError("no whole request")
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.path = lines[0].split(" ")[1]
        accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + MAGIC).digest())
        self.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        return headers

    def cut(self):
        """As of a WebSocket, but what comes is masked."""
        data = self._data
        if len(data) < 2:
            return None
        n, at = data[1] & 0x7f, 2
        if n >= 126:
            at = 4 if n == 126 else 10
            n = int.from_bytes(data[2:at], "big")
        if len(data) < at + 4 + n:
            return None
        key, body = data[at:at + 4], data[at + 4:at + 4 + n]
        self._data = data[at + 4 + n:]
        stream = (key * (n // 4 + 1))[:n]
        return data[0] & 0x0f, (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(n, "big")

    def say(self, octets, kind=BINARY):
        with self._lock:
            try:
                self.sock.sendall(frame(kind, octets, masked=False))
            except OSError:
                self.open = False

    def order(self, event, **members):
        self.say(json.dumps({"event": event, **members}).encode(), TEXT)

    def told(self, event):
        return [one for one in list(self.events) if one["event"] == event]

    def wait_told(self, event, count=1):
        until(lambda: len(self.told(event)) >= count, lambda: f"{count} {event}: {self.events}")
        return self.told(event)[count - 1]

    def part(self, payload):
        """As RFC 6455 7.1.1 has it: what was under way still goes, then our Close, then the node ends the connection."""
        self.close_code = int.from_bytes(payload[:2], "big")
        until = time.monotonic() + self.lingers
        try:
            while time.monotonic() < until:
                self.sock.sendall(frame(BINARY, bytes(640), masked=False))
                time.sleep(0.01)
            self.sock.sendall(frame(CLOSE, payload[:2], masked=False))
            self.sock.settimeout(3)
            while self.sock.recv(4096):
                pass
            self.end = "closed"
        except OSError as error:
            self.end = type(error).__name__

    def run(self, heard):
        while self.open:
            self.reads.wait()
            found = self.receive()
            if found is None:
                break
            kind, payload = found
            if kind == CLOSE:
                self.part(payload)
                break
            if kind == TEXT:
                self.events.append(json.loads(payload))
            elif kind == BINARY:
                self.frames.append((time.monotonic(), payload))
                heard(self, payload)
            elif kind == PING:
                self.say(payload, PONG)
        self.open = False
        self.sock.close()


class Application:
    """Listens; heard(stream, octets) is called with each frame."""

    def __init__(self, heard=lambda stream, octets: None, certificate=None, port=0):
        self.heard, self.streams, self.refused = heard, [], 0
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.sock = socket.create_server(("127.0.0.1", port))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)     # who does not read is slow soon
        self.port = self.sock.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            stream = Stream(sock)
        except (OSError, KeyError, IndexError):
            self.refused += 1
            sock.close()
            return
        self.streams.append(stream)
        stream.run(self.heard)

    def wait_stream(self, count=1):
        """The count-th connection, when it has said start."""
        until(lambda: len(self.streams) >= count, lambda: f"{len(self.streams)} of {count} connections")
        stream = self.streams[count - 1]
        stream.wait_told("start")
        return stream

    def drop(self):
        """All connections end at once, as of an application that died."""
        for stream in self.streams:
            stream.open = False
            try:
                stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """Its port is free when it returns."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)        # close alone would leave it to who waits in accept
        except OSError:
            pass
        self._thread.join()
        self.sock.close()
        self.drop()
