#!/usr/bin/env python3
"""What codecs cost, and what it costs to code calls anew.

Row `codecs`: CPU of 20 ms encoded and decoded, medians of turns in which all codecs come one after the other. Row `calls`: against the
bare codecs, and how late packets are for it, on a simulated port, so that the kernel's part of a packet is in neither. PCMU on one side
of each call, Opus at 8 kHz or G.722 on the other; also a party that sends wideband or fullband Opus. Turns of both kinds alternate in one
process (bench/sound/transcode.c). Row `peers`: beside rtpengine, which codes the same calls over sockets, with what it does by itself and
with equal settings (transcode_peers.py)."""
import json
import subprocess

import lib
import transcode_peers

PEERS = ("libopus0", "libspandsp2", "libbcg729-0", "rtpengine-daemon")
GOALS = {"opus": 1.15, "opus_wide": 1.15, "opus_full": 1.35, "G722": 1.10}
CODECS = ("opus", "G722")
SLICE_GOAL_US = 300
PEER_GOALS = {"ratio_vs_rtpengine": 2, "ratio_vs_rtpengine_equal": 1.1}


# ---- row codecs ----

def codecs(options):
    command = lib.pinned(lib.SERVER_CORE, [lib.BUILD / "bench" / "codec", "--turns", 3 if options.quick else 25])
    lines = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    measured = [line for line in lines if "refusal" not in line]
    lib.say(f"{'us of 20 ms':34} {'encode':>8} {'decode':>8} {'conceal':>8} {'copy':>8} {'kbit/s':>7}")
    for line in measured:
        parts = [f"{line[key]:8.2f}" if line[key] else f"{'-':>8}" for key in ("encode_us", "decode_us", "conceal_us", "copy_us")]
        lib.say(f"{line['name']:34} {' '.join(parts)} {line['kbit_s']:7.1f}")
    for line in lines:
        if "refusal" in line:
            lib.say(f"not run: {line['refusal']}")
    return {"codecs": {line.pop("name"): line for line in measured}, "not_run": {line["name"]: line["refusal"] for line in lines if "refusal" in line}}


# ---- row calls ----

def turn(name, options):
    codec, _, peer = name.partition("_")
    command = [lib.BUILD / "bench" / "transcode", "--codec", codec, *(["--peer", peer] if peer else [])]
    command += ["--rounds", "100", "--seconds", "2"] if options.quick else []
    out = subprocess.run(lib.pinned(lib.SERVER_CORE, command), check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def slices(turns):
    """The longest step, each taken as it was in the turn that disturbed it least: the steps are the same in each turn, the pauses of
    the machine are not, and the CPU time of a thread has them in it.  Beside it the longest one of all turns, as it was measured."""
    steps = [t.pop("steps_us") for t in turns]
    if len({len(of_turn) for of_turn in steps}) != 1:
        raise SystemExit("transcode: the turns are not the same")
    return {"slice_max_us": max(min(step) for step in zip(*steps)), "slice_max_disturbed_us": max(map(max, steps)), "steps": len(steps[0])}


def of_codec(codec, options):
    turns = [turn(codec, options) for _ in range(2 if options.quick else 5)]
    found = slices(turns)
    figures = {name: lib.median([t[name] for t in turns]) for name in turns[0] if name != "codec"} | found
    met = figures["ratio_vs_codec_cost"] <= GOALS[codec] and figures["slice_max_us"] <= SLICE_GOAL_US
    lib.say(f"PCMU and {codec}: {figures['us_per_call']:.1f} us a call and 20 ms, codecs alone "
            f"{figures['codec_us_per_call']:.1f}: {figures['ratio_vs_codec_cost']:.3f} (at most {GOALS[codec]}), longest slice "
            f"{figures['slice_max_us']:.0f} us, late p99.9 {figures['late_p999_us']:.0f} us: {'met' if met else 'missed'}")
    return figures


def calls(options):
    return {codec: of_codec(codec, options) for codec in GOALS}


def peers(options):
    found = transcode_peers.peers(CODECS, options)
    for codec, figures in found.items():
        for name, goal in PEER_GOALS.items():
            if name in figures:
                lib.say(f"PCMU and {codec}, {name}: {figures[name]:.2f} (at least {goal}): {'met' if figures[name] >= goal else 'missed'}")
    return {f"{codec}_peers": figures for codec, figures in found.items()}


ROWS = {"codecs": codecs, "calls": calls, "peers": peers}


def main():
    options = lib.arguments(__doc__.splitlines()[0], tuple(ROWS))
    figures = {}
    for name in options.row or ROWS:
        figures |= ROWS[name](options)
    lib.finish(options, "transcode", figures, {name: lib.package_version(name) for name in PEERS})
    if any(of.get("lost", 0) or of.get("missed", 0) for of in figures.values() if isinstance(of, dict)):
        raise SystemExit("transcode: packets were lost, or what was to be equal is not")


if __name__ == "__main__":
    main()
