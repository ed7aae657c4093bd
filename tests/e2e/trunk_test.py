# SPDX-License-Identifier: Apache-2.0
"""Calls over trunks: SIPp is two carriers, and a scripted peer one that calls, or says nothing."""
import os
import unittest

from lib import ROOT
from lib.node import Node
from lib.place import PARTY
from lib.sipp import Sipp

SCENARIOS = os.path.join(ROOT, "tests", "e2e", "sipp")


class Trunks(unittest.TestCase):
    def setUp(self):
        self.node = Node(calls=20)
        self.addCleanup(lambda: self.node.close(check=not self.node.killed))
        self.node.put_extension("1001", "secret1001")
        self.node.ctl("extension.put", number="1001", classes=["toll_free", "local", "national", "mobile", "other"])
        self.a = self.agent("1001", "secret1001")
        self.audio = self.node.media()
        self.addCleanup(self.audio.close)
        self.assertEqual(self.a.register().status, 200)

    def agent(self, *who):
        agent = self.node.user_agent(*who)
        self.addCleanup(agent.close)
        return agent

    def leads_out(self, *ports):
        """0 and any number go to one trunk for each port, in this order."""
        for i, port in enumerate(ports):
            self.node.ctl("trunk.put", name=f"carrier{i}", servers=f"{PARTY}:{port}", direction="out", answer_s=2)
        self.node.ctl("route.put", name="out", pattern="0x.", strip=1, prefix="+49",
                      trunks=",".join(f"carrier{i}:{i}" for i in range(len(ports))))

    def sipp(self, scenario, *field):
        folder = os.path.join(self.node.home, scenario)
        return Sipp(folder, os.path.join(SCENARIOS, f"{scenario}.xml"), self.node.server, self.node.ports, seconds=20,
                    users=[field] if field else None, extra=("-rtp_echo",) if field else ())

    def test_the_next_carrier(self):
        """The first one is out of service: the second one takes the call, and hears the caller."""
        first = self.sipp("uas_unavailable")
        second = self.sipp("uas_wait", str(self.node.ports.take(2)))
        self.leads_out(first.port, second.port)
        out = self.a.invite("030123", self.audio.sdp())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual([row["calls_out"] for row in self.node.ctl("trunk.list")], [0, 1])
        out.bye()
        for sipp in (first, second):
            outcome = sipp.wait()
            self.assertTrue(outcome.ok(1), outcome)
        record, = self.node.cdrs()
        self.assertEqual((record["sip_status"], record["to_trunk"], record["from_trunk"]), ("200", "carrier1", ""))

    def test_killed_while_one_is_silent(self):
        """The node dies while the first carrier says nothing.  The next process asks the second one."""
        silent, other = self.agent("silent"), self.agent("other")
        self.leads_out(silent.port, other.port)
        out = self.a.invite("030123", self.audio.sdp())
        late = silent.incoming()
        self.assertTrue(late.request.uri.startswith("sip:+4930123@"))
        self.node.kill()
        self.node.restart()
        into = other.incoming(20)
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        into.wait_bye()
        late.reject(503)    # or its INVITE is waited for, up to 32 s
        self.assertEqual(self.node.cdrs()[-1]["to_trunk"], "carrier1")

    def test_a_trunk_calls(self):
        """By its number alone; extensions that have none are not to be reached."""
        trunk = self.agent("+4940123")
        self.node.ctl("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        self.node.ctl("did.put", number="+4930xxxx", strip=5)
        out = trunk.invite("1001", self.audio.sdp())
        self.assertEqual(out.wait_final().status, 404)
        out = trunk.invite("+49301001", self.audio.sdp())
        into = self.a.incoming()
        self.assertIn("sip:+4940123@", into.request.get("From"))
        into.answer(self.audio.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        into.wait_bye()
        self.assertEqual([row["from_trunk"] for row in self.node.cdrs(2)], ["pbx", "pbx"])


if __name__ == "__main__":
    unittest.main()
