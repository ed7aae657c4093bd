# SPDX-License-Identifier: Apache-2.0
"""The box of a team, the room that a box has, how long it keeps messages, and webhooks of them: VM-04, VM-06, VM-10."""
import glob
import json
import os
import signal
import time
import unittest
import urllib.request

from lib import place
from lib.node import ha1

from flow_shipped_test import RATE
from mailbox_test import Mailbox
from message_waiting_test import Lamp
from patience import PATIENCE_S, until
from ports import Ports
from session_test import Users
from store_test import office
from tandem_client import Refused
from webhooks_test import Server

DAY_S = 86400
KINDS = ("message.new", "message.changed", "message.deleted")


class Box(Users, Mailbox):
    """That of 1002, with messages of 1001."""
    BOX = "1002"

    def message(self, method, path, token, body=None, status=200):
        got, _, result = self.http(self.node, method, f"/v1/messages{path}?mailbox={self.BOX}" if body is None else f"/v1/messages{path}", token,
                                   None if body is None else {"mailbox": self.BOX, **body})
        self.assertEqual(got, status, result)
        return result

    def row(self, message):
        return self.ask("message.get", mailbox=self.BOX, message=message)

    def facts(self, message, **changes):
        """As if it had been recorded so."""
        with self.node.redis() as redis:
            key, field = f"td:{{box:default:{self.BOX}}}:msg", f"f:{message}"
            redis("HSET", key, field, json.dumps({**json.loads(redis("HGET", key, field)), **changes}))


class Team(Box):
    def setUp(self):
        self.port = self.enterContext(Ports(1)).take()
        self.settings = {"recordings": {"port": self.port}}
        super().setUp()

    def test_export(self):
        """Who sees the box gets a link to the message, and it is a WAV of what was said; the message stays new."""
        self.ask("extension.put", number=self.BOX, mailbox_members="1001")
        self.node.put_extension("1003", "secret1003")
        message = self.leave(self.SPOKEN[0])
        owner, member, stranger = (self.session(self.node, number)["token"] for number in (self.BOX, "1001", "1003"))
        self.message("GET", f"/{message}/link", stranger, None, 403)
        for token in (owner, member):
            said = self.message("GET", f"/{message}/link", token)
            [link] = said["links"]
            self.assertEqual((said["message"], link["port"]), (message, self.port))
            with urllib.request.urlopen(f"http://{place.NODE}:{self.port}{link['path']}", timeout=PATIENCE_S) as answer:
                self.assertEqual(answer.headers["Content-Type"], "audio/wav")
                octets = answer.read()
            self.assertEqual((octets[:4], int.from_bytes(octets[4:8], "little"), octets[8:16]), (b"RIFF", len(octets) - 8, b"WAVEfmt "))
            self.assertGreater(len(octets), RATE)
        row = self.row(message)
        self.assertEqual((row["state"], row["server_offset_s"], row["zone_offset_s"]), ("new", time.localtime().tm_gmtoff, 0))
        self.ask("tenant.put", name="default", zone="Asia/Tokyo")
        until(lambda: self.row(message)["zone_offset_s"] == 9 * 3600, lambda: self.row(message))
        self.assertEqual(self.row(message)["server_offset_s"], row["server_offset_s"])
        self.message("GET", "/000agvj5jqr40-1/link", owner, None, 404)

    def test_encrypted(self):
        """Of a tenant with a certificate: it lies nowhere as it was said, and is heard, exported and forwarded all the same."""
        certificate, _ = office(self.node.folder)
        self.node.configure({"recordings": {"port": self.port, "certificate": certificate}})
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: "settings read again" in self.node.log_text(), self.node.log_tail)
        self.ask("extension.put", number=self.BOX, pin=self.PIN)
        message = self.leave(self.SPOKEN[0])
        until(lambda: self.lies() == [f"{message}.1.wav.aes128gcm"], self.lies)
        token = self.session(self.node, self.BOX)["token"]
        [link] = self.message("GET", f"/{message}/link", token)["links"]
        with urllib.request.urlopen(f"http://{place.NODE}:{self.port}{link['path']}", timeout=PATIENCE_S) as answer:
            self.assertEqual(answer.headers["Content-Type"], "audio/wav")
            octets = answer.read()
        self.assertEqual((octets[8:16], self.row(message)["octets"]), (b"WAVEfmt ", len(octets)))
        def listed():
            return [(one["name"], one.get("encrypted")) for one in self.ask("recording.list", mailbox=self.BOX)]

        until(lambda: listed() == [(link["name"] + ".aes128gcm", "aes128gcm")], listed)
        for name in (link["name"] + ".aes128gcm", link["name"]):
            other = self.ask("recording.link", name=name)
            with urllib.request.urlopen(f"http://{place.NODE}:{self.port}{other['path']}", timeout=PATIENCE_S) as answer:
                self.assertEqual(answer.read(), octets)
        [copy] = self.message("POST", f"/{message}/forward", token, {"to": "1001"})["copies"]
        until(lambda: len(self.lies()) == 2 and all(name.endswith(".aes128gcm") for name in self.lies()), self.lies)
        self.dials()
        self.keys("1", "menu")
        self.hears(self.SPOKEN[0])
        self.out.bye()
        self.assertIn(copy["message"], str(self.lies()))

    def lies(self):
        """Files of recordings, but for those that were fetched."""
        return sorted(os.path.basename(path) for kind in ("wav", "aes128gcm") for path in glob.glob(f"{self.node.folder}/recordings/default/*/*.{kind}"))

    def events(self, tenant):
        return [event for event in self.node.told(f"td:{{ev:{tenant}}}") if event["type"] in KINDS]

    def test_members(self):
        """1001 lists, changes and deletes what lies in it, and 1003 does not; nor does the other tenant, whose 1002 has a box of its own."""
        self.node.put_extension("1003", "secret1003")
        self.ask("extension.put", number=self.BOX, mailbox_members="1001", monitored="none")
        self.ask("tenant.put", name="maroon", domains="maroon.test")
        self.ask("extension.put", tenant="maroon", number=self.BOX, ha1=ha1(self.BOX, "maroon.test", "secret"), mailbox_members="1001,1003")
        message = self.leave(self.SPOKEN[0])
        member, stranger = (self.session(self.node, number)["token"] for number in ("1001", "1003"))
        self.assertEqual([row["message"] for row in self.message("GET", "", member)], [message])
        for method, path, body in (("GET", "", None), ("GET", ":count", None), ("GET", f"/{message}", None), ("PATCH", f"/{message}", {"state": "old"}),
                                   ("DELETE", f"/{message}", None), ("POST", f"/{message}/undelete", {})):
            self.message(method, path, stranger, body, 403)
        self.assertEqual(self.row(message)["state"], "new")
        self.assertEqual(self.ask("message.list", tenant="maroon", mailbox=self.BOX), [])
        changed = self.message("PATCH", f"/{message}", member, {"state": "old", "note": "mine"})
        self.assertEqual([changed[key] for key in ("state", "note", "by")], ["old", "mine", "1001"])
        self.assertEqual(self.message("DELETE", f"/{message}", member)["state"], "deleted")
        until(lambda: len(self.events("default")) == 3, lambda: self.events("default"))
        self.assertEqual([(event["type"], event["by"], event["members"]) for event in self.events("default")],
                         [("message.new", "", "1001"), ("message.changed", "1001", "1001"), ("message.deleted", "1001", "1001")])
        self.assertEqual(self.events("maroon"), [])
        self.ask("extension.put", number=self.BOX, mailbox_members="1003")
        self.message("GET", "", member, None, 403)
        self.assertEqual(self.message("POST", f"/{message}/undelete", stranger, {})["by"], "1003")
        with self.node.redis() as redis:        # what a tenant had goes with it
            self.assertEqual(redis("SMEMBERS", "td:{t:default}:box:all"), [self.BOX])
            redis("HSET", f"td:{{box:maroon:{self.BOX}}}:msg", "version", 1)
            redis("SADD", "td:{t:maroon}:box:all", self.BOX)
            self.ask("extension.delete", tenant="maroon", number=self.BOX, force=True)
            self.ask("tenant.delete", name="maroon")
            until(lambda: not redis("KEYS", "td:*maroon*box*") + redis("KEYS", "td:*box:maroon*"), lambda: redis("KEYS", "*maroon*"))
            self.assertEqual(len(redis("KEYS", f"td:{{box:default:{self.BOX}}}:msg")), 1)

    def maroon(self, **arguments):
        self.ask("tenant.put", name="maroon", domains="maroon.test", **arguments)
        self.ask("extension.put", tenant="maroon", number=self.BOX, ha1=ha1(self.BOX, "maroon.test", "secret"))

    def test_name_of_before(self):
        """Who takes the name of a tenant that was deleted sees nothing of it: the name is refused, as long as nobody says that it is the same one."""
        self.maroon()
        message = self.leave(self.SPOKEN[0])
        for name in glob.glob(f"{self.node.folder}/recordings/default/*/{message}*.wav*"):      # maroon has one, too
            there = name.replace("/default/", "/maroon/")
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(name, "rb") as file, open(there, "wb") as to:
                to.write(file.read().replace(b'"tenant":"default"', b'"tenant":"maroon"'))
            if name.endswith(".listed"):
                os.unlink(there)
        until(lambda: self.ask("message.list", tenant="maroon", mailbox=self.BOX), self.node.log_tail)
        self.ask("extension.delete", tenant="maroon", number=self.BOX, force=True)
        self.ask("tenant.delete", name="maroon")
        with self.assertRaisesRegex(Refused, "was deleted"):
            self.ask("set.apply", name="x", documents=[{"kind": "tenant", "name": "maroon"}])
        with self.assertRaisesRegex(Refused, "was deleted"):
            self.maroon()
            self.assertEqual(self.ask("recording.list", tenant="maroon"), [])
        self.node.kill()                # as of a node that was not there then
        os.unlink(f"{self.node.state_dir}/documents")
        self.node.restart()
        with self.assertRaisesRegex(Refused, "was deleted"):
            self.maroon()
        with self.node.redis() as redis:        # emptied by hand: recordings are told again, and the name is known by them
            redis("FLUSHALL")
            until(lambda: redis("EXISTS", "td:{rec:maroon}:days"), self.node.log_tail)
        with self.assertRaisesRegex(Refused, "was deleted"):
            self.maroon()
        self.maroon(restore=True)
        self.maroon()
        self.assertEqual([row["mailbox"] for row in self.ask("recording.list", tenant="maroon")], [self.BOX])

    def test_message_waiting(self):
        """The phone of a member shows numbers; that of the other tenant's 1002 those of its own box."""
        self.ask("extension.put", number=self.BOX, mailbox_members="1001")
        self.ask("tenant.put", name="maroon", domains="maroon.test")
        self.ask("extension.put", tenant="maroon", number=self.BOX, ha1=ha1(self.BOX, "maroon.test", "secret"))
        other = self.node.user_agent(self.BOX, "secret")
        self.addCleanup(other.close)
        other.domain = "maroon.test"
        self.assertEqual(other.register().status, 200)
        mine, others = Lamp(self.a, self.BOX), Lamp(other, self.BOX)
        for lamp in (mine, others):
            lamp.until("0/0 (0/0)")
        self.leave(self.SPOKEN[0], urgent=True)
        mine.until("1/0 (1/0)")
        self.assertEqual(other.count(lambda request: request.method == "NOTIFY" and "0/0 (0/0)" not in request.text), 0)

    def test_by_phone(self):
        """What a member does in the menu has his name."""
        self.ask("extension.put", number=self.BOX, pin=self.PIN)
        self.ask("extension.put", number="1001", pin="8150")
        self.ask("tenant.put", name="default", pin_always=True)
        message = self.leave(self.SPOKEN[0])
        self.dials(self.a, self.audio_a)
        self.hears("mailbox-number")
        self.keys("1002#", "number")
        self.keys(self.PIN + "#", "pin")
        self.keys("1", "menu")
        self.keys("7", "listen")
        until(lambda: self.row(message)["state"] == "deleted", self.node.log_tail)
        self.assertEqual(self.row(message)["by"], "1001")
        self.out.bye()


class Room(Box):
    """A flow asks whether there is room."""
    FLOW = {"start": "up", "steps": {
        "up": {"answer": {}, "next": "ask"},
        "ask": {"message": {"do": "count", "box": "1002"}, "full": "full", "none": "bye", "failed": "bye", "next": "room"},
        "full": {"set": {"is": "full"}, "next": "bye"}, "room": {"set": {"is": "room"}, "next": "bye"}, "bye": {"hangup": {}}}}

    def asks(self):
        """The way of a call through it."""
        self.ask("flow.put", name="count", program=self.FLOW)
        self.ask("number.put", number="101", to="flow:count")
        out = self.a.invite("101", self.audio_a.sdp())
        out.wait_answer()
        out.wait_bye()
        rows = []
        until(lambda: rows.extend(row for row in self.ask("cdr.list") if row["sip_call_id"] == out.call_id) or rows, self.node.log_tail)
        return rows[0]["path"]

    def test_full(self):
        message = self.leave(self.SPOKEN[0])
        self.assertIn("room", self.asks())
        self.ask("extension.put", number=self.BOX, mailbox_messages=2)
        self.assertIn("room", self.asks())
        self.ask("extension.put", number=self.BOX, mailbox_messages=1)
        self.assertIn("full", self.asks())
        self.ask("message.put", mailbox=self.BOX, message=message, state="old")
        self.assertIn("full", self.asks())
        self.ask("message.delete", mailbox=self.BOX, message=message)
        self.assertIn("room", self.asks())
        # as many as the tenant says where the extension does not: 100 at first
        self.ask("message.undelete", mailbox=self.BOX, message=message)
        self.ask("extension.put", number=self.BOX, mailbox_messages=0)
        self.assertIn("room", self.asks())
        self.assertEqual(self.ask("tenant.put", name="default", mailbox_messages=1)["mailbox_messages"], 1)
        self.assertIn("full", self.asks())
        self.ask("extension.put", number=self.BOX, mailbox_messages=2)
        self.assertIn("room", self.asks())
        self.ask("extension.put", number=self.BOX, mailbox_messages=0)
        self.ask("tenant.put", name="default", mailbox_messages=0)
        self.assertIn("room", self.asks())
        self.ask("message.delete", mailbox=self.BOX, message=message)
        # minutes of all that lies there
        self.ask("message.undelete", mailbox=self.BOX, message=message)
        self.ask("extension.put", number=self.BOX, mailbox_messages=0, mailbox_minutes=2)
        self.assertIn("room", self.asks())
        self.facts(message, ms=119999)
        self.assertIn("room", self.asks())
        self.facts(message, ms=120000)
        self.assertIn("full", self.asks())
        # its owner makes room
        self.ask("extension.put", number=self.BOX, pin=self.PIN)
        self.ask("message.put", mailbox=self.BOX, message=message, state="new")
        self.dials()
        self.hears("mailbox-new-one", "mailbox-menu")
        self.keys("1", "menu")
        self.keys("7", "listen")
        until(lambda: self.row(message)["state"] == "deleted", self.node.log_tail)
        self.assertEqual(self.row(message)["by"], self.BOX)
        self.out.bye()
        self.assertIn("room", self.asks())

    def test_kept_so_long(self):
        """A message that is older than its box keeps messages is deleted with its daily line, and may be taken back; a younger one stays."""
        self.ask("extension.put", number=self.BOX, mailbox_days=2)
        old, young = self.leave(self.SPOKEN[0]), self.leave(self.SPOKEN[1])
        self.node.kill()
        for message, days in ((old, 2.1), (young, 1.9)):
            path, = glob.glob(f"{self.node.folder}/recordings/default/*/{message}.1.wav.json")
            with open(path, encoding="utf-8") as file:
                entry = json.load(file)
            began = time.time() - days * DAY_S
            entry["begun"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(began))
            with open(path, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            os.utime(path.removesuffix("json") + "box", (began, began))
        self.node.restart()
        until(lambda: self.row(old)["state"] == "deleted", self.node.log_tail)
        self.assertEqual(self.row(old)["by"], "retention")
        until(lambda: self.row(young)["begun_utc_ms"] < (time.time() - DAY_S) * 1000, self.node.log_tail)
        self.assertEqual(self.row(young)["state"], "new")
        self.assertEqual(self.ask("message.undelete", mailbox=self.BOX, message=old)["state"], "new")


class Hooks(Box):
    def test_told(self):
        """Programs are told by webhooks what becomes of a message."""
        server = Server()
        self.addCleanup(server.close)
        self.ask("tenant.put", name="default", web_networks="127.0.0.0/8")
        self.ask("webhook.put", name="box", url=server.url("box"), events="message.*")
        until(lambda: (self.ask("webhook.get", name="box")["figures"] or {}).get("node"), self.node.log_tail)
        message = self.leave(self.SPOKEN[0], urgent=True)
        self.ask("message.delete", mailbox=self.BOX, message=message)
        until(lambda: len(server.bodies("box")) >= 3, self.node.log_tail)
        bodies = server.bodies("box")
        self.assertEqual([body["type"] for body in bodies], list(KINDS))
        self.assertEqual({(body["tenant"], body["data"]["mailbox"], body["data"]["message"], body["data"]["from"]) for body in bodies},
                         {("default", self.BOX, message, "1001")})
        self.assertEqual([(body["data"]["state"], body["data"]["urgent"]) for body in bodies], [("new", False), ("new", True), ("deleted", False)])
        self.assertGreater(bodies[0]["data"]["duration_ms"], 500)


if __name__ == "__main__":
    unittest.main()
