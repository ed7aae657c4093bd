# SPDX-License-Identifier: Apache-2.0
"""Who answers a dial of a flow takes the call by a key, and hears something before they speak: over a kill of the node."""
import os

from music_test import MusicTest, wav
from tandem_client import Client

LONG = 50                       # s: it listens
SHARED = True
PRESS, SALES, BOTH = 1600, 1240, 1800


class Dialled(MusicTest):
    def setUp(self):
        super().setUp()
        for name, hertz in (("press", PRESS), ("sales", SALES), ("both", BOTH)):
            path = os.path.join(self.node.folder, name + ".wav")
            wav(path, hertz, rate=8000, channels=1, seconds=2)
            self.node.tandemctl("prompt.put", name=name, file=path)
        self.plays()

    def dials(self, to="1002", **more):
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("flow.put", name="main", program={"start": "desk", "steps": {
                "desk": {"dial": {"to": to, **more}, "busy": "no", "no_answer": "no", "failed": "no", "rejected": "no"},
                "no": {"reject": {"status": 486}}}})
            client.ask("number.put", number="100", to="flow:main")
        return self.a.invite("100", self.audio_a.sdp())

    def picks_up(self):
        """B's phone, or what answers for it."""
        into = self.b.incoming()
        into.ring()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        return into

    def speak(self, out, into):
        self.audio_a.use(out.wait_answer())
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.hears(self.audio_a, 880)
        self.hears(self.audio_b, 440)
        self.ends(out, into)


class Confirms(Dialled):
    def test_by_a_key_over_a_kill(self):
        out = self.dials(confirm=["press"], whisper=["sales"], confirm_keys="1")
        into = self.picks_up()
        self.audio_b.wait_tone(SALES)
        self.audio_b.wait_tone(PRESS, anew=True)
        self.saved()
        self.node.kill()
        self.node.restart()
        self.audio_b.wait_tone(PRESS, anew=True)
        self.audio_b.digit("2")
        self.audio_b.wait_tone(SALES, anew=True)
        self.assertEqual(self.calls()[0]["state"], "ringing")
        self.audio_b.digit("1")
        self.speak(out, into)

    def test_a_voicemail_does_not_take_the_call(self):
        out = self.dials(confirm=["press"])
        into = self.picks_up()
        self.audio_b.wait_tone(PRESS)
        self.node.kill()
        self.node.restart()
        into.wait_bye(seconds=40)
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.ended()["path"], "desk,no_answer")


class Hears(Dialled):
    def test_one_then_both(self):
        out = self.dials(whisper="sales", announce="both")
        into = self.picks_up()
        self.audio_a.use(out.wait_answer())
        self.audio_b.wait_tone(SALES)
        self.audio_b.wait_tone(BOTH, anew=True)
        self.audio_a.wait_tone(BOTH)
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.hears(self.audio_b, 440)
        self.ends(out, into)


class Outside(Dialled):
    def setUp(self):
        super().setUp()
        self.mobile = self.enterContext(self.node.user_agent("mobile"))
        self.node.ctl("trunk.put", name="carrier", servers=f"127.0.0.1:{self.mobile.port}", direction="out")
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="carrier")
        self.node.ctl("did.put", number="+4930100", to="1001")

    def test_a_number_of_the_tenant_is_shown(self):
        """And who is reached there, and not at a desk, is asked for a key."""
        out = self.dials(to=["+49170123"], caller_id="+4930100", confirm=["press"], confirm_for="outside", video=False)
        into = self.mobile.incoming()
        self.assertIn("sip:+4930100@", into.request.get("From"))
        self.assertNotIn("1001", into.request.get("From"))
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        self.audio_b.wait_tone(PRESS)
        self.node.kill()
        self.node.restart()
        self.audio_b.wait_tone(PRESS, anew=True)
        self.audio_b.digit("5")
        self.speak(out, into)

    def test_another_number_is_not(self):
        out = self.dials(to=["+49170123"], caller_id="+4930999")
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.ended()["path"], "desk,failed")
        self.assertIn("a number is not shown that the tenant does not have", self.node.log_text())

    def test_a_uri(self):
        """It goes to the trunk with that host, also by another process; a host of no trunk is not asked."""
        out = self.dials(to=[f"sip:bob@127.0.0.1:{self.mobile.port}"])
        into = self.mobile.incoming()
        self.assertIn("INVITE sip:bob@127.0.0.1", into.request.start)
        into.ring()
        self.node.kill()
        self.node.restart()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        self.speak(out, into)
        self.assertEqual(self.dials(to=["sip:bob@127.0.0.9"]).wait_final().status, 486)
