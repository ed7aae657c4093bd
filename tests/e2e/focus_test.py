# SPDX-License-Identifier: Apache-2.0
"""Conferences made and changed by phones (RFC 4579): REFER, BYE by REFER, another line that comes, and Join (RFC 3911); by what each of
them hears.  CONF-03, CONF-05, CONF-07, CONF-11."""
import unittest
import urllib.parse

from conference_test import ConferenceTest
from lib.message import parameter
from lib.sip import or_none
from patience import until


class FocusTest(ConferenceTest):
    def begins(self):
        """1001 speaks with 1002, and on a second line with 1003; all three come together."""
        first, _ = self.talk("1001", "1002")
        second, line = self.talk("1001", "1003", speaks=(False, True))
        room = self.node.ctl("conference.add", call=first, leg="a", **{"with": second})["id"]
        line.wait_bye()
        self.all_hear("1001", "1002", "1003")
        self.members("1001", "1002", "1003")
        self.audio["1001"].stop()                # three are heard at once
        return f"sip:conf-{room}@{self.agents['1001'].home}"

    def hear_each_other(self, *numbers):
        """1001 says nothing."""
        for number in ("1001", *numbers):
            self.hears(number, *(other for other in numbers if other != number))

    def refer(self, dialog, target, status=202):
        request = dialog.in_dialog("REFER", [("Refer-To", f"<{target}>")])
        self.assertEqual(dialog.transact(request).status, status, target)
        return request.cseq

    def user(self, number):
        return f"sip:{number}@{self.agents[number].home}"

    def notified(self, dialog, cseq, line=None):
        """What is told; None: whatever that is."""
        notify = dialog.agent.take_request("NOTIFY", call_id=dialog.call_id)
        dialog.agent.respond(notify, 200, "OK")
        line = line or notify.body.decode().removeprefix("SIP/2.0 ").strip()
        self.assertEqual((notify.get("Event"), notify.body), (f"refer;id={cseq}", f"SIP/2.0 {line}\r\n".encode()))
        self.assertEqual(notify.get("Subscription-State").startswith("active"), line.startswith("1"))
        return line

    def answers(self, number):
        into = self.agents[number].incoming()
        self.assertIn("isfocus", into.request.get("Contact"))
        audio = self.end()
        into.answer(audio.sdp())
        audio.use(into.request)
        self.speaks(number, audio, into)

    def dialog_of(self, dialog):
        """As who has it says it to the node."""
        return f"{dialog.call_id};to-tag={parameter(dialog.remote, 'tag')};from-tag={parameter(dialog.local, 'tag')}"


class Stations(FocusTest):
    def test_somebody_is_brought_and_dropped(self):
        """A member brings 1004, who is busy, and then comes; only who may drops it."""
        self.begins()
        bringer = self.dialogs["1002"]
        cseq = self.refer(bringer, self.user("1004"))
        self.notified(bringer, cseq, "100 Trying")
        into = self.agents["1004"].incoming()
        into.reject(486)
        self.notified(bringer, cseq, "486 Busy Here")
        self.hear_each_other("1002", "1003")
        cseq = self.refer(bringer, self.user("1004"))
        self.notified(bringer, cseq, "100 Trying")
        self.answers("1004")
        self.notified(bringer, cseq, "200 OK")
        self.hear_each_other("1002", "1003", "1004")
        self.refer(self.dialogs["1003"], self.user("1004") + ";method=BYE", 403)
        cseq = self.refer(bringer, self.user("1004") + ";method=BYE")
        self.notified(bringer, cseq, "200 OK")
        self.dialogs["1004"].wait_bye()
        self.hear_each_other("1002", "1003")

    def test_one_asks_again_and_again(self):
        """One phone rings, however often a member asks for it (TRUST-02)."""
        self.begins()
        before = len(self.node.ctl("call.list"))
        asks = [self.dialogs["1002"].in_dialog("REFER", [("Refer-To", f"<{self.user('1004')}>"), ("Refer-Sub", "false")])
                for _ in range(160)]
        statuses = [self.dialogs["1002"].transact(ask).status for ask in asks]
        self.assertEqual((statuses.count(202), statuses.count(486)), (1, 159))
        self.assertEqual(len(self.node.ctl("call.list")), before + 1)
        self.agents["1004"].incoming().reject(486)

    def test_a_second_line_comes(self):
        """1003 calls 1004 on another line, and gives it to the conference: by REFER there, and by Replaces."""
        focus = self.begins()
        _, line = self.talk("1003", "1004", speaks=(False, True))
        self.refer(line, focus)
        line.wait_bye()
        self.hear_each_other("1002", "1003", "1004")
        self.hangs_up("1004")
        self.members("1001", "1002", "1003")
        _, line = self.talk("1003", "1004", speaks=(False, True))
        cseq = self.refer(self.dialogs["1003"], f"sip:x@{self.agents['1003'].home}?Replaces="
                          + urllib.parse.quote(self.dialog_of(line), safe=""))
        self.notified(self.dialogs["1003"], cseq, "200 OK")
        line.wait_bye()
        self.hear_each_other("1002", "1003", "1004")


class Transferred(FocusTest):
    def test_a_place_in_a_room(self):
        """1003 speaks with 1004, dials the room on another line, and transfers 1004 there (RFC 5589 7): it hangs up as soon as it is told."""
        self.node.ctl("room.put", number="700", host_pin="815042")
        for number in ("1001", "1002"):
            self.dials(number, "700", "#")
        _, line = self.talk("1003", "1004", speaks=(False, True))
        self.dials("1003", "700", "815042#")
        self.members("1001", "1002", "1003")
        cseq = self.refer(line, f"sip:700@{line.agent.home}?Replaces=" + urllib.parse.quote(self.dialog_of(self.dialogs["1003"]), safe=""))
        self.notified(line, cseq, "200 OK")
        for dialog in (line, self.dialogs["1003"]):
            or_none(dialog.bye)
        self.audio["1003"].stop()
        self.all_hear("1001", "1002", "1004")
        self.assertTrue(self.members("1001", "1002", "1004")["1004"]["host"])


class Joins(FocusTest):
    def joins(self, agent, number, dialog, status=200):
        """It comes to the call of that dialog, as itself: the end is 1004's tone."""
        audio = self.end()
        out = agent.invite(number, audio.sdp(), headers=[("Join", self.dialog_of(dialog))])
        if status != 200:
            self.assertEqual(out.wait_final().status, status)
            return
        answer = out.wait_answer()
        self.assertIn("isfocus", answer.get("Contact"))
        audio.use(answer)
        self.speaks("1004", audio, out)

    def test_another_phone_of_an_extension(self):
        """It comes to its extension's call of two; when it leaves they have their call again. A stranger does not."""
        other = self.node.user_agent("1002", "secret1002")
        self.addCleanup(other.close)
        self.assertEqual(other.register().status, 200)
        self.talk("1001", "1002")
        self.joins(self.agents["1003"], "1001", self.dialogs["1002"], status=403)
        self.joins(other, "1001", self.dialogs["1002"])
        self.all_hear("1001", "1002", "1004")
        self.hangs_up("1004")
        until(lambda: not self.node.ctl("conference.list") and len(self.node.ctl("call.list")) == 1, lambda: self.node.ctl("call.list"))
        self.all_hear("1001", "1002")


if __name__ == "__main__":
    unittest.main()
