# SPDX-License-Identifier: Apache-2.0
"""A conference that is on another node than a member's phone: what that phone may ask it, watch of it, and what a command may bring into it,
by what each of them hears.  CONF-03, CONF-05, CONF-07, CONF-11."""
import unittest
import urllib.parse

import focus_test
import rooms_nodes_test
from lib.roster import Roster
from patience import until
from server import ServerError

UP = "connected"


class FocusOfNodes(rooms_nodes_test.Stations):
    """The room is on node a, as 1001 calls it first; 1002 and 1004 are phones of node b."""
    test_two_calls = None
    refer, user, notified = focus_test.FocusTest.refer, focus_test.FocusTest.user, focus_test.FocusTest.notified
    answers, dialog_of = focus_test.FocusTest.answers, focus_test.FocusTest.dialog_of

    def begins(self, *numbers):
        for number in numbers:
            self.dials(number, "700")
        self.all_hear(*numbers)
        room, = self.rooms()
        self.assertIn(room["id"], {row["id"] for row in self.a.ctl("conference.list", node="a")})
        return room["id"]

    def watches(self, number):
        return Roster(self.agents[number], f"sip:700@{self.agents[number].home}")

    def over(self, *numbers):
        for number in numbers:
            self.hangs_up(number)
        until(lambda: not self.all("call.list"), lambda: f"they go on: {self.all('call.list')}")


class Asked(FocusOfNodes):
    def test_somebody_is_brought_and_dropped(self):
        """1004, who is busy, and then comes; and whom it did not bring it may not drop. So it goes on behind a kill of its own node."""
        self.begins("1001", "1002")
        bringer = self.dialogs["1002"]
        cseq = self.refer(bringer, self.user("1004"))
        self.notified(bringer, cseq, "100 Trying")
        self.agents["1004"].incoming().reject(486)
        self.notified(bringer, cseq, "486 Busy Here")
        cseq = self.refer(bringer, self.user("1004"))
        self.notified(bringer, cseq, "100 Trying")
        self.answers("1004")
        self.notified(bringer, cseq, "200 OK")
        self.all_hear("1001", "1002", "1004")
        self.refer(bringer, self.user("1001") + ";method=BYE", 403)
        self.b.kill()
        self.until(lambda: self.owner(18) == "a")
        self.all_hear("1001", "1002", "1004")
        cseq = self.refer(bringer, self.user("1004") + ";method=BYE")
        self.notified(bringer, cseq, "200 OK")
        self.dialogs["1004"].wait_bye()
        self.all_hear("1001", "1002")
        self.b.restart()
        self.until(lambda: self.owner(18) == "b")
        self.over("1001", "1002")

    def test_a_second_line_comes(self):
        """1002 has called 1004 on another line, at its own node."""
        self.begins("1001", "1002")
        bringer, audio = self.dialogs["1002"], self.audio["1002"]
        self.calls("1002", "1004")
        line = self.dialogs["1002"]
        self.dialogs["1002"], self.audio["1002"] = bringer, audio
        cseq = self.refer(bringer, f"sip:x@{self.agents['1002'].home}?Replaces=" + urllib.parse.quote(self.dialog_of(line), safe=""))
        self.notified(bringer, cseq, "100 Trying")
        line.wait_bye()
        self.notified(bringer, cseq, "200 OK")
        self.all_hear("1001", "1002", "1004")
        self.over("1001", "1002", "1004")


class Transferred(FocusOfNodes):
    def gives(self, number, line, place):
        """With the one call its phone's place in the room of the other one."""
        cseq = self.refer(line, f"sip:700@{self.agents[number].home}?Replaces=" + urllib.parse.quote(self.dialog_of(place), safe=""))
        while self.notified(line, cseq) != "200 OK":
            pass
        for dialog in (line, place):
            dialog.wait_bye()
        self.audio[number].stop()

    def test_a_place(self):
        """1002 speaks with 1004, and is in the room of node a: 1004 is in its place. Then 1001, whom 1002 called, is in that of 1002, where the
        room is of node b, and the call of node a."""
        self.begins("1001")
        self.calls("1002", "1004")
        line = self.dialogs["1002"]
        self.audio["1002"].stop()
        self.dials("1002", "700")
        self.all_hear("1001", "1002")
        self.gives("1002", line, self.dialogs["1002"])
        self.all_hear("1001", "1004")
        self.over("1001", "1004")
        self.begins_at_b()

    def begins_at_b(self):
        self.dials("1004", "700")
        self.calls("1001", "1002")
        line = self.dialogs["1002"]
        self.audio["1002"].stop()
        self.dials("1002", "700")
        self.all_hear("1002", "1004")
        self.gives("1002", line, self.dialogs["1002"])
        self.all_hear("1001", "1004")
        self.over("1001", "1004")


class Watched(FocusOfNodes):
    def test_who_is_there(self):
        """1002 watches by the number, at its own node; behind kills of either node it is told on."""
        self.begins("1001", "1002")
        self.assertEqual(self.watches("1004").answer.status, 404)
        roster = self.watches("1002")
        roster.until(u1001=UP, u1002=UP)
        self.dials("1003", "700")
        roster.until(u1001=UP, u1002=UP, u1003=UP)
        for name, shard, other in (("a", 17, "b"), ("b", 18, "a")):
            getattr(self, name).kill()
            self.until(lambda shard=shard, other=other: self.owner(shard) == other)
            self.all_hear("1001", "1002", "1003")
            getattr(self, name).restart()
            self.until(lambda name=name, shard=shard: self.owner(shard) == name)
        self.hangs_up("1003")
        roster.until(u1001=UP, u1002=UP)
        self.hangs_up("1002")
        roster.until_over("rejected")
        self.over("1001")


class Joined(FocusOfNodes):
    def test_a_call_of_another_node(self):
        """Its parties come into the conference, whichever node reads the command; it is refused what a call here is."""
        room = self.begins("1001", "1003")
        call = self.calls("1002", "1004")
        with self.assertRaisesRegex(ServerError, "not_found"):
            self.a.ctl("conference.join", conference=room, call=call[:-1] + ("1" if call[-1] == "0" else "0"))
        self.a.ctl("conference.join", conference=room, call=call)
        self.all_hear(*rooms_nodes_test.AT)
        self.assertEqual([row["members"] for row in self.rooms()], [4])
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.all_hear(*rooms_nodes_test.AT)
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        self.over(*rooms_nodes_test.AT)


if __name__ == "__main__":
    unittest.main()
