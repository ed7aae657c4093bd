# SPDX-License-Identifier: Apache-2.0
"""A floating address is on the machine while its shard is there, and no longer, however the node ends. Nor does one that stands still speak from it."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from lib import ROOT
from lib.node import Node
from lib.unprivileged import AsNobody, effective
from lib.wire import alone, ip
from patience import PATIENCE_S, until

sys.path.append(str(ROOT / "tests"))
from cluster.net import BRIDGE, Host, bridge
from cluster.nodes import SHARDS, ClusterNode

PHONE_PORT = 5070
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

    # ---- cluster.address_hook ----

    def hooked(self, then="exit 0"):
        """The node has a program that writes down what it hears; where."""
        program, said = os.path.join(self.folder, "hook"), os.path.join(self.folder, "said")
        with open(said, "w", encoding="utf-8"):
            os.chmod(said, 0o666)
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\necho \"$*\" >> {said}\necho heard $1\n{then}\n")
        os.chmod(program, 0o755)
        self.node.configure({**SETTINGS, "cluster": {**SETTINGS["cluster"], "address_hook": program}, "redis": {"url": f"unix:{self.socket}"}})
        return program, said

    def hears(self, said, *words):
        def lines():
            with open(said, encoding="utf-8") as file:
                return [line.split() for line in file]
        until(lambda: [line[0] for line in lines()] == list(words), lambda: f"the program heard {lines()}, not {words}")
        self.assertEqual({tuple(line[1:]) for line in lines()}, {(ADDRESS, "32", "1", "n1")})

    def test_hook(self):
        """A node that may move nothing goes on, and its program hears of it, also when the node is killed; and before the next one's."""
        _, said = self.hooked("sleep 0.3")
        self.start_as_nobody("-all")
        self.hears(said, "add")
        until(lambda: self.node.metric("tandem_address_hook_runs_total", result="done") == 1)
        self.assertEqual(self.node.metric("tandem_floating_addresses", state="hooked"), 1)
        self.assertNotIn("addresses are not moved", self.node.log_text())
        self.assertIn(f'"the address hook says" address={ADDRESS} text="heard add"', self.node.log_text())
        self.node.kill()
        self.hears(said, "add", "delete")
        self.start_as_nobody("-all")
        self.hears(said, "add", "delete", "add")
        self.assertEqual(self.node.stop(), 0)
        self.hears(said, "add", "delete", "add", "delete")

    def test_hook_beside(self):
        """One that moves addresses tells as well, and waits for nobody."""
        _, said = self.hooked("sleep 600; exit 3")
        self.node.start()
        self.assertTrue(here())
        self.hears(said, "add")
        self.node.kill()
        until(lambda: not here(), lambda: "the address of a node that was killed stays")
        self.node.restart()
        self.assertTrue(here())
        until(lambda: self.node.metric("tandem_address_hook_runs_total", result="late") > 0)
        self.assertIn("the address hook took too long and was killed", self.node.log_text())

    def test_hook_fails(self):
        self.hooked("exit 3")
        self.node.start()
        until(lambda: self.node.metric("tandem_address_hook_runs_total", result="failed") > 0)
        self.assertIn("exit_status=3", self.node.log_text())

    def test_hook_of_others(self):
        """Whoever may write it would run what he likes."""
        program, _ = self.hooked()
        os.chmod(program, 0o777)
        done = subprocess.run([self.node.program("tandemd"), "--config", self.node.config], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, rf"{self.node.config}:\d+:\d+: cluster.address_hook: {program} may be written by others: chmod go-w")


class Stopped(unittest.TestCase):
    """Three machines. The kernel of one whose node stands still does not say that it has the address, which another one has by now."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-keeper-"))
        bridge("10.77.0.1")
        self.run_beside("redis-server", "--bind", "10.77.0.1", "--port", "6379", "--protected-mode", "no", "--save", "")
        hosts = [self.enterContext(Host(name, f"10.77.0.1{i}")) for i, name in enumerate("abc", 1)]
        self.nodes = [ClusterNode(host, self.folder, shard, {"url": "redis://10.77.0.1:6379", "deadline": "500ms"}, "10.77.0.1", "1s", "12000-12099")
                      for host, shard in zip(hosts, SHARDS)]
        for node in self.nodes:
            self.addCleanup(node.close)
            if node is not self.nodes[0]:
                node.same_keys(self.nodes[0])
            node.start()
        until(lambda: all(node.live() == 1 and node.metric("tandem_cluster_nodes", state="heard") == 2 for node in self.nodes))

    def run_beside(self, *words):
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def who_has(self, address, seconds=1.0):
        """Machines that say so when they are asked."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as wire, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
            wire.bind((BRIDGE, 0x0806))
            wire.settimeout(0.05)
            said, end = set(), time.monotonic() + seconds
            while time.monotonic() < end:
                ip("neigh", "flush", "to", address, "dev", BRIDGE)
                asks.sendto(b"?", (address, 9))
                try:
                    while True:
                        frame = wire.recv(100)
                        if frame[28:32] == socket.inet_aton(address):
                            said.add(frame[6:12])
                except TimeoutError:
                    pass
            return said

    def connect(self, address):
        """From the port that a phone has always; it asks for an answer to its keep-alive (RFC 5626 3.5.1)."""
        until(lambda: self.takes(address))
        self.phone.sendall(b"\r\n\r\n")
        self.assertEqual(self.phone.recv(16), b"\r\n")

    def takes(self, address):
        self.phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(self.phone.close)
        self.phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.phone.settimeout(PATIENCE_S)
        self.phone.bind(("10.77.0.1", PHONE_PORT))
        try:
            self.phone.connect((address, 5060))
        except OSError:
            self.phone.close()
            return False
        return True

    def ends(self, seconds=10):
        """Its connection does: whoever has the address now does not know it, and says so."""
        self.phone.settimeout(0.2)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.phone.sendall(b"\r\n\r\n")
                if not self.phone.recv(16):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            self.fail(f"a connection to who had the address does not end within {seconds} s")
        self.phone.close()

    def test_connections_from_a_port_that_stays(self):
        """A phone goes to the successor, and back, within a minute: nobody's kernel has something left of a connection from the same port."""
        node, address = self.nodes[0], SHARDS[17]
        self.connect(address)
        node.process.kill()
        node.process.wait()
        self.ends()
        until(lambda: any(other.metric("tandem_floating_addresses", state="here") == 2 for other in self.nodes[1:]))
        self.connect(address)
        node.start()
        until(lambda: node.live() == 1)
        self.ends()
        self.connect(address)

    def test_stands_still(self):
        node, address = self.nodes[0], SHARDS[17]
        before = self.who_has(address)
        self.assertEqual(len(before), 1)
        node.process.send_signal(signal.SIGSTOP)
        self.addCleanup(node.process.send_signal, signal.SIGCONT)
        until(lambda: any(other.metric("tandem_floating_addresses", state="here") == 2 for other in self.nodes[1:]))
        after = self.who_has(address)
        self.assertEqual((len(after), after & before), (1, set()))
        node.process.send_signal(signal.SIGCONT)
        until(lambda: node.metric("tandem_withheld_frames_total", kind="arp") > 0)
