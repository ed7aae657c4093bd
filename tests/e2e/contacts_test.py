# SPDX-License-Identifier: Apache-2.0
"""People: the directory of a tenant, contacts of one's own and of the tenant; who sees which, and how they are found."""
import base64
import csv
import glob
import io
import json
import os
import random
import re
import signal
import struct
import tempfile
import time
import urllib.request
import zlib

from lib.node import children, ha1
from lib.place import NODE, PARTY
from lib.postgres import Postgres

from call_test import CallTest
from guides_test import guide, typed
from patience import until
from http_api_test import Asks
from session_test import Users
from taken_test import ADDRESSES, SIP, Cluster
from tandem_client import Client


def png(side=2, octets=0):
    """A picture, of some more octets than that."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixels = zlib.compress((b"\0" + b"\x40\x80\xc0" * side) * side)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"tEXt", b"x\0" + b"A" * octets)
            + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def base64_png(*size):
    return base64.b64encode(png(*size)).decode()


class People(Users, CallTest):
    """1001 Robin Bindle, 1002 Anna Müller, 1003 who is not shown; the tenant maroon has a 1001, too."""

    PEOPLE = {"1001": {"first_name": "Robin", "last_name": "Bindle", "department": "Sales", "title": "Head", "mail": "robin@example.org", "dids": "+493055501"},
              "1002": {"display_name": "Anna Müller", "department": "Support"}, "1003": {"display_name": "Rubin Hidden", "shown": False}}

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        for number, fields in self.PEOPLE.items():
            self.operator("extension.put", number=number, **fields)
        self.operator("tenant.put", name="maroon", domains="maroon.test")
        self.operator("extension.put", tenant="maroon", number="1001", display_name="Rubinia", ha1=ha1("1001", "maroon.test", "secret1001"))
        self.mine, self.other = (self.session(self.node, number)["token"] for number in ("1001", "1002"))

    def operator(self, command, **arguments):
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, **arguments)

    def directory(self, token, query=""):
        return self.ok(self.node, "GET", f"/v1/directories{query}", token)


class Directory(People):
    def test_found_anywhere(self):
        """CALL-06, CON-04: by what is within a name, with umlauts or without; who is hidden, and the other tenant, never."""
        anna, robin = self.directory(self.mine)
        self.assertEqual(robin, {"id": "extension:1001", "number": "1001", "name": "Robin Bindle", "first_name": "Robin", "last_name": "Bindle",
                                 "company": "", "department": "Sales", "title": "Head", "mail": "robin@example.org", "dids": "+493055501"})
        self.assertEqual((anna["name"], anna["department"]), ("Anna Müller", "Support"))
        for text, found in (("bin", ["1001"]), ("NDL", ["1001"]), ("muller", ["1002"]), ("M%C3%9CLL", ["1002"]), ("n", ["1002", "1001"]), ("002", ["1002"]),
                            ("sale", ["1001"]), ("HEAD", ["1001"]), ("robin@ex", ["1001"]), ("%2B4930555", ["1001"]), ("support", ["1002"]),
                            ("%25", []), ("rub", [])):
            self.assertEqual([one["number"] for one in self.directory(self.other, f"?search={text}")], found, text)
        self.assertEqual([one["number"] for one in self.directory(self.mine, "?sort=number")], ["1001", "1002"])
        self.operator("extension.put", number="1003", shown=True)
        self.assertEqual([one["number"] for one in self.directory(self.mine, "?search=bin&sort=-name")], ["1003", "1001"])
        self.assertEqual([one["name"] for one in self.operator("directory.list", tenant="maroon")], ["Rubinia"])
        self.refused(400, "bad_argument", self.node, "GET", "/v1/directories?search=", self.mine)
        self.assertEqual(self.http(self.node, "GET", "/v1/directories", None)[0], 401)

    def pages(self, token, query):
        """All rows, two a page."""
        rows, path = [], f"/v1/directories?limit=2{query}"
        while path:
            status, headers, page = self.http(self.node, "GET", path, token)
            self.assertEqual(status, 200, page)
            self.assertLessEqual(len(page), 2)
            rows += page
            path = re.search("<([^>]*)>; rel=.next", headers.get("Link", ""))
            path = path and path[1]
        return rows

    def test_contacts_of_the_tenant(self):
        """CON-01, CON-04: extensions and contacts are one list; the administrator writes, and who has that right; the other tenant sees nothing of it."""
        admin, theirs = self.token(self.node, "admin", "default"), self.token(self.node, "admin", "maroon", name="m")
        made = [self.ok(self.node, "POST", "/v1/directories", admin, {"name": name, "company": company, "phones": [{"number": number, "kind": "landline"}]})
                for name, company, number in (("Bob's Lift", "ACME", "+4930111"), ("zeta", "", "+4930222"), ("Ämter", "Town", "+4930333"))]
        self.assertEqual([one["name"] for one in self.pages(self.mine, "")], ["Ämter", "Anna Müller", "Bob's Lift", "Robin Bindle", "zeta"])
        self.assertEqual([one["number"] for one in self.pages(self.mine, "&sort=-number")], ["1002", "1001", "+4930333", "+4930222", "+4930111"])
        self.assertEqual([one["company"] for one in self.pages(self.mine, "&sort=company")], ["", "", "", "ACME", "Town"])
        self.assertEqual([one["name"] for one in self.pages(self.mine, "&search=b")], ["Bob's Lift", "Robin Bindle"])
        self.assertEqual([one["id"] for one in self.pages(self.mine, "&company=ACME")], [made[0]["contact"]])
        path = f"/v1/directories/{made[0]['contact']}"
        self.assertEqual(self.ok(self.node, "GET", path, self.mine)["phones"], [{"number": "+4930111", "kind": "landline"}])
        for method, where, body in (("PATCH", path, {"name": "x"}), ("DELETE", path, None), ("POST", "/v1/directories", {"name": "x"})):
            self.refused(403, "not_allowed", self.node, method, where, self.mine, body)
        self.refused(404, "not_found", self.node, "GET", path, theirs)
        self.refused(404, "not_found", self.node, "DELETE", path, theirs)
        self.assertEqual([one["name"] for one in self.ok(self.node, "GET", "/v1/directories", theirs)], ["Rubinia"])
        self.operator("extension.put", number="1001", directory_write=True)
        self.assertEqual(self.ok(self.node, "PATCH", path, self.mine, {"name": "Lift"})["name"], "Lift")
        self.refused(403, "not_allowed", self.node, "DELETE", path, self.other)
        self.ok(self.node, "DELETE", path, self.mine)
        self.refused(404, "not_found", self.node, "GET", path, admin)


CARDS = "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", "UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1", "FN:Anna Li", "N:Li;Anna;;;", "ORG:ACME\\, Inc.",
                     "TEL;TYPE=CELL:(212) 555-0100", "X-SKYPE:anna", "END:VCARD", "BEGIN:VCARD", "VERSION:3.0", "END:VCARD",
                     "BEGIN:VCARD", "VERSION:4.0", "FN:Bo", "TEL;VALUE=uri:tel:+1-212-555-0101", "END:VCARD", ""))


class Books(People):
    """Of 1001 and 1002, whose tenant is in America."""

    def setUp(self):
        super().setUp()
        self.operator("dialplan.put", country="1", area="212", area_digits=7, national_prefix="1", international_prefix="011", access="9")

    def listed(self, token, query=""):
        return [one["name"] for one in self.ok(self.node, "GET", f"/v1/contacts{query}", token)]

    def imports(self, token, text, kind="text/vcard", where="contacts"):
        return self.ok(self.node, "POST", f"/v1/{where}:import", token, raw=text.encode(), Content_Type=kind)


class Own(Books):
    def test_book(self):
        """CON-01, CON-06, CON-08, CON-11: each user has a book that nobody else of the tenant reads; a contact has a name; favourites, pins, blocks."""
        zoe = self.ok(self.node, "POST", "/v1/contacts", self.mine, {"first_name": "Zoe", "last_name": "Quist", "company": "ACME", "favourite": True,
                                                                    "phones": [{"number": "+1 212 555 0100", "kind": "mobile"}, "5550101"]})
        self.assertEqual((zoe["name"], zoe["favourite"], zoe["notes"]), ("Zoe Quist", True, 0))
        path = f"/v1/contacts/{zoe['contact']}"
        changed = self.ok(self.node, "PATCH", path, self.mine, {"default_number": "5550101", "pinned": True, "revision": zoe["revision"]})
        self.assertEqual((changed["pinned"], changed["favourite"]), (True, True))
        self.refused(409, "conflict", self.node, "PATCH", path, self.mine, {"title": "x", "revision": zoe["revision"]})
        for body in ({"phones": ["1"]}, {"name": ""}, {"name": "x", "phones": [{"kind": "mobile"}]}, {"name": "x", "phones": {}}, {"name": "x" * 64},
                     {"name": "x", "default_number": "7"}, {"name": "x", "phones": ["1"] * 17}):
            self.refused(400, "bad_argument", self.node, "POST", "/v1/contacts", self.mine, body)
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Bo", "blocked": True})
        self.assertEqual(self.listed(self.mine), ["Bo", "Zoe Quist"])
        self.assertEqual(self.listed(self.mine, "?sort=-number"), ["Zoe Quist", "Bo"])
        self.assertEqual([self.listed(self.mine, f"?{flag}=true") for flag in ("favourite", "pinned", "blocked")], [["Zoe Quist"], ["Zoe Quist"], ["Bo"]])
        self.assertEqual([self.listed(self.mine, f"?search={text}") for text in ("uis", "acm", "5550100", "x_")], [["Zoe Quist"]] * 3 + [[]])
        self.assertEqual(self.listed(self.other), [])
        self.refused(404, "not_found", self.node, "GET", path, self.other)
        self.refused(404, "not_found", self.node, "DELETE", path, self.other)
        self.refused(403, "not_allowed", self.node, "GET", f"{path}?user=1001", self.other)
        self.refused(403, "not_allowed", self.node, "GET", "/v1/contacts?user=1001", self.other)
        theirs = self.token(self.node, "admin", "maroon", name="m")
        self.assertEqual(self.listed(theirs, "?user=1001"), [])
        self.refused(404, "not_found", self.node, "GET", "/v1/contacts?user=1002", theirs)
        self.assertEqual(self.listed(self.token(self.node, "admin", "default"), "?user=1001"), ["Bo", "Zoe Quist"])
        self.ok(self.node, "DELETE", path, self.mine)
        self.assertEqual(self.listed(self.mine), ["Bo"])

    def test_next_user(self):
        """Of a number whose extension was deleted, by a command or by a set: contacts, notes and history of the one before are not his."""
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        until(lambda: len(self.ok(self.node, "GET", "/v1/histories", self.mine)) == len(self.ok(self.node, "GET", "/v1/histories", self.other)) == 1)
        for token in (self.mine, self.other):
            self.ok(self.node, "POST", "/v1/contacts", token, {"name": "Zoe"})
            self.ok(self.node, "POST", "/v1/contacts/me/notes", token, {"text": "mine", "about": "me"})
        self.operator("extension.delete", number="1001", force=True)
        documents = self.operator("set.apply", name="office", tenant="default", documents=[{"kind": "extension", "number": "1002", "ha1": ha1("1002", "x", "y")}])
        self.assertFalse(documents.get("errors"))
        self.operator("set.apply", name="office", tenant="default", documents=[], prune=True)
        for number in ("1001", "1002"):
            self.operator("extension.put", number=number, ha1=ha1(number, "tandem.test", f"secret{number}"))
            admin = self.token(self.node, "admin", "default", name=f"admin{number}")
            until(lambda: not self.listed(admin, f"?user={number}"))
            self.assertEqual(self.ok(self.node, "GET", f"/v1/contacts/me/notes?about=me&user={number}", admin), [])
            self.assertEqual(self.ok(self.node, "GET", f"/v1/histories?user={number}", admin), [])
            self.ok(self.node, "POST", "/v1/contacts", admin, {"name": "New", "user": number})
            self.assertEqual(self.listed(admin, f"?user={number}"), ["New"])
        self.assertEqual(len(self.ok(self.node, "GET", "/v1/histories", admin)), 1)

    def test_notes(self):
        """CON-09, CON-13: notes have a time, are archived and counted, about a contact, a colleague, or oneself; they are of who wrote them."""
        path = f"/v1/contacts/{self.ok(self.node, 'POST', '/v1/contacts', self.mine, {'name': 'Zoe'})['contact']}"
        one, two = (self.ok(self.node, "POST", f"{path}/notes", self.mine, {"text": text})["note"] for text in ("likes tea", "calls back"))
        self.assertEqual(self.ok(self.node, "GET", path, self.mine)["notes"], 2)
        self.ok(self.node, "PATCH", f"{path}/notes/{one}", self.mine, {"archived": True})
        self.assertEqual(self.ok(self.node, "GET", path, self.mine)["notes"], 1)
        notes = self.ok(self.node, "GET", f"{path}/notes", self.mine)
        self.assertEqual([(note["note"], note["text"], note["archived"]) for note in notes], [(two, "calls back", False), (one, "likes tea", True)])
        self.assertLess(abs(notes[0]["written_utc_ms"] / 1000 - time.time()), 60)
        self.ok(self.node, "PATCH", f"{path}/notes/{one}", self.mine, {"archived": False, "text": "tea"})
        self.ok(self.node, "DELETE", f"{path}/notes/{two}", self.mine)
        self.assertEqual([note["text"] for note in self.ok(self.node, "GET", f"{path}/notes", self.mine)], ["tea"])
        self.assertEqual(self.ok(self.node, "GET", f"{path}/notes", self.other), [])
        admin = self.token(self.node, "admin", "default")
        for gone in ("/me/notes?about=me&user=1009", ":export?user=1009", "?user=1009", "/x?user=1009"):
            self.refused(404, "not_found", self.node, "GET", f"/v1/contacts{gone}", admin)
        self.refused(404, "not_found", self.node, "PATCH", f"{path}/notes/{one}", self.other, {"text": "x"})
        for who, about in (("1002", "extension"), ("me", "me")):
            self.ok(self.node, "POST", f"/v1/contacts/{who}/notes", self.mine, {"text": about, "about": about})
            self.assertEqual([note["text"] for note in self.ok(self.node, "GET", f"/v1/contacts/{who}/notes?about={about}", self.mine)], [about])

    def test_whose_number(self):
        """CRM-09: +1, 9 and 91 find one contact; two owners of a number are both told, one's own first."""
        admin = self.token(self.node, "admin", "default")
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe", "phones": ["(212) 555-0100"]})
        self.ok(self.node, "POST", "/v1/directories", admin, {"name": "Lobby", "phones": ["+12125550100"]})
        for number in ("%2B12125550100", "92125550100", "912125550100", "555-0100", "%2B1+(212)+555+0100", "0012125550100", "tel:555-0100"):
            found = self.ok(self.node, "GET", f"/v1/contacts:find?number={number}", self.mine)
            self.assertEqual([(one["book"], one["name"]) for one in found], [("own", "Zoe"), ("directory", "Lobby")], number)
        self.assertEqual([one["name"] for one in self.ok(self.node, "GET", "/v1/contacts:find?number=5550100", self.other)], ["Lobby"])
        self.assertEqual(self.ok(self.node, "GET", "/v1/contacts:find?number=5550199", self.mine), [])
        self.refused(400, "bad_argument", self.node, "GET", "/v1/contacts:find?number=nobody", self.mine)

    def test_files(self):
        """Both forms in and out over HTTP: nothing is made twice, what is wrong is named, and what means nothing here is kept."""
        first = self.imports(self.mine, CARDS)
        self.assertEqual((first["added"], first["changed"], first["failed"]), (2, 0, 1))
        self.assertEqual(first["errors"], ["line 10: a contact has a name: name, first_name, last_name or company"])
        self.assertEqual([self.imports(self.mine, CARDS)[sum] for sum in ("added", "changed")], [0, 2])
        self.assertEqual(self.listed(self.mine), ["Anna Li", "Bo"])
        for form in ("vcard", "vcard3"):
            out = self.ok(self.node, "GET", f"/v1/contacts:export?format={form}", self.mine)
            self.assertIn("X-SKYPE:anna\r\n", out["text"])
            self.assertIn("ORG:ACME\\, Inc.\r\n", out["text"])
            self.assertEqual((self.imports(self.mine, out["text"])["changed"], out["contacts"]), (2, 2))
        for form in ("csv", "google", "outlook"):
            out = self.ok(self.node, "GET", f"/v1/contacts:export?format={form}", self.mine)
            self.assertEqual(len(list(csv.reader(io.StringIO(out["text"])))), 3)
            self.imports(self.other, out["text"], "text/csv")
            self.assertEqual({row["name"]: row["number"] for row in self.ok(self.node, "GET", "/v1/contacts", self.other)},
                             {"Anna Li": "(212) 555-0100", "Bo": "+1-212-555-0101"}, form)
        many = "First Name,Mobile Phone,Colour\r\n" + "".join(f'"N{n}, ""x""",555{n:04},red\r\n' for n in range(3000))
        out = self.imports(self.token(self.node, "admin", "default"), many, "text/csv", "directories")
        self.assertEqual((out["added"], out["failed"], out["ignored_columns"]), (3000, 0, "Colour"))
        for text, kind, why in (("Colour\r\nred\r\n", "text/csv", "no column"), (CARDS[:-30], "text/vcard", None), ("x" * (1 << 20) + "y", "text/csv", None),
                                ("First Name\r\na\r\nb\0\r\n", "text/csv", "line 3 has a NUL"), (CARDS.replace("Bo", "B\0"), "text/vcard", "line 15 has a NUL")):
            try:
                status, _, answer = self.http(self.node, "POST", "/v1/contacts:import", self.mine, raw=text.encode(), Content_Type=kind)
            except OSError:                         # the connection ends behind the 413, before all was sent
                self.assertGreater(len(text), 1 << 20)
                continue
            if why:
                self.assertEqual((status, why in answer["detail"]), (400, True), answer)
            else:
                self.assertTrue(status in (400, 413) or answer["errors"], answer)
        self.refused(403, "not_allowed", self.node, "POST", "/v1/directories:import", self.mine, raw=CARDS.encode(), Content_Type="text/vcard")
        for text, kind in (("First Name\r\n" + "".join(f"a{n:05}\r\n" for n in range(110000)), "text/csv"), ("BEGIN:VCARD\r\nEND:VCARD\r\n" * 20001, "text/vcard")):
            begun = time.monotonic()
            status, _, answer = self.http(self.node, "POST", "/v1/contacts:import", self.mine, raw=text.encode(), Content_Type=kind)
            self.assertEqual((status, "20000 contacts at most" in answer["detail"]), (400, True), answer)
            self.assertLess(time.monotonic() - begun, 5)

    def test_guide(self):
        """What docs/guides/contacts.md types does what it says."""
        said = typed(self, self.node, guide("contacts.md"))
        for text in ("Robin Bindle", "Bob's Lift", "Zoe Quist", "FN:Zoe Quist", "UID:zoe"):
            self.assertIn(text, said)

    def test_pinned_in_a_call(self):
        """CALL-29, CON-06: one command holds or mutes a call and pins who it is with: an own contact, however the number is written, and else a new one, with
        the name of the directory or the number. A call of others is refused, and then nothing is pinned."""
        self.operator("dialplan.put", country="49", area="30", national_prefix="0", international_prefix="00")
        zoe = self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe", "phones": ["0170 5550100"]})["contact"]
        self.operator("directory.put", contact="lift", name="Bob's Lift", phones=["030 111"])
        pin = lambda token, **body: self.http(self.node, "POST", "/v1/contacts:pin", token, body)
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        status, _, row = pin(self.mine, number="+491705550100", call=call, leg="a", then="hold")
        self.assertEqual((status, row.get("contact"), row.get("pinned")), (200, zoe, True), row)
        self.assertIn("a=sendonly", into.wait_reinvite(self.audio_b.sdp(direction="recvonly", version=2)).text)
        until(lambda: self.node.ctl("call.show", call=call)["a"]["holds"], self.node.log_tail)
        status, _, row = pin(self.mine, number="030 111", call=call, leg="a", then="mute")
        self.assertEqual((status, row["name"], row["pinned"], row["phones"][0]["number"]), (200, "Bob's Lift", True, "030 111"))
        until(lambda: self.node.ctl("call.show", call=call)["a"]["muted"], self.node.log_tail)
        row = self.ok(self.node, "POST", "/v1/contacts:pin", self.mine, {"number": "0171 9"})
        self.assertEqual((row["name"], row["pinned"]), ("0171 9", True))
        self.assertEqual(len(self.ok(self.node, "GET", "/v1/contacts?pinned=true", self.mine)), 3)
        self.assertFalse(self.ok(self.node, "POST", "/v1/contacts:pin", self.mine, {"number": "0171 9", "pinned": False})["pinned"])
        stranger = self.session(self.node, "1003")["token"]
        self.assertIn(pin(stranger, number="030 5", call=call, leg="a", then="mute")[0], (403, 404))
        self.assertEqual(self.listed(stranger), [])
        self.assertEqual(pin(self.mine, number="030 5", then="mute")[0], 400)
        out.bye()
        into.wait_bye()

    def test_archive_gone(self):
        """Its process is killed: the directory has the extensions and says what is missing, and contacts are there again with its successor."""
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe"})
        for pid in children(self.node.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)
        self.assertEqual([one["number"] for one in self.directory(self.mine)], ["1002", "1001"])
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)
        self.assertEqual(self.listed(self.mine), ["Zoe"])
        for path in glob.glob(f"{self.node.state_dir}/archive/history.sqlite*"):    # what is put from now on must not be lost
            os.unlink(path)
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[::2] == (200, []), self.node.log_tail)
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Anna"})
        for pid in children(self.node.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)
        self.assertEqual(self.listed(self.mine), ["Anna"])


class Calls(Books):
    def rings(self, number, *headers):
        """A call of that number from outside rings at 1002, and is given up."""
        trunk = self.node.user_agent(number)
        self.addCleanup(trunk.close)
        self.operator("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        with self.node.media() as media:
            out = trunk.invite("+12125550000", media.sdp(), list(headers))
            into = self.b.incoming()
            into.respond(180, "Ringing")
            time.sleep(0.3)
            into.reject(486)
            self.assertEqual(out.wait_final().status, 486)
        until(lambda: "call.ended" in [event["type"] for event in self.told()[self.seen:]], self.told)
        time.sleep(0.3)
        new, self.seen = self.told()[self.seen:], len(self.told())
        return [event for event in new if event["type"] == "call.contact"]

    def told(self):
        return self.node.told("td:{ev:default}")

    def test_who_calls(self):
        """The event call.contact has the name that the callee's book and the directory know; nothing of strangers, and of who hides his number."""
        self.seen = len(self.told())
        self.operator("did.put", number="+12125550000", to="1002")
        admin = self.token(self.node, "admin", "default")
        self.ok(self.node, "POST", "/v1/contacts", self.other, {"name": "Zoe", "phones": ["(212) 555-0100"]})
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Not his", "phones": ["2125550100"]})
        self.ok(self.node, "POST", "/v1/directories", admin, {"name": "Lobby", "phones": ["+12125550100"]})
        event, = self.rings("+12125550100")
        self.assertEqual((event["to"], event["number"], event["name"]), ("1002", "+12125550100", "Zoe"))
        self.assertEqual([(one["book"], one["name"]) for one in json.loads(event["values"])["contacts"]], [("own", "Zoe"), ("directory", "Lobby")])
        self.assertNotIn("from", event)
        self.assertEqual(self.rings("+12125550199"), [])
        self.assertEqual(self.rings("+12125550100", ("Privacy", "id")), [])

    def call(self, number, answers=False):
        """A call of that number to the DID: what 1002 is shown (None: it does not ring), and the status."""
        trunk = self.node.user_agent(number)
        self.addCleanup(trunk.close)
        self.operator("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        with self.node.media() as media:
            out = trunk.invite("+12125550000", media.sdp(), [("P-Asserted-Identity", f"<sip:{number}@{PARTY}>")])
            shown = None
            if answers:
                into = self.b.incoming()
                shown = (into.request.get("From"), into.request.get("P-Asserted-Identity"))
                into.reject(486)
            return shown, out.wait_final().status

    def test_shown(self):
        """CON-08: a caller without a name is the contact, on the phone, in the record and in history; a contact that is blocked hears 603, and a blocked number too."""
        self.operator("did.put", number="+12125550000", to="1002")
        self.operator("tenant.put", name="default", history_shared="all")
        card = "\r\n".join(("BEGIN:VCARD", "VERSION:4.0", "FN:Zoe Quist", "ORG:ACME", "CATEGORIES:vip,cust", "TEL:(212) 555-0100", "END:VCARD", ""))
        self.imports(self.other, card)
        zoe, = self.ok(self.node, "GET", "/v1/contacts", self.other)
        shown, status = self.call("+12125550100", answers=True)
        self.assertEqual((shown[0].split("<")[0], status), ('"Zoe Quist" ', 486))
        if shown[1]:
            self.assertTrue(shown[1].startswith('"Zoe Quist" <'), shown)
        until(lambda: [row["from_name"] for row in self.operator("cdr.list")] == ["Zoe Quist"], lambda: self.operator("cdr.list"))
        self.assertEqual(self.operator("cdr.list")[0]["data"], "Contact.Name=Zoe Quist;Contact.Company=ACME;Contact.Category=vip,cust")
        until(lambda: [row["name"] for row in self.ok(self.node, "GET", "/v1/histories", self.other)] == ["Zoe Quist"])
        self.assertEqual(self.call("+12125550199", answers=True)[0][0].split("<")[0].strip(), "")
        self.ok(self.node, "PATCH", f"/v1/contacts/{zoe['contact']}", self.other, {"blocked": True})
        self.assertEqual(self.call("+12125550100"), (None, 603))
        self.operator("tenant.put", name="default", contact_names="off")
        self.assertEqual(self.call("+12125550100", answers=True)[1], 486)
        self.operator("extension.put", number="1002", blocked="+12125550100")
        self.assertEqual(self.call("+12125550100"), (None, 603))
        until(lambda: self.operator("cdr.list", limit=1)[0]["missed"] == "", lambda: self.operator("cdr.list", limit=1))

    def test_line(self):
        """CON-08: a phone that dials the number of a contact, however it is written, is shown as that contact's line, if its extension may be; other callers,
        and calls of other numbers, as ever. While the archive stands still too."""
        carrier = self.enterContext(self.node.user_agent("carrier"))
        self.operator("trunk.put", name="out", servers=f"{PARTY}:{carrier.port}", direction="out")
        self.operator("route.put", name="out", pattern="x.", trunks="out")
        self.operator("route.put", name="plus", pattern="+x.", trunks="out")
        for number in ("1001", "1002"):
            self.operator("extension.put", number=number, outside_number="+12125550000", outside_numbers="+12125550001", classes=["other", "international", "national", "local"])
        zoe = self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe", "phones": ["(212) 555-0100"], "line": "+12125550001"})

        def shown(phone, number):
            with self.node.media() as media:
                out = phone.invite(number, media.sdp())
                into = carrier.incoming(5)
                into.reject(486)
                self.assertEqual(out.wait_final().status, 486)
            return into.request.get("From").split("@")[0].split(":")[1]
        self.assertEqual(shown(self.a, "+12125550100"), "+12125550001")
        self.assertEqual([shown(self.a, "+12125550199"), shown(self.b, "+12125550100")], ["+12125550000"] * 2)
        pids = children(self.node.process.pid, "tandem-archive")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        self.assertEqual(shown(self.a, "+12125550100"), "+12125550000")
        self.assertLess(time.monotonic() - begun, 2)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        self.ok(self.node, "PATCH", f"/v1/contacts/{zoe['contact']}", self.mine, {"line": "+12125550002"})
        self.assertEqual(shown(self.a, "+12125550100"), "+12125550000")

    def test_flow(self):
        """A flow knows who calls, of the directory: what it does follows from the company."""
        self.operator("flow.put", name="desk", program={"start": "who", "steps": {
            "who": {"match": "{tag.Contact.Company}/{tag.Contact.Name}", "on": {"ACME/Lobby": "busy"}, "else": "no"},
            "busy": {"reject": {"status": 486}}, "no": {"reject": {"status": 480}}}})
        self.operator("number.put", number="4100", to="flow:desk")
        self.operator("did.put", number="+12125550000", to="4100")
        self.ok(self.node, "POST", "/v1/directories", self.token(self.node, "admin", "default"), {"name": "Lobby", "company": "ACME", "phones": ["+12125550100"]})
        self.ok(self.node, "POST", "/v1/contacts", self.other, {"name": "Own", "phones": ["+12125550199"]})
        self.assertEqual([self.call(number)[1] for number in ("+12125550100", "+12125550199")], [486, 480])

    def test_archive_stands_still(self):
        """Its process does not answer: the call rings after 200 ms, without a name."""
        self.operator("did.put", number="+12125550000", to="1002")
        self.ok(self.node, "POST", "/v1/contacts", self.other, {"name": "Zoe", "phones": ["+12125550100"], "blocked": True})
        pids = until(lambda: children(self.node.process.pid, "tandem-archive")[1:] and children(self.node.process.pid, "tandem-archive"), self.node.log_tail)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            shown, status = self.call("+12125550100", answers=True)
            self.assertLess(time.monotonic() - begun, 1.5)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual((shown[0].split("<")[0].strip(), status), ("", 486))


class Postgresql(Books):
    """The archive is PostgreSQL."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/tmp"))
        self.settings = {"archive": {"url": self.enterContext(Postgres(folder)).url}}
        super().setUp()

    def test_book(self):
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)
        self.assertEqual(self.imports(self.mine, CARDS)["added"], 2)
        self.assertEqual(self.imports(self.mine, CARDS)["changed"], 2)
        self.assertEqual(self.listed(self.mine, "?search=NNA"), ["Anna Li"])
        self.assertEqual(self.listed(self.mine, "?sort=-company"), ["Anna Li", "Bo"])
        self.assertEqual([one["name"] for one in self.ok(self.node, "GET", "/v1/contacts:find?number=912125550101", self.mine)], ["Bo"])
        self.assertEqual(self.listed(self.other), [])
        self.assertIn("X-SKYPE:anna", self.ok(self.node, "GET", "/v1/contacts:export", self.mine)["text"])

    def test_largest(self):
        """All that a contact may have, of texts that do not compress: it is taken, found by a number, and others go on."""
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)
        chance = random.Random(1)

        def text(most, letters="abcdefghijklmnopqrstuvwxyz0123456789"):
            return "".join(chance.choice(letters) for _ in range(most))
        phones = [text(32) + text(31, "123456789") for _ in range(16)]
        body = {name: text(63) for name in ("name", "first_name", "middle_name", "last_name", "company")}
        body |= {"department": text(255), "title": text(255), "phones": phones, "emails": [text(255) for _ in range(8)]}
        self.ok(self.node, "POST", "/v1/contacts", self.mine, body)
        self.assertEqual(self.listed(self.mine, f"?search={phones[-1][:30]}"), [body["name"]])
        self.assertEqual(self.listed(self.other), [])


class Nodes(Asks, Cluster):
    def test_who_calls(self):
        """Without archive.url one node has the contacts: a call from outside that comes to the other one is named, and refused where it is blocked."""
        self.at_home()
        until(lambda: "others ask it" in self.b.log_text(), self.b.log_tail)
        admin = self.token(self.b, "admin", name="calls")
        until(lambda: self.http(self.b, "GET", "/v1/directories:export", admin)[0] == 200, self.b.log_tail)
        self.a.ctl("did.put", number="+49300", to="1002")
        self.registers(18, "1002")
        for shard, node in ((17, self.a), (18, self.b)):
            trunk = node.user_agent(f"trunk{shard}")
            self.addCleanup(trunk.close)
            trunk.server, trunk.number = (ADDRESSES[shard], SIP), "+4930111"
            node.ctl("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
            for blocked in (False, True):
                self.a.ctl("contact.put", user="1002", contact="lobby", name="Lobby", phones=["+4930111"], blocked=blocked)
                with node.media() as media:
                    out = trunk.invite("+49300", media.sdp())
                    if not blocked:
                        into = self.phones[18, "1002"].incoming()
                        self.assertTrue(into.request.get("From").startswith('"Lobby" <'), into.request.get("From"))
                        into.reject(486)
                    self.assertEqual(out.wait_final().status, 603 if blocked else 486)

    def test_one_book(self):
        """Without archive.url the book is at one node, and the other one asks it: a file in parts, a search, a page, a number, a large card."""
        self.at_home()
        until(lambda: "others ask it" in self.b.log_text(), self.b.log_tail)
        admin = self.token(self.b, "admin")
        until(lambda: self.http(self.b, "GET", "/v1/directories:export", admin)[0] == 200, self.b.log_tail)
        rows = "First Name,Mobile Phone\r\n" + "".join(f"Name{n},+49305{n:06}\r\n" for n in range(5000))
        for node, sums in ((self.b, (5000, 0)), (self.a, (0, 5000))):
            said = self.ok(node, "POST", "/v1/directories:import", admin, raw=rows.encode(), Content_Type="text/csv")
            self.assertEqual((said["added"], said["changed"], said["failed"]), (*sums, 0))
        card = "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", "FN:Photo", "UID:photo", f"PHOTO;ENCODING=b;TYPE=JPEG:{base64_png(2, 35000)}", f"X-A:{'b' * 20000}", "END:VCARD"))
        self.assertEqual(self.ok(self.b, "POST", "/v1/directories:import", admin, raw=card.encode(), Content_Type="text/vcard")["added"], 1)
        for node in (self.a, self.b):
            self.assertEqual([row["name"] for row in self.ok(node, "GET", "/v1/directories?search=me4999", admin)], ["Name4999"])
            book = urllib.request.Request(f"http://{NODE}:{node.http_port}/phonebook/yealink?search=me4999", headers={"Authorization": "Basic " + base64.b64encode(b"1001:secret").decode()})
            with urllib.request.urlopen(book, timeout=15) as answer:
                self.assertIn("<Name>Name4999</Name>", answer.read().decode())
            self.assertEqual(len(self.ok(node, "GET", "/v1/directories?limit=1000", admin)), 1000)
            self.assertEqual(len(self.ok(node, "GET", "/v1/directories/photo", admin)["kept"]), 20004)
            self.assertEqual([row["name"] for row in self.ok(node, "GET", "/v1/contacts:find?user=1001&number=%2B49305000007", admin)], ["Name7"])
