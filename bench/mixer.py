#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a tick of a conference of 500 costs, of whom three talk: encoded once for all who hear the same, and once for each member.

One program has both in turns (bench/mixer.c): CPU time of its thread, medians of five turns. There is no port, no SRTP and no jitter buffer in
it: what a packet costs on its way in and out is not in these figures."""
import json
import subprocess

import lib

PACKAGES = ("libopus0", "libspandsp2")


def main():
    options = lib.arguments(__doc__.splitlines()[0])
    command = [lib.BUILD / "bench" / "mixer", *(["--turns", "3", "--ticks", "50"] if options.quick else [])]
    out = subprocess.run(lib.pinned(lib.SERVER_CORE, command), check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    lib.say(f"{'':10} {'tick, us':>9} {'p99':>7} {'an encoder each':>16} {'ratio':>9} {'encodes':>8}")
    for row in rows:
        lib.say(f"{row['name']:10} {row['tick_us']:9.1f} {row['tick_p99_us']:7.1f} {row['encode_per_member_us']:16.1f} "
                f"{'1/%.0f' % (1 / row['ratio_vs_encode_per_member']):>9} {row['encodes_a_tick']:8.2f}")
    lib.finish(options, "mixer", {row.pop("name"): row for row in rows}, {name: lib.package_version(name) for name in PACKAGES})


if __name__ == "__main__":
    main()
