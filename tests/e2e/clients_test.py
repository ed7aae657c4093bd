# SPDX-License-Identifier: Apache-2.0
"""What others' phones do with hold music; docs/clients.md has the rest: CALL-08."""
import os
import time
import unittest

from lib.linphone import Linphone, core
from lib.place import NODE

from browser_test import BrowserTest
from call_test import CallTest
from music_test import MUSIC, MusicTest, wav

import tone


class Linphonec(MusicTest):
    """1002 is linphonec; a scripted phone hears what it is made to hear."""
    HERTZ = 700

    def setUp(self):
        super().setUp()
        self.plays()
        self.b.register(expires=0, contact="*")
        self.linphone = Linphone(os.path.join(self.node.home, "linphone"), self.node.ports, self.node.server, "1002", "secret1002")
        self.addCleanup(self.linphone.quit)
        self.linphone.heard("LinphoneRegistrationOk")

    def test_it_holds(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        self.linphone.heard("Receiving new incoming call")
        self.linphone.say("answer")
        self.audio_a.use(out.wait_answer())
        self.linphone.play(self.HERTZ)
        self.hears(self.audio_a, self.HERTZ)
        self.linphone.say("pause")
        out.wait_reinvite(self.audio_a.sdp(direction="recvonly", version=2))
        self.hears(self.audio_a, MUSIC)
        self.linphone.say("resume")
        out.wait_reinvite(self.audio_a.sdp(version=3))
        self.linphone.play(self.HERTZ)
        self.hears(self.audio_a, self.HERTZ)
        out.bye()
        self.ended()


class Updates(CallTest):
    """RFC 3311: 1001 is a phone of linphone's library, which is told to offer in UPDATE; 1002 is scripted."""
    HERTZ = 700

    def setUp(self):
        super().setUp()
        self.node.put_extension("1001", "secret1001", early_media=True)
        self.a.register(expires=0, contact="*")
        self.phone = Linphone(os.path.join(self.node.home, "linphone"), self.node.ports, self.node.server, "1001", "secret1001",
                              reliable=2, program=core(self.node.home))
        self.addCleanup(self.phone.quit)
        self.phone.heard("LinphoneRegistrationOk")

    def rings(self):
        """It calls and hears 183 with SDP, which it has acknowledged; the called phone's dialog."""
        self.phone.say(f"call sip:1002@{NODE}")
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        self.phone.heard("LinphoneCallOutgoingEarlyMedia")
        return into

    def updates(self, direction, answered):
        """It offers anew; asserts what the node answers at once."""
        before = len(self.phone.output())
        self.phone.say(f"update {direction}")
        self.phone.matches(rf"^UPDATE sip:(.*\n)+?m=audio (.*\n)+?SIP/2.0 200 OK(.*\n)+?CSeq: \d+ UPDATE$(.*\n)+?a={answered}$", after=before)

    def told(self, into, direction, version):
        """The other phone is asked again."""
        back = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)
        asked = into.wait_reinvite(self.audio_b.sdp(version=version, direction=back))
        self.assertIn(f"a={direction}", asked.text)

    def hears(self, hertz, seconds=10):
        """What it says is heard by the other phone."""
        end = time.monotonic() + seconds
        while abs(self.audio_b.heard()[0] - hertz) > 3:
            self.assertLess(time.monotonic(), end, self.audio_b.heard())
            time.sleep(0.05)

    def test_before_the_answer_and_behind(self):
        """It holds before it is answered, over a kill: the other one is told when it has answered."""
        path = os.path.join(self.node.home, "heard.wav")
        self.phone.say(f"record {path}")
        into = self.rings()
        self.updates("sendrecv", "sendrecv")
        self.updates("sendonly", "recvonly")
        self.node.kill()
        self.node.restart()
        into.respond(200, "OK", body=self.audio_b.sdp())
        into.wait_ack()
        self.told(into, "sendonly", 2)
        self.phone.heard("to LinphoneCallStreamsRunning")
        self.phone.play(self.HERTZ)
        self.audio_b.use(into.request).start(500)
        self.hears(self.HERTZ)
        self.updates("sendrecv", "sendrecv")
        self.told(into, "sendrecv", 3)
        self.audio_b.wait_packets(60)
        self.hears(self.HERTZ)
        into.bye()
        self.phone.heard("to LinphoneCallReleased")
        self.ended()
        samples, rate = tone.samples_of(path)
        self.assertAlmostEqual(tone.loudest(samples[-rate // 2:], rate)[0], 500, delta=3)


class Chromium(BrowserTest):
    """1001 is a page with JsSIP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wav(os.path.join(cls.node.folder, "sounds", "default", "music.wav"), MUSIC)
        for number in ("1001", "1002"):
            cls.node.ctl("extension.put", number=number, music="music.wav")

    def test_baresip_holds_it(self):
        device = self.phone(extra="answermode=auto")
        page = self.web()
        page.call("1002")
        page.wait("talking")
        page.tone(440)
        device.command("hold")
        page.until("phone.session.isOnHold().remote")
        page.tone(MUSIC)
        device.command("resume")
        page.until("!phone.session.isOnHold().remote")
        page.tone(440)
        page.hangup()
        device.wait("CALL_CLOSED")

    def test_it_holds(self):
        self.holds("")

    def test_it_holds_by_update(self):
        """RFC 3311: its offer comes in UPDATE; the phone is asked by INVITE."""
        self.holds("{useUpdate: true}")

    def holds(self, options):
        """Its microphone hears 1000 Hz."""
        page, audio = self.web(), self.node.media()
        agent = self.node.user_agent("1002", "secret1002")
        for thing in (audio, agent):
            self.addCleanup(thing.close)
        self.assertEqual(agent.register().status, 200)
        page.call("1002")
        into = agent.incoming()
        into.answer(audio.sdp())
        audio.use(into.request).start(440)
        page.wait("talking")
        self.hears(audio, 1000)
        page.run(f"phone.session.hold({options}); 0")
        into.wait_reinvite(audio.sdp(direction="recvonly", version=2))
        self.hears(audio, MUSIC)
        page.run(f"phone.session.unhold({options}); 0")
        into.wait_reinvite(audio.sdp(version=3))
        self.hears(audio, 1000)
        page.hangup()
        into.wait_bye()

    def hears(self, audio, hertz, seconds=10):
        end = time.monotonic() + seconds
        while abs(audio.heard()[0] - hertz) > 3:
            self.assertLess(time.monotonic(), end, f"{audio.heard()} is not {hertz} Hz")
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
