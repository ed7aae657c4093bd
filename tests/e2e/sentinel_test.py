# SPDX-License-Identifier: Apache-2.0
"""Redis with a replica and three Sentinels, with the users of deploy/redis: the primary dies, and one is paused and comes back."""
import contextlib
import hashlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from lib.node import ROOT
from ports import Ports
from tandem_client import Redis, RedisError, primary_of

from call_test import CallTest
from http_events_test import listener
from patience import PATIENCE_S

PASSWORDS = {"HASH": "s3cret-of-the-node", "SENTINEL_HASH": "s3cret-of-sentinels", "REPLICA_HASH": "s3cret-of-replicas"}
HOST = "127.0.0.1"
AUDITOR = "user auditor on >auditor ~* &* +@all\n"


def users(*names):
    """Files of deploy/redis with their passwords."""
    text = "".join(pathlib.Path(ROOT, "deploy/redis", name).read_text(encoding="utf-8") for name in names)
    for word, password in PASSWORDS.items():
        text = text.replace(f"#{word} ", f"#{hashlib.sha256(password.encode()).hexdigest()} ")
    return text + AUDITOR


class Sentinel(CallTest):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-sentinel-"))
        self.processes = {}
        self.addCleanup(self.stop_all)
        ports = self.enterContext(Ports(5))
        self.servers, self.sentinels = [ports.take(), ports.take()], [ports.take() for _ in range(3)]
        self.write("users.acl", users("users.acl", "replica-users.acl"))
        self.server(self.servers[0])
        self.server(self.servers[1], "--replicaof", HOST, str(self.servers[0]))
        self.wait(lambda: "state=online" not in self.ask(self.servers[0], "INFO", "replication"))
        for port in self.sentinels:
            self.sentinel(port)
        self.wait(lambda: any(self.ask(port, "SENTINEL", "CKQUORUM", "main")[:2] != "OK" for port in self.sentinels))
        hosts = ",".join(f"{HOST}:{port}" for port in self.sentinels)
        self.url = f"sentinel://tandem:{PASSWORDS['HASH']}@{hosts}/main?sentinel=tandem:{PASSWORDS['HASH']}"
        self.settings = {"redis": {"url": self.url}}
        super().setUp()

    def write(self, name, text):
        pathlib.Path(self.folder, name).write_text(text, encoding="utf-8")

    def run_redis(self, port, *words):
        folder = os.path.join(self.folder, str(port))
        os.makedirs(folder)
        with open(os.path.join(folder, "log"), "ab") as log:
            self.processes[port] = subprocess.Popen(["redis-server", *words, "--dir", folder], stdout=log, stderr=log)

    def server(self, port, *words):
        self.run_redis(port, "--port", str(port), "--bind", HOST, "--aclfile", os.path.join(self.folder, "users.acl"),
                       "--save", "", "--appendonly", "yes", "--appendfsync", "no", "--repl-diskless-sync-delay", "0",
                       "--masteruser", "replica", "--masterauth", PASSWORDS["REPLICA_HASH"], *words)
        self.wait(lambda: self.ask(port, "PING") != "PONG")

    def sentinel(self, port):
        self.write(f"sentinel{port}.acl", users("sentinel-users.acl"))
        self.write(f"sentinel{port}.conf", "\n".join((
            f"port {port}", f"bind {HOST}", f"aclfile {self.folder}/sentinel{port}.acl",
            f"sentinel monitor main {HOST} {self.servers[0]} 2", "sentinel down-after-milliseconds main 500",
            "sentinel failover-timeout main 1000", "sentinel auth-user main sentinel",
            f"sentinel auth-pass main {PASSWORDS['SENTINEL_HASH']}", "sentinel sentinel-user sentinel",
            f"sentinel sentinel-pass {PASSWORDS['SENTINEL_HASH']}", "")))
        self.run_redis(port, os.path.join(self.folder, f"sentinel{port}.conf"), "--sentinel")

    def ask(self, port, *words):
        """"": nobody answers."""
        with contextlib.suppress(OSError, RedisError), Redis(f"redis://auditor:auditor@{HOST}:{port}", timeout=1) as redis:
            return redis(*words)
        return ""

    def wait(self, missing):
        end = time.monotonic() + PATIENCE_S
        while missing():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def stop_all(self):
        for process in self.processes.values():
            process.kill()
            process.wait(15)

    def primary(self):
        return int(primary_of(self.url).rpartition(":")[2])

    def fence(self, port):
        return self.ask(port, "HGET", "td:{s1}:lease", "fence") or "0"

    def over_there(self, port):
        """Sentinel names that one, and the node has its lease there over a new link."""
        self.wait(lambda: self.primary() != port)
        self.wait(lambda: int(self.fence(port).rpartition(".")[2]) < 2 or self.node.http("/healthz")[0] != 200)
        self.assertGreaterEqual(self.node.metric("tandem_redis_failovers_total"), 1)

    def no_rights_missing(self, port):
        self.assertEqual(self.ask(port, "ACL", "LOG"), [])
        log = pathlib.Path(self.node.log).read_text(encoding="utf-8")
        self.assertFalse([password for password in PASSWORDS.values() if password in log])

    def end(self, *calls):
        for out, into, _ in calls:
            out.bye()
            into.wait_bye()
        ids = [row["id"] for row in self.node.cdrs(len(calls))]
        self.assertEqual((len(ids), len(set(ids))), (len(calls), len(calls)))

    def test_the_primary_dies(self):
        first, second = self.servers
        events = listener(self)
        call = self.connect()
        self.saved()
        self.processes[first].kill()
        self.over_there(second)
        self.assertEqual(len(self.calls()), 1)
        self.node.forget_socket()
        self.assertEqual(len(self.node.tandemctl("registration.list")), 2)
        self.assertEqual(self.a.register().status, 200)
        self.end(call, self.connect())
        self.assertEqual(events.ended(2), {row["id"] for row in self.node.cdrs(2)})
        self.no_rights_missing(second)

    def test_the_primary_was_paused(self):
        """It comes back and believes that it is the primary, until a Sentinel tells it; the node speaks with the other one."""
        first, second = self.servers
        self.processes[first].send_signal(signal.SIGSTOP)
        self.over_there(second)
        fence = self.fence(second)
        self.processes[first].send_signal(signal.SIGCONT)
        self.wait(lambda: self.ask(first, "PING") != "PONG")
        call = self.connect()
        self.saved()
        self.assertEqual(self.ask(second, "HLEN", "td:{s1}:rec"), 1)
        if self.ask(first, "ROLE")[0] == "master":
            self.assertEqual(self.ask(first, "HLEN", "td:{s1}:rec"), 0)
        self.assertEqual(self.fence(second), fence)
        self.end(call)
        self.no_rights_missing(second)
