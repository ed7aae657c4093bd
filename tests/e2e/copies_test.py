# SPDX-License-Identifier: Apache-2.0
"""What is not stored yet is on a neighbour as well, and is delivered from there where the node's host is lost: REC-09."""
import contextlib
import fcntl
import itertools
import json
import os
import shutil
import socket
import struct
import tempfile
import threading
import time
import unittest

from lib.store import CALL, Store, record, today
from lib.store_servers import Swift, digest
from patience import until
from ports import Ports
from store_test import office

LONG = 150                      # s
KEY, HELLO = "5a" * 32, 60
BEGAN_MS = int(time.time() * 1000)   # as if its call had begun then
OFD_GETLK = 36                      # of <fcntl.h>; Python has no name for it
WAIT_MS = 1000
COPY_TAKERS_MAX, FETCHES_RUN = 64, 8
PIECE, WAV_HEAD = 60000, 44         # octets: of a file in one message; before the first sample


def digests(under):
    """{name: sha256} of all files there; some may go meanwhile."""
    found = {}
    for folder, _, names in os.walk(under):
        for name in names:
            path = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):
                found[os.path.relpath(path, under)] = digest(path)
    return found


def certificates(home):
    """As a node tells them: of all tenants."""
    with open(office(home)[0], encoding="ascii") as file:
        return [{"tenant": "", "pem": file.read(), "fault": ""}]


class Member(Store):
    """The process of one node of a cluster, and the door where others reach it."""

    def __init__(self, folder, number, port, *destinations, key=KEY, **more):
        self.number, self.port, self.seen, self.open = number, port, [], True
        self.copies = {"id": f"{number:016x}", "incarnation": f"{number + 100:016x}", "key": key, "octets": 64 << 20,
                       "wait_ms": WAIT_MS, "every_ms": 100, **more}
        self.door = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.answers, daemon=True).start()
        super().__init__(folder, *destinations, copies=self.copies)

    def answers(self):
        """As the node does it: what somebody says first, and the connection, go to the process."""
        while True:
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):          # it is killed just now
                hello = connection.recv(HELLO, socket.MSG_WAITALL) if self.open else b""
                if len(hello) == HELLO:
                    socket.send_fds(self.hands, [hello], [connection.fileno()])

    def sees(self, *members):
        """Which nodes there are; those that are not named are gone."""
        self.seen = [{"id": one.copies["id"], "address": f"127.0.0.1:{one.port}", "alive": True} for one in members]
        self.say({"nodes": self.seen})
        for one in (self, *members):
            one.hurry()         # one that nobody asks, too: who wants a copy waits a second for it

    def start(self):
        super().start()
        if self.seen:
            self.say({"nodes": self.seen})
            self.hurry()

    def of(self, owner):
        """{name: sha256} of what it has of another one."""
        return digests(os.path.join(self.folder, ".copies", owner.copies["id"]))

    def figure(self, name):
        until(lambda: self.ask("recording.list") is not None and "copies" in self.figures)
        return self.figures["copies"][name]

    def lost(self):
        """Its host, with all that it had."""
        self.kill()
        self.door.close()
        shutil.rmtree(self.folder)

    def gone(self):
        if os.path.isdir(self.folder):
            self.door.close()
            self.close()


class Copies(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-copies-"))
        self.share, self.ports = os.path.join(self.home, "share"), self.enterContext(Ports(5))
        self.a, self.b = self.member(1), self.member(2)
        self.meet(self.a, self.b)

    def member(self, number, **more):
        folder = os.path.join(self.home, f"node-{number}")
        os.mkdir(folder, 0o700)
        share = {"name": "share", "kind": "directory", "url": self.share, "metadata": True}
        member = Member(folder, number, self.ports.take(), share, **more)
        self.addCleanup(member.gone)
        return member

    def meet(self, *members):
        for one in members:
            one.sees(*members)

    def said(self):
        return "\n".join(one.log() for one in (self.a, self.b) if os.path.isdir(one.folder))

    def files(self, folder, *names):
        """{name: sha256} of a recording and its sidecar."""
        return {name + ending: digest(os.path.join(folder, name + ending)) for name in names for ending in ("", ".json")}

    def shared(self):
        return digests(self.share)

    def runs(self, number=1, members='"from":"1001","to":"1002"'):
        """A recording that is being written: µ-law, as much of it as a recorder has written."""
        name = f"default/{today()}/{CALL}-{number}.1.wav"
        path = os.path.join(self.a.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        head = b"RIFF" + struct.pack("<I", 96) + b"WAVEfmt " + struct.pack("<IHHIIHHH", 18, 7, 2, 8000, 16000, 2, 8, 0)
        head += b"fact" + struct.pack("<II", 4, 0) + b"LIST" + struct.pack("<I", 38) + b"INFOICRD" + struct.pack("<I", 26)
        head += b"2026-11-25T00:00:00.000Z\0\0" + b"data" + struct.pack("<I", 0)
        with open(path + ".json.new", "w", encoding="utf-8") as file:
            file.write(members + "\n")
        with open(path, "wb") as file:
            file.write(head)
        return name

    def grows(self, name, octets):
        with open(os.path.join(self.a.folder, name), "ab") as file:
            file.write(octets)

    def has(self, name, size):
        """So much of it is with the neighbour."""
        path = os.path.join(self.b.folder, ".copies", self.a.copies["id"], name)
        return os.path.exists(path) and os.path.getsize(path) == size


class Owner(Copies):
    def test_copied_until_stored(self):
        names = [record(self.a.folder, number=number, octets=200000) for number in (1, 2)]
        want = self.files(self.a.folder, *names)
        until(lambda: self.b.of(self.a) == want, self.said)
        until(lambda: self.a.figure("behind_ms") < 1000, self.said)
        self.assertEqual(self.b.ask("recording.list"), [])          # they are none of its own
        os.mkdir(self.share)
        until(lambda: self.shared() == want, self.said)
        until(lambda: self.b.of(self.a) == {}, self.said)
        self.assertEqual(self.b.figure("adopted"), 0)

    def test_deleted(self):
        name = record(self.a.folder)
        until(lambda: self.b.of(self.a), self.said)
        until(lambda: self.a.ask("recording.delete", name=name) == {"name": name}, self.said)
        until(lambda: self.b.of(self.a) == {}, self.said)

    def test_what_goes_nowhere_is_not_copied(self):
        self.a.settle(*self.a.destinations, tenants=[{"name": "acme", "deliver": []}])
        record(self.a.folder, tenant="acme")
        name = record(self.a.folder, number=2)
        until(lambda: self.b.of(self.a) == self.files(self.a.folder, name), self.said)

    def test_both_killed_again_and_again(self):
        """All is there as it is in the end."""
        names = [record(self.a.folder, number=number, octets=300000) for number in range(1, 13)]
        for turn in range(1, 4):
            until(lambda turn=turn: len(self.b.of(self.a)) >= 2 * turn, self.said)
            for one in (self.a, self.b):
                one.kill()
                one.start()
        until(lambda: self.b.of(self.a) == self.files(self.a.folder, *names), self.said)

    def test_no_room(self):
        """It is refused, said and counted on both sides, and goes when there is room."""
        self.b.settle(*self.b.destinations, copies={**self.b.copies, "octets": 100000})
        name = record(self.a.folder, octets=200000)
        until(lambda: self.a.figure("refused") and self.b.figure("full"), self.said)
        self.assertNotIn(name + ".json", self.b.of(self.a))
        self.assertGreater(self.a.figure("behind_ms"), 0)
        self.b.settle(*self.b.destinations, copies=self.b.copies)
        until(lambda: self.b.of(self.a) == self.files(self.a.folder, name), self.said)

    def test_one_that_does_not_answer(self):
        """Another one has them."""
        c = self.member(3)
        self.b.open = False
        self.b.kill()
        self.meet(self.a, c)
        self.a.sees(self.a, self.b, c)
        name = record(self.a.folder)
        until(lambda: c.of(self.a) == self.files(self.a.folder, name), self.said)
        self.b.start()

    def test_another_neighbour(self):
        """When another one has all, those before it have nothing any more, also where they were away for that time."""
        c = self.member(3)
        name, runs = record(self.a.folder, octets=200000), self.runs(2)
        self.grows(runs, b"\1" * 50000)
        want = self.files(self.a.folder, name)
        until(lambda: want.items() <= self.b.of(self.a).items() and self.has(runs, 50104), self.said)
        self.b.kill()
        self.meet(self.a, c)
        self.grows(runs, b"\2" * 50000)
        until(lambda: self.a.figure("behind_ms") < 1000 and want.items() <= c.of(self.a).items() and runs in c.of(self.a), self.said)
        self.assertIn(runs, self.b.of(self.a))
        self.b.start()
        self.meet(self.a, self.b, c)
        until(lambda: self.b.of(self.a) == {}, self.said)
        until(lambda: os.path.getsize(os.path.join(c.folder, ".copies", self.a.copies["id"], runs)) == 100104, self.said)
        self.assertTrue(want.items() <= c.of(self.a).items())
        self.a.kill()                       # it is B's again, and C is the one before
        self.a.start()
        until(lambda: want.items() <= self.b.of(self.a).items() and self.has(runs, 100104), self.said)
        until(lambda: c.of(self.a) == {}, self.said)
        self.a.lost()
        os.mkdir(self.share)
        self.meet(self.b, c)
        cut = runs.replace(".wav", ".cut.wav")
        until(lambda: set(self.shared()) == {*want, cut, cut + ".json"}, self.said)
        until(lambda: (self.b.figure("adopted"), c.figure("adopted")) == (2, 0), self.said)

    def test_another_cluster(self):
        """Who has another key gets nothing, and puts nothing here."""
        c = self.member(3, key="5b" * 32)
        self.b.kill()
        for one in (self.a, c):
            one.sees(self.a, c)
        record(self.a.folder)
        record(c.folder, number=2)
        until(lambda: "do not reach the neighbour" in self.a.log() and "do not reach the neighbour" in c.log(), self.said)
        self.assertEqual((c.of(self.a), self.a.of(c)), ({}, {}))
        self.b.start()


class Lost(Copies):
    def test_finished(self):
        """Delivered by the neighbour, once, octet for octet, when the owner was away for long enough."""
        names = [record(self.a.folder, number=number, octets=200000) for number in (1, 2)]
        want = self.files(self.a.folder, *names)
        until(lambda: self.b.of(self.a) == want, self.said)
        self.a.lost()
        self.b.sees(self.b)
        until(lambda: sorted(one["name"] for one in self.b.ask("recording.list")) == sorted(names), self.said)
        os.mkdir(self.share)
        until(lambda: self.shared() == want, self.said)
        until(lambda: [one["state"] for one in self.b.ask("recording.list")] == ["delivered"] * 2, self.said)
        until(lambda: (self.b.figure("adopted"), self.b.of(self.a)) == (2, {}), self.said)
        self.assertEqual(self.b.log().count("the node that made it is gone"), 2)

    def test_not_away_for_long(self):
        """Who comes back has its own still, and nobody else delivers them."""
        name = record(self.a.folder)
        until(lambda: self.b.of(self.a) == self.files(self.a.folder, name), self.said)
        self.b.sees(self.b)
        self.assertEqual(self.b.figure("adopted"), 0)
        time.sleep(2 * WAIT_MS / 1000)              # it is not seen, but it brings copies still
        self.assertEqual((self.b.figure("adopted"), self.b.ask("recording.list")), (0, []))

    def test_running(self):
        """What it had recorded until a moment before is delivered, under a name that takes no other's place."""
        name = self.runs()
        sound = bytes(range(250)) * 800
        self.grows(name, sound[:100000])
        until(lambda: self.has(name, 100104), self.said)
        self.grows(name, sound[100000:])
        until(lambda: self.has(name, 104 + len(sound)), self.said)
        self.a.lost()
        os.mkdir(self.share)
        self.b.sees(self.b)
        cut = name.replace(".wav", ".cut.wav")
        until(lambda: set(self.shared()) == {cut, cut + ".json"}, self.said)
        with open(os.path.join(self.share, cut), "rb") as file:
            octets = file.read()
        self.assertEqual((octets[104:], struct.unpack("<I", octets[100:104])[0]), (sound, len(sound)))
        with open(os.path.join(self.share, cut + ".json"), encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts[key] for key in ("file", "from", "interrupted", "copy", "octets")],
                         [os.path.basename(cut), "1001", True, True, len(octets)])

    def test_a_message_that_runs(self):
        """It is copied also where its tenant delivers nothing; what only says the word, and what lies in no box, is not."""
        self.a.settle(*self.a.destinations, tenants=[{"name": "default", "deliver": []}])
        others = [self.runs(2), self.runs(3, r'"from":"\"mailbox\":\"1001"'), self.runs(4, '"from":"1001","mailbox":""')]
        name = self.runs(members='"from":"1001","mailbox":"1002"')
        for each in (*others, name):
            self.grows(each, b"\1" * 1000)
        until(lambda: self.has(name, 1104), self.said)
        self.grows(name, b"\1" * 1000)
        until(lambda: self.has(name, 2104), self.said)
        self.assertEqual([path for path in self.b.of(self.a) if name not in path], [])

    def test_finished_of_one_that_ran(self):
        """What was written anew at its end is so in the copy."""
        name = self.runs()
        self.grows(name, b"\1" * 300000)
        until(lambda: self.has(name, 300104), self.said)
        with open(os.path.join(self.a.folder, name), "r+b") as file:
            file.seek(200)
            file.write(b"\2" * 100)
            file.truncate(250000)
        os.unlink(os.path.join(self.a.folder, name + ".json.new"))
        path = os.path.join(self.a.folder, name)
        facts = {"recording": f"{CALL}-1", "call": CALL, "number": 1, "segment": 1, "last": True, "tenant": "default", "file": os.path.basename(name),
                 "format": "wav", "codec": "PCMU", "rate": 8000, "channels": 2, "begun": f"{today()}T00:00:00.000Z", "duration_ms": 15000,
                 "octets": 250000, "from": "1001", "to": "1002", "interrupted": False}
        with open(path + ".json.new", "w", encoding="utf-8") as file:
            json.dump(facts, file)
        os.rename(path + ".json.new", path + ".json")
        until(lambda: self.b.of(self.a) == self.files(self.a.folder, name), self.said)

    def test_neighbour_killed_while_it_takes_over(self):
        """Each is there once, whole."""
        names = [record(self.a.folder, number=number, octets=100000) for number in range(1, 21)]
        want = self.files(self.a.folder, *names)
        until(lambda: self.b.of(self.a) == want, self.said)
        self.a.lost()
        os.mkdir(self.share)
        self.b.sees(self.b)
        for _ in range(3):
            until(lambda: self.shared(), self.said)
            self.b.kill()
            self.b.start()
        until(lambda: self.shared() == want, self.said)


class Messages(Copies):
    """Recordings that lie in a mailbox: docs/adr/0123."""

    def told(self, **more):
        self.a.settle(*self.a.destinations, list_days=30, list_settle_ms=100, node_id=self.a.copies["id"], **more)
        self.a.redis = True
        self.a.say({"redis": "first"})

    def copied(self, name):
        return set(self.files(self.a.folder, name).items()) <= set(self.b.of(self.a).items())

    def test_said_when_the_neighbour_has_it(self):
        """And its copy stays when it is delivered, until it is deleted."""
        self.told()
        self.b.open = False
        self.b.kill()
        name, other = record(self.a.folder, mailbox="1001"), record(self.a.folder, number=2)
        until(lambda: self.a.acts(other), self.said)
        self.assertEqual(self.a.acts(name), [])
        self.b.open = True
        self.b.start()
        until(lambda: self.a.acts(name) == [("put", "waits")], self.said)
        self.assertTrue(self.copied(name))
        os.mkdir(self.share)
        until(lambda: ("put", "delivered") in self.a.acts(name) and ("put", "delivered") in self.a.acts(other), self.said)
        until(lambda: not any(other in one for one in self.b.of(self.a)), self.said)
        self.assertTrue(self.copied(name))
        until(lambda: self.a.ask("recording.delete", name=name) == {"name": name}, self.said)
        until(lambda: self.b.of(self.a) == {}, self.said)

    def test_many_said_when_the_neighbour_has_them(self):
        """Of many that are left at once none is said before its own copy is there: what brings them looks again after seconds only."""
        made = os.path.join(self.home, "made")
        names = [record(made, number=number, mailbox="1001") for number in range(1, 41)]
        self.told(usual={"deliver": []}, copies={**self.a.copies, "every_ms": 3000})
        until(lambda: self.a.figure("behind_ms") < 3000, self.said)
        os.rename(os.path.join(made, "default"), os.path.join(self.a.folder, "default"))

        def said():
            self.a.ask("recording.list", limit=1)
            return {line["name"] for line in self.a.said}
        while (known := said()) < set(names):
            self.assertEqual([name for name in known if not self.copied(name)], [])
            time.sleep(0.02)

    def test_said_at_once(self):
        """What is left wakes who brings copies, also during a round: no message waits for the next one."""
        self.told(usual={"deliver": []}, copies={**self.a.copies, "every_ms": 30000})
        began = time.monotonic()
        for turn in range(8):
            names = [record(self.a.folder, number=3 * turn + number, mailbox="1001") for number in (1, 2, 3)]
            until(lambda names=names: all(map(self.a.acts, names)), self.said)
            self.assertEqual([name for name in names if not self.copied(name)], [])
        self.assertLess(time.monotonic() - began, 30)

    def test_neighbour_back_after_a_pause(self):
        """A message waits for the next try, also where that comes after more than 10 s."""
        self.told(usual={"deliver": []}, copies={**self.a.copies, "every_ms": 11000})
        names = [record(self.a.folder, mailbox="1001")]
        until(lambda: self.a.acts(names[0]), self.said)
        self.b.open = False
        self.b.kill()
        names.append(record(self.a.folder, number=2, mailbox="1001"))
        until(lambda: "do not reach the neighbour" in self.a.log(), self.said)
        self.b.open = True
        self.b.start()
        until(lambda: self.a.acts(names[1]), self.said)
        self.assertEqual([name for name in names if not self.copied(name)], [])

    def test_said_beside_thousands(self):
        """What Redis is told anew, as it lost all, does not keep who has just left a message waiting: until that is sure it is told of no more of those."""
        self.a.settle(list_days=30, list_settle_ms=3600000, node_id=self.a.copies["id"])
        first = record(self.a.folder, tenant="acme", octets=2)
        where = os.path.dirname(os.path.join(self.a.folder, first))
        for number in range(2100):
            for ending in ("", ".json"):
                copy = os.path.join(where, f"{CALL[:-4]}{number:04d}-1.1.wav{ending}")
                os.link(os.path.join(self.a.folder, first + ending), copy)
        old = time.time() - 3600
        os.utime(os.path.join(self.a.folder, first + ".json"), (old, old))
        self.a.redis = True
        self.a.say({"redis": "one"})

        def told():
            self.a.ask("recording.list", limit=1)
            return {line["name"] for line in self.a.said}
        until(lambda: len(told()) >= 1500, self.said)
        name = record(self.a.folder, number=2, mailbox="1001")
        until(lambda: name in told(), self.said)

    def test_once_a_day(self):
        """A message that somebody has heard is so in its sidecar; one that was deleted for long goes."""
        self.told()
        name = record(self.a.folder, mailbox="1001")
        mark = os.path.join(self.a.folder, name)
        for box, done in (({"heard": True}, lambda: self.a.ask("recording.get", name=name).get("heard")),
                          ({"over": True}, lambda: self.a.acts(name)[-1:] == [("end", "deleted")])):
            until(lambda: self.a.acts(name) and os.path.exists(mark + ".listed"), self.said)
            self.a.box = box
            self.told()

            def yesterday(done=done):
                """The line of before may be marked as said just now."""
                with contextlib.suppress(FileNotFoundError):
                    os.utime(mark + ".box", (0, 0))
                return self.a.acts(name) and done()

            until(yesterday, self.said)
        self.assertFalse(os.path.exists(mark))

    def test_any_node_has_its_octets(self):
        """A third node asks the others, and takes what there is, of segments on two nodes as well; also of one that is gone."""
        c = self.member(3)
        self.meet(self.a, self.b, c)
        many = 40 * PIECE - WAV_HEAD        # it ends where a piece does
        parts = [record(one.folder, segment=segment, octets=octets, mailbox="1001")
                 for one, segment, octets in ((self.a, 1, many), (self.b, 2, 150000))]
        want = {name: digest(os.path.join(one.folder, name)) for one, name in zip((self.a, self.b), parts)}
        self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), {})
        self.assertEqual(digests(os.path.join(c.folder, ".fetched")), want)
        self.assertEqual(c.ask("recording.fetch", tenant="other", recording=f"{CALL}-1"), "not_found")
        self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-2"), "not_found")
        for no_name in ("default", "default/", f"other/{CALL}", "x" * 127):         # these have no day
            self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-2", name=no_name), "not_found")
        sealed = f"{os.path.dirname(parts[0])}/{CALL}-3.1.wav.cms"
        lies = record(os.path.join(self.home, "sealed"), number=3, octets=130000, file=os.path.basename(sealed), encrypted="cms")
        for ending in ("", ".json"):
            os.rename(os.path.join(self.home, "sealed", lies + ending), os.path.join(self.a.folder, sealed + ending))
        self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-3"), "not_found")       # it cannot be played
        self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-3", name=sealed), {})
        self.assertEqual(digests(os.path.join(c.folder, ".fetched")), {**want, sealed: digest(os.path.join(self.a.folder, sealed))})
        until(lambda: any(parts[0] in one for one in self.b.of(self.a)), self.said)
        self.a.lost()
        shutil.rmtree(os.path.join(c.folder, ".fetched"))
        c.sees(self.b, c)
        self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), {})
        self.assertEqual(digests(os.path.join(c.folder, ".fetched")), want)


    def test_encrypted(self):
        """Of a tenant with a certificate: it lies nowhere as it was said, and each node has its octets, also of one that is gone."""
        c = self.member(3)
        self.meet(self.a, self.b, c)
        for one in (self.a, self.b, c):
            one.settle(*one.destinations, certificates=certificates(self.home))
        parts = [record(self.a.folder, number=number, octets=octets, mailbox="1001") for number, octets in ((1, 10 * PIECE), (2, 150001))]
        want = {name: digest(os.path.join(self.a.folder, name)) for name in parts}
        until(lambda: all(name + ".aes128gcm" in self.b.of(self.a) for name in parts), self.said)
        until(lambda: {name for name in digests(self.a.folder) if name.endswith(".wav")} == set(), self.said)
        for one in (c, self.a):
            for number in (1, 2):
                self.assertEqual(one.ask("recording.fetch", tenant="default", recording=f"{CALL}-{number}"), {})
            self.assertEqual(digests(os.path.join(one.folder, ".fetched")), want)
            shutil.rmtree(os.path.join(one.folder, ".fetched"))
        self.a.lost()
        c.sees(self.b, c)
        for number in (1, 2):
            self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-{number}"), {})
        self.assertEqual(digests(os.path.join(c.folder, ".fetched")), want)

    def test_one_is_cut(self):
        """A copy that was cut says no other length of what a node has whole, whoever is asked first."""
        c = self.member(3)
        self.meet(self.a, self.b, c)
        for one in (self.a, self.b):
            one.settle(*one.destinations, certificates=certificates(self.home))
        name = record(self.a.folder, octets=150001, mailbox="1001")
        want, copy = digest(os.path.join(self.a.folder, name)), os.path.join(self.b.folder, ".copies", self.a.copies["id"], name + ".aes128gcm")
        until(lambda: os.path.exists(copy + ".json") and os.path.exists(os.path.join(self.a.folder, name + ".aes128gcm")), self.said)
        for cut, asked in ((copy, (self.b, self.a, c)), (os.path.join(self.a.folder, name + ".aes128gcm"), (self.a, self.b, c))):
            with open(cut, "r+b") as file:
                octets = file.read()
                file.truncate(len(octets) - 5000)
                c.sees(*asked)
                self.assertEqual(c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), {})
                self.assertEqual(digests(os.path.join(c.folder, ".fetched")), {name: want})
                shutil.rmtree(os.path.join(c.folder, ".fetched"))
                file.seek(0)
                file.write(octets)

    def test_damaged(self):
        """It is not heard, the log names it, and what it was when it was left is heard again. When it is deleted nothing plain is left."""
        c = self.member(3)
        name = record(c.folder, mailbox="1001")
        want = digest(os.path.join(c.folder, name))
        c.settle(usual={"deliver": []}, certificates=certificates(self.home))
        there, fetched = os.path.join(c.folder, name + ".aes128gcm"), os.path.join(c.folder, ".fetched", name)
        until(lambda: os.path.exists(there) and not os.path.exists(os.path.join(c.folder, name)), c.log)
        with open(there, "rb") as file:
            octets = file.read()

        def put(what):
            with open(there, "wb") as file:
                file.write(what)

        def ask():
            said = c.log().count("a message cannot be decrypted")
            return c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), c.log().count("a message cannot be decrypted") > said

        for what in (b"", octets[:20], octets[:21], octets[:4117], octets[:-1], octets[:16] + b"\0" * 4 + octets[20:], octets[:9000] + b"x" + octets[9001:]):
            put(what)
            self.assertEqual((ask(), os.path.exists(fetched)), (("not_found", True), False), len(what))
        for other in (os.mkfifo, lambda path: os.symlink("/etc/passwd", path), os.mkdir):
            os.unlink(there)
            other(there)
            self.assertEqual(ask()[0], "not_found")
            os.rename(there, f"{self.home}/{other.__name__}")
            put(octets)
        c.settle(messages_key=32 * "5b")
        self.assertEqual(ask(), ("not_found", True))
        c.settle(messages_key=32 * "5a")
        self.assertEqual(ask(), ({}, False))
        self.assertEqual(digest(fetched), want)
        self.assertEqual(c.ask("recording.delete", name=name), {"name": name})
        self.assertFalse(os.path.exists(fetched))
        self.assertEqual([one for one in os.listdir(os.path.dirname(there)) if name[-20:-4] in one] if os.path.isdir(os.path.dirname(there)) else [], [])

    def test_copied_while_encrypted(self):
        """The neighbour has the plain one until it has the other, whoever is told of it, and where it goes nowhere else."""
        self.told()
        self.a.settle(usual={"deliver": []})
        name = record(self.a.folder, mailbox="1001")
        until(lambda: name + ".json" in self.b.of(self.a), self.said)      # whole
        refused = os.path.join(self.b.folder, ".copies", self.a.copies["id"], name + ".aes128gcm")
        os.mkdir(refused)                   # no file of that name can be made
        self.a.settle(usual={"deliver": []}, list_days=0, certificates=certificates(self.home))
        until(lambda: not os.path.exists(os.path.join(self.a.folder, name)), self.said)
        for number in (2, 3):               # when the neighbour has both, what is no longer there was dropped
            later = record(self.a.folder, number=number, mailbox="1001") + ".aes128gcm"
            until(lambda later=later: later + ".json" in self.b.of(self.a), self.said)
        self.assertLessEqual({name, name + ".json"}, set(self.b.of(self.a)), self.said())
        os.rmdir(refused)
        until(lambda: {one for one in self.b.of(self.a) if one.startswith(name)} == {name + ".aes128gcm", name + ".aes128gcm.json"}, self.said)


class Slow:
    """A thin line to a member's door: so many octets a second come back over it, until it is cut."""

    def __init__(self, port, to, rate):
        self.to, self.rate, self.given = to, rate, 0
        self.door = socket.create_server(("127.0.0.1", port))
        self.address, self.ends = f"127.0.0.1:{port}", []
        threading.Thread(target=self.answers, daemon=True).start()

    def answers(self):
        with contextlib.suppress(OSError):
            while True:
                ends = [self.door.accept()[0], socket.create_connection(("127.0.0.1", self.to))]
                self.ends += ends
                threading.Thread(target=self.passes, args=ends, daemon=True).start()
                threading.Thread(target=self.passes, args=ends[::-1], daemon=True).start()

    def passes(self, one, other):
        with contextlib.suppress(OSError):
            while octets := one.recv(4000):
                if one in self.ends[1::2]:
                    time.sleep(len(octets) / self.rate)
                    self.given += len(octets)
                other.sendall(octets)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        for end in (self.door, *self.ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Arrives(Copies):
    """What is to be played is known as soon as it begins to come, and goes on where the one who brought it is gone."""
    OCTETS = 10 * PIECE

    def setUp(self):
        super().setUp()
        self.c = self.member(3)
        self.name = record(self.a.folder, octets=self.OCTETS, mailbox="1001")
        self.digest = digest(os.path.join(self.a.folder, self.name))
        self.path = os.path.join(self.c.folder, ".fetched", self.name)
        self.lock = os.path.join(self.c.folder, ".fetched", "default", "0000-00-00", f"{CALL}-1.fetch")

    def line(self, *behind):
        """The owner is behind a thin line, and the others are not."""
        slow = Slow(self.ports.take(), self.a.port, 2 * PIECE)
        self.addCleanup(slow.cut)
        self.c.say({"nodes": [{"id": self.a.copies["id"], "address": slow.address, "alive": True},
                              *({"id": one.copies["id"], "address": f"127.0.0.1:{one.port}", "alive": True} for one in (*behind, self.c))]})
        return slow

    def is_brought(self):
        """Whoever brings it has a lock: by it the player knows that more may come."""
        try:
            with open(self.lock, "rb") as file:
                asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
                return struct.unpack_from("h", fcntl.fcntl(file, OFD_GETLK, asked))[0] == fcntl.F_WRLCK
        except FileNotFoundError:
            return False

    def fetched(self):
        return self.c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1", play=BEGAN_MS)

    def test_told_when_it_begins(self):
        self.line()
        self.assertEqual(self.fetched(), {})
        with open(self.path + ".part", "rb") as file:
            self.assertIn(os.fstat(file.fileno()).st_size, range(1, 6 * PIECE))
            self.assertTrue(self.is_brought())
            until(lambda: os.path.exists(self.path), self.said)
            until(lambda: not self.is_brought(), self.said)
            self.assertEqual((digest(self.path), os.fstat(file.fileno()).st_ino), (self.digest, os.stat(self.path).st_ino))
        self.assertEqual(digests(os.path.join(self.c.folder, ".fetched")), {self.name: self.digest})
        self.assertEqual(self.fetched(), {})        # it is there
        os.unlink(self.path)
        self.assertEqual(self.c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), {})
        self.assertEqual(digest(self.path), self.digest)        # who is not to play it hears of all of it

    def test_another_one_goes_on(self):
        until(lambda: self.name + ".json" in self.b.of(self.a), self.said)
        slow = self.line(self.b)
        self.assertEqual(self.fetched(), {})
        with open(self.path + ".part", "rb") as file:
            slow.cut()
            until(lambda: os.path.exists(self.path), self.said)
            self.assertEqual((digest(self.path), os.fstat(file.fileno()).st_ino), (self.digest, os.stat(self.path).st_ino))
        self.assertLess(slow.given, self.OCTETS)

    def test_nobody_goes_on(self):
        slow = self.line()
        self.assertEqual(self.fetched(), {})
        slow.cut()
        until(lambda: not self.is_brought(), self.said)
        self.assertEqual(digests(os.path.join(self.c.folder, ".fetched")), {})
        self.assertEqual(self.fetched(), "not_found")
        self.c.sees(self.a, self.c)
        self.assertEqual(self.fetched(), {})
        until(lambda: os.path.exists(self.path) and digest(self.path) == self.digest, self.said)

    def test_dies_between_segments(self):
        """What has come is not all: that is said, and it is brought anew, also from where it is stored."""
        second = record(self.a.folder, segment=2, octets=self.OCTETS, mailbox="1001")
        want = {name: digest(os.path.join(self.a.folder, name)) for name in (self.name, second)}
        slow = self.line()
        self.assertEqual(self.fetched(), {})
        until(lambda: os.path.exists(self.path), self.said)
        slow.cut()
        until(lambda: not self.is_brought(), self.said)
        self.assertTrue(os.path.exists(self.lock))      # by it the player knows
        self.assertEqual(self.c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), "not_found")
        self.c.sees(self.a, self.c)
        self.assertEqual(self.c.ask("recording.fetch", tenant="default", recording=f"{CALL}-1"), {})
        self.assertEqual(digests(os.path.join(self.c.folder, ".fetched")), want)
        shutil.rmtree(os.path.join(self.c.folder, ".fetched"))
        os.mkdir(self.share)
        until(lambda: want.items() <= self.shared().items(), self.said)
        slow = self.line()
        self.assertEqual(self.fetched(), {})
        until(lambda: os.path.exists(self.path), self.said)
        slow.cut()
        until(lambda: digests(os.path.join(self.c.folder, ".fetched")) == want, self.said)

    def test_more_than_are_answered_at_once(self):
        """They wait: here for places of strangers, who say no more than their hello."""
        hello = b"TDF1" + struct.pack(">QQQ", 9, self.a.number, 9) + bytes(32)
        for _ in range(COPY_TAKERS_MAX + 2):
            stranger = self.enterContext(socket.create_connection(("127.0.0.1", self.a.port)))
            stranger.sendall(hello)
        self.c.sees(self.a, self.c)
        self.assertEqual(self.fetched(), {})
        until(lambda: os.path.exists(self.path) and digest(self.path) == self.digest, self.said)

    def test_killed_while_it_comes(self):
        """The player sees that nobody brings it any more, and the next process brings all of it."""
        self.line()
        self.assertEqual(self.fetched(), {})
        self.c.kill()
        until(lambda: not self.is_brought(), self.said)
        self.assertFalse(os.path.exists(self.path))
        self.c.start()
        self.c.sees(self.a, self.c)
        self.assertEqual(self.fetched(), {})
        until(lambda: os.path.exists(self.path) and digest(self.path) == self.digest, self.said)


def drips():
    """An octet now and then."""
    while True:
        time.sleep(0.2)
        yield b"x"


class Odd:
    """A server of HTTP that says what it likes, for as long as somebody hears it."""

    def __init__(self, port, status, said):
        self.port, self.status, self.said, self.over = port, status, said, False
        self.door = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.answers, daemon=True).start()

    def answers(self):
        with contextlib.suppress(OSError):
            while True:
                one = self.door.accept()[0]
                with one, contextlib.suppress(OSError):
                    one.recv(65536)
                    one.sendall(f"HTTP/1.1 {self.status} -\r\nConnection: close\r\nLocation: /\r\n\r\n".encode())
                    for octets in self.said:
                        one.sendall(octets)
                self.over = True

    def cut(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()


class Stored(Copies):
    """What no node has any more is played from where it is stored."""

    def fetched(self, number=1, **more):
        return self.c.ask("recording.fetch", tenant="default", recording=f"{CALL}-{number}", **more)

    def setUp(self):
        super().setUp()
        self.c = self.member(3)
        self.c.sees(self.c)
        self.names = lambda: digests(os.path.join(self.c.folder, ".fetched"))

    def test_in_a_folder(self):
        """In its segments, also on the day behind that of its call."""
        parts = [record(self.share, segment=segment) for segment in (1, 2)]
        whole = record(self.share, number=2, date=time.strftime("%Y-%m-%d", time.gmtime(BEGAN_MS // 1000 + 86400)))
        os.rename(os.path.join(self.share, whole), os.path.join(self.share, whole.replace(".1.wav", ".wav")))
        whole = whole.replace(".1.wav", ".wav")
        for number in (1, 2):
            self.assertEqual(self.fetched(number, play=BEGAN_MS), {})
        want = {name: digest(os.path.join(self.share, name)) for name in (*parts, whole)}
        until(lambda: self.names() == want, self.said)
        self.assertEqual(self.fetched(3, play=BEGAN_MS), "not_found")

    def test_whose_id_says_no_day(self):
        """That of a call that a command made, and of a message that was forwarded: it is looked for from today on back, or where its name says."""
        ago = [time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400)) for days in (20, 60)]
        names = [record(self.share, number=number, date=day) for number, day in enumerate(ago, 1)]
        self.assertEqual(self.fetched(1, play=BEGAN_MS // 2), {})
        until(lambda: list(self.names()) == names[:1], self.said)
        shutil.rmtree(os.path.join(self.c.folder, ".fetched"))
        self.assertEqual(self.fetched(1), {})       # to be handed out, or forwarded
        self.assertEqual(self.fetched(2), "not_found")
        self.assertEqual(self.fetched(2, name=names[1]), {})
        self.assertEqual(self.names(), {name: digest(os.path.join(self.share, name)) for name in names})

    def test_in_a_folder_encrypted(self):
        """Of a mailbox, whose tenant has a certificate; and not where it was changed."""
        self.a.settle(*self.a.destinations, certificates=certificates(self.home))
        name = record(self.a.folder, mailbox="1001")
        want = digest(os.path.join(self.a.folder, name))
        os.mkdir(self.share)
        there = os.path.join(self.share, name + ".aes128gcm")
        until(lambda: os.path.exists(there + ".json"), self.said)
        with open(there, "r+b") as file:
            self.assertNotIn(b"RIFF", file.read(100))
            self.assertEqual(self.fetched(play=BEGAN_MS), {})
            until(lambda: self.names() == {name: want}, self.said)
            os.unlink(os.path.join(self.c.folder, ".fetched", name))
            for ending in ("", ".json"):
                os.link(there + ending, there.replace("-1.1.", "-2.1.") + ending)
            self.assertEqual(self.fetched(2, play=BEGAN_MS), "not_found")       # it is not that message
            file.seek(2000)
            file.write(b"x")
            file.flush()
        self.assertEqual(self.fetched(play=BEGAN_MS), "not_found")
        self.assertEqual(self.names(), {})

    def test_forward_without_room(self):
        """A message that cannot be forwarded leaves nothing: a file without its facts would become a recording of its own at the next start."""
        self.c.settle({"name": "share", "kind": "directory", "url": self.share, "metadata": True})
        name, copy = record(self.share), "000agvj5jqr41-1"
        self.assertEqual(self.fetched(play=BEGAN_MS), {})
        until(lambda: name in self.names(), self.said)
        self.c.settle(*self.c.destinations, usual={"deliver": []})      # what is on its way is not encrypted any more
        there = os.path.join(self.c.folder, "default", today(), copy + ".1.wav")
        os.makedirs(there + ".json.new")        # it cannot be written
        terms = {"from": "1001", "parts": [{"name": name, "ms": 1000, "octets": 16044}], "copies": [{"mailbox": "1003", "message": copy}]}
        self.assertEqual(self.c.ask("message.forward", tenant="default", **terms), "unavailable")
        self.assertFalse(os.path.exists(there))
        os.rmdir(there + ".json.new")
        self.assertEqual(self.c.ask("message.forward", tenant="default", **terms), {})
        self.assertEqual(digest(there), digest(os.path.join(self.share, name)))
        self.c.settle(*self.c.destinations, certificates=certificates(self.home))
        until(lambda: not os.path.exists(there), self.c.log)
        self.assertEqual(self.c.ask("message.forward", tenant="default", **terms), {})      # again, as who did it was killed
        self.assertFalse(os.path.exists(there))

    def test_many_at_once(self):
        """More are to be played at once than are brought at once: the others wait."""
        names = [record(self.share, number=number) for number in range(1, 101)]
        tickets = range(self.c.tickets + 1, self.c.tickets + 101)
        for number, ticket in enumerate(tickets, 1):
            self.c.say({"ask": ticket, "command": "recording.fetch", "tenant": "default", "args": {"recording": f"{CALL}-{number}", "play": BEGAN_MS}})
        self.c.tickets = tickets[-1]
        lines = (json.loads(line) for line in self.c.lines)
        answers = itertools.islice((line for line in lines if line.get("answer") in tickets), len(tickets))
        self.assertEqual([line for line in answers if "error" in line], [])
        until(lambda: self.names() == {name: digest(os.path.join(self.share, name)) for name in names}, self.said)

    def with_a_dead_store(self):
        """It takes connections and says nothing; node b has the recording."""
        dead = self.enterContext(socket.create_server(("127.0.0.1", self.ports.take())))
        self.c.settle({"name": "dead", "kind": "s3", "url": f"http://127.0.0.1:{dead.getsockname()[1]}", "bucket": "b", "region": "r",
                       "user": "u", "secret": "s", "path_style": True, "metadata": True})
        record(self.b.folder, mailbox="1001")
        self.c.sees(self.b, self.c)

    def test_a_dead_store_keeps_nobody_waiting(self):
        """As many wait for it as are brought at once: one that a node has is brought all the same, before the second half of them has waited."""
        self.with_a_dead_store()
        for number in (*range(2, 2 + 2 * FETCHES_RUN), 1):
            self.c.say({"ask": number, "command": "recording.fetch", "tenant": "default", "args": {"recording": f"{CALL}-{number}", "play": BEGAN_MS}})
        answers = list(itertools.islice((line for line in map(json.loads, self.c.lines) if "answer" in line), 1 + 2 * FETCHES_RUN))
        self.assertIn({"answer": 1, "result": {}}, answers[:1 + FETCHES_RUN])
        self.assertEqual({line["error"] for line in answers if line["answer"] != 1}, {"not_found"})

    def test_a_dead_store_and_a_node_that_was_slow(self):
        """The node is asked again, though the store never answers."""
        self.with_a_dead_store()
        self.b.open = False         # the connection is there, and nothing is said
        threading.Timer(4, setattr, (self.b, "open", True)).start()
        self.assertEqual(self.fetched(play=BEGAN_MS), {})

    def test_of_ill_stores(self):
        """One that forbids all, as a bucket that may not be listed does where nothing is, or that fails keeps nobody from looking at the next one, and is named."""
        share = {"name": "share", "kind": "directory", "url": self.share, "metadata": True}
        names = [record(self.share, segment=segment) for segment in (1, 2)]
        for status in (403, 500):
            odd = Odd(self.ports.take(), status, [])
            self.addCleanup(odd.cut)
            self.c.settle({"name": "odd", "kind": "s3", "url": f"http://127.0.0.1:{odd.port}", "bucket": "b", "region": "r", "user": "u",
                           "secret": "s", "path_style": True, "metadata": True}, share)
            self.assertEqual(self.fetched(), {})
            self.assertEqual(self.names(), {name: digest(os.path.join(self.share, name)) for name in names})
            shutil.rmtree(os.path.join(self.c.folder, ".fetched"))
            said = self.c.log().count("cannot be looked for where it is stored")
            self.assertEqual(self.fetched(2), "not_found")
            until(lambda said=said: self.c.log().count("cannot be looked for where it is stored") > said, self.c.log)

    def test_at_s3(self):
        """It is told when it begins to come, over a thin line, and not at all where the line is cut."""
        self.at_s3("")

    def test_at_s3_encrypted(self):
        """Of a mailbox, whose tenant has a certificate: it lies there encrypted for nodes, and begins before all of it is there."""
        self.at_s3(".aes128gcm", certificates=certificates(self.home))

    def at_s3(self, ending, **terms):
        swift = Swift(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-swift-")), self.ports.take())
        self.addCleanup(swift.stop)
        swift.start()
        name = record(self.a.folder, octets=10 * PIECE, mailbox="1001")
        want = digest(os.path.join(self.a.folder, name))
        self.a.settle(swift.destination(), **terms)
        until(lambda: name + ending in swift.files() and (ending or swift.files()[name] == want), self.said)
        slow = Slow(self.ports.take(), swift.port, 2 * PIECE)
        self.addCleanup(slow.cut)
        self.c.settle({**swift.destination(), "url": f"http://{slow.address}"}, usual={"deliver": [swift.destination()["name"]]})
        self.assertEqual(self.fetched(play=BEGAN_MS), {})
        path = os.path.join(self.c.folder, ".fetched", name)
        self.assertLess(os.path.getsize(path + ".part"), 6 * PIECE)
        until(lambda: os.path.exists(path), self.said)
        self.assertEqual(digest(path), want)
        os.unlink(path)
        self.assertEqual(self.fetched(2, play=BEGAN_MS), "not_found")
        self.assertEqual(self.fetched(play=BEGAN_MS), {})
        slow.cut()
        until(lambda: self.names() == {}, self.said)

    def test_odd_servers(self):
        """What is no recording is none: where S3 sends elsewhere, says something else, does not end, or all but stops."""
        head = b"RIFF" + bytes(16000)
        endless = itertools.chain([head], itertools.repeat(bytes(1 << 20), 200))       # what memory has room for
        for what, status, said, begins in (("elsewhere", 307, [b"<Error><Code>TemporaryRedirect</Code></Error>"], False),
                                           ("nothing", 200, [], False), ("a page", 200, [b"<html>" + bytes(20000)], False),
                                           ("no end", 200, endless, True), ("a drip", 200, itertools.chain([head], drips()), True)):
            with self.subTest(what):
                odd = Odd(self.ports.take(), status, said)
                self.addCleanup(odd.cut)
                self.c.settle({"name": "odd", "kind": "s3", "url": f"http://127.0.0.1:{odd.port}", "bucket": "b", "region": "r", "user": "u",
                               "secret": "s", "path_style": True, "metadata": True})
                self.assertEqual(self.fetched(play=BEGAN_MS), {} if begins else "not_found")
                until(lambda: odd.over and self.names() == {}, self.said)


if __name__ == "__main__":
    unittest.main()
