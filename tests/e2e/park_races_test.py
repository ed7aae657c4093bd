# SPDX-License-Identifier: Apache-2.0
"""Two parkers of one slot and two pickers of one slot, on two nodes, at the same time: one wins, the other is told why. PARK-02, PARK-03.

TANDEM_RACES=10000 runs as many rounds. Where the machine stands still for long, Redis is late, and both may be told so: such a race is held again,
and all of them are counted."""
import os
import threading
import time
import unittest

from lib.sip import SipError, or_none, parameter
from server import ServerError
from patience import slowness
from taken_test import ADDRESSES, SIP, Cluster

ROUNDS = int(os.environ.get("TANDEM_RACES", "12"))
LATE = "Redis did not answer"       # a loser, or both
AT = {17: ("2001", "2002", "2003"), 18: ("2004", "2005", "2006")}


def both(*functions):
    """What each returned, or the error that it raised; they begin at the same time."""
    results, gate = [None] * len(functions), threading.Barrier(len(functions))

    def run(i, function):
        gate.wait()
        try:
            results[i] = function()
        except ServerError as error:
            results[i] = error
    threads = [threading.Thread(target=run, args=(i, function)) for i, function in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Races(Cluster):
    @classmethod
    def settings(cls, name, shard):
        """A phone calls once in each round."""
        return {**super().settings(name, shard), "quotas": {"extension": {"calls_per_second": 0}}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in (*AT[17], *AT[18]):
            cls.a.put_extension(number, "secret")

    def setUp(self):
        super().setUp()
        for node in (self.a, self.b):
            self.until(lambda node=node: node.metric("tandem_cluster_nodes", state="heard") == 1)
        self.until(lambda: (self.owner(17), self.owner(18)) == ("a", "b"))
        for shard, numbers in AT.items():
            for number in numbers:
                agent = self.a.user_agent(number, "secret")
                self.addCleanup(agent.close)
                agent.server = (ADDRESSES[shard], SIP)
                self.phones[shard, number] = agent
            for number in numbers:
                agent = self.phones[shard, number]
                self.until(lambda agent=agent: agent.register(expires=7200).status == 200)
        self.media = self.a.media()
        self.addCleanup(self.media.close)

    def talk(self, shard):
        """Its id, and both dialogs."""
        out = self.phones[shard, AT[shard][0]].invite(AT[shard][1], self.media.sdp())
        try:
            into = self.phones[shard, AT[shard][1]].incoming()
        except SipError as error:
            raise AssertionError(f"the call of {AT[shard][0]} at shard {shard}: {or_none(lambda: out.wait_final(seconds=1).status)}") from error
        into.answer(self.media.sdp())
        out.wait_answer()
        return parameter(out.remote, "tag").split(".")[0], out, into

    def leaves(self, talk):
        talk[1].bye()
        talk[2].wait_bye()

    def parks(self, slot):
        """Who waits there, then; None: Redis was late for both, and nobody does."""
        talks = [self.talk(shard) for shard in AT]
        results = both(*(lambda node=node, talk=talk: node.ctl("call.park", call=talk[0], leg="a", slot=slot)
                         for node, talk in zip((self.a, self.b), talks)))
        won = [talk for talk, result in zip(talks, results) if not isinstance(result, ServerError)]
        whys = [str(result) for result in results if isinstance(result, ServerError)]
        if all(LATE in why for why in whys) and not won:
            for talk in talks:
                self.leaves(talk)
            return None
        self.assertEqual(len(won), 1, results)
        self.late += LATE in whys[0]
        if LATE not in whys[0]:
            self.assertIn(f"call {won[0][0]} waits there", whys[0])
        won[0][2].wait_bye()
        self.leaves(next(talk for talk in talks if talk is not won[0]))     # it goes on, and ends as any call
        return won[0][1]

    def picks(self, slot):
        """Who has whoever waits there, then; None: Redis was late for both, and he waits there still."""
        dialogs = both(*(lambda shard=shard: self.phones[shard, AT[shard][2]].invite(f"%2341{slot}", self.media.sdp()) for shard in AT))
        finals = [dialog.wait_final() for dialog in dialogs]
        statuses = [final.status for final in finals]
        if statuses == [503, 503]:
            return None
        self.assertEqual(statuses.count(200), 1, [(final.status, final.get("Warning") or final.get("Reason")) for final in finals])
        late = finals[1 - statuses.index(200)]
        self.late += late.status == 503
        if late.status != 503:
            self.assertEqual(late.status, 404)
            self.assertIn("no call is parked there", late.get("Warning") or late.get("Reason") or "")
        picker = dialogs[statuses.index(200)]
        picker.wait_answer()
        return picker

    def again(self, race, slot):
        """The winner of a race that is held until there is one."""
        while (won := race(slot)) is None:
            self.late += 2
            self.assertLess(self.late, 10 + ROUNDS // 20, "Redis is late too often to say anything")
        return won

    def test_commands_cross(self):
        """Each node reads commands about calls of the other one and puts them back: none waits until its node reads all again, a second later."""
        talks = [self.talk(shard) for shard in AT]
        ids = [talk[0] for talk in talks]
        late = 0
        for _ in range(20):
            begun = time.monotonic()
            found = both(*(lambda ident=ident: self.a.ctl("call.show", call=ident) for ident in ids))
            late += time.monotonic() - begun > 0.9 * slowness()
            self.assertFalse([error for error in found if isinstance(error, ServerError)])
            self.assertEqual([call["id"] for call in found], ids)
        self.assertLess(late, 5)
        for talk in talks:
            self.leaves(talk)

    def test_one_wins(self):
        self.late = 0
        for number in range(ROUNDS):
            slot = f"{number % 90 + 10}"
            party = self.again(self.parks, slot)
            picker = self.again(self.picks, slot)
            self.until(lambda: not self.a.ctl("park.list"))     # they speak with each other
            picker.bye()
            party.wait_bye()
            self.until(lambda: not any(node.ctl("call.list", ending=True) for node in (self.a, self.b)))
            for phone in self.phones.values():
                phone.forget()
        print(f"{ROUNDS} rounds of two races, told that Redis was late: {self.late}", flush=True)


if __name__ == "__main__":
    unittest.main()
