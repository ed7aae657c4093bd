# SPDX-License-Identifier: Apache-2.0
"""Traces of calls as others read them, copies for a HEP collector, and what neither may show."""
import base64
import os
import re
import signal
import stat
import subprocess
import threading
import time

from call_test import CallTest
from lib import trace
from lib.codec import PCMU
from lib.hep import RTCP, SIP, Collector
from lib.srtp import Key
from patience import PATIENCE_S, until
from server import ServerError

import tone


class TraceTest(CallTest):
    """What a trace is read with."""

    def keys(self, on):
        """Whether SDES goes over UDP."""
        for number in ("1001", "1002"):
            self.node.ctl("extension.put", secret=f"secret{number}\n", number=number, password="-",
                          sdes_insecure=str(on).lower())

    def path(self, name="trace.pcapng"):
        return os.path.join(self.node.home, name)

    def trace(self, *options, path=None, what=None):
        """tandemctl trace, once the node has begun."""
        process = trace.start(self.node, what or self.call_id(), path or self.path(), *options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def call_id(self):
        return self.calls()[0]["id"]

    def talk(self, seconds=1.0):
        for end, hertz in ((self.audio_a, 440), (self.audio_b, 880)):
            end.start(hertz)
        time.sleep(seconds)
        for end in (self.audio_a, self.audio_b):
            end.stop()
        time.sleep(0.2)

    def connect_encrypted(self):
        self.keys(True)
        self.audio_a.key_out = Key()
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        self.audio_b.key_out = Key(suite=Key.of_sdp(into.request.text).suite)
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(into.request)
        return out, into

    def reinvite(self, out, into):
        """Keys pass by once more."""
        waiting = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(version=2),))
        waiting.start()
        self.assertEqual(out.reinvite(self.audio_a.sdp(version=2)).status, 200)
        waiting.join()

    # -- reading -------------------------------------------------------------------------------
    def tshark(self, *words, path=None):
        return trace.tshark(path or self.path(), [self.node.sip_port], *words)

    def rows(self, shown, *fields, path=None, guess=True):
        """Those fields of each packet that a filter shows."""
        return trace.rows(path or self.path(), [self.node.sip_port], shown, *fields, guess=guess)

    def streams(self, path=None, guess=True):
        """{(source port, destination port): (packets, gaps)} of RTP."""
        numbers = {}
        for source, target, seq in self.rows("rtp", "udp.srcport", "udp.dstport", "rtp.seq", path=path, guess=guess):
            numbers.setdefault((int(source), int(target)), []).append(int(seq))
        return {way: (len(seqs), sum((b - a) % 65536 != 1 for a, b in zip(seqs, seqs[1:])))
                for way, seqs in numbers.items()}

    def content(self, path=None):
        with open(path or self.path(), "rb") as file:
            return file.read()


class InClear(TraceTest):
    def test_a_call(self):
        """A trace ends with its call; others find its dialog, and every packet of both legs."""
        out, into, _ = self.connect()
        call = self.call_id()
        process = self.trace()
        self.talk()
        self.reinvite(out, into)
        out.bye()
        into.wait_bye()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        self.assertEqual(stat.S_IMODE(os.stat(self.path()).st_mode), 0o600)
        self.assertEqual(self.node.ctl("call.trace.list"), [], "what was fetched is deleted")
        self.assertEqual(os.listdir(os.path.join(self.node.folder, "trace")), [])
        requests = [method for method, in self.rows("sip.Request-Line", "sip.Method")]
        # the dialog so far, with the challenge, and what came while it ran
        self.assertEqual(sorted(requests), ["ACK"] * 5 + ["BYE"] * 2 + ["INVITE"] * 5)
        statuses = [f"{status} {method}" for status, method in
                    self.rows("sip.Status-Line", "sip.Status-Code", "sip.CSeq.method")]
        for wanted, count in (("407 INVITE", 1), ("200 INVITE", 4), ("200 BYE", 2)):
            self.assertEqual(statuses.count(wanted), count, statuses)
        ends = {self.audio_a.port: self.audio_a, self.audio_b.port: self.audio_b}
        streams = self.streams()
        self.assertEqual(len(streams), 4, streams)
        for (source, target), found in streams.items():
            packets = ends[source].sent if source in ends else len(ends[target].packets)
            self.assertEqual(found, (packets, 0), (source, target))
            self.assertGreaterEqual(packets, 45)
        self.assertEqual(self.rows("udp.checksum.status == 0 or ip.checksum.status == 0", "frame.number"), [])
        self.assertIn(call, self.content()[:400].decode("latin-1"))
        self.assertIn("leg 0 line 0 RTP", self.tshark("-Y", "rtp", "-T", "fields", "-e", "frame.comment"))
        directions = {flag for flag, in self.rows("rtp", "frame.packet_flags_direction")}
        self.assertEqual(len(directions), 2, directions)

    def test_it_ends_when_told_or_at_its_limits(self):
        out, into, _ = self.connect()
        call = self.call_id()
        process = self.trace("--seconds", "600")
        with self.assertRaisesRegex(ServerError, "conflict"):
            self.node.ctl("call.trace.start", call=call, seconds=5)
        with self.assertRaisesRegex(ServerError, "conflict"):
            self.node.ctl("call.trace.delete", name=self.node.ctl("call.trace.list")[0]["name"])
        self.audio_a.start()
        self.audio_b.wait_packets(25)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 0, process.stderr.read())
        self.assertGreater(self.streams()[self.audio_a.port, self.audio_a.remote[1]][0], 20)
        began = time.monotonic()
        process = self.trace("--seconds", "1", path=self.path("second"))
        self.assertEqual(process.wait(PATIENCE_S), 0, process.stderr.read())
        self.assertLess(time.monotonic() - began, PATIENCE_S)
        self.audio_a.stop()
        started = self.node.ctl("call.trace.start", call=call, octets=65536)
        self.assertEqual(self.node.ctl("call.trace.start", call=call, octets=65536)["name"], started["name"])
        for _ in range(10):
            for _ in range(40):
                self.audio_a.send(bytes(160))
            time.sleep(0.05)
        path = os.path.join(self.node.folder, "trace", started["name"])
        until(lambda: not self.node.ctl("call.trace.list")[0]["running"])
        self.assertTrue(60000 < os.path.getsize(path) <= 65536, os.path.getsize(path))
        self.assertGreater(self.streams(path)[self.audio_a.port, self.audio_a.remote[1]][0], 90)
        out.bye()
        into.wait_bye()

    def test_what_a_killed_node_leaves(self):
        """It can be read up to the kill, does not run on, and is fetched and deleted as any other."""
        out, into, _ = self.connect()
        started = self.node.ctl("call.trace.start", call=self.call_id())
        path = os.path.join(self.node.folder, "trace", started["name"])
        self.talk(0.6)
        self.audio_a.start()
        time.sleep(0.2)
        self.node.kill()
        self.assertGreater(self.streams(path)[self.audio_a.port, self.audio_a.remote[1]][0], 30)
        self.node.restart()
        size = os.path.getsize(path)
        time.sleep(0.3)
        self.audio_a.stop()
        listed = self.node.ctl("call.trace.list")
        self.assertEqual([(entry["name"], entry["running"], entry["octets"]) for entry in listed],
                         [(started["name"], False, size)])
        data, answer = b"", {"data": "-"}
        while answer["data"]:
            answer = self.node.ctl("call.trace.read", name=started["name"], offset=len(data))
            data += base64.b64decode(answer["data"])
        self.assertEqual(data, self.content(path))
        self.node.ctl("call.trace.delete", name=started["name"])
        self.assertFalse(os.path.exists(path))
        for name in ("../keys", started["name"], started["name"] + "/"):
            with self.assertRaisesRegex(ServerError, "not_found|bad_argument"):
                self.node.ctl("call.trace.read", name=name)
        out.bye()
        into.wait_bye()


class Found(TraceTest):
    """Wireshark takes for RTP what SDP names, and a trace has that SDP from its beginning."""

    def traced(self, **expected):
        """A trace in the middle of a call."""
        process = self.trace()
        self.talk(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        streams = self.streams(guess=False)
        self.assertEqual(len(streams), 4, streams)
        self.assertTrue(all(packets > 15 for packets, _ in streams.values()), streams)
        made = len(self.rows('sip contains "made from the record"', "frame.number"))
        self.assertEqual(made, expected["made"])
        os.unlink(self.path())

    def test_of_what_passed(self):
        out, into, _ = self.connect()
        self.traced(made=0)
        self.node.kill()
        self.node.restart()
        self.traced(made=4)             # the record alone knows
        out.bye()
        into.wait_bye()

    def test_the_next_call(self):
        """from=1001: the first call of that extension, from its first INVITE on; others pass by."""
        process = self.trace(what="from=1001")
        with self.assertRaises(ServerError):
            self.node.ctl("call.trace.start")
        other = self.b.invite("1001", self.audio_b.sdp())
        self.a.incoming().reject(486)
        other.wait_final()
        self.ended()
        out, into, _ = self.connect()
        call = self.call_id()
        self.assertEqual([entry["call"] for entry in self.node.ctl("call.trace.list")], [call])
        self.talk(0.5)
        out.bye()
        into.wait_bye()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        self.assertEqual(len(self.streams(guess=False)), 4)
        requests = [method for method, in self.rows("sip.Request-Line", "sip.Method")]
        self.assertEqual(sorted(requests), ["ACK"] * 3 + ["BYE"] * 2 + ["INVITE"] * 3)
        self.assertEqual(self.rows("sip.Status-Code == 486", "frame.number"), [])

    def test_one_that_waits_can_be_ended(self):
        process = self.trace(what="to=1002")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 0, process.stderr.read())
        self.assertEqual(self.node.ctl("call.trace.list"), [])


class Recent(TraceTest):
    """What passed can be looked at afterwards."""
    settings = {"trace": {"recent_kib": 64}}

    def test_a_call_that_was_refused(self):
        self.assertEqual(self.a.invite("1999", self.audio_a.sdp()).wait_final().status, 404)
        shown = self.node.ctl("sip.recent", number="1999")
        heads = [row["message"].split(" SIP/2.0")[0].split("\r\n")[0] for row in shown]
        self.assertEqual(heads[-1].split(" ")[0], "INVITE")
        self.assertTrue(any(head.startswith("SIP/2.0 404") for head in heads), heads)
        self.assertTrue(any("response=\"" in row["message"] for row in shown))
        for row in shown:
            for secret in re.findall(r'response="([^"]*)"', row["message"]):
                self.assertEqual(set(secret), {"x"})
            self.assertEqual(row["remote"], f"127.0.0.1:{self.a.port}")
        self.assertEqual(self.node.ctl("sip.recent", number="1998"), [])
        self.assertEqual(self.node.ctl("sip.recent", number="1999", since="1h"), shown)
        self.assertEqual(self.node.ctl("sip.recent", number="1999", until="1h"), [])
        said = subprocess.run([self.node.program("tandemctl"), "--config", self.node.config, "sip.recent", "number=1999"],
                              capture_output=True, text=True, timeout=30, check=True, env=self.node.environment).stdout
        self.assertRegex(said, rf"(?m)^---- \S+Z UDP 127.0.0.1:{self.node.sip_port} <- 127.0.0.1:{self.a.port}$\nINVITE ")

    def test_a_call_that_is_over_and_the_bound(self):
        out, into = self.connect_encrypted()
        call = self.call_id()
        out.bye()
        into.wait_bye()
        self.ended()
        shown = [row["message"] for row in self.node.ctl("sip.recent", call=call, limit=100)]
        self.assertGreaterEqual(sum(text.startswith("BYE ") for text in shown), 2)
        self.assertIn("inline:" + "x" * 40, "".join(shown))
        for end in (self.audio_a, self.audio_b):
            self.assertNotIn(base64.b64encode(end.key_out.octets)[:20].decode(), "".join(shown))
        self.assertEqual(len(self.node.ctl("sip.recent", limit=3)), 3)
        for _ in range(40):
            self.a.invite("1999", self.audio_a.sdp()).wait_final()
        self.assertEqual(self.node.ctl("sip.recent", call=call), [], "64 KiB are full of others")


class Secret(TraceTest):
    def test_keys_and_media_stay_secret(self):
        """Without permission nobody is let to listen; what is shown of SIP has neither keys nor answers to challenges."""
        out, into = self.connect_encrypted()
        with self.assertRaisesRegex(ServerError, "not_allowed"):
            self.node.ctl("call.trace.start", call=self.call_id(), decrypted="true")
        process = self.trace()
        self.talk(0.6)
        self.reinvite(out, into)
        out.bye()
        into.wait_bye()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        content = self.content()
        keys = [key for end in (self.audio_a, self.audio_b) for key in (end.key_in, end.key_out)]
        for key in keys:
            self.assertNotIn(base64.b64encode(key.octets)[:20], content)
        self.assertIn(b"inline:" + b"x" * 40, content)
        lengths = {int(length) for length, in self.rows("rtp and frame.packet_flags_direction == 1", "udp.length")}
        self.assertEqual(lengths, {8 + 12 + 160 + 10})
        self.assertEqual(sum(found[0] for found in self.streams().values()),
                         sum(end.sent + len(end.packets) for end in (self.audio_a, self.audio_b)))


class Pressed(TraceTest):
    """Digits that a phone sends by INFO, which may be a PIN."""
    BODIES = (("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n"), ("application/dtmf", "7"))

    def press(self, out):
        """Each of the bodies, to a phone that takes no events, so that they go on to it."""
        for kind, body in self.BODIES:
            request = out.in_dialog("INFO", body=body)
            request.set("Content-Type", kind)
            self.a.send(request, out.next_hop())
            passed = self.b.take_request("INFO")
            self.assertIn("7", passed.text)
            self.b.respond(passed, 200, "OK")
            self.assertEqual(self.a.take(lambda m: not m.is_request and m.get("CSeq") == request.get("CSeq")).status, 200)

    def assert_hidden(self, bodies):
        self.assertGreaterEqual(len(bodies), 4, "in and out")
        self.assertFalse([body for body in bodies if "7" in body], bodies)
        self.assertIn("Signal=x", "".join(bodies))

    def test_nobody_reads_them(self):
        """Neither in a trace nor among the newest messages."""
        out, into, _ = self.connect(answer=self.audio_b.sdp(codecs=("0 PCMU/8000",)))
        call, process = self.call_id(), self.trace()
        self.press(out)
        out.bye()
        into.wait_bye()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        infos = [part.split(b"\r\n\r\n", 1)[1][:26].decode("latin-1") for part in self.content().split(b"INFO sip:")[1:]]
        self.assert_hidden([re.match(r"Signal=.|.", info)[0] for info in infos])
        shown = [row["message"] for row in self.node.ctl("sip.recent", call=call, limit=100)]
        self.assert_hidden([text.partition("\r\n\r\n")[2] for text in shown if text.startswith("INFO ")])
        self.assertNotIn("Signal=7", self.node.log_text())


class Permitted(TraceTest):
    settings = {"trace": {"decrypted": True}}

    def test_what_is_encrypted_is_shown(self):
        out, into = self.connect_encrypted()
        process = self.trace("--decrypted")
        self.talk(0.8)
        self.reinvite(out, into)
        out.bye()
        into.wait_bye()
        self.assertEqual(process.wait(20), 0, process.stderr.read())
        self.assertIn(base64.b64encode(self.audio_a.key_out.octets), self.content())
        payloads = [bytes.fromhex(payload) for payload, in
                    self.rows(f"rtp and udp.srcport == {self.audio_a.port}", "rtp.payload")]
        self.assertEqual(len(payloads), self.audio_a.sent)
        self.assertEqual(tone.loudest(PCMU.samples(payloads[-25:]), 8000)[0], 440)
        self.assertEqual(sum(found[0] for found in self.streams().values()),
                         sum(end.sent + len(end.packets) for end in (self.audio_a, self.audio_b)))


class Export(TraceTest):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.settings = {"hep": {"collector": self.collector.address, "capture_id": 77, "password": "our-key"}}
        super().setUp()

    def reload(self, settings):
        before = self.node.log_text().count("settings read again")
        self.node.configure(settings)
        self.node.process.send_signal(signal.SIGHUP)
        while self.node.log_text().count("settings read again") == before:
            time.sleep(0.02)
        time.sleep(0.1)

    def test_sip_and_rtcp_of_a_call(self):
        out, into = self.connect_encrypted()
        call = self.call_id()
        report = bytes.fromhex("81c90007") + self.audio_a.ssrc.to_bytes(4, "big") + bytes(24)
        out.bye()
        into.wait_bye()
        self.keys(False)
        for end in (self.audio_a, self.audio_b):
            end.key_out = end.key_in = None
        pair = self.connect()
        second = next(other["id"] for other in self.calls() if other["id"] != call)
        self.talk(0.3)
        self.audio_a.rtcp.sendto(report, (self.audio_a.remote[0], self.audio_a.remote[1] + 1))
        told = self.collector.wait(lambda copy: copy.kind == RTCP and copy.payload == report)
        self.assertEqual((told.call, told.way[0][1], told.chunks[2]), (second, self.audio_a.port + 1, 17))
        pair[0].bye()
        pair[1].wait_bye()
        self.collector.wait(lambda copy: copy.call == second and copy.text.startswith("SIP/2.0 200")
                            and copy.way[0] == self.node.server and " BYE\r\n" in copy.text)
        self.assertEqual(self.collector.broken, [])
        copies = [copy for copy in self.collector.copies if copy.kind == SIP]
        self.assertEqual({(copy.chunks[12], copy.chunks[14], copy.chunks[1]) for copy in copies}, {(77, b"our-key", 2)})
        for copy in copies:
            self.assertAlmostEqual(copy.chunks[9], time.time(), delta=60)
            self.assertEqual(sum(end == self.node.server for end in copy.way), 1)
            for secret in re.findall(r'response="([^"]*)"|inline:([^|\s]*)', copy.text):
                self.assertEqual(set("".join(secret)), {"x"})
        registers = [copy for copy in copies if copy.text.startswith("REGISTER")]
        self.assertTrue(registers and not any(copy.call for copy in registers))
        self.assertTrue(any("response=" in copy.text for copy in registers))
        self.assertTrue(any("inline:" in copy.text for copy in copies))
        # every message of a call that has begun has its id, from its INVITE and 100 to the end
        mine = [copy for copy in copies if copy.call == call]
        heads = [copy.text.split("\r\n")[0] for copy in mine]
        for wanted, count in (("INVITE ", 2), ("SIP/2.0 100", 1), ("ACK ", 2), ("BYE ", 2), ("SIP/2.0 200", 4)):
            self.assertGreaterEqual(sum(head.startswith(wanted) for head in heads), count, (wanted, heads))
        self.assertGreater(self.node.metric("tandem_hep_sent_total"), len(copies) - 1)
        self.assertEqual(self.node.metric("tandem_hep_lost_total"), 0)

    def test_a_collector_that_is_gone_and_one_that_comes(self):
        self.collector.close()
        pair = self.connect()
        self.talk(0.3)
        self.assertGreater(self.node.metric("tandem_hep_lost_total", reason="not_sent"), 0)
        pair[0].bye()
        pair[1].wait_bye()
        self.ended()
        other = Collector()
        self.addCleanup(other.close)
        self.reload({"hep": {"collector": other.address}})
        pair = self.connect()
        call = self.call_id()
        found = other.wait(lambda copy: copy.text.startswith("ACK") and copy.call == call)
        self.assertEqual(found.chunks[12], 2001)
        self.assertNotIn(14, found.chunks)
        self.reload({})
        seen = len(other.copies)
        pair[0].bye()
        pair[1].wait_bye()
        self.ended()
        self.assertEqual(len(other.copies), seen)
