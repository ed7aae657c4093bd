# SPDX-License-Identifier: Apache-2.0
"""Account codes that calls outside need: dialled before the number, asked for by the shipped flow, from a list, over a kill. CALL-34."""
import json
import os
import re

from lib import ROOT
from lib.place import PARTY

from flow_calls_test import Put
from patience import until
from tandem_client import Redis, Refused


class AccountCodes(Put):
    def setUp(self):
        super().setUp()
        self.carrier = self.enterContext(self.node.user_agent("carrier"))
        self.ask("trunk.put", name="carrier", servers=f"{PARTY}:{self.carrier.port}", direction="out")
        self.ask("route.put", name="out", pattern="+x.", trunks="carrier")
        self.ask("dialplan.put", country="49", national_prefix="0", international_prefix="00", national="+49x.", international="+x.")
        self.ask("extension.put", number="1001", account_code="required", classes=["national", "international"])
        with open(os.path.join(ROOT, "deploy", "flows", "account.json"), encoding="utf-8") as file:
            self.ask("flow.put", name="account", program=json.load(file))

    def refused(self, number):
        answer = self.a.invite(number, self.audio_a.sdp()).wait_final()
        self.assertEqual(answer.status, 403, number)
        return answer.get("Reason")

    def goes_out(self, number):
        out = self.a.invite(number, self.audio_a.sdp())
        self.talks(out, answered=False)
        return self.ended()

    def talks(self, out, answered=True):
        into = self.carrier.incoming()
        into.answer(self.audio_b.sdp())
        if not answered:
            self.assertEqual(out.wait_answer().status, 200)
        until(lambda: self.ask("call.list")[0]["state"] == "established")
        self.ask("call.hangup", call=self.ask("call.list")[0]["id"])
        into.wait_bye()
        out.wait_bye()

    def asked(self, number="030123456"):
        out = self.a.invite(number, self.audio_a.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        return out

    def press(self, out, keys):
        for key in keys:
            request = out.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
            request.set("Content-Type", "application/dtmf-relay")
            self.assertEqual(out.transact(request).status, 200)

    def step(self, word):
        until(lambda: f" {word} is carried out" in self.at(self.ask("call.list")[0]["id"])["at"])

    def test_dialled(self):
        """Refused without one; taken before the number, also by class, and by the trunk. Inside nobody is asked."""
        self.assertIn("account code", self.refused("030123456"))
        row = self.goes_out("*474711*030123456")
        self.assertEqual((row["account_code"], row["to"]), ("4711", "+4930123456"))
        self.ask("extension.put", number="1001", account_code="off")
        self.assertEqual(self.goes_out("030123456")["account_code"], "")
        self.ask("tenant.put", name="default", account_classes=["international"])
        self.assertEqual(self.goes_out("030123456")["account_code"], "")
        self.refused("0044123456")
        self.ask("tenant.put", name="default", account_classes=[])
        self.ask("trunk.put", name="carrier", account_code=True)
        self.refused("030123456")
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(486)
        self.assertEqual(out.wait_final().status, 486)

    def test_asked(self):
        """The second one is on the list; the node dies while it is pressed."""
        self.ask("account.put", code="4711", name="Smith v. Jones", until="2099-12-31")
        self.ask("account.put", code="12", extensions="1002")
        self.ask("tenant.put", name="default", account_flow="account")
        out = self.asked()
        self.step("first")
        self.press(out, "12#")
        self.step("second")
        self.press(out, "47")
        self.node.kill()
        self.node.restart()
        self.press(out, "11#")
        self.talks(out)
        until(lambda: any(row["account_code"] == "4711" and row["to_trunk"] for row in self.node.cdrs()))
        with Redis(self.node.redis_socket) as redis:
            rows = [dict(zip(f[::2], f[1::2])) for _, f in redis("XRANGE", "td:security", "-", "+")]
        self.assertIn(("wrong_pin", "1001"), [(row["type"], row["user"]) for row in rows])

    def test_thrice_wrong(self):
        self.ask("account.put", code="4711")
        self.ask("tenant.put", name="default", account_flow="account")
        out = self.asked()
        for step in ("first", "second", "third"):
            self.step(step)
            self.press(out, "99#")
        bye = out.wait_bye()
        self.assertRegex(bye.get("Reason"), 'text="account code"')
        self.assertTrue(re.search("take3,failed,refuse", self.ended()["path"]))

    def test_override(self):
        """# alone: the call goes out without one, where the extension may."""
        self.ask("extension.put", number="1001", account_code="override")
        self.ask("tenant.put", name="default", account_flow="account")
        out = self.asked()
        self.step("first")
        self.press(out, "#")
        self.talks(out)
        until(lambda: any(row["to_trunk"] and not row["account_code"] for row in self.node.cdrs()))

    def test_list(self):
        with self.assertRaisesRegex(Refused, "digits alone"):
            self.ask("account.put", code="47a1")
        with self.assertRaisesRegex(Refused, "2027-01-31"):
            self.ask("account.put", code="1", until="2027-02-30")
        self.ask("account.put", code="4711", name="Smith", until="2020-12-31")
        self.assertEqual([row["name"] for row in self.ask("account.list")], ["Smith"])
        self.refused("*474711*030123456")
        self.ask("account.delete", code="4711")
        self.assertEqual(self.goes_out("*474711*030123456")["account_code"], "4711")
