# SPDX-License-Identifier: Apache-2.0
"""The same with two nodes on a Redis apart, where all phones register at the one, and call the other. Of it what kills no node: the other
one would take its place, which other files look at."""
import os

LONG = 90                       # s: its tests are those of other files
os.environ["TANDEM_STORE"] = "nodes"             # before anything of lib

from lib import everywhere                      # noqa: E402


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(everywhere.store_names(kills=False))
