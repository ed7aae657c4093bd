# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests are made of: a node, real phones, scripted SIP peers, RTP ends, SIPp.

A test is tests/e2e/NAME_test.py, a unittest file:

    from lib.node import Node
    with Node() as node:
        node.put_extension("1001", "secret")
        a = node.user_agent("1001", "secret")
        assert a.register().status == 200
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
# The demo's phone driver is the tests' as well; the demo must not depend on the tests.
sys.path.insert(0, str(ROOT / "deploy" / "demo"))
