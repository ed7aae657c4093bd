# SPDX-License-Identifier: Apache-2.0
"""The softphone within a CRM, in Chromium, against a stand-in of Salesforce (tests/crm): who may frame it, pops, click to dial, logs."""
import contextlib
import json
import tempfile
import time
import xml.etree.ElementTree as tree

from call_control_test import TALK
from http_api_test import Asks
from lib.browser import WHOLE, Failed
from lib.crm import Crm, Frame, OneName
from lib.pages import WebPage
from lib.postgres import Postgres
from lib.sip import SipError
from patience import until
from ports import Ports
from server import ServerError
from taken_test import Cluster, Talk
from tandem_client import Client
from web_test import OfficeTest, Walks, WebTest, office

LONG = 200                      # s
PAGE = "softphone/softphone.html"
HOSTILE = '"><img src=x onerror=hit=1>'
RECORDS = [{"Id": "003000000000001", "Name": HOSTILE, "RecordType": "Contact", "Phone": "1002"},
           {"Id": "001000000000002", "Name": "Acme", "RecordType": "Account", "Phone": "1003"},
           {"Id": "500000000000004", "Name": "Case 00001234", "RecordType": "Case", "CaseNumber": "00001234"},
           {"Id": "00Q000000000003", "Name": "Lee", "RecordType": "Lead", "Phone": "1003"}]



def later(true, said=lambda: "in time"):
    """Waits until it is true, also for the 45 s for which a log is of the page that has begun it."""
    with contextlib.suppress(AssertionError):
        return until(true, said)
    return until(true, said)


class Softphone(WebTest):
    """In the whole browser: a frame of another site is a process of its own there, and its cookies may be refused."""
    Frame, program = Frame, WHOLE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.crm = Crm()
        cls.addClassCleanup(cls.crm.close)

    def setUp(self):
        super().setUp()
        self.centre(pop="inbound,internal", match="Contact,Account,Lead", new_record="none")

    def centre(self, **fields):
        self.node.ctl("crm.put", name="MaxCSCallCenter", hosts=self.crm.origin, **fields)

    def host(self, page=PAGE, records=RECORDS, **more):     # pylint: disable=dangerous-default-value
        """The page of the CRM, and the softphone in it."""
        return self.framed(self.crm.url(self.url(page), records, **more))

    def framed(self, url):
        host = self.Page(self.chromium, url)
        self.addCleanup(host.close)
        return host, self.Frame(host, "softphone")

    def signed_in(self, number="1001", **more):
        host, frame = self.host(**more)
        self.sign_in(frame, number)
        host.until("dials")
        time.sleep(0.5)
        return host, frame

    @staticmethod
    def sign_in(frame, number, password=""):
        frame.until("document.querySelector('#number')")
        frame.fill("#number", number)
        frame.fill("#password", password or "secret" + number)
        frame.click("Sign in", "form button")
        frame.shows("No active calls", "Live")

    def rings(self, agent=None):
        out = (agent or self.b).invite("1001", self.audio_b.sdp())
        into = self.a.incoming()
        into.ring()
        return out, into

    def third(self):
        """1003, and its sound."""
        self.node.put_extension("1003", "secret1003")
        phone, audio = self.node.user_agent("1003", "secret1003"), self.node.media()
        for thing in (phone, audio):
            self.addCleanup(thing.close)
        self.assertEqual(phone.register().status, 200)
        return phone, audio

    def gate(self, number):
        """Somebody behind a trunk, whom 1001 may call."""
        gate = self.node.user_agent(number, "")
        self.addCleanup(gate.close)
        self.node.ctl("trunk.put", name="gate", servers=f"127.0.0.1:{gate.port}", source_port=gate.port)
        self.node.ctl("did.put", number="+4930xxxx", strip=5)
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="gate")
        self.node.ctl("extension.put", number="1001", classes="other,international")
        for kind, name in (("route", {"name": "out"}), ("trunk", {"name": "gate", "force": True}), ("did", {"number": "+4930xxxx"})):
            self.addCleanup(self.node.ctl, f"{kind}.delete", **name)
        return gate

    @staticmethod
    def anew(host, frame):
        """The CRM loads the softphone anew: what is done next is done to no document of before."""
        frame.run("former = 1")
        host.run("open(); 0")
        frame.until("typeof former === 'undefined' && document.querySelector('main')")

    @staticmethod
    def gives_up(out, into):
        out.cancel()
        into.wait_cancel()

    def test_manual(self):
        """The manual from its file to the sign-out: what is signed in with, the caller's case over a reload, all that is done to a call, one log, click to dial."""
        self.node.ctl("flow.put", name="case", program=[{"tag": {"Case.CaseNumber": "0000123"}}, {"dial": "1001"}])
        self.node.ctl("number.put", number="700", to="flow:case")
        self.node.ctl("number.put", number="90149301234567", to="flow:called")
        self.node.ctl("flow.put", name="called", program=[{"dial": "1002"}])
        for kind, name in (("flow", "case"), ("flow", "called"), ("number", "700"), ("number", "90149301234567")):
            self.addCleanup(self.node.ctl, f"{kind}.delete", **{"number": name} if kind == "number" else {"name": name, "force": True})
        other, audio = self.third()
        made = tree.fromstring(self.node.ctl("crm.definition", name="MaxCSCallCenter", url=self.url().rstrip("/"))["xml"])
        items = {f"/{section.get('name')}/{item.get('name')}": item.text for section in made for item in section}
        host, frame = self.framed(self.crm.url(items["/reqGeneralInfo/reqAdapterUrl"], RECORDS, apex="", stays="", settings=json.dumps(items)))
        frame.until("document.querySelector('#number')")
        self.assertEqual(frame.run("document.querySelector('#host').value"), self.url().split("/")[2])
        frame.fill("#number", "1001")
        frame.fill("#password", "wrong")
        frame.click("Sign in", "form button")
        frame.shows("Number or password is wrong.")
        self.sign_in(frame, "1001")
        self.assertTrue(frame.run("!!document.querySelector('main svg') && location.search.includes('sfdcIframeOrigin')"))
        host.until("dials")
        out = self.b.invite("700", self.audio_b.sdp())
        into = self.a.incoming()
        into.respond(180, "Ringing", headers=TALK)
        host.until("pops.length")
        self.anew(host, frame)
        frame.click("Answer")
        told = self.a.take_request("NOTIFY", call_id=into.call_id)
        self.a.respond(told, 200, "OK")
        into.respond(200, "OK", body=self.audio_a.sdp())
        self.audio_b.use(out.wait_answer())
        into.wait_ack()
        self.audio_a.use(into.request)
        for sound in (self.audio_a, self.audio_b):
            sound.start(440)
        frame.click("Keys")
        frame.click("5", "[role=group] button")
        self.assertEqual(self.audio_b.wait_digits("5"), "5")
        call = self.calls()[0]["id"]
        for button, held, sdp in (("Hold", True, {"direction": "recvonly", "version": 2}), ("Resume", False, {"version": 3})):
            frame.click(button, ".own-call button")
            out.wait_reinvite(self.audio_b.sdp(**sdp))
            until(lambda held=held: self.node.ctl("call.show", call=call)["b"]["holds"] is held)
        frame.click("Transfer", ".own-call button")
        frame.fill(".own-call form input", "1003")
        frame.click("Transfer", ".own-call form button")
        last = other.incoming()
        last.answer(audio.sdp(), ack=False)
        out.wait_reinvite(self.audio_b.sdp(version=4))
        last.wait_ack()
        into.wait_bye()
        last.bye()
        out.wait_bye()
        host.until("Object.keys(logs).length === 1")
        host.run("dial('+49 30 1234567')")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        rung = self.b.incoming()
        rung.answer(self.audio_b.sdp())
        frame.click("Hang up", ".own-call button")
        for one in (rung, into):
            one.wait_bye()
        host.until("Object.keys(logs).length === 2")
        self.assertEqual(host.run("[pops, Object.values(logs).map(log => log.CallType), strange]"), [["500000000000004"], ["Inbound", "Outbound"], []])
        sessions = lambda: len(self.node.ctl("session.list", number="1001"))
        before = sessions()
        frame.click("Sign out")
        frame.until("document.querySelector('#number')")
        until(lambda: sessions() < before)

    def test_a_call_pops_once(self):
        """CRM-08: the record of who calls is shown, once, though that loads the page anew; the page stays signed in, and the call is there."""
        host, frame = self.signed_in()
        out, into = self.rings()
        host.until("pops.length")
        frame.shows("1002", "Answer")
        time.sleep(1)
        frame.shows("1002", "Answer")
        self.assertEqual(host.run("pops"), ["003000000000001"])
        frame.click("Reject")
        into.wait_cancel()
        with self.assertRaisesRegex(SipError, "486"):
            out.wait_answer()
        host.until("Object.keys(logs).length === 1")
        log, = host.run("Object.values(logs)")
        self.assertEqual((log["CallType"], log["CallDurationInSeconds"], log["Status"]), ("Inbound", 0, "Completed"))
        self.assertEqual((host.run("strange"), host.run("typeof hit"), frame.run("typeof hit")), ([], "undefined", "undefined"))

    def test_from_a_trunk(self):
        """At first calls from outside alone are popped, and no others."""
        self.centre(pop="inbound")
        host, frame = self.signed_in()
        out, into = self.rings()
        frame.shows("1002", "Answer")
        self.gives_up(out, into)
        out = self.gate("+4940123").invite("+49301001", self.audio_b.sdp())
        into = self.a.incoming()
        into.ring()
        host.until("asked.includes('searchAndScreenPop')")
        self.assertEqual(host.run("asked.filter(method => method === 'searchAndScreenPop').length"), 1)
        self.gives_up(out, into)

    def test_several_and_none(self):
        """Two records have the number: the agent chooses; none has: he begins one where he may. What is not looked for is not shown."""
        self.centre(new_record="Lead")
        host, frame = self.signed_in()
        other, _ = self.third()
        out, into = self.rings(other)
        for _ in range(2):      # a page that is loaded anew while it rings asks again
            frame.shows("Several records have 1003", "Acme", "Lee")
            self.assertEqual(host.run("pops"), [])
            self.anew(host, frame)
        frame.click("Lee")
        host.until("pops.length")
        time.sleep(1)
        frame.shows("1003", "Answer")
        self.assertNotIn("Several records", frame.text())
        self.gives_up(out, into)
        self.assertEqual(host.run("pops"), ["00Q000000000003"])
        self.centre(new_record="Lead", match="Account")
        host, frame = self.signed_in()
        out, into = self.rings()
        frame.shows("No record has 1002")
        frame.click("New record")
        host.until("pops.length")
        self.assertEqual(host.run("pops"), ["new Lead 1002"])
        self.gives_up(out, into)

    def test_two_calls_at_once(self):
        """Of each the agent chooses; while the CRM fails it is asked for both every 2 s, and no more often."""
        records = [{"Id": f"00{kind}00000000000{n}", "Name": f"{name} {n}", "RecordType": name, "Phone": f"100{n}"} for n in (2, 3) for kind, name in (("1", "Account"), ("Q", "Lead"))]
        host, frame = self.signed_in(stays="", records=records)
        other, _ = self.third()
        host.run("failures = 1000; 0")
        calls = self.rings(), self.rings(other)
        frame.shows("SERVER_ERROR")
        time.sleep(3)
        asked = host.run("searched.length")
        time.sleep(10)
        self.assertLessEqual(host.run("searched.length") - asked, 12)
        host.run("failures = 0")
        frame.shows("Several records have 1002", "Several records have 1003")
        frame.click("Lead 3", "section button")
        host.until("pops.length === 1")
        frame.click("Account 2", "section button")
        host.until("pops.length === 2")
        self.assertEqual(host.run("pops"), ["00Q000000000003", "001000000000002"])
        for call in calls:
            self.gives_up(*call)

    def test_loaded_anew_while_it_searches(self):
        """BEAT-25: the CRM loads the page anew before it has answered what it was asked, or fails: the record is shown all the same, once."""
        host, frame = self.signed_in(stays="")
        host.run("(({ searchAndScreenPop }) => { let n = 0; methods.searchAndScreenPop = (given) => (n++ || open(), searchAndScreenPop(given)); })({ ...methods }); 0")
        for fails, popped in ((0, 1), (2, 2)):
            host.run(f"failures = {fails}; 0")
            out, into = self.rings()
            host.until(f"pops.length === {popped}")
            time.sleep(1)
            frame.shows("1002", "Answer")
            self.gives_up(out, into)
            self.assertEqual(host.run("pops"), ["003000000000001"] * popped)
            frame.shows("No active calls")
            self.assertNotIn("SERVER_ERROR", frame.text())

    def test_each_kind_of_record(self):
        """CRM-07: each of three kinds is looked for alone, in either spelling of the documents."""
        kinds = {"Contact": "003000000000011", "Account": "001000000000012", "Lead": "00Q000000000013"}
        records = [{"Id": name, "Name": kind, "RecordType": kind, "Phone": "1002"} for kind, name in kinds.items()]
        for kind, more in zip(kinds, ({}, {"spelling": ""}, {"mode": "classic"})):
            self.centre(match=kind)
            host, _ = self.signed_in(records=records, **more)
            out, into = self.rings()
            host.until("pops.length")
            self.assertEqual(host.run("pops"), [kinds[kind]])
            self.gives_up(out, into)

    def test_agents_of_one_call(self):
        """A call rings two agents: each has its record once, who takes it and who does not; who takes it has its log, and nobody else."""
        other, audio = self.third()
        self.node.ctl("group.put", name="desk", members="1001,1003")
        self.node.ctl("number.put", number="500", to="group:desk")
        self.addCleanup(self.node.ctl, "group.delete", name="desk", force=True)
        self.addCleanup(self.node.ctl, "number.delete", number="500")
        (first, left), (second, took) = (self.signed_in(number) for number in ("1001", "1003"))
        out = self.b.invite("500", self.audio_b.sdp())
        rung, into = self.a.incoming(), other.incoming()
        for one in (rung, into):
            one.ring()
        for host in (first, second):
            host.until("pops.length")
        for frame in (left, took):
            frame.shows("1002", "Answer")
        into.answer(audio.sdp())
        out.wait_answer()
        rung.wait_cancel()
        left.shows("No active calls")
        took.shows("Hold")
        self.assertEqual([host.run("pops") for host in (first, second)], [["003000000000001"]] * 2)
        out.bye()
        into.wait_bye()
        second.until("Object.keys(logs).length === 1")
        time.sleep(1)
        self.assertEqual((first.run("Object.keys(logs)"), second.run("saved.length")), ([], 1))

    def test_two_agents_of_a_browser(self):
        """Both parties of a call have a log of it each, though they sign in at one browser, one after the other."""
        host, frame = self.signed_in()
        out, into = self.rings()
        frame.shows("1002", "Answer")
        self.gives_up(out, into)
        host.until("Object.keys(logs).length === 1")
        frame.click("Sign out")
        self.sign_in(frame, "1002")
        host.until("Object.keys(logs).length === 2")
        first, second = host.run("Object.values(logs)")
        self.assertEqual([log["CallObject"].partition("-")[0] for log in (first, second)], ["1001", "1002"])
        self.assertEqual(*(log["CallObject"].partition("-")[2] for log in (first, second)))

    def unlogged(self):
        """How many calls of 1001 have no log, as the console says."""
        return [row["missing"] for row in self.node.ctl("history.unlogged") if row["user"] == "1001"]

    def given_up(self, frame):
        out, into = self.rings()
        frame.shows("1002", "Answer")
        self.gives_up(out, into)

    def test_closed_early(self):
        """The page is closed before the CRM was asked for the log: the console says so, and the agent's next page, in another browser, writes it once."""
        host, frame = self.signed_in()
        self.given_up(frame)
        until(lambda: [row["log"] for row in self.node.ctl("history.list", user="1001", limit=1)] > [""] and not self.node.ctl("history.list", user="1001", unlogged="true"))
        out, into = self.rings()
        frame.shows("1002", "Answer")
        host.run("document.querySelector('iframe').remove()")
        self.gives_up(out, into)
        later(lambda: self.unlogged() == [1])
        console = self.console()
        console.go(self.url("console#/crm-logs"))
        console.shows("Logs in the CRM", "1001", "Without a log")
        console.go(self.url("console#/crm-logs/1001"))
        console.shows("Calls of 1001 without a log", "1002", "none")
        self.fine(console)
        host, frame = self.signed_in()
        host.until("Object.keys(logs).length === 1")
        until(lambda: not self.unlogged())
        console.front()
        console.shows("Each call has its log")
        second = self.signed_in()[0]
        time.sleep(2)
        self.assertEqual((second.run("Object.keys(logs).length"), host.run("Object.keys(logs).length")), (0, 1))

    def test_never_rang(self):
        """A call that the agent's phone refuses at once is logged, and so is one that reaches none, of which no event tells: the page looks now and then."""
        host, frame = self.signed_in(stays="")
        frame.run("window.setTimeout = (real => (run, ms) => real(run, ms === 300000 ? 3000 : ms))(window.setTimeout), 0")
        for reaches, status in ((True, "486"), (False, "480")):
            if not reaches:
                until(lambda: not self.node.ctl("history.list", user="1001", unlogged="true"))
                self.a.register(expires=0)
                self.addCleanup(self.a.register)
            out = self.b.invite("1001", self.audio_b.sdp())
            if reaches:
                self.a.incoming().respond(486, "Busy Here")
            with self.assertRaisesRegex(SipError, status):
                out.wait_answer()
            host.until(f"Object.keys(logs).length === {1 if reaches else 2}")

    def test_two_pages_of_an_agent(self):
        """One of them writes the log."""
        hosts, frames = zip(*(self.signed_in() for _ in range(2)))
        for n in range(1, 4):
            self.given_up(frames[0])
            until(lambda n=n: sum(host.run("Object.keys(logs).length") for host in hosts) >= n)
        time.sleep(2)
        logs = [log["CallObject"] for host in hosts for log in host.run("Object.values(logs)")]
        self.assertEqual((len(logs), len(set(logs))), (3, 3))

    def test_loaded_anew_before_the_answer(self):
        """The CRM loads the page anew while a log is written: it is written once all the same, and the next one, too."""
        host, frame = self.signed_in(anew="log")
        for n in (1, 2):
            out, into = self.rings()
            frame.shows("1002", "Answer")
            out.cancel()
            into.wait_cancel()
            host.until(f"Object.keys(logs).length >= {n}")
        time.sleep(1)
        self.assertEqual(len({log["CallObject"] for log in host.run("Object.values(logs)")}), host.run("Object.keys(logs).length"))

    def test_left_by_another_page(self):
        """A page that has died was about to write a log: the next page writes it when it may, also behind the log of a later call, without another call."""
        host, frame = self.signed_in()
        host.run("document.querySelector('iframe').remove()")
        out, into = self.rings()
        self.gives_up(out, into)
        missing = lambda: [row["call"] for row in self.node.ctl("history.list", user="1001", unlogged="true")]
        until(missing)
        call, = missing()
        self.assertTrue(self.node.ctl("history.log", user="1001", call=call)["mine"])
        host, frame = self.signed_in(stays="")
        self.given_up(frame)
        host.until("Object.keys(logs).length === 1")
        time.sleep(2)
        self.assertEqual(missing(), [call])
        self.node.ctl("history.log", user="1001", call=call, record="")
        host.until("Object.keys(logs).length === 2", 20)
        until(lambda: not missing())

    def test_a_tag_pops(self):
        """CRM-07: what the caller keyed is matched with the beginning of the tag's field by the org's class; without that class it is looked for as a number is."""
        self.node.ctl("flow.put", name="case", program=[{"tag": {"Case.CaseNumber": "0000123"}}, {"dial": "1001"}])
        self.node.ctl("number.put", number="700", to="flow:case")
        self.addCleanup(self.node.ctl, "flow.delete", name="case", force=True)
        self.addCleanup(self.node.ctl, "number.delete", number="700")
        for more, popped in (({"apex": "yes"}, "500000000000004"), ({}, "003000000000001")):
            host, _ = self.signed_in(**more)
            out = self.b.invite("700", self.audio_b.sdp())
            into = self.a.incoming()
            into.ring()
            host.until("pops.length")
            self.assertEqual(host.run("pops"), [popped])
            out.cancel()
            into.wait_cancel()
            until(lambda: not self.calls())

    def test_click_to_dial(self):
        """A number that is clicked in the CRM is called by the agent's phone; it is logged once, with its length."""
        host, frame = self.signed_in()
        host.run("dial('1002')")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        rung = self.b.incoming()
        rung.answer(self.audio_b.sdp())
        frame.shows("1002", "Hold")
        time.sleep(1.2)
        frame.click("Hang up")
        rung.wait_bye()
        into.wait_bye()
        host.until("Object.values(logs).some(log => log.CallDurationInSeconds >= 1)")
        self.assertEqual(len({log["CallObject"] for log in host.run("Object.values(logs)")}), host.run("Object.keys(logs).length"))

    def test_prefixes(self):
        """What is clicked is dialled as the settings of the call centre have it: numbers outside, of other areas and of other countries."""
        self.node.ctl("flow.put", name="out", program=[{"dial": "1002"}])
        self.addCleanup(self.node.ctl, "flow.delete", name="out", force=True)
        host, frame = self.signed_in(stays="", settings='{"/reqDialingOptions/reqOutsidePrefix": "8", "/reqDialingOptions/reqInternationalPrefix": "00"}')
        for clicked, dialled in (("555-0199", "85550199"), ("+1 (555) 010-0199", "815550100199"), ("+49 30 1234567", "80049301234567")):
            self.node.ctl("number.put", number=dialled, to="flow:out")
            self.addCleanup(self.node.ctl, "number.delete", number=dialled)
            host.run(f"dial({clicked!r})")
            into = self.a.incoming()
            into.answer(self.audio_a.sdp())
            rung = self.b.incoming()
            rung.answer(self.audio_b.sdp())
            frame.shows(dialled, "Hold")
            rung.bye()
            into.wait_bye()
            frame.shows("No active calls")

    def test_handled(self):
        """The page drives the desk phone: digits to the other party, and a third one, by buttons of the call."""
        other, audio = self.third()
        _, frame = self.signed_in(stays="")
        out, into = self.rings()
        into.answer(self.audio_a.sdp())
        self.audio_b.use(out.wait_answer())
        self.audio_a.use(into.request)
        for audio_of in (self.audio_a, self.audio_b):
            audio_of.start(440)
        frame.click("Keys")
        for digit in "4#":
            frame.click(digit, "[role=group] button")
        self.assertEqual(self.audio_b.wait_digits("4#"), "4#")
        frame.click("Conference")
        frame.fill(".own-call form input", "1003")
        frame.click("Add", "form button")
        third = other.incoming()
        third.answer(audio.sdp())
        until(lambda: [row["members"] for row in self.node.ctl("conference.list")] == [3])
        for one in (out, third):
            one.bye()
        into.wait_bye()

    def test_one_log(self):
        """A call that is recorded, has an account code and becomes a conference is one log, which tells all of it; one that nobody took has one, too."""
        self.node.ctl("extension.put", number="1001", record="auto")
        other, audio = self.third()
        host, frame = self.signed_in(stays="")
        out, into = self.rings()
        into.answer(self.audio_a.sdp())
        self.audio_b.use(out.wait_answer())
        self.audio_a.use(into.request)
        for sound in (self.audio_a, self.audio_b):
            sound.start(440)
        self.audio_a.wait_packets(60)
        self.node.ctl("call.account_code", call=self.calls()[0]["id"], code="4711")
        frame.click("Conference")
        frame.fill(".own-call form input", "1003")
        frame.click("Add", "form button")
        third = other.incoming()
        third.answer(audio.sdp())
        until(lambda: [row["members"] for row in self.node.ctl("conference.list")] == [3])
        time.sleep(1)
        out.bye()
        until(lambda: not self.node.ctl("conference.list"))
        time.sleep(1)           # the two who are left go on
        self.assertEqual(host.run("saved"), [])
        third.bye()
        into.wait_bye()
        host.until("Object.keys(logs).length")
        host.run("dial('1002')")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        rung = self.b.incoming()
        rung.ring()
        frame.click("Hang up", ".own-call button")
        rung.wait_cancel()
        into.wait_bye()
        host.until("Object.keys(logs).length === 2")
        until(lambda: not self.node.ctl("history.list", user="1001", unlogged=True))
        first, second = host.run("Object.values(logs)")
        self.assertEqual((first["CallType"], first["CallDisposition"], host.run("saved.length")), ("Inbound", "answered", 2))
        self.assertGreaterEqual(first["CallDurationInSeconds"], 3)
        for line in ("Account code: 4711", "Conference with: 1003"):
            self.assertIn(line, first["Description"].split("\n"))
        self.assertEqual(first["Description"].count("Recording: "), 2)
        self.assertEqual((second["CallType"], second["CallDisposition"], second["CallDurationInSeconds"]), ("Outbound", "no_answer", 0))

    def test_agent_of_a_queue(self):
        """The agent is not ready, and ready, by the frame, which shows his wrap-up; he holds and transfers by the buttons of a call; a log has the account code,
        and what he said came of the call, also when he says so later, but not again when the page is loaded anew."""
        other, audio = self.third()
        self.node.ctl("queue.put", name="sales", members="1001", ring_s=60, wrapup_s=60, dispositions="sale,no sale")
        self.node.ctl("number.put", number="300", to="queue:sales")
        self.addCleanup(self.node.ctl, "queue.delete", name="sales", force=True)
        self.addCleanup(self.node.ctl, "number.delete", number="300")
        state = lambda: [(row["state"], row["reason"]) for row in self.node.ctl("agent.list")]
        host, frame = self.signed_in(stays="")
        frame.shows("Logged out")
        frame.click("Log in", ".agent-bar button")
        until(lambda: state() == [("ready", "")])
        frame.until("document.querySelector('.agent-bar input[list]')")
        frame.fill(".agent-bar input[list]", "lunch")
        frame.click("Not ready", ".agent-bar button")
        until(lambda: state() == [("not_ready", "lunch")])
        frame.click("Ready", ".agent-bar button")
        until(lambda: state() == [("ready", "")])
        out = self.b.invite("300", self.audio_b.sdp())
        out.wait_answer()
        into = self.a.incoming()
        into.answer(self.audio_a.sdp(), ack=False)
        out.wait_reinvite(self.audio_b.sdp(version=2))
        into.wait_ack()
        frame.shows("1002", "On the phone", "Transfer")
        self.node.ctl("call.account_code", call=self.calls()[0]["id"], code="4711")
        frame.click("Transfer", ".own-call button")
        frame.fill(".own-call form input", "1003")
        frame.click("Transfer", ".own-call form button")
        third = other.incoming()
        third.answer(audio.sdp(), ack=False)
        out.wait_reinvite(self.audio_b.sdp(version=3))
        third.wait_ack()
        into.wait_bye()
        frame.shows("Wrap-up")
        third.bye()
        out.wait_bye()
        log = "Object.values(logs).find(log => log.Description.includes('Account code: 4711'))"
        host.until(f"!!{log}")
        self.assertEqual(host.run(f"{log}.CallDisposition"), "answered")
        host.run("(({ saveLog }) => { let n = 0; methods.saveLog = (given) => given.value.Id && !n++ ? wrong('SERVER_ERROR', 'busy') : saveLog(given); })({ ...methods }); 0")
        for of in ("no sale", "sale"):      # the CRM does not take the first one at once
            frame.run(f"(one => {{ one.value = '{of}'; one.dispatchEvent(new Event('change')); }})(document.querySelector('select[name=disposition]')), 0")
            host.until(f"{log}.CallDisposition === '{of}'")
        times = host.run("saved.length")
        time.sleep(1)           # the CRM answers
        self.anew(host, frame)
        frame.shows("Agent")
        time.sleep(2)
        self.assertEqual((host.run("saved.length"), host.run("Object.keys(logs).length")), (times, 1))
        out, into = self.rings()
        into.answer(self.audio_a.sdp())
        out.wait_answer()
        frame.click("Hold", ".own-call button")
        until(lambda: self.node.ctl("call.show", call=self.calls()[0]["id"])["b"]["holds"])
        frame.shows("Resume")
        frame.click("Hang up", ".own-call button")
        into.wait_bye()
        out.wait_bye()
        frame.click("Log out", ".agent-bar button")
        until(lambda: not state())

    def test_sound_in_the_page(self):
        """Where the CRM allows the microphone the page is a phone, which calls and is called; elsewhere it offers none."""
        deaf, frame = self.signed_in()
        self.assertNotIn("Phone in this browser", frame.text())
        deaf.run("document.querySelector('iframe').remove()")
        self.a.register(expires=0)
        host, frame = self.signed_in(microphone="", stays="")
        frame.click("Turn on")
        frame.fill("#phone-password", "secret1001")
        frame.click("Turn on", "dialog button")
        frame.shows("Calls to you ring here, too")
        out = self.b.invite("1001", self.audio_b.sdp())
        host.until("pops.length")
        frame.click("Answer")
        out.wait_answer()
        frame.shows("Connected")
        self.assertEqual(self.node.ctl("call.list")[0]["state"], "established")
        frame.click("Hang up")
        out.wait_bye()
        host.until("Object.values(logs).length === 1")

    def test_layout(self):
        """Objects that the layout has for the type of a call are found; others, and those without fields, are not: of calls within, from outside, and to there."""
        self.centre(match="Account,Lead", new_record="none", pop="inbound,outbound,internal")
        records = [{"Id": name, "Name": kind, "RecordType": kind, "Phone": "1002", "Mobile": "+4940123"} for kind, name in (("Account", "001000000000012"), ("Lead", "00Q000000000013"))]
        layout = '{"Inbound": {"Lead": ["Mobile"]}, "Outbound": {"Account": ["Name"], "Lead": []}, "Internal": {"Account": [], "Lead": ["Name"]}}'
        gate = self.gate("+4940123")
        host, _ = self.signed_in(layout=layout, records=records, stays="")
        out, into = self.rings()
        host.until("pops.length === 1")
        self.gives_up(out, into)
        out = gate.invite("+49301001", self.audio_b.sdp())
        into = self.a.incoming()
        into.ring()
        host.until("pops.length === 2")
        self.gives_up(out, into)
        out = self.a.invite("+4940123", self.audio_a.sdp())
        into = gate.incoming()
        into.ring()
        host.until("pops.length === 3")
        self.gives_up(out, into)
        self.assertEqual(host.run("pops"), ["00Q000000000013", "00Q000000000013", "001000000000012"])
        self.assertEqual(host.run("searched.map(([value, at, type]) => [value, type])"), [["1002", "Internal"], ["+4940123", "Inbound"], ["+4940123", "Outbound"]])

    def test_kept_where_cookies_of_others_are_refused(self):
        """The browser keeps no cookie of a site within another one, but for what is of both: who has signed in stays so over a reload, and nowhere else."""
        host, frame = self.signed_in()
        self.assertEqual(frame.run("(document.cookie = 'plain=1; Secure; SameSite=None', document.cookie.split('; ').map(one => one.split('=')[0]).sort())"), ["tandem-language", "tandem-softphone"])
        for again in ("open(); 0", "location.reload(); 0"):
            host.run(again)
            time.sleep(0.5)
            frame.shows("No active calls", "Live")
        other = self.Page(self.chromium, self.url(PAGE), context=host.context)
        self.addCleanup(other.close)
        other.until("document.querySelector('#number')")
        self.assertEqual(other.run("document.cookie"), "")

    def test_standby(self):
        """A page that does not come within the time-out of the file is taken from the standby node; it keeps nothing that other sites could read."""
        host = self.Page(self.chromium, self.crm.url("http://127.0.0.1:1/" + PAGE, RECORDS, standby=self.url(PAGE)))
        self.addCleanup(host.close)
        frame = self.Frame(host, "softphone")
        host.until(f"frame.src.startsWith({self.url()!r})")
        self.sign_in(frame, "1001")
        host.until("ready && dials")
        self.assertEqual(host.run("strange"), [])

    def test_recording_of_a_log(self):
        """A log names the call's recordings by a page that plays them to who may: its agent may not."""
        self.node.ctl("extension.put", number="1001", record="auto")
        host, frame = self.signed_in(stays="")
        out, into = self.rings()
        into.answer(self.audio_a.sdp())
        self.audio_b.use(out.wait_answer())
        self.audio_b.start(440)
        self.audio_a.wait_packets(60)
        frame.click("Hang up")
        for one in (out, into):
            one.wait_bye()
        host.until("Object.values(logs).some(log => log.Description.includes('Recording: '))")
        url = host.run("/Recording: (\\S+)/.exec(Object.values(logs).map(log => log.Description).join())[1]")
        self.assertTrue(url.startswith(self.url("console#/recordings/")), url)
        console = self.console()
        console.go(url)
        console.shows("Recordings", "1002", "Play")
        console.go(self.url("console#/recordings/0000000000000-1"))
        console.shows("No recordings")

    def test_classic(self):
        host, frame = self.signed_in(mode="classic")
        out, into = self.rings()
        host.until("pops.length")
        self.assertEqual(host.run("pops"), ["003000000000001"])
        self.gives_up(out, into)
        host.until("Object.keys(logs).length === 1")
        frame.shows("No active calls")

    def test_another_crm(self):
        """The sample page of the guide is told of calls and places them; a page of an origin that is not listed is told nothing, and not shown the softphone."""
        host, frame = self.framed(f"{self.crm.origin}/crm-page.html?node={self.url('').rstrip('/')}")
        self.sign_in(frame, "1001")
        host.click("Call Acme Tools")
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        rung = self.b.incoming()
        rung.answer(self.audio_b.sdp())
        host.shows("Acme Tools: connected")
        rung.bye()
        into.wait_bye()
        host.shows("Nobody calls.")
        self.node.ctl("crm.put", name="MaxCSCallCenter", hosts="https://crm.example.org")
        stranger, inside = self.framed(f"{self.crm.origin}/crm-page.html?node={self.url('').rstrip('/')}")
        stranger.run("said = []; addEventListener('message', event => said.push(event.data.event)); 0")
        time.sleep(2.5)
        self.assertEqual(stranger.run("said"), [])
        try:
            shown = inside.run("!!document.querySelector('#number')", 3)
        except Failed:
            shown = False
        self.assertFalse(shown)

    def test_web_client(self):
        """CRM-11, BEAT-23: at first the web client pops nothing; where the tenant has a URL it opens it, once for each call, with the values in their places."""
        page = self.client("1001")
        page.say("Page.addScriptToEvaluateOnNewDocument", source="window.open = url => { localStorage.opened = (localStorage.opened ?? '') + url + ' '; return null; }")
        for url, link in (("", None), (self.crm.origin + "/found?q={number}&of={name}", self.crm.origin + "/found?q=1002&of=%22%3E%3Cscript%3Ehit%3D1%3C%2Fscript%3E%26role%3Dadmin")):
            self.centre(web_pop=url)
            self.node.ctl("extension.put", number="1002", display_name='"><script>hit=1</script>&role=admin')
            page.say("Page.reload")
            page.shows("No active calls")
            out, into = self.rings()
            page.shows("1002", "Reject")
            if link:
                page.until("document.querySelector('.own-call a')")
            else:
                time.sleep(1)
            self.assertEqual(page.run("document.querySelector('.own-call a')?.href ?? null"), link)
            page.say("Page.reload")
            page.shows("1002", "Reject")
            out.cancel()
            into.wait_cancel()
            page.shows("No active calls")
            self.assertEqual(page.run("localStorage.opened ?? null"), link and link + " ")
        self.fine(page)
        for wrong in ("https://{number}.example.org/x", "javascript:alert(1)", "https://crm.example.org", "https://crm.example.org/{token}", "https://*.example.org/x", "http://crm.example.org/x"):
            with self.subTest(wrong), self.assertRaisesRegex(ServerError, "web_pop"):
                self.centre(web_pop=wrong)

    def test_who_may_frame_it(self):
        """CRM-03: both paths are served as they are; hosts of the tenant alone may frame the page, and no host any other page."""
        for path in (PAGE, "softphone.html", "softphone/default/softphone.html"):
            status, headers, _ = self.raw("/" + path + "?mode=Lightning", "iframe")
            self.assertEqual(status, 200)
            self.assertIn(f"frame-ancestors 'self' {self.crm.origin}", headers["Content-Security-Policy"])
            self.assertIn(f"script-src 'self' {self.crm.origin};", headers["Content-Security-Policy"])
            self.assertEqual(headers["Permissions-Policy"], "storage-access=()")
        for path, place in (("client", "iframe"), ("console", "iframe"), ("softphone/acme/softphone.html", "iframe"), (PAGE, "document"), (PAGE, "")):
            self.assertIn("frame-ancestors 'none'", self.raw("/" + path, place)[1]["Content-Security-Policy"])
        for path in ("softphone/", "softphone/softphone.htm", "softphone/a/b/softphone.html", "softphone.htmlx"):
            self.assertEqual(self.raw("/" + path)[0], 404, path)
        for wrong in ("https://a.example.org; script-src *", "http://crm.example.org", "https://", "https://a b", "https://a.example.org/path", "*", "https://*", "https://*.org", "https://*.lightning.force.com",
                      "https://*.my.salesforce.com", "https://*.force.com", "https://a.*.org"):
            with self.subTest(wrong), self.assertRaisesRegex(ServerError, "hosts"):
                self.node.ctl("crm.put", name="MaxCSCallCenter", hosts=wrong)
        with self.assertRaisesRegex(ServerError, "full"):
            self.node.ctl("crm.put", name="Second")

    def test_scripts_of_a_crm_stay_in_its_frame(self):
        """A tenant names hosts of scripts: these run in frames alone, and reach no window of the node, which has what others have signed in with."""
        page = WebPage(self.chromium, self.url(PAGE) + f"?mode=Lightning&sfdcIframeOrigin={self.crm.origin}")
        self.addCleanup(page.close)
        page.until("document.body.innerText.length")
        time.sleep(1)
        self.assertEqual(page.run("typeof sforce"), "undefined")
        page.run("localStorage.setItem('tandem-console', 'secret')")
        host = WebPage(self.chromium, self.crm.url(self.url(PAGE)), context=page.context)
        self.addCleanup(host.close)
        frame = Frame(host, "softphone")
        frame.until("document.querySelector('#number')")
        self.assertEqual(frame.run("typeof sforce"), "object")
        for path in ("client", "v1/docs", "nowhere"):
            frame.browser.command("Runtime.evaluate", frame.session, expression=f"held = open('{self.url(path)}'); null", userGesture=True)
            time.sleep(0.7)
            self.assertEqual(frame.run("(() => { try { return held.closed ? 'closed' : held.localStorage.getItem('tandem-console') } catch (e) { return e.name } })()"), "closed", path)

    def raw(self, path, place=""):
        import http.client      # pylint: disable=import-outside-toplevel
        link = http.client.HTTPConnection("127.0.0.1", self.node.http_port, timeout=30)
        try:
            link.request("GET", path, headers={"Sec-Fetch-Dest": place} if place else {})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    def test_commands_of_others(self):
        """The page that shows the frame is heard, and no other frame or window there, whatever its origin."""
        host, frame = self.framed(f"{self.crm.origin}/crm-page.html?node={self.url('').rstrip('/')}")
        self.sign_in(frame, "1001")
        host.run("""heard = []; addEventListener('message', event => heard.push(event.data));
                 beside = document.body.appendChild(Object.assign(document.createElement('iframe'), {src: '/crm-page.html?node=http://localhost:1'}));
                 beside.onload = () => beside.contentWindow.eval(`parent.frames[0].postMessage({tandem: 1, id: 'x', command: 'call', number: '1002'}, '*')`); 0""")
        time.sleep(2)
        self.assertEqual((self.calls(), host.run("heard.filter(one => one.id === 'x')")), ([], []))
        for given, answer in (({"tandem": 2, "id": "b", "command": "hello"}, None), ({"tandem": 1, "id": "c", "command": "transfer", "call": "0" * 13}, "refused"),
                              ({"tandem": 1, "id": "d", "command": "hangup", "call": "../sessions"}, "refused"), ({"tandem": 1, "id": "e", "command": "hello"}, "hello")):
            host.run(f"frame.contentWindow.postMessage({json.dumps(given)}, NODE); 0")
            if answer:
                host.until(f"heard.some(one => one.id === {given['id']!r} && one.event === {answer!r})")
        self.assertFalse(host.run("heard.some(one => one.id === 'b')"))

    def test_what_a_user_may(self):
        """No user has the terms, the calls or the logs of another one, and none those of another tenant."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.test")
            client.ask("extension.put", tenant="acme", number="1001", password="secret-of-acme")
        other, audio = self.third()
        out = self.b.invite("1003", self.audio_b.sdp())
        into = other.incoming()
        into.answer(audio.sdp())
        call = self.calls()[0]["id"]
        token = lambda **more: self.http(self.node, "POST", "/v1/sessions", body={"number": "1001", "password": "secret1001", "ttl_s": 600, **more})[2]["token"]
        mine, theirs = token(), token(tenant="acme", password="secret-of-acme")
        out.wait_answer()
        out.bye()
        into.wait_bye()
        until(lambda: self.node.ctl("history.list", user="1002"))
        ask = lambda who, path, body=None: self.http(self.node, "POST" if body else "GET", path, who, body)[0]
        for who in (mine, theirs):
            self.assertEqual(ask(who, "/v1/crms:softphone?number=1002"), 403)
            self.assertEqual(ask(who, "/v1/histories:unlogged"), 403)
            self.assertEqual(ask(who, "/v1/crms/MaxCSCallCenter/definition", {"url": "https://a.example.org"}), 403)
            self.assertIn(ask(who, f"/v1/crms:call?call={call}"), (403, 404))
            for more in ({}, {"record": "00T000000000001", "end_utc_ms": 1}, {"record": ""}):
                self.assertEqual(ask(who, "/v1/histories:log", {"user": "1001", "call": call, **more}), 404)
                self.assertEqual(ask(who, "/v1/histories:log", {"user": "1002", "call": call, **more}), 403)
        self.assertEqual(ask(mine, "/v1/crms:softphone?number=1001"), 200)
        self.assertEqual(ask(theirs, "/v1/crms:softphone?number=1001"), 404)
        self.assertNotEqual(ask(theirs, "/v1/crms:softphone?number=1001&tenant=default"), 200)

    def test_no_seat(self):
        """CRM-06: where a tenant counts its seats, a user without one is told so."""
        self.node.ctl("tenant.put", name="default", seats="crm=1")
        self.addCleanup(self.node.ctl, "tenant.put", name="default", seats="")
        _, frame = self.host()
        frame.until("document.querySelector('#number')")
        frame.fill("#number", "1001")
        frame.fill("#password", "wrong")
        frame.click("Sign in", "form button")
        frame.shows("Number or password is wrong.")
        frame.fill("#password", "secret1001")
        frame.click("Sign in", "form button")
        frame.shows("no seat for a CRM")
        frame.click("Sign out")
        self.node.ctl("extension.put", number="1001", seats="crm")
        frame.fill("#number", "1001")
        frame.fill("#password", "secret1001")
        frame.click("Sign in", "form button")
        frame.shows("No active calls")

    def test_definition(self):
        """CRM-04: the file that is imported has each required item, and texts of the tenant are escaped."""
        self.centre(label='R&D "<desk>"')
        made = self.node.ctl("crm.definition", name="MaxCSCallCenter", url="https://pbx.example.org:8443", standby="https://two.example.org")
        root = tree.fromstring(made["xml"])
        items = {item.get("name"): item.text for item in root.iter("item")}
        self.assertEqual((made["file"], root.tag), ("MaxCSCallCenter.xml", "callCenter"))
        self.assertEqual(items, {"reqInternalName": "MaxCSCallCenter", "reqDisplayName": 'R&D "<desk>"', "reqUseApi": "true",
                                 "reqAdapterUrl": "https://pbx.example.org:8443/softphone/softphone.html", "reqSoftphoneHeight": "300", "reqSoftphoneWidth": "200",
                                 "reqSalesforceCompatibilityMode": "Classic_and_Lightning", "reqStandbyUrl": "https://two.example.org/softphone/softphone.html", "reqTimeout": "5000",
                                 "reqOutsidePrefix": "9", "reqLongDistPrefix": "1", "reqInternationalPrefix": "01"})
        for section in root.iter("section"):
            self.assertEqual([int(item.get("sortOrder")) for item in section], list(range(len(section))))
        for wrong in ("http://pbx.example.org", "https://*.example.org"):
            with self.subTest(wrong), self.assertRaisesRegex(ServerError, "origin of the HTTP API"):
                self.node.ctl("crm.definition", name="MaxCSCallCenter", url=wrong)
        for name, wrong in (("height", 239), ("height", 2561), ("width", 199), ("width", 1921)):
            with self.subTest(name), self.assertRaisesRegex(ServerError, name):
                self.centre(**{name: wrong})


class Account(OfficeTest):
    claims, program = {"extension": "1001"}, WHOLE

    def test_with_the_account_of_the_office(self):
        """CRM-05: the provider is shown in a window of its own, which hands the login to the frame and closes; no script of the CRM reaches what pages of the
        node keep, by that window neither; a provider that lets nobody in is named."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("extension.put", number="1001", password="secret1001")
            crm = Crm()
            self.addCleanup(crm.close)
            client.ask("crm.put", name="Desk", hosts=crm.origin)
        host = WebPage(self.chromium, crm.url(self.url(PAGE)))
        self.addCleanup(host.close)
        frame = Frame(host, "softphone")
        frame.until("[...document.querySelectorAll('button')].some(button => button.textContent.includes('account of your office'))")
        self.assertEqual(self.enter(frame), None)
        frame.shows("No active calls", "Live")
        self.assertEqual(self.windows(host), 1)
        self.assertEqual((host.run("strange"), frame.run("location.search.includes('code=')")), ([], False))
        frame.click("Sign out")
        self.claims["extension"] = "1009"
        frame.until("[...document.querySelectorAll('button')].some(button => button.textContent.includes('account of your office'))")
        self.enter(frame)
        frame.shows("no such extension")
        other = WebPage(self.chromium, self.url("client"), context=host.context)
        self.addCleanup(other.close)
        other.until("document.querySelector('#number')")
        other.run("localStorage.setItem('tandem-console', 'secret')")
        frame.browser.command("Runtime.evaluate", frame.session, expression=f"held = open('{self.url('login')}?x'); null", userGesture=True)
        time.sleep(0.7)
        self.assertEqual(frame.run("(() => { try { return held.closed ? 'closed' : held.localStorage.getItem('tandem-console') } catch (e) { return e.name } })()"), "SecurityError")

    @staticmethod
    def enter(frame):
        """As somebody clicks: browsers open no window else."""
        frame.attach()
        found = frame.browser.command("Runtime.evaluate", frame.session, userGesture=True,
                                      expression="[...document.querySelectorAll('button')].find(button => button.textContent.includes('account of your office')).click()")
        return found.get("exceptionDetails")

    def windows(self, page):
        found = []
        until(lambda: found.append([info for info in self.chromium.command("Target.getTargets")["targetInfos"] if info["type"] == "page" and info.get("browserContextId") == page.context]) or
              len(found[-1]) == 1)
        return len(found[-1])


class OfNodes(Asks, Cluster):
    """The call is at node a, the agent's page is of node b, and a Redis apart has the document."""

    def test_its_page(self):
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.registers(17, "1001", "1002")
        self.a.ctl("crm.put", name="Desk", hosts="https://crm.example.org")
        talk = Talk(self, 17).answer()
        self.until(lambda: self.a.ctl("call.list"))
        call = self.a.ctl("call.list")[0]["id"]
        made = self.http(self.b, "POST", "/v1/sessions", body={"number": "1001", "password": "secret", "ttl_s": 600})
        self.assertEqual(made[0], 200)
        asks = lambda query: self.http(self.b, "GET", f"/v1/crms:{query}", made[2]["token"])[::2]
        self.until(lambda: asks("softphone?number=1001")[0] == 200)
        self.assertEqual(asks("softphone?number=1001")[1]["hosts"], ["https://crm.example.org"])
        self.assertEqual(asks(f"call?call={call}"), (200, {"call": call, "outside": False, "data": ""}))
        self.assertEqual(asks("softphone?number=1002")[0], 403)
        talk.hang_up()


class OfTwo(Walks, Cluster):
    """Two nodes behind one name, with a Redis apart and one PostgreSQL."""
    options, program = OfficeTest.options, WHOLE

    @classmethod
    def setUpClass(cls):
        cls.sql = cls.enterClassContext(Postgres(cls.enterClassContext(tempfile.TemporaryDirectory(dir="/tmp"))))
        cls.login = None
        super().setUpClass()

    @classmethod
    def settings(cls, name, shard):     # pylint: disable=arguments-differ,invalid-overridden-method
        if not cls.login:       # the nodes' network is there by now
            cls.name, cls.crm = OneName(), Crm()
            for thing in (cls.name, cls.crm):
                cls.addClassCleanup(thing.close)
            issuer, cls.login = office(cls.enterClassContext(tempfile.TemporaryDirectory()), cls.enterClassContext(Ports(1)).take(), lambda path: f"{cls.name.url}/{path}")
            cls.addClassCleanup(issuer.stop)
            issuer.claims = {"extension": "1001"}
        return {**Cluster.settings.__func__(cls, name, shard), "archive": {"url": cls.sql.url}, "http": Walks.settings["http"], "login": cls.login}

    def host(self):
        host = WebPage(self.chromium, self.crm.url(f"{self.name.url}/{PAGE}"))
        self.addCleanup(host.close)
        return host, Frame(host, "softphone")

    def rings(self, frame):
        """1001 is called; what the caller gives up by."""
        audio = self.a.media()
        self.addCleanup(audio.close)
        out = self.phones[17, "1002"].invite("1001", audio.sdp())
        into = self.phones[17, "1001"].incoming()
        into.ring()
        frame.shows("1002", "Answer")
        return lambda: (out.cancel(), into.wait_cancel())

    def unlogged(self, node):
        return [row["missing"] for row in node.ctl("history.unlogged") if row["user"] == "1001"]

    def test_killed(self):
        """The node at which an agent's login in the frame began dies before the provider sends the browser back: the other one lets him in. It logs his call;
        of one that ends without a page both know that its log is missing. The node of the page dies: the next page, at the other one, writes that log, once."""
        self.at_home()
        self.registers(17, "1001", "1002")
        self.a.ctl("crm.put", name="Desk", hosts=self.crm.origin, pop="internal")

        def dies(octets):
            if b"GET /login?" in octets and self.a.running():
                self.a.kill()
                self.name.to = self.b.http_port

        self.name.to, self.name.before = self.a.http_port, dies
        host, frame = self.host()
        frame.until("[...document.querySelectorAll('button')].some(button => button.textContent.includes('account of your office'))")
        Account.enter(frame)
        frame.shows("No active calls", "Live")
        self.assertFalse(self.a.running())
        self.until(lambda: self.owner(17) == "b")
        self.rings(frame)()
        host.until("Object.keys(logs).length === 1")
        until(lambda: not self.unlogged(self.b))
        self.a.restart()
        self.at_home()
        gives_up = self.rings(frame)
        host.run("document.querySelector('iframe').remove()")
        gives_up()
        for node in (self.a, self.b):
            later(lambda node=node: self.unlogged(node) == [1], node.log_tail)
        self.b.kill()
        self.name.to = self.a.http_port
        host, frame = self.host()
        Softphone.sign_in(frame, "1001", "secret")
        host.until("Object.keys(logs).length === 1")
        self.b.restart()
        for node in (self.a, self.b):
            until(lambda node=node: not self.unlogged(node), node.log_tail)
        self.name.to = self.b.http_port
        second, frame = self.host()
        Softphone.sign_in(frame, "1001", "secret")
        time.sleep(3)
        self.assertEqual((second.run("Object.keys(logs).length"), host.run("Object.keys(logs).length")), (0, 1))
