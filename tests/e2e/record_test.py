# SPDX-License-Identifier: Apache-2.0
"""Recordings of calls: the file has both parties, and not what was said while it was paused; over a kill of the node, with a tone or without; and account codes of calls that are recorded: BEAT-09, CALL-35, REC-01, REC-02, REC-03, REC-04, REC-06."""
import audioop
import glob
import json
import os
import re
import sys
import time
import unittest
import urllib.request

import tone
from server import ServerError

from lib.codec import G722
from lib.node import merged

from music_test import MusicTest, TALK_A, TALK_B
from patience import until
from ports import Ports
from session_test import Users

SECRET_TONE = 1700
MISSING_MOST_S = 1.5                # 0.5 on a quiet machine


def sides(path):
    """The samples of a stereo file of G.711: left and right."""
    with open(path, "rb") as file:
        data = file.read()
    at = data.index(b"data") + 8
    law = audioop.ulaw2lin if int.from_bytes(data[20:22], "little") == 7 else audioop.alaw2lin
    octets = data[at:]
    return [memoryview(law(octets[side::2], 2)).cast("h") for side in (0, 1)]


def facts_of(path):
    with open(path + ".json", encoding="utf-8") as file:
        return json.load(file)


def has(samples, hertz):
    """For how many tenths of a second that tone is there."""
    return sum(1 for at in range(0, len(samples) - 800, 800)
               if tone.share(samples[at:at + 800], 8000, hertz) > 0.5)


class RecordTest(MusicTest):
    settings = {"recordings": {"join_wait": "0s"}}      # what a kill has parted stays so

    def setUp(self):
        super().setUp()
        self.node.ctl("extension.put", number="1001", record="on_demand")

    def files(self):
        folder = os.path.join(self.node.folder, "recordings")
        return sorted(glob.glob(f"{folder}/**/*.wav", recursive=True))

    def finished(self, count):
        until(lambda: sum(os.path.exists(path + ".json") for path in self.files()) == count,
              lambda: f"{self.files()}\n{self.node.log_tail()}")
        return self.files()

    def order(self, state):
        self.node.ctl("call.record", call=self.call_id(), leg="a", state=state)

    def shown(self):
        return self.node.ctl("call.show", call=self.call_id())["recordings"]


class Recorded(RecordTest):
    def test_paused(self):
        out, into = self.talk()
        with self.assertRaisesRegex(ServerError, "the party is not being recorded: start with on=true"):
            self.order("pause")
        self.order("on")
        self.assertEqual([row["state"] for row in self.shown()], ["on"])
        time.sleep(1)
        self.order("pause")
        self.audio_a.stop()
        self.audio_a.start(SECRET_TONE)
        self.hears(self.audio_b, SECRET_TONE)
        self.audio_a.stop()
        self.audio_a.start(TALK_A)
        self.hears(self.audio_b, TALK_A)
        self.order("resume")
        time.sleep(0.5)
        call = self.call_id()
        self.ends(out, into)
        path, = self.finished(1)
        left, right = sides(path)
        self.assertGreater(has(left, TALK_A), 8)
        self.assertGreater(has(right, TALK_B), 8)
        self.assertEqual(has(left, SECRET_TONE), 0)
        with open(path + ".json", encoding="utf-8") as file:
            facts = json.load(file)
        self.assertEqual([facts[name] for name in ("recording", "from", "to", "user", "cause", "last")],
                         [f"{call}-1", "1001", "1002", "1001", "command", True])

    def test_killed(self):
        out, into = self.talk()
        self.order("on")
        begun = time.monotonic()
        time.sleep(2)
        self.node.kill()
        lived = time.monotonic() - begun
        self.node.restart()
        self.talks()
        self.ends(out, into)
        paths = self.finished(2)
        self.assertEqual([path.rsplit("-", 1)[1] for path in paths], ["1.1.wav", "1.2.wav"])
        self.assertGreater(has(sides(paths[0])[0], TALK_A), 4)
        self.assertGreater(has(sides(paths[1])[1], TALK_B), 0)
        first, second = map(facts_of, paths)
        missing = lived - first["duration_ms"] / 1000
        print(f"# missing of a file that kill -9 cut: {missing:.3f} s", file=sys.stderr)
        self.assertLess(missing, MISSING_MOST_S)
        for facts, interrupted in ((first, True), (second, False)):
            self.assertEqual([facts.get(name) for name in ("from", "to", "user", "interrupted")], ["1001", "1002", "1001", interrupted])


class OfHisOwn(Users, RecordTest):
    """CON-13: a user turns recording of all his calls on, where he may; what lies in his mailbox he lists and plays."""
    def setUp(self):
        self.settings = {"recordings": {"join_wait": "0s", "port": self.enterContext(Ports(1)).take()}}
        super().setUp()

    def test_switch(self):
        self.node.ctl("extension.put", number="1002", record_to="mailbox")
        mine, theirs = (self.session(self.node, number)["token"] for number in ("1002", "1001"))
        own = "/v1/extensions/1002"
        problem = self.refused(403, "not_allowed", self.node, "PATCH", own, mine, {"record": "auto"})
        self.assertIn("record_own", str(problem))
        self.node.ctl("extension.put", number="1002", record_own=True)
        self.refused(403, "not_allowed", self.node, "PATCH", own, theirs, {"record": "auto"})
        for body in ({"record_own": False}, {"record_to": "files"}):
            self.refused(403, "not_allowed", self.node, "PATCH", own, mine, body)
        self.ok(self.node, "PATCH", own, mine, {"record": "auto"})
        out, into = self.talk()
        until(lambda: self.shown(), self.node.log_tail)
        self.assertEqual([(row["leg"], row["state"]) for row in self.shown()], [("b", "on")])
        time.sleep(1)
        self.ends(out, into)
        path, = self.finished(1)
        row, = until(lambda: self.ok(self.node, "GET", "/v1/recordings", mine), self.node.log_tail)
        self.assertEqual((row["from"], row["to"], row["mailbox"]), ("1001", "1002", "1002"))
        self.assertEqual(self.ok(self.node, "GET", "/v1/recordings", theirs), [])
        message = f"/v1/messages/{row['call']}-{row['number']}/link"
        link, = self.ok(self.node, "GET", message, mine)["links"]
        with urllib.request.urlopen(f"http://127.0.0.1:{link['port']}{link['path']}", timeout=10) as got, open(path, "rb") as file:
            self.assertEqual(got.read(), file.read())
        self.refused(404, "not_found", self.node, "GET", message, theirs)
        self.audio_a.stop()
        self.audio_b.stop()
        self.ok(self.node, "PATCH", own, mine, {"record": "off"})
        out, into = self.talk()
        self.assertEqual(self.shown(), [])
        self.ends(out, into)


class OfAGroup(RecordTest):
    """REC-01: the group's method comes before that of its members, in its calls alone."""
    def setUp(self):
        super().setUp()
        self.node.ctl("number.put", number="700", to="group:sales")

    def group(self, **terms):
        self.node.ctl("group.put", name="sales", members="1002", **terms)

    def test_auto(self):
        """Over a kill, in the mailbox of who answered, and no direct call."""
        self.group(record="auto", record_to="mailbox")
        out, into = self.talk(to="700")
        until(lambda: self.shown(), self.node.log_tail)
        self.assertEqual([(row["leg"], row["state"]) for row in self.shown()], [("b", "on")])
        time.sleep(1)
        self.node.kill()
        self.node.restart()
        self.talks()
        self.ends(out, into)
        paths = self.finished(2)
        self.assertEqual([(facts_of(path)["user"], facts_of(path)["mailbox"], facts_of(path)["cause"]) for path in paths], [("1002", "1002", "policy")] * 2)
        self.assertGreater(has(sides(paths[0])[1], TALK_A), 4)
        self.audio_a.stop()
        self.audio_b.stop()
        out, into = self.talk()
        self.assertEqual(self.shown(), [])
        self.ends(out, into)

    def test_on_demand(self):
        """... and as it is when asked: a group that is changed, or is gone, says nothing any more."""
        self.group(record="on_demand")
        out, into = self.talk(to="700")

        def on():
            return self.node.ctl("call.record", call=self.call_id(), leg="b", state="on")

        self.group(record="off")
        with self.assertRaisesRegex(ServerError, "on_demand"):
            on()
        self.node.ctl("group.delete", name="sales", force=True)
        with self.assertRaisesRegex(ServerError, "on_demand"):
            on()
        self.group(record="on_demand")
        on()
        self.assertEqual([(row["leg"], row["state"]) for row in self.shown()], [("b", "on")])
        time.sleep(0.5)
        self.ends(out, into)
        path, = self.finished(1)
        self.assertEqual([facts_of(path).get(name) for name in ("user", "mailbox", "cause")], ["1002", None, "command"])

    def test_seats(self):
        """It takes one of max_recorded, gives it back, and finds none; a restart counts them again."""
        self.node.ctl("tenant.put", name="default", max_recorded=2)

        def recorded():
            return self.node.ctl("tenant.status")["recorded"]

        self.assertEqual(recorded(), 1)                 # 1001
        self.group(record="auto")
        self.assertEqual(recorded(), 2)
        self.group(record="on_demand")
        self.assertEqual(recorded(), 2)
        with self.assertRaisesRegex(ServerError, "max_recorded of the tenant"):
            self.node.ctl("group.put", name="support", members="1001", record="auto")
        with self.assertRaisesRegex(ServerError, "max_recorded of the tenant"):
            self.node.ctl("extension.put", number="1002", record="auto")
        self.node.ctl("group.put", name="support", members="1001", record="off")
        self.node.kill()
        self.node.restart()
        self.assertEqual(recorded(), 2)
        for take in ({"record": "off"}, {"record": "default"}, None):
            self.group(record="auto")
            self.assertEqual(recorded(), 2)
            if take:
                self.group(**take)
            else:
                self.node.ctl("group.delete", name="sales", force=True)
            self.assertEqual(recorded(), 1)
        with self.assertRaisesRegex(ServerError, "record"):
            self.group(record="always")


class OfAQueue(RecordTest):
    """REC-01, IVR-06: the queue's method comes before that of its agents, in its calls alone; their phones show queue and number."""
    def setUp(self):
        super().setUp()
        self.queue()
        self.node.ctl("number.put", number="700", to="queue:sales")
        self.node.ctl("agent.login", number="1002")

    def queue(self, **terms):
        self.node.ctl("queue.put", name="sales", members="1002", **terms)

    def in_turn(self):
        """A waits with music, B is rung for him, and they speak."""
        out = self.a.invite("700", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        into = self.b.incoming()
        self.audio_b.use(into.request)
        into.answer(self.audio_b.sdp())
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        return out, into

    def test_auto(self):
        """Over a kill, in the agent's mailbox; the name of the queue is before the caller's, and no direct call is recorded."""
        self.queue(record="auto", record_to="mailbox", prefix="Sales", show_called=True)
        out, into = self.in_turn()
        self.assertIn("Sales 700", into.request.get("From"))
        until(lambda: self.shown(), self.node.log_tail)
        self.assertEqual([(row["leg"], row["state"]) for row in self.shown()], [("b", "on")])
        time.sleep(1)
        self.node.kill()
        self.node.restart()
        self.talks()
        self.ends(out, into)
        paths = self.finished(2)
        self.assertEqual([(facts_of(path)["user"], facts_of(path)["mailbox"], facts_of(path)["cause"]) for path in paths], [("1002", "1002", "policy")] * 2)
        self.assertGreater(has(sides(paths[0])[1], TALK_A), 4)
        self.audio_a.stop()
        self.audio_b.stop()
        out, into = self.talk()
        self.assertNotIn("Sales", into.request.get("From"))
        self.assertEqual(self.shown(), [])
        self.ends(out, into)

    def test_on_demand(self):
        """... and as it is when asked; off counts before what the agent's own says."""
        self.node.ctl("extension.put", number="1002", record="auto")
        self.queue(record="off")
        out, into = self.in_turn()
        self.assertEqual(self.shown(), [])

        def on():
            return self.node.ctl("call.record", call=self.call_id(), leg="b", state="on")

        with self.assertRaisesRegex(ServerError, "on_demand"):
            on()
        self.queue(record="on_demand")
        on()
        self.assertEqual([(row["leg"], row["state"]) for row in self.shown()], [("b", "on")])
        time.sleep(0.5)
        self.ends(out, into)
        path, = self.finished(1)
        self.assertEqual([facts_of(path).get(name) for name in ("user", "mailbox", "cause")], ["1002", None, "command"])

    def test_seats(self):
        """It takes one of max_recorded, gives it back, and finds none; a restart counts them again."""
        self.node.ctl("tenant.put", name="default", max_recorded=2)

        def recorded():
            return self.node.ctl("tenant.status")["recorded"]

        self.assertEqual(recorded(), 1)                 # 1001
        self.queue(record="auto")
        self.queue(record="on_demand")
        self.assertEqual(recorded(), 2)
        with self.assertRaisesRegex(ServerError, "max_recorded of the tenant"):
            self.node.ctl("queue.put", name="support", members="1001", record="auto")
        self.node.kill()
        self.node.restart()
        self.assertEqual(recorded(), 2)
        self.queue(record="off")
        self.assertEqual(recorded(), 1)
        self.queue(record="auto")
        self.node.ctl("queue.delete", name="sales", force=True)
        self.assertEqual(recorded(), 1)


class Aware(RecordTest):
    """The caller's phone understands a=record (RFC 7866), and that of who is called does not."""

    def talk(self, **_):
        out = self.a.invite("1002", self.audio_a.sdp(), headers=[("Supported", "record-aware")])
        into = self.b.incoming()
        into.respond(200, "OK", body=self.audio_b.sdp())
        self.answered = out.wait_answer()
        into.wait_ack()
        self.audio_a.use(self.answered)
        self.audio_b.use(into.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        return out, into

    @staticmethod
    def said(message):
        return re.findall(r"a=record:(\S+)", message.body.decode())

    def told(self, dialog):
        """What the next re-INVITE says; its phone takes it."""
        request = dialog.wait_reinvite(self.audio_a.sdp())
        dialog.agent.take_request("ACK", call_id=dialog.call_id)
        return self.said(request)

    def test_told(self):
        """Over start, pause, resume, a kill and stop; the other party is told nothing, and its session stays as it is."""
        out, into = self.talk()
        self.assertEqual((self.said(self.answered), self.said(into.request)), (["off"], []))
        for order, told in (("on", "on"), ("pause", "paused"), ("resume", "on")):
            self.order(order)
            self.assertEqual(self.told(out), [told])
        self.talks()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.talks()
        self.order("off")
        self.assertEqual(self.told(out), ["off"], "the next process says nothing twice")
        self.order("on")
        self.assertEqual(self.said(out.take_reinvite()), ["on"])
        self.saved()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.told(out), ["on"])
        self.talks()
        self.assertEqual(self.b.count(lambda m: m.is_request and m.method in ("INVITE", "UPDATE") and m.cseq != into.request.cseq), 0)
        self.ends(out, into)

    def test_in_the_answer(self):
        self.node.ctl("extension.put", number="1001", record="auto")
        out, into = self.talk()
        self.assertEqual(self.said(self.answered), ["on"])
        time.sleep(0.5)
        self.assertEqual(self.a.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        self.ends(out, into)
        self.finished(1)


BEEP, BEEP_EVERY_S, STEP = 1400, 2, 5           # packets that are looked at together: 0.1 s


def beeps(end, since):
    """Which of the packets since then begin a tone: (when it came, its number among them)."""
    packets, begun, sounds = end.audio(since), [], False
    for at in range(0, len(packets) - STEP, STEP):
        part = end.codec.samples([packet.payload for packet in packets[at:at + STEP]])
        before, sounds = sounds, tone.power(part, end.codec.rate, BEEP) > 500_000
        if sounds and not before:
            begun.append((packets[at].at, at))
    return begun


class Toned(RecordTest):
    """Both parties hear that the call is recorded, at once and again."""
    settings = merged(RecordTest.settings, {"recordings": {"tone": f"{BEEP_EVERY_S}s"}})

    def beeps(self, count, since):
        """So many are heard by each of both."""
        for end in (self.audio_a, self.audio_b):
            until(lambda end=end: len(beeps(end, since)) >= count, lambda end=end: f"{beeps(end, since)} of {count}")
        return [beeps(end, since) for end in (self.audio_a, self.audio_b)]

    def evenly(self, begun):
        for before, after in zip(begun, begun[1:]):
            self.assertAlmostEqual(after[0] - before[0], BEEP_EVERY_S, delta=1)

    def untouched(self, end, hertz, since, begun):
        """What is not near a tone is what was sent, octet for octet."""
        sent, packets = set(end.codec.frames(hertz)), end.audio(since)
        rest = [packet for n, packet in enumerate(packets) if all(abs(n - at) > 40 for _, at in begun)]
        self.assertGreater(len(rest), 10)
        self.assertEqual([packet for packet in rest if packet.payload not in sent], [])

    def test_both_hear_it(self):
        """Over a pause and a kill."""
        out, into = self.talk()
        since = time.monotonic()
        self.order("on")
        of_a, of_b = self.beeps(3, since)
        self.assertLess(of_a[0][0] - since, 2)
        for begun in (of_a, of_b):
            self.evenly(begun)
        self.untouched(self.audio_a, TALK_B, since, of_a)
        self.untouched(self.audio_b, TALK_A, since, of_b)
        self.order("pause")
        paused = time.monotonic() + 0.5
        time.sleep(BEEP_EVERY_S + 1)
        for end in (self.audio_a, self.audio_b):
            self.assertEqual(beeps(end, paused), [])
        self.order("resume")
        self.saved()
        self.node.kill()
        self.node.restart()
        for begun in self.beeps(3, time.monotonic()):
            self.evenly(begun[1:])      # the first one may be overdue: the next keeps to its time
        self.one_stream(self.audio_a, kills=1)
        self.ends(out, into)
        left, right = sides(self.finished(2)[0])
        self.assertGreater(has(left, TALK_A), 8)
        self.assertGreater(has(right, TALK_B), 8)

    def test_held_and_coded(self):
        """Between two codecs, and with music, by the document of who is recorded."""
        self.audio_b.codec, self.audio_b.pt = G722(), 9
        self.plays()
        out = self.a.invite("1002", self.audio_a.sdp())
        self.b.incoming().reject(488, "Not Acceptable Here")        # and is asked once more
        into = self.b.incoming()
        into.answer(self.audio_b.sdp(codecs=("9 G722/8000",)))
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(into.request)
        self.audio_a.start(TALK_A)
        self.audio_b.start(TALK_B)
        self.talks()
        self.node.ctl("tenant.put", name="default", record_tone="off")
        self.node.ctl("extension.put", number="1001", record_tone="on")
        since = time.monotonic()
        self.order("on")
        self.beeps(1, since)
        self.held_by_command(into, codecs=("9 G722/8000",))
        since = time.monotonic()
        until(lambda: len(beeps(self.audio_b, since)) >= 2, lambda: f"{beeps(self.audio_b, since)}")
        self.ends(out, into)


CODES = {"record_on": "*1", "record_off": "*1", "record_pause": "*2", "record_resume": "*2", "account": "*7"}


class ByCode(Toned):
    """A party begins, pauses and ends the recording by what it presses; the other one hears the tone, and nothing of the codes."""
    test_both_hear_it = test_held_and_coded = None
    settings = merged(Toned.settings, {"call_codes": CODES})

    def press(self, end, keys):
        end.stop()
        for key in keys:
            end.digit(key)
        end.start(TALK_A if end is self.audio_a else TALK_B)

    def states(self, *states):
        until(lambda: [row["state"] for row in self.shown()] == list(states), lambda: f"{self.shown()}\n{self.node.log_tail()}")

    def test_dialled(self):
        """Over a kill within a code."""
        out, into = self.talk()
        call, since = self.call_id(), time.monotonic()
        self.press(self.audio_a, "*1")
        self.states("on")
        self.assertEqual([row["cause"] for row in self.shown()], ["code"])
        self.beeps(1, since)
        self.press(self.audio_a, "*2")
        self.states("paused")
        self.audio_a.stop()
        self.audio_a.start(SECRET_TONE)
        self.hears(self.audio_b, SECRET_TONE)
        self.audio_a.stop()
        self.audio_a.start(TALK_A)
        self.hears(self.audio_b, TALK_A)
        self.press(self.audio_a, "*2")
        self.states("on")
        time.sleep(1)
        self.press(self.audio_a, "*")
        time.sleep(0.3)
        self.saved()
        self.node.kill()
        self.node.restart()
        until(lambda: [row["state"] for row in self.shown()] == ["on"], lambda: self.node.log_tail())
        self.press(self.audio_a, "1")
        self.states()
        first, second = self.finished(2)
        self.assertEqual(self.audio_b.digits(), "")
        left, right = sides(first)
        self.assertGreater(has(left, TALK_A), 8)
        self.assertGreater(has(right, TALK_B), 8)
        self.assertEqual(has(left, SECRET_TONE), 0)
        self.assertEqual([facts_of(second)[name] for name in ("recording", "user", "cause", "last")],
                         [f"{call}-1", "1001", "code", True])
        self.ends(out, into)

    def coded(self, code):
        until(lambda: self.node.ctl("call.show", call=self.call_id())["account_code"] == code, self.node.log_tail)

    def test_account_code(self):
        """Pressed while the call is recorded, over a kill within it: call and recording go on, the other party hears nothing, and the code is beside the files."""
        self.node.ctl("extension.put", number="1001", account_code="optional")
        out, into = self.talk()
        call = self.call_id()
        self.press(self.audio_a, "*1")
        self.states("on")
        self.press(self.audio_a, "*747#")
        self.coded("47")
        time.sleep(1)
        self.press(self.audio_a, "*71")
        self.saved()
        self.node.kill()
        self.node.restart()
        until(lambda: [row["state"] for row in self.shown()] == ["on"], self.node.log_tail)
        self.press(self.audio_a, "1#")
        self.coded("11")
        self.node.ctl("call.account_code", call=call, code="case-9")
        self.coded("case-9")
        self.hears(self.audio_b, TALK_A)
        self.assertEqual(self.audio_b.digits(), "")
        self.ends(out, into)
        first, second = self.finished(2)
        self.assertEqual([facts_of(path)["account_code"] for path in (first, second)], ["47", "case-9"])
        self.assertGreater(has(sides(first)[0], TALK_A), 8)
        self.assertGreater(has(sides(second)[0], TALK_A), 0)
        until(lambda: self.node.cdrs(), self.node.log_tail)
        self.assertEqual([cdr["account_code"] for cdr in self.node.cdrs()], ["case-9"])
        told = [(row["account_code"], row["reason"]) for row in self.node.events() if row["type"] == "call.account_code"]
        self.assertEqual(told, [("47", "code"), ("11", "code"), ("case-9", "command")])
        until(lambda: sorted(row.get("account_code") for row in self.node.ctl("recording.list", call=call)) == ["47", "case-9"])

    def test_no_codes(self):
        """What is none reaches the other party; so does all of who may not."""
        out, into = self.talk()
        self.press(self.audio_a, "5*7#")
        self.press(self.audio_b, "*1")
        self.assertEqual(self.audio_a.wait_digits("*1"), "*1")
        self.assertEqual(self.audio_b.wait_digits("5*7#"), "5*7#")
        self.press(self.audio_a, "*")
        self.assertEqual(self.audio_b.wait_digits("5*7#*"), "5*7#*")
        self.assertEqual(self.shown(), [])
        self.ends(out, into)
        self.assertEqual(self.files(), [])

    def test_by_info(self):
        out, into = self.talk()
        for key in "*1":
            request = out.in_dialog("INFO", body=f"Signal={key}\r\nDuration=160\r\n")
            request.set("Content-Type", "application/dtmf-relay")
            self.assertEqual(out.transact(request).status, 200)
        self.states("on")
        self.ends(out, into)
        self.assertEqual(facts_of(*self.finished(1))["cause"], "code")
        self.assertEqual(self.audio_b.digits(), "")


if __name__ == "__main__":
    unittest.main()
