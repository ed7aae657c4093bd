# SPDX-License-Identifier: Apache-2.0
"""./tandem cluster: three nodes, Redis with Sentinel and Kamailio on machines of their own. Without --check it stays up until it is told to end."""
import argparse
import json
import signal
import sys
import unittest

from server import ServerError

from . import chaos, check, redis_chaos, upgrade
from .failures import KINDS, OF_REDIS
from .nodes import SHARDS
from .place import HERE, NODES, SBC, SERVERS, Place


def interrupted(*_):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)       # what is being ended ends in peace
    raise SystemExit(130)


def say(text):
    print(text, flush=True)


def stay(place):
    say(f"phones at {HERE} speak to Kamailio at {SBC}:5060. Nodes: {NODES}. Shards: {SHARDS}. Redis: {SERVERS}.\n"
        f"Files: {place.folder}. An interrupt ends it.")
    signal.pause()


def arguments():
    parser = argparse.ArgumentParser(prog="tandem cluster", description=__doc__)
    parser.add_argument("--check", action="store_true", help="calls, a node that is killed, who goes on; then the end")
    parser.add_argument("--chaos", type=int, metavar="ROUNDS", help="as --check, with failures of nodes, wires and Redis")
    parser.add_argument("--redis", action="store_true", help="with --chaos: failures of Redis alone, in each of which some calls end")
    parser.add_argument("--brief", action="store_true", help="with --redis: we say who is whose replica, not the Sentinels some 8 or 20 s later")
    parser.add_argument("--only", action="append", choices=KINDS, help="with --chaos: this failure; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="with --chaos: of the order of failures (1)")
    parser.add_argument("--from", dest="commit", metavar="COMMIT", help="as --check, with nodes of that commit that are replaced one by one, and back")
    parser.add_argument("--debug", action="store_true", help="with --from: debug builds of both, which take minutes less and have assertions")
    parser.add_argument("--calls", type=int, default=30, help="live calls (30)")
    parser.add_argument("--kills", type=int, default=1, help="so many nodes, one after the other (1)")
    parser.add_argument("--lease", default="1s", help="cluster.lease (1s)")
    parser.add_argument("--keep", metavar="FOLDER", help="logs and data go there when something is wrong")
    return parser.parse_args()


def judge(place, options):
    if options.chaos and options.redis:
        place.redis.brief = options.brief
        names = chaos.kinds(options.chaos, options.only or OF_REDIS, options.seed)
        figures = redis_chaos.run(place, names, options.calls, say)
        met = redis_chaos.is_met(figures)
    elif options.chaos:
        figures = chaos.run(place, options, say)
        met = chaos.is_met(figures)
    elif options.check:
        figures = check.run(place, options.calls, options.kills, say)
        met = check.is_met(figures)
    else:
        stay(place)
    say(json.dumps(figures))
    return met


def run(options):
    if options.commit:
        figures = upgrade.run(options.commit, options, say)
        say(json.dumps(figures))
        return 0 if check.is_met(figures) else 1
    with Place(options.lease) as place:
        try:
            met = judge(place, options)
        except BaseException:
            if options.keep:
                place.keep(options.keep)
            raise
        if not met and options.keep:
            place.keep(options.keep)
        return 0 if met else 1


def guarded(act):
    """Whatever ends this process ends what it started. What the place lacks, or the cluster did wrong, is one sentence."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return act()
    except (unittest.SkipTest, ServerError, AssertionError) as error:
        return f"tandem cluster: {error}"


if __name__ == "__main__":
    sys.exit(guarded(lambda: run(arguments())))
