# SPDX-License-Identifier: Apache-2.0
"""Failures of Redis one after the other: some calls last over all of them, and in each one some others end."""
import collections
import time

from patience import slowness, until

from . import check
from .failures import KINDS, OF_REDIS
from .rounds import most_of
from .talk import Audio
from .tap import Tap

BRIEF = 3               # calls that end in a round
HOLD_S = 1.5            # of what promotes no replica
AHEAD_S = 0.3           # of what is made before it strikes: phones and nodes come to rest
WHOLE_S, PATIENCE_S = 5.0, 30.0     # so long it may take until all is as it was; so long it is looked at


class Round:
    """calls: that last."""

    def __init__(self, place, name, calls):
        self.place, self.calls = place, calls
        self.failure = KINDS[name](place, most_of(place, calls))
        self.failure.hold_s = HOLD_S
        self.missing, self.named = set(), collections.defaultdict(set)      # Call-ID -> ids of its records
        self.again, self.faults, self.late = 0, [], False

    def run(self):
        self.brief = self.place.phones.call(self.place.nodes[0], BRIEF)
        until(lambda: self.place.saved() >= len(self.calls) + BRIEF, lambda: f"saved: {self.place.saved()}")
        time.sleep(AHEAD_S)
        began, self.keys, tap = time.monotonic(), self.place.kept(), Tap(self.place.nodes)
        try:
            self.failure.strike()
            check.hang_up(self.brief)
            self.failure.wait(None)
            at_once = self._follow({"lease_not_kept"}) if self.failure.goes_on else 0   # there is no replica that could
            self.failure.mend()
            mended = self._follow(mended=True)
            self.whole_s = None if None in (at_once, mended) else max(at_once, mended)
        finally:
            tap.close()
        if not tap.spoken:
            raise AssertionError("nothing was captured on the bridge")
        self.took_s = time.monotonic() - began
        self.leaks, self.doubles = sum(tap.leaks(self.place.owners.history).values()), tap.doubles()
        return self

    def _follow(self, but=(), mended=False):
        """How long it takes until all is as it was, but for these faults; None: it is not."""
        began = time.monotonic()
        while not (whole := self._is_whole(but)) and time.monotonic() < began + PATIENCE_S * slowness():
            if mended:
                self.place.redis.tend()     # Sentinels may only now end a failover that they began before
            time.sleep(0.05)
        took_s = time.monotonic() - began
        if not whole or took_s > WHOLE_S * slowness():
            self.faults.append(self._why())
            self.late = True
        return took_s if whole else None

    def _is_whole(self, but=()):
        """Nodes, keys, calls, and the records of those that have ended."""
        return self.place.healthy(but) and self.place.whole() and self._has_records() and self.place.saved() == len(self.calls) and not self._lost_keys()

    def _lost_keys(self):
        return self.keys - self.place.kept()

    def _has_records(self):
        every, ids = self.place.records_named(), {call.id for call in self.brief}
        for call, name in every:
            self.named[call].add(name)
        self.again = max(self.again, sum(call in ids for call, _ in every) - BRIEF)
        self.missing = ids - {call for call, _ in every}
        return not self.missing

    def told(self):
        whole = "not whole again" if self.whole_s is None else f"whole again after {self.whole_s:.2f} s"
        faults = "".join(f"; BYE: {call.fault}" for call in self.brief if call.fault)
        return (f"{self.took_s:.1f} s; {whole}; records missing: {len(self.missing)}, twice: {self.again}; frames of others: {self.leaks}; "
                f"two owners: {self.doubles}{faults}")

    def _why(self):
        """What is not as it was, and whether it is by now."""
        pages = {node.name: node.page("/healthz", refused=True) for node in self.place.nodes}
        heard = {node.name: node.metric("tandem_cluster_nodes", state="heard") for node in self.place.nodes}
        return (f"{self.place.state()}\nleases: {self.place.leases()}\nsaved {self.place.saved()} of {len(self.calls)} calls, "
                f"keys missing: {self._lost_keys()}, records missing: {self.missing}, whole: {self._is_whole()}, healthy: {pages}, nodes heard: {heard}")


def rounds_of(place, names, calls, say):
    done = []
    for number, name in enumerate(names, 1):
        done.append(Round(place, name, calls))
        say(f"{number}. {name}: {done[-1].failure.__doc__.splitlines()[0]}")
        say(f"   {done[-1].run().told()}")
        for fault in done[-1].faults:
            say(fault)
        if done[-1].whole_s is None:
            break
    return done


def run(place, names, count, say):
    """The figures."""
    calls, processes = check.placed(place, count, say), [node.process.pid for node in place.nodes]
    audio = Audio(calls, place.folder, 1.0)
    try:
        until(audio.heard, lambda: f"no audio: {audio.latest}")
        done = rounds_of(place, names, calls, say)
        report = audio.stop()
    finally:
        audio.close()
    return {**judged(place, calls, done, report["silent_calls"], say), "gap_max_ms": report["gap_ms"]["max"],
            "node_restarts": sum(not node.running() or node.process.pid != pid for node, pid in zip(place.nodes, processes))}


def judged(place, calls, done, silent, say):
    wholes, brief = [each.whole_s for each in done], [call for each in done for call in each.brief]
    last = check.calls_judged(place, calls, [], say)
    lost = max(last["calls_lost"], silent) + sum(bool(call.fault) for call in brief)
    wrong = {call for each in done for call, names in each.named.items() if len(names) > 1}
    return {"rounds": len(done), "calls": len(calls) + len(brief), "calls_lost": lost,
            "cdr_expected": last["cdr_expected"] + len(brief), "cdr_missing": last["cdr_missing"] + sum(len(each.missing) for each in done),
            "cdr_ids_wrong": len(wrong), "cdr_again": last["cdr_duplicate"] + sum(each.again for each in done),
            "leaks": sum(each.leaks for each in done), "double_owners": sum(len(each.doubles) for each in done),
            "whole_s": None if None in wholes else round(max(wholes), 2), "late": sum(each.late for each in done)}


def is_met(figures):
    """A record may come twice where Redis has lost writes: with one id."""
    wrong = ("calls_lost", "cdr_missing", "cdr_ids_wrong", "leaks", "double_owners", "node_restarts", "late")
    return not any(figures[name] for name in wrong) and figures["whole_s"] is not None
