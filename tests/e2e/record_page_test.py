# SPDX-License-Identifier: Apache-2.0
"""The Record key on the page of an extension, as a phone's micro-browser has it over TLS: which call it is about, who may, and what becomes of it, in
a call, a conference, for who monitors, and at any node of a cluster: REC-07, MON-05, CONF-17."""
import os
import subprocess
import tempfile
import time
import unittest

from conference_parts_test import PartsTest
from conference_test import HERTZ
from lib.authority import Authority
from lib.record_page import RecordPage
from patience import until
from ports import Ports
from record_test import facts_of
from server import ServerError
from taken_test import ADDRESSES, Cluster, Talk

NOTHING = ("There is nothing to record.", [])
IDLE, RECORDS, PAUSED = "Not recorded.", "Recording.", "Paused."
STATES = {IDLE: ["Record"], RECORDS: ["Pause", "Stop"], PAUSED: ["Resume", "Stop"]}


def shown(place, state):
    return f"{place}: {state}", STATES[state]


class PageTest(PartsTest):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-page-"))
        self.authority = Authority(folder)
        certificate, key = self.authority.signs("node", "IP:127.0.0.1")
        self.recordings = {"port": self.enterContext(Ports(1)).take()}
        self.settings = {**self.settings, "http": {"tls": True}, "tls": {"certificate": certificate, "key": key}}
        super().setUp()

    def on_demand(self, *numbers):
        for number in numbers:
            self.node.ctl("extension.put", number=number, record="on_demand", record_page=True)

    def page(self, number):
        link = self.node.ctl("extension.page", number=number)
        self.assertEqual((link["number"], link["port"]), (number, self.recordings["port"]))
        return RecordPage(self.authority.path, link["port"], link["path"])

    def becomes(self, page, what):
        until(lambda: page.shows() == what, lambda: f"{page.text} {page.buttons}\n{self.node.log_tail()}")


class OfACall(PageTest):
    def test_from_start_to_end(self):
        self.on_demand("1001")
        page = self.page("1001")
        self.assertEqual(page.shows(), NOTHING)
        call, out = self.talk("1001", "1002")
        self.becomes(page, shown("Call", IDLE))
        self.assertEqual(page.press("Record"), shown("Call", RECORDS))
        time.sleep(0.6)
        recorded, = self.node.ctl("call.show", call=call)["recordings"]
        self.assertEqual((recorded["state"], recorded["leg"], recorded["cause"]), ("on", "a", "page"))
        self.assertEqual(page.press("Pause"), shown("Call", PAUSED))
        until(lambda: all(row["saved"] for row in self.node.ctl("call.list")))
        self.node.kill()
        self.node.restart()
        self.becomes(page, shown("Call", PAUSED))
        self.assertEqual(page.press("Resume"), shown("Call", RECORDS))
        time.sleep(0.6)
        old = page.buttons["Pause"]
        self.assertEqual(page.press("Stop"), shown("Call", IDLE))
        self.assertEqual(page.reads(page.ask("POST", old, b"")).text, "Call: Not recorded.")    # nothing is
        path = self.finished(2)[-1]
        facts = facts_of(path)
        self.assertEqual([facts[name] for name in ("recording", "user", "cause", "last")], [f"{call}-1", "1001", "page", True])
        self.assertEqual([event["reason"] for event in self.told("call.recording")], ["page"])
        out.bye()
        self.becomes(page, NOTHING)
        page.path, secret = "/", page.path.split("/")[2]
        self.assertNotIn(secret, self.node.log_text())
        self.assertNotIn(secret.split("-")[1], self.node.log_text())

    def told(self, kind):
        return [event for event in self.node.events() if event["type"] == kind]

    def test_who_may(self):
        """Off at first; with another method there is no key; another link, and none, end the one before."""
        with self.assertRaisesRegex(ServerError, "conflict.*record_page=true"):
            self.node.ctl("extension.page", number="1001")
        with self.assertRaisesRegex(ServerError, "it has no page"):
            self.node.ctl("extension.put", number="1001", record_page_renew=True)
        self.node.ctl("extension.put", number="1001", record="off", record_page=True)
        page = self.page("1001")
        call, _ = self.talk("1001", "1002")
        for method in ("off", "auto"):
            self.node.ctl("extension.put", number="1001", record=method)
            self.assertEqual(page.shows(), NOTHING)
        self.assertEqual(page.reads(page.ask("POST", f"{page.path}/on/{call}", b"")).text, NOTHING[0])
        self.node.ctl("extension.put", number="1001", record="on_demand")
        self.becomes(page, shown("Call", IDLE))
        self.assertNotIn("page", self.node.ctl("extension.get", number="1001"))
        before = page.path
        self.node.ctl("extension.put", number="1001", record_page_renew=True)
        self.assertEqual(page.ask("GET")[0], 404)
        page = self.page("1001")
        self.assertNotEqual(page.path, before)
        self.assertEqual(page.shows(), shown("Call", IDLE))
        self.node.ctl("extension.put", number="1001", record_page=False)
        self.assertEqual(page.ask("GET")[0], 404)
        self.on_demand("1001")
        self.assertEqual(page.ask("GET")[0], 404)
        page = self.page("1001")
        self.node.ctl("extension.delete", number="1001")
        self.assertEqual(page.ask("GET")[0], 404)

    def test_what_is_refused(self):
        self.on_demand("1001", "1002")
        page, other = self.page("1001"), self.page("1002")
        call, _ = self.talk("1001", "1002")
        self.becomes(page, shown("Call", IDLE))
        key = page.buttons["Record"]
        for method, path, status, allow in (("GET", key, 405, "POST"), ("POST", page.path, 405, "GET"), ("PUT", key, 405, "POST"),
                                            ("DELETE", page.path, 405, "GET"), ("OPTIONS", page.path, 405, "GET")):
            got, headers, _ = page.ask(method, path, b"" if method == "POST" else None)
            self.assertEqual((method, got, headers["allow"]), (method, status, allow))
        self.assertEqual(page.shows(), shown("Call", IDLE))
        forged = page.path.replace("/1001", "/1002")
        for path in (forged, forged + "/on/" + call, "/record/", "/record", page.path + "/", page.path + "/on/", page.path + "/on",
                     page.path + "/stop/" + call, page.path + "/on/" + "0" * 13, page.path[:-1], page.path + "x" * 200, "/metrics",
                     page.path.upper(), page.path.replace("/1001", "/%31001x"), key + "/"):
            for method in ("GET", "POST"):
                status, headers, octets = page.ask(method, path, b"" if method == "POST" else None)
                self.assertIn(status, (404,) if path.startswith("/record/") else (404, 405), (method, path))
                self.assertNotIn(b"1001", octets)
        self.assertEqual(page.ask("POST", key, b"x" * 1025)[0], 413)
        self.assertEqual(self.curl("-X", "POST", "-H", "Content-Length:", page, key), "411")
        self.assertEqual(page.shows(), shown("Call", IDLE))
        self.assertEqual(self.curl("-d", "what=ever", page, key), "200")    # what a form says beside is of no interest
        self.assertEqual(page.shows(), shown("Call", RECORDS))
        self.assertEqual(other.shows(), shown("Call", IDLE))        # each for itself
        other.press("Record")
        self.assertEqual(len(self.node.ctl("call.show", call=call)["recordings"]), 2)

    def curl(self, *words):
        """Its status."""
        *words, page, path = words
        return subprocess.run(["curl", "-sS", "--cacert", self.authority.path, "-o", "/dev/null", "-w", "%{http_code}", *words,
                               f"https://{page.host}:{page.port}{path}"], check=True, capture_output=True, text=True, timeout=30).stdout

    def test_many_at_once(self):
        """Who asks and leaves costs nothing that others need."""
        self.on_demand("1001")
        page = self.page("1001")
        self.talk("1001", "1002")
        self.becomes(page, shown("Call", IDLE))
        asks = [subprocess.Popen(["curl", "-s", "--cacert", self.authority.path, "-m", "0.05" if n % 2 else "20", "-o", "/dev/null",
                                  f"https://{page.host}:{page.port}{page.path}"]) for n in range(16)]
        for ask in asks:
            ask.wait(30)
        self.becomes(page, shown("Call", IDLE))

    def test_without_tls(self):
        self.node.stop()
        self.node.configure({**self.settings, "http": {"tls": False}})
        self.node.start()
        self.on_demand("1001")
        with self.assertRaisesRegex(ServerError, "unavailable.*http.tls is false"):
            self.node.ctl("extension.page", number="1001")


class OfAConference(PageTest):
    def test_the_mix(self):
        """The key of a member records all who talk."""
        self.on_demand("1002")
        page = self.page("1002")
        self.node.ctl("room.put", number="700", record="on_demand")
        for number in ("1001", "1002", "1003"):
            self.dials(number, "700")
        self.all_hear("1001", "1002", "1003")
        self.assertEqual(page.shows(), shown("Conference", IDLE))
        self.assertEqual(page.press("Record"), shown("Conference", RECORDS))
        time.sleep(3)
        self.assertTrue(self.only()["recording"])
        self.assertEqual(page.press("Stop"), shown("Conference", IDLE))
        path, = self.finished(1)
        for number in ("1001", "1002", "1003"):
            self.assertGreater(self.has(path, HERTZ[number]), 5, number)
        self.assertEqual(self.facts(path)["cause"], "page")

    def test_who_listens(self):
        """MON-05: while it listens the key is there, and records both whom it listens to."""
        self.on_demand("1003")
        page = self.page("1003")
        call, _ = self.talk("1001", "1002")
        self.assertEqual(page.shows(), NOTHING)
        self.node.ctl("conference.monitor", call=call, leg="b", mode="listen", to="1003")
        audio = self.end()
        into = self.agents["1003"].incoming()
        into.answer(audio.sdp())
        audio.use(into.request)
        self.becomes(page, shown("Monitored call", IDLE))
        self.assertEqual(page.press("Record"), shown("Monitored call", RECORDS))
        time.sleep(3)
        into.bye()
        self.becomes(page, NOTHING)
        path, = self.finished(1)
        for number in ("1001", "1002"):
            self.assertGreater(self.has(path, HERTZ[number]), 5, number)


class OfShards(PageTest):
    settings = {**PageTest.settings, "node": {"shards": [2, 3]}}

    def test_one_key(self):
        """Whichever shard has the conference: one recording, of the mix, of which all keys tell."""
        self.on_demand(*HERTZ)
        self.node.ctl("room.put", number="700", record="on_demand", talkers=len(HERTZ))
        pages = [self.page(number) for number in HERTZ]
        self.dial_from_shards("700")
        self.all_hear(*HERTZ)
        for page in pages:
            self.assertEqual(page.shows(), shown("Conference", IDLE))
        self.assertEqual(pages[0].press("Record"), shown("Conference", RECORDS))
        for page in pages:
            self.assertEqual(page.shows(), shown("Conference", RECORDS))
        self.assertEqual(pages[-1].press("Stop"), shown("Conference", IDLE))
        self.assertEqual(len(self.finished(1)), 1)


class OfNodes(Cluster):
    """A page is served by each node, and is about a call of any."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-page-"))
        cls.authority = Authority(folder)
        cls.certificate = cls.authority.signs("node", "IP:127.0.0.1")
        ports = cls.enterClassContext(Ports(2))
        cls.port = {name: ports.take() for name in "ab"}
        super().setUpClass()

    @classmethod
    def settings(cls, name, shard):
        certificate, key = cls.certificate
        return super().settings(name, shard) | {"tls": {"certificate": certificate, "key": key}, "http": {"tls": True},
                                                "recordings": {"port": cls.port[name]}}

    def both(self, what):
        for page in self.pages.values():
            self.until(lambda page=page: page.shows() == what)

    def test_at_any_node(self):
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.a.ctl("extension.put", number="1001", record="on_demand", record_page=True)
        path = self.a.ctl("extension.page", number="1001")["path"]
        self.pages = {name: RecordPage(self.authority.path, self.port[name], path) for name in "ab"}
        self.registers(17, "1001", "1002")
        self.registers(18, "1001", "1003")
        self.both(NOTHING)
        talk = Talk(self, 17).answer()
        self.both(shown("Call", IDLE))
        a, b = self.pages["a"], self.pages["b"]
        self.assertEqual(b.press("Record"), shown("Call", RECORDS))     # of a's call, at b
        self.assertEqual(a.shows(), shown("Call", RECORDS))
        self.assertEqual(a.press("Pause"), shown("Call", PAUSED))
        self.assertEqual(b.shows(), shown("Call", PAUSED))
        self.until(lambda: all(row["saved"] for row in self.a.ctl("call.list", node="a")))
        self.a.kill()
        self.until(lambda: b.shows() == shown("Call", PAUSED), 60)
        self.assertEqual(b.press("Stop"), shown("Call", IDLE))
        self.a.restart()
        self.until(lambda: a.shows() == shown("Call", IDLE), 60)
        self.assertEqual(a.press("Record"), shown("Call", RECORDS))     # of b's call, at a
        self.assertEqual(b.shows(), shown("Call", RECORDS))
        talk.hang_up()
        self.both(NOTHING)
        self.assertTrue(os.path.exists(self.b.folder), ADDRESSES[17])
        self.a.ctl("extension.put", number="1001", record_page_renew=True)
        for page in (a, b):
            self.until(lambda page=page: page.ask("GET")[0] == 404)


if __name__ == "__main__":
    unittest.main()
