# SPDX-License-Identifier: Apache-2.0
"""Which commits that add a module touch too much beside it, and which files of the core name one."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import modules       # noqa: E402

OWN = [("A", "sig/pbx/callback.c"), ("A", "sig/pbx/callback.h"), ("M", "sig/pbx/modules.c")]
THREE = [("M", "sig/host/extension.h"), ("M", "app/schema/extension.c"), ("M", "sig/call/plan.c")]
NONE = [("M", "tests/unit/sig/rig.h"), ("M", "docs/api.md"), ("M", "sig/meson.build"), ("M", "sig/record/call.proto")]


class Findings(unittest.TestCase):
    def test_three_and_what_does_not_count(self):
        self.assertIsNone(modules.finding("call: call back", OWN + THREE + NONE))

    def test_one_too_many(self):
        more = [("M", "sig/call/fork.c")]
        self.assertIn("touches 4 files", modules.finding("call: call back", OWN + THREE + more))
        self.assertIsNone(modules.finding("call: call back\n\nADR 74 says why.", OWN + THREE + more))

    def test_another_module_is_outside(self):
        self.assertIn("sig/pbx/park.c", modules.finding("", OWN + THREE + [("M", "sig/pbx/park.c")]))

    def test_a_folder_is_a_module(self):
        own = [("A", f"sig/pbx/queue/{name}.c") for name in ("queue", "agent", "record", "ring")]
        self.assertIsNone(modules.finding("", own + THREE))

    def test_a_further_file_of_a_module(self):
        more = [("A", "sig/pbx/flow/dial.c"), *THREE, ("M", "sig/call/fork.c")]
        self.assertIn("adds flow", modules.finding("", more))
        self.assertIsNone(modules.finding("", more, ["sig/pbx/flow/flow.c"]))

    def test_what_moves_or_changes_adds_none(self):
        self.assertIsNone(modules.finding("", [("R", "sig/pbx/park.c"), *THREE, ("M", "sig/call/fork.c")]))


class Core(unittest.TestCase):
    def test_it_names_no_module(self):
        files = {"sig/step/request.c": '#include "sig/pbx/park.h"\n', "sig/call/fork.c": '#include "sig/call/plan.h"\n'}
        self.assertEqual(modules.named(files), ["sig/step/request.c: the core includes sig/pbx/park.h"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
