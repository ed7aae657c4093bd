# SPDX-License-Identifier: Apache-2.0
"""Messages of a mailbox on two nodes with copies: each counts and lists the same, whatever is killed or lost: VM-04, VM-10, REC-05."""
import contextlib
import glob
import os
import shutil
import signal
import time
import unittest
import urllib.request

from lib import place
from lib.node import children
from lib.sip import parameter
from music_test import wav
from patience import PATIENCE_S, slowness, until
from ports import Ports
from server import ServerError
from session_test import Users
from taken_test import Cluster, Talk


LONG = 150                      # s


class BoxesTest(Users, Cluster):
    BOX, NODES = "1001", "ab"

    @classmethod
    def settings(cls, name, shard):
        recordings = {"scan": "200ms", "free_mib": 0, "copies": 1, "copies_every": "2s", "copies_wait": "1s", "port": cls.web[name]}
        return {**super().settings(name, shard), "recordings": recordings}

    @classmethod
    def setUpClass(cls):
        ports = cls.enterClassContext(Ports(len(cls.NODES)))
        cls.web = {name: ports.take() for name in cls.NODES}
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.at_home()
        boxes = "1001", "1002", "1003"
        until(lambda: all([self.emptied(box) for box in boxes]), lambda: f"left: {[(self.counts(self.b, box), self.rows(box)) for box in boxes]}")

    def emptied(self, box):
        """What another test has left is none of this one."""
        for part in [part for row in self.rows(box) for part in row["parts"]]:
            with contextlib.suppress(ServerError):      # it was asked for a moment ago
                self.b.ctl("recording.delete", name=part["name"], node=part["node"])
        return not any(self.counts(self.b, box))

    def rows(self, box):
        return self.b.ctl("message.list", mailbox=box) + self.b.ctl("message.list", mailbox=box, state="deleted")

    def folder_of(self, node):
        return os.path.join(node.folder, "recordings")

    def copies(self, name):
        return glob.glob(f"{self.folder_of(self.b)}/.copies/*/default/*/{name}.json")

    def counts(self, node, box=BOX):
        said = node.ctl("message.count", mailbox=box)
        return [said[key] for key in ("new", "urgent_new", "old", "urgent_old", "deleted")]

    def count(self, *want):
        """Both say so."""
        for node in (self.a, self.b):
            self.until(lambda node=node: self.counts(node) == list(want))

    def put(self, node, message, **what):
        return node.ctl("message.put", message=message, mailbox=self.BOX, **what)

    def tone_heard(self, message, before=lambda: None):
        """By a phone of the other node, which has no such file of its own. before: done before it is played."""
        self.b.put_extension("7100", "secret", application="ivr")
        self.registers(18, "1003")
        media = self.b.media()
        self.addCleanup(media.close)
        out = self.phones[18, "1003"].invite("7100", media.sdp())
        calls = []
        self.until(lambda: calls.extend(self.b.ctl("call.list", application="ivr")) or calls)
        call = calls[0]
        self.b.ctl("call.answer", call=call["id"])
        media.use(out.wait_answer())
        before()
        began = time.monotonic()
        self.b.ctl("call.play", call=call["id"], file=f"recording:{message}")
        media.wait_tone(440, anew=True)
        self.assertLess(time.monotonic() - began, min(2 * slowness(), 4.5))      # whoever waits for a hello waits 5 s
        out.bye()

    def file(self, node, name, octets=0):
        """Its path, as soon as there is so much of it."""
        found = []
        self.until(lambda: found.extend(path for path in glob.glob(f"{self.folder_of(node)}/default/*/{name}") if os.path.getsize(path) > octets) or found)
        return found[0]

    def is_at(self, call, step, node=None):
        self.until(lambda: f" {step} is carried out" in (node or self.a).ctl("call.flow", call=call)["at"])

    def says(self, box):
        """A caller who leaves a message at node a: his dialog, his sound and the call. Some of it is on the disk."""
        self.a.ctl("number.put", number="199", to="flow:voicemail")
        self.a.ctl("extension.put", number=box, forward_always="199")
        self.addCleanup(lambda: self.b.ctl("extension.put", number=box, forward_always=""))
        self.registers(17, "1002")
        media = self.a.media()
        self.addCleanup(media.close)
        out = self.phones[17, "1002"].invite(box, media.sdp())
        answer = out.wait_answer()
        media.use(answer)
        call = parameter(answer.get("To"), "tag").split(".")[0]
        self.is_at(call, "record")
        media.wait_tone(1000, 8)
        media.start(440)
        self.file(self.a, f"{call}-1.1.wav", 20000)
        return out, media, call


class Boxes(BoxesTest):
    def stands_still(self):
        """What would give the file out: as of a machine that is gone, nothing comes, and nothing is refused."""
        for pid in children(self.a.process.pid, "tandem-store"):
            os.kill(pid, signal.SIGSTOP)

    def test_host_lost(self):
        """A message is in its box when the neighbour has it. Its state is changed at either node, and stays when the one that took it is lost with its disk."""
        self.a.ctl("extension.put", number="1001", record="on_demand", record_to="mailbox")
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        talk.ends[1].stop()         # one tone is to be heard in it
        self.a.ctl("call.record", call=talk.id, leg="a", state="on")
        self.until(lambda: any(os.path.getsize(path) > 20000 for path in glob.glob(f"{self.folder_of(self.a)}/default/*/{talk.id}-1.1.wav")))
        self.a.ctl("call.record", call=talk.id, leg="a", state="off")
        message = f"{talk.id}-1"
        self.until(lambda: self.counts(self.b)[0] == 1)
        self.assertTrue(self.copies(f"{message}.1.wav"))
        [row] = self.b.ctl("message.list", mailbox=self.BOX)
        self.assertEqual([row[key] for key in ("message", "mailbox", "state", "urgent", "private", "version", "from", "to")],
                         [message, self.BOX, "new", False, False, 0, "1001", "1002"])
        self.assertGreater(row["duration_ms"], 1000)
        self.assertEqual([part["node"] for part in row["parts"]], ["a"])
        talk.quiet()
        talk.hang_up()
        self.tone_heard(message)
        name = row["parts"][0]["name"]
        link = self.b.ctl("recording.link", name=name, node="b")
        self.assertEqual(link["port"], self.web["b"])
        with open(os.path.join(self.folder_of(self.a), name), "rb") as file:
            want = file.read()
        request = urllib.request.Request(f"http://{place.NODE}:{link['port']}{link['path']}", headers={"Range": "bytes=100-"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            self.assertEqual((answer.status, answer.read()), (206, want[100:]))
        with self.assertRaisesRegex(ServerError, "not_found"):
            self.b.ctl("recording.link", name=name + ".json", node="b")
        [link] = self.b.ctl("message.link", mailbox=self.BOX, message=message, node="b")["links"]
        with urllib.request.urlopen(f"http://{place.NODE}:{link['port']}{link['path']}", timeout=PATIENCE_S) as answer:
            self.assertEqual((link["port"], answer.read()), (self.web["b"], want))
        row = self.put(self.b, message, urgent="true", private="true", note="call her back")
        self.assertEqual((row["urgent"], row["private"], row["note"], row["version"]), (True, True, "call her back", 1))
        self.count(1, 1, 0, 0, 0)
        row = self.put(self.a, message, state="old", version=1)
        self.assertEqual((row["note"], row["version"]), ("call her back", 2))
        self.count(0, 0, 1, 1, 0)
        with self.assertRaisesRegex(ServerError, "changed it meanwhile"):
            self.put(self.b, message, state="new", version=1)
        self.a.kill()
        shutil.rmtree(self.folder_of(self.a))
        self.until(lambda: [part["node"] for part in self.b.ctl("message.get", message=message, mailbox=self.BOX)["parts"]] == ["b"])
        self.assertEqual(self.b.ctl("message.get", message=message, mailbox=self.BOX)["note"], "call her back")
        self.assertEqual(self.counts(self.b), [0, 0, 1, 1, 0])
        self.assertEqual(self.b.ctl("message.delete", message=message, mailbox=self.BOX)["state"], "deleted")
        self.assertEqual(self.counts(self.b), [0, 0, 0, 0, 1])
        self.assertEqual(self.b.ctl("message.list", mailbox=self.BOX), [])
        self.assertEqual([row["message"] for row in self.b.ctl("message.list", mailbox=self.BOX, state="deleted")], [message])
        self.assertEqual(self.b.ctl("message.undelete", message=message, mailbox=self.BOX)["state"], "old")
        self.assertEqual(self.b.ctl("message.get", message=message, mailbox=self.BOX)["note"], "call her back")
        self.assertEqual(self.counts(self.b), [0, 0, 1, 1, 0])
        self.b.ctl("recording.delete", name=self.b.ctl("message.list", mailbox=self.BOX)[0]["parts"][0]["name"])
        self.until(lambda: self.counts(self.b) == [0, 0, 0, 0, 0])
        with self.assertRaisesRegex(ServerError, "no such message"):
            self.put(self.b, message, state="new")

    def test_forward(self):
        """At the other node, which has no such file of its own: its copy is safe when the command is answered, and heard when the machine of the first is lost."""
        self.a.ctl("extension.put", number="1001", record="on_demand", record_to="mailbox")
        self.registers(17, "1001", "1002")
        talk = Talk(self, 17).answer().speaks()
        talk.hears()
        talk.ends[1].stop()
        self.a.ctl("call.record", call=talk.id, leg="a", state="on")
        self.until(lambda: any(os.path.getsize(path) > 20000 for path in glob.glob(f"{self.folder_of(self.a)}/default/*/{talk.id}-1.1.wav")))
        self.a.ctl("call.record", call=talk.id, leg="a", state="off")
        message = f"{talk.id}-1"
        self.until(lambda: self.ids("1001") == {message})
        talk.quiet()
        talk.hang_up()
        user = self.session(self.b, "1001", "secret")["token"]
        said = self.ok(self.b, "POST", f"/v1/messages/{message}/forward", user, {"mailbox": self.BOX, "to": "1002,1003"})
        for copy in said["copies"]:
            self.assertEqual(self.ids(copy["mailbox"]), {copy["message"]})
            row = self.b.ctl("message.get", mailbox=copy["mailbox"], message=copy["message"])
            self.assertEqual((row["from"], [part["node"] for part in row["parts"]]), ("1001", ["b"]))
        self.assertEqual(self.ok(self.b, "POST", f"/v1/messages/{message}/forward", user, {"mailbox": self.BOX, "to": "1002,1003"}), said)
        self.assertEqual([len(self.ids(box)) for box in ("1001", "1002", "1003")], [1, 1, 1])
        self.b.kill()
        shutil.rmtree(self.folder_of(self.b))
        copy = said["copies"][0]
        self.until(lambda: [part["node"] for part in self.a.ctl("message.get", mailbox=copy["mailbox"], message=copy["message"])["parts"]] == ["a"])
        self.b.restart()
        self.tone_heard(copy["message"])

    def ids(self, box):
        return {row["message"] for row in self.a.ctl("message.list", mailbox=box)}

    def test_deposit(self):
        """Whoever hears "saved" has left a message, whatever becomes of the node that he called: the other one plays it."""
        box = "1003"
        wav(os.path.join(self.a.folder, "sounds", "default", "voicemail-saved.wav"), 860)
        out, media, call = self.says(box)
        media.stop()
        media.digit("#")
        self.is_at(call, "menu")
        media.digit("#")
        media.wait_tone(860)
        self.tone_heard(f"{call}-1", self.stands_still)      # from the copy, before anybody knows
        self.a.kill()
        shutil.rmtree(self.folder_of(self.a))
        self.assertEqual(self.counts(self.b, box)[:2], [1, 0])
        self.until(lambda: [part["node"] for part in self.b.ctl("message.get", message=f"{call}-1", mailbox=box)["parts"]] == ["b"])
        out.wait_bye()              # of the node that is gone, or the other one: a call whose BYE nobody answers is over after 32 s
        self.missed(box, call)

    def missed(self, box, call):
        """VM-08: one filter has that call and one that nobody answered, which two nodes had; an answered one is not there."""
        self.b.ctl("extension.put", number=box, forward_always="")
        self.registers(18, "1001", box)
        media = self.b.media()
        self.addCleanup(media.close)
        out = self.phones[18, "1001"].invite(box, media.sdp())
        self.phones[18, box].incoming().reject(486)
        self.assertEqual(out.wait_final().status, 486)
        out = self.phones[18, "1001"].invite(box, media.sdp())
        into = self.phones[18, box].incoming()
        into.answer(media.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()
        self.until(lambda: len([row for row in self.b.ctl("cdr.list", number="1001") if row["to"] == box]) == 2)
        self.until(lambda: sorted((row["id"] == call, row["from"], row["sip_status"]) for row in self.b.ctl("cdr.list", missed=box)) ==
                   [(False, "1001", 486), (True, "1002", 200)])


class Segments(BoxesTest):
    """A message that its node's end has cut: it begins there, and ends at another one."""
    shards, NODES = (17, 18, 19), "abc"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c = cls.joins("c", 3)

    def at_home(self):
        self.until(lambda: [self.owner(shard) for shard in self.shards] == [*self.NODES])

    def dials(self, node, shard, number):
        self.registers(shard, "1001")
        media = node.media()
        self.addCleanup(media.close)
        return self.phones[shard, "1001"].invite(number, media.sdp()), media

    def heard(self, media):
        return b"".join(packet.payload for packet in media.audio()).replace(b"\x7f", b"\xff").strip(b"\xff")

    def by_key(self, node, shard, want):
        """In the mailbox. Where a packet was lost, the message is asked for again."""
        for _ in range(3):
            out, media = self.dials(node, shard, "##")
            answer = out.wait_answer()
            media.use(answer)
            self.is_at(parameter(answer.get("To"), "tag").split(".")[0], "menu", node)
            media.digit("1" if self.counts(node)[0] else "2")
            self.until(lambda: self.heard(media).count(want) == 1 or media.lost())
            out.bye()
            if self.heard(media).count(want) == 1:
                return
        self.fail(f"{media.lost()} packets lost at the third time")

    def listens(self, node, shard, message, want, count):
        """By a phone of that node: all of it, and nothing more."""
        out, media = self.dials(node, shard, "7100")
        call = self.told(node, "call.waiting", count)["call"]
        node.ctl("call.answer", call=call)
        media.use(out.wait_answer())
        node.ctl("call.play", call=call, file=f"recording:{message}")
        told = self.told(node, "call.played", count)
        out.bye()
        heard = self.heard(media)
        self.assertEqual((told["reason"], len(heard), heard == want), ("end", len(want), True))

    def told(self, node, kind, count):
        """What the application heard as its so manieth of that kind."""
        rows = []
        self.until(lambda: rows.extend(row for row in node.told("td:{ev:default}:ivr") if row["type"] == kind) or len(rows) >= count or rows.clear())
        return rows[count - 1]

    def links(self, node, name, message):
        """What they lead to, one behind the other."""
        octets = []
        for link in node.ctl("message.link", mailbox=self.BOX, message=message, node=name)["links"]:
            with urllib.request.urlopen(f"http://{place.NODE}:{link['port']}{link['path']}", timeout=PATIENCE_S) as answer:
                octets.append(answer.read())
        return octets

    def test_killed(self):
        """It is heard as one, at whichever node: by command, in the mailbox, and by links."""
        self.is_heard()

    def test_away(self):
        """The same where its node came back when what a neighbour had of it was taken for all there is."""
        self.is_heard(lambda message: self.until(lambda: any(glob.glob(f"{self.folder_of(node)}/default/*/{message}.1.cut.wav.json") for node in (self.b, self.c))))

    def is_heard(self, before=lambda message: None):
        self.a.put_extension("7100", "secret", application="ivr")
        self.a.ctl("extension.put", number=self.BOX, pin="47110815")
        out, media, call = self.says(self.BOX)
        message = f"{call}-1"
        self.a.kill()
        self.until(lambda: self.owner(17) != "a")
        taker = {"b": self.b, "c": self.c}[self.owner(17)]
        media.stop()
        media.start(660)
        self.file(taker, f"{message}.2.wav", 20000)
        media.stop()
        out.bye()
        self.until(lambda: self.counts(taker)[0] == 1)
        before(message)
        self.a.restart()
        self.at_home()
        self.file(self.a, f"{message}.1.wav.json")
        self.until(lambda: [part["name"].split(".", 1)[1] for part in self.a.ctl("message.get", message=message, mailbox=self.BOX)["parts"]] == ["1.wav", "2.wav"])
        files = []
        for node, kind in ((self.a, "1.wav"), (taker, "2.wav")):
            with open(self.file(node, f"{message}.{kind}"), "rb") as file:
                files.append(file.read())
        want = b"".join(file[file.index(b"data") + 8:] for file in files).replace(b"\x7f", b"\xff").strip(b"\xff")
        had = sum(row["type"] == "call.played" for row in self.a.told("td:{ev:default}:ivr"))
        for count, (node, shard, name) in enumerate(((self.a, 17, "a"), (self.b, 18, "b"), (self.c, 19, "c")), had + 1):
            with self.subTest(node=name, taker=taker is node):
                self.listens(node, shard, message, want, count)
                self.by_key(node, shard, want)
                self.assertEqual(self.links(node, name, message), files)


if __name__ == "__main__":
    unittest.main()
