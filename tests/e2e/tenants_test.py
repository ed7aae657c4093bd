# SPDX-License-Identifier: Apache-2.0
"""TEN-01: two tenants with equal numbers and names.  Nothing of one is seen, called, listed, counted or changed by the other: every
command, in every role, and every page."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from patience import PATIENCE_S, slowness
import tone
from lib import ROOT
from lib.node import Node, build_folder
from music_test import wav
from tandem_client import Client, NotRead, Redis, RedisError, Refused, ha1

ROLES = ("reader", "application", "admin")
NUMBERS = ("1001", "1002")
TONES = {"maroon": (440, 880), "indigo": (600, 1200)}     # what the phones of these numbers say


class Operator(Client):
    def ask(self, command, /, wait=PATIENCE_S, **arguments):
        return super().ask(command, wait, **arguments)


class House:
    """One tenant: its phones, a call of theirs that stands and one that is over."""

    def __init__(self, node, name, lone):
        self.node, self.name, self.domain, self.lone = node, name, f"{name}.test", lone
        self.clients, self.phones = {}, {}
        self.asked = 0

    def ask(self, command, role="admin", **arguments):
        self.asked += 1
        return self.client(role).ask(command, wait=PATIENCE_S, **arguments)

    def client(self, role):
        if role not in self.clients:
            self.clients[role] = Client(self.node.redis_socket, self.name, role=role)
        return self.clients[role]

    def furnish(self, operator):
        operator.ask("tenant.put", name=self.name, domains=self.domain, commands=list(ROLES))
        for number in (*NUMBERS, "1004", self.lone):
            operator.ask("extension.put", tenant=self.name, number=number, display_name=f"of {self.name}",
                         ha1=ha1(number, self.domain, f"secret-{self.name}"))
        operator.ask("profile.put", tenant=self.name, name="branch", codecs=["PCMU"] if self.name == "maroon" else ["PCMA"])
        operator.ask("profile.put", tenant=self.name, name="spare")
        operator.ask("profile.range.put", tenant=self.name, **{"from": "192.0.2.0", "to": "192.0.2.9", "profile": "branch"})
        operator.ask("trunk.put", tenant=self.name, name="carrier", servers=self.domain, direction="out")
        operator.ask("did.put", tenant=self.name, number="+49", to=self.lone)
        operator.ask("location.put", tenant=self.name, id="7", label=self.lone, country="US")
        operator.ask("room.put", tenant=self.name, number="7000", name=self.lone, pin="471147", host_pin="815081")
        operator.ask("route.put", tenant=self.name, name="out", pattern="9x.", trunks="carrier", prefix=self.lone)
        operator.ask("flow.put", tenant=self.name, name="menu", program=[{"play": [self.lone]}, {"hangup": {}}])
        operator.ask("number.put", tenant=self.name, number="7100", to=f"flow:f{self.lone}")
        sound = os.path.join(self.node.home, f"{self.name}.wav")
        wav(sound, TONES[self.name][0], rate=8000, channels=1)
        self.node.tandemctl("prompt.put", tenant=self.name, name="hello", file=sound)
        wait(lambda: self.has_book(operator))
        self.sha256 = hashlib.sha256(pathlib.Path(sound).read_bytes()).hexdigest()

    def has_book(self, operator):
        """The archive is up a moment after the node."""
        with contextlib.suppress(Refused):
            return operator.ask("directory.put", tenant=self.name, contact=self.lone, name=f"of {self.lone}", phones=["7"])

    def register(self):
        for number in (*NUMBERS, self.lone):
            agent = self.phones[number] = self.node.user_agent(number, f"secret-{self.name}")
            agent.domain = self.domain
            assert agent.register().status == 200, number
        agent = self.phones[self.lone]
        watch = agent.request("SUBSCRIBE", f"sip:{self.lone}@{self.domain}", headers=[("Event", "reg")])
        assert agent.transact_authorized(watch)[1].status == 200
        agent.respond(agent.take_request("NOTIFY"), 200)

    def talk(self, audio):
        out = self.phones["1001"].invite("1002", audio.sdp())
        into = self.phones["1002"].incoming()
        into.respond(200, "OK", body=audio.sdp())
        out.wait_answer()
        into.wait_ack()
        return out, into

    def calls(self):
        """One that is over, and one that stands."""
        with self.node.media() as audio:
            out, into = self.talk(audio)
            self.ended = self.ask("call.list")[0]["id"]
            out.bye()
            into.wait_bye()
            self.talk(audio)
        wait(lambda: len(self.ask("cdr.list")) == len(self.ask("history.list")) == len(self.ask("call.list")) == 1)
        self.call = self.ask("call.list")[0]["id"]
        with Redis(self.node.redis_socket) as redis:
            redis("HSET", f"td:{{t:{self.name}}}:park:default", "7", value := f"{self.call} 1001 1002 1795000000000", self.lone, value)
        self.lamp = self.ask("subscription.list")[0]["id"]

    def marks(self):
        """What no answer to another tenant may hold."""
        shown = self.ask("call.show", call=self.call)
        return {self.name, self.call, self.ended, self.lamp, self.lone, self.sha256, shown["a_sip_call_id"], shown["b_sip_call_id"],
                *(phone.host_port for phone in self.phones.values())}

    def heard(self):
        """What reached its phones unasked."""
        return {number: len([m for m in phone.received if m.is_request]) for number, phone in self.phones.items()}

    def state(self):
        """All that it has, by its own eyes and in Redis."""
        lists = {name: timeless(self.ask(name)) for name in ("extension.list", "directory.list", "profile.list", "profile.range.list", "trunk.list", "did.list", "route.list", "location.list", "room.list", "hours.list", "token.list", "set.list", "webhook.list",
                                                             "flow.list", "number.list", "group.list", "device.list", "account.list", "prompt.list", "call.list", "registration.list", "cdr.list", "history.list",
                                                             "subscription.list")}
        with Redis(self.node.redis_socket) as redis:
            kept = {kind: redis("HGETALL", f"td:{{t:{self.name}}}:doc:{kind}") for kind in ("extension", "profile", "profile_range", "trunk", "did", "route", "dialplan", "location", "room", "hours", "token", "set", "webhook", "session",
                                                                                  "flow", "number", "group", "device", "account", "prompt")}
            kept["slots"] = redis("HGETALL", f"td:{{t:{self.name}}}:park:default")
            kept["generation"] = redis("GET", f"td:{{t:{self.name}}}:gen")
            kept["events"] = redis("XLEN", f"td:{{ev:{self.name}}}")
            kept["answers"] = {key: redis("XLEN", key) for key in redis("KEYS", f"td:{{cmd:{self.name}}}:*out:*")
                               if not any(key.endswith(client.name) for client in self.clients.values())}
        return lists, kept, self.heard()

    def close(self):
        for thing in (*self.clients.values(), *self.phones.values()):
            thing.close()


def timeless(value):
    """Without times: they are shifted to what the wall's clock shows, which differs by a millisecond now and then."""
    if isinstance(value, list):
        return [timeless(one) for one in value]
    if isinstance(value, dict):
        return {name: timeless(one) for name, one in value.items() if not name.endswith("_utc_ms")}
    return value


def wait(what, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "in time"
        time.sleep(0.02)


# ---- the rows: what one tenant, me, asks for, and what it must hear while the other one has the same ----

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNwaDgAAAKEAYEml6crAAAAAElFTkSuQmCC"


def own(check=None, /, **arguments):
    """It hears of its own."""
    def row(_, me, command, __):
        result = me.ask(command, **arguments)
        assert check is None or check(me, result), f"{command}: {result}"
        return [result]
    return row


def hidden(code="not_found", /, **arguments):
    """What is named of the other is not there; CALL stands for its call, ENDED for one that is over, LONE for its own number."""
    def row(test, me, command, other):
        names = {"OWN": me.call, "CALL": other.call, "ENDED": other.ended, "LAMP": other.lamp, "LONE": other.lone}
        given = {key: names.get(value, value) if isinstance(value, str) else value for key, value in arguments.items()}
        return [test.refused(me, command, code, **given)]
    return row


def each(*rows):
    def row(test, me, command, other):
        return [result for one in rows for result in one(test, me, command, other)]
    return row


def mine(_, me, command, other):
    """An order to my call cannot reach the other's numbers and calls."""
    name = {"call.join": "with"}.get(command, "to")
    value = other.call if name == "with" else other.lone
    try:
        return [me.ask(command, call=me.call, leg="a", **{name: value})]
    except Refused as refused:
        assert refused.code == "not_found", f"{command}: {refused}"
        return [str(refused)]


def of_operators(test, me, command, other):
    """No role of a tenant may: test_every_role."""
    return []


def for_tenant(**arguments):
    def row(test, me, command, other):
        with test.assertRaises(Refused) as caught:
            test.operator.ask(command, tenant=me.name, **{key: other.call if value == "CALL" else value
                                                          for key, value in arguments.items()})
        test.assertEqual(caught.exception.code, "not_found")
        return [str(caught.exception)]
    return row


def has(size, **wanted):
    return lambda me, rows: len(rows) == size and all(row[key] == (me.name if value == "NAME" else value)
                                                      for row in rows for key, value in wanted.items())


def order(**more):
    return hidden(call="CALL", **more)


ROWS = {
    "extension.put": own(lambda me, row: row["display_name"] == "changed", number="1001", display_name="changed"),
    "extension.get": each(own(lambda me, row: "of " not in row["display_name"] or me.name in row["display_name"], number="1002"),
                          hidden(number="LONE")),
    "extension.secret": hidden("not_allowed", number="LONE", present="x", new_pin="4711"),
    **{f"greeting.{verb}": hidden(number="LONE") for verb in ("put", "record", "hear", "delete")},
    "greeting.list": each(own(has(0), number="1002"), hidden(number="LONE")),
    "extension.page": hidden(number="LONE"),    # record_page_test has extensions with pages
    "extension.presence": each(own(number="1002", state="away"), hidden(number="LONE", state="away")),
    "presence.set": each(own(number="1002", state="away"), hidden(number="LONE", state="away")),
    "presence.get": each(own(number="1002"), hidden(number="LONE")),
    "presence.publish": each(own(number="1002", state="busy"), hidden(number="LONE", state="busy")),
    "extension.greeting": each(own(number="1002", state="away", file="hello"), hidden(number="LONE", state="away", file="hello")),
    "extension.delete": each(own(number="1004"), hidden(number="LONE")),
    "extension.list": own(lambda me, rows: {row["number"] for row in rows} == {*NUMBERS, me.lone}),
    "contact.add": each(own(user="1001", name="Bo"), hidden(user="LONE", name="Bo")),
    "contact.put": each(own(contact="zoe", user="1001", name="Zoe", phones=["7"]), hidden(contact="zoe", user="LONE", name="x")),
    "contact.get": each(own(lambda me, row: row["name"] == "Zoe", contact="zoe", user="1001"), hidden(contact="LONE", user="1001")),
    "contact.list": each(own(lambda me, rows: [row["name"] for row in rows] == ["Bo", "Zoe"], user="1001"), own(lambda me, rows: not rows, user="1002")),
    "contact.find": own(lambda me, rows: {row["name"] for row in rows} == {"Zoe", f"of {me.lone}"}, number="7", user="1001"),
    "contact.pin": each(own(lambda me, row: row["pinned"] and row["name"] == "Zoe", number="7", user="1001"), hidden(number="7", user="LONE")),
    "contact.import": hidden("bad_argument", user="1001"),      # contacts_test has files
    "contact.export": own(lambda me, row: row["contacts"] == 2, user="1001"),
    "contact.note.add": own(contact="zoe", user="1001", text="mine"),
    "contact.note.put": hidden(contact="zoe", note=99, user="1001", text="x"),
    "contact.note.delete": hidden(contact="zoe", note=99, user="1001"),
    "contact.note.list": own(lambda me, rows: [row["text"] for row in rows] == ["mine"], contact="zoe", user="1001"),
    "contact.delete": each(own(contact="zoe", user="1001"), hidden(contact="LONE", user="1001")),
    "picture.put": each(own(user="1001", photo=PIXEL), hidden(user="LONE", photo=PIXEL)),
    "picture.get": each(own(user="1001"), hidden(user="LONE")),
    "picture.delete": each(own(user="1001"), hidden(user="LONE")),
    "sync.put": each(own(name="work", service="pipedrive", user="1001", secret="x"), hidden(name="far", service="pipedrive", user="LONE", secret="x")),
    "sync.get": each(own(lambda me, row: row["user"] == "1001", name="work"), hidden(name="LONE")),
    "sync.list": own(lambda me, rows: [row["name"] for row in rows] == ["work"]),
    "sync.state": each(own(name="work"), hidden(name="LONE")),
    "sync.copy": each(own(lambda me, rows: rows == [], name="work", users="1001"), hidden(name="LONE")),
    "sync.run": each(own(name="work"), hidden(name="LONE")),
    "sync.delete": each(own(name="work"), hidden(name="LONE")),
    "directory.add": own(name="common"),
    "directory.put": own(contact="hall", name="Hall"),
    "directory.get": each(own(contact="hall"), hidden(contact="LONE")),
    "directory.list": own(lambda me, rows: {f"of {me.lone}", "common", "Hall"} < {row["name"] for row in rows}),
    "directory.profile.put": own(name="few", departments="Sales"),
    "directory.profile.get": each(own(lambda me, row: row["departments"] == "Sales", name="few"), hidden(name="LONE")),
    "directory.profile.list": own(lambda me, rows: [row["name"] for row in rows] == ["few"]),
    "directory.profile.delete": each(own(name="few"), hidden(name="LONE")),
    "directory.import": hidden("bad_argument"),
    "directory.export": own(lambda me, row: row["contacts"] == 3),
    "directory.delete": each(own(contact="hall"), hidden(contact="LONE")),
    "profile.put": own(name="branch", video_kbps=512),
    "profile.get": own(lambda me, row: row["codecs"] == (["PCMU"] if me.name == "maroon" else ["PCMA"]), name="branch"),
    "profile.delete": each(own(name="spare"), hidden(name="other")),
    "profile.list": own(lambda me, rows: {row["name"] for row in rows} <= {"default", "branch", "spare"}),
    "profile.range.put": own(**{"from": "192.0.2.10", "to": "192.0.2.19", "profile": "branch"}),
    "profile.range.delete": own(**{"from": "192.0.2.10"}),
    "profile.range.list": own(has(1, profile="branch")),
    "dialplan.put": own(access="8"),
    "dialplan.show": own(),
    "lint": own(),
    "dialplan.delete": own(),
    "dialplan.check": each(own(number="1002", **{"from": "1001"}), hidden(number="1001", **{"from": "LONE"})),
    "dialplan.digit_map": own(),
    "toll.show": each(own(lambda me, row: row["tenant"]["calls"] == 0, number="1002"), hidden(number="LONE")),
    "toll.reset": each(own(number="1002"), hidden(number="LONE")),
    "tenant.put": of_operators,
    "tenant.show": of_operators,
    "tenant.delete": of_operators,
    "tenant.list": of_operators,
    "tenant.status": own(lambda me, row: (row["name"], row["realm"], row["calls"]) == (me.name, me.domain, 1)),
    "did.put": own(number="+4930", to="1001"),
    "did.show": each(own(lambda me, row: row["to"] == me.lone, number="+49"), hidden(number="3")),
    "did.delete": each(own(number="+4930"), hidden(number="3")),
    "did.list": own(lambda me, rows: [row["to"] for row in rows] == [me.lone]),
    "location.put": own(id="8", label="spare", country="US"),
    "location.show": each(own(lambda me, row: row["label"] == me.lone, id="7"), hidden(id="3")),
    "location.delete": each(own(id="8"), hidden(id="3")),
    "location.list": own(lambda me, rows: [row["label"] for row in rows] == [me.lone]),
    "room.put": own(number="7001", name="spare"),
    "room.show": each(own(lambda me, row: row["name"] == me.lone, number="7000"), hidden(number="LONE")),
    "room.delete": each(own(number="7001"), hidden(number="LONE")),
    "room.list": own(lambda me, rows: [row["name"] for row in rows] == [me.lone]),
    "token.create": own(lambda me, row: row["token"].startswith(f"{me.name}~door~"), name="door"),
    "token.put": own(name="door", expires_utc_s=4000000000),
    "token.get": each(own(lambda me, row: row["expires_utc_s"] == 4000000000, name="door"), hidden(name="LONE")),
    "token.list": own(lambda me, rows: [row["name"] for row in rows] == ["door"]),
    "token.delete": each(own(name="door"), hidden(name="LONE")),
    "webhook.put": own(name="crm", url="http://nowhere.invalid/"),
    "webhook.get": each(own(lambda me, row: row["name"] == "crm", name="crm"), hidden(name="LONE")),
    "webhook.list": own(lambda me, rows: [row["name"] for row in rows] == ["crm"]),
    "webhook.dead": each(own(lambda me, rows: not rows, name="crm"), hidden(name="LONE")),
    "webhook.replay": each(own(name="crm"), hidden(name="LONE")),
    "webhook.test": each(own(lambda me, row: not row["ok"], name="crm"), hidden(name="LONE")),
    "webhook.delete": each(own(name="crm"), hidden(name="LONE")),
    "session.create": lambda test, me, command, other: [
        setattr(me, "session", me.ask(command, number="1002", password=f"secret-{me.name}")), test.refused(me, command, "not_allowed", number=other.lone, password=f"secret-{other.name}")],
    "session.open": hidden(number="LONE"),
    "session.renew": each(lambda test, me, command, other: [me.ask(command, name=me.session["name"])], hidden(name="LONE")),
    "session.list": each(own(lambda me, rows: [row["name"] for row in rows] == [me.session["name"]], number="1002"), hidden(number="LONE")),
    "session.delete": each(lambda test, me, command, other: [test.refused(other, command, "not_found", name=me.session["name"]), me.ask(command, name=me.session["name"])], hidden(name="LONE")),
    "login.get": hidden(),
    "login.callback": hidden(state="LONE", code="LONE"),
    "login.redeem": hidden("not_allowed"),
    "set.stage": own(stage="part", part=0, documents=[]),
    "set.apply": own(lambda me, row: row["state"] == "applied", name="spare", documents=[]),
    "set.show": each(own(lambda me, row: row["version"] == 1, name="spare"), hidden(name="LONE")),
    "set.list": own(lambda me, rows: [row["name"] for row in rows] == ["spare"]),
    "set.rollback": hidden(name="LONE", version=1),
    "set.delete": each(own(name="spare"), hidden(name="LONE")),
    "hours.put": own(name="night", week="mon 20:00-24:00"),
    "hours.get": each(own(name="night"), hidden(name="LONE")),
    "hours.list": own(lambda me, rows: [row["name"] for row in rows] == ["night"]),
    "hours.override": each(own(name="night", state="open"), hidden(name="LONE", state="open")),
    "hours.check": each(own(lambda me, row: row["open"], name="night"), hidden(name="LONE")),
    "hours.delete": each(own(name="night"), hidden(name="LONE")),
    "flow.put": own(name="spare", program=[{"hangup": {}}]),
    "flow.get": each(own(lambda me, row: row["program"][0] == {"play": [me.lone]}, name="menu"), hidden(name="LONE")),
    "flow.export": each(own(lambda me, text: me.lone in text, name="menu"), hidden(name="LONE")),
    "flow.graph": each(own(lambda me, text: me.lone in text, name="menu"), hidden(name="LONE")),
    "flow.try": each(own(lambda me, rows: me.lone in json.dumps(rows), flow="menu"), hidden(flow="LONE")),
    "flow.trace": own(lambda me, rows: rows == []),
    "flow.delete": each(own(name="spare"), hidden(name="LONE")),
    "flow.list": own(lambda me, rows: [row["name"] for row in rows] == ["menu"]),
    "number.put": own(number="7101", to="flow:menu"),
    "number.get": each(own(lambda me, row: row["to"] == f"flow:f{me.lone}", number="7100"), hidden(number="LONE")),
    "number.delete": each(own(number="7101"), hidden(number="LONE")),
    "number.list": own(lambda me, rows: [row["to"] for row in rows] == [f"flow:f{me.lone}"]),
    "account.put": own(code="4711", name="spare"),
    "account.get": each(own(lambda me, row: row["name"] == "spare", code="4711"), hidden(code="LONE")),
    "account.list": own(lambda me, rows: [row["code"] for row in rows] == ["4711"]),
    "account.delete": each(own(code="4711"), hidden(code="LONE")),
    "group.put": own(name="team", members="1001"),
    "group.get": each(own(lambda me, row: row["members"] == "1001", name="team"), hidden(name="LONE")),
    "group.list": own(lambda me, rows: [row["name"] for row in rows] == ["team"]),
    "group.logout": each(own(number="1001", group="team"), hidden(number="LONE"), hidden(number="1001", group="LONE")),
    "group.login": each(own(number="1001"), hidden(number="LONE")),
    "group.delete": each(own(name="team"), hidden(name="LONE")),
    "document.history": hidden(kind="extension", name="LONE"),
    "document.diff": hidden(kind="extension", name="LONE", version=1),
    "document.restore": hidden(kind="extension", name="LONE", version=1),
    "dialplan.number.list": own(lambda me, rows: "LONE" not in {row["number"] for row in rows}),
    "seat.list": own(lambda me, rows: {row["seat"]: row["given"] for row in rows}["web"] == 0),
    "device.put": own(mac="0004f2000001", extensions="1001", password="secret"),
    "device.get": each(own(lambda me, row: row["extensions"] == "1001", mac="0004f2000001"), hidden(mac="0004f2000002")),
    "device.list": own(lambda me, rows: [row["mac"] for row in rows] == ["0004f2000001"]),
    "device.sync": each(own(mac="0004f2000001"), hidden(mac="0004f2000002")),
    "device.roll": own(lambda me, row: row["macs"] == ["0004f2000001"] and row["last"]["count"] == 0, dry_run=True),
    "device.profile.put": own(name="desk", features_off=["video"]),
    "device.profile.get": each(own(lambda me, row: row["features_off"] == ["video"], name="desk"), hidden(name="LONE")),
    "device.profile.list": own(lambda me, rows: [row["name"] for row in rows] == ["desk"]),
    "device.profile.delete": each(own(name="desk"), hidden(name="LONE")),
    "device.login": each(own(mac="0004f2000001", number="1001"), hidden(mac="0004f2000002", number="1001")),
    "device.mine": each(own(lambda me, rows: [row["mac"] for row in rows] == ["0004f2000001"], number="1001"), own(lambda me, rows: rows == [], number="LONE")),
    "device.logout": each(own(mac="0004f2000001"), hidden(mac="0004f2000002")),
    "device.delete": each(own(mac="0004f2000001"), hidden(mac="0004f2000002")),
    "queue.put": own(name="help", members="1001", dispositions="done", callback="agent", callback_hours="none"),
    "queue.get": each(own(lambda me, row: row["members"] == "1001", name="help"), hidden(name="LONE")),
    "queue.list": own(lambda me, rows: [row["name"] for row in rows] == ["help"]),
    "queue.status": each(own(lambda me, row: row["callers"] == [], name="help"), hidden(name="LONE")),
    "queue.report": own(lambda me, report: {row["agent"] for row in report["rows"]} <= {"1001"}, by="agent"),
    "queue.log": own(lambda me, log: all("Agent/LONE" not in line for line in log["lines"])),
    "agent.login": each(own(number="1001"), hidden(number="LONE")),
    "agent.not_ready": each(own(number="1001", reason="lunch"), hidden(number="LONE")),
    "agent.ready": each(own(number="1001"), hidden(number="LONE")),
    "agent.wrapup": each(own(number="1001", queue="help", call="0" * 13), hidden(number="LONE", queue="help", call="0" * 13)),
    "agent.disposition": each(own(number="1001", disposition="done"), hidden(number="LONE", disposition="done")),
    "agent.get": each(own(lambda me, row: [one["name"] for one in row["queues"]] == ["help"], number="1001"), hidden(number="LONE")),
    "agent.list": own(lambda me, rows: [row["number"] for row in rows] == ["1001"]),
    "agent.logout": each(own(number="1001"), hidden(number="LONE")),
    "callback.create": each(own(queue="help", number="1001"), hidden(queue="LONE", number="1001")),
    "callback.list": own(lambda me, rows: [(row["queue"], row["number"]) for row in rows] == [("help", "1001")]),
    "callback.call": each(hidden("conflict", queue="help", number="1001", tries=7), hidden(queue="LONE", number="1001")),
    "callback.delete": each(own(queue="help", number="1001"), hidden(queue="LONE", number="1001")),
    "queue.delete": each(own(name="help"), hidden(name="LONE")),
    "page.put": own(name="hall", members="1001"),
    "page.get": each(own(lambda me, row: row["members"] == "1001", name="hall"), hidden(name="LONE")),
    "page.list": own(lambda me, rows: [row["name"] for row in rows] == ["hall"]),
    "page.choice.put": own(number="1001", off="hall", in_calls=True),
    "page.choice.get": each(own(lambda me, row: [one["name"] for one in row["groups"]] == ["hall"], number="1001"), hidden(number="LONE")),
    "page.choice.list": own(lambda me, rows: [row["off"] for row in rows if row["number"] == "1001"] == ["hall"]),
    "page.choice.delete": each(own(number="1001"), hidden(number="LONE")),
    "page.ring": hidden(conference="CALL"),
    "page.play": hidden(name="LONE", file="gong.wav"),
    "bell.put": own(name="noon", page="hall", when="mon 12:00", file="gong.wav", enabled=False),
    "bell.get": each(own(lambda me, row: row["page"] == "hall", name="noon"), hidden(name="LONE")),
    "bell.list": own(lambda me, rows: [row["name"] for row in rows] == ["noon"]),
    "bell.delete": each(own(name="noon"), hidden(name="LONE")),
    "page.delete": each(own(name="hall"), hidden(name="LONE")),
    "crm.put": own(name="Desk", hosts="https://acme.lightning.force.com"),
    "crm.get": each(own(lambda me, row: row["hosts"] == "https://acme.lightning.force.com", name="Desk"), hidden(name="LONE")),
    "crm.list": own(lambda me, rows: [row["name"] for row in rows] == ["Desk"]),
    "crm.softphone": each(own(lambda me, row: row["name"] == "Desk", number="1001"), hidden(number="LONE")),
    "crm.call": hidden(call="CALL"),
    "crm.definition": each(own(lambda me, row: "Desk" in row["xml"], name="Desk", url="https://pbx.example.org"), hidden(name="LONE", url="https://pbx.example.org")),
    "crm.delete": each(own(name="Desk"), hidden(name="LONE")),
    "browser.key": own(lambda me, row: row["on"] is False, number="1001"),
    "browser.add": hidden(number="LONE", endpoint="https://push.example.net/x", p256dh="B" * 87, auth="A" * 22),
    "browser.list": own(lambda me, rows: rows == [], number="1001"),
    "browser.delete": hidden(name="LONE-0", number="LONE"),
    "supervisor.put": own(number="1001", whom="1001", modes=["listen"]),
    "supervisor.get": each(own(lambda me, row: row["whom"] == "1001", number="1001"), hidden(number="LONE")),
    "supervisor.list": own(lambda me, rows: [row["number"] for row in rows] == ["1001"]),
    "supervisor.monitor": each(hidden("not_allowed", number="1001", extension="LONE", mode="listen"),
                               hidden("not_allowed", number="LONE", extension="1001", mode="listen")),
    "supervisor.delete": each(own(number="1001"), hidden(number="LONE")),
    "prompt.put": hidden("bad_argument", name="LONE"),      # a file comes by the node's own socket alone
    "prompt.get": each(own(lambda me, row: row["sha256"] == me.sha256, name="hello"), hidden(name="LONE")),
    "prompt.list": own(lambda me, rows: [row["sha256"] for row in rows] == [me.sha256]),
    "prompt.delete": hidden(name="LONE"),
    "prompt.record": hidden(**{"name": "said", "from": "LONE"}),
    "route.put": own(name="far", pattern="00x.", trunks="carrier"),
    "route.show": each(own(lambda me, row: row["prefix"] == me.lone, name="out"), hidden(name="LONE")),
    "route.delete": each(own(name="far"), hidden(name="LONE")),
    "route.list": own(lambda me, rows: [row["prefix"] for row in rows] == [me.lone]),
    "trunk.put": of_operators,
    "trunk.show": each(own(lambda me, row: row["servers"] == f"{me.name}.test", name="carrier"), hidden(name="LONE")),
    "trunk.delete": of_operators,
    "trunk.list": own(lambda me, rows: [row["servers"] for row in rows] == [f"{me.name}.test"]),
    "call.list": own(has(1, tenant="NAME")),
    "call.show": each(hidden(call="CALL"), hidden(call="ENDED"), for_tenant(call="CALL")),
    "call.leg.list": each(hidden(call="CALL"), hidden(call="ENDED"), for_tenant(call="CALL")),
    "call.leg.show": each(hidden(call="CALL", leg=0), hidden(call="ENDED", leg=0), for_tenant(call="CALL", leg=0)),
    "call.doctor": each(hidden(call="CALL"), hidden(call="ENDED"), for_tenant(call="CALL")),
    "call.hangup": each(order(), hidden(call="ENDED"), for_tenant(call="CALL")),
    "call.originate": each(hidden(**{"from": "LONE", "to": "1001"}), hidden("conflict", **{"from": "1001", "to": "LONE"})),
    "call.answer": order(),
    "call.keep": order(),
    "call.transfer_cancel": order(),
    "call.accept": order(),
    "call.link": each(hidden(number="LONE", link="call.center:hangup"), hidden(number="LONE", link="tel:1001")),
    "call.play": order(file="echo"),
    "call.stream": order(endpoint="bot"),
    "call.play_control": order(action="pause"),
    "call.stop": order(),
    "call.collect": order(file="tone-dial"),
    "call.record_message": order(),
    "call.run": order(flow="menu"),
    "call.flow": each(hidden(call="CALL"), hidden(call="ENDED"), for_tenant(call="CALL")),
    "call.split": order(),
    "call.park": order(leg="a", slot="8"),
    "call.retrieve": each(order(leg="a", slot="8"), hidden(call="OWN", leg="a", slot="LONE")),
    "call.hold": order(leg="a"),
    "call.resume": order(leg="a"),
    "call.mute": order(leg="a", on=True),
    "call.record": order(leg="a", state="off"),
    "call.account_code": order(),
    "call.transfer": each(order(leg="a", to="1001"), mine),
    "call.deflect": order(to="1001"),
    "call.pickup": hidden(extension="LONE", by="1001"),
    "call.reject": order(),
    "call.join": each(order(**{"with": "CALL", "leg": "a", "with_leg": "a"}), mine),
    "conference.list": own(lambda me, rows: not rows),      # conference_test has some
    "conference.get": hidden(conference="CALL"),
    "conference.add": order(leg="a", to="1001"),
    "conference.monitor": order(leg="a", mode="listen", to="1001"),
    "conference.invite": hidden(conference="CALL", to="1001"),
    "conference.join": hidden(conference="CALL", call="OWN"),
    **{f"conference.{word}": order() for word in ("drop", "mute", "unmute", "hold", "resume", "host")},
    "conference.deaf": order(on=True),
    "conference.gain": order(db="0"),
    "conference.coach": order(member=0),
    **{f"conference.{word}": hidden(conference="CALL") for word in ("lock", "unlock", "end", "mute_all", "unmute_all", "hold_all", "resume_all")},
    "conference.play": hidden(conference="CALL", file="hello"),
    "conference.stream": hidden(conference="CALL", endpoint="bot"),
    "conference.stop": hidden(conference="CALL", what="play"),
    "conference.record": hidden(conference="CALL", state="on"),
    "park.list": own(lambda me, rows: sorted((row["slot"], row["call"]) for row in rows) == [(me.lone, me.call), ("7", me.call)]),
    "call.dtmf": order(leg="a", digits="1"),
    "call.trace.start": each(of_operators, for_tenant(call="CALL")),
    "call.trace.stop": of_operators,
    "call.trace.list": of_operators,
    "call.trace.read": of_operators,
    "call.trace.delete": of_operators,
    "recording.list": own(lambda me, rows: not rows),       # store_test has tenants with recordings
    "recording.get": hidden(name="LONE"),
    "recording.link": hidden("unavailable", name="LONE"),
    "recording.put": hidden(name="LONE", heard=True),
    "recording.delete": hidden(name="LONE"),
    "message.list": own(lambda me, rows: not rows, mailbox="1001"),     # boxes_nodes_test has messages
    "message.count": own(lambda me, row: row["new"] == 0, mailbox="1001"),
    **{f"message.{word}": hidden(message="000agvj5jqr40-1", mailbox="1001") for word in ("get", "put", "delete", "undelete")},
    "message.link": hidden("unavailable", message="000agvj5jqr40-1", mailbox="1001"),
    "message.introduce": hidden(message="000agvj5jqr40-1", mailbox="1001", to="1001"),
    "message.forward": hidden(message="000agvj5jqr40-1", mailbox="1001", to="1001"),
    "delivery.list": own(lambda me, rows: not rows),
    "delivery.retry": own(lambda me, row: row["retried"] == 0),
    "sip.recent": of_operators,
    "call.why": of_operators,
    "security.list": of_operators,
    # what it has named of the other itself stands there
    "audit.list": lambda test, me, command, other: [(row["changes"], row["by"]) for row in me.ask(command, limit=1000) if "changes" in row],
    "registration.list": each(own(has(3, tenant="NAME")), own(lambda me, rows: not rows, number="2000")),
    "subscription.list": each(own(has(1, tenant="NAME")), own(lambda me, rows: not rows, number="2000")),
    "subscription.end": hidden(id="LAMP"),
    "cdr.list": each(own(lambda me, rows: {row["tenant"] for row in rows} == {me.name}), lambda test, me, command, other:
                     [test.assertEqual(me.ask(command, call=other.ended), [])]),
    "history.list": each(own(lambda me, rows: me.ended in {row["call"] for row in rows}), own(lambda me, rows: not rows, user="2000"),
                         lambda test, me, command, other: [test.assertEqual(me.ask(command, user=other.lone), [])]),
    "history.get": each(lambda test, me, command, other: [me.ask(command, call=me.ended)], hidden(call="ENDED")),
    "history.note": hidden(call="ENDED", note="of another"),
    "history.hide": hidden(call="ENDED"),
    "history.clear": own(user="1003"),
    "history.log": hidden(call="ENDED", user="1001"),
    "history.unlogged": own(lambda me, rows: not rows),
    "history.erase": own(number="1003"),
    "history.export": own(number="1003"),
    "history.report": own(lambda me, report: me.name and 1 <= sum(row["calls"] for row in report["rows"]), by="hour"),
    # what it has named of the other itself stands there
    "archive.list": lambda test, me, command, other: [[row for row in me.ask(command, object=other.lone) if "changes" in row]],
    "archive.query": of_operators,
    "capacity.list": of_operators,
    "setting.list": of_operators,
    "node.list": of_operators,
    "node.get": of_operators,
    "node.status": of_operators,
    "node.drain": of_operators,
    "node.undrain": of_operators,
    "shard.list": of_operators,
    "shard.get": of_operators,
    "shard.take": of_operators,
    "cluster.status": of_operators,
    "cluster.rebalance": of_operators,
    "node.remove": of_operators,
    "health": own(lambda me, row: row["status"] == "ok"),
    "log.level": of_operators,
    "backup.read": of_operators,
    "backup.restore": of_operators,
    "contact.backup": of_operators,
    "contact.restore": of_operators,
    "recording.look": of_operators,
    "help": own(),
}

PAGES = ("/healthz", "/readyz", "/metrics")


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.enterClassContext(Node())
        cls.operator = cls.enterClassContext(Operator(cls.node.redis_socket, "_operator"))
        cls.houses = [House(cls.node, "maroon", "3001"), House(cls.node, "indigo", "3002")]
        for house in cls.houses:
            cls.addClassCleanup(house.close)
            house.furnish(cls.operator)
        for house in cls.houses:
            house.register()
        for house in cls.houses:
            house.calls()
        cls.table = cls.operator.ask("help")

    def pairs(self):
        maroon, indigo = self.houses
        return (maroon, indigo), (indigo, maroon)

    def refused(self, house, command, code, /, role="admin", **arguments):
        with self.assertRaises(Refused, msg=f"{command} {arguments}") as caught:
            house.ask(command, role=role, **arguments)
        self.assertEqual(caught.exception.code, code, f"{command}: {caught.exception}")
        return str(caught.exception)

    @staticmethod
    def settled(house):
        """What it is like when nothing of it changes by itself any more: a call is saved once more behind its ACK."""
        states = [house.state()]

        def same():
            time.sleep(0.3)
            states.append(house.state())
            return states[-1] == states[-2]
        wait(same)
        return states[-1]

    @staticmethod
    def marked(said, marks):
        """Those that are in it, as whole words: the random id of a client may have the digits of a number."""
        return [mark for mark in marks if re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", said)]

    def test_every_command(self):
        self.assertEqual({row["name"] for row in self.table}, set(ROWS), "each command has its row")
        for me, other in self.pairs():
            marks, before = other.marks(), self.settled(other)
            for command, row in ROWS.items():
                with self.subTest(command=command, tenant=me.name):
                    said = json.dumps(row(self, me, command, other))
                    said = re.sub(r"there is no (call|subscription) \w+", "", said)      # me has named it
                    self.assertEqual(self.marked(said, marks), [], said)
                    self.assertEqual(other.state(), before)

    def test_every_role(self):
        """Each command from the stream of each role that may not, and with the name of another tenant from those that may."""
        me, other = self.houses
        for row in self.table:
            least = (*ROLES, "operator").index(row["for"])
            for rank, role in enumerate(ROLES):
                with self.subTest(command=row["name"], role=role):
                    if rank < least:
                        said = self.refused(me, row["name"], "not_allowed", role=role)
                        self.assertIn(f"needs the role {row['for']};", said)
                    else:
                        self.refused(me, row["name"], "unknown_argument", role=role, tenant=other.name)

    def test_tandemctl(self):
        """The program speaks as a tenant, in a role: what it hears is that tenant's, and what its role may not it is refused."""
        def ctl(*words, secret=None):
            done = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--redis", f"unix:{self.node.redis_socket}",
                                   "--json", *words], input=secret, capture_output=True, text=True, timeout=20)
            return done.returncode, json.loads(done.stdout)["result" if done.returncode == 0 else "error"] if done.stdout else done.stderr

        me, _ = self.houses
        as_reader = ("--tenant", me.name, "--role", "reader")
        self.assertEqual(ctl(*as_reader, "tenant.status")[1]["role"], "reader")
        self.assertEqual(ctl(*as_reader, "extension.delete", "number=1001")[1]["code"], "not_allowed")
        self.assertEqual(ctl("--tenant", me.name, "extension.put", "number=1002", "password=-", secret="another secret\n")[0], 0)
        with self.node.user_agent("1002", "another secret") as phone:
            phone.domain = me.domain
            self.assertEqual(phone.register().status, 200, "hashed over the tenant's realm")
            phone.register(expires=0)
        me.ask("extension.put", number="1002", ha1=ha1("1002", me.domain, f"secret-{me.name}"))
        for words in (("--role", "reader"), ("--tenant", me.name, "--role", "operator")):
            self.assertEqual(ctl(*words, "tenant.status")[0], 2, words)

    def test_answers_are_of_one(self):
        """The same id and client in both tenants, and in all roles: each hears its own answer, again when it asks again."""
        names = [(house.name, role) for house in self.houses for role in ROLES]
        with Redis(self.node.redis_socket) as redis:
            for _ in range(2):
                for tenant, role in names:
                    redis("XADD", self.key(tenant, role, "in"), "*", "v", 1, "id", "same", "client", "same", "do", "extension.get",
                          "args", '{"number":"1002"}')
            for tenant, role in names:
                out = self.key(tenant, role, "out:same")
                wait(lambda out=out: redis("XLEN", out) == 2)
                texts = {fields[3] for _, fields in redis("XRANGE", out, "-", "+")}
                self.assertEqual(len(texts), 1)
                self.assertEqual(json.loads(texts.pop())["result"]["display_name"], f"of {tenant}")

    @staticmethod
    def key(tenant, role, what):
        return f"td:{{cmd:{tenant}}}:{'' if role == 'admin' else role + ':'}{what}"

    def test_no_secret_is_shown(self):
        """No role reads a password or a hash of it: not where one was just put, and not in the log."""
        me, _ = self.houses
        put = {"number": "1002", "ha1": ha1("1002", me.domain, f"secret-{me.name}")}
        said = [me.ask("extension.put", **put), self.operator.ask("extension.put", tenant=me.name, **put),
                self.refused(me, "extension.put", "bad_argument", number="1002", ha1=put["ha1"][:-1] + "x"),
                self.refused(me, "extension.put", "not_allowed", role="application", **put)]
        for role in ROLES:
            said += [me.ask("extension.get", role=role, number="1002"), me.ask("extension.list", role=role),
                     me.ask("room.show", role=role, number="7000"), me.ask("room.list", role=role)]
        said += [self.operator.ask("extension.get", tenant=me.name, number="1002"), self.node.log_text(),
                 self.node.told(f"td:{{ev:{me.name}}}")]
        said = json.dumps(said)
        for secret in (f"secret-{me.name}", "471147", "815081", *put["ha1"].split(":")):
            self.assertNotIn(secret, said)
            self.assertNotIn(secret[:24], said)

    def test_events_and_records(self):
        for me, other in self.pairs():
            told = self.node.told(f"td:{{ev:{me.name}}}")
            self.assertIn(me.call, {event.get("call") for event in told})
            self.assertFalse({event.get("call") for event in told} & {other.call, other.ended})
        self.assertEqual(self.node.told("td:{ev:default}"), [])
        self.assertLessEqual({(house.name, house.ended) for house in self.houses},
                             {(record["tenant"], record["id"]) for record in self.node.cdrs(2)})
        for name in ("call.list", "registration.list", "cdr.list", "subscription.list"):
            for me, other in self.pairs():
                rows = self.operator.ask(name, tenant=me.name)
                self.assertEqual({row["tenant"] for row in rows}, {me.name}, name)
            self.assertEqual({row["tenant"] for row in self.operator.ask(name)}, {"maroon", "indigo"}, name)

    def test_feature_codes(self):
        """A phone changes the extension of its own tenant, and sends its calls to nobody else's."""
        def dial(house, digits):
            with house.node.media() as audio:
                out = house.phones["1002"].invite(digits, audio.sdp())
                out.wait_answer()
                out.bye()

        me, other = self.houses
        before = self.settled(other)
        for digits, to in (f"*72{other.lone}", ""), (f"*72{me.lone}", me.lone), ("*73", ""):
            dial(me, digits)
            self.assertEqual(me.ask("extension.get", number="1002")["forward_always"], to, digits)
        self.assertEqual(other.state(), before)
        wait(lambda: len(me.ask("call.list")) == 1)
        causes = {row["to"]: row["cause"] for row in me.ask("cdr.list")}
        self.assertEqual((causes[f"*72{other.lone}"], causes[f"*72{me.lone}"]), ("feature code: not set", "feature code: set"))

    def test_every_page(self):
        source = pathlib.Path(ROOT, "app/web/web_request.c").read_text(encoding="utf-8")
        probes = re.search(r'#define PROBES +"([^"]*)"', source)[1].split(",")
        self.assertEqual({*re.findall(r'bytes_is\(path, "([^"]*)"', source), *probes} - {"/v1"}, set(PAGES), "each page has its row")
        for page in PAGES:
            said = self.node.http(page)[1]
            for house in self.houses:
                self.assertEqual(self.marked(said, house.marks() - {house.name, house.lone}), [])

    def test_metrics(self):
        """Each tenant has its own calls and phones; of all that have no row of their own there is one."""
        for house in self.houses:
            wait(lambda house=house: self.node.metric("tandem_tenant_calls", tenant=house.name) == 1)
            self.assertEqual(self.node.metric("tandem_tenant_registrations", tenant=house.name), 3)
        self.assertEqual(self.node.metric("tandem_tenant_calls", tenant="default"), 0)
        self.assertEqual(self.node.metric("tandem_tenant_calls"), self.node.metric("tandem_calls"))
        self.assertEqual(self.node.metric("tandem_tenant_registrations"), self.node.metric("tandem_registrations"))

    def test_slots_of_the_call(self):
        """Whose call it is has the slot, also where an operator says so: one whose call does not wait there is freed."""
        me, _ = self.houses
        with Redis(self.node.redis_socket) as redis:
            slots = f"td:{{t:{me.name}}}:park:default"
            redis("HSET", slots, "99", redis("HGET", slots, "7"))
            with self.assertRaises(Refused) as caught:
                self.operator.ask("call.retrieve", call=me.call, leg="a", slot="99")
            self.assertEqual(caught.exception.code, "not_found")
            wait(lambda: not redis("HEXISTS", slots, "99"))

    def test_streams_come_and_go(self):
        """None is read before its document says so, nor when it does not any more, and whoever asks is told so, by each client."""
        def told(tenant, role):
            began = time.monotonic()
            with Client(self.node.redis_socket, tenant, role=role) as client, self.assertRaisesRegex(
                    NotRead, f"of the tenant {tenant} in the role {role}: there is no such tenant, or"):
                client.ask("help")
            self.assertLess(time.monotonic() - began, 4.5 * slowness())
            done = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--redis", f"unix:{self.node.redis_socket}",
                                   "--tenant", tenant, "--role", role, "call.list"], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 3, done)
            self.assertIn("there is no such tenant", done.stderr)

        told("nobody", "reader")
        self.operator.ask("tenant.put", name="green", domains="green.test")
        with Client(self.node.redis_socket, "green", role="reader") as client:
            with self.assertRaises(NotRead):
                client.ask("call.list", wait=1.5)
            self.operator.ask("tenant.put", name="green", commands=["reader"])
            self.assertEqual(client.ask("call.list"), [])
            self.operator.ask("tenant.put", name="green", enabled=False)
            for role in ("admin", "reader"):
                told("green", role)
            self.operator.ask("tenant.put", name="green", enabled=True)
            self.assertEqual(client.ask("call.list"), [])
        self.operator.ask("tenant.delete", name="green")

    def test_a_node_stops_behind_one_that_is_deleted(self):
        with Node(calls=4, spare=4) as node:
            node.ctl("tenant.put", name="green", domains="green.test", commands=["reader"])
            node.ctl("tenant.delete", name="green")

    def test_flood_delays_nobody(self):
        """A tenant that asks for more than it may have at once gets its answers, and the other one does not wait for them."""
        maroon, indigo = self.houses
        out = "td:{cmd:maroon}:reader:out:flood"
        with Redis(self.node.redis_socket) as redis:
            for number in range(60):
                redis("XADD", "td:{cmd:maroon}:reader:in", "*", "v", 1, "id", f"flood-{number}", "client", "flood",
                      "do", "call.doctor", "args", json.dumps({"call": maroon.call, "window_ms": 3000}), "ttl_ms", 2000)
            indigo.ask("call.list", role="reader")
            self.assertEqual(redis("XLEN", out), 0, "none before it has ended")
            wait(lambda: redis("XLEN", out) == 60, 30)

    def test_a_stream_is_broken(self):
        """A key of another type is no tenant's trouble but its own."""
        _, indigo = self.houses
        self.operator.ask("tenant.put", name="grey", domains="grey.test", commands=["reader", "admin"])
        with Redis(self.node.redis_socket) as redis, Client(self.node.redis_socket, "grey", role="reader") as grey:
            self.assertEqual(grey.ask("call.list"), [])
            redis("DEL", "td:{cmd:grey}:in")
            redis("SET", "td:{cmd:grey}:in", "x")
            for role in ROLES:
                indigo.ask("call.list", role=role)
            self.assertEqual(grey.ask("call.list"), [])
            redis("DEL", "td:{cmd:grey}:in")
            with Client(self.node.redis_socket, "grey") as admin:
                self.assertEqual(admin.ask("call.list"), [])

    def test_users_of_redis(self):
        """The access list of docs/api.md: who may speak as one role of one tenant may nothing else."""
        text = pathlib.Path(ROOT, "docs/api.md").read_text(encoding="utf-8")
        words = re.search(r"ACL SETUSER crm.*?```", text, re.S)[0].strip("`\n").replace("acme", "maroon").split()
        words[words.index("#HASH")] = ">secret-of-crm"
        with Redis(self.node.redis_socket) as redis:
            redis(*words)
            self.addCleanup(self.forget_user)
        with Client(self.node.redis_socket, "maroon", "crm-1", "application") as client:
            client._connected()("AUTH", "crm", "secret-of-crm")
            self.assertEqual(len(client.ask("call.list")), 1)
            with self.assertRaises(Refused) as caught:
                client.ask("extension.delete", number="1001")
            self.assertEqual(caught.exception.code, "not_allowed")
        with Redis(self.node.redis_socket) as redis:
            redis("AUTH", "crm", "secret-of-crm")
            for command in (("XADD", "td:{cmd:maroon}:in", "*", "v", 1), ("XADD", "td:{cmd:indigo}:application:in", "*", "v", 1),
                            ("XADD", "td:{cmd:_operator}:in", "*", "v", 1), ("XREAD", "STREAMS", "td:{s1}:cdr", "0"),
                            ("XREAD", "STREAMS", "td:{cmd:maroon}:application:in", "0"),
                            ("XREAD", "STREAMS", "td:{cmd:maroon}:application:out:other", "0"),
                            ("XREAD", "STREAMS", "td:{ev:maroon}", "0"), ("HGETALL", "td:{t:maroon}:doc:extension")):
                with self.assertRaisesRegex(RedisError, "NOPERM", msg=str(command)):
                    redis(*command)

    def forget_user(self):
        with contextlib.suppress(OSError), Redis(self.node.redis_socket) as redis:
            redis("ACL", "DELUSER", "crm")


class Phones(unittest.TestCase):
    def test_equal_numbers(self):
        """Real phones of two tenants, with equal numbers, talk at once; a kill of the node joins nobody and loses nobody."""
        node = Node()
        self.addCleanup(node.close)
        operator = Client(node.redis_socket, "_operator")
        self.addCleanup(operator.close)
        houses = {name: House(node, name, "3001") for name in TONES}
        callers, callees = {}, {}
        for name, house in houses.items():
            house.furnish(operator)
            callers[name], callees[name] = (self.phone(node, house, number, hertz) for number, hertz in zip(NUMBERS, TONES[name]))
        for caller in callers.values():
            caller.dial("1002")
        for phone in (*callers.values(), *callees.values()):
            phone.wait("CALL_ESTABLISHED")
        wait(lambda: all(row["saved"] and row["state"] == "established" for row in operator.ask("call.list")))
        before = {row["tenant"]: row["id"] for row in operator.ask("call.list")}
        self.assertEqual(set(before), set(TONES))
        node.kill()
        node.restart()
        with Client(node.redis_socket, "_operator") as again:
            self.assertEqual({row["tenant"]: row["id"] for row in again.ask("call.list")}, before)
            for house in houses.values():
                self.assertEqual({(row["tenant"], row["number"]) for row in again.ask("registration.list", tenant=house.name)},
                                 {(house.name, number) for number in NUMBERS})
            heard = {name: self.packets(again, before[name]) for name in TONES}
            wait(lambda: all(self.packets(again, before[name]) > heard[name] + 40 for name in TONES))
        for caller in callers.values():
            caller.hangup()
        for name in TONES:
            for phone in (callers[name], callees[name]):
                phone.wait("CALL_CLOSED")
            for phone, hertz in zip((callers[name], callees[name]), reversed(TONES[name])):
                self.assertEqual(self.heard(phone), {hertz}, f"{name}: only whom it speaks with")
        self.assertEqual({(row["tenant"], row["id"]) for row in node.cdrs(2)}, set(before.items()))

    def phone(self, node, house, number, hertz):
        made = node.phone(number, f"secret-{house.name}", domain=house.domain, source=f"ausine,{hertz}",
                          extra="answermode=auto" if number == "1002" else "")
        self.addCleanup(made.quit)
        return made

    @staticmethod
    def heard(phone):
        """Which of the tones are in what it heard."""
        samples, rate = tone.samples_of(phone.recordings("dec")[0])
        powers = {hertz: tone.power(samples, rate, hertz) for pair in TONES.values() for hertz in pair}
        return {hertz for hertz, power in powers.items() if power > 0.05 * max(powers.values())}

    @staticmethod
    def packets(operator, call):
        """That the slower of its parties was sent."""
        flows = operator.ask("call.show", call=call)["flows"]
        return min((flow["stats"]["packets_out"] for flow in flows if flow["stats"]), default=0)


if __name__ == "__main__":
    unittest.main()
