"""One step of SIPp's calls through a node: what it cost, and how it ended."""
import csv
import math
import os
import pathlib
import subprocess
import time

import lib


class Sipp:
    """One SIPp process; its counts are read from its statistics file."""

    def __init__(self, name, folder, arguments):
        self.stats = pathlib.Path(folder) / f"{name}.csv"
        self.log = open(pathlib.Path(folder) / f"{name}.log", "wb")
        command = ["sipp", *arguments, "-nostdin", "-buff_size", "4000000", "-trace_stat", "-stf", self.stats, "-fd", "1"]
        self.process = lib.spawn(lib.pinned(lib.LOAD_CORE, command), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, cwd=folder)

    def setups_ms(self):
        """Of each call, from its INVITE to the 200, as the caller saw it."""
        lines = next(self.stats.parent.glob(f"*_{self.process.pid}_rtt.csv")).read_text().splitlines()
        return [float(line.split(";")[1]) for line in lines[1:] if line.count(";") >= 2]

    def counts(self):
        with open(self.stats, newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        last = rows[-1]
        number = lambda key: int(last[key])
        return {"created": number("TotalCallCreated"), "ok": number("SuccessfulCall(C)"),
                "failed": number("FailedCall(C)"), "current": number("CurrentCall"),
                "retransmissions": number("Retransmissions(C)")}


def percentile(before, after, share):
    """Milliseconds below which that share of the saves was acknowledged, within its bucket of the node's histogram in even parts."""
    bounds = sorted((float(name.split('le="')[1].split('"')[0]), value - before.get(name, 0)) for name, value in after.items()
                    if name.startswith('tandem_save_seconds_bucket{'))
    wanted, below, low = share * bounds[-1][1], 0, 0.0
    for bound, count in bounds:
        if count >= wanted and count > below:
            high = bound if bound != float("inf") else low
            return 1000 * (low + (high - low) * (wanted - below) / (count - below))
        below, low = count, bound
    return 0.0


def highest_of_most(values, share):
    """The least value that so many of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def unacknowledged(metrics):
    """Saves that Redis did not acknowledge in time: their calls went on without waiting."""
    return int(sum(value for name, value in metrics.items() if name.startswith("tandem_store_failures_total")))


def step(node, callee_port, rate, seconds, number="2000", caller_port=None, scenario=("-sn", "uac")):
    calls = rate * seconds
    before = os.times()
    cpu, media, redis_pid = lib.cpu_seconds(node.pid), lib.media_seconds(node.pid), node.redis_pid()
    redis = lib.cpu_seconds(redis_pid)
    before_metrics = node.metrics()
    uas = Sipp("uas", node.dir, ["-sn", "uas", "-i", lib.ADDRESS, "-p", str(callee_port), "-m", str(calls),
                                 "-timeout", f"{seconds + 20}s"])
    time.sleep(0.3)
    started = time.time()
    uac = Sipp("uac", node.dir, [f"{node.address}:{node.sip_port}", *scenario, "-s", number, "-i", lib.ADDRESS,
                                 "-p", str(caller_port or lib.free_port()), "-m", str(calls), "-r", str(rate),
                                 "-l", str(rate * 10), "-timeout", f"{seconds + 15}s", "-timeout_error",
                                 "-trace_rtt", "-rtt_freq", "1"])
    uac.process.wait()
    took = time.time() - started
    try:
        uas.process.wait(10)   # its scenario lingers 4 s after the last BYE
    except subprocess.TimeoutExpired:
        uas.process.terminate()
        uas.process.wait()
    caller, callee = uac.counts(), uas.counts()
    if not caller["ok"] == callee["ok"] == calls:
        lib.say(f"# caller {caller}, callee {callee}")
    lib.wait_for("the node to have no calls left", 40, lambda: not node.ctl("node.status")["calls"])
    after_metrics = node.metrics()
    late = unacknowledged(after_metrics) - unacknowledged(before_metrics)
    setups = uac.setups_ms()
    moved = lambda name: after_metrics.get(name, 0) - before_metrics.get(name, 0)
    result = {
        "saves_late": late,
        "saves": moved('tandem_saves_total{result="done"}') / calls, "rounds": moved("tandem_store_batches_total") / calls,
        "p50_ms": percentile(before_metrics, after_metrics, 0.5), "p99_ms": percentile(before_metrics, after_metrics, 0.99),
        "rate": rate, "calls": calls, "took": took,
        "unfinished": calls - min(caller["ok"], callee["ok"]),
        "cpu_us": 1e6 * (lib.cpu_seconds(node.pid) - cpu) / calls, "media_us": 1e6 * (lib.media_seconds(node.pid) - media) / calls,
        "redis_us": 1e6 * (lib.cpu_seconds(redis_pid) - redis) / calls,
        "sipp_s": lib.cpu_seconds_exited(before),
        "setup_p50_ms": highest_of_most(setups, 0.5), "setup_p99_ms": highest_of_most(setups, 0.99), "setup_mean_ms": sum(setups) / max(1, len(setups)),
        "retransmissions": caller["retransmissions"] + callee["retransmissions"],
    }
    lib.say(f"{rate:5} calls/s: {calls} calls, {result['unfinished']} unfinished, {result['cpu_us']:.0f} us/call, "
            f"redis {result['redis_us']:.0f} us/call, sipp {result['sipp_s']:.1f} s CPU, "
            f"{result['retransmissions']} retransmissions, {late} saves late; {result['saves']:.1f} saves and {result['rounds']:.2f} "
            f"transactions a call, saved in {result['p50_ms']:.2f} ms, p99 {result['p99_ms']:.2f} ms")
    return result
