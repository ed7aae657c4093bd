# SPDX-License-Identifier: Apache-2.0
"""Packages of npm that tests use: tests/e2e/NAME/package.json, as locked there, in build/NAME/node_modules."""
import fcntl
import os
import shutil
import subprocess
import time

from . import ROOT

TRIES = 4


def modules(name):
    return ROOT / "build" / name / "node_modules"


def install(name):
    """Once for each lock file."""
    target = modules(name).parent
    target.mkdir(parents=True, exist_ok=True)
    with open(target / ".lock", "w", encoding="ascii") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        install_as_locked(target, ROOT / "tests" / "e2e" / name)
    return modules(name)


def install_as_locked(target, source):
    lock = source / "package-lock.json"
    installed = target / "installed"  # written last: what is cut short is not taken for whole
    if (target / "node_modules").is_dir() and installed.is_file() and installed.read_bytes() == lock.read_bytes():
        return
    for file in (source / "package.json", lock):
        shutil.copy(file, target)
    for left in reversed(range(TRIES)):  # what a network loses is not the node's
        done = subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=target, check=not left,
                              stdout=subprocess.DEVNULL, env={**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin"})
        if done.returncode == 0:
            break
        time.sleep(5)
    shutil.copy(lock, installed)
