# SPDX-License-Identifier: Apache-2.0
"""A node of three dies under live calls: who goes on with them, how long the phones hear nothing, and what is lost."""
import collections
import threading
import time

from patience import until

from .talk import Audio

AHEAD_S, AFTER_S = 1.0, 2.5         # of audio before the kill and after the take-over: a stream is silent after 2 s without a packet


class Round:
    """What one failure did to the calls of the node that it befell, and to all others."""

    def __init__(self, place, calls, victim):
        self.place, self.victim = place, victim
        self.shards = {shard for shard in {call.shard for call in calls} if place.owner(shard) is victim}
        self.hit = [call for call in calls if call.shard in self.shards]
        self.others = [call for call in calls if call.shard not in self.shards]
        self.audio = [Audio(part, place.folder, AHEAD_S) for part in (self.hit, self.others) if part]

    def run(self, fail):
        """fail(victim) makes it happen."""
        try:
            until(lambda: all(audio.heard() for audio in self.audio), lambda: f"no audio: {[audio.latest for audio in self.audio]}")
            time.sleep(AHEAD_S)
            began = time.monotonic()
            fail(self.victim)
            until(self.taken, self.place.state)
            self.taken_s = time.monotonic() - began
            time.sleep(AFTER_S)
            reports = [audio.stop() for audio in self.audio]
        finally:
            for audio in self.audio:
                audio.close()
        self.report = reports[0] if self.hit else None
        self.rest = reports[-1] if self.others else None
        return self

    def taken(self):
        """All its shards run elsewhere."""
        owners = {shard: self.place.owner(shard) for shard in self.shards}
        return all(owner not in (None, self.victim) for owner in owners.values()) and sum(
            node.live() for node in self.place.nodes if node is not self.victim) >= 3

    def silent(self):
        return sum(report["silent_calls"] for report in (self.report, self.rest) if report)

    def told(self):
        gap = self.report["gap_ms"]
        rest = f"; the other {len(self.others)} calls: max {self.rest['gap_ms']['max']:.0f} ms" if self.rest else ""
        return (f"{self.victim.name} had shards {sorted(self.shards)} with {len(self.hit)} calls; others have them after {self.taken_s:.2f} s. "
                f"Gap: p50 {gap['p50']:.0f} ms, p99 {gap['p99']:.0f} ms, max {gap['max']:.0f} ms; silent calls: {self.silent()}{rest}")


def kill(node):
    node.kill()


def most_of(place, calls):
    """The node with most of the calls."""
    count = collections.Counter(owner.name for call in calls if (owner := place.owner(call.shard)))
    name = count.most_common(1)[0][0]
    return next(node for node in place.nodes if node.name == name)


def back(place, node):
    node.start()
    until(place.whole, place.state)


def hang_up(calls):
    """By callers and callees in turns; some at once."""
    def some(part):
        for number, call in part:
            call.end(number % 2 == 0)

    numbered = list(enumerate(calls))
    threads = [threading.Thread(target=some, args=(numbered[first::16],)) for first in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def records_judged(place, calls):
    """{expected, missing, duplicate} once they are there, or after some seconds."""
    ids = [call.id for call in calls]
    end = time.monotonic() + 10
    while True:
        count = collections.Counter(place.records())
        missing = sum(count[each] == 0 for each in ids)
        if not missing or time.monotonic() > end:
            break
        time.sleep(0.2)
    return {"cdr_expected": len(ids), "cdr_missing": missing, "cdr_duplicate": sum(max(0, count[each] - 1) for each in ids)}


def run(place, count, rounds=1, say=print):
    """The figures: a node is killed in each round, and comes back for the next one."""
    calls = place.phones.call(place.nodes[0], count)
    say(f"{count} calls, by shard: {dict(sorted(collections.Counter(call.shard for call in calls).items()))}")
    done = []
    for number in range(rounds):
        if number:
            back(place, done[-1].victim)
        done.append(Round(place, calls, most_of(place, calls)).run(kill))
        say(done[-1].told())
    hang_up(calls)
    for fault in sorted({call.fault for call in calls if call.fault})[:5]:
        say(f"BYE: {fault}")
    lost = max(sum(bool(call.fault) for call in calls), max(each.silent() for each in done))
    gaps = [each.report["gap_ms"] for each in done]
    return {"kills": rounds, "calls": count, "calls_lost": lost, "taken_s": round(max(each.taken_s for each in done), 3),
            **{f"gap_{name}_ms": max(gap[name] for gap in gaps) for name in ("p50", "p99", "max")},
            "packets_lost": sum(each.report["lost"] for each in done), **records_judged(place, calls)}


def is_met(figures):
    return not (figures["calls_lost"] or figures["cdr_missing"] or figures["cdr_duplicate"])
