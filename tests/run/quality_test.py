# SPDX-License-Identifier: Apache-2.0
"""What `./tandem bench quality` measures with: a wrong measure says nothing of what is heard."""
import pathlib
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import quality                  # noqa: E402
import speech_measure           # noqa: E402

RATE = 10000


def speech(seconds=3, rate=RATE):
    """Noise that comes and goes as syllables do, with silence between words."""
    rng, n = numpy.random.default_rng(5), int(seconds * rate)
    t = numpy.arange(n) / rate
    voiced = sum(numpy.sin(2 * numpy.pi * 120 * k * t + k) / k for k in range(1, 30))
    level = (1 + numpy.sin(2 * numpy.pi * 4 * t)) * (numpy.sin(2 * numpy.pi * 0.7 * t) > -0.6)
    return 2000 * level * (voiced + 0.3 * rng.standard_normal(n))


def noisy(clean, snr_db):
    noise = numpy.random.default_rng(7).standard_normal(len(clean))
    return clean + noise * numpy.linalg.norm(clean) / numpy.linalg.norm(noise) * 10 ** (-snr_db / 20)


def stoi_step_by_step(clean, heard):
    """The paper's equations 1 to 5 one after the other, in plain loops, for signals at 10 kHz without silence."""
    def envelopes(signal):
        window, bands = numpy.sin(numpy.pi * numpy.arange(1, 257) / 257) ** 2, []
        for at in range(0, len(signal) - 256, 128):
            power = numpy.abs(numpy.fft.fft(window * signal[at:at + 256], 512)) ** 2
            frame = []
            for band in range(15):
                edges = [150 * 2 ** ((2 * band + side) / 6) for side in (-1, 1)]
                low, high = (min(range(257), key=lambda k, edge=edge: abs(k * RATE / 512 - edge)) for edge in edges)
                frame.append(sum(power[low:high]) ** 0.5)
            bands.append(frame)
        return numpy.array(bands).T

    total, x, y = [], envelopes(clean), envelopes(heard)
    for end in range(30, x.shape[1] + 1):
        for band in range(15):
            a, b = x[band, end - 30:end], y[band, end - 30:end]
            scaled = b * (sum(a * a) / sum(b * b)) ** 0.5
            clipped = [min(s, c * (1 + 10 ** 0.75)) for s, c in zip(scaled, a)]
            total.append(numpy.corrcoef(a, clipped)[0, 1])
    return sum(total) / len(total)


class Stoi(unittest.TestCase):
    def test_whole(self):
        clean = speech()
        self.assertAlmostEqual(speech_measure.stoi(clean, clean, RATE), 1, 9)
        self.assertAlmostEqual(speech_measure.stoi(clean, 0.25 * clean, RATE), 1, 9)     # as loud as one likes

    def test_falls_with_noise(self):
        clean = speech()
        values = [speech_measure.stoi(clean, noisy(clean, snr), RATE) for snr in (40, 20, 10, 5, 0, -5, -10, -20)]
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertGreater(values[0], 0.98)
        self.assertLess(values[-1], 0.45)

    def test_is_that_of_the_paper(self):
        rng = numpy.random.default_rng(3)
        clean = rng.standard_normal(9000) * (1.2 + numpy.sin(numpy.arange(9000) / 300))     # never silent
        heard = clean + rng.standard_normal(9000)
        _, joined = speech_measure.without_silence(clean, heard)
        joined_clean, _ = speech_measure.without_silence(clean, clean)
        self.assertAlmostEqual(speech_measure.stoi(clean, heard, RATE), stoi_step_by_step(joined_clean, joined), 9)

    def test_bands(self):
        """Fifteen third octaves: the middle of the lowest is 150 Hz, of the highest about 3.8 kHz, and none is empty."""
        bands = speech_measure.third_octaves()
        self.assertEqual(bands.shape, (15, 257))
        self.assertTrue((bands.sum(axis=0) <= 1).all() and (bands.sum(axis=1) >= 1).all())
        middle = bands @ numpy.arange(257) / bands.sum(axis=1) * RATE / 512
        self.assertLess(abs(middle[0] - 150), 15)
        self.assertLess(abs(middle[14] - 150 * 2 ** (14 / 3)), 60)

    def test_silence_does_not_count(self):
        clean = speech()
        quiet = numpy.concatenate([clean, numpy.zeros(20000)])
        noise = numpy.concatenate([numpy.zeros(len(clean)), numpy.random.default_rng(1).standard_normal(20000) * 500])
        self.assertGreater(speech_measure.stoi(quiet, quiet + noise, RATE), 0.999)

    def test_rates(self):
        for rate in (8000, 16000, 48000):
            t = numpy.arange(rate) / rate
            out = speech_measure.at_rate(numpy.sin(2 * numpy.pi * 1000 * t), rate, RATE)
            self.assertEqual(len(out), RATE)
            want = numpy.sin(2 * numpy.pi * 1000 * numpy.arange(RATE) / RATE)
            self.assertLess(numpy.abs(out - want)[100:-100].max(), 0.01)
        high = numpy.sin(2 * numpy.pi * 7000 * numpy.arange(16000) / 16000)
        self.assertLess(numpy.abs(speech_measure.at_rate(high, 16000, RATE))[100:-100].max(), 0.01)


class Distance(unittest.TestCase):
    FRAME = 160

    def setUp(self):
        self.clean = 3000 * numpy.random.default_rng(9).standard_normal(40 * self.FRAME)
        self.lost = numpy.zeros(40, bool)
        self.lost[10] = True

    def of(self, heard):
        return speech_measure.spectral_distance(self.clean, heard, self.FRAME, self.lost)

    def test_of_gain(self):
        self.assertEqual(self.of(self.clean), 0)
        self.assertAlmostEqual(self.of(self.clean / 2), 20 * numpy.log10(2), 1)
        self.assertGreater(self.of(numpy.zeros_like(self.clean)), 25)

    def test_where(self):
        """From the first window that touches the lost frame to the last one that lies in the frame behind it."""
        for first, last, counts in ((0, 10, True), (0, 9, False), (10, 11, True), (11, 12, True), (12, 40, False)):
            heard = self.clean.copy()
            heard[first * self.FRAME:last * self.FRAME] = 0
            self.assertEqual(self.of(heard) > 0, counts, (first, last))

    def test_silence(self):
        """What is far below the voice is silence, whatever it is."""
        self.clean[9 * self.FRAME:13 * self.FRAME] = 0.1
        self.assertEqual(self.of(self.clean + 0.1), 0)


class Losses(unittest.TestCase):
    def runs(self, kind):
        lost = quality.losses(kind, 3, 50000)
        edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], lost, [0]]).astype(int)))
        return lost.mean(), edges[1::2] - edges[::2]

    def test_share(self):
        for kind in quality.KINDS:
            self.assertAlmostEqual(self.runs(kind)[0], 0.05, 2)
            self.assertEqual(list(quality.losses(kind, 1, 300)), list(quality.losses(kind, 1, 300)))
            self.assertNotEqual(list(quality.losses(kind, 1, 300)), list(quality.losses(kind, 2, 300)))

    def test_lengths(self):
        self.assertEqual(set(self.runs("bursts")[1]), {2, 3, 4})
        lengths = self.runs("random")[1]
        self.assertAlmostEqual(numpy.mean(lengths > 1), 0.05, 1)

    def test_better(self):
        ours, other = numpy.array([[0.97, 3.0], [0.98, 3.2]]), numpy.array([[0.96, 3.1], [0.97, 3.3]])
        self.assertTrue(quality.is_better(ours, other))
        self.assertFalse(quality.is_better(other, ours))
        for worse in ([0.0, -1.0], [0.02, 0.0]):
            self.assertFalse(quality.is_better(ours, other + worse))
        self.assertEqual(quality.seeds_better(ours, other + [[0.02, 0], [0, 0]]), 1)

    def test_halves_are_apart(self):
        for rate, halves in quality.VOICES.items():
            tuned, other = ({path for files in halves[half] for path in files} for half in ("tuned", "other"))
            self.assertFalse(tuned & other, rate)


if __name__ == "__main__":
    unittest.main()
