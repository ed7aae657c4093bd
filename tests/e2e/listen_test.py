# SPDX-License-Identifier: Apache-2.0
"""An application hears a party that speaks with another one: both directions, beside a recording, over a kill -9 of the node; who does not
read is told, and the call does not feel it."""
import array
import os
import time
import unittest

import record_test
import tone

from lib.live import Application
from music_test import MUSIC, MusicTest, TALK_A, TALK_B, wav
from patience import slowness, until
from server import ServerError
from tandem_client import Client

RATE = 16000


class Listens(MusicTest):
    def setUp(self):
        self.application = Application()
        self.addCleanup(self.application.close)
        url = f"ws://127.0.0.1:{self.application.port}/sound"
        endpoints = [{"name": "ears", "url": url, "rate": RATE}, {"name": "narrow", "url": url, "format": "ulaw"},
                     {"name": "dead", "url": "ws://127.0.0.1:9/x"}]
        self.settings = {"live": {"plain": True, "connect_timeout": "20s", "endpoints": endpoints}}
        super().setUp()
        self.node.ctl("extension.put", number="1001", record="on_demand")

    def stream(self, endpoint="ears", **arguments):
        return self.node.ctl("call.stream", call=self.call_id(), endpoint=endpoint, **arguments)["order"]

    def channel(self, stream, number, channels, since=0.0):
        """The last 400 ms of it."""
        octets = b"".join(payload for at, payload in list(stream.frames)[-20:] if at >= since)
        samples = array.array("h", octets)
        return samples[number::channels] if len(samples) == 20 * RATE // 50 * channels else array.array("h")

    def tells(self, stream, *hertz, since=0.0):
        """Each channel has its tone, one frame behind the other."""
        def found():
            heard = [self.channel(stream, number, len(hertz), since) for number in range(len(hertz))]
            return all(samples and tone.share(samples, RATE, want) > 0.9 for samples, want in zip(heard, hertz))
        until(found, lambda: f"no {hertz} in {len(stream.frames)} frames of {stream.events}")

    def told(self, kind, count=1):
        rows = []

        def found():
            rows[:] = [row for row in self.node.events() if row["type"] == kind]
            return len(rows) >= count
        until(found, lambda: f"{count} {kind}: {rows}")
        return rows[count - 1]

    def test_both_sides(self):
        """Beside a recording; the next process goes on with both."""
        out, into = self.talk()
        order = self.stream(leg="a")
        stream = self.application.wait_stream()
        start = stream.told("start")[0]
        self.assertEqual([start[name] for name in ("call", "leg", "rate", "channels", "tracks", "listens", "resumed")],
                         [self.call_id(), "a", RATE, 2, ["said", "heard"], True, False])
        self.tells(stream, TALK_A, TALK_B)
        told = self.told("call.stream_started")
        self.assertEqual((told["leg"], told["endpoint"], int(told["order"])), ("a", "ears", order))
        self.node.ctl("call.record", call=self.call_id(), leg="a", state="on")
        stream.say(b"\x40\x1f" * 16000)     # nobody hears it
        time.sleep(1)
        self.talks()
        self.saved()
        self.node.kill()
        self.node.restart()
        again = self.application.wait_stream(2)
        self.assertTrue(again.told("start")[0]["resumed"])
        self.tells(again, TALK_A, TALK_B)
        self.talks()
        self.node.ctl("call.stop", call=self.call_id(), leg="a")
        self.assertEqual(again.wait_told("stop")["reason"], "stopped")
        self.assertEqual(self.told("call.stream_ended")["reason"], "stopped")
        with self.assertRaisesRegex(ServerError, "no application has a media stream of this party"):
            self.node.ctl("call.stop", call=self.call_id(), leg="a")
        self.recorded(out, into)

    def recorded(self, out, into):
        self.ends(out, into)
        files = record_test.Recorded.finished(self, 2)
        for path in files:
            left, right = record_test.sides(path)
            self.assertGreater(min(record_test.has(left, TALK_A), record_test.has(right, TALK_B)), 0)

    def files(self):
        return record_test.Recorded.files(self)

    def test_one_side(self):
        """What a party says or hears alone; another one in place of it; a pause of the recording is one for it, too."""
        out, into = self.talk()
        self.stream(leg="b", hear="said")
        stream = self.application.wait_stream()
        self.assertEqual((stream.told("start")[0]["leg"], stream.told("start")[0]["tracks"]), ("b", ["said"]))
        self.tells(stream, TALK_B)
        self.stream(leg="a", hear="heard", endpoint="narrow")
        self.assertEqual(self.told("call.stream_ended")["reason"], "stopped")
        stream.wait_told("stop")
        narrow = self.application.wait_stream(2)
        self.assertEqual(narrow.told("start")[0]["tracks"], ["heard"])
        until(lambda: len(narrow.frames) > 10, lambda: "no frames")
        self.assertEqual({len(octets) for _, octets in narrow.frames}, {160})
        narrow.order("stop")
        self.assertEqual(self.told("call.stream_ended", 2)["reason"], "end")
        self.stream(leg="a", hear="said")
        third = self.application.wait_stream(3)
        self.tells(third, TALK_A)
        self.node.ctl("call.record", call=self.call_id(), leg="a", state="on")
        self.node.ctl("call.record", call=self.call_id(), leg="a", state="pause")
        until(lambda: not any(self.channel(third, 0, 1, time.monotonic() - 1)[-RATE // 5:]), lambda: "what is paused is told")
        self.node.ctl("call.record", call=self.call_id(), leg="a", state="resume")
        self.tells(third, TALK_A)
        self.ends(out, into)
        self.assertEqual(self.told("call.stream_ended", 3)["reason"], "hangup")
        until(lambda: self.node.metric("tandem_live_streams") == 0, lambda: "a stream is left")

    def test_slow_and_dead(self):
        """An application that does not read is told what it missed, and the two speak on; one that is not there has failed."""
        out, into = self.talk()
        self.stream(leg="a")
        stream = self.application.wait_stream()
        self.tells(stream, TALK_A, TALK_B)
        began = time.monotonic()
        stream.reads.clear()
        until(lambda: self.node.metric("tandem_live_frames_missed_total") > 0, lambda: "nothing is missed")
        stream.reads.set()
        self.assertGreater(stream.wait_told("missed")["frames"], 0)
        self.tells(stream, TALK_A, TALK_B, since=time.monotonic())
        self.assertLess(max(self.audio_a.gap(began), self.audio_b.gap(began)), slowness())
        with self.assertRaisesRegex(ServerError, "live.endpoints has no endpoint of that name for this tenant"):
            self.stream(leg="a", endpoint="none")
        self.settings["live"]["connect_timeout"] = "1s"
        self.reload(self.media)
        self.stream(leg="a", endpoint="dead")
        self.assertIn("was not reached", self.told("call.stream_failed")["reason"])
        self.ends(out, into)

    def test_of_a_flow(self):
        """It hears what the caller says, and what is played to him, through the verbs that follow, over a kill."""
        path = os.path.join(self.node.folder, "played.wav")
        wav(path, MUSIC, rate=8000, channels=1, seconds=2)
        self.node.tandemctl("prompt.put", name="played", file=path)
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("flow.put", name="main", program=[
                {"stream": {"endpoint": "ears", "hear": "both"}}, {"play": {"prompt": "played", "loop": 100}}])
            client.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.start(TALK_A)
        stream = self.application.wait_stream()
        self.assertEqual([stream.told("start")[0][name] for name in ("leg", "tracks", "listens")], ["a", ["said", "heard"], True])
        self.tells(stream, TALK_A, MUSIC)
        self.node.kill()
        self.node.restart()
        again = self.application.wait_stream(2)
        self.assertTrue(again.told("start")[0]["resumed"])
        self.tells(again, TALK_A, MUSIC)
        out.bye()
        self.assertEqual(self.told("call.stream_ended")["reason"], "hangup")


if __name__ == "__main__":
    unittest.main()
