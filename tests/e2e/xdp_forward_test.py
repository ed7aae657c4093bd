# SPDX-License-Identifier: Apache-2.0
"""Plain RTP that the kernel forwards itself, with media.port: xdp. The wire's near end takes back what a program at the far end sends."""
import os
import re
import signal
import time
import unittest

from lib.wire import FAR, NEAR, ip, sum_in_software, take_back
from patience import until
from xdp_test import IPV4, IPV6, XdpTest


ALIVE_S = 3


class ForwardedTest(XdpTest):
    media = {"xdp_forward": "on", "xdp_forward_alive": "60s"}       # a node that gets no processor for seconds does not fall silent

    @classmethod
    def prepare(cls):
        sum_in_software()
        cls.addClassCleanup(os.close, take_back())

    def forwarded(self):
        return self.node.metric("tandem_media_forwarded_packets_total")

    def until_forwarded(self, more=20):
        """While both speak."""
        before = self.forwarded()
        self.wait("packets that are forwarded", lambda: self.forwarded() >= before + more)

    def speak(self, *ends):
        for agent, hertz in zip(ends, (440, 880)):
            agent.audio.start(hertz)

    def hush(self, *ends):
        for agent in ends:
            agent.audio.stop()

    def arrive(self, *ends):
        """All that they have said is with the node, and all that it has sent with them."""
        [call] = self.node.ctl("call.list")
        stats = {}

        def arrived():
            nonlocal stats
            stats = {int(flow["remote"].rpartition(":")[2]): flow["stats"] for flow in self.node.ctl("call.show", call=call["id"])["flows"]}
            return all(stats[agent.audio.port] and stats[agent.audio.port]["packets_out"] == len(agent.audio.packets) for agent in ends) and \
                sum(stats[agent.audio.port]["packets_in"] for agent in ends) == sum(agent.audio.sent for agent in ends)
        until(arrived, lambda: f"{stats}; " + ", ".join(f"{agent.audio.port} sent {agent.audio.sent} and had {len(agent.audio.packets)}" for agent in ends))

    def whole(self, *ends):
        """Each heard all that was said, once, in order."""
        self.arrive(*ends)
        for agent in ends:
            numbers = [packet.seq for packet in agent.audio.audio()]
            steps = {(b - a) & 0xffff for a, b in zip(numbers, numbers[1:])}
            self.assertEqual(agent.audio.lost(), 0)
            self.assertEqual(len(set(numbers)), len(numbers))
            self.assertTrue(all(step < 30 for step in steps), steps)

    def counted(self, a, b):
        """What the node says of each leg is what the phones sent."""
        [call] = self.node.ctl("call.list")
        flows = self.node.ctl("call.show", call=call["id"])["flows"]
        for agent in (a, b):
            flow = next(flow for flow in flows if flow["remote"].endswith(f":{agent.audio.port}"))
            self.assertEqual(flow["stats"]["packets_in"], agent.audio.sent)
            self.assertEqual(flow["stats"]["lost"], 0)


class Forwarded(ForwardedTest):
    def plain(self, family=()):
        a, b = self.phone("1001", *family), self.phone("1002", *family)
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded(100)
        self.hush(a, b)
        self.whole(a, b)
        self.assertEqual(len(a.audio.audio()), b.audio.sent)
        self.assertEqual(len(b.audio.audio()), a.audio.sent)
        self.assertEqual({packet.tos >> 2 for packet in b.audio.audio()[-20:]}, {46})
        self.counted(a, b)
        self.hang_up(*dialogs)

    def test_ipv4(self):
        self.plain()

    def test_ipv6(self):
        self.plain((IPV6,))

    def test_digits_of_a_party(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded()
        a.audio.stop()
        a.audio.digit("7")
        a.audio.start(440)
        self.until_forwarded()
        self.hush(a, b)
        self.whole(a, b)
        self.assertEqual(b.audio.digits(), "7")
        self.counted(a, b)
        self.hang_up(*dialogs)

    def test_digits_of_ours(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded()
        [call] = self.node.ctl("call.list")
        self.node.ctl("call.dtmf", call=call["id"], leg="b", digits="12")
        self.assertEqual(b.audio.wait_digits("12"), "12")
        self.until_forwarded()
        self.hush(a, b)
        self.whole(a, b)
        self.hang_up(*dialogs)

    def test_a_source_that_changes(self):
        """Its numbers begin anew, for the other party they go on."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded()
        a.audio.stop()
        a.audio.ssrc, a.audio.seq, a.audio.ts = a.audio.ssrc ^ 1, 7, 0
        a.audio.start(440)
        self.until_forwarded()
        self.hush(a, b)
        self.whole(a, b)
        self.assertEqual(len({packet.ssrc for packet in b.audio.audio()}), 1)
        self.hang_up(*dialogs)

    def test_strangers(self):
        """What they send is heard by nobody, and switches nothing off."""
        a, b = self.phone("1001"), self.phone("1002")
        stranger = self.phone("1003")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded()
        for _ in range(50):
            stranger.audio.send(b"\xee" * 160, to=a.audio.remote)
        self.until_forwarded()
        self.hush(a, b)
        self.whole(a, b)
        self.assertFalse([packet for packet in b.audio.audio() if packet.payload == b"\xee" * 160])
        self.hang_up(*dialogs)

    def rerouted(self, call, party, hops):
        """Until the log names the call's next hops."""
        line = re.compile(f"call={call} .*next hop has changed.* party={party}:.* {hops}")
        self.wait("the next hop in the log", lambda: line.search(self.node.log_text()))

    def until_both_forwarded(self):
        """In both directions: the next hop of one may be in doubt, and nobody is told of another one then."""
        def none_by_the_process():
            before = self.unarmed()
            self.until_forwarded()
            return self.unarmed() == before
        self.wait("both directions to be forwarded", none_by_the_process)

    def test_a_next_hop_that_is_told(self):
        """From then on the kernel forwards to that one, and the log says so."""
        ip("addr", "add", "10.77.0.3/24", "dev", NEAR)
        a, b = self.phone("1001"), self.phone("1002", (IPV4[0], "10.77.0.3"))
        dialogs = self.call(a, b)
        [call] = self.node.ctl("call.list")
        neighbour = ["neigh", "replace", "10.77.0.3", "dev", FAR, "nud", "permanent", "lladdr"]
        mac, other = self.wire.near_mac(), "02:00:00:00:00:99"
        self.speak(a, b)
        self.until_both_forwarded()
        self.wire.ip(*neighbour, other)
        self.rerouted(call["id"], "10.77.0.3", f'was="{mac} .* now="{other} ')
        self.until_forwarded()
        heard = len(b.audio.packets)
        self.until_both_forwarded()
        self.assertEqual(len(b.audio.packets), heard, "sent to the former station")
        self.wire.ip(*neighbour, mac)
        self.rerouted(call["id"], "10.77.0.3", f'was="{other} .* now="{mac} ')
        b.audio.wait_packets(20, since=time.monotonic())
        self.until_forwarded()
        self.hush(a, b)
        self.hang_up(*dialogs)

    def test_a_next_hop_that_moves(self):
        """Nobody says where to, and all packets are the kernel's. It is asked all the same, and finds out by its own probes."""
        for name, value in (("base_reachable_time_ms", 1000), ("retrans_time_ms", 200), ("delay_first_probe_time", 1)):
            self.set_far(f"ipv4/neigh/{FAR}/{name}", value)
        ip("addr", "add", "10.77.0.4/24", "dev", NEAR)
        a, b = self.phone("1001"), self.phone("1002", (IPV4[0], "10.77.0.4"))
        dialogs = self.call(a, b)
        [call] = self.node.ctl("call.list")
        other = "02:00:00:00:00:98"
        self.speak(a, b)
        self.until_forwarded()
        self.wire.ip("neigh", "replace", "10.77.0.4", "dev", FAR, "nud", "stale", "lladdr", other)
        self.rerouted(call["id"], "10.77.0.4", f'.*"{other} ')        # to it, or from it: one may be while nothing is forwarded
        b.audio.wait_packets(50, seconds=20, since=time.monotonic())
        self.until_forwarded()
        self.hush(a, b)
        self.hang_up(*dialogs)

    def test_the_call_ends(self):
        """From then on nothing is forwarded."""
        a, b = self.phone("1001"), self.phone("1002")
        out, into = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded()
        self.hang_up(out, into)
        self.hush(a, b)
        for _ in range(20):
            a.audio.send(b"\xee" * 160)
        time.sleep(0.3)
        self.assertFalse([packet for packet in b.audio.audio() if packet.payload == b"\xee" * 160])

    def test_the_node_is_killed(self):
        """Media goes on while there is no process, and with the next one: nothing is lost, each packet is counted once."""
        self.goes_on_over_a_kill()

    def goes_on_over_a_kill(self):
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded(60)
        self.node.kill()
        killed = time.monotonic()
        b.audio.wait_packets(20, since=killed)
        self.node.restart()
        self.until_forwarded()
        self.hush(a, b)
        self.whole(a, b)
        self.assertEqual(len(a.audio.audio()), b.audio.sent)
        self.assertEqual(len(b.audio.audio()), a.audio.sent)
        self.assertFalse(self.unarmed(), "no packet went by the process")
        self.counted(a, b)
        self.hang_up(*dialogs)
        self.wait("the CDR", lambda: self.cdr_of(a))
        cdr = self.cdr_of(a)
        self.assertEqual([int(cdr[name]) for name in ("a_packets_in", "a_packets_out", "b_packets_in", "b_packets_out")],
                         [a.audio.sent, b.audio.sent, b.audio.sent, a.audio.sent])

    def test_its_interface_is_made_again(self):
        """And then the node is killed: the keeper has the new link, too."""
        ip("link", "del", NEAR)
        self.wire.again(queues=self.queues)
        sum_in_software()
        self.addClassCleanup(os.close, take_back())
        self.wait("the interface", lambda: self.node.metric("tandem_media_xdp_interfaces") == 1)
        self.goes_on_over_a_kill()

    def cdr_of(self, caller):
        return next((cdr for cdr in self.node.ctl("cdr.list", limit=100) if cdr["from"] == caller.number), None)

    def unarmed(self):
        """Packets that this process carried itself."""
        return self.node.metric("tandem_media_packets_total", direction="in") - self.forwarded()


class Silence(ForwardedTest):
    media = {"xdp_forward": "on", "xdp_forward_alive": f"{ALIVE_S}s"}

    def test_the_node_hangs(self):
        """The kernel goes on for as long as it is told to, and then falls silent."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded(60)
        os.kill(self.node.process.pid, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            b.audio.wait_packets(50, since=stopped)
            time.sleep(max(0, stopped + ALIVE_S + 0.5 - time.monotonic()))
            silent = time.monotonic()
            time.sleep(0.3)
            self.assertFalse([packet for packet in b.audio.audio() if packet.at > silent])
        finally:
            os.kill(self.node.process.pid, signal.SIGCONT)
        b.audio.wait_packets(20, since=time.monotonic())
        self.hush(a, b)
        self.hang_up(*dialogs)

    def test_nobody_comes_back(self):
        """A node that was killed speaks for as long as one that hangs, and then falls silent. A late start goes on with the call."""
        a, b = self.phone("1001"), self.phone("1002")
        dialogs = self.call(a, b)
        self.speak(a, b)
        self.until_forwarded(60)
        self.node.kill()
        killed = time.monotonic()
        time.sleep(ALIVE_S + 0.3)
        silent = time.monotonic()
        time.sleep(0.3)
        self.assertFalse([packet for packet in b.audio.audio() if packet.at > silent])
        self.assertGreater(max(packet.at for packet in b.audio.audio()), killed + ALIVE_S - 0.5)
        self.node.restart()
        b.audio.wait_packets(20, since=time.monotonic())
        self.until_forwarded()
        self.hush(a, b)
        self.hang_up(*dialogs)


class Auto(Forwarded):
    """A veth is not known to take frames back, so nothing is forwarded there unless somebody says so."""
    media = {}

    def until_forwarded(self, more=20):
        time.sleep(1)
        self.assertEqual(self.forwarded(), 0)

    test_digits_of_a_party = test_digits_of_ours = test_a_source_that_changes = test_strangers = test_ipv6 = None
    test_the_call_ends = test_a_next_hop_that_is_told = test_a_next_hop_that_moves = None
    test_the_node_is_killed = test_its_interface_is_made_again = None


if __name__ == "__main__":
    unittest.main()
