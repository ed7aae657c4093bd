#!/usr/bin/env python3
"""The whole media path in one command: against rtpengine over a wire, and alone where no wire and no kernel is in the way.

wire     500 calls over a veth pair: tandemd on AF_XDP, with and without packets that the kernel forwards, and on sockets, and rtpengine
         in user space. CPU of the server process, and of receiving on its machine beside it (xdp.py). Without the right to make namespaces:
         over loopback, without AF_XDP. And the same, but sockets, with 1,000 calls.
share    what part of their packets the kernel forwards for 500 calls with digits, holds and RTCP (xdp_share.py)
restart  1,000 calls whose packets the kernel forwards, while the node is killed and started again (xdp_restart.py); where it is asked for
latency  what a packet waits for, p99.9, at half the load that would fill rtpengine's core, its receiving included; tandemd on sockets
wait     both ends of the trade: CPU and delay of tandemd on sockets at that load, by media.batch_wait_us
ring     all stages on DPDK's net_ring, whose frames come back, against dpdk-testpmd swapping MAC addresses on the same device; the same
         with SRTP on one side of each call; with two workers. By the CPU time of the forwarding threads, so that a shared core
         does not count against anybody.
flows    the stages alone on port_sim: cost of a packet with 100,000 flows against 100, all of them in turn
slots    the XDP program that forwards, in the kernel's test runs: cost of a packet with 10,000 flows against 100, all of them in turn (slots.c)
srtp     AES_CM_128_HMAC_SHA1_80 and AEAD_AES_128_GCM in batches of 64, against the transforms of ipsec-mb alone with 1, 100 and 8,192
         streams, and against libsrtp2 with one: with thousands that one looks for the stream, packet by packet

All rows take turns, round after round; the figures are medians. Who lost a packet, also before it was counted, has no rate: the ratios that need him are left
out, he is named, and the bench fails. What cannot run here is named with its reason, and the rest runs."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

import lib
import media_report
import rtpengine
import xdp
import xdp_restart
import xdp_share

FRAMES = 1024
FRAME = 214      # G.711 of 20 ms over IPv4, without the check sequence
FLOWS = 100
PACKETS_PER_CALL = 100      # a second, both ways
CORE_IS_FREE = 0.95         # of its time was ours


class NotRun(Exception):
    """Why a row, or a contestant of one, cannot run here."""


def run(*command):
    core = () if "--workers" in command else (lib.SERVER_CORE,)     # several choose theirs
    words = [lib.BUILD / "bench" / command[0], *command[1:]]
    child = lib.spawn(lib.pinned(*core, words) if core else words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, errors = child.communicate()
    if child.returncode != 0:
        raise NotRun(f"{command[0]} ended with {child.returncode}: {(errors + out).strip()[-300:]}")
    return json.loads(out.strip().splitlines()[-1])


def middle(turns, key):
    return lib.median([turn[key] for turn in turns])


class Row:
    """Turns of several contestants, and the figures that follow from them."""
    name = ""

    def __init__(self):
        self.turns = {}         # contestant -> [turn]
        self.not_run = {}       # contestant -> why
        self.warm = {}          # contestant -> [turn] whose losses count, and nothing else of them
        self.cpu_seconds = 0.0

    def contestants(self):
        """(name, function that runs its turn of so many seconds) in order."""
        raise NotImplementedError

    def round(self, seconds):
        for name, turn in self.contestants():
            if name in self.not_run:
                continue
            try:
                self.turns.setdefault(name, []).append(turn(seconds))
            except NotRun as why:
                self.turns.pop(name, None)
                self.not_run[name] = str(why)
                lib.say(f"{self.name:8} {name}: not run: {why}")
                continue
            last = self.turns[name][-1]
            self.cpu_seconds += last.get("cpu_seconds", 0)
            lib.say(f"{self.name:8} {name:10} {self.line(last)}; {last['packets']} packets, {last['lost']} lost")

    def warm_up(self, seconds):
        """A turn of each whose cost is not counted: what is started for the first time pays for more than a second start. Its losses count."""
        for name, turn in self.contestants():
            if name not in self.not_run:
                with contextlib.suppress(NotRun):       # the first round tells why
                    last = turn(seconds)
                    self.warm.setdefault(name, []).append(last)
                    lib.say(f"{self.name:8} {name:10} warm-up: {self.line(last)}; {last['packets']} packets, {last['lost']} lost")

    def has(self, *names):
        return all(self.turns.get(name) for name in names)

    def packets(self):
        return sum(turn["packets"] for turns in self.turns.values() for turn in turns)

    def lost(self):
        return sum(self.lost_by(name) for name in {*self.warm, *self.turns})

    def lost_by(self, name):
        return sum(turn["lost"] for turns in (self.warm, self.turns) for turn in turns.get(name, []))

    def lossy(self):
        """Who lost a packet, as media_report.py names contestants."""
        return {f"{self.name} {name}" for name in (*self.warm, *self.turns) if self.lost_by(name)}

    def line(self, turn):
        return f"{turn['ns']:.1f} ns/packet"

    def figures(self):
        raise NotImplementedError


class WireRow(Row):
    name = "wire"
    calls = xdp.CALLS

    def __init__(self, ground):
        super().__init__()
        self.ground = ground
        if not ground.command:
            self.not_run |= dict.fromkeys(("kernel", "xdp", "mirror"), "needs a veth pair between namespaces: CAP_SYS_ADMIN and CAP_NET_ADMIN")

    def servers(self):
        yield "kernel", lambda: xdp.Daemon(self.ground, self.calls, *xdp.KERNEL, interface=xdp.INTERFACE)
        yield "xdp", lambda: xdp.Daemon(self.ground, self.calls, *xdp.XDP, interface=xdp.INTERFACE)
        yield "sockets", lambda: xdp.Daemon(self.ground, self.calls)
        yield "rtpengine", lambda: rtpengine_open(self.ground, self.calls)
        yield "mirror", lambda: xdp.Mirror(self.ground, self.calls)

    def contestants(self):
        for name, start in self.servers():
            yield name, lambda seconds, name=name, start=start: wire_turn(name, seconds, start)

    def line(self, turn):
        return (f"{turn['cpu']:.2f} us/packet of the process, {turn['receive']:.2f} of receiving, "
                f"latency p50 {turn['p50']:.0f} us p99.9 {turn['p999']:.0f} us, load {100 * turn['load_core']:.0f} % of its core, "
                f"{turn['wire_lost']} lost by the wire")

    def figures(self):
        return {**xdp.figures_of(self.turns),
                **{f"{name}_wire_lost": sum(turn["wire_lost"] for turn in turns) for name, turns in self.turns.items()}}


class FullWireRow(WireRow):
    """Twice as many packets, as many as a core can load by sockets."""
    name = "wire_100k"
    calls = 2 * xdp.CALLS

    def servers(self):
        return ((name, start) for name, start in super().servers() if name != "sockets")

    def figures(self):
        return {f"{key}_100k": value for key, value in super().figures().items()}


class ShareRow(Row):
    name = "share"

    def __init__(self, ground):
        super().__init__()
        self.ground = ground
        if not ground.command:
            self.not_run["kernel"] = "needs a veth pair between namespaces: CAP_SYS_ADMIN and CAP_NET_ADMIN"

    def contestants(self):
        yield "kernel", lambda seconds: xdp_share.share_turn(self.ground, 4 * seconds)

    def line(self, turn):
        return (f"{100 * turn['share']:.2f} % forwarded by the kernel beside {turn['digits']} digits, {turn['holds']} holds, {turn['reports']} reports; "
                f"of {turn['packets']} packets {turn['relayed']} by the worker, {turn['made']} made; {turn['not_heard']} not heard, of who was held")

    def figures(self):
        return {"kernel_share": round(middle(self.turns["kernel"], "share"), 4)} if self.has("kernel") else {}


class RestartRow(Row):
    name = "restart"

    def __init__(self, ground, kills):
        super().__init__()
        self.ground, self.kills = ground, kills
        if not ground.command:
            self.not_run["kernel"] = "needs a veth pair between namespaces: CAP_SYS_ADMIN and CAP_NET_ADMIN"

    def contestants(self):
        yield "kernel", lambda seconds: xdp_restart.restart_turn(self.ground, self.kills)

    def line(self, turn):
        return (f"{turn['kills']} kills, longest gap {turn['gap_ms']} ms, of which the load was late by {turn['late_ms']:.1f}, "
                f"{turn['cdr_missing']} packets not in a CDR, {turn['rings']} that a ring had no room for")

    def figures(self):
        if not self.has("kernel"):
            return {}
        turns = self.turns["kernel"]
        return {"restarts": sum(turn["kills"] for turn in turns), "restart_gap_ms": max(turn["gap_ms"] for turn in turns),
                "restart_load_late_ms": max(turn["late_ms"] for turn in turns), "restart_rings_full": sum(turn["rings"] for turn in turns),
                "restart_packets_lost": sum(turn["packets_lost"] for turn in turns), "restart_cdr_missing": sum(turn["cdr_missing"] for turn in turns)}


def rtpengine_open(ground, calls):
    if not shutil.which("rtpengine"):
        raise NotRun("rtpengine is missing: the package rtpengine-daemon")
    return xdp.Peer(ground, calls)


WARM_UP_S = xdp.WARM_UP_S       # --quick has less: sources are then not yet as stable as they may be
WIRE_LOSS_MOST = 0.001          # of a turn's packets, that the wire may lose behind a server


def lost_by_wire(faults, overflows, received):
    """What is no loss of the server's: all that is missing found a ring full behind it, and that is little."""
    return overflows if overflows == faults and overflows <= WIRE_LOSS_MOST * received else 0


def wire_turn(name, seconds, start, again=1):
    """A program that sends packets back has a ring of 256 before it, and no queue behind that: where either end stood still for three
    milliseconds, packets that were forwarded are lost, and the interface counts them. A turn whose losses are exactly these is taken again.
    Where the machine does so all the time, they are stated (wire_lost), and are not those of who forwards."""
    try:
        server = start()
    except SystemExit as why:
        raise NotRun(str(why).strip()[-300:]) from why
    before = xdp.overflows(server.wire)
    try:
        turn = xdp.turn(name, server, seconds, quiet=True, warm_up=WARM_UP_S)
    finally:
        server.stop()
    overflows = xdp.overflows(server.wire) - before
    if again and overflows and overflows == turn["faults"]:
        lib.say(f"# {name}: {overflows} packets found the ring of the far end's veth full: once more")
        return wire_turn(name, seconds, start, again - 1)
    by_wire = lost_by_wire(turn["faults"], overflows, turn["received"])
    return {**turn, "packets": turn["received"], "lost": turn["faults"] - by_wire, "wire_lost": by_wire}


class LatencyRow(Row):
    name = "latency"

    def __init__(self, ground, wire):
        super().__init__()
        self.ground, self.wire, self.calls = ground, wire, None

    def half_load(self):
        """Calls that take half of a core of rtpengine's, its machine's receiving included, by its cost in the row before."""
        if self.calls is None:
            if not self.wire.has("rtpengine"):
                raise NotRun("the wire row has no rtpengine to tell half of its saturation")
            first = self.wire.turns["rtpengine"][0]
            if first["lost"]:
                raise NotRun("rtpengine lost packets in the wire row, so its saturation is not known")
            self.calls = int(0.5e6 / (first["cpu"] + first["receive"]) / PACKETS_PER_CALL)
        return self.calls

    def contestants(self):
        yield "sockets", lambda seconds: wire_turn("sockets", seconds, lambda: xdp.Daemon(self.ground, self.half_load()))
        yield "rtpengine", lambda seconds: wire_turn("rtpengine", seconds, lambda: rtpengine_open(self.ground, self.half_load()))
        yield "path", lambda seconds: wire_turn("path", seconds, lambda: xdp.Path(self.ground, self.half_load()))

    def line(self, turn):
        return f"{self.calls} calls, p50 {turn['p50']:.0f} us, p99 {turn['p99']:.0f} us, p99.9 {turn['p999']:.0f} us, {turn['cpu']:.2f} us/packet"

    def figures(self):
        figures = {"latency_calls": self.calls}
        for name, turns in self.turns.items():
            if name == "path":
                figures |= {f"path_{key}_us": round(middle(turns, key)) for key in ("p50", "p99", "p999")}
                continue
            for key in ("p50", "p99", "p999"):
                figures[f"{name}_half_load_{key}_us"] = round(middle(turns, key))
            figures[f"{name}_half_load_us_per_packet"] = round(middle(turns, "cpu"), 2)
        if self.has("sockets", "rtpengine"):
            figures["ratio_latency_p999_vs_rtpengine"] = round(
                middle(self.turns["sockets"], "p999") / middle(self.turns["rtpengine"], "p999"), 2)
        return figures | self.added_figures()

    def added_figures(self):
        """What a server adds to the way there is: the difference of two quantiles. Where the way alone varies much, that of p99.9 says little."""
        if not self.has("path"):
            return {}
        return {f"{name}_added_{key}_us": round(middle(self.turns[name], key) - middle(self.turns["path"], key))
                for name in ("sockets", "rtpengine") if self.has(name) for key in ("p50", "p999")}


class WaitRow(LatencyRow):
    """Its load; not in the default rounds' ratios, for a table."""
    name = "wait"
    WAITS_US = (250, 500, 1000, 2000, 4000)

    def contestants(self):
        yield "path", lambda seconds: wire_turn("path", seconds, lambda: xdp.Path(self.ground, self.half_load()))
        for us in self.WAITS_US:
            yield str(us), lambda seconds, us=us: wire_turn(
                str(us), seconds, lambda: xdp.Daemon(self.ground, self.half_load(), f"batch_wait_us: {us}"))

    def figures(self):
        figures = {"wait_calls": self.calls}
        for us, turns in self.turns.items():
            if us == "path":
                figures |= {f"wait_path_{key}_us": round(middle(turns, key)) for key in ("p50", "p99", "p999")}
                continue
            figures |= {f"wait_{us}_{key}": round(middle(turns, of), 2) for key, of in
                        (("us_per_packet", "cpu"), ("receive_us_per_packet", "receive"), ("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p999"))}
        return figures


def forwarding_thread(pid):
    """CPU seconds of testpmd's thread that forwards; the others only wait."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(("lcore-worker", "lcore-slave", "rte-worker")):
            return int((task / "schedstat").read_text().split()[0]) / 1e9
    return 0.0


def testpmd(seconds):
    """Packets by CPU time of the thread that forwards."""
    if not shutil.which("dpdk-testpmd"):
        raise NotRun("dpdk-testpmd is missing: the package dpdk-dev")
    command = ["dpdk-testpmd", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "128",
               "--lcores", f"0@{lib.LOAD_CORE},1@{lib.SERVER_CORE}" if lib.cores() > 1 else "0@0,1@0", "--vdev=net_ring0", "--",
               "--forward-mode=macswap", "--total-num-mbufs=8192", "--tx-first", "--burst=64", f"--txd={FRAMES}", f"--rxd={FRAMES}",
               "--nb-cores=1", "--no-lsc-interrupt", f"--txpkts={FRAME}", "--stats-period=1"]
    child = lib.spawn(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      env={**os.environ, "LC_ALL": "C"})
    time.sleep(seconds + 2)
    cpu = forwarding_thread(child.pid)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    total = re.search(r"RX-packets: (\d+)\s+RX-dropped: (\d+)", out)
    if not total or not cpu:
        raise NotRun(f"dpdk-testpmd: {out[-300:]}")
    return {"ns": 1e9 * cpu / int(total[1]), "packets": int(total[1]), "lost": int(total[2]), "cpu_seconds": cpu}


def ring(seconds, *options):
    turn = run("ring", "--flows", str(FLOWS), "--seconds", str(seconds), *options)
    return {**turn, "ns": turn["ns_per_packet"], "cpu_seconds": turn["packets"] * turn["ns_per_packet"] / 1e9}


class RingRow(Row):
    name = "ring"

    def __init__(self, wire, srtp):
        super().__init__()
        self.wire, self.srtp = wire, srtp
        if lib.cores() < 2:
            self.not_run["two"] = "needs two cores"

    def contestants(self):
        yield "plain", ring
        yield "testpmd", testpmd
        yield "srtp_relay", lambda seconds: ring(seconds, "--srtp-relay")
        yield "srtp_relay_gcm", lambda seconds: ring(seconds, "--srtp-relay", "--suite", "AEAD_AES_128_GCM")
        yield "two", lambda seconds: ring(seconds, "--workers", "2")

    def figures(self):
        figures = {f"{'testpmd' if name == 'testpmd' else 'ring_' + name}_ns_per_packet": round(middle(turns, "ns"), 1)
                   for name, turns in self.turns.items()}
        if self.has("plain", "testpmd"):
            figures["ratio_ring_vs_testpmd"] = round(middle(self.turns["testpmd"], "ns") / middle(self.turns["plain"], "ns"), 3)
        if self.has("plain") and self.wire.has("rtpengine") and not any(turn["lost"] for turn in self.wire.turns["rtpengine"]):
            figures["ratio_ring_vs_rtpengine"] = round(1e3 * middle(self.wire.turns["rtpengine"], "cpu") / middle(self.turns["plain"], "ns"), 1)
        for name in ("srtp_relay", "srtp_relay_gcm"):
            if self.has("plain", name):
                relay, plain = middle(self.turns[name], "ns"), middle(self.turns["plain"], "ns")
                figures[f"ratio_{name}_vs_plain"] = round(relay / plain, 2)
                transform = self.srtp.transform_ns("gcm_" if name.endswith("gcm") else "")
                if transform:
                    figures[f"ratio_{name}_vs_floor"] = round(relay / (plain + transform), 2)
        if self.has("plain", "two"):
            figures |= self.two_figures()
        return figures

    def two_figures(self):
        """By the wall clock where each thread had its core; else by the cost of a packet, which shows what they cost each other, and no more."""
        one, two = self.turns["plain"], self.turns["two"]
        free = min(turn["core_share"] for turn in one + two) >= CORE_IS_FREE
        return {"two_workers_cores_free": free,
                "ratio_two_workers": round(middle(two, "packets_per_s") / middle(one, "packets_per_s") if free
                                           else 2 * middle(one, "ns") / middle(two, "ns"), 2)}


class SlotsRow(Row):
    name = "slots"

    def contestants(self):
        yield "both", self.slots

    @staticmethod
    def slots(seconds):
        turn = run("slots", str(100000 * seconds), "100", "10000")
        return {**turn, "lost": 0, "cpu_seconds": turn["packets"] * (turn["few_ns"] + turn["many_ns"]) / 2e9}

    def line(self, turn):
        return f"{turn['few_ns']} ns/packet with 100 slots, {turn['many_ns']} with 10,000"

    def figures(self):
        if not self.has("both"):
            return {}
        few, many = middle(self.turns["both"], "few_ns"), middle(self.turns["both"], "many_ns")
        ratio = lib.median([turn["many_ns"] / turn["few_ns"] for turn in self.turns["both"]])    # each turn has both, in turn; from turn to turn the machine differs more
        return {"kernel_100_slots_ns_per_packet": few, "kernel_10k_slots_ns_per_packet": many, "ratio_10k_slots_vs_100": round(ratio, 2)}


class FlowsRow(Row):
    name = "flows"

    def contestants(self):
        yield "few", lambda seconds: self.sim("50", 10000 * seconds)
        yield "many", lambda seconds: self.sim("50000", 10 * seconds)

    @staticmethod
    def sim(calls, rounds):
        turn = run("relay", "--sim", "--calls", calls, "--rounds", str(rounds))
        return {**turn, "ns": turn["ns_per_packet"], "cpu_seconds": turn["packets"] * turn["ns_per_packet"] / 1e9}

    def figures(self):
        if not self.has("few", "many"):
            return {}
        few, many = middle(self.turns["few"], "ns"), middle(self.turns["many"], "ns")
        return {"flows_100_ns_per_packet": few, "flows_100k_ns_per_packet": many, "ratio_100k_flows_vs_100": round(many / few, 2)}


class SrtpRow(Row):
    name = "srtp"
    WHO = {"": "tandem", "portable_": "portable", "libsrtp2_": "libsrtp2", "ipsec_mb_": "ipsec_mb"}
    SUITES = {"": "AES_CM_128_HMAC_SHA1_80", "gcm_": "AEAD_AES_128_GCM"}
    STREAMS = (1, FLOWS, 8192)

    def contestants(self):
        for short, suite in self.SUITES.items():
            for streams in self.STREAMS:
                yield f"{short}{streams}", lambda seconds, suite=suite, streams=streams: self.turn(suite, streams, seconds)

    def turn(self, suite, streams, seconds):
        r = run("srtp", "--suite", suite, "--streams", str(streams), "--turns", "5", "--ms", str(10 * seconds))
        cost = {who: r[f"{key}protect_ns"] + r[f"{key}unprotect_ns"] for key, who in self.WHO.items() if f"{key}protect_ns" in r}
        packets = sum(r[f"{key}packets"] for key in self.WHO if f"{key}packets" in r)
        return {**cost, "packets": packets, "lost": sum(r[f"{key}lost"] for key in self.WHO if f"{key}lost" in r),
                "cpu_seconds": 4 * 5 * seconds / 100}

    def line(self, turn):
        return "ns to protect and unprotect a packet: " + ", ".join(
            f"{who} {turn[who]:.0f}" for who in self.WHO.values() if who in turn)

    def transform_ns(self, short):
        """The bare transform of one packet with as many streams as the ring has flows; None: this build or CPU has no ipsec-mb."""
        turns = self.turns.get(f"{short}{FLOWS}", [])
        return middle(turns, "ipsec_mb") / 2 if turns and "ipsec_mb" in turns[0] else None

    def figures(self):
        figures = {}
        for name, turns in self.turns.items():
            cost = {who: middle(turns, who) for who in self.WHO.values() if who in turns[0]}
            short, streams = ("gcm_", name.removeprefix("gcm_")) if name.startswith("gcm_") else ("", name)
            figures |= {f"srtp_{short}{who}_ns_{streams}": round(ns, 1) for who, ns in cost.items() if who != "libsrtp2" or streams == "1"}
            if streams == "1" and "libsrtp2" in cost:
                figures[f"ratio_srtp_{short}vs_libsrtp2"] = round(cost["libsrtp2"] / cost["tandem"], 1)
            if "ipsec_mb" in cost:
                figures[f"ratio_srtp_{short}vs_ipsec_mb_{streams}"] = round(cost["tandem"] / cost["ipsec_mb"], 2)
        for short in self.SUITES:
            worst = [value for key, value in figures.items() if key.startswith(f"ratio_srtp_{short}vs_ipsec_mb_")]
            if worst:
                figures[f"ratio_srtp_{short}vs_ipsec_mb"] = max(worst)
            else:
                self.not_run[f"{short}ipsec_mb"] = "this build or CPU has no ipsec-mb"
        return figures


def ground_open(wanted):
    """The wire, or loopback where the rights for it are missing."""
    if not wanted:
        return xdp.Loopback()
    try:
        return xdp.ground()
    except (unittest.SkipTest, AssertionError, OSError) as why:
        lib.say(f"wire     no namespaces, so over loopback and without AF_XDP: {why}")
        return xdp.Loopback()


def rounds(rows, turns, seconds):
    for number in range(turns):
        lib.say(f"# round {number + 1} of {turns}")
        for row in rows:
            row.round(seconds)


def collect(rows):
    """All figures; a ratio only where neither side of it lost a packet."""
    figures = {"packets": sum(row.packets() for row in rows), "lost": sum(row.lost() for row in rows),
               "cpu_seconds": round(sum(row.cpu_seconds for row in rows), 1)}
    lossy = set().union(*(row.lossy() for row in rows))
    for row in rows:
        if row.turns:
            figures |= {key: value for key, value in row.figures().items() if not media_report.is_void(key, lossy, row.lossy())}
        figures |= {f"{row.name}_{name}_{key}": sum(turn[key] for turn in turns)
                    for name, turns in row.turns.items() for key in ("packets", "lost")}
    figures |= {"rows_with_loss": sorted({who.split()[0] for who in lossy}), "lost_by": sorted(lossy)}
    figures["not_run"] = {f"{row.name} {name}": why for row in rows for name, why in row.not_run.items()}
    return figures


def main():
    global WARM_UP_S
    names = ("wire", "share", "latency", "ring", "flows", "slots", "srtp")        # wait and restart where they are asked for: they take long
    options = lib.arguments(__doc__.splitlines()[0], rows=[*names, "wait", "restart"])
    turns, seconds = (1, 1) if options.quick else (5, 5)
    if options.quick:
        WARM_UP_S = 1
    wanted = set(options.row or names)
    if wanted & {"latency", "wait"}:
        wanted.add("wire")      # which tells the load
    peers = {**rtpengine.peers(), "dpdk": lib.package_version("dpdk-dev"),
             "libsrtp2": lib.package_version("libsrtp2-1"), "ipsec-mb": lib.package_version("libipsec-mb1")}
    began = time.monotonic()
    with ground_open(bool(wanted & {"wire", "share", "restart"})) as ground:
        wire, srtp = WireRow(ground), SrtpRow()
        if "wire" in (options.row or names):
            wanted.add(FullWireRow.name)
        rows = [row for row in (wire, FullWireRow(ground), ShareRow(ground), RestartRow(ground, 2 if options.quick else 10), LatencyRow(ground, wire), WaitRow(ground, wire), RingRow(wire, srtp), FlowsRow(), SlotsRow(), srtp) if row.name in wanted]
        if "wire" in wanted and not options.quick:
            for row in rows:
                if isinstance(row, WireRow):
                    row.warm_up(1)
        rounds(rows, turns, seconds)
    figures = {"turns": turns, "seconds_counted_per_turn": seconds, "seconds": round(time.monotonic() - began), **collect(rows)}
    media_report.write(options.json, figures, peers)
    lib.finish(options, "media", figures, peers)
    return 1 if figures["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
