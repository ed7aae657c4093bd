# SPDX-License-Identifier: Apache-2.0
"""Parties that are given away: CALL-23, CALL-24, CALL-26, CALL-28, CALL-29. What each hears before, meanwhile and afterwards is told by its frequency."""
import signal
import threading
import time
import unittest
from urllib.parse import quote

from lib.message import parameter
from lib.place import NODE
from lib.srtp import Key
from server import ServerError

from music_test import MUSIC, TALK_A, TALK_B, MusicTest
from patience import PATIENCE_S

LONG = 130                      # s: most of it waits
SHARED = True
RINGBACK, TALK_C = 425, 1000        # ITU-T E.180 Supplement 2: Germany


class TransferTest(MusicTest):
    """1001 and 1002 talk; 1003 is who one of them is given to."""
    media = {"music": "music.wav", "tones": "de"}

    def setUp(self):
        super().setUp()
        self.c, self.audio_c = self.agent("1003")

    def agent(self, number):
        self.node.put_extension(number, "secret" + number)
        made, audio = self.node.user_agent(number, "secret" + number), self.node.media()
        self.addCleanup(made.close)
        self.addCleanup(audio.close)
        self.assertEqual(made.register().status, 200)
        return made, audio

    def goes_on(self, end):
        """One stream, whose numbers and time go forward only."""
        packets = list(end.packets)
        self.assertEqual(len({packet.ssrc for packet in packets}), 1)
        for before, after in zip(packets, packets[1:]):
            self.assertLess((after.seq - before.seq) % 0x10000, 0x8000)
            self.assertLess((after.ts - before.ts) % 0x100000000, 0x80000000)

    def callee_says(self, out, into, mine, theirs, version):
        """The phone of B changes the direction; that of A answers."""
        answer = threading.Thread(target=out.wait_reinvite, args=(self.audio_a.sdp(direction=theirs, version=version),))
        answer.start()
        self.assertEqual(into.reinvite(self.audio_b.sdp(direction=mine, version=version)).status, 200)
        answer.join()

    def refer(self, dialog, number="1003", headers=()):
        """It gives its party away: the answer, and the CSeq by which NOTIFY names it."""
        request = dialog.in_dialog("REFER", [("Refer-To", f"<sip:{number}@{NODE}>"), *headers])
        return dialog.transact(request), request.cseq

    def give(self, dialog, number="1003"):
        response, cseq = self.refer(dialog, number)
        self.assertEqual(response.status, 202)
        self.notified(dialog, cseq, "100 Trying")
        return cseq

    def notified(self, dialog, cseq, line):
        """RFC 3515 2.4.4 and 2.4.5, RFC 3420: which REFER, whether more follows, and a status line."""
        notify = dialog.agent.take_request("NOTIFY", call_id=dialog.call_id)
        self.assertEqual(notify.get("Event"), f"refer;id={cseq}")
        state = r"active;expires=\d+" if line.startswith("1") else r"terminated;reason=noresource"
        self.assertRegex(notify.get("Subscription-State"), f"^{state}$")
        self.assertEqual(notify.get("Content-Type"), "message/sipfrag;version=2.0")
        self.assertEqual(notify.body, f"SIP/2.0 {line}\r\n".encode())
        dialog.agent.respond(notify, 200, "OK")

    def rings(self, given, transferor):
        """1003 rings for who is given away; who gave it is named (RFC 3892)."""
        into = self.c.incoming()
        self.assertIn(f"sip:{given}@", into.request.get("From"))
        self.assertRegex(into.request.get("Referred-By"), rf"^<sip:{transferor}@[^>]+>$")
        into.ring()
        return into

    def takes(self, into, given, audio, hertz, version=2):
        """1003 answers: the two speak with each other."""
        into.answer(self.audio_c.sdp(), ack=False)
        asked = given.wait_reinvite(audio.sdp(version=version))
        self.assertIn("a=sendrecv", asked.text)
        into.wait_ack()
        self.audio_c.use(into.request).start(TALK_C)
        self.hears(audio, TALK_C)
        self.hears(self.audio_c, hertz)

    def leaves(self, dialog, cseq, audio):
        """Who gave its party away hears how it ended, then BYE, then nothing."""
        self.notified(dialog, cseq, "200 OK")
        dialog.wait_bye()
        audio.stop()
        self.silent(audio)

    def pairs(self):
        """Of the CDRs, when no call is left: who spoke with whom, and how that ended."""
        self.ended()
        return [(cdr["from"], cdr["to"], cdr["sip_status"], cdr["cause"]) for cdr in self.node.cdrs()]

    def happened(self):
        return [event["type"] for event in self.node.events() if event["type"].startswith("call.transfer")]

    def assert_saved(self):
        """What a kill now must not lose."""
        self.until(lambda: self.node.ctl("call.show", call=self.call_id())["saved"])

    def until(self, true, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


class Blind(TransferTest):
    def test_the_callee_gives_the_caller(self):
        out, into = self.talk()
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        self.hears(self.audio_a, RINGBACK)
        self.silent(self.audio_b)
        self.takes(rung, out, self.audio_a, TALK_A)
        self.leaves(into, cseq, self.audio_b)
        self.one_stream(self.audio_a)
        out.bye()
        rung.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1001", "1003", "200", "hung up")])
        self.assertEqual(self.happened(), ["call.transferring", "call.transferred"])

    def test_the_caller_gives_the_callee(self):
        out, into = self.talk()
        cseq = self.give(out)
        rung = self.rings("1002", "1001")
        self.hears(self.audio_b, RINGBACK)
        self.silent(self.audio_a)
        self.takes(rung, into, self.audio_b, TALK_B)
        self.leaves(out, cseq, self.audio_a)
        rung.bye()
        into.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1002", "1003", "200", "hung up")])


    def test_who_was_held(self):
        """It hears music, ringback and then whom it was given to."""
        out, into = self.talk()
        self.callee_says(out, into, "sendonly", "recvonly", 2)
        self.hears(self.audio_a, MUSIC)
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        self.assertIn("a=sendrecv", rung.request.text)
        self.hears(self.audio_a, RINGBACK)
        self.takes(rung, out, self.audio_a, TALK_A, version=3)
        self.leaves(into, cseq, self.audio_b)
        self.ends(out, rung)

    def test_to_one_that_forwards(self):
        """CALL-15: the forwards of whom it is given to count."""
        d, self.audio_d = self.agent("1004")
        self.node.ctl("extension.put", number="1003", forward_busy="1004")
        out, into = self.talk()
        cseq = self.give(into)
        self.rings("1001", "1002").reject(486, "Busy Here")
        self.c, self.audio_c = d, self.audio_d
        rung = self.rings("1001", "1002")
        self.assertRegex(rung.request.get("Diversion"), "^<sip:1003@[^>]+>;reason=user-busy;counter=1$")
        self.takes(rung, out, self.audio_a, TALK_A)
        self.leaves(into, cseq, self.audio_b)
        self.ends(out, rung)

    def test_without_notify(self):
        """RFC 4488: it wants to hear nothing of it, and is left when the others speak."""
        out, into = self.talk()
        response, _ = self.refer(into, headers=[("Refer-Sub", "false")])
        self.assertEqual((response.status, response.get("Refer-Sub")), (202, "false"))
        rung = self.rings("1001", "1002")
        self.takes(rung, out, self.audio_a, TALK_A)
        into.wait_bye()
        self.assertEqual(self.b.count(lambda m: m.method == "NOTIFY"), 0)
        self.ends(out, rung)

    def test_encrypted_and_plain(self):
        """Who speaks SRTP is given to who does not, and the other way round."""
        ends = {"1001": self.audio_a, "1003": self.audio_c}
        for encrypted in ends:
            with self.subTest(encrypted):
                for number, end in ends.items():
                    end.key_out = Key() if number == encrypted else None
                    self.node.ctl("extension.put", number=number, sdes_insecure=str(number == encrypted).lower())
                out, into = self.talk()
                cseq = self.give(into)
                rung = self.rings("1001", "1002")
                self.hears(self.audio_a, RINGBACK)
                self.takes(rung, out, self.audio_a, TALK_A)
                self.leaves(into, cseq, self.audio_b)
                self.assertEqual([end.forged for end in (self.audio_a, self.audio_c)], [0, 0])
                self.audio_a.stop()
                self.audio_c.stop()
                self.ends(out, rung)


class Back(TransferTest):
    """Nobody takes it: the two go on as before."""

    def test_each_way(self):
        self.node.put_extension("1004", "secret1004")           # it has no phone
        out, into = self.talk()
        for number, line in (("1003", "486 Busy Here"), ("1004", "480 Temporarily Unavailable"), ("1009", "404 Not Found")):
            with self.subTest(line):
                response, cseq = self.refer(into, number)
                self.assertEqual(response.status, 202)
                if number == "1003":
                    self.notified(into, cseq, "100 Trying")
                    rung = self.rings("1001", "1002")
                    self.hears(self.audio_a, RINGBACK)
                    rung.reject(486, "Busy Here")
                self.notified(into, cseq, line)
                self.talks()
        for end in (self.audio_a, self.audio_b):
            self.one_stream(end)
        out.bye()
        into.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1001", "1003", "486", "refused by the callee"),
                                        ("1001", "1002", "200", "hung up")])
        self.assertEqual(self.happened(), ["call.transferring"] + 3 * ["call.transfer_failed"])

    def test_no_answer(self):
        before = self.node.log_text().count("settings read again")
        self.node.configure({"media": self.media, "sip": {"ring_timeout": "2s"}})
        self.node.process.send_signal(signal.SIGHUP)
        self.logged("settings read again", before + 1)
        out, into = self.talk()
        cseq = self.give(out)
        rung = self.rings("1002", "1001")
        rung.wait_cancel()
        self.notified(out, cseq, "408 Request Timeout")
        self.talks()
        self.ends(out, into)

    def test_who_was_held(self):
        """It is held again, and fetched back."""
        out, into = self.talk()
        self.callee_says(out, into, "sendonly", "recvonly", 2)
        self.hears(self.audio_a, MUSIC)
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        self.hears(self.audio_a, RINGBACK)
        rung.reject(603, "Decline")
        self.notified(into, cseq, "603 Decline")
        self.hears(self.audio_a, MUSIC)
        self.callee_says(out, into, "sendrecv", "sendrecv", 3)
        self.talks()
        self.ends(out, into)

    def test_refused(self):
        """What cannot be is said at once, and nobody rings."""
        out, into = self.talk()
        for target, status in (("<sip:1003@example.org>", 404), ("<mailto:1003@example.org>", 404), (f"<sip:1003@{NODE}", 400)):
            request = into.in_dialog("REFER", [("Refer-To", target)])
            self.assertEqual(into.transact(request).status, status, target)
        self.assertEqual(self.c.count(lambda m: m.method == "INVITE"), 0)
        self.give(into)
        rung = self.rings("1001", "1002")
        self.assertEqual(self.refer(into, "1004")[0].status, 491)
        self.assertEqual(self.refer(out, "1004")[0].status, 491)
        rung.reject(486)
        self.talks()
        self.ends(out, into)


class Permission(TransferTest):
    """CALL-27: an extension that may give nobody away."""

    def permit(self, number, transfer):
        self.node.ctl("extension.put", number=number, transfer=transfer)
        self.assertEqual(self.node.ctl("extension.get", number=number)["transfer"], transfer == "true")

    def test_of_either_party(self):
        out, into = self.talk()
        self.permit("1002", "false")
        self.assertEqual(self.refer(into)[0].status, 403)
        self.assertEqual(self.c.count(lambda m: m.method == "INVITE"), 0)
        self.talks()
        self.node.kill()
        self.node.restart()
        self.assertEqual(self.refer(into)[0].status, 403)
        cseq = self.give(out)
        rung = self.rings("1002", "1001")
        self.takes(rung, into, self.audio_b, TALK_B)
        self.leaves(out, cseq, self.audio_a)
        self.ends(into, rung)

    def test_while_it_waits(self):
        """It was taken away behind the 202: NOTIFY says so, and the call goes on."""
        out, into = self.talk()
        answer = threading.Thread(target=out.reinvite, args=(self.audio_a.sdp(version=2),))
        answer.start()
        asked = self.b.take_request("INVITE", call_id=into.call_id)
        response, cseq = self.refer(into)
        self.assertEqual(response.status, 202)
        self.permit("1002", "false")
        self.b.respond(asked, 200, "OK", headers=[("Contact", self.b.contact)], body=self.audio_b.sdp(version=2))
        answer.join()
        self.notified(into, cseq, "403 Forbidden")
        self.assertEqual(self.c.count(lambda m: m.method == "INVITE"), 0)
        self.permit("1002", "true")
        self.give(into)
        self.rings("1001", "1002").reject(486, "Busy Here")
        self.talks()
        self.ends(out, into)


class Left(TransferTest):
    """Somebody hangs up meanwhile."""

    def test_the_transferor(self):
        """CALL-28: who drops out at once is not waited for."""
        out, into = self.talk()
        self.give(into)
        rung = self.rings("1001", "1002")
        into.bye()
        self.hears(self.audio_a, RINGBACK)
        self.takes(rung, out, self.audio_a, TALK_A)
        self.ends(out, rung)

    def test_the_transferor_for_nothing(self):
        """CALL-28: nobody is there to get its party back, so that the call ends."""
        out, into = self.talk()
        self.give(into)
        rung = self.rings("1001", "1002")
        into.bye()
        rung.reject(486)
        out.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1001", "1003", "486", "refused by the callee")])

    def test_who_is_given_away(self):
        out, into = self.talk()
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        out.bye()
        rung.wait_cancel()
        self.notified(into, cseq, "487 Request Terminated")
        into.wait_bye()
        self.assertEqual(self.pairs()[0], ("1001", "1002", "200", "transferred"))


class TwoCalls(TransferTest):
    """1002 speaks with 1001, and with 1003."""

    def setUp(self):
        super().setUp()
        self.again = self.node.media()          # of B, for its second call
        self.addCleanup(self.again.close)

    def calls_third(self):
        """B calls C: (B's dialog, C's)."""
        second = self.b.invite("1003", self.again.sdp())
        third = self.c.incoming()
        third.answer(self.audio_c.sdp())
        self.again.use(second.wait_answer())
        self.audio_c.use(third.request)
        return second, third


class Attended(TwoCalls):
    """RFC 3891: who is held gets whom its holder speaks with."""

    def held(self):
        out, into = self.talk()
        self.callee_says(out, into, "sendonly", "recvonly", 2)
        self.hears(self.audio_a, MUSIC)
        return out, into

    def third_calls(self):
        """CALL-26: C calls B."""
        third = self.c.invite("1002", self.audio_c.sdp())
        second = self.b.incoming()
        second.answer(self.again.sdp())
        self.audio_c.use(third.wait_answer())
        self.again.use(second.request)
        return second, third

    def ask(self, dialog, second):
        """Within one dialog to replace the other: RFC 3891 3."""
        tags = f"to-tag={parameter(second.remote, 'tag')};from-tag={parameter(second.local, 'tag')}"
        target = f"<sip:1003@{NODE}?Replaces={quote(f'{second.call_id};{tags}', safe='')}>"
        request = dialog.in_dialog("REFER", [("Refer-To", target)])
        return dialog.transact(request), request.cseq

    def join(self, other, kill=False):
        out, into = self.held()
        second, third = other()
        self.again.start(TALK_B)
        self.audio_c.start(TALK_C)
        self.hears(self.audio_c, TALK_B)
        self.hears(self.again, TALK_C)
        response, cseq = self.ask(into, second)
        self.assertEqual(response.status, 202)
        self.notified(into, cseq, "200 OK")
        second.wait_bye()
        into.wait_bye()
        self.assertIn("a=sendrecv", out.wait_reinvite(self.audio_a.sdp(version=3)).text)
        if kill:
            self.hears(self.audio_a, TALK_C)
            self.hears(self.audio_c, TALK_A)        # its numbers are saved with its first packet
            self.until(lambda: len(self.calls()) == 1)
            self.assert_saved()
            self.node.kill()
            self.node.restart()
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_c, TALK_A)
        self.goes_on(self.audio_a)
        self.goes_on(self.audio_c)
        out.bye()
        third.wait_bye()
        self.ended()

    def test_whom_it_called(self):
        self.join(self.calls_third)

    def test_who_called_it(self):
        self.join(self.third_calls)

    def test_the_node_is_killed(self):
        self.join(self.calls_third, kill=True)

    def test_not_of_others(self):
        """Nobody takes a stranger's party."""
        out, into = self.talk()
        d, audio_d = self.agent("1004")
        third = d.invite("1003", audio_d.sdp())
        rung = self.c.incoming()
        rung.answer(self.audio_c.sdp())
        third.wait_answer()
        self.assertEqual(self.ask(into, third)[0].status, 403)
        third.call_id = "none"
        self.assertEqual(self.ask(into, third)[0].status, 403)
        self.talks()


class Outside(TransferTest):
    """RFC 4538, RFC 7647: a REFER outside of the call, which names it; what becomes of it is said in the dialog that the REFER makes."""

    def target(self, dialog):
        """The dialog as the node sees it."""
        return (f"{dialog.call_id};local-tag={parameter(dialog.remote, 'tag')}"
                f";remote-tag={parameter(dialog.local, 'tag')}")

    def ask(self, agent, target, headers=()):
        request = agent.request("REFER", f"sip:{NODE}", [("Refer-To", f"<sip:1003@{NODE}>"), ("Target-Dialog", target),
                                                        ("Require", "tdialog"), *headers])
        return agent.transact_authorized(request)

    def give_outside(self, dialog):
        sent, response = self.ask(dialog.agent, self.target(dialog))
        self.assertEqual(response.status, 202)
        self.assertNotEqual(parameter(response.get("To"), "tag"), parameter(dialog.remote, "tag"))
        self.said(dialog.agent, sent, response, "100 Trying")
        return sent, response

    def said(self, agent, sent, response, line):
        notify = agent.take_request("NOTIFY", call_id=sent.call_id)
        self.assertEqual(parameter(notify.get("From"), "tag"), parameter(response.get("To"), "tag"))
        self.assertEqual(parameter(notify.get("To"), "tag"), parameter(sent.get("From"), "tag"))
        self.assertEqual(notify.get("Event"), f"refer;id={sent.cseq}")
        self.assertEqual(notify.body, f"SIP/2.0 {line}\r\n".encode())
        agent.respond(notify, 200, "OK")

    def test_it_is_given_away(self):
        out, into = self.talk()
        sent, response = self.give_outside(into)
        rung = self.rings("1001", "1002")
        self.takes(rung, out, self.audio_a, TALK_A)
        self.said(self.b, sent, response, "200 OK")
        into.wait_bye()
        out.bye()
        rung.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1001", "1003", "200", "hung up")])

    def test_the_node_is_killed(self):
        """The next process knows the dialog of the REFER."""
        out, into = self.talk()
        sent, response = self.give_outside(out)
        rung = self.rings("1002", "1001")
        self.assert_saved()
        self.node.kill()
        self.node.restart()
        rung.reject(486, "Busy Here")
        self.said(self.a, sent, response, "486 Busy Here")
        self.talks()
        self.ends(out, into)

    def test_without_notify(self):
        """RFC 4488: no dialog is made."""
        out, into = self.talk()
        _, response = self.ask(self.b, self.target(into), [("Refer-Sub", "false")])
        self.assertEqual((response.status, response.get("Refer-Sub")), (202, "false"))
        rung = self.rings("1001", "1002")
        self.takes(rung, out, self.audio_a, TALK_A)
        into.wait_bye()
        self.assertEqual(self.b.count(lambda m: m.method == "NOTIFY"), 0)
        self.ends(out, rung)

    def test_refused(self):
        out, into = self.talk()
        request = self.b.request("REFER", f"sip:{NODE}", [("Refer-To", f"<sip:1003@{NODE}>"), ("Target-Dialog", self.target(into))])
        self.assertEqual(self.b.transact(request).status, 407)      # who it is has to be shown
        for agent, target, status in ((self.c, self.target(into), 403), (self.a, self.target(into), 403),
                                      (self.b, "x;local-tag=1;remote-tag=2", 481)):
            self.assertEqual(self.ask(agent, target)[1].status, status)
        self.node.ctl("extension.put", number="1002", transfer="false")
        self.assertEqual(self.ask(self.b, self.target(into))[1].status, 403)
        self.assertEqual(self.c.count(lambda m: m.method == "INVITE"), 0)
        self.talks()


class ByCommand(TransferTest):
    """CALL-23, CALL-29: as if the phone of that leg had sent REFER; nobody is notified."""

    def order(self, leg, to="1003"):
        self.node.ctl("call.transfer", call=self.call_id(), leg=leg, to=to)

    def test_the_caller_gives_the_callee(self):
        out, into = self.talk()
        self.order("a")
        rung = self.rings("1002", "1001")
        self.hears(self.audio_b, RINGBACK)
        self.silent(self.audio_a)
        self.takes(rung, into, self.audio_b, TALK_B)
        out.wait_bye()
        self.assertEqual(self.a.count(lambda m: m.method == "NOTIFY"), 0)
        self.one_stream(self.audio_b)
        rung.bye()
        into.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1002", "1003", "200", "hung up")])
        self.assertEqual(self.node.cdrs()[0]["ended_by"], "operator")
        self.assertEqual(self.happened(), ["call.transferring", "call.transferred"])

    def test_the_callee_gives_the_caller_over_a_kill(self):
        out, into = self.talk()
        self.order("b")
        rung = self.rings("1001", "1002")
        self.hears(self.audio_a, RINGBACK)
        self.node.kill()                # the command was answered: it is saved
        self.node.restart()
        self.hears(self.audio_a, RINGBACK)
        self.takes(rung, out, self.audio_a, TALK_A)
        into.wait_bye()
        self.ends(out, rung)

    def test_who_was_held(self):
        """By command, too; its holder gives it to one that forwards."""
        d, self.audio_d = self.agent("1004")
        self.node.ctl("extension.put", number="1003", forward_always="1004")
        out, into = self.talk()
        self.held_by_command(into)
        self.hears(self.audio_b, MUSIC)
        self.order("a")
        self.c, self.audio_c = d, self.audio_d
        rung = self.rings("1002", "1001")
        self.hears(self.audio_b, RINGBACK)
        self.takes(rung, into, self.audio_b, TALK_B, version=3)
        out.wait_bye()
        self.ends(into, rung)

    def test_nobody_takes_it(self):
        out, into = self.talk()
        self.order("b")
        rung = self.rings("1001", "1002")
        with self.assertRaisesRegex(ServerError, "under way"):
            self.order("a")
        rung.reject(486, "Busy Here")
        self.talks()
        failed = [event for event in self.node.events() if event["type"] == "call.transfer_failed"]
        self.assertEqual([(event["from"], event["to"], event["sip_status"]) for event in failed], [("1001", "1002", "486")])
        for end in (self.audio_a, self.audio_b):
            self.one_stream(end)
        self.ends(out, into)

    def test_refused(self):
        """What cannot be is said by name, and nobody rings."""
        self.node.put_extension("1004", "secret1004")           # it has no phone
        out, into = self.talk()
        for leg, to, said in (("a", "1009", "no such extension"), ("a", "1004", "registered"), ("a", "1002", "are the same")):
            with self.assertRaisesRegex(ServerError, said):
                self.order(leg, to)
        with self.assertRaisesRegex(ServerError, "name one of them"):
            self.node.ctl("call.transfer", call=self.call_id(), to="1003")
        self.talks()
        self.assertEqual(self.c.count(lambda m: m.method == "INVITE"), 0)
        self.ends(out, into)


class JoinedByCommand(TwoCalls):
    """CALL-24, CALL-26: of each call one party stays."""

    def left_again(self):
        """Each process says BYE by itself."""
        for message in list(self.b.received):
            if message.is_request and message.method == "BYE":
                self.b.respond(message, 200, "OK")
        return True

    def joined(self, kill=False):
        out, into = self.talk()
        first = self.call_id()
        second, third = self.calls_third()
        other = next(call["id"] for call in self.calls() if call["id"] != first)
        self.again.start(TALK_B)
        self.audio_c.start(TALK_C)
        self.node.ctl("call.join", **{"call": first, "leg": "a", "with": other, "with_leg": "b"})
        if kill:
            self.node.kill()
            self.node.restart()
        second.wait_bye()
        into.wait_bye()
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_c, TALK_A)
        self.until(lambda: self.left_again() and [call["id"] for call in self.calls()] == [first])
        return out, third

    def test_audio_crosses(self):
        out, third = self.joined()
        self.goes_on(self.audio_a)
        self.goes_on(self.audio_c)
        self.assertEqual(self.b.count(lambda m: m.method == "NOTIFY"), 0)
        third.bye()
        out.wait_bye()
        self.assertEqual(sorted(self.pairs()), [("1001", "1002", "200", "transferred"), ("1001", "1003", "200", "hung up"),
                                                ("1002", "1003", "200", "transferred")])

    def test_over_a_kill(self):
        out, third = self.joined(kill=True)
        out.bye()
        third.wait_bye()
        self.ended()

    def test_refused_by_name(self):
        out, into = self.talk()
        call = self.call_id()
        for other, said in ((call, "are the same"), ("0" * 12 + "1", "no such call")):
            with self.assertRaisesRegex(ServerError, said):
                self.node.ctl("call.join", **{"call": call, "leg": "a", "with": other})
        self.ends(out, into)


class Replaced(TransferTest):
    """RFC 3891: another phone of the callee's extension takes its place."""

    def setUp(self):
        super().setUp()
        self.other, self.audio_o = self.node.user_agent("1002", "secret1002"), self.node.media()
        self.addCleanup(self.other.close)
        self.addCleanup(self.audio_o.close)

    def replaces(self, dialog, more=""):
        return f"{dialog.call_id};to-tag={parameter(dialog.remote, 'tag')};from-tag={parameter(dialog.local, 'tag')}{more}"

    def takes_over(self, into):
        taken = self.other.invite("1001", self.audio_o.sdp(), [("Replaces", self.replaces(into)), ("Require", "replaces")])
        self.audio_o.use(taken.wait_answer()).start(TALK_C)
        return taken

    def test_it_speaks(self):
        out, into = self.talk()
        taken = self.takes_over(into)
        into.wait_bye()
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_o, TALK_A)
        self.one_stream(self.audio_a)
        out.bye()
        taken.wait_bye()
        self.assertIn(("1001", "1002", "200", "transferred"), self.pairs())

    def test_the_node_is_killed(self):
        """Wherever it is killed, the call is taken over."""
        out, into = self.talk()
        taken = self.takes_over(into)
        self.node.kill()
        self.node.restart()
        into.wait_bye()
        self.hears(self.audio_a, TALK_C)
        self.hears(self.audio_o, TALK_A)
        taken.bye()
        out.wait_bye()

    def test_refused(self):
        out, into = self.talk()
        for agent, value, status in ((self.c, self.replaces(into), 403), (self.other, "x;to-tag=1;from-tag=2", 481),
                                     (self.other, self.replaces(into, ";early-only"), 486)):
            request = agent.request("INVITE", f"sip:1001@{NODE}", [("Replaces", value)], self.audio_o.sdp())
            self.assertEqual(agent.transact_authorized(request)[1].status, status)
        self.talks()
        self.ends(out, into)


class Killed(TransferTest):
    """The next process goes on."""

    def kill(self):
        self.assert_saved()
        self.node.kill()
        self.node.restart()

    def test_while_it_rings(self):
        out, into = self.talk()
        cseq = self.give(into)
        rung = self.rings("1001", "1002")
        self.hears(self.audio_a, RINGBACK)
        self.kill()
        self.hears(self.audio_a, RINGBACK)
        self.takes(rung, out, self.audio_a, TALK_A)
        self.leaves(into, cseq, self.audio_b)
        self.assertEqual(len({packet.ssrc for packet in self.audio_a.packets}), 1)
        out.bye()
        rung.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1001", "1003", "200", "hung up")])

    def test_while_it_rings_for_nothing(self):
        out, into = self.talk()
        cseq = self.give(out)
        rung = self.rings("1002", "1001")
        self.kill()
        rung.reject(486, "Busy Here")
        self.notified(out, cseq, "486 Busy Here")
        self.talks()
        self.ends(out, into)

    def test_afterwards(self):
        out, into = self.talk()
        cseq = self.give(out)
        rung = self.rings("1002", "1001")
        self.takes(rung, into, self.audio_b, TALK_B)
        self.leaves(out, cseq, self.audio_a)
        self.kill()
        self.hears(self.audio_b, TALK_C)
        self.hears(self.audio_c, TALK_B)
        self.goes_on(self.audio_b)
        self.goes_on(self.audio_c)
        rung.bye()
        into.wait_bye()
        self.assertEqual(self.pairs(), [("1001", "1002", "200", "transferred"), ("1002", "1003", "200", "hung up")])


if __name__ == "__main__":
    unittest.main()
