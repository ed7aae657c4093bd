# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/sip.md on methods, headers, bodies and lines of the session: each row has its check here, and each check its row.
The tables of codes are read by tests/unit/sig/call/passing_test.c."""
import re
import threading
import unittest

from lib import ROOT
from lib.sip import or_none

from call_test import CallTest

OWN_TYPE = "application/x-own"
CALLERS = [("Subject", "hello"), ("Diversion", "<sip:9@x.invalid>"), ("P-Asserted-Identity", "<sip:boss@x.invalid>"), ("X-Else", "1"), ("Organization", "own"),
           ("Allow", "INVITE, PUBLISH"), ("Supported", "x-own"), ("User-Agent", "own"), ("Accept", OWN_TYPE),
           ("Alert-Info", "<http://x.invalid>"), ("Session-Expires", "1801"), ("Min-SE", "91"), ("Retry-After", "5"),
           ("Recv-Info", "x-own")]


def table(heading):
    """{what the first cell of a row says: the rest of the row} of that section."""
    text = (ROOT / "docs" / "sip.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in rows[1:]}


def row(text):
    """The check of the row whose first cell is that."""
    def mark(function):
        function.row = text
        return function
    return mark


class Tables:
    """Runs the checks of a table, which are the functions marked with its rows."""
    heading = None
    settings = {"sip": {"info_types": [OWN_TYPE], "x_headers": ["X-Own"]},
                "media": {"video": True, "transcode": False}}      # or who refuses is asked once more for a codec

    def checks(self):
        return {found.row: found for name in dir(self) if hasattr(found := getattr(self, name), "row")}

    def test_each_row(self):
        checks, rows = self.checks(), table(self.heading)
        self.assertEqual(set(checks), set(rows))
        for text, check in checks.items():
            with self.subTest(row=text):
                check(rows[text])

    # -- what the checks use -------------------------------------------------------------------
    def ring(self, headers=(), body=None, content="application/sdp"):
        """An INVITE with these, and what the called phone gets of it."""
        out = self.a.invite("1002", body or self.audio_a.sdp(), headers, content)
        return out, self.b.incoming()

    def give_up(self, out, into):
        into.reject(486)
        self.assertEqual(out.wait_final().status, 486)

    def hang_up(self, out, into):
        out.bye()
        into.wait_bye()

    def refused(self, body, content, headers=()):
        """The status of an INVITE with this body."""
        request = self.a.request("INVITE", f"sip:1002@{self.node.server[0]}", headers, body, content)
        return self.a.transact_authorized(request)[1]

    def info(self, out, body, content, headers=(), method="INFO"):
        """An INFO in the call: its answer, and what the other phone got of it, which it answers with 200."""
        request = out.in_dialog(method, headers, body)
        if body:
            request.set("Content-Type", content)
        self.a.send(request, out.next_hop())
        passed = or_none(self.b.take_request, method, 0.5)
        if passed:
            self.b.respond(passed, 200, "OK", headers=headers)
        answer = self.a.take(lambda m: not m.is_request and m.get("CSeq") == request.get("CSeq"))
        return answer, passed


class Methods(Tables, CallTest):
    heading = "Methods"

    def outside(self, method, body=""):
        return self.a.transact_authorized(self.a.request(method, f"sip:1002@{self.node.server[0]}", body=body))[1].status

    def inside(self, method, headers=()):
        out, into, _ = self.connect()
        status = out.transact(out.in_dialog(method, headers)).status
        self.assertIsNone(or_none(self.b.take_request, method, 0.3), "it ends at the node")
        self.hang_up(out, into)
        return status

    @row("INVITE")
    def invite(self, _):
        out, into, _ = self.connect()
        offer = self.audio_a.sdp(direction="sendonly", version=2)
        self.a.send(request := out.in_dialog("INVITE", body=offer), out.next_hop())
        self.assertIn("a=sendonly", into_text := into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2)).text)
        self.assertNotIn(f"m=audio {self.audio_a.port} ", into_text)
        self.assertEqual(self.a.take(lambda m: m.status == 200 and m.get("CSeq") == request.get("CSeq")).status, 200)
        out._acknowledge(request.cseq)
        self.hang_up(out, into)

    @row("ACK, CANCEL, BYE")
    def bye(self, _):
        out, into = self.ring()
        into.ring()
        out.wait_provisional(180)
        out.cancel()
        into.wait_cancel()
        out, into, _ = self.connect()
        self.assertEqual(out.transact(out.in_dialog("BYE", [("Reason", "Q.850;cause=16")])).status, 200)
        self.assertEqual(into.wait_bye().get("Reason"), "Q.850;cause=16")

    @row("OPTIONS")
    def options(self, _):
        self.assertEqual(self.outside("OPTIONS"), 200)
        self.assertEqual(self.inside("OPTIONS"), 200)

    @row("REGISTER")
    def register(self, _):
        self.assertEqual(self.a.register().status, 200)

    @row("UPDATE")
    def update(self, _):
        out, into, _ = self.connect()
        self.assertEqual(out.transact(out.in_dialog("UPDATE")).status, 200)
        answered = out.transact(out.in_dialog("UPDATE", body=self.audio_a.sdp(version=2)))
        self.assertEqual(answered.status, 200)
        self.assertIn("m=audio ", answered.text)
        self.assertEqual(out.transact(out.in_dialog("UPDATE", body=b"v=0\r\n")).status, 488)
        self.assertIsNone(or_none(self.b.take_request, "UPDATE", 0.3))
        self.hang_up(out, into)

    @row("INFO")
    def info_outside(self, cells):
        self.assertEqual(cells[0], str(self.outside("INFO")))

    @row("PRACK")
    def prack(self, cells):
        self.assertEqual(cells[0], str(self.outside("PRACK")))
        self.assertEqual(self.inside("PRACK", [("RAck", "1 1 INVITE")]), 481)

    @row("REFER")
    def refer(self, cells):
        self.assertTrue(cells[0].endswith("else " + str(self.outside("REFER"))), cells[0])

    @row("MESSAGE")
    def message_outside(self, cells):
        self.assertTrue(cells[0].startswith("to a user of the node"), cells[0])
        taker = threading.Thread(target=lambda: self.b.respond(self.b.take_request("MESSAGE"), 202, "Accepted", "m"))
        taker.start()
        self.assertEqual(self.outside("MESSAGE"), 202)
        taker.join()

    @row("SUBSCRIBE, PUBLISH")
    def subscribe(self, cells):
        """Outside: blf_test.py; they name no Event here."""
        for method in ("SUBSCRIBE", "PUBLISH"):
            self.assertEqual([str(self.outside(method)), str(self.inside(method))], ["489", cells[1]], method)

    @row("NOTIFY")
    def not_allowed(self, cells):
        self.assertEqual([str(self.outside("NOTIFY")), str(self.inside("NOTIFY"))], cells)

    @row("any other")
    def unknown(self, cells):
        self.assertEqual([str(self.outside("SING")), str(self.inside("SING"))], cells)


class Headers(Tables, CallTest):
    heading = "Headers"

    @row("From, To")
    def names(self, _):
        self.node.put_extension("1001", "secret1001", display_name="Front desk")
        out, into = self.ring()
        self.assertRegex(into.request.get("From"), r'^"Front desk" <sip:1001@127\.0\.0\.1[:>]')
        self.give_up(out, into)

    @row("Call-ID, CSeq, Via, Contact, Record-Route, Route")
    def dialog(self, _):
        out, into = self.ring([("Record-Route", "<sip:x.invalid;lr>")])
        request = into.request
        self.assertNotEqual(request.call_id, out.call_id)
        self.assertEqual(len(request.all("Via")), 1)
        self.assertNotIn(f":{self.a.port}", request.get("Via") + request.get("Contact"))
        self.assertEqual(request.all("Record-Route") + request.all("Route"), [])
        self.give_up(out, into)

    @row("Max-Forwards")
    def forwards(self, _):
        out, into = self.ring()
        self.assertEqual(into.request.get("Max-Forwards"), "69")
        self.give_up(out, into)

    @row("Reason")
    def reason(self, _):
        out, into, _ = self.connect()
        out.transact(out.in_dialog("BYE", [("Reason", "SIP;cause=580")]))
        self.assertEqual(into.wait_bye().get("Reason"), "SIP;cause=580")
        out, into = self.ring()
        into.respond(486, "Busy", [("Reason", "Q.850;cause=17")])
        self.assertEqual(out.wait_final().get("Reason"), "Q.850;cause=17")

    @row("Supported: record-aware (RFC 7866)")
    def aware(self, _):
        out, into = self.ring([("Supported", "record-aware")])
        self.assertNotIn("record-aware", into.request.get("Supported", ""))
        self.give_up(out, into)

    @row("Retry-After")
    def retry(self, _):
        out, into = self.ring([("Retry-After", "5")])
        self.assertIsNone(into.request.get("Retry-After"))
        into.respond(486, "Busy", [("Retry-After", "77")])
        self.assertEqual(out.wait_final().get("Retry-After"), "77")

    @row("Accept")
    def accept(self, _):
        out, into = self.ring(CALLERS)
        self.assertNotIn(OWN_TYPE, into.request.get("Accept", ""))
        into.respond(415, "No", [("Accept", OWN_TYPE)])
        self.assertEqual(out.wait_final().get("Accept"), OWN_TYPE)

    @row("Info-Package, Recv-Info, Content-Disposition, Content-Encoding")
    def packages(self, _):
        out, into, _ = self.connect()
        headers = [("Info-Package", "own"), ("Recv-Info", "own"), ("Content-Disposition", "info-package"), ("Content-Encoding", "gzip")]
        answer, passed = self.info(out, "x", OWN_TYPE, headers)
        for name, value in headers:
            self.assertEqual((passed.get(name), answer.get(name)), (value, value), name)
        self.hang_up(out, into)

    @row("Subject, Date, Expires, Priority, Content-Language, Content-Disposition, Content-Encoding")
    def of_messages(self, _):
        out, into, _ = self.connect()
        headers = [("Subject", "own"), ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"), ("Expires", "60"), ("Priority", "urgent"),
                   ("Content-Language", "de"), ("Content-Disposition", "render"), ("Content-Encoding", "gzip")]
        _, passed = self.info(out, "x", OWN_TYPE, headers + [("Organization", "own")], "MESSAGE")
        for name, value in headers:
            self.assertEqual(passed.get(name), value, name)
        self.assertEqual(passed.all("Organization"), [])
        self.hang_up(out, into)

    @row("Allow, Supported, Require, Session-Expires, Min-SE, User-Agent, Server")
    def capabilities(self, _):
        out, into = self.ring(CALLERS)
        for name, values in CALLERS:
            self.assertNotIn(values, into.request.all(name), name)
        self.give_up(out, into)

    @row("Alert-Info")
    def alert(self, _):
        out, into = self.ring(CALLERS)
        self.assertEqual(into.request.all("Alert-Info"), [])
        self.give_up(out, into)
        self.node.ctl("call.originate", **{"from": "1002", "to": "1001", "auto_answer": True})
        into = self.b.incoming()
        self.assertEqual(len(into.request.all("Alert-Info")), 1)
        into.reject(486)

    @row("Diversion, History-Info")
    def diversion(self, _):
        """The caller's own ones end at the node; those of a forwarded call: forward_test.py."""
        out, into = self.ring(CALLERS)
        for name in ("Diversion", "History-Info"):
            self.assertEqual(into.request.all(name), [], name)
        self.give_up(out, into)

    @row("P-Asserted-Identity, P-Preferred-Identity, Privacy, User-to-User, Geolocation, Identity, X-…")
    def who_calls(self, _):
        """Of a phone to a phone; all other ways: tests/unit/sig/call/identity_test.c."""
        said = [("User-to-User", "56a3;encoding=hex"), ("X-Own", "1")]
        kept = [("P-Asserted-Identity", "<sip:boss@x.invalid>"), ("P-Preferred-Identity", "<sip:boss@x.invalid>"), ("X-Other", "1"),
                ("Geolocation", "<https://l.invalid/1>"), ("Identity", "a.b.c;info=<https://l.invalid/1>"), ("Privacy", "id")]
        out, into = self.ring(said + kept)
        for name, value in said:
            self.assertEqual(into.request.all(name), [value], name)
        for name, _ in kept:
            self.assertEqual(into.request.all(name), [], name)
        self.assertTrue(into.request.get("From").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag='))
        self.assertNotIn("1001", str(into.request))
        self.give_up(out, into)

    @row("all others, such as Organization, Remote-Party-ID (but [its privacy](#who-calls)), Call-Info")
    def others(self, _):
        out, into = self.ring(CALLERS + [("Remote-Party-ID", "<sip:1001@x.invalid>"), ("Call-Info", "<http://x.invalid>")])
        for name in ("Subject", "Organization", "Remote-Party-ID", "Call-Info"):
            self.assertEqual(into.request.all(name), [], name)
        self.give_up(out, into)


def parts(*listed, kind="mixed"):
    """(a multipart body, its type): listed: (heads, text)."""
    text = "".join(f"--b\r\n{''.join(f'{head}' + chr(13) + chr(10) for head in heads)}\r\n{body}\r\n" for heads, body in listed)
    return f"{text}--b--\r\n", f'multipart/{kind};boundary="b"'


class Bodies(Tables, CallTest):
    heading = "Bodies"
    settings = {**Tables.settings, "call_codes": {"record_on": "*1", "record_off": "*1"}}

    def session(self):
        return ["Content-Type: application/sdp"], self.audio_a.sdp()

    def rings_with(self, body, content, headers=()):
        """The INVITE that the other phone gets for one with this body; the call is given up."""
        out, into = self.ring(headers, body, content)
        self.give_up(out, into)
        return into.request

    @row("`application/sdp`")
    def sdp(self, _):
        got = self.rings_with(self.audio_a.sdp(), "application/sdp")
        self.assertEqual(got.get("Content-Type"), "application/sdp")
        self.assertNotIn(f"m=audio {self.audio_a.port} ", got.text)
        self.assertIn("m=audio ", got.text)

    @row("`multipart/…` with SDP in it")
    def multipart(self, _):
        other = ["Content-Type: application/x-other", "Content-Disposition: signal;handling=optional"], "other"
        nobody = ["Content-Type: text/plain"], "no more"
        for part in (other, nobody):
            got = self.rings_with(*parts(part, self.session()))
            self.assertEqual(got.get("Content-Type"), "application/sdp")
            self.assertTrue("m=audio " in got.text and part[1] not in got.text)
        first = ["Content-Type: application/sdp"], self.audio_b.sdp(extra="a=label:first\r\n")
        last = ["Content-Type: application/sdp"], self.audio_a.sdp(extra="a=label:last\r\n")
        got = self.rings_with(*parts(first, last, nobody, kind="alternative"))
        self.assertTrue("a=label:last" in got.text and "a=label:first" not in got.text)

    @row("a part with `handling=required` that is no SDP")
    def required(self, cells):
        other = ["Content-Type: application/x-other", "Content-Disposition: signal;handling=required"], "other"
        self.assertEqual(str(self.refused(*parts(other, self.session())).status), cells[0])

    @row("another type in INVITE, ACK or UPDATE")
    def another(self, _):
        answer = self.refused("x", "application/x-other")
        self.assertEqual(answer.status, 415)
        self.assertIn("application/sdp", answer.get("Accept"))
        got = self.rings_with("x", "application/x-other", [("Content-Disposition", "render;handling=optional")])
        self.assertEqual(got.body, b"", "an INVITE that asks for an offer")

    @row("INFO with keys (`application/dtmf-relay`, `application/dtmf`)")
    def keys(self, _):
        out, into, _ = self.connect(answer=self.audio_b.sdp(codecs=("0 PCMU/8000",)))
        answer, passed = self.info(out, "Signal=5\r\nDuration=120\r\n", "application/dtmf-relay")
        self.assertEqual((answer.status, passed.get("Content-Type")), (200, "application/dtmf-relay"))
        self.hang_up(out, into)
        out, into, _ = self.connect()
        for body, content in (("Signal=5\r\nDuration=120\r\n", "application/dtmf-relay"), ("6", "application/dtmf")):
            answer, passed = self.info(out, body, content)
            self.assertEqual((answer.status, passed), (200, None), content)
        self.assertEqual(self.audio_b.wait_digits("56"), "56")
        self.hang_up(out, into)

    @row("the same, of a party that may use [in-call codes](guides/recording.md#by-a-code)")
    def keys_of_codes(self, _):
        """Also a key that might have begun a code."""
        self.node.ctl("extension.put", number="1001", record="on_demand")
        out, into, _ = self.connect()
        wanted = self.audio_b.digits() + "*7"
        for key in "*7":
            answer, passed = self.info(out, f"Signal={key}\r\nDuration=120\r\n", "application/dtmf-relay")
            self.assertEqual((answer.status, passed), (200, None), key)
        self.assertEqual(self.audio_b.wait_digits(wanted), wanted)
        self.hang_up(out, into)
        self.node.ctl("extension.put", number="1001", record="off")

    @row("INFO with `application/media_control+xml`, or without a body")
    def picture(self, _):
        out, into, _ = self.connect()
        for body in ("<media_control/>", ""):
            answer, passed = self.info(out, body, "application/media_control+xml")
            self.assertEqual((answer.status, passed.text), (200, body))
        self.hang_up(out, into)

    @row("INFO with a type of `sip.info_types`")
    def own(self, _):
        out, into, _ = self.connect()
        answer, passed = self.info(out, "mine", OWN_TYPE)
        self.assertEqual((answer.status, passed.text), (200, "mine"))
        self.hang_up(out, into)

    @row("INFO with candidates (`application/trickle-ice-sdpfrag`)")
    def candidates(self, _):
        out, into, _ = self.connect()
        _, passed = self.info(out, "a=ice-ufrag:x\r\na=end-of-candidates\r\n", "application/trickle-ice-sdpfrag",
                              [("Info-Package", "trickle-ice")])
        self.assertIsNone(passed)
        self.hang_up(out, into)

    @row("INFO of any other type")
    def other_info(self, cells):
        out, into, _ = self.connect()
        answer, passed = self.info(out, "x", "text/plain")
        self.assertEqual((str(answer.status), passed), (cells[0], None))
        self.hang_up(out, into)

    @row("MESSAGE of any type")
    def message(self, _):
        out, into, _ = self.connect()
        for content in ("text/plain;charset=UTF-8", "message/cpim", OWN_TYPE):
            answer, passed = self.info(out, "x", content, method="MESSAGE")
            self.assertEqual((answer.status, passed.get("Content-Type"), passed.text), (200, content, "x"))
        self.hang_up(out, into)


class Lines(Tables, CallTest):
    heading = "Lines of the session"
    # rows that need keys or a browser are shown by others
    ELSEWHERE = {
        "video": "tests/unit/media/offer_terms_test.c::test_video_codecs",
        "`RTP/AVP` and `RTP/SAVP` lines for one stream": "tests/unit/media/offer_sdes_test.c::test_best_effort",
        "`RTP/SAVP`": "tests/unit/media/offer_sdes_test.c::test_legs",
        "`RTP/AVP` to a phone over TLS that answers 488 or 606": "tests/unit/sig/shard/shard_hop_test.c::test_insists_on_srtp",
        "a line that had keys": "tests/unit/media/offer_sdes_test.c::test_keys_stay",
        "`UDP/TLS/RTP/SAVPF`": "tests/unit/media/offer_webrtc_test.c::test_offers",
        "fax and other media with a party that must encrypt its media": "tests/unit/media/offer_opaque_test.c::test_terms",
        "all three beside a line with DTLS, and towards a browser": "tests/unit/media/offer_opaque_test.c::test_terms",
    }

    def checks(self):
        found = super().checks()
        for text, test in self.ELSEWHERE.items():
            found[text] = lambda _, test=test: self.assertIn(f"({(name := test.split('::'))[1]})", (ROOT / name[0]).read_text("utf-8"), test)
        return found

    def offered(self, *lines):
        """The lines of the offer that the other phone gets for an offer with these after its audio, each with its attributes."""
        out, into = self.ring(body=self.audio_a.sdp() + "".join(line + "\r\n" for line in lines))
        self.give_up(out, into)
        return re.split(r"^(?=m=)", into.request.text, flags=re.M)

    @row("audio")
    def audio(self, _):
        self.node.ctl("profile.put", name="default", codecs="PCMU,G729")
        out, into = self.ring(body=self.audio_a.sdp(codecs=("9 G722/8000", "0 PCMU/8000", "97 own/8000")))
        self.give_up(out, into)
        formats = re.search(r"^m=audio \d+ RTP/AVP (.*?)\r?$", into.request.text, re.M)[1].split()
        self.assertEqual(formats, ["0"])
        self.node.ctl("profile.put", name="default", codecs="")

    @row("`a=record`, `a=recordpref` (RFC 7866)")
    def recorded(self, _):
        audio = self.offered("a=record:on", "a=recordpref:off")[1]
        self.assertTrue(audio.startswith("m=audio "))
        self.assertNotIn("a=record", audio)

    @row("`a=simulcast:send` with `a=rid` of a browser (RFC 8853, 8851)")
    def layers(self, _):
        """Between two, whose phone is none that takes them; a conference takes them in tests/e2e/layers_test.py."""
        line = self.offered(f"m=video {self.node.ports.take(2)} RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=rid:f send", "a=rid:q send",
                            "a=simulcast:send f;q")[2]
        self.assertRegex(line, r"^m=video [1-9]\d* RTP/AVP 96\r\n")
        self.assertNotRegex(line, "a=(rid|simulcast)")

    @row("retransmission and FEC (`rtx`, `ulpfec`, `flexfec`, `parityfec`)")
    def repair(self, _):
        line = self.offered(f"m=video {self.node.ports.take(2)} RTP/AVP 96 97 98", "a=rtpmap:96 H264/90000", "a=rtpmap:97 rtx/90000",
                            "a=fmtp:97 apt=96", "a=rtpmap:98 ulpfec/90000")[2]
        self.assertRegex(line, r"^m=video [1-9]\d* RTP/AVP 96\r\n")
        self.assertNotRegex(line, "rtx|ulpfec")

    def passed(self, *names, lines):
        """The transports of these other lines, beside audio, that pass with that in both profiles."""
        self.node.ctl("profile.put", name="default", lines=lines)
        self.addCleanup(self.node.ctl, "profile.put", name="default", lines="t38")
        return [line.split()[2] for line in self.offered(*names)[2:] if line.split()[1] != "0"]

    @row("`udptl`: fax by T.38, from the first offer on, beside audio or in its place")
    def fax(self, _):
        _, _, line = self.offered("m=image 9 udptl t38", "a=T38FaxVersion:0")
        self.assertRegex(line, r"^m=image [1-9]\d* udptl t38\r\na=T38FaxVersion:0\r\n$")
        self.assertEqual(self.passed("m=x 9 RTP/AVP 98", "m=image 9 udptl t38", lines="t38"), ["udptl"])
        self.assertEqual(self.passed("m=image 9 udptl t38", lines=""), [])

    @row("`text`: T.140 as it is typed (RFC 4103), over any RTP profile but DTLS")
    def text(self, _):
        t140 = "m=text 9 RTP/AVP 98", "a=rtpmap:98 t140/1000"
        self.assertEqual(self.passed(*t140, lines="text"), ["RTP/AVP"])
        self.assertEqual(self.passed(*t140, lines="other"), ["RTP/AVP"])
        self.assertEqual(self.passed(*t140, lines="t38"), [])

    @row("`UDP/BFCP`: floor control (RFC 8856)")
    def floor(self, _):
        for lines in ("bfcp", "other"):
            self.assertEqual(self.passed("m=application 9 UDP/BFCP *", "m=x 9 RTP/AVP 98", lines=lines)[:1], ["UDP/BFCP"])
        self.assertEqual(self.passed("m=application 9 UDP/BFCP *", "m=x 9 RTP/AVP 98", lines="bfcp"), ["UDP/BFCP"])
        self.assertEqual(self.passed("m=application 9 UDP/BFCP *", lines="text"), [])

    @row("other media over `udp`, `RTP/AVP` or `RTP/AVPF`")
    def other(self, _):
        self.assertEqual(self.passed("m=x 9 RTP/AVP 98", "m=image 9 udptl t38", "m=application 9 UDP/BFCP *", lines="other"),
                         ["RTP/AVP", "UDP/BFCP"])
        self.assertEqual(self.passed("m=y 9 RTP/AVPF 98", "m=x 9 udp y", lines="other"), ["RTP/AVPF", "udp"])

    @row("other media over TCP, TLS, DTLS or SRTP, such as MSRP, `TCP/BFCP` or `UDP/TLS/UDPTL`")
    def connected(self, _):
        everything = "t38,other,unencrypted,text"
        self.assertEqual(self.passed("m=message 9 TCP/MSRP *", "m=application 9 TCP/BFCP *", lines=everything), [])
        self.assertEqual(self.passed("m=image 9 UDP/TLS/UDPTL t38", "m=x 9 RTP/SAVP 98", lines=everything), [])

    @row("`c=`, ports, `a=candidate`, `a=crypto`, `a=fingerprint`, `o=`, `s=`")
    def own(self, _):
        head, line = self.offered("a=candidate:1 1 UDP 1 192.0.2.9 9 typ host", "a=fingerprint:sha-1 00")
        self.assertNotRegex(line, r"a=candidate|a=fingerprint")
        self.assertNotRegex(line, rf"^m=audio {self.audio_a.port} ")
        self.assertNotIn(str(self.audio_a.ssrc), head)

    @row("other attributes and `b=` of a relayed line")
    def others(self, _):
        head, line, video = self.offered("a=label:mine", f"m=video {self.node.ports.take(2)} RTP/AVP 96", "b=AS:9999",
                                         "a=rtpmap:96 H264/90000", "a=content:slides")
        self.assertIn("a=label:mine\r\n", line)
        self.assertIn("a=content:slides\r\n", video)
        self.assertIn("b=AS:768\r\n", video)


if __name__ == "__main__":
    unittest.main()
