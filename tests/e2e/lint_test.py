# SPDX-License-Identifier: Apache-2.0
"""docs/guides/lint.md: what of the configuration hardly means what it says, and whether help can be called."""
import json
import socket
import unittest

from lib import place
from lib.node import Node
from patience import until
from sets_test import Local

GERMANY = {"sip": {"emergency_numbers": ["112", "110"]}}


class Lint(unittest.TestCase):
    settings = None

    def setUp(self):
        self.node = self.enterContext(Node(settings=self.settings))
        self.local = Local(self.node)
        self.addCleanup(self.local.socket.close)
        self.addCleanup(self.local.file.close)
        self.extension("1001")

    def ask(self, command, **args):
        return self.local.ask(command, **args)

    def extension(self, number, **args):
        return self.ask("extension.put", number=number, password="verysecret1", **args)

    def lint(self):
        """{place: [reasons]}; each finding says what to do."""
        found = {}
        for row in self.ask("lint", limit=1000):
            self.assertTrue(row["next"], row)
            found.setdefault(row["place"], []).append(row["reason"])
        return found

    def health(self):
        status, text = self.node.http("/healthz")
        said = json.loads(text)
        return status, "emergency_calls_fail" in said["reasons"], said.get("details", {}).get("emergency_calls_fail", "")

    def told(self):
        """Events of help, as the stream has them: (type, number, reason)."""
        return [(row["type"], row["to"], row.get("reason")) for row in self.node.told("td:{ev:default}") if row["type"].startswith("emergency.")]

    def check(self, number):
        said = self.ask("dialplan.check", number=number, **{"from": "1001"})
        return said["meaning"], said["status"], said["why"], said["rule"]


class Help(Lint):
    settings = GERMANY

    def test_no_trunk_then_one(self):
        """No route, no trunk, a server that does not answer, one that may: each is told everywhere."""
        self.assertEqual(self.check("112"), ("emergency", 404, "No extension, room, feature code or route has this number.", "route"))
        until(lambda: self.health()[1], self.health)
        status, _, words = self.health()
        self.assertEqual(status, 200)                   # calls inside go on
        self.assertIn("tenant default, 112: a call gets 404", words)
        self.assertEqual(self.node.metric("tandem_emergency_tenants_cut_off"), 1)
        self.assertIn("emergency calls would reach nobody", self.node.log_text())
        self.assertEqual({"emergency 112", "emergency 110"} & self.lint().keys(), {"emergency 112", "emergency 110"})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((place.PARTY, 0))
            self.ask("trunk.put", name="carrier", servers=f"{place.PARTY}:{silent.getsockname()[1]}", direction="out", probe_s=1, probe_failures=1)
            self.ask("route.put", name="help", pattern="112", trunks="carrier")
            self.assertEqual(self.check("112")[1], 0)   # nothing is known against it
            until(lambda: self.check("112")[:2] == ("emergency", 503), lambda: self.check("112"))
            until(lambda: "112: a call gets 503" in self.health()[2], self.health)
            self.assertIn("a call gets 503", self.lint()["emergency 112"][0])
            self.ask("trunk.put", name="carrier", enabled=False)
            self.assertEqual(self.check("112")[1], 503)
            self.ask("trunk.put", name="carrier", enabled=True, probe_s=0)
            until(lambda: self.check("112")[1] == 0, lambda: self.check("112"))
            self.assertTrue(self.health()[1])           # 110 has no route
            self.ask("route.put", name="help", pattern="112|110", trunks="carrier")
            until(lambda: not self.health()[1], self.health)
        self.assertEqual(self.node.metric("tandem_emergency_tenants_cut_off"), 0)
        until(lambda: self.told()[-1:] == [("emergency.up", "", None)], self.told)
        self.assertEqual(self.told()[0], ("emergency.down", "112", "a call gets 404: No extension, room, feature code or route has this number."))
        self.assertEqual([self.lint()[f"emergency {number}"][0] for number in ("112", "110")], ["emergency calls rely on a trunk that is not probed"] * 2)
        self.ask("trunk.put", name="carrier", probe_s=3600)
        self.assertFalse([at for at in self.lint() if at.startswith("emergency")])

    def test_of_a_tenant(self):
        """Each tenant has numbers of its own; who has no extension calls nobody."""
        self.ask("extension.delete", number="1001")
        until(lambda: not self.health()[1], self.health)
        self.ask("tenant.put", name="acme", domains="acme.test")
        self.ask("extension.put", tenant="acme", number="1001", password="verysecret1")
        self.ask("dialplan.put", tenant="acme", emergency="911")
        until(lambda: "tenant acme, 911" in self.health()[2], self.health)


class Usual(Lint):
    def test_one_of_the_usual_ones(self):
        """Nobody has chosen numbers: one that works is enough."""
        until(lambda: self.health()[1], self.health)
        self.ask("trunk.put", name="carrier", servers="192.0.2.1", direction="out")
        self.ask("route.put", name="help", pattern="112", trunks="carrier")
        until(lambda: not self.health()[1], self.health)


class Findings(Lint):
    def test_each(self):
        self.extension("1002", forward_always="1003")
        self.extension("1003", forward_always="1002")
        self.extension("1004", forward_busy="nobody", mailbox_mail="one@example.org")
        self.extension("112")
        self.ask("group.put", name="empty")
        self.ask("hours.put", name="never")
        self.ask("hours.put", name="office", week="mon-fri 08:00-18:00")
        self.ask("flow.put", name="lost", program=[{"hangup": {}}])
        self.ask("flow.put", name="found", program=[{"hangup": {}}])
        self.ask("number.put", number="7000", to="flow:found")
        self.ask("number.put", number="7001", to="flow:gone")
        self.ask("flow.put", name="leaves", program=[{"record": {"mailbox": "1099"}}, {"record": {"mailbox": "1004"}}, {"record": {"mailbox": "{called}"}}])
        self.ask("trunk.put", name="idle", servers="192.0.2.1", direction="out")
        self.ask("trunk.put", name="off", servers="192.0.2.1", direction="out", enabled=False)
        self.ask("token.create", name="old", expires_utc_s=1)
        self.ask("webhook.put", name="shut", url="https://example.org/", enabled=False, events="call.anwsered")
        found = self.lint()
        for at, reason in (("extension 1002", "forward_always leads back to it"), ("extension 1003", "forward_always leads back to it"),
                           ("extension 1004", "forward_busy: there is no number nobody yet"), ("extension 1004", "mail.url is not set"),
                           ("extension 112", "to dial it makes an emergency call to 112"),
                           ("group empty", "it has no members"), ("group empty", "no number and no flow leads to it"),
                           ("hours never", "it never opens"), ("flow lost", "no number leads to it"),
                           ("flow leaves", "record of step 1: no extension has the mailbox 1099"),
                           ("number 7001", "there is no flow gone yet"), ("trunk idle", "no route has it"), ("trunk off", "it is not enabled"),
                           ("token old", "it expired"), ("webhook shut", "it is off"), ("webhook shut", "no event is called call.anwsered")):
            self.assertTrue([text for text in found.get(at, []) if reason in text], (at, reason, found))
        self.assertEqual(len([text for text in found["flow leaves"] if "mailbox" in text]), 1)
        for at in ("extension 1001", "hours office", "flow found", "number 7000"):
            self.assertNotIn(at, found)
        said = self.node.tandemctl("lint")
        self.assertIn("group empty", json.dumps(said) if not isinstance(said, str) else said)


del Lint

if __name__ == "__main__":
    unittest.main()
