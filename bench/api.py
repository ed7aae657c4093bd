#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP API under load: what it carries, what calls feel of it, and what who asks honestly feels of an attack.

Row `reads`: one call is read again and again. Row `originate`: calls to a phone that refuses each. Row `setup`: calls of SIPp with reads at
a rate beside them and without, in turns. Rows `tokens`, `slowloris` and `bodies`: wrong tokens as fast as one core says them, connections
that never end their request, and bodies of 1 GB, from other addresses; each under calls, and beside a client that asks 50 times a second. Row `listeners`:
events to 2,005 clients; row `webhook`: to a server. Rows `kills` and `matrix` are tests: over 50 kills, and in each role.
The node has one core. Load and Redis have the other."""
import json
import socket
import subprocess
import sys
import threading
import time

import lib
import api_events
from calls_step import Sipp, step

HONEST, ATTACKER = "127.0.0.2", "127.0.0.3"
SLOW_FROM = [f"127.0.4.{number}" for number in range(1, 101)]
HONEST_RATE = 50
LINKS = 32
BUSY = """<?xml version="1.0" encoding="us-ascii"?>
<scenario name="busy">
<recv request="INVITE"/>
<send><![CDATA[

    SIP/2.0 486 Busy Here
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

]]></send>
<recv request="ACK"/>
</scenario>
"""


class Api(lib.Node):
    def __init__(self, **options):
        super().__init__(**options)
        try:
            self.redis_apart()
            self.token = self.ctl("token.create", name="bench", role="admin", tenant="default")["token"]
            self.extension("2000", "bench-secret")
            self.phone_port = lib.free_port()
            lib.register(self.sip_port, "2000", "bench-secret", self.phone_port)
        except BaseException:
            self.stop()
            raise

    def metrics(self):
        """Whose connection an attack takes the place of asks again."""
        for _ in range(20):
            try:
                return super().metrics()
            except OSError:
                time.sleep(0.1)
        return super().metrics()

    def load(self, seconds, method, path, token=None, body=None, links=LINKS, rate=0, source=lib.ADDRESS):
        command = [lib.BUILD / "bench" / "apiload", source, f"{self.address}:{self.http_port}", seconds, links, rate, method, path,
                   token or self.token, *([json.dumps(body)] if body else [])]
        return lib.spawn(lib.pinned(lib.LOAD_CORE, command), stdout=subprocess.PIPE, text=True)

    def honest(self, seconds):
        """Who asks for a call that is not there, which costs what one costs that is."""
        return self.load(seconds, "GET", "/v1/extensions/2000", links=4, rate=HONEST_RATE, source=HONEST)

    def loaded(self, seconds, method, path, body=None):
        """What the load says, and the node's CPU for an answer, in us."""
        before = lib.cpu_seconds(self.pid)
        found = told(self.load(seconds, method, path, body=body))
        return found | {"cpu_us": round(1e6 * (lib.cpu_seconds(self.pid) - before) / max(1, found["answers"]), 1)}

    def calls_gone(self):
        lib.wait_for("the node to have no calls left", 60, lambda: not self.ctl("node.status")["calls"])


def told(load):
    text, _ = load.communicate()
    if load.returncode:
        raise SystemExit(f"apiload ended with {load.returncode}")
    return json.loads(text)


def reads_figures(node, quick):
    seconds = 3 if quick else 10
    phone = Sipp("phone", node.dir, ["-sn", "uas", "-i", lib.ADDRESS, "-p", str(node.phone_port)])
    caller = Sipp("caller", node.dir, [f"{node.address}:{node.sip_port}", "-sn", "uac", "-s", "2000", "-i", lib.ADDRESS,
                                       "-p", str(lib.free_port()), "-m", "1", "-d", str(1000 * (seconds + 5))])
    call = lib.wait_for("the call", 10, lambda: [row for row in node.ctl("call.list") if row["state"] == "established"])[0]["id"]
    found = node.loaded(seconds, "GET", f"/v1/calls/{call}")
    node.calls_gone()
    for one in (phone, caller):
        lib.end(one.process)
    lib.say(f"{found['per_second']:.0f} reads of a call a second (p99 {found['p99_ms']:.1f} ms), {found['cpu_us']:.0f} us of the node's CPU each; "
            f"the load took {100 * found['load_cpu']:.0f} % of its core; {found['statuses']}")
    return {"requests_per_second": found["per_second"], "request_cpu_us": found["cpu_us"], "requests_p99_ms": found["p99_ms"], "requests_refused": found["answers"] - found["statuses"].get("200", 0),
            "load_cpu": found["load_cpu"]}, found["per_second"] >= 10000


def originate_figures(node, quick):
    scenario = node.dir / "busy.xml"
    scenario.write_text(BUSY)
    phone = Sipp("busy", node.dir, ["-sf", scenario, "-i", lib.ADDRESS, "-p", str(node.phone_port)])
    time.sleep(0.3)
    found = node.loaded(3 if quick else 10, "POST", "/v1/calls", body={"from": "2000", "to": "2000"})
    node.calls_gone()
    lib.end(phone.process)
    made = found["statuses"].get("200", 0)
    rate = found["per_second"] * made / max(1, found["answers"])
    lib.say(f"{rate:.0f} calls begun a second (p99 {found['p99_ms']:.1f} ms), {found['cpu_us']:.0f} us of the node's CPU each; {found['statuses']}")
    return {"originate_per_second": round(rate), "originate_cpu_us": found["cpu_us"], "originate_p99_ms": found["p99_ms"], "originate_refused": found["answers"] - made}, rate >= 1500


def setup_figures(node, quick):
    rate, seconds, turns, reads = (50, 4, 2, 500) if quick else (1000, 10, 3, 2000)
    pairs = []
    for _ in range(turns):
        without = step(node, node.phone_port, rate, seconds)
        load = node.load(seconds + 30, "GET", "/v1/extensions/2000", rate=reads)
        try:
            pairs.append((without, step(node, node.phone_port, rate, seconds)))
        finally:
            lib.end(load)
    without, with_ = (lib.median([pair[which]["setup_p99_ms"] for pair in pairs]) for which in (0, 1))
    unfinished = sum(one["unfinished"] for pair in pairs for one in pair)
    lib.say(f"{rate} calls/s: set up in {without:.0f} ms (p99), with {reads} reads a second beside them in {with_:.0f} ms; {unfinished} unfinished")
    return {"setup_calls_per_second": rate, "setup_reads_per_second": reads, "setup_p99_ms_without": without, "setup_p99_ms_with": with_,
            "setup_unfinished": unfinished}, with_ - without <= 5 and not unfinished


def attacked(node, name, quick, attack):
    """attack(seconds): begins it, and returns what ends it and says what it did."""
    rate, seconds = (20, 4) if quick else (200, 20)
    stop = attack(seconds + 30)
    try:
        time.sleep(1)
        honest = node.honest(seconds)
        calls = step(node, node.phone_port, rate, max(1, seconds - 2))
        found = told(honest)
    finally:
        did = stop()
    wrong = found["answers"] - found["statuses"].get("200", 0) + found["lost"]
    lib.say(f"{name}: {did}; who asks honestly waits {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms, {wrong} not answered well "
            f"({found['statuses']}, {found['lost']} without an answer; {found['again']} asked again as their connection ended before); "
            f"{calls['unfinished']} of {calls['calls']} calls unfinished")
    return {f"honest_p99_ms_{name}": found["p99_ms"], f"honest_wrong_{name}": wrong, f"honest_again_{name}": found["again"], f"calls_unfinished_{name}": calls["unfinished"]}, \
        found["p99_ms"] < 50 and not wrong and not calls["unfinished"]


def tokens_figures(node, quick):
    said = {}

    def attack(_):
        began = time.time()
        load = node.load(10 if quick else 25, "GET", "/v1/calls", token="default~bench~" + "A" * 43, source=ATTACKER)

        def stop():
            said.update(told(load))
            return f"{said['per_second']:.0f} wrong tokens a second for {time.time() - began:.0f} s ({said['statuses']})"
        return stop

    figures, good = attacked(node, "tokens", quick, attack)
    return figures | {"wrong_tokens_per_second": said["per_second"], "wrong_tokens_let_in": said["statuses"].get("200", 0)}, \
        good and "200" not in said["statuses"]


class Slow(threading.Thread):
    """Connections that say an octet of a header now and then, and are opened again where the node closes them."""

    def __init__(self, to, count):
        super().__init__(daemon=True)
        self.to, self.count, self.most, self.opened, self.closed, self.over = to, count, 0, 0, 0, False
        self.links = {}

    def open(self, number):
        link = socket.socket()
        link.bind((SLOW_FROM[number % len(SLOW_FROM)], 0))
        link.settimeout(1)
        try:
            link.connect(self.to)
            link.send(b"GET /v1/calls HTTP/1.1\r\nHost: node\r\nX-Slow: ")
        except OSError:
            self.closed += 1
            link.close()
            return
        link.setblocking(False)
        self.opened += 1
        self.links[number] = link

    def say(self, number, link):
        try:
            if link.recv(4096) == b"":
                raise ConnectionError
        except BlockingIOError:
            try:
                link.send(b"x")
                return
            except OSError:
                pass
        except OSError:
            pass
        self.closed += 1
        link.close()
        del self.links[number]

    def run(self):
        while not self.over:
            for number in range(self.count):
                if self.over:
                    break
                if number in self.links:
                    self.say(number, self.links[number])
                else:
                    self.open(number)
            self.most = max(self.most, len(self.links))
            time.sleep(1)
        for link in self.links.values():
            link.close()


def slowloris_figures(node, quick):
    count = 1000 if quick else 5000
    slow = Slow((node.address, node.http_port), count)
    before = lib.cpu_seconds(node.pid)

    def attack(_):
        slow.start()

        def stop():
            slow.over = True
            slow.join()
            return f"{count} connections that never end their request, {slow.most} open at a time, {slow.closed} closed by the node"
        return stop

    figures, good = attacked(node, "slowloris", quick, attack)
    used = 1e6 * (lib.cpu_seconds(node.pid) - before) / max(1, slow.opened)
    lib.say(f"slowloris: {slow.opened} connections were opened, {used:.0f} us of the node's CPU for each, calls included")
    return figures | {"slowloris_connections": count, "slowloris_open_most": slow.most, "slowloris_opened": slow.opened,
                      "slowloris_cpu_us": round(used)}, good


def bodies_figures(node, quick):
    sent, over = [0, 0], threading.Event()

    def one():
        chunk = b" " * 65536
        while not over.is_set():
            with socket.socket() as link:
                link.bind((ATTACKER, 0))
                link.settimeout(1)
                try:
                    link.connect((node.address, node.http_port))
                    link.send(f"POST /v1/calls HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer {node.token}\r\nContent-Type: application/json\r\n"
                              "Content-Length: 1000000000\r\n\r\n".encode())
                    sent[1] += 1
                    while not over.is_set():
                        sent[0] += link.send(chunk)
                except OSError:
                    pass
            over.wait(0.01)

    def attack(_):
        threads = [threading.Thread(target=one, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()

        def stop():
            over.set()
            for thread in threads:
                thread.join()
            return f"{sent[1]} bodies of 1 GB were begun, {sent[0] / 1e6:.0f} MB of them taken"
        return stop

    figures, good = attacked(node, "bodies", quick, attack)
    return figures | {"bodies_begun": sent[1]}, good


def main():
    alone = {"listeners": api_events.listeners_figures, "webhook": api_events.webhook_figures, "kills": api_events.kills_figures,
             "matrix": api_events.matrix_figures}
    rows = {"reads": reads_figures, "originate": originate_figures, "setup": setup_figures, "tokens": tokens_figures,
            "slowloris": slowloris_figures, "bodies": bodies_figures}
    options = lib.arguments(__doc__.splitlines()[0], rows=(*rows, *alone))
    wanted = options.row or (*rows, *alone)
    figures, met = {}, True
    if set(wanted) & set(rows):
        node = Api(calls=9900)
        try:
            for row, run in rows.items():
                if row in wanted:
                    found, good = run(node, options.quick)
                    figures, met = figures | found, met and good
        finally:
            node.stop()
    for row, run in alone.items():
        if row in wanted:
            found, good = run(options.quick)
            figures, met = figures | found, met and good
    lib.finish(options, "api", figures, {"sipp": lib.package_version("sip-tester"), "redis": lib.package_version("redis-server")})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
