# SPDX-License-Identifier: Apache-2.0
"""Rows of bench/api.py beside requests: who listens to events, what webhooks are late by, and what is asked of tests over kills and in each role."""
import json
import os
import subprocess
import sys

import lib

EXTENSIONS, OF_ALL = 2000, 5


def listeners_figures(quick):
    """On a node of its own, as one address has thousands of connections there; eventload and Redis have the other core."""
    extensions, rate, seconds = (100, 100, 3) if quick else (EXTENSIONS, 1000, 20)
    node = lib.Node(limits=("connections_per_source: 10000",))
    try:
        node.redis_apart()
        token = node.ctl("token.create", name="bench", role="reader", tenant="default")["token"]
        before = lib.cpu_seconds(node.pid)
        told = lib.spawn(lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "eventload", f"{node.address}:{node.http_port}",
                                                    node.dir / "redis" / "redis.sock", seconds, rate, extensions, OF_ALL, token]),
                         stdout=subprocess.PIPE, text=True)
        text, _ = told.communicate()
        if told.returncode:
            raise SystemExit(f"eventload ended with {told.returncode}")
        cpu = (lib.cpu_seconds(node.pid) - before) / seconds
    finally:
        node.stop()
    found = json.loads(text)
    lib.say(f"{extensions + OF_ALL} listeners heard {found['heard']} of {found['written']} events ({rate} calls/s): {found['p99_ms']:.0f} ms after "
            f"Redis had them (p99), median {found['p50_ms']:.0f} ms, at most {found['max_ms']:.0f} ms; {found['lost']} lost without a word, "
            f"{found['missed_told']} times told that some are missing; {100 * cpu:.0f} % of the node's core, {100 * found['load_cpu']:.0f} % of the load's; "
            f"what was written was {found['late_ms']:.0f} ms late at most")
    return {"listeners": extensions + OF_ALL, "listeners_calls_per_second": rate, "events_lost_unannounced": found["lost"],
            "events_missed_told": found["missed_told"], "event_lag_p99_ms": found["p99_ms"], "event_lag_p50_ms": found["p50_ms"],
            "event_cpu": cpu, "event_load_cpu": found["load_cpu"], "event_writer_late_ms": found["late_ms"]}, \
        found["p99_ms"] <= 20 and not found["lost"]


def webhook_figures(quick):
    done = subprocess.run([sys.executable, lib.ROOT / "bench" / "api_webhooks.py", *(["--quick"] if quick else [])], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    lib.say(f"webhooks, {found['rate']} events a second: posted {found['event_lag_p99_ms']} ms after Redis had them (p99), median {found['event_lag_p50_ms']} ms; {found['lost']} of {found['events']} lost")
    return {f"webhook_{name}": found[name] for name in ("rate", "events", "lost", "event_lag_p50_ms", "event_lag_p99_ms")}, \
        found["event_lag_p99_ms"] <= 100 and not found["lost"]


def tests_figures(tests, **environment):
    """How many of these tests passed and failed."""
    results = []
    for test in tests:
        done = subprocess.run([sys.executable, lib.ROOT / "tests" / "run" / "one.py", f"tests/e2e/{test}"], cwd=lib.ROOT, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "TANDEM_BUILD": str(lib.BUILD), **environment}, check=False)
        told = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("@@")]
        for one in told:
            lib.say(f"{one['test']}: {one['result']} in {one['seconds']:.0f} s {one['output'][-800:] if one['result'] != 'passed' else ''}")
        results += [one["result"] for one in told] or ["failed"]
    return results.count("passed"), len(results) - results.count("passed")


def kills_figures(quick):
    """Each event at least once and in order per call, to who listens and to a webhook, over kills and take-overs."""
    kills = 4 if quick else 50
    passed, failed = tests_figures(["http_events_test.py::Kills", "webhooks_test.py::Killed.test_over_kills"], TANDEM_KILLS=str(kills))
    return {"kills": kills, "kills_tests_passed": passed, "kills_tests_failed": failed}, not failed


def matrix_figures(_):
    """A token of each role, and a user, over every path."""
    passed, failed = tests_figures(["tenants_test.py::Matrix.test_every_command", "tenants_test.py::Matrix.test_every_role", "session_test.py::Matrix"])
    return {"matrix_tests_passed": passed, "matrix_tests_failed": failed}, not failed
