# SPDX-License-Identifier: Apache-2.0
"""Codecs of a scripted RTP end: tones as 20 ms payloads, payloads back to samples.

G.722 and Opus are those of the libraries that baresip speaks them with, and a G.726 that is heard is ffmpeg's.
"""
import ctypes
import math
import struct

FRAMES = 50                     # a second: 20 ms each


def sine(hertz, rate, seconds=1.0):
    """16-bit samples of a tone; whole seconds can be repeated without a click."""
    return [round(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate))]


def ulaw_of(sample):
    """G.711 mu-law of one 16-bit sample."""
    sign, sample = (0x80, -sample) if sample < 0 else (0, sample)
    sample = min(sample, 32635) + 132
    exponent = sample.bit_length() - 8
    return ~(sign | exponent << 4 | (sample >> (exponent + 3)) & 15) & 0xff


def sample_of_ulaw(byte):
    byte = ~byte & 0xff
    sample = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -sample if byte & 0x80 else sample


def alaw_of(sample):
    """G.711 A-law of one 16-bit sample."""
    sign, sample = (0, -sample - 1) if sample < 0 else (0x80, sample)
    sample = min(sample, 32767) >> 3
    exponent = max(0, sample.bit_length() - 5)
    mantissa = sample >> max(1, exponent) & 15
    return (sign | exponent << 4 | mantissa) ^ 0x55


def sample_of_alaw(byte):
    byte ^= 0x55
    exponent, sample = byte >> 4 & 7, ((byte & 15) << 4) + 8
    if exponent:
        sample = sample + 256 << exponent - 1
    return sample if byte & 0x80 else -sample


class G711:
    rate = clock = 8000

    def __init__(self, name, encode, decode):
        self.name, self._encode = name, encode
        self._table = [decode(byte) for byte in range(256)]

    def frames(self, hertz):
        return self.coded(sine(hertz, self.rate))

    def coded(self, pcm):
        """Whole frames."""
        data = bytes(map(self._encode, pcm))
        return [data[i:i + 160] for i in range(0, len(data), 160)]

    def samples(self, payloads):
        return [self._table[byte] for byte in b"".join(payloads)]


class L16:
    """RFC 3551 4.5.11, of 16 kHz."""
    name, rate, clock = "L16", 16000, 16000

    def frames(self, hertz):
        data = struct.pack(f"!{self.rate}h", *sine(hertz, self.rate))
        size = 2 * self.rate // FRAMES
        return [data[i:i + size] for i in range(0, len(data), size)]

    def samples(self, payloads):
        data = b"".join(payloads)
        return list(struct.unpack(f"!{len(data) // 2}h", data))


class G722:
    """RFC 3551 4.5.2: 16 kHz audio on an 8 kHz RTP clock."""
    name, rate, clock = "G722", 16000, 8000

    def __init__(self):
        self._library = ctypes.CDLL("libspandsp.so.2")
        for call in (self._library.g722_encode_init, self._library.g722_decode_init):
            call.restype = ctypes.c_void_p

    def frames(self, hertz):
        return self.coded(sine(hertz, self.rate))

    def coded(self, pcm):
        state = ctypes.c_void_p(self._library.g722_encode_init(None, 64000, 0))
        coded = (ctypes.c_uint8 * len(pcm))()
        size = self._library.g722_encode(state, coded, (ctypes.c_int16 * len(pcm))(*pcm), len(pcm))
        self._library.g722_encode_release(state)
        data = bytes(coded[:size])
        return [data[i:i + 160] for i in range(0, size, 160)]

    def samples(self, payloads):
        data = b"".join(payloads)
        state = ctypes.c_void_p(self._library.g722_decode_init(None, 64000, 0))
        pcm = (ctypes.c_int16 * (2 * len(data)))()
        count = self._library.g722_decode(state, pcm, data, len(data))
        self._library.g722_decode_release(state)
        return list(pcm[:count])


class G726:
    """32 kbit/s in the order of RFC 3551 4.5.4. We encode by spandsp, as the node does, and hear by libavcodec, which has nothing of it."""
    name, rate, clock = "G726-32", 8000, 8000
    BITS, DATA, SIZE, SAMPLES = 4, 24, 32, 112     # where AVPacket and AVFrame of version 59 have them

    def __init__(self):
        self._coder, self._av = ctypes.CDLL("libspandsp.so.2"), ctypes.CDLL("libavcodec.so.59")
        self._util = ctypes.CDLL("libavutil.so.57")
        for call in (self._coder.g726_init, self._av.avcodec_find_decoder_by_name, self._av.avcodec_alloc_context3,
                     self._av.av_packet_alloc, self._util.av_frame_alloc):
            call.restype = ctypes.c_void_p

    def frames(self, hertz):
        pcm = sine(hertz, self.rate)
        state = ctypes.c_void_p(self._coder.g726_init(None, 32000, 0, 2))     # linear, packed to the right
        coded = (ctypes.c_uint8 * len(pcm))()
        size = self._coder.g726_encode(state, coded, (ctypes.c_int16 * len(pcm))(*pcm), len(pcm))
        self._coder.g726_free(state)
        data = bytes(coded[:size])
        return [data[i:i + 80] for i in range(0, size, 80)]

    def _open(self):
        decoder = ctypes.c_void_p(self._av.avcodec_find_decoder_by_name(b"g726le"))
        context, options = ctypes.c_void_p(self._av.avcodec_alloc_context3(decoder)), ctypes.c_void_p()
        for name, value in ((b"ar", self.rate), (b"ac", 1), (b"bits_per_coded_sample", self.BITS)):
            self._util.av_dict_set_int(ctypes.byref(options), name, ctypes.c_int64(value), 0)
        assert self._av.avcodec_open2(context, decoder, ctypes.byref(options)) == 0
        self._util.av_dict_free(ctypes.byref(options))
        return context

    def _decode(self, context, frame, payload):
        packet = ctypes.c_void_p(self._av.av_packet_alloc())
        assert self._av.av_new_packet(packet, len(payload)) == 0
        ctypes.memmove(ctypes.c_void_p.from_address(packet.value + self.DATA).value, payload, len(payload))
        assert self._av.avcodec_send_packet(context, packet) == 0
        assert self._av.avcodec_receive_frame(context, frame) == 0
        self._av.av_packet_free(ctypes.byref(packet))
        count = ctypes.c_int.from_address(frame.value + self.SAMPLES).value
        return (ctypes.c_int16 * count).from_address(ctypes.c_void_p.from_address(frame.value).value)[:]

    def samples(self, payloads):
        context, samples = self._open(), []
        frame = ctypes.c_void_p(self._util.av_frame_alloc())
        for payload in payloads:
            samples += self._decode(context, frame, payload)
        self._util.av_frame_free(ctypes.byref(frame))
        self._av.avcodec_free_context(ctypes.byref(context))
        return samples


class Opus:
    """RFC 7587: 48 kHz, always announced as stereo; what we code is mono."""
    name, rate, clock = "opus", 48000, 48000
    FRAME = rate // FRAMES
    AUDIO = 2049                # OPUS_APPLICATION_AUDIO

    def __init__(self):
        self._library = ctypes.CDLL("libopus.so.0")
        for call in (self._library.opus_encoder_create, self._library.opus_decoder_create):
            call.restype = ctypes.c_void_p

    def frames(self, hertz):
        return self.coded(sine(hertz, self.rate))

    def coded(self, pcm):
        error = ctypes.c_int()
        state = ctypes.c_void_p(self._library.opus_encoder_create(self.rate, 1, self.AUDIO, ctypes.byref(error)))
        frames, coded = [], (ctypes.c_uint8 * 1500)()
        for i in range(0, len(pcm), self.FRAME):
            part = (ctypes.c_int16 * self.FRAME)(*pcm[i:i + self.FRAME])
            size = self._library.opus_encode(state, part, self.FRAME, coded, len(coded))
            frames.append(bytes(coded[:size]))
        self._library.opus_encoder_destroy(state)
        return frames

    def samples(self, payloads):
        error, samples = ctypes.c_int(), []
        state = ctypes.c_void_p(self._library.opus_decoder_create(self.rate, 1, ctypes.byref(error)))
        pcm = (ctypes.c_int16 * (6 * self.FRAME))()
        for payload in payloads:
            count = self._library.opus_decode(state, payload, len(payload), pcm, len(pcm), 0)
            samples += pcm[:max(0, count)]
        self._library.opus_decoder_destroy(state)
        return samples


PCMU = G711("PCMU", ulaw_of, sample_of_ulaw)
PCMA = G711("PCMA", alaw_of, sample_of_alaw)
