# SPDX-License-Identifier: Apache-2.0
"""What all in a conference hear beside each other, what is recorded of it, and an application in it: by what each of them hears, by the files,
and over kills of the node (CONF-17)."""
import array
import glob
import json
import os
import sys
import time
import wave

import tone

from lib.live import Application
from conference_test import HERTZ, ConferenceTest
from live_test import RATE, sine
from music_test import MUSIC, wav
from patience import until
from server import ServerError

ENTRY = (660, 880)
RECORD_TONE = 1400
MISSING_MOST_S = 1.5                # as record_test.py


class PartsTest(ConferenceTest):
    recordings = {}

    def setUp(self):
        self.settings = {**self.settings, "recordings": self.recordings}
        super().setUp()

    def listens(self, number, called="700"):
        """It calls a room, and says silence: who was never heard is sent little."""
        audio = self.end()
        out = self.agents[number].invite(called, audio.sdp())
        audio.use(out.wait_answer())
        self.audio[number], self.dialogs[number] = audio, out
        audio.start(frames=audio.codec.coded([0] * (audio.codec.rate // 50)) * 1)

    def heard(self, number, since=0.0):
        audio = self.audio[number]
        return audio.codec.samples([packet.payload for packet in audio.audio() if packet.pt == audio.pt and packet.at >= since])

    def loud(self, number, hertz, ms=200, since=0.0):
        """The largest share of that frequency in any so long stretch of what it heard."""
        pcm, rate = self.heard(number, since), self.audio[number].codec.rate
        n = rate * ms // 1000
        return max((round(tone.share(pcm[at:at + n], rate, hertz), 2) for at in range(0, len(pcm) - n + 1, n // 4)
                    if any(abs(sample) > 200 for sample in pcm[at:at + n])), default=0)

    def hears_tone(self, number, hertz, since=0.0, ms=100, share=0.7):
        until(lambda: self.loud(number, hertz, ms, since) > share,
              lambda: f"{number} hears {hertz} Hz by {self.loud(number, hertz, ms, since)}\n{self.node.log_tail()}")

    def files(self):
        return sorted(glob.glob(f"{self.node.folder}/recordings/**/*.wav", recursive=True))

    def finished(self, count):
        until(lambda: sum(os.path.exists(path + ".json") for path in self.files()) == count,
              lambda: f"{self.files()}\n{self.node.log_tail()}")
        return self.files()

    def has(self, path, hertz):
        """For how many tenths of a second that frequency is in a file, beside others."""
        with wave.open(path) as file:
            self.assertEqual((file.getnchannels(), file.getsampwidth(), file.getframerate()), (1, 2, 16000))
            pcm = array.array("h", file.readframes(file.getnframes()))
        return sum(1 for at in range(0, len(pcm) - 1600, 1600) if tone.share(pcm[at:at + 1600], 16000, hertz) > 0.1)

    def facts(self, path):
        with open(path + ".json", encoding="utf-8") as file:
            return json.load(file)


class Sounds(PartsTest):
    def test_tones(self):
        """Who is there hears a rising tone when somebody comes, and a falling one when he leaves; nobody does where the room says so."""
        self.node.ctl("room.put", number="700")
        self.listens("1001")
        self.listens("1002")
        for hertz in ENTRY:
            self.hears_tone("1001", hertz)
        time.sleep(1)
        since = time.monotonic()
        self.hangs_up("1002")
        for hertz in ENTRY:
            self.hears_tone("1001", hertz, since)
        self.hangs_up("1001")
        until(lambda: not self.node.ctl("conference.list"), lambda: "it is over")
        self.node.ctl("room.put", number="700", entry_tone="none", exit_tone="none")
        self.listens("1001")
        since = time.monotonic()
        self.listens("1002")
        time.sleep(1)
        self.assertEqual(self.loud("1001", ENTRY[0], 100, since), 0)

    def test_play_over_a_kill(self):
        """A file for all, beside who speaks, also where nobody does; it goes on behind a kill, and is stopped."""
        self.node.ctl("room.put", number="700", entry_tone="none", exit_tone="none")
        wav(self.node.folder + "/sounds/default/jingle.wav", MUSIC, seconds=2)
        self.listens("1002")
        room = self.members("1002") and self.only()["id"]
        self.node.ctl("conference.play", conference=room, file="jingle.wav", times=0)
        self.hears_tone("1002", MUSIC)
        self.dials("1001", "700")
        self.hears("1002", "1001", music=True)
        self.hears("1001", music=True)
        self.members("1001", "1002")
        self.restart()
        self.hears("1002", "1001", music=True)
        self.hears("1001", music=True)
        self.assertEqual(self.only()["plays"], "jingle.wav")
        self.node.ctl("conference.stop", conference=room, what="play")
        self.hears("1002", "1001")
        until(lambda: self.told("conference.played"), lambda: self.node.events())
        self.assertEqual([event["reason"] for event in self.told("conference.played")], ["stopped"])
        self.node.ctl("conference.play", conference=room, file="nothing")
        until(lambda: len(self.told("conference.played")) == 2, lambda: self.node.events())
        self.assertEqual(self.told("conference.played")[1]["reason"], "failed")


class Recorded(PartsTest):
    recordings = {"tone": "15s"}

    def test_all_talkers_over_a_kill(self):
        """From the second member on; each segment has all who talk, and says who was there. All hear the tone, and no file has it."""
        self.node.ctl("room.put", number="700", talkers=3, record="auto", entry_tone="none", exit_tone="none")
        self.dials("1001", "700")
        time.sleep(0.5)
        self.assertEqual(self.files(), [])
        self.dials("1002", "700")
        begun = time.monotonic()
        for number in ("1001", "1002"):
            self.hears_tone(number, RECORD_TONE, share=0.3)
        self.dials("1003", "700")
        self.all_hear("1001", "1002", "1003")
        self.members("1001", "1002", "1003")
        room = self.only()
        self.assertEqual((room["recording"], room["recording_paused"]), (1, False))
        time.sleep(3)
        self.node.kill()
        lived = time.monotonic() - begun
        self.node.restart()
        self.all_hear("1001", "1002", "1003")
        time.sleep(3)
        for number in ("1001", "1002", "1003"):
            self.hangs_up(number)
        paths = self.finished(2)
        self.assertEqual([os.path.basename(path) for path in paths], [f"{room['id']}-1.{segment}.wav" for segment in (1, 2)])
        first, second = map(self.facts, paths)
        for path in paths:
            for hertz in [HERTZ[number] for number in ("1001", "1002", "1003")]:
                self.assertGreater(self.has(path, hertz), 10, (path, hertz))
            self.assertLess(self.has(path, RECORD_TONE), 2, path)
        self.assertGreater(first["duration_ms"] / 1000, lived - MISSING_MOST_S)
        print(f"# missing of a mix that kill -9 cut: {lived - first['duration_ms'] / 1000:.3f} s", file=sys.stderr)
        self.assertEqual((first["to"], first["cause"], first["conference"], first["channels"], first["interrupted"]),
                         ("700", "policy", room["id"], 1, True))
        self.assertEqual({row["from"] for row in second["members"]}, {"1001", "1002", "1003"})
        self.assertEqual([row["from"] for row in second["members"] if "left_utc_ms" not in row], [])
        self.assertEqual((second["last"], second["member_count"]), (True, 3))
        until(lambda: len(self.node.ctl("recording.list", party="700")) == 2, lambda: self.node.ctl("recording.list"))

    def test_by_command(self):
        """On demand: paused and ended by a command, and refused where the room is not to be recorded."""
        self.node.ctl("room.put", number="700", talkers=3, record="on_demand", entry_tone="none", exit_tone="none")
        self.dials("1001", "700")
        self.dials("1002", "700")
        self.all_hear("1001", "1002")
        room = self.members("1001", "1002") and self.only()["id"]
        self.node.ctl("conference.record", conference=room, state="on")
        time.sleep(1.5)
        self.node.ctl("conference.record", conference=room, state="pause")
        self.dials("1003", "700")
        self.all_hear("1001", "1002", "1003")
        self.hangs_up("1003")
        self.all_hear("1001", "1002")
        time.sleep(0.5)
        self.node.ctl("conference.record", conference=room, state="resume")
        time.sleep(1.5)
        self.node.ctl("conference.record", conference=room, state="off")
        path, = self.finished(1)
        for number in ("1001", "1002"):
            self.assertGreater(self.has(path, HERTZ[number]), 8)
        self.assertLess(self.has(path, HERTZ["1003"]), 2)
        self.assertEqual(self.facts(path)["cause"], "command")
        self.assertEqual([event["type"].rpartition(".")[2] for event in self.node.events() if "conference.recording" in event["type"]],
                         ["recording", "recording_paused", "recording_resumed", "recording_ended"])
        self.node.ctl("room.put", number="701")
        self.dials("1004", "701")
        until(lambda: len(self.node.ctl("conference.list")) == 2, lambda: "two rooms")
        other, = [row["id"] for row in self.node.ctl("conference.list") if row["number"] == "701"]
        with self.assertRaisesRegex(ServerError, "not_allowed"):
            self.node.ctl("conference.record", conference=other, state="on")


class Streamed(PartsTest):
    def setUp(self):
        self.application = Application(lambda stream, octets: None)
        self.addCleanup(self.application.close)
        self.settings = {**self.settings, "live": {"plain": True, "connect_timeout": "20s", "endpoints": [
            {"name": "bot", "url": f"ws://127.0.0.1:{self.application.port}/sound", "rate": RATE}]}}
        super().setUp()

    def application_hears(self, stream, *numbers):
        def shares():
            octets = b"".join(payload for _, payload in list(stream.frames)[-40:])
            pcm = array.array("h", octets)
            return {hertz: round(tone.share(pcm, RATE, hertz), 2) for hertz in [*HERTZ.values(), MUSIC]} if len(pcm) == 40 * RATE // 50 else {}
        wanted = {HERTZ[number] for number in numbers}
        until(lambda: {hertz for hertz, share in shares().items() if share > 0.1} == wanted, lambda: f"{shares()}, and should {wanted}")

    def test_into_a_call_of_two(self):
        """An application comes to two who speak: it hears both, and both hear it, also behind a kill; then they have their call again."""
        call, _ = self.talk("1001", "1002")
        for named in ({}, {"to": "1003", "endpoint": "bot"}, {"endpoint": "none"}):
            with self.assertRaisesRegex(ServerError, "not_found" if named.get("endpoint") == "none" else "bad_argument"):
                self.node.ctl("conference.add", call=call, leg="a", **named)
        room = self.node.ctl("conference.add", call=call, leg="a", endpoint="bot")["id"]
        stream = self.application.wait_stream()
        self.application_hears(stream, "1001", "1002")
        stream.say(sine(MUSIC, 8000))
        self.hears("1001", "1002", music=True)
        self.hears("1002", "1001", music=True)
        self.assertEqual((self.only()["id"], self.only()["stream"]), (room, "bot"))
        self.members("1001", "1002")
        self.restart()
        again = self.application.wait_stream(2)
        self.application_hears(again, "1001", "1002")
        again.order("stop")
        until(lambda: not self.node.ctl("conference.list") and len(self.node.ctl("call.list")) == 1, lambda: self.node.ctl("call.list"))
        self.all_hear("1001", "1002")

    def test_hears_and_speaks(self):
        """An application hears all and not itself, and all hear it, also behind a kill; then it has enough."""
        self.node.ctl("room.put", number="700", entry_tone="none", exit_tone="none")
        self.dials("1001", "700")
        self.dials("1002", "700")
        self.all_hear("1001", "1002")
        room = self.members("1001", "1002") and self.only()["id"]
        self.node.ctl("conference.stream", conference=room, endpoint="bot")
        stream = self.application.wait_stream()
        start = stream.told("start")[0]
        self.assertEqual((start["call"], start["listens"], start["channels"]), (room, False, 1))
        self.application_hears(stream, "1001", "1002")
        stream.say(sine(MUSIC, 8000))
        self.hears("1001", "1002", music=True)
        self.hears("1002", "1001", music=True)
        self.application_hears(stream, "1001", "1002")
        self.members("1001", "1002")
        self.restart()
        again = self.application.wait_stream(2)
        self.assertTrue(again.told("start")[0]["resumed"])
        self.application_hears(again, "1001", "1002")
        again.order("stop")
        until(lambda: self.told("conference.stream_ended"), lambda: self.node.events())
        event, = self.told("conference.stream_ended")
        self.assertEqual((event["reason"], event["endpoint"], event["conference"]), ("end", "bot", room))
        self.all_hear("1001", "1002")
        until(lambda: self.node.metric("tandem_live_streams") == 0, lambda: "a stream is left")
