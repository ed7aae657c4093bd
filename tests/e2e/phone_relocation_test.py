# SPDX-License-Identifier: Apache-2.0
"""REG-30: an extension of one site logs in by #17 at a phone of another one, and its calls follow."""
import contextlib
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lib import place                   # noqa: E402
from lib.sip import UserAgent           # noqa: E402
from patience import until              # noqa: E402
from phone_login_test import MACS, SECRET, OneNode, Phones      # noqa: E402
from ports import Ports                 # noqa: E402
from server import ServerError          # noqa: E402
from taken_test import ADDRESSES, SIP, Cluster      # noqa: E402
from tandem_client import ha1           # noqa: E402

NORTH = "north.test"


class Sites(Phones):
    """Tenants default and north are sites of one enterprise: phones stand at default, and 301 and 302 are at home in north."""

    @classmethod
    def put(cls, node):
        super().put(node)
        node.ctl("tenant.put", name="default", enterprise="acme")
        node.ctl("tenant.put", name="north", domains=NORTH, enterprise="acme")
        for number in ("301", "302"):
            node.ctl("extension.put", tenant="north", number=number, ha1=ha1(number, NORTH, "secret" + number), pin="47" + number, relocates=number == "301")
        for number, flow in (("#17", "phone-login"), ("#27", "phone-logout")):
            node.ctl("number.put", tenant="north", number=number, to="flow:" + flow)

    def at_home(self, node, number, server=None):
        agent = node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        agent.domain, agent.server = NORTH, server or agent.server
        return agent

    def moves_in(self, device, server):
        """It registers where its file says, which has no address in a test."""
        self.assertEqual((device.values["reg.1.address"], device.values["reg.1.server.1.address"], device.values["reg.1.auth.userId"]), ("301", NORTH, device.mac))
        device.agent.close()
        device.values["reg.1.server.1.address"], device.values["reg.1.server.1.port"] = server

        def of_north(*account):
            agent = UserAgent(*account)
            agent.domain = NORTH
            return agent
        self.assertEqual(device.register(of_north).status, 200)
        device.syncs.clear()

    def rings(self, node, caller, callee):
        with contextlib.closing(node.media()) as sound:
            out = caller.invite("301", sound.sdp())
            callee.incoming().reject(486, "Busy Here")
            self.assertEqual(out.wait_final().status, 486)

    def is_at(self, node, mac):
        until(lambda: [row["mac"] for row in node.ctl("device.mine", tenant="north", number="301")] == ([mac] if mac else []),
              lambda: node.ctl("device.mine", tenant="north", number="301"))


class Relocation(Sites, OneNode, unittest.TestCase):
    def told(self, tenant, kind):
        return [event for event in self.node.told(f"td:{{ev:{tenant}}}") if event["type"] == kind]

    def tearDown(self):
        for mac in MACS:
            with contextlib.suppress(ServerError):
                self.node.ctl("device.logout", mac=mac)

    def test_there_and_back(self):
        """301 leaves its phone at home, is at one of the other site, also behind a kill of the node, and comes back by #27."""
        server = (place.NODE, self.node.sip_port)
        home, caller = self.at_home(self.node, "301"), self.at_home(self.node, "302")
        for agent in (home, caller):
            self.assertEqual(agent.register().status, 200)
        device = self.bare(self.node, self.port, MACS[0])
        self.assertIn("done", self.keys(self.node, device, "%2317", "301#", "47301#"))
        self.assertEqual(self.asked(device), "301")
        self.moves_in(device, server)
        self.assertEqual(home.register().status, 403)
        self.is_at(self.node, MACS[0])
        self.node.kill()
        self.node.restart()
        self.moves_in_again(device)
        self.assertEqual(home.register().status, 403)
        self.assertEqual(caller.register().status, 200)
        self.rings(self.node, caller, device.agent)
        self.assertEqual(self.node.ctl("device.get", mac=MACS[0])["guest"], "301@north")

        self.keys(self.node, device, "%2327")
        self.assertEqual(self.asked(device), "900")
        self.assertEqual(device.values["reg.1.server.1.address"], place.NODE)
        self.assertIn(device.agent.register().status, (401, 403))
        self.registers(device)
        self.assertEqual(home.register().status, 200)
        self.rings(self.node, caller, home)
        self.is_at(self.node, "")
        for tenant in ("default", "north"):
            self.assertEqual([(event["device"], event["number"], event["state"]) for event in self.told(tenant, "device.user")][-2:],
                             [(MACS[0], "301@north", "in"), (MACS[0], "301@north", "out")])

    def moves_in_again(self, device):
        until(lambda: device.agent.register().status == 200, lambda: "it does not register any more")

    def refused(self, device, number, pin):
        """It hears why, and nobody is logged in."""
        way = self.keys(self.node, device, "%2317", number + "#", pin + "#", *("*#" if number == "302" else ()))
        self.assertEqual(self.node.ctl("device.get", mac=device.mac)["guest"], "", way)
        return way

    def test_who_may(self):
        """Neither without relocates, nor of another enterprise, nor by a command without the PIN."""
        device = self.bare(self.node, self.port, MACS[1])
        self.assertIn("wrong", self.refused(device, "302", "47302"))
        for argument in ({"number": "301", "home": "north"}, {"number": "302", "home": "north"}):
            with self.assertRaisesRegex(ServerError, "PIN"):
                self.node.ctl("device.login", mac=MACS[1], as_role="admin", **argument)
        with self.assertRaisesRegex(ServerError, "#17"):
            self.node.ctl("device.put", mac=MACS[1], guest="301@north", as_role="admin")
        with self.assertRaisesRegex(ServerError, "relocates"):
            self.node.ctl("device.login", mac=MACS[1], number="302", home="north")
        self.node.ctl("tenant.put", name="north", enterprise="other")
        self.addCleanup(self.node.ctl, "tenant.put", name="north", enterprise="acme")
        with self.assertRaisesRegex(ServerError, "enterprise"):
            self.node.ctl("device.login", mac=MACS[1], number="301", home="north")

    def test_seats(self):
        """Without a seat of phone and advanced at the other site the caller hears an error; with one he is in, and it is taken."""
        device = self.bare(self.node, self.port, MACS[1])
        for number in ("900", "201", "202", "203"):
            self.node.ctl("extension.put", number=number, seats=["phone"])
            self.addCleanup(self.node.ctl, "extension.put", number=number, seats=[])
        self.addCleanup(self.node.ctl, "tenant.put", name="default", seats="")

        def left():
            return {row["seat"]: row["left"] for row in self.node.ctl("seat.list") if row["seat"] in ("phone", "advanced")}
        for seats in ("phone=5,advanced=0", "phone=4,advanced=1"):
            self.node.ctl("tenant.put", name="default", seats=seats)
            self.assertIn("later", self.refused(device, "301", "47301"))
        self.node.ctl("tenant.put", name="default", seats="phone=5,advanced=1")
        self.assertEqual(left(), {"phone": 1, "advanced": 1})
        self.assertIn("done", self.keys(self.node, device, "%2317", "301#", "47301#"))
        self.assertEqual(left(), {"phone": 0, "advanced": 0})
        self.node.ctl("device.logout", mac=MACS[1])
        self.assertEqual(left(), {"phone": 1, "advanced": 1})
        self.assertIn("seat", [event["reason"] for event in self.told("default", "device.refused")])

    def test_the_right_is_taken(self):
        """Whoever may relocate no more is logged out, and his phones at home are his again."""
        device = self.bare(self.node, self.port, MACS[2])
        self.addCleanup(self.node.ctl, "extension.put", tenant="north", number="301", relocates=True)
        self.node.ctl("device.login", mac=MACS[2], number="301", home="north")
        self.is_at(self.node, MACS[2])
        home = self.at_home(self.node, "301")
        self.assertEqual(home.register().status, 403)
        with self.assertRaisesRegex(ServerError, "device"):
            self.node.ctl("device.login", mac=MACS[1], number="301", home="north")
        self.node.ctl("extension.put", tenant="north", number="301", relocates=False)
        self.is_at(self.node, "")
        self.assertEqual(home.register().status, 200)
        until(lambda: not self.node.ctl("device.get", mac=MACS[2])["guest"], lambda: self.node.ctl("device.get", mac=MACS[2]))
        self.assertEqual(self.asked(device), "900")


class Nodes(Sites, Cluster):
    """Two nodes and a Redis apart."""
    @classmethod
    def settings(cls, name, shard):
        cls.port = getattr(cls, "port", None) or cls.enterClassContext(Ports(1)).take()
        own = {"provision": {"bind": place.NODE, "http": cls.port}} if name == "b" else {}
        return super().settings(name, shard) | own

    def leaves(self):
        with contextlib.suppress(ServerError):      # a has just started
            return self.a.ctl("device.logout", tenant="north", mac=MACS[0], number="301")
        return None

    def test_killed(self):
        """The node at which #17 was keyed is killed: the other one has the extension there, and none of its phones at home."""
        until(lambda: self.owner(17) == "a" and self.owner(18) == "b", lambda: "each is not at home")
        self.put(self.a)
        until(lambda: len(self.b.ctl("number.list")) == 2, lambda: self.b.ctl("number.list"))
        home = self.at_home(self.b, "301", (ADDRESSES[18], SIP))
        until(lambda: home.register().status == 200, lambda: "301 is unknown there")
        device = self.bare(self.a, self.port, MACS[0], server=(ADDRESSES[18], SIP))
        device.agent.server = (ADDRESSES[17], SIP)
        self.assertIn("done", self.keys(self.a, device, "%2317", "301#", "47301#"))
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.assertEqual(self.asked(device), "301")
        self.moves_in(device, (ADDRESSES[18], SIP))
        self.is_at(self.b, MACS[0])
        self.assertEqual(home.register().status, 403)
        caller = self.at_home(self.b, "302", (ADDRESSES[18], SIP))
        self.assertEqual(caller.register().status, 200)
        self.rings(self.b, caller, device.agent)
        self.a.restart()
        self.is_at(self.a, MACS[0])
        until(self.leaves, lambda: "a does not know that it is there")
        self.assertEqual(self.asked(device), "900")
        until(lambda: home.register().status == 200, lambda: "its phone at home is none any more")


if __name__ == "__main__":
    unittest.main()
