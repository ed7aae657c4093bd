# SPDX-License-Identifier: Apache-2.0
"""How many end-to-end files run side by side: as many as the processors have time for; and when the whole machine had none.

A node that waits for a processor answers late, and a test that waits for it fails.  So a slow machine runs fewer at a time.
"""
import os
import pathlib
import re
import threading
import time

IDLE = 0.15         # of all processors' time: where there is more, one more file may begin
WAITING = 0.5       # threads for each processor that want one and wait: where there are fewer
FREE = 2 << 30      # octets of memory that the kernel can give: a file with three nodes under a sanitizer takes less
LOOK_S = 1          # the time over which both are measured: a file costs most in its first second, and none begins meanwhile
STAT, PRESSURE, MEMORY = map(pathlib.Path, ("/proc/stat", "/proc/pressure/cpu", "/proc/meminfo"))
NICE = (1,)         # of times()
STILL_S = 1.5       # a thread that wants to run a moment waits so long where its machine is stopped from outside, and not for load


class Gate:
    def __init__(self, has_room=None):
        self.has_room = has_room or room
        self.inside = 0
        self.one, self.count = threading.Lock(), threading.Lock()

    def enter(self):
        """Waits until there is room; the first one always enters."""
        with self.one:      # one at a time is asked how busy it is with those before
            while self.inside and not self.has_room():
                pass
            with self.count:
                self.inside += 1

    def leave(self):
        with self.count:
            self.inside -= 1


def room(seconds=LOOK_S):
    """The processors have time for one more file: some of it is left, and who wants one has it soon. Who is nice gives way, and counts in neither."""
    spent, waited, stalled = times(), waits(), stalls()
    time.sleep(seconds)
    return available() >= FREE and idle_since(spent, NICE) >= IDLE and waiting_since(waited, stalled, seconds) <= WAITING


def available():
    """Octets of memory that the kernel can give."""
    return int(re.search(r"^MemAvailable: +(\d+) kB$", MEMORY.read_text(encoding="ascii"), re.M)[1]) * 1024


def waiting_since(waited, stalled, seconds):
    """How many threads waited for each processor since waits() and stalls() were these, seconds ago.

    The kernel's pressure (PSI) counts who is nice, too: the simulator, which always waits. So each thread is asked; where the kernel
    does not count for them, PSI is all there is.
    """
    if not waited:
        return (stalls() - stalled) / (seconds * 1e6)
    nanoseconds = sum(max(0, delay - waited.get(thread, 0)) for thread, delay in waits().items())
    return nanoseconds / (seconds * 1e9) / (len(processors()) or 1)


def waits():
    """{thread: ns that it has waited for a processor} of those that do not give way; none where the kernel does not count that."""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat", "rb") as stat:
                if int(stat.read().rpartition(b")")[2].split()[16]) > 0:        # nice
                    continue
            for thread in os.listdir(tasks := f"/proc/{process}/task"):
                with open(f"{tasks}/{thread}/schedstat", "rb") as schedstat:
                    found[thread] = int(schedstat.read().split()[1])
        except (OSError, IndexError, ValueError):       # it has ended
            continue
    return found


def stalls():
    """us in which somebody waited for a processor; 0 where the kernel does not say."""
    try:
        return int(PRESSURE.read_text(encoding="ascii").split("\n", 1)[0].rpartition("total=")[2])
    except (OSError, ValueError):
        return 0


def processors():
    return [line for line in STAT.read_text(encoding="ascii").splitlines() if line[:3] == "cpu" and line[3].isdigit()]


def watch(stood, pause=lambda: time.sleep(0.1)):
    """For ever: tells when the machine stood still, and for how long.  Leases are lost then, and what fails at that time says little."""
    last = time.monotonic()
    while True:
        pause()
        now = time.monotonic()
        if now - last > STILL_S:
            stood(f"{time.strftime('%H:%M:%S', time.gmtime())} UTC: the machine stood still for {now - last:.1f} s")
        last = now


def idle_since(before, also=()):
    """0..1: of the processors' time since times() was this.  Who waits for a disk is idle."""
    spent = [after - was for was, after in zip(before, times())]
    return sum(spent[each] for each in (3, 4, *also)) / (sum(spent) or 1)


def times():
    """user, nice, system, idle, iowait, irq, softirq, steal"""
    return [int(word) for word in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
