# SPDX-License-Identifier: Apache-2.0
"""History out of the archive: who sees which conversations, what he does with them, and what survives the end of its process."""
import os
import signal

from mailbox_test import children
from patience import until
from session_test import Users
from call_test import CallTest


class History(Users, CallTest):
    """1001 and 1002 are users; 1003 is another one, and acme another tenant."""

    def setUp(self):
        super().setUp()
        self.admin = self.token(self.node, "admin")

    def talk(self):
        """A call of 1001 with 1002 that is over: its id."""
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        return self.ended()["id"]

    def listed(self, token, count=1, query=""):
        """So many of them, as soon as they are there. 503: the process starts again."""
        found = []

        def are_there():
            status, _, rows = self.http(self.node, "GET", f"/v1/histories{query}", token)
            self.assertIn(status, (200, 503), rows)
            found.append(rows)
            return status == 200 and len(rows) == count
        until(are_there, lambda: str(found[-1:]))
        return found[-1]

    def test_whose(self):
        self.node.put_extension("1003", "secret1003")
        self.node.ctl("tenant.put", name="acme")
        mine, peer, other = (self.session(self.node, number)["token"] for number in ("1001", "1002", "1003"))
        call = self.talk()
        row, = self.listed(self.admin)
        self.assertEqual((row["call"], row["from"], row["to"], row["direction"], row["result"]), (call, "1001", "1002", "internal", "answered"))
        self.assertEqual([(one["call"], one["direction"], one["number"]) for one in self.listed(mine)], [(call, "outgoing", "1002")])
        self.assertEqual([(one["call"], one["direction"], one["number"]) for one in self.listed(peer)], [(call, "incoming", "1001")])
        self.assertEqual(self.listed(other, 0), [])
        self.assertEqual(self.node.ctl("history.list", tenant="acme"), [])
        self.refused(403, "not_allowed", self.node, "GET", "/v1/histories?user=1001", peer)
        self.refused(403, "not_allowed", self.node, "GET", "/v1/histories?group=sales", peer)
        self.refused(404, "not_found", self.node, "GET", f"/v1/histories/{call}", other)
        self.assertEqual(self.ok(self.node, "GET", f"/v1/histories/{call}", mine)["pairs"][0]["leg"], 1)

    def test_owners_of_lists(self):
        """Notes, and what one takes out of his list: of that list alone. Its process is killed meanwhile: nothing is lost, nothing there twice."""
        mine, peer = (self.session(self.node, number)["token"] for number in ("1001", "1002"))
        calls = [self.talk()]
        self.listed(mine)
        self.ok(self.node, "POST", f"/v1/histories/{calls[0]}/note", mine, {"note": "asks for <b> & =1+1"})
        for pid in children(self.node.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)
        calls.append(self.talk())
        rows = self.listed(mine, 2)
        self.assertEqual([(row["call"], row["note"]) for row in rows], [(calls[1], ""), (calls[0], "asks for <b> & =1+1")])
        first, = self.ok(self.node, "GET", "/v1/histories?limit=1", mine)
        self.assertEqual(first["call"], calls[1])
        self.assertEqual([row["note"] for row in self.listed(peer, 2) + self.listed(self.admin, 2)], [""] * 4)
        self.ok(self.node, "POST", f"/v1/histories/{calls[1]}/hide", mine, {})
        self.assertEqual([row["call"] for row in self.listed(mine)], calls[:1])
        self.refused(404, "not_found", self.node, "POST", f"/v1/histories/{calls[1]}/note", mine, {"note": "x"})
        self.ok(self.node, "POST", "/v1/histories:clear", mine, {})
        self.assertEqual(self.listed(mine, 0), [])
        self.assertEqual([row["call"] for row in self.listed(peer, 2)], calls[::-1])
        self.assertEqual([row["call"] for row in self.listed(self.admin, 2, "?missed=false&direction=internal&text=001")], calls[::-1])
        self.assertEqual(self.listed(self.admin, 0, "?missed=true"), [])


del CallTest
