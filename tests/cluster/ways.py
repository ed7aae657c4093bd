# SPDX-License-Identifier: Apache-2.0
"""How phones reach nodes that have addresses of their own: over UDP, over UDP behind a NAT, over TLS, and by a WebSocket of HTTPS."""
import random
import subprocess
import threading
import time

from lib.authority import Authority
from lib.sip import SipError, UserAgent
from lib.stream import StreamAgent
from lib.websocket import WebSocketAgent
from lib.wire import ip

from .nodes import ADDRESSES, HTTP, SIP, SIPS

INSIDE = "10.88.0.2"            # the nodes have no way to it
KEEP_ALIVE_S = 10               # so long it takes until a phone behind the NAT sees that its node is gone
WAYS = ("udp", "nat", "tls", "udp", "nat", "udp", "wss", "nat", "udp", "tls")       # of ten pairs; 40 %, 30 % and 30 %


def masquerade():
    """The kernel's NAT: as RFC 4787 calls it, mapping and filtering are address- and port-dependent."""
    ip("addr", "add", f"{INSIDE}/32", "dev", "lo")
    subprocess.run(["iptables", "-t", "nat", "-A", "POSTROUTING", "-s", f"{INSIDE}/32", "-j", "MASQUERADE", "--random-fully"], check=True)


class Ways:
    """Makes phones; folder: of an authority that both sides believe."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.certificate = self.authority.signs("node", *(f"IP:{address}" for address in ADDRESSES.values()))
        masquerade()

    def agent(self, pair, number, password, address, here):
        """Of that pair, at the node with that address; here: where it is."""
        way = WAYS[pair % len(WAYS)]
        if way == "tls":
            agent = StreamAgent((address, SIPS), number, password, here, authority=self.authority.path)
        elif way == "wss":
            agent = WebSocketAgent((address, HTTP), number, password, authority=self.authority.path, source=here)
        else:
            agent = UserAgent((address, SIP), number, password, INSIDE if way == "nat" else here)
        agent.way = way
        return agent


def registers(agent, seconds=2):
    try:
        return agent.register(expires=3600, seconds=seconds).status == 200
    except (SipError, OSError):
        return False


def goes_to(agent, address):
    """It registers with that node, over a new connection; when it was heard there."""
    agent.server = (address, agent.server[1])
    while True:
        if agent.way in ("tls", "wss"):
            agent.socket.close()
            agent.reconnect()
        if registers(agent):
            return time.monotonic()


class Returns(threading.Thread):
    """A phone whose node dies: one with a connection sees that at once, one behind a NAT in its time. It registers with another node."""

    def __init__(self, agent, address):
        super().__init__(daemon=True)
        self.agent, self.address, self.at = agent, address, None

    def run(self):
        if self.agent.way == "nat":
            time.sleep(random.uniform(0, KEEP_ALIVE_S))
        else:
            while not self.agent.lost:
                time.sleep(0.005)
        self.at = goes_to(self.agent, self.address)
