#!/usr/bin/env python3
"""What presence and lamps cost, how late they are told, and whether phones, pages and nodes agree (RFC 4662, RFC 4235).

Row `alone`: phones that watch ten others, by a subscription for each. Rows `lists` and `many`: 5,000 and 20,000 phones that watch fifty others by one
subscription each; behind that the node is killed with -9 while some phones talk. Row `race`: short calls, some cancelled, while the node is killed over
and over. Row `agree`: one change after the other, until a phone, the HTTP API and a page's stream at both of two nodes have it.

A change is told when a NOTIFY has it or one behind it, from the moment at which a phone caused it. Memory is what the node's own pages grow by with the
second half of them, when transactions have ended. A take-over is over when each list had a document that names all, and each lamp is right; a document
that names all begins anew (RFC 4662 5.6.1). all_s is when each resource was told in so many words. notify_wrong: documents out of order, changes that lamps
alone were never told, and lamps that show something else than is so when all is quiet. Redis commands are those of turns with lamps, less those of turns
without, by changes of a phone."""
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

import lib
import registrations
import subscriptions
from children import end, spawn

ROWS = ("alone", "lists", "many", "race", "agree")
LIST, ALONE = 50, 10
WANTED = {"told_single_p99_ms": 30, "told_lists_p99_ms": 200, "notify_wrong": 0, "bytes_per_subscription": 1500, "bytes_per_list_of_50": 3000,
          "redis_commands_per_change": 3, "takeover_5000_s": 2, "takeover_20000_s": 6, "agree_s": 1}


def commands(node):
    """That Redis has carried out."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(next(node.dir.rglob("redis.sock"))))
        link.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_commands_processed:" not in text or not text.endswith(b"\r\n"):
            text += link.recv(65536)
    return int(text.split(b"total_commands_processed:")[1].split()[0])


def turn(node, phones, rate, seconds):
    """Calls, and what they took of the node and of its Redis."""
    before, cpu = commands(node), lib.cpu_seconds(node.pid)
    told = phones.ask(f"calls {rate} {seconds}")
    told["commands"], told["node_s"] = commands(node) - before, lib.cpu_seconds(node.pid) - cpu
    lib.say(f"# {told}")
    return told


def killed(node):
    os.kill(node.pid, signal.SIGKILL)
    node.process.wait()
    node.start()


def tell(phones, line):
    phones.process.stdin.write(line + "\n")
    phones.process.stdin.flush()


def taken(node, phones, talk):
    """From the kill until all lamps are right, and until each list was told all, while so many pairs talk."""
    held = phones.ask(f"hold {talk}")
    tell(phones, "all")
    killed(node)
    told = json.loads(phones.process.stdout.readline())
    released = phones.ask("hold 0")
    lib.say(f"# take-over: {told}, node {lib.cpu_seconds(node.pid):.2f} s")
    return {"takeover_s": told["right_s"] if told["right_s"] >= 0 else None, "takeover_all_s": told["seconds"] if not told["left"] else None,
            "takeover_lost": held["failed"] + released["failed"], "takeover_wrong": told["wrong"] + released["disordered"] + released["wrong"]}


class Lamps:
    """A node, and phones that watch each other."""

    def __init__(self, count, each, lists):
        self.load = None
        self.node = lib.Node(calls=4000, registrations=count + 100, limits=(f"subscriptions: {count * (1 if lists else each) * 5 // 4 + 1000}",))     # a tenant has a part
        try:
            self.node.redis_apart()
            registrations.provision(self.node, count)
            self.load = subscriptions.Phones(self.node, count, each, *(["--lists"] if lists else []))
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self.node, self.load

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.load:
            self.load.stop()
        self.node.stop()


def measure(count, each, rate, seconds, lists, settle_s):
    """One node: what its lamps take, how late they are told, and for lists the take-over. settle_s 0: no memory."""
    with Lamps(count, each, lists) as (node, load):
        dark = turn(node, load, rate, seconds)
        if settle_s:
            load.ask("half")    # what transactions take is there from then on
            time.sleep(settle_s)
        before = lib.own_bytes(node.pid)
        on = load.ask("on")
        lib.say(f"# {on['lamps']} lamps in {on['seconds']} s")
        time.sleep(settle_s)
        grown = (lib.own_bytes(node.pid) - before) / (count // 2 * (1 if lists else each))
        lit = turn(node, load, rate, seconds)
        changes = lit["changes"] / each
        figures = {"told_p50_ms": lit["told_p50_ms"], "told_p99_ms": lit["told_p99_ms"], "notifies_per_s": round(lit["notifies"] / lit["seconds"]),
                   "calls": lit["calls"], "failed": lit["failed"] + dark["failed"],
                   "wrong": lit["disordered"] + lit["wrong"] + (0 if lists else lit["changes"] - lit["told"]), "bytes": round(grown) if settle_s else None,
                   "cpu_us_per_notify": round(1e6 * (lit["node_s"] - dark["node_s"]) / lit["notifies"], 1) if lit["notifies"] else None,
                   "commands_per_change": round((lit["commands"] - dark["commands"]) / changes, 2) if changes else None}
        if lists:
            figures |= taken(node, load, min(100, count // 8))
            figures["wrong"] += figures["takeover_wrong"]
        return figures


def raced(count, each, calls, rate, kill_every_s, lists):
    """Calls that race, and kills until they are through. A node that is busy may refuse some."""
    with Lamps(count, each, lists) as (node, load):
        load.ask("on")
        began, kills = time.monotonic(), 0
        tell(load, f"race {calls} {rate}")
        while not select.select([load.process.stdout], [], [], kill_every_s)[0]:
            if time.monotonic() - began < calls / rate:
                killed(node)
                kills += 1
        told = json.loads(load.process.stdout.readline())
        lib.say(f"# {kills} kills: {told}")
        return {"calls": told["calls"], "kills": kills, "lost": told["lost"], "refused": told["refused"], "failed": told["failed"], "notifies": told["notifies"],
                "wrong": told["disordered"] + told["wrong"]}


# ---- row agree ----

class Agreeing(lib.Node):
    """One of two nodes on a Redis."""

    def __init__(self, name, shard, url, keys=None):
        self.keys = keys
        super().__init__(sections={"node": [f"name: {name}", f"shard: {shard}"], "redis": [f"url: unix:{url}"],
                                   "cluster": [f"listen: {lib.ADDRESS}:{lib.free_port()}"]})

    def start(self):
        if self.keys:
            shutil.copy(self.keys, next(self.dir.rglob("keys"), self.dir / "state" / "keys"))
        super().start()

    def redis_pid(self):
        return None


class Watching(threading.Thread):
    """A phone with a subscription; it says when it was told each note."""

    def __init__(self, node, number):
        super().__init__(daemon=True)
        self.sock, self.told = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), {}
        self.sock.bind((lib.ADDRESS, 0))
        port = self.sock.getsockname()[1]
        lib.register(node.sip_port, number, registrations.PASSWORD, port, self.sock)
        self.sock.settimeout(None)
        self.sock.sendto((f"SUBSCRIBE sip:1000@{lib.ADDRESS} SIP/2.0\r\nVia: SIP/2.0/UDP {lib.ADDRESS}:{port};branch=z9hG4bK{os.urandom(6).hex()};rport\r\n"
                          f"Max-Forwards: 70\r\nFrom: <sip:{number}@{lib.ADDRESS}>;tag=w\r\nTo: <sip:1000@{lib.ADDRESS}>\r\nCall-ID: w{port}\r\n"
                          f"CSeq: 1 SUBSCRIBE\r\nContact: <sip:{number}@{lib.ADDRESS}:{port}>\r\nEvent: presence\r\nExpires: 3600\r\n"
                          "Content-Length: 0\r\n\r\n").encode(), (lib.ADDRESS, node.sip_port))
        self.start()

    def run(self):
        while True:
            data, peer = self.sock.recvfrom(65536)
            text = data.decode()
            if text.startswith("NOTIFY"):
                copied = "".join(f"{line}\r\n" for line in text.split("\r\n\r\n")[0].split("\r\n")[1:] if re.match("(Via|From|To|Call-ID|CSeq):", line))
                self.sock.sendto(f"SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n".encode(), peer)
                for note in re.findall("change-[0-9]+", text):
                    self.told.setdefault(note, time.monotonic())


class Page(threading.Thread):
    """A page that shows 1000, by its stream; it says when it was told each note."""

    def __init__(self, node, token):
        super().__init__(daemon=True)
        self.told, self.link = {}, http.client.HTTPConnection(node.address, node.http_port, timeout=600)
        self.link.request("GET", "/v1/events?watch=1000", headers={"Authorization": f"Bearer {token}"})
        self.answer = self.link.getresponse()
        self.is_there = self.answer.status == 200
        if self.is_there:
            self.start()

    def run(self):
        for line in self.answer:
            for note in re.findall("change-[0-9]+", line.decode()):
                self.told.setdefault(note, time.monotonic())


class Asking:
    """Who reads the presence by HTTP until it is so."""

    def __init__(self, node, token):
        self.uncertain, self.token, self.link = 0, token, http.client.HTTPConnection(node.address, node.http_port, timeout=10)

    def ask(self, method, path, body=None):
        self.link.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {self.token}"})
        answer = self.link.getresponse()
        text = answer.read().decode()
        if answer.status in (503, 504):     # Redis was late: once more
            self.uncertain += 1
            return self.ask(method, path, body)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} {body}: {answer.status} {text[:300]}")
        return text

    def until(self, note):
        while note not in self.ask("GET", "/v1/presence/1000"):
            time.sleep(0.001)
        return time.monotonic()


def agreed(quick):
    """The 99th percentile of the time until the last of them has a change, and of each."""
    folder = tempfile.mkdtemp(prefix="tandem-bench-redis-")
    server = spawn(lib.pinned(lib.LOAD_CORE, ["redis-server", "--port", "0", "--unixsocket", f"{folder}/sock", "--dir", folder, "--save", ""]),
                   stdout=-3)
    nodes = []
    try:
        lib.wait_for("Redis", 20, lambda: os.path.exists(f"{folder}/sock"))
        nodes.append(Agreeing("a", 1, f"{folder}/sock"))
        nodes.append(Agreeing("b", 2, f"{folder}/sock", next(nodes[0].dir.rglob("keys"))))
        for number in ("1000", "1001", "1002"):
            nodes[0].extension(number, registrations.PASSWORD)
        token = nodes[0].ctl("token.create", name="bench", role="admin", tenant="default")["token"]
        lib.wait_for("both to know it", 20, lambda: len(nodes[1].ctl("extension.list")) == 3)
        lib.register(nodes[0].sip_port, "1000", registrations.PASSWORD, lib.free_port())
        shown = {"phone": Watching(nodes[0], "1001"), "phone_b": Watching(nodes[1], "1002")}
        streams = {"page": Page(nodes[0], token), "page_b": Page(nodes[1], token)}
        shown |= {name: page for name, page in streams.items() if page.is_there}     # older nodes have none
        read = {"api": Asking(nodes[0], token), "api_b": Asking(nodes[1], token)}
        late = {name: [] for name in (*shown, *read, "all")}
        time.sleep(1)
        for number in range(50 if quick else 1000):
            note, began = f"change-{number}", time.monotonic()
            list(read.values())[number % 2].ask("POST", "/v1/presence/1000/set", {"state": ("away", "in_a_meeting", "busy")[number % 3], "note": note})
            at = {name: reader.until(note) for name, reader in read.items()}
            lib.wait_for(f"{note} everywhere", 30, lambda note=note: all(note in each.told for each in shown.values()))
            at |= {name: each.told[note] for name, each in shown.items()}
            for name, when in at.items():
                late[name].append(when - began)
            late["all"].append(max(at.values()) - began)
        p99 = lambda rows: round(sorted(rows)[len(rows) * 99 // 100], 4)
        return {"changes": len(late["all"]), "uncertain": sum(reader.uncertain for reader in read.values()), "p50_s": round(lib.median(late["all"]), 4),
                **{f"{name}_p99_s": p99(rows) for name, rows in late.items()}}
    finally:
        for node in nodes:
            node.stop()
        end(server)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    options = lib.arguments(__doc__.splitlines()[0], ROWS)
    quick, settle_s = options.quick, 0 if options.quick else 35
    rows = {
        "alone": lambda: measure(*((200, ALONE, 10, 5) if quick else (2000, ALONE, 60, 20)), False, settle_s),
        "lists": lambda: measure(*((300, LIST, 5, 5) if quick else (5000, LIST, 25, 20)), True, settle_s),
        "many": lambda: measure(*((600, LIST, 5, 5) if quick else (20000, LIST, 35, 15)), True, 0),
        "race": lambda: {kind: raced(*((300, each, 300, 50, 2) if quick else (1000, each, 5000, 100, 5)), kind == "lists") for kind, each in (("alone", 5), ("lists", 10))},
        "agree": lambda: agreed(quick)}
    found = {}
    for row in options.row or ROWS:
        found[row] = rows[row]()
        lib.say(f"# {row}: {found[row]}")
    told = lambda row, key: found.get(row, {}).get(key)
    of = lambda *values: None if all(value is None for value in values) else max(value for value in values if value is not None)
    races = found.get("race", {})
    figures = {"told_single_p99_ms": told("alone", "told_p99_ms"), "told_lists_p99_ms": told("many", "told_p99_ms"),
               "notify_wrong": sum(each["wrong"] for each in [*(found[row] for row in found if row not in ("race", "agree")), *races.values()]),
               "bytes_per_subscription": told("alone", "bytes"), "bytes_per_list_of_50": told("lists", "bytes"),
               "redis_commands_per_change": of(*(told(row, "commands_per_change") for row in ("alone", "lists", "many"))),
               "takeover_5000_s": told("lists", "takeover_s"), "takeover_20000_s": told("many", "takeover_s"), "agree_s": told("agree", "all_p99_s")}
    missed = {name: WANTED[name] for name, value in figures.items() if value is not None and value > WANTED[name]}
    missed |= {f"takeover of {row}": None for row in ("lists", "many") if row in found and found[row]["takeover_s"] is None}
    lib.finish(options, "presence", {**figures, "rows": found, "missed": missed}, {"redis": lib.package_version("redis-server")})
    return 1 if missed or any(each.get("failed") for each in (*found.values(), *races.values())) else 0


if __name__ == "__main__":
    sys.exit(main())
