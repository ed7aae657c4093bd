# SPDX-License-Identifier: Apache-2.0
"""A flow gives its caller to somewhere, and goes on when he is there no longer, over a kill."""
from flow_calls_test import WAIT, Put
from patience import until


class Places(Put):
    def test_parked(self):
        """In the slot that the flow names, over a kill, until nobody has come."""
        self.ask("flow.put", name="main", program={"start": "slot", "steps": {
            "slot": {"park": {"slot": "7", "timeout_s": 6}, "timeout": "wait"}, "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        call = self.ask("call.list")[0]["id"]
        until(lambda: [(row["slot"], row["call"]) for row in self.ask("park.list")] == [("7", call)], "it is not parked")
        self.node.kill()
        self.node.restart()
        self.assertEqual([row["call"] for row in self.ask("park.list")], [call])
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "slot,timeout")
        self.assertEqual(self.ask("park.list"), [])
        out.bye()

    def test_in_a_conference(self):
        """In the room as the program says, without its PIN, over a kill; when that is over he is still there."""
        self.ask("room.put", number="8000", pin="4711")
        self.ask("flow.put", name="main", program={"start": "room", "steps": {
            "room": {"conference": {"name": "8000", "moderator": True}, "next": "wait"}, "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        call = self.ask("call.list")[0]["id"]
        until(lambda: self.ask("conference.list"), "it is in no conference")
        self.node.kill()
        self.node.restart()
        until(lambda: self.ask("conference.list"), "it is in no conference any more")
        room = self.ask("conference.list")[0]
        self.assertEqual((room["number"], room["members"], room["host"]), ("8000", 1, 1))
        self.ask("conference.end", conference=room["id"])
        self.waits(call)
        self.assertEqual(self.at(call)["path"], "room")
        out.bye()
