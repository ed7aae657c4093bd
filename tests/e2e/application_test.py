# SPDX-License-Identifier: Apache-2.0
"""Calls that an application answers by command: it plays to the caller and collects keys, over kills of the node: IVR-02, IVR-05."""
import os
import time
import unittest

from call_test import CallTest
from music_test import wav
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


class Plays(ApplicationTest):
    GREETING, MENU = 620, 1240

    def setUp(self):
        super().setUp()
        for name, hertz in (("greeting.wav", self.GREETING), ("menu.wav", self.MENU)):
            wav(os.path.join(self.node.folder, "sounds", "default", name), hertz)

    def hears(self, hertz, packets=20):
        since = time.monotonic()
        self.audio_a.wait_packets(packets, since=since)
        self.assertAlmostEqual(self.audio_a.heard()[0], hertz, delta=3)

    def test_play(self):
        """Two files of a second each, one behind the other; then without end, until it is stopped."""
        out, call = self.answered()
        began = time.monotonic()
        order = self.node.ctl("call.play", call=call, file="greeting.wav,menu.wav")["order"]
        self.hears(self.GREETING)
        told = self.wait_told("call.played")
        self.assertEqual((told["call"], int(told["order"]), told["reason"]), (call, order, "end"))
        self.assertGreater(time.monotonic() - began, 1.9)
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU, 70)
        self.node.ctl("call.stop", call=call)
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "stopped")
        self.node.ctl("call.play", call=call, file="none.wav")
        self.assertEqual(self.wait_told("call.played", 3)["reason"], "failed")
        out.bye()
        self.ended()

    def test_play_survives_kill(self):
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="greeting.wav", times="0")
        self.hears(self.GREETING)
        self.node.kill()
        self.node.restart()
        self.hears(self.GREETING)
        out.bye()
        self.assertEqual(self.wait_told("call.played")["reason"], "hangup")

    def test_collect(self):
        """Keys by RFC 4733 and by INFO; the first ends the prompt, and the node may be killed between them."""
        out, call = self.answered()
        self.node.ctl("call.collect", call=call, file="menu.wav", min="4", max="8", inter_ms="5000")
        self.hears(self.MENU)
        self.audio_a.start(440)
        self.audio_a.digit("1")
        self.info(out, "2")
        time.sleep(0.5)
        self.node.kill()
        self.node.restart()
        self.info(out, "3")
        self.info(out, "4")
        self.info(out, "#")
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["reason"]), ("1234", "terminator"))
        self.assertNotIn("1234", self.node.log_text())
        self.assertNotIn("call.collected", [row["type"] for row in self.node.events()])
        out.bye()

    def info(self, dialog, key):
        request = dialog.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(dialog.transact(request).status, 200)


if __name__ == "__main__":
    unittest.main()
