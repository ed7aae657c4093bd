# SPDX-License-Identifier: Apache-2.0
"""How much of a voice is left: STOI, and the log-spectral distance of single frames.

STOI is that of C. H. Taal, R. C. Hendriks, R. Heusdens and J. Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency
Weighted Noisy Speech", IEEE Transactions on Audio, Speech and Language Processing, 2011. Both signals are arrays of one length, the first
one whole."""
import math

import numpy

STOI_RATE, WINDOW, HOP, FFT = 10000, 256, 128, 512
BANDS, LOWEST_HZ = 15, 150              # third octaves
SEGMENT = 30                            # frames: 384 ms
CLIP = 1 + 10 ** (15 / 20)              # beta is -15 dB
SILENT_DB = 40                          # below the loudest frame
TINY = numpy.finfo(float).eps
FILTER_REACH, FILTER_BETA = 10, 5       # of the lower rate's samples to each side; Kaiser's window
SILENT_LSD_DB = 50              # below the loudest bin of the clean signal
STEPS = 4                       # of a window from the one before


def frames_of(signal, window=WINDOW, hop=HOP):
    return numpy.lib.stride_tricks.sliding_window_view(signal, window)[:-1:hop]


def hann(n):
    """Without the zeros at its ends."""
    return numpy.hanning(n + 2)[1:-1]


def at_rate(signal, rate, wanted):
    """In time with it, by a filter of each of the phases that there are."""
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    reach = FILTER_REACH * max(up, down)
    taps = numpy.sinc(numpy.arange(-reach, reach + 1) / max(up, down)) * numpy.kaiser(2 * reach + 1, FILTER_BETA)
    taps *= up / taps.sum()
    out = numpy.zeros(-(-len(signal) * up // down))
    places = numpy.arange(len(out)) * down + reach      # among the taps, with the signal's samples up apart
    longest = -(-len(taps) // up)
    padded = numpy.lib.stride_tricks.sliding_window_view(numpy.pad(signal.astype(float), longest), longest)
    for phase in range(up):
        which = places % up == phase
        part = numpy.pad(taps[phase::up], (0, longest))[:longest]
        out[which] = padded[places[which] // up + 1] @ part[::-1]
    return out


def without_silence(clean, heard):
    """Frames in which the clean one speaks, added together again."""
    window = hann(WINDOW)
    parts = [frames_of(signal) * window for signal in (clean, heard)]
    level = 20 * numpy.log10(numpy.linalg.norm(parts[0], axis=1) + TINY)
    speaks = level > level.max() - SILENT_DB
    return [added(part[speaks]) for part in parts]


def added(parts):
    signal = numpy.zeros((len(parts) + 1) * HOP)
    for at, part in enumerate(parts):
        signal[at * HOP:at * HOP + WINDOW] += part
    return signal


def third_octaves():
    """Which of the bins belong to which band."""
    bins = numpy.arange(FFT // 2 + 1) * STOI_RATE / FFT
    edges = LOWEST_HZ * 2 ** ((2 * numpy.arange(BANDS + 1) - 1) / 6)
    nearest = [int(numpy.argmin(numpy.abs(bins - edge))) for edge in edges]
    return numpy.array([[low <= at < high for at in range(len(bins))] for low, high in zip(nearest, nearest[1:])], float)


def bands_of(signal):
    spectrum = numpy.abs(numpy.fft.rfft(frames_of(signal) * hann(WINDOW), FFT)) ** 2
    return numpy.sqrt(third_octaves() @ spectrum.T)


def normalised(segments):
    segments = segments - segments.mean(axis=-1, keepdims=True)
    return segments / (numpy.linalg.norm(segments, axis=-1, keepdims=True) + TINY)


def stoi(clean, heard, rate):
    """1 where nothing is lost."""
    if rate != STOI_RATE:
        clean, heard = (at_rate(signal, rate, STOI_RATE) for signal in (clean, heard))
    x, y = (numpy.lib.stride_tricks.sliding_window_view(bands_of(s), SEGMENT, axis=1) for s in without_silence(clean, heard))
    scale = numpy.linalg.norm(x, axis=-1, keepdims=True) / (numpy.linalg.norm(y, axis=-1, keepdims=True) + TINY)
    return float(numpy.mean(numpy.sum(normalised(x) * normalised(numpy.minimum(y * scale, x * CLIP)), axis=-1)))


def log_spectra(signal, floor):
    spectrum = numpy.abs(numpy.fft.rfft(signal * hann(signal.shape[-1]), axis=-1)) ** 2
    return 10 * numpy.log10(numpy.maximum(spectrum, floor))


def spectral_distance(clean, heard, frame, lost):
    """In dB, the mean over all windows as long as a frame, a quarter of it apart, that touch a lost frame or lie within the one behind it.
    What is 50 dB below the loudest bin of the clean signal counts as silent."""
    hop = frame // STEPS
    x, y = (frames_of(signal.astype(float), frame, hop) for signal in (clean, heard))
    floor = (numpy.abs(numpy.fft.rfft(x * hann(frame))) ** 2).max() * 10 ** (-SILENT_LSD_DB / 10)
    steps = numpy.repeat(lost, STEPS)
    # begins in a lost frame or right behind it, or reaches one
    counts = numpy.convolve(steps, numpy.ones(STEPS + 1), "full")[STEPS - 1:][:len(x)] > 0
    gap = log_spectra(x[counts], floor) - log_spectra(y[counts], floor)
    return float(numpy.mean(numpy.sqrt(numpy.mean(gap ** 2, axis=-1))))
