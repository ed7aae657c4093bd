# SPDX-License-Identifier: Apache-2.0
"""A node's coming and going as operators see it: ready or not, drained, stopped under calls."""
import json
import os
import resource
import signal
import time
import unittest

from lib.node import Node

from call_test import CallTest


def until(condition, seconds=10.0):
    """Waits for it; what it was at last."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


class Ready(CallTest):
    """/readyz says when no call can be taken, and why."""
    settings, node_options = {"limits": {"calls": 1}}, {"calls": 1}

    def reasons(self):
        status, text = self.node.http("/readyz")
        return status, json.loads(text)["reasons"]

    def test_what_a_call_needs(self):
        self.assertEqual(self.reasons(), (200, []))
        out, into, _ = self.connect()
        want = 503, ["limits_calls_reached", "no_media_ports_left"]
        self.assertTrue(until(lambda: self.reasons() == want), self.reasons())
        self.assertEqual(self.node.http("/healthz")[0], 200, "a full node is well")
        out.bye()
        into.wait_bye()
        self.assertTrue(until(lambda: self.reasons() == (200, [])), self.reasons())
        pid, used = self.node.process.pid, len(os.listdir(f"/proc/{self.node.process.pid}/fd"))
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # the page itself needs one
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, limit[1]))
        self.assertTrue(until(lambda: self.reasons() == (503, ["no_descriptors_left"])), self.reasons())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.assertTrue(until(lambda: self.reasons() == (200, [])), self.reasons())


class Drain(CallTest):
    settings = {"node": {"drain_time": "30s"}}

    def refused(self):
        """A new call gets 503 and hears when to try again."""
        out = self.a.invite("1002", self.audio_a.sdp())
        response = out.wait_final()
        self.assertEqual(response.status, 503)
        self.assertTrue(response.get("Retry-After"))

    def test_by_command(self):
        out, into, _ = self.connect()
        self.assertTrue(self.node.ctl("node.drain")["draining"])
        self.refused()
        self.assertEqual(self.node.http("/readyz")[0], 503)
        self.assertEqual(self.node.http("/healthz")[0], 200)
        self.assertEqual(self.node.ctl("node.status")["reasons"], ["draining"])
        self.assertEqual(self.b.register().status, 200, "phones stay")
        out.bye()
        into.wait_bye()
        self.assertTrue(self.node.running())
        self.node.kill()
        self.node.restart()
        self.assertFalse(self.node.ctl("node.status")["draining"], "the next start knows nothing of it")
        self.node.ctl("node.drain")
        self.assertFalse(self.node.ctl("node.undrain")["draining"])
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()

    def test_sigterm(self):
        """No new calls; another SIGTERM ends the wait; the next start has the calls."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        self.refused()
        self.assertEqual([row["id"] for row in self.calls()], [call])
        self.node.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.node.process.wait(20), 0)
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [call], "the restart keeps calls alive")
        self.audio_a.start(440)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        out.bye()
        into.wait_bye()
        self.assertEqual(self.node.process.wait(20), 0, "nothing is left to wait for")
        self.node.restart()
        self.assertEqual(self.node.cdrs()[-1]["id"], call)

    def test_the_time_is_over(self):
        """A reload counts for a wait that has begun."""
        self.connect()
        self.node.process.send_signal(signal.SIGTERM)
        self.assertTrue(until(lambda: self.node.http("/readyz")[0] == 503))
        self.node.configure({"node": {"drain_time": "1s"}})
        self.node.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.node.process.wait(20), 0)
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)


class Moved(CallTest):
    """A start with other ports: calls that cannot go on are ended, their parties told."""
    settings = {"media": {"video": True}}

    def moved(self, stop):
        """Stops the node under a call, moves it, starts it; both parties have heard BYE, and it is in the CDR."""
        call = self.calls()[0]["id"]
        stop()
        self.node.media_ports = self.node.ports.take_range(8)
        self.node.configure(self.settings)
        self.node.restart()
        self.a.respond(self.a.take_request("BYE"), 200)
        self.b.respond(self.b.take_request("BYE"), 200)
        record = self.ended()
        self.assertEqual((record["id"], record["cause"]), (call, "could not go on after a restart"))
        self.assertIn(f"call={call}", next(line for line in self.node.log_text().splitlines()
                                           if "cannot go on after the restart" in line))
        status = self.node.ctl("node.status")
        self.assertEqual((status["records_broken"], status["calls_given_up"]), (0, 1))

    def test_media_ports(self):
        self.connect()
        self.moved(self.node.kill)

    def test_media_and_sip_ports(self):
        """The farewell comes from a port that exists now."""
        self.connect()
        self.node.sip_port = self.node.ports.take()
        self.moved(self.node.stop)
        self.assertEqual(self.node.metric("tandem_calls_given_up_total"), 1)


if __name__ == "__main__":
    unittest.main()
