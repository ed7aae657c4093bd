# SPDX-License-Identifier: Apache-2.0
"""Nodes with addresses of their own: whoever takes a shard asks the parties of its calls to send elsewhere, and they do."""
import threading
import time

from lib.message import address_uri
from lib.sip import SipError

from .nodes import ADDRESSES
from .talk import media_of, percentile
from .ways import Returns, goes_to

PATIENCE_S = 45         # so long a party may have to be asked: one behind a NAT comes when it likes
AT_ONCE = "udp"         # who need not come first


class Answers(threading.Thread):
    """A phone that does what it is asked for, whenever it is."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent, self.ends, self.over = agent, {}, False
        self.asked = {}         # Call-ID: (when it came, the address that it is to send to)

    def run(self):
        while not self.over:
            try:
                request = self.agent.take(lambda m: m.is_request and m.method in ("INVITE", "UPDATE") and m.call_id in self.ends, 0.2)
            except SipError:
                continue
            dialog, sdp = self.ends[request.call_id]
            dialog.target, dialog.routes = address_uri(request.get("Contact")), []
            self._respond(request, sdp)
            if "m=audio" in request.text:
                self.asked[request.call_id] = (request.at, media_of(request)[0])


    def _respond(self, request, sdp):
        """Over a new connection, where there is one by now."""
        while not self.over:
            try:
                self.agent.respond(request, 200, "OK", headers=[("Contact", self.agent.contact)], body=sdp)
                return
            except OSError:
                time.sleep(0.01)


class AskedRound:
    """A kill of the node that has the calls. A gap is the time from it until the later one of both parties was asked, and answers: then both
    send to the new node. Calls whose parties cannot be reached before they have registered anew are apart: it counts from when both have. Audio
    is not measured."""

    def __init__(self, place, failure, calls):
        self.place, self.failure, self.calls = place, failure, calls
        self.passed = []
        self.phones = {}        # agent: what answers for it
        for call in calls:
            for dialog, sdp in ((call.out, call.sdp[0]), (call.into, call.sdp[1])):
                self.phones.setdefault(dialog.agent, Answers(dialog.agent)).ends[dialog.call_id] = dialog, sdp

    def run(self):
        for phone in self.phones.values():
            phone.start()
        try:
            self._strike()
            self._mend()
        finally:
            for phone in self.phones.values():
                phone.over = True
            for agent, phone in self.phones.items():
                phone.join()
                agent.forget()
        return self

    def _strike(self):
        home = ADDRESSES[self.failure.victim.shard]
        others = [address for address in ADDRESSES.values() if address != home]
        back = {agent: Returns(agent, others[number % 2]) for number, agent in enumerate(self.phones) if agent.way != AT_ONCE}
        for each in back.values():
            each.start()
        began = time.monotonic()
        self.failure.strike()
        self._until(lambda where: where != home)
        self._judge(began, {agent: each.at for agent, each in back.items()}, home)

    def _judge(self, began, back, home):
        self.gaps = {}          # by the way that its phones are reached: ms of each call
        self.missing = 0
        for call in self.calls:
            asked = [self.phones[dialog.agent].asked.get(dialog.call_id) for dialog in (call.out, call.into)]
            if None in asked or any(where == home for _, where in asked):
                self.missing += 1
                continue
            there = max(back.get(dialog.agent) or began for dialog in (call.out, call.into))
            self.gaps.setdefault(call.out.agent.way, []).append(1000 * max(0, max(at for at, _ in asked) - there))

    def _until(self, is_there):
        """All parties were asked to send there, or it takes too long."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not all(
                call_id in phone.asked and is_there(phone.asked[call_id][1]) for phone in self.phones.values() for call_id in phone.ends):
            time.sleep(0.05)

    def _mend(self):
        """It has its calls again, and all phones come home."""
        home = ADDRESSES[self.failure.victim.shard]
        self.failure.mend()
        self._until(lambda where: where == home)
        for agent in self.phones:
            if agent.way != AT_ONCE:
                goes_to(agent, home)

    # -- what became of it ---------------------------------------------------------------------
    @property
    def silent(self):
        """Calls whose parties were not both asked."""
        return self.missing

    @property
    def gap(self):
        """Of those who are reached at once."""
        values = self.gaps.get(AT_ONCE, [])
        return {"p50": percentile(values, 50), "p99": percentile(values, 99), "max": max(values, default=0)}

    @property
    def back_p99(self):
        """Of all others, from when they are back."""
        return percentile([value for way, values in self.gaps.items() if way != AT_ONCE for value in values], 99)

    def told(self):
        ways = "; ".join(f"{way}: {len(values)} calls, p50 {percentile(values, 50):.0f} ms, p99 {percentile(values, 99):.0f} ms, max {max(values):.0f} ms"
                         for way, values in sorted(self.gaps.items()))
        return f"{self.failure.victim.name} had {len(self.calls)} calls. Both parties were asked: {ways}; {self.missing} calls were not"
