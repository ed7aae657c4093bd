"""Row `kills` of the archive's bench: what is written while its parts are killed is there, once."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import lib
from children import end, spawn

RATE, EACH = 1000, 100              # call records a second, and as many events; and of one command
KILLS, KILLS_QUICK = 50, 6
RECORDS_MAX, EVENTS_MAX = 1000000, 300000       # of a stream, as shards write (cluster/lua/cdrs.lua); the other one is archive.stream_max
NODE_OF_STREAM = 100                # Redis takes away whole parts of a stream, so it is longer by one
EVENTS = "td:{t:default}:audit"
PAUSE_S = (1.0, 2.0)                # from one kill to the next
SHARD = 1
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def call_id(number, began_ms):
    """As of a call that began then (sig/sip/id.h)."""
    value = SHARD << 48 | (began_ms & (1 << 40) - 1) << 7 | number % 128
    return "".join(DIGITS[value >> 5 * place & 31] for place in range(12, -1, -1))


class Redis:
    """One that has on its disk what it has confirmed; disk "no": in memory alone."""

    def __init__(self, disk="yes"):
        self.disk = disk
        self.folder = tempfile.mkdtemp(prefix="tandem-bench-redis-")
        self.path = f"{self.folder}/sock"
        self.start()

    def start(self):
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.server = spawn(["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--save", "",
                             "--appendonly", self.disk, "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        lib.wait_for("Redis", 20, self.answers)

    def answers(self):
        return subprocess.run(["redis-cli", "-s", self.path, "PING"], capture_output=True, text=True).stdout == "PONG\n"

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.start()

    def longer(self, streams):
        """How many of them are longer than they may be: {key: bound}."""
        said = subprocess.run(["redis-cli", "-s", self.path], input="".join(f"XLEN {key}\n" for key in streams), capture_output=True, text=True).stdout.split()
        return sum(length.isdigit() and int(length) > bound + NODE_OF_STREAM for length, bound in zip(said, streams.values()))

    def close(self):
        end(self.server)
        shutil.rmtree(self.folder, ignore_errors=True)


def command(*words):
    return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)


def record(call, utc_ms):
    cdr = json.dumps({"tenant": "default", "from": "1001", "to": "1002", "answered_by": "1002", "setup_utc_ms": utc_ms - 9000, "answer_utc_ms": utc_ms - 5000,
                      "end_utc_ms": utc_ms, "talk_ms": 5000, "sip_status": 200, "q850": 16, "ended_by": "a"})
    return command("XADD", f"td:{{s{SHARD}}}:cdr", "MAXLEN", "~", str(RECORDS_MAX), "*", "id", call, "cdr", cdr)


def event(number):
    return command("XADD", EVENTS, "MAXLEN", "~", str(EVENTS_MAX), "*", "event", json.dumps({"command": "bench", "object": str(number), "outcome": "ok"}))


class Writer(threading.Thread):
    """Call records and events of a tenant at RATE, as a shard writes them. What no answer confirmed is written again: it may be there twice."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.redis, self.stops, self.confirmed, self.number, self.link = redis, threading.Event(), [], 0, None

    def send(self, calls, utc_ms):
        """True: all are confirmed."""
        try:
            if not self.link:
                self.link = socket.socket(socket.AF_UNIX)
                self.link.settimeout(5)
                self.link.connect(self.redis.path)
                self.answers = self.link.makefile("rb")
            self.link.sendall("".join(record(call, utc_ms) + event(call) for call in calls).encode())
            for _ in range(2 * len(calls)):
                if not self.answers.readline().startswith(b"$") or not self.answers.readline():
                    raise OSError("no answer")
            return True
        except OSError:
            if self.link:
                self.link.close()
            self.link = None
            return False

    def run(self):
        due = time.monotonic()
        while not self.stops.is_set():
            utc_ms = int(time.time() * 1000)
            calls = [call_id(self.number + i, utc_ms - 9000 + (self.number + i) // 128) for i in range(EACH)]
            self.number += EACH
            while not self.send(calls, utc_ms):
                time.sleep(0.1)
            self.confirmed += calls
            due = max(due + EACH / RATE, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))


def archive_pid(node):
    """The one that reads; another one says who calls."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = entry.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        reads = name == "tandem-archive" and int(rest.split()[1]) == node.pid
        if reads and not (entry.parent / "cmdline").read_bytes().rstrip(b"\0").endswith(b"find"):
            return int(entry.parent.name)
    return None


def asked(psql, url, query):
    done = subprocess.run([psql, url, "-AtqX", "-c", query], capture_output=True, text=True)
    return done.stdout.split() if not done.returncode else None


def is_there(psql, url, wanted):
    """All records and events, or no more of them within 20 s."""
    before, end = None, time.monotonic() + 20
    while time.monotonic() < end:
        found = [int((asked(psql, url, query) or ["0"])[0]) for query in ("SELECT count(*) FROM leg", "SELECT count(DISTINCT body) FROM event WHERE type = 'bench'")]
        if min(found) >= wanted:
            return
        if found != before:
            before, end = found, time.monotonic() + 20
        time.sleep(0.5)


def outcome(psql, url, confirmed):
    """What was lost of records and events, and the conversations that a list has twice."""
    wanted = set(confirmed)
    is_there(psql, url, len(wanted))
    there = [int(call) for call in asked(psql, url, "SELECT call FROM listing WHERE owner = ''")]
    events = set(asked(psql, url, "SELECT DISTINCT subject FROM event WHERE type = 'bench'"))
    number_of = lambda text: sum(DIGITS.index(digit) << 5 * (12 - place) for place, digit in enumerate(text))
    lost = {"lost_records": len({number_of(call) for call in wanted} - set(there)), "lost_events": len(wanted - events)}
    return {"written": len(wanted), "lost": sum(lost.values()), **lost, "twice": len(there) - len(set(there))}


def kills(database, psql, rounds):
    """database: a server that can be killed (archive.py), with its url."""
    redis, node, beyond = Redis(), None, 0
    streams = {f"td:{{s{SHARD}}}:cdr": RECORDS_MAX, EVENTS: EVENTS_MAX}
    writer = Writer(redis)
    try:
        node = lib.Node(sections={"redis": [f"url: unix://{redis.path}"], "archive": [f"url: {database.url}", f"stream_max: {EVENTS_MAX}"]})
        writer.start()
        for number in range(rounds):
            time.sleep(random.uniform(*PAUSE_S))
            kind = ("archive", "redis", "postgresql")[number % 3]
            if kind == "archive":
                os.kill(lib.wait_for("tandem-archive to run", 20, lambda: archive_pid(node)), signal.SIGKILL)
            else:
                (redis if kind == "redis" else database).kill()
            beyond = max(beyond, redis.longer(streams))
        time.sleep(max(PAUSE_S))
        writer.stops.set()
        writer.join(30)
        return {"kills": rounds, **outcome(psql, database.url, writer.confirmed), "streams_beyond": beyond}
    finally:
        writer.stops.set()
        if node:
            node.stop()
        redis.close()


def written(redis, count):
    """So many call records of an hour, as long as a shard's; what Redis has then."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(redis.path)
        answers, utc_ms = link.makefile("rb"), int(time.time() * 1000)
        for first in range(0, count, EACH):
            calls = range(first, min(first + EACH, count))
            link.sendall("".join(record(call_id(n, utc_ms - 3600000 + n * 5), utc_ms - 3600000 + n * 5) for n in calls).encode())
            for _ in calls:
                answers.readline()
                answers.readline()


def hour(url, count):
    """How long a node takes for as many records as wait in Redis when it starts; url: its database, none: SQLite."""
    redis, node = Redis("no"), None
    try:
        written(redis, count)
        begun = time.monotonic()
        node = lib.Node(sections={"redis": [f"url: unix://{redis.path}"], "archive": [f"url: {url}"] if url else ["enabled: true"]})
        lib.wait_for("the records in the archive", 1200, lambda: node.metrics().get("tandem_archive_entries_total", 0) >= count)
        return time.monotonic() - begun
    finally:
        if node:
            node.stop()
        redis.close()
