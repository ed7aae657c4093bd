# SPDX-License-Identifier: Apache-2.0
"""Tones that a party hears of the node: MED-04. Which tone it is is told by its frequencies and its cadence."""
import itertools
import math
import time
import unittest

from lib.codec import Opus

from music_test import MusicTest
from patience import PATIENCE_S, slowness

LONG = 80                       # s: it listens
SHARED = True
TALK_A, TALK_B = 440, 880
# ITU-T E.180 Supplement 2: what is heard at once, one after the other; and how long sound and silence last.
UK_RINGBACK = (((400, 450),), [400, 200, 400, 2000])
UK_BUSY = (((400,),), [375, 375])
UK_CONGESTION = (((400,),), [400, 350, 225, 525])
INFORMATION = (((950,), (1400,), (1800,)), [990, 1000])
DE_RINGBACK = (((425,),), [1000, 4000])


def power(samples, hertz, rate):
    """Of one frequency, as a share of the whole (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    whole = sum(sample * sample for sample in samples)
    return 2 * (before * before + last * last - turn * before * last) / (len(samples) * whole) if whole else 0.0


def frames(end, since):
    """(its place, 20 ms of samples) of each packet that came: a node that was late leaves out what it had to say meanwhile."""
    packets = end.audio(since)
    samples = end.codec.samples([packet.payload for packet in packets])
    size, step = end.codec.rate // 50, end.codec.clock // 50
    return [((packet.ts - packets[0].ts & 0xffffffff) // step, samples[i * size:(i + 1) * size]) for i, packet in enumerate(packets)]


def runs(end, since):
    """(loud, milliseconds, samples) of each stretch of sound and silence but the first and the last, which may be cut.
    No samples: a part of it was left out, or of what is beside it."""
    loud = lambda frame: max(map(abs, frame[1])) > 300
    groups = [(key, list(group)) for key, group in itertools.groupby(frames(end, since), loud)]
    found = []
    for before, (key, group), after in zip(groups, groups[1:], groups[2:]):
        whole = after[1][0][0] - before[1][-1][0] - 1 == len(group)
        found.append((key, 20 * len(group), [sample for _, frame in group for sample in frame] if whole else []))
    return found


class TonesTest(MusicTest):
    media = {"tones": "uk"}

    def hears_tone(self, end, tone, seconds=PATIENCE_S, since=None):
        """These frequencies and nothing else, in this cadence; since: when the tone had not begun, and nothing else was heard any more."""
        hertz, cadence = tone
        since = since or time.monotonic() + 0.3
        end.wait_packets(15, seconds)
        until = time.monotonic() + seconds
        while len(runs(end, since)) < len(cadence) and time.monotonic() < until:
            time.sleep(0.1)
        every = runs(end, since)
        heard = [run for run in every if run[-1]]
        self.assertTrue(len(every) >= len(cadence) or self.late(end, since), f"{len(end.audio(since))} packets")
        on, off = cadence[::2], cadence[1::2]
        for loud, lasts, samples in heard:
            self.assertTrue(any(abs(lasts - want) <= 40 for want in (on if loud else off)), f"{'sound' if loud else 'silence'} of {lasts} ms")
            size = len(samples) // len(hertz)
            for n, together in enumerate(hertz if loud else ()):
                piece = samples[n * size + size // 10:(n + 1) * size - size // 10]
                shares = [power(piece, each, end.codec.rate) for each in together]
                self.assertGreater(sum(shares), 0.85, f"{shares}")
                self.assertGreater(min(shares), 0.3 / len(together), f"{shares}")
        self.assertEqual(sorted({loud for loud, *_ in every}), [False, True])

    @staticmethod
    def late(end, since):
        """Whether the node was: then it left out a part."""
        packets, places = end.audio(since), [place for place, _ in frames(end, since)]
        return packets[0].at > since + 0.1 or places[-1] >= len(places)

    def originate(self, **sdp):
        """The first party is up, and the phone of the second one rings."""
        self.node.ctl("call.originate", **{"from": "1001", "to": "1002"})
        first = self.a.incoming()
        first.answer(self.audio_a.sdp(**sdp))
        self.audio_a.use(first.request)
        return first, self.b.incoming()


class Ringback(TonesTest):
    def test_by_command(self):
        """Who is up hears ringback while the other one is rung, and then the other one, all as one stream."""
        first, second = self.originate()
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        second.answer(self.audio_b.sdp())
        first.wait_reinvite(self.audio_a.sdp(version=2))
        self.audio_b.use(second.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        self.one_stream(self.audio_a)
        self.ends(first, second)

    def test_opus(self):
        self.audio_a.codec, self.audio_a.pt = Opus(), 111
        first, second = self.originate(codecs=("111 opus/48000/2", "101 telephone-event/8000"))
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        first.bye()
        second.wait_cancel()
        self.ended()

    def test_another_country(self):
        """A reload is heard at once; then no tone at all."""
        first, second = self.originate()
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        self.reload({"tones": "de"})
        self.hears_tone(self.audio_a, DE_RINGBACK, 12)
        self.reload({"tones": "off"})
        self.silent(self.audio_a)
        first.bye()
        second.wait_cancel()
        self.ended()

    def test_the_node_is_killed(self):
        """The next process plays it again, under the same SSRC."""
        first, second = self.originate()
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        self.node.kill()
        self.node.restart()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        self.assertEqual(len({packet.ssrc for packet in self.audio_a.packets}), 1)
        second.answer(self.audio_b.sdp())
        first.wait_reinvite(self.audio_a.sdp(version=2))
        self.audio_b.use(second.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        self.ends(first, second)


class NobodyAnswers(TonesTest):
    def failed(self, status, reason, tone):
        """The first party hears why for 5 s, and then the call ends."""
        first, second = self.originate()
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        begun = time.monotonic()
        second.reject(status, reason)
        self.hears_tone(self.audio_a, tone)
        self.over(first, begun, status)

    def over(self, first, begun, status):
        first.wait_bye()
        self.assertTrue(4.9 < time.monotonic() - begun < 5 + 0.5 * slowness(), time.monotonic() - begun)
        self.assertEqual(self.ended()["sip_status"], str(status))

    def test_busy(self):
        self.failed(486, "Busy Here", UK_BUSY)

    def test_congestion(self):
        self.failed(500, "Server Internal Error", UK_CONGESTION)

    def test_no_such_number(self):
        self.failed(404, "Not Found", INFORMATION)

    def killed(self):
        """While the tone is played; (the call, when that began)."""
        first, second = self.originate()
        second.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        begun = time.monotonic()
        second.reject(486, "Busy Here")
        self.audio_a.wait_packets(10)       # and no more: the next process needs time to come, and to be heard
        self.saved()
        self.node.kill()
        self.node.restart()
        return first, begun

    def test_the_node_is_killed(self):
        """The next process goes on with it for the time that was left."""
        first, begun = self.killed()
        while time.monotonic() - begun > 3:     # a busy machine took so long that little was left, or nothing
            first.wait_bye()
            self.assertEqual(self.ended()["sip_status"], "486")
            first, begun = self.killed()
        self.hears_tone(self.audio_a, UK_BUSY)
        self.over(first, begun, 486)


class AfterEarlyMedia(TonesTest):
    """1001 has early media; 1002 goes to 1003 when it is busy."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.c, self.audio_c = self.node.user_agent("1003", "secret1003"), self.node.media()
        self.addCleanup(self.c.close)
        self.addCleanup(self.audio_c.close)
        self.assertEqual(self.c.register().status, 200)
        self.node.ctl("extension.put", number="1001", early_media="true")
        self.node.ctl("extension.put", number="1002", forward_busy="1003")

    def test_the_next_one_rings(self):
        """The caller's phone was told to listen: it makes no ringback of its own when another phone rings."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        self.audio_a.use(out.wait_provisional(183))
        self.audio_b.use(into.request).start(TALK_B)
        self.hears(self.audio_a, TALK_B)
        self.audio_b.stop()
        into.reject(486, "Busy Here")
        third = self.c.incoming()
        third.ring()
        self.hears_tone(self.audio_a, UK_RINGBACK)
        third.answer(self.audio_c.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_c.use(third.request).start(TALK_B)
        self.hears(self.audio_a, TALK_B)
        self.one_stream(self.audio_a)
        self.ends(out, third)


if __name__ == "__main__":
    unittest.main()
