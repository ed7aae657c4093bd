# SPDX-License-Identifier: Apache-2.0
"""Which tone is in a recording: a Goertzel filter per candidate frequency, plain Python."""
import array
import math
import wave


def samples_of(path):
    """(first channel of a 16-bit WAV as a list, samples per second)"""
    with wave.open(path) as recording:
        if recording.getsampwidth() != 2:
            raise ValueError(f"{path}: not 16 bits a sample")
        raw = array.array("h", recording.readframes(recording.getnframes()))
        return list(raw[::recording.getnchannels()]), recording.getframerate()


def power(samples, rate, frequency):
    """Power of one frequency; that of a pure tone over whole periods is its mean square."""
    step = 2 * math.cos(2 * math.pi * frequency / rate)
    last = before = 0.0
    for sample in samples:
        last, before = sample + step * last - before, last
    return 2 * (last * last + before * before - step * last * before) / len(samples) ** 2


def loudest(samples, rate, low=200, high=2000):
    """(Hz, share of all power) of the strongest tone; share is near 1.0 for a clean tone."""
    total = sum(sample * sample for sample in samples) / max(1, len(samples))
    if total < 1:
        return 0, 0.0                   # silence
    coarse = max(range(low, high, 20), key=lambda hz: power(samples[:rate // 20], rate, hz))        # as 20 Hz are told apart there
    coarse = max(range(coarse - 20, coarse + 21, 5), key=lambda hz: power(samples[:rate // 5], rate, hz))
    fine = max(range(coarse - 5, coarse + 6), key=lambda hz: power(samples, rate, hz))
    return fine, min(1.0, power(samples, rate, fine) / total)


def share(samples, rate, frequency):
    """The share that a tone within 3 Hz has of all power."""
    total = sum(sample * sample for sample in samples) / max(1, len(samples))
    if total < 1:
        return 0.0                      # silence
    return min(1.0, max(power(samples, rate, frequency + off) for off in (-3, 0, 3)) / total)


def heard(path, skip=0.5, seconds=1.0):
    """loudest() of `seconds` of a recording, after `skip` seconds in which a call settles: of each fifth of a second, and then the middle one.

    A packet that was lost or late is a click, behind which the tone goes on elsewhere in its period: it spoils its fifth, and not the measure.
    """
    samples, rate = samples_of(path)
    part = samples[int(skip * rate):int((skip + seconds) * rate)]
    if len(part) < rate // 2:
        return 0, 0.0                   # too short to say anything
    size = rate // 5
    parts = sorted((loudest(part[at:at + size], rate) for at in range(0, len(part) - size + 1, size)), key=lambda found: found[1])
    return parts[len(parts) // 2]
