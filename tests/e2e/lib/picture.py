# SPDX-License-Identifier: Apache-2.0
"""What a phone saw: its PNG snapshots as pixels."""
import contextlib
import functools
import os
import struct
import time
import zlib

from patience import PATIENCE_S


class Picture:
    """An RGB image with 8 bits a sample, as baresip's snapshot module writes it (PNG, no interlace)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:8] != b"\x89PNG\r\n\x1a\n":
            raise ValueError(f"{path}: no PNG")
        chunks, at = {}, 8
        while at < len(data):
            size, name = struct.unpack("!I4s", data[at:at + 8])
            chunks[name] = chunks.get(name, b"") + data[at + 8:at + 8 + size]
            at += 12 + size
        self.width, self.height, depth, colour = struct.unpack("!IIBB", chunks[b"IHDR"][:10])
        if depth != 8 or colour not in (2, 6):
            raise ValueError(f"{path}: {depth} bits, colour type {colour}")
        self._samples = 3 if colour == 2 else 4
        self._data = zlib.decompress(chunks[b"IDAT"])

    @functools.cached_property
    def _rows(self):
        """PNG (ISO 15948) 9.2: each row is the difference to what is left of it and above. Most tests want the size alone."""
        data, step, size = self._data, self._samples, self.width * self._samples
        rows, above = [], bytes(size)
        for start in range(0, self.height * (size + 1), size + 1):
            kind, row = data[start], bytearray(data[start + 1:start + 1 + size])
            for i in range(size if kind else 0):
                left, up, corner = (row[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
                row[i] = row[i] + (0, left, up, left + up >> 1, nearest(left, up, corner))[kind] & 0xff
            rows.append(row)
            above = row
        return rows

    def at(self, x, y):
        """(red, green, blue) at a place given as shares of width and height."""
        start = int(x * (self.width - 1)) * self._samples
        return tuple(self._rows[int(y * (self.height - 1))][start:start + 3])


def nearest(left, up, corner):
    """PNG 9.4: the Paeth predictor."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def wait_picture(device, width, height, seconds=PATIENCE_S):
    """Waits until the phone (baresip) decodes one more picture of that size."""
    path, end = os.path.join(device.folder, "seen.png"), time.monotonic() + seconds
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)                     # of before
    seen = None
    while time.monotonic() < end:
        device.command("snapshot_recv", path)
        time.sleep(0.3)
        with contextlib.suppress(OSError, KeyError, ValueError, IndexError):    # not written, or not to its end
            seen = Picture(path)
            if (seen.width, seen.height) == (width, height):
                return seen
    size = seen and (seen.width, seen.height)
    raise AssertionError(f"the phone saw {size}, not {(width, height)}, in {seconds} s\n{device.log_tail()}")
