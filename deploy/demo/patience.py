# SPDX-License-Identifier: Apache-2.0
"""What must happen is waited for; how long that may take."""
import os
import time

CALM_S, SLOWEST = 30.0, 4.0     # far longer than it takes: who does not wait in vain loses nothing; and so many times as long at most


def slowness():
    """1, or what waits for each processor now: what takes a second on a quiet machine may take so many.  A bound on time is times this."""
    return min(SLOWEST, max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0))))


PATIENCE_S = CALM_S * slowness()


def until(true, said=lambda: "in time"):
    """Waits until it is true; what it came to.  What a failure says: a text, or what gives it."""
    end = time.monotonic() + CALM_S * slowness()
    while not (found := true()):
        if time.monotonic() > end:
            raise AssertionError(said() if callable(said) else said)
        time.sleep(0.02)
    return found
