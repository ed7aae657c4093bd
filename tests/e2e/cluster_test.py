# SPDX-License-Identifier: Apache-2.0
"""./tandem cluster: three nodes behind Kamailio, one is killed, and another one goes on with its calls; Redis fails in many ways."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from lib.node import ROOT, build_folder
from patience import until

LONG = 80                       # s: a cluster of its own, thrice
BUILD = "release"           # as it is installed
FIGURES = {"kills": 1, "calls": 6, "calls_lost": 0, "cdr_expected": 6, "cdr_missing": 0, "cdr_duplicate": 0}
DRAINED = {"rounds": 2, "calls": 6, "calls_lost": 0, "cdr_expected": 6, "cdr_missing": 0, "cdr_duplicate": 0, "leaks": 0}
REDIS_FIGURES = {"rounds": 10, "calls": 33, "calls_lost": 0, "cdr_expected": 33, "cdr_missing": 0, "cdr_ids_wrong": 0, "leaks": 0, "double_owners": 0,
                 "node_restarts": 0}


def stat(pid):
    """What /proc says of a process after its name; None: there is none."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def descendants(pid):
    """{process: when it began}"""
    lines = {entry.name: line for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and (line := stat(entry.name))}
    found, news = {}, {str(pid)}
    while news:
        news = {each for each, line in lines.items() if line[1] in news and each not in found}
        found |= {each: lines[each][19] for each in news}
    return found


class Cluster(unittest.TestCase):
    def start(self, *words):
        process = subprocess.Popen([sys.executable, "-m", "cluster", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, "TANDEM_BUILD": build_folder(), "PYTHONPATH": str(ROOT / "tests")})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def test_a_node_is_killed(self):
        process = self.start("--check", "--calls", "6")
        said = process.stdout.read()
        self.assertEqual(process.wait(), 0, said)
        figures = json.loads(said.splitlines()[-1])
        self.assertEqual({name: figures[name] for name in FIGURES}, FIGURES)
        self.assertGreater(figures["gap_max_ms"], 20)       # there was audio

    def test_nodes_are_drained(self):
        process = self.start("--chaos", "2", "--only", "drain", "--calls", "6")
        said = process.stdout.read()
        self.assertEqual(process.wait(), 0, said)
        figures = json.loads(said.splitlines()[-1])
        self.assertEqual({name: figures[name] for name in DRAINED}, DRAINED)
        self.assertGreaterEqual(figures["flows_ahead"], 8, said)    # a shard of two calls or more went away and back, with all its ports

    def test_redis_fails(self):
        process = self.start("--chaos", "10", "--redis", "--brief", "--calls", "3")
        said = process.stdout.read()
        self.assertEqual(process.wait(), 0, said)
        figures = json.loads(said.splitlines()[-1])
        self.assertEqual({name: figures[name] for name in REDIS_FIGURES}, REDIS_FIGURES)

    def test_an_interrupt_leaves_nothing(self):
        process = self.start()
        line = next(line for line in process.stdout if "Files: " in line)
        folder = line.partition("Files: ")[2].partition(". ")[0]
        processes = descendants(process.pid)
        self.assertGreater(len(processes), 14)      # machines, nodes, Redis, Sentinels, Kamailio
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        self.assertEqual(process.wait(), 130, said)
        def left():
            return [each for each, began in processes.items() if (line := stat(each)) and line[19] == began and line[0] != "Z"]

        until(lambda: not left(), lambda: f"still there: {left()}")     # a keeper outlives its node by some milliseconds
        self.assertFalse(os.path.exists(folder))
