# SPDX-License-Identifier: Apache-2.0
"""Figures of a queue at three nodes on one Redis: they are those of the call records, to the call, at whichever node they are asked, over kills."""
import collections
import time
import unittest

from patience import until
from queue_nodes_test import CALLERS, Line

ZERO = {"answered": 0, "offered": 0, "abandoned": 0, "abandoned_short": 0, "other": 0}


class Reports(Line):
    def setUp(self):
        super().setUp()
        self.began_s = int(time.time())
        self.began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.began_s))
        time.sleep(1)       # what an earlier test left is before it

    def report(self, node, by="queue", **more):
        return {row[by]: row for row in node.ctl("queue.report", by=by, since=self.began, **{"short_s": 0, **more})["rows"]}

    def records(self):
        """Pairs of calls that went through the queue."""
        rows = [row for row in self.a.ctl("cdr.list", limit=1000) if row.get("queue") == "sales" and row["setup_utc_ms"] > 1000 * self.began_s]
        return [{**row, "call": row["id"].split(".")[0]} for row in rows]

    def talks(self, agent, caller):
        incoming = self.rings(agent, caller)
        self.has(incoming, agent, caller)
        return incoming

    def is_recorded(self):
        """What records say, as a report has it: of the queue, and of each agent."""
        rows = self.records()
        calls, talked = {row["call"] for row in rows}, [row for row in rows if row["answered_by"] == row.get("agent") != ""]
        waits = {row["call"]: int(row["queue_wait_s"]) for row in talked}
        queue = {"offered": len(calls), "answered": len(waits), "abandoned": len(calls) - len(waits), "abandoned_short": 0, "other": 0,
                 "in_time": sum(wait <= 1 for wait in waits.values()), "wait_s": sum(waits.values()), "wait_max_s": max(waits.values())}
        agents = {row["agent"]: len({one["call"] for one in talked if one["agent"] == row["agent"]}) for row in talked}
        talk_s = sum(row["end_utc_ms"] - row["answer_utc_ms"] for row in talked) / 1000
        return queue, agents, talk_s

    def test_kills(self):
        """One is answered at once, one waits and gives up, one's node dies while he talks, and one's while he waits: then the archive's node, too."""
        self.logs_in("1011")
        self.waits("1001")
        self.is_over("1011", self.talks("1011", "1001"), "1001")
        self.a.ctl("agent.not_ready", number="1011", reason="lunch")
        self.waits("1002")
        time.sleep(2)
        self.ends("1002")
        self.is_line()
        self.a.ctl("agent.ready", number="1011")
        self.waits("1003")
        incoming = self.talks("1011", "1003")
        self.c.kill()
        self.until(lambda: self.owner(19) in ("a", "b"))
        self.until(lambda: self.calls["1003"].id in [row["id"] for node in self.nodes for row in node.tandemctl("call.list")])
        self.is_over("1011", incoming, "1003")
        self.c.restart()
        self.until(lambda: self.owner(19) == "c")
        self.a.ctl("agent.not_ready", number="1011", reason="lunch")
        self.waits("1001")
        self.a.kill()
        self.until(lambda: self.owner(17) in ("b", "c"))
        self.b.ctl("agent.ready", number="1011")
        incoming = self.talks("1011", "1001")
        self.a.restart()
        self.until(lambda: self.owner(17) == "a")
        time.sleep(1)
        self.is_over("1011", incoming, "1001")
        until(lambda: len({row["call"] for row in self.records()}) == 4, self.records)
        queue, agents, talk_s = self.is_recorded()
        self.assertEqual((queue["offered"], queue["answered"], queue["abandoned"], agents), (4, 3, 1, {"1011": 3}))
        for node in self.nodes:
            self.until(lambda node=node: self.report(node, within_s=1).get("sales", ZERO)["offered"] == 4)
            row = self.report(node, within_s=1)["sales"]
            self.assertEqual({name: row[name] for name in queue}, queue)
            self.assertLessEqual(abs(row["talk_s"] - talk_s), 3)
            mine = self.report(node, "agent")["1011"]
            self.assertEqual((mine["answered"], mine["wait_s"]), (3, queue["wait_s"]))
            reasons = self.report(node, "reason")
            self.assertLessEqual(abs(reasons["lunch"]["not_ready_s"] - mine["not_ready_s"]), 1)
            self.assertGreaterEqual(mine["not_ready_s"], 2)
            self.assertLessEqual(abs(reasons["ready"]["ready_s"] - mine["ready_s"]), 1)
            quarters = self.report(node, "quarter", within_s=1)
            for name in ("offered", "answered", "in_time", "abandoned", "wait_s"):
                self.assertEqual(sum(one[name] for one in quarters.values()), queue[name], name)
            self.assertLessEqual(abs(sum(one["ready_s"] for one in quarters.values()) - mine["ready_s"]), 2)
            self.assertEqual(self.report(node, queue="sales")["sales"]["offered"], 4)
            self.assertEqual(self.report(node, queue="other"), {})
            lines = [line.split("|") for line in node.ctl("queue.log", since=self.began)["lines"]]
            words = collections.Counter(line[4] for line in lines)
            self.assertEqual((words["ENTERQUEUE"], words["CONNECT"], words["ABANDON"], words["COMPLETEAGENT"] + words["COMPLETECALLER"]), (4, 3, 1, 3), lines)
            self.assertEqual(sum(int(line[5]) for line in lines if line[4] == "CONNECT"), queue["wait_s"])
            self.assertEqual([line[3:] for line in lines if line[4] == "PAUSEALL"], [["Agent/1011", "PAUSEALL", "lunch"]] * 2)
            self.assertEqual([int(line[0]) for line in lines], sorted(int(line[0]) for line in lines))
            self.assertEqual(self.report(node, "agent", queue="sales")["1011"]["ready_s"], 0)


if __name__ == "__main__":
    unittest.main()
