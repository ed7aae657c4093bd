# SPDX-License-Identifier: Apache-2.0
"""Figures of the tree by which work is judged: each counts what its name says, in a tree of a few files."""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

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
    FILES = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        for name, text in self.FILES.items():
            pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(name).write_text(text, encoding="utf-8")
        self.files = sources.read()


class Size(Tree):
    FILES = FILES

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


SHAPE = {
    "app/node/node.h": "/* One. */\n/* All. */\n#include \"sig/host/host.h\"\nstruct node {\n\tstruct call_host host;\n\tint a;\n};\n",
    "app/node/run.c": '/* One. */\n/* Runs. */\n#include "app/node/node.h"\n#include "sig/host/accounts.h"\n',
    "sig/host/host.h": "/* One. */\nstruct call_host {\n\tconst char *name, *other[2];\n\tvoid *owner; /* a; b */\n"
                       "\tconst struct call *(*call_of)(void *owner, uint64_t call);\n\tvoid (*tell)(void *owner,\n\t\t     int a);\n};\n",
    "sig/host/effect.h": "struct effect {\n\tint kind;\n\tuint8_t a, b[4];\n\tunion {\n\t\tint x;\n\t\tstruct {\n\t\t\tint y;\n"
                         "\t\t} z;\n\t};\n\tbool c : 1;\n};\n"
                         "#define X 1\nenum { ACCOUNT_CODE_LONG };\n",
    "sig/host/accounts.h": "int accounts_any(int whom);\n",
    "sig/host/accounts.c": '/* One. */\n#include "sig/host/accounts.h"\nint accounts_any(int whom)\n{\n\treturn whom;\n}\n',
    "sig/host/refusal.def": "/* account_code */\nX(ACCOUNT_CODE, 403)\n",
    "sig/x.h": '#include "sig/y.h"\nint x_one(void);\n',
    "sig/y.h": '#include "sig/x.h"\nint y_one(void);\nint z_one(void);\n',
    "sig/x.c": '#include "sig/x.h"\nint x_one(void)\n{\n\treturn y_one();\n}\n',
    "sig/y.c": '#include "sig/y.h"\nint y_one(void)\n{\n\treturn x_one() + z_one();\n}\n',
    "sig/z.c": '/* One. */\n/* Whoever asks: there is none. */\n#include "sig/y.h"\nint z_one(void)\n'
               '{\n\treturn a.y_one + b->y_one; /* y_one() */\n}\n',
    "sig/w.c": "int w_one(void)\n{\n\treturn x_one();" + "\t" * 9 + "/**/\n}" + "\t" * 12 + "/* **/\n",
    "sig/event.h": "struct sig_event {\n\tint kind;\n};\n",
    "docs/a.md": "of whom\nsomewhom, Coders and a shard_confer\n"
                 "`tests/e2e/a_test.py::A.test_told`, test_who_is_told, monitor_told=true, who_is_told\n",
    "sig/public.c": '/* One. */\n/* A public name is one in a text: "monitor_told". */\nint sql_begin(void), agent_tell(void);\n'
                    'static const char *name = "monitor_told", *help = "whom";\nbool monitor_told; /* whose */\n',
    "tests/e2e/a_test.py": "class A:\n    def test_who_is_told(self):\n        who_is_told()\n",
    "docs/adr/1.md": "of whom\n",
}


class Shape(Tree):
    FILES = SHAPE

    def listed(self, name):
        return sources.LISTS[name](self.files)

    def test_every_list_is_a_figure(self):
        figures = sources.figures(self.files)
        self.assertEqual({name: figures[name] for name in sources.LISTS}, {name: len(self.listed(name)) for name in sources.LISTS})

    def test_structs(self):
        self.assertEqual(self.listed("call_host_functions"), ["call_of", "tell"])
        self.assertEqual(self.listed("request_members"), ["kind", "a", "b", "c"])
        self.assertEqual(sources.members(sources.structs(self.files)["call_host"][1]), ["name", "other", "owner", "call_of", "tell"])

    def test_the_widest_struct(self):
        """It has what the structs within it have."""
        self.assertEqual((sources.widest(self.files), self.listed("widest_struct_includers")), (("node", "app/node/node.h"), ["app/node/run.c"]))

    def test_circles(self):
        """A caller in a comment, a member of that name and a file that sees no such function are none."""
        self.assertEqual(self.listed("file_include_cycles"), ["sig/x.h sig/y.h"])
        self.assertEqual(self.listed("files_in_largest_call_cycle"), ("sig/x.c", "sig/y.c"))
        self.assertEqual(sources.circles({"a": "b", "b": "a", "c": "ad", "d": "e", "e": "f", "f": "d", "g": "g"}), [("d", "e", "f"), ("a", "b")])

    def test_how_files_look(self):
        self.assertEqual(self.listed("c_files_without_head_comment"), ["sig/host/accounts.c", "sig/w.c", "sig/x.c", "sig/y.c"])
        self.assertEqual(self.listed("lines_over_100_columns"), ["sig/w.c:4"])

    def test_where_a_feature_is_named(self):
        """By an include, in a list, or in code; not in its own files, nor in comments."""
        self.assertEqual(self.listed("account_code_files"), ["app/node/run.c", "sig/host/effect.h", "sig/host/refusal.def"])

    def test_words(self):
        """Public names are none in texts and documents, nor are names of tests in documents."""
        self.assertEqual(self.listed("words"), ["sig/host/accounts.c:3: whom", "sig/host/accounts.c:5: whom", "sig/host/accounts.h:1: whom",
                                                "sig/public.c:3: agent_tell", "sig/public.c:5: monitor_told", "sig/public.c:5: whose",
                                                "sig/z.c:2: Whoever", "sig/z.c:2: is none", "docs/a.md:1: whom", "docs/a.md:2: Coders",
                                                "docs/a.md:2: shard_confer", "docs/a.md:3: who_is_told"])

    def test_none_fails_at_any(self):
        for name, status in (("words", 1), ("include_cycles", 0)):
            with mock.patch.object(sys, "argv", ["sources.py", "--none", name]), contextlib.redirect_stdout(io.StringIO()) as said:
                self.assertEqual((sources.main(), len(said.getvalue().splitlines())), (status, len(self.listed(name))))


class Nothing(unittest.TestCase):
    def test_a_struct_that_is_gone(self):
        """That is no zero."""
        self.assertIsNone(sources.figures({})["call_host_functions"])


if __name__ == "__main__":
    unittest.main()
