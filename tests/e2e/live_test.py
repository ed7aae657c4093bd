# SPDX-License-Identifier: Apache-2.0
"""Live sound: an application hears a caller and speaks to it over a WebSocket that the node opens."""
import array
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from lib import ROOT
from lib.answers import Answers, proxies
from lib.authority import Authority
from lib.live import Application

import tone
from application_test import ApplicationTest
from patience import slowness, until
from server import ServerError

RATE = 16000


def sine(hertz, ms, rate=RATE):
    return array.array("h", (int(8000 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(rate * ms // 1000))).tobytes()


class LiveTest(ApplicationTest):
    def setUp(self):
        self.application = Application(self.heard)
        self.addCleanup(self.application.close)
        self.settings = {"live": {"plain": True, "connect_timeout": "20s", "endpoints": [self.endpoint("bot")], **self.more()}}
        super().setUp()

    def more(self):
        """Settings beside those."""
        return {}

    def endpoint(self, name, **more):
        return {"name": name, "url": f"ws://127.0.0.1:{self.application.port}/sound", "rate": RATE, **more}

    def heard(self, stream, octets):
        """By default nothing is said."""

    def streamed(self):
        out, call = self.answered()
        order = self.node.ctl("call.stream", call=call, endpoint="bot")["order"]
        return out, call, order

    def hears(self, stream, hertz, since=0.0, rate=RATE):
        """The application hears the caller's tone: 400 ms of it, one frame behind the other."""
        def found():
            octets = b"".join(payload for at, payload in list(stream.frames)[-20:] if at >= since)
            return len(octets) == 20 * rate // 50 * 2 and tone.share(array.array("h", octets), rate, hertz) > 0.9
        until(found, lambda: f"no {hertz} Hz in {len(stream.frames)} frames")


class Hears(LiveTest):
    def test_said_and_heard(self):
        """The caller's tone is with the application, the application's with the caller, over a kill -9 and a lost connection."""
        out, call, order = self.streamed()
        stream = self.application.wait_stream()
        start = stream.told("start")[0]
        self.assertEqual((start["call"], start["tenant"], start["format"], start["rate"], start["resumed"]),
                         (call, "default", "l16", RATE, False))
        self.assertEqual(stream.path, "/sound")
        self.audio_a.start(440)
        self.hears(stream, 440)
        stream.say(sine(620, 600))
        stream.order("mark", name="said")
        self.audio_a.wait_tone(620, 20)
        stream.wait_told("mark")
        self.assertLess(self.audio_a.gap(), 5 * slowness())
        self.application.drop()
        again = self.application.wait_stream(2)
        self.assertTrue(again.told("start")[0]["resumed"])
        self.assertGreater(again.wait_told("missed")["frames"], 0)
        self.hears(again, 440)
        self.saved()
        self.node.kill()
        self.node.restart()
        third = self.application.wait_stream(3)
        self.assertEqual((third.told("start")[0]["call"], third.told("start")[0]["resumed"]), (call, True))
        self.hears(third, 440)
        third.say(sine(880, 600))
        self.audio_a.wait_tone(880, 20)
        self.audio_a.stop()
        self.audio_a.digit("7")
        self.assertEqual(third.wait_told("dtmf")["digit"], "7")
        self.node.ctl("call.stop", call=call)
        third.wait_told("stop")
        told = self.wait_told("call.played")
        self.assertEqual((told["reason"], int(told["order"])), ("stopped", order))
        until(lambda: self.node.metric("tandem_live_streams") == 0, lambda: "a stream is left")
        out.bye()
        self.ended()

    def test_clear_and_end(self):
        """What was cleared is not said, its mark is told at once; the application ends the stream, and another order may follow."""
        out, call, _ = self.streamed()
        stream = self.application.wait_stream()
        stream.say(sine(620, 10000))
        stream.order("mark", name="long")
        self.audio_a.wait_tone(620, 20)
        stream.order("clear")
        stream.say(sine(880, 600))
        self.audio_a.wait_tone(880, 20)
        self.assertEqual(stream.wait_told("mark")["name"], "long")
        stream.order("stop")
        self.assertEqual(self.wait_told("call.played")["reason"], "end")
        self.node.ctl("call.stream", call=call, endpoint="bot")
        self.application.wait_stream(2)
        out.bye()
        self.assertEqual(self.wait_told("call.played", 2)["reason"], "hangup")
        self.ended()

    def test_no_reset(self):
        """Whoever ends the stream, the program that speaks on until it has read Close, and answers it, sees no reset (RFC 6455 7.1.1)."""
        def ended(count):
            stream = self.application.streams[count - 1]
            until(lambda: stream.end, lambda: f"{stream.events}")
            self.assertEqual((stream.end, stream.close_code), ("closed", 1000))
        out, call, _ = self.streamed()
        for count, how in enumerate(("stop", "order", "shut", "hangup"), 1):
            if count > 1:
                self.node.ctl("call.stream", call=call, endpoint="bot")
            stream = self.application.wait_stream(count)
            stream.lingers = 0.4
            stream.say(sine(620, 3000))
            if how == "stop":
                stream.order("stop")
            elif how == "order":
                self.node.ctl("call.stop", call=call)
            elif how == "shut":
                self.node.ctl("call.play", call=call, file="menu.wav")
            else:
                out.bye()
            with self.subTest(how):
                ended(count)
        self.ended()

    def test_the_node_stops(self):
        """The program is told so, and is connected again by the next process."""
        out, _, _ = self.streamed()
        stream = self.application.wait_stream()
        stream.lingers = 0.4
        self.node.stop()
        until(lambda: stream.end, lambda: f"{stream.events}")
        self.assertEqual((stream.end, stream.close_code), ("closed", 1001))
        self.node.restart()
        self.application.wait_stream(2)
        out.bye()
        self.ended()

    def test_silent_behind_close(self):
        """Nobody answers Close: the node ends the connection a second later, and does not read on."""
        out, call, _ = self.streamed()
        stream = self.application.wait_stream()
        stream.lingers = 60
        self.node.ctl("call.stop", call=call)
        began = time.monotonic()
        until(lambda: stream.end, lambda: f"{stream.events}")
        self.assertLess(time.monotonic() - began, 3 * slowness())
        out.bye()
        self.ended()

    def test_slow(self):
        """An application that does not read loses what it does not read, and is told; the call goes on without a gap."""
        out, call, _ = self.streamed()
        stream = self.application.wait_stream()
        self.audio_a.start(440)
        self.hears(stream, 440)
        said = sine(620, 12000)
        for at in range(0, len(said), 6400):
            stream.say(said[at:at + 6400])
        self.audio_a.wait_tone(620, 20)
        began = time.monotonic()
        stream.reads.clear()
        until(lambda: self.node.metric("tandem_live_frames_missed_total") > 0, lambda: "nothing is missed")
        stream.reads.set()
        missed = stream.wait_told("missed")
        self.assertEqual(missed["ms"], 20 * missed["frames"])
        self.assertLess(self.audio_a.gap(began), slowness())
        self.hears(stream, 440, time.monotonic())
        out.bye()
        self.ended()


class Echoes(LiveTest):
    def heard(self, stream, octets):
        stream.say(octets)

    def test_echo(self):
        out, _, _ = self.streamed()
        self.application.wait_stream()
        for hertz in (440, 760):
            self.audio_a.stop()
            self.audio_a.start(hertz)
            self.audio_a.wait_tone(hertz, 30, anew=True)
        out.bye()
        self.ended()


class Guide(LiveTest):
    """docs/guides/live-audio.md: its program, at another port."""

    def setUp(self):
        text = (ROOT / "docs" / "guides" / "live-audio.md").read_text(encoding="utf-8")
        program = re.search(r"```python\n(import asyncio.*?)```", text, re.S)[1]
        self.assertEqual(program.count("9000"), 1)
        super().setUp()
        self.application.close()
        python = next((one for one in (sys.executable, "/usr/bin/python3")
                       if subprocess.run([one, "-c", "import websockets"], stderr=subprocess.DEVNULL).returncode == 0), None)
        if not python:
            self.skipTest("needs python3-websockets")
        process = subprocess.Popen([python, "-c", program.replace("9000", str(self.application.port))])
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)

    def test_program(self):
        out, _, _ = self.streamed()
        self.audio_a.start(440)
        self.audio_a.wait_tone(440, 30)
        out.bye()
        self.ended()


class Elsewhere(LiveTest):
    """Servers that answer a handshake otherwise than by 101."""
    TOKEN = "verysecrettoken"

    def more(self):
        folder = tempfile.mkdtemp(prefix="tandem-live-")
        self.addCleanup(shutil.rmtree, folder)
        token = os.path.join(folder, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(self.TOKEN + "\n")
        self.target, self.proxy = (self.serves(b"HTTP/1.1 404 Not Found\r\n\r\n") for _ in range(2))
        self.enterContext(proxies(self.proxy.port))
        to = b"Location: ws://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n" % self.target.port
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n"
        self.answers = {f"s{status}": b"HTTP/1.1 %d Else\r\n" % status + to for status in (200, 301, 302, 303, 307, 308, 401, 407, 503)}
        self.answers |= {"accept": upgrade, "garbage": b"SSH-2.0-x\r\n\r\n", "nothing": b""}
        self.servers = {name: self.serves(answer) for name, answer in self.answers.items()}
        return {"connect_timeout": "1s", "endpoints": [
            {"name": name, "url": f"ws://127.0.0.1:{server.port}/x", "token_file": token} for name, server in self.servers.items()]}

    def serves(self, answer):
        server = Answers(answer)
        self.addCleanup(server.close)
        return server

    def test_not_followed(self):
        """No redirect is followed, no proxy of the environment asked, and each other answer is a failure whose cause is in the log."""
        out, call = self.answered()
        for count, name in enumerate(self.answers, 1):
            self.node.ctl("call.stream", call=call, endpoint=name)
            self.assertEqual(self.wait_told("call.played", count)["reason"], "failed", name)
            self.assertIn(b"Bearer " + self.TOKEN.encode(), self.servers[name].came, name)
            said = [line for line in self.node.log_text().splitlines() if "live stream has failed" in line and f"endpoint={name} " in line]
            self.assertEqual(len(said), 1, name)
            if name.startswith("s"):
                self.assertIn(f"answers {name[1:]}", said[0])
        self.assertEqual((self.target.came, self.proxy.came), (b"", b""))
        out.bye()
        self.ended()


class Refuses(LiveTest):
    TOKEN = "verysecrettoken"

    def more(self):
        folder = tempfile.mkdtemp(prefix="tandem-live-")
        self.addCleanup(shutil.rmtree, folder)
        authority, token = Authority(folder), os.path.join(folder, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(self.TOKEN + "\n")
        self.good = Application(self.heard, certificate=authority.signs("localhost", "DNS:localhost"))
        self.wrong = Application(self.heard, certificate=authority.signs("other", "DNS:other.test"))
        for application in (self.good, self.wrong):
            self.addCleanup(application.close)
        return {"connect_timeout": "1s", "ca": authority.path, "endpoints": [
            {"name": "dead", "url": "ws://127.0.0.1:9/x"}, self.endpoint("other", tenants=["acme"]),
            {"name": "good", "url": f"wss://localhost:{self.good.port}/x", "token_file": token, "format": "ulaw"},
            {"name": "wrong", "url": f"wss://localhost:{self.wrong.port}/x", "token_file": token}]}

    def test_refused(self):
        """Only endpoints of the settings, for their tenants; where nobody listens it has failed."""
        out, call = self.answered()
        for endpoint in ("none", "other", "ws://127.0.0.1"):
            with self.assertRaises(ServerError):
                self.node.ctl("call.stream", call=call, endpoint=endpoint)
        for count, endpoint in enumerate(("dead", "wrong"), 1):
            self.node.ctl("call.stream", call=call, endpoint=endpoint)
            self.assertEqual(self.wait_told("call.played", count)["reason"], "failed", endpoint)
        self.assertEqual((self.application.streams, self.wrong.streams), ([], []))
        out.bye()
        self.ended()

    def test_tls(self):
        """The token goes to whose certificate is good for the host, and into no log."""
        out, call = self.answered()
        self.node.ctl("call.stream", call=call, endpoint="good")
        stream = self.good.wait_stream()
        self.assertEqual(stream.headers["authorization"], "Bearer " + self.TOKEN)
        until(lambda: len(stream.frames) > 10, lambda: "no frames")
        self.assertEqual({len(octets) for _, octets in stream.frames}, {160})
        self.assertNotIn(self.TOKEN, self.node.log_text())
        out.bye()
        self.ended()


if __name__ == "__main__":
    unittest.main()
