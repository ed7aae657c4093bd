# SPDX-License-Identifier: Apache-2.0
"""How ./tandem cluster judges who spoke for a shard, and what it does in which order."""
import collections
import pathlib
import sys
import types
import unittest

PATH = list(sys.path)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from cluster import chaos, measure      # noqa: E402
from cluster.failures import KINDS, Host, Nothing       # noqa: E402
from cluster.nodes import ClusterNode   # noqa: E402
from cluster.tap import Tap     # noqa: E402
sys.path[:] = PATH

HISTORY = [(0, 0, 17, "a"), (100, 100, 17, "b"), (100, 100, 18, "b"), (200, 200, 17, "a"), (300, 303, 17, "b")]


def tap_of(spoken):
    tap = Tap.__new__(Tap)
    tap.spoken = collections.defaultdict(list)
    for shard, name, at in spoken:
        tap.spoken[shard, name].append(at)
    return tap


class Leaks(unittest.TestCase):
    def leaks(self, *spoken):
        return tap_of(spoken).leaks(HISTORY)

    def test_owners_speak(self):
        self.assertEqual(self.leaks((17, "a", 1), (17, "b", 150), (17, "a", 250), (18, "b", 300)), {})

    def test_the_reading_is_late(self):
        """What the new owner says before we see it in Redis is no leak, nor is what the former one said until then."""
        self.assertEqual(self.leaks((17, "b", 99.9), (17, "a", 100.02)), {})

    def test_redis_could_not_be_read(self):
        """Its primary has died with the word that the shard was given, and the next one is asked seconds later."""
        self.assertEqual(self.leaks((17, "b", 299.9), (17, "b", 302), (17, "a", 302)), {})

    def test_the_former_owner_speaks(self):
        self.assertEqual(self.leaks((17, "a", 100.2), (17, "a", 150), (17, "b", 201)), {(17, "a"): 2, (17, "b"): 1})

    def test_who_never_owned_it_speaks(self):
        self.assertEqual(self.leaks((18, "a", 150)), {(18, "a"): 1})


class Doubles(unittest.TestCase):
    """Frames every 20 ms."""

    def doubles(self, *turns):
        """turns: (node, first, last)"""
        return tap_of([(17, name, at / 50) for name, first, last in turns for at in range(round(first * 50), round(last * 50))]).doubles()

    def test_it_goes_away_and_home(self):
        """Whose shard it is asks for it as soon as the other one has renewed its lease."""
        self.assertEqual(self.doubles(("a", 0, 0.1), ("b", 3.34, 4), ("a", 4.02, 5)), [])

    def test_two_speak(self):
        self.assertEqual(self.doubles(("a", 0, 5), ("b", 2, 3)), [17])

    def test_a_frame_comes_late(self):
        self.assertEqual(self.doubles(("a", 0, 1), ("b", 1, 2), ("a", 1.5, 1.52)), [17])


class Order(unittest.TestCase):
    def test_each_once_in_a_turn(self):
        order = chaos.kinds(2 * len(KINDS), None, 1)
        self.assertEqual((sorted(order[:len(KINDS)]), sorted(order[len(KINDS):])), (sorted(KINDS), sorted(KINDS)))
        self.assertNotEqual(order, chaos.kinds(2 * len(KINDS), None, 2))
        self.assertEqual(order, chaos.kinds(2 * len(KINDS), None, 1))


class Rows(unittest.TestCase):
    """Of ./tandem bench takeover."""

    def options(self, **given):
        return types.SimpleNamespace(**{"quick": False, "rounds": None, "minutes": 30, **given})

    def test_each_has_rounds(self):
        self.assertEqual(set(measure.ROWS), set(measure.ROUNDS))
        counts = [{row: measure.rounds_of(row, self.options(**given)) for row in ("kill", "calm")} for given in ({}, {"rounds": 2}, {"quick": True})]
        self.assertEqual(counts, [{"kill": 20, "calm": 1}, {"kill": 2, "calm": 1}, {"kill": 1, "calm": 1}])

    def test_what_befalls_a_node(self):
        fast, calm = (measure.failure_of(None, row, None, self.options(minutes=0.5)) for row in ("host-fast", "calm-fast"))
        self.assertEqual((type(fast), type(calm), calm.seconds), (Host, Nothing, 30))
        self.assertEqual([measure.lease_of(row) for row in ("host", "host-fast")], ["1s", "300ms"])

    def test_claims_are_counted(self):
        node = ClusterNode.__new__(ClusterNode)
        node.log_text = lambda: "the owner of a shard is silent: claiming it shard=17\nthe shard is live shard=17\n"
        self.assertEqual(node.claims(), 1)

    def test_figures(self):
        def done(p99, claims, leaks):
            return types.SimpleNamespace(gap={"p50": 20, "p99": p99, "max": 900}, claims=claims, leaks=leaks)

        figures = measure.figures_of({"host-fast": [done(380, 1, {(17, "a"): 2}), done(300, 1, {})], "calm": [done(20, 3, {})]}, {"calls": 5}, [])
        self.assertEqual([figures[name] for name in ("gap_host_fast_p99_ms", "false_takeovers", "fenced_leaks", "gap_p99_ms", "kills")],
                         [380, 3, 2, None, 0])


if __name__ == "__main__":
    unittest.main()
