#!/usr/bin/env python3
"""What an idle node, a registration and an established call cost: bytes of memory (PSS) and CPU.

Redis is counted beside the node, since every registration and call lives in both. The newest SIP messages are not kept meanwhile
(trace.recent_kib: 0): that is 4 MiB of any node, which would count as part of the first registrations and calls."""
import os
import signal
import socket
import sys
import time

import lib


def memory(node):
    return lib.memory_bytes(node.pid), lib.memory_bytes(node.redis_pid())


def idle_percent(node, seconds):
    before = lib.cpu_seconds(node.pid)
    time.sleep(seconds)
    return 100 * (lib.cpu_seconds(node.pid) - before) / seconds


def register_many(node, count):
    """count extensions with one phone each."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((lib.ADDRESS, 0))
    for number in range(30000, 30000 + count):
        node.extension(str(number), "bench-secret")
        lib.register(node.sip_port, str(number), "bench-secret", sock.getsockname()[1], sock)


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    registrations, count, idle = (500, 300, 5) if options.quick else (2000, 2000, 20)
    node = lib.Node(media_ports="12000-31999", calls=5000)
    try:
        node.config.write_text(lib.section(node.config.read_text(), "trace", "recent_kib: 0"))
        os.kill(node.pid, signal.SIGHUP)
        time.sleep(0.3)
        empty_idle = idle_percent(node, idle)
        start = memory(node)
        register_many(node, registrations)
        registered = memory(node)
        calls = lib.Calls(node.sip_port)
        node.extension("2000", "bench-secret")
        lib.register(node.sip_port, "2000", "bench-secret", calls.callee_port, calls.b)
        before = memory(node)
        for i in range(count):
            calls.place(40000 + 4 * i, 40002 + 4 * i)
        if not options.quick:
            time.sleep(35)   # the transactions of the set-up have ended (64*T1): an established call, no more
        established = memory(node)
        calls_idle = idle_percent(node, 5)
        live = node.ctl("node.status")["calls"]
        calls.hang_up()
    finally:
        node.stop()
    figures = {
        "registrations": registrations, "calls": live,
        "bytes_per_registration": round((registered[0] - start[0]) / registrations),
        "redis_bytes_per_registration": round((registered[1] - start[1]) / registrations),
        "bytes_per_call": None if options.quick else round((established[0] - before[0]) / count),
        "redis_bytes_per_call": None if options.quick else round((established[1] - before[1]) / count),
        "idle_cpu_percent": round(empty_idle, 3),
        "idle_cpu_percent_with_silent_calls": round(calls_idle, 3),
        "bytes_node_without_calls": start[0],
    }
    lib.finish(options, "memory", figures, {"redis": lib.package_version("redis-server")})
    return 0 if live == count else 1


if __name__ == "__main__":
    sys.exit(main())
