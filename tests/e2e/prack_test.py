# SPDX-License-Identifier: Apache-2.0
"""Provisional responses that are acknowledged (RFC 3262): SIPp and scripted phones, and a node that is killed meanwhile."""
import os
import re
import time
import unittest

from lib.codec import PCMA, PCMU
from lib.linphone import Linphone
from lib.message import address_uri
from lib.sip import T1
from lib.sipp import Sipp

from call_test import CallTest
from patience import PATIENCE_S, until

HERE = os.path.dirname(os.path.abspath(__file__))
MUST, CAN = [("Require", "100rel")], [("Supported", "100rel")]


class Prack(CallTest):
    """1001 calls 1002, which are scripted."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1001", "secret1001", early_media=True)

    def wants_prack(self, into, sdp=b"", rseq=7):
        """The called phone says 183 that is to be acknowledged."""
        return into.respond(183, "Session Progress", [("Require", "100rel"), ("RSeq", str(rseq))], sdp)

    def prack(self, out, said, body=b""):
        """The caller's PRACK to what it heard; the answer to it."""
        out.local, out.remote = out.request.get("From"), said.get("To")
        out.target, out.cseq = address_uri(said.get("Contact")), max(out.cseq, out.request.cseq)
        rack = f"{said.get('RSeq')} {out.request.cseq} INVITE"
        return self.a.transact(out.in_dialog("PRACK", [("RAck", rack)], body))

    def acknowledged(self, into):
        """The node's PRACK, answered."""
        request = self.b.take_request("PRACK", 5, into.call_id)
        self.b.respond(request, 200, "OK")
        return request

    def test_both_sides(self):
        """Each leg by itself: the phone's 183 is acknowledged by the node, and the node's by the caller; then they talk."""
        out = self.a.invite("1002", self.audio_a.sdp(), MUST)
        into = self.b.incoming()
        self.assertIn("100rel", into.request.get("Supported"))
        self.wants_prack(into, self.audio_b.sdp())
        self.assertEqual(self.acknowledged(into).get("RAck"), f"7 {into.request.cseq} INVITE")
        said = out.wait_provisional(183)
        self.assertEqual((said.get("Require"), bool(said.body)), ("100rel", True))
        self.assertEqual(self.prack(out, said).status, 200)
        into.respond(200, "OK")
        self.audio_a.use(said)
        out.target = None
        answered = out.wait_answer()
        self.assertEqual(answered.body, b"")
        into.wait_ack()
        self.audio_b.use(into.request)
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(60)
        self.audio_b.wait_packets(60)
        for end in (self.audio_a, self.audio_b):
            end.stop()
        self.assertEqual((self.audio_b.heard()[0], self.audio_a.heard()[0]), (440, 880))
        out.cseq += 1
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")

    def test_the_callee_offers_anew(self):
        """RFC 3311: another port before the 200, over a kill -9; what the caller was told stays, and each hears the other."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.wants_prack(into, self.audio_b.sdp())
        self.acknowledged(into)
        self.audio_a.use(out.wait_provisional(183))
        with self.node.media() as other:
            answered = into.transact(into.in_dialog("UPDATE", body=other.sdp(version=2)))
            self.assertEqual(answered.status, 200)
            self.node.kill()
            self.node.restart()
            into.respond(200, "OK")
            out.wait_answer()
            into.wait_ack()
            other.use(answered)
            self.audio_a.start(440)
            other.start(880)
            self.audio_a.wait_packets(60)
            other.wait_packets(60)
            for end in (self.audio_a, other):
                end.stop()
            self.assertEqual((other.heard()[0], self.audio_a.heard()[0]), (440, 880))
            out.bye()
            into.wait_bye()

    def test_late_offer(self):
        """RFC 6337 3.1.2: the phone's offer in 183, the caller's answer in PRACK."""
        out = self.a.invite("1002", b"", CAN)
        into = self.b.incoming()
        self.assertIn("100rel", into.request.get("Supported"))
        self.wants_prack(into, self.audio_b.sdp())
        said = out.wait_provisional(183)
        self.assertEqual(self.prack(out, said, self.audio_a.sdp()).status, 200)
        taken = self.acknowledged(into)
        self.assertIn("m=audio ", taken.text)
        into.respond(200, "OK")
        out.target = None
        self.assertEqual(out.wait_answer().body, b"")
        self.assertEqual(into.wait_ack().body, b"")
        out.cseq += 1
        out.bye()
        into.wait_bye()

    def test_killed(self):
        """kill -9 while both acknowledgements are open: the successor says the same again, and the call goes on."""
        out = self.a.invite("1002", self.audio_a.sdp(), MUST)
        into = self.b.incoming()
        self.wants_prack(into, self.audio_b.sdp())
        said = out.wait_provisional(183)
        first = self.b.take_request("PRACK", 5, into.call_id)
        self.node.kill()
        self.node.restart()
        again = self.b.take(lambda m: m.is_request and m.method == "PRACK" and m.at > first.at + T1, 10, "PRACK")
        self.assertEqual((again.branch, again.get("RAck")), (first.branch, first.get("RAck")))
        self.b.respond(again, 200, "OK")
        copies = [m for m in list(self.a.received) if m.get("RSeq")]
        self.assertEqual({m.get("RSeq") for m in copies}, {said.get("RSeq")})
        self.assertEqual(self.prack(out, said).status, 200)
        into.respond(200, "OK")
        out.target = None
        out.wait_answer()
        into.wait_ack()
        out.cseq += 1
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")


class Forks(CallTest):
    """Two phones ring behind the address that 1002 has: each has an early dialog of its own, and so has the caller with each."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1001", "secret1001", early_media=True)
        self.other = self.node.media()
        self.addCleanup(self.other.close)

    def says(self, into, tag, status, rseq, sdp=b""):
        """One of the phones speaks; its PRACK is answered."""
        into.tag = tag
        into.respond(status, "Session Progress", [("Require", "100rel"), ("RSeq", str(rseq))], sdp)
        self.b.respond(self.b.take(lambda m: m.is_request and m.method == "PRACK" and m.get("To").endswith(f";tag={tag}"),
                                   PATIENCE_S, "PRACK"), 200, "OK")

    def ring(self, killed):
        """Both answer early, one with PCMA, the other one with PCMU."""
        out = self.a.invite("1002", self.audio_a.sdp(("8 PCMA/8000", "0 PCMU/8000")))
        into = self.b.incoming()
        self.says(into, "one", 183, 5, self.audio_b.sdp(("8 PCMA/8000",)))
        first = out.wait_provisional(183)
        self.says(into, "two", 183, 900, self.other.sdp(("0 PCMU/8000",)))
        until(lambda: len([m for m in out.provisional if m.status == 183]) == 2)
        second = out.provisional[-1]
        self.assertNotEqual(second.get("To"), first.get("To"))
        if killed:
            self.saved()
            self.node.kill()
            self.node.restart()
        return out, into, first, second

    def answered(self, out, into, tag, said, audio, codec, pt):
        """That phone answers; who was told so early is told the same, under the same tag, and both are heard."""
        into.tag = tag
        into.respond(200, "OK")
        answer = out.wait_answer()
        self.assertEqual(answer.get("To"), said.get("To"))
        self.assertTrue(into.wait_ack().get("To").endswith(f";tag={tag}"))
        for end in (self.audio_a, audio):
            end.codec, end.pt = codec, pt
        self.audio_a.use(answer).start(440)
        audio.use(into.request).start(880)
        self.audio_a.wait_packets(60)
        audio.wait_packets(60)
        for end in (self.audio_a, audio):
            end.stop()
        self.assertEqual((audio.heard()[0], self.audio_a.heard()[0]), (440, 880))
        into.local = f"{into.request.get('To')};tag={tag}"
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")

    def test_the_first_answers_over_a_kill(self):
        out, into, first, _ = self.ring(killed=True)
        self.answered(out, into, "one", first, self.audio_b, PCMA, 8)

    def test_the_second_answers(self):
        out, into, _, second = self.ring(killed=False)
        self.answered(out, into, "two", second, self.other, PCMU, 0)


class Others(CallTest):
    """Phones that others wrote."""

    def test_sipp_is_called(self):
        """SIPp says 183 until PRACK comes, and its 200 has no SDP: the caller hears the answer all the same."""
        port, media = self.b.port, self.node.ports.take(2)
        self.b.close()
        sipp = Sipp(os.path.join(self.node.home, "sipp-prack"), os.path.join(HERE, "sipp", "uas_prack.xml"), self.node.server,
                    self.node.ports, users=[(str(media),)], port=port, seconds=30, extra=("-rtp_echo", "-mp", str(media)))
        out = self.a.invite("1002", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer()).start(500)
        self.audio_a.wait_packets(80)
        self.audio_a.stop()
        self.assertAlmostEqual(self.audio_a.heard()[0], 500, delta=3)
        out.bye()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)

    def linphone(self, number, reliable=2):
        made = Linphone(os.path.join(self.node.home, f"linphone-{time.monotonic_ns()}"), self.node.ports, self.node.server, number,
                        "secret" + number, reliable=reliable)
        self.addCleanup(made.quit)
        made.heard("LinphoneRegistrationOk")
        return made

    def talk(self, out, audio, heard, phone, hertz):
        """Both are heard, then `out` hangs up."""
        phone.play(hertz)
        audio.use(heard).start(500)
        audio.wait_packets(80)
        audio.stop()
        self.assertAlmostEqual(audio.heard()[0], hertz, delta=3)
        out.bye()
        phone.heard("LinphoneCallReleased")
        self.assertEqual(self.ended()["sip_status"], "200")

    def test_linphone_is_called(self):
        """It insists on 100rel: its 180 has a number, and the node acknowledges it before anybody answers."""
        self.b.register(expires=0, contact="*")
        phone = self.linphone("1002")
        out = self.a.invite("1002", self.audio_a.sdp())
        out.wait_provisional(180)
        phone.heard("\nRAck: 1 1 INVITE")
        end = time.monotonic() + PATIENCE_S
        while not re.search(r"^SIP/2.0 200 .*\n(.+\n)*CSeq: 2 PRACK$", phone.output(), re.M):
            self.assertLess(time.monotonic(), end, phone.output()[-3000:])
            time.sleep(0.05)
        phone.say("answer")
        self.talk(out, self.audio_a, out.wait_answer(), phone, 700)

    def test_linphone_calls(self):
        """It insists on 100rel, and the phone that it calls has none: the 183 that it hears is the node's, and it says PRACK."""
        self.node.put_extension("1001", "secret1001", early_media=True)
        self.a.register(expires=0, contact="*")
        phone = self.linphone("1001")
        phone.say("call 1002")
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        phone.heard("\nPRACK sip:")
        phone.heard("LinphoneCallOutgoingEarlyMedia")
        into.respond(200, "OK", body=self.audio_b.sdp())
        into.wait_ack()
        self.talk(into, self.audio_b, into.request, phone, 700)


if __name__ == "__main__":
    unittest.main()
