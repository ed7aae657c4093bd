# SPDX-License-Identifier: Apache-2.0
"""A second call waits for an extension that speaks, whatever phone it has: CALL-12 to CALL-14, BEAT-06."""
import time

import tone

from forward_test import ForwardTest
from patience import slowness, until
from server import ServerError
from taken_test import Cluster, Talk

SHARED = True

BEEP = 425                      # of the tones etsi: 200 ms, twice, each 4 s
STEP = 5                        # packets that are looked at together: 0.1 s


def beeps(end, since):
    """When each tone of those that it heard since then began."""
    packets, begun, sounds = end.audio(since), [], False
    for at in range(0, len(packets) - STEP, STEP):
        part = end.codec.samples([packet.payload for packet in packets[at:at + STEP]])
        before, sounds = sounds, tone.power(part, end.codec.rate, BEEP) > 5_000_000
        if sounds and not before:
            begun.append(packets[at].at)
    return begun


class Waiting(ForwardTest):
    """1001 speaks with 1002, for whom 1003 waits."""

    def setUp(self):
        super().setUp()
        self.forward(call_waiting="single")

    def talks(self):
        self.out, self.into, _ = self.connect()
        self.audio_a.start(880)
        self.audio_b.start(1130)
        self.audio_a.wait_packets(30)

    def waits(self):
        """1003 hears that it rings, and 1002 has no second INVITE."""
        waits = self.c.invite("1002", self.audio_c.sdp())
        waits.wait_provisional(180)
        time.sleep(0.3)
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 1)
        return waits

    def is_told(self, end, count=2):
        since = time.monotonic()
        until(lambda: len(beeps(end, since)) >= count, lambda: f"{beeps(end, since)}")

    def takes(self, waits):
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_c.use(waits.wait_answer())
        self.audio_b.use(into.request)
        self.audio_c.start(440)
        self.audio_b.wait_tone(440, anew=True)
        self.audio_c.wait_tone(1130, anew=True)
        return into

    def test_who_speaks_is_told(self):
        """By a tone that the other one does not hear, among what that one says; then it hangs up, and is rung."""
        self.talks()
        since = time.monotonic()
        waits = self.waits()
        self.is_told(self.audio_b, count=4)
        apart = beeps(self.audio_b, since)[:4]
        self.assertAlmostEqual(apart[1] - apart[0], 0.8, delta=0.3 * slowness())
        self.assertAlmostEqual(apart[2] - apart[0], 4.0, delta=0.5 * slowness())
        self.assertEqual(beeps(self.audio_a, since), [])
        self.audio_b.wait_tone(880, anew=True)
        self.assertEqual(self.audio_b.lost(), 0)
        self.audio_a.stop()
        self.into.bye()
        self.out.wait_bye()
        into = self.takes(waits)
        since = time.monotonic() + 0.5
        time.sleep(4.5)
        self.assertEqual(beeps(self.audio_b, since), [])
        waits.bye()
        into.wait_bye()

    def test_one_more_is_busy(self):
        self.talks()
        waits = self.waits()
        self.node.put_extension("1004", "secret1004")
        more = self.node.user_agent("1004", "secret1004")
        self.addCleanup(more.close)
        self.assertEqual(more.register().status, 200)
        self.assertEqual(more.invite("1002", self.audio_c.sdp()).wait_final().status, 486)
        waits.cancel()
        self.assertEqual(waits.wait_final().status, 487)
        since = time.monotonic() + 0.5
        time.sleep(4.5)
        self.assertEqual(beeps(self.audio_b, since), [])

    def test_over_a_kill(self):
        """It waits on behind a kill of the node, and who speaks is told again."""
        self.talks()
        waits = self.waits()
        self.is_told(self.audio_b)
        self.saved()
        self.node.kill()
        self.node.restart()
        for agent in (self.a, self.b, self.c):
            self.assertEqual(agent.register().status, 200)
        self.is_told(self.audio_b)
        self.audio_a.stop()
        self.out.bye()
        self.into.wait_bye()
        self.takes(waits)

    def test_it_is_taken_by_command(self):
        """The phone rings beside its call, and holds that when it takes the other one."""
        self.talks()
        waits = self.waits()
        told, = [event for event in self.node.events() if event["type"] == "call.call_waiting"]
        self.assertEqual((told["from"], told["to"]), ("1003", "1002"))
        self.node.ctl("call.accept", call=told["call"])
        with self.assertRaisesRegex(ServerError, "conflict"):
            self.node.ctl("call.accept", call=told["call"])
        self.audio_a.stop()
        self.takes(waits)

    def test_held(self):
        """Who holds is rung."""
        self.talks()
        waits = self.waits()
        call, = [call["id"] for call in self.calls() if call["state"] == "established"]
        self.audio_a.stop()
        self.node.ctl("call.hold", call=call, leg="b")
        self.out.wait_reinvite(self.audio_a.sdp(direction="recvonly", version=2))
        self.takes(waits)

    def test_busy_instead(self):
        self.forward(call_waiting="off")
        self.talks()
        self.assertEqual(self.c.invite("1002", self.audio_c.sdp()).wait_final().status, 486)

    def test_live_call(self):
        """CALL-14: 1002, who is busy else, hears a prompt, is in a conference, or pages: 1003 waits, over a kill too."""
        self.forward(call_waiting="off", live_call="true")
        self.node.ctl("flow.put", name="news", program=[{"answer": {}}, {"pause": {"seconds": 60}}])
        self.node.ctl("number.put", number="7001", to="flow:news")
        self.node.ctl("room.put", number="7002")
        self.node.ctl("page.put", name="all", members="1001")
        self.node.ctl("number.put", number="7003", to="page:all")
        for number in ("7001", "7002", "7003"):
            out = self.b.invite(number, self.audio_b.sdp())
            self.audio_b.use(out.wait_answer())
            waits = self.c.invite("1002", self.audio_c.sdp())
            waits.wait_provisional(180)
            self.assertEqual(self.calls_of("1003"), ["ringing"])
            if number == "7002":
                self.saved()
                self.node.kill()
                self.node.restart()
                for agent in (self.b, self.c):
                    self.assertEqual(agent.register().status, 200)
            out.bye()
            into = self.b.incoming()
            into.answer(self.audio_b.sdp())
            waits.wait_answer()
            waits.bye()
            into.wait_bye()

    def calls_of(self, user):
        return [call["state"] for call in self.calls() if call["from"] == user]

    def test_a_desk_phone(self):
        """A baresip, with one line that knows of nothing."""
        self.node.put_extension("2001", "secret2001")
        self.node.ctl("extension.put", number="2001", call_waiting="single")
        phone = self.node.phone("2001", "secret2001", extra="answermode=auto")
        self.addCleanup(phone.quit)
        out = self.a.invite("2001", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        waits = self.c.invite("2001", self.audio_c.sdp())
        waits.wait_provisional(180)
        time.sleep(0.5)
        self.assertEqual(self.calls_of("1003"), ["ringing"])
        out.bye()
        self.audio_c.use(waits.wait_answer())
        waits.bye()


class OfNodes(Cluster):
    """The call is at node a, and who waits calls node b."""

    def test_waits(self):
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.a.ctl("extension.put", number="1002", call_waiting="single")
        self.registers(17, "1001", "1002")
        self.registers(18, "1003")
        talk = Talk(self, 17).answer().speaks()
        mine = self.b.media()
        self.addCleanup(mine.close)
        waits = self.phones[18, "1003"].invite("1002", mine.sdp())
        waits.wait_provisional(180)
        since = time.monotonic()
        until(lambda: len(beeps(talk.ends[1], since)) >= 2, lambda: f"{beeps(talk.ends[1], since)}")
        talk.quiet()
        talk.hang_up()
        into = self.phones[17, "1002"].incoming()
        into.answer(talk.ends[1].sdp())
        mine.use(waits.wait_answer())
        talk.ends[1].use(into.request)
        mine.start(440)
        talk.ends[1].start(880)
        mine.wait_tone(880, anew=True)
        talk.ends[1].wait_tone(440, anew=True)
        waits.bye()
        into.wait_bye()
