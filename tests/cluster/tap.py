# SPDX-License-Identifier: Apache-2.0
"""Who says what in the name of a shard, as the bridge has it: a frame of a node that does not own the shard is a leak."""
import collections
import itertools
import socket
import threading
import time

from .nodes import SHARDS

ETH_P_ALL, OUTGOING = 3, 4
BEHIND_S, AHEAD_S = 0.05, 0.5       # how late we read the lease; how early its owner may speak, by our reading
TOGETHER_S = 0.2                    # a shard that goes to another node and back takes longer: who asks for it has looked at the lease twice
SOURCES = {bytes(map(int, address.split("."))): shard for shard, address in SHARDS.items()}


class Tap:
    """It listens at the ports of the nodes, from begin to end of a round."""

    def __init__(self, nodes):
        self.names = {node.host.port: node.name for node in nodes}
        self.spoken = collections.defaultdict(list)     # (shard, node) -> times
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.settimeout(0.2)
        self.ended = False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while not self.ended:
            try:
                frame, (port, _, kind, *_) = self.socket.recvfrom(64)
            except TimeoutError:
                continue
            shard = SOURCES.get(frame[26:30])
            if shard and kind != OUTGOING and frame[12:14] == b"\x08\0" and port in self.names:
                self.spoken[shard, self.names[port]].append(time.monotonic())

    def leaks(self, history):
        """history: of Owners. {(shard, node): frames}"""
        found = {}
        for (shard, name), times in list(self.spoken.items()):
            own = self._owned(history, shard, name)
            foreign = sum(not any(first <= at <= last for first, last in own) for at in list(times))
            if foreign:
                found[shard, name] = foreign
        return found

    def doubles(self):
        """Shards of two owners at once, whatever the lease says: another node spoke for it between two frames of one."""
        turns = {}
        for (shard, name), times in list(self.spoken.items()):
            turns.setdefault(shard, []).extend((at, name) for at in list(times))
        return sorted(shard for shard, spoken in turns.items() if self._between(sorted(spoken)))

    @staticmethod
    def _between(spoken):
        changes = [at for (_, before), (at, name) in itertools.pairwise(spoken) if name != before]
        return any(later - at < TOGETHER_S for at, later in itertools.pairwise(changes))

    @staticmethod
    def _owned(history, shard, name):
        """[(from, to)]"""
        changes = [(since, seen, owner) for since, seen, number, owner in history if number == shard]
        ends = [seen for _, seen, _ in changes[1:]] + [float("inf")]
        return [(since - AHEAD_S, end + BEHIND_S) for (since, _, owner), end in zip(changes, ends) if owner == name]

    def close(self):
        self.ended = True
        self.thread.join()
        self.socket.close()
