# SPDX-License-Identifier: Apache-2.0
"""What `./tandem bench restart` runs: one node under live calls, killed and started again at once, again and again. Ends with a line of JSON.

A fifth of the calls has 50 packets a second each way: gaps are theirs, and 20 ms are none. The others have 5, and show life. Lost is what
was sent and never came."""
import argparse
import json
import statistics
import sys
import time

from lib.node import Node
from lib.wire import alone
from patience import until

from .__main__ import guarded, say
from .talk import Audio, Phones

PHONES, EVERY = "127.0.0.2", 5      # where phones are; one of so many calls is measured
AHEAD_S, AFTER_S = 1.0, 3.0


class Round:
    """node: with these calls."""

    def __init__(self, node, calls):
        measured = calls[::EVERY]
        life = [call for i, call in enumerate(calls) if i % EVERY]
        self.node, self.audio = node, [Audio(measured, node.home, AHEAD_S), *([Audio(life, node.home, AHEAD_S, 200)] if life else [])]

    def run(self):
        try:
            until(lambda: all(audio.heard() for audio in self.audio), lambda: f"no audio: {[audio.latest for audio in self.audio]}")
            time.sleep(AHEAD_S)
            self.node.kill()
            self.ready_s = self.node.restart()
            time.sleep(AFTER_S)
            self.fast, *life = [audio.stop() for audio in self.audio]
        finally:
            for audio in self.audio:
                audio.close()
        self.lost = self.fast["lost"]
        self.lost_all = self.lost + sum(report["lost"] for report in life)
        self.silent = sum(report["silent_streams"] for report in (self.fast, *life))
        return self


def judged(node, calls, rounds):
    alive = sum(row["state"] == "established" for row in node.ctl("call.list", limit=1000))
    flows = 2 * len(calls)
    return {"calls": len(calls), "calls_lost": len(calls) - alive, "kills": len(rounds), "silent_streams": sum(each.silent for each in rounds),
            "gap_restart_p99_ms": max(each.fast["gap_ms"]["p99"] for each in rounds),
            "gap_restart_max_ms": max(each.fast["gap_ms"]["max"] for each in rounds),
            "lost_per_kill": statistics.median(each.lost_all for each in rounds), "lost_most": max(each.lost_all for each in rounds),
            "lost_per_fast_flow": round(max(each.lost for each in rounds) / (2 * len(calls[::EVERY])), 3), "flows": flows,
            "ready_s": round(statistics.median(each.ready_s for each in rounds), 3)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    alone()
    with Node(calls=options.calls * 5 // 4 + 50, settings={"sip": {"trusted": [PHONES + "/32"], "overload_delay": "0s"}}) as node:
        phones = Phones(node.server[0], PHONES, node.server[1])
        calls, rounds = phones.call(node, options.calls), []
        for _ in range(options.rounds):
            rounds.append(Round(node, calls).run())
            done = rounds[-1]
            say(f"gap p99 {done.fast['gap_ms']['p99']} ms, most {done.fast['gap_ms']['max']} ms, lost {done.lost} and "
                f"{done.lost_all - done.lost}, ready after {done.ready_s:.2f} s")
        found = judged(node, calls, rounds)
        phones.close()
    say(json.dumps(found))
    return 1 if found["calls_lost"] else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
