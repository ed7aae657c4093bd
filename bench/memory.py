#!/usr/bin/env python3
"""What an idle node, a registration and an established call cost: bytes of memory and CPU.

A node is its PSS. What it grows by is counted without the pages of files. Redis is counted beside the node, since every registration and
call lives in both. The newest SIP messages are not kept meanwhile (trace.recent_kib: 0): that is 4 MiB of any node, which would count as
part of the first registrations and calls."""
import os
import signal
import socket
import sys
import time

import lib


def memory(node):
    return lib.own_bytes(node.pid), lib.own_bytes(node.redis_pid())


def idle_percent(node, seconds):
    before = lib.cpu_seconds(node.pid)
    time.sleep(seconds)
    return 100 * (lib.cpu_seconds(node.pid) - before) / seconds


def settle(options):
    """Transactions have ended (64*T1), and the file of documents is written: what is there is there to stay."""
    if not options.quick:
        time.sleep(35)


def register_many(node, count, first=30000):
    """count extensions with one phone each."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((lib.ADDRESS, 0))
    for number in range(first, first + count):
        node.extension(str(number), "bench-secret")
        lib.register(node.sip_port, str(number), "bench-secret", sock.getsockname()[1], sock)


def quiet_node():
    """Without the newest SIP messages."""
    node = lib.Node(media_ports="12000-31999", calls=5000)
    node.config.write_text(lib.section(node.config.read_text(), "trace", "recent_kib: 0"))
    os.kill(node.pid, signal.SIGHUP)
    time.sleep(0.3)
    return node


def each(options, before, after, count):
    """Node and Redis; no figure where what passes was not waited for."""
    return [None if options.quick else round((new - old) / count) for old, new in zip(before, after)]


def measure_registrations(options, count, idle):
    node = quiet_node()
    try:
        idle_cpu = idle_percent(node, idle)
        start, whole = memory(node), lib.memory_bytes(node.pid)
        register_many(node, count)
        settle(options)
        registered = memory(node)
        register_many(node, count, 60000)
        settle(options)
        further = memory(node)
    finally:
        node.stop()
    first = each(options, start, registered, count)
    return {
        "registrations": count, "bytes_per_registration": first[0],
        "bytes_per_further_registration": each(options, registered, further, count)[0],
        "redis_bytes_per_registration": first[1],
        "idle_cpu_percent": round(idle_cpu, 3), "bytes_node_without_calls": whole,
    }


def measure_calls(options, count):
    node = quiet_node()
    try:
        calls = lib.Calls(node.sip_port)
        node.extension("2000", "bench-secret")
        lib.register(node.sip_port, "2000", "bench-secret", calls.callee_port, calls.b)
        before = memory(node)
        for i in range(count):
            calls.place(40000 + 4 * i, 40002 + 4 * i)
        settle(options)
        established = memory(node)
        calls_idle = idle_percent(node, 5)
        live = node.ctl("node.status")["calls"]
        calls.hang_up()
    finally:
        node.stop()
    call = each(options, before, established, count)
    return {
        "calls": live, "bytes_per_call": call[0], "redis_bytes_per_call": call[1],
        "idle_cpu_percent_with_silent_calls": round(calls_idle, 3),
    }


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    registrations, count, idle = (500, 300, 5) if options.quick else (2000, 2000, 20)
    figures = measure_registrations(options, registrations, idle) | measure_calls(options, count)
    lib.finish(options, "memory", figures, {"redis": lib.package_version("redis-server")})
    return 0 if figures["calls"] == count else 1


if __name__ == "__main__":
    sys.exit(main())
