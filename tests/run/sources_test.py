# SPDX-License-Identifier: Apache-2.0
"""Figures of the tree by which work is judged: each counts what its name says, in a tree of a few files."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import sources       # noqa: E402

FILES = {
    "base/a.h": "int a_one(int x);\nint a_two(void);\nint a_three(\n\tint x);\n/* a_one() */\n",
    "base/a.c": '#include "base/a.h"\nint a_one(int x)\n{\n\treturn x;\n}\nint a_two(void)\n{\n\treturn a_one(1);\n}\n'
                'int a_three(int x)\n{\n\treturn x;\n}\nstatic int a_four(void)\n{\n\treturn 4;\n}\n',
    "sig/b.h": '#include "engine/c.h"\n',
    "sig/b.c": '#include "base/a.h"\n#include "sig/b.h"\nstatic const char *text = "a_two()";\nstatic int b(void)\n{\n'
               "\treturn a_two() + a_three(1) + a_three(2); /* a_two() */\n}\n",
    "engine/c.h": '#include "sig/b.h"\n',
    "tests/unit/a_test.c": '#include "base/a.h"\nint main(void)\n{\n\treturn a_two();\n}\n',
}


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        for name, text in FILES.items():
            pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(name).write_text(text, encoding="utf-8")
        self.files = sources.read()

    def test_what_is_counted(self):
        figures = sources.figures(self.files)
        self.assertEqual((figures["c_files"], figures["headers"], figures["test_lines"]), (2, 3, 5))
        self.assertEqual(figures["lines"], sum(text.count("\n") for name, text in FILES.items() if not name.startswith("tests")))

    def test_callers(self):
        """One that has two calls, or a caller in a comment, a text or a test, is not counted; a static one never is."""
        self.assertEqual(sources.with_one_caller(self.files), ["base/a.c: a_one", "base/a.c: a_two"])

    def test_includers(self):
        """The file of the same name is none."""
        self.assertEqual(sources.with_one_includer(self.files), ["base/a.h", "engine/c.h", "sig/b.h"])

    def test_cycles(self):
        self.assertEqual(sources.cycles(self.files), ["engine sig"])


if __name__ == "__main__":
    unittest.main()
