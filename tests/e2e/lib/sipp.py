# SPDX-License-Identifier: Apache-2.0
"""SIPp runs: a scenario file against the node, and what came of it."""
import csv
import dataclasses
import os
import socket
import subprocess
import time

from .place import PARTY
from patience import PATIENCE_S

# SIPp loses datagrams at a few thousand calls a second with smaller socket buffers.
BASE = ("-nostdin", "-buff_size", "4000000")


@dataclasses.dataclass
class Outcome:
    """The end of a run.  ok() is what a test asserts."""
    status: int
    created: int
    successful: int
    failed: int
    current: int
    output: str

    def ok(self, calls):
        """All calls were made and came to their end.  Exit status alone is not enough: a UAC that
        has no BYE in its scenario exits with 0 whatever became of its calls."""
        return (self.status == 0 and self.successful == self.created == calls
                and self.failed == 0 and self.current == 0)


class Sipp:
    """One running sipp; `folder` is where it leaves its files."""

    def __init__(self, folder, scenario, server, ports, calls=1, rate=10, users=None, seconds=40,
                 address=PARTY, port=None, extra=()):
        os.makedirs(folder, exist_ok=True)
        self.stats, self.seconds = os.path.join(folder, "stats.csv"), seconds
        self.port, media = port or ports.take(), ports.take(20)
        command = ["sipp", f"{server[0]}:{server[1]}", "-sf", os.path.abspath(scenario), *BASE,
                   "-i", address, "-p", str(self.port), "-mi", address, "-mp", str(media),
                   "-m", str(calls), "-r", str(rate), "-timeout", f"{seconds}s", "-timeout_error",
                   "-trace_stat", "-stf", self.stats, "-fd", "1", "-trace_err",
                   "-error_file", os.path.join(folder, "errors"), *extra]
        if users:
            command += ["-inf", os.path.join(folder, "users.csv")]
            with open(os.path.join(folder, "users.csv"), "w", encoding="utf-8") as file:
                file.write("SEQUENTIAL\n" + "".join(";".join(user) + "\n" for user in users))
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._bound(address)

    def _bound(self, address, seconds=PATIENCE_S):
        """Waits until sipp has its port: a request before would meet an ICMP error."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind((address, self.port))
                except OSError:
                    return
            time.sleep(0.02)

    def wait(self):
        """The Outcome, when sipp has ended."""
        try:
            output, _ = self.process.communicate(timeout=self.seconds + 20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
        last = {}
        if os.path.exists(self.stats):
            with open(self.stats, encoding="utf-8") as file:
                for last in csv.DictReader(file, delimiter=";"):
                    pass

        def number(name):
            return int(last.get(name) or 0)

        return Outcome(self.process.returncode, number("TotalCallCreated"),
                       number("SuccessfulCall(C)"), number("FailedCall(C)"), number("CurrentCall"),
                       output)


def user(number, password, *more):
    """A row of `users`: [field0] the number, [field1] its credentials, then the test's own."""
    return (number, f"[authentication username={number} password={password}]", *map(str, more))


def run(*arguments, **options):
    return Sipp(*arguments, **options).wait()
