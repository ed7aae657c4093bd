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
from lib.picture_wire import Wire

from browser_test import BrowserTest
from conference_test import HERTZ, PAUSE, SYLLABLE
from patience import slowness, until
from pictures_test import CHANGES, SIZES, Camera, device_in, video_of, voice_file

CHROMIUM, BARESIP, SCRIPTED = "1001", "1002", ("1003", "1004")
SIZE = {CHROMIUM: (320, 240), BARESIP: SIZES[BARESIP], "1003": (48, 32), "1004": (48, 48)}
TALK = CHROMIUM, "1003", BARESIP, "1004"        # in turn: each is new to all who see it
AGAIN_S = 0.45              # a source that does not answer is asked again 0.5 s later. baresip forgets what comes while it encodes
CHANGE_S = 1.5              # who is shown is so for a while


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


class Snapshots:
    """The size of what baresip shows: it writes a file of its next picture when it is told to."""

    def __init__(self, device):
        self.device, self.count, self.path = device, 0, None

    def look(self):
        """(size, when), once a file is there; it never waits."""
        if not self.path:
            self.count += 1
            self.path = os.path.join(self.device.folder, f"seen{self.count}.png")
            self.device.command("snapshot_recv", self.path)
        try:
            with open(self.path, "rb") as file:
                data, at = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None, None
        if b"IEND" not in data[-8:]:
            return None, None
        os.unlink(self.path)
        self.path = None
        return struct.unpack("!II", data[16:24]), at        # PNG 11.2.2


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
        for packet in reversed(self.end.packets):
            if packet.at < since:
                break
            sps = h264.parameters(packet.payload)
            if sps:
                return h264.size(sps), packet.at
        return None, None

    def check(self, test):
        for before, packet in zip(self.end.packets, self.end.packets[1:]):
            test.assertEqual(packet.seq, before.seq + 1 & 0xffff)
            if packet.ts != before.ts:
                test.assertTrue(before.marker, "a frame has no end")


class Figures:
    """Of each change: from the switch, which is when the node asks the source for a picture, until that leaves the node, and until it is shown."""

    def __init__(self, changes, events):
        self.decided, self.asked, self.viewers_asked = [], [], 0
        self.unanswered = dict.fromkeys(SIZE, 0)
        self.left, self.shown = ({number: [] for number in SIZE} for _ in range(2))
        ends = [since for _, since, _ in changes[1:]] + [float("inf")]
        for (talker, since, shown), end in zip(changes, ends):
            self.note(talker, since, shown, [event for event in events if since <= event.at < end])

    def note(self, talker, since, shown, events):
        asked = [event for event in events if event.leaves and event.whose is None]
        for number in SIZE:
            self.asked.append(0)
            self.note_source(number, [event for event in events if event.party == number and (event in asked or event.whose == number)])
        self.viewers_asked += sum(not event.leaves and event.whose is None for event in events)
        switch = next(event.at for event in asked if event.party == talker)
        self.decided.append(switch - since)
        for number, at in shown.items():
            left = next(event.at for event in events if event.leaves and event.party == number and event.whose == talker)
            self.left[number].append(left - switch)
            self.shown[number].append(at - switch)

    def note_source(self, number, events):
        """What it was asked, and its key frames. A request that it did not answer for AGAIN_S may be said again, and counts apart."""
        for event, after in zip(events, events[1:] + [None]):
            again = after and event.whose is None and after.whose is None and after.at - event.at > AGAIN_S
            self.asked[-1] += event.whose is None and not again
            self.unanswered[number] += bool(again)

    def latest(self):
        return max(max(times) for times in self.shown.values())

    def told(self):
        return {"changes": len(self.decided), "clients": len(SIZE), "decided_ms": spread(self.decided),
                "left_ms": {number: spread(times) for number, times in self.left.items()},
                "shown_ms": {number: spread(times) for number, times in self.shown.items()},
                "requests_per_change_and_source_max": max(self.asked),
                "requests_unanswered": self.unanswered, "requests_of_viewers": self.viewers_asked}


def spread(times):
    """[median, p99, most], in ms"""
    ordered = sorted(times)
    return [round(1000 * ordered[min(len(ordered) - 1, len(ordered) * part // 100)]) for part in (50, 99, 100)]


class Clients(BrowserTest):
    settings = {"trace": {"decrypted": True}}

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
        self.page.run("phone.watch()")
        self.ahead = self.page.run("phone.now()") / 1000 - time.time()
        self.device = device_in(self, self.node, BARESIP, voice_file(self.node.folder, 60 + 4 * CHANGES))
        self.snapshots = Snapshots(self.device)
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

    def sees(self, number, since):
        """(size, when) of what that client shows; None: nothing new."""
        if number in SCRIPTED:
            size, at = self.cameras[number].seen(since - self.wall)
            return size, at and at + self.wall
        if number == BARESIP:
            return self.snapshots.look()
        shown = self.page.run("phone.sizes.slice(-1)[0] || null")
        return (tuple(shown[:2]), shown[2] / 1000 - self.ahead) if shown else (None, None)

    def all_see(self, talker, since):
        """When each of the others showed who talks."""
        shown, seen = {}, {}

        def look():
            for number in set(SIZE) - {talker} - set(shown):
                seen[number], at = self.sees(number, since)
                if seen[number] == SIZE[talker] and at >= since:
                    shown[number] = at
            return len(shown) == len(SIZE) - 1
        until(look, lambda: f"{talker} talks; shown at {shown} since {since}; they see {seen}; Chromium shows {self.page.run('phone.size()')}, "
                            f"is {self.page.run('phone.connection.iceConnectionState')}, has {video_of(self.page)} "
                            f"and sends {video_of(self.page, 'outbound-rtp')}")
        return shown

    def change(self, before, talker):
        """When the words began, and when who saw them."""
        since = time.time()
        self.says(before, False)
        self.says(talker, True)
        shown = self.all_see(talker, since)
        time.sleep(max(0.0, since + CHANGE_S - time.time()))
        return talker, since, shown

    def test_who_talks_is_seen(self):
        self.wall = time.time() - time.monotonic()
        self.enter()
        for number in SCRIPTED:
            self.says(number, False)
        self.says(TALK[-1], True)
        until(lambda: self.sees(CHROMIUM, 0)[0] == SIZE[TALK[-1]], lambda: self.sees(CHROMIUM, 0))
        time.sleep(CHANGE_S)
        self.change(TALK[-1], TALK[0])
        wire = Wire(self.node, {row["from"]: row["id"] for row in self.node.ctl("call.list")}, {size: number for number, size in SIZE.items()},
                    60 + 10 * CHANGES)
        changes = [self.change(TALK[n % 4], TALK[(n + 1) % 4]) for n in range(CHANGES)]
        figures = Figures(changes, wire.read())
        print(json.dumps(figures.told()))
        for camera in self.cameras.values():
            camera.check(self)
        self.assertLess(figures.latest(), slowness())
        self.assertLessEqual(max(figures.asked), 1)
        self.assertEqual(figures.viewers_asked, 0, "a decoder had to ask")
        self.assertGreater(video_of(self.page)["framesDecoded"], 20)
        self.assertFalse(re.search(r"(?i)error while decoding|decode error", self.device.log_tail(1 << 20)))


if __name__ == "__main__":
    unittest.main()
