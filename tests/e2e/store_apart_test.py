# SPDX-License-Identifier: Apache-2.0
"""Calls, groups, flows, forwards and features with a Redis apart, to phones that registered long before, by the tests that the other files
have for a node with a Redis of its own."""
import os

LONG = 90                       # s: its tests are those of other files
os.environ["TANDEM_STORE"] = "apart"             # before anything of lib

from lib import everywhere                      # noqa: E402


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(everywhere.store_names())
