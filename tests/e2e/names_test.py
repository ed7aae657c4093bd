# SPDX-License-Identifier: Apache-2.0
"""Phones that registered at a name: a call goes where a name server says, and waits for what it says."""
import unittest

from lib.nameserver import NameServer, address, service
from lib.node import Node
from lib.place import PARTY
from patience import PATIENCE_S, until

GATEWAY, EDGE, SLOW = "gw.example.test", "edge.example.test", "slow.example.test"


class Names(unittest.TestCase):
    def setUp(self):
        self.server = NameServer({})
        self.addCleanup(self.server.close)
        self.node = Node(settings={"sip": {"trusted": [PARTY + "/32"]}, "dns": {"servers": [self.server.name]}}, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.a, self.b, self.c = (self.phone(number) for number in ("1001", "1002", "1003"))
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        self.addCleanup(self.audio_a.close)
        self.addCleanup(self.audio_b.close)
        self.assertEqual(self.a.register().status, 200)
        self.assertEqual(self.c.register().status, 200)

    def phone(self, number):
        self.node.put_extension(number, "secret" + number)
        agent = self.node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        return agent

    def leads(self, name, *ports):
        """Places at PARTY, best first."""
        self.server.zone[f"_sip._udp.{name}"] = [service(10 * i, port, f"host.{name}") for i, port in enumerate(ports)]
        self.server.zone[f"host.{name}"] = [address(PARTY)]

    def talk(self, out, into):
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(into.request)
        for audio, hertz in ((self.audio_a, 440), (self.audio_b, 880)):
            audio.start(hertz)
        self.audio_a.wait_packets(20)
        self.audio_b.wait_packets(20)
        self.audio_a.stop()
        self.audio_b.stop()
        out.bye()
        into.wait_bye()
        self.assertEqual([row["sip_status"] for row in self.node.cdrs()][-1], "200")

    def test_the_first_place_is_dead(self):
        """By SRV records: where nobody listens the next one is asked, and the next call begins there, without a question."""
        dead = self.node.ports.take()
        self.leads(GATEWAY, dead, self.b.port)
        self.assertEqual(self.b.register(contact=f"<sip:1002@{GATEWAY}>").status, 200)
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertEqual(into.request.uri, f"sip:1002@{GATEWAY}")
        self.talk(out, into)
        self.assertEqual(self.server.asked[0], (GATEWAY, "NAPTR"))
        self.assertEqual(self.node.metric("tandem_lookups_cached_total"), 0)
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(486)
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.node.metric("tandem_lookups_cached_total"), 1)
        self.assertEqual(self.node.metric("tandem_lookups_waiting"), 0)

    def test_killed_while_it_waits(self):
        """The name is that of a proxy on the way (Path).  The next process asks again, and copies of the INVITE begin no second call."""
        self.leads(EDGE, self.b.port)
        path = [("Path", f"<sip:{EDGE};lr>"), ("Supported", "path")]
        self.assertEqual(self.b.register(headers=path).status, 200)
        self.server.silent = True
        out = self.a.invite("1002", self.audio_a.sdp())
        out.wait_provisional(100)
        self.server.wait_asked(EDGE)
        call, = self.node.ctl("call.list")
        self.node.kill()
        self.server.asked.clear()
        self.node.restart()
        self.server.wait_asked(EDGE)
        self.a.send(out.request)
        self.server.silent = False
        into = self.b.incoming()
        self.assertEqual(into.request.get("Route"), f"<sip:{EDGE};lr>")
        self.assertEqual([row["id"] for row in self.node.ctl("call.list")], [call["id"]])
        self.talk(out, into)
        self.assertEqual(len(self.node.cdrs()), 1)

    def test_a_place_dies_in_a_call(self):
        """By Record-Route: the ACK waits for the name, and the BYE goes to its other place when the one in use is gone."""
        self.leads(EDGE, self.b.port, self.c.port)
        self.assertEqual(self.b.register().status, 200)
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.respond(200, "OK", [("Record-Route", f"<sip:{EDGE};lr>")], self.audio_b.sdp())
        ack = into.wait_ack()
        self.assertEqual(ack.get("Route"), f"<sip:{EDGE};lr>")
        self.assertIn((EDGE, "NAPTR"), self.server.asked)
        out.wait_answer()
        self.b.close()
        out.bye()
        bye = self.c.take_request("BYE", PATIENCE_S, into.call_id)
        self.assertEqual(bye.get("Route"), f"<sip:{EDGE};lr>")
        self.c.respond(bye, 200, "OK", into.tag)
        until(lambda: [row["sip_status"] for row in self.node.cdrs()] == ["200"])

    def test_nobody_says(self):
        """Who cancels hears 487; another call is not held up; and who waits on is asked for by the way that the phone registered."""
        self.server.silent = True
        self.assertEqual(self.b.register(contact=f"<sip:1002@{SLOW}>").status, 200)
        first = self.a.invite("1002", self.audio_a.sdp())
        first.wait_provisional(100)
        self.server.wait_asked(SLOW)
        second = self.a.invite("1003", self.audio_a.sdp())
        self.c.incoming().reject(486)
        self.assertEqual(second.wait_final().status, 486)
        self.assertEqual(self.node.metric("tandem_lookups_waiting"), 1)
        self.assertEqual(first.cancel().status, 200)
        self.assertEqual(first.wait_final().status, 487)
        third = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.reject(486)
        self.assertEqual(third.wait_final().status, 486)
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"
                                      and m.call_id != into.call_id), 0)


if __name__ == "__main__":
    unittest.main()
