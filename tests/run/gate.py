# SPDX-License-Identifier: Apache-2.0
"""How many end-to-end files run side by side: as many as the processors have time for; and when the whole machine had none.

A node that waits for a processor answers late, and a test that waits for it fails.  So a slow machine runs fewer at a time.
"""
import pathlib
import threading
import time

IDLE = 0.15         # of all processors' time: where there is more, one more file may begin
LOOK_S = 2          # the time over which it is measured: as long as a file takes to show what it costs
STAT = pathlib.Path("/proc/stat")
NICE = (1,)         # of times()
STILL_S = 1.5       # a thread that wants to run a moment waits so long where its machine is stopped from outside, and not for load


class Gate:
    def __init__(self, idle=None):
        self.idle = idle or (lambda: idle_share(LOOK_S))
        self.inside = 0
        self.one, self.count = threading.Lock(), threading.Lock()

    def enter(self):
        """Waits until there is room; the first one always enters."""
        with self.one:      # one at a time is asked how busy it is with those before
            while self.inside and self.idle() < IDLE:
                pass
            with self.count:
                self.inside += 1

    def leave(self):
        with self.count:
            self.inside -= 1


def watch(stood, pause=lambda: time.sleep(0.1)):
    """For ever: tells when the machine stood still, and for how long.  Leases are lost then, and what fails at that time says little."""
    last = time.monotonic()
    while True:
        pause()
        now = time.monotonic()
        if now - last > STILL_S:
            stood(f"{time.strftime('%H:%M:%S', time.gmtime())} UTC: the machine stood still for {now - last:.1f} s")
        last = now


def idle_share(seconds):
    """0..1: of the processors' time from now on.  Who is nice gives way."""
    before = times()
    time.sleep(seconds)
    return idle_since(before, NICE)


def idle_since(before, also=()):
    """0..1: of the processors' time since times() was this.  Who waits for a disk is idle."""
    spent = [after - was for was, after in zip(before, times())]
    return sum(spent[each] for each in (3, 4, *also)) / (sum(spent) or 1)


def times():
    """user, nice, system, idle, iowait, irq, softirq, steal"""
    return [int(word) for word in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
