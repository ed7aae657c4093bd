# SPDX-License-Identifier: Apache-2.0
"""SRTP by SDES: ends that wrote RFC 3711 themselves hear each other, and whoever lacks the key is not heard."""
import glob
import os
import re
import threading
import time
import unittest

from lib.codec import PCMA, PCMU
from lib.place import NODE, PARTY
from lib.srtp import SUITES, Key
from lib.streams import Streams
from ports import Ports

from call_test import CallTest
from patience import until
from record_test import has, sides

import tone

SHARED = True

FRAMES = {(codec, hertz): codec.frames(hertz) for codec in (PCMU, PCMA) for hertz in (440, 880)}


def codec_of(end):
    return PCMA if end.pt == 8 else PCMU


class SrtpTest(CallTest):
    def setUp(self):
        super().setUp()
        for number in ("1001", "1002"):
            self.put(number, True)

    def put(self, number, insecure):
        """Keys go over UDP where that is said."""
        self.node.ctl("extension.put", secret=f"secret{number}\n", number=number, password="-",
                      sdes_insecure=str(insecure).lower())

    def sdp(self, end, version=1, keys=None):
        keys = keys if keys is not None else [end.key_out] if end.key_out else []
        lines = "".join(key.line(tag) for tag, key in enumerate(keys, 1))
        return (f"v=0\r\no=- {end.ssrc} {version} IN IP4 {PARTY}\r\ns=-\r\nc=IN IP4 {PARTY}\r\nt=0 0\r\n"
                f"m=audio {end.port} RTP/{'SAVP' if keys else 'AVP'} {end.pt}\r\n{lines}a=sendrecv\r\n")

    def use(self, end, message):
        end.remote = (NODE, int(re.search(r"^m=audio (\d+)", message.text, re.M)[1]))
        end.key_in = Key.of_sdp(message.text)

    def dial(self, first, second):
        """An answered call: (caller's dialog, callee's)."""
        out = self.a.invite("1002", self.sdp(first))
        into = self.b.incoming()
        offered = Key.of_sdp(into.request.text)
        if second.key_out and offered:
            second.key_out = Key(second.key_out.octets, offered.suite)      # it answers what it is offered
        into.answer(self.sdp(second))
        self.use(first, out.wait_answer())
        self.use(second, into.request)
        return out, into

    def exchange(self, first, second, seconds=1.2):
        """Both play a tone; each hears the other's."""
        for end, hertz in ((first, 440), (second, 880)):
            end.tone = FRAMES[codec_of(end), hertz]
        marks = len(first.heard), len(second.heard)
        for _ in range(int(seconds * 50)):
            for end in (first, second):
                end.send(0)
            time.sleep(0.02)
            for end in (first, second):
                end.read()
        for end, mark, hertz in ((first, marks[0], 880), (second, marks[1], 440)):
            heard, share = tone.loudest(codec_of(end).samples(end.heard[mark + 5:]), 8000)
            self.assertAlmostEqual(heard, hertz, delta=3)
            self.assertGreater(share, 0.9)
            self.assertEqual((end.forged, end.reused), (0, 0))

    def hang_up(self, out, into):
        out.bye()
        into.wait_bye()
        self.ended()


class Srtp(SrtpTest):
    def test_each_suite_and_plain(self):
        """Both encrypted with either suite, and encrypted against plain in both directions; keys are each leg's own."""
        suites = [*SUITES, None]
        for mine in suites:
            for theirs in suites:
                with self.subTest(caller=mine, callee=theirs):
                    first, second = self.fresh(mine), self.fresh(theirs)
                    self.put("1002", theirs is not None)
                    out, into = self.dial(first, second)
                    self.exchange(first, second, 0.8)
                    self.assertEqual(bool(first.key_in), mine is not None)
                    keys = {key.octets for end in (first, second) for key in (end.key_in, end.key_out) if key}
                    self.assertEqual(len(keys), 2 * ((mine is not None) + (theirs is not None)))
                    self.hang_up(out, into)

    def fresh(self, suite):
        """A new end on new ports."""
        ports = Ports(2)
        self.addCleanup(ports.close)
        streams = Streams(ports.take(2), 1)
        self.addCleanup(streams.close)
        end = streams.ends[0]
        end.key_out = Key(suite=suite) if suite else None
        return end

    def test_the_index_goes_over_16_bits(self):
        """RFC 3711 3.3.1: the sequence number wraps and nobody loses a packet."""
        first, second = (self.fresh("AES_CM_128_HMAC_SHA1_80") for _ in range(2))
        first.seq = second.seq = 65500
        out, into = self.dial(first, second)
        self.exchange(first, second, 2.5)       # 75 of 125, where the machine is busy
        for end in (first, second):
            self.assertGreaterEqual(len(end.heard), 75)
        self.hang_up(out, into)

    def test_a_new_key_in_a_reinvite(self):
        first, second = (self.fresh("AES_CM_128_HMAC_SHA1_80") for _ in range(2))
        out, into = self.dial(first, second)
        self.exchange(first, second)
        self.rekey(out, into, first, second)
        first.seq += 1000
        self.exchange(first, second)
        self.hang_up(out, into)

    def rekey(self, out, into, first, second):
        """The caller says another key."""
        first.key_out = Key()
        asked = []
        waiting = threading.Thread(target=lambda: asked.append(into.wait_reinvite(self.sdp(second, 2))))
        waiting.start()
        response = out.reinvite(self.sdp(first, 2))
        waiting.join()
        self.assertEqual(response.status, 200)
        self.use(first, response)
        self.use(second, asked[0])

    def test_a_new_key_behind_a_wrap(self):
        """RFC 3711 3.3.1: a new key does not reset the rollover counter.  Who resets it is heard, too; also over a kill."""
        for continues, killed in ((True, False), (False, False), (False, True)):
            with self.subTest(continues=continues, killed=killed):
                first, second = (self.fresh("AES_CM_128_HMAC_SHA1_80") for _ in range(2))
                first.seq = 65500
                out, into = self.dial(first, second)
                self.exchange(first, second)
                self.assertGreater(first.seq, 65536)
                self.rekey(out, into, first, second)
                if not continues:
                    first.seq %= 65536
                if killed:
                    self.node.kill()
                    self.node.restart()
                mark = len(second.heard)
                self.exchange(first, second)
                self.assertGreaterEqual(len(second.heard) - mark, 55)
                self.hang_up(out, into)

    def test_a_new_key_of_who_is_transcoded_and_recorded(self):
        """Also over a kill behind the new key, where the counter goes on or begins at 0."""
        self.node.ctl("extension.put", number="1001", record="on_demand")
        self.put("1002", False)
        for continues, killed in ((True, False), (False, False), (True, True), (False, True)):
            with self.subTest(continues=continues, killed=killed):
                first, second = self.fresh("AES_CM_128_HMAC_SHA1_80"), self.fresh(None)
                first.seq, second.pt = 65500, 8
                out = self.a.invite("1002", self.sdp(first))
                self.b.incoming().reject(488, "Not Acceptable Here")        # and is asked once more
                into = self.b.incoming()
                into.answer(self.sdp(second))
                self.use(first, out.wait_answer())
                self.use(second, into.request)
                call = self.calls()[0]["id"]
                self.node.ctl("call.record", call=call, leg="a", state="on")
                self.exchange(first, second)
                self.assertGreater(first.seq, 65536)
                self.rekey(out, into, first, second)
                if not continues:
                    first.seq %= 65536
                if killed:
                    self.saved()
                    self.node.kill()
                    self.node.restart()
                mark = len(second.heard)
                self.exchange(first, second)
                self.assertGreaterEqual(len(second.heard) - mark, 55)
                self.hang_up(out, into)
                self.recorded(call)

    def recorded(self, call):
        """Both are in its files: 2.4 s of each, but for what a kill cut."""
        def files():
            return glob.glob(f"{self.node.folder}/recordings/**/{call}*.wav", recursive=True)
        until(lambda: files() and all(os.path.exists(path + ".json") for path in files()), files)
        for side, hertz in enumerate((440, 880)):
            self.assertGreater(sum(has(sides(path)[side], hertz) for path in files()), 12)

    def test_without_the_key_nobody_is_heard(self):
        """Plain RTP, another key, an old packet again, a changed bit: each is dropped under a name."""
        first, second = (self.fresh("AES_CM_128_HMAC_SHA1_80") for _ in range(2))
        out, into = self.dial(first, second)
        self.exchange(first, second, 0.6)
        packet = (b"\x80\x00" + (first.seq & 0xffff).to_bytes(2, "big") + bytes(4)
                  + first.ssrc.to_bytes(4, "big") + bytes(160))
        good = first.key_out.protect(packet, first.seq)
        old = first.key_out.protect(packet[:2] + (first.seq - 3 & 0xffff).to_bytes(2, "big") + packet[4:], first.seq - 3)
        rows = [("plain", packet), ("another key", Key().protect(packet, first.seq)), ("again", old),
                ("a bit", good[:50] + bytes([good[50] ^ 1]) + good[51:]), ("cut", good[:-1])]
        second.read()
        heard = len(second.heard)
        for name, data in rows:
            with self.subTest(name):
                before = self.dropped()
                for _ in range(10):
                    first.socket.sendto(data, first.remote)
                time.sleep(0.2)
                second.read()
                self.assertEqual(len(second.heard) + second.forged, heard)
                grown = {reason: count - before[reason] for reason, count in self.dropped().items()
                         if count > before[reason]}
                self.assertEqual(sum(grown.values()), 10, grown)
                self.assertTrue(all("srtp" in reason for reason in grown), grown)
        self.exchange(first, second, 0.6)
        self.hang_up(out, into)

    def dropped(self):
        rows = [line for line in self.node.http("/metrics")[1].splitlines()
                if line.startswith("tandem_media_dropped_packets_total{")]
        return {line.split('"')[1]: int(float(line.rpartition(" ")[2])) for line in rows}

    def test_keys_are_not_sent_where_others_can_read_them(self):
        """SEC-01: without sdes_insecure an offer of SRTP over UDP is refused, and none is made."""
        self.put("1001", False)
        self.put("1002", False)
        first, second = self.fresh("AES_CM_128_HMAC_SHA1_80"), self.fresh(None)
        out = self.a.invite("1002", self.sdp(first))
        self.assertEqual(out.wait_final().status, 488)
        out, into = self.dial(self.fresh(None), second)
        self.assertNotIn("crypto", into.request.text)
        self.assertIn("RTP/AVP ", into.request.text)
        self.hang_up(out, into)

    def test_no_key_is_logged_or_shown(self):
        first, second = (self.fresh("AES_CM_128_HMAC_SHA1_80") for _ in range(2))
        out, into = self.dial(first, second)
        call = self.calls()[0]["id"]
        shown = [self.node.log_text(), str(self.node.ctl("call.show", call=call)), self.node.http("/metrics")[1]]
        with self.node.redis() as redis:
            shown.append(str(redis("HGET", "td:{s1}:rec", call)))
        for key in (first.key_out, first.key_in, second.key_out, second.key_in):
            text = key.line().rpartition("inline:")[2].strip()
            for place in shown:
                self.assertNotIn(text, place)
                self.assertNotIn(repr(key.octets)[2:-1], place)
        self.hang_up(out, into)


if __name__ == "__main__":
    unittest.main()
