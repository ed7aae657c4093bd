# SPDX-License-Identifier: Apache-2.0
"""Runs one unittest file and prints a line of JSON, marked with @@, for each test method.

At the end it says how many seconds of a processor it took, with all processes that it has waited for.

usage: one.py FILE[::CLASS[.METHOD]].  With TANDEM_KEEP=1 the folders of a failed test's nodes stay.  With TANDEM_ORDER=SEED classes, and
methods of each, run in an order that the seed says: no test counts on another.
"""
import importlib.util
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import sys
import time
import unittest


ROOT = pathlib.Path(__file__).resolve().parents[2]


def logs():
    """What the nodes of a failed test said last, and what they refused or dropped."""
    text = ""
    for node in getattr(sys.modules.get("lib.node"), "LIVE", ()):
        if node.process:
            text += f"\n-- log of {node.home}\n{node.log_tail(25)}\n{refusals(node)}"
    return text


def refusals(node):
    try:
        lines = node.http("/metrics")[1].splitlines()
    except OSError as error:
        return f"-- no metrics: {error}"
    return "\n".join(line for line in lines if re.match(r"\w*(refused|dropped|failed|lost)\w*[ {]", line)
                     and not line.endswith(" 0"))


def tidy(failed):
    """Nodes that are closed left their folders to us: those of a failed test stay."""
    homes = getattr(sys.modules.get("lib.node"), "LEFT", [])
    while homes:
        home = homes.pop()
        if failed and os.environ.get("TANDEM_KEEP"):
            print(f"kept: {home}", flush=True)
        else:
            shutil.rmtree(home, ignore_errors=True)


class Lines(unittest.TestResult):
    """Says each result at once, so that a hang shows how far the file came."""

    def __init__(self):
        super().__init__()
        self.buffer = False
        self.before, self.of_class, self.class_failed = 0, None, False
        self.began = time.monotonic()

    def found(self):
        return len(self.failures) + len(self.errors)

    def startTest(self, test):
        super().startTest(test)
        if self.of_class is not type(test):
            tidy(self.class_failed)     # nodes of a class that is done
            self.of_class, self.class_failed = type(test), False
        self.before = self.found()

    def stopTest(self, test):
        super().stopTest(test)
        failed = self.found() > self.before
        self.class_failed |= failed
        tidy(failed)

    def say(self, test, result, output=""):
        now = time.monotonic()      # since the result before it: with the setup of its class, where it is the first one there
        print("@@" + json.dumps({"test": test.id().partition(".")[2] or str(test),
                                 "result": result, "output": output, "seconds": now - self.began}), flush=True)
        self.began = now

    def addSuccess(self, test):
        self.say(test, "passed")

    def addSkip(self, test, reason):
        self.say(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, "failed", self.failures[-1][1] + logs())

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, "failed", self.errors[-1][1] + logs())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            found = self.failures if issubclass(err[0], test.failureException) else self.errors
            self.say(test, "failed", f"{subtest}\n{found[-1][1]}{logs()}")

    def addExpectedFailure(self, test, err):
        self.say(test, "failed", "an expected failure hides what is broken; skip it with a reason")

    def addUnexpectedSuccess(self, test):
        self.say(test, "failed", "unexpected success")


def chosen(module, name):
    """The tests of a module, or those of CLASS[.METHOD]: also where load_tests() brings them from another module."""
    load = unittest.defaultTestLoader
    if not name or hasattr(module, name.partition(".")[0]):
        return load.loadTestsFromName(name, module) if name else load.loadTestsFromModule(module)
    found = [test for test in flat(load.loadTestsFromModule(module)) if f".{test.id()}.".endswith(f".{name}.")
             or type(test).__name__ == name]
    if not found:
        raise AttributeError(f"{module.__name__} has no {name}")
    return unittest.TestSuite(found)


def flat(tests):
    for test in tests:
        yield from flat(test) if isinstance(test, unittest.TestSuite) else (test,)


def shuffled(tests, seed):
    """Classes, and the methods of each, in an order of the seed's. Those of a class stay together: they share what it set up.

    test_zz_ come last in theirs: what they wait for began with the class, and goes on beside the others.
    """
    classes = {}
    for test in flat(tests):
        classes.setdefault(type(test), []).append(test)
    groups = list(classes.values())
    random.Random(seed).shuffle(groups)
    for group in groups:
        random.Random(seed + type(group[0]).__name__).shuffle(group)        # the same where only that class runs
        group.sort(key=lambda test: ".test_zz_" in test.id())
    return unittest.TestSuite(test for group in groups for test in group)


def spent():
    """Seconds of a processor, by this process and by those that it waited for, and they for theirs."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main():
    if "TANDEM_WITH_PEERS" not in os.environ:
        os.execv(ROOT / "deploy" / "peers.sh", ["peers.sh", "with", sys.executable, *sys.argv])
    file, _, name = sys.argv[1].partition("::")
    path = pathlib.Path(file).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.path[:0] = [str(path.parent), str(ROOT / "deploy" / "demo")]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    result = Lines()
    tests = chosen(module, name)
    if seed := os.environ.get("TANDEM_ORDER"):
        tests = shuffled(tests, seed)
    tests.run(result)
    tidy(result.class_failed or not result.testsRun)
    print(f"processor: {spent():.2f} s", flush=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
