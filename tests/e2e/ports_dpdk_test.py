# SPDX-License-Identifier: Apache-2.0
"""Calls, SRTP, digits, hold, its music, ringback, moved media, video, a flood, WebRTC over a kill -9, trace and doctor with media.port: dpdk,
by the tests that the other files have for sockets."""
import os

LONG = 90                       # s: its tests are those of other files
os.environ["TANDEM_MEDIA_PORT"] = "dpdk"          # before anything of lib

from lib import everywhere                      # noqa: E402


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(everywhere.NAMES)
