# SPDX-License-Identifier: Apache-2.0
"""What flows say: values by recorded words, and texts by a speech engine. The caller hears them, over a kill, too."""
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy

import application_test          # not a class of it that has tests: they would be this file's, too
from application_test import MAKE, SoundsTest
from flow_calls_test import Put
from music_test import wav
from patience import until


class Speaker(http.server.BaseHTTPRequestHandler):
    """Says any text as a tone; or what the path wants."""
    HERTZ, got = 700, []

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers.items()), json.loads(body)))
        path = os.path.join(self.server.folder, "tone.wav")
        wav(path, self.HERTZ)
        with open(path, "rb") as file:
            octets = file.read() if self.path == "/say" else b"<html>"
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)


def says(steps):
    return {"start": "say", "steps": steps | {"wait": {"pause": 300, "next": "bye"}, "bye": {"hangup": {}}}}


class Spoken(Put):
    def dialled(self, program):
        self.ask("flow.put", name="main", program=program)
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        return out, self.ask("call.list")[0]["id"]

    def heard(self):
        return numpy.array(self.audio_a.codec.samples([packet.payload for packet in self.audio_a.audio()]), float)

    def spoken(self, text, language):
        """As the engine says it."""
        path = os.path.join(self.node.folder, "expected.wav")
        subprocess.run(["espeak-ng", "-v", language, "--stdin", "-w", path], input=text.encode(), check=True)
        return path

    def sound(self, *path):
        return os.path.join(self.node.folder, "sounds", *path)

    likeness = staticmethod(application_test.Prompts.likeness)

    def files(self):
        folder = os.path.join(self.node.folder, "speech")
        return [name for name in os.listdir(folder) if not name.endswith(".new")] if os.path.isdir(folder) else []


class Say(Spoken, SoundsTest):
    SAID = ("de/and-1", "de/number-20", "en/weekday-7", "en/month-1", "en/day-31", "en/number-20", "en/digit-7")

    def made(self):
        """All words of German, and of English, all of which application_test has made, those that are said."""
        folder = os.path.join(self.node.home, "prompts")
        shutil.copytree(os.path.dirname(MAKE), folder)
        with open(os.path.join(folder, "en.txt"), "r+", encoding="utf-8") as file:
            lines = [line for line in file if line.split("=")[0].strip() in ("voice", *(name[3:] for name in self.SAID))]
            file.seek(0)
            file.truncate()
            file.writelines(lines)
        subprocess.run([sys.executable, os.path.join(folder, "make.py"), self.sound(), "--languages", "en,de"], check=True, capture_output=True)

    def test_values(self):
        self.made()
        out, call = self.dialled(says({
            "say": {"say": {"text": "21", "as": "number", "language": "de"}, "failed": "bye", "next": "day"},
            "day": {"say": {"text": "2027-01-31", "as": "date"}, "failed": "bye", "next": "wait"}}))
        self.waits(call)
        heard = self.heard()
        for name in self.SAID:
            self.assertGreater(self.likeness(heard, self.sound(".prompts", name + ".wav")), 0.7, name)
        self.assertLess(self.likeness(heard, self.sound(".prompts", "de", "number-30.wav")), 0.6)
        self.assertEqual(self.at(call)["path"], "say,day")
        out.bye()

    def test_no_value(self):
        """What is no number takes the branch, and the log names flow and step."""
        out, call = self.dialled(says({
            "say": {"say": {"text": "many", "as": "number"}, "failed": "wait", "next": "bye"}}))
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "say,failed")
        out.bye()

    def test_text(self):
        out, call = self.dialled(says({
            "say": {"say": {"text": "Sie haben die {called} gewählt.", "language": "de"}, "failed": "bye", "next": "wait"}}))
        self.waits(call)
        self.assertGreater(self.likeness(self.heard(), self.spoken("Sie haben die 100 gewählt.", "de")), 0.7)
        self.assertEqual(self.at(call)["path"], "say")
        self.assertEqual(len(self.files()), 1)
        [row] = self.ask("flow.trace", call=call)
        self.assertEqual((row["kind"], row["language"], row["voice"], row["reason"]), ("say", "de", "", ""))
        self.assertNotIn("gewählt", self.node.log_text() + json.dumps(row, ensure_ascii=False))
        out.bye()

    def test_text_and_kill(self):
        """A process that has no such file has it made once more, and says on."""
        out, call = self.dialled(says({
            "say": {"say": {"text": "This is a text that takes some time to be said. " * 6, "language": "en"},
                    "failed": "bye", "next": "wait"}}))
        self.audio_a.wait_packets(100)
        self.node.kill()
        shutil.rmtree(os.path.join(self.node.folder, "speech"))
        self.node.restart()
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "say")
        self.assertEqual(len(self.files()), 1)
        out.bye()

    def test_no_engine(self):
        """The branch, and a line in the log that names flow and step."""
        if os.path.exists("/usr/bin/flite"):
            self.skipTest("it is there")
        out, call = self.dialled(says({
            "say": {"say": {"text": "Hello", "voice": "flite"}, "failed": "wait", "next": "bye"}}))
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "say,failed")
        out.bye()


class ByServer(Spoken, SoundsTest):
    """media.speech_url: a web server says it in place of the engines of the machine, which come where it fails."""

    def use(self, path):
        before = self.node.log_text().count("settings read again")
        self.node.configure({"media": {"speech_url": f"http://ann:wort@127.0.0.1:{self.server.server_port}/{path}"}})
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: self.node.log_text().count("settings read again") > before)

    def setUp(self):
        super().setUp()
        Speaker.got.clear()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaker)
        self.server.folder = self.node.folder
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, text, hertz=None):
        """Its caller hears that tone, or what an engine says; the row of flow.trace."""
        out, call = self.dialled(says({
            "say": {"say": {"text": text, "language": "de"}, "failed": "bye", "next": "wait"}}))
        if hertz:
            self.audio_a.wait_tone(hertz, 20)
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "say")
        rows = self.ask("flow.trace", call=call)
        out.bye()
        until(lambda: not self.ask("call.list"))
        return rows

    def test_by_server(self):
        self.use("say")
        [row] = self.says("Guten Tag", Speaker.HERTZ)
        [(_, headers, body)] = Speaker.got
        self.assertEqual(body, {"text": "Guten Tag", "language": "de", "voice": ""})
        self.assertTrue(headers["Authorization"].startswith("Basic "))
        self.assertEqual((row["status"], row["fetch"], row["reason"]), (200, "", ""))
        self.assertNotIn("wort", json.dumps(row))
        self.assertEqual(self.says("Guten Tag", Speaker.HERTZ), [], "it is kept")
        self.assertEqual(len(Speaker.got), 1)
        for path, reason in (("broken", "status"), ("garbage", "no_wav")):
            self.use(path)
            [row] = self.says("Auf Wiedersehen " + path)
            self.assertEqual((row["fetch"], row["reason"]), (reason, ""))
            self.assertGreater(self.likeness(self.heard()[-16000:], self.spoken("Auf Wiedersehen " + path, "de")), 0.5, path)
