# SPDX-License-Identifier: Apache-2.0
"""A flow gives its caller to somewhere, and goes on when he is there no longer, over a kill."""
import json

from flow_calls_test import WAIT, Put
from lib.sip import or_none
from live_test import LiveTest
from patience import until
from tandem_client import Client


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

    def test_picked_up(self):
        """Who is parked by one flow speaks with who comes by another, over a kill; then that goes on in its flow."""
        self.ask("flow.put", name="main", program=[{"park": {"slot": "7", "timeout_s": 600}}, {"hangup": {}}])
        self.ask("flow.put", name="get", program={"start": "get", "steps": {
            "get": {"pickup": "7", "none": "bye", "next": "wait"}, "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})
        self.ask("number.put", number="100", to="flow:main")
        self.ask("number.put", number="101", to="flow:get")
        parked = self.a.invite("100", self.audio_a.sdp())
        parked.wait_answer()
        until(lambda: self.ask("park.list"), "it is not parked")
        out = self.b.invite("101", self.audio_b.sdp())
        out.wait_answer()
        until(lambda: self.reinvited(parked, out) and len(self.ask("call.list")) == 1, "they are not one call")
        call = self.ask("call.list")[0]["id"]
        self.assertEqual(self.ask("park.list"), [])
        self.node.kill()
        self.node.restart()
        until(lambda: self.reinvited(parked, out) and self.ask("call.list"), "the call is gone")
        parked.bye()
        until(lambda: self.reinvited(out) and "wait" in self.at(call)["at"], "the flow does not go on")
        self.assertEqual(self.at(call)["path"], "get")
        out.bye()

    def test_notified(self):
        """Applications hear of it once, with its values; a secret among them is not shown."""
        self.ask("flow.put", name="main", program={"start": "tell", "steps": {
            "tell": {"notify": {"event": "shop.open", "data": {"who": "{caller}", "word": "it's \"open\""}}, "next": "wait"},
            "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        until(lambda: self.ask("call.list") and "wait" in self.at(self.ask("call.list")[0]["id"])["at"], "the flow does not go on")
        self.node.kill()
        self.node.restart()
        told = [row for row in self.node.events() if row["type"] == "call.notify"]
        self.assertEqual([(row["name"], json.loads(row["values"])) for row in told],
                         [("shop.open", {"who": "1001", "word": "it's \"open\""})])
        self.assertEqual(int(told[0]["visit"]), 1)
        out.cancel()

    def reinvited(self, *dialogs):
        """Whoever is asked again says what it has."""
        for dialog in dialogs:
            or_none(dialog.wait_reinvite, (self.audio_a if dialog.agent is self.a else self.audio_b).sdp(version=2), 0.05)
        return True


class Streams(LiveTest):
    def test_streamed(self):
        """An application speaks with the caller, also with the next process; when it ends that the flow goes on."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("flow.put", name="main", program={"start": "bot", "steps": {
                "bot": {"stream": "bot", "next": "wait", "failed": "bye"}, "wait": WAIT["steps"]["wait"], "bye": {"hangup": {}}}})
            client.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        call = self.application.wait_stream().told("start")[0]["call"]
        self.node.kill()
        self.node.restart()
        again = self.application.wait_stream(2)
        self.assertEqual((again.told("start")[0]["call"], again.told("start")[0]["resumed"]), (call, True))
        again.order("stop")
        until(lambda: "wait" in self.node.ctl("call.flow", call=call)["at"], "the flow does not go on")
        out.bye()
