# SPDX-License-Identifier: Apache-2.0
"""A rolling upgrade of three nodes under live calls, from the programs of an earlier commit to these, and back."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

from lib.node import build_folder

from . import check
from .failures import KINDS
from .place import Place
from .rounds import Round

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("app/tandemd", "app/tandemctl")


@contextlib.contextmanager
def built(commit, variant):
    """The folder of that build of that commit."""
    with tempfile.TemporaryDirectory(prefix="tandem-upgrade-") as folder:
        tree = pathlib.Path(folder, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            done = subprocess.run([str(tree / "tandem"), "build", variant, *PROGRAMS], stdout=subprocess.PIPE, text=True, check=True)
            yield done.stdout.split()[-1]
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


class Replaced(KINDS["drain"]):
    """a node gives its shards away, stops, and is started with other programs"""

    programs = None

    def mend(self):
        if self.victim.stop():
            raise AssertionError(f"{self.victim.name} did not stop in peace")
        self.victim.programs = self.programs
        self.victim.start()


def replace_all(place, calls, programs, say):
    """One node after the other."""
    done = []
    for node in place.nodes:
        failure = Replaced(place, node)
        failure.programs = programs
        done.append(Round(place, failure, calls).run())
        say(done[-1].told())
        if done[-1].whole_s is None:
            raise AssertionError(f"the cluster is not whole again: {place.state()}")
    return done


def run(commit, options, say):
    """The figures; both ways, under the same calls."""
    new = build_folder()
    with built(commit, "debug" if options.debug else "release") as old:
        os.environ["TANDEM_BUILD"] = old
        with Place(options.lease) as place:
            os.environ["TANDEM_BUILD"] = new
            try:
                calls = check.placed(place, options.calls, say)
                say(f"from {commit} to these:")
                forth = replace_all(place, calls, os.path.join(new, "app"), say)
                say(f"and back to {commit}:")
                back = replace_all(place, calls, os.path.join(old, "app"), say)
                rounds = [*forth, *back]
                return {"from": commit, "replaced": len(rounds), **check.calls_judged(place, calls, rounds, say), **check.gaps(forth),
                        **check.gaps(back, "back_gap"), "packets_lost": sum(each.lost for each in rounds),
                        "leaks": sum(sum(each.leaks.values()) for each in rounds)}
            except BaseException:
                if options.keep:
                    place.keep(options.keep)
                raise
