# SPDX-License-Identifier: Apache-2.0
"""#17 and #27: an extension logs in at a phone by its keys, and out; the phone fetches other files, and is one of that extension."""
import base64
import contextlib
import http.client
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from flow_shipped_test import names, tone_file     # noqa: E402
from lib import place                   # noqa: E402
from lib.message import parameter       # noqa: E402
from lib.micro_browser import MicroBrowser  # noqa: E402
from lib.node import Node               # noqa: E402
from lib.sip import UserAgent           # noqa: E402
from patience import until              # noqa: E402
from phones.polycom import Polycom      # noqa: E402
from ports import Ports                 # noqa: E402
from server import ServerError          # noqa: E402
from taken_test import ADDRESSES, SIP, Cluster      # noqa: E402

LONG = 150                      # s
GUIDES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guides"
MACS = ("0004f2170001", "0004f2170002", "0004f2170003")
SECRET = "of-the-device"


class Phones:
    """For a TestCase: bare phones of extension 900, each with a password of its own."""

    @classmethod
    def put(cls, node):
        for number in ("900", "201", "202", "203"):
            node.put_extension(number, "secret" + number)
        node.ctl("extension.put", number="900", language="en")
        for number in ("201", "203"):
            node.ctl("extension.put", number=number, pin="47" + number)
        for name in names("en"):
            if name.startswith(("login-", "logout-", "mailbox-locked", "goodbye")):
                tone_file(f"{node.folder}/sounds/.prompts/en/{name}.wav", 440, 0.1)
        for number, flow in (("#17", "phone-login"), ("#27", "phone-logout")):
            node.ctl("number.put", number=number, to="flow:" + flow)

    def bare(self, node, port, mac, **options):
        node.ctl("device.put", mac=mac, model="vvx410", extensions="900", password=SECRET)
        self.addCleanup(node.ctl, "device.delete", mac=mac)
        return self.boots(port, mac, **options)

    def boots(self, port, mac, server=None):
        """It has its files, and is registered by them."""
        device = Polycom(mac, f"http://{place.NODE}:{port}/", mac, SECRET)
        self.addCleanup(device.close)
        self.assertTrue(device.boot())
        return self.registers(device, server)

    def registers(self, device, server=None):
        if device.agent:
            device.agent.close()
        if server:
            device.values["reg.1.server.1.address"], device.values["reg.1.server.1.port"] = server
        self.assertEqual(device.register(lambda *account: UserAgent(*account)).status, 200)
        device.syncs.clear()
        return device

    def keys(self, node, device, number, *strings, hears=False):
        """It calls number, and keys the strings: the verbs that ask are in the flow's events.  The way that the call took."""
        before = len(self.flow(node))
        with contextlib.closing(node.media()) as sound:
            out = device.agent.invite(number, sound.sdp())
            sound.use(out.wait_answer())
            for nth, text in enumerate(strings):
                until(lambda: sum(event["verb"] == "gather" for event in self.flow(node)[before:]) > nth, lambda: self.flow(node)[-5:])
                if hears:
                    sound.wait_tone(440, 4)
                for key in text:
                    sound.digit(key)
                    time.sleep(0.04)
            out.wait_bye()
        return [event["step"] for event in self.flow(node)[before:]]

    @staticmethod
    def flow(node):
        return [event for event in node.events() if event["type"] == "call.flow"]

    def asked(self, device):
        """It boots, as it is told to, and is a phone of another one."""
        until(lambda: device.syncs, lambda: "it was not asked to look for files")
        self.assertTrue(device.changed())
        return device.values["reg.1.address"]


class OneNode(Phones):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Node(start=False))
        cls.port = cls.node.ports.take()
        cls.node.configure({"provision": {"bind": place.NODE, "http": cls.port}})
        cls.node.start()
        cls.put(cls.node)

    def get(self, mac, user, password):
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10)
        try:
            proof = base64.b64encode(f"{user}:{password}".encode()).decode()
            connection.request("GET", f"/{mac}.cfg", headers={"Authorization": "Basic " + proof})
            return connection.getresponse().status
        finally:
            connection.close()


class Login(OneNode, unittest.TestCase):
    def test_in_and_out(self):
        """From a bare phone to a phone of 201, and back; over a kill of the node."""
        device = self.bare(self.node, self.port, MACS[0])
        self.assertEqual((device.values["reg.1.address"], device.values["reg.1.auth.userId"]), ("900", MACS[0]))

        # MED-06: each of its prompts is heard
        self.assertIn("done", self.keys(self.node, device, "%2317", "201#", "47201#", hears=True))
        self.assertEqual(self.asked(device), "201")
        self.registers(device)
        self.node.kill()
        self.node.restart()
        self.registers(device)
        self.assertEqual([row["mac"] for row in self.node.ctl("device.mine", number="201")], [MACS[0]])
        with self.node.user_agent("202", "secret202") as caller, contextlib.closing(self.node.media()) as sound:
            self.assertEqual(caller.register().status, 200)
            out = caller.invite("201", sound.sdp())
            into = device.agent.incoming()
            into.reject(486, "Busy Here")
            self.assertEqual(out.wait_final().status, 486)
        self.assertIn("done", self.keys(self.node, device, "%2327"))
        self.assertEqual(self.asked(device), "900")
        self.assertEqual(device.agent.register().status, 403)       # it is none of 201 any more
        self.registers(device)
        users = [(event["number"], event["state"]) for event in self.node.events() if event["type"] == "device.user" and event["device"] == MACS[0]][-2:]
        self.assertEqual(users, [("201", "in"), ("201", "out")])

    def reasons(self):
        return [event["reason"] for event in self.node.events() if event["type"] == "device.refused"]

    def test_refused(self):
        """A wrong PIN, a phone without a password of its own, one phone alone: it is said, and told to those who look; a second try takes it over."""
        before = self.reasons()
        self.node.ctl("extension.put", number="203", phones="single")
        first, second = (self.bare(self.node, self.port, mac) for mac in MACS[1:])
        way = self.keys(self.node, first, "%2317", "203#", "99999#", "203#", "47203#")
        self.assertEqual([step for step in way if step in ("wrong", "done")], ["wrong", "done"])
        self.assertEqual(self.asked(first), "203")
        self.registers(first)
        self.assertIn("bye", self.keys(self.node, second, "%2317", "203#", "47203#", "2"))
        self.assertEqual(self.node.ctl("device.get", mac=MACS[2])["user"], "")
        self.assertIn("take", self.keys(self.node, second, "%2317", "203#", "47203#", "1"))
        self.assertEqual((self.asked(second), self.asked(first)), ("203", "900"))
        until(lambda: self.node.ctl("device.get", mac=MACS[1])["user"] == "", lambda: self.node.ctl("device.get", mac=MACS[1]))
        self.registers(second)
        self.assertEqual([row["mac"] for row in self.node.ctl("device.mine", number="203")], [MACS[2]])
        with self.node.user_agent("201", "secret201") as other, contextlib.closing(self.node.media()) as sound:
            other.invite("%2327", sound.sdp()).wait_answer()
            until(lambda: {"none"} & {event["step"] for event in self.flow(self.node)[-2:]}, lambda: self.flow(self.node)[-3:])
        self.assertEqual(self.reasons()[len(before):], ["in use", "in use"])
        with self.assertRaises(ServerError):
            self.node.ctl("device.put", mac=MACS[2], extensions="900,201")

    def test_unproven(self):
        """A flow that has not asked for the PIN logs nobody in, and one of a call without such a device does nothing."""
        device = self.bare(self.node, self.port, MACS[0])
        self.node.ctl("flow.put", name="unproven", program={"start": "one", "steps": {
            "one": {"device": {"do": "login", "box": "201"}, "none": "no", "full": "no", "failed": "no", "next": "yes"},
            "no": {"play": ["login-failed"], "next": "end"}, "yes": {"play": ["login-done"], "next": "end"}, "end": {"hangup": {}}}})
        self.node.ctl("number.put", number="#18", to="flow:unproven")
        self.assertEqual(self.keys(self.node, device, "%2318")[:2], ["one", "no"])
        self.assertEqual(self.node.ctl("device.get", mac=MACS[0])["user"], "")

    def test_eleven_bare_phones(self):
        """An extension has ten places for phones: device.put says so of one more."""
        for nth in range(11):
            mac = f"0004f21711{nth:02x}"
            warnings = self.node.ctl("device.put", mac=mac, extensions="900", password=SECRET).get("warnings", [])
            self.addCleanup(self.node.ctl, "device.delete", mac=mac)
            self.assertEqual(len(warnings), nth == 10, warnings)

    def test_whose_files(self):
        """Its files are those of who has its password, whoever is logged in; the password is in no answer, log or Redis in the clear."""
        self.bare(self.node, self.port, MACS[0]).agent.register(expires=0)
        self.node.ctl("device.login", mac=MACS[0], number="201")
        self.assertEqual(self.get(MACS[0], MACS[0], SECRET), 200)
        for user, password in ((MACS[0], "wrong"), ("201", "secret201"), ("900", "secret900"), (MACS[0], "secret900"), ("201", SECRET)):
            self.assertIn(self.get(MACS[0], user, password), (401, 404), user)
        self.assertEqual(self.get(MACS[1], MACS[0], SECRET), 401)
        row = self.node.ctl("device.get", mac=MACS[0])
        self.assertTrue(row["has_password"])
        self.assertNotIn(SECRET, str(row))
        self.assertNotIn(SECRET, self.node.log_text())
        with self.node.redis() as redis:
            self.assertNotIn(SECRET, str([redis("HGETALL", key) for key in redis("KEYS", "*doc:device*") if redis("TYPE", key) == "hash"]))

    def test_who_may_log_in_is_shown_no_secret(self):
        """What administrators alone are shown is not in the answer to an application that logs somebody in, or out."""
        self.bare(self.node, self.port, MACS[0]).agent.register(expires=0)
        row = self.node.ctl("device.put", mac=MACS[0], menu_password="98765", overrides="device.auth.localAdminPassword=98765")
        self.assertEqual((row["menu_password"], "98765" in row["overrides"]), ("98765", True))
        for command in ("device.login", "device.logout"):
            row = self.node.ctl(command, mac=MACS[0], number="201", as_role="application")
            self.assertEqual((row["mac"], row["user"]), (MACS[0], "201" if command == "device.login" else ""))
            self.assertNotIn("98765", str(row))

    def test_the_login_ends(self):
        """By its deadline."""
        device = self.bare(self.node, self.port, MACS[0])
        self.node.ctl("device.login", mac=MACS[0], number="201", hours=1)
        self.assertEqual(self.asked(device), "201")
        self.registers(device)
        self.node.ctl("device.put", mac=MACS[0], logout_utc_ms=int(time.time() * 1000) + 500)
        until(lambda: self.node.ctl("device.get", mac=MACS[0])["user"] == "", lambda: self.node.ctl("device.get", mac=MACS[0]))
        self.assertEqual(device.agent.register().status, 403)

    def test_guide(self):
        """docs/guides/phones.md, "One phone, several users"."""
        text = (GUIDES / "phones.md").read_text(encoding="utf-8")
        self.addCleanup(self.node.ctl, "extension.put", number="201", pin="47201")
        self.addCleanup(self.node.ctl, "device.delete", mac="0004f214ab39")
        lines = re.search(r"<!-- login -->\n```sh\n(.*?)```", text, re.S)[1]
        done = subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{self.node.program('tandemctl')} --config {self.node.config}")],
                              capture_output=True, text=True, timeout=60, env=self.node.environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        device = Polycom("0004f214ab39", f"http://{place.NODE}:{self.port}/", "0004f214ab39", "of-the-device")
        self.addCleanup(device.close)
        self.assertTrue(device.boot())
        self.assertEqual(device.values["reg.1.displayName"], "Press #17")
        self.registers(device)
        self.assertIn("done", self.keys(self.node, device, "%2317", "201#", "4711#"))
        self.assertEqual(self.asked(device), "201")


class Bare(OneNode, unittest.TestCase):
    """Phones that no document names, of extension 900, which the tenant names for them."""
    def setUp(self):
        self.node.ctl("tenant.put", name="default", bare_phones="900")

    def file(self, mac, path="/bare/{}.cfg", headers=(), source=None):
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10, source_address=source)
        try:
            connection.request("GET", path.format(mac), headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def plugged_in(self, mac):
        device = Polycom(mac, f"http://{place.NODE}:{self.port}/", "PlcmSpIp", "PlcmSpIp")
        self.addCleanup(device.close)
        self.assertTrue(device.boot())
        self.assertIsNone(device.register(lambda *account: UserAgent(*account)))
        return device

    def leaves(self, *macs):
        for mac in macs:
            self.addCleanup(self.node.ctl, "device.delete", mac=mac)

    def unknown(self):
        return [event["device"] for event in self.node.events() if event["type"] == "device.unknown"]

    def test_a_phone_that_nobody_named(self):
        """PROV-07: it is plugged in, and somebody keys #17: then it is a device, and his. The file that it had proves nothing of any other one."""
        mac = "0004f2180001"
        self.leaves(mac)
        device, other = self.plugged_in(mac), self.plugged_in(mac)
        self.assertEqual(device.values["reg.1.displayName"], "900")
        self.assertIn(mac, self.unknown())
        self.assertNotEqual(device.password, other.password)
        self.assertIn("done", self.keys(self.node, device, "%2317", "201#", "47201#"))
        self.assertEqual(self.asked(device), "201")
        self.registers(device)
        self.assertEqual(self.node.ctl("device.get", mac=mac)["user"], "201")
        # who asked by that MAC before has no part in it: neither files, nor the line
        self.assertTrue(other.boot())
        self.assertEqual(other.values["reg.1.address"], "900")
        self.assertNotIn("done", self.keys(self.node, other, "%2317", "203#", "47203#"))
        self.assertEqual(self.node.ctl("device.get", mac=mac)["user"], "201")
        self.registers(device)
        self.assertIn("done", self.keys(self.node, device, "%2327"))
        self.assertEqual(self.asked(device), "900")
        self.assertIsNone(device.register(lambda *account: UserAgent(*account)))
        self.assertIn("done", self.keys(self.node, device, "%2317", "203#", "47203#"))
        self.assertEqual(self.asked(device), "203")
        self.registers(device)

    def test_a_phone_that_was_reset(self):
        """It comes back by its user, and is nobody else's meanwhile."""
        mac = "0004f2180002"
        self.leaves(mac)
        self.assertIn("done", self.keys(self.node, self.plugged_in(mac), "%2317", "201#", "47201#"))
        self.assertNotIn("done", self.keys(self.node, self.plugged_in(mac), "%2317", "203#", "47203#"))
        device = self.plugged_in(mac)
        self.assertIn("done", self.keys(self.node, device, "%2317", "201#", "47201#"))
        self.assertEqual(self.asked(device), "201")
        # a device of an administrator is adopted by nobody
        self.node.ctl("device.put", mac=mac, user="", extensions="202")
        self.assertNotIn("done", self.keys(self.node, self.plugged_in(mac), "%2317", "203#", "47203#"))

    def test_eleven_at_once(self):
        """They do not register, so they share no places: the eleventh has its call, its files and its line like the first."""
        macs = [f"0004f21812{nth:02x}" for nth in range(11)]
        self.leaves(*macs[::10])
        devices = [self.plugged_in(mac) for mac in macs]
        for device in devices[::10]:
            self.assertIn("done", self.keys(self.node, device, "%2317", "201#", "47201#"))
            self.assertEqual(self.asked(device), "201")

    def test_what_it_may(self):
        """It calls flows whose numbers begin with #, and help, and does nothing else."""
        device = self.plugged_in("0004f2180003")
        self.node.ctl("number.put", number="7117", to="flow:phone-login")
        self.addCleanup(self.node.ctl, "number.delete", number="7117")
        self.node.ctl("number.put", number="#x", to="flow:phone-login")
        self.addCleanup(self.node.ctl, "number.delete", number="#x")
        with self.node.user_agent("202", "secret202") as other, contextlib.closing(self.node.media()) as sound:
            self.assertEqual(other.register().status, 200)
            for number, status in (("202", 403), ("7117", 403), ("%239", 403), ("900", 480), ("conf", 404), ("912345678", 404)):
                self.assertEqual(device.agent.invite(number, sound.sdp()).wait_final().status, status, number)
            out = device.agent.invite("%2317", sound.sdp())
            out.wait_answer()
            refer = out.in_dialog("REFER", [("Refer-To", f"<sip:202@{place.NODE}>")])
            self.assertEqual(out.transact(refer).status, 403)
            out.bye()
        for refused in (device.agent.register(), device.agent.register(expires=0, contact="*")):
            self.assertEqual(refused.status, 401)

    def test_one_call_each(self):
        """A name has one call at a time, and an address five: whoever opens more leaves room for others."""
        first, *others = [self.plugged_in(f"0004f21813{nth:02x}") for nth in range(6)]
        with contextlib.closing(self.node.media()) as sound:
            calls = [device.agent.invite("%2317", sound.sdp()) for device in (first, *others[:4])]
            for call in calls[:1]:
                call.wait_answer()
            self.assertEqual(first.agent.invite("%2317", sound.sdp()).wait_final().status, 486)
            for call in calls[1:]:
                call.wait_answer()
            self.assertEqual(others[4].agent.invite("%2317", sound.sdp()).wait_final().status, 486)
            calls.pop().bye()
            calls.append(others[4].agent.invite("%2317", sound.sdp()))
            calls[-1].wait_answer()
            for call in calls:
                call.bye()

    def test_equal(self):
        """Known and unknown, with a document or without: as many octets, as soon, and none of them twice. Names lead nowhere else."""
        known, unknown = "0004f2180004", "0004f2180005"
        self.node.ctl("device.put", mac=known, extensions="201")
        self.leaves(known)
        answers = [self.file(mac) for mac in (known, unknown, known, unknown)]
        self.assertEqual({(status, len(text)) for status, text in answers}, {(200, len(answers[0][1]))})
        self.assertEqual(len({text for _, text in answers}), 4)
        times = {known: [], unknown: []}
        for _ in range(60):
            for mac, took in times.items():
                began = time.perf_counter()
                self.file(mac)
                took.append(time.perf_counter() - began)
        self.assertLess(abs(min(times[known]) - min(times[unknown])), 0.002)
        for name in ("x", "000000000000.cfg", "0104f2180004.cfg", "..%2f..%2fetc.cfg", unknown, unknown + ".xml", "%22" + unknown + ".cfg"):
            self.assertIn(self.file("", "/bare/" + name)[0], (400, 401, 404), name)
        for user, password in (("PlcmSpIp", "PlcmSpIp"), ("", "")):
            proof = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
            self.assertEqual({self.file(mac, "/{}.cfg", proof)[:2] for mac in (known, unknown)}, {(401, b"log in\n")})

    def test_forged(self):
        """A name or a password that was not made, that of another phone, of another name: no call, no file."""
        first, second = self.plugged_in("0004f2180006"), self.plugged_in("0004f2180007")
        forged = [(first.user[:-1] + ("0" if first.user[-1] != "0" else "1"), first.password), (first.user, second.password),
                  (first.user, first.password[:-1] + "x"), (first.user[:13] + "0" * 16, first.password)]
        for user, password in forged:
            first.agent.user, first.agent.password = user, password
            with contextlib.closing(self.node.media()) as sound:
                self.assertIn(first.agent.invite("%2317", sound.sdp()).wait_final().status, (401, 403, 407), user)
        self.assertEqual(self.get("0004f2180006", first.user, first.password), 404)         # it is no device
        self.assertEqual(self.get("0004f2180007", first.user, first.password), 401)
        self.node.ctl("tenant.put", name="default", bare_phones="")
        self.assertEqual(self.file("0004f2180006")[0], 404)
        self.assertIn(b'CONFIG_FILES=""', self.file("", "/000000000000.cfg")[1])

    def test_guide(self):
        """docs/guides/phones.md, "Phones that nobody has put"."""
        self.node.ctl("tenant.put", name="default", bare_phones="")
        text = (GUIDES / "phones.md").read_text(encoding="utf-8")
        lines = re.search(r"<!-- bare -->\n```sh\n(.*?)```", text, re.S)[1]
        subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{self.node.program('tandemctl')} --config {self.node.config}")],
                       check=True, capture_output=True, timeout=60, env=self.node.environment)
        self.plugged_in("0004f2180008")

    def test_a_flood(self):
        """Strangers that ask for many phones: nothing is kept of them, few are told, and devices boot on."""
        begun = time.monotonic()
        for nth in range(400):
            self.file(f"0004f2{nth:06x}", source=("127.0.0.99", 0))
        took = time.monotonic() - begun
        told = [mac for mac in self.unknown() if mac.startswith("0004f20000") or mac.startswith("0004f20001")]
        self.assertTrue(60 <= len(told) <= 61 + took < 400, (len(told), took))       # 60, and one more each second
        self.assertEqual(len(set(told)), len(told))
        self.assertEqual([row["mac"] for row in self.node.ctl("device.list") if row["mac"].startswith("0004f20000")], [])


class WholeGuide(OneNode, unittest.TestCase):
    plugged_in = Bare.plugged_in

    def test_in_its_order(self):
        """docs/guides/phones.md from its first line to its last, at one node; what the reader sees behind each step is there."""
        blocks = iter(re.findall(r"<!-- (\w+) -->\n```sh\n(.*?)```", (GUIDES / "phones.md").read_text(encoding="utf-8"), re.S))
        url = f"http://{place.NODE}:{self.port}/"

        def typed(mark):
            kind, lines = next(blocks)
            self.assertEqual(kind, mark)
            done = subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{self.node.program('tandemctl')} --config {self.node.config}")],
                                  capture_output=True, text=True, timeout=60, env=self.node.environment)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

        def boots(mac, user, password):
            device = Polycom(mac, url, user, password)
            self.addCleanup(device.close)
            self.assertTrue(device.boot())
            return device

        typed("run")            # a phone for an extension
        desk = self.registers(boots("0004f214ab37", "201", "a-long-secret"))
        until(lambda: self.node.ctl("device.get", mac=desk.mac)["seen"]["registered_utc_ms"])
        typed("login")          # one phone, several users
        shared = self.registers(boots("0004f214ab39", "0004f214ab39", "of-the-device"))
        self.assertEqual(shared.values["reg.1.displayName"], "Press #17")
        self.assertIn("done", self.keys(self.node, shared, "%2317", "201#", "4711#"))
        self.assertEqual(self.asked(shared), "201")
        typed("bare")           # phones that nobody has put
        new = self.plugged_in("0004f2180009")
        self.assertIn("done", self.keys(self.node, new, "%2317", "201#", "4711#"))
        self.assertEqual(self.asked(new), "201")
        desk.syncs.clear()
        typed("run")            # change something
        self.assertEqual(self.asked(desk), "201")
        self.assertEqual((desk.values["up.numOfDisplayColumns"], desk.values["lcl.datetime.time.24HourClock"]), ("2", "0"))
        typed("browser")        # the directory, with all, and by a profile
        for mark, last in (("", "900"), ("profile", "201")):
            if mark:
                typed(mark)
            self.assertTrue(desk.boot())
            found = MicroBrowser(desk.values["mb.main.home"]).show(desk.values["softkey.2.action"]).dialled()
            self.assertEqual(max(found.values()), last, found)
        self.assertEqual(list(blocks), [])
        with self.node.user_agent("202", "secret202") as caller, contextlib.closing(self.node.media()) as sound:
            out = caller.invite("201", sound.sdp())             # and it rings
            desk.agent.incoming().reject(486, "Busy Here")
            out.cancel()


class Nodes(Phones, Cluster):
    """Two nodes and a Redis apart: the phone has registered at b long ago, and calls #17 at a."""
    @classmethod
    def settings(cls, name, shard):
        cls.port = getattr(cls, "port", None) or cls.enterClassContext(Ports(1)).take()
        own = {"provision": {"bind": place.NODE, "http": cls.port, "server": "pbx.example.org"}} if name == "b" else {}
        return super().settings(name, shard) | own

    def test_killed_between(self):
        """a is killed between the extension and its PIN: b goes on with the call, and asks the phone, which is one of 201 at both nodes then."""
        self.killed_between(bare=False)

    def test_killed_between_at_a_bare_phone(self):
        """The same with a phone that no document names, and that has not registered: b knows by which name it has called, and where it is."""
        self.killed_between(bare=True)

    def killed_between(self, bare):
        for node in (self.a, self.b):
            until(lambda at=node: at.metric("tandem_cluster_nodes", state="heard") == 1, lambda: "they do not hear each other")
        until(lambda: self.owner(17) == "a" and self.owner(18) == "b", lambda: "each is not at home")
        self.put(self.a)
        until(lambda: len(self.b.ctl("number.list")) == 2, lambda: self.b.ctl("number.list"))
        if bare:
            self.a.ctl("tenant.put", name="default", bare_phones="900")
            self.addCleanup(self.b.ctl, "tenant.put", name="default", bare_phones="")
            self.addCleanup(self.b.ctl, "device.delete", mac=MACS[0])
            device = Polycom(MACS[0], f"http://{place.NODE}:{self.port}/")
            self.addCleanup(device.close)
            until(lambda: device.boot() and device.names, "b does not know")
            device.values["reg.1.server.1.address"], device.values["reg.1.server.1.port"] = ADDRESSES[18], SIP
            self.assertIsNone(device.register(lambda *account: UserAgent(*account)))
        else:
            device = self.bare(self.a, self.port, MACS[0], server=(ADDRESSES[18], SIP))
        device.agent.server = (ADDRESSES[17], SIP)
        with contextlib.closing(self.b.media()) as sound:
            out = device.agent.invite("%2317", sound.sdp())
            answer = out.wait_answer()
            sound.use(answer)
            call = parameter(answer.get("To"), "tag").split(".")[0]
            for step, keys in (("number", "201#"), ("pin", "47201#")):
                until(lambda at=step: [event["step"] for event in self.flow(self.a)[-1:]] == [at], lambda: self.flow(self.a)[-3:])
                if step == "pin":
                    until(lambda: self.a.ctl("call.show", call=call)["saved"])
                    self.a.kill()
                    self.until(lambda: self.owner(17) == "b")
                    self.until(lambda: self.b.ctl("call.show", call=call)["id"] == call)
                for key in keys:
                    sound.digit(key)
                    time.sleep(0.04)
            out.wait_bye()
        self.assertEqual(self.asked(device), "201")
        self.registers(device, server=(ADDRESSES[18], SIP))
        self.a.restart()
        until(lambda: [row["mac"] for row in self.a.ctl("device.mine", number="201")] == [MACS[0]], lambda: self.a.ctl("device.mine", number="201"))


if __name__ == "__main__":
    unittest.main()
