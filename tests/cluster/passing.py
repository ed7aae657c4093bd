# SPDX-License-Identifier: Apache-2.0
"""Calls that pass through what befalls a node: some ring or are held when it does, and new ones begin all the while."""
import threading
import time

from lib.sip import SipError

from .talk import Call, sdp

STATES = ("ringing", "held")
AGAIN_S = 5
RATE = PAIRS = 20           # each pair has one call of each state, and begins one a second


class Open(Call):
    """A call that is not answered yet, or whose caller holds the other."""

    def __init__(self, state, caller, callee, number):
        self.state = state
        super().__init__(caller, callee, number)

    def _begin(self):
        if self.state == "ringing":
            self.into.ring()
            self.out.wait_provisional(180)
        else:
            self.answer()
            self._change("sendonly", "recvonly")

    def _change(self, offer, answer):
        """A re-INVITE of the caller."""
        ends = [media.replace("a=ptime", f"a={word}\r\na=ptime") for media, word in zip(self.sdp, (offer, answer))]
        answers = threading.Thread(target=self._noted, args=(lambda: self.into.wait_reinvite(ends[1]),))
        answers.start()
        began = time.monotonic()
        response = self.out.reinvite(ends[0])
        while response.status == 500 and time.monotonic() < began + AGAIN_S:    # it had not come to an end with our last one (RFC 3261 14.2)
            time.sleep(0.1)
            response = self.out.reinvite(ends[0])
        answers.join()
        if response.status != 200:
            raise SipError(f"a re-INVITE: {response.start}")

    def end(self, by_caller):
        """It is answered, or goes on, and then ends as any other one."""
        self._noted(self.answer if self.state == "ringing" else lambda: self._change("sendrecv", "sendrecv"))
        super().end(by_caller)


class Passing:
    """Of one round. calls: all that were answered, or have to be; refused: faults of new ones that never were. stay: new ones go on."""

    def __init__(self, phones, node, stay=False):
        while len(phones.pairs) < PAIRS:
            phones.pair(node)
        self.phones, self.pairs, self.stay = phones, phones.pairs[:PAIRS], stay
        self.calls, self.refused, self.longest_s, self._over = [], [], 0, threading.Event()
        self._each(self._open)
        self.open = list(self.calls)
        self.begins = [threading.Thread(target=self._begin, args=(pair, first / RATE)) for first, pair in enumerate(self.pairs)]
        for thread in self.begins:
            thread.start()

    def _open(self, pair):
        try:
            self.calls.extend(Open(state, *pair, self.phones.number()) for state in STATES)
        except SipError as error:
            self.refused.append(str(error)[:200])

    def _each(self, act):
        threads = [threading.Thread(target=act, args=(pair,)) for pair in self.pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _begin(self, pair, after_s):
        """One a second. A pair that had a fault begins no more: what comes late would be taken for the next one."""
        due = time.monotonic() + after_s
        while not self._over.wait(max(0, due - time.monotonic())):
            due, began = due + 1, time.monotonic()
            try:
                call = Call(*pair, self.phones.number())
            except SipError as error:
                self.refused.append(str(error)[:200])
                return
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            if not self.stay:
                call.end(True)
            self.calls.append(call)

    def finish(self):
        """No new ones; those that were open come to their end."""
        self._over.set()
        ends = [threading.Thread(target=call.end, args=(number % 2 == 0,)) for number, call in enumerate(self.open)]
        for thread in ends:         # at once: what rings is given up after a minute, and one that begins may be waited for
            thread.start()
        for thread in (*ends, *self.begins):
            thread.join()

    def told(self):
        faults = [call.fault for call in self.calls if call.fault] + self.refused
        return (f"{len(self.open)} calls rang or were held, {len(self.calls) - len(self.open)} began, the slowest in {self.longest_s:.2f} s"
                + "".join(f"; {fault}" for fault in faults[:3]))
