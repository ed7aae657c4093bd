# SPDX-License-Identifier: Apache-2.0
"""A scripted browser and a plain phone see and hear each other: all of the browser's on one port, its RTCP, too, and a kill in between."""
import struct
import subprocess
import tempfile
import time
import unittest

from lib import dtls
from lib.bundle import VIDEO, Bundle
from lib.place import NODE

from call_test import CallTest
from video_test import LINE, NACK, PLI, feedback, packets_of, video_port
from patience import PATIENCE_S, until


MARK = 0x701d701d       # in a report block, where the time of a sender report is


def marked(phone):
    """The compounds with such a block, as packets."""
    return [packets_of(data) for _, _, data in list(phone.rtcp_packets) if struct.pack("!I", MARK) in data]


class Bundled(CallTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="tandem-bundle-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", webrtc="always")
        self.web = Bundle(self.node.ports, dtls.Certificate(folder, "party"))
        self.video = self.node.media()
        for end in (self.web, self.video):
            self.addCleanup(end.close)

    def dial(self):
        out = self.a.invite("1002", self.web.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp() + LINE.format(self.video.port))
        self.audio_b.use(into.request)
        self.video.remote = NODE, video_port(into.request.text)
        answer = out.wait_answer()
        self.assertIn("a=group:BUNDLE 0 1", answer.text)
        self.assertEqual(video_port(answer.text), self.web.use(answer).remote[1])
        self.web.wait_keys()
        return out, into

    def exchange(self):
        """Tones and pictures both ways, each of the latter once, and nothing of the one as the other."""
        since = time.monotonic()
        pictures = [bytes([0x65, n]) + bytes(900) for n in range(20)]
        for end, hertz in ((self.web, 440), (self.audio_b, 880)):
            end.start(hertz)
        for picture in pictures:
            self.web.show(picture)
            self.video.send(picture, pt=VIDEO, marker=True, ts=3000 * self.video.seq)
            time.sleep(0.02)
        for end in (self.web, self.audio_b):
            end.wait_packets(30, since=since)
        for end in (self.web, self.audio_b):
            end.stop()
        until(lambda: min(len(self.web.pictures(since)), len([p for p in self.video.packets if p.at >= since])) >= len(pictures))
        for end, hertz in ((self.web, 880), (self.audio_b, 440)):
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)
        self.assertEqual([packet.payload for packet in self.web.pictures(since)], pictures)
        self.assertEqual([packet.payload for packet in self.video.packets if packet.at >= since], pictures)
        self.assertEqual({packet.pt for packet in self.audio_b.packets}, {0})
        self.assertEqual({packet.tos >> 2 for packet in self.web.pictures(since)}, {34})
        self.assertEqual({packet.tos >> 2 for packet in self.web.audio(since)}, {46})
        self.assertEqual((self.web.forged, self.web.strange), (0, []))

    def ask(self):
        """The phone wants a new picture: the browser is asked on its one port, for its own SSRC."""
        pli = feedback(PLI, self.video.ssrc, self.video.packets[-1].ssrc)
        self.video.rtcp.sendto(pli, (NODE, self.video.remote[1] + 1))
        end = time.monotonic() + PATIENCE_S
        while not (asked := [body for data in self.web.reports() for what, body in packets_of(data) if what == PLI]):
            self.assertLess(time.monotonic(), end, "no PLI came")
            time.sleep(0.02)
        self.assertEqual({body[4:8] for body in asked}, {self.web.video_ssrc.to_bytes(4, "big")})

    def report(self):
        """One packet of the browser is about sound and picture: each phone reads what is about its own, and a whole compound."""
        heard = {packet.pt: packet.ssrc for packet in self.web.packets}
        blocks = b"".join(struct.pack("!IIIIII", heard[pt], lost << 24 | lost, 0, 0, MARK, 0) for pt, lost in ((0, 3), (VIDEO, 7)))
        compound = struct.pack("!BBHI", 0x82, 201, 13, self.web.ssrc) + blocks
        compound += struct.pack("!BBHI", 0x81, 202, 2, self.web.ssrc) + b"\1\1x\0"
        compound += struct.pack("!BBHII", 0x81, 206, 2, self.web.ssrc, heard[VIDEO])
        self.web.report(compound)
        end = time.monotonic() + PATIENCE_S
        while not all(found := [marked(phone) for phone in (self.audio_b, self.video)]):
            self.assertLess(time.monotonic(), end, f"{found}")
            time.sleep(0.02)
        sound, picture = ([[what for what, _ in packets] for packets in each] for each in found)
        self.assertEqual((sound, picture), ([[(201, 1), (202, 1)]], [[(201, 1), (202, 1), PLI]]))
        for phone, lost, (packets,) in zip((self.audio_b, self.video), (3, 7), found):
            self.assertEqual(packets[0][1][4:12], struct.pack("!II", phone.ssrc, lost << 24 | lost))
            self.assertEqual({body[:4] for _, body in packets}, {phone.packets[-1].ssrc.to_bytes(4, "big")})

    def miss(self, numbers):
        """The browser says so: each number in an entry of its own."""
        entries = b"".join(struct.pack("!HH", number, 0) for number in numbers)
        self.web.report(feedback(NACK, self.web.ssrc, self.web.pictures()[-1].ssrc, entries))

    def nacks(self):
        """What the phone was asked for: [(SSRC, numbers with their masks)]."""
        return [struct.unpack(f"!I{len(body[8:]) // 2}H", body[4:]) for _, _, data in list(self.video.rtcp_packets)
                for what, body in packets_of(data) if what == NACK]

    def wait_for(self, what, done):
        end = time.monotonic() + PATIENCE_S
        while not done():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def show_one(self, n):
        self.video.send(bytes([0x65, n]) + bytes(900), pt=VIDEO, marker=True, ts=3000 * self.video.seq)

    def settle(self):
        """Pictures cross both ways again: the first after a kill may go to a socket of the process that is about to end."""
        web, phone = len(self.web.pictures()), len(self.video.packets)

        def crossed():
            self.show_one(21)
            self.web.show(bytes([0x65, 22]) + bytes(900))
            return len(self.web.pictures()) > web and len(self.video.packets) > phone

        self.wait_for("pictures after the restart", crossed)
        time.sleep(0.2)

    def show_with_a_gap(self):
        """20 pictures of the phone, of which one more was lost on its way to the node. That one's number at the phone, and at the browser."""
        for n in range(20):
            if n == 10:
                missing = self.video.seq & 0xffff
                self.video.seq += 1
            self.show_one(n)
            time.sleep(0.01)
        self.wait_for("pictures", lambda: len(self.web.video_heard) + len(self.web.lost_video) >= 20)
        heard = set(self.web.video_heard) | set(self.web.lost_video)
        first, = [number for number in heard if (number - 1) & 0xffff not in heard and (number - 2) & 0xffff not in heard]
        return missing, (first + 10) & 0xffff

    def test_a_lost_picture_comes_again(self):
        """Octet by octet, from the node; the phone is asked for what the node never had alone, and for what left before a restart."""
        out, into = self.dial()
        self.web.lossy = True
        missing, gap = self.show_with_a_gap()
        self.web.lossy = False
        lost = dict(self.web.lost_video)
        self.assertGreaterEqual(len(lost), 3)
        self.miss([*lost, gap])
        self.wait_for("lost pictures", lambda: set(lost) <= set(self.web.video_heard))
        self.assertEqual({number: self.web.video_heard[number] for number in lost}, {number: [data] for number, data in lost.items()})
        self.assertEqual({packet.payload[1] for packet in self.web.pictures()}, set(range(20)))
        self.wait_for("the NACK", self.nacks)
        self.assertEqual(self.nacks(), [(self.video.ssrc, missing, 0)])
        self.assertEqual(self.node.metric("tandem_media_nacked_packets_total", result="answered"), len(lost))
        self.node.kill()
        self.node.restart()
        before, last = len(self.web.video_heard[max(lost)]), len(self.web.pictures())
        self.wait_for("a picture after the restart", lambda: self.show_one(20) or len(self.web.pictures()) > last)
        self.miss([max(lost)])
        self.wait_for("the NACK after the restart", lambda: len(self.nacks()) == 2)
        self.assertEqual(self.nacks()[1][0], self.video.ssrc)
        self.assertEqual(len(self.web.video_heard[max(lost)]), before)
        out.bye()
        into.wait_bye()
        self.ended()

    def test_sound_and_picture(self):
        out, into = self.dial()
        self.exchange()
        self.ask()
        self.report()
        self.node.kill()
        self.node.restart()
        self.settle()
        self.exchange()
        out.bye()
        into.wait_bye()
        self.ended()


class SharedPort(Bundled):
    """The same on a port that all such calls of a worker have."""

    node_options = {"webrtc": 2}

    def dial(self):
        dialogs = super().dial()
        self.assertIn(self.web.remote[1], self.node.webrtc_ports)
        return dialogs


if __name__ == "__main__":
    unittest.main()
