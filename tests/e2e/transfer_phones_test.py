# SPDX-License-Identifier: Apache-2.0
"""Phones that give their parties away, are given away, and are who somebody is given to: CALL-23, CALL-24, BEAT-03."""
import os
import time
import unittest

from lib.linphone import Linphone
from lib.node import Node
from lib.picture import wait_picture
from lib.place import NODE
from lib.sipp import Sipp

from browser_test import BrowserTest
from video_test import VideoTest

import tone

HERE = os.path.dirname(os.path.abspath(__file__))
HERTZ = {"1001": 440, "1002": 880, "1003": 1000}
SETTLED_S = 1.6         # so long two speak before what they hear is judged


class Phones(unittest.TestCase):
    """1001 calls 1002, and one of the two gives the other one to 1003."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node(settings={"media": {"tones": "de"}})
        cls.addClassCleanup(cls.node.close)
        for number in HERTZ:
            cls.node.put_extension(number, "secret" + number)

    def phone(self, number, **options):
        device = self.node.phone(number, "secret" + number, source=f"ausine,{HERTZ[number]}", **options)
        self.addCleanup(device.quit)
        return device

    def linphone(self, number):
        made = Linphone(os.path.join(self.node.home, f"linphone-{time.monotonic_ns()}"), self.node.ports, self.node.server,
                        number, "secret" + number)
        self.addCleanup(made.quit)
        made.heard("LinphoneRegistrationOk")
        return made

    def talk(self, caller, callee):
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")

    def heard(self, device, hertz):
        """What it heard last."""
        samples, rate = [], 0
        for path in device.recordings():
            more, rate = tone.samples_of(path)
            samples += more
        self.assertAlmostEqual(tone.loudest(samples[int(-1.2 * rate):int(-0.2 * rate)], rate)[0], hertz, delta=3)

    def end(self, given, target):
        time.sleep(SETTLED_S)
        given.hangup()
        target.wait("CALL_CLOSED")
        for device, other in ((given, target), (target, given)):
            self.heard(device, HERTZ[other.number])


class Baresip(Phones):
    """Three of them."""

    def three(self):
        made = []
        for number in HERTZ:
            made.append(self.phone(number, extra="" if number == "1001" else "answermode=auto"))
            made[-1].number = number
        return made

    def test_the_callee_gives_the_caller(self):
        caller, callee, target = self.three()
        self.talk(caller, callee)
        callee.command("transfer", f"sip:1003@{NODE}")
        target.wait("CALL_ESTABLISHED")
        callee.wait("CALL_CLOSED")
        self.end(caller, target)

    def test_the_caller_gives_the_callee(self):
        caller, callee, target = self.three()
        self.talk(caller, callee)
        caller.command("transfer", f"sip:1003@{NODE}")
        target.wait("CALL_ESTABLISHED")
        caller.wait("CALL_CLOSED")
        self.end(callee, target)

    def test_nobody_takes_it(self):
        """It says so, and hangs up by itself."""
        caller, callee, target = self.three()
        target.quit()
        self.talk(caller, callee)
        callee.command("transfer", f"sip:1003@{NODE}")
        callee.wait("TRANSFER_FAILED")
        caller.wait("CALL_CLOSED")


class Others(Phones):
    def test_linphone_gives_its_caller(self):
        caller, target = self.phone("1001"), self.phone("1003", extra="answermode=auto")
        caller.number, target.number = "1001", "1003"
        giver = self.linphone("1002")
        caller.dial("1002")
        giver.heard("Receiving new incoming call")
        giver.say("answer")
        caller.wait("CALL_ESTABLISHED")
        giver.play()
        giver.say(f"transfer sip:1003@{NODE}")
        target.wait("CALL_ESTABLISHED")
        giver.heard("[BYE] transaction")
        self.end(caller, target)

    def test_linphone_joins_two(self):
        """RFC 3891: its caller, whom it holds, and whom it called."""
        caller, target = self.phone("1001"), self.phone("1003", extra="answermode=auto")
        caller.number, target.number = "1001", "1003"
        giver = self.linphone("1002")
        caller.dial("1002")
        giver.heard("Receiving new incoming call")
        giver.say("answer")
        caller.wait("CALL_ESTABLISHED")
        giver.heard("Media streams established")
        giver.say("pause")
        giver.heard("is now paused")
        giver.say("call 1003")
        target.wait("CALL_ESTABLISHED")
        giver.heard(f"Call 2 with sip:1003@{NODE} connected")
        giver.say("transfer 1 --to-call 2")
        giver.heard("Performing attended transfer")
        giver.heard("[BYE] transaction")
        time.sleep(SETTLED_S)
        caller.hangup()
        target.wait("CALL_CLOSED")
        self.heard(target, HERTZ["1001"])
        self.assertGreater(caller.packets()[1], 50)     # it records nothing any more once it was held

    def test_to_linphone(self):
        caller, callee = self.phone("1001"), self.phone("1002", extra="answermode=auto")
        target = self.linphone("1003")
        self.talk(caller, callee)
        callee.command("transfer", f"sip:1003@{NODE}")
        target.heard("Receiving new incoming call")
        target.say("answer")
        target.heard("Media streams established")
        callee.wait("CALL_CLOSED")
        target.play(HERTZ["1003"])
        time.sleep(SETTLED_S)
        caller.hangup()
        target.heard("[BYE] transaction")
        self.heard(caller, HERTZ["1003"])

    def test_sipp_gives_its_caller(self):
        """A REFER as RFC 3515 has it, and what follows, in the order that SIPp is told."""
        with self.node.user_agent("1002", "secret1002") as agent:
            port = agent.port
            self.assertEqual(agent.register().status, 200)
        caller, target = self.phone("1001"), self.phone("1003", extra="answermode=auto")
        caller.number, target.number = "1001", "1003"
        sipp = Sipp(os.path.join(self.node.home, "sipp-refer"), os.path.join(HERE, "sipp", "uas_refer.xml"), self.node.server,
                    self.node.ports, calls=1, users=[(str(self.node.ports.take(2)), "1003")], port=port, seconds=15,
                    extra=("-d", "500"))
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        target.wait("CALL_ESTABLISHED")
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        self.end(caller, target)


class Pictures(VideoTest):
    """BEAT-03: no picture stands still."""

    def test_who_is_given_away_and_to_whom(self):
        self.node.put_extension("1003", "secret1003")
        caller = self.phone("1001", "320x240")
        callee = self.phone("1002", "176x144", ";answermode=auto")
        target = self.phone("1003", "352x288", ";answermode=auto")
        self.call(caller, callee)
        wait_picture(callee, 320, 240)
        wait_picture(caller, 176, 144)
        callee.command("transfer", f"sip:1003@{NODE}")
        target.wait("CALL_ESTABLISHED")
        callee.wait("CALL_CLOSED")
        wait_picture(caller, 352, 288)
        wait_picture(target, 320, 240)
        wait_picture(caller, 352, 288)
        caller.hangup()
        target.wait("CALL_CLOSED")


class Browsers(BrowserTest):
    """Chromium with JsSIP as 1001, 1002 or 1003."""

    def give(self, device):
        device.command("transfer", f"sip:1003@{NODE}")
        device.wait("CALL_CLOSED")

    def test_it_is_given_away(self):
        """It is asked again with what the other phone said."""
        callee, target = self.phone("1002", extra="answermode=auto"), self.phone("1003", extra="answermode=auto")
        page = self.web("1001")
        page.call("1002")
        page.wait("talking")
        page.tone(440)
        self.give(callee)
        target.wait("CALL_ESTABLISHED")
        received = self.received(page)
        page.tone(440)
        time.sleep(SETTLED_S)
        self.assertGreater(self.received(page) - received, 40)
        page.hangup()
        target.wait("CALL_CLOSED")
        self.heard(target)

    def test_somebody_is_given_to_it(self):
        caller, callee = self.phone("1001"), self.phone("1002", extra="answermode=auto")
        page = self.web("1003")
        page.answer_all()
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")
        self.give(callee)
        page.wait("talking")
        page.tone(440)
        page.hangup()
        caller.wait("CALL_CLOSED")

    def test_it_gives_its_party_away(self):
        """RFC 3515 by JsSIP."""
        callee, target = self.phone("1002", extra="answermode=auto"), self.phone("1003", extra="answermode=auto")
        page = self.web("1001")
        page.call("1002")
        page.wait("talking")
        page.tone(440)
        page.refer("1003")
        target.wait("CALL_ESTABLISHED")
        page.wait("ended")
        self.assertIn("refer accepted", page.run("phone.log"))
        callee.hangup()
        target.wait("CALL_CLOSED")


if __name__ == "__main__":
    unittest.main()
