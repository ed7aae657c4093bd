# SPDX-License-Identifier: Apache-2.0
"""What is built beside tests is there when it is asked for, and gone when a test wants quiet."""
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import parts                            # noqa: E402
from ahead import Ahead, Line, idle     # noqa: E402
from report import FAILED, PASSED, Report   # noqa: E402


class Jobs(unittest.TestCase):
    def test_one_by_one_and_beside(self):
        go, seen = threading.Event(), []
        with Ahead({"a": go.wait, "b": lambda: seen.append("b")}) as ahead:
            self.assertEqual((ahead.done("a"), ahead.done("b"), seen), (False, False, []))
            go.set()
            self.assertIs(ahead.result("a"), True)
            ahead.result("b")
            self.assertEqual((ahead.done("b"), seen), (True, ["b"]))

    def test_the_block_ends_when_all_are_done(self):
        """Whoever wants quiet comes after it."""
        go, seen = threading.Event(), []
        with Ahead({"a": go.wait, "b": lambda: seen.append("b")}):
            threading.Timer(0.05, go.set).start()
        self.assertEqual(seen, ["b"])

    def test_what_breaks_off_begins_nothing_more(self):
        go, began, seen = threading.Event(), threading.Event(), []
        with self.assertRaises(KeyboardInterrupt):
            with Ahead({"a": lambda: began.set() or go.wait(), "b": lambda: seen.append("b")}):
                began.wait()
                threading.Timer(0.05, go.set).start()
                raise KeyboardInterrupt
        self.assertEqual(seen, [])

    def test_no_job(self):
        with Ahead({}):
            pass

    def test_a_job_that_fails(self):
        with Ahead({"a": lambda: 1 // 0, "b": lambda: "b"}) as ahead:
            self.assertRaises(ZeroDivisionError, ahead.result, "a")
            self.assertEqual(ahead.result("b"), "b")


class Queue(unittest.TestCase):
    def test_who_is_not_ready_lets_others_pass(self):
        ready = set("bc")
        line = Line("abc", lambda each: each in ready)
        self.assertEqual(line.next(), "b")
        ready.add("a")
        self.assertEqual(line.next() + line.next(), "ac")

    def test_nobody_is_ready(self):
        line = Line("ab", lambda _: False)
        self.assertEqual(line.next() + line.next(), "ab")


class Idle(unittest.TestCase):
    def test_others_come_first(self):
        policy = subprocess.run([*idle(), sys.executable, "-c", "import os; print(os.sched_getscheduler(0), os.nice(0))"],
                                stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        self.assertTrue(int(policy[0]) == os.SCHED_IDLE or int(policy[1]) > os.nice(0), policy)


class EndToEnd(unittest.TestCase):
    """What runs beside which build."""
    FILES = {"long": "LONG = True", "released": 'BUILD = "release"', "quiet": "ALONE = True"}

    def ran(self, broken=(), files=FILES, later=("tsan", "docs")):
        """(exit status, [what began and ended], what was printed)"""
        report, output, told, lock, go = Report(), io.StringIO(), [], threading.Lock(), threading.Event()

        def tell(word):
            with lock:
                told.append(word)

        def made(name, *targets, before=()):
            if name != "asan":
                self.assertTrue(before)     # the tests come first
                go.wait(10)
                time.sleep(0.1)
            if "build.ninja" not in targets:
                tell(f"{name} built")
            return None if name in broken else name, "no compiler"

        def results(script, folder, **_):
            name = pathlib.Path(script).stem.removesuffix("_test")
            tell(f"{name} of {folder}")
            if name == "long":
                go.set()
            return [(f"e2e: {name}: T.test", PASSED if folder else FAILED, "")]

        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(output), \
                unittest.mock.patch.multiple(parts, made=made, script_results=results, programs_of=lambda *_: ["threads"]):
            scripts = [pathlib.Path(folder, f"{name}_test.py") for name in files]
            for script, text in zip(scripts, files.values()):
                script.write_text(f"{text}\n", encoding="ascii")
            with report.part("e2e"):
                parts.e2e(report, scripts, later)
            status = report.finish()
        return status, told, output.getvalue()

    def test_in_which_order(self):
        status, told, _ = self.ran()
        self.assertEqual(status, 0)
        self.assertEqual(told[:2], ["asan built", "long of asan"])                  # the others are not built yet
        self.assertGreater(told.index("released of release"), told.index("release built"))
        self.assertIn("tsan built", told)                                           # for the next part
        self.assertEqual(told[-1], "quiet of asan")                                 # when all is built

    def test_a_build_fails(self):
        status, told, text = self.ran(broken=["release"])
        self.assertEqual((status, text.splitlines()[-1]), (1, "2 passed, 2 failed, 0 skipped"))
        self.assertIn("failed: build release (e2e): no compiler", text)
        self.assertIn("quiet of asan", told)

    def test_what_a_later_part_wants_fails_there(self):
        self.assertEqual(self.ran(broken=["tsan"])[0], 0)

    def test_one_file(self):
        self.assertEqual(self.ran(files={"long": ""}, later=())[:2], (0, ["asan built", "long of asan"]))
