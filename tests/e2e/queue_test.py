# SPDX-License-Identifier: Apache-2.0
"""Queues: callers wait with music, agents take them in order; who leaves, and what is kept over a kill. One node for all tests of a class."""
import contextlib
import os
import time
import unittest

from guides_test import guide, typed
from lib.node import Node
from lib.sip import SipError, or_none
from music_test import wav
from patience import slowness, until
from server import ServerError
from tandem_client import Client, Refused

CALLERS, AGENTS = ("1001", "1002", "1003"), ("1011", "1012")
MUSIC, POSITION, ONE, WAIT, JAZZ, CONFIRMATION = 620, 1000, 1400, 1800, 880, 425          # Hz


class Queued(unittest.TestCase):
    """A node with callers, agents and the queue sales, whose number is 100."""
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(Node(rate=5, calls=16, settings={"media": {"music": "music.wav"}}, start=False))
        for name, hertz in (("music", MUSIC), ("jazz", JAZZ)):
            wav(os.path.join(cls.node.folder, "sounds", "default", name + ".wav"), hertz)
        cls.node.start()
        for number in CALLERS + AGENTS:
            cls.node.put_extension(number, "secret" + number)
        cls.phones = {}
        for number in CALLERS + AGENTS:
            phone = cls.phones[number] = cls.enterClassContext(cls.node.user_agent(number, "secret" + number))
            phone.audio = cls.enterClassContext(cls.node.media())
            assert phone.register().status == 200
        cls.ask("number.put", number="100", to="queue:sales")

    @classmethod
    def ask(cls, command, **args):
        if cls.node.beside:
            return cls.node.ctl(command, **args)
        with Client(cls.node.redis_socket, "_operator") as client:
            return client.ask(command, **args)

    def setUp(self):
        self.puts()
        for number in AGENTS:
            self.logs_out(number)
        self.count = len(self.node.told("td:{s1}:cdr"))

    def tearDown(self):
        """What a test that failed left must not wait before those of the next one."""
        for row in self.ask("call.list"):
            with contextlib.suppress(Refused, ServerError):
                self.ask("call.hangup", call=row["id"])
        until(lambda: not self.ask("call.list"))

    def puts(self, **fields):
        self.ask("queue.put", name="sales", **{"members": ",".join(AGENTS), "strategy": "in_order", "skills": "", "skill_min": 0, "ring_s": 60, "wrapup_s": 0, "wrapup": "time", "dispositions": "", "missed_max": 2,
                                               "max_callers": 0, "max_wait_s": 3600, "only_with_agents": False, "only_with_ready": False, "announce_s": 0, "announce": "position", "music": "", "tiers": "", "key": "",
                                               "key_to": "", "timeout_to": "", "full_to": "", "none_to": ""} | fields)

    def logs_out(self, number):
        try:
            self.ask("agent.logout", number=number)
        except (Refused, ServerError):
            pass

    def logs_in(self, *numbers):
        for number in numbers:
            self.ask("agent.login", number=number)

    def calls(self, number, to="100"):
        """He is answered, and waits."""
        phone = self.phones[number]
        out = phone.invite(to, phone.audio.sdp())
        answer = out.wait_answer()
        self.assertEqual(answer.status, 200)
        phone.audio.use(answer)
        return out

    def shown(self):
        return self.ask("queue.status", name="sales")

    def line(self):
        """Who waits, in order."""
        calls = {row["id"]: row["from"] for row in self.ask("call.list")}
        return [calls.get(row["call"], "?") for row in self.shown()["callers"]]

    def agent(self, number):
        return next((row for row in self.ask("agent.list") if row["number"] == number), {})

    def rings(self, number, caller):
        incoming = self.phones[number].incoming()
        incoming.ring()
        self.assertIn(f"sip:{caller}@", incoming.request.get("From"))
        return incoming

    def record(self, caller="1001"):
        """The last pair of his call: with the agent, where there was one."""
        return until(lambda: [row for row in self.node.told("td:{s1}:cdr")[self.count:] if row["from"] == caller])[-1]

    def events(self, kind):
        return [row for row in self.node.events() if row.get("type") == kind]


class Queues(Queued):
    def test_tags_go_to_the_agent(self):
        """IVR-04: what a flow knows of the caller is in the INVITE of the agent's phone, the events of the queue and the record, over a kill while he waits."""
        self.ask("tenant.put", name="default", user_to_user=True)
        self.addCleanup(self.ask, "tenant.put", name="default", user_to_user=False)
        self.ask("flow.put", name="case", program=[{"tag": {"Case.Number": "0000123"}}, {"queue": {"name": "sales"}}])
        self.addCleanup(self.ask, "flow.delete", name="case", force=True)
        self.ask("number.put", number="104", to="flow:case")
        self.addCleanup(self.ask, "number.delete", number="104")
        out = self.calls("1001", to="104")
        until(lambda: self.line() == ["1001"], self.line)
        self.node.kill()
        self.node.restart()
        until(lambda: self.line() == ["1001"], self.line)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        data = "Case.Number=0000123"
        self.assertEqual(incoming.request.get("User-to-User"), data.encode().hex() + ";encoding=hex")
        incoming.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        before = self.agent("1011")["talk_s"]
        time.sleep(2)
        out.bye()
        incoming.wait_bye()
        record = self.record()
        self.assertEqual((record["agent"], record["data"]), ("1011", data))
        until(lambda: self.agent("1011")["talk_s"] > before, lambda: self.agent("1011"))
        self.assertEqual({row["data"] for kind in ("queue.joined", "queue.left") for row in self.events(kind)[-1:]}, {data})

    def test_names_of_strategies(self):
        """Other systems' names are kept as ours; unknown ones are refused with the list."""
        for ours, theirs in {"longest_idle": ("leastrecent", "longest-idle-agent"), "round_robin": ("rrmemory", "rrordered", "round-robin"),
                             "fewest_calls": ("fewestcalls", "agent-with-fewest-calls"), "least_talk": ("agent-with-least-talk-time",),
                             "in_order": ("linear", "top-down", "sequentially-by-agent-order"), "ring_all": ("ringall", "ring-all"),
                             "skill": ("skill",)}.items():
            for name in theirs:
                self.puts(strategy=name)
                self.assertEqual(self.ask("queue.get", name="sales")["strategy"], ours, name)
        with self.assertRaisesRegex((Refused, ServerError), "strategy must be one of: longest_idle, round_robin, ring_all"):
            self.puts(strategy="random")
        self.assertEqual(self.ask("queue.get", name="sales")["strategy"], "skill")

    def test_max_calls(self):
        """What a tenant may have of calls bounds none of its queues, and none of its agents."""
        self.ask("tenant.put", name="default", max_calls=1)
        self.addCleanup(self.ask, "tenant.put", name="default", max_calls=0)
        self.logs_in(*AGENTS)
        self.ask("queue.put", name="second", members=AGENTS[0])
        self.addCleanup(self.ask, "queue.delete", name="second")

    def test_in_order(self):
        """Three callers, two agents: each is served in his turn; what events, the record and the figures say."""
        answered = self.node.metric("tandem_queue_calls_total", result="answered")
        outs = {}
        for number in CALLERS:
            outs[number] = self.calls(number)
            until(lambda number=number: self.line()[-1:] == [number], self.line)
        self.assertEqual(self.line(), list(CALLERS))
        self.assertEqual([row["position"] for row in self.shown()["callers"]], [1, 2, 3])
        self.logs_in("1011")
        first = self.rings("1011", "1001")
        self.logs_in("1012")
        second = self.rings("1012", "1002")
        until(lambda: self.agent("1011")["now"] == "busy", lambda: self.agent("1011"))
        first.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.line() == ["1002", "1003"], self.line)
        second.answer(self.phones["1012"].audio.sdp())
        until(lambda: self.line() == ["1003"], self.line)
        outs["1001"].bye()
        first.wait_bye()
        third = self.rings("1011", "1003")
        row = self.record()
        self.assertEqual((row["queue"], row["agent"], row["to"], row["answered_by"], row["flow"]), ("sales", "1011", "1011", "1011", "queue:sales"))
        self.assertTrue(row["queue_wait_s"].isdigit())
        third.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        outs["1003"].bye()
        third.wait_bye()
        second.bye()
        outs["1002"].wait_bye()
        until(lambda: [self.agent(number).get("now") for number in AGENTS] == ["ready", "ready"], lambda: self.ask("agent.list"))
        self.record("1002"), self.record("1003")
        until(lambda: self.node.metric("tandem_queue_calls_total", result="answered") >= answered + 3 and
              self.node.metric("tandem_queue_agents", state="ready") == 2 and not self.node.metric("tandem_queue_callers"), lambda: self.node.http("/metrics")[1])
        self.assertEqual([(row["queue"], row["reason"], row.get("agent")) for row in self.events("queue.left")][-3:],
                         [("sales", "answered", "1011"), ("sales", "answered", "1012"), ("sales", "answered", "1011")])
        self.assertEqual([(row["to"], row["state"]) for row in self.events("agent.state")][-2:], [("1011", "ready"), ("1012", "ready")])

    def test_ring_all(self):
        """All free agents ring at once, one has the call, the other one is free again."""
        self.puts(strategy="ring_all")
        self.logs_in(*AGENTS)
        out = self.calls("1001")
        first, second = self.rings("1011", "1001"), self.rings("1012", "1001")
        second.answer(self.phones["1012"].audio.sdp())
        first.wait_cancel()
        until(lambda: self.agent("1011").get("now") == "ready", lambda: self.agent("1011"))
        out.bye()
        second.wait_bye()
        self.assertEqual(self.record()["agent"], "1012")

    def test_skill(self):
        """The best one rings; who has too little skill does when the caller has waited, and when he asks for less."""
        self.puts(strategy="skill", skills="1011:40,1012:90", skill_min=80, skill_fall=50, skill_fall_s=2)
        self.logs_in("1011")
        out = self.calls("1001")
        self.assertIsNone(or_none(self.phones["1011"].incoming, 0.3))
        self.logs_in("1012")
        best = self.rings("1012", "1001")
        second = self.calls("1002")
        self.assertGreaterEqual(self.shown()["callers"][-1]["position"], 1)
        waited = time.monotonic()
        other = self.rings("1011", "1002")
        self.assertGreater(time.monotonic() - waited, 1)
        for call, rung in ((out, best), (second, other)):
            call.bye()
            rung.wait_cancel()
        self.record("1002")

    def test_caller_gives_up(self):
        """The agent's ringing ends with his call, and nobody is reserved any more."""
        self.logs_in("1011")
        out = self.calls("1001")
        incoming = self.rings("1011", "1001")
        out.bye()
        incoming.wait_cancel()
        until(lambda: self.agent("1011").get("now") == "ready", lambda: self.agent("1011"))
        self.assertEqual(self.shown()["callers"], [])
        self.assertEqual(self.record()["agent"], "")
        self.assertEqual(self.events("queue.left")[-1]["reason"], "abandoned")

    def test_heard(self):
        """Music, his position every so often, music again; and the agent, who answers, at once."""
        for name, hertz in (("queue-position", POSITION), ("digit-1", ONE)):
            path = os.path.join(self.node.home, name + ".wav")
            wav(path, hertz)
            self.node.tandemctl("prompt.put", name=name, file=path)
        self.puts(announce_s=30)
        out, audio = self.calls("1001"), self.phones["1001"].audio
        for hertz in (POSITION, ONE, MUSIC, POSITION):
            audio.wait_tone(hertz)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        audio.wait_tone(MUSIC, anew=True)
        incoming.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        out.bye()
        incoming.wait_bye()
        self.record()

    def test_wait_is_heard(self):
        """Position and minutes until he is answered, by the last answers; and no more once an agent rings."""
        for name, hertz in (("queue-position", POSITION), ("digit-1", ONE), ("queue-wait", WAIT)):
            path = os.path.join(self.node.home, name + ".wav")
            wav(path, hertz)
            self.node.tandemctl("prompt.put", name=name, file=path)
        self.puts(announce_s=30, announce="both")
        self.logs_in("1011")
        for caller in ("1001", "1002"):
            out, incoming, _ = self.speaks(caller)
            out.bye()
            incoming.wait_bye()
            self.record(caller)
        self.ask("agent.not_ready", number="1011")
        out, audio = self.calls("1003"), self.phones["1003"].audio
        for hertz in (POSITION, ONE, WAIT, ONE, MUSIC):
            audio.wait_tone(hertz)
        self.ask("queue.put", name="sales", announce="wait")
        audio.wait_tone(WAIT, anew=True)
        self.ask("agent.ready", number="1011")
        incoming = self.rings("1011", "1003")
        audio.wait_tone(MUSIC, anew=True)
        out.bye()
        incoming.wait_cancel()
        self.record("1003")

    def test_music(self):
        """A queue has its own, which who waits hears at once when it changes, and over a kill; others hear theirs."""
        self.puts(music="jazz.wav")
        self.ask("queue.put", name="second", members=AGENTS[0])
        self.addCleanup(self.ask, "queue.delete", name="second", force=True)
        self.ask("number.put", number="105", to="queue:second")
        self.addCleanup(self.ask, "number.delete", number="105")
        out, audio = self.calls("1001"), self.phones["1001"].audio
        audio.wait_tone(JAZZ)
        other = self.calls("1002", "105")
        self.phones["1002"].audio.wait_tone(MUSIC)
        for music, hertz in (("", MUSIC), ("jazz.wav", JAZZ), ("lost.wav", MUSIC), ("jazz.wav", JAZZ)):
            self.ask("queue.put", name="sales", music=music)
            audio.wait_tone(hertz, anew=True)
        self.node.kill()
        self.node.restart()
        audio.wait_tone(JAZZ, anew=True)
        self.phones["1002"].audio.wait_tone(MUSIC, anew=True)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        audio.wait_tone(JAZZ, anew=True)          # while he rings, too
        for each in (other, out):           # his agent is not free in between
            each.bye()
        incoming.wait_cancel()
        self.record(), self.record("1002")

    def test_confirmed(self):
        """MED-04: who begins to wait hears the confirmation tone, then music, also over a kill; an agent who is free cuts it off."""
        self.puts(confirm=True)
        self.addCleanup(self.ask, "queue.put", name="sales", confirm=False)
        out, audio = self.calls("1001"), self.phones["1001"].audio
        audio.wait_tone(CONFIRMATION, packets=4)         # 100 ms each
        audio.wait_tone(MUSIC, anew=True)
        self.node.kill()
        self.node.restart()
        audio.wait_tone(MUSIC, anew=True)
        self.assertFalse(audio.is_tone(CONFIRMATION))
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        out.bye()
        incoming.wait_cancel()
        self.record()
        began = time.monotonic()
        out = self.calls("1002")
        incoming = self.rings("1011", "1002")
        self.phones["1002"].audio.wait_tone(MUSIC)
        self.assertLess(time.monotonic() - began, 2 * slowness())
        out.bye()
        incoming.wait_cancel()
        self.record("1002")

    def test_ring(self):
        """BEAT-30: agents' phones are told by which word they ring for the queue; for other calls, or where they answer by themselves, they are not."""
        self.puts(ring="alert-sales")
        self.addCleanup(self.ask, "queue.put", name="sales", ring="")
        self.logs_in("1011")
        out = self.calls("1001")
        incoming = self.rings("1011", "1001")
        self.assertEqual(incoming.request.get("Alert-Info"), "<http://localhost>;info=alert-sales")
        out.bye()
        incoming.wait_cancel()
        self.record()
        direct = self.phones["1001"].invite("1011", self.phones["1001"].audio.sdp())
        incoming = self.rings("1011", "1001")
        self.assertIsNone(incoming.request.get("Alert-Info"))
        direct.cancel()
        incoming.wait_cancel()
        self.ask("extension.put", number="1011", auto_answer="alert-autoanswer")
        self.addCleanup(self.ask, "extension.put", number="1011", auto_answer="off")
        out = self.calls("1002")
        incoming = self.rings("1011", "1002")
        self.assertEqual(incoming.request.get("Alert-Info"), "<http://localhost>;info=alert-autoanswer")
        out.bye()
        incoming.wait_cancel()
        self.record("1002")

    def test_tiers(self):
        """Who is of the second tier rings once a caller has waited, and at once where the first has nobody."""
        self.puts(tiers="1012:2", tier_s=2)
        self.logs_in(*AGENTS)
        out = self.calls("1001")
        first = self.rings("1011", "1001")
        began = time.monotonic()
        second = self.calls("1002")
        other = self.rings("1012", "1002")
        self.assertGreater(time.monotonic() - began, 1.5)
        for call, rung in ((out, first), (second, other)):
            call.bye()
            rung.wait_cancel()
        self.record(), self.record("1002")
        self.ask("agent.not_ready", number="1011")
        began = time.monotonic()
        out = self.calls("1003")
        other = self.rings("1012", "1003")
        self.assertLess(time.monotonic() - began, 1.5 * slowness())
        out.bye()
        other.wait_cancel()
        self.record("1003")

    def test_priority_grows(self):
        """Who has waited for long comes before a caller with more priority, who came later."""
        self.puts(priority_age_s=1)
        self.addCleanup(self.ask, "queue.put", name="sales", priority_age_s=0)
        self.ask("flow.put", name="first", program=[{"queue": {"name": "sales", "priority": 1}}])
        self.addCleanup(self.ask, "flow.delete", name="first", force=True)
        self.ask("number.put", number="106", to="flow:first")
        self.addCleanup(self.ask, "number.delete", number="106")
        outs = [self.calls("1001")]
        time.sleep(2)
        outs.append(self.calls("1002"))
        outs.append(self.calls("1003", "106"))
        until(lambda: self.line() == ["1001", "1003", "1002"], self.line)
        self.node.kill()
        self.node.restart()
        until(lambda: self.line() == ["1001", "1003", "1002"], self.line)
        self.ask("queue.put", name="sales", priority_age_s=0)
        until(lambda: self.line() == ["1003", "1001", "1002"], self.line)
        for out in outs:
            out.bye()
        until(lambda: not self.line(), self.line)

    def test_forwarded(self):
        """CALL-16: a call for a busy extension waits in a queue."""
        self.ask("extension.put", number="1003", do_not_disturb=True, forward_busy="100")
        out = self.calls("1001", "1003")
        until(lambda: self.line() == ["1001"], self.line)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        incoming.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        out.bye()
        incoming.wait_bye()
        self.assertEqual((self.record()["queue"], self.record()["agent"]), ("sales", "1011"))
        self.ask("extension.put", number="1003", do_not_disturb=False, forward_busy="")

    def test_mailbox_of_an_agent(self):
        """An agent's forwards to his mailbox take no caller of the queue, and who declines ends the ringing of nobody else."""
        self.ask("number.put", number="*86", to="flow:voicemail")
        self.addCleanup(self.ask, "number.delete", number="*86", force=True)
        forwards = {name: "" for name in ("forward_always", "forward_busy", "forward_no_answer", "forward_unreachable")}
        self.addCleanup(self.ask, "extension.put", number="1011", **forwards, do_not_disturb=False)
        for strategy in ("in_order", "ring_all"):
            self.puts(strategy=strategy, ring_s=60)
            for fields in ({"forward_always": "*86"}, {"do_not_disturb": True, "forward_busy": "*86"}):
                with self.subTest(strategy=strategy, **fields):
                    self.ask("extension.put", number="1011", **{**forwards, "do_not_disturb": False, **fields})
                    self.logs_in(*AGENTS)
                    out = self.calls("1001")
                    incoming = self.rings("1012", "1001")
                    incoming.answer(self.phones["1012"].audio.sdp())
                    out.bye()
                    incoming.wait_bye()
                    self.assertEqual(self.record()["answered_by"], "1012")
                    for number in AGENTS:
                        self.logs_out(number)
        self.ask("extension.put", number="1011", **forwards, do_not_disturb=False)
        self.logs_in(*AGENTS)
        out = self.calls("1001")
        one, two = (self.rings(number, "1001") for number in AGENTS)
        one.respond(603, "Decline")
        time.sleep(0.5)
        two.answer(self.phones["1012"].audio.sdp())
        out.bye()
        two.wait_bye()
        self.assertEqual(self.record()["answered_by"], "1012")

    def test_missed(self):
        """An agent who misses one call, where missed_max is 1, is not ready; the next agent rings."""
        self.puts(ring_s=5, missed_max=1)
        self.logs_in(*AGENTS)
        out = self.calls("1001")
        first = self.rings("1011", "1001")
        first.wait_cancel()
        second = self.rings("1012", "1001")
        until(lambda: (self.agent("1011")["state"], self.agent("1011")["reason"]) == ("not_ready", "missed"), lambda: self.agent("1011"))
        second.answer(self.phones["1012"].audio.sdp())
        until(lambda: not self.line(), self.line)
        out.bye()
        second.wait_bye()
        self.record()

    def test_wrapup(self):
        """Behind a call he is not rung for that time, or until he says that he is ready."""
        self.puts(wrapup_s=3600)
        self.logs_in("1011")
        out = self.calls("1001")
        incoming = self.rings("1011", "1001")
        incoming.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        next_out = self.calls("1002")
        out.bye()
        incoming.wait_bye()
        until(lambda: self.agent("1011").get("now") == "wrapup", lambda: self.agent("1011"))
        self.puts(wrapup_s=0)                       # an edit of the queue changes no agent
        self.assertEqual(self.agent("1011")["now"], "wrapup")
        self.ask("agent.ready", number="1011")
        again = self.rings("1011", "1002")
        self.puts(wrapup_s=2)
        again.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        last_out = self.calls("1003")
        next_out.bye()
        again.wait_bye()
        last = self.rings("1011", "1003")
        last_out.bye()
        last.wait_cancel()
        self.record("1003")
        self.record(), self.record("1002")

    def speaks(self, caller="1001", agent="1011"):
        """He calls, and that agent, who is logged in, has him. Both parties, and the id of the call."""
        out = self.calls(caller)
        incoming = self.rings(agent, caller)
        incoming.answer(self.phones[agent].audio.sdp())
        until(lambda: not self.line(), self.line)
        return out, incoming, self.events("queue.left")[-1]["call"]

    def has(self, **members):
        until(lambda: members.items() <= self.ask("agent.get", number="1011").items(), lambda: self.ask("agent.get", number="1011"))

    def test_disposition(self):
        """Wrap-up lasts until he says what came of the call, over a kill; by phone, the last word counts; not of an earlier call, nor what the queue does not know."""
        self.puts(wrapup="manual", dispositions="sale,no sale")
        self.logs_in("1011")
        out, incoming, call = self.speaks()
        time.sleep(1 - time.time() % 1)         # reports begin with a second, and other tests sell, too
        began = int(time.time() * 1000)
        out.bye()
        incoming.wait_bye()
        last = {"last_queue": "sales", "last_call": call, "dispositions": ["sale", "no sale"]}
        self.has(now="wrapup", state="ready", disposition="", wrapup_until_utc_ms=0, **last)
        waits = self.calls("1002")
        self.node.kill()
        self.node.restart()
        self.has(now="wrapup", disposition="", **last)
        until(lambda: self.line() == ["1002"], self.line)
        self.assertIsNone(or_none(self.phones["1011"].incoming, 3))
        for fields, code in (({"disposition": "weather"}, "bad_argument"), ({"disposition": "3"}, "bad_argument"), ({"disposition": "sale", "call": "0" * 13}, "conflict")):
            with self.assertRaises((Refused, ServerError)) as refused:
                self.ask("agent.disposition", number="1011", **fields)
            self.assertIn(code, str(refused.exception))
        self.assertEqual(self.agent("1011")["now"], "wrapup")
        self.ask("agent.disposition", number="1011", disposition="sale", call=call)
        again = self.rings("1011", "1002")
        with self.assertRaises((Refused, ServerError)) as refused:      # as a successor ends that call once more
            self.ask("agent.wrapup", number="1011", queue="sales", call=call, manual=True)
        self.assertIn("conflict", str(refused.exception))
        phone = self.phones["1012"]
        self.assertEqual(self.ask("agent.get", number="1011")["disposition"], "sale")
        waits.bye()
        again.wait_cancel()
        self.record("1002")
        code = self.phones["1011"].invite("*262", phone.audio.sdp())
        self.assertEqual(code.wait_answer().status, 200)
        code.wait_bye()
        self.has(now="ready", disposition="no sale", **last)
        self.assertEqual([(row["call"], row["queue"], row["agent"], row["reason"]) for row in self.events("agent.disposition")[-2:]],
                         [(call, "sales", "1011", "sale"), (call, "sales", "1011", "no sale")])
        states = [(row["state"], row.get("queue"), row.get("ms")) for row in self.events("agent.state") if row["to"] == "1011"][-2:]
        self.assertEqual(states, [("wrapup", "sales", "0"), ("ready", None, None)])
        report = lambda by: {row[by]: row for row in self.ask("queue.report", by=by, since=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began / 1000)))["rows"]}
        until(lambda: report("disposition").get("no sale", {}).get("disposed") == 1, lambda: report("disposition"))
        self.assertEqual(set(report("disposition")), {"no sale"})
        self.assertEqual((report("agent")["1011"]["disposed"], report("queue")["sales"]["disposed"]), (1, 1))
        wrapped = report("reason")["wrapup"]
        self.assertGreaterEqual(wrapped["wrapup_s"], 3)
        self.assertEqual((wrapped["ready_s"], report("agent")["1011"]["wrapup_s"], report("queue")["sales"]["wrapup_s"]), (wrapped["wrapup_s"],) * 3)

    def test_conference(self):
        """A supervisor of the agent or of the caller comes to a call that the agent took, and another one is added: his talk goes on, over a kill, until he leaves; then he wraps up,
        while the others speak on."""
        self.logs_in("1011")
        for extension, leg in (("1001", "a"), ("1011", "b")):
            with self.subTest(extension):
                self.puts(wrapup_s=3600)
                self.ask("supervisor.put", number="1002", whom=extension, modes=["barge"])
                out, incoming, call = self.speaks()
                out.wait_reinvite(self.phones["1001"].audio.sdp(version=2))
                ended = lambda: [(row["reason"], int(row["ms"]) >= 3000) for row in self.events("queue.ended") if row["call"] == call]
                members = lambda: sum(row["members"] for row in self.ask("conference.list"))
                others = []
                for number in ("1002", "1003"):
                    self.phones[number].forget()        # that a queue of another test called back
                for number, comes in (("1002", ("supervisor.monitor", {"number": "1002", "extension": extension, "mode": "barge"})), ("1003", ("conference.add", {"call": call, "leg": leg, "to": "1003"}))):
                    self.ask(comes[0], **comes[1])
                    others.append(self.phones[number].incoming())
                    others[-1].answer(self.phones[number].audio.sdp())
                    until(lambda: members() == 2 + len(others), lambda: self.ask("conference.list"))
                until(lambda: all(row["saved"] for row in self.ask("call.list")))
                self.node.kill()
                self.node.restart()
                until(lambda: members() == 4, lambda: self.ask("conference.list"))
                time.sleep(3)
                self.assertEqual((self.agent("1011")["now"], ended()), ("busy", []))
                incoming.bye()
                until(lambda: self.agent("1011")["now"] == "wrapup", lambda: self.agent("1011"))
                self.assertEqual((members(), ended()), (3, [("agent", True)]))
                for other in (out, *others):
                    with contextlib.suppress(SipError):             # it is over for the last one
                        other.bye()
                until(lambda: not self.ask("call.list"))
                self.assertEqual(ended(), [("agent", True)])
                self.ask("supervisor.delete", number="1002")
                self.ask("agent.ready", number="1011")

    def test_wrapup_of_who_is_not_ready(self):
        """Who is not ready by the end of his call stays so, and says what came of it; and so does who has no wrap-up, and the next call by then."""
        self.puts(wrapup_s=3600, dispositions="sale")
        self.logs_in("1011")
        out, incoming, call = self.speaks()
        self.ask("agent.not_ready", number="1011", reason="lunch")
        out.bye()
        incoming.wait_bye()
        self.has(now="not_ready", reason="lunch", last_call=call, disposition="")
        self.ask("agent.disposition", number="1011", disposition="1")
        self.has(now="not_ready", reason="lunch", disposition="sale")
        self.puts(wrapup_s=0, dispositions="sale")
        self.ask("agent.ready", number="1011")
        out, incoming, call = self.speaks("1002")
        waits = self.calls("1003")
        out.bye()
        incoming.wait_bye()
        self.has(last_call=call)
        again = self.rings("1011", "1003")
        self.ask("agent.disposition", number="1011", disposition="sale")
        again.answer(self.phones["1011"].audio.sdp())
        until(lambda: not self.line(), self.line)
        self.assertEqual(self.agent("1011")["now"], "busy")
        waits.bye()
        again.wait_bye()
        self.record("1003")
        self.logs_out("1011")
        self.logs_in("1011")
        with self.assertRaises((Refused, ServerError)):
            self.ask("agent.disposition", number="1011", disposition="sale")

    def test_overflow(self):
        """Full, nobody logged in, too long, and a key: each leads where the queue says."""
        self.puts(max_callers=1, full_to="1012", none_to="1012", timeout_to="1012", only_with_agents=True, key="2", key_to="1012", max_wait_s=5)
        self.overflows(self.calls("1001"))
        self.logs_in("1011")
        self.ask("agent.not_ready", number="1011", reason="lunch")
        self.assertEqual(self.agent("1011")["reason"], "lunch")
        waits = self.calls("1002")
        until(lambda: self.line() == ["1002"], self.line)
        self.overflows(self.calls("1001"))
        self.overflows(waits, "1002")               # the time is over
        self.puts(max_wait_s=3600, only_with_agents=True, key="2", key_to="1012")
        waits = self.calls("1003")
        until(lambda: self.line() == ["1003"], self.line)
        self.phones["1003"].audio.digit("2")
        self.overflows(waits, "1003")
        self.assertEqual([row["reason"] for row in self.events("queue.left")][-2:], ["timeout", "key"])
        self.puts(only_with_ready=True, none_to="1012")
        self.overflows(self.calls("1001"))          # 1011 is not ready
        self.ask("agent.ready", number="1011")
        served = self.calls("1002")
        ringing = self.rings("1011", "1002")
        waits = self.calls("1003")
        until(lambda: self.line() == ["1002", "1003"], self.line)
        self.ask("agent.not_ready", number="1011")
        self.overflows(waits, "1003")
        served.bye()
        ringing.wait_cancel()

    def overflows(self, out, caller="1001"):
        incoming = self.rings("1012", caller)
        incoming.answer(self.phones["1012"].audio.sdp())
        out.bye()
        incoming.wait_bye()
        self.record(caller)

    def test_killed(self):
        """Callers keep their places, and who rang rings on."""
        outs = {}
        for number in CALLERS:
            outs[number] = self.calls(number)
            until(lambda number=number: self.line()[-1:] == [number], self.line)
        self.logs_in("1011")
        incoming = self.rings("1011", "1001")
        self.node.kill()
        self.node.restart()
        until(lambda: self.line() == list(CALLERS), self.line)
        incoming.answer(self.phones["1011"].audio.sdp())
        until(lambda: self.line() == ["1002", "1003"], self.line)
        outs["1001"].bye()
        incoming.wait_bye()
        self.assertEqual(self.record()["agent"], "1011")
        incoming = self.rings("1011", "1002")
        outs["1002"].bye()
        incoming.wait_cancel()
        incoming = self.rings("1011", "1003")
        outs["1003"].bye()
        incoming.wait_cancel()
        self.record("1002"), self.record("1003")

    def test_guide(self):
        """docs/guides/queues.md, as it stands there. It gives these extensions a password of its own."""
        for number in CALLERS:
            self.addCleanup(self.ask, "extension.put", number=number, password="secret" + number)
        self.assertIn("lunch", typed(self, self.node, guide("queues.md")))
        self.assertEqual([row["number"] for row in self.ask("agent.list")], ["1001"])
        self.assertEqual(self.ask("number.get", number="300")["to"], "queue:support")
        self.ask("agent.logout", number="1001")

    def test_codes(self):
        """By feature codes of the phone."""
        for digits, state in (("*22", "ready"), ("*2544", "not_ready"), ("*24", "ready"), ("*23", None)):
            phone = self.phones["1011"]
            out = phone.invite(digits, phone.audio.sdp())
            self.assertEqual(out.wait_answer().status, 200)
            out.wait_bye()
            until(lambda state=state: self.agent("1011").get("state") == state, lambda: self.ask("agent.list"))
            self.assertEqual((self.events("agent.state")[-1]["to"], self.events("agent.state")[-1]["state"]), ("1011", state or "out"))

    def test_refused(self):
        """What a queue does not take, and who is no agent."""
        for fields in ({"members": "1011,1011"}, {"members": "10 11"}, {"key": "x"}, {"strategy": "best"}, {"tiers": "1011:0"}, {"tiers": "1011:10"}, {"music": "../x"}, {"announce": "loud"}, {"wrapup": "never"}, {"dispositions": "sale,,no"}, {"dispositions": "sale, sale"}, {"dispositions": "x" * 32}, {"dispositions": ",".join(map(str, range(33)))}, {"skills": "1011"}, {"skills": "1011:101"}, {"skills": "1011:1,1011:2"}, {"skill_min": 101}, {"skill_fall_s": 0}, {"timeout_to": "flow:"}):
            with self.assertRaises(Refused):
                self.puts(**fields)
        for command, number in (("agent.login", "4711"), ("agent.ready", "1011"), ("agent.not_ready", "1011"), ("agent.logout", "1011")):
            with self.assertRaises(Refused):
                self.ask(command, number=number)
        with self.assertRaises(Refused):
            self.ask("number.put", number="101", to="queue:")


if __name__ == "__main__":
    unittest.main()
