# SPDX-License-Identifier: Apache-2.0
"""Keys of phones that follow their extension (as-feature-event): set by the phone, by a code, by command and over HTTP, shown by all of its phones,
whichever node has them.  CALL-19, CALL-22, ADM-27, BEAT-19, PRES-04, SEC-06."""
import os
import time
import unittest
import xml.etree.ElementTree as ElementTree

from http_api_test import Asks
from lib.sipp import Sipp, user
from patience import PATIENCE_S, slowness
from taken_test import Cluster

HERE = os.path.dirname(__file__)
TYPE = "application/x-as-feature-event+xml"
SPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
KINDS = {"forwardImmediate": "always", "forwardBusy": "busy", "forwardNoAns": "no_answer"}
NOTHING = {"dnd": False, "always": "", "busy": "", "no_answer": ""}


def disturb(on):
    return f'<?xml version="1.0"?>\n<SetDoNotDisturb xmlns="{SPACE}">\n <device>1</device>\n <doNotDisturbOn>{on}</doNotDisturbOn>\n</SetDoNotDisturb>\n'


def forward(kind, on, to="", rings=""):
    kind = next(name for name, ours in KINDS.items() if ours == kind)
    return (f'<?xml version="1.0"?>\n<SetForwarding xmlns="{SPACE}">\n <device>1</device>\n <forwardingType>{kind}</forwardingType>\n'
            f" <activateForward>{on}</activateForward>\n <forwardDN>{to}</forwardDN>\n <ringCount>{rings}</ringCount>\n</SetForwarding>\n")


class Keys:
    """As Polycom's phones do it: a subscription to its own extension, and within that a body for each press."""

    def __init__(self, agent, event="as-feature-event", accept=TYPE):
        self.agent, self.event, self.shown, self.rings, self.cseq = agent, event, {}, None, 0
        ask = agent.request("SUBSCRIBE", f"sip:{agent.number}@{agent.home}", headers=[("Event", event), ("Accept", accept), ("Expires", "600")])
        sent, self.answer = agent.transact_authorized(ask)
        self.asked, self.call_id, self.from_, self.to = sent.cseq, self.answer.call_id, self.answer.get("From"), self.answer.get("To")

    def press(self, body):
        self.asked += 1
        request = self.agent.request("SUBSCRIBE", self.answer.get("Contact").strip("<>"), headers=[("Event", self.event), ("Expires", "600")],
                                     body=body, content_type=TYPE, call_id=self.call_id, cseq=self.asked, from_=self.from_, to=self.to)
        return self.agent.transact(request).status

    def hear(self, seconds=PATIENCE_S):
        notify = self.agent.take_request("NOTIFY", seconds, self.call_id)
        self.agent.respond(notify, 200)
        if notify.cseq <= self.cseq:
            return
        self.cseq, self.standing = notify.cseq, notify.get("Subscription-State")
        if not notify.body:
            return
        told = ElementTree.fromstring(notify.body)
        value = {element.tag.removeprefix("{" + SPACE + "}"): element.text or "" for element in told}
        if told.tag.endswith("}DoNotDisturbEvent"):
            self.shown["dnd"] = value["doNotDisturbOn"] == "true"
        else:
            self.shown[KINDS[value["forwardingType"]]] = value["forwardTo"] if value["forwardStatus"] == "true" else ""
            self.rings = value.get("ringCount", self.rings)

    def until(self, seconds=PATIENCE_S, **wanted):
        end = time.monotonic() + seconds
        while not wanted.items() <= self.shown.items():
            self.hear(max(0.01, end - time.monotonic()))


class KeysOfPhones(Asks, Cluster):
    """1003 has a phone at node a and one at node b."""

    def setUp(self):
        super().setUp()
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        self.a.ctl("extension.put", number="1003", do_not_disturb=False, forward_always="", forward_busy="", forward_no_answer="", forward_rings=0,
                   do_not_disturb_codes=True, forwarding_codes=True, phone_features="all")
        self.until(lambda: self.fields() == self.fields(self.b))
        self.registers(17, "1001", "1003")
        self.registers(18, "1003")

    def keys(self):
        both = [Keys(self.phones[shard, "1003"]) for shard in (17, 18)]
        for keys in both:
            self.assertEqual(keys.answer.status, 200)
            keys.until(**NOTHING)
        return both

    def fields(self, node=None):
        value = (node or self.a).ctl("extension.get", number="1003")
        return {"dnd": value["do_not_disturb"], **{kind: value[f"forward_{kind}"] for kind in KINDS.values()}}

    def agree(self, both, since, **wanted):
        """Phones and nodes, within a second."""
        for keys in both:
            keys.until(1.0 * slowness(), **wanted)
        for node in (self.a, self.b):
            while not wanted.items() <= self.fields(node).items():
                self.assertLess(time.monotonic() - since, 1.0 * slowness(), (wanted, self.fields(node)))
        self.assertLess(time.monotonic() - since, 1.0 * slowness(), wanted)

    def dials(self, digits):
        with self.a.media() as end:
            out = self.phones[17, "1003"].invite(digits, end.sdp())
            out.wait_answer()
            since = time.monotonic()
            out.bye()
        return since

    def test_agree(self):
        """By either phone, by a code, by command at the other node, over HTTP; and the calls go where all of them say."""
        both = at_a, at_b = self.keys()
        steps = [
            (lambda: self.assertEqual(at_b.press(disturb("true")), 200), {"dnd": True}),
            (lambda: self.assertEqual(at_a.press(disturb("false")), 200), {"dnd": False}),
            (lambda: self.assertEqual(at_a.press(forward("always", "true", "1002")), 200), {"always": "1002"}),
            (lambda: self.assertEqual(at_b.press(forward("always", "false")), 200), {"always": ""}),
            (lambda: self.assertEqual(at_b.press(forward("busy", "true", "sip:1001@example.org")), 200), {"busy": "1001"}),
            (lambda: self.assertEqual(at_a.press(forward("no_answer", "true", "1002", 3)), 200), {"no_answer": "1002"}),
            (lambda: self.b.ctl("extension.put", number="1003", forward_busy="", forward_no_answer=""), {"busy": "", "no_answer": ""}),
            (lambda: self.assertEqual(self.http(self.b, "PATCH", "/v1/extensions/1003", token, {"do_not_disturb": True})[0], 200), {"dnd": True}),
            (lambda: self.dials("*79"), {"dnd": False}),
            (lambda: self.dials("*78"), {"dnd": True}),
        ]
        token = self.token(self.b, "admin", "default")
        for number, (step, wanted) in enumerate(steps):
            with self.subTest(number):
                since = time.monotonic()
                done = step()
                self.agree(both, done if isinstance(done, float) else since, **wanted)
        self.assertEqual(at_b.rings, "3")
        self.assertEqual(self.a.ctl("extension.get", number="1003")["forward_rings"], 3)
        noted = [(row["by"], row["changes"]) for row in self.a.ctl("audit.list", object="1003", door="phone")]
        self.assertIn(("1003", {"do_not_disturb": [False, True]}), noted)
        self.assertIn(("1003", {"forward_no_answer": ["", "1002"], "forward_rings": [0, 3]}), noted)
        with self.a.media() as end:
            self.assertEqual(self.phones[17, "1001"].invite("1003", end.sdp()).wait_final().status, 486)

    def test_killed(self):
        """A node is killed: its phone is told all by the other one, and sets by the way it has."""
        at_a, at_b = both = self.keys()
        self.assertEqual(at_a.press(disturb("true")), 200)
        self.agree(both, time.monotonic(), dnd=True)
        at_a.shown = {}
        self.a.kill()
        at_a.until(30, **NOTHING | {"dnd": True})
        self.assertEqual(at_a.press(forward("busy", "true", "1001")), 200)
        since = time.monotonic()
        for keys in both:
            keys.until(1.0 * slowness(), busy="1001")
        self.assertEqual(self.fields(self.b)["busy"], "1001")
        self.assertLess(time.monotonic() - since, 1.0 * slowness())
        self.a.restart()
        self.until(lambda: self.fields()["busy"] == "1001")

    def test_may_not(self):
        """SEC-06, ADM-27, PRES-04: 403, and the key shows what is so; a phone without that key hears nothing of it; an old one nothing at all."""
        at_a, at_b = self.keys()
        self.a.ctl("extension.put", number="1003", do_not_disturb_codes=False)
        self.until(lambda: not self.b.ctl("extension.get", number="1003")["do_not_disturb_codes"])
        at_b.shown = {}
        self.assertEqual(at_b.press(disturb("true")), 403)
        at_b.until(**NOTHING)
        self.assertEqual(at_b.press(forward("always", "true", "1003")), 200)     # its calls would come back
        at_b.until(**NOTHING)
        self.assertEqual(self.fields(), NOTHING)
        self.a.ctl("extension.put", number="1003", do_not_disturb_codes=True, phone_features="no_do_not_disturb")
        again = Keys(self.phones[17, "1003"])
        again.until(always="", busy="", no_answer="")
        self.assertNotIn("dnd", again.shown)
        self.assertEqual(again.press(disturb("true")), 403)
        self.a.ctl("extension.put", number="1003", phone_features="none")
        while "terminated" not in at_a.standing:
            at_a.hear()
        self.assertIn("reason=rejected", at_a.standing)
        for event, accept in (("as-feature-event", TYPE), ("presence", "application/pidf+xml")):
            self.assertEqual(Keys(self.phones[17, "1003"], event, accept).answer.status, 403)

    def test_sipp(self):
        """It subscribes, is told of its keys, presses one, and is told so."""
        self.a.put_extension("1300", "secret1300")
        self.addCleanup(self.a.ctl, "extension.delete", number="1300")
        host, port = self.phones[17, "1001"].server
        sipp = Sipp(os.path.join(self.a.home, "sipp"), os.path.join(HERE, "sipp", "feature_keys.xml"), (host, port), self.a.ports,
                    users=[user("1300", "secret1300")], seconds=20, extra=("-auth_uri", f"1300@{host}:{port}"))
        outcome = sipp.wait()
        self.assertTrue(outcome.ok(1), outcome)
        self.assertTrue(self.b.ctl("extension.get", number="1300")["do_not_disturb"])


if __name__ == "__main__":
    unittest.main()
