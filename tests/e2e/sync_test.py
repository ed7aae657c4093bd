# SPDX-License-Identifier: Apache-2.0
"""Contacts and calendars of other services: CardDAV between two books of real servers, and stand-ins for Google, Microsoft, Pipedrive and Exchange; kills,
locks, who may."""
import os
import signal
import tempfile
import threading
import time

from lib import place
from lib.contact_services import Services
from lib.node import children
from lib.postgres import Postgres

from carddav_test import Dav, card
from contacts_test import People
from http_api_test import Asks
from patience import until
from taken_test import Cluster
from tandem_client import Client, Refused

NETWORKS = "127.0.0.0/8"


class Synced(People):
    def setUp(self):
        super().setUp()
        self.operator("tenant.put", name="default", web_networks=f"{NETWORKS},{place.NODE}/32", contact_sync="administrators")
        self.services = self.enterContext(Services())

    def put(self, name, **fields):
        return self.operator("sync.put", **{"name": name, "user": "1002", "secret": "s3cret pass", **fields})

    def state(self, name):
        return self.operator("sync.state", name=name)

    def ran(self, name, after=0, reason=""):
        """The state behind the next run that has ended."""
        def done():
            state = self.state(name)
            return state["ran_utc_ms"] > after and not state["running"] and state
        state = until(done, self.node.log_tail)
        self.assertEqual(state["reason"], reason, state)
        return state

    def runs(self, name, reason=""):
        after = self.state(name)["ran_utc_ms"]
        self.operator("sync.run", name=name)
        return self.ran(name, after, reason)

    def theirs(self, number="1002"):
        return [one["name"] for one in self.operator("contact.list", user=number)]

    def one(self, name):
        return next(one for one in self.operator("contact.list", user="1002") if one["name"] == name)


class Sync(Synced):
    def test_carddav(self):
        """CON-02, CON-05, CON-07: the book of one user is in that of another, by the server's own CardDAV: new, changed, gone; by its command too."""
        dav = Dav(self.node)
        for name in ("Anna", "Boris", "Chen"):
            dav.put(name, card(name, None, f"TEL:21255501{len(name)}"))
        self.operator("contact.put", user="1002", contact="own", name="Own")
        made = self.put("work", url=f"http://{place.NODE}:{self.node.http_port}{dav.book()}", login="1001", secret="secret1001")
        self.assertEqual((made["has_secret"], made["minutes"], made["on"]), (True, 10, True))
        self.assertNotIn("secret1001", str(made) + str(self.operator("sync.get", name="work")) + self.node.log_tail())
        state = self.ran("work")
        self.assertEqual((self.theirs(), state["contacts"], state["failed"]), (["Anna", "Boris", "Chen", "Own"], 3, 0))
        self.assertEqual(round((state["next_utc_ms"] - state["ran_utc_ms"]) / 60000), 10)
        self.assertEqual(self.operator("contact.find", user="1002", number="212555014")[0]["name"], "Anna")
        revision = self.one("Boris")["revision"]
        dav.put("Anna", card("Anna Li", "Anna", "TEL:5550199"))
        dav.ask("DELETE", f"{dav.book()}Chen.vcf")
        dav.put("Dora", card("Dora"))
        self.assertEqual(self.runs("work")["contacts"], 3)
        self.assertEqual((self.theirs(), self.one("Boris")["revision"]), (["Anna Li", "Boris", "Dora", "Own"], revision))
        # here they are read: but for what is the user's own
        anna = self.one("Anna Li")["contact"]
        self.assertEqual(self.operator("contact.get", user="1002", contact=anna)["sync"], "work")
        for command, more in (("contact.put", {"name": "Zoe"}), ("contact.put", {"phones": ["5"], "favourite": True}), ("contact.delete", {})):
            with self.assertRaisesRegex(Refused, "not_allowed.*work"):
                self.operator(command, user="1002", contact=anna, **more)
        other = Dav(self.node, "1002")
        self.assertEqual(other.ask("DELETE", f"{other.book()}{anna}.vcf")[0], 403)
        self.assertEqual(other.put(anna, card("Zoe", anna)), 403)
        self.operator("contact.put", user="1002", contact=anna, favourite=True, blocked=True, default_number="5550199")
        dav.put("Anna", card("Anna Lu", "Anna", "TEL:5550199", "TEL:5550198"))
        self.runs("work")
        kept = self.one("Anna Lu")
        self.assertEqual((kept["favourite"], kept["blocked"], kept["number"], kept["contact"]), (True, True, "5550199", anna))
        # it goes, and its contacts with it
        self.operator("sync.delete", name="work")
        until(lambda: self.theirs() == ["Own"], self.node.log_tail)
        with self.assertRaisesRegex(Refused, "not_found"):
            self.state("work")

    def test_login(self):
        """A password that is wrong ends the run with that reason, and what was brought stays; another one heals it."""
        dav = Dav(self.node)
        dav.put("Anna", card("Anna"))
        url = f"http://{place.NODE}:{self.node.http_port}{dav.book()}"
        self.put("work", url=url, login="1001", secret="wrong-one")
        state = self.ran("work", reason="login")
        self.assertIn("401", state["detail"])
        self.assertGreater(state["next_utc_ms"] - state["ran_utc_ms"], 3000000)
        self.put("work", secret="secret1001")
        self.ran("work", state["ran_utc_ms"])
        self.assertEqual(self.theirs(), ["Anna"])

    def google(self, name, number, **more):
        self.services.put(name, names=[{"displayName": name}], phoneNumbers=[{"value": number, "type": "mobile"}], **more)

    def test_google(self):
        """People API: pages, a sync token, one that has expired (400) and deletions, by a refresh token."""
        for i in range(5):
            self.google(f"G{i}", f"212555000{i}", organizations=[{"name": "ACME", "title": "Head"}])
        self.put("g", service="google", url=self.services.url, login="client-1", secret="client-secret refresh/token")
        self.assertEqual((self.ran("g")["contacts"], self.theirs()), (5, [f"G{i}" for i in range(5)]))
        self.assertEqual(self.one("G1")["phones"], [{"number": "2125550001", "kind": "mobile"}])
        access = next(body for _, path, _, _, body in self.services.seen if path == "/token")
        self.assertEqual(access, "client_id=client-1&client_secret=client-secret&grant_type=refresh_token&refresh_token=refresh%2Ftoken")
        self.services.delete("G0")
        self.google("G1", "2125550009")
        self.services.seen.clear()
        self.runs("g")
        self.assertEqual([query.get("syncToken") for _, path, query, _, _ in self.services.seen if path != "/token"], ["5"])
        self.assertEqual((self.theirs(), self.one("G1")["number"]), (["G1", "G2", "G3", "G4"], "2125550009"))
        # a command that changes nothing does not read all anew, and one with another secret does
        for secret, token in (("client-secret refresh/token", str(self.services.change)), ("client-secret refresh/other", None)):
            self.services.seen.clear()
            self.put("g", service="google", url=self.services.url, login="client-1", secret=secret)
            self.runs("g")
            self.assertEqual([query.get("syncToken") for _, path, query, _, _ in self.services.seen if path != "/token"][0], token)
        # the token has expired, and one that is gone meanwhile goes by what is not seen
        self.services.delete("G2")
        self.services.forget()
        self.runs("g", "expired")
        until(lambda: self.theirs() == ["G1", "G3", "G4"], self.node.log_tail)

    def test_microsoft(self):
        """Graph: delta links, which lead to the service alone; 410 reads all; 429 with Retry-After is waited for, also by a command."""
        for i in range(3):
            self.services.put(f"AAM{i}", displayName=f"M{i}", businessPhones=[f"55500{i}"], mobilePhone=None, emailAddresses=[{"address": f"m{i}@x"}])
        self.put("m", service="microsoft", url=f"{self.services.url}/", login="client-1", account="anna@example.com", secret="app-secret")
        self.ran("m")
        self.assertEqual(self.theirs(), ["M0", "M1", "M2"])
        method, path, _, _, body = self.services.seen[0]
        self.assertEqual((method, path), ("POST", "/example.com/oauth2/v2.0/token"))
        self.assertIn("grant_type=client_credentials", body)
        self.assertEqual(self.services.seen[1][1], "/users/anna%40example.com/contactFolders/contacts/contacts/delta")
        self.services.delete("AAM0")
        self.services.put("AAM3", displayName="M3", homePhones=["1"])
        self.runs("m")
        self.assertEqual(self.theirs(), ["M1", "M2", "M3"])
        self.services.delete("AAM1")
        self.services.forget()
        self.runs("m", "expired")
        until(lambda: self.theirs() == ["M2", "M3"], self.node.log_tail)
        self.services.fails = [(200, {}, {"access_token": "access-1"}), (429, {"Retry_After": "5400"}, {})]
        state = self.runs("m", "busy")
        self.assertEqual(state["next_utc_ms"] - state["ran_utc_ms"], 5400000)
        self.assertEqual(self.operator("sync.run", name="m")["next_utc_ms"], state["next_utc_ms"])
        # a link to somewhere else is not followed with the access token
        # nor does a change of the document that asks the same
        self.put("m", minutes=11)
        until(lambda: self.state("m")["next_utc_ms"] == state["next_utc_ms"], self.node.log_tail)
        self.put("m", login="client-2")
        until(lambda: self.state("m")["reason"] == "", self.node.log_tail)
        self.services.fails = [(200, {}, {"access_token": "access-1"}), (200, {}, {"value": [], "@odata.nextLink": "http://127.0.0.2:1/x"})]
        self.assertIn("url", self.runs("m", "request")["detail"])

    def test_pipedrive(self):
        """Persons, page by page; what is not among them any more goes."""
        for i in range(1, 6):
            self.services.put(str(i), name=f"P{i}", phones=[{"value": f"55510{i}", "label": "work", "primary": True}], emails=[])
        self.put("p", service="pipedrive", url=self.services.url, secret="api-token")
        self.ran("p")
        self.services.delete("3")
        self.runs("p")
        self.assertEqual(self.theirs(), ["P1", "P2", "P4", "P5"])
        self.assertEqual({headers["x-api-token"] for *_, headers, _ in self.services.seen}, {"api-token"})

    def test_answers(self):
        """What is none of the service, an address that may not be asked, and a server that is not there: each is a reason, and nothing is lost."""
        self.google("G1", "1")
        self.put("g", service="google", url=self.services.url, login="c", secret="s r")
        self.ran("g")
        access = (200, {}, {"access_token": "access-1"})
        for answer, reason in (((200, {}, "<html/>"), "answer"), ((500, {}, {}), "status"), ((302, {"Location": "http://127.0.0.1/"}, {}), "status"),
                               ((403, {}, {}), "login"), ((200, {}, {"connections": 1}), "answer"),
                               # longer than is taken; as contacts it would be longer than the link to the node takes
                               ((200, {}, {"connections": [{"resourceName": "people/x", "phoneNumbers": [{"value": "1"}] * 300000}]}), "answer")):
            self.services.fails = [access, answer]
            self.runs("g", reason)
        # one without an id, or with one that is too long, is left out, and counted
        self.services.fails = [access, (200, {}, {"connections": [{"names": []}, {"resourceName": "x" * 1024}], "nextSyncToken": "1"})]
        self.assertEqual(self.runs("g")["failed"], 2)
        self.operator("tenant.put", name="default", web_networks="")
        self.assertIn("http", self.runs("g", "address")["detail"])
        self.assertEqual(self.theirs(), ["G1"])

    def test_many(self):
        """An answer with hundreds is written in parts, and so is one with hundreds that are gone."""
        self.services.PAGE = 450
        for i in range(450):
            self.google(f"G{i:03}", f"2125550{i:03}")
        self.put("g", service="google", url=self.services.url, login="c", secret="s r")
        self.assertEqual((self.ran("g")["contacts"], len(self.services.seen)), (450, 2))
        for i in range(300):
            self.services.delete(f"G{i:03}")
        self.assertEqual(self.runs("g")["contacts"], 150)
        self.assertEqual((self.theirs()[0], len(self.services.seen)), ("G300", 4))

    def test_cards(self):
        """Cards with large pictures are asked for a few at a time; one that the server does not bring stays, and is counted; one that is gone goes."""
        photo = "\n ".join(["A" * 74] * 5400)
        for i in range(25):
            self.services.put(f"c{i:02}.vcf", card=card(f"C{i:02}", f"uid-{i}", f"PHOTO;ENCODING=b;TYPE=JPEG:{photo}"))
        self.put("d", url=f"{self.services.url}/book/", login="u")
        self.assertEqual(self.ran("d")["contacts"], 25)
        self.services.put("c00.vcf", card=None)
        self.services.forget()
        self.runs("d", "expired")
        state = until(lambda: (state := self.state("d"))["reason"] == "" and not state["running"] and state, self.node.log_tail)
        self.assertEqual((state["contacts"], state["failed"], self.theirs()[0]), (25, 1, "C00"))
        # one that is listed, and goes before its card is asked for
        self.services.gate = threading.Event()
        self.services.put("c01.vcf", card=card("New", "uid-1"))
        asked = sum("multiget" in body for *_, body in self.services.seen)
        self.operator("sync.run", name="d")
        until(lambda: sum("multiget" in body for *_, body in self.services.seen) > asked, self.node.log_tail)
        self.services.delete("c01.vcf")
        self.services.gate.set()
        until(lambda: self.state("d")["contacts"] == 24, self.node.log_tail)
        self.assertNotIn("C01", self.theirs())

    def test_cut(self):
        """A server that cuts its list, and says that it goes on where it began, ends the run."""
        cut = (207, {"kind": "application/xml"}, '<d:multistatus xmlns:d="DAV:"><d:response><d:href>/book/</d:href><d:status>HTTP/1.1 507 x</d:status>'
               "</d:response><d:sync-token>t</d:sync-token></d:multistatus>")
        self.services.fails = [cut] * 50
        self.put("d", url=f"{self.services.url}/book/", login="u")
        self.assertIn("began", self.ran("d", reason="answer")["detail"])
        self.assertEqual(len(self.services.seen), 2)

    def test_same_page_again(self):
        """A service whose next page is one that it has given before ends the run; what it has brought stays."""
        def page(following):
            return 200, {}, {"connections": [{"resourceName": "people/1", "names": [{"displayName": "G1"}]}], "nextPageToken": following}
        for names, pages in (["again"], 2), (["first", "second"], 3), (["once", "a", "b", "c"] + ["a", "b", "c"] * 30, 10):
            with self.subTest(names=names[:4]):
                self.services.seen.clear()
                self.services.fails = [(200, {}, {"access_token": "access-1"})] + [page(name) for name in names * (200 // len(names))]
                if pages == 2:
                    self.put("g", service="google", url=self.services.url, login="c", secret="s r")
                self.assertIn("again", (self.ran("g", reason="answer") if pages == 2 else self.runs("g", "answer"))["detail"])
                self.assertLessEqual(len(self.services.seen), 1 + pages)
                self.assertEqual(self.theirs(), ["G1"])

    def test_changed(self):
        """A document that changes between two pages: what the run has of the one server does not go to the other."""
        for i in range(5):
            self.google(f"G{i}", f"212555000{i}")
        other = self.enterContext(Services())
        other.put("O", names=[{"displayName": "Other"}])
        self.services.gate = threading.Event()
        self.put("g", service="google", url=self.services.url, login="c", secret="s r")
        until(lambda: any("pageToken" in query for _, _, query, _, _ in self.services.seen), self.node.log_tail)
        self.put("g", url=other.url, secret="s2 r2")
        self.services.gate.set()
        until(lambda: self.theirs() == ["Other"], self.node.log_tail)
        self.assertEqual([path for _, path, *_ in other.seen][:2], ["/token", "/v1/people/me/connections"])
        self.assertEqual([query for _, _, query, _, _ in other.seen if "pageToken" in query or "syncToken" in query], [])

    def test_killed(self):
        """The helper, the archive and the node are killed between two pages: the next run goes on, and nobody is lost or there twice."""
        for i in range(90):
            self.services.put(f"c{i:02}.vcf", card=card(f"C{i:02}", f"uid-{i}", f"TEL:21255{i:05}"))
        self.services.gate = threading.Event()
        self.put("d", url=f"{self.services.url}/book/", login="u")
        until(lambda: any("multiget" in body for *_, body in self.services.seen), self.node.log_tail)
        os.kill(children(self.node.process.pid, "tandem-helper")[0], signal.SIGKILL)
        self.ran("d", reason="helper")
        self.operator("sync.run", name="d")
        seen = len(self.services.seen)
        until(lambda: len(self.services.seen) > seen + 1, self.node.log_tail)
        os.kill(children(self.node.process.pid, "tandem-archive")[0], signal.SIGKILL)
        self.node.kill()
        self.node.restart()
        self.services.gate.set()
        until(lambda: self.state("d")["contacts"] == 90, self.node.log_tail)
        self.ran("d")
        self.assertEqual(self.theirs(), [f"C{i:02}" for i in range(90)])


    def person(self, i, **members):
        self.services.put(f"AAMk{i}", DisplayName=f"E{i}", **{"CompleteName": {"FirstName": "Anna", "LastName": f"Ng{i}"}, "PhoneNumbers": {"BusinessPhone": f"212555010{i}"},
                                                           **members})

    def test_exchange(self):
        """EWS: changes since a state, in parts, and contacts by their ids; a list of people is none; a state that is not known any more, a wrong password,
        a server that is busy, and one that vanishes between both requests."""
        for i in range(5):
            self.person(i)
        self.person(1, CompanyName="ACME & Co", Department="Sales", JobTitle="Head", PhoneNumbers={"BusinessPhone": "1", "MobilePhone": "2125550177", "HomeFax": "3"},
                    EmailAddresses={"EmailAddress1": "anna@example.com", "EmailAddress2": "/o=Example/cn=anna"})
        self.put("ex", service="exchange", url=f"{self.services.url}/EWS/Exchange.asmx", login="EXAMPLE\\anna", secret=self.services.PASSWORD)
        self.assertEqual((self.ran("ex")["contacts"], self.theirs()), (5, [f"E{i}" for i in range(5)]))
        one = self.one("E1")
        self.assertEqual([(phone["number"], phone["kind"]) for phone in one["phones"]], [("1", "work"), ("2125550177", "mobile"), ("3", "fax")])
        self.assertEqual((one["first_name"], one["last_name"], one["company"], one["department"], one["title"], one["emails"]),
                         ("Anna", "Ng1", "ACME & Co", "Sales", "Head", [{"address": "anna@example.com", "kind": "other"}]))
        self.services.delete("AAMk0")
        self.person(4, CompanyName="Other")
        self.person(5)
        self.services.seen.clear()
        self.assertEqual((self.runs("ex")["contacts"], self.theirs()), (5, [f"E{i}" for i in range(1, 6)]))
        items = [body.count("<t:ItemId") for *_, body in self.services.seen if "GetItem" in body]
        self.assertEqual((sum(items), self.one("E4")["company"]), (2, "Other"))     # what has not changed is not asked for
        self.services.delete("AAMk1")
        self.services.forget()
        self.runs("ex", "expired")
        until(lambda: self.theirs() == ["E2", "E3", "E4", "E5"] and self.state("ex")["reason"] == "", self.node.log_tail)
        busy = '<s:Envelope xmlns:s="x"><s:Body><m:ResponseCode xmlns:m="y">ErrorServerBusy</m:ResponseCode></s:Body></s:Envelope>'
        for answer, reason, detail in ((busy, "busy", ""), (busy.replace("ServerBusy", "Odd"), "answer", "ErrorOdd"), ("<html/>", "answer", "not of that service")):
            self.services.fails = [(200, {}, answer)]
            self.assertIn(detail, self.runs("ex", reason)["detail"])
        self.services.gate = threading.Event()
        self.person(2, CompanyName="Late")
        asked = sum("GetItem" in body for *_, body in self.services.seen)
        self.operator("sync.run", name="ex")
        until(lambda: sum("GetItem" in body for *_, body in self.services.seen) > asked, self.node.log_tail)
        self.services.delete("AAMk2")
        self.services.gate.set()
        until(lambda: self.state("ex")["failed"] == 1, self.node.log_tail)
        self.assertIn("E2", self.theirs())
        self.runs("ex")
        self.assertEqual(self.theirs(), ["E3", "E4", "E5"])
        self.put("ex", secret="wrong-one")
        until(lambda: self.state("ex")["reason"] == "login", self.node.log_tail)

    def test_folders(self):
        """CON-02: of Exchange and of Graph the folder that is chosen by its name alone; another one takes the contacts of the former away; of Graph also
        the users of the organisation. One that is not there is a reason."""
        folder = "O'Hara & Partners"
        for i in range(3):
            self.person(i, displayName=f"E{i}", businessPhones=[str(i)])
            self.services.folder_of[f"AAMk{i}"] = "AQMkA=" if i else "contacts"
        self.services.put("user", displayName="Ursula", mail="ursula@example.com", mobilePhone="7")
        self.services.folder_of["user"] = "users"
        services = {"exchange": {"url": f"{self.services.url}/EWS/Exchange.asmx", "login": "anna"},
                    "microsoft": {"url": self.services.url, "login": "client", "account": "anna@example.com"}}
        for service, fields in services.items():
            with self.subTest(service=service):
                put = lambda **more: self.put("f", service=service, secret=self.services.PASSWORD, **fields, **more)
                put(folder=folder)
                self.ran("f")
                self.assertEqual(self.theirs(), ["E1", "E2"])
                self.runs("f")
                put(folder="Nowhere")
                until(lambda: "no such folder" in self.state("f")["detail"], self.node.log_tail)
                self.assertEqual(self.theirs(), ["E1", "E2"])
                put(folder="")
                until(lambda: self.theirs() == ["E0"], self.node.log_tail)
                if service == "microsoft":
                    put(folder="Global Address List")
                    until(lambda: self.theirs() == ["Ursula"], self.node.log_tail)
                    self.assertEqual((self.one("Ursula")["emails"][0]["address"], self.one("Ursula")["number"]), ("ursula@example.com", "7"))
                self.operator("sync.delete", name="f")
                until(lambda: self.theirs() == [], self.node.log_tail)
        for more, words in (({"service": "google", "login": "c"}, "no folders"), ({"service": "exchange", **services["exchange"], "folder": "Global Address List"}, "alone")):
            with self.assertRaisesRegex(Refused, words):
                self.put("f", **{"folder": folder, **more})

    def test_ntlm(self):
        """Exchange that takes NTLM alone: a login with its domain, and no password goes over the network; a wrong one is a reason."""
        self.services.ntlm = True
        self.person(1)
        self.put("ex", service="exchange", url=f"{self.services.url}/EWS/Exchange.asmx", login="EXAMPLE\\anna", secret=self.services.PASSWORD)
        self.assertEqual((self.ran("ex")["contacts"], self.theirs()), (1, ["E1"]))
        self.assertEqual({one.get("Authorization", "NTLM").split()[0] for one in self.services.asked}, {"NTLM"})
        self.put("ex", secret="wrong-one")
        until(lambda: self.state("ex")["reason"] == "login", self.node.log_tail)
        self.put("ex", secret=self.services.PASSWORD, login="OTHER\\anna")
        until(lambda: self.state("ex")["ran_utc_ms"] and self.state("ex")["reason"] == "login", self.node.log_tail)
        self.assertEqual(self.theirs(), ["E1"])

    def test_public_folders(self):
        """CON-05: of Exchange the public folder of a path: all of it each time, in pages; what is gone there is gone here, and what is the user's own stays."""
        self.services.public = {("", "Sales & Co"): "PF1", ("PF1", "Customers"): "PF2", ("", "Customers"): "PF3"}
        for i in range(6):
            self.person(i)
            self.services.folder_of[f"AAMk{i}"] = "PF2" if i < 5 else "PF3"
        put = lambda **more: self.put("ex", service="exchange", url=f"{self.services.url}/EWS/Exchange.asmx", login="anna", secret=self.services.PASSWORD, **more)
        put(folder="Public Folders/Sales & Co/Customers")
        self.assertEqual((self.ran("ex")["contacts"], self.theirs()), (5, [f"E{i}" for i in range(5)]))
        self.operator("contact.put", user="1002", contact=self.one("E3")["contact"], favourite=True)
        self.services.delete("AAMk1")
        self.person(4, CompanyName="Other")
        self.assertEqual((self.runs("ex")["contacts"], self.theirs()), (4, ["E0", "E2", "E3", "E4"]))
        self.assertEqual((self.one("E4")["company"], self.one("E3")["favourite"]), ("Other", True))
        for folder in ("Public Folders/Sales & Co/Nowhere", "Public Folders/Nowhere/Customers", "Public Folders/"):
            put(folder=folder)
            until(lambda: "no such folder" in self.state("ex")["detail"], self.node.log_tail)
            self.operator("sync.run", name="ex")
        put(folder="Public Folders/Customers")
        until(lambda: self.theirs() == ["E5"], self.node.log_tail)

    def test_too_long(self):
        """A service that has pages without end, each another one, has its place until run_s alone; what it has brought stays, and the next run is due."""
        page = iter(range(1000000))

        def endless(request, _):
            n = next(page)
            time.sleep(0.3)
            request.answer(200, {"connections": [{"resourceName": f"people/{n}", "names": [{"displayName": f"G{n:06}"}]}], "nextPageToken": f"t{n}"})
        self.services.google = endless
        begun = time.monotonic()
        self.put("g", service="google", url=self.services.url, login="c", secret="s r", run_s=10)
        self.assertEqual(self.operator("sync.get", name="g")["run_s"], 10)
        state = self.ran("g", reason="timeout")
        self.assertGreater(time.monotonic() - begun, 9)
        self.assertIn("run_s", state["detail"])
        self.assertEqual(round((state["next_utc_ms"] - state["ran_utc_ms"]) / 60000), 10)
        self.assertEqual((self.theirs()[0], state["contacts"]), ("G000000", len(self.theirs())))
        seen = len(self.services.seen)
        time.sleep(1.5)
        self.assertEqual(len(self.services.seen), seen)


class Calendars(Synced):
    CALENDARS = {"google_calendar": {"login": "client", "secret": "client-secret refresh"}, "caldav": {"login": "anna"},
                 "microsoft_calendar": {"login": "client", "account": "anna@example.com"},
                 "exchange_calendar": {"login": "anna", "account": "anna@example.com"}}

    def calendar(self, service, **more):
        path = {"caldav": "/calendar/", "exchange_calendar": "/EWS/Exchange.asmx"}.get(service, "")
        self.put(service, service=service, url=self.services.url + path, **{"secret": self.services.PASSWORD, **self.CALENDARS[service], **more})

    def shown(self, number="1002"):
        return self.operator("presence.get", number=number)

    def becomes(self, state):
        return until(lambda: (shown := self.shown())["state"] == state and shown, lambda: f"{self.shown()} {self.node.log_tail()}")

    def test_services(self):
        """CON-02: of each calendar what is busy now, and what follows without a gap, is shown until it ends; what is free, tentative or out of office is not;
        a meeting that goes is not shown any more. The others of the tenant are as they were."""
        for service in self.CALENDARS:
            with self.subTest(service=service):
                now = int(time.time())
                self.services.meetings = [(now - 600, now + 1200, "busy"), (now + 1200, now + 1800, "busy"), (now + 1800, now + 2400, "tentative"),
                                          (now - 60, now + 9000, "free"), (now - 60, now + 9000, "oof"), (now + 3000, now + 4000, "busy")]
                self.calendar(service)
                self.assertEqual(self.becomes("in_a_meeting")["until_utc_ms"], (now + 1800) * 1000)
                state = self.ran(service)
                self.assertEqual((round((state["next_utc_ms"] - state["ran_utc_ms"]) / 60000), self.shown("1001")["state"]), (10, "available"))
                self.services.meetings = self.services.meetings[2:]
                self.runs(service)
                self.becomes("available")
                self.operator("sync.delete", name=service)

    def test_begins(self):
        """A meeting is shown when it begins, and not ten minutes later, and its user is available behind it; over a kill of the node before it begins."""
        begin = int(time.time()) + 20
        self.services.meetings = [(begin, begin + 12, "busy")]
        self.calendar("google_calendar")
        state = self.ran("google_calendar")
        self.assertLess(abs(state["next_utc_ms"] - begin * 1000), 1000)
        self.assertEqual(self.shown()["state"], "available")
        self.node.kill()
        self.node.restart()
        self.assertLess(time.time(), begin, "the machine was too slow for this")
        shown = self.becomes("in_a_meeting")
        self.assertGreaterEqual(time.time(), begin)
        self.assertEqual(shown["until_utc_ms"], (begin + 12) * 1000)
        self.becomes("available")
        self.assertGreaterEqual(time.time(), begin + 12)

    def test_own_choice(self):
        """What the user says in the meeting counts, also when the calendar is read again; what he said before counts again behind it. A calendar that
        cannot be read changes nothing."""
        self.operator("presence.set", number="1002", state="busy")
        now = int(time.time())
        self.services.meetings = [(now - 60, now + 600, "busy")]
        self.calendar("exchange_calendar")
        self.becomes("in_a_meeting")
        self.services.fails = [(500, {}, {})]
        self.runs("exchange_calendar", "status")
        self.assertEqual(self.shown()["state"], "in_a_meeting")
        self.ok(self.node, "POST", "/v1/presence/1002/set", self.other, {"state": "available"})
        self.services.meetings = [(now - 60, now + 900, "busy")]
        self.runs("exchange_calendar")
        self.assertEqual((self.shown()["state"], self.shown()["by"]), ("available", "page"))
        self.services.meetings = []
        self.runs("exchange_calendar")
        self.operator("presence.set", number="1002", state="busy")
        self.services.meetings = [(now - 60, now + 900, "busy")]
        self.runs("exchange_calendar")
        self.becomes("in_a_meeting")
        self.services.meetings = []
        self.runs("exchange_calendar")
        self.becomes("busy")

    def test_several(self):
        """Of two calendars, the one without a meeting does not end what the other one has said; that one does, over a kill of the node, and the first one
        is asked at once whether it has a meeting."""
        now = int(time.time())
        self.services.meetings = [(now - 60, now + 600, "busy")]
        self.calendar("google_calendar")
        self.becomes("in_a_meeting")
        self.ran("google_calendar")
        self.services.meetings = []
        self.calendar("exchange_calendar")
        self.ran("exchange_calendar")
        self.runs("exchange_calendar")
        self.assertEqual(self.shown()["state"], "in_a_meeting")
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.shown()["state"], "in_a_meeting")
        before = self.state("exchange_calendar")["ran_utc_ms"]
        self.runs("google_calendar")
        self.becomes("available")
        self.ran("exchange_calendar", before)

    def test_refused(self):
        """A calendar is of an extension, and of a mailbox."""
        for service, fields, words in (("google_calendar", {"user": ""}, "extension"), ("exchange_calendar", {"account": ""}, "mailbox"),
                                       ("microsoft_calendar", {"account": "anna"}, "mailbox")):
            with self.assertRaisesRegex(Refused, words):
                self.calendar(service, **fields)
        for service in ("caldav", "exchange_calendar", "exchange"):
            with self.assertRaisesRegex(Refused, "URL"):
                self.put(service, service=service, login="anna", account="anna@example.com")


class Rights(Synced):
    def test_copied(self):
        """CON-05: a sync that an administrator has made is copied to those that are named, or to all; again with what has changed; with the mailbox of each;
        locked, they leave it alone. Nobody is shown its secret, and users copy nothing."""
        for number, mail in (("1001", "anna@example.com"), ("1002", ""), ("1003", "chen@example.com")):
            self.node.put_extension(number, f"secret{number}")
            self.operator("extension.put", number=number, mail=mail)
        url = f"{self.services.url}/EWS/Exchange.asmx"
        self.operator("sync.put", name="ex", user="1001", service="exchange", url=url, login="svc", secret=self.services.PASSWORD, account="anna@example.com", minutes=20,
                      folder="O'Hara & Partners", locked=True)
        self.services.put("AAMk1", DisplayName="E1")
        self.services.folder_of["AAMk1"] = "AQMkA="
        rows = self.operator("sync.copy", name="ex", users="1003,1001,1099")
        self.assertEqual([(row["user"], row["name"]) for row in rows], [("1003", "ex-1003"), ("1099", "ex-1099")])
        self.assertEqual((rows[0]["error"], "extension" in rows[1]["error"]), ("", True))
        made = self.operator("sync.get", name="ex-1003")
        self.assertEqual([made[name] for name in ("user", "login", "account", "minutes", "folder", "locked", "has_secret")],
                         ["1003", "svc", "anna@example.com", 20, "O'Hara & Partners", True, True])
        self.ran("ex-1003")
        self.assertEqual(self.theirs("1003"), ["E1"])
        theirs = self.session(self.node, "1003")["token"]
        self.operator("tenant.put", name="default", contact_sync="users")
        self.refused(403, "not_allowed", self.node, "PATCH", "/v1/syncs/ex-1003", theirs, {"minutes": 30})
        self.refused(403, "not_allowed", self.node, "POST", "/v1/syncs/ex-1003/copy", theirs, {})
        self.operator("sync.put", name="ex", minutes=30)
        rows = self.operator("sync.copy", name="ex", mailbox=True)
        self.assertEqual({row["user"]: row["error"] for row in rows}, {"1002": "", "1003": ""})
        self.assertEqual([self.operator("sync.get", name=name)["account"] for name in ("ex-1002", "ex-1003")], ["", "chen@example.com"])
        self.assertEqual(self.operator("sync.get", name="ex-1003")["minutes"], 30)
        self.operator("sync.put", name="shared", user="", service="exchange", url=url, login="svc", secret="s")
        for name, words in (("shared", "directory"), ("none", "not_found")):
            with self.assertRaisesRegex(Refused, words):
                self.operator("sync.copy", name=name)
        self.assertNotIn(self.services.PASSWORD, self.node.log_tail() + str(rows))

    def test_who_may(self):
        """A user has own ones, sees no others, and changes none that is locked; the directory's are administrators'."""
        path, body = "/v1/syncs/mine", {"service": "google", "url": self.services.url, "login": "c", "secret": "s r"}
        self.refused(403, "not_allowed", self.node, "PATCH", path, self.mine, body)
        self.operator("tenant.put", name="default", contact_sync="none")
        with self.assertRaisesRegex(Refused, "contact_sync"):
            self.put("x", **body)
        self.operator("tenant.put", name="default", contact_sync="users")
        made = self.ok(self.node, "PATCH", path, self.mine, body)
        self.assertEqual((made["user"], made["has_secret"], "secret" in made), ("1001", True, False))
        self.refused(403, "not_allowed", self.node, "PATCH", "/v1/syncs/theirs", self.mine, {**body, "user": "1002"})
        for method, where, what in (("PATCH", path, {"minutes": 20}), ("DELETE", path, None)):
            self.refused(403, "not_allowed", self.node, method, where, self.other, what)
        self.refused(404, "not_found", self.node, "GET", path, self.other)
        self.refused(404, "not_found", self.node, "POST", f"{path}/run", self.other, {})
        self.assertEqual((len(self.ok(self.node, "GET", "/v1/syncs", self.mine)), self.ok(self.node, "GET", "/v1/syncs", self.other)), (1, []))
        self.refused(403, "not_allowed", self.node, "PATCH", path, self.mine, {"locked": True})
        # why it failed is a word for a user, and more for an administrator
        after = self.ran("mine")["ran_utc_ms"]
        self.services.fails = [(500, {}, {})]
        self.operator("sync.run", name="mine")
        self.assertIn("500", self.ran("mine", after, "status")["detail"])
        seen = self.ok(self.node, "GET", f"{path}/state", self.mine)
        self.assertEqual((seen["reason"], seen["detail"]), ("status", ""))
        self.operator("sync.put", name="mine", locked=True)
        for method, what in (("PATCH", {"on": False}), ("DELETE", None)):
            self.refused(403, "not_allowed", self.node, method, path, self.mine, what)
        self.ok(self.node, "POST", f"{path}/run", self.mine, {})
        application = self.token(self.node, "application", name="app")
        self.refused(403, "not_allowed", self.node, "PATCH", "/v1/syncs/all", application, body)
        self.operator("sync.put", name="all", **body)
        self.google = Sync.google
        self.services.put("d", names=[{"displayName": "Directory"}])
        self.operator("sync.run", name="all")
        until(lambda: [one["name"] for one in self.directory(self.mine, "?search=directory")] == ["Directory"], self.node.log_tail)

    def test_refused(self):
        """What cannot be asked is refused when it is put; a secret goes to no other server than the one that it was given for."""
        for fields, words in (({"url": ""}, "URL"), ({"url": "http://example.com/book/"}, "web_networks"), ({"url": "ftp://127.0.0.1/"}, "https://HOST"),
                              ({"url": "https://10.0.0.1/"}, "web_networks"), ({"url": "https://u:p@example.com/"}, "https://HOST"), ({"login": ""}, "needs it"),
                              ({"service": "microsoft"}, "mailbox"), ({"user": "1009"}, "no such extension"), ({"minutes": 4}, "5")):
            with self.assertRaisesRegex(Refused, words):
                self.put("x", **{"url": f"{self.services.url}/b/", "login": "u", **fields})
        with self.assertRaisesRegex(Refused, "give it"):
            self.operator("sync.put", name="x", user="1002", url=f"{self.services.url}/b/", login="u")
        self.put("x", url=f"{self.services.url}/b/", login="u")
        with self.assertRaisesRegex(Refused, "give it"):
            self.operator("sync.put", name="x", url=f"{self.services.url}/c/")
        for fields in ({"login": "v"}, {"account": "v@example.com"}):
            with self.assertRaisesRegex(Refused, "give it"):
                self.operator("sync.put", name="x", **fields)
        self.put("x", url=f"{self.services.url}/b/", login="u", on=False, minutes=5)
        state = until(lambda: (state := self.state("x"))["next_utc_ms"] - state["ran_utc_ms"] == 300000 and state, self.node.log_tail)
        self.assertEqual(state["reason"], "")
        with self.assertRaisesRegex(Refused, "keeps its book"):
            self.put("x", user="1001")
        for i in range(7):
            self.put(f"x{i}", url=f"{self.services.url}/b/", login="u")
        with self.assertRaisesRegex(Refused, "full"):
            self.put("x8", url=f"{self.services.url}/b/", login="u")

    def test_extension_goes(self):
        """Its syncs go with it, and what they have brought."""
        self.services.put("1", name="P1")
        self.put("p", service="pipedrive", url=self.services.url)
        self.ran("p")
        self.operator("extension.delete", number="1002", force=True)
        until(lambda: self.operator("sync.list") == [], self.node.log_tail)
        self.node.put_extension("1002", "secret1002")
        until(lambda: self.theirs() == [], self.node.log_tail)


class Nodes(Asks, Cluster):
    """Two nodes and one PostgreSQL, and a Redis apart."""

    @classmethod
    def setUpClass(cls):
        cls.sql = cls.enterClassContext(Postgres(cls.enterClassContext(tempfile.TemporaryDirectory(dir="/tmp"))))
        super().setUpClass()

    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "archive": {"url": cls.sql.url}}

    def test_taken(self):
        """One run at a time, whichever node has taken the command; the node that has it is killed between two pages, and the other one goes on."""
        self.at_home()
        services = self.enterContext(Services())
        services.gate = threading.Event()
        for i in range(5):
            services.put(f"G{i}", names=[{"displayName": f"G{i}"}])
        self.a.ctl("tenant.put", name="default", web_networks=NETWORKS)
        with Client(self.b.redis_socket, "_operator") as client:
            client.ask("sync.put", name="g", user="1001", service="google", url=services.url, login="c", secret="s r")
        until(lambda: any("pageToken" in query for _, _, query, _, _ in services.seen), self.a.log_tail)
        first = [node for node in (self.a, self.b) if node.metric("tandem_archive_reads") == 1]
        self.assertEqual(len(first), 1)
        for node in (self.a, self.b, self.a):
            node.ctl("sync.run", name="g")
        time.sleep(5)       # nobody begins another run meanwhile
        self.assertEqual(sum("pageToken" in query for _, _, query, _, _ in services.seen), 1)
        first[0].kill()
        left = self.b if first[0] is self.a else self.a
        services.gate.set()
        until(lambda: len(left.ctl("contact.list", user="1001")) == 5, left.log_tail)
        until(lambda: left.ctl("sync.state", name="g")["good_utc_ms"], left.log_tail)
        self.assertEqual([one["name"] for one in left.ctl("contact.list", user="1001")], [f"G{i}" for i in range(5)])
        first[0].restart()

    def test_meeting(self):
        """The node that has read a calendar is killed before the meeting begins: the other one shows it when it begins."""
        self.at_home()
        services = self.enterContext(Services())
        begin = int(time.time()) + 25
        services.meetings = [(begin, begin + 600, "busy")]
        self.a.ctl("tenant.put", name="default", web_networks=NETWORKS)
        with Client(self.b.redis_socket, "_operator") as client:
            client.ask("sync.put", name="m", user="1002", service="google_calendar", url=services.url, login="c", secret="s r")
        until(lambda: self.a.ctl("sync.state", name="m")["good_utc_ms"], self.a.log_tail)
        first = [node for node in (self.a, self.b) if node.metric("tandem_archive_reads") == 1]
        self.assertEqual(len(first), 1)
        first[0].kill()
        left = self.b if first[0] is self.a else self.a
        self.registers(18 if left is self.b else 17, "1002")
        until(lambda: left.ctl("presence.get", number="1002")["state"] == "in_a_meeting", left.log_tail)
        self.assertGreaterEqual(time.time(), begin)
        left.ctl("sync.delete", name="m", force=True)
        first[0].restart()


if __name__ == "__main__":
    import unittest
    unittest.main()
