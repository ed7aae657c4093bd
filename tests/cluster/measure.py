# SPDX-License-Identifier: Apache-2.0
"""What `./tandem bench takeover` runs: rounds of several failures under many calls. Ends with a line of JSON."""
import argparse
import json
import statistics
import sys

from . import check, together
from .__main__ import guarded, say
from .asked import AskedRound
from .failures import KINDS, Nothing
from .passing import Passing
from .place import Place
from .rounds import Round, most_of
from .talk import phones_give_way

LEASE, LEASE_FAST = "1s", "300ms"
ROWS = {"calm": "false_takeovers", "kill": "gap_p99_ms", "host": "gap_host_p99_ms", "restart": "gap_restart_p99_ms",
        "drain": "gap_drain_p99_ms", "pause": None, "host-primary": None, "reinvite": "gap_reinvite_p99_ms",
        "calm-fast": "false_takeovers_fast", "host-fast": "gap_host_fast_p99_ms"}
ROUNDS = {"calm": 1, "kill": 20, "host": 5, "restart": 5, "drain": 5, "pause": 3, "host-primary": 5, "reinvite": 5, "calm-fast": 1,
          "host-fast": 5}
SIZES, SIZES_QUICK = (200, 800), (30, 0)    # calls that measure, and that show life
PASSED = ("kill", "drain")                  # calls are in each state, and begin meanwhile
FENCED = ("host", "pause", "host-fast")     # the former owner may speak again
ASKED = "reinvite"                          # nodes have addresses of their own
CALM = ("calm", "calm-fast")                # nothing befalls anybody
CALM_QUICK_S = 10
TOGETHER, TOGETHER_SIZE = "host-primary", 30    # on machines of its own, with figures of its own
APART = (ASKED, TOGETHER)
ENOUGH = 100                                # calls of a shard that tell how fast they are taken


def lease_of(row):
    return LEASE_FAST if row.endswith("-fast") else LEASE


def rounds_of(row, options):
    """How many; nothing befalls anybody but once."""
    if row in CALM:
        return 1
    return 1 if options.quick else options.rounds or ROUNDS[row]


def failure_of(place, row, victim, options):
    if row in CALM:
        return Nothing(place, victim, CALM_QUICK_S if options.quick else 60 * options.minutes)
    return KINDS[row.removesuffix("-fast")](place, victim)


def finished(passing):
    """(calls that passed through, how many new ones never were calls)"""
    passing.finish()
    say(f"  {passing.told()}")
    return passing.calls, len(passing.refused)


def round_of(place, name, calls, life, options):
    claims = place.claims()
    passing = Passing(place) if name in PASSED and not options.plain else None
    victim = (passing and passing.room_node()) or most_of(place, calls)
    failure = failure_of(place, name, victim, options)
    say(f"{name}: {type(failure).__doc__.splitlines()[0]}")
    done = Round(place, failure, calls, life, watched=[victim] if name in FENCED else [], passing=passing).run()
    done.passed, done.refused = finished(passing) if passing else ([], 0)
    done.claims = place.claims() - claims
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


def with_lease(lease, rows, options):
    """The rows with it, on machines of their own: ({row: rounds}, what became of the calls, calls per second)."""
    sizes = SIZES_QUICK if options.quick else SIZES
    with Place(lease) as place:
        calls = check.placed(place, sum(sizes), say)
        rounds, rates = {}, []
        for name in rows:
            for _ in range(rounds_of(name, options)):
                done = round_of(place, name, calls[:sizes[0]], calls[sizes[0]:], options)
                rounds.setdefault(name, []).append(done)
                rates += speeds(done, calls) if name == "kill" else []
        every = [done for some in rounds.values() for done in some]
        return rounds, check.calls_judged(place, calls, every, say) | {"calls_refused": sum(done.refused for done in every)}, rates


def asked_rounds(options):
    """Of nodes with addresses of their own."""
    with Place(LEASE, floats=False) as place:
        calls, done = check.placed(place, sum(SIZES_QUICK if options.quick else SIZES), say), []
        for _ in range(rounds_of(ASKED, options)):
            done.append(AskedRound(place, KINDS["kill"](place, most_of(place, calls)), calls).run())
            say(f"{ASKED}: {done[-1].told()}")
        return done, check.calls_judged(place, calls, done, say)


def figure_of(row, rounds):
    """Of one that was run."""
    return sum(done.claims for done in rounds) if row in CALM else check.gaps(rounds)["gap_p99_ms"]


def figures_of(rounds, judged, rates):
    figures = {"kills": len(rounds.get("kill", ())), **judged}
    figures |= {figure: figure_of(row, rounds[row]) if row in rounds else None for row, figure in ROWS.items() if figure}
    for name in PASSED:
        figures[f"gap_room_{name}_ms"] = max((done.room_gap["max"] for done in rounds.get(name, ()) if done.room_gap), default=None)
    fenced = [done for name in FENCED for done in rounds.get(name, ())]
    figures["gap_reinvite_back_p99_ms"] = max((done.back_p99 for done in rounds.get(ASKED, ())), default=None)
    figures["fenced_leaks"] = sum(sum(done.leaks.values()) for done in fenced) if fenced else None
    figures["takeover_calls_per_s"] = round(statistics.median(rates)) if rates else None
    return figures


def measure(options):
    phones_give_way()
    asked = [row for row in ROWS if row in (options.row or ROWS)]
    rounds, judged, rates = {}, {}, []
    for lease in (LEASE, LEASE_FAST):
        if rows := [row for row in asked if lease_of(row) == lease and row not in APART]:
            some, became, fast = with_lease(lease, rows, options)
            rounds |= some
            judged = {name: judged.get(name, 0) + count for name, count in became.items()}
            rates += fast
    if ASKED in asked:
        rounds[ASKED], became = asked_rounds(options)
        judged = {name: judged.get(name, 0) + became.get(name, 0) for name in {**judged, **became}}
    lost = together.measure(LEASE, TOGETHER_SIZE, rounds_of(TOGETHER, options), say) if TOGETHER in asked else together.none()
    return figures_of(rounds, judged, rates) | lost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", action="append", choices=ROWS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    say(json.dumps(measure(options)))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
