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

RATE, EACH = 1000, 100              # entries a second, and of one command
KILLS, KILLS_QUICK = 50, 6
PAUSE_S = (1.0, 2.0)                # from one kill to the next
SHARD = 1
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def call_id(number, began_ms):
    """As of a call that began then (sig/sip/id.h)."""
    value = SHARD << 48 | (began_ms & (1 << 40) - 1) << 7 | number % 128
    return "".join(DIGITS[value >> 5 * place & 31] for place in range(12, -1, -1))


class Redis:
    """One that has on its disk what it has confirmed."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tandem-bench-redis-")
        self.path = f"{self.folder}/sock"
        self.start()

    def start(self):
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.server = spawn(["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--save", "",
                             "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        lib.wait_for("Redis", 20, self.answers)

    def answers(self):
        return subprocess.run(["redis-cli", "-s", self.path, "PING"], capture_output=True, text=True).stdout == "PONG\n"

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.start()

    def close(self):
        end(self.server)
        shutil.rmtree(self.folder, ignore_errors=True)


class Writer(threading.Thread):
    """Call records at RATE, as a shard writes them. What no answer confirmed is written again: it may be there twice."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.redis, self.stops, self.confirmed, self.number, self.link = redis, threading.Event(), [], 0, None

    def command(self, call, utc_ms):
        cdr = json.dumps({"tenant": "default", "from": "1001", "to": "1002", "answered_by": "1002", "setup_utc_ms": utc_ms - 9000, "answer_utc_ms": utc_ms - 5000,
                          "end_utc_ms": utc_ms, "talk_ms": 5000, "sip_status": 200, "q850": 16, "ended_by": "a"})
        words = ("XADD", f"td:{{s{SHARD}}}:cdr", "*", "id", call, "cdr", cdr)
        return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)

    def send(self, calls, utc_ms):
        """True: all are confirmed."""
        try:
            if not self.link:
                self.link = socket.socket(socket.AF_UNIX)
                self.link.settimeout(5)
                self.link.connect(self.redis.path)
                self.answers = self.link.makefile("rb")
            self.link.sendall("".join(self.command(call, utc_ms) for call in calls).encode())
            for _ in calls:
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


def kills(database, psql, quick):
    """database: a server that can be killed (archive.py), with its url."""
    rounds = KILLS_QUICK if quick else KILLS
    redis, node = Redis(), None
    writer = Writer(redis)
    try:
        node = lib.Node(sections={"redis": [f"url: unix://{redis.path}"], "archive": [f"url: {database.url}"]})
        writer.start()
        for number in range(rounds):
            time.sleep(random.uniform(*PAUSE_S))
            kind = ("archive", "redis", "postgresql")[number % 3]
            if kind == "archive":
                os.kill(lib.wait_for("tandem-archive to run", 20, lambda: archive_pid(node)), signal.SIGKILL)
            else:
                (redis if kind == "redis" else database).kill()
        time.sleep(max(PAUSE_S))
        writer.stops.set()
        writer.join(30)
        wanted, found = set(writer.confirmed), []

        def all_there():
            found[:] = asked(psql, database.url, "SELECT count(*) FROM leg") or ["0"]
            return int(found[0]) >= len(wanted)
        until = time.monotonic() + 60
        while not all_there() and time.monotonic() < until:
            time.sleep(0.5)
        there = [int(call) for call in asked(psql, database.url, "SELECT call FROM listing WHERE owner = ''")]
        number_of = lambda text: sum(DIGITS.index(digit) << 5 * (12 - place) for place, digit in enumerate(text))
        return {"kills": rounds, "written": len(wanted), "lost": len({number_of(call) for call in wanted} - set(there)), "twice": len(there) - len(set(there))}
    finally:
        writer.stops.set()
        if node:
            node.stop()
        redis.close()
