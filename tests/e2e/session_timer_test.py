# SPDX-License-Identifier: Apache-2.0
"""RFC 4028: sessions that are refreshed go on, also over kill -9 and with phones that refresh by their own means; others end."""
import threading
import time
import unittest

from call_test import CallTest

TIMER = ("Supported", "timer")


RATE = 5        # the node's clock runs so many times as fast: its 90 s are 18 here


class SessionTimers(CallTest):
    settings, node_options = {"sip": {"session_expires": "90s"}}, {"rate": RATE}

    def talk(self, *headers, answer=()):
        out = self.a.invite("1002", self.audio_a.sdp(), headers)
        into = self.b.incoming()
        into.respond(200, "OK", answer, self.audio_b.sdp())
        answered = out.wait_answer()
        into.wait_ack()
        return out, into, answered

    def test_intervals(self):
        """422 to less than 90 s; what is asked for is agreed; UPDATE keeps it."""
        out = self.a.invite("1002", self.audio_a.sdp(), [TIMER, ("Session-Expires", "30")])
        refused = out.wait_final()
        self.assertEqual((refused.status, refused.get("Min-SE")), (422, "90"))
        out, into, answered = self.talk(TIMER, ("Session-Expires", "90;refresher=uac"),
                                        answer=[TIMER, ("Session-Expires", "90;refresher=uas")])
        self.assertEqual(answered.get("Session-Expires"), "90;refresher=uac")
        self.assertEqual(answered.get("Require"), "timer")
        self.assertEqual(into.request.get("Session-Expires"), "90")
        update = into.transact(into.in_dialog("UPDATE", [TIMER, ("Session-Expires", "90;refresher=uac")]))
        self.assertEqual((update.status, update.get("Session-Expires")), (200, "90;refresher=uac"))
        out.bye()
        into.wait_bye()

    def test_refreshed_or_not(self):
        """The node refreshes A over a restart; B, who should refresh, has vanished: the call ends and A is told why."""
        out, into, _ = self.talk(TIMER, ("Allow", "INVITE, ACK, BYE, UPDATE"),
                                 answer=[TIMER, ("Session-Expires", "90;refresher=uas")])
        began = time.monotonic()
        time.sleep(20 / RATE)
        self.node.kill()
        self.node.restart()
        update = self.a.take_request("UPDATE", 40, out.call_id)
        self.assertGreater(RATE * (time.monotonic() - began), 40, "at half of the interval")
        self.assertEqual(update.get("Session-Expires"), "90;refresher=uac")
        self.a.respond(update, 200, "OK", headers=[("Session-Expires", "90;refresher=uac"), ("Contact", self.a.contact)])
        bye = self.a.take_request("BYE", 50, out.call_id)
        self.assertGreater(RATE * (time.monotonic() - began), 55, "B's time is not up before 90 s less a third (RFC 4028 10)")
        self.a.respond(bye, 200, "OK")
        self.assertIn("cause=102", bye.get("Reason"))
        into.wait_bye()
        record = self.ended()
        self.assertEqual((record["q850"], record["ended_by"]), ("102", "node"))

    def test_phones_are_refreshed(self):
        """A real phone at each end: the node's refreshes, theirs, and the media does not notice."""
        caller, callee = (self.node.phone(n, "secret" + n, **more) for n, more in
                          (("1001", {}), ("1002", {"extra": "answermode=auto"})))
        for device in (caller, callee):
            self.addCleanup(device.quit)
        caller.dial("1002")
        callee.wait("CALL_ESTABLISHED")
        time.sleep(52 / RATE)           # both were refreshed at 45 s
        self.assertEqual([row["state"] for row in self.calls()], ["established"])
        caller.hangup()
        callee.wait("CALL_CLOSED")
        self.assertEqual(self.ended()["q850"], "16")


if __name__ == "__main__":
    unittest.main()
