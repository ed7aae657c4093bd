# SPDX-License-Identifier: Apache-2.0
"""Calls that an application answers by command: it plays to the caller and collects keys, over kills of the node: IVR-02, IVR-05.
It gives its caller on, and joins two of them: CALL-23, CALL-26."""
import array
import os
import pathlib
import subprocess
import sys
import time
import unittest
import wave

import numpy

from lib.codec import G726, sine
from lib.srtp import Key

from call_test import CallTest
from music_test import wav
from patience import PATIENCE_S, slowness, until
from server import ServerError
from tandem_client import Client


LONG = 130                      # s
SHARED = True
MAKE = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "prompts", "make.py")


class ApplicationTest(CallTest):
    NUMBER = "1900"

    def setUp(self):
        super().setUp()
        self.node.put_extension(self.NUMBER, "secret1900")
        self.node.ctl("extension.put", number=self.NUMBER, application="ivr")

    def told(self, kind=None):
        """What the application heard."""
        rows = self.node.told("td:{ev:default}:ivr")
        return [row for row in rows if kind in (None, row["type"])]

    def wait_told(self, kind, count=1, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while len(rows := self.told(kind)) < count:
            self.assertLess(time.monotonic(), end, f"{len(rows)} of {count} {kind}: {self.told()}")
            time.sleep(0.02)
        return rows[count - 1]

    def call(self, sdp=None):
        out = self.a.invite(self.NUMBER, self.audio_a.sdp() if sdp is None else sdp)
        out.wait_provisional(180)
        return out, self.wait_told("call.waiting")["call"]

    def answered(self):
        out, call = self.call()
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        return out, call


class Answers(ApplicationTest):
    def test_answered_by_command(self):
        out, call = self.call()
        told = self.told("call.waiting")[0]
        self.assertEqual((told["from"], told["to"]), ("1001", self.NUMBER))
        self.node.ctl("call.answer", call=call)
        out.wait_answer()
        with self.assertRaisesRegex(ServerError, "neither waits for an application"):
            self.node.ctl("call.answer", call=call)
        self.assertEqual(self.node.ctl("call.show", call=call)["state"], "established")
        out.bye()
        record = self.ended()
        self.assertEqual((record["to"], record["sip_status"], record["ended_by"]), (self.NUMBER, "200", "a"))
        self.assertEqual([row["type"] for row in self.told()],
                         ["call.new", "call.ringing", "call.waiting", "call.answered", "call.ended"])
        self.assertNotIn("call.waiting", [row["type"] for row in self.node.events()])

    def test_nobody_answers(self):
        self.node.ctl("extension.put", number=self.NUMBER, application_wait_s="1")
        out, _ = self.call()
        self.assertEqual(out.wait_final().status, 480)
        self.wait_told("call.missed")
        self.node.ctl("extension.put", number=self.NUMBER, forward_no_answer="1002")
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()

    def test_waiting_call_survives_kill(self):
        """The application hears of it again; killed in the moment of the answer it is answered all the same."""
        out, call = self.call()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.wait_told("call.waiting", 2)["call"], call)
        self.node.ctl("call.answer", call=call)
        self.node.kill()
        self.node.restart()
        out.wait_answer()
        self.assertEqual(self.node.ctl("call.show", call=call)["id"], call)
        self.node.ctl("call.hangup", call=call)
        out.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "operator")


class SoundsTest(ApplicationTest):
    GREETING, MENU = 620, 1240
    DIAL, THIRD_OF_INFORMATION = 425, 1800      # of the plan etsi

    def setUp(self):
        super().setUp()
        for name, hertz in (("greeting.wav", self.GREETING), ("menu.wav", self.MENU)):
            wav(os.path.join(self.node.folder, "sounds", "default", name), hertz)

    def hears(self, hertz, packets=20, anew=False):
        self.audio_a.wait_tone(hertz, packets, anew)

    def info(self, dialog, key):
        request = dialog.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(dialog.transact(request).status, 200)

    def silent(self):
        """What was under way has come, and nothing comes any more."""
        def quiet():
            before = len(self.audio_a.packets)
            time.sleep(0.5)
            return len(self.audio_a.packets) == before
        until(quiet, lambda: f"{len(self.audio_a.packets)} packets, and more come")


class FewKeys(SoundsTest):
    settings = {"ivr": {"max_digits": 4}}

    def test_fewer_keys(self):
        """ADM-20: no application asks for more, and who says nothing asks for so many."""
        out, call = self.answered()
        with self.assertRaisesRegex(ServerError, "at most 4: ivr.max_digits"):
            self.node.ctl("call.collect", call=call, max="5")
        self.node.ctl("call.collect", call=call, first_ms="30000", inter_ms="30000")
        for key in "1234":
            self.info(out, key)
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["reason"]), ("1234", "max"))
        out.bye()
        self.ended()


class Plays(SoundsTest):
    def test_play(self):
        """Two files of a second each, one behind the other; then without end, until it is stopped."""
        out, call = self.answered()
        began = time.monotonic()
        order = self.node.ctl("call.play", call=call, file="greeting.wav,menu.wav")["order"]
        self.hears(self.GREETING)
        told = self.wait_told("call.played")
        self.assertEqual((told["call"], int(told["order"]), told["reason"]), (call, order, "end"))
        self.assertGreater(time.monotonic() - began, 1.9)
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU, 70)
        self.node.ctl("call.stop", call=call)
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "stopped")
        self.node.ctl("call.play", call=call, file="none.wav")
        told = self.wait_told("call.played", 3)
        self.assertEqual((told["reason"], told["cause"]), ("failed", "no such file"))
        self.node.ctl("call.collect", call=call, file="none.wav", first_ms="100", tries="2")
        told = self.wait_told("call.collected")
        self.assertEqual((told["reason"], told["cause"]), ("short", "no such file"))
        self.node.ctl("call.collect", call=call, first_ms="100", tries="2")
        told = self.wait_told("call.collected", 2)
        self.assertEqual((told["reason"], told["cause"]), ("short", "fewer digits than min, and no tries are left"))
        with self.assertRaisesRegex(ServerError, "live.endpoints has no endpoint of that name"):
            self.node.ctl("call.stream", call=call, endpoint="none")
        out.bye()
        self.ended()

    def test_play_opus(self):
        """A file as opusenc makes it, to a party that takes PCMU; one that is cut is refused, and the log says where."""
        folder = os.path.join(self.node.folder, "sounds", "default")
        subprocess.run(["opusenc", "--quiet", "menu.wav", "menu.opus"], cwd=folder, check=True)
        with open(os.path.join(folder, "menu.opus"), "rb") as file:
            octets = file.read()
        with open(os.path.join(folder, "cut.opus"), "wb") as file:
            file.write(octets[:-1])
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="cut.opus")
        self.assertEqual(self.wait_told("call.played")["reason"], "failed")
        self.assertRegex(self.node.log_text(), f'file=cut.opus reason="ends within a page" at={len(octets) - 1}')
        self.node.ctl("call.play", call=call, file="menu.opus")
        self.hears(self.MENU, 40)
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "end")
        out.bye()
        self.ended()

    def test_play_survives_kill(self):
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="greeting.wav", times="0")
        self.hears(self.GREETING)
        self.node.kill()
        self.node.restart()
        self.hears(self.GREETING, anew=True)
        out.bye()
        self.assertEqual(self.wait_told("call.played")["reason"], "hangup")

    def test_a_party_that_has_g726_alone(self):
        """The node answers it so, plays a prompt before keys, and goes on so after a kill; the party alone chooses the number."""
        self.audio_a.codec, self.audio_a.pt = G726(), 100
        out, call = self.call(self.audio_a.sdp(codecs=("100 G726-32/8000", "101 telephone-event/8000")))
        self.node.ctl("call.answer", call=call)
        answer = out.wait_answer()
        self.assertIn("m=audio", answer.text)
        self.assertRegex(answer.text, r"RTP/AVP 100 101\r\n")
        self.audio_a.use(answer)
        wav(os.path.join(self.node.folder, "sounds", "default", "long.wav"), self.GREETING, rate=8000, channels=1, seconds=60)
        self.node.ctl("call.collect", call=call, file="long.wav", min="1", max="1")
        self.hears(self.GREETING, 50)
        self.node.kill()
        self.node.restart()
        self.hears(self.GREETING, 50, anew=True)
        self.assertEqual({packet.pt for packet in self.audio_a.packets}, {100})
        self.audio_a.start(440)
        self.audio_a.digit("7")
        told = self.wait_told("call.collected")
        self.assertEqual((told["reason"], told["digits"]), ("max", "7"))
        out.bye()
        self.ended()

    def echo(self, hertz, packets=40):
        """The caller plays a tone, and hears it."""
        self.audio_a.stop()
        self.audio_a.start(hertz)
        self.audio_a.wait_tone(hertz, packets, anew=True)

    def ours(self):
        """One stream, which is not the caller's own, without a number twice."""
        packets = list(self.audio_a.packets)
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        self.assertNotEqual(packets[0].ssrc, self.audio_a.ssrc)
        numbers = [(packet.seq, packet.ts) for packet in packets]
        self.assertEqual(len(set(numbers)), len(numbers))

    def test_echo(self):
        """Behind a greeting the caller hears itself, its keys by RFC 4733 too, over a kill, until it is stopped."""
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="greeting.wav,echo")
        self.hears(self.GREETING)
        self.echo(440)
        self.audio_a.stop()
        self.audio_a.digit("5")
        self.assertEqual(self.audio_a.wait_digits("5"), "5")
        self.echo(880)
        self.ours()
        self.node.kill()
        self.node.restart()
        self.echo(760)
        self.assertEqual(len({packet.ssrc for packet in self.audio_a.packets}), 1)
        self.node.ctl("call.stop", call=call)
        self.assertEqual(self.wait_told("call.played")["reason"], "stopped")
        self.silent()
        self.audio_a.stop()
        out.bye()
        self.ended()

    def test_late_echo(self):
        """A second later, over a kill, until it is stopped; digits are told, and not said."""
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="echo-1000")
        self.audio_a.start(440)
        self.audio_a.wait_packets(1)
        late = []
        for hertz in (880, 600, 1000):          # a busy machine is late itself, and not each time
            began = time.monotonic()
            self.audio_a.stop()
            self.audio_a.start(hertz)
            self.comes(hertz)
            late.append(time.monotonic() - began)
            if abs(late[-1] - 1.0) < 0.45:
                break
        self.assertAlmostEqual(late[-1], 1.0, delta=0.45, msg=f"{late}")
        self.node.kill()
        self.node.restart()
        self.audio_a.stop()
        self.audio_a.start(760)
        self.comes(760)
        self.ours()
        self.node.ctl("call.stop", call=call)
        self.assertEqual(self.wait_told("call.played")["reason"], "stopped")
        self.silent()
        self.node.ctl("call.play", call=call, file="echo-99")
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "failed")
        self.node.ctl("call.play", call=call, file="echo-2000", interruptible="true")
        self.audio_a.digit("7")
        self.assertEqual(self.wait_told("call.played", 3)["reason"], "key")
        self.assertEqual(self.audio_a.digits(), "")
        self.audio_a.stop()
        out.bye()
        self.ended()

    def comes(self, hertz):
        """It is heard by and by."""
        self.audio_a.wait_tone(hertz, 10)

    def test_late_echo_of_srtp(self):
        """Each way under a key of its own, in a codec whose octets the node does not look at."""
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", sdes_insecure="true")
        self.audio_a.key_out = Key()
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="greeting.wav,echo-500")
        self.hears(self.GREETING)
        self.audio_a.start(440)
        self.comes(440)
        self.node.kill()
        self.node.restart()
        self.audio_a.stop()
        self.audio_a.start(880)
        self.comes(880)
        self.assertEqual(self.audio_a.forged, 0)
        self.ours()
        self.audio_a.stop()
        out.bye()
        self.ended()

    def test_echo_of_srtp(self):
        """Each way under a key of its own."""
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", sdes_insecure="true")
        self.audio_a.key_out = Key()
        out, call = self.answered()
        self.assertNotEqual(self.audio_a.key_in.octets, self.audio_a.key_out.octets)
        self.node.ctl("call.play", call=call, file="echo", interruptible="true")
        self.echo(440)
        self.node.kill()
        self.node.restart()
        self.echo(880)
        self.assertEqual(self.audio_a.forged, 0)
        self.audio_a.stop()
        self.audio_a.digit("7")
        self.assertEqual(self.wait_told("call.played")["reason"], "key")
        out.bye()
        self.ended()

    def test_collect(self):
        """Keys by RFC 4733 and by INFO; the first ends the prompt, and the node may be killed between them."""
        out, call = self.answered()
        self.node.ctl("call.collect", call=call, file="menu.wav", min="4", max="8", inter_ms="5000")
        self.hears(self.MENU)
        self.audio_a.start(440)
        self.audio_a.digit("1")
        time.sleep(0.5)                 # keys in the media come when they are over
        self.info(out, "2")
        self.saved()
        self.node.kill()
        self.node.restart()
        self.info(out, "3")
        self.info(out, "4")
        self.info(out, "#")
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["reason"]), ("1234", "terminator"))
        self.assertNotIn("1234", self.node.log_text())
        self.assertNotIn("call.collected", [row["type"] for row in self.node.events()])
        out.bye()

    def test_dial_tone(self):
        """Behind a greeting, until the first key, over a kill; then of another kind by name, until it is stopped."""
        out, call = self.answered()
        self.node.ctl("call.collect", call=call, file="greeting.wav,tone-dial", min="2", max="2", first_ms="30000")
        self.hears(self.GREETING)
        self.hears(self.DIAL, 50)
        self.node.kill()
        self.node.restart()
        self.hears(self.DIAL, 30, anew=True)
        self.ours()
        self.audio_a.start(440)
        self.audio_a.digit("1")
        self.silent()
        self.audio_a.digit("2")
        told = self.wait_told("call.collected")
        self.assertEqual((told["reason"], told["digits"]), ("max", "12"))
        self.node.ctl("call.play", call=call, file="tone-information")
        self.hears(self.THIRD_OF_INFORMATION, 10)
        self.node.ctl("call.stop", call=call)
        self.assertEqual(self.wait_told("call.played")["reason"], "stopped")
        self.silent()
        out.bye()
        self.ended()


class Places(SoundsTest):
    FIRST, SECOND = 500, 900

    def setUp(self):
        super().setUp()
        folder = os.path.join(self.node.folder, "sounds", "default")
        samples = array.array("h", sine(self.FIRST, 8000, 20.0) + sine(self.SECOND, 8000, 20.0))
        with wave.open(os.path.join(folder, "long.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(samples.tobytes())

    def control(self, call, action, ms=0):
        return self.node.ctl("call.play_control", call=call, action=action, ms=str(ms))["play"]

    def test_places(self):
        """Forward, back, paused and over a kill: it goes on about there; a place behind the end is the end."""
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="long.wav")
        self.hears(self.FIRST)
        self.assertGreaterEqual(self.control(call, "forward", 24000)["place_ms"], 24000)
        self.hears(self.SECOND)
        self.control(call, "to", 1000)
        self.hears(self.FIRST, anew=True)
        paused = self.control(call, "pause")
        self.assertTrue(paused["paused"])
        self.assertLess(paused["played_ms"], 20000)     # it was 24 s further on
        self.silent()
        self.assertEqual(self.control(call, "place"), paused)
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.node.ctl("call.show", call=call)["play"], paused)
        self.control(call, "resume")
        self.hears(self.FIRST, anew=True)
        self.control(call, "to", 30000)
        self.hears(self.SECOND)
        self.saved()
        self.node.kill()
        self.node.restart()
        self.hears(self.SECOND, 40, anew=True)
        self.assertGreaterEqual(self.control(call, "place")["place_ms"], 30000)
        self.node.ctl("call.play_control", call=call, action="forward", ms="30000")
        self.assertEqual(self.wait_told("call.played")["reason"], "end")
        with self.assertRaisesRegex(ServerError, "nothing is played"):
            self.control(call, "back", 1)
        out.bye()
        self.ended()


class Prompts(SoundsTest):
    NODE, GERMAN, OWN = 500, 700, 900

    def sound(self, *path):
        return os.path.join(self.node.folder, "sounds", *path)

    def test_languages(self):
        """The node's, then in the tenant's language, then in that of the caller's extension, then the tenant's own."""
        wav(self.sound(".prompts", "hello.wav"), self.NODE)
        wav(self.sound(".prompts", "de", "hello.wav"), self.GERMAN)
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="prompt:hello", times="0")
        self.hears(self.NODE)
        self.node.ctl("tenant.put", name="default", language="de")
        self.node.ctl("call.play", call=call, file="prompt:hello", times="0")
        self.hears(self.GERMAN)
        self.node.ctl("extension.put", number="1001", language="en")
        wav(self.sound("default", "en", "hello.wav"), self.OWN)
        self.node.ctl("call.play", call=call, file="prompt:hello", times="0")
        self.hears(self.OWN)
        with self.assertRaisesRegex(ServerError, "a language has"):
            self.node.ctl("extension.put", number="1001", language="en.us")
        out.bye()
        self.ended()

    def test_spoken(self):
        """Prompts that the script has made, and a number key by key: the caller hears what is in these files."""
        subprocess.run([sys.executable, MAKE, self.sound(), "--languages", "en"], check=True, capture_output=True)
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="prompt:parked,digits:41")
        self.assertEqual(self.wait_told("call.played")["reason"], "end")
        heard = numpy.array(self.audio_a.codec.samples([packet.payload for packet in self.audio_a.audio()]), float)
        for name in ("parked", "digit-4", "digit-1"):
            self.assertGreater(self.likeness(heard, self.sound(".prompts", name + ".wav")), 0.7, name)
        self.assertLess(self.likeness(heard, self.sound(".prompts", "closed.wav")), 0.5)
        out.bye()
        self.ended()

    def test_each_language_says_all(self):
        """A prompt that is there in one language alone would be silence in another. The guide names each. Words of values, behind
        those, are for each language (sig/host/spoken_value.h)."""
        folder = pathlib.Path(MAKE).parent
        names = {path.name: {line.split("=")[0].strip() for line in path.read_text(encoding="utf-8").partition("number:21")[0].splitlines()
                             if "=" in line and not line.startswith("#")}
                 for path in folder.glob("*.txt")}
        guide = (folder.parent.parent / "docs" / "guides" / "prompts.md").read_text(encoding="utf-8")
        self.assertGreater(len(names), 1)
        for language, has in names.items():
            self.assertEqual(has, names["en.txt"], language)
        for name in names["en.txt"] - {"voice"}:
            if not name.startswith("digit-"):
                self.assertIn(f"`{name}`", guide)

    @staticmethod
    def likeness(heard, path):
        """The best correlation of a file with any part of what was heard, at 8 kHz: 1 is the same."""
        with wave.open(path) as file:
            said = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
            rate = file.getframerate()
        said = numpy.interp(numpy.arange(0, len(said) - 1, rate / 8000), numpy.arange(len(said)), said)
        heard = numpy.pad(heard, (0, len(said)))
        size = len(heard) + len(said)
        product = numpy.fft.irfft(numpy.fft.rfft(heard, size) * numpy.conj(numpy.fft.rfft(said, size)), size)[:len(heard)]
        power = numpy.cumsum(numpy.concatenate(([0.0], heard * heard)))
        power = power[len(said):] - power[:-len(said)]
        return float(numpy.max(product[:len(power)] / numpy.sqrt(power * numpy.dot(said, said) + 1)))


class Shares(SoundsTest):
    """Several instances of one application: each call is one's, and another one's when that does not come back (tandem_client.share)."""

    def instance(self, **more):
        client = Client(self.node.redis_socket)
        self.addCleanup(client.close)
        events = client.share("td:{ev:default}:ivr", lease=2 * slowness(), **more)
        self.assertEqual(next(events)["type"], "tick")      # it follows
        return events

    def until_told(self, events, kind):
        for event in events:
            if event["type"] == kind:
                return event
        return None

    def test_slow(self):
        """Who stands still for too long has lost it, and hears so; what came meanwhile is told to the other one."""
        first = self.instance()
        out, call = self.call()
        self.assertEqual(self.until_told(first, "call.waiting")["call"], call)
        second = self.instance(calls=[call])
        end = time.monotonic() + 2
        while time.monotonic() < end:       # both come back in time
            self.assertEqual({event["type"] for event in (next(first), next(second))} - {"tick", "call.waiting"}, set())
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        over = self.until_told(second, "call.taken_over")
        self.assertEqual(over["call"], call)
        self.assertIn("call.answered", [event["type"] for event in over["events"]])
        self.assertEqual(self.until_told(first, "call.lost")["call"], call)
        out.bye()
        self.assertEqual(self.until_told(second, "call.ended")["call"], call)

    def test_redis_restarts(self):
        """What it forgot is taken anew by who has it."""
        events = self.instance()
        out, call = self.call()
        self.assertEqual(self.until_told(events, "call.waiting")["call"], call)
        with self.node.redis() as redis:
            redis("DEL", f"td:{{ev:default}}:ivr:of:{call}")
            until(lambda: next(events) and redis("GET", f"td:{{ev:default}}:ivr:of:{call}"))
        out.cancel()
        self.assertEqual(self.until_told(events, "call.ended")["call"], call)


class ComesBack(SoundsTest):
    """An application that has died, and comes back or does not. Ten of the node's seconds are one of ours."""
    node_options = {"rate": 10}

    def follows(self, after=None, **more):
        client = Client(self.node.redis_socket)
        self.addCleanup(client.close)
        return client.follow("td:{ev:default}:ivr", after=after, **more)

    def listed(self, **more):
        return [(row["id"], row["waits"]) for row in self.node.ctl("call.list", application="ivr", **more)]

    def test_waiting_calls_are_told_again(self):
        """It hears of what came meanwhile: by the list, from the last entry that it had read, and as the call waits still."""
        self.node.ctl("extension.put", number=self.NUMBER, application_wait_s="600")
        out, call = self.call()
        entry = next(self.follows(after="0"))["entry"]
        self.assertEqual(self.listed(), [(call, True)])
        self.assertEqual(self.node.ctl("call.list", application="other"), [])
        self.node.kill()
        self.node.restart()
        self.assertEqual(next(self.follows(seconds=30))["type"], "call.waiting")
        kinds = [event["type"] for event in self.follows(after=entry, seconds=1)]
        self.assertEqual(kinds[:2], ["call.ringing", "call.waiting"])
        self.assertGreater(kinds.count("call.waiting"), 1)
        self.node.ctl("call.answer", call=call)
        self.audio_a.use(out.wait_answer())
        self.assertEqual(self.listed(), [(call, False)])
        events = self.follows(tick=0.3)
        self.assertEqual([next(events)["type"] for _ in range(6)].count("call.waiting"), 0)
        self.assertEqual(next(events)["type"], "tick")
        out.bye()
        self.assertEqual(next(event for event in events if event["type"] != "tick")["type"], "call.ended")
        self.ended()

    def held(self, away="20"):
        out, call = self.call()
        self.node.ctl("call.answer", call=call, away_s=away)
        self.audio_a.use(out.wait_answer())
        return out, call

    def keep(self, call, **how):
        """Once more where Redis was late: then it was done, and a kill may undo it."""
        def done():
            try:
                return self.node.ctl("call.keep", call=call, **how) is not None
            except ServerError as error:
                self.assertIn("uncertain", str(error))
        until(done)

    def test_caller_goes_on_to_somebody(self, kill=False):
        self.node.ctl("extension.put", number=self.NUMBER, forward_no_answer="1009,1002")
        out, call = self.held()
        self.node.ctl("call.play", call=call, file="greeting.wav", times="0")
        if kill:
            self.saved()
            self.node.kill()
            self.node.restart()
        for _ in range(6):      # it is there
            time.sleep(0.5)
            self.keep(call)
        self.assertNotIn("call.transferring", [row["type"] for row in self.told()])
        self.keep(call, away_s="10")
        into = self.b.incoming()
        self.assertIn("sip:1001@", into.request.get("From"))
        self.assertIn(f"sip:{self.NUMBER}@", into.request.get("Diversion"))
        into.ring()
        self.assertEqual(self.wait_told("call.transferring")["call"], call)
        into.answer(self.audio_b.sdp(), ack=False)
        out.wait_reinvite(self.audio_a.sdp(version=2))
        into.wait_ack()
        told = self.wait_told("call.transferred")
        self.assertEqual((told["call"], told["from"], told["to"]), (call, "1001", "1002"))
        self.assertEqual(self.listed(), [])
        self.assertEqual([(row["from"], row["to"]) for row in self.calls()], [("1001", "1002")])
        time.sleep(1.5)
        into.bye()
        out.wait_bye()
        self.ended()
        self.assertEqual([(cdr["to"], cdr["forwarded"], cdr["forwarded_to"]) for cdr in self.node.cdrs()],
                         [(self.NUMBER, "", ""), (self.NUMBER, "no_answer", "1002")])

    def test_caller_goes_on_to_somebody_over_a_kill(self):
        self.test_caller_goes_on_to_somebody(kill=True)

    def test_nobody_is_there(self):
        """Neither the application nor anybody else: the call ends, and not in silence for ever."""
        out, call = self.held("5")
        with self.assertRaisesRegex(ServerError, "no transfer of the call is ringing"):
            self.node.ctl("call.transfer_cancel", call=call)
        out.wait_bye()
        self.assertEqual((self.ended()["ended_by"], self.wait_told("call.ended")["call"]), ("node", call))

    def test_nobody_there_answers(self):
        self.node.ctl("extension.put", number=self.NUMBER, forward_no_answer="1002")
        out, _ = self.held("5")
        into = self.b.incoming()
        into.reject(486, "Busy Here")
        out.wait_bye()
        self.assertEqual(self.wait_told("call.transfer_failed")["sip_status"], "486")
        self.ended()

    def test_it_comes_back_meanwhile(self):
        """While somebody else rings: the caller is the application's again."""
        self.node.ctl("extension.put", number=self.NUMBER, forward_no_answer="1002")
        out, call = self.held("5")
        into = self.b.incoming()
        into.ring()
        self.node.ctl("call.transfer_cancel", call=call)
        into.wait_cancel()
        self.assertEqual(self.wait_told("call.transfer_failed")["sip_status"], "487")
        self.node.ctl("call.keep", call=call, away_s="0")
        time.sleep(1)
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU)
        out.bye()
        self.ended()
        with self.assertRaisesRegex(ServerError, "no such call"):
            self.node.ctl("call.keep", call=call)


class Rings(SoundsTest):
    """For as long as whoever ordered it says, wherever calls go then. Ten of the node's seconds are one of ours."""
    node_options = {"rate": 10}

    def test_a_transfer(self, kill=False):
        """It would ring for 180 s, and then at a third extension."""
        self.node.ctl("extension.put", number="1002", forward_no_answer="1003")
        out, call = self.answered()
        self.node.ctl("call.transfer", call=call, to="1002", ring_s="20")
        into = self.b.incoming()
        into.ring()
        if kill:
            until(lambda: self.calls()[0]["state"] == "ringing", lambda: f"{self.calls()}")
            self.saved()
            self.node.kill()
            self.node.restart()
        began = time.monotonic()
        into.wait_cancel()
        self.assertLess(time.monotonic() - began, 6 * slowness())
        self.assertEqual(self.wait_told("call.transfer_failed")["sip_status"], "408")
        self.assertEqual([row["application"] for row in self.calls()], ["ivr"])
        into = self.rings_longer(call)
        self.node.ctl("call.transfer_cancel", call=call)
        into.wait_cancel()
        self.assertEqual(self.wait_told("call.transfer_failed", 2)["sip_status"], "487")
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU)
        out.bye()
        self.ended()

    def rings_longer(self, call):
        """The one before says nothing of the next one."""
        self.node.ctl("call.transfer", call=call, to="1002")
        into = self.b.incoming()
        into.ring()
        time.sleep(3)
        return into

    def test_a_transfer_over_a_kill(self):
        self.test_a_transfer(kill=True)

    def test_a_call_by_command(self):
        """First the one who is to call, then whom he calls."""
        call = self.node.ctl("call.originate", **{"from": "1001", "to": "1002", "ring_s": "15"})["id"]
        first = self.a.incoming()
        first.ring()
        first.wait_cancel()
        self.assertEqual(self.ended()["sip_status"], "408")
        call = self.node.ctl("call.originate", **{"from": "1001", "to": "1002", "ring_s": "15"})["id"]
        first = self.a.incoming()
        time.sleep(1)
        first.answer(self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        began = time.monotonic()
        into.wait_cancel()
        self.assertGreater(time.monotonic() - began, 1.2, "each has its time")
        first.wait_bye()
        until(lambda: len(self.node.cdrs()) == 2, lambda: f"{self.node.cdrs()}")
        self.assertEqual(self.node.cdrs()[1]["id"], call)

    def test_who_speaks_is_named(self):
        """A transfer that rings is sent on."""
        self.node.put_extension("1003", "secret1003")
        with self.node.user_agent("1003", "secret1003") as third:
            self.assertEqual(third.register().status, 200)
            out, call = self.answered()
            self.node.ctl("call.transfer", call=call, to="1002")
            into = self.b.incoming()
            into.ring()
            self.node.ctl("call.deflect", call=call, to="1003")
            into.wait_cancel()
            into = third.incoming()
            into.answer(self.audio_b.sdp(), ack=False)
            out.wait_reinvite(self.audio_a.sdp(version=2))
            into.wait_ack()
            self.assertEqual([self.wait_told(kind)["to"] for kind in ("call.forwarded", "call.transferred")], ["1003", "1003"])
            self.assertEqual([(row["from"], row["to"]) for row in self.calls()], [("1001", "1003")])
            out.bye()
            into.wait_bye()
            self.ended()
        self.assertEqual([(cdr["to"], cdr["forwarded_to"]) for cdr in self.node.cdrs()], [(self.NUMBER, ""), ("1002", "1003")])


class GivesOn(SoundsTest):
    """To an extension, or to another caller."""
    TALK_A, TALK_B = 440, 880

    def crosses(self):
        """Each hears the other."""
        for end, hertz in ((self.audio_a, self.TALK_B), (self.audio_b, self.TALK_A)):
            since = time.monotonic()
            end.wait_packets(40, since=since)
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)

    def rung(self, call):
        self.node.ctl("call.transfer", call=call, to="1002")
        into = self.b.incoming()
        self.assertIn("sip:1001@", into.request.get("From"))
        into.ring()
        return into

    def test_to_an_extension(self, kill=False):
        out, call = self.answered()
        self.node.ctl("call.play", call=call, file="greeting.wav", times="0")
        self.hears(self.GREETING)
        into = self.rung(call)
        self.assertEqual(self.wait_told("call.played")["reason"], "stopped")
        if kill:
            self.node.kill()
            self.node.restart()
        into.answer(self.audio_b.sdp(), ack=False)
        out.wait_reinvite(self.audio_a.sdp(version=2))
        into.wait_ack()
        self.audio_b.use(into.request).start(self.TALK_B)
        self.audio_a.start(self.TALK_A)
        self.crosses()
        into.bye()
        out.wait_bye()
        self.ended()
        self.assertEqual([(cdr["from"], cdr["to"], cdr["sip_status"], cdr["cause"]) for cdr in self.node.cdrs()],
                         [("1001", self.NUMBER, "200", "transferred"), ("1001", "1002", "200", "hung up")])

    def split(self, call):
        """None: not yet, a change of the session is under way."""
        try:
            return self.node.ctl("call.split", call=call)["id"]
        except ServerError as error:
            self.assertIn("try again", str(error))
            return None

    def test_tag_goes_with_the_caller(self):
        """IVR-02: what was typed is the call's, over a kill, a transfer and a split; three digits of four are asked for again."""
        out, call = self.answered()
        self.node.ctl("call.collect", call=call, file="menu.wav", min="4", max="8", tag="Case.CaseNumber", tries="2")
        for key in "123#":
            self.info(out, key)
        self.hears(self.MENU, anew=True)
        for key in "1234#":
            self.info(out, key)
        data = "Case.CaseNumber=1234"
        told = self.wait_told("call.collected")
        self.assertEqual((told["digits"], told["data"]), ("1234", data))
        self.saved()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.node.ctl("call.show", call=call)["data"], data)
        self.node.ctl("tenant.put", name="default", user_to_user="true")
        into = self.rung(call)
        self.assertEqual(into.request.get("User-to-User"), data.encode().hex() + ";encoding=hex")
        into.answer(self.audio_b.sdp(), ack=False)
        out.wait_reinvite(self.audio_a.sdp(version=2))
        into.wait_ack()
        until(lambda: [event for event in self.node.events() if event["type"] == "call.transferred"], lambda: f"{self.node.events()}")
        self.assertEqual({event["data"] for event in self.node.events() if event["type"] == "call.transferred"}, {data})
        other = until(lambda: self.split(call))
        self.assertEqual(self.node.ctl("call.show", call=other)["data"], data)
        out.bye()
        into.bye()
        until(lambda: len(self.node.cdrs()) == 4, lambda: f"{self.node.cdrs()}")
        self.assertEqual({cdr["data"] for cdr in self.node.cdrs()}, {data})
        with self.assertRaisesRegex(ServerError, "TAB.FIELD"):
            self.node.ctl("call.collect", call=call, tag="CaseNumber")

    def test_to_an_extension_over_a_kill(self):
        self.test_to_an_extension(kill=True)

    def test_nobody_takes_it(self, kill=False):
        """The application has its caller again, and plays something."""
        out, call = self.answered()
        into = self.rung(call)
        if kill:
            self.node.kill()
            self.node.restart()
        into.reject(486, "Busy Here")
        told = self.wait_told("call.transfer_failed")
        self.assertEqual((told["call"], told["sip_status"]), (call, "486"))
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU)
        out.bye()
        self.ended()

    def test_nobody_takes_it_over_a_kill(self):
        self.test_nobody_takes_it(kill=True)

    def test_to_another_application(self):
        """It rings for the caller, and answers: the caller has no other party again."""
        self.node.put_extension("1901", "secret1901")
        self.node.ctl("extension.put", number="1901", application="ivr")
        out, call = self.answered()
        self.node.ctl("call.transfer", call=call, to="1901")
        self.assertEqual(self.wait_told("call.waiting", 2)["to"], "1901")
        self.node.ctl("call.answer", call=call)
        self.node.ctl("call.play", call=call, file="menu.wav", times="0")
        self.hears(self.MENU)
        out.bye()
        self.ended()

    def join(self, kill=False):
        out, call = self.answered()
        second = self.b.invite(self.NUMBER, self.audio_b.sdp())
        second.wait_provisional(180)
        other = self.wait_told("call.waiting", 2)["call"]
        self.node.ctl("call.answer", call=other)
        self.node.ctl("call.play", call=other, file="menu.wav", times="0")
        self.node.ctl("call.join", **{"call": call, "with": other})
        if kill:
            self.node.kill()
            self.node.restart()
        self.audio_b.use(second.wait_answer())
        self.audio_a.start(self.TALK_A)
        self.audio_b.start(self.TALK_B)
        self.crosses()
        self.assertEqual([row["id"] for row in self.calls()], [call])
        self.assertEqual(self.wait_told("call.transferred")["call"], call)
        self.assertEqual(self.wait_told("call.ended")["call"], other)
        with self.assertRaisesRegex(ServerError, "the call has no party that tandem alone has answered"):
            self.node.ctl("call.play", call=call, file="menu.wav")
        out.bye()
        second.wait_bye()
        self.ended()
        talk = [(cdr["from"], cdr["to"], cdr["cause"]) for cdr in self.node.cdrs()]
        self.assertEqual(sorted(talk), [("1001", "1002", "hung up"), ("1001", self.NUMBER, "transferred"),
                                        ("1002", self.NUMBER, "transferred")])

    def test_two_callers_are_joined(self):
        self.join()

    def test_two_callers_are_joined_over_a_kill(self):
        self.join(kill=True)


if __name__ == "__main__":
    unittest.main()
