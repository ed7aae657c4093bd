# SPDX-License-Identifier: Apache-2.0
"""Calls between scripted peers: REG-02, REG-14, MED-01, MED-03, MED-07 and RFC 3261's corners."""
import re
import signal
import struct
import sys
import threading
import time
import unittest

from lib.message import parameter
from lib.node import Node
from lib import place
from lib.place import NODE, PARTY
from patience import PATIENCE_S, until

SHARED = True


class CallTest(unittest.TestCase):
    """Each test gets a node of its own with two registered extensions. In files with SHARED = True those of a class have one, with extensions
    and flows of their own each; and another one behind a test that left anything else there."""
    settings, node_options = None, {}
    spare = None                # the node that the test before had, in such files

    def setUp(self):
        self.node = self.shares()
        if not self.node:
            self.node = Node(settings=self.settings, **self.node_options)
            if getattr(sys.modules[type(self).__module__], "SHARED", False) and not (place.STORE or place.PORT):
                type(self).spare = self.node
                self.addClassCleanup(self.node.close)
            else:
                self.addCleanup(self.node.close)
        for number in ("1001", "1002"):
            self.node.put_extension(number, "secret" + number)
        self.a, self.b = (self.node.user_agent(n, "secret" + n) for n in ("1001", "1002"))
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        for thing in (self.a, self.b, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)
        for agent in (self.a, self.b):
            self.assertEqual(agent.register(expires=0, contact="*").status, 200)
            self.assertEqual(agent.register().status, 200)

    def shares(self):
        """The node of the test before, where it does, and nothing is left there."""
        node = self.spare
        return node if node and node.is_as_begun() and not node.ctl("call.list", ending=True) and node.forget() else None

    def connect(self, offer=None, answer=None, to="1002"):
        """An answered call: (caller's dialog, callee's dialog, 200 as the caller got it)."""
        out = self.a.invite(to, offer or self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        into.respond(200, "OK", body=answer or self.audio_b.sdp())
        answered = out.wait_answer()
        into.wait_ack()
        self.audio_a.use(answered)
        self.audio_b.use(into.request)
        return out, into, answered

    def calls(self, **given):
        return self.node.ctl("call.list", **given)

    def saved(self):
        """Redis has what the calls are now: a kill takes nothing of it."""
        end = time.monotonic() + PATIENCE_S
        while not all(call["saved"] for call in self.calls()):
            self.assertLess(time.monotonic(), end, self.calls())
            time.sleep(0.02)

    def refused_over_a_kill(self, refuses):
        """Nobody has acknowledged the response that refuses: the next process says it again."""
        self.node.kill()
        heard = self.a.count(refuses)
        self.node.restart()
        end = time.monotonic() + PATIENCE_S
        while self.a.count(refuses) == heard and time.monotonic() < end:
            time.sleep(0.02)
        self.assertGreater(self.a.count(refuses), heard)

    def ended(self):
        """No call is left; what was heard of the last one."""
        end = time.monotonic() + PATIENCE_S
        while self.calls(ending=True) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.calls(ending=True), [])
        return self.node.cdrs()[-1]


class Calls(CallTest):

    def test_audio_and_keys_cross_both_ways(self):
        """MED-01, MED-03: media is anchored; what arrives is the other side's tone and keys."""
        out, into, answered = self.connect()
        self.assertIn("c=IN IP4 " + NODE, answered.text)
        self.assertNotIn(f"m=audio {self.audio_b.port} ", answered.text)
        self.assertNotIn(f"m=audio {self.audio_a.port} ", into.request.text)
        self.audio_a.start(440)
        self.audio_b.start(880)
        self.audio_a.wait_packets(60)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        self.audio_b.stop()
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.assertEqual(self.audio_a.heard()[0], 880)
        for key in "159#":
            self.audio_a.digit(key)
        for key in "42":
            self.audio_b.digit(key)
        self.assertEqual(self.audio_b.wait_digits("159#"), "159#")
        self.assertEqual(self.audio_a.wait_digits("42"), "42")
        for media in (self.audio_a, self.audio_b):
            self.assertEqual(len({packet.ssrc for packet in media.packets}), 1, "one SSRC a call")
            self.assertEqual(media.lost(), 0)
        self.assertNotEqual(self.audio_b.packets[0].ssrc, self.audio_a.ssrc, "SSRC is the node's")
        out.bye()
        into.wait_bye()
        record = self.ended()
        self.assertEqual(record["sip_status"], "200")
        self.assertEqual(record["ended_by"], "a")
        self.assertEqual(record["a_digits"], "4")
        self.assertEqual(record["b_digits"], "2")
        self.assertEqual(int(record["b_packets_out"]), len(self.audio_b.packets))

    def test_either_side_hangs_up(self):
        out, into, _ = self.connect()
        into.target = into.target
        into.bye()
        out.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "b")

    def test_events_are_offered_as_101(self):
        """REG-14: the callee sees 101 whatever the caller uses; each gets its own numbers."""
        out, into, answered = self.connect(
            self.audio_a.sdp(("8 PCMA/8000", "96 telephone-event/8000")),
            self.audio_b.sdp(("8 PCMA/8000", "101 telephone-event/8000")))
        self.assertIn("a=rtpmap:101 telephone-event/8000", into.request.text)
        self.assertNotIn(" 96", into.request.text.split("m=audio")[1].splitlines()[0])
        self.assertIn("a=rtpmap:96 telephone-event/8000", answered.text)
        self.audio_a.digit("7", pt=96)
        self.audio_b.digit("3", pt=101)
        self.assertEqual(self.audio_b.wait_digits("7", 101), "7")
        self.assertEqual(self.audio_a.wait_digits("3", 96), "3")
        out.bye()
        into.wait_bye()

    def test_early_media_is_off_by_default(self):
        """REG-02: 183 with SDP comes as 180 without."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        ringing = out.wait_provisional(180)
        self.assertEqual(ringing.body, b"")
        self.audio_b.use(into.request).start(880)
        while self.audio_b.sent < 30:
            time.sleep(0.02)
        self.assertFalse(self.audio_a.packets, "the caller's phone makes the tone itself")
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.wait_packets(30)
        self.audio_b.stop()
        self.audio_a.digit("4")
        self.assertEqual(self.audio_b.wait_digits("4", 101), "4", "keys are RFC 4733's")
        out.bye()
        into.wait_bye()
        self.assertFalse([m for m in out.provisional if m.status == 183])

    def test_early_media_where_enabled(self):
        """REG-02: 183 with SDP is passed on, and is heard."""
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", early_media="true")
        self.addCleanup(self.node.put_extension, "1001", "secret1001")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        early = out.wait_provisional(183)
        self.assertIn("m=audio", early.text)
        self.audio_b.use(into.request).start(880)
        self.audio_a.wait_packets(60)
        self.audio_b.stop()
        self.assertEqual(self.audio_a.heard()[0], 880)
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()

    def test_dscp(self):
        """MED-07: EF on audio and its RTCP, CS3 on SIP."""
        out, into, _ = self.connect()
        self.audio_a.start()
        self.audio_b.wait_packets(10)
        self.audio_a.stop()
        self.assertEqual({packet.tos >> 2 for packet in self.audio_b.packets}, {46})
        self.assertEqual(into.request.tos >> 2, 24)
        out.bye()
        into.wait_bye()

    def test_rtcp_names_our_ssrcs(self):
        """RFC 3550 7.1: a translator that changes SSRCs changes them in RTCP."""
        out, into, _ = self.connect()
        self.audio_a.start()
        self.audio_b.wait_packets(10)
        report = (b"\x80\xc8\x00\x06" + self.audio_a.ssrc.to_bytes(4, "big") + bytes(20)
                  + b"\x81\xca\x00\x03" + self.audio_a.ssrc.to_bytes(4, "big") + b"\x01\x01x\x00\x00\x00\x00\x00")
        host, port = self.audio_a.remote
        self.audio_a.rtcp.sendto(report, (host, port + 1))
        end = time.monotonic() + PATIENCE_S
        while not self.audio_b.rtcp_packets and time.monotonic() < end:
            time.sleep(0.02)
        self.audio_a.stop()
        self.assertTrue(self.audio_b.rtcp_packets)
        seen = self.audio_b.rtcp_packets[0][2]
        self.assertEqual(int.from_bytes(seen[4:8], "big"), self.audio_b.packets[0].ssrc)
        out.bye()
        into.wait_bye()

    def test_strangers_are_not_forwarded(self):
        """RTP injection: a packet from another address or port does not reach the other party."""
        out, into, _ = self.connect()
        self.audio_a.start()
        self.audio_b.wait_packets(10)
        stranger = self.node.media()
        self.addCleanup(stranger.close)
        before = self.node.metric("tandem_media_dropped_packets_total", reason="source_not_latched")
        for _ in range(50):
            stranger.send(b"\x55" * 160, to=self.audio_a.remote)
        time.sleep(0.2)
        self.audio_a.stop()
        self.assertFalse([packet for packet in self.audio_b.packets if packet.payload == b"\x55" * 160])
        self.assertEqual(self.node.metric("tandem_media_dropped_packets_total", reason="source_not_latched")
                         - before, 50)
        self.assertFalse(stranger.packets, "and nothing was sent to it")
        out.bye()
        into.wait_bye()

    def test_refusals_are_passed_on(self):
        for status in (486, 480, 603, 404, 500):
            with self.subTest(status=status):
                out = self.a.invite("1002", self.audio_a.sdp())
                self.b.incoming().reject(status)
                self.assertEqual(out.wait_final().status, status)
                self.assertEqual(self.ended()["sip_status"], str(status))

    def test_cancel(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        self.assertEqual(out.cancel().status, 200)
        into.wait_cancel()
        self.assertEqual(out.wait_final().status, 487)
        self.assertEqual(self.ended()["sip_status"], "487")

    def test_unknown_and_absent_callees(self):
        self.node.put_extension("1009", "never")
        for number, status in (("4711", 404), ("1009", 480)):
            out = self.a.invite(number, self.audio_a.sdp())
            self.assertEqual(out.wait_final().status, status, number)

    def test_calls_need_credentials(self):
        stranger = self.node.user_agent("1001", "wrong")
        self.addCleanup(stranger.close)
        out = stranger.invite("1002", self.audio_a.sdp())
        self.assertEqual(out.wait_final().status, 407)
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"), 0)

    def test_max_forwards(self):
        """RFC 3261 8.1.1.6, 16.3: counted down, and the end of the road is 483."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.assertEqual(into.request.get("Max-Forwards"), "69")
        into.reject(486)
        out.wait_final()
        request = self.a.request("INVITE", "sip:1002@" + NODE, body=self.audio_a.sdp())
        request.set("Max-Forwards", "0")
        self.assertEqual(self.a.transact(request).status, 483)

    def test_options(self):
        answer = self.a.options()
        self.assertEqual(answer.status, 200)
        for method in ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"):
            self.assertIn(method, answer.get("Allow"))

    def test_identifiers_name_the_call(self):
        """Our tags carry the call id, the same one as in the record and the API."""
        out, into, answered = self.connect()
        rows = self.calls()
        self.assertEqual(len(rows), 1)
        tag = parameter(answered.get("To"), "tag")
        self.assertEqual(tag.split(".")[0], rows[0]["id"])
        self.assertEqual(parameter(into.request.get("From"), "tag").split(".")[0], rows[0]["id"])
        with self.node.redis() as redis:
            self.assertTrue(redis("HEXISTS", "td:{s1}:rec", rows[0]["id"]))
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], rows[0]["id"])
        with self.node.redis() as redis:
            self.assertFalse(redis("HEXISTS", "td:{s1}:rec", rows[0]["id"]))

    def story(self):
        """The tenant's events of a call in which a digit was pressed."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.audio_a.digit("5")
        time.sleep(0.2)
        out.bye()
        into.wait_bye()
        self.ended()
        rows = self.node.events()
        return [row for row in rows if row.get("call") == call], rows

    def test_events_tell_the_story(self):
        """The tenant's stream says what happened, with the call's id, in order; but not which keys were pressed: those are PINs."""
        mine, rows = self.story()
        self.assertEqual([row["type"] for row in mine], ["call.new", "call.ringing", "call.answered", "call.ended"])
        self.assertEqual((mine[0]["from"], mine[0]["to"]), ("1001", "1002"))
        self.assertEqual(mine[3]["sip_status"], "200")
        self.assertEqual([row["to"] for row in rows if row["type"] == "registration.new"], ["1001", "1002"])
        self.assertEqual(self.node.cdrs()[-1]["a_digits"], "1", "how many, and not which")

    def test_events_tell_digits_where_asked(self):
        self.node.configure({"sip": {"digits": "shown"}})
        self.node.process.send_signal(signal.SIGHUP)
        while "settings read again" not in self.node.log_text():
            time.sleep(0.02)
        mine, _ = self.story()
        self.assertEqual([row["type"] for row in mine], ["call.new", "call.ringing", "call.answered", "call.digit", "call.ended"])
        self.assertEqual(mine[3]["digit"], "5")

    def test_operator_hangs_up(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.ctl("call.hangup", call=call)
        self.assertEqual(self.calls(), [])      # no phone has acknowledged its BYE yet
        self.assertEqual([row["state"] for row in self.calls(ending=True)], ["ending"])
        self.assertEqual(self.node.ctl("call.show", call=call)["state"], "ending")
        out.wait_bye()
        into.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "operator")
        self.assertEqual(self.node.ctl("call.show", call=call)["state"], "ended")

    def test_lost_200_and_lost_ack(self):
        """RFC 3261 13.3.1.4: the 200 is sent again until the ACK comes."""
        request = self.a.request("INVITE", "sip:1002@" + NODE, body=self.audio_a.sdp())
        challenge = self.a.transact(request)
        request = self.a.authorize(request, challenge)
        self.a.send(request)
        into = self.b.incoming()
        into.respond(200, "OK", body=self.audio_b.sdp())
        into.wait_ack()
        answers = lambda m: m.status == 200 and m.method == "INVITE"
        end = time.monotonic() + PATIENCE_S
        while self.a.count(answers) < 3 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertGreaterEqual(self.a.count(answers), 3)
        into.send = None
        self.b.send(into.last, self.node.server)      # our 200 again: the node's ACK comes again
        self.b.take_request("ACK", 5, into.call_id)
        self.node.ctl("call.hangup", call=self.calls()[0]["id"])
        into.wait_bye()

    def test_retransmitted_invite_makes_one_call(self):
        request = self.a.request("INVITE", "sip:1002@" + NODE, body=self.audio_a.sdp())
        request = self.a.authorize(request, self.a.transact(request))
        for _ in range(3):
            self.a.send(request)
        into = self.b.incoming()
        time.sleep(0.3)
        self.assertEqual(len(self.calls()), 1)
        into.reject(486)
        refusal = self.a.take(lambda m: m.status == 486 and m.branch == request.branch)
        self.a.send(self.a.ack_of_failure(request, refusal))       # the call is kept for it
        self.ended()
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method == "INVITE"
                                      and m.call_id != into.call_id), 0)


class FloodOfDigits(CallTest):
    """One party sends keys as fast as it can; where they are told, it takes nobody else's place."""
    settings = {"sip": {"digits": "shown"}}
    SECONDS = 2.0

    def flood(self, until):
        """Events of one packet each, the end of a key that was never begun: each has a time of its own."""
        ts = 0
        while time.monotonic() < until:
            ts += 800
            self.audio_a.send(struct.pack("!BBH", 5, 0x8a, 800), 101, True, ts=ts)

    def digits_told(self, call):
        return [row["digit"] for row in self.node.events() if row.get("call") == call and row["type"] == "call.digit"]

    def test_others_are_heard(self):
        self.connect()
        loud = self.calls()[0]["id"]
        for number in ("1003", "1004"):
            self.node.put_extension(number, "secret" + number)
        c, d = (self.node.user_agent(number, "secret" + number) for number in ("1003", "1004"))
        audio_c, audio_d = self.node.media(), self.node.media()
        for thing in (c, d, audio_c, audio_d):
            self.addCleanup(thing.close)
        self.assertEqual([agent.register().status for agent in (c, d)], [200, 200])
        out = c.invite("1004", audio_c.sdp())
        into = d.incoming()
        into.answer(audio_d.sdp())
        audio_c.use(out.wait_answer())
        quiet = next(call["id"] for call in self.calls() if call["id"] != loud)
        thread = threading.Thread(target=self.flood, args=(time.monotonic() + self.SECONDS,))
        thread.start()
        for key in "159#":
            audio_c.digit(key)
        self.assertEqual(self.node.http("/healthz")[0], 200)
        thread.join()
        end = time.monotonic() + PATIENCE_S
        while len(self.digits_told(quiet)) < 4 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual("".join(self.digits_told(quiet)), "159#")
        self.assertEqual(audio_d.wait_digits("159#"), "159#")
        told = len(self.digits_told(loud))
        self.assertTrue(20 <= told <= 20 * (self.SECONDS + 2), told)
        self.assertGreater(self.node.metric("tandem_media_digits_untold_total"), 40)
        self.assertFalse(self.node.ctl("node.status")["degraded"])


class Video(CallTest):
    settings = {"media": {"video": True}}

    def test_video_is_marked_af41(self):
        """MED-07: an H.264 line is relayed beside the audio, with DSCP AF41."""
        video_a, video_b = self.node.media(), self.node.media()
        for media in (video_a, video_b):
            self.addCleanup(media.close)

        def sdp(audio, video):
            return (audio.sdp() + f"m=video {video.port} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
                    "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n")

        out, into, answered = self.connect(sdp(self.audio_a, video_a), sdp(self.audio_b, video_b))
        port = re.search(r"^m=video (\d+)", answered.text, re.M)[1]
        self.assertNotIn(int(port), (0, video_b.port))
        video_a.remote = (NODE, int(port))
        for _ in range(20):
            video_a.send(b"\x65" + bytes(800), pt=97, marker=True)
            time.sleep(0.01)
        until(lambda: len(video_b.packets) >= 20)
        self.assertEqual(len(video_b.packets), 20)
        self.assertEqual({packet.tos >> 2 for packet in video_b.packets}, {34})
        self.assertEqual({packet.payload for packet in video_b.packets}, {b"\x65" + bytes(800)})
        out.bye()
        into.wait_bye()


class Waiting(CallTest):
    """media.batch_wait_us: how long packets gather is the operator's choice, also under a call."""
    settings = {"media": {"batch_wait_us": 800}}

    def waits(self, seconds):
        end = time.monotonic() + PATIENCE_S
        while self.node.metric("tandem_media_worker_wait_seconds") != seconds and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.node.metric("tandem_media_worker_wait_seconds"), seconds)

    def test_a_reload_changes_it_in_a_call(self):
        out, into, _ = self.connect()
        self.waits(0.0002)          # a quarter of it: the worker has next to nothing to do
        self.node.configure({"media": {"batch_wait_us": 12000}})
        self.node.process.send_signal(signal.SIGHUP)
        self.waits(0.003)
        since = time.monotonic()
        self.audio_a.start(440)
        self.audio_b.wait_packets(20, since=since)
        self.audio_a.stop()
        out.bye()
        into.wait_bye()


class SecondCall(CallTest):
    """BEAT-32: a phone that takes a call while it hears ringback loses neither."""
    def test_answered_while_the_first_rings(self):
        self.node.put_extension("1003", "secret1003")
        third = self.enterContext(self.node.user_agent("1003", "secret1003"))
        self.assertEqual(third.register().status, 200)
        self.assertEqual(self.taken("1002", self.b, third, "1001"), [("1003", "1001", "200"), ("1001", "1002", "200")])

    def test_over_trunks(self):
        """The call that it makes goes out, and the one that it takes came in."""
        carrier, other = (self.enterContext(self.node.user_agent(number)) for number in ("030123", "040123"))
        self.node.ctl("trunk.put", name="carrier", servers=f"{PARTY}:{carrier.port}", direction="out")
        self.node.ctl("route.put", name="out", pattern="030x.", trunks="carrier")
        self.node.ctl("extension.put", number="1001", classes=["other"])
        self.node.ctl("trunk.put", name="other", direction="in", sources=PARTY, source_port=other.port)
        self.node.ctl("did.put", number="040100", to="1001")
        self.assertEqual(self.taken("030123", carrier, other, "040100"), [("040123", "1001", "200"), ("1001", "030123", "200")])

    def taken(self, number, callee, third, its):
        """1001 calls that number, and takes a call of the third one; from, to and status of both."""
        audio_c, again = (self.enterContext(self.node.media()) for _ in range(2))
        out = self.a.invite(number, self.audio_a.sdp())
        rung = callee.incoming()
        rung.ring()
        out.wait_provisional(180)
        second = third.invite(its, audio_c.sdp())
        waiting = self.a.incoming()
        waiting.ring()
        second.wait_provisional(180)
        waiting.answer(again.sdp())
        audio_c.use(second.wait_answer())
        again.use(waiting.request)
        self.hear(again, audio_c)
        rung.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(rung.request)
        self.hear(self.audio_a, self.audio_b)
        for asker, other in ((second, waiting), (out, rung)):
            asker.bye()
            other.wait_bye()
        self.ended()
        return [(cdr["from"], cdr["to"], cdr["sip_status"]) for cdr in self.node.cdrs(2)]

    def hear(self, *ends):
        """Each the other."""
        for end, hertz in zip(ends, (440, 880)):
            end.start(hertz)
        for end in ends:
            end.wait_packets(40)
        for end in ends:
            end.stop()
        for end, hertz in zip(ends, (880, 440)):
            self.assertAlmostEqual(end.heard()[0], hertz, delta=3)


if __name__ == "__main__":
    unittest.main()
