# SPDX-License-Identifier: Apache-2.0
"""Failures one after the other under the same calls: nodes, wires and Redis."""
import random

from . import check
from .failures import KINDS
from .rounds import Round, most_of


def kinds(rounds, only, seed):
    """So many failures: each once in each turn, in an order of chance that the seed repeats."""
    names, chance, found = only or list(KINDS), random.Random(seed), []
    while len(found) < rounds:
        found += chance.sample(names, len(names))
    return found[:rounds]


def run(place, options, say):
    """The figures; options: rounds, calls, only, seed."""
    calls, done = check.placed(place, options.calls, say), []
    for number, name in enumerate(kinds(options.chaos, options.only, options.seed), 1):
        failure = KINDS[name](place, most_of(place, calls))
        say(f"{number}. {name}: {failure.__doc__.splitlines()[0]}")
        done.append(Round(place, failure, calls).run())
        say(f"   {done[-1].told()}")
        if done[-1].whole_s is None or done[-1].silent:
            say(f"{place.state()}\nleases: {place.leases()}")
            break
    wholes = [each.whole_s for each in done]
    return {"rounds": len(done), **check.calls_judged(place, calls, done, say), "leaks": sum(sum(each.leaks.values()) for each in done),
            "flows_ahead": sum(node.metric("tandem_media_bound_ahead_total") for node in place.nodes if node.running()),
            "whole_s": None if None in wholes else round(max(wholes), 2)}


def is_met(figures):
    return check.is_met(figures) and figures["whole_s"] is not None
