# SPDX-License-Identifier: Apache-2.0
"""A caller leaves a message in a mailbox (deploy/flows/voicemail.json): VM-08, VM-09, VM-10, MED-06."""
import os
import signal
import tempfile
import time
import unittest

from lib.authority import Authority
from lib.place import PARTY
from lib.store_servers import SECRET, USER, Mail

from flow_shipped_test import AllBegun, Shipped, Walks, tone_file, walks
from patience import until
from ports import Ports
from state_test import redis_pid

LONG = 90       # s


class Deposit(Walks, Shipped):
    """Whom 1001 calls is 1002, which is not there."""
    NAME, BEEP, SPOKEN = 1240, 1000, 1500
    WALKED, SECONDS = "voicemail", {"voicemail-menu": 5}

    def setUp(self):
        super().setUp()
        self.sound("name-1002", self.NAME)
        self.ask("number.put", number="199", to="flow:voicemail")
        self.ask("extension.put", number="1002", forward_busy="199", forward_no_answer="199", forward_always="199")

    def sound(self, name, hertz, seconds=0.3):
        tone_file(os.path.join(self.node.folder, "sounds", "default", name + ".wav"), hertz, seconds)

    def key(self, _, key):
        self.audio_a.digit(key)
        time.sleep(0.1)

    def calls_box(self, busy=False):
        out = self.a.invite("1002", self.audio_a.sdp())
        if busy:
            self.b.incoming().reject(486, "Busy Here")
        self.audio_a.use(out.wait_answer())
        if busy:
            self.hears("voicemail-busy")
        return out, self.ask("call.list")[0]["id"]

    def says(self, seconds=1.5):
        self.audio_a.start(self.SPOKEN)
        time.sleep(seconds)
        self.audio_a.stop()

    def leaves(self, busy=False):
        """Up to the menu."""
        out, call = self.calls_box(busy)
        self.hears(self.BEEP)
        self.asks(call, "record")
        self.says()
        self.key(out, "#")
        self.hears("voicemail-menu")
        return out, call

    def messages(self):
        return self.ask("message.list", mailbox="1002")

    def counts(self):
        said = self.ask("message.count", mailbox="1002")
        return [said[key] for key in ("new", "urgent_new", "old")]

    def count(self, *want):
        until(lambda: self.counts() == list(want), lambda: f"{self.counts()}\n{self.node.log_tail()}")

    def redis_stops(self):
        redis = redis_pid(self.node)
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        return redis


class Keys(Deposit):
    @walks("bye count end greeting is-private is-urgent leave menu name private record saved send unavailable urgent",
           "voicemail-leave voicemail-menu voicemail-private voicemail-saved voicemail-unavailable voicemail-urgent")
    def test_marked_and_saved(self):
        """The default greeting has the spoken name; marks are said; it is saved when that is said; the CDR knows whose call was missed, and the message.
        As it is urgent, 1001 is called for it (VM-10)."""
        self.ask("extension.put", number="1002", mailbox_notify="urgent", mailbox_notify_to="1001")
        out, call = self.calls_box()
        self.hears(self.NAME, "voicemail-unavailable", "voicemail-leave", self.BEEP)
        self.asks(call, "record")
        self.says()
        self.key(out, "#")
        self.hears("voicemail-menu")
        self.assertEqual(self.counts(), [0, 0, 0])
        for key, name in (("3", "voicemail-urgent"), ("4", "voicemail-private")):
            self.key(out, key)
            self.hears(name)
            self.hears("voicemail-menu")
        self.key(out, "#")
        self.hears("voicemail-saved")
        self.assertEqual(self.counts(), [1, 1, 0])
        out.wait_bye()
        self.a.incoming().reject(486, "Busy Here")
        row, = self.messages()
        self.assertEqual([row[key] for key in ("message", "from", "state", "urgent", "private")], [f"{call}-1", "1001", "new", True, True])
        self.assertGreater(row["duration_ms"], 1000)
        self.ended()
        cdr, = (row for row in self.node.cdrs() if row["id"] == call)
        self.assertEqual((cdr["message"], cdr["missed"]), (f"{call}-1", "1002"))
        for found, name, value in ((1, "missed", "1002"), (0, "missed", "1001"), (1, "message", f"{call}-1"), (0, "message", f"{call}-2")):
            self.assertEqual([row["id"] for row in self.ask("cdr.list", **{name: value})], found * [call], name)
        self.assertEqual(self.node.metric("tandem_plays_failed_total"), 0)      # a greeting that is not there is no fault
        self.assertNotIn("a file cannot be played", self.node.log_text())
        self.assertNotIn("a sound file cannot be used", self.node.log_text())

    def test_given_to_a_chosen_box(self):
        """CALL-25: 1002 gives the caller to the mailbox of 1003, by REFER to a number whose flow names that box. CALL-16: the menu of mailboxes takes forwarded calls."""
        self.ask("extension.put", number="1002", forward_busy="", forward_no_answer="", forward_always="")
        self.node.put_extension("1003", "secret1003")
        self.ask("flow.put", name="box-1003", program=[{"voicemail": {"box": "1003"}}])
        self.ask("number.put", number="1983", to="flow:box-1003")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        request = into.in_dialog("REFER", headers=[("Refer-To", f"<sip:1983@{self.b.home}>")])
        self.assertEqual(into.transact(request).status, 202)
        for _ in range(2):
            self.b.respond(self.b.take_request("NOTIFY", call_id=into.call_id), 200)
        into.bye()
        self.hears(self.BEEP)
        self.says()
        out.bye()
        row, = until(lambda: self.ask("message.list", mailbox="1003"))
        self.assertEqual((row["from"], row["state"], self.messages()), ("1001", "new", []))
        self.ask("number.put", number="197", to="flow:mailbox")
        self.ask("extension.put", number="1002", forward_always="197")
        out = self.a.invite("1002", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        until(lambda: "mailbox" in [event["flow"] for event in self.node.events() if event["type"] == "call.flow"])
        out.bye()

    def test_given_to_any_box(self):
        """CALL-25: a number of a pattern leads to each mailbox, by its last digits: 1002 gives the caller to that of 1003."""
        self.ask("extension.put", number="1002", forward_busy="", forward_no_answer="", forward_always="")
        self.node.put_extension("1003", "secret1003")
        self.ask("flow.put", name="box", program=[{"voicemail": {"box": "{called.last.4}"}}])
        self.ask("number.put", number="*87xxxx", to="flow:box")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        request = into.in_dialog("REFER", headers=[("Refer-To", f"<sip:*871003@{self.b.home}>")])
        self.assertEqual(into.transact(request).status, 202)
        for _ in range(2):
            self.b.respond(self.b.take_request("NOTIFY", call_id=into.call_id), 200)
        into.bye()
        self.hears(self.BEEP)
        self.says()
        out.bye()
        until(lambda: [row["from"] for row in self.ask("message.list", mailbox="1003")] == ["1001"])
        self.assertEqual(self.messages(), [])

    def test_pressed_ahead(self):
        """# soon behind 3, while "urgent" is said: it is for the menu behind, and the message is saved."""
        out, _ = self.leaves()
        self.key(out, "3")
        self.key(out, "#")
        self.hears("voicemail-saved")
        self.assertEqual(self.counts(), [1, 1, 0])
        out.wait_bye()

    @walks("listen", "voicemail-busy")
    def test_listened_to(self):
        """Key 1: who is told that 1002 speaks hears what he said, and the menu again; it is no message yet."""
        self.ask("extension.put", number="1002", forward_always="")
        out, _ = self.leaves(busy=True)
        self.key(out, "1")
        self.hears(self.SPOKEN, anew=True)
        self.hears("voicemail-menu")
        self.assertEqual(self.counts(), [0, 0, 0])
        self.key(out, "#")
        self.hears("voicemail-saved")
        out.wait_bye()
        self.assertEqual(self.counts(), [1, 0, 0])

    @walks("full", "voicemail-full")
    def test_full(self):
        """The box has room for one message: nobody hears a beep before there is room again."""
        self.ask("extension.put", number="1002", mailbox_messages=1)
        out, call = self.leaves()
        self.key(out, "#")
        self.hears("voicemail-saved")
        out.wait_bye()
        self.ended()
        out, _ = self.calls_box()
        self.hears("voicemail-full")
        out.wait_bye()
        self.assertTrue(self.ended()["path"].endswith(",count,full,full"))
        self.assertEqual(self.counts(), [1, 0, 0])
        self.ask("message.delete", mailbox="1002", message=f"{call}-1")
        out, _ = self.calls_box()
        self.hears(self.BEEP)
        out.bye()
        self.ended()

    @walks("again")
    def test_said_again(self):
        """What was said first is never seen; a caller who hangs up in the menu has left what he said."""
        out, call = self.leaves()
        self.key(out, "2")
        self.hears(self.BEEP)
        self.asks(call, "record")
        self.says(2.5)
        self.key(out, "#")
        self.hears("voicemail-menu")
        out.bye()
        self.count(1, 0, 0)
        self.assertEqual([row["message"] for row in self.messages()], [f"{call}-2"])
        self.assertEqual(self.ended()["message"], f"{call}-2")

    @walks("short", "voicemail-short")
    def test_hangs_up(self):
        """In the middle of what he says: it is new at once. Who has said nothing leaves nothing."""
        out, call = self.calls_box()
        self.asks(call, "record")
        self.hears(self.BEEP)
        self.says()
        out.bye()
        self.count(1, 0, 0)
        self.ended()
        out, call = self.calls_box()
        self.asks(call, "record")
        self.hears(self.BEEP)
        self.key(out, "#")
        self.hears("voicemail-short")
        out.bye()
        self.assertEqual(self.ended()["message"], "")
        self.assertEqual(self.counts(), [1, 0, 0])

    @walks("unknown", "invalid")
    def test_not_sent_here(self):
        """Who calls the flow himself, and no extension has sent him here, hears that this leads nowhere."""
        out = self.a.invite("199", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears("invalid")
        out.wait_bye()

    @walks("desk number operator pass", "goodbye please-wait")
    def test_operator(self):
        """0 in the greeting, of a box without a name, leads to the operator; in the menu, too, and the message is kept."""
        os.remove(os.path.join(self.node.folder, "sounds", "default", "name-1002.wav"))
        self.node.put_extension("1009", "secret1009")
        desk = self.enterContext(self.node.user_agent("1009", "secret1009"))
        self.assertEqual(desk.register().status, 200)
        self.ask("dialplan.put", operator="1009")
        out, _ = self.calls_box()
        self.hears("voicemail-unavailable")
        self.key(out, "0")
        self.hears("please-wait")
        desk.incoming().reject(486, "Busy Here")
        self.hears("goodbye")
        out.wait_bye()
        self.ended()
        out, _ = self.leaves()
        self.key(out, "0")
        into = desk.incoming()
        self.count(1, 0, 0)
        into.reject(486, "Busy Here")
        self.hears("goodbye")
        out.wait_bye()


class Away(Deposit):
    @walks("late", "voicemail-late")
    def test_saved(self):
        """It is said that it is not certain; when Redis is back it is there."""
        out, _ = self.leaves()
        redis = self.redis_stops()
        self.key(out, "#")
        self.hears("voicemail-late")
        os.kill(redis, signal.SIGCONT)
        out.wait_bye()
        self.ended()
        self.count(1, 0, 0)

    @walks("away", "voicemail-away")
    def test_before_the_beep(self):
        """Nobody is to say a message that has no box: it is said so. Then it is as before."""
        self.ask("flow.put", name="late", program={"start": "wait", "steps": {
            "wait": {"gather": {"max": 1, "first_s": 60}, "next": "leave", "timeout": "leave"},
            "leave": {"voicemail": {"box": "1002"}, "failed": "end"}, "end": {"hangup": {}}}})
        self.ask("number.put", number="100", to="flow:late")
        out = self.a.invite("100", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.asks(self.ask("call.list")[0]["id"], "wait")
        redis = self.redis_stops()
        self.key(out, "5")
        self.hears("voicemail-away")
        os.kill(redis, signal.SIGCONT)
        out.wait_bye()
        self.assertEqual(self.ended()["message"], "")
        self.assertEqual(self.counts(), [0, 0, 0])
        self.leaves()[0].bye()
        self.count(1, 0, 0)


class Once(Deposit):
    """What has no step, and no prompt, that others have not."""

    def test_greetings(self):
        """VM-09, MED-06: by presence before the own one; # passes over it."""
        self.sound("greeting-1002", 2080, 4)
        self.sound("greeting-1002-lunch", 2120, 4)
        for presence, hertz in (("available", 2080), ("lunch", 2120)):
            self.ask("extension.presence", number="1002", state=presence)
            out, call = self.calls_box()
            self.hears(hertz)
            self.key(out, "#")
            self.hears(self.BEEP)
            out.bye()
            self.ended()

    def test_temporary_greeting(self):
        self.sound("greeting-1002", 2080, 4)
        self.sound("greeting-1002-temporary", 2160, 4)
        out, _ = self.calls_box()
        self.hears(2160)
        out.bye()
        self.ended()

    def again(self, call):
        self.saved()
        self.node.kill()
        self.node.restart()
        until(lambda: self.at(call), self.node.log_tail)

    def test_killed(self):
        """kill -9 while he is greeted, while he speaks, in the menu, and as it is saved: one message, of what he said before and after."""
        self.sound("greeting-1002", 2080, 6)
        out, call = self.calls_box()
        self.hears(2080)
        self.again(call)
        self.hears(2080)
        self.key(out, "#")
        self.hears(self.BEEP)
        self.asks(call, "record")
        self.says(2)
        self.again(call)
        self.says(2)
        self.key(out, "#")
        self.hears("voicemail-menu")
        self.again(call)
        self.hears("voicemail-menu")
        self.key(out, "#")
        self.node.kill()
        self.node.restart()
        self.hears("voicemail-saved")
        out.wait_bye()
        self.count(1, 0, 0)
        row, = self.messages()
        self.assertEqual(row["message"], f"{call}-1")
        self.assertGreater(row["duration_ms"], 3000)

    def test_hung_up(self):
        """Nobody is there to hear that it is late: the node asks again until Redis is back, and the message is no draft any more."""
        out, call = self.leaves()
        redis = self.redis_stops()
        at = time.time()
        out.bye()
        until(lambda: time.time() > at + 6)     # longer than Redis is waited for
        os.kill(redis, signal.SIGCONT)
        self.count(1, 0, 0)
        self.assertEqual(self.ended()["message"], f"{call}-1")


class Hidden(Deposit):
    """RFC 3323, RFC 3325: a carrier knows who calls and says so, and that he hides his number."""
    NUMBER = "+4940123456"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        at = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-mail-"))
        port, secret = cls.enterClassContext(Ports(1)).take(), os.path.join(at, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(SECRET)
        os.chmod(secret, 0o600)
        for folder in ("ca", "mail"):
            os.mkdir(os.path.join(at, folder))
        authority = Authority(os.path.join(at, "ca"))
        cls.mail = Mail(os.path.join(at, "mail"), port, authority).start()
        cls.addClassCleanup(cls.mail.stop)
        cls.settings = {"mail": {"url": f"smtp://127.0.0.1:{port}", "from": "tandem@example.org", "user": USER, "password_file": secret, "ca": authority.path}}

    def test_trunk(self):
        """Neither the box, nor its events, nor the mail has his number, whatever his From says; the CDR has it."""
        carrier = self.enterContext(self.node.user_agent(self.NUMBER))
        self.ask("trunk.put", name="carrier", direction="in", sources=PARTY, source_port=carrier.port)
        self.ask("did.put", number="+4930xxxx", strip=5)
        self.ask("extension.put", number="1002", mailbox_mail="one@example.org")
        hides = [("Privacy", "id"), ("P-Asserted-Identity", f'"Otto" <sip:{self.NUMBER}@carrier.invalid>')]
        out = carrier.invite("+49301002", self.audio_a.sdp(), headers=hides)
        self.audio_a.use(out.wait_answer())
        self.hears(self.BEEP)
        self.says()
        out.bye()
        self.count(1, 0, 0)
        self.assertIn(self.NUMBER[1:], self.ended()["from"])
        row, = self.messages()
        until(lambda: self.mail.mails())
        told = [event for event in self.node.events() if event["type"].startswith("message.")]
        self.assertEqual([event["from"] for event in told][:1], ["anonymous"])
        for what in (row, told, self.mail.mails()):
            self.assertIn("anonymous", str(what))
            self.assertNotIn(self.NUMBER[3:], str(what))


class Walked(AllBegun, unittest.TestCase):
    WALKED, WALKS = "voicemail", (Keys, Away)
