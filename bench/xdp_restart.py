"""Plain calls whose media the kernel forwards, while their node is killed with -9 and started again, time after time.

What the parties hear is judged by rtpload: no packet lost, no jump of a sequence, and how long the longest gap was. In the end all calls are hung up,
and their CDRs must say what was sent, and what left for the parties. Packets for which a ring of the wire has no room are told apart, by the
interface's own count: they had been forwarded (docs/benchmarks-kernel.md). The load has its core before whoever asks
the node whether it is there again: what it sends late would be a gap, and a burst."""
import json
import os
import subprocess
import time

import lib
import xdp

CALLS, EACH_S, AWAY_S = 1000, 3, 0.5


def ready_again(node):
    """Killed, gone for a while, and back with all its calls."""
    node.process.kill()
    node.process.wait()
    time.sleep(AWAY_S)
    node.start()
    lib.wait_for("all calls to be restored", 10, lambda: len(node.ctl("call.list", limit=1000)) == CALLS)


def counted(node):
    """Packets that the CDRs have: in and out."""
    lib.wait_for("all CDRs", 60, lambda: len(node.ctl("cdr.list", limit=1000)) == CALLS)
    return tuple(sum(cdr[f"{leg}_packets_{way}"] for cdr in node.ctl("cdr.list", limit=1000) for leg in "ab") for way in ("in", "out"))


def restart_turn(ground, kills):
    daemon = xdp.Daemon(ground, CALLS, *xdp.KERNEL, interface=xdp.INTERFACE)
    node, before, full = daemon.node, time.monotonic(), xdp.overflows(ground)
    try:
        load = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "rtpload", "--seconds", xdp.WARM_UP_S + kills * EACH_S, "--xdp", xdp.NEAR,
                                                    "--tick-frames", 64]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.setpriority(os.PRIO_PROCESS, load.pid, -20)
        load.stdin.write(daemon.text)
        load.stdin.close()
        for number in range(kills):
            time.sleep(max(0, before + xdp.WARM_UP_S + number * EACH_S - time.monotonic()))
            ready_again(node)
        report = json.loads(load.stdout.read().strip().splitlines()[-1])
        full = xdp.overflows(ground) - full
        daemon.phones.hang_up()
        packets_in, packets_out = counted(node)
    finally:
        daemon.stop()
    faults = sum(report[fault] for fault in ("duplicated", "corrupted", "misrouted", "ssrc_changes", "sequence_jumps", "timestamp_jumps"))
    return {"packets": report["received"], "lost": report["lost"] - full + faults, "packets_lost": report["lost"] - full, "rings": full,
            "gap_ms": report["gap_ms"]["max"], "late_ms": report["schedule_lag_us_max"] / 1000, "kills": kills,
            "cdr_missing": report["sent"] - packets_in + report["received"] + full - packets_out}
