#!/usr/bin/env python3
"""What lists of lamps cost (RFC 4662): phones that each watch fifty others by one subscription, beside phones that watch ten others each alone.

All call each other. A change is told when a NOTIFY has it or one behind it, from the moment at which a phone caused it. Memory is what the
node's own pages grow by with the second half of them, when transactions have ended. A take-over is `kill -9` of the node and its start; it is over when each list was told
all. notify_wrong: documents out of order, changes that lamps alone were never told, and lamps of lists that show something else than is so when
all calls are over: a call that comes and goes within the pace of a list is not told.
Redis commands are those of turns with lamps, less those of turns without, by changes of a phone."""
import json
import os
import signal
import socket
import sys
import time

import lib
import registrations
import subscriptions

LIST, ALONE = 50, 10
WANTED = {"told_single_p99_ms": 30, "told_lists_p99_ms": 200, "notify_wrong": 0, "bytes_per_subscription": 1500, "bytes_per_list_of_50": 3000,
          "redis_commands_per_change": 3}
TAKEOVER_S = {5000: 2, 20000: 6}


def commands(node):
    """That Redis has carried out."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(next(node.dir.rglob("redis.sock"))))
        link.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_commands_processed:" not in text or not text.endswith(b"\r\n"):
            text += link.recv(65536)
    return int(text.split(b"total_commands_processed:")[1].split()[0])


def turn(node, phones, rate, seconds):
    """Calls, and what they took of the node and of its Redis."""
    before, cpu = commands(node), lib.cpu_seconds(node.pid)
    told = phones.ask(f"calls {rate} {seconds}")
    told["commands"], told["node_s"] = commands(node) - before, lib.cpu_seconds(node.pid) - cpu
    lib.say(f"# {told}")
    return told


def taken(node, phones):
    """Seconds from the kill to the last list that was told all."""
    phones.process.stdin.write("all\n")
    phones.process.stdin.flush()
    os.kill(node.pid, signal.SIGKILL)
    node.process.wait()
    node.start()
    told = json.loads(phones.process.stdout.readline())
    lib.say(f"# take-over: {told}")
    return told["seconds"] if not told["left"] else None


def measure(options, count, each, rate, seconds, lists):
    """One node: what its lamps take, how late they are told, and for lists the take-over."""
    node = lib.Node(calls=4000, registrations=count + 100, limits=(f"subscriptions: {count * (1 if lists else each) + 1000}",))
    load = None
    try:
        node.redis_apart()
        registrations.provision(node, count)
        load = subscriptions.Phones(node, count, each, *(["--lists"] if lists else []))
        dark = turn(node, load, rate, seconds)
        settle = lambda: None if options.quick else time.sleep(35)
        load.ask("half")    # what transactions take is there from then on
        settle()
        before = lib.own_bytes(node.pid)
        on = load.ask("on")
        lib.say(f"# {on['lamps']} lamps in {on['seconds']} s")
        settle()
        grown = (lib.own_bytes(node.pid) - before) / (count // 2 * (1 if lists else each))
        lit = turn(node, load, rate, seconds)
        wrong = lit["disordered"] + lit["wrong"] + (0 if lists else lit["changes"] - lit["told"])
        changes = lit["changes"] / each
        figures = {"told_p50_ms": lit["told_p50_ms"], "told_p99_ms": lit["told_p99_ms"], "notifies_per_s": round(lit["notifies"] / lit["seconds"]),
                   "calls": lit["calls"], "failed": lit["failed"] + dark["failed"], "wrong": wrong, "bytes": None if options.quick else round(grown),
                   "cpu_us_per_notify": round(1e6 * (lit["node_s"] - dark["node_s"]) / lit["notifies"], 1) if lit["notifies"] else None,
                   "commands_per_change": round((lit["commands"] - dark["commands"]) / changes, 2) if changes else None}
        if lists:
            figures["takeover_s"] = taken(node, load)
            behind = turn(node, load, rate, seconds)
            figures["wrong"] += behind["disordered"] + behind["wrong"]
        return figures
    finally:
        if load:
            load.stop()
        node.stop()


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    quick = options.quick
    alone = measure(options, 200 if quick else 2000, ALONE, 10 if quick else 60, 5 if quick else 20, False)
    lists = {count: measure(options, count, LIST, 5 if quick else 25, 5 if quick else 20, True) for count in ([300] if quick else [5000, 20000])}
    most = lists[max(lists)]
    figures = {"told_single_p99_ms": alone["told_p99_ms"], "told_lists_p99_ms": most["told_p99_ms"],
               "notify_wrong": alone["wrong"] + sum(each["wrong"] for each in lists.values()),
               "bytes_per_subscription": alone["bytes"], "bytes_per_list_of_50": most["bytes"],
               "redis_commands_per_change": max(alone["commands_per_change"], most["commands_per_change"]),
               **{f"takeover_{count}_s": each["takeover_s"] for count, each in lists.items()}}
    wanted = {**WANTED, **{f"takeover_{count}_s": TAKEOVER_S.get(count, 2) for count in lists}}
    missed = {name: wanted[name] for name, value in figures.items() if value is not None and value > wanted[name]}
    lib.finish(options, "presence", {**figures, "alone": alone, "lists": lists, "missed": missed}, {"redis": lib.package_version("redis-server")})
    return 1 if missed or any(each["failed"] for each in (alone, *lists.values())) else 0


if __name__ == "__main__":
    sys.exit(main())
