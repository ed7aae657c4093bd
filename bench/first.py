#!/usr/bin/env python3
"""The first minutes: how long a bare Debian 12 takes to the first call, in a chroot with the committed tree; with --test also to the end of the suite.

Needs root. --quick: only the call, in this checkout, as `./tandem run --check` finds it."""
import pathlib
import re
import subprocess
import sys
import time

import lib
from children import spawn

sys.path.insert(0, str(lib.ROOT / "tests/run"))
import host     # noqa: E402

MINUTE = 60
# what is wanted at most
WANTED = {"apt_s": 35, "build_s": 45, "demo_s": 10, "first_call_s": 95, "test_fresh_min": 30, "suite_min": 17, "host_changes": 0}
MB = {"B": 1e-6, "kB": 1e-3, "MB": 1, "GB": 1e3}


class Bare:
    """A bare Debian 12, as `./tandem prove` makes it; gone when our end of its maker's input is."""

    def __init__(self):
        self.maker = spawn([lib.ROOT / "deploy/chroot-proof.sh", "--hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.program = self.maker.stdout.readline().strip()
        if not self.program:
            raise SystemExit(f"deploy/chroot-proof.sh ended with {self.maker.wait()}")

    def command(self, text):
        return [self.program, text]

    def host(self):
        """What it has beside files of packages: tests/run/host.py."""
        return host.snapshot(pathlib.Path(self.program).with_name("system"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.maker.stdin.close()
        self.maker.wait()


def told(command):
    """(its status, [(seconds since it began, line)]) of a command, which is shown as it comes."""
    began = time.monotonic()
    process = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace",
                    cwd=lib.ROOT)
    lines = []
    for line in process.stdout:
        lines.append((time.monotonic() - began, line.rstrip()))
        lib.say(f"    {line.rstrip()}")
    return process.wait(), lines


def first_call(lines):
    """The figures of what `run` says."""
    figures = {}
    for at, line in lines:
        if found := re.match(r"(\d+) packages of Debian are missing: ([\d.,]+) (\w+) to fetch", line):
            figures |= {"apt_packages": int(found[1]), "apt_mb": round(float(found[2].replace(",", "")) * MB[found[3]], 1)}
        elif found := re.match(r"peers: unpacks (\d+) packages", line):
            figures["apt_packages"] = figures.get("apt_packages", 0) + int(found[1])
        elif found := re.match(r"packages ([\d.]+) s, build ([\d.]+) s, call ([\d.]+) s$", line):
            figures |= dict(zip(("apt_s", "build_s", "demo_s"), map(float, found.groups())), first_call_s=round(at, 1))
    return figures


def run(command):
    status, lines = told(command)
    figures = first_call(lines)
    if status or "demo_s" not in figures:
        raise SystemExit(f"./tandem run --check ended with {status}")
    return figures


def verdict(name, value):
    if name not in WANTED:
        return ""
    return f"{'met' if value <= WANTED[name] else 'missed'}, at most {WANTED[name]} wanted"


def suite(bare):
    """(minutes, did it pass) of ./tandem test there."""
    began = time.monotonic()
    status, _ = told(bare.command("./tandem test"))
    return round((time.monotonic() - began) / MINUTE, 1), status == 0


def told_changes(before, bare):
    """How many units, users, groups, keys and ports came."""
    found = host.changes(before, bare.host())
    for line in found:
        lib.say(f"    {line}")
    return len(found)


def measured(options):
    if options.quick:
        return {"demo_s": run(["./tandem", "run", "--check"])["demo_s"]}, True
    with Bare() as bare:
        before = bare.host()
        figures = run(bare.command("./tandem run --check"))
        if not options.test:
            return figures | {"host_changes": told_changes(before, bare)}, True
        fresh, passed = suite(bare)
        again, passed_again = suite(bare)
        figures |= {"test_fresh_min": round(fresh + figures["first_call_s"] / MINUTE, 1), "suite_min": again,
                    "host_changes": told_changes(before, bare)}
        return figures, passed and passed_again


def main():
    parser = lib.argument_parser(__doc__.splitlines()[0])
    parser.add_argument("--test", action="store_true", help="and ./tandem test there, twice: an hour")
    options = parser.parse_args()
    figures, passed = measured(options)
    for name, value in figures.items():
        lib.say(f"{name:16} {value:8} {verdict(name, value)}".rstrip())
    lib.finish(options, "first", figures, {})
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
