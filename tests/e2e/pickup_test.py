# SPDX-License-Identifier: Apache-2.0
"""A call that rings is taken by another extension: by the key of a desk phone whose lamp blinks, and by a code. MON-03, CALL-41, BLF-04."""
import time
import unittest

from blf_test import Lamp
from lib.node import Node
from patience import PATIENCE_S
from server import ServerError

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


class Pickup(unittest.TestCase):
    def setUp(self):
        self.node = Node(settings={"node": {"shards": [2]}})
        self.addCleanup(self.node.close)
        for number in ("1001", "1002", "1003", "1004"):
            self.node.put_extension(number, "secret-" + number)
        for number in ("1002", "1003"):
            self.node.ctl("extension.put", number=number, pickup_groups="sales")
        self.caller, self.called, self.desk, self.other = (self.agent(n) for n in ("1001", "1002", "1003", "1004"))

    def agent(self, number):
        agent = self.node.user_agent(number, "secret-" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register(expires=600).status, 200)
        return agent

    def media(self):
        end = self.node.media()
        self.addCleanup(end.close)
        return end

    def ring(self):
        """1001 calls 1002, whose phone rings."""
        self.audio_a, self.audio_p = self.media(), self.media()
        self.out = self.caller.invite("1002", self.audio_a.sdp())
        self.into = self.called.incoming()
        self.into.ring()
        self.out.wait_provisional(180)

    def key(self, lamp):
        """As a desk phone has it from what its lamp shows."""
        lamp.until("early")
        dialog = next(iter(lamp.dialogs.values()))
        self.assertTrue(dialog.get("call-id") and dialog.get("local-tag") and dialog.get("remote-tag"))
        return f"{dialog.get('call-id')};to-tag={dialog.get('local-tag')};from-tag={dialog.get('remote-tag')};early-only"

    def lamp(self, agent):
        lamp = Lamp(agent, "1002")
        lamp.hear()
        return lamp

    def press(self, agent, value):
        return agent.invite("1002", self.audio_p.sdp(), [("Replaces", value), ("Require", "replaces")])

    def is_taken(self, picks):
        """1002's phone stops, and 1001 speaks with who took the call; so the CDR says."""
        self.audio_p.use(picks.wait_answer())
        cancel = self.into.wait_cancel()
        self.assertEqual(cancel.get("Reason"), ELSEWHERE)
        self.audio_a.use(self.out.wait_answer())
        self.audio_a.start(440)
        self.audio_p.start(880)
        end = time.monotonic() + PATIENCE_S
        while abs(self.audio_a.heard()[0] - 880) > 3 or abs(self.audio_p.heard()[0] - 440) > 3:
            self.assertLess(time.monotonic(), end, "they hear each other")
            time.sleep(0.1)
        self.audio_a.stop()
        self.audio_p.stop()

    def hangs_up(self, picks):
        picks.bye()
        self.out.wait_bye()
        end = time.monotonic() + PATIENCE_S
        while self.node.ctl("call.list", ending=True):
            self.assertLess(time.monotonic(), end)
        rows = [row for row in self.node.ctl("cdr.list") if row["forwarded"] == "pickup"]
        self.assertEqual([(row["from"], row["to"], row["forwarded_to"], str(row["sip_status"])) for row in rows],
                         [("1001", "1002", "1003", "200")])

    def test_a_key(self):
        """Pressed twice, which does no harm."""
        lamp = self.lamp(self.desk)
        self.ring()
        value = self.key(lamp)
        picks = self.press(self.desk, value)
        picks.wait_provisional(100)             # so the other one comes later
        again = self.press(self.desk, value)
        self.is_taken(picks)
        self.assertIn(again.wait_final().status, (403, 481, 486, 603))      # 403: the phone that rang has its CANCEL by then
        self.assertIn("call.picked_up", [row["type"] for row in self.node.events()])
        self.hangs_up(picks)

    def test_a_key_of_a_stranger(self):
        lamp = self.lamp(self.other)
        self.ring()
        self.assertEqual(self.press(self.other, self.key(lamp)).wait_final().status, 403)
        self.into.answer(self.audio_p.sdp(), ack=False)
        self.out.wait_answer()
        self.into.wait_ack()
        self.out.bye()
        self.into.wait_bye()

    def test_codes(self):
        """Of 1002, and of the group; through whichever shard."""
        for code in ("**1002", "**") * 3:
            self.ring()
            self.assertEqual(self.other.invite("**1002", self.audio_p.sdp()).wait_final().status, 403)
            self.assertEqual(self.other.invite("**", self.audio_p.sdp()).wait_final().status, 404)
            picks = self.desk.invite(code, self.audio_p.sdp())
            self.is_taken(picks)
            picks.bye()
            self.out.wait_bye()
        self.assertEqual(self.desk.invite("**1002", self.audio_p.sdp()).wait_final().status, 404)

    def test_a_command(self):
        """1003's phone rings in place of 1002's, which shows no missed call; a second one does no harm."""
        self.ring()
        with self.assertRaisesRegex(ServerError, "no pick-up group"):
            self.node.ctl("call.pickup", extension="1002", by="1004")
        self.node.ctl("call.pickup", extension="1002", by="1003")
        into = self.desk.incoming()
        self.assertEqual(self.into.wait_cancel().get("Reason"), ELSEWHERE)
        with self.assertRaisesRegex(ServerError, "nobody calls there"):
            self.node.ctl("call.pickup", extension="1002", by="1003")
        into.answer(self.audio_p.sdp(), ack=False)
        self.out.wait_answer()
        into.wait_ack()
        self.hangs_up(into)

    def test_killed(self):
        """Behind the key: it goes on."""
        lamp = self.lamp(self.desk)
        self.ring()
        picks = self.press(self.desk, self.key(lamp))
        picks.wait_answer()
        self.node.kill()
        self.node.restart()
        self.is_taken(picks)
        self.hangs_up(picks)


if __name__ == "__main__":
    unittest.main()
