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

    def test_what_moves_or_changes_adds_none(self):
        self.assertIsNone(modules.finding("", [("R", "sig/pbx/park.c"), *THREE, ("M", "sig/call/fork.c")]))


class Core(unittest.TestCase):
    FILES = {"sig/call/fork.c": '#include "sig/call/recording.h"\n#include "sig/call/plan.h"\n'}

    def test_who_may_name_one(self):
        self.assertEqual(modules.named(self.FILES, {"sig/call/fork.c": {"recording"}}), [])
        self.assertEqual(len(modules.named(self.FILES, {})), 1)

    def test_nobody_names_one_of_pbx(self):
        self.assertEqual(len(modules.named({"sig/step/request.c": '#include "sig/pbx/park.h"\n'}, {})), 1)

    def test_the_list_only_shrinks(self):
        self.assertEqual(len(modules.named(self.FILES, {"sig/call/fork.c": {"recording", "siprec"}})), 1)
        self.assertEqual(len(modules.named({}, {"sig/call/fork.c": {"recording"}})), 1)

    def test_a_module_may_name_another(self):
        self.assertEqual(modules.named({"sig/call/siprec.c": '#include "sig/call/recording.h"\n'}, {}), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
