# SPDX-License-Identifier: Apache-2.0
"""What a bench says of its figures: a wrong judgement is worse than none."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import calls_trunk              # noqa: E402
import durability               # noqa: E402
import first                    # noqa: E402
import media                    # noqa: E402
import media_report             # noqa: E402
import subscriptions            # noqa: E402

PEERS = {"rtpengine": "10.5.3.5", "dpdk": "22.11", "libsrtp2": "2.5.0", "ipsec-mb": None}

# what is wanted: just met, just missed
WANTED = {
    "ratio_ring_vs_testpmd": (0.35, 0.349),
    "ratio_100k_flows_vs_100": (1.5, 1.51),
    "ratio_srtp_relay_vs_floor": (1.3, 1.31),
    "ratio_srtp_relay_gcm_vs_floor": (1.3, 1.31),
    "sockets_added_p50_us": (1000, 1001),
    "ratio_two_workers": (1.8, 1.79),
    "ratio_srtp_vs_ipsec_mb": (2, 2.01),
    "ratio_srtp_gcm_vs_ipsec_mb": (2, 2.01),
    "ratio_srtp_vs_libsrtp2": (10, 9.9),
    "ratio_latency_p999_vs_rtpengine": (0.5, 0.51),
    "ratio_xdp_vs_rtpengine": (5, 4.99),
    "ratio_xdp_vs_rtpengine_with_softirq": (3, 2.99),
    "ratio_kernel_vs_rtpengine_with_receiving": (4, 3.99),
    "ratio_kernel_vs_rtpengine_with_receiving_100k": (6, 5.99),
    "ratio_kernel_vs_xdp": (1.3, 1.29),
    "ratio_kernel_vs_xdp_100k": (2, 1.99),
    "kernel_added_p50_ms": (0.05, 0.051),
    "kernel_added_p50_ms_100k": (0.05, 0.051),
    "kernel_share": (0.97, 0.969),
    "ratio_10k_slots_vs_100": (1.1, 1.11),
    "ratio_sockets_vs_rtpengine": (2.2, 2.19),
    "ratio_sockets_vs_rtpengine_with_softirq": (1.6, 1.59),
}


def figures(**changes):
    return {"turns": 1, "packets": 1, "lost": 0, "cpu_seconds": 1, "seconds": 1, "rows_with_loss": [], "lost_by": [], "not_run": {},
            "wire_rtpengine_packets": 1, "ring_plain_packets": 1, "two_workers_cores_free": True, **changes}


def line_of(name, **changes):
    return next(line for line in media_report.lines_of(figures(**changes), PEERS) if line.name == name)


class Media(unittest.TestCase):
    def test_each_wanted_value(self):
        for name, (met, missed) in WANTED.items():
            with self.subTest(name):
                self.assertEqual(line_of(name, **{name: met}).verdict, "met")
                self.assertEqual(line_of(name, **{name: missed}).verdict, "missed")

    def test_none_is_left_out(self):
        self.assertEqual({ratio.name for ratio in media_report.RATIOS if ratio.wanted is not None}, set(WANTED))

    def test_what_is_not_there_says_why(self):
        for name, why, changes in (
                ("ratio_xdp_vs_rtpengine", "needs rights", {"not_run": {"wire xdp": "needs rights"}}),
                ("ratio_ring_vs_rtpengine", "not installed", {"not_run": {"wire rtpengine": "not installed"}}),
                ("ratio_srtp_vs_ipsec_mb", "no CPU for it", {"not_run": {"srtp ipsec_mb": "no CPU for it"}}),
                ("ratio_ring_vs_testpmd", "testpmd lost packets in the row ring", {"lost_by": ["ring testpmd"]}),
                ("ratio_ring_vs_rtpengine", "rtpengine lost packets in the row wire", {"lost_by": ["wire mirror", "wire rtpengine"]}),
                ("ratio_100k_flows_vs_100", "the row flows was not asked for", {}),
                ("ratio_xdp_vs_rtpengine_with_softirq", "it cannot be counted here", {})):
            with self.subTest(why):
                line = line_of(name, **changes)
                self.assertEqual((line.value, line.verdict), (None, f"no figure ({why})"))

    def test_who_lost_packets_voids_what_needs_him(self):
        lossy = {"wire_100k rtpengine"}
        self.assertTrue(media_report.is_void("ratio_kernel_vs_rtpengine_with_receiving_100k", lossy, lossy))
        self.assertTrue(media_report.is_void("ratio_of_no_table", lossy, lossy))
        for name in ("ratio_kernel_vs_xdp_100k", "ratio_kernel_vs_rtpengine_with_receiving", "kernel_us_per_packet_100k"):
            self.assertFalse(media_report.is_void(name, lossy, lossy), name)
        self.assertTrue(media_report.is_void("kernel_added_p50_ms", {"wire mirror"}, {"wire mirror"}))
        self.assertTrue(media_report.is_void("ratio_ring_vs_rtpengine", {"wire rtpengine"}, set()))

    def test_what_the_wire_lost(self):
        """All that is missing, and no more than a thousandth: else it is the server's."""
        for faults, overflows, by_wire in ((0, 0, 0), (100, 100, 100), (101, 100, 0), (100, 101, 0), (100, 0, 0), (1001, 1001, 0)):
            with self.subTest((faults, overflows)):
                self.assertEqual(media.lost_by_wire(faults, overflows, 1000000), by_wire)

    def test_two_workers_need_two_cores(self):
        line = line_of("ratio_two_workers", ratio_two_workers=1.9, two_workers_cores_free=False)
        self.assertEqual((line.value, line.verdict), (None, "no figure (two cores were not free; by CPU time 1.9)"))

    def test_a_figure_of_which_nothing_is_wanted(self):
        self.assertEqual(line_of("ratio_srtp_relay_vs_plain", ratio_srtp_relay_vs_plain=0.1).verdict, "")

    def test_report_and_text(self):
        shown = figures(ratio_ring_vs_testpmd=0.3, not_run={"wire xdp": "a | b\nc"})
        table = media_report.markdown(shown, PEERS)
        self.assertIn("| dpdk 22.11 | 0.3 | ≥ 0.35 | missed |", table)
        self.assertIn("| rtpengine 10.5.3.5 |  | ≥ 5 | no figure (a \\| b c) |", table)
        self.assertIn("| ipsec-mb is missing |", table)
        self.assertRegex(media_report.text(shown, PEERS), r"(?m)^ +0\.3 ≥ 0\.35 +ratio_ring_vs_testpmd +dpdk 22\.11 +missed$")
        self.assertRegex(media_report.text(shown, PEERS), r"(?m)^ +≥ 5 +ratio_xdp_vs_rtpengine .* no figure \(a \| b c\)$")
        self.assertEqual(media_report.svg(shown).count("<line"), 1)


def turns(**changes):
    """A turn with lamps and one without."""
    lit = {"calls": 100, "failed": 0, "changes": 8000, "told": 8000, "notifies": 8000, "node_s": 0.5, "redis_s": 0.2,
           "told_p50_ms": 1.0, "told_p99_ms": 200.0, "told_max_ms": 300.0, "setup_p50_ms": 2.0, "setup_p99_ms": 9.0}
    dark = lit | {"changes": 0, "told": 0, "notifies": 0, "node_s": 0.3, "setup_p99_ms": 8.0}
    return lit | changes, dark


class Subscriptions(unittest.TestCase):
    def test_figures(self):
        told = subscriptions.judged(2000, [turns(), turns(told_p99_ms=3.0), turns(node_s=0.7)])
        self.assertEqual((told["calls"], told["changes"], told["told"], told["told_p99_ms"], told["cpu_us_per_notify"],
                          told["setup_p99_ms"], told["setup_p99_ms_without"]), (600, 24000, 24000, 200.0, 25.0, 9.0, 8.0))
        self.assertTrue(subscriptions.is_met(told))

    def test_missed(self):
        """One lamp in one turn that was not told, one call, a change that was told late: each alone fails the bench."""
        late, nothing = turns(told_p99_ms=200.1), turns(changes=0, told=0)
        for rows in ([turns(), turns(told=7999)], [turns(), turns(failed=1)], [late, late, turns()], [nothing]):
            with self.subTest(rows):
                self.assertFalse(subscriptions.is_met(subscriptions.judged(2000, rows)))


class Durability(unittest.TestCase):
    def turn(self, always, **changes):
        step = {"rate": 500, "calls": 5000, "unfinished": 0, "saves_late": 0, "cpu_us": 150.0, "redis_us": 50.0, "p50_ms": 0.2, "p99_ms": 0.5}
        return {"everysec": step, "always": step | {"cpu_us": always - 100, "redis_us": 100.0, "p99_ms": 9.0} | changes, "no": step}

    def test_figures(self):
        told = durability.judged([self.turn(300.0), self.turn(240.0), self.turn(900.0)])
        self.assertEqual((told["ratio_fsync_always_cpu"], told["ratio_fsync_no_cpu"], told["save_p99_ms_always"],
                          told["save_p99_ms_everysec"], told["calls"]), (1.5, 1.0, 9.0, 0.5, 45000))
        self.assertTrue(durability.is_met(told))

    def test_missed(self):
        self.assertFalse(durability.is_met(durability.judged([self.turn(300.0), self.turn(300.0, unfinished=1)])))


class Saves(unittest.TestCase):
    def turn(self, on=150.0, setup=4.5, **changes):
        off = {"calls": 5000, "unfinished": 0, "saves_late": 0, "cpu_us": 120.0, "redis_us": 30.0, "setup_p99_ms": 4.0, "setup_mean_ms": 1.0}
        kept = off | {"cpu_us": on, "redis_us": 60.0, "setup_p99_ms": setup} | changes
        return {"off": off, "on": kept, "replica": kept | {"cpu_us": on + 30}, "acked": kept | {"cpu_us": on + 42}}

    def test_figures(self):
        told = durability.saves_judged([self.turn(), self.turn(144.0), self.turn(900.0)])
        self.assertEqual((told["ratio_durability_cpu"], told["ratio_durability_replica_cpu"], told["ratio_durability_acked_cpu"],
                          told["setup_added_p99_ms"], told["redis_us_on"], told["durability_calls"]), (1.25, 1.5, 1.6, 0.5, 60.0, 60000))
        self.assertTrue(durability.saves_are_met(told))

    def test_missed(self):
        for rows in ([self.turn(157.0)], [self.turn(setup=8.1)], [self.turn(setup_mean_ms=2.1)], [self.turn(), self.turn(unfinished=1)]):
            with self.subTest(rows):
                self.assertFalse(durability.saves_are_met(durability.saves_judged(rows)))


class NameServer(unittest.TestCase):
    """The tests' own name server, which benches lead names with."""

    def test_serves(self):
        path = list(sys.path)
        calls_trunk.serve_names(5060).close()
        self.assertEqual(sys.path, path)


class First(unittest.TestCase):
    """What `./tandem run` says of itself, as deploy/count.sh and deploy/demo/run.py write it."""

    def test_its_figures(self):
        lines = [(1.0, "174 packages of Debian are missing: 98.9 MB to fetch, 790 MB on disk."), (2.0, "fetching 1 of 174 packages"),
                 (30.0, "peers: unpacks 4 packages below /srv/tandem/build/peers"), (76.0, "call 1001 to 1002: answered after 9 ms"),
                 (77.64, "packages 31.0 s, build 42.3 s, call 4.3 s")]
        figures = first.first_call(lines)
        self.assertEqual(figures, {"apt_packages": 178, "apt_mb": 98.9, "apt_s": 31.0, "build_s": 42.3, "demo_s": 4.3, "first_call_s": 77.6})
        self.assertEqual(first.first_call(lines[:-1]), {"apt_packages": 178, "apt_mb": 98.9}, "a call that failed")

    def test_each_wanted_value(self):
        for name, most in first.WANTED.items():
            self.assertTrue(first.verdict(name, most).startswith("met"), name)
            self.assertTrue(first.verdict(name, most + 0.1).startswith("missed"), name)
        self.assertEqual(first.verdict("apt_mb", 1), "")


if __name__ == "__main__":
    unittest.main()
