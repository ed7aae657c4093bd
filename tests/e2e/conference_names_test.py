# SPDX-License-Identifier: Apache-2.0
"""Members of a conference say their names, and all hear them when they come and go: by what they hear, and over a kill of the node (CONF-17)."""
import glob
import time
import unittest

from conference_parts_test import ENTRY, PartsTest
from conference_test import HERTZ
from music_test import wav
from patience import until

ASKED, JOINED, LEFT = 500, 1700, 2100


class Names(PartsTest):
    def setUp(self):
        super().setUp()
        for prompt, hertz in (("name", ASKED), ("joined", JOINED), ("left", LEFT)):
            wav(f"{self.node.folder}/sounds/.prompts/conference-{prompt}.wav", hertz, seconds=1)
        self.node.ctl("room.put", number="700", entry_tone="name", exit_tone="name")

    def silence(self, number):
        audio = self.audio[number]
        audio.stop()
        audio.start(frames=audio.codec.coded([0] * (audio.codec.rate // 50)))

    def comes(self, number, says=True):
        """It is asked, and says its name: its own tone. Then it is silent, which ends that."""
        audio, before = self.end(), len(self.names())
        out = self.agents[number].invite("700", audio.sdp())
        audio.use(out.wait_answer())
        self.audio[number], self.dialogs[number] = audio, out
        self.silence(number)
        self.hears_tone(number, ASKED)
        until(lambda: len(self.names()) > before, lambda: self.node.log_tail())
        if says:
            audio.stop()
            audio.start(HERTZ[number])
            time.sleep(1)
        self.silence(number)
        until(lambda: number in {row["from"] for row in self.there()}, lambda: f"{self.there()}\n{self.node.log_tail()}")

    def there(self):
        return [row for room in self.node.ctl("conference.list")
                for row in self.node.ctl("conference.get", conference=room["id"])["list"] if row["state"] == "there"]

    def names(self):
        return glob.glob(f"{self.node.folder}/recordings/.names/default/*.wav")

    def test_said_and_heard(self):
        """The name of who comes, and what he does; behind a kill that of who leaves, too. No list has what was said."""
        self.comes("1001")
        since = time.monotonic()
        self.comes("1002")
        self.hears_tone("1001", HERTZ["1002"], since)
        self.hears_tone("1001", JOINED, since)
        self.assertEqual(len(self.names()), 2)
        self.assertEqual(self.files(), [])
        self.assertEqual(self.node.ctl("recording.list"), [])
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")), lambda: "not saved")
        self.restart()
        since = time.monotonic()
        self.hangs_up("1002")
        self.hears_tone("1001", HERTZ["1002"], since)
        self.hears_tone("1001", LEFT, since)
        self.hangs_up("1001")
        until(lambda: len(self.node.ctl("cdr.list")) >= 2, lambda: "no CDRs")
        self.assertEqual([row.get("recordings") for row in self.node.ctl("cdr.list") if row.get("recordings")], [])

    def test_nothing_said(self):
        """After five seconds he comes in without, and there is a tone."""
        self.comes("1001")
        since = time.monotonic()
        self.comes("1002", says=False)
        for hertz in ENTRY:
            self.hears_tone("1001", hertz, since)


if __name__ == "__main__":
    unittest.main()
