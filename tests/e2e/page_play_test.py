# SPDX-License-Identifier: Apache-2.0
"""Sounds for paging groups: by command, by a caller who records them first, by the clock; and what a page of priority interrupts (PAGE-04,
PAGE-05, PAGE-07, PARK-08)."""
import os
import time
import unittest

from directory_test import Pair
from lib import wire
from lib.sip import or_none
from music_test import MUSIC, wav
from page_test import MEMBERS, SPOKEN, PagesTest
from patience import until
from server import ServerError
from tandem_client import Refused

LONG = 150                      # s: it waits for the next minute
SECONDS = 4                     # of a sound
PARKED = 1000                   # Hz: the hold music


class Sounds(PagesTest):
    settings = {"media": {"music": "hold.wav"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wav(os.path.join(cls.node.folder, "sounds", "default", "gong.wav"), MUSIC, seconds=SECONDS)
        wav(os.path.join(cls.node.folder, "sounds", "default", "hold.wav"), PARKED)
        cls.node.kill()                 # the music is there at the next start
        cls.node.restart()

    def plays(self, **more):
        return self.ask("page.play", **{"name": "hall", "file": "gong.wav"} | more)

    @staticmethod
    def silent(audio):
        audio.stop()
        audio.start(frames=audio.codec.coded([0] * (audio.codec.rate // 50)))

    def hears_gong(self, number, hertz=MUSIC):
        phone = self.phones[number]
        incoming = phone.incoming()
        self.assertIn("info=alert-autoanswer", incoming.request.get("Alert-Info"))
        phone.audio.use(incoming.request)
        incoming.answer(phone.audio.sdp())
        self.silent(phone.audio)
        phone.audio.wait_tone(hertz, anew=True)
        return incoming

    def ended(self, *incoming):
        for one in incoming:
            one.wait_bye()
        until(lambda: not self.ask("conference.list"), self.node.log_tail)

    def test_by_command(self):
        """All members hear it, from the first answer on, as often as is said, and then it is over; another one is refused meanwhile."""
        began = time.monotonic()
        answer = self.plays(times=2)
        self.assertEqual(answer["rung"], 3)
        heard = [self.hears_gong(number) for number in MEMBERS]
        room, = self.ask("conference.list")
        self.assertEqual((room["id"], room["number"], room["plays"]), (answer["conference"], "page:hall", "gong.wav"))
        with self.assertRaisesRegex((Refused, ServerError), "hears a page already"):
            self.plays()
        self.ended(*heard)
        self.assertTrue(2 * SECONDS <= time.monotonic() - began < 2 * SECONDS + 4, time.monotonic() - began)

    def test_refused(self):
        """No such group, no such file, nobody whose phone rings."""
        for wrong, words in (({"name": "none"}, "no such paging group"), ({"file": "../x"}, "file must be"), ({"times": 0}, "times")):
            with self.assertRaisesRegex((Refused, ServerError), words):
                self.plays(**wrong)
        self.puts(members="1999")
        with self.assertRaisesRegex((Refused, ServerError), "no phone of a member rings"):
            self.plays()
        self.assertEqual(self.ask("conference.list"), [])

    def test_no_such_file(self):
        """What cannot be played is over at once."""
        self.puts(members="1011")
        self.plays(file="nothing.wav")
        phone = self.phones["1011"]
        incoming = phone.incoming()
        incoming.answer(phone.audio.sdp())
        self.ended(incoming)

    def test_killed(self):
        """The next process plays on, and ends the page; nobody is rung twice."""
        self.puts(members="1011")
        self.plays(times=2)
        heard = self.hears_gong("1011")
        until(lambda: all(call["saved"] for call in self.ask("call.list")))
        self.node.kill()
        self.node.restart()
        self.phones["1011"].audio.wait_tone(MUSIC, anew=True)
        self.ended(heard)
        self.is_not_rung("1011")

    def records(self, ends="#", seconds=2.0):
        """The caller says something behind the beep."""
        phone = self.phones["1001"]
        out = phone.invite("700", phone.audio.sdp())
        phone.audio.use(out.wait_answer())
        time.sleep(1.5)                 # the beep
        phone.audio.start(SPOKEN)
        time.sleep(seconds)
        phone.audio.stop()
        if ends:
            phone.audio.digit(ends)
        return out

    def test_recorded_first(self):
        """Nobody is rung while he speaks; then members hear it, once, also where he has hung up; he hears it himself, and is not heard."""
        self.puts(members="1011,1012", type="recorded")
        self.addCleanup(self.puts, type="live")
        for stays in (True, False):
            with self.subTest(stays=stays):
                out = self.records(ends="")
                for number in ("1011", "1012"):
                    self.assertIsNone(or_none(self.phones[number].incoming, 0.2))
                self.phones["1001"].audio.digit("#")
                heard = [self.hears_gong(number, SPOKEN) for number in ("1011", "1012")]
                if stays:
                    self.phones["1001"].audio.wait_tone(SPOKEN, anew=True)
                    self.ended(*heard, out)
                else:
                    out.bye()
                    self.phones["1012"].audio.wait_tone(SPOKEN, anew=True)
                    self.ended(*heard)

    def test_nothing_recorded(self):
        """Who says nothing, or hangs up before the end, pages nobody."""
        self.puts(members="1011", type="recorded")
        self.addCleanup(self.puts, type="live")
        self.records(ends="").bye()
        self.is_not_rung("1011")
        phone = self.phones["1001"]
        out = phone.invite("700", phone.audio.sdp())
        phone.audio.use(out.wait_answer())
        self.silent(phone.audio)
        out.wait_bye(20)
        self.is_not_rung("1011")

    def test_interrupts(self):
        """A page of more priority takes the members that it has in common with another page; for the others that goes on."""
        self.puts(members="1011,1012")
        self.ask("page.put", name="urgent", members="1011", channel=24)
        self.addCleanup(self.ask, "page.delete", name="urgent")
        out = self.pages()
        first, second = self.hears("1011"), self.hears("1012")
        self.assertEqual(self.plays(name="urgent")["rung"], 1)
        first.wait_bye()
        urgent = self.hears_gong("1011")
        self.phones["1012"].audio.wait_tone(SPOKEN, anew=True)
        self.assertEqual(self.members(), ["1001", "1011", "1012"][::2])
        urgent.wait_bye()
        self.over(out, second)

    def test_emergency(self):
        """PAGE-05: it takes members of a page of priority, rings who waits in a slot, and no lower page rings its members."""
        self.puts(members="1011,1012", channel=24)
        self.addCleanup(self.puts, channel=0)
        self.ask("page.put", name="fire", members="1011", channel=25)
        self.addCleanup(self.ask, "page.delete", name="fire")
        out = self.pages()
        first, second = self.hears("1011"), self.hears("1012")
        self.assertEqual(self.plays(name="fire", times=2)["rung"], 1)
        first.wait_bye()
        fire = self.hears_gong("1011")
        hall, = (row for row in self.ask("conference.list") if row["number"] == "page:hall")
        self.assertEqual(self.ask("page.ring", conference=hall["id"]), {"rung": 0})
        self.is_not_rung("1011")
        fire.wait_bye(20)
        self.over(out, second)

    def members(self):
        hall, = (row for row in self.ask("conference.list") if row["number"] == "page:hall")
        return sorted(row["from"] for row in self.ask("conference.get", conference=hall["id"])["list"] if row["state"] == "there")

    def test_parked(self):
        """A member who waits in a slot is rung by a page of priority or an emergency alone, and waits there behind it, with music."""
        self.puts(members="1011", channel=0)
        phone, audio = self.phones["1011"], self.enterContext(self.node.media())
        out = phone.invite("1002", audio.sdp())
        into = self.phones["1002"].incoming()
        into.answer(self.phones["1002"].audio.sdp())
        audio.use(out.wait_answer())
        self.silent(audio)
        call, = self.ask("call.list")
        self.ask("call.park", call=call["id"], leg="a", slot="71")
        audio.wait_tone(PARKED, anew=True)
        with self.assertRaisesRegex((Refused, ServerError), "no phone of a member rings"):
            self.plays()
        self.addCleanup(self.puts, channel=0)
        for channel in (24, 25):
            self.puts(members="1011", channel=channel)
            self.assertEqual(self.plays()["rung"], 1)
            heard = self.hears_gong("1011")
            self.assertEqual([row["slot"] for row in self.ask("park.list")], ["71"])
            self.ended(heard)
            audio.wait_tone(PARKED, anew=True)
            self.assertEqual([row["party"] for row in self.ask("park.list")], ["1011"])
        out.bye()


def next_minute(seconds=50):
    """HH:MM of the next minute, by UTC, which begins in 5 s at least."""
    if time.time() % 60 > seconds:
        time.sleep(61 - time.time() % 60)
    return time.strftime("%H:%M", time.gmtime(time.time() + 60))


class Bells(Pair):
    """Two nodes."""
    @classmethod
    def setUpClass(cls):
        wire.alone()
        super().setUpClass()
        cls.ends = {}
        for number in ("1011", "1012", "1013"):
            cls.a.put_extension(number, "secret" + number)
            until(lambda number=number: any(row["number"] == number for row in cls.a.ctl("extension.list")))
            cls.ends[number] = cls.enterClassContext(cls.a.user_agent(number, "secret" + number)), cls.enterClassContext(cls.a.media())
            assert cls.ends[number][0].register().status == 200
        for node in (cls.a, cls.b):
            wav(os.path.join(node.folder, "sounds", "default", "bell.wav"), MUSIC, seconds=2)

    def put(self, name, member, when, **more):
        self.a.ctl("page.put", name=name, members=member)
        self.a.ctl("bell.put", name=name, page=name, when=when, file="bell.wav", **more)
        self.addCleanup(self.a.ctl, "page.delete", name=name, force=True)      # where a node has not heard yet that the bell is gone
        self.addCleanup(self.a.ctl, "bell.delete", name=name)

    def test_rings(self):
        """Once, at its minute, whichever node; not while its calendar is closed, nor where it is off, nor at another minute."""
        self.a.ctl("hours.put", name="never", week="")
        when = next_minute()
        self.put("school", "1011", f"mon-sun {when}")
        self.put("closed", "1012", f"mon-sun {when}", hours="never")
        self.put("off", "1013", f"mon-sun {when}", enabled=False)
        until(lambda: len(self.b.ctl("bell.list")) == 3)
        began = 60 - time.time() % 60
        phone, audio = self.ends["1011"]
        self.assertIsNone(or_none(phone.incoming, began - 1))
        incoming = phone.incoming(seconds=12)
        self.assertEqual(time.strftime("%H:%M", time.gmtime()), when)
        self.assertLess(time.time() % 60, 3)
        audio.use(incoming.request)
        incoming.answer(audio.sdp())
        audio.start()
        audio.wait_tone(MUSIC)
        incoming.wait_bye()
        for number in ("1011", "1012", "1013"):
            self.assertIsNone(or_none(self.ends[number][0].incoming, 4 if number == "1011" else 0.1))

    def test_without_redis(self):
        """While Redis is away the nodes ring a bell among them, once."""
        when = next_minute(35)
        self.put("school", "1011", f"mon-sun {when}")
        until(lambda: self.b.ctl("bell.list"))
        self.redis_stop()
        self.addCleanup(self.is_back)
        until(lambda: all(node.http("/healthz")[0] == 503 or "redis" in node.http("/healthz")[1] for node in (self.a, self.b)))
        phone, audio = self.ends["1011"]
        incoming = phone.incoming(seconds=75)
        self.assertEqual(time.strftime("%H:%M", time.gmtime()), when)
        audio.use(incoming.request)
        incoming.answer(audio.sdp())
        audio.start()
        audio.wait_tone(MUSIC)
        incoming.wait_bye()
        self.assertIsNone(or_none(phone.incoming, 2))

    def is_back(self):
        self.redis_start()
        until(lambda: all(node.http("/healthz")[0] == 200 for node in (self.a, self.b)))

    def test_refused(self):
        self.a.ctl("page.put", name="hall", members="1011")
        self.addCleanup(self.a.ctl, "page.delete", name="hall", force=True)
        for when, words in (("mon-fri", "it has no time"), ("day 08:00", "days are"), ("mon 8:00", "times are"), ("mon 24:00", "times are"),
                            ("mon 08:00;;", "days are")):
            with self.assertRaisesRegex((Refused, ServerError), words):
                self.a.ctl("bell.put", name="b", page="hall", when=when, file="bell.wav")


if __name__ == "__main__":
    unittest.main()
