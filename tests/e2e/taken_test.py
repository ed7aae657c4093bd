# SPDX-License-Identifier: Apache-2.0
"""Two nodes of a cluster: when one is killed the other takes its shard, with its address, calls and phones."""
import time

from directory_test import Pair
from lib.node import Node
from lib.sip import parameter
from patience import PATIENCE_S

SIP, LEASE = 5060, "1s"
ADDRESSES = {17: "127.0.0.17", 18: "127.0.0.18"}


class Talk:
    """Two phones of a shard's address, and what they say to each other."""

    def __init__(self, test, shard, callee="1002"):
        self.test, self.ends = test, [test.b.media(), test.b.media()]
        for end in self.ends:
            test.addCleanup(end.close)
        self.out = test.phones[shard, "1001"].invite(callee, self.ends[0].sdp())
        self.into = test.phones[17, callee].incoming()   # where it has registered

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


class Taken(Pair):
    @classmethod
    def settings(cls, name, shard):
        ports = {"a": ("17999", 17), "b": ("18999", 18)}[name]
        return {"node": {"name": name, "shard": ports[1]}, "redis": {"url": f"unix:{cls.socket}"},
                "cluster": {"listen": f"127.0.0.1:{ports[0]}", "lease": LEASE},
                "networks": [{"name": f"s{number}", "bind": address, "shard": number, "floating": True, "sip_ports": [SIP],
                              "sip_tls_ports": [], "media_ports": "12000-12399"} for number, address in ADDRESSES.items()]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in ("1001", "1002", "1003"):
            cls.a.put_extension(number, "secret")

    def setUp(self):
        self.phones = {}
        for node in (self.a, self.b):
            if not node.running():
                node.restart()
        for shard in ADDRESSES:
            for number in ("1001", "1002", "1003"):
                agent = self.a.user_agent(number, "secret")
                self.addCleanup(agent.close)
                agent.server = (ADDRESSES[shard], SIP)
                self.phones[shard, number] = agent

    def registers(self, shard, *numbers):
        for number in numbers:
            self.until(lambda: self.phones[shard, number].register().status == 200)

    def cdrs(self, node, call):
        return [row for row in node.ctl("cdr.list", limit=200) if row["id"] == call]

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
