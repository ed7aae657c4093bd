#!/usr/bin/env python3
"""Callers who are with an application over WebSockets, some of which do not read: what the others feel of it.

Each caller says 50 packets of G.711 a second with a number in each, the application says what it hears, and the caller finds its number
again: the round trip. A call is delayed where its caller hears nothing for 100 ms. The application speaks to the callers of slow streams
as well, and must be told what it has missed there. Load and node share the machine (bench/liveload.c)."""
import json
import os
import subprocess
import sys

import lib

sys.path.insert(0, str(lib.ROOT / "client"))
from tandem_client import Client, Refused     # noqa: E402


class Streams(lib.Calls):
    """Calls that the node answers by itself, each with a stream."""

    def __init__(self, node):
        super().__init__(node.sip_port)
        self.client = Client(f"unix:{node.dir}/redis/redis.sock")

    def ask(self, command, **arguments):
        """On a machine that has too much to do Redis may answer late: then it was done all the same."""
        try:
            self.client.ask(command, **arguments)
        except Refused as refused:
            if refused.code != "uncertain":
                raise

    def place_with(self, number, port, endpoint):
        uri = f"sip:{number}@{self.node[0]}:{self.node[1]}"
        head = (f"From: <sip:{self.caller}@{self.node[0]}>;tag={os.urandom(4).hex()}\r\nCall-ID: {os.urandom(8).hex()}\r\n"
                f"Contact: <sip:{self.caller}@{self.address}:{self.a.getsockname()[1]}>\r\n")
        keys = self.media.keys()
        self.request("INVITE", uri, f"<{uri}>", f"{head}CSeq: 1 INVITE\r\n", self.media.sdp(self.address, port, keys.a_sends))
        call = next(event["call"] for event in self.events if event["type"] == "call.waiting")
        self.ask("call.answer", call=call)
        ok = self.receive(self.a, lambda m: m.startswith("SIP/2.0") and int(m.split()[1]) >= 200)
        if not ok.startswith("SIP/2.0 200"):
            raise SystemExit(f"a call was refused: {ok.splitlines()[0]}")
        target, to = lib.re.search(r"<([^>]*)>", lib.header(ok, "Contact"))[1], lib.header(ok, "To")
        self.request("ACK", target, to, f"{head}CSeq: 1 ACK\r\n")
        self.ask("call.stream", call=call, endpoint=endpoint)
        address = self.media.address(ok)
        return f"{self.address}:{port} {address[0]}:{address[1]}\n"


def measure(options):
    streams, slow, seconds = (60, 6, 5) if options.quick else (500, 50, 30)
    command = lib.pinned(lib.LOAD_CORE, [lib.BUILD / "bench" / "liveload", str(seconds)])
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(load.stdout.readline())
    endpoints = [f"{{name: {name}, url: 'ws://127.0.0.1:{port}/{name}', format: ulaw}}" for name in ("echo", "slow")]
    node = lib.Node(calls=streams + 10, sections={"live": (f"endpoints: [{', '.join(endpoints)}]", "plain: true",
                                                           f"streams: {streams}")})
    try:
        node.extension("1900", "bench-secret", application="ivr")
        calls = Streams(node)
        with Client(f"unix:{node.dir}/redis/redis.sock") as follower:
            calls.events = follower.follow("td:{ev:default}:ivr")
            for number in range(streams):
                load.stdin.write(calls.place_with("1900", 40000 + 2 * number, "slow" if number < slow else "echo"))
                load.stdin.flush()
        began = node.metrics()
        cpu = lib.cpu_seconds(node.pid)
        load.stdin.write("\n")
        load.stdin.flush()
        turns = [json.loads(load.stdout.readline()) for _ in range(2)]
        cpu = lib.cpu_seconds(node.pid) - cpu
        metrics = node.metrics()
    finally:
        load.stdin.close()
        load.terminate()
        load.wait()
        node.stop()
    return streams, slow, seconds, turns, cpu, began, metrics


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    streams, slow, seconds, turns, cpu, began, metrics = measure(options)
    missed = int(metrics["tandem_live_frames_missed_total"] - began["tandem_live_frames_missed_total"])
    figures = {"streams": int(metrics["tandem_live_streams"]), "slow": slow, "seconds": seconds,
               "calls_delayed": turns[1]["calls_delayed"], "calls_delayed_when_all_read": turns[0]["calls_delayed"],
               "round_trip_p50_ms": turns[1]["round_trip_p50_ms"], "round_trip_p99_ms": turns[1]["round_trip_p99_ms"],
               "round_trip_p99_ms_when_all_read": turns[0]["round_trip_p99_ms"],
               "packets_sent": turns[1]["packets_sent"], "packets_heard": turns[1]["packets_heard"], "echoes": turns[1]["echoes"],
               "load_cpu": turns[1]["load_cpu"], "load_late_max_ms": turns[1]["load_late_max_ms"],
               "frames_missed": missed, "frames_missed_told": turns[0]["missed_frames_told"] + turns[1]["missed_frames_told"],
               "cpu_ms_per_stream_s": round(1000 * cpu / streams / (2 * seconds + 9), 3), "cores": lib.cores()}
    for turn in turns:
        lib.say(f"{turn['turn']}: {turn['calls']} callers sent {turn['packets_sent']} packets and heard {turn['packets_heard']}, "
                f"{turn['echoes']} echoes; round trip {turn['round_trip_p50_ms']:.1f} ms, p99 {turn['round_trip_p99_ms']:.1f}, p99.9 "
                f"{turn['round_trip_p999_ms']:.1f}; {turn['calls_delayed']} calls delayed; {turn['missed_frames_told']} frames told "
                f"as missed; the load took {100 * turn['load_cpu']:.0f} % of a core, {turn['load_late_max_ms']:.0f} ms late at most")
    lib.say(f"the node counts {missed} frames that were missed")
    lib.finish(options, "live", figures, {})
    return 0 if figures["streams"] == streams and not figures["calls_delayed"] else 1


if __name__ == "__main__":
    sys.exit(main())
