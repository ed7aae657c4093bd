# SPDX-License-Identifier: Apache-2.0
"""Several phones behind one public address: whom the node sees there differ by their ports alone."""
import socket
import time
import unittest

from lib.masquerade import Masquerade
from lib.media import Media
from lib.nat import Nat
from lib.node import Node
from lib.sip import UserAgent
from lib.talk import Talk
from patience import PATIENCE_S


class FarNode(Node):
    """A node at the far end of a wire, or where all others are."""

    def __init__(self, nat):
        self.nat = nat
        super().__init__(start=False)
        self.configure({"networks": [{"name": "main", "bind": nat.node, "sip_ports": [self.sip_port],
                                      "media_ports": self.media_ports}], "http": {"bind": nat.node}})
        try:
            self.start()
        except BaseException:
            self.close(check=False)
            raise

    def start(self, seconds=PATIENCE_S, wrapper=()):
        super().start(seconds, (*self.nat.command, *wrapper))

    def http(self, path):
        with socket.create_connection((self.nat.node, self.http_port), 5) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


class Agent(UserAgent):
    """With sockets that the NAT opens."""

    def __init__(self, nat, *arguments, **options):
        self._nat = nat
        super().__init__(*arguments, **options)

    def _open(self, address, port):
        self.socket = self._nat.open(address, port)
        self.address, self.port = self.socket.getsockname()[:2]


class SamePorts:
    """Phones of one make: each takes the same ports of its own host."""

    def __init__(self, ports):
        self.first = ports.take(2)

    def take(self, _count=1):
        return self.first

    def give(self, first, count=1):
        pass


class OnePublicAddress(Talk):
    """a and b are behind it, c and d are not."""
    nat = None

    @classmethod
    def setUpClass(cls):
        cls.at = cls.nat()
        cls.addClassCleanup(cls.at.close)
        cls.node = FarNode(cls.at)
        cls.addClassCleanup(cls.node.close)
        sip, rtp = cls.node.ports.take(), SamePorts(cls.node.ports)
        cls.a, cls.b = (cls.phone(number, host, sip, rtp) for number, host in zip(("1001", "1002"), cls.at.inside))
        cls.c, cls.d = (cls.phone(number, cls.at.outside, 0, cls.node.ports) for number in ("1003", "1004"))

    def tearDown(self):
        for agent in (self.a, self.b, self.c, self.d):
            agent.audio.stop()
        for row in self.node.ctl("call.list"):
            self.node.ctl("call.hangup", call=row["id"])

    @classmethod
    def phone(cls, number, host, port, rtp):
        """A registered phone with an RTP end."""
        cls.node.put_extension(number, "secret" + number)
        agent = Agent(cls.at, (cls.at.node, cls.node.sip_port), number, "secret" + number, address=host, port=port)
        cls.addClassCleanup(agent.close)
        agent.audio = Media(rtp, host, opened=cls.at.open)
        cls.addClassCleanup(agent.audio.close)
        assert agent.register().status == 200
        return agent

    def sources(self, call, legs):
        """(address, port) that each leg's media is sent to: where it comes from."""
        flows = self.node.ctl("call.show", call=call)["flows"]
        found = {flow["leg"]: flow["latched"].rsplit(":", 1) for flow in flows}
        return [(found[leg][0], int(found[leg][1])) for leg in legs]

    def sent_where_it_comes_from(self, *agents):
        """The parties of the one call: no two places, and none that only its SDP names."""
        [call] = self.node.ctl("call.list")
        seen = self.sources(call["id"], "ab")
        self.assertEqual(len(set(seen)), 2)
        for agent, place in zip(agents, seen):
            if agent in (self.a, self.b):
                self.assertEqual(place[0], self.at.public)
                self.assertNotEqual(place[1], agent.audio.port)
            else:
                self.assertEqual(place, (self.at.outside, agent.audio.port))

    def hang_up(self, first, second, left=0):
        """So many calls are left then."""
        first.bye()
        second.wait_bye()
        end = time.monotonic() + PATIENCE_S
        while len(self.node.ctl("call.list", ending=True)) > left:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def whole_call(self, caller, callee, callee_ends):
        out, into = self.call(caller, callee)
        self.tones(caller, callee)
        self.sent_where_it_comes_from(caller, callee)
        self.hang_up(*((into, out) if callee_ends else (out, into)))

    def test_each_is_registered_by_its_own_port(self):
        rows = {row["number"]: row["contacts"] for row in self.node.ctl("registration.list")}
        places = [contact["source"] for number in ("1001", "1002") for contact in rows[number]]
        self.assertEqual(len(set(places)), 2)
        for place in places:
            host, _, port = place.rpartition(":")
            self.assertEqual(host, self.at.public)
            self.assertNotEqual(int(port), self.a.port)

    def test_they_call_each_other(self):
        self.whole_call(self.a, self.b, False)
        self.whole_call(self.b, self.a, True)

    def test_to_outside_and_from_there(self):
        self.whole_call(self.a, self.c, True)
        self.whole_call(self.c, self.b, False)

    def test_two_calls_at_once(self):
        """Each hears the party of its own call: the address alone tells nobody from the other."""
        dialogs = self.call(self.a, self.c), self.call(self.b, self.d)
        tones = {self.a: 440, self.c: 880, self.b: 500, self.d: 700}
        since = time.monotonic()
        for agent, hertz in tones.items():
            agent.audio.start(hertz)
        for agent in tones:
            agent.audio.wait_packets(60, since=since)
        for agent in tones:
            agent.audio.stop()
        for one, other in ((self.a, self.c), (self.b, self.d)):
            self.assertAlmostEqual(one.audio.heard()[0], tones[other], delta=3)
            self.assertAlmostEqual(other.audio.heard()[0], tones[one], delta=3)
        for left, (out, into) in zip((1, 0), dialogs):
            self.hang_up(out, into, left)


class Kernel(OnePublicAddress, unittest.TestCase):
    """The kernel's masquerading: another port for each destination."""
    nat = Masquerade


class UserSpace(OnePublicAddress, unittest.TestCase):
    """Where nobody may make namespaces: one port for all destinations."""
    nat = Nat


if __name__ == "__main__":
    unittest.main()
