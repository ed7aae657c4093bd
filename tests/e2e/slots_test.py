# SPDX-License-Identifier: Apache-2.0
"""A Redis in cluster mode, which refuses whatever touches keys of two slots: a node with two shards does all that it does elsewhere."""
import contextlib
import hashlib
import os
import pathlib
import subprocess
import tempfile
import time

from lib.node import ROOT
from call_test import CallTest
from http_events_test import listener
from park_test import ParkTest
from ports import Ports
from tandem_client import Redis, RedisError
from patience import PATIENCE_S, until

PASSWORD = "s3cret-of-the-node"


class Slots(ParkTest):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-slots-"))
        ports = self.enterContext(Ports(2))
        self.port, bus = ports.take(), ports.take()
        text = pathlib.Path(ROOT, "deploy/redis/users.acl").read_text(encoding="utf-8")
        text = text.replace("#HASH", "#" + hashlib.sha256(PASSWORD.encode()).hexdigest())
        acl = pathlib.Path(self.folder, "users.acl")
        acl.write_text(text + f"user auditor on >{PASSWORD} ~* +@all\n", encoding="utf-8")
        with open(os.path.join(self.folder, "log"), "ab") as log:
            process = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--cluster-port", str(bus),
                                        "--cluster-enabled", "yes", "--dir", self.folder, "--aclfile", str(acl), "--save", ""],
                                       stdout=log, stderr=log)
        self.addCleanup(process.wait, 15)
        self.addCleanup(process.kill)
        self.wait(lambda: self.asks("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == "OK")
        self.wait(lambda: "cluster_state:ok" in self.asks("CLUSTER", "INFO"))
        self.settings = {"node": {"shards": [2]},
                         "redis": {"url": f"redis+cluster://tandem:{PASSWORD}@127.0.0.1:{self.port}"}}
        super().setUp()

    def asks(self, *words):
        with contextlib.suppress(OSError, RedisError), Redis(f"redis://auditor:{PASSWORD}@127.0.0.1:{self.port}") as redis:
            return redis(*words)
        return ""

    def wait(self, what):
        end = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), end, "in time")
            time.sleep(0.02)

    def test_calls(self):
        """Registrations, documents, commands, calls of both shards, one parked, over a kill of the node."""
        self.park()
        self.node.kill()
        self.node.restart()
        self.wait(lambda: self.slots() == {"7": (self.first.call, "1002", "1001")})
        events, talk = listener(self), self.elsewhere()
        self.retrieve(talk)
        self.hangs_up(talk)
        self.assertEqual(len(events.ended(1)), 1)
        self.assertEqual(len(self.node.ctl("registration.list")), 4)
        self.wait(lambda: self.node.told("td:{s1}:cdr") and self.node.told("td:{s2}:cdr"))
        self.node.forget_socket()
        self.assertEqual(self.node.tandemctl("extension.get", number="1001")["number"], "1001")
        self.assertNotIn("CROSSSLOT", self.asks("INFO", "errorstats"))
        self.assertEqual(self.asks("ACL", "LOG"), [])


class Servers(CallTest):
    """Three primaries with a replica each: slots move under live calls, and a primary dies."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-servers-"))
        ports = self.enterContext(Ports(12))
        text = pathlib.Path(ROOT, "deploy/redis/users.acl").read_text(encoding="utf-8")
        text = text.replace("#HASH", "#" + hashlib.sha256(PASSWORD.encode()).hexdigest()).replace("default off", "default on nopass")
        self.processes = {}
        for _ in range(6):
            self.server_start(ports.take(), ports.take(), text)
        self.ports = list(self.processes)
        for port in self.ports:
            until(lambda port=port: self.asks(port, "PING") == "PONG")
        self.cli("--cluster", "create", *(f"127.0.0.1:{port}" for port in self.ports), "--cluster-replicas", "1", "--cluster-yes")
        until(lambda: all("cluster_state:ok" in self.asks(port, "CLUSTER", "INFO") for port in self.ports))
        until(lambda: all("master_link_status:up" in self.asks(port, "INFO", "replication") for port in self.ports[3:]))
        others = {self.owner(key)[1] for key in ("td:{s1}:rec", "td:{cmd}:default:in")}
        first = next(port for port in self.ports[:3] if port not in others)     # who is asked there is sent on
        self.settings = {"redis": {"url": f"redis+cluster://tandem:{PASSWORD}@127.0.0.1:{first}"}}
        super().setUp()

    def server_start(self, port, bus, users):
        folder = os.path.join(self.folder, str(port))
        os.mkdir(folder)
        pathlib.Path(folder, "users.acl").write_text(users, encoding="utf-8")
        with open(os.path.join(folder, "log"), "ab") as log:
            process = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(bus),
                                        "--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--dir", folder, "--aclfile",
                                        os.path.join(folder, "users.acl"), "--save", "", "--repl-diskless-sync-delay", "0"],
                                       stdout=log, stderr=log)
        self.processes[port] = process
        self.addCleanup(process.wait, 15)
        self.addCleanup(process.kill)

    def asks(self, port, *words):
        with contextlib.suppress(OSError, RedisError), Redis(f"redis://127.0.0.1:{port}") as redis:
            return redis(*words)
        return ""

    def cli(self, *words):
        subprocess.run(["redis-cli", *map(str, words)], check=True, stdout=subprocess.DEVNULL, timeout=60)

    def owner(self, key):
        """Slot of a key, and the port of its primary, as one that lives says it."""
        port = next(port for port, process in self.processes.items() if process.poll() is None)
        slot = self.asks(port, "CLUSTER", "KEYSLOT", key)
        return slot, next(r[2][1] for r in self.asks(port, "CLUSTER", "SLOTS") if r[0] <= slot <= r[1])

    def of_key(self, key, *words):
        return self.asks(self.owner(key)[1], words[0], key, *words[1:])

    def name_of(self, port):
        return self.asks(port, "CLUSTER", "MYID")

    def healthy(self):
        until(lambda: self.node.http("/healthz")[0] == 200)

    def move_begin(self, slot, source, target):
        self.asks(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.name_of(source))
        self.asks(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.name_of(target))

    def move_end(self, slot, source, target):
        keys = self.asks(source, "CLUSTER", "GETKEYSINSLOT", slot, 1000)
        self.asks(source, "MIGRATE", "127.0.0.1", target, "", 0, 5000, "KEYS", *keys)
        for port in (target, source):
            self.asks(port, "CLUSTER", "SETSLOT", slot, "NODE", self.name_of(target))

    def test_a_slot_moves(self):
        """That of the shard: half of it is there (ASK), then all of it (MOVED). Calls go on, begin and end meanwhile."""
        out, into, _ = self.connect()
        slot, source = self.owner("td:{s1}:rec")
        target = next(port for port in self.ports[:3] if port != source)
        self.move_begin(slot, source, target)
        ended, other, _ = self.connect()
        ended.bye()
        other.wait_bye()
        until(lambda: "errorstat_ASK" in self.asks(source, "INFO", "errorstats"), lambda: self.asks(source, "CLUSTER", "NODES"))
        self.move_end(slot, source, target)
        self.assertEqual(self.owner("td:{s1}:rec")[1], target)
        self.healthy()
        until(lambda: self.asks(target, "HLEN", "td:{s1}:rec") == 1)
        self.node.kill()
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)
        out.bye()
        into.wait_bye()
        until(lambda: self.of_key("td:{s1}:cdr", "XLEN") == 2)

    def test_all_slots_move(self):
        """Registrations, documents, commands and the shard go from one server to another, by redis-cli, under a call."""
        out, into, _ = self.connect()
        source = self.owner("td:{s1}:rec")[1]
        target = next(port for port in self.ports[:3] if port != source)
        self.cli("--cluster", "reshard", f"127.0.0.1:{source}", "--cluster-from", self.name_of(source), "--cluster-to", self.name_of(target),
                 "--cluster-slots", 16384, "--cluster-yes")
        self.healthy()
        self.assertEqual(self.owner("td:{s1}:rec")[1], target)
        self.node.put_extension("1009", "another-secret-9")
        self.assertEqual(len(self.node.ctl("registration.list")), 2)
        self.node.forget_socket()
        self.assertEqual(self.node.tandemctl("extension.get", number="1009")["number"], "1009")
        out.bye()
        into.wait_bye()
        until(lambda: self.of_key("td:{s1}:cdr", "XLEN") == 1)

    def test_a_primary_dies(self):
        """That of the shard. Calls go on, one begins and ends before its replica is promoted, and another start continues what is left."""
        out, into, _ = self.connect()
        _, port = self.owner("td:{s1}:rec")
        self.processes[port].kill()
        self.processes[port].wait(15)
        ended, other, _ = self.connect()
        ended.bye()
        other.wait_bye()
        until(lambda: self.owner("td:{s1}:rec")[1] != port)
        self.healthy()
        until(lambda: self.of_key("td:{s1}:rec", "HLEN") == 1)      # it is saved again
        self.node.kill()
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)
        out.bye()
        into.wait_bye()
        until(lambda: self.of_key("td:{s1}:cdr", "XLEN") == 2)
