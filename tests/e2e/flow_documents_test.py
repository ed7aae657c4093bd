# SPDX-License-Identifier: Apache-2.0
"""Flows as documents: checked whole, the same on all nodes, kept by hash for calls that go through them, each tenant's its own."""
import hashlib
import json
import pathlib
import tempfile

from directory_test import Pair
from tandem_client import Client, Redis, Refused

MENU = {"start": "menu", "steps": {
    "menu": {"gather": {"prompt": ["main-menu"], "max": 1, "tries": 2}, "on": {"1": "sales"}, "invalid": "bye", "timeout": "bye"},
    "sales": {"dial": {"to": ["1001"]}, "next": "bye"},
    "bye": {"hangup": {}}}}


def big(octets):
    """A program whose compact text has nearly so many octets."""
    def made(count):
        steps = {f"s{i}": {"play": ["x" * 32] * 8, "next": f"s{i + 1}"} for i in range(count)}
        return {"start": "s0", "steps": {**steps, f"s{count}": {"hangup": {}}}}

    count = 1
    while len(json.dumps(made(count + 1), separators=(",", ":"))) <= octets:
        count += 1
    return made(count)


class Flows(Pair):
    def setUp(self):
        with Redis(self.socket) as redis:
            for key in redis("KEYS", "td:{t:*}:program:*"):
                redis("DEL", key)
        for flow in self.a.tandemctl("flow.list"):
            self.ask("flow.delete", name=flow["name"], force=True)

    def ask(self, command, tenant="_operator", **args):
        with Client(self.socket, tenant) as client:
            return client.ask(command, **args)

    def refused(self, code, argument, command, **args):
        with self.assertRaises(Refused) as refused:
            self.ask(command, **args)
        self.assertEqual((refused.exception.code, refused.exception.argument), (code, argument))
        return str(refused.exception)

    def texts(self, tenant="default"):
        with Redis(self.socket) as redis:
            return {key.split(":")[-1]: redis("TTL", key) for key in redis("KEYS", f"td:{{t:{tenant}}}:program:*")}

    def file(self, text):
        name = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "flow.json"
        name.write_text(text if isinstance(text, str) else json.dumps(text, indent=4))
        return f"@{name}"

    def test_documents(self):
        put = self.ask("flow.put", name="main", program=MENU)
        self.assertEqual((put["name"], put["steps"]), ("main", 3))
        self.assertEqual(put["warnings"], ["/steps/sales/dial/to/0: there is no number 1001 yet"])
        for node in (self.a, self.b):
            self.until(lambda node=node: [f["hash"] for f in node.tandemctl("flow.list")] == [put["hash"]])
            found = node.tandemctl("flow.get", name="main")
            self.assertEqual((found["program"], found["hash"]), (MENU, put["hash"]))
        text = self.a.tandemctl("flow.export", name="main")
        self.assertEqual(json.loads(text), MENU)
        self.assertEqual(list(json.loads(text)["steps"]), list(MENU["steps"]))
        again = self.b.tandemctl("flow.put", name="copy", program=self.file(text))
        self.assertEqual(again["hash"], put["hash"])
        for name in ("main", "copy"):
            self.ask("flow.delete", name=name, force=True)
        self.refused("not_found", "name", "flow.get", name="main")

    def test_refused_whole(self):
        wrong = {"start": "a", "steps": {"a": {"gather": {"prompt": ["x"], "max": 0}, "next": "nowhere"}, "b": {"dance": {}}}}
        with self.assertRaises(Refused) as refused:
            self.ask("flow.put", name="wrong", program=wrong)
        paths = {finding["path"] for finding in refused.exception.findings}
        self.assertLessEqual({"/steps/a/gather/max", "/steps/a/next", "/steps/b/dance"}, paths)
        for path in paths:
            self.assertIn(f"{path}: ", str(refused.exception))
        self.refused("bad_argument", "program", "flow.put", name="wrong", program="{}")
        self.refused("missing_argument", "program", "flow.put", name="wrong")
        self.refused("not_found", "name", "flow.get", name="wrong")
        self.assertEqual(self.a.tandemctl("flow.list"), [])
        with Redis(self.socket) as redis:       # texts of other tests may come back: each node has them
            self.assertEqual([text for key in redis("KEYS", "td:{t:*}:program:*") for text in [redis("GET", key)] if "dance" in (text or "")], [])

    def test_large(self):
        """64 KiB go by both ways in, and other commands have no more than before."""
        program = big(65000)
        for put in (self.ask("flow.put", name="large", program=program),
                    self.a.tandemctl("flow.put", name="large", program=self.file(program))):
            self.assertEqual(put["steps"], len(program["steps"]))
        self.until(lambda: self.b.tandemctl("flow.list"))
        self.assertEqual(self.b.tandemctl("flow.get", name="large")["program"], program)
        self.assertIn("65000", self.refused("bad_argument", "program", "flow.put", name="large", program=big(65500)))
        self.assertIn("65536", self.refused("bad_argument", "program", "flow.put", name="large", program=big(67000)))
        self.refused("bad_request", None, "flow.put", name="large", program=big(140000))
        self.refused("bad_request", None, "hours.put", name="large", week="x" * 17000)
        self.ask("flow.delete", name="large")

    def test_tenants_never_meet(self):
        for tenant in ("acme", "zeta"):
            self.ask("tenant.put", name=tenant, domains=f"{tenant}.example", commands=["admin"])
        self.until(lambda: all(self.ask("flow.list", tenant) == [] for tenant in ("acme", "zeta")))
        self.ask("flow.put", "acme", name="main", program=MENU)
        self.assertEqual(self.ask("flow.list", "zeta"), [])
        self.assertEqual([flow["name"] for flow in self.ask("flow.list", "acme")], ["main"])
        self.assertTrue(self.texts("acme"))
        self.assertEqual(self.texts("zeta"), {})
        self.ask("flow.delete", "acme", name="main", force=True)

    def test_texts_by_hash(self):
        """What a name meant stays for a week for calls that are in it; all of it is there again in a Redis that was emptied."""
        first = self.ask("flow.put", name="kept", program=MENU)["hash"]
        second = self.ask("flow.put", name="kept", program=[{"play": ["closed"]}, {"hangup": {}}])["hash"]
        self.assertEqual(set(self.texts()), {first, second})
        for ttl in self.texts().values():
            self.assertGreater(ttl, 604000)
        with Redis(self.socket) as redis:
            text = redis("GET", f"td:{{t:default}}:program:{second}")
            self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), second)
            redis("FLUSHALL")
        self.until(lambda: second in self.texts())
        self.ask("flow.delete", name="kept", force=True)

    def test_try(self):
        """The way that a call would take: by the calendar of a time, the digits, and on to another flow."""
        self.ask("hours.put", name="office", zone="Europe/Berlin", week="mon-fri 08:00-18:00", holidays="12-25 closed Christmas")
        self.ask("flow.put", name="night", program=[{"play": ["closed"]}, {"record": {}}, {"hangup": {}}])
        self.ask("flow.put", name="main", program={"start": "open", "steps": {
            "open": {"hours": "office", "on": {"holiday": "feast"}, "closed": "away", "next": "hello"},
            "hello": {"say": "Good morning, {caller}. It is {time.weekday} {time.hour}.", "next": "menu"},
            "menu": {"gather": {"prompt": ["main-menu"], "max": 1}, "on": {"1": "sales"}, "invalid": "away", "timeout": "away"},
            "sales": {"dial": "1001", "busy": "away", "no_answer": "away"},
            "away": {"redirect": "flow:night"},
            "feast": {"tag": {"Case.Day": "feast"}, "next": "away"}}})

        def way(**args):
            return [next(v for v in (step.get("step"), step.get("flow"), step.get("end")) if v)
                    for step in self.b.tandemctl("flow.try", flow="main", **args) if step.keys() & {"step", "flow", "end"}]

        self.until(lambda: len(self.b.tandemctl("flow.list")) == 2)
        open_, shut, feast = "2026-11-27 08:00", "2026-11-27 07:59", "2026-12-25 12:00"
        self.assertEqual(way(time=open_), ["hello", "menu"])
        self.assertEqual(way(time=open_, digits="1"), ["hello", "menu", "sales"])
        self.assertEqual(way(time=open_, digits="1,busy,msg-1"), ["hello", "menu", "sales", "away", "night", "1", "2", "3"])
        self.assertEqual(way(time=open_, digits="timeout"), ["hello", "menu", "away", "night", "1", "2"])
        for said, end in (("1,buzy", "'buzy' is no outcome of dial: next, failed, busy, no_answer, rejected"),
                          ("1,17", "'17' is no outcome of dial: next, failed, busy, no_answer, rejected"),
                          ("busy", "'busy' is no outcome of gather: next, timeout, invalid, failed"),
                          ("one", "'one' is no outcome of gather: next, timeout, invalid, failed")):
            self.assertEqual(way(time=open_, digits=said)[-1], end)
        self.assertEqual(way(time=shut), ["away", "night", "1", "2"])
        tried = self.ask("flow.try", flow="main", time=feast, **{"from": "+49301"})
        self.assertIn({"tag": "Case.Day", "value": "feast"}, tried)
        hello = self.ask("flow.try", flow="main", time=open_, **{"from": "+49301"})
        self.assertIn({"text": "Good morning, +49301. It is fri 08."}, [step.get("say") for step in hello])
        self.ask("hours.override", name="office", state="closed")
        self.assertEqual(way(time=open_)[:2], ["away", "night"])
        self.ask("hours.override", name="office", state="none")
        self.ask("flow.put", name="main", program=[{"tag": {"A.b": "{header.x-crm} {header.X-Other}|{time.hour}"}}, {"hangup": {}}])
        tried = self.ask("flow.try", flow="main", headers="X-Crm=a b;X-No=1", time="07:59")
        self.assertIn({"tag": "A.b", "value": "a b |07"}, tried)
        self.ask("flow.put", name="main", program=[{"tag": {"A.b": "{caller.e164} {called.e164}"}}, {"hangup": {}}])
        self.ask("dialplan.put", country="49", international_prefix="00")
        self.addCleanup(self.ask, "dialplan.put", country="", international_prefix="")
        for trunk, value in (("pbx", "+49301 +49302"), ("", "0049301 0049302")):
            tried = self.ask("flow.try", flow="main", trunk=trunk, to="0049302", **{"from": "0049301"})
            self.assertIn({"tag": "A.b", "value": value}, tried)
        self.refused("bad_argument", "time", "flow.try", flow="main", time="tomorrow")
        self.refused("not_found", "flow", "flow.try", flow="shop")

    def test_numbers(self):
        """A number leads to one thing alone."""
        self.ask("flow.put", name="main", program=MENU)
        self.ask("extension.put", number="1001", password="secret-1001")
        self.ask("room.put", number="700")
        put = self.ask("number.put", number="100", to="flow:main")
        self.assertNotIn("warnings", put)
        self.assertEqual(self.ask("number.put", number="101", to="flow:later")["warnings"], ["to: there is no flow later yet: flow.put makes one, flow.list shows all of them"])
        self.until(lambda: [n["number"] for n in self.b.tandemctl("number.list")] == ["100", "101"])
        self.assertEqual(self.b.tandemctl("number.get", number="100")["to"], "flow:main")
        self.refused("conflict", "number", "number.put", number="1001", to="flow:main")
        self.refused("conflict", "number", "number.put", number="700", to="flow:main")
        self.refused("bad_argument", "number", "number.put", number="*72", to="flow:main")
        self.refused("bad_argument", "to", "number.put", number="102", to="main")
        self.refused("bad_argument", "to", "number.put", number="102", to="flow:")
        self.refused("bad_argument", "to", "number.put", number="102")
        self.refused("conflict", "number", "extension.put", number="100", password="secret-100")
        self.refused("conflict", "number", "room.put", number="100")
        self.assertIn("emergency call to 112", self.ask("number.put", number="112", to="flow:main")["warnings"][0])
        self.ask("number.delete", number="112")
        self.assertIn("emergency call to 112", self.ask("room.put", number="112")["warnings"][0])
        self.ask("room.delete", number="112")
        self.assertNotIn("warnings", self.ask("number.put", number="#1x", to="flow:main"))
        self.assertIn("fits #1x, too", self.ask("number.put", number="#xx", to="flow:main")["warnings"][0])
        self.assertEqual(self.ask("dialplan.check", number="#13", **{"from": "1001"})["flow"], "main")
        for number in ("#1x", "#xx"):
            self.ask("number.delete", number=number)
        means = self.ask("dialplan.check", number="100", **{"from": "1001"})
        self.assertEqual((means["meaning"], means["flow"], means["status"]), ("flow", "main", 0))
        self.assertEqual(self.ask("flow.put", name="main", program=[{"dial": "100"}, {"hangup": {}}]).get("warnings"), None)
        self.ask("number.put", number="101", to="https://a.test/call", fallback="flow:main")
        self.until(lambda: self.b.tandemctl("number.get", number="101")["to"] == "https://a.test/call")
        self.until(lambda: self.b.tandemctl("dialplan.check", number="101", **{"from": "1001"})["flow"] == "number:101")
        for number in ("100", "101"):
            self.ask("number.delete", number=number, force=True)
        self.assertNotEqual(self.ask("dialplan.check", number="100", **{"from": "1001"})["meaning"], "flow")
        self.ask("room.delete", number="700")
        self.ask("extension.delete", number="1001", force=True)
