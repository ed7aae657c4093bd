# SPDX-License-Identifier: Apache-2.0
"""What flows say: values by recorded words, and texts by a speech engine. The caller hears them, over a kill, too."""
import subprocess
import sys

import numpy

from application_test import MAKE, Prompts
from flow_calls_test import Put


def says(steps):
    return {"start": "say", "steps": steps | {"wait": {"pause": 300, "next": "bye"}, "bye": {"hangup": {}}}}


class Say(Put, Prompts):
    def dialled(self, program):
        self.ask("flow.put", name="main", program=program)
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        return out, self.ask("call.list")[0]["id"]

    def heard(self):
        return numpy.array(self.audio_a.codec.samples([packet.payload for packet in self.audio_a.audio()]), float)

    def test_values(self):
        subprocess.run([sys.executable, MAKE, self.sound(), "--languages", "en,de"], check=True, capture_output=True)
        out, call = self.dialled(says({
            "say": {"say": {"text": "21", "as": "number", "language": "de"}, "failed": "bye", "next": "day"},
            "day": {"say": {"text": "2027-01-31", "as": "date"}, "failed": "bye", "next": "wait"}}))
        self.waits(call)
        heard = self.heard()
        for name in ("de/and-1", "de/number-20", "en/weekday-7", "en/month-1", "en/day-31", "en/number-20", "en/digit-7"):
            self.assertGreater(self.likeness(heard, self.sound(".prompts", name + ".wav")), 0.7, name)
        self.assertLess(self.likeness(heard, self.sound(".prompts", "de", "number-30.wav")), 0.6)
        self.assertEqual(self.at(call)["path"], "say,day")
        out.bye()

    def test_no_value(self):
        """What is no number takes the branch, and the log names flow and step."""
        out, call = self.dialled(says({
            "say": {"say": {"text": "many", "as": "number"}, "failed": "wait", "next": "bye"}}))
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "say,failed")
        out.bye()
