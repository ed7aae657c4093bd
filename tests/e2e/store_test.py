# SPDX-License-Identifier: Apache-2.0
"""Finished recordings come where they belong, once, whatever is down meanwhile: REC-09. Against real servers of each kind."""
import array
import audioop
import email
import io
import json
import math
import os
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import wave

import tone

from lib import apart, place
from lib.answers import Answers, proxies
from lib.authority import Authority
from lib.node import Node
from lib.store import Store, record
from lib.store_servers import Dav, Ftp, Mail, Sftp, Swift, digest
from patience import PATIENCE_S, until
from ports import Ports
from server import ServerError
from tandem_client import Client, Refused

LONG = 80                       # s
SAID, HEARD = 400, 1000             # Hz of the two sides


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-store-"))
        self.folder, self.share = (self.made(name) for name in ("recordings", "share"))
        self.ports, self.stores = self.enterContext(Ports(8)), []

    def made(self, name):
        path = os.path.join(self.home, name)
        os.makedirs(path, mode=0o700)
        return path

    def directory(self, **other):
        return {"name": "share", "kind": "directory", "url": self.share, "metadata": True, **other}

    def store(self, *destinations, **terms):
        store = Store(self.folder, *destinations, **terms)
        self.addCleanup(store.close)
        self.stores.append(store)
        return store

    def server(self, kind, *more):
        server = kind(self.made(kind.__name__), self.ports.take(), *more)
        self.addCleanup(server.stop)
        return server

    def becomes(self, store, name, state):
        until(lambda: store.state(name) == state, store.log)

    def want(self, name, under=""):
        """What a server must have of it: itself and its sidecar, and nothing else."""
        path = os.path.join(self.folder, name)
        return {under + name: digest(path), f"{under}{name}.json": digest(path + ".json")}

    def has(self, server, name, under=""):
        self.assertEqual(server.files(), self.want(name, under))

    def part(self, segment, octets, last=False, sound=b"", **more):
        """As the recorder writes one: µ-law, of which each octet is the number of the segment, or that sound."""
        head = b"RIFF" + struct.pack("<I", 96 + octets) + b"WAVEfmt " + struct.pack("<IHHIIHHH", 18, 7, 2, 8000, 16000, 2, 8, 0)
        head += b"fact" + struct.pack("<II", 4, octets // 2) + b"LIST" + struct.pack("<I", 38) + b"INFOICRD" + struct.pack("<I", 26)
        head += b"2026-11-25T00:00:00.000Z\0\0" + b"data" + struct.pack("<I", octets)
        return record(self.folder, segment=segment, last=last, duration_ms=octets // 16, whole=head + (sound or bytes([segment]) * octets), **more)


class Servers(StoreTest):
    """Down at first, then up: delivered once. Then a wrong secret: a dead letter that says what to do."""
    def brings(self, server, wrong, says, under=""):
        store = self.store(server.destination())
        name = record(self.folder)
        until(lambda: store.delivery(name, server.destination()["name"])["tries"] > 0, store.log)
        self.assertIn("cannot be reached", store.delivery(name, server.destination()["name"])["reason"])
        server.start()
        self.becomes(store, name, "delivered")
        if not isinstance(server, Mail):
            self.has(server, name, under)
        store.settle(wrong)
        second = record(self.folder, number=2)
        self.becomes(store, second, "dead")
        self.assertIn(says, store.delivery(second, wrong["name"])["reason"])
        self.assertNotIn("correct-horse", store.log())
        store.settle(server.destination())
        self.assertEqual(store.ask("delivery.retry"), {"retried": 1})
        self.becomes(store, second, "delivered")
        return name

    def test_sftp(self):
        server = self.server(Sftp)
        self.brings(server, server.destination(key_file=os.path.join(server.folder, "other")), "does not let us in")
        self.stores[0].settle(server.destination(known_hosts="/dev/null"))
        store, name = self.stores[0], record(self.folder, number=3)
        self.becomes(store, name, "dead")
        self.assertIn("ssh-keyscan", store.delivery(name, "sftp")["reason"])

    def test_ftp(self):
        server = self.server(Ftp, Authority(self.made("ca")))
        self.brings(server, server.destination(secret="wrong"), "does not let us in", "calls/")

    def test_https(self):
        server = self.server(Dav, Authority(self.made("ca")))
        self.brings(server, server.destination(secret="wrong"), "answers 401", "calls/")
        self.stores[0].settle(server.destination(ca=Authority(self.made("other")).path))
        store, name = self.stores[0], record(self.folder, number=3)
        self.becomes(store, name, "dead")
        self.assertIn("certificate of dav is not trusted", store.delivery(name, "dav")["reason"])

    def test_elsewhere(self):
        """A redirect is not followed, and says what to do; proxies of the environment are none of ours."""
        target = Answers(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        answer = b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % target.port
        server, proxy = Answers(answer), Answers(answer)
        for one in (target, server, proxy):
            self.addCleanup(one.close)
        with proxies(proxy.port):
            store = self.store({"name": "moved", "kind": "http", "url": f"http://127.0.0.1:{server.port}/x/", "user": "u", "secret": "correct-horse"})
        name = record(self.folder)
        self.becomes(store, name, "dead")
        self.assertIn("moved answers 307, it is elsewhere", store.delivery(name, "moved")["reason"])
        self.assertEqual((target.came, proxy.came), (b"", b""))

    def test_s3(self):
        server = self.server(Swift)
        self.brings(server, server.destination(secret="wrong"), "answers 403")

    def test_mail(self):
        server = self.server(Mail, Authority(self.made("ca")))
        name = self.brings(server, server.destination(secret="wrong"), "does not let us in")
        mails = server.mails()
        self.assertEqual(len(mails), 2)
        head, _, text = mails[0].partition(b"\ntwo@example.org\n")
        self.assertEqual(head, b"one@example.org")
        mail = email.message_from_bytes(text)
        self.assertEqual(mail["Subject"], "Recording of a call: 1001 to 1002")
        self.assertEqual(mail["Message-ID"], f"<{os.path.basename(name)}@tandem.n1>")
        attached = {part.get_filename(): part.get_payload(decode=True) for part in mail.walk() if part.get_filename()}
        with open(os.path.join(self.folder, name), "rb") as file:
            self.assertEqual(attached[os.path.basename(name)], file.read())
        self.assertIn(os.path.basename(name) + ".json", attached)
        self.stores[0].settle(server.destination(most=1000))
        store, name = self.stores[0], record(self.folder, number=3)
        self.becomes(store, name, "dead")
        self.assertIn("max_mib", store.delivery(name, "mail")["reason"])


class Parts(StoreTest):
    """S3 gets a large file in parts: each is sent once, whatever happens, and none is left there that nobody wants."""
    PART = 65536

    @classmethod
    def setUpClass(cls):
        ports = cls.enterClassContext(Ports(10))
        cls.swift = Swift(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tandem-swift-")), ports.take())
        cls.addClassCleanup(cls.swift.stop)
        cls.swift.start()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.swift.empty)
        self.name = record(self.folder, octets=4 * self.PART)      # two octets a sample: nine parts

    def begun(self, *destinations, **more):
        return self.store(*destinations or [self.swift.destination(part=self.PART)], **more)

    def sent(self):
        """The numbers of the parts that the server took, in their order."""
        return [int(line.split("partNumber=")[1].split("&")[0]) for line in self.swift.requests("200 PUT", "partNumber")]

    def left(self):
        """What is written down of uploads."""
        where = os.path.join(self.folder, ".uploads")
        return os.listdir(where) if os.path.isdir(where) else []

    def whole(self, store):
        """It is there, once, as it was."""
        self.becomes(store, self.name, "delivered")
        self.has(self.swift, self.name)
        self.assertEqual((self.swift.uploads(), self.left()), ([], []))

    def test_each_once_and_in_order(self):
        store, small = self.begun(), record(self.folder, number=2, octets=1000)
        self.becomes(store, small, "delivered")
        self.becomes(store, self.name, "delivered")
        self.assertEqual(self.swift.files(), {**self.want(self.name), **self.want(small)})
        parts = -(-os.path.getsize(os.path.join(self.folder, self.name)) // self.PART)
        self.assertEqual(self.sent(), list(range(1, parts + 1)))
        self.assertEqual(len(self.swift.requests("POST", "uploads")), 1)
        self.assertEqual((self.swift.uploads(), self.left()), ([], []))

    def test_a_part_that_fails(self):
        """Goes on with that part, when the server takes it again."""
        self.swift.refuse("partNumber=3")
        store = self.begun()
        until(lambda: store.delivery(self.name, "s3")["tries"] > 1, store.log)
        self.assertIn("answers 503", store.delivery(self.name, "s3")["reason"])
        self.assertEqual(self.sent(), [1, 2])
        self.swift.refuse("")
        self.whole(store)
        self.assertEqual(self.sent(), sorted(set(self.sent())))

    def test_killed_in_the_middle(self):
        """Whoever comes after goes on behind the part that was taken last."""
        self.swift.refuse("partNumber=4")
        store = self.begun()
        until(lambda: self.sent() == [1, 2, 3], store.log)
        until(lambda: store.delivery(self.name, "s3")["tries"] > 0, store.log)
        store.kill()
        self.swift.refuse("")
        store.start()
        self.whole(store)
        self.assertEqual(self.sent(), sorted(set(self.sent())))
        self.assertEqual(len(self.swift.requests("POST", "uploads=")), 1)

    def test_another_file_of_that_name(self):
        """Nothing that was sent of the one before is in it."""
        self.swift.refuse("partNumber=4")
        store = self.begun()
        until(lambda: self.sent() == [1, 2, 3] and store.delivery(self.name, "s3")["tries"], store.log)
        store.kill()
        record(self.folder, octets=5 * self.PART)
        self.swift.refuse("")
        store.start()
        self.becomes(store, self.name, "delivered")
        self.has(self.swift, self.name)
        until(lambda: not self.swift.uploads() and not self.left(), store.log)

    def test_deleted_in_the_middle(self):
        self.swift.refuse("partNumber=4")
        store = self.begun()
        until(lambda: self.sent() == [1, 2, 3] and store.delivery(self.name, "s3")["tries"], store.log)
        self.assertEqual(self.swift.uploads(), [self.name])
        until(lambda: store.ask("recording.delete", name=self.name) == {"name": self.name}, store.log)
        until(lambda: not self.swift.uploads() and not self.left(), store.log)
        self.assertEqual(self.swift.files(), {})
        self.assertEqual(len(self.swift.requests("204 DELETE", "uploadId=")), 1)

    def test_forgotten_by_the_server(self):
        """Somebody ended the upload there: it is begun anew."""
        self.swift.refuse("partNumber=4")
        store = self.begun()
        until(lambda: self.sent() == [1, 2, 3] and store.delivery(self.name, "s3")["tries"], store.log)
        self.swift.ask("abort")
        self.swift.refuse("")
        self.whole(store)
        self.assertEqual(len(self.swift.requests("200 POST", "uploads=")), 2)

    def test_completed_but_not_heard(self):
        """The parts are sent once; what says that they are one is said again."""
        self.swift.refuse("POST /recordings/" + self.name + "?uploadId")
        store = self.begun()
        until(lambda: store.delivery(self.name, "s3")["tries"] > 1, store.log)
        self.assertEqual(self.swift.files(), {})
        self.swift.refuse("")
        self.whole(store)
        self.assertEqual(self.sent(), sorted(set(self.sent())))


class Folder(StoreTest):
    def shared(self):
        found = {}
        for where, _, names in os.walk(self.share):
            found |= {os.path.relpath(os.path.join(where, name), self.share): digest(os.path.join(where, name)) for name in names}
        return found

    def test_killed_in_the_middle(self):
        """kill -9 again and again while many are under way: each is there once, whole, and no part is left."""
        names = [record(self.folder, number=number, octets=200000) for number in range(1, 41)]
        store = Store(self.folder, self.directory())
        for _ in range(4):
            until(lambda: os.path.isdir(os.path.join(self.share, "default")), store.log)
            store.kill()
            store.start()
        self.addCleanup(store.close)
        left = set(names)
        while left:         # it has the time that others leave, so one more is waited for, not all
            left -= until(lambda: {name for name in left if store.state(name) == "delivered"}, store.log)
        self.assertEqual(self.shared(), {path: hashed for name in names for path, hashed in self.want(name).items()})

    def test_not_mounted_then_there(self):
        os.rmdir(self.share)
        store = self.store(self.directory())
        name = record(self.folder)
        until(lambda: "is it mounted" in store.delivery(name, "share")["reason"], store.log)
        os.mkdir(self.share)
        self.becomes(store, name, "delivered")
        self.assertEqual(self.shared(), self.want(name))

    def test_one_that_is_down_keeps_no_other_waiting(self):
        store = self.store({**self.directory(), "name": "gone", "url": "/nonexistent"}, self.directory())
        name = record(self.folder)
        until(lambda: store.delivery(name, "share")["state"] == "delivered", store.log)
        self.assertEqual(store.delivery(name, "gone")["state"], "waits")
        store.settle(self.directory())
        self.becomes(store, name, "delivered")

    def test_what_a_tenant_wants(self):
        """Its own destinations, its own days; others neither see nor delete what is its own."""
        store = self.store(self.directory(), tenants=[{"name": "acme", "deliver": []}, {"name": "shop", "deliver": ["share"], "keep_days": 2}])
        kept, old = record(self.folder, tenant="acme"), record(self.folder, number=2, tenant="shop", date="2026-01-02")
        self.becomes(store, kept, "kept")
        self.becomes(store, old, "not_found")
        self.assertEqual(store.ask("recording.get", tenant="shop", name=kept), "not_found")
        self.assertEqual(store.ask("recording.delete", tenant="shop", name=kept), "not_found")
        self.assertEqual([one["name"] for one in store.ask("recording.list", tenant="acme")], [kept])
        self.assertEqual(store.ask("recording.list", tenant="shop"), [])
        self.assertEqual(store.ask("recording.delete", tenant="acme", name=kept), {"name": kept})
        self.assertFalse(os.path.exists(os.path.join(self.folder, kept)))

    def test_messages_stay_where_they_are(self):
        """Without voicemail: nobody else has a message, and no quota deletes it. A reload that wants them has them delivered."""
        store = self.store(self.directory(), voicemail=False, list_days=30, list_settle_ms=100, node_id="00000000000000a1",
                           tenants=[{"name": "default", "deliver": ["share"], "keep_octets": 1}])
        store.redis = True
        store.say({"redis": "one"})
        message, call = record(self.folder, mailbox="1001"), record(self.folder, number=2)
        self.becomes(store, call, "not_found")
        self.becomes(store, message, "kept")
        self.assertEqual(len(self.shared()), 2)
        store.settle(self.directory(), voicemail=True, tenants=[])
        self.becomes(store, message, "delivered")
        self.assertEqual(len(self.shared()), 4)

    def test_names_that_lead_elsewhere(self):
        store = self.store(self.directory())
        for name in ("../../etc/passwd", "default/2026-11-25/../../x", "default/today/x", "/etc/passwd", "default/2026-11-25/.x"):
            self.assertEqual(store.ask("recording.get", name=name), "not_found", name)
            self.assertEqual(store.ask("recording.delete", name=name), "not_found", name)

    def test_bytes_and_days(self):
        """The oldest go first, and nothing that is not delivered."""
        names = [record(self.folder, number=number, date=f"2026-11-{number:02}", octets=100000) for number in range(1, 6)]
        size = os.path.getsize(os.path.join(self.folder, names[0]))
        store = self.store(self.directory(), tenants=[{"name": "default", "deliver": ["share"], "keep_octets": 3 * size}])
        until(lambda: [store.state(name) for name in names] == ["not_found"] * 2 + ["delivered"] * 3, store.log)
        self.assertEqual(len(self.shared()), 10)

    def test_deleted_when_delivered(self):
        store = self.store(self.directory(), delete_delivered=True)
        name = record(self.folder)
        want = self.want(name)
        self.becomes(store, name, "not_found")
        self.assertEqual(self.shared(), want)
        self.assertEqual(os.listdir(os.path.join(self.folder, "default")), [])

    def test_parts_become_one(self):
        """They wait for the last one; the file has all of their octets, the sidecar where they meet."""
        store = self.store(self.directory())
        times = [{"begun": f"2026-11-25T00:00:0{2 * i}.000Z", "ended": f"2026-11-25T00:00:0{2 * i + 1}.500Z"} for i in range(3)]
        first = self.part(1, 1600, gaps=[{"at_ms": 10, "ms": 5}], lost_packets=1, **times[0])
        alone = record(self.folder, number=2)
        self.becomes(store, alone, "delivered")         # others do not wait
        self.assertEqual(store.state(first), "waits")
        self.part(2, 3200, gaps=[{"at_ms": 20, "ms": 5}], lost_packets=2, interrupted=True, **times[1])
        self.part(3, 800, last=True, **times[2])
        name = first.replace("-1.1.wav", "-1.wav")
        self.becomes(store, name, "delivered")
        self.assertEqual(store.state(first), "not_found")
        with open(os.path.join(self.share, name), "rb") as file:
            octets = file.read()
        self.assertEqual(octets[104:], b"\1" * 1600 + b"\2" * 3200 + b"\3" * 800)
        self.assertEqual(struct.unpack("<I", octets[100:104]), (5600,))
        with open(os.path.join(self.share, name + ".json"), encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual((facts["segments"], facts["duration_ms"], facts["octets"], facts["lost_packets"]), (3, 350, 5704, 3))
        self.assertEqual(facts["begun"], times[0]["begun"])
        self.assertEqual(facts["joins"], [{"at_ms": 100, "ms": 500}, {"at_ms": 300, "ms": 500}])
        self.assertEqual(facts["gaps"], [{"at_ms": 10, "ms": 5}, {"at_ms": 120, "ms": 5}])
        self.assertEqual(len(self.shared()), 4)

    def test_killed_while_parts_go(self):
        """The whole one is there, and of its parts some: it keeps all of their octets, and they go. A part that came behind it stays."""
        store = self.store(self.directory())
        name = self.part(1, 1600).replace("-1.1.wav", "-1.wav")
        self.part(2, 3200, last=True)
        self.becomes(store, name, "delivered")
        store.close()
        whole = self.want(name)
        parts = [self.part(1, 1600), self.part(2, 3200, last=True), self.part(3, 800, last=True)]
        os.unlink(os.path.join(self.folder, parts[0]))      # its sidecar goes last
        store = self.store(self.directory(), join_wait_ms=300)
        for part in parts[:2]:
            self.becomes(store, part, "not_found")
        self.becomes(store, parts[2], "delivered")
        self.assertEqual(self.want(name), whole)
        self.assertEqual(self.shared(), {**whole, **self.want(parts[2])})

    def test_parts_of_which_one_cannot_be_read(self):
        """That is no damage: nothing is joined without it, and it is not deleted."""
        cases = (lambda path: os.chmod(path, 0), lambda path: os.chmod(path, 0o600), 60000), \
                (lambda path: os.rename(path, self.home + "/lost"), lambda path: os.rename(self.home + "/lost", path), 300)
        for number, (gone, back, wait) in enumerate(cases, 1):
            with self.subTest(number):
                first, second = self.part(1, 1600, number=number), self.part(2, 3200, last=True, number=number)
                gone(os.path.join(self.folder, first))
                store = self.store(self.directory(), join_wait_ms=wait)
                self.becomes(store, second, "delivered")
                store.close()
                back(os.path.join(self.folder, first))
                self.assertFalse(os.path.exists(os.path.join(self.folder, first.replace(".1.wav", ".wav"))))

    def test_parts_of_packets_become_one(self):
        """Sections of pcapng stand behind each other as they were."""
        store, wants = self.store(self.directory()), []
        for segment in (1, 2):
            name = record(self.folder, segment=segment, last=segment == 2)
            path = os.path.join(self.folder, name)
            packets = path.replace(".wav", ".pcapng")
            with open(path + ".json", encoding="utf-8") as file:
                facts = {**json.load(file), "file": os.path.basename(packets), "format": "pcapng"}
            os.unlink(path + ".json")
            os.unlink(path)
            with open(packets, "wb") as file:
                wants.append(b"\x0a\x0d\x0d\x0a" + bytes([segment]) * 1000)
                file.write(wants[-1])
            with open(packets + ".json.new", "w", encoding="utf-8") as file:
                json.dump(facts, file)
            os.rename(packets + ".json.new", packets + ".json")
        name = name.replace("-1.2.wav", "-1.pcapng")
        self.becomes(store, name, "delivered")
        with open(os.path.join(self.share, name), "rb") as file:
            self.assertEqual(file.read(), b"".join(wants))
        self.assertEqual(len(self.shared()), 2)

    def test_a_full_disk(self):
        """What is delivered goes, the oldest day first; what is not stays, and the figures say that there is nothing left to delete."""
        os.rmdir(self.share)
        day = [record(self.folder, number=number, date=f"2026-11-{number:02}") for number in (1, 2)]
        store = self.store(self.directory())
        until(lambda: "is it mounted" in store.delivery(day[0], "share")["reason"], store.log)
        os.mkdir(self.share)
        for name in day:
            self.becomes(store, name, "delivered")
        os.rename(self.share, self.share + ".gone")
        waits = record(self.folder, number=3, date="2026-11-03")
        store.settle(self.directory(), free_octets=1 << 60)
        until(lambda: [store.state(name) for name in day] == ["not_found"] * 2, store.log)
        until(lambda: store.ask("recording.list") and store.figures["full"], store.log)
        self.assertEqual(store.state(waits), "waits")
        self.assertIn("make room, or see why nothing is delivered", store.log())
        self.assertLess(store.log().index(f"file={day[0]} why=\"the disk is full"), store.log().index(f"file={day[1]} why=\"the disk is full"))
        store.settle(self.directory(), free_octets=0)
        until(lambda: store.ask("recording.list") and not store.figures["full"], store.log)

    def test_parts_whose_last_one_is_elsewhere(self):
        """The call went to another node: they are delivered as they are."""
        store = self.store(self.directory(), join_wait_ms=300)
        name = self.part(1, 1600)
        self.becomes(store, name, "delivered")
        self.becomes(store, self.part(3, 1600, last=True), "delivered")

    def test_low_priority_and_no_privilege(self):
        store = self.store(self.directory())
        store.hurries = False
        store.ask("recording.list")
        with open(f"/proc/{store.process.pid}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(os.sched_getscheduler(store.process.pid), os.SCHED_IDLE)
        with open(f"/proc/{store.process.pid}/cmdline", "rb") as file:
            self.assertEqual(len(file.read().strip(b"\0").split(b"\0")), 1)


def office(folder, name="office"):
    """A certificate and its key, as an operator makes them: their paths."""
    key, certificate = (os.path.join(folder, f"{name}.{ending}") for ending in ("key", "pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def opened(path, key):
    """What is in it, by the command that the guide names; None: it does not open."""
    done = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-in", path, "-inkey", key], capture_output=True)
    return done.stdout if done.returncode == 0 else None


class Sealed(StoreTest):
    """Recordings are encrypted before they go anywhere, and nothing plain is left."""
    def setUp(self):
        super().setUp()
        self.certificate, self.key = office(self.home)
        self.other = office(self.home, "other")

    def certificates(self, path=None, **more):
        with open(path or self.certificate, encoding="utf-8") as file:
            return [{"tenant": "", "pem": file.read(), **more}]

    def opens(self, path, want):
        self.assertEqual(opened(path, self.key), want)
        self.assertIsNone(opened(path, self.other[1]))

    def record(self, **more):
        name = record(self.folder, **more)
        with open(os.path.join(self.folder, name), "rb") as file:
            return name, file.read()

    def test_delivered_or_kept(self):
        name, want = self.record(octets=200000)
        kept, of_kept = self.record(number=2, tenant="acme")
        shop, of_shop = self.record(number=3, tenant="shop")
        with open(self.other[0], encoding="utf-8") as file:
            own = [{"tenant": "shop", "pem": file.read()}]
        store = self.store(self.directory(), certificates=self.certificates() + own, tenants=[{"name": "acme", "deliver": []}])
        self.becomes(store, name + ".cms", "delivered")
        self.becomes(store, kept + ".cms", "kept")
        self.becomes(store, shop + ".cms", "delivered")
        self.opens(os.path.join(self.share, name + ".cms"), want)
        self.opens(os.path.join(self.folder, kept + ".cms"), of_kept)
        self.assertEqual(opened(os.path.join(self.share, shop + ".cms"), self.other[1]), of_shop)
        for one in (name, kept, shop):
            self.assertEqual(store.state(one), "not_found")
            self.assertFalse(os.path.exists(os.path.join(self.folder, one)))
        with open(os.path.join(self.share, name + ".cms.json"), encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts[key] for key in ("encrypted", "file", "plain_octets", "octets", "from")],
                         ["cms", os.path.basename(name) + ".cms", len(want), os.path.getsize(os.path.join(self.share, name + ".cms")), "1001"])
        until(lambda: store.ask("recording.list") and store.figures["sealed"] == 3)

    def test_killed_in_the_middle(self):
        wants = dict(self.record(number=number, octets=300000) for number in range(1, 21))
        store = Store(self.folder, self.directory(), certificates=self.certificates())
        for turn in range(1, 4):
            until(lambda turn=turn: len([1 for _, _, names in os.walk(self.folder) for name in names if name.endswith(".cms")]) >= 2 * turn, store.log)
            store.kill()
            store.start()
        self.addCleanup(store.close)
        for name, want in wants.items():
            self.becomes(store, name + ".cms", "delivered")
            self.opens(os.path.join(self.share, name + ".cms"), want)
        left = [name for _, _, names in os.walk(self.folder) for name in names if name.endswith((".wav", ".sealing"))]
        self.assertEqual(left, [])

    def test_no_certificate_no_delivery(self):
        """It waits, and says so; a certificate that can be used brings it."""
        name, want = self.record()
        store = self.store(self.directory(), certificates=[{"tenant": "", "pem": "", "fault": "/x.pem: it is empty"}])
        until(lambda: store.ask("recording.list") and store.figures.get("seal_fails"), store.log)
        self.assertEqual(store.state(name), "waits")
        self.assertEqual(os.listdir(self.share), [])
        self.assertIn("/x.pem: it is empty", store.log())
        store.settle(self.directory(), certificates=self.certificates())
        self.becomes(store, name + ".cms", "delivered")
        self.opens(os.path.join(self.share, name + ".cms"), want)
        until(lambda: store.ask("recording.list") and not store.figures["seal_fails"])

    def test_certificate_behind_a_failure(self):
        """The fault of a certificate is said, though a message could not be encrypted before."""
        left, _ = self.record(mailbox="1001")
        os.mkdir(os.path.join(self.folder, left + ".sealing"))
        store = self.store(certificates=[{"tenant": "", "pem": "", "fault": "/x.pem: it is empty"}])
        until(lambda: left in store.log(), store.log)
        self.record(number=2)
        until(lambda: "/x.pem: it is empty" in store.log(), store.log)
        os.rmdir(os.path.join(self.folder, left + ".sealing"))
        self.becomes(store, left + ".aes128gcm", "kept")

    def test_of_callers(self):
        """What lies in a mailbox is encrypted for nodes; what a caller said else for the certificate, when he may have kept it as a prompt."""
        said, want = self.record(cause="message")
        left, _ = self.record(number=2, mailbox="1001", cause="message")
        store = self.store(self.directory(), certificates=self.certificates())
        self.becomes(store, left + ".aes128gcm", "delivered")
        self.assertEqual(store.state(said), "waits")
        self.assertTrue(os.path.exists(os.path.join(self.folder, said)))
        store.kill()
        os.utime(os.path.join(self.folder, said + ".json"), (0, time.time() - 601))
        store.start()
        self.becomes(store, said + ".cms", "delivered")
        self.opens(os.path.join(self.share, said + ".cms"), want)

    def test_messages(self):
        """They need no certificate that can be used, and are found by the name of what is in them, too. What was enveloped before is none."""
        other, _ = self.record()
        left, _ = self.record(number=2, mailbox="1001")
        store = self.store(certificates=[{"tenant": "", "pem": "", "fault": "/x.pem: it is empty"}])
        self.becomes(store, left + ".aes128gcm", "kept")
        until(lambda: store.ask("recording.list") and store.figures["seal_fails"], store.log)
        last, _ = self.record(number=3, mailbox="1001")
        self.becomes(store, last + ".aes128gcm", "kept")
        store.ask("recording.list")
        self.assertTrue(store.figures["seal_fails"])
        self.assertEqual(store.ask("recording.put", name=left, heard=True), {"name": left, "mailbox": "1001", "heard": True})
        self.assertEqual(store.ask("recording.link", name=left), "not_found")       # before it is fetched
        store.settle(certificates=self.certificates())
        self.becomes(store, other + ".cms", "kept")
        self.assertEqual(store.ask("recording.put", name=other + ".cms", mailbox="1001"), "conflict")
        self.assertEqual(store.ask("recording.put", name=left, mailbox=""), {"name": left, "mailbox": "", "heard": True})
        self.assertEqual(store.ask("recording.delete", name=left), {"name": left})
        self.assertEqual(sorted(one["name"] for one in store.ask("recording.list")), [other + ".cms", last + ".aes128gcm"])

    def test_parts_become_one_first(self):
        """What is encrypted cannot be joined any more."""
        store = self.store(self.directory(), certificates=self.certificates())
        first = self.part(1, 1600)
        alone, _ = self.record(number=2)
        self.becomes(store, alone + ".cms", "delivered")
        self.assertEqual(store.state(first), "waits")
        self.part(2, 800, last=True)
        name = first.replace("-1.1.wav", "-1.wav") + ".cms"
        self.becomes(store, name, "delivered")
        self.assertEqual(opened(os.path.join(self.share, name), self.key)[104:], b"\1" * 1600 + b"\2" * 800)


class Coded(StoreTest):
    """Opus is made of what is finished, before it goes anywhere."""
    def part_of_tones(self, number, seconds=2):
        """As the recorder writes one: a tone on each side."""
        sides = [[round(8000 * math.sin(2 * math.pi * hertz * i / 8000)) for i in range(8000 * seconds)] for hertz in (SAID, HEARD)]
        pcm = array.array("h", [sample for both in zip(*sides) for sample in both])
        return self.part(1, 16000 * seconds, last=True, number=number, sound=audioop.lin2ulaw(pcm.tobytes(), 2))

    def hears(self, path):
        """By the decoder of others: each side has its own tone, all the time, and none of the other's."""
        wav = os.path.join(self.home, "decoded.wav")
        subprocess.run(["opusdec", "--quiet", "--rate", "8000", path, wav], check=True, capture_output=True)
        with wave.open(wav) as file:
            self.assertEqual((file.getnchannels(), file.getnframes()), (2, 16000))
            samples = array.array("h", file.readframes(file.getnframes()))
        for side, hertz in ((0, SAID), (1, HEARD)):
            for at in range(1600, 14400, 1600):
                self.assertGreater(tone.share(samples[side::2][at:at + 1600], 8000, hertz), 0.98, (side, at))

    def test_in_place_of_wav(self):
        store = self.store(self.directory(), opus="replace", opus_wait_ms=3600000)
        name = self.part_of_tones(1)
        coded = name.replace(".wav", ".opus")
        self.becomes(store, coded, "delivered")
        self.assertEqual(store.state(name), "not_found")
        self.hears(os.path.join(self.share, coded))
        with open(os.path.join(self.share, coded), "rb") as file:
            octets = file.read()
        for tag in (b"FROM=1001", b"TO=1002", b"CALL=000agvj5jqr40", b"DATE="):
            self.assertIn(tag, octets)
        with open(os.path.join(self.share, coded + ".json"), encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts[key] for key in ("format", "codec", "file", "octets", "from")],
                         ["opus", "OPUS", os.path.basename(coded), len(octets), "1001"])
        self.assertEqual(sorted(os.listdir(os.path.dirname(os.path.join(self.share, coded)))), sorted(map(os.path.basename, (coded, coded + ".json"))))
        until(lambda: store.ask("recording.list") and store.figures["coded"] == 1 and store.figures["uncoded"] == 0, store.log)

    def test_in_a_mailbox(self):
        """Nodes play it from its WAV file."""
        name = self.part_of_tones(1)
        with open(os.path.join(self.folder, name + ".json"), encoding="utf-8") as file:
            facts = json.load(file)
        with open(os.path.join(self.folder, name + ".json"), "w", encoding="utf-8") as file:
            json.dump({**facts, "mailbox": "1001"}, file)
        store = self.store(self.directory(), opus="replace", opus_wait_ms=3600000)
        self.becomes(store, name, "delivered")

    def test_beside_wav_and_encrypted(self):
        certificate, key = office(self.home)
        name = self.part_of_tones(1)
        with open(os.path.join(self.folder, name), "rb") as file:
            want = file.read()
        with open(certificate, encoding="utf-8") as file:
            own = [{"tenant": "default", "pem": file.read()}]
        store = self.store(self.directory(), opus="keep", opus_wait_ms=3600000, certificates=own)
        coded = name.replace(".wav", ".opus")
        for one in (name, coded):
            self.becomes(store, one + ".cms", "delivered")
            self.assertFalse(os.path.exists(os.path.join(self.folder, one)))
        self.assertEqual(opened(os.path.join(self.share, name + ".cms"), key), want)
        path = os.path.join(self.home, "decoded.opus")
        with open(path, "wb") as file:
            file.write(opened(os.path.join(self.share, coded + ".cms"), key))
        self.hears(path)

    def test_killed_in_the_middle(self):
        """Half files are made again."""
        names = [self.part_of_tones(number) for number in range(1, 7)]
        store = Store(self.folder, self.directory(), opus="keep", opus_wait_ms=3600000)
        for turn in range(1, 4):
            until(lambda turn=turn: len([1 for _, _, names in os.walk(self.folder) for name in names if name.endswith((".opus", ".coding"))]) >= turn, store.log)
            store.kill()
            store.start()
        self.addCleanup(store.close)
        for name in names:
            self.becomes(store, name.replace(".wav", ".opus"), "delivered")
            self.becomes(store, name, "delivered")
            self.hears(os.path.join(self.share, name.replace(".wav", ".opus")))
        self.assertFalse([name for _, _, names in os.walk(self.folder) for name in names if name.endswith(".coding")])

    def test_what_cannot_be_coded_or_waits_too_long(self):
        """It goes as WAV, after three tries, or after opus_wait: once, and never again."""
        name = self.part_of_tones(1)
        with open(os.path.join(self.folder, name), "r+b") as file:
            file.write(b"XXXX")
        late = self.part_of_tones(2)
        os.utime(os.path.join(self.folder, late + ".json"), (1000000000, 1000000000))
        kept = self.part_of_tones(3)
        os.renames(os.path.join(self.folder, "default"), os.path.join(self.folder, "acme"))
        kept, late, name = (one.replace("default", "acme") for one in (kept, late, name))
        store = self.store(self.directory(), opus="replace", opus_wait_ms=3600000, tenants=[{"name": "acme", "deliver": []}])
        self.becomes(store, kept.replace(".wav", ".opus"), "kept")
        until(lambda: store.ask("recording.list") and store.figures["opus_failures"] == 3 and store.figures["opus_skipped"] == 1, store.log)
        for one in (name, late):
            until(lambda one=one: os.path.exists(os.path.join(self.folder, one + ".coded")), store.log)
        self.assertIn("it is delivered as WAV", store.log())
        store.settle(self.directory(), tenants=[])
        for one in (name, late, kept.replace(".wav", ".opus")):
            self.becomes(store, one, "delivered")
        self.assertEqual([store.figures[key] for key in ("opus_failures", "opus_skipped", "coded")], [3, 1, 1])


class Whole(unittest.TestCase):
    """A node that has recordings: it starts the process, tells it settings and tenants, and passes commands on."""
    def setUp(self):
        self.home = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-store-"))
        self.number, self.port = 10, self.enterContext(Ports(1)).take()
        self.share, self.secret = os.path.join(self.home, "share"), os.path.join(self.home, "password")
        os.mkdir(self.share)
        with open(self.secret, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("correct-horse\n")
        self.node = self.enterContext(Node(settings=self.settings(), calls=4, spare=10))
        self.folder = os.path.join(self.node.folder, "recordings")

    def settings(self, **more):
        share = {"name": "share", "kind": "directory", "url": self.share, "password_file": self.secret}
        return {"recordings": {"store": [share], "deliver": ["share"], "retry": "100ms", "scan": "100ms", "free_mib": 0, "port": self.port, **more}}

    def named(self, name, **more):
        try:
            return self.node.ctl("recording.get", name=name, **more)["state"]
        except ServerError as error:
            return str(error)

    def becomes(self, name, state):
        until(lambda: self.named(name) == state, lambda: self.named(name) + self.node.log_tail())

    def pids(self):
        """Of the process, whose parent is the node."""
        found = subprocess.run(["pgrep", "-P", str(self.node.process.pid), "tandem-store"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def test_from_start_to_end(self):
        name = record(self.folder)
        self.becomes(name, "delivered")
        self.assertEqual(sorted(os.listdir(os.path.dirname(os.path.join(self.share, name)))),
                         [os.path.basename(name), os.path.basename(name) + ".json"])
        self.assertEqual([one["name"] for one in self.node.ctl("recording.list")], [name])
        until(lambda: self.node.metric("tandem_recording_deliveries_total", destination="share") == 1)
        self.assertEqual(self.node.metric("tandem_recordings_waiting"), 0)
        self.no_secret()
        self.tenants()
        self.fetched()
        self.messages()
        self.sealed()
        self.full()
        self.killed()
        self.reloaded()

    def no_secret(self):
        """Neither in the list of processes, nor in the environment, nor in the log."""
        [pid] = self.pids()
        for what in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{what}", "rb") as file:
                self.assertNotIn(b"correct-horse", file.read())
        self.assertNotIn("correct-horse", self.node.log_text())

    def kept(self):
        """A recording of the tenant, once the process knows what its document says."""
        self.number += 1
        name = record(self.folder, number=self.number, tenant="acme")
        until(lambda: self.named(name) != "waits")
        return name if self.named(name) == "kept" else None

    def tenants(self):
        """Of a tenant whose document says none, it stays here; another one does not see it."""
        self.node.ctl("tenant.put", name="acme", domains="acme.test", recording_store="none", commands="reader")
        self.node.ctl("tenant.put", name="shop", domains="shop.test", commands="reader")
        name = until(self.kept)
        self.assertIn("not_found", self.named(name, tenant="shop"))
        self.assertEqual(self.named(name, tenant="acme"), "kept")
        self.node.ctl("tenant.put", name="acme", recording_store="gone")
        self.becomes(name, "dead")
        [letter] = self.node.ctl("delivery.list", state="dead")
        self.assertIn("recordings.store of the settings has no gone", letter["deliveries"][0]["reason"])
        self.node.ctl("tenant.put", name="acme", recording_store="share")
        until(lambda: self.node.ctl("delivery.retry", name=name) == {"retried": 1})
        self.becomes(name, "delivered")
        self.assertEqual(self.node.ctl("recording.delete", name=name), {"name": name})
        self.assertFalse(os.path.exists(os.path.join(self.folder, name)))

    def get(self, path, **headers):
        """(status, headers, octets)"""
        request = urllib.request.Request(f"http://{place.NODE}:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def fetched(self):
        """By a link, which whoever may asks for: VM-03. In whole, in parts, and not at all."""
        name = record(self.folder, number=5, octets=200000)
        link = self.node.ctl("recording.link", name=name)["path"]
        with open(os.path.join(self.folder, name), "rb") as file:
            want = file.read()
        status, headers, got = self.get(link)
        self.assertEqual((status, headers["content-type"], got), (200, "audio/wav", want))
        with wave.open(io.BytesIO(got)) as file:
            self.assertEqual(file.getnchannels(), 2)
        status, headers, got = self.get(link, Range="bytes=44-1043")
        self.assertEqual((status, headers["content-range"], got), (206, f"bytes 44-1043/{len(want)}", want[44:1044]))
        self.assertEqual(self.get(link, Range="bytes=-7")[2], want[-7:])
        self.assertEqual(self.get(link, Range=f"bytes={len(want)}-")[0], 416)
        self.assertEqual(self.get(link.replace("-5.1", "-1.1"))[0], 403)
        self.assertEqual(self.get("/metrics")[0], 404)
        with self.assertRaisesRegex(ServerError, "not_found"):
            self.node.ctl("recording.link", name=name, tenant="shop")
        for other in (name + ".json", name.replace("-5.1", "-6.1"), "default/../" + name, "default/x"):
            with self.assertRaisesRegex(ServerError, "not_found"):
                self.node.ctl("recording.link", name=other)
        with Client(self.node.redis_socket, "shop", role="reader") as reader:
            with self.assertRaisesRegex(Refused, "application"):
                reader.ask("recording.link", name=name)

    def configured(self, **more):
        """By SIGHUP."""
        before = self.node.log_text().count("settings read again")
        self.node.configure(self.settings(**more))
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: self.node.log_text().count("settings read again") > before)

    def test_messages_of_a_redis_apart(self):
        """Nodes that share it have no copies here: what another one plays is what lies at a destination."""
        redis, self.port = self.enterContext(apart.Store(self.home)), self.enterContext(Ports(1)).take()
        self.node = self.enterContext(Node(settings={"redis": {"url": redis.url}, **self.settings()}, calls=4, spare=10))
        self.folder = os.path.join(self.node.folder, "recordings")
        self.becomes(record(self.folder, number=7, mailbox="1001"), "delivered")

    def messages(self):
        """No other node knows of one: it stays, until the settings say otherwise."""
        name = record(self.folder, number=7, mailbox="1001")
        self.becomes(name, "kept")
        self.configured(voicemail="yes")
        self.becomes(name, "delivered")
        self.configured()

    def sealed(self):
        """For a certificate that cannot be used at first: nothing goes anywhere until it can."""
        certificate, key = office(self.home)
        with open(key, encoding="utf-8") as file, open(certificate, "a", encoding="utf-8") as both:
            both.write(file.read())
        self.configured(certificate=certificate)
        name = record(self.folder, number=6)
        until(lambda: "recordings_not_encrypted" in self.node.http("/healthz")[1], self.node.log_tail)
        self.assertIn("contains a private key", self.node.log_text())
        self.assertFalse(os.path.exists(os.path.join(self.share, name)))
        with open(os.path.join(self.folder, name), "rb") as file:
            want = file.read()
        office(self.home)
        certificate, key = office(self.home)
        self.configured(certificate=certificate)
        self.becomes(name + ".cms", "delivered")
        self.assertEqual(opened(os.path.join(self.share, name + ".cms"), key), want)
        until(lambda: "recordings_not_encrypted" not in self.node.http("/healthz")[1])
        self.configured()

    def full(self):
        """Less room than settings want, and nothing to delete: /healthz says so, until there is."""
        self.configured(free_mib=1073741824)
        until(lambda: "recordings_disk_full" in self.node.http("/healthz")[1], self.node.log_tail)
        self.assertEqual(self.node.http("/healthz")[0], 503)
        self.configured()
        until(lambda: self.node.http("/healthz")[0] == 200)

    def killed(self):
        """It is started again, and goes on."""
        [pid] = self.pids()
        os.kill(pid, signal.SIGKILL)
        name = record(self.folder, number=3)
        until(lambda: os.path.exists(os.path.join(self.share, name + ".json")), self.node.log_tail)
        self.assertNotEqual(self.pids(), [pid])
        self.assertIn("tandem-store has ended", self.node.log_text())

    def reloaded(self):
        """A destination that is new, by SIGHUP."""
        other = os.path.join(self.home, "other")
        os.mkdir(other)
        before = self.node.log_text().count("settings read again")
        self.node.configure(self.settings(store=[{"name": "other", "kind": "directory", "url": other}], deliver=["other"]))
        self.node.process.send_signal(signal.SIGHUP)
        until(lambda: self.node.log_text().count("settings read again") > before)
        name = record(self.folder, number=4)
        until(lambda: os.path.exists(os.path.join(other, name + ".json")), self.node.log_tail)
        self.assertFalse(os.path.exists(os.path.join(self.share, name)))
        [pid] = self.pids()
        self.node.kill()
        until(lambda: not os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    unittest.main()
