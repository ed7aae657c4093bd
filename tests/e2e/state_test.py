# SPDX-License-Identifier: Apache-2.0
"""What Redis holds and what its absence does: saved before said, degraded, broken records, one owner."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from lib.node import Node, build_folder
from lib.srtp import Key
from tandem_client import Redis, RedisError

from call_test import CallTest
from patience import PATIENCE_S, until


LAST = "the last of all"        # what an earlier snapshot cannot say


def redis_pid(node):
    """The embedded server of this node: its pid file lies in the node's folder."""
    with node.redis() as redis:
        return int(next(line.split(":")[1] for line in redis("INFO", "server").splitlines()
                        if line.startswith("process_id:")))


def record_of_format(number):
    """An empty record as a later program would write it: docs/keys.md, Envelope."""
    head = b"TDR" + bytes([number]) + bytes(4) + (1).to_bytes(8, "big") + bytes(4)
    crc = 0xffffffff
    for octet in head:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return head + (crc ^ 0xffffffff).to_bytes(4, "big")


class SavedBeforeSaid(CallTest):
    def setUp(self):
        super().setUp()
        self.redis = redis_pid(self.node)

    def pause(self):
        os.kill(self.redis, signal.SIGSTOP)
        self.addCleanup(os.kill, self.redis, signal.SIGCONT)

    def resume(self):
        os.kill(self.redis, signal.SIGCONT)
        end = time.monotonic() + PATIENCE_S
        while self.node.http("/healthz")[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.node.http("/healthz")[0], 200)

    def test_the_record_is_there_before_the_answer(self):
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        with self.node.redis() as redis:
            self.assertEqual(redis("HLEN", "td:{s1}:rec"), 1, "before the INVITE to the callee")
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()
        self.ended()

    def test_a_silent_redis_delays_by_its_deadline_only(self):
        """DESIGN: a slow Redis degrades the promise, never the call; then everything is asserted again."""
        self.pause()
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        answered = out.wait_answer()
        self.audio_a.use(answered).start(440)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        self.assertEqual(self.audio_b.heard()[0], 440)
        self.assertEqual(self.node.http("/healthz")[0], 503, "health says so")
        self.resume()
        call = self.calls()[0]["id"]
        with self.node.redis() as redis:
            end = time.monotonic() + PATIENCE_S
            while not redis("HEXISTS", "td:{s1}:rec", call) and time.monotonic() < end:
                time.sleep(0.05)
            self.assertTrue(redis("HEXISTS", "td:{s1}:rec", call), "asserted again")
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], call)

    def test_a_call_that_ends_without_redis_has_its_record(self):
        """CDRs are spooled while Redis is away, also over a crash of the node, and arrive once."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.pause()
        out.bye()
        into.wait_bye()
        time.sleep(0.5)
        self.node.kill()
        os.kill(self.redis, signal.SIGCONT)
        self.node.restart()
        rows = [row for row in self.node.cdrs(1) if row["id"] == call]
        time.sleep(1)
        rows = [row for row in self.node.cdrs(1) if row["id"] == call]
        self.assertEqual(len(rows), 1)
        self.assertEqual(self.calls(), [])

    def test_redis_restarted_under_a_call(self):
        """kill -9 of Redis: calls go on, and it is started again by the node."""
        out, into, answered = self.connect()
        call = self.calls()[0]["id"]
        os.kill(self.redis, signal.SIGKILL)
        self.audio_a.start(440)
        self.audio_b.wait_packets(60)
        self.audio_a.stop()
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.node.http("/healthz")[0] != 200:
            time.sleep(0.1)
        self.assertEqual(self.node.http("/healthz")[0], 200)
        self.assertNotEqual(redis_pid(self.node), self.redis)
        with self.node.redis() as redis:
            self.assertTrue(redis("HEXISTS", "td:{s1}:rec", call))
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], call)


class BrokenRecords(CallTest):
    def test_one_broken_record_harms_no_other(self):
        """Refused, logged, set aside; all others load."""
        first = self.connect()
        self.a2, self.b2 = self.node.user_agent("1001", "secret1001"), None
        good = self.calls()[0]["id"]
        with self.node.redis() as redis:
            whole = redis("HGET", "td:{s1}:rec", good)
        whole = whole if isinstance(whole, bytes) else whole.encode()
        self.node.kill()
        broken = {"0" * 12 + "1": b"not a record", "0" * 12 + "2": whole[:-5], "0" * 12 + "3": b"",
                  "0" * 12 + "4": bytes([whole[0]]) + bytes(b ^ 0x40 for b in whole[1:])}
        with self.node.redis() as redis:
            for name, value in broken.items():
                redis("HSET", "td:{s1}:rec", name, value)
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [good])
        with self.node.redis() as redis:
            aside = redis("KEYS", "td:broken:*")
            self.assertEqual(len(aside), len(broken), aside)
            self.assertEqual(redis("HKEYS", "td:{s1}:rec"), [good])
        for name in broken:
            self.assertIn(name, self.node.log_text())
        self.assertEqual(self.node.metric("tandem_store_broken_records_total"), len(broken))
        out, into, _ = first
        records = {record["id"]: record for record in self.node.cdrs(len(broken) - 1)}
        for name, value in broken.items():
            self.assertEqual(name in records, value != b"", "there was a call, and its record says how it ended")
            if name in records:
                self.assertEqual(records[name]["cause"], "its record could not be read after a restart")
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], good)

    def test_the_keys_are_others(self):
        """A record that only a lost file could open is set aside, and its call has a CDR."""
        self.node.put_extension("1001", "secret1001", sdes_insecure="true")
        self.audio_a.key_out = Key()
        self.connect()
        call = self.calls()[0]["id"]
        self.node.kill()
        os.replace(os.path.join(self.node.folder, "keys"), os.path.join(self.node.folder, "keys.before"))
        self.node.init()
        self.node.restart()
        self.assertEqual(self.calls(), [])
        record, = self.node.cdrs()
        self.assertEqual((record["id"], record["cause"]), (call, "its record could not be read after a restart"))
        self.assertIn(f"call={call}", next(line for line in self.node.log_text().splitlines() if "cannot go on after the restart" in line))


class Deleted(CallTest):
    def test_a_deleted_record_comes_back(self):
        """Of a call in which nothing happens."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        with self.node.redis() as redis:
            for command in (("HDEL", "td:{s1}:rec", call), ("DEL", "td:{s1}:rec")):
                redis(*command)
                end = time.monotonic() + PATIENCE_S
                while not redis("HEXISTS", "td:{s1}:rec", call):
                    self.assertLess(time.monotonic(), end, "with the next beat")
                    time.sleep(0.05)
        self.node.kill()
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [call])
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], call)

    def test_an_end_of_the_former_owner(self):
        """A call that was restored is saved again, but where its former owner has said its end: then it goes, without a word."""
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        self.node.kill()
        self.node.restart()
        with self.node.redis() as redis:
            redis("HDEL", "td:{s1}:rec", call)
            until(lambda: redis("HEXISTS", "td:{s1}:rec", call))
            self.assertEqual([row["id"] for row in self.calls()], [call])
            later = 2 ** 62     # of a lease behind the one that the call ended under, as call_left.lua gives it
            redis("EVAL", "redis.call('HDEL', KEYS[1], ARGV[1]) redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])",
                  "2", "td:{s1}:rec", "td:{s1}:ended", call, str(later))
            until(lambda: not self.calls(ending=True))
            self.assertFalse(redis("HEXISTS", "td:{s1}:rec", call))
            self.assertEqual(redis("XLEN", "td:{s1}:cdr"), 0, "the former owner has written it")
        for agent in (self.a, self.b):
            self.assertEqual(agent.count(lambda m: m.is_request and m.method == "BYE"), 0, "its parties have left")
        self.assertIn("the node that had the call before has ended it", self.node.log_text())

    def test_cdrs_come_once_although_redis_was_emptied(self):
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["id"], call)
        with self.node.redis() as redis:
            redis("FLUSHALL")
            end = time.monotonic() + PATIENCE_S
            while not redis("EXISTS", "td:{s1}:lease"):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)
            time.sleep(0.5)
            self.assertEqual(redis("XLEN", "td:{s1}:cdr"), 0, "whoever read it has it")



class Unsaved(CallTest):
    settings = {"redis": {"save_calls": False}}

    def test_calls_are_not_saved(self):
        """Call records are: they come with the end of the call, and with a kill there is none."""
        out, into, _ = self.connect()
        with self.node.redis() as redis:
            self.assertEqual(redis("HLEN", "td:{s1}:rec"), 0)
        time.sleep(4)   # what Redis does not have is no call that somebody deleted
        self.assertEqual(len(self.calls()), 1)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.node.cdrs(1)[0]["cause"], "hung up")
        self.connect()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.calls(), [])
        self.assertEqual(len(self.node.cdrs(1)), 1)


class OwnRedis(CallTest):
    """With a Redis that is not the node's."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-redis-"))
        self.socket = os.path.join(self.folder, "redis.sock")
        self.process = None
        self.redis_start()
        self.addCleanup(self.redis_stop)
        self.settings = {"redis": {"url": f"unix:{self.socket}"}}
        super().setUp()

    def redis_start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", "",
                 "--appendonly", "yes", "--maxmemory-policy", "noeviction"], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, RedisError):
                with Redis(self.socket) as redis:
                    redis("PING")
                    return
            time.sleep(0.02)
        self.fail("no redis-server")

    def redis_stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(15)

    def test_answered_while_redis_is_away_and_killed(self):
        """Nothing in Redis tells of the call: its CDR comes from the local spool, once."""
        self.redis_stop()
        end = time.monotonic() + PATIENCE_S
        while self.node.http("/healthz")[0] == 200 and time.monotonic() < end:
            time.sleep(0.05)
        out, into, _ = self.connect()
        self.audio_a.start(440)
        self.audio_b.wait_packets(20)
        self.audio_a.stop()
        ended, other, _ = self.connect()
        ended.bye()
        other.wait_bye()
        time.sleep(0.5)
        self.node.kill()
        self.redis_start()
        self.node.restart()
        rows = self.node.cdrs(2)
        self.assertEqual(sorted(row["cause"] for row in rows), ["could not go on after a restart", "hung up"])
        lost = next(row for row in rows if row["cause"] != "hung up")
        self.assertEqual((lost["from"], lost["to"], lost["sip_status"]), ("1001", "1002", "200"))
        self.assertEqual(self.calls(), [])
        self.node.kill()
        self.node.restart()
        self.assertEqual(len(self.node.cdrs(2)), 2, "once")

    def test_a_record_of_a_later_program(self):
        """It stays where it is, and the node says why it does not start."""
        self.connect()
        call = self.calls()[0]["id"]
        self.node.kill()
        with Redis(self.socket) as redis:
            was = redis("HGET", "td:{s1}:rec", call)
            redis("HSET", "td:{s1}:rec", call, record_of_format(2))
            done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--config", self.node.config],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("written by a later program", done.stderr)
            self.assertIn(f"td:{{s1}}:rec {call}", done.stderr)
            self.assertEqual(redis("HSTRLEN", "td:{s1}:rec", call), 24)
            self.assertEqual(redis("HKEYS", "td:{s1}:rec"), [call])
            redis("HSET", "td:{s1}:rec", call, was)
        self.node.restart()
        self.assertEqual([row["id"] for row in self.calls()], [call])


class Emptied(unittest.TestCase):
    """FLUSHALL: documents come back, from the node's memory and from its snapshot."""

    def documents(self, redis):
        return {kind: sorted(redis("HKEYS", f"td:{{t:default}}:doc:{kind}")) for kind in ("extension", "profile", "profile_range")}

    def until(self, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "in time")
            time.sleep(0.05)

    def test_documents_come_back(self):
        with Node() as node:
            node.put_extension("1001", "secret1001")
            node.put_extension("1002", "secret1002")
            node.ctl("profile.put", name="branch", codecs="PCMA")
            node.ctl("profile.range.put", **{"from": "192.0.2.1", "to": "192.0.2.9", "profile": "branch"})
            snapshot = os.path.join(node.state_dir, "documents")
            with node.redis() as redis:
                before = self.documents(redis)
                texts = redis("HGETALL", "td:{t:default}:doc:extension")
                generation = int(redis("GET", "td:{t:default}:gen"))
                self.assertEqual([len(names) for names in before.values()], [2, 1, 1])
                redis("FLUSHALL")
                self.until(lambda: "documents_missing" in node.http("/healthz")[1]
                           or self.documents(redis) == before)
                self.until(lambda: self.documents(redis) == before)
                self.assertEqual(sorted(redis("HGETALL", "td:{t:default}:doc:extension")), sorted(texts), "as stored")
                self.until(lambda: int(redis("GET", "td:{t:default}:gen") or 0) >= generation)
                self.until(lambda: node.http("/healthz")[0] == 200)
                self.assertIn("Redis has lost documents", node.log_text())
                node.put_extension("1003", "secret1003", display_name=LAST)     # digits may be those of a time, too
                before = self.documents(redis)
                self.until(lambda: os.path.exists(snapshot) and LAST.encode() in open(snapshot, "rb").read())
                self.assertEqual(os.stat(snapshot).st_mode & 0o777, 0o600)
                node.kill()
                redis("FLUSHALL")
                node.restart()
                self.assertEqual(self.documents(redis), before, "from the snapshot")
            self.assertEqual([row["number"] for row in node.ctl("extension.list")], ["1001", "1002", "1003"])
            with node.user_agent("1003", "secret1003") as agent:
                agent.register()

    def test_a_damaged_snapshot(self):
        """Nothing to restore from: the node starts, and health says what is missing until documents are put."""
        with Node() as node:
            node.put_extension("1001", "secret1001")
            snapshot = os.path.join(node.state_dir, "documents")
            self.until(lambda: os.path.exists(snapshot) and b"1001" in open(snapshot, "rb").read())
            node.kill()
            with node.redis() as redis:
                redis("FLUSHALL")
            with open(snapshot, "r+b") as file:
                file.seek(40)
                file.write(b"!")
            node.restart()
            self.assertIn("documents_missing", node.http("/healthz")[1])
            self.assertIn("its checksum is wrong", node.log_text())
            node.put_extension("1001", "secret1001")
            self.until(lambda: node.http("/healthz")[0] == 200)
            # of a later program: it stays as it is, and the node says what it needs
            node.kill()
            with node.redis() as redis:
                redis("FLUSHALL")
            later = b"TDDS\0\3" + bytes(22)
            with open(snapshot, "wb") as file:
                file.write(later)
            done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--config", node.config],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("of a later program", done.stderr)
            with open(snapshot, "rb") as file:
                self.assertEqual(file.read(), later)


class OneOwner(unittest.TestCase):
    def test_two_nodes_in_one_folder(self):
        with Node() as node:
            second = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--config", node.config],
                                    capture_output=True, text=True, timeout=20)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(str(node.process.pid), second.stderr + second.stdout)
            self.assertEqual(node.http("/healthz")[0], 200)

    def copy(self, node, spoil):
        """Starts a second node with the Redis and the name of the first; its exit status and its log."""
        other = self.enterContext(Node(settings={"redis": {"url": f"unix:{node.redis_socket}"}}, start=False))
        spoil(other)
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemd"), "--config", other.config],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr + done.stdout

    def test_copies_are_refused(self):
        """A copied configuration, and a copied folder: refused in a sentence, and the node never notices."""
        with Node() as node:
            node.put_extension("1001", "secret")
            lease = ("HMGET", "td:{s1}:lease", "fence", "counter")
            with node.redis() as redis:
                before = redis(*lease)
                status, log = self.copy(node, lambda other: None)
                self.assertEqual(status, 2, log)
                self.assertIn("give this one a node.shard and node.name of its own", log)
                self.assertIn(node.state_dir, log, "where the other one is")
                self.assertEqual(redis(*lease), before)
                status, log = self.copy(node, lambda other: shutil.copy(os.path.join(node.state_dir, "identity"),
                                                                        other.state_dir))
                self.assertEqual(status, 2, log)
                self.assertIn("remove the file identity from the copy", log)
                self.assertEqual(redis(*lease), before)
            self.assertEqual(node.http("/healthz")[0], 200)
            self.assertNotIn("degraded", node.log_text())
            node.kill()
            self.assertLess(node.restart(), 5, "takes its own lease at once")

    def test_a_clean_stop_takes_its_redis_along(self):
        with Node() as node:
            pid = redis_pid(node)
            self.assertEqual(node.stop(), 0)
            self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_the_redis_of_a_crashed_node_is_adopted(self):
        with Node() as node:
            node.put_extension("1001", "secret")
            pid = redis_pid(node)
            node.kill()
            self.assertTrue(os.path.exists(f"/proc/{pid}"))
            node.restart()
            self.assertEqual(redis_pid(node), pid)
            self.assertEqual(len(node.ctl("extension.list")), 1)
            self.fsync_is_set(node, pid)

    def has_another(self, node, pid):
        with contextlib.suppress(OSError, RedisError):
            return redis_pid(node) != pid
        return False

    def fsync_is_set(self, node, pid):
        """Of the server that runs already, one that was adopted, and one that is started."""
        fsync = lambda: node.redis()("CONFIG", "GET", "appendfsync")[1]
        self.assertEqual(fsync(), "everysec")
        node.configure({"redis": {"fsync": "always"}})
        node.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: fsync() == "always"))
        node.kill()
        node.configure({"redis": {"fsync": "no"}})
        node.restart()
        self.assertTrue(until(lambda: fsync() == "no"))
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(until(lambda: self.has_another(node, pid) and node.http("/healthz")[0] == 200))
        self.assertEqual(fsync(), "no")
        self.assertEqual(len(node.ctl("extension.list")), 1)    # the kernel had it


if __name__ == "__main__":
    unittest.main()
