# SPDX-License-Identifier: Apache-2.0
"""Calls that an application answers by command: it plays to the caller and collects keys, over kills of the node: IVR-02, IVR-05."""
import time
import unittest

from call_test import CallTest
from server import ServerError


class ApplicationTest(CallTest):
    NUMBER = "1900"

    def setUp(self):
        super().setUp()
        self.node.put_extension(self.NUMBER, "secret1900")
        self.node.ctl("extension.put", number=self.NUMBER, application="ivr")

    def told(self, kind=None):
        """What the application heard."""
        rows = self.node.told("td:{ev:default}:ivr")
        return [row for row in rows if kind in (None, row["type"])]

    def wait_told(self, kind, count=1, seconds=5.0):
        end = time.monotonic() + seconds
        while len(rows := self.told(kind)) < count:
            self.assertLess(time.monotonic(), end, f"{len(rows)} of {count} {kind}: {self.told()}")
            time.sleep(0.02)
        return rows[count - 1]

    def call(self, sdp=None):
        out = self.a.invite(self.NUMBER, self.audio_a.sdp() if sdp is None else sdp)
        out.wait_provisional(180)
        return out, self.wait_told("call.waiting")["call"]

    def answered(self):
        out, call = self.call()
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        return out, call


class Answers(ApplicationTest):
    def test_answered_by_command(self):
        out, call = self.call()
        told = self.told("call.waiting")[0]
        self.assertEqual((told["from"], told["to"]), ("1001", self.NUMBER))
        self.node.ctl("call.answer", call=call)
        out.wait_answer()
        with self.assertRaisesRegex(ServerError, "waits for no application"):
            self.node.ctl("call.answer", call=call)
        self.assertEqual(self.node.ctl("call.show", call=call)["state"], "established")
        out.bye()
        record = self.ended()
        self.assertEqual((record["to"], record["sip_status"], record["ended_by"]), (self.NUMBER, "200", "a"))
        self.assertEqual([row["type"] for row in self.told()],
                         ["call.new", "call.ringing", "call.waiting", "call.answered", "call.ended"])
        self.assertNotIn("call.waiting", [row["type"] for row in self.node.events()])

    def test_nobody_answers(self):
        self.node.ctl("extension.put", number=self.NUMBER, application_wait_s="1")
        out, _ = self.call()
        self.assertEqual(out.wait_final().status, 480)
        self.wait_told("call.missed")
        self.node.ctl("extension.put", number=self.NUMBER, forward_no_answer="1002")
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()

    def test_waiting_call_survives_kill(self):
        """The application hears of it again; killed in the moment of the answer it is answered all the same."""
        out, call = self.call()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.wait_told("call.waiting", 2)["call"], call)
        self.node.ctl("call.answer", call=call)
        self.node.kill()
        self.node.restart()
        out.wait_answer()
        self.assertEqual(self.node.ctl("call.show", call=call)["id"], call)
        self.node.ctl("call.hangup", call=call)
        out.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "operator")


if __name__ == "__main__":
    unittest.main()
