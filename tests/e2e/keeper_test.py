# SPDX-License-Identifier: Apache-2.0
"""A floating address is on the machine while its shard is there, and no longer, however the node ends."""
import os
import subprocess
import tempfile
import unittest

from lib.node import Node
from lib.unprivileged import AsNobody, effective
from lib.wire import alone, ip
from patience import until

ADDRESS, CAPABILITIES = "192.0.2.17", 1 << 12 | 1 << 13     # CAP_NET_ADMIN, CAP_NET_RAW
SETTINGS = {"cluster": {"listen": "192.0.2.1:7946", "lease": "1s"},
            "networks": [{"name": "s1", "bind": ADDRESS, "shard": 1, "floating": True, "sip_ports": [5060], "sip_tls_ports": [],
                          "media_ports": "12000-12099"}]}


def here():
    return f" {ADDRESS}/32 " in ip("-oneline", "address", "show", "dev", "near0").stdout


class Keeper(AsNobody, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        alone()
        ip("link", "add", "near0", "type", "veth", "peer", "name", "far0")
        for name in ("near0", "far0"):
            ip("link", "set", name, "up")
        ip("addr", "add", "192.0.2.1/24", "dev", "near0")
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-redis-"))
        os.chmod(cls.folder, 0o755)         # for nodes of another user
        cls.socket = os.path.join(cls.folder, "redis.sock")

    def setUp(self):
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "777", "--save", ""],
                                 stdout=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.terminate)
        self.node = self.enterContext(Node(settings={**SETTINGS, "redis": {"url": f"unix:{self.socket}"}}, start=False))

    def keeper(self):
        """Its effective capabilities."""
        return [capabilities for pid in self.children() for name, capabilities in effective(pid) if name == "tandem-keeper"]

    def test_killed_and_stopped(self):
        self.node.start()
        self.assertTrue(here())
        self.node.put_extension("1001", "secret")
        with self.node.user_agent("1001", "secret") as phone:
            phone.server = (ADDRESS, 5060)
            self.assertEqual(phone.register().status, 200)
        self.node.kill()
        until(lambda: not here(), lambda: "the address of a node that was killed stays")
        self.node.restart()
        self.assertTrue(here())
        self.assertEqual(self.node.stop(), 0)
        self.assertFalse(here())

    def test_capabilities(self):
        """The node gives them up; its keeper has these alone."""
        self.start_as_nobody("+net_admin,+net_raw")
        self.assertTrue(here())
        self.assertEqual([name for name, capabilities in effective(self.node.process.pid) if capabilities], [])
        self.assertEqual(self.keeper(), [CAPABILITIES])

    def test_not_allowed(self):
        self.start_as_nobody("-all")
        self.assertFalse(here())
        self.assertEqual(self.node.log_text().count("floating addresses are not moved"), 1)
        self.assertEqual(self.node.metric("tandem_floating_addresses", state="refused"), 1)
        self.assertEqual(self.keeper(), [0])
