# SPDX-License-Identifier: Apache-2.0
"""What happens inside a call: hold, resume, other codecs and addresses, glare, late offers, keys by INFO, video."""
import re
import threading
import time
import unittest

from lib.codec import G722, Opus, PCMA, PCMU
from lib.media import Media
from lib.place import NODE, PARTY, STRANGER
from lib.sip import UserAgent

from call_test import CallTest

from patience import PATIENCE_S, slowness, until
import tone

SHARED = True

KEY_BY_INFO = "Signal={}\r\nDuration=120\r\n"
VIDEO = "m=video {} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f\r\n"


def video_port(text):
    return int(re.search(r"^m=video (\d+)", text, re.M)[1])


class DialogTest(CallTest):
    def phone(self, number, **options):
        device = self.node.phone(number, "secret" + number, **options)
        self.addCleanup(device.quit)
        return device

    def ended(self, *dialogs):
        """The first hangs up, the second is told."""
        dialogs[0].bye()
        dialogs[1].wait_bye()
        return super().ended()

    def exchange(self, first, second, hertz=(440, 880), count=60):
        """Both speak; each hears the other's tone and nothing is lost."""
        since = time.monotonic()
        first.start(hertz[0])
        second.start(hertz[1])
        first.wait_packets(count, since=since)
        second.wait_packets(count, since=since)
        first.stop()
        second.stop()
        self.assertAlmostEqual(second.heard()[0], hertz[0], delta=3)
        self.assertAlmostEqual(first.heard()[0], hertz[1], delta=3)

    def one_stream(self, media):
        """All that this end ever heard is one RTP stream: one SSRC, one sender, every number once and in order."""
        packets = [packet for packet in list(media.packets)]
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        self.assertEqual(len({packet.source for packet in packets}), 1)
        for before, after in zip(packets, packets[1:]):
            self.assertEqual((after.seq - before.seq) % 0x10000, 1)
            self.assertLess((after.ts - before.ts) % 0x100000000, 0x80000000, "time goes on")

    def silent(self, media, seconds):
        """Nothing arrives for so long, once what is under way has come."""
        time.sleep(0.1)
        count = len(media.packets)
        time.sleep(seconds)
        self.assertEqual(len(media.packets), count)

    def media(self, **options):
        end = self.node.media()
        self.addCleanup(end.close)
        return end


class Hold(DialogTest):
    def hold_and_resume(self, device, dialog):
        """The phone holds and resumes; the scripted end keeps to the rules, then breaks them."""
        audio = self.audio_b
        self.talk(audio, 880)
        device.command("hold")
        offer = self.answered(dialog, audio.sdp(direction="recvonly", version=2))
        self.assertIn("a=sendonly", offer.text)
        self.silent(audio, 0.6)
        refused = self.disobey(audio)
        device.command("resume")
        offer = self.answered(dialog, audio.sdp(version=3))
        self.assertIn("a=sendrecv", offer.text)
        self.talk(audio, 700)
        self.one_stream(audio)
        dialog.bye()
        device.wait("CALL_CLOSED")
        received = self.counted(device)[1]
        self.assertLessEqual(received, audio.sent - refused, "not what was said while held")
        self.assertGreater(received, audio.sent - refused - 5, "but all else, once the change has settled")
        self.assertAlmostEqual(tone.heard(device.recordings()[0], 0.3, 0.7)[0], 880, delta=3)

    @staticmethod
    def answered(dialog, sdp):
        """A re-INVITE, once the answer is acknowledged: until then the change is under way."""
        offer = dialog.wait_reinvite(sdp)
        dialog.agent.take_request("ACK", PATIENCE_S, dialog.call_id)
        return offer

    def counted(self, device):
        """(sent, received) as the phone counts them, which it writes a moment after the end."""
        end = time.monotonic() + PATIENCE_S
        while device.packets() == (0, 0) and time.monotonic() < end:
            time.sleep(0.02)
        return device.packets()

    def talk(self, audio, hertz):
        audio.start(hertz)
        audio.wait_packets(80)
        audio.stop()
        self.assertAlmostEqual(audio.heard()[0], 440, delta=3)

    def disobey(self, audio):
        """A held party that goes on talking is not heard, and each packet is counted; their number."""
        before, sent = self.dropped("not_receiving"), audio.sent
        audio.start(1300)
        time.sleep(0.4)
        audio.stop()
        until(lambda: self.dropped("not_receiving") - before >= audio.sent - sent,
              lambda: f"{self.dropped('not_receiving') - before} of {audio.sent - sent}")
        self.assertEqual(self.dropped("not_receiving") - before, audio.sent - sent)
        return audio.sent - sent

    def dropped(self, reason):
        return self.node.metric("tandem_media_dropped_packets_total", reason=reason)

    def test_the_caller_holds(self):
        device = self.phone("1001", extra="audio_codecs=PCMU/8000/1")
        device.dial("1002")
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        self.audio_b.use(into.request)
        device.wait("CALL_ESTABLISHED")
        self.hold_and_resume(device, into)

    def test_the_callee_holds(self):
        self.b.register(expires=0)
        device = self.phone("1002", extra="answermode=auto;audio_codecs=PCMU/8000/1")
        out = self.a.invite("1002", self.audio_b.sdp())
        self.audio_b.use(out.wait_answer())
        self.hold_and_resume(device, out)

    def test_two_phones_hold_each_other(self):
        """Audio comes back only when both have resumed."""
        self.b.register(expires=0)
        callee = self.phone("1002", extra="answermode=auto", source="ausine,880")
        caller = self.phone("1001")
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")
        time.sleep(1.2)
        steps = [(caller, "hold", 0), (callee, "hold", 0), (caller, "resume", 0), (callee, "resume", 2)]
        for device, command, talking in steps:
            device.command(command)
            until(lambda: sum(count == 0 for count in self.growth()) == 2 - talking)      # its re-INVITE is answered
            growth = self.growth()
            self.assertEqual(sum(count > 20 for count in growth), talking, (command, growth))
            self.assertEqual(sum(count == 0 for count in growth), 2 - talking, (command, growth))
        time.sleep(0.5)
        caller.hangup()
        callee.wait("CALL_CLOSED")
        sent, received = map(sum, zip(self.counted(caller), self.counted(callee)))
        self.assertGreater(received, 200)
        self.assertLess(sent - received, 5, "each got what the other sent, but for what overtook the answer")

    def growth(self):
        """Packets that each direction relays in 0.7 s."""
        before = self.relayed()
        time.sleep(0.7)
        return [after - old for after, old in zip(self.relayed(), before)]

    def relayed(self):
        flows = self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]
        return [int(flow["stats"]["packets_out"]) for flow in flows]

    def test_directions(self):
        """RFC 3264 8.4, and hold as RFC 2543 wrote it: who may send then, and who hears it.  Who names no
        address is not believed either."""
        out, into, _ = self.connect()
        rows = [("sendonly", "", True, False), ("recvonly", "", False, True), ("inactive", "", False, False),
                ("sendrecv", "0.0.0.0", False, False), ("sendrecv", "", True, True)]
        answers = {"sendonly": "recvonly", "recvonly": "sendonly"}
        for version, (direction, address, forth, back) in enumerate(rows, 2):
            with self.subTest(direction=direction, address=address):
                offer = self.audio_a.sdp(direction=direction, version=version)
                if address:
                    offer = offer.replace("c=IN IP4 " + PARTY, "c=IN IP4 " + address)
                answer = self.audio_b.sdp(direction="recvonly" if address else answers.get(direction, direction),
                                          version=version)
                done = threading.Thread(target=into.wait_reinvite, args=(answer,))
                done.start()
                self.assertEqual(out.reinvite(offer).status, 200)
                done.join()
                time.sleep(0.1)
                marks = len(self.audio_a.packets), len(self.audio_b.packets)
                for end in (self.audio_a, self.audio_b):
                    end.start()
                time.sleep(0.4)
                for end in (self.audio_a, self.audio_b):
                    end.stop()
                time.sleep(0.1)
                heard = len(self.audio_b.packets) - marks[1], len(self.audio_a.packets) - marks[0]
                self.assertEqual(tuple(count > 10 for count in heard), (forth, back), heard)
                self.assertEqual(tuple(count == 0 for count in heard), (not forth, not back), heard)
        self.ended(out, into)


class Changes(DialogTest):
    def change(self, out, into, offer, answer):
        """A re-INVITE and its answer; (as the callee got it, as the caller got the answer)."""
        asked = []
        waiting = threading.Thread(target=lambda: asked.append(into.wait_reinvite(answer)))
        waiting.start()
        response = out.reinvite(offer)
        waiting.join()
        self.assertEqual(response.status, 200)
        into.agent.take_request("ACK", 5, into.call_id)
        return asked[0], response

    def test_each_codec_after_the_other(self):
        """Re-INVITEs change the codec from either side, with types that differ by side; all is heard, as one stream."""
        out, into, _ = self.connect()
        rows = [(PCMA, "8 PCMA/8000", "8 PCMA/8000"), (G722(), "9 G722/8000", "9 G722/8000"),
                (Opus(), "111 opus/48000/2", "111 opus/48000/2"), (PCMU, "0 PCMU/8000", "0 PCMU/8000")]
        for version, (codec, *names) in enumerate(rows, 2):
            with self.subTest(codec.name):
                sides = [(out, self.audio_a, names[0]), (into, self.audio_b, names[1])]
                asker, answerer = sides if version % 2 else reversed(sides)
                self.change(asker[0], answerer[0], *(
                    audio.sdp((name, "101 telephone-event/8000"), version=version)
                    for _, audio, name in (asker, answerer)))
                for _, audio, name in sides:
                    audio.codec, audio.pt = codec, int(name.split()[0])
                self.exchange(self.audio_a, self.audio_b, (400 + 100 * version, 480 + 100 * version))
        for audio in (self.audio_a, self.audio_b):
            self.one_stream(audio)
        self.ended(out, into)

    def test_a_phone_follows_a_change_of_codec(self):
        self.b.register(expires=0)
        device = self.phone("1002", extra="answermode=auto", source="ausine,880")
        audio = self.audio_a
        out = self.a.invite("1002", audio.sdp())
        audio.use(out.wait_answer())
        for version, (codec, pt, hertz) in enumerate(((PCMU, 0, 500), (PCMA, 8, 600), (PCMU, 0, 700)), 2):
            response = out.reinvite(audio.sdp((f"{pt} {codec.name}/8000",), version=version))
            self.assertEqual(response.status, 200)
            audio.codec, audio.pt = codec, pt
            audio.start(hertz)
            audio.wait_packets(70)
            audio.stop()
            self.assertAlmostEqual(audio.heard()[0], 880, delta=3)
            self.assertEqual(audio.packets[-1].pt, pt)
        out.bye()
        device.wait("CALL_CLOSED")
        samples = [sample for path in device.recordings() for sample in tone.samples_of(path)[0]]
        for hertz in (500, 600, 700):
            best = max(tone.power(samples[i:i + 4000], 8000, hertz) for i in range(0, len(samples) - 4000, 2000))
            self.assertGreater(best, 1000000, hertz)

    def test_media_moves_to_another_port(self):
        """The new port gets everything, the old one nothing and is believed no more; the callee hears one stream.
        What the old port still had under way does not hold up the new one."""
        out, into, _ = self.connect()
        self.exchange(self.audio_a, self.audio_b)

        def comes_to_rest():            # else the last one comes after the marks, now and then
            before = len(self.audio_a.packets)
            time.sleep(0.2)
            return len(self.audio_a.packets) == before
        until(comes_to_rest)
        moved = self.media()
        moved.ssrc, moved.seq, moved.ts = self.audio_a.ssrc, self.audio_a.seq, self.audio_a.ts
        _, response = self.change(out, into, moved.sdp(version=2), self.audio_b.sdp(version=2))
        moved.use(response)
        self.assertEqual(moved.remote, self.audio_a.remote, "our port stays")
        marks = len(self.audio_a.packets), len(self.audio_b.packets)
        for _ in range(20):
            self.audio_a.send(b"\x11" * 160)
        self.exchange(moved, self.audio_b, (520, 760))
        for _ in range(20):             # a stranger now
            self.audio_a.send(b"\x22" * 160)
        time.sleep(0.2)
        self.assertEqual(len(self.audio_a.packets), marks[0])
        self.assertFalse([p for p in self.audio_b.packets[marks[1]:] if p.payload == b"\x22" * 160])
        self.assertEqual(len({packet.ssrc for packet in self.audio_b.packets}), 1)
        self.assertEqual(len({packet.source for packet in self.audio_b.packets}), 1)
        self.assertEqual({packet.ssrc for packet in moved.packets}, {packet.ssrc for packet in self.audio_a.packets})
        self.assertEqual(self.audio_b.lost(), 0)
        self.ended(out, into)

    def test_media_moves_to_the_callees_other_port(self):
        """The same from the other side, with a new source: SSRC and numbering towards the caller go on."""
        out, into, _ = self.connect()
        self.exchange(self.audio_a, self.audio_b)
        moved = self.media()
        _, response = self.change(into, out, moved.sdp(version=2), self.audio_a.sdp(version=2))
        moved.use(response)
        self.exchange(self.audio_a, moved, (520, 760))
        self.one_stream(self.audio_a)
        self.ended(into, out)

    def test_goes_on_at_another_address(self):
        """A phone changes its network in a call: it is asked for its password, and then heard and reached there, over a kill -9. Who
        has another one's password takes nothing over."""
        for method in ("UPDATE", "INVITE"):
            with self.subTest(method=method):
                self.goes_on_elsewhere(method)

    def goes_on_elsewhere(self, method):
        out, into, _ = self.connect()
        audio = Media(self.node.ports, STRANGER)
        self.addCleanup(audio.close)
        was = self.node.metric("tandem_security_events_total", kind="foreign_identity")
        for number, status in (("1002", 403), ("1001", 200)):
            out.agent = UserAgent(self.node.server, number, "secret" + number, STRANGER)
            self.addCleanup(out.agent.close)
            request = out.in_dialog(method, body=audio.sdp(version=2))
            challenge = out.agent.transact(request)
            self.assertEqual(challenge.status, 407)
            sent = out.agent.authorize(request, challenge)
            out.cseq = sent.cseq
            if (method, status) == ("INVITE", 200):
                out.agent.send(sent)
                into.wait_reinvite(self.audio_b.sdp(version=2))
                answer = out.agent.take(lambda m, r=sent: m.status >= 200 and m.branch == r.branch, PATIENCE_S, "final response")
                out.agent.send(out.in_dialog("ACK", cseq=sent.cseq))
            else:
                answer = out.agent.transact(sent)
            self.assertEqual(answer.status, status)
        until(lambda: self.node.metric("tandem_security_events_total", kind="foreign_identity") == was + 1, self.node.log_tail)
        audio.use(answer)
        self.node.kill()
        self.node.restart()
        self.exchange(audio, self.audio_b)
        into.bye()
        out.wait_bye()

    def says_elsewhere(self, out, method, body=b"", headers=()):
        """A request in the dialog from another address, with the password where it is asked for: (agent, what was sent)."""
        agent = UserAgent(self.node.server, "1001", "secret1001", STRANGER)
        self.addCleanup(agent.close)
        home, out.agent = out.agent, agent
        request = out.in_dialog(method, body=body, headers=list(headers))
        out.agent = home
        if headers:
            request.headers = [pair for pair in request.headers if pair != ("Content-Type", "application/sdp")]
        challenge = agent.transact(request)
        if challenge.status != 407:
            return agent, request, challenge
        sent = agent.authorize(request, challenge)
        out.cseq = sent.cseq
        agent.send(sent)
        return agent, sent, None

    def final(self, agent, sent):
        return agent.take(lambda m: m.status >= 200 and m.branch == sent.branch, PATIENCE_S, "final response")

    def test_a_refused_change_moves_nobody(self):
        """RFC 3261 14.1, 12.2.1: a re-INVITE or UPDATE from another address that is refused, also over a kill -9 while the other phone is
        asked, and what is no target refresh, leave sound and the end where they were."""
        for status, killed in ((488, False), (491, True)):
            with self.subTest(status=status, killed=killed):
                out, into, _ = self.connect()
                agent, sent, _ = self.says_elsewhere(out, "INVITE", self.audio_a.sdp(version=2).replace(PARTY, STRANGER))
                asked = into.take_reinvite()
                if killed:
                    self.saved()
                    self.node.kill()
                    self.node.restart()
                self.b.respond(asked, status, "Refused")
                if status == 488:           # it is asked once more, with what the node transcodes
                    self.b.respond(into.take_reinvite(), status, "Refused")
                final = self.final(agent, sent)
                self.assertEqual(final.status, status)
                agent.send(agent.ack_of_failure(sent, final))
                self.goes_on_as_before(out, into)

    def test_what_refreshes_no_target(self):
        gsm = re.sub(r"RTP/AVP.*", "RTP/AVP 3", self.audio_a.sdp(version=2).split("a=rtpmap")[0])
        rows = [("UPDATE", gsm, (), 488),
                ("INFO", KEY_BY_INFO.format("5"), [("Content-Type", "application/dtmf-relay")], 200),
                ("MESSAGE", "hello", [("Content-Type", "text/plain")], 200),
                ("OPTIONS", "", (), 200)]
        out, into, _ = self.connect()
        for method, body, headers, status in rows:
            with self.subTest(method=method):
                if method in ("INFO", "MESSAGE"):
                    waiting = threading.Thread(target=lambda m=method: self.b.respond(
                        self.b.take_request(m, PATIENCE_S, into.call_id), 200, "OK"), daemon=True)
                    waiting.start()
                agent, sent, final = self.says_elsewhere(out, method, body, headers)
                final = final or self.final(agent, sent)
                self.assertEqual(final.status, status)
        self.goes_on_as_before(out, into)

    def goes_on_as_before(self, out, into):
        self.exchange(self.audio_a, self.audio_b)
        into.bye()
        out.wait_bye()

    def test_glare(self):
        """RFC 3261 14.1: both re-INVITE at once, each gets 491, and whoever tries again later is served."""
        out, into, _ = self.connect()
        ours, theirs = (dialog.in_dialog("INVITE", body=audio.sdp(version=2))
                        for dialog, audio in ((out, self.audio_a), (into, self.audio_b)))
        self.a.send(ours, out.next_hop())
        self.b.send(theirs, into.next_hop())
        arrived = self.b.take(lambda m: m.is_request and m.method == "INVITE"
                              and m.call_id == into.call_id and m.branch != into.request.branch, 5, "re-INVITE")
        self.b.respond(arrived, 491, "Request Pending")     # its own is under way
        finals = []
        for agent, request, hop in ((self.a, ours, out.next_hop()), (self.b, theirs, into.next_hop())):
            final = agent.take(lambda m, r=request: m.status >= 200 and m.branch == r.branch, 5, "final response")
            agent.send(agent.ack_of_failure(request, final), hop)
            finals.append(final.status)
        self.assertEqual(finals, [491, 491])
        self.change(into, out, self.audio_b.sdp(version=3), self.audio_a.sdp(version=3))
        self.change(out, into, self.audio_a.sdp(version=4), self.audio_b.sdp(version=4))
        self.exchange(self.audio_a, self.audio_b)
        self.one_stream(self.audio_b)
        self.ended(out, into)

    def test_late_offer(self):
        """INVITE without SDP: the callee offers in its 200, the caller answers in its ACK, and both are heard."""
        out = self.a.invite("1002", b"")
        into = self.b.incoming()
        self.assertEqual(into.request.body, b"")
        into.respond(200, "OK", body=self.audio_b.sdp())
        offered = out.wait_answer(answer=self.audio_a.sdp())
        self.assertIn("m=audio", offered.text)
        self.assertNotIn(f"m=audio {self.audio_b.port} ", offered.text)
        answered = into.wait_ack()
        self.assertNotIn(f"m=audio {self.audio_a.port} ", answered.text)
        self.audio_a.use(offered)
        self.audio_b.use(answered)
        self.exchange(self.audio_a, self.audio_b)
        self.late_again(out, into)
        self.ended(out, into)

    def late_again(self, out, into):
        """And the same in the dialog (RFC 3261 14.2): an offer of what is there."""
        asked = []
        waiting = threading.Thread(target=lambda: asked.append(into.wait_reinvite(self.audio_b.sdp(version=2))))
        waiting.start()
        response = out.reinvite(b"", answer=self.audio_a.sdp(version=2))
        waiting.join()
        self.assertEqual(asked[0].body, b"")
        self.assertIn("m=audio", response.text)
        self.assertIn("m=audio", into.wait_ack().text)
        self.exchange(self.audio_a, self.audio_b, (500, 700))

    def said_again(self, into, request, response):
        """The phone has heard no ACK, and says its 200 again: the ACK to it."""
        self.b.forget()
        self.b.send(response)
        ack = self.b.take_request("ACK", PATIENCE_S, into.call_id)
        self.assertEqual(ack.cseq, request.cseq)
        return ack

    def test_each_answer_is_acknowledged(self):
        """A 200 that comes again behind a later re-INVITE, also over a kill, and that to a re-INVITE which crossed the BYE."""
        out, into, _ = self.connect()
        self.change(out, into, self.audio_a.sdp(version=2), self.audio_b.sdp(version=2))
        self.said_again(into, into.request, into.last)
        self.saved()
        self.node.kill()
        self.node.restart()
        self.said_again(into, into.request, into.last)
        asked = out.in_dialog("INVITE", body=self.audio_a.sdp(version=3))
        self.a.send(asked, out.next_hop())
        request = into.take_reinvite()
        out.bye()
        into.wait_bye()
        self.assertEqual(CallTest.ended(self)["sip_status"], "200")
        answer = self.b.respond(request, 200, "OK", headers=[("Contact", self.b.contact)], body=self.audio_b.sdp(version=3))
        self.said_again(into, request, answer)
        self.said_again(into, request, answer)

    def test_keys_by_info_cross_once(self):
        out, into, _ = self.connect()
        for key in "159#":
            request = out.in_dialog("INFO", body=KEY_BY_INFO.format(key),
                                    headers=[("Content-Type", "application/dtmf-relay")])
            request.headers = [pair for pair in request.headers if pair != ("Content-Type", "application/sdp")]
            waiting = threading.Thread(target=self.answer_info, args=(into,), daemon=True)
            waiting.start()
            self.assertEqual(out.transact(request).status, 200)
            time.sleep(0.3)
        infos = [m for m in self.b.received if m.is_request and m.method == "INFO"]
        keys = "".join(re.search(r"Signal=\s*(\S)", m.text)[1] for m in infos) + self.audio_b.digits()
        self.assertEqual(keys, "159#")
        self.ended(out, into)

    def answer_info(self, dialog):
        """A relayed INFO is answered; a converted one does not come."""
        try:
            request = self.b.take_request("INFO", 1, dialog.call_id)
        except AssertionError:
            return
        self.b.respond(request, 200, "OK")

    def test_a_phone_gets_keys_by_info_once(self):
        self.b.register(expires=0)
        device = self.phone("1002", extra="answermode=auto")
        out = self.a.invite("1002", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        for key in "42":
            request = out.in_dialog("INFO", body=KEY_BY_INFO.format(key))
            request.set("Content-Type", "application/dtmf-relay")
            self.assertEqual(out.transact(request).status, 200)
            time.sleep(0.3)
        self.assertEqual(device.wait_digits("42"), "42")
        out.bye()
        device.wait("CALL_CLOSED")

    def test_video_comes_and_goes(self):
        """A re-INVITE adds a video line, another takes it away, a third brings it back; the audio goes on."""
        out, into, _ = self.connect()
        video_a, video_b = self.media(), self.media()
        self.audio_a.start(440)
        for version in (2, 4):
            asked, response = self.change(out, into, self.audio_a.sdp(version=version) + VIDEO.format(video_a.port),
                                          self.audio_b.sdp(version=version) + VIDEO.format(video_b.port))
            video_a.remote, video_b.remote = ((NODE, video_port(m.text)) for m in (response, asked))
            self.assertNotIn(0, (video_a.remote[1], video_b.remote[1]))
            self.assertEqual(self.pictures(video_a, video_b), 20)
            self.assertEqual(self.pictures(video_b, video_a), 20)
            asked, response = self.change(out, into, self.audio_a.sdp(version=version + 1) + VIDEO.format(0),
                                          self.audio_b.sdp(version=version + 1) + VIDEO.format(0))
            self.assertEqual((video_port(asked.text), video_port(response.text)), (0, 0))
            self.assertEqual(self.pictures(video_a, video_b), 0, "no video any more")
        self.audio_a.stop()
        self.assertAlmostEqual(self.audio_b.heard()[0], 440, delta=3)
        self.one_stream(self.audio_b)
        self.assertLess(self.audio_b.gap(), 0.2 * slowness())
        self.ended(out, into)

    def pictures(self, source, sink):
        """How many of 20 packets arrive whole, once the media thread has heard of the change."""
        time.sleep(0.05)
        before = len(sink.packets)
        for number in range(20):
            try:
                source.send(b"\x65" + bytes([number]) + bytes(700), pt=97, marker=True)
            except ConnectionError:         # the port is closed
                pass
            time.sleep(0.005)
        time.sleep(0.2)
        return sum(packet.payload == b"\x65" + bytes([number]) + bytes(700)
                   for number, packet in enumerate(sink.packets[before:]))


if __name__ == "__main__":
    unittest.main()
