# SPDX-License-Identifier: Apache-2.0
"""What names what: who deletes one that others name is told their names, and who puts one, what it names and is not there."""
import json
import unittest
import urllib.error
import urllib.request

from lib import place
from lib.node import Node
from patience import PATIENCE_S, until
from sets_test import Local, Refusal

MENU = {"start": "ask", "steps": {
    "ask": {"hours": "office", "next": "ring", "closed": "box"},
    "ring": {"dial": ["group:sales", "1003"], "next": "bye", "failed": "other"},
    "other": {"redirect": "flow:night"}, "box": {"voicemail": "1004"}, "bye": {"hangup": {}}}}


class References(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())
        self.local = Local(self.node)
        self.addCleanup(self.local.socket.close)
        self.addCleanup(self.local.file.close)

    def ask(self, command, **args):
        return self.local.ask(command, **args)

    def extension(self, number, **args):
        return self.ask("extension.put", number=number, password="verysecret1", **args)

    def named(self, by, command, **args):
        """It is refused by those names, and nothing has gone."""
        with self.assertRaises(Refusal) as caught:
            self.ask(command, **args)
        self.assertEqual(caught.exception.code, "conflict")
        for words in by:
            self.assertIn(words, caught.exception.args[0])

    def furnish(self):
        for number in ("1001", "1002", "1003", "1004"):
            self.extension(number)
        self.ask("hours.put", name="office", week="mon-fri 08:00-18:00")
        self.ask("group.put", name="sales", members="1001,1002")
        self.ask("flow.put", name="night", program=[{"hangup": {}}])
        self.assertNotIn("warnings", self.ask("flow.put", name="menu", program=MENU))
        self.ask("number.put", number="7000", to="flow:menu")
        self.ask("trunk.put", name="carrier", servers="192.0.2.1", direction="out")
        self.ask("route.put", name="out", pattern="0x.", trunks="carrier:1:10")

    def test_every_kind(self):
        self.furnish()
        self.extension("1001", forward_busy="1002", mailbox_members="1003", hours="office", lamps="1=blf:1002:Two", locations="")
        self.ask("profile.put", name="branch")
        self.ask("profile.range.put", **{"from": "192.0.2.0", "to": "192.0.2.9", "profile": "branch"})
        self.ask("location.put", id="7", country="DE")
        self.ask("room.put", number="7100")
        self.extension("1005", forward_always="7100", forward_busy="7000", locations="7")
        self.ask("token.create", name="crm", user="1004")
        self.extension("1006")
        self.ask("hours.put", name="weekend", week="sat-sun 08:00-18:00")
        self.ask("flow.put", name="full", program=[{"hangup": {}}])
        self.ask("queue.put", name="help", members="1006", callback_payer="1006", callback_hours="weekend", full_to="flow:full")
        self.ask("flow.put", name="wait", program={"start": "q", "steps": {"q": {"queue": "help", "next": "bye"}, "bye": {"hangup": {}}}})
        self.ask("number.put", number="7200", to="queue:help")
        self.ask("page.put", name="hall", members="1006")
        self.ask("number.put", number="7300", to="page:hall")
        self.ask("device.put", mac="0004f2000001", model="vvx410", extensions="1006", location=7)
        self.ask("account.put", code="4711", extensions="1006")
        self.ask("dialplan.put", operator="1003")
        self.ask("tenant.put", name="default", account_flow="night")
        for by, command, args in (
                (("route out (trunks)",), "trunk.delete", {"name": "carrier"}),
                (("flow menu (dial of step ring)",), "group.delete", {"name": "sales"}),
                (("flow menu (hours of step ask)", "extension 1001 (hours)"), "hours.delete", {"name": "office"}),
                (("number 7000 (to)",), "flow.delete", {"name": "menu"}),
                (("flow menu (redirect of step other)", "tenant default (account_flow)"), "flow.delete", {"name": "night"}),
                (("group sales (members)", "extension 1001 (forward_busy)"), "extension.delete", {"number": "1002"}),
                (("flow menu (dial of step ring)", "dialplan default (operator)"), "extension.delete", {"number": "1003"}),
                (("flow menu (voicemail of step box)", "token crm (user)"), "extension.delete", {"number": "1004"}),
                (("extension 1005 (forward_always)",), "room.delete", {"number": "7100"}),
                (("extension 1005 (forward_busy)",), "number.delete", {"number": "7000"}),
                (("profile_range 192.0.2.0 (profile)",), "profile.delete", {"name": "branch"}),
                (("extension 1005 (locations)", "device 0004f2000001 (location)"), "location.delete", {"id": "7"}),
                (("number 7300 (to)",), "page.delete", {"name": "hall"}),
                (("number 7200 (to)", "flow wait (queue of step q)"), "queue.delete", {"name": "help"}),
                (("queue help (callback_hours)",), "hours.delete", {"name": "weekend"}),
                (("queue help (full_to)",), "flow.delete", {"name": "full"}),
                (("queue help (callback_payer)", "page hall (members)", "device 0004f2000001 (extensions)", "account 4711 (extensions)"),
                 "extension.delete", {"number": "1006"})):
            with self.subTest(command=command, **args):
                self.named(by, command, **args)
        answer = self.ask("group.delete", name="sales", force=True)
        self.assertEqual(answer["named_by"], {"flow/menu": "dial of step ring"})
        self.ask("flow.put", name="menu", program=[{"hangup": {}}])     # names nobody from now on
        self.ask("flow.put", name="night", program=[{"hangup": {}}])
        self.ask("extension.delete", number="1003", force=True)
        self.named(("extension 1001 (hours)",), "hours.delete", name="office")
        self.extension("1001", hours="")
        self.ask("hours.delete", name="office")
        self.node.stop()                                                # and a start knows them
        self.node.start()
        self.local.connect()
        self.named(("route out (trunks)",), "trunk.delete", name="carrier")
        token = self.ask("token.create", name="admin", role="operator")["token"]
        request = urllib.request.Request(f"http://{place.NODE}:{self.node.http_port}/v1/trunks/carrier?force=true", method="DELETE",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            self.assertEqual(json.loads(answer.read())["named_by"], {"route/out": "trunks"})

    def test_what_goes_along(self):
        """With force: privileges and tokens of the one before are not the next one's."""
        for number in ("1001", "1002", "1003"):
            self.extension(number)
        for number in ("1001", "1003"):
            self.ask("supervisor.put", number=number, whom="1002,1001", modes=["listen"])
        token = self.ask("token.create", name="crm", user="1001")["token"]
        self.ask("token.create", name="admin", role="admin")
        self.ask("agent.login", number="1001")
        self.named(("supervisor 1001 (number)", "token crm (user)", "supervisor 1003 (whom)"), "extension.delete", number="1001")
        answer = self.ask("extension.delete", number="1001", force=True)
        self.assertEqual(sorted(answer["deleted"]), ["agent/1001", "supervisor/1001", "token/crm"])
        until(lambda: self.ask("agent.list") == [])
        self.assertIn("supervisor/1003", answer["named_by"])
        until(lambda: [row["number"] for row in self.ask("supervisor.list")] == ["1003"])
        until(lambda: [row["name"] for row in self.ask("token.list")] == ["admin"])
        self.extension("1001")
        request = urllib.request.Request(f"http://{place.NODE}:{self.node.http_port}/v1/extensions/1001", headers={"Authorization": f"Bearer {token}"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE_S)
        self.assertEqual(refused.exception.code, 401)

    def test_what_is_not_there(self):
        self.furnish()
        self.ask("dialplan.put", country="49", area="30", national_prefix="0")
        self.ask("route.put", name="all", pattern="+x.", trunks="carrier")
        for words, command, args in (
                ("forward_busy: no extension has the number 1009: it is called outside, as +49301009", "extension.put", {"number": "1001", "forward_busy": "1009"}),
                ("hours: there is no hours offise yet", "extension.put", {"number": "1001", "hours": "offise"}),
                ("forward_busy: there is no number nobody yet", "extension.put", {"number": "1001", "forward_busy": "nobody"}),
                ("members: no extension has the number 1008", "group.put", {"name": "sales", "members": "1001,1008"}),
                ("else: there is no flow nihgt yet", "group.put", {"name": "sales", "else": "flow:nihgt"}),
                ("to: there is no group sails yet", "number.put", {"number": "7001", "to": "group:sails"}),
                ("to: there is no page hal yet", "number.put", {"number": "7002", "to": "page:hal"}),
                ("to: there is no queue hlep yet", "number.put", {"number": "7002", "to": "queue:hlep"}),
                ("location: there is no location 9 yet", "device.put", {"mac": "0004f2000002", "model": "vvx410", "extensions": "1001", "location": 9}),
                ("extensions: there is no extension 1008 yet", "account.put", {"code": "12", "extensions": "1008"}),
                ("trunk: there is no trunk carier yet", "did.put", {"number": "+4930", "trunk": "carier", "to": "1001"}),
                ("to: no extension has the number 1007", "did.put", {"number": "+4930", "to": "1007"}),
                ("events: no event is called call.anwsered", "webhook.put", {"name": "w", "url": "https://example.org/", "events": "call.anwsered,call.*"})):
            with self.subTest(words=words):
                self.assertTrue(any(warning.startswith(words) for warning in self.ask(command, **args).get("warnings", [])), self.ask(command, **args))
        for command, args in (("extension.put", {"number": "1001", "forward_busy": "+493012345678,7000", "hours": "office,*"}),
                              ("group.put", {"name": "sales", "members": "1001,1002", "else": "flow:night"}),
                              ("did.put", {"number": "+4930", "trunk": "carrier", "to": "1001"})):
            self.assertNotIn("warnings", self.ask(command, **args), args)

    def test_sets(self):
        """A set deletes both, in whatever order it names them; one alone is refused; what it puts counts as it will be."""
        both = [{"kind": "group", "name": "team", "members": "2001"}, {"kind": "number", "number": "2100", "to": "group:team"},
                {"kind": "extension", "number": "2001", "password": "verysecret1"}]
        self.assertEqual(self.local.apply("team", both)["state"], "applied")
        with self.assertRaises(Refusal) as caught:
            self.local.apply("team", both[:2], prune=True)
        self.assertIn("there is no number 2001", caught.exception.args[0])
        self.ask("group.put", name="other", members="2001")
        with self.assertRaises(Refusal) as caught:
            self.local.apply("team", [], prune=True)
        self.assertIn("extension 2001 is named by group other (members)", caught.exception.args[0])
        self.ask("group.delete", name="other")
        self.assertEqual(self.local.apply("team", [], prune=True)["deleted"], 3)


if __name__ == "__main__":
    unittest.main()
