#!/usr/bin/env python3
"""What it costs to record every call, and whether the files have all that was said.

The media path without signalling (bench/engine/relay.c) forwards G.711 over loopback, pinned to one core with the load on the other. Turns
without recordings, with WAV and with pcapng files, and those of rtpengine with and without its own recording, come one after the other.
Each call is recorded: both directions of one leg. Each payload carries its stream and number and a pattern, and is looked for in the
file, octet by octet and in order.

Row `siprec` has both directions copied to an external recorder instead, plain and as SRTP: a socket that nobody reads.

Rows `stall` and `full` write to a file system of their own on a loop device: one stands still for 2 s (fsfreeze), one is too small. They
need root."""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import lib
import record_files
import rtpengine

WARM_UP_S, EDGE_S = 3, 0.2
PORT = 16000             # and the parties, 12,000 above: below the ports that the kernel gives to others
PARTIES = PORT + 12000
GOALS = {"ratio_tap_on": 0.9, "cpu_ms_per_call_s": 0.12}
FAULTS = ("lost", "duplicated", "corrupted", "misrouted", "silent_streams")


def thread_cpu(pid, name):
    """On-CPU seconds of the threads whose name begins so."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().startswith(name):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


class Relay:
    """One process of bench/relay, with recordings where a folder is given."""

    def __init__(self, calls, folder=None, pcapng=False, mib=256, flags=()):
        self.calls, self.dir = calls, pathlib.Path(tempfile.mkdtemp(prefix="record-bench-"))
        lines = self.dir / "lines"
        command = [lib.BUILD / "bench" / "relay", "--calls", calls, "--port", PORT, "--lines", lines, "--local", lib.ADDRESS, "--party", lib.ADDRESS]
        command += ["--record", folder, "--record-mib", mib] + (["--pcapng"] if pcapng else []) if folder else []
        command += flags
        self.process = lib.spawn(lib.pinned(lib.SERVER_CORE, command), stdout=subprocess.PIPE, stderr=open(self.dir / "log", "wb"), text=True)
        lib.wait_for("bench/relay to open its calls", 30, lambda: lines.exists() and lines.read_text().count("\n") == calls)
        self.lines = lines.read_text()

    def cpu(self):
        pid = self.process.pid
        return {"all": lib.cpu_seconds(pid), "worker": thread_cpu(pid, "media-"), "sender": thread_cpu(pid, "siprec")}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=90)
        shutil.rmtree(self.dir, ignore_errors=True)
        return json.loads(out)


class Peer:
    """The same calls by rtpengine."""

    def __init__(self, calls, folder=None):
        flags = ["record-call"] if folder else []
        self.server = rtpengine.Rtpengine(PORT, PORT + 4 * calls + 100, flags=flags, more=[f"--recording-dir={folder}"] if folder else [])
        self.process = self.server.process
        placed = [self.server.place(PARTIES + 4 * i, PARTIES + 4 * i + 2) for i in range(calls)]
        self.lines = "".join(call.line() for call in placed)

    def cpu(self):
        return {"all": lib.cpu_seconds(self.server.pid), "worker": lib.cpu_seconds(self.server.pid)}

    def stop(self):
        self.server.hang_up()
        self.server.stop()
        return {}


def load(server, seconds, meanwhile=None):
    """The report of the generator, with the CPU of the seconds behind the warm-up."""
    whole = WARM_UP_S + seconds
    run = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", whole, "--warm-up", WARM_UP_S]),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdin.write(server.lines)
    run.stdin.close()
    time.sleep(WARM_UP_S)
    before, began = server.cpu(), time.monotonic()
    if meanwhile:
        meanwhile()
    time.sleep(max(0, seconds - EDGE_S - (time.monotonic() - began)))
    after, window = server.cpu(), time.monotonic() - began
    out, errors = run.stdout.read(), run.stderr.read()
    if run.wait() != 0:
        raise SystemExit(f"rtpload: {errors}{out}")
    report = json.loads(out.strip().splitlines()[-1])
    counted = max(report["received"] * window / whole, 1)
    return {**report, "window": window, "us": 1e6 * (after["all"] - before["all"]) / counted,
            "worker_us": 1e6 * (after["worker"] - before["worker"]) / counted, "cpu_s": after["all"] - before["all"]}


def turn(name, make, calls, seconds, folder=None, check=None):
    server = make(calls, folder)
    try:
        report = load(server, seconds)
    finally:
        ended = server.stop()
    report |= ended | (check(folder, calls, report["sent"] // (2 * calls)) if check else {})
    missing = f", files missing {report['files_missing']}, payloads missing {report['payloads_missing']}" if check else ""
    lib.say(f"{name:16} {report['received']:8} packets, {report['lost']} lost, {report['us']:6.2f} us a packet, the worker "
            f"{report['worker_us']:6.2f}{missing}")
    return report


def in_folder(base, name, make, calls, seconds, check):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="record-", dir=base))
    try:
        return turn(name, make, calls, seconds, str(folder), check)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- row calls ----

def kinds(base):
    def wav(calls, seconds):
        return in_folder(base, "tandem, WAV", Relay, calls, seconds, record_files.check_wav)

    def pcapng(calls, seconds):
        return in_folder(base, "tandem, pcapng", lambda n, folder: Relay(n, folder, True), calls, seconds, record_files.check_pcapng)

    def peer(calls, seconds):
        return in_folder(base, "rtpengine, pcap", Peer, calls, seconds, record_files.check_peer)

    return {"off": lambda calls, seconds: turn("tandem", Relay, calls, seconds), "wav": wav, "pcapng": pcapng,
            "peer_off": lambda calls, seconds: turn("rtpengine", Peer, calls, seconds), "peer": peer}


def row_calls(base, options):
    calls, turns, seconds = (100, 1, 3) if options.quick else (500, 5, 10)
    results = {name: [] for name in kinds(base)}
    for _ in range(turns):
        for name, run in kinds(base).items():
            results[name].append(run(calls, seconds))
    middle = lambda name, key: lib.median([t[key] for t in results[name]])
    per_call = lambda name: lib.median([1000 * t["cpu_s"] / t["window"] / calls for t in results[name]])
    figures = {"calls": calls, "turns": turns, "seconds": seconds, "us_per_packet": round(middle("off", "us"), 2)}
    for name, suffix in (("wav", ""), ("pcapng", "_pcapng")):
        figures |= {
            f"ratio_tap_on{suffix}": round(middle("off", "worker_us") / middle(name, "worker_us"), 3),
            f"cpu_ms_per_call_s{suffix}": round(per_call(name) - per_call("off"), 4),
            f"us_per_packet{suffix or '_wav'}": round(middle(name, "us"), 2),
            f"ratio_vs_rtpengine_recording{suffix}": round(middle("peer", "us") / middle(name, "us"), 2),
            f"files{suffix}": sum(t["files"] for t in results[name]),
            f"files_missing{suffix}": sum(t["files_missing"] for t in results[name]),
            f"payloads{suffix}": sum(t["payloads"] for t in results[name]),
            f"payloads_missing{suffix}": sum(t["payloads_missing"] for t in results[name])}
    figures |= {"rtpengine_us_per_packet": round(middle("peer_off", "us"), 2), "rtpengine_us_per_packet_recording": round(middle("peer", "us"), 2),
                "rtpengine_cpu_ms_per_call_s": round(per_call("peer") - per_call("peer_off"), 4),
                "rtpengine_files": sum(t["files"] for t in results["peer"]),
                "rtpengine_payloads_missing": sum(t["payloads_missing"] for t in results["peer"])}
    for fault in FAULTS:
        figures[fault] = sum(t[fault] for name in ("off", "wav", "pcapng") for t in results[name])
        figures[f"rtpengine_{fault}"] = sum(t[fault] for name in ("peer_off", "peer") for t in results[name])
    return figures


# ---- row siprec ----

def row_siprec(base, options):
    """What an external recorder costs: CPU of a call, and its share of the thread that sends."""
    calls, turns, seconds = (100, 1, 3) if options.quick else (500, 5, 10)
    ways = {"off": (), "siprec": ("--fork",), "siprec_srtp": ("--fork-srtp",)}
    results = {name: [] for name in ways}
    for _ in range(turns):
        for name, flags in ways.items():
            results[name].append(turn(f"tandem, {name}", lambda n, _, flags=flags: Relay(n, flags=flags), calls, seconds))
    per_call = lambda name: lib.median([1000 * t["cpu_s"] / t["window"] / calls for t in results[name]])
    figures = {"siprec_calls": calls, "siprec_turns": turns, "siprec_seconds": seconds}
    for name in list(ways)[1:]:
        worker = [lib.median([t["worker_us"] for t in results[way]]) for way in ("off", name)]
        figures |= {f"ratio_tap_on_{name}": round(worker[0] / worker[1], 3),
                    f"cpu_ms_per_call_s_{name}": round(per_call(name) - per_call("off"), 4),
                    f"{name}_forked": sum(t["forked"] for t in results[name]),
                    f"lost_{name}": sum(t["fork_lost"] + t["packets_in"] - t["forked"] for t in results[name])}
    return figures


# ---- row rate ----

WAYS = ("off", "wav", "pcapng")
TRIES = 2               # of a turn that lost something: the machine itself may have stood still


def is_lossless(report):
    return not any(report[key] for key in (*FAULTS, "files_missing", "payloads_missing") if key in report)


def lossless_turn(run, calls, seconds):
    """None: some were lost each time."""
    for _ in range(TRIES):
        report = run(calls, seconds)
        if is_lossless(report):
            return report
    return None


def row_rate(base, options):
    """The most calls that lose nothing, of those tried, with and without recordings. Who has lost some twice is asked no more."""
    most, lossless = dict.fromkeys(WAYS, 0), list(WAYS)
    for calls in (200, 400) if options.quick else (500, 1000, 1500, 2000, 2500, 3000):
        for way in list(lossless):
            if lossless_turn(kinds(base)[way], calls, 3 if options.quick else 8):
                most[way] = calls
            else:
                lossless.remove(way)
    if not all(most.values()):
        raise SystemExit(f"something was lost at the fewest calls already: {', '.join(way for way in WAYS if not most[way])}")
    return {"calls_lossless": most["off"], "calls_lossless_recorded": most["wav"], "calls_lossless_recorded_pcapng": most["pcapng"]}


# ---- row most ----

def row_most(base, options):
    """What recordings cost at the most calls of which row `rate` lost nothing, with them and without (TANDEM_BENCH_CALLS)."""
    calls = int(os.environ.get("TANDEM_BENCH_CALLS", "200" if options.quick else "1500"))
    turns, seconds = (1, 3) if options.quick else (5, 8)
    results = {way: [] for way in WAYS}
    for _ in range(turns):
        for way in WAYS:
            results[way].append(kinds(base)[way](calls, seconds))
    middle = lambda way, key: lib.median([turn[key] for turn in results[way]])
    per_call = lambda way: lib.median([1000 * turn["cpu_s"] / turn["window"] / calls for turn in results[way]])
    figures = {"most_calls": calls, "most_turns": turns}
    for way in WAYS[1:]:
        figures |= {f"{way}_most_ratio_tap_on": round(middle("off", "worker_us") / middle(way, "worker_us"), 3),
                    f"{way}_most_cpu_ms_per_call_s": round(per_call(way) - per_call("off"), 4),
                    f"{way}_most_files": sum(turn["files"] for turn in results[way]),
                    f"{way}_most_payloads": sum(turn["payloads"] for turn in results[way]),
                    f"files_missing_{way}_most": sum(turn["files_missing"] for turn in results[way]),
                    f"payloads_missing_{way}_most": sum(turn["payloads_missing"] for turn in results[way])}
    return figures | {f"lost_most_{way}": sum(turn[fault] for turn in results[way] for fault in FAULTS) for way in WAYS}


# ---- rows stall and full ----

class Loop:
    """A file system of so many MiB on a loop device."""

    def __init__(self, base, mib):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="loop-", dir=base))
        image, self.mount = self.dir / "image", self.dir / "mount"
        self.mount.mkdir()
        with open(image, "wb") as file:
            file.truncate(mib << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self.mount], check=True)

    def freeze(self, seconds):
        subprocess.run(["fsfreeze", "-f", self.mount], check=True)
        time.sleep(seconds)
        subprocess.run(["fsfreeze", "-u", self.mount], check=True)

    def fill(self, left_mib):
        """A file that leaves so much."""
        room = os.statvfs(self.mount)
        path = self.mount / "ballast"
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (left_mib << 20))
        return path

    def close(self):
        subprocess.run(["umount", self.mount], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def on_loop(base, name, loop, meanwhile, calls=100, seconds=8, memory_mib=256):
    try:
        server = Relay(calls, str(loop.mount), mib=memory_mib)
        try:
            report = load(server, seconds, lambda: meanwhile(loop))
        finally:
            ended = server.stop()
        report |= ended | record_files.check_wav(str(loop.mount), calls, report["sent"] // (2 * calls)) | record_files.stated(loop.mount)
    finally:
        loop.close()
    lib.say(f"{name}: {report['lost']} RTP packets lost, {report['payloads_missing']} of {report['payloads']} payloads missing in files, "
            f"{report['stated_ms']} ms stated as gaps, recordings ended {report['ended']}, failed {report['failed']}")
    return {f"{name}_{key}": report[key] for key in ("lost", "files", "payloads", "payloads_missing", "stated_ms", "ended", "failed")}


def row_stall(base, options):
    """Memory for what waits, then too little of it: that is missing in the files, and they say so."""
    calls = 100 if options.quick else 500
    freeze = lambda loop: loop.freeze(2)
    return (on_loop(base, "stall", Loop(base, 256), freeze, calls)
            | on_loop(base, "stall_short", Loop(base, 256), freeze, calls, memory_mib=max(1, calls // 50)))


def row_full(base, options):
    """A disk that has room again after 5 s, and one that never has."""
    loop = Loop(base, 64)
    ballast = loop.fill(4)
    figures = on_loop(base, "full", loop, lambda _: (time.sleep(5), ballast.unlink()))
    return figures | on_loop(base, "full_ever", Loop(base, 8), lambda _: None)


ROWS = {"calls": row_calls, "siprec": row_siprec, "rate": row_rate, "most": row_most, "stall": row_stall, "full": row_full}


def main():
    options = lib.arguments(__doc__.splitlines()[0], tuple(ROWS))
    base, figures = tempfile.mkdtemp(prefix="tandem-record-"), {}
    try:
        for name in options.row or ROWS:
            try:
                figures |= ROWS[name](base, options)
            except (SystemExit, OSError, subprocess.SubprocessError) as why:     # the last line is the JSON all the same
                lib.say(f"# {name} failed: {why}")
                figures[f"failed_{name}"] = str(why)[-500:]
    finally:
        shutil.rmtree(base, ignore_errors=True)
    lib.finish(options, "record", figures, rtpengine.peers())
    bad = [key for key in figures if figures[key] and key.startswith(("failed_", "files_missing", "payloads_missing", "lost", "stall_lost",
                                                                      "stall_payloads_missing", "stall_short_lost", "full_lost", "full_ever_lost"))]
    lib.say(f"# wrong: {', '.join(bad)}" if bad else "# nothing is missing")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
