# SPDX-License-Identifier: Apache-2.0
"""Several phones on one extension: all ring, one has the call, the others are told to stop; and redirections."""
import time
import unittest

from call_test import CallTest

from patience import PATIENCE_S, until
import tone

SHARED = True


class ForkingTest(CallTest):
    """1001 calls 1002, which has the scripted phones self.b and self.second."""

    def setUp(self):
        super().setUp()
        self.second = self.node.user_agent("1002", "secret1002")
        self.addCleanup(self.second.close)
        self.audio_second = self.node.media()
        self.addCleanup(self.audio_second.close)

    def ring(self):
        """Both ring: (caller's dialog, the first phone's, the second one's)."""
        self.assertEqual(self.second.register().status, 200)
        out = self.a.invite("1002", self.audio_a.sdp())
        legs = self.b.incoming(), self.second.incoming()
        for leg in legs:
            leg.ring()
        out.wait_provisional(180)
        return out, *legs

    def settled(self):
        """Waits until nothing about the call is left to save: phones of a script do not ring again for an INVITE that comes twice."""
        end, before = time.monotonic() + PATIENCE_S, None
        while time.monotonic() < end:
            call = self.node.ctl("call.show", call=self.calls()[0]["id"])
            now = (call["state"], call["saved"], call["version"])
            if now == before and now[:2] == ("ringing", True):
                return
            before = now
            time.sleep(0.1)
        self.fail(f"not settled: {before}")

    def talk(self, out, leg, audio, answered):
        """The call is between these two, and it is the only one."""
        self.audio_a.use(answered).start(440)
        audio.use(leg.request).start(880)
        self.audio_a.wait_packets(60)
        audio.wait_packets(60)
        for end in (self.audio_a, audio):
            end.stop()
        self.assertEqual(audio.heard()[0], 440)
        self.assertEqual(self.audio_a.heard()[0], 880)
        self.assertEqual(len({packet.ssrc for packet in self.audio_a.packets}), 1)
        self.assertEqual([row["state"] for row in self.calls()], ["established"])
        out.bye()
        leg.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")

    def none(self, agent, method):
        self.assertEqual(agent.count(lambda m: m.is_request and m.method == method), 0)


class Forking(ForkingTest):
    def test_the_second_phone_answers(self):
        """The first is told to stop; the call is with the second alone."""
        out, first, second = self.ring()
        second.answer(self.audio_second.sdp())
        answered = out.wait_answer()
        reason = first.wait_cancel().get("Reason", "")
        self.assertIn("200", reason, "RFC 3326: it was answered elsewhere")
        self.talk(out, second, self.audio_second, answered)
        self.none(self.second, "CANCEL")

    def test_both_answer_at_once(self):
        """RFC 3261 13.2.2.4: one has the call, the other's 200 is acknowledged and followed by BYE."""
        out, first, second = self.ring()
        second.respond(200, "OK", body=self.audio_second.sdp())
        first.respond(200, "OK", body=self.audio_b.sdp())
        answered = out.wait_answer()
        for leg in (first, second):
            leg.wait_ack()

        def sent_away():
            return [int(agent.count(lambda m: m.is_request and m.method == "BYE") > 0) for agent in (self.b, self.second)]
        until(lambda: any(sent_away()))
        time.sleep(0.3)
        byes = sent_away()
        self.assertEqual(sorted(byes), [0, 1], "one of them was sent away")
        winner = byes.index(0)
        (first, second)[1 - winner].wait_bye()
        self.talk(out, (first, second)[winner], (self.audio_b, self.audio_second)[winner], answered)

    def test_a_handset_of_a_phone(self):
        """REG-35: its base registers it with a Contact of its own, from the same port, as the same extension. It rings beside the phone, and is it."""
        self.b.new_call_id()
        self.assertEqual(self.b.register(contact=f"<sip:handset@{self.b.host_port}>").status, 200)
        out = self.a.invite("1002", self.audio_a.sdp())
        legs = {leg.request.uri.split("@")[0]: leg for leg in (self.b.incoming(), self.b.incoming())}
        for leg in legs.values():
            leg.ring()
        legs["sip:handset"].answer(self.audio_second.sdp())
        answered = out.wait_answer()
        legs["sip:1002"].wait_cancel()
        self.talk(out, legs["sip:handset"], self.audio_second, answered)

    def test_one_is_busy_and_the_other_answers(self):
        out, first, second = self.ring()
        first.reject(486)
        time.sleep(0.2)
        self.assertIsNone(out.response, "the other one rings")
        second.answer(self.audio_second.sdp())
        self.talk(out, second, self.audio_second, out.wait_answer())

    def test_all_refuse(self):
        """RFC 3261 16.7: one refusal of those that came, when the last one has come."""
        out, first, second = self.ring()
        first.reject(480)
        second.reject(486)
        self.assertIn(out.wait_final().status, (480, 486))
        self.ended()

    def test_one_declines_for_all(self):
        """RFC 3261 16.7 5: after a 6xx nobody else needs to ring."""
        out, first, second = self.ring()
        second.reject(603)
        first.wait_cancel()
        self.assertEqual(out.wait_final().status, 603)
        self.ended()

    def test_the_caller_gives_up(self):
        out, first, second = self.ring()
        self.assertEqual(out.cancel().status, 200)
        for leg in (first, second):
            leg.wait_cancel()
        self.assertEqual(out.wait_final().status, 487)
        self.assertEqual(self.ended()["sip_status"], "487")

    def test_a_restart_while_both_ring(self):
        """After kill -9 both still ring; one answers, the other is told to stop."""
        out, first, second = self.ring()
        self.settled()
        self.node.kill()
        self.node.restart()
        second.answer(self.audio_second.sdp())
        answered = out.wait_answer()
        first.wait_cancel()
        self.talk(out, second, self.audio_second, answered)

    def test_a_refusal_over_a_kill(self):
        """Whose ACK is lost hears the same again, of the next process. No phone is asked again, and there is one CDR."""
        def refuses(message):
            return not message.is_request and message.method == "INVITE" and message.status == 486

        send = self.a.send
        self.a.send = lambda message, to=None: message.method == "ACK" or send(message, to)
        out, *legs = self.ring()
        for leg in legs:
            leg.reject(486)
        final = out.wait_final()
        self.refused_over_a_kill(refuses)
        send(self.a.ack_of_failure(out.request, final))
        self.assertEqual(self.ended()["sip_status"], "486")
        self.assertEqual(len(self.node.cdrs()), 1)
        for phone in (self.b, self.second):
            self.assertEqual(phone.count(lambda m: m.is_request and m.method == "INVITE"), 1)

    def test_a_phone_that_is_gone_costs_nothing(self):
        """One registered phone does not answer at all: the other rings and is answered at once."""
        gone = self.node.user_agent("1002", "secret1002")
        self.assertEqual(gone.register().status, 200)
        gone.close()
        out, first, second = self.ring()
        first.answer(self.audio_b.sdp())
        second.wait_cancel()
        self.talk(out, first, self.audio_b, out.wait_answer())


class Phones(ForkingTest):
    def phone(self, number, **options):
        device = self.node.phone(number, "secret" + number, **options)
        self.addCleanup(device.quit)
        return device

    def setUp(self):
        super().setUp()
        for agent in (self.a, self.b):
            agent.register(expires=0)

    def test_two_phones_ring_and_one_answers(self):
        callees = [self.phone("1002", extra="answermode=manual", source=f"ausine,{hertz}") for hertz in (880, 990)]
        caller = self.phone("1001", source="ausine,440")
        caller.dial("1002")
        for device in callees:
            device.wait("CALL_INCOMING")
        callees[1].command("accept")
        callees[0].wait("CALL_CLOSED")
        caller.wait("CALL_ESTABLISHED")
        callees[1].wait("CALL_ESTABLISHED")
        for device in (caller, callees[1]):
            device.wait_heard()
        caller.hangup()
        callees[1].wait("CALL_CLOSED")
        self.assertAlmostEqual(tone.heard(caller.recordings()[0])[0], 990, delta=3)
        self.assertAlmostEqual(tone.heard(callees[1].recordings()[0])[0], 440, delta=3)
        self.assertEqual(callees[0].packets()[1], 0, "it heard nothing")

    def test_two_phones_that_answer_by_themselves(self):
        """Both at once: one call stands, and the caller hears one of them only."""
        callees = [self.phone("1002", extra="answermode=auto", source=f"ausine,{hertz}") for hertz in (880, 990)]
        caller = self.phone("1001", source="ausine,440")
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        caller.wait_heard()
        self.assertEqual([row["state"] for row in self.calls()], ["established"])
        talking = ["ESTABLISHED" in device.command("listcalls") for device in callees]
        self.assertEqual(sorted(talking), [False, True])
        caller.hangup()
        callees[talking.index(True)].wait("CALL_CLOSED")
        heard, share = tone.heard(caller.recordings()[0])
        self.assertAlmostEqual(heard, (880, 990)[talking.index(True)], delta=3)
        self.assertGreater(share, 0.9)


class Redirection(ForkingTest):
    def test_another_extension(self):
        """302 to an extension of ours: that one rings, and the caller notices nothing."""
        self.node.put_extension("1003", "secret1003")
        with self.node.user_agent("1003", "secret1003") as third:
            self.assertEqual(third.register().status, 200)
            out = self.a.invite("1002", self.audio_a.sdp())
            self.b.incoming().reject_to("<sip:1003@127.0.0.1>")
            leg = third.incoming()
            leg.answer(self.audio_second.sdp())
            self.talk(out, leg, self.audio_second, out.wait_answer())

    def test_somewhere_else(self):
        """A redirection out of the house is not followed, nor handed to the caller."""
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject_to("<sip:1003@192.0.2.99>")
        final = out.wait_final()
        self.assertGreaterEqual(final.status, 400)
        self.assertEqual(final.all("Contact"), [])
        self.ended()

    def test_in_a_circle(self):
        """1002 to itself: that ends."""
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject_to("<sip:1002@127.0.0.1>")
        self.assertGreaterEqual(out.wait_final().status, 400)
        self.assertLessEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 10)
        self.ended()


if __name__ == "__main__":
    unittest.main()
