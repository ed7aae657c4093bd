# SPDX-License-Identifier: Apache-2.0
"""What has threads of its own, under ThreadSanitizer: packets handed from worker to worker, sockets that change hands when an interface
is made again, handshakes, a trace, and events for clients of HTTP. The tests are those that the other files have for the build with
AddressSanitizer. Not DPDK's: its rings have barriers where ThreadSanitizer looks for atomics."""
BUILD = "tsan"

NAMES = (
    "xdp_test.InterfacesOfTwo.test_made_again",
    "xdp_test.Workers.test_handed_over",
    "webrtc_test.Calls.test_with_a_plain_phone",
    "trace_test.InClear.test_a_call",
    "http_events_test.Events.test_of_a_call",
)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromNames(NAMES)
