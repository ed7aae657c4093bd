# SPDX-License-Identifier: Apache-2.0
"""The files of docs/guides, run by the programs they are for."""
import glob
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree

from lib import ROOT
from lib.kamailio import Kamailio as Program
from lib.node import Node
from lib.place import NODE, PARTY
from lib.sip import UserAgent

from application_test import ApplicationTest
from call_test import CallTest
from blf_test import Keys
from music_test import wav
from patience import PATIENCE_S, until
from server import ServerError

GUIDES = ROOT / "docs" / "guides"


def guide(name, **places):
    """The file with this machine's places in it; each of them is there."""
    text = (GUIDES / name).read_text(encoding="utf-8")
    for place, value in places.items():
        if place not in text:
            raise AssertionError(f"{name} has no {place}")
        text = text.replace(place, value)
    return text


def typed(case, node, text):
    """What the page's commands print, one after the other as they stand there."""
    lines = "".join(re.findall(r"<!-- run -->\n```sh\n(.*?)```", text, re.S))
    done = subprocess.run(["sh", "-ec", lines.replace("./tandem ctl", f"{node.program('tandemctl')} --config {node.config}")],
                          capture_output=True, text=True, timeout=60, env={**node.environment, "HTTP": f"{NODE}:{node.http_port}"})
    case.assertEqual((done.returncode, done.stderr), (0, ""))
    return done.stdout


class Guide(CallTest):
    """A node beside another program, both on 127.0.0.1."""

    def write(self, name, text):
        path = os.path.join(self.node.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def begin(self, *command):
        with open(os.path.join(self.node.home, "other.log"), "ab") as log:
            process = subprocess.Popen(command, cwd=self.node.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        return process

    def log(self):
        with open(os.path.join(self.node.home, "other.log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Kamailio(Guide):
    """docs/guides/kamailio.cfg: a caller who has no password reaches an extension through it, and none without it."""
    OUTSIDE = "127.0.0.77"
    INSIDE = "127.0.0.55"               # what the node sees of Kamailio
    settings = {"sip": {"trusted": [INSIDE]}}

    def setUp(self):
        super().setUp()
        self.port = self.node.ports.take()
        text = guide("kamailio.cfg", **{"192.0.2.10:5060": f"127.0.0.1:{self.node.sip_port}",
                                        "udp:192.0.2.5:5060": f"udp:{self.INSIDE}:{self.port}"})
        kamailio = self.enterContext(Program(os.path.join(self.node.home, "kamailio"), text))
        self.caller = UserAgent((self.INSIDE, self.port), "5550100", "", self.OUTSIDE)
        self.addCleanup(self.caller.close)
        kamailio.wait(self.answers)

    def answers(self):
        try:
            return self.caller.options().status == 200
        except AssertionError:
            return False

    def test_a_call(self):
        audio = self.node.media()
        self.addCleanup(audio.close)
        out = self.caller.invite("1001", audio.sdp())
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        answered = out.wait_answer()
        audio.use(answered).start(440)
        self.audio_a.use(into.request).start(880)
        self.assertIn(self.INSIDE, answered.get("Record-Route"))
        for end in (audio, self.audio_a):
            end.wait_packets(40)
        for end in (audio, self.audio_a):
            end.stop()
        self.assertEqual((audio.heard()[0], self.audio_a.heard()[0]), (880, 440))
        into.bye()
        out.wait_bye()
        record = self.ended()
        self.assertEqual((record["from"], record["to"], record["sip_status"], record["ended_by"]),
                         ("5550100", "1001", "200", "b"))

    def test_the_caller_hangs_up(self):
        out = self.caller.invite("1001", self.audio_b.sdp())
        into = self.a.incoming()
        into.answer(self.audio_a.sdp())
        out.wait_answer()
        out.bye()
        into.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "a")

    def test_who_is_nobody(self):
        self.assertEqual(self.caller.invite("1999", self.audio_b.sdp()).wait_final().status, 404)
        stranger = UserAgent(self.node.server, "5550100", "", self.OUTSIDE)
        self.addCleanup(stranger.close)
        self.assertIn(stranger.invite("1001", self.audio_b.sdp()).wait_final().status, (401, 403, 407))


class Asterisk(Guide):
    """docs/guides/asterisk-*.conf."""

    def test_it_registers_and_answers(self):
        if not shutil.which("asterisk"):
            self.skipTest("needs asterisk, which Debian 12 has not")
        port = self.node.ports.take()
        places = {"192.0.2.10:5060": f"127.0.0.1:{self.node.sip_port}", "CHANGE-ME": "secret1001",
                  "bind=0.0.0.0:5060": f"bind=127.0.0.1:{port}"}
        self.write("pjsip.conf", guide("asterisk-pjsip.conf", **places).replace("192.0.2.10", "127.0.0.1"))
        self.write("extensions.conf", guide("asterisk-extensions.conf"))
        self.write("modules.conf", "[modules]\nautoload=yes\n")
        folders = "".join(f"ast{name} => {self.node.home}\n" for name in ("etcdir", "varlibdir", "dbdir", "spooldir",
                                                                        "rundir", "logdir", "keydir"))
        path = self.write("asterisk.conf", f"[directories](!)\n{folders}")
        self.a.register(expires=0, contact="*")
        self.begin("asterisk", "-f", "-C", path)
        end = time.monotonic() + PATIENCE_S
        while not any(row["number"] == "1001" and row["contacts"] for row in self.node.ctl("registration.list")):
            self.assertLess(time.monotonic(), end, self.log())
            time.sleep(0.2)
        out = self.b.invite("1001", self.audio_b.sdp())
        self.audio_b.use(out.wait_answer()).start(440)
        self.audio_b.wait_packets(60)
        self.audio_b.stop()
        self.assertEqual(self.audio_b.heard()[0], 440, "the echo")
        out.bye()
        self.ended()


def asterisk_settings():
    """What asterisk-pjsip.conf says to a registrar and of media."""
    told = dict(line.split("=", 1) for line in guide("asterisk-pjsip.conf").splitlines() if re.match(r"\w+=", line))
    return {"server": told["server_uri"].removeprefix("sip:"), "user": told["username"], "password": told["password"],
            "expires": told["expiration"], "codecs": told["allow"].split(","), "keys": told["dtmf_mode"]}


def freeswitch_settings():
    """The same of freeswitch-gateway.xml, which leaves codecs and keys to the profile it is put into."""
    root = xml.etree.ElementTree.fromstring(guide("freeswitch-gateway.xml"))
    told = {param.get("name"): param.get("value") for param in root.iter("param")}
    return {"server": told["proxy"], "user": told["username"], "password": told["password"],
            "expires": told["expire-seconds"], "codecs": ["ulaw", "alaw"], "keys": "rfc4733", "realm": told["realm"]}


class InTheirPlace(Guide):
    """A phone that does what the files of Asterisk and FreeSWITCH say, where neither program is there: the node's part of the guide."""
    CODECS = {"alaw": "PCMA/8000/1", "ulaw": "PCMU/8000/1"}

    def stands_in(self, settings):
        self.assertEqual((settings["server"], settings["password"], settings["keys"]), ("192.0.2.10:5060", "CHANGE-ME", "rfc4733"))
        self.assertEqual(settings.get("realm", "tandem"), self.node.ctl("node.status")["realm"])
        self.a.register(expires=0, contact="*")
        codecs = ",".join(self.CODECS[name] for name in settings["codecs"])
        phone = self.node.phone(settings["user"], "secret" + settings["user"], source="ausine,880",
                                extra=f"regint={settings['expires']};audio_codecs={codecs};answermode=auto;dtmfmode=rtpevent")
        self.addCleanup(phone.quit)
        row = next(row for row in self.node.ctl("registration.list") if row["number"] == settings["user"])
        self.assertEqual(len(row["contacts"]), 1)
        out = self.b.invite(settings["user"], self.audio_b.sdp())
        self.audio_b.use(out.wait_answer()).start(440)
        self.audio_b.wait_packets(60)
        self.audio_b.stop()
        self.assertEqual(self.audio_b.heard()[0], 880)
        out.bye()
        self.assertEqual(self.ended()["sip_status"], "200")

    def test_asterisk(self):
        self.stands_in(asterisk_settings())

    def test_freeswitch(self):
        self.stands_in(freeswitch_settings())


class Application(ApplicationTest):
    """docs/guides/application.md: its programs, on a node that has its files."""
    HERTZ = {"pin.wav": 620, "welcome.wav": 1240, "sorry.wav": 380, "wait.wav": 760, "record-message.wav": 500}
    BLOCK = re.compile(r"^(<!-- run -->\n)?```(\w*)\n(.*?)^```", re.M | re.S)

    def setUp(self):
        super().setUp()
        for name, hertz in self.HERTZ.items():
            wav(os.path.join(self.node.folder, "sounds", "default", name), hertz)
        text = guide("application.md", **{"/var/lib/tandem/redis/redis.sock": self.node.redis_socket})
        self.blocks = [match.groups() for match in self.BLOCK.finditer(text)]

    def test_every_block_is_executed(self):
        """What the shell is told is executed by `./tandem test docs`, where it has the mark; what Python is told, here."""
        for mark, language, text in self.blocks:
            with self.subTest(text):
                self.assertTrue(mark if language == "sh" else language == "python" and text in self.programs())

    def programs(self):
        return [text for _, language, text in self.blocks if language == "python"]

    def followers(self):
        """How many wait at a stream."""
        with self.node.redis() as redis:
            return redis("CLIENT", "LIST").count("cmd=xread")

    def begin(self, number):
        """The program of that number, which follows the events from now on."""
        before = self.followers()
        path = os.path.join(self.node.home, f"program-{secrets.token_hex(4)}.log")
        with open(path, "ab") as log:
            process = subprocess.Popen([sys.executable, "-c", self.programs()[number]], stdout=log, stderr=log,
                                       env={**os.environ, "PYTHONPATH": str(ROOT / "client")})
        process.log = path
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)
        end = time.monotonic() + PATIENCE_S
        while self.followers() == before:
            self.assertLess(time.monotonic(), end, "it follows no events")
            time.sleep(0.02)
        return process

    def calls_with(self, keys, then):
        """Who presses these keys hears that file, and the program hangs up."""
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears("pin.wav")
        for key in keys:
            self.audio_a.digit(key)
        self.hears(then)
        out.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "operator")

    def hears(self, name):
        end = time.monotonic() + PATIENCE_S
        while abs(self.audio_a.heard()[0] - self.HERTZ[name]) > 3:
            self.assertLess(time.monotonic(), end, name)
            time.sleep(0.05)

    def test_collect_and_play(self):
        self.assertEqual(len(self.programs()), 6, "a program without a test")
        program = self.begin(0)
        self.calls_with("1234#", "welcome.wav")
        self.calls_with("4321#", "sorry.wav")
        self.assertIsNone(program.poll())

    def test_a_message(self):
        """The caller hears the prompt, speaks behind it, and hears what it has said."""
        spoken = 1500
        program = self.begin(1)
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears("record-message.wav")
        until(lambda: glob.glob(f"{self.node.folder}/recordings/default/*/*.wav"), self.node.log_tail)
        self.audio_a.start(spoken)
        time.sleep(1)
        self.audio_a.stop()
        self.audio_a.wait_tone(spoken, anew=True)
        out.wait_bye()
        self.assertEqual(self.ended()["ended_by"], "operator")
        self.assertIsNone(program.poll())

    def test_comes_back(self):
        """It dies and is begun again: its caller is there still, and it answers the next one."""
        program = self.begin(4)
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        program.kill()
        program.wait()
        second = self.b.invite(self.NUMBER, self.audio_b.sdp())
        second.wait_provisional(180)
        program = self.begin(4)
        self.assertEqual(sorted(row["waits"] for row in self.calls()), [False, True])
        self.audio_b.use(second.wait_answer())     # told again
        for dialog in (out, second):
            dialog.bye()
        until(lambda: len(self.node.cdrs()) == 2, lambda: f"{self.node.cdrs()}")
        self.assertIsNone(program.poll())

    def has(self, call):
        """The name of the instance that has it."""
        with self.node.redis() as redis:
            return redis("GET", f"td:{{ev:default}}:ivr:of:{call}")

    def printed(self, program, kind):
        """The calls of the events of that kind that an instance was told of."""
        with open(program.log, encoding="utf-8") as log:
            return [row[2] for row in map(str.split, log) if len(row) == 3 and row[1] == kind]

    def test_several_instances(self):
        """Each call is one's; what a dead one had goes on with another one."""
        programs = [self.begin(5), self.begin(5)]
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears("wait.wav")
        [first] = [row["id"] for row in self.calls()]
        second = self.b.invite(self.NUMBER, self.audio_b.sdp())
        self.audio_b.use(second.wait_answer())
        calls = [row["id"] for row in self.calls()]
        until(lambda: sorted(call for one in programs for call in self.printed(one, "call.waiting")) == sorted(calls),
              lambda: "not each call is one's")
        dead, left = programs if first in self.printed(programs[0], "call.waiting") else reversed(programs)
        gone = self.has(first)
        dead.kill()
        dead.wait()
        self.hears("welcome.wav")
        self.assertNotEqual(self.has(first), gone)
        self.assertEqual(sorted(self.printed(left, "call.taken_over")), sorted(self.printed(dead, "call.waiting")))
        out.wait_bye()
        until(lambda: self.has(first) is None, lambda: "its key is there still")
        second.bye()
        until(lambda: not self.calls(), lambda: f"{self.calls()}")
        self.assertIsNone(left.poll())

    def test_two_are_taken_apart(self):
        """The page has the middle of a program: here are its first lines."""
        first = f'from tandem_client import Client\nclient, call = Client("unix:{self.node.redis_socket}"), "%s"\n'
        out, into, _ = self.connect()
        call = self.calls()[0]["id"]
        subprocess.run([sys.executable, "-c", first % call + self.programs()[3]], check=True, timeout=20,
                       env={**os.environ, "PYTHONPATH": str(ROOT / "client")})
        self.assertEqual({row["id"] for row in self.calls()} - {call}, {self.wait_told("call.split")["other"]})
        end = time.monotonic() + PATIENCE_S
        while abs(self.audio_b.heard()[0] - self.HERTZ["pin.wav"]) > 3:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        out.bye()
        into.bye()
        self.ended()

    def test_callers_are_joined(self):
        program = self.begin(2)
        out = self.a.invite(self.NUMBER, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears("wait.wav")
        second = self.b.invite(self.NUMBER, self.audio_b.sdp())
        self.audio_b.use(second.wait_answer())
        talk = {self.audio_a: 440, self.audio_b: 880}
        for end, hertz in talk.items():
            end.start(hertz)
        end = time.monotonic() + PATIENCE_S
        while [int(party.heard()[0] / 10) for party in talk] != [88, 44]:
            self.assertLess(time.monotonic(), end, [party.heard() for party in talk])
            time.sleep(0.05)
        second.bye()
        out.wait_bye()
        self.ended()
        self.assertIsNone(program.poll())


class Carrier(unittest.TestCase):
    """docs/guides/carrier.md: its commands as they stand, then a call out, one in, an emergency call, and what is barred."""

    def setUp(self):
        self.node = self.enterContext(Node())
        self.audio, self.other = (self.enterContext(self.node.media()) for _ in range(2))
        self.carrier = self.enterContext(self.node.user_agent("+4930901820"))
        text = guide("carrier.md", **{"198.51.100.10": f"{PARTY}:{self.carrier.port}"})
        self.said = typed(self, self.node, text)
        self.node.ctl("trunk.put", name="carrier", source_port=str(self.carrier.port))     # all parties have one address here
        self.phone = self.enterContext(self.node.user_agent("1001", "correct-horse-battery"))
        self.assertEqual(self.phone.register().status, 200)

    def call(self, caller, number, callee):
        """The INVITE as the other side has it."""
        out = caller.invite(number, self.audio.sdp())
        into = callee.incoming()
        into.answer(self.other.sdp())
        self.assertEqual(out.wait_answer().status, 200)
        out.bye()
        into.wait_bye()
        return into.request

    def test_each_step(self):
        for word in ("outside", "+4930123456", "emergency", "barred"):
            self.assertIn(word, self.said, "dialplan.check")
        request = self.call(self.phone, "030123456", self.carrier)
        self.assertTrue(request.uri.startswith("sip:+4930123456@"), request.uri)
        self.assertIn("sip:+493020001001@", request.get("From"))
        request = self.call(self.carrier, "+493020001001", self.phone)
        self.assertIn("+4930901820@", request.get("From"))
        self.assertTrue(self.call(self.phone, "112", self.carrier).uri.startswith("sip:112@"))
        for number, status in (("0900123456", 403), ("00441234567", 403)):
            self.assertEqual(self.phone.invite(number, self.audio.sdp()).wait_final().status, status, number)
        self.assertEqual(self.carrier.invite("+493020002001", self.audio.sdp()).wait_final().status, 404)
        stranger = self.enterContext(self.node.user_agent("+4930901820"))
        self.assertEqual(stranger.invite("+493020001001", self.audio.sdp()).wait_final().status, 407)
        until(lambda: len(self.node.ctl("cdr.list", number="1001", since="1h")) >= 4, lambda: self.node.ctl("cdr.list"))


class Watched(unittest.TestCase):
    """docs/guides/presence.md and blf.md: their commands as they stand, and what their tables say is what phones see, over kills."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.close)

    def agent(self, number, password="correct-horse-battery"):
        agent = self.enterContext(self.node.user_agent(number, password))
        self.assertEqual(agent.register(expires=600).status, 200)
        return agent

    def put(self, **fields):
        self.node.ctl("extension.put", number="1001", **fields)

    def told(self, state, activity):
        """The page's row is what a command shows, and what the watching phone is told."""
        until(lambda: self.node.ctl("presence.get", number="1001")["state"] == state, lambda: f"not {state}")
        while True:
            activities = re.findall(r"<rpid:([\w-]+)/>", self.body)
            if activity in activities or (not activities and activity == "–"):
                return
            notify = self.desk.take_request("NOTIFY", PATIENCE_S, self.watch)
            self.desk.respond(notify, 200)
            self.body = notify.body.decode()

    def published(self, who="1001", body="<presence/>", kind="application/pidf+xml", **headers):
        ask = self.phone.request("PUBLISH", f"sip:{who}@{self.phone.home}", body=body.encode(), content_type=kind,
                                 headers=list({"Event": "presence", "Expires": "600", **{name.replace("_", "-"): value for name, value in headers.items()}}.items()))
        return self.phone.transact_authorized(ask)[1].status

    def test_presence(self):
        text = guide("presence.md")
        said = typed(self, self.node, text)
        for word in ("out_of_office", "Back on Monday"):
            self.assertIn(word, said)
        for number in ("1002", "1003"):
            self.node.put_extension(number, "correct-horse-battery")
        self.node.ctl("room.put", number="700")
        rows = {int(row): (state, activity) for row, state, activity in re.findall(r"^\| (\d) \|.*\| `([\w]+)` \| `?([\w–-]+)`? \|$", text, re.M)}
        self.assertEqual(set(rows), {1, 2, 3, 4, 5, 7})      # the sixth is any word
        self.desk, audio = self.agent("1002"), self.enterContext(self.node.media())
        ask = self.desk.request("SUBSCRIBE", f"sip:1001@{self.desk.home}", headers=[("Event", "presence"), ("Expires", "600")])
        self.watch, self.body = self.desk.transact_authorized(ask)[1].call_id, ""
        self.told(*rows[1])
        self.phone, calls = self.agent("1001"), []
        meeting = lambda state, **until: self.node.ctl("presence.set", number="1001", state=state, by="calendar", **until)
        steps = [(7, lambda: None, lambda: None), (5, lambda: meeting("in_a_meeting", until_utc_ms=4102444800000), lambda: meeting("available")),
                 (4, lambda: self.put(do_not_disturb=True), lambda: self.put(do_not_disturb=False)),
                 (3, lambda: calls.append(self.phone.invite("1003", audio.sdp())), lambda: calls.pop().bye()),
                 (2, lambda: calls.append(self.phone.invite("700", audio.sdp())), lambda: calls.pop().bye())]
        other = self.agent("1003")
        for row, begin, _ in steps:
            begin()
            if row == 3:
                other.incoming().answer(audio.sdp())
                calls[-1].wait_answer()
            elif row == 2:
                calls[-1].wait_answer()
            self.told(*rows[row])
        self.node.kill()
        self.node.restart()
        for (row, _, end), (below, _, _) in zip(reversed(steps), reversed(steps[:-1])):
            self.told(*rows[row])
            end()
            self.told(*rows[below])
        for state in re.findall(r"`(\w+)`", re.search(r"^- States are (.*?\.)$", text, re.M | re.S)[1]):
            self.node.ctl("presence.set", number="1001", state=state)
            until(lambda state=state: self.node.ctl("presence.get", number="1001")["state"] == state, lambda: "another state")
        refused = {code for row in re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", text, re.M) for code in row.split(", ")}
        self.assertEqual({str(self.published(**what)) for what in (
            {"who": "1002"}, {"SIP_If_Match": "never"}, {"kind": "text/plain"}, {"body": "no document"}, {"Expires": "59"}, {"Event": "dialog"})},
            refused - {"503"})

    def test_blf(self):
        text = guide("blf.md")
        said = typed(self, self.node, text)
        self.assertIn("Front desk", said)
        desk = self.agent("1011")
        keys = Keys(desk, re.search(r'attendant.uri="(.*)@YOUR-DOMAIN"', text)[1])
        keys.hear()
        self.assertEqual(keys.names, {"1012": "Ann", "1013": "Front desk", "%234172": "Hall"})
        watches, resources = re.search(r"`watches` is `(.*)`, and `resources` is (\d+)", text).groups()
        self.assertIn((watches, int(resources)), [(row["watches"], row["resources"]) for row in self.node.ctl("subscription.list")])
        lamps = lambda lamps: self.node.ctl("extension.put", number="1011", lamps=lamps)
        codes = re.findall(r"^\| `(\w+)` \(\d+\) \|", text, re.M)
        self.node.ctl("tenant.put", name="default", blf_lamps=1)
        for code, wrong in zip(codes, ("1=park:7", "1=blf:1012,2=blf:1012", "1=blf:1012,2=blf:1013")):
            with self.assertRaisesRegex(ServerError, f": {code}: "):
                lamps(wrong)
        called, audio = self.agent("1012"), self.enterContext(self.node.media())
        self.node.put_extension("1014", "correct-horse-battery")
        out = self.agent("1014").invite("1012", audio.sdp())
        called.incoming().ring()
        keys.until_lamps(_1012=["early"])
        until(lambda: self.node.ctl("call.list")[0]["saved"], lambda: "the call is not saved as ringing")
        self.node.kill()
        self.node.restart()
        keys.hear()
        self.assertEqual((keys.whole, keys.lamps), (True, {"1012": ["early"], "1013": [], "%234172": []}))
        out.cancel()
        keys.until_lamps(_1012=[])
        lamps("2=blf:1013")
        while set(keys.lamps) != {"1013"}:
            keys.hear()
        asked = [desk.transact_authorized(desk.request("SUBSCRIBE", f"sip:{of}@{desk.home}", headers=[("Event", "dialog"), *headers]))[1].status
                 for of, headers in (("lamps-1011", []), ("lamps-1012", [("Supported", "eventlist")]))]
        self.assertEqual([str(status) for status in asked], re.findall(r"The phone hears (\d+)", text))


class Forms(unittest.TestCase):
    """What can be said of files whose programs are not there."""

    def test_asterisk(self):
        sections = []
        for line in guide("asterisk-pjsip.conf").splitlines():
            self.assertRegex(line, r"^(;.*|\[[\w-]+\]|\w+=\S+|)$")
            if line.startswith("["):
                sections.append(line.strip("[]"))
        self.assertEqual(set(sections), {"transport-udp", "tandem", "tandem-auth"})

    def test_freeswitch(self):
        root = xml.etree.ElementTree.fromstring(guide("freeswitch-gateway.xml"))
        params = {param.get("name"): param.get("value") for param in root.iter("param")}
        self.assertEqual((params["username"], params["realm"], params["register"]), ("1001", "tandem", "true"))

    def test_every_slot_can_be_dialled(self):
        """Phones dial two digits and more."""
        for path in (ROOT / "docs" / "api.md", *sorted(GUIDES.glob("*.md"))):
            for slot in re.findall(r"\bslot=(\d+)", path.read_text(encoding="utf-8")):
                self.assertGreaterEqual(len(slot), 2, f"{path}: slot={slot}")

    def test_every_command_of_the_guides_exists(self):
        table = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        words = (ROOT / "app" / "ctl" / "ctl_args.c").read_text(encoding="utf-8")
        known = {*re.findall(r"^### (\S+)$", table, re.M), *re.findall(r"tandemctl (?:\[[^\]]*\] )*([a-z]+)", words)}
        for path in (ROOT / "README.md", *sorted(GUIDES.glob("*.md"))):
            for command in re.findall(r"(?:tandemctl|tandem ctl) ([a-z]\S*)", path.read_text(encoding="utf-8")):
                if command not in known and not command.endswith(("`", ".")):
                    self.assertIn(command.rstrip("`.,:;"), known, path)


if __name__ == "__main__":
    unittest.main()
