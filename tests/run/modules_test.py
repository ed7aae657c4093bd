# SPDX-License-Identifier: Apache-2.0
"""What commits of a feature may touch, and what of it counts: in repositories of a few commits.  And which files of the core name a feature."""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import modules       # noqa: E402

ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | {
    f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
CODE = "/* One. */\nint f(int a,\n      int b)\n{\n\treturn a + b;\n}\n"
OTHERS = {f"sig/host/{name}.c": CODE for name in "abcdefgh"} | {f"sig/pbx/{name}.c": CODE for name in ("park", "hold", "pick")} | {"docs/api.md": ""}


class Repository(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        mine = {name: word for name, word in os.environ.items() if name != "CI" and not name.startswith("GIT_")}
        environment = mock.patch.dict(os.environ, mine | ENVIRONMENT, clear=True)
        environment.start()
        self.addCleanup(environment.stop)
        modules.git("init", "-q")
        first = mock.patch.object(modules, "FIRST", self.commit(OTHERS))
        first.start()
        self.addCleanup(first.stop)

    def commit(self, files, *features, text="sig: change"):
        """Of {path: text, or None where it goes}; its name."""
        for name, content in files.items():
            path = pathlib.Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if content is None else path.write_text(content, encoding="utf-8")
        modules.git("add", "-A")
        modules.git("commit", "-q", "--allow-empty", "-m", text, *(word for name in features for word in ("--trailer", f"Feature: {name}")))
        return modules.git("rev-parse", "HEAD").strip()

    def run_it(self, *words):
        """(status, what it says)"""
        with contextlib.redirect_stdout(io.StringIO()) as said, mock.patch.object(sys, "argv", ["modules.py", *words]):
            status = modules.main()
        return status, said.getvalue()

    def passes(self):
        self.assertEqual(self.run_it("--write"), (0, ""))

    def fails(self, *words):
        status, said = self.run_it("--write")
        self.assertEqual((status, said.count("\n")), (1, 1), said)
        for word in words:
            self.assertIn(word, said)


def changed(*names):
    return {f"sig/host/{name}.c": CODE.replace("a + b", "a - b") for name in names}


class Commits(Repository):
    def test_three_and_what_does_not_count(self):
        self.commit({"sig/pbx/queue/queue.c": CODE, "sig/pbx/queue/agent.c": CODE, "app/feature/queue/command.c": CODE, "engine/job/queue/ring.c": CODE,
                     "sig/pbx/modules.c": "list", "docs/api.md": "x", "sig/meson.build": "x", "tests/unit/sig/queue/queue_test.c": CODE,
                     **changed("a", "b", "c")}, "queue")
        self.passes()

    def test_all_commits_of_a_feature_count(self):
        """No words in a commit make it less; and what another feature touches is its own."""
        self.commit({"sig/pbx/queue.c": CODE, **changed("a", "b")}, "queue")
        self.commit({"sig/pbx/pages.c": CODE, **changed("e", "f", "g")}, "pages")
        self.commit({"sig/host/more.proto": "one", **changed("c")}, "queue", text="sig: call an agent\n\nADR 74 says why.")
        self.fails("queue: its commits touch 4 files", "sig/host/a.c sig/host/b.c sig/host/c.c sig/host/more.proto")

    def test_commits_of_the_core_carry_none(self):
        self.commit(changed("a", "b", "c", "d", "e"))
        self.passes()

    def test_a_commit_names_its_feature(self):
        name = self.commit({"sig/pbx/park.c": CODE.replace("a + b", "a")})
        self.fails(name[:9], "what is of park", "--trailer 'Feature: park'")

    def test_of_two_features(self):
        """Neither is outside of the other, where both are named."""
        self.commit({"sig/pbx/park.c": CODE.replace("a + b", "a"), "sig/flow/verb.c": CODE, **changed("a", "b", "c")}, "park", "flow")
        self.passes()
        self.commit({"sig/pbx/pick.c": CODE.replace("a + b", "a"), "sig/pbx/hold.c": CODE.replace("a + b", "a")}, "pick")
        self.fails("what is of hold")

    def test_a_change_of_a_mechanism(self):
        """What changes three features names none, but one that it adds."""
        three = {f"sig/pbx/{name}.c": CODE.replace("a + b", "a") for name in ("park", "hold", "pick")}
        self.commit(three | changed("a", "b", "c", "d"))
        self.passes()
        self.commit({name: CODE for name in three} | {"sig/pbx/queue.c": CODE} | changed("e"))
        self.fails("what is of queue:")

    def test_a_name_that_no_feature_has(self):
        self.commit(changed("a"), "qeue")
        self.fails("no feature has the name qeue")


class Counted(Repository):
    def test_comments_and_lines(self):
        """No comment, no way to break lines, and of a header its name without the folder."""
        other = "/* Two. */\nint f(int a, int b) /* both */\n{\n\n\treturn a +\n\t       b;\n}\n"
        self.commit({"sig/pbx/park.c": other})
        self.commit({f"sig/host/{name}.c": '#include "sig/pbx/hold.h"\n' + CODE for name in "abcd"})
        self.commit({f"sig/host/{name}.c": '#include "sig/pbx/hold/hold.h"\n' + other for name in "abcd"} | {"sig/pbx/queue.c": CODE}, "queue")
        self.passes()
        self.assertEqual(modules.pieces("a.c", '#include "b/c.h"\nint x; // --\nchar *t = "a; /* b */";'),
                         modules.pieces("a.c", '#include "d/e/c.h"\nint x;\n\nchar\n*t = "a; /* b */";'))
        self.assertEqual(modules.pieces("a.lua", "local x = 1 -- one\n"), modules.pieces("a.lua", "local x = 1\n"))
        self.assertNotEqual(modules.pieces("a.c", "x--;"), modules.pieces("a.c", "x;"))

    def test_what_is_taken_out_of_a_file(self):
        """It goes to the feature's folder: that touches nothing outside."""
        self.commit({f"sig/host/{name}.c": CODE + CODE.replace("f(", "g(") for name in "abcd"})
        self.commit({"sig/pbx/queue.c": CODE.replace("f(", "g(")} | {f"sig/host/{name}.c": CODE for name in "abcd"} | {"sig/host/e.c": None}, "queue")
        self.passes()

    def test_moves(self):
        """A file that moves counts where its code changed, by the name that it has now; nowhere, when it came to the feature."""
        long = CODE * 20
        self.commit({f"sig/host/{name}.c": long + f"int {name};\n" for name in "abcd"})
        self.commit({f"sig/host/{name}.c": None for name in "abcd"} | {f"sig/model/{name}.c": long + f"int {name};\n" for name in "abcd"} |
                    {"sig/pbx/queue.c": CODE}, "queue")
        self.passes()
        self.commit({f"sig/model/{name}.c": None for name in "abcd"} | {f"sig/call/{name}.c": long + f"int {name}{name};\n" for name in "abcd"}, "queue")
        self.fails("sig/call/a.c sig/call/b.c sig/call/c.c sig/call/d.c")
        self.commit({"sig/call/a.c": None, "sig/pbx/queue/a.c": long + "int aa;\n"}, "queue")
        self.passes()

    def test_merges(self):
        """They count nowhere."""
        modules.git("checkout", "-q", "-b", "other")
        self.commit(changed("a"))
        modules.git("checkout", "-q", "-")
        self.commit(changed("b"))
        modules.git("merge", "-q", "--no-commit", "other")
        self.commit({"sig/pbx/park.c": CODE.replace("a + b", "a")}, text="merge")
        self.passes()


class Page(Repository):
    def row(self, name):
        lines = pathlib.Path("docs/features.md").read_text(encoding="utf-8").split("\n")
        return next((line for line in lines if line.startswith(f"| {name} |")), None)

    def test_what_it_says(self):
        self.commit({"sig/pbx/park.c": CODE + CODE, "sig/pbx/modules.c": CODE, "docs/guides/park.md": "", "tests/unit/sig/park/a_test.c": "",
                     "tests/unit/sig/pbx/park_test.c": "", "web/park/page.js": "", "sig/host/park.c": CODE, **changed("a")}, "park")
        self.passes()
        self.assertEqual(self.row("park"), "| park | 12 | `docs/guides/park.md`, `sig/pbx/park.c`, `tests/unit/sig/park/`, `web/park/` | "
                                           "`sig/host/a.c`, `sig/host/park.c` |")
        self.assertEqual((self.row("hold"), self.row("modules")), ("| hold | 6 | `sig/pbx/hold.c` | – |", None))

    def test_when_it_is_wrong(self):
        """Not with each line of code."""
        self.run_it("--write")
        self.commit({"sig/pbx/park.c": CODE + CODE}, "park")
        self.assertEqual(self.run_it(), (0, ""))
        self.commit({"sig/pbx/park.h": ""}, "park")
        self.assertEqual(self.run_it(), (1, "docs/features.md is of another day: python3 scripts/modules.py --write\n"))
        self.run_it("--write")
        self.commit(changed("a"), "park")
        self.assertEqual(self.run_it()[0], 1)


class History(Repository):
    def test_a_shallow_clone(self):
        self.commit(changed("a"))
        modules.git("clone", "-q", "--depth", "1", f"file://{os.getcwd()}", "copy")
        os.chdir("copy")
        self.fails("git fetch --unshallow")

    def test_a_clone_without_the_first_commit(self):
        with mock.patch.object(modules, "FIRST", "1" * 40):
            self.fails("no commit 1111", "git fetch --unshallow")

    def test_an_archive(self):
        os.rename(".git", "gone")
        self.assertEqual(self.run_it()[0], 77)
        with mock.patch.dict(os.environ, {"CI": "true"}):
            self.fails("there is no .git")

    def test_an_archive_whose_core_names_one(self):
        os.rename(".git", "gone")
        pathlib.Path("sig/step").mkdir()
        pathlib.Path("sig/step/a.c").write_text('#include "sig/pbx/park.h"\n', encoding="utf-8")
        self.assertEqual(self.run_it()[0], 1)


class Core(unittest.TestCase):
    def test_it_names_no_module(self):
        files = {"sig/step/request.c": '#include "sig/pbx/park.h"\n', "sig/call/fork.c": '#include "sig/call/plan.h"\n'}
        self.assertEqual(modules.named(files), ["sig/step/request.c: the core includes sig/pbx/park.h"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
