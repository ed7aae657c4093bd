# SPDX-License-Identifier: Apache-2.0
"""Calls are parked in slots, which all shards share, and retrieved through another shard, over kills of the node and losses of Redis."""
import os
import threading
import time
import unittest

from directory_test import Pair
from lib.place import NODE
from lib.sip import or_none, parameter
from music_test import wav
from patience import PATIENCE_S
from server import ServerError
from shards_test import ShardsTest, Talk
from tandem_client import Client, Refused


class ParkTest(ShardsTest):
    """A node of two shards: 1001 speaks with 1002 in one of them."""
    settings = {"node": {"shards": [2]}}

    def setUp(self):
        super().setUp()
        self.c, self.d = (self.phone(number) for number in ("1003", "1004"))
        self.first = Talk(self)

    def elsewhere(self):
        """1003 speaks with 1004 in the other one."""
        for _ in range(60):
            talk = Talk(self, self.c, self.d)
            if talk.shard != self.first.shard:
                return talk
            talk.hang_up()
        return self.fail("all calls are in one shard")

    def until(self, what):
        end = time.monotonic() + PATIENCE_S
        while not what():
            self.assertLess(time.monotonic(), end, "in time")
            time.sleep(0.02)

    def slots(self):
        return {row["slot"]: (row["call"], row["by"], row["party"]) for row in self.node.ctl("park.list")}

    def park(self):
        """1001 waits in slot 7, and 1002 is left."""
        self.node.ctl("call.park", call=self.first.call, leg="a", slot="7")
        self.first.into.wait_bye()
        self.assertEqual(self.slots(), {"7": (self.first.call, "1002", "1001")})

    def retrieve(self, talk):
        """1003 speaks with who waits there, and 1004 is left."""
        self.node.ctl("call.retrieve", call=talk.call, leg="a", slot="7")
        talk.into.wait_bye()
        self.hear_each_other((self.first.out, self.first.audio_a), (talk.out, talk.audio_a))
        self.until(lambda: not self.slots() and self.told()[-1:] == [("call.retrieved", "7")])

    def told(self):
        return [(row["type"], row["slot"]) for row in self.node.events() if "slot" in row]

    def hear_each_other(self, *ends):
        """(dialog, audio) of each; whoever is asked again says what it has."""
        for (_, audio), hertz in zip(ends, (440, 880)):
            audio.start(hertz)
        end = time.monotonic() + PATIENCE_S
        while any(abs(audio.heard()[0] - hertz) > 3 for (_, audio), hertz in zip(ends, (880, 440))):
            self.assertLess(time.monotonic(), end, [audio.heard() for _, audio in ends])
            for dialog, audio in ends:
                or_none(dialog.wait_reinvite, audio.sdp(version=2), 0.05)
        for _, audio in ends:
            audio.stop()

    def hangs_up(self, talk):
        self.first.out.bye()
        talk.out.wait_bye()
        self.wait_calls(())

    def told_by_notify(self, dialog):
        notify = dialog.agent.take_request("NOTIFY", call_id=dialog.call_id)
        dialog.agent.respond(notify, 200, "OK")
        return notify.body.decode().strip()


class Park(ParkTest):
    def test_by_phones(self):
        """1002 gives 1001 to slot 07 by REFER; over a kill, 1003 gets it by a call to that slot, and whoever is late hears 404."""
        into = self.first.into
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:%234107@{NODE}>")])
        self.assertEqual(into.transact(refer).status, 202)
        told = self.told_by_notify(into)
        self.assertEqual(told if told != "SIP/2.0 100 Trying" else self.told_by_notify(into), "SIP/2.0 200 OK")
        into.wait_bye()
        self.assertEqual(self.slots(), {"07": (self.first.call, "1002", "1001")})
        self.node.kill()
        self.node.restart()
        audio = self.node.media()
        self.addCleanup(audio.close)
        picks = self.c.invite("%234107", audio.sdp())
        audio.use(picks.wait_answer())
        self.hear_each_other((self.first.out, self.first.audio_a), (picks, audio))
        self.until(lambda: not self.slots())
        late = self.d.invite("%234107", audio.sdp())
        self.assertEqual(late.wait_final().status, 404)
        picks.bye()
        self.first.out.wait_bye()
        self.wait_calls(())

    def test_over_shards_and_kills(self):
        """Killed when it is parked, and when it is retrieved; of two that want it one gets it."""
        self.park()
        self.node.kill()
        self.node.restart()
        self.until(lambda: self.slots() == {"7": (self.first.call, "1002", "1001")})
        talk = self.elsewhere()
        self.retrieve(talk)
        self.assertEqual(self.told(), [("call.parked", "7"), ("call.retrieved", "7")])
        with self.assertRaisesRegex(ServerError, "no call is parked there"):
            self.node.ctl("call.retrieve", call=talk.call, leg="a", slot="7")
        self.node.kill()
        self.node.restart()
        self.hear_each_other((self.first.out, self.first.audio_a), (talk.out, talk.audio_a))
        self.hangs_up(talk)

    def test_taken(self):
        """Nobody gets a slot that is another's: the call goes on as it was, and so does who waits there."""
        talk = self.elsewhere()
        self.park()
        with self.assertRaisesRegex(ServerError, f"call {self.first.call} waits there"):
            self.node.ctl("call.park", call=talk.call, leg="a", slot="7")
        self.assertTrue(talk.talks())
        self.retrieve(talk)
        self.hangs_up(talk)

    def test_groups(self):
        """A group has two slots: the first free one is taken, and named; and who is in no group uses none."""
        self.node.ctl("tenant.put", name="default", park_groups="sales=70-71,back=80-89", park_confirm="true")
        for number in ("1002", "1003"):
            self.node.ctl("extension.put", number=number, park_groups="sales")
        talk = Talk(self, self.c, self.d)
        into = self.first.into
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:%2341@{NODE}>")])
        self.assertEqual(into.transact(refer).status, 202)
        message = into.agent.take_request("MESSAGE", call_id=into.call_id)
        into.agent.respond(message, 200, "OK")
        self.assertEqual(message.body, b"1001 waits in slot 70")
        told = self.told_by_notify(into)
        self.assertEqual(told if told != "SIP/2.0 100 Trying" else self.told_by_notify(into), "SIP/2.0 200 OK")
        into.wait_bye()
        for slot, why in (("72", "not_found"), ("70", "waits there")):
            with self.assertRaisesRegex(ServerError, why):
                self.node.ctl("call.park", call=talk.call, leg="a", slot=slot)
        with self.assertRaisesRegex(ServerError, "not_found"):
            self.node.ctl("call.park", call=talk.call, leg="a", group="none")
        self.assertEqual(self.node.ctl("call.park", call=talk.call, leg="a")["slot"], "71")
        talk.into.wait_bye()
        self.assertEqual(sorted(self.slots()), ["70", "71"])
        audio = self.node.media()
        self.addCleanup(audio.close)
        self.assertEqual(self.d.invite("%234170", audio.sdp()).wait_final().status, 403)
        self.assertEqual(self.c.invite("%234180", audio.sdp()).wait_final().status, 403)
        self.assertEqual(self.c.invite("%234199", audio.sdp()).wait_final().status, 404)
        third = Talk(self, self.c, self.d)
        with self.assertRaisesRegex(ServerError, "all slots of the group are taken"):
            self.node.ctl("call.park", call=third.call, leg="a")
        self.assertEqual(self.node.ctl("call.park", call=third.call, leg="a", group="back")["slot"], "80")

    def test_slot_is_said(self):
        """PARK-02, BEAT-12: who parks hears the slot, tone by tone here, and is left then; who hangs up meanwhile is not waited for."""
        tones = {"parked": 500, "digit-7": 900, "digit-0": 1300}
        for name, hertz in tones.items():
            wav(os.path.join(self.node.folder, "sounds", ".prompts", name + ".wav"), hertz)
        self.node.ctl("tenant.put", name="default", park_spoken="true")
        into = self.first.into
        self.refers(into, "70")
        for hertz in tones.values():
            self.first.audio_b.wait_tone(hertz)
        told = self.told_by_notify(into)
        self.assertEqual(told if told != "SIP/2.0 100 Trying" else self.told_by_notify(into), "SIP/2.0 200 OK")
        into.wait_bye()
        self.assertEqual(sorted(self.slots()), ["70"])
        talk = Talk(self, self.c, self.d)
        self.refers(talk.into, "07")
        talk.audio_b.wait_tone(tones["parked"], 5)
        talk.into.bye()
        self.until(lambda: sorted(self.slots()) == ["07", "70"])

    def test_said_to_who_holds(self):
        """BEAT-12: its phone is told to end its hold (Event: talk), and hears the slot."""
        wav(os.path.join(self.node.folder, "sounds", ".prompts", "parked.wav"), 500)
        self.node.ctl("tenant.put", name="default", park_spoken="true")
        into, audio = self.first.into, self.first.audio_b
        self.asks(into, audio.sdp(direction="sendonly", version=2), self.first.audio_a.sdp(direction="recvonly", version=2),
                  [("Allow-Events", "talk")])
        self.refers(into, "70")
        while (told := into.agent.take_request("NOTIFY", call_id=into.call_id)).get("Event") != "talk":
            into.agent.respond(told, 200, "OK")
        into.agent.respond(told, 200, "OK")
        self.asks(into, audio.sdp(version=3), self.first.audio_a.sdp(version=3))
        audio.wait_tone(500)
        self.assertEqual(self.told_by_notify(into), "SIP/2.0 200 OK")
        into.wait_bye()
        self.assertEqual(sorted(self.slots()), ["70"])

    def asks(self, into, offer, answer, headers=()):
        """1002 asks anew, and 1001 answers."""
        thread = threading.Thread(target=self.first.out.wait_reinvite, args=(answer,))
        thread.start()
        self.assertEqual(into.reinvite(offer, headers=headers).status, 200)
        thread.join()

    def refers(self, into, slot):
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:%2341{slot}@{NODE}>")])
        self.assertEqual(into.transact(refer).status, 202)

    def test_redis_is_emptied(self):
        """The slot is claimed again."""
        self.park()
        with self.node.redis() as redis:
            redis("FLUSHALL")
        self.until(lambda: self.slots() == {"7": (self.first.call, "1002", "1001")})
        talk = self.elsewhere()
        self.retrieve(talk)
        self.hangs_up(talk)


class ComesBack(ParkTest):
    """Nobody came: the phone of who parked it rings, and whoever picks up first has the party."""
    settings = {**ParkTest.settings, "sip": {"park_return": "1s", "digits": "shown"}}

    def setUp(self):
        super().setUp()
        self.node.ctl("call.park", call=self.first.call, leg="a", slot="07")
        self.first.into.wait_bye()
        self.rings = self.b.incoming()
        self.rings.ring()
        self.audio = self.node.media()
        self.addCleanup(self.audio.close)

    def stops_ringing(self):
        cancel = self.rings.wait_cancel()
        self.assertEqual(cancel.get("Reason"), 'SIP;cause=200;text="Call completed elsewhere"')

    def has_it(self, dialog, audio):
        self.hear_each_other((self.first.out, self.first.audio_a), (dialog, audio))
        self.until(lambda: not self.slots())
        self.assertEqual(self.told()[-1], ("call.retrieved", "07"))
        dialog.bye()
        self.first.out.wait_bye()
        self.wait_calls(())

    def test_by_a_phone(self):
        picks = self.c.invite("%234107", self.audio.sdp())
        self.audio.use(picks.wait_answer())
        self.stops_ringing()
        self.has_it(picks, self.audio)

    def test_by_command(self):
        talk = self.elsewhere()
        self.node.ctl("call.retrieve", call=talk.call, leg="a", slot="07")
        talk.into.wait_bye()
        self.stops_ringing()
        self.has_it(talk.out, talk.audio_a)

    def test_who_parked_it_is_faster(self):
        self.rings.answer(self.audio.sdp())
        self.audio.use(self.rings.request)
        late = self.c.invite("%234107", self.audio.sdp())
        self.assertEqual(late.wait_final().status, 404)
        self.has_it(self.rings, self.audio)

    def test_over_a_kill(self):
        """The one who rings is rung by the next process, too."""
        self.until(lambda: all(row["saved"] for row in self.node.ctl("call.list")))
        self.node.kill()
        self.node.restart()
        picks = self.c.invite("%234107", self.audio.sdp())
        self.audio.use(picks.wait_answer())
        self.stops_ringing()
        self.has_it(picks, self.audio)


class SentOn(ParkTest):
    """The calls of 1002 go to a slot: who calls it waits there, over a kill, until somebody calls the slot. PARK-07."""

    def setUp(self):
        super().setUp()
        self.first.hang_up()
        self.wait_calls(())

    def dial(self, agent, number):
        audio = self.node.media()
        self.addCleanup(audio.close)
        return agent.invite(number, audio.sdp()), audio

    def waits(self, slot):
        """1003 called 1002."""
        out, audio = self.dial(self.c, "1002")
        audio.use(out.wait_answer())
        self.until(lambda: [(name, by, party) for name, (_, by, party) in self.slots().items()] == [(slot, "1002", "1003")])
        return out, audio

    def test_waits_and_is_retrieved(self):
        self.node.ctl("extension.put", number="1002", forward_always="#4107")
        waits = self.waits("07")
        self.assertEqual(self.told()[-1], ("call.parked", "07"))
        self.node.kill()
        self.node.restart()
        self.until(lambda: "07" in self.slots())
        picks, audio = self.dial(self.d, "%234107")
        audio.use(picks.wait_answer())
        self.hear_each_other(waits, (picks, audio))
        self.until(lambda: not self.slots())
        picks.bye()
        waits[0].wait_bye()
        self.wait_calls(())
        rows = [tuple(row[name] for name in ("from", "to", "forwarded_to", "forwarded"))
                for shard in (1, 2) for row in self.node.told(f"td:{{s{shard}}}:cdr")]
        self.assertIn(("1003", "1002", "#4107", "always"), rows)
        self.assertIn(("1003", "1004", "", ""), rows)

    def test_taken(self):
        """The next one of the list rings; without one the caller hears 486."""
        self.node.ctl("extension.put", number="1002", forward_always="#4107,1001")
        waits, _ = self.waits("07")
        late, audio = self.dial(self.d, "1002")
        rung = self.a.incoming()
        rung.answer(audio.sdp())
        late.wait_answer()
        late.bye()
        rung.wait_bye()
        self.node.ctl("extension.put", number="1002", forward_always="#4107")
        refused, _ = self.dial(self.d, "1002")
        self.assertEqual(refused.wait_final().status, 486)
        waits.bye()
        self.wait_calls(())

    def test_nobody_answers(self):
        """A group has the first free slot; and who retrieves by command has it, too."""
        self.node.ctl("tenant.put", name="default", park_groups="sales=70-71")
        self.node.ctl("extension.put", number="1002", park_groups="sales", forward_no_answer="#41", forward_rings=1)
        out, audio = self.dial(self.c, "1002")
        rung = self.b.incoming()
        rung.ring()
        rung.wait_cancel()
        audio.use(out.wait_answer())
        self.until(lambda: list(self.slots()) == ["70"])
        talk = Talk(self)
        self.node.ctl("call.retrieve", call=talk.call, leg="a", slot="70")
        talk.into.wait_bye()
        self.hear_each_other((out, audio), (talk.out, talk.audio_a))
        out.bye()
        talk.out.wait_bye()
        self.wait_calls(())

    # ---- who is given away to such an extension ----

    def given(self, into, to="1004"):
        """What the transferor is told in the end."""
        refer = into.in_dialog("REFER", [("Refer-To", f"<sip:{to}@{NODE}>")])
        self.assertEqual(into.transact(refer).status, 202)
        told = self.told_by_notify(into)
        return told if told != "SIP/2.0 100 Trying" else self.told_by_notify(into)

    def test_given_to_it(self):
        """1002 gives 1001 to 1004, whose calls go to a slot: 1002 hears so when it waits there, over a kill, until 1003 calls the slot."""
        self.node.ctl("extension.put", number="1004", forward_always="#4107")
        talk = Talk(self)
        self.assertEqual(self.given(talk.into), "SIP/2.0 200 OK")
        talk.into.wait_bye()
        self.assertEqual(self.slots(), {"07": (talk.call, "1004", "1001")})
        self.node.kill()
        self.node.restart()
        self.until(lambda: self.slots() == {"07": (talk.call, "1004", "1001")})
        picks, audio = self.dial(self.c, "%234107")
        audio.use(picks.wait_answer())
        self.hear_each_other((talk.out, talk.audio_a), (picks, audio))
        self.until(lambda: not self.slots())
        picks.bye()
        talk.out.wait_bye()
        self.wait_calls(())

    def test_given_to_a_taken_one(self):
        """The transferor has its party again, and hears why. By command it is the same."""
        self.node.ctl("extension.put", number="1002", forward_always="#4107")
        waits, _ = self.waits("07")
        self.node.ctl("extension.put", number="1002", forward_always="")
        self.node.ctl("extension.put", number="1004", forward_always="#4107")
        out, audio = self.dial(self.a, "1002")
        into = self.b.incoming()
        into.answer(audio.sdp())
        out.wait_answer()
        self.assertEqual(self.given(into), "SIP/2.0 486 Busy Here")
        waits.bye()
        self.until(lambda: not self.slots())
        call, = (row["id"] for row in self.node.ctl("call.list"))
        self.node.ctl("call.transfer", call=call, leg="b", to="1004")
        into.wait_bye()
        self.until(lambda: self.slots() == {"07": (call, "1004", "1001")})
        out.bye()
        self.wait_calls(())


class Nodes(Pair):
    """Who waits on one node is seen on the other, and not lost by who asks there."""

    def phone(self, node, number):
        agent = node.user_agent(number, "secret" + number)
        self.addCleanup(agent.close)
        self.until(lambda: agent.register(expires=600).status == 200)   # once the node knows the extension
        return agent

    def talk(self, node, *numbers):
        """Its id, and the dialogs of both."""
        caller, callee = (self.phone(node, number) for number in numbers)
        audio = node.media()
        self.addCleanup(audio.close)
        out = caller.invite(callee.number, audio.sdp())
        into = callee.incoming()
        into.answer(audio.sdp())
        out.wait_answer()
        return parameter(out.remote, "tag").split(".")[0], out, into

    def test_on_another_node(self):
        numbers = "2001", "2002", "2003", "2004"
        for number in numbers:
            self.a.put_extension(number, "secret" + number)
        first, out, into = self.talk(self.a, *numbers[:2])
        other, *ends = self.talk(self.b, *numbers[2:])
        with Client(self.socket, "_operator") as client:
            client.ask("call.park", call=first, leg="a", slot="12")
            into.wait_bye()
            for _ in range(4):                  # whichever node reads the command
                self.assertEqual([(row["slot"], row["call"]) for row in client.ask("park.list")], [("12", first)])
            self.assertEqual([len(client.ask("park.list", number=number)) for number in numbers], [1, 1, 0, 0])
            for command, leg in (("call.retrieve", "a"), ("call.park", "b")):
                with self.assertRaises(Refused) as caught:
                    client.ask(command, call=other, leg=leg, slot="12")
                self.assertEqual(caught.exception.code, "conflict")
            client.ask("call.hangup", call=other)
            for dialog in ends:
                dialog.wait_bye()
            self.assertEqual(len(client.ask("park.list")), 1)
            out.bye()
            self.until(lambda: not client.ask("park.list"))


if __name__ == "__main__":
    unittest.main()
