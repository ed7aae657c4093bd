# SPDX-License-Identifier: Apache-2.0
"""One conference of phones with a codec each, over two workers of the media: what each of them hears (CONF-01, MED-02)."""
import unittest

import conference_test
from lib.codec import PCMA, PCMU, G722, Opus

PHONES = {"1001": (PCMU, 0, "0 PCMU/8000"), "1002": (PCMA, 8, "8 PCMA/8000"), "1003": (G722(), 9, "9 G722/8000"),
          "1004": (Opus(), 96, "96 opus/48000/2")}


class Codecs(conference_test.ConferenceTest):
    settings = {"media": {"music": "music.wav", "workers": 2}}

    def dials_with(self, number, codec, pt, name):
        audio = self.end()
        audio.codec, audio.pt = codec, pt
        out = self.agents[number].invite("700", audio.sdp(codecs=(name, "101 telephone-event/8000")))
        audio.use(out.wait_answer())
        self.speaks(number, audio, out)

    def test_each_hears_all(self):
        self.node.ctl("room.put", number="700", talkers=4)
        for number, (codec, pt, name) in PHONES.items():
            self.dials_with(number, codec, pt, name)
        self.all_hear(*PHONES)
        self.restart()
        self.all_hear(*PHONES)
        self.hangs_up("1004")
        self.all_hear("1001", "1002", "1003")


if __name__ == "__main__":
    unittest.main()
