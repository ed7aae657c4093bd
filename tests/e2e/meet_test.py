# SPDX-License-Identifier: Apache-2.0
"""Two parties that have agreed on codecs with others, and on none in common, are joined: who has to take another codec is asked (CALL-24, CALL-26)."""
import unittest

from lib.codec import G722, PCMA, PCMU

import transfer_test
from music_test import TALK_A, TALK_B
from transfer_test import TALK_C, TransferTest

SHARED = True

EVENTS = "101 telephone-event/8000"
ONE = ("8 PCMA/8000", EVENTS)
BOTH = ("0 PCMU/8000", "8 PCMA/8000", EVENTS)
WIDE = ("9 G722/8000", EVENTS)


class Meet(transfer_test.TwoCalls):
    """A speaks with B in PCMU, and B by another dialog with C in G.722."""
    media = {**transfer_test.TwoCalls.media, "transcode": False}       # nobody waits for a codec then
    ask = transfer_test.Attended.ask

    def pairs_of_two(self):
        self.wide = G722()
        for end in (self.again, self.audio_c):
            end.codec, end.pt = self.wide, 9
        out, into = self.talk()
        second = self.b.invite("1003", self.again.sdp(codecs=WIDE))
        third = self.c.incoming()
        third.answer(self.audio_c.sdp(codecs=WIDE))
        self.again.use(second.wait_answer()).start(TALK_B)
        self.audio_c.use(third.request).start(TALK_C)
        self.hears(self.audio_c, TALK_B)
        return out, into, second, third

    def asked(self, dialog, codec):
        """It is asked for that codec of the other one."""
        request = dialog.agent.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == dialog.call_id,
                                    5, "re-INVITE")
        self.assertRegex(request.text, rf"m=audio \d+ RTP/AVP {codec}\b")
        self.assertIn("a=sendrecv", request.text)
        return request

    def takes_codec(self, dialog, end, codec, number):
        """Its phone takes what it is asked for, and speaks it from then on."""
        request = self.asked(dialog, number)
        dialog.agent.respond(request, 200, "OK", headers=[("Contact", dialog.agent.contact)],
                             body=end.sdp(codecs=(f"{number} {codec.name}/8000", EVENTS), version=3))
        self.assertTrue(dialog.agent.take_request("ACK", call_id=dialog.call_id))
        end.stop()
        end.codec, end.pt = codec, number
        return request

    def refuses(self, dialog, number):
        dialog.agent.respond(self.asked(dialog, number), 488, "Not Acceptable Here")
        self.assertTrue(dialog.agent.take_request("ACK", call_id=dialog.call_id))

    def speak(self, out, third, codec):
        """A and C, and nobody else, in that codec."""
        for end, hertz in ((self.audio_a, TALK_A), (self.audio_c, TALK_C)):
            end.stop()
            end.start(hertz)
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_c, TALK_A)
        for end in (self.audio_a, self.audio_c):
            self.assertEqual({packet.pt for packet in end.audio()[-20:]}, {codec})
        self.until(lambda: len(self.calls()) == 1)
        out.bye()
        third.wait_bye()
        self.ended()

    def left(self, *dialogs):
        for dialog in dialogs:
            dialog.wait_bye()

    def test_who_comes_takes_it(self):
        out, into, second, third = self.pairs_of_two()
        response, cseq = self.ask(into, second)
        self.assertEqual(response.status, 202)
        self.takes_codec(third, self.audio_c, PCMU, 0)
        self.notified(into, cseq, "200 OK")
        self.left(second, into)
        self.speak(out, third, 0)

    def test_who_was_held_takes_it(self):
        """C refuses what A has, so A is asked for what C has."""
        out, into, second, third = self.pairs_of_two()
        _, cseq = self.ask(into, second)
        self.refuses(third, 0)
        self.takes_codec(out, self.audio_a, self.wide, 9)
        self.notified(into, cseq, "200 OK")
        self.left(second, into)
        self.speak(out, third, 9)

    def test_nobody_takes_it(self):
        """Both calls go on as they were."""
        out, into, second, third = self.pairs_of_two()
        _, cseq = self.ask(into, second)
        self.refuses(third, 0)
        self.refuses(out, 9)
        self.notified(into, cseq, "488 Not Acceptable Here")
        self.talks()
        self.hears(self.audio_c, TALK_B)
        self.hears(self.again, TALK_C)
        self.assertEqual(len(self.calls()), 2)
        self.assertEqual(self.happened(), ["call.transfer_failed"])

    def test_it_leaves_meanwhile(self):
        """A took what C has, and C hangs up: A is asked for what B has."""
        out, into, second, third = self.pairs_of_two()
        _, cseq = self.ask(into, second)
        self.refuses(third, 0)
        request = self.asked(out, 9)
        third.bye()
        second.wait_bye()
        self.a.respond(request, 200, "OK", headers=[("Contact", self.a.contact)], body=self.audio_a.sdp(codecs=WIDE, version=2))
        self.notified(into, cseq, "481 Call/Transaction Does Not Exist")
        self.takes_codec(out, self.audio_a, PCMU, 0)
        self.audio_a.start(TALK_A)
        self.talks()

    def by_command(self, kills):
        out, into, second, third = self.pairs_of_two()
        ids = {call["to"]: call["id"] for call in self.calls()}
        self.node.ctl("call.join", **{"call": ids["1002"], "leg": "a", "with": ids["1003"], "with_leg": "b"})
        if kills:
            self.again_by_another_process()
        self.refuses(third, 0)
        if kills:
            self.again_by_another_process()
        self.takes_codec(out, self.audio_a, self.wide, 9)
        if kills:
            self.again_by_another_process()
        self.left(second, into)
        self.speak(out, third, 9)

    def again_by_another_process(self):
        self.node.kill()
        self.node.restart()

    def test_by_command(self):
        self.by_command(kills=False)

    def test_killed_at_each_step(self):
        self.by_command(kills=True)


class Rung(TransferTest):
    """Blind: who is rung takes a codec that the party once offered, and does not use."""
    media = {**TransferTest.media, "transcode": False}

    def rung(self):
        out, into, _ = self.connect(self.audio_a.sdp(codecs=BOTH), self.audio_b.sdp())
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        self.audio_c.codec, self.audio_c.pt = PCMA, 8
        rung.answer(self.audio_c.sdp(codecs=ONE))
        self.audio_c.use(rung.request).start(TALK_C)
        request = self.a.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == out.call_id, 5, "re-INVITE")
        self.assertRegex(request.text, r"m=audio \d+ RTP/AVP 8\b")
        return out, into, rung, cseq, request

    def test_the_party_takes_it(self):
        out, into, rung, cseq, request = self.rung()
        self.assertEqual(self.b.count(lambda m: m.method == "BYE"), 0)
        self.a.respond(request, 200, "OK", headers=[("Contact", self.a.contact)],
                       body=self.audio_a.sdp(codecs=ONE, version=2))
        self.notified(into, cseq, "200 OK")
        into.wait_bye()
        self.audio_a.stop()
        self.audio_a.codec, self.audio_a.pt = PCMA, 8
        self.audio_a.start(TALK_A)
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_c, TALK_A)
        self.ends(out, rung)

    def test_nobody_takes_it(self):
        """The transferor has its party back."""
        out, into, rung, cseq, request = self.rung()
        self.a.respond(request, 488, "Not Acceptable Here")
        request = self.c.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == rung.call_id, 5, "re-INVITE")
        self.c.respond(request, 488, "Not Acceptable Here")
        self.notified(into, cseq, "488 Not Acceptable Here")
        rung.wait_bye()
        self.talks()
        self.ends(out, into)


if __name__ == "__main__":
    unittest.main()
