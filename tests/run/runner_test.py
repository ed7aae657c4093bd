# SPDX-License-Identifier: Apache-2.0
"""The suite must count what happened: a runner that counts wrong makes every other test worthless."""
import concurrent.futures
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import gate                                             # noqa: E402
import host                                             # noqa: E402
import parts                                            # noqa: E402
import suite                                            # noqa: E402
import tap                                              # noqa: E402
from patience import until                              # noqa: E402
from report import FAILED, PASSED, SKIPPED, Report, reason  # noqa: E402


def entry(stdout="", result="OK", returncode=0, name="tandem:base / bytes"):
    return {"name": name, "stdout": stdout, "result": result, "returncode": returncode}


class Wishes(unittest.TestCase):
    """What a file of tests says about how it wants to run."""

    def test_with_a_reason_and_without(self):
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write('ALONE = True                    # it wants its core\nBUILD = "release"\nALONE_TOO = False\n')
            file.flush()
            self.assertEqual(parts.wants(file.name, "ALONE"), "True")
            self.assertEqual(parts.variant_of(file.name), "release")
            self.assertIsNone(parts.wants(file.name, "OTHER"))

    def test_half_run_as_shipped(self):
        """Another half by each seed; all with sanitizers where files are named, and with --long."""
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ):
            scripts = [pathlib.Path(folder, f"{n}_test.py") for n in range(60)]
            for script in scripts:
                script.touch()
            shipped = {seed: {script for script in scripts if parts.variant_of(script, seed) == "release"} for seed in range(3)}
            self.assertTrue(all(20 < len(half) < 40 for half in shipped.values()), shipped)
            self.assertEqual(len(set(map(frozenset, shipped.values()))), 3)
            self.assertEqual({parts.variant_of(script) for script in scripts}, {"asan"})
            os.environ["TANDEM_LONG"] = "1"
            self.assertEqual({parts.variant_of(script, 1) for script in scripts}, {"asan"})


class Packages(unittest.TestCase):
    """What a first call needs is no more than it needs."""

    def names(self, *purposes):
        folder = HERE.parents[1] / "deploy" / "packages"
        lines = "".join((folder / f"{purpose}.txt").read_text() for purpose in purposes).splitlines()
        return {line.removeprefix("peer ").split()[0] for line in lines if line and not line.startswith("#")}

    def test_of_run(self):
        developing = {"clang", "llvm", "libdpdk-dev", "libcmocka-dev", "libopusfile-dev", "libsrtp2-dev"}
        self.assertEqual(self.names("build", "run") & developing, set())
        self.assertEqual(self.names("develop"), developing)

    def test_of_the_quick_build(self):
        """Each option that spares a package is there, and off in the build of run."""
        script = (HERE.parents[1] / "tandem").read_text()
        quick = script[script.index("quick | quick-dpdk)"):script.index("debug) options")]
        known = (HERE.parents[1] / "meson_options.txt").read_text()
        for option in ("tests", "bench", "dpdk", "xdp"):
            self.assertRegex(quick, f"-D{option}=(false|disabled)")
            self.assertIn(f"option('{option}'", known)
        self.assertEqual(script.count("-Dwerror=true"), 6)


    def test_nothing_that_serves_is_installed(self):
        """Servers are unpacked aside: a package of theirs would bring units, users, keys or ports."""
        folder = HERE.parents[1] / "deploy" / "packages"
        for purpose in ("build", "develop", "run", "test", "bench"):
            lines = (folder / f"{purpose}.txt").read_text().splitlines()
            for line in lines:
                self.assertNotRegex(line, "^(redis|kamailio|nginx|openssh-server|swift|vsftpd|rsyslog|rtpengine|systemd|libdpdk|dpdk|tshark)")


class Host(unittest.TestCase):
    """What came to a host is named."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("var/lib/dpkg/info", "etc/systemd/system", "etc/ssh", "usr/lib/systemd/system"):
            (self.root / name).mkdir(parents=True)
        for name in ("var/lib/dpkg/status", "etc/passwd", "etc/group", "etc/hosts"):
            (self.root / name).touch()
        self.before = host.snapshot(self.root)

    def new(self, kinds=host.COUNTED):
        return host.changes(self.before, host.snapshot(self.root), kinds)

    def test_nothing(self):
        self.assertEqual(self.new(), [])

    def test_a_server_came(self):
        (self.root / "etc/passwd").write_text("sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n")
        (self.root / "etc/group").write_text("redis:x:102:\n")
        (self.root / "usr/lib/systemd/system/ssh.service").touch()
        (self.root / "etc/systemd/system/ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
        (self.root / "etc/ssh/key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        self.assertEqual(self.new(), ["group redis", "key /etc/ssh/key", "unit /etc/systemd/system/ssh.service",
                                      "unit /usr/lib/systemd/system/ssh.service", "user sshd"])

    def test_a_file_changed(self):
        (self.root / "etc/hosts").write_text("192.0.2.1 x\n")
        (self.root / "etc/resolv.conf").write_text("nameserver 192.0.2.1\n")       # the host's own doing
        self.assertEqual([line.split()[1] for line in self.new(("etc",))], ["/etc/hosts"])
        self.assertEqual(self.new(), [])

    def test_a_port_is_left(self):
        command = [sys.executable, "-c", "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"]
        with unittest.mock.patch.dict(os.environ, {host.MARK: "a test of the runner"}):
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
                port = process.stdout.readline().strip()
                self.assertTrue([line for line in host.ports() if line.startswith(f"port tcp 0100007F:{port} of python3")])
                process.communicate("\n")
            self.assertEqual(host.ports(), set())


class Peers(unittest.TestCase):
    """What is unpacked and not installed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(parts.ROOT / "deploy", self.root / "deploy")
        shutil.copy(parts.ROOT / "tandem", self.root)
        self.files = self.root / "build/peers/root"
        self.environment = {name: value for name, value in os.environ.items() if name not in ("TANDEM_PEERS", "TANDEM_WITH_PEERS")}
        self.environment["TANDEM_HOME"] = str(self.root / "home")

    def unpack(self, name, text):
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def sh(self, *command):
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_seen_in_usr(self):
        """In a namespace of its own: the host's files go first, and the host has none of the others."""
        (self.root / "build/peers/top").mkdir(parents=True)
        self.unpack("usr/bin/tandem-peer", "#!/bin/sh\necho $$ $PWD\n")
        self.unpack("usr/bin/env", "#!/bin/sh\necho not the host's\n")
        self.unpack("etc/tandem-peer", "")
        with subprocess.Popen(["deploy/peers.sh", "with", "tandem-peer"], cwd=self.root, env=self.environment, stdout=subprocess.PIPE, text=True) as peer:
            self.assertEqual(peer.stdout.read(), f"{peer.pid} {self.root}\n")      # a signal comes to it
        self.assertEqual(self.sh("deploy/peers.sh", "with", "env", "sh", "-c", "ls /etc/tandem-peer; grep -c ^sshd: /etc/passwd; id -u"),
                         f"/etc/tandem-peer\n1\n{os.getuid()}\n")
        self.assertFalse(os.path.exists("/usr/bin/tandem-peer") or os.path.exists("/etc/tandem-peer"))

    def test_alone(self):
        """It is fetched, and what it depends on is not asked for."""
        (self.root / "deploy/packages/run.txt").write_text("peer tandem-one\nalone tandem-two /nowhere\ntandem-three\n")
        (self.root / "bin").mkdir()
        fake = self.root / "bin/apt-get"
        fake.write_text(f"#!/bin/sh\necho \"$*\" >>{self.root}/asked\ncase $* in *' -s install '*) echo 'Inst tandem-one (1)' ;; *) exit 1 ;; esac\n")
        fake.chmod(0o755)
        subprocess.run(["deploy/peers.sh", "unpack", "run"], cwd=self.root, capture_output=True, timeout=60, check=False,
                       env={**self.environment, "PATH": f"{self.root}/bin:{os.environ['PATH']}"})
        asked = (self.root / "asked").read_text().splitlines()
        self.assertEqual([line.split()[-1] for line in asked if " install " in line], ["tandem-one"])
        self.assertEqual([line.split()[-2:] for line in asked if " download " in line][0], ["tandem-one", "tandem-two"])

    def test_library_of_the_host(self):
        """Its headers alone are unpacked, with a link for the linker: it leads to the library of the host."""
        libc = next(pathlib.Path("/usr/lib").glob("*-linux-gnu/libc.so.6"))
        link = self.root / "deb" / libc.parent.relative_to("/") / "libtandem-one.so"
        link.parent.mkdir(parents=True)
        link.symlink_to(libc.name)
        (self.root / "deb/DEBIAN").mkdir()
        (self.root / "deb/DEBIAN/control").write_text("Package: tandem-one\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
                                                      "Description: x\n")
        self.sh("dpkg-deb", "--build", "deb", "one.deb")
        (self.root / "deploy/packages/run.txt").write_text("peer tandem-one\n")
        (self.root / "bin").mkdir()
        fake = self.root / "bin/apt-get"
        fake.write_text(f"#!/bin/sh\ncase $* in *' -s install '*) echo 'Inst tandem-one (1)' ;; *download*) cp {self.root}/one.deb . ;; *) exit 1 ;; esac\n")
        fake.chmod(0o755)
        self.environment["PATH"] = f"{self.root}/bin:{os.environ['PATH']}"
        self.sh("deploy/peers.sh", "unpack", "run")
        self.assertEqual((self.files / link.relative_to(self.root / "deb")).resolve(), libc.resolve())

    def test_nobody_may_mount(self):
        """A container without privileges: what `run` needs is fetched; tests are told before anything is."""
        (self.root / "bin").mkdir()
        for name, script in ("unshare", "exit 1"), ("apt-get", f"echo >>{self.root}/asked; exit 1"):
            (self.root / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.root / "bin" / name).chmod(0o755)
        self.environment["PATH"] = f"{self.root}/bin:{os.environ['PATH']}"
        for purpose, fetched in ("test", False), ("run", True):
            (self.root / f"deploy/packages/{purpose}.txt").write_text("peer tandem-one\n")
            done = subprocess.run(["deploy/peers.sh", "unpack", purpose], cwd=self.root, capture_output=True, text=True, timeout=60,
                                  check=False, env=self.environment)
            self.assertEqual("install.sh --whole" in done.stderr, not fetched, done.stderr)
            self.assertEqual((self.root / "asked").exists(), fetched)

    def test_nothing_unpacked(self):
        self.assertEqual(self.sh("deploy/peers.sh", "with", "echo", "x"), "x\n")

    def test_cleaned(self):
        self.unpack("usr/bin/tandem-peer", "")
        (self.root / "home").mkdir()
        (self.root / "deploy/demo/__pycache__").mkdir(exist_ok=True)
        self.sh("./tandem", "clean")
        self.assertEqual(sorted(os.listdir(self.root)), ["deploy", "home", "tandem"])
        self.assertFalse((self.root / "deploy/demo/__pycache__").exists())


class Tap(unittest.TestCase):
    """Texts as cmocka 1.1.5 and meson 1.0.1 write them."""

    def results(self, **fields):
        return [(test, result) for test, result, _ in tap.results(entry(**fields))]

    def test_each_case_counts(self):
        self.assertEqual(self.results(stdout="1..2\nok 1 - a\nok 2 - b\n# ok - tests\n"),
                         [("base: bytes: a", PASSED), ("base: bytes: b", PASSED)])

    def test_a_failed_case(self):
        self.assertEqual(self.results(stdout="1..2\nok 1 - a\nnot ok 2 - b\n# 0x1 != 0x2\n",
                                      result="ERROR", returncode=1),
                         [("base: bytes: a", PASSED), ("base: bytes: b", FAILED)])

    def test_a_skip_is_no_failure_and_no_pass(self):
        self.assertEqual(self.results(stdout="1..2\nok 1 - a\nnot ok 2 # SKIP b\n", result="FAIL"),
                         [("base: bytes: a", PASSED), ("base: bytes: b", SKIPPED)])

    def test_fewer_cases_than_planned(self):
        self.assertIn(("base: bytes", FAILED), self.results(stdout="1..3\nok 1 - a\n"))

    def test_a_leak_after_the_last_case(self):
        self.assertIn(("base: bytes", FAILED),
                      self.results(stdout="1..1\nok 1 - a\n", result="ERROR", returncode=99))

    def test_a_program_without_cases(self):
        self.assertEqual(self.results(result="SKIP", returncode=77, name="tandem:rules / layers"),
                         [("rules: layers", SKIPPED)])
        self.assertEqual(self.results(result="TIMEOUT", returncode=-9), [("base: bytes", FAILED)])


class Count(unittest.TestCase):
    def finish(self, *runs):
        """(exit status, last line) of a report of (part, test, result)."""
        report, output = Report(), io.StringIO()
        with contextlib.redirect_stdout(output):
            for part, test, result in runs:
                with report.part(part):
                    report.add(test, result)
            status = report.finish()
        return status, output.getvalue().splitlines()[-1]

    def test_a_test_counts_once_over_its_builds(self):
        self.assertEqual(self.finish(("unit", "a", PASSED), ("asan", "a", PASSED)),
                         (0, "1 passed, 0 failed, 0 skipped"))

    def test_one_failed_build_fails_it(self):
        self.assertEqual(self.finish(("unit", "a", PASSED), ("asan", "a", FAILED),
                                     ("asan", "a", PASSED)), (1, "0 passed, 1 failed, 0 skipped"))

    def test_skipped_everywhere_is_no_pass(self):
        self.assertEqual(self.finish(("unit", "a", SKIPPED), ("asan", "a", SKIPPED)),
                         (0, "0 passed, 0 failed, 1 skipped"))

    def test_an_empty_part_fails(self):
        report, output = Report(), io.StringIO()
        with contextlib.redirect_stdout(output):
            with report.part("e2e"):
                pass
            status = report.finish()
        self.assertEqual((status, output.getvalue().splitlines()[-1]),
                         (1, "0 passed, 1 failed, 0 skipped"))

    def test_a_part_that_breaks_off_fails(self):
        report, output = Report(), io.StringIO()
        with contextlib.redirect_stdout(output):
            with report.part("unit"):
                report.add("a", PASSED)
                raise OSError("no meson")
            status = report.finish()
        self.assertEqual((status, output.getvalue().splitlines()[-1]),
                         (1, "1 passed, 1 failed, 0 skipped"))


    def test_why_it_failed_is_said_at_the_end(self):
        """One line of each, however long its output is: who sees the end alone knows where to look."""
        report, output = Report(), io.StringIO()
        said = "Traceback (most recent call last):\n  File a\nAssertionError: 1 != 2\n" + "a line of the log\n" * 500
        with contextlib.redirect_stdout(output):
            with report.part("e2e"):
                report.add("a", FAILED, said)
            report.finish()
        lines = output.getvalue().splitlines()
        self.assertIn("failed: a (e2e): AssertionError: 1 != 2", lines[-4:])
        self.assertIn("  File a", lines)
        self.assertLess(len(lines), 120)

    def reason(self, *frames, said="TimeoutError: timed out"):
        return reason("Traceback (most recent call last):\n" + "".join(
            f'  File "{file}", line {line}, in {name}\n    call()\n    ^^^^^^\n' for file, line, name in frames)
            + said + '\n\n-- log of a node\n  File "/r/tests/e2e/log_test.py", line 1, in log\n')

    def test_where_it_failed(self):
        test, rush, http = ("/r/tests/e2e/kill_test.py", 156, "test_kill_9"), ("/r/tests/e2e/kill_test.py", 134, "rush"), ("/r/tests/e2e/lib/node.py", 229, "http")
        library = ("/usr/lib/python3.11/socket.py", 706, "readinto")
        self.assertEqual(self.reason(test), "TimeoutError: timed out (kill_test.py:156 in test_kill_9)")
        self.assertEqual(self.reason(test, rush, library), "TimeoutError: timed out (kill_test.py:156 in test_kill_9, kill_test.py:134 in rush)")
        self.assertEqual(self.reason(test, rush, http, library), "TimeoutError: timed out (kill_test.py:156 in test_kill_9, node.py:229 in http)")

    def test_where_it_failed_behind_what_was_caught(self):
        again = "\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n"
        said = f'ConnectionRefusedError: [Errno 111]{again}  File "/r/tests/e2e/a_test.py", line 7, in test_a\nurllib.error.URLError: refused'
        self.assertEqual(reason('Traceback (most recent call last):\n  File "/usr/lib/python3.11/socket.py", line 1, in connect\n' + said),
                         "ConnectionRefusedError: [Errno 111] (a_test.py:7 in test_a)")

    def test_no_place_is_known(self):
        self.assertEqual(reason("a line\nanother"), "a line")
        self.assertEqual(self.reason(("/usr/lib/python3.11/socket.py", 706, "readinto"), said="none"), "Traceback (most recent call last):")
        self.assertEqual(reason(""), "it said nothing")


class Slowest(unittest.TestCase):
    def test_ten_are_told(self):
        report, output = Report(), io.StringIO()
        with contextlib.redirect_stdout(output):
            with report.part("unit"):
                report.add("a", PASSED)
                for n in range(20):
                    report.ran(f"p{n}", n)
                report.ran("p19", 1)        # once more, and faster
            report.finish()
        found = [line for line in output.getvalue().splitlines() if line.startswith("slowest: ")]
        self.assertEqual((found[0], found[-1], len(found)), ("slowest: p19 (unit): 19.0 s", "slowest: p10 (unit): 10.0 s", 10))

    def test_the_setup_of_a_class_counts(self):
        body = ("import time, unittest\nclass T(unittest.TestCase):\n def test_a(self): pass\n"
                "class U(unittest.TestCase):\n @classmethod\n def setUpClass(cls): time.sleep(0.3)\n def test_a(self): pass\n")
        took = {}
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write(body)
            file.flush()
            parts.script_results(file.name, "", ran=lambda test, seconds: took.update({test[-8:]: seconds}))
        self.assertGreater(took["U.test_a"], 0.29)
        self.assertEqual(len(took), 2)

    def test_the_processor_of_a_file_and_of_who_it_waited_for(self):
        body = ("import subprocess, sys, unittest\nclass T(unittest.TestCase):\n"
                " def test_a(self): subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.4: pass'], check=True)\n")
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write(body)
            file.flush()
            self.addCleanup(parts.SPENT.pop, file.name)
            parts.script_results(file.name, "")
            self.assertTrue(0.4 <= parts.SPENT[file.name] < 4, parts.SPENT)


class Again(unittest.TestCase):
    """A test of a whole node that fails once, beside others."""
    BODY = ("import pathlib, unittest\nonce = pathlib.Path(__file__ + '.once')\nclass T(unittest.TestCase):\n"
            " def test_steady(self): pass\n"
            " def test_once(self):\n  if not once.exists():\n   once.touch()\n   self.fail('%s')\n"
            " def test_ever(self): self.assertTrue(%d)\n")

    def judged(self, said="late", ever=1, others=0):
        """(exit status, {test: result}, what was printed)"""
        report, output = Report(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(output):
            script = pathlib.Path(folder, "x_test.py")
            script.write_text(self.BODY % (said, ever), encoding="ascii")
            failed = [(str(script), test, text) for test, result, text in parts.script_results(script, "") if result == FAILED]
            failed += [(str(script), f"e2e: x_test: T.test_{n}", "gone") for n in range(others)]
            with report.part("e2e"):
                parts.judge(report, failed, {str(script): ""})
                report.add("steady", PASSED)
            status = report.finish()
        return status, output.getvalue()

    def test_passes_alone(self):
        status, text = self.judged()
        self.assertEqual((status, text.splitlines()[-1]), (0, "2 passed, 0 failed, 0 skipped"))
        self.assertIn("unsteady: e2e: x_test: T.test_once: AssertionError: late", text)
        self.assertIn("failed once, passed alone: e2e: x_test: T.test_once\nTraceback", text)

    def test_fails_alone_too(self):
        status, text = self.judged(ever=0)
        self.assertEqual((status, text.splitlines()[-1]), (1, "2 passed, 1 failed, 0 skipped"))
        self.assertIn("-- once more, alone:", text)

    def test_many_are_no_accident(self):
        self.assertIn("once more", self.judged(others=parts.FAIL_ONCE - 1)[1])
        status, text = self.judged(others=parts.FAIL_ONCE)
        self.assertEqual((status, text.splitlines()[-1]), (1, f"1 passed, {parts.FAIL_ONCE + 1} failed, 0 skipped"))
        self.assertNotIn("once more", text)

    def test_what_a_sanitizer_says_stays(self):
        for said in ("ERROR: AddressSanitizer: heap-use-after-free", "a.c:1:2: runtime error: shift", "a.c:1: f: Assertion `x' failed."):
            self.assertEqual(self.judged(said.replace("'", "\\'"))[0], 1, said)


class ProgramsAgain(unittest.TestCase):
    """A program of unit tests that fails once, beside others."""
    GOOD = "1..2\nok 1 - a\nok 2 - b\n"
    BAD = "1..2\nok 1 - a\nnot ok 2 - b\n"

    def judged(self, first, alone):
        """(exit status, the last line, names that ran alone); first, alone: {name: stdout and what else an entry has}"""
        report, output, ran = Report(), io.StringIO(), []

        def log(_folder, at_once, *names):
            if at_once == 1:
                ran.extend(names)
            said = alone if at_once == 1 else first
            return [entry(name=f"tandem:x / {name}", **fields) for name, fields in said.items() if not names or name in names], ""

        with unittest.mock.patch.object(parts, "meson_log", log), contextlib.redirect_stdout(output):
            with report.part("unit"):
                parts.meson(report, "folder")
            status = report.finish()
        return status, output.getvalue().splitlines()[-1], ran

    def bad(self, more="", returncode=1, **fields):
        return {"stdout": self.BAD + more, "result": "ERROR", "returncode": returncode, **fields}

    def good(self):
        return {"stdout": self.GOOD}

    def test_passes_alone(self):
        self.assertEqual(self.judged({"p": self.bad(), "q": self.good()}, {"p": self.good()}),
                         (0, "4 passed, 0 failed, 0 skipped", ["p"]))

    def test_fails_alone_too(self):
        self.assertEqual(self.judged({"p": self.bad(), "q": self.good()}, {"p": self.bad()}),
                         (1, "3 passed, 1 failed, 0 skipped", ["p"]))

    def test_another_case_fails_alone(self):
        other = {"stdout": "1..2\nnot ok 1 - a\nok 2 - b\n", "result": "ERROR", "returncode": 1}
        self.assertEqual(self.judged({"p": self.bad()}, {"p": other})[0], 1)

    def test_says_nothing_alone(self):
        self.assertEqual(self.judged({"p": self.bad()}, {})[0], 1)

    def test_many_are_no_accident(self):
        many = {f"p{number}": self.bad() for number in range(parts.FAIL_ONCE + 1)}
        self.assertEqual(self.judged(many, {name: self.good() for name in many}),
                         (1, f"{len(many)} passed, {len(many)} failed, 0 skipped", []))

    def test_what_is_certain_stays(self):
        for once in (self.bad("ERROR: AddressSanitizer: heap-use-after-free\n"), self.bad("a.c:1:2: runtime error: shift\n"),
                     self.bad("a.c:1: f: Assertion `x' failed.\n"), self.bad(returncode=-11)):
            self.assertEqual(self.judged({"p": once}, {"p": self.good()}),
                             (1, "1 passed, 1 failed, 0 skipped", []))

    def test_a_time_out_is_not(self):
        late = {"stdout": "1..2\nok 1 - a\n", "result": "TIMEOUT", "returncode": -9}
        self.assertEqual(self.judged({"p": late}, {"p": self.good()})[0], 0)


class Room(unittest.TestCase):
    """End-to-end files begin while the processors have time for one more."""

    def at_once(self, room, files=6):
        """The most that ran side by side; room: whether there is for more than so many inside."""
        counts, door = [], gate.Gate(lambda: room(door.inside))

        def file(_):
            door.enter()
            counts.append(door.inside)
            time.sleep(0.05)
            door.leave()

        with concurrent.futures.ThreadPoolExecutor(files) as pool:
            list(pool.map(file, range(files)))
        return max(counts)

    def test_one_at_least(self):
        self.assertEqual(self.at_once(lambda inside: False), 1)

    def test_as_many_as_there_is_time_for(self):
        self.assertEqual(self.at_once(lambda inside: inside < 3), 3)

    def test_all(self):
        self.assertGreater(self.at_once(lambda inside: True), 3)

    def test_what_is_idle(self):
        spent = [130, 10, 150, 105, 105, 0, 0, 0]
        for also, share in ((gate.NICE, 0.2), ((), 0.1)):
            with unittest.mock.patch.object(gate, "times", lambda: spent):
                self.assertEqual(gate.idle_since([100, 0, 100, 100, 100, 0, 0, 0], also), share)
        self.assertEqual(len(gate.times()), 8)
        self.assertGreater(sum(gate.times()), 0)

    def test_who_waits(self):
        """For each processor, of those that do not give way: a thread that is new, and not one that has ended."""
        later = {"old": 3_000_000_000, "new": 1_000_000_000}
        with unittest.mock.patch.multiple(gate, waits=lambda: later, processors=lambda: [0, 1]):
            self.assertEqual(gate.waiting_since({"old": 1_000_000_000, "ended": 7}, 0, 2), 0.75)
        with unittest.mock.patch.multiple(gate, waits=lambda: {}, stalls=lambda: 1_600_000):     # the kernel counts its pressure alone
            self.assertEqual(gate.waiting_since({}, 600_000, 2), 0.5)

    def test_who_is_nice_gives_way(self):
        if not gate.waits():
            self.skipTest("the kernel counts for no thread how long it waits")
        for nice, there in ((0, True), (7, False)):
            with subprocess.Popen(["nice", "-n", str(nice), "sleep", "60"]) as process:
                until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0) + nice)
                if os.getpriority(os.PRIO_PROCESS, 0) == 0:
                    self.assertEqual(str(process.pid) in gate.waits(), there)
                process.kill()

    def test_room(self):
        for idle, waiting, free, room in ((0.2, 0.1, gate.FREE, True), (0.1, 0.1, gate.FREE, False), (0.2, 0.9, gate.FREE, False), (0.2, 0.1, 1, False)):
            with unittest.mock.patch.multiple(gate, idle_since=lambda *_, idle=idle: idle, waiting_since=lambda *_, waiting=waiting: waiting,
                                              available=lambda free=free: free):
                self.assertEqual(gate.room(0), room)

    def test_a_kernel_that_says_little(self):
        with unittest.mock.patch.object(gate, "PRESSURE", pathlib.Path("/nowhere")):
            self.assertEqual(gate.stalls(), 0)
        self.assertGreater(len(gate.processors()), 0)

    def test_a_machine_that_stood_still(self):
        """It is told when that was, and for how long."""
        said, pauses = [], unittest.mock.Mock(side_effect=[None, None, None, StopIteration])
        with unittest.mock.patch.object(gate.time, "monotonic", unittest.mock.Mock(side_effect=[0, 0.1, 5.5, 5.7])):
            self.assertRaises(StopIteration, gate.watch, said.append, pauses)
        self.assertEqual([text.partition("the ")[2] for text in said], ["machine stood still for 5.4 s"])


class Beside(unittest.TestCase):
    """The simulator has what time the end-to-end tests leave."""

    def setUp(self):
        self.told, self.ahead, self.outcome = [], [], concurrent.futures.Future()
        self.enterContext(unittest.mock.patch.object(parts, "build_ahead", lambda _, name, *way: self.ahead.append((name, way))))
        self.addCleanup(self.outcome.cancel)

    def begins(self, _report, *way):
        self.told.append(way)
        return [("300 seeds", "asan", self.outcome)]

    def arguments(self, name, chosen, scripts=(), begun=None, builds=None):
        return suite.arguments_of(name, chosen, list(scripts), None, self.begun if begun is None else begun, 7,
                                  self.builds if builds is None else builds)

    def test_begins_with_tests_that_wait(self):
        """Once."""
        self.begun, self.builds = [], []
        with unittest.mock.patch.multiple(parts, sim_begin=self.begins, build_begin=lambda *_: "build", run=lambda *_: (1, "")):
            self.assertEqual(self.arguments("unit", ["unit", "asan", "e2e", "sim"]), (True,))
            self.assertEqual((self.told, self.builds, self.ahead), ([], [], [("asan", suite.AHEAD)]))
            self.assertEqual(self.arguments("asan", ["asan", "e2e", "sim"]), ())
            self.assertEqual((self.told, self.builds), ([("nice", "-n", "19")], ["build"]))
            self.assertEqual(self.arguments("e2e", ["asan", "e2e", "sim"]), ([], self.begun, 7, "build"))
            self.assertEqual(self.arguments("sim", ["e2e", "sim"]), (self.begun,))
            self.assertEqual((self.told, self.begun), ([("nice", "-n", "19")], [("300 seeds", "asan", self.outcome)]))

    def test_of_gcc_alone(self):
        """Where the sanitizers' build runs all unit tests, gcc's runs what that one has not."""
        for chosen, environment, plain in ((["unit"], {}, False), (["unit", "asan"], {}, True), (["unit", "asan"], {"TANDEM_LONG": "1"}, False)):
            with unittest.mock.patch.dict(os.environ, environment):
                self.assertEqual(self.arguments("unit", chosen, begun=[], builds=[]), (plain,))

    def test_begins_with_end_to_end_tests(self):
        """Where those are the first that wait; the build is then part of them."""
        self.begun, self.builds = [], []
        with unittest.mock.patch.multiple(parts, sim_begin=self.begins, build_begin=lambda *_: "build", run=lambda *_: (0, "")):
            self.assertEqual(self.arguments("e2e", ["e2e", "sim"], ["x"]), (["x"], self.begun, 7))
            self.assertEqual((self.told, self.builds), ([("chrt", "--idle", "0", "nice", "-n", "19")], []))

    def test_not_where_one_part_is_chosen(self):
        with unittest.mock.patch.multiple(parts, sim_begin=self.begins, build_begin=lambda *_: "build"):
            for part in ("asan", "e2e", "sim"):
                self.arguments(part, [part], begun=(begun := []), builds=(builds := []))
                self.assertEqual((self.told, begun, builds, self.ahead), ([], [], [], []))

    def test_counts(self):
        self.outcome.set_result((0, "# 300 seeds\n# all stories: 1"))
        failed = concurrent.futures.Future()
        failed.set_result((1, "# all stories: 2"))
        report = Report()
        with report.part("sim"), contextlib.redirect_stdout(io.StringIO()):
            parts.sim(report, [("300 seeds", "asan", self.outcome), ("300 seeds", "plain", failed)])
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(report.finish(), 1)
        self.assertIn("0 passed, 2 failed", output.getvalue())      # of the seeds, and that the stories differ

    def test_order_of_files(self):
        """A seed's, in which the long ones are first, and the longest of all."""
        with tempfile.TemporaryDirectory() as folder:
            scripts = [str(pathlib.Path(folder, f"{n}_test.py")) for n in range(9)]
            for n, script in enumerate(scripts):
                pathlib.Path(script).write_text({4: "LONG = 60\n", 7: "LONG = 60\n", 2: "LONG = 170    # s\n"}.get(n, ""), encoding="ascii")
            orders = [parts.shuffled(scripts[::way], seed) for seed in range(20) for way in (1, -1)]
        self.assertEqual(orders[::2], orders[1::2])
        self.assertEqual({(order[0], *sorted(order[1:3])) for order in orders}, {(scripts[2], scripts[4], scripts[7])})
        self.assertGreater(len(set(map(tuple, orders))), 15)
        self.assertEqual({tuple(sorted(order)) for order in orders}, {tuple(scripts)})

    def test_waits_for_its_build(self):
        """One that was begun earlier; the others do not wait."""
        began, release = [], concurrent.futures.Future()

        def ran(script, folder, **_):
            began.append((pathlib.Path(script).stem, folder, release.done()))
            threading.Timer(0.1, lambda: release.done() or release.set_result("late")).start()
            return [(f"e2e: {script}", PASSED, "")]

        report = Report()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), report.part("e2e"):
            for name, text in (("a_test.py", 'BUILD = "release"\nLONG = 80\n'), ("b_test.py", ""), ("c_test.py", "ALONE = True\n")):
                pathlib.Path(folder, name).write_text(text, encoding="ascii")
            with unittest.mock.patch.multiple(parts, build=lambda _, name, *__: name, script_results=ran), unittest.mock.patch.dict(os.environ):
                parts.e2e(report, sorted(str(path) for path in pathlib.Path(folder).iterdir()), release=release)
        self.assertEqual(began, [("b_test", "asan", False), ("a_test", "late", True), ("c_test", "asan", True)])

    def test_who_listens_waits_for_the_compiler(self):
        """And the others do not."""
        began, release = [], concurrent.futures.Future()

        def ran(script, *_, **__):
            began.append((pathlib.Path(script).stem, release.done()))
            if len(began) == 2:
                threading.Timer(0.1, release.set_result, ["release"]).start()
            return [(f"e2e: {script}", PASSED, "")]

        report = Report()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), report.part("e2e"):
            for name, text in (("a_test.py", "LONG = 90\nself.audio.wait_tone(440)"), ("b_test.py", ""), ("c_test.py", ""), ("d_test.py", "page.tone(440)")):
                pathlib.Path(folder, name).write_text(text, encoding="ascii")
            with unittest.mock.patch.multiple(parts, build=lambda _, name, *__: name, script_results=ran), unittest.mock.patch.dict(os.environ):
                parts.e2e(report, sorted(str(path) for path in pathlib.Path(folder).iterdir()), release=release)
        self.assertEqual(sorted(began), [("a_test", True), ("b_test", False), ("c_test", False), ("d_test", True)])

    def test_interrupted(self):
        """No file begins behind that."""
        began = []

        def ran(script, *_, **__):
            began.append(script)
            raise KeyboardInterrupt

        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            for n in range(9):
                pathlib.Path(folder, f"{n}_test.py").write_text("", encoding="ascii")
            with unittest.mock.patch.multiple(parts, build=lambda _, name, *__: name, script_results=ran, E2E_AT_ONCE=1), unittest.mock.patch.dict(os.environ):
                self.assertRaises(KeyboardInterrupt, parts.e2e, Report(), sorted(str(path) for path in pathlib.Path(folder).iterdir()))
        self.assertEqual(len(began), 1)

    def test_who_is_alone_is_alone(self):
        """It begins when all is done that runs beside."""
        began = []

        def ran(script, *_, **__):
            began.append((pathlib.Path(script).stem, self.outcome.done()))
            if len(began) == 1:
                threading.Timer(0.2, self.outcome.set_result, [(0, "")]).start()
            return [(f"e2e: {script}", PASSED, "")]

        report = Report()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), report.part("e2e"):
            for name, text in (("a_test.py", "ALONE = True\n"), ("b_test.py", "")):
                pathlib.Path(folder, name).write_text(text, encoding="ascii")
            with unittest.mock.patch.multiple(parts, build=lambda *_: folder, script_results=ran):
                parts.e2e(report, sorted(str(path) for path in pathlib.Path(folder).iterdir()), self.begins(report))
        self.assertEqual(began, [("b_test", False), ("a_test", True)])

    def test_a_node_has_all_that_it_starts(self):
        """In each build: what another part has built before may not be there."""
        built = []
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as output, (report := Report()).part("e2e"):
            scripts = [pathlib.Path(folder, f"{name}_test.py") for name in ("asan", "release", "tsan")]
            for script in scripts:
                script.write_text(f'BUILD = "{script.stem.removesuffix("_test")}"\n', encoding="ascii")
            with unittest.mock.patch.multiple(parts, build=lambda _, *words: built.append(words),
                                              script_results=lambda script, *_, **__: [(f"e2e: {script}: ran to its end", FAILED, "")]):
                parts.e2e(report, map(str, scripts))
        self.assertEqual({words[0] for words in built if "app/tandem-store" in words}, {"asan", "release", "tsan"})
        self.assertIn("failed beside others", output.getvalue())       # at once


class Ahead(unittest.TestCase):
    """What a part builds begins with the part before, and is waited for."""

    def build(self, folder):
        """(what build() gives, in which order things were built)"""
        made, go = [], threading.Event()

        def built(_report, name, targets, way):
            if way:
                go.wait()
            made.append((name, tuple(targets), way))
            return folder

        with unittest.mock.patch.multiple(parts, built=built, tsan_targets=lambda folder: (f"{folder}/t",)):
            parts.build_ahead(None, "tsan", "nice")
            threading.Timer(0.1, go.set).start()
            found = parts.build(None, "tsan", "tests/x"), parts.build(None, "tsan", "tests/x")
        self.assertEqual(parts.AHEAD, {})
        return found, made

    def test_waited_for(self):
        once = ("tsan", ("tests/x",), ())
        self.assertEqual(self.build("f"), (("f", "f"), [("tsan", ("build.ninja",), ("nice",)), ("tsan", ("f/t",), ("nice",)), once, once]))

    def test_failed(self):
        self.assertEqual(self.build(None)[0][0], None)


class Patience(unittest.TestCase):
    def test_as_slow_as_the_machine(self):
        """But no slower than somebody waits for what hangs."""
        for waiting, times in ((0.0, 1), (2.0, 1), (5.0, 2.5), (80.0, 4)):
            with unittest.mock.patch("os.getloadavg", lambda waiting=waiting: (waiting, 0, 0)), \
                    unittest.mock.patch("os.sched_getaffinity", lambda _: {0, 1}):
                self.assertEqual(parts.slowness(), times)

    def test_a_long_file_hangs_later(self):
        """One that begins on a quiet machine is beside all others soon."""
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch("os.getloadavg", lambda: (0.0, 0, 0)):
            for text, limit in ("", 400), ("LONG = 200\n", 800):
                script = pathlib.Path(folder, "a_test.py")
                script.write_text(text, encoding="ascii")
                self.assertEqual(parts.limit_of(f"{script}::A.test"), limit)


class InMemory(unittest.TestCase):
    """Where temporary files lie."""

    def place(self, room=0, memory="/dev/shm", **variables):
        """Its folder, if it is one of its own, and whether it is for all; afterwards it is gone and all is as it was."""
        with unittest.mock.patch.dict(os.environ, variables), unittest.mock.patch.object(tempfile, "tempdir", None):
            for name in {"TMPDIR", "TANDEM_KEEP"} - set(variables):
                os.environ.pop(name, None)
            before, chosen = tempfile.gettempdir(), os.environ.get("TMPDIR")
            with parts.in_memory(memory, room):
                folder = tempfile.gettempdir()
                moved = os.environ.get("TMPDIR") != chosen
                mode = os.stat(folder).st_mode & 0o7777
            self.assertEqual((tempfile.gettempdir(), os.environ.get("TMPDIR")), (before, chosen))
            self.assertEqual(os.path.exists(folder), not moved)
        return (os.path.dirname(folder), mode) if moved else None

    def test_where_there_is_room(self):
        self.assertEqual(self.place(), ("/dev/shm", 0o1777))

    def test_where_there_is_none(self):
        self.assertIsNone(self.place(room=1 << 60))
        with tempfile.TemporaryDirectory() as disk:
            self.assertIsNone(self.place(memory=disk))

    def test_who_chose_a_place_has_it(self):
        with tempfile.TemporaryDirectory() as mine:
            self.assertIsNone(self.place(TMPDIR=mine))
        self.assertIsNone(self.place(TANDEM_KEEP="1"))


class One(unittest.TestCase):
    """one.py, as the end-to-end files are run."""

    def lines(self, body):
        text = "import unittest, os\nclass T(unittest.TestCase):\n" + body
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([sys.executable, str(HERE / "one.py"), file.name],
                                  capture_output=True, text=True, check=False)
        found = [json.loads(line[2:]) for line in done.stdout.splitlines() if line[:2] == "@@"]
        return done.returncode, [(line["test"], line["result"]) for line in found]

    def test_pass_and_skip(self):
        self.assertEqual(self.lines(" def test_a(self): pass\n"
                                    " @unittest.skip('why')\n def test_b(self): pass\n"),
                         (0, [("T.test_a", "passed"), ("T.test_b", "skipped")]))

    def test_failures_of_each_kind(self):
        status, found = self.lines(" def test_a(self): self.fail('x')\n"
                                   " def test_b(self): raise OSError\n"
                                   " @unittest.expectedFailure\n def test_c(self): self.fail('x')\n")
        self.assertEqual(found, [(f"T.test_{x}", "failed") for x in "abc"])
        self.assertEqual(status, 1)

    def test_a_failed_subtest_is_no_pass(self):
        status, found = self.lines(" def test_a(self):\n  with self.subTest(1): self.fail('x')\n")
        self.assertEqual((status, found), (1, [("T.test_a", "failed")]))

    def test_a_broken_setup_is_a_failure(self):
        status, found = self.lines(" @classmethod\n def setUpClass(cls): raise OSError\n"
                                   " def test_a(self): pass\n")
        self.assertEqual((status, [result for _, result in found]), (1, ["failed"]))

    def test_one_method(self):
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write("import unittest\nclass T(unittest.TestCase):\n def test_a(self): pass\n def test_b(self): pass\n")
            file.flush()
            for name, wanted in (("T.test_b", ["T.test_b"]), ("T", ["T.test_a", "T.test_b"])):
                found = parts.script_results(f"{file.name}::{name}", "")
                self.assertEqual([(test.rpartition(": ")[2], result) for test, result, _ in found],
                                 [(test, PASSED) for test in wanted])
            self.assertEqual(parts.script_results(f"{file.name}::T.test_c", "")[0][1], FAILED)

    def test_one_method_of_another_file(self):
        """Of a file that runs the tests of others."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "other_test.py").write_text(
                "import unittest\nclass T(unittest.TestCase):\n def test_a(self): pass\n def test_b(self): pass\n", encoding="ascii")
            script = pathlib.Path(folder, "x_test.py")
            script.write_text("import other_test\ndef load_tests(loader, tests, pattern): return loader.loadTestsFromModule(other_test)\n",
                              encoding="ascii")
            for name, wanted in (("T.test_b", ["T.test_b"]), ("T", ["T.test_a", "T.test_b"])):
                found = parts.script_results(f"{script}::{name}", "")
                self.assertEqual([(test.rpartition(": ")[2], result) for test, result, _ in found], [(test, PASSED) for test in wanted])
            self.assertEqual(parts.script_results(f"{script}::T.test_c", "")[0][1], FAILED)

    def test_order(self):
        """The seed's: no test counts on another. Those of a class stay together."""
        body = "import unittest\n" + "".join(f"class {name}(unittest.TestCase):\n" + "".join(f" def test_{n}(self): pass\n" for n in (0, 1, 2, 3, "zz_4")) for name in "ABC")
        orders = []
        with tempfile.NamedTemporaryFile("w", suffix="_test.py") as file:
            file.write(body)
            file.flush()
            for seed in "1", "1", "2", "":
                with unittest.mock.patch.dict(os.environ, TANDEM_ORDER=seed):
                    orders.append([test.rpartition(": ")[2] for test, _, _ in parts.script_results(file.name, "")])
        self.assertEqual(orders[0], orders[1])
        self.assertEqual(orders[3], sorted(orders[3]))
        self.assertNotIn(orders[3], (orders[0], orders[2]))
        self.assertNotEqual(orders[0], orders[2])
        for order in orders:
            self.assertEqual(sorted(order), orders[3])
            self.assertTrue(all("zz" in name for name in order[4::5]), order)
            self.assertEqual(len([1 for a, b in zip(order, order[1:]) if a[0] != b[0]]), 2)

    def test_folders_of_a_failure_stay(self):
        body = ("import sys, tempfile, types, unittest\nleft = sys.modules['lib.node'] = types.SimpleNamespace(LEFT=[])\n"
                "class T(unittest.TestCase):\n"
                " def setUp(self): left.LEFT.append(tempfile.mkdtemp(dir=%r, prefix=self._testMethodName))\n"
                " def test_a(self): pass\n def test_b(self): self.fail()\n def test_c(self): pass\n")
        for keep, wanted in ({"TANDEM_KEEP": "1"}, ["test_b"]), ({}, []):
            with self.subTest(keep), tempfile.TemporaryDirectory() as folder:
                script = pathlib.Path(folder, "x_test.py")
                script.write_text(body % folder, encoding="ascii")
                done = subprocess.run([sys.executable, str(HERE / "one.py"), str(script)], capture_output=True, text=True,
                                      check=False, env={**os.environ, "TANDEM_KEEP": "", **keep})
                stay = [path.name for path in pathlib.Path(folder).glob("test_*")]
                self.assertEqual([name[:6] for name in stay], wanted)
                self.assertEqual(done.stdout.count("kept: "), len(wanted))

    def test_a_death_is_seen(self):
        self.assertEqual(self.lines(" def test_a(self): os._exit(3)\n"), (3, []))


class Words(unittest.TestCase):
    """What ./tandem test is asked for is understood before anything is installed."""

    def test_words(self):
        for words, status, said in (
                (["bogus"], 1, "'bogus' is none of format"),
                (["call::Calls.test_gone"], 1, "has no Calls.test_gone"),
                (["call::Calls.test_dscp"], 0, ""), (["unit", "call"], 0, ""), (["--keep"], 0, "")):
            with self.subTest(words):
                done = subprocess.run([sys.executable, str(HERE / "suite.py"), "--understood", *words],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, said in done.stderr), (status, True), done.stderr)

    def test_help_only_prints(self):
        """Of each command, in a tree of which nothing else could be run: nothing is installed, built or made."""
        root = HERE.parents[1]
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            (tree / "deploy").mkdir()
            for name in "tandem", "deploy/count.sh":
                shutil.copy(root / name, tree / name)
            environment = {"PATH": "/usr/bin:/bin", "HOME": folder}
            text = subprocess.run([tree / "tandem", "help"], capture_output=True, text=True, check=True, env=environment).stdout
            commands = sorted(set(re.findall(r"^  ([a-z]+)", text, re.M)) - {"ctl", "help"})
            self.assertGreater(len(commands), 10)
            for command in commands:
                for words in ["--help"], ["-h"], ["--check", "--help"]:
                    done = subprocess.run([tree / "tandem", command, *words], capture_output=True, text=True, check=False, timeout=60, env=environment)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), command)
                    self.assertTrue(done.stdout.startswith(f"usage: ./tandem {command} ") or done.stdout == f"usage: ./tandem {command}\n", done.stdout)
            self.assertEqual(sorted(str(path.relative_to(tree)) for path in tree.rglob("*")), ["deploy", "deploy/count.sh", "tandem"])

    def test_programs_of_peers(self):
        """On a fresh clone what the host has runs; of what it lacks is said what unpacks it."""
        root = HERE.parents[1]
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TANDEM_PEERS": os.path.join(folder, "peers"), "TANDEM_WITH_PEERS": ""}
            run = [str(root / "deploy" / "peers.sh"), "with"]
            done = subprocess.run([*run, "echo", "here"], capture_output=True, text=True, check=False, env=environment)
            self.assertEqual((done.returncode, done.stdout), (0, "here\n"), done.stderr)
            done = subprocess.run([*run, "no-such-phone"], capture_output=True, text=True, check=False, env=environment)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"no-such-phone is neither installed nor unpacked: .*peers.sh unpack run test bench")

    def test_the_script_asks_first(self):
        """So does ./tandem run: what is asked for help, or in vain, builds nothing."""
        root = HERE.parents[1]
        text = (root / "tandem").read_text(encoding="utf-8")
        for command in "run", "test":
            of_it = text[text.index(f"\n{command})"):]
            self.assertLess(of_it.index("understood "), of_it.index("install.sh"))
            for words, status, said in (["--help"], 0, f"usage: ./tandem {command}"), (["--bogus"], 2, "--bogus"):
                done = subprocess.run([root / "tandem", command, *words], capture_output=True, text=True, check=False, timeout=60)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(said, done.stdout + done.stderr)
                self.assertNotIn("building", done.stdout + done.stderr)


def findings_of(name, text):
    """What a script of scripts/ finds in that text."""
    path = HERE.parents[1] / "scripts"
    sys.path.insert(0, str(path))
    try:
        spec = importlib.util.spec_from_file_location(name, path / f"{name}.py")
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
    finally:
        sys.path.remove(str(path))
    with contextlib.chdir(HERE.parents[1]):
        return script.check(text)


class Counted(unittest.TestCase):
    """What a person sees of apt, meson and ninja: deploy/count.sh."""
    APT = """\
Hit:1 http://mirror.example bookworm InRelease
Get:2 http://mirror.example bookworm/main amd64 Packages [8793 kB]
0 upgraded, 4 newly installed, 0 to remove and 0 not upgraded.
Need to get 98.9 MB/212 MB of archives.
After this operation, 790 MB of additional disk space will be used.
""" + "Get:1 x\n" * 5 + ("Unpacking x\n" * 2 + "Setting up x\n" * 2) * 2
    NINJA = "The Meson build system\n" + "".join(f"[{n}/905] Compiling C object x.o\n" for n in range(1, 906))

    def counted(self, says, status=0, log=True, terminal=False):
        """(status, what is seen, what the log has) of a command that says so on standard error."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tandem-counted-")))
        (folder / "says").write_text(says, encoding="utf-8")
        script = (f'. {HERE.parents[1]}/deploy/count.sh; log={folder / "log" if log else ""}; set -eu; : >"{folder}/log"\n'
                  f'command() {{ echo the folder; cat {folder}/says >&2; (exit {status}); echo not reached >&2; }}\n'
                  f'whole() {{ cat {folder}/says >&2; echo the folder; }}\n'
                  f'out=$(counted "They are for x." "do y" {"command" if status else "whole"}); echo "[$out]"\n')
        (folder / "script").write_text(script, encoding="utf-8")
        words = ["sh", str(folder / "script")]
        if terminal:
            words = ["script", "-qec", " ".join(words), "/dev/null"]
        done = subprocess.run(words, env={**os.environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=30, check=False)
        return done.returncode, done.stdout.decode(), (folder / "log").read_text(encoding="utf-8")

    def test_packages(self):
        status, seen, log = self.counted(self.APT)
        self.assertEqual(status, 0)
        self.assertEqual(seen.splitlines()[:5], ["reading Debian's lists of packages",
                         "4 packages of Debian are missing: 98.9 MB to fetch, 790 MB on disk.", "They are for x.", "fetching 1 of 4 packages",
                         "fetching 2 of 4 packages"])
        self.assertEqual(seen.splitlines()[5:], ["fetching 4 of 4 packages", "unpacking 1 of 4 packages", "unpacking 2 of 4 packages",
                         "setting up 1 of 4 packages", "setting up 2 of 4 packages", "unpacking 4 of 4 packages",
                         "setting up 4 of 4 packages", "[the folder]"])
        self.assertEqual(log.strip(), self.APT.strip())

    def test_packages_that_are_unpacked_aside(self):
        _, seen, _ = self.counted(self.APT + "Hit:1 x\npeers: unpacks 2 packages below /x\nGet:1 x\nGet:2 x\n")
        self.assertEqual(seen.splitlines()[-5:], ["setting up 4 of 4 packages", "peers: unpacks 2 packages below /x", "fetching 1 of 2 packages",
                                                  "fetching 2 of 2 packages", "[the folder]"])

    def test_few_lines_in_a_file_and_one_at_a_terminal(self):
        _, seen, _ = self.counted(self.NINJA)
        self.assertEqual(seen.splitlines(), ["looking for compilers and libraries", "building 1 of 905", "building 452 of 905",
                                             "building 905 of 905", "[the folder]"])
        _, seen, _ = self.counted(self.NINJA, terminal=True)
        self.assertTrue("\r\x1b[Kbuilding 412 of 905\r\x1b[Kbuilding 413 of" in seen, seen[:200])
        self.assertEqual(seen.count("\n"), 1, "each in the place of the one before")

    def test_a_failure(self):
        status, seen, log = self.counted(self.NINJA + "FAILED: x.o\nx.c:1: error: no\n", status=7)
        self.assertEqual(status, 7)
        self.assertIn("building 905 of 905\ntandem: this failed. It said at last:\n    The Meson build system\n"
                      "    FAILED: x.o\n    x.c:1: error: no\nNext: do y\nAll that was said: ", seen)
        self.assertNotIn("not reached", log)

    def test_verbose(self):
        self.assertEqual(self.counted(self.APT, log=False)[:2], (0, self.APT + "[the folder]\n"))
        self.assertEqual(self.counted(self.APT, status=7, log=False)[:2], (7, self.APT))


class Seeds(unittest.TestCase):
    GOOD = "1 a call was lost # call/call_test.c: full_call"

    def test_good(self):
        self.assertEqual(findings_of("seeds", f"# words\n{self.GOOD}"), [])

    def test_bad(self):
        for text, said in (
                (f"{self.GOOD}\n{self.GOOD}", "listed twice"),
                ("# words", "no seeds"),
                (f"{self.GOOD}\n2 a call was lost", "is not"),
                (f"{self.GOOD}\n2 x # call/gone_test.c: full_call", "does not exist"),
                (f"{self.GOOD}\n2 x # call/call_test.c: gone", "does not have")):
            with self.subTest(said):
                findings = findings_of("seeds", text)
                self.assertEqual(len(findings), 1)
                self.assertIn(said, findings[0])


class Rows(unittest.TestCase):
    def findings(self, table):
        return findings_of("rows", table)

    GOOD = "| A-01 | x | `tests/run/runner_test.py::Rows.test_good` |"

    def test_good(self):
        self.assertEqual(self.findings(self.GOOD), [])

    def test_inherited(self):
        self.assertEqual(self.findings("| A-01 | x | `tests/e2e/devices_test.py::Memif.test_a_call` |"), [])
        self.assertEqual(len(self.findings("| A-01 | x | `tests/e2e/devices_test.py::Pcap.test_its_end_is_killed` |")), 1)

    def test_bad(self):
        for table, said in (
                (f"{self.GOOD}\n{self.GOOD}", "listed twice"),
                ("", "no rows"),
                ("| A-01 | x | soon |", "names no test"),
                ("| A-01 |  | `tests/run/runner_test.py::Rows.test_good` |", "says nothing"),
                ("| A-01 | x | `tests/run/gone_test.py::Rows.test_good` |", "does not exist"),
                ("| A-01 | x | `tests/run/runner_test.py::Rows.test_gone` |", "does not have")):
            with self.subTest(said):
                findings = self.findings(table)
                self.assertEqual(len(findings), 1)
                self.assertIn(said, findings[0])
