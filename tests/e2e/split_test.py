# SPDX-License-Identifier: Apache-2.0
"""Two parties that are taken apart: each is played to and asked for keys, in any codec, over kills of the node: IVR-02."""
import os
import subprocess
import tempfile
import threading
import time
import unittest

from lib import dtls
from lib.codec import Opus
from lib.srtp import Key
from lib.webrtc import WebRtc
from music_test import MusicTest, MUSIC, TALK_A, TALK_B, wav
from patience import PATIENCE_S
from server import ServerError

LONG = 60                       # s
SHARED = True
PROMPT = 1240


class SplitTest(MusicTest):
    def setUp(self):
        super().setUp()
        wav(self.file("prompt.wav"), PROMPT)

    def split(self, call=None, **arguments):
        """The id of the new call; a save may be on its way."""
        call = call or self.call_id()
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return call, self.node.ctl("call.split", call=call, **arguments)["id"]
            except ServerError as error:
                if "try again" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def told(self, kind, application=None):
        rows = self.node.told("td:{ev:default}:" + application) if application else self.node.events()
        return [row for row in rows if row["type"] == kind]

    def wait_told(self, kind, call, application=None, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not (rows := [row for row in self.told(kind, application) if row["call"] == call]):
            self.assertLess(time.monotonic(), end, f"no {kind} of {call}")
            time.sleep(0.02)
        return rows[-1]

    def info(self, dialog, key):
        request = dialog.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(dialog.transact(request).status, 200)

    def play(self, call, end):
        self.node.ctl("call.play", call=call, file="prompt.wav", times="0")
        self.hears(end, PROMPT)

    def ends(self, out, into):
        out.bye()
        into.bye()
        self.ended()


class Split(SplitTest):
    def test_two_calls(self):
        """Each hears music, then what is played to it, and hangs up for itself; the records add up."""
        self.plays()
        out, into = self.talk()
        call, other = self.split()
        for end in (self.audio_a, self.audio_b):
            self.hears(end, MUSIC)
        self.assertEqual({row["id"] for row in self.calls()}, {call, other})
        self.assertEqual(self.wait_told("call.split", call)["other"], other)
        self.assertEqual(self.wait_told("call.split", other)["other"], call)
        self.play(other, self.audio_b)
        self.hears(self.audio_a, MUSIC)
        self.one_stream(self.audio_b)
        with self.assertRaisesRegex(ServerError, "the call has no other party"):
            self.node.ctl("call.split", call=other)
        into.bye()
        self.wait_told("call.ended", other)
        self.hears(self.audio_a, MUSIC)
        out.bye()
        self.ended()
        records = {row["id"]: row for row in self.node.cdrs()}
        self.assertEqual(set(records), {call, call + ".2", other})
        self.assertEqual([records[key]["cause"] for key in (call, call + ".2", other)], ["split", "hung up", "hung up"])
        self.assertGreater(int(records[other]["a_packets_in"]), 0)

    def test_caller_goes(self):
        self.plays()
        out, into = self.talk()
        _, other = self.split(leg="a")
        self.play(other, self.audio_a)
        self.hears(self.audio_b, MUSIC)
        self.ends(out, into)

    def test_survives_kill(self):
        """Killed as soon as it is said: both go on apart."""
        self.plays()
        out, into = self.talk()
        call, other = self.split()
        self.node.kill()
        self.node.restart()
        self.assertEqual({row["id"] for row in self.calls()}, {call, other})
        for end in (self.audio_a, self.audio_b):
            self.hears(end, MUSIC)
        self.play(call, self.audio_a)
        self.play(other, self.audio_b)
        self.node.kill()
        self.node.restart()
        for end in (self.audio_a, self.audio_b):
            self.hears(end, PROMPT)
        self.ends(out, into)

    def test_keys_of_both(self):
        """In the media and by INFO; the application alone hears of them. The node is killed between them."""
        out, into = self.talk()
        call, other = self.split(application="ivr")
        for each in (call, other):
            self.node.ctl("call.collect", call=each, file="prompt.wav", min="2", max="2", inter_ms="9000")
        self.audio_a.digit("1")
        self.info(into, "3")
        time.sleep(0.5)                 # keys in the media come when they are over
        self.saved()
        self.node.kill()
        self.node.restart()
        self.info(out, "2")
        self.audio_b.digit("4")
        for each, keys in ((call, "12"), (other, "34")):
            told = self.wait_told("call.collected", each, "ivr")
            self.assertEqual((told["digits"], told["reason"]), (keys, "max"))
        self.assertEqual(self.told("call.collected"), [])
        self.ends(out, into)

    def test_keys_without_an_application(self):
        out, into = self.talk()
        _, other = self.split()
        with self.assertRaisesRegex(ServerError, "digits are collected for an application only"):
            self.node.ctl("call.collect", call=other, min="2", max="2")
        self.node.ctl("call.play", call=other, file="prompt.wav", interruptible="true")
        self.info(into, "5")
        told = self.wait_told("call.played", other)
        self.assertEqual((told["reason"], told["digits"]), ("key", ""))
        self.ends(out, into)

    def test_while_held(self):
        """Who was held is told that it is not; who holds by its own phone goes on to do so until its user resumes."""
        out, into = self.talk()
        self.reinvite(out, into, "sendonly", "recvonly", 2)
        asked = []
        answer = threading.Thread(target=lambda: asked.append(into.wait_reinvite(self.audio_b.sdp(version=3))))
        answer.start()
        call, other = self.split()
        answer.join()
        self.assertIn("a=sendrecv", asked[0].text)
        self.play(other, self.audio_b)
        self.node.ctl("call.play", call=call, file="prompt.wav", times="0")
        self.silent(self.audio_a)
        self.assertEqual(out.reinvite(self.audio_a.sdp(version=3)).status, 200)
        self.hears(self.audio_a, PROMPT)
        self.ends(out, into)

    def test_while_held_by_command(self):
        out, into = self.talk()
        self.held_by_command(into)
        answer = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(version=3),))
        answer.start()
        call, other = self.split()
        answer.join()
        self.play(call, self.audio_a)
        self.play(other, self.audio_b)
        self.ends(out, into)

    def test_an_open_invite(self):
        """It is refused while the session changes, and the call goes on."""
        out, into = self.talk()
        answer = threading.Thread(target=out.reinvite, args=(self.audio_a.sdp(version=2),))
        answer.start()
        request = self.b.take_request("INVITE", call_id=into.call_id)
        with self.assertRaisesRegex(ServerError, "try again"):
            self.node.ctl("call.split", call=self.call_id())
        self.b.respond(request, 200, "OK", body=self.audio_b.sdp(version=2))
        answer.join()
        self.b.take_request("ACK", call_id=into.call_id)
        self.split()
        self.ends(out, into)

    def test_opus(self):
        for end in (self.audio_a, self.audio_b):
            end.codec, end.pt = Opus(), 111
        out, into = self.talk(codecs=("111 opus/48000/2",))
        call, other = self.split()
        self.play(call, self.audio_a)
        self.play(other, self.audio_b)
        self.node.kill()
        self.node.restart()
        self.hears(self.audio_b, PROMPT)
        for end in (self.audio_a, self.audio_b):
            end.stop()
        self.ends(out, into)


class Secure(SplitTest):
    def test_srtp(self):
        for number in ("1001", "1002"):
            self.node.ctl("extension.put", secret=f"secret{number}\n", number=number, password="-", sdes_insecure="true")
        for end in (self.audio_a, self.audio_b):
            end.key_out = Key(os.urandom(30))
        out, into = self.talk()
        call, other = self.split(application="ivr")
        self.play(call, self.audio_a)
        self.play(other, self.audio_b)
        self.node.kill()
        self.node.restart()
        self.hears(self.audio_a, PROMPT)
        self.node.ctl("call.collect", call=other, min="1", max="1")
        self.audio_b.digit("7")
        self.assertEqual(self.wait_told("call.collected", other, "ivr")["digits"], "7")
        self.assertEqual((self.audio_a.forged, self.audio_b.forged), (0, 0))
        self.ends(out, into)


class Browser(SplitTest):
    def test_with_a_plain_phone(self):
        folder = tempfile.mkdtemp(prefix="tandem-webrtc-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")
        web = WebRtc(self.node.ports, dtls.Certificate(folder, "party"))
        self.addCleanup(web.close)
        out = self.a.invite("1002", web.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        web.use(out.wait_answer()).wait_keys()
        web.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.hears(web, TALK_B)
        call, other = self.split(leg="a")
        self.play(other, web)
        self.play(call, self.audio_b)
        self.node.kill()
        self.node.restart()
        self.hears(web, PROMPT)
        web.stop()
        self.ends(out, into)


if __name__ == "__main__":
    unittest.main()
