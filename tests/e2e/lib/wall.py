# SPDX-License-Identifier: Apache-2.0
"""The wall clock of a node and its Redis, which a test sets (lib/step_clock.c)."""
import os
import pathlib
import sys

from .node import build_folder


class Wall:
    """That of a node which was not started yet; it shows the truth until it is set."""

    def __init__(self, node):
        self._file = pathlib.Path(node.home, "clock")
        self._file.write_bytes(bytes(8))
        options = node.environment["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
        node.environment |= {"STEP_CLOCK": str(self._file), "ASAN_OPTIONS": options,
                             "LD_PRELOAD": os.path.join(build_folder(), "tests", "step_clock.so")}

    def step(self, seconds):
        """It is so far from the truth from now on."""
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
