#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks: how long an event takes from its entry in the stream to the server that it is posted to.

Events are written to the stream as nodes write them, at an even rate; calls of their own each. The server is of this process, and answers
at once. Prints a line of JSON: event_lag_p50_ms, event_lag_p99_ms (of Redis' clock, to the arrival at the server), events, lost."""
import argparse
import json
import os
import socket
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", path) for path in ("tests/e2e", "client", "deploy/demo")]
# pylint: disable=wrong-import-position
from lib.node import Node
from tandem_client import Client


class Sink:
    """Reads requests of any connection, keeps when each came, and answers 200."""
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port, self.lags = self.listener.getsockname()[1], {}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, link):
        data = b""
        while chunk := link.recv(65536):
            data += chunk
            while (end := data.find(b"\r\n\r\n")) >= 0:
                head = data[:end].lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                if len(data) < end + 4 + length:
                    break
                name = head.split(b"webhook-id:")[1].split(b"\r\n")[0].strip().decode()
                self.lags.setdefault(name, time.time() * 1000 - int(name.split("-")[0]))
                data = data[end + 4 + length:]
                link.sendall(self.ANSWER)


def measure(rate, seconds):
    sink = Sink()
    with Node() as node, Client(node.redis_socket, "_operator") as client, node.redis() as redis:
        client.ask("tenant.put", 10, name="default", web_networks="127.0.0.0/8")
        client.ask("webhook.put", 10, name="bench", url=f"http://127.0.0.1:{sink.port}/")
        while not (client.ask("webhook.get", 10, name="bench")["figures"] or {}).get("node"):
            time.sleep(0.1)
        begin, ids = time.monotonic(), []
        for number in range(rate * seconds):
            time.sleep(max(0, begin + number / rate - time.monotonic()))
            ids.append(redis("XADD", "td:{ev:default}", "*", "event", json.dumps({"type": "call.answered", "call": f"c{number}"})))
        end = time.monotonic() + 10
        while len(sink.lags) < len(ids) and time.monotonic() < end:
            time.sleep(0.05)
    lags = sorted(sink.lags.values())
    return {"rate": rate, "events": len(ids), "lost": len(set(ids) - set(sink.lags)),
            "event_lag_p50_ms": round(lags[len(lags) // 2], 1), "event_lag_p99_ms": round(lags[len(lags) * 99 // 100], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rate", type=int, default=500)
    args = parser.parse_args()
    print(json.dumps(measure(args.rate, 3 if args.quick else 20)))


if __name__ == "__main__":
    main()
