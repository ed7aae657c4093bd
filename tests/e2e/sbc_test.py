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

from lib.node import Node, build_folder
from lib.sip import UserAgent, digest_fields
from tandem_client import ha1

from call_test import CallTest
from guides_test import Guide, guide
from patience import PATIENCE_S

SBC, PHONES, CARRIER = "127.0.0.55", "127.0.0.77", "127.0.0.88"


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Behind(Guide):
    """A node, and Kamailio in front of it."""
    settings = {"sip": {"trusted": [SBC]}}

    def setUp(self):
        self.node = Node(settings=self.settings, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.port, self.trunk_port, self.carrier_port = (self.node.ports.take() for _ in range(3))
        self.write("kamailio-nodes.list", guide("kamailio-nodes.list", **{"192.0.2.10:5060": f"127.0.0.1:{self.node.sip_port}"}))
        path = self.write("kamailio-sbc.cfg", guide("kamailio-sbc.cfg", **{
            "udp:192.0.2.5:5060": f"udp:{SBC}:{self.port}", "udp:192.0.2.5:5080": f"udp:{SBC}:{self.trunk_port}",
            "192.0.2.20:5060!": f"{CARRIER}:{self.carrier_port}!", "192.0.2.20!": f"{CARRIER}!",
            "/etc/kamailio/": self.node.home + "/"}))
        subprocess.run(["kamailio", "-c", "-f", path], check=True, capture_output=True, timeout=30)
        self.kamailio = self.begin("kamailio", "-DD", "-E", "-f", path, "-Y", self.node.home, "-m", "32", "-M", "4")
        self.carrier = UserAgent((SBC, self.port), "5550100", "", CARRIER, self.carrier_port)
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        for thing in (self.carrier, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)

    def phone(self, number, password="", domain=""):
        """It is there already where it has a password."""
        if not password:
            self.node.put_extension(number, "secret" + number)
        agent = UserAgent((SBC, self.port), number, password or "secret" + number, PHONES)
        agent.domain = domain
        self.addCleanup(agent.close)
        end = time.monotonic() + PATIENCE_S
        while (status := self.registers(agent)) != 200:     # Kamailio begins, and asks whether the node is there
            self.assertIsNone(self.kamailio.poll(), self.log())
            self.assertLess(time.monotonic(), end, (status, self.log()))
            time.sleep(0.1)
        return agent

    def registers(self, agent):
        try:
            return agent.register(seconds=2).status
        except AssertionError:
            return 0

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
        for direction, other in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            answer = threading.Thread(target=into.wait_reinvite, args=(self.audio_b.sdp(direction=other, version=2),))
            answer.start()
            response = out.reinvite(self.audio_a.sdp(direction=direction, version=2))
            answer.join()
            self.assertEqual(response.status, 200)
            self.assertIn(f"a={other}", response.text)
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
