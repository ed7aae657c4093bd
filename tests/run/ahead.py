# SPDX-License-Identifier: Apache-2.0
"""Builds that run beside tests which mostly wait."""
import concurrent.futures
import contextlib
import subprocess
import threading


def idle():
    """In front of a command: it gets what processors others leave."""
    with contextlib.suppress(OSError):
        if subprocess.run(["chrt", "--idle", "0", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return ("chrt", "--idle", "0")
    return ("nice", "-n", "19")


class Ahead:
    """Does jobs one by one, while the `with` block does something else, and is left when all are done.

    jobs: {name: function without arguments}, in their order.
    """

    def __init__(self, jobs):
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._jobs = {name: self._pool.submit(job) for name, job in jobs.items()}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._pool.shutdown(cancel_futures=kind is not None)

    def done(self, name):
        return self._jobs[name].done()

    def result(self, name):
        """What the job came to; waits for it."""
        return self._jobs[name].result()


class Line:
    """Who stands in line, in its order; who is not ready lets others pass."""

    def __init__(self, waiting, ready):
        self._waiting, self._ready, self._lock = list(waiting), ready, threading.Lock()

    def next(self):
        """The first who is ready, or else the first."""
        with self._lock:
            found = next(filter(self._ready, self._waiting), self._waiting[0])
            self._waiting.remove(found)
            return found
