# SPDX-License-Identifier: Apache-2.0
"""Calls, SRTP, digits, hold, moved media, video, a flood and WebRTC with media.port: xdp, by the tests that the other files have for sockets."""
import os

os.environ["TANDEM_MEDIA_PORT"] = "xdp"          # before anything of lib

from lib import everywhere                      # noqa: E402


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(everywhere.NAMES + ("webrtc_test.SharedPort.test_with_a_plain_phone",))
