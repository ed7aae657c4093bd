# SPDX-License-Identifier: Apache-2.0
"""Two nodes on one Redis know the same documents: each change within a second, and all that was missed in whatever way."""
import contextlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from lib.node import Node
from tandem_client import Client, Redis, RedisError, Refused
from patience import PATIENCE_S, slowness

KINDS = ("extension", "profile", "profile_range")


def snapshot(node):
    """{(kind, name): (version, text)} of the node's file, which it writes a second after a change; None: there is none."""
    with contextlib.suppress(FileNotFoundError), open(os.path.join(node.state_dir, "documents"), "rb") as file:
        data = file.read()
        found, at = {}, 24
        while at < len(data) - 4:
            words = []
            for _ in range(2):
                words.append(data[at + 1:at + 1 + data[at]].decode())
                at += 1 + data[at]
            version, size = struct.unpack_from(">QI", data, at)
            if size:                            # one that was deleted has no text
                found[tuple(words)] = (version, data[at + 12:at + 12 + size].decode())
            at += 12 + size
        return found
    return None


class Pair(unittest.TestCase):
    """Nodes a and b with a Redis of the test's own, which is theirs for the whole file: starting it takes longest."""
    rate = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-redis-"))
        cls.socket = os.path.join(cls.folder, "redis.sock")
        cls.server = None
        cls.addClassCleanup(cls.redis_stop)
        cls.redis_start()
        cls.a = cls.enterClassContext(Node(settings=cls.settings("a", 1), rate=cls.rate))
        cls.b = cls.joins("b", 2)

    @classmethod
    def joins(cls, name, shard):
        """A node more, with the keys of a."""
        node = cls.enterClassContext(Node(settings=cls.settings(name, shard), start=False, rate=cls.rate))
        shutil.copy(os.path.join(cls.a.state_dir, "keys"), os.path.join(node.state_dir, "keys"))
        node.start()
        return node

    @classmethod
    def settings(cls, name, shard):
        return {"node": {"name": name, "shard": shard}, "redis": {"url": f"unix:{cls.socket}"}}

    @classmethod
    def redis_start(cls):
        with open(os.path.join(cls.folder, "log"), "ab") as log:
            cls.server = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", cls.socket, "--dir", cls.folder, "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
                stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, RedisError):
                with Redis(cls.socket) as redis:
                    redis("PING")
                    return
            time.sleep(0.02)
        raise AssertionError("no redis-server")

    @classmethod
    def redis_stop(cls, how=signal.SIGTERM):
        if cls.server and cls.server.poll() is None:
            cls.server.send_signal(how)
            cls.server.wait(15)

    def until(self, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "in time")
            time.sleep(0.02)

    def redis(self):
        return Redis(self.socket)

    def stored(self):
        with self.redis() as redis:
            found = {}
            for kind in KINDS:
                versions = redis("HGETALL", f"td:{{t:default}}:ver:{kind}")
                versions = dict(zip(versions[::2], versions[1::2]))
                texts = redis("HGETALL", f"td:{{t:default}}:doc:{kind}")
                for name, text in zip(texts[::2], texts[1::2]):
                    found[kind, name] = (int(versions.get(name, 0)), text)
            return found

    def same(self, seconds=PATIENCE_S):
        """Both nodes have what Redis has, to the octet."""
        self.until(lambda: snapshot(self.a) == snapshot(self.b) == self.stored(), seconds)

    def puts(self, numbers, name):
        """Commands in one go, from whoever reads them; all are answered, and said again where Redis was late."""
        with Client(self.socket, "_operator") as client:
            for number in numbers:
                self.until(lambda number=number: self.put(client, number, name))

    def put(self, client, number, name):
        try:
            client.ask("extension.put", number=str(number), ha1=":".join(("0" * 32, "0" * 64, "0" * 64)), display_name=name)
        except Refused as refused:
            if refused.code != "uncertain":
                raise
            return False
        return True

    def readers(self):
        """Links that wait for commands, seen over a moment: two of each node, which now and then ask for something else."""
        found = set()
        with self.redis() as redis:
            for _ in range(20):
                found |= {line.split()[0] for line in redis("CLIENT", "LIST").splitlines()
                          if "cmd=xreadgroup" in line and "flags=b" in line}
                time.sleep(0.01)
        return found

    def registers(self, node, number, password):
        """The status of REGISTER; a binding goes at once, since no node knows those of the other."""
        with node.user_agent(number, password) as agent:
            status = agent.register().status
            if status == 200:
                agent.register(expires=0)
            return status


class Follow(Pair):
    def test_each_change_within_a_second(self):
        """A phone registers at both nodes, whichever of them has made the change."""
        for turn in range(5):
            self.a.put_extension("1001", f"secret-{turn}")
            changed = time.monotonic()
            for node in (self.a, self.b):
                while (status := self.registers(node, "1001", f"secret-{turn}")) != 200:
                    self.assertLess(time.monotonic(), changed + slowness(), f"{node.folder}: {status}")
                if turn == 4:
                    self.assertNotEqual(self.registers(node, "1001", f"secret-{turn - 1}"), 200, "the old password")
        self.a.ctl("extension.delete", number="1001")
        changed = time.monotonic()
        for node in (self.a, self.b):
            while self.registers(node, "1001", "secret-4") == 200:
                self.assertLess(time.monotonic(), changed + slowness(), "deleted")
        self.same()

    def test_both_at_once(self):
        """Two commands that change different fields of one document: none of them is lost, whoever carries them out."""
        self.a.put_extension("1002", "secret")
        answers = []

        def change(field, values):
            with Client(self.socket, "_operator") as client:
                for value in values:
                    answers.append(asked(client, {field: value})[field])

        def asked(client, fields):
            """Who loses too often against the others, or finds Redis too slow, is told to ask again."""
            while True:
                try:
                    return client.ask("extension.put", wait=PATIENCE_S, number="1002", **fields)
                except Refused as refused:
                    if refused.code not in ("busy", "unavailable", "uncertain"):
                        raise

        threads = [threading.Thread(target=change, args=("display_name", [f"name {i}" for i in range(60)])),
                   threading.Thread(target=change, args=("forward_rings", [i % 9 + 1 for i in range(60)])),
                   threading.Thread(target=change, args=("video", [i % 2 == 0 for i in range(60)]))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 180)
        self.same()
        for _ in range(8):
            row = self.a.ctl("extension.get", number="1002")
            self.assertEqual((row["display_name"], row["forward_rings"], row["video"]), ("name 59", 6, False))
        for node in (self.a, self.b):
            self.assertIn("do=extension.put", node.log_text(), "both have carried out some")

    def test_ranges_that_overlap(self):
        """Of ranges that overlap one alone is taken, on whichever node: the others are refused."""
        self.a.ctl("profile.put", name="branch", codecs="PCMA")
        taken = []

        def put(first):
            with contextlib.suppress(Exception), Client(self.socket, "_operator") as client:
                taken.append(client.ask("profile.range.put", **{"from": f"192.0.2.{first}", "to": "192.0.2.200",
                                                                "profile": "branch"}))

        threads = [threading.Thread(target=put, args=(i + 1,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(taken), 1)
        self.same()


class Missed(Pair):
    def test_away_while_200_change(self):
        self.puts(range(2000, 2020), "before")
        self.same()
        self.b.kill()
        self.puts(range(2010, 2210), "after")
        self.a.ctl("extension.delete", number="2000")
        self.b.restart()
        self.same()
        self.until(lambda: self.b.metric("tandem_extensions") == self.a.metric("tandem_extensions"))

    def test_the_log_is_trimmed(self):
        """A node that was paused, and finds no log of what has happened meanwhile, compares."""
        self.puts(range(3000, 3010), "before")
        self.same()
        self.b.process.send_signal(signal.SIGSTOP)
        try:
            self.until(lambda: len(self.readers()) == 2)    # else Redis gives commands to who is paused
            self.puts(range(3005, 3045), "after")
            self.a.ctl("extension.delete", number="3000")
            with self.redis() as redis:
                redis("XTRIM", "td:{docs}:log", "MAXLEN", "0")
        finally:
            self.b.process.send_signal(signal.SIGCONT)
        self.same(25)

    def test_redis_restarts(self):
        self.puts(range(4000, 4005), "before")
        self.same()
        self.redis_stop(signal.SIGKILL)
        self.redis_start()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.http("/healthz")[0] == 200)
        self.puts(range(4003, 4020), "after")
        self.same()

    def test_redis_is_emptied(self):
        """Both put back what they have: nothing is lost, and both go on."""
        self.puts(range(5000, 5040), "before")
        self.same()
        before = self.stored()
        with self.redis() as redis:
            redis("FLUSHALL")
        self.until(lambda: self.stored() == before)
        for node in (self.a, self.b):
            self.until(lambda node=node: node.http("/healthz")[0] == 200)
        self.puts(range(5030, 5050), "after")
        self.same()
        self.assertGreater(len(self.stored()), len(before))

    def test_deleted_while_away(self):
        """Redis is emptied, and a node that was away puts back what was deleted: another one, which knows, deletes it again."""
        self.puts(range(7000, 7003), "before")
        self.same()
        self.b.kill()
        self.a.ctl("extension.delete", number="7000")
        self.until(lambda: snapshot(self.a) == self.stored())
        self.a.kill()
        with self.redis() as redis:
            redis("FLUSHALL")
        self.b.restart()
        self.assertIn(("extension", "7000"), self.stored())
        self.a.restart()
        self.until(lambda: ("extension", "7000") not in self.stored())
        self.same()
        self.assertIn(("extension", "7001"), self.stored())
        self.until(lambda: self.b.metric("tandem_extensions") == self.a.metric("tandem_extensions"))

    def test_killed_between_redis_and_effect(self):
        """kill -9 in the middle of many changes: what Redis has counts, on both."""
        with self.redis() as redis:
            for number in range(6000, 6100):
                redis("XADD", "td:{cmd:_operator}:in", "*", "v", "1", "id", f"kill-{number}", "do", "extension.put", "args",
                      f'{{"number":"{number}","ha1":"{":".join(("0" * 32, "0" * 64, "0" * 64))}"}}')
            self.until(lambda: redis("HEXISTS", "td:{t:default}:doc:extension", "6020"))
        self.a.kill()
        self.a.restart()
        with self.redis() as redis:
            self.until(lambda: redis("XLEN", "td:{cmd:_operator}:in") == 0, 60)
        self.same()
        self.assertLessEqual({f"{number}" for number in range(6000, 6100)}, {name for _, name in self.stored()})


class Tenants(Pair):
    """Documents of tenants with equal names: each sees its own, on both nodes."""

    def put(self, tenant, number, name):
        with Client(self.socket, "_operator") as client:
            return client.ask("extension.put", tenant=tenant, number=number, display_name=name,
                              ha1=":".join(("0" * 32, "0" * 64, "0" * 64)))

    def ask(self, command, **arguments):
        with Client(self.socket, "_operator") as client:
            return client.ask(command, **arguments)

    def refused(self, command, **arguments):
        with self.assertRaises(Refused) as caught:
            self.ask(command, **arguments)
        return caught.exception.code

    def test_another_has_its_number(self):
        """The next tenant has it, with nothing of the one before: both nodes have the same ones."""
        for name in ("first", "second"):
            self.ask("tenant.put", name=name, domains=f"{name}.test")
        self.ask("tenant.delete", name="first")
        self.ask("tenant.put", name="third", domains="third.test")
        def there():
            return [row["name"] for row in self.ask("tenant.list") if row["name"] in ("first", "second", "third")]
        self.until(lambda: all(there() == ["second", "third"] for _ in range(4)))
        for name in ("second", "third"):
            self.ask("tenant.delete", name=name)
        self.until(lambda: all(there() == [] for _ in range(4)))

    def test_equal_names(self):
        for name in ("red", "blue"):
            self.ask("tenant.put", name=name, domains=f"{name}.test,sip.{name}.test")
        self.until(lambda: all(len(self.ask("tenant.list")) == 3 for _ in range(4)))
        for name in ("red", "blue", "default"):
            self.put(name, "1001", f"of {name}")
            self.ask("profile.put", tenant=name, name="branch", codecs=["PCMA"], h264=name == "red")
        self.put("red", "1002", "only there")
        for name in ("red", "blue", "default"):
            self.until(lambda name=name: all(self.ask("extension.get", tenant=name, number="1001")["display_name"] == f"of {name}"
                                             for _ in range(4)))
            self.until(lambda name=name: all(self.ask("profile.get", tenant=name, name="branch")["h264"] == (name == "red")
                                             for _ in range(4)))
        self.assertEqual([row["number"] for row in self.ask("extension.list", tenant="blue")], ["1001"])
        self.assertEqual(self.refused("extension.get", tenant="blue", number="1002"), "not_found")
        self.assertEqual(self.refused("extension.get", tenant="green", number="1001"), "not_found")
        self.assertEqual(self.ask("node.status", tenant="red")["realm"], "red.test")
        # what the commands keep whole
        self.assertEqual(self.refused("tenant.delete", name="red"), "conflict")
        self.assertEqual(self.refused("tenant.delete", name="default"), "bad_argument")
        self.assertEqual(self.refused("tenant.put", name="blue", domains="blue.test,sip.red.test"), "bad_argument")
        self.assertEqual(self.refused("tenant.put", name="blue", domains="other.test"), "conflict")
        self.assertEqual(self.refused("tenant.put", name="_blue"), "bad_argument")
        # a tenant is no operator, and speaks for itself alone
        with Client(self.socket, "default") as client:
            for command, arguments in (("tenant.list", {}), ("extension.get", {"number": "1001", "tenant": "red"})):
                with self.assertRaises(Refused) as caught:
                    client.ask(command, **arguments)
                self.assertIn(caught.exception.code, ("not_allowed", "unknown_argument"))
        # all of it over a Redis that is emptied, and over a start
        with self.redis() as redis:
            redis("FLUSHALL")
            self.until(lambda: redis("HGET", "td:{t:red}:doc:extension", "1002") and redis("GET", "td:{t:red}:gen"))
        for node in (self.a, self.b):
            self.until(lambda node=node: node.http("/healthz")[0] == 200)
        self.b.kill()
        self.b.restart()
        self.until(lambda: self.b.metric("tandem_extensions") == 4)
        self.ask("extension.delete", tenant="blue", number="1001")
        self.ask("profile.delete", tenant="blue", name="branch")
        self.until(lambda: self.a.metric("tandem_extensions") == self.b.metric("tandem_extensions") == 3)
        with self.redis() as redis:
            for name in ("red", "blue"):
                redis("HSET", f"td:{{t:{name}}}:park:default", "7", "000agvj5jqr40 1001 1002 1795000000000")
            self.ask("tenant.delete", name="blue")
            self.until(lambda: not redis("EXISTS", "td:{t:blue}:park:default"))
            self.assertEqual(redis("EXISTS", "td:{t:red}:park:default"), 1)
        self.until(lambda: all(len(self.ask("tenant.list")) == 2 for _ in range(4)))
