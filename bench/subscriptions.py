#!/usr/bin/env python3
"""What lamps cost: phones that watch each other (RFC 4235) call each other, and each lamp is told of each change of both.

Turns with all lamps and turns with none take place by turns at one node. A change is told when a NOTIFY has it, or one behind it, from
the moment at which a phone caused it. Set-up is what the node adds to the way of an INVITE to the callee and of the 200 to the caller.
CPU per NOTIFY is what a turn with lamps takes of the node more than the turn without that follows, by the NOTIFYs of it."""
import json
import socket
import sys

import lib
import registrations
from children import Asked

FIRST, PASSWORD, SOCKETS = registrations.FIRST, registrations.PASSWORD, 100
TOLD_P99_MS = 200       # wanted


class Phones(Asked):
    """The generator, with phones that are registered."""

    def __init__(self, node, phones, lamps, *words):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        for sock in sockets:
            sock.bind((lib.ADDRESS, 0))
        for i in range(phones):
            sock = sockets[i % SOCKETS]
            lib.register(node.sip_port, str(FIRST + i), PASSWORD, sock.getsockname()[1], sock)
        for sock in sockets:
            sock.setblocking(False)
        fds = [sock.fileno() for sock in sockets]
        super().__init__([*lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "lamps"]), "--to", f"{lib.ADDRESS}:{node.sip_port}",
                         "--phones", str(phones), "--lamps", str(lamps), "--first", str(FIRST), *words, *map(str, fds)],
                         pass_fds=fds)
        for sock in sockets:
            sock.close()


def turn(node, phones, rate, seconds):
    """Calls, and what they took of the node and of its Redis."""
    redis = node.redis_pid()
    before = lib.cpu_seconds(node.pid), lib.cpu_seconds(redis)
    told = phones.ask(f"calls {rate} {seconds}")
    told["node_s"], told["redis_s"] = lib.cpu_seconds(node.pid) - before[0], lib.cpu_seconds(redis) - before[1]
    return told


def both(node, phones, rate, seconds):
    """A turn with lamps, and one without."""
    on = phones.ask("on")
    lib.say(f"# {on['lamps']} lamps in {on['seconds']} s")
    lit = turn(node, phones, rate, seconds)
    lib.say(f"# lamps: {lit}")
    phones.ask("off")
    dark = turn(node, phones, rate, seconds)
    lib.say(f"# none:  {dark}")
    return lit, dark


def judged(lamps, turns):
    """The figures of all turns. A lamp that was not told, or a call that failed, counts in every one of them."""
    lit, dark = [pair[0] for pair in turns], [pair[1] for pair in turns]
    middle = lambda rows, key: round(lib.median([row[key] for row in rows]), 3)
    per_notify = [1e6 * (a["node_s"] - b["node_s"]) / a["notifies"] for a, b in turns if a["notifies"]]
    redis = [1e6 * (a["redis_s"] - b["redis_s"]) / a["calls"] for a, b in turns]
    return {
        "lamps": lamps, "calls": sum(row["calls"] for row in lit + dark), "failed": sum(row["failed"] for row in lit + dark),
        "changes": sum(row["changes"] for row in lit), "told": sum(row["told"] for row in lit),
        "notifies": sum(row["notifies"] for row in lit),
        "told_p50_ms": middle(lit, "told_p50_ms"), "told_p99_ms": middle(lit, "told_p99_ms"),
        "told_max_ms": max(row["told_max_ms"] for row in lit),
        "cpu_us_per_notify": round(lib.median(per_notify), 1) if per_notify else None,
        "redis_us_per_call": round(lib.median(redis), 1),
        "setup_p50_ms": middle(lit, "setup_p50_ms"), "setup_p50_ms_without": middle(dark, "setup_p50_ms"),
        "setup_p99_ms": middle(lit, "setup_p99_ms"), "setup_p99_ms_without": middle(dark, "setup_p99_ms"),
    }


def is_met(figures):
    """Whether all was told, in time, and no call failed. How far set-up moved is for the reader: it is a matter of the machine's noise."""
    return not figures["failed"] and figures["told"] == figures["changes"] > 0 and figures["told_p99_ms"] <= TOLD_P99_MS


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    phones, lamps, rate, seconds, rounds = (200, 10, 20, 5, 1) if options.quick else (2000, 10, 100, 10, 5)
    node = lib.Node(calls=2000, registrations=phones + 100)
    load = None
    try:
        node.redis_apart()
        registrations.provision(node, phones)
        load = Phones(node, phones, lamps)
        turns = [both(node, load, rate, seconds) for _ in range(rounds)]
    finally:
        if load:
            load.stop()
        node.stop()
    figures = judged(phones * lamps, turns)
    lib.finish(options, "subscriptions", figures, {"redis": lib.package_version("redis-server")})
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
