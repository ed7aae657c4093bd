#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The archive: how many conversations a second it takes, with all indexes, how long a page of history and whose number it is take, on both engines.

bench/archiveload.c writes a carrier's year of call records, and asks for pages with a list and two filters at random. `ingest` counts for the last
tenth of them. PostgreSQL runs here, on this machine's disk, as Debian configures it but for its shared memory. `kills`: the archive
of a node, its Redis, which is apart, and PostgreSQL are killed in turns while a thousand records a second are written."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import archive_kills
import lib
from children import end, spawn

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534
WANTED = {"postgresql": 8000, "sqlite": 6000}
PAGE_MS = 100
CALLS, CALLS_QUICK = 5000000, 50000
CONTACTS, CONTACTS_QUICK = 1000000, 100000
LOOKUP_MS = 20
ROWS = "ingest", "lookup", "kills"


def drop(command):
    """PostgreSQL runs for anybody but root."""
    return command if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


class Postgresql:
    """A server below a folder; url names it."""

    def __init__(self, folder):
        self.folder, self.url = folder, f"postgresql://tandem@/postgres?host={folder}"
        data = pathlib.Path(folder, "data")
        data.mkdir(mode=0o700)
        os.chmod(folder, 0o755)     # the socket is there, and tandem-archive has no rights beside its user's
        if not os.geteuid():
            os.chown(folder, NOBODY, NOBODY)
            os.chown(data, NOBODY, NOBODY)
        subprocess.run(drop([str(PROGRAMS / "initdb"), "-D", str(data), "-U", "tandem", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"]),
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.start()

    def start(self):
        self.server = spawn(drop([str(PROGRAMS / "postgres"), "-D", f"{self.folder}/data", "-c", f"unix_socket_directories={self.folder}",
                                  "-c", "listen_addresses=", "-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB"]),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lib.wait_for("PostgreSQL", 60, lambda: not subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", self.folder]).returncode)

    def kill(self):
        """As a crash is: all sessions end at once, and it recovers from its log."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.server)


def measure(where, calls, pages):
    done = subprocess.run([lib.BUILD / "bench" / "archiveload", where, "--calls", str(calls), "--pages", str(pages)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def ingest(database, folder, calls, quick):
    figures = {}
    for name, where in ("postgresql", database.url), ("sqlite", f"{folder}/archive.sqlite"):
        for figure, value in measure(where, calls, 200 if quick else 2000).items():
            figures[f"{figure}_{name}"] = value
        lib.say(f"{name}: {figures[f'ingest_per_s_{name}']:.0f} conversations/s (wanted: {WANTED[name]}), a page "
                f"{figures[f'page_p50_ms_{name}']} ms, p99 {figures[f'page_p99_ms_{name}']} ms (wanted: {PAGE_MS})")
    return {**figures, "page_p99_ms": max(figures[f"page_p99_ms_{name}"] for name in WANTED)}


def lookup(database, folder, contacts, quick):
    """bench/contactload.c: 500 a second, over contacts of 20 tenants."""
    figures = {"contacts": contacts}
    for name, where in ("postgresql", database.url), ("sqlite", f"{folder}/archive.sqlite"):
        done = subprocess.run([lib.BUILD / "bench" / "contactload", where, "--contacts", str(contacts), "--lookups", str(2000 if quick else 15000)],
                              check=True, capture_output=True, text=True)
        figures |= {f"{figure}_{name}": value for figure, value in json.loads(done.stdout).items()}
        lib.say(f"{name}: of {contacts} contacts a look-up takes {figures[f'lookup_p50_ms_{name}']} ms, p99 {figures[f'lookup_p99_ms_{name}']} ms "
                f"(wanted: {LOOKUP_MS}), the first search {figures[f'search_first_ms_{name}']} ms")
    return {**figures, "lookup_p99_ms": max(figures[f"lookup_p99_ms_{name}"] for name in WANTED)}


def main():
    parser = lib.argument_parser(__doc__, ROWS)
    parser.add_argument("--calls", type=int, help="so many conversations, in place of 5,000,000")
    options = parser.parse_args()
    calls, rows = options.calls or (CALLS_QUICK if options.quick else CALLS), options.row or ROWS
    figures = {"conversations": calls} if "ingest" in rows else {}
    for row in rows:
        folder = tempfile.mkdtemp(prefix="tandem-archive-")
        try:
            with Postgresql(folder) as database:
                if row == "ingest":
                    figures |= ingest(database, folder, calls, options.quick)
                elif row == "lookup":
                    figures |= lookup(database, folder, CONTACTS_QUICK if options.quick else CONTACTS, options.quick)
                else:
                    figures |= archive_kills.kills(database, PROGRAMS / "psql", options.quick)
                    lib.say(f"{figures['kills']} kills, {figures['written']} records: {figures['lost']} lost, {figures['twice']} twice (wanted: 0)")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    lib.finish(options, "archive", figures, {})


if __name__ == "__main__":
    main()
