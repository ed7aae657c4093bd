# SPDX-License-Identifier: Apache-2.0
"""What phones do that others wrote; docs/clients.md has the rest: CALL-08, CALL-15, CALL-23, CALL-24, RFC 3262, RFC 3311."""
import os
import re
import time
import unittest

from lib.linphone import Linphone, core
from lib.place import NODE
from lib.sipp import Sipp, user

from browser_test import BrowserTest
from call_test import CallTest
from forward_test import ForwardTest
from music_test import MUSIC, TALK_A, TALK_B, MusicTest, wav
from transfer_phones_test import HERTZ, SETTLED_S, Phones

from patience import PATIENCE_S
import tone

LONG = 70                       # s
HERE = os.path.dirname(os.path.abspath(__file__))


def tones(path):
    """What a recording has, tenth of a second by tenth, which tells 10 Hz apart, without what is between two tones."""
    samples, rate = tone.samples_of(path)
    parts = [tone.loudest(samples[at:at + rate // 10], rate) for at in range(0, len(samples) - rate // 10, rate // 10)]
    heard = [round(hertz, -1) for hertz, share in parts if share > 0.9]
    return [hertz for at, hertz in enumerate(heard) if at == 0 or abs(hertz - heard[at - 1]) > 10]


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

    def called(self):
        """It is called and answers; the caller's dialog, who hears it."""
        out = self.a.invite("1002", self.audio_a.sdp())
        self.linphone.heard("Receiving new incoming call")
        self.linphone.say("answer")
        self.audio_a.use(out.wait_answer())
        self.linphone.play(self.HERTZ)
        self.hears(self.audio_a, self.HERTZ)
        return out

    def test_it_is_held(self):
        """Over a kill: it hears the file, and its caller before and behind that."""
        path = os.path.join(self.node.home, "heard.wav")
        self.linphone.say(f"record {path}")
        out = self.called()
        self.audio_a.start(TALK_A)
        time.sleep(1)
        self.assertEqual(out.reinvite(self.audio_a.sdp(direction="sendonly", version=2)).status, 200)
        self.linphone.heard("to LinphoneCallPausedByRemote")
        time.sleep(1)
        self.node.kill()
        self.node.restart()
        time.sleep(1)
        self.assertEqual(out.reinvite(self.audio_a.sdp(version=3)).status, 200)
        time.sleep(1)
        out.bye()
        self.linphone.heard("to LinphoneCallReleased")
        self.ended()
        self.assertEqual(tones(path), [TALK_A, MUSIC, TALK_A])

    def test_it_holds(self):
        out = self.called()
        self.linphone.say("pause")
        out.wait_reinvite(self.audio_a.sdp(direction="recvonly", version=2))
        self.hears(self.audio_a, MUSIC)
        self.linphone.say("resume")
        out.wait_reinvite(self.audio_a.sdp(version=3))
        self.linphone.play(self.HERTZ)
        self.hears(self.audio_a, self.HERTZ)
        out.bye()
        self.ended()


class Others(MusicTest):
    """1001 and 1002 are scripted, but for one of them."""

    def test_sipp_offers(self):
        """It says PRACK, and holds by re-INVITE and by UPDATE."""
        self.plays()
        media = self.node.ports.take(4)
        sipp = Sipp(os.path.join(self.node.home, "sipp"), os.path.join(HERE, "sipp", "uac_offers.xml"), self.node.server, self.node.ports,
                    users=[user("1001", "secret1001", media)[1:]], seconds=30,
                    extra=("-auth_uri", f"1002@{NODE}:{self.node.sip_port}", "-d", "2000", "-rtp_echo", "-mp", str(media)))
        into = self.b.incoming()
        into.ring()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request).start(TALK_B)
        for version in (2, 4):
            into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=version))
            self.hears(self.audio_b, MUSIC)
            into.wait_reinvite(self.audio_b.sdp(version=version + 1))
            self.hears(self.audio_b, TALK_B)
        into.wait_bye()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        self.ended()

    def test_baresip_is_held(self):
        """Over a kill: packets come to it that its caller did not send. Its recorder ends with the first hold."""
        self.plays()
        self.b.register(expires=0, contact="*")
        device = self.node.phone("1002", "secret1002", extra="answermode=auto", source=f"ausine,{TALK_B}")
        self.addCleanup(device.quit)
        out = self.a.invite("1002", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer()).start(TALK_A)
        self.hears(self.audio_a, TALK_B)
        self.audio_a.stop()
        self.assertEqual(out.reinvite(self.audio_a.sdp(direction="sendonly", version=2)).status, 200)
        time.sleep(1)
        self.node.kill()
        self.node.restart()
        time.sleep(1)
        self.assertEqual(out.reinvite(self.audio_a.sdp(version=3)).status, 200)
        self.audio_a.start(TALK_A)
        self.hears(self.audio_a, TALK_B)
        out.bye()
        device.wait("CALL_CLOSED")
        self.ended()
        self.assertGreater(device.packets()[1], self.audio_a.sent + 60)


class OnePhone(CallTest):
    """1002 has a scripted phone and baresip, which is called by the GRUUs that it hears (RFC 5627), and names one as its Contact."""

    def test_baresip(self):
        host, port = self.node.server
        device = self.node.phone("1002", "secret1002", extra=f';sipnat=outbound;outbound="sip:{host}:{port}"')
        self.addCleanup(device.quit)
        gruus = re.findall(r'-gruu="(sip:[^"]+)"', str(self.node.ctl("sip.recent", number="1002")))[:2]
        self.assertRegex(gruus[0], r"^sip:1002@.*;gr=urn:uuid:")
        for gruu in gruus:
            out = self.a.invite(gruu, self.audio_a.sdp())
            out.wait_provisional(180)
            device.command("accept")
            out.wait_answer()
            device.wait("CALL_ESTABLISHED")
            if gruu == gruus[-1]:
                self.node.kill()
                self.node.restart()
            out.bye()
            device.wait("CALL_CLOSED")
        byes = re.findall(r"BYE (sip:1002[^ ]*) SIP/2.0", str(self.node.ctl("sip.recent", number="1002")))
        self.assertTrue(byes and not any(";gr" in uri for uri in byes), byes)
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 0)


class Busy(ForwardTest):
    """CALL-15: 1002 is busy as others' phones say so, and its call goes on to the scripted 1003."""

    def setUp(self):
        super().setUp()
        self.forward(forward_busy="1003")

    def goes_on(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.c.incoming()
        self.assert_for(into, "user-busy")
        self.talk(out, into)

    def test_sipp(self):
        port = self.b.port
        self.b.close()
        sipp = Sipp(os.path.join(self.node.home, "sipp"), os.path.join(HERE, "sipp", "uas_busy.xml"), self.node.server, self.node.ports,
                    port=port, seconds=15)
        self.goes_on()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)

    def test_linphonec(self):
        """It has a call, and takes no second one."""
        self.b.register(expires=0, contact="*")
        phone = Linphone(os.path.join(self.node.home, "linphone"), self.node.ports, self.node.server, "1002", "secret1002", calls=1)
        self.addCleanup(phone.quit)
        phone.heard("LinphoneRegistrationOk")
        self.node.put_extension("1004", "secret1004")
        with self.node.user_agent("1004", "secret1004") as other, self.node.media() as audio:
            first = other.invite("1002", audio.sdp())
            phone.heard("Receiving new incoming call")
            phone.say("answer")
            first.wait_answer()
            out = self.a.invite("1002", self.audio_a.sdp())
            into = self.c.incoming()
            self.assert_for(into, "user-busy")
            first.bye()
            self.talk(out, into)


class Transfers(Phones):
    """CALL-23, CALL-24."""

    def test_linphone_is_given_away(self):
        """Its party gives it to 1003; it hears that one, and is heard."""
        callee, target = self.phone("1002", extra="answermode=auto"), self.phone("1003", extra="answermode=auto")
        given = self.linphone("1001")
        path = os.path.join(given.folder, "heard.wav")
        given.say(f"record {path}")
        given.say(f"call sip:1002@{NODE}")
        callee.wait("CALL_ESTABLISHED")
        given.heard("Media streams established")
        given.play(HERTZ["1001"])
        callee.command("transfer", f"sip:1003@{NODE}")
        target.wait("CALL_ESTABLISHED")
        callee.wait("CALL_CLOSED")
        time.sleep(SETTLED_S)
        given.say("terminate")
        target.wait("CALL_CLOSED")
        given.heard("to LinphoneCallReleased")
        self.heard(target, HERTZ["1001"])
        self.assertEqual(tones(path)[-1], HERTZ["1003"])

    def test_to_sipp(self):
        """Who is given to it hears what it says itself."""
        with self.node.user_agent("1003", "secret1003") as agent:
            port = agent.port
            self.assertEqual(agent.register().status, 200)
        caller, callee = self.phone("1001", extra="audio_codecs=PCMU/8000/1"), self.phone("1002", extra="answermode=auto")
        media = self.node.ports.take(4)
        sipp = Sipp(os.path.join(self.node.home, "sipp"), os.path.join(HERE, "sipp", "uas_wait.xml"), self.node.server, self.node.ports,
                    users=[(str(media),)], port=port, seconds=15, extra=("-rtp_echo", "-mp", str(media)))
        self.talk(caller, callee)
        callee.command("transfer", f"sip:1003@{NODE}")
        callee.wait("CALL_CLOSED")
        time.sleep(SETTLED_S)
        caller.hangup()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        self.heard(caller, HERTZ["1001"])
        with self.node.user_agent("1003", "secret1003") as agent:
            agent.register(expires=0, contact="*")

    def test_linphone_joins_a_call_waiting(self):
        """RFC 3891: both called it, the second one while it held the first."""
        caller, waiting = self.phone("1001"), self.phone("1003")
        giver = self.linphone("1002")
        caller.dial("1002")
        giver.heard("Receiving new incoming call")
        giver.say("answer")
        caller.wait("CALL_ESTABLISHED")
        giver.heard("Media streams established")
        giver.say("pause")
        giver.heard("is now paused")
        waiting.dial("1002")
        waiting.wait("CALL_RINGING")
        giver.say("answer 2")
        waiting.wait("CALL_ESTABLISHED")
        giver.heard("Call 2 with")
        giver.say("transfer 1 --to-call 2")
        giver.heard("Performing attended transfer")
        giver.heard("[BYE] transaction")
        time.sleep(SETTLED_S)
        caller.hangup()
        waiting.wait("CALL_CLOSED")
        self.heard(waiting, HERTZ["1001"])
        self.assertGreater(caller.packets()[1], 50)     # it records nothing any more once it was held


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

    def hears(self, hertz, seconds=PATIENCE_S):
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

    def joins(self, second):
        """It called 1002 and speaks with 1003, too; the two then hear each other."""
        talk = {number: self.node.phone(number, "secret" + number, source=f"ausine,{HERTZ[number]}", extra=extra)
                for number, extra in (("1002", "answermode=auto"), ("1003", "answermode=auto"))}
        for device in talk.values():
            self.addCleanup(device.quit)
        page = self.web()
        page.call("1002")
        page.wait("talking")
        page.run("phone.first = phone.session; 0")
        second(page, talk["1003"])
        page.until("phone.session !== phone.first && phone.state === 'talking'")
        page.run(f"phone.first.refer('sip:1003@{NODE}', {{replaces: phone.session}}); 0")
        page.until("phone.first.isEnded() && phone.session.isEnded()")
        time.sleep(SETTLED_S)
        talk["1002"].hangup()
        talk["1003"].wait("CALL_CLOSED")
        for number, other in (("1002", "1003"), ("1003", "1002")):
            path, = talk[number].recordings()       # one call
            samples, rate = tone.samples_of(path)
            self.assertAlmostEqual(tone.loudest(samples[int(-1.2 * rate):int(-0.2 * rate)], rate)[0], HERTZ[other], delta=3)

    def test_it_joins_two(self):
        """RFC 3891: whom it called first, and whom it called then."""
        self.joins(lambda page, _: page.call("1003"))

    def test_it_joins_a_call_waiting(self):
        def calls(page, device):
            page.answer_all()
            device.dial("1001")
        self.joins(calls)

    def test_it_is_busy(self):
        """CALL-15: it says 486, and who calls it is sent on to 1003."""
        self.node.ctl("extension.put", number="1001", forward_busy="1003")
        self.addCleanup(self.node.ctl, "extension.put", number="1001", forward_busy="")
        page, target = self.web(), self.phone("1003", extra="answermode=auto")
        device = self.phone()
        device.dial("1001")
        page.wait("ringing")
        page.run("phone.session.terminate({status_code: 486}); 0")
        target.wait("CALL_ESTABLISHED")
        device.wait("CALL_ESTABLISHED")
        time.sleep(SETTLED_S)
        device.hangup()
        target.wait("CALL_CLOSED")
        for phone in (device, target):
            self.heard(phone, 440)

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

    def hears(self, audio, hertz, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while abs(audio.heard()[0] - hertz) > 3:
            self.assertLess(time.monotonic(), end, f"{audio.heard()} is not {hertz} Hz")
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
