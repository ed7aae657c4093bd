# SPDX-License-Identifier: Apache-2.0
"""Conferences with video: all see who talks, and that one sees who did before (BEAT-01). When a third party comes and goes nobody loses the
picture (BEAT-02)."""
import json
import os
import re
import struct
import threading
import time
import unittest
import wave

from lib.place import NODE
from lib.picture import Picture

from browser_test import BrowserTest
from conference_test import HERTZ, PAUSE, SYLLABLE, ConferenceTest
from patience import PATIENCE_S, slowness, until
from video_test import CONFIG, FIR, MODULES, NACK, PLI, feedback, is_keyframe, packets_of, video_port

LINE = ("m=video {} {} {}\r\na=rtpmap:{} H264/90000\r\na=fmtp:{} profile-level-id=42e0{};packetization-mode=1\r\n"
        "a=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n")
FRAME_S, PARTS = 1 / 15, 3
CHANGES = int(os.environ.get("TANDEM_SPEAKERS", "6"))       # of who talks


class Camera:
    """The picture of a scripted phone: frames of three fragments, a key frame where it is asked for one."""

    def __init__(self, end, pt=97, level="1f", repeats=False):
        """repeats: it sends again what it is asked for (RFC 4585 6.2.1)."""
        self.end, self.pt, self.level, self.repeats = end, pt, level, repeats
        self.loses, self.kept, self.nacked = 0, {}, []
        self.asked, self.requests, self._told = True, [], 0
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)

    def line(self):
        line = LINE.format(self.end.port, "RTP/AVPF" if self.repeats else "RTP/AVP", self.pt, self.pt, self.pt, self.level)
        return line + "a=rtcp-fb:* nack\r\n" if self.repeats else line

    def use(self, message):
        self.end.remote = (NODE, video_port(message.text))
        if not self._thread.is_alive():
            self._thread.start()

    def close(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _hear(self):
        for at, _, data in self.end.rtcp_packets[self._told:]:
            self._told += 1
            for kind, body in packets_of(data):
                media = struct.unpack("!I", body[8:12] if kind == FIR else body[4:8])[0] if len(body) >= 8 else 0
                if kind == NACK and media == self.end.ssrc:
                    self._repeat(body[8:])
                if kind in (PLI, FIR) and media == self.end.ssrc:
                    self.requests.append(at)
                    self.asked = True

    def _repeat(self, entries):
        for number, mask in struct.iter_unpack("!HH", entries):
            for seq in [number] + [number + 1 + bit for bit in range(16) if mask >> bit & 1]:
                payload, ts, marker = self.kept[seq & 0xffff]
                self.nacked.append(seq & 0xffff)
                self.end.send(payload, pt=self.pt, marker=marker, seq=seq, ts=ts)

    def _send(self, payload, marker):
        self.kept[self.end.seq & 0xffff] = payload, self.end.ts, marker
        if self.loses:
            self.loses -= 1
            self.end.seq += 1
        else:
            self.end.send(payload, pt=self.pt, marker=marker)

    def units(self):
        """The payloads of one frame."""
        kind = 5 if self.asked else 1
        for part in range(PARTS):
            head = bytes((0x7c, kind | (0x80 if part == 0 else 0x40 if part == PARTS - 1 else 0)))
            yield head + self.end.ssrc.to_bytes(4, "big") + bytes(600)

    def _run(self):
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._hear()
            units = list(self.units())
            self.asked = False
            for unit in units:
                self._send(unit, unit is units[-1])
            self.end.ts += 6000
            due += FRAME_S

    def packets(self, since=0.0):
        return [packet for packet in self.end.packets if packet.at >= since]

    def sees(self):
        """The SSRC of whom it was shown last, if that is not long ago."""
        last = self.end.packets[-1] if self.end.packets else None
        return int.from_bytes(last.payload[2:6], "big") if last and time.monotonic() - last.at < 0.5 else None

    def seen_since(self, ssrc):
        """When it was shown that one's picture first, of those that it has had of it without another one between."""
        at = None
        for packet in reversed(self.end.packets):
            if int.from_bytes(packet.payload[2:6], "big") != ssrc:
                break
            at = packet.at
        return at

    def check(self, test):
        """One stream: no number is missing or twice, time does not go back, and another one's picture begins with a key frame."""
        packets = self.end.packets
        for before, packet in zip(packets, packets[1:]):
            test.assertEqual(packet.seq, before.seq + 1 & 0xffff)
            test.assertEqual(packet.ssrc, before.ssrc)
            test.assertEqual(packet.pt, self.pt)
            test.assertLess(packet.ts - before.ts & 0xffffffff, 1 << 31)
            if packet.payload[2:6] != before.payload[2:6]:
                test.assertTrue(is_keyframe(packet.payload))
        test.assertTrue(is_keyframe(packets[0].payload))


class PicturesTest(ConferenceTest):
    def setUp(self):
        super().setUp()
        self.cameras = {}

    def camera(self, number, **options):
        made = self.cameras[number] = Camera(self.end(), **options)
        self.addCleanup(made.close)
        return made

    def enters(self, number, called="700", **options):
        """It calls a room with its picture; the answer."""
        audio, camera = self.end(), self.camera(number, **options)
        out = self.agents[number].invite(called, audio.sdp() + camera.line())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        audio.use(answer)
        camera.use(answer)
        self.audio[number], self.dialogs[number] = audio, out
        return answer

    def talk_with_pictures(self, caller, callee):
        before = {row["id"] for row in self.node.ctl("call.list")}
        ends, cameras = (self.end(), self.end()), (Camera(self.end()), Camera(self.end(), pt=99))
        for camera in cameras:
            self.addCleanup(camera.close)
        out = self.agents[caller].invite(callee, ends[0].sdp() + cameras[0].line())
        into = self.agents[callee].incoming()
        into.answer(ends[1].sdp() + cameras[1].line())
        answer = out.wait_answer()
        for number, end, camera, dialog, text in ((caller, ends[0], cameras[0], out, answer),
                                                  (callee, ends[1], cameras[1], into, into.request)):
            end.use(text)
            camera.use(text)
            self.audio.setdefault(number, end)
            self.dialogs.setdefault(number, dialog)
            self.cameras.setdefault(number, camera)
        call, = {row["id"] for row in self.node.ctl("call.list")} - before
        return call, out

    def talks(self, number):
        """That one alone; the others say silence."""
        for other, audio in self.audio.items():
            silence = audio.codec.coded([0] * (audio.codec.rate // 50))
            frames = audio.codec.frames(HERTZ[other])
            audio.stop()
            audio.start(frames=[frames[n % len(frames)] for n in range(SYLLABLE)] + silence * PAUSE if other == number
                        else silence)

    def ssrc(self, number):
        return self.cameras[number].end.ssrc

    def shown(self, number, before):
        """All see that one, which sees the one before."""
        def wanted(viewer):
            return self.ssrc(before if viewer == number else number)
        until(lambda: all(camera.sees() == wanted(viewer) for viewer, camera in self.cameras.items()),
              lambda: {viewer: (camera.sees(), wanted(viewer)) for viewer, camera in self.cameras.items()})


class Scripted(PicturesTest):
    def test_who_talks_is_seen(self):
        """Four phones, as often as TANDEM_SPEAKERS says: all see the new one within a second of its being asked, once."""
        self.node.ctl("room.put", number="700")
        numbers = list(HERTZ)
        for number in numbers:
            self.enters(number)
        self.talks(numbers[0])
        until(lambda: all(camera.sees() for camera in self.cameras.values()), lambda: "nobody sees anybody")
        time.sleep(2.5)
        before, late, requests, seen = numbers[0], [], [], []
        self.shown(before, numbers[1]) if self.cameras[numbers[0]].sees() == self.ssrc(numbers[1]) else None
        for change in range(CHANGES):
            number = numbers[(change + 1 + change // 4) % 4]
            if number == before:
                number = numbers[(numbers.index(number) + 2) % 4]
            since = time.monotonic()
            self.talks(number)
            self.shown(number, before)
            asked = [camera.requests for camera in self.cameras.values()]
            counts = [len([at for at in times if at >= since]) for times in asked]
            requests.append(max(counts))
            first = min(at for at in self.cameras[number].requests if at >= since)
            late.append(max(camera.seen_since(self.ssrc(number)) - first for viewer, camera in self.cameras.items() if viewer != number))
            seen.append(first - since)
            before = number
            time.sleep(max(0.0, since + 2.0 - time.monotonic()))
        for camera in self.cameras.values():
            camera.check(self)
        late.sort()
        print(json.dumps({"changes": CHANGES, "clients": 4, "picture_ms_p50": round(1000 * late[len(late) // 2]),
                          "picture_ms_max": round(1000 * late[-1]), "decided_ms_max": round(1000 * max(seen)),
                          "requests_per_change_max": max(requests)}))
        self.assertLess(late[-1], slowness())
        self.assertEqual(max(requests), 1)

    def test_a_burst_and_a_mute(self):
        """A cough turns no picture. Whoever is muted or held is not seen, nor is anybody who has gone."""
        self.node.ctl("room.put", number="700")
        for number in ("1001", "1002", "1003"):
            self.enters(number)
        self.talks("1001")
        until(lambda: all(camera.sees() for camera in self.cameras.values()), lambda: "nobody sees anybody")
        time.sleep(2.0)
        self.shown("1001", "1002") if self.cameras["1001"].sees() == self.ssrc("1002") else self.shown("1001", "1003")
        self.talks("1003")
        time.sleep(0.3)
        self.talks("1001")
        time.sleep(1.0)
        self.assertEqual(self.cameras["1002"].sees(), self.ssrc("1001"))
        self.assertEqual(self.cameras["1003"].sees(), self.ssrc("1001"))
        calls = {row["from"]: row["call"] for row in self.members("1001", "1002", "1003").values()}
        self.node.ctl("conference.mute", call=calls["1001"])
        until(lambda: self.cameras["1002"].sees() == self.ssrc("1003"), lambda: self.cameras["1002"].sees())
        until(lambda: self.cameras["1003"].sees() == self.ssrc("1002"), lambda: self.cameras["1003"].sees())
        self.node.ctl("conference.hold", call=calls["1003"])
        until(lambda: self.cameras["1001"].sees() == self.ssrc("1002"), lambda: self.cameras["1001"].sees())
        until(lambda: self.cameras["1003"].sees() is None, lambda: self.cameras["1003"].sees())
        self.node.ctl("conference.resume", call=calls["1003"])
        until(lambda: self.cameras["1003"].sees() == self.ssrc("1002"), lambda: self.cameras["1003"].sees())
        for camera in self.cameras.values():
            camera.check(self)

    def test_unlike_phones(self):
        """The node answers the lowest level of those who are there, under each one's own number; without video is no harm."""
        self.node.ctl("room.put", number="700")
        self.assertIn("profile-level-id=42e01e;", self.enters("1001", level="1e").text)
        self.assertIn("profile-level-id=42e01e;", self.enters("1002", pt=108, level="28").text)
        self.assertIn("b=TIAS:768000", self.enters("1003", level="1f").text)
        self.dials("1004", "700")
        self.talks("1001")
        until(lambda: all(camera.sees() for camera in self.cameras.values()), lambda: "nobody sees anybody")
        until(lambda: self.cameras["1002"].sees() == self.ssrc("1001"), lambda: self.cameras["1002"].sees())

    def test_requests_and_losses(self):
        """A viewer that asks for a picture has it from who is shown; what it lost comes again."""
        self.node.ctl("room.put", number="700")
        for number in ("1001", "1002", "1003"):
            self.enters(number)
        self.talks("1001")
        until(lambda: all(camera.sees() for camera in self.cameras.values()), lambda: "nobody sees anybody")
        time.sleep(2.0)
        viewer, source = self.cameras["1003"], self.cameras["1001"]
        self.assertEqual(viewer.sees(), source.end.ssrc)
        since = time.monotonic()
        seen = viewer.end.packets[-1].ssrc
        for _ in range(5):
            viewer.end.rtcp.sendto(feedback(PLI, viewer.end.ssrc, seen), (NODE, viewer.end.remote[1] + 1))
            time.sleep(0.02)
        until(lambda: [packet for packet in viewer.packets(since) if is_keyframe(packet.payload)], lambda: "no picture")
        time.sleep(0.4)
        self.assertLessEqual(len([at for at in source.requests if at >= since]), 2)
        self.assertNotIn(NACK, [kind for _, _, data in source.end.rtcp_packets for kind, _ in packets_of(data)])


    def test_losses_on_the_way_to_the_node(self):
        """A source that sends again what it is asked for is asked for what is missing. No viewer needs a new picture."""
        self.node.ctl("room.put", number="700")
        for number in ("1001", "1002", "1003"):
            self.assertIn("a=rtcp-fb:97 nack\r\n", self.enters(number, repeats=True).text)
        self.talks("1001")
        until(lambda: all(camera.sees() for camera in self.cameras.values()), lambda: "nobody sees anybody")
        time.sleep(2.0)
        source, viewer = self.cameras["1001"], self.cameras["1003"]
        self.assertEqual(viewer.sees(), source.end.ssrc)
        since = time.monotonic()
        for _ in range(20):
            source.loses = 1
            time.sleep(0.1)
        time.sleep(0.5)
        numbers = [packet.seq for packet in viewer.packets(since)]
        self.assertGreaterEqual(len(source.nacked), 19)
        self.assertEqual(sorted(set(source.nacked)), sorted(source.nacked))
        self.assertEqual(sorted(numbers), list(range(min(numbers), max(numbers) + 1)))
        self.assertEqual([at for at in source.requests if at >= since], [])


class Calls(PicturesTest):
    def confers(self):
        first, _ = self.talk_with_pictures("1001", "1002")
        second, line = self.talk_with_pictures("1001", "1003")
        room = self.node.ctl("conference.add", call=first, leg="a", **{"with": second})["id"]
        line.wait_bye()
        self.members("1001", "1002", "1003")
        self.talks("1002")
        until(lambda: self.cameras["1001"].sees() == self.cameras["1003"].sees() == self.ssrc("1002"),
              lambda: {number: camera.sees() for number, camera in self.cameras.items()})
        return room

    def two_see_each_other(self, *numbers):
        for number, other in (numbers, numbers[::-1]):
            until(lambda number=number, other=other: self.cameras[number].sees() == self.ssrc(other), lambda: numbers)

    def test_a_third_one_comes_and_goes(self):
        """Three see each other over a kill; when one leaves, the two that are left do, each from a key frame on."""
        self.confers()
        self.restart()
        self.members("1001", "1002", "1003")
        until(lambda: self.cameras["1001"].sees() == self.cameras["1003"].sees() == self.ssrc("1002"),
              lambda: {number: camera.sees() for number, camera in self.cameras.items()})
        since = time.monotonic()
        self.audio["1001"].stop()
        self.cameras["1001"].close()
        self.dialogs["1001"].bye()
        until(lambda: not self.node.ctl("conference.list"), lambda: self.node.ctl("conference.list"))
        self.two_see_each_other("1002", "1003")
        until(lambda: [at for at in self.cameras["1003"].requests if at >= since], lambda: "it was asked for no picture")


SIZES = {"1001": (320, 240), "1002": (352, 288), "1003": (176, 144)}


def voice_file(folder, seconds=120):
    """Syllables, as baresip reads its sound, once: what is constant is no voice."""
    path = os.path.join(folder, "voice.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        second = [9000 * ((n * 300 // 24000 % 2) * 2 - 1) if n % 24000 < 16800 else 0 for n in range(48000)]
        file.writeframes(b"".join(struct.pack("<hh", sample, sample) for sample in second) * seconds)
    return path


def device_in(test, node, number, voice):
    """A real phone with a picture of a size of its own, which has dialled the room and is muted."""
    device = node.phone(number, "secret" + number, extra=";video_codecs=h264;audio_codecs=pcmu/8000", source="aufile," + voice,
                        modules=MODULES, config=CONFIG.format("{}x{}".format(*SIZES[number])))
    test.addCleanup(device.quit)
    device.dial("700")
    device.wait("CALL_ESTABLISHED")
    device.command("mute")
    return device


def seen_by(device):
    """The size of what it decodes."""
    path = os.path.join(device.folder, "seen.png")
    if os.path.exists(path):
        os.unlink(path)
    device.command("snapshot_recv", path)
    time.sleep(0.3)
    try:
        picture = Picture(path)
    except (OSError, KeyError, ValueError, IndexError):
        return None
    return picture.width, picture.height


def sees(device, size):
    until(lambda: seen_by(device) == size, lambda: f"it sees {seen_by(device)}, and not {size}\n{device.log_tail()}")


class Devices(ConferenceTest):
    def test_who_talks_is_seen(self):
        """Three real phones: the size of a picture says whose it is."""
        for agent in self.agents.values():
            agent.register(expires=0)
        self.node.ctl("room.put", number="700")
        voice = voice_file(self.node.folder)
        devices = {number: device_in(self, self.node, number, voice) for number in SIZES}
        for talker in ("1001", "1003", "1002", "1001"):
            devices[talker].command("mute")
            for number, device in devices.items():
                if number != talker:
                    sees(device, SIZES[talker])
            devices[talker].command("mute")
        for device in devices.values():
            self.assertFalse(re.search(r"(?i)error while decoding|decode error", device.log_tail(2000)))


def video_of(page, kind="inbound-rtp"):
    return next(stream for stream in page.stats(kind) if stream["kind"] == "video")


def codecs(page):
    """What it shows, and sends."""
    names = {codec["id"]: codec["mimeType"] for codec in page.stats("codec")}
    return {(kind, names.get(video_of(page, kind).get("codecId"))) for kind in ("inbound-rtp", "outbound-rtp")}


class Browsers(BrowserTest):
    def test_a_browser_among_phones(self):
        """Chromium sees whichever phone talks, and a phone sees Chromium; no decoder stands still."""
        self.node.ctl("room.put", number="700")
        page = self.web("1001")
        page.call("700", video=True)
        page.wait("talking")
        page.run("phone.session.mute({audio: true, video: false})")
        voice = voice_file(self.node.folder)
        devices = {number: device_in(self, self.node, number, voice) for number in ("1002", "1003")}
        for talker in ("1002", "1003", "1002"):
            width, height = SIZES[talker]
            devices[talker].command("mute")
            page.until(f"phone.size()[0] === {width} && phone.size()[1] === {height}")
            devices[talker].command("mute")
        sees(devices["1003"], SIZES["1002"])
        stream = next(stream for stream in page.stats("inbound-rtp") if stream["kind"] == "video")
        self.assertGreater(stream["framesDecoded"], 20)
        devices["1003"].hangup()
        sees(devices["1002"], (320, 240))
        page.hangup()

    def test_vp8_until_a_phone_comes(self):
        """Two browsers see each other by VP8. A phone that has H.264 alone comes: they go over to that, and all see each other."""
        self.node.ctl("room.put", number="700")
        pages = self.web("1001"), self.another("1002")
        for page, width in zip(pages, (320, 640)):
            page.call("700", video={"width": width, "height": width * 3 // 4})
            page.wait("talking")
            page.run("phone.session.mute({audio: true, video: false})")
        for page, width in zip(pages, (640, 320)):
            page.until(f"phone.size()[0] === {width}")
            self.assertEqual(codecs(page), {("inbound-rtp", "video/VP8"), ("outbound-rtp", "video/VP8")})
        device = device_in(self, self.node, "1003", voice_file(self.node.folder))
        until(lambda: seen_by(device) in ((320, 240), (640, 480)), device.log_tail)
        for page, width in zip(pages, (640, 320)):
            until(lambda page=page: codecs(page) == {("inbound-rtp", "video/H264"), ("outbound-rtp", "video/H264")},
                  lambda page=page: codecs(page))
            page.until(f"phone.size()[0] === {width}")
            decoded = video_of(page)["framesDecoded"]
            until(lambda page=page, decoded=decoded: video_of(page)["framesDecoded"] > decoded + 15)
        device.command("mute")
        for page in pages:
            page.until(f"phone.size()[0] === {SIZES['1003'][0]}")
            page.hangup()


if __name__ == "__main__":
    unittest.main()
