# SPDX-License-Identifier: Apache-2.0
"""docs/guides/kamailio-sbc.cfg: Kamailio in front of a node, with phones and a carrier in front of it."""
import hashlib
import os
import re
import shutil
import subprocess
import threading
import time
import unittest

from lib.kamailio import Kamailio
from lib.node import Node, build_folder
from lib.sip import UserAgent, digest_fields, or_none
from tandem_client import ha1

from call_test import CallTest
from directory_test import Pair
from guides_test import guide
from patience import PATIENCE_S

SBC, PHONES, CARRIER = "127.0.0.55", "127.0.0.77", "127.0.0.88"


class Front:
    """Kamailio in front of nodes as the guide has it; the carrier is a peer at an address that it knows."""

    def __init__(self, *nodes):
        node = nodes[0]
        self.port, self.trunk_port, self.carrier_port = (node.ports.take() for _ in range(3))
        self.list = os.path.join(node.home, "kamailio-nodes.list")
        lines = [line for line in guide("kamailio-nodes.list").splitlines() if not line.startswith("#")]
        with open(self.list, "w", encoding="utf-8") as file:
            file.writelines(re.sub("sip:[0-9.:]+", f"sip:127.0.0.1:{node.sip_port}", line) + "\n" for line, node in zip(lines, nodes))
        self.program = Kamailio(os.path.join(node.home, "kamailio"), guide("kamailio-sbc.cfg", **{
            "udp:192.0.2.5:5060": f"udp:{SBC}:{self.port}", "udp:192.0.2.5:5080": f"udp:{SBC}:{self.trunk_port}",
            "192.0.2.20:5060!": f"{CARRIER}:{self.carrier_port}!", "192.0.2.20!": f"{CARRIER}!",
            "/etc/kamailio/kamailio-nodes.list": self.list}))
        self.close = self.program.close

    def carrier(self):
        return UserAgent((SBC, self.port), "5550100", "", CARRIER, self.carrier_port)

    def phone(self, number, password, domain=""):
        """One that has registered."""
        agent = UserAgent((SBC, self.port), number, password, PHONES)
        agent.domain = domain
        self.program.wait(lambda: self.registers(agent) == 200)     # Kamailio begins, and asks whether the node is there
        return agent

    def wait_flags(self, node, flags):
        """What Kamailio believes of it: A, it is there; I, it is not; P, it is asked."""
        self.program.wait(lambda: re.search(rf"URI: sip:127.0.0.1:{node.sip_port}\s+FLAGS: {flags}\s", self.program.ask("dispatcher.list")))

    @staticmethod
    def registers(agent):
        return response.status if (response := or_none(agent.register, 90, None, None, (), 2)) else 0


class Talks:
    """What two ends of calls do, audio_a and audio_b."""

    def connect(self, out, agent):
        into = agent.incoming()
        into.ring()
        out.wait_provisional(180)
        into.respond(200, "OK", body=self.audio_b.sdp())
        answered = out.wait_answer()
        into.wait_ack()
        self.audio_a.use(answered)
        self.audio_b.use(into.request)
        return into, answered

    def holds(self, asker, audio, asked, other_audio):
        """It puts the other one on hold, and takes it back."""
        for version, direction, other in ((2, "sendonly", "recvonly"), (3, "sendrecv", "sendrecv")):
            answer = threading.Thread(target=asked.wait_reinvite, args=(other_audio.sdp(direction=other, version=version),))
            answer.start()
            while (response := asker.reinvite(audio.sdp(direction=direction, version=version))).status == 500:
                time.sleep(0.05)                # Kamailio let it overtake the ACK before it
            answer.join()
            self.assertEqual(response.status, 200)
            self.assertIn(f"a={other}", response.text)

    def talk(self, a, b):
        """Each hears the other, and one key."""
        a.start(440)
        b.start(880)
        a.wait_packets(30)
        b.wait_packets(30)
        b.digit("5")
        a.stop()
        b.stop()
        self.assertEqual((a.heard()[0], b.heard()[0]), (880, 440))
        end = time.monotonic() + PATIENCE_S
        while "5" not in a.digits():
            self.assertLess(time.monotonic(), end, a.digits())
            time.sleep(0.02)


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Behind(Talks, CallTest):
    """A node, and Kamailio in front of it."""
    settings = {"sip": {"trusted": [SBC]}}

    def setUp(self):
        self.node = Node(settings=self.settings, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.front = Front(self.node)
        self.addCleanup(self.front.close)
        self.trunk_port = self.front.trunk_port
        self.carrier = self.front.carrier()
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        for thing in (self.carrier, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)

    def phone(self, number, password="", domain=""):
        """It is there already where it has a password."""
        if not password:
            self.node.put_extension(number, "secret" + number)
        agent = self.front.phone(number, password or "secret" + number, domain)
        self.addCleanup(agent.close)
        return agent


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Sbc(Behind):
    def test_phones_behind_it(self):
        """A call by Path and Record-Route, held, resumed, given away."""
        self.a, self.b, self.c = (self.phone(number) for number in ("1001", "1002", "1003"))
        out = self.a.invite("1002", self.audio_a.sdp())
        into, answered = self.connect(out, self.b)
        self.assertIn(SBC, into.request.get("Record-Route"))
        self.assertEqual(into.request.uri, f"sip:1002@{PHONES}:{self.b.port}")
        self.assertIn(SBC, answered.get("Record-Route"))
        self.talk(self.audio_a, self.audio_b)
        self.holds(out, self.audio_a, into, self.audio_b)
        response = into.transact(into.in_dialog("REFER", [("Refer-To", f"<sip:1003@127.0.0.1:{self.node.sip_port}>")]))
        self.assertEqual(response.status, 202)
        given = self.c.incoming()
        given.answer(self.audio_b.sdp())
        for line in ("SIP/2.0 100 Trying", "SIP/2.0 200 OK"):
            notify = self.b.take_request("NOTIFY", call_id=into.call_id)
            self.b.respond(notify, 200, "OK")
            self.assertIn(line, notify.text)
        into.wait_bye()
        self.audio_b.use(given.request)
        self.talk(self.audio_a, self.audio_b)
        out.bye()
        given.wait_bye()
        self.ended()
        self.assertEqual([(row["from"], row["to"], row["sip_status"]) for row in self.node.cdrs()],
                         [("1001", "1002", "200"), ("1001", "1003", "200")])


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Tenant(Behind):
    """What the guide says of a tenant with a trunk, word for word but for the addresses."""
    settings = {"sip": {"trusted": [SBC]}}

    def setUp(self):
        super().setUp()
        text = guide("kamailio.md", **{"192.0.2.5:5080": f"{SBC}:{self.trunk_port}", "source_port=5080": f"source_port={self.trunk_port}"})
        block = re.search(r"<!-- replayed -->\n```sh\n(.*?)```", text, re.S)[1]
        program = os.path.join(build_folder(), "app", "tandemctl")
        for line in block.splitlines():
            self.assertIn("tandemctl ", line)
            subprocess.run(["sh", "-ec", line.replace("tandemctl ", f"{program} --config {self.node.config} ")], check=True,
                           capture_output=True, timeout=30)
        self.a = self.phone("1001", "correct-horse-battery", "acme.example")

    def test_calls_both_ways(self):
        out = self.carrier.invite("+4930901820", self.audio_a.sdp())
        into, _ = self.connect(out, self.a)
        self.talk(self.audio_a, self.audio_b)
        into.bye()
        out.wait_bye()
        out = self.a.invite("030901820", self.audio_a.sdp())
        into, _ = self.connect(out, self.carrier)
        self.assertIn("sip:+4930901820@", into.request.uri)
        self.assertIn(SBC, into.request.get("Record-Route"))
        self.talk(self.audio_a, self.audio_b)
        into.bye()
        out.wait_bye()
        self.assertEqual(self.node.ctl("trunk.show", tenant="acme", name="carrier")["up"], [True])


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Nodes(Talks, Pair):
    """Two nodes on one Redis behind it, one of which dies."""

    @classmethod
    def settings(cls, name, shard):
        return {**super().settings(name, shard), "sip": {"trusted": [SBC]}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.front = Front(cls.a, cls.b)
        cls.addClassCleanup(cls.front.close)
        for number in ("1001", "1002", "1003"):
            cls.a.put_extension(number, "secret")
        cls.a.ctl("extension.put", number="1001", classes=["other"])
        cls.a.ctl("trunk.put", name="carrier", servers=f"{SBC}:{cls.front.trunk_port}", source_port=cls.front.trunk_port)
        cls.a.ctl("did.put", number="+4930901820", to="1003")
        cls.a.ctl("route.put", name="out", pattern="0x.", strip=1, prefix="+49", trunks="carrier")

    def setUp(self):
        self.carrier = self.enterContext(self.front.carrier())
        self.audio_a, self.audio_b = self.enterContext(self.a.media()), self.enterContext(self.a.media())
        self.first, self.second, self.third = (self.enterContext(self.front.phone(number, "secret")) for number in ("1001", "1002", "1003"))

    def node_of(self, into):
        """Which of the two has this call."""
        node, = (node for node in (self.a, self.b) if into.target.endswith(f":{node.sip_port}"))
        return node

    def calls(self, agent, number, called):
        """It rings there, and is given up; which node it went through."""
        out = agent.invite(number, self.audio_a.sdp())
        into = called.incoming()
        into.ring()
        out.wait_provisional(180)
        self.assertEqual(out.cancel().status, 200)
        into.wait_cancel()
        self.assertEqual(out.wait_final().status, 487)
        return self.node_of(into)

    def all_goes_by(self, node):
        """Registrations, and calls between phones, from the carrier and to it: twice, for each node has its turn."""
        for _ in range(2):
            for phone in (self.first, self.second, self.third):
                phone.new_call_id()
                self.assertEqual(phone.register().status, 200)
            for call in ((self.second, "1003", self.third), (self.carrier, "+4930901820", self.third), (self.first, "030123", self.carrier)):
                self.assertIs(self.calls(*call), node)

    def test_one_dies(self):
        """All that is new goes by the other one, whose call goes on; the dead one has its own again when it is back."""
        lost = self.first.invite("1003", self.audio_a.sdp())
        lost_at, _ = self.connect(lost, self.third)
        kept = self.first.invite("1002", self.audio_a.sdp())
        kept_at, _ = self.connect(kept, self.second)
        dead, alive = self.node_of(lost_at), self.node_of(kept_at)
        self.assertIsNot(dead, alive)
        dead.kill()
        self.all_goes_by(alive)
        self.talk(self.audio_a, self.audio_b)
        self.holds(kept, self.audio_a, kept_at, self.audio_b)
        self.front.wait_flags(dead, "IP")
        dead.restart()
        self.front.wait_flags(dead, "AP")
        self.assertEqual({self.calls(self.second, "1003", self.third) for _ in range(2)}, {dead, alive})
        for out, into in ((kept, kept_at), (lost, lost_at)):
            out.bye()
            into.wait_bye()


class Pbx(CallTest):
    """A trunk that is a PBX: it asks who the node is, and says whether it is there."""

    def setUp(self):
        super().setUp()
        self.pbx = UserAgent(self.node.server, "5550100", "", CARRIER)
        self.addCleanup(self.pbx.close)
        self.node.ctl("trunk.put", name="pbx", servers=self.pbx.host_port, user="node", realm="pbx", ha1=ha1("node", "pbx", "secret"))
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="pbx")
        self.node.ctl("dialplan.put", country="49", national_prefix="0", international_prefix="00", national="+49x.")

    def count(self, request):
        """How often it has answered the nonce, with this; 0: it says nothing that is right."""
        fields = digest_fields(request.get("Authorization") or "Digest")
        hashed = lambda *parts: hashlib.sha256(":".join(parts).encode()).hexdigest()
        if not fields or fields["response"] != hashed(hashed("node", "pbx", "secret"), fields["nonce"], fields["nc"], fields["cnonce"],
                                                      fields["qop"], hashed(request.method, fields["uri"])):
            return 0
        return int(fields["nc"], 16)

    def test_it_asks(self):
        """By INVITE; BYE says so unasked, also after a kill."""
        out = self.a.invite("030901820", self.audio_a.sdp())
        into = self.pbx.incoming()
        self.assertEqual(self.count(into.request), 0)
        into.respond(401, "Unauthorized", [("WWW-Authenticate", 'Digest realm="pbx", nonce="one", algorithm=MD5, qop="auth"'),
                                           ("WWW-Authenticate", 'Digest realm="pbx", nonce="two", algorithm=SHA-256, qop="auth"')])
        into.wait_ack()
        into = self.pbx.incoming()
        self.assertEqual(self.count(into.request), 1)
        ack = into.answer(self.audio_b.sdp())
        self.assertEqual(ack.get("Authorization"), into.request.get("Authorization"))
        out.wait_answer()
        self.saved()
        self.node.kill()
        self.node.restart()
        out.bye()
        self.assertGreater(self.count(into.wait_bye()), 64)

    def test_it_is_asked(self):
        """OPTIONS: two refusals, and it is down; two answers, and it is up."""
        self.node.ctl("trunk.put", name="pbx", probe_s=1)
        for status, up in ((503, False), (200, True)):
            end = time.monotonic() + PATIENCE_S
            while self.node.ctl("trunk.show", name="pbx")["up"] != [up]:
                self.assertLess(time.monotonic(), end)
                self.pbx.respond(self.pbx.take_request("OPTIONS"), status)
        self.assertEqual(self.node.metric("tandem_trunk_changes_total", to="down"), 1)


if __name__ == "__main__":
    unittest.main()
