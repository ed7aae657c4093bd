# SPDX-License-Identifier: Apache-2.0
"""Messages that a caller says to an application: a voicemail, a greeting: VM-02, VM-09. And what a party recorded of its call, played to it: REC-05, in a mailbox, too. And digits
that are collected while it is recorded: BEAT-09."""
import array
import fcntl
import glob
import json
import os
import struct
import time
import unittest
import urllib.request
import wave

import tone

from lib.codec import G722, sample_of_ulaw, sine
from lib.place import NODE
from lib.srtp import Key

from application_test import SoundsTest
from patience import PATIENCE_S, until
from ports import Ports
from record_test import has, sides
from server import ServerError

TENTH = 10      # of a second
OFD_SETLK = 37  # of <fcntl.h>; Python has no name for it


class MessageTest(SoundsTest):
    BEEP, SPOKEN = 1000, 620
    recordings = {}

    def setUp(self):
        self.settings = {"recordings": {"port": self.enterContext(Ports(1)).take(), **self.recordings}}
        super().setUp()

    def files(self):
        return sorted(glob.glob(f"{self.node.folder}/recordings/default/*/*.wav"))

    def samples(self, path):
        """Of a mono file: of the octets of the wire, or of PCM."""
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual(int.from_bytes(data[22:24], "little"), 1)
        rate, octets = int.from_bytes(data[24:28], "little"), data[data.index(b"data") + 8:]
        if int.from_bytes(data[20:22], "little") == 7:
            return [sample_of_ulaw(octet) for octet in octets], rate
        return list(array.array("h", octets[:len(octets) // 2 * 2])), rate

    def spoken(self, path, hertz=SPOKEN):
        """For how many tenths of a second that tone is in there, and how many there are."""
        samples, rate = self.samples(path)
        parts = [samples[at:at + rate // TENTH] for at in range(0, len(samples) - rate // TENTH + 1, rate // TENTH)]
        return sum(tone.share(part, rate, hertz) > 0.5 for part in parts), len(parts)

    def begin(self, call, **terms):
        """Behind the beep."""
        order = self.node.ctl("call.record_message", call=call, **terms)["order"]
        self.hears(self.BEEP, 8)
        until(lambda: self.files(), lambda: self.node.log_tail())
        return order

    def say(self, seconds):
        self.audio_a.start(self.SPOKEN)
        time.sleep(seconds)
        self.audio_a.stop()

    def said_over_a_kill(self):
        """A call of which a message is left in two segments, the second of which is empty: its caller has gone. And another call."""
        out, call = self.answered()
        self.node.ctl("call.record_message", call=call, beep="false", silence_ms="0", mailbox="1001")
        until(lambda: self.files(), self.node.log_tail)
        self.audio_a.start(self.SPOKEN)
        until(lambda: os.path.getsize(self.files()[0]) > 8000, self.node.log_tail)
        self.audio_a.stop()
        self.node.kill()
        self.node.restart()
        until(lambda: len(self.files()) == 2, self.node.log_tail)
        out.bye()
        self.assertEqual(self.wait_told("call.recorded")["reason"], "hangup")
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        other = self.wait_told("call.waiting", 2)["call"]
        self.node.ctl("call.answer", call=other)
        self.audio_a.use(out.wait_answer())
        return out, call, other

    def plays(self, call, name, count=1):
        self.node.ctl("call.play", call=call, file=f"recording:{name}")
        self.hears(self.SPOKEN, 30, anew=True)
        self.assertEqual(self.wait_told("call.played", count)["reason"], "end")

    def exported(self, message):
        """VM-03: the files that links lead to."""
        links = self.node.ctl("message.link", mailbox="1001", message=message)["links"]
        for link in links:
            with urllib.request.urlopen(f"http://{NODE}:{link['port']}{link['path']}", timeout=PATIENCE_S) as answer:
                self.assertEqual(answer.read(4), b"RIFF")
        return [link["name"] for link in links]

    def listed(self, name, **terms):
        """The one row of the mailbox, as soon as it is that."""
        rows = []

        def is_there():
            rows[:] = self.node.ctl("recording.list", mailbox="1001", **terms)
            return [row["name"].split("/")[-1] for row in rows] == [name] and "last" in rows[0] and rows[0]["last"]
        until(is_there, lambda: f"{rows}\n{self.node.log_tail()}")
        self.assertGreater(int(rows[0]["duration_ms"]), 300)
        return rows[0]


class Arrives(MessageTest):
    """A message of another node is played while its octets come. Here the test is who brings them (tests/e2e/copies_test.py has who does)."""
    ID, SECOND = "000agvj5jqr40-1", 880
    RATE, SECONDS = 8000, 8

    def setUp(self):
        super().setUp()
        fetched = os.path.join(self.node.folder, "recordings", ".fetched", "default")
        for day in ("2026-11-25", "0000-00-00"):
            os.makedirs(os.path.join(fetched, day))
        self.part = os.path.join(fetched, "2026-11-25", f"{self.ID}.1.wav.part")
        self.lock = self.enterContext(open(os.path.join(fetched, "0000-00-00", f"{self.ID}.fetch"), "w"))    # pylint: disable=unspecified-encoding
        fcntl.fcntl(self.lock, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        with wave.open(self.part, "wb") as file:
            file.setparams((1, 2, self.RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * self.RATE * self.SECONDS))
        os.truncate(self.part, 44)

    def brings(self, hertz, seconds):
        tones = array.array("h", sine(hertz, self.RATE))
        with open(self.part, "ab") as file:
            file.write(tones.tobytes() * int(seconds * self.RATE // len(tones)))

    def ends(self):
        """All of it is there."""
        os.unlink(self.lock.name)
        self.lock.close()

    def plays(self, call, name=ID, count=1):
        self.node.ctl("call.play", call=call, file=f"recording:{name}")
        self.hears(self.SPOKEN, anew=True)

    def is_silent(self):
        """He has heard all that there is, and packets come on."""
        before = len(self.audio_a.audio())
        until(lambda: len(self.audio_a.audio()) > before + 25 and {b"\xff" * 160} == {one.payload for one in self.audio_a.audio()[-20:]}, self.node.log_tail)

    def test_over_a_kill(self):
        """It waits in silence for what has not come, goes on there, and a successor says the last words again."""
        _, call = self.answered()
        self.brings(self.SPOKEN, 2)
        self.plays(call)
        self.is_silent()
        self.brings(self.SECOND, 2)
        self.hears(self.SECOND, anew=True)
        self.node.kill()
        self.node.restart()
        self.hears(self.SECOND, anew=True)
        self.is_silent()
        self.brings(self.SPOKEN, 4)
        os.rename(self.part, self.part.removesuffix(".part"))
        self.hears(self.SPOKEN, anew=True)
        self.ends()
        self.assertEqual(self.wait_told("call.played")["reason"], "end")

    def test_cut(self):
        """Whoever brings it dies: it is over behind what has come, and is told as what cannot be read."""
        _, call = self.answered()
        self.brings(self.SPOKEN, 2)
        self.plays(call)
        self.lock.close()
        told = self.wait_told("call.played")
        self.assertEqual((told["reason"], told["cause"]), ("failed", "it did not arrive as a whole"))

    def test_before_it_comes(self):
        """What lies behind what has come is waited for."""
        _, call = self.answered()
        self.brings(self.SPOKEN, 2)
        self.plays(call)
        self.node.ctl("call.play_control", call=call, action="to", ms="4000")
        self.is_silent()
        self.brings(self.SPOKEN, 2)
        self.is_silent()
        self.brings(self.SECOND, 4)
        self.hears(self.SECOND, anew=True)
        self.ends()
        self.assertEqual(self.wait_told("call.played")["reason"], "end")


class Message(MessageTest):
    def test_silence_ends_it(self):
        """Its file is there when it is told, and is played at once; to nobody of another name."""
        out, call = self.answered()
        order = self.begin(call, silence_ms="2000")
        self.say(1.5)
        told = self.wait_told("call.recorded")
        self.assertEqual((told["call"], int(told["order"]), told["reason"], told["recording"]), (call, order, "silence", f"{call}-1"))
        path, = self.files()
        self.assertTrue(os.path.exists(path + ".json"))
        samples, rate = self.samples(path)
        self.assertEqual(len(samples) * 1000 // rate, int(told["ms"]))
        tenths, all_of_it = self.spoken(path)
        self.assertGreater(tenths, 10)
        self.assertLess(all_of_it - tenths, 8, "silence at its ends")
        self.assertNotIn("call.recorded", [row["type"] for row in self.node.events()])
        for name in ("recording:../1", "recording:1", f"recording:{call}-64", f"recording:{call}-1/x"):
            with self.assertRaisesRegex(ServerError, "names of files"):
                self.node.ctl("call.play", call=call, file=name)
        self.node.ctl("call.play", call=call, file=f"recording:{call}-2")
        self.assertEqual(self.wait_told("call.played")["reason"], "failed")
        self.node.ctl("call.play", call=call, file=f"recording:{call}-1")
        self.hears(self.SPOKEN, 40)
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "end")
        self.greeted(call)
        out.bye()
        self.ended()

    def greeted(self, call):
        """What was said is the greeting of one presence, and heard in that one."""
        self.node.ctl("extension.greeting", number="1001", state="out_of_office", file=f"recording:{call}-1")
        self.node.ctl("extension.greeting", number="1001", state="default", file="menu.wav")
        for presence, hertz in (("out_of_office", self.SPOKEN), ("lunch", self.MENU)):
            self.assertEqual(self.node.ctl("extension.presence", number="1001", state=presence)["said"], presence)
            self.node.ctl("call.play", call=call, file="greeting:1001")
            self.hears(hertz, 20, anew=True)
            self.node.ctl("call.stop", call=call)
        told = [(row["to"], row["presence"]) for row in self.node.events() if row["type"] == "extension.presence"]
        self.assertEqual(told, [("1001", "out_of_office"), ("1001", "lunch")])
        self.assertEqual(self.node.ctl("extension.get", number="1001")["presence"], "lunch")
        with self.assertRaisesRegex(ServerError, "greeting:NUMBER"):
            self.node.ctl("call.play", call=call, file="greeting:9999")

    def test_a_key_ends_it(self):
        """Over SRTP, in G.722; a prompt is passed over by a key; one that is shorter than it must be; and at last it hangs up."""
        self.audio_a.codec, self.audio_a.pt = G722(), 9
        self.audio_a.key_out = Key()
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", sdes_insecure="true")
        out, call = self.call(self.audio_a.sdp(codecs=("9 G722/8000", "101 telephone-event/8000")))
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        self.node.ctl("call.record_message", call=call, file="greeting.wav", beep="false")
        self.hears(self.GREETING)
        self.audio_a.digit("5")
        until(lambda: self.files(), lambda: self.node.log_tail())
        self.say(0.8)
        self.audio_a.digit("4")
        self.audio_a.digit("#")
        told = self.wait_told("call.recorded")
        self.assertEqual(told["reason"], "key")
        self.assertEqual(self.samples(self.files()[0])[1], 16000)
        self.assertGreater(self.spoken(self.files()[0])[0], 5)
        self.node.ctl("call.record_message", call=call, beep="false", min_ms="5000", terminators="*")
        until(lambda: len(self.files()) == 2, self.node.log_tail)
        self.audio_a.digit("*")
        self.assertEqual(self.wait_told("call.recorded", 2)["reason"], "short")
        self.node.ctl("call.record_message", call=call, beep="false")
        until(lambda: len(self.files()) == 3, self.node.log_tail)
        self.say(1)
        out.bye()
        told = self.wait_told("call.recorded", 3)
        self.assertEqual((told["reason"], told["recording"]), ("hangup", f"{call}-3"))
        until(lambda: os.path.exists(self.files()[2] + ".json"), self.node.log_tail)
        self.assertGreater(self.spoken(self.files()[2])[0], 7)

    def test_killed(self):
        """What was said before is in the file, what is said afterwards in the next one, and both become one, which is played."""
        out, call = self.answered()
        self.begin(call, silence_ms="3000")
        self.audio_a.start(self.SPOKEN)
        until(lambda: os.path.getsize(self.files()[0]) > 8000, self.node.log_tail)
        self.node.kill()
        self.node.restart()
        until(lambda: len(self.files()) == 2 and os.path.getsize(self.files()[1]) > 4000, self.node.log_tail)
        self.audio_a.stop()
        told = self.wait_told("call.recorded")
        self.assertEqual((told["reason"], told["recording"]), ("silence", f"{call}-1"))
        until(lambda: len(self.files()) == 1, self.node.log_tail)
        self.assertGreater(self.spoken(self.files()[0])[0], 8)
        with open(self.files()[0] + ".json", encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts[name] for name in ("recording", "segments", "last", "channels", "cause")],
                         [f"{call}-1", 2, True, 1, "message"])
        self.node.ctl("call.play", call=call, file=f"recording:{call}-1")
        self.hears(self.SPOKEN, 60)
        out.bye()
        self.ended()

    def test_caller_gone_over_a_kill(self):
        """What was said is one message: it is listed, played, marked and deleted as one, and its parts are known by their names still."""
        out, call, other = self.said_over_a_kill()
        self.plays(other, f"{call}-1")
        name = self.listed(f"{call}-1.wav")["name"]
        self.assertEqual(self.exported(f"{call}-1"), [name])
        self.plays(other, f"{call}-1", 2)
        self.node.ctl("recording.put", name=name.replace("-1.wav", "-1.1.wav"), heard="true")
        self.assertTrue(self.node.ctl("recording.get", name=name)["heard"])
        self.node.ctl("recording.delete", name=name.replace("-1.wav", "-1.2.wav"))
        self.assertEqual(self.files(), [])
        out.bye()
        self.ended()

    def test_digits_while_it_is_recorded(self):
        """Digits are collected of who is recorded: the call goes on, and so does its one recording, which names no digit."""
        self.node.ctl("extension.put", number="1001", record="on_demand")
        out, call = self.answered()
        self.node.ctl("call.record", call=call, leg="a", state="on")
        self.say(1.0)
        self.node.ctl("call.collect", call=call, min="4", max="4", first_ms="30000", inter_ms="30000")
        for key in "4711":
            self.info(out, key)
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["reason"]), ("4711", "max"))
        self.assertEqual([row["state"] for row in self.node.ctl("call.show", call=call)["recordings"]], ["on"])
        self.say(1.0)
        out.bye()
        self.ended()
        until(lambda: glob.glob(f"{self.node.folder}/recordings/default/*/*.json"), self.node.log_tail)
        path, = self.files()
        with open(f"{path}.json", encoding="utf-8") as file:
            self.assertNotIn("4711", file.read())
        caller, _ = sides(path)
        self.assertGreaterEqual(has(caller, self.SPOKEN), 15)     # of 20


class Apart(MessageTest):
    """Segments that are never joined, as those of two nodes."""
    recordings = {"join_wait": "0s"}

    def test_caller_gone_over_a_kill(self):
        out, call, other = self.said_over_a_kill()
        row = self.listed(f"{call}-1.1.wav", node=self.node.ctl("node.status")["name"])
        self.assertEqual([part["name"].split("/")[-1] for part in row["parts"]], [f"{call}-1.2.wav"])
        row = self.listed(f"{call}-1.1.wav", limit="1")
        self.assertEqual(len(row["parts"]), 1)
        self.assertEqual(self.exported(f"{call}-1"), [row["name"], row["parts"][0]["name"]])
        self.assertEqual(self.node.ctl("recording.list", mailbox="1001", after=row["name"]), [])
        self.plays(other, f"{call}-1")
        self.node.ctl("recording.put", name=row["name"], heard="true")
        self.listed(f"{call}-1.1.wav", heard="true")
        self.assertEqual(self.node.ctl("recording.list", mailbox="1001", heard="false"), [])
        self.node.ctl("recording.delete", name=row["parts"][0]["name"])
        self.assertEqual(self.files(), [])
        until(lambda: not self.node.ctl("recording.list", mailbox="1001"), self.node.log_tail)
        out.bye()
        self.ended()


class OnDemand(SoundsTest):
    SAID = 880

    def recorded(self):
        """A call of which 1001 recorded what 1002 said."""
        self.node.ctl("extension.put", number="1001", record="on_demand")
        out, into, _ = self.connect(self.audio_a.sdp(), self.audio_b.sdp())
        self.audio_b.start(self.SAID)
        call = self.calls()[0]["id"]
        self.node.ctl("call.record", call=call, leg="a", state="on")
        self.hears(self.SAID, 60)
        self.audio_b.stop()
        out.bye()
        into.wait_bye()
        return call

    def test_played_to_who_recorded(self):
        call = self.recorded()
        until(lambda: self.node.ctl("recording.list", party="1001"), self.node.log_tail)
        row, = self.node.ctl("recording.list", party="1001")
        self.assertEqual(row["name"].split("/")[-1], f"{call}-1.1.wav")
        out, own = self.answered()
        self.node.ctl("call.play", call=own, file=f"recording:{call}-1")
        self.hears(self.SAID, 30, anew=True)
        self.assertEqual(self.wait_told("call.played")["reason"], "end")
        out.bye()

    def box(self, number, count, **terms):
        """What lies in that mailbox, as soon as so much does."""
        rows = []
        until(lambda: len(rows := self.node.ctl("recording.list", mailbox=number, **terms)) == count, lambda: f"{rows}\n{self.node.log_tail()}")
        return self.node.ctl("recording.list", mailbox=number, **terms)

    def test_in_a_mailbox(self):
        """What was recorded on demand, and what a caller said, until each is heard and deleted."""
        self.node.ctl("extension.put", number="1001", record_to="mailbox")
        call = self.recorded()
        row, = self.box("1001", 1, heard="false")
        self.assertEqual((row["call"], row["mailbox"], row.get("heard")), (call, "1001", None))
        out, own = self.answered()
        self.node.ctl("call.play", call=own, file=f"recording:{call}-{row['number']}")
        self.hears(self.SAID, 30, anew=True)
        self.assertEqual(self.node.ctl("recording.put", name=row["name"], heard="true"), {"name": row["name"], "mailbox": "1001", "heard": True})
        self.box("1001", 1, heard="true")
        self.box("1001", 0, heard="false")
        self.node.ctl("call.record_message", call=own, file="greeting.wav", beep="false", mailbox="1002")
        self.saved()
        self.node.kill()                    # within the greeting
        self.node.restart()
        until(lambda: self.node.ctl("call.show", call=own)["recordings"], self.node.log_tail)
        self.audio_a.start(self.SAID)
        time.sleep(0.8)
        out.bye()
        said, = self.box("1002", 1)
        self.assertEqual((said["call"], self.node.ctl("recording.get", name=said["name"])["cause"]), (own, "message"))
        self.node.ctl("recording.put", name=said["name"], mailbox="1001")
        self.box("1002", 0)
        self.assertEqual([one["name"] for one in self.box("1001", 2)], sorted((row["name"], said["name"]), reverse=True))
        self.assertEqual([one["name"] for one in self.node.ctl("recording.list", mailbox="1001", heard="false", node=said["node"])], [said["name"]])
        self.node.ctl("recording.delete", name=row["name"])
        self.assertEqual([one["name"] for one in self.box("1001", 1)], [said["name"]])
        self.assertEqual([one["name"] for one in self.box("1001", 1, state="deleted")], [row["name"]])


if __name__ == "__main__":
    unittest.main()
