# SPDX-License-Identifier: Apache-2.0
"""Places that a node has for documents of all tenants: whatever one of them puts, there is room for the others, and what was answered 200 stays."""
import json
import unittest

from lib.node import Node
from patience import until
from sets_test import Local, Refusal
from tandem_client import ha1

EXTENSIONS, ROOMS, ROUTES = 40, 4096, 1024
DIDS = EXTENSIONS + 4096 + 64       # more than a node once had places for


def rooms(count):
    return [{"kind": "room", "number": f"{7000 + i}"} for i in range(count)]


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.enterClassContext(Node(settings={"limits": {"registrations": EXTENSIONS}}))
        cls.operator = Local(cls.node)
        for name in ("greedy", "modest"):
            cls.operator.ask("tenant.put", name=name, domains=f"{name}.test")
        cls.greedy, cls.modest = (Local(cls.node, tenant=name, role="admin") for name in ("greedy", "modest"))

    @classmethod
    def tearDownClass(cls):
        for local in (cls.operator, cls.greedy, cls.modest):
            local.file.close()
            local.socket.close()
        super().tearDownClass()

    def extension(self, local, tenant, number):
        return local.ask("extension.put", number=str(number), ha1=ha1(str(number), f"{tenant}.test", "secret"))

    def full(self, words, ask, *args, **arguments):
        with self.assertRaises(Refusal) as caught:
            ask(*args, **arguments)
        told = [caught.exception.args[0], *(error["message"] for error in caught.exception.errors)]
        self.assertIn("full", [caught.exception.code, *(error["code"] for error in caught.exception.errors)])
        self.assertIn(words, told[-1])

    def health(self):
        return json.loads(self.node.http("/healthz")[1])

    def test_answered_and_kept(self):
        """Thousands of numbers of one tenant, then extensions of another one; Redis loses its data."""
        self.greedy.apply("numbers", [{"kind": "did", "number": f"+4930{i:06}"} for i in range(DIDS)])
        self.addCleanup(self.greedy.ask, "set.apply", name="numbers", documents=[], prune=True)
        numbers = [str(2000 + i) for i in range(EXTENSIONS // 2)]
        for number in numbers:
            self.extension(self.modest, "modest", number)
        self.full(f"may have {EXTENSIONS // 2} of the {EXTENSIONS} extensions that a node has room for",
                  self.extension, self.modest, "modest", 2999)
        self.full("max_extensions", self.extension, self.modest, "modest", 2999)
        self.extension(self.greedy, "greedy", 2001)                 # there is room for the others
        self.assertEqual(self.node.metric("tandem_documents_unplaced"), 0)
        with self.node.redis() as redis:
            redis("FLUSHALL")
            until(lambda: redis("HLEN", "td:{t:modest}:doc:extension") == len(numbers), lambda: redis("KEYS", "td:{t:modest}*"))
        self.assertEqual([row["number"] for row in self.modest.ask("extension.list")], numbers)
        for number in numbers:
            self.modest.ask("extension.delete", number=number)

    def test_rooms(self):
        """By a set and by one command; an operator allows more; a set that is rolled back counts, too."""
        half = ROOMS // 2
        self.full(f"may have {half} of the {ROOMS} rooms", self.greedy.apply, "rooms", rooms(half + 1))
        self.assertEqual(self.greedy.apply("rooms", rooms(half))["state"], "applied")
        refused = self.node.metric("tandem_documents_refused_total")
        self.full("tenant.put name=greedy max_rooms", self.greedy.ask, "room.put", number="99000")
        self.assertEqual(self.node.metric("tandem_documents_refused_total"), refused + 1)
        self.modest.ask("room.put", number="7000")
        self.operator.ask("tenant.put", name="greedy", max_rooms=half + 1)
        self.greedy.ask("room.put", number="99000")
        self.full(f"max_rooms of the tenant is {half + 1}", self.greedy.ask, "room.put", number="99001")
        self.assertEqual((self.greedy.ask("tenant.status")["rooms"], self.modest.ask("tenant.status")["rooms"]), (half + 1, 1))
        self.greedy.apply("rooms", [], prune=True)
        self.operator.ask("tenant.put", name="greedy", max_rooms=half)
        self.full(f"max_rooms of the tenant is {half}", self.greedy.ask, "set.rollback", name="rooms", version=1)

    def test_what_an_operator_has_put(self):
        """A tenant's own set goes on after an operator's has put documents there and taken them away, and after changes that nobody has told of."""
        with self.node.redis() as redis:
            before = int(redis("GET", "td:{t:greedy}:gen") or 0)
            self.operator.apply("two", [{"kind": "room", "tenant": "greedy", "number": number} for number in ("7000", "7001")])
            self.operator.apply("two", [], prune=True)
            self.assertEqual(int(redis("GET", "td:{t:greedy}:gen")), before + 4)
            self.assertEqual(self.greedy.apply("own", rooms(1))["state"], "applied")
            redis("INCR", "td:{t:greedy}:gen")
        self.assertEqual(self.greedy.apply("own", [], prune=True)["deleted"], 1)

    def test_the_last_place(self):
        """An operator allows one tenant all of it: who comes then is told so, and so is who looks after the node."""
        self.operator.ask("tenant.put", name="greedy", max_routes=ROUTES)
        routes = [{"kind": "route", "tenant": "greedy", "name": f"r{i}", "pattern": f"9{i:04}", "trunks": "out"} for i in range(ROUTES)]
        self.operator.apply("routes", [*routes, {"kind": "trunk", "tenant": "greedy", "name": "out", "servers": "192.0.2.1", "direction": "out"}])
        self.full(f"a node has room for {ROUTES} routes, and all places are taken",
                  self.operator.ask, "route.put", tenant="modest", name="mine", pattern="9x", trunks="out")
        until(lambda: "documents_full" in self.health()["reasons"], self.health)
        self.assertIn(f"all {ROUTES} places for routes", self.health()["details"]["documents_full"])
        self.assertEqual(self.node.http("/readyz")[0], 200)
        self.operator.apply("routes", [], prune=True)
        until(lambda: "documents_full" not in self.health()["reasons"], self.health)
        self.operator.ask("route.put", tenant="modest", name="mine", pattern="9x", trunks="out")


if __name__ == "__main__":
    unittest.main()
