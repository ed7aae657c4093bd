# SPDX-License-Identifier: Apache-2.0
"""A scripted WebRTC end and a plain phone: ICE, the handshake, and sound both ways on one port."""
import secrets
import subprocess
import tempfile
import threading
import time
import unittest

from lib import dtls
from lib.place import NODE
from lib.webrtc import WebRtc

from call_test import CallTest
from patience import PATIENCE_S


class Calls(CallTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="tandem-webrtc-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        self.folder = folder
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")
        self.web = WebRtc(self.node.ports, dtls.Certificate(folder, "party"))
        self.addCleanup(self.web.close)

    def dial(self):
        out = self.a.invite("1002", self.web.sdp())
        into = self.b.incoming()
        self.assertNotIn("a=fingerprint", into.request.text)
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        self.web.use(out.wait_answer()).wait_keys()
        return out, into

    def test_with_a_plain_phone(self):
        """The browser's side offers to be either end of the handshake; the phone knows nothing of all this."""
        out, into = self.dial()
        for end, hertz in ((self.web, 440), (self.audio_b, 880)):
            end.start(hertz)
        for end in (self.web, self.audio_b):
            end.wait_packets(40)
        for end in (self.web, self.audio_b):
            end.stop()
        for end, hertz in ((self.web, 880), (self.audio_b, 440)):
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)
            self.assertEqual((end.forged, end.strange, end.lost()), (0, [], 0))
            self.assertEqual({packet.source[0] for packet in end.packets}, {NODE})
        self.assertGreater(self.web.checked, 0)
        out.bye()
        into.wait_bye()
        self.ended()


class AnotherHandshake(Calls):
    test_with_a_plain_phone = None

    def hear(self):
        ends = ((self.web, 440, 880), (self.audio_b, 880, 440))
        for end, hertz, _ in ends:
            end.packets.clear()
            end.start(hertz)
        for end, *_ in ends:
            end.wait_packets(30)
        for end, *_ in ends:
            end.stop()
        for end, _, hertz in ends:
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)
            self.assertEqual((end.forged, end.strange), (0, []))

    def other_party(self, out, into):
        """Another certificate and other credentials, and the same stream of RTP."""
        self.web.held = True
        self.web.certificate = dtls.Certificate(self.folder, f"party{time.monotonic_ns()}")
        self.web.ufrag, self.web.password = secrets.token_hex(4), secrets.token_hex(12)
        waiting = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(version=2),))
        waiting.start()
        response = out.reinvite(self.web.sdp(version=2))
        waiting.join()
        self.assertEqual(response.status, 200)
        self.web.again().use(response).go().wait_keys()

    def test_behind_a_wrap(self):
        """The counter of its SSRC goes on, or begins at 0 as a browser's does; ours begins at 0.  Over a kill, too."""
        for continues, killed in ((True, False), (False, False), (False, True)):
            with self.subTest(continues=continues, killed=killed):
                self.web = WebRtc(self.node.ports, dtls.Certificate(self.folder))
                self.addCleanup(self.web.close)
                self.web.seq = 65520
                out, into = self.dial()
                self.hear()
                self.assertGreater(self.web.seq, 65536)
                self.other_party(out, into)
                if not continues:
                    self.web.seq %= 65536
                if killed:
                    self.node.kill()
                    self.node.restart()
                self.hear()
                out.bye()
                into.wait_bye()
                self.ended()


class Trickle(Calls):
    """An offer without a candidate, which come by INFO (RFC 8840): the checks that arrive are all that is needed."""

    def offer(self):
        kept = [line for line in self.web.sdp().split("\r\n") if not line.startswith("a=candidate")]
        text = "\r\n".join(kept).replace(f"m=audio {self.web.port} ", "m=audio 9 ")
        return text.replace(f"c=IN IP4 {self.web.address}", "c=IN IP4 0.0.0.0").replace(
            "a=setup", "a=ice-options:trickle\r\na=setup")

    def trickle(self, call, *lines, keys=None):
        """The status of an INFO with these attributes of the only m-line."""
        name, password = keys or (self.web.ufrag, self.web.password)
        body = "\r\n".join((f"a=ice-ufrag:{name}", f"a=ice-pwd:{password}", "m=audio 9 RTP/AVP 0", "a=mid:0", *lines, ""))
        request = call.in_dialog("INFO", [("Info-Package", "trickle-ice"), ("Content-Disposition", "Info-Package")], body)
        request.set("Content-Type", "application/trickle-ice-sdpfrag")
        return call.transact(request).status

    def dial(self):
        out = self.a.invite("1002", self.offer())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        answer = out.wait_answer()
        candidate = f"a=candidate:1 1 UDP 2130706431 {self.web.address} {self.web.port} typ host"
        self.assertEqual(self.trickle(out, candidate), 200)
        self.assertEqual(self.trickle(out, candidate, keys=("gone", "0" * 22)), 200)
        self.assertEqual(self.trickle(out, "a=end-of-candidates"), 200)
        self.assertEqual(self.trickle(out, "a=candidate:nonsense"), 400)
        self.web.use(answer).wait_keys()
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INFO"), 0)
        return out, into


class SharedPort(Calls):
    """The same on a port that all such calls of a worker have."""

    node_options = {"webrtc": 2}

    def dial(self):
        dialogs = super().dial()
        self.assertIn(self.web.remote[1], self.node.webrtc_ports)
        return dialogs

    def test_another_process_goes_on(self):
        """On the same worker's port, with the same keys."""
        out, into = self.dial()
        self.web.start(440)
        self.audio_b.start(880)
        self.audio_b.wait_packets(20)
        self.node.kill()
        self.node.restart()
        since = time.monotonic()
        for end in (self.web, self.audio_b):
            end.wait_packets(50, since=since)
        for end in (self.web, self.audio_b):
            end.stop()
            self.assertEqual(end.forged, 0)
        out.bye()
        into.wait_bye()
        self.ended()


class OtherWorker(SharedPort):
    """Two browsers on the ports of two workers: the one that joins the call of the other comes to its port."""
    settings = {"media": {"transcode": False}}      # or it is asked once more for a codec

    def setUp(self):
        super().setUp()
        self.node.ctl("extension.put", secret="secret1003\n", number="1003", password="-", webrtc="always")
        self.c, self.again = self.node.user_agent("1003", "secret1003"), self.node.media()
        self.other = WebRtc(self.node.ports, self.web.certificate)
        for thing in (self.c, self.again, self.other):
            self.addCleanup(thing.close)
        self.assertEqual(self.c.register().status, 200)

    def pairs(self):
        out, into = self.dial()
        third = self.c.invite("1002", self.other.sdp())
        second = self.b.incoming()
        second.answer(self.again.sdp())
        self.again.use(second.request)
        self.other.use(third.wait_answer()).wait_keys()
        self.assertNotEqual(self.other.remote, self.web.remote)
        return out, into, third, second

    def join(self):
        ids = {call["from"]: call["id"] for call in self.node.ctl("call.list")}
        self.node.ctl("call.join", **{"call": ids["1001"], "leg": "a", "with": ids["1003"], "with_leg": "a"})

    def asked(self, third):
        request = self.c.take(lambda m: m.is_request and m.method == "INVITE" and m.call_id == third.call_id, 5, "re-INVITE")
        self.assertIn(f"m=audio {self.web.remote[1]} UDP/TLS/RTP/SAVPF", request.text)
        self.assertNotIn(self.other.theirs[0], request.text)
        return request

    def comes(self, request):
        """By an ICE restart, with the keys that are there."""
        handshakes = self.other.dtls_sent
        self.other.ufrag, self.other.password = secrets.token_hex(4), secrets.token_hex(12)
        self.other.checked = 0
        self.other.use(request)
        self.c.respond(request, 200, "OK", headers=[("Contact", self.c.contact)], body=self.other.sdp("active", version=2))
        self.assertEqual(self.other.remote, self.web.remote)
        since = time.monotonic()
        for end, hertz in ((self.web, 440), (self.other, 880)):
            end.start(hertz)
        for end in (self.web, self.other):
            end.wait_packets(50, since=since)
        for end in (self.web, self.other):
            end.stop()
        for end, hertz in ((self.web, 880), (self.other, 440)):
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)
            self.assertEqual((end.forged, end.strange), (0, []))
        self.assertEqual(self.other.dtls_sent, handshakes)

    def ends(self, out, third):
        out.bye()
        third.wait_bye()
        self.ended()

    @staticmethod
    def left(*dialogs):
        for dialog in dialogs:
            dialog.wait_bye()

    test_another_process_goes_on = test_with_a_plain_phone = None       # of one browser

    def test_it_comes(self):
        out, into, third, second = self.pairs()
        self.join()
        self.comes(self.asked(third))
        self.assertTrue(self.c.take_request("ACK", call_id=third.call_id))
        self.left(into, second)
        self.ends(out, third)

    def test_killed_before_it_comes(self):
        out, into, third, second = self.pairs()
        self.join()
        self.asked(third)
        self.left(into, second)
        end = time.monotonic() + PATIENCE_S
        while [call["saved"] for call in self.calls()] != [True]:       # their BYEs, too
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.node.kill()
        self.node.restart()
        self.comes(self.asked(third))
        self.ends(out, third)

    def test_it_does_not_come(self):
        """Nobody is left in silence."""
        out, into, third, second = self.pairs()
        self.join()
        self.c.respond(self.asked(third), 488, "Not Acceptable Here")
        self.left(out, third, into, second)
        self.ended()


class Handshake(CallTest):
    roles = ("actpass", "passive")              # of the party's offer: the node is server, and client

    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="tandem-webrtc-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")
        self.certificate = dtls.Certificate(folder, "party")

    def dial(self, setup):
        """A call whose handshake waits for go()."""
        self.web, self.plain = WebRtc(self.node.ports, self.certificate, hold=True), self.node.media()
        for end in (self.web, self.plain):
            self.addCleanup(end.close)
        out = self.a.invite("1002", self.web.sdp(setup=setup))
        into = self.b.incoming()
        into.answer(self.plain.sdp())
        self.plain.use(into.request)
        self.web.use(out.wait_answer())
        return out, into

    def talk(self, out, into):
        self.web.start(440)
        self.plain.start(880)
        for end in (self.web, self.plain):
            end.wait_packets(30)
        for end in (self.web, self.plain):
            end.stop()
            self.assertEqual((end.forged, end.strange), (0, []))
        out.bye()
        into.wait_bye()
        self.ended()


class KilledAfterTheHandshake(Handshake):
    """What lets the party finish leaves when the keys are saved, and is said again by the next process."""

    settings = {"redis": {"deadline": "5s"}}

    def wait(self, fact):
        end = time.monotonic() + PATIENCE_S
        while not fact() and time.monotonic() < end:
            time.sleep(0.02)
        self.assertTrue(fact())

    def handshakes(self):
        return self.node.metric("tandem_dtls_handshakes_begun_total")

    def test_before_the_save(self):
        """The party has not finished, so it does not believe in keys that nobody has."""
        for setup in self.roles:
            with self.subTest(setup):
                out, into = self.dial(setup)    # of a node that has begun none
                with self.node.redis() as redis:
                    redis("CLIENT", "PAUSE", 20000, "WRITE")
                    self.web.go()
                    self.wait(lambda: self.handshakes() > 0)
                    time.sleep(0.3)
                    self.node.kill()
                    redis("CLIENT", "UNPAUSE")
                self.assertIsNone(self.web.key_out)
                self.node.restart()
                self.web.again().wait_keys()
                self.talk(out, into)

    def test_after_the_save(self):
        """It never heard what was sent: the successor, which has the keys, says it."""
        for setup in self.roles:
            with self.subTest(setup):
                out, into = self.dial(setup)
                self.web.deaf = True
                self.web.go()
                self.wait(lambda: self.web.missed)
                time.sleep(0.2)
                self.node.kill()
                self.web.deaf = False
                self.node.restart()
                self.web.wait_keys()
                self.assertEqual(self.handshakes(), 0)
                self.talk(out, into)


class SlowStore(Handshake):
    """It is not waited for longer than for any other save."""

    def test_it_goes_on(self):
        for setup in self.roles:
            with self.subTest(setup):
                out, into = self.dial(setup)
                with self.node.redis() as redis:
                    redis("CLIENT", "PAUSE", 20000, "WRITE")
                    self.web.go().wait_keys()
                    redis("CLIENT", "UNPAUSE")
                self.talk(out, into)


if __name__ == "__main__":
    unittest.main()
