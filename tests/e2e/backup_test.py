# SPDX-License-Identifier: Apache-2.0
"""tandemctl backup and restore: a node is lost, and a fresh one with the same file keys has its documents, prompts and messages."""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile

from lib.node import Node, build_folder
from lib.store import record
from flow_shipped_test import tone_file
from patience import until

import mailbox_test
from tenants_test import PIXEL

MENU = {"start": "hello", "steps": {"hello": {"answer": {}, "next": "say"}, "say": {"play": "welcome", "next": "bye"}, "bye": {"hangup": {}}}}
WELCOME = 1200
SECRETS = ("secret1001", "carrierpass", "whsec_" + "d2ViaG9va3NlY3JldDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "47110815")


class Backup(mailbox_test.Mailbox):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.folder / "tandem.backup"

    def run_it(self, node, *words, status=0):
        done = subprocess.run([os.path.join(build_folder(), "app", "tandemctl"), "--config", node.config, *map(str, words)], text=True, capture_output=True,
                              env=node.environment, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def fresh(self, keys=True, settings=None):
        """A node that knows nothing but the file keys, and what is in tandem.yaml."""
        node = Node(start=False, settings=settings)
        self.addCleanup(node.close)
        if keys:
            shutil.copy(f"{self.node.folder}/keys", f"{node.folder}/keys")
        node.start()
        return node

    def redis_apart(self):
        socket = str(self.folder / "redis.sock")
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", str(self.folder), "--save", ""], stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        until(lambda: os.path.exists(socket), "no redis-server")
        return {"redis": {"url": f"unix:{socket}"}}

    def office(self):
        """Something of each kind that has a secret, a file, or a place to be restored in."""
        self.ask("extension.put", number="1002", pin=self.PIN)
        self.ask("tenant.put", name="acme", domains="acme.example")
        self.ask("extension.put", number="2001", password="secret2001", tenant="acme")
        self.ask("trunk.put", name="carrier", servers="192.0.2.1", direction="out", user="us", realm="carrier.example", password="carrierpass")
        self.ask("webhook.put", name="office", url="https://hooks.example.org/x", events="call.ended", secrets=SECRETS[2])
        self.token = self.ask("token.create", name="boss", role="reader")["token"]
        sound = self.folder / "welcome.wav"
        tone_file(str(sound), WELCOME, 2)
        self.run_it(self.node, "prompt.put", "name=welcome", "language=en", f"file={sound}")
        self.ask("flow.put", name="menu", program=MENU)
        self.ask("number.put", number="200", to="flow:menu")
        self.ask("group.put", name="sales", members="1001,1002")
        self.ask("queue.put", name="help", members="1001,1002")
        self.ask("page.put", name="all", members="1001,1002")
        self.ask("device.put", mac="0004f2000001", model="vvx410", extensions="1001")
        self.ask("contact.put", user="1001", contact="zoe", name="Zoe", phones=["+493020001000"], favourite=True, photo=PIXEL)
        self.ask("contact.note.add", user="1001", contact="zoe", text="ring back")
        self.ask("directory.put", contact="desk", name="Front desk", phones=["7"])
        self.ask("contact.put", tenant="acme", user="2001", contact="zoe", name="Another Zoe")
        self.ask("picture.put", user="1002", photo=PIXEL)

    @staticmethod
    def people(node):
        """Contacts, notes and pictures, but for what a book counts and when."""
        asked = (("contact.get", {"user": "1001", "contact": "zoe"}), ("directory.get", {"contact": "desk"}), ("picture.get", {"user": "1002"}),
                 ("contact.get", {"tenant": "acme", "user": "2001", "contact": "zoe"}), ("contact.note.list", {"user": "1001", "contact": "zoe"}))
        rows = [node.ctl(command, **args) for command, args in asked]
        return [{name: value for name, value in row.items() if name not in ("revision", "changed_utc_ms")} if isinstance(row, dict) else row for row in rows]

    def documents(self, node):
        kinds = ("extension", "number", "flow", "trunk", "webhook", "token", "tenant", "prompt", "group", "queue", "page", "device")
        return {kind: [{name: value for name, value in row.items() if name not in ("changed_utc_ms", "registered", "here", "used_utc_ms", "state")}
                       for row in node.ctl(f"{kind}.list")] for kind in kinds}

    def test_drill(self):
        """While a call goes on; then all is lost but the backup, and the file keys."""
        self.office()
        messages = self.leave(self.SPOKEN[0]), self.leave(self.SPOKEN[1], urgent=True, private=True), self.leave(self.SPOKEN[1], state="old", note="ring back"), \
            self.leave(self.SPOKEN[1])
        self.ask("message.delete", mailbox="1002", message=messages[3])
        out = self.a.invite("100", self.audio_a.sdp())
        out.wait_answer()
        said = self.run_it(self.node, "backup", self.file)
        self.assertRegex(said, r"\d+ documents, 1 prompts, 4 messages, 5 contacts and notes, \d+ octets")
        self.assertEqual(len(self.ask("call.list")), 1)
        out.bye()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        whole = self.file.read_bytes()
        for secret in (*SECRETS, self.token, (pathlib.Path(self.node.folder) / "keys").read_text().split()[-1]):
            self.assertNotIn(secret.encode(), whole)
        (self.folder / "out").mkdir()                       # and nobody needs tandemctl to look into it
        subprocess.run(["tar", "xf", self.file], cwd=self.folder / "out", check=True)
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.folder / "out", check=True)
        before, rows, people = self.documents(self.node), self.states(), self.people(self.node)
        listed = self.ask("message.list", mailbox="1002")
        self.node.kill()

        fresh = self.fresh(settings=self.redis_apart())
        self.assertRegex(self.run_it(fresh, "restore", self.file, "--dry-run"), r"\d+ documents created, 0 changed, 0 unchanged; .* \(dry run\)")
        self.assertEqual(fresh.ctl("extension.list"), [])
        self.run_it(fresh, "restore", self.file)
        self.maxDiff = None
        self.assertEqual(self.documents(fresh), before)
        self.assertEqual(self.people(fresh), people)
        self.assertRegex(self.run_it(fresh, "restore", self.file), r"0 documents created, 0 changed, \d+ unchanged")
        self.node = fresh
        self.assertEqual(self.states(), rows)
        self.assertEqual([(row["message"], row["private"], row.get("note"), row["from"]) for row in self.ask("message.list", mailbox="1002")],
                         [(row["message"], row["private"], row.get("note"), row["from"]) for row in listed])
        self.a, self.b = (fresh.user_agent(number, "secret" + number) for number in ("1001", "1002"))
        self.audio_a, self.audio_b = fresh.media(), fresh.media()
        for thing in (self.a, self.b, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)
        other = fresh.user_agent("2001", "secret2001")
        other.domain = "acme.example"
        self.addCleanup(other.close)
        self.assertEqual([agent.register().status for agent in (self.a, self.b, other)], [200, 200, 200])
        out = self.a.invite("200", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.wait_tone(WELCOME, 8)
        out.wait_bye()
        self.dials()
        self.keys("1", "menu")
        self.audio_b.wait_tone(self.SPOKEN[1], 8)           # the urgent one comes first
        self.out.bye()
        self.assertEqual([trunk["name"] for trunk in self.ask("trunk.list")], ["carrier"])

    def test_of_two_nodes(self):
        """By one Redis: the file of each has all documents, and its own messages, and says who else has some. Both together are the office."""
        apart = {**self.redis_apart(), "recordings": {"scan": "200ms"}}
        self.node, b = (self.fresh(settings={**apart, "node": {"name": name, "shard": shard}}) for shard, name in enumerate("ab", 1))
        for number in ("1001", "1002"):
            self.ask("extension.put", number=number, password="secret" + number)
        self.office()
        message = record(os.path.join(b.folder, "recordings"), call="0028000010005", mailbox="1002")
        b.process.send_signal(signal.SIGHUP)    # it had looked for recordings before, or had not
        until(lambda: self.ask("message.list", mailbox="1002"), b.log_tail)
        rows, before = self.ask("message.list", mailbox="1002"), self.documents(self.node)
        until(lambda: self.documents(b) == before, b.log_tail)
        files = [self.folder / name for name in "ab"]
        said = [self.run_it(node, "backup", file) for node, file in zip((self.node, b), files)]
        self.assertIn("0 messages", said[0])
        self.assertIn("messages that lie on b are not in it: make a backup there, too", said[0])
        self.assertIn("1 messages", said[1])
        self.assertNotIn("make a backup there", said[1])
        octets = pathlib.Path(b.folder, "recordings", message).read_bytes()
        for node in (self.node, b):
            node.kill()
        fresh = self.fresh()
        self.run_it(fresh, "restore", files[0])
        self.assertRegex(self.run_it(fresh, "restore", files[1]), r"0 documents created, 0 changed, \d+ unchanged; 1 messages")
        self.assertEqual(self.documents(fresh), before)
        self.assertEqual(pathlib.Path(fresh.folder, "recordings", message).read_bytes(), octets)
        self.assertEqual([row["message"] for row in fresh.ctl("message.list", mailbox="1002")], [row["message"] for row in rows])

    def test_another_key(self):
        self.office()
        self.run_it(self.node, "backup", self.file)
        fresh = self.fresh(keys=False)
        self.assertIn("another file keys", self.run_it(fresh, "restore", self.file, status=1))
        self.assertEqual(fresh.ctl("extension.list"), [])

    def test_a_node_with_data(self):
        self.office()
        self.run_it(self.node, "backup", self.file)
        self.ask("extension.put", number="1003", password="secret1003", enabled=False)
        self.ask("extension.put", number="1001", display_name="Somebody Else")
        said = self.run_it(self.node, "restore", self.file, status=1)
        self.assertRegex(said, r"the node has 2 documents .* default/extension/100\d: nothing was restored")
        self.assertEqual(self.ask("extension.get", number="1001")["display_name"], "Somebody Else")
        self.assertRegex(self.run_it(self.node, "restore", self.file, "--force"), r"0 documents created, 1 changed, \d+ unchanged")
        self.assertEqual(self.ask("extension.get", number="1001")["display_name"], "")
        self.assertFalse(self.ask("extension.get", number="1003")["enabled"])

    def test_recordings(self):
        """By choice; what lies in a mailbox is in it anyway."""
        folder = os.path.join(self.node.folder, "recordings")
        plain, message = record(folder, call="000agvj5jqr40"), record(folder, call="000agvj5jqr41", mailbox="1001")
        self.node.ctl("recording.look")
        until(lambda: self.ask("message.list", mailbox="1001"), self.node.log_tail)
        self.run_it(self.node, "backup", self.file)
        with tarfile.open(self.file) as tar:
            names = tar.getnames()
        self.assertIn(f"recordings/{message}", names)
        self.assertNotIn(f"recordings/{plain}", names)
        self.assertIn("1 other recordings", self.run_it(self.node, "backup", self.file, "--recordings"))
        fresh = self.fresh()
        self.run_it(fresh, "restore", self.file)
        for name in (plain, message):
            self.assertEqual(*(pathlib.Path(node.folder, "recordings", name).read_bytes() for node in (self.node, fresh)))
        until(lambda: {row["name"] for row in fresh.ctl("recording.list")} == {plain, message}, fresh.log_tail)

    def test_damaged(self):
        """Each says where and why, and nothing counts."""
        self.office()
        self.run_it(self.node, "backup", self.file)
        whole, fresh = self.file.read_bytes(), self.fresh()
        where = whole.index(b'"carrier"')
        for octets, want in (
                (b"", "octet 0: the file is cut"),
                (whole[:len(whole) // 2], rf"octet {len(whole) // 2}: the file is cut"),
                (whole[:-1024 - 512], "the file is cut|has no checksum"),
                (whole[:where] + b"X" + whole[where + 1:], r"documents.jsonl(, line \d+:| is damaged: it has another checksum)"),
                (b"X" * 4096, "octet 0: no head of a tar archive"),
                (re.sub(rb'"format": 1\b', b'"format": 7', whole), "its format is 7, of a later program"),
                (whole[:512] + b"{" * 8 + whole[520:], "octet .*backup.json, line 1")):
            self.file.write_bytes(octets)
            self.assertRegex(self.run_it(fresh, "restore", self.file, status=1), want)
            self.assertEqual(fresh.ctl("extension.list"), [])
        (self.folder / "out.part").mkdir()
        self.assertIn("out.part: Is a directory", self.run_it(self.node, "backup", self.folder / "out", status=1))
        self.assertIn("FILE", self.run_it(self.node, "restore", status=2))

    def test_in_part(self):
        """What fails says how far it came, and the next restore goes on from there."""
        self.office()
        self.run_it(self.node, "backup", self.file)
        fresh = self.fresh()
        shutil.rmtree(os.path.join(fresh.folder, "prompts"), ignore_errors=True)    # prompts come behind extensions
        pathlib.Path(fresh.folder, "prompts").write_text("in its way")
        said = self.run_it(fresh, "restore", self.file, status=1)
        self.assertRegex(said, r"restored in part: \d+ of \d+ documents are there")
        os.unlink(os.path.join(fresh.folder, "prompts"))
        self.run_it(fresh, "restore", self.file)
        self.assertEqual(self.documents(fresh), self.documents(self.node))
