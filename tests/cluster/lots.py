# SPDX-License-Identifier: Apache-2.0
"""What a pair of phones needs for a call in each state: a third phone, phones with other keys and transports, a slot, a trunk to a name."""
import contextlib
import itertools
import json
import threading
import time

from lib.dtls import Certificate
from lib.nameserver import address
from lib.sip import SipError, UserAgent
from lib.stream import KEEPALIVE, StreamAgent

from music_test import wav
from .nodes import SHARDS, SIP
from .states import APPLICATION, FIRST_SLOT, PROMPT, ROOM, SOUND
from .talk import PASSWORD

FIRST_PORT, ENDS = 10200, 6         # of media in a round
FIRST_PREFIX = 50       # of numbers outside
KEEP_ALIVE_S = 0.5      # of phones on TCP
SEEN_S = 1              # so long nodes may take to know what changed


class Ends:
    """Ports for the media of one round after the other."""

    def __init__(self, number):
        first = FIRST_PORT + 2 * ENDS * number
        self._ports = itertools.cycle(range(first, first + 2 * ENDS, 2))

    def take(self, _count):
        return next(self._ports)


class Returning(StreamAgent):
    """It connects and registers again where its connection ends; `back` while it has one. Its keep-alives show it (RFC 5626 4.4.1): who was at
    the other end is gone from the address, and says nothing more."""

    def __init__(self, *arguments):
        self.back = threading.Event()
        self.back.set()
        super().__init__(*arguments)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._closed:
            time.sleep(KEEP_ALIVE_S)
            with contextlib.suppress(OSError):
                self.send(KEEPALIVE)
            if not self.lost:
                continue
            self.back.clear()
            with contextlib.suppress(SipError, OSError):
                self.reconnect()
                if self.register(expires=3600, seconds=2).status == 200:
                    self.back.set()
                    continue
            self.lost = True


class Lot:
    """Of the pair of that number."""

    def __init__(self, place, certificate, number, pair):
        self.place, self.phones, self.node = place, place.phones, place.nodes[0]
        self.certificate, self.number, (self.caller, self.callee) = certificate, number, pair
        self.slot, self.ports, self.names, self.name = str(FIRST_SLOT + number), Ends(number), place.names, ""
        self.forwards, self._made, self.seen = f"4{number:03}", itertools.count(), set()      # seen: Call-IDs that came
        self.node.put_extension(self.forwards, PASSWORD, forward_always=f"3{number:03}")
        self.node.ctl("extension.put", number=self.caller.number, early_media="true")
        self.outside_prefix = f"0{FIRST_PREFIX + number}"
        self.node.ctl("route.put", name=f"late{number}", pattern=f"{self.outside_prefix}x.", trunks=f"late{number}")
        self.third = self._phone(3)
        self.direct = self._phone(12, lambda name: UserAgent(self._server(), name, PASSWORD, self.caller.address))
        self.node.ctl("extension.put", number=self.direct.number, classes="other")
        self.connected = [self._phone(kind, self._on_tcp) for kind in (5, 6)]
        self.keyed = [self._phone(kind, sdes_insecure="true") for kind in (7, 8)]
        self.webrtc = [self._phone(kind, webrtc="always") for kind in (10, 11)]
        self.carrier = UserAgent(self._server(), "carrier", address=self.caller.address)

    def _phone(self, kind, make=None, **flags):
        return self.phones.phone(self.node, f"{kind}{self.number:03}", make, **flags)

    def _server(self):
        """Where a phone is registered that believes no SBC: whose node a code, or a number outside, is dialled at."""
        shards = list(SHARDS.values())
        return shards[self.number % len(shards)], SIP

    def _on_tcp(self, name):
        return Returning(self._server(), name, PASSWORD, self.caller.address)

    def prepare(self):
        """For one more round: copies of what came in the last one are none of its messages, and nobody has asked for the name."""
        for agent in (self.caller, self.callee, *self.agents):
            agent.forget()
        self.name = f"n{next(self._made)}.p{self.number}.test"
        self.names.zone[self.name] = [address(self.caller.address)]
        self.node.ctl("trunk.put", name=f"late{self.number}", servers=f"{self.name}:{self.carrier.port}", transport="udp", direction="out")

    def outside(self):
        return f"{self.outside_prefix}1234"

    def collected(self, call):
        """The digits that the application was told of; None: it was not."""
        rows = self.place.redis.now("XREVRANGE", f"td:{{ev:default}}:{APPLICATION}", "+", "-") or []
        told = (json.loads(fields[1]) for _, fields in rows)
        return next((row["digits"] for row in told if row["type"] == "call.collected" and row["call"] == call), None)

    @property
    def agents(self):
        return self.third, self.direct, self.carrier, *self.connected, *self.keyed, *self.webrtc

    def close(self):
        for agent in self.agents:
            agent.close()


class Lots:
    """Those of a place."""

    def __init__(self, place, count):
        for node in place.nodes:
            wav(f"{node.folder}/sounds/default/{PROMPT}", SOUND)
        while len(place.phones.pairs) < count:
            place.phones.pair(place.nodes[0])
        first = place.nodes[0]
        first.put_extension(APPLICATION, PASSWORD)
        first.ctl("room.put", number=ROOM, max_members="2000")
        first.ctl("extension.put", number=APPLICATION, application=APPLICATION)
        certificate = Certificate(place.folder)
        self.all = [Lot(place, certificate, number, pair) for number, pair in enumerate(place.phones.pairs[:count])]
        time.sleep(SEEN_S)

    def close(self):
        for lot in self.all:
            lot.close()
