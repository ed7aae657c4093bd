#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What lost packets leave of a voice: by codec and by what is heard in their place, on real speech.

Of packets of 20 ms 5 % are lost, each by itself or two to four in a row. What is heard is compared with what the same codec makes of all
packets: STOI (1 is best) and the log-spectral distance where packets were lost (0 is best), of bench/speech_measure.py. dsp/plc.h was tuned
on one half of the voices; the figures are of the other half. --half tuned shows the first."""
import collections
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy

import lib
import speech_measure

CODEC2 = pathlib.Path("/usr/share/codec2/raw")
SPHINX = pathlib.Path("/usr/share/pocketsphinx/test/data")
SOUNDS = pathlib.Path("/usr/share/asterisk/sounds")
PACKAGES = ("codec2-examples", "pocketsphinx-testdata", "asterisk-core-sounds-it-g722", "asterisk-core-sounds-fr-g722",
            "libspandsp2", "libopus0", "python3-numpy")
# by rate: a voice is one or more files of one speaker
VOICES = {
    8000: {"tuned": [[CODEC2 / f"{name}.raw"] for name in ("hts1", "forig", "vk5qi", "cq_ref", "kristoff", "g3plx")],
           "other": [[CODEC2 / f"{name}.raw"] for name in ("hts2", "morig", "mmt1", "ve9qrp_10s", "big_dog")]},
    16000: {"tuned": [[CODEC2 / "speech_orig_16k.wav"], [SPHINX / f"{name}.raw" for name in ("goforward", "numbers", "something")],
                      [SOUNDS / "it_IT_m_Carlo" / "demo-instruct.g722"]],
            "other": [sorted((SPHINX / "librivox").glob("*.wav")), sorted((SPHINX / "cards").glob("*.wav")),
                      [SOUNDS / "fr_CA_f_June" / "demo-instruct.g722"]]},
}
SECONDS, QUICK_SECONDS = 30, 5          # of a voice, at most
LOSS, BURST = 0.05, (2, 3, 4)
FRAMES_PER_SECOND = 50
Row = collections.namedtuple("Row", "codec rate methods ours")
ROWS = (Row("pcmu", 8000, ("zero", "repeat", "library", "plc"), "plc"),
        Row("g722", 16000, ("zero", "repeat", "plc_reset", "plc_led", "plc"), "plc"),
        Row("opus", 16000, ("zero", "repeat", "library", "fec"), "fec"),
        Row("coded", 8000, ("zero", "library", "plc"), "plc"))
KINDS = ("random", "bursts")
SAID = {"zero": "zeros", "repeat": "last frame again", "library": "library", "plc": "dsp/plc.h", "plc_led": "dsp/plc.h, decoder led",
        "plc_reset": "dsp/plc.h, decoder reset", "fec": "library with FEC"}


def program(*command, given):
    return subprocess.run([lib.BUILD / "bench" / "quality", *command], input=given, stdout=subprocess.PIPE, check=True).stdout


def file_samples(path):
    octets = path.read_bytes()
    if path.suffix == ".g722":
        return program("read-g722", given=octets)
    if path.suffix == ".wav":
        with wave.open(io.BytesIO(octets)) as file:
            return file.readframes(file.getnframes())
    return octets


def voice(files, rate, seconds):
    return b"".join(file_samples(path) for path in files)[:rate * 2 * seconds]


def losses(kind, seed, frames):
    """Gilbert's two states: a good one, and a bad one that lasts one packet, or two to four."""
    rng = numpy.random.default_rng([seed, KINDS.index(kind)])
    lengths = (1,) if kind == "random" else BURST
    mean = sum(lengths) / len(lengths)
    begins = LOSS / (1 - LOSS) / mean if kind != "random" else LOSS
    lost, at = numpy.zeros(frames, bool), 0
    while at < frames:
        if rng.random() < begins:
            length = int(rng.choice(lengths))
            lost[at:at + length] = True
            at += length if kind == "random" else length + 1
        else:
            at += 1
    return lost


def heard(row, method, samples, lost):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join("01"[int(one)] for one in lost))
        file.flush()
        return numpy.frombuffer(program(row.codec, method, file.name, given=samples), "<i2")


def measure_row(row, kind, voices, seeds):
    """Of each method the figures of each seed: STOI by the length of the voices, and the distance by their lost packets."""
    figures = collections.defaultdict(list)
    frame = row.rate // FRAMES_PER_SECOND
    clean = [heard(row, "none", samples, ()) for samples in voices]
    for seed in range(seeds):
        lost = [losses(kind, seed * 100 + at, len(samples) // 2 // frame) for at, samples in enumerate(voices)]
        used = [at for at in range(len(voices)) if lost[at].any()]
        for method in row.methods:
            both = [(speech_measure.stoi(clean[at], y, row.rate), speech_measure.spectral_distance(clean[at], y, frame, lost[at]))
                    for at in used for y in (heard(row, method, voices[at], lost[at]),)]
            figures[method].append((numpy.average([one[0] for one in both], weights=[len(lost[at]) for at in used]),
                                    numpy.average([one[1] for one in both], weights=[lost[at].sum() for at in used])))
    return {method: numpy.array(of) for method, of in figures.items()}


def is_better(ours, other):
    """In the mean of all seeds, by both measures."""
    return ours[:, 0].mean() > other[:, 0].mean() and ours[:, 1].mean() < other[:, 1].mean()


def seeds_better(ours, other):
    return int(numpy.sum((ours[:, 0] > other[:, 0]) & (ours[:, 1] < other[:, 1])))


def tell(row, kind, of):
    for method in row.methods:
        low, high = of[method].min(axis=0), of[method].max(axis=0)
        mean = of[method].mean(axis=0)
        lib.say(f"| {row.codec} | {kind} | {SAID[method]} | {mean[0]:.4f} ({low[0]:.4f}-{high[0]:.4f}) | "
                f"{mean[1]:.2f} ({low[1]:.2f}-{high[1]:.2f}) |")


def measure(half, seconds, seeds, rows):
    figures, missed = {}, []
    lib.say("| codec | losses | heard in their place | STOI (least to most of the seeds) | distance, dB |\n|---|---|---|---|---|")
    for row in (row for row in ROWS if not rows or row.codec in rows):
        voices = [voice(files, row.rate, seconds) for files in VOICES[row.rate][half]]
        for kind in KINDS:
            of = measure_row(row, kind, voices, seeds)
            tell(row, kind, of)
            for method in row.methods:
                figures[f"stoi_{row.codec}_{kind}_{method}"], figures[f"lsd_{row.codec}_{kind}_{method}"] = (
                    round(float(value), 4) for value in of[method].mean(axis=0))
            for other in [method for method in ("zero", "repeat") if method in row.methods]:
                figures[f"seeds_better_{row.codec}_{kind}_{other}"] = seeds_better(of[row.ours], of[other])
                if not is_better(of[row.ours], of[other]):
                    missed.append(f"{row.codec} {kind} {other}")
    return figures, missed


def main():
    parser = lib.argument_parser(__doc__.splitlines()[0], [row.codec for row in ROWS])
    parser.add_argument("--half", choices=("tuned", "other"), default="other", help="which voices")
    parser.add_argument("--seeds", type=int, default=0, help="how many patterns of losses")
    options = parser.parse_args()
    seconds, seeds = (QUICK_SECONDS, 1) if options.quick else (SECONDS, 10)
    seeds = options.seeds or seeds
    figures, missed = measure(options.half, seconds, seeds, options.row)
    times = json.loads(program("time", given=voice(VOICES[16000][options.half][0], 16000, seconds)))
    lib.say(", ".join(f"{name} {value}" for name, value in times.items()))
    lib.say(f"not better than: {', '.join(missed)}" if missed else "better than zeros and repetition in every row, by both measures")
    lib.finish(options, "quality", {"half": options.half, "seeds": seeds, "rows_missed": missed} | figures | times,
               {name: lib.package_version(name) for name in PACKAGES})
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
