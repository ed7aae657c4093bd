# SPDX-License-Identifier: Apache-2.0
"""What the tests came to: each one once, the worst of its runs, and no failure without its output."""
import contextlib
import re
import traceback

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
RANK = {SKIPPED: 0, PASSED: 1, FAILED: 2}       # which of two results of one test counts
SLOWEST = 10                                    # tests and programs whose time is told
SHOWN = 50                                      # lines shown of a failure's output from its beginning, and from its end


def shortened(output):
    """Its beginning says where it failed, its end what the node said last."""
    lines = output.rstrip().splitlines()
    return "\n".join(lines if len(lines) <= 2 * SHOWN else [*lines[:SHOWN], "[...]", *lines[-SHOWN:]])


def reason(output):
    """The line of its output that says why it failed, and where: in the test, and in the innermost function of tests/."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [i for i, line in enumerate(lines) if re.match(r"[\w.]+(Error|Failed|Exception|Refused|Expired)\b|ERROR:|\S+: runtime error", line)]
    text = (lines[said[0]] if said else (lines or ["it said nothing"])[0])[:300]
    # what it was caught and raised again behind has the frames of a library alone: then those of the whole count
    found = places(lines[:said[0]]) or places(lines) if said else []
    return f"{text} ({', '.join(dict.fromkeys((found[0], found[-1])))})" if found else text


def places(lines):
    """Of a traceback of Python: frames in files of tests/."""
    frames = (re.match(r'File ".*\btests/(?:\S*/)?(\S+)", line (\d+), in (\S+)', line) for line in lines)
    return ["{}:{} in {}".format(*frame.groups()) for frame in frames if frame]


class Report:
    """Results by test over all parts, and by part."""

    def __init__(self):
        self._tests, self._parts, self._times, self._seconds = {}, {}, {}, {}
        self._failures, self._skips, self._unsteady, self._stood = [], {}, [], []
        self._part = "?"

    @contextlib.contextmanager
    def part(self, name):
        """Results belong to this part; a part that breaks off is a failure, the next ones still run."""
        self._part = name
        self._parts[name] = {}
        try:
            yield
        except Exception:
            self.add(f"{name} ran to its end", FAILED, traceback.format_exc())
        if not self._parts[name]:
            self.add(f"{name} ran anything", FAILED, "no test was found")

    def took(self, name, seconds):
        self._times[name] = seconds

    def ran(self, test, seconds):
        """How long a test took, or a program of some."""
        self._seconds[self._part, test] = max(seconds, self._seconds.get((self._part, test), 0))

    def add(self, test, result, output=""):
        """One result.  `test` is the same text in every build it runs in."""
        runs = self._parts[self._part]
        runs[test] = max(runs.get(test, SKIPPED), result, key=RANK.get)
        self._tests[test] = max(self._tests.get(test, SKIPPED), result, key=RANK.get)
        if result == FAILED:
            self._failures.append((self._part, test, output))
            print(f"   FAILED {test}", flush=True)
        if result == SKIPPED:
            self._skips[test] = output

    def unsteady(self, test, output):
        """It failed beside others, and passed alone: it counts as passed, and is told."""
        self.add(test, PASSED)
        self._unsteady.append((test, output))
        print(f"   UNSTEADY {test}", flush=True)

    def stood(self, text):
        """The machine stood still: beside what failed at that time."""
        self._stood.append(text)
        print(f"   {text}", flush=True)

    def finish(self):
        """Prints everything and returns the exit status.  The last line is for machines."""
        for test, output in self._unsteady:
            print(f"\n---- failed once, passed alone: {test}")
            print(shortened(output))
        for part, test, output in self._failures:
            print(f"\n---- failed: {test} ({part})")
            print(shortened(output))
        skipped = [test for test, result in self._tests.items() if result == SKIPPED]
        for test in skipped:
            print(f"skipped: {test}: {self._skips[test].strip() or 'no reason given'}")
        print()
        for text in self._stood:
            print(text)
        for test, output in self._unsteady:
            print(f"unsteady: {test}: {reason(output)}")
        for part, test, output in self._failures:
            print(f"failed: {test} ({part}): {reason(output)}")
        for part, test in sorted(self._seconds, key=self._seconds.get, reverse=True)[:SLOWEST]:
            print(f"slowest: {test} ({part}): {self._seconds[part, test]:.1f} s")
        seen = set()
        for part, runs in self._parts.items():
            counts = self._count(runs)
            again = len(seen & set(runs))
            seen |= set(runs)
            print(f"{part:8} {self._line(counts)}" + (f" ({again} of them seen above)" if again else "")
                  + f", {self._times.get(part, 0):.0f} s")
        counts = self._count(self._tests)
        print(self._line(counts), flush=True)
        return 1 if counts[FAILED] else 0

    @staticmethod
    def _count(runs):
        return {result: list(runs.values()).count(result) for result in (PASSED, FAILED, SKIPPED)}

    @staticmethod
    def _line(counts):
        return ", ".join(f"{counts[result]} {result}" for result in (PASSED, FAILED, SKIPPED))
