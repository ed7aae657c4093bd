# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: tokens, what each role and tenant may, calls, documents, what is wrong, and another node's calls."""
import contextlib
import gzip
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import threading
import time
import urllib.parse

from call_test import CallTest
from directory_test import Pair
from lib import place
from lib.websocket import WebSocket
from music_test import wav
from patience import slowness, until
from tandem_client import Client, Redis, Refused


NO_NODES_CALL = "0028000010005"       # of shard 9


class Asks:
    """What one node is asked over HTTP."""

    def token(self, node, role, tenant=None, **more):
        with Client(node.redis_socket, "_operator") as client:
            token = client.ask("token.create", name=more.pop("name", f"t-{role}"), role=role, **({"tenant": tenant} if tenant else {}), **more)["token"]
        if node.redis_url:      # another node may have made it: this one knows it within a second
            until(lambda: self.http(node, "GET", "/v1/calls", token)[0] != 401)
        return token

    @staticmethod
    def http(node, method, path, token=None, body=None, raw=None, host=place.NODE, source=None, **headers):
        """Status, headers, and the JSON that came."""
        source = (source, 0) if source else None
        link = (http.client.HTTPSConnection(host, node.http_port, timeout=60, source_address=source, context=ssl._create_unverified_context()) if node.secure else
                http.client.HTTPConnection(host, node.http_port, timeout=60, source_address=source))
        try:
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            link.request(method, path, raw if raw is not None else json.dumps(body) if body is not None else None, headers)
            answer = link.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
        finally:
            link.close()

    def ok(self, *args, **more):
        status, _, result = self.http(*args, **more)
        self.assertEqual(status, 200, result)
        return result

    def refused(self, status, code, *args, **more):
        got, headers, problem = self.http(*args, **more)
        self.assertEqual((got, problem.get("code"), headers["Content-Type"]), (status, code, "application/problem+json"), problem)
        self.assertEqual(problem["status"], status)
        return headers, problem


class Api(Asks, CallTest):
    def setUp(self):
        super().setUp()
        self.admin = self.token(self.node, "admin")

    def test_of_a_call(self):
        application, reader = self.token(self.node, "application"), self.token(self.node, "reader")
        out, into, _ = self.connect()
        row, = self.ok(self.node, "GET", "/v1/calls", reader)
        call = self.ok(self.node, "GET", f"/v1/calls/{row['id']}", reader)
        self.assertEqual((call["id"], call["from"], call["to"]), (row["id"], "1001", "1002"))
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls?number=1001&limit=5", reader)[0]["id"], row["id"])
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls?number=4711", reader), [])
        legs = self.ok(self.node, "GET", f"/v1/calls/{row['id']}/legs", reader)
        self.assertEqual([[leg[key] for key in ("party", "user", "state", "direction", "codecs")] for leg in legs],
                         [["a", "1001", "confirmed", "in", call["a"]["codecs"]], ["b", "1002", "confirmed", "out", call["b"]["codecs"]]])
        self.assertEqual([leg["sip_call_id"] for leg in legs], [call["a_sip_call_id"], call["b_sip_call_id"]])
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{row['id']}/legs?user=1002", reader), legs[1:])
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{row['id']}/legs/{legs[1]['leg']}", reader), legs[1])
        self.refused(404, "not_found", self.node, "GET", f"/v1/calls/{row['id']}/legs/200", reader)
        self.refused(400, "bad_argument", self.node, "GET", f"/v1/calls/{row['id']}/legs/x", reader)
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{row['id']}/hangup", reader)
        ends = [threading.Thread(target=end.wait_bye) for end in (out, into)]
        for end in ends:
            end.start()
        self.ok(self.node, "POST", f"/v1/calls/{row['id']}/hangup", application)
        for end in ends:
            end.join()
        self.ended()
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{row['id']}", reader)["ended_by"], "operator")
        self.refused(404, "not_found", self.node, "GET", "/v1/calls/0000000000000", reader)
        self.refused(404, "unknown_command", self.node, "DELETE", "/v1/tokens/..", reader)

    def test_an_application(self):
        """APP-01: it answers, plays, collects, takes a message, calls somebody for its caller, and joins two callers."""
        application, calls = self.token(self.node, "application"), []
        wav(os.path.join(self.node.folder, "sounds", "default", "menu.wav"), 620, seconds=4)
        self.node.ctl("extension.put", number="1900", password="a long secret", application="ivr")

        def waits(agent, audio):
            out = agent.invite("1900", audio.sdp())
            calls.extend(until(lambda: {row["id"] for row in self.ok(self.node, "GET", "/v1/calls", application)} - set(calls)))
            return out

        def does(verb, call=0, **args):
            self.ok(self.node, "POST", f"/v1/calls/{calls[call]}/{verb}", application, args)

        def told(kind, **want):
            until(lambda: [event for event in self.node.told("td:{ev:default}:ivr") if event["type"] == kind and want.items() <= event.items()],
                  lambda: f"{self.node.told('td:{ev:default}:ivr')}")

        out = waits(self.a, self.audio_a)
        does("answer")
        self.audio_a.use(out.wait_answer())
        does("collect", file="menu.wav", max=2)
        self.audio_a.wait_tone(620)
        for key in "42":
            self.audio_a.digit(key)
        told("call.collected", digits="42")
        does("record_message")
        self.audio_a.wait_tone(1000, 8)
        begun = self.audio_a.sent
        self.audio_a.start(440)
        until(lambda: self.audio_a.sent > begun + 60)
        self.audio_a.digit("#")
        told("call.recorded", reason="key")
        does("play", file="menu.wav", times=0)
        self.audio_a.wait_tone(620, anew=True)
        does("transfer", to="1002")
        self.b.incoming().reject(486, "Busy Here")
        told("call.transfer_failed")
        second = waits(self.b, self.audio_b)
        does("answer", 1)
        self.audio_b.use(second.wait_answer())
        does("join", **{"with": calls[1]})
        self.audio_b.wait_tone(440)
        self.audio_a.stop()
        self.ok(self.node, "POST", f"/v1/calls/{calls[0]}/hangup", application)
        out.wait_bye()
        second.wait_bye()

    def test_of_documents(self):
        made = self.ok(self.node, "PATCH", "/v1/extensions/1009", self.admin, {"password": "a long secret of 1009", "display_name": "Nine"})
        self.assertEqual((made["number"], made["display_name"]), ("1009", "Nine"))
        self.ok(self.node, "PATCH", "/v1/extensions/1009", self.admin, {"forward_busy": "1002", "do_not_disturb": True})
        changed = self.ok(self.node, "PATCH", "/v1/extensions/1009", self.admin, {"display_name": "IX"})
        self.assertEqual({name for name, value in changed.items() if made.get(name) != value},
                         {"display_name", "forward_busy", "do_not_disturb", "changed_utc_ms"})
        self.assertIn("1009", [row["number"] for row in self.ok(self.node, "GET", "/v1/extensions?limit=1000", self.admin)])
        self.ok(self.node, "DELETE", "/v1/extensions/1009", self.admin)
        self.refused(404, "not_found", self.node, "GET", "/v1/extensions/1009", self.admin)

    def test_conditions(self):
        """Who changes what another has changed meanwhile is told so, and a client that has it all gets no body again."""
        path, number = "/v1/extensions/2100", {"password": "a long secret"}
        self.refused(412, "changed", self.node, "PATCH", path, self.admin, number, If_Match="*")
        status, headers, _ = self.http(self.node, "PATCH", path, self.admin, number, If_None_Match="*")
        self.assertEqual(status, 200)
        made = headers["ETag"]
        self.refused(412, "changed", self.node, "PATCH", path, self.admin, number, If_None_Match="*")
        _, headers, shown = self.http(self.node, "GET", path, self.admin)
        tag = headers["ETag"]
        self.assertTrue(tag.startswith(made[:-1] + "-"), (tag, made))
        for known in (tag, f'"x", W/{tag}', "*"):
            status, headers, body = self.http(self.node, "GET", path, self.admin, If_None_Match=known)
            self.assertEqual((status, headers["ETag"], body), (304, tag, None))
        self.assertEqual(self.http(self.node, "GET", path, self.admin, If_None_Match='"x"')[2], shown)
        status, headers, body = self.http(self.node, "HEAD", path, self.admin)
        self.assertEqual((status, headers["ETag"], body, int(headers["Content-Length"])), (200, tag, None, len(json.dumps(shown, separators=(",", ":"), ensure_ascii=False))))
        status, headers, _ = self.http(self.node, "PATCH", path, self.admin, {"display_name": "One"}, If_Match=tag)
        self.assertEqual(status, 200)
        self.refused(412, "changed", self.node, "PATCH", path, self.admin, {"display_name": "Two"}, If_Match=tag)
        self.refused(412, "changed", self.node, "PATCH", path, self.admin, {"display_name": "Two"}, If_Match=tag, Idempotency_Key="late")
        self.refused(412, "changed", self.node, "DELETE", path, self.admin, If_Match=made)
        self.refused(412, "changed", self.node, "DELETE", path, self.admin, If_Match='"other"')
        self.refused(400, "bad_request", self.node, "POST", "/v1/calls", self.admin, {"from": "1001", "to": "1002"}, If_Match=tag)
        self.refused(400, "bad_request", self.node, "PATCH", path, self.admin, number, If_None_Match='"x"')
        self.assertEqual(self.ok(self.node, "GET", path, self.admin)["display_name"], "One")
        with Client(self.node.redis_socket) as client:
            with self.assertRaisesRegex(Refused, "changed"):
                client.ask("extension.put", number="2100", display_name="Two", if_version=1)
        self.assertEqual(self.http(self.node, "DELETE", path, self.admin, If_Match=headers["ETag"])[0], 200)
        # what is no document has a tag of its octets
        tag = self.http(self.node, "GET", "/v1/calls", self.admin)[1]["ETag"]
        self.assertEqual(self.http(self.node, "GET", "/v1/calls", self.admin, If_None_Match=tag)[0], 304)
        out, into, _ = self.connect()
        self.assertEqual(self.http(self.node, "GET", "/v1/calls", self.admin, If_None_Match=tag)[0], 200)
        out.bye()
        into.wait_bye()

    def pages(self, path, token):
        """The rows of each page, as Link leads on."""
        while path:
            status, headers, rows = self.http(self.node, "GET", path, token)
            self.assertEqual(status, 200, rows)
            yield rows
            link = headers["Link"]
            path = link[1:link.index(">")] if link else None

    def test_lists(self):
        for number in range(2000, 2010):
            self.ok(self.node, "PATCH", f"/v1/extensions/{number}", self.admin, {"password": "a long secret", "display_name": f"N {number % 3}"})
            self.addCleanup(self.http, self.node, "DELETE", f"/v1/extensions/{number}", self.admin)
        whole = self.ok(self.node, "GET", "/v1/extensions", self.admin)
        numbers = [row["number"] for row in whole]
        self.assertEqual(numbers, sorted(numbers))
        read = []
        for i, rows in enumerate(self.pages("/v1/extensions?limit=4", self.admin)):
            self.assertEqual(len(rows), min(4, len(numbers) - len(read)))
            read += [row["number"] for row in rows]
            if not i:  # one that comes and one that goes before the page: no other is missed or there twice
                self.ok(self.node, "PATCH", "/v1/extensions/1000", self.admin, {"password": "a long secret"})
                self.ok(self.node, "DELETE", "/v1/extensions/1000", self.admin)
        self.assertEqual(read, numbers)
        some = [row for page in self.pages("/v1/extensions?limit=1&display_name=N%201&sort=-number", self.admin) for row in page]
        self.assertEqual([row["number"] for row in some], ["2008", "2005", "2002"])
        self.assertEqual([row["number"] for row in self.ok(self.node, "GET", "/v1/extensions?sort=display_name&limit=1000", self.admin) if row["display_name"]],
                         sorted((str(n) for n in range(2000, 2010)), key=lambda n: (int(n) % 3, n)))
        with Client(self.node.redis_socket) as client:
            answer = client.ask("extension.list", limit=2, sort="-number")
            self.assertEqual([row["number"] for row in answer], sorted(numbers, reverse=True)[:2])
        cursor = next(self.pages("/v1/extensions?limit=1", self.admin)) and self.http(self.node, "GET", "/v1/extensions?limit=1", self.admin)[1]["Link"]
        cursor = cursor.split("cursor=")[1].split("&")[0]
        for argument, query in (("sort", "sort=nothing"), ("sort", "sort=password"), ("cursor", "cursor=x"), ("cursor", f"cursor={cursor}&sort=display_name"),
                                ("limit", "limit=0"), ("nothing", "nothing=1"), ("password", "password=x")):
            _, problem = self.refused(400, "bad_argument", self.node, "GET", f"/v1/extensions?{query}", self.admin)
            self.assertEqual(problem["argument"], argument)

    def test_a_set_of_a_tenant(self):
        """An administrator's set has no documents of operators, also where his command goes through Redis as one of theirs."""
        evil = {"documents": [{"kind": "trunk", "name": "evil", "servers": "192.0.2.9"}]}
        for key in ({}, {"Idempotency_Key": "evil-1"}):
            status, _, problem = self.http(self.node, "POST", "/v1/sets/mine/apply", self.admin, evil, **key)
            self.assertEqual(status, 400, problem)
            self.assertIn("trunk.put needs the role operator", problem["detail"])
        with Client(self.node.redis_socket, "_operator") as client:
            self.assertEqual(client.ask("trunk.list"), [])

    def test_all_errors_of_a_set(self):
        """Who applies a set hears of every error, where it stands in the own files."""
        documents = [{"kind": "extension", "number": "2400", "nonsense": 1, "enabled": "maybe", "password": "a long secret",
                      "at": {"": "a.yaml:1:1", "nonsense": "a.yaml:3:3"}},
                     {"kind": "castle", "at": "b.yaml:7:1"}, {"kind": "group", "name": "g", "members": "9999"}]
        _, problem = self.refused(400, "bad_argument", self.node, "POST", "/v1/sets/wrong/apply", self.admin, {"documents": documents})
        self.assertEqual({(one["document"], one["field"], one.get("at")) for one in problem["errors"]},
                         {(0, "nonsense", "a.yaml:3:3"), (0, "enabled", "a.yaml:1:1"), (1, "kind", "b.yaml:7:1"), (2, "members", None)})
        self.assertEqual(set(problem), {"type", "title", "status", "code", "argument", "detail", "errors"})
        self.refused(404, "not_found", self.node, "GET", "/v1/extensions/2400", self.admin)
        _, problem = self.refused(400, "bad_argument", self.node, "PATCH", "/v1/flows/wrong", self.admin, {"program": [{"nonsense": {}}]})
        self.assertIn("/0/nonsense", [one["path"] for one in problem["findings"]])

    def audit(self, token=None, query=""):
        return self.ok(self.node, "GET", f"/v1/audit?{query}", token or self.admin)

    def test_audit(self):
        """Who changed what, when and by which door; what was before and what is now, without secrets; of a tenant its own alone."""
        path, secret = "/v1/extensions/2300", "a long secret of 2300"
        begun = int(time.time() * 1000) - 1000
        self.ok(self.node, "PATCH", path, self.admin, {"password": secret, "display_name": "One"})
        self.ok(self.node, "PATCH", path, self.admin, {"display_name": "Two"}, Idempotency_Key="audit-1")   # which goes through Redis
        self.node.tandemctl("extension.put", secret=f"{secret}!\n", number="2300", password="-")
        with Client(self.node.redis_socket, "default") as client:
            client.ask("extension.delete", number="2300")
            name = client.name
        self.refused(412, "changed", self.node, "PATCH", path, self.admin, {"password": secret}, If_Match="*")
        self.refused(400, "bad_argument", self.node, "PATCH", path, self.admin, {"display_name": 7})        # it was never begun
        rows = until(lambda: (found := self.audit(query="object=2300"))[4:] and found)
        self.assertEqual([(row["command"], row["door"], row["role"], row["by"], row["outcome"]) for row in rows],
                         [("extension.put", "http", "admin", "t-admin", "changed"), ("extension.delete", "redis", "admin", name, "ok"),
                          ("extension.put", "local", "operator", "operator", "ok"), ("extension.put", "http", "admin", "t-admin", "ok"),
                          ("extension.put", "http", "admin", "t-admin", "ok")])
        self.assertEqual(rows[3]["changes"], {"display_name": ["One", "Two"]})
        self.assertEqual((rows[4]["changes"]["display_name"], rows[4]["arguments"]["password"]), ([None, "One"], "(secret)"))
        self.assertEqual((rows[2]["changes"], rows[2]["arguments"]["ha1"]), ({}, "(secret)"))
        self.assertEqual(rows[1]["changes"]["display_name"], ["Two", None])
        self.assertNotIn("changes", rows[0])
        self.assertTrue(begun < rows[4]["utc_ms"] <= rows[0]["utc_ms"] and "127.0.0.1" in rows[4]["source"], rows[4])
        self.assertEqual([row["id"] for page in self.pages("/v1/audit?object=2300&limit=2", self.admin) for row in page], [row["id"] for row in rows])
        self.assertEqual(self.audit(query=f"object=2300&by={name}"), [rows[1]])
        self.assertEqual(self.audit(query="object=2300&until=1h"), [])
        self.ok(self.node, "POST", "/v1/sets/audited/apply", self.admin, {"documents": [{"kind": "group", "name": "audited", "members": ""}]})
        self.ok(self.node, "POST", "/v1/sets/audited/apply", self.admin, {"documents": [], "prune": True, "dry_run": True})
        self.ok(self.node, "POST", "/v1/sets/audited/apply", self.admin, {"documents": [], "prune": True})
        rows = until(lambda: (found := self.audit(query="object=audited"))[1:] and found)
        self.assertEqual([[(one["change"], one["name"]) for one in row["changes"]] for row in rows], [[("deleted", "audited")], [("created", "audited")]])
        made = self.ok(self.node, "POST", "/v1/tokens", self.admin, {"name": "audited", "role": "reader"})["token"]
        self.refused(404, "not_found", self.node, "POST", "/v1/calls/0000000000000/hangup", self.admin)
        row, = until(lambda: self.audit(query="calls=true&object=0000000000000"))
        self.assertEqual((row["command"], row["outcome"], row["by"]), ("call.hangup", "not_found", "t-admin"))
        self.refused(403, "not_allowed", self.node, "GET", "/v1/audit", made)
        self.node.ctl("tenant.put", name="others", domains="others.example")
        self.ok(self.node, "PATCH", "/v1/rooms/2300?tenant=others", self.token(self.node, "operator", name="high"), {"name": "theirs"})
        others = self.token(self.node, "admin", tenant="others")
        row, = until(lambda: self.audit(others, "object=2300"))
        self.assertEqual((row["command"], row["role"], row["by"]), ("room.put", "operator", "high"))
        self.assertEqual([row for row in self.audit(query="object=2300") if row["command"] == "room.put"], [])
        self.assertEqual(self.node.ctl("audit.list", operators=True, object="others")[0]["command"], "tenant.put")
        self.assertEqual(self.audit(others, "operators=true&object=others"), [])
        with Redis(self.node.redis_socket) as redis:
            kept = json.dumps([redis("XRANGE", key, "-", "+") for key in redis("KEYS", "td:{t:*}:audit*")])
        for word in (secret, made, made.rsplit("~", 1)[1], self.admin.rsplit("~", 1)[1]):
            self.assertNotIn(word, kept)

    def test_each_list_has_its_columns(self):
        """Each can be sorted and narrowed by what its rows have."""
        operator = self.token(self.node, "operator", name="all")
        out, into, _ = self.connect()
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("profile.put", name="branch", codecs=["PCMA"])
            client.ask("profile.range.put", **{"from": "192.0.2.0", "to": "192.0.2.9", "profile": "branch"})
            client.ask("trunk.put", name="carrier", servers="127.0.0.1:9", direction="out")
            client.ask("route.put", name="out", pattern="+x.", trunks="carrier")
            client.ask("room.put", number="700", pin="4711")
            client.ask("group.put", name="sales", members="1001,1002")
            client.ask("account.put", code="4711", name="Smith")
            client.ask("did.put", number="+4970", to="700")
            client.ask("hours.put", name="office", week="mon 08:00-18:00")
            client.ask("flow.put", name="hello", program=[{"hangup": {}}])
            lists = [c["name"] for c in client.ask("help") if c["name"].endswith(".list")]
        self.assertGreater(len(lists), 20)
        before, missing = [], []
        for path in [f"/v1/{name}" for name in ("calls", "extensions", "profiles", "profile-ranges", "tokens", "registrations", "subscriptions", "conferences",
                                                "tenants", "trunks", "routes", "dids", "rooms", "hours", "locations", "prompts", "flows", "numbers", "accounts",
                                                "groups", "parks", "call-traces", "recordings", "deliveries", "security")]:
            rows = self.ok(self.node, "GET", path, operator)
            before.append(path if rows else None)
            for name, value in (rows[0] if rows else {}).items():
                if name == "tenant" or isinstance(value, (list, dict)) or value in (None, ""):
                    continue
                if self.http(self.node, "GET", f"{path}?sort={name}", operator)[0] != 200:
                    missing.append((path, name))
                    continue
                text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
                for one in self.ok(self.node, "GET", f"{path}?{urllib.parse.urlencode({name: text, 'limit': 3})}", operator):
                    self.assertEqual(one[name], value, path)
                if (path, name) != ("/v1/calls", "number"):
                    self.ok(self.node, "GET", f"{path}?sort=-{name}", operator)
        self.assertEqual(missing, [])
        self.assertGreater(len([path for path in before if path]), 6, before)
        out.bye()
        into.wait_bye()

    def test_cdrs_page_by_page(self):
        """A record is an entry of a stream: pages go down it, also where few of many are wanted."""
        token = self.token(self.node, "reader", name="cdrs")
        with Redis(self.node.redis_socket) as redis:
            redis("DEL", "td:{s1}:cdr")
            for k in range(2600):
                at = 1600000000000 + k // 3
                redis("XADD", "td:{s1}:cdr", f"{at}-{1 + k % 3}", "cdr",
                      json.dumps({"id": f"x{k}", "tenant": "default", "from": str(k % 650), "to": "7", "end_utc_ms": at, "talk_ms": k}))
        read = [row["id"] for rows in self.pages("/v1/cdrs?to=7&limit=900", token) for row in rows]
        self.assertEqual(read, [f"x{k}" for k in range(2599, -1, -1)])
        self.assertEqual([row["id"] for rows in self.pages("/v1/cdrs?from=649&limit=3", token) for row in rows], ["x2599", "x1949", "x1299", "x649"])
        self.assertEqual([row["id"] for row in self.ok(self.node, "GET", "/v1/cdrs?to=7&sort=talk_ms&limit=3", token)], ["x0", "x1", "x2"])
        with Redis(self.node.redis_socket) as redis:
            redis("EVAL", "for k = 1, 10000 do redis.call('XADD', KEYS[1], 1700000000000 + k .. '-1', 'cdr', ARGV[1]) end", "1",
                  "td:{s1}:cdr", json.dumps({"id": "y", "tenant": "default", "from": "1", "to": "8", "end_utc_ms": 1700000000000, "talk_ms": 1}))
        _, problem = self.refused(400, "bad_argument", self.node, "GET", "/v1/cdrs?to=7&sort=talk_ms", token)
        self.assertIn("too many to sort", problem["detail"])
        with Redis(self.node.redis_socket) as redis:
            redis("DEL", "td:{s1}:cdr")

    def test_the_same_key_is_the_same_command(self):
        answers = [self.ok(self.node, "POST", "/v1/calls", self.admin, {"from": "1002", "to": "1001"}, Idempotency_Key="order-77")
                   for _ in range(2)]
        self.assertEqual(answers[0], answers[1])
        rings = self.b.incoming()
        rings.ring()
        calls = self.ok(self.node, "GET", "/v1/calls", self.admin)
        self.assertEqual(len(calls), 1)
        self.ok(self.node, "POST", f"/v1/calls/{calls[0]['id']}/hangup", self.admin)
        rings.wait_cancel()

    def test_without_a_right(self):
        name, secret = self.admin.rsplit("~", 1)
        for token in (None, "x", "~~", f"{name}~{secret[:-1]}", f"{name}~{secret}0", f"default~nobody~{secret}", f"other~t-admin~{secret}", "a" * 900):
            headers, _ = self.refused(401, "not_allowed", self.node, "GET", "/v1/calls", token)
            self.assertEqual(headers["WWW-Authenticate"], "Bearer")
        soon = self.token(self.node, "reader", name="soon", expires_utc_s=int(time.time()) + 2)
        self.ok(self.node, "GET", "/v1/calls", soon)
        until(lambda: self.http(self.node, "GET", "/v1/calls", soon)[0] == 401)
        # a tenant's admin makes none that may more
        self.refused(403, "not_allowed", self.node, "POST", "/v1/tokens", self.admin, {"name": "more", "role": "operator"})
        # nor where the command goes through Redis, and none of one that may more
        self.refused(403, "not_allowed", self.node, "POST", "/v1/tokens", self.admin, {"name": "more", "role": "operator"}, Idempotency_Key="more")
        self.token(self.node, "operator", name="high")
        self.refused(403, "not_allowed", self.node, "POST", "/v1/tokens", self.admin, {"name": "high"}, Idempotency_Key="high")
        made = self.ok(self.node, "POST", "/v1/tokens", self.admin, {"name": "own", "role": "reader"})
        self.ok(self.node, "GET", "/v1/calls", made["token"])
        self.assertNotIn("hash", json.dumps(self.ok(self.node, "GET", "/v1/tokens", self.admin)))
        self.ok(self.node, "DELETE", "/v1/tokens/own", self.admin)
        self.refused(401, "not_allowed", self.node, "GET", "/v1/calls", made["token"])
        self.assertNotIn(secret, self.node.log_text())

    def test_groups_keep_their_names(self):
        """BEAT-29: no command gives a group, a queue, a room or an extension another name, nor does a set; what asks for one changes nothing."""
        self.ok(self.node, "PATCH", "/v1/groups/sales", self.admin, {"members": "1001"})
        self.ok(self.node, "PATCH", "/v1/queues/sales", self.admin, {"members": "1001"})
        for path in ("/v1/groups/sales", "/v1/queues/sales"):
            for body in ({"name": "support"}, {"new_name": "support"}):
                self.assertEqual(self.http(self.node, "PATCH", path, self.admin, {**body, "members": "1002"})[0], 400, body)
            self.assertEqual(self.http(self.node, "POST", path + "/rename", self.admin, {"name": "support"})[0], 404)
            shown = self.ok(self.node, "GET", path, self.admin)
            self.assertEqual((shown["name"], shown["members"]), ("sales", ["1001"] if isinstance(shown["members"], list) else "1001"))
        self.assertEqual([row["name"] for row in self.ok(self.node, "GET", "/v1/groups", self.admin)], ["sales"])
        verbs = {row["name"].partition(".")[2] for row in self.ok(self.node, "GET", "/v1/help", self.admin)}
        self.assertFalse({verb for verb in verbs if "rename" in verb})

    def test_of_some_commands(self):
        """A token with patterns gives the commands that they name, and makes no tokens."""
        some = self.token(self.node, "admin", name="some", commands="call.*,extension.get,token.*")
        for status, method, path in ((200, "GET", "/v1/calls"), (200, "GET", "/v1/extensions/1001"), (403, "GET", "/v1/extensions"),
                                     (403, "PATCH", "/v1/extensions/1001"), (403, "GET", "/v1/tokens"), (403, "POST", "/v1/tokens"), (404, "POST", "/v1/calls/0000000000000/hangup")):
            self.assertEqual(self.http(self.node, method, path, some, {} if method != "GET" else None)[0], status, path)
        for wrong in ("call", "nothing.*", "call.list,,help", "call.list,nobody"):
            with Client(self.node.redis_socket, "_operator") as client, self.assertRaises(Refused) as caught:
                client.ask("token.put", name="some", commands=wrong)
            self.assertEqual(caught.exception.code, "bad_argument", wrong)
        self.ok(self.node, "PATCH", "/v1/tokens/some", self.admin, {"commands": ""})
        until(lambda: self.http(self.node, "GET", "/v1/tokens", some)[0] == 200)

    def limited(self, **more):
        """What a token limited by commands does by each of its doors: alone, with a key (which goes through Redis), staged."""
        limited = self.token(self.node, "admin", name="limited", **more)

        def applied(name, documents, keyed=False, staged=False, **args):
            if staged:
                self.ok(self.node, "POST", "/v1/sets:stage", limited, {"stage": name, "part": 0, "documents": documents})
            key = {"Idempotency_Key": f"set-{time.monotonic_ns()}"} if keyed else {}
            return self.http(self.node, "POST", f"/v1/sets/{name}/apply", limited, {**({"stage": name} if staged else {"documents": documents}), **args}, **key)

        return limited, applied

    def test_sets_of_some_commands(self):
        """Each document of a set is judged by its own KIND.put and KIND.delete: a limited token widens nothing by one."""
        limited, applied = self.limited(commands="set.*,extension.put,webhook.*,group.*")
        digest, spare = "0" * 64, {"kind": "extension", "number": "1777", "password": "a long secret"}
        wide = ({"kind": "token", "name": "more", "role": "admin", "hash": digest}, {"kind": "token", "name": "limited", "commands": ""},
                {"kind": "number", "number": "4000", "to": "flow:menu"}, {"kind": "webhook", "name": "tap", "url": "https://example.com/"})
        for document in wide:
            for door in ({}, {"keyed": True}, {"staged": True}, {"dry_run": True}):
                status, _, problem = applied("wide", [spare, document], **door)
                self.assertEqual((status, [(e["document"], e["code"]) for e in problem["errors"]]), (400, [(1, "not_allowed")]), (document, door, problem))
        self.assertEqual(self.http(self.node, "GET", "/v1/extensions/1777", self.admin)[0], 404)
        self.assertEqual([t["name"] for t in self.ok(self.node, "GET", "/v1/tokens", self.admin) if t["name"] == "more"], [])
        self.assertEqual(self.ok(self.node, "GET", "/v1/tokens/limited", self.admin)["commands"], "set.*,extension.put,webhook.*,group.*")
        for path, body in (("/v1/webhooks/tap", {"url": "https://example.com/"}), ("/v1/tokens/limited", {"commands": ""})):
            for key in ({}, {"Idempotency_Key": f"alone-{time.monotonic_ns()}"}):
                self.refused(403, "not_allowed", self.node, "PATCH", path, limited, body, **key)
        for method, path in (("GET", "/v1/sessions"), ("POST", "/v1/sessions/x/renew")):
            self.refused(403, "not_allowed", self.node, method, path, self.token(self.node, "admin", name="s", commands="session.*"), {} if method == "POST" else None)
        # what it may do it may do in a set, but for what takes another right: to delete
        self.assertEqual(applied("own", [spare], keyed=True)[2]["created"], 1)
        self.addCleanup(self.http, self.node, "DELETE", "/v1/extensions/1777", self.admin)
        self.assertEqual(applied("own", [], prune=True)[2]["errors"][0]["code"], "not_allowed")
        self.assertEqual(self.http(self.node, "GET", "/v1/extensions/1777", self.admin)[0], 200)
        # with events it may post them elsewhere
        both = self.token(self.node, "admin", name="both", commands="webhook.*,events")
        self.ok(self.node, "PATCH", "/v1/webhooks/tap", both, {"url": "https://example.com/", "enabled": False})
        self.ok(self.node, "DELETE", "/v1/webhooks/tap", both)

    def test_restored_by_whom(self):
        """Nor does a limited token restore of a backup what its commands do not put: tokens and sessions never."""
        token = self.token(self.node, "operator", name="restores", commands="backup.*,extension.put,token.*,session.*")
        rows, page, all_may = [], {"next": 0}, self.token(self.node, "operator")
        while "next" in page:
            page = self.ok(self.node, "GET", f"/v1/backup/read?cursor={page['next']}", all_may)
            rows += page["documents"]
        one = next(row for row in rows if row["kind"] == "token" and row["name"] == "restores")
        own = next(row for row in rows if row["kind"] == "extension" and row["name"] == "1001")
        wide = {**one, "document": {**one["document"], "commands": ""}}
        for row in (wide, {**one, "kind": "session"}):
            for key in ({}, {"Idempotency_Key": f"restore-{time.monotonic_ns()}"}):
                self.refused(403, "not_allowed", self.node, "POST", "/v1/backup/restore", token, {name: row[name] for name in ("owner", "kind", "document")}, **key)
        self.ok(self.node, "POST", "/v1/backup/restore", token, {name: own[name] for name in ("owner", "kind", "document")})
        few = self.token(self.node, "operator", name="few", commands="backup.*")
        self.refused(403, "not_allowed", self.node, "POST", "/v1/backup/restore", few, {name: own[name] for name in ("owner", "kind", "document")})

    def test_rolled_back_by_whom(self):
        """A version that a limited token could not have applied it does not bring back, nor does it take away what it may not delete."""
        limited, _ = self.limited(commands="set.*,extension.*")
        token = {"kind": "token", "name": "strong", "role": "admin", "hash": "0" * 64}
        office = lambda documents, by, **args: self.http(self.node, "POST", "/v1/sets/back/apply", by, {"documents": documents, **args})
        spare = {"kind": "extension", "number": "1778", "password": "a long secret"}
        for documents in ([spare, token], [spare], [spare, token]):
            self.assertEqual(office(documents, self.admin, prune=True)[0], 200)
        for version in (1, 2):
            for key in ({}, {"Idempotency_Key": f"back-{time.monotonic_ns()}"}):
                status, _, answer = self.http(self.node, "POST", "/v1/sets/back/rollback", limited, {"version": version}, **key)
                self.assertEqual((status, [(e["kind"], e["name"], e["code"]) for e in answer["errors"]]), (400, [("token", "strong", "not_allowed")]))
        self.assertEqual(office([spare], self.admin, prune=True)[0], 200)
        _, _, answer = self.http(self.node, "POST", "/v1/sets/back/rollback", limited, {"version": 1})
        self.assertEqual([(e["kind"], e["name"], e["code"]) for e in answer["errors"]], [("token", "strong", "not_allowed")])
        self.assertEqual(self.http(self.node, "GET", "/v1/tokens/strong", self.admin)[0], 404)
        self.assertEqual(office([], self.admin, prune=True)[0], 200)

    def test_of_one_that_may_more(self):
        """A tenant's administrator takes no operator's token over, lowers none, and deletes none; an operator does."""
        self.token(self.node, "operator", name="high")
        for key in ({}, {"Idempotency_Key": f"high-{time.monotonic_ns()}"}):
            self.refused(403, "not_allowed", self.node, "PATCH", "/v1/tokens/high", self.admin, {"role": "admin", "hash": "0" * 64}, **key)
            self.refused(403, "not_allowed", self.node, "DELETE", "/v1/tokens/high", self.admin, **key)
        status, _, answer = self.http(self.node, "POST", "/v1/sets/high/apply", self.admin, {"documents": [{"kind": "token", "name": "high", "role": "admin"}]})
        self.assertEqual((status, answer["errors"][0]["code"]), (400, "not_allowed"))
        self.ok(self.node, "DELETE", "/v1/tokens/high", self.token(self.node, "operator"))

    def test_stages_are_of_who_staged(self):
        """What one token has staged under a name is nothing of another's set."""
        other = self.token(self.node, "admin", name="other")
        evil, good = ({"kind": "extension", "number": number, "password": "a long secret"} for number in ("1781", "1782"))
        self.ok(self.node, "POST", "/v1/sets:stage", other, {"stage": "office", "part": 0, "documents": [evil]})
        self.assertEqual(self.ok(self.node, "POST", "/v1/sets:stage", self.admin, {"stage": "office", "part": 0, "documents": [good]})["documents"], 1)
        done = self.ok(self.node, "POST", "/v1/sets/staged/apply", self.admin, {"stage": "office"})
        self.assertEqual([change["name"] for change in done["changes"]], ["1782"])
        self.refused(404, "not_found", self.node, "POST", "/v1/sets/staged/apply", self.admin, {"stage": "office"})
        self.ok(self.node, "POST", "/v1/sets/staged/apply", self.admin, {"documents": [], "prune": True})

    def test_shares_of_stages(self):
        """One token that stages all it can leaves places for another one of its tenant, and for another tenant."""
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.example")
        self.addCleanup(self.tenant_gone)

        def stages(token):
            for i in range(100):
                status, headers, problem = self.http(self.node, "POST", "/v1/sets:stage", token, {"stage": f"s{i}", "part": 0, "documents": []})
                if status != 200:
                    self.assertEqual((status, problem["code"]), (429, "busy"))
                    return i
            self.fail("as many as it likes")

        first, second, third = stages(self.admin), stages(self.token(self.node, "admin", name="second")), stages(self.token(self.node, "admin", tenant="acme"))
        self.assertEqual((first, second, third > 1), (6, 2, True), third)
        self.assertGreater(stages(self.token(self.node, "operator")), 0)

    def test_shares_of_commands(self):
        """What a user's session asks of a node that does not answer takes a part of the places; others ask meanwhile."""
        self.node.put_extension("1001", "secret1001")
        session = self.ok(self.node, "POST", "/v1/sessions", None, {"number": "1001", "password": "secret1001"})["token"]
        answers, links = [], []
        for i in range(24):
            link = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=60)
            self.addCleanup(link.close)
            link.request("GET", f"/v1/calls/{NO_NODES_CALL}", headers={"Authorization": f"Bearer {session}"})
            links.append(link)
        self.ok(self.node, "GET", "/v1/calls", self.admin)
        for link in links:
            answers.append(link.getresponse().status)
        self.assertEqual(set(answers), {429, 503})
        self.assertLessEqual(answers.count(503), 16)

    def test_what_is_wrong(self):
        self.node.put_extension("1003", "secret1003")   # no phone of it is registered
        for status, code, method, path, more in (
                (404, "unknown_command", "GET", "/v1/", {}), (404, "unknown_command", "GET", "/v1/call", {}),
                (404, "unknown_command", "GET", "/v1/calls/a/b/c", {}), (405, "bad_request", "PUT", "/v1/calls", {}),
                (405, "bad_request", "DELETE", "/v1/calls", {}),
                (400, "bad_argument", "GET", "/v1/calls?nothing=1", {}), (400, "bad_argument", "GET", "/v1/calls?limit=1&limit=2", {}),
                (400, "bad_argument", "GET", "/v1/calls?limit=x", {}), (400, "bad_argument", "GET", "/v1/calls?limit=5000", {}),
                (400, "unknown_argument", "PATCH", "/v1/extensions/1001", {"body": {"nothing": 1}}),
                (400, "bad_argument", "PATCH", "/v1/extensions/1001", {"body": {"number": "1002"}}),
                (400, "bad_request", "PATCH", "/v1/extensions/1001", {"raw": "[1]"}),
                (400, "bad_request", "PATCH", "/v1/extensions/1001", {"raw": '{"name":"a","name":"b"}'}),
                (400, "bad_request", "PATCH", "/v1/extensions/1001", {"raw": "{" * 10000}),
                (400, "bad_request", "PATCH", "/v1/extensions/1001", {"raw": b"\xff\xfe"}),
                (400, "bad_request", "POST", "/v1/calls", {"body": {}, "Idempotency_Key": "k" * 65}),
                (404, "not_found", "POST", "/v1/calls", {"body": {"from": "4711", "to": "1002"}}),
                (409, "conflict", "POST", "/v1/calls", {"body": {"from": "1003", "to": "1002"}}),
                (404, "not_found", "GET", "/v1/recordings/default/2026-11-29/none.wav", {}), (404, "not_found", "GET", "/v1/recordings/default%2Fnone.wav", {}),
                (503, "unavailable", "GET", "/v1/recordings/default%2Fnone.wav/link", {}),
                (400, "bad_argument", "GET", "/v1/recordings/default%2Fnone.wav?nothing=1", {})):
            headers, _ = self.refused(status, code, self.node, method, path, self.admin, **more)
            if status == 405:
                self.assertIn("GET", headers["Allow"])
        for head, status in (("Content-Length: 200000", 413), ("Transfer-Encoding: chunked", 411), ("Content-Length: x", 400)):
            with socket.create_connection((place.NODE, self.node.http_port), 30) as link:
                link.sendall(f"PATCH /v1/extensions/1001 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.admin}\r\n{head}\r\n\r\n".encode())
                self.assertIn(f" {status} ".encode(), link.recv(4096).split(b"\r\n")[0] + b" ")

    def test_tenants_never_meet(self):
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.example")
        self.addCleanup(self.tenant_gone)
        stranger = self.token(self.node, "admin", tenant="acme")
        out, into, _ = self.connect()
        call, = self.ok(self.node, "GET", "/v1/calls", self.admin)
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls", stranger), [])
        self.refused(404, "not_found", self.node, "GET", f"/v1/calls/{call['id']}", stranger)
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{call['id']}/hangup", stranger)
        self.refused(404, "not_found", self.node, "GET", "/v1/extensions/1001", stranger)
        self.refused(400, "unknown_argument", self.node, "GET", "/v1/calls?tenant=default", stranger)
        operator = self.token(self.node, "operator")
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls?tenant=default", operator)[0]["id"], call["id"])
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls?tenant=acme", operator), [])
        out.bye()
        into.wait_bye()

    def tenant_gone(self):
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("token.delete", name="t-admin", tenant="acme")
            client.ask("tenant.delete", name="acme")

    def test_slow_ones_cost_nobody(self):
        """As many as a source may have stand still in the middle of a head or a body; others are answered."""
        slow = []
        for i in range(20):
            link = socket.create_connection((place.NODE, self.node.http_port), 30)
            self.addCleanup(link.close)
            link.sendall(b"GET /v1/calls HTTP/1.1\r\nHost:" if i % 2 else f"PATCH /v1/extensions/1001 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.admin}\r\nContent-Length: 9\r\n\r\n{{".encode())
            slow.append(link)
        for _ in range(20):
            self.ok(self.node, "GET", "/v1/calls", self.admin)


class Monitor:
    """All that anybody sends to a Redis, and all that its scripts do."""

    def __init__(self, path):
        self.link, self.text = socket.socket(socket.AF_UNIX), b""
        self.link.connect(path)
        self.link.sendall(b"MONITOR\r\n")
        self.link.recv(5, socket.MSG_WAITALL)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while more := self.link.recv(65536):
            self.text += more

    def seen(self, what):
        return what.encode() in self.text

    def close(self):
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self.link.close()


class Keys(Asks, CallTest):
    """Idempotency-Key: of one token and one command, sealed, and never twice at once."""

    def setUp(self):
        super().setUp()
        self.admin = self.token(self.node, "admin")

    def keyed(self, method, path, body, key="k", token=None):
        return self.http(self.node, method, path, token or self.admin, body, Idempotency_Key=key)

    def test_of_one_token_and_command(self):
        other = self.token(self.node, "admin", name="other")
        made = self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"})
        again = self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"})
        self.assertEqual((made[0], again[0], made[2]), (200, 200, again[2]))
        strange = self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"}, token=other)
        self.assertEqual(strange[0], 200)
        self.assertNotEqual(strange[2]["token"], made[2]["token"], "another token has another answer: it has made its own")
        status, _, group = self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "Ann"})
        self.assertEqual((status, group["display_name"]), (200, "Ann"), "another command with the same key")
        # the same name with another secret is somebody else
        renewed = self.token(self.node, "admin")
        self.assertNotEqual(self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"}, token=renewed)[2]["token"], made[2]["token"])
        self.ok(self.node, "DELETE", "/v1/tokens/app", renewed)

    def test_another_request(self):
        self.assertEqual(self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "One"})[0], 200)
        for path, body in (("/v1/extensions/1001", {"display_name": "Two"}), ("/v1/extensions/1002", {"display_name": "One"}), ("/v1/extensions/1001", {})):
            status, headers, problem = self.keyed("PATCH", path, body)
            self.assertEqual((status, problem["status"], problem["code"], headers["Content-Type"]), (422, 422, "bad_request", "application/problem+json"))
        self.assertEqual(self.ok(self.node, "GET", "/v1/extensions/1001", self.admin)["display_name"], "One")
        self.assertEqual(self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "One"})[0], 200)
        # what was refused for the moment may be asked again
        self.assertEqual(self.keyed("POST", "/v1/webhooks/none/test", {}, "late")[0], 404)

    def test_nothing_in_the_clear(self):
        monitor = Monitor(self.node.redis_socket)
        self.addCleanup(monitor.close)
        made = self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"})[2]["token"]
        self.assertEqual(self.keyed("PATCH", "/v1/extensions/1001", {"password": "very-plain-password", "pin": "739164"})[0], 200)
        documents = [{"kind": "extension", "number": "1790", "password": "plain-in-a-set"}]
        self.assertEqual(self.keyed("POST", "/v1/sets/sealed/apply", {"documents": documents})[0], 200)
        self.assertEqual(self.keyed("POST", "/v1/tokens", {"name": "app", "role": "reader"})[2]["token"], made)
        until(lambda: monitor.seen("http:done:"))
        for secret in (made.rsplit("~", 1)[1], "very-plain-password", "739164", "plain-in-a-set"):
            self.assertFalse(monitor.seen(secret), secret)
        with Redis(self.node.redis_socket) as redis:
            done = redis("KEYS", "td:{cmd:_operator}:http:done:*")
            self.assertEqual(len(done), 3)
            self.assertTrue(all(0 < redis("TTL", key) <= 600 for key in done))
            # what is changed there, or moved to another command, is no answer
            redis("SET", done[0], redis("GET", done[1]), "EX", "60")
        self.ok(self.node, "POST", "/v1/sets/sealed/apply", self.admin, {"documents": [], "prune": True})

    def test_safe_methods_need_none(self):
        monitor = Monitor(self.node.redis_socket)
        self.addCleanup(monitor.close)
        for i in range(20):
            self.ok(self.node, "GET", "/v1/extensions/1001", self.admin, Idempotency_Key=f"get-{i}")
        self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "Ann"}, "last")
        until(lambda: monitor.seen("http:done:"))
        with Redis(self.node.redis_socket) as redis:
            self.assertEqual(len(redis("KEYS", "td:{cmd*done:http-*")), 1)

    def test_two_at_once(self):
        """While the first one runs the second is told so at once; then it has the first one's answer, and nothing was done twice."""
        self.node.ctl("tenant.put", name="default", web_networks="127.0.0.0/8")
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        self.ok(self.node, "PATCH", "/v1/webhooks/slow", self.admin, {"url": f"http://127.0.0.1:{server.getsockname()[1]}/", "enabled": False})
        self.addCleanup(self.http, self.node, "DELETE", "/v1/webhooks/slow", self.admin)
        answers = []
        first = threading.Thread(target=lambda: answers.append(self.keyed("POST", "/v1/webhooks/slow/test", {})))
        first.start()
        asked, _ = server.accept()
        begun = time.monotonic()
        status, _, problem = self.keyed("POST", "/v1/webhooks/slow/test", {})
        self.assertEqual((status, problem["code"]), (409, "conflict"))
        self.assertLess(time.monotonic() - begun, 2 * slowness())
        asked.recv(65536)
        asked.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        asked.close()
        first.join()
        self.assertEqual((answers[0][0], answers[0][2]["status"]), (200, 204))
        self.assertEqual(self.keyed("POST", "/v1/webhooks/slow/test", {})[2], answers[0][2])
        server.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            server.accept()

    def test_killed_meanwhile(self):
        """The node dies with the command: it comes back, and the key has its answer, or is free to be sent again."""
        self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "Before"}, "kept")
        self.node.kill()
        self.node.start()
        until(lambda: self.http(self.node, "GET", "/v1/health", self.admin)[0] == 200)
        self.ok(self.node, "PATCH", "/v1/extensions/1001", self.admin, {"display_name": "Behind"})
        status, _, shown = self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "Before"}, "kept")
        self.assertEqual((status, shown["display_name"]), (200, "Before"), "the answer of before")
        self.assertEqual(self.ok(self.node, "GET", "/v1/extensions/1001", self.admin)["display_name"], "Behind", "which is not done again")
        self.assertEqual(self.keyed("PATCH", "/v1/extensions/1001", {"display_name": "Third"}, "kept")[0], 422)


class Shown(Asks, CallTest):
    """What of a URL is a secret nobody is shown, in lists, single documents, answers, audit and log; its path administrators alone."""

    def test_urls(self):
        admin, reader = self.token(self.node, "admin"), self.token(self.node, "reader")
        url, shown = "https://hook:s3cretpass@crm.example.com/p4th?token=t0ps3cret&room=5#fr4g", "https://***@crm.example.com/p4th?token=***&room=***#***"
        answers = [self.ok(self.node, "PATCH", "/v1/webhooks/crm", admin, {"url": url, "enabled": False})]
        self.addCleanup(self.http, self.node, "DELETE", "/v1/webhooks/crm", admin)
        answers.append(self.ok(self.node, "PATCH", "/v1/numbers/4100", admin, {"to": url}))
        self.addCleanup(self.http, self.node, "DELETE", "/v1/numbers/4100", admin)
        self.ok(self.node, "PATCH", "/v1/flows/crm", admin, {"program": [{"http": {"url": url}}]})
        self.addCleanup(self.http, self.node, "DELETE", "/v1/flows/crm", admin)
        paths = ("/v1/webhooks/crm", "/v1/webhooks", "/v1/numbers/4100", "/v1/numbers", "/v1/flows/crm", "/v1/flows", "/v1/flows/crm/export", "/v1/flows/crm/graph")
        read = [self.ok(self.node, "GET", path, reader) for path in paths] + [self.ok(self.node, "GET", "/v1/flows:try?flow=crm", reader)]
        self.assertEqual((read[0]["url"], read[2]["to"], read[4]["program"][0]["http"]["url"]), ("https://crm.example.com/…",) * 3)
        self.assertNotIn("p4th", json.dumps(read))
        self.assertIn("crm.example.com", json.dumps(read[-1]))
        answers += read + [self.ok(self.node, "GET", "/v1/webhooks/crm", admin)]
        self.assertEqual(answers[-1]["url"], shown)
        until(lambda: [row for row in self.ok(self.node, "GET", "/v1/audit", admin) if row["command"] == "number.put"])
        answers.append(self.ok(self.node, "GET", "/v1/audit", admin))
        for text in [json.dumps(answer) for answer in answers] + [self.node.log_text()]:
            for secret in ("s3cretpass", "t0ps3cret", "fr4g"):
                self.assertNotIn(secret, text)
        self.assertEqual((answers[0]["url"], answers[1]["to"]), (shown, shown))
        # as it is shown it may come back, with something else beside it, and stays what it was
        stored = self.stored()
        self.ok(self.node, "PATCH", "/v1/webhooks/crm", admin, {"url": shown, "retry_s": 77})
        self.assertEqual((self.stored()["url"], self.stored()["retry_s"], stored["url"]), (url, 77, url))
        self.refused(400, "bad_argument", self.node, "PATCH", "/v1/webhooks/crm", admin, {"url": shown.replace("crm.example", "evil.example")})
        document = {"kind": "webhook", "name": "crm", "url": shown, "retry_s": 78}
        self.ok(self.node, "POST", "/v1/sets/hooks/apply", admin, {"documents": [document]})
        self.assertEqual((self.stored()["url"], self.stored()["retry_s"]), (url, 78))
        self.assertIn("s3cretpass", json.dumps(self.ok(self.node, "GET", "/v1/flows/crm", admin)), "who may put it has it")

    def stored(self):
        with Redis(self.node.redis_socket) as redis:
            return json.loads(redis("HGET", "td:{t:default}:doc:webhook", "crm"))


def host_elsewhere():
    """An address of this machine that is not loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


class Limits(Asks, CallTest):
    settings = {"http": {"cors_origins": ["https://crm.example.org", "http://127.0.0.1:3000"]}}

    def setUp(self):
        super().setUp()
        self.admin = self.token(self.node, "admin")

    def limited(self, **http):
        """The node has read those settings."""
        read = self.node.log_text().count("settings read again")
        self.node.configure({"http": http})
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: self.node.log_text().count("settings read again") > read)

    def test_pages_of_other_hosts(self):
        origin = self.settings["http"]["cors_origins"][0]
        more = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": "authorization, if-match"}
        status, headers, body = self.http(self.node, "OPTIONS", "/v1/calls", Origin=origin, **more)
        self.assertEqual((status, headers["Access-Control-Allow-Origin"], body), (204, origin, None))
        self.assertIn("PATCH", headers["Access-Control-Allow-Methods"])
        self.assertIn("Authorization", headers["Access-Control-Allow-Headers"])
        status, headers, _ = self.http(self.node, "GET", "/v1/calls", self.admin, Origin=origin)
        self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, origin))
        self.assertIn("Link", headers["Access-Control-Expose-Headers"])
        self.assertEqual(self.http(self.node, "GET", "/v1/calls", "wrong", Origin=origin)[1]["Access-Control-Allow-Origin"], origin)
        for other in ("https://other.example.org", "https://crm.example.org:444", "null"):
            for method, token in (("OPTIONS", None), ("GET", self.admin)):
                self.assertIsNone(self.http(self.node, method, "/v1/calls", token, Origin=other, **more)[1]["Access-Control-Allow-Origin"])
        status, headers, document = self.http(self.node, "GET", "/v1/openapi.json", Origin=origin)
        self.assertEqual((status, headers["Access-Control-Allow-Origin"], document["openapi"]), (200, origin, "3.1.0"))
        self.limited(cors_origins=[])
        self.assertIsNone(self.http(self.node, "GET", "/v1/calls", self.admin, Origin=origin)[1]["Access-Control-Allow-Origin"])

    def raw(self, path, **headers):
        link = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=60)
        try:
            link.request("GET", path, headers={"Authorization": f"Bearer {self.admin}"} | headers)
            answer = link.getresponse()
            return answer, answer.read()
        finally:
            link.close()

    def test_compressed(self):
        for path in ("/v1/help", "/v1/openapi.json", "/v1/openapi.json"):
            plain, text = self.raw(path)
            answer, packed = self.raw(path, **{"Accept-Encoding": "br, gzip;q=0.5"})
            self.assertEqual((answer.headers["Content-Encoding"], gzip.decompress(packed)), ("gzip", text))
            self.assertLess(3 * len(packed), len(text))
            self.assertEqual((plain.headers["Content-Encoding"], plain.headers["ETag"]), (None, answer.headers["ETag"].replace("-gzip", "")))
            for encoding, tag in (("gzip", answer.headers["ETag"]), ("", plain.headers["ETag"])):
                answer, body = self.raw(path, **{"Accept-Encoding": encoding, "If-None-Match": tag})
                self.assertEqual((answer.status, body), (304, b""))
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        text = self.raw("/v1/help")[1]
        for refused in ("gzip;q=0, br", "", ",,", ";,;q=", "gzip2, ;q=1"):
            self.assertEqual(self.raw("/v1/help", **{"Accept-Encoding": refused})[1], text)
        self.assertIsNone(self.raw("/v1/calls", **{"Accept-Encoding": "gzip"})[0].headers["Content-Encoding"])

    def test_too_many(self):
        other = self.token(self.node, "reader", name="other")
        self.limited(requests_per_token=5)
        answers = [self.http(self.node, "GET", "/v1/calls", self.admin) for _ in range(30)]
        self.assertEqual({status for status, _, _ in answers}, {200, 429})
        late = [(headers, problem) for status, headers, problem in answers if status == 429]
        self.assertTrue(all(int(headers["Retry-After"]) >= 1 and problem["code"] == "busy" for headers, problem in late))
        self.ok(self.node, "GET", "/v1/calls", other)
        time.sleep(int(late[-1][0]["Retry-After"]))
        self.ok(self.node, "GET", "/v1/calls", self.admin)
        self.limited(requests_per_source=5)
        answers = [self.http(self.node, "GET", "/v1/calls", token)[0] for token in (self.admin, other) * 15]
        self.assertEqual(set(answers), {200, 429})
        self.limited()
        self.assertEqual({self.http(self.node, "GET", "/v1/calls", self.admin)[0] for _ in range(30)}, {200})

    def test_wrong_tokens(self):
        """Who guesses is told to wait; who has a token and comes from the same address is served."""
        answers = [self.http(self.node, "GET", "/v1/calls", f"default~t-admin~{i:032}")[:2] for i in range(60)]
        self.assertEqual({status for status, _ in answers}, {401, 429})
        self.assertTrue(all(int(headers["Retry-After"]) >= 1 for status, headers in answers if status == 429))
        self.ok(self.node, "GET", "/v1/calls", self.admin)

    def test_hostile(self):
        """5,000 connections of many addresses stand still in the middle of a request, and bodies of 1 GB are promised; who is honest is served, and calls come through."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, most), most))
        honest = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=60)
        self.addCleanup(honest.close)
        slow, took = [], []
        for i in range(5000):
            link = socket.socket()
            slow.append(link)
            link.bind((f"127.1.{i // 250}.{1 + i % 250}", 0))
            link.connect((place.NODE, self.node.http_port))
            link.sendall(b"GET /v1/calls HTTP/1.1\r\nHost:" if i % 2 else b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n{")
            if i % 50 == 0:
                begun = time.monotonic()
                honest.request("GET", "/v1/calls", headers={"Authorization": f"Bearer {self.admin}"})
                answer = honest.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, b"[]"))
                took.append(time.monotonic() - begun)
        out, into, _ = self.connect()
        self.assertEqual(len(self.ok(self.node, "GET", "/v1/calls", self.admin)), 1)
        out.bye()
        into.wait_bye()
        for link in slow:
            link.close()
        took.sort()
        self.assertLess(took[len(took) * 98 // 100], 0.05 * slowness(), took[-5:])


class Door(Asks, CallTest):
    """One user's session, of eight addresses, wants all connections; whoever else comes is served."""
    ADDRESSES, EACH = 8, 32

    def setUp(self):
        super().setUp()
        self.weak = self.ok(self.node, "POST", "/v1/sessions", None, {"number": "1001", "password": "secret1001"})["token"]
        self.links = {}
        self.addCleanup(lambda: [link.close() for link in self.links.values()])
        with Client(self.node.redis_socket, "_operator") as client:
            client.ask("tenant.put", name="acme", domains="acme.test")
            self.addCleanup(self.node.ctl, "tenant.delete", name="acme")
        self.operator, self.other = self.token(self.node, "operator"), self.token(self.node, "reader", tenant="acme")
        self.addCleanup(self.node.ctl, "token.delete", name="t-reader", tenant="acme")

    def take_all(self, request):
        """Each connection that is not there any more is made again."""
        for i in range(self.ADDRESSES * self.EACH):
            link = self.links.get(i)
            try:
                if not link:
                    link = self.links[i] = socket.socket()
                    link.settimeout(0.05)
                    link.bind((f"127.2.0.{1 + i % self.ADDRESSES}", 0))
                    link.connect((place.NODE, self.node.http_port))
                link.sendall(request)
                if not link.recv(4096):
                    raise ConnectionResetError
            except TimeoutError:
                pass
            except OSError:
                self.links.pop(i).close()

    @staticmethod
    def is_open(link):
        try:
            return bool(link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def others_are_served(self):
        for source in ("127.0.0.1", "127.2.0.1"):
            for path, token in (("/healthz", None), ("/readyz", None), ("/metrics", None), ("/v1/calls", self.operator), ("/v1/calls", self.other)):
                link = http.client.HTTPConnection(place.NODE, self.node.http_port, timeout=10, source_address=(source, 0))
                link.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
                self.assertEqual(link.getresponse().status, 200, f"{path} of {source}")
                link.close()
        phone = WebSocket((place.NODE, self.node.http_port))
        phone.close()

    def test_kept(self):
        request = f"GET /v1/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.weak}\r\n\r\n".encode()
        for _ in range(2):
            self.take_all(request)
            self.others_are_served()
        self.assertLessEqual(sum(self.is_open(link) for link in self.links.values()), 16, "a user has more connections than its share")

    def test_at_work(self):
        """Each has a request under way, of which the rest does not come."""
        self.take_all(f"POST /v1/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.weak}\r\nContent-Length: 9\r\n\r\n{{".encode())
        self.others_are_served()
        status, headers, problem = self.http(self.node, "GET", "/v1/calls", self.weak)
        self.assertEqual((status, headers["Content-Type"], problem["title"]), (429, "application/problem+json", "too many connections of this user"))
        until(lambda: self.http(self.node, "GET", "/v1/calls", self.weak)[0] == 200)


class Pipelined(Asks, CallTest):
    def test_requests_behind_each_other(self):
        """What comes behind a request in one packet costs nobody but its connection: the first is answered but where it has a body
        (RFC 9112 9.3.2 wants nothing behind that), others are served."""
        head = f"Host: x\r\nAuthorization: Bearer {self.token(self.node, 'admin')}\r\n"
        get = f"GET /v1/calls HTTP/1.1\r\n{head}\r\n"
        post = f"POST /v1/calls HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}"
        stranger = post.replace("Bearer", "None")
        for first in (get, post, get.replace("GET", "HEAD"), get.replace("/v1/calls", "/healthz"), get.replace("Bearer", "None"), stranger):
            for more in (get, get * 50, post, post[:-1], post[:-2], stranger[:-1], post.replace("Content-Length: 2", "Content-Length: 99")):
                with self.subTest(first=first[:20], more=more[:20]), socket.create_connection((place.NODE, self.node.http_port), 10) as link:
                    link.sendall((first + more).encode())
                    answer = b""
                    while piece := link.recv(65536):
                        answer += piece
                    if first[:4] != "POST":
                        self.assertRegex(answer, rb"^HTTP/1.[01] [245]")
                    self.assertEqual(self.http(self.node, "GET", "/healthz")[0], 200)
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls", self.token(self.node, "admin", name="other")), [])


class Nodes(Asks, Pair):
    def test_no_change_is_lost(self):
        """Four clients at two nodes count in one document: each reads, adds one to its number, and writes if nobody was first. Where Redis was
        late for a node the client asks what became of it: its number says so, whoever wrote since."""
        token, path = self.token(self.a, "admin", tenant="default"), "/v1/extensions/2200"
        until(lambda: self.http(self.b, "GET", "/v1/calls", token)[0] == 200)
        self.assertEqual(self.http(self.a, "PATCH", path, token, {"password": "a long secret", "display_name": "0 0 0 0"})[0], 200)
        until(lambda: self.http(self.b, "GET", path, token)[0] == 200)
        late, failed = [], []

        def count(node, own):
            done, uncertain = 0, False
            for _ in range(5000):
                status, headers, shown = self.http(node, "GET", path, token)
                if status == 504:
                    continue
                numbers = [int(number) for number in shown["display_name"].split()]
                if numbers[own] not in (done, done + uncertain):
                    failed.append(f"{numbers[own]}, and not {done}")
                    return
                done, uncertain = numbers[own], uncertain and numbers[own] == done
                if done == 10:
                    return
                numbers[own] += 1
                status, _, problem = self.http(node, "PATCH", path, token, {"display_name": " ".join(map(str, numbers))}, If_Match=headers["ETag"])
                if status == 200:
                    done, uncertain = done + 1, False
                elif status == 412:
                    late.append(problem)
                elif status == 504:
                    uncertain = True
                else:
                    failed.append(problem)
            failed.append("nobody was ever first")

        clients = [threading.Thread(target=count, args=(node, own)) for own, node in enumerate((self.a, self.b) * 2)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(failed, [])
        until(lambda: self.http(self.a, "GET", path, token)[2]["display_name"] == "10 10 10 10")
        self.assertTrue(late)

    def test_a_key_at_both(self):
        """What was asked at one node with a key is answered at the other, also by a token that is limited, and when the first one is dead."""
        token = self.token(self.a, "admin", tenant="default", name="keys", commands="set.*,extension.put")
        until(lambda: self.http(self.b, "GET", "/v1/sets", token)[0] == 200)
        documents = [{"kind": "extension", "number": "2300", "password": "a long secret"}]
        made = [self.http(node, "POST", "/v1/sets/keys/apply", token, {"documents": documents}, Idempotency_Key="both") for node in (self.a, self.b)]
        self.assertEqual((made[0][0], made[0][2]["created"], made[0][2]), (200, 1, made[1][2]))
        self.assertEqual(self.http(self.b, "POST", "/v1/sets/keys/apply", token, {"documents": []}, Idempotency_Key="both")[0], 422)
        for i in range(8):      # whichever node carries it out
            wide = [{"kind": "token", "name": "keys", "commands": ""}]
            status, _, problem = self.http((self.a, self.b)[i % 2], "POST", "/v1/sets/wide/apply", token, {"documents": wide}, Idempotency_Key=f"wide-{i}")
            self.assertEqual((status, problem["errors"][0]["code"]), (400, "not_allowed"))
            self.assertEqual(self.http((self.a, self.b)[i % 2], "DELETE", "/v1/extensions/2300", token, Idempotency_Key=f"gone-{i}")[0], 403)
        self.a.kill()
        try:
            self.assertEqual(self.http(self.b, "POST", "/v1/sets/keys/apply", token, {"documents": documents}, Idempotency_Key="both")[2], made[0][2])
        finally:
            self.a.start()

    rate = 5

    @classmethod
    def settings(cls, name, shard):
        return super().settings(name, shard) | {"http": {"bind": "0.0.0.0", "tls": True}}

    def test_of_another_node(self):
        """A token counts on all nodes and is revoked on all; what another node has is asked there."""
        token = self.token(self.a, "operator")
        until(lambda: self.http(self.b, "GET", "/v1/calls", token)[0] == 200)
        for node in (self.a, self.b):
            for name in ("a", "b"):
                self.assertEqual(self.ok(node, "GET", f"/v1/nodes/{name}", token)["name"], name)
            row, = self.ok(node, "GET", "/v1/nodes", token)     # in no cluster
            self.assertEqual(row["state"], "self")
            shard, = self.ok(node, "GET", "/v1/shards?state=live", token)
            self.assertEqual((shard["owner"], row["shards"]), (row["name"], [shard["shard"]]))
            self.assertEqual(self.ok(node, "GET", f"/v1/shards/{shard['shard']}", token)["live_utc_ms"], shard["live_utc_ms"])
            self.assertEqual(self.ok(node, "GET", "/v1/shards?state=lost", token), [])
            self.refused(404, "not_found", node, "GET", "/v1/shards/65535", token)
            self.assertEqual(self.ok(node, "GET", "/v1/health", token)["status"], "ok")
        self.refused(409, "conflict", self.a, "GET", "/v1/cluster/status", token)
        plain = http.client.HTTPConnection(place.NODE, self.a.http_port, timeout=60)
        self.addCleanup(plain.close)
        with self.assertRaises((http.client.HTTPException, OSError)):       # it is HTTPS alone
            plain.request("GET", "/v1/calls", headers={"Authorization": f"Bearer {token}"})
            plain.getresponse()
        with Client(self.a.redis_socket, "_operator") as client:
            client.ask("token.delete", name="t-operator")
        gone = time.monotonic()
        until(lambda: {self.http(node, "GET", "/v1/calls", token)[0] for node in (self.a, self.b)} == {401})
        self.assertLess(time.monotonic() - gone, slowness())

    def test_zz_without_redis(self):
        """Redis is away: for 30 s tokens count as they are known, then for clients of this machine alone, until it is back."""
        elsewhere = host_elsewhere()
        if not elsewhere or elsewhere.startswith("127."):
            self.skipTest("this machine has no address but loopback's")
        token = self.token(self.a, "reader", name="away")
        until(lambda: self.http(self.b, "GET", "/v1/help", token, host=elsewhere)[0] == 200)
        self.redis_stop()
        began = time.monotonic()
        statuses = []
        while time.monotonic() - began < 8 * slowness() and 503 not in statuses:
            statuses.append(self.http(self.b, "GET", "/v1/help", token, host=elsewhere)[0])
            cut = time.monotonic() - began
            time.sleep(0.1)
        self.assertEqual((set(statuses[:-1]), statuses[-1]), ({200}, 503))
        self.assertGreater(cut, 30 / self.rate - 0.5)
        self.assertLess(cut, 30 / self.rate + slowness())
        self.ok(self.b, "GET", "/v1/help", token)
        self.refused(503, "unavailable", self.b, "GET", "/v1/help", token, host=elsewhere)
        self.redis_start()
        until(lambda: self.http(self.b, "GET", "/v1/help", token, host=elsewhere)[0] == 200)
