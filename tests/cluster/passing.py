# SPDX-License-Identifier: Apache-2.0
"""Calls that pass through what befalls a node: they are in each state when it does (states.py), and new ones begin all the while."""
import collections
import contextlib
import re
import threading
import time

from lib.sip import SipError
from server import ServerError

from .states import AT_LAST, ROOM, STATES, Conferring
from .talk import Call

RATE = PAIRS = 20           # each pair has one call of each state, and begins one a second
SPEAK = 10                  # calls of the room with audio


class Passing:
    """Of one round. calls: all that were answered, or have to be; refused: faults of new ones that never were. stay: new ones go on."""

    def __init__(self, place, stay=False):
        self.phones, self.names, self.lots, self.stay = place.phones, place.names, place.lots(PAIRS), stay
        self.calls, self.refused, self.longest_s, self._over = [], [], 0, threading.Event()
        self.names.silent = True
        for lot in self.lots:
            lot.prepare()
        self.open = []
        self._each(lambda lot: self._open(lot, STATES))
        self.begins = [threading.Thread(target=self._begin, args=(lot, first / RATE)) for first, lot in enumerate(self.lots)]
        for thread in self.begins:
            thread.start()

    def _open(self, lot, states):
        state = None
        try:
            for state in states:
                call = state(lot)
                self.open.append(call)
                self.calls.append(call)
        except (SipError, AssertionError, OSError, ServerError) as error:
            self.refused.append(f"{state.__name__}: {str(error)[:200]}")

    def _each(self, act):
        threads = [threading.Thread(target=act, args=(lot,)) for lot in self.lots]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def room_node(self):
        """Whose room it is that calls are in; None: nobody's."""
        for node in self.lots[0].place.nodes:
            with contextlib.suppress(ServerError):      # one that has just come back may not know yet that it has
                if ROOM in {row["number"] for row in node.ctl("conference.list", node=node.name)}:
                    return node
        return None

    def room_calls(self):
        """Of the room, two members each: as many speak as are heard, and some more."""
        return [call for call in self.open if isinstance(call, Conferring) and call.line][:SPEAK]

    def last(self):
        """In a moment it befalls: those that stay in their state for seconds only."""
        self._each(lambda lot: self._open(lot, AT_LAST))

    def struck(self):
        """It has befallen: what was asked of the name server may be answered."""
        self.names.silent = False

    def _begin(self, lot, after_s):
        """One a second. A pair that had a fault begins no more: what comes late would be taken for the next one."""
        due = time.monotonic() + after_s
        while not self._over.wait(max(0, due - time.monotonic())):
            due, began = due + 1, time.monotonic()
            try:
                call = Call(lot.caller, lot.callee, self.phones.number())
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
        states = collections.Counter(call.state for call in self.open)
        faults = [f"{call.state}: {call.fault}" for call in self.calls if call.fault] + self.refused
        return (", ".join(f"{count} {state}" for state, count in states.items())
                + f"; {len(self.calls) - len(self.open)} began, the slowest in {self.longest_s:.2f} s"
                + "".join(f"; {fault}" for fault in faults[:5])
                + "".join(self._said(call) for call in [call for call in self.calls if call.fault][:2]))

    def _said(self, call):
        """What nodes said of it and of its phones, and where these are by now."""
        dialogs = [dialog for dialog in (call.out, call.into) if dialog]    # who waits in a slot has nobody yet
        agents = [dialog.agent for dialog in dialogs]
        words = [*(dialog.call_id for dialog in dialogs), *(f" user={agent.number} " for agent in agents)]
        lines = [line for node in self.lots[0].place.nodes for line in node.log_text().splitlines() if any(word in line for word in words)]
        return "".join(f"\n    {line}" for line in (*(f"{agent.number} is at {agent.address}:{agent.port}" for agent in agents),
                                                    *sorted(re.sub(r"^ts=(\S+) level=\S+ ", r"\1 ", line) for line in lines)[-40:]))
