# SPDX-License-Identifier: Apache-2.0
"""Members of a conference who watch it (RFC 4575), over UDP, TCP and a kill of the node.  CONF-03, CONF-10."""
import os
import time
import unittest

from conference_test import ConferenceTest
from lib.linphone import Linphone
from lib.roster import Roster
from lib.stream import StreamAgent
from patience import until

UP = "connected"


class RosterTest(ConferenceTest):
    def watches(self, number, user):
        return Roster(self.agents[number], f"sip:{user}@{self.agents[number].home}")

    def over_tcp(self, number, user):
        agent = StreamAgent(self.node.server, number, "secret" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register().status, 200)
        return Roster(agent, f"sip:{user}@{agent.home}")


class Rooms(RosterTest):
    def setUp(self):
        super().setUp()
        self.node.ctl("room.put", number="700", name="Board")

    def test_who_is_there(self):
        """Joins, a member that is muted and held, one that leaves, and the end; two watch, over UDP and TCP."""
        self.assertEqual(self.watches("1001", "700").answer.status, 404)
        self.dials("1001", "700")
        self.assertEqual(self.watches("1002", "700").answer.status, 403)
        self.dials("1002", "700")
        both = [self.watches("1001", "700"), self.over_tcp("1002", "700")]
        for roster in both:
            roster.until(u1001=UP, u1002=UP)
            self.assertEqual((roster.state, roster.version, roster.count), ("full", 0, 2))
        self.dials("1003", "700")
        for roster in both:
            roster.until(u1001=UP, u1002=UP, u1003=UP)
        third = self.members("1001", "1002", "1003")["1003"]["call"]
        for command, status in (("mute", "muted-via-focus"), ("unmute", UP), ("hold", "on-hold"), ("resume", UP)):
            self.node.ctl(f"conference.{command}", call=third)
            for roster in both:
                roster.until(u1001=UP, u1002=UP, u1003=status)
                self.assertEqual(roster.state, "partial")
        self.node.ctl("conference.host", call=third)
        while both[0].hosts() != ["1003"]:
            both[0].hear()
        self.hangs_up("1003")
        for roster in both:
            roster.until(u1001=UP, u1002=UP)
            self.assertEqual(roster.count, 2)
        self.hangs_up("1002")
        both[1].until_over("rejected")
        both[0].until(u1001=UP)
        self.hangs_up("1001")
        both[0].until_over("noresource")

    def test_over_a_kill(self):
        """The next process tells all, with a higher number; who was on a connection comes back by another one."""
        for number in ("1001", "1002", "1003"):
            self.dials(number, "700")
        both = [self.watches("1001", "700"), self.over_tcp("1002", "700")]
        for roster in both:
            roster.until(u1001=UP, u1002=UP, u1003=UP)
        self.members("1001", "1002", "1003")
        versions = [roster.version for roster in both]
        self.restart()
        both[1].agent.reconnect()
        self.assertEqual(both[1].agent.register().status, 200)
        for roster, version in zip(both, versions):
            while roster.version == version or roster.shown() != {"1001": UP, "1002": UP, "1003": UP}:
                roster.hear()
            self.assertGreater(roster.version, version + 1)
        self.hangs_up("1003")
        for roster in both:
            roster.until(u1001=UP, u1002=UP)
        self.assertEqual(both[0].again(0).status, 200)
        both[0].until_over("timeout")


class Clients(RosterTest):
    def asked(self):
        return self.node.metric("tandem_sip_requests_total", method="SUBSCRIBE")

    def test_linphone(self):
        """linphone's own code reads each document, and asks for nothing anew: it knows whoever is named, itself as well."""
        self.node.ctl("room.put", number="700", name="Board")
        self.agents["1004"].register(expires=0, contact="*")
        for number in ("1001", "1002"):
            self.dials(number, "700")
        phone = Linphone(os.path.join(self.node.home, "linphone"), self.node.ports, self.node.server, "1004", "secret1004")
        self.addCleanup(phone.quit)
        phone.heard("LinphoneRegistrationOk")
        phone.say("call 700")
        until(lambda: self.asked() >= 1, phone.output)
        third = self.members("1001", "1002", "1004")["1002"]["call"]
        for command in ("mute", "unmute"):
            self.node.ctl(f"conference.{command}", call=third)
            time.sleep(1.2)         # the pace of documents
        self.dials("1003", "700")
        self.hangs_up("1002")
        time.sleep(1.2)
        self.assertLessEqual(self.asked(), 2, "a SUBSCRIBE, and its credentials")
        self.assertNotIn("is not in the list of participants", phone.output())


class Stations(RosterTest):
    def test_of_calls(self):
        """A conference of calls is watched by its name, until it is a call of two."""
        first, _ = self.talk("1001", "1002")
        second, _ = self.talk("1001", "1003", speaks=(False, True))
        room = self.node.ctl("conference.add", call=first, leg="a", **{"with": second})["id"]
        self.members("1001", "1002", "1003")
        roster = self.watches("1003", f"conf-{room}")
        roster.until(u1001=UP, u1002=UP, u1003=UP)
        self.assertEqual(roster.hosts(), ["1001"])
        self.node.ctl("conference.invite", conference=room, to="1004")
        into = self.agents["1004"].incoming()
        into.ring()
        roster.until(u1001=UP, u1002=UP, u1003=UP, u1004="alerting")
        into.reject(486)
        roster.until(u1001=UP, u1002=UP, u1003=UP)
        self.hangs_up("1001")
        roster.until_over("noresource")
        self.assertEqual(roster.endpoints, {})


if __name__ == "__main__":
    unittest.main()
