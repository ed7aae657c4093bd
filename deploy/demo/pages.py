# SPDX-License-Identifier: Apache-2.0
"""The web pages: web/ bundled into a folder, by packages of npm as locked there. Node and npm of Debian are unpacked where they lack."""
import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE, PEERS = ROOT / "web", ROOT / "deploy" / "peers.sh"
TRIES = 3


class PagesError(Exception):
    """Why there are no pages, in words."""


def work_folder():
    """Where packages and sources lie while they are bundled: beside what is unpacked."""
    peers = os.environ.get("TANDEM_PEERS") or str(ROOT / "build" / "peers")
    return pathlib.Path(peers).parent / "web"


def sources():
    return sorted(path for path in SOURCE.rglob("*") if path.is_file() and "node_modules" not in path.parts)


def digest():
    """Of all that the bundle is made of."""
    state = hashlib.sha256()
    for path in sources():
        state.update(f"{path.relative_to(SOURCE)}\0".encode() + path.read_bytes() + b"\0")
    return state.hexdigest()


def tools(command):
    """The command, with node and npm in its PATH."""
    if shutil.which("node") and shutil.which("npm"):
        return command
    return [str(PEERS), "with", *command]


def unpack():
    if not (shutil.which("node") and shutil.which("npm")):
        call([str(PEERS), "unpack", "web"], ROOT)


def call(command, folder):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise PagesError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


@contextlib.contextmanager
def place(dev=False):
    """web/ with its packages in the work folder, for as long as nobody else has it. dev: with what checks types."""
    folder = work_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        unpack()
        install(folder, dev)
        shutil.rmtree(folder / "src", ignore_errors=True)
        for path in sources():
            (folder / path.relative_to(SOURCE)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.relative_to(SOURCE))
        yield folder


def install(folder, dev):
    lock, installed = SOURCE / "package-lock.json", folder / "installed"      # written last: what is cut short is not taken for whole
    wanted = lock.read_bytes() + (b"dev" if dev else b"")
    if installed.is_file() and installed.read_bytes() in (wanted, lock.read_bytes() + b"dev"):
        return
    installed.unlink(missing_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", *(() if dev else ("--omit=dev",))]
    for left in reversed(range(TRIES)):         # what a network loses
        try:
            call(tools(command), folder)
            break
        except PagesError:
            if not left:
                raise
            time.sleep(3)
    installed.write_bytes(wanted)


def build(target):
    """The bundle in that folder, made only where its sources are others than before."""
    target, now = pathlib.Path(target), digest()
    mark = target.with_name(target.name + ".made")
    if target.is_dir() and mark.is_file() and mark.read_text(encoding="ascii") == now:
        return
    with place() as folder:
        mark.unlink(missing_ok=True)
        call(tools(["node", "build.mjs", str(target.absolute())]), folder)
        mark.write_text(now, encoding="ascii")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="the folder of the bundle")
    try:
        build(parser.parse_args().target)
    except (PagesError, OSError) as error:
        print(f"pages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
