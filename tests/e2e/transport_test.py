# SPDX-License-Identifier: Apache-2.0
"""Phones over TCP and TLS and behind NAT: connections that are reused, lost and made again, and certificates."""
import os
import socket
import ssl
import subprocess
import threading
import time
import unittest

from lib.linphone import Linphone
from lib.media import Media
from lib.nat import INSIDE, OUTSIDE, Nat
from lib.node import Node
from lib.sip import UserAgent
from lib.stream import StreamAgent
from patience import PATIENCE_S

PRIVATE = "192.0.2.77"          # an address that the node cannot reach


class TransportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(everything=True)
        cls.authority = os.path.join(cls.node.folder, "tls", "ca.pem")
        for number in ("1001", "1002"):
            cls.node.put_extension(number, "secret" + number)

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def setUp(self):
        if not self.node.running():
            self.node.restart()
        self.addCleanup(self.empty)
        self.a = self.node.user_agent("1001", "secret1001")
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        for thing in (self.a, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)
        self.clear("1001")
        self.clear("1002")
        self.assertEqual(self.a.register().status, 200)

    def clear(self, number):
        with self.node.user_agent(number, "secret" + number) as agent:
            agent.register(expires=0, contact="*")

    def empty(self):
        """No call is left for the next test."""
        for row in self.node.ctl("call.list"):
            self.node.ctl("call.hangup", call=row["id"])

    def stream(self, tls, address="127.0.0.1"):
        agent = StreamAgent((address, self.node.tls_port if tls else self.node.sip_port), "1002", "secret1002",
                            address, self.authority if tls else None)
        self.addCleanup(agent.close)
        return agent

    def talk(self, hertz=(440, 880), packets=60):
        since = time.monotonic()
        self.audio_a.start(hertz[0])
        self.audio_b.start(hertz[1])
        self.audio_a.wait_packets(packets, since=since)
        self.audio_b.wait_packets(packets, since=since)
        self.audio_a.stop()
        self.audio_b.stop()
        self.assertEqual(self.audio_b.heard()[0], hertz[0])
        self.assertEqual(self.audio_a.heard()[0], hertz[1])

    def connect(self, callee):
        out = self.a.invite("1002", self.audio_a.sdp())
        into = callee.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(into.request)
        self.talk()
        return out, into


class Connections(TransportTest):
    def reused(self, callee):
        """Its Contact is private: all requests come on the connection that it made."""
        callee.inner = PRIVATE
        self.assertEqual(callee.register().status, 200)
        out, into = self.connect(callee)
        out.bye()
        into.wait_bye()

    def test_a_tcp_connection_is_reused(self):
        self.reused(self.stream(False))

    def test_a_tls_connection_is_reused(self):
        self.reused(self.stream(True))

    def test_tcp_over_ipv6_is_reused(self):
        self.audio_b = Media(self.node.ports, "::1")
        self.addCleanup(self.audio_b.close)
        self.reused(self.stream(False, "::1"))

    def moved(self, callee, lose, elsewhere=False):
        """The connection is lost in a call; the phone is back, registers, and the call goes on both ways."""
        self.assertEqual(callee.register().status, 200)
        for by_phone in (False, True):
            out, into = self.connect(callee)
            lose(callee)
            callee.listening = 0 if elsewhere else callee.listening
            callee.reconnect()
            self.assertEqual(callee.register().status, 200)
            contacts = [row["contacts"] for row in self.node.ctl("registration.list") if row["number"] == "1002"]
            self.assertEqual([contact["contact"] for contact in contacts[0]], [callee.contact.strip("<>")])
            self.talk((500, 700))
            first, second = (into, out) if by_phone else (out, into)
            first.bye()
            second.wait_bye()

    def drop(self, callee):
        """As a phone that loses its network for a moment."""
        callee.socket.close() if callee.transport == "TCP" else callee.socket.unwrap()
        time.sleep(0.1)

    def crash(self, _callee):
        self.node.kill()
        self.node.restart()

    def test_a_tcp_connection_breaks(self):
        self.moved(self.stream(False), self.drop)

    def test_a_phone_comes_back_with_another_contact(self):
        """As linphonec, whose Contact names the port of its connection: its Call-ID tells that it is the same phone."""
        self.moved(self.stream(False), self.drop, elsewhere=True)
        self.clear("1002")
        self.moved(self.stream(True), self.crash, elsewhere=True)

    def test_a_tcp_phone_comes_back_after_a_crash(self):
        self.moved(self.stream(False), self.crash)

    def test_a_tls_phone_comes_back_after_a_crash(self):
        self.moved(self.stream(True), self.crash)

    def test_pieces_and_several_messages_at_once(self):
        """A stream has no datagrams: one message octet by octet, then two in one write."""
        callee = self.stream(False)
        options = callee.request("OPTIONS", "sip:127.0.0.1")
        for octet in options.bytes():
            callee.send(bytes([octet]))
        callee.take(lambda m: m.status == 200 and m.branch == options.branch)
        both = [callee.request("OPTIONS", "sip:127.0.0.1") for _ in range(2)]
        callee.send(b"\r\n\r\n" + b"".join(request.bytes() for request in both))
        for request in both:
            callee.take(lambda m, r=request: m.status == 200 and m.branch == r.branch)


class Certificates(TransportTest):
    def linphone(self, number, host="localhost", **options):
        made = Linphone(os.path.join(self.node.home, f"linphone-{time.monotonic_ns()}"), self.node.ports,
                        (host, self.node.tls_port), number, "secret" + number, "tls", **options)
        self.addCleanup(made.quit)
        return made

    def bindings(self, number):
        return [row for row in self.node.ctl("registration.list") if row["number"] == number and row["contacts"]]

    def test_a_phone_that_verifies(self):
        """linphonec believes the authority that tandemctl init made, and no other."""
        other = os.path.join(self.node.home, "other.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", os.path.join(self.node.home, "other.key"), "-out", other, "-days", "2",
                        "-subj", "/CN=another authority"], check=True, capture_output=True)
        wrong = self.linphone("1002", authority=other)
        wrong.heard("certificate", 10)
        time.sleep(2)
        self.assertEqual(self.bindings("1002"), [])
        wrong.quit()
        self.linphone("1002", "127.0.0.1", authority=self.authority)     # it looks for addresses among names of hosts
        end = time.monotonic() + PATIENCE_S
        while not self.bindings("1002") and time.monotonic() < end:
            time.sleep(0.1)
        self.assertTrue(self.bindings("1002"))

    def heard(self, keys, wanted):
        """Waits until the keys are there, and a moment for those that come twice."""
        end = time.monotonic() + PATIENCE_S      # linphonec takes its time between two commands
        while len(keys()) < len(wanted) and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        self.assertEqual(keys(), wanted)

    def test_keys_between_info_and_rtp(self):
        """MED-03: linphonec sends and takes keys by INFO, baresip by RFC 4733; each key crosses once."""
        self.node.ctl("profile.put", name="info", dtmf="info")
        self.node.ctl("profile.range.put", **{"from": "127.0.0.1", "to": "127.0.0.1", "profile": "info"})
        self.addCleanup(self.node.ctl, "profile.range.delete", **{"from": "127.0.0.1"})
        other = self.linphone("1001", authority=self.authority, info=True)
        other.heard("LinphoneRegistrationOk")
        callee = self.node.phone("1002", "secret1002", extra="answermode=auto", six=True)
        self.addCleanup(callee.quit)
        other.say("call 1002")
        callee.wait("CALL_ESTABLISHED")
        time.sleep(0.7)
        for key in "15":
            other.say(key)
        self.heard(callee.digits_heard, "15")
        callee.digits("82")
        self.heard(other.keys_heard, "82")
        other.say("terminate")
        callee.wait("CALL_CLOSED")

    def encrypted_legs(self):
        """SRTP of both legs of the one call, once media came from both."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            shown = self.node.ctl("call.show", call=self.node.ctl("call.list")[0]["id"])
            if heard := all((flow["stats"] or {"packets_in": 0})["packets_in"] > 20 for flow in shown["flows"]):    # null: not yet known
                break
            time.sleep(0.2)
        self.assertTrue(heard, shown["flows"])
        return [shown[leg]["srtp"] for leg in "ab"]

    def test_a_phone_that_insists_on_srtp(self):
        """Over TLS, at the defaults of its extension, with a plain phone over UDP: it calls and is called, and its leg is encrypted."""
        secure = self.linphone("1001", authority=self.authority, encryption="srtp", insists=True)
        secure.heard("LinphoneRegistrationOk")
        plain = self.node.phone("1002", "secret1002", extra="answermode=auto;audio_codecs=PCMU/8000/1", source="ausine,440")
        self.addCleanup(plain.quit)
        secure.say("call 1002")
        plain.wait("CALL_ESTABLISHED")
        secure.play()
        a, b = self.encrypted_legs()
        self.assertTrue(a.startswith("A") and b == "plain", (a, b))
        secure.say("terminate")
        plain.wait("CALL_CLOSED")
        plain.dial("1001")
        secure.heard("Receiving new incoming call from")
        secure.say("answer")
        plain.wait("CALL_ESTABLISHED")
        secure.play()
        a, b = self.encrypted_legs()
        self.assertTrue(b.startswith("A") and a == "plain", (a, b))
        plain.hangup()

    def test_old_tls_is_refused(self):
        """SEC-02: TLS 1.2 at least."""
        context = ssl.create_default_context(cafile=self.authority)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", self.node.tls_port), 5) as sock:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(sock, server_hostname="127.0.0.1")


class BehindNat(TransportTest):
    def test_a_phone_behind_nat(self):
        """Contact, Via and SDP say an inner address: signalling and media go to where they came from."""
        nat = Nat()
        self.addCleanup(nat.close)
        inner = UserAgent(nat.gate(self.node.server), "1002", "secret1002", INSIDE)
        audio = Media(self.node.ports, INSIDE)
        for thing in (inner, audio):
            self.addCleanup(thing.close)
        request = inner.request("REGISTER", "sip:127.0.0.1", to="<sip:1002@127.0.0.1>",
                                from_="<sip:1002@127.0.0.1>;tag=1")
        self.assertEqual(inner.transact_authorized(request)[1].status, 200)
        contact = self.node.ctl("registration.list")
        self.assertIn(OUTSIDE, str([row for row in contact if row["number"] == "1002"]))
        out = self.a.invite("1002", self.audio_a.sdp())
        into = inner.incoming()
        into.next_hop = lambda: inner.server
        into.answer(audio.sdp())
        self.audio_a.use(out.wait_answer())
        audio.remote = nat.gate(audio.use(into.request).remote)
        self.audio_b = audio
        self.talk()
        self.assertEqual({packet.source for packet in audio.packets}, {audio.remote})
        into.bye()
        out.wait_bye()

    def mangled(self, audio, version=1):
        """What an ALG makes of SDP: neither the address nor the port is the phone's."""
        return audio.sdp(version=version).replace(f"c=IN IP4 {audio.address}", f"c=IN IP4 {PRIVATE}") \
                    .replace(f"m=audio {audio.port} ", "m=audio 4002 ")

    def asks(self, asking, answering, said, replied):
        thread = threading.Thread(target=answering.wait_reinvite, args=(replied,))
        thread.start()
        self.assertEqual(asking.reinvite(said).status, 200)
        thread.join()

    def rewritten(self, phone):
        """It calls; then it is called, asked anew, asks, and is hung up."""
        self.assertEqual(phone.register().status, 200)
        self.assertIn("@198.51.100.7:7", str(self.node.ctl("registration.list")))
        its = phone.invite("1001", self.mangled(self.audio_b))
        mine = self.a.incoming()
        mine.answer(self.audio_a.sdp())
        self.audio_b.use(its.wait_answer())
        self.audio_a.use(mine.request)
        self.talk(packets=20)
        its.bye()
        mine.wait_bye()
        mine = self.a.invite("1002", self.audio_a.sdp())
        its = phone.incoming()
        its.answer(self.mangled(self.audio_b))
        self.audio_a.use(mine.wait_answer())
        self.audio_b.use(its.request)
        self.asks(mine, its, self.audio_a.sdp(version=2), self.mangled(self.audio_b, 2))
        self.asks(its, mine, self.mangled(self.audio_b, 3), self.audio_a.sdp(version=3))
        self.talk(packets=20)
        mine.bye()
        its.wait_bye()

    def test_rewritten_by_an_alg(self):
        """REG-28: Contact and SDP that name neither the phone nor its ports, while Via is right; it is reached, and both hear each other."""
        for phone in (self.node.user_agent("1002", "secret1002"), self.stream(False), self.stream(True)):
            with self.subTest(phone.transport), phone:
                phone.__class__ = type("Rewritten", (type(phone),), {"contact": f"<sip:1002@198.51.100.7:7;transport={phone.transport.lower()}>"})
                self.rewritten(phone)


if __name__ == "__main__":
    unittest.main()
