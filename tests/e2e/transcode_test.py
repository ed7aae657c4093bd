# SPDX-License-Identifier: Apache-2.0
"""Phones without a codec in common hear each other: MED-02. What is heard is told by its frequency, at both ends."""
import threading
import unittest

from lib.codec import G722, G726, L16, Opus, PCMA

from music_test import MusicTest, TALK_A, TALK_B
from patience import until

EVENTS = "101 telephone-event/8000"
NOT_ACCEPTABLE = 488
CODECS = ((PCMA, 8, "PCMA/8000"), (G722(), 9, "G722/8000"), (Opus(), 111, "opus/48000/2"), (G726(), 98, "G726-32/8000"))


class Transcoded(MusicTest):
    media = {}          # as it is at first

    def has(self, codec, pt):
        """What B has, and nothing else."""
        self.audio_b.codec, self.audio_b.pt = codec, pt

    def said(self, pt, name, version=1, direction="sendrecv"):
        return self.audio_b.sdp(codecs=(f"{pt} {name}", EVENTS), version=version, direction=direction)

    def connected(self, pt, name):
        """B refuses what A has, is asked once more, and answers what it has."""
        out = self.a.invite("1002", self.audio_a.sdp())
        first = self.b.incoming()
        self.assertNotIn(name, first.request.text)
        first.reject(NOT_ACCEPTABLE, "Not Acceptable Here")
        into = self.b.incoming()
        number = next(line.split()[0].partition(":")[2] for line in into.request.text.splitlines()
                      if line.lower().startswith("a=rtpmap:") and line.lower().endswith(name.lower()))
        self.audio_b.pt = int(number)
        into.answer(self.said(number, name))
        answered = out.wait_answer()
        self.assertIn(f"m=audio {answered.text.split('m=audio ')[1].split()[0]} RTP/AVP 0", answered.text)
        self.audio_a.use(answered)
        self.audio_b.use(into.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        return out, into

    def test_each_codec(self):
        """Both ways, each as one stream; keys cross once."""
        for codec, pt, name in CODECS:
            with self.subTest(name):
                self.has(codec, pt)
                self.audio_a.packets.clear()
                self.audio_b.packets.clear()
                out, into = self.connected(pt, name)
                self.talks()
                self.assertTrue(any("transcoded_to" in flow for call in self.calls()
                                    for flow in self.node.ctl("call.show", call=call["id"])["flows"]))
                self.audio_a.stop()
                self.audio_a.digit("5")
                until(lambda: self.audio_b.digits() == "5", lambda: f"keys: {self.audio_b.digits()!r}")
                self.audio_b.stop()
                self.one_stream(self.audio_a)
                self.ends(out, into)

    def test_l16_of_who_names_it(self):
        """Whoever calls with it alone is coded; it is offered to nobody else."""
        self.has(L16(), 99)
        out = self.b.invite("1001", self.said(99, "L16/16000"))
        first = self.a.incoming()
        first.reject(NOT_ACCEPTABLE, "Not Acceptable Here")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        self.audio_b.use(out.wait_answer())
        self.audio_a.use(into.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        self.one_stream(self.audio_b)
        self.ends(out, into)

    def test_over_a_kill(self):
        codec, pt, name = CODECS[1]
        self.has(codec, pt)
        out, into = self.connected(pt, name)
        self.talks()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.talks()
        self.ends(out, into)

    def test_held_and_resumed(self):
        codec, pt, name = CODECS[2]
        self.has(codec, pt)
        out, into = self.connected(pt, name)
        self.talks()
        for direction, answer, version in (("sendonly", "recvonly", 2), ("sendrecv", "sendrecv", 3)):
            self.reinvited(out, into, name, direction, answer, version)
        self.talks()
        self.ends(out, into)

    def reinvited(self, out, into, name, direction, answer, version):
        other = threading.Thread(target=into.wait_reinvite, args=(self.said(self.audio_b.pt, name, version, answer),))
        other.start()
        self.assertEqual(out.reinvite(self.audio_a.sdp(direction=direction, version=version)).status, 200)
        other.join()


class FullRate(Transcoded):
    """media.transcode_opus_rate: what B hears is wideband (RFC 6716 3.1), also from the process after a kill."""
    media = {"transcode_opus_rate": "48000"}

    def band(self):
        """The coding modes of the newest packets: 0 to 3 are the narrow band, 8 and above the wide one and more."""
        return {packet.payload[0] >> 3 for packet in self.audio_b.audio()[-20:]}

    def test_each_codec(self):
        """Who calls next after a reload has the setting of then."""
        for media, modes in ((self.media, set(range(8, 32))), ({"transcode_opus_rate": "auto"}, set(range(4)))):
            with self.subTest(media):
                self.reload(media)
                codec, pt, name = CODECS[2]
                self.has(codec, pt)
                self.audio_b.packets.clear()
                out, into = self.connected(pt, name)
                self.talks()
                self.assertLessEqual(self.band(), modes)
                self.audio_a.stop()
                self.audio_b.stop()
                self.ends(out, into)

    def test_over_a_kill(self):
        codec, pt, name = CODECS[2]
        self.has(codec, pt)
        out, into = self.connected(pt, name)
        self.talks()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.audio_b.packets.clear()
        self.talks()
        self.assertLessEqual(self.band(), set(range(8, 32)))
        self.ends(out, into)

    test_l16_of_who_names_it = None


class Off(MusicTest):
    media = {"transcode": False}

    def test_refused(self):
        """As without it: the caller hears why."""
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(NOT_ACCEPTABLE, "Not Acceptable Here")
        self.assertEqual(out.wait_final().status, NOT_ACCEPTABLE)


if __name__ == "__main__":
    unittest.main()
