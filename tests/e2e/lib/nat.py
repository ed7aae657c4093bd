# SPDX-License-Identifier: Apache-2.0
"""A NAT of ours: who sends to it is seen by the node at another address, and hears from there only."""
import select
import socket
import threading

from .media import udp_socket

INSIDE, OUTSIDE = "127.0.0.21", "127.0.0.22"    # where its phones are, and what the node sees


class Socket:
    """An inner socket whose packets take the gates by themselves."""

    def __init__(self, sock, nat):
        self._socket, self._nat = sock, nat
        self.fileno, self.getsockname = sock.fileno, sock.getsockname
        self.shutdown, self.close = sock.shutdown, sock.close

    def sendto(self, data, to):
        return self._socket.sendto(data, self._nat.gate(to))

    def recvmsg(self, *sizes):
        data, ancillary, flags, source = self._socket.recvmsg(*sizes)
        return data, ancillary, flags, self._nat.behind(source)


class Nat:
    """Each inner port that sends gets an outer port of its own, for all destinations (RFC 4787 4.1)."""
    node, public, outside, inside = "127.0.0.1", OUTSIDE, "127.0.0.24", (INSIDE, "127.0.0.23")
    command = ()                        # what runs the node begins with

    def __init__(self):
        self._gates = {}                # inner socket -> destination it stands for
        self._outer = {}                # inner (address, port) -> outer socket
        self._back = {}                 # outer socket -> inner (address, port)
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def gate(self, destination):
        """(address, port) inside; what is sent there leaves for the destination."""
        for sock, place in list(self._gates.items()):
            if place == destination:
                return sock.getsockname()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((INSIDE, 0))
        self._gates[sock] = destination
        return sock.getsockname()

    def behind(self, gate):
        """The destination that a gate stands for."""
        return next((place for sock, place in list(self._gates.items()) if sock.getsockname() == gate), gate)

    def open(self, address, port=0):
        """A UDP socket; on an inner host, one to which the NAT is not to be seen."""
        sock = udp_socket(address, port)
        return Socket(sock, self) if address in self.inside else sock

    def _run(self):
        while not self._closed:
            for sock in select.select([*self._gates, *self._back], [], [], 0.02)[0]:
                try:
                    data, source = sock.recvfrom(65536)
                    self._pass(sock, data, source)
                except OSError:         # ICMP
                    pass

    def _pass(self, sock, data, source):
        if sock in self._back:          # comes in: only from a gate's destination
            inner = next((gate for gate, place in list(self._gates.items()) if place == source), None)
            if inner:
                inner.sendto(data, self._back[sock])
            return
        if source not in self._outer:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((OUTSIDE, 0))
            self._outer[source], self._back[made] = made, source
        self._outer[source].sendto(data, self._gates[sock])

    def close(self):
        self._closed = True
        self._thread.join()
        for sock in (*self._gates, *self._back):
            sock.close()
