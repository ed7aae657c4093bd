# SPDX-License-Identifier: Apache-2.0
"""What others' phones do with hold music; docs/clients.md has the rest: CALL-08."""
import os
import time
import unittest

from lib.linphone import Linphone

from browser_test import BrowserTest
from music_test import MUSIC, MusicTest, wav


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
