# SPDX-License-Identifier: Apache-2.0
"""Media by AF_XDP: a node at one end of a veth pair, its phones at the other. What needs a privilege that is not there is skipped."""
import os
import re
import signal
import socket
import struct
import time
import unittest

from lib.media import Media
from lib.node import Node
from lib.sip import UserAgent
from lib.talk import Talk
from lib.unprivileged import AsNobody, effective
from lib.wire import FAR, NEAR, Wire, ip
from patience import PATIENCE_S
from server import ServerError

IPV4, IPV6 = ("10.77.0.1", "10.77.0.2"), ("fd77::1", "fd77::2")     # the node's, the phones'
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}


def missing():
    """The first capability that a test needs and this process has not."""
    with open("/proc/self/status", encoding="ascii") as file:
        effective = int(re.search(r"^CapEff:\s*(\w+)", file.read(), re.M)[1], 16)
    return next((name for name, bit in CAPABILITIES.items() if not effective >> bit & 1), None)


class XdpNode(Node):
    """A node at the far end of a wire."""

    def __init__(self, wire, address=IPV4[0], media=None, network=None, **options):
        self.wire, self.bind, self.media_settings, self.network = wire, address, media or {}, network or {}
        super().__init__(start=False, **options)
        self.xdp()

    def xdp(self, **changes):
        both = [{"name": name, "bind": bind, "sip_ports": [self.sip_port], "media_ports": self.media_ports,
                 "interface": FAR, **self.network} for name, bind in (("four", IPV4[0]), ("six", IPV6[0]))]
        self.configure({"networks": both, "http": {"bind": IPV4[0]},
                        "media": {"port": "xdp", **self.media_settings}, **changes})

    def start(self, seconds=PATIENCE_S, wrapper=()):
        super().start(seconds, (*self.wire.command, *wrapper))

    def http(self, path):
        with socket.create_connection((IPV4[0], self.http_port), 5) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            answer = b""
            while data := sock.recv(65536):
                answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def xdp_count(self, direction):
        return self.metric("tandem_media_xdp_packets_total", direction=direction)

    def detours(self, reason=None):
        return self.metric("tandem_media_xdp_socket_packets_total", **({"reason": reason} if reason else {}))


class XdpTest(Talk, unittest.TestCase):
    """The tests of a class share a node, and have phones of their own."""
    queues, media, network = 1, {}, {}
    taken = 0

    @classmethod
    def setUpClass(cls):
        lacking = missing()
        if lacking:
            raise unittest.SkipTest(f"needs {lacking}")
        cls.open()

    @classmethod
    def open(cls):
        cls.wire = Wire(queues=cls.queues)
        cls.addClassCleanup(cls.wire.close)
        cls.node = XdpNode(cls.wire, media=cls.media, network=cls.network)
        cls.addClassCleanup(cls.node.close)
        cls.prepare()
        cls.start(cls.node)

    @classmethod
    def prepare(cls):
        pass

    def tearDown(self):
        """Calls of a test that failed are no calls of the next one."""
        node = getattr(self, "node", None)
        if node and node.process and node.process.poll() is None:
            for call in node.ctl("call.list"):
                node.ctl("call.hangup", call=call["id"])

    @staticmethod
    def start(node):
        try:
            node.start()
        except ServerError as error:
            refused = re.search(r"cannot use AF_XDP.*?(CAP_\w+|no AF_XDP)", str(error))
            if refused:
                raise unittest.SkipTest(f"needs {refused[1]}") from error
            raise

    def phone(self, number, family=IPV4):
        """A registered phone with an RTP end; its number is longer, and nobody else's."""
        server, own = family
        XdpTest.taken += 1
        number += str(XdpTest.taken)
        self.node.put_extension(number, "secret" + number)
        agent = UserAgent((server, self.node.sip_port), number, "secret" + number, address=own)
        self.addCleanup(agent.close)
        agent.audio = Media(self.node.ports, own)
        self.addCleanup(agent.audio.close)
        self.assertEqual(agent.register().status, 200)
        return agent

    def talk(self, *ends, packets=30):
        """Tones both ways: all of it arrives, once, from where it should."""
        for heard in self.tones(*ends, packets=packets):
            self.assertEqual({packet.tos >> 2 for packet in heard}, {46})

    def went_by_xdp(self, action, lent=6):
        """All packets of the action came by AF_XDP and left by it, but a few whose neighbour was not known or to be confirmed."""
        names = "tandem_media_packets_total"
        before = [self.node.xdp_count("in"), self.node.xdp_count("out"), self.node.metric(names, direction="in"),
                  self.node.metric(names, direction="out")]
        action()
        after = [self.node.xdp_count("in"), self.node.xdp_count("out"), self.node.metric(names, direction="in"),
                 self.node.metric(names, direction="out")]
        xdp_in, xdp_out, all_in, all_out = (b - a for a, b in zip(before, after))
        self.assertGreater(all_in, 50)
        self.assertEqual(xdp_in, all_in, "not all came by AF_XDP")
        self.assertGreaterEqual(xdp_out, all_out - lent, "too many left by their sockets")
        self.assertLessEqual(xdp_out, all_out)

    def hang_up(self, out, into):
        out.bye()
        into.wait_bye()
        self.wait("the end of the call", lambda: not self.node.ctl("call.list", ending=True))

    def ping(self):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.settimeout(3)
            echo = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
            raw.sendto(echo[:2] + struct.pack("!H", inverse_sum(echo)) + echo[4:], (IPV4[0], 0))
            while raw.recv(100)[20] != 0:           # until the reply
                pass

    def set_far(self, name, value):
        """A setting of the far end's kernel, below net/, for the rest of this test: others count on what it was."""
        file = f"/proc/sys/net/{name}"
        self.addCleanup(self.wire.far, "sh", "-c", f"echo {self.wire.far('cat', file).strip()} > {file}")
        self.wire.far("sh", "-c", f"echo {value} > {file}")

    def wait(self, what, check, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not check():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)


class Calls(XdpTest):
    def test_ipv4(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_ipv6(self):
        a, b = self.phone("1001", IPV6), self.phone("1002", IPV6)
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_from_one_family_to_the_other(self):
        a, b = self.phone("1001", IPV4), self.phone("1002", IPV6)
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_vlan(self):
        """Tagged both ways, on the VLAN devices of both ends."""
        made = ip("link", "add", "link", NEAR, "name", "near0.100", "type", "vlan", "id", "100", check=False)
        if made.returncode:
            self.skipTest(f"no VLAN devices: {made.stderr.strip()} (CONFIG_VLAN_8021Q)")
        self.node.stop()
        self.wire.ip("link", "add", "link", FAR, "name", "far0.100", "type", "vlan", "id", "100")
        for run, name, device in ((ip, "near0.100", NEAR), (self.wire.ip, "far0.100", FAR)):
            address = (IPV4[1] if device == NEAR else IPV4[0]) + "/24"
            run("addr", "del", address, "dev", device)
            run("addr", "add", address, "dev", name)
            run("link", "set", name, "up")
        self.node.start()
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def test_over_a_gateway(self):
        """The phones' addresses are behind a router, which is the near end itself."""
        ip("addr", "add", "10.78.0.9/32", "dev", "lo")
        self.wire.ip("route", "add", "10.78.0.0/24", "via", IPV4[1])
        away = (IPV4[0], "10.78.0.9")
        a, b = self.phone("1001", away), self.phone("1002", away)
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


class Icmp(XdpTest):
    """What comes back for packets of AF_XDP is heard by the flows' sockets."""

    def errors(self, port):
        """Of the flow that sends to this port."""
        [call] = self.node.ctl("call.list")
        flows = self.node.ctl("call.show", call=call["id"])["flows"]
        return next(flow["stats"]["icmp_errors"] for flow in flows if flow["remote"].endswith(f":{port}"))

    def test_a_party_that_is_gone(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.assertEqual((self.errors(a.audio.port), self.errors(b.audio.port)), (0, 0))
        b.audio.rtp.close()
        before = self.node.xdp_count("out")
        a.audio.start(440)
        self.wait("an error", lambda: self.errors(b.audio.port) > 0)
        a.audio.stop()
        self.assertEqual(self.errors(a.audio.port), 0)
        self.assertGreater(self.node.metric("tandem_media_icmp_errors_total"), 0)
        self.assertGreater(self.node.xdp_count("out"), before)
        self.hang_up(*dialogs)

    def cut(self, party, mtu):
        """As a router says it of a packet to the party that it may not cut (RFC 1191 4)."""
        udp = struct.pack("!HHHH", party.audio.remote[1], party.audio.port, 1308, 0)
        quoted = struct.pack("!BBHHHBBH", 0x45, 0, 20 + 1308, 1, 0, 64, 17, 0) + b"".join(map(socket.inet_aton, IPV4)) + udp
        error = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.sendto(error[:2] + struct.pack("!H", inverse_sum(error)) + error[4:], (IPV4[0], 0))

    def too_big(self, party, mtu):
        """As a router on the way says it of a packet to the party (RFC 4443 3.2)."""
        quoted = struct.pack("!IHBB", 6 << 28, 1308, 17, 64) + b"".join(socket.inet_pton(socket.AF_INET6, host) for host in IPV6)
        quoted += struct.pack("!HHHH", party.audio.remote[1], party.audio.port, 1308, 0) + bytes(1200 - 48)
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
            raw.sendto(struct.pack("!BBHI", 2, 0, 0, mtu) + quoted, (IPV6[0], 0))

    def test_the_mtu_of_a_path_is_learned(self):
        """From then on nothing longer leaves in one piece, and it arrives all the same."""
        a, b = self.phone("1001", IPV6), self.phone("1002", IPV6)
        dialogs = self.call(a, b)
        self.talk(a, b)

        def detours(octet):
            """A long packet crosses; how many left by their sockets meanwhile."""
            before, long = self.node.detours(), octet * 1300
            a.audio.send(long)
            self.wait("a long packet", lambda: any(p.payload == long for p in list(b.audio.packets)))
            time.sleep(0.3)
            return self.node.detours() - before
        before = self.node.detours("length")
        detours(b"\x55")
        self.assertEqual(self.node.detours("length"), before)
        self.too_big(b, 1280)
        self.wait("the error", lambda: self.errors(b.audio.port) > 0)
        time.sleep(0.3)
        self.assertEqual(detours(b"\x66"), 1)               # nothing is believed until the kernel was asked again
        self.assertEqual(detours(b"\x77"), 1)
        self.assertEqual(self.node.detours("length"), before + 1)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


    def test_the_mtu_of_a_path_of_ipv4(self):
        """Nothing says "do not fragment", so routers cut what is too long for them, and none has a reason to say so. Where one does
        say it the kernel believes it, and packets are cut here from the next time on that the kernel is asked."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)

        def flags(octet):
            """A long packet crosses; "do not fragment" and "more fragments" of its first frame."""
            long = octet * 1300
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800)) as wire:
                wire.bind((NEAR, 0x800))
                wire.settimeout(3)
                a.audio.send(long)
                while long[:100] not in (frame := wire.recv(2000)) or frame[26:30] != socket.inet_aton(IPV4[0]):
                    pass
            self.wait("a long packet", lambda: any(p.payload == long for p in list(b.audio.packets)))
            return frame[20] >> 5
        before = self.node.detours("length")
        self.assertEqual(flags(b"\x55"), 0)
        self.cut(b, 600)
        time.sleep(0.3)
        self.assertEqual((flags(b"\x66"), self.node.detours("length") - before), (0, 0))
        self.assertEqual(self.errors(b.audio.port), 0)
        self.wire.ip("route", "add", "fd78::/64", "dev", FAR)     # news of any route: the kernel is asked again
        self.wait("the way to be told again", lambda: flags(b"\x77") == 1)
        self.assertGreater(self.node.detours("length"), before)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


class Kernel(XdpTest):
    """What is the kernel's stays there."""

    def setUp(self):
        self.a, self.b = self.phone("1001"), self.phone("1002")
        self.dialogs = self.call(self.a, self.b)
        self.talk(self.a, self.b, packets=25)

    def tearDown(self):
        self.hang_up(*self.dialogs)

    def refused(self, reason):
        return self.node.metric("tandem_media_xdp_refused_packets_total", reason=reason)

    def send(self, payload):
        self.a.audio.rtp.sendto(payload, self.a.audio.remote)

    def stands_still(self, packets):
        count = len(packets)
        time.sleep(0.3)
        return len(packets) == count

    def test_more_than_the_ring(self):
        """What the kernel drops, as the worker takes nothing, has its reason."""
        lost = lambda: self.refused("no_frame") + self.refused("ring_full")     # noqa: E731
        before = lost()
        os.kill(self.node.process.pid, signal.SIGSTOP)
        try:
            for _ in range(9000):       # twice what a ring has
                self.send(b"\x80\0" + bytes(30))
        finally:
            os.kill(self.node.process.pid, signal.SIGCONT)
        self.wait("losses that are told", lambda: lost() > before)
        self.assertLess(lost() - before, 9000)
        self.wait("the end of what was taken", lambda: self.stands_still(self.b.audio.packets))
        self.talk(self.a, self.b)

    def test_fragments(self):
        """Too long for one frame: fragments come by the socket, and leave by it."""
        before, long = self.node.xdp_count("in"), b"\x55" * 1600
        self.a.audio.send(long)
        self.wait("the long packet", lambda: any(p.payload == long for p in list(self.b.audio.packets)))
        self.assertEqual(self.node.xdp_count("in"), before)
        self.assertGreaterEqual(self.node.detours("length"), 1)

    def test_the_mtu_of_a_path(self):
        self.wire.ip("route", "replace", f"{IPV4[1]}/32", "dev", FAR, "src", IPV4[0], "mtu", "180")
        time.sleep(0.5)
        before = self.node.detours("length")
        self.talk(self.a, self.b)
        self.assertGreater(self.node.detours("length") - before, 40)

    def test_what_is_no_media(self):
        """Neither STUN, DTLS, RTP nor RTCP (RFC 7983): by the socket, and dropped there."""
        name, before = "tandem_media_dropped_packets_total", self.node.xdp_count("in")
        dropped = self.node.metric(name, reason="not_rtp")
        for first in (4, 19, 64, 127, 192, 255):
            self.send(bytes([first]) + bytes(40))
        self.wait("six drops", lambda: self.node.metric(name, reason="not_rtp") == dropped + 6)
        self.assertEqual(self.node.xdp_count("in"), before)
        for first in (0, 3, 20, 63):
            self.send(bytes([first]) + bytes(40))
        self.wait("four packets", lambda: self.node.xdp_count("in") == before + 4)

    def test_a_port_that_nobody_has(self):
        first, last = map(int, self.node.media_ports.split("-"))
        busy = {self.a.audio.remote[1], self.b.audio.remote[1]}
        free = next(port for port in range(first, last, 2) if port not in busy)
        before = self.refused("no_flow")
        self.a.audio.rtp.sendto(bytes([0x80]) + bytes(40), (IPV4[0], free))
        self.wait("a refusal", lambda: self.refused("no_flow") == before + 1)

    def frame(self, tag=b"", damage=0):
        """An RTP packet of a's as a frame."""
        target, mac = self.a.audio.remote, self.wire.link()["address"]
        payload = struct.pack("!BBHII", 0x80, 0, 1, 1, 1) + bytes(20)
        udp = struct.pack("!HHHH", self.a.audio.port, target[1], 8 + len(payload), 0) + payload
        addresses = socket.inet_aton(IPV4[1]) + socket.inet_aton(IPV4[0])
        udp_sum = inverse_sum(addresses + struct.pack("!HH", 17, len(udp)) + udp) ^ damage
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + addresses
        head = head[:10] + struct.pack("!H", inverse_sum(head)) + head[12:]
        macs = bytes.fromhex((mac + self.wire.near_mac()).replace(":", ""))
        return macs + tag + b"\x08\0" + head + udp[:6] + struct.pack("!H", udp_sum) + udp[8:]

    def test_frames(self):
        """A whole one is taken; one with a wrong checksum, or a tag of no VLAN of ours, is refused by name."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((NEAR, 0))
            before = self.node.xdp_count("in")
            raw.send(self.frame())
            self.wait("the frame", lambda: self.node.xdp_count("in") == before + 1)
            raw.send(self.frame(damage=0x1234))
            self.wait("a refusal", lambda: self.refused("checksum") == 1)
            raw.send(self.frame(tag=b"\x81\0\0\x64"))
            self.wait("a refusal", lambda: self.refused("vlan") == 1)
            self.assertEqual(self.node.xdp_count("in"), before + 1)

    def test_other_traffic(self):
        """ICMP, TCP, and UDP to ports that are not for media."""
        self.ping()
        self.assertEqual(self.node.http("/readyz")[0], 200)
        self.assertEqual(self.a.options().status, 200)


def inverse_sum(octets):
    """RFC 1071."""
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Changes(XdpTest):
    def test_a_neighbour_that_is_told(self):
        ip("addr", "add", "10.77.0.3/24", "dev", NEAR)
        a, b = self.phone("1001"), self.phone("1002", (IPV4[0], "10.77.0.3"))
        dialogs = self.call(a, b)
        self.talk(a, b)
        neighbour = ["neigh", "replace", "10.77.0.3", "dev", FAR, "nud", "permanent", "lladdr"]
        self.wire.ip(*neighbour, "02:00:00:00:00:99")
        time.sleep(0.2)
        heard, before = len(b.audio.packets), self.node.xdp_count("out")
        a.audio.start(440)
        time.sleep(1)
        self.assertEqual(len(b.audio.packets), heard, "sent to the former station")
        self.assertGreater(self.node.xdp_count("out"), before + 30)
        self.wire.ip(*neighbour, self.wire.near_mac())
        b.audio.wait_packets(20, since=time.monotonic())
        a.audio.stop()
        self.hang_up(*dialogs)

    def test_a_neighbour_that_moves(self):
        """Its address is another station's all of a sudden, and nobody says so: found out by the kernel's own probes."""
        for name, value in (("base_reachable_time_ms", 1000), ("retrans_time_ms", 200), ("delay_first_probe_time", 1)):
            self.set_far(f"ipv4/neigh/{FAR}/{name}", value)
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        ip("link", "set", NEAR, "address", "02:00:00:00:00:77")
        a.audio.start(440)
        b.audio.wait_packets(50, seconds=20, since=time.monotonic())
        a.audio.stop()
        self.went_by_xdp(lambda: self.talk(a, b), lent=12)
        self.hang_up(*dialogs)

    def test_the_link_goes_down(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.wire.ip("link", "set", FAR, "down")
        time.sleep(0.3)
        self.wire.ip("link", "set", FAR, "up")
        time.sleep(0.3)
        self.talk(a, b)                         # neighbours are asked for anew
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


class Interfaces(XdpTest):
    """The interface is deleted, and made again."""
    rounds = 1

    def interfaces(self):
        return self.node.metric("tandem_media_xdp_interfaces")

    def test_made_again(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        renewed = self.node.metric("tandem_media_xdp_renewed_total")
        spare = self.node.metric("tandem_media_xdp_spare_sockets")
        for round_ in range(1, self.rounds + 1):
            ip("link", "del", NEAR)
            time.sleep(0.3)
            self.wire.again(queues=self.queues)
            self.wait("the interface", lambda: self.interfaces() == 1)
            sockets = round_ * self.queues
            self.wait("its sockets", lambda: self.node.metric("tandem_media_xdp_renewed_total") == renewed + sockets)
            self.assertEqual(self.node.metric("tandem_media_xdp_spare_sockets"), spare - sockets)
            self.talk(a, b)                         # neighbours are asked for anew
            self.went_by_xdp(lambda: self.talk(a, b))
        log = self.node.log_text()
        self.assertIn("interface is gone", log)
        self.assertIn("AF_XDP on interface again", log)
        self.hang_up(*dialogs)

    def test_by_the_kernel_meanwhile(self):
        """One that cannot be used: the call goes on over the sockets, and somebody is told what to do."""
        renewed = self.node.metric("tandem_media_xdp_renewed_total")
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.talk(a, b)
        ip("link", "del", NEAR)
        self.wire.again(mtu=9000)                   # which AF_XDP cannot carry
        self.wait("a word", lambda: "cannot be used" in self.node.log_text())
        self.assertEqual(self.interfaces(), 0)
        before = self.node.xdp_count("in")
        self.talk(a, b)
        self.assertEqual(self.node.xdp_count("in"), before)
        for run, name in ((ip, NEAR), (self.wire.ip, FAR)):
            run("link", "set", name, "mtu", "1500")
        self.wait("the interface", lambda: self.interfaces() == 1)
        self.wait("its socket", lambda: self.node.metric("tandem_media_xdp_renewed_total") == renewed + 1)
        self.talk(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


class InterfacesOfTwo(Interfaces):
    queues, media, rounds = 2, {"workers": 2}, 2
    test_by_the_kernel_meanwhile = None

    def went_by_xdp(self, action, lent=6):
        action()                                    # whatever worker has which queue


class Workers(XdpTest):
    """Packets come to whatever worker has the queue; calls are shared out by their ids."""
    media = {"workers": 2}

    def calls(self, count=6):
        pairs = []
        for i in range(count):
            a, b = self.phone(f"10{i}1"), self.phone(f"10{i}2")
            pairs.append((a, b, self.call(a, b)))
        self.talk(*(phone for a, b, _ in pairs for phone in (a, b)))
        for _, _, (out, into) in pairs:
            out.bye()
            into.wait_bye()

    def talk(self, *ends, packets=30):
        """All at once, a tone each."""
        since = time.monotonic()
        for agent in ends:
            agent.audio.start(440)
        for agent in ends:
            agent.audio.wait_packets(packets, since=since)
        for agent in ends:
            agent.audio.stop()
        time.sleep(0.1)
        for agent in ends:
            heard = agent.audio.audio(since)
            self.assertEqual(len({packet.seq for packet in heard}), len(heard))

    def test_handed_over(self):
        self.calls()
        packets = "tandem_media_packets_total"
        self.assertEqual(self.node.xdp_count("in"), self.node.metric(packets, direction="in"))
        self.assertGreater(self.node.metric("tandem_media_xdp_handed_over_total"), 100)
        self.assertGreater(self.node.detours("no_queue"), 100)       # the second worker has none to send by


class Queues(Workers):
    queues = 2

    def test_handed_over(self):
        self.calls()
        packets = "tandem_media_packets_total"
        self.assertEqual(self.node.xdp_count("in"), self.node.metric(packets, direction="in"))
        self.assertGreater(self.node.metric("tandem_media_xdp_handed_over_total"), 0)
        self.assertEqual(self.node.detours("no_queue"), 0)


class Privileges(AsNobody, XdpTest):
    """Each test starts a node of its own, its way."""
    WANTED = (12, 13, 39)       # CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF
    KEPT = 1 << 14      # CAP_IPC_LOCK: of the thread that shares memory with sockets for new interfaces

    @classmethod
    def open(cls):
        cls.wire = Wire()
        cls.addClassCleanup(cls.wire.close)
        cls.before = cls.wire.link()

    def setUp(self):
        self.node = XdpNode(self.wire)
        self.addCleanup(self.node.close)

    def capabilities(self, pid):
        """Effective ones of all threads of a process but that one, which has no more than it may."""
        for name, mask in effective(pid):
            if name == "media-links":
                self.assertEqual([bit for bit in self.WANTED if mask >> bit & 1], [])
                self.assertEqual(mask & self.KEPT, self.KEPT)
            else:
                yield mask

    def test_given_up(self):
        self.start(self.node)
        for mask in self.capabilities(self.node.process.pid):
            self.assertEqual([bit for bit in self.WANTED if mask >> bit & 1], [])

    def test_without_root(self):
        """Ambient capabilities are enough (CAP_IPC_LOCK in place of LimitMEMLOCK), and neither the node nor its Redis keeps any."""
        self.start_as_nobody("+net_admin,+net_raw,+bpf,+perfmon,+ipc_lock")
        for pid in (self.node.process.pid, *self.children()):
            self.assertEqual(set(self.capabilities(pid)), {0})
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)

    def refused(self, *words, wrapper=()):
        with self.assertRaises(ServerError) as caught:
            self.node.start(wrapper=wrapper)
        self.node.killed = True                 # it ended as it should
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertEqual(self.wire.link(), self.before)

    def test_missing(self):
        for lost, named in (("-net_raw", "CAP_NET_RAW"), ("-bpf,-sys_admin", "CAP_BPF"), ("-net_admin,-sys_admin", "CAP_NET_ADMIN")):
            with self.subTest(lost=lost):
                self.refused("cannot use AF_XDP", named, wrapper=["setpriv", "--bounding-set=" + lost, "--"])

    def test_no_such_interface(self):
        self.node.network = {"interface": "none0"}
        self.node.xdp()
        self.refused("cannot use AF_XDP", "none0", "no such interface")

    def test_a_network_without_interface(self):
        """It is said, with its place in the file, and its media goes by the kernel's sockets."""
        own = {"sip_ports": [self.node.sip_port], "media_ports": self.node.media_ports}
        self.node.xdp(networks=[{"name": "four", "bind": IPV4[0], "interface": FAR, **own}, {"name": "six", "bind": IPV6[0], **own}])
        self.start(self.node)
        self.addCleanup(self.node.stop)
        with open(self.node.config, encoding="utf-8") as file:
            six = next(number for number, text in enumerate(file, 1) if '"name": "six"' in text)
        [line] = [text for text in self.node.log_text().splitlines() if "names no interface" in text]
        for part in ("level=warn", "network=six", f"file={self.node.config}", f"line={six - 1}"):      # where it begins
            self.assertIn(part, line)
        a, b = self.phone("1001"), self.phone("1002", IPV6)
        dialogs = self.call(a, b)
        self.talk(a, b)
        self.assertGreater(self.node.detours("no_interface"), 20)
        self.hang_up(*dialogs)

    def test_an_interface_that_is_taken(self):
        self.start(self.node)
        other = XdpNode(self.wire)
        self.addCleanup(other.close, check=False)
        with self.assertRaises(ServerError) as caught:
            other.start()
        self.assertIn("cannot use AF_XDP", str(caught.exception))
        self.assertIn("another program", str(caught.exception))
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.went_by_xdp(lambda: self.talk(a, b))
        self.hang_up(*dialogs)


if __name__ == "__main__":
    unittest.main()
