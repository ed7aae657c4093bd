# SPDX-License-Identifier: Apache-2.0
"""A room that phones of two nodes call is one conference: they hear each other, also behind a kill, a drain, and a time without Redis. CONF-01."""
import signal
import threading
import time
import unittest

from conference_test import HERTZ, ConferenceTest
from http_api_test import Asks
from patience import slowness, until
from taken_test import ADDRESSES, SIP, Cluster

AT = {"1001": 17, "1002": 18, "1003": 17, "1004": 18}
CLAIMS = "td:{t:default}:room:open"


class Rooms(Cluster):
    """1001 and 1003 are phones of node a, 1002 and 1004 of node b."""

    shares, hears, all_hear = ConferenceTest.shares, ConferenceTest.hears, ConferenceTest.all_hear
    speaks, dials, hangs_up = ConferenceTest.speaks, ConferenceTest.dials, ConferenceTest.hangs_up

    def setUp(self):
        super().setUp()
        self.node = self.a
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.a.ctl("room.put", number="700", talkers=len(HERTZ))
        self.agents, self.audio, self.dialogs = {}, {}, {}
        for number, shard in AT.items():
            self.a.put_extension(number, "secret")
            agent = self.agents[number] = self.a.user_agent(number, "secret")
            self.addCleanup(agent.close)
            agent.server = (ADDRESSES[shard], SIP)
            self.phones[shard, number + "r"] = agent
            self.until(lambda agent=agent: agent.register().status == 200)
        self.until(lambda: "700" in {row["number"] for row in self.b.ctl("room.list")})

    def end(self):
        audio = self.a.media()
        self.addCleanup(audio.close)
        return audio

    def all(self, command):
        """What all nodes list."""
        return [row for name in "ab" if getattr(self, name).running() for row in getattr(self, name).ctl(command, node=name)]

    def rooms(self):
        return self.all("conference.list")

    def claim(self):
        with self.redis() as redis:
            return (redis("HGET", CLAIMS, "700") or "").split(" ")[0]

    def all_come(self):
        for number in AT:
            self.dials(number, "700")
        self.all_hear(*AT)
        room, = self.rooms()
        self.assertEqual((room["members"], room["apart"]), (len(AT), False))
        self.assertEqual(self.claim(), room["id"])
        return room["id"]

    def is_one(self, room):
        """A moment after its shard has a new owner: that one reads it, and no other lists it any more."""
        until(lambda: [(row["id"], row["members"]) for row in self.rooms()] == [(room, len(AT))], self.rooms)

    def all_go(self):
        for number in AT:
            self.hangs_up(number)
        until(lambda: not self.rooms() and not self.claim(), lambda: f"{self.rooms()} {self.claim()}")
        until(lambda: not self.all("call.list"), lambda: f"they go on: {self.all('call.list')}")


class One(Rooms):
    def test_one_room(self):
        """Whoever calls it first, at either node; a number whose conference is over is free."""
        first = self.all_come()
        self.all_go()
        for number in reversed(AT):
            self.dials(number, "700")
        self.all_hear(*AT)
        room, = self.rooms()
        self.assertNotEqual(room["id"], first)
        self.all_go()

    def test_killed_and_home(self):
        """Its node is killed: the other one goes on with the room, and who had come through from there hears the others, too."""
        room = self.all_come()
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.all_hear(*AT)
        self.is_one(room)
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        self.all_hear(*AT)
        self.is_one(room)
        self.assertEqual(self.claim(), room)
        self.all_go()

    def test_drained(self):
        room = self.all_come()
        self.b.ctl("node.drain", node="a")
        self.until(lambda: self.owner(17) == "b")
        self.all_hear(*AT)
        self.is_one(room)
        self.b.ctl("node.undrain", node="a")
        self.until(lambda: self.owner(17) == "a")
        self.all_hear(*AT)
        self.all_go()

    def test_guessed_passwords(self):
        """Six wrong passwords of an extension over HTTP at one node: who guesses waits at both."""
        for node, statuses in ((self.a, [401] * 6 + [429]), (self.b, [429])):
            for status in statuses:
                self.assertEqual(Asks.http(node, "POST", "/v1/sessions", None, {"number": "1002", "password": "wrong"})[0], status)
            time.sleep(0.5 * slowness())

    def test_guesses(self):
        """Wrong PINs of a phone at one node, of a room at the other one, make it wait at both; others come in."""
        self.a.ctl("room.put", number="701", pin="4711")
        self.addCleanup(self.a.ctl, "room.delete", number="701")
        self.until(lambda: "701" in {row["number"] for row in self.b.ctl("room.list")})
        self.dials("1002", "701", "4711#")
        until(lambda: [room["members"] for room in self.rooms()] == [1], self.rooms)
        for count in range(2):
            self.dials("1001", "701", "1#2#3#")
            self.dialogs["1001"].wait_bye()
        beside = self.a.user_agent("1001", "secret")
        self.addCleanup(beside.close)
        beside.server = (ADDRESSES[18], SIP)
        self.phones[18, "1001r"] = beside
        self.until(lambda: beside.register().status == 200)
        for agent in (self.agents["1001"], beside):
            answer = agent.invite("701", self.end().sdp()).wait_final()
            self.assertEqual(answer.status, 403)
            self.assertIn("too many wrong PINs", answer.get("Reason"))
        self.dials("1004", "701", "4711#")
        until(lambda: [room["members"] for room in self.rooms()] == [2], self.rooms)
        with self.redis() as redis:
            rows = [dict(zip(fields[::2], fields[1::2])) for _, fields in redis("XRANGE", "td:security", "-", "+")]
        pins = [row for row in rows if row["type"] == "wrong_pin"]
        self.assertEqual({(row["user"], row["detail"]) for row in pins}, {("1001", "room 701")})
        until(lambda: sum(node.metric("tandem_security_events_total", kind="wrong_pin") for node in (self.a, self.b)) >= 6, lambda: "six are counted")
        for number in ("1002", "1004"):
            self.hangs_up(number)
        until(lambda: not self.rooms(), self.rooms)
        answer = self.agents["1001"].invite("701", self.end().sdp()).wait_final()
        self.assertEqual(answer.status, 403)
        self.assertGreater(int(answer.get("Retry-After")), 0)

    def test_two_at_once(self):
        """Two first callers, one at each node."""
        for _ in range(8):
            threads = [threading.Thread(target=self.dials, args=(number, "700")) for number in ("1001", "1002")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.all_hear("1001", "1002")
            self.assertEqual(len(self.rooms()), 1)
            for number in ("1001", "1002"):
                self.hangs_up(number)
            until(lambda: not self.rooms() and not self.claim(), lambda: f"{self.rooms()} {self.claim()}")


class Away(Rooms):
    @classmethod
    def settings(cls, name, shard):
        """Redis is away for less than a lease: what it was not told of goes with a shard that is given up."""
        settings = super().settings(name, shard)
        settings["cluster"]["lease"] = "10s"
        return settings

    def test_redis_comes_back(self):
        """Without it each node has a conference of its own; then they are one."""
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_degraded") == 0)
        type(self).redis_stop(signal.SIGKILL)
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_degraded") == 1)
        for number in AT:
            self.dials(number, "700")
        self.all_hear("1001", "1003")
        self.all_hear("1002", "1004")
        type(self).redis_start()
        self.all_hear(*AT)
        until(lambda: [(row["members"], row["apart"]) for row in self.rooms()] == [(len(AT), False)], self.rooms)
        self.all_go()


class Stations(Rooms):
    """1001 speaks with 1003 on node a, and 1002 with 1004 on node b."""

    def calls(self, caller, callee):
        before = {row["id"] for row in self.all("call.list")}
        ends = self.end(), self.end()
        out = self.agents[caller].invite(callee, ends[0].sdp())
        into = self.agents[callee].incoming()
        into.answer(ends[1].sdp())
        ends[0].use(out.wait_answer())
        ends[1].use(into.request)
        for number, end, dialog in zip((caller, callee), ends, (out, into)):
            self.speaks(number, end, dialog)
        call, = {row["id"] for row in self.all("call.list")} - before
        return call

    def test_two_calls(self):
        """They are one conference, also behind a kill of the node that has it. 1003 says nothing: three are heard at a time."""
        first = self.calls("1001", "1003")
        second = self.calls("1002", "1004")
        room = self.a.ctl("conference.add", call=first, leg="a", **{"with": second})["id"]
        self.audio["1003"].stop()
        self.three_are_heard()
        until(lambda: [(row["id"], row["members"]) for row in self.rooms()] == [(room, len(AT))], self.rooms)
        self.a.kill()
        self.until(lambda: self.owner(17) == "b")
        self.three_are_heard()
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        self.three_are_heard()
        for number in AT:
            self.hangs_up(number)
        until(lambda: not self.all("call.list"), lambda: f"they go on: {self.all('call.list')}")

    def three_are_heard(self):
        speak = [number for number in AT if number != "1003"]
        for number in AT:
            self.hears(number, *(other for other in speak if other != number))


if __name__ == "__main__":
    unittest.main()
