"""Plain calls and calls over a trunk, through a node with one shard and through one with four.

All four kinds take turns at one rate, so that what the machine does meanwhile meets each of them; who goes first changes from turn to turn.
The trunk's document names a host. A name server of ours leads it to SIPp, by SRV and A records."""
import importlib.util
import sys

import lib
from calls_step import step

RATE, TRUNK, OUTSIDE = 1500, "sbc.example.test", "0301234"
TRUNK_GOAL, SHARDS_GOAL = 1.1, 1.05
TURNS, ENOUGH = 8, 5     # of those how many must be clean
SHARDS = {1: (), 4: ("shards: [2, 3, 4]",)}
CALLER = "sipp"     # who calls in SIPp's own scenario: an extension, which alone may call out
NUMBERS = {"plain": "2000", "trunk": OUTSIDE}


def nameserver():
    """The tests' own, by its path: their folder has modules of our names. What it imports is beside the node of a demonstration."""
    spec = importlib.util.spec_from_file_location("nameserver", lib.ROOT / "tests" / "e2e" / "lib" / "nameserver.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(lib.ROOT / "deploy" / "demo"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop()
    return module


def serve_names(port):
    """A name server that leads the trunk's name to that port."""
    module = nameserver()
    return module.NameServer({f"_sip._udp.{TRUNK}": [module.service(1, port, f"host.{TRUNK}")],
                              f"host.{TRUNK}": [module.address(lib.ADDRESS)], TRUNK: []}, host=lib.ADDRESS)


def beside(count):
    """An address of our own for each node: media ports of all calls are one range."""
    octets = lib.ADDRESS.split(".")
    return ".".join((octets[0], octets[1], octets[2], str((int(octets[3]) + count) % 254 + 1)))


def open_node(shards, names, port, caller_port):
    node = lib.Node(media_ports="10000-59999", calls=4900, address=beside(shards),
                    sections={"node": SHARDS[shards], "dns": (f'servers: ["{names.name}"]',)})
    node.redis_apart()
    for number, at in ((CALLER, caller_port), (NUMBERS["plain"], port)):
        node.extension(number, "bench-secret", classes="other", outside_calls=0, outside_minutes=0)
        lib.register(node.sip_port, number, "bench-secret", at, node=node.address)
    node.ctl("trunk.put", name="sbc", servers=TRUNK, direction="out", answer_s=5)
    node.ctl("route.put", name="out", pattern="0x.", trunks="sbc")
    return node


def is_clean(result):
    """Where calls were refused or saves did not wait, a call costs less than it should."""
    return not result["unfinished"] and not result["saves_late"]


def ratios(results, kind, beside_kind):
    """What one kind costs more than the other, turn by turn."""
    return [one["cpu_us"] / other["cpu_us"] for one, other in zip(results[kind], results[beside_kind])
            if is_clean(one) and is_clean(other)]


def ratio_names():
    """Which kinds are compared, under what name, and what is wanted."""
    for shards in SHARDS:
        yield f"ratio_trunk_vs_plain_{shards}", ("trunk", shards), ("plain", shards), TRUNK_GOAL
    for way in NUMBERS:
        yield f"ratio_4_shards_vs_1_{way}", (way, 4), (way, 1), SHARDS_GOAL


def figures_of(results):
    """Keys of results: (way, shards)."""
    found = {"trunk_rate": RATE, "trunk_turns": len(results["plain", 1]),
             "trunk_unfinished": sum(r["unfinished"] for list_ in results.values() for r in list_),
             "trunk_saves_late": sum(r["saves_late"] for list_ in results.values() for r in list_)}
    for (way, shards), list_ in results.items():
        for name, key in (("node_us", "cpu_us"), ("redis_us", "redis_us"), ("rounds", "rounds")):
            found[f"{name}_per_call_{way}_{shards}"] = lib.median([round(r[key], 2) for r in list_ if is_clean(r)])
    for name, kind, beside_kind, _ in ratio_names():
        all_ = ratios(results, kind, beside_kind)
        found[name], found[f"{name}_turns"] = (round(lib.median(all_), 3) if all_ else None), len(all_)
    return found


def is_met(found, turns):
    return all(found[f"{name}_turns"] >= min(turns, ENOUGH) and found[name] <= goal for name, _, _, goal in ratio_names())


def take_turns(nodes, ports, turns, seconds):
    """ports: of the callee and of the caller."""
    kinds = [(way, shards) for shards in SHARDS for way in NUMBERS]
    results = {kind: [] for kind in kinds}
    for kind in kinds:      # not counted: names are learned, memory is touched
        step(nodes[kind[1]], ports[0], RATE, 2, NUMBERS[kind[0]], ports[1])
    for turn in range(turns):
        at = turn % len(kinds)
        for way, shards in kinds[at:] + kinds[:at]:
            lib.say(f"{way}, {shards} shard{'s' if shards > 1 else ''}:")
            results[way, shards].append(step(nodes[shards], ports[0], RATE, seconds, NUMBERS[way], ports[1]))
    return results


def figures(quick):
    """The row, and whether its goals are met."""
    turns, seconds = (1, 2) if quick else (TURNS, 5)
    ports, nodes = (lib.free_port(), lib.free_port()), {}
    names = serve_names(ports[0])
    try:
        for shards in SHARDS:
            nodes[shards] = open_node(shards, names, *ports)
        found = figures_of(take_turns(nodes, ports, turns, seconds))
    finally:
        for node in nodes.values():
            node.stop()
        names.close()
    return found, is_met(found, turns)
