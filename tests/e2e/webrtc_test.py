# SPDX-License-Identifier: Apache-2.0
"""A scripted WebRTC end and a plain phone: ICE, the handshake, and sound both ways on one port."""
import subprocess
import tempfile
import time
import unittest

from lib import dtls, place
from lib.place import NODE
from lib.webrtc import WebRtc

from call_test import CallTest


class Calls(CallTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="tandem-webrtc-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
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


class SharedPort(Calls):
    """The same on a port that all such calls of a worker have."""

    node_options = {"webrtc": 2}

    def dial(self):
        dialogs = super().dial()
        self.assertIn(self.web.remote[1], self.node.webrtc_ports)
        return dialogs

    def test_with_a_plain_phone(self):
        super().test_with_a_plain_phone()
        if place.PORT == "xdp":                 # of the browser as well as of the phone
            self.assertGreater(self.node.metric("tandem_media_xdp_packets_total", direction="in"),
                               self.web.sent + self.audio_b.sent - 10)

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


if __name__ == "__main__":
    unittest.main()
