# SPDX-License-Identifier: Apache-2.0
"""History out of the archive: who sees which conversations, what he does with them, and what survives the ends of processes. CALL-06."""
import contextlib
import csv
import glob
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from call_test import CallTest
from guides_test import guide, typed
from lib.media import stretches
from lib.node import children
from lib.postgres import PROGRAMS, Postgres
from patience import until
from server import ServerError
from session_test import Users
from taken_test import Cluster, Talk

SPOOLED = """for i = ARGV[1], ARGV[2] do
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], '*', 'event', '{"command":"spooled","number":' .. i .. '}') end"""

SQLITE = """import json, sqlite3, sys
with sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=20) as db:
    print(json.dumps(db.execute(sys.argv[2]).fetchall()))"""


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
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        out.cancel()
        into.wait_cancel()
        self.listed(self.admin, 2)
        row, = self.listed(peer, 1, "?missed=true")
        self.assertEqual((row["number"], row["result"], row["direction"]), ("1001", "cancelled", "incoming"))
        self.assertEqual([self.listed(token, 0, "?missed=true") for token in (mine, other)], [[], []])

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

    def test_cleared_by_filter(self):
        """What a list shows goes out of it, and what its filter hides stays, as it does in all other lists."""
        mine, peer = (self.session(self.node, number)["token"] for number in ("1001", "1002"))
        call = self.talk()
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().ring()
        out.wait_provisional(180)
        out.cancel()
        self.listed(peer, 2)
        self.refused(400, "bad_argument", self.node, "POST", "/v1/histories:clear", peer, {"direction": "sideways"})
        self.refused(403, "not_allowed", self.node, "POST", "/v1/histories:clear", peer, {"user": "1001", "missed": True})
        self.ok(self.node, "POST", "/v1/histories:clear", peer, {"missed": True, "since": "2020-01-01", "until": "2020-01-02"})
        self.ok(self.node, "POST", "/v1/histories:clear", peer, {"text": "1003"})
        self.listed(peer, 2)
        self.ok(self.node, "POST", "/v1/histories:clear", peer, {"missed": True})
        self.assertEqual([row["call"] for row in self.listed(peer)], [call])
        self.listed(mine, 2)
        self.node.ctl("history.clear", user="1001", result="cancelled")
        self.assertEqual([row["call"] for row in self.listed(mine)], [call])
        self.listed(self.admin, 2)

    def test_report(self):
        """Calls by hour, code and extension: what the rows of history add up to, as JSON and CSV with guarded cells; a user has none, a tenant its own."""
        mine = self.session(self.node, "1001")["token"]
        self.node.ctl("extension.put", number="1002", display_name="=1+1")
        calls = [self.talk() for _ in range(2)]
        rows = self.listed(self.admin, 2)
        sums = {"calls": 2, "answered": 2, "missed": 0, "talk_ms": sum(row["talk_ms"] for row in rows),
                "duration_ms": sum(row["end_utc_ms"] - row["setup_utc_ms"] for row in rows)}

        def report(token, query):
            return self.ok(self.node, "GET", f"/v1/histories:report?{query}", token)
        of = report(self.admin, "by=hour")
        self.assertEqual({name: sum(row[name] for row in of["rows"]) for name in sums}, sums)
        self.assertEqual({row["hour"] for row in of["rows"]}, {time.strftime("%Y-%m-%dT%H:00Z", time.gmtime(row["setup_utc_ms"] / 1000)) for row in rows})
        self.assertEqual((of["clipped"], of["left_out"]), (False, 0))
        for row, direction in zip(report(self.admin, "by=extension")["rows"], ("outgoing", "incoming")):
            self.assertEqual({name: row[name] for name in sums} | {direction: row[direction]}, sums | {direction: 2})
        table = list(csv.reader(io.StringIO(report(self.admin, "by=extension&format=csv")["text"])))
        self.assertEqual(table[0], ["extension", "calls", "answered", "missed", "incoming", "outgoing", "internal", "duration", "billsec"])
        self.assertEqual([row[:4] for row in table[1:]], [["1001", "2", "2", "0"], ["1002", "2", "2", "0"]])
        for query in ("by=group", "by=trunk", "by=account_code", "by=hour&until=2020-01-01", "by=extension&until=2020-01-01"):
            self.assertEqual(report(self.admin, query)["rows"], [], query)
        self.node.ctl("tenant.put", name="acme")
        self.assertEqual(report(self.token(self.node, "admin", "acme", name="acme"), "by=extension")["rows"], [])
        self.refused(403, "not_allowed", self.node, "GET", "/v1/histories:report?by=hour", mine)
        for query in ("", "by=leg", "by=hour&format=xml", "by=hour&since=yesterday"):
            self.refused(400, "bad_argument", self.node, "GET", f"/v1/histories:report?{query}", self.admin)
        self.assertEqual(len(calls), 2)

    def test_who_hides(self):
        """A caller who withholds the identity (RFC 3323) is named to nobody who was called, nor found by a text; to who runs the tenant he is."""
        mine, peer = (self.session(self.node, number)["token"] for number in ("1001", "1002"))
        out = self.a.invite("1002", self.audio_a.sdp(), headers=[("Privacy", "id")])
        into = self.b.incoming()
        into.respond(200, "OK", body=self.audio_b.sdp())
        out.wait_answer()
        into.wait_ack()
        out.bye()
        into.wait_bye()
        call = self.ended()["id"]
        row, = self.listed(peer)
        self.assertNotIn("1001", json.dumps([row, self.ok(self.node, "GET", f"/v1/histories/{call}", peer)]))
        self.assertEqual((row["from"], row["number"]), ("anonymous", "anonymous"))
        for token, text, count in ((peer, "1001", 0), (peer, "1002", 1), (mine, "1002", 1)):
            self.listed(token, count, f"?text={text}")
        for token in (mine, self.admin):
            self.assertEqual([row["from"] for row in self.listed(token)], ["1001"])
        self.node.ctl("tenant.put", name="default", history_shared="all")
        self.listed(peer, 0, "?user=1001")      # else the list would say who it was
        self.refused(404, "not_found", self.node, "GET", f"/v1/histories/{call}?user=1001", peer)

    def test_shared(self):
        """What a user sees of others is by a setting of the tenant: nothing at first, then of his groups, then all. Notes of others are theirs."""
        self.node.put_extension("1003", "secret1003")
        mine, other = (self.session(self.node, number)["token"] for number in ("1001", "1003"))
        call = self.talk()
        self.listed(mine)
        self.ok(self.node, "POST", f"/v1/histories/{call}/note", mine, {"note": "mine"})
        self.node.ctl("group.put", name="sales", members="1001,1003")
        self.node.ctl("group.put", name="board", members="1002")

        def sees(path):
            return self.http(self.node, "GET", f"/v1/histories{path}", other)[0]
        paths = "?user=1001", f"/{call}?user=1001", "?group=sales", "?user=1002", "?group=board", "?number=1001"
        for shared, want in (("none", [403] * 6), ("groups", [200, 200, 200, 403, 403, 403]), ("all", [200] * 5 + [403])):
            self.node.ctl("tenant.put", name="default", history_shared=shared)
            self.assertEqual([sees(path) for path in paths], want, shared)
        row, = self.listed(other, 1, "?user=1001")
        self.assertEqual((row["call"], "note" in row, row["direction"]), (call, False, "outgoing"))
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/histories/{call}/hide", other, {"user": "1001"})
        self.refused(403, "not_allowed", self.node, "POST", f"/v1/histories/{call}/note", other, {"user": "1001", "note": "x"})

    def test_kept_and_erased(self):
        """What a tenant keeps no longer goes; a person who is erased is in no list, and in those of others without name and number."""
        with self.node.redis() as redis:
            for call, tenant in ("000agvj5jqr40", "acme"), ("000agvj5jqr60", "default"):
                record = {"from": "201", "to": "202", "answered_by": "202", "tenant": tenant, "setup_utc_ms": 1764000000000,
                          "answer_utc_ms": 1764000001000, "end_utc_ms": 1764000060000, "talk_ms": 59000, "sip_status": 200}
                redis("XADD", "td:{s1}:cdr", "*", "id", call, "cdr", json.dumps(record))
        self.node.ctl("tenant.put", name="acme")
        until(lambda: [row["call"] for row in self.node.ctl("history.list", tenant="acme")] == ["000agvj5jqr40"])
        self.listed(self.admin, 1, "?user=201")
        self.node.ctl("tenant.put", name="acme", history_days=30)
        until(lambda: not self.node.ctl("history.list", tenant="acme"))
        lines = [json.loads(line) for line in self.node.ctl("history.export", number="201")["text"].splitlines()]
        self.assertEqual([(line["call"], [pair["to"] for pair in line["pairs"]]) for line in lines if line["record"] == "conversation"], [("000agvj5jqr60", ["202"])])
        self.assertEqual(self.node.ctl("history.export", number="201", tenant="acme")["records"], 0)
        self.refused(400, "bad_argument", self.node, "POST", "/v1/histories:erase", self.admin, {})
        self.refused(400, "bad_argument", self.node, "POST", "/v1/histories:erase", self.admin, {"number": "201", "whole": True})
        self.ok(self.node, "POST", "/v1/histories:erase", self.admin, {"number": "201"})
        self.assertEqual(self.listed(self.admin, 0, "?user=201"), [])
        row, = self.listed(self.admin, 1, "?user=202")
        self.assertNotIn("201", json.dumps({name: value for name, value in row.items() if not name.endswith("_ms")}))
        with self.node.redis() as redis:            # it is read again
            redis("XADD", "td:{s1}:cdr", "*", "id", "000agvj5jqr60", "cdr", json.dumps(record | {"end_utc_ms": 1764000060001}))
        until(lambda: self.node.ctl("history.get", call="000agvj5jqr60")["end_utc_ms"] == 1764000060001)
        self.assertEqual(self.listed(self.admin, 0, "?user=201"), [])
        self.ok(self.node, "POST", "/v1/histories:erase", self.admin, {"whole": True})
        self.assertEqual(self.listed(self.admin, 0), [])

    def audit(self, query, token=None):
        """Numbers of entries by test_audit_goes_on: of all pages."""
        found, path = [], f"/v1/audit?{query}"
        while path:
            status, headers, page = self.http(self.node, "GET", path, token or self.admin)
            self.assertEqual(status, 200, page)
            found += [int(row["object"]) for row in page]
            path = re.search("<([^>]*)>; rel=.next", headers.get("Link", ""))
            path = path and path[1]
        return found

    def audited(self, kind, age_ms, numbers):
        """As many entries as numbers, ten a millisecond, in a stream without others; they are archived: (id, number)."""
        key, ms = "td:{t:default}:audit", int(time.time() * 1000) - age_ms
        entries = [(f"{ms + n // 10}-{n % 10}", n) for n in numbers]
        with self.node.redis() as redis:
            redis("DEL", key)
            for at, n in entries:
                word = kind if kind != "test" else "test.odd" if n % 2 else "test.even"
                redis("XADD", key, at, "event", json.dumps({"command": word, "object": str(n), "outcome": "ok", "changes": "x" * 70}))
        until(lambda: len([row for row in self.ok(self.node, "GET", "/v1/archives?limit=100", self.admin) if row["type"].startswith(kind)]) == len(numbers), self.node.log_tail)
        return entries

    def test_audit_goes_on(self):
        """What Redis has no longer of the audit follows from the archive, none twice and none lost, also of one millisecond, with one cursor, which lasts
        while the stream is trimmed; with filters and in another order; each tenant its own; where the archive is dead, the answer says so."""
        key = "td:{t:default}:audit"
        entries, newest = self.audited("test", 60000, range(60)), list(range(60))[::-1]
        for kept in (60, 25, 20, 3, 0):
            with self.node.redis() as redis:
                redis("XTRIM", key, "MAXLEN", kept)
            for query in ("command=test.even", "command=test.odd&limit=7", "limit=1&command=test.even"):
                self.assertEqual(self.audit(query), [n for n in newest if n % 2 == ("odd" in query)], (kept, query))
            rows = self.ok(self.node, "GET", "/v1/audit?command=test.odd&limit=100", self.admin)
            self.assertEqual([row["id"] for row in rows], [at for at, n in entries[::-1] if n % 2])
            self.assertEqual({tuple(sorted(row)) for row in rows}, {("changes", "command", "id", "object", "outcome", "utc_ms")})
            self.assertEqual(self.audit("object=33"), [33])
        self.assertEqual(self.audit("command=test.even&sort=object&limit=4"), sorted((n for n in newest if n % 2 == 0), key=str))
        self.assertEqual((self.audit("command=test.even&until=2020-01-01"), self.audit("calls=true&command=test.even")), ([], []))
        self.node.ctl("tenant.put", name="goes")
        self.assertEqual(self.audit("command=test.even", self.token(self.node, "admin", "goes", name="goes")), [])
        self.audited("late", 30000, range(70, 90))
        status, headers, page = self.http(self.node, "GET", "/v1/audit?command=late&limit=5", self.admin)
        with self.node.redis() as redis:    # what was shown is trimmed meanwhile, and more
            redis("XTRIM", key, "MAXLEN", 2)
        rest = re.search("<([^>]*)>; rel=.next", headers["Link"])[1].split("?")[1]
        self.assertEqual([int(row["object"]) for row in page] + self.audit(rest), list(range(70, 90))[::-1])
        for number, name in (("-5", "x"), ("inf", "~"), ("1e300", "00000.99999999999999999999"), ("0", "00000."), ("1764000000000", "00000.-1"), ("9", "~\xff")):
            cursor = b"\0".join((b"-1", number.encode(), b"", name.encode("latin-1"))).hex()
            self.assertIn(self.http(self.node, "GET", f"/v1/audit?cursor={cursor}", self.admin)[0], (200, 400), (number, name))

        def dead():
            for pid in children(self.node.process.pid, "tandem-archive"):
                os.kill(pid, 9)
            return self.http(self.node, "GET", "/v1/audit?command=late", self.admin)
        status, headers, page = until(lambda: (answer := dead())[1].get("Tandem-Missing") and answer, self.node.log_tail)
        self.assertEqual((status, headers["Tandem-Missing"], [row["object"] for row in page]), (200, "archive", ["89", "88"]))

    def test_events(self):
        """Entries of the audit that Redis has no longer are in the archive, page by page: of the tenant that they are of, for who administers it."""
        mine = self.session(self.node, "1001")["token"]
        for n in range(7):
            self.node.ctl("extension.put", number="1002", display_name=f"name {n}")
        self.node.ctl("tenant.put", name="acme")

        def names(query=""):
            rows, path = [], f"/v1/archives?object=1002&limit=3{query}"
            while path:
                status, headers, page = self.http(self.node, "GET", path, self.admin)
                self.assertEqual(status, 200, page)
                rows += page
                path = re.search("<([^>]*)>; rel=.next", headers.get("Link", ""))
                path = path and path[1]
            return [row["changes"]["display_name"][1] for row in rows if (row.get("changes", {}).get("display_name") or ["", ""])[1]]
        wanted = [f"name {n}" for n in range(7)][::-1]
        until(lambda: names() == wanted, names)
        with self.node.redis() as redis:
            self.assertEqual(redis("DEL", "td:{t:default}:audit"), 1)
        self.assertEqual([row["changes"]["display_name"][1] for row in self.ok(self.node, "GET", "/v1/audit?object=1002&limit=7", self.admin)], wanted)
        self.assertEqual(names(), wanted)
        self.assertEqual(names("&type=extension.put"), wanted)
        self.assertEqual((names("&until=2020-01-01"), names("&kind=calls"), names("&type=extension.delete")), ([], [], []))
        other = self.token(self.node, "admin", "acme", name="acme")
        self.assertEqual(self.ok(self.node, "GET", "/v1/archives?object=1002", other), [])
        self.assertEqual([row["object"] for row in self.node.ctl("archive.list", operators=True, object="acme")], ["acme"])
        self.refused(403, "not_allowed", self.node, "GET", "/v1/archives", mine)
        self.assertEqual((self.ok(self.node, "GET", "/v1/archives?kind=security", self.admin), self.ok(self.node, "GET", "/v1/archives?kind=security", other)), ([], []))
        with self.node.redis() as redis:    # what an attacker names is text
            redis("XADD", "td:security", "*", "type", "scan", "source", "192.0.2.9:5060", "user", '{"command":"tenant.delete"}', "detail", "=1+1\t<b>", "count", "3")
        until(lambda: [(row["type"], row["by"], row["object"], row["count"]) for row in self.node.ctl("archive.list", kind="security", type="scan")]
              == [("scan", "192.0.2.9:5060", '{"command":"tenant.delete"}', 3)], self.node.log_tail)
        self.assertEqual(self.ok(self.node, "GET", "/v1/archives?kind=security", self.admin), [])
        for number, some in (("-5", False), ("-1e300", False), ("-inf", False), ("0", False), ("1e300", True), ("inf", True)):
            cursor = b"\0".join((b"-1", number.encode(), b"", b"id")).hex()
            self.assertEqual(bool(self.ok(self.node, "GET", f"/v1/archives?cursor={cursor}", self.admin)), some, number)
        for query in ("kind=x", "sort=by", "object=", "cursor=x", f"cursor={b'-1'.hex()}", "cursor=2d31002d6e616e000000"):
            self.refused(400, "bad_argument", self.node, "GET", f"/v1/archives?{query}", self.admin)

    def test_tenant_deleted(self):
        """restore=true finds history and contacts of a tenant that was deleted; with erase=true they are gone, and its records bring nothing back."""
        record = {"tenant": "acme", "from": "2001", "to": "2002", "setup_utc_ms": 1764000000000, "answer_utc_ms": 1764000001000, "end_utc_ms": 1764000060001, "talk_ms": 59001}

        def has():
            return [len(self.node.ctl(command, tenant="acme")) for command in ("history.list", "directory.list")]
        self.node.ctl("tenant.put", name="acme")
        self.node.ctl("directory.add", tenant="acme", name="Zoe", phones=["+49305550100"])
        with self.node.redis() as redis:
            redis("XADD", "td:{s1}:cdr", "*", "id", "000agvj5jqr40", "cdr", json.dumps(record))
            until(lambda: has() == [1, 1])
            self.node.ctl("tenant.delete", name="acme")
            self.node.ctl("tenant.put", name="acme", restore=True)
            self.assertEqual(has(), [1, 1])
            self.node.ctl("tenant.delete", name="acme", erase=True)
            self.node.ctl("tenant.put", name="acme", restore=True)
            until(lambda: has() == [0, 0])
            redis("XADD", "td:{s1}:cdr", "*", "id", "000agvj5jqr40.2", "cdr", json.dumps(record))
            redis("XADD", "td:{s1}:cdr", "*", "id", "000agvj5jqr60", "cdr", json.dumps(record | {"end_utc_ms": int(time.time() * 1000) + 5000}))
        until(lambda: has() == [1, 0])
        self.assertEqual([row["call"] for row in self.node.ctl("history.list", tenant="acme")], ["000agvj5jqr60"])
        self.node.ctl("directory.add", tenant="acme", name="Anna")
        self.assertEqual(has(), [1, 1])


class Spool(Users, CallTest):
    """What of streams waits on the disk for a database that does not take it."""

    within = ()

    def aside(self):
        return json.loads(self.node.http("/healthz")[1]).get("details", {}).get("archive_late", "")

    def archive_killed(self):
        for pid in children(self.node.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)

    def test_kept_aside(self):
        """A damaged file and one that the disk does not give are kept, said in log and health until they are removed, and hold up nothing."""
        folder = pathlib.Path(self.node.state_dir, "archive", "spool")
        until(folder.is_dir, self.node.log_tail)
        (folder / f"{1:016x}.cdr").write_bytes(b"no entry" * 9)
        (folder / f"{2:016x}.cdr").mkdir()
        self.archive_killed()
        until(lambda: self.aside().startswith("2 files that could not be read whole"), self.node.log_tail)
        self.assertEqual(sorted(path.name for path in folder.iterdir()), [f"{n:016x}.broken" for n in (1, 2)])
        log = self.node.log_tail(200)
        for why in ("not all of it is whole", "Is a directory"):
            self.assertIn(why, log)
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        until(lambda: [row["call"] for row in self.node.ctl("history.list")] == [self.ended()["id"]], self.node.log_tail)
        self.assertEqual(self.node.metric("tandem_archive_files_aside"), 2)
        (folder / f"{1:016x}.broken").unlink()
        until(lambda: self.aside().startswith("1 files"), self.aside)
        (folder / f"{2:016x}.broken").rmdir()
        until(lambda: not self.aside(), self.aside)

    def sqlite(self, text):
        """In the file of the archive, which makes it first, as the node sees it; it may be writing right now. None: not now."""
        path = os.path.join(self.node.state_dir, "archive", "history.sqlite")
        done = subprocess.run([*self.within, sys.executable, "-c", SQLITE, path, text], capture_output=True, text=True)
        return None if done.returncode else json.loads(done.stdout)

    def spooled(self, first, count):
        """So many entries of the audit, of which the stream keeps 10,000 until they are saved."""
        with self.node.redis() as redis:
            redis("EVAL", SPOOLED, 1, "td:{t:default}:audit", first, first + count - 1, 10000)

    def kept_small(self):
        """The archive has its file, and a stream is copied from 7,500 entries on."""
        self.node.configure({"archive": {"stream_max": 10000}})
        self.node.process.send_signal(signal.SIGHUP)
        self.spooled(1, 1)
        until(lambda: self.saved() == (1, 1), self.node.log_tail)

    def saved(self):
        """How many different ones the file has, and how many."""
        rows = self.sqlite("SELECT count(DISTINCT body), count(*) FROM event WHERE body LIKE '%spooled%'")
        return rows and tuple(rows[0])

    def test_slow_sqlite(self):
        """Of a file that takes less than what comes calls know nothing; nothing is lost, and nothing is there twice."""
        self.kept_small()
        until(lambda: self.sqlite("CREATE TRIGGER IF NOT EXISTS slow AFTER INSERT ON event BEGIN SELECT (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                                  "WHERE i < 4000) SELECT sum(i) FROM n); END") is not None)
        for first in range(2, 12002, 1000):
            self.spooled(first, 1000)
            if first == 8002:
                until(lambda: self.node.metric("tandem_archive_spooled_total"), self.node.log_tail)
                out, into, _ = self.connect()
                out.bye()
                into.wait_bye()
                call = self.ended()["id"]
            elif first > 8002:      # as fast as files are written, not as the database takes it
                with self.node.redis() as redis:
                    until(lambda first=first: redis("XLEN", "td:{t:default}:audit") < 8500 or self.copied(first + 999), self.node.log_tail)
        self.assertIn(call, str(self.node.events()))
        self.assertLess(self.saved(), (12001, 12001))
        until(lambda: self.sqlite("DROP TRIGGER IF EXISTS slow") is not None)
        until(lambda: self.saved() == (12001, 12001), lambda: str(self.saved()))
        until(lambda: call in [row["call"] for row in self.node.ctl("history.list")], self.node.log_tail)

    @unittest.skipIf(os.geteuid(), "only root mounts")
    def test_full_disk(self):
        """Where the disk of the archive is full, health and log say so, calls go on, and all is saved once as soon as there is room."""
        folder = f"{self.node.state_dir}/archive"
        until(lambda: os.path.isdir(folder), self.node.log_tail)
        self.node.kill()
        self.node.start(wrapper=("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=6M tmpfs "$0" && exec "$@"', folder))
        for agent in (self.a, self.b):
            until(lambda agent=agent: agent.register().status == 200, self.node.log_tail)
        self.within = ["nsenter", "-t", str(self.node.process.pid), "-m"]
        self.kept_small()
        for first in range(2, 9002, 1000):
            self.spooled(first, 1000)
        until(lambda: re.search("full|takes no more", self.aside()), lambda: self.node.http("/healthz")[1])
        until(lambda: "disk is full" in self.node.log_tail(400), self.node.log_tail)
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        call = self.ended()["id"]
        subprocess.run([*self.within, "mount", "-o", "remount,size=2G", folder], check=True)
        until(lambda: self.saved() == (9001, 9001), lambda: f"{self.saved()} {self.node.log_tail()}")
        until(lambda: call in [row["call"] for row in self.node.ctl("history.list")], self.node.log_tail)
        until(lambda: not self.aside(), self.aside)

    def copied(self, number):
        """A file has that entry."""
        return any(f'"number":{number}}}'.encode() in path.read_bytes() for path in pathlib.Path(self.node.state_dir, "archive", "spool").glob("*.cdr"))


class Guide(Users, CallTest):
    def history(self, token):
        """Calls; where the archive does not answer right now, what it says instead."""
        status, _, rows = self.http(self.node, "GET", "/v1/histories", token)
        return [row["call"] for row in rows] if status == 200 else rows

    def test_archive(self):
        """What docs/guides/archive.md types does what it says: from SQLite to PostgreSQL while a call lasts, with history and contacts."""
        text, mine = guide("archive.md"), self.session(self.node, "1001")["token"]
        out, into, _ = self.connect()
        out.bye()
        into.wait_bye()
        before = self.ended()["id"]
        self.ok(self.node, "POST", "/v1/contacts", mine, {"name": "Zoe", "phones": ["030 222"]})
        contact, = self.ok(self.node, "GET", "/v1/contacts", mine)
        self.ok(self.node, "POST", f"/v1/contacts/{contact['contact']}/notes", mine, {"text": "likes tea"})
        typed(self, self.node, text.replace("history.erase", "history.list"))
        out, into, _ = self.connect()
        for end, hertz in ((self.audio_a, 440), (self.audio_b, 880)):
            end.start(hertz)
        with Postgres(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-postgres-")), "postgres") as postgres:
            steps = text.replace("<!-- postgres -->", "<!-- run -->")[text.index("## PostgreSQL"):]
            make, rest = re.sub("sudo -u postgres (\\w+)", f"PGHOST={postgres.folder} PGUSER=postgres {PROGRAMS}/\\1", steps).split("```yaml\n")
            url = re.search("url: (\\S+)", rest)[1]
            typed(self, self.node, make[make.index("<!-- run -->"):])
            self.node.configure({"archive": {"url": re.sub("@.*", f"@/tandem?host={postgres.folder}", url)}})
            self.node.process.send_signal(signal.SIGHUP)
            until(lambda: self.history(mine) == [before], self.node.log_tail)
            self.assertEqual(self.ok(self.node, "GET", "/v1/contacts", mine), [])
            self.assertRegex(typed(self, self.node, rest), "answered .* 1001 +1002")
            self.assertEqual([one["name"] for one in self.ok(self.node, "GET", "/v1/contacts", mine)], ["Zoe"])
            self.assertEqual([note["text"] for note in self.ok(self.node, "GET", f"/v1/contacts/{contact['contact']}/notes", mine)], ["likes tea"])
            for end, hertz in ((self.audio_a, 880), (self.audio_b, 440)):
                end.stop()
                self.assertEqual(end.heard()[0], hertz)
                self.assertGreater(max(len(part) for part in stretches(end.audio())), 0.98 * len(end.audio()))
            out.bye()
            into.wait_bye()
            until(lambda: len(self.history(mine)) == 2, self.node.log_tail)


class Nodes(Cluster):
    """Nodes a and b, first with SQLite, then with PostgreSQL."""

    def calls(self, shard, count=1):
        """Calls at that shard that are over."""
        ids = []
        for _ in range(count):
            talk = Talk(self, shard, at=17 if shard == 17 else 18).answer()
            talk.hang_up()
            ids.append(talk.id)
        return ids

    def listed(self, node, calls):
        """Exactly these, as soon as they are there."""
        rows = []

        def are_there():
            with contextlib.suppress(ServerError):
                rows[:] = [row["call"] for row in node.ctl("history.list", limit=100)]
            return sorted(rows) == sorted(calls)
        until(are_there, lambda: f"{rows}, not {calls}")

    def kill_archive(self, node):
        for pid in children(node.process.pid, "tandem-archive"):
            os.kill(pid, signal.SIGKILL)

    def moves(self, name, url):
        node = getattr(self, name)
        node.configure({**self.settings(name, 0), "archive": {"url": url, "stream_max": 10000}})
        node.process.send_signal(signal.SIGHUP)

    def spooled(self, count, kept=10000):
        """So many entries of the audit; the stream keeps so many."""
        with self.redis() as redis:
            redis("EVAL", SPOOLED, 1, "td:{t:default}:audit", self.audited + 1, self.audited + count, kept)
        self.audited += count

    def audits_anew(self):
        """A new database reads the stream from its start: no entry of a test before is there."""
        self.audited = 0
        with self.redis() as redis:
            redis("XTRIM", "td:{t:default}:audit", "MAXLEN", 0)

    def audit_goes_on(self):
        """At either node, behind the one entry that Redis has."""
        whole = self.b.ctl("audit.list", limit=100)
        self.assertGreater(len(whole), 1)
        until(lambda: len(self.b.ctl("archive.list", limit=100)) == len(whole))
        with self.redis() as redis:
            redis("XTRIM", "td:{t:default}:audit", "MAXLEN", 1)
        for node in (self.a, self.b):
            self.assertEqual(node.ctl("audit.list", limit=100), whole)

    def test_from_sqlite_to_postgresql(self):
        """With a database that is away for so long that a stream drops entries: these wait on the disk."""
        self.audits_anew()
        self.at_home()
        for name in "ab":
            self.moves(name, "")        # a test before may have had a database
        self.registers(17, "1001", "1002")
        calls = self.calls(17, 2)
        for node in (self.a, self.b):       # b asks a, as its file counts
            self.listed(node, calls)
        self.assertEqual((self.a.metric("tandem_archive_reads"), self.b.metric("tandem_archive_reads")), (1, 0))
        self.audit_goes_on()
        self.b.ctl("history.note", call=calls[0], note="by b")
        self.assertEqual([row["note"] for row in self.a.ctl("history.list", limit=100)], ["", "by b"])
        self.kill_archive(self.a)
        calls += self.calls(17)
        self.listed(self.b, calls)
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-postgres-"))
        with Postgres(folder) as postgres:
            for name in "ab":
                self.moves(name, postgres.url)
            for node in (self.a, self.b):
                self.listed(node, calls)
            postgres.stop()
            self.redis_stop(signal.SIGKILL)
            self.redis_start()
            self.until(lambda: self.phones[17, "1001"].register().status == 200)
            calls += self.calls(17, 2)
            self.until(lambda: "archive_late" in self.a.http("/healthz")[1])
            self.spooled(8000)      # of 10,000 that the stream keeps
            self.until(lambda: glob.glob(f"{self.a.state_dir}/archive/spool/*"))
            for _ in range(8):
                time.sleep(0.15)
                self.spooled(1000)
            postgres.start()
            for node in (self.a, self.b):
                self.listed(node, calls)
            self.until(lambda: not glob.glob(f"{self.a.state_dir}/archive/spool/*"))
            self.until(lambda: postgres.psql("SELECT count(DISTINCT body), count(*) FROM event WHERE body LIKE '%spooled%'").stdout.strip() == "16000|16000")
            self.spooled(5000, 100000)      # saved: it needs not be longer than it always was
            with self.redis() as redis:
                self.until(lambda: 10000 <= redis("XLEN", "td:{t:default}:audit") < 11000)
            self.until(lambda: postgres.psql("SELECT count(*) FROM event WHERE body LIKE '%spooled%'").stdout.strip() == "21000")
            self.a.kill()
            self.until(lambda: self.owner(17) == "b")
            self.until(lambda: self.b.metric("tandem_archive_reads") == 1)
            calls += self.calls(17)
            self.kill_archive(self.b)
            self.listed(self.b, calls)
            self.assertEqual(postgres.psql("SELECT count(*), count(DISTINCT call) FROM leg").stdout.strip(), f"{len(calls)}|{len(calls)}")

    def test_redis_killed_while_copies_are_made(self):
        """Twice, with the database away: what a stream had is on the disk or in Redis, none of it lost, and none there twice."""
        self.audits_anew()
        self.at_home()
        with Postgres(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-postgres-"))) as postgres:
            def saved():
                return postgres.psql("SELECT count(DISTINCT body), count(*) FROM event WHERE body LIKE '%spooled%'", False).stdout.strip()
            for name in "ab":
                self.moves(name, postgres.url)
            self.spooled(100)
            until(lambda: saved() == "100|100", saved)
            postgres.stop()
            self.spooled(100)
            self.until(lambda: "archive_late" in self.a.http("/healthz")[1])
            for _ in range(2):
                self.spooled(8000 - self.audited % 8000)
                self.until(self.spools)     # begun: the rest is copied, or is not yet
                self.redis_stop(signal.SIGKILL)
                self.redis_start()
                self.until(lambda: self.spools(text=f'"number":{self.audited}}}'.encode()))
            self.spools_on(self.a, 4)
            postgres.start()
            until(lambda: saved() == f"{self.audited}|{self.audited}", lambda: f"{saved()} of {self.audited}")
            self.until(lambda: not self.spools())

    @unittest.skipUnless(os.environ.get("TANDEM_LONG"), "TANDEM_LONG=1 has a database that is slow for two minutes")
    def test_spool_over_a_kill(self):
        """A database slower than who writes a stream, then away for three times what the stream keeps, then slow again, over kills of the archive and of the
        node with the spool: nothing is lost, nothing there twice."""
        self.audits_anew()
        self.at_home()
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-postgres-"))
        with Postgres(folder) as postgres:
            def are_there():
                return postgres.psql("SELECT count(DISTINCT body), count(*) FROM event WHERE body LIKE '%spooled%'", False).stdout.strip() == f"{self.audited}|{self.audited}"
            for name in "ab":
                self.moves(name, postgres.url)
            self.spooled(100)
            self.until(are_there)
            self.written_to_slow(postgres)
            self.until(are_there)
            self.until(lambda: not self.spools())
            postgres.stop()
            self.until(lambda: "archive_late" in self.a.http("/healthz")[1])
            self.spools_on(self.a, 20)
            self.a.kill()
            self.until(lambda: self.b.metric("tandem_archive_reads") == 1)
            self.spools_on(self.b, 10)
            self.a.restart()
            self.until(lambda: self.a.metric("tandem_archive_reads") == 1)
            postgres.start()
            self.written_to_slow(postgres)
            self.until(are_there)
            self.until(lambda: not self.spools())

    def written_to_slow(self, postgres):
        """Twice what the stream keeps, of which the database takes less than half meanwhile; in the midst the archive is killed."""
        postgres.psql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';"
                      "CREATE TRIGGER slow AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION slow()")
        for number in range(20):
            self.spooled(1000)
            time.sleep(0.7)
            if number == 12:
                self.kill_archive(self.a)
        postgres.psql("DROP FUNCTION slow CASCADE")

    def spools_on(self, node, thousands):
        """So many entries, as fast as the node copies them."""
        for _ in range(thousands):
            self.spooled(1000)
            with self.redis() as redis:
                self.until(lambda: redis("XLEN", "td:{t:default}:audit") < 7500 or self.spools(node, f'"number":{self.audited}}}'.encode()))

    def spools(self, node=None, text=b""):
        """Files of its spool, or of both, that have the text."""
        return [path for one in ([node] if node else [self.a, self.b]) for path in glob.glob(f"{one.state_dir}/archive/spool/*") if text in pathlib.Path(path).read_bytes()]


del CallTest, Cluster
