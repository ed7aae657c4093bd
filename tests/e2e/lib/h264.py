# SPDX-License-Identifier: Apache-2.0
"""Pictures of H.264 that any decoder takes, without an encoder: samples as they are (I_PCM), and frames that repeat the one before (RFC 6184 mode 0)."""

ROW = 3                                                 # macroblocks: a slice of them is one packet


class Bits:
    def __init__(self):
        self.text = ""

    def u(self, value, count):
        self.text += format(value, f"0{count}b")
        return self

    def ue(self, *values):
        """H.264 9.1"""
        for value in values:
            digits = format(value + 1, "b")
            self.text += "0" * (len(digits) - 1) + digits
        return self

    def samples(self, data):
        """pcm_alignment_zero_bit, then octets."""
        self.text += "0" * (-len(self.text) % 8) + "".join(format(octet, "08b") for octet in data)
        return self

    def unit(self, head):
        """7.3.2.11 and 7.4.1: the trailing bits, and no three octets that look like a start."""
        bits = self.text + "1"
        bits += "0" * (-len(bits) % 8)
        out, zeros = bytearray([head]), 0
        for at in range(0, len(bits), 8):
            octet = int(bits[at:at + 8], 2)
            if zeros == 2 and octet <= 3:
                out.append(3)
                zeros = 0
            out.append(octet)
            zeros = zeros + 1 if octet == 0 else 0
        return bytes(out)


class Stream:
    """Pictures of 48 x 16 * rows, of one grey."""

    def __init__(self, rows, grey):
        self.rows, self.grey, self.number, self.idr = rows, grey, 0, 0
        sps = Bits().u(66, 8).u(0xe0, 8).u(0x1e, 8).ue(0, 0, 2, 1).u(0, 1).ue(ROW - 1, rows - 1).u(0b1100, 4)
        pps = Bits().ue(0, 0).u(0, 2).ue(0, 0, 0).u(0, 3).ue(0, 0, 0).u(0b100, 3)
        self.parameters = [sps.unit(0x67), pps.unit(0x68)]

    def key(self):
        """One that a decoder may begin with: units, each of which is a packet."""
        self.number, self.idr = 0, self.idr ^ 1
        units = list(self.parameters)
        for row in range(self.rows):
            bits = Bits().ue(row * ROW, 7, 0).u(0, 4).ue(self.idr).u(0, 2).ue(0, 1)
            for _ in range(ROW):
                bits.ue(25).samples(bytes([self.grey]) * 256 + bytes([128]) * 128)
            units.append(bits.unit(0x65))
        return units

    def same(self):
        """All macroblocks are those of the picture before."""
        self.number = (self.number + 1) % 16
        bits = Bits().ue(0, 5, 0).u(self.number, 4).u(0, 3).ue(0, 1).ue(ROW * self.rows)
        return [bits.unit(0x41)]


def size(sps):
    """(width, height) as a parameter set of a simple profile has it (7.3.2.1.1)."""
    bits, at = "".join(format(octet, "08b") for octet in sps[4:]), 0

    def ue():
        nonlocal at
        zeros = bits.index("1", at) - at
        at += 2 * zeros + 1
        return int(bits[at - zeros - 1:at], 2) - 1
    ue()
    ue()
    if ue() == 0:                                       # pic_order_cnt_type
        ue()
    ue()
    at += 1
    return (ue() + 1) * 16, (ue() + 1) * 16


def parameters(payload):
    """The sequence parameter set in a packet, alone or in an aggregate (RFC 6184 5.7.1); None: there is none."""
    if payload[0] & 31 == 7:
        return payload
    at = 1
    while payload[0] & 31 == 24 and at + 2 < len(payload):
        length = int.from_bytes(payload[at:at + 2], "big")
        if payload[at + 2] & 31 == 7:
            return payload[at + 2:at + 2 + length]
        at += 2 + length
    return None
