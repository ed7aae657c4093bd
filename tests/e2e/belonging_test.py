# SPDX-License-Identifier: Apache-2.0
"""A state folder belongs to one Redis: with another one the node is refused, in a sentence that says what to do."""
import contextlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

from lib.node import Node, build_folder
from lib.wire import alone
from tandem_client import Redis, RedisError

from patience import PATIENCE_S, until

IDS = "td:{cluster}:ids"
CONTENTS = """local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do all[#all + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) end
return all"""


class Servers(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-belonging-"))
        self.servers = []
        self.addCleanup(self.stop_servers)
        self.one, self.other = self.server("one"), self.server("other")

    def server(self, name):
        """The socket of an empty Redis."""
        socket = os.path.join(self.folder, name + ".sock")
        self.servers.append(subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", self.folder,
                                              "--save", ""], stdout=subprocess.DEVNULL))
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, RedisError):
                self.ask(socket, "PING")
                return socket
            time.sleep(0.05)
        self.fail("no redis-server")

    def stop_servers(self):
        for process in self.servers:
            process.kill()
            process.wait()

    @staticmethod
    def ask(socket, *words):
        with Redis(socket) as redis:
            return redis(*words)

    def node(self, socket):
        return self.enterContext(Node(settings=self.at(socket)))

    @staticmethod
    def at(socket):
        return {"redis": {"url": f"unix:{socket}"}}

    def refused(self, node, *words):
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--config", node.config],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in (node.state_dir, *words):
            self.assertIn(word, done.stderr)
        return done.stderr


class Belonging(Servers):
    def moved(self, node, socket):
        self.assertEqual(node.stop(), 0)
        node.configure(self.at(socket))

    def test_two_redis_for_one_folder(self):
        """The other one has calls and documents of its own: nothing of the folder comes there, before somebody says so."""
        node = self.node(self.one)
        with Node(settings=self.at(self.other)) as theirs:
            theirs.put_extension("2001", "secret2001")
        self.assertNotEqual(*(self.ask(socket, "SMEMBERS", IDS) for socket in (self.one, self.other)))
        node.put_extension("1001", "secret1001")
        snapshot = pathlib.Path(node.state_dir, "documents")
        self.assertTrue(until(lambda: snapshot.exists() and b"1001" in snapshot.read_bytes()))
        self.moved(node, self.other)
        before = self.ask(self.other, "DBSIZE")
        for _ in range(2):
            self.refused(node, "name the other one, or give this node another folder", f"belongs_to=unix:{self.one}")
        self.assertEqual(self.ask(self.other, "DBSIZE"), before)
        self.assertEqual(self.ask(self.other, "HKEYS", "td:{t:default}:doc:extension"), ["2001"])
        node.configure(self.at(self.one))
        node.start()
        self.assertEqual([row["number"] for row in node.ctl("extension.list")], ["1001"])
        # what is in the folder is given up
        self.moved(node, self.other)
        os.unlink(os.path.join(node.state_dir, "cluster"))
        os.unlink(snapshot)
        node.start()
        self.assertEqual([row["number"] for row in node.ctl("extension.list")], ["2001"])
        self.moved(node, self.one)
        self.refused(node, f"belongs_to=unix:{self.other}")

    def test_an_empty_one_at_another_place(self):
        node = self.node(self.one)
        node.put_extension("1001", "secret1001")
        self.moved(node, self.other)
        self.refused(node, "redis.url leads to an empty one", f"belongs_to=unix:{self.one}", f"redis=unix:{self.other}")
        self.assertEqual(self.ask(self.other, "DBSIZE"), 0)
        # its data is copied there: it is the same one at another place
        for key in self.ask(self.one, "KEYS", "*"):
            self.copy(key)
        node.start()
        self.assertEqual([row["number"] for row in node.ctl("extension.list")], ["1001"])
        self.moved(node, self.one)
        self.ask(self.one, "FLUSHALL")
        self.refused(node, "redis.url leads to an empty one", f"belongs_to=unix:{self.other}")

    def copy(self, key):
        if self.ask(self.one, "TYPE", key) == "set":
            self.ask(self.other, "SADD", key, *self.ask(self.one, "SMEMBERS", key))
        elif self.ask(self.one, "TYPE", key) == "hash":
            self.ask(self.other, "HSET", key, *self.ask(self.one, "HGETALL", key))
        elif self.ask(self.one, "TYPE", key) == "string":
            self.ask(self.other, "SET", key, self.ask(self.one, "GET", key))

    def test_emptied(self):
        """It is the same one: under a running node, under a stopped one, and where another folder came first."""
        node = self.node(self.one)
        ours = self.ask(self.one, "SMEMBERS", IDS)
        self.assertEqual(len(ours), 1)
        self.ask(self.one, "FLUSHALL")
        self.assertTrue(until(lambda: self.ask(self.one, "SMEMBERS", IDS) == ours))
        node.kill()
        self.ask(self.one, "FLUSHALL")
        node.restart()
        self.assertEqual(self.ask(self.one, "SMEMBERS", IDS), ours)
        self.ask(self.one, "EVAL", "redis.call('DEL', KEYS[1]) redis.call('SADD', KEYS[1], ARGV[1])", "1", IDS, "0" * 32)
        self.assertTrue(until(lambda: set(self.ask(self.one, "SMEMBERS", IDS)) == {*ours, "0" * 32}))
        self.assertEqual(node.http("/healthz")[0], 200)
        node.kill()
        node.restart()

    def test_another_one_while_it_runs(self):
        """What answers at that place is another one from now on: the node goes on with its calls, says so, and writes nothing there.
        A lease there is none of its own. When it is the right one again, all is well.
        """
        name = os.path.join(self.folder, "name.sock")

        def lead_to(socket):
            os.symlink(socket, name + ".new")
            os.rename(name + ".new", name)

        with Node(settings=self.at(self.other)):
            pass
        lead_to(self.one)
        node = self.node(name)
        theirs, before = self.ask(self.other, "SMEMBERS", IDS), set(self.ask(self.other, "EVAL", CONTENTS, "0"))
        lead_to(self.other)
        self.ask(self.one, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        self.assertTrue(until(lambda: "another_redis" in node.http("/healthz")[1]))
        self.assertIn("another Redis answers than that of node.state_dir", node.log_text())
        time.sleep(2.5)     # the node says its id, and renews its lease, more often
        self.assertEqual(self.ask(self.other, "SMEMBERS", IDS), theirs)
        self.assertLessEqual(set(self.ask(self.other, "EVAL", CONTENTS, "0")), before)
        lead_to(self.one)
        self.assertTrue(until(lambda: node.http("/healthz")[0] == 200), node.http("/healthz"))
        node.kill()
        lead_to(self.other)
        self.refused(node, "belongs to another Redis")

    def test_an_older_folder_and_a_damaged_file(self):
        node = self.node(self.one)
        ours = self.ask(self.one, "SMEMBERS", IDS)
        file = pathlib.Path(node.state_dir, "cluster")
        self.assertEqual(file.read_text(encoding="utf-8"), f"{ours[0]} unix:{self.one}\n")
        node.stop()
        file.unlink()
        node.start()
        self.assertEqual(file.read_text(encoding="utf-8"), f"{ours[0]} unix:{self.one}\n")
        node.stop()
        file.write_text("nonsense\n", encoding="utf-8")
        self.refused(node, "the file cluster of node.state_dir is damaged: remove it")
        file.unlink()
        self.ask(self.one, "DEL", IDS)      # neither of them knows it: a program before this one
        node.start()
        self.assertEqual(file.read_text(encoding="utf-8"), f"{self.ask(self.one, 'SMEMBERS', IDS)[0]} unix:{self.one}\n")


class Copied(Servers):
    """A copy of a folder in a cluster, with a shard of its own: other nodes could not tell the two apart."""

    @staticmethod
    def member(socket, name, shard):
        return {"redis": {"url": f"unix:{socket}"}, "node": {"name": name, "shard": shard},
                "cluster": {"listen": f"127.0.0.{shard}:7946", "lease": "1s", "shards": [17, 18]}}

    @classmethod
    def setUpClass(cls):
        alone()     # other files have nodes at these addresses, too
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.a = self.enterContext(Node(settings=self.member(self.one, "a", 17)))
        self.copy = Node(settings=self.member(self.one, "b", 18), start=False)
        self.addCleanup(self.copy.close, False)
        shutil.copytree(self.a.state_dir, self.copy.state_dir, dirs_exist_ok=True, ignore=lambda folder, names: [
            name for name in names if name == "tandem.yaml" or stat.S_ISSOCK(os.lstat(os.path.join(folder, name)).st_mode)])

    def line(self):
        lines = self.ask(self.one, "HGETALL", "td:{nodes}")
        self.assertEqual(len(lines), 2)
        return lines[1].split()

    def test_started(self):
        self.assertTrue(until(lambda: self.ask(self.one, "HLEN", "td:{nodes}") == 1))
        self.refused(self.copy, "remove the file identity from the copy", self.a.state_dir)
        self.assertEqual(self.line()[5], "a")
        self.assertEqual(self.a.http("/readyz")[0], 200)
        # the first one itself is not taken for a copy, and does not wait
        self.a.kill()
        self.assertLess(self.a.restart(), 2.9)
        os.unlink(os.path.join(self.copy.state_dir, "identity"))
        self.copy.start()
        self.assertTrue(until(lambda: self.a.metric("tandem_cluster_nodes", state="heard") == 1))

    def test_started_while_it_was_silent(self):
        """Which of the two is the copy nobody knows then. The later one ends when it hears of the first."""
        self.assertTrue(until(lambda: self.ask(self.one, "HLEN", "td:{nodes}") == 1))
        self.a.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.a.process.send_signal, signal.SIGCONT)
        self.copy.start()
        self.assertTrue(until(lambda: self.line()[5] == "b"))
        self.a.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.copy.process.wait(PATIENCE_S), 2)
        self.assertIn("remove the file identity from the copy", self.copy.log_text())
        self.assertIn("another process has started with the identity of this node", self.a.log_text())
        self.assertTrue(until(lambda: self.line()[5] == "a" and self.line()[1] != "0"))
        self.assertTrue(self.a.running())


if __name__ == "__main__":
    unittest.main()
