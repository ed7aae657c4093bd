# SPDX-License-Identifier: Apache-2.0
"""A look into a node's Redis."""
import socket


class RedisError(Exception):
    """Redis answered with an error."""


class Redis:
    """One connection to a Redis on a unix socket, as much of RESP2 as we need."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(5)
        self._socket.connect(path)
        self._file = self._socket.makefile("rb")

    def __call__(self, *words):
        """One command: redis("HGETALL", key).  Bulk strings come as str where they are UTF-8."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(
            b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._reply()

    def _reply(self):
        line = self._file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise ConnectionError("Redis closed the connection")

    def _bulk(self, length):
        data = self._file.read(length + 2)[:-2]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def close(self):
        self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
