# SPDX-License-Identifier: Apache-2.0
"""A flow has the caller's side call somebody else itself: a REFER, by phones that do it, over a kill, and by those that do not."""
import os

from flow_calls_test import WAIT, Put
from lib.place import PARTY
from lib.sipp import Sipp
from patience import until

HERE = os.path.dirname(os.path.abspath(__file__))


class Referred(Put):
    def setUp(self):
        super().setUp()
        self.leads_to("1002")
        self.ask("number.put", number="100", to="flow:main")

    def leads_to(self, target):
        self.ask("flow.put", name="main", program={"start": "go", "steps": {
            "go": {"refer": {"to": target, "timeout_s": 30}, "rejected": "wait", "timeout": "wait", "failed": "wait"},
            "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})

    def referred(self):
        """A caller, the REFER that it is sent, and its call."""
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        refer = self.a.take_request("REFER", call_id=out.call_id)
        return out, refer, self.ask("call.list")[0]["id"]

    def notify(self, out, state, line):
        request = out.in_dialog("NOTIFY", [("Event", "refer"), ("Subscription-State", state)], body=f"SIP/2.0 {line}\r\n".encode())
        return out.transact(request).status

    def test_over_a_kill(self):
        """The next process says the same REFER again where nobody has answered it, hears what becomes of it, and hangs up."""
        out, refer, call = self.referred()
        self.node.kill()
        self.node.restart()
        again = self.a.take_request("REFER", call_id=out.call_id)
        self.assertEqual((again.get("Via"), again.get("CSeq"), again.get("Refer-To")),
                         (refer.get("Via"), refer.get("CSeq"), refer.get("Refer-To")))
        self.assertIn("sip:1002@", again.get("Refer-To"))
        self.a.respond(again, 202, "Accepted")
        self.assertEqual(self.notify(out, "active;expires=60", "100 Trying"), 200)
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.notify(out, "terminated;reason=noresource", "200 OK"), 200)
        out.wait_bye()
        self.assertEqual(self.ended()["path"], "go")
        self.assertNotEqual(call, "")

    def test_refused(self):
        """Whom the caller has called does not take it; and a phone that has no REFER."""
        out, refer, call = self.referred()
        self.a.respond(refer, 202, "Accepted")
        self.assertEqual(self.notify(out, "terminated;reason=noresource", "486 Busy Here"), 200)
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "go,rejected")
        out.bye()
        out, refer, call = self.referred()
        self.a.respond(refer, 405, "Method Not Allowed")
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "go,failed")
        out.bye()

    def test_sipp(self):
        """Of a trunk, which is named the number at its own host."""
        port = self.node.ports.take()
        self.ask("trunk.put", name="carrier", direction="in", sources=PARTY, source_port=port)
        self.ask("did.put", number="+4930100", to="100")
        sipp = Sipp(os.path.join(self.node.home, "sipp-referred"), os.path.join(HERE, "sipp", "uac_referred.xml"), self.node.server,
                    self.node.ports, users=[(str(self.node.ports.take(2)), "+4930100", "200 OK")], seconds=15, port=port)
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        self.assertEqual(self.ended()["path"], "go")

    def test_baresip(self):
        """It calls 1002, who speaks with it, and its call of the flow is over."""
        self.node.put_extension("1004", "secret1004")
        target = self.node.phone("1002", "secret1002", extra="answermode=auto")
        self.addCleanup(target.quit)
        caller = self.node.phone("1004", "secret1004")
        self.addCleanup(caller.quit)
        caller.dial("100")
        target.wait("CALL_ESTABLISHED")
        until(lambda: [row["to"] for row in self.ask("call.list")] == ["1002"], "the flow has its caller still")
        caller.hangup()
        target.wait("CALL_CLOSED")
