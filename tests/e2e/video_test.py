# SPDX-License-Identifier: Apache-2.0
"""Video: real phones see each other's picture, ask for a new one, and do without where it is off."""
import os
import re
import struct
import time
import unittest

from lib.picture import Picture
from lib.place import NODE, PARTY

from call_test import CallTest

from patience import PATIENCE_S, until
import tone

SHARED = True

MODULES = ("avcodec", "fakevideo", "swscale", "snapshot", "avformat")
CONFIG = ("video_source fakevideo,nil\nvideo_display fakevideo,nil\nvideo_size {}\nvideo_fps 15\n"
          "videnc_format yuv420p")
BARS = ((235, 15, 16), (15, 233, 15), (16, 15, 235))    # the test picture: red, green, blue
LINE = ("m=video {} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f\r\n"
        "a=rtcp-fb:* nack pli\r\n")
PLI, FIR, NACK = (206, 1), (206, 4), (205, 1)           # packet type and FMT (RFC 4585 6, RFC 5104 4.3.1)


def video_port(text):
    return int(re.search(r"^m=video (\d+)", text, re.M)[1])


def feedback(kind, sender, media, control=b""):
    """A feedback packet (RFC 4585 6.1) behind the empty report that a compound packet begins with."""
    report = struct.pack("!BBHI", 0x80, 201, 1, sender)
    body = struct.pack("!II", sender, media) + control
    return report + struct.pack("!BBH", 0x80 | kind[1], kind[0], len(body) // 4) + body


def packets_of(compound):
    """[((type, FMT), body)] of a compound RTCP packet."""
    found = []
    while len(compound) >= 4:
        size = 4 + 4 * struct.unpack("!H", compound[2:4])[0]
        found.append(((compound[1], compound[0] & 31), compound[4:size]))
        compound = compound[size:]
    return found


def is_keyframe(payload):
    """An IDR slice, or the start of its fragments (RFC 6184 5.4, 5.8)."""
    kind = payload[0] & 31
    return kind == 5 or kind == 28 and payload[1] & 0x9f == 0x85


class VideoTest(CallTest):
    def setUp(self):
        super().setUp()
        for agent in (self.a, self.b):
            agent.register(expires=0)

    def phone(self, number, size=None, extra="", **options):
        """A phone, with a camera if a size of its picture is given."""
        device = self.node.phone(number, "secret" + number, extra="video_codecs=h264" + extra if size else extra[1:],
                                 **options,
                                 modules=MODULES if size else (), config=CONFIG.format(size) if size else "",
                                 source="ausine,440" if number == "1001" else "ausine,880")
        self.addCleanup(device.quit)
        return device

    def call(self, caller, callee):
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")

    def hang_up(self, caller, callee):
        """Ends the call; each had heard the other."""
        for device in (caller, callee):
            device.wait_heard()
        caller.hangup()
        callee.wait("CALL_CLOSED")
        for device, hertz in ((callee, 440), (caller, 880)):
            self.assertAlmostEqual(tone.heard(device.recordings()[0])[0], hertz, delta=3)

    def answered(self, offer, answer):
        """Scripted: (caller's dialog, callee's dialog, 200)."""
        for agent in (self.a, self.b):
            self.assertEqual(agent.register().status, 200)
        return self.connect(offer, answer)

    def end(self):
        made = self.node.media()
        self.addCleanup(made.close)
        return made


class Video(VideoTest):
    def seen(self, device):
        """What the phone decoded, or None while there is nothing."""
        path = os.path.join(device.folder, "seen.png")
        device.command("snapshot_recv", path)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                return Picture(path)
            except (OSError, KeyError, ValueError, IndexError):     # not written, or not to its end
                time.sleep(0.05)
        return None

    def test_two_phones_see_each_other(self):
        """Each decodes the other's test picture, which its size tells from its own; audio goes beside it."""
        self.see(self.phone("1001", "320x240"), self.phone("1002", "352x288", ";answermode=auto"))

    def test_encrypted_on_one_side(self):
        """The same where the callee speaks SRTP, and the caller does not."""
        self.node.ctl("extension.put", secret="secret1002\n", number="1002", password="-", sdes_insecure="true")
        self.see(self.phone("1001", "320x240"), self.phone("1002", "352x288", ";answermode=auto", sdes=True))

    def see(self, caller, callee):
        self.call(caller, callee)
        for device, size in ((callee, (320, 240)), (caller, (352, 288))):
            picture = until(lambda device=device: self.seen(device), device.log_tail)
            self.assertEqual((picture.width, picture.height), size)
            for place, colour in zip((1 / 6, 3 / 6, 5 / 6), BARS):
                for height in (0.1, 0.5, 0.9):
                    for got, wanted in zip(picture.at(place, height), colour):
                        self.assertAlmostEqual(got, wanted, delta=20)
        self.hang_up(caller, callee)

    def test_a_phone_sends_a_new_picture_when_asked(self):
        """PLI of one end makes the other encode a keyframe, at once and not only by its own clock."""
        video = self.end()
        self.assertEqual(self.b.register().status, 200)
        caller = self.phone("1001", "320x240")
        caller.dial("1002")
        into = self.b.incoming()
        into.answer(self.audio_b.sdp() + LINE.format(video.port))
        video.remote = (NODE, video_port(into.request.text))
        video.send(b"\x09\x10", pt=97, marker=True)       # now its RTCP is believed
        end = time.monotonic() + PATIENCE_S
        while not video.packets and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(1.5)
        for _ in range(3):
            asked = time.monotonic()
            self.assertFalse([p for p in video.packets if p.at > asked - 0.7 and is_keyframe(p.payload)])
            pli = feedback(PLI, video.ssrc, video.packets[-1].ssrc)
            video.rtcp.sendto(pli, (NODE, video.remote[1] + 1))
            until(lambda asked=asked: [p for p in video.packets if p.at > asked and is_keyframe(p.payload)])
            time.sleep(1)
        into.bye()
        caller.wait("CALL_CLOSED")

    def test_feedback_names_what_the_source_knows(self):
        """PLI, FIR and NACK of either side come to the other, once, with its own SSRC and its own numbers."""
        ends = self.end(), self.end()
        out, into, answered = self.answered(*(audio.sdp() + LINE.format(video.port) for audio, video
                                             in zip((self.audio_a, self.audio_b), ends)))
        for video, text in zip(ends, (answered.text, into.request.text)):
            video.remote = (NODE, video_port(text))
            video.send(b"\x41" + bytes(500), pt=97, marker=True)
        until(lambda: all(video.packets for video in ends))
        for asker, source in (ends, reversed(ends)):
            lost = asker.packets[-1].seq - 1 & 0xffff
            seen = asker.packets[-1].ssrc
            self.assertNotEqual(seen, source.ssrc)
            rows = [(PLI, seen, b"", source.ssrc, b""),
                    (FIR, 0, struct.pack("!IBxxx", seen, 7), 0, struct.pack("!IBxxx", source.ssrc, 7)),
                    (NACK, seen, struct.pack("!HH", lost, 0), source.ssrc,
                     struct.pack("!HH", source.seq - 2 & 0xffff, 0))]
            for kind, media, control, want_media, want_control in rows:
                with self.subTest(kind=kind):
                    source.rtcp_packets.clear()
                    asker.rtcp.sendto(feedback(kind, asker.ssrc, media, control),
                                      (NODE, asker.remote[1] + 1))

                    def come(source=source, kind=kind):
                        return [body for _, _, data in source.rtcp_packets for what, body in packets_of(data) if what == kind]
                    until(come)
                    time.sleep(0.1)
                    self.assertEqual(come(), [struct.pack("!II", source.packets[-1].ssrc, want_media) + want_control])
        out.bye()
        into.wait_bye()

    def test_a_phone_without_a_camera(self):
        """The callee has no video: the caller is told so, and both talk."""
        callee = self.phone("1002", extra=";answermode=auto")
        caller = self.phone("1001", "320x240")
        self.call(caller, callee)
        callee.wait_heard()

        def sent():
            return [flow["kind"] for flow in self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]
                    if flow["stats"] and flow["stats"]["packets_out"]]
        until(lambda: len(sent()) > 1)
        self.assertEqual(sent(), ["audio", "audio"])
        self.hang_up(caller, callee)


class Given(VideoTest):
    def crosses(self, ends):
        """Each sees what the other one sends."""
        for source, sink in (ends, reversed(ends)):
            before = len(sink.packets)
            end = time.monotonic() + PATIENCE_S
            while len(sink.packets) < before + 5:
                self.assertLess(time.monotonic(), end)
                source.send(b"\x41" + source.ssrc.to_bytes(4, "big"), pt=97, marker=True)
                time.sleep(0.02)
            self.assertEqual(sink.packets[-1].payload[1:], source.ssrc.to_bytes(4, "big"))

    def test_by_command(self):
        """CALL-23: who is given away sees whom it was given to."""
        self.node.put_extension("1003", "secret1003")
        third = self.node.user_agent("1003", "secret1003")
        self.addCleanup(third.close)
        self.assertEqual(third.register().status, 200)
        audio, (video_a, video_b, video_c) = self.end(), (self.end() for _ in range(3))
        out, into, answered = self.answered(self.audio_a.sdp() + LINE.format(video_a.port),
                                            self.audio_b.sdp() + LINE.format(video_b.port))
        for video, text in ((video_a, answered.text), (video_b, into.request.text)):
            video.remote = (NODE, video_port(text))
        self.crosses((video_a, video_b))
        self.node.ctl("call.transfer", call=self.calls()[0]["id"], leg="b", to="1003")
        rung = third.incoming()
        rung.answer(audio.sdp() + LINE.format(video_c.port), ack=False)
        asked = out.wait_reinvite(self.audio_a.sdp(version=2) + LINE.format(video_a.port))
        rung.wait_ack()
        into.wait_bye()
        for video, text in ((video_a, asked.text), (video_c, rung.request.text)):
            video.remote = (NODE, video_port(text))
        self.crosses((video_a, video_c))
        out.bye()
        rung.wait_bye()


    def test_over_a_trunk(self):
        """BEAT-04: with `video`, which no trunk has at first, each end sees what the other one sends; until then it has sound alone."""
        carrier = self.node.user_agent("carrier")
        self.addCleanup(carrier.close)
        self.node.ctl("trunk.put", name="carrier", servers=f"{PARTY}:{carrier.port}", direction="out")
        self.node.ctl("route.put", name="out", pattern="0x.", trunks="carrier")
        self.node.ctl("extension.put", number="1001", classes=["other"])
        self.assertEqual(self.a.register().status, 200)
        for on in (False, True):
            self.node.ctl("trunk.put", name="carrier", video=on)
            ends = self.end(), self.end()
            out = self.a.invite("030123", self.audio_a.sdp() + LINE.format(ends[0].port))
            into = carrier.incoming()
            self.assertEqual(re.findall(r"^m=video [1-9]", into.request.text, re.M) != [], on)
            into.answer(self.audio_b.sdp() + (LINE.format(ends[1].port) if on else ""))
            answered = out.wait_answer()
            self.assertEqual(video_port(answered.text) > 0, on)
            if on:
                for video, text in zip(ends, (answered.text, into.request.text)):
                    video.remote = (NODE, video_port(text))
                self.crosses(ends)
            out.bye()
            into.wait_bye()


class VideoOff(VideoTest):
    settings = {"media": {"video": False}}

    def test_video_is_refused_and_the_call_goes_on(self):
        """Neither phone sends a picture, both talk."""
        callee = self.phone("1002", "352x288", ";answermode=auto")
        caller = self.phone("1001", "320x240")
        self.call(caller, callee)
        callee.wait_heard()
        flows = self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]
        self.assertEqual([flow["kind"] for flow in flows], ["audio", "audio"])
        self.hang_up(caller, callee)

    def test_the_line_is_refused_in_sdp(self):
        """RFC 3264 6: port 0 in the answer; the callee is offered nothing it could send."""
        video = self.end()
        offer = self.audio_a.sdp() + LINE.format(video.port)
        out, into, answered = self.answered(offer, self.audio_b.sdp() + LINE.format(0))
        self.assertEqual(video_port(answered.text), 0)
        for port in re.findall(r"^m=video (\d+)", into.request.text, re.M):
            self.assertEqual(int(port), 0)
        out.bye()
        into.wait_bye()


if __name__ == "__main__":
    unittest.main()
