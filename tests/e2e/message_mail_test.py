# SPDX-License-Identifier: Apache-2.0
"""New messages are sent by mail, to a real server with TLS, and transcribed: by one node of two, over a kill. Who has a team's box sees it. VM-06, BEAT-23."""
from datetime import datetime
import email
import email.header
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import zoneinfo

from lib.authority import Authority
from lib.store_servers import SECRET, USER, Mail
from message_events_test import Left
from patience import PATIENCE_S, slowness
from ports import Ports


class Writes(http.server.BaseHTTPRequestHandler):
    """A server that writes down what it is sent, always the same."""

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["Authorization"], self.headers["Content-Type"], body))
        if self.server.kills:
            self.server.kills.pop()()
            return
        answer = json.dumps({"text": self.server.text}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Mails(Left):
    @classmethod
    def settings(cls, name, shard):
        recordings = {"scan": "200ms", "free_mib": 0, "copies": 1, "copies_every": "2s", "copies_wait": "1s"}
        mail = {"url": f"smtp://127.0.0.1:{cls.port}", "from": "tandem@example.org", "user": USER, "password_file": cls.secret, "ca": cls.ca,
                "retry": "1s"}
        return {**super().settings(name, shard), "recordings": recordings, "mail": mail,
                "transcription": {"url": f"http://127.0.0.1:{cls.writes_port}/v1/audio/transcriptions", "key_file": cls.secret, "model": "small"}}

    @classmethod
    def setUpClass(cls):
        cls.at = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-mail-"))
        ports = cls.enterClassContext(Ports(2))
        cls.port, cls.writes_port = ports.take(), ports.take()
        cls.secret, cls.ca = os.path.join(cls.at, "secret"), os.path.join(cls.at, "trusted.pem")
        with open(cls.secret, "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        os.chmod(cls.secret, 0o600)
        for folder in ("ca", "other", "mail"):
            os.mkdir(os.path.join(cls.at, folder))
        cls.authority, cls.other = Authority(os.path.join(cls.at, "ca")), Authority(os.path.join(cls.at, "other"))
        shutil.copy(cls.authority.path, cls.ca)
        cls.mail = Mail(os.path.join(cls.at, "mail"), cls.port, cls.authority)
        cls.addClassCleanup(cls.mail.stop)
        super().setUpClass()        # what listens from now on does so where the nodes are
        cls.writes = http.server.ThreadingHTTPServer(("127.0.0.1", cls.writes_port), Writes)
        cls.writes.got, cls.writes.kills, cls.writes.text = [], [], "please call me back at nine"
        threading.Thread(target=cls.writes.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.writes.server_close)
        cls.addClassCleanup(cls.writes.shutdown)

    def row(self, message, node=None):
        return (node or self.b).ctl("message.get", mailbox=self.BOX, message=message)

    def put(self, **fields):
        self.b.ctl("extension.put", number=self.BOX, record="on_demand", record_to="mailbox", **fields)

    def sent(self, message):
        """The mails about it, each with its recipients."""
        parsed = [(head.decode().split(), email.message_from_bytes(text)) for head, _, text in (mail.partition(b"\n") for mail in self.mail.mails())]
        return [(to, mail) for to, mail in parsed if mail["Message-ID"].startswith(f"<{message}.")]

    def test_kill(self):
        """The server is away: the mail waits, whoever is killed. Then another node sends it, with the message and its text, and deletes it."""
        self.mail.stop()
        self.writes.got.clear()
        self.put(mailbox_mail="one@example.org", mailbox_mail_delete="true", mailbox_mail_audio="true", mailbox_transcribe="true")
        name = "Jörg Müller \"der Ältere\" aus Österreich-Übersee"
        self.a.ctl("extension.put", number=self.BOX, display_name=name)
        self.addCleanup(self.b.ctl, "extension.put", number=self.BOX, display_name="")
        self.b.ctl("tenant.put", name="default", zone="Asia/Kolkata")
        self.addCleanup(self.b.ctl, "tenant.put", name="default", zone="")
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.row(message).get("mail") == "waits")
        self.assertIn("connect", self.row(message)["mail_reason"].lower())
        [part] = self.row(message)["parts"]
        with open(os.path.join(self.a.folder, "recordings", part["name"]), "rb") as file:
            octets = file.read()
        talk.quiet()
        self.a.kill()
        self.mail.start()
        self.until(lambda: self.row(message)["state"] == "deleted")
        row, mails = self.row(message), self.sent(message)
        self.assertEqual((row["mail"], row["by"], row["text"]), ("sent", "mail", "please call me back at nine"))
        self.assertEqual(len(mails), 1)
        [(to, mail)] = mails
        self.assertEqual((to, mail["From"], mail["To"]), (["one@example.org"], "<tandem@example.org>", "<one@example.org>"))
        self.assertEqual(str(email.header.make_header(email.header.decode_header(mail["Subject"]))), f"New message from {name} (1001)")
        self.assertTrue(all(len(line) <= 76 for line in ("Subject: " + mail["Subject"]).splitlines()))
        self.assertEqual(row["from_name"], name)
        self.assertEqual(mail["Message-ID"], f"<{message}.{self.BOX}.tandem@default>")
        parts = {part.get_content_type(): part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()}
        self.assertEqual(parts["audio/wav"], octets)
        text = parts["text/plain"].decode()
        self.assertIn("please call me back at nine", text)
        self.assertIn(f"From: {name} (1001)", text)
        at = datetime.fromtimestamp(row["begun_utc_ms"] // 1000, zoneinfo.ZoneInfo("Asia/Kolkata"))
        self.assertIn(f"Time: {at:%Y-%m-%d %H:%M:%S} +0530", text)
        for key, kind, body in self.writes.got:
            self.assertEqual((key, kind.split(";")[0]), (f"Bearer {SECRET}", "multipart/form-data"))
            self.assertIn(octets, body)
            self.assertIn(b'name="model"\r\n\r\nsmall', body)
        self.assertEqual(self.b.ctl("message.undelete", mailbox=self.BOX, message=message)["state"], "new")
        self.assertEqual(self.told(message, "message.deleted")[0]["by"], "mail")

    def test_segments(self):
        """A message that lies in two files, as a kill leaves it, is one mail with both, in their order."""
        self.mail.stop()
        self.put(mailbox_mail="one@example.org", mailbox_mail_delete="false", mailbox_mail_audio="true", mailbox_transcribe="false")
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.row(message).get("mail") == "waits")
        [part] = self.row(message)["parts"]
        second = {**part, "segment": 2, "name": part["name"].replace(".1.wav", ".2.wav")}
        files = [os.path.join(self.a.folder, "recordings", one["name"]) for one in (part, second)]
        with open(files[0], "rb") as file:
            octets = file.read()
        with open(files[1], "wb") as file:
            file.write(octets[:2000])
        with self.a.redis() as redis:
            key, field = f"td:{{box:default:{self.BOX}}}:msg", f"f:{message}"
            redis("HSET", key, field, json.dumps({**json.loads(redis("HGET", key, field)), "parts": [part, second]}))
        self.mail.start()
        self.until(lambda: self.row(message).get("mail") == "sent")
        [(_, mail)] = self.sent(message)
        audio = [one for one in mail.walk() if one.get_content_type() == "audio/wav"]
        self.assertEqual([one.get_payload(decode=True) for one in audio], [octets, octets[:2000]])
        self.assertEqual([one.get_filename() for one in audio], [os.path.basename(file) for file in files])
        talk.quiet()
        talk.hang_up()

    def test_certificate(self):
        """A server that somebody else vouches for gets nothing; that is a dead letter. Without audio there is no file, and nothing is deleted."""
        self.put(mailbox_mail="two@example.org", mailbox_mail_delete="true", mailbox_mail_audio="false", mailbox_transcribe="false")
        self.mail.stop()        # no connection is left in which it was trusted
        self.mail.start()
        shutil.copy(self.other.path, self.ca)
        self.addCleanup(shutil.copy, self.authority.path, self.ca)
        talk = self.talks()
        dead = self.leaves(talk)
        self.until(lambda: self.row(dead).get("mail") == "dead")
        self.assertIn("certificate", self.row(dead)["mail_reason"].lower())
        shutil.copy(self.authority.path, self.ca)
        message = self.leaves(talk)
        self.until(lambda: self.row(message).get("mail") == "sent")
        [(_, mail)] = self.sent(message)
        self.assertEqual([part.get_content_type() for part in mail.walk() if not part.is_multipart()], ["text/plain"])
        self.assertEqual((self.row(message)["state"], self.sent(dead)), ("new", []))
        # by hand, at the node that did not try it, and of a message that was heard
        self.a.ctl("message.put", mailbox=self.BOX, message=dead, state="old")
        self.assertNotIn("mail", self.b.ctl("message.put", mailbox=self.BOX, message=dead, mail="again"))
        self.until(lambda: self.row(dead).get("mail") == "sent")
        self.assertEqual((len(self.sent(dead)), self.row(dead)["state"]), (1, "old"))
        talk.quiet()
        talk.hang_up()

    def test_text_that_grows(self):
        """What JSON writes with more octets than it has is kept as other texts are, and asked for once."""
        self.put(mailbox_mail="", mailbox_transcribe="true")
        self.addCleanup(setattr, self.writes, "text", self.writes.text)
        self.writes.text, before = "\x01" * 5000, len(self.writes.got)
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.row(message).get("text") or len(self.writes.got) > before + 1)
        self.assertEqual((self.row(message).get("text"), len(self.writes.got)), ("\x01" * 4096, before + 1))
        talk.quiet()
        talk.hang_up()

    def test_helper_dies(self):
        """That it was killed says nothing about the server: it is asked again, beyond the tries that a message has."""
        self.put(mailbox_mail="", mailbox_transcribe="true")

        def kill():
            for node in (self.a, self.b):
                for child in subprocess.run(["pgrep", "-P", str(node.process.pid), "tandem-helper"], capture_output=True, text=True).stdout.split():
                    os.kill(int(child), signal.SIGKILL)

        self.writes.kills[:] = [kill] * 3
        talk = self.talks()
        message = self.leaves(talk)
        self.until(lambda: self.row(message).get("text"), 3 * PATIENCE_S)
        self.assertEqual((self.row(message)["text"], self.writes.kills), (self.writes.text, []))
        talk.quiet()
        talk.hang_up()

    def test_other_files(self):
        """A part that is no recording of the tenant is sent to nobody: the mail comes without audio."""
        self.b.ctl("extension.put", number="1002", mailbox_mail="two@example.org", mailbox_mail_audio="true")
        self.addCleanup(self.b.ctl, "extension.put", number="1002", mailbox_mail="")
        if not self.mail.process:
            self.mail.start()
        now, key = int(time.time() * 1000), "td:{box:default:1002}:"
        for node in (self.a, self.b):
            os.makedirs(f"{node.folder}/recordings/default/2026-01-01", exist_ok=True)
            os.mkfifo(f"{node.folder}/recordings/default/2026-01-01/fifo-1.wav")
            os.symlink(self.secret, f"{node.folder}/recordings/default/2026-01-01/link-1.wav")
        own = tuple(f"default/2026-01-01/{kind}-1.wav" for kind in ("fifo", "link"))
        for at, name in enumerate((f"../../../../../../../..{self.secret}", f"default/../../../../../../../..{self.secret}", "other/2026-01-01/x-1.wav") + own):
            message = f"000000000010{at}-1"
            with self.b.redis() as redis:
                redis("HSET", key + "msg", f"f:{message}", json.dumps({"from": "1001", "begun_utc_ms": now, "ms": 1, "octets": 1, "parts": [{"name": name}]}))
                redis("ZADD", key + "new", now, message)
                redis("ZADD", "td:{task}:due", now, f"default 1002 {message}")
            self.until(lambda: self.sent(message))
            [(_, mail)] = self.sent(message)
            self.assertEqual([part.get_content_type() for part in mail.walk() if not part.is_multipart()], ["text/plain"], name)
            self.assertTrue(name in own or any(f"message={message}" in line and "no recording of its tenant" in line for line in (self.a.log_tail(500) + self.b.log_tail(500)).split("\n")))

    def test_slow_server(self):
        """A server that says nothing: many mails that wait for it keep no other message from being told."""
        self.put(mailbox_mail="", mailbox_transcribe="false")
        self.b.ctl("extension.put", number="1002", mailbox_mail="two@example.org", mailbox_mail_audio="false")
        self.addCleanup(self.b.ctl, "extension.put", number="1002", mailbox_mail="")
        if self.mail.process:
            self.mail.stop()
        talk = self.talks()
        with socket.create_server(("127.0.0.1", self.port), backlog=1024), self.b.redis() as redis:
            now, key = int(time.time() * 1000), "td:{box:default:1002}:"
            for at in range(200):
                message = f"0000000000{at:03}-1"
                redis("HSET", key + "msg", f"f:{message}", json.dumps({"from": "1001", "begun_utc_ms": now, "ms": 1, "octets": 1, "parts": []}),
                      f"m:{message}", '{"version":0,"told":true}')
                redis("ZADD", key + "new", now, message)
                redis("ZADD", "td:{task}:due", now, f"default 1002 {message}")
            self.until(lambda: redis("HLEN", "td:{task}:held") >= 32)
            before = time.time()
            message = self.leaves(talk)
            self.until(lambda: self.told(message, "message.new"))
            self.assertLess(time.time() - before, 5 * slowness())
            redis("DEL", "td:{task}:due", key + "msg", key + "new")
        talk.quiet()
        talk.hang_up()


if __name__ == "__main__":
    unittest.main()
