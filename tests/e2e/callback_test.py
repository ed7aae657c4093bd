# SPDX-License-Identifier: Apache-2.0
"""Callers of a queue who hang up, keep their place and are called back. ADR 195."""
import os
import time
import unittest

from lib.place import PARTY
from lib.sip import or_none
from music_test import wav
from patience import until
from queue_nodes_test import Line
from queue_test import AGENTS, POSITION, Queued
from server import ServerError
from tandem_client import Refused

OUTSIDE, PREMIUM, ABROAD, OWN = "+4930555", "+49900123", "+14155550123", "+4930100"
OFF = {"callback": "agent", "callback_key": "5", "callback_keyed": False, "callback_payer": "", "callback_hours": "", "callback_max": 20,
       "callback_tries": 3, "callback_retry_s": 1, "callback_ring_s": 30, "callback_keep_h": 24}


class Callbacks(Queued):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.carrier = cls.enterClassContext(cls.node.user_agent(OUTSIDE))
        cls.carrier.audio = cls.enterClassContext(cls.node.media())
        cls.ask("trunk.put", name="carrier", servers=f"{PARTY}:{cls.carrier.port}", source_port=cls.carrier.port)
        cls.ask("did.put", number=OWN, trunk="carrier", to="100")
        cls.ask("route.put", name="out", pattern="+x.", trunks="carrier")
        cls.ask("dialplan.put", country="49", national_prefix="0", international_prefix="00", national="+49x.", premium="+49900x.", international="+x.")
        cls.ask("extension.put", number="1003", classes=["national"])

    def setUp(self):
        super().setUp()
        self.puts(**OFF)
        for row in self.callbacks():
            self.deletes(row["number"])
        until(lambda: not self.callbacks(), self.callbacks)     # also those of a queue that a test has just deleted

    def callbacks(self):
        return self.ask("callback.list")

    def deletes(self, number):
        try:
            self.ask("callback.delete", queue="sales", number=number)
        except (Refused, ServerError):
            pass

    def numbers(self):
        return [row["number"] for row in self.callbacks()]

    def asks(self, number):
        """He waits, and presses the key."""
        out = self.calls(number)
        until(lambda: number in self.line(), self.line)
        self.phones[number].audio.digit("5")
        out.wait_bye()
        until(lambda: number in self.numbers(), self.callbacks)

    def told(self, number):
        return [row["reason"] for row in self.events("queue.callback") if row["number"] == number]

    def called(self, number):
        incoming = self.phones[number].incoming()
        incoming.ring()
        return incoming

    def answers(self, incoming, number):
        """He is reached: he waits at his place."""
        incoming.answer(self.phones[number].audio.sdp())

    def silent(self, number, seconds=1.5):
        self.assertIsNone(or_none(self.phones[number].incoming, seconds), self.callbacks())

    def test_place(self):
        """He keeps his place, is called once an agent is free for him, and comes before who called later; nobody else has that agent meanwhile.
        That the queue is full by then does not concern him."""
        self.puts(**OFF | {"max_callers": 1})
        self.asks("1001")
        later = self.calls("1002")
        until(lambda: self.line() == ["1002"], self.line)
        self.assertEqual(([row["position"] for row in self.callbacks()], self.shown()["callers"][0]["position"]), ([1], 2))
        self.assertEqual((self.shown()["waiting"], self.shown()["callbacks"]), (1, 1))
        self.silent("1001")
        self.logs_in("1011")
        incoming = self.called("1001")
        self.assertTrue(self.callbacks()[0]["calls"])
        for args in {}, {"tries": 1}:
            with self.assertRaisesRegex((Refused, ServerError), "may be ringing"):
                self.ask("callback.call", queue="sales", number="1001", **args)
        self.silent("1011")
        self.answers(incoming, "1001")
        agent = self.rings("1011", "1001")
        agent.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.numbers() == [] and self.line() == ["1002"], self.callbacks)
        incoming.bye()
        agent.wait_bye()
        row = until(lambda: [row for row in self.node.told("td:{s1}:cdr")[self.count:] if row["answered_by"]])[0]
        self.assertEqual((row["queue"], row["agent"], row["from"], row["answered_by"]), ("sales", "1011", "1001", "1011"))
        self.assertEqual(self.told("1001")[-3:], ["created", "called", "answered"])
        second = self.rings("1011", "1002")
        later.bye()
        second.wait_cancel()
        self.silent("1001")

    def test_agent_outside(self):
        """An agent who is logged in at a phone outside is rung there in the name of his extension. He takes the call by 1, and is busy then, over a kill, too;
        what he does not take he has missed. Logged in without it he is rung at his desk."""
        self.puts(missed_max=1)
        self.ask("extension.put", number="1011", classes=["national"])
        self.addCleanup(self.ask, "extension.put", number="1011", classes=[])
        for at in PREMIUM, ABROAD, OWN, "1012", "112":
            with self.assertRaisesRegex((Refused, ServerError), "1011 may not call it"):
                self.ask("agent.login", number="1011", at=at)
        self.ask("agent.login", number="1011", at=OUTSIDE)
        self.assertEqual(self.ask("agent.get", number="1011")["at"], OUTSIDE)
        out = self.calls("1001")
        self.carrier.incoming().reject(486, "Busy Here")
        incoming = self.carrier.incoming()          # behind his rest
        self.assertIn(OUTSIDE, incoming.request.uri)
        incoming.answer(self.carrier.audio.sdp())
        self.carrier.audio.use(incoming.request)
        self.carrier.audio.digit("2")
        time.sleep(0.5)
        self.assertEqual(self.line(), ["1001"])     # a mailbox presses no key
        self.carrier.audio.digit("1")
        until(lambda: not self.line(), self.line)
        invites = lambda: self.phones["1011"].count(lambda m: m.is_request and m.method == "INVITE")
        before, other = invites(), self.calls("1002")
        for _ in range(2):
            until(lambda: self.agent("1011").get("now") == "busy", lambda: self.agent("1011"))
            self.assertIsNone(or_none(self.carrier.incoming, 1.5))
            self.node.kill()
            self.node.restart()
        self.assertEqual(invites(), before)
        out.bye()
        incoming.wait_bye()
        self.assertEqual(self.record()["agent"], "1011")
        self.carrier.incoming().reject(480, "Temporarily Unavailable")
        until(lambda: self.agent("1011").get("reason") == "missed", lambda: self.agent("1011"))
        self.logs_in("1011")
        incoming = self.rings("1011", "1002")
        other.bye()
        incoming.wait_cancel()

    def test_who_hides(self):
        """Who withholds his number is called back, and the agent does not see it: at the phone, in lists, and in the record's name."""
        self.puts(**OFF)
        phone = self.phones["1001"]
        out = phone.invite("100", phone.audio.sdp(), headers=[("Privacy", "id")])
        phone.audio.use(out.wait_answer())
        until(lambda: "1001" in self.line(), self.line)
        phone.audio.digit("5")
        out.wait_bye()
        until(lambda: self.numbers() == ["1001"], self.callbacks)
        self.logs_in("1011")
        incoming = self.called("1001")
        self.answers(incoming, "1001")
        agent = self.phones["1011"].incoming()
        self.assertIn("anonymous@anonymous.invalid", agent.request.get("From"))
        self.assertNotIn("1001", agent.request.get("Contact") + agent.request.get("From"))
        agent.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.numbers() == [], self.callbacks)
        row, = self.ask("call.list", **{"as": "1011"})
        self.assertEqual((row["from"], row["from_name"]), ("anonymous", "Anonymous"))
        incoming.bye()
        agent.wait_bye()
        row = until(lambda: [row for row in self.node.told("td:{s1}:cdr")[self.count:] if row["answered_by"] == "1011"])[0]
        self.assertEqual((row["from"], row["from_name"]), ("1001", "Anonymous"))

    def test_one_at_a_time(self):
        """Two callbacks and two agents: one is called after the other. Who does not answer is tried again, and so often."""
        self.puts(**OFF | {"callback_tries": 2, "callback_ring_s": 5})
        self.asks("1001")
        self.asks("1002")
        self.logs_in(*AGENTS)
        first = self.called("1001")
        self.silent("1002", 0.5)
        first.wait_cancel()
        second = self.called("1002")
        self.answers(second, "1002")
        agent = self.rings("1011", "1002")
        agent.answer(self.phones["1011"].audio.sdp())
        second.wait_reinvite(self.phones["1002"].audio.sdp(version=2))
        again = self.called("1001")
        again.reject(486)
        until(lambda: self.numbers() == [], self.callbacks)
        self.assertEqual(self.told("1001")[-4:], ["created", "called", "called", "unanswered"])
        second.bye()
        agent.wait_bye()

    def test_turn(self):
        """Called when nobody waits before him, though no agent is free: then he waits at his place."""
        self.puts(**OFF | {"callback": "turn"})
        self.logs_in("1011")
        before = self.calls("1002")
        talks = self.rings("1011", "1002")
        talks.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.line() == [], self.line)
        waits = self.calls("1003")
        self.asks("1001")
        self.silent("1001")
        waits.bye()
        incoming = self.called("1001")
        self.answers(incoming, "1001")
        until(lambda: self.line() == ["1001"] and not self.numbers(), self.line)
        before.bye()
        talks.wait_bye()
        agent = self.rings("1011", "1001")
        incoming.bye()
        agent.wait_cancel()

    def test_nobody_is_ready_by_then(self):
        """The agent is not ready any more when he answers who is called back: he goes where the queue says, and is not called again."""
        self.puts(**OFF | {"callback": "turn", "only_with_ready": True, "none_to": "1012"})
        self.logs_in("1011")
        before = self.calls("1002")
        talks = self.rings("1011", "1002")
        talks.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.line() == [], self.line)
        self.asks("1001")
        incoming = self.called("1001")
        self.ask("agent.not_ready", number="1011")
        self.answers(incoming, "1001")
        second = self.rings("1012", "1001")
        second.answer(self.phones["1012"].audio.sdp())
        until(lambda: self.numbers() == [], self.callbacks)
        self.assertEqual(self.told("1001")[-2:], ["called", "answered"])
        incoming.bye()
        second.wait_bye()
        self.silent("1001", 3)
        before.bye()
        talks.wait_bye()

    def test_killed(self):
        """Over kills: nobody is lost, and nobody is called twice."""
        self.asks("1001")
        self.node.kill()
        self.node.restart()
        until(lambda: self.numbers() == ["1001"], self.callbacks)
        self.logs_in("1011")
        incoming = self.called("1001")
        self.assertEqual(self.callbacks()[0]["tries"], 1)       # also where the process had to ask the store for his phone
        self.node.kill()
        self.node.restart()
        self.silent("1001")
        self.answers(incoming, "1001")
        agent = self.rings("1011", "1001")
        until(lambda: self.numbers() == [], self.callbacks)
        self.node.kill()
        self.node.restart()
        agent.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.line() == [], self.line)
        incoming.bye()
        agent.wait_bye()
        self.silent("1001")

    def test_once(self):
        """A number has one callback in a queue, at its first place; one in the queue who calls again is served by that."""
        told = self.told("1001").count("created")
        self.asks("1001")
        place = self.callbacks()[0]
        self.asks("1001")
        self.assertEqual([(row["position"], row["next_utc_ms"]) for row in self.callbacks()], [(1, 0)])
        self.assertGreaterEqual(self.callbacks()[0]["waited_s"], place["waited_s"])
        self.assertEqual(self.told("1001").count("created"), told + 1)
        self.puts(**OFF | {"callback_hours": "none"})
        self.logs_in("1011")
        out = self.calls("1001")
        agent = self.rings("1011", "1001")
        agent.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.numbers() == [], self.callbacks)
        self.assertEqual(self.told("1001")[-1], "served")
        out.bye()
        agent.wait_bye()

    def test_hours(self):
        """Not outside of the queue's hours, nor of those that the caller chose; and not for longer than it keeps them."""
        self.ask("hours.put", name="office", week="sun 03:00-03:01")
        self.addCleanup(self.ask, "hours.delete", name="office", force=True)
        self.logs_in("1011")
        self.puts(**OFF | {"callback_hours": "office"})
        self.ask("callback.create", queue="sales", number="1001")
        minute = time.gmtime(time.time() + 7200)
        self.ask("callback.create", queue="sales", number="1002", times=time.strftime("%H:%M-", minute) + time.strftime("%H:%M", time.gmtime(time.time() + 10800)))
        self.silent("1001")
        self.puts(**OFF)
        incoming = self.called("1001")
        incoming.reject(486)
        self.silent("1002")
        self.assertEqual(sorted(self.numbers()), ["1001", "1002"])

    def test_outside(self):
        """A number outside goes by the rights of the payer, and by what the queue allows; a carrier's caller is called at his number,
        of which other spellings are the same. A number of the tenant is none outside."""
        def refused(number, queue="sales", **more):
            with self.assertRaises((Refused, ServerError)) as raised:
                self.ask("callback.create", queue=queue, number=number, **more)
            self.assertEqual(self.numbers(), [])
            return str(raised.exception)
        for number in (OUTSIDE, "112", "4711", "*22", "100", "anonymous", "sales"):
            self.assertIn("may not be called back", refused(number), number)
        self.puts(**OFF | {"callback_payer": "1003"})
        for number in (PREMIUM, ABROAD, OWN, "030100", "004930100", "112", "0900123", "*22", "100", "anonymous", "+49900123#", "+"):
            self.assertIn("may not be called back", refused(number), number)
        self.assertIn("key no number", refused(OUTSIDE, keyed=True))
        self.assertIn("no such queue", refused(OUTSIDE, "other"))
        self.puts(**OFF | {"callback": "off"})
        self.assertIn("calls nobody back", refused("1001"))
        self.puts(**OFF | {"callback_payer": "1003", "callback_ring_s": 5})
        out = self.carrier.invite(OWN, self.carrier.audio.sdp())
        answer = out.wait_answer()
        self.carrier.audio.use(answer)
        until(lambda: self.line() == [OUTSIDE], self.line)
        self.carrier.audio.digit("5")
        out.wait_bye()
        until(lambda: self.numbers() == [OUTSIDE], self.callbacks)
        for number in "030555", "004930555":
            self.assertEqual(self.ask("callback.create", queue="sales", number=number)["number"], OUTSIDE)
        self.assertEqual(self.numbers(), [OUTSIDE])
        self.logs_in("1011")
        incoming = self.carrier.incoming()
        self.assertTrue(incoming.request.uri.startswith(f"sip:{OUTSIDE}@"), incoming.request.uri)
        self.ask("extension.put", number="1003", classes=["toll_free"])
        self.addCleanup(self.ask, "extension.put", number="1003", classes=["national"])
        incoming.reject(486)                # his right is gone before the next try
        until(lambda: self.numbers() == [], self.callbacks)
        self.assertEqual(self.told(OUTSIDE), ["created", "called", "refused"])
        self.assertIsNone(or_none(self.carrier.incoming, 1))

    def test_bounds(self):
        """So many of a queue, and of a number; who may not stays in his place."""
        self.puts(**OFF | {"callback_max": 1})
        self.asks("1001")
        out = self.calls("1002")
        until(lambda: self.line() == ["1002"], self.line)
        self.phones["1002"].audio.digit("5")
        until(lambda: self.events("queue.left")[-1]["reason"] == "key" and self.line() == ["1002"], self.line)
        self.assertEqual(self.numbers(), ["1001"])
        later = self.calls("1003")
        until(lambda: self.line() == ["1002", "1003"], self.line)
        out.bye()
        later.bye()
        for name in ("q1", "q2", "q3"):
            self.ask("queue.put", name=name, members="", callback="agent")
            self.addCleanup(self.ask, "queue.delete", name=name)
        for name in ("q1", "q2"):
            self.ask("callback.create", queue=name, number="1001")
        with self.assertRaises((Refused, ServerError)):
            self.ask("callback.create", queue="q3", number="1001")
        self.deletes("1001")
        self.assertEqual(self.told("1001")[-1], "deleted")

    def test_keyed(self):
        """He keys another number, where the queue lets him. After one that may not be called he is at his place, though the queue is full."""
        path = os.path.join(self.node.home, "number.wav")
        wav(path, POSITION)
        self.node.tandemctl("prompt.put", name="queue-callback-number", file=path)
        self.puts(**OFF | {"callback_keyed": True, "max_callers": 1})
        out = self.calls("1001")
        until(lambda: self.line() == ["1001"], self.line)
        for number, line in ("47#", ["1001", "1003"]), ("1002#", ["1003"]):
            self.phones["1001"].audio.digit("5")
            self.phones["1001"].audio.wait_tone(POSITION, anew=True)
            if "1003" not in self.line():
                self.calls("1003")
            for digit in number:
                time.sleep(0.2)
                self.phones["1001"].audio.digit(digit)
            until(lambda line=line: self.line() == line, self.line)
        out.wait_bye()
        until(lambda: self.numbers() == ["1002"], self.callbacks)


class Nodes(Line):
    """Callers and agents at three nodes with one Redis."""
    def test_killed(self):
        """Who asked at a node that dies is called by another one, in his turn; the node that calls him dies, too, and he is called once."""
        self.a.ctl("queue.put", name="sales", callback="agent", callback_key="5", callback_ring_s=60, callback_retry_s=60)
        for node in self.nodes:
            until(lambda node=node: node.local("queue.get", name="sales")["callback_key"] == "5", lambda: "it is known")
        self.waits("1003", "1001")
        phone = self.agents["1003"]
        phone.audio.digit("5")
        self.calls.pop("1003").wait_bye()
        for node in self.nodes:
            until(lambda node=node: [row["number"] for row in node.local("callback.list")] == ["1003"], lambda: "all have it")
        self.is_line("1001")
        self.assertEqual([node.local("queue.status", name="sales")["callers"][0]["position"] for node in self.nodes], [2] * 3)
        self.b.kill()
        self.until(lambda: self.owner(18) in ("a", "c"))
        self.b.restart()
        self.until(lambda: self.b.metric("tandem_cluster_nodes", state="heard") == 2)
        self.a.ctl("agent.login", number="1012")
        incoming = phone.incoming(20)
        incoming.ring()
        calls = {node: [row for row in node.local("call.list") if row["from"] == "1003"] for node in self.nodes}
        call = calls[self.a][0]
        self.assertEqual((call["a_state"], [call["id"] == rows[0]["id"] for rows in calls.values()]), ("ringing", [True] * 3))
        calling = {"a": self.a, "b": self.b, "c": self.c}[call["node"]]
        calling.kill()
        rest = self.nodes
        self.assertIsNone(or_none(self.agents["1012"].incoming, 0.5))
        until(lambda: any(row["id"] == call["id"] and row["node"] != call["node"] for row in rest[0].local("call.list")), lambda: "another one has it")
        incoming.answer(phone.audio.sdp())
        agent = self.rings("1012", "1003")
        for node in rest:
            until(lambda node=node: node.local("callback.list") == [], lambda: "it is over")
        incoming.bye()
        agent.wait_cancel()
        self.assertEqual(self.rung("1003"), 1)
        calling.restart()

    def test_agent_outside(self):
        """An agent is logged in outside at one node, for callers of others. The node of his call dies while he speaks: the next one has the call, he is busy at
        all nodes, and is rung for the next caller once it is over."""
        carrier = self.enterContext(self.a.user_agent(OUTSIDE))
        carrier.audio = self.enterContext(self.a.media())
        self.a.ctl("trunk.put", name="carrier", servers=f"{PARTY}:{carrier.port}", source_port=carrier.port)
        self.a.ctl("route.put", name="out", pattern="+x.", trunks="carrier")
        self.a.ctl("dialplan.put", country="49", national_prefix="0", national="+49x.")
        self.a.ctl("extension.put", number="1012", classes=["national"])
        self.addCleanup(self.a.ctl, "extension.put", number="1012", classes=[])
        for node in self.nodes:
            until(lambda node=node: node.local("route.list") and node.local("trunk.list") and node.local("extension.get", number="1012")["classes"], lambda: "it is known")
        self.b.ctl("agent.login", number="1012", at=OUTSIDE)
        self.waits("1001")
        incoming = carrier.incoming()
        incoming.answer(carrier.audio.sdp())
        carrier.audio.use(incoming.request)
        carrier.audio.digit("1")
        self.is_line()
        call = self.calls["1001"].id
        self.a.kill()
        self.until(lambda: self.owner(17) in ("b", "c") and call in [row["id"] for node in self.nodes for row in node.local("call.list")])
        until(lambda: self.now("1012") == ["busy"] * 2, lambda: self.now("1012"))
        self.waits("1003")
        self.assertIsNone(or_none(carrier.incoming, 1.5))
        self.assertEqual((self.line(self.b), self.rung("1012")), (["1003"], 0))
        self.is_over("1012", incoming, "1001")
        again = carrier.incoming()
        again.ring()
        self.ends("1003")
        again.wait_cancel()
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")


if __name__ == "__main__":
    unittest.main()
