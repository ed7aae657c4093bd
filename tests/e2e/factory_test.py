# SPDX-License-Identifier: Apache-2.0
"""Whoever calls a factory has a conference of his own (RFC 4579 5.1), and calls that are sent on into rooms: by what each of them hears.
CONF-01, CALL-15, REG-19, XFER-01."""
import re
import unittest

from focus_test import FocusTest
from patience import until


class Factory(FocusTest):
    def test_a_conference_of_ones_own(self):
        """1001 brings 1003. 1002, who was not invited, may not call its name, and then was rung for it; it goes on behind a kill. With two left
        they are a call of two."""
        self.node.ctl("room.put", number="800", name="Ad hoc", factory="true")
        self.dials("1001", "800")
        self.assertEqual(self.members("1001")["1001"]["host"], True)
        name = re.fullmatch(r"sip:(conf-[0-9a-z]{26})@.*", self.dialogs["1001"].target)[1]
        self.assertNotIn(self.only()["id"], name)
        cseq = self.refer(self.dialogs["1001"], self.user("1003"))
        self.notified(self.dialogs["1001"], cseq, "100 Trying")
        self.answers("1003")
        self.notified(self.dialogs["1001"], cseq, "200 OK")
        self.all_hear("1001", "1003")
        self.assertEqual(self.agents["1002"].invite(name, self.end().sdp()).wait_final().status, 403)
        asked = [e for e in self.node.events() if e["type"] == "conference.asked"]
        self.assertEqual([(e["from"], e["member"]) for e in asked], [("1002", "1")])
        cseq = self.refer(self.dialogs["1001"], self.user("1002"))
        self.notified(self.dialogs["1001"], cseq, "100 Trying")
        self.agents["1002"].incoming().reject(486)
        self.notified(self.dialogs["1001"], cseq, "486 Busy Here")
        self.restart()
        self.dials("1002", name)
        self.all_hear("1001", "1002", "1003")
        self.members("1001", "1002", "1003")
        self.restart()
        self.all_hear("1001", "1002", "1003")
        self.hangs_up("1002")
        until(lambda: not self.node.ctl("conference.list"), lambda: f"{self.node.ctl('conference.list')}")
        self.all_hear("1001", "1003")


    def test_two_calls_of_a_phone(self):
        """REG-19: 1001 has two calls, calls the factory `conf`, and gives both parties to what its Contact names, without Replaces."""
        self.node.ctl("room.put", number="conf", name="Phones", factory="true")
        lines = [self.talk("1001", other, speaks=(False, True))[1] for other in ("1002", "1003")]
        self.dials("1001", "conf")
        self.assertIn("isfocus", self.dialogs["1001"].response.get("Contact"))
        for line in lines:
            cseq = self.refer(line, self.dialogs["1001"].target)
            self.notified(line, cseq, "200 OK")
            line.wait_bye()
        self.all_hear("1001", "1002", "1003")
        self.assertTrue(self.members("1001", "1002", "1003")["1001"]["host"])
        self.hangs_up("1001")
        self.all_hear("1002", "1003")


class SentOn(FocusTest):
    def test_into_a_room(self):
        """1002's calls go to a room, which asks for its PIN; whom 1003 speaks with is given to it."""
        self.node.ctl("room.put", number="700", pin="4711")
        self.node.ctl("extension.put", number="1002", forward_always="700")
        self.dials("1001", "1002", "4711#")
        self.members("1001")
        _, line = self.talk("1003", "1004", speaks=(False, True))
        cseq = self.refer(line, f"sip:700@{line.agent.home}")
        self.notified(line, cseq, "100 Trying")
        self.notified(line, cseq, "200 OK")
        line.wait_bye()
        for key in "4711#":
            self.audio["1004"].digit(key)
        self.members("1001", "1004")
        self.all_hear("1001", "1004")
        self.hangs_up("1001")
        until(lambda: [(row["to"], row["forwarded_to"]) for row in self.node.ctl("cdr.list") if row["from"] == "1001"] == [("1002", "700")],
              lambda: f"{self.node.ctl('cdr.list')}")


if __name__ == "__main__":
    unittest.main()
