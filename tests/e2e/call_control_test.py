# SPDX-License-Identifier: Apache-2.0
"""What a client for calls needs: the states of parties (CALL-01), a phone that is told to answer (CALL-03), DNIS (CALL-05), links (CALL-37)."""
import itertools
import threading
import unittest

from call_test import CallTest
from lib.place import PARTY
from patience import until
from server import ServerError

TALK = [("Allow-Events", "talk, hold")]


class CallControl(CallTest):
    def states(self, call):
        return [(event["a_state"], event["b_state"]) for event in self.node.events() if event.get("call") == call]

    def link(self, number, link):
        return self.node.ctl("call.link", number=number, link=link)

    def rings(self, out):
        into = self.b.incoming()
        into.respond(180, "Ringing", headers=TALK)
        out.wait_provisional(180)
        return into

    def taken(self, into):
        """The phone is told to answer, and does."""
        told = self.b.take_request("NOTIFY", call_id=into.call_id)
        self.assertEqual((told.get("Event"), told.get("Subscription-State")), ("talk", "active"))
        self.b.respond(told, 200, "OK")
        into.respond(200, "OK", body=self.audio_b.sdp())

    def test_by_links(self):
        """A call is answered, held, muted and hung up by links for the user's own call; events say in order what its parties are at."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.rings(out)
        call = self.calls()[0]
        self.assertEqual((call["a_state"], call["b_state"]), ("ringback", "ringing"))
        with self.assertRaisesRegex(ServerError, "no such call"):
            self.link("1001", "call.center:answer")
        with self.assertRaisesRegex(ServerError, "no such call"):
            self.link("1002", "call.center:hold_unhold")
        self.link("1002", "call.center:answer")
        self.taken(into)
        out.wait_answer()
        into.wait_ack()
        until(lambda: self.calls()[0]["state"] == "established")
        holder = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(direction="recvonly", version=2),))
        holder.start()
        self.link("1002", "tcall.center:hold_unhold")
        holder.join()
        shown = self.node.ctl("call.show", call=call["id"])
        self.assertEqual((shown["b"]["holds"], shown["a_state"], shown["b_state"]), (True, "hold", "hold"))
        holder = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(version=3),))
        holder.start()
        self.link("1002", "tcall.center:hold_unhold")
        holder.join()
        for muted in (True, False):
            self.link("1001", "call.center:mute_unmute")
            self.assertEqual(self.node.ctl("call.show", call=call["id"])["a"]["muted"], muted)
        self.link("1001", "call.center:hangup")
        out.wait_bye()
        into.wait_bye()
        self.ended()
        seen = [state for state, _ in itertools.groupby(self.states(call["id"]))]
        self.assertEqual(seen, [("idle", "idle"), ("ringback", "ringing"), ("connect", "connect"), ("hold", "hold"),
                                ("connect", "connect"), ("idle", "idle")])

    def test_rejected_and_called(self):
        """A phone that takes no Event: talk is rung anew and asked to answer by itself. A link refuses what rings, and calls a number."""
        out = self.a.invite("1002", self.audio_a.sdp())
        first = self.b.incoming()
        first.ring()
        out.wait_provisional(180)
        call = self.calls()[0]["id"]
        self.link("1002", "call.center:answer")
        first.wait_cancel()
        into = self.b.incoming()
        self.assertEqual((into.request.get("Alert-Info"), into.request.get("Answer-Mode")), ("<http://localhost>;info=alert-autoanswer", "Auto"))
        into.ring()
        with self.assertRaisesRegex(ServerError, "cannot answer or resume by command"):
            self.link("1002", "call.center:answer")
        self.link("1002", "call.center:reject")
        into.wait_cancel()
        self.assertEqual(out.wait_final().status, 486)
        self.ended()
        self.assertEqual(self.states(call)[-1], ("busy", "idle"))
        for wrong in ("call.center:", "call.center:sing", "call.center:call", "call.center:call?number=", "http://a.test", "1002"):
            with self.assertRaisesRegex(ServerError, "hold_unhold"):
                self.link("1002", wrong)
        for link in ("tel:1001", "callto:1001", "call.center:call?number=1001", "call.center:call?x=1&number=10%301"):
            made = self.link("1002", link)["id"]
            rung = self.b.incoming()
            rung.ring()
            self.assertEqual([(call["id"], call["from"], call["to"], call["a_state"]) for call in self.calls()],
                             [(made, "1002", "1001", "ringing")])
            self.link("1002", "call.center:hangup")
            rung.wait_cancel()
            self.ended()

        self.by_command()

    def by_command(self):
        """To a flow, and shown as another number."""
        for more, why in (({"to": "1001", "caller_id": "4930199"}, "may not show"), ({"flow": "none"}, "no such flow"),
                          ({}, "to, or flow"), ({"to": "1001", "flow": "tone"}, "to, or flow"), ({"to": "4930"}, "registered")):
            with self.assertRaisesRegex(ServerError, why):
                self.node.ctl("call.originate", **{"from": "1002", **more})
        self.node.ctl("flow.put", name="tone", program=[{"play": ["tone-dial"]}])
        call = self.node.ctl("call.originate", **{"from": "1002", "flow": "tone"})["id"]
        rung = self.b.incoming()
        rung.answer(self.audio_b.sdp())
        rung.wait_bye()
        row = self.ended()
        self.assertEqual((row["id"], row["to"], row["flow"]), (call, "flow:tone", "tone"))

    def test_of_a_trunk(self):
        """Events, lists and the record have the number that was dialled at the trunk."""
        trunk = self.enterContext(self.node.user_agent("+4940123"))
        self.node.ctl("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        self.node.ctl("did.put", number="+4930100", to="1002")
        out = trunk.invite("+4930100", self.audio_a.sdp())
        into = self.b.incoming()
        into.reject(486)
        self.assertEqual(out.wait_final().status, 486)
        self.assertEqual(self.ended()["dnis"], "+4930100")
        self.assertEqual({event["dnis"] for event in self.node.events() if event["type"] == "call.ended"}, {"+4930100"})


if __name__ == "__main__":
    unittest.main()
