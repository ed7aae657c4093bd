# SPDX-License-Identifier: Apache-2.0
"""Calls go on to others: always, when a phone is busy, does not answer or is not there; and offers in UPDATE."""
import time
import unittest

from call_test import CallTest
from lib.node import Node

import tone
from patience import until
from server import ServerError

SHARED = True


class ForwardTest(CallTest):
    """1001 calls 1002; 1003 is there, too."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.c = self.node.user_agent("1003", "secret1003")
        self.addCleanup(self.c.close)
        self.assertEqual(self.c.register().status, 200)
        self.audio_c = self.node.media()
        self.addCleanup(self.audio_c.close)

    def forward(self, **fields):
        self.node.ctl("extension.put", number="1002", **fields)

    def ringing(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        rung = self.b.incoming()
        rung.ring()
        out.wait_provisional(180)
        return out, rung

    def talk(self, out, into):
        into.answer(self.audio_c.sdp(), ack=False)
        answered = out.wait_answer()
        into.wait_ack()
        self.audio_a.use(answered).start(440)
        self.audio_c.use(into.request).start(880)
        self.audio_a.wait_packets(60)
        self.audio_c.wait_packets(60)
        for end in (self.audio_a, self.audio_c):
            end.stop()
        self.assertEqual(self.audio_c.heard()[0], 440)
        self.assertEqual(self.audio_a.heard()[0], 880)
        out.bye()
        into.wait_bye()
        cdr = self.ended()
        self.assertEqual((cdr["sip_status"], cdr["from"], cdr["to"]), ("200", "1001", "1002"))

    def assert_for(self, into, reason):
        """CALL-16: who is rung hears for whom (RFC 5806, RFC 7044)."""
        diversion, history = into.request.get("Diversion"), into.request.get("History-Info")
        self.assertRegex(diversion, rf"^<sip:1002@[^>]+>;reason={reason};counter=1$")
        self.assertRegex(history, r"^<sip:1002@[^>]+\?Reason=SIP%3Bcause%3D\d+>;index=1, "
                                  r"<sip:1003@[^>]+>;index=1\.1;mp=1$")


class Forwards(ForwardTest):
    """1001 calls 1002, which forwards to 1003."""

    def test_always(self):
        """CALL-17, CALL-21: no phone of the extension rings."""
        self.forward(forward_always="1003")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.c.incoming()
        self.assert_for(into, "unconditional")
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        self.talk(out, into)

    def test_busy(self):
        """CALL-15: the caller hears nothing of it."""
        self.forward(forward_busy="1003")
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(486, "Busy Here")
        into = self.c.incoming()
        self.assert_for(into, "user-busy")
        self.talk(out, into)

    def test_no_answer(self):
        """CALL-17: after that many rings of 6 s."""
        self.forward(forward_no_answer="1003", forward_rings="1")
        out = self.a.invite("1002", self.audio_a.sdp())
        begun = time.monotonic()
        rung = self.b.incoming()
        rung.ring()
        into = self.c.incoming()
        self.assertAlmostEqual(time.monotonic() - begun, 6, delta=2)
        rung.wait_cancel()
        self.assert_for(into, "no-answer")
        self.talk(out, into)

    def test_do_not_disturb(self):
        """CALL-19: as if it were busy; without a target the caller hears so. Its own calls go out."""
        self.forward(do_not_disturb="true")
        self.assertEqual(self.a.invite("1002", self.audio_a.sdp()).wait_final().status, 486)
        self.ended()
        self.forward(forward_busy="1003")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.c.incoming()
        self.assert_for(into, "user-busy")
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        into.reject(480, "Temporarily Unavailable")
        out.wait_final()
        out = self.b.invite("1001", self.audio_b.sdp())     # it calls others
        self.a.incoming().reject(480, "Temporarily Unavailable")
        self.assertEqual(out.wait_final().status, 480)

    def test_lists_of_numbers(self):
        for wrong in ("1003,", ",1003", "1003,,1001", "1003,1002", "3," * 8 + "4"):
            with self.assertRaisesRegex(ServerError, "forward_busy"):
                self.forward(forward_busy=wrong)
        self.forward(forward_busy="1003,1001")



class Smart(ForwardTest):
    """CALL-20: 1002 is not to be disturbed while it has a call."""

    def setUp(self):
        super().setUp()
        self.forward(smart_do_not_disturb="true")

    def refused(self):
        """What 1003 hears that calls 1002."""
        return self.c.invite("1002", self.audio_c.sdp()).wait_final().status

    def test_the_first_call_rings(self):
        """Then no phone of it does, until that call is over; without the setting they do."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        self.assertEqual(self.refused(), 486)
        into.answer(self.audio_b.sdp(), ack=False)
        out.wait_answer()
        into.wait_ack()
        self.assertEqual(self.refused(), 486)
        self.forward(smart_do_not_disturb="false")
        second = self.c.invite("1002", self.audio_c.sdp())
        self.b.incoming().reject(480)
        self.assertEqual(second.wait_final().status, 480)
        self.forward(smart_do_not_disturb="true")
        self.assertEqual(self.refused(), 486)
        until(lambda: len(self.calls()) == 1, lambda: "the call goes on, and the refused one does not")
        out.bye()
        into.wait_bye()
        self.ended()
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(480)
        out.wait_final()

    def test_over_a_kill(self):
        """A call that was taken up again counts."""
        out, into, _ = self.connect()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.refused(), 486)
        self.forward(forward_busy="1001")
        second = self.c.invite("1002", self.audio_c.sdp())
        rung = self.a.incoming()
        self.assertRegex(rung.request.get("Diversion"), r"^<sip:1002@[^>]+>;reason=user-busy;counter=1$")
        rung.reject(486)
        second.wait_final()
        out.bye()
        into.wait_bye()

    def test_a_phone_that_calls(self):
        """Its own calls are made, and count like those that it takes: here of a baresip."""
        self.node.put_extension("2001", "secret2001")
        self.node.ctl("extension.put", number="2001", smart_do_not_disturb="true")
        phone = self.node.phone("2001", "secret2001", extra="answermode=auto")
        self.addCleanup(phone.quit)
        phone.dial("1001")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        phone.wait("CALL_ESTABLISHED")
        self.assertEqual(self.c.invite("2001", self.audio_c.sdp()).wait_final().status, 486)
        phone.hangup()
        into.wait_bye()
        self.ended()
        out = self.c.invite("2001", self.audio_c.sdp())
        out.wait_answer()
        out.bye()


class Deflected(ForwardTest):
    """A command sends a ringing call of 1002 on to 1003."""

    def deflect(self, to="1003"):
        return self.node.ctl("call.deflect", call=self.calls()[0]["id"], to=to)

    def test_goes_on(self):
        """Who rings hears CANCEL, who is rung hears for whom; event and record say where the call went."""
        out, rung = self.ringing()
        self.deflect()
        rung.wait_cancel()
        into = self.c.incoming()
        self.assert_for(into, "deflection")
        self.assertIn("cause%3D487", into.request.get("History-Info"))
        told = [event for event in self.node.events() if event["type"] == "call.forwarded"]
        self.assertEqual([(event["from"], event["to"], event["reason"]) for event in told], [("1001", "1003", "deflection")])
        self.talk(out, into)
        record = self.node.cdrs()[-1]
        self.assertEqual((record["to"], record["forwarded_to"], record["forwarded"]), ("1002", "1003", "deflection"))

    def test_refused(self):
        """It rings on, and may be answered; then it is no longer sent on."""
        self.node.put_extension("1009", "secret1009")
        out, rung = self.ringing()
        for to, why in (("9999", "no such extension"), ("1009", "no phone of the target can be rung"), ("1002", "was rung for this call"),
                        ("1001", "the extension is the caller")):
            with self.assertRaisesRegex(ServerError, why):
                self.deflect(to)
        rung.answer(self.audio_b.sdp(), ack=False)
        out.wait_answer()
        rung.wait_ack()
        with self.assertRaisesRegex(ServerError, "call.transfer"):
            self.deflect()
        out.bye()
        rung.wait_bye()
        self.assertEqual(self.ended()["forwarded"], "")

    def test_phones(self):
        """Of a baresip to another one."""
        for number in ("2001", "2002", "2003"):
            self.node.put_extension(number, "secret" + number)
        phones = {number: self.node.phone(number, "secret" + number, extra="answermode=auto" if number == "2003" else "")
                  for number in ("2001", "2002", "2003")}
        for phone in phones.values():
            self.addCleanup(phone.quit)
        phones["2001"].dial("2002")
        phones["2002"].wait("CALL_INCOMING")
        self.deflect("2003")
        phones["2002"].wait("CALL_CLOSED")
        phones["2001"].wait("CALL_ESTABLISHED")
        phones["2003"].wait("CALL_ESTABLISHED")
        phones["2001"].hangup()
        self.assertEqual(self.ended()["forwarded_to"], "2003")


class Mobile(ForwardTest):
    """1003 is the mobile phone of the user of 1002."""
    settings = {"sip": {"registration_expires_min": "1s"}}

    def rings(self):
        """The phone of 1002, and no other one."""
        out, rung = self.ringing()
        rung.reject(603, "Decline")
        self.assertEqual(out.wait_final().status, 603)
        self.ended()

    def test_no_phone_is_left(self):
        """REG-23, BEAT-21: calls go there once the registration has expired, over a kill, and ring the phone when it is back: no #17 is keyed."""
        self.forward(mobile_extension="1003")
        self.rings()
        self.assertEqual(self.b.register(expires=1).status, 200)
        until(lambda: not any(row["contacts"] for row in self.node.ctl("registration.list", number="1002")))
        self.node.kill()
        self.node.restart()
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.c.incoming()
        self.assert_for(into, "unavailable")
        self.talk(out, into)
        self.assertEqual(self.b.register().status, 200)
        self.rings()


class Rejected(ForwardTest):
    """A command refuses a ringing call."""

    def reject(self, **arguments):
        return self.node.ctl("call.reject", call=self.calls()[0]["id"], **arguments)

    def test_killed(self):
        """Who rings hears CANCEL, the caller status and words; once more when its ACK was lost and the node is killed."""
        def refuses(message):
            return message.start == "SIP/2.0 603 Closed on Sundays"

        send = self.a.send
        self.a.send = lambda message, to=None: message.method == "ACK" or send(message, to)
        out, rung = self.ringing()
        with self.assertRaisesRegex(ServerError, "that a callee may send"):
            self.reject(status=401)
        self.reject(status=603, reason="Closed on Sundays")
        rung.wait_cancel()
        self.assertTrue(refuses(out.wait_final()))
        self.refused_over_a_kill(refuses)
        send(self.a.ack_of_failure(out.request, out.response))
        record = self.ended()
        self.assertEqual((record["sip_status"], record["q850"], record["ended_by"]), ("603", "21", "operator"))

    def test_answered(self):
        out, rung = self.ringing()
        rung.answer(self.audio_b.sdp(), ack=False)
        out.wait_answer()
        rung.wait_ack()
        with self.assertRaisesRegex(ServerError, "call.hangup"):
            self.reject()
        out.bye()
        rung.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")


class UpdatesWithOffers(CallTest):
    """RFC 3311: answered at once; the other party is asked again where it is to hear or send otherwise."""

    def test_hold_and_resume(self):
        out, into, _ = self.connect()
        for direction, told, version in (("sendonly", "recvonly", 2), ("sendrecv", "sendrecv", 3)):
            sdp = self.audio_a.sdp(version=version).replace("a=sendrecv", f"a={direction}")
            answered = out.transact(out.in_dialog("UPDATE", body=sdp))
            self.assertEqual(answered.status, 200)
            self.assertIn(f"a={told}", answered.text)
            asked = self.b.take_request("INVITE")
            self.assertIn(f"a={direction}", asked.text)
            answer = self.audio_b.sdp(version=version).replace("a=sendrecv", f"a={told}")
            self.b.respond(asked, 200, to_tag=into.tag, headers=[("Contact", self.b.contact)], body=answer)
            self.b.take_request("ACK")
        self.audio_a.start(440)
        self.audio_b.wait_packets(40)
        self.audio_a.stop()
        out.bye()
        into.wait_bye()


class ForwardedPhones(unittest.TestCase):
    def test_busy_phone(self):
        """CALL-15: a baresip that is told to refuse sends the caller on to another one."""
        node = Node()
        self.addCleanup(node.close)
        for number in ("1001", "1002", "2001"):
            node.put_extension(number, "secret" + number)
        node.ctl("extension.put", number="1002", forward_busy="2001")

        def phone(number, **options):
            device = node.phone(number, "secret" + number, **options)
            self.addCleanup(device.quit)
            return device
        busy = phone("1002")
        callee = phone("2001", extra="answermode=auto", source="ausine,880")
        caller = phone("1001", source="ausine,440")
        caller.dial("1002")
        busy.wait("CALL_INCOMING")
        busy.command("hangup")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")
        for device in (caller, callee):
            device.wait_heard()
        caller.hangup()
        callee.wait("CALL_CLOSED")
        for device, hertz in ((callee, 440), (caller, 880)):
            self.assertAlmostEqual(tone.heard(device.recordings("dec")[0])[0], hertz, delta=3)
