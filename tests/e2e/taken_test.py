# SPDX-License-Identifier: Apache-2.0
"""Nodes of a cluster: when one is killed another takes its shard, with its address, calls and phones."""
import concurrent.futures
import contextlib
import os
import signal
import subprocess
import time

from directory_test import Pair
from lib import wire
from lib.node import PATIENCE_S
from lib.sip import SipError, parameter
from patience import slowness
from server import ServerError

LONG = 120                      # s: it waits for leases
SIP, LEASE_S = 5060, 2
ADDRESSES = {number: f"127.0.0.{number}" for number in range(17, 22)}


class Talk:
    """Two phones of a shard's address, and what they say to each other."""

    def __init__(self, test, shard, callee="1002", at=17, rings=None):
        self.test, self.ends = test, [test.b.media(), test.b.media()]
        for end in self.ends:
            test.addCleanup(end.close)
        self.out = test.phones[shard, "1001"].invite(callee, self.ends[0].sdp())
        self.into = test.phones[at, rings or callee].incoming()   # where it has registered

    def answer(self):
        self.into.answer(self.ends[1].sdp())
        answer = self.out.wait_answer()
        self.id = parameter(answer.get("To"), "tag").split(".")[0]
        self.ends[0].use(answer)
        self.ends[1].use(self.into.request)
        return self

    def speaks(self):
        """From now on, both of them."""
        for end, hertz in zip(self.ends, (440, 880)):
            end.start(hertz)
        return self

    def hears(self):
        self.ends[0].wait_tone(880, anew=True)
        self.ends[1].wait_tone(440, anew=True)

    def quiet(self):
        for end in self.ends:
            end.stop()

    def hang_up(self):
        self.out.bye()
        self.into.wait_bye()


class Cluster(Pair):
    shards = (17, 18)

    @classmethod
    def settings(cls, name, shard):
        own = {"a": 17, "b": 18, "c": 19}[name]
        return {"node": {"name": name, "shard": own}, "redis": {"url": f"unix:{cls.socket}"},
                "cluster": {"listen": f"{ADDRESSES[own]}:7946", "lease": f"{LEASE_S}s"},
                "networks": [{"name": f"s{number}", "bind": address, "shard": number, "floating": True, "sip_ports": [SIP],
                              "sip_tls_ports": [], "media_ports": "12000-12399"} for number, address in ADDRESSES.items() if number in cls.shards]}

    @classmethod
    def setUpClass(cls):
        wire.alone()        # other files have nodes at these addresses, too
        super().setUpClass()
        for number in ("1001", "1002", "1003"):
            cls.a.put_extension(number, "secret")

    def setUp(self):
        self.phones = {}
        for node in (getattr(self, name) for name in "abc" if hasattr(self, name)):
            if not node.running():
                node.restart()
        for shard in self.shards:
            for number in ("1001", "1002", "1003"):
                agent = self.a.user_agent(number, "secret")
                self.addCleanup(agent.close)
                agent.server = (ADDRESSES[shard], SIP)
                self.phones[shard, number] = agent
        self.addCleanup(self.forget)

    def forget(self):
        """No call is left, whatever the test came to. A phone of the next test is another one; there are so many of an extension at most."""
        for node in (getattr(self, name) for name in "abc" if hasattr(self, name)):
            with contextlib.suppress(ServerError):
                for call in node.ctl("call.list") if node.running() else ():       # of all nodes
                    node.ctl("call.hangup", call=call["id"])
        there = [agent for agent in self.phones.values() if agent.count(lambda message: message.method == "REGISTER" and message.status == 200)]
        for agent in there:
            with contextlib.suppress(SipError, OSError):    # its node is gone; it is closed
                agent.register(expires=0, seconds=1)
        if there:
            time.sleep(1.1)     # what a node knows of an extension it believes for a second, wherever the next phone is
        self.phones.clear()

    def registers(self, shard, *numbers):
        for number in numbers:
            self.until(lambda: self.phones[shard, number].register().status == 200)

    def owner(self, shard):
        with self.redis() as redis:
            return redis("HGET", f"td:{{s{shard}}}:lease", "node")

    def at_home(self):
        """A recording has a segment for each node that a shard was at."""
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))

    def named(self, shard):
        with self.redis() as redis:
            return len((redis("HGET", f"td:{{s{shard}}}:lease", "named") or "").split())

    def cdrs(self, node, call):
        return [row for row in node.ctl("cdr.list", limit=200) if row["id"] == call]


class Taken(Cluster):
    def test_killed(self):
        """Who talks goes on talking, who rings can be answered, and the phones are called; then the node comes back and takes over."""
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        rings = Talk(self, 17)
        rings.into.ring()
        rings.out.wait_provisional(180)
        self.a.kill()
        talk.hears()
        rings.answer().speaks().hears()
        rings.quiet()
        rings.hang_up()
        self.assertEqual(self.b.ctl("call.show", call=talk.id)["id"], talk.id)
        self.a.restart()
        self.b.kill()
        talk.hears()
        Talk(self, 18).answer().hang_up()   # by the other shard's address
        talk.quiet()
        talk.hang_up()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.assertEqual([len(self.cdrs(self.a, call)) for call in (talk.id, rings.id)], [1, 1])


    def status(self):
        status = self.a.ctl("cluster.status", node="a")
        return ({row["name"]: row["state"] for row in status["nodes"]}, {row["shard"]: row for row in status["shards"]})

    def test_status(self):
        """What operators see, also of a node that is gone."""
        self.until(lambda: self.status()[0] == {"a": "self", "b": "heard"})
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b") and self.status()[1][17]["named"] == ["b"])
        self.until(lambda: self.status()[1][18]["owner"] == "b")    # a hears of it by the next lease
        shards = self.status()[1]
        self.assertEqual([(shards[n]["owner"], shards[n]["state"], shards[n]["home"]) for n in (17, 18)],
                         [("a", "live", True), ("b", "waiting", False)])
        self.assertTrue(0 < shards[17]["valid_ms"] <= 2000 and shards[17]["age_ms"] < 2000, shards)
        self.assertTrue(shards[17]["kept"])
        self.assertEqual([row["name"] for row in self.a.ctl("node.list", node="a", sort="-name")], ["b", "a"])
        self.assertEqual([row["shard"] for row in self.a.ctl("shard.list", node="a", home=False)], [18])
        self.assertEqual(self.a.ctl("shard.get", node="a", shard=18)["owner"], "b")
        self.b.kill()
        self.until(lambda: self.status()[0]["b"] in ("unheard", "silent"))
        self.until(lambda: self.status()[1][18]["owner"] == "a")
        self.until(lambda: self.status()[1][18]["state"] == "live")
        takes = lambda: [(row["object"], row["node"]) for row in self.a.ctl("audit.list", operators=True) if row["command"] == "shard.take"]
        self.until(lambda: takes()[:1] == [("18", "a")])
        self.assertLessEqual({("17", "a"), ("18", "b")}, set(takes()[1:]), "who had them before")


class Owning:
    """Each node has an address of its own. Whoever takes a shard asks the parties of its calls to come there."""
    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        own = settings["node"]["shard"]
        settings["cluster"]["shards"] = list(cls.shards)
        settings["networks"] = [{key: value for key, value in network.items() if key not in ("shard", "floating")}
                                for network in settings["networks"] if network["shard"] == own]
        return settings

    def setUp(self):
        """Each shard is at home. Else a call may be of one that is about to go there, and its parties are asked to follow."""
        super().setUp()
        for shard in self.shards:
            self.until(lambda: self.named(shard) == len(self.shards) - 1)
        self.until(lambda: [self.owner(shard) for shard in self.shards] == [*"abc"[:len(self.shards)]])

    def come(self, talk, at):
        """Both are asked by the node at that address, and hear each other there."""
        for dialog, end in ((talk.out, talk.ends[0]), (talk.into, talk.ends[1])):
            asked = dialog.wait_reinvite(end.sdp())
            self.assertIn(f"c=IN IP4 {ADDRESSES[at]}", asked.text)
            dialog.routes = []
            end.use(asked)
        talk.hears()


class Asked(Owning, Cluster):
    def test_killed_and_home(self):
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        self.until(lambda: self.a.ctl("call.show", call=talk.id)["saved"])
        self.a.kill()
        self.come(talk, 18)
        self.assertEqual(self.b.ctl("call.show", call=talk.id)["id"], talk.id)
        self.a.restart()
        self.come(talk, 17)
        talk.quiet()
        talk.hang_up()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.assertEqual(len(self.cdrs(self.a, talk.id)), 1)


class Apart(Owning, Cluster):
    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        del settings["cluster"]["shards"]
        return settings

    def test_status(self):
        """Of shards that a node never has it says who runs them, and that nobody does."""
        def shards(name):
            return [(row["shard"], row["state"], row["owner"]) for row in self.a.ctl("cluster.status", node=name)["shards"]]

        self.until(lambda: (shards("a"), shards("b")) == ([(17, "live", "a"), (18, "elsewhere", "b")], [(18, "live", "b"), (17, "elsewhere", "a")]))
        self.b.kill()
        self.until(lambda: shards("a") == [(17, "live", "a"), (18, "elsewhere", None)])
        done = subprocess.run([self.b.program("tandemctl"), "--config", self.b.config, "node.status"], capture_output=True, text=True, check=True)
        self.assertIn("b does not answer; this is a", done.stderr)
        # what changes a node is done by no other one in its place
        for command in (["node.drain"], ["node.undrain"], ["log.level", "level=debug"], ["shard.take", "shard=17"]):
            done = subprocess.run([self.b.program("tandemctl"), "--config", self.b.config, *command], capture_output=True, text=True)
            self.assertEqual((done.returncode, "no node b runs" in done.stderr), (5, True), done.stderr)
        self.assertFalse(self.a.ctl("node.status", node="a")["draining"])


class Handed(Cluster):
    def test_by_command_and_home(self):
        """Who talks, holds and rings notices next to nothing. The node that is stopped gives its shard, and gets it back when it returns."""
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        rings = Talk(self, 17)
        rings.into.ring()
        rings.out.wait_provisional(180)
        self.assertEqual(self.a.ctl("shard.take", shard=17, node="b")["holder"], "a")
        self.until(lambda: self.owner(17) == "b")
        talk.hears()
        rings.answer().speaks().hears()
        rings.quiet()
        rings.hang_up()
        self.until(lambda: self.owner(17) == "a")   # it is ready, and it is its own
        talk.hears()
        self.a.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.a.process.wait(PATIENCE_S), 0)
        self.assertEqual(self.owner(17), "b")
        talk.hears()
        self.until(lambda: "another node has stopped" in self.b.log_tail(200))
        self.assertNotIn("another node is not heard any more", self.b.log_tail(2000))
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        talk.hears()
        talk.quiet()
        talk.hang_up()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.assertEqual([len(self.cdrs(self.a, call)) for call in (talk.id, rings.id)], [1, 1])

    def test_drained(self):
        self.registers(18, "1001", "1002")
        talk = Talk(self, 18, at=18).answer().speaks()
        talk.hears()
        self.a.ctl("node.drain", node="b")
        self.until(lambda: self.owner(18) == "a")
        talk.hears()
        self.a.ctl("node.undrain", node="b")
        self.until(lambda: self.owner(18) == "b")
        talk.hears()
        talk.quiet()
        talk.hang_up()


class Spent(Cluster):
    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        settings["cluster"]["failback"] = False
        return settings

    def goes_to(self, name):
        self.a.ctl("shard.take", shard=17, node=name)
        self.until(lambda: self.live(name))

    def live(self, name):
        return {row["shard"]: row["state"] for row in self.a.ctl("cluster.status", node=name)["shards"]}[17] == "live"

    def spend(self, ms):
        """Calls of the shard that are over have cost so much more."""
        with self.redis() as redis:
            redis("HINCRBY", f"td:{{s17}}:toll:{int(time.time()) // 86400}", "default:", ms)

    def used(self):
        return [node.metric("tandem_tenant_outside_seconds", tenant="default") for node in (self.a, self.b)]

    def test_comes_back(self):
        """A shard that leaves a node and comes back the same day, with more: its minutes outside count once, where it is."""
        self.spend(60000)
        self.goes_to("b")
        self.until(lambda: self.used() == [0, 60])
        self.goes_to("a")
        self.until(lambda: self.used() == [60, 0])
        self.goes_to("b")
        self.until(lambda: self.used() == [0, 60])
        self.spend(30000)
        self.goes_to("a")
        self.until(lambda: self.used() == [90, 0])


class Limited(Cluster):
    @classmethod
    def settings(cls, name, shard):
        """Longer leases: a node that a busy machine lets stand still keeps its calls, which are counted here."""
        made = super().settings(name, shard)
        return {**made, "cluster": {**made["cluster"], "lease": f"{4 * LEASE_S}s"}, "quotas": {"extension": {"calls": 4, "calls_per_second": 0}}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a.put_extension("112", "secret")

    def refused(self, shard, callee):
        final = self.phones[shard, "1001"].invite(callee, self.media.sdp()).wait_final()
        self.assertEqual((final.status, "too many calls at once" in final.get("Warning")), (486, True))

    def got(self, node):
        """How often the other node has given it of its part: that is asked for ahead, and is there a moment after the call that wanted it."""
        return node.metric("tandem_cluster_shares_total", result="got")

    def test_one_password_at_two_nodes(self):
        """It has as many calls as at one, by whichever node, without Redis and over a kill; who needs help is not refused (TRUST-02)."""
        self.media = self.enterContext(self.b.media())
        helper = self.phones[18, "112"] = self.enterContext(self.a.user_agent("112", "secret"))
        helper.server = (ADDRESSES[18], SIP)
        self.registers(17, "1001", "1002")
        self.registers(18, "1001", "1003", "112")
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)
        self.until(lambda: [self.owner(shard) for shard in (17, 18)] == ["a", "b"])     # where one of them was late, it asks for its own
        time.sleep(1.5 * slowness())        # each has counted the nodes since
        got = self.got(self.a)
        talks = [Talk(self, 17).answer() for _ in range(2)]
        self.until(lambda: self.got(self.a) >= got + 1)
        talks.append(Talk(self, 17).answer())
        self.refused(17, "1002")    # the other node keeps one for who comes there, until now
        self.until(lambda: self.got(self.a) >= got + 2)
        talks.append(Talk(self, 17).answer())
        self.refused(17, "1002")
        self.refused(18, "1003")
        self.server.send_signal(signal.SIGSTOP)
        self.addCleanup(self.server.send_signal, signal.SIGCONT)
        self.refused(18, "1003")
        self.server.send_signal(signal.SIGCONT)
        got = self.got(self.b)
        talks.pop().hang_up()
        self.until(lambda: self.got(self.b) > got)
        talks.append(Talk(self, 18, callee="1003", at=18).answer())
        self.refused(17, "1002")
        self.a.kill()
        self.until(lambda: self.owner(17) == "b" and len(self.b.ctl("call.list")) == len(talks))
        self.refused(18, "1003")
        self.refused(17, "1002")
        Talk(self, 18, callee="112", at=18).answer().hang_up()
        for talk in talks:
            talk.hang_up()


class Two(Cluster):
    """Of two nodes each lease names the other one, which claims by the word of Redis alone. Who is left alone names nobody."""
    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        settings["cluster"]["failback"] = False
        return settings

    def pauses(self, process, seconds):
        process.send_signal(signal.SIGSTOP)
        self.addCleanup(process.send_signal, signal.SIGCONT)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def test_stands_still(self):
        """Without Redis they live by each other's word. Who stands still for longer than its lease has lost its shard, and says nothing."""
        self.registers(17, "1001", "1002")
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        past = [node.log_tail(9000).count("the lease of the shard is past") for node in (self.a, self.b)]
        self.pauses(self.server, 5)
        talk.hears()
        talk.quiet()
        self.assertEqual([node.log_tail(9000).count("the lease of the shard is past") for node in (self.a, self.b)], past)
        name = self.owner(17)
        owner, other = (self.a, self.b) if name == "a" else (self.b, self.a)
        owner.process.send_signal(signal.SIGSTOP)
        self.addCleanup(owner.process.send_signal, signal.SIGCONT)
        self.until(lambda: self.owner(17) != name)
        self.assertIn("the owner of a shard is silent: claiming it", other.log_tail(2000))
        owner.process.send_signal(signal.SIGCONT)
        self.until(lambda: "it is silent from now on" in owner.log_tail(2000))
        talk.hang_up()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.assertEqual(len(self.cdrs(self.a, talk.id)), 1)

    def test_stopped(self):
        """As by a restart: it hands over first. The other one is alone then, and goes on also without Redis, until there are two again."""
        self.registers(18, "1001", "1002")
        talk = Talk(self, 18, at=18).answer().speaks()
        talk.hears()
        name = self.owner(18)
        leaves, stays = (self.a, self.b) if name == "a" else (self.b, self.a)
        leaves.process.send_signal(signal.SIGINT)
        self.assertEqual(leaves.process.wait(PATIENCE_S), 0)
        for shard in self.shards:
            self.assertNotEqual(self.owner(shard), name)
        talk.hears()
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 0)
        self.until(lambda: stays.metric("tandem_cluster_nodes", state="known") == 0)
        past = stays.log_tail(9000).count("the lease of the shard is past")
        self.pauses(self.server, 5)
        talk.hears()
        self.assertEqual(stays.log_tail(9000).count("the lease of the shard is past"), past)
        leaves.restart()
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)
        talk.hears()
        talk.quiet()
        talk.hang_up()

    def test_removed(self):
        """A node that is killed may come back, so leases name it still. One that never will is removed by hand."""
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)
        with self.assertRaisesRegex(ServerError, "conflict"):
            self.a.ctl("node.remove", name="b")
        self.b.kill()
        self.until(lambda: {self.owner(17), self.owner(18)} == {"a"})
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)
        self.until(lambda: self.removed("b"))
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 0)
        self.pauses(self.server, 5)
        talk.hears()
        talk.quiet()
        talk.hang_up()
        with self.assertRaisesRegex(ServerError, "not_found"):
            self.a.ctl("node.remove", name="nobody")
        self.b.restart()
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 1)

    def removed(self, name):
        try:
            return self.a.ctl("node.remove", name=name)["name"] == name
        except ServerError:
            return False


class Three(Cluster):
    """Leases name the two others, who both have to consent to a claim, and whose acks are enough for the owner."""
    shards = (17, 18, 19)

    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        settings["cluster"]["failback"] = False   # who has taken a shard keeps it
        return settings

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c = cls.joins("c", 3)


class Claimed(Three):
    def test_killed_and_cut_off(self):
        """One is killed; then the one that has its shard stands still for longer than its lease lasts, and speaks for it no more."""
        self.registers(17, "1001", "1002")
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 2)
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        self.a.kill()
        talk.hears()
        talk.quiet()
        self.assertIn(self.owner(17), ("b", "c"))
        self.a.restart()
        for shard in (17, 18, 19):
            self.until(lambda: self.named(shard) == 2)
        taker = {"b": self.b, "c": self.c}[name := self.owner(17)]
        self.assertIn("the owner of a shard is silent: claiming it", taker.log_tail(2000))
        taker.process.send_signal(signal.SIGSTOP)
        self.addCleanup(taker.process.send_signal, signal.SIGCONT)
        self.until(lambda: self.owner(17) != name)
        taker.process.send_signal(signal.SIGCONT)
        self.until(lambda: "it is silent from now on" in taker.log_tail(2000))
        talk.hang_up()
        self.until(lambda: self.cdrs(self.a, talk.id))
        self.assertEqual(len(self.cdrs(self.a, talk.id)), 1)

    def test_all_stand_still(self):
        """Each lease is past then. Whoever asks first has the others' consent."""
        self.registers(18, "1001", "1002")
        for shard in self.shards:
            self.until(lambda: self.named(shard) == 2)
        talk = Talk(self, 18, at=18).answer().speaks()
        talk.hears()
        nodes = (self.a, self.b, self.c)
        for node in nodes:
            node.process.send_signal(signal.SIGSTOP)
            self.addCleanup(node.process.send_signal, signal.SIGCONT)
        time.sleep(3)   # longer than any lease
        for node in nodes:
            node.process.send_signal(signal.SIGCONT)
        self.until(lambda: any("claiming it" in node.log_tail(3000) for node in nodes))
        talk.hears()
        talk.quiet()
        talk.hang_up()


class Spread(Three):
    """Two shards beside are of no node's file."""
    shards = (17, 18, 19, 20, 21)

    def setUp(self):
        super().setUp()
        self.until(lambda: self.refused() is None)      # all have said which shards are their own

    def at(self, name):
        return [shard for shard in self.shards if self.owner(shard) == name]

    def test_rebalanced(self):
        """All lie at one node. They are spread by command, and those who talk notice next to nothing."""
        self.until(lambda: self.gathered() and self.b.metric("tandem_shards", state="live") == 5)
        for shard, number in ((17, "1002"), (19, "1003")):
            self.registers(shard, number)
        talks = [Talk(self, shard, number, at=shard).answer().speaks() for shard, number in ((17, "1002"), (19, "1003"))]
        for talk in talks:
            talk.hears()
        # what was offered in a drain before may still be asked for by another one
        self.until(lambda: self.gathered() and self.planned() == {17: ("b", "a", "home"), 19: ("b", "c", "home"), 20: ("b", None, "even")})
        self.assertEqual(self.at("b"), list(self.shards), "nothing is moved by dry")
        with concurrent.futures.ThreadPoolExecutor() as both:       # whichever comes second
            answers = list(both.map(self.rebalance, range(2)))
        done, busy = sorted(answers, key=lambda answer: isinstance(answer, str))
        self.assertEqual((done["dry"], len(done["moves"]), done["unowned"]), (False, 3, []))
        self.assertIn("busy", busy)
        self.until(lambda: (self.owner(17), self.owner(18), self.owner(19)) == ("a", "b", "c"))
        self.until(lambda: sorted(len(self.at(name)) for name in "abc") == [1, 2, 2])
        self.until(lambda: not self.planned())
        self.until(lambda: self.c.log_tail(500).count("a shard was moved by command") == 3)
        for talk in talks:
            talk.hears()
            talk.quiet()
        talks[0].hang_up()
        talks[1].into.bye()
        talks[1].out.wait_bye()
        for talk in talks:
            self.until(lambda: self.cdrs(self.a, talk.id))
            self.assertEqual(len(self.cdrs(self.a, talk.id)), 1)

    def rebalance(self, _):
        try:
            return self.c.ctl("cluster.rebalance", node="c")
        except ServerError as error:
            return str(error)

    def gathered(self):
        for shard in set(self.shards) - set(self.at("b")):
            with contextlib.suppress(ServerError):      # it asks already
                self.a.ctl("shard.take", shard=shard, node="b")
        return self.at("b") == list(self.shards)

    def planned(self):
        moves = self.a.ctl("cluster.rebalance", dry=True, node="a")["moves"]
        return {row["shard"]: (row["from"], row["to"] if row["why"] == "home" else None, row["why"]) for row in moves}

    def spares(self, name):
        """False also where node a has not heard yet which shards are whose: then it says so, and is asked again."""
        try:
            return name not in str(self.planned())
        except ServerError:
            return False

    def test_drains(self):
        """Whoever takes no calls gets no shard, and gives its own."""
        self.a.ctl("node.drain", node="c")
        self.addCleanup(self.a.ctl, "node.undrain", node="c")
        self.until(lambda: not self.at("c"))
        self.until(lambda: all(self.owner(shard) in ("a", "b") for shard in self.shards) and self.spares("c"))
        self.a.ctl("cluster.rebalance", node="a")
        self.until(lambda: not self.planned())
        self.assertEqual(sorted(len(self.at(name)) for name in "ab"), [2, 3])
        for node in "ab":
            self.a.ctl("node.drain", node=node)
            self.addCleanup(self.a.ctl, "node.undrain", node=node)
        self.until(lambda: self.refused() and "say node.undrain" in self.refused())

    def refused(self):
        try:
            self.planned()
        except ServerError as error:
            return str(error)
        return None
