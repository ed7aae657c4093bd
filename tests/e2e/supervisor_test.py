# SPDX-License-Identifier: Apache-2.0
"""Supervisors (MON-04): who listens, coaches or barges in by a code of the phone or by a session, what each of the three hears, over a kill,
on two nodes; and what nobody gets: an extension that the privilege does not name, another mode, another tenant."""
import time
import unittest

from conference_parts_test import ENTRY, PartsTest
from conference_test import ConferenceTest
from focus_test import FocusTest
from lib.sip import or_none
from patience import until
from rooms_nodes_test import Rooms
from server import ServerError
from session_test import Users
from tandem_client import Client, Refused

LONG = 60                       # s: it listens

# supervisor is 1003; what each hears: 1001 calls 1002, who is supervised
MATRIX = {"listen": {"1001": ("1002",), "1002": ("1001",), "1003": ("1001", "1002")},
          "coach": {"1001": ("1002",), "1002": ("1001", "1003"), "1003": ("1001", "1002")},
          "barge": {"1001": ("1002", "1003"), "1002": ("1001", "1003"), "1003": ("1001", "1002")}}
CODES = {"listen": "*53", "coach": "*54", "barge": "*55"}


class Monitors:
    def hear(self, mode):
        for number, others in MATRIX[mode].items():
            self.hears(number, *others)

    def rung(self, number="1003"):
        """The supervisor's phone answers."""
        audio = self.end()
        into = self.agents[number].incoming()
        into.answer(audio.sdp())
        audio.use(into.request)
        self.speaks(number, audio, into)

    def code(self, digits, number="1003"):
        """It is answered, a tone confirms or refuses, and it is hung up."""
        audio = self.end()
        out = self.agents[number].invite(digits, audio.sdp())
        out.wait_answer()
        return out

    def refused(self, words, ask=None, **args):
        with self.assertRaisesRegex(ServerError, words):
            (ask or self.node.ctl)("supervisor.monitor", **{"number": "1003", "extension": "1002", "mode": "listen", **args})


class Supervisors(Monitors, ConferenceTest):
    heard, loud = PartsTest.heard, PartsTest.loud

    def permit(self, whom="1002", modes="listen,coach,barge", **args):
        return self.node.ctl("supervisor.put", number="1003", whom=whom, modes=modes, **args)

    def test_by_code(self):
        """Each mode by its code, tone by tone; in the first the node is killed; the two have their call again behind it."""
        self.permit()
        self.talk("1001", "1002")
        for mode, code in CODES.items():
            with self.subTest(mode):
                out = self.code(code + "1002")
                self.rung()
                self.hear(mode)
                if mode == "listen":
                    self.members("1001", "1002", "1003")
                    self.node.kill()
                    self.node.restart()
                    self.hear(mode)
                or_none(out.wait_bye)
                self.hangs_up("1003")
                until(lambda: not self.node.ctl("conference.list"), self.node.log_tail)
                self.all_hear("1001", "1002")

    def test_nobody_else_hears(self):
        """Who listens gives his place to nobody: by command, as a session's is, by REFER, or with another phone by Join or a
        call to the conference."""
        self.permit()
        self.talk("1001", "1002")
        self.code("*531002")
        self.rung()
        self.hear("listen")
        call = self.members("1001", "1002", "1003")["1003"]["call"]
        for command, args in (("call.transfer", {"to": "1004"}), ("call.park", {"slot": "71"})):
            with self.assertRaisesRegex(ServerError, "nobody is given to it"):
                self.node.ctl(command, call=call, **args)
        phone = self.dialogs["1003"]
        refer = phone.in_dialog("REFER", [("Refer-To", f"<sip:1004@{phone.agent.home}>")])
        self.assertEqual(phone.transact(refer).status, 403)
        other = self.node.user_agent("1003", "secret1003")
        self.addCleanup(other.close)
        self.assertEqual(other.register().status, 200)
        room, = (row["id"] for row in self.node.ctl("conference.list"))
        for number, headers in (("1002", [("Join", FocusTest.dialog_of(self, phone))]), (f"conf-{room}", [])):
            self.assertEqual(other.invite(number, self.end().sdp(), headers=headers).wait_final().status, 403, number)
        self.hear("listen")

    def test_a_party_leaves(self):
        """... and the supervisor with it."""
        self.permit()
        self.talk("1001", "1002")
        self.code("*531002")
        self.rung()
        self.hear("listen")
        self.hangs_up("1001")
        self.dialogs["1003"].wait_bye()

    def test_told(self):
        """monitor_told of the tenant: a tone, or none."""
        self.permit()
        self.talk("1001", "1002")
        self.all_hear("1001", "1002")
        for number in ("1001", "1002"):
            self.audio[number].stop()
        for told in (True, False):
            self.node.ctl("tenant.put", name="default", monitor_told=told)
            since = time.monotonic()
            self.node.ctl("supervisor.monitor", number="1003", extension="1002", mode="listen")
            self.rung()
            until(lambda: len(self.node.ctl("conference.list")) == 1, self.node.log_tail)
            for number in ("1001", "1002"):             # the tone ends with 880 Hz, which is 1003's voice, whom nobody hears
                if told:
                    PartsTest.hears_tone(self, number, ENTRY[1], since)
                else:
                    time.sleep(0.5)
                    self.assertLess(self.loud(number, ENTRY[1], 100, since), 0.1)
            self.hangs_up("1003")
            until(lambda: not self.node.ctl("conference.list"), self.node.log_tail)

    def test_privileges(self):
        """Named extensions and modes alone, also through a group as it is then; typing errors and who is gone give nothing."""
        call, _ = self.talk("1001", "1002")
        self.refused("supervisor.put does not let it")
        self.permit(modes="coach")
        self.refused("does not let")
        self.permit(modes="listen")
        self.refused("does not let", mode="coach")
        self.refused("does not let", mode="barge")
        self.refused("does not let", extension="1001")              # the other party of the same call
        self.refused("does not let", extension="1001", call=call)
        self.refused("does not let", extension="9999")              # no word on whether it exists
        self.refused("does not let", extension="1003")
        self.refused("does not let", number="1004")
        for whom in ("10022", "100", "*", "group:none", "group:1002", ""):
            self.permit(whom=whom)
            self.refused("does not let")
        for wrong in ("1002,,1001", "group:", "1002;1001", "10 02"):
            with self.assertRaisesRegex(ServerError, "whom: it is a list of extensions"):
                self.permit(whom=wrong)
        with self.assertRaisesRegex(ServerError, "modes"):
            self.permit(modes="listens")
        self.node.ctl("group.put", name="sales", members="1001")
        self.permit(whom="group:sales", modes="listen")
        self.refused("does not let")
        self.node.ctl("group.put", name="sales", members="1001,1002")
        self.node.ctl("supervisor.monitor", number="1003", extension="1002", mode="listen")
        self.rung()
        self.hear("listen")
        self.node.ctl("group.put", name="sales", members="1001")      # what runs goes on
        self.refused("does not let")
        self.hear("listen")
        self.hangs_up("1003")
        until(lambda: not self.node.ctl("conference.list"), self.node.log_tail)
        self.permit()
        self.assertIn("supervisor 1003", self.error("extension.delete", number="1003"))
        self.assertIn("supervisor 1003", self.error("extension.delete", number="1002"))
        self.node.ctl("extension.put", number="1003", enabled=False)
        self.refused("does not let")
        self.node.ctl("extension.put", number="1003", enabled=True)
        self.node.ctl("supervisor.delete", number="1003")
        self.refused("does not let")

    def error(self, command, **args):
        with self.assertRaises(ServerError) as caught:
            self.node.ctl(command, **args)
        return str(caught.exception)

    def test_calls_of_two_alone(self):
        """No call, one's own, a conference of three, a party alone; and two supervisors of one call, of whom none comes twice."""
        self.permit()
        self.refused("it has no such call")
        self.talk("1003", "1002")
        self.refused("the supervisor speaks in it")
        self.hangs_up("1003")
        until(lambda: not self.node.ctl("call.list"), self.node.log_tail)
        self.node.ctl("room.put", number="700")
        for number in ("1001", "1002", "1004"):
            self.dials(number, "700")
        self.all_hear("1001", "1002", "1004")
        self.refused("it is no call of two")
        for number in ("1001", "1002", "1004"):
            self.hangs_up(number)
        until(lambda: not self.node.ctl("call.list"), self.node.log_tail)
        self.talk("1001", "1002")
        self.node.ctl("supervisor.put", number="1004", whom="1001,1002", modes="coach")
        self.node.ctl("supervisor.monitor", number="1003", extension="1002", mode="listen")
        self.rung()
        self.hear("listen")
        self.refused("is in it already")
        self.node.ctl("supervisor.monitor", number="1004", extension="1002", mode="coach")
        self.rung("1004")
        self.hears("1002", "1001", "1004")
        self.hears("1001", "1002")
        self.hears("1004", "1001", "1002")
        self.hangs_up("1003")
        self.hangs_up("1004")
        until(lambda: not self.node.ctl("conference.list"), self.node.log_tail)
        self.all_hear("1001", "1002")

    def test_refused_code(self):
        """The phone hears that, and is not rung."""
        self.permit(whom="1001")
        self.talk("1001", "1002")
        for code in ("*531002", "*53", "*551009"):
            self.code(code).wait_bye()
        time.sleep(0.5)
        self.assertEqual(self.node.ctl("conference.list"), [])


class BySession(Monitors, Users, ConferenceTest):
    def test_of_a_user(self):
        """In its own name alone, of its own tenant, and only whom the privilege names."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.test")
            client.ask("extension.put", tenant="acme", number="1003", password="secret1003")
            client.ask("supervisor.put", tenant="acme", number="1003", whom="1002", modes=["listen"])
            client.ask("supervisor.put", number="1003", whom="1002", modes=["coach"])
        mine = self.session(self.node, "1003")["token"]
        other = self.session(self.node, "1004")["token"]
        self.talk("1001", "1002")
        self.assertEqual(self.ok(self.node, "GET", "/v1/supervisors/1003", mine)["whom"], "1002")
        path = "/v1/supervisors/1003/monitor"

        def wrong(status, token, **args):
            got, _, problem = self.http(self.node, "POST", path, token, {"extension": "1002", "mode": "coach", **args})
            self.assertEqual(got, status, problem)

        wrong(403, other)
        wrong(403, mine, mode="listen")
        wrong(403, mine, extension="1001")
        for method, where, body in (("PATCH", "/v1/supervisors/1003", {"whom": "1001"}), ("DELETE", "/v1/supervisors/1003", None),
                                    ("GET", "/v1/supervisors/1004", None)):
            self.assertEqual(self.http(self.node, method, where, mine, body)[0], 403)
        with Client(self.node.redis_socket, "_operator") as client, self.assertRaisesRegex(Refused, "no such call"):
            client.ask("extension.put", tenant="acme", number="1002", password="secret1002")
            client.ask("supervisor.monitor", tenant="acme", number="1003", extension="1002", mode="listen")
        self.ok(self.node, "POST", path, mine, {"extension": "1002", "mode": "coach"})
        self.rung()
        self.hear("coach")


class OfTwoNodes(Monitors, Rooms):
    def test_on_the_other_node(self):
        """The supervisor's node has not the call, by command and by code; then the node that has it is killed."""
        self.a.ctl("supervisor.put", number="1003", whom="1002", modes="listen,coach,barge")
        self.talk("1004", "1002")                       # of node b
        call, = self.all("call.list")
        self.until(lambda: self.b.ctl("supervisor.list"))
        self.a.ctl("supervisor.monitor", number="1003", extension="1002", mode="coach")
        self.rung()
        self.hears("1002", "1004", "1003")
        self.hears("1004", "1002")
        self.hears("1003", "1002", "1004")
        self.hangs_up("1003")
        self.until(lambda: not self.rooms())
        self.code("*531002")
        self.rung()
        self.hears("1003", "1002", "1004")
        self.hears("1004", "1002")
        self.assertEqual(call["node"], "b")

    talk = ConferenceTest.talk


if __name__ == "__main__":
    unittest.main()
