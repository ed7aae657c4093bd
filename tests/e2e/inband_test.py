# SPDX-License-Identifier: Apache-2.0
"""Keys of parties that have neither telephone-events nor INFO: as tones in their sound, both ways, over a kill of the node: MED-03, REC-04."""
import time
import unittest

import tone

from lib.codec import Opus, PCMA, PCMU

from application_test import SoundsTest
from call_test import CallTest
from patience import until
from music_test import TALK_B
from record_test import RecordTest, sides

SHARED = True

CODECS = ((PCMU, 0, "PCMU/8000"), (PCMA, 8, "PCMA/8000"), (Opus(), 111, "opus/48000/2"))
EVENTS = "101 telephone-event/8000"
NO_INFO = (("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),)


def only(pt, name):
    return {"codecs": (f"{pt} {name}",)}


class Heard(SoundsTest):
    def caller(self, codec, pt, name, *more):
        """A call to the application: answered."""
        self.audio_a.codec, self.audio_a.pt = codec, pt
        out = self.a.invite(self.NUMBER, self.audio_a.sdp(codecs=(f"{pt} {name}", *more)))
        call = self.wait_told("call.waiting")["call"]
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        return out, call

    def test_within_a_prompt_and_over_a_kill(self):
        """The first key ends what is played; the node is killed between the second and the third."""
        out, call = self.caller(*CODECS[1])
        self.node.ctl("call.collect", call=call, file="menu.wav", min="4", max="8", inter_ms="30000")
        self.hears(self.MENU)
        self.audio_a.press("1")
        self.silent()
        self.audio_a.press("2")
        time.sleep(0.3)
        self.saved()
        self.node.kill()
        self.node.restart()
        self.audio_a.press("34#")
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["reason"]), ("1234", "terminator"))
        out.bye()

    def test_once_beside_events(self):
        """RFC 4733: who has negotiated events, and sends tones, too, presses each key once."""
        out, call = self.caller(*CODECS[0], EVENTS)
        self.node.ctl("call.collect", call=call, min="2", max="8", inter_ms="30000")
        for key in "12#":
            self.audio_a.press(key)
            self.audio_a.digit(key)
        self.assertEqual(self.wait_told("call.collected")["digits"], "12")
        out.bye()

    def test_once_beside_info(self):
        out, call = self.caller(*CODECS[0])
        self.node.ctl("call.collect", call=call, min="2", max="8", inter_ms="30000")
        for key in "12#":
            self.audio_a.press(key)
            self.info(out, key)
        self.assertEqual(self.wait_told("call.collected")["digits"], "12")
        out.bye()


class Made(CallTest):
    def talk(self, codec, pt, name, allow=NO_INFO):
        """A has events, B nothing but its sound."""
        for audio in (self.audio_a, self.audio_b):
            audio.codec, audio.pt = codec, pt
        out = self.a.invite("1002", self.audio_a.sdp(codecs=(f"{pt} {name}", EVENTS)))
        into = self.b.incoming()
        into.respond(200, "OK", body=self.audio_b.sdp(**only(pt, name)), headers=allow)
        self.audio_a.use(out.wait_answer())
        into.wait_ack()
        self.audio_b.use(into.request)
        return out, into

    def pressed(self, keys):
        """As events, until all were heard. Time goes on for A meanwhile, as it does for a phone."""
        began, timestamp = time.monotonic(), self.audio_a.ts

        def now():
            self.audio_a.ts = timestamp + int((time.monotonic() - began) * self.audio_a.codec.clock) & 0xffffffff
        for key in keys:
            self.audio_a.digit(key)
            time.sleep(0.15)
            now()
        until(lambda: len(self.audio_b.tones(began)) >= len(keys), lambda: self.audio_b.tones(began))
        now()

    def made_in(self, codec, pt, name):
        out, into = self.talk(codec, pt, name)
        begun = time.monotonic()
        self.audio_b.start(880)
        self.audio_a.start(440)
        self.audio_b.wait_tone(440, anew=True)
        self.audio_a.stop()
        self.pressed("159#")
        self.audio_a.start(440)
        self.audio_b.wait_tone(440, anew=True)
        self.assertEqual(self.audio_b.tones(begun), "159#")
        packets = self.audio_b.audio(begun)
        self.assertEqual({packet.pt for packet in packets}, {pt})
        for before, after in zip(packets, packets[1:]):
            self.assertEqual((after.seq - before.seq) % 0x10000, 1)
            self.assertLess((after.ts - before.ts) % 0x100000000, 2 * codec.clock)
        out.bye()
        into.wait_bye()
        self.ended()

    def test_pcmu(self):
        """Pressed as events, heard as tones in B's codec, in one stream with what A says."""
        self.made_in(*CODECS[0])

    def test_opus(self):
        self.made_in(*CODECS[2])

    def test_pressed_by_info_and_by_command(self):
        out, into = self.talk(*CODECS[1])
        self.audio_b.start(880)
        self.audio_a.start(440)
        self.audio_b.wait_tone(440, anew=True)
        begun = time.monotonic()
        request = out.in_dialog("INFO", body="Signal=7\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(out.transact(request).status, 200)
        self.node.ctl("call.dtmf", call=self.calls()[0]["id"], leg="b", digits="0*")
        until(lambda: len(self.audio_b.tones(begun)) >= 3, lambda: self.audio_b.tones(begun))
        self.assertEqual(self.audio_b.tones(begun), "70*")
        out.bye()
        into.wait_bye()

    def test_by_profile_and_over_a_kill(self):
        """The profile says so, whatever Allow says; the next process knows it, too."""
        self.node.ctl("profile.put", name="default", dtmf="inband")
        self.addCleanup(self.node.ctl, "profile.put", name="default", dtmf="rfc2833")
        out, into = self.talk(*CODECS[0], allow=())
        self.assertNotIn("telephone-event", into.request.text)
        self.audio_b.start(880)
        self.audio_a.start(440)
        self.audio_b.wait_tone(440, anew=True)
        self.saved()
        self.node.kill()
        self.node.restart()
        begun = time.monotonic()
        self.audio_b.wait_tone(440, anew=True)
        self.node.ctl("call.dtmf", call=self.calls()[0]["id"], leg="b", digits="42")
        until(lambda: len(self.audio_b.tones(begun)) >= 2, lambda: self.audio_b.tones(begun))
        self.assertEqual(self.audio_b.tones(begun), "42")
        out.bye()
        into.wait_bye()


class Recorded(RecordTest):
    @staticmethod
    def heard(samples, hertz):
        """Begins of 50 ms in which that is one of two tones: a key is longer."""
        return sum(tone.share(samples[at:at + 400], 8000, hertz) > 0.3 for at in range(0, len(samples) - 400, 200))

    def test_paused(self):
        """REC-04: tones that are pressed, or sent, while the recording pauses are not in the file; those before and behind are."""
        self.node.ctl("profile.put", name="default", dtmf="inband")
        out, into = self.talk(codecs=("0 PCMU/8000",))
        self.order("on")
        self.audio_a.stop()
        self.audio_a.press("1111")
        self.order("pause")
        self.audio_a.press("8888")
        self.node.ctl("call.dtmf", call=self.call_id(), leg="a", digits="99999999")
        self.order("resume")
        time.sleep(2.5)                 # most of those that were sent are heard only now
        self.audio_a.press("1111")
        sent = time.monotonic()
        self.node.ctl("call.dtmf", call=self.call_id(), leg="a", digits="1")
        until(lambda: "1" in self.audio_a.tones(sent), lambda: self.audio_a.tones(sent))
        self.audio_a.wait_tone(TALK_B, anew=True)      # behind the whole key
        self.ends(out, into)
        path, = self.finished(1)
        left, right = sides(path)
        self.assertGreater(self.heard(left, 697), 6)
        self.assertGreater(self.heard(right, 697), 0)
        self.assertEqual((self.heard(left, 852), self.heard(right, 852)), (0, 0))


if __name__ == "__main__":
    unittest.main()
