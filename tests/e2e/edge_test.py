# SPDX-License-Identifier: Apache-2.0
"""A phone whose connection ends at one node is reached from the other one, and reaches what that one has."""
import contextlib
import signal
import socket
import tempfile
import threading
import time

from blf_test import Lamp
from lib.authority import Authority
from lib.sip import SipError
from lib.stream import StreamAgent
from lib.websocket import WebSocketAgent
from patience import until
from taken_test import ADDRESSES, LEASE_S, SIP, Cluster, Talk

SIPS = 5061


class Edge(Cluster):
    def setUp(self):
        super().setUp()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))      # each is at home

    def phone(self, number):
        phone = self.connected(lambda: StreamAgent((ADDRESSES[17], SIP), number, "secret", address="127.0.0.1"))
        self.addCleanup(phone.close)
        return phone

    @staticmethod
    def connected(agent):
        """A new phone, as soon as the node takes it: it may have got its shard back this moment."""
        def once():
            with contextlib.suppress(ConnectionRefusedError):
                return agent()
        return until(once)

    def comes(self, phone):
        self.until(lambda: phone.register().status == 200)
        self.addCleanup(self.leaves, phone)
        self.phones[17, phone.number] = phone
        time.sleep(1.1)         # the other node has begun again, and believes for a second what it read

    @staticmethod
    def leaves(phone):
        """Before its connection ends, or the next test would find a phone that nobody can reach any more."""
        with contextlib.suppress(SipError, OSError):
            phone.register(expires=0, seconds=1)

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


class Waits(Edge):
    """What a phone says over TCP while nobody has its call is heard by who takes it: no phone says it again. A call waits for no phone."""
    test_called_and_hung_up = test_nodes_are_killed = None

    def test_goes_on_without_it(self):
        """Its connection is gone: its node says so, and the call goes where it goes without that phone. It comes back, and is called."""
        self.registers(18, "1001", "1002")
        phone = self.phone("1003")
        self.comes(phone)
        self.b.put_extension("1003", "secret", forward_unreachable="1002")
        self.addCleanup(self.b.put_extension, "1003", "secret")
        phone.socket.shutdown(socket.SHUT_RDWR)
        before = time.monotonic()
        talk = Talk(self, 18, "1003", at=18, rings="1002")
        self.assertLess(time.monotonic() - before, 6)
        talk.answer().hang_up()
        phone.reconnect()
        self.assertEqual(phone.register().status, 200)
        Talk(self, 18, "1003").answer().hang_up()

    def test_hung_up_at_a_take_over(self):
        """The node with the call dies; its phone hangs up before another one has the shard, which may take a moment only."""
        for last in (False,) * 4 + (True,):
            if self.hung_up_in_time():
                return
            self.assertFalse(last, "the shard had another node each time")
            self.setUp()

    def hung_up_in_time(self):
        self.registers(18, "1001")
        phone = self.phone("1003")
        self.comes(phone)
        talk = Talk(self, 18, "1003").answer()
        before = self.a.metric("tandem_cluster_held_messages_total", result="taken")
        self.b.kill()
        talk.into.bye()
        talk.out.wait_bye()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.forget()
        return self.a.metric("tandem_cluster_held_messages_total", result="taken") > before


class Withheld(Edge):
    """What was withheld over TCP, as the lease was past, is said when the shard may speak again."""
    test_called_and_hung_up = test_nodes_are_killed = None

    def test_hung_up_past_the_lease(self):
        """The node stands still, and hears then that a party has hung up. Nobody else could have taken the shard."""
        self.registers(17, "1001")
        phone = self.phone("1003")
        self.comes(phone)
        talk = Talk(self, 17, "1003").answer()
        self.until(lambda: self.a.ctl("call.show", call=talk.id)["saved"])
        self.b.kill()
        self.until(lambda: self.a.metric("tandem_shards", state="live") == 2)
        before = self.withheld()
        self.a.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.a.process.send_signal, signal.SIGCONT)
        hangs_up = threading.Thread(target=talk.out.bye)
        hangs_up.start()
        time.sleep(LEASE_S + 1)
        self.a.process.send_signal(signal.SIGCONT)
        talk.into.wait_bye()
        hangs_up.join()
        self.assertGreater(self.withheld(), before)

    def withheld(self):
        return self.a.metric("tandem_sip_stream_drops_total", reason="fenced")


class Secure(Edge):
    """Over TLS, and over a WebSocket of HTTPS."""
    test_called_and_hung_up = test_nodes_are_killed = None

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-edge-"))
        cls.authority = Authority(folder)
        cls.certificate = cls.authority.signs("node", *(f"IP:{address}" for address in ("127.0.0.1", *ADDRESSES.values())))
        super().setUpClass()
        cls.a.put_extension("1003", "secret", webrtc="never")   # what is told is of interest here

    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        for network in settings["networks"]:
            network["sip_tls_ports"] = [SIPS]
        certificate, key = cls.certificate
        return settings | {"tls": {"certificate": certificate, "key": key, "ca": cls.authority.path}, "http": {"tls": True}}

    def called(self, phone, transport):
        """By who is at the other node. It answers, is asked anew and hangs up; then it has a call, and the other node is killed."""
        self.registers(18, "1001")
        self.comes(phone)
        talk = Talk(self, 18, phone.number)
        self.assertIn(f"SIP/2.0/{transport} ", talk.into.request.get("Via"))
        talk.answer().speaks().hears()
        self.again(talk.out, talk.into, talk.ends[0].sdp(version=2), talk.ends[1].sdp(version=2))
        talk.hears()
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()
        talk = Talk(self, 18, phone.number).answer().speaks()
        talk.hears()
        self.b.kill()
        talk.hears()
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()

    def test_tls(self):
        phone = self.connected(lambda: StreamAgent((ADDRESSES[17], SIPS), "1002", "secret", authority=self.authority.path))
        self.addCleanup(phone.close)
        self.called(phone, "TLS")

    def test_websocket(self):
        phone = self.connected(lambda: WebSocketAgent(("127.0.0.1", self.a.http_port), "1003", "secret", authority=self.authority.path))
        self.addCleanup(phone.close)
        self.called(phone, "WSS")

    def test_a_lamp(self):
        """Its shard goes to another node; the node with its connection lives, and hands on what it is told and answers."""
        phone = self.connected(lambda: WebSocketAgent(("127.0.0.1", self.a.http_port), "1003", "secret", authority=self.authority.path))
        self.addCleanup(phone.close)
        self.comes(phone)
        self.registers(18, "1001", "1002")
        lamp = Lamp(phone, "1002")
        lamp.hear()
        self.assertEqual(lamp.states(), [])
        self.b.ctl("node.drain", node="a")
        self.addCleanup(self.b.ctl, "node.undrain", node="a")
        self.until(lambda: self.owner(17) == "b")
        rings = Talk(self, 18, at=18)
        rings.into.ring()
        self.shows(lamp, "early")
        rings.answer()
        self.shows(lamp, "confirmed")
        rings.hang_up()
        self.shows(lamp, "terminated")
        self.assertEqual(len(self.b.ctl("subscription.list", node="b")), 1)
        self.assertEqual(lamp.again(0).status, 200)

    @staticmethod
    def shows(lamp, state):
        while lamp.states() != [state]:
            lamp.hear()

    def test_websocket_of_its_own(self):
        """At the node whose first network is with the other one."""
        phone = self.connected(lambda: WebSocketAgent(("127.0.0.1", self.b.http_port), "1003", "secret", authority=self.authority.path))
        self.addCleanup(phone.close)
        self.until(lambda: phone.register().status == 200)
        self.addCleanup(self.leaves, phone)
        self.phones[18, "1003"] = phone
        self.registers(18, "1001")
        talk = Talk(self, 18, "1003", at=18).answer().speaks()
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
