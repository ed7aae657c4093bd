# SPDX-License-Identifier: Apache-2.0
"""How ./tandem cluster judges who spoke for a shard, and what it does in which order."""
import collections
import pathlib
import sys
import unittest

PATH = list(sys.path)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from cluster import chaos       # noqa: E402
from cluster.failures import KINDS      # noqa: E402
from cluster.tap import Tap     # noqa: E402
sys.path[:] = PATH

HISTORY = [(0, 17, "a"), (100, 17, "b"), (100, 18, "b"), (200, 17, "a")]


class Leaks(unittest.TestCase):
    def leaks(self, *spoken):
        tap = Tap.__new__(Tap)
        tap.spoken = collections.defaultdict(list)
        for shard, name, at in spoken:
            tap.spoken[shard, name].append(at)
        return tap.leaks(HISTORY)

    def test_owners_speak(self):
        self.assertEqual(self.leaks((17, "a", 1), (17, "b", 150), (17, "a", 250), (18, "b", 300)), {})

    def test_the_reading_is_late(self):
        """What the new owner says before we see it in Redis is no leak, nor is what the former one said until then."""
        self.assertEqual(self.leaks((17, "b", 99.9), (17, "a", 100.02)), {})

    def test_the_former_owner_speaks(self):
        self.assertEqual(self.leaks((17, "a", 100.2), (17, "a", 150), (17, "b", 201)), {(17, "a"): 2, (17, "b"): 1})

    def test_who_never_owned_it_speaks(self):
        self.assertEqual(self.leaks((18, "a", 150)), {(18, "a"): 1})


class Order(unittest.TestCase):
    def test_each_once_in_a_turn(self):
        order = chaos.kinds(2 * len(KINDS), None, 1)
        self.assertEqual((sorted(order[:len(KINDS)]), sorted(order[len(KINDS):])), (sorted(KINDS), sorted(KINDS)))
        self.assertNotEqual(order, chaos.kinds(2 * len(KINDS), None, 2))
        self.assertEqual(order, chaos.kinds(2 * len(KINDS), None, 1))


if __name__ == "__main__":
    unittest.main()
