# SPDX-License-Identifier: Apache-2.0
"""A scripted WebRTC end and a plain phone: ICE, the handshake, and sound both ways on one port."""
import subprocess
import tempfile
import unittest

from lib import dtls
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

    def test_with_a_plain_phone(self):
        """The browser's side offers to be either end of the handshake; the phone knows nothing of all this."""
        out = self.a.invite("1002", self.web.sdp())
        into = self.b.incoming()
        self.assertNotIn("a=fingerprint", into.request.text)
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        self.web.use(out.wait_answer()).wait_keys()
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


if __name__ == "__main__":
    unittest.main()
