# SPDX-License-Identifier: Apache-2.0
"""Each bench brings what it needs: on a machine that has nothing else, `./tandem bench NAME` finds each module and each program.

What it imports, what the scripts that it starts import, and which programs all of them start is read from their text.  That it is
all, a bare Debian shows: ./tandem prove --benches.
"""
import ast
import functools
import pathlib
import re
import shutil
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
PLACES = [ROOT / path for path in ("bench", "tests", "tests/e2e", "tests/flow", "tests/run", "deploy/demo", "client", "scripts", "docs/guides")]      # of what is imported
PURPOSES = "build", "develop", "run", "bench"       # that ./tandem bench installs

# The package of what is no part of Python; that of a server brings it, too.
MODULES = {"numpy": {"python3-numpy"}, "websockets": {"python3-websockets"}, "eventlet": {"swift-proxy"}, "swift": {"swift-proxy"}, "botocore": {"python3-botocore"}}
# The package of a program; None: each Debian has it.
PROGRAMS = {"ip": "iproute2", "tc": "iproute2", "iptables": "iptables", "openssl": "openssl", "kamailio": "kamailio", "rtpengine": "rtpengine-daemon",
            "dpdk-testpmd": "dpdk-dev", "redis-server": "redis-server", "redis-cli": "redis-tools", "valgrind": "valgrind", "sipp": "sip-tester", "node": "nodejs", "npm": "npm",
            "mkfs.ext4": "e2fsprogs", "git": "git", "python3": "python3", "kamcmd": "kamailio", **dict.fromkeys(("ps", "pgrep", "kill"), "procps"),
            **dict.fromkeys(("cat", "chrt", "dpkg-query", "fsfreeze", "mount", "nice", "nsenter", "prlimit", "renice", "setarch", "setpriv", "sh", "sleep", "taskset",
                             "true", "umount", "unshare"))}
OTHERS = {("application_test.py", "opusenc"), ("npm.py", "npm")}      # of tests that no bench runs, in files whose other tests one does
STARTS = {"run", "Popen", "spawn", "check_output", "check_call", "pinned", "which", "Peer", "execvp"}


def benches():
    return sorted(path.stem for path in BENCH.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


def listed():
    """Packages that are there when a bench begins."""
    text = "\n".join((ROOT / f"deploy/packages/{purpose}.txt").read_text(encoding="utf-8") for purpose in PURPOSES)
    return {re.sub(r"^(peer|alone) +", "", line).split()[0] for line in text.splitlines() if line.strip() and line[0] != "#"}


def found(name):
    """The file of a module of ours."""
    for place in PLACES:
        for path in (place / (name.replace(".", "/") + ".py"), place / name.replace(".", "/") / "__init__.py"):
            if path.is_file():
                return path
    return None


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Names of modules, as they are found from anywhere."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            folder = path.parent.name + "." if node.level else ""
            module = folder + (node.module or "")
            yield module.rstrip(".")
            yield from (f"{module}.{name.name}".replace("..", ".") for name in node.names if found(f"{module}.{name.name}".replace("..", ".")))


def texts(path):
    return [node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def scripts(path):
    """Files of ours that it starts: by their names, or as a module."""
    for text in texts(path):
        if re.fullmatch(r"cluster\.\w+", text):
            yield found(text)
        name = text.partition("::")[0]
        if re.fullmatch(r"\w+\.py", name):
            yield from (place / name for place in (*PLACES, ROOT / "tests/e2e/lib") if (place / name).is_file())


@functools.cache
def closure(bench):
    """(its files, and names of modules that are not ours)"""
    files, foreign, left = set(), set(), [BENCH / f"{bench}.py"]
    while left:
        path = left.pop()
        if path in files:
            continue
        files.add(path)
        left += [one for one in scripts(path) if one]
        for name in imports(path):
            if of_it := found(name):
                left.append(of_it)
            elif name.partition(".")[0] not in sys.stdlib_module_names and not found(name.partition(".")[0]):
                foreign.add(name.partition(".")[0])
    return files, foreign


@functools.cache
def programs(path):
    """First words of commands."""
    return {word for word in words(path) if (path.name, word) not in OTHERS}


def words(path):
    for node in ast.walk(tree_of(path)):
        commands = []
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in STARTS:
            commands = [part for given in node.args for part in ast.walk(given)]
            if getattr(node.func, "attr", "") == "which":
                yield from (given.value for given in node.args if isinstance(given, ast.Constant))
        if isinstance(node, ast.Assign) and any("command" in ast.dump(target) for target in node.targets):
            commands = list(ast.walk(node.value))
        for part in commands:
            if isinstance(part, (ast.List, ast.Tuple)) and part.elts and isinstance(part.elts[0], ast.Constant) and isinstance(part.elts[0].value, str):
                yield part.elts[0].value


class Needs(unittest.TestCase):
    def test_all_are_known(self):
        self.assertIn("boxes", benches())
        self.assertGreater(len(benches()), 25)

    def test_modules(self):
        packages = listed()
        for bench in benches():
            for module in closure(bench)[1]:
                with self.subTest(bench=bench, module=module):
                    self.assertIn(module, MODULES, "name its package here and in deploy/packages/bench.txt")
                    self.assertTrue(MODULES[module] & packages, f"deploy/packages/bench.txt lacks {MODULES[module]}")

    def test_programs(self):
        packages = listed()
        for bench in benches():
            for path in closure(bench)[0]:
                for program in programs(path):
                    name = program.rpartition("/")[2]
                    if name not in PROGRAMS and not shutil.which(name):
                        continue        # no program
                    with self.subTest(bench=bench, file=path.name, program=name):
                        self.assertIn(name, PROGRAMS, "name its package here and in deploy/packages/bench.txt")
                        self.assertTrue(PROGRAMS[name] is None or PROGRAMS[name] in packages, f"deploy/packages/bench.txt lacks {PROGRAMS[name]}")

    def test_what_is_read(self):
        """A server that a bench starts by its file's name, a test by its own, and a command in another one's words."""
        files, foreign = closure("boxes")
        self.assertIn(ROOT / "tests/e2e/lib/swift_server.py", files)
        self.assertIn("eventlet", foreign)
        self.assertIn(ROOT / "tests/e2e/webhooks_test.py", closure("api")[0])
        self.assertIn(ROOT / "tests/cluster/place.py", closure("takeover")[0])
        self.assertIn("redis-server", programs(BENCH / "boxes.py"))
        self.assertIn("valgrind", programs(BENCH / "tree.py"))


if __name__ == "__main__":
    unittest.main()
