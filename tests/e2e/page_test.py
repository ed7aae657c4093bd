# SPDX-License-Identifier: Apache-2.0
"""Paging groups: the caller speaks to all members, whose phones answer by themselves (PAGE-08). One node for all tests of a class."""
import contextlib
import os
import queue
import socket
import threading
import time
import unittest

from directory_test import Pair
from guides_test import guide, typed
from lib import wire
from lib.node import Node
from lib.sip import SipError, or_none
from patience import until
from server import ServerError
from tandem_client import Client, Refused

CALLERS, MEMBERS = ("1001", "1002"), ("1011", "1012", "1013")
SPOKEN, REPLIED = 620, 1400         # Hz


class PagesTest(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Node(calls=16, settings=cls.settings))
        cls.phones = {}
        for number in CALLERS + MEMBERS:
            cls.node.put_extension(number, "secret" + number)
            phone = cls.phones[number] = cls.enterClassContext(cls.node.user_agent(number, "secret" + number))
            phone.audio = cls.enterClassContext(cls.node.media())
            assert phone.register().status == 200
        cls.puts()
        cls.ask("number.put", number="700", to="page:hall")

    @classmethod
    def ask(cls, command, **args):
        if cls.node.beside:
            return cls.node.ctl(command, **args)
        with Client(cls.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    @classmethod
    def puts(cls, **fields):
        cls.ask("page.put", name="hall", **{"members": ",".join(MEMBERS), "priority": "normal"} | fields)

    def setUp(self):
        self.puts()

    def tearDown(self):
        for row in self.ask("call.list"):
            with contextlib.suppress(Refused, ServerError):
                self.ask("call.hangup", call=row["id"])
        until(lambda: not self.ask("call.list"))
        for phone in self.phones.values():
            phone.audio.stop()

    def pages(self, caller="1001"):
        """He is answered, and speaks."""
        phone = self.phones[caller]
        out = phone.invite("700", phone.audio.sdp())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        phone.audio.stop()
        phone.audio.use(answer)
        phone.audio.start(SPOKEN)
        return out

    def hears(self, number, **more):
        """His phone answers by itself, and he hears the page."""
        phone = self.phones[number]
        incoming = phone.incoming(**more)
        self.assertIn("info=alert-autoanswer", incoming.request.get("Alert-Info"))
        self.assertEqual(incoming.request.get("Answer-Mode"), "Auto")
        phone.audio.use(incoming.request)
        incoming.answer(phone.audio.sdp())
        phone.audio.wait_tone(SPOKEN, anew=True)
        return incoming

    def is_not_rung(self, number):
        self.assertIsNone(or_none(self.phones[number].incoming, 0.5))

    def over(self, out, *incoming):
        out.bye()
        for one in incoming:
            one.wait_bye()
        until(lambda: not self.ask("conference.list"))

    def members(self):
        room, = self.ask("conference.list")
        return sorted(row["from"] for row in self.ask("conference.get", conference=room["id"])["list"] if row["state"] == "there")


class Pages(PagesTest):
    def test_one_speaks(self):
        """All members hear him, he and the others hear none of them, and the page ends with him."""
        out = self.pages()
        heard = [self.hears(number) for number in MEMBERS]
        self.phones["1001"].audio.stop()
        self.phones["1011"].audio.start(REPLIED)
        time.sleep(1)
        for number in ("1001", "1012"):
            self.assertFalse(self.phones[number].audio.is_tone(REPLIED), number)
        self.phones["1011"].audio.stop()
        self.phones["1001"].audio.start(SPOKEN)
        self.phones["1012"].audio.wait_tone(SPOKEN, anew=True)
        self.assertEqual(self.members(), ["1001", *MEMBERS])
        room, = self.ask("conference.list")
        self.puts(priority="emergency")         # that they have a call is no reason any more
        self.assertEqual(self.ask("page.ring", conference=room["id"]), {"rung": 0})
        self.over(out, *heard)

    def test_who_rings(self):
        """A phone that does not answer by itself rings no longer than the page lasts, whether another member hears it or none."""
        self.puts(members="1011,1012")
        for first in ("answers", "rings"):
            out = self.pages()
            heard = self.hears("1011") if first == "answers" else self.phones["1011"].incoming()
            rung = self.phones["1012"].incoming()
            rung.ring()
            if first == "rings":
                heard.ring()
            out.bye()
            heard.wait_bye() if first == "answers" else heard.wait_cancel()
            rung.wait_cancel()
            until(lambda: not self.ask("call.list"))

    def test_another_finds_it_busy(self):
        out = self.pages()
        heard = [self.hears(number) for number in MEMBERS]
        second = self.phones["1002"].invite("700", self.phones["1002"].audio.sdp())
        second.wait_answer()
        second.wait_bye()
        self.assertEqual(self.members(), ["1001", *MEMBERS])
        self.over(out, *heard)

    def test_who_leaves(self):
        """A member who hangs up hears the page no longer, the others do, and a command rings him again."""
        self.puts(members="1011,1012")
        out = self.pages()
        first, second = self.hears("1011"), self.hears("1012")
        first.bye()
        until(lambda: self.members() == ["1001", "1012"], self.members)
        room, = self.ask("conference.list")
        self.assertEqual(self.ask("page.ring", conference=room["id"]), {"rung": 1})
        self.over(out, self.hears("1011"), second)

    def test_priority(self):
        """A member with a call, or with do_not_disturb, is not rung; by priority one with a call is, and for an emergency all are."""
        self.ask("extension.put", number="1013", do_not_disturb=True)
        self.addCleanup(self.ask, "extension.put", number="1013", do_not_disturb=False)
        phone = self.phones["1002"]
        talk = phone.invite("1012", phone.audio.sdp())
        into = self.phones["1012"].incoming()
        into.answer(self.enterContext(self.node.media()).sdp())
        talk.wait_answer()
        self.addCleanup(self.puts, channel=0)
        for priority, channel, rung in (("normal", 0, ["1011"]), ("priority", 0, ["1011", "1012"]), ("emergency", 0, list(MEMBERS)),
                                        ("normal", 24, ["1011", "1012"]), ("normal", 25, list(MEMBERS))):
            self.puts(priority=priority, channel=channel)
            out = self.pages()
            heard = [self.hears(number) for number in rung]
            for number in set(MEMBERS[1:]).difference(rung):
                self.is_not_rung(number)
            self.over(out, *heard)
        talk.bye()
        into.wait_bye()

    def choose(self, number="1011", **fields):
        """As his session does."""
        return self.ask("page.choice.put", **{"as": number}, **fields)

    def test_choices(self):
        """A user hears no pages of a group that he has turned off, but for emergencies, and in a call those that he wants there; he knows his groups
        alone, his default first, and another one's choice is not his."""
        self.addCleanup(self.puts, channel=0)
        for name, channel in (("yard", 1), ("all", 2)):
            self.ask("page.put", name=name, members="1011", channel=channel)
            self.addCleanup(self.ask, "page.delete", name=name)
        self.ask("page.put", name="others", members="1012")
        self.addCleanup(self.ask, "page.delete", name="others")
        for args, want in (({}, ["yard", "all", "hall", "others"]), ({"limit": 1}, ["yard"]), ({"limit": 3}, ["yard", "all", "hall"]),
                           ({"sort": "name"}, ["all", "hall", "others", "yard"])):
            self.assertEqual([row["name"] for row in self.ask("page.list", **args) if row["name"] != "shop-floor"], want)     # of the guide
        self.addCleanup(self.ask, "page.choice.delete", number="1011")
        self.assertIn("off: it is in no paging group others", self.choose(off="others", default_group="all")["warnings"])
        self.assertEqual([(row["name"], row["number"], row["heard"], row["default"]) for row in self.ask("page.choice.get", **{"as": "1011"})["groups"]],
                         [("all", "", True, True), ("hall", "700", True, False), ("yard", "", True, False)])
        self.choose(off="hall, yard", default_group="")
        self.assertEqual([(row["name"], row["heard"]) for row in self.ask("page.choice.get", number="1011")["groups"]],
                         [("yard", False), ("all", True), ("hall", False)])
        for channel, rung in ((0, MEMBERS[1:]), (24, MEMBERS[1:]), (25, MEMBERS)):
            self.puts(channel=channel)
            out = self.pages()
            heard = [self.hears(number) for number in rung]
            if "1011" not in rung:
                self.is_not_rung("1011")
            self.over(out, *heard)
        for command in ("put", "get"):
            with self.assertRaises(Refused):
                self.ask(f"page.choice.{command}", **{"as": "1012", "number": "1011"})
        self.puts(channel=0, members="1011")
        self.choose(off="", in_calls=True)
        talk = self.phones["1002"].invite("1011", self.phones["1002"].audio.sdp())
        into = self.phones["1011"].incoming()
        into.answer(self.enterContext(self.node.media()).sdp())
        talk.wait_answer()
        out = self.pages()
        self.over(out, self.hears("1011"))
        self.choose(in_calls=False)
        out = self.pages()
        self.is_not_rung("1011")
        out.bye()
        talk.bye()
        into.wait_bye()

    def test_killed(self):
        """A page goes on in the next process. Nobody is rung twice, nor who has hung up, whatever the caller's phone asks then."""
        self.puts(priority="emergency")
        out = self.pages()
        first, gone = self.hears("1011"), self.hears("1013")
        gone.bye()
        until(lambda: self.members() == ["1001", "1011"], self.members)
        until(lambda: all(call["saved"] for call in self.ask("call.list")))
        self.node.kill()
        self.node.restart()
        self.phones["1011"].audio.wait_tone(SPOKEN, anew=True)
        second = self.hears("1012")
        out.reinvite(self.phones["1001"].audio.sdp(version=2))
        for number in ("1011", "1013"):
            self.is_not_rung(number)
        self.over(out, first, second)

    def test_guide(self):
        """docs/guides/paging.md, as it stands there. It gives two extensions a password of its own."""
        for number in CALLERS:
            self.addCleanup(self.ask, "extension.put", number=number, password="secret" + number)
        self.assertIn("shop-floor", typed(self, self.node, guide("paging.md")))
        self.assertEqual(self.ask("number.get", number="710")["to"], "page:shop-floor")

    def test_refused(self):
        """What a group does not take; nobody comes into its room otherwise; and it is over where its group is gone."""
        for fields in ({"members": "10 11"}, {"members": "1011,,1012"}, {"priority": "high"}, {"members": ",".join(["1"] * 251)}):
            with self.assertRaises(Refused):
                self.puts(**fields)
        for to in ("page:", "fax:hall", "number:700"):
            with self.assertRaises(Refused):
                self.ask("number.put", number="701", to=to)
        self.puts(members="1011")
        out = self.pages()
        heard = self.hears("1011")
        for to in ("page:hall", "page%3Ahall"):
            spy = self.phones["1002"].invite(to, self.phones["1002"].audio.sdp())
            self.assertIn(spy.wait_final().status, (403, 404))
        room, = self.ask("conference.list")
        for conference in ("0000000000001", out.call_id[:13]):
            with self.assertRaises(Refused):
                self.ask("page.ring", conference=conference)
        self.ask("page.delete", name="hall", force=True)
        with self.assertRaises(Refused):
            self.ask("page.ring", conference=room["id"])
        self.over(out, heard)
        again = self.phones["1001"].invite("700", self.phones["1001"].audio.sdp())
        with contextlib.suppress(SipError):
            self.assertIn(again.wait_final().status, (404, 480, 500, 503))


class PagesOfNodes(Pair):
    """Two nodes of a cluster."""
    @classmethod
    def settings(cls, name, shard):
        return super().settings(name, shard) | {"cluster": {"listen": f"127.0.0.{16 + shard}:7946", "shards": [1, 2]}}

    @classmethod
    def setUpClass(cls):
        wire.alone()        # other files have nodes at these addresses, too
        super().setUpClass()
        until(lambda: cls.b.metric("tandem_cluster_nodes", state="heard") == 1)
        cls.ends = {}
        for number, node in (("1001", cls.a), ("1002", cls.b), ("1003", cls.a), ("1011", cls.a), ("1012", cls.b), ("1013", cls.b)):
            cls.a.put_extension(number, "secret" + number)
            until(lambda at=node, number=number: any(row["number"] == number for row in at.ctl("extension.list")))
            cls.ends[number] = cls.enterClassContext(node.user_agent(number, "secret" + number)), cls.enterClassContext(node.media())
            assert cls.ends[number][0].register().status == 200
        cls.a.ctl("page.put", name="hall", members="1011,1012")
        cls.a.ctl("number.put", number="700", to="page:hall")
        until(lambda: cls.b.ctl("number.list") and cls.b.ctl("page.list"))

    def test_busy_elsewhere(self):
        """A member with a call is not rung, at whichever node the call and the page are."""
        self.a.ctl("page.put", name="hall", members="1011,1012,1013")
        self.addCleanup(self.a.ctl, "page.put", name="hall", members="1011,1012")
        talks = []
        for caller, member in (("1003", "1011"), ("1002", "1012")):     # at a, and at b
            out = self.ends[caller][0].invite(member, self.ends[caller][1].sdp())
            into = self.ends[member][0].incoming()
            into.answer(self.ends[member][1].sdp())
            out.wait_answer()
            talks.append((out, into))
        for caller in ("1001", "1002"):
            phone, audio = self.ends["1001"]
            if caller == "1002":
                talks[1][0].bye()
                talks.pop()[1].wait_bye()
                phone, audio = self.ends["1002"]
            out = phone.invite("700", audio.sdp())
            out.wait_answer()
            heard = self.ends["1013"][0].incoming()
            heard.answer(self.ends["1013"][1].sdp())
            rung = {number: incoming for number in ("1011", "1012") if (incoming := or_none(self.ends[number][0].incoming, 0.5))}
            for incoming in rung.values():
                incoming.reject(486)
            self.assertEqual(list(rung), [] if caller == "1001" else ["1012"])
            out.bye()
            heard.wait_bye()
            until(lambda: not self.a.ctl("conference.list") and not self.b.ctl("conference.list"))
        talks[0][0].bye()
        talks[0][1].wait_bye()

    def test_phones_of_both(self):
        """Members are rung wherever they registered, whichever node has the page; and a number that conference.invite names."""
        ends = self.ends
        for caller, node in (("1001", self.a), ("1002", self.b)):
            phone, audio = ends[caller]
            out = phone.invite("700", audio.sdp())
            audio.use(out.wait_answer())
            audio.start(SPOKEN)
            heard = []
            for member in ("1011", "1012"):
                heard.append(ends[member][0].incoming())
                ends[member][1].use(heard[-1].request)
                heard[-1].answer(ends[member][1].sdp())
                ends[member][1].wait_tone(SPOKEN, anew=True)
            if node is self.a:      # either has the room
                (owner, room), = ((at, row) for at in (self.a, self.b) for row in at.ctl("conference.list"))
                owner.ctl("conference.invite", conference=room["id"], to="1013", muted=True, auto_answer=True)
                into = ends["1013"][0].incoming()
                self.assertIn("info=alert-autoanswer", into.request.get("Alert-Info"))
                into.reject(486)
            audio.stop()
            out.bye()
            for one in heard:
                one.wait_bye()
            until(lambda: not self.a.ctl("conference.list") and not self.b.ctl("conference.list"))


    def test_priority_of_both(self):
        """A page of priority at the other node takes the members that it has in common, and no lower page has them while it lasts."""
        ends = self.ends
        self.a.ctl("page.put", name="hall", members="1011,1013")
        self.addCleanup(self.a.ctl, "page.put", name="hall", members="1011,1012")
        for channel in (24, 25):
            self.a.ctl("page.put", name="urgent", members="1011,1012", channel=channel)
            self.a.ctl("number.put", number="724", to="page:urgent")
            until(lambda channel=channel: [row["channel"] for row in self.b.ctl("page.list") if row["name"] == "urgent"] == [channel])
            until(lambda: self.b.ctl("number.list", number="724"))
            low = ends["1001"][0].invite("700", ends["1001"][1].sdp())
            ends["1001"][1].use(low.wait_answer())
            ends["1001"][1].start(SPOKEN)
            first, other = (ends[number][0].incoming() for number in ("1011", "1013"))
            for number, one in (("1011", first), ("1013", other)):
                ends[number][1].use(one.request)
                one.answer(ends[number][1].sdp())
            high = ends["1002"][0].invite("724", ends["1002"][1].sdp())
            high.wait_answer()
            first.wait_bye()
            heard = [ends[number][0].incoming() for number in ("1011", "1012")]
            for one in heard:
                one.answer(ends["1012"][1].sdp())
            ends["1013"][1].wait_tone(SPOKEN, anew=True)
            (owner, room), = ((at, row) for at in (self.a, self.b) for row in at.ctl("conference.list") if row["number"] == "page:hall")
            owner.ctl("conference.invite", conference=room["id"], to="1011", muted=True, auto_answer=True)
            again = ends["1011"][0].incoming()
            again.ring()
            again.wait_cancel()
            ends["1001"][1].stop()
            for out in (low, high):
                out.bye()
            for one in (other, *heard):
                one.wait_bye()
            until(lambda: not self.a.ctl("conference.list") and not self.b.ctl("conference.list"))
        self.a.ctl("number.delete", number="724")
        self.a.ctl("page.delete", name="urgent")


def delays(came, to):
    """What came at a time goes on DELAY_S later, however much there is of it."""
    with contextlib.suppress(OSError):
        while (one := came.get())[1]:
            time.sleep(max(0.0, one[0] - time.monotonic()))
            to.sendall(one[1])


def carries(of, to, delay_s):
    came = queue.SimpleQueue()
    threading.Thread(target=delays, args=(came, to), daemon=True).start()
    with contextlib.suppress(OSError):
        while data := of.recv(65536):
            came.put((time.monotonic() + delay_s, data))
    came.put((0, b""))
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_RDWR)


class PagesFarFromRedis(Pair):
    """A node whose Redis takes DELAY_S for each answer."""
    DELAY_S = 0.05
    MEMBERS = [str(number) for number in range(1100, 1140)]

    @classmethod
    def redis_start(cls):
        super().redis_start()
        door = socket.socket(socket.AF_UNIX)
        cls.addClassCleanup(door.close)
        door.bind(cls.far())
        door.listen()
        threading.Thread(target=cls.lets_in, args=(door,), daemon=True).start()

    @classmethod
    def lets_in(cls, door):
        with contextlib.suppress(OSError):
            while True:
                near, server = door.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(cls.socket)
                threading.Thread(target=carries, args=(near, server, 0), daemon=True).start()
                threading.Thread(target=carries, args=(server, near, cls.DELAY_S), daemon=True).start()

    @classmethod
    def far(cls):
        return os.path.join(cls.folder, "far.sock")

    @classmethod
    def settings(cls, name, shard):
        return super().settings(name, shard) | {"redis": {"url": f"unix:{cls.far()}"}}

    @classmethod
    def joins(cls, name, shard):
        """One is enough."""
        return cls.a

    def test_many_members(self):
        """To look all of them up takes longer than what is known of the first one counts."""
        for number in ("1001", *self.MEMBERS):
            self.a.put_extension(number, "secret" + number)
        ends = {}
        for number in ("1001", self.MEMBERS[0], self.MEMBERS[-1]):
            ends[number] = self.enterContext(self.a.user_agent(number, "secret" + number)), self.enterContext(self.a.media())
            self.assertEqual(ends[number][0].register().status, 200)
        self.a.ctl("page.put", name="hall", members=",".join(self.MEMBERS))
        self.a.ctl("number.put", number="700", to="page:hall")
        out = ends["1001"][0].invite("700", ends["1001"][1].sdp())
        out.wait_answer()
        heard = [ends[number][0].incoming() for number in (self.MEMBERS[0], self.MEMBERS[-1])]
        for one in heard:
            one.reject(486)
        out.bye()


if __name__ == "__main__":
    unittest.main()
