# SPDX-License-Identifier: Apache-2.0
"""What a held party hears: a file of the tenant, by whatever the call was held, over a kill of the node: CALL-08, CALL-10, CALL-45."""
import array
import os
import signal
import threading
import time
import unittest
import wave

import tone

from lib.codec import G722, G726, Opus, PCMA, PCMU, sine
from lib.node import merged
from lib.srtp import Key

from call_test import CallTest
from patience import PATIENCE_S

LONG = 90                       # s: it listens
MUSIC, OTHER, SHOP, TALK_A, TALK_B = 620, 1240, 760, 440, 880


def wav(path, hertz, rate=44100, channels=2, seconds=1):
    """A tone, as many programs would write it; it repeats without a click."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    samples = array.array("h", [sample for sample in sine(hertz, rate) for _ in range(channels)])
    with wave.open(path + ".new", "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes() * seconds)
    os.rename(path + ".new", path)


class MusicTest(CallTest):
    """The node's state folder has a folder of sounds, as the guide says."""
    media, answer_of = {"music": "music.wav"}, {}

    def setUp(self):
        super().setUp()
        wav(self.file("music.wav"), MUSIC)
        self.reload(self.media)
        self.node.begins()

    def file(self, name, folder="sounds"):
        return os.path.join(self.node.folder, folder, "default", name)

    def reload(self, media):
        """The node reads its settings again."""
        before = self.node.log_text().count("settings read again")
        self.node.configure(merged({"media": media}, self.settings))
        self.node.process.send_signal(signal.SIGHUP)
        self.logged("settings read again", before + 1)

    def logged(self, text, count=1, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while self.node.log_text().count(text) < count:
            self.assertLess(time.monotonic(), end, f"not logged: {text}\n{self.node.log_tail()}")
            time.sleep(0.02)

    def plays(self):
        self.logged("hold music is there")

    def call_id(self):
        return self.calls()[0]["id"]

    def talk(self, to="1002", **sdp):
        out, into, _ = self.connect(self.audio_a.sdp(**sdp), self.audio_b.sdp(**sdp), to)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        return out, into

    def talks(self):
        """Each hears the other."""
        now = time.monotonic()
        self.hears(self.audio_a, TALK_B, now)
        self.hears(self.audio_b, TALK_A, now)

    def hears(self, end, hertz, since=None):
        """Soon, and then 0.3 s of nothing else."""
        since, packets, until = since or time.monotonic(), 15, time.monotonic() + PATIENCE_S
        while True:
            end.wait_packets(packets, since=since)
            if end.is_tone(hertz):
                return
            self.assertLess(time.monotonic(), until, f"{end.heard()} is not {hertz} Hz")
            packets = len(end.audio(since)) + 5

    def silent(self, end):
        time.sleep(0.2)                 # what was under way
        before = len(end.packets)
        time.sleep(0.4)
        self.assertEqual(len(end.packets), before)

    def held_by_command(self, into, **sdp):
        self.node.ctl("call.hold", call=self.call_id(), leg="a")
        into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2, **sdp))

    def resumed_by_command(self, into, **sdp):
        self.node.ctl("call.resume", call=self.call_id(), leg="a")
        into.wait_reinvite(self.audio_b.sdp(version=3, **sdp))

    def reinvite(self, out, into, mine, theirs, version):
        """The phone of A changes the direction; that of B answers."""
        answer = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(direction=theirs, version=version),))
        answer.start()
        self.assertEqual(out.reinvite(self.audio_a.sdp(direction=mine, version=version)).status, 200)
        answer.join()

    def one_stream(self, end, kills=0):
        """kills: so often it may go on behind what a process that was killed may have sent unseen."""
        packets, ahead = list(end.packets), []
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        for before, after in zip(packets, packets[1:]):
            ahead += [step for step in ((after.seq - before.seq) % 0x10000,) if step != 1]
            self.assertLess((after.ts - before.ts) % 0x100000000, 0x80000000, "time goes on")
        self.assertLessEqual(len(ahead), kills, ahead)
        self.assertTrue(all(1 < step < 0x4000 for step in ahead), ahead)

    def ends(self, out, into):
        out.bye()
        into.wait_bye()
        self.ended()


class Announced(MusicTest):
    """CALL-44: whom 1001 calls hears a file first, and 1001 music."""
    FIRST = 1600

    def setUp(self):
        super().setUp()
        wav(self.file("hello.wav"), self.FIRST, seconds=2)
        self.node.ctl("extension.put", number="1001", announce_inside="hello.wav")
        self.plays()

    def begins(self):
        out, into, _ = self.connect(self.audio_a.sdp(), self.audio_b.sdp())
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.audio_b.wait_tone(self.FIRST)
        return out, into

    def test_then_they_speak(self):
        out, into = self.begins()
        self.audio_a.wait_tone(MUSIC)
        self.talks()
        self.one_stream(self.audio_b)
        self.ends(out, into)

    def test_both_hear_it(self):
        self.node.ctl("extension.put", number="1001", announce_to="both")
        out, into = self.begins()
        self.audio_a.wait_tone(self.FIRST)
        self.talks()
        self.ends(out, into)

    def test_over_a_kill(self):
        wav(self.file("hello.wav"), self.FIRST, seconds=4)
        out, into = self.begins()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.audio_b.wait_tone(self.FIRST, anew=True)
        self.talks()
        self.ends(out, into)


class Held(MusicTest):
    def test_by_the_phone(self):
        """CALL-08, CALL-10: the far end hears the file until it is resumed, as one stream with what it heard before."""
        self.plays()
        out, into = self.talk()
        self.reinvite(out, into, "sendonly", "recvonly", 2)
        self.hears(self.audio_b, MUSIC)
        self.silent(self.audio_a)
        self.reinvite(out, into, "sendrecv", "sendrecv", 3)
        self.talks()
        self.one_stream(self.audio_b)
        self.ends(out, into)

    def test_by_a_phone_that_says_inactive(self):
        """CALL-08: the other one is told to listen all the same, and the phone that holds hears that nothing is sent to it."""
        self.plays()
        out, into = self.talk()
        offers = []
        answer = threading.Thread(target=lambda: offers.append(
            into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))))
        answer.start()
        answered = out.reinvite(self.audio_a.sdp(direction="inactive", version=2))
        answer.join()
        self.assertEqual(answered.status, 200)
        self.assertIn("a=inactive", answered.text)
        self.assertIn("a=sendonly", offers[0].text)
        self.hears(self.audio_b, MUSIC)
        self.silent(self.audio_a)
        self.reinvite(out, into, "sendrecv", "sendrecv", 3)
        self.talks()
        self.one_stream(self.audio_b)
        self.ends(out, into)

    def test_by_command(self):
        self.plays()
        out, into = self.talk()
        self.held_by_command(into)
        self.hears(self.audio_b, MUSIC)
        self.silent(self.audio_a)
        self.resumed_by_command(into)
        self.talks()
        self.one_stream(self.audio_b)
        self.ends(out, into)

    def test_a_second_call(self):
        """CALL-10: the phone takes a second call, for which it holds the first; that one hears music until it is fetched back."""
        self.plays()
        out, into = self.talk()
        self.node.put_extension("1003", "secret1003")
        third, audio_c = self.node.user_agent("1003", "secret1003"), self.node.media()
        self.addCleanup(third.close)
        self.addCleanup(audio_c.close)
        self.assertEqual(third.register().status, 200)
        again = self.node.media()       # of B, for the second call
        self.addCleanup(again.close)
        second = third.invite("1002", audio_c.sdp())
        waiting = self.b.incoming()
        waiting.ring()
        answer = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(direction="recvonly", version=2),))
        answer.start()
        self.assertEqual(into.reinvite(self.audio_b.sdp(direction="sendonly", version=2)).status, 200)
        answer.join()
        waiting.answer(again.sdp())
        audio_c.use(second.wait_answer())
        again.use(waiting.request)
        again.start(TALK_B)
        self.hears(audio_c, TALK_B)
        self.hears(self.audio_a, MUSIC)
        second.bye()
        waiting.wait_bye()
        answer = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(version=3),))
        answer.start()
        self.assertEqual(into.reinvite(self.audio_b.sdp(version=3)).status, 200)
        answer.join()
        self.talks()
        self.ends(out, into)

    def test_the_node_is_killed(self):
        """The next process plays it again by itself, and can end it."""
        self.plays()
        out, into = self.talk()
        self.held_by_command(into)
        self.hears(self.audio_b, MUSIC)
        self.audio_a.stop()
        self.audio_b.stop()
        self.node.kill()
        self.node.restart()
        self.hears(self.audio_b, MUSIC)
        self.silent(self.audio_a)
        self.resumed_by_command(into)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        self.in_step(self.audio_b)
        self.ends(out, into)

    def in_step(self, end):
        """One stream: its numbers go forward, and its timestamps with the time, whoever sent it."""
        packets = end.audio()
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        for before, after in zip(packets, packets[1:]):
            self.assertIn((after.seq - before.seq) % 0x10000, range(1, 0x4000))
            self.assertIn((after.ts - before.ts) % 0x100000000, range(1, 0x80000000))
        # How far a packet is ahead of the first one's time. Who comes late is not; the second that a machine stands still says nothing.
        ahead = [(packet.ts - packets[0].ts) % 0x100000000 / end.codec.clock - (packet.at - packets[0].at) for packet in packets]
        first, last = max(ahead[:50]), max(ahead[-50:])
        self.assertGreater(last - first, -0.1)
        self.assertLess(last - first, 0.45, "what may have left unseen before a kill is 16 packets")

    def test_the_node_is_killed_encrypted(self):
        """An index of SRTP is never used twice: the numbers go on behind what was reserved."""
        self.plays()
        for end, number in ((self.audio_a, "1001"), (self.audio_b, "1002")):
            end.key_out = Key()
            self.node.ctl("extension.put", number=number, sdes_insecure="true")
        out, into = self.talk()
        self.held_by_command(into)
        self.hears(self.audio_b, MUSIC)
        self.node.kill()
        self.node.restart()
        self.hears(self.audio_b, MUSIC)
        self.in_step(self.audio_b)
        self.assertEqual(self.audio_b.forged, 0)
        self.ends(out, into)

    def test_it_ends_while_held(self):
        """CALL-45: either party may end it without resuming, and the next one is held as well."""
        self.plays()
        for who in range(2):
            pair = self.talk()
            self.held_by_command(pair[1])
            self.hears(self.audio_b, MUSIC)
            self.audio_a.stop()
            self.audio_b.stop()
            pair[who].bye()
            pair[1 - who].wait_bye()
            self.ended()
            self.silent(self.audio_b)

    def test_each_codec(self):
        self.plays()
        for codec, pt, name in ((PCMU, 0, "PCMU/8000"), (PCMA, 8, "PCMA/8000"), (G722(), 9, "G722/8000"),
                                (Opus(), 111, "opus/48000/2"), (G726(), 98, "G726-32/8000")):
            with self.subTest(name):
                for end in (self.audio_a, self.audio_b):
                    end.codec, end.pt = codec, pt
                sdp = {"codecs": (f"{pt} {name}", "101 telephone-event/8000")}
                out, into = self.talk(**sdp)
                self.held_by_command(into, **sdp)
                self.hears(self.audio_b, MUSIC)
                self.assertEqual({packet.pt for packet in list(self.audio_b.packets)[-20:]}, {pt})
                self.audio_a.stop()
                self.audio_b.stop()
                self.ends(out, into)

    def test_g726_has_the_order_of_its_name(self):
        """RFC 3551 4.5.4: in the order of AAL2 the codes would be noise."""
        self.plays()
        for end in (self.audio_a, self.audio_b):
            end.codec, end.pt = G726(), 98
        out, into = self.talk(codecs=("98 G726-32/8000",))
        self.held_by_command(into, codecs=("98 G726-32/8000",))
        self.hears(self.audio_b, MUSIC)
        self.audio_b.wait_packets(110)
        samples = G726().samples([packet.payload for packet in self.audio_b.audio()[-100:]])
        hertz, share = tone.loudest(samples[-4000:], G726.rate)     # a decoder needs a while
        self.assertAlmostEqual(hertz, MUSIC, delta=3)
        self.assertGreater(share, 0.97)
        self.ends(out, into)


class Changed(MusicTest):
    def test_another_file_and_none(self):
        """Who is held hears what the settings say now."""
        self.plays()
        out, into = self.talk()
        self.held_by_command(into)
        self.hears(self.audio_b, MUSIC)
        wav(self.file("other.wav"), OTHER)
        self.reload({"music": "other.wav"})
        self.hears(self.audio_b, OTHER)
        wav(self.file("other.wav"), MUSIC)
        self.reload({"music": "other.wav"})
        self.hears(self.audio_b, MUSIC)
        wav(self.file("music.wav", "elsewhere"), OTHER)
        self.reload({"music": "music.wav", "sounds": os.path.join(self.node.folder, "elsewhere")})
        self.hears(self.audio_b, OTHER)
        self.reload({})
        self.silent(self.audio_b)
        self.resumed_by_command(into)
        self.talks()
        self.ends(out, into)

    def test_a_file_that_cannot_be_used(self):
        """It is said where and why; what plays goes on, and the file is used when it can be."""
        self.plays()
        out, into = self.talk()
        self.held_by_command(into)
        with open(self.file("broken.wav"), "wb") as file:
            file.write(b"RIFF")
        self.reload({"music": "broken.wav"})
        self.logged("hold music cannot be played")
        line = next(line for line in self.node.log_text().splitlines() if "hold music cannot be played" in line)
        for part in ("file=broken.wav", "reason=", "at=", "next="):
            self.assertIn(part, line)
        self.hears(self.audio_b, MUSIC)
        wav(self.file("broken.wav"), OTHER)
        self.hears(self.audio_b, OTHER)
        self.assertEqual(self.node.log_text().count("hold music cannot be played"), 1)
        self.ends(out, into)


class Chosen(MusicTest):
    """What an extension chose is heard by whom it holds."""

    def setUp(self):
        super().setUp()
        wav(self.file("shop.wav"), SHOP)

    def choose(self, number, music):
        self.node.ctl("extension.put", number=number, music=music)

    def test_the_holder_chooses(self):
        """CALL-08, MED-05: not the held party; a change is heard at once, and survives a kill."""
        self.plays()
        self.choose("1001", "shop.wav")
        out, into = self.talk()
        self.reinvite(out, into, "sendonly", "recvonly", 2)
        self.hears(self.audio_b, SHOP)
        self.audio_a.stop()
        self.audio_b.stop()
        self.node.kill()
        self.node.restart()
        self.hears(self.audio_b, SHOP)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.reinvite(out, into, "sendrecv", "sendrecv", 3)
        self.talks()
        self.reinvite_of_b(out, into, 4)
        self.hears(self.audio_a, MUSIC)
        self.choose("1002", "shop.wav")
        self.hears(self.audio_a, SHOP)
        self.choose("1002", "off")
        self.hears(self.audio_a, TALK_B)    # what its phone still sends
        self.choose("1002", "")
        self.hears(self.audio_a, MUSIC)
        self.ends(out, into)

    def reinvite_of_b(self, out, into, version):
        answer = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(direction="recvonly", version=version),))
        answer.start()
        self.assertEqual(into.reinvite(self.audio_b.sdp(direction="sendonly", version=version)).status, 200)
        answer.join()

    def test_a_file_that_is_not_there(self):
        """The log names it; until it comes what the node has is heard."""
        self.plays()
        out, into = self.talk()
        self.held_by_command(into)
        self.choose("1001", "late.wav")
        self.logged("hold music cannot be played")
        line = next(line for line in self.node.log_text().splitlines() if "hold music cannot be played" in line)
        self.assertIn("file=late.wav", line)
        self.hears(self.audio_b, MUSIC)
        wav(self.file("late.wav"), OTHER)
        self.hears(self.audio_b, OTHER)
        self.ends(out, into)


class Without(MusicTest):
    media = {}

    def test_nothing_is_heard(self):
        out, into = self.talk()
        self.held_by_command(into)
        self.silent(self.audio_b)
        self.resumed_by_command(into)
        self.talks()
        self.assertNotIn("music", self.node.log_text())
        self.ends(out, into)


class Workers(MusicTest):
    """Whichever worker a call is on, it is there."""
    node_options = {"webrtc": 2}

    def test_calls_of_both(self):
        self.plays()
        pairs = []
        for _ in range(2):
            others = {call["id"] for call in self.calls()}
            self.audio_a, self.audio_b = self.node.media(), self.node.media()
            self.addCleanup(self.audio_a.close)
            self.addCleanup(self.audio_b.close)
            pairs.append(self.talk())
            call, = {call["id"] for call in self.calls()} - others
            self.node.ctl("call.hold", call=call, leg="a")
            pairs[-1][1].wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2))
            self.hears(self.audio_b, MUSIC)
        for worker in "01":
            self.assertEqual(self.node.metric("tandem_media_jobs", worker=worker), 7 * 5)   # the music and six tones, in five codecs
            self.assertEqual(self.node.metric("tandem_media_flows", worker=worker), 2)
        for out, into in pairs:
            out.bye()
            into.wait_bye()


if __name__ == "__main__":
    unittest.main()
