# SPDX-License-Identifier: Apache-2.0
"""Opaque lines: a call becomes a fax (T.38) and a call again, RTP of an unknown kind beside audio."""
import re
import socket
import threading
import time
import unittest

from lib.media import sdp_address, udp_socket
from lib.place import NODE, PARTY

from dialogs_test import DialogTest

SHARED = True

T38 = "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
SIZES = (5, 11, 12, 13, 20, 60, 172, 400, 1000, 1400)
EVERY_START = range(256)        # RFC 7983: STUN, ZRTP, DTLS, TURN, RTP and RTCP are told by the first octet


def page(first, number):
    """A datagram that begins with this octet, like no other one, of one of the sizes."""
    size = SIZES[number % len(SIZES)]
    return (bytes([first, number % 251]) + number.to_bytes(3, "big") + bytes((number + i * 7) % 256 for i in range(size)))[:size]


class Machine:
    """One end of an opaque line: a port, and what came there."""

    def __init__(self, ports, address=PARTY, media="image", proto="udptl", formats="t38", extra=T38):
        self.address, self.port = address, ports.take(2)
        self.line, self.extra = (media, proto, formats), extra
        self.sockets = [udp_socket(address, self.port + i) for i in (0, 1)]
        self.remote = None
        for sock in self.sockets:
            sock.settimeout(3)

    def close(self):
        for sock in self.sockets:
            sock.close()

    def m_line(self, off=False):
        media, proto, formats = self.line
        return f"m={media} {0 if off else self.port} {proto} {formats}\r\n" + ("" if off else self.extra)

    def sdp(self, version=2, before="", after=""):
        return (f"v=0\r\no=- {self.port} {version} {sdp_address(self.address)}\r\ns=-\r\nc={sdp_address(self.address)}\r\n"
                f"t=0 0\r\n{before}{self.m_line()}{after}")

    def use(self, sdp):
        """Sends to the line of this kind from now on."""
        text = sdp if isinstance(sdp, str) else sdp.text
        self.remote = (re.search(r"^c=IN IP[46] (\S+)", text, re.M)[1],
                       int(re.search(rf"^m={self.line[0]} (\d+) {self.line[1]} ", text, re.M)[1]))
        return self

    def send(self, octets, rtcp=0):
        self.sockets[rtcp].sendto(octets, (self.remote[0], self.remote[1] + rtcp))

    def take(self, rtcp=0):
        """The next datagram, and where it came from."""
        return self.sockets[rtcp].recvfrom(4096)

    def hears_nothing(self, seconds=0.3):
        self.sockets[0].settimeout(seconds)
        try:
            return self.take()[0]
        except socket.timeout:
            return None
        finally:
            self.sockets[0].settimeout(3)


class FaxTest(DialogTest):
    def setUp(self):
        super().setUp()
        self.fax_a, self.fax_b = self.machine(), self.machine()

    def machine(self, **options):
        machine = Machine(self.node.ports, **options)
        self.addCleanup(machine.close)
        return machine

    def change(self, asker, answerer, offer, answer):
        """A re-INVITE and its answer; (as the one got it, as the other got the answer)."""
        asked = []
        waiting = threading.Thread(target=lambda: asked.append(answerer.wait_reinvite(answer)))
        waiting.start()
        response = asker.reinvite(offer)
        waiting.join()
        self.assertEqual(response.status, 200)
        answerer.agent.take_request("ACK", 5, answerer.call_id)
        return asked[0], response

    def fax(self, asker, answerer, asking, answering):
        """The call becomes a fax, by the machine that asks."""
        asked, answered = self.change(asker, answerer, asking.sdp(), answering.sdp())
        for text in (asked.text, answered.text):
            self.assertRegex(text, rf"(?m)^m=image [1-9]\d* udptl t38\r\n{T38}")
            self.assertIn("c=IN IP4 " + NODE, text)
        asking.use(answered)
        answering.use(asked)

    def crosses(self, starts=EVERY_START, numbers=range(256)):
        """What either machine sends is what the other one gets, in order, from the node."""
        for first, number in zip(starts, numbers):
            for sender, hearer in ((self.fax_a, self.fax_b), (self.fax_b, self.fax_a)):
                sent = page(first, number)
                sender.send(sent)
                heard, source = hearer.take()
                self.assertEqual(heard, sent, f"begins with {first:#x}")
                self.assertEqual(source, hearer.remote)
            time.sleep(0.002)           # no party may send more than 1,000 a second

    def killed(self):
        """The next process is ready when its workers were told of all flows: what comes in that moment may be lost, as what came before."""
        self.node.kill()
        self.node.restart()
        for sender, hearer in ((self.fax_a, self.fax_b), (self.fax_b, self.fax_a)):
            for _ in range(25):
                sender.send(b"\xff\xffhere")
                if hearer.hears_nothing(0.2):
                    break
            while hearer.hears_nothing(0.2):
                pass

    def flows(self):
        return self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]


class Fax(FaxTest):
    def test_a_call_becomes_a_fax(self):
        """In one line and back, as the called machine asks (T.38 D.2.3); a kill -9 in the middle; then it is a call again."""
        out, into, _ = self.connect()
        self.exchange(self.audio_a, self.audio_b)
        self.fax(into, out, self.fax_b, self.fax_a)
        self.crosses()
        self.assertEqual([(flow["kind"], flow["proto"]) for flow in self.flows()], [("other", "udptl")] * 2)
        self.assertEqual({flow["stats"]["dropped"] for flow in self.flows()}, {0})
        before = [(flow["local"], flow["remote"]) for flow in self.flows()]
        self.killed()
        self.assertEqual([(flow["local"], flow["remote"]) for flow in self.flows()], before)
        self.crosses()
        self.change(out, into, self.audio_a.sdp(version=3), self.audio_b.sdp(version=3))
        self.exchange(self.audio_a, self.audio_b, (520, 760))
        for audio in (self.audio_a, self.audio_b):
            self.assertEqual(len({packet.ssrc for packet in audio.packets}), 1, "one stream, before and after")
        record = self.ended(out, into)
        self.assertEqual(record["lines"], "t38")
        self.assertGreater(int(record["a_packets_in"]), 256)

    def test_a_page(self):
        """UDPTL as it is sent: each datagram begins with its number, of two octets. Over a kill -9."""
        out, into, _ = self.connect()
        self.fax(into, out, self.fax_b, self.fax_a)
        self.crosses(starts=[0] * 200, numbers=range(200))
        self.killed()
        self.crosses(starts=[0] * 56 + [1] * 144, numbers=range(200))
        self.assertEqual(self.ended(out, into)["lines"], "t38")

    def test_beside_the_audio_line(self):
        """The audio line is off and a fax line added (RFC 3264 8.1), and the other way round. Nobody is put on hold by it."""
        out, into, _ = self.connect()
        off = "m=audio 0 RTP/AVP 0\r\n"
        asked, answered = self.change(into, out, self.fax_b.sdp(before=off), self.fax_a.sdp(before=off))
        self.fax_b.use(answered)
        self.fax_a.use(asked)
        self.crosses()
        self.assertEqual(sorted((flow["line"], flow["kind"]) for flow in self.flows()),
                         [(0, "audio"), (0, "audio"), (1, "other"), (1, "other")])
        self.change(into, out, self.audio_b.sdp(version=3, extra=self.fax_b.m_line(off=True)),
                    self.audio_a.sdp(version=3, extra=self.fax_a.m_line(off=True)))
        self.exchange(self.audio_a, self.audio_b)
        self.assertEqual(self.ended(out, into)["lines"], "t38")

    def test_from_the_first_offer_on(self):
        out = self.a.invite("1002", self.fax_a.sdp())
        into = self.b.incoming()
        into.ring()
        into.respond(200, "OK", body=self.fax_b.sdp())
        answered = out.wait_answer()
        into.wait_ack()
        self.fax_a.use(answered)
        self.fax_b.use(into.request)
        self.crosses()
        record = self.ended(out, into)
        self.assertEqual((record["lines"], record["a_packets_in"], record["b_packets_in"]), ("t38", "256", "256"))

    def test_refused(self):
        """488 is carried back, and the call goes on (RFC 3261 14.1). So it is where a profile has no fax."""
        out, into, _ = self.connect()
        waiting = threading.Thread(target=lambda: out.agent.respond(
            out.agent.take_request("INVITE", 5, out.call_id), 488, "Not Acceptable Here"))
        waiting.start()
        self.assertEqual(into.reinvite(self.fax_b.sdp()).status, 488)
        waiting.join()
        self.exchange(self.audio_a, self.audio_b)
        self.ended(out, into)
        self.node.ctl("profile.put", name="default", lines="")
        self.addCleanup(self.node.ctl, "profile.put", name="default", lines="t38")
        out, into, _ = self.connect()
        response = into.reinvite(self.fax_b.sdp())
        self.assertEqual(response.status, 488)
        self.assertIn("the profile does not allow such a line", response.get("Warning"))
        self.exchange(self.audio_a, self.audio_b)
        self.assertEqual(self.ended(out, into)["lines"], "")

    def test_held_by_command(self):
        out, into, _ = self.connect()
        self.fax(into, out, self.fax_b, self.fax_a)
        self.crosses(numbers=range(5))
        call = self.calls()[0]["id"]
        for command, direction, passes in (("call.hold", "recvonly", False), ("call.resume", "sendrecv", True)):
            self.node.ctl(command, call=call, leg="a")
            into.wait_reinvite(self.fax_b.sdp(after=f"a={direction}\r\n"))
            into.agent.take_request("ACK", 5, into.call_id)
            if passes:
                self.crosses(numbers=range(5))
                break
            for sender, hearer in ((self.fax_a, self.fax_b), (self.fax_b, self.fax_a)):
                sender.send(b"\0held")
                self.assertIsNone(hearer.hears_nothing())
        self.ended(out, into)

    def test_strangers(self):
        """Neither heard, nor sent to."""
        out, into, _ = self.connect()
        self.fax(into, out, self.fax_b, self.fax_a)
        stranger = udp_socket("127.0.0.99")
        self.addCleanup(stranger.close)
        for _ in range(5):
            stranger.sendto(page(0, 1), self.fax_a.remote)
        self.assertIsNone(self.fax_b.hears_nothing())
        self.crosses(numbers=range(5))
        self.assertEqual(self.node.metric("tandem_media_dropped_packets_total", reason="source_not_latched"), 5)
        stranger.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            stranger.recv(100)
        self.ended(out, into)

    def test_the_doctor_expects_no_steady_stream(self):
        """A machine that receives says nothing; one that never spoke is named."""
        out, into, _ = self.connect()
        self.fax(into, out, self.fax_b, self.fax_a)
        for number in range(120):
            self.fax_a.send(page(0, number))
            self.fax_b.take()
            time.sleep(0.02)
        found = self.node.ctl("call.doctor", call=self.calls()[0]["id"])["findings"]
        self.assertEqual([(row["code"], row["leg"]) for row in found], [("blocked_path", "b")])
        self.assertIn("udptl", found[0]["sentence"])
        self.crosses(numbers=range(5))
        time.sleep(2.5)
        self.assertEqual(self.node.ctl("call.doctor", call=self.calls()[0]["id"])["findings"], [])
        self.ended(out, into)


class Silent(FaxTest):
    settings = {"media": {"timeout": "2s"}}

    def test_a_fax_may_be_silent(self):
        """Its machines say nothing for longer than media.timeout; who says nothing in a call again is gone."""
        out, into, _ = self.connect()
        self.fax(into, out, self.fax_b, self.fax_a)
        self.crosses(numbers=range(5))
        time.sleep(4.5)
        self.crosses(numbers=range(5))
        self.change(out, into, self.audio_a.sdp(version=3), self.audio_b.sdp(version=3))
        out.wait_bye()
        into.wait_bye()
        self.assertEqual(self.ended_alone()["cause"], "media_timeout")

    def ended_alone(self):
        return super(DialogTest, self).ended()


class Other(FaxTest):
    def test_another_kind_beside_audio(self):
        """RTP of a kind that is not known: its numbers, SSRC and RTCP cross as they are, while the audio beside it is as ever."""
        self.node.ctl("profile.put", name="default", lines="t38,other")
        self.addCleanup(self.node.ctl, "profile.put", name="default", lines="t38")
        line = {"media": "x", "proto": "RTP/AVP", "formats": "98", "extra": "a=rtpmap:98 y/1000\r\n"}
        self.fax_a, self.fax_b = self.machine(**line), self.machine(**line)
        out, into, answered = self.connect(self.audio_a.sdp(extra=self.fax_a.m_line()),
                                           self.audio_b.sdp(extra=self.fax_b.m_line()))
        self.fax_a.use(answered)
        self.fax_b.use(into.request)
        self.exchange(self.audio_a, self.audio_b)
        self.crosses(starts=[0x80] * 20, numbers=range(20))
        report = bytes.fromhex("80c9000100000007")
        for sender, hearer in ((self.fax_a, self.fax_b), (self.fax_b, self.fax_a)):
            sender.send(report, rtcp=1)
            self.assertEqual(hearer.take(rtcp=1), (report, (hearer.remote[0], hearer.remote[1] + 1)))
        self.assertEqual(self.ended(out, into)["lines"], "other")


if __name__ == "__main__":
    unittest.main()
