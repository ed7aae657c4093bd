# SPDX-License-Identifier: Apache-2.0
"""./tandem test: runs the parts of the suite and counts.

A test counts once, whatever number of builds it ran in: it failed if it failed anywhere, passed if
it passed somewhere, and was skipped otherwise.  Whatever should have run and could not is a failure.
"""
import argparse
import os
import pathlib
import random
import re
import signal
import sys
import threading
import time

import gate
import host
import parts
from report import FAILED, PASSED, Report

PARTS = {
    "format": parts.format_,
    "unit": parts.unit,
    "portable": parts.portable,
    "asan": parts.asan,
    "tsan": parts.tsan,
    "e2e": parts.e2e,
    "sim": parts.sim,
    "docs": parts.docs,
}
AFTER = {"unit": "asan", "asan": "tsan"}        # parts whose builds begin with an earlier one
NICE = "nice", "-n", "19"
AHEAD = "nice", "-n", "10"          # for tests, and before what is idle: the next part waits for it
IDLE = "chrt", "--idle", "0"        # and whoever wants the processor has it at once, as from nobody who is only nice


def script_of(word):
    """The end-to-end file of a word, with ::CLASS[.METHOD] where it names one; None: it is none."""
    file, colons, name = word.partition("::")
    for path in (pathlib.Path(file), parts.ROOT / "tests" / file, parts.E2E / f"{file}_test.py"):
        if path.is_file() and path.name.endswith("_test.py"):
            method = name.rpartition(".")[2]
            if name and not re.search(rf"^ *(class|def) {re.escape(method)}\b", path.read_text(encoding="utf-8"), re.M):
                sys.exit(f"tandem test: {path} has no {name}")
            return f"{path.resolve()}{colons}{name}"
    return None


def selection(words):
    """(parts in their order, end-to-end files) of the arguments; nothing means everything."""
    chosen, scripts = [], []
    for word in words:
        if word in PARTS:
            chosen.append(word)
        elif script := script_of(word):
            scripts.append(script)
        else:
            sys.exit(f"tandem test: '{word}' is none of {' '.join(PARTS)} "
                     f"and no file tests/e2e/{word}_test.py")
    if scripts and "e2e" not in chosen:
        chosen.append("e2e")
    return [name for name in PARTS if name in chosen] or list(PARTS), scripts


def gives_way():
    """The words by which a command runs that gives way to tests."""
    return (*IDLE, *NICE) if not parts.run(*IDLE, "true")[0] else NICE


def arguments_of(name, chosen, scripts, report, begun, seed, builds):
    """Of a part, beside its report.  The simulator, and a build that takes minutes, begin with the first tests that mostly wait, and have
    what time those leave; what the next part of AFTER builds begins with this one.  What asan runs anyhow, unit leaves to it."""
    if (later := AFTER.get(name)) in chosen:
        parts.build_ahead(report, later, *AHEAD)
    if name in ("asan", "e2e") and "sim" in chosen and not begun:
        begun += parts.sim_begin(report, *gives_way()) or []
    if name == "asan" and "e2e" in chosen and not scripts:
        builds.append(parts.build_begin(report, "release", *gives_way()))
    plain = "asan" in chosen and "TANDEM_LONG" not in os.environ
    return {"unit": (plain,), "e2e": (scripts, begun, seed, *builds), "sim": (begun,)}.get(name, ())


def alone(report, before, installed):
    """The host has no more services, users, keys and ports than before, and what the tests did left nothing in /etc."""
    with report.part("host"):
        found = host.left(before, installed)
        report.add("host: no service, user, key, port or file in /etc came", FAILED if found else PASSED, "\n".join(found))


def interrupted(_signal, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="./tandem test")
    parser.add_argument("part", nargs="*", help=f"{' '.join(PARTS)}, or an end-to-end test: "
                        "tests/e2e/NAME_test.py[::CLASS[.METHOD]]")
    parser.add_argument("--keep", action="store_true", help="leave the folders of a failed end-to-end test")
    parser.add_argument("--long", action="store_true", help="whole classes where a place of tests/e2e/lib/place.py has some of their tests")
    parser.add_argument("--seed", type=int, default=random.randrange(10000), help="of the order of the end-to-end files; a run prints its own")
    parser.add_argument("--host", help=argparse.SUPPRESS)        # what it was before packages came: a file of host.sh
    parser.add_argument("--understood", action="store_true", help=argparse.SUPPRESS)     # run nothing
    options = parser.parse_args()
    chosen, scripts = selection(options.part)
    if options.understood:
        return 0
    if options.keep:
        os.environ["TANDEM_KEEP"] = "1"
    if options.long:
        os.environ["TANDEM_LONG"] = "1"
    signal.signal(signal.SIGTERM, interrupted)
    os.chdir(parts.ROOT)
    report, begun, builds = Report(), [], []
    os.environ[host.MARK] = f"{os.getpid()}-{time.time_ns()}"
    installed = host.snapshot()
    before = host.lines(pathlib.Path(options.host).read_text(encoding="utf-8")) if options.host else installed
    threading.Thread(target=gate.watch, args=(report.stood,), daemon=True).start()
    try:
        with parts.environment():
            for name in chosen:
                print(f"== {name}", flush=True)
                began = time.monotonic()
                with report.part(name):
                    PARTS[name](report, *arguments_of(name, chosen, scripts, report, begun, options.seed, builds))
                report.took(name, time.monotonic() - began)
        alone(report, before, installed)
    finally:
        for outcome in (*builds, *parts.AHEAD.values(), *(outcome for *_, outcome in begun)):
            outcome.cancel()        # what was interrupted begins no more
    return report.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
