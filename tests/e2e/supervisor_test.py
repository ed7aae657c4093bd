# SPDX-License-Identifier: Apache-2.0
"""Supervisors (MON-04): who listens, coaches, barges in or takes over by a code of the phone or by a session, what each of the three hears, over
a kill, on two nodes, over a trunk; and what nobody gets: an extension that the privilege does not name, another mode, another tenant."""
import datetime
import os
import time
import unittest

from conference_parts_test import ENTRY, PartsTest
from conference_test import HERTZ, ConferenceTest
from focus_test import FocusTest
from guides_test import guide, typed
from lib.sip import or_none
from patience import until
from queue_nodes_test import THREE, Line
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
TAKE_OVER = "*56"


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

    def permit(self, whom="1002", modes="listen,coach,barge,take_over", **args):
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

    def two(self, *numbers):
        """Those have a call of two, and hear each other."""
        until(lambda: not self.node.ctl("conference.list"), self.node.log_tail)
        self.all_hear(*numbers)
        call, = self.node.ctl("call.list")
        return call

    def test_takes_over(self):
        """By the code: the agent's phone is hung up as soon as the supervisor answers, and not before; over a kill the two go on."""
        self.permit()
        self.talk("1001", "1002")
        self.code(TAKE_OVER + "1002").wait_bye()
        audio = self.end()
        into = self.agents["1003"].incoming()
        into.ring()
        time.sleep(0.5)
        self.all_hear("1001", "1002")
        into.answer(audio.sdp())
        audio.use(into.request)
        self.speaks("1003", audio, into)
        self.dialogs["1002"].wait_bye()
        self.two("1001", "1003")
        self.node.kill()
        self.node.restart()
        self.two("1001", "1003")
        self.hangs_up("1001")
        into.wait_bye()

    def test_declines(self):
        """The supervisor's phone does not answer: the two have their call, as before."""
        self.permit()
        self.talk("1001", "1002")
        self.node.ctl("supervisor.monitor", number="1003", extension="1002", mode="take_over")
        self.agents["1003"].incoming().reject(486)
        self.two("1001", "1002")

    def test_changes(self):
        """Who monitors already is not rung: by code or by command he coaches, barges in, listens again, and takes over, over a kill."""
        self.permit()
        self.talk("1001", "1002")
        self.code(CODES["listen"] + "1002").wait_bye()
        self.rung()
        for mode in ("listen", "coach", "barge", "listen", "barge", "coach"):
            self.node.ctl("supervisor.monitor", number="1003", extension="1002", mode=mode)
            self.hear(mode)
        self.members("1001", "1002", "1003")
        self.node.kill()
        self.node.restart()
        self.hear("coach")
        self.permit(modes="coach")
        self.refused("does not let", mode="take_over")
        self.permit()
        self.code(TAKE_OVER + "1002").wait_bye()
        self.dialogs["1002"].wait_bye()
        self.two("1001", "1003")
        self.assertIsNone(or_none(self.agents["1003"].incoming, 0.5))

    def test_caller_is_taken_over(self):
        """The one who is supervised called; a second supervisor, who listens, goes on to do so."""
        self.permit(whom="1001")
        self.node.ctl("supervisor.put", number="1004", whom="1001,1003")
        self.talk("1001", "1002")
        self.node.ctl("supervisor.monitor", number="1004", extension="1001", mode="listen")
        self.rung("1004")
        self.hears("1004", "1001", "1002")
        self.node.ctl("supervisor.monitor", number="1003", extension="1001", mode="take_over")
        self.rung()
        self.dialogs["1001"].wait_bye()
        self.hears("1004", "1002", "1003")
        self.hears("1002", "1003")
        self.hears("1003", "1002")
        self.hangs_up("1004")
        self.two("1002", "1003")

    def test_over_a_trunk(self):
        """The other party comes by a trunk."""
        carrier = self.agents["carrier"] = self.node.user_agent("+4940123", "")
        self.addCleanup(carrier.close)
        self.node.ctl("trunk.put", name="pbx", direction="in", sources="127.0.0.1", source_port=carrier.port)
        self.node.ctl("did.put", number="+49301002", to="1002")
        self.permit()
        ends = self.end(), self.end()
        out = carrier.invite("+49301002", ends[0].sdp())
        into = self.agents["1002"].incoming()
        into.answer(ends[1].sdp())
        ends[0].use(out.wait_answer())
        ends[1].use(into.request)
        self.speaks("1001", ends[0], out)               # he has its voice
        self.speaks("1002", ends[1], into)
        self.code(CODES["coach"] + "1002").wait_bye()
        self.rung()
        self.hear("coach")
        self.code(TAKE_OVER + "1002").wait_bye()
        into.wait_bye()
        self.two("1001", "1003")

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

    def test_a_second_supervisor(self):
        """A call that is not recorded is not by the one who comes later either."""
        self.permit()
        self.node.ctl("supervisor.put", number="1004", whom="1002", modes="listen")
        self.talk("1001", "1002")
        codes = [self.code("*531002")]
        self.rung()
        self.hear("listen")
        codes.append(self.code("*531002", "1004"))
        self.rung("1004")
        self.hears("1004", "1001", "1002")
        time.sleep(0.5)         # a room looks at its recording in its turn
        self.assertEqual([row["recording"] for row in self.node.ctl("conference.list") if row.get("recording")], [])
        for code in codes:
            or_none(code.wait_bye)
        self.hangs_up("1003")
        self.hangs_up("1004")
        self.two("1001", "1002")
        self.assertEqual(self.node.ctl("recording.list"), [])

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
        for whom in ("10022", "100", "*", "group:none", "group:1002", "queue:none", ""):
            self.permit(whom=whom)
            self.refused("does not let")
        for wrong in ("1002,,1001", "group:", "queue:", "1002;1001", "10 02"):
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


class Guide(ConferenceTest):
    def test_guide(self):
        """docs/guides/supervision.md, as it stands there."""
        self.assertIn("group:sales", typed(self, self.node, guide("supervision.md")))
        self.assertEqual(self.node.ctl("supervisor.get", number="1003")["modes"], ["listen", "coach", "barge", "take_over"])


class Recorded(Monitors, PartsTest):
    permit, two = Supervisors.permit, Supervisors.two

    def test_goes_on(self):
        """What the other party says and hears is recorded from beginning to end: of the agent, and of the supervisor behind him."""
        self.node.ctl("extension.put", number="1001", record="auto")
        self.permit()
        self.talk("1001", "1002")
        self.all_hear("1001", "1002")
        time.sleep(1.5)
        self.code(CODES["coach"] + "1002").wait_bye()
        self.rung()
        self.hear("coach")
        time.sleep(1.5)
        self.code(TAKE_OVER + "1002").wait_bye()
        self.two("1001", "1003")
        time.sleep(1.5)
        self.hangs_up("1001")
        until(lambda: not self.node.ctl("call.list"), self.node.log_tail)
        until(lambda: len(self.node.ctl("recording.list")) == 3, self.node.log_tail)
        rows = sorted(self.node.ctl("recording.list"), key=lambda row: row["begun"])
        self.assertEqual([(row["cause"], row["from"]) for row in rows], [("policy", "1001"), ("policy", "conference"), ("policy", "1003")])
        times = [[datetime.datetime.fromisoformat(row[name]).timestamp() for name in ("begun", "ended")] for row in rows]
        for (_, ended), (begun, _) in zip(times, times[1:]):
            self.assertLess(abs(begun - ended), 0.5, rows)
        room, = (path for path in self.files() if os.path.basename(path) == os.path.basename(rows[1]["name"]))
        self.assertGreater(self.has(room, HERTZ["1001"]), 8)
        self.assertGreater(self.has(room, HERTZ["1002"]), 8)
        self.assertLess(self.has(room, HERTZ["1003"]), 2)       # who coaches is not in it


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


    def test_of_queues(self):
        """SEC-06: a user puts, reads and deletes no queue, sees no callers and no other agent, and supervises calls of a queue only by a privilege
        of that one."""
        with Client(self.node.redis_socket, "_operator") as client:
            for name in ("sales", "other"):
                client.ask("queue.put", name=name, members="1002")
            client.ask("number.put", number="100", to="queue:other")
            client.ask("agent.login", number="1002")
            client.ask("supervisor.put", number="1003", whom="queue:sales", modes=["listen"])
            mine = self.session(self.node, "1003")["token"]
            before = client.ask("queue.get", name="other"), client.ask("agent.list")[0]["state"]
            for method, path, body in (
                    ("PATCH", "/v1/queues/other", {"members": "1003"}), ("PATCH", "/v1/queues/third", {"members": "1003"}),
                    ("DELETE", "/v1/queues/other", None), ("GET", "/v1/queues/other", None), ("GET", "/v1/queues", None),
                    ("GET", "/v1/queues/other/status", None), ("GET", "/v1/queues:report", None), ("GET", "/v1/queues:log", None),
                    ("GET", "/v1/callbacks", None), ("POST", "/v1/callbacks", {"queue": "other", "number": "1003"}),
                    ("GET", "/v1/agents", None), ("GET", "/v1/agents/1002", None), ("POST", "/v1/agents/1002/login", {}),
                    ("POST", "/v1/agents/1002/logout", {}), ("POST", "/v1/agents/1002/ready", {}), ("POST", "/v1/agents/1002/not_ready", {}),
                    ("POST", "/v1/agents/1002/disposition", {"disposition": "sale"})):
                with self.subTest(method=method, path=path):
                    status, _, problem = self.http(self.node, method, path, mine, body)
                    self.assertEqual(status, 403, problem)
            self.assertEqual((client.ask("queue.get", name="other"), client.ask("agent.list")[0]["state"]), before)
            audio = self.end()
            out = self.agents["1001"].invite("100", audio.sdp())
            audio.use(out.wait_answer())
            into, heard = self.agents["1002"].incoming(), self.end()
            into.answer(heard.sdp())
            heard.use(into.request)
            until(lambda: client.ask("agent.list")[0]["now"] == "busy", lambda: client.ask("agent.list"))
            path, asked = "/v1/supervisors/1003/monitor", {"extension": "1002", "mode": "listen"}
            status, _, problem = self.http(self.node, "POST", path, mine, asked)
            self.assertEqual(status, 403, problem)
            client.ask("supervisor.put", number="1003", whom="queue:other")
            self.ok(self.node, "POST", path, mine, asked)
            self.rung()


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


class OfAQueue(Line):
    """1001 calls at node a, agent 1011 is at node b, and the supervisor 1003 at node c."""
    def all_hear(self, *numbers):
        for speaks in numbers:
            self.agents[speaks].audio.start(THREE)
            for hears in set(numbers).difference({speaks}):
                self.agents[hears].audio.wait_tone(THREE, anew=True)
            self.agents[speaks].audio.stop()

    def answers(self, number):
        incoming, audio = self.agents[number].incoming(), self.agents[number].audio
        audio.use(incoming.request)
        incoming.answer(audio.sdp())
        return incoming

    def monitors(self, mode):
        return self.c.ctl("supervisor.monitor", number="1003", extension="1011", mode=mode)

    def test_taken_over(self):
        """By a privilege of the queue: calls that the agent took from it, and no others. The node that has the call is killed while the
        supervisor listens: he still does, then takes over, and the agent gets the next caller."""
        self.a.ctl("supervisor.put", number="1003", whom="queue:sales", modes="listen,take_over")
        self.addCleanup(self.a.ctl, "supervisor.delete", number="1003")
        until(lambda: self.c.local("supervisor.list"), lambda: "it is known")
        out = self.agents["1002"].invite("1011", self.agents["1002"].audio.sdp())
        own = self.answers("1011")
        out.wait_answer()
        with self.assertRaisesRegex((Refused, ServerError), "does not let"):
            self.monitors("listen")
        out.bye()
        own.wait_bye()
        self.logs_in("1011")
        self.waits("1001")
        incoming = self.rings("1011", "1001")
        self.has(incoming, "1011", "1001")
        self.agents["1011"].audio.use(incoming.request)
        self.calls["1001"].wait_reinvite(self.agents["1001"].audio.sdp(version=2))
        self.monitors("listen")
        listens = self.answers("1003")
        self.all_hear("1001", "1011")
        until(lambda: all(call["saved"] for call in self.c.ctl("call.list")), lambda: self.c.ctl("call.list"))
        self.a.kill()
        self.until(lambda: self.owner(17) in ("b", "c"))
        self.agents["1001"].audio.start(THREE)
        for number in ("1011", "1003"):
            self.agents[number].audio.wait_tone(THREE, anew=True)
        self.agents["1001"].audio.stop()
        self.monitors("take_over")
        incoming.wait_bye()
        self.all_hear("1001", "1003")
        until(lambda: set(self.now("1011")) == {"ready"}, lambda: self.now("1011"))
        self.waits("1002")
        self.rings("1011", "1002").reject(486)
        self.ends("1001")
        listens.wait_bye()


if __name__ == "__main__":
    unittest.main()
