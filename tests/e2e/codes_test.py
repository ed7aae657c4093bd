# SPDX-License-Identifier: Apache-2.0
"""Feature codes: a phone dials what changes its own extension, and hears what became of it. CALL-15 to CALL-21, CALL-46."""
import os
import signal
import time
import unittest

from lib.node import Node
from patience import until
from state_test import redis_pid
from tones_test import TonesTest, UK_CONGESTION

import tone
from server import ServerError

LONG = 110                      # s: it listens
SHARED = True
UK_CONFIRMATION = (((350, 440),), [100, 100, 100, 100, 100, 1500])
INFORMATION = (((950,), (1400,), (1800,)), [990, 1000])


class CodesTest(TonesTest):
    def setUp(self):
        super().setUp()
        self.node.put_extension("1003", "secret1003")
        self.c = self.node.user_agent("1003", "secret1003")
        self.addCleanup(self.c.close)
        self.assertEqual(self.c.register().status, 200)

    def extension(self, number="1001"):
        return self.node.ctl("extension.get", number=number)

    def dialled(self, digits, heard):
        """The tone is heard once the outcome is known, from the answer on; then the node hangs up."""
        since = time.monotonic()                # before it: who looks late must not miss what was said
        out = self.a.invite(digits, self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears_tone(self.audio_a, heard, 3.5, since)
        out.wait_bye()
        return self.ended()

    def confirmed(self, digits):
        row = self.dialled(digits, UK_CONFIRMATION)
        self.assertEqual((row["from"], row["to"], row["sip_status"], row["ended_by"], row["cause"]),
                         ("1001", digits, "200", "node", "feature code: set"))
        self.assertNotEqual(row["answer_utc_ms"], "0")

    def not_set(self, digits, heard, reason):
        before = self.extension()
        self.assertEqual(self.dialled(digits, heard)["cause"], "feature code: not set")
        self.logged(f'reason="{reason}"' if " " in reason else f"reason={reason}")
        self.assertEqual(self.extension(), before)


class Codes(CodesTest):
    def test_forward_always(self):
        """CALL-17, CALL-21, CALL-46: nothing else of the extension changes, and the next call goes there."""
        self.node.ctl("extension.put", number="1001", display_name="Anna", forward_rings="3")
        before = self.extension()
        self.confirmed("*721002")
        noted = until(lambda: self.node.ctl("audit.list", object="1001", door="phone"))[0]
        self.assertEqual((noted["command"], noted["by"], noted["changes"]), ("extension.put", "1001", {"forward_always": ["", "1002"]}))
        self.assertEqual(self.extension() | {"changed_utc_ms": 0},
                         before | {"forward_always": "1002", "changed_utc_ms": 0})
        out = self.c.invite("1001", self.audio_b.sdp())
        into = self.b.incoming()
        self.assertRegex(into.request.get("Diversion"), r"^<sip:1001@[^>]+>;reason=unconditional")
        into.reject(480, "Temporarily Unavailable")
        out.wait_final()
        self.ended()        # its ACK is there: a phone would say it again (timer D), ours does not
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.extension()["forward_always"], "1002")
        self.confirmed("*73")
        self.assertEqual(self.extension()["forward_always"], "")
        self.assertEqual(self.a.register().status, 200, "its password stays")

    def test_conditions(self):
        """CALL-15, CALL-16: on busy, without an answer, with no phone there."""
        for on, off, field in (("*90", "*91", "forward_busy"), ("*92", "*93", "forward_no_answer"),
                               ("*94", "*95", "forward_unreachable")):
            self.confirmed(on + "1003")
            self.assertEqual(self.extension()[field], "1003")
            self.confirmed(off)
            self.assertEqual(self.extension()[field], "")

    def test_do_not_disturb(self):
        """CALL-19: by the phone."""
        self.confirmed("*78")
        self.assertEqual(self.c.invite("1001", self.audio_b.sdp()).wait_final().status, 486)
        self.assertEqual(self.a.count(lambda m: m.is_request and m.method == "INVITE"), 0)
        self.confirmed("*79")
        out = self.c.invite("1001", self.audio_b.sdp())
        self.a.incoming().reject(480, "Temporarily Unavailable")
        out.wait_final()

    def test_smart_do_not_disturb(self):
        """CALL-20: by the phone, whose own call for it is none any more."""
        self.confirmed("*76")
        self.assertTrue(self.extension()["smart_do_not_disturb"])
        out = self.b.invite("1001", self.audio_b.sdp())
        into = self.a.incoming()
        into.answer(self.audio_a.sdp(), ack=False)
        out.wait_answer()
        into.wait_ack()
        self.assertEqual(self.c.invite("1001", self.audio_b.sdp()).wait_final().status, 486)
        out.bye()
        into.wait_bye()
        self.confirmed("*77")
        self.assertFalse(self.extension()["smart_do_not_disturb"])

    def test_refused(self):
        """Where calls would come back, or go nowhere."""
        self.node.ctl("extension.put", number="1002", forward_always="1001")
        self.node.ctl("extension.put", number="1003", forward_always="1002")
        self.not_set("*729999", INFORMATION, "no such extension")
        self.not_set("*721001", INFORMATION, "its calls come back")
        self.not_set("*901003", INFORMATION, "its calls come back")

    def reads(self, codes):
        before = self.node.log_text().count("settings read again")
        self.node.configure({"media": self.media, "codes": codes})
        self.node.process.send_signal(signal.SIGHUP)
        self.logged("settings read again", before + 1)

    def test_no_code(self):
        for digits, status in (("*99", 404), ("*781", 404), ("*72", 484)):
            self.assertEqual(self.a.invite(digits, self.audio_a.sdp()).wait_final().status, status)
        self.reads({"do_not_disturb": "*80", "do_not_disturb_off": "off"})
        self.assertEqual(self.a.invite("*78", self.audio_a.sdp()).wait_final().status, 404)
        self.assertEqual(self.a.invite("*79", self.audio_a.sdp()).wait_final().status, 404)
        self.confirmed("*80")
        self.assertTrue(self.extension()["do_not_disturb"])
        self.reads({"enabled": False})
        self.assertEqual(self.a.invite("*80", self.audio_a.sdp()).wait_final().status, 404)

    def test_number_of_a_code(self):
        with self.assertRaisesRegex(ServerError, "feature code"):
            self.node.put_extension("*721", "secret")

    def test_redis_is_away(self):
        """What cannot be saved is not confirmed."""
        redis = redis_pid(self.node)
        os.kill(redis, signal.SIGSTOP)
        self.addCleanup(os.kill, redis, signal.SIGCONT)
        out = self.a.invite("*78", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.hears_tone(self.audio_a, UK_CONGESTION, 3.5)
        out.wait_bye()
        self.assertRegex(self.node.log_text(), r"""an extension was not changed by its phone".*reason=(uncertain|unavailable)""")
        os.kill(redis, signal.SIGCONT)
        self.assertEqual(self.ended()["cause"], "feature code: not set")


class Killed(CodesTest):
    def test_in_the_middle(self):
        """At whatever moment: in the end it is set and confirmed, once."""
        for step, (digits, wanted) in enumerate((("*78", True), ("*79", False)) * 3):
            with self.subTest(digits=digits, step=step):
                out = self.a.invite(digits, self.audio_a.sdp())
                time.sleep(step * 0.004)
                self.node.kill()
                self.node.restart()
                self.audio_a.use(out.wait_answer())
                self.assertEqual(self.extension()["do_not_disturb"], wanted)
                self.hears_tone(self.audio_a, UK_CONFIRMATION, 3.5)
                out.wait_bye()
                self.assertEqual(self.ended()["cause"], "feature code: set")

    def test_within_the_tone(self):
        out = self.a.invite("*78", self.audio_a.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_a.wait_packets(20)
        self.node.kill()
        self.node.restart()
        out.wait_bye()
        row = self.ended()
        self.assertEqual((row["sip_status"], row["cause"]), ("200", "feature code: set"))
        self.assertTrue(self.extension()["do_not_disturb"])


class Phones(unittest.TestCase):
    def test_baresip(self):
        """CALL-46: baresip dials the code, hears the confirmation tone of the country, and its calls go elsewhere."""
        node = Node()
        self.addCleanup(node.close)
        for number in ("1001", "1002", "1003"):
            node.put_extension(number, "secret" + number)

        def phone(number, **options):
            device = node.phone(number, "secret" + number, **options)
            self.addCleanup(device.quit)
            return device
        caller = phone("1001", source="ausine,440")
        target = phone("1002", extra="answermode=auto", source="ausine,880")
        caller.dial("*721002")
        caller.wait("CALL_ESTABLISHED")
        caller.wait("CALL_CLOSED")
        self.assertEqual(node.ctl("extension.get", number="1001")["forward_always"], "1002")
        recording = caller.recordings("dec")[0]
        heard = [tone.heard(recording, skip=tenth / 10, seconds=0.5)[0] for tenth in range(25)]
        self.assertTrue(any(abs(hertz - 425) <= 5 for hertz in heard), heard)
        other = phone("1003", source="ausine,440")
        other.dial("1001")
        target.wait("CALL_ESTABLISHED")
        other.wait("CALL_ESTABLISHED")
        other.hangup()
        target.wait("CALL_CLOSED")


if __name__ == "__main__":
    unittest.main()
