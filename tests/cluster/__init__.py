# SPDX-License-Identifier: Apache-2.0
"""./tandem cluster: three nodes, Redis with Sentinel, and Kamailio in front of them, each on a machine of its own, and what may befall them."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("deploy/demo", "tests/e2e"):         # phones and nodes are those of the tests
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))
