# SPDX-License-Identifier: Apache-2.0
"""Flows that the package brings (deploy/flows), with keys as events of RFC 4733, by INFO and as tones; and who is found by a name: IVR-01, CALL-46."""
import array
import contextlib
import fnmatch
import functools
import json
import os
import tempfile
import time
import unittest
import wave

from lib.place import PARTY

from flow_calls_test import Put
from music_test import sine, wav
from patience import until
from tandem_client import Refused

LONG = 70                       # s
SHARED = True
FLOWS = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "flows")
PROMPTS = os.path.join(FLOWS, "..", "prompts")
LANGUAGES = ("en", "de")
WORD, RATE = 3300, 8000         # Hz: of each word of a number or a day; samples a second


def shipped(name):
    with open(os.path.join(FLOWS, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


@functools.cache
def names(language):
    """Of the prompts, and words, that the package has."""
    with open(os.path.join(PROMPTS, language + ".txt"), encoding="utf-8") as file:
        return [line.split("=")[0].strip() for line in file if "=" in line and not line.startswith(("#", "voice ="))]


def prompts(step):
    """Those of the package that a step of a flow says."""
    for verb in ("play", "gather", "record"):
        value = step.get(verb, [])
        for said in value if isinstance(value, list) else value.get("prompt", []):
            yield from fnmatch.filter(names("en"), said.replace("{why}", "*"))


@functools.cache
def tone(hertz, seconds):
    samples = array.array("h", sine(hertz, RATE))
    return (samples * (int(seconds) + 1))[:int(seconds * RATE)].tobytes()


@functools.cache
def made(hertz, seconds):
    """A file of that tone, for as long as this process lives: each node has the same ones."""
    made.folder = getattr(made, "folder", None) or tempfile.TemporaryDirectory(prefix="tandem-tones-")
    path = os.path.join(made.folder.name, f"{hertz}-{seconds}.wav")
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(tone(hertz, seconds))
    return path


def tone_file(path, hertz, seconds):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    os.link(made(hertz, seconds), path)


def walks(steps, says=""):
    """For a test of Walks: it fails unless the flow begins these steps in it, and these prompts are heard."""
    def marked(test):
        @functools.wraps(test)
        def walked(self):
            test(self)
            until(lambda: walked.steps <= self.begun(), lambda: f"not begun: {walked.steps - self.begun()}")
            self.assertEqual(walked.says - self.said, set(), "not heard")
        walked.steps, walked.says = set(steps.split()), set(says.split())
        return walked
    return marked


class Walks:
    """For a TestCase of calls in LANGUAGE: which steps of the flow WALKED they have begun, and which prompts were heard. Each prompt is a tone of its own, in each
    language another one. What decides alone (set, match) is told to nobody."""
    LANGUAGE, ALSO, SECONDS = "en", (), {}      # flows whose prompts are heard, too; prompts that are longer

    def setUp(self):
        super().setUp()
        self.audio, self.tones, self.said = self.audio_a, {}, set()
        said = sorted({prompt for flow in (self.WALKED, *self.ALSO) for step in shipped(flow)["steps"].values() for prompt in prompts(step)})
        for at, language in enumerate(LANGUAGES):
            for name in names(language):
                hertz, seconds = (400 + 32 * said.index(name) + 16 * at, self.SECONDS.get(name, 0.24)) if name in said else (WORD, 0.08)
                self.tones[language, name] = hertz
                tone_file(f"{self.node.folder}/sounds/.prompts/{language}/{name}.wav", hertz, seconds)
        for number in ("1001", "1002"):
            self.ask("extension.put", number=number, language=self.LANGUAGE)

    def hears(self, *what, packets=5, anew=False):
        """Less than half of each: a busy machine is late with the rest."""
        for one in what:
            self.audio.wait_tone(self.tones.get((self.LANGUAGE, one), one), 2 if one == WORD else packets, anew)
            self.said.add(one)

    def begun(self):
        return {event["step"] for event in self.node.events() if event["type"] == "call.flow" and event["flow"] == self.WALKED}


class AllBegun:
    """For a TestCase: there is no step of the flow WALKED, and no prompt of it, of which no test of WALKS, its classes, says that it walks it in LANGUAGE. That
    it does is of that test alone: see walks()."""
    LANGUAGE, ONLY, ELSEWHERE = "en", set(), set()      # steps of a flow that several files walk

    def test_all(self):
        tests = [getattr(of, name) for of in self.WALKS for name in unittest.defaultTestLoader.getTestCaseNames(of)]
        steps = {name: step for name, step in shipped(self.WALKED)["steps"].items() if name in self.ONLY or not self.ONLY and name not in self.ELSEWHERE}
        begins = {name for name, step in steps.items() if not {"set", "match"} & step.keys()}
        says = {prompt for step in steps.values() for prompt in prompts(step)}
        for all_of_it, mark in ((begins, "steps"), (says, "says")):
            self.assertEqual(all_of_it.difference(*(getattr(test, mark, set()) for test in tests)), set())
        self.assertEqual({(of.WALKED, of.LANGUAGE) for of in self.WALKS}, {(self.WALKED, self.LANGUAGE)})


class Shipped(Put):
    """Otto Berg is 1002."""
    SDP, HEADERS = {}, ()

    def setUp(self):
        super().setUp()
        self.ask("extension.put", number="1002", display_name="Otto Berg")

    def dialled(self, name):
        self.ask("flow.put", name="main", program=shipped(name))
        self.ask("number.put", number="100", to="flow:main")
        out = self.a.invite("100", self.audio_a.sdp(**self.SDP), headers=self.HEADERS)
        self.audio_a.use(out.wait_answer())
        return out, self.ask("call.list")[0]["id"]

    def rings(self, out, call):
        """1002 is connected with the caller, and the way that the call took."""
        into = self.b.incoming()
        into.answer(self.audio_b.sdp())
        at = self.at(call)
        self.ask("call.hangup", call=call)
        into.wait_bye()
        out.wait_bye()
        return at["path"] + " " + at["at"]

    def asks(self, call, step):
        until(lambda: f" {step} is carried out" in self.at(call)["at"], lambda: self.at(call))

    def keys(self, out, keys):
        for key in keys:
            self.key(out, key)



class Ways:
    """Each flow, whatever keys are."""

    def test_attendant(self):
        self.ask("dialplan.put", operator="1002")
        for keys, way in (("1002", "extension"), ("0", "operator"), ("*2374#", "who")):
            out, call = self.dialled("attendant")
            self.asks(call, "menu")
            self.keys(out, keys[0])
            if keys[0] == "*":
                self.asks(call, "name")
            self.keys(out, keys[1:])
            self.assertIn(way, self.rings(out, call))
            self.ended()

    def test_directory(self):
        """Nobody has the first name that is keyed."""
        out, call = self.dialled("directory")
        self.asks(call, "name")
        self.keys(out, "999#")
        until(lambda: "nobody" in self.at(call)["path"])
        self.asks(call, "name")
        self.keys(out, "6886#")         # OTTO
        self.rings(out, call)

    def test_account_code(self):
        out, call = self.dialled("account-code")
        self.asks(call, "code")
        self.keys(out, "4711#")
        self.asks(call, "number")
        self.keys(out, "1002#")
        self.rings(out, call)
        self.assertEqual(self.ended()["account_code"], "4711")
        self.account()

    def account(self):
        """Who calls outside is asked for the code."""
        carrier = self.enterContext(self.node.user_agent("carrier"))
        self.ask("trunk.put", name="carrier", servers=f"{PARTY}:{carrier.port}", direction="out")
        self.ask("route.put", name="out", pattern="030x.", trunks="carrier")
        self.ask("extension.put", number="1001", account_code="required", classes=["other"])
        self.ask("flow.put", name="account", program=shipped("account"))
        self.ask("tenant.put", name="default", account_flow="account")
        out = self.a.invite("030123", self.audio_a.sdp(**self.SDP), headers=self.HEADERS)
        self.audio_a.use(out.wait_answer())
        self.asks(self.ask("call.list")[0]["id"], "first")
        self.keys(out, "7#")
        carrier.incoming().reject(486, "Busy Here")
        out.wait_bye()
        self.assertEqual(self.ended()["account_code"], "7")

    def test_conference(self):
        self.ask("room.put", number="700")
        out, call = self.dialled("conference")
        self.asks(call, "room")
        self.keys(out, "700#")
        until(lambda: len(self.ask("conference.list")) == 1)
        out.bye()
        self.ended()

    def test_message(self):
        out, call = self.dialled("message")
        self.asks(call, "note")
        self.audio_a.start(620)
        time.sleep(2)
        self.audio_a.stop()
        self.keys(out, "#")
        out.wait_bye()
        self.assertTrue(self.ended()["path"].startswith("note,bye"))


class Events(Shipped, Ways):
    def key(self, _, key):
        self.audio_a.digit(key)
        time.sleep(0.1)


class Info(Shipped, Ways):
    SDP = {"codecs": ("0 PCMU/8000",)}

    def key(self, out, key):
        request = out.in_dialog("INFO", body=f"Signal={key}\r\nDuration=120\r\n")
        request.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(out.transact(request).status, 200)


class Tones(Shipped, Ways):
    """A phone that knows neither."""
    SDP, HEADERS = {"codecs": ("0 PCMU/8000",)}, (("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),)

    def key(self, _, key):
        self.audio_a.press(key)


class Names(Shipped):
    """Several have the name that is keyed: BERG."""
    NAME = 620

    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.ask("extension.put", number="1003", display_name="Anna Bergmüller")
        wav(os.path.join(self.node.folder, "sounds", "default", "name-1003.wav"), self.NAME, seconds=8)

    def key(self, _, key):
        self.audio_a.digit(key)
        time.sleep(0.1)

    def named(self):
        out, call = self.dialled("directory")
        self.asks(call, "name")
        self.keys(out, "2374#")
        self.audio_a.wait_tone(self.NAME)
        return out, call

    def test_several(self):
        """In the order of their names; a key chooses one that was not named yet."""
        out, call = self.named()
        self.keys(out, "2")
        self.rings(out, call)

    def test_killed(self):
        """The next process goes on with the same list, though there is another name in front by then."""
        out, call = self.named()
        self.saved()
        self.node.kill()
        self.node.restart()
        self.node.put_extension("1004", "secret1004")
        self.ask("extension.put", number="1004", display_name="Adam Berg")
        self.audio_a.wait_tone(self.NAME, anew=True)
        self.keys(out, "2")
        self.rings(out, call)

    def test_unlisted(self):
        self.ask("extension.put", number="1003", unlisted=True)
        out, call = self.dialled("directory")
        self.asks(call, "name")
        self.keys(out, "2374#")
        self.rings(out, call)
        self.ask("extension.delete", number="1002", force=True)
        out, call = self.dialled("directory")
        self.asks(call, "name")
        self.keys(out, "2374#")
        until(lambda: "nobody" in self.at(call)["path"])
        out.bye()


class Own(Shipped):
    """Every tenant has them without putting them."""

    def dials(self, number="100"):
        return self.a.invite(number, self.audio_a.sdp()).wait_final().status

    def test_own(self):
        """A flow of the tenant of that name counts, while there is one; what is in no flow of the tenant can be read, and copied."""
        self.assertEqual(self.ask("number.put", number="100", to="flow:attendant").get("warnings", []), [])
        self.assertEqual([flow["name"] for flow in self.ask("flow.list")], ["main"])
        self.assertIn("attendant", {flow["name"] for flow in self.ask("flow.list", shipped=True)})
        self.assertEqual(self.ask("flow.get", name="attendant")["program"]["steps"], shipped("attendant")["steps"])
        self.ask("flow.put", name="attendant", program=[{"reject": {"status": 486}}])
        self.assertEqual(self.dials(), 486)
        self.ask("flow.delete", name="attendant", force=True)
        out = self.a.invite("100", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.asks(self.ask("call.list")[0]["id"], "menu")
        self.assertIn(shipped("attendant")["start"], self.at(self.ask("call.list")[0]["id"])["path"])
        out.bye()
        self.ended()
        with self.assertRaises(Refused):
            self.ask("flow.delete", name="attendant", force=True)

    def test_killed(self):
        """The next process, of whatever version, finds what the call goes through in Redis."""
        self.ask("number.put", number="100", to="flow:directory")
        out = self.a.invite("100", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.asks(self.ask("call.list")[0]["id"], "name")
        self.saved()
        hashes = {flow["hash"] for flow in self.ask("flow.list", shipped=True)}
        with self.node.redis() as redis:
            until(lambda: hashes <= {key.split(":")[-1] for key in redis("KEYS", "td:{t:_operator}:program:*")})
        self.node.kill()
        self.node.restart()
        self.asks(self.ask("call.list")[0]["id"], "name")
        out.bye()
        self.ended()


class Codes(Shipped):
    def test_dialled(self):
        """CALL-46, BEAT-30: a code of the tenant's own leads to a flow, also those that old phones could not dial, and 0 to the operator, which may be a flow; a code that is taken does not."""
        self.ask("flow.put", name="code", program=[{"reject": {"status": 486}}])
        for code in ("#32", "##", "#17", "#12", "#26", "#27", "#44", "#45", "#46", "#81", "#82"):
            self.ask("number.put", number=code, to="flow:code")
            self.assertEqual(self.a.invite(code, self.audio_a.sdp()).wait_final().status, 486, code)
        with self.assertRaises(Refused):
            self.ask("number.put", number="#69", to="flow:code")
        self.ask("flow.put", name="ones", program=[{"reject": {"status": 603}}])
        self.ask("number.put", number="#1x", to="flow:ones")
        for code, status in (("#17", 486), ("#18", 603), ("#11", 603), ("#69", 404)):
            self.assertEqual(self.a.invite(code, self.audio_a.sdp()).wait_final().status, status, code)
        self.ask("number.put", number="199", to="flow:code")
        self.ask("dialplan.put", operator="199")
        self.assertEqual(self.a.invite("0", self.audio_a.sdp()).wait_final().status, 486)


if __name__ == "__main__":
    unittest.main()
