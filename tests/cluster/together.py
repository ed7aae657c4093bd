# SPDX-License-Identifier: Apache-2.0
"""The machines of a node and of the primary of Redis are lost together while calls begin, and the replica is a moment behind: which calls
are lost where a save counts when the primary has it, and where it counts when the replica has it."""
from . import check
from .failures import HostAndPrimary
from .passing import Passing
from .place import Place
from .rounds import Round, most_of

NAMES = {0: "host_primary", 1: "host_primary_acked"}        # by redis.save_replicas
FIGURES = ("calls", "calls_lost", "calls_refused", "cdr_missing", "cdr_duplicate", "gap_p99_ms")


def named(name, replicas):
    return f"{name}_{NAMES[replicas]}"


def none():
    """The figures where it was not run."""
    return {named(name, replicas): None for replicas in NAMES for name in FIGURES}


def round_of(place, calls, say):
    passing = Passing(place, stay=True)
    done = Round(place, HostAndPrimary(place, most_of(place, calls)), calls, watched=[], passing=passing).run()
    passing.finish()
    check.hang_up([call for call in passing.calls if call not in passing.open])
    done.passed, done.refused = passing.calls, len(passing.refused)
    say(f"  {passing.told()}")
    say(f"  {done.told()}; Redis had a primary again after {done.failure.promoted_s:.2f} s")
    if done.whole_s is None:
        raise SystemExit(f"the cluster is not whole again: {place.state()}")
    return done


def with_replicas(replicas, lease, count, rounds, say):
    """What became of the calls of all rounds."""
    with Place(lease, save_replicas=replicas) as place:
        place.redis.brief = True
        calls, done = check.placed(place, count, say), []
        for _ in range(rounds):
            say(f"host-primary, redis.save_replicas {replicas}: {HostAndPrimary.__doc__.splitlines()[0]}")
            done.append(round_of(place, calls, say))
        figures = check.calls_judged(place, calls, done, say) | check.gaps(done) | {"calls_refused": sum(each.refused for each in done)}
        return {named(name, replicas): figures[name] for name in FIGURES}


def measure(lease, count, rounds, say):
    figures = {}
    for replicas in NAMES:
        figures |= with_replicas(replicas, lease, count, rounds, say)
    return figures
