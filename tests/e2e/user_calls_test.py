# SPDX-License-Identifier: Apache-2.0
"""What a user's session may do with its own calls, and with nobody else's (CALL-03): on one node, and where another node has the call."""
import unittest

from call_control_test import TALK
from call_test import CallTest
from http_api_test import Asks
from patience import until
from rooms_nodes_test import AT, Rooms
from tandem_client import Client

SHARED = True

VERBS = {"answer": {}, "reject": {}, "hangup": {}, "hold": {}, "resume": {}, "mute": {"on": True}, "park": {"slot": "7"}, "retrieve": {"slot": "7"},
         "record": {"state": "on"}, "account_code": {"code": "4711"}, "transfer": {"to": "1003"}, "transfer_cancel": {}}


class Users(Asks):
    """Commands by session: of one's own, and of those who have no part in it."""

    def session(self, node, number, **more):
        return self.ok(node, "POST", "/v1/sessions", None, {"number": number, "password": "secret", **more})["token"]

    def does(self, token, call, verb, node=None, **body):
        return self.ok(node or self.node, "POST", f"/v1/calls/{call}/{verb}", token, {**VERBS[verb], **body})

    def may_not(self, status, token, call, *verbs, node=None):
        for verb in verbs or VERBS:
            got, _, problem = self.http(node or self.node, "POST", f"/v1/calls/{call}/{verb}", token, VERBS[verb])
            self.assertEqual(got, status, f"{verb}: {problem}")
        return problem

    def confer(self, token, call, status=200, node=None, **body):
        got, _, problem = self.http(node or self.node, "POST", "/v1/conferences", token, {"call": call, **body})
        self.assertEqual(got, status, problem)
        return problem


class OneNode(Users, CallTest):
    """1001 and 1002 have phones; 1003 has one where it is needed; 1004 is somebody else."""

    def setUp(self):
        super().setUp()
        for number in ("1001", "1002", "1003", "1004"):
            self.node.put_extension(number, "secret")
        for agent in (self.a, self.b):
            agent.password = "secret"
            self.assertEqual(agent.register().status, 200)
        self.mine, self.peer, self.third, self.other = (self.session(self.node, number) for number in ("1001", "1002", "1003", "1004"))

    def phone(self, number):
        agent = self.node.user_agent(number, "secret")
        self.addCleanup(agent.close)
        self.assertEqual(agent.register().status, 200)
        return agent

    def rings(self, agent=None, to="1002", headers=()):
        out = self.a.invite(to, self.audio_a.sdp())
        into = (agent or self.b).incoming()
        into.respond(180, "Ringing", headers=headers)
        out.wait_provisional(180)
        return out, into, self.calls()[0]["id"]

    def shown(self, call):
        return self.node.ctl("call.show", call=call)

    def stranger(self):
        """An extension of the same number in another tenant."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="elsewhere", domains="elsewhere.test")
            client.ask("extension.put", tenant="elsewhere", number="1002", password="secret")
        return self.session(self.node, "1002", tenant="elsewhere")

    def test_answered(self):
        """By who is called, at his phone, which is told to; not by who calls, nor by anybody else."""
        stranger = self.stranger()
        out, into, call = self.rings(headers=TALK)
        for token in (self.third, self.other, stranger):
            self.may_not(404, token, call)
        self.may_not(409, self.mine, call, "answer", "reject")
        # while the phone rings there is nothing else to be done
        self.may_not(409, self.peer, call, *(verb for verb in VERBS if verb not in ("answer", "reject")))
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call}/answer", self.peer, {"number": "1001"})
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call}/answer", self.peer, {"away_s": 5})
        self.does(self.peer, call, "answer")
        told = self.b.take_request("NOTIFY", call_id=into.call_id)
        self.assertEqual(told.get("Event"), "talk")
        self.b.respond(told, 200, "OK")
        into.respond(200, "OK", body=self.audio_b.sdp())
        out.wait_answer()
        into.wait_ack()
        until(lambda: self.calls()[0]["state"] == "established")
        self.may_not(409, self.peer, call, "answer", "reject")
        self.does(self.peer, call, "hangup")
        out.wait_bye()
        into.wait_bye()
        self.ended()
        for token in (self.other, stranger):
            self.may_not(404, token, call)
        for verb in VERBS:
            self.assertIn(self.http(self.node, "POST", f"/v1/calls/{call}/{verb}", self.peer, VERBS[verb])[0], (404, 409), verb)

    def test_that_waits(self):
        """A call that waits for him is his to see, to let ring and to reject; it is not of who speaks with him."""
        third, audio = self.phone("1003"), self.node.media()
        self.addCleanup(audio.close)
        self.node.ctl("extension.put", number="1002", call_waiting="single")
        out, into, _ = self.connect()
        waits = third.invite("1002", audio.sdp())
        waits.wait_provisional(180)
        call, = (row["id"] for row in self.ok(self.node, "GET", "/v1/calls", self.peer) if row["from"] == "1003")
        accept = "POST", f"/v1/calls/{call}/accept"
        for token in (self.mine, self.other):
            self.refused(404, "not_found", self.node, *accept, token)
        self.refused(409, "conflict", self.node, *accept, self.third)
        self.may_not(409, self.peer, call, "hangup", "mute", "answer")
        self.ok(self.node, *accept, self.peer)
        rung = self.b.incoming()
        rung.ring()
        self.does(self.peer, call, "reject")
        rung.wait_cancel()
        self.assertEqual(waits.wait_final().status, 486)
        waits = third.invite("1002", audio.sdp())
        waits.wait_provisional(180)
        call, = (row["id"] for row in self.ok(self.node, "GET", "/v1/calls", self.peer) if row["from"] == "1003")
        self.may_not(404, self.other, call, "reject")
        self.does(self.peer, call, "reject")
        self.assertEqual(waits.wait_final().status, 486)
        into.bye()
        out.wait_bye()
        self.ended()

    def test_refused(self):
        """As at the phone: forwards count, and in a group the others ring on."""
        out, into, call = self.rings()
        self.does(self.peer, call, "reject", status=603)
        into.wait_cancel()
        self.assertEqual(out.wait_final().status, 603)
        self.ended()
        third = self.phone("1003")
        self.node.ctl("extension.put", number="1002", forward_busy="1003")
        out, into, call = self.rings()
        self.does(self.peer, call, "reject")
        into.wait_cancel()
        then = third.incoming()
        then.ring()
        self.may_not(404, self.peer, call)
        self.does(self.third, call, "reject")
        then.wait_cancel()
        self.assertEqual(out.wait_final().status, 486)
        self.ended()
        self.node.ctl("extension.put", number="1002", forward_busy="")
        self.node.ctl("group.put", name="sales", members="1002,1003")
        self.node.ctl("number.put", number="600", to="group:sales")
        out, into, call = self.rings(to="600")
        then = third.incoming()
        then.ring()
        self.does(self.peer, call, "reject", status=603)
        into.wait_cancel()
        self.may_not(404, self.peer, call)
        then.answer(self.audio_b.sdp())
        out.wait_answer()
        self.does(self.third, call, "hangup")
        out.wait_bye()
        then.wait_bye()
        self.ended()

    def test_spoken(self):
        """Mute, record, account code: each for its own side."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.may_not(404, self.other, call)
        self.does(self.peer, call, "mute", leg="a")
        self.assertEqual([self.shown(call)[leg]["muted"] for leg in "ab"], [False, True])
        self.does(self.peer, call, "mute", on=False)
        self.assertFalse(self.shown(call)["b"]["muted"])
        self.may_not(403, self.peer, call, "record")
        self.node.ctl("extension.put", number="1002", record="on_demand")
        self.does(self.peer, call, "record", leg="a")
        self.assertEqual([row["leg"] for row in self.shown(call)["recordings"]], ["b"])
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call}/record", self.peer, {"state": "on", "to": "siprec"})
        self.may_not(403, self.mine, call, "record")
        self.does(self.peer, call, "record", state="off")
        self.does(self.peer, call, "account_code")
        self.assertEqual(self.shown(call)["account_code"], "4711")
        for feature, verb in (("call_control", "mute"), ("record_key", "record"), ("park", "park"), ("transfer", "transfer")):
            self.node.ctl("extension.put", number="1002", features_off=[feature])
            self.assertIn(feature if feature != "transfer" else "features_off", self.may_not(403, self.peer, call, verb)["detail"])
        self.node.ctl("extension.put", number="1002", features_off=["conference"])
        self.confer(self.peer, call, 403, to="1003")
        into.bye()
        out.wait_bye()
        self.ended()

    def test_given_on(self):
        """Parked, fetched, transferred: who has left a call has no part in it any more, and who came has."""
        third = self.phone("1003")
        self.node.ctl("tenant.put", name="default", park_groups="hall=7-8,store=9-9")
        self.node.ctl("extension.put", number="1002", park_groups="hall")
        self.node.ctl("extension.put", number="1003", park_groups="hall")
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{call}/park", self.peer, {"slot": "9"})
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{call}/park", self.peer, {"group": "store"})
        self.assertEqual(self.does(self.peer, call, "park", slot="8")["slot"], "8")      # the other one waits, whatever leg is named
        into.wait_bye()
        self.may_not(404, self.peer, call)
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{call}", self.mine)["id"], call)
        audio = self.node.media()
        self.addCleanup(audio.close)
        second = third.invite("1002", audio.sdp())
        rung = self.b.incoming()
        rung.answer(audio.sdp())
        second.wait_answer()
        fetching, = {row["id"] for row in self.calls()} - {call}
        until(lambda: self.shown(fetching)["state"] == "established")
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{fetching}/retrieve", self.third, {"slot": "9"})
        self.may_not(404, self.mine, fetching)
        self.does(self.third, fetching, "retrieve", slot="8")
        rung.wait_bye()
        until(lambda: not self.node.ctl("park.list"))
        there, = {row["id"] for row in self.calls() if row["state"] == "established"}
        self.may_not(404, self.peer, there)
        self.does(self.third, there, "mute")
        self.does(self.mine, there, "mute")
        self.does(self.mine, there, "hangup")
        out.wait_bye()
        second.wait_bye()
        until(lambda: not self.calls())

    def test_transferred(self):
        third = self.phone("1003")
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.does(self.peer, call, "transfer")
        then = third.incoming()
        then.ring()
        # while it rings there it is still his who transfers, and not yet of who is called
        self.may_not(409, self.third, call, "mute", "hangup", "transfer_cancel", "hold")
        self.may_not(404, self.other, call)
        then.answer(self.audio_b.sdp())
        into.wait_bye()
        until(lambda: self.shown(call)["answered_by"] == "1003" or self.shown(call)["b_state"] == "connect")
        self.may_not(404, self.peer, call)
        self.does(self.third, call, "mute")
        self.does(self.third, call, "hangup")
        out.wait_bye()
        then.wait_bye()
        self.ended()

    def test_picked_up(self):
        third = self.phone("1003")
        out, into, call = self.rings()
        pick = "POST", "/v1/calls:pickup"
        self.refused(403, "not_allowed", self.node, *pick, self.other, {"extension": "1002", "by": "1003"})
        self.refused(409, "conflict", self.node, *pick, self.third, {"extension": "1002"})
        for number in ("1002", "1003"):
            self.node.ctl("extension.put", number=number, pickup_groups="sales")
        self.ok(self.node, *pick, self.third, {"extension": "1002"})
        into.wait_cancel()
        then = third.incoming()
        then.answer(self.audio_b.sdp())
        out.wait_answer()
        self.may_not(404, self.peer, call)
        self.does(self.third, call, "hangup")
        out.wait_bye()
        then.wait_bye()
        self.ended()

    def parks(self, token):
        return [(row["slot"], row["by"], row["dial"]) for row in self.ok(self.node, "GET", "/v1/parks", token)]

    def test_privileges(self):
        """SEC-06: of calls of others a session commands what its extension's document says, with each privilege for itself alone: without it, it is
        refused; with it, it does; and without it again, it is refused. It is told of none of these calls else."""
        phone = self.phone("1004")
        grant = lambda **fields: [self.node.ctl("extension.put", number=number, **fields) for number in ("1002", "1004")]
        pick = "POST", "/v1/calls:pickup", self.other, {"extension": "1002"}
        self.node.ctl("tenant.put", name="default", park_groups="hall=70-71,store=80-80")
        out, into, call = self.rings()
        self.refused(409, "conflict", self.node, *pick)
        grant(pickup_groups="sales")
        self.refused(403, "not_allowed", self.node, *pick[:3], {**pick[3], "by": "1003"})
        self.may_not(404, self.other, call)
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls", self.other), [])
        self.ok(self.node, *pick)
        into.wait_cancel()
        then = phone.incoming()
        then.answer(self.audio_b.sdp())
        out.wait_answer()
        self.does(self.other, call, "hangup")
        for end in (out, then):
            end.wait_bye()
        self.ended()
        grant(pickup_groups="")
        out, into, call = self.rings()
        self.refused(409, "conflict", self.node, *pick)
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        until(lambda: self.calls()[0]["state"] == "established")
        grant(park_groups="hall")
        self.does(self.peer, call, "park", slot="70")
        into.wait_bye()
        self.assertEqual(self.parks(self.other), [("70", "1002", "#4170")])
        self.assertEqual(self.parks(self.third), [], "it is in no group")
        row, = self.ok(self.node, "GET", "/v1/parks", self.other)
        self.assertEqual((row["party"], "call" in row), ("1001", False))
        self.refused(403, "not_allowed", self.node, "GET", "/v1/parks?number=1001", self.other)
        grant(park_groups="store")
        self.assertEqual(self.parks(self.other), [])
        grant(park_groups="hall", features_off=["park"])
        self.refused(403, "not_allowed", self.node, "GET", "/v1/parks", self.other)
        grant(features_off=[])
        self.may_not(404, self.other, call)
        own = phone.invite(self.parks(self.other)[0][2], self.audio_b.sdp())
        own.wait_answer()
        until(lambda: not self.node.ctl("park.list"))
        own.bye()
        out.wait_bye()
        until(lambda: not self.calls())

    def test_conferred(self):
        """A third one comes; two calls, where both are one's own; no application, and not by somebody else."""
        third = self.phone("1003")
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.confer(self.other, call, 404, to="1003")
        self.confer(self.peer, call, 403, endpoint="ear")
        self.confer(self.peer, call, 404, **{"with": call[:6] + "000" + call[9:]})
        room = self.confer(self.peer, call, to="1003", leg="a")["id"]
        then = third.incoming()
        then.answer(self.audio_b.sdp())
        until(lambda: self.node.ctl("conference.get", conference=room)["members"] == 3)
        members = self.node.ctl("conference.get", conference=room)["list"]
        self.assertEqual([row["from"] for row in members if row["host"]], ["1002"])
        calls = {row["from"]: row["call"] for row in members}
        self.may_not(404, self.peer, calls["1001"])
        self.does(self.peer, calls["1002"], "mute")
        self.does(self.peer, calls["1002"], "hangup")
        into.wait_bye()
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/conferences/{room}/end", self.mine, {})
        out.bye()
        then.wait_bye()
        until(lambda: not self.calls())


class TwoNodes(Users, Rooms):
    """1001 and 1003 have phones at node a, 1002 and 1004 at node b; a call is the node's of who calls."""

    def calls(self, caller, callee, rings=False):
        before = {row["id"] for row in self.all("call.list")}
        ends = self.end(), self.end()
        out = self.agents[caller].invite(callee, ends[0].sdp())
        into = self.agents[callee].incoming()
        if rings:
            into.respond(180, "Ringing", headers=TALK)
            out.wait_provisional(180)
        else:
            into.answer(ends[1].sdp())
            out.wait_answer()
        until(lambda: {row["id"] for row in self.all("call.list")} - before)
        call, = {row["id"] for row in self.all("call.list")} - before
        return call, out, into, ends

    def test_of_another_node(self):
        """Each command is given at both nodes: the one that has the call judges it, as it is now."""
        tokens = {number: self.session(self.a, number) for number in AT}
        until(lambda: all(self.http(self.b, "GET", "/v1/calls", token)[0] == 200 for token in tokens.values()))
        call, out, into, ends = self.calls("1001", "1002", rings=True)
        for node in (self.a, self.b):
            self.may_not(404, tokens["1003"], call, node=node)
            self.may_not(409, tokens["1002"], call, "mute", "hangup", node=node)
        self.does(tokens["1002"], call, "answer", node=self.b)
        told = self.agents["1002"].take_request("NOTIFY", call_id=into.call_id)
        self.agents["1002"].respond(told, 200, "OK")
        into.answer(ends[1].sdp())
        out.wait_answer()
        until(lambda: self.a.ctl("call.show", call=call)["state"] == "established")
        for number, leg in (("1001", "a"), ("1002", "b")):
            self.does(tokens[number], call, "mute", node=self.b)
            self.assertTrue(self.a.ctl("call.show", call=call)[leg]["muted"])
        for node in (self.a, self.b):
            self.may_not(404, tokens["1004"], call, node=node)
        # a second call, which node b has: 1001 speaks in both, and 1003 in none of them
        second, again, rung, _ = self.calls("1004", "1001")
        for node in (self.a, self.b):
            self.confer(tokens["1002"], call, 404, node=node, **{"with": second})
            self.confer(tokens["1004"], second, 404, node=node, **{"with": call})
            self.confer(tokens["1003"], call, 404, node=node, **{"with": second})
        room = self.confer(tokens["1001"], call, node=self.b, **{"with": second})["id"]
        until(lambda: [(row["id"], row["members"]) for row in self.rooms()] == [(room, 3)], self.rooms)
        for dialog in (out, into, again):
            dialog.bye()
        until(lambda: not self.all("call.list"), lambda: f"they go on: {self.all('call.list')}")
        for node in (self.a, self.b):
            self.may_not(404, tokens["1003"], call, node=node)



if __name__ == "__main__":
    unittest.main()
