# SPDX-License-Identifier: Apache-2.0
"""MESSAGE within a call (RFC 3428): what phones write to each other beside what they say."""
import os
import unittest

from lib.sip import or_none
from lib.sipp import Sipp

from application_test import ApplicationTest
from call_test import CallTest

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = [("Content-Type", "text/plain;charset=UTF-8")]


class MessageTest(CallTest):
    def write(self, agent, dialog, body):
        """A MESSAGE leaves; the request."""
        request = dialog.in_dialog("MESSAGE", body=body)
        request.set("Content-Type", TEXT[0][1])
        agent.send(request, dialog.next_hop())
        return request

    def answer(self, agent, request):
        return agent.take(lambda m: not m.is_request and m.get("CSeq") == request.get("CSeq") and m.status >= 200, 10, "an answer")


class Messages(MessageTest):
    def test_both_ways(self):
        """Also on hold: the session has nothing to do with it."""
        out, into, answered = self.connect()
        self.assertIn("MESSAGE", into.request.get("Allow"))
        self.assertIn("MESSAGE", answered.get("Allow"))
        held = out.in_dialog("INVITE", body=self.audio_a.sdp(direction="sendonly", version=2))
        self.a.send(held, out.next_hop())
        into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))
        self.answer(self.a, held)
        out._acknowledge(held.cseq)
        for agent, dialog, other in ((self.a, out, self.b), (self.b, into, self.a)):
            request = self.write(agent, dialog, "Grüße".encode())
            passed = other.take_request("MESSAGE")
            self.assertEqual((passed.body.decode(), passed.get("Content-Type")), ("Grüße", TEXT[0][1]))
            self.assertIsNone(passed.get("Contact"), "RFC 3428 4")
            self.assertIsNone(or_none(agent.take, lambda m: m.get("CSeq") == request.get("CSeq"), 0.3), "nobody has answered")
            other.respond(passed, 202, "Accepted")
            self.assertEqual(self.answer(agent, request).status, 202)
        out.bye()
        into.wait_bye()

    def test_refusals(self):
        """The call goes on behind each."""
        out, into, _ = self.connect()
        request = self.write(self.a, out, b"x" * 1301)
        self.assertEqual(self.answer(self.a, request).status, 413)
        for said, heard in ((415, 415), (405, 405), (501, 405), (486, 486)):
            request = self.write(self.a, out, b"x" * 1300)
            self.b.respond(self.b.take_request("MESSAGE"), said, "No", headers=[("Accept", "text/html")] if said == 415 else ())
            answer = self.answer(self.a, request)
            self.assertEqual(answer.status, heard)
            self.assertEqual(answer.get("Accept"), "text/html" if said == 415 else None)
            self.assertNotIn("MESSAGE", answer.get("Allow", ""))
        first, second = (self.write(self.a, out, text) for text in (b"1", b"2"))
        self.assertEqual(self.answer(self.a, second).status, 491)
        self.b.respond(self.b.take_request("MESSAGE"), 200, "OK")
        self.assertEqual(self.answer(self.a, first).status, 200)
        out.bye()
        into.wait_bye()

    def test_killed(self):
        """The node dies between the MESSAGE and its answer: it is said again, and gets one."""
        out, into, _ = self.connect()
        request = self.write(self.a, out, b"once more")
        first = self.b.take_request("MESSAGE")
        self.node.kill()
        self.node.restart()
        self.b.respond(first, 200, "OK")
        self.a.send(request, out.next_hop())
        again = self.b.take(lambda m: m.is_request and m.method == "MESSAGE" and m.get("CSeq") != first.get("CSeq"), 10, "MESSAGE")
        self.assertEqual(again.body, b"once more")
        self.assertGreater(again.cseq, first.cseq)
        self.b.respond(again, 200, "OK")
        self.assertEqual(self.answer(self.a, request).status, 200)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["sip_status"], "200")

    def test_sipp_writes(self):
        """SIPp finds MESSAGE in Allow, and its 200."""
        port, media = self.b.port, self.node.ports.take(2)
        self.b.close()
        sipp = Sipp(os.path.join(self.node.home, "sipp-message"), os.path.join(HERE, "sipp", "uas_message.xml"), self.node.server,
                    self.node.ports, users=[(str(media),)], port=port, seconds=30)
        out = self.a.invite("1002", self.audio_a.sdp())
        out.wait_answer()
        passed = self.a.take_request("MESSAGE")
        self.assertEqual(passed.text.strip(), "from SIPp")
        self.a.respond(passed, 200, "OK")
        out.bye()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)


class Alone(ApplicationTest):
    def test_nobody_reads_it(self):
        out, _ = self.answered()
        answer = out.transact(out.in_dialog("MESSAGE", body="x"))
        self.assertEqual(answer.status, 405)
        self.assertNotIn("MESSAGE", answer.get("Allow"))
        out.bye()


if __name__ == "__main__":
    unittest.main()
