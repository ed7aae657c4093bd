# SPDX-License-Identifier: Apache-2.0
"""Phone books for desk phones: what each maker's phone reads, which contacts are in a book, and that no name breaks its XML."""
import http.client
import os
import signal
import threading
import xml.etree.ElementTree as ElementTree

from carddav_test import Dav
from contacts_test import People
from lib.node import children
from patience import until

MALICE = ("</Name></DirectoryEntry><DirectoryEntry><Name>Bank</Name><Telephone>666</Telephone>", '"><script>alert(1)</script>', "&lt;b&gt; & ]]> <!--", "&#x41;'%s%n{{x}}")


class Books(People):
    def setUp(self):
        super().setUp()
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)
        self.phone = Dav(self.node)

    def book(self, path, phone=None):
        status, headers, text = (phone or self.phone).ask("GET", f"/phonebook/{path}")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/xml; charset=utf-8"), text)
        return ElementTree.fromstring(text)

    def names(self, path, phone=None):
        return [one.text for one in self.book(path, phone).iter("Name")]

    def test_makers(self):
        """Each maker's phone has the user's contacts and the directory, with numbers as they are dialled; a search, and either book alone."""
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe Quist", "first_name": "Zoe", "last_name": "Quist", "company": "ACME",
                "phones": ["(212) 555-0100", {"number": "+49 170 1", "kind": "mobile"}], "default_number": "+49 170 1"})
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Nobody to dial"})
        self.operator("directory.put", contact="hall", name="Hall", phones=["+49 30 111"])
        yealink = self.book("yealink")
        self.assertEqual(yealink.tag, "YealinkIPPhoneDirectory")
        self.assertEqual([(one.find("Name").text, [(tel.get("label"), tel.text) for tel in one.iter("Telephone")]) for one in yealink],
                         [("Zoe Quist", [("mobile", "+491701"), ("other", "2125550100")]), ("Anna Müller", [("number", "1002")]),
                          ("Hall", [("other", "+4930111")]), ("Robin Bindle", [("number", "1001")])])
        snom = self.book("snom")
        self.assertEqual(snom.tag, "SnomIPPhoneDirectory")
        self.assertEqual([(one.find("Name").text, one.find("Telephone").text) for one in snom.iter("DirectoryEntry")][:3],
                         [("Zoe Quist (mobile)", "+491701"), ("Zoe Quist (other)", "2125550100"), ("Anna Müller", "1002")])
        for path in ("grandstream", "grandstream/phonebook.xml"):
            first, anna, *_ = self.book(path)
            self.assertEqual([(one.tag, one.text) for one in first][:5],
                             [("id", "1"), ("FirstName", "Zoe"), ("LastName", "Quist"), ("Company", "ACME"), ("Department", None)])
            self.assertEqual([(one.get("type"), one.find("phonenumber").text) for one in first.iter("Phone")], [("Cell", "+491701"), ("Work", "2125550100")])
            self.assertEqual((anna.find("FirstName").text, anna.find("Department").text), ("Anna Müller", "Support"))
        self.assertEqual(self.names("yealink/contacts"), ["Zoe Quist"])
        self.assertEqual(self.names("yealink/directory"), ["Anna Müller", "Hall", "Robin Bindle"])
        self.assertEqual([one.find("LastName").text for one in self.book("grandstream/contacts/phonebook.xml")], ["Quist"])
        self.assertEqual([self.names(f"yealink?search={text}") for text in ("quis", "M%C3%9CLL", "%23SEARCH", "%25")],
                         [["Zoe Quist"], ["Anna Müller"], self.names("yealink"), []])

    def test_apart(self):
        """Another user's and another tenant's contacts, and hidden extensions, are in no book; without a password, with a wrong one, or by another method there is none."""
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Mine", "phones": ["1"]})
        self.operator("directory.put", tenant="maroon", contact="x", name="Theirs", phones=["2"])
        self.assertEqual(self.names("yealink", Dav(self.node, "1002")), ["Anna Müller", "Robin Bindle"])
        self.assertEqual(self.names("yealink", Dav(self.node, "1001@maroon")), ["Rubinia", "Theirs"])
        self.assertEqual(self.names("yealink"), ["Mine", "Anna Müller", "Robin Bindle"])
        nobody, wrong = Dav(self.node), Dav(self.node, "1001", "wrong")
        nobody.password = ""
        self.assertEqual([one.ask("GET", "/phonebook/yealink")[0] for one in (nobody, wrong)], [401, 401])
        self.assertEqual([self.phone.ask(method, "/phonebook/yealink")[0] for method in ("POST", "PUT", "DELETE", "PROPFIND")], [405] * 4)
        for path in ("", "cisco", "yealink/x", "yealink/directoryx", "snom/phonebook.xml/x", "y" * 500):
            self.assertIn(self.phone.ask("GET", f"/phonebook/{path}")[0], (400, 404, 414, 431), path)
        for search in ("a" * 200, "%FF", "%01"):
            self.assertEqual(self.phone.ask("GET", f"/phonebook/yealink?search={search}")[0], 400, search)
        with self.assertRaises(http.client.RemoteDisconnected):     # no text has it
            self.phone.ask("GET", "/phonebook/yealink?search=%00")
        self.assertEqual(self.names("yealink/contacts"), ["Mine"])

    def test_malice(self):
        """A name that is markup, of a contact, of the tenant's book, and of an extension, is text in each book."""
        for number, text in enumerate(MALICE):
            self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": text[:63], "first_name": text[:63], "company": text[:63], "phones": [f"90{number}"]})
        self.operator("extension.put", number="1002", display_name=MALICE[1])
        wanted = sorted([text[:63] for text in MALICE] + [MALICE[1], "Robin Bindle"])
        for path in ("yealink", "snom"):
            self.assertEqual(sorted(self.names(path)), wanted)
            self.assertEqual(sorted({one.text for one in self.book(path).iter("Telephone")}), ["1001", "1002", "900", "901", "902", "903"])
        self.assertEqual(sorted(one.find("Company").text or "" for one in self.book("grandstream"))[2:], sorted(text[:63] for text in MALICE))

    def test_bounds(self):
        """A book has 2,000 entries at most. While the contacts are not known there is no book, in place of a shorter one."""
        rows = "First Name,Mobile Phone\r\n" + "".join(f"Name{n:04},+49305{n:06}\r\n" for n in range(2100))
        self.ok(self.node, "POST", "/v1/contacts:import", self.mine, raw=rows.encode(), Content_Type="text/csv")
        self.assertEqual([(len(names), names[0], names[-1]) for names in (self.names("yealink"), self.names("snom/contacts"))], [(2000, "Name0000", "Name1999")] * 2)
        pids = children(self.node.process.pid, "tandem-archive")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.assertEqual(self.phone.ask("GET", "/phonebook/yealink/directory")[0], 503)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(self.names("yealink/directory"), ["Anna Müller", "Robin Bindle"])

    def test_many_at_once(self):
        """Users who ask for many books at once leave room for those of another tenant."""
        said, pids = [], children(self.node.process.pid, "tandem-archive")

        def asks(phone):
            said.append(phone.ask("GET", "/phonebook/yealink")[0])

        ours = [threading.Thread(target=asks, args=(Dav(self.node, number),)) for number in ("1001", "1002", "1003") for _ in range(10)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            for one in ours:
                one.start()
            until(lambda: 503 in said)
            theirs = threading.Thread(target=lambda: said.append(Dav(self.node, "1001@maroon").ask("GET", "/phonebook/snom")))
            theirs.start()
            theirs.join(1)
            self.assertTrue(theirs.is_alive(), said[-1])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            for one in ours:
                one.join()
        theirs.join()
        self.assertEqual([one[0] for one in said if isinstance(one, tuple)], [200])
