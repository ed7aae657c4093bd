# SPDX-License-Identifier: Apache-2.0
"""docs/guides/kamailio.cfg as a trunk: two of them lead to one carrier, by a name and by addresses."""
import os
import re
import shlex
import shutil
import unittest
from urllib.parse import quote

from lib.kamailio import Kamailio
from lib.message import parameter
from lib.nameserver import NameServer, address, service
from lib.node import Node
from lib.sip import UserAgent, or_none
from patience import until

from guides_test import guide
from sbc_test import CARRIER, Talks

PROXIES = "127.0.0.55", "127.0.0.56"


@unittest.skipUnless(shutil.which("kamailio"), "needs kamailio")
class Trunk(Talks, unittest.TestCase):
    """What the guide says of a trunk, word for word but for the addresses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.names = NameServer({})
        cls.addClassCleanup(cls.names.close)
        cls.node = cls.enterClassContext(Node(settings={"dns": {"servers": [cls.names.name]}}))
        cls.port, cls.carrier_port = cls.node.ports.take(), cls.node.ports.take()
        cls.names.zone["_sip._udp.carrier.example"] = [service(i, cls.port, f"proxy{i}.carrier.example") for i in range(2)]
        for i, host in enumerate(PROXIES):
            cls.names.zone[f"proxy{i}.carrier.example"] = [address(host)]
        cls.proxies = [cls.proxy(host) for host in PROXIES]
        for number in ("1001", "1002"):
            cls.node.put_extension(number, "secret")
        cls.by_addresses, *_, cls.by_name = lines = cls.guide_lines()
        for line in (*lines, "did.put number=+4930901821 to=1002", "extension.put number=1002 classes=other"):
            cls.says(line)

    @classmethod
    def guide_lines(cls):
        """What tandemctl is told there."""
        text = guide("kamailio.md", **{"servers=192.0.2.5,192.0.2.6": "servers=" + ",".join(f"{host}:{cls.port}" for host in PROXIES),
                                       "sources=192.0.2.5,192.0.2.6": "sources=" + ",".join(PROXIES)})
        return re.findall(r"^tandemctl (.*)$", text.split("## As a trunk")[1].split("\n## ")[0], re.M)

    @classmethod
    def says(cls, line):
        command, *words = shlex.split(line)
        cls.node.ctl(command, **dict(word.split("=", 1) for word in words))

    @classmethod
    def proxy(cls, host):
        """It runs until the class is over, or is killed before."""
        text = guide("kamailio.cfg", **{"192.0.2.10:5060": f"127.0.0.1:{cls.node.sip_port}", "udp:192.0.2.5:5060": f"udp:{host}:{cls.port}",
                                        "192.0.2.20:5060": f"{CARRIER}:{cls.carrier_port}"})
        program = Kamailio(os.path.join(cls.node.home, host), text)
        cls.addClassCleanup(program.close)
        return program

    def setUp(self):
        self.carrier = self.enterContext(UserAgent((PROXIES[0], self.port), "+4940123", "", CARRIER, self.carrier_port))
        self.a, self.b = (self.enterContext(self.node.user_agent(number, "secret")) for number in ("1001", "1002"))
        self.audio_a, self.audio_b, self.audio_c = (self.enterContext(self.node.media()) for _ in range(3))
        for phone in (self.a, self.b):
            self.assertEqual(phone.register().status, 200)
        for i in range(2):
            self.wait_there(i)

    def wait_there(self, i):
        """It answers."""
        with UserAgent((PROXIES[i], self.port)) as probe:
            self.proxies[i].wait(lambda: or_none(probe.options, 1))

    def tearDown(self):
        until(lambda: not self.node.ctl("call.list", ending=True))

    def call(self, caller, number, called, audio, heard):
        """(The caller's dialog, the called one's); each end has its own audio."""
        out = caller.invite(number, audio.sdp())
        into = called.incoming()
        into.answer(heard.sdp())
        audio.use(out.wait_answer())
        heard.use(into.request)
        return out, into

    def refer(self, dialog, target):
        return dialog.transact(dialog.in_dialog("REFER", [("Refer-To", target)]))

    def replacing(self, dialog, number):
        tags = f"to-tag={parameter(dialog.remote, 'tag')};from-tag={parameter(dialog.local, 'tag')}"
        return f"<sip:{number}@127.0.0.1?Replaces={quote(f'{dialog.call_id};{tags}', safe='')}>"

    def given(self, dialog):
        """NOTIFYs of a REFER that went well, and BYE."""
        until(lambda: "SIP/2.0 200" in self.notified(dialog))
        dialog.wait_bye()

    def notified(self, dialog):
        notify = dialog.agent.take_request("NOTIFY", call_id=dialog.call_id)
        dialog.agent.respond(notify, 200, "OK")
        return notify.text

    def test_held_and_given_away(self):
        """Out, held by both, given to a phone; in, given to somebody outside."""
        out, into = self.call(self.a, "030123", self.carrier, self.audio_a, self.audio_b)
        self.assertEqual(into.request.uri, f"sip:+4930123@{CARRIER}:{self.carrier_port}")
        self.assertIn(PROXIES[0], into.request.get("Record-Route"))
        self.talk(self.audio_a, self.audio_b)
        key = into.in_dialog("INFO", body="Signal=7\r\nDuration=160\r\n")
        key.set("Content-Type", "application/dtmf-relay")
        self.assertEqual(into.transact(key).status, 200)
        until(lambda: "7" in self.audio_a.digits())
        self.holds(out, self.audio_a, into, self.audio_b)
        self.holds(into, self.audio_b, out, self.audio_a)
        self.assertEqual(self.refer(out, "<sip:1002@127.0.0.1>").status, 202)
        rung = self.b.incoming()
        rung.answer(self.audio_a.sdp())
        self.given(out)
        self.audio_a.use(rung.request)
        self.talk(self.audio_a, self.audio_b)
        into.bye()
        rung.wait_bye()
        out, into = self.call(self.carrier, "+4930901820", self.a, self.audio_b, self.audio_a)
        self.talk(self.audio_a, self.audio_b)
        self.holds(out, self.audio_b, into, self.audio_a)
        self.assertEqual(self.refer(into, "<sip:030456@127.0.0.1>").status, 202)
        other = self.carrier.incoming()
        self.assertTrue(other.request.uri.startswith("sip:+4930456@"))
        other.answer(self.audio_a.sdp())
        self.given(into)
        other.bye()
        out.wait_bye()

    def joined(self, number, called):
        """A holds the carrier's first party, calls another one, and gives the one to the other."""
        out, into = self.call(self.a, "030123", self.carrier, self.audio_a, self.audio_b)
        self.holds(out, self.audio_a, into, self.audio_b)
        second, third = self.call(self.a, number, called, self.audio_a, self.audio_c)
        self.assertEqual(self.refer(out, self.replacing(second, number)).status, 202)
        self.given(out)
        second.wait_bye()
        self.talk(self.audio_b, self.audio_c)
        third.bye()
        into.wait_bye()

    def test_joined_with_another_party_of_it(self):
        self.joined("030456", self.carrier)

    def test_joined_with_a_phone(self):
        self.joined("1002", self.b)

    def test_a_pbx_gives_its_leg_away(self):
        """By INVITE with Replaces: what it asks for by REFER is refused, and harms nothing."""
        out, into = self.call(self.carrier, "+4930901820", self.a, self.audio_b, self.audio_a)
        second, third = self.call(self.carrier, "+4930901821", self.b, self.audio_c, self.audio_c)
        self.assertEqual(self.refer(out, self.replacing(second, "1002")).status, 403)
        second.bye()
        third.wait_bye()
        self.talk(self.audio_a, self.audio_b)
        tags = f"to-tag={parameter(out.remote, 'tag')};from-tag={parameter(out.local, 'tag')}"
        taken = self.carrier.invite("+4930901820", self.audio_c.sdp(), [("Replaces", f"{out.call_id};{tags}"), ("Require", "replaces")])
        self.audio_c.use(taken.wait_answer())
        out.wait_bye()
        self.talk(self.audio_a, self.audio_c)
        into.bye()
        taken.wait_bye()

    def test_one_dies(self):
        """Calls go by the other one, both ways, whether they are asked for by a name or by addresses; one that stands goes on."""
        out, into = self.call(self.a, "030123", self.carrier, self.audio_a, self.audio_b)
        self.assertIn(PROXIES[0], into.request.get("Record-Route"))
        self.proxies[0].kill()
        for line in (self.by_name, self.by_addresses):
            self.says(line + " answer_s=3")
            second, third = self.call(self.b, "030456", self.carrier, self.audio_c, self.audio_c)
            self.assertIn(PROXIES[1], third.request.get("Record-Route"))
            third.bye()
            second.wait_bye()
        self.carrier.server = PROXIES[1], self.port
        second, third = self.call(self.carrier, "+4930901821", self.b, self.audio_c, self.audio_c)
        third.bye()
        second.wait_bye()
        self.talk(self.audio_a, self.audio_b)
        self.proxies[0] = self.proxy(PROXIES[0])        # or BYE would not pass
        self.wait_there(0)
        out.bye()
        into.wait_bye()
