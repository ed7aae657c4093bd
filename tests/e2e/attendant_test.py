# SPDX-License-Identifier: Apache-2.0
"""docs/guides/attendant.md as it stands: its commands make a company's attendant, phones of all sorts call it, and the node is killed in each of its steps."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest

from lib import ROOT, browser, place
from lib.node import Node

from browser_test import key_of
from guides_test import guide
from music_test import wav
from patience import until

MENU, CLOSED, WAIT, TALK, CALLER, MICROPHONE = 620, 760, 1240, 880, 440, 1000
BLOCK = re.compile(r"^(<!-- run -->\n)?```sh\n(.*?)^```", re.M | re.S)
KEPT_S = 0.5            # what came so long before is dropped by the next process: ADR 28
BY_HAND = ("apt ", "espeak-ng ")        # a tone takes the place of what it says


class Attendant(unittest.TestCase):
    """One node for all: the guide ends with its office open."""

    @classmethod
    def setUpClass(cls):
        browser.install()
        place.command()
        cls.pages = browser.Pages()
        cls.addClassCleanup(cls.pages.close)
        cls.node = node = Node(settings={"http": {"tls": True, "origins": [cls.pages.origin]}})
        cls.addClassCleanup(node.close)
        for number in ("1001", "1002", "1003", "1004"):
            node.put_extension(number, "secret" + number)
        cls.desk, cls.second = (node.user_agent(number, "secret" + number) for number in ("1001", "1002"))
        cls.carrier = node.user_agent("+4930901820")
        for agent in (cls.desk, cls.second, cls.carrier):
            cls.addClassCleanup(agent.close)
        for agent in (cls.desk, cls.second):
            assert agent.register(expires=3600).status == 200
        for name, hertz in (("closed", CLOSED), ("please-wait", WAIT)):
            wav(os.path.join(node.folder, "sounds", "default", name + ".wav"), hertz, seconds=3)
        wav(os.path.join(node.home, "main-menu.wav"), MENU, rate=16000, channels=1, seconds=20)     # a browser on a busy machine may listen late
        cls.type_guide()

    @classmethod
    def type_guide(cls):
        """Its lines, and those of the carrier's; what was said."""
        node, port = cls.node, cls.node.ports.take()
        own = guide("attendant.md", **{"8088": str(port), "docs/guides/webhook.py": str(ROOT / "docs" / "guides" / "webhook.py")})
        outside = guide("carrier.md", **{"198.51.100.10": f"{place.PARTY}:{cls.carrier.port}"})
        typed = [text for run, text in BLOCK.findall(outside) if run and "extension.put number=1001 password" not in text]
        typed += [text for run, text in BLOCK.findall(own) if run or "prompt.put" in text or "web_secret" in text]
        lines = [line for line in "".join(typed).replace("./tandem ctl", f"{node.program('tandemctl')} --config {node.config}").splitlines()
                 if not line.startswith(BY_HAND)]
        said = os.path.join(node.home, "said")
        with open(said, "wb") as file:
            done = subprocess.run(["sh", "-eu"], input="\n".join([*lines, 'echo "$!" >webhook.pid', ""]), stdout=file, stderr=file,
                                  cwd=node.home, text=True, timeout=60, env={**node.environment, "TANDEM_HOME": node.folder})
        with open(said, encoding="utf-8") as file:
            cls.said = file.read()
        assert not done.returncode, cls.said[-2000:]
        node.ctl("trunk.put", name="carrier", source_port=str(cls.carrier.port))       # all parties have one address here
        with open(os.path.join(node.home, "webhook.pid"), encoding="ascii") as file:
            cls.webhook = int(file.read())
        cls.addClassCleanup(os.kill, cls.webhook, signal.SIGKILL)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), lambda: cls.said[-2000:])

    def setUp(self):
        self.audio = self.enterContext(self.node.media())
        self.addCleanup(self.audio.stop)
        self.node.ctl("hours.override", name="office", state="open")
        self.addCleanup(self.ended)

    def ended(self):
        until(lambda: not self.node.ctl("call.list", ending=True), lambda: f"{self.node.ctl('call.list', ending=True)}")

    def phone(self):
        phone = self.node.phone("1003", "secret1003", source=f"ausine,{CALLER}", extra="audio_codecs=PCMU/8000/1")
        self.addCleanup(phone.quit)
        return phone

    def dials(self, phone, number="100"):
        """It hears the menu."""
        phone.dial(number)
        phone.wait("CALL_ESTABLISHED")
        self.is_at("menu")

    def at(self, number=None):
        """Of the call from that number, or the only one."""
        [call] = [row["id"] for row in self.node.ctl("call.list") if number in (None, row["from"])]
        return self.node.ctl("call.flow", call=call)

    def is_at(self, step, number=None):
        until(lambda: f" {step} is carried out" in self.at(number)["at"], lambda: self.at(number))

    def killed(self, saved=True):
        """And the next process, which goes on with each call."""
        until(lambda: not saved or all(row["saved"] for row in self.node.ctl("call.list")), lambda: self.node.ctl("call.list"))
        self.node.kill()
        self.node.restart()

    def answers(self, into, hertz=CALLER):
        """Who is rung speaks with the caller, and hears it."""
        self.audio.stop()
        into.answer(self.audio.sdp())
        self.audio.use(into.request).start(TALK)
        self.audio.wait_tone(hertz)
        return into

    def rings(self, callee):
        """It does, over a kill."""
        into = callee.incoming()
        into.ring()
        self.killed()
        return into

    def busy(self, callee):
        callee.incoming().reject(486, "Busy Here")

    def test_tried(self):
        """What flow.try and dialplan.check say in the guide."""
        text = guide("attendant.md")
        for line in re.search(r"```json\n(.*?)```", text, re.S)[1].splitlines():
            self.assertIn(line, self.said)
        self.assertIn("/steps/help/redirect: there is no flow help yet", self.said)
        found = self.node.ctl("dialplan.check", **{"from": "1001", "number": "100"})
        self.assertEqual((found["meaning"], found["flow"]), ("flow", "main"))

    def test_sales(self):
        """Killed before Redis knows the call, in the prompt, while a key is down, and while it rings."""
        phone = self.phone()
        with self.node.redis() as redis:
            redis("CLIENT", "PAUSE", "60000", "WRITE")
            phone.dial("100")
            time.sleep(0.2)
            self.node.kill()
            redis("CLIENT", "UNPAUSE")
        self.node.restart()
        phone.wait("CALL_ESTABLISHED")
        self.is_at("menu")
        self.killed()
        self.is_at("menu")
        pressed = time.monotonic()
        phone.command("sndcode", "1")       # the phone lets it go by itself, after 180 ms
        time.sleep(0.1)
        self.killed(saved=False)
        if time.monotonic() - pressed > KEPT_S:
            phone.command("sndcode", "1")
        into = self.rings(self.desk)
        self.assertEqual(self.at()["path"], "open,menu,1")
        self.answers(into).bye()
        phone.wait("CALL_CLOSED")

    def test_outside(self):
        """Nobody is at the desk, and a mobile phone rings."""
        phone = self.phone()
        self.dials(phone)
        phone.digits("0")
        self.busy(self.desk)
        into = self.rings(self.carrier)
        self.assertTrue(into.request.uri.startswith("sip:+491711234567@"), into.request.uri)
        self.answers(into).bye()
        phone.wait("CALL_CLOSED")
        self.ended()
        self.support(phone)

    def support(self, phone):
        """Killed in the second flow while it rings."""
        self.dials(phone)
        phone.digits("2")
        into = self.rings(self.second)
        self.assertEqual((self.at()["flow"], self.at()["path"]), ("help", "open,menu,2,help,help"))
        self.answers(into).bye()
        self.is_at("2")

    def test_a_message(self):
        phone = self.phone()
        self.dials(phone)
        phone.digits("1")
        self.busy(self.desk)
        self.busy(self.second)
        self.is_at("sorry")
        self.killed()
        self.is_at("note")
        time.sleep(1)
        self.killed()
        self.is_at("note")
        time.sleep(1)
        phone.digits("#")
        phone.wait("CALL_CLOSED")
        self.ended()
        [row] = self.node.ctl("recording.list", number="100")
        self.assertEqual(row["call"], self.node.cdrs()[-1]["linked"])

    def test_a_web_application(self):
        """It is asked, and says nothing, when the node dies: the next process asks again."""
        phone = self.phone()
        os.kill(self.webhook, signal.SIGSTOP)
        phone.dial("190")
        until(lambda: self.node.ctl("call.list"))
        until(lambda: "ask waits for an answer" in self.at()["at"], self.at)
        self.killed()
        os.kill(self.webhook, signal.SIGCONT)
        self.busy(self.second)
        self.assertEqual(self.at()["path"], "ask,desk,busy")
        other = self.second.incoming()
        other.ring()
        into = self.answers(self.rings(self.desk))
        other.wait_cancel()
        into.bye()
        phone.wait("CALL_CLOSED")

    def test_edited(self):
        """A phone is in the menu when that gets a key: it goes on by what it heard. A browser has the new key, and leads to the web application."""
        chromium = browser.Browser(MICROPHONE, [key_of(os.path.join(self.node.folder, "tls", "node.pem"))])
        self.addCleanup(chromium.close)
        page = chromium.page(self.pages.origin + "/")
        self.addCleanup(page.close)
        page.register(f"wss://{place.NODE}:{self.node.http_port}/ws", "1004", "secret1004")
        phone = self.phone()
        self.dials(phone)
        program = json.loads(self.node.ctl("flow.export", name="main"))
        program["steps"]["menu"]["on"]["3"] = "shop"
        program["steps"]["shop"] = {"redirect": "flow:web", "failed": "desk"}
        self.node.ctl("flow.put", name="main", program=program)
        self.killed()
        phone.digits("30")      # the first one is no key of that menu
        self.answers(self.desk.incoming()).bye()
        phone.wait("CALL_CLOSED")
        page.until("phone.ua.isConnected()")
        page.call("100")
        page.wait("talking")
        page.tone(MENU)
        self.killed()
        page.tone(MENU)
        page.run("phone.digits('3')")
        into = self.rings(self.second)
        self.answers(into, MICROPHONE)
        page.tone(TALK)
        self.killed()
        self.audio.wait_tone(MICROPHONE, anew=True)
        page.until("phone.ua.isConnected()")
        page.hangup()
        into.wait_bye()

    def test_from_outside(self):
        """It is closed: what is said then, over a kill, and a message, which is the caller's alone."""
        self.node.ctl("hours.override", name="office", state="closed")
        out = self.carrier.invite("+493020001000", self.audio.sdp())
        self.audio.use(out.wait_answer())
        self.audio.wait_tone(CLOSED)
        self.killed()
        self.audio.wait_tone(CLOSED, anew=True)
        self.is_at("note")
        out.bye()


if __name__ == "__main__":
    unittest.main()
