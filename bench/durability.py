#!/usr/bin/env python3
"""What it costs that calls are saved: calls of SIPp as in `calls`, at one rate, at nodes and with settings in turns.

Row `saves`: a node that saves no calls (redis.save_calls), one that does, one of a cluster whose Redis has a replica, and one whose
saves wait for it (redis.save_replicas). Row `fsync`:
one node with each word of redis.fsync; the node's folder lies where TMPDIR says: on a file system in memory the disk costs nothing, and
the figures say nothing."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import calls_step
import lib
from children import end

WORDS = ("everysec", "always", "no")
GOAL_RATIO, GOAL_MS = 1.3, 1.0
CLOCK_MS = 4.0          # steps of SIPp, in which a quantile is told; a mean over thousands of calls is not
MEDIA_PORTS = ("10000-21999", "22000-33999", "34000-45999", "46000-57999")   # of nodes at one address


# ---- row fsync ----

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


def callee(node):
    """Where its phone is."""
    node.redis_apart()
    node.extension("2000", "bench-secret")
    port = lib.free_port()
    lib.register(node.sip_port, "2000", "bench-secret", port)
    return port


def fsync_figures(quick):
    rate, seconds, rounds = (100, 3, 1) if quick else (500, 10, 5)
    node = lib.Node(media_ports="10000-59999", calls=4900, sections={"redis": ["deadline: 500ms"]})
    try:
        port = callee(node)
        turns = [turn(node, port, rate, seconds, WORDS[i % 3:] + WORDS[:i % 3]) for i in range(rounds)]
    finally:
        node.stop()
    return judged(turns)


# ---- row saves ----

class Pair:
    """A Redis and its replica, as the embedded one is set, beside the load."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tandem-bench-redis-")
        self.ports = (lib.free_port(), lib.free_port())
        self.servers = [self.server(f"{i}", port) for i, port in enumerate(self.ports)]
        try:
            self.ask(0, "PING")
            self.ask(1, "REPLICAOF", lib.ADDRESS, str(self.ports[0]))
            lib.wait_for("the replica", 20, lambda: "state=online" in self.ask(0, "INFO", "replication"))
        except BaseException:
            self.stop()
            raise

    def server(self, name, port):
        folder = os.path.join(self.dir, name)
        os.mkdir(folder)
        return lib.spawn(lib.pinned(lib.LOAD_CORE, ["redis-server", "--port", str(port), "--bind", lib.ADDRESS, "--dir", folder, "--save", "",
                                                    "--appendonly", "yes", "--protected-mode", "no"]), stdout=subprocess.DEVNULL)

    def ask(self, i, *words):
        ask = lambda: subprocess.run(["redis-cli", "-h", lib.ADDRESS, "-p", str(self.ports[i]), *words], capture_output=True,
                                     text=True).stdout
        return lib.wait_for("a Redis", 20, ask)

    def stop(self):
        while self.servers:
            end(self.servers.pop())
        shutil.rmtree(self.dir, ignore_errors=True)


class Replicated(lib.Node):
    """A node of a cluster, whose leases count when the replica has them."""
    save_replicas = 0

    def __init__(self, **options):
        self.pair = Pair()
        super().__init__(sections={"redis": [f"url: redis://{lib.ADDRESS}:{self.pair.ports[0]}", f"save_replicas: {self.save_replicas}"],
                                   "cluster": [f"listen: {lib.ADDRESS}:{lib.free_port()}", "replicas: 1"]}, **options)

    def redis_pid(self):
        return self.pair.servers[0].pid if self.pair.servers else None

    def stop(self):
        self.pair.stop()
        super().stop()


class Acked(Replicated):
    """... and whose saves do, too."""
    save_replicas = 1


SAVES = {"off": lambda **options: lib.Node(sections={"redis": ["save_calls: false"]}, **options), "on": lib.Node, "replica": Replicated,
         "acked": Acked}


def saves_judged(turns):
    """The figures of all turns: each is a dict by kind of node. A turn is compared with itself: what else runs here runs in all of it."""
    middle = lambda kind, key: lib.median([turn[kind][key] for turn in turns])
    ratio = lambda kind: round(lib.median([turn[kind]["cpu_us"] / turn["off"]["cpu_us"] for turn in turns]), 3)
    added = lambda kind, key: round(lib.median([turn[kind][key] - turn["off"][key] for turn in turns]), 3)
    steps = [step for turn in turns for step in turn.values()]
    figures = {"ratio_durability_cpu": ratio("on"), "ratio_durability_replica_cpu": ratio("replica"),
               "ratio_durability_acked_cpu": ratio("acked"),
               "setup_added_p99_ms": added("on", "setup_p99_ms"), "setup_added_p99_ms_replica": added("replica", "setup_p99_ms"),
               "setup_added_p99_ms_acked": added("acked", "setup_p99_ms"),
               "setup_added_mean_ms": added("on", "setup_mean_ms"), "setup_added_mean_ms_replica": added("replica", "setup_mean_ms"),
               "setup_added_mean_ms_acked": added("acked", "setup_mean_ms"),
               "durability_calls": sum(step["calls"] for step in steps),
               "durability_unfinished": sum(step["unfinished"] for step in steps),
               "durability_saves_late": sum(step["saves_late"] for step in steps)}
    for kind in SAVES:
        figures |= {f"node_us_{kind}": round(middle(kind, "cpu_us"), 1), f"redis_us_{kind}": round(middle(kind, "redis_us"), 1),
                    f"setup_p99_ms_{kind}": middle(kind, "setup_p99_ms")}
    return figures


def saves_are_met(figures):
    return (not figures["durability_unfinished"] and figures["ratio_durability_cpu"] <= GOAL_RATIO
            and figures["setup_added_mean_ms"] <= GOAL_MS and figures["setup_added_p99_ms"] <= CLOCK_MS)


def saves_turn(nodes, ports, rate, seconds, order):
    found = {}
    for kind in order:
        lib.say(f"saves {kind}")
        found[kind] = calls_step.step(nodes[kind], ports[kind], rate, seconds)
    return found


def saves_figures(quick):
    rate, seconds, rounds = (100, 3, 1) if quick else (500, 10, 7)
    nodes, kinds = {}, list(SAVES)
    try:
        for kind in kinds:
            nodes[kind] = SAVES[kind](media_ports=MEDIA_PORTS[len(nodes)], calls=4900)
        ports = {kind: callee(node) for kind, node in nodes.items()}
        turns = [saves_turn(nodes, ports, rate, seconds, kinds[i % len(kinds):] + kinds[:i % len(kinds)]) for i in range(rounds)]
    finally:
        for node in nodes.values():
            node.stop()
    return saves_judged(turns)


def main():
    options = lib.arguments(__doc__.splitlines()[0], rows=("saves", "fsync"))
    figures, met = {}, True
    for row, run, good in (("saves", saves_figures, saves_are_met), ("fsync", fsync_figures, is_met)):
        if row in (options.row or (row,)):
            found = run(options.quick)
            figures, met = figures | found, met and good(found)
    lib.finish(options, "durability", figures, {"sipp": lib.package_version("sip-tester"),
                                                "redis": lib.package_version("redis-server")})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
