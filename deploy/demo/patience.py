# SPDX-License-Identifier: Apache-2.0
"""What must happen is waited for; how long that may take."""
import time

# Far longer than it takes: a busy machine may stand still for seconds, and who does not wait in vain loses nothing.
PATIENCE_S = 30.0


def until(true, said=lambda: "in time"):
    """Waits until it is true; what it came to. said(): what a failure says."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        if time.monotonic() > end:
            raise AssertionError(said())
        time.sleep(0.02)
    return found
