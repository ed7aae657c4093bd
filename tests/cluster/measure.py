# SPDX-License-Identifier: Apache-2.0
"""What `./tandem bench takeover` runs: rounds of several failures under many calls. Ends with a line of JSON."""
import argparse
import json
import statistics
import sys

from . import check
from .__main__ import guarded, say
from .failures import KINDS
from .place import Place
from .rounds import Round, most_of

ROWS = {"kill": "gap_p99_ms", "host": "gap_host_p99_ms", "restart": "gap_restart_p99_ms", "drain": "gap_drain_p99_ms", "pause": None}
ROUNDS = {"kill": 20, "host": 5, "restart": 5, "drain": 5, "pause": 3}
SIZES, SIZES_QUICK = (200, 800), (30, 0)    # calls that measure, and that show life
FENCED = ("host", "pause")                  # the former owner may speak again
ENOUGH = 100                                # calls of a shard that tell how fast they are taken


def round_of(place, name, calls, life):
    victim = most_of(place, calls)
    say(f"{name}: {KINDS[name].__doc__.splitlines()[0]}")
    done = Round(place, KINDS[name](place, victim), calls, life, watched=[victim] if name in FENCED else []).run()
    say(f"  {done.told()}")
    if done.whole_s is None:
        raise SystemExit(f"the cluster is not whole again: {place.state()}")
    return done


def speeds(done, calls):
    """Calls per second with which each shard was taken: from the claim until it is live, by the taker's log."""
    found = []
    for shard, taker in done.takers.items():
        count = sum(call.shard == shard for call in calls)
        if taker and count >= ENOUGH and (took := taker.took_s(shard)):
            found.append(count / took)
    return found


def measure(place, rows, quick):
    sizes = SIZES_QUICK if quick else SIZES
    calls = check.placed(place, sum(sizes), say)
    measured, life = calls[:sizes[0]], calls[sizes[0]:]
    rounds, rates = {}, []
    for name in rows:
        for _ in range(1 if quick else ROUNDS[name]):
            done = round_of(place, name, measured, life)
            rounds.setdefault(name, []).append(done)
            rates += speeds(done, calls) if name == "kill" else []
    every = [done for some in rounds.values() for done in some]
    figures = {"kills": len(rounds.get("kill", ())), **check.calls_judged(place, calls, every, say)}
    for name, figure in ROWS.items():
        if figure:
            figures[figure] = check.gaps(rounds[name])["gap_p99_ms"] if name in rounds else None
    fenced = [done for name in FENCED for done in rounds.get(name, ())]
    figures["fenced_leaks"] = sum(sum(done.leaks.values()) for done in fenced) if fenced else None
    figures["takeover_calls_per_s"] = round(statistics.median(rates)) if rates else None
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", action="append", choices=ROWS)
    options = parser.parse_args()
    with Place() as place:
        say(json.dumps(measure(place, options.row or list(ROWS), options.quick)))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
