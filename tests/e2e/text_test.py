# SPDX-License-Identifier: Apache-2.0
"""Real-time text (RFC 4103): typed both ways beside audio, with its redundancy, over kills of the node, in clear and in SRTP."""
import re
import struct
import time
import unittest

from lib.media import Media
from lib.srtp import Key

from dialogs_test import DialogTest
from patience import PATIENCE_S

SHARED = True

T140, RED, BUFFER = 98, 100, 300        # payload types; 300 ms between packets (RFC 4103 5.1)


class TextEnd(Media):
    """A party that types: T.140 with two generations of redundancy (RFC 4103 4, RFC 2198 3)."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.before = []                # (timestamp, octets) of the newest two, the older one first

    def m_line(self, red=True):
        types, maps = f"{RED} {T140}", f"a=rtpmap:{RED} red/1000\r\na=fmtp:{RED} {T140}/{T140}/{T140}\r\n"
        return (f"m=text {self.port} RTP/{'SAVP' if self.key_out else 'AVP'} {types if red else T140}\r\n"
                f"a=rtpmap:{T140} t140/1000\r\na=fmtp:{T140} cps=30\r\n{maps if red else ''}"
                f"{self.key_out.line() if self.key_out else ''}")

    def use(self, sdp):
        text = sdp if isinstance(sdp, str) else sdp.text
        section = text[text.index("m=text "):]
        self.remote = (re.search(r"^c=IN IP4 (\S+)", text, re.M)[1], int(section.split()[1]))
        self.key_in = Key.of_sdp(section)
        return self

    def type(self, text, gone=False):
        """One packet; gone: it is lost on its way."""
        octets = text.encode()
        heads = b"".join(struct.pack("!I", 1 << 31 | T140 << 24 | (self.ts - at & 0x3fff) << 10 | len(old)) for at, old in self.before)
        payload = heads + bytes([T140]) + b"".join(old for _, old in self.before) + octets
        if gone:
            self.seq += 1
        else:
            self.send(payload, pt=RED, marker=not self.before)
        self.before = [*self.before, (self.ts, octets)][-2:]
        self.ts += BUFFER

    def typed(self):
        """The text that came, by the time of each piece, so that what was lost is there by a later packet."""
        pieces = {}
        for packet in list(self.packets):
            if packet.pt != RED:
                raise AssertionError(f"payload type {packet.pt}")
            heads, at = [], 0
            while packet.payload[at] & 0x80:
                head, = struct.unpack("!I", packet.payload[at:at + 4])
                heads.append((head >> 24 & 0x7f, packet.ts - (head >> 10 & 0x3fff), head & 0x3ff))
                at += 4
            kinds = {kind for kind, _, _ in heads} | {packet.payload[at]}
            if kinds != {T140}:
                raise AssertionError(f"blocks of {kinds}")
            at += 1
            for _, ts, size in heads:
                pieces[ts & 0xffffffff], at = packet.payload[at:at + size], at + size
            pieces[packet.ts] = packet.payload[at:]
        return b"".join(pieces[ts] for ts in sorted(pieces)).decode()


class TextTest(DialogTest):
    settings = {"media": {"timeout": "3s"}}

    def setUp(self):
        super().setUp()
        self.allow("t38,text")
        self.text_a, self.text_b = TextEnd(self.node.ports), TextEnd(self.node.ports)
        for end in (self.text_a, self.text_b):
            self.addCleanup(end.close)
            end.ts = 0x1000             # no turn of the clock within a test

    def allow(self, lines):
        self.node.ctl("profile.put", name="default", lines=lines)

    def talk(self, **options):
        out, into, answered = self.connect(self.audio_a.sdp(extra=self.text_a.m_line(**options)),
                                           self.audio_b.sdp(extra=self.text_b.m_line(**options)))
        self.text_a.use(answered)
        self.text_b.use(into.request)
        return out, into, answered

    def types(self, words):
        """Both at once, a word a packet."""
        for word in words:
            for end in (self.text_a, self.text_b):
                end.type(word)
            time.sleep(0.05)

    def reads(self, end, text, seconds=PATIENCE_S):
        until = time.monotonic() + seconds
        while end.typed() != text:
            self.assertLess(time.monotonic(), until, f"{end.typed()!r} is not {text!r}")
            time.sleep(0.02)

    def one_stream(self, end, other):
        """Ours, and not the other party's; no number twice."""
        packets = list(end.packets)
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        self.assertNotEqual(packets[0].ssrc, other.ssrc)
        numbers = [packet.seq for packet in packets]
        self.assertEqual(len(set(numbers)), len(numbers))

    def flows(self):
        return self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]


class Typed(TextTest):
    def test_both_ways_over_a_kill(self):
        """The redundancy names the same T.140 on both legs, and fills in for what was lost; who reads may be silent for long."""
        out, into, answered = self.talk()
        for text in (into.request.text, answered.text):
            self.assertRegex(text, rf"(?m)^m=text [1-9]\d* RTP/AVP {RED} {T140}\r\n")
            self.assertIn(f"a=fmtp:{RED} {T140}/{T140}/{T140}\r\n", text)
            self.assertIn(f"a=fmtp:{T140} cps=30\r\n", text)
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.types(("Hel", "lo ", "wör", "ld"))
        for end in (self.text_a, self.text_b):
            self.reads(end, "Hello wörld")
        self.assertEqual(sorted((flow["kind"], flow["line"]) for flow in self.flows()),
                         [("audio", 0), ("audio", 0), ("text", 1), ("text", 1)])
        self.node.kill()
        self.node.restart()
        self.text_a.type(" again", gone=True)
        for word in (" and", " more"):      # a packet at that very moment may be the dying process's
            self.text_a.type(word)
            self.text_b.type(word)
            time.sleep(0.3)
        self.reads(self.text_b, "Hello wörld again and more")
        self.reads(self.text_a, "Hello wörld and more")
        for end, other in ((self.text_a, self.text_b), (self.text_b, self.text_a)):
            self.one_stream(end, other)
        time.sleep(4)                   # longer than media.timeout
        self.text_a.type("!")
        self.reads(self.text_b, "Hello wörld again and more!")
        self.audio_a.stop()
        self.audio_b.stop()
        record = self.ended(out, into)
        self.assertEqual(record["lines"], "text")

    def test_held(self):
        """Who is held reads nothing, and what was typed meanwhile is nobody's."""
        out, into, _ = self.talk()
        self.types(("on",))
        self.reads(self.text_b, "on")
        self.node.ctl("call.hold", call=self.calls()[0]["id"], leg="a")
        asked = into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2,
                                                    extra=self.text_b.m_line() + "a=recvonly\r\n"))
        into.agent.take_request("ACK", 5, into.call_id)
        self.assertIn("a=sendonly", asked.text[asked.text.index("m=text "):])
        dropped = self.node.metric("tandem_media_dropped_packets_total", reason="not_receiving") or 0
        self.text_b.type("held")
        until = time.monotonic() + PATIENCE_S
        while (self.node.metric("tandem_media_dropped_packets_total", reason="not_receiving") or 0) == dropped:
            self.assertLess(time.monotonic(), until, "it is not dropped")
            time.sleep(0.02)
        self.assertEqual(self.text_a.typed(), "on")
        self.ended(out, into)

    def test_without_redundancy(self):
        """A party that has T.140 alone is offered and answered so (RFC 4103 5.2)."""
        out, into, answered = self.talk(red=False)
        self.assertRegex(answered.text, rf"(?m)^m=text [1-9]\d* RTP/AVP {T140}\r\n")
        self.text_a.send(b"x", pt=T140)
        until = time.monotonic() + PATIENCE_S
        while not self.text_b.packets:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        self.assertEqual((self.text_b.packets[0].pt, self.text_b.packets[0].payload), (T140, b"x"))
        self.ended(out, into)

    def test_not_where_a_profile_has_none(self):
        self.allow("t38")
        out, into, answered = self.connect(self.audio_a.sdp(extra=self.text_a.m_line()),
                                           self.audio_b.sdp(extra="m=text 0 RTP/AVP 98\r\n"))
        for text in (into.request.text, answered.text):
            self.assertIn("m=text 0 RTP/AVP", text)
        self.assertEqual(self.ended(out, into)["lines"], "")


class Secret(TextTest):
    def setUp(self):
        super().setUp()
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", sdes_insecure="true")

    def test_srtp_on_one_leg(self):
        """A party whose text has keys types with one that has none, over a kill."""
        self.text_a.key_out = Key()
        out, into, answered = self.talk()
        self.assertRegex(answered.text, r"(?m)^m=text [1-9]\d* RTP/SAVP ")
        self.assertRegex(into.request.text, r"(?m)^m=text [1-9]\d* RTP/AVP ")
        self.types(("se", "cret"))
        for end in (self.text_a, self.text_b):
            self.reads(end, "secret")
        self.node.kill()
        self.node.restart()
        self.types((" still", " is"))
        for end in (self.text_a, self.text_b):
            self.reads(end, "secret still is")
        self.assertEqual(self.text_a.forged, 0)
        self.ended(out, into)


if __name__ == "__main__":
    unittest.main()
