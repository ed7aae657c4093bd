# SPDX-License-Identifier: Apache-2.0
"""A node of three dies under live calls: who goes on with them, how long the phones hear nothing, and what is lost."""
import collections
import threading
import time

from .failures import KINDS
from .rounds import Round, most_of

RECORDS_S = 10          # so long call records may take
AT_ONCE = 16


def hang_up(calls):
    """By callers and callees in turns; some at once."""
    def some(part):
        for number, call in part:
            call.end(number % 2 == 0)

    numbered = list(enumerate(calls))
    threads = [threading.Thread(target=some, args=(numbered[first::AT_ONCE],)) for first in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def records_judged(place, calls, say):
    """As many as each call makes, once they are there."""
    end = time.monotonic() + RECORDS_S
    while True:
        rows = place.records_named()
        count = collections.Counter(call for call, _ in rows)
        missing = [call for call in calls if count[call.id] < call.records]
        if not missing or time.monotonic() > end:
            break
        time.sleep(0.2)
    for call in missing[:5]:
        say(f"{count[call.id]} of {call.records} records of {call.told()}")
    return {"cdr_expected": sum(call.records for call in calls), "cdr_missing": sum(call.records - count[call.id] for call in missing),
            "cdr_duplicate": len(rows) - len(set(rows))}


def calls_judged(place, calls, done, say):
    """All end: {calls, calls_lost, call records}. Those that passed through a round have ended."""
    hang_up(calls)
    every = [*calls, *(call for each in done for call in each.passed)]
    for fault in sorted({call.fault for call in every if call.fault})[:5]:
        say(f"BYE: {fault}")
    lost = max(sum(bool(call.fault) for call in every), max((each.silent for each in done), default=0))
    return {"calls": len(every), "calls_lost": lost, **records_judged(place, every, say)}


def gaps(done, name="gap"):
    """The worst of the rounds."""
    return {f"{name}_{share}_ms": max(each.gap[share] for each in done) for share in ("p50", "p99", "max")}


def placed(place, count, say):
    calls = place.phones.call(place.nodes[0], count)
    say(f"{count} calls, by shard: {dict(sorted(collections.Counter(call.shard for call in calls).items()))}")
    return calls


def run(place, count, rounds, say):
    """The figures: a node is killed in each round, and comes back for the next one."""
    calls, done = placed(place, count, say), []
    for number in range(rounds):
        failure = KINDS["kill"](place, most_of(place, calls))
        done.append(Round(place, failure, calls).run(mend=number + 1 < rounds))
        say(done[-1].told())
    return {"kills": rounds, **calls_judged(place, calls, done, say), "taken_s": round(max(each.taken_s for each in done), 3), **gaps(done),
            "packets_lost": sum(each.lost for each in done), "leaks": sum(sum(each.leaks.values()) for each in done)}


def is_met(figures):
    return not (figures["calls_lost"] or figures["cdr_missing"] or figures["cdr_duplicate"] or figures["leaks"])
