# SPDX-License-Identifier: Apache-2.0
"""The wall clock is set forward and back by an hour, under the node and its Redis: a call lasts as long as it lasted, and phones stay
registered for as long as they were told.  A key of a request ends with its ten minutes."""
import calendar
import time
import unittest

from http_api_test import Asks
from lib.node import Node
from lib.wall import Wall
from patience import PATIENCE_S

HEARD_S = 1.5           # a heartbeat or two pass, and Redis looks for what has expired
HOUR_MS = 3600 * 1000


class Stepped(Asks, unittest.TestCase):
    def setUp(self):
        self.node = Node(start=False)
        self.addCleanup(self.node.close)
        self.clock = Wall(self.node)
        self.node.start()
        self.ends = []
        for number in ("1001", "1002"):
            self.node.put_extension(number, "secret" + number)
            agent, audio = self.node.user_agent(number, "secret" + number), self.node.media()
            self.addCleanup(agent.close)
            self.addCleanup(audio.close)
            self.assertEqual(agent.register(expires=600).status, 200)
            self.ends.append((agent, audio))
        (a, self.audio_a), (b, self.audio_b) = self.ends
        self.out = a.invite("1002", self.audio_a.sdp())
        self.into = b.incoming()
        self.into.answer(self.audio_b.sdp())
        self.audio_a.use(self.out.wait_answer())
        self.audio_b.use(self.into.request)
        self.answered = time.monotonic()

    def step(self, hours):
        """The wall clock is so far from the truth from now on."""
        self.clock.step(hours * 3600)

    def clock_of_the_node(self):
        """UTC in ms, as the node told it to its log last."""
        stamp = self.node.log_text().splitlines()[-1].split()[0].removeprefix("ts=").removesuffix("Z")
        return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) * 1000

    def well(self, hours):
        """After such a step: the node knows of it, and calls and phones of before are there."""
        self.step(hours)
        time.sleep(HEARD_S)
        self.node.ctl("node.status")
        self.assertAlmostEqual(self.clock_of_the_node() - time.time() * 1000, hours * HOUR_MS, delta=60 * 1000)
        rows = {row["number"]: row for row in self.node.ctl("registration.list")}
        self.assertEqual([len(rows[number]["contacts"]) for number in ("1001", "1002")], [1, 1])
        for row in rows.values():
            left_s = row["contacts"][0]["expires_utc_ms"] / 1000 - (time.time() + hours * 3600)
            self.assertTrue(500 < left_s <= 600, (left_s, row))
        self.assertEqual(len(self.node.ctl("call.list")), 1)
        self.assertEqual(self.node.http("/readyz")[0], 200)

    def hang_up(self):
        """It is heard until then, and its record says how long that was."""
        for audio, hertz in ((self.audio_a, 440), (self.audio_b, 880)):
            audio.start(hertz)
        for audio in (self.audio_a, self.audio_b):
            audio.wait_packets(40)
        for audio in (self.audio_a, self.audio_b):
            audio.stop()
        self.assertEqual((self.audio_a.heard()[0], self.audio_b.heard()[0]), (880, 440))
        self.out.bye()
        self.into.wait_bye()
        talked_ms = (time.monotonic() - self.answered) * 1000
        end = time.monotonic() + PATIENCE_S
        while self.node.ctl("call.list", ending=True) and time.monotonic() < end:
            time.sleep(0.05)
        record = self.node.cdrs()[-1]
        self.assertAlmostEqual(int(record["talk_ms"]), talked_ms, delta=1500)

    def test_forward(self):
        admin, path = self.token(self.node, "admin"), "/v1/extensions/1001"

        def keyed():
            """What its Idempotency-Key answers, and whether the command was carried out behind another one."""
            self.ok(self.node, "PATCH", path, admin, {"display_name": "Between"})
            answer = self.ok(self.node, "PATCH", path, admin, {"display_name": "Keyed"}, Idempotency_Key="k")
            return answer["display_name"], self.ok(self.node, "GET", path, admin)["display_name"]
        self.assertEqual(keyed(), ("Keyed", "Keyed"))
        self.clock.step(590)
        self.assertEqual(keyed(), ("Keyed", "Between"))
        self.clock.step(610)
        self.assertEqual(keyed(), ("Keyed", "Keyed"), "a key is good for ten minutes")
        self.well(1)
        self.hang_up()

    def test_back(self):
        self.well(-1)
        self.hang_up()

    def test_to_and_fro_over_a_restart(self):
        self.well(1)
        self.node.kill()
        self.step(-1)
        self.node.restart()
        self.well(-1)
        self.hang_up()


if __name__ == "__main__":
    unittest.main()
