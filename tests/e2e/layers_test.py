# SPDX-License-Identifier: Apache-2.0
"""A browser in a conference sends its picture in two sizes at once (simulcast): each viewer has the one that fits."""
import time
import unittest

from browser_test import BrowserTest
from patience import until

SOURCE, NARROW, WIDE = "1001", "1002", "1003"
SMALL, LARGE = [160, 90], [640, 360]
NARROW_KBPS, SMALL_KBPS, LARGE_KBPS = 250, 100, 700


class Layers(BrowserTest):
    def enters(self, number, **media):
        page = self.pages_of[number]
        page.call("700", **media)
        page.wait("talking")
        if number != SOURCE:
            page.run("phone.session.mute({audio: true})")

    def pictures(self, number):
        """How many that one has decoded."""
        return next(stream["framesDecoded"] for stream in self.pages_of[number].stats("inbound-rtp") if stream["kind"] == "video")

    def asked(self):
        """So often each layer was asked for a new picture."""
        return {stream["rid"]: stream["pliCount"] + stream["firCount"] for stream in self.pages_of[SOURCE].stats("outbound-rtp")
                if stream["kind"] == "video"}

    def sizes(self):
        return [self.pages_of[number].run("phone.size()") for number in (NARROW, WIDE)]

    def see(self, narrow, wide):
        """Both see a picture of that size, which goes on."""
        until(lambda: self.sizes() == [narrow, wide], lambda: (self.sizes(), self.pages_of[SOURCE].stats("outbound-rtp")))
        before = {number: self.pictures(number) for number in (NARROW, WIDE)}
        until(lambda: all(self.pictures(number) > count + 5 for number, count in before.items()), lambda: before)

    def test_each_has_what_fits(self):
        self.node.ctl("profile.put", name="default", video_kbps=4000)
        self.node.ctl("room.put", number="700")
        # a tab behind another one draws once a second
        self.pages_of = {SOURCE: self.another(SOURCE), NARROW: self.web(NARROW), WIDE: self.web(WIDE)}
        source = self.pages_of[SOURCE]
        self.pages_of[NARROW].run(f"phone.most = {NARROW_KBPS}; 0")
        self.enters(SOURCE, video={"width": 640, "height": 360}, layers=[
            {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 1000 * SMALL_KBPS}, {"rid": "f", "maxBitrate": 1000 * LARGE_KBPS}])
        for number in (NARROW, WIDE):
            self.enters(number, video={"width": 160, "height": 120})
        self.assertIn("a=simulcast:recv q;f", source.run("phone.connection.remoteDescription.sdp"))
        source.run("phone.noise(640, 360, 1 / 16)")
        self.see(SMALL, LARGE)
        source.run("phone.layer('f', false)")
        self.see(SMALL, SMALL)
        asked, began = self.asked(), time.monotonic()
        source.run("phone.layer('f', true)")
        self.see(SMALL, LARGE)
        # once a second, until one comes: an encoder that has no time may be late with it
        self.assertLessEqual(self.asked()["f"] - asked["f"], 2 + int(time.monotonic() - began))
        self.node.kill()
        self.node.restart()
        self.see(SMALL, LARGE)
        # JsSIP offers the layers once more, and they are taken
        source.until("phone.ua.isRegistered()")
        source.run("new Promise((done, failed) => phone.session.renegotiate({}, () => done(1)) || failed(new Error('no')))")
        self.assertIn("a=simulcast:recv q;f", source.run("phone.connection.remoteDescription.sdp"))
        self.see(SMALL, LARGE)
        source.hangup()


if __name__ == "__main__":
    unittest.main()
