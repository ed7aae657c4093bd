#!/usr/bin/env python3
"""Forwarding over a veth pair: the media engine on AF_XDP and on sockets, and rtpengine in user space, with the same calls in turns.

The server is in a network namespace of its own, the load in another. The figures are, per packet forwarded: CPU of the server process,
to the ns by its threads' schedstat; and time in softirq of the whole machine by /proc/stat, in ticks of 10 ms, so only over
several seconds: it holds the receiving of both ends, and of the sending what the kernel puts off. On veth AF_XDP copies, a packet to
it is made anew by the kernel, and a packet sent is received at the other end in the sender's time, of which that of the load is a part:
all of which network cards spare. The same is true of sockets and of rtpengine, so the ratio is the lesser one."""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import lib
import rtpengine

CALLS, WARM_UP_S, PORT = 500, 6, 20000
SERVER, PARTY, INTERFACE = "10.77.0.1", "10.77.0.2", "far0"


def wire_module():
    spec = importlib.util.spec_from_file_location("wire", lib.ROOT / "tests" / "e2e" / "lib" / "wire.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Loopback:
    """Instead of the wire where no namespace may be made: both ends on one address."""
    command = ()
    server = party = lib.ADDRESS

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class PartyMedia(lib.Media):
    """Whoever offers or answers is at the near end."""

    def __init__(self, party):
        super().__init__()
        self.party = party

    def sdp(self, _ip, port, key=None):
        return super().sdp(self.party, port, key)


class Engine:
    """bench/relay with its calls; on AF_XDP where an interface is given."""

    def __init__(self, wire, calls, *options):
        server, party = ends(wire)
        self.calls = calls
        self.lines = pathlib.Path(tempfile.mkstemp(prefix="relay-lines-")[1])
        command = [lib.BUILD / "bench" / "relay", "--calls", calls, "--port", PORT, "--lines", self.lines, "--local", server,
                   "--party", party, *options]
        self.process = lib.spawn([*wire.command, *lib.pinned(lib.SERVER_CORE, command)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        lib.wait_for("the relay's calls", 20, self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit(self.process.stderr.read())
        return self.lines.read_text().count("\n") >= self.calls

    @property
    def text(self):
        return self.lines.read_text()

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        lib.end(self.process)
        self.lines.unlink()


class Peer(rtpengine.Rtpengine):
    """rtpengine at the far end, with as many calls."""

    def __init__(self, wire, calls):
        lib.ADDRESS, party = ends(wire)
        if wire.command:
            lib.free_port = lambda: 9500        # the namespace is ours alone
        pinned, lib.pinned = lib.pinned, lambda core, command: [*wire.command, *pinned(core, command)]
        try:
            super().__init__(30000, 39999, PartyMedia(party))
        finally:
            lib.pinned = pinned
        placed = [self.place(40000 + 4 * i, 40002 + 4 * i) for i in range(calls)]
        self.text = "".join(" ".join(f"{party}:{port} {to[0]}:{to[1]}" for port, to in call.ends) + "\n" for call in placed)


def softirq_seconds():
    """Of all cores, since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[7]) / 100


def ends(wire):
    """Addresses of the server and of the parties."""
    return (SERVER, PARTY) if wire.command else (wire.server, wire.party)


def turn(name, server, seconds, quiet=False):
    run = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", WARM_UP_S + seconds]),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdin.write(server.text)
    run.stdin.close()
    time.sleep(WARM_UP_S)
    cpu, softirq, began = lib.cpu_seconds(server.pid), softirq_seconds(), time.monotonic()
    time.sleep(seconds - 0.2)
    cpu, softirq, window = lib.cpu_seconds(server.pid) - cpu, softirq_seconds() - softirq, time.monotonic() - began
    out, errors = run.stdout.read(), run.stderr.read()
    if run.wait() != 0:
        raise SystemExit(f"rtpload: {errors}{out}")
    report = json.loads(out.strip().splitlines()[-1])
    faults = sum(report[fault] for fault in ("lost", "duplicated", "corrupted", "misrouted"))
    packets = report["received"] * window / (WARM_UP_S + seconds)
    us = {"cpu": 1e6 * cpu / packets, "softirq": 1e6 * softirq / packets}
    if not quiet:
        lib.say(f"{name:10} {report['received']:8} packets, {report['lost']} lost, process {us['cpu']:5.2f} us/packet, softirq of the machine "
                f"{us['softirq']:5.2f} us/packet, latency p50 {report['latency_us']['p50']:.0f} us")
    return {**us, "lost": report["lost"], "faults": faults, "received": report["received"], "p50": report["latency_us"]["p50"],
            "p99": report["latency_us"]["p99"], "p999": report["latency_us"]["p999"], "cpu_seconds": cpu}


def servers(wire):
    """One after the other has the interface: its name, and how to start it."""
    yield "xdp", lambda: Engine(wire, CALLS, "--xdp", INTERFACE)
    yield "sockets", lambda: Engine(wire, CALLS)
    yield "rtpengine", lambda: Peer(wire, CALLS)


def figures_of(results):
    figures = {}
    for name, turns in results.items():
        for what in ("cpu", "softirq"):
            figures[f"{name}_{what}_us_per_packet"] = round(lib.median([t[what] for t in turns]), 2)
        figures[f"{name}_latency_p50_us"] = lib.median([t["p50"] for t in turns])
        figures[f"{name}_packets"] = sum(t["received"] for t in turns)
        figures[f"{name}_lost"] = sum(t["lost"] for t in turns)
    figures["ratio_forward_xdp"] = round(figures["rtpengine_cpu_us_per_packet"] / figures["xdp_cpu_us_per_packet"], 2)
    return figures


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    turns, seconds = (1, 4) if options.quick else (5, 10)
    results = {}
    with wire_module().Wire() as wire:
        for _ in range(turns):
            for name, start in servers(wire):
                server = start()
                try:
                    results.setdefault(name, []).append(turn(name, server, seconds))
                finally:
                    server.stop()
    figures = {"calls": CALLS, "turns": turns, "seconds_counted_per_turn": seconds, **figures_of(results)}
    lib.finish(options, "xdp", figures, {"rtpengine": rtpengine.version()})
    return 1 if any(figures[f"{name}_lost"] for name in results) else 0


if __name__ == "__main__":
    sys.exit(main())
