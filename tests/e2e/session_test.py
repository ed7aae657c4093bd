# SPDX-License-Identifier: Apache-2.0
"""Sessions of users (docs/adr/0109): what a user may, over every command; passwords, their brake, renewal, ends, on two nodes."""
import json
import os
import tempfile
import time

from call_test import CallTest
from directory_test import Pair
from flow_shipped_test import tone_file
from http_api_test import Asks
from http_events_test import Stream
from patience import PATIENCE_S, slowness, until
from tandem_client import Client, Refused


class Users(Asks):
    def session(self, node, number, password=None, **more):
        status, _, result = self.http(node, "POST", "/v1/sessions", None, {"number": number, "password": password or f"secret{number}", **more})
        self.assertEqual(status, 200, result)
        self.assertEqual(result["number"], number)
        self.assertNotIn("hash", result)
        return result

    def wrong(self, node, number, password, status=401, **more):
        got, headers, problem = self.http(node, "POST", "/v1/sessions", None, {"number": number, "password": password, **more})
        self.assertEqual((got, problem["status"], headers["WWW-Authenticate"]), (status, status, "Bearer" if status == 401 else None), problem)
        return problem["detail"]

    def counts(self, node, token, status=200):
        return self.http(node, "GET", "/v1/calls", token)[0] == status


class Sessions(Users, CallTest):
    """1001 and 1002 are users; 1003 is another one, and what it has nobody else sees."""

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.admin = self.token(self.node, "admin")

    def operator(self, command, **arguments):
        with Client(self.node.redis_socket, "_operator") as client:
            return client.ask(command, wait=PATIENCE_S, **arguments)

    def test_of_own_calls(self):
        mine, peer, other = (self.session(self.node, number)["token"] for number in ("1001", "1002", "1003"))
        out, into, _ = self.connect()
        call, = self.ok(self.node, "GET", "/v1/calls", mine)
        self.assertEqual((call["from"], call["to"]), ("1001", "1002"))
        shown = self.ok(self.node, "GET", f"/v1/calls/{call['id']}", peer)
        self.assertEqual(shown["id"], call["id"])
        self.assertFalse({"a_peer", "b_peer", "a", "b", "flows", "a_sip_call_id", "recordings"} & set(shown), "what is of the other one's phone")
        self.assertEqual(self.ok(self.node, "GET", "/v1/calls", other), [])
        for method, path in (("GET", ""), ("POST", "/hangup"), ("POST", "/hold"), ("POST", "/resume"), ("POST", "/transfer_cancel")):
            self.refused(404, "not_found", self.node, method, f"/v1/calls/{call['id']}{path}", other, {} if method == "POST" else None)
        self.refused(404, "not_found", self.node, "POST", f"/v1/calls/{call['id']}/transfer", other, {"to": "1003"})
        # the leg is his own, whichever he names
        self.ok(self.node, "POST", f"/v1/calls/{call['id']}/hold", peer, {"leg": "a"})
        until(lambda: self.ok(self.node, "GET", f"/v1/calls/{call['id']}", self.admin)["b"]["holds"])
        self.assertFalse(self.ok(self.node, "GET", f"/v1/calls/{call['id']}", self.admin)["a"]["holds"])
        self.operator("extension.put", number="1002", hold=False, transfer=False)
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call['id']}/resume", peer, {})
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call['id']}/transfer", peer, {"to": "1003"})
        self.operator("extension.put", number="1002", hold=True, transfer=True, features_off=["transfer"])
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call['id']}/transfer", peer, {"to": "1003"})
        self.operator("extension.put", number="1002", features_off=[])
        self.operator("tenant.put", name="default", features_off=["call_control"])
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/calls/{call['id']}/resume", peer, {})
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{call['id']}", peer)["id"], call["id"])
        self.operator("tenant.put", name="default", features_off=[])
        self.ok(self.node, "POST", f"/v1/calls/{call['id']}/hangup", peer)
        for end in (out, into):
            end.wait_bye()
        self.ended()
        self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{call['id']}", mine)["state"], "ended")
        self.refused(404, "not_found", self.node, "GET", f"/v1/calls/{call['id']}", other)
        until(lambda: self.ok(self.node, "GET", "/v1/cdrs", mine))
        row, = self.ok(self.node, "GET", "/v1/cdrs", peer)
        self.assertEqual((row["id"], row["from"]), (call["id"], "1001"))
        self.assertFalse([name for name in row if name.startswith(("a_", "b_"))])
        self.assertEqual(self.ok(self.node, "GET", "/v1/cdrs", other), [])

    def test_who_hides_is_not_named(self):
        """Privacy: id (RFC 3323): the user who is called sees nobody in lists, records and events, nor by their filters; who called sees himself,
        and who runs the tenant or the node sees both, and that the number is hidden."""
        mine, peer, reader = self.session(self.node, "1001")["token"], self.session(self.node, "1002")["token"], self.token(self.node, "reader")
        heard = {token: Stream(self.node, token, "type=call.*") for token in (mine, peer, reader)}
        for stream in heard.values():
            self.addCleanup(stream.close)
            self.assertEqual(stream.next()["type"], "listening")
        out = self.a.invite("1002", self.audio_a.sdp(), headers=[("Privacy", "id")])
        into = self.b.incoming()
        self.assertIn("anonymous@anonymous.invalid", into.request.get("From"))
        into.respond(200, "OK", body=self.audio_b.sdp())
        out.wait_answer()
        into.wait_ack()
        for token, name in ((mine, "1001"), (peer, "anonymous"), (reader, "1001"), (self.admin, "1001")):
            row, = self.ok(self.node, "GET", "/v1/calls", token)
            shown = self.ok(self.node, "GET", f"/v1/calls/{row['id']}", token)
            for one in (row, shown):
                self.assertEqual((one["from"], one["to"]), (name, "1002"))
                if name == "anonymous":
                    self.assertNotIn("1001", json.dumps(one))
            self.assertEqual(row["from_name"], "Anonymous")
        for query in ("number=1001", "from=1001"):
            self.assertEqual(self.ok(self.node, "GET", "/v1/calls?" + query, peer), [], query)
        into.bye()
        out.wait_bye()
        self.ended()
        for token, name in ((mine, "1001"), (peer, "anonymous"), (reader, "1001")):
            self.assertEqual(self.ok(self.node, "GET", f"/v1/calls/{row['id']}", token)["from"], name)
            until(lambda t=token: self.ok(self.node, "GET", "/v1/cdrs", t))
            record, = self.ok(self.node, "GET", "/v1/cdrs", token)
            self.assertEqual(record["from"], name)
            events = []
            while not events or events[-1]["type"] != "call.ended":
                events.append(heard[token].next())
            self.assertEqual({event["from"] for event in events}, {name})
            if name == "anonymous":
                self.assertNotIn("1001", json.dumps([record, events]))
        for query in ("number=1001", "from=1001"):
            self.assertEqual(self.ok(self.node, "GET", "/v1/cdrs?" + query, peer), [], query)

    def test_of_own_extension(self):
        mine = self.session(self.node, "1001")["token"]
        self.assertEqual(self.ok(self.node, "PATCH", "/v1/extensions/1001", mine, {"do_not_disturb": True})["do_not_disturb"], True)
        self.assertEqual(self.ok(self.node, "PATCH", "/v1/extensions/1001", mine, {"do_not_disturb": False, "forward_busy": "1003"})["forward_busy"], "1003")
        self.ok(self.node, "POST", "/v1/extensions/1001/presence", mine, {"state": "away"})
        self.assertEqual([row["number"] for row in self.ok(self.node, "GET", "/v1/registrations", mine)], ["1001"])
        for status, method, path, body in (
                (403, "PATCH", "/v1/extensions/1001", {"classes": ["international"]}), (403, "PATCH", "/v1/extensions/1001", {"password": "another one"}),
                (403, "PATCH", "/v1/extensions/1002", {"do_not_disturb": True}), (403, "GET", "/v1/extensions/1002", None),
                (403, "POST", "/v1/extensions/1002/presence", {"state": "away"}), (403, "GET", "/v1/registrations?number=1002", None),
                (403, "POST", "/v1/calls", {"from": "1002", "to": "1003"}), (403, "GET", "/v1/extensions", None), (403, "GET", "/v1/tokens", None),
                (403, "DELETE", "/v1/extensions/1001", None), (403, "GET", "/v1/sessions?number=1002", None),
                (403, "PATCH", "/v1/tokens/more", {"hash": "0" * 64}), (400, "GET", "/v1/calls?as=1002", None), (400, "GET", "/v1/calls?tenant=default", None)):
            got, _, problem = self.http(self.node, method, path, mine, body)
            self.assertEqual(got, status, f"{method} {path}: {problem}")
        self.operator("extension.put", number="1001", forwarding_codes=False, do_not_disturb_codes=False)
        for body in ({"forward_busy": ""}, {"do_not_disturb": True}):
            self.refused(403, "not_allowed", self.node, "PATCH", "/v1/extensions/1001", mine, body)
        self.operator("extension.put", number="1001", forwarding_codes=True, do_not_disturb_codes=True, forward_busy="", presence="")
        # MON-01: of those whom it may watch it chooses; of nobody else
        self.operator("extension.put", number="1001", monitor="listed", monitors="1002")
        self.assertEqual(self.ok(self.node, "PATCH", "/v1/extensions/1001", mine, {"lamps": "1=blf:1002"})["lamps"], "1=blf:1002")
        self.assertEqual(self.http(self.node, "PATCH", "/v1/extensions/1001", mine, {"lamps": "1=blf:1002,2=blf:1003"})[0], 400)
        self.operator("extension.put", number="1001", monitor="none", lamps="")
        self.assertEqual(self.http(self.node, "PATCH", "/v1/extensions/1001", mine, {"lamps": "1=blf:1002"})[0], 400)
        self.operator("extension.put", number="1001", monitor="all", monitors="")

    def test_own_settings(self):
        """Call waiting, automatic answers, and what he is told of messages: his own alone."""
        mine = self.session(self.node, "1001")["token"]
        for body in ({"call_waiting": "single"}, {"auto_answer": "auto-answer", "auto_answer_s": 2}, {"mailbox_notify": "urgent", "mailbox_notify_to": "1002"},
                     {"mailbox_notify_hours": "08:00-18:00", "mailbox_notify_retry_s": 60}, {"mailbox_mail": "a@b.test", "mailbox_mail_audio": False}):
            shown = self.ok(self.node, "PATCH", "/v1/extensions/1001", mine, body)
            self.assertEqual({name: shown[name] for name in body}, body)
            self.refused(403, "not_allowed", self.node, "PATCH", "/v1/extensions/1002", mine, body)
        for body in ({"mailbox_members": "1002"}, {"record": "auto"}, {"features_off": []}, {"pin": "4711"}, {"monitor": "all"}):
            self.refused(403, "not_allowed", self.node, "PATCH", "/v1/extensions/1001", mine, body)

    def test_own_secrets(self):
        """The present password proves the new one and the PIN; nothing shows them; sessions end; guesses count."""
        mine, other = self.session(self.node, "1001")["token"], self.session(self.node, "1003")["token"]
        path = "/v1/extensions/1001/secret"
        self.refused(403, "not_allowed", self.node, "POST", path, other, {"present": "secret1001", "new_pin": "4711"})
        self.refused(403, "not_allowed", self.node, "POST", path, mine, {"present": "secret1003", "new_pin": "4711"})
        for body in ({"present": "secret1001"}, {"new_pin": "4711"}, {"present": "secret1001", "new_pin": "4x"}, {"present": "secret1001", "new_password": "abc"}):
            self.assertEqual(self.http(self.node, "POST", path, mine, body)[0], 400, body)
        self.assertFalse(self.ok(self.node, "GET", "/v1/extensions/1001", mine)["has_pin"])
        self.assertEqual(self.ok(self.node, "POST", path, mine, {"present": "secret1001", "new_pin": "471147"}), {"number": "1001"})
        self.assertTrue(self.ok(self.node, "GET", "/v1/extensions/1001", mine)["has_pin"])
        self.operator("tenant.put", name="default", one_password=True)
        self.refused(409, "conflict", self.node, "POST", path, mine, {"present": "secret1001", "new_pin": "4712"})
        self.operator("tenant.put", name="default", one_password=False)
        self.assertEqual(self.ok(self.node, "POST", path, mine, {"present": "secret1001", "new_password": "another-one"}), {"number": "1001"})
        until(lambda: not self.counts(self.node, mine))
        self.wrong(self.node, "1001", "secret1001")
        mine = self.session(self.node, "1001", "another-one")["token"]
        self.assertTrue(self.counts(self.node, other), "of another one")
        audit = json.dumps(self.operator("audit.list"))
        self.assertIn("extension.secret", audit)
        for secret in ("another-one", "secret1001", "471147"):
            self.assertNotIn(secret, audit)
            self.assertNotIn(secret, self.node.log_text())
        for _ in range(20):
            status, _, problem = self.http(self.node, "POST", path, mine, {"present": "guess", "new_pin": "4711"})
            if status != 403:
                break
        self.assertEqual((status, problem["code"]), (429, "busy"))

    def test_own_greetings(self):
        """Put as a file, heard and said at his own phone, listed and deleted; nobody else's, and no other prompt."""
        mine, other = self.session(self.node, "1001")["token"], self.session(self.node, "1002")["token"]
        folder = self.enterContext(tempfile.TemporaryDirectory())
        tone_file(os.path.join(folder, "greeting.wav"), 700, 1)
        with open(os.path.join(folder, "greeting.wav"), "rb") as file:
            sound = file.read()
        put = self.http(self.node, "PATCH", "/v1/greetings/1001?state=busy", mine, raw=sound, Content_Type="audio/wav")
        self.assertEqual((put[0], put[2]["name"]), (200, "greeting-1001-busy"), put)
        for status, method, path in ((403, "PATCH", "/v1/greetings/1002?state=busy"), (400, "PATCH", "/v1/greetings/1001?state=sleepy"), (403, "PATCH", "/v1/prompts/welcome")):
            self.assertEqual(self.http(self.node, method, path, mine, raw=sound, Content_Type="audio/wav")[0], status, path)
        self.assertEqual(self.http(self.node, "PATCH", "/v1/greetings/1001", mine, raw=b"no sound", Content_Type="audio/wav")[0], 400)
        self.operator("tenant.put", name="default", presence_states="lunch")
        self.addCleanup(self.operator, "tenant.put", name="default", presence_states="")
        self.assertEqual(self.ok(self.node, "GET", "/v1/presence/1001", mine)["states"], "lunch")
        put = self.http(self.node, "PATCH", "/v1/greetings/1001?state=lunch", mine, raw=sound, Content_Type="audio/wav")
        self.assertEqual((put[0], put[2]["name"]), (200, "greeting-1001-lunch"), put)
        self.assertEqual([row["state"] for row in self.ok(self.node, "GET", "/v1/greetings/1001", mine)], ["busy", "lunch"])
        self.ok(self.node, "DELETE", "/v1/greetings/1001?state=lunch", mine)
        for verb in ("record", "hear"):
            self.refused(403, "not_allowed", self.node, "POST", f"/v1/greetings/1001/{verb}", other, {"state": "busy"})
        self.refused(403, "not_allowed", self.node, "DELETE", "/v1/greetings/1001?state=busy", other)
        self.refused(403, "not_allowed", self.node, "GET", "/v1/greetings/1001", other)
        self.ok(self.node, "POST", "/v1/greetings/1001/hear", mine, {"state": "busy"})
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        self.audio_a.use(into.request)
        self.audio_a.wait_tone(700)
        into.wait_bye()
        self.ok(self.node, "POST", "/v1/greetings/1001/record", mine, {})
        into = self.a.incoming()
        audio = self.node.media()
        self.addCleanup(audio.close)
        into.answer(audio.sdp())
        audio.use(into.request)
        audio.wait_tone(1000, 8)
        audio.start(440)
        time.sleep(1.5)
        audio.digit("#")
        audio.stop()
        into.wait_bye()
        until(lambda: {row["state"] for row in self.ok(self.node, "GET", "/v1/greetings/1001", mine)} == {"usual", "busy"})
        self.assertEqual(self.ok(self.node, "GET", "/v1/greetings/1002", other), [])
        self.ok(self.node, "DELETE", "/v1/greetings/1001?state=busy", mine)
        self.assertEqual([row["name"] for row in self.ok(self.node, "GET", "/v1/greetings/1001", mine)], ["greeting-1001"])
        self.refused(404, "not_found", self.node, "DELETE", "/v1/greetings/1001?state=busy", mine)

    def test_passwords(self):
        """A wrong one is refused as for no extension and no tenant, counts, and after some nobody is looked at; SIP's and these are one count."""
        said = {self.wrong(self.node, "1003", "wrong"), self.wrong(self.node, "4711", "wrong"), self.wrong(self.node, "1003", "secret1003", tenant="nobody")}
        self.assertEqual(said, {"number or password is wrong"})
        until(lambda: any(row["type"] == "wrong_password" and row.get("user") == "1003" and row.get("detail") == "session.create"
                          for row in self.operator("security.list")))
        for _ in range(20):
            status, headers, problem = self.http(self.node, "POST", "/v1/sessions", None, {"number": "1003", "password": "wrong"})
            if status != 401:
                break
        self.assertEqual((status, problem["code"]), (429, "busy"))
        self.assertIn("Retry-After", headers)
        self.wrong(self.node, "1003", "secret1003", 429)
        self.assertNotIn("secret1003", self.node.log_text())
        self.operator("extension.put", number="1002", enabled=False)
        self.wrong(self.node, "1002", "secret1002")
        self.operator("extension.put", number="1002", enabled=True)
        for body in ({"number": "1002"}, {"number": "1002", "password": "secret1002", "ttl_s": 1}, {"number": "1002", "password": "secret1002", "more": 1}):
            self.assertEqual(self.http(self.node, "POST", "/v1/sessions", None, body)[0], 400, body)

    def test_as_many_as_the_tenant_may_have(self):
        first, second = self.session(self.node, "1001"), self.session(self.node, "1002")
        self.operator("tenant.put", name="default", max_sessions=1)
        status, _, problem = self.http(self.node, "POST", "/v1/sessions", None, {"number": "1003", "password": "secret1003"})
        self.assertEqual((status, problem["code"]), (409, "full"))
        self.assertIn("max_sessions of the tenant is 1", problem["detail"])
        self.assertTrue(self.counts(self.node, first["token"]) and self.counts(self.node, second["token"]))
        shown = self.ok(self.node, "GET", "/v1/tenants:status", self.admin)
        self.assertEqual((shown["sessions"], shown["max_sessions"]), (2, 1))
        self.operator("tenant.put", name="default", max_sessions=3)
        self.session(self.node, "1003")

    def test_tokens_of_admins_for_a_user(self):
        made = self.ok(self.node, "POST", "/v1/tokens", self.admin, {"name": "crm-1001", "user": "1001", "role": "admin"})
        self.refused(403, "not_allowed", self.node, "GET", "/v1/extensions", made["token"])
        self.assertEqual(self.ok(self.node, "GET", "/v1/extensions/1001", made["token"])["number"], "1001")
        self.refused(404, "not_found", self.node, "POST", "/v1/tokens", self.admin, {"name": "crm-4711", "user": "4711"})
        self.refused(400, "bad_argument", self.node, "POST", "/v1/tokens", self.admin, {"name": "session-1", "user": "1001"})
        keyed = [self.http(self.node, "GET", "/v1/extensions/1001", token, Idempotency_Key="same")[0] for token in (made["token"], self.session(self.node, "1002")["token"])]
        self.assertEqual(keyed, [200, 403], "the answer of another user's key is not told")


class Matrix(Users, CallTest):
    def test_every_command(self):
        """A user gives no command but those that are for users, and none of those with another one's number, call or session."""
        self.node.put_extension("1003", "secret1003")
        theirs = self.session(self.node, "1002")
        mine = self.session(self.node, "1001")["token"]
        names = {}
        with Client(self.node.redis_socket, "_operator") as client:
            table = client.ask("help")
            client.ask("extension.put", number="1002", display_name="whom nobody sees")
        with self.node.media() as audio:
            out = self.node.user_agent("1003", "secret1003")
            self.addCleanup(out.close)
            out.register()
            one = out.invite("1002", audio.sdp())
            two = self.b.incoming()
            two.respond(200, "OK", body=audio.sdp())
            one.wait_answer()
            two.wait_ack()
            with Client(self.node.redis_socket, "_operator") as client:
                call = client.ask("call.list")[0]["id"]
            values = {"call": call, "with": call, "number": "1002", "from": "1002", "by": "1002", "mailbox": "1002", "name": theirs["name"], "to": "1002", "state": "away"}
            for row in table:
                given = {arg["name"]: values[arg["name"]] for arg in row["arguments"] if arg["name"] in values and (arg["required"] or arg["name"] in ("number", "mailbox"))}
                for arg in row["arguments"]:
                    if arg["required"] and arg["name"] not in given:
                        given[arg["name"]] = 1 if arg["type"] == "number" else "a"
                with self.subTest(command=row["name"]), Client(self.node.redis_socket, "_operator") as client:
                    try:
                        said = json.dumps(client.ask(row["name"], **{"as": "1001", **given}))
                    except Refused as refused:
                        names.setdefault(refused.code, set()).add(row["name"])
                        continue
                    names.setdefault("ok", set()).add(row["name"])
                    for mark in (call, theirs["name"], *(() if row["name"] == "directory.list" else ("whom nobody sees",))):
                        self.assertNotIn(mark, said)
            one.bye()
            two.wait_bye()
        lists = {"help", "call.list", "cdr.list", "directory.list", "directory.export", "room.list", "sync.list", "park.list"}
        self.assertLessEqual(names["ok"], lists, "what names nobody shows nobody, but the directory")
        self.assertEqual(self.http(self.node, "GET", "/v1/calls", mine)[0], 200)
        users = {row["name"] for row in table if row["name"] in names.get("ok", set()) | names.get("not_found", set())}
        self.assertLessEqual(users, {*lists, "conference.add", "crm.call", "directory.get", "picture.get", "room.show", "room.delete", "sync.get", "sync.delete", "sync.run", "sync.state", *(
            f"call.{verb}" for verb in ("accept", "account_code", "dtmf", "hangup", "hold", "mute", "park", "record", "reject", "resume", "retrieve", "show", "transfer",
                                        "transfer_cancel"))}, names)
        self.assertLessEqual(names.get("conflict", set()), {"call.pickup"}, "nobody is told that there is such a call")


class Nodes(Users, Pair):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with Client(cls.socket, "_operator") as client:
            for number in ("1001", "1002"):
                client.ask("extension.put", number=number, password=f"secret{number}")

    def gone(self, what, token):
        began = time.monotonic()
        what()
        until(lambda: all(self.http(node, "GET", "/v1/calls", token)[0] in (401, 403) for node in (self.a, self.b)))
        self.assertLess(time.monotonic() - began, slowness() + 0.5)

    def test_ends_on_both(self):
        """A session of one node is good at the other, and ends there too: by its user, by an admin, by another password, with the extension."""
        admin = self.token(self.a, "admin")
        until(lambda: all(self.counts(node, admin) for node in (self.a, self.b)))

        def begin(number="1001"):
            made = self.session(self.a, number)
            until(lambda: all(self.counts(node, made["token"]) for node in (self.a, self.b)))
            return made

        made, second = begin(), begin()
        self.assertEqual({row["name"] for row in self.ok(self.b, "GET", "/v1/sessions", made["token"])}, {made["name"], second["name"]})
        other = begin("1002")
        self.refused(404, "not_found", self.b, "DELETE", f"/v1/sessions/{made['name']}", other["token"])
        self.assertGreater(self.ok(self.b, "POST", f"/v1/sessions/{made['name']}/renew", made["token"], {"ttl_s": 7200})["expires_utc_s"], made["expires_utc_s"] + 3000)
        self.refused(404, "not_found", self.b, "POST", f"/v1/sessions/{made['name']}/renew", other["token"], {"ttl_s": 7200})
        self.gone(lambda: self.ok(self.b, "DELETE", f"/v1/sessions/{made['name']}", made["token"]), made["token"])
        self.gone(lambda: self.ok(self.b, "DELETE", f"/v1/sessions/{second['name']}", admin), second["token"])
        self.assertEqual([row["name"] for row in self.ok(self.a, "GET", "/v1/sessions?number=1001", admin)], [])
        with Client(self.socket, "_operator") as client:
            made = begin()
            self.gone(lambda: client.ask("extension.put", number="1001", password="changed1001"), made["token"])
            self.assertTrue(self.counts(self.a, other["token"]), "of another one")
            self.wrong(self.a, "1001", "secret1001")
            client.ask("extension.put", number="1001", password="secret1001")
            self.gone(lambda: client.ask("extension.delete", number="1002"), other["token"])
            client.ask("extension.put", number="1002", password="secret1002")
        # a ninth takes the place of the one that ends first
        all_of = [self.session(self.a, "1001", ttl_s=60 + i)["token"] for i in range(9)]
        until(lambda: self.counts(self.b, all_of[-1]) and not self.counts(self.b, all_of[0]))
        self.assertEqual(len(self.ok(self.a, "GET", "/v1/sessions", all_of[-1])), 8)
