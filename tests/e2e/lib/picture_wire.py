# SPDX-License-Identifier: Apache-2.0
"""What passed between a node and those who are in a conference with pictures of H.264, as traces of their calls have it: whose picture came and
went, and who was asked for a new one. A trace is written where packets come to the node and leave it, in clear. Times are those of the wall clock."""
import dataclasses
import os
import struct

from . import h264, trace

OCTETS = 60 << 20           # of a trace: four are within what a node keeps
REQUESTS = (206, 1), (206, 4)       # PLI and FIR (RFC 4585 6.3.1, RFC 5104 4.3.1)
PROFILE = 66                # baseline


@dataclasses.dataclass
class Seen:
    """Between the node and `party`: a key frame of `whose` begins; None: a new picture is asked for."""
    at: float
    party: str
    leaves: bool            # the node
    whose: str


class Wire:
    """From its making on. calls: {party: id of its call}; whose: {size of a picture: party}."""

    def __init__(self, node, calls, whose, seconds):
        self.node, self.calls, self.whose, self.seconds = node, calls, whose, seconds
        self.traces()

    def traces(self):
        """{party: its trace}, as call.trace.start says, also of one that runs."""
        return {party: self.node.ctl("call.trace.start", call=call, decrypted="true", seconds=self.seconds, octets=OCTETS)
                for party, call in self.calls.items()}

    def read(self):
        """[Seen], in the order of their times; the traces end."""
        found = []
        for party, ended in self.traces().items():
            assert ended["packets"] and not ended["lost"], f"packets are in no trace: {ended}"
            name = ended["name"]
            self.node.ctl("call.trace.stop", name=name)
            rows = trace.rows(os.path.join(self.node.folder, "trace", name), [], "udp", "frame.time_epoch",
                              "frame.packet_flags_direction", "udp.payload", options=trace.AS_PLAIN, guess=False)
            for at, way, payload in rows:
                found += [Seen(float(at), party, int(way, 0) == 2, whose) for whose in self.what(bytes.fromhex(payload))]
        return sorted(found, key=lambda seen: seen.at)

    def what(self, data):
        """Whose key frame it begins, or None for each request in it."""
        if len(data) < 13 or data[0] >> 6 != 2:
            return []
        if 192 <= data[1] <= 223:
            return [None for kind in kinds(data) if kind in REQUESTS]
        whose = self.whose.get(size_of(payload_of(data)))
        return [whose] if whose else []


def size_of(payload):
    """As the parameters in it say; None: they are not there. What is no video looks so rarely, and has no size of those who are there."""
    sps = h264.parameters(payload) if payload else None
    try:
        return h264.size(sps) if sps and sps[1] == PROFILE else None
    except (IndexError, ValueError):
        return None


def kinds(compound):
    """(packet type, FMT) of each packet of RTCP."""
    while len(compound) >= 4:
        yield compound[1], compound[0] & 31
        compound = compound[4 + 4 * struct.unpack("!H", compound[2:4])[0]:]


def payload_of(packet):
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        start += 4 + 4 * struct.unpack("!H", packet[start + 2:start + 4])[0]
    return packet[start:]
