#!/usr/bin/env python3
"""Forwarding over a veth pair: tandemd on AF_XDP and on sockets, and rtpengine in user space, with the same calls in turns.

The server is in a network namespace of its own, the load in another; the load sends and receives by AF_XDP, and what it receives is not
received in the server's time (wire_ends.py). The figures are, per packet forwarded and to the ns by the scheduler's count: CPU of the server
process, which is its own work and the kernel's for its system calls, sending included; and CPU of the far end's NAPI thread, which is what the
server's machine does to receive, as soft interrupts do with a card: the kernel's UDP and its wake-ups for sockets, a copy into shared memory
for AF_XDP. With both counted nothing is counted twice and nothing of the server's machine is left out but the clock. Of soft interrupts in
the process's own time, which are in its CPU, an upper bound by /proc/stat is given: those of its core, whoever was on it.

On veth AF_XDP copies, and a packet to it is made anew by the kernel; network cards spare both."""
import importlib.util
import json
import os
import subprocess
import sys
import time

import lib
import rtpengine
import wire_ends

CALLS, WARM_UP_S = 500, 6
PARTY_PORT = 22000        # below those that the kernel gives to anybody
XDP, KERNEL = ("port: xdp", "xdp_forward: off"), ("port: xdp", "xdp_forward: on")      # auto forwards over no veth
SERVER, PARTY, INTERFACE, NEAR, PORTS = "10.77.0.1", "10.77.0.2", "far0", "near0", ("port0", "port1")


def wire_module():
    spec = importlib.util.spec_from_file_location("wire", lib.ROOT / "tests" / "e2e" / "lib" / "wire.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ground():
    """A wire between two machines, with a switch in it."""
    module = wire_module()
    wire = module.Wire(switch=PORTS)
    try:
        module.sum_in_software()        # what the load sends by the kernel, before it knows the next hop
        wire.ends = wire_ends.Ends(wire, NEAR, INTERFACE, PORTS)
    except BaseException:
        wire.close()
        raise
    return wire


class Loopback:
    """Instead of the wire where no namespace may be made: both ends on one address."""
    command = ()
    ends = None
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


class Daemon:
    """tandemd at the far end, with calls that phones at the near end have made."""

    def __init__(self, wire, calls, *media, interface=None):
        """media: lines of that section of its file."""
        server, party = ends(wire)
        self.wire = wire
        self.node = lib.Node(media_ports="10000-19999", calls=2 * calls, trusting=False, address=server, command=wire.command,
                             media=media, interface=interface)
        try:
            self.phones = phones = lib.Calls(self.node.sip_port, PartyMedia(party), "1000", "bench-secret", "2000", node=server, address=party)
            for number in ("1000", "2000"):
                self.node.extension(number, "bench-secret")
            lib.register(self.node.sip_port, "2000", "bench-secret", phones.callee_port, phones.b, node=server, own_address=party)
            self.text = "".join(phones.place(PARTY_PORT + 4 * i, PARTY_PORT + 4 * i + 2).line() for i in range(calls))
        except BaseException:
            self.node.stop()
            raise

    @property
    def pid(self):
        return self.node.pid

    def stop(self):
        self.node.stop()


class Peer(rtpengine.Rtpengine):
    """rtpengine at the far end, with as many calls."""

    def __init__(self, wire, calls):
        self.wire = wire
        lib.ADDRESS, party = ends(wire)
        if wire.command:
            lib.free_port = lambda: 9500        # the namespace is ours alone
        pinned, lib.pinned = lib.pinned, lambda core, command: [*wire.command, *pinned(core, command)]
        try:
            super().__init__(30000, 39999, PartyMedia(party))
        finally:
            lib.pinned = pinned
        placed = [self.place(PARTY_PORT + 4 * i, PARTY_PORT + 4 * i + 2) for i in range(calls)]
        self.text = "".join(" ".join(f"{party}:{port} {to[0]}:{to[1]}" for port, to in call.ends) + "\n" for call in placed)


class Path:
    """The smallest server at the far end (reflect.c): what a packet waits for on the way alone."""
    program = ("reflect",)

    def __init__(self, wire, calls):
        self.wire = wire
        server, party = ends(wire)
        self.text = "".join(f"{party}:{PARTY_PORT + 4 * i} {server}:{30000 + 4 * i} {party}:{PARTY_PORT + 4 * i + 2} {server}:{30000 + 4 * i + 2}\n"
                            for i in range(calls))
        self.process = lib.spawn([*wire.command, *lib.pinned(lib.SERVER_CORE, [lib.BUILD / "bench" / self.program[0], *self.program[1:]])],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(self.text)
        self.process.stdin.close()
        if not self.process.stdout.readline().startswith("ready"):
            raise SystemExit(f"{self.program[0]} did not start")
        self.pid = self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()


class Mirror(Path):
    """A program in the far end's driver that sends packets back unread (mirror.c): the wire alone."""
    program = ("mirror", INTERFACE)

    def __init__(self, wire, calls):
        super().__init__(wire, calls)
        time.sleep(1)           # a link of veth that has just got another program loses some packets


class Clocks:
    """CPU seconds so far: of the server's process, of the far end's receiving, of soft interrupts on the server's core, of the load's."""

    def __init__(self, server, load):
        ends_ = server.wire.ends
        self.seconds = {"cpu": lib.cpu_seconds(server.pid), "receive": ends_.far.cpu_seconds() if ends_ else 0, "softirq": self.softirq_seconds(),
                        "load": lib.cpu_seconds(load.pid) + (ends_.load_cpu_seconds() if ends_ else 0)}
        self.at = time.monotonic()

    @staticmethod
    def softirq_seconds():
        with open("/proc/stat", encoding="ascii") as file:
            return next(int(line.split()[7]) / os.sysconf("SC_CLK_TCK") for line in file if line.startswith(f"cpu{lib.SERVER_CORE} "))

    def since(self, before):
        return {key: value - before.seconds[key] for key, value in self.seconds.items()}, self.at - before.at


def ends(wire):
    """Addresses of the server and of the parties."""
    return (SERVER, PARTY) if wire.command else (wire.server, wire.party)


def overflows(wire):
    """Packets that the far end could not send, by its interface's own count."""
    if not wire.command:
        return 0
    lines = subprocess.run([*wire.command, "cat", "/proc/net/dev"], check=True, capture_output=True, text=True).stdout.splitlines()
    return next(int(line.split(":")[1].split()[11]) for line in lines if line.strip().startswith(f"{INTERFACE}:"))


def turn(name, server, seconds, quiet=False, warm_up=WARM_UP_S, load=()):
    """load: what rtpload is told beside."""
    options = [*load, *(["--xdp", NEAR, "--tick-frames", 64] if server.wire.ends else [])]     # a port of the switch has room for 256
    run = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", warm_up + seconds, "--warm-up", warm_up,
                                          *options]),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdin.write(server.text)
    run.stdin.close()
    time.sleep(warm_up)
    before = Clocks(server, run)
    time.sleep(seconds - 0.2)
    spent, window = Clocks(server, run).since(before)
    out, errors = run.stdout.read(), run.stderr.read()
    if run.wait() != 0:
        raise SystemExit(f"rtpload: {errors}{out}")
    report = json.loads(out.strip().splitlines()[-1])
    faults = sum(report[fault] for fault in ("lost", "duplicated", "corrupted", "misrouted"))
    packets = report["received"] * window / (warm_up + seconds)
    result = {"cpu_share": spent["cpu"] / window, "cpu": 1e6 * spent["cpu"] / packets, "receive": 1e6 * spent["receive"] / packets, "softirq_share": spent["softirq"] / spent["cpu"] if spent["cpu"] else 0,
              "load_core": spent["load"] / window, "lost": report["lost"], "faults": faults, "received": report["received"],
              **{share: report["latency_us"][share] for share in ("p50", "p99", "p999")}, "cpu_seconds": spent["cpu"] + spent["receive"]}
    if not quiet:
        lib.say(f"{name:10} {report['received']:8} packets, {report['lost']} lost, process {result['cpu']:5.2f} us/packet, receiving "
                f"{result['receive']:5.2f} us/packet, latency p50 {result['p50']:.0f} us p99 {result['p99']:.0f} us, load "
                f"{100 * result['load_core']:.0f} % of its core")
    return result


def servers(wire):
    """One after the other has the interface: its name, and how to start it."""
    yield "xdp", lambda: Daemon(wire, CALLS, *XDP, interface=INTERFACE)
    yield "sockets", lambda: Daemon(wire, CALLS)
    yield "rtpengine", lambda: Peer(wire, CALLS)


def served_turn(name, start, seconds, warm_up):
    server = start()
    try:
        return turn(name, server, seconds, warm_up=warm_up)
    finally:
        server.stop()


def ratios_of_kernel(results, middle):
    """Packets per CPU second of the machine where our XDP program forwards, others = 1. All of it is receiving."""
    found = {}
    for name, figure in (("rtpengine", "ratio_kernel_vs_rtpengine_with_receiving"), ("xdp", "ratio_kernel_vs_xdp")):
        if results.get("kernel") and results.get(name) and all(turn["receive"] for turn in results["kernel"]):
            found[figure] = round(middle(name, "cpu", "receive") / middle("kernel", "cpu", "receive"), 2)
    if results.get("kernel") and results.get("mirror"):
        found["kernel_added_p50_ms"] = round((middle("kernel", "p50") - middle("mirror", "p50")) / 1000, 3)
    return found


def ratios(results):
    """Packets per CPU second, rtpengine's = 1: by the process alone, and with what its machine does to receive."""
    def middle(name, *keys):
        return lib.median([sum(turn[key] for key in keys) for turn in results[name]])

    found = ratios_of_kernel(results, middle)
    for name in ("sockets", "xdp"):
        if results.get(name) and results.get("rtpengine"):
            found[f"ratio_{name}_vs_rtpengine"] = round(middle("rtpengine", "cpu") / middle(name, "cpu"), 2)
            if all(turn["receive"] for turn in results[name]):
                found[f"ratio_{name}_vs_rtpengine_with_softirq"] = round(
                    middle("rtpengine", "cpu", "receive") / middle(name, "cpu", "receive"), 2)
    return found


def figures_of(results):
    figures = {}
    for name, turns in results.items():
        for key, unit in (("cpu", "us_per_packet"), ("receive", "receive_us_per_packet"), ("softirq_share", "softirq_share_at_most"),
                          ("load_core", "load_core_share"), ("p50", "latency_p50_us"), ("p99", "latency_p99_us"), ("p999", "latency_p999_us")):
            figures[f"{name}_{unit}"] = round(lib.median([t[key] for t in turns]), 2)
    return {**figures, **ratios(results)}


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    turns, seconds, warm_up = (1, 2, 2) if options.quick else (5, 10, WARM_UP_S)
    results = {}
    with ground() as wire:
        warm = {name: served_turn(f"({name})", start, 1, warm_up) for name, start in servers(wire)}     # its losses count, its cost does not
        for _ in range(turns):
            for name, start in servers(wire):
                results.setdefault(name, []).append(served_turn(name, start, seconds, warm_up))
    figures = {"calls": CALLS, "turns": turns, "seconds_counted_per_turn": seconds, **figures_of(results)}
    figures |= {f"{name}_{key}": sum(t[of] for t in [warm[name], *list_]) for name, list_ in results.items()
                for key, of in (("packets", "received"), ("lost", "faults"))}
    lib.finish(options, "xdp", figures, rtpengine.peers())
    return 1 if any(figures[f"{name}_lost"] for name in results) else 0


if __name__ == "__main__":
    sys.exit(main())
