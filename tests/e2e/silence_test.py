# SPDX-License-Identifier: Apache-2.0
"""A party that should send and does not: its call ends by itself, a held one stays. A machine may stand still for four seconds."""
import time
import unittest

from call_test import CallTest
from patience import slowness


class Silence(CallTest):
    settings = {"media": {"timeout": "5s"}}

    def test_a_party_that_vanished(self):
        out, into, _ = self.connect()
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(20)
        self.audio_b.wait_packets(20)
        self.audio_b.stop()
        began = time.monotonic()
        out.wait_bye()
        into.wait_bye()
        self.assertGreater(time.monotonic() - began, 4.5)
        self.assertLess(time.monotonic() - began, 10 * slowness())
        self.assertEqual(self.ended()["cause"], "media_timeout")

    def test_a_call_on_hold_stays(self):
        out, into, _ = self.connect()
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(20)
        self.audio_b.wait_packets(20)
        self.node.ctl("call.hold", call=self.calls()[0]["id"], leg="a")
        into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))
        self.audio_a.stop()
        self.audio_b.stop()
        time.sleep(8)
        self.assertEqual(len(self.calls()), 1)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["cause"], "hung up")


if __name__ == "__main__":
    unittest.main()
