# SPDX-License-Identifier: Apache-2.0
"""BLF: phones that watch extensions (RFC 6665, 4235, 3856): a scripted desk phone, baresip and linphone.  BLF-04, BLF-07, SEC-06."""
import contextlib
import email
import os
import time
import unittest
import xml.etree.ElementTree as ElementTree

from lib.linphone import Linphone
from lib.message import parameter
from lib.node import Node
from lib.place import PARTY
from lib.sip import SipError
from patience import PATIENCE_S
from server import ServerError

INFO = "{urn:ietf:params:xml:ns:dialog-info}"


class Lamp:
    """One lamp of a desk phone: it keeps what it is told as RFC 4235 4.1 wants it."""

    def __init__(self, agent, number, headers=(), **body):
        self.agent, self.number, self.dialogs, self.version, self.cseq = agent, number, {}, -1, 0
        uri = f"sip:{number}@{agent.home}"
        ask = agent.request("SUBSCRIBE", uri, headers=[("Event", "dialog"), ("Accept", "application/dialog-info+xml"), ("Expires", "600"), *headers],
                            **body)
        sent, self.answer = agent.transact_authorized(ask)
        assert self.answer.status == 200, self.answer
        self.call_id, self.from_, self.to = self.answer.call_id, self.answer.get("From"), self.answer.get("To")
        self.target, self.asked = self.answer.get("Contact").strip("<>"), sent.cseq

    def again(self, expires):
        """A refresh, or no more of it."""
        self.asked += 1
        return self.agent.transact(self.agent.request(
            "SUBSCRIBE", self.target, headers=[("Event", "dialog"), ("Expires", str(expires))], call_id=self.call_id, cseq=self.asked,
            from_=self.from_, to=self.to))

    def hear(self, seconds=PATIENCE_S):
        """The next NOTIFY, answered; repetitions are answered, too."""
        while True:
            notify = self.agent.take_request("NOTIFY", seconds, self.call_id)
            self.agent.respond(notify, 200)
            if notify.cseq > self.cseq:
                break
        self.cseq, self.standing = notify.cseq, notify.get("Subscription-State")
        if notify.body:
            self.read(notify)
        return notify

    def read(self, notify):
        self.learn(ElementTree.fromstring(notify.body))

    def learn(self, info):
        version, whole = int(info.get("version")), info.get("state") == "full"
        assert version > self.version, (version, self.version)
        assert whole or version == self.version + 1, "a document was missed"
        if whole:
            self.dialogs = {}
        self.version, self.whole = version, whole
        for dialog in info.iter(INFO + "dialog"):
            self.dialogs[dialog.get("id")] = dialog

    def states(self):
        return sorted(dialog.find(INFO + "state").text for dialog in self.dialogs.values())

    def until(self, *states):
        while self.states() != sorted(states):
            self.hear()

    def off(self):
        """Whether the last dialog is shown once more behind a kill depends on when the successor shows it."""
        while set(self.states()) - {"terminated"}:
            self.hear()

    def drain(self, seconds=1.5):
        """What it has shown, one after the other, until nothing comes for so long."""
        shown = [self.states()]
        with contextlib.suppress(SipError):
            while True:
                self.hear(seconds)
                shown.append(self.states())
        return shown


RLMI = "{urn:ietf:params:xml:ns:rlmi}"


class Keys(Lamp):
    """All lamps of a desk phone by one subscription: it keeps what it is told as RFC 4662 5.6 wants it. lamps: user -> states of its dialogs;
    None: nothing was told yet; a text: why it is not watched."""

    def __init__(self, agent, number, entries=()):
        self.lamps, self.names = {}, {}
        headers, body = [("Supported", "eventlist"), ("Accept", "application/rlmi+xml, multipart/related")], {}
        if entries:
            headers += [("Require", "recipient-list-subscribe"), ("Content-Disposition", "recipient-list")]
            body = {"content_type": "application/resource-lists+xml", "body": "<resource-lists><list>" + "".join(
                f'<entry uri="sip:{entry}@{agent.home}"/>' for entry in entries) + "</list></resource-lists>"}
        super().__init__(agent, number, headers, **body)
        assert self.answer.get("Require") == "eventlist", self.answer

    def read(self, notify):
        assert notify.get("Require") == "eventlist", notify
        whole = email.message_from_bytes(b"Content-Type: " + notify.get("Content-Type").encode() + b"\r\n\r\n" + notify.body)
        parts = {part["Content-ID"].strip("<>"): part for part in whole.get_payload()}
        root = parts.pop(whole.get_param("start").strip("<>"))
        assert root is whole.get_payload(0) and root.get_content_type() == whole.get_param("type") == "application/rlmi+xml", notify
        self.learn_list(ElementTree.fromstring(root.get_payload(decode=True)), parts)
        assert not parts, "nothing leads to a part"

    def learn_list(self, rlmi, parts):
        version, whole = int(rlmi.get("version")), rlmi.get("fullState") == "true"
        assert version > self.version and (whole or version == self.version + 1), (version, self.version, whole)
        self.version, self.whole = version, whole
        if whole:
            self.lamps = {}
        self.named = [resource.get("uri")[4:].partition("@")[0] for resource in rlmi.iter(RLMI + "resource")]
        for user, resource in zip(self.named, rlmi.iter(RLMI + "resource")):
            self.names[user] = resource.findtext(RLMI + "name")
            instance = resource.find(RLMI + "instance")
            self.lamps[user] = None if instance is None else instance.get("reason")
            if instance is None or instance.get("state") != "active":
                continue
            info = ElementTree.fromstring(parts.pop(instance.get("cid")).get_payload(decode=True))
            assert info.get("state") == "full" and info.get("entity") == resource.get("uri"), (info.attrib, resource.attrib)
            self.lamps[user] = sorted(dialog.find(INFO + "state").text for dialog in info.iter(INFO + "dialog"))

    def until_lamps(self, **lamps):
        """Users are keywords with '_' in front."""
        while any(self.lamps.get(user[1:]) != state for user, state in lamps.items()):
            self.hear()


class Blf(unittest.TestCase):
    def setUp(self):
        self.node = Node()
        self.addCleanup(self.node.close)
        for number in ("1001", "1002", "1003"):
            self.node.put_extension(number, "secret-" + number)

    def agent(self, number):
        agent = self.node.user_agent(number, "secret-" + number)
        self.addCleanup(agent.close)
        self.assertEqual(agent.register(expires=600).status, 200)
        return agent

    def ring(self, caller, called, audio):
        out = caller.invite(called.number, audio.sdp())
        into = called.incoming()
        into.ring()
        out.wait_provisional(180)
        return out, into

    def test_a_desk_phone(self):
        """Dark, blinking with who calls, lit, over a kill -9, and dark again."""
        caller, called, desk = self.agent("1001"), self.agent("1002"), self.agent("1003")
        lamp = Lamp(desk, "1002")
        lamp.hear()
        self.assertEqual((lamp.states(), lamp.version, lamp.whole), ([], 0, True))
        self.assertEqual([(row["number"], row["watches"], row["event"]) for row in self.node.ctl("subscription.list", number="1002")],
                         [("1003", "1002", "dialog")])
        with self.node.media() as audio:
            out, into = self.ring(caller, called, audio)
            lamp.until("early")
            dialog = next(iter(lamp.dialogs.values()))
            self.assertEqual(dialog.get("direction"), "recipient")
            self.assertIn("sip:1001@", dialog.find(f"{INFO}remote/{INFO}identity").text)
            into.answer(audio.sdp(), ack=False)
            out.wait_answer()
            into.wait_ack()
            lamp.until("confirmed")
            before = lamp.version
            self.node.kill()
            self.node.restart()
            lamp.hear(20)
            self.assertTrue(lamp.whole and lamp.version > before + 1)
            self.assertEqual(lamp.states(), ["confirmed"])
            out.bye()
            into.wait_bye()
            lamp.until("terminated")
        self.assertEqual(lamp.again(600).status, 200)
        lamp.hear()
        self.assertTrue(lamp.whole)
        self.assertEqual(lamp.again(0).status, 200)
        lamp.hear()
        self.assertEqual(parameter(lamp.standing, "reason"), "timeout")
        end = time.monotonic() + PATIENCE_S
        while self.node.ctl("subscription.list"):
            self.assertLess(time.monotonic(), end)
        self.assertEqual(lamp.again(600).status, 481)

    def test_keys(self):
        """The lamps of a document by one subscription, as it changes, over a kill -9; and a list that comes along. BLF-01, BLF-02, ADM-17."""
        caller, called, desk = self.agent("1001"), self.agent("1002"), self.agent("1003")
        put = lambda lamps: self.node.ctl("extension.put", number="1003", lamps=lamps)
        self.node.ctl("extension.put", number="1003", monitor="listed", monitors="1001,1002,1004,1005,1006")
        for lamps, why in (("1=blf:1001,2=blf:1001", "lamps 1 and 2 are both of 1001"), ("1=park:70,2=park:70", "are both of 70"),
                           ("1=park:7", "has 2 to 8 digits"), ("5=blf:1007", "lamp 5: the extension may not watch 1007"),
                           ("1=blf:1001,2=blf:1002,3=blf:1004,4=blf:1005,5=blf:1006", "blf_lamps of the tenant"), ("11=blf:1001", "SLOT")):
            with self.assertRaisesRegex(ServerError, why):
                put(lamps)
        put("3=blf:1002:Ann & Co,1=blf:1001,10=park:70")
        keys = Keys(desk, "lamps-1003")
        keys.hear()
        self.assertEqual((keys.named, keys.whole, keys.version), (["1001", "1002", "%234170"], True, 0))
        self.assertEqual(keys.names, {"1001": "1001", "1002": "Ann & Co", "%234170": "70"})
        keys.until_lamps(_1001=[], _1002=[])
        self.assertEqual([(row["watches"], row["resources"]) for row in self.node.ctl("subscription.list")], [("lamps-1003", 3)])
        with self.node.media() as audio:
            out, into = self.ring(caller, called, audio)
            keys.until_lamps(_1001=["early"], _1002=["early"])
            self.assertFalse(keys.whole)
            into.answer(audio.sdp(), ack=False)
            out.wait_answer()
            into.wait_ack()
            keys.until_lamps(_1001=["confirmed"], _1002=["confirmed"])
            self.node.kill()
            self.node.restart()
            keys.hear(20)
            self.assertEqual((keys.whole, keys.lamps), (True, {"1001": ["confirmed"], "1002": ["confirmed"], "%234170": []}))
            self.node.ctl("call.park", call=self.node.ctl("call.list")[0]["id"], leg="a", slot="70")
            into.wait_bye()
            keys.until_lamps(**{"_1001": ["confirmed"], "_1002": [], "_%234170": ["confirmed"]})
            picks = desk.invite("%234170", audio.sdp())
            picks.wait_answer()
            keys.until_lamps(**{"_%234170": []})
            put("2=blf:1001")
            while len(keys.lamps) > 1:
                keys.hear()
            self.assertEqual((keys.whole, keys.lamps), (True, {"1001": ["confirmed"]}))
            picks.bye()
            out.wait_bye()
            keys.until_lamps(_1001=[])
        self.node.ctl("extension.put", number="1003", monitors="1002")
        keys.until_lamps(_1001="rejected")
        brought = Keys(desk, "lists", ["1001", "1002", "1999"])
        brought.hear()
        self.assertEqual(brought.lamps, {"1001": "rejected", "1002": [], "1999": "rejected"})
        for ask, status in ((("lamps-1003", []), 421), (("lamps-1001", [("Supported", "eventlist")]), 403)):
            _, refused = desk.transact_authorized(desk.request("SUBSCRIBE", f"sip:{ask[0]}@{desk.home}", headers=[("Event", "dialog"), *ask[1]]))
            self.assertEqual(refused.status, status, ask)

    def test_who_may(self):
        """A permission that is taken counts at once; names are hidden where the extension says so."""
        caller, called, desk = self.agent("1001"), self.agent("1002"), self.agent("1003")
        self.node.ctl("extension.put", number="1002", monitored="state")
        lamp = Lamp(desk, "1002")
        lamp.hear()
        with self.node.media() as audio:
            out, into = self.ring(caller, called, audio)
            lamp.until("early")
            dialog = next(iter(lamp.dialogs.values()))
            self.assertEqual(set(dialog.keys()), {"id", "direction"})
            self.assertEqual([child.tag for child in dialog], [INFO + "state"])
            out.cancel()
        self.node.ctl("extension.put", number="1003", monitor="listed", monitors="1001")
        while "terminated" not in lamp.hear().get("Subscription-State"):
            pass
        self.assertEqual(parameter(lamp.standing, "reason"), "rejected")
        _, refused = desk.transact_authorized(desk.request("SUBSCRIBE", f"sip:1002@{desk.home}", headers=[("Event", "dialog")]))
        self.assertEqual(refused.status, 403)
        lamp = Lamp(desk, "1001")
        self.assertEqual(lamp.answer.status, 200)
        lamp.hear()
        self.node.ctl("subscription.end", id=self.node.ctl("subscription.list", number="1003")[0]["id"])
        lamp.hear()
        self.assertEqual(parameter(lamp.standing, "reason"), "deactivated")

    def test_a_trunk(self):
        """It hears the same of whom there is and of whom there is not, and of those of its document the state, over a kill -9."""
        caller, called, trunk = self.agent("1001"), self.agent("1002"), self.node.user_agent("+4930900")
        self.addCleanup(trunk.close)
        self.node.ctl("trunk.put", name="pbx", direction="in", sources=PARTY, source_port=trunk.port)
        for number, event in (("1002", "dialog"), ("1999", "dialog"), ("1002", "presence"), ("1002", "reg"), ("1002", "conference")):
            ask = trunk.request("SUBSCRIBE", f"sip:{number}@{trunk.home}", headers=[("Event", event)])
            self.assertEqual(trunk.transact(ask).status, 403, (number, event))
        self.node.ctl("trunk.put", name="pbx", monitors="1002|15xx")
        lamp = Lamp(trunk, "1002")
        lamp.hear()
        self.assertEqual([(row["trunk"], row["watches"]) for row in self.node.ctl("subscription.list")], [("pbx", "1002")])
        self.node.kill()
        self.node.start()
        with self.node.media() as audio:
            out, _ = self.ring(caller, called, audio)
            lamp.until("early")
            self.node.ctl("trunk.put", name="pbx", monitors="")
            out.cancel()
            while "terminated" not in lamp.hear().get("Subscription-State"):
                pass
        self.assertEqual(parameter(lamp.standing, "reason"), "rejected")

    def test_phones(self):
        """What baresip and linphone know of a friend: that he is there, and that he is on the phone. baresip publishes what its user says."""
        caller, called = self.agent("1001"), self.agent("1002")
        host = f"{self.node.server[0]}:{self.node.server[1]}"
        bare = self.node.phone("1003", "secret-1003", ";pubint=600", modules=(), config="module_app contact.so\nmodule_app presence.so",
                               contacts=f'"Friend" <sip:1002@{host}>;presence=p2p\n')
        self.addCleanup(bare.quit)
        folder = os.path.join(self.node.home, "linphone")
        os.makedirs(folder)
        self.node.put_extension("1004", "secret-1004")
        lin = Linphone(folder, self.node.ports, self.node.server, "1004", "secret-1004")
        self.addCleanup(lin.quit)
        lin.heard("LinphoneRegistrationOk")
        lin.say(f"friend add friend sip:1002@{host}")
        lin.heard("<basic>open</basic>")
        self.until(lambda: "Online" in bare.command("contacts"), bare)
        with self.node.media() as audio:
            out, into = self.ring(caller, called, audio)
            lin.heard("<rpid:on-the-phone/>")
            self.until(lambda: "Busy" in bare.command("contacts"), bare)
            out.cancel()
            into.wait_cancel()
        self.until(lambda: "Online" in bare.command("contacts"), bare)
        for word, said in (("offline", "off_work"), ("online", "available"), ("offline", "off_work")):
            before = self.published(bare)
            bare.command("presence_" + word)
            self.until(lambda said=said, before=before: self.said("1003") == (said, "phone") and self.published(bare) > before, bare)
        bare.quit()     # it takes its word along: by the tag of the last answer, which it has read
        self.until(lambda: self.said("1003") == ("available", ""), bare)

    def said(self, number):
        shown = self.node.ctl("presence.get", number=number)
        return shown["said"], shown["by"]

    @staticmethod
    def published(bare):
        """How many PUBLISHes the phone has an answer to."""
        with open(bare.log, encoding="utf-8", errors="replace") as log:
            return log.read().count("SIP-ETag:")

    def until(self, what, phone):
        end = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), end, phone.log_tail())
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
