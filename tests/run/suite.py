# SPDX-License-Identifier: Apache-2.0
"""./tandem test: runs the parts of the suite and counts.

A test counts once, whatever number of builds it ran in: it failed if it failed anywhere, passed if
it passed somewhere, and was skipped otherwise.  Whatever should have run and could not is a failure.
"""
import argparse
import os
import pathlib
import signal
import sys
import time

import parts
from report import Report

PARTS = {
    "format": parts.format_,
    "unit": parts.unit,
    "clang": parts.clang,
    "portable": parts.portable,
    "asan": parts.asan,
    "sim": parts.sim,
    "tsan": parts.tsan,
    "e2e": parts.e2e,
    "docs": parts.docs,
}


def selection(words):
    """(parts in their order, end-to-end files) of the arguments; nothing means everything."""
    chosen, files = [], []
    for word in words:
        path = next((p for p in (pathlib.Path(word), parts.ROOT / "tests" / word,
                                  parts.E2E / f"{word}_test.py")
                     if p.is_file() and p.name.endswith("_test.py")), None)
        if word in PARTS:
            chosen.append(word)
        elif path:
            files.append(path.resolve())
        else:
            sys.exit(f"tandem test: '{word}' is none of {' '.join(PARTS)} "
                     f"and no file tests/e2e/{word}_test.py")
    if files and "e2e" not in chosen:
        chosen.append("e2e")
    return [name for name in PARTS if name in chosen] or list(PARTS), files


def interrupted(_signal, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="./tandem test")
    parser.add_argument("part", nargs="*", help=f"{' '.join(PARTS)}, or an end-to-end test")
    chosen, files = selection(parser.parse_args().part)
    signal.signal(signal.SIGTERM, interrupted)
    os.chdir(parts.ROOT)
    report = Report()
    with parts.environment():
        for name in chosen:
            print(f"== {name}", flush=True)
            began = time.monotonic()
            with report.part(name):
                arguments = (files,) if name == "e2e" else ()
                PARTS[name](report, *arguments)
            report.took(name, time.monotonic() - began)
    return report.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
