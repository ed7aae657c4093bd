"""A conference of 200 on sockets, all of whom talk in G.711, and as many parties whose packets are forwarded: turn by turn over the wire of xdp.py.

The server is bench/relay, which has the media path without signalling; the load says the same to both. CPU is that of the server's process:
its own work, and the kernel's for its system calls. What its machine does to receive is the same for both and is given beside."""
import contextlib
import json
import pathlib
import signal
import subprocess
import tempfile
import unittest

import lib
import xdp

MEMBERS = 200
PORT = 10000            # below the parties', which are so far above it that the kernel gives them to nobody
HEARD = 0.95            # of what a member sends it gets as much: the room wakes with the first packets


class Relay:
    """The server at the far end."""

    def __init__(self, wire, room):
        self.wire = wire
        server, party = xdp.ends(wire)
        self.lines = pathlib.Path(tempfile.mkdtemp(prefix="tandem-bench-")) / "calls"
        self.process = lib.spawn([*wire.command, *lib.pinned(lib.SERVER_CORE, [
            lib.BUILD / "bench" / "relay", "--calls", MEMBERS // 2, "--port", PORT, "--lines", self.lines, "--local", server, "--party", party,
            *(["--room"] if room else [])])], stdout=subprocess.PIPE, text=True)
        lib.wait_for("bench/relay to have opened its calls", 10, self.is_ready)
        self.text = self.lines.read_text()

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit("bench/relay ended")
        return self.lines.exists() and self.lines.read_text().count("\n") == MEMBERS // 2

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=10)
        self.lines.unlink()
        self.lines.parent.rmdir()
        if not out.strip():
            raise SystemExit(f"bench/relay ended with {self.process.returncode}, and said nothing")
        return json.loads(out.strip().splitlines()[-1])


def turn(wire, room, seconds, warm_up):
    server = Relay(wire, room)
    try:
        result = xdp.turn("room" if room else "forward", server, seconds, quiet=True, warm_up=warm_up, load=["--speech"])
    finally:
        counts = server.stop()
    if result["received"] < HEARD * MEMBERS * 50 * (seconds + warm_up):
        raise SystemExit(f"the parties heard {result['received']} packets only: {counts}")
    return {**result, "ms_per_member_s": 1e3 * result["cpu_share"] / MEMBERS}


def say(name, result):
    lib.say(f"{name:8} {result['ms_per_member_s']:.4f} ms of CPU a member and second, receiving {1e3 * result['receive'] * 50 / 1e6:.4f}; "
            f"{result['received']} packets, {result['faults']} lost or altered")


@contextlib.contextmanager
def ground():
    """None: it cannot be made here, and why was said."""
    try:
        wire = xdp.ground()
    except (unittest.SkipTest, AssertionError, OSError) as why:
        lib.say(f"wire: not run: {why}")
        yield None
        return
    with wire:
        yield wire


def row(turns, seconds, warm_up):
    """The figures; {}: it cannot run here."""
    results = {"room": [], "forward": []}
    with ground() as wire:
        if not wire:
            return {}
        for _ in range(turns):
            for name, list_ in results.items():
                list_.append(turn(wire, name == "room", seconds, warm_up))
                say(name, list_[-1])

    def middle(name):
        return lib.median([result["ms_per_member_s"] for result in results[name]])

    return {"members": MEMBERS, "turns": turns, "seconds_counted_per_turn": seconds,
            "ratio_g711_room_vs_forward": round(middle("room") / middle("forward"), 3),
            "g711_cpu_ms_per_member_s": round(middle("room"), 4), "forward_cpu_ms_per_member_s": round(middle("forward"), 4),
            "packets": sum(result["received"] for list_ in results.values() for result in list_),
            "lost": sum(result["faults"] for list_ in results.values() for result in list_)}
