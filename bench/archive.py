#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The archive: how many conversations a second it takes, with all indexes, how long a page of history and whose number it is take, on both engines.

bench/archiveload.c writes a carrier's year of call records, and asks for pages with a list and two filters at random. `ingest` counts for the last
tenth of them. `hour`: how long a node takes for the records of an hour of 200 calls a second, which wait in its Redis, which is apart. `lookup`: whose
number it is; `beside`: how much later calls are set up meanwhile. PostgreSQL runs here, on this machine's disk, as Debian configures it but for its
shared memory. `kills`: the archive of a node, its Redis, which is apart, and PostgreSQL are killed in turns while a thousand records and as many events
are written a second."""
import http.client
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import archive_kills
import lib
import lookups
from children import end, spawn

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
NOBODY = 65534
WANTED = {"postgresql": 8000, "sqlite": 6000}
PAGE_MS = 100
CALLS, CALLS_QUICK = 5000000, 50000
CONTACTS, CONTACTS_QUICK = 1000000, 100000
LOOKUP_MS = 20
RECORDS, RECORDS_QUICK, HOUR_S = 720000, 20000, 90
ASKED_PER_S, BESIDE_S = 500, 10
ROWS = "ingest", "hour", "lookup", "beside", "kills"


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


def hour(database, records):
    figures = {"records": records}
    for name, url in ("postgresql", database.url), ("sqlite", None):
        figures[f"hour_s_{name}"] = round(archive_kills.hour(url, records), 1)
        lib.say(f"{name}: {records} records in {figures[f'hour_s_{name}']} s (wanted, of {RECORDS}: {HOUR_S})")
    return figures


def ask(url, token, asked):
    """Who has a number, ASKED_PER_S times a second, until it is ended; asked: how often."""
    link, due = http.client.HTTPConnection(url), time.monotonic()
    while True:
        link.request("GET", f"/v1/contacts:find?user=1001&number=%2B49891{asked.value % 100000:07}", headers={"Authorization": f"Bearer {token}"})
        answer = link.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a look-up: {answer.status}")
        asked.value += 1
        due += 1 / ASKED_PER_S
        time.sleep(max(0, due - time.monotonic()))


def beside(database, contacts, quick):
    """Plain calls one after the other, alone and beside look-ups in the book and the directory of a tenant."""
    subprocess.run([lib.BUILD / "bench" / "contactload", database.url, "--contacts", str(contacts), "--lookups", "1"], check=True, stdout=subprocess.DEVNULL)
    node, turns = lib.Node(sections={"archive": [f"url: {database.url}"]}), []
    try:
        node.redis_apart()
        node.extension("2000", "correct-horse-battery")
        node.ctl("tenant.put", name="tenant1")
        node.extension("1001", "correct-horse-battery", tenant="tenant1")
        token = node.ctl("token.create", tenant="tenant1", name="bench", role="admin")["token"]
        calls, asked = lib.Calls(node.sip_port), multiprocessing.Value("Q", 0)
        lib.register(node.sip_port, "2000", "correct-horse-battery", calls.callee_port, calls.b)
        lookups.timed(calls, 1)
        for _ in range(1 if quick else 5):
            alone = lookups.timed(calls, BESIDE_S / 5)
            load = multiprocessing.Process(target=ask, args=(f"{node.address}:{node.http_port}", token, asked), daemon=True)
            load.start()
            before = asked.value
            together = lookups.timed(calls, BESIDE_S / 5)
            rate = (asked.value - before) / (BESIDE_S / 5)
            load.terminate()
            load.join()
            turns.append({"rate": rate, **{share: lookups.share(together, part) - lookups.share(alone, part) for share, part in (("p50", 0.5), ("p99", 0.99))}})
    finally:
        node.stop()
    figures = {f"call_later_{share}_ms": round(lib.median([turn[share] for turn in turns]), 3) for share in ("p50", "p99")}
    figures["beside_lookups_per_s"] = round(lib.median([turn["rate"] for turn in turns]))
    lib.say(f"beside {figures['beside_lookups_per_s']} look-ups a second calls are set up later by {figures['call_later_p50_ms']} ms, "
            f"p99 {figures['call_later_p99_ms']} ms")
    return figures


def main():
    parser = lib.argument_parser(__doc__, ROWS)
    for name, what, whole in ("calls", "conversations", CALLS), ("contacts", "contacts", CONTACTS), ("records", "call records of row hour", RECORDS), \
                             ("kills", "kills", archive_kills.KILLS):
        parser.add_argument(f"--{name}", type=int, help=f"so many {what}, in place of {whole:,}")
    options = parser.parse_args()
    quick, rows = options.quick, options.row or ROWS
    calls, contacts = options.calls or (CALLS_QUICK if quick else CALLS), options.contacts or (CONTACTS_QUICK if quick else CONTACTS)
    figures = {"conversations": calls} if "ingest" in rows else {}
    for row in rows:
        folder = tempfile.mkdtemp(prefix="tandem-archive-")
        try:
            with Postgresql(folder) as database:
                if row == "ingest":
                    figures |= ingest(database, folder, calls, quick)
                elif row == "hour":
                    figures |= hour(database, options.records or (RECORDS_QUICK if quick else RECORDS))
                elif row == "lookup":
                    figures |= lookup(database, folder, contacts, quick)
                elif row == "beside":
                    figures |= beside(database, contacts, quick)
                else:
                    figures |= archive_kills.kills(database, PROGRAMS / "psql", options.kills or (archive_kills.KILLS_QUICK if quick else archive_kills.KILLS))
                    lib.say(f"{figures['kills']} kills, {figures['written']} records and as many events: {figures['lost']} lost, {figures['twice']} twice, "
                            f"{figures['streams_beyond']} streams longer than they may be (wanted: 0)")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    lib.finish(options, "archive", figures, {})


if __name__ == "__main__":
    main()
