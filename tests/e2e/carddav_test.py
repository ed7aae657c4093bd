# SPDX-License-Identifier: Apache-2.0
"""Address books by CardDAV: vdirsyncer in both directions, over a take-over and restarts, and what anybody else may not."""
import base64
import contextlib
import http.client
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree

from lib import place
from lib.node import children
from lib.postgres import Postgres

from contacts_test import People, base64_png, png
from patience import until
from http_api_test import Asks
from taken_test import Cluster

DAV, CARD = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
PROPS = """<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav" xmlns:s="http://calendarserver.org/ns/"><d:prop>%s</d:prop></d:propfind>"""
REPORT = """<%s xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/>%s</d:prop>%s</%s>"""


def card(name, uid=None, *lines):
    return "".join(line + "\r\n" for line in ("BEGIN:VCARD", "VERSION:3.0", f"UID:{uid or name}", f"FN:{name}", f"N:{name};;;;", *lines, "END:VCARD"))


class Dav:
    """A client of one node, as one user."""

    def __init__(self, node, user="1001", password=None):
        self.node, self.user = node, user
        self.password = password or f"secret{user.split('@')[0]}"

    def ask(self, method, path, body="", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.password:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=15)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def book(self, name="contacts"):
        return f"/dav/books/{self.user.split('@')[0]}/{name}/"

    def responses(self, method, path, body, **headers):
        """{href: (status, {property: element})} and the sync-token."""
        status, _, text = self.ask(method, path, body, **headers)
        assert status == 207, (status, text)
        tree, found = ElementTree.fromstring(text), {}
        for one in tree.iter(f"{DAV}response"):
            whole, props = one.find(f"{DAV}status"), {}
            for part in one.iter(f"{DAV}propstat"):
                if " 200 " in part.find(f"{DAV}status").text:
                    props = {element.tag: element for element in part.find(f"{DAV}prop")}
            found[one.find(f"{DAV}href").text] = (int(whole.text.split()[1]) if whole is not None else 200, props)
        token = tree.find(f"{DAV}sync-token")
        return found, token.text if token is not None else None

    def find(self, path, *names, depth="0"):
        return self.responses("PROPFIND", path, PROPS % "".join(f"<{name}/>" for name in names), Depth=depth)[0]

    def sync(self, token="", more="", name="contacts"):
        body = REPORT % ("d:sync-collection", "", f"<d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>{more}", "d:sync-collection")
        return self.responses("REPORT", self.book(name), body)

    def query(self, text, **headers):
        body = REPORT % ("c:addressbook-query", "<c:address-data/>", f"<c:filter>{text}</c:filter>", "c:addressbook-query")
        return sorted(props[f"{CARD}address-data"].text.split("FN:")[1].split("\r")[0].split("\n")[0]
                      for _, props in self.responses("REPORT", self.book(), body, Depth="1", **headers)[0].values())

    def put(self, name, text, book="contacts", **headers):
        return self.ask("PUT", f"{self.book(book)}{name}.vcf", text, Content_Type="text/vcard", **headers)[0]

    def get(self, name, book="contacts"):
        return self.ask("GET", f"{self.book(book)}{name}.vcf")


class Client:
    """vdirsyncer with a folder of its own; pairs own and shared books with folders."""

    def __init__(self, folder, url, books=("contacts",), user="1001", password="secret1001"):
        self.folder = folder
        for book in books:
            os.makedirs(f"{folder}/cards/{book}", exist_ok=True)
        self.books, self.user, self.password = books, user, password
        self.at(url)

    def at(self, url):
        with open(f"{self.folder}/config", "w") as config:
            config.write(f"""[general]
status_path = "{self.folder}/status/"
[pair books]
a = "here"
b = "there"
collections = {str(list(self.books)).replace("'", '"')}
conflict_resolution = "a wins"
[storage here]
type = "filesystem"
path = "{self.folder}/cards/"
fileext = ".vcf"
[storage there]
type = "carddav"
url = "{url}"
username = "{self.user}"
password = "{self.password}"
""")

    def run(self, *words, fails=False):
        done = subprocess.run(["vdirsyncer", "-c", f"{self.folder}/config", "-v", "INFO", *words], input="y\n" * 8, text=True, capture_output=True, timeout=120)
        assert fails or not done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr

    def sync(self):
        return self.run("sync")

    def write(self, name, text, book="contacts"):
        with open(f"{self.folder}/cards/{book}/{name}.vcf", "w", newline="") as file:
            file.write(text)

    def cards(self, book="contacts"):
        """{FN: text}"""
        found = {}
        for name in os.listdir(f"{self.folder}/cards/{book}"):
            if name.endswith(".vcf"):
                with open(f"{self.folder}/cards/{book}/{name}", newline="") as file:
                    text = file.read()
                found[re.search("FN:(.*?)\r?\n", text)[1]] = text
        return found

    def remove(self, name, book="contacts"):
        os.unlink(f"{self.folder}/cards/{book}/{name}.vcf")


class Books(People):
    def setUp(self):
        super().setUp()
        self.dav, self.anna = Dav(self.node), Dav(self.node, "1002")
        self.folder = self.enterContext(tempfile.TemporaryDirectory(dir="/tmp"))
        until(lambda: self.http(self.node, "GET", "/v1/contacts", self.mine)[0] == 200, self.node.log_tail)

    def names(self, token):
        return [one["name"] for one in self.ok(self.node, "GET", "/v1/contacts", token)]


class Synced(Books):
    def test_both_ways(self):
        """The real client finds both books by .well-known/carddav; what is made, changed and deleted at either side is so at the other; properties that
        mean nothing here come back; a further run changes nothing; the tenant's book takes what its user may write."""
        client = Client(self.folder, f"http://{place.NODE}:{self.node.http_port}/", ("contacts", "shared"))
        self.operator("directory.put", contact="hall", name="Hall", phones=["+4930111"])
        self.ok(self.node, "POST", "/v1/contacts", self.mine, {"name": "Zoe", "phones": ["030 222"]})
        client.write("bo", card("Bo", "bo@example.org", "TEL;TYPE=CELL:0170 1", "X-SKYPE:bo", "IMPP;X-SERVICE-TYPE=x:xmpp:bo@x", "item1.ADR:;;Street 1;Town;;;"))
        client.run("discover")
        client.sync()
        self.assertEqual((sorted(client.cards()), list(client.cards("shared"))), (["Bo", "Zoe"], ["Hall"]))
        self.assertEqual((self.names(self.mine), self.names(self.other)), (["Bo", "Zoe"], []))
        client.sync()       # the node has written the card in an order of its own
        self.assertNotRegex(client.sync(), "Copying|Deleting")
        for text in ("X-SKYPE:bo\r\n", "IMPP;X-SERVICE-TYPE=x:xmpp:bo@x\r\n", "item1.ADR:;;Street 1;Town;;;\r\n", "UID:bo@example.org\r\n"):
            self.assertIn(text, client.cards()["Bo"])
        client.write("bo", client.cards()["Bo"].replace("FN:Bo", "FN:Bob"))
        zoe, = (one["contact"] for one in self.ok(self.node, "GET", "/v1/contacts", self.mine) if one["name"] == "Zoe")
        self.ok(self.node, "PATCH", f"/v1/contacts/{zoe}", self.mine, {"name": "Zoë", "favourite": True})
        client.sync()
        self.assertEqual((self.names(self.mine), sorted(client.cards())), (["Bob", "Zoë"], ["Bob", "Zoë"]))
        self.ok(self.node, "DELETE", f"/v1/contacts/{zoe}", self.mine)
        client.remove("bo")
        client.write("new", card("New"))
        client.sync()
        self.assertEqual((self.names(self.mine), sorted(client.cards())), (["New"], ["New"]))
        client.write("mine", card("Not his to write"), "shared")
        self.assertIn("403", client.run("sync", "books/shared", fails=True))
        self.assertEqual([row["name"] for row in self.directory(self.mine, "?search=his")], [])
        self.operator("extension.put", number="1001", directory_write=True)
        client.run("sync", "books/shared")
        self.assertEqual([row["name"] for row in self.directory(self.mine, "?search=his")], ["Not his to write"])


class Colleagues(Books):
    def colleagues(self, dav):
        cards = [dav.get(href.rsplit("/", 1)[1][:-4], "colleagues") for href in dav.find(dav.book("colleagues"), "d:getetag", depth="1") if href.endswith(".vcf")]
        return sorted(re.search("FN:(.*?)\r?\n", text)[1] for status, _, text in cards if status == 200)

    def test_synced(self):
        """The real client has the extensions that are shown as a book, follows what changes of them, and takes from its folder what somebody wrote there."""
        until(lambda: self.colleagues(self.dav) == ["Anna Müller", "Robin Bindle"], self.node.log_tail)
        client = Client(self.folder, f"http://{place.NODE}:{self.node.http_port}/", ("contacts", "colleagues"))
        client.run("discover")
        client.sync()
        self.assertEqual(sorted(client.cards("colleagues")), ["Anna Müller", "Robin Bindle"])
        robin = client.cards("colleagues")["Robin Bindle"]
        for line in ("UID:tandem-default-1001", "N:Bindle;Robin;;;", "TITLE:Head", "ORG:;Sales", "EMAIL;TYPE=work:robin@example.org"):
            self.assertIn(line + "\r\n", robin)
        self.assertRegex(robin, "TEL[^:]*:1001\r\n")
        self.assertRegex(robin, "TEL[^:]*:.*493055501\r\n")
        self.assertNotRegex(client.sync(), "Copying|Deleting")
        token = self.dav.sync(name="colleagues")[1]
        self.operator("extension.put", number="1001", title="Chief", shown=True)
        self.operator("extension.put", number="1002", shown=False)
        self.operator("extension.put", number="1003", shown=True)
        until(lambda: self.colleagues(self.dav) == ["Robin Bindle", "Rubin Hidden"], self.node.log_tail)
        changed = self.dav.sync(token, name="colleagues")[0]
        self.assertEqual({href.rsplit("/", 1)[1]: status for href, (status, _) in changed.items()}, {"1001.vcf": 200, "1002.vcf": 404, "1003.vcf": 200})
        client.sync()
        self.assertEqual(sorted(client.cards("colleagues")), ["Robin Bindle", "Rubin Hidden"])
        self.assertIn("TITLE:Chief\r\n", client.cards("colleagues")["Robin Bindle"])
        self.operator("extension.delete", number="1003")
        until(lambda: self.colleagues(self.dav) == ["Robin Bindle"], self.node.log_tail)

    def test_nobody_writes(self):
        """Each colleague sees the same, another tenant its own; who may write the directory may not write these; limited tokens; names of any length."""
        until(lambda: self.colleagues(self.anna) == ["Anna Müller", "Robin Bindle"], self.node.log_tail)
        maroon = Dav(self.node, "1001@maroon", "secret1001")
        until(lambda: self.colleagues(maroon) == ["Rubinia"], self.node.log_tail)
        self.operator("extension.put", number="1001", directory_write=True)
        path = self.dav.book("colleagues")
        for method, text in (("PUT", card("Mine")), ("DELETE", "")):
            for name in ("1001", "1002", "new"):
                status, _, body = self.dav.ask(method, f"{path}{name}.vcf", text, Content_Type="text/vcard")
                self.assertEqual((status, "need-privileges" in body), (403, True), (method, name))
        for method in ("MKCOL", "PROPPATCH", "DELETE"):
            self.assertEqual(self.dav.ask(method, path)[0], 403)
        self.assertEqual([self.dav.ask("GET", f"{path}{name}.vcf")[0] for name in ("1003", "1009", "1001")], [404, 404, 200])
        self.assertEqual(self.anna.ask("GET", f"{path}1001.vcf")[0], 404)       # below another's home
        for commands, status in (("contact.export", 403), ("contact.export,directory.export", 403), ("contact.export,directory.list", 200), ("directory.list", 403)):
            token = self.token(self.node, "reader", name="limited", user="1001", commands=commands)
            self.assertEqual(Dav(self.node, "1001", token).get("1002", "colleagues")[0], status, commands)
        self.operator("extension.put", number="1002", display_name="", first_name="Ä" * 31, last_name="Ö" * 31)
        until(lambda: "Ä" * 31 in self.anna.get("1002", "colleagues")[2], self.node.log_tail)
        self.assertEqual(self.colleagues(maroon), ["Rubinia"])

    def picture(self, dav, path, **headers):
        """Status and headers of /pictures/, and the octets."""
        connection = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=15)
        connection.request("GET", f"/pictures/{path}", headers={"Authorization": "Basic " + base64.b64encode(f"{dav.user}:{dav.password}".encode()).decode(),
                                                              **{name.replace("_", "-"): value for name, value in headers.items()}})
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        return answer.status, answer.headers, octets

    def test_pictures(self):
        """A user's picture is what its octets say; colleagues see it as JSON, as octets, and in his card, nobody else; it lasts while he is shown."""
        mine, data = "/v1/picture/1001", f"data:image/png;base64,{base64_png(3)}"
        self.assertEqual(self.ok(self.node, "PATCH", mine, self.mine, {"photo": data.replace("png", "jpeg")}), {"user": "1001"})
        self.assertEqual(self.ok(self.node, "GET", mine, self.other)["photo"], data)
        status, headers, octets = self.picture(self.anna, "colleagues/1001")
        self.assertEqual((status, headers["Content-Type"], headers["X-Content-Type-Options"], octets), (200, "image/png", "nosniff", png(3)))
        self.assertEqual(self.picture(self.anna, "colleagues/1001", If_None_Match=headers["ETag"])[0], 304)
        self.assertIn(f"PHOTO;ENCODING=b;TYPE=png:{base64_png(3)}", self.anna.get("1001", "colleagues")[2].replace("\r\n ", ""))
        maroon, theirs = Dav(self.node, "1001@maroon", "secret1001"), self.token(self.node, "reader", "maroon", name="m")
        self.assertEqual([self.picture(maroon, f"colleagues/{number}")[0] for number in ("1001", "1002")], [404, 404])
        self.refused(404, "not_found", self.node, "GET", mine, theirs)
        self.refused(403, "not_allowed", self.node, "PATCH", mine, self.other, {"photo": data})
        self.refused(403, "not_allowed", self.node, "DELETE", mine, self.other)
        for path in ("colleagues/1002", "colleagues/1003", "colleagues/1009", "colleagues/", "colleagues/1001/x", "x/1001", "", "contacts/%2e%2e", "shared/none"):
            self.assertEqual(self.picture(self.anna, path)[0], 404, path)
        wide, html = base64_png(5000), base64.b64encode(b"<html><script>alert(1)</script>").decode()
        for photo in (f"data:image/png;base64,{wide}", f"data:image/jpeg;base64,{html}", f"data:image/svg+xml;base64,{html}", data[:-8], data + "x", "x", "javascript:alert(1)",
                      f"data:image/png;base64,{base64_png(2, 60000)}", ""):
            self.refused(400, "bad_argument", self.node, "PATCH", mine, self.mine, {"photo": photo})
        for commands, wanted in (("directory.list", 403), ("picture.get", 200), ("contact.export", 403)):
            token = self.token(self.node, "reader", name="limited", user="1002", commands=commands)
            self.assertEqual(self.picture(Dav(self.node, "1002", token), "colleagues/1001")[0], wanted, commands)
        self.assertEqual(self.picture(Dav(self.node, "1002", "guess"), "colleagues/1001")[0], 401)
        token = self.anna.sync(name="colleagues")[1]
        self.operator("extension.put", number="1001", title="Chief")
        until(lambda: "TITLE:Chief" in self.anna.get("1001", "colleagues")[2], self.node.log_tail)
        self.assertEqual(self.picture(self.anna, "colleagues/1001")[2], png(3))
        self.assertEqual(self.ok(self.node, "DELETE", mine, self.mine), {"user": "1001"})
        self.assertEqual(list(self.anna.sync(token, name="colleagues")[0].values())[0][0], 200)
        self.assertEqual(self.picture(self.anna, "colleagues/1001")[0], 404)
        self.ok(self.node, "PATCH", mine, self.mine, {"photo": data})
        self.operator("extension.put", number="1001", shown=False)
        self.refused(404, "not_found", self.node, "PATCH", mine, self.mine, {"photo": data})
        until(lambda: self.anna.get("1001", "colleagues")[0] == 404, self.node.log_tail)
        self.operator("extension.put", number="1001", shown=True)
        until(lambda: self.anna.get("1001", "colleagues")[0] == 200, self.node.log_tail)
        self.assertEqual(self.picture(self.anna, "colleagues/1001")[0], 404)

    def test_pictures_of_contacts(self):
        """PHOTO of a vCard is a picture, in both directions; what is none comes back as it came; a link is fetched by nobody; the directory's are everybody's."""
        self.assertEqual(self.dav.put("zoe", card("Zoe", None, f"PHOTO;ENCODING=b;TYPE=GIF:{base64_png()}")), 201)
        self.assertEqual(self.ok(self.node, "GET", "/v1/contacts/zoe", self.mine)["photo"], f"data:image/png;base64,{base64_png()}")
        self.assertEqual(self.picture(self.dav, "contacts/zoe")[2], png())
        self.assertEqual([self.picture(dav, "contacts/zoe")[0] for dav in (self.dav, self.anna)], [200, 404])
        self.assertIn(f"PHOTO;ENCODING=b;TYPE=png:{base64_png()}", self.dav.get("zoe")[2].replace("\r\n ", ""))
        self.assertEqual(self.dav.put("gif", card("Gif", None, "PHOTO;ENCODING=b;TYPE=PNG:R0lGODlh")), 201)
        self.assertEqual((self.picture(self.dav, "contacts/gif")[0], "PHOTO;ENCODING=b;TYPE=PNG:R0lGODlh\r\n" in self.dav.get("gif")[2]), (404, True))
        self.operator("directory.put", contact="hall", name="Hall", photo=f"data:x;base64,{base64_png(4)}")
        self.assertEqual(self.picture(self.anna, "shared/hall")[2], png(4))
        self.operator("directory.put", contact="hall", photo="https://example.org/a.png")
        self.assertEqual((self.picture(self.anna, "shared/hall")[0], self.ok(self.node, "GET", "/v1/directories/hall", self.mine)["photo"]), (404, "https://example.org/a.png"))
        self.refused(400, "bad_argument", self.node, "PATCH", "/v1/contacts/zoe", self.mine, {"photo": "data:text/html;base64,PGI+"})
        self.assertEqual(self.picture(self.dav, "contacts/zoe")[0], 200)

    def test_killed(self):
        """What changed while the archive was dead is there when it is back, and the token of before counts."""
        until(lambda: len(self.colleagues(self.dav)) == 2, self.node.log_tail)
        token = self.dav.sync(name="colleagues")[1]
        for pid in children(self.node.process.pid, "tandem-archive"):
            os.kill(pid, 9)
        self.operator("extension.put", number="1002", display_name="Anna Maier")
        self.operator("extension.delete", number="1001")
        until(lambda: self.anna.ask("PROPFIND", self.anna.book(), Depth="0")[0] == 207 and self.colleagues(self.anna) == ["Anna Maier"], self.node.log_tail)
        changed = self.anna.sync(token, name="colleagues")[0]
        self.assertEqual({href.rsplit("/", 1)[1]: status for href, (status, _) in changed.items()}, {"1001.vcf": 404, "1002.vcf": 200})


class Protocol(Books):
    def test_tree_and_rights(self):
        """Each resource with its properties; another user's, another tenant's and what is not there are alike; wrong passwords, sessions, methods."""
        dav = self.dav
        self.assertEqual(dav.put("zoe", card("Zoe")), 201)
        found = dav.find("/dav/", "d:current-user-principal", "c:addressbook-home-set", "d:nonsense")["/dav/"][1]
        self.assertEqual(found[f"{DAV}current-user-principal"][0].text, "/dav/principals/1001/")
        self.assertNotIn(f"{DAV}nonsense", found)
        self.assertEqual(dav.find("/dav/principals/1001/", "c:addressbook-home-set")["/dav/principals/1001/"][1][f"{CARD}addressbook-home-set"][0].text, "/dav/books/1001/")
        books = dav.find("/dav/books/1001/", "d:resourcetype", "d:displayname", "d:current-user-privilege-set", depth="1")
        self.assertEqual({path: props[f"{DAV}displayname"].text for path, (_, props) in books.items()},
                         {"/dav/books/1001/": "Address books", dav.book(): "Contacts", dav.book("shared"): "Directory", dav.book("colleagues"): "Colleagues"})
        for path, writes in ((dav.book(), True), (dav.book("shared"), False), (dav.book("colleagues"), False)):
            self.assertIsNotNone(books[path][1][f"{DAV}resourcetype"].find(f"{CARD}addressbook"))
            self.assertEqual(books[path][1][f"{DAV}current-user-privilege-set"].find(f".//{DAV}write") is not None, writes)
        self.assertEqual(list(dav.find(dav.book(), "d:getetag", depth="1")), [dav.book(), dav.book() + "zoe.vcf"])
        for user in ("1002", "1001@maroon"):
            other = Dav(self.node, user, "secret1002" if user == "1002" else "secret1001")
            self.assertEqual([other.ask("PROPFIND", path, Depth="0")[0] for path in ("/dav/", other.book())], [207, 207])
            if user == "1002":
                for path in (dav.book(), dav.book() + "zoe.vcf", dav.book("shared"), "/dav/books/1009/", "/dav/principals/1001/", "/dav/books/1001/x/"):
                    self.assertEqual([other.ask(method, path, text, Depth="0")[0] for method, text in
                                      (("PROPFIND", ""), ("GET", ""), ("DELETE", ""), ("PUT", card("x")))], [404] * 4, path)
            self.assertEqual(list(other.find(other.book(), "d:getetag", depth="1")), [other.book()])
            self.assertEqual(other.get("zoe")[0], 404)
        self.assertEqual(dav.put("x", card("X"), "shared"), 403)
        self.assertEqual(Dav(self.node, "1001", self.mine).get("zoe")[0], 200)      # a session's token
        self.assertEqual(Dav(self.node, "1001", self.other).get("zoe")[0], 401)
        for method, path, status in (("MKCOL", dav.book() + "x/", 403), ("PROPPATCH", dav.book(), 403), ("POST", dav.book(), 405), ("DELETE", dav.book(), 403),
                                     ("LOCK", dav.book(), 405), ("NONSENSE", dav.book(), 501), ("PROPFIND", "/v1/contacts", 405), ("PROPFIND", "/dav/%zz", 400),
                                     ("PROPFIND", "/dav/../v1", 400), ("GET", dav.book(), 405), ("REPORT", "/dav/", 400)):
            self.assertEqual(dav.ask(method, path)[0], status, (method, path))
        self.assertEqual(dav.ask("PROPFIND", dav.book(), Depth="infinity")[0], 403)
        status, headers, _ = Dav(self.node, "1001").ask("OPTIONS", "/dav/")
        self.assertEqual((status, headers["DAV"], "REPORT" in headers["Allow"]), (200, "1, 3, addressbook", True))
        nobody = Dav(self.node)
        nobody.password = ""
        for method in ("PROPFIND", "GET", "REPORT", "PUT"):
            status, headers, _ = nobody.ask(method, dav.book())
            self.assertEqual((status, headers["WWW-Authenticate"]), (401, 'Basic realm="tandem", charset="UTF-8"'), method)
        for method in ("GET", "PROPFIND"):
            status, headers, _ = nobody.ask(method, "/.well-known/carddav")
            self.assertEqual((status, headers["Location"]), (301, "/dav/"))
        wrong = [Dav(self.node, "1001", "guess").ask("PROPFIND", "/dav/")[0] for _ in range(12)]
        self.assertEqual((wrong[0], wrong[-1]), (401, 429))

    def test_conditions(self):
        """Entity tags; one UID once; names of any characters; cards that cannot be read, too large, of another type, in pieces; the audit names who."""
        dav = self.dav
        self.assertEqual(dav.put("zoe", card("Zoe"), If_None_Match="*"), 201)
        self.assertEqual(dav.put("zoe", card("Zoe"), If_None_Match="*"), 412)
        _, headers, text = dav.get("zoe")
        tag = headers["ETag"]
        self.assertEqual(text.split("\r\n")[:4], ["BEGIN:VCARD", "VERSION:3.0", "UID:Zoe", "FN:Zoe"])
        self.assertEqual(dav.find(dav.book() + "zoe.vcf", "d:getetag").popitem()[1][1][f"{DAV}getetag"].text, tag)
        self.assertEqual(dav.ask("GET", dav.book() + "zoe.vcf", If_None_Match=tag)[0], 304)
        status, headers, _ = dav.ask("PUT", dav.book() + "zoe.vcf", text.replace("FN:Zoe", "FN:Zoë"), If_Match=tag, Content_Type="text/vcard; charset=utf-8")
        self.assertEqual((status, headers["ETag"]), (204, dav.get("zoe")[1]["ETag"]))
        for condition in (tag, "*", f"W/{tag}", '"x"', '""', f'{tag}, "y"'):
            self.assertEqual(dav.put("zoe", card("Z"), If_Match=condition), 412, condition)
            self.assertEqual(dav.ask("DELETE", dav.book() + "zoe.vcf", If_Match=condition)[0], 412, condition)
        self.assertEqual(dav.put("none", card("Z"), If_Match='"5-5"'), 412)
        self.assertEqual(dav.put("twice", card("Two", "Zoe")), 409)
        self.assertEqual(dav.put("a%40b%3Ac__d%2B", card("At", "a@b:c")), 201)
        self.assertEqual(dav.get("a%40b%3Ac__d%2B")[0], 200)
        self.assertIn(dav.book() + "a%40b%3Ac__d%2B.vcf", dav.find(dav.book(), "d:getetag", depth="1"))
        for name, text, status in (("x", "BEGIN:VCARD", 403), ("x", "", 403), ("x", card("A") + card("B"), 400), ("x", card("A").replace("FN:A\r\nN:A;;;;\r\n", ""), 403),
                                   ("x" * 64, card("A"), 404), ("x", card("A", None, f"X-LONG:{'x' * 99999}"), 413), ("x", card("B\0"), 400),
                                   ("x", card("A").encode().replace(b"FN:A", b"FN:\xff"), 400)):
            self.assertEqual(dav.put(name, text), status, text[:50])
        self.assertEqual(dav.ask("PUT", dav.book() + "x.vcf", card("A"), Content_Type="text/calendar")[0], 415)
        self.assertEqual(dav.ask("PUT", dav.book() + "x.txt", card("A"))[0], 404)
        self.assertEqual(self.names(self.mine), ["At", "Zoë"])
        self.assertEqual(dav.ask("DELETE", dav.book() + "zoe.vcf", If_Match=dav.get("zoe")[1]["ETag"])[0], 204)
        self.assertEqual(dav.ask("DELETE", dav.book() + "zoe.vcf")[0], 404)
        head = f"PROPFIND {dav.book()} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {base64.b64encode(b'1001:secret1001').decode()}\r\nContent-Length: 5\r\n"
        for pieces, status in ((("PROPFIND", head[8:] + "Depth: 0\r\n\r\n", "  ", "   "), b" 207 "), ((head + "Content-Length: 6\r\n\r\n     ",), b" 400 "),
                               ((head.replace("Content-Length: 5", "Transfer-Encoding: chunked") + "\r\n5\r\n     \r\n0\r\n\r\n",), b" 411 "),
                               ((head + "Depth: 1\r\nDepth: 0\r\n\r\n     ",), b" 400 "), ((head + f"X: {'y' * 9000}\r\n\r\n",), b"")):
            self.assertIn(status, self.raw(*pieces), pieces)
        self.assertTrue(any(row["command"] == "contact.import" and row.get("by") == "1001" for row in self.operator("audit.list", calls=True, limit=100)))

    def test_limited_tokens(self):
        """A user's token that allows some commands reads and writes by CardDAV what these do, and no more."""
        self.assertEqual(self.dav.put("zoe", card("Zoe")), 201)
        self.operator("extension.put", number="1001", directory_write=True)
        self.assertEqual(self.dav.put("hall", card("Hall"), "shared"), 201)
        for commands, wanted in (("events", (403, 403, 403, 403, 403)), ("contact.list", (403, 403, 403, 403, 403)), ("contact.export", (200, 207, 403, 403, 403)),
                                 ("contact.*", (200, 207, 204, 403, 403)), ("contact.export,directory.*", (200, 207, 403, 200, 204))):
            token = self.token(self.node, "reader", name="limited", user="1001", commands=commands)
            dav = Dav(self.node, "1001", token)
            self.assertEqual((dav.get("zoe")[0], dav.ask("PROPFIND", dav.book(), Depth="1")[0], dav.put("zoe", card("Zoe")), dav.get("hall", "shared")[0],
                              dav.put("hall", card("Hall"), "shared")), wanted, commands)

    def test_cards_leave_nothing_behind(self):
        """A card is a file while it is read: whether it is taken or not, the node has closed it."""
        for text in (card("Zoe"), "BEGIN:VCARD", card("A") + card("B")) * 4:
            self.dav.put("zoe", text)
        files = [os.readlink(path) for path in pathlib.Path(f"/proc/{self.node.process.pid}/fd").iterdir() if path.is_symlink()]
        self.assertEqual([name for name in files if "memfd:card" in name], [])

    def test_answers_that_nobody_takes(self):
        """One source has at most four large answers in the node's memory: the fifth is refused until their clients have left."""
        photo = [f"PHOTO;ENCODING=b;TYPE=JPEG:{base64_png(2, 35900)}", f"X-A:{'b' * 20000}"]
        for part in range(6):       # more than the kernel keeps of an answer
            cards = "".join(card(f"Person {part} {i}", None, *photo) for i in range(14))
            self.ok(self.node, "POST", "/v1/contacts:import", self.mine, raw=cards.encode(), Content_Type="text/vcard")
        filters = '<c:filter><c:prop-filter name="FN"><c:text-match match-type="starts-with">%s</c:text-match></c:prop-filter></c:filter>'
        body, few = (REPORT % ("c:addressbook-query", "<c:address-data/>", filters % names, "c:addressbook-query") for names in ("Person", "Person 0"))
        head = (f"REPORT {self.dav.book()} HTTP/1.1\r\nHost: x\r\nDepth: 1\r\nAuthorization: Basic {base64.b64encode(b'1001:secret1001').decode()}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

        def ask():
            return self.dav.ask("REPORT", self.dav.book(), few, Depth="1")[0]

        def fifth():        # a connection that takes nothing for 15 s ends
            with contextlib.ExitStack() as stack:
                links = [stack.enter_context(socket.socket()) for _ in range(4)]
                for link in links:
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    link.connect((place.NODE, self.node.http_port))
                    link.sendall(head)
                for link in links:
                    link.settimeout(20)
                    if b" 207 " not in link.recv(1024):     # a slow node: the first ones have ended before the last one is answered
                        return None
                return ask(), self.dav.get("none")[0]

        until(lambda: fifth() == (503, 404), "the fifth was answered")
        until(lambda: ask() == 207, "no place was given back")

    def raw(self, *pieces):
        with socket.create_connection((place.NODE, self.node.http_port), 15) as link:
            answer = b""
            for piece in pieces:
                link.sendall(piece.encode())
                time.sleep(0.1)
            link.settimeout(15)
            try:
                while more := link.recv(65536):
                    answer += more
            except OSError:
                pass
            return answer

    def test_reports(self):
        """Filters, what is asked by name, limits; what has changed since a token, also with many deletions, and where that is not known any more; bad XML."""
        dav = self.dav
        for name, number in (("Zoe", "1"), ("Anna Müller", "2"), ("Bo", "3")):
            self.assertEqual(dav.put(name[0], card(name, None, f"TEL:{number}", *(["NICKNAME:Z & <Z>"] if name == "Zoe" else []))), 201)
        matches = '<c:prop-filter name="%s"><c:text-match match-type="%s">%s</c:text-match></c:prop-filter>'
        for text, names in ((matches % ("FN", "contains", "MULL"), ["Anna Müller"]), (matches % ("FN", "equals", "bo"), ["Bo"]), (matches % ("FN", "ends-with", "e"), ["Zoe"]),
                            (matches % ("TEL", "starts-with", "2") + matches % ("FN", "contains", "zo"), ["Anna Müller", "Zoe"]), ("", ["Anna Müller", "Bo", "Zoe"]),
                            ('<c:prop-filter name="NICKNAME"/>', ["Zoe"]), ('<c:prop-filter name="NICKNAME"><c:is-not-defined/></c:prop-filter>', ["Anna Müller", "Bo"])):
            self.assertEqual(dav.query(text), names, text)
        hrefs = "".join(f"<d:href>{href}</d:href>" for href in (dav.book() + "Z.vcf", f"http://x{dav.book()}B.vcf", dav.book() + "none.vcf", self.anna.book() + "Z.vcf",
                                                                  "/etc/passwd", dav.book("shared") + "Z.vcf"))
        found, _ = dav.responses("REPORT", dav.book(), REPORT % ("c:addressbook-multiget", "<c:address-data/>", hrefs, "c:addressbook-multiget"))
        self.assertEqual(sorted(status for status, _ in found.values()), [200, 200, 404, 404, 404, 404])
        self.assertIn("NICKNAME:Z & <Z>\r\n", found[dav.book() + "Z.vcf"][1][f"{CARD}address-data"].text)
        found, first = dav.sync()
        self.assertEqual({href: status for href, (status, _) in found.items()}, {f"{dav.book()}{name}.vcf": 200 for name in "ZAB"})
        self.assertEqual(dav.sync(first), ({}, first))
        self.assertEqual((dav.put("C", card("C")), dav.ask("DELETE", dav.book() + "B.vcf")[0], dav.put("A", card("Anna Müller", None, "TEL:9"))), (201, 204, 204))
        found, second = dav.sync(first)
        self.assertEqual({href[-5:]: status for href, (status, _) in found.items()}, {"C.vcf": 200, "B.vcf": 404, "A.vcf": 200})
        part, token = dav.sync("", "<d:limit><d:nresults>2</d:nresults></d:limit>")
        self.assertEqual(sorted(status for status, _ in part.values()), [200, 200, 507])
        rest, token = dav.sync(token)
        self.assertEqual(({href for href, (status, _) in {**part, **rest}.items() if status == 200}, token), ({f"{dav.book()}{name}.vcf" for name in "ZAC"}, second))
        self.assertEqual(dav.put("B", card("Bo")), 201)
        self.assertEqual([status for status, _ in dav.sync(second)[0].values()], [200])
        for wrong in ("x", "data:,1-1", second + "1", "data:,-1--1", "y" * 500, second.replace("-", "-99")):
            body = REPORT % ("d:sync-collection", "", f"<d:sync-token>{wrong}</d:sync-token>", "d:sync-collection")
            status, _, text = dav.ask("REPORT", dav.book(), body)
            self.assertEqual((status, "valid-sync-token" in text), (403, True), wrong)
        many = "".join(card(f"N{n}") for n in range(1205))
        self.ok(self.node, "POST", "/v1/contacts:import", self.mine, raw=many.encode(), Content_Type="text/vcard")
        found, third = dav.sync()
        self.assertEqual(len(found), 1209)                                  # in parts
        self.assertEqual(len(dav.find(dav.book(), "d:getetag", depth="1")), 1210)
        self.operator("history.erase", number="1001")
        until(lambda: not self.names(self.mine))
        self.assertEqual(dav.ask("REPORT", dav.book(), REPORT % ("d:sync-collection", "", f"<d:sync-token>{third}</d:sync-token>", "d:sync-collection"))[0], 403)
        self.assertEqual(dav.sync()[0], {})
        for body in ('<!DOCTYPE x [<!ENTITY a "b">]><d:propfind xmlns:d="DAV:"><d:prop/></d:propfind>', "<x", "<x/>", "<d:propfind xmlns:d='DAV:'>" + "<d:prop>" * 50):
            self.assertIn(dav.ask("PROPFIND", dav.book(), body)[0], (400, 413), body)
        self.assertEqual(dav.ask("PROPFIND", dav.book(), "<d:propfind xmlns:d='DAV:'><d:prop>" + "".join(f"<d:p{n}/>" for n in range(99)) + "</d:prop></d:propfind>")[0], 413)
        self.assertEqual(dav.ask("REPORT", dav.book(), REPORT % ("c:addressbook-query", "", '<c:filter><c:prop-filter name="FN"><c:param-filter name="X"/></c:prop-filter></c:filter>',
                                                                 "c:addressbook-query"))[0], 403)


class Restarted:
    """The archive of one or two nodes, and vdirsyncer over what becomes of them."""

    SHOWN = 2       # extensions

    def over(self, client, change, again):
        """Before and after: what is made at both sides comes to the other one; a token lasts."""
        client.write("one", card("One"))
        client.run("discover")
        client.sync()
        token = self.dav.sync()[1]
        people = until(lambda: len((found := self.dav.sync(name="colleagues"))[0]) == self.SHOWN and found, "no colleagues")
        change()
        again()
        self.assertEqual(self.dav.sync(people[1], name="colleagues"), ({}, people[1]))
        self.dav.put("two", card("Two"))
        client.write("three", card("Three"))
        client.sync()
        self.assertEqual(sorted(client.cards()), ["One", "Three", "Two"])
        found = self.dav.sync(token)[0]
        self.assertIn("two.vcf", [href.rsplit("/", 1)[1] for href in found])
        self.assertEqual(len(found), 2)


class Postgresql(Restarted, Books):
    """The archive is PostgreSQL, and it is stopped and started."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/tmp"))
        self.sql = self.enterContext(Postgres(folder))
        self.settings = {"archive": {"url": self.sql.url}}
        super().setUp()

    def test_restarts(self):
        client = Client(self.folder, f"http://{place.NODE}:{self.node.http_port}/")

        def change():
            self.sql.stop()
            self.assertEqual(self.dav.ask("PROPFIND", self.dav.book(), Depth="1")[0], 503)
            self.sql.start()
        self.over(client, change, lambda: until(lambda: self.dav.ask("PROPFIND", self.dav.book(), Depth="0")[0] == 207, self.node.log_tail))


class Nodes(Restarted, Asks, Cluster):
    """Two nodes and one PostgreSQL: the client goes on at the other one when its node is killed."""

    SHOWN = 3

    @classmethod
    def setUpClass(cls):
        cls.sql = cls.enterClassContext(Postgres(cls.enterClassContext(tempfile.TemporaryDirectory(dir="/tmp"))))
        super().setUpClass()

    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "archive": {"url": cls.sql.url}}

    def test_taken(self):
        self.at_home()
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/tmp"))
        self.dav = Dav(self.a, "1001", "secret")
        until(lambda: self.dav.ask("PROPFIND", self.dav.book(), Depth="0")[0] == 207, self.a.log_tail)
        client = Client(folder, f"http://{place.NODE}:{self.a.http_port}/", password="secret")

        def change():
            self.a.kill()
            self.dav = Dav(self.b, "1001", "secret")
            client.at(f"http://{place.NODE}:{self.b.http_port}/")
            client.run("discover")
        self.over(client, change, lambda: until(lambda: self.dav.ask("PROPFIND", self.dav.book(), Depth="0")[0] == 207, self.b.log_tail))
        self.a.restart()


if __name__ == "__main__":
    import unittest
    unittest.main()
