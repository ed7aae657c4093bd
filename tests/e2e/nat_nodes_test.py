# SPDX-License-Identifier: Apache-2.0
"""Phones behind a NAT that lets nobody in but whom they spoke to, at nodes with addresses of their own."""
from lib.sip import UserAgent
from lib.place import PARTY
from lib.stream import StreamAgent
from lib.takeover import registered
from taken_test import ADDRESSES, SIP, Cluster, Owning, Talk, Three

LONG = 60                       # s: it waits for leases


class Restricted(UserAgent):
    """Filters by address and port (RFC 4787 5). Inside it has another address than the nodes see."""
    spoken = frozenset()

    @property
    def contact(self):
        return f"<sip:{self.number}@10.1.2.3:5099>"

    def send(self, message, to=None):
        self.spoken |= {to or self.server}
        super().send(message, to)

    def _keep(self, data, source, tos=None):
        if source in self.spoken:
            super()._keep(data, source, tos)


class Natted(Owning):
    """All phones are behind it, and have registered with node a."""

    def setUp(self):
        super().setUp()
        for shard, number in self.phones:
            agent = Restricted((ADDRESSES[shard], SIP), number, "secret", PARTY)
            self.addCleanup(agent.close)
            self.phones[shard, number] = agent
        self.addCleanup(self.forget)

    def again(self, number, shard):
        """It registers there, as it has got no answer elsewhere."""
        agent = self.phones[17, number]
        agent.server = (ADDRESSES[shard], SIP)
        agent.spoken = frozenset()
        self.until(lambda: agent.register().status == 200)

    def talk(self):
        """With both at node a."""
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        self.until(lambda: self.a.ctl("call.show", call=talk.id)["saved"])
        return talk

    def ends(self, talk, node):
        """Each party is told by whoever has the call."""
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()
        self.until(lambda: self.cdrs(node, talk.id))
        self.assertEqual(len(self.cdrs(node, talk.id)), 1)


class NattedTwo(Natted, Cluster):
    def test_called_from_another_node(self):
        self.registers(17, "1002")
        self.registers(18, "1001")
        talk = Talk(self, 18, "1002").answer().speaks()
        talk.hears()
        self.assertEqual(self.b.ctl("call.show", call=talk.id)["id"], talk.id)
        talk.quiet()
        talk.into.bye()
        talk.out.wait_bye()
        Talk(self, 18, "1002").answer().hang_up()

    def test_killed_and_home(self):
        """They register with the other node, and are asked by it. When the first one has its shard again they are asked by way of it."""
        talk = self.talk()
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.again("1001", 18)
        self.again("1002", 18)
        self.come(talk, 18)
        self.a.restart()
        self.come(talk, 17)
        self.ends(talk, self.a)

    def test_drained(self):
        """Nobody has died, so the phones do not register anew: they are asked by way of the node that had their call."""
        talk = self.talk()
        self.a.ctl("node.drain", node="a")
        self.until(lambda: self.owner(17) == "b")
        self.come(talk, 18)
        self.a.ctl("node.undrain", node="a")
        self.come(talk, 17)
        self.ends(talk, self.a)


class NattedThree(Natted, Three):
    @classmethod
    def settings(cls, name, shard):
        settings = super().settings(name, shard)
        settings["cluster"]["failback"] = True      # each test begins at home
        return settings

    def test_killed_twice(self):
        """They register with the node that has not got their call. When that one is killed, too, they do with the one that has."""
        talk = self.talk()
        self.a.kill()
        self.until(lambda: self.owner(17) in ("b", "c"))
        (owner, at), (other, beside) = sorted([("b", 18), ("c", 19)], key=lambda node: node[0] != self.owner(17))
        self.again("1001", beside)
        self.again("1002", beside)
        self.come(talk, at)
        getattr(self, other).kill()
        self.again("1001", at)
        self.again("1002", at)
        self.ends(talk, getattr(self, owner))

    def test_comes_late(self):
        """To the node that has not got its call, and only when that has given up asking."""
        talk = self.talk()
        self.a.kill()
        self.until(lambda: self.owner(17) in ("b", "c"))
        (owner, at), (_, beside) = sorted([("b", 18), ("c", 19)], key=lambda node: node[0] != self.owner(17))
        self.again("1001", at)
        self.until(lambda: "a party cannot be told where it is heard by now" in getattr(self, owner).log_tail(2000), seconds=60)
        self.again("1002", beside)
        self.come(talk, at)
        self.ends(talk, getattr(self, owner))


class ConnectedThree(NattedThree):
    """Phones over TCP that nobody can connect to: their node dies, and each comes back to another one."""
    test_comes_late = None

    def setUp(self):
        super().setUp()
        for shard, number in self.phones:
            agent = StreamAgent((ADDRESSES[shard], SIP), number, "secret", PARTY)
            self.addCleanup(agent.close)
            self.phones[shard, number] = agent
        self.addCleanup(self.forget)

    def again(self, number, shard):
        agent = self.phones[17, number]
        agent.server = (ADDRESSES[shard], SIP)
        agent.socket.close()
        agent.reconnect()
        self.until(lambda: registered(agent))

    def test_killed_twice(self):
        """They come back before anybody has their call, one to each node."""
        talk = self.talk()
        self.a.kill()
        self.again("1001", 18)
        self.again("1002", 19)
        self.until(lambda: self.owner(17) in ("b", "c"))
        (owner, at), (other, beside) = sorted([("b", 18), ("c", 19)], key=lambda node: node[0] != self.owner(17))
        self.come(talk, at)
        getattr(self, other).kill()
        self.again("1001", at)
        self.again("1002", at)
        self.ends(talk, getattr(self, owner))
