#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many keys are told right: as tones through each codec, as telephone-events (RFC 4733) and by INFO; and keys that speech is taken for.

Each of the 16 keys 1,000 times, in random order (bench/sound/digits.c): 80 ms on and 80 ms off, 40 ms each, and 80 ms with 5 % of the packets
lost, where the codec's own concealment is heard. Nothing waits for a clock. Tones are told by dsp/dtmf.h from what the decoder makes.
A key is right that is told once in its own time; wrong is a key that nobody pressed then. Speech is what prompts of Asterisk say, in
Italian and French."""
import json
import subprocess
import sys

import lib
from quality import SOUNDS, file_samples

TIMES, QUICK_TIMES = 1000, 50
# name, codec, rate of the PCM, bit rate (0: its own). The node codes Opus as it is at 8 kHz with 12 kbit/s and at 16 kHz with 20;
# a phone may do with less.
LINES = (("PCMA", "PCMA", 8000, 0), ("PCMU", "PCMU", 8000, 0), ("G722", "G722", 16000, 0), ("G726-32", "G726-32", 8000, 0),
         ("opus, 8 kHz, 12 kbit/s", "opus", 8000, 12000), ("opus, 16 kHz, 12 kbit/s", "opus", 16000, 12000),
         ("opus, 16 kHz, 20 kbit/s", "opus", 16000, 20000))
MODULE = ("G729", "G729", 8000, 0)      # where it is built
KINDS = (("80 ms", 80, 80, 0), ("40 ms", 40, 40, 0), ("80 ms, 5 % lost", 80, 80, 50))
PACKAGES = ("asterisk-core-sounds-it-g722", "asterisk-core-sounds-fr-g722")


def program(*arguments, given=None):
    command = [lib.BUILD / "bench" / "digits", *map(str, arguments)]
    return json.loads(subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout)


def said(tally):
    return f"{100 * tally['right'] / tally['sent']:8.3f} %   {tally['missed']:6} missed {tally['wrong']:6} wrong {tally['twice']:6} twice"


def speech(quick):
    """At 16 kHz."""
    files = sorted(path for folder in ("it_IT_m_Carlo", "fr_CA_f_June") for path in (SOUNDS / folder).rglob("*.g722"))
    return b"".join(file_samples(path) for path in files[::20 if quick else 1])


def main():
    options = lib.arguments(__doc__)
    times, figures = QUICK_TIMES if options.quick else TIMES, {}
    lines = (*LINES, MODULE) if (lib.BUILD / "dsp" / "tandem-g729.so").exists() else LINES
    lib.say(f"{16 * times} keys in each row")
    for kind, on, off, loss in KINDS:
        for name, codec, rate, bits in lines:
            tally = program("tones", codec, rate, bits, on, off, loss, times)
            figures[f"{name}, {kind}"] = tally
            lib.say(f"{name:26} {kind:16} {said(tally)}")
        if on == 80:
            tally = program("events", on, loss, times)
            figures[f"RFC 4733, {kind}"] = tally
            lib.say(f"{'RFC 4733':26} {kind:16} {said(tally)}")
    figures["INFO"] = program("info", times)
    lib.say(f"{'INFO':26} {'':16} {said(figures['INFO'])}")
    pcm = speech(options.quick)
    for name, codec, rate, bits in lines:
        heard = program("speech", codec, rate, bits, given=pcm)
        figures[f"{name}, speech"] = heard
        lib.say(f"{name:26} {'speech':16} {heard['false']} false in {heard['seconds'] / 3600:.2f} h")
    short = [name for name, tally in figures.items() if (name.endswith(", 80 ms") or name == "INFO") and
             (tally["right"] < tally["sent"] or tally["wrong"] or tally["twice"])]
    lib.say("of 80 ms without loss all keys are right" + (f", but not of {'; '.join(short)}" if short else ""))
    peers = {name: lib.package_version(name) for name in PACKAGES}
    lib.finish(options, "digits", figures, peers)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
