# SPDX-License-Identifier: Apache-2.0
"""Media by devices that few tests have: DPDK's net_pcap, net_af_xdp and net_memif, and two interfaces of AF_XDP at once."""
import shutil
import socket
import tempfile
import time
import unittest

from lib.node import Node
from lib.wire import FAR, NEAR, Wire, ip

from dpdk_test import DpdkTest
from xdp_test import IPV4, XdpNode, XdpTest
from server import ServerError


class BesideTheKernel(DpdkTest):
    """With net_af_packet the kernel sees each frame as well, and drops it by its reverse path filter."""

    def test_nothing_comes_twice(self):
        """Also not after the flow's socket had a packet of the party, and once the party has been the same for a while."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs, odd = self.call(a, b), b"\x66" * 160
        a.audio.start(440)
        time.sleep(6)
        a.audio.stop()
        a.audio.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1\1\1\0")
        a.audio.send(odd)                       # with options, which is left to the kernel
        a.audio.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"")
        self.wait("the odd packet", lambda: any(p.payload == odd for p in list(b.audio.packets)))
        time.sleep(0.3)                         # the port publishes its counters now and then
        before = self.node.frames("socket_in")
        self.talk(a, b)
        time.sleep(0.3)
        self.assertEqual(self.node.frames("socket_in"), before)
        self.hang_up(*dialogs)


class Pcap(DpdkTest):
    device = f"net_pcap0,iface={FAR}"

    def test_a_call(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_dpdk(lambda: self.talk(a, b))
        self.ping()
        self.hang_up(*dialogs)


class AfXdp(Pcap):
    """DPDK's own sockets of AF_XDP, with a program of its own."""
    device = f"net_af_xdp0,iface={FAR}"

    @classmethod
    def connect(cls):
        cls.addClassCleanup(cls.node.kill)      # the driver forgets 80 octets at its end, a leak by the sanitizers' count


class Bridge(Node):
    """A node without calls: what its device gets passes to the kernel of the phones by its TAP interface."""
    TAP = "bridge0"

    def __init__(self, device):
        super().__init__(start=False)
        self.configure({"media": {"port": "dpdk", "dpdk": {"device": device, "hugepages": False, "tap": self.TAP}}})


class Memif(Pcap):
    """Shared memory between two processes; there is no wire. The server's side waits for the client, and for its successor."""

    @classmethod
    def prepare(cls):
        folder = tempfile.mkdtemp(prefix="tandem-memif-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.socket = f"socket={folder}/socket,socket-abstract=no"
        cls.device = f"net_memif0,role=server,{cls.socket}"

    @classmethod
    def connect(cls):
        ip("addr", "flush", "dev", NEAR)
        cls.bridge = Bridge(f"net_memif0,role=client,{cls.socket}")
        cls.addClassCleanup(cls.bridge.close)
        cls.join(cls.bridge.start)

    @classmethod
    def join(cls, start):
        start()
        ip("addr", "add", IPV4[1] + "/24", "dev", Bridge.TAP)

    def test_its_end_is_killed(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.bridge.kill()
        self.join(self.bridge.restart)
        self.talk(a, b)
        self.hang_up(*dialogs)
        log = self.node.log_text()              # a driver that complains, and works
        self.assertRegex(log, 'msg="DPDK says" text=".*mp action')
        self.assertEqual([line for line in log.splitlines() if not line.startswith("ts=")], [])

    def test_the_node_is_killed(self):
        """Its socket has a file, which is still there at its next start. DPDK's client must be started again as well."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.node.kill()
        self.bridge.kill()
        self.node.restart()
        self.join(self.bridge.restart)
        self.talk(a, b)
        self.hang_up(*dialogs)


class TwoInterfaces(XdpTest):
    """A call between a phone behind the one and a phone behind the other; the interfaces have different numbers of queues."""
    queues = 2
    other = ("10.79.0.1", "10.79.0.2")

    @classmethod
    def open(cls):
        cls.wire = Wire(queues=cls.queues)
        cls.addClassCleanup(cls.wire.close)
        cls.second_pair()
        cls.node = XdpNode(cls.wire, media=cls.media)
        cls.addClassCleanup(cls.node.close)
        own = {"sip_ports": [cls.node.sip_port], "media_ports": cls.node.media_ports}
        cls.node.xdp(networks=[{"name": "two", "bind": cls.other[0], "interface": "far1", **own},
                               {"name": "one", "bind": IPV4[0], "interface": FAR, **own}])
        cls.start(cls.node)

    @classmethod
    def second_pair(cls):
        ip("link", "add", "near1", "type", "veth", "peer", "name", "far1")
        ip("link", "set", "far1", "netns", cls.wire.command[1].split("/")[2])
        for run, name, address in ((ip, "near1", cls.other[1]), (cls.wire.ip, "far1", cls.other[0])):
            run("addr", "add", address + "/24", "dev", name)
            run("link", "set", name, "up")

    def test_across(self):
        a, b = self.phone("1001"), self.phone("1002", self.other)
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.assertEqual(self.node.metric("tandem_media_xdp_interfaces"), 2)
        self.hang_up(*dialogs)

    def test_the_first_is_gone(self):
        """The memory was registered for it first; the other one has a registration of its own. Afterwards frames cross again."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        ip("link", "del", "near1")
        self.wait("its end", lambda: self.node.metric("tandem_media_xdp_interfaces") == 1)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.second_pair()
        self.wait("the interface", lambda: self.node.metric("tandem_media_xdp_interfaces") == 2)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)
        self.test_across()


class TwoInterfacesOfTwo(TwoInterfaces):
    media = {"workers": 2}
    test_the_first_is_gone = None           # it is the same with more workers


class ManyQueues(XdpTest):
    """As a card on a machine with many cores has them."""
    queues = 64

    def test_a_call(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


class TooManyQueues(XdpTest):
    queues = 65

    @classmethod
    def start(cls, node):
        pass

    def test_more_than_a_worker_can_have(self):
        with self.assertRaises(ServerError) as caught:
            self.node.start()
        self.node.killed = True             # it ended as it should
        self.assertIn("65 receive queues", str(caught.exception))
        self.assertIn("media.workers", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
