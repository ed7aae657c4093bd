# SPDX-License-Identifier: Apache-2.0
"""Conferences between scripted phones, by what each of them hears: rooms that are called, calls that others are added to, and kills of
the node in the midst of them (CONF-01, CONF-02, CONF-03, CONF-05, CONF-07, CONF-08, CONF-10, CONF-11, CONF-12)."""
import time
import unittest

import tone

from bleed_test import kernel
from lib.codec import FRAMES, sine
from lib.node import Node
from lib.sip import or_none
from music_test import MUSIC, wav
from patience import PATIENCE_S, slowness, until
from server import ServerError

LONG = 80                       # s: it listens
SYLLABLE, PAUSE = 14, 6          # packets: what is constant is no voice, and has no place in a mix. Together whole waves of all those
HERTZ = {"1001": 440, "1002": 650, "1003": 880, "1004": 1130}


class ConferenceTest(unittest.TestCase):
    settings = {"media": {"music": "music.wav"}}

    def setUp(self):
        self.node = Node(settings=self.settings)
        self.addCleanup(self.node.close)
        self.agents, self.audio, self.dialogs = {}, {}, {}
        for number in HERTZ:
            self.node.put_extension(number, "secret" + number)
            agent = self.agents[number] = self.node.user_agent(number, "secret" + number)
            self.addCleanup(agent.close)
            self.assertEqual(agent.register().status, 200)

    def end(self):
        audio = self.node.media()
        self.addCleanup(audio.close)
        return audio

    # -- what is heard -------------------------------------------------------------------------
    def shares(self, number):
        """How much of what it heard lately is of each of the others, and of the music."""
        audio = self.audio[number]
        packets = audio.audio()[-3 * (SYLLABLE + PAUSE):]
        if not packets or time.monotonic() - packets[-1].at > 0.3:
            return {}
        pcm = audio.codec.samples([packet.payload for packet in packets if packet.pt == audio.pt])
        return {hertz: round(tone.share(pcm, audio.codec.rate, hertz), 2) for hertz in [*HERTZ.values(), MUSIC]}

    def hears(self, number, *others, music=False):
        """Those and nobody else, soon."""
        wanted = {HERTZ[other] for other in others} | ({MUSIC} if music else set())

        def only_those():
            shares = self.shares(number)
            return {hertz for hertz, share in shares.items() if share > 0.1} == wanted and \
                all(share > 0.1 or share < 0.04 for share in shares.values())
        until(only_those, lambda: f"{number} hears {self.shares(number)}, and should {wanted}")

    def all_hear(self, *numbers):
        for number in numbers:
            self.hears(number, *(other for other in numbers if other != number))

    # -- calls ---------------------------------------------------------------------------------
    def speaks(self, number, audio, dialog):
        self.audio[number], self.dialogs[number] = audio, dialog
        frame = audio.codec.rate // FRAMES
        syllable = sine(HERTZ[number], audio.codec.rate)[:SYLLABLE * frame] + [0] * (PAUSE * frame)
        audio.start(frames=audio.codec.coded(10 * syllable))

    def dials(self, number, called, keys=""):
        """It calls a room, and says the PIN."""
        audio = self.end()
        out = self.agents[number].invite(called, audio.sdp())
        audio.use(out.wait_answer())
        time.sleep(0.1)
        for key in keys:
            audio.digit(key)
        self.speaks(number, audio, out)

    def dial_from_shards(self, called, keys=""):
        """All of HERTZ, until they have calls of several shards: which one a call is given to is nobody's choice."""
        for number in HERTZ:
            self.dials(number, called, keys)
        number = next(iter(HERTZ))
        for _ in range(20):
            if len({call["id"][:4] for call in self.node.ctl("call.list")}) > 1:
                return
            self.hangs_up(number)
            self.dials(number, called, keys)
        self.fail("all calls were given to one shard")

    def talk(self, caller, callee, speaks=(True, True)):
        """Its id. speaks: whose end is that of the phone from now on."""
        before = {row["id"] for row in self.node.ctl("call.list")}
        ends = self.end(), self.end()
        out = self.agents[caller].invite(callee, ends[0].sdp())
        into = self.agents[callee].incoming()
        into.answer(ends[1].sdp())
        ends[0].use(out.wait_answer())
        ends[1].use(into.request)
        for number, end, dialog, speak in zip((caller, callee), ends, (out, into), speaks):
            if speak:
                self.speaks(number, end, dialog)
        call, = {row["id"] for row in self.node.ctl("call.list")} - before
        return call, out

    def hangs_up(self, number):
        self.audio[number].stop()
        self.dialogs[number].bye()

    # -- conferences ---------------------------------------------------------------------------
    def only(self):
        conference, = self.node.ctl("conference.list")
        return conference

    def members(self, *numbers):
        """Those are there, and saved; by their numbers."""
        def rows():
            rooms = self.node.ctl("conference.list")
            return {row["from"]: row for row in self.node.ctl("conference.get", conference=rooms[0]["id"])["list"]
                    if row["state"] == "there"} if rooms else {}
        until(lambda: set(rows()) == set(numbers), lambda: f"{rows()}")
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")) and self.only()["saved"], lambda: "not saved")
        return rows()

    def told(self, kind):
        return [event for event in self.node.events() if event["type"] == kind]

    def restart(self):
        """Nobody is told by phone what a conference's record says: so nothing waits until it is saved, but we do."""
        until(lambda: all(row["saved"] for row in self.node.ctl("conference.list")), lambda: "not saved")
        self.node.kill()
        self.node.restart()
        for number, agent in self.agents.items():
            self.assertEqual(agent.register().status, 200, number)


class Rooms(ConferenceTest):
    def setUp(self):
        super().setUp()
        self.node.ctl("room.put", number="700", name="Board", max_members=3)

    def test_over_a_kill(self):
        """Three call it: each hears the others, also behind a kill; the last one ends it."""
        for number in ("1001", "1002", "1003"):
            self.dials(number, "700")
        self.all_hear("1001", "1002", "1003")
        self.members("1001", "1002", "1003")
        self.assertEqual(self.agents["1004"].invite("700", self.end().sdp()).wait_final().status, 486)
        room = self.only()
        self.restart()
        self.all_hear("1001", "1002", "1003")
        self.assertEqual(self.only()["id"], room["id"])
        self.assertEqual(self.only()["number"], "700")
        for number in ("1001", "1002", "1003"):
            self.hangs_up(number)
        until(lambda: not self.node.ctl("conference.list"), lambda: "it is over")
        self.assertEqual([cdr.get("conference") for cdr in self.node.cdrs(4) if cdr["from"] != "1004"], [room["id"]] * 3)
        self.assertEqual([event["conference"] for event in self.told("conference.ended")], [room["id"]])

    def test_pins(self):
        """Who has none is left behind three tries; who has that of hosts is the host."""
        self.node.ctl("room.put", number="700", pin="4711")
        self.node.ctl("room.put", number="700", host_pin="815042")
        self.dials("1001", "700", "4711#")
        self.dials("1002", "700", "815042#")
        self.all_hear("1001", "1002")
        rows = self.members("1001", "1002")
        self.assertTrue(rows["1002"]["host"])
        self.dials("1003", "700", "1#2#3#")
        self.dialogs["1003"].wait_bye()
        self.members("1001", "1002")

    def test_one_member_is_changed(self):
        """Mute, hold and gain of one: the others hear each other all the time."""
        for number in ("1001", "1002", "1003"):
            self.dials(number, "700")
        self.all_hear("1001", "1002", "1003")
        second = self.members("1001", "1002", "1003")["1002"]["call"]
        for arguments, count in (({"number": "700", "since": "1h"}, 1), ({"number": "701"}, 0), ({"until": "1h"}, 0)):
            self.assertEqual(len(self.node.ctl("conference.list", **arguments)), count, arguments)
        wav(self.node.folder + "/sounds/default/music.wav", MUSIC)
        since = time.monotonic()
        self.node.ctl("conference.mute", call=second)
        self.hears("1001", "1003")
        self.hears("1002", "1001", "1003")
        self.node.ctl("conference.mute", call=second, on=False)
        self.all_hear("1001", "1002", "1003")
        self.node.ctl("conference.hold", call=second)
        self.hears("1001", "1003")
        self.hears("1003", "1001")
        self.node.ctl("conference.resume", call=second)
        self.all_hear("1001", "1002", "1003")
        self.node.ctl("conference.deaf", call=second, on=True)
        until(lambda: not self.shares("1002"), lambda: self.shares("1002"))
        self.hears("1003", "1001", "1002")
        self.assertLess(self.audio["1003"].gap(since), 0.15 + slowness() - 1, "but for what the node stood still")
        self.node.ctl("conference.drop", call=second)
        self.dialogs["1002"].wait_bye()
        self.all_hear("1001", "1003")


    def test_others_are_not_cut(self):
        """MED-13, CALL-09: while a member is muted, held and hangs up, a third one hears the other two without a packet missing."""
        self.node.ctl("room.put", number="700", max_members=4, talkers=len(HERTZ))
        for number in HERTZ:
            self.dials(number, "700")
        self.all_hear(*HERTZ)
        second = self.members(*HERTZ)["1002"]["call"]
        self.audio["1003"].stop()
        time.sleep(1)                   # what it said is not in what it hears
        since = time.monotonic()
        for command in ("mute", "unmute", "hold", "resume", "hold", "mute"):
            self.node.ctl(f"conference.{command}", call=second)
            time.sleep(0.7)
        self.hangs_up("1002")           # held and muted
        time.sleep(0.7)
        heard = self.audio["1003"].audio(since)
        self.assertGreater(len(heard), 200 / slowness())
        self.assertEqual({(after.seq - before.seq) & 0xffff for before, after in zip(heard, heard[1:])}, {1})
        steps = [(after.ts - before.ts) & 0xffffffff for before, after in zip(heard, heard[1:])]
        self.assertFalse([step for step in steps if step % 160], "20 ms each")
        self.assertLessEqual(sum(steps) - 160 * len(steps), 8000 * (slowness() - 1), "but for what the node stood still")
        self.assertEqual(len({packet.ssrc for packet in heard}), 1)


class Shards(ConferenceTest):
    settings = {**ConferenceTest.settings, "node": {"shards": [2, 3]}}

    def test_one_room(self):
        """Calls of several shards come to the same room, whichever opened it, with their keys."""
        self.node.ctl("room.put", number="700", talkers=len(HERTZ))
        self.node.ctl("room.put", number="700", pin="4711")
        self.dial_from_shards("700", "4711#")
        self.all_hear(*HERTZ)
        self.assertEqual(self.only()["members"], len(HERTZ))
        for number in HERTZ:
            self.hangs_up(number)
        until(lambda: not self.node.ctl("call.list"), lambda: self.node.ctl("call.list"))
        self.assertEqual(self.node.ctl("conference.list"), [])


class Stations(ConferenceTest):
    def confers(self):
        """1001 speaks with 1002, and on a second line with 1003."""
        first, _ = self.talk("1001", "1002")
        second, line = self.talk("1001", "1003", speaks=(False, True))
        room = self.node.ctl("conference.add", call=first, leg="a", **{"with": second})["id"]
        line.wait_bye()
        self.all_hear("1001", "1002", "1003")
        self.members("1001", "1002", "1003")
        return room

    def test_two_calls(self):
        """The second leg of the host is left. Only the host drops members, and with two left they have a call of two again."""
        room = self.confers()
        rows = self.members("1001", "1002", "1003")
        with self.assertRaisesRegex(ServerError, "not_allowed"):
            self.node.ctl("conference.drop", call=rows["1003"]["call"], by=rows["1002"]["member"])
        self.node.ctl("conference.drop", call=rows["1002"]["call"], by=rows["1001"]["member"])
        self.dialogs["1002"].wait_bye()
        until(lambda: not self.node.ctl("conference.list") and len(self.node.ctl("call.list")) == 1, lambda: self.node.ctl("call.list"))
        self.all_hear("1001", "1003")
        self.assertEqual([event["conference"] for event in self.told("conference.ended")], [room])
        call, = self.node.ctl("call.list")
        self.node.ctl("call.transfer", call=call["id"], leg="a", to="1004")
        into = self.agents["1004"].incoming()
        audio = self.end()
        into.answer(audio.sdp())
        audio.use(into.request)
        self.speaks("1004", audio, into)
        self.dialogs["1001"].wait_bye()
        self.asked_again("1003", "1004")

    def asked_again(self, *numbers):
        """They hear each other; whoever is asked again says what it has."""
        end = time.monotonic() + PATIENCE_S
        while True:
            for number in numbers:
                or_none(self.dialogs[number].wait_reinvite, self.audio[number].sdp(version=2), 0.05)
            if self.shares(numbers[0]).get(HERTZ[numbers[1]], 0) > 0.5 and self.shares(numbers[1]).get(HERTZ[numbers[0]], 0) > 0.5:
                return
            self.assertLess(time.monotonic(), end, [self.shares(number) for number in numbers])

    def test_the_host_leaves_over_a_kill(self):
        """Killed with three in it, and killed once more when two are left."""
        self.confers()
        self.restart()
        self.all_hear("1001", "1002", "1003")
        self.hangs_up("1001")
        until(lambda: not self.node.ctl("conference.list"), lambda: self.node.ctl("conference.list"))
        self.all_hear("1002", "1003")
        until(lambda: all(call["saved"] for call in self.node.ctl("call.list")), lambda: "not saved")
        self.restart()
        self.all_hear("1002", "1003")

    def kernel_refused(self):
        return kernel(self.node.process.pid)["RcvbufErrors"]

    def reports(self, audio):
        """(fraction lost, packets lost) of each report that it got of what it sent."""
        found = []
        for _, _, data in list(audio.rtcp_packets):
            while len(data) >= 8:
                kind, length = data[1], 4 * (1 + int.from_bytes(data[2:4], "big"))
                at = {200: 28, 201: 8}.get(kind, length)
                blocks = [data[n:n + 24] for n in range(at, at + 24 * (data[0] & 31), 24)] if at < length else []
                found += [(block[4], int.from_bytes(block[5:8], "big", signed=True)) for block in blocks
                          if block[:4] == audio.ssrc.to_bytes(4, "big")]
                data = data[length:]
        return found

    def test_no_loss_is_reported(self):
        """CONF-15: at the set-up of a conference, and at its release, also of a phone that begins another stream for it."""
        refused = self.kernel_refused()
        self.confers()
        changed = self.audio["1002"]
        changed.stop()
        changed.ssrc, changed.seq, changed.ts = changed.ssrc ^ 0x5555, changed.seq + 20000, changed.ts + 1_000_000
        self.speaks("1002", changed, self.dialogs["1002"])
        for number in ("1001", "1002", "1003"):
            until(lambda number=number: len(self.reports(self.audio[number])) >= 3, lambda number=number: self.reports(self.audio[number]))
        self.hangs_up("1001")
        until(lambda: not self.node.ctl("conference.list"), lambda: self.node.ctl("conference.list"))
        for number in ("1002", "1003"):
            before = len(self.reports(self.audio[number]))
            until(lambda number=number, before=before: len(self.reports(self.audio[number])) > before, lambda: "no report")
        refused = self.kernel_refused() - refused      # a node that stands still for seconds has no room for what comes
        for number in ("1001", "1002", "1003"):
            lost = set(self.reports(self.audio[number])) - {(0, 0)}
            self.assertTrue(not lost or refused and max(packets for _, packets in lost) <= refused, (number, lost, refused))

    def test_all_are_muted(self):
        """CALL-09, CONF-11: all but the host, by one command; who is no host and invited nobody may not."""
        room = self.confers()
        rows = self.members("1001", "1002", "1003")
        host, other = rows["1001"]["member"], rows["1002"]["member"]
        self.node.ctl("conference.mute_all", conference=room, by=host)
        self.hears("1001")
        self.hears("1002", "1001")
        with self.assertRaisesRegex(ServerError, "not_allowed"):
            self.node.ctl("conference.unmute_all", conference=room, by=other)
        self.node.ctl("conference.unmute_all", conference=room, by=host)
        self.all_hear("1001", "1002", "1003")
        self.node.ctl("conference.hold_all", conference=room)
        self.hears("1001")
        self.node.ctl("conference.resume_all", conference=room)
        self.all_hear("1001", "1002", "1003")

    def test_a_mailbox_is_not_added(self):
        """BEAT-10, CONF-14: whom 1001 called has an application answer, and the key is pressed twice: 1001 and 1002 speak on."""
        self.node.ctl("extension.put", number="1004", application="mailbox")
        first, _ = self.talk("1001", "1002")
        end = self.end()
        out = self.agents["1001"].invite("1004", end.sdp())
        out.wait_provisional(180)
        second, = {row["id"] for row in self.node.ctl("call.list")} - {first}
        self.node.ctl("call.answer", call=second)
        out.wait_answer()
        for _ in range(2):
            with self.assertRaisesRegex(ServerError, "conflict"):
                self.node.ctl("conference.add", call=first, leg="a", **{"with": second})
        self.all_hear("1001", "1002")
        self.assertEqual({row["id"] for row in self.node.ctl("call.list")}, {first, second})

    def test_one_is_rung(self):
        """Until 1003 answers the two speak with each other."""
        call, _ = self.talk("1001", "1002")
        room = self.node.ctl("conference.add", call=call, leg="a", to="1003")["id"]
        into = self.agents["1003"].incoming()
        into.ring()
        self.all_hear("1001", "1002")
        audio = self.end()
        into.answer(audio.sdp())
        audio.use(into.request)
        self.speaks("1003", audio, into)
        self.all_hear("1001", "1002", "1003")
        self.node.ctl("conference.invite", conference=room, to="1004")
        into = self.agents["1004"].incoming()
        into.reject(486)
        self.members("1001", "1002", "1003")
        self.node.ctl("conference.end", conference=room)
        for number in ("1001", "1002", "1003"):
            self.dialogs[number].wait_bye()
        until(lambda: not self.node.ctl("conference.list"), lambda: "it is over")


if __name__ == "__main__":
    unittest.main()
