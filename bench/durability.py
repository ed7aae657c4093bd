#!/usr/bin/env python3
"""What it costs that a save waits for the disk: the same calls with each word of redis.fsync, in turns.

Calls of SIPp as in `calls`, at one rate. CPU counts for node and Redis together. The node's folder lies where TMPDIR says: on a file
system in memory the disk costs nothing, and the figures say nothing."""
import os
import signal
import subprocess
import sys

import calls_step
import lib

WORDS = ("everysec", "always", "no")


def fsync_set(node, word):
    """As an operator does it, in the running node."""
    node.config.write_text(lib.section(node.config.read_text(), "redis", f"fsync: {word}", "deadline: 500ms"))
    os.kill(node.pid, signal.SIGHUP)
    socket = node.dir / "redis" / "redis.sock"
    lib.wait_for(f"Redis to have appendfsync {word}", 10, lambda: setting(socket) == word)


def setting(socket):
    done = subprocess.run(["redis-cli", "-s", socket, "CONFIG", "GET", "appendfsync"], check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def judged(turns):
    """The figures of all turns: each is a dict by word of what calls_step.step found."""
    middle = lambda word, key: lib.median([turn[word][key] for turn in turns])
    cpu = {word: lib.median([turn[word]["cpu_us"] + turn[word]["redis_us"] for turn in turns]) for word in WORDS}
    steps = [step for turn in turns for step in turn.values()]
    figures = {"calls": sum(step["calls"] for step in steps), "unfinished": sum(step["unfinished"] for step in steps),
               "saves_late": sum(step["saves_late"] for step in steps), "calls_per_second": steps[0]["rate"]}
    for word in WORDS:
        figures |= {f"cpu_us_{word}": round(cpu[word], 1), f"redis_us_{word}": round(middle(word, "redis_us"), 1),
                    f"save_p50_ms_{word}": round(middle(word, "p50_ms"), 3), f"save_p99_ms_{word}": round(middle(word, "p99_ms"), 3)}
    figures["ratio_fsync_always_cpu"] = round(cpu["always"] / cpu["everysec"], 3)
    figures["ratio_fsync_no_cpu"] = round(cpu["no"] / cpu["everysec"], 3)
    return figures


def is_met(figures):
    """Every call ended well, whatever the disk is. What it costs is for the reader: it is a matter of the disk."""
    return not figures["unfinished"]


def turn(node, port, rate, seconds, order):
    found = {}
    for word in order:
        fsync_set(node, word)
        lib.say(f"fsync {word}")
        found[word] = calls_step.step(node, port, rate, seconds)
    return found


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    rate, seconds, rounds = (100, 3, 1) if options.quick else (500, 10, 5)
    node = lib.Node(media_ports="10000-59999", calls=4900, sections={"redis": ["deadline: 500ms"]})
    try:
        node.redis_apart()
        node.extension("2000", "bench-secret")
        port = lib.free_port()
        lib.register(node.sip_port, "2000", "bench-secret", port)
        turns = [turn(node, port, rate, seconds, WORDS[i % 3:] + WORDS[:i % 3]) for i in range(rounds)]
    finally:
        node.stop()
    figures = judged(turns)
    lib.finish(options, "durability", figures, {"sipp": lib.package_version("sip-tester"),
                                                "redis": lib.package_version("redis-server")})
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
