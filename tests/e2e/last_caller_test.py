# SPDX-License-Identifier: Apache-2.0
"""Who called last is called back by a code. REG-20."""
import time
import unittest

from lib.node import Node
from patience import PATIENCE_S
from taken_test import Cluster

CODE = "#69"
KEY = "td:{kept:%s:%s}:last_caller"


class LastCaller(unittest.TestCase):
    def setUp(self):
        self.node = Node(settings={"node": {"shards": [2]}})
        self.addCleanup(self.node.close)
        for number in ("1001", "1002", "1003"):
            self.node.put_extension(number, "secret-" + number)
        self.anna, self.ben, self.carl = (self.agent(n) for n in ("1001", "1002", "1003"))

    def agent(self, number):
        agent = self.node.user_agent(number, "secret-" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register(expires=600).status, 200)
        return agent

    def media(self):
        end = self.node.media()
        self.addCleanup(end.close)
        return end

    def calls(self, caller, agent, number, headers=()):
        """Nobody answers."""
        out = caller.invite(number, self.media().sdp(), list(headers))
        into = agent.incoming()
        into.reject(480, "Temporarily Unavailable")
        self.assertEqual(out.wait_final().status, 480)

    def calls_back(self, agent, caller):
        """And they speak with each other."""
        mine, theirs = self.media(), self.media()
        out = agent.invite(CODE, mine.sdp())
        into = caller.incoming()
        into.answer(theirs.sdp(), ack=False)
        mine.use(out.wait_answer())
        into.wait_ack()
        theirs.use(into.request)
        mine.start(440)
        theirs.start(880)
        mine.wait_tone(880)
        theirs.wait_tone(440)
        out.bye()
        into.wait_bye()
        return into.request

    def refused(self, agent, status, why):
        answer = agent.invite(CODE, self.media().sdp()).wait_final()
        self.assertEqual(answer.status, status)
        self.assertIn(why, answer.get("Warning"))

    def kept(self, number, tenant="default"):
        with self.node.redis() as redis:
            return redis("GET", KEY % (tenant, number)), redis("PTTL", KEY % (tenant, number))

    def answered(self):
        end = time.monotonic() + PATIENCE_S
        while not (rows := [row for row in self.node.ctl("cdr.list") if str(row["sip_status"]) == "200"]):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        return [(row["from"], row["to"]) for row in rows]

    def test_called_back(self):
        """The one who called last, as if he had been dialled; also when the node was killed meanwhile."""
        self.refused(self.ben, 404, "nobody has called yet")
        self.calls(self.anna, self.ben, "1002")
        self.calls(self.carl, self.ben, "1002")
        value, life = self.kept("1002")
        self.assertEqual(value, "1003")
        self.assertTrue(29 * 86400 * 1000 < life <= 30 * 86400 * 1000)
        self.node.kill()
        self.node.restart()
        invite = self.calls_back(self.ben, self.carl)
        self.assertIn("sip:1002@", invite.get("From"))
        self.assertIsNone(invite.get("Diversion"))
        self.assertEqual(self.answered(), [("1002", "1003")])
        self.calls_back(self.carl, self.ben)

    def test_killed_while_it_is_asked(self):
        self.calls(self.anna, self.ben, "1002")
        for step in range(6):
            with self.subTest(step=step):
                out = self.ben.invite(CODE, self.media().sdp())
                time.sleep(step * 0.004)
                self.node.kill()
                self.node.restart()
                into = self.anna.incoming()
                into.reject(486, "Busy Here")
                self.assertEqual(out.wait_final().status, 486)

    def test_not_called_back(self):
        """Who hides his number, calls while the extension takes none, or called somebody who had the number before."""
        self.calls(self.anna, self.ben, "1002", [("Privacy", "id")])
        self.refused(self.ben, 404, "did not show a number")
        self.calls(self.anna, self.ben, "1002")
        self.node.ctl("extension.put", number="1002", do_not_disturb=True)
        self.assertEqual(self.carl.invite("1002", self.media().sdp()).wait_final().status, 486)
        self.assertEqual(self.kept("1002")[0], "1001")
        self.node.ctl("extension.delete", number="1002")
        end = time.monotonic() + PATIENCE_S
        while self.kept("1002")[0]:
            self.assertLess(time.monotonic(), end)
        self.node.put_extension("1002", "secret-1002")
        self.assertEqual(self.ben.register(expires=600).status, 200)
        self.refused(self.ben, 404, "nobody has called yet")

    def test_without_a_code(self):
        """A tenant that has no such code keeps nothing."""
        self.node.ctl("dialplan.put", code_last_caller="off")
        self.calls(self.anna, self.ben, "1002")
        self.assertEqual(self.ben.invite(CODE, self.media().sdp()).wait_final().status, 404)
        self.assertEqual(self.kept("1002"), (None, -2))

    def test_of_a_tenant(self):
        """The same number of another tenant was called by nobody."""
        self.node.ctl("tenant.put", name="acme", domains="acme.test")
        self.calls(self.anna, self.ben, "1002")
        self.assertEqual((self.kept("1002")[0], self.kept("1002", "acme")[0]), ("1001", None))

    def test_baresip(self):
        node = self.node
        phones = []
        for number in ("1001", "1002"):
            (self.anna if number == "1001" else self.ben).register(expires=0)
            phones.append(node.phone(number, "secret-" + number, extra="answermode=auto" if number == "1001" else "",
                                     source="ausine,440"))
            self.addCleanup(phones[-1].quit)
        caller, called = phones
        caller.dial("1002")
        called.wait("CALL_INCOMING")
        caller.hangup()
        called.wait("CALL_CLOSED")
        called.dial(CODE)
        called.wait("CALL_ESTABLISHED")
        caller.wait("CALL_ESTABLISHED")
        called.hangup()
        caller.wait("CALL_CLOSED")


class OfNodes(Cluster):
    def test_at_another_node(self):
        """The call came by node a; the phone that calls back is at node b, and node a may be dead by then."""
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))      # a shard that goes home meanwhile has no ACK for us
        self.registers(17, "1001", "1002")
        self.registers(18, "1003")
        out = self.phones[17, "1001"].invite("1003", self.b.media().sdp())
        self.phones[18, "1003"].incoming().reject(486, "Busy Here")
        self.assertEqual(out.wait_final().status, 486)
        for dead in (False, True):
            if dead:
                self.a.kill()
            back = self.phones[18, "1003"].invite(CODE, self.b.media().sdp())
            into = self.phones[17, "1001"].incoming()
            self.assertIn("sip:1003@", into.request.get("From"))
            into.reject(486, "Busy Here")
            self.assertEqual(back.wait_final().status, 486)


if __name__ == "__main__":
    unittest.main()
