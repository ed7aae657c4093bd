# SPDX-License-Identifier: Apache-2.0
"""Calls, SRTP, digits, hold, its music, ringback, moved media, video, a flood, WebRTC over a kill -9, trace and doctor with media.port: xdp,
by the tests that the other files have for sockets."""
import os

LONG = 110                      # s: its tests are those of other files
os.environ["TANDEM_MEDIA_PORT"] = "xdp"          # before anything of lib

from lib import everywhere                      # noqa: E402

SOME = ("bundle_test.SharedPort.test_sound_and_picture", "browser_test.Audio.test_browser_calls_a_phone", "flow_shipped_test.Events", "flow_shipped_test.Tones")


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(everywhere.NAMES + SOME)
