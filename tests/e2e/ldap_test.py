# SPDX-License-Identifier: Apache-2.0
"""Phone books by LDAP: what ldapsearch finds as phones ask, who may, what is refused, and what anybody else may not."""
import base64
import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from lib import place
from lib.node import children
from lib.postgres import Postgres

from contacts_test import Client, People
from guides_test import guide, typed
from patience import until
from taken_test import Cluster

PHONE = "(|(cn=*%s*)(sn=*%s*)(telephoneNumber=*%s*)(mobile=*%s*))"      # as desk phones have it in their settings


def search(url, text="(objectClass=*)", *names, user="1001", password="secret1001", base="o=default", options=()):
    """(exit status, [{attribute: [values]}], what it complains of)"""
    bind = ["-D", user, "-w", password] if user is not None else []
    done = subprocess.run(["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-o", "nettimeout=10", "-H", url, *bind, "-b", base, *options, text, *names],
                          capture_output=True, text=True, timeout=30, env={**os.environ, "LDAPTLS_REQCERT": "never"})
    entries = []
    for block in filter(None, done.stdout.split("\n\n")):
        entries.append({})
        for line in block.strip().splitlines():
            name, value = line.split(": ", 1) if ": " in line else (line.rstrip(":"), "")
            if name.endswith(":"):
                name, value = name[:-1], base64.b64decode(value).decode()
            entries[-1].setdefault(name, []).append(value)
    return done.returncode, entries, done.stderr


def tlv(tag, content):
    return bytes([tag, len(content)]) + content


class Phones(People):
    def setUp(self):
        super().setUp()
        self.plain, self.secure = self.node.ports.take(), self.node.ports.take()
        self.node.stop()
        self.node.configure({"ldap": {"bind": place.NODE, "ldap": self.plain, "ldaps": self.secure}})
        self.node.restart()
        self.url, self.tls = f"ldap://{place.NODE}:{self.plain}", f"ldaps://{place.NODE}:{self.secure}"
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe Quist", "first_name": "Zoe", "last_name": "Quist", "company": "ACME",
                                                               "phones": [{"number": "0170 555-0100", "kind": "mobile"}, {"number": "030 222"}],
                                                               "emails": ["zoe@example.org"]})
        self.operator("directory.put", contact="lift", name="Bob's Lift, Inc", phones=[{"number": "030 111"}])

    def names(self, text="(objectClass=*)", *more, **how):
        status, found, why = search(self.url, text, *more, **how)
        self.assertEqual(status, 0, why)
        return sorted(one["cn"][0] for one in found)

    def test_found(self):
        """Extensions, the tenant's and one's own contacts, by all that phones ask; with accents or without; nobody of others."""
        self.assertEqual(self.names(), ["Anna Müller", "Bob's Lift, Inc", "Robin Bindle", "Zoe Quist"])
        for text, found in (("bin", ["Robin Bindle"]), ("muller", ["Anna Müller"]), ("MÜLL", ["Anna Müller"]), ("0170555", ["Zoe Quist"]), ("1", ["Anna Müller",
                            "Bob's Lift, Inc", "Robin Bindle", "Zoe Quist"]), ("rub", []), ("nowhere", [])):
            self.assertEqual(self.names(PHONE.replace("%s", text)), found, text)
        for text, found in (("(&(sn=Q*)(mobile=*))", ["Zoe Quist"]), ("(!(mobile=*))", ["Anna Müller", "Bob's Lift, Inc", "Robin Bindle"]), ("(givenName=zoe)", ["Zoe Quist"]),
                            ("(telephoneNumber=0 30/222)", ["Zoe Quist"]), ("(&(o=acme)(!(cn=zoe*)))", []), ("(cn~=robin bindle)", ["Robin Bindle"]),
                            ("(cn=r*in*b*le)", ["Robin Bindle"]), ("(|(ou=sales)(colour=red))", ["Robin Bindle"]), ("(!(colour=red))", []), ("(cn>=a)", []),
                            ("(mail=ZOE@example.org)", ["Zoe Quist"]), ("(objectClass=inetOrgPerson)", self.names()), ("(objectClass=printer)", [])):
            self.assertEqual(self.names(text), found, text)
        self.assertEqual(self.names(base="ou=contacts,o=default"), ["Zoe Quist"])
        self.assertEqual(self.names(base="ou=directory, O=Default"), ["Anna Müller", "Bob's Lift, Inc", "Robin Bindle"])
        self.assertEqual(self.names(user="uid=1002,ou=directory,o=default", password="secret1002"), ["Anna Müller", "Bob's Lift, Inc", "Robin Bindle"])
        self.assertEqual(self.names(user="1001@maroon", base="o=maroon"), ["Rubinia"])
        self.assertEqual(search(self.url, user="1001@maroon")[:2], (32, []))

    def test_starts_tls(self):
        """StartTLS (RFC 4511 4.14): what is asked behind it is over TLS, and nothing that came in plain counts there."""
        self.assertEqual(self.names("(cn=zoe*)", options=["-ZZ"]), ["Zoe Quist"])
        self.assertEqual(self.names("(cn=zoe*)", options=["-Z"]), ["Zoe Quist"])
        status, found, _ = search(self.url, base="", user=None, options=["-s", "base"])
        self.assertEqual(found[0].get("supportedExtension"), ["1.3.6.1.4.1.1466.20037"])
        status, found, _ = search(self.tls, base="", user=None, options=["-s", "base"])
        self.assertEqual((status, found[0].get("supportedExtension")), (0, None))
        self.assertNotEqual(search(self.tls, options=["-ZZ"])[0], 0)       # it is TLS
        bind = tlv(0x30, tlv(2, b"\1") + tlv(0x60, tlv(2, b"\3") + tlv(4, b"1001") + tlv(0x80, b"secret1001")))
        starts = tlv(0x30, tlv(2, b"\2") + tlv(0x77, tlv(0x80, b"1.3.6.1.4.1.1466.20037")))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def said(link, octets):
            link.sendall(octets)
            answer = link.recv(4096)
            return answer[answer.index(b"\x0a\1") + 2] if answer else None
        with socket.create_connection((place.NODE, self.plain), 10) as link:
            self.assertEqual((said(link, bind), said(link, starts)), (0, 0))
            with context.wrap_socket(link, server_hostname="node") as secure:
                look = tlv(0x30, tlv(2, b"\3") + tlv(0x63, tlv(4, b"o=default") + tlv(10, b"\2") + tlv(10, b"\0") + tlv(2, b"\0") + tlv(2, b"\0") + tlv(1, b"\0")
                                                     + tlv(0x87, b"cn") + tlv(0x30, b"")))
                self.assertEqual(said(secure, look), 50)        # who was bound in plain is nobody
                self.assertEqual((said(secure, bind), said(secure, starts), said(secure, bind)), (0, 1, 0))
        for octets in (starts + bind, starts + starts, starts + b"\x30"):       # it may be somebody in between who sent the rest
            with socket.create_connection((place.NODE, self.plain), 10) as link:
                self.assertEqual((said(link, octets), link.recv(100)), (1, b""), octets)
        for octets in (b"GET / HTTP/1.1\r\n\r\n", bind, b"\x16\x03\x01" + b"\xff" * 300):
            with socket.create_connection((place.NODE, self.plain), 10) as link:
                self.assertEqual(said(link, starts), 0)
                link.sendall(octets)
                with contextlib.suppress(ConnectionError):
                    while link.recv(100):
                        pass
        for name in (b"1.3.6.1.4.1.4203.1.11.3", b"1.3.6.1.4.1.1466.2003", b""):
            with socket.create_connection((place.NODE, self.plain), 10) as link:
                self.assertEqual(said(link, tlv(0x30, tlv(2, b"\2") + tlv(0x77, tlv(0x80, name)))), 2, name)
                self.assertEqual(said(link, bind), 0)
        self.assertEqual(self.names("(cn=zoe*)"), ["Zoe Quist"])

    def test_numbers(self):
        """A number finds who has it however it is written, by the tenant's dial plan; a part of one by its digits."""
        self.operator("dialplan.put", country="49", area="30", national_prefix="0", international_prefix="00")
        for number in ("01705550100", "+491705550100", "00491705550100", "+49 (170) 555-0100"):
            self.assertEqual(self.names(f"(|(telephoneNumber={number})(mobile={number}))".replace("(170)", "\\28170\\29")), ["Zoe Quist"], number)
        for number, found in (("222", ["Zoe Quist"]), ("+4930222", ["Zoe Quist"]), ("+4930111", ["Bob's Lift, Inc"]), ("+493055501", ["Robin Bindle"]), ("1001", ["Robin Bindle"]),
                              ("+4940222", []), ("+491705550101", []), ("1", []), ("x", []), ("+", [])):
            self.assertEqual(self.names(f"(telephoneNumber={number})"), found, number)
        self.assertEqual(self.names("(&(mobile=+491705550100)(!(telephoneNumber=+4930222)))"), [])
        self.assertEqual((self.names("(mobile=*5550*)"), self.names("(mobile=+4917*)")), (["Zoe Quist"], []))

    def test_entries(self):
        """An entry has what inetOrgPerson must have, numbers as they are dialled, and only what is asked for."""
        _, found, _ = search(self.tls, "(cn=zoe*)")
        self.assertRegex(found[0].pop("uid")[0], "^[a-z0-9-]+$")
        self.assertTrue(found[0].pop("dn")[0].endswith(",ou=contacts,o=default"))
        self.assertEqual(found, [{"objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"], "cn": ["Zoe Quist"], "sn": ["Quist"],
                                  "givenName": ["Zoe"], "displayName": ["Zoe Quist"], "o": ["ACME"], "mail": ["zoe@example.org"], "mobile": ["01705550100"],
                                  "telephoneNumber": ["030222"]}])
        _, found, _ = search(self.tls, "(cn=robin*)", "telephoneNumber", "CN")
        self.assertEqual(found, [{"dn": ["uid=extension:1001,ou=directory,o=default"], "cn": ["Robin Bindle"], "telephoneNumber": ["1001", "+493055501"]}])
        self.assertEqual(search(self.url, base=found[0]["dn"][0], options=("-s", "base"))[1][0]["cn"], ["Robin Bindle"])
        status, found, why = search(self.url, "(objectClass=*)", "cn", options=("-z", "2"))
        self.assertEqual((status, len(found)), (4, 2), why)
        _, found, _ = search(self.url, options=("-s", "base"), base="")
        self.assertEqual((found[0]["supportedLDAPVersion"], found[0]["namingContexts"]), (["3"], ["o=default"]))

    def test_refused(self):
        """Nobody reads without a password; guesses count; nothing can be changed; what is no LDAP ends its connection alone."""
        self.assertEqual(search(self.url, user=None)[:2], (50, []))
        self.assertNotIn("namingContexts", search(self.url, user=None, base="", options=("-s", "base"))[1][0])
        for user, password, status in (("1001", "wrong", 49), ("1001", "", 53), ("1009", "secret1001", 49), ("1001@maroon", "secret1002", 49), ("ou=1001", "secret1001", 49)):
            self.assertEqual(search(self.url, user=user, password=password)[:2], (status, []), (user, password))
        self.assertEqual(search(self.url, base="dc=example,dc=org")[:2], (32, []))
        self.assertEqual(search(self.url, options=("-E", "!pr=5/noprompt"))[0], 12)
        change = f"dn: uid=lift,ou=directory,o=default\nchangetype: delete\n"
        done = subprocess.run(["ldapmodify", "-x", "-H", self.url, "-D", "1001", "-w", "secret1001"], input=change, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 53, done.stderr)
        for octets in (b"GET / HTTP/1.1\r\n\r\n", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x05\x02\x01\x01\x63\x00", b"\x30\x80"):
            with socket.create_connection((place.NODE, self.plain), 10) as link:
                link.sendall(octets)
                self.assertEqual(link.recv(100), b"")
        self.operator("extension.put", number="1002", enabled=False)
        until(lambda: search(self.url, user="1002", password="secret1002")[0] == 49, self.node.log_tail)
        for _ in range(40):
            status, _, why = search(self.url, password="guess")
            if status == 51:
                break
        self.assertEqual(status, 51, why)

    def test_bound(self):
        """Two requests at once; who is bound is so as long as the password is that one."""
        bind = tlv(0x30, b"\x02\x01\x01" + tlv(0x60, b"\x02\x01\x03" + tlv(4, b"1001") + tlv(0x80, b"secret1001")))
        fields = tlv(4, b"o=default") + b"\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00" + tlv(0x87, b"cn") + tlv(0x30, tlv(4, b"cn"))
        ask = tlv(0x30, b"\x02\x01\x02" + tlv(0x63, fields))
        with socket.create_connection((place.NODE, self.plain), 10) as link:
            link.sendall(bind + ask)                        # both at once
            text = b""
            while b"\x65\x07\x0a\x01" not in text:
                text += link.recv(65536)
            self.assertIn("Anna Müller".encode(), text)
            self.operator("extension.put", number="1001", password="another-secret")
            time.sleep(1.2)
            link.sendall(ask)
            self.assertIn(b"bind as an extension first", link.recv(65536))

    def test_many(self):
        """Connections that come at once are taken one after the other; one address has a share of them, and what it gives back others have."""
        links = [socket.create_connection((place.NODE, self.plain), 10) for _ in range(90)]
        self.assertEqual(self.names(PHONE.replace("%s", "bin")), ["Robin Bindle"])
        links += [socket.create_connection((place.NODE, self.plain), 10) for _ in range(20)]
        links[-1].settimeout(10)
        self.assertEqual(links[-1].recv(1), b"")
        for link in links:
            link.close()
        until(lambda: search(self.url)[0] == 0, self.node.log_tail)

    def test_long_filter(self):
        """Who asks for much of many entries keeps nobody waiting: the longest filter over many entries."""
        phones = [{"number": f"0{i}" + "1234567890" * 2} for i in range(10)]
        with Client(self.node.redis_socket, "_operator") as client:
            for i in range(300):
                client.ask("directory.put", contact=f"c{i}", name=f"Person {i}", phones=phones)
        took = []
        for many in (1, 60):
            began = time.monotonic()
            self.assertEqual(search(self.url, "(|" + f"(telephoneNumber={'9' * 90})" * many + ")")[:2], (0, []))
            took.append(time.monotonic() - began)
        self.assertLess(took[1], 3 * took[0] + 0.1, took)

    def test_guide(self):
        """What docs/guides/ldap.md types does what it says."""
        text = guide("ldap.md", **{"ldap://127.0.0.1:389": self.url})
        typed(self, self.node, text)
        asked = re.search(r"```sh\n(ldapsearch .*?)```", text, re.S)[1]
        said = subprocess.run(["sh", "-ec", asked], capture_output=True, text=True, timeout=60, check=True).stdout
        for text in ("cn: Robin Bindle", "telephoneNumber: 1001", "telephoneNumber: 030111"):
            self.assertIn(text, said)


class Elsewhere(Cluster):
    """Two nodes on one Redis and one PostgreSQL: each has the whole phone book, also when the other is killed."""

    @classmethod
    def setUpClass(cls):
        cls.database = cls.enterClassContext(Postgres(cls.enterClassContext(tempfile.TemporaryDirectory())))
        super().setUpClass()

    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "archive": {"url": cls.database.url}, "ldap": {"bind": place.NODE, "ldap": 18389 if name == "a" else 18390}}

    def test_each(self):
        self.a.tandemctl("contact.put", user="1001", contact="zoe", name="Zoe Quist", phones='["030 222"]')
        self.a.tandemctl("extension.put", number="1002", display_name="Anna Müller")
        urls = [f"ldap://{place.NODE}:{port}" for port in (18389, 18390)]
        ask = lambda url: sorted(one["cn"][0] for one in search(url, PHONE.replace("%s", "n"), password="secret")[1] + search(url, "(telephoneNumber=030222)", password="secret")[1])
        for url in urls:
            until(lambda: ask(url) == ["Anna Müller", "Zoe Quist"], lambda: (ask(url), self.b.log_tail()))
        self.a.kill()
        self.assertEqual(ask(urls[1]), ["Anna Müller", "Zoe Quist"])
        for pid in children(self.b.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: ask(urls[1]) == ["Anna Müller", "Zoe Quist"], self.b.log_tail)
