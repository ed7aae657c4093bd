# SPDX-License-Identifier: Apache-2.0
"""Phones that provision themselves: a scripted Polycom fetches its files from the node, registers by them, and calls."""
import base64
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from directory_test import Pair         # noqa: E402
from lib import place                   # noqa: E402
from lib.micro_browser import MicroBrowser  # noqa: E402
from lib.node import Node               # noqa: E402
from lib.record_page import RecordPage  # noqa: E402
from lib.sip import UserAgent           # noqa: E402
from lib.stream import StreamAgent      # noqa: E402
from phones.polycom import Polycom      # noqa: E402
from ports import Ports                 # noqa: E402
from resp import Redis                  # noqa: E402
from server import ServerError          # noqa: E402
from patience import until              # noqa: E402
from taken_test import ADDRESSES, SIP, Cluster      # noqa: E402

GUIDES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guides"
DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "provision"
MAC, OTHER, UNKNOWN = "0004f214ab37", "0004f214ab38", "0004f2fffffe"


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class ProvisionTest(unittest.TestCase):
    """One node for the tests of a class, with two extensions; 201 has a phone."""
    @classmethod
    def setUpClass(cls):
        cls.node = Node(start=False)
        cls.port = cls.node.ports.take()
        cls.node.configure({"provision": {"bind": place.NODE, "http": cls.port}})
        cls.node.start()
        for number in ("201", "202"):
            cls.node.put_extension(number, "secret" + number)
        cls.node.ctl("device.put", mac="00:04:F2:14:AB:37", model="vvx410", extensions="201")

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def phone(self, mac=MAC, user="201", password="secret201", **options):
        device = Polycom(mac, f"http://{place.NODE}:{self.port}/", user, password, **options)
        self.addCleanup(device.close)
        return device

    def agent(self, server, number, password):
        return UserAgent(server, number, password)

    def ask(self, path, headers=(), method="GET", body=None):
        """One request on a connection of its own: (status, headers, octets)."""
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    @contextlib.contextmanager
    def talks(self, number, device):
        """That extension calls the device's, and hears its tone; the call lasts as long as the block."""
        with self.node.user_agent(number, "secret" + number) as caller, contextlib.ExitStack() as stack:
            sounds = [self.node.media() for _ in range(2)]
            for sound in sounds:
                stack.callback(sound.close)
            self.assertEqual(caller.register().status, 200)
            out = caller.invite(device.values["reg.1.address"], sounds[0].sdp())
            into = device.agent.incoming()
            into.respond(200, "OK", body=sounds[1].sdp())
            sounds[0].use(out.wait_answer())
            into.wait_ack()
            sounds[1].use(into.request)
            sounds[1].start(440)
            sounds[0].start(880)
            sounds[0].wait_tone(440)
            yield
            over = threading.Thread(target=into.wait_bye)
            over.start()
            out.bye()
            over.join()

    def seen(self, mac=MAC):
        return self.node.ctl("device.get", mac=mac)["seen"]


class Boot(ProvisionTest):
    def test_from_a_bare_phone_to_a_call(self):
        """PROV-06, PROV-08: it logs in as its extension, fetches its files, registers by them, and is called."""
        began, device = time.time() * 1000 - 1, self.phone()
        self.assertTrue(device.boot())
        self.assertEqual([name.rpartition("/")[2] for name in device.names],
                         ["Extension_201_user.cfg", "altigen10060_user.cfg", "Extension_201.cfg"])
        self.assertEqual(device.values["reg.1.address"], "201")
        self.assertEqual(device.values["reg.1.server.1.expires"], "90")
        self.assertEqual(device.register(self.agent).status, 200)
        until(lambda: self.seen()["registered_utc_ms"] >= began, lambda: self.seen())
        seen = self.seen()
        times = [seen[name] for name in ("asked_utc_ms", "accepted_utc_ms", "fetched_utc_ms")]
        self.assertTrue(all(at >= began for at in times), (began, seen))
        self.assertEqual(seen["revision"], device.names[0].partition("/")[0].partition("-")[2])
        self.assertEqual(seen["registered_revision"], seen["revision"])
        self.assertIn("PolycomVVX-VVX_410-UA/5.4.2.6345", seen["user_agent"])
        with self.talks("202", device):
            pass

    def test_a_change_is_in_the_next_boot(self):
        """PROV-25: a change makes the files anew, and is read when the phone fetches them."""
        device = self.phone()
        device.boot()
        first = device.names[0].partition("/")[0]
        self.assertFalse(device.changed())
        self.assertEqual(device.names[0].partition("/")[0], first)
        self.node.ctl("device.put", mac=MAC, columns=3, overrides="up.backlight.idleIntensity=0;x.y=a \"b\" <c>")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, columns=1, overrides="")
        self.assertEqual(device.get(f"{first}/Extension_201.cfg"), device.files[f"{first}/Extension_201.cfg"])
        self.assertTrue(device.changed())
        self.assertNotEqual(device.names[0].partition("/")[0], first)
        self.assertEqual(device.values["up.numOfDisplayColumns"], "3")
        self.assertEqual(device.values["x.y"], 'a "b" <c>')

    def test_what_makes_files_anew(self):
        """PROV-25: keys, dial plan, clock, encryption, paging, directory and the device's own fields change its files, and changed back they are the former ones.
        It counts when the phone has fetched them."""
        device, ctl = self.phone(), self.node.ctl

        def revision():
            return re.search(MAC + "-([0-9a-f]+)/", self.ask(f"/{MAC}.cfg", basic("201", "secret201"))[2].decode())[1]

        device.boot()
        before, found = revision(), set()
        for command, there, back in (
                ("extension.put", {"number": "201", "lamps": "1=blf:202"}, {"lamps": ""}), ("extension.put", {"number": "201", "lamps": "1=park:70"}, {"lamps": ""}),
                ("extension.put", {"number": "201", "tls": True, "srtp": True}, {"tls": False, "srtp": False}),
                ("extension.put", {"number": "201", "video": False}, {"video": True}), ("extension.put", {"number": "202", "first_name": "Bo"}, {"first_name": ""}),
                ("dialplan.put", {"access": "9"}, {"access": ""}), ("tenant.put", {"name": "default", "zone": "Asia/Tokyo"}, {"zone": ""}),
                ("page.put", {"name": "yard", "members": "201", "channel": 9}, {"channel": 0}),
                ("device.put", {"mac": MAC, "clock": 12}, {"clock": 24}), ("device.put", {"mac": MAC, "overrides": "a.b=1"}, {"overrides": ""})):
            undo = (command, there | back) if command != "page.put" else ("page.delete", {"name": "yard"})
            with contextlib.ExitStack() as stack:
                stack.callback(ctl, undo[0], **undo[1])
                ctl(command, **there)
                changed = until(lambda: (now := revision()) != before and now, f"{there} makes no files anew")
                self.assertEqual(self.seen()["revision"], before)
            until(lambda: revision() == before, f"{back} does not bring the former ones")
            found.add(changed)
        self.assertEqual(len(found), 9)         # the two kinds of keys are one list

    def test_lines(self):
        """Each extension with that password is a line; one with another is none. REG-32: it says where it stands."""
        self.node.put_extension("203", "secret204")
        self.node.put_extension("204", "secret204")
        self.node.ctl("device.put", mac=OTHER, extensions="204,201,203", location=7)
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        device = self.phone(OTHER, "204xatgnemx7", "secret204")
        self.assertTrue(device.boot())
        self.assertEqual([device.values[f"reg.{i}.address"] for i in (1, 2, 3)], ["204", "203", ""])
        self.assertEqual(device.values["reg.1.auth.userId"], "204xatgnemx7")

    def test_release_7(self):
        """P7-01 to P7-05: the MAC's file names that of the extension and that of all; its digit map has no second dial tone."""
        mac = "0004f2000070"
        self.node.ctl("device.put", mac=mac, generation="7.0", model="soundpoint650", extensions="201")
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)
        device = self.phone(mac, model="soundpoint650", firmware="3.2.7")
        self.assertTrue(device.boot())
        self.assertEqual([name.rpartition("/")[2] for name in device.names], [f"{mac}_user.cfg", "201.cfg", "altigen.cfg"])
        self.assertNotIn(",", device.values["dialplan.digitmap"])
        printed = "##|#[1-3]x|#[5-9]x|#41xx|#4[2-9]|[1-7]xx|9[2-9]xxxxxx|91xxxxxxxxxx"
        plan = {"access": "9", "emergency": "911", "numbers": printed, "operator": "202"}
        self.addCleanup(self.node.ctl, "dialplan.put", **dict.fromkeys(plan, ""))
        self.node.ctl("dialplan.put", **plan)
        self.assertTrue(device.boot())       # P7-05: as printed, behind numbers of help and codes of ours, of which #41 has slots of more digits, too
        self.assertRegex(device.values["dialplan.digitmap"], re.escape("|0|" + printed.replace("#41xx", "#41xxT") + "|xxx.T") + "$")
        self.assertTrue(device.values["dialplan.digitmap"].startswith("911|9911|"))
        self.assertEqual(device.register(self.agent).status, 200)
        self.addCleanup(device.agent.register, expires=0, contact="*")
        until(lambda: self.seen(mac)["registered_revision"] == device.names[0][13:29], lambda: self.seen(mac))

    def test_other_makes(self):
        """One file each, by the name that the make asks for; it is fetched with that, and is another one's for nobody."""
        for make, name, kind in (("yealink", "{}.cfg", "text/plain"), ("grandstream", "cfg{}.xml", "text/xml"), ("snom", "snom-{}.xml", "text/xml"),
                                 ("cisco", "{}.xml", "text/xml"), ("fanvil", "{}.cfg", "text/xml")):
            mac = "00156500000a"
            self.node.ctl("device.put", mac=mac, make=make, extensions="201", overrides="")
            status, headers, text = self.ask("/" + name.format(mac), basic("201", "secret201"))
            self.assertEqual((status, headers["content-type"].partition(";")[0]), (200, kind), make)
            self.assertEqual(text.count(b"secret201"), 1, (make, text))
            if kind == "text/xml":
                ElementTree.fromstring(text)
            until(lambda: self.seen(mac)["fetched_utc_ms"], lambda: self.seen(mac))
            self.assertEqual(self.ask("/" + name.format(mac.upper()), basic("201", "secret201"))[::2], (200, text))
            self.assertEqual(self.ask("/" + name.format(mac))[0], 401)
            self.assertEqual(self.ask("/" + name.format(mac), basic("202", "secret202"))[0], 404)
            for other in ("{}.cfg", "cfg{}.xml", "snom-{}.xml", "{}.xml", "cfgsnom-{}.xml", "cfg{}"):
                if other != name:
                    self.assertEqual(self.ask("/" + other.format(mac), basic("201", "secret201"))[0], 404, (make, other))
            self.node.ctl("device.delete", mac=mac)
        warnings = self.node.ctl("device.put", mac="00156500000a", make="snom", extensions="201", overrides="a=1")["warnings"]
        self.addCleanup(self.node.ctl, "device.delete", mac="00156500000a")
        self.assertIn("overrides: files of this make have none of them", warnings)
        with self.assertRaises(ServerError):
            self.node.ctl("device.put", mac="00156500000a", generation="7.0")

    def test_lamps_and_columns(self):
        """BLF-06, BLF-08: lamps of its extension are watched as one list, and ring with lamps_splash; a vvx500 has three columns."""
        device = self.phone()
        device.boot()
        self.assertEqual((device.values["attendant.uri"], device.values["attendant.ringType"]), ("", "silent"))
        self.node.ctl("extension.put", number="201", lamps="1=blf:202,2=park:72", lamps_splash=True)
        self.addCleanup(self.node.ctl, "extension.put", number="201", lamps="", lamps_splash=False)
        self.node.ctl("device.put", mac=MAC, model="vvx500", columns=4)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, model="vvx410", columns=1)
        self.assertTrue(device.changed())
        self.assertEqual(device.values["attendant.uri"], "lamps-201@" + device.values["reg.1.server.1.address"])
        self.assertEqual(device.values["attendant.ringType"], "ringer2")
        self.assertEqual(device.values["up.numOfDisplayColumns"], "3")
        self.node.ctl("extension.put", number="201", features_off="lamps")      # BLF-03
        self.addCleanup(self.node.ctl, "extension.put", number="201", features_off="")
        self.assertTrue(device.changed())
        self.assertEqual(device.values["attendant.uri"], "")

    def test_inventory(self):
        """device.list has each device with its firmware and its last times, also one whose phone is away, and one that has never asked."""
        self.node.ctl("device.put", mac=OTHER, extensions="202")
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        self.assertTrue(self.phone().boot())
        rows = {row["mac"]: row["seen"] for row in self.node.ctl("device.list")}
        self.assertEqual((rows[MAC]["firmware"], rows[MAC]["firmware_known"], rows[OTHER]["firmware"], rows[OTHER]["asked_utc_ms"]),
                         ("5.4.2.6345", True, "", 0))
        self.assertEqual(rows[MAC], self.seen())

    def test_clock(self):
        """PROV-16, ADM-25: the tenant's zone with its rule of daylight saving time, the time server of the node, and 12 or 24 hours."""
        device, prefix = self.phone(), "tcpIpApp.sntp."
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, clock="24")
        for zone, clock, want in (("Europe/Berlin", "12", ("3600", "1", "3", "1", "1", "2", "10", "1", "1", "3", "0")),
                                  ("America/New_York", "native", ("-18000", "1", "3", "1", "0", "2", "11", "1", "0", "2", "0")),
                                  ("", "24", ("0", "0", "3", "1", "0", "2", "11", "1", "0", "2", "1"))):
            self.node.ctl("tenant.put", name="default", zone=zone)
            self.node.ctl("device.put", mac=MAC, clock=clock)
            device.boot()
            rule = [f"{turn}.{part}" for turn in ("start", "stop") for part in ("month", "dayOfWeek", "dayOfWeek.lastInMonth", "time")]
            names = ["gmtOffset", "daylightSavings.enable", *("daylightSavings." + name for name in rule)]
            self.assertEqual((*(device.values[prefix + name] for name in names), device.values["lcl.datetime.time.24HourClock"]), want, zone)
            self.assertEqual(device.values[prefix + "address"], "time.nist.gov")

    def test_a_secondary_proxy(self):
        """REG-21, REG-22: its phones have a second server, over plain UDP, at which they register where its document says so; without one the file
        has none. Media need not be encrypted then."""
        device, names = self.phone(), ("address", "port", "transport", "register")
        self.addCleanup(self.node.ctl, "extension.put", number="201", secondary_proxy="", secondary_registers=False, tls=False, srtp=False)
        for proxy, registers, want in (("", False, ("", "", "", "0")), ("gateway.example.org", False, ("gateway.example.org", "5060", "UDPOnly", "0")),
                                       ("192.0.2.7:5070", True, ("192.0.2.7", "5070", "UDPOnly", "1"))):
            self.node.ctl("extension.put", number="201", secondary_proxy=proxy, secondary_registers=registers)
            device.boot()
            self.assertEqual(tuple(device.values["reg.1.server.2." + name] for name in names), want)
            self.assertEqual(device.values["reg.2.server.2.address"], "")
        other = self.node.ctl("device.put", mac=OTHER, extensions="201")
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        self.assertIn("extensions: 201 has other phones, and each of them registers at its secondary proxy", other["warnings"])
        self.node.ctl("extension.put", number="201", secondary_registers=False)
        self.assertEqual(self.node.ctl("device.put", mac=OTHER, extensions="201").get("warnings", []), [])
        for wrong in ("a b", "x:0", "x:65536", ":5060", 'x"/><y', "x:y", "http://x"):
            with self.assertRaises(ServerError, msg=wrong):
                self.node.ctl("extension.put", number="201", secondary_proxy=wrong)

    def test_a_secondary_proxy_of_the_device(self):
        """BEAT-20: each phone of an extension may have another one, or none, and register there or not, whatever the extension says."""
        devices, names = (self.phone(), self.phone(OTHER)), ("address", "port", "register")
        self.addCleanup(self.node.ctl, "extension.put", number="201", secondary_proxy="", secondary_registers=False)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, secondary_proxy="", secondary_registers="extension")
        self.node.ctl("device.put", mac=OTHER, extensions="201")
        self.addCleanup(self.node.ctl, "device.delete", mac=OTHER)
        self.node.ctl("extension.put", number="201", secondary_proxy="192.0.2.7", secondary_registers=True)
        for own, registers, want in (("", "extension", ("192.0.2.7", "5060", "1")), ("", "no", ("192.0.2.7", "5060", "0")), ("off", "yes", ("", "", "0")),
                                     ("gateway.example.org:5070", "yes", ("gateway.example.org", "5070", "1"))):
            row = self.node.ctl("device.put", mac=MAC, secondary_proxy=own, secondary_registers=registers)
            self.assertEqual((row["secondary_proxy"], row["secondary_registers"]), (own, registers))
            for device, expected in zip(devices, (want, ("192.0.2.7", "5060", "1"))):
                device.boot()
                self.assertEqual(tuple(device.values["reg.1.server.2." + name] for name in names), expected)
        warnings = self.node.ctl("device.put", mac=MAC, secondary_registers="no").get("warnings", [])
        self.assertFalse([text for text in warnings if "registers at its secondary" in text], warnings)
        with self.assertRaises(ServerError):
            self.node.ctl("device.put", mac=MAC, secondary_proxy="x:0")

    def test_a_stale_password(self):
        """REG-31: a phone that fetches by a password that was right before is told as such, and shown, until it has the present one; its line is refused, too."""
        device = self.phone()
        self.addCleanup(self.node.put_extension, "201", "secret201")
        self.assertTrue(device.boot())
        self.node.put_extension("201", "another-secret")
        self.assertIsNone(device.get(f"{MAC}.cfg"))
        self.assertEqual([event["reason"] for event in self.node.events() if event["type"] == "device.refused" and event["device"] == MAC][-1:], ["stale password"])
        self.assertTrue(self.seen()["stale"])
        self.assertIn(device.register(lambda *account: UserAgent(*account)).status, (401, 403))
        device.password = "another-secret"
        self.assertTrue(device.boot())
        self.assertFalse(self.seen()["stale"])

    def test_one_password(self):
        """VM-11: where the tenant has one password, that of files is another one, too, once it is changed."""
        self.node.ctl("tenant.put", name="default", one_password=True)
        self.addCleanup(self.node.ctl, "tenant.put", name="default", one_password=False)
        self.addCleanup(self.node.put_extension, "202", "secret202")
        for former, password in (("secret202", "815042"), ("815042", "731904")):
            self.node.put_extension("202", password)
            self.node.ctl("device.put", mac=OTHER, extensions="202")
            self.addCleanup(self.node.ctl, "device.delete", mac=OTHER) if former == "secret202" else None
            self.assertEqual([self.ask(f"/{OTHER}.cfg", basic("202", one))[0] for one in (former, password)], [401, 200])
            device = self.phone(OTHER, "202", password)
            self.assertTrue(device.boot())
            self.assertEqual(device.register(self.agent).status, 200)
            device.agent.password = former
            self.assertIn(device.agent.register().status, (401, 403))

    def test_all_fields(self):
        """PROV-20: what the manual's tabs have is put, shown as it was put, and in the file."""
        extension = {"enabled": True, "tls": False, "srtp": False, "video": True, "lamps_splash": True, "secondary_proxy": "gateway.example.org:5070", "secondary_registers": True,
                     "lamps": "1=blf:202", "seats": ["phone", "advanced"]}
        device = {"directory_page": True, "directory_profile": "", "video_kbps": 512, "video_dscp": 26, "menu_password": "246813", "firmware": False, "clock": "12", "columns": 2}
        self.addCleanup(self.node.ctl, "extension.put", number="201", secondary_proxy="", secondary_registers=False, lamps="", lamps_splash=False, seats=[])
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, directory_page=False, video_kbps=768, video_dscp=0, menu_password="", firmware=True, clock="24", columns=1)
        for command, key, fields in (("extension", {"number": "201"}, extension), ("device", {"mac": MAC}, device)):
            self.node.ctl(command + ".put", **key, **fields)
            row = self.node.ctl(command + ".get", **key)
            self.assertEqual({name: row[name] for name in fields}, fields)
        phone = self.phone()
        phone.boot()
        want = {"video.enable": "1", "video.maxCallRate": "512", "qos.ip.rtp.video.dscp": "26", "device.auth.localAdminPassword": "246813", "up.numOfDisplayColumns": "2",
                "lcl.datetime.time.24HourClock": "0", "reg.1.server.2.address": "gateway.example.org", "reg.1.server.2.port": "5070", "reg.1.server.2.register": "1",
                "attendant.behaviors.display.spontaneousCallAppearances.normal": "1", "softkey.2.enable": "1"}
        self.assertEqual({name: phone.values[name] for name in want}, want)

    def test_more_than_a_hundred(self):
        """REG-04, P7-04, ADM-03: from the 101st device of the tenant on a registration lasts 600 s, in the files of both generations."""
        self.node.ctl("device.put", mac="0004f2000070", generation="7.0", model="soundpoint650", extensions="201")
        self.addCleanup(self.node.ctl, "device.delete", mac="0004f2000070")
        devices, old = self.phone(), self.phone("0004f2000070", model="soundpoint650", firmware="3.2.7")
        for count, expires in ((98, "90"), (99, "600"), (0, "90")):
            self.node.ctl("set.apply", name="many", tenant="default", prune=True,
                               documents=[{"kind": "device", "mac": f"0004f219{nth:04x}", "extensions": "202"} for nth in range(count)])
            for device in (devices, old):
                device.boot()
                self.assertEqual(device.values["reg.1.server.1.expires"], expires, count)

    def test_firmware(self):
        """PROV-01, PROV-02: what a phone names itself is one of its generation's, or not."""
        for model, firmware, generation, known in (("vvx410", "5.4.2.6345", "8.5", True), ("vvx410", "5.5.1.15937", "8.5", True), ("vvx410", "5.9.0.1", "8.5", False),
                                                   ("soundpoint650", "4.0.4.2906", "8.5", True), ("soundpoint650", "5.4.2.6345", "8.5", False),
                                                   ("soundstation7000", "4.0.8.1972", "8.5", True), ("soundpoint650", "3.2.7.0198", "8.5", False),
                                                   ("soundpoint650", "3.2.7.0198", "7.0", True), ("soundpoint650", "3.3.4.0085", "7.0", False)):
            self.node.ctl("device.put", mac=MAC, generation=generation, model=model)
            self.addCleanup(self.node.ctl, "device.put", mac=MAC, generation="8.5", model="vvx410")
            self.assertTrue(self.phone(model=model, firmware=firmware).boot())
            seen = self.seen()
            self.assertEqual((seen["firmware"], seen["firmware_known"]), (firmware, known), (model, generation))

    def test_paging(self):
        """PAGE-03, PAGE-06, PAGE-07: groups with a channel are in the files of their members' phones, by their name of people; 1 is the default, 24
        and 25 are what they are. A user chooses those that he hears, but for emergencies, his default, and pages in calls."""
        device, prefix = self.phone(), "ptt.pageMode."

        def group(channel, names=("label", "available", "subscribed", "allowTransmit")):
            return tuple(device.values[f"{prefix}group.{channel}.{name}"] for name in names)
        device.boot()
        self.assertEqual((device.values[prefix + "enable"], group(6)), ("0", ("", "0", "0", "0")))
        self.node.ctl("page.put", name="floor", members="201,202", channel=6, first_name='Shop <&"', last_name="Floor", department="Sales", description="x")
        self.node.ctl("page.put", name="others", members="202", channel=7)
        for name in ("floor", "others"):
            self.addCleanup(self.node.ctl, "page.delete", name=name)
        self.assertTrue(device.changed())
        self.assertEqual((group(6), group(7)), (('Shop <&" Floor', "1", "1", "1"), ("", "0", "0", "0")))
        self.assertEqual([device.values[prefix + name] for name in ("enable", "defaultGroup", "priorityGroup", "emergencyGroup")], ["1", "1", "24", "25"])
        self.assertEqual((device.values["ptt.address"], device.values["ptt.port"]), ("224.0.1.116", "5001"))
        self.node.ctl("page.put", name="loud", members="201", channel=25)
        self.addCleanup(self.node.ctl, "page.delete", name="loud")
        self.node.ctl("page.choice.put", number="201", off="floor,loud", default_group="floor", in_calls=True)
        self.addCleanup(self.node.ctl, "page.choice.delete", number="201")
        self.assertTrue(device.changed())
        self.assertEqual((group(6), group(25)[1:]), (('Shop <&" Floor', "1", "0", "1"), ("1", "1", "1")))
        self.assertEqual([device.values[prefix + name] for name in ("defaultGroup", "allowOffHookPages")], ["6", "1"])
        self.node.ctl("page.choice.put", number="201", off="", default_group="others", in_calls=False)
        self.assertTrue(device.changed())
        self.assertEqual([device.values[prefix + name] for name in ("defaultGroup", "allowOffHookPages", "group.6.subscribed")], ["1", "0", "1"])
        self.assertIn("channel: floor has it, too", self.node.ctl("page.put", name="others", channel=6)["warnings"])
        self.node.ctl("page.put", name="floor", members="202")
        self.assertTrue(device.changed())
        self.assertEqual(group(6), ("", "0", "0", "0"))
        self.node.ctl("tenant.put", name="default", multicast_addresses="239.1.1.0/24")
        self.node.ctl("page.put", name="floor", listeners="201", multicast="239.1.1.9:5007")
        self.assertTrue(device.changed())
        self.assertEqual(group(6)[1:], ("1", "1", "1"))
        self.assertEqual((device.values["ptt.address"], device.values["ptt.port"]), ("239.1.1.9", "5007"))
        for wrong in ({"channel": 26}, {"first_name": "x" * 33}, {"last_name": "x" * 33}, {"first_name": "a\nb"}):
            with self.assertRaises(ServerError, msg=wrong):
                self.node.ctl("page.put", name="floor", **wrong)
        self.node.ctl("page.put", name="floor", first_name="x" * 32, channel=0, multicast="")

    def test_a_digit_map_of_its_own(self):
        """PROV-14: it is kept whatever the plan says, with a warning; without it the plan's counts again."""
        device = self.phone()
        device.boot()
        plan = device.values["dialplan.digitmap"]
        said = self.node.ctl("device.put", mac=MAC, digit_map="0|[2-7]xx|9,1xxxxxxxxxx")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, digit_map="")
        self.assertIn("digit_map: it is kept, and the dial plan's is not used", said["warnings"])
        device.boot()
        self.assertEqual(device.values["dialplan.digitmap"], "0|[2-7]xx|9,1xxxxxxxxxx")
        for wrong in ('0"/><x', "a", "0\n1"):
            with self.assertRaises(ServerError, msg=wrong):
                self.node.ctl("device.put", mac=MAC, digit_map=wrong)
        self.node.ctl("device.put", mac=MAC, digit_map="")
        device.boot()
        self.assertEqual(device.values["dialplan.digitmap"], plan)

    def test_password_of_the_menu(self):
        """PROV-17, SEC-04, ADM-18: a new phone has five digits at random in place of 456; an administrator alone sees them, and sets others; without one the phone
        keeps what it has."""
        mac, key = "0004f2000071", "device.auth.localAdminPassword"
        made = self.node.ctl("device.put", mac=mac, extensions="201")["menu_password"]
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)
        self.assertRegex(made, "^[0-9]{5}$")
        device = self.phone(mac)
        for given, want in ((None, (made, "1", "1")), ("48 15", ("48 15", "1", "1")), ("", ("", "0", "0"))):
            if given is not None:
                self.node.ctl("device.put", mac=mac, menu_password=given)
            self.assertTrue(device.boot())
            self.assertEqual((device.values[key], device.values[key + ".set"], device.values["device.set"]), want)
        self.assertNotEqual(self.node.ctl("device.put", mac=mac, menu_password="random")["menu_password"], "random")
        for wrong in ("456", "x" * 33):
            with self.assertRaises(ServerError, msg=wrong):
                self.node.ctl("device.put", mac=mac, menu_password=wrong)
        self.assertEqual(self.node.ctl("device.put", mac=mac, menu_password="x" * 32)["menu_password"], "x" * 32)

    def test_profile(self):
        """A profile by its name, and the one that is called default, say what phones have in common; what a device says itself comes first. A change of it asks
        all its phones, and no others. PROV-17: so one password of menus is for all, and what somebody set at the phone is over with its next boot."""
        key = "device.auth.localAdminPassword"
        self.node.ctl("device.profile.put", name="default", menu_password="31415", overrides="up.a=1;up.b=1")
        self.addCleanup(self.node.ctl, "device.profile.delete", name="default")
        self.node.ctl("device.profile.put", name="plain", features_off=["do_not_disturb", "directory", "video"], menu_password="2718")
        self.addCleanup(self.node.ctl, "device.profile.delete", name="plain")
        for mac, fields, want in (("0004f2000081", {"overrides": "up.b=2"}, ("31415", "1", "2", None, "1")),
                                  ("0004f2000082", {"profile": "plain", "directory_page": True}, ("2718", None, None, "0", "0"))):
            self.assertEqual(self.node.ctl("device.put", mac=mac, extensions="201", **fields)["menu_password"], "profile")
            self.addCleanup(self.node.ctl, "device.delete", mac=mac)
            device = self.phone(mac)
            for _ in range(2):
                self.assertTrue(device.boot())
                values = device.values
                self.assertEqual((values[key], values.get("up.a"), values.get("up.b"), values.get("feature.doNotDisturb.enable"), values["video.enable"]), want)
                self.assertEqual((values["device.set"], values["softkey.2.enable"]), ("1", "0"))
                values[key] = "set at the phone"
            until(lambda at=mac: not self.node.ctl("device.get", mac=at)["seen"]["stale"])
        before = {row["mac"] for row in self.node.ctl("device.list", changed=True)}
        self.node.ctl("device.profile.put", name="plain", menu_password="27182")
        self.assertEqual({row["mac"] for row in self.node.ctl("device.list", changed=True)} - before, {"0004f2000082"})
        self.assertEqual([(row["mac"], row["waits"]) for row in sorted(self.node.ctl("device.mine", number="201"), key=lambda row: row["mac"])
                          if row["mac"].startswith("0004f200008")][-1], ("0004f2000082", True))
        self.assertTrue(device.boot())
        self.assertEqual(device.values[key], "27182")
        self.node.ctl("device.put", mac="0004f2000082", menu_password="")
        self.assertTrue(device.boot())
        self.assertEqual((device.values[key], device.values[key + ".set"]), ("", "0"))
        with self.assertRaisesRegex(ServerError, "4 to 32"):
            self.node.ctl("device.profile.put", name="plain", menu_password="456")
        for word in "random", "profile":        # of devices alone
            with self.assertRaisesRegex(ServerError, "menu_password"):
                self.node.ctl("device.profile.put", name="plain", menu_password=word)

    def test_a_phone_of_a_former_system(self):
        """PROV-03, PROV-04: one that had a release up to 7.0 Update 1 needs a reset, as device.get, device.list and lint say, until it was; how, its
        generation says. A later release needs none."""
        mac = "0004f2000073"
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)

        def put(**fields):
            said = self.node.ctl("device.put", mac=mac, extensions="201", **fields)
            words = [warning for warning in said.get("warnings", []) if warning.startswith("former_release: ")]
            rows = [row for row in self.node.ctl("device.list") if row["mac"] == mac]
            linted = [row["reason"] for row in self.node.ctl("lint") if row["place"] == f"device {mac}" and row["reason"].startswith("former_release")]
            needed = {self.node.ctl("device.get", mac=mac)["reset_needed"], rows[0]["reset_needed"], said["reset_needed"]}
            self.assertEqual((needed, linted), ({bool(words)}, words))
            return "".join(words)

        words = "former_release: for its directory and record pages the node needs a host name in its certificate: provision.server"
        for release, page, want in (("7.5", True, True), ("7.5", False, False), ("", True, False), ("7.0", True, False)):
            said = self.node.ctl("device.put", mac=mac, extensions="201", former_release=release, directory_page=page)
            self.assertEqual(words in said.get("warnings", []), want, (release, page))
        self.node.ctl("device.put", mac=mac, directory_page=False)
        for release, needed in (("", False), ("6.7", True), ("7.0", True), ("7.0.1", True), ("7.0.2", False), ("7.5", False), ("8.5", False), ("10.0", False)):
            self.assertEqual(bool(put(former_release=release)), needed, release)
        self.assertIn("Utilities, Phone Backup & Restore, Global Settings, Restore", put(former_release="7.0.1"))
        self.assertIn("Reset Local Config, and then Reset Device Settings", put(generation="7.0"))
        self.assertEqual(put(former_release=""), "")
        for wrong in ("7", "7.0.1.2", "7.x", "7.", "seven"):
            with self.assertRaises(ServerError, msg=wrong):
                put(former_release=wrong)

    def test_keys_for_hold_and_transfer(self):
        """PROV-23: a VVX 300 or 400 has keys for them, and not on its display, too; others have them there."""
        mac, key = "0004f2000074", "softkey.feature.basicCallManagement.redundant"
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)
        device = self.phone(mac)
        for model, want in (("vvx300", "0"), ("vvx310", "0"), ("vvx400", "0"), ("vvx410", "0"), ("vvx500", "1"), ("soundpoint650", "1"), ("", "1")):
            self.node.ctl("device.put", mac=mac, extensions="201", model=model)
            self.assertTrue(device.boot())
            self.assertEqual(device.values[key], want, model)
        self.node.ctl("device.put", mac=mac, model="vvx500", overrides="powerSaving.idleTimeout.officeHours=600")
        device.boot()
        self.assertEqual(device.values["powerSaving.idleTimeout.officeHours"], "600")

    def test_users_of_a_gateway(self):
        """ADM-22, REG-22: 25 extensions may register at one secondary proxy; of the next one device.put and lint warn, and no new device of one is taken."""
        for number in range(301, 327):
            self.node.ctl("extension.put", number=str(number), password="verysecret1", secondary_proxy="192.0.2.7", secondary_registers=number < 326)
            self.addCleanup(self.node.ctl, "extension.delete", number=str(number), force=True)
        mac, words = "0004f2000075", "192.0.2.7 is the secondary proxy of 26 extensions that register there, and takes 25"
        self.addCleanup(self.node.ctl, "device.delete", mac=mac)

        def warned():
            said = self.node.ctl("device.put", mac=mac, extensions="301").get("warnings", [])
            linted = [row["reason"] for row in self.node.ctl("lint", limit=1000) if row["place"] == f"device {mac}"]
            return [any(words in text for text in texts) for texts in (said, linted)]

        self.assertEqual(warned(), [False, False])
        self.node.ctl("extension.put", number="326", secondary_registers=True)
        self.assertEqual(warned(), [True, True])
        with self.assertRaisesRegex(ServerError, "192.0.2.7 is the secondary proxy of more than 25"):
            self.node.ctl("device.put", mac="0004f2000076", extensions="302")
        self.node.ctl("extension.put", number="326", secondary_proxy="192.0.2.8")
        self.assertEqual(warned(), [False, False])

    def test_uploads(self):
        """Logs and what the user changed lie in the phone's folder; the latter come back. Nothing else is taken."""
        device = self.phone()
        device.boot()
        folder = pathlib.Path(self.node.folder, "phones", "default", MAC)
        self.assertEqual((folder / f"{MAC}-boot.log").read_bytes(), b"boot\n")
        self.assertEqual(device.put(f"{MAC}-phone.cfg", b'<a up.numOfDisplayColumns="4"/>'), 201)
        self.addCleanup((folder / f"{MAC}-phone.cfg").unlink)
        device.boot()
        self.assertEqual(device.values["up.numOfDisplayColumns"], "4")
        for name in (f"{MAC}.cfg", f"{MAC}-x.log", f"{MAC}-boot.log.new", f"{OTHER}-boot.log", "x", f"{MAC}-boot.log/x"):
            self.assertIn(device.put(name, b"x"), (401, 404, 405), name)
        self.assertEqual(device.put(f"{MAC}-app.log", b"x" * 262145), 413)
        self.assertEqual(sorted(os.listdir(folder)), [f"{MAC}-boot.log", f"{MAC}-phone.cfg"])
        for path in pathlib.Path(self.node.folder, "phones").rglob("*"):
            self.assertTrue(path.is_dir() or path.name.startswith(path.parent.name + "-"), path)
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_uploads_go_with_their_device(self):
        """Also those of a tenant that goes, with its folder, and of no other device."""
        folders = {}
        for tenant, mac in (("default", "0004f2000001"), ("gone", "0004f2000002"), ("gone", "0004f2000003")):
            if tenant == "gone":
                self.node.ctl("tenant.put", name="gone", domains="gone.example")
            self.node.ctl("extension.put", tenant=tenant, number="207", password=f"{tenant}secret")
            self.node.ctl("device.put", tenant=tenant, mac=mac, extensions="207")
            folders[mac] = pathlib.Path(self.node.folder, "phones", tenant, mac)
            phone = self.phone(mac, "207", f"{tenant}secret")
            for name in ("boot.log", "phone.cfg", "directory.xml"):
                self.assertEqual(phone.put(f"{mac}-{name}", b"x"), 201)
        self.phone().put(f"{MAC}-app.log", b"kept")
        self.node.ctl("device.delete", mac="0004f2000001")
        self.node.ctl("device.delete", tenant="gone", mac="0004f2000002")
        until(lambda: not folders["0004f2000001"].exists() and not folders["0004f2000002"].exists(), "uploads are left")
        self.assertEqual(len(os.listdir(folders["0004f2000003"])), 3)
        self.node.ctl("device.delete", tenant="gone", mac="0004f2000003")
        self.node.ctl("extension.delete", tenant="gone", number="207")
        self.node.ctl("tenant.delete", name="gone", erase=True)
        until(lambda: not folders["0004f2000003"].parent.exists(), "uploads of a tenant are left")
        kept = pathlib.Path(self.node.folder, "phones", "default", MAC, f"{MAC}-app.log")
        self.assertEqual(kept.read_bytes(), b"kept")
        kept.unlink()

    def test_overrides_are_for_administrators(self):
        """A password may be there: device.get and device.list show readers none."""
        self.node.ctl("device.put", mac=MAC, overrides="device.auth.localAdminPassword=98765")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, overrides="")
        self.assertIn("98765", str(self.node.ctl("device.get", mac=MAC)))
        for role, shown in (("admin", True), ("application", False), ("reader", False)):
            self.assertEqual("98765" in str(self.node.ctl("device.get", mac=MAC, as_role=role)), shown, role)
            self.assertEqual("98765" in str(self.node.ctl("device.list", as_role=role)), shown, role)

    def test_ranges_and_tags(self):
        login = basic("201", "secret201")
        status, headers, whole = self.ask(f"/{MAC}.cfg", login)
        self.assertEqual((status, headers["accept-ranges"], headers["content-length"]), (200, "bytes", str(len(whole))))
        status, part, octets = self.ask(f"/{MAC}.cfg", {**login, "Range": "bytes=5-9"})
        self.assertEqual((status, part["content-range"], octets), (206, f"bytes 5-9/{len(whole)}", whole[5:10]))
        self.assertEqual(self.ask(f"/{MAC}.cfg", {**login, "Range": f"bytes={len(whole)}-"})[0], 416)
        self.assertEqual(self.ask(f"/{MAC}.cfg", {**login, "If-None-Match": headers["etag"]})[0::2], (304, b""))
        self.assertEqual(self.ask(f"/{MAC}.cfg", login, "HEAD")[::2], (200, b""))

    def test_a_directory_of_the_tenant(self):
        """Extensions that the tenant's directory shows; injections in names stay text."""
        lines = (DATA / "injections.txt").read_text(encoding="utf-8").split("\n")
        self.addCleanup(self.node.ctl, "extension.put", number="202", display_name="", last_name="", shown=True)
        for name in [line for line in lines if 0 < len(line.encode()) < 64 and line.isprintable()][:20]:
            self.node.ctl("extension.put", number="202", display_name=name, last_name=name)
            octets = self.phone().get(f"{MAC}-directory.xml")
            people = ElementTree.fromstring(octets).findall("./item_list/item")
            self.assertEqual([p.findtext("ln") for p in people if p.findtext("ct") == "202"], [name])
        self.node.ctl("extension.put", number="202", shown=False)
        self.assertNotIn(b"<ct>202</ct>", self.phone().get(f"{MAC}-directory.xml"))


class Sync(ProvisionTest):
    def setUp(self):
        self.device = self.phone()
        self.device.boot()
        self.assertEqual(self.device.register(self.agent).status, 200)
        until(lambda: self.seen()["registered_utc_ms"] >= self.seen()["fetched_utc_ms"], lambda: self.seen())
        self.addCleanup(self.device.agent.register, expires=0, contact="*")

    def test_behind_the_last_bye(self):
        """PROV-13: a change asks the phone to look for its files, behind its call, and once."""
        with self.talks("202", self.device):
            self.node.ctl("device.put", mac=MAC, columns=2)
            time.sleep(1.5)
            self.assertEqual(self.device.syncs, [])
            ends = time.monotonic()
        until(lambda: self.device.syncs, "it was not asked")
        self.assertGreater(self.device.syncs[0][0], ends)
        self.assertTrue(self.device.changed())
        self.assertEqual(self.device.values["up.numOfDisplayColumns"], "2")
        until(lambda: self.seen()["synced_utc_ms"], lambda: self.seen())
        time.sleep(1.2)
        self.assertEqual(len(self.device.syncs), 1)

    def test_a_second_boot(self):
        """BLF-09: a key of its phone is changed, it boots, and another change is made while it is called: the call is answered, and the second boot
        comes behind it."""
        self.addCleanup(self.node.ctl, "extension.put", number="201", lamps="")
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, columns=1)
        self.node.ctl("extension.put", number="201", lamps="1=blf:202")
        self.node.ctl("device.sync", mac=MAC)
        until(lambda: self.device.syncs, "it was not asked")
        self.assertTrue(self.device.changed())
        self.device.syncs.clear()
        self.assertEqual(self.device.agent.register(headers=[("User-Agent", self.device.sip_user_agent)]).status, 200)
        with self.talks("202", self.device):
            self.node.ctl("device.put", mac=MAC, columns=4)
            time.sleep(1.5)
            self.assertEqual(self.device.syncs, [])
        until(lambda: self.device.syncs, "it was not asked again")
        self.assertTrue(self.device.changed())

    def test_by_command(self):
        """device.sync asks it for what its document does not have: another name of its extension."""
        self.node.ctl("extension.put", number="201", display_name="Reception")
        self.addCleanup(self.node.ctl, "extension.put", number="201", display_name="")
        self.node.ctl("device.sync", mac="00-04-F2-14-AB-37")
        until(lambda: self.device.syncs, "it was not asked")
        self.assertTrue(self.device.changed())
        self.assertEqual(self.device.values["reg.1.displayName"], "Reception")


class Waves(ProvisionTest):
    MACS = [f"0004f21a000{nth}" for nth in range(1, 5)]

    def setUp(self):
        self.node.ctl("device.delete", mac=MAC)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, model="vvx410", extensions="201")
        self.phones = []
        for nth, mac in enumerate(self.MACS):
            number = f"21{nth}"
            self.node.put_extension(number, "secret" + number)
            self.node.ctl("device.put", mac=mac, extensions=number, model="vvx410" if nth else "vvx500")
            self.addCleanup(self.node.ctl, "device.delete", mac=mac)
            phone = self.phone(mac, number, "secret" + number)
            self.assertTrue(phone.boot())
            if nth < 3:             # the last one is away
                self.assertEqual(phone.register(self.agent).status, 200)
                self.addCleanup(phone.agent.register, expires=0, contact="*")
            self.phones.append(phone)

    def last(self):
        last = self.node.ctl("device.roll", dry_run=True)["last"]
        return [last[name] for name in ("runs", "stopped", "count", "done", "failed", "away")]

    def asked(self, *phones):
        until(lambda: all(phone.syncs for phone in phones), "they are not asked")

    def test_in_waves(self):
        """PROV-13: who would be asked is listed first; then one wave behind the other, and no more where one of them does not come. Who is away is
        not waited for."""
        first, second, third, _ = self.phones
        for args, macs in (({}, self.MACS), ({"model": "vvx410"}, self.MACS[1:]), ({"number": "212"}, self.MACS[2:3]), ({"number": "999"}, [])):
            self.assertEqual(self.node.ctl("device.roll", dry_run=True, **args)["macs"], macs, args)
        time.sleep(0.6)
        self.assertEqual([phone.syncs for phone in self.phones], [[], [], [], []])
        self.node.ctl("device.roll", wave=1, seconds=3)
        self.asked(first)
        with self.assertRaisesRegex(ServerError, "conflict"):
            self.node.ctl("device.roll")
        time.sleep(1)
        self.assertEqual(second.syncs, [])
        self.assertTrue(first.boot())
        self.asked(second)
        until(lambda: not self.last()[0], lambda: self.last())
        self.assertEqual((self.last(), third.syncs), ([False, True, 4, 1, 1, 0], []))
        for phone in self.phones:
            phone.syncs.clear()
        self.node.ctl("device.roll", wave=10, failures=1, seconds=3)
        self.asked(first, second, third)
        for phone in (first, third):
            self.assertTrue(phone.boot())
        until(lambda: not self.last()[0], lambda: self.last())
        self.assertEqual(self.last(), [False, False, 4, 2, 1, 1])

    def changed(self):
        return [row["mac"] for row in self.node.ctl("device.list", changed=True)]

    def test_changed(self):
        """PROV-13: of a change of an extension, of the dial plan, of a paging group or of the tenant's clock the devices are listed that it touches, and no
        others; they alone are asked, behind each other, and are not listed once they have fetched."""
        def undo(command, **fields):
            self.node.ctl(command, **fields)
        for phone in self.phones:       # each has all of them in its directory
            phone.boot()
        self.assertEqual(self.changed(), [])
        rows = ((("extension.put", {"number": "211", "display_name": "Elsewhere"}), ("extension.put", {"number": "211", "display_name": ""}), self.MACS),     # it is in their directories
                (("extension.put", {"number": "210", "secondary_proxy": "192.0.2.9"}), ("extension.put", {"number": "210", "secondary_proxy": ""}), self.MACS[:1]),
                (("dialplan.put", {"access": "8"}), ("dialplan.put", {"access": ""}), self.MACS),
                (("tenant.put", {"name": "default", "zone": "Asia/Tokyo"}), ("tenant.put", {"name": "default", "zone": ""}), self.MACS),
                (("extension.put", {"number": "211", "forward_always": "202"}), ("extension.put", {"number": "211", "forward_always": ""}), []))
        for (command, fields), (back, former), macs in rows:
            self.addCleanup(undo, back, **former)
            self.node.ctl(command, **fields)
            self.assertEqual(self.changed(), macs, fields)
            self.node.ctl(back, **former)
            self.assertEqual(self.changed(), [], fields)
        for phone in self.phones:
            phone.syncs.clear()
        for number in ("211", "212"):
            self.node.ctl("extension.put", number=number, secondary_proxy="192.0.2.9")
        self.node.ctl("device.roll", changed=True, wave=1, seconds=5)
        for phone in self.phones[1:3]:
            self.asked(phone)
            self.assertTrue(phone.changed())
        until(lambda: not self.last()[0], lambda: self.last())
        self.assertEqual(([len(phone.syncs) for phone in self.phones], self.last()), ([0, 1, 1, 0], [False, False, 4, 4, 0, 0]))
        self.assertEqual(self.changed(), [])

    def waits(self):
        return [self.node.ctl("device.mine", number=f"21{nth}")[0]["waits"] for nth in range(4)]

    def test_stopped(self):
        """Where phones fail, or by command, nobody is asked any more, nor who was away; but for what was wanted before."""
        until(lambda: not any(self.waits()), lambda: self.waits())
        self.phones[0].agent.register(expires=0, contact="*")
        self.node.ctl("device.roll", wave=1, seconds=1)
        self.asked(self.phones[1])
        until(lambda: not self.last()[0], lambda: self.last())
        self.assertEqual((self.last(), self.waits()), ([False, True, 4, 0, 1, 1], [False] * 4))
        self.node.ctl("device.put", mac=self.MACS[3], columns=2)
        self.node.ctl("device.roll", wave=4)
        self.asked(self.phones[2])
        self.assertEqual(self.waits(), [True, False, False, True])
        self.assertEqual(self.node.ctl("device.roll", stop=True)["last"]["stopped"], True)
        self.assertEqual((self.last()[:3], self.waits()), ([False, True, 4], [False, False, False, True]))
        self.node.ctl("device.roll", wave=4, seconds=1)
        until(lambda: not self.last()[0], lambda: self.last())
        self.node.ctl("device.roll", stop=True)      # it is over, and one is away
        self.assertEqual(self.waits(), [False, False, False, True])


class Guide(ProvisionTest):
    def test_guide(self):
        """docs/guides/phones.md, from a bare phone to a call, with the scripted phone."""
        self.node.ctl("device.delete", mac=MAC)
        text = (GUIDES / "phones.md").read_text(encoding="utf-8").replace("a-long-secret", "secret201")
        first, second = re.findall(r"<!-- run -->\n```sh\n(.*?)```", text, re.S)
        self.typed(first)
        device = self.phone()
        self.assertTrue(device.boot())
        self.assertEqual(device.register(self.agent).status, 200)
        self.assertEqual(device.values["reg.1.displayName"], "Reception")
        with self.talks("202", device):
            pass
        self.typed(second)
        until(lambda: device.syncs, "it was not asked")
        self.assertTrue(device.changed())
        self.assertEqual((device.values["up.numOfDisplayColumns"], device.values["lcl.datetime.time.24HourClock"],
                          device.values["up.backlight.idleIntensity"]), ("2", "0", "0"))

    def test_guide_of_7(self):
        """docs/guides/phones-7.md, with the scripted phone."""
        self.node.ctl("device.delete", mac=MAC)
        self.addCleanup(self.node.ctl, "device.put", mac=MAC, generation="8.5", model="vvx410", extensions="201")
        text = (GUIDES / "phones-7.md").read_text(encoding="utf-8").replace("a-long-secret", "secret201")
        self.typed(re.search(r"<!-- run -->\n```sh\n(.*?)```", text, re.S)[1])
        device = self.phone(model="soundpoint650", firmware="3.2.7")
        self.assertTrue(device.boot())
        self.assertEqual(device.register(self.agent).status, 200)
        self.assertEqual((device.values["reg.1.displayName"], device.values["reg.1.server.1.expires"]), ("Reception", "90"))
        with self.talks("202", device):
            pass

    def typed(self, lines):
        done = subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{self.node.program('tandemctl')} --config {self.node.config}")],
                              capture_output=True, text=True, timeout=60, env=self.node.environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)


class Guesses(ProvisionTest):
    def test_wrong_passwords(self):
        """Known and unknown MACs and numbers are refused with the same octets, and guesses are braked; the event says so once."""
        answers = {self.ask(f"/{mac}.cfg", basic(user, "wrong"))[::2] for mac in (MAC, UNKNOWN) for user in ("201", "999")}
        self.assertEqual(answers, {(401, b"log in\n")})
        seen = self.seen()
        self.assertTrue(seen["asked_utc_ms"] and not seen["accepted_utc_ms"], seen)
        until(lambda: self.ask(f"/{MAC}.cfg", basic("201", "wrong"))[0] == 429, "guesses go on")
        self.assertIn("retry-after", self.ask(f"/{MAC}.cfg", basic("201", "wrong"))[1])
        self.assertEqual(self.ask(f"/{MAC}.cfg", basic("202", "secret202"))[0], 404)
        want = [("device.refused", MAC, "201"), ("device.unknown", MAC, "202")]
        until(lambda: [(e["type"], e["device"], e["number"]) for e in self.node.events() if e["type"].startswith("device.")] == want, self.node.events)


class Brake(ProvisionTest):
    def test_a_source_is_braked(self):
        """Requests of one source beyond 2,000 at once are 429, whatever they ask for; a second later some are not."""
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10)
        self.addCleanup(connection.close)

        def status():
            connection.request("GET", "/000000000000.cfg")
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("Retry-After")

        answers = [status() for _ in range(4000)]
        self.assertGreaterEqual(answers.index((429, "5")), 2000)
        until(lambda: status()[0] == 200, lambda: "the brake stays")


class Firmware(unittest.TestCase):
    """A folder of firmware: PROV-18."""
    ask, phone = ProvisionTest.ask, ProvisionTest.phone

    def setUp(self):
        self.node = self.enterContext(Node(start=False))
        self.port, self.folder = self.node.ports.take(), pathlib.Path(self.node.folder, "firmware")
        self.set_up(False)
        self.image = os.urandom(3_000_000)
        for family, files in (("polycom-8.5", {"3111-46157-002.sip.ld": self.image, "sip.ver": b"5.4.2.6345"}),
                              ("polycom-7.0", {"sip.ld": b"old", "sip.cfg": b"<sip a.b=\"1\"/>", "phone1.cfg": b"<phone1/>", "x.txt": b"x",
                                               "sip_212.ld": b"older", "sip_212.cfg": b"<sip a.b=\"2\"/>", "phone1_212.cfg": b"<phone1/>"})):
            (self.folder / family).mkdir(parents=True)
            for name, octets in files.items():
                (self.folder / family / name).write_bytes(octets)
        (self.folder / "secret").write_bytes(b"secret")
        (self.folder / "polycom-8.5" / ".hidden").write_bytes(b"secret")
        (self.folder / "polycom-8.5" / "link").symlink_to(self.folder / "secret")
        self.node.start()
        self.node.put_extension("201", "secret201")
        self.node.ctl("device.put", mac=MAC, extensions="201")

    def set_up(self, unknown):
        self.node.configure({"provision": {"bind": place.NODE, "http": self.port, "firmware": str(self.folder), "firmware_unknown": unknown}})

    def test_a_folder(self):
        """PROV-18, ADM-24, P7-01, P7-02: offered to devices, on at first, and to unknown phones where a setting says so, off at first. It is streamed, with
        ranges and a tag. Nothing else of the disk is served."""
        device, login = self.phone(), basic("201", "secret201")
        device.transfer("GET", f"{MAC}.cfg")
        self.assertIn(f'APP_FILE_PATH="{MAC}-firmware/sip.ld"'.encode(), self.ask(f"/{MAC}.cfg", login)[2])
        path = f"/{MAC}-firmware/3111-46157-002.sip.ld"
        status, headers, octets = self.ask(path, login)
        self.assertEqual((status, octets == self.image), (200, True))
        self.assertEqual(self.ask(path, {**login, "If-None-Match": headers["etag"]})[0], 304)
        status, _, part = self.ask(path, {**login, "Range": "bytes=1000000-1000099"})
        self.assertEqual((status, part), (206, self.image[1000000:1000100]))
        self.assertEqual(self.ask(path)[0], 401)
        for name in (".hidden", "link", "../secret", "..%2fsecret", "sip.cfg", "%2e%2e/polycom-7.0/sip.cfg", ""):
            self.assertIn(self.ask(f"/{MAC}-firmware/{name}", login)[0], (400, 401, 403, 404), name)
        for other in (f"/{OTHER}-firmware/sip.ver", f"/{MAC}-firmware/", f"/x{MAC}-firmware/sip.ver", f"/{MAC}x-firmware/sip.ver"):
            self.assertIn(self.ask(other, login)[0], (401, 404), other)
        self.assertEqual(self.ask("/bare-firmware/sip.ver")[0], 404)
        self.node.ctl("device.put", mac=MAC, firmware=False)
        self.assertIn(b'APP_FILE_PATH=""', self.ask(f"/{MAC}.cfg", login)[2])
        self.assertEqual(self.ask(path, login)[0], 404)
        self.node.ctl("device.put", mac=MAC, generation="7.0", model="soundpoint650", firmware=True)
        old = self.phone(model="soundpoint650", firmware="3.2.7")
        self.assertTrue(old.boot())
        self.assertEqual([name.rpartition("/")[2] for name in old.names], [f"{MAC}_user.cfg", "201.cfg", "altigen.cfg", "phone1.cfg", "sip.cfg"])
        self.assertEqual((old.values["a.b"], old.get(f"{MAC}-firmware/sip.ld")), ("1", b"old"))
        for model in ("soundpoint300", "soundpoint500"):        # P7-02
            older = self.phone(model=model, firmware="2.1.2")
            self.assertTrue(older.boot())
            self.assertEqual([name.rpartition("/")[2] for name in older.names], [f"{MAC}_user.cfg", "201.cfg", "altigen.cfg", "phone1_212.cfg", "sip_212.cfg"])
            self.assertEqual((older.values["a.b"], f"/{MAC}-firmware/sip_212.ld" in [path for _, path, status in older.asked if status == 200]), ("2", True))
        self.node.put_extension("900", "secret900")
        self.node.ctl("tenant.put", name="default", bare_phones="900")
        self.assertIn(b'APP_FILE_PATH=""', self.ask("/000000000000.cfg")[2])
        self.set_up(True)
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: b"bare-firmware/sip.ld" in self.ask("/000000000000.cfg")[2], "it is not offered")
        self.assertEqual(self.ask("/bare-firmware/sip.ver")[::2], (200, b"5.4.2.6345"))
        for name in (".hidden", "link", "..%2fsecret", "x.txt"):
            self.assertIn(self.ask("/bare-firmware/" + name)[0], (400, 401, 403, 404), name)


class Attacks(ProvisionTest):
    def test_without_credentials_all_is_the_same(self):
        """A known and an unknown MAC get the same octets; without a password nothing says what is there."""
        answers = set()
        for path in (f"/{MAC}.cfg", f"/{UNKNOWN}.cfg", f"/{MAC}-directory.xml", "/x", f"/{MAC}-0123456789abcdef/Extension_201.cfg"):
            for headers in ({}, {"Authorization": "Basic"}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"},
                            {"Authorization": "Basic " + base64.b64encode(b"201").decode()}):
                status, said, octets = self.ask(path, headers)
                answers.add((status, octets, tuple(sorted(item for item in said.items() if item[0] != "date"))))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(next(iter(answers))[0], 401)

    def test_of_no_phone(self):
        """The bootstrap file has no secret, and anybody may have it. What is no route is not found."""
        status, headers, octets = self.ask("/000000000000.cfg")
        self.assertEqual((status, octets), (200, (DATA / "polycom-8.5" / "000000000000.cfg").read_bytes()))
        self.assertEqual(headers["cache-control"], "private, no-store")
        for path in ("/", "//", "/a/b/c", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/phones/../../keys", "/%00", "/metrics/x/y"):
            self.assertIn(self.ask(path)[0], (400, 401, 403, 404), path)
        self.assertEqual(self.ask(f"/{MAC}.cfg", method="DELETE")[0], 405)
        self.assertEqual(self.ask("/healthz")[0], 401)

    def test_a_device_is_of_its_extension(self):
        """With the password of another extension a MAC is unknown; the event says so. Another tenant's is no better."""
        self.node.ctl("tenant.put", name="acme", domains="acme.example")
        self.node.ctl("extension.put", tenant="acme", number="201", password="acmesecret")
        self.node.ctl("device.put", tenant="acme", mac=OTHER, extensions="201")
        self.assertEqual(self.ask(f"/{MAC}.cfg", basic("202", "secret202"))[0], 404)
        self.assertEqual(self.ask(f"/{OTHER}.cfg", basic("201", "secret201"))[0], 401)
        status, _, master = self.ask(f"/{OTHER}.cfg", basic("201", "acmesecret"))
        self.assertEqual(status, 200)
        name = master.decode().partition(f"{OTHER}-")[2][:16]
        self.assertEqual(self.ask(f"/{OTHER}-{name}/Extension_201.cfg", basic("201", "acmesecret"))[0], 200)
        self.assertEqual(self.ask(f"/{MAC}-{name}/Extension_201.cfg", basic("201", "secret201"))[0], 404)
        self.node.ctl("device.put", tenant="acme", mac=MAC, extensions="201")
        self.assertEqual(self.ask(f"/{MAC}.cfg", basic("201", "secret201"))[0], 200)
        self.assertEqual(self.node.ctl("device.list", tenant="acme")[0]["mac"], MAC)
        self.assertEqual([row["mac"] for row in self.node.ctl("device.list")], [MAC])

    def test_a_mac_of_two_tenants(self):
        """Another tenant has the same MAC with the same number, and had it first: the password decides, and a wrong one is a guess for both."""
        mac, tries = "0004f214ab39", []
        for tenant, domain in (("first", "first.example"), ("second", "second.example")):
            self.node.ctl("tenant.put", name=tenant, domains=domain)
            self.node.ctl("extension.put", tenant=tenant, number="201", display_name=tenant, password=f"{tenant}secret")
            self.node.ctl("device.put", tenant=tenant, mac=mac, extensions="201")
        for tenant in ("first", "second") * 8:
            self.assertTrue(self.phone(mac, "201", f"{tenant}secret").boot(), tenant)
        device = self.phone(mac, "201", "secondsecret")
        device.boot()
        self.assertEqual(device.values["reg.1.displayName"], "second")
        seen = self.node.ctl("device.get", tenant="first", mac=mac)["seen"]
        until(lambda: tries.append(self.ask(f"/{mac}.cfg", basic("201", "wrong"))[0]) or tries[-1] == 429, "guesses go on")
        self.assertEqual({self.ask(f"/{mac}.cfg", basic("201", f"{tenant}secret"))[0] for tenant in ("first", "second")}, {429})
        self.assertEqual(seen["accepted_utc_ms"], self.node.ctl("device.get", tenant="first", mac=mac)["seen"]["accepted_utc_ms"])

    def test_a_body_of_a_stranger_is_not_read(self):
        """A wrong password is refused before the body has come, and many of them at once take no room of others."""
        import socket
        head = "PUT /{}-app.log HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n{}\r\n"
        login = "Authorization: " + basic("201", "guess")["Authorization"] + "\r\n"
        for lines in (login, ""):
            with socket.create_connection((place.NODE, self.port), 5) as sock:
                sock.sendall(head.format(MAC, lines).encode())
                sock.settimeout(10)
                self.assertRegex(sock.recv(4096), rb"^HTTP/1.1 (401|429) ")
        right = "Authorization: " + basic("201", "secret201")["Authorization"] + "\r\n"
        with socket.create_connection((place.NODE, self.port), 5) as sock:
            sock.sendall(head.format(MAC, right).encode() + b"x" * 1000)
            time.sleep(0.3)
            sock.sendall(b"x" * 261144)
            sock.settimeout(10)
            self.assertRegex(sock.recv(4096), rb"^HTTP/1.1 201 ")
        pathlib.Path(self.node.folder, "phones", "default", MAC, f"{MAC}-app.log").unlink()

    def test_a_revision_that_is_not_there(self):
        """It was not fetched: what was seen says nothing of it."""
        seen = self.seen()
        for revision in ("0" * 16, "%22%0A%0d%7f%ff" + "x" * 11):
            self.assertIn(self.ask(f"/{MAC}-{revision}/Extension_201.cfg", basic("201", "secret201"))[0], (400, 404))
        self.assertEqual([self.seen()[name] for name in ("fetched_utc_ms", "revision")], [seen["fetched_utc_ms"], seen["revision"]])

    def test_what_documents_refuse(self):
        for wrong in ({"mac": "0004f214ab3"}, {"mac": "000000000000"}, {"mac": "0104f214ab37"}, {"mac": "0004f214ab3g"},
                      {"mac": OTHER, "extensions": ""}, {"mac": OTHER, "extensions": "1,2,3,4,5,6,7"}, {"mac": OTHER, "extensions": "1,1"},
                      {"mac": OTHER, "extensions": "1", "overrides": "x"}, {"mac": OTHER, "extensions": "1", "overrides": "a=1;a=2"},
                      {"mac": OTHER, "extensions": "1", "overrides": 'a b="=1'}, {"mac": OTHER, "extensions": "1", "columns": 5},
                      {"mac": OTHER, "extensions": "1", "vlan": 3}, {"mac": OTHER, "extensions": "1", "speed_dials": "1=202"},
                      {"mac": OTHER, "extensions": "1", "ring": "low"}, {"mac": OTHER, "extensions": "1", "group_status": True},
                      {"mac": OTHER, "extensions": "1", "address": "192.0.2.1"}, {"mac": OTHER, "extensions": "1", "video_kbps": 100}):
            with self.assertRaises(ServerError, msg=wrong):
                self.node.ctl("device.put", **wrong)

    def test_one_call_cannot_wait(self):
        """P7-08: at phones of 7.0, which know of nothing, several calls wait, or none."""
        self.addCleanup(self.node.ctl, "extension.put", number="202", call_waiting="phone", phone_features="all")
        self.node.ctl("extension.put", number="202", call_waiting="single")
        with self.assertRaisesRegex(ServerError, "one call cannot wait"):
            self.node.ctl("extension.put", number="202", phone_features="none")
        self.node.ctl("extension.put", number="202", call_waiting="multiple", phone_features="none")
        with self.assertRaisesRegex(ServerError, "one call cannot wait"):
            self.node.ctl("extension.put", number="202", call_waiting="single")

    def test_garbage(self):
        """Octets that are no HTTP, heads that are too long, many connections: the node serves on."""
        import socket
        for octets in (b"\0" * 100, b"GET /" + b"a" * 10000 + b" HTTP/1.1\r\n\r\n", b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                       b"PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
            with socket.create_connection((place.NODE, self.port), 5) as sock:
                sock.sendall(octets)
                sock.settimeout(2)
                try:
                    sock.recv(4096)
                except OSError:
                    pass
        self.assertEqual(self.ask("/000000000000.cfg")[0], 200)


class Secure(unittest.TestCase):
    """Over HTTPS, with a certificate that the phone checks."""
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Node(start=False, everything=True))
        cls.port, cls.plain, cls.pages = (cls.node.ports.take() for _ in range(3))
        cls.node.configure({"provision": {"bind": place.NODE, "https": cls.port, "http": cls.plain}, "http": {"tls": True},
                            "recordings": {"port": cls.pages}})
        cls.node.start()
        cls.node.put_extension("201", "secret201")
        cls.node.ctl("device.put", mac=MAC, extensions="201")

    def phone(self, context):
        device = Polycom(MAC, f"https://{place.NODE}:{self.port}/", "201", "secret201", context=context, tries=1)
        self.addCleanup(device.close)
        return device

    def context(self, check):
        context = ssl.create_default_context()
        if check:
            context.load_verify_locations(os.path.join(self.node.folder, "tls", "ca.pem"))
        context.check_hostname = False
        return context

    def test_a_boot(self):
        """SEC-09: files, uploads and ranges go over TLS as they do without it; the revisions are the same ones."""
        device = self.phone(self.context(True))
        self.assertTrue(device.boot())
        self.assertEqual(device.values["reg.1.address"], "201")
        plain = Polycom(MAC, f"http://{place.NODE}:{self.plain}/", "201", "secret201")
        self.addCleanup(plain.close)
        self.assertTrue(plain.boot())
        self.assertEqual(plain.names, device.names)
        self.assertEqual(MicroBrowser(plain.values["mb.main.home"], self.context(True)).go_home().press("Directory").dials("201"), "201")
        self.assertEqual(device.put(f"{MAC}-app.log", b"x" * 262144), 201)
        self.assertEqual(plain.get(f"{MAC}-app.log"), b"x" * 262144)

    def test_record_key(self):
        """REC-08, PROV-20: its file has a key that opens the record page over TLS, which records its call; another host name of the node is another
        link. Off, its link is in no file."""
        device, key = Polycom(MAC, f"http://{place.NODE}:{self.plain}/", "201", "secret201"), "softkey.1.action"
        self.addCleanup(device.close)
        device.boot()
        self.assertEqual((device.values[key], device.values["softkey.1.enable"]), ("", "0"))
        self.node.ctl("extension.put", number="201", record="on_demand", record_page=True)
        self.addCleanup(self.node.ctl, "extension.put", number="201", record="off", record_page=False)
        self.assertTrue(device.changed())
        start = f"https://{place.NODE}:{self.pages}"
        self.assertTrue(device.values[key].startswith(start + "/record/"), device.values[key])
        self.assertEqual(device.values["softkey.1.use.active"], "1")
        page = RecordPage(os.path.join(self.node.folder, "tls", "ca.pem"), self.pages, device.values[key][len(start):])
        self.assertEqual(page.shows(), ("There is nothing to record.", []))
        self.assertEqual(MicroBrowser(device.values["mb.main.home"], self.context(True)).go_home().links["Record"], device.values[key])
        self.node.put_extension("202", "secret202")
        with contextlib.ExitStack() as stack:
            caller, callee = (stack.enter_context(self.node.user_agent(number, "secret" + number)) for number in ("201", "202"))
            sounds = [stack.enter_context(contextlib.closing(self.node.media())) for _ in range(2)]
            self.assertEqual({agent.register().status for agent in (caller, callee)}, {200})
            out = caller.invite("202", sounds[0].sdp())
            callee.incoming().answer(sounds[1].sdp())
            out.wait_answer()
            until(lambda: page.shows()[1] == ["Record"], lambda: page.text)
            self.assertEqual(page.press("Record"), ("Call: Recording.", ["Pause", "Stop"]))
            out.bye()
        other = Polycom(MAC, f"http://localhost:{self.plain}/", "201", "secret201")
        self.addCleanup(other.close)
        other.boot()
        self.assertEqual(other.values[key], device.values[key].replace(place.NODE, "localhost"))

    def test_who_is_not_trusted(self):
        """A phone that does not know the authority asks for nothing; plain HTTP at that port is no answer; old TLS is refused."""
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.phone(self.context(False)).boot()
        connection = http.client.HTTPConnection(place.NODE, self.port, timeout=10)
        self.addCleanup(connection.close)
        with self.assertRaises((http.client.HTTPException, OSError)):
            connection.request("GET", "/000000000000.cfg")
            connection.getresponse()
        old = self.context(True)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with self.assertRaises(OSError):
            self.phone(old).boot()

    def ask(self, context, session):
        with socket.create_connection((place.NODE, self.port), 10) as plain, context.wrap_socket(plain, session=session) as link:
            link.sendall(b"GET /000000000000.cfg HTTP/1.1\r\nHost: node\r\n\r\n")
            self.assertIn(b"200", link.recv(65536).partition(b"\r\n")[0])
            return link.session_reused, link.session

    def test_resumed(self):
        """A phone that comes back has no whole handshake (RFC 8446 2.2), until the node has read its certificates again."""
        for newest in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            context = self.context(True)
            context.maximum_version = newest
            _, session = self.ask(context, None)
            is_resumed, session = self.ask(context, session)
            self.assertTrue(is_resumed, newest)
            self.node.process.send_signal(signal.SIGHUP)
            until(lambda: not self.ask(context, session)[0])
        context = self.context(True)        # nor by an id that the node would have to keep
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET
        self.assertFalse(self.ask(context, self.ask(context, None)[1])[0])

    def test_without_credentials(self):
        """Each path has the same octets, over TLS, too."""
        answers = set()
        connection = http.client.HTTPSConnection(place.NODE, self.port, timeout=10, context=self.context(True))
        self.addCleanup(connection.close)
        for path in (f"/{MAC}.cfg", f"/{UNKNOWN}.cfg", "/x", "/a/b"):
            connection.request("GET", path)
            response = connection.getresponse()
            answers.add((response.status, response.read()))
        self.assertEqual(answers, {(401, b"log in\n")})


class Outage(unittest.TestCase):
    """A node with TLS, and another one that stands for a gateway."""
    def setUp(self):
        self.node, self.gateway = self.enterContext(Node(start=False, everything=True)), self.enterContext(Node(calls=2))
        self.port = self.node.ports.take()
        self.node.configure({"provision": {"bind": place.NODE, "http": self.port}})
        self.node.start()
        for number in ("201", "202"):
            self.node.put_extension(number, "secret" + number)
        self.gateway.put_extension("201", "secret201")
        self.node.ctl("extension.put", number="201", tls=True, srtp=True, secondary_proxy=f"{place.NODE}:{self.gateway.sip_port}", secondary_registers=True)
        self.node.ctl("device.put", mac=MAC, extensions="201")

    def registers(self, device):
        """At the first server of its file that answers, as the file says; its number there, and its agent."""
        for which in ("1", "2"):
            value = {name: device.values[f"reg.1.server.{which}.{name}"] for name in ("address", "port", "transport")}
            server, account = (value["address"], int(value["port"])), (device.values["reg.1.address"], device.values["reg.1.auth.password"])
            with contextlib.suppress(ConnectionError):
                agent = (StreamAgent(server, *account, authority=os.path.join(self.node.folder, "tls", "ca.pem")) if value["transport"] == "TLS"
                         else UserAgent(server, *account))
                self.addCleanup(agent.close)
                self.assertEqual(agent.register().status, 200)
                return which, agent
        return "", None

    def test_there_and_back(self):
        """REG-21: by its file it registers over TLS; while the node is away at the other server, over plain UDP; and at the node again once that is back, where it is called."""
        device = Polycom(MAC, f"http://{place.NODE}:{self.port}/", "201", "secret201")
        self.addCleanup(device.close)
        self.assertTrue(device.boot())
        self.assertEqual((device.values["reg.1.server.1.transport"], device.values["reg.1.server.2.transport"]), ("TLS", "UDPOnly"))
        self.assertEqual(self.registers(device)[0], "1")
        self.node.kill()
        self.assertEqual(self.registers(device)[0], "2")
        self.assertEqual(len(self.gateway.ctl("registration.list")), 1)
        self.node.restart()
        which, phone = self.registers(device)
        self.assertEqual(which, "1")
        with self.node.user_agent("202", "secret202") as caller, contextlib.closing(self.node.media()) as sound:
            out = caller.invite("201", sound.sdp())
            phone.incoming().reject(603, "Decline")
            self.assertEqual(out.wait_final().status, 603)


class OfTheFactory(unittest.TestCase):
    """Over HTTPS, for phones with a certificate of their factory: provision.factory_ca has its authority, and SIP and pages ask for none."""
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Node(start=False, everything=True))
        cls.port, cls.folder = cls.node.ports.take(), cls.enterClassContext(tempfile.TemporaryDirectory())
        for authority in ("factory", "other"):
            cls.openssl("req", "-x509", *cls.key(authority), "-subj", f"/CN={authority}", "-days", "2", "-out", cls.path(authority, "pem"))
            cls.openssl("req", "-new", *cls.key(authority + "-phone"), "-subj", f"/CN={MAC}", "-out", cls.path(authority, "csr"))
            cls.openssl("x509", "-req", "-in", cls.path(authority, "csr"), "-CA", cls.path(authority, "pem"), "-CAkey", cls.path(authority, "key"),
                        "-set_serial", "1", "-days", "2", "-out", cls.path(authority + "-phone", "pem"))
        cls.node.configure({"provision": {"bind": place.NODE, "https": cls.port, "factory_ca": cls.path("factory", "pem")}})
        cls.node.start()
        cls.node.put_extension("201", "secret201")
        cls.node.ctl("device.put", mac=MAC, extensions="201")

    @classmethod
    def path(cls, name, kind):
        return os.path.join(cls.folder, f"{name}.{kind}")

    @classmethod
    def key(cls, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", cls.path(name, "key")

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def boots(self, authority):
        context = ssl.create_default_context(cafile=os.path.join(self.node.folder, "tls", "ca.pem"))
        context.check_hostname = False
        if authority:
            context.load_cert_chain(self.path(authority + "-phone", "pem"), self.path(authority + "-phone", "key"))
        device = Polycom(MAC, f"https://{place.NODE}:{self.port}/", "201", "secret201", context=context, tries=1)
        self.addCleanup(device.close)
        return device.boot() and device.values["reg.1.address"]

    def test_who_is_let_in(self):
        """SEC-09: a phone of the factory has its files; one without a certificate, and one of another authority, gets no answer, whatever it knows."""
        self.assertEqual(self.boots("factory"), "201")
        for stranger in (None, "other"):
            with self.assertRaises((http.client.HTTPException, OSError), msg=stranger):
                self.boots(stranger)
        self.assertEqual(self.boots("factory"), "201")


class OfNodes(Pair):
    """Two nodes with one Redis: a phone asks now the one, now the other."""
    ports = {}

    @classmethod
    def settings(cls, name, shard):
        cls.claim = getattr(cls, "claim", None) or cls.enterClassContext(Ports(2))
        cls.ports = cls.ports | {name: cls.claim.take()}
        return {**super().settings(name, shard), "provision": {"bind": place.NODE, "http": cls.ports[name], "server": "pbx.example.org"}}

    @classmethod
    def joins(cls, name, shard):
        """It listens over TCP, too."""
        node = cls.enterClassContext(Node(settings=cls.settings(name, shard), start=False, everything=True, rate=cls.rate))
        shutil.copy(os.path.join(cls.a.state_dir, "keys"), os.path.join(node.state_dir, "keys"))
        node.start()
        return node

    def setUp(self):
        self.a.put_extension("201", "secret201")
        self.a.ctl("device.put", mac=MAC, extensions="201")
        until(lambda: [row["mac"] for row in self.b.ctl("device.list")] == [MAC], "the other node does not know it")

    def ask(self, name, path):
        connection = http.client.HTTPConnection(place.NODE, self.ports[name], timeout=10)
        try:
            connection.request("GET", path, headers=basic("201", "secret201"))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class Nodes(OfNodes):
    def test_one_revision_for_a_boot(self):
        """The first file is of one node, the others of another, and something changes in between: all are of one revision. So are those
        of a node that has forgotten all, and none of them lies in Redis in the clear."""
        for turn in range(6):
            first, other = ("a", "b") if turn % 2 else ("b", "a")
            status, master = self.ask(first, f"/{MAC}.cfg")
            self.assertEqual(status, 200)
            names = re.search(rb'CONFIG_FILES="([^"]*)"', master)[1].decode().split(", ")
            self.a.ctl("device.put", mac=MAC, columns=1 + turn % 4)
            files = [self.ask(other if i % 2 else first, f"/{name}") for i, name in enumerate(names)]
            self.assertEqual({status for status, _ in files}, {200})
            again = [self.ask(first if i % 2 else other, f"/{name}") for i, name in enumerate(names)]
            self.assertEqual(files, again)
        self.b.stop()
        self.b.start()
        self.assertEqual([self.ask("b", f"/{name}") for name in names], files)
        self.assertEqual(self.ask("b", f"/{MAC}-0123456789abcdef/Extension_201.cfg")[0], 404)
        with Redis(self.socket) as redis:
            for key in redis("KEYS", "*"):
                value = redis("GET", key) if redis("TYPE", key) == "string" else ""
                self.assertNotIn("secret201", str(value), key)
                self.assertNotIn("CONFIG_FILES", str(value), key)
        seen = self.a.ctl("device.get", mac=MAC)["seen"]
        until(lambda: self.a.ctl("device.get", mac=MAC)["seen"] == self.b.ctl("device.get", mac=MAC)["seen"], lambda: seen)

    def test_a_phone_of_the_other_node(self):
        """PROV-25: it fetched its files from a, and registers at b over TCP: both nodes say so."""
        device = Polycom(MAC, f"http://{place.NODE}:{self.ports['a']}/", "201", "secret201")
        self.addCleanup(device.close)
        self.b.put_extension("202", "secret202")
        self.assertTrue(device.boot())
        device.values["reg.1.server.1.address"], device.values["reg.1.server.1.port"] = self.b.server
        self.assertEqual(device.register(StreamAgent).status, 200)
        until(lambda: all(node.ctl("device.get", mac=MAC)["seen"]["registered_revision"] == device.names[0][13:29] for node in (self.a, self.b)),
              lambda: self.a.ctl("device.get", mac=MAC))


class SyncOfCluster(Cluster):
    """Nodes that hear of each other: a phone has its files of a, registers at b, and speaks in a call of a."""
    @classmethod
    def settings(cls, name, shard):
        cls.port = getattr(cls, "port", None) or cls.enterClassContext(Ports(1)).take()
        own = {"provision": {"bind": place.NODE, "http": cls.port, "server": "pbx.example.org"}} if name == "a" else {}
        return super().settings(name, shard) | own

    def test_behind_the_last_bye(self):
        """PROV-13: what a is told asks the phone at b to look for its files, behind its call, which is a's, and once."""
        for node in (self.a, self.b):
            until(lambda at=node: at.metric("tandem_cluster_nodes", state="heard") == 1, "they do not hear each other")
        until(lambda: self.owner(17) == "a" and self.owner(18) == "b", "each is not at home")
        self.a.ctl("device.put", mac=MAC, extensions="1001")
        device = Polycom(MAC, f"http://{place.NODE}:{self.port}/", "1001", "secret")
        self.assertTrue(device.boot())
        device.values["reg.1.server.1.address"], device.values["reg.1.server.1.port"] = ADDRESSES[18], SIP
        caller, sounds = self.phones[17, "1002"], [self.enterContext(self.a.media()) for _ in range(2)]
        self.assertEqual(device.register(lambda server, number, password: UserAgent(server, number, password)).status, 200)
        self.addCleanup(device.agent.close)
        self.assertEqual(caller.register().status, 200)
        until(lambda: self.a.ctl("device.get", mac=MAC)["seen"]["registered_utc_ms"], lambda: self.a.ctl("device.get", mac=MAC))
        out = caller.invite("1001", sounds[0].sdp())
        into = device.agent.incoming()
        into.respond(200, "OK", body=sounds[1].sdp())
        out.wait_answer()
        into.wait_ack()
        self.a.ctl("device.put", mac=MAC, columns=2)
        time.sleep(8)           # longer than it waits before it asks again
        self.assertEqual(device.syncs, [])
        over = threading.Thread(target=into.wait_bye)
        over.start()
        out.bye()
        over.join()
        until(lambda: device.syncs, "it was not asked")
        self.assertTrue(device.changed())
        self.assertEqual(device.values["up.numOfDisplayColumns"], "2")
        until(lambda: self.a.ctl("device.get", mac=MAC)["seen"]["synced_utc_ms"], lambda: self.a.ctl("device.get", mac=MAC))
        time.sleep(1.2)
        self.assertEqual(len(device.syncs), 1)
        self.b.ctl("device.profile.put", name="default", overrides="up.oneOf=profile")
        self.addCleanup(self.b.ctl, "device.profile.delete", name="default")
        until(lambda: len(device.syncs) > 1, "it was not asked for a change of its profile")
        self.assertTrue(device.changed())
        self.assertEqual(device.values["up.oneOf"], "profile")


class RedisAway(OfNodes):
    def test_redis_is_away(self):
        """A phone that boots meanwhile has its files of the node that it asked."""
        self.server.send_signal(signal.SIGSTOP)
        try:
            status, master = self.ask("a", f"/{MAC}.cfg")
            self.assertEqual(status, 200)
            name = re.search(rb'CONFIG_FILES="([^,"]*)', master)[1].decode()
            self.assertEqual(self.ask("a", f"/{name}")[0], 200)
        finally:
            self.server.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    unittest.main()
