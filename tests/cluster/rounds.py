# SPDX-License-Identifier: Apache-2.0
"""One failure under live calls: how long the phones hear nothing, who speaks that must not, and when all is as it was."""
import collections
import time

from patience import until

from .talk import Audio
from .tap import Tap

AHEAD_S, AFTER_S = 1.0, 2.5         # of audio before it and afterwards: a stream is silent after 2 s without a packet
WHOLE_S = 60                        # so long the cluster may take to be whole again, or else it is told as not


class Round:
    """calls: with 50 packets/s both ways, the gap is theirs; life: with 5, that tell whether they go on. watched: nodes whose frames are
    looked at; all, unless it is said: that costs a core with more than some hundred packets a second. passing: calls in other states, of
    which some members of a room speak: what they hear is measured apart."""

    def __init__(self, place, failure, calls, life=(), watched=None, passing=None):
        self.passing, self.place, self.failure, self.victim = passing, place, failure, failure.victim
        self.shards = {shard for shard in {call.shard for call in calls} if place.owner(shard) is self.victim}
        self.hit = [call for call in calls if call.shard in self.shards]
        self.others = [call for call in calls if call.shard not in self.shards]
        self.audio = [Audio(part, place.folder, AHEAD_S) for part in (self.hit, self.others) if part]
        self.life = [Audio(life, place.folder, AHEAD_S, 200)] if life else []
        spoken = passing.room_calls() if passing else []
        self.room = [Audio(spoken, place.folder, AHEAD_S, speech=True)] if spoken else []
        self.watched = place.nodes if watched is None else watched
        self.passed = []            # calls that passed through it (passing.py)
        self.whole_s, self.count = None, len(calls) + len(life)

    def run(self, mend=True):
        tap = None
        try:
            self._until_heard()
            tap = Tap(self.watched)
            self._strike()
            self.reports = [audio.latest for audio in self.audio]
            self.room_reports = [audio.latest for audio in self.room]
            if mend:
                self._mend()
            self.last = [audio.stop() for audio in (*self.audio, *self.life, *self.room)]
        finally:
            for each in (*self.audio, *self.life, *self.room, *([tap] if tap else [])):
                each.close()
        if not tap.spoken and len(self.watched) == len(self.place.nodes):
            raise AssertionError("nothing was captured on the bridge")
        self.leaks = tap.leaks(self.place.owners.history)
        return self

    def _until_heard(self):
        every = (*self.audio, *self.life, *self.room)
        until(lambda: all(audio.heard() for audio in every), lambda: f"no audio: {[audio.latest for audio in every]}")
        time.sleep(AHEAD_S)

    def _strike(self):
        if self.passing:
            self.passing.last()
        began = time.monotonic()
        self.failure.strike()
        if self.passing:
            self.passing.struck()
        self.failure.wait(lambda: until(self._taken, self.place.state))
        self.taken_s = time.monotonic() - began
        self.takers = {shard: self.place.owner(shard) for shard in self.shards}
        time.sleep(AFTER_S)

    def _taken(self):
        """All shards run on nodes that can be asked."""
        return sum(node.live() for node in self.failure.healthy()) >= 3

    def _mend(self):
        """Whole: all shards run and wait for their saves, all nodes hear each other, Redis has all calls."""
        self.failure.mend()
        began = time.monotonic()
        while time.monotonic() < began + WHOLE_S:
            if self.place.whole() and self.place.waits_for_saves() and self.place.saved() >= self.count:
                self.whole_s = time.monotonic() - began
                break
            time.sleep(0.05)
        time.sleep(AFTER_S)

    # -- what became of it ---------------------------------------------------------------------
    @property
    def gap(self):
        """Of the calls that it befell, as they were before it was mended."""
        return self.reports[0]["gap_ms"] if self.hit else {"p50": 0, "p99": 0, "max": 0}

    @property
    def room_gap(self):
        """Of the members that speak; None: there are none."""
        return self.room_reports[0]["gap_ms"] if self.room_reports else None

    @property
    def silent(self):
        return sum(report["silent_calls"] for report in self.last)

    @property
    def lost(self):
        """Packets."""
        return self.reports[0]["lost"] if self.hit else 0

    def told(self):
        rest = f"; the other {len(self.others)} calls: max {self.reports[-1]['gap_ms']['max']:.0f} ms" if self.others else ""
        rest += f"; in the room: p50 {self.room_gap['p50']:.0f} ms, max {self.room_gap['max']:.0f} ms" if self.room_gap else ""
        leaks = "".join(f"; {name} spoke for shard {shard}: {frames} frames" for (shard, name), frames in sorted(self.leaks.items()))
        whole = "" if self.whole_s is None else f"; whole again after {self.whole_s:.2f} s"
        return (f"{self.victim.name} had shards {sorted(self.shards)} with {len(self.hit)} calls; served again after {self.taken_s:.2f} s. "
                f"Gap: p50 {self.gap['p50']:.0f} ms, p99 {self.gap['p99']:.0f} ms, max {self.gap['max']:.0f} ms; "
                f"silent calls: {self.silent}{rest}{whole}{leaks}")


def most_of(place, calls):
    """The node with most of the calls."""
    count = collections.Counter(owner.name for call in calls if (owner := place.owner(call.shard)))
    name = count.most_common(1)[0][0]
    return next(node for node in place.nodes if node.name == name)
