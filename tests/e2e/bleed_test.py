# SPDX-License-Identifier: Apache-2.0
"""RTP bleed and injection: a million foreign packets at the media ports; none is forwarded, none answered, all counted.

In a network namespace of its own, so that the kernel's counters are those of this test: a packet that the node did not
drop under a name was refused by the kernel (NoPorts: the socket is connected to the party; RcvbufErrors: a full queue).
"""
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from lib import place
from lib.flood import MARK
from lib.media import Media
from lib.node import Node
from lib.place import PARTY, STRANGER
from lib.sip import UserAgent
from lib.srtp import Key
from lib.wire import NEAR, ip

from call_test import CallTest
from patience import PATIENCE_S, slowness, until

HERE = os.path.dirname(os.path.abspath(__file__))
LONG = 50                       # s: floods, in a network of its own
NEWUSER, NEWNET = 0x10000000, 0x40000000
STRANGER_6 = "fd00::66"         # as STRANGER: another host than the parties'
RATE = 60000                    # a second
STRAYS = 20
EVERYTHING = ("rtp", "guessed", "rtcp", "malformed", "short", "other")


def setUpModule():
    if place.PORT:                      # a wire of its own
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEWNET) and libc.unshare(NEWUSER | NEWNET):
        raise unittest.SkipTest("no network namespace of our own: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", STRANGER_6 + "/128", "dev", "lo", "nodad"], check=True)


def kernel(pid):
    """UDP datagrams that the kernel of this process's namespace gave to nobody."""
    with open(f"/proc/{pid}/net/snmp", encoding="ascii") as file:
        names, values = (line.split()[1:] for line in file if line.startswith("Udp:"))
    with open(f"/proc/{pid}/net/snmp6", encoding="ascii") as file:
        six = {name: int(value) for name, value in map(str.split, file)}
    four = dict(zip(names, map(int, values)))
    return {name: four[name] + six["Udp6" + name] for name in ("NoPorts", "RcvbufErrors")}


class Rings:
    """Frames that had no room in the packet sockets of a process, which are DPDK's device here: its driver does not ask for them."""
    PIDFD_OPEN, PIDFD_GETFD = 434, 438          # of all architectures alike
    SOL_PACKET, PACKET_STATISTICS = 263, 6

    def __init__(self, pid):
        self.dropped, libc = 0, ctypes.CDLL(None, use_errno=True)
        process = libc.syscall(self.PIDFD_OPEN, pid, 0)
        self.sockets = []
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):          # closed meanwhile
                if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:") and \
                        (fd := libc.syscall(self.PIDFD_GETFD, process, int(name), 0)) >= 0:
                    sock = socket.socket(fileno=fd)
                    if sock.family == socket.AF_PACKET:
                        self.sockets.append(sock)
                    else:
                        sock.close()
        os.close(process)

    def count(self):
        """Each reading begins anew."""
        for sock in self.sockets:
            self.dropped += struct.unpack("II", sock.getsockopt(self.SOL_PACKET, self.PACKET_STATISTICS, 8))[1]
        return self.dropped

    def close(self):
        for sock in self.sockets:
            sock.close()


def is_report_of_node(rtcp):
    """Its own report, which it sends after 10 s without one of the parties: with a CNAME of 16 letters, and nothing else."""
    at = rtcp.find(b"\xca\x00\x06" + rtcp[4:8] + b"\x01\x10")
    return rtcp[1] in (200, 201) and at > 0 and at + 27 == len(rtcp)


class BleedTest(CallTest):
    def ports(self, offset=0):
        """The node's media ports of the only call, both sides; offset 1: RTCP."""
        flows = self.node.ctl("call.show", call=self.calls()[0]["id"])["flows"]
        places = [flow["local"].rpartition(":") for flow in flows]
        return [(host.strip("[]"), int(port) + offset) for host, _, port in places]

    def dropped(self):
        """By reason, as the node counted them."""
        rows = [line for line in self.node.http("/metrics")[1].splitlines()
                if line.startswith("tandem_media_dropped_packets_total{")]
        return {line.split('"')[1]: int(float(line.rpartition(" ")[2])) for line in rows}

    def refused(self):
        """By the kernel: at sockets, and on a wire at its end and in AF_XDP's queues, where they are full."""
        found = kernel(self.node.process.pid)
        if place.PORT:
            found["wire"] = json.loads(ip("-s", "-j", "link", "show", NEAR).stdout)[0]["stats64"]["tx"]["dropped"]
        if place.PORT == "xdp":
            found |= {reason: int(self.node.metric("tandem_media_xdp_refused_packets_total", reason=reason)) for reason in ("no_frame", "ring_full")}
        if place.PORT == "dpdk":
            found["ring"] = self.rings.count()
        return found

    def flood(self, to, count, kinds=EVERYTHING, sources=((STRANGER, 0), (STRANGER, 0)), rate=RATE, ssrc=None):
        """Sends, and finds each packet again as a drop; ({reason: count}, {kernel's: count})."""
        if place.PORT == "dpdk":
            self.rings = Rings(self.node.process.pid)
            self.addCleanup(self.rings.close)
        before, kernel_before = self.dropped(), self.refused()
        lost = self.audio_a.lost() + self.audio_b.lost()
        plan = {"from": sources, "to": to, "kinds": kinds, "count": count, "rate": rate,
                "ssrc": self.audio_a.ssrc if ssrc is None else ssrc}
        done = json.loads(subprocess.run([sys.executable, os.path.join(HERE, "lib", "flood.py")], check=True,
                                         input=json.dumps(plan), capture_output=True, text=True).stdout)
        self.assertEqual((done["sent"], done["answers"]), (count, 0), "and nothing was sent to the stranger")
        end = time.monotonic() + PATIENCE_S
        while True:
            reasons = {name: value - before[name] for name, value in self.dropped().items() if value > before[name]}
            refused = {name: value - kernel_before[name] for name, value in self.refused().items()}
            lost_here = self.audio_a.lost() + self.audio_b.lost() - lost
            found = sum(reasons.values()) + sum(refused.values()) - count - lost_here
            strays = min(refused.get("ring", 0), STRAYS)        # frames that are none of media, to a full one
            if 0 <= found <= strays or time.monotonic() > end:
                break
            time.sleep(0.1)
        self.assertTrue(0 <= found <= strays, (found, count, lost_here, reasons, refused))
        self.assertLessEqual(lost_here, sum(refused.values()) - refused["NoPorts"], "only a full queue costs the parties a packet")
        print(f"# {self._testMethodName}: {count} in {done['seconds']:.1f} s: {reasons} {refused}", flush=True)
        return reasons, refused

    def untouched(self):
        """What both ends received is each other's alone."""
        for end, other in ((self.audio_a, self.audio_b), (self.audio_b, self.audio_a)):
            for packet in list(end.packets):
                self.assertNotIn(MARK, packet.payload)
            self.assertLessEqual(len({packet.ssrc for packet in end.packets}), 1)
            self.assertLessEqual(len({packet.source for packet in end.packets}), 1)
            self.assertEqual(end.strange, [])
            self.assertEqual([packet for packet in end.rtcp_packets if not is_report_of_node(packet[-1])], [])
            self.assertLessEqual(len(end.packets), other.sent)

    def talking(self, seconds=0.5):
        for end, hertz in ((self.audio_a, 440), (self.audio_b, 880)):
            end.start(hertz)
        time.sleep(seconds)

    def heard(self):
        """Both tones are whole, and the numbers go on without a gap."""
        time.sleep(0.6)
        until(lambda: not place.detours(self.node), lambda: place.detours(self.node))       # a flood delays who asks for neighbours
        for end, hertz in ((self.audio_a, 880), (self.audio_b, 440)):
            heard, share = end.heard()
            self.assertAlmostEqual(heard, hertz, delta=3)
            self.assertGreater(share, 0.95)
            self.assertLess(end.gap(), 0.5 * slowness())
        for end in (self.audio_a, self.audio_b):
            end.stop()
        self.untouched()

    def hang_up(self, out, into):
        out.bye()
        into.wait_bye()
        self.ended()


class Bleed(BleedTest):
    def test_a_ringing_phone(self):
        """No answer yet: the callee has named no address, and the caller's is not the stranger's."""
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.ring()
        out.wait_provisional(180)
        self.flood(self.ports() + self.ports(1), 80000)
        into.answer(self.audio_b.sdp())
        self.audio_a.use(out.wait_answer())
        self.audio_b.use(into.request)
        self.talking()
        self.heard()
        self.hang_up(out, into)

    def test_early_media(self):
        self.node.ctl("extension.put", secret="secret1001\n", number="1001", password="-", early_media="true")
        out = self.a.invite("1002", self.audio_a.sdp())
        into = self.b.incoming()
        into.respond(183, "Session Progress", body=self.audio_b.sdp())
        self.audio_a.use(out.wait_provisional(183))
        self.flood(self.ports(), 40000)
        self.audio_b.use(into.request).start(880)
        self.audio_a.wait_packets(10)
        self.flood(self.ports(), 80000)
        self.audio_a.wait_packets(30)
        self.audio_b.stop()
        self.assertAlmostEqual(self.audio_a.heard()[0], 880, delta=3)
        self.untouched()
        into.answer(self.audio_b.sdp())
        out.wait_answer()
        self.hang_up(out, into)

    def test_before_the_first_packet(self):
        """Answered, but nobody has spoken: the first packet of all is a stranger's."""
        out, into, _ = self.connect()
        self.flood(self.ports() + self.ports(1), 60000)
        self.untouched()
        self.talking()
        self.heard()
        self.hang_up(out, into)

    def test_a_call_under_way(self):
        """From another host, and from the parties' own at other ports, with and without their SSRC."""
        out, into, _ = self.connect()
        self.talking(2 if place.FORWARD else 0.5)       # until the kernel forwards what they say
        part = 8 if place.PORT else 1                   # it was a million over sockets
        self.flood(self.ports(), 120000 // part)
        self.flood(self.ports(), 120000 // part, sources=((PARTY, 0), (PARTY, 0)))
        self.flood(self.ports(1), 70000 // part)
        self.heard()
        place.forwarded(self.node, self.audio_a.sent + self.audio_b.sent)
        self.hang_up(out, into)

    def test_a_call_that_has_been_stable(self):
        """After 5 s the kernel refuses strangers itself, and our counters and its counters have them all."""
        out, into, _ = self.connect()
        self.talking(6.0)
        _, refused = self.flood(self.ports(), 100000, sources=((STRANGER, 0), (PARTY, 0)))
        self.assertEqual(refused["NoPorts"], 100000, "the sockets are connected")
        self.flood(self.ports(1), 50000)
        self.heard()
        self.hang_up(out, into)

    def test_a_call_on_hold(self):
        out, into, _ = self.connect()
        self.talking()
        for end in (self.audio_a, self.audio_b):
            end.stop()
        waiting = threading.Thread(target=into.wait_reinvite, args=(
            self.audio_b.sdp(direction="inactive", version=2),))
        waiting.start()
        self.assertEqual(out.reinvite(self.audio_a.sdp(direction="inactive", version=2)).status, 200)
        waiting.join()
        reasons, _ = self.flood(self.ports() + self.ports(1), 60000)
        self.assertNotIn("not_receiving", reasons, "a stranger is one on hold, too")
        self.untouched()
        self.hang_up(out, into)

    def test_sizes(self):
        """Longer than any packet of a phone, up to what UDP takes."""
        out, into, _ = self.connect()
        self.talking()
        self.flood(self.ports() + self.ports(1), 6000, ("huge",), rate=2000)
        self.heard()
        self.hang_up(out, into)


class Six(BleedTest):
    """The same over IPv6."""

    def setUp(self):
        self.node = Node(everything=True)
        self.addCleanup(self.node.close)
        for number in ("1001", "1002"):
            self.node.put_extension(number, "secret" + number)
        self.a, self.b = (UserAgent(("::1", self.node.sip_port), number, "secret" + number, "::1")
                          for number in ("1001", "1002"))
        self.audio_a, self.audio_b = (Media(self.node.ports, "::1") for _ in range(2))
        for thing in (self.a, self.b, self.audio_a, self.audio_b):
            self.addCleanup(thing.close)
        for agent in (self.a, self.b):
            self.assertEqual(agent.register().status, 200)

    def test_ipv6(self):
        """Before the first packet, and in a call under way."""
        out, into, _ = self.connect()
        self.flood(self.ports() + self.ports(1), 30000, sources=((STRANGER_6, 0),))
        self.talking()
        self.flood(self.ports(), 40000, sources=((STRANGER_6, 0), ("::1", 0)))
        self.flood(self.ports(1), 20000, sources=((STRANGER_6, 0),))
        self.heard()
        self.hang_up(out, into)


class Encrypted(BleedTest):
    """The same where the parties speak SRTP."""

    def test_srtp(self):
        """Before the first packet, and in a call under way, from the parties' host as well."""
        for number in ("1001", "1002"):
            self.node.ctl("extension.put", secret=f"secret{number}\n", number=number, password="-",
                          sdes_insecure="true")
        self.audio_a.key_out, self.audio_b.key_out = Key(), Key()
        out, into, _ = self.connect()
        self.flood(self.ports() + self.ports(1), 30000, sources=((STRANGER, 0), (PARTY, 0)))
        self.talking()
        self.flood(self.ports() + self.ports(1), 60000, sources=((STRANGER, 0), (PARTY, 0)))
        self.heard()
        self.assertEqual((self.audio_a.forged, self.audio_b.forged), (0, 0))
        self.hang_up(out, into)


class Strict(BleedTest):
    settings = {"media": {"latch": "strict"}}

    def test_the_parties_host_is_not_enough(self):
        """strict: before the first packet, too, only the signalled port is believed."""
        out, into, _ = self.connect()
        self.flood(self.ports(), 50000, sources=((PARTY, 0), (STRANGER, 0)))
        self.talking()
        self.heard()
        self.hang_up(out, into)


if __name__ == "__main__":
    unittest.main()
