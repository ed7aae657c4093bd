#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The archive: how many conversations a second it takes, with all indexes, and how long a page of history takes, on both engines.

bench/archiveload.c writes a carrier's year of call records, and asks for pages with a list and two filters at random. `ingest` counts for the last
tenth of them. PostgreSQL runs here, on this machine's disk, as Debian configures it but for its shared memory."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import lib
from children import end, spawn

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534
WANTED = {"postgresql": 8000, "sqlite": 6000}
PAGE_MS = 100
CALLS, CALLS_QUICK = 5000000, 50000


def drop(command):
    """PostgreSQL runs for anybody but root."""
    return command if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


@contextlib.contextmanager
def postgresql(folder):
    """Its URL."""
    data = pathlib.Path(folder, "data")
    data.mkdir(mode=0o700)
    if not os.geteuid():
        os.chown(folder, NOBODY, NOBODY)
        os.chown(data, NOBODY, NOBODY)
    subprocess.run(drop([str(PROGRAMS / "initdb"), "-D", str(data), "-U", "tandem", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"]),
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    server = spawn(drop([str(PROGRAMS / "postgres"), "-D", str(data), "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=",
                         "-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not pathlib.Path(folder, ".s.PGSQL.5432").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    try:
        yield f"postgresql://tandem@/postgres?host={folder}"
    finally:
        end(server)


def measure(where, calls, pages):
    done = subprocess.run([lib.BUILD / "bench" / "archiveload", where, "--calls", str(calls), "--pages", str(pages)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = lib.argument_parser(__doc__)
    parser.add_argument("--calls", type=int, help="so many conversations, in place of 5,000,000")
    options = parser.parse_args()
    calls = options.calls or (CALLS_QUICK if options.quick else CALLS)
    folder, figures = tempfile.mkdtemp(prefix="tandem-archive-"), {"conversations": calls}
    try:
        with postgresql(folder) as url:
            for name, where in ("postgresql", url), ("sqlite", f"{folder}/archive.sqlite"):
                for figure, value in measure(where, calls, 200 if options.quick else 2000).items():
                    figures[f"{figure}_{name}"] = value
                lib.say(f"{name}: {figures[f'ingest_per_s_{name}']:.0f} conversations/s (wanted: {WANTED[name]}), a page "
                        f"{figures[f'page_p50_ms_{name}']} ms, p99 {figures[f'page_p99_ms_{name}']} ms (wanted: {PAGE_MS})")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lib.finish(options, "archive", figures, {})


if __name__ == "__main__":
    main()
