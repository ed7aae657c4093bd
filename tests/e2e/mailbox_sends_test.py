# SPDX-License-Identifier: Apache-2.0
"""What was heard in a mailbox is answered, or goes to others; and what is said where something fails: VM-05, BEAT-23, MED-06."""
import glob
import os
import signal
import time
import unittest

from flow_shipped_test import WORD, AllBegun, walks
from lib.node import children
from mailbox_test import SENT, Mailbox
from patience import until
from server import ServerError
from state_test import redis_pid
from tandem_client import Refused

LONG = 80                       # s


class Sends(Mailbox):
    """What was heard is answered, or goes to others."""

    def heard(self):
        for number in ("1001", "1002", "1003"):
            if number == "1003":
                self.ask("extension.put", number=number, password="correct-horse-battery")
            self.ask("extension.put", number=number, pin=self.PIN)
        message = self.leave(self.SPOKEN[0])
        self.dials()
        self.keys("1", "menu")
        self.hears(self.SPOKEN[0])
        self.keys("0", "listen")
        self.hears("mailbox-answer")
        return message

    def box(self, number):
        return [(row["from"], row["state"], row["duration_ms"] // 1000) for row in self.ask("message.list", mailbox=number)]

    @walks("sent", "mailbox-record mailbox-send")
    def test_reply(self):
        """It lies in the box of who left the message; that one is still the one that is heard."""
        message = self.heard()
        self.keys("2", "answer")
        self.hears("mailbox-record")
        self.says(self.SPOKEN[1], "replies")
        self.hears("mailbox-send")
        self.keys("1", "replied")
        self.hears("mailbox-sent", "mailbox-keys")
        (sender, state, seconds), = self.box("1001")
        self.assertEqual((sender, state), ("1002", "new"))
        self.assertGreaterEqual(seconds, 1)
        self.keys("7", "keys")
        self.hears("mailbox-deleted")
        self.assertEqual(self.states(), {message: ("deleted", False)})
        self.out.bye()

    @walks("fagain fdrops fmore fsay fsend fsent fwho", "mailbox-forward mailbox-forward-to mailbox-sent record-introduction")
    def test_forward(self):
        """To a list of two and one of them once more, with an introduction; the node is killed while they are copied."""
        self.ask("group.put", name="700", members="1001,1003")
        message = self.heard()
        self.keys("3", "answer")
        self.hears("mailbox-forward-to")
        self.keys("700#", "fwho")
        for number in ("*#", "1003#"):                  # no more, and one more
            self.keys("2", "fmore")
            self.keys(number, "fwho")
        for hertz in (self.NAME, self.SPOKEN[1]):       # another one takes its place
            self.keys("3", "fmore")
            self.hears("record-introduction")
            self.says(hertz, "fsay")
            self.hears("mailbox-forward")
        store, = children(self.node.process.pid, "tandem-store")
        os.kill(store, signal.SIGSTOP)
        self.keys("1", "fmore")
        until(lambda: " step fsend " in self.at(self.call)["at"], lambda: self.at(self.call))
        self.saved()
        self.node.kill()
        self.node.restart()
        self.hears("mailbox-sent", anew=True)
        self.hears("mailbox-keys")
        self.out.bye()
        self.ended()
        for number in ("1001", "1003"):
            (sender, state, seconds), = self.box(number)
            self.assertEqual((sender, state), ("1002", "new"))
            self.assertGreaterEqual(seconds, 2)
        self.assertEqual(set(self.states()), {message} | {row["message"] for row in self.ask("message.list", mailbox="1002", state="deleted")})
        self.assertEqual([row["message"] for row in self.ask("message.list", mailbox="1002")], [message])
        self.dials(self.a, self.audio_a)
        self.keys("1", "menu")
        self.hears(self.SPOKEN[1], self.SPOKEN[0])
        self.out.bye()

    def draft(self, call):
        try:
            row = self.ask("message.get", mailbox="1002", message=f"{call}-1")
        except (Refused, ServerError):
            return None
        return row if row["state"] == "draft" else None

    def test_introduce(self):
        """Said at the own phone, which a command rings and which no PIN is asked of: # sends it, also for who hangs up at once, and whose node was
        killed while he spoke; neither silence nor hanging up does."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        message = self.leave(self.SPOKEN[0])
        for how in ("silence", "hangs up", "#"):
            self.call = self.ask("message.introduce", mailbox="1002", message=message, to="1001")["id"]
            into = self.b.incoming()
            into.answer(self.audio_b.sdp())
            self.audio_b.use(into.request)
            self.records()
            self.audio_b.start(self.SPOKEN[1])
            time.sleep(2.5)
            if how == "#":
                self.saved()
                self.node.kill()
                self.node.restart()
                self.records()
            self.audio_b.stop()
            if how == "silence":
                time.sleep(6.5)
                self.step("say")
            if how == "#":
                self.audio_b.digit("#")
            into.bye()
            self.ended()
            if how != "#":
                self.assertEqual(self.box("1001"), [])
        until(lambda: self.box("1001"), lambda: self.ask("message.list", mailbox="1002"))
        (sender, state, seconds), = self.box("1001")
        self.assertEqual((sender, state, seconds >= 3), ("1002", "new", True))
        until(lambda: not self.draft(self.call), lambda: self.draft(self.call))
        self.assertEqual([row["message"] for row in self.ask("message.list", mailbox="1002")], [message])
        self.assertEqual(self.a.invite("message.introduce", self.audio_a.sdp()).wait_final().status, 404)

    @walks("digits old1 oldn oldw ragain rdrop replied replies unkept unknown urgentn urgentw",
           "mailbox-not-saved mailbox-old-many mailbox-old-one mailbox-unknown mailbox-urgent-many")
    def test_counts(self):
        """Several urgent and old ones; who left them has no name, or hides his number; a reply that is said again, and left; a greeting that cannot be kept."""
        os.remove(f"{self.node.folder}/sounds/default/name-1001.wav")
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.leave(self.SPOKEN[0], urgent=True)
        hidden = self.leave(self.SPOKEN[1], [("Privacy", "id")], urgent=True)
        self.assertEqual([row["from"] for row in self.ask("message.list", mailbox="1002") if row["message"] == hidden], ["anonymous"])
        self.dials()
        self.hears(WORD, "mailbox-urgent-many", WORD, "mailbox-new-many")
        self.keys("1", "menu")
        self.hears("mailbox-from", WORD, self.SPOKEN[0])
        self.keys("0", "listen")
        self.keys("2", "answer")
        self.says(self.SPOKEN[1], "replies")
        self.keys("2", "replied")
        self.says(self.SPOKEN[1], "replies")
        self.keys("*", "replied")
        self.hears("mailbox-keys")
        self.keys("6", "keys")
        self.hears("mailbox-from", "mailbox-unknown", self.SPOKEN[1])
        self.keys("6", "listen")
        self.hears("mailbox-last", "mailbox-menu")
        self.assertEqual(self.box("1001"), [])
        for count in (("mailbox-new-none", WORD, "mailbox-old-many"), ("mailbox-new-none", "mailbox-old-one")):
            self.unkept()
            self.hears(*count)
            self.ask("message.delete", mailbox="1002", message=hidden)
        self.out.bye()

    def unkept(self):
        """What was said is gone before it is kept: it is said so."""
        self.keys("4", "menu")
        self.keys("2", "settings")
        self.keys("1", "greet")
        self.says(self.SPOKEN[0])
        self.step("sure")
        for path in glob.glob(f"{self.node.folder}/recordings/**/{self.call}-*", recursive=True):
            os.remove(path)
        self.keys("1")
        self.hears("mailbox-not-saved")

    @walks("away fnot rsend unpinned unsent", "mailbox-away mailbox-not-sent")
    def test_redis_away(self):
        """A PIN is not changed, a reply not sent, and the messages are not known: each is said. Nor is a message forwarded to nobody."""
        self.heard()
        self.keys("3", "answer")
        self.keys("4444#", "fwho")                      # nobody has that number
        self.keys("1", "fmore")
        self.hears("mailbox-not-sent", "mailbox-keys")
        self.keys("0", "keys")
        self.keys("2", "answer")
        self.says(self.SPOKEN[1], "replies")
        self.step("replied")
        redis = redis_pid(self.node)
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        self.keys("1")
        self.hears("mailbox-not-sent", "mailbox-keys")
        self.keys("*43")
        self.hears("mailbox-new-pin")
        for _ in range(2):
            self.keys("8150#")
        self.hears("mailbox-not-saved", "mailbox-settings")
        self.keys("*1")
        self.hears("mailbox-away")
        os.kill(redis, signal.SIGCONT)
        self.out.wait_bye()

    def state_of(self, message):
        """None: there is no such message."""
        try:
            return self.ask("message.get", mailbox="1002", message=message)["state"]
        except Refused as refused:
            self.assertEqual(refused.code, "not_found")
        return None

    def test_hung_up(self):
        """In the middle of a forward: what was said before it is no message, and not in one's own mailbox."""
        message = self.heard()
        self.keys("3", "answer")
        self.keys("1003#", "fwho")
        self.keys("3", "fmore")
        self.says(self.SPOKEN[1], "fsay")
        self.hears("mailbox-forward")
        until(lambda: self.state_of(f"{self.call}-1") == "draft", self.states)
        self.out.bye()
        self.ended()
        until(lambda: self.state_of(f"{self.call}-1") is None, self.states)
        self.assertEqual(self.states(), {message: ("new", False)})
        self.assertEqual(self.box("1003"), [])

    @walks("secret", "mailbox-private")
    def test_private(self):
        self.ask("extension.put", number="1002", pin=self.PIN)
        message = self.leave(self.SPOKEN[0], private=True)
        self.dials()
        self.keys("1", "menu")
        self.hears(self.SPOKEN[0])
        self.keys("0", "listen")
        self.keys("3", "answer")
        self.hears("mailbox-private", "mailbox-keys")
        self.out.bye()
        for what, code in (({"to": "1001"}, "conflict"), ({"to": "4444"}, "not_found")):
            with self.assertRaises(Refused) as refused:
                self.ask("message.forward", mailbox="1002", message=message, **what)
            self.assertEqual(refused.exception.code, code)
        # nor does its receiver make it public first
        for marks in ({"private": False}, {"private": False, "state": "old"}):
            with self.assertRaises(Refused) as refused:
                self.ask("message.put", mailbox="1002", message=message, **marks)
            self.assertEqual(refused.exception.code, "conflict")
        self.assertEqual(self.ask("message.put", mailbox="1002", message=message, state="old", private=True)["private"], True)
        self.assertEqual(self.box("1001"), [])

    def test_nobody_in_a_group(self):
        """A number outside has no mailbox; a list without anybody is answered, too."""
        message = self.leave(self.SPOKEN[0])
        for members in ("", "0170555001"):
            self.ask("group.put", name="700", members=members)
            with self.assertRaises(Refused) as refused:
                self.ask("message.forward", mailbox="1002", message=message, to="700")
            self.assertEqual(refused.exception.code, "conflict")
        self.ask("group.put", name="700", members="0170555001,1001")
        self.assertEqual([copy["mailbox"] for copy in self.ask("message.forward", mailbox="1002", message=message, to="700")["copies"]], ["1001"])
        # that box has room for no other: nobody is sent it
        self.ask("extension.put", number="1001", mailbox_messages=1)
        self.addCleanup(self.ask, "extension.put", number="1001", mailbox_messages=0)
        with self.assertRaises(Refused) as refused:
            self.ask("message.forward", mailbox="1002", message=self.leave(self.SPOKEN[1]), to="1002,1001")
        self.assertEqual((refused.exception.code, len(self.box("1002"))), ("full", 2))
        self.ask("extension.put", number="1001", mailbox_messages=2)
        self.ask("message.forward", mailbox="1002", message=message, to="1002,1001")
        self.assertEqual((len(self.box("1002")), len(self.box("1001"))), (3, 1))


class Walked(AllBegun, unittest.TestCase):
    WALKED, WALKS, ONLY = "mailbox", (Sends,), SENT


if __name__ == "__main__":
    unittest.main()
