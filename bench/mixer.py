#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What conferences cost: a tick of 500 members of whom three talk, encoded once for all who hear the same and once for each, and rooms in the engine.

bench/sound/mixer.c has sound alone, without port, SRTP or jitter buffer: both ways in turns. bench/sound/mixer_engine.c has a worker with all of these on
port_sim, in virtual time: a tick of 500 with SRTP, rooms of G.711, small rooms beside a large one, and rooms in which nobody speaks. CPU time
of one thread, medians of turns. bench/mixer_wire.py has a conference on sockets, against forwarding as many packets."""
import json
import subprocess
import sys

import lib
import mixer_wire

PACKAGES = ("libopus0", "libspandsp2")
WANTED = {  # of the rows with SRTP: what is wanted of the ratio
    "room_opus_16": 1 / 70,
    "room_opus_48": 1 / 70,
    "room_opus_16_all_talk_decoded": 1 / 9,
    "room_opus_48_all_talk_decoded": 1 / 5,
    "room_opus_16_all_talk": 1 / 20,
    "room_opus_48_all_talk": 1 / 20,
    "room_opus_16_all_talk_levels": 1 / 50,
    "room_opus_48_all_talk_levels": 1 / 50,
}


def rows_of(program, *flags):
    command = [lib.BUILD / "bench" / program, *flags]
    out = subprocess.run(lib.pinned(lib.SERVER_CORE, command), check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def say_dsp(rows):
    lib.say(f"{'':10} {'tick, us':>9} {'p99':>7} {'an encoder each':>16} {'ratio':>9} {'encodes':>8}")
    for row in rows:
        lib.say(f"{row['name']:10} {row['tick_us']:9.1f} {row['tick_p99_us']:7.1f} {row['encode_per_member_us']:16.1f} "
                f"{'1/%.0f' % (1 / row['ratio_vs_encode_per_member']):>9} {row['encodes_a_tick']:8.2f}")


def say_engine(rows):
    for row in rows:
        if "ratio_vs_encode_per_member" not in row:
            lib.say(f"{row['name']}: " + ", ".join(f"{k} {v}" for k, v in row.items() if k != "name"))
            continue
        lib.say(f"{row['name']:30} {row['tick_us']:9.1f} us a tick, 1/{1 / row['ratio_vs_encode_per_member']:.0f} of "
                f"{row['encode_per_member_us']:.0f} (1/{1 / WANTED[row['name']]:.0f} is wanted)")


def main():
    options = lib.arguments(__doc__.splitlines()[0], rows=("dsp", "engine", "wire"))
    wanted = set(options.row or ("dsp", "engine", "wire"))
    rows, wire = [], {}
    if "dsp" in wanted:
        rows = rows_of("mixer", *(["--turns", "3", "--ticks", "50"] if options.quick else []))
        say_dsp(rows)
    if "engine" in wanted:
        engine = rows_of("mixer_engine", *(["--turns", "1", "--ms", "500", "--quick"] if options.quick else []))
        say_engine(engine)
        rows += engine
    if "wire" in wanted:
        wire = mixer_wire.row(*((1, 2, 2) if options.quick else (5, 10, 6)))
    figures = {row.pop("name"): row for row in rows}
    if wire:
        figures["g711_200_wire"] = wire
    lib.finish(options, "mixer", figures, {name: lib.package_version(name) for name in PACKAGES})
    return 1 if wire.get("lost") else 0


if __name__ == "__main__":
    sys.exit(main())
