# SPDX-License-Identifier: Apache-2.0
"""Sets of documents: checked whole, staged in pieces, valid by one write, the same on all nodes; nothing of it when it is refused or dies."""
import contextlib
import json
import os
import signal
import socket
import threading
import time

from directory_test import Pair
from patience import PATIENCE_S
from tandem_client import Client, Redis

LONG = 60
MANY = 10000 if "TANDEM_LONG" in os.environ else 3000
PIECE = 400                     # documents of a part
QUIET_S = 15                    # a node closes the connection of who has said nothing for 30 s


class Refusal(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code, self.errors = error["code"], error.get("errors", [])


class Local:
    """A client of a node's own socket."""

    def __init__(self, node, **who):
        self.node, self.who, self.count = node, who, 0
        self.connect()

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S * 4)
        self.socket.connect(os.path.join(self.node.state_dir, "control.sock"))
        self.file, self.said = self.socket.makefile("rw"), time.monotonic()

    def ask(self, command, **args):
        if time.monotonic() - self.said > QUIET_S:
            self.socket.close()
            self.connect()
        self.count += 1
        line = {"id": f"local-{self.count}-{time.monotonic_ns()}", "do": command, "args": args, **self.who}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline() or '{"ok": false, "error": {"code": "gone", "message": "the node is gone"}}')
        self.said = time.monotonic()
        if not answer["ok"] and answer["error"]["code"] == "uncertain" and command.endswith(".put"):
            return self.ask(command, **args)    # Redis had no processor for a while
        if not answer["ok"]:
            raise Refusal(answer["error"])
        return answer["result"]

    def apply(self, name, documents, **args):
        stage = f"s{time.monotonic_ns()}"
        for part in range(0, max(len(documents), 1), PIECE):
            self.ask("set.stage", stage=stage, part=part // PIECE, documents=documents[part:part + PIECE])
        return self.ask("set.apply", name=name, stage=stage, **args)


def extension(number, **fields):
    return {"kind": "extension", "number": str(number), "password": "verysecret0", **fields}


class Sets(Pair):
    def setUp(self):
        if not self.a.process or self.a.process.poll() is not None:
            self.a.start()
        self.local = {node: Local(node) for node in (self.a, self.b)}
        for left in self.local[self.b].ask("set.list"):
            self.local[self.b].ask("set.apply", name=left["name"], documents=[], prune=True)
            self.local[self.b].ask("set.delete", name=left["name"])
        for number in self.numbers(self.b):     # of a test that failed
            self.local[self.b].ask("extension.delete", number=number)

    def tearDown(self):
        for local in self.local.values():
            local.socket.close()

    def numbers(self, node, after="", tenant="default"):
        found, page = [], [{"number": after}]
        while page:
            page = Local(node).ask("extension.list", tenant=tenant, after=page[-1]["number"], limit=1000)
            found += page
        return {row["number"]: row["display_name"] for row in found}

    def test_a_set(self):
        a, b = self.local[self.a], self.local[self.b]
        documents = [extension(1001, display_name="Ada", password="verysecret1"), extension(1002),
                     {"kind": "group", "name": "sales", "members": "1001,1002"},
                     {"kind": "flow", "name": "menu", "program": [{"dial": {"to": ["group:sales"]}}, {"hangup": {}}]},
                     {"kind": "number", "number": "2000", "to": "flow:menu"}]
        done = a.ask("set.apply", name="office", documents=documents)
        self.assertEqual((done["state"], done["version"], done["created"], done["changed"], done["deleted"]), ("applied", 1, 5, 0, 0))
        self.assertEqual([change["change"] for change in done["changes"]], ["created"] * 5)
        self.until(lambda: set(self.numbers(self.b)) == {"1001", "1002"})
        self.until(lambda: b.ask("set.show", name="office")["state"] == "done")
        self.assertEqual([flow["name"] for flow in b.ask("flow.list")], ["menu"])
        self.assertNotIn("verysecret1", json.dumps(self.everything()))
        again = b.ask("set.apply", name="office", documents=documents)
        self.assertEqual((again["state"], again["version"], again["unchanged"]), ("unchanged", 1, 5))
        documents[0]["display_name"] = "Ada L."
        planned = b.ask("set.apply", name="office", documents=documents, dry_run=True)
        self.assertEqual((planned["state"], planned["changes"][0]["fields"]), ("dry_run", {"display_name": ["Ada", "Ada L."]}))
        self.assertEqual(self.numbers(self.a)["1001"], "Ada")
        documents[0]["password"] = "(kept)"
        self.assertEqual(b.ask("set.apply", name="office", documents=documents)["changed"], 1)
        self.until(lambda: self.numbers(self.a)["1001"] == "Ada L.")
        self.assertEqual(b.ask("set.apply", name="office", documents=documents)["state"], "unchanged")
        documents[0]["password"] = "verysecret2"
        self.assertEqual(b.ask("set.apply", name="office", documents=documents)["changes"][0]["fields"],
                         {"secrets": ["(kept)", "(new)"]})
        self.until(lambda: a.ask("set.show", name="office")["version"] == 3)

        left = b.ask("set.apply", name="office", documents=documents[:2])
        self.assertEqual((left["state"], left["unchanged"]), ("unchanged", 5))
        pruned = b.ask("set.apply", name="office", documents=documents[:2], prune=True)
        self.assertEqual((pruned["deleted"], [(c["kind"], c["change"]) for c in pruned["changes"]]),
                         (3, [("group", "deleted"), ("number", "deleted"), ("flow", "deleted")]))
        self.until(lambda: a.ask("flow.list") == [] and a.ask("number.list") == [] and a.ask("group.list") == [])
        self.assertEqual(b.ask("set.apply", name="office", documents=documents[:2], prune=True)["state"], "unchanged")

        back = a.ask("set.rollback", name="office", version=1)
        self.assertEqual((back["version"], back["created"], back["changed"]), (5, 3, 1))
        self.until(lambda: self.numbers(self.b).get("1001") == "Ada" and len(b.ask("flow.list")) == 1)
        self.assertEqual(a.ask("set.show", name="office")["versions"][0]["rollback_of"], 1)
        with self.assertRaises(Refusal) as refused:
            a.ask("set.rollback", name="office", version=77)
        self.assertEqual(refused.exception.code, "not_found")
        self.assertEqual(a.ask("set.apply", name="office", documents=[], prune=True)["deleted"], 5)
        self.until(lambda: self.numbers(self.b) == {})

    def test_phones_and_their_profile(self):
        """What others name comes first, and goes last: profiles of phones, too."""
        a = self.local[self.a]
        documents = [extension(1001), {"kind": "device", "mac": "0004f214ab37", "extensions": "1001", "profile": "desk"},
                     {"kind": "device.profile", "name": "desk", "menu_password": "31415"}]
        done = a.ask("set.apply", name="desks", documents=documents)
        self.assertEqual([change["kind"] for change in done["changes"]], ["extension", "device_profile", "device"])
        gone = a.ask("set.apply", name="desks", documents=[], prune=True)
        self.assertEqual([change["kind"] for change in gone["changes"]], ["device", "device_profile", "extension"])
        self.until(lambda: a.ask("device.profile.list") == [] and a.ask("device.list") == [])

    def everything(self):
        with Redis(self.socket) as redis:
            return [redis("HGETALL", key) for key in redis("KEYS", "td:{t:*}:set:*") + redis("KEYS", "td:{t:*}:doc:*")]

    def test_what_is_refused(self):
        a = self.local[self.a]
        before = self.everything()
        wrong = [extension("3001", nonsense=1), {"kind": "castle", "name": "x"}, extension("3002", enabled="maybe", display_name=7),
                 extension("3003"), extension("3003"), {"kind": "room", "number": "3003"}, {"kind": "group", "name": "g", "members": "3009"},
                 {"kind": "did", "number": "+49301", "trunk": "nobody", "to": "3003"}, {"name": "x"}, extension("3004", tenant="nobody"),
                 extension("3005", password="(kept)"), {"kind": "flow", "name": "f", "program": [{"nonsense": {}}]}, {"kind": "extension"},
                 {"kind": "prompt", "name": "p"}, {"kind": "profile.range", "from": "192.0.2.1", "to": "192.0.2.9", "profile": "none"},
                 7]
        with self.assertRaises(Refusal) as refused:
            a.ask("set.apply", name="wrong", documents=wrong)
        found = {(e["document"], e.get("field")) for e in refused.exception.errors}
        self.assertEqual(found, {(0, "nonsense"), (1, "kind"), (2, "enabled"), (2, "display_name"), (4, "number"), (5, "number"),
                                 (6, "members"), (7, "trunk"), (8, "kind"), (9, "tenant"), (10, "password"), (11, "program"), (12, "number"),
                                 (13, "kind"), (14, "profile"), (15, "kind")})
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.numbers(self.a), {})
        with self.assertRaises(Refusal) as refused:
            a.ask("set.apply", name="wrong", stage="nothing")
        self.assertEqual(refused.exception.code, "not_found")
        with self.assertRaises(Refusal) as refused:
            a.ask("set.stage", stage="gap", part=1, documents=[])
        self.assertEqual(refused.exception.code, "not_found")

    def in_background(self, node, name, documents, **args):
        """{"result" or "refused"} when it is over."""
        found = {}

        def run():
            try:
                with contextlib.closing(Local(node).socket) as _:
                    found["result"] = Local(node).apply(name, documents, **args)
            except (Refusal, OSError, ValueError) as error:
                found["refused"] = error

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread, found

    def count(self, kind="extension"):
        with Redis(self.socket) as redis:
            return redis("HLEN", f"td:{{t:default}}:doc:{kind}")

    def waited(self):
        """For how many µs Redis has had no processor: it was ready to run, or the host ran something else."""
        with open(f"/proc/{self.server.pid}/schedstat", encoding="ascii") as file:
            ready = int(file.read().split()[1]) // 1000
        with open("/proc/stat", encoding="ascii") as file:
            stolen = int(file.readline().split()[8])
        return ready + stolen * 1000000 // os.sysconf("SC_CLK_TCK")

    def slow(self):
        """What took Redis longer than 5 ms since the last time: (µs, command), and for how many µs it had no processor."""
        with Redis(self.socket) as redis:
            found = [(entry[2], entry[3][:2]) for entry in redis("SLOWLOG", "GET", "-1")]
            redis("CONFIG", "SET", "slowlog-log-slower-than", "5000")
            redis("SLOWLOG", "RESET")
        before, self.had_none = getattr(self, "had_none", 0), self.waited()
        return found, self.had_none - before

    def talk(self):
        """A call of two phones at node a, both of which speak."""
        for number in ("1001", "1002"):
            self.local[self.a].ask("extension.put", number=number, password="verysecret0")
        phones = [self.enterContext(self.a.user_agent(number, "verysecret0")) for number in ("1001", "1002")]
        ends = [self.enterContext(self.a.media()) for _ in phones]
        for phone in phones:
            self.assertEqual(phone.register().status, 200)
        out = phones[0].invite("1002", ends[0].sdp())
        into = phones[1].incoming()
        into.respond(200, "OK", body=ends[1].sdp())
        ends[0].use(out.wait_answer())
        into.wait_ack()
        ends[1].use(into.request)
        for end in ends:
            end.start()
        for end in ends:
            end.wait_packets(20)
        self.until(lambda: all(call["saved"] for call in self.local[self.a].ask("call.list")))
        return phones, ends, out, into

    def test_many(self):
        documents = [extension(20000 + i, display_name="one") for i in range(MANY)]
        phones, ends, out, into = self.talk()
        call, = self.local[self.a].ask("call.list")
        heard = [(len(phone.received), len(end.packets)) for phone, end in zip(phones, ends)]
        with Redis(self.socket) as redis:
            redis("CONFIG", "SET", "appendfsync", "everysec")        # as a node's own server
        self.slow()
        begun = time.monotonic()
        done = self.local[self.a].apply("many", documents)
        applied = time.monotonic()
        self.assertEqual((done["state"], done["created"], len(done["changes"]), done["more"]), ("applied", MANY, 1000, True))
        self.until(lambda: self.local[self.b].ask("tenant.status")["extensions"] == MANY + 2)
        self.assertLess(time.monotonic() - applied, 1 + PATIENCE_S / 10)
        print(f"# {MANY} documents in {applied - begun:.2f} s; the other node {time.monotonic() - applied:.3f} s later")
        self.assertEqual(self.local[self.b].apply("many", documents)["state"], "unchanged")
        slow, waited = self.slow()
        # Redis times a command by the clock on the wall: what is beyond 5 ms it has stood waiting for a processor
        self.assertLessEqual(sum(took - 5000 for took, _ in slow), waited, slow)
        print(f"# slower than 5 ms: {slow}; Redis was without a processor for {waited} us")
        # the call has felt nothing of it: no message, no new state, no packet missing
        same, = self.local[self.a].ask("call.list")
        self.assertEqual((same["id"], same["version"], same["state"]), (call["id"], call["version"], call["state"]))
        self.assertEqual([len(phone.received) for phone in phones], [messages for messages, _ in heard])
        for end, (_, packets) in zip(ends, heard):
            end.wait_packets(20)
            self.assertGreater(len(end.packets), packets + 20)
        for end in ends:
            end.stop()
            self.assertEqual(end.lost(), 0)
        out.bye()
        into.wait_bye()
        gone = self.local[self.b].apply("many", documents[:1], prune=True)
        self.assertEqual((gone["deleted"], gone["unchanged"]), (MANY - 1, 1))
        self.until(lambda: self.local[self.a].ask("tenant.status")["extensions"] == 1 + 2)
        self.assertEqual(self.local[self.b].apply("many", [], prune=True)["deleted"], 1)
        for number in ("1001", "1002"):
            self.local[self.a].ask("extension.delete", number=number)

    def test_what_the_audit_has(self):
        """All changes, in as many entries as they need: the archive forgets by them whose extensions are gone."""
        a = self.local[self.a]
        a.apply("audited", [extension(40000 + i) for i in range(120)])
        a.apply("audited", [], prune=True)
        entries = [row["changes"] for row in a.ask("audit.list", limit=50) if row["object"] == "audited" and row["outcome"] == "ok"]
        for change in ("created", "deleted"):
            self.assertEqual(sorted(one["name"] for changes in entries for one in changes if one["change"] == change), [str(40000 + i) for i in range(120)])

    def test_two_at_once(self):
        for turn in range(5):
            one, other = ([extension(30000 + i, display_name=f"{who}{turn}") for i in range(300)] for who in "ab")
            a = self.in_background(self.a, "both", one)
            b = self.in_background(self.b, "both" if turn % 2 else "other", other)
            for thread, found in (a, b):
                thread.join()
                self.assertEqual(found.get("result", found)["state"], "applied")
            # a node may have all of the first set when it has heard of nothing of the second
            self.until(lambda: len({*(here := self.numbers(self.a)).values()}) == 1 and here == self.numbers(self.b))
        for name in ("both", "other"):
            self.local[self.a].apply(name, [], prune=True)

    def test_the_last_seat(self):
        """Of two nodes that are asked at once one gives it."""
        numbers, ends = [[32000 + i * 10 + turn for turn in range(8)] for i in range(2)], []
        self.local[self.a].apply("seats", [extension(number) for both in numbers for number in both])
        self.local[self.a].ask("tenant.put", name="default", max_recorded=1)
        self.addCleanup(self.local[self.b].ask, "set.apply", name="seats", documents=[], prune=True)
        self.addCleanup(self.local[self.b].ask, "tenant.put", name="default", max_recorded=0)

        def put(node, number, barrier):
            local = Local(node)
            with contextlib.closing(local.socket):
                barrier.wait()
                try:
                    local.ask("extension.put", number=str(number), record="auto")
                    ends.append(str(number))
                except Refusal as refusal:
                    self.assertIn(refusal.code, ("full", "busy"))

        for pair in zip(*numbers):
            self.until(lambda: [self.local[node].ask("tenant.status")[name] for node in (self.a, self.b) for name in ("recorded", "max_recorded")] == [0, 1] * 2)
            barrier = threading.Barrier(2)
            threads = [threading.Thread(target=put, args=(node, number, barrier)) for node, number in zip((self.a, self.b), pair)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(ends), 1, pair)
            self.local[self.a].ask("extension.put", number=ends.pop(), record="off")

    def test_beside_changes(self):
        documents = [extension(31000 + i, display_name="set") for i in range(2000)]
        thread, found = self.in_background(self.a, "beside", documents)
        with Client(self.socket, "_operator") as client:
            changes = 0
            while thread.is_alive():
                changes += self.put(client, 31999, f"put {changes}")
                time.sleep(0.05)        # changes without a pause may be faster than a set for as long as it tries
        self.assertGreater(changes, 3)
        self.assertEqual(found.get("result", found)["state"], "applied")
        self.until(lambda: self.numbers(self.a) == self.numbers(self.b))
        self.assertEqual(len(self.numbers(self.b)), 2000)
        self.local[self.a].apply("beside", [], prune=True)

    def killed(self, when, least, most):
        """Applies 1,500 documents at node a, and kills it when Redis is in that state, with so many documents.  How many there are then."""
        documents = [extension(40000 + i) for i in range(1500)]
        thread, found = self.in_background(self.a, "killed", documents)
        with Redis(self.socket) as redis:
            end = time.monotonic() + PATIENCE_S
            while not self.stands(redis, when, least, most):
                self.assertLess(time.monotonic(), end)
                if not thread.is_alive():       # 50 ms later it is another state: this process may not have run then
                    self.local[self.a].apply("killed", [], prune=True)
                    thread, found = self.in_background(self.a, "killed", documents)
            self.a.kill()
            left = self.count()
        thread.join()
        self.assertIn("refused", found)
        return left

    def stands(self, redis, when, least, most):
        """Node a stands still in that state: else it goes on."""
        if not when(redis):
            return False
        self.a.process.send_signal(signal.SIGSTOP)
        before = None
        while before != (before := self.count()):       # what was on its way to Redis has come
            time.sleep(0.05)
        if least <= before <= most and when(redis):
            return True
        self.a.process.send_signal(signal.SIGCONT)
        return False

    def over(self):
        self.a.start()
        self.local[self.a] = Local(self.a)
        self.local[self.a].apply("killed", [], prune=True)
        self.until(lambda: self.count() == 0)

    def test_killed_while_it_is_staged(self):
        self.assertEqual(self.killed(lambda redis: sum(redis("HLEN", key) for key in redis("KEYS", "td:{t:default}:set:killed:*")
                                                      if redis("TTL", key) > 0) > 500, 0, 0), 0)
        time.sleep(2.5)
        self.assertEqual(self.count(), 0)
        self.over()

    def test_killed_while_it_is_moved(self):
        for moved in (1, 700):
            left = self.killed(lambda redis, moved=moved: redis("EXISTS", "td:{docs}:set") and redis("HLEN", "td:{t:default}:doc:extension") >= moved,
                               moved, 1499)
            self.assertLess(left, 1500)
            begun = time.monotonic()
            self.until(lambda: self.count() == 1500)
            self.assertLess(time.monotonic() - begun, 3 + PATIENCE_S / 10)
            self.until(lambda: self.local[self.b].ask("tenant.status")["extensions"] == 1500)
            self.until(lambda: self.local[self.b].ask("set.show", name="killed")["state"] == "done")
            self.over()
