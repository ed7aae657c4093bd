# SPDX-License-Identifier: Apache-2.0
"""A phone whose connection ends at one node is reached from the other one, and reaches what that one has."""
import threading

from lib.stream import StreamAgent
from taken_test import ADDRESSES, SIP, Cluster, Talk


class Edge(Cluster):
    def setUp(self):
        super().setUp()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)

    def phone(self, number):
        phone = StreamAgent((ADDRESSES[17], SIP), number, "secret", address="127.0.0.1")
        self.addCleanup(phone.close)
        return phone

    def comes(self, phone):
        self.until(lambda: phone.register().status == 200)
        self.phones[17, phone.number] = phone

    def again(self, asks, answers, asking, answering):
        """One of two parties asks once more, and the other one answers."""
        thread = threading.Thread(target=answers.wait_reinvite, args=(answering,))
        thread.start()
        self.assertEqual(asks.reinvite(asking).status, 200)
        thread.join()

    def test_called_and_hung_up(self):
        """Rings, is answered, is asked anew and asks, and hangs up; then the other one does."""
        self.registers(18, "1001")
        phone = self.phone("1003")
        self.comes(phone)
        talk = Talk(self, 18, "1003")
        self.assertIn(ADDRESSES[17], talk.into.request.get("Contact"))    # where it is connected to
        talk.into.ring()
        talk.out.wait_provisional(180)
        talk.answer().speaks().hears()
        self.assertEqual(self.b.ctl("call.show", call=talk.id)["id"], talk.id)
        for asks, answers, end, other in ((talk.out, talk.into, 0, 1), (talk.into, talk.out, 1, 0)):
            self.again(asks, answers, talk.ends[end].sdp(version=2 + end), talk.ends[other].sdp(version=2 + other))
        talk.hears()
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()
        talk = Talk(self, 18, "1003").answer()
        talk.hang_up()
        rings = Talk(self, 18, "1003")
        rings.into.ring()
        rings.out.wait_provisional(180)
        rings.out.cancel()
        rings.into.wait_cancel()
        self.assertEqual(rings.out.wait_final().status, 487)

    def test_nodes_are_killed(self):
        """The one that has the call, the same again when it is back, then the one that has the connection."""
        self.registers(18, "1001")
        phone = self.phone("1002")
        self.comes(phone)
        talk, other = [Talk(self, 18, "1002").answer() for _ in range(2)]
        talk.speaks().hears()
        self.b.kill()
        talk.hears()
        self.until(lambda: self.a.ctl("call.show", call=other.id)["id"] == other.id)
        other.into.bye()    # whose call is here now
        other.out.wait_bye()
        self.b.restart()
        self.until(lambda: talk.id in [row["id"] for row in self.b.ctl("call.list")])
        self.a.kill()
        phone.reconnect()   # to the other node, which takes the address
        self.comes(phone)
        talk.hears()
        talk.quiet()
        talk.hang_up()


class BehindNat(Edge):
    """A phone over UDP that hears from the address where it registered, and from nobody else."""
    test_called_and_hung_up = test_nodes_are_killed = None

    def behind_nat(self, number):
        """It says another port than where it is seen."""
        agent = self.phones[17, number]
        self.until(lambda: agent.register(contact=f"<sip:{number}@127.0.0.9:5099>").status == 200)
        return agent

    def test_called_from_another_node(self):
        """The node that has its address sends for the other one, and hands on what it answers and asks."""
        self.registers(18, "1001")
        self.behind_nat("1003")
        talk = Talk(self, 18, "1003")
        self.assertIn(ADDRESSES[17], talk.into.request.get("Contact"))
        talk.into.ring()
        talk.out.wait_provisional(180)
        talk.answer().speaks().hears()
        self.again(talk.out, talk.into, talk.ends[0].sdp(version=2), talk.ends[1].sdp(version=2))
        self.again(talk.into, talk.out, talk.ends[1].sdp(version=3), talk.ends[0].sdp(version=3))
        talk.hears()
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()
        Talk(self, 18, "1003").answer().hang_up()

    def test_nodes_are_killed(self):
        """The one that sends for the other, and the one that has the call."""
        self.registers(18, "1001")
        self.behind_nat("1002")
        talk, other = [Talk(self, 18, "1002").answer() for _ in range(2)]
        talk.speaks().hears()
        self.a.kill()       # its address comes here
        self.until(lambda: self.owner(17) == "b")
        other.into.bye()
        other.out.wait_bye()
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        self.b.kill()
        talk.hears()
        talk.quiet()
        talk.hang_up()
