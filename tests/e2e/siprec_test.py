# SPDX-License-Identifier: Apache-2.0
"""Calls with an external recorder (SIPREC): it has both voices and knows whose they are; it is told of pauses, and goes on over a kill: REC-02."""
import re
import signal
import time
import unittest

import tone

from lib.authority import Authority
from lib.nameserver import NameServer, address, service
from lib.place import PARTY
from lib.recorder import SENDER_REPORT, Recorder
from lib.recorder_stream import SecureRecorder, StreamRecorder

from music_test import MusicTest, TALK_A, TALK_B
from patience import until

SECRET_TONE = 1700


class SiprecTest(MusicTest):
    media = {}

    def setUp(self):
        super().setUp()
        self.recorder, siprec, more = self.place()
        self.addCleanup(self.recorder.close)
        self.node.configure({"siprec": {"address": f"{self.recorder.address}:{self.recorder.port}", **siprec}, **more})
        self.node.process.send_signal(signal.SIGHUP)
        self.logged("settings read again", 2)
        self.node.ctl("extension.put", number="1001", record="on_demand")

    def order(self, state, **more):
        self.node.ctl("call.record", call=self.call_id(), leg="a", state=state, **more)

    def recorded(self):
        """A call whose recorder has taken it."""
        legs = self.talk()
        self.order("on", to="siprec")
        session = self.recorder.asked().take()
        self.heard()
        return (*legs, session)

    def heard(self):
        self.recorder.ends[0].wait_tone(TALK_A, anew=True)
        self.recorder.ends[1].wait_tone(TALK_B, anew=True)

    def reported(self):
        """Both streams are told on one clock, and what the recorder lost is counted."""
        ends = self.recorder.ends
        until(lambda: all(self.recorder.reports(end) for end in ends), self.node.log_tail)
        first = [self.recorder.reports(end)[-1] for end in ends]
        self.assertEqual([report.kind for report in first], [SENDER_REPORT] * 2)
        self.assertEqual([report.ssrc for report in first], [end.packets[-1].ssrc for end in ends])
        self.assertEqual(first[0].cname, first[1].cname)
        for report, end in zip(first, ends):
            at, packet = time.time() - time.monotonic(), end.packets[-1]
            seconds = (packet.ts - report.timestamp + 2**31) % 2**32 - 2**31
            self.assertAlmostEqual(report.utc + seconds / 8000, at + packet.at, delta=1)
        self.recorder.reports_lost(ends[0], 5)
        until(lambda: self.node.metric("tandem_siprec_reported_lost_packets_total") == 5, self.node.log_tail)
        self.assertEqual(self.node.metric("tandem_siprec_reports_total", way="refused"), 0)

    def deaf(self):
        """The recorder reports of both streams that nothing comes, as one does behind a firewall."""
        ends = self.recorder.ends
        until(lambda: all(self.recorder.reports(end) for end in ends), self.node.log_tail)
        for end in ends:
            self.recorder.reports_lost(end, 0xff << 24 | 5)
        until(lambda: self.node.metric("tandem_siprec_reported_lost_packets_total") == 10, self.node.log_tail)

    def doctor(self):
        """What is said of the recorder: code and evidence."""
        found = self.node.ctl("call.doctor", call=self.call_id())["findings"]
        return {row["code"]: row["evidence"] for row in found if row["code"].startswith("recorder_")}

    def events(self, kind):
        return [row for row in self.node.events() if row["type"] == kind]


class Siprec(SiprecTest):
    def place(self):
        return Recorder(self.node), {"transport": "udp", "user": "srs"}, {}

    def test_both_voices_and_a_pause(self):
        out, into, session = self.recorded()
        told, request = session.told, session.request
        self.assertEqual(request.uri.split(":")[1].split("@")[0], "srs")
        self.assertEqual(request.get("Require"), "siprec")
        self.assertIn(";+sip.src", request.get("Contact"))
        self.assertEqual((told.types, told.disposition), (["application/sdp", "application/rs-metadata+xml"], "recording-session"))
        self.assertEqual((told.labels(), told.directions()), (["1", "2"], ["sendonly", "sendonly"]))
        self.assertEqual([aor.split("@")[0] for aor in map(told.senders().get, ("1", "2"))], ["sip:1001", "sip:1002"])
        row, = self.node.ctl("call.show", call=self.call_id())["recordings"]
        self.assertEqual((row["to"], row["state"]), ("siprec", "on"))
        sent = {packet.ssrc for packet in self.recorder.ends[0].packets}
        self.assertEqual(sent, {self.audio_a.ssrc}, "as the party sent it")
        self.reported()
        self.order("pause")
        self.assertEqual(session.take_again().directions(), ["inactive", "inactive"])
        self.audio_a.stop()
        self.audio_a.start(SECRET_TONE)
        self.hears(self.audio_b, SECRET_TONE)
        self.audio_a.stop()
        self.audio_a.digit("7")
        self.audio_a.start(TALK_A)
        self.hears(self.audio_b, TALK_A)
        self.order("resume")
        self.assertEqual(session.take_again().directions(), ["sendonly", "sendonly"])
        self.heard()
        end = self.recorder.ends[0]
        self.assertEqual(end.digits(), "")
        parts = [end.codec.samples([packet.payload]) for packet in end.audio()]
        self.assertEqual(sum(tone.share(part, 8000, SECRET_TONE) > 0.9 for part in parts), 0)
        self.order("off")
        session.wait_bye()
        self.talks()
        self.ends(out, into)
        self.assertEqual(len(self.events("call.recording_ended")), 1)
        self.assertEqual(self.events("call.recording_lost"), [])

    def test_files_of_one_and_the_recorder_of_the_other(self):
        """Each setting has its recording, over a kill -9: of the caller a file, of the callee a session."""
        self.node.ctl("extension.put", number="1001", record="auto", record_to="files")
        self.node.ctl("extension.put", number="1002", record="auto", record_to="siprec")
        out, into = self.talk()
        session = self.recorder.asked().take()
        session.take_again()            # the caller has acknowledged the answer by now
        self.recorder.ends[0].wait_tone(TALK_B, anew=True)
        rows = self.node.ctl("call.show", call=self.call_id())["recordings"]
        self.assertEqual([(row["leg"], row["to"]) for row in rows], [("a", "files"), ("b", "siprec")])
        self.node.kill()
        self.node.restart()
        session.take_again()
        self.recorder.ends[0].wait_tone(TALK_B, anew=True)
        self.recorder.ends[1].wait_tone(TALK_A, anew=True)
        self.assertEqual([row["also"] for row in self.events("call.recording") if "also" in row], [])
        self.ends(out, into)
        session.wait_bye()
        row, = self.node.cdrs(1)
        self.assertEqual(len(row["recordings"].split(",")), 2)
        until(lambda: {row["call"] for row in self.node.ctl("recording.list")} == {row["id"]}, self.node.log_tail)

    def test_refuses_at_first(self):
        out, into = self.talk()
        self.order("on", to="siprec")
        self.recorder.asked().reject(503)
        until(lambda: len(self.events("call.recording_lost")) == 1, self.node.log_tail)
        self.assertEqual(self.doctor()["recorder_refuses"]["status"], 503)
        session = self.recorder.asked().take()
        self.heard()
        self.assertEqual(self.doctor(), {})
        self.deaf()
        self.assertEqual(list(self.doctor()), ["recorder_hears_nothing"])
        until(lambda: len(self.events("call.recording_taken")) == 1, self.node.log_tail)
        session.bye()                   # the recorder ends it; it is asked once more
        again = self.recorder.asked().take()
        self.heard()
        self.assertEqual(again.told.session(), session.told.session())
        self.talks()
        self.ends(out, into)
        again.wait_bye()

    def test_policy_and_nobody_there(self):
        """Nobody listens at the recorder's port: the call does not notice."""
        self.node.ctl("extension.put", number="1001", record="auto", record_to="siprec")
        self.recorder.close()
        out, into = self.talk()
        until(lambda: len(self.events("call.recording_lost")) == 1, self.node.log_tail)
        self.assertEqual(list(self.doctor()), ["recorder_unreachable"])
        self.talks()
        self.ends(out, into)


class Stream(SiprecTest):
    node_options = {"everything": True}

    def place(self):
        return StreamRecorder(self.node), {"transport": "tcp"}, {}

    def test_connection_breaks(self):
        """What is said next makes another one, and the session goes on."""
        out, into, session = self.recorded()
        self.recorder.breaks()
        until(lambda: self.recorder.socket is self.recorder.listener)
        self.order("pause")
        self.assertEqual(session.take_again().directions(), ["inactive", "inactive"])
        self.order("resume")
        session.take_again()
        self.heard()
        self.assertEqual(self.recorder.connections, 2)
        self.assertEqual(self.events("call.recording_lost"), [])
        self.ends(out, into)
        session.wait_bye()


class Several(SiprecTest):
    node_options = {"everything": True}

    def place(self):
        """Nobody listens at the first one's port, and the second one wants to know who asks."""
        gone, there = StreamRecorder(self.node), StreamRecorder(self.node)
        gone.close()
        return there, {"transport": "tcp", "address": f"{gone.address}:{gone.port}", "more": [f"{there.address}:{there.port}"],
                       "auth_user": "node", "auth_realm": "srs", "password": "secret"}, {}

    def test_next_one(self):
        legs = self.talk()
        self.order("on", to="siprec")
        self.recorder.asked().wants_to_know("srs")
        session = self.recorder.asked()
        self.assertIn('username="node"', session.request.get("Authorization"))
        session.take()
        self.heard()
        self.assertEqual(self.events("call.recording_lost"), [])
        self.ends(*legs)
        session.wait_bye()


SRS = "srs.example.test"


class NamedTest(SiprecTest):
    def setUp(self):
        self.names = NameServer({})
        self.addCleanup(self.names.close)
        self.asks = {"dns": {"servers": [self.names.name]}}
        super().setUp()


class Named(NamedTest):
    def place(self):
        """At the first port of its name nobody listens."""
        recorder, dead = Recorder(self.node), self.node.ports.take()
        self.names.zone[f"_sip._udp.{SRS}"] = [service(10 * i, port, f"host.{SRS}") for i, port in enumerate((dead, recorder.port))]
        self.names.zone[f"host.{SRS}"] = [address(PARTY)]
        return recorder, {"transport": "udp", "user": "srs", "address": SRS}, self.asks

    def test_next_place(self):
        *legs, session = self.recorded()
        self.assertEqual(session.request.uri, f"sip:srs@{SRS}")
        self.assertEqual(self.names.asked[0], (f"_sip._udp.{SRS}", "SRV"))
        self.assertEqual(self.events("call.recording_lost"), [])
        self.ends(*legs)
        session.wait_bye()


class NamedSecure(NamedTest):
    node_options = {"everything": True}

    def place(self):
        authority = Authority(self.node.home)
        recorder = SecureRecorder(self.node, *authority.signs("recorder", f"DNS:{SRS}"))
        self.names.zone[SRS] = [address(PARTY)]
        return recorder, {"transport": "tls", "srtp": True, "address": f"{SRS}:{recorder.port}"}, {"tls": {"ca": authority.path}, **self.asks}

    def test_certificate_of_the_name(self):
        *legs, session = self.recorded()
        self.ends(*legs)
        session.wait_bye()


class Secure(SiprecTest):
    node_options = {"everything": True}

    def place(self):
        authority = Authority(self.node.home)
        recorder = SecureRecorder(self.node, *authority.signs("recorder", f"IP:{PARTY}"))
        return recorder, {"transport": "tls", "srtp": True}, {"tls": {"ca": authority.path}}

    def test_killed(self):
        """Over TLS, with SRTP: the next process has another connection, other ports and other keys, and the same session."""
        out, into, session = self.recorded()
        self.reported()
        self.saved()
        self.node.kill()
        self.node.restart()
        told = session.take_again()
        self.assertEqual(told.session(), session.told.session())
        self.assertNotEqual(*(re.findall("inline:(\\S+)", sdp) for sdp in (told.sdp, session.told.sdp)))
        self.heard()
        self.assertEqual([end.forged for end in self.recorder.ends], [0, 0])
        self.talks()
        self.ends(out, into)
        session.wait_bye()


if __name__ == "__main__":
    unittest.main()
