# SPDX-License-Identifier: Apache-2.0
"""The menu of a mailbox (deploy/flows/mailbox.json), walked by keys, with its prompts heard as tones, in English: VM-01, VM-02, VM-11, VM-05, VM-06, VM-09, REG-17, BEAT-23, CALL-02, SEC-05, MED-06."""
from datetime import datetime, timedelta, timezone
import os
import time
import unittest

from flow_calls_test import Put
from flow_shipped_test import WORD, AllBegun, Walks, tone_file, walks
from patience import until

LONG = 110                      # s
# Steps that mailbox_sends_test.py begins.
SENT = {"replies", "replied", "rsend", "ragain", "rdrop", "sent", "unsent", "secret", "fwho", "fmore", "fagain", "fsay", "fsend", "fsent", "fnot", "fdrops",
        "urgentn", "urgentw", "old1", "oldn", "oldw", "digits", "unknown", "unkept", "unpinned", "away"}


class Mailbox(Walks, Put):
    """1002 has a box with messages of 1001, and 1001 says them. Each prompt of the menu is a tone of its own, in each language another one."""
    NAME, SPOKEN, PIN = 3000, (2800, 2880), "47110815"
    WALKED = "mailbox"

    def setUp(self):
        super().setUp()
        tone_file(f"{self.node.folder}/sounds/default/name-1001.wav", self.NAME, 0.3)
        self.ask("number.put", number="100", to="flow:main")

    def leave(self, hertz, headers=(), **marks):
        out = self.a.invite("100", self.audio_a.sdp(), headers=headers)
        self.audio_a.use(out.wait_answer())
        call = self.call_of("1001")
        self.waits(call)
        before = {row["message"] for row in self.ask("message.list", mailbox="1002")}
        self.node.ctl("call.record_message", call=call, beep="false", silence_ms="0", mailbox="1002")
        until(lambda: "record" in str(self.ask("call.show", call=call).get("recordings")), lambda: self.ask("call.show", call=call))
        self.audio_a.start(hertz)
        time.sleep(1.2)
        self.audio_a.stop()
        out.bye()
        self.ended()
        until(lambda: len(self.ask("message.list", mailbox="1002")) > len(before), self.node.log_tail)
        message, = {row["message"] for row in self.ask("message.list", mailbox="1002")} - before
        if marks:
            self.ask("message.put", mailbox="1002", message=message, **marks)
        return message

    def call_of(self, number):
        return next(call["id"] for call in self.ask("call.list") if call["from"] == number)

    def dials(self, agent=None, audio=None, number="##"):
        self.agent, self.audio = agent or self.b, audio or self.audio_b
        self.out = self.agent.invite(number, self.audio.sdp())
        self.audio.use(self.out.wait_answer())
        self.call = self.call_of(self.agent.number)

    def step(self, name):
        until(lambda: f" {name} is carried out" in self.at(self.call)["at"], lambda: f"{name}: {self.at(self.call)}")

    def keys(self, keys, step=None):
        if step:
            self.step(step)
        for key in keys:
            self.audio.digit(key, milliseconds=40)
            time.sleep(0.02)

    def records(self, step="say"):
        self.step(step)
        until(lambda: self.ask("call.show", call=self.call).get("recordings"), lambda: self.ask("call.show", call=self.call))

    def says(self, hertz, step="say"):
        self.records(step)
        self.audio.start(hertz)
        time.sleep(1.3)                 # less than a second is nothing
        self.audio.stop()
        self.keys("#")

    def notify(self):
        extension = self.ask("extension.get", number="1002")
        return [extension[f"mailbox_notify{name}"] for name in ("", "_to", "_hours")]

    def states(self):
        return {row["message"]: (row["state"], row["urgent"]) for state in ("new", "old", "deleted") for row in self.ask("message.list", mailbox="1002", state=state)}


class Menu(Mailbox):
    @walks("before bye day deletes end first gone hears hour keys last listen marked name newn neww next none restore saved saves top urgent1 who",
           "goodbye mailbox-deleted mailbox-from mailbox-keys mailbox-last mailbox-menu mailbox-new-many mailbox-none mailbox-saved mailbox-top mailbox-urgent "
           "mailbox-urgent-one")
    def test_walk(self):
        self.ask("extension.put", number="1002", pin=self.PIN)
        usual, urgent = self.leave(self.SPOKEN[0]), self.leave(self.SPOKEN[1], urgent=True)
        self.dials()
        self.hears("mailbox-urgent-one", WORD, "mailbox-new-many", "mailbox-menu")
        self.keys("1", "menu")
        self.hears("mailbox-urgent", "mailbox-from", self.NAME, WORD, self.SPOKEN[1])
        self.keys("7", "listen")
        self.hears("mailbox-deleted", "mailbox-from", self.NAME, WORD, self.SPOKEN[0])
        self.assertEqual(self.states(), {usual: ("new", False), urgent: ("deleted", False)})
        self.keys("2", "listen")
        until(lambda: self.show_play()["paused"], self.show_play)
        self.keys("1")
        until(lambda: self.show_play()["place_ms"] == 0, self.show_play)
        self.keys("2")
        self.hears(self.SPOKEN[0])
        self.keys("3", "listen")                        # behind its end
        self.keys("9", "keys")
        self.hears("mailbox-saved", "mailbox-last", "mailbox-menu")
        self.assertEqual(self.states(), {usual: ("old", False), urgent: ("deleted", False)})
        self.keys("5", "menu")
        self.hears("mailbox-from")
        self.keys("#")                                  # no more of the envelope
        self.hears(self.SPOKEN[1])
        self.keys("9", "listen")
        self.hears("mailbox-saved", "mailbox-last")
        self.assertEqual(self.states(), {usual: ("old", False), urgent: ("new", True)})
        self.keys("2", "menu")
        self.hears(self.SPOKEN[0])
        self.keys("4", "listen")
        self.hears("mailbox-top", "mailbox-keys")
        self.keys("5", "keys")
        self.hears("mailbox-from", self.SPOKEN[0])
        self.keys("#", "listen")
        self.hears("mailbox-last")
        self.keys("1", "menu")
        self.hears("mailbox-urgent")
        self.keys("6", "listen")
        self.hears("mailbox-last")
        self.keys("1", "menu")
        self.hears("mailbox-none", "mailbox-menu")
        self.assertEqual(self.states(), {usual: ("old", False), urgent: ("old", True)})
        self.keys("*", "menu")
        self.hears("goodbye")
        self.out.wait_bye()
        self.ended()

    def test_keys_before_the_message(self):
        """They count while it is said who left it, and when: nobody waits for that to end."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        first, second = self.leave(self.SPOKEN[0]), self.leave(self.SPOKEN[1])
        self.dials()
        self.keys("1", "menu")
        self.keys("7", "day")
        self.hears("mailbox-deleted")
        self.keys("9", "name")
        self.hears("mailbox-saved", "mailbox-last")
        self.assertEqual(self.states(), {first: ("deleted", False), second: ("old", False)})
        self.out.bye()
        self.ended()

    def test_a_name_that_nobody_recorded(self):
        """Its letters are said, and /healthz is not worried."""
        os.unlink(f"{self.node.folder}/sounds/default/name-1001.wav")
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.leave(self.SPOKEN[0])
        self.dials()
        self.keys("1", "menu")
        self.hears("mailbox-from", WORD, self.SPOKEN[0])
        self.assertEqual(self.node.http("/healthz")[0], 200)
        self.assertNotIn("prompts_missing", self.node.http("/healthz")[1])
        self.out.bye()
        self.ended()

    def show_play(self):
        return self.ask("call.show", call=self.call)["play"]


class Others(Mailbox):
    @walks("locked new1 wrong", "mailbox-locked mailbox-new-one mailbox-number mailbox-pin mailbox-wrong")
    def test_from_elsewhere(self):
        """At the phone of 1001, who is asked for box and PIN, as from outside; wrong ones until nobody looks any more, and as long a password is not looked at either."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.ask("extension.put", number="1001", pin="8150")
        self.ask("tenant.put", name="default", pin_always=True)
        usual = self.leave(self.SPOKEN[0])
        self.dials(self.a, self.audio_a)
        self.hears("mailbox-number")
        self.keys("1002#", "number")
        self.hears("mailbox-pin")
        self.keys("97530864#", "pin")
        self.hears("mailbox-wrong", "mailbox-number")
        self.keys("1002#", "number")
        self.keys(self.PIN + "#", "pin")
        self.hears("mailbox-new-one", "mailbox-menu")
        self.keys("1", "menu")
        self.hears(self.SPOKEN[0])
        self.keys("6", "listen")
        self.hears("mailbox-last")
        self.assertEqual(self.states(), {usual: ("old", False)})
        self.out.bye()
        self.ended()
        self.dials(self.a, self.audio_a)
        for _ in range(6):
            self.keys("1002#", "number")
            self.keys("97530864#", "pin")
        self.hears("mailbox-locked", "goodbye")
        self.out.wait_bye()
        self.ended()
        self.assertEqual([text for text in (self.PIN, "97530864") if text in self.node.log_tail(10000)], [])

    @walks("unset", "mailbox-not-saved")
    def test_number_outside(self):
        """VM-06: at another phone, behind its own mailbox, the owner sets an extension that is called, and no number outside."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.ask("extension.put", number="1001", pin="8150")
        self.dials(self.a, self.audio_a)
        self.keys("8", "menu")
        self.keys("1002#", "number")
        self.keys(self.PIN + "#", "pin")
        self.keys("4", "menu")
        self.keys("4", "settings")
        for number, heard in (("0170555001#", "mailbox-not-saved"), ("1001#", "mailbox-notify-to")):
            self.keys("4", "nmenu")
            self.keys(number, "ngetto")
            self.hears(heard)
        self.assertEqual(self.notify()[1], "1001")
        self.out.bye()

    @walks("given")
    def test_verb(self):
        """A flow leads to the menu of a box: another phone is asked for its PIN, its own is not."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        steps = {"menu": {"mailbox": "1002", "failed": "end"}, "end": {"hangup": {}}}
        self.ask("flow.put", name="line", program={"name": "line", "start": "menu", "steps": steps})
        self.ask("number.put", number="101", to="flow:line")
        self.dials(self.a, self.audio_a, "101")
        self.hears("mailbox-pin")
        self.keys(self.PIN + "#", "pin")
        self.hears("mailbox-new-none")
        self.out.bye()
        self.ended()
        self.dials(number="101")
        self.hears("mailbox-new-none")
        self.out.bye()

    @walks("again change changed check differs drop dropped first1p first2p greet greetings hear hello1 keep kept newpin nothing say sure",
           "mailbox-greeting mailbox-new-none mailbox-new-pin mailbox-no-greeting mailbox-pin-again mailbox-pin-differs mailbox-record mailbox-sure "
           "mailbox-welcome mailbox-your-greeting mailbox-your-name")
    def test_first_use(self):
        """No PIN yet: it, a name and a greeting. The caller says a tone as each."""
        self.dials(self.a, self.audio_a)
        self.hears("mailbox-welcome", "mailbox-new-pin")
        self.keys("12345#", "newpin")
        self.hears("mailbox-pin-again")
        self.keys("12346#", "again")
        self.hears("mailbox-pin-differs", "mailbox-new-pin")
        self.keys("12345#", "newpin")
        self.keys("12345#", "again")
        self.hears("mailbox-saved", "mailbox-your-name", "mailbox-record")
        for name, what in (("mailbox-your-greeting", self.SPOKEN[0]), ("mailbox-new-none", self.SPOKEN[1])):
            self.says(what)
            self.hears(what, "mailbox-sure")
            self.keys("1", "sure")
            self.hears("mailbox-saved", name)
        self.assertTrue(self.ask("extension.get", number="1001")["has_pin"])
        self.assertEqual({row["name"] for row in self.ask("prompt.list")}, {"name-1001", "greeting-1001"})
        self.keys("4", "menu")
        self.keys("1", "settings")
        self.keys("1", "greetings")
        self.keys("2", "greet")
        self.hears(self.SPOKEN[1], "mailbox-greeting")
        self.keys("3", "greet")
        self.hears("mailbox-deleted")
        self.keys("2", "greet")
        self.hears("mailbox-no-greeting")
        self.assertEqual({row["name"] for row in self.ask("prompt.list")}, {"name-1001"})
        self.keys("*", "greet")
        self.keys("2", "settings")
        self.keys("1", "greet")
        self.says(self.SPOKEN[1])
        self.hears(self.SPOKEN[1])
        self.keys("*", "check")
        self.hears("mailbox-settings")
        self.out.bye()
        self.assertNotIn("12345", self.node.log_tail(10000))

    @walks("answer call nobody", "mailbox-answer mailbox-not-reached")
    def test_answer(self):
        """Who left the message is called back: at first he is busy. Behind that the menu goes on."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.leave(self.SPOKEN[0])
        self.dials()
        self.keys("1", "menu")
        self.hears(self.SPOKEN[0])
        self.keys("0", "listen")
        self.hears("mailbox-answer")
        self.keys("1", "answer")
        self.a.incoming().reject(486, "Busy Here")
        self.hears("mailbox-not-reached", "mailbox-keys")
        self.keys("0", "keys")
        self.keys("1", "answer")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        self.out.wait_reinvite(self.audio_b.sdp())
        self.audio_a.use(into.request).start(self.NAME)
        self.hears(self.NAME)
        self.audio_a.stop()
        into.bye()
        self.hears("mailbox-keys")
        self.out.bye()

    @walks("damaged", "mailbox-damaged")
    def test_damaged(self):
        """A message whose file is damaged is named, kept, and passed over."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        damaged, usual = self.leave(self.SPOKEN[0]), self.leave(self.SPOKEN[1])
        [part] = self.ask("message.get", mailbox="1002", message=damaged)["parts"]
        with open(os.path.join(self.node.folder, "recordings", part["name"]), "r+b") as file:
            file.write(b"not at all a WAV")
        self.dials()
        self.keys("1", "menu")
        self.hears("mailbox-from", self.NAME, "mailbox-damaged", "mailbox-keys")
        self.keys("#", "keys")
        self.hears("mailbox-from", self.NAME, self.SPOKEN[1])
        self.keys("6", "listen")
        self.hears("mailbox-last")
        self.assertEqual(self.states(), {damaged: ("new", False), usual: ("old", False)})
        self.out.bye()

    def last_day(self):
        """Tomorrow, behind a day that there is not."""
        self.hears("mailbox-last-day")
        self.keys("3102", "lastday")
        self.hears("invalid", "mailbox-last-day")
        day = datetime.now(timezone.utc) + timedelta(days=1)
        self.keys(day.strftime("%d%m"), "lastday")
        self.hears("mailbox-until-day", WORD)
        self.assertEqual(self.ask("prompt.get", name="greeting-1002-temporary")["until_utc_ms"],
                         datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp() * 1000 + 86400000)

    @walks("hello menu nall nalways nany new0 nfrom nfroms ngetend ngetfrom ngetto nhours nmenu nnone notice notime nset1 nset2 nset3 nsethours nsetown "
           "nsetto nto ntodo nuntil nuntils nurgent own settings",
           "invalid mailbox-notify mailbox-notify-all mailbox-notify-any mailbox-notify-begin mailbox-notify-end mailbox-notify-from mailbox-notify-hours "
           "mailbox-notify-none mailbox-notify-number mailbox-notify-to mailbox-notify-until mailbox-notify-urgent mailbox-settings")
    def test_notification(self):
        """VM-06, at the phone: which messages, the number, the time of day. What is so is said."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.dials()
        self.keys("4", "menu")
        self.keys("4", "settings")
        self.hears("mailbox-notify-none", "mailbox-notify")
        self.keys("2", "nmenu")
        self.hears("mailbox-notify-urgent", "mailbox-notify-to", WORD, "mailbox-notify-any", "mailbox-notify")
        self.keys("4", "nmenu")
        self.hears("mailbox-notify-number")
        self.keys("0170555001#", "ngetto")
        self.hears("mailbox-notify-to", WORD, "mailbox-notify-any")
        self.assertEqual(self.notify(), ["urgent", "0170555001", ""])
        self.keys("5", "nmenu")
        self.hears("mailbox-notify-begin")
        self.keys("2500", "ngetfrom")
        self.hears("mailbox-notify-end")
        self.keys("0630", "ngetend")
        self.hears("invalid", "mailbox-notify-begin")
        self.keys("2200", "ngetfrom")
        self.keys("0630", "ngetend")
        self.hears("mailbox-notify-from", WORD, "mailbox-notify-until", WORD, "mailbox-notify")
        self.assertEqual(self.notify(), ["urgent", "0170555001", "22:00-06:30"])
        self.keys("5", "nmenu")
        self.keys("*#", "ngetfrom")
        self.hears("mailbox-notify-any")
        self.keys("4", "nmenu")
        self.keys("*#", "ngetto")
        self.hears("mailbox-notify-to", WORD)
        self.assertEqual(self.notify(), ["urgent", "1002", ""])
        warnings = self.ask("extension.put", number="1002", mailbox_notify_hours="office", mailbox_mail="one@example.org", mailbox_transcribe=True)["warnings"]
        self.assertEqual([warning.partition(":")[0] for warning in warnings], ["mailbox_notify_hours", "mailbox_mail", "mailbox_transcribe"])
        self.ask("hours.put", name="office", override="open")
        self.assertNotIn("warnings", self.ask("extension.put", number="1002", mailbox_mail="", mailbox_transcribe=False))
        self.keys("1", "nmenu")
        self.hears("mailbox-notify-all", "mailbox-notify-to", "mailbox-notify-hours")
        self.keys("3", "nmenu")
        self.hears("mailbox-notify-none", "mailbox-notify")
        self.assertEqual(self.notify(), ["none", "1002", "office"])
        self.keys("*", "nmenu")
        self.hears("mailbox-settings")
        self.out.bye()

    @walks("ends endsday keepto keptday keptto lastday login noday number passes pin silent", "mailbox-greetings mailbox-last-day mailbox-until-day")
    def test_settings(self):
        """Each greeting is heard and deleted; the temporary one is recorded anew, and has a last day. Then another PIN."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.dials()
        self.keys("4", "menu")
        for at, name in enumerate(("", "-busy", "-temporary", "-out_of_office", "-in_a_meeting", "-away", "-do_not_disturb", "-off_work")):
            file = f"{self.node.folder}/greeting{name}.wav"
            tone_file(file, 2500 + 30 * at, 0.3)
            self.node.tandemctl("prompt.put", name=f"greeting-1002{name}", file=file)
            self.keys("1", "settings")
            self.hears("mailbox-greetings")
            self.keys(str(at + 1), "greetings")
            self.hears("mailbox-greeting")
            self.assertNotIn("ends", self.at(self.call)["path"].split(","))     # it stays
            self.keys("2", "greet")
            self.hears(2500 + 30 * at)
            self.keys("3", "greet")
            self.hears("mailbox-deleted")
            self.assertEqual(self.ask("prompt.list"), [])
            if name != "-temporary":
                self.keys("*", "greet")
                continue
            self.keys("1", "greet")
            self.says(self.SPOKEN[0])
            self.hears(self.SPOKEN[0])
            self.keys("1", "check")
            self.last_day()
            self.hears("mailbox-saved", "mailbox-settings")
            self.keys("1", "settings")
            self.keys("3", "greetings")
            self.hears("mailbox-until-day", WORD, "mailbox-greeting")
            self.keys("*", "greet")
            self.ask("prompt.delete", name=f"greeting-1002{name}")
            self.keys("1", "settings")                  # nothing is said: nothing is kept, what was said before neither
            self.keys("1", "greetings")
            self.keys("1", "greet")
            self.records()
            self.keys("#")
            self.hears("mailbox-no-greeting", "mailbox-settings")
            self.assertEqual(self.ask("prompt.list"), [])
        self.keys("3", "settings")
        self.keys("8150#", "newpin")
        self.keys("8150#", "again")
        self.hears("mailbox-saved", "mailbox-settings")
        self.out.bye()
        self.ended()
        self.ask("tenant.put", name="default", pin_always=True)
        self.dials()
        self.keys("1002#", "number")
        self.keys("8150#", "pin")
        self.hears("mailbox-new-none")
        self.out.bye()


class Once(Mailbox):
    """What has no step, and no prompt, that others have not."""

    def test_killed(self):
        """The next process goes on with the message, and knows who has logged in."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        usual = self.leave(self.SPOKEN[0])
        self.dials()
        self.keys("1", "menu")
        self.step("listen")
        self.saved()
        self.node.kill()
        self.node.restart()
        self.hears(self.SPOKEN[0], packets=12, anew=True)
        self.keys("7", "keys")
        self.hears("mailbox-deleted", "mailbox-last")
        self.assertEqual(self.states(), {usual: ("deleted", False)})
        self.out.bye()

    def test_one_password(self):
        """VM-11: changed at the phone, where the tenant has one: the former one registers nobody any more."""
        self.ask("tenant.put", name="default", one_password=True)
        self.dials()
        self.keys("4", "menu")
        self.keys("3", "settings")
        self.keys("815042#", "newpin")
        self.keys("815042#", "again")
        self.hears("mailbox-saved", "mailbox-settings")
        self.out.bye()
        self.ended()
        self.assertEqual(self.b.register().status, 401)
        self.assertEqual(self.enterContext(self.node.user_agent("1002", "815042")).register().status, 200)


class Walked(AllBegun, unittest.TestCase):
    WALKED, WALKS, ELSEWHERE = "mailbox", (Menu, Others), SENT


if __name__ == "__main__":
    unittest.main()
