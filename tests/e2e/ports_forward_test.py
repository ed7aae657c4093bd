# SPDX-License-Identifier: Apache-2.0
"""The same with media.port: xdp where the kernel forwards by itself what it can (docs/adr/0064): the tests in which two parties have
plain RTP for each other, or might have. What has keys, or is no RTP, goes the way that ports_xdp_test.py sees."""
import os

LONG = 60                       # s: its tests are those of other files
os.environ["TANDEM_MEDIA_PORT"], os.environ["TANDEM_MEDIA_FORWARD"] = "xdp", "on"      # before anything of lib

from lib import everywhere                      # noqa: E402

OTHER = ("srtp_test.", "fax_test.", "bundle_test.", "trace_test.Export.")


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames([name for name in everywhere.NAMES if not name.startswith(OTHER)])
