# SPDX-License-Identifier: Apache-2.0
"""Real phones: baresip to baresip and baresip to SIPp, judged by what the far end heard."""
import os
import unittest

from lib.node import Node
from lib.sipp import Sipp

import tone

HERE = os.path.dirname(os.path.abspath(__file__))


class Phones(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        for number in ("1001", "1002", "2001"):
            cls.node.put_extension(number, "secret" + number)

    @classmethod
    def tearDownClass(cls):
        cls.node.close()

    def phone(self, number, **options):
        device = self.node.phone(number, "secret" + number, **options)
        self.addCleanup(device.quit)
        return device

    def talk(self, codec, modules=(), others=None):
        """A call in which both speak and press keys; asserts what each heard. others: the callee's codecs where it has others."""
        callee = self.phone("1002", extra=f"audio_codecs={others or codec};answermode=auto", source="ausine,880", modules=modules)
        caller = self.phone("1001", extra=f"audio_codecs={codec}", source="ausine,440", modules=modules)
        caller.dial("1002")
        caller.wait("CALL_ESTABLISHED")
        callee.wait("CALL_ESTABLISHED")
        shown = self.node.ctl("call.show", call=self.node.ctl("call.list")[0]["id"])
        for device in (caller, callee):
            device.wait_heard()
        caller.digits("159#")
        callee.digits("42")
        callee.wait_digits("159#")
        caller.wait_digits("42")
        caller.hangup()
        callee.wait("CALL_CLOSED")
        for device, hertz, keys in ((callee, 440, "159#"), (caller, 880, "42")):
            heard, share = tone.heard(device.recordings("dec")[0])
            self.assertAlmostEqual(heard, hertz, delta=3)
            self.assertGreater(share, 0.9)
            self.assertEqual(device.digits_heard(), keys)
        return shown

    def test_different_lists(self):
        """REG-10: each has a codec that the other has not; they meet on the one that both have, and hear each other's tone."""
        shown = self.talk("PCMU/8000/1,PCMA/8000/1", ("opus",), "opus/48000/2,PCMA/8000/1")
        self.assertEqual({leg: shown[leg]["codecs"][0] for leg in "ab"}, {"a": "PCMA", "b": "PCMA"})

    def test_g711_mu(self):
        self.talk("PCMU/8000/1")

    def test_g711_a(self):
        self.talk("PCMA/8000/1")

    def test_opus(self):
        self.talk("opus/48000/2", ("opus",))

    def test_callee_hangs_up_and_rejects(self):
        callee = self.phone("1002", extra="answermode=manual")
        caller = self.phone("1001")
        caller.dial("1002")
        callee.wait("CALL_INCOMING")
        caller.wait("CALL_RINGING")
        callee.command("accept")
        caller.wait("CALL_ESTABLISHED")
        callee.hangup()
        caller.wait("CALL_CLOSED")
        caller.dial("1002")
        callee.wait("CALL_INCOMING")
        callee.hangup()
        closed = caller.wait("CALL_CLOSED")
        self.assertIn("486", str(closed))

    def test_baresip_and_sipp(self):
        """SIPp echoes what it hears: the phone must hear its own tone, through the node, twice."""
        with self.node.user_agent("2001", "secret2001") as agent:
            port = agent.port
            self.assertEqual(agent.register(expires=600).status, 200)
        media = self.node.ports.take(2)
        folder = os.path.join(self.node.home, "sipp-echo")
        sipp = Sipp(folder, os.path.join(HERE, "sipp", "uas_wait.xml"), self.node.server, self.node.ports, calls=1,
                    users=[(str(media),)], port=port, seconds=30,
                    extra=("-rtp_echo", "-mp", str(media)))
        caller = self.phone("1001", extra="audio_codecs=PCMU/8000/1", source="ausine,620")
        caller.dial("2001")
        caller.wait("CALL_ESTABLISHED")
        caller.wait_heard(2.0)
        caller.hangup()
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        heard, share = tone.heard(caller.recordings("dec")[0])
        self.assertAlmostEqual(heard, 620, delta=3)
        self.assertGreater(share, 0.9)

    def test_sipp_calls_a_phone(self):
        callee = self.phone("1002", extra="answermode=auto;audio_codecs=PCMU/8000/1", source="ausine,700")
        self.node.put_extension("2002", "secret2002")
        with self.node.user_agent("2002", "secret2002") as agent, self.node.media() as audio:
            out = agent.invite("1002", audio.sdp())
            audio.use(out.wait_answer()).start(500)
            audio.wait_packets(80)
            callee.wait_heard()
            audio.stop()
            self.assertAlmostEqual(audio.heard()[0], 700, delta=3)
            out.bye()
            callee.wait("CALL_CLOSED")
        self.assertAlmostEqual(tone.heard(callee.recordings("dec")[0])[0], 500, delta=3)


if __name__ == "__main__":
    unittest.main()
