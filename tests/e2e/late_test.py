# SPDX-License-Identifier: Apache-2.0
"""A node of a cluster starts before its Redis: it waits, says so, and goes on by itself.  What waiting cannot mend ends it."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from lib.node import Node
from lib.wire import alone
from tandem_client import Redis, RedisError

from patience import PATIENCE_S, until
from server import ServerError
from shards_test import shard_of

PORT, SENTINEL, SLOW, LOCKED, HEALTH = 6379, 26379, 6380, 6381, 8081
URL = f"redis://127.0.0.1:{PORT}"
WAITS = "the start waits for Redis"
AT_ONCE_S = 1


class Slow:
    """Redis behind a wire that has each answer `delay` seconds late.  cut: a command; its first answers are cut in half, once."""

    def __init__(self):
        self.delay, self.cut = 0, b""
        self._socket = socket.create_server(("127.0.0.1", SLOW))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, far = self._socket.accept()[0], socket.create_connection(("127.0.0.1", PORT))
                cuts = threading.Event()        # of this connection: others have answers on their way, too
                for ends in ((near, far, False, cuts), (far, near, True, cuts)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source, sink, late, cuts):
        with contextlib.suppress(OSError), source, sink:
            while octets := source.recv(65536):
                time.sleep(self.delay * late)
                if late and cuts.is_set():
                    cuts.clear()
                    sink.sendall(octets[:len(octets) // 2])
                    source.shutdown(socket.SHUT_RDWR)
                    return
                if self.cut and self.cut in octets and not late:
                    self.cut = b""
                    cuts.set()
                sink.sendall(octets)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)     # who accepts holds its port
        self._socket.close()


class Late(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        alone()     # all ports are free, and nobody knows a name
        super().setUpClass()

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-late-"))
        self.manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.manager.bind(os.path.join(self.folder, "notify"))
        self.manager.setblocking(False)
        self.told = ""      # what systemd was told

    def redis(self, *words, port=PORT):
        """A redis-server that answers soon."""
        folder = tempfile.mkdtemp(dir=self.folder)
        process = subprocess.Popen(["redis-server", *words, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder],
                                   stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @staticmethod
    def ask(*words, port=PORT):
        def answer():
            with contextlib.suppress(OSError, RedisError), Redis(f"redis://127.0.0.1:{port}", timeout=1) as redis:
                return redis(*words)
        return until(answer)

    def begin(self, url=URL, name="a", shard=17, cluster="", http=None, files=()):
        """A node that starts; it is not ready yet.  cluster: which Redis its folder is of.  files: paths of files that it has in
        place of those in /etc.
        """
        node = Node(start=False, settings={
            "redis": {"url": url}, "node": {"name": name, "shard": shard}, "http": http or {},
            "cluster": {"listen": f"127.0.0.{shard}:7946", "lease": "1s", "shards": [17, 18, 19]}})
        self.addCleanup(node.close, False)
        node.environment["NOTIFY_SOCKET"] = os.path.join(self.folder, "notify")
        if cluster:
            pathlib.Path(node.state_dir, "cluster").write_text(cluster, encoding="utf-8")
        mounts = "".join(f"mount --bind {path} /etc/{os.path.basename(path)} && " for path in files)
        node.launch(("unshare", "--mount", "sh", "-c", mounts + 'exec "$@"', "sh") if files else ())
        return node

    def file(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_text(text, encoding="utf-8")
        return path

    @staticmethod
    def page(path, port):
        """Its status; None: nobody listens there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except urllib.error.URLError:
            return None

    def waits(self, node):
        until(lambda: WAITS in node.log_text(), node.log_text)
        self.assertTrue(node.running())
        return re.search(rf"^.*{WAITS}.*$", node.log_text(), re.M)[0]

    @staticmethod
    def put(node, number):
        """Again where its Redis answered late: a node says of such a change that it may have happened."""
        def done():
            with contextlib.suppress(ServerError):
                node.put_extension(number, "secret")
                return True
        until(done, node.log_text)

    def manager_told(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.told += self.manager.recv(4096).decode() + "\n"
        return self.told

    def ready(self, node, port=0):
        process = node.process
        node.await_ready()
        self.assertIs(node.process, process)
        self.assertIn("Redis answers: the start goes on", node.log_text())
        until(lambda: self.page("/readyz", port or node.http_port) == self.page("/healthz", port or node.http_port) == 200,
              node.log_text)
        waits = re.findall(rf"{WAITS}.* waits_for=(\S+) why", node.log_text())
        self.assertEqual(len(waits), len(set(waits)), "it says once that it waits, for each thing that it waits for")
        self.assertTrue(re.search(r"STATUS=\n(.*\n)*READY=1\n", self.manager_told()), self.told)
        self.assertEqual(node.stop(), 0)

    def test_nobody_listens(self):
        node = self.begin()
        line = self.waits(node)
        self.assertIn('why="connect failed" detail="Connection refused"', line)
        self.assertIn(f"redis={URL} ", line)
        status, text = node.http("/healthz")
        self.assertEqual((status, text), (503, '{"status":"degraded","reasons":["starting","redis_away_or_late"]}\n'))
        self.assertEqual(node.http("/readyz")[0], 503)
        self.assertEqual(node.metric("tandem_redis_up", link="main"), 0)
        self.assertIn(f"STATUS=Waiting for Redis at {URL}: connect failed: Connection refused", self.manager_told())
        self.assertNotIn("READY", self.told)
        self.redis("--save", "")
        self.ready(node)

    def test_sentinel(self):
        """Its name is known late, too. The pages about health are at a port of their own, which never closes again."""
        hosts = self.file("hosts", "")
        node = self.begin(f"sentinel://sentinel.test:{SENTINEL}/main", files=[hosts],
                          http={"health_port": HEALTH, "health_bind": "127.0.0.1"})
        self.assertIn("the name in redis.url is not known", self.waits(node))
        self.assertEqual(until(lambda: self.page("/readyz", HEALTH)), 503)
        hosts.write_text("127.0.0.1 sentinel.test\n", encoding="utf-8")
        settings = self.file("sentinel.conf", f"sentinel monitor main 127.0.0.1 {PORT} 1\n")
        self.redis(str(settings), "--sentinel", port=SENTINEL)
        self.redis("--save", "")
        until(lambda: self.page("/readyz", HEALTH) == 200, node.log_text)
        self.ready(node, HEALTH)

    def test_answers_come_late(self):
        """A link comes up, and what the start asks has no answer in time.  Then the link is lost behind some registrations."""
        self.redis("--save", "")
        self.ask("PING")
        slow = self.enterContext(contextlib.closing(Slow()))
        node = self.begin(f"redis://127.0.0.1:{SLOW}")
        node.await_ready()
        for number in ("1001", "1002", "1003"):
            self.put(node, number)
            with contextlib.closing(node.user_agent(number, "secret")) as phone:
                self.assertEqual(phone.register().status, 200)
        self.assertEqual(node.stop(), 0)
        slow.delay = 0.7            # past redis.deadline, and the link itself comes up in a second
        node.launch()
        self.assertIn('why="it does not answer in time, or refuses"', self.waits(node))
        self.assertEqual(node.http("/readyz")[0], 503)
        slow.delay, slow.cut = 0, b"GETRANGE"
        self.ready(node)
        self.assertRegex(node.log_text(), r"index=td:aors records=[12] whole=no\n(.*\n)*.*index=td:aors records=3 whole=yes\n")
        self.assertRegex(node.log_text(), "msg=ready .* registrations=3 .* records_broken=0")

    def test_lost_amid_calls(self):
        """The link is lost when a call, and what the day has cost, are loaded already.  All of it is read once more, and counts once."""
        self.redis("--save", "")
        self.ask("PING")
        slow = self.enterContext(contextlib.closing(Slow()))
        node = self.begin(f"redis://127.0.0.1:{SLOW}")
        node.await_ready()
        phones = []
        for number in ("1001", "1002"):
            self.put(node, number)
            phones.append(self.enterContext(contextlib.closing(node.user_agent(number, "secret"))))
            self.assertEqual(phones[-1].register().status, 200)
        ends = [self.enterContext(contextlib.closing(node.media())) for _ in phones]
        while True:
            out = phones[0].invite("1002", ends[0].sdp())
            into = phones[1].incoming()
            into.answer(ends[1].sdp())
            out.wait_answer()
            call, = node.ctl("call.list")
            if shard_of(call["id"]) == 17:      # who waits long for this node finds it with the other two as well
                break
            out.bye()
            into.wait_bye()
            until(lambda: not node.ctl("call.list"))
        self.ask("HLEN", "td:{s17}:rec")
        node.kill()
        self.ask("HSET", f"td:{{s17}}:toll:{int(time.time()) // 86400}", "default:1001", "60000")
        slow.cut = b"HKEYS\r\n$12\r\ntd:{s17}:sub\r\n"
        node.launch()
        process = node.process
        node.await_ready()
        self.assertIs(node.process, process)
        self.assertEqual(node.log_text().count("call restored"), 2, node.log_text())
        self.assertRegex(node.log_text(), "msg=ready .* calls_restored=1 records_broken=0")
        self.assertEqual([row["id"] for row in node.ctl("call.list")], [call["id"]])
        self.assertEqual(node.ctl("toll.show", number="1001")["extension"]["used_s"], 60)
        out.bye()
        into.wait_bye()
        self.assertEqual(node.stop(), 0)

    def test_what_ends_it(self):
        """SIGTERM, while a name server is silent; a refused login; the Redis of another cluster that comes late."""
        self.redis("--save", "", "--requirepass", "hidden-too", port=LOCKED)
        refused = self.begin(f"redis://:hidden@127.0.0.1:{LOCKED}")
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.53", 53))
        nameless = self.begin("redis://redis.test:6379", "b", 18, files=[self.file("resolv.conf", "nameserver 127.0.0.53\n")])
        moved = self.begin(URL, "c", 19, f"{'0' * 32} {URL}\n")
        self.assertIn("the name in redis.url is not known", self.waits(nameless))
        nameless.process.send_signal(signal.SIGTERM)
        self.assertEqual(nameless.process.wait(AT_ONCE_S), 0)
        self.waits(moved)
        self.redis("--save", "", port=SLOW)
        self.ask("SADD", "td:{cluster}:ids", "1" * 32, port=SLOW)
        self.ask("CONFIG", "SET", "port", str(PORT), port=SLOW)     # it comes with what it has
        self.assertEqual(moved.process.wait(PATIENCE_S), 2)
        self.assertIn("node.state_dir belongs to another Redis", moved.log_text())
        self.assertEqual(refused.process.wait(PATIENCE_S), 2)
        self.assertIn("waiting mends nothing: look at user, password and database in redis.url", refused.log_text())
        self.assertNotIn("hidden", refused.log_text())


if __name__ == "__main__":
    unittest.main()
