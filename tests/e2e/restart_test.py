# SPDX-License-Identifier: Apache-2.0
"""kill -9 under live calls: the node that starts again has them all."""
import os
import time
import unittest
from collections import Counter

from lib.node import Node
from lib.place import NODE, PARTY
from lib.sipp import Sipp
from lib.streams import Streams
from patience import PATIENCE_S
from ports import Ports

HERE = os.path.dirname(os.path.abspath(__file__))
CALLS = 100                     # half of them ended by the caller, half by the callee
HOLD_MS = 18000
ALONE = True                    # 200 RTP streams and a sanitizer are enough for two cores


def forward(numbers):
    """True when 16-bit sequence numbers only go forward (mod 2^16)."""
    return all(0 < (b - a) % 0x10000 < 0x8000 for a, b in zip(numbers, numbers[1:]))


class Restart(unittest.TestCase):
    def setUp(self):
        self.node = Node(settings={"sip": {"trusted": [PARTY + "/32"]}}, calls=CALLS + 20)
        self.addCleanup(self.node.close)
        ports = Ports(4 * CALLS)
        self.addCleanup(ports.close)
        self.streams = Streams(ports.take(4 * CALLS), 2 * CALLS)
        self.addCleanup(self.streams.close)

    def sipp(self, name, scenario, ports, **options):
        fields = options.pop("fields", ())
        users = [(str(port), *fields) for port in ports]
        return Sipp(os.path.join(self.node.home, name), os.path.join(HERE, "sipp", scenario + ".xml"),
                    self.node.server, self.node.ports, calls=len(ports), rate=50, users=users, seconds=60,
                    extra=("-d", str(HOLD_MS), "-l", str(CALLS)), **options)

    def callee(self, number, scenario, ports):
        self.node.put_extension(number, "secret")
        with self.node.user_agent(number, "secret") as agent:
            self.assertEqual(agent.register(expires=600).status, 200)
            port = agent.port
        return self.sipp("uas-" + number, scenario, ports, port=port)

    def established(self):
        return [row for row in self.node.ctl("call.list", limit=1000) if row["state"] == "established"]

    def test_hundred_calls_survive(self):
        ends, half = [end.port for end in self.streams.ends], CALLS // 2
        callers, callees = ends[:CALLS], ends[CALLS:]
        runs = [self.callee("2001", "uas_wait", callees[:half]), self.callee("2002", "uas_hold", callees[half:])]
        time.sleep(0.5)
        runs.append(self.sipp("uac-1", "uac_hold", callers[:half], fields=("2001",)))
        runs.append(self.sipp("uac-2", "uac_wait", callers[half:], fields=("2002",)))
        end = time.monotonic() + PATIENCE_S
        while len(self.established()) < CALLS and time.monotonic() < end:
            time.sleep(0.1)
        before = self.flows()
        self.assertEqual(len(before), CALLS)
        for flows in before.values():
            for flow in flows:
                self.streams.at(port_of(flow["remote"])).remote = (NODE, port_of(flow["local"]))
        self.streams.start()
        time.sleep(2.5)
        for stream in self.streams.ends:
            self.assertGreater(len(stream.received), 80)
        self.node.kill()
        killed = time.monotonic()
        self.node.restart()
        ready = time.monotonic()
        time.sleep(2.5)
        self.assertEqual(len(self.established()), CALLS, "no call is lost")
        self.assertGreater(self.node.metric("tandem_sip_guard_known"), 0, "their parties are known before they speak")
        after = self.flows()
        for call, flows in before.items():
            self.assertEqual(key(flows), key(after[call]), "same ports, SSRCs and peers")
        gaps = [self.judge(stream, killed, ready) for stream in self.streams.ends]
        print(f"# restart took {ready - killed:.2f} s; media gaps {min(gaps):.2f} to {max(gaps):.2f} s", flush=True)
        for run in runs:
            outcome = run.wait()
            self.assertTrue(outcome.ok(half), f"{run.process.args}: {outcome}")
        self.records(set(before))

    def flows(self):
        return {row["id"]: self.node.ctl("call.show", call=row["id"])["flows"] for row in self.established()}

    def judge(self, stream, killed, ready):
        """What one end heard around the restart: one sender, one SSRC, later numbers. The gap in seconds."""
        self.assertEqual(len({ssrc for _, ssrc, _, _ in stream.received}), 1, "one SSRC before and after")
        self.assertEqual(len({sender for _, _, _, sender in stream.received}), 1, "one sender")
        self.assertTrue(forward([seq for _, _, seq, _ in stream.received]))
        late = [at for at, _, _, _ in stream.received if at > ready]
        self.assertGreater(len(late), 50, "media goes on")
        return min(late) - max(at for at, _, _, _ in stream.received if at <= killed + 0.005)

    def records(self, calls):
        """Each call has exactly one record."""
        rows = self.node.cdrs(CALLS)
        time.sleep(1)
        rows = self.node.cdrs(CALLS)
        self.assertEqual(Counter(row["id"] for row in rows), Counter(calls))
        ended = Counter(row["ended_by"] for row in rows)
        self.assertEqual(ended, Counter({"a": CALLS // 2, "b": CALLS // 2}))
        self.assertFalse(self.node.ctl("call.list"))


def port_of(text):
    return int(str(text).rpartition(":")[2])


def key(flows):
    return sorted((flow["leg"], flow["line"], flow["local"], flow["remote"], flow["ssrc_out"]) for flow in flows)


if __name__ == "__main__":
    unittest.main()
