# SPDX-License-Identifier: Apache-2.0
"""A Redis that is not the node's: over TLS in both directions, with users that may do what they need and nothing else.  The files are
those of docs/guides/redis.md."""
import contextlib
import hashlib
import os
import pathlib
import ssl
import subprocess
import tempfile
import time

from lib.authority import Authority
from lib.node import ROOT
from ports import Ports
from tandem_client import Redis, RedisError

from call_test import CallTest
from http_events_test import listener
from patience import PATIENCE_S

PASSWORD = "s3cret-of-the-node"


class Secured(CallTest):
    """The node shows a certificate, logs in as a user of deploy/redis/users.acl, and believes one authority."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-redis-"))
        authority = Authority(self.folder)
        for name in ("server", "client"):
            authority.signs(name, "IP:127.0.0.1")
        self.tls = ssl.create_default_context(cafile=self.path("ca.pem"))
        self.tls.load_cert_chain(self.path("client.pem"), self.path("client.key"))
        ports = self.enterContext(Ports(1))
        self.port, self.process = ports.take(), None
        text = pathlib.Path(ROOT, "deploy/redis/users.acl").read_text(encoding="utf-8")
        text = text.replace("#HASH", "#" + hashlib.sha256(PASSWORD.encode()).hexdigest())
        pathlib.Path(self.path("users.acl")).write_text(text + f"user auditor on >{PASSWORD} ~* +@all\n", encoding="utf-8")
        self.redis_start()
        self.addCleanup(self.redis_stop)
        self.settings = {"redis": {"url": self.url("tandem"), "ca": self.path("ca.pem"), "certificate": self.path("client.pem"),
                                   "key": self.path("client.key")}}
        self.node_options = {"redis_tls": self.tls}
        super().setUp()

    def path(self, name):
        return os.path.join(self.folder, name)

    def url(self, user):
        return f"rediss://{user}:{PASSWORD}@127.0.0.1:{self.port}"

    def redis_start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", "0", "--tls-port", str(self.port), "--tls-cert-file", self.path("server.pem"),
                 "--tls-key-file", self.path("server.key"), "--tls-ca-cert-file", self.path("ca.pem"), "--dir", self.folder,
                 "--aclfile", self.path("users.acl"), "--save", "", "--appendonly", "yes", "--appendfsync", "no"],
                stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, RedisError), Redis(self.url("auditor"), tls=self.tls) as redis:
                redis("PING")
                return
            time.sleep(0.02)
        self.fail("no redis-server")

    def redis_stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)

    def healthy(self):
        end = time.monotonic() + PATIENCE_S
        while self.node.http("/healthz")[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.node.http("/healthz")[0], 200)

    def test_calls(self):
        """Over a kill of the node, and of Redis.  Nothing is asked of Redis that the user may not do."""
        out, into, _ = self.connect()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.assertEqual(len(self.calls()), 1)
        events = listener(self)
        self.redis_stop()
        self.redis_start()
        self.healthy()
        out.bye()
        into.wait_bye()
        self.assertEqual([row["cause"] for row in self.node.cdrs(1)], ["hung up"])
        self.assertEqual(events.ended(1), {row["id"] for row in self.node.cdrs(1)})
        self.node.forget_socket()
        self.assertEqual(self.node.tandemctl("extension.get", number="1001")["number"], "1001")
        with Redis(self.url("auditor"), tls=self.tls) as redis:
            self.assertEqual(redis("ACL", "LOG"), [])
        self.assertNotIn(PASSWORD, pathlib.Path(self.node.log).read_text(encoding="utf-8"))

    def test_who_is_refused(self):
        """Whoever does not show a certificate, in the clear, and as nobody."""
        bare = ssl.create_default_context(cafile=self.path("ca.pem"))
        for place, tls in ((self.url("tandem"), bare), (self.url("tandem").replace("rediss", "redis"), None),
                           (f"rediss://127.0.0.1:{self.port}", self.tls)):
            with self.assertRaises((OSError, RedisError), msg=place), Redis(place, tls=tls) as redis:
                redis("GET", "x")
        with Redis(self.url("tandem"), tls=self.tls) as redis:
            for command in (("CONFIG", "GET", "*"), ("FLUSHALL",), ("KEYS", "*"), ("GET", "other:key"), ("ACL", "LIST"),
                            ("SHUTDOWN",), ("SCRIPT", "FLUSH"), ("REPLICAOF", "127.0.0.1", "1")):
                with self.assertRaisesRegex(RedisError, "NOPERM", msg=str(command)):
                    redis(*command)
