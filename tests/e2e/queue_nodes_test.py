# SPDX-License-Identifier: Apache-2.0
"""A queue whose callers and agents are at three nodes: one order, an agent rings for one caller, and kills cost no caller his place. ADR 165."""
import os
import signal
import time
import unittest

from blf_test import Lamp
from lib.sip import SipError, parameter
from music_test import wav
from patience import slowness, until
from server import ServerError
from taken_test import ADDRESSES, SIP, Cluster
from tandem_client import Refused

POSITION, THREE = 1000, 1400       # Hz
AT = {"1001": 17, "1002": 18, "1003": 19, "1011": 18, "1012": 19}
CALLERS, AGENTS = ("1001", "1002", "1003"), ("1011", "1012")


class Line(Cluster):
    """A caller at each node; 1011 is at node b, 1012 at node c."""
    shards = (17, 18, 19)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c = cls.joins("c", 3)
        for number in AGENTS:
            cls.a.put_extension(number, "secret")
        cls.a.ctl("number.put", number="100", to="queue:sales")

    @property
    def nodes(self):
        return [node for node in (self.a, self.b, self.c) if node.running()]

    def setUp(self):
        super().setUp()
        for node in self.nodes:
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 2)
            self.until(lambda node=node: not node.local("call.list"))
        until(lambda: [self.owner(shard) for shard in self.shards] == ["a", "b", "c"], lambda: "each is at home")
        self.a.ctl("queue.put", name="sales", members=",".join(AGENTS), strategy="in_order", ring_s=60, wrapup_s=0, missed_max=0)
        for number in [row["number"] for row in self.a.ctl("agent.list")]:
            self.a.ctl("agent.logout", number=number)
        for node in self.nodes:
            until(lambda node=node: node.local("queue.list") and not node.local("agent.list"), lambda: "all have the documents")
        self.agents, self.calls = {}, {}
        for number, shard in AT.items():
            agent = self.agents[number] = self.phones[shard, number + "q"] = self.a.user_agent(number, "secret")
            self.addCleanup(agent.close)
            agent.server = (ADDRESSES[shard], SIP)
            agent.audio = self.a.media()
            self.addCleanup(agent.audio.close)
            self.until(lambda agent=agent: agent.register().status == 200)

    def waits(self, *numbers, to="100"):
        for number in numbers:
            phone = self.agents[number]
            out = phone.invite(to, phone.audio.sdp())
            answer = out.wait_answer()
            phone.audio.use(answer)
            self.calls[number] = out
            out.id = parameter(answer.get("To"), "tag").split(".")[0]
            self.addCleanup(self.ends, number)
            until(lambda: all(self.line(node)[-1:] == [number] for node in self.nodes), self.lines)

    def ends(self, number):
        if number in self.calls:
            try:
                self.calls.pop(number).bye(2)
            except (SipError, OSError, AssertionError):
                pass

    def line(self, node):
        """The callers that wait, in order, as this node has them."""
        names = {out.id: number for number, out in self.calls.items()}
        return [names.get(row["call"], "?") for row in self.status(node, "abc"[(self.a, self.b, self.c).index(node)])["callers"]]

    def status(self, at, of=None):
        """What a node says of the queue; of: and has counted itself, or that node has."""
        return at.local("queue.status", name="sales", **({"node": of} if of else {}))

    def lines(self):
        return [self.line(node) for node in self.nodes]

    def is_line(self, *numbers):
        until(lambda: all(line == list(numbers) for line in self.lines()), self.lines)

    def logs_in(self, number):
        self.a.ctl("agent.login", number=number)

    def rings(self, number, caller):
        incoming = self.agents[number].incoming()
        incoming.ring()
        self.assertIn(f"sip:{caller}@", incoming.request.get("From"), f"{self.lines()} {self.now(number)}")
        return incoming

    def has(self, incoming, number, caller):
        incoming.answer(self.agents[number].audio.sdp())
        until(lambda: all(caller not in line for line in self.lines()), self.lines)

    def rung(self, number):
        """How many calls have rung him."""
        calls = set()
        self.agents[number].count(lambda m: m.is_request and m.method == "INVITE" and calls.add(m.call_id))
        return len(calls)

    def now(self, number):
        return [row["now"] for node in self.nodes for row in node.local("agent.list") if row["number"] == number]

    def is_over(self, number, incoming, caller):
        """The caller hangs up."""
        self.calls.pop(caller).bye()
        incoming.wait_bye()


class Queues(Line):
    def test_wrapup_over_kills(self):
        """The node of a call dies while its agent speaks. By the end of the call he wraps up at all nodes, over the kill of another one, until he says at a third what
        came of it; then he is rung."""
        self.a.ctl("queue.put", name="sales", wrapup="manual", dispositions="sale,no_sale")
        self.addCleanup(self.a.ctl, "queue.put", name="sales", wrapup="time", dispositions="")
        self.logs_in("1011")
        self.waits("1003")
        incoming = self.rings("1011", "1003")
        self.has(incoming, "1011", "1003")
        call = self.calls["1003"].id
        self.c.kill()
        self.until(lambda: self.owner(19) in ("a", "b"))
        self.until(lambda: call in [row["id"] for node in self.nodes for row in node.tandemctl("call.list")])
        self.is_over("1011", incoming, "1003")
        last = lambda node: {key: node.local("agent.get", number="1011").get(key) for key in ("now", "last_call", "disposition", "wrapup_until_utc_ms")}
        wraps = {"now": "wrapup", "last_call": call, "disposition": "", "wrapup_until_utc_ms": 0}
        for node in self.nodes:
            until(lambda node=node: last(node) == wraps, lambda node=node: last(node))
        self.c.restart()
        self.until(lambda: self.owner(19) == "c")
        until(lambda: last(self.c) == wraps, lambda: last(self.c))
        self.b.kill()
        self.until(lambda: self.owner(18) in ("a", "c"))
        self.waits("1001")
        time.sleep(2)
        self.assertEqual(self.rung("1011"), 1)
        self.c.ctl("agent.disposition", number="1011", disposition="no_sale", call=call)
        self.rings("1011", "1001")
        self.ends("1001")
        self.b.restart()
        self.until(lambda: self.owner(18) == "b")
        until(lambda: last(self.b)["disposition"] == "no_sale", lambda: last(self.b))

    def test_one_line(self):
        """Each in his turn, whatever node he and the agent are at; no agent rings twice."""
        order = ("1003", "1001", "1002")
        self.waits(*order)
        self.is_line(*order)
        self.logs_in("1011")
        first = self.rings("1011", "1003")
        until(lambda: self.now("1011") == ["busy"] * 3, lambda: self.now("1011"))
        self.logs_in("1012")
        second = self.rings("1012", "1001")
        self.has(first, "1011", "1003")
        self.has(second, "1012", "1001")
        self.is_line("1002")
        self.is_over("1012", second, "1001")
        third = self.rings("1012", "1002")
        self.ends("1002")
        third.wait_cancel()
        self.is_over("1011", first, "1003")
        until(lambda: self.now("1011") + self.now("1012") == ["ready"] * 6, lambda: self.now("1011") + self.now("1012"))
        self.assertEqual((self.rung("1011"), self.rung("1012")), (1, 2))

    def test_priority(self):
        """The later caller, at another node, is first by priority; wrap-up counts there, too."""
        self.a.ctl("queue.put", name="gold", members="1011", priority=5, wrapup_s=3)
        self.a.ctl("number.put", number="101", to="queue:gold")
        self.addCleanup(self.a.ctl, "queue.delete", name="gold", force=True)
        self.waits("1001")
        phone = self.agents["1002"]
        until(lambda: self.b.local("number.get", number="101")["to"] == "queue:gold", lambda: "it is known")
        self.calls["1002"] = out = phone.invite("101", phone.audio.sdp())
        self.addCleanup(self.ends, "1002")
        out.id = parameter(out.wait_answer().get("To"), "tag").split(".")[0]
        until(lambda: all(node.local("queue.status", name="gold")["callers"] for node in self.nodes), lambda: "it waits")
        self.logs_in("1011")
        incoming = self.rings("1011", "1002")
        incoming.answer(self.agents["1011"].audio.sdp())
        until(lambda: not any(node.local("queue.status", name="gold")["callers"] for node in self.nodes), lambda: "it is answered")
        self.is_over("1011", incoming, "1002")
        since = time.monotonic()
        until(lambda: self.now("1011") == ["wrapup"] * 3, lambda: self.now("1011"))
        again = self.rings("1011", "1001")
        self.assertGreater(time.monotonic() - since, 1)
        self.ends("1001")
        again.wait_cancel()

    def test_killed(self):
        """The node of the first caller dies: places stay as they are meanwhile, and the successor of his call serves him first."""
        self.waits(*CALLERS)
        self.is_line(*CALLERS)
        self.a.kill()
        while self.owner(17) not in ("b", "c"):
            self.assertEqual(self.lines(), [list(CALLERS)] * 2)
        until(lambda: self.calls["1001"].id in [row["id"] for node in self.nodes for row in node.local("call.list")], lambda: "it is restored")
        self.assertEqual(self.lines(), [list(CALLERS)] * 2)
        self.b.ctl("agent.login", number="1011")
        incoming = self.rings("1011", "1001")
        self.a.restart()
        self.until(lambda: self.a.metric("tandem_cluster_nodes", state="heard") == 2)
        self.is_line(*CALLERS)
        self.has(incoming, "1011", "1001")
        self.is_line("1002", "1003")
        self.is_over("1011", incoming, "1001")
        incoming = self.rings("1011", "1002")
        self.ends("1002")
        incoming.wait_cancel()
        incoming = self.rings("1011", "1003")
        self.ends("1003")
        incoming.wait_cancel()
        self.assertEqual(self.rung("1011"), 3)

    def test_lamps(self):
        """BEAT-30: keys at another node: of the queue's number, which flashes while somebody waits, over the kill of his node, and of an agent, which is lit while
        he is ready, and flashes while he is not. Who may not watch is refused."""
        desk = self.agents["1003"]
        queue, agent = Lamp(desk, "100"), Lamp(desk, "*221011")
        queue.until()
        agent.until()
        self.waits("1001")
        queue.until("early")
        self.b.ctl("agent.login", number="1011")
        agent.until("confirmed")
        incoming = self.rings("1011", "1001")
        self.has(incoming, "1011", "1001")
        queue.until("terminated")
        self.b.ctl("agent.not_ready", number="1011")
        agent.until("early")
        self.waits("1002")
        queue.until("early")
        self.b.kill()
        self.until(lambda: self.owner(18) in ("a", "c"))
        until(lambda: self.calls["1002"].id in [row["id"] for node in self.nodes for row in node.local("call.list")], lambda: "it is restored")
        self.ends("1002")
        queue.until("terminated")
        self.a.ctl("agent.logout", number="1011")
        agent.until("terminated")
        self.b.restart()
        self.until(lambda: self.owner(18) == "b")
        self.is_over("1011", incoming, "1001")
        for fields, watched, status in (({"number": "1003", "monitor": "none"}, ("100", "*221011"), 403), ({"number": "1011", "monitored": "none"}, ("*221011",), 403),
                                        ({"number": "1003"}, ("*224711", "*22"), 404)):
            self.a.ctl("extension.put", **fields)
            self.addCleanup(self.a.ctl, "extension.put", number=fields["number"], monitor="all", monitored="parties")
            until(lambda fields=fields: fields.items() <= self.c.local("extension.get", number=fields["number"]).items(), lambda: "it is known")
            for name in watched:
                with self.assertRaisesRegex(AssertionError, str(status)):
                    Lamp(desk, name)
            self.a.ctl("extension.put", number=fields["number"], monitor="all", monitored="parties")
            until(lambda: [self.c.local("extension.get", number=number)[key] for number, key in (("1003", "monitor"), ("1011", "monitored"))] == ["all", "parties"], lambda: "it is known")

    def test_of_an_extension(self):
        """CALL-16: who calls a busy extension waits in its own queue, at each node, over the kill of one; it rings in turn, though nobody is logged in."""
        self.a.ctl("queue.put", name="sales", members="1011", without_login=True)
        self.addCleanup(self.a.ctl, "queue.put", name="sales", without_login=False)
        self.a.ctl("extension.put", number="1011", call_waiting="off", forward_busy="100")
        self.addCleanup(self.a.ctl, "extension.put", number="1011", call_waiting="phone", forward_busy="")
        for node in self.nodes:
            until(lambda node=node: node.local("extension.get", number="1011")["forward_busy"] == "100" and node.local("queue.get", name="sales")["without_login"], lambda: "it is known")
        time.sleep(1.2)     # for a second a node calls the phones that it has read: those of the test before
        first = self.agents["1003"].invite("1011", self.agents["1003"].audio.sdp())
        try:
            talks = self.agents["1011"].incoming()
        except SipError as error:
            self.fail(f"{error}; the caller: {first.provisional} {first.response} {first.error}; {[self.status(node) for node in self.nodes]}")
        talks.answer(self.agents["1011"].audio.sdp())
        first.wait_answer()
        self.waits("1001", "1002", to="1011")
        self.is_line("1001", "1002")
        self.assertEqual([(row["state"], row["now"]) for row in self.status(self.c)["agents"]], [("out", "busy")])
        self.a.kill()
        until(lambda: self.owner(17) in ("b", "c") and self.calls["1001"].id in [row["id"] for node in self.nodes for row in node.local("call.list")], lambda: "it is restored")
        self.assertEqual(self.lines(), [["1001", "1002"]] * 2)
        first.bye()
        talks.wait_bye()
        incoming = self.rings("1011", "1001")
        self.a.restart()
        self.until(lambda: self.a.metric("tandem_cluster_nodes", state="heard") == 2)
        self.has(incoming, "1011", "1001")
        self.is_over("1011", incoming, "1001")
        incoming = self.rings("1011", "1002")
        self.has(incoming, "1011", "1002")
        self.is_over("1011", incoming, "1002")
        until(lambda: [row["now"] for node in self.nodes for row in self.status(node)["agents"]] == ["ready"] * 3, lambda: [self.status(node)["agents"] for node in self.nodes])

    def test_status(self):
        """Each node says which node has whose call, and what all of them have counted. One that is gone is left out."""
        names = ["a", "b", "c"]
        before = {name: self.status(self.a, name) for name in names}

        def more(node, field, of=None):
            return self.status(node, of)[field] - sum(row[field] for name, row in before.items() if of in (None, name))

        self.waits(*CALLERS)
        for node in self.nodes:
            self.assertEqual(([row["node"] for row in self.status(node)["callers"]], more(node, "joined")), (names, 3))
            self.assertEqual([more(node, "joined", name) for name in names], [1] * 3)
            sums = node.local("queue.status", name="sales", sums=True)
            self.assertEqual(sums, {field: value for field, value in self.status(node).items() if field not in ("callers", "agents")})
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        time.sleep(1)
        self.has(incoming, "1011", "1001")
        self.assertEqual([(more(node, "answered"), more(node, "wait_s") > 0) for node in self.nodes], [(1, True)] * 3)
        self.c.kill()
        until(lambda: self.status(self.a)["joined"] == sum(self.status(self.a, name)["joined"] for name in "ab"), lambda: self.status(self.a))
        self.until(lambda: self.owner(19) in ("a", "b"))
        until(lambda: [row["node"] for row in self.status(self.a)["callers"]] == ["b", self.owner(19)], lambda: self.status(self.a))
        self.is_over("1011", incoming, "1001")

    def test_supervised(self):
        """MON-04: a supervisor at a third node hears an agent's call of a queue by command, each of its parties, and neither hears him."""
        self.a.ctl("supervisor.put", number="1003", whom="1011", modes="listen")
        self.addCleanup(self.a.ctl, "supervisor.delete", number="1003")
        self.logs_in("1011")
        self.waits("1001")
        incoming = self.rings("1011", "1001")
        ends = {number: self.agents[number].audio for number in ("1001", "1003", "1011")}
        self.has(incoming, "1011", "1001")
        ends["1011"].use(incoming.request)
        self.calls["1001"].wait_reinvite(ends["1001"].sdp(version=2))
        until(lambda: any(row["number"] == "1003" for row in self.c.local("supervisor.list")), lambda: "it is known")
        with self.assertRaises((Refused, ServerError)):
            self.c.ctl("supervisor.monitor", number="1003", extension="1011", mode="barge")
        self.c.ctl("supervisor.monitor", number="1003", extension="1011", mode="listen")
        listens = self.agents["1003"].incoming()
        ends["1003"].use(listens.request)
        listens.answer(ends["1003"].sdp())
        for speaks, hears in (("1001", ("1003", "1011")), ("1011", ("1001", "1003")), ("1003", ())):
            ends[speaks].start(THREE)
            for number in hears:
                ends[number].wait_tone(THREE, anew=True)
            if not hears:
                time.sleep(0.5)
                self.assertFalse([number for number in ("1001", "1011") if ends[number].is_tone(THREE)])
            ends[speaks].stop()
        listens.bye()
        self.is_over("1011", incoming, "1001")

    def test_position_is_heard(self):
        """The third one hears that he is third, and again when the node that has his call is killed. He hears it when it is due, not at once."""
        for name, hertz in (("queue-position", POSITION), ("digit-3", THREE)):
            path = os.path.join(self.a.home, name + ".wav")
            wav(path, hertz)
            self.a.tandemctl("prompt.put", name=name, file=path)
            self.addCleanup(self.a.ctl, "prompt.delete", name=name)
        self.a.ctl("queue.put", name="sales", announce_s=6)
        self.addCleanup(self.a.ctl, "queue.put", name="sales", announce_s=0)
        for node in self.nodes:
            until(lambda node=node: len(node.local("prompt.list")) == 2 and node.local("queue.get", name="sales")["announce_s"] == 6,
                  lambda: "all have them")
        self.waits("1001", "1002")
        joined = time.monotonic()
        self.waits("1003")
        audio = self.agents["1003"].audio
        audio.wait_tone(POSITION)
        audio.wait_tone(THREE)
        self.c.kill()
        self.until(lambda: self.owner(19) in ("a", "b"))
        audio.wait_tone(POSITION, anew=True)
        waited = (time.monotonic() - joined) % 6
        self.assertTrue(waited < min(2 * slowness(), 4) or waited > 5.5, waited)
        audio.wait_tone(THREE)
        self.assertEqual(self.lines(), [list(CALLERS)] * 2)


class Away(Line):
    @classmethod
    def settings(cls, name, shard):
        """Redis is away for less than a lease."""
        settings = super().settings(name, shard)
        settings["cluster"]["lease"] = "10s"
        return settings

    def test_without_redis(self):
        """The line is the same without it, and an agent rings for one caller."""
        self.waits(*CALLERS)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        self.has(incoming, "1011", "1001")
        type(self).redis_stop(signal.SIGKILL)
        for node in self.nodes:
            self.until(lambda node=node: node.metric("tandem_degraded") == 1)
        self.assertEqual(self.lines(), [["1002", "1003"]] * 3)
        self.is_over("1011", incoming, "1001")
        incoming = self.rings("1011", "1002")
        type(self).redis_start()
        self.has(incoming, "1011", "1002")
        self.is_over("1011", incoming, "1002")
        incoming = self.rings("1011", "1003")
        self.ends("1003")
        incoming.wait_cancel()
        self.assertEqual(self.rung("1011"), 3)


if __name__ == "__main__":
    unittest.main()
