# SPDX-License-Identifier: Apache-2.0
"""Seats (ADM-26, WEB-01): given to extensions, counted over all nodes; without one a phone and a log-in are refused, and told why."""
import contextlib
import json
import threading

from directory_test import Pair
from lib.websocket import WebSocketAgent
from session_test import Users
from sets_test import Local, Refusal


class Seats(Users, Pair):
    def setUp(self):
        super().setUp()
        if self.a.process.poll() is not None:
            self.a.start()
        for number in ("1001", "1002", "1003"):
            self.put(self.a, number, password=f"secret{number}", seats=[])
        self.addCleanup(self.ask, self.a, "tenant.put", name="default", seats="")

    def ask(self, node, command, **arguments):
        local = Local(node)
        with contextlib.closing(local.socket):
            return local.ask(command, **arguments)

    def token(self, node, role, tenant=None, **more):
        """Made by that node, which knows it at once."""
        return self.ask(node, "token.create", name=more.pop("name", f"t-{role}"), role=role, **({"tenant": tenant} if tenant else {}), **more)["token"]

    def put(self, node, number, **fields):
        return self.ask(node, "extension.put", number=number, **fields)

    def counted(self, seats):
        self.ask(self.a, "tenant.put", name="default", seats=seats)
        self.until(lambda: self.ask(self.b, "tenant.show", name="default")["seats"] == seats)

    def seats(self, node, seat):
        row, = (row for row in self.ask(node, "seat.list") if row["seat"] == seat)
        return (row.get("total"), row["given"], row.get("left"))

    def same(self, seat, shown):
        self.until(lambda: [self.seats(node, seat) for node in (self.a, self.b)] == [shown] * 2)

    def log_in(self, node, number):
        status, _, answer = self.http(node, "POST", "/v1/sessions", None, {"number": number, "password": f"secret{number}"})
        if status == 200:
            self.addCleanup(self.log_out, answer)
        return status, answer

    def log_out(self, *sessions):
        for session in sessions:
            with contextlib.suppress(Refusal):
                self.ask(self.b, "session.delete", name=session["name"])

    def test_what_is_no_number_of_seats(self):
        for seats in ("web", "web=", "web=-1", "web=1000001", "web=1,", "=1", "desk=1", "web=1,web=2", "web=1,,crm=1", "web= 1", "web=1;crm=2", "w\u00e9b=1", "web=" + "9" * 60,
                      ",".join(f"web={n}" for n in range(40))):
            with self.assertRaises(Refusal) as refused:
                self.ask(self.a, "tenant.put", name="default", seats=seats)
            self.assertEqual(refused.exception.code, "bad_argument", seats)
        self.assertEqual(self.seats(self.a, "web"), (None, 0, None))

    def test_phones_and_browsers(self):
        """A phone needs a seat of its kind where those are counted, and no other one; the answer and the command say so."""
        self.counted("phone=1,iptalk=1")
        phone = self.enterContext(self.a.user_agent("1001", "secret1001"))
        browser = WebSocketAgent((self.b.server[0], self.b.http_port), "1001", "secret1001")
        self.addCleanup(browser.close)
        for agent in (phone, browser):
            self.assertEqual(agent.register().status, 403)
        self.assertIn("no_seat", json.dumps(self.ask(self.a, "sip.recent", number="1001")))
        self.put(self.b, "1001", seats=["phone"])
        self.until(lambda: phone.register().status == 200)
        self.assertEqual(browser.register().status, 403)
        self.put(self.b, "1001", seats=["phone", "iptalk"])
        self.until(lambda: browser.register().status == 200)
        self.same("phone", (1, 1, 0))
        self.put(self.b, "1001", seats=["iptalk"])
        self.until(lambda: phone.register().status == 403)
        self.assertEqual(phone.register(expires=0).status, 200, "who leaves needs none")
        for asked in ("600", "9" * 30):         # RFC 3261 10.2.1.1: what an address says of itself counts
            self.assertEqual(phone.register(expires=0, contact=f"{phone.contact};expires={asked}").status, 403, asked)
        self.assertEqual(phone.register(contact=f"{phone.contact};expires=0").status, 200)
        with self.assertRaises(Refusal) as refused:
            self.put(self.b, "1002", seats=["iptalk"])
        self.assertEqual((refused.exception.code, str(refused.exception).count("seats=iptalk of the tenant")), ("full", 1))

    def test_advanced(self):
        """It is for who has a seat of a phone, and withholds what features_off can."""
        self.counted("phone=2,advanced=1")
        with self.assertRaises(Refusal) as refused:
            self.put(self.a, "1001", seats=["advanced"])
        self.assertEqual(refused.exception.code, "bad_argument")
        for number in ("1001", "1002"):
            self.put(self.a, number, seats=["phone"])
        status, session = self.log_in(self.a, "1001")
        self.assertEqual(status, 200)
        self.refused(403, "not_allowed", self.a, "POST", "/v1/calls", session["token"], {"to": "1002"})
        self.put(self.a, "1001", seats=["phone", "advanced"])
        self.refused(409, "conflict", self.a, "POST", "/v1/calls", session["token"], {"to": "1002"})
        with self.assertRaises(Refusal) as refused:
            self.put(self.b, "1002", seats=["phone", "advanced"])
        self.assertEqual(refused.exception.code, "full")
        self.log_out(session)

    def test_who_logs_in(self):
        """By a seat of the extension, or one of the tenant's for sessions: a user takes one, with as many sessions as there are."""
        self.counted("web=1,session=1")
        self.put(self.a, "1001", seats=["web"])
        self.same("web", (1, 1, 0))
        named, floating = self.log_in(self.b, "1001"), self.log_in(self.b, "1002")
        again = self.log_in(self.a, "1002")
        self.assertEqual([status for status, _ in (named, floating, again)], [200] * 3)
        self.same("session", (1, 1, 0))
        status, problem = self.log_in(self.a, "1003")
        self.assertEqual((status, problem["code"]), (403, "no_seat"), problem)
        self.assertIn("no seat of its own (web), and others have taken all 1 seats for sessions", problem["detail"])
        self.assertEqual(self.http(self.a, "POST", "/v1/sessions", None, {"number": "1003", "password": "wrong"})[0], 401, "it is said to nobody else")
        self.log_out(floating[1])
        self.same("session", (1, 1, 0))
        self.log_out(again[1])
        self.same("session", (1, 0, 1))
        third = self.log_in(self.b, "1003")
        self.assertEqual(third[0], 200)
        # who loses his seat goes on until his session is to be renewed
        self.put(self.a, "1001", seats=[])
        self.until(lambda: self.http(self.b, "POST", f"/v1/sessions/{named[1]['name']}/renew", named[1]["token"], {})[0] == 403)
        self.counted("web=0")
        self.assertEqual(self.log_in(self.b, "1002")[1]["code"], "no_seat")
        self.counted("")
        self.assertEqual(self.log_in(self.b, "1002")[0], 200)

    def test_the_last_one_of_two_nodes(self):
        self.counted("session=1,crm=1")
        for turn in range(4):
            found, barrier = {}, threading.Barrier(4)

            def race(what, node, number):
                barrier.wait()
                if what == "session":
                    found[what, number] = self.log_in(node, number)[1]
                    return
                try:
                    found[what, number] = self.put(node, number, seats=["crm"])
                except Refusal as refusal:
                    found[what, number] = {"code": refusal.code}

            threads = [threading.Thread(target=race, args=one) for one in
                       (("session", self.a, "1001"), ("session", self.b, "1002"), ("crm", self.a, "1001"), ("crm", self.b, "1002"))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for what, code in (("session", "no_seat"), ("crm", "full")):
                both = [answer for (of, _), answer in found.items() if of == what]
                self.assertEqual(len([one for one in both if "code" not in one]), 1, (turn, found))
                self.assertIn([one["code"] for one in both if "code" in one][0], (code, "busy"))
            self.log_out(*(answer for (what, _), answer in found.items() if what == "session" and "name" in answer))
            for number in ("1001", "1002"):
                self.put(self.a, number, seats=[])
            self.same("session", (1, 0, 1))
            self.same("crm", (1, 0, 1))

    def test_a_node_is_killed(self):
        """What it had given stays given, once; and is given back at another node."""
        self.counted("session=1,web=1")
        self.put(self.a, "1001", seats=["web"])
        status, held = self.log_in(self.a, "1002")
        self.assertEqual(status, 200)
        self.same("session", (1, 1, 0))
        self.a.kill()
        self.assertEqual((self.seats(self.b, "session"), self.seats(self.b, "web")), ((1, 1, 0), (1, 1, 0)))
        self.assertEqual(self.log_in(self.b, "1003")[0], 403)
        self.ask(self.b, "session.delete", name=held["name"])
        status, other = self.log_in(self.b, "1003")
        self.assertEqual(status, 200)
        self.a.restart()
        self.same("session", (1, 1, 0))
        self.log_out(other)

    def test_tenants(self):
        """One has what the other one has not, and sees nothing of it."""
        self.counted("session=1")
        self.ask(self.a, "tenant.put", name="seats", domains="seats.example", seats="session=1,web=0")
        self.ask(self.a, "extension.put", tenant="seats", number="1001", password="secret1001")
        self.assertEqual(self.log_in(self.b, "1002")[0], 200)
        reader = self.token(self.a, "reader", tenant="seats")
        rows = {row["seat"]: row for row in self.ok(self.a, "GET", "/v1/seats", reader)}
        self.assertEqual((rows["session"]["given"], rows["session"]["left"], rows["web"]["total"], rows["crm"]["counted"]), (0, 1, 0, False))
        self.refused(400, "unknown_argument", self.a, "GET", "/v1/seats?tenant=default", reader)
        self.refused(403, "not_allowed", self.a, "PATCH", "/v1/tenants/seats", self.token(self.a, "admin", tenant="seats"), {"seats": ""})

    def test_a_set(self):
        """All seats of a set are counted together, also those of several kinds."""
        self.counted("web=1,crm=2")
        documents = [{"kind": "extension", "number": number, "seats": ["web", "crm"]} for number in ("1001", "1002")]
        local = Local(self.a)
        with contextlib.closing(local.socket):
            with self.assertRaises(Refusal) as refused:
                local.apply("seats", documents)
        self.assertIn("seats=web of the tenant: 1", json.dumps(refused.exception.errors))
        self.same("web", (1, 0, 1))

    # ---- rooms of users ----

    def test_rooms_of_users(self):
        """Only where the tenant says which numbers, as many as it says, of two nodes that are asked at once, too; and nobody else's."""
        mine, theirs = (self.log_in(self.a, number)[1]["token"] for number in ("1001", "1002"))
        self.refused(403, "not_allowed", self.a, "PATCH", "/v1/rooms/7000", mine, {"name": "mine"})
        for wrong in ("7000", "7000-", "7099-7000", "7000-70999", "a-b", "7000-7099,7200-7299", "7000-7099=", "-", "1" * 40):
            with self.assertRaises(Refusal) as refused:
                self.ask(self.a, "tenant.put", name="default", user_room_numbers=wrong)
            self.assertEqual(refused.exception.code, "bad_argument", wrong)
        self.ask(self.a, "tenant.put", name="default", user_room_numbers="7000-7099", user_rooms=2)
        self.addCleanup(self.ask, self.a, "tenant.put", name="default", user_room_numbers="", user_rooms=1)
        self.until(lambda: self.ask(self.b, "tenant.show", name="default")["user_rooms"] == 2)
        self.ask(self.a, "room.put", number="7050", name="of the company")
        made = self.ok(self.a, "PATCH", "/v1/rooms/7000", mine, {"name": "mine", "pin": "4711"})
        self.assertEqual((made["owner"], made["has_pin"]), ("1001", True))
        for number in ("6999", "7100", "070001", "1002", "00493012345"):
            self.refused(403, "not_allowed", self.a, "PATCH", f"/v1/rooms/{number}", mine, {"name": "mine"})
        for fields in ({"owner": "1002"}, {"factory": True}, {"record": "auto"}, {"max_members": 999}):
            self.refused(403, "not_allowed", self.a, "PATCH", "/v1/rooms/7001", mine, fields)
        self.until(lambda: [row["number"] for row in self.ok(self.b, "GET", "/v1/rooms", mine)] == ["7000"])
        self.assertEqual(self.ok(self.a, "GET", "/v1/rooms", theirs), [])
        for number in ("7000", "7050"):
            self.refused(404, "not_found", self.a, "GET", f"/v1/rooms/{number}", theirs)
            self.refused(403, "not_allowed", self.a, "PATCH", f"/v1/rooms/{number}", theirs, {"name": "theirs"})
            self.refused(403, "not_allowed", self.a, "DELETE", f"/v1/rooms/{number}", theirs)
        self.refused(403, "not_allowed", self.a, "DELETE", "/v1/rooms/7050", mine)
        self.assertEqual(self.ok(self.a, "PATCH", "/v1/rooms/7000", mine, {"locked": True})["locked"], True)
        # the second of two, at two nodes at once
        found, barrier = [], threading.Barrier(2)

        def race(node, number):
            barrier.wait()
            found.append(self.http(node, "PATCH", f"/v1/rooms/{number}", mine, {})[0])

        threads = [threading.Thread(target=race, args=one) for one in ((self.a, "7001"), (self.b, "7002"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(found)[0], 200)
        self.assertNotEqual(sorted(found)[1], 200, found)
        self.until(lambda: len(self.ok(self.b, "GET", "/v1/rooms", mine)) == 2)
        self.refused(409, "full", self.b, "PATCH", "/v1/rooms/7003", mine, {})
        self.ok(self.b, "DELETE", "/v1/rooms/7000", mine)
        self.assertEqual(len(self.ask(self.b, "room.list")), 2)
        # and what he has goes with his extension
        with self.assertRaises(Refusal):
            self.ask(self.b, "extension.delete", number="1001")
        self.ask(self.b, "extension.delete", number="1001", force=True)
        self.until(lambda: [row["number"] for row in self.ask(self.a, "room.list")] == ["7050"])
        self.ask(self.a, "room.delete", number="7050")
