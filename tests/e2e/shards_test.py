# SPDX-License-Identifier: Apache-2.0
"""A node with three shards: calls in each of them go on over a kill of the node, and where another node takes one of the shards, the
calls of the others go on and new ones are taken. Calls of two shards become one conversation."""
import time
import unittest
from urllib.parse import quote

from lib.hep import SIP, Collector
from lib.node import Node
from lib.place import NODE
from lib.sip import SipError, or_none, parameter
from patience import PATIENCE_S
from server import ServerError
from video_test import LINE, video_port

SHARDS = (1, 2, 3)
DIGITS = "0123456789abcdefghijklmnopqrstuv"
OTHER = "9.00000000000000ff.1"      # fence of another owner: its counter is higher


def shard_of(call):
    """The first 16 bits of a call id."""
    value = 0
    for digit in call:
        value = value * 32 + DIGITS.index(digit)
    return value >> 48


class Talk:
    """A call between two phones, with sound both ways, and with pictures."""

    def __init__(self, test, caller=None, callee=None, video=False):
        caller, callee = caller or test.a, callee or test.b
        self.audio_a, self.audio_b, self.video_a, self.video_b = ends = [test.node.media() for _ in range(4)]
        for end in ends:
            test.addCleanup(end.close)
        before = {row["id"] for row in test.node.ctl("call.list")}
        lines = [LINE.format(end.port) if video else "" for end in ends[2:]]
        self.out = caller.invite(callee.number, self.audio_a.sdp() + lines[0])
        self.into = callee.incoming()
        self.into.answer(self.audio_b.sdp() + lines[1])
        for message, audio, picture in ((self.out.wait_answer(), self.audio_a, self.video_a),
                                        (self.into.request, self.audio_b, self.video_b)):
            audio.use(message)
            if video:
                picture.remote = (NODE, video_port(message.text))
        self.call, = {row["id"] for row in test.node.ctl("call.list")} - before
        self.shard = shard_of(self.call)

    def talks(self):
        ends = ((self.audio_a, 440), (self.audio_b, 880))
        for audio, hertz in ends:
            audio.start(hertz)
        for audio, _ in ends:
            audio.wait_packets(40)
        for audio, _ in ends:
            audio.stop()
        return (self.audio_a.heard()[0], self.audio_b.heard()[0]) == (880, 440)

    def hang_up(self):
        self.out.bye()
        self.into.wait_bye()


class ShardsTest(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.node = Node(settings={"node": {"shards": [2, 3]}, **self.settings}, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.a, self.b = (self.phone(number) for number in ("1001", "1002"))

    def phone(self, number):
        self.node.put_extension(number, "secret" + number)
        agent = self.node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register(expires=600).status, 200)
        return agent

    def one_in_each(self, shards=SHARDS):
        """A call in each of them: whose a call is its Call-ID decides."""
        talks = {}
        for _ in range(60):
            talk = Talk(self)
            if talk.shard in talks:
                talk.hang_up()
            else:
                talks[talk.shard] = talk
            if len(talks) == len(shards):
                break
        self.assertEqual(set(talks), set(shards))
        return talks

    def ids(self, **given):
        return {row["id"] for row in self.node.ctl("call.list", **given)}

    def wait_calls(self, calls, seconds=PATIENCE_S):
        end, calls = time.monotonic() + seconds, set(calls)
        while (ids := self.ids(ending=True)) != calls:
            self.assertLess(time.monotonic(), end, f"calls {ids}, not {calls}")
            time.sleep(0.05)

    def take(self, shard, seconds=60):
        """As another node does that owns it now, with leases of this length."""
        with self.node.redis() as redis:
            redis("HSET", f"td:{{s{shard}}}:lease", "node", "other", "incarnation", "00000000000000ff", "counter", "9",
                  "link", "1", "until", "-", "fence", OTHER, "place", "elsewhere", "identity", "another",
                  "owner", "00000000000000bb.00000000000000ff", "renewal", "1", "length", str(seconds * 1000))
            redis("SET", f"td:{{s{shard}}}:fence", OTHER)


class Shards(ShardsTest):
    def test_kill(self):
        """All of them go on; each has records and CDRs of its own."""
        talks = self.one_in_each()
        with self.node.redis() as redis:
            for shard, talk in talks.items():
                self.assertEqual(redis("HEXISTS", f"td:{{s{shard}}}:rec", talk.call), 1)
        self.node.kill()
        self.node.restart()
        self.wait_calls(talk.call for talk in talks.values())
        for talk in talks.values():
            self.assertTrue(talk.talks())
        self.assertEqual(self.node.ctl("call.show", call=talks[3].call)["id"], talks[3].call)
        self.node.ctl("call.hangup", call=talks[2].call)
        talks[2].out.wait_bye()
        talks[2].into.wait_bye()
        for shard in (1, 3):
            talks[shard].hang_up()
        self.wait_calls(())
        with self.node.redis() as redis:
            for shard in SHARDS:
                self.assertGreater(redis("XLEN", f"td:{{s{shard}}}:cdr"), 0)
        ended = {row["id"] for row in self.node.ctl("cdr.list", limit=200)}
        self.assertLessEqual({talk.call for talk in talks.values()}, ended)
        self.assertEqual([row["id"] for row in self.node.ctl("cdr.list", call=talks[2].call)], [talks[2].call])

    def test_cancel_and_commands(self):
        """A CANCEL finds its call, and so does a command."""
        audio = self.node.media()
        self.addCleanup(audio.close)
        for _ in range(6):
            out = self.a.invite("1002", audio.sdp())
            ringing = self.b.incoming()
            ringing.ring()
            out.wait_provisional(180)
            out.cancel()
            ringing.wait_cancel()
            self.assertEqual(out.wait_final().status, 487)
        self.wait_calls(())
        talks = self.one_in_each()
        with self.assertRaisesRegex(ServerError, "no such call"):
            self.node.ctl("call.hangup", call="0" * 13)
        for talk in talks.values():
            talk.hang_up()
        self.wait_calls(())

    def test_one_is_taken(self):
        """Not a word more of its calls, and no CDR; the others go on, with sound, and new calls work. The last one takes the node along."""
        talks = self.one_in_each()
        self.take(2)
        self.wait_calls((talks[1].call, talks[3].call))
        self.assertIn("it is silent from now on", self.node.log_text())
        self.assertTrue(talks[1].talks() and talks[3].talks())
        talks[2].audio_a.start(440)
        talks[2].audio_b.start(880)
        time.sleep(0.3)
        ends = talks[2].audio_a, talks[2].audio_b
        before = [len(audio.packets) for audio in ends]
        time.sleep(0.3)
        self.assertEqual([len(audio.packets) for audio in ends], before)
        with self.assertRaises(SipError):
            talks[2].out.bye(seconds=2)
        self.assertEqual(self.b.count(lambda message: message.is_request and message.method == "BYE"
                                      and message.call_id == talks[2].into.call_id), 0)
        status, body = self.node.http("/healthz")
        self.assertEqual((status, "shard_lost" in body), (200, True))
        self.assertEqual(self.node.http("/readyz")[0], 200)
        self.assertIn('tandem_shards{state="lost"} 1', self.node.http("/metrics")[1])
        for _ in range(4):
            talk = Talk(self)
            self.assertIn(talk.shard, (1, 3))
            self.assertTrue(talk.talks())
            talk.hang_up()
        for shard in (1, 3):
            talks[shard].hang_up()
        self.wait_calls(())
        self.assertNotIn(talks[2].call, {row["id"] for row in self.node.ctl("cdr.list", limit=200)})
        self.assertEqual(self.a.register(expires=600).status, 200)
        self.take(1)
        self.take(3)
        self.assertNotEqual(self.node.process.wait(20), 0)
        self.node.killed = True

    def test_one_waits(self):
        """A lease that another left is watched until it is past: the others do not wait, and then its calls go on, too."""
        talks = self.one_in_each()
        self.node.kill()
        self.take(3, seconds=5)
        self.node.restart()
        self.wait_calls((talks[1].call, talks[2].call))
        self.assertIn('tandem_shards{state="waiting"} 1', self.node.http("/metrics")[1])
        for shard in (1, 2):
            self.assertTrue(talks[shard].talks())
        self.wait_calls((talk.call for talk in talks.values()))
        self.assertTrue(talks[3].talks())
        for talk in talks.values():
            talk.hang_up()
        self.wait_calls(())


class Across(ShardsTest):
    """1001 speaks with 1002 in one shard, and 1002 with 1003 in another."""

    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.settings = {"hep": {"collector": self.collector.address}}
        super().setUp()
        self.c = self.phone("1003")
        self.first = Talk(self, video=True)
        for _ in range(60):
            self.second = Talk(self, self.b, self.c, video=True)
            if self.second.shard != self.first.shard:
                return
            self.second.hang_up()
        self.fail("all calls are in one shard")

    def reoffered(self, dialog, audio, video):
        """Who is asked again says what it has."""
        if or_none(dialog.wait_reinvite, audio.sdp(version=2) + LINE.format(video.port), 0.05):
            self.reoffered(dialog, audio, video)

    def see_each_other(self):
        """A packet of a picture of either comes to the other one."""
        ends = self.first.video_a, self.second.video_b
        for source, sink in (ends, ends[::-1]):
            payload = b"\x41" + len(sink.packets).to_bytes(4, "big")
            end = time.monotonic() + PATIENCE_S
            while not [packet for packet in sink.packets if packet.payload == payload]:
                self.assertLess(time.monotonic(), end)
                source.send(payload, pt=97, marker=True)
                time.sleep(0.02)

    def hear_each_other(self):
        ends = (self.first.audio_a, 440, 880), (self.second.audio_b, 880, 440)
        for audio, hertz, _ in ends:
            audio.start(hertz)
        end = time.monotonic() + PATIENCE_S
        while any(abs(audio.heard()[0] - other) > 3 for audio, _, other in ends):
            self.assertLess(time.monotonic(), end, [audio.heard() for audio, _, _ in ends])
            self.reoffered(self.first.out, self.first.audio_a, self.first.video_a)
            self.reoffered(self.second.into, self.second.audio_b, self.second.video_b)
        for audio, _, _ in ends:
            audio.stop()
        self.see_each_other()

    def go_on_over_a_kill(self):
        """1002 has left; the other two speak, and what one of them ends ends both calls."""
        self.second.out.wait_bye()
        self.first.into.wait_bye()
        self.hear_each_other()
        self.assertGreater(self.node.metric("tandem_media_handed_packets_total"), 0)
        self.wait_calls((self.first.call, self.second.call))
        self.node.kill()
        self.node.restart()
        self.wait_calls((self.first.call, self.second.call))
        self.hear_each_other()
        self.first.out.bye()
        self.second.into.wait_bye()
        self.wait_calls(())

    def test_attended_transfer(self):
        dialog, tags = self.second.out, "to-tag={};from-tag={}"
        value = f"{dialog.call_id};{tags.format(parameter(dialog.remote, 'tag'), parameter(dialog.local, 'tag'))}"
        refer = self.first.into.in_dialog("REFER", [("Refer-To", f"<sip:1003@127.0.0.1?Replaces={quote(value, safe='')}>")])
        self.assertEqual(self.first.into.transact(refer).status, 202)
        for line in (b"SIP/2.0 100 Trying\r\n", b"SIP/2.0 200 OK\r\n"):
            notify = self.b.take_request("NOTIFY", call_id=self.first.into.call_id)
            self.assertEqual(notify.body, line)
            self.b.respond(notify, 200, "OK")
            self.reoffered(self.first.out, self.first.audio_a, self.first.video_a)
        self.go_on_over_a_kill()

    def test_joined_by_command(self):
        """Who watches sees what the shards say to each other: what was sent in one call, and what came in the other."""
        self.node.ctl("call.join", call=self.first.call, leg="a", **{"with": self.second.call, "with_leg": "b"})
        self.go_on_over_a_kill()
        for call in (self.first.call, self.second.call):
            for word in ("BYE ", "SIP/2.0 200 "):
                self.collector.wait(lambda copy: copy.kind == SIP and copy.call == call and copy.text.startswith(word)
                                    and "Via: SIP/2.0/CELL " in copy.text and " BYE\r\n" in copy.text)

    def test_replaced(self):
        """1002 takes a call over on another phone, whichever shard has that call."""
        again, audio = self.node.user_agent("1002", "secret1002"), self.node.media()
        self.addCleanup(again.close)
        self.addCleanup(audio.close)
        for dialog, other, theirs in ((self.first.into, self.first.out, (self.first.audio_a, self.first.video_a)),
                                      (self.second.out, self.second.into, (self.second.audio_b, self.second.video_b))):
            value = f"{dialog.call_id};to-tag={parameter(dialog.remote, 'tag')};from-tag={parameter(dialog.local, 'tag')}"
            taken = again.invite("1001", audio.sdp(), [("Replaces", value)])
            taken.wait_answer()
            dialog.wait_bye()
            self.reoffered(other, *theirs)
            taken.bye()
            other.wait_bye()
        self.wait_calls(())


if __name__ == "__main__":
    unittest.main()
