# SPDX-License-Identifier: Apache-2.0
"""docs/guides/kamailio-sbc.cfg: Kamailio in front of a node, with phones and a carrier in front of it."""
import shutil
import subprocess
import threading
import time
import unittest

from lib.node import Node
from lib.sip import UserAgent

from guides_test import Guide, guide

SBC, PHONES, CARRIER = "127.0.0.55", "127.0.0.77", "127.0.0.88"


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Sbc(Guide):
    settings = {"sip": {"trusted": [SBC]}}

    def setUp(self):
        self.node = Node(settings=self.settings, calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.port, self.carrier_port = self.node.ports.take(), self.node.ports.take()
        self.write("kamailio-nodes.list", guide("kamailio-nodes.list", **{"192.0.2.10:5060": f"127.0.0.1:{self.node.sip_port}"}))
        path = self.write("kamailio-sbc.cfg", guide("kamailio-sbc.cfg", **{
            "udp:192.0.2.5:5060": f"udp:{SBC}:{self.port}", "192.0.2.20:5060!": f"{CARRIER}:{self.carrier_port}!",
            "192.0.2.20!": f"{CARRIER}!", "/etc/kamailio/": self.node.home + "/"}))
        subprocess.run(["kamailio", "-c", "-f", path], check=True, capture_output=True, timeout=30)
        self.kamailio = self.begin("kamailio", "-DD", "-E", "-f", path, "-Y", self.node.home, "-m", "32", "-M", "4")
        self.a, self.b, self.c = (self.phone(number) for number in ("1001", "1002", "1003"))
        self.audio_a, self.audio_b = self.node.media(), self.node.media()
        self.addCleanup(self.audio_a.close)
        self.addCleanup(self.audio_b.close)

    def phone(self, number):
        self.node.put_extension(number, "secret" + number)
        agent = UserAgent((SBC, self.port), number, "secret" + number, PHONES)
        self.addCleanup(agent.close)
        end = time.monotonic() + 20
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
        end = time.monotonic() + 5
        while "5" not in a.digits():
            self.assertLess(time.monotonic(), end, a.digits())
            time.sleep(0.02)

    def test_phones_behind_it(self):
        """A call by Path and Record-Route, held, resumed, given away."""
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

    def test_from_and_to_the_carrier(self):
        carrier = UserAgent((SBC, self.port), "5550100", "", CARRIER, self.carrier_port)
        self.addCleanup(carrier.close)
        out = carrier.invite("1001", self.audio_a.sdp())
        into, _ = self.connect(out, self.a)
        self.talk(self.audio_a, self.audio_b)
        into.bye()
        out.wait_bye()


if __name__ == "__main__":
    unittest.main()
