# SPDX-License-Identifier: Apache-2.0
"""What documents were before: shown by two nodes, compared, put again; whose it is, what of it nobody sees, and how much is kept. And the table of numbers,
and how much of what they have room for the nodes use."""
import contextlib
import json
import pathlib
import re
import signal

from directory_test import Pair
from session_test import Users
from sets_test import Local, Refusal


class Past(Users, Pair):
    def setUp(self):
        super().setUp()
        self.admin = self.token(self.a, "admin")

    def ask(self, node, command, **arguments):
        local = Local(node)
        with contextlib.closing(local.socket):
            return local.ask(command, **arguments)

    def token(self, node, role, tenant=None, **more):
        """Made by that node, which knows it at once."""
        return self.ask(node, "token.create", name=more.pop("name", f"t-{role}"), role=role, **({"tenant": tenant} if tenant else {}), **more)["token"]

    def history(self, kind, name, node=None, **more):
        return self.ask(node or self.a, "document.history", kind=kind, name=name, **more)

    def refuses(self, code, node, command, **arguments):
        with self.assertRaises(Refusal) as refused:
            self.ask(node, command, **arguments)
        self.assertEqual(refused.exception.code, code, refused.exception)
        return str(refused.exception)

    def registers(self, number, password):
        with self.b.user_agent(number, password) as phone:
            status = phone.register().status
            if status == 200:
                phone.register(expires=0)
            return status

    def test_versions(self):
        """Each change of any node is there at both; who puts one again gets all but what nobody is shown."""
        self.ask(self.a, "extension.put", number="1001", password="secret1001", display_name="Ann")
        self.ask(self.a, "extension.put", number="1001", display_name="Bea", forward_busy="1002")
        self.until(lambda: self.ask(self.b, "extension.get", number="1001")["display_name"] == "Bea")
        self.ask(self.b, "extension.put", number="1001", password="another1001")
        self.until(lambda: len(self.history("extension", "1001")) == 3 and self.history("extension", "1001")[0]["state"] == "now")
        self.until(lambda: self.history("extension", "1001") == self.history("extension", "1001", self.b))
        now, second, first = self.history("extension", "1001")
        self.assertEqual([row["state"] for row in (now, second, first)], ["now", "former", "former"])
        self.assertEqual(now["changes"], {"secrets": ["(kept)", "(new)"]})
        self.assertEqual(second["changes"], {"display_name": ["Ann", "Bea"], "forward_busy": ["", "1002"]})
        self.assertNotIn("changes", first)
        self.assertGreaterEqual(second["changed_utc_ms"], first["changed_utc_ms"])
        for word in ("ha1", "sealed", "secret1001", "another1001"):
            self.assertNotIn(word, json.dumps([now, second, first]))
        self.assertEqual(self.ask(self.b, "document.diff", kind="extension", name="1001", version=first["version"]),
                         {"changes": {"display_name": ["Ann", "Bea"], "forward_busy": ["", "1002"]}})
        self.assertEqual(self.ask(self.b, "document.diff", kind="extension", name="1001", version=second["version"], **{"with": first["version"]})["changes"]["display_name"], ["Bea", "Ann"])
        self.refuses("not_found", self.a, "document.diff", kind="extension", name="1001", version=999999)
        self.assertEqual(self.ask(self.b, "document.restore", kind="extension", name="1001", version=first["version"]), {"change": "changed"})
        shown = self.ask(self.b, "extension.get", number="1001")
        self.assertEqual((shown["display_name"], shown["forward_busy"]), ("Ann", ""))
        self.until(lambda: self.registers("1001", "another1001") == 200)
        self.assertEqual(self.registers("1001", "secret1001"), 401, "a password of before is good for nothing")
        self.assertEqual(self.history("extension", "1001", self.b)[0]["changes"]["display_name"], ["Bea", "Ann"])

    def test_undo_of_a_deletion(self):
        self.ask(self.a, "extension.put", number="1005", password="secret1005", display_name="Eve")
        self.ask(self.a, "extension.delete", number="1005")
        gone, former = self.history("extension", "1005")
        self.assertEqual((gone["state"], former["state"]), ("deleted", "former"))
        self.refuses("not_found", self.a, "document.diff", kind="extension", name="1005", version=former["version"])
        self.ask(self.a, "room.put", number="1005")
        self.assertIn("something else has that number", self.refuses("conflict", self.a, "document.restore", kind="extension", name="1005", version=former["version"]))
        self.ask(self.a, "room.delete", number="1005")
        self.assertEqual(self.ask(self.a, "document.restore", kind="extension", name="1005", version=former["version"]), {"change": "created"})
        self.until(lambda: self.registers("1005", "secret1005") == 200)
        entry = self.ask(self.a, "audit.list", limit=1)[0]
        self.assertEqual((entry["command"], entry["outcome"], entry["changes"]["display_name"]), ("document.restore", "ok", [None, "Eve"]))

    def test_of_kinds(self):
        """One mechanism for all; of what is good for now alone, there is none."""
        self.ask(self.a, "flow.put", name="past", program=[{"hangup": {}}])
        shown = self.ask(self.a, "flow.get", name="past")
        self.ask(self.a, "flow.put", name="past", program=[{"answer": {}}, {"hangup": {}}])
        self.ask(self.a, "trunk.put", name="past", servers="192.0.2.1", password="verysecret9", user="us", realm="carrier")
        self.ask(self.a, "trunk.put", name="past", servers="192.0.2.2")
        self.ask(self.a, "hours.put", name="past", week="mon-fri 08:00-18:00")
        self.ask(self.a, "hours.put", name="past", week="mon-fri 09:00-18:00")
        self.ask(self.a, "tenant.put", name="past", max_calls=5)
        self.ask(self.a, "tenant.put", name="past", max_calls=6)
        for kind, show, field, was in (("trunk", "trunk.show", "servers", "192.0.2.1"), ("hours", "hours.get", "week", "mon-fri 08:00-18:00"), ("tenant", "tenant.show", "max_calls", 5)):
            now, former = self.history(kind, "past")
            self.assertEqual(now["changes"][field][0], was)
            self.assertNotIn("verysecret9", json.dumps([now, former]))
            self.assertEqual(self.ask(self.a, "document.restore", kind=kind, name="past", version=former["version"])["change"], "changed")
            self.assertEqual(self.ask(self.a, show, name="past")[field], was)
        now, former = self.history("flow", "past")
        self.ask(self.a, "document.restore", kind="flow", name="past", version=former["version"])
        self.assertEqual({**self.ask(self.a, "flow.get", name="past"), "changed_utc_ms": 0}, {**shown, "changed_utc_ms": 0})
        self.ask(self.a, "token.create", name="past")
        for kind in ("token", "session", "agent", "callback", "set", "nothing", "extension"):
            self.refuses("not_found", self.a, "document.history", kind=kind, name="past")

    def test_whose(self):
        """By the rights of KIND.put, as sets are: of a role, of a token's commands, of a tenant, of users."""
        self.ask(self.a, "tenant.put", name="other", domains="other.example")
        self.ask(self.a, "extension.put", number="1006", password="secret1006", display_name="One")
        self.ask(self.a, "extension.put", number="1006", display_name="Two")
        other, reader = self.token(self.a, "admin", tenant="other", name="past-other"), self.token(self.a, "reader", name="past-reader")
        patterns = self.token(self.a, "admin", name="past-limited", commands="document.*,trunk.put")
        user = self.session(self.a, "1006")["token"]
        of, path = "kind=extension&name=1006", "/v1/document/history"
        version = self.ok(self.a, "GET", f"{path}?{of}", self.admin)[1]["version"]
        for token, status, code in ((other, 404, "not_found"), (reader, 403, "not_allowed"), (patterns, 403, "not_allowed"), (user, 403, "not_allowed")):
            self.refused(status, code, self.a, "GET", f"{path}?{of}", token)
            self.refused(status, code, self.a, "GET", f"/v1/document/diff?{of}&version={version}", token)
            self.refused(status, code, self.a, "POST", "/v1/document/restore", token, {"kind": "extension", "name": "1006", "version": version})
        self.refused(403, "not_allowed", self.a, "GET", f"{path}?kind=tenant&name=other", self.admin)
        self.refused(403, "not_allowed", self.a, "GET", f"{path}?kind=tenant&name=other", other)
        for wrong in ("kind=extension&name=", f"kind=extension&name={'9' * 64}", "kind=extension"):
            self.assertEqual(self.http(self.a, "GET", f"{path}?{wrong}", self.admin)[0], 400, wrong)
        for name in ("..%2F..", "*", "1006:x", "%7B%7D", "past"):
            self.refused(404, "not_found", self.a, "GET", f"{path}?kind=extension&name={name}", self.admin)
        self.assertEqual(self.ask(self.a, "extension.get", number="1006")["display_name"], "Two")

    def test_seats(self):
        """A seat that somebody else has by now does not come back with a version."""
        self.ask(self.a, "extension.put", number="1007", password="secret1007", seats=["crm"])
        self.ask(self.a, "extension.put", number="1007", seats=[])
        self.ask(self.a, "extension.put", number="1008", password="secret1008", seats=["crm"])
        self.ask(self.a, "tenant.put", name="default", seats="crm=1")
        self.addCleanup(self.ask, self.a, "tenant.put", name="default", seats="")
        _, former = self.history("extension", "1007")
        self.refuses("full", self.a, "document.restore", kind="extension", name="1007", version=former["version"])
        self.ask(self.a, "extension.put", number="1008", seats=[])
        self.assertEqual(self.ask(self.a, "document.restore", kind="extension", name="1007", version=former["version"])["change"], "changed")

    def test_how_much(self):
        """16 versions of one, and 512 documents of a tenant: who changed longest ago goes first. Agents come and go, and push out none."""
        self.ask(self.a, "extension.put", number="1205", password="secret1205")
        for command in ("agent.login", "agent.not_ready", "agent.logout"):
            self.ask(self.a, command, number="1205")
        with self.redis() as redis:
            self.assertFalse([name for name in redis("ZRANGE", "td:{t:default}:past", "0", "-1") if "agent" in str(name)])
        for turn in range(20):
            self.ask(self.a, "hours.put", name="much", week=f"mon-fri 0{turn % 9}:00-18:00")
        rows = self.history("hours", "much")
        self.assertEqual(([row["state"] for row in rows], rows[1]["changes"]["week"][1][8:10]), (["now"] + ["former"] * 16, "00"))
        with self.redis() as redis:
            for i in range(512):
                redis("ZADD", "td:{t:default}:past", "0", f"hours:old{i:03}")
            redis("LPUSH", "td:{t:default}:past:hours:old000", "1 {}")
            self.ask(self.a, "hours.put", name="much", week="mon-fri 09:00-18:00")
            self.assertEqual((redis("ZCARD", "td:{t:default}:past"), redis("EXISTS", "td:{t:default}:past:hours:old000")), (512, 0))
            self.assertGreater(redis("TTL", "td:{t:default}:past:hours:much"), 89 * 86400)
            redis("LPUSH", "td:{t:default}:past:hours:much", "7 no JSON", "nothing", "x {}")
        self.assertEqual([row["state"] for row in self.history("hours", "much")][:2], ["now", "former"], "what is damaged is passed over")
        self.refuses("bad_argument", self.a, "document.restore", kind="hours", name="much", version=7)

    def test_what_put_refuses(self):
        """A version comes back only if it could be put now: what others have by then, and what is no longer allowed, is refused in the words of KIND.put."""
        def former(kind, name):
            return self.history(kind, name)[-1]["version"]

        def stays(code, kind, name, words):
            self.assertIn(words, self.refuses(code, self.a, "document.restore", kind=kind, name=name, version=former(kind, name)))

        # a domain of another tenant, and the realm of passwords
        self.ask(self.a, "tenant.put", name="first", domains="taken.example")
        self.ask(self.a, "tenant.put", name="first", domains="first.example")
        self.ask(self.a, "tenant.put", name="second", domains="taken.example")
        stays("bad_argument", "tenant", "first", "is a domain of the tenant second")
        self.assertEqual(self.ask(self.a, "tenant.show", name="first")["domains"], "first.example")
        self.ask(self.a, "tenant.put", name="second", domains="second.example")
        admin = self.token(self.a, "admin", tenant="second", name="past-second")
        self.ok(self.a, "PATCH", "/v1/extensions/1201", admin, {"password": "secret1201"})
        stays("conflict", "tenant", "second", "the realm of its passwords")
        # the code of other hours
        self.ask(self.a, "hours.put", name="early", week="mon-fri 08:00-18:00", code="*251")
        self.ask(self.a, "hours.put", name="early", code="")
        self.ask(self.a, "hours.put", name="late", week="mon-fri 08:00-18:00", code="*251")
        stays("conflict", "hours", "early", "late has this code")
        self.ask(self.a, "hours.delete", name="late")
        self.assertEqual(self.ask(self.a, "document.restore", kind="hours", name="early", version=former("hours", "early")), {"change": "changed"})
        # addresses that another range has by now
        self.ask(self.a, "profile.put", name="past")
        self.ask(self.a, "profile.range.put", **{"from": "198.51.100.1", "to": "198.51.100.9", "profile": "past"})
        self.ask(self.a, "profile.range.delete", **{"from": "198.51.100.1"})
        self.ask(self.a, "profile.range.put", **{"from": "198.51.100.5", "to": "198.51.100.20", "profile": "past"})
        stays("bad_argument", "profile_range", "198.51.100.1", "it overlaps the range")
        # an address that the tenant may not ask any more
        self.ask(self.a, "tenant.put", name="default", web_networks="127.0.0.0/8")
        self.addCleanup(self.ask, self.a, "tenant.put", name="default", web_networks="")
        self.ask(self.a, "number.put", number="1203", to="http://127.0.0.1:9/")
        self.ask(self.a, "number.delete", number="1203")
        self.ask(self.a, "webhook.put", name="past", url="http://127.0.0.1:9/")
        self.ask(self.a, "webhook.put", name="past", url="https://hooks.example/")
        self.ask(self.a, "tenant.put", name="default", web_networks="")
        stays("bad_argument", "webhook", "past", "this tenant may not ask")
        stays("bad_argument", "number", "1203", "this tenant may not ask")

    def test_of_a_tenant_that_is_erased(self):
        """Who has its name next, by restore=true, finds nothing of it."""
        for erase in (False, True):
            self.ask(self.a, "tenant.put", name="erased", restore=erase)
            admin = self.token(self.a, "admin", tenant="erased", name="past-erased")
            self.ok(self.a, "PATCH", "/v1/extensions/1301", admin, {"password": "secret1301", "display_name": "Eve"})
            self.ok(self.a, "DELETE", "/v1/extensions/1301", admin)
            self.ask(self.a, "token.delete", name="past-erased", tenant="erased")
            with self.redis() as redis:
                self.assertEqual(len(redis("KEYS", "td:{t:erased}:past*")), 2)
                self.ask(self.a, "tenant.delete", name="erased", erase=erase)
                self.until(lambda: len(redis("KEYS", "td:{t:erased}:past*")) == (0 if erase else 2))

    def test_without_redis(self):
        self.ask(self.a, "hours.put", name="away", week="mon-fri 08:00-18:00")

        def back():                             # of tests behind this one, too
            self.server.send_signal(signal.SIGCONT)
            self.until(lambda: all(self.puts(node) for node in (self.a, self.b)))
        self.server.send_signal(signal.SIGSTOP)
        self.addCleanup(back)
        self.assertRegex(self.refuses("uncertain", self.a, "document.history", kind="hours", name="away"), "Redis")

    def puts(self, node):
        with contextlib.suppress(Refusal):
            return self.ask(node, "hours.put", name="away")

    # ---- the table of numbers ----

    def numbers(self, **more):
        return {(row["number"], row["kind"]): row for row in self.ask(self.a, "dialplan.number.list", limit=1000, **more)}

    def test_numbers(self):
        self.ask(self.a, "extension.put", number="1101", password="secret1101", display_name="Ann")
        self.ask(self.a, "room.put", number="1102", name="board")
        self.ask(self.a, "flow.put", name="menu", program=[{"hangup": {}}])
        self.ask(self.a, "number.put", number="1103", to="flow:menu")
        self.ask(self.a, "trunk.put", name="carrier", servers="192.0.2.1", access="88")
        self.ask(self.a, "route.put", name="out", pattern="0x.", trunks="carrier")
        self.ask(self.a, "did.put", number="+4930123", to="1101")
        self.ask(self.a, "dialplan.put", emergency="112,110")
        self.addCleanup(self.ask, self.a, "dialplan.delete")
        found = self.numbers()
        self.assertEqual(found["1101", "extension"], {"number": "1101", "kind": "extension", "of": "1101", "name": "Ann", "meaning": "extension", "conflict": ""})
        for key, of, meaning in ((("1102", "room"), "1102", "room"), (("1103", "number"), "flow:menu", "flow"), (("88", "trunk"), "carrier", ""), (("0x.", "route"), "carrier", ""),
                                 (("+4930123", "did"), "1101", ""), (("112", "emergency"), "dialplan", "emergency"), (("*78", "code"), "do_not_disturb", "feature"),
                                 (("*72", "code"), "forward_always", "")):
            self.assertEqual((found[key]["of"], found[key]["meaning"], found[key]["conflict"]), (of, meaning, ""), key)
        # who dials 110 calls for help, whoever else has it
        self.ask(self.a, "extension.put", number="110", password="secret0110")
        self.assertIn("means something else: emergency", self.numbers()["110", "extension"]["conflict"])
        checked = self.ask(self.a, "dialplan.check", number="110", **{"from": "1101"})
        self.assertEqual(checked["meaning"], "emergency")
        self.ask(self.a, "extension.delete", number="110")
        page, seen = f"/v1/dialplan-numbers?limit=5", []
        while page:
            _, headers, rows = self.http(self.a, "GET", page, self.admin)
            seen += [(row["number"], row["kind"]) for row in rows]
            link = headers.get("Link") or ""
            page = link[link.index("<") + 1:link.index(">")] if "next" in link else ""
        self.assertEqual((len(seen), set(seen)), (len(set(seen)), set(self.numbers())))
        self.assertEqual({row["kind"] for row in self.ok(self.a, "GET", "/v1/dialplan-numbers?kind=room", self.admin)}, {"room"})
        self.ask(self.a, "tenant.put", name="apart", domains="apart.example")
        theirs = self.ok(self.a, "GET", "/v1/dialplan-numbers?limit=1000", self.token(self.a, "reader", tenant="apart", name="past-apart"))
        self.assertFalse({row["kind"] for row in theirs} - {"code", "emergency"})

    # ---- settings ----

    def test_settings(self):
        """WEB-15: what the file of each node says, and in which line; what waits for a restart; no secret. A file that is damaged by now is named."""
        file = pathlib.Path(self.a.config)
        before = file.read_text(encoding="utf-8")
        self.addCleanup(file.write_text, before, encoding="utf-8")
        said = json.loads(before)
        said["redis"] = {**said.get("redis", {}), "url": "redis://ann:s3cret@127.0.0.1:7/1"}
        said["hep"] = {"collector": "127.0.0.1:9", "password": "s3cret"}
        file.write_text(json.dumps(said, indent=1), encoding="utf-8")
        rows = {(row["node"], row["name"]): row for row in self.ask(self.a, "setting.list")}
        self.assertNotIn("s3cret", json.dumps(list(rows.values())))
        url, password, usual = (rows["a", name] for name in ("redis.url", "hep.password", "sip.max_contacts"))
        self.assertEqual((url["value"], url["at_start"], url["waits"]), ("redis://***@127.0.0.1:7/1", True, True))
        path, line = url["place"].rsplit(":", 1)
        self.assertEqual(path, str(file))
        self.assertIn('"url"', file.read_text(encoding="utf-8").splitlines()[int(line) - 1])
        self.assertEqual((password["value"], password["waits"]), ("***", False))
        self.assertEqual((usual["value"], usual["default"], usual["place"], usual["at_start"]), ("", "10", "", False))
        self.assertEqual(rows["a", "networks[0].bind"]["value"], said["networks"][0]["bind"])
        self.assertFalse(any(row["waits"] for (node, _), row in rows.items() if node == "b"))
        self.refused(403, "not_allowed", self.a, "GET", "/v1/settings", self.admin)
        file.write_text(json.dumps({**said, "sip": {"nonsense": 1}}, indent=1), encoding="utf-8")
        self.assertRegex(self.refuses("conflict", self.a, "setting.list"), re.escape(str(file)) + r":\d+:\d+: .*nonsense")

    # ---- capacity ----

    def test_capacity(self):
        rows = self.ask(self.a, "capacity.list")
        of = {(row["node"], row["what"]): row for node in (self.a, self.b) for row in self.ask(node, "capacity.list")}
        self.assertEqual(of["a", "calls"]["max"], self.ask(self.a, "node.status")["limits"]["calls"])
        self.until(lambda: {row["what"]: row["used"] for row in self.ask(self.b, "capacity.list")}["sessions"] == self.ask(self.b, "tenant.status")["sessions"])
        self.assertEqual([row["percent"] for row in rows], sorted((row["percent"] for row in rows), reverse=True))
        self.assertTrue(all(row["percent"] == int(1000 * row["used"] / row["max"]) / 10 for row in rows))
        with self.a.user_agent("1101", "secret1101") as caller, self.a.media() as audio:
            self.ask(self.a, "extension.put", number="1101", password="secret1101")
            self.ask(self.a, "extension.put", number="1102x", password="secret1102")
            self.assertEqual(caller.register().status, 200)
            before = of["a", "port_pairs"]["used"]
            with self.a.user_agent("1102x", "secret1102") as callee:
                self.assertEqual(callee.register().status, 200)
                out = caller.invite("1102x", audio.sdp())
                callee.incoming().ring()
                out.wait_provisional(180)
                of = {(row["node"], row["what"]): row for node in (self.a, self.b) for row in self.ask(node, "capacity.list")}
                self.assertEqual((of["a", "calls"]["used"], of["b", "calls"]["used"]), (1, 0))
                self.assertGreater(of["a", "port_pairs"]["used"], before)
                out.cancel()
        self.refused(403, "not_allowed", self.a, "GET", "/v1/capacities", self.admin)
