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
from park_test import ParkTest
from ports import Ports
from tandem_client import Redis, RedisError
from patience import PATIENCE_S

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
        talk = self.elsewhere()
        self.retrieve(talk)
        self.hangs_up(talk)
        self.assertEqual(len(self.node.ctl("registration.list")), 4)
        self.wait(lambda: self.node.told("td:{s1}:cdr") and self.node.told("td:{s2}:cdr"))
        self.assertEqual(self.node.tandemctl("extension.get", number="1001")["number"], "1001")
        self.assertNotIn("CROSSSLOT", self.asks("INFO", "errorstats"))
        self.assertEqual(self.asks("ACL", "LOG"), [])
