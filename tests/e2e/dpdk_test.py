# SPDX-License-Identifier: Apache-2.0
"""Media by DPDK: on a packet socket of a veth pair and on a TAP device, the node at one end, its phones at the other."""
import os
import time
import unittest

from lib import place
from lib.node import build_folder
from lib.unprivileged import AsNobody, effective
from lib.wire import FAR, NEAR, Wire, ip

from patience import PATIENCE_S
from server import ServerError
from xdp_test import IPV4, IPV6, XdpNode, XdpTest

TAP = place.TAP


class DpdkNode(XdpNode):
    """A node at the far end of a wire, with a DPDK device there. The kernel has the wire by the node's TAP interface alone."""

    def __init__(self, wire, device, hugepages=False, **options):
        self.device, self.hugepages = device, hugepages
        super().__init__(wire, **options)

    def xdp(self, **changes):
        both = [{"name": name, "bind": bind, "sip_ports": [self.sip_port], "media_ports": self.media_ports}
                for name, bind in (("four", IPV4[0]), ("six", IPV6[0]))]
        self.configure({"networks": both, "http": {"bind": IPV4[0]},
                        "media": {"port": "dpdk", "dpdk": {"device": self.device, "hugepages": self.hugepages, "tap": TAP},
                                  **self.media_settings}, **changes})

    def start(self, seconds=PATIENCE_S, wrapper=()):
        super().start(seconds, wrapper)
        self.wire.ip("route", "replace", "10.77.0.0/24", "dev", TAP, "src", IPV4[0])
        self.wire.ip("addr", "add", IPV6[0] + "/64", "dev", TAP, "nodad")       # neighbour discovery wants it there

    def frames(self, what):
        return self.metric("tandem_media_dpdk_frames_total", what=what)


class DpdkTest(XdpTest):
    device, hugepages = f"net_af_packet0,iface={FAR}", False

    @classmethod
    def open(cls):
        if not os.path.exists(os.path.join(build_folder(), "engine", "port_dpdk.so")):
            raise unittest.SkipTest("this build has no DPDK")
        cls.wire = Wire(far=())
        cls.addClassCleanup(cls.wire.close)
        place.kernel_aside(cls.wire, (IPV4[0], IPV6[0]))
        cls.prepare()
        cls.node = DpdkNode(cls.wire, cls.device, cls.hugepages, media=cls.media)
        cls.addClassCleanup(cls.node.close)
        cls.launch()

    @classmethod
    def launch(cls):
        cls.node.start()
        cls.connect()

    @classmethod
    def connect(cls):
        pass

    def went_by_dpdk(self, action, lent=6):
        """All packets of the action came by the device and left by it, but a few whose neighbour was not known or to be confirmed."""
        names = "tandem_media_packets_total"

        def numbers():
            time.sleep(0.3)                     # the port publishes its counters now and then
            return (self.node.frames("in"), self.node.frames("out"), self.node.metric(names, direction="in"),
                    self.node.metric(names, direction="out"))
        for last in (False, True):
            before = numbers()
            action()
            frames_in, frames_out, all_in, all_out = (b - a for a, b in zip(before, numbers()))
            self.assertGreater(all_in, 50)
            self.assertEqual(frames_in, all_in, "not all came by DPDK")
            if last or frames_out >= all_out - lent:
                break                           # or the neighbour's answer was late: now it is known
        self.assertGreaterEqual(frames_out, all_out - lent, "too many left by their sockets")
        self.assertLessEqual(frames_out, all_out)


class Wires(DpdkTest):
    def test_a_call(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_dpdk(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_ipv6(self):
        """One of them over each."""
        a, b = self.phone("1001", IPV6), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_dpdk(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_what_is_the_kernels(self):
        """ARP, ICMP, TCP."""
        ip("neigh", "flush", "dev", NEAR)
        self.ping()
        self.assertEqual(self.node.http("/readyz")[0], 200)
        self.assertGreater(self.node.frames("kernel_in"), 5)
        self.assertGreater(self.node.frames("kernel_out"), 5)


class Queues(DpdkTest):
    """The device deals packets to two workers: those of the other's flows are handed over."""
    device = f"net_af_packet0,iface={FAR},qpairs=2"
    media = {"workers": 2}

    def test_handed_over(self):
        pairs = []
        for i in range(4):
            a, b = self.phone(f"10{i}1"), self.phone(f"10{i}2")
            pairs.append((a, b, self.call(a, b)))
        for a, b, _ in pairs:
            self.talk(a, b, packets=25)
        for worker in ("0", "1"):
            self.assertEqual(self.node.metric("tandem_media_flows", worker=worker), 4)
        for _, _, (out, into) in pairs:
            out.bye()
            into.wait_bye()


class Taps(DpdkTest):
    """A device that makes and tests checksums: whom it faces gets right ones."""
    device = "net_tap0,iface=dtap0"

    @classmethod
    def prepare(cls):
        cls.wire.ip("link", "set", FAR, "down")
        ip("link", "del", NEAR)

    @classmethod
    def connect(cls):
        """Its other side is an interface, which becomes the near end."""
        cls.wire.ip("link", "set", "dtap0", "netns", str(os.getpid()))
        ip("link", "set", "dtap0", "name", NEAR)
        ip("addr", "add", IPV4[1] + "/24", "dev", NEAR)
        ip("link", "set", NEAR, "up")

    def test_a_call(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_dpdk(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_fragments(self):
        """The kernel puts them together, and its socket has the packet; the answer is cut by it as well."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        came, left, long = self.node.frames("socket_in"), self.node.frames("by_socket"), b"\x55" * 1600
        a.audio.send(long)
        self.wait("the long packet", lambda: any(p.payload == long for p in list(b.audio.packets)))
        self.wait("its counters", lambda: self.node.frames("socket_in") > came and self.node.frames("by_socket") > left)
        self.hang_up(*dialogs)


class Refused(DpdkTest):
    """A node that does not start says why, and what to look at, in one line of its log; DPDK's own lines are nowhere else."""

    @classmethod
    def launch(cls):
        pass

    def refused(self, *words, wrapper=(), **dpdk):
        self.node.media_settings = {"dpdk": {"device": self.device, "hugepages": False, "tap": TAP, **dpdk}}
        self.node.xdp()
        with self.assertRaises(ServerError):
            self.node.start(wrapper=wrapper)
        self.node.killed = True                 # it ended as it should
        lines = self.node.log_text().splitlines()
        reason = [line for line in lines if "cannot open the DPDK device" in line][-1]
        for word in words:
            self.assertIn(word, reason)
        return [line for line in lines if not line.startswith("ts=")]

    def test_no_such_interface(self):
        rest = self.refused("net_af_packet0", "media.dpdk.device", "DPDK says", "No such device", device="net_af_packet0,iface=none0")
        self.assertEqual(rest, [])

    def test_no_such_driver(self):
        rest = self.refused("net_nothing0", "media.dpdk.device", "DPDK says", "failed to parse device", device="net_nothing0")
        self.assertEqual(rest, [])

    def test_a_missing_privilege(self):
        rest = self.refused("tandem-dpdk.conf", "DPDK says", "AF_PACKET", wrapper=["setpriv", "--bounding-set=-net_raw", "--"])
        self.assertEqual(rest, [])

    def test_wrong_arguments(self):
        self.refused("media.dpdk.args", "DPDK says", "Invalid 'command line' arguments", args=["-n", "0"])


class Privileges(AsNobody, DpdkTest):
    """They are needed until the device and its TAP interface are there: all threads give them up, those of EAL as well."""
    media = {"workers": 2}
    device = f"net_af_packet0,iface={FAR},qpairs=2"

    @classmethod
    def launch(cls):
        pass

    def without_arguments(self):
        self.node.stop()
        self.node.media_settings = self.media
        self.node.xdp()

    def everywhere(self):
        """Capabilities of all threads of the node by their names."""
        threads = effective(self.node.process.pid)
        self.assertIn("eal-intr-thread", dict(threads))
        self.assertIn("media-1", dict(threads))
        return threads

    def a_call(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.hang_up(*dialogs)

    def test_without_root(self):
        """Ambient capabilities are enough, and neither the node nor its Redis keeps any."""
        self.start_as_nobody("+net_admin,+net_raw")
        self.assertEqual([name for name, mask in self.everywhere() if mask], [])
        for pid in self.children():
            self.assertEqual([name for name, mask in effective(pid) if mask], [])
        self.a_call()
        self.ping()
        self.assertNotIn("keep the privileges", self.node.log_text())

    def test_given_up(self):
        """As root, and by threads of EAL's own that its arguments ask for."""
        self.node.media_settings = {**self.media, "dpdk": {"device": self.device, "hugepages": False, "tap": TAP, "args": ["-l", "0,1"]}}
        self.node.xdp()
        self.node.start()
        self.addCleanup(self.without_arguments)
        wanted = 1 << 12 | 1 << 13 | 1 << 21        # CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN
        self.assertIn("rte-worker-1", dict(self.everywhere()))
        self.assertEqual([name for name, mask in self.everywhere() if mask & wanted], [])
        self.a_call()

    def test_without_root_nor_tun(self):
        with self.assertRaises(ServerError):
            self.start_as_nobody("+net_admin,+net_raw", tun="600")
        self.node.killed = True                 # it ended as it should
        self.assertIn("Permission denied (its user must be able to open /dev/net/tun)", self.node.log_text())


if __name__ == "__main__":
    unittest.main()
