# SPDX-License-Identifier: Apache-2.0
"""The parts of the suite.  Each runs its tools and adds every test to the report."""
import ast
import concurrent.futures
import contextlib
import glob
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import examples
import tap
from gate import Gate, available, idle_since, times
from report import FAILED, PASSED, SKIPPED

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "deploy" / "demo"))
from patience import SLOWEST as SLOWEST_TIMES, slowness      # noqa: E402
E2E = ROOT / "tests" / "e2e"
PEERS = ROOT / "deploy" / "peers.sh"            # before a command: it sees the servers and phones that are unpacked, and not installed
SIM = "tests/sim/sim"
SEEDS = (       # of the simulator: what, how many, by which builds, its words; --long: three times as many
    ("fresh seeds", 400, "asan", "--first 301"),
    ("seeds of one node", 300, "asan plain", ""),
    ("seeds of three nodes with two shards", 160, "asan plain", "--nodes 3 --shards 2"),
    ("seeds of three nodes whose leases say who has which shard", 340, "plain", "--nodes 3 --shards 2 --floats"),
    ("seeds in which phones call a room, of one node with three shards", 160, "plain", "--rooms --shards 3"),
    ("seeds in which phones call a room, of three nodes", 160, "asan", "--rooms --nodes 3"),
    ("seeds in which a queue calls back, of one node", 160, "plain", "--callbacks"),
    ("seeds in which a queue calls back, of two nodes", 50, "plain", "--callbacks --nodes 2"),
    ("seeds of leases alone", 160, "asan plain", "--leases"),
    ("seeds of leases alone, of two nodes", 160, "plain", "--leases --nodes 2"),
    ("seeds of leases alone, of four nodes", 160, "plain", "--leases --nodes 4"))
PROGRAMS = "app/tandemd", "app/tandemctl", "app/tandem-store", "app/tandem-helper", "app/tandem-archive", "app/tandem-ftp"
WALL = "tests/step_clock.so"        # for a node whose wall clock a test sets
LOAD = "bench/rtpload"               # audio of many calls; of plain, as -O3 over all files takes a minute of two processors to link it
THREADED = "threads",               # suites whose tests run in more than one thread: in another one ThreadSanitizer can find nothing
SLOWEST = 12                        # end-to-end files whose time is told
FAIL_ONCE = 8                       # tests, or programs of a build, that may fail once: a machine that stands still has one of each file that runs
SCRIPT_SECONDS = 400                # an end-to-end file that takes longer hangs, and so many times what it says itself: see limit_of()
SPENT = {}                          # by end-to-end file: seconds of a processor, see one.py
AT_LENGTH = "TANDEM_LONG", "TANDEM_RACES", "TANDEM_MOVES", "TANDEM_SPEAKERS", "TANDEM_REQUESTS"      # unless it was told to
NPM = {"browser": r"\bbrowser_test\b|import browser\b", "api": r"\bnpm\.install\b"}        # which files want the packages of a folder of tests/e2e
ROOM = 8 << 30                      # octets of memory that must be free: far more than the files of a run
CORES = len(os.sched_getaffinity(0))
AT_ONCE = min(12, 4 * CORES)        # programs of unit tests: many wait
E2E_AT_ONCE = min(16, 8 * CORES)    # end-to-end files: they mostly wait; gate.py lets fewer in where there is no time for them
LISTENS = r"wait_tone|is_tone|hears\(|heard\(|\btones?\("       # a file that measures sound

SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:halt_on_error=1:exitcode=99",
    # undefined behaviour goes on by default, and nobody would see it
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:exitcode=99:suppressions={ROOT}/tests/tsan.supp",
}


@contextlib.contextmanager
def environment():
    """Variables for every child: sanitizers that end a process, a git that answers, and files in memory."""
    os.environ.update(SANITIZERS)
    # The checkout may belong to somebody else than who runs the tests.
    os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory",
                      GIT_CONFIG_VALUE_0=str(ROOT))
    # Modules are compiled once, and not beside the sources; a library's threads are no test's.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.update(PYTHONPYCACHEPREFIX=str(ROOT / "build" / "python"), OPENBLAS_NUM_THREADS="1")
    os.environ["PATH"] += f":{os.environ.get('TANDEM_PEERS', ROOT / 'build' / 'peers')}/bin"      # Redis, for nodes of the suite itself
    with in_memory(), tempfile.TemporaryDirectory(prefix="tandem-git-") as folder:
        if not (ROOT / ".git").exists():        # an unpacked archive: list files through an empty one
            os.environ.update(GIT_DIR=folder, GIT_WORK_TREE=str(ROOT))
            subprocess.run(["git", "init", "-q"], check=True)
        yield


@contextlib.contextmanager
def in_memory(memory="/dev/shm", room=ROOM):
    """Temporary files lie in memory, where it has room for them: how slow the disk is decides nothing.

    Not where somebody chose a place, or wants to look at them later.
    """
    before = os.environ.get("TMPDIR")
    if before or os.environ.get("TANDEM_KEEP") or not os.path.ismount(memory) or min(shutil.disk_usage(memory).free, available()) < room:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="t-", dir=memory) as folder:       # short: sockets lie below it
        os.chmod(folder, 0o1777)        # nodes without privileges have files there
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = None
            del os.environ["TMPDIR"]


def run(*command, **options):
    """(exit status, output) of a command, which has all that tests need."""
    done = subprocess.run([PEERS, "with", *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    return done.returncode, done.stdout


def files(*patterns):
    """Files of the project that match: tracked, or new and not ignored."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", "--", *patterns)[1].splitlines()
    return sorted(name for name in set(listed) if (ROOT / name).is_file())


def check(report, test, *command):
    """A command that must exit with 0, as one test; with 77 where it cannot look."""
    status, output = run(*command)
    report.add(test, {0: PASSED, 77: SKIPPED}.get(status, FAILED), output)


def steady():
    """clang 14's and gcc 12's sanitizers do not start where the kernel spreads addresses wider."""
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text(encoding="ascii"))
    except (OSError, ValueError):
        bits = 28
    if bits <= 28 or run("setarch", "-R", "true")[0]:
        return ()
    return ("setarch", "-R")


AHEAD = {}                          # builds that were begun before they were wanted, by name


def build(report, name, *targets, way=()):
    """The folder of a finished build, or None, which is a failed test.  way: how it is run."""
    if name in AHEAD and not AHEAD.pop(name).result():
        return None         # it is a failed test by now
    return built(report, name, targets, way)


def built(report, name, targets, way):
    done = subprocess.run([*way, str(ROOT / "tandem"), "build", name, *targets], cwd=ROOT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode:
        report.add(f"build {name}", FAILED, done.stderr)
        return None
    return done.stdout.strip()


def build_begin(report, name, *way):
    """A build of a whole node that is wanted later, by the words of way: its folder to come."""
    return concurrent.futures.ThreadPoolExecutor(1).submit(build, report, name, *PROGRAMS, WALL, way=way)


def build_ahead(report, name, *way):
    """All that a part of that name builds: the part before leaves time for it, and build() waits for it. Nothing where it is there."""
    targets = tsan_targets if name == "tsan" else lambda folder: ()

    def all_of_it():
        folder = built(report, name, ("build.ninja",), way)
        return folder and built(report, name, targets(folder), way)

    AHEAD[name] = concurrent.futures.ThreadPoolExecutor(1).submit(all_of_it)


def meson(report, folder, *selected):
    """Runs the tests of a build and adds each one of each program.  Few that failed are run once more, by themselves."""
    entries, output = meson_log(folder, AT_ONCE, *selected)
    if not entries:
        report.add(f"meson test in {folder}", FAILED, output)
        return
    failed = [entry for entry in entries if any(result == FAILED for _, result, _ in tap.results(entry))]
    again = {}
    if failed and len(failed) <= FAIL_ONCE:
        names = [entry["name"].rpartition(" / ")[2] for entry in failed if not (certain(tap.output(entry)) or crashed(entry))]
        again = {entry["name"]: entry for entry in (meson_log(folder, 1, *names)[0] if names else ())}
    for entry in entries:
        report.ran(tap.name_of(entry), entry.get("duration", 0))
        once_more(report, entry, again.get(entry["name"]) if entry in failed else None)


def meson_log(folder, at_once, *selected):
    """([a line of meson's log for each program], what meson printed)"""
    for old in glob.glob(f"{folder}/meson-logs/suite*.json"):
        os.unlink(old)
    _, output = run(*steady(), "meson", "test", "-C", folder, "--no-rebuild", "--logbase", "suite",
                    "--num-processes", str(at_once), "--timeout-multiplier", f"{slowness():.1f}", *selected)
    logs = glob.glob(f"{folder}/meson-logs/suite*.json")
    lines = pathlib.Path(logs[0]).read_text(encoding="utf-8").splitlines() if logs else []
    return [json.loads(line) for line in lines], output


def once_more(report, entry, again):
    """Adds the tests of a program; again: what it said when it ran once more, alone, or None."""
    later = dict((test, result) for test, result, _ in tap.results(again)) if again else {}
    passes = later and FAILED not in later.values()
    for test, result, text in tap.results(entry):
        if result == FAILED and passes and later.get(test, PASSED) == PASSED:
            report.unsteady(test, text)
        else:
            report.add(test, result, text)


def crashed(entry):
    return entry["returncode"] < 0 and entry["result"] != "TIMEOUT"


def certain(output):
    """What a sanitizer or an assertion of the code said is true whenever it was said."""
    return re.search(r"Sanitizer|runtime error:|Assertion .* failed", output)


def format_(report):
    """House rules, as many at once as there are processors."""
    sources = files("*.c", "*.h")
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        checks = [pool.submit(check, report, f"rules: {name}", *command) for name, *command in (
            *(("clang-format", "clang-format", "--dry-run", "-Werror", *sources[part::CORES]) for part in range(CORES)),
            *((script, "python3", f"scripts/{script}.py") for script in ("layers", "rows", "modules", "seeds", "stories")),
            ("words", "python3", "scripts/sources.py", "--none", "words"),
            ("shellcheck", "shellcheck", "tandem", ".ci/run", *files("*.sh", "scripts/hooks/*", "deploy/debian/p*")))]
        scripts = [pool.submit(script_results, script, "", "rules") for script in sorted((ROOT / "tests" / "run").glob("*_test.py"))]
        for done in checks:
            done.result()
    broken = []
    for name in files("*.py"):
        try:
            ast.parse((ROOT / name).read_text(encoding="utf-8"), name)
        except SyntaxError as error:
            broken.append(str(error))
    report.add("rules: python compiles", FAILED if broken else PASSED, "\n".join(broken))
    for result in (*examples.written(ROOT, files("*.md")), *(result for script in scripts for result in script.result())):
        report.add(*result)


def unit(report, plain=False):
    """All unit tests, built by gcc.  plain: the suite that a build with sanitizers has not, or not so deep, and which folder links with which."""
    if not plain:
        if folder := build(report, "debug"):
            meson(report, folder)
    elif folder := build(report, "plain", "build.ninja"):
        links = [program for program in json.loads(run("meson", "introspect", "--targets", folder)[1]) if program["name"].endswith("_links")]
        names = [os.path.relpath(program["filename"][0], folder) for program in links]
        if build(report, "plain", *programs_of(folder, ["plain"]), *names):
            meson(report, folder, "--suite=plain")


def portable(report):
    """SRTP as it is on machines without ipsec-mb: by OpenSSL alone."""
    if not (folder := build(report, "portable", "build.ninja")):
        return
    tests = {name: program for name, program in named_programs(folder).items()
             if name.startswith("srtp") or name == "replay engine_srtp"}
    if build(report, "portable", *sorted(set(tests.values()))):
        for name, program in tests.items():
            linked = run("ldd", f"{folder}/{program}")[1]
            report.add(f"portable: {name} has OpenSSL and no ipsec-mb",
                       PASSED if "libcrypto" in linked and "IPSec_MB" not in linked else FAILED, linked)
        meson(report, folder, *tests)


def asan(report):
    if folder := build(report, "asan"):
        meson(report, folder)


def sim_begin(report, *way):
    """Begins all runs of the simulator, each by the words of way: [(test, build, its outcome to come)].  None where a build failed.

    The first ones take longest.  Its time is virtual: beside other tests it may have what they leave, and tells the same stories.
    """
    programs = {name: folder and f"{folder}/{SIM}" for name, folder in
                ((name, build(report, name, SIM)) for name in ("asan", "plain"))}
    if not all(programs.values()):
        return None
    records = sorted(path.name for path in (ROOT / "tests" / "data" / "records").glob("sim*"))
    runs = [("named stories, killed behind each effect", "plain", ("--stories",))]     # the longest first
    times = 3 if "TANDEM_LONG" in os.environ else 1
    runs += [(f"{times * count} {what}", build_of, (*words.split(), "--seeds", str(times * count)))
             for what, count, builds, words in SEEDS for build_of in builds.split()]
    runs += [("seeds that failed once", "asan", ("--list", "tests/sim/seeds.txt", "--seeds", "0")),
             ("what is broken on purpose is seen", "asan", ("--self-test",))]
    runs += [(f"a node goes on with the records of earlier builds ({folder})", "asan",
              ("--records", f"tests/data/records/{folder}")) for folder in records]
    pool = concurrent.futures.ThreadPoolExecutor(CORES)
    return [(test, name, pool.submit(run, *way, *steady(), programs[name], *words)) for test, name, words in runs]


def sim(report, begun=None):
    """The simulator: seeds that failed once, fresh ones under sanitizers, and one story in every build.  begun: of sim_begin()."""
    begun, stories = begun or sim_begin(report), {}
    if not begun:
        return
    for test, name, outcome in begun:
        status, output = outcome.result()
        report.add(f"sim: {test}", FAILED if status else PASSED, output)
        if "seeds" in test:
            print("\n".join(f"   {line}" for line in output.splitlines() if line.startswith("# ")), flush=True)
        stories[test, name] = output.rpartition("# all stories: ")[2]
    same = all(told == stories[test, "asan"] for (test, _), told in stories.items() if (test, "asan") in stories)
    report.add("sim: every build and compiler tells the same stories", PASSED if same else FAILED, str(stories))


def tsan(report):
    if folder := build(report, "tsan", "build.ninja"):      # configured: now the programs are known
        if build(report, "tsan", *tsan_targets(folder)):
            meson(report, folder, *(f"--suite={suite}" for suite in THREADED))


def tsan_targets(folder):
    return programs_of(folder, THREADED)


def programs_of(folder, suites):
    """The test programs of these suites and the modules that they load, as ninja names them."""
    tests = json.loads(run("meson", "introspect", "--tests", folder)[1])
    files = {target["id"]: target["filename"] for target in json.loads(run("meson", "introspect", "--targets", folder)[1])}
    chosen = [test for test in tests if {suite.rpartition(":")[2] for suite in test["suite"]} & set(suites)]
    return sorted({os.path.relpath(file, folder) for test in chosen for need in test["depends"] for file in files[need]})


def named_programs(folder):
    """Every test and its program, as ninja names it."""
    return {test["name"]: os.path.relpath(test["cmd"][0], folder)
            for test in json.loads(run("meson", "introspect", "--tests", folder)[1])}


def shuffled(scripts, seed):
    """In an order that the seed says: which files run beside which must not matter.  The longest first, or all would wait for one."""
    order = sorted(scripts)
    random.Random(seed).shuffle(order)
    return sorted(order, key=lambda script: -int(wants(script, "LONG") or 0))


def e2e(report, chosen=(), beside=(), seed=0, release=None):
    """Python tests of whole nodes, several files at a time, shuffled().  Then those that want to be alone.

    Few that failed are run once more, by themselves: see judge().
    chosen: files, or FILE::CLASS[.METHOD].  beside: what runs beside those that do not want to be alone, of sim_begin().
    release: of build_begin(), where that was called.
    """
    print(f"   files in random order: --seed {seed} repeats it", flush=True)
    scripts = shuffled([str(path) for path in chosen or E2E.glob("*_test.py")], seed)
    variants = {script: variant_of(script, None if chosen else seed) for script in scripts}
    folders = {variant: build(report, variant, *PROGRAMS, WALL) for variant in {*variants.values()} - ({"release"} if release else set())}
    if "release" in variants.values():
        os.environ["TANDEM_RTPLOAD"] = f"{build(report, 'plain', LOAD)}/{LOAD}"
    for name, words in NPM.items():
        # Here: some files run where no network is, and the others would wait for them.
        if any(re.search(words, text_of(script)) for script in scripts):
            report.add(f"e2e: the npm packages of tests/e2e/{name} are installed", *packages(name))
    if any(re.search(r"\bpages\.bundle\b", text_of(script)) for script in scripts):
        report.add("e2e: the web pages are bundled", *bundled())
    shared = [script for script in scripts if not wants(script, "ALONE")]
    took, failed, gate, lock = {}, [], Gate(), threading.Lock()
    os.environ["TANDEM_ORDER"] = str(seed)      # of the tests of a file: see one.py

    def ready(script):
        """Its build is there; and who listens waits until nobody compiles."""
        if release and not release.done():
            return variants[script] != "release" and not re.search(LISTENS, text_of(script))
        if release:
            folders["release"] = release.result()
        return True

    def timed(script):
        gate.enter()
        began = time.monotonic()
        results = script_results(script, folders[variants[script]], ran=report.ran)
        took[script] = time.monotonic() - began
        gate.leave()
        with lock:
            for test, result, output in results:
                if result == FAILED:
                    failed.append((script, test, output))
                    print(f"   failed beside others: {test}", flush=True)
                else:
                    report.add(test, result, output)

    for group, workers in ((shared, E2E_AT_ONCE), ([s for s in scripts if s not in shared], 1)):
        if workers == 1:
            concurrent.futures.wait([*(outcome for *_, outcome in beside), *filter(None, [release])])
        began, spent, turns = time.monotonic(), times(), Turns(group, ready)
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            try:
                for done in [pool.submit(turns.take, timed) for _ in range(workers)]:
                    done.result()
            finally:
                turns.left.clear()      # who was interrupted begins no more
        print(f"   {len(group)} files, {workers} at a time at most: {time.monotonic() - began:.0f} s, processors idle for {idle_since(spent, ()):.0%}; " + ", ".join(
            f"{pathlib.Path(script.partition('::')[0]).stem} {took[script]:.0f} s"
            for script in sorted(group, key=took.get, reverse=True)[:SLOWEST]), flush=True)
        costly = sorted(set(group) & set(SPENT), key=SPENT.get, reverse=True)
        print(f"   {sum(map(SPENT.get, costly)):.0f} s of a processor: " + ", ".join(
            f"{pathlib.Path(script).stem} {SPENT[script]:.0f} s" for script in costly[:SLOWEST]), flush=True)
    del os.environ["TANDEM_ORDER"]
    judge(report, failed, {script: folders[variants[script]] for script in scripts})


class Turns:
    """Files in their order, for several that take one after the other: the next one is the first that is ready."""

    def __init__(self, scripts, ready):
        self.left, self.ready, self.lock = list(scripts), ready, threading.Lock()

    def take(self, run_it):
        while self.left:
            with self.lock:
                script = next(filter(self.ready, self.left), None)
                if script:
                    self.left.remove(script)
            if script:
                run_it(script)
            else:
                time.sleep(0.2)


def judge(report, failed, folders):
    """failed: [(script, test, output)]; folders: the build of each script.

    A machine that stands still for seconds fails a test now and then.  So up to FAIL_ONCE tests are run once more, alone.  One that
    passes then is named as unsteady, with what it said when it failed.  Where more failed, something is broken: nothing is run again.
    Nor is what is certain().
    """
    few = (count := len({test for _, test, _ in failed})) <= FAIL_ONCE
    if not few:
        print(f"   {count} tests failed: where more than {FAIL_ONCE} do, none is run again", flush=True)
    for script, test, output in failed:
        file, method = script.partition("::")[0], test.split(": ", 2)[-1]     # a build that failed has no method
        again = few and re.fullmatch(r"\w+\.\w+", method) and not certain(output)
        results = script_results(f"{file}::{method}", folders[script]) if again else []
        if results and all(result == PASSED for _, result, _ in results):
            report.unsteady(test, output)
        else:
            report.add(test, FAILED, "\n-- once more, alone:\n".join([output, *(said for _, result, said in results if result == FAILED)]))


def packages(name):
    """(result, output): what a lock file of tests/e2e names lies in the build folder."""
    status, output = run(sys.executable, "-c", f"from lib import npm; npm.install({name!r})",
                         env={**os.environ, "PYTHONPATH": f"{E2E}:{ROOT}/deploy/demo"})
    return FAILED if status else PASSED, output


def bundled():
    """(result, output): build/pages is made of web/, and what checks types is there."""
    status, output = run(sys.executable, "-c", "from lib import pages; pages.bundle(); pages.axe()",
                         env={**os.environ, "PYTHONPATH": f"{E2E}:{ROOT}/deploy/demo"})
    return FAILED if status else PASSED, output


def text_of(script):
    return pathlib.Path(script.partition("::")[0]).read_text(encoding="utf-8")


def wants(script, name):
    """The value of a line NAME = value of a file: ALONE = True where other load would spoil it, LONG = the seconds of one that takes many."""
    match = re.search(rf'^{name} = "?(\w+)"?(?: *#.*)?$', text_of(script), re.M)
    return match[1] if match else None


def variant_of(script, seed=None):
    """The build a file wants: BUILD = "release" where it measures.  Of the others half run as they are shipped, another half by each seed, as
    sanitizers take about twice the processor's time; with seed None, or --long, all run with sanitizers."""
    shipped = seed is not None and "TANDEM_LONG" not in os.environ and zlib.crc32(f"{seed} {pathlib.Path(script).stem}".encode()) % 2
    return wants(str(script), "BUILD") or ("release" if shipped else "asan")


def limit_of(script):
    """Seconds after which a file hangs.  It begins while little runs, and goes on beside all others."""
    return max(SCRIPT_SECONDS, SLOWEST_TIMES * int(wants(str(script), "LONG") or 0)) * slowness()


def script_results(script, folder, kind="e2e", ran=lambda test, seconds: None):
    """[(test, result, output)] of one unittest file, run in a process of its own; ran() hears how long each took."""
    name = pathlib.Path(str(script).partition("::")[0]).stem
    if folder is None:
        return [(f"{kind}: {name}", FAILED, "its build failed")]
    command = [*steady(), sys.executable, str(ROOT / "tests" / "run" / "one.py"), str(script)]
    limit = None if set(AT_LENGTH) & set(os.environ) else limit_of(script)
    try:
        status, output = run(*command, env={**os.environ, "TANDEM_BUILD": folder}, timeout=limit)
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode("utf-8", "replace")
        status, output = 1, f"{text}\nstill running after {limit:.0f} s"
    print("".join(f"   {line}\n" for line in re.findall("^kept: .*$", output, re.M)), end="", flush=True)
    SPENT.update((str(script), float(seconds)) for seconds in re.findall(r"^processor: ([\d.]+) s$", output, re.M))
    results = []
    for found in map(json.loads, re.findall(r"^@@(\{.*\})$", output, re.M)):
        results.append((f"{kind}: {name}: {found['test']}", found["result"], found["output"]))
        ran(results[-1][0], found["seconds"])
    if (status != 0 and not any(result == FAILED for _, result, _ in results)) or not results:
        results.append((f"{kind}: {name}: ran to its end", FAILED, output))
    return results


def docs(report):
    """Examples of the documentation, run as they stand there."""
    folder = build(report, "release", *PROGRAMS)
    if folder:
        check(report, "docs deploy/tandem.yaml: valid", f"{folder}/app/tandemd", "--check-syntax",
              "deploy/tandem.yaml")
    for test, result, output in examples.results(ROOT, folder, files("*.md")):
        report.add(test, result, output)
    for drop_in in (None, *files("deploy/tandem-*.conf")):
        report.add(*unit_file(drop_in))


def unit_file(drop_in):
    """(test, result, output): deploy/tandem.service, alone or with a drop-in, as systemd reads it."""
    test = f"docs {drop_in or 'deploy/tandem.service'}: systemd understands it"
    if run("sh", "-c", "command -v systemd-analyze")[0]:
        return test, SKIPPED, "needs systemd-analyze (package systemd)"
    with tempfile.TemporaryDirectory(prefix="tandem-unit-") as folder:
        unit = pathlib.Path(folder) / "tandem.service"
        text = (ROOT / "deploy" / "tandem.service").read_text(encoding="utf-8")
        unit.write_text(text.replace("/usr/local/bin/tandemd", "/bin/true"), encoding="utf-8")     # it must be there
        if drop_in:
            (unit.parent / "tandem.service.d").mkdir()
            shutil.copy(ROOT / drop_in, unit.parent / "tandem.service.d")
        status, output = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit))
        ours = [line for line in output.splitlines() if folder in line or "tandem" in line]
    return test, FAILED if status or ours else PASSED, output
