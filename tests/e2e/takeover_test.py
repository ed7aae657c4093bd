# SPDX-License-Identifier: Apache-2.0
"""Folders of nodes that were killed under live calls, kept from earlier versions: this one goes on with each of them.

`./tandem takeover --keep FOLDER` makes such a folder. Those in tests/data/redis are never changed.
"""
import unittest

from lib import ROOT, takeover, wire

FOLDERS = ROOT / "tests" / "data" / "redis"


class Kept(unittest.TestCase):
    def setUp(self):
        wire.alone()                    # the addresses and ports are those of then

    def test_calls_go_on(self):
        folders = sorted(path.parent for path in FOLDERS.glob("*/parties.json"))
        self.assertTrue(folders)
        for folder in folders:
            with self.subTest(folder.name):
                self.goes_on(folder)

    def goes_on(self, folder):
        with takeover.Taken(folder) as node:
            calls, phones, rows, _ = takeover.take_over(node, node.state)
            self.assertEqual({call.kind: call.fault for call in calls if call.fault}, {})
            self.assertEqual(phones, "")
            self.assertEqual(len(rows), len(calls) + 1)
            self.assertEqual(node.http("/healthz")[0], 200)


if __name__ == "__main__":
    unittest.main()
