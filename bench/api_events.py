# SPDX-License-Identifier: Apache-2.0
"""Who listens to events by HTTP: 2,000 clients of one extension each and 5 of everything, while Redis gets the events of 1,000 calls a second.

Events are written as nodes write them, at a pace, by a process of its own; each says by its id when Redis had it. What a client hears it
hears some time after that, by the same clock. Nothing may be missing without a word: what was written is what each client of everything
has, and those of an extension have what is theirs."""
import json
import multiprocessing
import re
import selectors
import socket
import sys
import time

import lib

sys.path.insert(0, str(lib.ROOT / "client"))
from tandem_client import Redis     # noqa: E402

EXTENSIONS, OF_ALL, EVENTS_OF_A_CALL, PACE_S, QUIET_S = 2000, 5, 4, 0.01, 3
TYPES = ("call.new", "call.ringing", "call.answered", "call.ended")
HEARD = re.compile(rb'^data: \{"id":"(\d+)-(\d+)","type":"(call[^"]*|missed)"', re.M)


def event(number, kind, users):
    return json.dumps({"type": kind, "call": f"{number:013}", "version": number % 9, "from": users[0], "to": users[1], "flow": "", "tags": "",
                       "from_trunk": "", "to_trunk": "", "sip_status": 200}, separators=(",", ":"))


def write(place, rate, seconds, extensions, out):
    """So many calls a second, each with its events; says how many of each extension and how late it was itself."""
    counts, late, number, began = [0] * extensions, 0.0, 0, time.monotonic()
    with Redis(place) as redis:
        while (now := time.monotonic() - began) < seconds:
            due = int(now * rate * EVENTS_OF_A_CALL) + 1
            words = []
            while number < due:
                call = number // EVENTS_OF_A_CALL
                users = (call * 7 % extensions, (call * 7 + 3) % extensions)
                for user in users:
                    counts[user] += 1
                text = event(call, TYPES[number % EVENTS_OF_A_CALL], [str(1000 + user) for user in users])
                parts = ["XADD", "td:{ev:default}", "MAXLEN", "~", "100000", "*", "event", text]
                words.append(f"*{len(parts)}\r\n" + "".join(f"${len(part)}\r\n{part}\r\n" for part in parts))
                number += 1
            redis._socket.sendall("".join(words).encode())
            for _ in words:
                redis._reply()
            late = max(late, time.monotonic() - began - now)
            time.sleep(PACE_S)
    out.put((number, counts, late))


class Listener:
    def __init__(self, node, query):
        self.socket = socket.create_connection((node.address, node.http_port), 30)
        self.socket.sendall(f"GET /v1/events?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {node.token}\r\n\r\n".encode())
        self.kept, self.count, self.missed, self.begun = b"", 0, 0, False
        while b'"listening"' not in self.kept:
            if not (data := self.socket.recv(4096)):
                raise SystemExit(f"a listener was refused: {self.kept[:300]}")
            self.kept += data
        self.kept = b""
        self.socket.setblocking(False)

    def read(self, lags):
        try:
            data = self.kept + self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        whole, _, self.kept = data.rpartition(b"\n\n")
        now = time.time() * 1000
        for ms, _seq, kind in HEARD.findall(whole):
            if kind == b"missed":
                self.missed += 1
                continue
            self.count += 1
            lags.append(now - int(ms))


def listeners_figures(node, quick):
    extensions, rate, seconds = (100, 100, 3) if quick else (EXTENSIONS, 1000, 20)
    listeners = [Listener(node, f"type=call.*&user={1000 + n}") for n in range(extensions)]
    listeners += [Listener(node, "type=call.*") for _ in range(OF_ALL)]
    selector, lags, out = selectors.DefaultSelector(), [], multiprocessing.Queue()
    for listener in listeners:
        selector.register(listener.socket, selectors.EVENT_READ, listener)
    writer = multiprocessing.Process(target=write, args=(str(node.dir / "redis" / "redis.sock"), rate, seconds, extensions, out))
    before, began = lib.cpu_seconds(node.pid), time.monotonic()
    writer.start()
    last = began + seconds
    while time.monotonic() < last + QUIET_S:
        for key, _ in selector.select(0.2):
            key.data.read(lags)
            last = max(last, time.monotonic())
    cpu = (lib.cpu_seconds(node.pid) - before) / seconds
    written, counts, late = out.get()
    writer.join()
    lost = sum(written - one.count for one in listeners[extensions:] if not one.missed)
    lost += sum(max(0, counts[n] - listeners[n].count) for n in range(extensions) if not listeners[n].missed)
    for listener in listeners:
        listener.socket.close()
    lags.sort()
    p99 = lags[int(len(lags) * 0.99)] if lags else float("inf")
    lib.say(f"{len(listeners)} listeners heard {len(lags)} of {written} events ({rate} calls/s): {p99:.0f} ms after Redis had them (p99), median "
            f"{lags[len(lags) // 2]:.0f} ms; {lost} lost without a word; {100 * cpu:.0f} % of a core; the writer was {1000 * late:.0f} ms late at most")
    return {"listeners": len(listeners), "listeners_calls_per_second": rate, "events_lost_unannounced": lost, "event_lag_p99_ms": p99,
            "event_lag_p50_ms": lags[len(lags) // 2], "event_cpu": cpu, "event_writer_late_ms": 1000 * late}, p99 <= 20 and not lost


def events_figures(quick):
    """On a node of its own: one address has thousands of connections there."""
    node = lib.Node(limits=("connections_per_source: 10000",))
    try:
        node.redis_apart()
        node.token = node.ctl("token.create", name="bench", role="reader", tenant="default")["token"]
        return listeners_figures(node, quick)
    finally:
        node.stop()
