# SPDX-License-Identifier: Apache-2.0
"""A 1:1 NAT in front of the node, as those outside of it see it: only the public address is there.

Everything a phone outside sends to the public address reaches the node at its own one, with the phone's source; what
comes from the node comes from the public address.  So ports are kept, and nobody needs the right to make a real one.
"""
import errno
import socket

from .media import Media, udp_socket
from .sip import UserAgent
from .stream import StreamAgent
from patience import PATIENCE_S


class Socket:
    """A UDP socket outside.  `leaks`: packets to the node's own address, which from outside lead nowhere."""

    def __init__(self, sock, nat):
        self._socket, self._nat, self.leaks = sock, nat, []
        self.fileno, self.getsockname = sock.fileno, sock.getsockname
        self.shutdown, self.close = sock.shutdown, sock.close

    def sendto(self, data, to):
        if to[0] == self._nat.inside != self._nat.public:
            self.leaks.append(to)
            raise OSError(errno.EHOSTUNREACH, "the node's own address is not to be reached from outside")
        return self._socket.sendto(data, self._nat.inwards(to))

    def recvmsg(self, *sizes):
        data, ancillary, flags, source = self._socket.recvmsg(*sizes)
        return data, ancillary, flags, self._nat.outwards(source)


class StaticNat:
    """`inside`: what the node is bound to; `public`: what it advertises, which may be the same."""

    def __init__(self, inside, public):
        self.inside, self.public = inside, public

    def inwards(self, place):
        return (self.inside, *place[1:]) if place[0] == self.public else place

    def outwards(self, place):
        return (self.public, *place[1:]) if place[0] == self.inside else place

    def user_agent(self, port, *account, address):
        """A scripted phone outside, whose server is that port of the public address."""
        return OutsideAgent(self, (self.public, port), *account, address=address)

    def stream_agent(self, port, *account, address):
        """The same over TCP."""
        return OutsideStream(self, (self.public, port), *account, address=address)

    def media(self, ports, address):
        return Media(ports, address, opened=lambda *place: Socket(udp_socket(*place), self))


class OutsideAgent(UserAgent):
    def __init__(self, nat, *arguments, **options):
        self._nat = nat
        super().__init__(*arguments, **options)

    def _open(self, address, port):
        super()._open(address, port)
        self.socket = Socket(self.socket, self._nat)


class OutsideStream(StreamAgent):
    def __init__(self, nat, *arguments, **options):
        self._nat = nat
        super().__init__(*arguments, **options)

    def _connect(self, address, port):
        return socket.create_connection(self._nat.inwards(self.server), timeout=PATIENCE_S, source_address=(address, port))
