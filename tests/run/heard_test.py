# SPDX-License-Identifier: Apache-2.0
"""How tests say what they heard: a packet that was lost on a busy machine is no wrong tone, and a wrong one is not excused."""
import array
import pathlib
import sys
import tempfile
import time
import unittest
import wave

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "deploy" / "demo")]

import tone                                             # noqa: E402
from lib.codec import G722, PCMU, sine                  # noqa: E402
from lib.media import Media, Packet, holes              # noqa: E402


class Ports:
    def take(self, _count):
        return 0

    def give(self, *_):
        pass


class Heard(unittest.TestCase):
    def end(self, hertz, lost=lambda n: False, codec=PCMU, count=50, ssrc=1, end=None):
        """That has received the packets of such a tone, without those that were lost."""
        if not end:
            end = Media.__new__(Media)
            end.codec, end.pt, end.told, end.packets = codec, 0, 0, []
        frames, now = codec.frames(hertz), time.monotonic()
        end.packets += [Packet(now + n / 50, ("", 0), 0, False, (65530 + n) % 65536, n * 160, ssrc, frames[n % 50], 0)
                        for n in range(count) if not lost(n)]
        return end

    def test_nothing_lost(self):
        for codec in (PCMU, G722()):
            end = self.end(620, codec=codec)
            self.assertGreater(end.share(end.packets[:30], 620), 0.97)
            self.assertLess(end.share(end.packets[:30], 650), 0.1)
            self.assertEqual(end.heard()[0], 620)

    def test_lost_is_not_wrong(self):
        """Each loss is a jump within the period of the tone, which is not of 20 ms: 630 Hz in all that came, and no other."""
        for lost in (lambda n: n % 7 == 3, lambda n: 4 < n < 9 or n > 20 and n % 4 == 0):
            end = self.end(635, lost)
            self.assertGreater(end.share(end.packets, 635), 0.97)
            self.assertAlmostEqual(end.heard()[0], 635, delta=1)
            self.assertTrue(end._finds(635, 30))
            self.assertFalse(self.end(1000, lost)._finds(620, 8))

    def test_two_sources(self):
        """The next process goes on with a source of its own."""
        end = self.end(635, count=13)
        self.end(635, count=20, ssrc=2, end=end)
        self.assertGreater(end.share(end.packets, 635), 0.97)

    def test_another_order(self):
        end = self.end(635)
        end.packets[10], end.packets[13] = end.packets[13], end.packets[10]
        self.assertGreater(end.share(end.packets, 635), 0.97)
        self.assertIn("50 packets, 0 lost", holes(end.packets))

    def test_half_is_wrong(self):
        end = self.end(620, count=20)
        self.end(1000, count=20, ssrc=2, end=end)
        self.assertLess(end.share(end.packets, 620), 0.6)

    def test_silence(self):
        end = self.end(620)
        for packet in end.packets:
            packet.payload = b"\xff" * 160
        self.assertEqual(end.share(end.packets, 620), 0)
        self.assertEqual(end.heard()[0], 0)

    def test_a_failure_says_both(self):
        end = self.end(1000, lambda n: 30 <= n < 36)
        with self.assertRaisesRegex(AssertionError, r"^1000 Hz \(19 packets, 6 lost, none for 0\.14 s once\) != 620"):
            self.assertEqual(end.heard(0.38)[0], 620)


class Recorded(unittest.TestCase):
    """What a phone wrote: it fills a loss with silence, or goes on without it."""

    def heard(self, *parts):
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            with wave.open(file.name, "wb") as out:
                out.setparams((1, 2, 8000, 0, "NONE", ""))
                out.writeframes(array.array("h", [sample for part in parts for sample in part]).tobytes())
            return tone.heard(file.name)

    def test_clicks(self):
        whole = sine(437, 8000)
        hertz, share = self.heard(whole, whole[:1000], whole[1180:3000], whole[3777:])
        self.assertAlmostEqual(hertz, 437, delta=1)
        self.assertGreater(share, 0.95)

    def test_a_hole(self):
        whole = sine(437, 8000)
        hertz, share = self.heard(whole, whole[:1000], [0] * 700, whole[1700:])
        self.assertAlmostEqual(hertz, 437, delta=1)
        self.assertGreater(share, 0.95)

    def test_another_tone_beside(self):
        both = [(a + b) // 2 for a, b in zip(sine(437, 8000), sine(880, 8000))]
        self.assertLess(self.heard(both, both)[1], 0.6)

    def test_another_tone(self):
        self.assertEqual(self.heard(sine(437, 8000)[:5000], sine(880, 8000), sine(880, 8000))[0], 880)


if __name__ == "__main__":
    unittest.main()
