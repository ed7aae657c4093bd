# SPDX-License-Identifier: Apache-2.0
"""A conference with video of Chromium, baresip and two scripted phones, all of which decode or send real pictures: the size of one says whose it is."""
import json
import os
import re
import struct
import time
import unittest
import wave

from lib import browser, h264

from browser_test import BrowserTest
from conference_test import HERTZ, PAUSE, SYLLABLE
from patience import until
from pictures_test import CHANGES, SIZES, Camera, device_in, seen_by, video_of, voice_file

CHROMIUM, BARESIP, SCRIPTED = "1001", "1002", ("1003", "1004")
SIZE = {CHROMIUM: (320, 240), BARESIP: SIZES[BARESIP], "1003": (48, 32), "1004": (48, 48)}
SNAPSHOT_S = 0.6            # baresip writes a file, which is read and unpacked


def microphone(folder):
    """Syllables, as Chromium's fake microphone reads them."""
    path = os.path.join(folder, "syllables.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        second = [9000 * ((n * 300 // 24000 % 2) * 2 - 1) if n % 24000 < 16800 else 0 for n in range(48000)]
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in second) * 10)
    return path


class RealCamera(Camera):
    def __init__(self, end, rows):
        super().__init__(end)
        self.stream = h264.Stream(rows, 100 + 50 * rows)

    def line(self):
        return super().line().replace("packetization-mode=1", "packetization-mode=0")

    def units(self):
        return self.stream.key() if self.asked else self.stream.same()

    def seen(self, since=0.0):
        """(size, when) of the newest picture whose beginning came since."""
        for packet in reversed(self.packets(since)):
            sps = h264.parameters(packet.payload)
            if sps:
                return h264.size(sps), packet.at
        return None, None

    def check(self, test):
        for before, packet in zip(self.end.packets, self.end.packets[1:]):
            test.assertEqual(packet.seq, before.seq + 1 & 0xffff)
            if packet.ts != before.ts:
                test.assertTrue(before.marker, "a frame has no end")


class Clients(BrowserTest):
    def setUp(self):
        self.node.put_extension("1004", "secret1004")
        self.node.ctl("room.put", number="700")
        self.cameras, self.audio = {}, {}

    def scripted(self, number, rows):
        agent = self.node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register().status, 200)
        audio, camera = self.node.media(), RealCamera(self.node.media(), rows)
        for end in (audio, camera.end, camera):
            self.addCleanup(end.close)
        answer = agent.invite("700", audio.sdp() + camera.line()).wait_answer()
        self.assertEqual(answer.status, 200)
        audio.use(answer)
        camera.use(answer)
        self.cameras[number], self.audio[number] = camera, audio

    def enter(self):
        chromium = browser.Browser(1000, self.trust, (f"--use-file-for-fake-audio-capture={microphone(self.node.folder)}",))
        self.addCleanup(chromium.close)
        self.page = self.web(CHROMIUM, chromium)
        self.page.call("700", video=True)
        self.page.wait("talking")
        self.page.run("phone.session.mute({audio: true})")
        self.device = device_in(self, self.node, BARESIP, voice_file(self.node.folder, 60 + 4 * CHANGES))
        for rows, number in enumerate(SCRIPTED, 2):
            self.scripted(number, rows)

    def says(self, number, voice):
        if number == CHROMIUM:
            self.page.run(f"phone.session.{'un' if voice else ''}mute({{audio: true}})")
        elif number == BARESIP:
            self.device.command("mute")             # it toggles
        else:
            audio = self.audio[number]
            frames = audio.codec.frames(HERTZ[number])
            silence = audio.codec.coded([0] * (audio.codec.rate // 50))
            audio.stop()
            audio.start(frames=[frames[n % len(frames)] for n in range(SYLLABLE)] + silence * PAUSE if voice else silence)

    def shown_at(self, number, size, since):
        """When that client had a picture of that size; None: not yet."""
        if number in SCRIPTED:
            seen, at = self.cameras[number].seen(since)
            return at if seen == size else None
        seen = tuple(self.page.run("phone.size()")) if number == CHROMIUM else seen_by(self.device)
        return time.monotonic() if seen == size else None

    def all_shown(self, talker, since):
        """How long after the first of them each has seen who talks."""
        at, viewers = {}, [number for number in SIZE if number != talker]

        def look():
            for number in viewers:
                at[number] = at.get(number) or self.shown_at(number, SIZE[talker], since)
            return all(at.values())
        until(look, lambda: (talker, at))
        first = min(at.values())
        return {number: when - first for number, when in at.items()}

    def asked(self):
        """So often each source was asked for a new picture."""
        sent = video_of(self.page, "outbound-rtp")
        return {CHROMIUM: sent["pliCount"] + sent["firCount"],
                **{number: len(camera.requests) for number, camera in self.cameras.items()}}

    def test_who_talks_is_seen(self):
        self.enter()
        for number in SCRIPTED:
            self.says(number, False)
        numbers, late, most = list(SIZE), {number: 0.0 for number in SIZE}, 0
        talker = CHROMIUM
        self.says(talker, True)
        time.sleep(3.0)
        for change in range(CHANGES):
            before, talker = talker, numbers[(change + 1) % 4]
            counts, since = self.asked(), time.monotonic()
            self.says(before, False)
            self.says(talker, True)
            for number, took in self.all_shown(talker, since).items():
                late[number] = max(late[number], took - (SNAPSHOT_S if number == BARESIP else 0))
            most = max([most] + [count - counts[number] for number, count in self.asked().items()])
            time.sleep(max(0.0, since + 2.2 - time.monotonic()))
        print(json.dumps({"changes": CHANGES, "clients": 4, "late_ms_max": {number: round(1000 * took) for number, took in late.items()},
                          "requests_per_change_max": most}))
        for camera in self.cameras.values():
            camera.check(self)
        self.assertLess(max(late.values()), 1.0)
        self.assertLessEqual(most, 1)
        self.assertGreater(video_of(self.page)["framesDecoded"], 20)
        self.assertFalse(re.search(r"(?i)error while decoding|decode error", self.device.log_tail(2000)))


if __name__ == "__main__":
    unittest.main()
