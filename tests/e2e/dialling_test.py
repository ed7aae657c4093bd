# SPDX-License-Identifier: Apache-2.0
"""Dial plans: what phones hear when they dial by one, also after a kill. REG-13, CALL-38, CALL-40, CALL-46, TRUST-02, TRUST-03."""
import time
import unittest

from http_api_test import Asks
from lib.node import Node
from patience import PATIENCE_S
from server import ServerError
from tandem_client import Redis

SHARED = True

PLAN = {"emergency": "1002", "access": "9", "operator": "1002", "rules": "88>100", "dialling": "overlap", "numbers": "1xxx|9x.",
        "country": "49", "national_prefix": "0", "international_prefix": "00", "national": "+49x.", "premium": "+49900x."}


def wait(what, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "in time"
        time.sleep(0.05)


class Dialling(Asks, unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())
        self.audio = self.enterContext(self.node.media())
        for number in ("1001", "1002"):
            self.node.put_extension(number, f"secret{number}")
        self.a, self.b = (self.enterContext(self.node.user_agent(number, f"secret{number}")) for number in ("1001", "1002"))
        self.register()
        self.node.ctl("dialplan.put", **PLAN)
        self.node.ctl("extension.put", number="1001", dial_rules="77>882")

    def register(self):
        for phone in (self.a, self.b):
            self.assertEqual(phone.register().status, 200)

    def hears(self, digits):
        return self.a.invite(digits, self.audio.sdp()).wait_final()

    def rings(self, digits):
        out = self.a.invite(digits, self.audio.sdp())
        self.b.incoming().reject(486, "Busy Here")
        self.assertEqual(out.wait_final().status, 486, digits)

    def every_number(self):
        for digits in ("1002", "0", "882", "91002", "77"):
            self.rings(digits)
        for digits in ("1", "100", "9"):
            self.assertEqual(self.hears(digits).status, 484, digits)
        for digits, kind in (("900441234", "international"), ("9+490900123", "premium"), ("90900123,,1", "premium"), ("90900123;ext=1", "premium")):
            barred = self.hears(digits)
            self.assertEqual(barred.status, 403, digits)
            self.assertIn(kind, barred.get("Reason"))

    def noted(self):
        with Redis(self.node.redis_socket) as redis:
            rows = [dict(zip(fields[::2], fields[1::2])) for _, fields in redis("XRANGE", "td:security", "-", "+")]
        return [row for row in rows if row["type"] == "barred"]

    def test_a_plan(self):
        """Help, an operator, a rule, missing digits, and a number that is barred, which is noted; the same after a kill."""
        self.every_number()
        wait(lambda: [str(row["sip_status"]) for row in self.node.ctl("cdr.list") if row["to"] == "900441234"] == ["403"])
        wait(lambda: [(row["user"], "international" in row["detail"]) for row in self.noted()] == [("1001", True)])
        self.node.kill()
        self.node.restart()
        self.register()
        self.every_number()

    def means(self, digits):
        found = self.node.ctl("dialplan.check", **{"from": "1001", "number": digits})
        return found["meaning"], found["number"], found["trunk"]

    def test_what_is_dialled_by_a_trunk(self):
        """CALL-39: dialplan.check says what the phone hears; a code that begins like another one costs nobody an emergency call."""
        self.node.ctl("trunk.put", name="branch", servers="127.0.0.1:9", direction="out", access="91")
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="branch")
        self.assertEqual(self.means("91030123"), ("outside", "+4930123", "branch"))
        self.assertEqual(self.means("9030123"), ("outside", "+4930123", ""))
        forms = self.node.ctl("dialplan.check", **{"from": "1001", "number": "9030123"})
        self.assertEqual((forms["international"], forms["national"]), ("+4930123", "030123"))
        self.assertEqual(self.means("91002"), ("emergency", "1002", ""))
        self.rings("91002")
        self.assertEqual(self.hears("91030123").status, 480)
        wait(lambda: [row["to"] for row in self.node.ctl("cdr.list") if row["to_trunk"]] == ["+4930123"])

    def test_the_trunk_that_a_user_has_chosen(self):
        """WEB-10: of those that his extension allows; it counts where he dials no trunk's code, over a kill, and no longer than it is allowed."""
        for name, code in (("any", ""), ("branch", "91")):
            self.node.ctl("trunk.put", name=name, servers="127.0.0.1:9", direction="out", access=code)
        self.node.ctl("route.put", name="out", pattern="+x.", trunks="any,branch")
        self.node.ctl("extension.put", number="1001", trunk_accesses="91")
        own = "PATCH", "/v1/extensions/1001", self.ok(self.node, "POST", "/v1/sessions", body={"number": "1001", "password": "secret1001"})["token"]
        self.refused(400, "bad_argument", self.node, *own, {"trunk_access": "92"})
        self.refused(403, "not_allowed", self.node, *own, {"trunk_accesses": "92"})
        self.ok(self.node, *own, {"trunk_access": "91"})
        self.assertEqual(self.means("9030123"), ("outside", "+4930123", "branch"))
        self.assertEqual(self.means("91002"), ("emergency", "1002", ""))
        self.node.kill()
        self.node.restart()
        self.register()
        self.assertEqual(self.hears("9030123").status, 480)
        wait(lambda: [row["to_trunk"] for row in self.node.ctl("cdr.list") if row["to"] == "+4930123"] == ["branch"])
        self.node.ctl("extension.put", number="1001", trunk_accesses="")
        self.assertEqual(self.means("9030123"), ("outside", "+4930123", ""))

    def test_help_passes_a_drain(self):
        self.node.ctl("node.drain")
        self.rings("91002")
        self.assertEqual(self.hears("1001").status, 503)

    def test_what_is_hardly_meant_is_told(self):
        """A dot repeats what stands before it: it is put all the same, and whoever puts it hears of it."""
        self.node.ctl("trunk.put", name="carrier9", servers="127.0.0.1:9", direction="out")
        put = self.node.ctl("route.put", name="odd", pattern="+4420.|00x.", trunks="carrier9")
        self.assertEqual(len(put["warnings"]), 1)
        self.assertIn("pattern: +4420.: the dot repeats the 0 before it", put["warnings"][0])
        self.assertNotIn("warnings", self.node.ctl("route.put", name="odd", pattern="+4420x."))
        self.assertIn("blocked: ", self.node.ctl("dialplan.put", blocked="0900.")["warnings"][0])
        self.assertIn("number: ", self.node.ctl("did.put", number="+4930.", to="1001")["warnings"][0])

        told = self.node.ctl("dialplan.put", blocked="", extensions="2xx")["warnings"]
        self.assertEqual(told, ["extensions: 2 of the tenant are not in it, such as " + told[0].rsplit(":", 1)[0][-4:] + ": they stay"])

    def test_what_is_wrong_is_named(self):
        """Also a number that an extension may not have by the number plan; those that were there before stay."""
        self.node.ctl("dialplan.put", extensions="2xx|1xxx")
        with self.assertRaisesRegex(ServerError, "bad_argument: it is not in the number plan"):
            self.node.ctl("extension.put", number="2001", password="secret2001")
        self.node.ctl("extension.put", number="200", password="secret200")
        self.node.ctl("dialplan.put", extensions="2xx")
        self.assertIn("number: it is not in the number plan", str(self.node.ctl("extension.put", number="1001", display_name="A")["warnings"]))
        self.assertIn("|2xx", self.node.ctl("dialplan.digit_map")["digit_map"])
        for extensions, wrong in (("9xx", "access code"), ("[19]xx", "access code"), ("2[", "extensions")):
            with self.assertRaisesRegex(ServerError, wrong):
                self.node.ctl("dialplan.put", extensions=extensions)
        for field, value in (("rules", "17"), ("national", "0x..."), ("emergency", "help"), ("code_do_not_disturb", "80"), ("call_code_record_on", "*")):
            with self.assertRaisesRegex(ServerError, field):
                self.node.ctl("dialplan.put", **{field: value})
        self.assertEqual(self.node.ctl("dialplan.show")["rules"], "88>100")
        self.node.ctl("dialplan.delete")
        self.assertEqual(self.hears("0").status, 404)


if __name__ == "__main__":
    unittest.main()
